//! `[sessions]`: the settings of `tollgate-sessions`.

use std::path::PathBuf;

use serde::Deserialize;

use super::rules::True;
use super::units::Span;

/// The settings of sessions. Those of accounts belong to the application, which has the users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionsTable {
    /// A store URL without a password.
    pub(crate) store: Option<Box<str>>,
    pub(crate) store_file: Option<PathBuf>,
    pub(crate) store_env: Option<Box<str>>,
    pub(crate) store_timeout: Option<Span>,
    /// The lifetime of access tokens.
    pub(crate) access_lifetime: Option<Span>,
    pub(crate) persistent: Option<LifetimesTable>,
    pub(crate) transient: Option<LifetimesTable>,
    pub(crate) grace_period: Option<Span>,
    pub(crate) recovery_period: Option<Span>,
    pub(crate) per_subject: Option<usize>,
    pub(crate) client_mismatch: Option<MismatchSetting>,
    pub(crate) csrf_tokens: Option<True>,
    pub(crate) cookies: Option<CookiesTable>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LifetimesTable {
    pub(crate) idle: Span,
    pub(crate) absolute: Span,
}

/// What happens to a client that gets the responses of another client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MismatchSetting {
    Report,
    Revoke,
}

/// `[sessions.cookies]`: the settings of [`CookieSettings`](tollgate_sessions::CookieSettings).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CookiesTable {
    /// The kind of pages that the cookies are for.
    #[serde(rename = "for")]
    pub(crate) pages: Option<PagesSetting>,
    pub(crate) access_name: Option<Box<str>>,
    pub(crate) refresh_name: Option<Box<str>>,
    pub(crate) csrf_name: Option<Box<str>>,
    pub(crate) insecure_refresh_path: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PagesSetting {
    Scripts,
    RenderedPages,
    InsecureDevelopment,
}
