//! Small helpers without a subject of their own.

mod cancel;
mod counter;
mod digest;
mod entropy;
mod setting_error;

pub(crate) use cancel::{CancelFlag, CancelOnDrop};
pub(crate) use counter::Counter;
pub(crate) use digest::first_bytes;
pub use entropy::EntropyError;
pub(crate) use entropy::fill_random;
pub use setting_error::SettingError;
