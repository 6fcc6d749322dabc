//! What a store holds after many renewals: as many rows as sessions, and as many bytes as before.

use tokio::task::JoinSet;
use tollgate_benches::svg::{self, Series};
use tollgate_benches::{Options, Report, grouped};
use tollgate_sessions::{Login, Sessions};

use crate::place::Place;
use crate::raw::{Held, Raw};
use crate::rotations::renew;

/// How many renewals are under way at any time.
const WORKERS: usize = 64;
/// How often it is looked at what the store holds.
const SAMPLES: usize = 10;

pub(crate) async fn report(report: &mut Report<'_>, options: &Options, places: &[Place]) {
    let (sessions, renewals) = if options.quick { (320, 6_400) } else { (10_000, 1_000_000) };
    report.add(&format!(
        "### What a session weighs\n\n{} sessions, renewed {} times in all. Rows are those of sessions; bytes are those of all \
         tables of ours with their indexes: of SQLite on the disk with the write-ahead log, of PostgreSQL on the disk, of Redis in \
         memory (its keys are sessions and the lists of who has which).",
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
        // The axis is logarithmic: it has no place for none.
        let points =
            samples.iter().skip(1).map(|(renewals, held)| [*renewals as f64, weight(held)]).collect();
        series.push(Series { name: place.name.into(), points });
    }
    let tenth = format!("bytes of each after {}", grouped((renewals / SAMPLES) as f64));
    let all = format!("bytes of each after {}", grouped(renewals as f64));
    let head = ["store", "rows before", "rows after", "bytes of each before", &tenth, &all];
    report.table(&head, &rows);
    let title = "Bytes of a session, by the number of renewals";
    report.chart("sessions-growth.svg", title, &svg::lines(title, "renewals", "bytes", &series));
}

/// What the store holds before, and after each tenth of the renewals.
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

/// Renews so many times, one session after the other.
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
