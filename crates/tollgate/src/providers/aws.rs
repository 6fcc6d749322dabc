//! Amazon Web Services.

use super::{KeyLocation, Provider, discovered, part, with_clients};
use crate::algorithm::Algorithm;
use crate::claims::{ClaimPath, ClaimPaths};
use crate::error::ConfigError;
use crate::issuer::Issuer;
use crate::verify::AudienceRule;

/// Access tokens of an Amazon Cognito user pool, requested by one of `clients` (app client IDs).
///
/// These tokens have no `aud`, so `client_id` takes its place. `token_use` must be `access`. Roles are the groups in
/// `cognito:groups`. Documented at
/// `docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed, or without clients.
pub fn cognito_access<C: Into<Box<str>>>(
    region: &str,
    user_pool: &str,
    clients: impl IntoIterator<Item = C>,
) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(user_pool_issuer(region, user_pool)?)?;
    Provider::new(issuer, AudienceRule::claim("client_id", clients)?, keys)
        .try_with(|verifier| verifier.with_claim_paths(groups()).with_required_value("token_use", "access"))
}

/// ID tokens of an Amazon Cognito user pool, for one of `clients` (app client IDs).
///
/// `token_use` must be `id`. Roles are the groups in `cognito:groups`. Documented at
/// `docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html`.
///
/// # Errors
/// As for [`cognito_access`].
pub fn cognito_id<C: Into<Box<str>>>(
    region: &str,
    user_pool: &str,
    clients: impl IntoIterator<Item = C>,
) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(user_pool_issuer(region, user_pool)?)?;
    with_clients(clients, |client| Provider::new(issuer, client, keys))?.try_with(|verifier| {
        verifier.with_claim_paths(groups()).tolerate_id_tokens().with_required_value("token_use", "id")
    })
}

fn user_pool_issuer(region: &str, user_pool: &str) -> Result<String, ConfigError> {
    let (region, user_pool) = (part("AWS region", region)?, part("user pool", user_pool)?);
    Ok(format!("https://cognito-idp.{region}.{}/{user_pool}", domain(region)))
}

fn groups() -> ClaimPaths {
    ClaimPaths::default().with_roles_at([ClaimPath::name("cognito:groups")])
}

/// The user's claims that an AWS Application Load Balancer adds to requests, in the header field `x-amzn-oidc-data`.
///
/// `load_balancer` is its ARN, which must be the `signer` in the token's header: all load balancers of a region sign
/// with the same keys. `client` is the client ID of the rule in front of this API: a load balancer can serve several
/// applications. The parts of these tokens are padded. `issuer` is the identity provider that the load balancer logs
/// users in with. Read the field with [`TokenSource::header`](crate::TokenSource::header). Documented at
/// `docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn aws_alb(
    region: &str,
    load_balancer: &str,
    client: &str,
    issuer: Issuer,
) -> Result<Provider, ConfigError> {
    let region = part("AWS region", region)?;
    let keys = if region.starts_with("us-gov-") {
        format!("https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}/")
    } else {
        format!("https://public-keys.auth.elb.{region}.{}/", domain(region))
    };
    let audience = AudienceRule::header_member("signer", [load_balancer])?;
    Provider::new(issuer, audience, KeyLocation::PemPerKeyId(keys.into()))
        .with(|verifier| verifier.with_required_header_member("client", client))
        .try_with(|verifier| verifier.tolerate_padding().with_algorithms([Algorithm::Es256]))
}

/// Returns the domain of the region's partition.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}
