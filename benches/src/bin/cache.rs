//! The cache of verified tokens: cost of a hit at many sizes, scaling, hit rate, memory.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin cache`

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, LazyLock};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer};
use tollgate::adapter::Decision;
use tollgate::{Admission, Algorithm, CacheLimits, Gate, UnixTime};
use tollgate_benches::fixtures::{self, Bearer, Size, User};
use tollgate_benches::svg::{self, Series};
use tollgate_benches::{Options, Report, Spread, grouped, machine, nanoseconds};
use tollgate_testing::TokenBuilder;

/// Up to this number of live tokens, two threads are also measured with a cache for each.
const APART_UP_TO: usize = 100_000;

/// Memory is measured in separate processes, which run this program with one of these arguments.
const WEIGH: &str = "weigh";
const FLOOD: &str = "flood";

const WARM_UP: Duration = Duration::from_millis(20);

static NOW: LazyLock<UnixTime> = LazyLock::new(fixtures::now);

const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [WEIGH, count, claims] => weigh(number(count), claims == "claims"),
        [FLOOD, count, tokens, bytes] => flood(number(count), number(tokens), number(bytes) as u64),
        _ => report(&Options::from_args()),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn report(options: &Options) {
    let versions = machine::versions(&["quick_cache", "foldhash"]);
    let mut report = Report::new(options, "cache", "The cache of verified tokens", &versions);
    report.add("HS256 tokens of nine claims and a `jti`. A hit is one request to the gate, without the application's claims type.");
    let most = if options.quick { 10_000 } else { 1_000_000 };
    let requests = requests(most);
    hits(&mut report, options, &requests);
    zipf(&mut report, options, &requests);
    drop(requests);
    memory(&mut report, options);
    report.finish();
}

/// Returns the nth of many distinct tokens.
fn token(builder: &TokenBuilder, nth: usize) -> String {
    builder.clone().claim("jti", format!("{nth:012}")).sign()
}

fn requests(count: usize) -> Vec<Bearer> {
    let builder = fixtures::token(Algorithm::Hs256, Size::Small);
    (0..count).map(|nth| Bearer::new(&token(&builder, nth))).collect()
}

fn gate(tokens: usize) -> Gate {
    fixtures::gate(Algorithm::Hs256)
        .with_cache(CacheLimits::new(tokens, tokens as u64 * 4096).expect("a cache of some tokens"))
}

fn admit(gate: &Gate, request: &Bearer) -> Admission {
    match gate.admit(request, *NOW) {
        Decision::Admitted(admission) => admission,
        other => panic!("not admitted: {other:?}"),
    }
}

/// A claims type that counts its deserializations. A hit finds it already deserialized.
struct Counted;

static MADE: AtomicU64 = AtomicU64::new(0);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        MADE.fetch_add(1, Ordering::Relaxed);
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A small random number generator (xorshift64*) with a fixed seed, so that all runs are the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Measures the cost of a hit at several numbers of live tokens, and the scaling from one thread to two.
fn hits(report: &mut Report<'_>, options: &Options, requests: &[Bearer]) {
    let mut rows = Vec::new();
    let (mut one, mut two, mut scaling) = (Vec::new(), Vec::new(), Vec::new());
    let mut live = 10;
    while live <= requests.len() {
        // Twice the capacity: a bounded cache may evict slightly early, and this measures hits only.
        let gate = gate(live * 2);
        for request in &requests[..live] {
            admit(&gate, request).claims::<Counted>().expect("claims");
        }
        let made = MADE.load(Ordering::Relaxed);
        for request in &requests[..live] {
            admit(&gate, request).claims::<Counted>().expect("claims");
        }
        let missed = MADE.load(Ordering::Relaxed) - made;
        let runs = if options.quick { 50_000 } else { 200_000 };
        let apart = (live <= APART_UP_TO).then(|| [0, 1].map(|_| full(live, requests)));
        let rounds = (0..options.rounds().min(31)).map(|round| {
            let [alone, together] =
                [1, 2].map(|threads| time(&[&gate], &requests[..live], threads, runs, round as u64));
            let apart = apart.as_ref().map_or(f64::NAN, |[one, other]| {
                time(&[one, other], &requests[..live], 2, runs, round as u64)
            });
            [alone, together, 2.0 * alone / together, 2.0 * alone / apart]
        });
        let rounds: Vec<[f64; 4]> = rounds.collect();
        let spread = |at: usize| Spread::of(rounds.iter().map(|round| round[at]));
        let [alone, together, ratio] = [0, 1, 2].map(spread);
        let apart = apart.map_or_else(|| "–".into(), |_| spread(3).ratio());
        let shown =
            |time: Spread| format!("{} ({:.0} to {:.0})", nanoseconds(time.median), time.low, time.high);
        rows.push(vec![
            grouped(live as f64),
            shown(alone),
            shown(together),
            ratio.ratio(),
            apart,
            format!("{:.2} %", 100.0 * missed as f64 / live as f64),
        ]);
        one.push([live as f64, alone.median]);
        two.push([live as f64, together.median]);
        scaling.push([live as f64, ratio.median]);
        live *= 10;
    }
    report.add(
        "### Cost of a hit\n\nEvery request has a live token chosen at random. With many tokens, the processor's own caches \
         miss, and each token is read from memory twice: in the request and in the cache. Two threads share one gate; \
         their time is that of one request of the slower thread while both are running. *With a cache each* shows the \
         limit of the machine: the same requests, with nothing shared between the threads. *Missed* counts tokens that \
         had been evicted.",
    );
    let head = [
        "live tokens",
        "one thread",
        "two threads",
        "two threads : one, requests",
        "with a cache each",
        "missed",
    ];
    report.table(&head, &rows);
    let series = [
        Series { name: "one thread".into(), points: one },
        Series { name: "two threads at once".into(), points: two },
    ];
    let chart = svg::lines("Time of a cache hit", "live tokens", "nanoseconds, less is better", &series);
    report.chart("cache-hit.svg", "Time of a cache hit, by number of live tokens", &chart);
    let series = [Series { name: "requests of two threads : requests of one".into(), points: scaling }];
    let chart = svg::lines("Two threads compared with one", "live tokens", "ratio, at most 2", &series);
    report.chart("cache-scaling.svg", "Requests of two threads compared with those of one", &chart);

    let gate = gate(100);
    let (same, runs) = (&requests[..1], if options.quick { 50_000 } else { 200_000 });
    let rounds = (0..options.rounds().min(31)).map(|round| {
        let cached =
            2.0 * time(&[&gate], same, 1, runs, round as u64) / time(&[&gate], same, 2, runs, round as u64);
        let machine = 2.0 * control(1, runs) / control(2, runs);
        [cached, machine]
    });
    let rounds: Vec<[f64; 2]> = rounds.collect();
    let [same, machine] = [0, 1].map(|at| Spread::of(rounds.iter().map(|round| round[at])).ratio());
    report.add(&format!(
        "When both threads send the same token, they make {same} as many requests as one thread. The limit of the machine, \
         measured with HS256 MACs that share nothing between the threads, is {machine}.",
    ));
}

