//! [`CookieSettings`]: the cookies that hold tokens, and how they are written.

use tollgate::{ConfigError, TokenSource};

use super::problem::Problem;
use super::settings::is_plain_path;
use crate::refresh::SessionCsrfTokens;
use crate::sessions::Sessions;

/// The cookies that hold tokens in cookie mode.
///
/// | cookie | holds | attributes |
/// |---|---|---|
/// | `__Host-Http-at` | the access token | `Path=/; Secure; HttpOnly; SameSite=Lax` |
/// | `__Host-Http-rt` | the refresh token | `Path=/; Secure; HttpOnly; SameSite=Strict` |
/// | `__Host-csrf` | the anti-CSRF token, where the gate [requires](tollgate::Gate::with_csrf_verifier) one | `Path=/; Secure; SameSite=Strict` |
///
/// They have no `Domain`: the prefix makes browsers refuse one, so that no sibling domain can plant them (RFC 10017). Those of
/// a session that is not to be remembered end with the browser.
///
/// A gate that is to accept the access token has to look for it: see [`token_source`](Self::token_source).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings {
    access: Cookie,
    refresh: Cookie,
    csrf: Cookie,
    profile: Profile,
}

/// One of the cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: Box<str>,
    same_site: SameSite,
    path: Box<str>,
    http_only: bool,
}

/// Where cookies are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Secure,
    Development,
}

/// Whether a browser sends a cookie with requests that other sites cause (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// Never.
    Strict,
    /// When a user follows a link to here.
    Lax,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self {
            access: Cookie::new("__Host-Http-at", SameSite::Lax),
            refresh: Cookie::new("__Host-Http-rt", SameSite::Strict),
            csrf: Cookie::new("__Host-csrf", SameSite::Strict).for_scripts(),
            profile: Profile::Secure,
        }
    }
}

impl CookieSettings {
    /// For pages that fetch everything by script: neither cookie comes with a link from another site.
    #[must_use]
    pub fn for_scripts() -> Self {
        Self::default().with_same_site(SameSite::Strict)
    }

    /// For pages that the server renders for whoever is logged in: both cookies come with a link from another site.
    #[must_use]
    pub fn for_rendered_pages() -> Self {
        Self::default().with_same_site(SameSite::Lax)
    }

    /// For clients that do not send `Secure` cookies over plain http, on loopback: the cookies are named `at`, `rt` and
    /// `csrf` and have no `Secure`. Chromium and Firefox do not need it there.
    ///
    /// # Security
    /// Whoever listens can take these cookies, and any site on the same host can plant them. Where the client's
    /// address or the host of the request is not loopback, calls are refused. Never in production.
    #[must_use]
    pub fn insecure_for_development() -> Self {
        Self {
            access: Cookie::new("at", SameSite::Lax),
            refresh: Cookie::new("rt", SameSite::Strict),
            csrf: Cookie::new("csrf", SameSite::Strict).for_scripts(),
            profile: Profile::Development,
        }
    }

    fn with_same_site(mut self, same_site: SameSite) -> Self {
        self.access.same_site = same_site;
        self.refresh.same_site = same_site;
        self
    }

    /// Names the cookie of the access token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless it is the name of a cookie and starts with `__Host-`.
    pub fn with_access_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.access.name = host_name(name.into())?;
        self.distinct()
    }

    /// Names the cookie of the refresh token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless it is the name of a cookie and starts with `__Host-`.
    pub fn with_refresh_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.refresh.name = host_name(name.into())?;
        self.distinct()
    }

    /// Names the cookie of the anti-CSRF token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless it is the name of a cookie and starts with `__Host-`.
    pub fn with_csrf_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.csrf.name = host_name(name.into())?;
        self.distinct()
    }

    /// Sends the refresh token below `path` only, which saves some 110 bytes a request. The cookie is then named
    /// `__Secure-rt`, as the prefix `__Host-` is for cookies of the whole host.
    ///
    /// # Security
    /// Weaker than the default: a sibling domain can plant such a cookie, and so make a browser renew a session of
    /// somebody else. `path` has to be that of the endpoints.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] unless it is an absolute path of letters, digits, `/`, `-`, `.`, `_` and `~`.
    pub fn with_weaker_refresh_path(mut self, path: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let path = path.into();
        if !is_plain_path(&path) {
            return Err(ConfigError::Conflict("the path of a cookie has to be an absolute path"));
        }
        if self.profile == Profile::Secure {
            self.refresh.name = "__Secure-rt".into();
        }
        self.refresh.path = path;
        Ok(self)
    }

    fn distinct(self) -> Result<Self, ConfigError> {
        let [one, two, three] = [&self.access.name, &self.refresh.name, &self.csrf.name];
        if one == two || two == three || one == three {
            return Err(ConfigError::Conflict("two cookies have the same name"));
        }
        Ok(self)
    }

    /// Where a gate finds the access token.
    ///
    /// ```
    /// use tollgate::{Gate, TokenSource};
    /// use tollgate_sessions::CookieSettings;
    ///
    /// # fn with_cookies(gate: Gate) -> Result<Gate, tollgate::ConfigError> {
    /// let gate = gate.with_sources([TokenSource::bearer(), CookieSettings::default().token_source()?])?;
    /// # Ok(gate) }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Name`]; not to be expected of settings that could be made.
    pub fn token_source(&self) -> Result<TokenSource, ConfigError> {
        TokenSource::cookie(self.access.name.clone())
    }

    /// The anti-CSRF tokens that a gate then requires, in a cookie of the name that is set here.
    ///
    /// ```
    /// use tollgate::Gate;
    /// use tollgate_sessions::{CookieSettings, Sessions};
    ///
    /// # fn with_tokens(gate: Gate, sessions: &Sessions) -> Gate {
    /// gate.with_csrf_verifier(CookieSettings::default().csrf_tokens(sessions))
    /// # }
    /// ```
    #[must_use]
    pub fn csrf_tokens(&self, sessions: &Sessions) -> SessionCsrfTokens {
        sessions.csrf_tokens(self.csrf.name.clone())
    }

    /// The name of the cookie with the access token.
    #[must_use]
    pub fn access_name(&self) -> &str {
        &self.access.name
    }

    /// The name of the cookie with the refresh token.
    #[must_use]
    pub fn refresh_name(&self) -> &str {
        &self.refresh.name
    }

    pub(super) fn is_for_development(&self) -> bool {
        self.profile == Profile::Development
    }

    /// The access token, until the browser is closed or for that long.
    pub(super) fn set_access(&self, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.access, token, max_age)
    }

    /// The refresh token, until the browser is closed or for that long.
    pub(super) fn set_refresh(&self, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.refresh, token, max_age)
    }

    /// The anti-CSRF token, until the browser is closed or for that long. The gate says where it looks for it.
    pub(super) fn set_csrf(&self, name: &str, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.csrf.clone().named(name), token, max_age)
    }

    /// Makes a browser forget the anti-CSRF token.
    pub(super) fn clear_csrf(&self, name: &str) -> String {
        self.write(&self.csrf.clone().named(name), "", Some(0))
    }

    /// Makes a browser forget both tokens.
    pub(super) fn clear(&self) -> [String; 2] {
        [&self.access, &self.refresh].map(|cookie| self.write(cookie, "", Some(0)))
    }

    /// Browsers drop what is too long without a word, and their user is never logged in.
    fn set(&self, cookie: &Cookie, value: &str, max_age: Option<u64>) -> Result<String, Problem> {
        let text = self.write(cookie, value, max_age);
        if text.len() > MAX_BYTES {
            let (name, bytes) = (&cookie.name, text.len());
            tracing::error!(%name, bytes, "cookie is too long for browsers: grant fewer scopes and roles");
            return Err(Problem::Failed);
        }
        Ok(text)
    }

    /// A deletion has the same attributes, or browsers refuse it for its prefix (RFC 6265bis §5.7).
    fn write(&self, cookie: &Cookie, value: &str, max_age: Option<u64>) -> String {
        let mut text = format!("{}={value}; Path={}", cookie.name, cookie.path);
        if let Some(secs) = max_age {
            text.push_str(&format!("; Max-Age={secs}"));
        }
        if self.profile == Profile::Secure {
            text.push_str("; Secure");
        }
        if cookie.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str("; SameSite=");
        text.push_str(match cookie.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
        });
        text
    }
}

