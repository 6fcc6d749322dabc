//! Remote keys of an issuer.

use std::net::IpAddr;
use std::time::Duration;

use tollgate::{Algorithm, JwkTolerance, VerifierKeys};
use tollgate_jwks::{
    PemKeySet, PemKeySetBuilder, RefreshSettings, RemoteKeySet, RemoteKeySetBuilder, StartError, UrlError,
};

use super::at::At;
use super::network::Network;
use crate::error::DocumentError;
use crate::settings::network::RefreshTable;
use crate::settings::units::Span;

/// Where remote keys are, and everything that decides how they are fetched. Equal settings can share one key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteSettings {
    pub(crate) location: RemoteLocation,
    pub(crate) refresh: RefreshTable,
    pub(crate) tolerance: JwkTolerance,
    pub(crate) network: Network,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemoteLocation {
    /// The issuer whose metadata names the keys.
    Issuer(Box<str>),
    JwkSet(Box<str>),
    /// The URL before the key ID, and the algorithm of all keys.
    PemPerKey(Box<str>, Algorithm),
}

impl RemoteLocation {
    fn text(&self) -> &str {
        match self {
            Self::Issuer(text) | Self::JwkSet(text) | Self::PemPerKey(text, _) => text,
        }
    }
}

/// Where errors of remote keys are.
pub(crate) struct RemotePlaces<'a> {
    /// The entry of `issuers`.
    pub(crate) entry: &'a At<'a>,
    /// The member that decides where the keys are.
    pub(crate) url: At<'a>,
}

/// Remote keys and the settings that they were started with.
#[derive(Clone, Debug)]
pub(crate) struct RemoteKeys {
    settings: RemoteSettings,
    keys: Source,
}

#[derive(Clone, Debug)]
enum Source {
    JwkSet(RemoteKeySet),
    PemPerKey(PemKeySet),
}

/// Whether to wait for the first keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Only for issuers with `required_at_start`.
    AsConfigured,
    WithKeys,
}

impl RemoteKeys {
    pub(crate) fn jwk_set(&self) -> Option<&RemoteKeySet> {
        match &self.keys {
            Source::JwkSet(keys) => Some(keys),
            Source::PemPerKey(_) => None,
        }
    }

    pub(crate) fn pem_key_set(&self) -> Option<&PemKeySet> {
        match &self.keys {
            Source::JwkSet(_) => None,
            Source::PemPerKey(keys) => Some(keys),
        }
    }

    pub(crate) fn to_verify_with(&self) -> VerifierKeys {
        match &self.keys {
            Source::JwkSet(keys) => keys.clone().into(),
            Source::PemPerKey(keys) => keys.clone().into(),
        }
    }

    /// Returns the keys of `known` with the same settings, or starts to fetch them.
    pub(crate) async fn find_or_start(
        places: &RemotePlaces<'_>,
        settings: RemoteSettings,
        known: &[Self],
        start: Start,
    ) -> Result<Self, DocumentError> {
        if let Some(known) = known.iter().find(|known| known.settings == settings) {
            return Ok(known.clone());
        }
        if let RemoteLocation::PemPerKey(url, algorithm) = &settings.location {
            // These keys are fetched when tokens name them, so there is nothing to wait for.
            let keys = settings.start_pem(places, PemKeySet::from_url(url.clone(), *algorithm))?;
            return Ok(Self { settings, keys });
        }
        let waits = start == Start::WithKeys || settings.refresh.required_at_start.is_some();
        let builder = settings.builder(places.entry)?;
        let keys = if waits { builder.connect().await } else { builder.start() };
        let keys = keys.map_err(|error| refused(places, &settings, error))?;
        Ok(Self { settings, keys: Source::JwkSet(keys) })
    }
}

impl RemoteSettings {
    fn builder(&self, at: &At<'_>) -> Result<RemoteKeySetBuilder, DocumentError> {
        let builder = match &self.location {
            RemoteLocation::Issuer(issuer) => RemoteKeySet::discover(issuer.clone()),
            RemoteLocation::JwkSet(url) | RemoteLocation::PemPerKey(url, _) => {
                RemoteKeySet::from_url(url.clone())
            }
        };
        let builder =
            builder.with_settings(refresh_settings(&self.refresh)).tolerate_jwk_deviations(self.tolerance);
        self.network.apply(&at.member("network"), builder)
    }

    fn start_pem(
        &self,
        places: &RemotePlaces<'_>,
        builder: PemKeySetBuilder,
    ) -> Result<Source, DocumentError> {
        let at = places.entry;
        if self.refresh != RefreshTable::default() {
            return Err(at.member("refresh").wrong("applies to JWK Sets alone", "remove it"));
        }
        let builder = self.network.apply_to_pem(&at.member("network"), builder)?;
        builder.start().map(Source::PemPerKey).map_err(|error| match &error {
            StartError::Settings(_) => at.member("keys").failed(error, "write another algorithm"),
            _ => refused(places, self, error),
        })
    }
}