/// Returns a gate that has `live` tokens in its cache.
fn full(live: usize, requests: &[Bearer]) -> Gate {
    let gate = gate(live * 2);
    for request in &requests[..live] {
        drop(admit(&gate, request));
    }
    gate
}

/// Returns nanoseconds per request when `threads` threads send requests at once. Threads take the gates in turn.
fn time(gates: &[&Gate], requests: &[Bearer], threads: usize, runs: usize, seed: u64) -> f64 {
    at_once(threads, runs, |thread| {
        let gate = gates[thread % gates.len()];
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (seed << 8) ^ (thread as u64 + 1));
        move || drop(black_box(admit(gate, &requests[random.below(requests.len())])))
    })
}

/// Measures the limit of the machine: the same for a MAC, which shares nothing between threads.
fn control(threads: usize, runs: usize) -> f64 {
    at_once(threads, runs, |thread| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[thread as u8; 32]);
        let input = [thread as u8; 400];
        move || {
            black_box(hmac::sign(&key, black_box(&input)));
        }
    })
}

/// Returns nanoseconds per run of the slowest thread when `threads` threads run at once.
fn at_once<R: FnMut()>(threads: usize, runs: usize, worker: impl Fn(usize) -> R + Sync) -> f64 {
    let barrier = Barrier::new(threads);
    let work = &|thread: usize| {
        let mut run = worker(thread);
        barrier.wait();
        // Warm up first: the scheduler must spread the threads over the cores, and the caches must fill.
        let start = Instant::now();
        while start.elapsed() < WARM_UP {
            (0..100).for_each(|_| run());
        }
        barrier.wait();
        let start = Instant::now();
        (0..runs).for_each(|_| run());
        start.elapsed().as_nanos() as f64 / runs as f64
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let times = workers.into_iter().map(|worker| worker.join().expect("no panic"));
        times.fold(0.0, f64::max)
    })
}

