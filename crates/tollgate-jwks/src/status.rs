//! [`KeySetStatus`]: how a key set is, for readiness checks, logs and metrics.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cache::Freshness;
use crate::outcome::FetchOutcome;

/// How a [`RemoteKeySet`](crate::RemoteKeySet) is at one moment.
#[derive(Clone, Debug)]
pub struct KeySetStatus {
    pub(crate) location: String,
    pub(crate) freshness: Freshness,
    pub(crate) age: Option<Duration>,
    pub(crate) usable: usize,
    pub(crate) skipped: usize,
    pub(crate) next_refresh_in: Duration,
    pub(crate) failures: u32,
    pub(crate) last_failure: Option<LastFailure>,
    pub(crate) outcomes: [(FetchOutcome, u64); FetchOutcome::ALL.len()],
    pub(crate) requests: u64,
    pub(crate) waited: u64,
    pub(crate) refused: u64,
    pub(crate) waiting: usize,
    pub(crate) absent: usize,
}

/// Whether there are keys, and how good they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetHealth {
    /// Confirmed within their lifetime.
    Fresh,
    /// Not confirmed in time, and still used.
    Stale {
        /// How long past their lifetime.
        past: Duration,
    },
    /// None, or too old to be used. Requests with a token are answered 503.
    Unavailable,
}

impl KeySetHealth {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale { .. } => "stale",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The last refresh that failed.
#[derive(Clone, Debug)]
pub struct LastFailure {
    pub(crate) outcome: FetchOutcome,
    pub(crate) cause: String,
    pub(crate) ago: Duration,
}

impl LastFailure {
    /// The kind of failure.
    #[must_use]
    pub fn outcome(&self) -> FetchOutcome {
        self.outcome
    }

    /// The failure and its causes, on one line, for the operator.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// How long ago it was.
    #[must_use]
    pub fn ago(&self) -> Duration {
        self.ago
    }
}

impl KeySetStatus {
    /// Whether requests with a token can be answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.health() != KeySetHealth::Unavailable
    }

    /// Whether there are keys, and how good they are.
    #[must_use]
    pub fn health(&self) -> KeySetHealth {
        match self.freshness {
            Freshness::Fresh => KeySetHealth::Fresh,
            Freshness::Stale(past) => KeySetHealth::Stale { past },
            Freshness::Unavailable => KeySetHealth::Unavailable,
        }
    }

    /// The issuer, or the URL of the keys without its query.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// How long ago the issuer confirmed the keys; `None` before the first time.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// How many keys can be used.
    #[must_use]
    pub fn usable_keys(&self) -> usize {
        self.usable
    }

    /// How many keys of the document are not used.
    #[must_use]
    pub fn skipped_keys(&self) -> usize {
        self.skipped
    }

    /// When the next refresh is due; zero while it is under way.
    #[must_use]
    pub fn next_refresh_in(&self) -> Duration {
        self.next_refresh_in
    }

    /// How many refreshes failed since the last good one.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.failures
    }

    /// The last refresh that failed, however long ago.
    #[must_use]
    pub fn last_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref()
    }

    /// How many refreshes ended so.
    #[must_use]
    pub fn count(&self, outcome: FetchOutcome) -> u64 {
        self.outcomes.iter().filter(|(known, _)| *known == outcome).map(|(_, count)| count).sum()
    }

    /// How many refreshes ended.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// How many refreshes failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| !outcome.is_success()).map(|(_, count)| count).sum()
    }

    /// How many HTTP requests were made: metadata and second tries are requests of their own.
    #[must_use]
    pub fn http_requests(&self) -> u64 {
        self.requests
    }

    /// How many requests waited for a key that they did not find, or for the first keys.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.waited
    }

    /// How many requests did not find their key and were not let wait, as the issuer would have nothing to add.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many requests wait right now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many keys that the issuer does not have are remembered.
    #[must_use]
    pub fn absent_keys(&self) -> usize {
        self.absent
    }

    /// The metrics of these key sets in the text format of Prometheus. Labels are the location and names of outcomes:
    /// nothing that a request can choose.
    #[must_use]
    pub fn prometheus<'a>(statuses: impl IntoIterator<Item = &'a Self>) -> String {
        let statuses: Vec<&Self> = statuses.into_iter().collect();
        let mut text = String::new();
        for metric in METRICS {
            // Writing to a string does not fail.
            let _written = writeln!(text, "# HELP {} {}", metric.name, metric.help);
            let _written = writeln!(text, "# TYPE {} {}", metric.name, metric.kind);
            for status in &statuses {
                (metric.samples)(status, &mut |label, value| {
                    let keys = label_value(&status.location);
                    let _written = writeln!(text, "{}{{keys=\"{keys}\"{label}}} {value}", metric.name);
                });
            }
        }
        text
    }
}

/// Takes the further labels and the value of a sample.
type Sink<'a> = &'a mut dyn FnMut(&str, f64);

struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    samples: fn(&KeySetStatus, Sink<'_>),
}

const METRICS: &[Metric] = &[
    Metric {
        name: "tollgate_jwks_refreshes_total",
        kind: "counter",
        help: "Refreshes by how they ended.",
        samples: |status, sink| {
            for (outcome, count) in &status.outcomes {
                sink(&format!(",outcome=\"{outcome}\""), number(*count));
            }
        },
    },
    Metric {
        name: "tollgate_jwks_http_requests_total",
        kind: "counter",
        help: "HTTP requests to the issuer.",
        samples: |status, sink| sink("", number(status.requests)),
    },
    Metric {
        name: "tollgate_jwks_unknown_keys_total",
        kind: "counter",
        help: "Requests whose key was not known, by whether they waited for a refresh.",
        samples: |status, sink| {
            sink(",answer=\"waited\"", number(status.waited));
            sink(",answer=\"refused\"", number(status.refused));
        },
    },
    Metric {
        name: "tollgate_jwks_health",
        kind: "gauge",
        help: "1 for the state that the keys are in.",
        samples: |status, sink| {
            for name in ["fresh", "stale", "unavailable"] {
                let is_it = if status.health().name() == name { 1.0 } else { 0.0 };
                sink(&format!(",state=\"{name}\""), is_it);
            }
        },
    },
    Metric {
        name: "tollgate_jwks_age_seconds",
        kind: "gauge",
        help: "How long ago the issuer confirmed the keys.",
        samples: |status, sink| {
            if let Some(age) = status.age {
                sink("", age.as_secs_f64());
            }
        },
    },
    Metric {
        name: "tollgate_jwks_keys",
        kind: "gauge",
        help: "Keys of the document, by whether they can be used.",
        samples: |status, sink| {
            sink(",use=\"usable\"", count(status.usable));
            sink(",use=\"skipped\"", count(status.skipped));
        },
    },
    Metric {
        name: "tollgate_jwks_consecutive_failures",
        kind: "gauge",
        help: "Refreshes that failed since the last good one.",
        samples: |status, sink| sink("", f64::from(status.failures)),
    },
    Metric {
        name: "tollgate_jwks_waiting_requests",
        kind: "gauge",
        help: "Requests that wait for keys.",
        samples: |status, sink| sink("", count(status.waiting)),
    },
];

fn count(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Exact to 2^53, as any number in the format.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "there is no other conversion")]
fn number(value: u64) -> f64 {
    value as f64
}

fn label_value(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
