//! Refresh tokens that nobody here has made.

use tracing::warn;

use super::Endpoints;
use super::client::Client;
use super::problem::Problem;
use crate::sessions::RefreshError;

impl Endpoints {
    /// Why a session is not renewed, as far as the client may know. Whoever presents many tokens that were not made here has to
    /// wait. Their tags have been checked by then, so that no good token ever has to.
    pub(super) fn refusal(&self, error: RefreshError, client: &Client) -> Problem {
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

    async fn renew(world: &World, token: &str) -> SessionResponse {
        world.send(&post("/auth/refresh"), &format!(r#"{{"refresh_token":"{token}"}}"#)).await
    }

    fn retry_after(reply: &SessionResponse) -> Option<u64> {
        let (_, value) = reply.headers().find(|(name, _)| *name == "retry-after")?;
        value.parse().ok()
    }

    #[tokio::test]
    async fn a_flood_has_to_wait_and_nobody_else() {
        let world = World::new().await;
        let good = member(&world.log_in("").await, "refresh_token");
        let in_cookie = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
        let forged = format!("rt1_{}", "A".repeat(72));
        for token in [&forged, "rt1_x"].into_iter().cycle().take(20) {
            assert_eq!(renew(&world, token).await.status(), 401);
        }
        for token in [&forged, "rt1_x"] {
            let reply = renew(&world, token).await;
            assert_eq!((reply.status(), retry_after(&reply)), (429, Some(3)), "{}", reply.body());
            let cookie = format!("__Host-Http-rt={token}");
            let reply = world.send(&post_with("/auth/refresh", &cookie), "{}").await;
            assert_eq!((reply.status(), cleared_by(&reply)), (429, 0), "who waits keeps the cookies");
        }
        // Good tokens, and logins, from the same address.
        assert_eq!(renew(&world, &good).await.status(), 200);
        assert_eq!(world.send(&post_with("/auth/refresh", &in_cookie), "{}").await.status(), 200);
        assert_eq!(world.log_in("").await.status(), 200);
        world.clock.advance(Duration::from_secs(3));
        let cookie = format!("__Host-Http-rt={forged}");
        let reply = world.send(&post_with("/auth/refresh", &cookie), "{}").await;
        assert_eq!((reply.status(), cleared_by(&reply)), (401, 2));
        assert_eq!(renew(&world, &forged).await.status(), 429);
        let sessions = world.sessions.counts();
        assert_eq!(sessions.forged + sessions.malformed, BURST + 6);
        let expected = EndpointCounts { forgeries_throttled: 5, ..EndpointCounts::default() };
        assert_eq!(world.endpoints.counts(), expected);
    }

    /// Only what was not made here counts: sessions end all the time.
    #[tokio::test]
    async fn tokens_of_sessions_that_are_over_count_for_nothing() {
        let world = World::new().await;
        let over = member(&world.log_in("").await, "refresh_token");
        let body = format!(r#"{{"refresh_token":"{over}"}}"#);
        assert_eq!(world.send(&post("/auth/logout"), &body).await.status(), 204);
        for _ in 0..BURST + 1 {
            assert_eq!(renew(&world, &over).await.status(), 401);
            assert_eq!(world.send(&post("/auth/refresh"), "{}").await.status(), 401);
        }
    }
}
