//! axum 0.8: Tollgate and its peers.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::routing::{RouterIntoService, get};
use axum::{Extension, Router};
use oauth_resource_server::axum::AuthLayer;
use oauth_resource_server::{AuthorizedToken, KeyNaming, OAuthConfig, OAuthValidator};
use tokio::runtime::Runtime;
use tollgate::{Algorithm, Gate};
use tollgate_axum::{Authenticate, AuthenticateLayer, Claims};
use tollgate_benches::fixtures::{self, AUDIENCE, ISSUER, User};
use tollgate_benches::hand_rolled::Decoded;
use tower::Layer as _;
use tower_oauth2_resource_server::server::OAuth2ResourceServer;
use tower_oauth2_resource_server::tenant::TenantConfiguration;
use tower_oauth2_resource_server::validation::ClaimsValidationSpec;

use crate::lineup::{
    BODY, EMPTY_LAYER, Lineup, NO_AUTH, OURS, OURS_AROUND, OURS_UNCACHED, PATH, Reason, Tokens,
};
use crate::{axum_07, huskarl};

type Service = RouterIntoService<axum::body::Body>;

/// Builds routes and layers once, as `axum::serve` does. Without `with_state`, axum would rebuild them for each
/// request.
fn served(router: Router) -> Service {
    router.with_state(()).into_service()
}

pub(crate) fn lineup(runtime: &Runtime, algorithm: Algorithm, tokens: Tokens) -> Lineup<'_> {
    let gate = fixtures::gate(algorithm);
    let mut lineup = Lineup::new(runtime, tokens);
    lineup.add(NO_AUTH, Ok(served(Router::new().route(PATH, get(async || BODY)))));
    lineup.add(EMPTY_LAYER, Ok(empty_layer()));
    lineup.add(OURS, Ok(ours(gate.clone())));
    lineup.add(OURS_AROUND, Ok(ours_around(gate.clone())));
    lineup.add(OURS_UNCACHED, Ok(ours(gate.without_cache())));
    lineup.add("hand-rolled, jsonwebtoken 11", Ok(hand_rolled(algorithm)));
    lineup.add("axum-jwt-auth", axum_jwt_auth(algorithm));
    lineup.add("tower-oauth2-resource-server", runtime.block_on(tower_oauth2(algorithm)));
    lineup.add("oauth-resource-server", runtime.block_on(oauth_resource_server(algorithm)));
    lineup.add("huskarl-resource-server", runtime.block_on(huskarl::service(algorithm)));
    axum_07::add(&mut lineup, algorithm);
    lineup
}

fn ours(gate: Gate) -> Service {
    let handler = async |_: Claims<User>| BODY;
    served(Router::new().route(PATH, get(handler)).layer(AuthenticateLayer::new(gate)))
}

/// Wraps the layer around the router, without the boxes that axum puts around each layer of a route. Protects
/// every path, including paths without a route.
fn ours_around(gate: Gate) -> Authenticate<Service> {
    let handler = async |_: Claims<User>| BODY;
    AuthenticateLayer::new(gate).layer(served(Router::new().route(PATH, get(handler))))
}

/// Measures the cost of any layer around a route in axum, even one that does nothing.
fn empty_layer() -> Service {
    let empty = tower::layer::layer_fn(|inner| tower::util::MapRequest::new(inner, |request| request));
    served(Router::new().route(PATH, get(async || BODY)).layer(empty))
}

fn hand_rolled(algorithm: Algorithm) -> Service {
    let state = Arc::new(fixtures::jsonwebtoken(algorithm));
    served(Router::new().route(PATH, get(async |_: Decoded| BODY)).with_state(state))
}

fn axum_jwt_auth(algorithm: Algorithm) -> Result<Service, Reason> {
    use axum_jwt_auth::{Claims, Decoder, LocalDecoder};
    use jsonwebtoken10 as jsonwebtoken;

    // The features for both cryptographic backends are on, so select one. This fails harmlessly for the second
    // algorithm.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let mut validation = jsonwebtoken::Validation::new(algorithm.name().parse()?);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.validate_nbf = true;
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_str(&fixtures::jwk(algorithm))?)?;
    let decoder: Decoder<User> =
        Arc::new(LocalDecoder::builder().keys(vec![key]).validation(validation).build()?);
    Ok(served(Router::new().route(PATH, get(async |_: Claims<User>| BODY)).with_state(decoder)))
}

async fn tower_oauth2(algorithm: Algorithm) -> Result<Service, Reason> {
    // Without `nbf`: the library would require the claim, and few issuers set it.
    let checks = ClaimsValidationSpec::new().exp(true).iss(ISSUER).aud(&vec![AUDIENCE.to_owned()]);
    let tenant = TenantConfiguration::static_builder(fixtures::jwk_set(algorithm))
        .claims_validation(checks)
        .allowed_algorithms(&[algorithm.name().parse()?])
        .build()
        .map_err(|error| format!("{error:?}"))?;
    let server = OAuth2ResourceServer::<User>::builder().add_tenant(tenant).build().await;
    let layer = server.map_err(|error| format!("{error:?}"))?.into_layer();
    Ok(served(Router::new().route(PATH, get(async |_: Extension<User>| BODY)).layer(layer)))
}

async fn oauth_resource_server(algorithm: Algorithm) -> Result<Service, Reason> {
    if algorithm == Algorithm::Hs256 {
        return Err("it supports no shared secrets, by design".into());
    }
    let config = OAuthConfig {
        enabled: true,
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        resource: "https://api.example".into(),
        jwks_uri: Some(serve(fixtures::jwk_set(algorithm))?),
        required_scopes: vec!["read:items".into()],
        ..OAuthConfig::default()
    };
    let config = config.resolve(KeyNaming::Dotted("oauth"))?.ok_or("not enabled")?;
    let validator = Arc::new(OAuthValidator::new(&config)?);
    validator.refresh_now().await?;
    let layer = AuthLayer::builder().oauth(validator).build()?;
    let handler = async |token: AuthorizedToken| match token.claims_as::<User>() {
        Ok(_) => Ok(BODY),
        Err(_) => Err(StatusCode::UNAUTHORIZED),
    };
    Ok(served(Router::new().route(PATH, get(handler)).layer(layer)))
}

/// Publishes this key set on a free loopback port until the process ends. Returns its URL.
fn serve(keys: String) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/jwks", listener.local_addr()?);
    let length = keys.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{keys}"
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The request fits in one segment. A client that gets no response retries.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| stream.write_all(answer.as_bytes()));
        }
    });
    Ok(url)
}
