//! The size of a store after many refreshes: it should have one row per session, and as many bytes as before.

use tokio::task::JoinSet;
use tollgate_benches::svg::{self, Series};
use tollgate_benches::{Options, Report, grouped};
use tollgate_sessions::{Login, Sessions};

use crate::place::Place;
use crate::raw::{Held, Raw};
use crate::rotations::renew;

/// The number of concurrent refreshes.
const WORKERS: usize = 64;
/// The number of times that the size of the store is measured.
const SAMPLES: usize = 10;

pub(crate) async fn report(report: &mut Report<'_>, options: &Options, places: &[Place]) {
    let (sessions, renewals) = if options.quick { (320, 6_400) } else { (10_000, 1_000_000) };
    report.add(&format!(
        "### Size of a session\n\n{} sessions, refreshed {} times in all. Rows are those of the sessions. Bytes are those of \
         all tables of the store, indexes included: on disk with the write-ahead log for SQLite, on disk for PostgreSQL, in \
         memory for Redis. The keys in Redis, counted as rows, are the sessions and the lists of sessions by subject.",
        grouped(sessions as f64),
        grouped(renewals as f64),
    ));
    let (mut rows, mut series) = (Vec::new(), Vec::new());
    for place in places {
        let Some(raw) = &place.raw else { continue };
        let samples = grow(place, raw, sessions, renewals / SAMPLES).await;
        let weight = |held: &Held| held.bytes as f64 / sessions as f64;
        let (first, last) = (samples[0].1, samples[SAMPLES].1);
        rows.push(vec![
            place.name.to_owned(),
            grouped(first.sessions as f64),
            grouped(last.sessions as f64),
            grouped(weight(&first)),
            grouped(weight(&samples[1].1)),
            grouped(weight(&last)),
        ]);
        // The x axis is logarithmic, so it cannot show zero.
        let points =
            samples.iter().skip(1).map(|(renewals, held)| [*renewals as f64, weight(held)]).collect();
        series.push(Series { name: place.name.into(), points });
    }
    let tenth = format!("after {} refreshes", grouped((renewals / SAMPLES) as f64));
    let all = format!("after {} refreshes", grouped(renewals as f64));
    let head = ["store", "rows before", "rows after", "bytes per session before", &tenth, &all];
    report.table(&head, &rows);
    let title = "Bytes per session, by number of refreshes";
    report.chart("sessions-growth.svg", title, &svg::lines(title, "refreshes", "bytes", &series));
}

/// Returns the size of the store before, and after each tenth of the refreshes.
async fn grow(place: &Place, raw: &Raw, count: usize, stretch: usize) -> Vec<(usize, Held)> {
    let before = raw.held().await.sessions;
    let sessions = place.sessions();
    let mut tokens = begin(&sessions, count).await;
    let held = async || {
        let held = raw.held().await;
        Held { sessions: held.sessions - before, ..held }
    };
    let mut samples = vec![(0, held().await)];
    for nth in 1..=SAMPLES {
        tokens = renew_all(&sessions, tokens, stretch).await;
        samples.push((nth * stretch, held().await));
    }
    samples
}

async fn begin(sessions: &Sessions, count: usize) -> Vec<String> {
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let sessions = sessions.clone();
        workers.spawn(async move {
            let mut tokens = Vec::new();
            for nth in (worker..count).step_by(WORKERS) {
                let login = Login::new(format!("user-{nth}"));
                tokens.push(sessions.create(&login).await.expect("a login").refresh_token.expose());
            }
            tokens
        });
    }
    workers.join_all().await.concat()
}

/// Refreshes `renewals` times in all, one session after the other.
async fn renew_all(sessions: &Sessions, tokens: Vec<String>, renewals: usize) -> Vec<String> {
    let mut workers = JoinSet::new();
    let share = tokens.len().div_ceil(WORKERS);
    for tokens in tokens.chunks(share) {
        let (sessions, mut tokens) = (sessions.clone(), tokens.to_vec());
        workers.spawn(async move {
            for nth in 0..renewals / WORKERS {
                let at = nth % tokens.len();
                tokens[at] = renew(&sessions, &tokens[at]).await;
            }
            tokens
        });
    }
    workers.join_all().await.concat()
}
