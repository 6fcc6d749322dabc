//! Long-running test of a remote key set: its issuer rotates keys and one fetch in five fails.
//!
//! `TOLLGATE_SOAK_SECS` sets the duration. The default is a run of five seconds with everything ten times as fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollgate::{Algorithm, Audience, Gate, Verifier};
use tollgate_jwks::{RefreshSettings, RemoteKeySet};
use tollgate_sessions::SigningKey;
use tollgate_testing::{Forge, keys};
use tollgate_tests::issuer::{Answer, Issuer, response};
use tollgate_tests::requests::ask;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const CLIENTS: usize = 8;

/// The durations of a run.
struct Pace {
    length: Duration,
    rotation: Duration,
    cooldown: Duration,
    lifetime: Duration,
    pause: Duration,
}

impl Pace {
    fn from_env() -> Self {
        let millis = Duration::from_millis;
        match std::env::var("TOLLGATE_SOAK_SECS") {
            Ok(secs) => Self {
                length: Duration::from_secs(secs.parse().expect("TOLLGATE_SOAK_SECS is a number")),
                rotation: millis(5000),
                cooldown: millis(1000),
                lifetime: millis(2000),
                pause: millis(5),
            },
            Err(_) => Self {
                length: millis(5000),
                rotation: millis(500),
                cooldown: millis(100),
                lifetime: millis(200),
                pause: millis(1),
            },
        }
    }
}

/// The current key's number. Tokens are signed with a key as soon as it is published, which is the hardest case.
#[derive(Clone)]
struct Rotation(Arc<AtomicU64>);

impl Rotation {
    fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns one of two keys under the ID of this number.
    fn key(number: u64) -> SigningKey {
        let algorithm = if number.is_multiple_of(2) { Algorithm::Es256 } else { Algorithm::Es384 };
        keys::signing(algorithm).with_key_id(format!("k{number}")).expect("a key id")
    }

    /// Returns a key set with the current key and the previous one, whose tokens are still valid.
    fn document(number: u64) -> String {
        let published: Vec<SigningKey> = (number.saturating_sub(1)..=number).map(Self::key).collect();
        let published: Vec<&str> = published.iter().filter_map(SigningKey::public_jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, published.join(","))
    }

    fn token(number: u64) -> String {
        Forge::new(ISSUER, AUDIENCE).with_key(Self::key(number)).token().sign()
    }
}

#[derive(Default)]
struct Counts {
    good: AtomicU64,
    failed: AtomicU64,
    waited: AtomicU64,
    slowest_micros: AtomicU64,
    stop: AtomicBool,
}

#[expect(clippy::disallowed_methods, reason = "the run ends after a given real time")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_see_no_rotation_and_no_failed_fetch() {
    let pace = Pace::from_env();
    let rotation = Rotation(Arc::default());
    let issuer = Issuer::start(None).await;
    publish(&issuer, &rotation);
    let tasks_before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let set = RemoteKeySet::from_url(format!("http://{}/jwks", issuer.address()))
        .with_insecure_loopback()
        .with_settings(
            RefreshSettings::new()
                .with_lifetime(pace.lifetime)
                .with_lifetime_bounds(pace.lifetime, pace.lifetime)
                .with_cooldown(pace.cooldown)
                .with_backoff(Duration::from_millis(50), pace.lifetime)
                .with_quick_retry(Some(Duration::from_millis(10))),
        )
        .connect()
        .await
        .expect("keys");
    let gate = Gate::new(Verifier::new(
        set.clone(),
        tollgate::Issuer::new(ISSUER).unwrap(),
        Audience::new(AUDIENCE).unwrap(),
    ));
    let counts = Arc::new(Counts::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(client(gate.clone(), rotation.clone(), Arc::clone(&counts), pace.pause)))
        .collect();

    let began = Instant::now();
    let mut memory = Vec::new();
    let mut forged: u64 = 0;
    while began.elapsed() < pace.length {
        rotation.0.fetch_add(1, Ordering::SeqCst);
        // The new key must arrive before forged key IDs use up the cooldown.
        assert_eq!(ask(&gate, &Rotation::token(rotation.current())).await.status, 200);
        tokio::time::sleep(pace.rotation / 4).await;
        for _ in 0..20 {
            forged += 1;
            let token = Forge::new(ISSUER, AUDIENCE).with_key(Rotation::key(0));
            let token = token.token().header("kid", format!("forged-{forged}")).sign();
            let answer = ask(&gate, &token).await;
            assert!(matches!(answer.status, 401 | 503), "{answer:?}");
        }
        // The cooldown that they caused ends before the next rotation.
        tokio::time::sleep(pace.rotation * 3 / 4).await;
        memory.push(resident_kib());
    }
    counts.stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("a client");
    }
    let status = set.status();
    drop((gate, set));
    let tasks_after = settle(tasks_before).await;
    report(
        &counts,
        &status,
        &memory,
        issuer.requests(),
        forged,
        rotation.current(),
        (tasks_before, tasks_after),
    );
    assert_eq!(counts.failed.load(Ordering::SeqCst), 0, "a good request failed");
    assert!(counts.good.load(Ordering::SeqCst) > 100 && status.failures() + status.http_requests() > 0);
    assert_eq!(tasks_after, tasks_before, "a task was leaked");
    // Memory is stable after the first tenth: caches are bounded, and full by then or small.
    if let (Some(early), Some(last)) =
        (memory.get(memory.len() / 10).copied().flatten(), memory.last().copied().flatten())
    {
        assert!(last < early + 16 * 1024, "memory grew from {early} to {last} KiB");
    }
}

