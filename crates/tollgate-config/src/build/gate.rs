//! The gate around the verifiers.

use std::collections::BTreeMap;

use tollgate::{CacheLimits, ConfigError, CrossSite, Gate, Policy, ResourceMetadata, TokenSource, Verifier};

use super::at::At;
use super::policy;
use crate::error::DocumentError;
use crate::settings::gate::{CacheSetting, GateTable, ResourceTable, SourceKind, SourceSetting};
use crate::settings::issuer::IssuerEntry;
use crate::settings::policy::PolicySetting;

/// Creates a gate with these verifiers.
pub(crate) fn of_verifiers(
    at: &At<'_>,
    entries: &[IssuerEntry],
    verifiers: &[Verifier],
) -> Result<Gate, DocumentError> {
    let Some((first, rest)) = verifiers.split_first() else {
        return Err(at.wrong("is an empty list", "add a table [[issuers]]"));
    };
    let mut gate = Gate::new(first.clone());
    for (before, verifier) in rest.iter().enumerate() {
        gate = gate.with_verifier(verifier.clone()).map_err(|error| {
            let collides =
                |other: &Verifier| Gate::new(other.clone()).with_verifier(verifier.clone()).is_err();
            let other = verifiers.iter().position(collides).unwrap_or_default();
            collision(at, entries, [other, before.saturating_add(1)], error)
        })?;
    }
    Ok(gate)
}

/// Returns the error of two entries whose tokens cannot be told apart by their issuer.
fn collision(
    at: &At<'_>,
    entries: &[IssuerEntry],
    [first, second]: [usize; 2],
    error: ConfigError,
) -> DocumentError {
    let place = at.index(first).place().map_or_else(String::new, |place| format!(" ({place})"));
    let same = matches!(error, ConfigError::DuplicateIssuer { .. });
    let mend = if same {
        let providers = [first, second].map(|index| entries.get(index).and_then(|entry| entry.provider));
        match providers {
            [None, None] => "write one entry; `audience` can be a list".to_owned(),
            [Some(one), Some(other)] if one == other && one.list_member().is_some() => {
                format!("write one entry, with all values in `{}`", one.list_member().unwrap_or_default())
            }
            _ => "an issuer has one entry: write it without `provider`, and list the audiences in `audience`"
                .to_owned(),
        }
    } else {
        "make the issuers of the two entries distinct".to_owned()
    };
    let what = if same { "has the same issuer as" } else { "has issuers that also belong to" };
    let problem = format!("{what} `issuers.{first}`{place}").into();
    DocumentError { problem, ..at.index(second).failed(error, mend) }
}

/// Checks `[gate]`, and returns the function that applies it.
pub(crate) fn prepare<'a>(
    at: &At<'a>,
    table: &GateTable,
    policy: Option<Policy>,
    metadata: Option<ResourceMetadata>,
) -> Result<impl FnOnce(Gate) -> Result<Gate, DocumentError> + use<'a>, DocumentError> {
    let sources =
        table.sources.as_ref().map(|sources| token_sources(&at.member("sources"), sources)).transpose()?;
    let cross_site = cross_site(at, table)?;
    let cache = table.cache.map(|cache| cache_limits(&at.member("cache"), cache)).transpose()?;
    let (optional_token, preflights) = (table.optional_token, table.preflights);
    let grpc_rejections = table.grpc_rejections;
    let (realm, at) = (table.realm.clone(), at.clone());
    Ok(move |mut gate: Gate| {
        gate = gate.with_cross_site(cross_site);
        if let Some(sources) = sources {
            gate = gate.with_sources(sources).map_err(|error| at.member("sources").refused(error))?;
        }
        if let Some(realm) = realm {
            gate = gate.with_realm(realm).map_err(|error| at.member("realm").refused(error))?;
        }
        if let Some(metadata) = metadata {
            gate = gate.with_resource_metadata(&metadata);
        }
        if let Some(policy) = policy {
            gate = gate.with_policy(policy);
        }
        gate = match cache {
            None => gate,
            Some(None) => gate.without_cache(),
            Some(Some(limits)) => gate.with_cache(limits),
        };
        gate = if grpc_rejections { gate.with_grpc_rejections() } else { gate };
        gate = if optional_token { gate.with_optional_token() } else { gate };
        Ok(if preflights { gate.with_preflights() } else { gate })
    })
}

