//! axum 0.7, which jwt-authorizer supports.

use axum07::Router;
use axum07::routing::get;
use jwt_authorizer::{Authorizer, IntoLayer as _, JwtAuthorizer, JwtClaims, Validation};
use tollgate::Algorithm;
use tollgate_benches::fixtures::{self, AUDIENCE, ISSUER, User};

use crate::lineup::{BODY, Lineup, PATH, Reason};

pub(crate) const NO_AUTH: &str = "no auth, axum 0.7";
pub(crate) const JWT_AUTHORIZER: &str = "jwt-authorizer, axum 0.7";

type Service = axum07::routing::RouterIntoService<axum07::body::Body>;

pub(crate) fn add(lineup: &mut Lineup<'_>, algorithm: Algorithm) {
    let open: Service = Router::new().route(PATH, get(|| async { BODY })).with_state(()).into_service();
    lineup.add(NO_AUTH, Ok(open));
    lineup.add(JWT_AUTHORIZER, lineup.runtime.block_on(jwt_authorizer(algorithm)));
}

async fn jwt_authorizer(algorithm: Algorithm) -> Result<Service, Reason> {
    let checks = Validation::new().iss(&[ISSUER]).aud(&[AUDIENCE]).nbf(true);
    let authorizer: Authorizer<User> =
        JwtAuthorizer::from_jwks_text(&fixtures::jwk_set(algorithm)).validation(checks).build().await?;
    let handler = |_: JwtClaims<User>| async { BODY };
    Ok(Router::new().route(PATH, get(handler)).layer(authorizer.into_layer()).with_state(()).into_service())
}
