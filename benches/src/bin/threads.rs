//! One application on one thread and on two, to measure contention. Prints only; see docs/profile.md.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin threads

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, Uri};
use axum::routing::get;
use tollgate::Algorithm;
use tollgate_axum::{AuthenticateLayer, Claims};
use tollgate_benches::fixtures::{self, Size, User};
use tollgate_benches::requests::{BODY, PATH, headers, request};
use tollgate_benches::{Spread, nanoseconds};
use tower::Service;
use warp::Filter as _;

const ROUNDS: usize = 15;
const REQUESTS: u32 = 100_000;

fn main() {
    println!("{:<44} {:>12} {:>12}   requests of two threads : requests of one", "", "one", "each of two");
    let gate = fixtures::gate(Algorithm::Hs256);
    let open = Router::new().route(PATH, get(async || BODY)).with_state(());
    measure::<Body, _, _>("axum: no auth", || open.clone().into_service());
    let claims = Router::new().route(PATH, get(async |_: Claims<User>| BODY));
    let claims = claims.layer(AuthenticateLayer::new(gate.clone()));
    let shared = claims.clone().with_state(());
    measure::<Body, _, _>("axum: tollgate, claims", || shared.clone().into_service());
    // As `axum::serve` does it for a router without `with_state`.
    measure::<Body, _, _>("axum: tollgate, claims, made by connection", || {
        claims.clone().with_state(()).into_service()
    });
    let filter = warp::path!("hello").map(|| BODY);
    measure::<String, _, _>("warp: no auth", || warp::service(filter));
    let filter =
        warp::path!("hello").and(tollgate_warp::claims(&gate)).map(|_: tollgate_warp::Claims<User>| BODY);
    measure::<String, _, _>("warp: tollgate, claims", || warp::service(filter.clone()));
}

fn measure<B, S, R>(name: &str, connect: impl Fn() -> S + Sync)
where
    B: Default,
    S: Service<Request<B>, Response = Response<R>> + Send,
{
    let rounds: Vec<_> = (0..ROUNDS).map(|_| [1, 2].map(|threads| time(threads, &connect))).collect();
    let [one, two] = [0, 1].map(|at| Spread::of(rounds.iter().map(|round| round[at])).median);
    let more = Spread::of(rounds.iter().map(|[one, two]| 2.0 * one / two));
    println!("{name:<44} {:>12} {:>12}   {}", nanoseconds(one), nanoseconds(two), more.ratio());
}

/// Returns nanoseconds per request while `threads` threads send requests, each with its own connection and token.
fn time<B, S, R>(threads: usize, connect: &(impl Fn() -> S + Sync)) -> f64
where
    B: Default,
    S: Service<Request<B>, Response = Response<R>> + Send,
{
    let barrier = Barrier::new(threads);
    // One thread accepts all connections.
    let services: Vec<S> = (0..threads).map(|_| connect()).collect();
    let times: Vec<f64> = thread::scope(|scope| {
        let threads = services.into_iter().enumerate().map(|(nth, mut service)| {
            let barrier = &barrier;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                let token = fixtures::token(Algorithm::Hs256, Size::Small).claim("jti", format!("{nth}"));
                let headers = headers(Some(&token.sign()));
                runtime.block_on(async {
                    ask(&mut service, &headers, REQUESTS / 10).await;
                    barrier.wait();
                    let start = Instant::now();
                    ask(&mut service, &headers, REQUESTS).await;
                    start.elapsed().as_nanos() as f64 / f64::from(REQUESTS)
                })
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    times.into_iter().fold(0.0, f64::max)
}

async fn ask<B, S, R>(service: &mut S, headers: &HeaderMap, requests: u32)
where
    B: Default,
    S: Service<Request<B>, Response = Response<R>>,
{
    let uri = Uri::from_static(PATH);
    for _ in 0..requests {
        let response = service.call(request(headers, &uri)).await.ok();
        assert!(black_box(response).is_some_and(|response| response.status().is_success()));
    }
}
