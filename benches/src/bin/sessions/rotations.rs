//! Refreshes per second, compared with bare writes from the same number of workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tollgate_benches::svg::{self, Bar, Side};
use tollgate_benches::{Options, Report, Spread, grouped};
use tollgate_sessions::{Login, Sessions};
use tollgate_sessions::sessions::TokenTransport;

use crate::place::Place;
use crate::raw::Raw;

/// Numbers of workers: one client that waits for each response, and a busy service.
const WORKERS: [usize; 2] = [1, 64];

/// The results of one store with one number of workers, per second in each round.
struct Measured {
    ours: Vec<f64>,
    raw: Vec<f64>,
}

pub(crate) async fn report(report: &mut Report<'_>, options: &Options, places: &[Place]) {
    report.add(
        "### Refreshes per second\n\nEach worker has its own session and refreshes it again and again. The grace period is \
         zero, so every refresh is a write. *Bare write* changes one small row, or sets one key, on the same server or disk \
         with the same durability: SQLite syncs its log at each commit, Redis has `appendfsync always`, PostgreSQL has its \
         default settings. Refreshes and bare writes take turns. The bare writer of SQLite commits one row at a time; the \
         store commits all waiting calls together.",
    );
    let (mut rows, mut bars) = (Vec::new(), Vec::new());
    for place in places {
        for workers in WORKERS {
            let measured = measure(options, place, workers).await;
            let ours = Spread::of(measured.ours.iter().copied());
            let raw = (!measured.raw.is_empty()).then(|| Spread::of(measured.raw.iter().copied()));
            let ratio = || Spread::of(measured.ours.iter().zip(&measured.raw).map(|(ours, raw)| ours / raw));
            rows.push(vec![
                place.name.to_owned(),
                workers.to_string(),
                rate(ours),
                raw.map(rate).unwrap_or_default(),
                raw.map(|_| ratio().ratio()).unwrap_or_default(),
            ]);
            bars.push(bar(&format!("{}, {workers} at once", place.name), Side::Ours, ours));
            bars.extend(
                raw.map(|raw| bar(&format!("{}, {workers} at once, bare", place.name), Side::Base, raw)),
            );
        }
    }
    let head =
        ["store", "workers", "refreshes per second", "bare writes per second", "refreshes : bare writes"];
    report.table(&head, &rows);
    let title = "Refreshes per second, and bare writes";
    report.chart("sessions-refreshes.svg", title, &svg::bars(title, "per second, more is better", &bars));
}

fn rate(spread: Spread) -> String {
    format!("{} ({} to {})", grouped(spread.median), grouped(spread.low), grouped(spread.high))
}

fn bar(label: &str, side: Side, rate: Spread) -> Bar {
    let (value, spread) = (rate.median, [rate.low, rate.high]);
    Bar { label: label.to_owned(), side, value, spread, text: grouped(value) }
}

async fn measure(options: &Options, place: &Place, workers: usize) -> Measured {
    let (rounds, turn) = if options.quick { (2, 0.2) } else { (11, 1.0) };
    let turn = Duration::from_secs_f64(turn);
    let sessions = place.sessions();
    let mut tokens = Vec::new();
    for worker in 0..workers {
        let issued = sessions.create(&Login::new(format!("worker-{worker}"))).await.expect("a login");
        tokens.push(issued.refresh_token.expose());
    }
    let mut measured = Measured { ours: Vec::new(), raw: Vec::new() };
    for _ in 0..rounds {
        measured.ours.push(renewals(&sessions, &mut tokens, turn).await);
        if let Some(raw) = &place.raw {
            measured.raw.push(writes(raw, workers, turn).await);
        }
    }
    measured
}

/// Returns refreshes per second. Every worker has its own task, as requests do.
async fn renewals(sessions: &Sessions, tokens: &mut [String], turn: Duration) -> f64 {
    let (done, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut workers = JoinSet::new();
    for (worker, token) in tokens.iter().enumerate() {
        let (sessions, done, mut token) = (sessions.clone(), Arc::clone(&done), token.clone());
        workers.spawn(async move {
            while start.elapsed() < turn {
                token = renew(&sessions, &token).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
            (worker, token)
        });
    }
    while let Some(ended) = workers.join_next().await {
        let (worker, token) = ended.expect("no panic");
        tokens[worker] = token;
    }
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

pub(crate) async fn renew(sessions: &Sessions, token: &str) -> String {
    let renewed = sessions.refresh(token, TokenTransport::Body, None).await;
    renewed.unwrap_or_else(|error| panic!("not refreshed: {error:?}")).refresh_token.expose()
}

async fn writes(raw: &Arc<Raw>, workers: usize, turn: Duration) -> f64 {
    let (done, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut writers = JoinSet::new();
    for worker in 0..workers {
        let (raw, done) = (Arc::clone(raw), Arc::clone(&done));
        writers.spawn(async move {
            while start.elapsed() < turn {
                raw.write(worker).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.expect("no panic");
    }
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}
