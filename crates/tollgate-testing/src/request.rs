//! [`BearerRequest`]: a request with a token, without a framework.

use tollgate::adapter::{Decision, RequestView};
use tollgate::{Gate, UnixTime};

/// A GET request with only an `Authorization` field, to ask a [`Gate`] without a framework.
///
/// ```
/// use tollgate_testing::{BearerRequest, Forge, keys};
/// use tollgate::{Algorithm, Gate, Verifier};
///
/// let forge = Forge::new("https://issuer.example", "api://demo");
/// let gate = Gate::new(Verifier::new(keys::verifying(Algorithm::Hs256), forge.issuer(), forge.audience()));
/// assert_eq!(BearerRequest::new(&forge.token().sign()).status(&gate, forge.now()), Some(200));
/// assert_eq!(BearerRequest::new("a.b.c").status(&gate, forge.now()), Some(401));
/// ```
#[derive(Clone)]
pub struct BearerRequest(String);

impl BearerRequest {
    /// Creates a request with this token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self(format!("Bearer {token}"))
    }

    /// Returns the status of the response at the time `now`: 200 when the gate admits the request. Returns `None` when
    /// the gate waits for keys.
    #[must_use]
    pub fn status(&self, gate: &Gate, now: UnixTime) -> Option<u16> {
        match gate.admit(self, now) {
            Decision::Admitted(_) => Some(200),
            Decision::Rejected(rejection) => Some(rejection.status()),
            Decision::AwaitKeys(_) => None,
        }
    }

    /// Returns the status of the response that an adapter would send: when the gate waits for keys, waits with it and
    /// asks once more. The gate's clock gives the time.
    pub async fn status_after_refresh(&self, gate: &Gate) -> u16 {
        match gate.admit(self, gate.now()) {
            Decision::Admitted(_) => 200,
            Decision::Rejected(rejection) => rejection.status(),
            Decision::AwaitKeys(refresh) => {
                refresh.await;
                gate.admit_after_refresh(self, gate.now())
                    .map_or_else(|rejection| rejection.status(), |_| 200)
            }
        }
    }
}

impl RequestView for BearerRequest {
    fn method(&self) -> &str {
        "GET"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        (name == "authorization").then_some(self.0.as_bytes()).into_iter()
    }
}

/// Prints no token.
impl std::fmt::Debug for BearerRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BearerRequest").finish_non_exhaustive()
    }
}
