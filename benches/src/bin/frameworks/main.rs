//! One request through a framework, in process: without authentication, with Tollgate, and with every peer that
//! builds.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin frameworks`

mod actix;
mod axum_07;
mod axum_08;
mod huskarl;
mod lineup;
mod warp_04;

use tollgate::Algorithm;
use tollgate_benches::fixtures::{self, Size};
use tollgate_benches::svg::{self, Bar, Side};
use tollgate_benches::{Options, Report, Rounds, machine, nanoseconds};

use crate::lineup::{EMPTY_LAYER, NO_AUTH, OURS, Tokens};

/// Contenders with a baseline of their own, each with that baseline.
const OTHER_BASELINES: [(&str, &str); 1] = [(axum_07::JWT_AUTHORIZER, axum_07::NO_AUTH)];

/// How some peers are measured, and why one is left out.
const ABSENT: &str = "\
- **huskarl-resource-server** has an unreleased adapter for axum; the benchmark calls the library from its own extractor.
- **jwt-authorizer** supports axum 0.7. It is measured there, against the same route without authentication.
- **actix-jwt-auth-middleware** takes the whole value of `Authorization`, including `Bearer `, for the token, and rejects \
every token. The benchmark therefore sends its token in a header field of its own. It checks neither issuer nor audience.
- **tower-oauth2-resource-server** does not check `nbf` here, because it can only check a claim that it requires.
- **actix-4-jwt-auth** supports only RS256, so it is not measured.";

fn main() {
    let options = Options::from_args();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let versions = machine::versions(&[
        "axum",
        "actix-web",
        "warp",
        "jsonwebtoken",
        "axum-jwt-auth",
        "jwt-authorizer",
        "tower-oauth2-resource-server",
        "oauth-resource-server",
        "huskarl-resource-server",
        "actix-web-httpauth",
        "actix-jwt-auth-middleware",
    ]);
    let mut report =
        Report::new(&options, "frameworks", "One request through a framework, in process", &versions);
    report.add(
        "A route that responds with `hello`, with and without authentication, called in process without a network. The \
         token has nine claims. With the exceptions listed at the end, contenders check issuer, audience, expiry and \
         not-before, and the handler gets the claims as a type of its own. *Added* is the time beyond the same route \
         without authentication, in the same round. Tollgate's cache is on unless the row says otherwise, as it is by \
         default. Before it is timed, every contender must respond with 200 to a valid token, and with 4xx to no token \
         and to a token with a wrong signature.",
    );
    let mut summary = Vec::new();
    let mut absent = vec![ABSENT.to_owned()];
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let tokens = Tokens {
            good: fixtures::token(algorithm, Size::Small).sign(),
            bad: fixtures::token(algorithm, Size::Small).with_broken_signature(),
        };
        for framework in ["axum", "actix-web", "warp"] {
            let lineup = match framework {
                "axum" => axum_08::lineup(&runtime, algorithm, tokens.clone()),
                "warp" => warp_04::lineup(&runtime, algorithm, tokens.clone()),
                _ => actix::lineup(&runtime, algorithm, tokens.clone()),
            };
            for (name, reason) in &lineup.absent {
                absent.push(format!("- **{name}**, {algorithm}: {reason}"));
            }
            let rounds = Rounds::run(&options, lineup.contenders);
            report.add(&format!("### {framework}, {algorithm}"));
            summary.push((framework, algorithm, present(&mut report, framework, algorithm, &rounds)));
        }
    }
    report.add("### The best peer compared with Tollgate: added time");
    let rows: Vec<Vec<String>> = summary
        .into_iter()
        .map(|(framework, algorithm, [peer, theirs, ours, ratio])| {
            vec![format!("{framework}, {algorithm}"), peer, theirs, ours, ratio]
        })
        .collect();
    report.table(&["route", "best peer", "it adds", "ours adds", "best peer : ours"], &rows);
    report.add(&format!("### How peers are measured, and which are left out\n\n{}", absent.join("\n")));
    report.finish();
}

fn base_of(name: &str) -> &'static str {
    OTHER_BASELINES.iter().find(|(peer, _)| *peer == name).map_or(NO_AUTH, |(_, base)| base)
}

fn is_base(name: &str) -> bool {
    name == NO_AUTH || OTHER_BASELINES.iter().any(|(_, base)| *base == name)
}

/// Adds the table and the chart. Returns the best peer, the time that it adds, the time that Tollgate adds, and
/// the ratio.
fn present(report: &mut Report<'_>, framework: &str, algorithm: Algorithm, rounds: &Rounds) -> [String; 4] {
    let ours = [OURS, NO_AUTH];
    let rows: Vec<Vec<String>> = rounds
        .names()
        .map(|name| {
            let time = nanoseconds(rounds.time(name).median);
            if is_base(name) {
                return vec![name.into(), time, String::new(), String::new()];
            }
            let added = rounds.added(name, base_of(name));
            let spread = [added.median, added.low, added.high].map(nanoseconds);
            let ratio = rounds.added_ratio([name, base_of(name)], ours).ratio();
            vec![name.into(), time, format!("{} ({} to {})", spread[0], spread[1], spread[2]), ratio]
        })
        .collect();
    report.table(&["contender", "one request", "added", "added : what ours adds"], &rows);

    let bars: Vec<Bar> = rounds
        .names()
        .filter(|name| !is_base(name))
        .map(|name| {
            let added = rounds.added(name, base_of(name));
            Bar {
                label: name.into(),
                side: if name.starts_with("tollgate") { Side::Ours } else { Side::Peer },
                value: added.median.max(0.0) / 1000.0,
                spread: [added.low / 1000.0, added.high / 1000.0],
                text: nanoseconds(added.median),
            }
        })
        .collect();
    let title = format!("{framework}, {algorithm}: what authentication adds to a request");
    let file = format!("frameworks-{framework}-{}.svg", algorithm.name().to_lowercase());
    report.chart(&file, &title, &svg::bars(&title, "microseconds, less is better", &bars));

    let is_peer = |name: &&str| !is_base(name) && *name != EMPTY_LAYER && !name.starts_with("tollgate");
    let peers = rounds.names().filter(is_peer);
    let added = |name: &str| rounds.added(name, base_of(name)).median;
    let best = peers.min_by(|a, b| added(a).total_cmp(&added(b))).expect("a peer");
    [
        best.to_owned(),
        nanoseconds(added(best)),
        nanoseconds(added(OURS)),
        rounds.added_ratio([best, base_of(best)], ours).ratio(),
    ]
}
