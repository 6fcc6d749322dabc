//! Whole flows through the endpoints.

use std::time::Duration;

use super::testing::{FakeRequest, PASSWORD, World, cleared_by, cookies_of, header, member, post, post_with};
use super::*;
use crate::session::{RevokeReason, SessionId};

#[tokio::test]
async fn mode_token_returns_tokens_in_the_body() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let value: serde_json::Value = serde_json::from_str(login.body()).unwrap();
    assert_eq!(value["token_type"], "Bearer");
    // Up to 5 % shorter, so that clients that logged in together do not refresh together.
    assert!((570..=600).contains(&value["expires_in"].as_u64().unwrap()), "{value}");
    assert_eq!(value["refresh_token_expires_in"], 14 * 24 * 3600);
    assert_eq!(value["scope"], "read:items");
    assert_eq!(header(&login, "cache-control"), ["no-store"]);
    assert!(header(&login, "set-cookie").is_empty());
    world.clock.advance(Duration::from_secs(60));
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&login, "refresh_token"));
    let refreshed = world.send(&post("/auth/refresh"), &body).await;
    assert_eq!(refreshed.status(), 200);
    assert_ne!(member(&refreshed, "refresh_token"), member(&login, "refresh_token"));
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&refreshed, "refresh_token"));
    assert_eq!(world.send(&post("/auth/logout"), &body).await, SessionResponse::empty(204));
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
}