fn refused(places: &RemotePlaces<'_>, settings: &RemoteSettings, error: StartError) -> DocumentError {
    let at = places.entry;
    match &error {
        StartError::Settings(_) => at.member("refresh").failed(error, "correct the settings"),
        StartError::Fetch { .. } => {
            at.member("keys").failed(error, "correct the location, or start the issuer")
        }
        StartError::Url { reason: UrlError::NotHttps, .. } => plain_http(places, settings),
        StartError::Url { .. } => places.url.failed(error, "correct the URL"),
        StartError::Host { text } => {
            wrong_host(&at.member("network").member("insecure_http_to"), settings, &text.to_string())
        }
        StartError::RequestHeader { .. } => at.member("network").member("request_headers").failed(error, ""),
        StartError::ContentType { .. } => {
            at.member("network").member("tolerate_content_types").failed(error, "")
        }
        _ => at.member("keys").failed(error, ""),
    }
}

/// Returns the error of a URL without TLS. The error of tollgate-jwks names its own functions, and is left out.
fn plain_http(places: &RemotePlaces<'_>, settings: &RemoteSettings) -> DocumentError {
    let Some(rest) = settings.location.text().strip_prefix("http://") else {
        return places.url.wrong("leads to a URL that is not https", "write an https URL");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    let hosts = settings.network.insecure_http_to();
    let network = if is_loopback {
        "add `network = { insecure_loopback = true }` to the entry".to_owned()
    } else if hosts.is_empty() {
        format!("add `network = {{ insecure_http_to = [\"{host}\"] }}` to the entry")
    } else {
        format!("add \"{host}\" to the list `insecure_http_to`")
    };
    places.url.wrong(format!("leads to plain http at {host}"), format!("write an https URL, or {network}"))
}

fn wrong_host(at: &At<'_>, settings: &RemoteSettings, text: &str) -> DocumentError {
    let hosts = settings.network.insecure_http_to();
    let Some((index, host)) = hosts.iter().enumerate().find(|(_, host)| text.trim_matches('"') == &***host)
    else {
        return at.wrong("has a host that cannot be used", "write host names or IP addresses");
    };
    let mend = if host.contains("://") {
        "write the host without the scheme"
    } else if host.contains('*') {
        "write each host by its name"
    } else if host.contains(':') {
        "write the host without the port"
    } else {
        "write a host name or an IP address"
    };
    at.index(index).wrong("is not a host name", mend)
}

/// Applies the table to the default settings.
fn refresh_settings(table: &RefreshTable) -> RefreshSettings {
    let mut settings = RefreshSettings::new();
    macro_rules! set {
        ($($member:ident => $with:ident),*) => {$(
            if let Some(value) = &table.$member {
                settings = settings.$with(value.0);
            }
        )*};
    }
    set!(
        lifetime => with_lifetime, max_staleness => with_max_staleness, cooldown => with_cooldown,
        timeout => with_timeout, longest_retry_after => with_longest_retry_after,
        metadata_lifetime => with_metadata_lifetime
    );
    let or = |given: Option<Span>, default: Duration| given.map_or(default, |given| given.0);
    if table.shortest_lifetime.is_some() || table.longest_lifetime.is_some() {
        let shortest = or(table.shortest_lifetime, SHORTEST_LIFETIME);
        settings = settings.with_lifetime_bounds(shortest, or(table.longest_lifetime, LONGEST_LIFETIME));
    }
    if table.first_backoff.is_some() || table.longest_backoff.is_some() {
        let first = or(table.first_backoff, FIRST_BACKOFF);
        settings = settings.with_backoff(first, or(table.longest_backoff, LONGEST_BACKOFF));
    }
    if table.negative_cache_keys.is_some() || table.negative_cache_lifetime.is_some() {
        let keys = table.negative_cache_keys.unwrap_or(NEGATIVE_KEYS);
        settings = settings.with_negative_cache(keys, or(table.negative_cache_lifetime, NEGATIVE_LIFETIME));
    }
    if let Some(pause) = table.quick_retry {
        settings = settings.with_quick_retry(Some(pause.0).filter(|pause| !pause.is_zero()));
    }
    if let Some(max) = table.max_waiting {
        settings = settings.with_max_waiting(max);
    }
    if let Some(max) = table.max_document {
        settings = settings.with_max_document_bytes(usize::try_from(max.0).unwrap_or(usize::MAX));
    }
    match table.max_keys {
        Some(max) => settings.with_max_keys(max),
        None => settings,
    }
}

// The defaults of `RefreshSettings`, for pairs of which a document sets one.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);
const LONGEST_LIFETIME: Duration = Duration::from_secs(3600);
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
const NEGATIVE_KEYS: usize = 1024;
const NEGATIVE_LIFETIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_pairs_are_those_of_the_settings() {
        let pairs = RefreshSettings::new()
            .with_lifetime_bounds(SHORTEST_LIFETIME, LONGEST_LIFETIME)
            .with_backoff(FIRST_BACKOFF, LONGEST_BACKOFF)
            .with_negative_cache(NEGATIVE_KEYS, NEGATIVE_LIFETIME);
        assert_eq!(format!("{pairs:?}"), format!("{:?}", RefreshSettings::new()));
        let empty = refresh_settings(&RefreshTable::default());
        assert_eq!(format!("{empty:?}"), format!("{:?}", RefreshSettings::new()));
    }
}
