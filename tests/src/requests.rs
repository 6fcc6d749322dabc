//! Sends requests through a gate the way an adapter does.

use std::time::{Duration, Instant};

use tollgate::Gate;
use tollgate::adapter::Decision;
use tollgate_tower::HttpRequest;

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// Whether the request waited for a key refresh.
    pub waited: bool,
    pub took: Duration,
}

/// Presents a bearer token to the gate. Panics if no decision comes within a minute.
pub async fn ask(gate: &Gate, token: &str) -> Answered {
    ask_in("authorization", gate, &format!("Bearer {token}")).await
}

/// Presents this value of a header field to the gate. Panics if no decision comes within a minute.
#[expect(clippy::disallowed_methods, reason = "how long it took is reported, not judged")]
pub async fn ask_in(field: &'static str, gate: &Gate, value: &str) -> Answered {
    let began = Instant::now();
    let asked = tokio::time::timeout(Duration::from_secs(60), decide(field, gate, value));
    let (status, waited) = asked.await.expect("an answer, not a hang");
    Answered { status, waited, took: began.elapsed() }
}

async fn decide(field: &'static str, gate: &Gate, value: &str) -> (u16, bool) {
    let request = http::Request::builder().header(field, value);
    let request = request.body(()).expect("a request");
    match gate.admit(&HttpRequest::from(&request), gate.now()) {
        Decision::Admitted(_) => (200, false),
        Decision::Rejected(rejection) => {
            let has_time = rejection.headers().any(|(name, _)| name == "retry-after");
            assert_eq!(rejection.status() == 503, has_time, "503 has Retry-After");
            (rejection.status(), false)
        }
        Decision::AwaitKeys(refresh) => {
            refresh.await;
            let answer = gate.admit_after_refresh(&HttpRequest::from(&request), gate.now());
            (answer.map_or_else(|rejection| rejection.status(), |_| 200), true)
        }
    }
}
