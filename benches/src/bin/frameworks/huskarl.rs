//! huskarl-resource-server, called from an extractor.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{RouterIntoService, get};
use huskarl_core::crypto::verifier::{JwsVerifier, JwsVerifierFactory, JwsVerifierPlatform};
use huskarl_core::jwk::Jwk;
use huskarl_core::platform::MaybeSendBoxFuture;
use huskarl_core::{EndpointUrl, Error};
use huskarl_crypto_native::NativeVerifierPlatform;
use huskarl_crypto_native::asymmetric::verifier::AsymmetricPublicKey;
use huskarl_crypto_native::symmetric::SymmetricKey;
use huskarl_resource_server::validator::custom::CustomValidator;
use tollgate::Algorithm;
use tollgate_benches::fixtures::{self, AUDIENCE, ISSUER, Profile};

use crate::lineup::{BODY, PATH, Reason};

pub(crate) async fn service(algorithm: Algorithm) -> Result<RouterIntoService<axum::body::Body>, Reason> {
    let jwk = fixtures::jwk(algorithm);
    let verifier: Arc<dyn JwsVerifier> = match algorithm {
        Algorithm::Hs256 => {
            let jwk: Jwk = serde_json::from_str(&jwk)?;
            let jwk = jwk.private_jwk().ok_or("no private key")?;
            Arc::new(SymmetricKey::from_jwk(jwk.try_into()?)?)
        }
        _ => Arc::new(AsymmetricPublicKey::from_jwk(serde_json::from_str(&jwk)?)?),
    };
    let validator = CustomValidator::builder()
        .with_claims::<Profile>()
        .iss(ISSUER)
        .aud(AUDIENCE)
        .require_jti(false)
        .jws_verifier_factory(Fixed(verifier))
        .jws_verifier_platform(Arc::new(NativeVerifierPlatform))
        .build()
        .await?;
    let state = Arc::new(validator);
    Ok(Router::new().route(PATH, get(async |_: Validated| BODY)).with_state(state).into_service())
}

struct Validated(#[expect(dead_code, reason = "decoded, not read")] Profile);

impl FromRequestParts<Arc<CustomValidator<Profile>>> for Validated {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        validator: &Arc<CustomValidator<Profile>>,
    ) -> Result<Self, StatusCode> {
        let result = validator.validate_request(&parts.headers, &parts.method, &parts.uri, None).await;
        match result.outcome {
            Ok(Some(validated)) => Ok(Self(validated.claims)),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

/// A fixed key, in place of a key set to fetch.
struct Fixed(Arc<dyn JwsVerifier>);

impl JwsVerifierFactory for Fixed {
    fn build(
        &self,
        _: Option<&EndpointUrl>,
        _: Arc<dyn JwsVerifierPlatform>,
    ) -> MaybeSendBoxFuture<'static, Result<Arc<dyn JwsVerifier>, Error>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}
