//! [`protect`]: a gate in front of a tree of filters.

use tollgate::{Admission, Gate};
use warp::reply::Response;
use warp::{Filter, Reply};

use tollgate_tower::mark_private;

use crate::filter::admission_from;
use crate::rejection::handle_rejection;

/// Puts `gate` in front of `routes`. `protect` responds at once to a request that the gate rejects, and no
/// filter in `routes` sees it.
///
/// `protect` also responds to rejections of filters inside, such as
/// [`authenticated_with`](crate::authenticated_with), so that no [`recover`](warp::Filter::recover) is
/// needed. All other rejections are passed on.
///
/// The gate rejects before warp compares any path. Put it after the path of what it protects, or try public
/// routes first:
///
/// ```
/// use tollgate_warp::{Gate, protect};
/// use warp::Filter;
///
/// # fn routes(gate: Gate) {
/// let routes = warp::path!("orders").map(|| "orders").or(warp::path!("invoices").map(|| "invoices"));
/// let api = warp::path("api").and(protect(&gate, routes.clone()));
/// // Or, in a chain of wrappers:
/// let api = warp::path("api").and(routes.with(warp::wrap_fn(move |routes| protect(&gate, routes))));
/// let all = warp::path!("health").map(|| "ok").or(api);
/// # let _ = all; }
/// ```
///
/// Filters inside that extract the token have the gate verify it again, because a filter of warp can read the
/// extensions of a request but not write them. To avoid that, see [`admission`](crate::admission()).
///
/// Pass a tree that recovers from everything, and thus cannot reject, as `routes.boxed()`.
pub fn protect<F, R>(
    gate: &Gate,
    routes: F,
) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone + Send + Sync + use<F, R>
where
    F: Filter<Extract = (R,), Error = warp::Rejection> + Clone + Send + Sync,
    R: Reply,
{
    let finish = |admission: Admission, reply: R| {
        let mut response = reply.into_response();
        if admission.is_private() {
            mark_private(&mut response);
        }
        response
    };
    admission_from(gate).and(routes).map(finish).recover(handle_rejection).unify()
}
