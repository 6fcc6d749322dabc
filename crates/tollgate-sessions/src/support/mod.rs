//! Small helpers that several modules of this crate share.

mod cancel;
mod counter;
mod digest;
mod entropy;
mod retry;
mod setting_error;

pub(crate) use cancel::{CancelFlag, CancelOnDrop};
pub(crate) use counter::Counter;
pub(crate) use digest::first_bytes;
pub use entropy::EntropyError;
pub(crate) use entropy::fill_random;
pub(crate) use retry::RETRY_AFTER;
pub use setting_error::SettingError;