fn publish(issuer: &Issuer, rotation: &Rotation) {
    let rotation = rotation.clone();
    issuer.behave(move |request, count| {
        if count % 5 == 4 {
            return match count % 3 {
                0 => Answer::Bytes(response("500 Internal Server Error", &[], "")),
                1 => Answer::Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec()),
                _ => Answer::Bytes(Vec::new()),
            };
        }
        let number = rotation.current();
        let tag = format!("\"{number}\"");
        if request.to_ascii_lowercase().contains(&format!("if-none-match: {tag}")) {
            return Answer::Bytes(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec());
        }
        let fields = ["Content-Type: application/json", &format!("ETag: {tag}")];
        Answer::Bytes(response("200 OK", &fields, &Rotation::document(number)))
    });
}

/// Sends valid requests, with the current key and sometimes with the previous one.
async fn client(gate: Gate, rotation: Rotation, counts: Arc<Counts>, pause: Duration) {
    let (mut number, mut token) = (u64::MAX, String::new());
    while !counts.stop.load(Ordering::SeqCst) {
        let current = rotation.current();
        if number != current {
            (number, token) = (current, Rotation::token(current));
        }
        let answer = ask(&gate, &token).await;
        let counter = if answer.status == 200 { &counts.good } else { &counts.failed };
        counter.fetch_add(1, Ordering::SeqCst);
        counts.waited.fetch_add(u64::from(answer.waited), Ordering::SeqCst);
        let micros = u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX);
        counts.slowest_micros.fetch_max(micros, Ordering::SeqCst);
        tokio::time::sleep(pause).await;
    }
}

/// Waits for ended tasks to disappear, and returns the number of live ones.
async fn settle(expected: usize) -> usize {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for _ in 0..200 {
        if tasks() <= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tasks()
}

/// Returns the resident memory in KiB, if the system reports it.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn report(
    counts: &Counts,
    status: &tollgate_jwks::KeySetStatus,
    memory: &[Option<u64>],
    requests: u64,
    forged: u64,
    rotations: u64,
    tasks: (usize, usize),
) {
    let load = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let at = |index: usize| memory.get(index).copied().flatten().unwrap_or_default();
    println!(
        "good {} failed {} waited {} slowest {} ms; rotations {rotations}, forged {forged}; issuer got {requests} \
         requests, refreshes {} of which {} failed; memory {} KiB after a tenth, {} KiB at the end; tasks {} before, {} after",
        load(&counts.good),
        load(&counts.failed),
        load(&counts.waited),
        load(&counts.slowest_micros) / 1000,
        status.refreshes(),
        status.failures(),
        at(memory.len() / 10),
        at(memory.len().saturating_sub(1)),
        tasks.0,
        tasks.1,
    );
}
