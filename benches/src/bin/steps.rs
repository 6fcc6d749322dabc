//! One request through axum, step by step: what the framework takes for a layer, for an extension and for an extractor, and
//! what is left for authentication.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin steps                 prints the steps
//!     … -- --profile NAME                                                                runs one many times, for a profiler

use std::hint::black_box;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::runtime::Runtime;
use tollgate::{Algorithm, Decision, RequestView as _};
use tollgate_axum::{AuthenticateLayer, Claims};
use tollgate_benches::fixtures::{self, Bearer, Size, User};
use tollgate_benches::{Contender, Options, Rounds, nanoseconds};
use tower::{Layer as _, Service};

const NO_AUTH: &str = "no auth";
/// No request through axum, so it has nothing to be compared with.
const GATE: &str = "the gate alone, on a cache hit";
const PATH: &str = "/hello";
const BODY: &str = "hello";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--profile", name] => profile(&runtime, name),
        _ => print(&Rounds::run(&Options::from_args(), contenders(&runtime))),
    }
}

fn print(rounds: &Rounds) {
    println!("{:<56} {:>12}   added to the route without authentication", "", "one");
    for name in rounds.names() {
        let time = nanoseconds(rounds.time(name).median);
        let added = rounds.added(name, NO_AUTH);
        let [median, low, high] = [added.median, added.low, added.high].map(nanoseconds);
        match name {
            NO_AUTH | GATE => println!("{name:<56} {time:>12}"),
            _ => println!("{name:<56} {time:>12}   {median} ({low} to {high})"),
        }
    }
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
    let layer = AuthenticateLayer::new(gate.clone());
    let empty = tower::layer::layer_fn(|inner| tower::util::MapRequest::new(inner, |request| request));
    let open = || Router::new().route(PATH, get(async || BODY));
    let with_claims = || Router::new().route(PATH, get(async |_: Claims<User>| BODY));
    let with_extension = Router::new().route(PATH, get(async |_: Extension<()>| BODY));
    let request = Bearer::new(&token);
    vec![
        step(runtime, NO_AUTH, &token, open().into_service()),
        step(runtime, "an empty layer", &token, open().layer(empty).into_service()),
        step(
            runtime,
            "a layer that adds an extension, an extractor of it",
            &token,
            with_extension.layer(Extension(())).into_service(),
        ),
        step(runtime, "tollgate, no extractor", &token, open().layer(layer.clone()).into_service()),
        step(runtime, "tollgate, claims", &token, with_claims().layer(layer.clone()).into_service()),
        step(
            runtime,
            "tollgate, claims, around the router",
            &token,
            layer.layer(with_claims().into_service()),
        ),
        Contender::new(GATE, move || match gate.admit(&request, gate.now()) {
            Decision::Admitted(admission) => admission,
            other => panic!("{}: {other:?}", request.method()),
        }),
    ]
}

fn step<'a, S>(runtime: &'a Runtime, name: &str, token: &str, mut service: S) -> Contender<'a>
where
    S: Service<Request<Body>, Response = Response<Body>> + 'a,
{
    let (headers, uri) = (headers(token), Uri::from_static(PATH));
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

/// As a client sends them.
fn headers(token: &str) -> HeaderMap {
    let fixed = [("host", "api.example"), ("user-agent", "benchmark/1.0"), ("accept", "*/*")];
    let fixed = fixed.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let credentials = HeaderValue::try_from(format!("Bearer {token}")).expect("a field value");
    fixed.into_iter().chain([(axum::http::header::AUTHORIZATION, credentials)]).collect()
}

fn request(headers: &HeaderMap, uri: &Uri) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    request.uri_mut().clone_from(uri);
    request.headers_mut().clone_from(headers);
    request
}