#[tokio::test]
async fn mode_cookie_returns_tokens_in_cookies() {
    let world = World::new().await;
    let login = world.log_in(r#","mode":"cookie""#).await;
    let value: serde_json::Value = serde_json::from_str(login.body()).unwrap();
    let expires_in = &value["expires_in"];
    let expected = format!(r#"{{"token_type":"Cookie","expires_in":{expires_in},"scope":"read:items"}}"#);
    assert_eq!(login.body(), expected);
    assert_eq!(header(&login, "vary"), ["Cookie"]);
    let set = header(&login, "set-cookie");
    let access = format!("; Path=/; Max-Age={expires_in}; Secure; HttpOnly; SameSite=Lax");
    assert!(set[0].ends_with(&access), "{expires_in}");
    assert!(set[1].ends_with("; Path=/; Max-Age=1209600; Secure; HttpOnly; SameSite=Strict"));
    // The refresh token is sufficient when the cookie of the access token has expired.
    let cookies = cookies_of(&login);
    let (_, refresh) = cookies.split_once("; ").unwrap();
    let refreshed = world.send(&post_with("/auth/refresh", refresh), "{}").await;
    assert_eq!((refreshed.status(), header(&refreshed, "set-cookie").len()), (200, 2));
    let out = world.send(&post_with("/auth/logout", &cookies_of(&refreshed)), "{}").await;
    assert_eq!((out.status(), cleared_by(&out)), (204, 2));
    assert_eq!(world.send(&post_with("/auth/refresh", refresh), "{}").await.status(), 401);
}

#[tokio::test]
async fn transient_session_ends_with_the_browser_or_after_12_hours() {
    let world = World::new().await;
    let login = world.log_in(r#","mode":"cookie","remember":false"#).await;
    assert!(header(&login, "set-cookie").iter().all(|cookie| !cookie.contains("Max-Age")));
    world.clock.advance(Duration::from_secs(12 * 3600));
    let late = world.send(&post_with("/auth/refresh", &cookies_of(&login)), "{}").await;
    assert_eq!((late.status(), cleared_by(&late)), (401, 2));
}

/// All denials have the same bytes. An attacker must not learn that the reuse was detected.
#[tokio::test]
async fn refresh_denials_are_identical_but_for_expiry() {
    let world = World::new().await;
    let token = async |world: &World| member(&world.log_in("").await, "refresh_token");
    let refresh = async |token: &str| {
        world.send(&post("/auth/refresh"), &format!(r#"{{"refresh_token":"{token}"}}"#)).await
    };
    let expected = refresh("").await;
    assert_eq!((expected.status(), member(&expected, "error").as_str()), (401, "invalid_grant"));
    assert_eq!(header(&expected, "www-authenticate"), [r#"Bearer realm="api""#]);

    let stolen = token(&world).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(refresh(&stolen).await.status(), 200);
    world.clock.advance(Duration::from_secs(60));
    let forged = format!("{}AAAA", &stolen[..72]);
    let revoked = token(&world).await;
    let body = format!(r#"{{"refresh_token":"{revoked}"}}"#);
    assert_eq!(world.send(&post("/auth/logout"), &body).await.status(), 204);
    let unknown = token(&World::new().await).await;
    let old_format = format!("rt0_{}", &stolen[4..]);
    let truncated = &stolen[..75];
    for (what, token) in [
        ("reuse", stolen.as_str()),
        ("forged", &forged),
        ("revoked", &revoked),
        ("unknown", &unknown),
        ("old format", &old_format),
        ("truncated", truncated),
        ("garbage", "%20"),
    ] {
        assert_eq!(refresh(token).await, expected, "{what}");
    }
    let expired = token(&world).await;
    world.clock.advance(Duration::from_secs(15 * 24 * 3600));
    // The expiry of a session is no secret.
    let too_late = refresh(&expired).await;
    assert_eq!((too_late.status(), member(&too_late, "reason").as_str()), (401, "expired"));
    assert_eq!(too_late.body().replace(r#","reason":"expired""#, ""), expected.body());
    assert_eq!(world.send(&post("/auth/refresh"), "{}").await, expected, "no token");
}

#[tokio::test]
async fn refresh_token_is_rejected_by_the_wrong_transport() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    let (_, bound) = cookies.split_once("__Host-Http-rt=").unwrap();
    for path in ["/auth/refresh", "/auth/logout", "/auth/logout-all"] {
        let response = world.send(&post(path), &format!(r#"{{"refresh_token":"{bound}"}}"#)).await;
        assert_eq!((response.status(), cleared_by(&response)), (400, 0), "{path}");
        assert_eq!(member(&response, "error"), "invalid_request");
    }
    let free = member(&world.log_in("").await, "refresh_token");
    let response = world.send(&post_with("/auth/refresh", &format!("__Host-Http-rt={free}")), "{}").await;
    assert_eq!((response.status(), cleared_by(&response)), (400, 0));
    assert_eq!(
        world.send(&post_with("/auth/refresh", &cookies), "{}").await.status(),
        200,
        "the session is still live"
    );
}

#[tokio::test]
async fn login_revokes_the_session_whose_cookies_it_replaces() {
    let world = World::new().await;
    let before = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    let body = format!(r#"{{"email":"alice@example.com","password":"{PASSWORD}","mode":"cookie"}}"#);
    let after = world.send(&post_with("/auth/login", &before), &body).await;
    assert_eq!(after.status(), 200);
    assert_eq!(world.send(&post_with("/auth/refresh", &before), "{}").await.status(), 401);
    assert_eq!(world.send(&post_with("/auth/refresh", &cookies_of(&after)), "{}").await.status(), 200);
    assert_eq!(world.sessions.list(&world.alice.subject).await.unwrap().len(), 1);
}

#[tokio::test]
async fn refresh_is_denied_for_a_disabled_user() {
    let world = World::new().await;
    let cookies = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    assert!(world.users.disable(&world.alice.subject));
    let denied = world.send(&post_with("/auth/refresh", &cookies), "{}").await;
    assert_eq!((denied.status(), cleared_by(&denied)), (401, 2));
    // The session stays revoked.
    assert!(world.users.enable(&world.alice.subject));
    assert_eq!(world.send(&post_with("/auth/refresh", &cookies), "{}").await, denied);
}

#[tokio::test]
async fn sessions_of_other_users_are_neither_listed_nor_revoked() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let bearer = format!("Bearer {}", member(&login, "access_token"));
    let other = world.sessions.create(&crate::Login::new("bob")).await.unwrap().session.session;
    let delete = |sid: &str| {
        FakeRequest::new("DELETE", &format!("/auth/sessions/{sid}")).header("authorization", &bearer)
    };
    let unknown = world.send(&delete("0190163d-8694-739b-aea5-966c26f8ad91"), "").await;
    assert_eq!(unknown.status(), 404);
    assert_eq!(world.send(&delete(&other.to_string()), "").await, unknown);
    assert_eq!(world.send(&delete("x"), "").await, unknown);
    assert_eq!(world.sessions.list("bob").await.unwrap().len(), 1);

    let list = FakeRequest::new("GET", "/auth/sessions").header("authorization", &bearer);
    let listed: serde_json::Value = serde_json::from_str(world.send(&list, "").await.body()).unwrap();
    let [only] = listed["sessions"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&only["current"], &only["created_at"]), (&true.into(), &1_700_000_000.into()));
    let own = only["sid"].as_str().unwrap();
    assert_eq!(world.send(&delete(own), "").await, SessionResponse::empty(204));
    assert_eq!(world.send(&delete(own), "").await, unknown);
    assert_eq!(world.send(&FakeRequest::new("GET", "/auth/sessions"), "").await.status(), 401);
}

#[tokio::test]
async fn logout_all_revokes_all_sessions_of_the_user() {
    let world = World::new().await;
    let (one, other) = (world.log_in("").await, world.log_in(r#","mode":"cookie""#).await);
    let response = world.send(&post_with("/auth/logout-all", &cookies_of(&other)), "{}").await;
    assert_eq!((response.status(), cleared_by(&response)), (204, 2));
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&one, "refresh_token"));
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
    // A token in the body takes precedence over cookies, which may be another user's and are not cleared.
    let bob = world.sessions.create(&crate::Login::new("bob")).await.unwrap().refresh_token.expose();
    let alice = cookies_of(&world.log_in(r#","mode":"cookie""#).await);
    let body = format!(r#"{{"refresh_token":"{bob}"}}"#);
    assert_eq!(world.send(&post_with("/auth/logout-all", &alice), &body).await, SessionResponse::empty(204));
    assert!(world.sessions.list("bob").await.unwrap().is_empty());
    assert_eq!(world.send(&post_with("/auth/refresh", &alice), "{}").await.status(), 200);
    // A refresh token is sufficient when the access token has expired.
    let third = member(&world.log_in("").await, "refresh_token");
    let response = world.send(&post("/auth/logout-all"), &format!(r#"{{"refresh_token":"{third}"}}"#)).await;
    assert_eq!(response, SessionResponse::empty(204));
    assert!(world.sessions.list(&world.alice.subject).await.unwrap().is_empty());
    assert_eq!(world.send(&post("/auth/logout-all"), "{}").await.status(), 401);
}

/// Each member of each route: `null` has the response of an absent member.
#[tokio::test]
async fn null_member_gets_the_response_of_an_absent_one() {
    let mut world = World::new().await;
    world.endpoints = world.endpoints.with_registration(RegistrationMode::RevealExisting);
    let bearer = format!("Bearer {}", member(&world.log_in("").await, "access_token"));
    let token = format!("rt1_{}", "A".repeat(72));
    for (path, members) in [
        (
            "/auth/login",
            &[("email", "\"x\""), ("password", "\"y\""), ("mode", "\"token\""), ("remember", "true")][..],
        ),
        ("/auth/refresh", &[("refresh_token", &*format!("\"{token}\""))]),
        ("/auth/logout", &[("refresh_token", "\"x\"")]),
        ("/auth/logout-all", &[("refresh_token", "\"x\"")]),
        ("/auth/register", &[("email", "\"x\""), ("password", "\"y\"")]),
        ("/auth/password", &[("current_password", "\"x\""), ("new_password", "\"y\"")]),
    ] {
        let request = match path {
            "/auth/password" => post(path).header("authorization", &bearer),
            _ => post(path),
        };
        for (name, _) in members {
            let body = |value: Option<&str>| {
                let others = members.iter().filter(|(other, _)| other != name).copied();
                let all = others.chain(value.map(|value| (*name, value)));
                let all: Vec<_> = all.map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", all.join(","))
            };
            let absent = world.send(&request, &body(None)).await;
            assert_eq!(world.send(&request, &body(Some("null"))).await, absent, "{path} {name}");
            let wrong = world.send(&request, &body(Some("[null]"))).await;
            assert_eq!(
                (wrong.status(), member(&wrong, "error").as_str()),
                (400, "invalid_request"),
                "{path} {name}"
            );
        }
    }
}

#[tokio::test]
async fn password_change_revokes_all_other_sessions() {
    let world = World::new().await;
    let (here, there) = (world.log_in("").await, world.log_in("").await);
    let request =
        post("/auth/password").header("authorization", format!("Bearer {}", member(&here, "access_token")));
    let body = |old: &str, new: &str| format!(r#"{{"current_password":"{old}","new_password":"{new}"}}"#);
    let wrong = world.send(&request, &body("wrong horse", "battery staple")).await;
    assert_eq!((wrong.status(), member(&wrong, "error").as_str()), (403, "invalid_credentials"));
    let short = world.send(&request, &body(PASSWORD, "short")).await;
    assert_eq!(member(&short, "detail"), "password has fewer than 8 characters");
    assert_eq!(world.send(&request, &body(PASSWORD, "battery staple")).await, SessionResponse::empty(204));
    let refresh = async |login: &SessionResponse| {
        let body = format!(r#"{{"refresh_token":"{}"}}"#, member(login, "refresh_token"));
        world.send(&post("/auth/refresh"), &body).await.status()
    };
    assert_eq!((refresh(&here).await, refresh(&there).await), (200, 401));
}

#[tokio::test]
async fn registration_follows_its_mode_and_validates_input() {
    let world = World::new().await;
    let body = |email: &str, password: &str| format!(r#"{{"email":"{email}","password":"{password}"}}"#);
    let taken = body("alice@EXAMPLE.com", "long enough");
    let send = async |endpoints: &SessionEndpoints, body: &str| {
        let request = post("/auth/register");
        endpoints.begin(&request, request.path(), None).unwrap().respond(body.as_bytes()).await
    };
    assert_eq!(send(&world.endpoints, &taken).await.status(), 404);
    let hiding = world.endpoints.clone().with_registration(RegistrationMode::HideExisting);
    let (new, old) =
        (send(&hiding, &body("bob@b.example", "long enough")).await, send(&hiding, &taken).await);
    assert_eq!((new.status(), old.status()), (201, 201));
    assert_eq!(new.body().len(), old.body().len());
    assert_ne!(member(&old, "sub"), *world.alice.subject);
    let revealing = world.endpoints.clone().with_registration(RegistrationMode::RevealExisting);
    assert_eq!(send(&revealing, &taken).await.status(), 409);
    for (email, password, error) in [
        ("a\\u0000b", "long enough", "invalid_login"),
        ("", "long enough", "invalid_login"),
        ("c@c.example", "short", "invalid_password"),
        ("c@c.example", "", "invalid_password"),
        ("c@c.example", &"x".repeat(2000), "invalid_password"),
    ] {
        let response = send(&revealing, &body(email, password)).await;
        assert_eq!(
            (response.status(), member(&response, "error").as_str()),
            (400, error),
            "{email} {}",
            password.len()
        );
    }
}

#[tokio::test]
async fn login_denials_are_identical() {
    let world = World::new().await;
    let log_in = async |email: &str, password: &str| {
        let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
        world.send(&post("/auth/login"), &body).await
    };
    let wrong = log_in("alice@example.com", "wrong horse").await;
    assert_eq!((wrong.status(), member(&wrong, "error").as_str()), (401, "invalid_credentials"));
    for (email, password) in [
        ("unknown@example.com", PASSWORD),
        ("", PASSWORD),
        ("alice@example.com", ""),
        ("alice@example.com", &"x".repeat(2000)),
    ] {
        assert_eq!(log_in(email, password).await, wrong, "{email}");
    }
    let counts = world.accounts.counts();
    let denied =
        [counts.wrong_password, counts.unknown_user, counts.malformed_name, counts.malformed_password];
    assert_eq!(denied, [1, 1, 1, 2], "the counts distinguish the causes");
    let mut throttled = wrong.clone();
    for _ in 0..20 {
        throttled = log_in("alice@example.com", PASSWORD.trim_end_matches('e')).await;
        if throttled.status() != 401 {
            break;
        }
    }
    assert_eq!((throttled.status(), member(&throttled, "error").as_str()), (429, "too_many_attempts"));
    assert!(header(&throttled, "retry-after")[0].parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn key_set_is_public_and_cacheable() {
    let world = World::new().await;
    let response = world.send(&FakeRequest::new("GET", "/.well-known/jwks.json"), "").await;
    assert_eq!(header(&response, "cache-control"), ["public, max-age=900"]);
    assert!(
        response.body().contains(r#""kty":"OKP""#) && !response.body().contains(r#""d":"#),
        "{}",
        response.body()
    );
}

#[tokio::test]
async fn endpoints_hide_tokens_in_debug_output() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let request =
        post("/auth/refresh").header("authorization", format!("Bearer {}", member(&login, "access_token")));
    let call = world.endpoints.begin(&request, request.path(), None).unwrap();
    // A server with several threads requires the future to be `Send`.
    fn assert_send<T: Send>(_: T) {}
    assert_send(world.endpoints.begin(&request, request.path(), None).unwrap().respond(b"{}"));
    let shown = format!("{login:?} {call:?} {:?}", world.endpoints);
    assert!(!shown.contains("rt1_") && !shown.contains("eyJ"), "{shown}");
}

/// An expired access token does not prevent a logout.
#[tokio::test]
async fn logout_succeeds_with_an_expired_access_token() {
    let world = World::new().await;
    let login = world.log_in("").await;
    world.clock.advance(Duration::from_secs(3600));
    let late =
        |path: &str| post(path).header("authorization", format!("Bearer {}", member(&login, "access_token")));
    let body = format!(r#"{{"refresh_token":"{}"}}"#, member(&login, "refresh_token"));
    assert_eq!(world.send(&late("/auth/logout"), &body).await.status(), 204);
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
}

/// An access token is no refresh token, and a refresh token is no access token.
#[tokio::test]
async fn access_and_refresh_tokens_are_not_interchangeable() {
    let world = World::new().await;
    let login = world.log_in("").await;
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| member(&login, name));
    let list = |token: &str| {
        FakeRequest::new("GET", "/auth/sessions").header("authorization", format!("Bearer {token}"))
    };
    assert_eq!(world.send(&list(&access), "").await.status(), 200);
    assert_eq!(world.send(&list(&refresh), "").await.status(), 401);
    let body = format!(r#"{{"refresh_token":"{access}"}}"#);
    assert_eq!(world.send(&post("/auth/refresh"), &body).await.status(), 401);
    let swapped = format!("__Host-Http-at={refresh}; __Host-Http-rt={access}");
    assert_eq!(world.send(&post_with("/auth/refresh", &swapped), "{}").await.status(), 401);
}

/// A logout succeeds, and clears the cookies, even if an administrator has revoked the session before.
#[tokio::test]
async fn logout_succeeds_for_a_revoked_session_and_without_a_session() {
    let world = World::new().await;
    let login = world.log_in(r#","mode":"cookie""#).await;
    let sid: SessionId = world.sessions.list(&world.alice.subject).await.unwrap()[0].session;
    world.sessions.revoke(sid, &world.alice.subject, RevokeReason::Administrator).await.unwrap();
    let out = world.send(&post_with("/auth/logout", &cookies_of(&login)), "{}").await;
    assert_eq!((out.status(), cleared_by(&out)), (204, 2));
    let anonymous = world.send(&post("/auth/logout"), "{}").await;
    assert_eq!((anonymous.status(), cleared_by(&anonymous)), (204, 2));
}
