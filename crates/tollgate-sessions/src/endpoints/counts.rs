//! [`EndpointCounts`]: why the endpoints rejected requests.

use tollgate::CrossSiteError;

use super::SessionEndpoints;
use super::problem::Problem;
use crate::support::Counter;

/// How often the endpoints rejected requests since the process began, for a dashboard.
///
/// The counts cover requests that another site may have caused, and throttled refresh tokens that were forged. They do
/// not include rejections by a gate on other routes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointCounts {
    /// Requests whose `Sec-Fetch-Site` named another origin.
    pub cross_origin: u64,
    /// Requests whose `Origin` was another site.
    pub origin_mismatch: u64,
    /// Requests whose `Origin` was `null` or malformed.
    pub bad_origin: u64,
    /// Requests with neither `Sec-Fetch-Site` nor `Origin`.
    pub missing_provenance: u64,
    /// Requests with more than one `Sec-Fetch-Site`, `Origin` or `Host`.
    pub repeated: u64,
    /// Requests whose anti-CSRF token was missing, or did not belong to the session.
    pub csrf_token: u64,
    /// Requests that another site may have caused, for any other reason.
    pub other: u64,
    /// Requests with a forged refresh token, from an address that had sent too many of them. This is no sign of
    /// another site.
    pub forgeries_throttled: u64,
}

/// The counters behind [`EndpointCounts`].
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
    /// Returns how often the endpoints rejected requests. Clones share their counters.
    /// [`Sessions::counts`](crate::Sessions::counts) counts refreshes, and
    /// [`Accounts::counts`](crate::Accounts::counts) counts logins.
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
    /// Counts why a request is rejected, and returns it.
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
    async fn counts_record_each_rejection_once() {
        let world = World::with_csrf_tokens().await;
        let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
        let refresh = || post("/auth/refresh").header("cookie", &cookies);
        let own = || post_with("/auth/refresh", &cookies);
        let none = EndpointCounts::default;
        let mut before = none();
        for (request, expected) in [
            (refresh().header("sec-fetch-site", "cross-site"), EndpointCounts { cross_origin: 1, ..none() }),
            (
                refresh().header("origin", "https://evil.example"),
                EndpointCounts { origin_mismatch: 1, ..none() },
            ),
            (refresh().header("origin", "null"), EndpointCounts { bad_origin: 1, ..none() }),
            (refresh(), EndpointCounts { missing_provenance: 1, ..none() }),
            (own().header("sec-fetch-site", "same-origin"), EndpointCounts { repeated: 1, ..none() }),
            (own(), EndpointCounts { csrf_token: 1, ..none() }),
            (own().header("x-csrf-token", "another"), EndpointCounts { csrf_token: 1, ..none() }),
            // Rejected for a reason that is not counted.
            (FakeRequest::new("GET", "/auth/refresh"), none()),
        ] {
            let response = world.send(&request, "{}").await;
            let counted = world.endpoints.clone().counts();
            let more = parts(counted).into_iter().zip(parts(before)).map(|(now, then)| now - then);
            assert!(more.eq(parts(expected)), "{expected:?}: {counted:?} {}", response.body());
            before = counted;
        }
    }

    fn parts(counts: EndpointCounts) -> [u64; 7] {
        let EndpointCounts { cross_origin, origin_mismatch, bad_origin, missing_provenance, .. } = counts;
        let EndpointCounts { repeated, csrf_token, other, .. } = counts;
        [cross_origin, origin_mismatch, bad_origin, missing_provenance, repeated, csrf_token, other]
    }
}
