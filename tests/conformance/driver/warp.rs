//! The application on warp.

use std::net::SocketAddr;

use tollgate::{Admission, Gate};
use tollgate_warp::{
    Authenticated, Claims, admission, admission_from, authenticated, authenticated_with, claims,
    handle_rejection, protect,
};
use warp::Filter;
use warp::filters::BoxedFilter;

use super::{Driver, Typed, in_background, listen, mixed_policy, scope_policy};

pub(crate) struct Warp;

impl Driver for Warp {
    fn name(&self) -> &'static str {
        "warp"
    }

    fn serve(&self, gate: Gate) -> SocketAddr {
        let (listener, address) = listen();
        in_background(async move || {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let routes = open(&gate).or(protect(&gate, gated(&gate))).recover(handle_rejection);
            warp::serve(routes).incoming(listener).run().await;
        });
        address
    }
}

/// Returns the routes outside the gate.
fn open(gate: &Gate) -> BoxedFilter<(String,)> {
    let optional = warp::path!("optional").and(admission_from(&gate.clone().with_optional_token())).map(
        |admission: Admission| {
            admission.verified().and_then(|token| token.subject()).unwrap_or("anonymous").to_owned()
        },
    );
    let unguarded = warp::path!("unguarded").and(admission()).map(|_| "reached".to_owned());
    let open = warp::path!("open").map(|| "open".to_owned());
    optional.or(unguarded).unify().or(open).unify().boxed()
}

fn gated(gate: &Gate) -> BoxedFilter<(String,)> {
    let root = warp::path::end().and(authenticated(gate)).map(subject);
    let typed = warp::path!("typed").and(claims(gate)).map(|claims: Claims<Typed>| claims.tenant.to_string());
    let scope = warp::path!("scope").and(authenticated_with(gate, scope_policy())).map(subject);
    let policy = warp::path!("policy").and(authenticated_with(gate, mixed_policy())).map(subject);
    let panics = warp::path!("panic")
        .and(authenticated(gate))
        .map(|_| -> String { std::panic::panic_any(super::EXPECTED_PANIC) });
    let bare = warp::path!("bare").and(admission_from(gate)).map(|_| "bare".to_owned());
    root.or(panics).unify().or(bare).unify().or(typed).unify().or(scope).unify().or(policy).unify().boxed()
}

#[expect(clippy::needless_pass_by_value, reason = "what a filter extracts")]
fn subject(token: Authenticated) -> String {
    token.subject().unwrap_or_default().to_owned()
}
