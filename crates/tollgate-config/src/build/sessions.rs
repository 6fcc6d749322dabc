//! The settings of `tollgate-sessions`.

use std::fmt;
use std::time::Duration;

use tollgate_sessions::CookieSettings;
use tollgate_sessions::session::Lifetimes;
use tollgate_sessions::sessions::{ClientMismatch, SessionSettings};
use tollgate_sessions::store::RefreshPolicy;
use zeroize::Zeroizing;

use super::at::At;
use super::files::Files;
use super::keys;
use super::network::has_password;
use crate::error::DocumentError;
use crate::settings::sessions::{CookiesTable, LifetimesTable, MismatchSetting, PagesSetting, SessionsTable};

/// The settings of sessions, from the table `[sessions]`. The application opens the stores and has the accounts.
#[derive(Clone)]
pub struct SessionsConfig {
    store: Option<Zeroizing<String>>,
    access_lifetime: Option<Duration>,
    settings: SessionSettings,
    cookies: CookieSettings,
    csrf_tokens: bool,
}

impl SessionsConfig {
    /// Returns the URL for [`open_store`](tollgate_sessions::open_store), which can contain a password.
    #[must_use]
    pub fn store_url(&self) -> Option<&str> {
        self.store.as_ref().map(|url| url.as_str())
    }

    /// Returns the lifetime of access tokens, for [`TokenIssuer::with_lifetime`](tollgate_sessions::TokenIssuer).
    #[must_use]
    pub fn access_lifetime(&self) -> Option<Duration> {
        self.access_lifetime
    }

    /// Returns the settings of sessions.
    #[must_use]
    pub fn settings(&self) -> SessionSettings {
        self.settings
    }

    /// Returns the names and attributes of the cookies.
    #[must_use]
    pub fn cookies(&self) -> &CookieSettings {
        &self.cookies
    }

    /// Returns whether requests with cookies need an anti-CSRF token:
    /// [`Gate::with_csrf_verifier`](tollgate::Gate::with_csrf_verifier).
    #[must_use]
    pub fn requires_csrf_tokens(&self) -> bool {
        self.csrf_tokens
    }
}

/// Hides the URL of the store.
impl fmt::Debug for SessionsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsConfig")
            .field("access_lifetime", &self.access_lifetime)
            .field("settings", &self.settings)
            .field("cookies", &self.cookies)
            .field("csrf_tokens", &self.csrf_tokens)
            .finish_non_exhaustive()
    }
}

pub(crate) fn build(
    at: &At<'_>,
    table: &SessionsTable,
    files: &Files,
) -> Result<SessionsConfig, DocumentError> {
    Ok(SessionsConfig {
        store: store_url(at, table, files)?,
        access_lifetime: table.access_lifetime.map(|lifetime| lifetime.0),
        settings: settings(at, table)?,
        cookies: match &table.cookies {
            Some(cookies) => cookie_settings(&at.member("cookies"), cookies)?,
            None => CookieSettings::default(),
        },
        csrf_tokens: table.csrf_tokens.is_some(),
    })
}

fn store_url(
    at: &At<'_>,
    table: &SessionsTable,
    files: &Files,
) -> Result<Option<Zeroizing<String>>, DocumentError> {
    let given = [
        ("store", table.store.is_some()),
        ("store_file", table.store_file.is_some()),
        ("store_env", table.store_env.is_some()),
    ];
    let mut given = given.into_iter().filter(|(_, is_given)| *is_given);
    if let (Some((first, _)), Some((second, _))) = (given.next(), given.next()) {
        return Err(at.both(first, second));
    }
    if let Some(url) = &table.store {
        if has_password(url) || url.contains("password=") {
            return Err(at.member("store").wrong(
                "contains a password, which must not be in the document",
                "write the URL into a file for `store_file`, or a variable for `store_env`",
            ));
        }
        return Ok(Some(Zeroizing::new(String::from(&**url))));
    }
    let (at, bytes) = match (&table.store_file, &table.store_env) {
        (Some(path), _) => {
            let at = at.member("store_file");
            let bytes = files.secret(&at, path)?;
            (at, bytes)
        }
        (None, Some(name)) => {
            let at = at.member("store_env");
            let bytes = keys::variable(&at, name)?;
            (at, bytes)
        }
        (None, None) => return Ok(None),
    };
    match std::str::from_utf8(&bytes) {
        Ok(url) => Ok(Some(Zeroizing::new(url.trim().to_owned()))),
        Err(error) => Err(at.failed(error, "write a URL")),
    }
}

fn settings(at: &At<'_>, table: &SessionsTable) -> Result<SessionSettings, DocumentError> {
    let mut policy = RefreshPolicy::default();
    if let Some(period) = table.grace_period {
        policy = policy
            .with_grace_period(period.0)
            .map_err(|error| at.member("grace_period").failed(error, ""))?;
    }
    if let Some(period) = table.recovery_period {
        let changed = policy.with_recovery_period(period.0);
        policy = changed.map_err(|error| at.member("recovery_period").failed(error, ""))?;
    }
    let mut settings = SessionSettings::default().with_refresh_policy(policy);
    if let Some(table) = table.persistent {
        settings = settings.with_lifetimes(lifetimes(&at.member("persistent"), table)?);
    }
    if let Some(table) = table.transient {
        settings = settings.with_transient_lifetimes(lifetimes(&at.member("transient"), table)?);
    }
    if let Some(number) = table.per_subject {
        let changed = settings.with_sessions_per_subject(number);
        settings = changed.map_err(|error| at.member("per_subject").failed(error, ""))?;
    }
    if let Some(timeout) = table.store_timeout {
        let changed = settings.with_store_timeout(timeout.0);
        settings = changed.map_err(|error| at.member("store_timeout").failed(error, ""))?;
    }
    Ok(match table.client_mismatch {
        Some(MismatchSetting::Report) => settings.with_client_mismatch(ClientMismatch::Report),
        Some(MismatchSetting::Revoke) => settings.with_client_mismatch(ClientMismatch::Revoke),
        None => settings,
    })
}

fn lifetimes(at: &At<'_>, table: LifetimesTable) -> Result<Lifetimes, DocumentError> {
    Lifetimes::new(table.idle.0, table.absolute.0).map_err(|error| at.failed(error, ""))
}

fn cookie_settings(at: &At<'_>, table: &CookiesTable) -> Result<CookieSettings, DocumentError> {
    let mut cookies = match table.pages {
        Some(PagesSetting::Scripts) => CookieSettings::for_scripts(),
        Some(PagesSetting::RenderedPages) => CookieSettings::for_rendered_pages(),
        Some(PagesSetting::InsecureDevelopment) => CookieSettings::insecure_for_development(),
        None => CookieSettings::default(),
    };
    if let Some(name) = &table.access_name {
        let changed = cookies.with_access_name(name.clone());
        cookies = changed.map_err(|error| at.member("access_name").refused(error))?;
    }
    if let Some(name) = &table.refresh_name {
        let changed = cookies.with_refresh_name(name.clone());
        cookies = changed.map_err(|error| at.member("refresh_name").refused(error))?;
    }
    if let Some(name) = &table.csrf_name {
        let changed = cookies.with_csrf_name(name.clone());
        cookies = changed.map_err(|error| at.member("csrf_name").refused(error))?;
    }
    match &table.insecure_refresh_path {
        Some(path) => {
            let changed = cookies.insecure_refresh_path(path.clone());
            changed.map_err(|error| at.member("insecure_refresh_path").refused(error))
        }
        None => Ok(cookies),
    }
}
