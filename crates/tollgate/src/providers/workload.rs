//! Identities of workloads: cluster service accounts, build jobs and SPIFFE.

use super::{KeyLocation, Provider, audience, base_url, discovered, part};
use crate::claims::{ClaimPath, ClaimPaths};
use crate::error::ConfigError;
use crate::issuer::Issuer;
use crate::key::JwkTolerance;
use crate::verify::IssuerRule;

/// Projected service account tokens of a Kubernetes cluster, given by its issuer. `api` is the audience that the pod
/// requests for its token.
///
/// `kubernetes.io` is required. Its members `namespace` and `serviceaccount` say which workload calls, as `sub` does:
/// `system:serviceaccount:{namespace}:{name}`. The key set is at `/openid/v1/jwks` of the API server, which may need
/// a request header. Documented at
/// `kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/`.
///
/// # Errors
/// [`ConfigError`] when the audience is malformed.
pub fn kubernetes(issuer: Issuer, api: &str) -> Result<Provider, ConfigError> {
    let keys = KeyLocation::Issuer(issuer.clone());
    let settings = Provider::new(issuer, audience(api)?, keys);
    Ok(settings.with(|verifier| {
        verifier.with_required_claim(ClaimPath::name("kubernetes.io")).with_claim_paths(none())
    }))
}

/// Tokens of GitHub Actions, for workflows in repositories of `owner`. `api` is the audience that the workflow
/// requests.
///
/// Every user of GitHub can request a token for any audience, so `repository_owner` is checked. Use a policy for the
/// repository, branch or environment, such as `Policy::claim_is("repository", "owner/name")`. The name of a deleted
/// account can be registered again: `repository_owner_id` is not reused. Documented at
/// `docs.github.com/en/actions/reference/security/oidc`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn github_actions(owner: &str, api: &str) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered("https://token.actions.githubusercontent.com".to_owned())?;
    let owner = part("repository owner", owner)?;
    Provider::new(issuer, audience(api)?, keys)
        .try_with(|verifier| verifier.with_claim_paths(none()).with_required_value("repository_owner", owner))
}

/// ID tokens of GitLab CI/CD, for jobs of projects directly in `namespace`, such as `group/subgroup`. `api` is the
/// audience that the job requests, and `instance` the URL of GitLab.
///
/// Every user of the instance can request a token for any audience, so `namespace_path` is checked. Documented at
/// `docs.gitlab.com/ci/secrets/id_token_authentication/`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn gitlab_ci(instance: &str, namespace: &str, api: &str) -> Result<Provider, ConfigError> {
    let (issuer, keys) = discovered(base_url(instance)?.to_owned())?;
    for name in namespace.split('/') {
        part("namespace", name)?;
    }
    Provider::new(issuer, audience(api)?, keys).try_with(|verifier| {
        verifier.with_claim_paths(none()).with_required_value("namespace_path", namespace)
    })
}

/// JWT-SVIDs of a SPIFFE trust domain, such as `example.org`. `issuer` is the `iss` of its tokens, if they have one.
///
/// `sub` must be a SPIFFE ID of the trust domain. `iss` is optional in these tokens, so only the keys prove that a
/// token comes from the trust domain: use those of its bundle. The keys in a bundle have the use `jwt-svid`.
/// Documented at `github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md`.
///
/// # Errors
/// [`ConfigError`] when a name is malformed.
pub fn spiffe(trust_domain: &str, issuer: Option<Issuer>, api: &str) -> Result<Provider, ConfigError> {
    let trust_domain = part("trust domain", trust_domain)?;
    let issuer = IssuerRule::subject_prefix(format!("spiffe://{trust_domain}/"), issuer)?;
    let settings = Provider::new(issuer, audience(api)?, KeyLocation::Configured)
        .try_with(|verifier| Ok(verifier.with_types(["JWT", "JOSE"])?.tolerate_missing_type()))?;
    let tolerance = JwkTolerance::default().jwt_svid_use();
    Ok(Provider { tolerance, ..settings.with(|verifier| verifier.with_claim_paths(none())) })
}

/// Tokens of workloads have neither scopes nor roles.
fn none() -> ClaimPaths {
    ClaimPaths::default().with_scopes_at::<ClaimPath>([]).with_roles_at::<ClaimPath>([])
}
