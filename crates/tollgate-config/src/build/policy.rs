//! Policies, and the names of others in them.

use std::collections::BTreeMap;

use tollgate::{Issuer, Policy};

use super::at::At;
use super::checks::claim_path;
use crate::error::DocumentError;
use crate::settings::policy::PolicySetting;

/// The policies of `[policies]`, as the document describes them.
type Named = BTreeMap<Box<str>, PolicySetting>;

/// Builds all policies of `[policies]`.
pub(crate) fn build_all(at: &At<'_>, named: &Named) -> Result<BTreeMap<Box<str>, Policy>, DocumentError> {
    let mut policies = BTreeMap::new();
    for (name, setting) in named {
        let policy = build(&at.member(name), setting, named, &mut vec![name])?;
        policies.insert(name.clone(), policy);
    }
    Ok(policies)
}

/// Builds one policy. `within` are the names of the policies that this one is a part of.
pub(crate) fn build<'n>(
    at: &At<'_>,
    setting: &'n PolicySetting,
    named: &'n Named,
    within: &mut Vec<&'n str>,
) -> Result<Policy, DocumentError> {
    let mut all = |member: &str, settings: &'n [PolicySetting]| {
        let at = at.member(member);
        if settings.is_empty() {
            return Err(at.wrong("is an empty list", "add a policy"));
        }
        let parts = settings.iter().enumerate();
        parts.map(|(index, part)| build(&at.index(index), part, named, within)).collect::<Result<Vec<_>, _>>()
    };
    match setting {
        PolicySetting::Scope(scope) => {
            Policy::scopes([scope.clone()]).map_err(|error| at.member("scope").refused(error))
        }
        PolicySetting::Role(role) => Ok(Policy::role(role.clone())),
        PolicySetting::Claim { claim, is } => Ok(Policy::claim_is(claim_path(claim), is.clone())),
        PolicySetting::Acr(values) => {
            Policy::acr(values.iter().cloned()).map_err(|error| at.member("acr").refused(error))
        }
        PolicySetting::Amr(method) => Ok(Policy::amr(method.clone())),
        PolicySetting::AuthenticatedWithin(age) => Ok(Policy::authenticated_within(age.0)),
        PolicySetting::Actor(actor) => Ok(Policy::actor(actor.clone())),
        PolicySetting::Issuer(issuer) => {
            let issuer = Issuer::new(issuer.clone()).map_err(|error| at.member("issuer").refused(error))?;
            Ok(Policy::issuer(issuer.as_str()))
        }
        PolicySetting::All(parts) => all("all", parts).map(Policy::all),
        PolicySetting::Any(parts) => all("any", parts).map(Policy::any),
        PolicySetting::Not(part) => build(&at.member("not"), part, named, within).map(|policy| !policy),
        PolicySetting::Named(name) => named_policy(at, name, named, within),
    }
}

fn named_policy<'n>(
    at: &At<'_>,
    name: &'n str,
    named: &'n Named,
    within: &mut Vec<&'n str>,
) -> Result<Policy, DocumentError> {
    let Some(setting) = named.get(name) else {
        let names: Vec<&str> = named.keys().map(|name| &**name).collect();
        let mend = if names.is_empty() {
            "add it to `[policies]`".to_owned()
        } else {
            format!("the policies are {}", crate::document::list(&names))
        };
        return Err(at.wrong(format!("names the policy `{name}`, which does not exist"), mend));
    };
    if within.contains(&name) {
        return Err(at.wrong(format!("makes the policy `{name}` a part of itself"), "remove it"));
    }
    within.push(name);
    let policy = build(at, setting, named, within);
    within.pop();
    policy
}
