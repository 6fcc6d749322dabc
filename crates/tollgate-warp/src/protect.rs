//! [`protect`]: a gate in front of a tree of filters.

use tollgate::Gate;
use tollgate::adapter::ResponseMarks;
use warp::reply::Response;
use warp::{Filter, Reply};

use tollgate_tower::mark_response;

use crate::filter::response_marks;
use crate::rejection::handle_rejection;

/// Puts `gate` in front of `routes`. `protect` responds at once to a request that the gate rejects, and no
/// filter in `routes` sees it.
///
/// `protect` also responds to rejections of filters inside, such as
/// [`authenticated_with`](crate::authenticated_with), so that no [`recover`](warp::Filter::recover) is
/// needed. All other rejections are passed on.
///
/// `protect` also marks responses as the gate asks for, and selects the subprotocol of a WebSocket whose token came
/// beside it. The other filters of this crate cannot do that, because a filter does not see the response.
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
    let finish = |marks: ResponseMarks, reply: R| {
        let mut response = reply.into_response();
        mark_response(&mut response, &marks);
        response
    };
    response_marks(gate).and(routes).map(finish).recover(handle_rejection).unify()
}
