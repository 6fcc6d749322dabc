//! Health, readiness and metrics of the application, for load balancers and operators.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::timeout;
use tollgate::{Clock as _, SystemClock};
use tollgate_jwks::{FetchOutcome, KeySetHealth, KeySetStatus};

use crate::answer::Answer;
use crate::counts;
use crate::issuing::{Issuing, NEWS_WITHIN};
use crate::keys::VerificationKeys;
use crate::settings::{Settings, Trust};

/// Responds to `GET /healthz`: always 200 while the process runs.
#[must_use]
pub fn health() -> Answer {
    Answer::json(200, &json!({"status": "ok"}))
}

/// Responds to `GET /readyz`: 200 if there are keys to verify with, the stores respond, and the revocations are
/// fresh.
pub async fn ready(settings: &Settings) -> Answer {
    let (mut ready, keys) = match &settings.trust {
        Trust::Issuer { keys: VerificationKeys::Fixed(keys), .. } => {
            (true, json!({"usable": keys.iter().count(), "skipped": keys.skipped().len()}))
        }
        Trust::Issuer { keys: VerificationKeys::Ring(ring), .. } => {
            (true, json!({"usable": ring.key_set().iter().count(), "skipped": 0}))
        }
        Trust::Issuer { keys: VerificationKeys::Remote(keys), .. } => remote(&keys.status()),
        Trust::Document(watcher) => {
            let built = watcher.current();
            let sets: Vec<(bool, Value)> =
                built.remote_key_sets().map(|keys| remote(&keys.status())).collect();
            let ready = sets.iter().all(|(ready, _)| *ready);
            (ready, sets.into_iter().map(|(_, keys)| keys).collect())
        }
    };
    let mut body = Map::new();
    body.insert("keys".to_owned(), keys);
    if let Some(issuing) = &settings.issuing {
        let stores = Stores::ask(issuing).await;
        ready &= stores.are_ready();
        let last_update = stores.last_update.map(|age| age.as_secs());
        let sessions = json!({"store": up_or_down(stores.sessions), "revocations_age_secs": last_update});
        body.insert("sessions".to_owned(), sessions);
        body.insert("users".to_owned(), json!({"store": up_or_down(stores.users)}));
    }
    let (code, status) = if ready { (200, "ready") } else { (503, "unavailable") };
    body.insert("status".to_owned(), status.into());
    Answer::json(code, &body.into())
}

/// Responds to `GET /metrics`: the same as numbers, in the text format of Prometheus.
pub async fn metrics(settings: &Settings) -> Answer {
    let statuses: Vec<KeySetStatus> = match &settings.trust {
        Trust::Issuer { keys: VerificationKeys::Fixed(_) | VerificationKeys::Ring(_), .. } => Vec::new(),
        Trust::Issuer { keys: VerificationKeys::Remote(keys), .. } => vec![keys.status()],
        Trust::Document(watcher) => {
            watcher.current().remote_key_sets().map(tollgate_jwks::RemoteKeySet::status).collect()
        }
    };
    let mut text = if statuses.is_empty() { String::new() } else { KeySetStatus::prometheus(&statuses) };
    if let Some(issuing) = &settings.issuing {
        text.push_str(&Stores::ask(issuing).await.prometheus(issuing));
        text.push_str(&counts::prometheus(issuing));
    }
    Answer::of(200, "text/plain; version=0.0.4; charset=utf-8", text).with_header("cache-control", "no-store")
}

/// The state of the stores.
struct Stores {
    sessions: bool,
    users: bool,
    /// The age of the latest update of revoked sessions; `None` before the first one.
    last_update: Option<Duration>,
}

impl Stores {
    async fn ask(issuing: &Issuing) -> Self {
        let (sessions, users) = (issuing.sessions.store(), issuing.accounts.users());
        let within = Duration::from_secs(2);
        let (sessions, users) = tokio::join!(timeout(within, sessions.ping()), timeout(within, users.ping()));
        Self {
            sessions: matches!(sessions, Ok(Ok(()))),
            users: matches!(users, Ok(Ok(()))),
            last_update: issuing.revoked.age(SystemClock::new().now()),
        }
    }

    /// Returns whether the gate can admit requests. It admits none if the revocations are older, or were never read.
    fn are_ready(&self) -> bool {
        self.sessions && self.users && self.last_update.is_some_and(|age| age <= NEWS_WITHIN)
    }

    fn prometheus(&self, issuing: &Issuing) -> String {
        let passwords = issuing.accounts.passwords().counts();
        let last_update = self.last_update.map_or_else(|| "NaN".to_owned(), |age| age.as_secs().to_string());
        format!(
            "# HELP tollgate_store_up Whether the store responds: 1 or 0.\n\
             # TYPE tollgate_store_up gauge\n\
             tollgate_store_up{{store=\"sessions\"}} {}\n\
             tollgate_store_up{{store=\"users\"}} {}\n\
             # HELP tollgate_revocations_age_seconds Age of the latest update of revoked sessions, in seconds.\n\
             # TYPE tollgate_revocations_age_seconds gauge\n\
             tollgate_revocations_age_seconds {last_update}\n\
             # HELP tollgate_passwords_waiting Passwords that are waiting to be hashed.\n\
             # TYPE tollgate_passwords_waiting gauge\n\
             tollgate_passwords_waiting {}\n\
             # HELP tollgate_passwords_hashed_total Passwords that were hashed.\n\
             # TYPE tollgate_passwords_hashed_total counter\n\
             tollgate_passwords_hashed_total {}\n\
             # HELP tollgate_passwords_refused_total Passwords that were not hashed because the queue was full.\n\
             # TYPE tollgate_passwords_refused_total counter\n\
             tollgate_passwords_refused_total {}\n",
            u8::from(self.sessions),
            u8::from(self.users),
            passwords.waiting,
            passwords.computed,
            passwords.refused,
        )
    }
}

fn up_or_down(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

/// Returns whether the keys are ready, and their state, age and counts. Any client can read these, so the cause of a
/// failed refresh goes to the log only.
fn remote(status: &KeySetStatus) -> (bool, Value) {
    let secs = |duration: Option<Duration>| duration.map(|duration| duration.as_secs());
    let stale = match status.health() {
        KeySetHealth::Stale { past } => Some(past),
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
    (status.is_ready(), keys)
}
