//! Variables of the environment, and what can be wrong with them.

use std::env::{self, VarError};
use std::io;
use std::net::SocketAddr;

use tollgate::KeyError;
use tollgate_jwks::StartError;
use tollgate_sessions::{IssueError, SigningKeyError};

/// What the applications understand.
const KNOWN: [&str; 14] = [
    "TOLLGATE_ACCESS_TTL",
    "TOLLGATE_ADDR",
    "TOLLGATE_AUDIENCE",
    "TOLLGATE_CACHE",
    "TOLLGATE_DATA",
    "TOLLGATE_DISCOVER",
    "TOLLGATE_ISSUER",
    "TOLLGATE_JWKS_FILE",
    "TOLLGATE_JWKS_LIFETIME",
    "TOLLGATE_JWKS_URL",
    "TOLLGATE_PUBLIC_ORIGIN",
    "TOLLGATE_SECRET",
    "TOLLGATE_SECRET_FILE",
    "TOLLGATE_TOKEN_SOURCES",
];
/// What belongs to parts that are not there yet. Setting one must not be ignored.
const PLANNED: [&str; 4] =
    ["TOLLGATE_DEMO_EMAIL", "TOLLGATE_DEMO_PASSWORD", "TOLLGATE_REFRESH_WINDOW", "TOLLGATE_STORE"];
/// What the tests and the build understand.
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
    /// A variable that nothing reads.
    #[error("{name} is {what}; unset it")]
    Unknown {
        /// The variable.
        name: String,
        /// Why nothing reads it.
        what: &'static str,
    },
    /// A variable has a value that cannot be used.
    #[error("{name}: {problem}")]
    Value {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The key set or secret cannot be used.
    #[error("{name} cannot be used")]
    Key {
        /// The variable that it comes from.
        name: &'static str,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The remote key set cannot be set up.
    #[error("{name} cannot be used")]
    Remote {
        /// The variable that it comes from.
        name: &'static str,
        /// Why.
        #[source]
        source: StartError,
    },
    /// A file that a variable names cannot be read.
    #[error("{name}: {path} cannot be read")]
    File {
        /// The variable.
        name: &'static str,
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The generated signing key cannot be used.
    #[error("the signing key cannot be used")]
    SigningKey(#[source] SigningKeyError),
    /// The generated signing key cannot be kept.
    #[error("TOLLGATE_DATA: the signing key cannot be kept at {path}")]
    Data {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file with the signing key holds something else.
    #[error("{path} is not the signing key that was kept there; delete it to have a new one made")]
    NotTheKey {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: SigningKeyError,
    },
    /// The signing key lies open.
    #[error(
        "{path} can be read by others than its owner; `chmod 600` it, or delete it to have a new key made"
    )]
    ReadableByOthers {
        /// The file.
        path: String,
    },
    /// The demo token cannot be issued.
    #[error("the demo token cannot be issued")]
    Issue(#[from] IssueError),
    /// The address is taken, or not ours.
    #[error("TOLLGATE_ADDR: cannot listen on {addr}; choose another, such as TOLLGATE_ADDR=127.0.0.1:3001")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Every variable that begins like ours has to be one of ours: a name with a typo is a setting that is not made.
pub(crate) fn check_names() -> Result<(), SettingsError> {
    let mut names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.find(|name| {
        name.starts_with("TOLLGATE_") && !KNOWN.contains(&name.as_str()) && !OTHERS.contains(&name.as_str())
    });
    let Some(name) = unknown else { return Ok(()) };
    let planned = PLANNED.contains(&name.as_str());
    let what =
        if planned { "planned and not supported by this version" } else { "no setting of this application" };
    Err(SettingsError::Unknown { name, what })
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

pub(crate) fn invalid(name: &'static str, problem: impl Into<String>) -> SettingsError {
    SettingsError::Value { name, problem: problem.into() }
}
