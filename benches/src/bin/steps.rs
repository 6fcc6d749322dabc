//! One request through axum and through warp, step by step: the cost of a layer, of an extension, of an
//! extractor and of a copy of the headers in the framework, and the remaining cost of authentication.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin steps     prints the steps
//!     … -- --profile NAME                                                    runs one step many times, for a profiler

use std::hint::black_box;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, Uri};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::runtime::Runtime;
use tollgate::Algorithm;
use tollgate::adapter::{Decision, RequestView as _};
use tollgate_axum::{AuthenticateLayer, Claims};
use tollgate_benches::fixtures::{self, Bearer, Size, User};
use tollgate_benches::requests::{BODY, PATH, headers, request};
use tollgate_benches::{Contender, Options, Rounds, nanoseconds};
use tower::{Layer as _, Service};
use warp::Filter as _;

const AXUM: &str = "axum: no auth";
const WARP: &str = "warp: no auth";
/// This step uses no framework, so it has no baseline.
const GATE: &str = "the gate alone, on a cache hit";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--profile", name] => profile(&runtime, name),
        _ => print(&Rounds::run(&Options::from_args(), contenders(&runtime))),
    }
}

fn print(rounds: &Rounds) {
    println!("{:<60} {:>12}   added to the route without authentication", "", "one");
    for name in rounds.names() {
        let time = nanoseconds(rounds.time(name).median);
        let Some(base) = base_of(name) else {
            println!("{name:<60} {time:>12}");
            continue;
        };
        let added = rounds.added(name, base);
        let [median, low, high] = [added.median, added.low, added.high].map(nanoseconds);
        println!("{name:<60} {time:>12}   {median} ({low} to {high})");
    }
}

/// Returns the baseline of a step: the route without authentication.
fn base_of(name: &str) -> Option<&'static str> {
    let bases = [AXUM, WARP].into_iter().filter(|base| *base != name);
    bases.into_iter().find(|base| name.split(':').next() == base.split(':').next())
}

fn profile(runtime: &Runtime, name: &str) {
    let mut contenders = contenders(runtime);
    let contender =
        contenders.iter_mut().find(|contender| contender.name() == name).expect("a step of this name");
    contender.run(3_000_000);
}

fn contenders(runtime: &Runtime) -> Vec<Contender<'_>> {
    let gate = fixtures::gate(Algorithm::Hs256);
    let token = fixtures::token(Algorithm::Hs256, Size::Small).sign();
    let request = Bearer::new(&token);
    let mut contenders = through_axum(runtime, &token);
    contenders.extend(through_warp(runtime, &token));
    contenders.push(Contender::new(GATE, move || match gate.admit(&request, gate.now()) {
        Decision::Admitted(admission) => admission,
        other => panic!("{}: {other:?}", request.method()),
    }));
    contenders
}

fn through_axum<'a>(runtime: &'a Runtime, token: &str) -> Vec<Contender<'a>> {
    let layer = AuthenticateLayer::new(fixtures::gate(Algorithm::Hs256));
    let empty = tower::layer::layer_fn(|inner| tower::util::MapRequest::new(inner, |request| request));
    let open = || Router::new().route(PATH, get(async || BODY));
    let with_claims = || Router::new().route(PATH, get(async |_: Claims<User>| BODY));
    let with_extension = || Router::new().route(PATH, get(async |_: Extension<()>| BODY));
    // As `axum::serve` does it: axum builds routes and layers once.
    let step = |name: &str, router: Router| {
        step::<Body, _, _>(runtime, &format!("axum: {name}"), token, router.with_state(()).into_service())
    };
    vec![
        step("no auth", open()),
        step("an empty layer", open().layer(empty)),
        step("a layer that adds an extension, and its extractor", with_extension().layer(Extension(()))),
        step("tollgate, no extractor", open().layer(layer.clone())),
        step("tollgate, claims", with_claims().layer(layer.clone())),
        self::step::<Body, _, _>(
            runtime,
            "axum: tollgate, claims, around the router",
            token,
            layer.layer(with_claims().with_state(()).into_service()),
        ),
        self::step::<Body, _, _>(
            runtime,
            "axum: tollgate, claims, a router without `with_state`",
            token,
            with_claims().layer(layer).into_service(),
        ),
    ]
}

fn through_warp<'a>(runtime: &'a Runtime, token: &str) -> Vec<Contender<'a>> {
    let gate = fixtures::gate(Algorithm::Hs256);
    let open = warp::path!("hello").map(|| BODY);
    let copying = warp::path!("hello").and(warp::header::headers_cloned()).map(|_: HeaderMap| BODY);
    let claims =
        warp::path!("hello").and(tollgate_warp::claims(&gate)).map(|_: tollgate_warp::Claims<User>| BODY);
    let admission = warp::path!("hello")
        .and(tollgate_warp::admission())
        .and_then(async |admission: tollgate::Admission| {
            admission.claims::<User>().map_err(|_| warp::reject::reject())
        })
        .map(|_| BODY);
    let recovered = claims.clone().recover(tollgate_warp::handle_rejection);
    let layer = AuthenticateLayer::new(gate);
    vec![
        step::<String, _, _>(runtime, WARP, token, warp::service(open)),
        step::<String, _, _>(runtime, "warp: a copy of the headers", token, warp::service(copying)),
        step::<String, _, _>(runtime, "warp: tollgate, claims", token, warp::service(claims)),
        step::<String, _, _>(
            runtime,
            "warp: tollgate, claims, with `recover`",
            token,
            warp::service(recovered),
        ),
        step::<String, _, _>(
            runtime,
            "warp: tollgate, claims, around the service",
            token,
            layer.layer(warp::service(admission)),
        ),
    ]
}

fn step<'a, B, S, R>(runtime: &'a Runtime, name: &str, token: &str, mut service: S) -> Contender<'a>
where
    S: Service<Request<B>, Response = Response<R>> + 'a,
    B: Default,
{
    let (headers, uri) = (headers(Some(token)), Uri::from_static(PATH));
    let status = runtime.block_on(service.call(request(&headers, &uri))).map(|response| response.status());
    assert!(status.is_ok_and(|status| status.is_success()), "{name}");
    Contender::repeating(name, move |runs| {
        runtime.block_on(async {
            for _ in 0..runs {
                black_box(service.call(request(&headers, &uri)).await.ok());
            }
        });
    })
}
