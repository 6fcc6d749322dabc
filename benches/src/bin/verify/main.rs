//! One token, in process: Tollgate with and without its cache, `jsonwebtoken`, `jwt-simple`, and the bare signature
//! check by aws-lc-rs.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin verify`

mod jwt_simple;
mod raw;

use std::sync::LazyLock;

use jsonwebtoken::{DecodingKey, Validation};
use tollgate::adapter::Decision;
use tollgate::{Algorithm, Gate, UnixTime, Verifier};
use tollgate_benches::fixtures::{self, ALGORITHMS, Bearer, Profile, Registered, Size, User};
use tollgate_benches::svg::{self, Bar, Side};
use tollgate_benches::{Contender, Options, Report, Rounds, machine, nanoseconds};

use crate::jwt_simple::Simple;

const RAW: &str = "aws-lc-rs: signature alone";
const MAC: &str = "aws-lc-rs: HS256 over the same bytes";
const OURS: &str = "tollgate: verify";
const OURS_TYPED: &str = "tollgate: verify, typed claims";
const GATE: &str = "tollgate: gate, uncached";
const GATE_TYPED: &str = "tollgate: gate, uncached, typed claims";
const CACHED: &str = "tollgate: gate, cached";
const CACHED_TYPED: &str = "tollgate: gate, cached, typed claims";
const THEIRS: &str = "jsonwebtoken: decode";
const THEIRS_TYPED: &str = "jsonwebtoken: decode, typed claims";
const SIMPLE: &str = "jwt-simple: verify_token";
const SIMPLE_TYPED: &str = "jwt-simple: verify_token, typed claims";

/// The ratios to report: column header, contender, contender to compare it with.
const COMPARED: [(&str, &str, &str); 6] = [
    ("verify : signature alone", OURS, RAW),
    ("jsonwebtoken : ours, typed", THEIRS_TYPED, OURS_TYPED),
    ("jsonwebtoken : ours, registered", THEIRS, OURS),
    ("jwt-simple : ours, typed", SIMPLE_TYPED, OURS_TYPED),
    ("jsonwebtoken : ours cached, typed", THEIRS_TYPED, CACHED_TYPED),
    ("cached : HS256 MAC", CACHED, MAC),
];

/// The prepared keys of all libraries for one algorithm.
struct Subject {
    algorithm: Algorithm,
    verifier: Verifier,
    cached: Gate,
    uncached: Gate,
    key: DecodingKey,
    validation: Validation,
    simple: Simple,
}

static NOW: LazyLock<UnixTime> = LazyLock::new(fixtures::now);

fn main() {
    let options = Options::from_args();
    let versions = machine::versions(&["aws-lc-rs", "jsonwebtoken", "jwt-simple"]);
    let mut report = Report::new(&options, "verify", "One token, in process", &versions);
    report.add(
        "The token has nine claims (*small*), or the same claims and a list of groups (*medium*, *large*). *Typed \
         claims* deserializes the claims into the application's type. *Registered* only checks them; jsonwebtoken then \
         deserializes a type with `sub` alone. *Gate* is the whole core, which also finds the token in the request. \
         *Signature alone* is aws-lc-rs checking the same bytes with a prepared key, and nothing else. jwt-simple uses \
         its pure Rust cryptography, because its other backend needs cmake and libclang.",
    );
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for algorithm in ALGORITHMS {
        let subject = Subject::new(algorithm);
        for size in Size::ALL {
            let token = fixtures::token(algorithm, size).sign();
            let rounds = subject.accept(&options, &token);
            println!("{algorithm}, {}, {} bytes", size.name(), token.len());
            print(&rounds, RAW);
            if size == Size::Small && [Algorithm::Hs256, Algorithm::Es256].contains(&algorithm) {
                let file = format!("verify-{}.svg", algorithm.name().to_lowercase());
                let title = format!("{algorithm}, one token of {} bytes", token.len());
                report.chart(&file, &title, &chart(&title, &rounds));
            }
            good.push((algorithm, size, token.len(), rounds));
        }
        for (fault, token) in faults(algorithm) {
            println!("{algorithm}, {fault}, {} bytes", token.len());
            let rounds = subject.refuse(&options, fault, &token);
            print(&rounds, MAC);
            bad.push((algorithm, fault, rounds));
        }
    }
    report.add("### Valid tokens: median times");
    times(&mut report, &good);
    report.add("### Valid tokens: ratios\n\n`a : b` is the time of `a` divided by the time of `b`.");
    ratios(&mut report, &good);
    report.add(
        "### Rejected tokens, in units of one HS256 MAC over the token's bytes\n\nThe gate's cache is on, but it never \
         holds rejected tokens. A dash marks a library that accepts the token, because it leaves checking `kid` to its \
         caller.",
    );
    refusals(&mut report, &bad);
    report.finish();
}

