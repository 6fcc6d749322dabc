//! One driver for each adapter. All drivers serve the same small application behind a gate:
//!
//! | route | guard | answer |
//! |---|---|---|
//! | `/` (any method) | token | the subject |
//! | `/optional` | token or none | the subject, or `anonymous` |
//! | `/typed` | token with a numeric `tenant` | the tenant |
//! | `/scope` | scope `read:items` | the subject |
//! | `/policy` | (role `admin` or scope `write:items`) and not role `suspended` | the subject |
//! | `/unguarded` | extracts a token without a gate in front | 500; the handler is never reached |
//! | `/panic` | token | none: the handler panics |
//! | `/open` | none | `open` |

mod actix;
mod axum;
mod tonic;
mod tower;
mod warp;

use std::net::{SocketAddr, TcpListener};

use tollgate::{Gate, Policy};

/// An adapter under test.
pub(crate) trait Driver {
    /// Returns the adapter's name in the report.
    fn name(&self) -> &'static str;

    /// Returns the protocol of the server.
    fn protocol(&self) -> Protocol {
        Protocol::Http
    }

    /// Serves the application behind `gate` on a free port of the loopback interface, until the process ends.
    fn serve(&self, gate: Gate) -> SocketAddr;
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    /// Cases are translated, see [`crate::grpc`].
    Grpc,
}

pub(crate) fn all() -> Vec<Box<dyn Driver>> {
    vec![
        Box::new(tower::Tower),
        Box::new(axum::Axum),
        Box::new(actix::Actix),
        Box::new(warp::Warp),
        Box::new(tonic::Tonic),
    ]
}

/// The payload of the panic in the handler of `/panic`.
pub(crate) const EXPECTED_PANIC: &str = "expected by the case";

/// The claims that `/typed` extracts.
#[derive(serde::Deserialize)]
pub(crate) struct Typed {
    pub(crate) tenant: u64,
}

pub(crate) fn scope_policy() -> Policy {
    Policy::scope("read:items")
}

pub(crate) fn mixed_policy() -> Policy {
    (Policy::role("admin") | Policy::scope("write:items")) & !Policy::role("suspended")
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("non-blocking");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// Runs a server on a new thread.
fn in_background<F: Future<Output = ()>>(server: impl FnOnce() -> F + Send + 'static) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(server());
    });
}
