//! What clients meet while a store is out of order, or others are faster.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::testing::{FakeRequest, PASSWORD, World, member, post};
use crate::passwords::PasswordHash;

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
