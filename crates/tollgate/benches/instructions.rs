//! Counts the instructions of the hot path, to detect regressions independently of the load of the machine.
//!
//!     cargo bench -p tollgate --bench instructions               compares with instructions.txt, fails above 5 %
//!     cargo bench -p tollgate --bench instructions -- --record   records the current counts in it
//!     … -- --profile NAME                                        runs one scenario many times, for a profiler
//!
//! Each scenario runs under `valgrind --tool=callgrind`, once with few and once with many operations. The
//! difference is the cost of the operations. The counts depend on the compiler and on the instructions that
//! valgrind supports, not on load.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a command-line program may panic on unexpected input"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::adapter::{Decision, RequestView};
use tollgate::{Algorithm, Audience, Gate, Issuer, UnixTime, Verifier, VerifyingKey};

const SECRET: [u8; 32] = *b"\x51\x0e\x52\x7f\xad\xe6\x82\xd1\x9b\x05\x68\x8c\x2b\x3e\x6c\x1f\x1f\x83\xd9\xab\xfb\x41\xbd\x6b\x5b\xe0\xcd\x19\x13\x7e\x21\x79";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// The increase over the recorded count that is a regression.
const TOLERANCE: f64 = 0.05;
const FEW: u64 = 200;
const MANY: u64 = 2200;

/// The scenarios. The first is the signature check of the backend; its cost is subtracted from the scenarios
/// that are marked.
const SCENARIOS: [(&str, bool); 9] = [
    (SIGNATURE, false),
    ("verify", true),
    ("verify_and_read_claims", true),
    ("admit_uncached", true),
    ("admit_cached", false),
    ("admit_cached_and_read_claims", false),
    ("refuse_expired", false),
    ("refuse_garbage", false),
    ("refuse_unknown_key", false),
];
const SIGNATURE: &str = "signature_alone";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        ["--record"] => record(),
        ["--profile", name] => {
            run(name, 2_000_000);
            ExitCode::SUCCESS
        }
        ["run", name, operations] => {
            run(name, operations.parse().expect("a number"));
            ExitCode::SUCCESS
        }
        _ => panic!("unknown arguments: {args:?}"),
    }
}

fn compare() -> ExitCode {
    let recorded = read_baseline();
    let mut failed = false;
    println!("{:<32} {:>10} {:>10} {:>8}", "scenario", "recorded", "now", "change");
    for (name, now) in count_all() {
        let before = *recorded.get(&name).unwrap_or_else(|| panic!("{name} is not recorded in {BASELINE}"));
        let change = now / before - 1.0;
        let verdict = if change > TOLERANCE { "  REGRESSION" } else { "" };
        failed |= change > TOLERANCE;
        println!("{name:<32} {before:>10.0} {now:>10.0} {:>+7.1}%{verdict}", change * 100.0);
    }
    if failed {
        println!(
            "\nMore than {:.0} % over the record. Fix the regression, or record new counts and give the reason.",
            TOLERANCE * 100.0
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn record() -> ExitCode {
    let counts = count_all();
    let lines: String = counts.iter().map(|(name, count)| format!("{name} {count:.0}\n")).collect();
    let text = format!(
        "# Instructions of one operation, by `cargo bench -p tollgate --bench instructions -- --record`.\n{lines}"
    );
    std::fs::write(BASELINE, text).expect("the baseline can be written");
    print!("{lines}");
    ExitCode::SUCCESS
}

fn read_baseline() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(BASELINE).expect("the baseline can be read");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| (name.to_owned(), count.parse().expect("a count")))
        .collect()
}

/// Returns the instructions per operation of each scenario, without the signature check.
fn count_all() -> Vec<(String, f64)> {
    let mut signature = 0.0;
    SCENARIOS
        .map(|(name, is_signed)| {
            let total = count(name);
            if name == SIGNATURE {
                signature = total;
            }
            (name.to_owned(), if is_signed { total - signature } else { total })
        })
        .to_vec()
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "counts far below 2^53")]
fn count(name: &str) -> f64 {
    let [few, many] = [FEW, MANY].map(|operations| callgrind(name, operations));
    (many - few) as f64 / (MANY - FEW) as f64
}

