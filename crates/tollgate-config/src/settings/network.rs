//! When remote keys are fetched, and how they are reached.

use serde::Deserialize;

use super::rules::True;
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
}