impl Subject {
    fn new(algorithm: Algorithm) -> Self {
        let verifier = fixtures::verifier(algorithm);
        let cached = Gate::new(verifier.clone());
        let uncached = cached.clone().without_cache();
        let (key, validation) = fixtures::jsonwebtoken(algorithm);
        Self { algorithm, verifier, cached, uncached, key, validation, simple: Simple::new(algorithm) }
    }

    fn accept(&self, options: &Options, token: &str) -> Rounds {
        let request = Bearer::new(token);
        let now = *NOW;
        let contenders = vec![
            Contender::new(RAW, raw::signature(self.algorithm, token)),
            Contender::new(MAC, raw::mac(token)),
            Contender::new(OURS, || self.verifier.verify(token, now).expect("good")),
            Contender::new(OURS_TYPED, || {
                self.verifier.verify(token, now).expect("good").claims::<User>().expect("claims")
            }),
            Contender::new(GATE, || admit(&self.uncached, &request)),
            Contender::new(GATE_TYPED, || admit(&self.uncached, &request).claims::<User>().expect("claims")),
            Contender::new(CACHED, || admit(&self.cached, &request)),
            Contender::new(CACHED_TYPED, || admit(&self.cached, &request).claims::<User>().expect("claims")),
            Contender::new(THEIRS, || self.decode::<Registered>(token).expect("good")),
            Contender::new(THEIRS_TYPED, || self.decode::<User>(token).expect("good")),
            Contender::new(SIMPLE, || self.simple.verify::<jwt_simple::NoClaims>(token).expect("good")),
            Contender::new(SIMPLE_TYPED, || self.simple.verify::<Profile>(token).expect("good")),
        ];
        Rounds::run(options, contenders)
    }

    /// Measures the rejection of a token. Leaves out the peers that accept it.
    fn refuse(&self, options: &Options, fault: &str, token: &str) -> Rounds {
        let request = Bearer::new(token);
        let now = *NOW;
        let mut contenders = vec![
            Contender::new(MAC, raw::mac(token)),
            Contender::new(OURS, || self.verifier.verify(token, now).expect_err("bad")),
            Contender::new(CACHED, || refuse(&self.cached, &request)),
        ];
        let peers_ignore = fault == UNKNOWN_KEY;
        assert_eq!(self.decode::<User>(token).is_ok(), peers_ignore, "jsonwebtoken, {fault}");
        assert_eq!(self.simple.verify::<Profile>(token).is_ok(), peers_ignore, "jwt-simple, {fault}");
        if !peers_ignore {
            contenders.push(Contender::new(THEIRS_TYPED, || self.decode::<User>(token).expect_err("bad")));
            contenders.push(Contender::new(SIMPLE_TYPED, || {
                self.simple.verify::<Profile>(token).expect_err("bad")
            }));
        }
        Rounds::run(options, contenders)
    }

    fn decode<T: serde::de::DeserializeOwned + Clone>(
        &self,
        token: &str,
    ) -> jsonwebtoken::errors::Result<jsonwebtoken::TokenData<T>> {
        jsonwebtoken::decode::<T>(token, &self.key, &self.validation)
    }
}

fn admit(gate: &Gate, request: &Bearer) -> tollgate::Admission {
    match gate.admit(request, *NOW) {
        Decision::Admitted(admission) => admission,
        other => panic!("not admitted: {other:?}"),
    }
}

fn refuse(gate: &Gate, request: &Bearer) -> tollgate::Rejection {
    match gate.admit(request, *NOW) {
        Decision::Rejected(rejection) => rejection,
        other => panic!("not refused: {other:?}"),
    }
}