fn callgrind(name: &str, operations: u64) -> u64 {
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["run", name, &operations.to_string()])
        .output()
        .expect("valgrind starts; it is in the package of that name");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : ")).expect("a count");
    collected.1.trim().parse().expect("a number")
}

/// The claims that the application reads.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "decoded, not read")]
struct User {
    sub: String,
    name: String,
    email: String,
    scope: String,
    roles: Vec<String>,
}

fn run(name: &str, operations: u64) {
    let good = sign(1_700_000_600);
    let key = VerifyingKey::hmac(Algorithm::Hs256, SECRET).expect("a strong secret");
    let verifier = Verifier::new(key, Issuer::new(ISSUER).unwrap(), Audience::new(AUDIENCE).unwrap());
    let cached = Gate::new(verifier.clone());
    let uncached = cached.clone().without_cache();
    match name {
        SIGNATURE => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
            let (input, signature) = good.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            repeat(operations, || hmac::verify(&key, input.as_bytes(), &signature).unwrap());
        }
        "verify" => repeat(operations, || verifier.verify(&good, NOW).unwrap()),
        "verify_and_read_claims" => {
            repeat(operations, || verifier.verify(&good, NOW).unwrap().claims::<User>().unwrap());
        }
        "admit_uncached" => repeat_admit(operations, &uncached, &good),
        "admit_cached" => repeat_admit(operations, &cached, &good),
        "admit_cached_and_read_claims" => {
            let request = Bearer::of(&good);
            repeat(operations, || admit(&cached, &request).claims::<User>().unwrap());
        }
        "refuse_expired" => {
            // Makes the header known, as it is when the issuer has issued other tokens.
            drop(admit(&cached, &Bearer::of(&good)));
            repeat_refuse(operations, &cached, &sign(1_600_000_000));
        }
        "refuse_garbage" => repeat_refuse(operations, &cached, "bm90.YQ.dG9rZW4"),
        "refuse_unknown_key" => {
            let key = VerifyingKey::hmac(Algorithm::Hs256, SECRET).and_then(|key| key.with_key_id("ours"));
            let gate = Gate::new(Verifier::new(
                key.expect("a strong secret"),
                Issuer::new(ISSUER).unwrap(),
                Audience::new(AUDIENCE).unwrap(),
            ));
            let header = r#"{"alg":"HS256","kid":"absent","typ":"JWT"}"#;
            repeat_refuse(operations, &gate, &sign_with(header, 1_700_000_600));
        }
        _ => panic!("unknown scenario {name}"),
    }
}

fn repeat<T>(operations: u64, mut operation: impl FnMut() -> T) {
    for _ in 0..operations {
        drop(black_box(operation()));
    }
}

fn repeat_admit(operations: u64, gate: &Gate, token: &str) {
    let request = Bearer::of(token);
    repeat(operations, || admit(gate, &request));
}

fn repeat_refuse(operations: u64, gate: &Gate, token: &str) {
    let request = Bearer::of(token);
    repeat(operations, || match gate.admit(black_box(&request), NOW) {
        Decision::Rejected(rejection) => rejection,
        _ => panic!("admitted"),
    });
}

fn admit(gate: &Gate, request: &Bearer) -> tollgate::Admission {
    match gate.admit(black_box(request), NOW) {
        Decision::Admitted(admission) => admission,
        _ => panic!("not admitted"),
    }
}

fn sign(expires_at: i64) -> String {
    sign_with(r#"{"alg":"HS256","typ":"JWT"}"#, expires_at)
}

fn sign_with(header: &str, expires_at: i64) -> String {
    let header = URL_SAFE_NO_PAD.encode(header);
    let claims = format!(
        r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"alice","exp":{expires_at},"iat":1600000000,"name":"Alice Liddell","email":"alice@example.com","scope":"read:items write:items","roles":["admin","user"]}}"#
    );
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let signature = hmac::sign(&key, input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

struct Bearer(String);

impl Bearer {
    fn of(token: &str) -> Self {
        Self(format!("Bearer {token}"))
    }
}

impl RequestView for Bearer {
    fn method(&self) -> &str {
        "GET"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        (name == "authorization").then_some(self.0.as_bytes()).into_iter()
    }
}
