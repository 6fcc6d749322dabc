//! When remote keys are fetched, and how they are reached.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;

use super::rules::True;
use super::union::{Union, deserialize_union, only_one};
use super::units::{Size, Span};

/// `[issuers.refresh]`: the settings of [`RefreshSettings`](tollgate_jwks::RefreshSettings), by the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshTable {
    pub(crate) lifetime: Option<Span>,
    pub(crate) shortest_lifetime: Option<Span>,
    pub(crate) longest_lifetime: Option<Span>,
    pub(crate) max_staleness: Option<Span>,
    pub(crate) cooldown: Option<Span>,
    pub(crate) negative_cache_keys: Option<usize>,
    pub(crate) negative_cache_lifetime: Option<Span>,
    pub(crate) timeout: Option<Span>,
    pub(crate) quick_retry: Option<Span>,
    pub(crate) first_backoff: Option<Span>,
    pub(crate) longest_backoff: Option<Span>,
    pub(crate) longest_retry_after: Option<Span>,
    pub(crate) max_waiting: Option<usize>,
    pub(crate) max_document: Option<Size>,
    pub(crate) max_keys: Option<usize>,
    pub(crate) metadata_lifetime: Option<Span>,
    /// Whether the gate is built only after the keys have been fetched.
    pub(crate) required_at_start: Option<True>,
}

/// `[issuers.network]`: how the issuer is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkTable {
    pub(crate) insecure_loopback: Option<True>,
    #[serde(default)]
    pub(crate) insecure_http_to: Vec<Box<str>>,
    pub(crate) authorities_file: Option<PathBuf>,
    pub(crate) only_own_authorities: Option<True>,
    pub(crate) proxy: Option<Box<str>>,
    pub(crate) proxy_file: Option<PathBuf>,
    pub(crate) proxy_env: Option<Box<str>>,
    pub(crate) proxy_from_environment: Option<True>,
    pub(crate) connect_timeout: Option<Span>,
    #[serde(default)]
    pub(crate) request_headers: BTreeMap<Box<str>, HeaderSetting>,
    #[serde(default)]
    pub(crate) tolerate_content_types: Vec<Box<str>>,
}

/// The value of a header field of fetches, which can be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderSetting {
    /// The text before the value, such as `Bearer `.
    pub(crate) prefix: Box<str>,
    pub(crate) source: HeaderSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderSource {
    /// Read again for each fetch.
    File(PathBuf),
    Variable(Box<str>),
}

impl<'de> Union<'de> for HeaderSetting {
    const FORMS: &'static str = "a table such as { file = \"token\", prefix = \"Bearer \" }, or with `env`";

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let HeaderTable { file, env, prefix } = HeaderTable::deserialize(MapAccessDeserializer::new(table))?;
        let source = only_one(
            [
                file.map(|path| ("file", HeaderSource::File(path))),
                env.map(|name| ("env", HeaderSource::Variable(name))),
            ],
            &["file", "env"],
        )?;
        Ok(Self { prefix: prefix.unwrap_or_default(), source })
    }
}
deserialize_union!(HeaderSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderTable {
    file: Option<PathBuf>,
    env: Option<Box<str>>,
    prefix: Option<Box<str>>,
}