/// Measures the hit rate when some tokens are used much more often than others.
fn zipf(report: &mut Report<'_>, options: &Options, requests: &[Bearer]) {
    let mut total = 0.0;
    let sums: Vec<f64> = (1..=requests.len())
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    let asked = if options.quick { 50_000 } else { 2_000_000 };
    let mut rows = Vec::new();
    let mut points = Vec::new();
    let mut ideal = Vec::new();
    for size in [100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000]
        .into_iter()
        .filter(|size| *size < requests.len())
    {
        let gate = gate(size);
        let mut random = Random(42);
        let mut ask = |count: usize| {
            let before = MADE.load(Ordering::Relaxed);
            for _ in 0..count {
                let point = random.unit() * total;
                let at = sums.partition_point(|sum| *sum < point);
                admit(&gate, &requests[at.min(requests.len() - 1)]).claims::<Counted>().expect("claims");
            }
            1.0 - (MADE.load(Ordering::Relaxed) - before) as f64 / count as f64
        };
        ask(asked / 2); // the cache fills
        let rate = 100.0 * ask(asked);
        let best = 100.0 * sums[size - 1] / total;
        rows.push(vec![grouped(size as f64), format!("{rate:.1} %"), format!("{best:.1} %")]);
        points.push([size as f64, rate]);
        ideal.push([size as f64, best]);
    }
    let users = grouped(requests.len() as f64);
    report.add(&format!(
        "### Hit rate\n\nRequests with {users} tokens under Zipf's law with exponent 1: the nth most used token occurs 1/n \
         as often as the first. *Ideal* is a cache that always holds the most used tokens.",
    ));
    report.table(&["capacity in tokens", "hits", "ideal"], &rows);
    let series = [Series { name: "hits".into(), points }, Series { name: "ideal".into(), points: ideal }];
    let title = format!("Hit rate under Zipf's law, {users} tokens");
    let chart = svg::lines(&title, "capacity in tokens", "percent", &series);
    report.chart("cache-hit-rate.svg", &title, &chart);
}

fn memory(report: &mut Report<'_>, options: &Options) {
    let count = if options.quick { 5_000 } else { 100_000 };
    let weights: Vec<f64> =
        ["none", "claims"].iter().map(|claims| child(&[WEIGH, &count.to_string(), claims])[0][1]).collect();
    let bytes = token(&fixtures::token(Algorithm::Hs256, Size::Small), 0).len();
    report.add(&format!(
        "### Memory\n\nIn a process with {} entries, the resident memory per entry is {} bytes for a token of {bytes} bytes, \
         and {} bytes with the application's claims (six fields).",
        grouped(count as f64),
        grouped(weights[0]),
        grouped(weights[1]),
    ));

    let (flood, room) = if options.quick { (20_000, 2_000) } else { (1_000_000, 100_000) };
    let bound = room as u64 * 2560;
    let samples = child(&[FLOOD, &flood.to_string(), &room.to_string(), &bound.to_string()]);
    let grown = |[asked, bytes]: &[f64; 2]| vec![grouped(*asked), format!("{:.1} MiB", bytes / MIB)];
    let rows: Vec<Vec<String>> = samples.iter().map(grown).collect();
    report.add(&format!(
        "{} distinct live tokens, one after the other, in a cache bounded to {} tokens and {:.0} MiB. The table shows by \
         how much the process has grown.",
        grouped(flood as f64),
        grouped(room as f64),
        bound as f64 / MIB,
    ));
    report.table(&["tokens so far", "growth of resident memory"], &rows);
    let points = samples.iter().map(|[asked, bytes]| [*asked, bytes / MIB]).collect();
    let limit = samples.iter().map(|[asked, _]| [*asked, bound as f64 / MIB]).collect();
    let series = [
        Series { name: "growth of resident memory".into(), points },
        Series { name: "configured bound".into(), points: limit },
    ];
    let chart = svg::lines("More tokens than the cache holds", "distinct tokens so far", "MiB", &series);
    report.chart("cache-memory.svg", "Memory of a bounded cache under many distinct tokens", &chart);
}

/// Runs this program again and reads its lines of two numbers.
fn child(arguments: &[&str]) -> Vec<[f64; 2]> {
    let program = std::env::current_exe().expect("a path");
    let output = std::process::Command::new(program).args(arguments).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let (a, b) = line.split_once(' ').expect("two numbers");
        [a, b].map(|number| number.parse().expect("a number"))
    };
    text.lines().map(line).collect()
}

/// Prints the number of entries and the bytes per entry.
fn weigh(count: usize, claims: bool) {
    let gate = gate(count * 2);
    let builder = fixtures::token(Algorithm::Hs256, Size::Small);
    let ask = |nth: usize| {
        let admission = admit(&gate, &Bearer::new(&token(&builder, nth)));
        if claims {
            admission.claims::<User>().expect("claims");
        }
    };
    // The first few requests trigger all one-time allocations.
    (0..100).for_each(ask);
    let before = machine::resident_bytes();
    (100..count + 100).for_each(ask);
    let grown = machine::resident_bytes().saturating_sub(before);
    println!("{count} {}", grown as f64 / count as f64);
    black_box(gate);
}

/// Prints, ten times, the number of tokens so far and the growth of the process in bytes.
fn flood(count: usize, tokens: usize, bytes: u64) {
    let gate = fixtures::gate(Algorithm::Hs256)
        .with_cache(CacheLimits::new(tokens, bytes).expect("a cache of some tokens"));
    let builder = fixtures::token(Algorithm::Hs256, Size::Small);
    let before = machine::resident_bytes();
    for nth in 1..=count {
        black_box(admit(&gate, &Bearer::new(&token(&builder, nth))));
        if nth % (count / 10) == 0 {
            println!("{nth} {}", machine::resident_bytes().saturating_sub(before));
        }
    }
}
