//! [`KeySetStatus`]: the state of a key set, for readiness checks, logs and metrics.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cache::Freshness;
use crate::outcome::FetchOutcome;

/// The state of a [`RemoteKeySet`](crate::RemoteKeySet) at one time.
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

/// Whether there are keys, and whether they are fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetHealth {
    /// The issuer has confirmed the keys within their lifetime.
    Fresh,
    /// The keys are past their lifetime, and still used.
    Stale {
        /// The time since the end of their lifetime.
        past: Duration,
    },
    /// There are no keys, or they are too old to be used. Requests with a token get 503.
    Unavailable,
}

impl KeySetHealth {
    /// Returns the name of the state in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale { .. } => "stale",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The most recent failure of a refresh.
#[derive(Clone, Debug)]
pub struct LastFailure {
    pub(crate) outcome: FetchOutcome,
    pub(crate) cause: String,
    pub(crate) ago: Duration,
}

impl LastFailure {
    /// Returns the kind of failure.
    #[must_use]
    pub fn outcome(&self) -> FetchOutcome {
        self.outcome
    }

    /// Returns the failure and its causes on one line, for the operator.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Returns the time since the failure.
    #[must_use]
    pub fn ago(&self) -> Duration {
        self.ago
    }
}

impl KeySetStatus {
    /// Returns whether there are usable keys, so that requests with a token can be answered.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.health() != KeySetHealth::Unavailable
    }

    /// Returns whether there are keys, and whether they are fresh.
    #[must_use]
    pub fn health(&self) -> KeySetHealth {
        match self.freshness {
            Freshness::Fresh => KeySetHealth::Fresh,
            Freshness::Stale(past) => KeySetHealth::Stale { past },
            Freshness::Unavailable => KeySetHealth::Unavailable,
        }
    }

    /// Returns the issuer, or the URL of the keys without its query.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns the time since the issuer confirmed the keys, or `None` before the first fetch.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns the number of usable keys.
    #[must_use]
    pub fn usable_keys(&self) -> usize {
        self.usable
    }

    /// Returns the number of keys in the document that are not used.
    #[must_use]
    pub fn skipped_keys(&self) -> usize {
        self.skipped
    }

    /// Returns the time until the next refresh is due. Zero while a refresh is pending.
    #[must_use]
    pub fn next_refresh_in(&self) -> Duration {
        self.next_refresh_in
    }

    /// Returns the number of failed refreshes since the last success.
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.failures
    }

    /// Returns the most recent failure of a refresh, however long ago.
    #[must_use]
    pub fn last_failure(&self) -> Option<&LastFailure> {
        self.last_failure.as_ref()
    }

    /// Returns the number of refreshes with this outcome.
    #[must_use]
    pub fn count(&self, outcome: FetchOutcome) -> u64 {
        self.outcomes.iter().filter(|(known, _)| *known == outcome).map(|(_, count)| count).sum()
    }

    /// Returns the number of refreshes.
    #[must_use]
    pub fn refreshes(&self) -> u64 {
        self.outcomes.iter().map(|(_, count)| count).sum()
    }

    /// Returns the number of failed refreshes.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| !outcome.is_success()).map(|(_, count)| count).sum()
    }

    /// Returns the number of HTTP requests, including those for metadata and retries.
    #[must_use]
    pub fn http_requests(&self) -> u64 {
        self.requests
    }

    /// Returns the number of requests that waited for an unknown or replaced key, or for the first keys.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.waited
    }

    /// Returns the number of requests with an unknown key, or a wrong signature, that did not wait, because a refresh
    /// would not help.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Returns the number of requests that are waiting now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns the number of absent keys in the negative cache.
    #[must_use]
    pub fn absent_keys(&self) -> usize {
        self.absent
    }

    /// Returns the metrics of these key sets in the text format of Prometheus. Labels are the location and
    /// names of outcomes, never values from requests.
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

/// A callback for each sample: further labels, and the value.
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
        help: "Refreshes by outcome.",
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
        help: "Requests with an unknown key or a wrong signature, by whether they waited for a refresh.",
        samples: |status, sink| {
            sink(",answer=\"waited\"", number(status.waited));
            sink(",answer=\"refused\"", number(status.refused));
        },
    },
    Metric {
        name: "tollgate_jwks_health",
        kind: "gauge",
        help: "1 for the current state of the keys.",
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
        help: "Time since the issuer confirmed the keys.",
        samples: |status, sink| {
            if let Some(age) = status.age {
                sink("", age.as_secs_f64());
            }
        },
    },
    Metric {
        name: "tollgate_jwks_keys",
        kind: "gauge",
        help: "Keys of the document, by whether they are usable.",
        samples: |status, sink| {
            sink(",use=\"usable\"", count(status.usable));
            sink(",use=\"skipped\"", count(status.skipped));
        },
    },
    Metric {
        name: "tollgate_jwks_consecutive_failures",
        kind: "gauge",
        help: "Failed refreshes since the last success.",
        samples: |status, sink| sink("", f64::from(status.failures)),
    },
    Metric {
        name: "tollgate_jwks_waiting_requests",
        kind: "gauge",
        help: "Requests that are waiting for keys.",
        samples: |status, sink| sink("", count(status.waiting)),
    },
];

fn count(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Converts a count. It is exact up to 2^53, as all numbers in the format.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "there is no other conversion")]
fn number(value: u64) -> f64 {
    value as f64
}

fn label_value(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
