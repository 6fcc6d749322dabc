//! The checks of tokens that an entry of `[[issuers]]` sets or gives up.

use tollgate::{Algorithm, ClaimPath, ClaimPaths, GrantClaim, Verifier};

use super::at::At;
use crate::error::DocumentError;
use crate::settings::claims::{GrantSetting, GrantShape, PathSetting};
use crate::settings::issuer::{IssuerEntry, Tolerance};

/// Applies the checks of the entry to its verifier.
pub(crate) fn apply(at: &At<'_>, entry: &IssuerEntry, verifier: Verifier) -> Result<Verifier, DocumentError> {
    let verifier = with_types(at, entry, with_times(at, entry, verifier)?)?;
    let verifier = with_requirements(at, entry, verifier)?;
    let verifier = with_claim_paths(entry, verifier);
    Ok(with_tolerances(entry, verifier))
}

fn with_times(at: &At<'_>, entry: &IssuerEntry, mut verifier: Verifier) -> Result<Verifier, DocumentError> {
    if let Some(leeway) = entry.leeway {
        verifier = verifier.with_leeway(leeway.0).map_err(|error| at.member("leeway").refused(error))?;
    }
    if let Some(max_age) = entry.max_age {
        verifier = verifier.with_max_age(max_age.0);
    }
    if let Some(max_lifetime) = entry.max_lifetime {
        verifier = verifier.with_max_lifetime(max_lifetime.0);
    }
    if let Some(max) = entry.max_token {
        let too_large = |_error| at.member("max_token").wrong("is too large", "write a smaller size");
        verifier = verifier.with_max_token_bytes(usize::try_from(max.0).map_err(too_large)?);
    }
    Ok(verifier)
}

fn with_types(at: &At<'_>, entry: &IssuerEntry, mut verifier: Verifier) -> Result<Verifier, DocumentError> {
    if let Some(algorithms) = &entry.algorithms {
        let algorithms = algorithms.iter().map(|name| -> Algorithm { name.0 });
        verifier =
            verifier.with_algorithms(algorithms).map_err(|error| at.member("algorithms").refused(error))?;
    }
    if let Some(types) = &entry.types {
        let at = at.member("types");
        if entry.rfc9068_profile.is_some() {
            return Err(at.wrong("contradicts `rfc9068_profile`, which sets the type", "remove one of them"));
        }
        verifier = verifier.with_types(types.iter().cloned()).map_err(|error| at.refused(error))?;
    }
    Ok(if entry.rfc9068_profile.is_some() { verifier.with_rfc9068_profile() } else { verifier })
}

fn with_requirements(
    at: &At<'_>,
    entry: &IssuerEntry,
    mut verifier: Verifier,
) -> Result<Verifier, DocumentError> {
    for claim in &entry.required_claims {
        verifier = verifier.with_required_claim(claim_path(claim));
    }
    for (claim, value) in &entry.required_values {
        verifier = verifier
            .with_required_value(&**claim, value)
            .map_err(|error| at.member("required_values").member(claim).refused(error))?;
    }
    if entry.key_issuers.is_some() {
        verifier = verifier.with_key_issuers();
    }
    for (name, value) in &entry.required_header_members {
        verifier = verifier.with_required_header_member(name.clone(), value.clone());
    }
    Ok(verifier)
}

/// Changes the claims that the entry names. Others stay as the provider has them.
fn with_claim_paths(entry: &IssuerEntry, verifier: Verifier) -> Verifier {
    let mut paths: ClaimPaths = verifier.claim_paths().clone();
    if let Some(claims) = &entry.scopes_at {
        paths = paths.with_scopes_at(claims.iter().map(grant_claim));
    }
    if let Some(claims) = &entry.roles_at {
        paths = paths.with_roles_at(claims.iter().map(grant_claim));
    }
    for (scope, implied) in &entry.implied_scopes {
        paths = paths.with_implied_scopes(scope.clone(), implied.iter().cloned());
    }
    for (role, implied) in &entry.implied_roles {
        paths = paths.with_implied_roles(role.clone(), implied.iter().cloned());
    }
    verifier.with_claim_paths(paths)
}

fn with_tolerances(entry: &IssuerEntry, mut verifier: Verifier) -> Verifier {
    for claim in &entry.tolerate_id_token_claims {
        verifier = verifier.tolerate_id_token_claim(claim.clone());
    }
    entry.tolerate.iter().fold(verifier, |verifier, tolerance| match tolerance {
        Tolerance::IdTokens => verifier.tolerate_id_tokens(),
        Tolerance::NumericSubject => verifier.tolerate_numeric_subject(),
        Tolerance::Padding => verifier.tolerate_padding(),
        Tolerance::MissingType => verifier.tolerate_missing_type(),
    })
}

fn grant_claim(setting: &GrantSetting) -> GrantClaim {
    let path = claim_path(&setting.path);
    let claim = match &setting.shape {
        GrantShape::Strings => GrantClaim::at(path),
        GrantShape::Separated(delimiter) => GrantClaim::separated_by(*delimiter, path),
        GrantShape::Keys => GrantClaim::keys_of(path),
        GrantShape::Member(member) => GrantClaim::member_of(path, member.clone()),
    };
    match &setting.renamed {
        Some(names) => claim.renamed(names.iter().map(|(from, to)| (from.clone(), to.clone()))),
        None => claim,
    }
}

pub(crate) fn claim_path(setting: &PathSetting) -> ClaimPath {
    match setting {
        PathSetting::Text(path) => ClaimPath::from(&**path),
        PathSetting::Names(names) => {
            let mut names = names.iter();
            let first = ClaimPath::name(names.next().cloned().unwrap_or_default());
            names.fold(first, |path, name| path.then(name.clone()))
        }
    }
}