/// Builds the policy of `[gate]`.
pub(crate) fn policy(
    at: &At<'_>,
    table: &GateTable,
    policies: &BTreeMap<Box<str>, Policy>,
    named: &BTreeMap<Box<str>, PolicySetting>,
) -> Result<Option<Policy>, DocumentError> {
    match &table.policy {
        Some(PolicySetting::Named(name)) if policies.contains_key(name) => Ok(policies.get(name).cloned()),
        Some(setting) => policy::build(&at.member("policy"), setting, named, &mut Vec::new()).map(Some),
        None => Ok(None),
    }
}

fn token_sources(at: &At<'_>, sources: &[SourceSetting]) -> Result<Vec<TokenSource>, DocumentError> {
    let sources = sources.iter().enumerate().map(|(index, setting)| {
        let source = token_source(&setting.kind).and_then(|source| {
            let source = if setting.bearer_prefix { source.with_bearer_prefix()? } else { source };
            if setting.tolerate_native_handshakes { source.tolerate_native_handshakes() } else { Ok(source) }
        });
        source.map_err(|error| at.index(index).refused(error))
    });
    sources.collect()
}

fn token_source(kind: &SourceKind) -> Result<TokenSource, ConfigError> {
    match kind {
        SourceKind::Bearer => Ok(TokenSource::bearer()),
        SourceKind::Scheme(scheme) => TokenSource::scheme(scheme.clone()),
        SourceKind::BearerIn(field) => TokenSource::bearer_in(field.clone()),
        SourceKind::Header(field) => TokenSource::header(field.clone()),
        SourceKind::Cookie(name) => TokenSource::cookie(name.clone()),
        SourceKind::CookieInPieces(name) => TokenSource::cookie_in_pieces(name.clone()),
        SourceKind::WebsocketProtocol(protocol) => TokenSource::websocket_protocol(protocol.clone()),
        SourceKind::InsecureQuery(name) => TokenSource::insecure_query(name.clone()),
    }
}

fn cross_site(at: &At<'_>, table: &GateTable) -> Result<CrossSite, DocumentError> {
    let mut cross_site = CrossSite::new();
    for (index, origin) in table.public_origins.iter().enumerate() {
        let at = at.member("public_origins").index(index);
        cross_site = cross_site.with_public_origin(origin).map_err(|error| at.refused(error))?;
    }
    for (index, origin) in table.trusted_origins.iter().enumerate() {
        let at = at.member("trusted_origins").index(index);
        cross_site = cross_site.with_trusted_origin(origin).map_err(|error| at.refused(error))?;
    }
    Ok(cross_site)
}

// The defaults of `CacheLimits`, for documents that set one of the two.
const TOKENS: usize = 10_000;
const BYTES: u64 = 64 * 1024 * 1024;

/// Returns the limits, or `None` for a gate without a cache. A limit that the document leaves out has its default.
fn cache_limits(at: &At<'_>, cache: CacheSetting) -> Result<Option<CacheLimits>, DocumentError> {
    let CacheSetting::Limits { tokens, bytes } = cache else { return Ok(None) };
    let limits = CacheLimits::new(tokens.unwrap_or(TOKENS), bytes.map_or(BYTES, |bytes| bytes.0));
    limits
        .map(Some)
        .map_err(|_zero| at.wrong("has a limit of zero", "write `cache = false` to disable the cache"))
}

pub(crate) fn metadata(at: &At<'_>, table: &ResourceTable) -> Result<ResourceMetadata, DocumentError> {
    let metadata = ResourceMetadata::new(&table.identifier);
    let mut metadata = metadata.map_err(|error| at.member("identifier").refused(error))?;
    for server in &table.authorization_servers {
        metadata = metadata.with_authorization_server(server.clone());
    }
    metadata = metadata.with_scopes(table.scopes.iter().cloned());
    Ok(match &table.name {
        Some(name) => metadata.with_name(name.clone()),
        None => metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_limits_are_those_of_the_core() {
        assert_eq!(CacheLimits::new(TOKENS, BYTES), Ok(CacheLimits::default()));
    }
}
