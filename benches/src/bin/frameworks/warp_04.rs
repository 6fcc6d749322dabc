//! warp 0.4: Tollgate, and a hand-written filter.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tollgate::{Algorithm, Gate};
use tollgate_axum::AuthenticateLayer;
use tollgate_benches::fixtures::{self, User};
use tollgate_warp::{Admission, Claims};
use tower::{Layer as _, Service};
use warp::http::{Request, Response, StatusCode};
use warp::{Filter, Rejection};

use crate::lineup::{BODY, Lineup, NO_AUTH, OURS, OURS_AROUND_SERVICE, OURS_UNCACHED, Tokens};

pub(crate) fn lineup(runtime: &Runtime, algorithm: Algorithm, tokens: Tokens) -> Lineup<'_> {
    let gate = fixtures::gate(algorithm);
    let mut lineup = Lineup::new(runtime, tokens);
    let open = warp::path!("hello").map(|| BODY);
    lineup.add::<_, String, _>(NO_AUTH, Ok(warp::service(open)));
    lineup.add::<_, String, _>(OURS, Ok(warp::service(ours(&gate))));
    lineup.add::<_, String, _>(OURS_AROUND_SERVICE, Ok(ours_around(gate.clone())));
    lineup.add::<_, String, _>(OURS_UNCACHED, Ok(warp::service(ours(&gate.without_cache()))));
    lineup.add::<_, String, _>("hand-rolled, jsonwebtoken 11", Ok(warp::service(hand_rolled(algorithm))));
    lineup
}

fn ours(gate: &Gate) -> impl Filter<Extract: warp::Reply, Error = Rejection> + Clone + use<> {
    warp::path!("hello")
        .and(tollgate_warp::claims(gate))
        .map(|_: Claims<User>| BODY)
        .recover(tollgate_warp::handle_rejection)
}

/// Wraps the layer around the service, which avoids the copy of the headers that a filter must make.
fn ours_around(
    gate: Gate,
) -> impl Service<Request<String>, Response = Response<impl Sized>, Error = Infallible> {
    async fn hello(admission: Admission) -> Result<&'static str, tollgate_warp::Rejection> {
        admission.claims::<User>()?;
        Ok(BODY)
    }
    let route = warp::path!("hello").and(tollgate_warp::admission()).then(hello);
    AuthenticateLayer::new(gate).layer(warp::service(route))
}

#[derive(Debug)]
struct Refused;

impl warp::reject::Reject for Refused {}

fn hand_rolled(algorithm: Algorithm) -> impl Filter<Extract: warp::Reply, Error = Infallible> + Clone {
    let keys = Arc::new(fixtures::jsonwebtoken(algorithm));
    let decoded = warp::header::optional::<String>("authorization").and_then(move |field: Option<String>| {
        let keys = Arc::clone(&keys);
        async move {
            let token = field.as_deref().and_then(|field| field.strip_prefix("Bearer "));
            let decoded = token.map(|token| jsonwebtoken::decode::<User>(token, &keys.0, &keys.1));
            match decoded {
                Some(Ok(data)) => Ok(data.claims),
                _ => Err(warp::reject::custom(Refused)),
            }
        }
    });
    warp::path!("hello")
        .and(decoded)
        .map(|_: User| BODY)
        .recover(async |_: Rejection| Ok::<_, Infallible>(StatusCode::UNAUTHORIZED))
}
