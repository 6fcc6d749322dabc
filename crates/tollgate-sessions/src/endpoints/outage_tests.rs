//! The endpoints during an outage of a store, and with concurrent requests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::testing::{FakeRequest, PASSWORD, World, cleared_by, cookies_of, member, post, post_with};
use crate::accounts::passwords::PasswordHash;
use crate::sessions::SessionSettings;
use crate::sessions::tokens::RefreshToken;
use crate::store::RefreshPolicy;

/// A client that retries during an outage succeeds when the store is back. If its token had rotated in the
/// meantime, the retry would look like reuse.
#[tokio::test]
async fn refresh_succeeds_after_an_outage_of_the_user_store() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&login, "refresh_token"));
    world.clock.advance(Duration::from_secs(600));
    world.outage.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let response = world.send(&post("/auth/refresh"), &body).await;
        assert_eq!(response.status(), 503, "{}", response.body());
        assert!(response.headers().any(|(name, _)| name == "retry-after"));
        world.clock.advance(Duration::from_secs(20));
    }
    world.outage.store(false, Ordering::SeqCst);
    let response = world.send(&post("/auth/refresh"), &body).await;
    assert_eq!(response.status(), 200, "{}", response.body());
}

/// A password change revokes the existing sessions. A concurrent login with the old password must not begin one
/// afterwards.
#[tokio::test]
async fn login_is_denied_when_the_password_changes_concurrently() {
    let world = World::new().await;
    *world.concurrent_hash.lock().unwrap() = Some(PasswordHash::from_phc("another"));
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}"}}"#);
    let late = world.send(&post("/auth/login"), &body).await;
    assert_eq!((late.status(), member(&late, "error").as_str()), (401, "invalid_credentials"));
    assert!(world.sessions.list(&world.alice.subject).await.unwrap().is_empty());
    let counts = world.accounts.counts();
    assert_eq!((counts.succeeded, counts.overtaken, counts.wrong_password), (1, 1, 0));
}

/// Revoking the other sessions after a password change can fail. The client then repeats the request, which
/// must not be denied because the old password is no longer valid.
#[tokio::test]
async fn password_change_succeeds_when_repeated() {
    let world = World::new().await;
    let others = world.log_in("").await;
    let mine = world.log_in("").await;
    let body = format!(r#"{{"current_password":"{PASSWORD}","new_password":"new password"}}"#);
    let change = |token: &str| {
        let bearer = format!("Bearer {token}");
        FakeRequest::header(post("/auth/password"), "authorization", bearer)
    };
    for _ in 0..2 {
        let response = world.send(&change(&member(&mine, "access_token")), &body).await;
        assert_eq!(response.status(), 204, "{}", response.body());
    }
    let wrong = body.replace("new password", "newer password");
    assert_eq!(world.send(&change(&member(&mine, "access_token")), &wrong).await.status(), 403);
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&others, "refresh_token"));
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
}

/// The store has lost writes, and there is no grace period. The client must not lose its session.
#[tokio::test]
async fn refresh_accepts_a_token_that_is_newer_than_the_store() {
    let world = World::new().await;
    let once = RefreshPolicy::default().with_grace_period(Duration::ZERO).unwrap();
    let sessions = world.sessions.clone().with_settings(SessionSettings::default().with_refresh_policy(once));
    let strict = world.endpoints.clone().change(|endpoints| endpoints.sessions = sessions);
    let token: RefreshToken = member(&world.log_in("").await, "refresh_token").parse().unwrap();
    let refresh = async |token: &str| {
        let request = post("/auth/refresh");
        let call = strict.begin(&request, request.path(), None).unwrap();
        call.respond(format!(r#"{{"refresh_token":"{token}"}}"#).as_bytes()).await
    };
    let refreshed = refresh(&world.keys.successor(&token, 4).expose()).await;
    assert_eq!(refreshed.status(), 200, "{}", refreshed.body());
    let counts = world.sessions.counts();
    assert_eq!(
        (counts.store_behind, counts.rotated, counts.replayed),
        (1, 0, 0),
        "the lost write counts once"
    );
    assert_eq!(refresh(&member(&refreshed, "refresh_token")).await.status(), 200);
}

/// The roles of the user no longer fit into a cookie. The token must not rotate for a response that cannot be
/// sent.
#[tokio::test]
async fn refresh_keeps_the_session_when_the_cookie_is_too_long() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    for extra_roles in [400, 0] {
        world.clock.advance(Duration::from_secs(60));
        world.extra_roles.store(extra_roles, Ordering::SeqCst);
        let response = world.send(&post_with("/auth/refresh", &cookies), "{}").await;
        assert_eq!((response.status(), cleared_by(&response)), (if extra_roles > 0 { 500 } else { 200 }, 0));
    }
}

/// A failed login must not revoke the session that it would have replaced.
#[tokio::test]
async fn failed_login_keeps_the_previous_session() {
    let world = World::new().await;
    let before = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    *world.concurrent_hash.lock().unwrap() = Some(PasswordHash::from_phc("another"));
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
    assert_eq!(world.send(&post_with("/auth/login", &before), &body).await.status(), 401);
    assert_eq!(world.send(&post_with("/auth/refresh", &before), "{}").await.status(), 200);
}
