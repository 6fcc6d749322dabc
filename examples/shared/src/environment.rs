//! Environment variables, and [`SettingsError`] for bad ones.

use std::env::{self, VarError};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tollgate::KeyError;
use tollgate_config::DocumentError;
use tollgate_jwks::StartError;
use tollgate_sessions::accounts::passwords::{HashError, PasswordsError};
use tollgate_sessions::issuing::{KeyRingError, SigningKeyError};
use tollgate_sessions::sessions::tokens::RefreshKeyError;
use tollgate_sessions::store::StoreError;

/// The variables that the applications read.
const KNOWN: [&str; 22] = [
    "TOLLGATE_ACCESS_TTL",
    "TOLLGATE_ADDR",
    "TOLLGATE_AUDIENCE",
    "TOLLGATE_CACHE",
    "TOLLGATE_CONFIG",
    "TOLLGATE_CSRF_TOKENS",
    "TOLLGATE_DATA",
    "TOLLGATE_DEMO_EMAIL",
    "TOLLGATE_DEMO_PASSWORD",
    "TOLLGATE_DISCOVER",
    "TOLLGATE_FORWARDED_HEADER",
    "TOLLGATE_ISSUER",
    "TOLLGATE_JWKS_FILE",
    "TOLLGATE_JWKS_LIFETIME",
    "TOLLGATE_JWKS_URL",
    "TOLLGATE_PUBLIC_ORIGIN",
    "TOLLGATE_REFRESH_WINDOW",
    "TOLLGATE_SECRET",
    "TOLLGATE_SECRET_FILE",
    "TOLLGATE_STORE",
    "TOLLGATE_TOKEN_SOURCES",
    "TOLLGATE_TRUSTED_PROXIES",
];
/// The variables that the tests and the build read.
const OTHERS: [&str; 5] = [
    "TOLLGATE_ADVISORIES",
    "TOLLGATE_CONFORMANCE_REPORT",
    "TOLLGATE_FAULTS_REPORT",
    "TOLLGATE_SOAK_SECS",
    "TOLLGATE_TEST_SERVICES",
];

/// Why the application does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The application does not know this `TOLLGATE_` variable.
    #[error("{name} is not a setting of this application; unset it")]
    Unknown {
        /// The name of the variable.
        name: String,
    },
    /// The variable names a member of a document, and there is no document.
    #[error(
        "{name} is a member of the document of TOLLGATE_CONFIG, which is not set; set it, or unset {name}"
    )]
    NeedsConfig {
        /// The name of the variable.
        name: String,
    },
    /// The document cannot be read, or its gate cannot be built.
    #[error("TOLLGATE_CONFIG cannot be used")]
    Config(#[source] DocumentError),
    /// A variable has a bad value.
    #[error("{name}: {problem}")]
    Value {
        /// The name of the variable.
        name: &'static str,
        /// What is wrong with the value.
        problem: String,
    },
    /// The key set or secret cannot be used.
    #[error("{name} cannot be used")]
    Key {
        /// The name of the variable that it comes from.
        name: &'static str,
        /// The error of the key set or secret.
        #[source]
        source: KeyError,
    },
    /// The remote key set cannot be set up.
    #[error("{name} cannot be used")]
    Remote {
        /// The name of the variable that it comes from.
        name: &'static str,
        /// The error of the remote key set.
        #[source]
        source: StartError,
    },
    /// A file that a variable names cannot be read.
    #[error("{name}: {path} cannot be read")]
    File {
        /// The name of the variable.
        name: &'static str,
        /// The path of the file.
        path: String,
        /// The IO error.
        #[source]
        source: io::Error,
    },
    /// The secret cannot sign.
    #[error("the secret cannot be used for signing")]
    SigningKey(#[source] SigningKeyError),
    /// The signing keys cannot be stored, or the stored ones cannot be used.
    #[error("TOLLGATE_DATA: the signing keys in {path} cannot be used")]
    SigningKeys {
        /// The directory of the keys.
        path: String,
        /// The error of the key ring.
        #[source]
        source: KeyRingError,
    },
    /// The keys of refresh tokens cannot be stored, or the stored ones cannot be used.
    #[error("TOLLGATE_DATA: the keys of refresh tokens in {path} cannot be used")]
    RefreshKeys {
        /// The directory of the keys.
        path: String,
        /// The error of the refresh keys.
        #[source]
        source: RefreshKeyError,
    },
    /// The session store cannot be opened.
    #[error("TOLLGATE_STORE cannot be used")]
    Store(#[source] StoreError),
    /// The user database cannot be opened.
    #[error("TOLLGATE_DATA: the accounts in {path} cannot be used")]
    Users {
        /// The path of the user database.
        path: String,
        /// The error of the user store.
        #[source]
        source: StoreError,
    },
    /// Passwords cannot be checked.
    #[error("passwords cannot be checked")]
    Passwords(#[from] PasswordsError),
    /// The password of the demo account cannot be hashed.
    #[error("the password of the demo account cannot be hashed")]
    DemoPassword(#[from] HashError),
    /// The demo account cannot be created or changed.
    #[error("the demo account cannot be created or changed")]
    DemoAccount(#[source] StoreError),
    /// The application cannot listen on the address: another process uses it, or this machine does not have it.
    #[error("TOLLGATE_ADDR: cannot listen on {addr}; choose another, such as TOLLGATE_ADDR=127.0.0.1:3001")]
    Listen {
        /// The address of `TOLLGATE_ADDR`.
        addr: SocketAddr,
        /// The IO error.
        #[source]
        source: io::Error,
    },
}

/// Rejects unknown variables with our prefix: a misspelled name would be a setting without effect.
pub(crate) fn check_names() -> Result<(), SettingsError> {
    let mut names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.find(|name| {
        // Names with two underscores are members of the document, which `config` checks.
        let is_ours = name.starts_with("TOLLGATE_") && !name.contains("__");
        is_ours && !KNOWN.contains(&name.as_str()) && !OTHERS.contains(&name.as_str())
    });
    unknown.map_or(Ok(()), |name| Err(SettingsError::Unknown { name }))
}

pub(crate) fn is_set(name: &str) -> bool {
    env::var_os(name).is_some()
}

pub(crate) fn text(name: &'static str, default: &str) -> Result<String, SettingsError> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(invalid(name, "is empty; unset it to use the default")),
        Ok(value) => Ok(value),
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        Err(VarError::NotUnicode(_)) => Err(invalid(name, "is not UTF-8")),
    }
}

/// Returns the value of a variable in seconds, or the default.
pub(crate) fn seconds(name: &'static str, default: u64) -> Result<Duration, SettingsError> {
    let secs = text(name, &default.to_string())?.parse();
    secs.map(Duration::from_secs).map_err(|_cause| invalid(name, "is not a number of seconds"))
}

pub(crate) fn invalid(name: &'static str, problem: impl Into<String>) -> SettingsError {
    SettingsError::Value { name, problem: problem.into() }
}
