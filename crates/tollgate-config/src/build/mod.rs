//! Builds the gate and the policies of a [`Config`].

mod at;
mod checks;
mod files;
mod gate;
mod issuer;
mod keys;
mod mend;
mod network;
mod policy;
mod provider;
mod remote;
#[cfg(feature = "sessions")]
mod sessions;

use std::collections::BTreeMap;

use tollgate::{Gate, Policy, ResourceMetadata};
use tollgate_jwks::{PemKeySet, RemoteKeySet};

use crate::config::Config;
use crate::error::DocumentError;
use at::At;
use files::Files;
use remote::{RemoteKeys, Start};

#[cfg(feature = "sessions")]
pub use sessions::SessionsConfig;

/// What a [`Config`] describes, ready for use.
#[derive(Clone, Debug)]
pub struct Built {
    gate: Gate,
    /// The policy that `gate` requires.
    policy: Option<Policy>,
    metadata: Option<ResourceMetadata>,
    policies: BTreeMap<Box<str>, Policy>,
    remote: Vec<RemoteKeys>,
    #[cfg(feature = "sessions")]
    sessions: Option<SessionsConfig>,
}

impl Built {
    /// Returns the gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn gate_policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Returns the metadata in `[gate.resource]`, which the application serves.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.metadata.as_ref()
    }

    /// Returns the policy with this name in `[policies]`.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.get(name)
    }

    /// Returns the policies of `[policies]`, by name.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.policies.iter().map(|(name, policy)| (&**name, policy))
    }

    /// Returns the JWK Sets that are fetched from issuers, for the readiness check of the application.
    pub fn remote_key_sets(&self) -> impl Iterator<Item = &RemoteKeySet> {
        self.remote.iter().filter_map(RemoteKeys::jwk_set)
    }

    /// Returns the key sets whose keys are fetched one by one, for the metrics of the application.
    pub fn pem_key_sets(&self) -> impl Iterator<Item = &PemKeySet> {
        self.remote.iter().filter_map(RemoteKeys::pem_key_set)
    }

    /// Returns the settings of sessions, if the document has the table `[sessions]`.
    #[cfg(feature = "sessions")]
    #[must_use]
    pub fn sessions(&self) -> Option<&SessionsConfig> {
        self.sessions.as_ref()
    }
}

impl Config {
    /// Builds the gate and the policies. Reads the files and variables that the document names, and starts to fetch
    /// remote keys.
    ///
    /// Until the first keys of an issuer arrive, requests with its tokens wait for them, and get 503 if the fetch
    /// fails. With `required_at_start` in the table `refresh` of the issuer, this call waits for them instead.
    ///
    /// # Errors
    /// [`DocumentError`] names the member that cannot be used. Its source is the error of the core, of
    /// `tollgate-jwks` or of the file.
    pub async fn build(&self) -> Result<Built, DocumentError> {
        self.build_with(&[], Start::AsConfigured).await
    }

    /// Builds as [`build`](Self::build) does, but takes over the remote keys that `previous` has already fetched, and
    /// waits for the first fetch of all others.
    pub(crate) async fn rebuild(&self, previous: &Built) -> Result<Built, DocumentError> {
        self.build_with(&previous.remote, Start::WithKeys).await
    }

    /// Wraps the error of a change that the application makes to the gate.
    pub(crate) fn refused(&self, error: tollgate::ConfigError) -> DocumentError {
        At::root(self).member("gate").failed(error, "the application cannot use this gate")
    }

    async fn build_with(&self, known: &[RemoteKeys], start: Start) -> Result<Built, DocumentError> {
        let root = At::root(self);
        let files = Files::beside(self.source.as_ref().and_then(|from| from.file.as_deref()));
        let policies = policy::build_all(&root.member("policies"), &self.policies)?;
        // All that needs no network comes first, so that a wrong document causes no requests.
        let mut entries = Vec::new();
        for (index, entry) in self.issuers.iter().enumerate() {
            let at = root.member("issuers").index(index);
            entries.push(issuer::prepare(at, entry, &files)?);
        }
        let at = root.member("gate");
        let policy = gate::policy(&at, &self.gate, &policies, &self.policies)?;
        let resource = self.gate.resource.as_ref();
        let metadata = resource.map(|table| gate::metadata(&at.member("resource"), table)).transpose()?;
        let gate_of = gate::prepare(&at, &self.gate, policy.clone(), metadata.clone())?;
        #[cfg(feature = "sessions")]
        let sessions = self
            .sessions
            .as_ref()
            .map(|table| sessions::build(&root.member("sessions"), table, &files))
            .transpose()?;
        let mut verifiers = Vec::new();
        let mut remote = Vec::new();
        for prepared in entries {
            let (verifier, keys) = prepared.finish(known, start).await?;
            verifiers.push(verifier);
            remote.extend(keys);
        }
        let gate = gate_of(gate::of_verifiers(&root.member("issuers"), &self.issuers, &verifiers)?)?;
        Ok(Built {
            gate,
            policy,
            metadata,
            policies,
            remote,
            #[cfg(feature = "sessions")]
            sessions,
        })
    }
}