const UNKNOWN_KEY: &str = "unknown key id";
const FAULTS: [&str; 5] = ["garbage", "wrong alg", UNKNOWN_KEY, "expired", "wrong signature"];

fn faults(algorithm: Algorithm) -> Vec<(&'static str, String)> {
    let token = || fixtures::token(algorithm, Size::Small);
    let other = if algorithm == Algorithm::Hs256 { Algorithm::Hs384 } else { Algorithm::Hs256 };
    let tokens = [
        // Three parts of base64url with the usual lengths, but without meaningful content.
        token().sign().chars().map(|c| if c == '.' { c } else { 'Q' }).collect(),
        token().header("alg", other.name()).sign(),
        token().header("kid", "absent").sign(),
        token().claim("exp", NOW.as_secs() - 86_400).sign(),
        token().with_broken_signature(),
    ];
    FAULTS.into_iter().zip(tokens).collect()
}

fn print(rounds: &Rounds, unit: &str) {
    for name in rounds.names() {
        let (time, ratio) = (nanoseconds(rounds.time(name).median), rounds.ratio(name, unit).ratio());
        println!("  {name:<40} {time:>10}   {ratio}");
    }
    println!();
}

fn chart(title: &str, rounds: &Rounds) -> String {
    let bars: Vec<Bar> = rounds
        .names()
        .filter(|name| ![MAC, GATE, CACHED].contains(name))
        .map(|name| {
            let time = rounds.time(name);
            let side = match name {
                RAW => Side::Base,
                name if name.starts_with("tollgate") => Side::Ours,
                _ => Side::Peer,
            };
            let spread = [time.low / 1000.0, time.high / 1000.0];
            Bar {
                label: name.into(),
                side,
                value: time.median / 1000.0,
                spread,
                text: nanoseconds(time.median),
            }
        })
        .collect();
    svg::bars(title, "microseconds, less is better", &bars)
}

type Good = (Algorithm, Size, usize, Rounds);

fn times(report: &mut Report<'_>, good: &[Good]) {
    let head: Vec<String> = good
        .iter()
        .map(|(algorithm, size, bytes, _)| format!("{algorithm} {} ({bytes} B)", size.name()))
        .collect();
    let shown = [RAW, OURS, OURS_TYPED, CACHED, CACHED_TYPED, THEIRS, THEIRS_TYPED, SIMPLE, SIMPLE_TYPED];
    let rows: Vec<Vec<String>> = good
        .iter()
        .zip(head)
        .map(|((_, _, _, rounds), head)| {
            let times = shown.iter().map(|name| nanoseconds(rounds.time(name).median));
            std::iter::once(head).chain(times).collect()
        })
        .collect();
    report.table(&[&["token"][..], &shown].concat(), &rows);
}

fn ratios(report: &mut Report<'_>, good: &[Good]) {
    let rows: Vec<Vec<String>> = good
        .iter()
        .map(|(algorithm, size, _, rounds)| {
            let ratios = COMPARED.iter().map(|(_, a, b)| rounds.ratio(a, b).ratio());
            std::iter::once(format!("{algorithm} {}", size.name())).chain(ratios).collect()
        })
        .collect();
    report.table(&[&["token"][..], &COMPARED.map(|(name, _, _)| name)].concat(), &rows);
}

fn refusals(report: &mut Report<'_>, bad: &[(Algorithm, &str, Rounds)]) {
    let shown = [OURS, CACHED, THEIRS_TYPED, SIMPLE_TYPED];
    let rows: Vec<Vec<String>> = bad
        .iter()
        .map(|(algorithm, fault, rounds)| {
            let ratios = shown.iter().map(|name| match rounds.names().any(|known| known == *name) {
                true => rounds.ratio(name, MAC).ratio(),
                false => "–".to_owned(),
            });
            std::iter::once(format!("{algorithm}, {fault}")).chain(ratios).collect()
        })
        .collect();
    let head = ["token", OURS, "tollgate: gate", THEIRS_TYPED, SIMPLE_TYPED];
    report.table(&head, &rows);
}
