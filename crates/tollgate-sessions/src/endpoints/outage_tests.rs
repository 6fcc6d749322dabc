//! What clients meet while a store is out of order, or others are faster.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::testing::{FakeRequest, PASSWORD, World, cleared_by, cookies_of, member, post, post_with};
use crate::accounts::passwords::PasswordHash;
use crate::sessions::SessionSettings;
use crate::sessions::tokens::RefreshToken;
use crate::store::RefreshPolicy;

/// A client that asks again and again gets in when the store is back, however long that takes: had its token been used
/// up meanwhile, it would look stolen.
#[tokio::test]
async fn an_outage_of_the_users_logs_nobody_out() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&login, "refresh_token"));
    world.clock.advance(Duration::from_secs(600));
    world.outage.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let reply = world.send(&post("/auth/refresh"), &body).await;
        assert_eq!(reply.status(), 503, "{}", reply.body());
        assert!(reply.headers().any(|(name, _)| name == "retry-after"));
        world.clock.advance(Duration::from_secs(20));
    }
    world.outage.store(false, Ordering::SeqCst);
    let reply = world.send(&post("/auth/refresh"), &body).await;
    assert_eq!(reply.status(), 200, "{}", reply.body());
}

/// A change of password ends the sessions that there are. The login that it has overtaken would begin one afterwards.
#[tokio::test]
async fn a_login_that_a_change_of_password_overtakes_is_denied() {
    let world = World::new().await;
    *world.meanwhile.lock().unwrap() = Some(PasswordHash::from_phc("another"));
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}"}}"#);
    let late = world.send(&post("/auth/login"), &body).await;
    assert_eq!((late.status(), member(&late, "error").as_str()), (401, "invalid_credentials"));
    assert!(world.sessions.list(&world.alice.subject).await.unwrap().is_empty());
    let counts = world.accounts.counts();
    assert_eq!((counts.succeeded, counts.overtaken, counts.wrong_password), (1, 1, 0));
}

/// What follows a change, ending the other sessions, can fail: the same call again does it, and is not denied for a
/// password that was the right one.
#[tokio::test]
async fn a_change_of_password_can_be_called_again() {
    let world = World::new().await;
    let others = world.log_in("").await;
    let mine = world.log_in("").await;
    let body = format!(r#"{{"current_password":"{PASSWORD}","new_password":"new password"}}"#);
    let change = |token: &str| {
        let bearer = format!("Bearer {token}");
        FakeRequest::header(post("/auth/password"), "authorization", bearer)
    };
    for _ in 0..2 {
        let reply = world.send(&change(&member(&mine, "access_token")), &body).await;
        assert_eq!(reply.status(), 204, "{}", reply.body());
    }
    let wrong = body.replace("new password", "newer password");
    assert_eq!(world.send(&change(&member(&mine, "access_token")), &wrong).await.status(), 403);
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&others, "refresh_token"));
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
}

/// The store has lost writes, and a token may be used once: its owner is no thief.
#[tokio::test]
async fn a_token_ahead_of_the_store_is_believed() {
    let world = World::new().await;
    let once = RefreshPolicy::default().with_grace_period(Duration::ZERO).unwrap();
    let sessions = world.sessions.clone().with_settings(SessionSettings::default().with_refresh_policy(once));
    let strict = world.endpoints.clone().change(|inner| inner.sessions = sessions);
    let token: RefreshToken = member(&world.log_in("").await, "refresh_token").parse().unwrap();
    let renew = async |token: &str| {
        let request = post("/auth/refresh");
        let call = strict.begin(&request, request.path(), None).unwrap();
        call.respond(format!(r#"{{"refresh_token":"{token}"}}"#).as_bytes()).await
    };
    let renewed = renew(&world.keys.successor(&token, 4).expose()).await;
    assert_eq!(renewed.status(), 200, "{}", renewed.body());
    let counts = world.sessions.counts();
    assert_eq!(
        (counts.store_behind, counts.rotated, counts.replayed),
        (1, 0, 0),
        "somebody has to look at it, once"
    );
    assert_eq!(renew(&member(&renewed, "refresh_token")).await.status(), 200);
}

/// What a user may do has grown beyond a cookie: no token is used up for an answer that cannot be given.
#[tokio::test]
async fn a_cookie_that_is_too_long_costs_no_session() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    for more_roles in [400, 0] {
        world.clock.advance(Duration::from_secs(60));
        world.more_roles.store(more_roles, Ordering::SeqCst);
        let reply = world.send(&post_with("/auth/refresh", &cookies), "{}").await;
        assert_eq!((reply.status(), cleared_by(&reply)), (if more_roles > 0 { 500 } else { 200 }, 0));
    }
}

/// A login that fails leaves the session alone that it would have replaced.
#[tokio::test]
async fn a_login_that_comes_to_nothing_replaces_nothing() {
    let world = World::new().await;
    let before = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    *world.meanwhile.lock().unwrap() = Some(PasswordHash::from_phc("another"));
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
    assert_eq!(world.send(&post_with("/auth/login", &before), &body).await.status(), 401);
    assert_eq!(world.send(&post_with("/auth/refresh", &before), "{}").await.status(), 200);
}
