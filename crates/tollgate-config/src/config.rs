//! [`Config`]: a gate, its issuers and its policies, as a document describes them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::document::{Document, Places, UNKNOWN_MEMBER};
use crate::error::DocumentError;
use crate::settings::gate::GateTable;
use crate::settings::issuer::IssuerEntry;
use crate::settings::policy::PolicySetting;
use crate::settings::provider;

/// A gate, its issuers and its policies, as a document describes them. The [crate documentation](crate) has a document
/// with all members.
///
/// Read it with [`Document::config`], whose errors name the place of a wrong value. It is also a serde type, which can
/// be part of the application's own settings in any format; errors then name the member alone.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    pub(crate) gate: GateTable,
    pub(crate) issuers: Vec<IssuerEntry>,
    #[serde(default)]
    pub(crate) policies: BTreeMap<Box<str>, PolicySetting>,
    #[cfg(feature = "sessions")]
    pub(crate) sessions: Option<crate::settings::sessions::SessionsTable>,
    #[cfg(not(feature = "sessions"))]
    #[serde(default, rename = "sessions")]
    pub(crate) _sessions: Option<NeedsFeature>,
    #[serde(skip)]
    pub(crate) source: Option<ReadFrom>,
}

/// The table `[sessions]` in a build that cannot apply it.
#[cfg(not(feature = "sessions"))]
#[derive(Clone)]
pub(crate) enum NeedsFeature {}

#[cfg(not(feature = "sessions"))]
impl<'de> Deserialize<'de> for NeedsFeature {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "needs the feature `sessions` of tollgate-config; enable it, or remove the table",
        ))
    }
}

/// The document that a configuration was read from.
#[derive(Clone)]
pub(crate) struct ReadFrom {
    pub(crate) places: Arc<Places>,
    pub(crate) file: Option<Arc<Path>>,
}

impl Config {
    /// Reads the configuration in the file at `path`, without environment variables.
    ///
    /// # Errors
    /// [`DocumentError`] when the file cannot be read, is not TOML, or has a wrong member.
    pub fn from_toml_file(path: impl AsRef<Path>) -> Result<Self, DocumentError> {
        Document::from_file(path)?.config()
    }

    /// Reads the configuration in a text, without environment variables.
    ///
    /// # Errors
    /// [`DocumentError`] when the text is not TOML, or has a wrong member.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        Document::from_toml(text)?.config()
    }
}

impl Document {
    /// Reads the configuration.
    ///
    /// # Errors
    /// [`DocumentError`] when a member is unknown or missing, or its value has the wrong type or form.
    pub fn config(&self) -> Result<Config, DocumentError> {
        let mut config: Config = self.read().map_err(|error| self.with_members_of_provider(error))?;
        config.source = Some(ReadFrom { places: Arc::new(self.places()), file: self.file() });
        Ok(config)
    }

    /// Names the members that an issuer can have, which depend on its provider, if the error is an unknown member.
    fn with_members_of_provider(&self, mut error: DocumentError) -> DocumentError {
        let path: Vec<&str> = error.member.split('.').collect();
        if let ["issuers", index, member] = *path
            && *error.problem == *UNKNOWN_MEMBER
        {
            let provider = self.text(&["issuers", index, "provider"]);
            error.mend = Some(provider::mend_of_unknown(member, provider).into());
        }
        error
    }
}

/// Shows no secret: secrets in the document have a type that hides them.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("gate", &self.gate)
            .field("issuers", &self.issuers)
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}
