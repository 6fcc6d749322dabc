//! [`VerifierDirectory`]: verifiers of issuers that come and go, looked up by the application.

mod lookup;
mod settings;
mod status;

use std::fmt;
use std::sync::Arc;

use tollgate::{Issuer, KeyRefresh, KeysUnavailable, UnixTime, Verifier, VerifierSource};

use crate::error::StartError;
use crate::lookups::{Asked, Lookup, Lookups, Outcome};
use crate::setup;
use lookup::BoxError;

pub use lookup::{LookupOutcome, LookupRequest};
pub use settings::VerifierDirectorySettings;
pub use status::VerifierDirectoryStatus;

/// The verifiers of issuers that come and go while the service runs, such as the identity providers of customers. Cheap
/// to clone; clones share the verifiers.
///
/// The application provides an asynchronous lookup: from its database, say, it reads whether it trusts an issuer, and
/// builds a verifier. A request of a known issuer reads a snapshot, without locking or waiting. A request of an unknown
/// issuer waits for one lookup, which it shares with the other requests of that issuer.
///
/// | situation | token of a known issuer | of a new issuer | of a made-up issuer |
/// |---|---|---|---|
/// | normal operation | immediate | waits for one lookup | waits for one lookup, then 401 |
/// | too many lookups | immediate | 503 until the limits permit one | 503 until then, or 401 if it is cached |
/// | lookups fail | immediate | 503 with `Retry-After` | 503 with `Retry-After` |
/// | the same, beyond the maximum age | 503 with `Retry-After` | 503 | 503 |
/// | the application has removed the issuer | 401 within the lifetime, or after [`invalidate`](Self::invalidate) | | |
///
/// [`VerifierDirectorySettings`] describes the limits. A lookup that panics or exceeds its timeout is a failed lookup.
/// Lookups run on the Tokio runtime on which the directory was created, and end when the last clone is dropped. A
/// verifier with a [`RemoteKeySet`](crate::RemoteKeySet) ends its refreshing task when the directory drops it.
///
/// # Security
/// The issuer in a [`LookupRequest`] comes from a token that is not verified. The lookup must return verifiers only for
/// issuers that the application trusts, found by the whole text of the issuer, and must not send requests to a URL that
/// it takes from the issuer of an untrusted token.
///
/// # Examples
/// ```
/// use tollgate::{Audience, Gate, Issuer, Verifier};
/// use tollgate_jwks::{LookupOutcome, LookupRequest, RemoteKeySet, VerifierDirectory, VerifierDirectorySettings};
///
/// # #[cfg(feature = "client")] {
/// # type Error = Box<dyn std::error::Error + Send + Sync>;
/// # struct Tenant { issuer: String, changed_ago: std::time::Duration }
/// # async fn tenant_of(issuer: &Issuer) -> Result<Option<Tenant>, Error> { Ok(None) }
/// async fn lookup(request: LookupRequest) -> Result<LookupOutcome, Error> {
///     // A query of the application's database.
///     let Some(tenant) = tenant_of(request.issuer()).await? else { return Ok(LookupOutcome::Unknown) };
///     if request.verifier_age().is_some_and(|age| age < tenant.changed_ago) {
///         return Ok(LookupOutcome::Unchanged);
///     }
///     let keys = RemoteKeySet::discover(tenant.issuer).connect().await?;
///     Ok(Verifier::new(keys, request.issuer().clone(), Audience::new("api://demo")?).into())
/// }
///
/// fn gate(own: Verifier) -> Result<(Gate, VerifierDirectory), tollgate_jwks::StartError> {
///     let directory = VerifierDirectory::new(lookup, VerifierDirectorySettings::new())?;
///     Ok((Gate::new(own).with_verifier_source(directory.clone()), directory))
/// }
/// # let _ = gate;
/// # }
/// ```
#[derive(Clone)]
pub struct VerifierDirectory(Arc<Lookups<Issuer, Arc<Verifier>>>);

impl VerifierDirectory {
    /// Creates a directory from the application's lookup.
    ///
    /// # Errors
    /// [`StartError::Settings`] when the settings are invalid. [`StartError::NoRuntime`] outside a Tokio runtime.
    pub fn new<L, F, E>(lookup: L, settings: VerifierDirectorySettings) -> Result<Self, StartError>
    where
        L: Fn(LookupRequest) -> F + Send + Sync + 'static,
        F: Future<Output = Result<LookupOutcome, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let limits = settings.check().map_err(StartError::Settings)?;
        let lookup: Lookup<Issuer, Arc<Verifier>> = Arc::new(move |asked: Asked<Issuer, Arc<Verifier>>| {
            let age = asked.known.map(|(_verifier, age)| age);
            let outcome = lookup(LookupRequest::new(asked.key, age));
            Box::pin(async move {
                match outcome.await {
                    Ok(LookupOutcome::Found(verifier)) => Ok(Outcome::Found(verifier)),
                    Ok(LookupOutcome::Unchanged) => Ok(Outcome::Unchanged),
                    Ok(LookupOutcome::Unknown) => Ok(Outcome::Unknown),
                    Err(error) => Err(sentence(&*error.into())),
                }
            })
        });
        Ok(Self(Arc::new(Lookups::new(limits, setup::runtime()?, lookup, Box::new(log)))))
    }

    /// Drops the verifier of an issuer, or the note that it is not trusted, so that its next token causes a lookup.
    /// Call it when the application adds, changes or removes the issuer. The outcome of a pending lookup is not used.
    pub fn invalidate(&self, issuer: &Issuer) {
        self.0.invalidate(issuer);
    }

    /// Returns the state and the counters of the directory.
    #[must_use]
    pub fn status(&self) -> VerifierDirectoryStatus {
        VerifierDirectoryStatus(self.0.status())
    }
}

impl VerifierSource for VerifierDirectory {
    fn verifier(&self, issuer: &str) -> Option<Arc<Verifier>> {
        self.0.usable(issuer)
    }

    fn lookup(&self, issuer: &str, _now: UnixTime) -> Option<KeyRefresh> {
        self.0.join(&bounded(issuer)?)
    }

    fn why_unavailable(&self, issuer: &str, _now: UnixTime) -> Option<KeysUnavailable> {
        let retry_after = self.0.why_unavailable(&bounded(issuer)?)?;
        Some(KeysUnavailable::new("the issuer could not be looked up", retry_after))
    }
}

impl fmt::Debug for VerifierDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierDirectory").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Returns the issuer, if it may be looked up.
fn bounded(issuer: &str) -> Option<Issuer> {
    const MAX_BYTES: usize = 512;
    (issuer.len() <= MAX_BYTES).then(|| Issuer::new(issuer).ok())?
}

fn log(issuer: &Issuer, outcome: Result<bool, &str>) {
    let issuer = issuer.as_str();
    match outcome {
        Ok(found) => tracing::debug!(?issuer, found, "issuer looked up"),
        Err(cause) => tracing::warn!(?issuer, cause, "lookup of an issuer failed"),
    }
}

/// Returns the error with all its causes, on one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        sentence.push_str(": ");
        sentence.push_str(&cause.to_string());
        source = cause.source();
    }
    sentence
}
