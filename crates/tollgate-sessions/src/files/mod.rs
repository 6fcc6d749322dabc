//! Secrets and keys in files and environment variables.

pub(crate) mod environment;
mod key_files;
pub(crate) mod private_file;

pub use environment::SecretSourceError;
pub(crate) use key_files::KeyFiles;
pub use private_file::PrivateFileError;
