//! Good requests while clients flood the gate with made-up issuers. Prints only.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin issuers
//!
//! One thread sends good requests. Another one sends tokens of issuers that are all different, to the same gate: with a
//! directory of issuers, which may look each of them up, and without one. The two gates take turns.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use tollgate::adapter::Decision;
use tollgate::{Algorithm, Gate};
use tollgate_benches::fixtures::{self, Size};
use tollgate_benches::{Spread, nanoseconds};
use tollgate_jwks::{LookupOutcome, VerifierDirectory, VerifierDirectorySettings};
use tollgate_testing::BearerRequest;

const ROUNDS: usize = 21;
const GOOD: u32 = 200_000;
const FORGED: usize = 10_000;

fn bearer(issuer: Option<&str>) -> BearerRequest {
    let token = fixtures::token(Algorithm::Hs256, Size::Small);
    let token = issuer.into_iter().fold(token, |token, issuer| token.claim("iss", issuer));
    BearerRequest::new(&token.sign())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let forged: Vec<BearerRequest> =
        (0..FORGED).map(|n| bearer(Some(&format!("https://made-up-{n}.example")))).collect();
    let lookups = Arc::new(AtomicU64::new(0));
    let plain = fixtures::gate(Algorithm::Hs256);
    let counted = Arc::clone(&lookups);
    let lookup = move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<_, std::convert::Infallible>(LookupOutcome::Unknown))
    };
    let directory = VerifierDirectory::new(lookup, VerifierDirectorySettings::new()).expect("a directory");
    let open = plain.clone().with_verifier_source(directory);

    let began = Instant::now();
    let mut sent = 0;
    let rounds: Vec<[f64; 2]> = (0..ROUNDS)
        .map(|_| {
            [&plain, &open].map(|gate| {
                let (nanos, flood) = round(gate, &forged, &runtime);
                sent += flood;
                nanos
            })
        })
        .collect();
    let [without, with] = [0, 1].map(|at| Spread::of(rounds.iter().map(|round| round[at])).median);
    let ratio = Spread::of(rounds.iter().map(|[without, with]| with / without));
    println!("good request, flood without a directory   {}", nanoseconds(without));
    println!("good request, flood with a directory      {}   {}", nanoseconds(with), ratio.ratio());
    let (secs, lookups) = (began.elapsed().as_secs_f64(), lookups.load(Ordering::Relaxed));
    println!("{sent} forged tokens of {FORGED} issuers in {secs:.1} s caused {lookups} lookups");
}

/// Returns nanoseconds per good request, and the number of forged ones beside them.
fn round(gate: &Gate, forged: &[BearerRequest], runtime: &tokio::runtime::Runtime) -> (f64, u64) {
    let good = bearer(None);
    let (barrier, is_finished, sent) = (Barrier::new(2), AtomicBool::new(false), AtomicU64::new(0));
    let handle = runtime.handle().clone();
    let nanos = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = handle.enter();
            barrier.wait();
            for request in forged.iter().cycle() {
                if is_finished.load(Ordering::Relaxed) {
                    return;
                }
                match gate.admit(request, fixtures::now()) {
                    Decision::AwaitKeys(lookup) => drop(handle.spawn(lookup)),
                    decision => assert!(matches!(decision, Decision::Rejected(_))),
                }
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let admit = |requests| {
            for _ in 0..requests {
                assert!(matches!(black_box(gate.admit(&good, fixtures::now())), Decision::Admitted(_)));
            }
        };
        admit(GOOD / 10);
        barrier.wait();
        let start = Instant::now();
        admit(GOOD);
        let nanos = start.elapsed().as_nanos() as f64 / f64::from(GOOD);
        is_finished.store(true, Ordering::Relaxed);
        nanos
    });
    (nanos, sent.into_inner())
}
