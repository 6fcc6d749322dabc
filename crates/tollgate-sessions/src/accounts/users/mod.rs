//! [`User`]s, and [`UserStore`], the trait of the stores that keep them.

mod login_name;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod user;

pub use login_name::{LoginName, ParseLoginNameError};
pub use memory::MemoryUsers;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteUsers;
pub use store::{AddOutcome, UserStore};
pub use user::{NewUser, StoredCredential, User};