impl Cookie {
    fn new(name: &str, same_site: SameSite) -> Self {
        Self { name: name.into(), same_site, path: "/".into(), http_only: true }
    }

    fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    fn for_scripts(self) -> Self {
        Self { http_only: false, ..self }
    }
}

fn host_name(name: Box<str>) -> Result<Box<str>, ConfigError> {
    TokenSource::cookie(name.clone())?;
    if name.starts_with("__Host-") {
        Ok(name)
    } else {
        Err(ConfigError::Name { what: "cookie of a host, which starts with __Host-", name })
    }
}

/// What browsers take is 4,096 bytes for name and value (RFC 6265bis §5.6); proxies take less.
const MAX_BYTES: usize = 3800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_browsers_want_them() {
        let cookies = CookieSettings::default();
        assert_eq!(
            cookies.set_access("a.b.c", Some(600)).unwrap(),
            "__Host-Http-at=a.b.c; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            cookies.set_refresh("rt1_x", None).unwrap(),
            "__Host-Http-rt=rt1_x; Path=/; Secure; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            cookies.clear(),
            [
                "__Host-Http-at=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax",
                "__Host-Http-rt=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict",
            ]
        );
    }

    #[test]
    fn presets() {
        let site = |cookies: CookieSettings| {
            let same_site = |text: &str| text.rsplit('=').next().unwrap().to_owned();
            cookies.clear().map(|text| same_site(&text))
        };
        assert_eq!(site(CookieSettings::default()), ["Lax", "Strict"]);
        assert_eq!(site(CookieSettings::for_scripts()), ["Strict", "Strict"]);
        assert_eq!(site(CookieSettings::for_rendered_pages()), ["Lax", "Lax"]);
        assert_eq!(
            CookieSettings::insecure_for_development().clear(),
            [
                "at=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
                "rt=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
            ]
        );
        let narrow = CookieSettings::default().with_weaker_refresh_path("/auth").unwrap();
        assert_eq!(
            narrow.set_refresh("x", Some(1)).unwrap(),
            "__Secure-rt=x; Path=/auth; Max-Age=1; Secure; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn settings_that_cannot_be_right() {
        let cookies = CookieSettings::default;
        for name in ["", "at", "__host-at", "__Host-a;b", "__Host-a b", "__Host-a\r\nb", "__Host-\u{e4}"] {
            assert!(cookies().with_access_name(name).is_err(), "{name:?}");
            assert!(cookies().with_refresh_name(name).is_err(), "{name:?}");
        }
        assert!(cookies().with_access_name("__Host-Http-rt").is_err(), "both the same");
        assert_eq!(cookies().with_access_name("__Host-a").unwrap().access_name(), "__Host-a");
        for path in ["", "auth", "/a;b", "/a b", "/\r\n"] {
            assert!(cookies().with_weaker_refresh_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn what_browsers_would_drop_is_refused() {
        let cookies = CookieSettings::default();
        assert!(cookies.set_access(&"a".repeat(3700), Some(1)).is_ok());
        assert_eq!(cookies.set_access(&"a".repeat(3800), Some(1)), Err(Problem::Failed));
    }
}
