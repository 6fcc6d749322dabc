//! Throttles clients that present forged refresh tokens.

use tracing::warn;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use crate::sessions::RefreshError;

impl Endpoints {
    /// Returns the problem that a rejected refresh reports to the client. Throttles addresses that present many
    /// forged or malformed tokens. The tag of the token was checked before, so a valid token is never
    /// throttled.
    pub(super) fn refresh_problem(&self, error: RefreshError, client: &Client) -> Problem {
        let forged = matches!(error, RefreshError::Malformed | RefreshError::Forged);
        if forged && let Err(throttled) = self.accounts.admit_forged_token(client.peer) {
            let retry_after = throttled.retry_after;
            warn!(peer = ?client.peer, ?retry_after, "forged refresh tokens throttled");
            self.counters.forgeries_throttled.count();
            return Problem::Throttled { retry_after };
        }
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{World, cleared_by, cookies_of, member, post, post_with};
    use super::super::{EndpointCounts, SessionResponse};

    const BURST: u64 = 20;

    async fn refresh(world: &World, token: &str) -> SessionResponse {
        world.send(&post("/auth/refresh"), &format!(r#"{{"refresh_token":"{token}"}}"#)).await
    }

    fn retry_after(response: &SessionResponse) -> Option<u64> {
        let (_, value) = response.headers().find(|(name, _)| *name == "retry-after")?;
        value.parse().ok()
    }

    #[tokio::test]
    async fn forged_tokens_are_throttled_without_throttling_valid_ones() {
        let world = World::new().await;
        let good = member(&world.log_in("").await, "refresh_token");
        let in_cookie = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
        let forged = format!("rt1_{}", "A".repeat(72));
        for token in [&forged, "rt1_x"].into_iter().cycle().take(20) {
            assert_eq!(refresh(&world, token).await.status(), 401);
        }
        for token in [&forged, "rt1_x"] {
            let response = refresh(&world, token).await;
            assert_eq!((response.status(), retry_after(&response)), (429, Some(3)), "{}", response.body());
            let cookie = format!("__Host-Http-rt={token}");
            let response = world.send(&post_with("/auth/refresh", &cookie), "{}").await;
            assert_eq!(
                (response.status(), cleared_by(&response)),
                (429, 0),
                "a throttled client keeps its cookies"
            );
        }
        // Valid tokens and logins from the same address are not throttled.
        assert_eq!(refresh(&world, &good).await.status(), 200);
        assert_eq!(world.send(&post_with("/auth/refresh", &in_cookie), "{}").await.status(), 200);
        assert_eq!(world.log_in("").await.status(), 200);
        world.clock.advance(Duration::from_secs(3));
        let cookie = format!("__Host-Http-rt={forged}");
        let response = world.send(&post_with("/auth/refresh", &cookie), "{}").await;
        assert_eq!((response.status(), cleared_by(&response)), (401, 2));
        assert_eq!(refresh(&world, &forged).await.status(), 429);
        let sessions = world.sessions.counts();
        assert_eq!(sessions.forged + sessions.malformed, BURST + 6);
        let expected = EndpointCounts { forgeries_throttled: 5, ..EndpointCounts::default() };
        assert_eq!(world.endpoints.counts(), expected);
    }

    /// Tokens of revoked sessions are no forgeries, as sessions are revoked all the time.
    #[tokio::test]
    async fn tokens_of_revoked_sessions_are_not_throttled() {
        let world = World::new().await;
        let revoked = member(&world.log_in("").await, "refresh_token");
        let body = format!(r#"{{"refresh_token":"{revoked}"}}"#);
        assert_eq!(world.send(&post("/auth/logout"), &body).await.status(), 204);
        for _ in 0..BURST + 1 {
            assert_eq!(refresh(&world, &revoked).await.status(), 401);
            assert_eq!(world.send(&post("/auth/refresh"), "{}").await.status(), 401);
        }
    }
}
