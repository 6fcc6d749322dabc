//! `[gate]`: where tokens are, and what the gate does with requests.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess};

use super::policy::PolicySetting;
use super::rules::True;
use super::union::{Union, deserialize_union, only_one, without};
use super::units::Size;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GateTable {
    pub(crate) realm: Option<Box<str>>,
    pub(crate) sources: Option<Vec<SourceSetting>>,
    #[serde(default)]
    pub(crate) optional_token: bool,
    #[serde(default)]
    pub(crate) preflights: bool,
    #[serde(default)]
    pub(crate) grpc_rejections: bool,
    pub(crate) policy: Option<PolicySetting>,
    pub(crate) cache: Option<CacheSetting>,
    #[serde(default)]
    pub(crate) public_origins: Vec<Box<str>>,
    #[serde(default)]
    pub(crate) trusted_origins: Vec<Box<str>>,
    pub(crate) resource: Option<ResourceTable>,
}

/// `[gate.resource]`: the metadata of the API (RFC 9728).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceTable {
    pub(crate) identifier: Box<str>,
    #[serde(default)]
    pub(crate) authorization_servers: Vec<Box<str>>,
    #[serde(default)]
    pub(crate) scopes: Vec<Box<str>>,
    pub(crate) name: Option<Box<str>>,
}

/// The limits of the cache of verified tokens, or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheSetting {
    Off,
    Limits { tokens: Option<usize>, bytes: Option<Size> },
}

impl<'de> Union<'de> for CacheSetting {
    const FORMS: &'static str = "a table with `tokens` and `bytes`, or `false`";

    fn from_boolean<E: de::Error>(boolean: bool) -> Result<Self, E> {
        match boolean {
            false => Ok(Self::Off),
            true => {
                Err(E::custom("is true, which is the default; leave it out, or write a table with limits"))
            }
        }
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let CacheTable { tokens, bytes } = CacheTable::deserialize(MapAccessDeserializer::new(table))?;
        Ok(Self::Limits { tokens, bytes })
    }
}
deserialize_union!(CacheSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheTable {
    tokens: Option<usize>,
    bytes: Option<Size>,
}

/// A place in requests where tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceSetting {
    pub(crate) kind: SourceKind,
    pub(crate) bearer_prefix: bool,
    pub(crate) tolerate_native_handshakes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    Bearer,
    Scheme(Box<str>),
    BearerIn(Box<str>),
    Header(Box<str>),
    Cookie(Box<str>),
    CookieInPieces(Box<str>),
    WebsocketProtocol(Box<str>),
    InsecureQuery(Box<str>),
}

impl<'de> Union<'de> for SourceSetting {
    const FORMS: &'static str = "\"bearer\", or a table such as { cookie = \"__Host-Http-at\" }";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        match text {
            "bearer" => {
                Ok(Self { kind: SourceKind::Bearer, bearer_prefix: false, tolerate_native_handshakes: false })
            }
            _ => Err(E::custom(format!("is not a source of tokens; write {}", Self::FORMS))),
        }
    }

    fn from_table<A: MapAccess<'de>>(table: A) -> Result<Self, A::Error> {
        let table = SourceTable::deserialize(MapAccessDeserializer::new(table))?;
        let is_cookie = table.cookie.is_some() || table.cookie_in_pieces.is_some();
        let is_query = table.insecure_query.is_some();
        let bearer_prefix = table.bearer_prefix.is_some();
        let native = table.tolerate_native_handshakes.is_some();
        let kind = table.kind()?;
        without("bearer_prefix", bearer_prefix && !is_cookie, "cookies")?;
        without("tolerate_native_handshakes", native && !is_query, "`insecure_query`")?;
        Ok(Self { kind, bearer_prefix, tolerate_native_handshakes: native })
    }
}
deserialize_union!(SourceSetting);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceTable {
    scheme: Option<Box<str>>,
    bearer_in: Option<Box<str>>,
    header: Option<Box<str>>,
    cookie: Option<Box<str>>,
    cookie_in_pieces: Option<Box<str>>,
    bearer_prefix: Option<True>,
    websocket_protocol: Option<Box<str>>,
    insecure_query: Option<Box<str>>,
    tolerate_native_handshakes: Option<True>,
}

impl SourceTable {
    fn kind<E: de::Error>(self) -> Result<SourceKind, E> {
        only_one(
            [
                self.scheme.map(|name| ("scheme", SourceKind::Scheme(name))),
                self.bearer_in.map(|name| ("bearer_in", SourceKind::BearerIn(name))),
                self.header.map(|name| ("header", SourceKind::Header(name))),
                self.cookie.map(|name| ("cookie", SourceKind::Cookie(name))),
                self.cookie_in_pieces.map(|name| ("cookie_in_pieces", SourceKind::CookieInPieces(name))),
                self.websocket_protocol
                    .map(|name| ("websocket_protocol", SourceKind::WebsocketProtocol(name))),
                self.insecure_query.map(|name| ("insecure_query", SourceKind::InsecureQuery(name))),
            ],
            &[
                "scheme",
                "bearer_in",
                "header",
                "cookie",
                "cookie_in_pieces",
                "websocket_protocol",
                "insecure_query",
            ],
        )
    }
}
