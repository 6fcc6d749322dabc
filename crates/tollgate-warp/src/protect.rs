//! [`protect`]: a gate in front of a tree of filters.

use http::HeaderValue;
use http::header::CACHE_CONTROL;
use tollgate::{Admission, Gate};
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::filter::admit;
use crate::rejection::{handle_rejection_with, problem_details};

/// Puts `gate` in front of `routes`: a request that it refuses is answered at once, and nothing in `routes` sees it.
///
/// What filters inside refuse, such as [`authorize`](crate::authorize()), is answered here too, so that no
/// [`recover`](warp::Filter::recover) is needed. All other rejections are passed on.
///
/// It refuses before any path is looked at. Put it behind the path of what it protects, or try public routes first:
///
/// ```
/// use tollgate_warp::{Gate, protect};
/// use warp::Filter;
///
/// # fn routes(gate: Gate) {
/// let routes = warp::path!("orders").map(|| "orders").or(warp::path!("invoices").map(|| "invoices"));
/// let api = warp::path("api").and(protect(&gate, routes.clone()));
/// // Or, where wrappers are listed one after the other:
/// let api = warp::path("api").and(routes.with(warp::wrap_fn(move |routes| protect(&gate, routes))));
/// let all = warp::path!("health").map(|| "ok").or(api);
/// # let _ = all; }
/// ```
///
/// Filters inside that want the token ask the gate again, as a filter of warp can read the extensions of a request
/// but not write them. Where that matters, see [`admission`](crate::admission()).
///
/// A tree that cannot reject, because it has recovered from everything, goes in as `routes.boxed()`.
pub fn protect<F, R>(
    gate: &Gate,
    routes: F,
) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + use<F, R>
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync,
    R: Reply,
{
    protect_with(gate, routes, problem_details)
}

/// As [`protect`], answering refused requests with another body: see
/// [`handle_rejection_with`](crate::handle_rejection_with).
pub fn protect_with<F, R, B, N>(
    gate: &Gate,
    routes: F,
    on_rejection: N,
) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + use<F, R, B, N>
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync,
    R: Reply,
    N: Fn(&tollgate::Rejection, http::Response<()>) -> B + Clone + Send + Sync,
    B: Reply,
{
    let finish = |admission: Admission, reply: R| {
        let mut response = reply.into_response();
        if admission.is_private() {
            mark_private(&mut response);
        }
        response
    };
    admit(gate).and(routes).map(finish).recover(handle_rejection_with(on_rejection)).unify()
}

/// The response is one user's, and must not end up in a shared cache (RFC 9111 §3.5, RFC 6750 §2.3).
fn mark_private(response: &mut Response) {
    let cache_control = response.headers().get_all(CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
    if !tollgate::adapter::forbids_shared_caching(cache_control) {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
