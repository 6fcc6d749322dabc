//! [`EndpointCounts`]: what calls of the endpoints were refused for.

use tollgate::CrossSiteError;

use super::SessionEndpoints;
use super::problem::Problem;
use crate::support::Counter;

/// How often calls were refused because another site may have caused them, since the process began, for a dashboard. What a
/// gate refuses on the routes of the application is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointCounts {
    /// `Sec-Fetch-Site` named another origin.
    pub cross_origin: u64,
    /// `Origin` was another one.
    pub origin_mismatch: u64,
    /// `Origin` was `null` or malformed.
    pub bad_origin: u64,
    /// Nothing said where the call came from.
    pub missing_provenance: u64,
    /// A field that says it was repeated.
    pub repeated: u64,
    /// The anti-CSRF token was not there, or not that of the session.
    pub csrf_token: u64,
    /// For a reason that this release has no number for.
    pub other: u64,
    /// Not for another site: too many refresh tokens from one address that were not made here.
    pub forgeries_throttled: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    cross_origin: Counter,
    origin_mismatch: Counter,
    bad_origin: Counter,
    missing_provenance: Counter,
    repeated: Counter,
    csrf_token: Counter,
    other: Counter,
    pub(super) forgeries_throttled: Counter,
}

impl SessionEndpoints {
    /// What calls were refused for. Clones count together. Renewals and logins are counted by
    /// [`Sessions::counts`](crate::Sessions::counts) and [`Accounts::counts`](crate::Accounts::counts).
    #[must_use]
    pub fn counts(&self) -> EndpointCounts {
        let counters = &self.0.counters;
        EndpointCounts {
            cross_origin: counters.cross_origin.get(),
            origin_mismatch: counters.origin_mismatch.get(),
            bad_origin: counters.bad_origin.get(),
            missing_provenance: counters.missing_provenance.get(),
            repeated: counters.repeated.get(),
            csrf_token: counters.csrf_token.get(),
            other: counters.other.get(),
            forgeries_throttled: counters.forgeries_throttled.get(),
        }
    }
}

impl Counters {
    /// Counts why a call is refused, and gives it back.
    pub(super) fn refused(&self, problem: Problem) -> Problem {
        if let Problem::CrossSite(error) = problem {
            self.cross_site(error).count();
        }
        problem
    }

    fn cross_site(&self, error: CrossSiteError) -> &Counter {
        match error {
            CrossSiteError::FetchSite => &self.cross_origin,
            CrossSiteError::OriginMismatch => &self.origin_mismatch,
            CrossSiteError::MalformedOrigin => &self.bad_origin,
            CrossSiteError::NoProvenance => &self.missing_provenance,
            CrossSiteError::Repeated => &self.repeated,
            CrossSiteError::NoCsrfToken | CrossSiteError::CsrfTokenMismatch => &self.csrf_token,
            _ => &self.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeRequest, World, cookies_of, post, post_with};
    use super::*;

    #[tokio::test]
    async fn each_refusal_counts_once() {
        let world = World::with_csrf_tokens().await;
        let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
        let renewal = || post("/auth/refresh").header("cookie", &cookies);
        let own = || post_with("/auth/refresh", &cookies);
        let none = EndpointCounts::default;
        let mut before = none();
        for (request, expected) in [
            (renewal().header("sec-fetch-site", "cross-site"), EndpointCounts { cross_origin: 1, ..none() }),
            (
                renewal().header("origin", "https://evil.example"),
                EndpointCounts { origin_mismatch: 1, ..none() },
            ),
            (renewal().header("origin", "null"), EndpointCounts { bad_origin: 1, ..none() }),
            (renewal(), EndpointCounts { missing_provenance: 1, ..none() }),
            (own().header("sec-fetch-site", "same-origin"), EndpointCounts { repeated: 1, ..none() }),
            (own(), EndpointCounts { csrf_token: 1, ..none() }),
            (own().header("x-csrf-token", "another"), EndpointCounts { csrf_token: 1, ..none() }),
            // Refused, but not for that.
            (FakeRequest::new("GET", "/auth/refresh"), none()),
        ] {
            let reply = world.send(&request, "{}").await;
            let counted = world.endpoints.clone().counts();
            let more = parts(counted).into_iter().zip(parts(before)).map(|(now, then)| now - then);
            assert!(more.eq(parts(expected)), "{expected:?}: {counted:?} {}", reply.body());
            before = counted;
        }
    }

    fn parts(counts: EndpointCounts) -> [u64; 7] {
        let EndpointCounts { cross_origin, origin_mismatch, bad_origin, missing_provenance, .. } = counts;
        let EndpointCounts { repeated, csrf_token, other, .. } = counts;
        [cross_origin, origin_mismatch, bad_origin, missing_provenance, repeated, csrf_token, other]
    }
}
