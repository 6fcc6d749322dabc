//! The answers of the routes.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tollgate::Verified;
use tollgate_jwks::{FetchOutcome, Health, Status};

use crate::answer::Answer;
use crate::keys::VerificationKeys;
use crate::settings::Settings;

/// `GET /public`.
#[must_use]
pub fn public() -> Answer {
    Answer::text("ok\n")
}

/// `GET /me`: what the token says. Members that are absent in the token are absent here.
#[must_use]
pub fn me(token: &Verified) -> Answer {
    let claims: Map<String, Value> = serde_json::from_str(token.payload()).unwrap_or_default();
    let mut me = Map::new();
    for name in ["iss", "sub", "exp", "iat", "nbf", "jti"] {
        if let Some(value) = claims.get(name) {
            me.insert(name.to_owned(), value.clone());
        }
    }
    me.insert("aud".to_owned(), token.audience().collect());
    if let Ok(scopes) = token.scopes() {
        me.insert("scopes".to_owned(), scopes.iter().collect());
    }
    if let Ok(roles) = token.roles() {
        me.insert("roles".to_owned(), roles.collect());
    }
    me.insert("claims".to_owned(), Value::Object(claims));
    Answer::json(200, &Value::Object(me))
}

/// `GET /whoami`: the subject, or that there is none.
#[must_use]
pub fn who_am_i(token: Option<&Verified>) -> Answer {
    let who = match token {
        Some(token) => json!({"anonymous": false, "sub": token.subject()}),
        None => json!({"anonymous": true}),
    };
    Answer::json(200, &who)
}

/// `GET /admin`.
#[must_use]
pub fn admin(token: &Verified) -> Answer {
    Answer::json(200, &json!({"welcome": token.subject()}))
}

/// `GET /healthz`: the process runs.
#[must_use]
pub fn health() -> Answer {
    Answer::json(200, &json!({"status": "ok"}))
}

/// `GET /readyz`: there are keys to verify with.
#[must_use]
pub fn ready(settings: &Settings) -> Answer {
    match &settings.keys {
        VerificationKeys::Fixed(keys) => {
            let usable = keys.iter().count();
            let keys = json!({"usable": usable, "skipped": keys.skipped().len()});
            Answer::json(200, &json!({"status": "ready", "keys": keys}))
        }
        VerificationKeys::Remote(keys) => remote_ready(&keys.status()),
    }
}

/// State, age and counts. Why a refresh failed is for the log: anyone may ask this.
fn remote_ready(status: &Status) -> Answer {
    let secs = |duration: Option<Duration>| duration.map(|duration| duration.as_secs());
    let stale = match status.health() {
        Health::Stale { past } => Some(past),
        _ => None,
    };
    let refreshes: Map<String, Value> = FetchOutcome::ALL
        .into_iter()
        .map(|outcome| (outcome.name().to_owned(), status.count(outcome).into()))
        .collect();
    let keys = json!({
        "location": status.location(),
        "state": status.health().name(),
        "age_secs": secs(status.age()),
        "stale_for_secs": secs(stale),
        "usable": status.usable_keys(),
        "skipped": status.skipped_keys(),
        "refreshes": refreshes,
        "failures": status.failures(),
        "consecutive_failures": status.consecutive_failures(),
        "last_failure": status.last_failure().map(|failure| {
            json!({"outcome": failure.outcome().name(), "ago_secs": failure.ago().as_secs()})
        }),
        "http_requests": status.http_requests(),
        "next_refresh_in_secs": status.next_refresh_in().as_secs(),
    });
    let (code, ready) = if status.is_ready() { (200, "ready") } else { (503, "unavailable") };
    Answer::json(code, &json!({"status": ready, "keys": keys}))
}

/// `GET /metrics`: the same as numbers, in the text format of Prometheus. Empty without a remote key set.
#[must_use]
pub fn metrics(settings: &Settings) -> Answer {
    let text = match &settings.keys {
        VerificationKeys::Fixed(_) => String::new(),
        VerificationKeys::Remote(keys) => Status::prometheus([&keys.status()]),
    };
    Answer::of(200, "text/plain; version=0.0.4; charset=utf-8", text).with_header("cache-control", "no-store")
}

/// The largest body that is read.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A body that cannot be read, or is larger than [`MAX_BODY_BYTES`].
#[must_use]
pub fn body_too_large() -> Answer {
    Answer::problem(413, "Content Too Large", "the body cannot be read, or is larger than 64 KiB")
}

/// A path that is not there.
#[must_use]
pub fn not_found() -> Answer {
    Answer::problem(404, "Not Found", "there is nothing at this path")
}

/// A path that is there, but not for this method.
#[must_use]
pub fn method_not_allowed() -> Answer {
    Answer::problem(405, "Method Not Allowed", "this path does not answer to this method")
}
