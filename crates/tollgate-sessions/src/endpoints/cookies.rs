//! [`CookieSettings`]: the names and attributes of the cookies that contain tokens.

use tollgate::{ConfigError, TokenSource};

use super::problem::Problem;
use super::settings::is_plain_path;
use crate::sessions::Sessions;
use crate::sessions::tokens::SessionCsrfVerifier;

/// The cookies that contain tokens in mode `cookie`.
///
/// | cookie | contains | attributes |
/// |---|---|---|
/// | `__Host-Http-at` | the access token | `Path=/; Secure; HttpOnly; SameSite=Lax` |
/// | `__Host-Http-rt` | the refresh token | `Path=/; Secure; HttpOnly; SameSite=Strict` |
/// | `__Host-csrf` | the anti-CSRF token (optional) | `Path=/; Secure; SameSite=Strict` |
///
/// The endpoints set the third cookie if the gate [requires](tollgate::Gate::with_csrf_verifier) anti-CSRF
/// tokens.
///
/// The cookies have no `Domain`: the prefix makes browsers reject one, so that no sibling domain can plant
/// these cookies (RFC 10017). The cookies of a transient session end with the browser.
///
/// # Examples
/// A gate accepts the access token only if it reads the cookie; see [`token_source`](Self::token_source).
///
/// ```
/// use tollgate::{Gate, TokenSource};
/// use tollgate_sessions::{Accounts, CookieSettings, SessionEndpoints, Sessions, TokenIssuer};
///
/// # fn serve(gate: Gate, sessions: Sessions, issuer: TokenIssuer, accounts: Accounts)
/// # -> Result<SessionEndpoints, tollgate::ConfigError> {
/// let cookies = CookieSettings::for_scripts().with_access_name("__Host-Http-token")?;
/// let gate = gate.with_sources([TokenSource::bearer(), cookies.token_source()?])?;
/// let endpoints = SessionEndpoints::new(sessions, issuer, accounts, gate).with_cookies(cookies);
/// # Ok(endpoints) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings {
    access: Cookie,
    refresh: Cookie,
    csrf: Cookie,
    profile: Profile,
}

/// The name and attributes of a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: Box<str>,
    same_site: SameSite,
    path: Box<str>,
    http_only: bool,
}

/// Where the cookies may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    Secure,
    Development,
}

/// Whether a browser sends a cookie with requests that other sites cause (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// The browser sends the cookie with requests of the same site only.
    Strict,
    /// The browser also sends the cookie when a user follows a link from another site.
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
    /// Returns settings for pages that fetch all data by script. Browsers send neither cookie when a user
    /// follows a link from another site.
    #[must_use]
    pub fn for_scripts() -> Self {
        Self::default().with_same_site(SameSite::Strict)
    }

    /// Returns settings for pages that the server renders for the logged-in user. Browsers send both cookies
    /// when a user follows a link from another site.
    #[must_use]
    pub fn for_rendered_pages() -> Self {
        Self::default().with_same_site(SameSite::Lax)
    }

    /// Returns settings for clients on loopback that do not send `Secure` cookies over plain HTTP. The cookies
    /// are named `at`, `rt` and `csrf`, and have no `Secure`. Chromium and Firefox do not need these settings.
    ///
    /// # Security
    /// Never use these settings in production. An attacker on the network can read these cookies, and any site
    /// on the same host can plant them. The endpoints reject requests unless the host of the request and the
    /// address of the client are loopback.
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

    /// Sets the name of the cookie with the access token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless `name` is a valid cookie name with the prefix `__Host-`, and
    /// [`ConfigError::Conflict`] when another cookie has the name.
    pub fn with_access_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.access.name = host_name(name.into())?;
        self.distinct()
    }

    /// Sets the name of the cookie with the refresh token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless `name` is a valid cookie name with the prefix `__Host-`, and
    /// [`ConfigError::Conflict`] when another cookie has the name.
    pub fn with_refresh_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.refresh.name = host_name(name.into())?;
        self.distinct()
    }

    /// Sets the name of the cookie with the anti-CSRF token.
    ///
    /// # Errors
    /// [`ConfigError::Name`] unless `name` is a valid cookie name with the prefix `__Host-`, and
    /// [`ConfigError::Conflict`] when another cookie has the name.
    pub fn with_csrf_name(mut self, name: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        self.csrf.name = host_name(name.into())?;
        self.distinct()
    }

    /// Restricts the refresh token cookie to `path`, which must be the path of the endpoints. This saves about
    /// 110 bytes per request. The cookie is then named `__Secure-rt`, as the prefix `__Host-` requires
    /// `Path=/`.
    ///
    /// # Security
    /// This is weaker than the default. A sibling domain can plant such a cookie, and thus make a browser
    /// refresh a session of another user.
    ///
    /// # Errors
    /// [`ConfigError::Conflict`] unless `path` is an absolute path of letters, digits, `/`, `-`, `.`, `_` and
    /// `~`.
    pub fn insecure_refresh_path(mut self, path: impl Into<Box<str>>) -> Result<Self, ConfigError> {
        let path = path.into();
        if !is_plain_path(&path) {
            return Err(ConfigError::Conflict("the path of a cookie must be an absolute path"));
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

    /// Returns the cookie with the access token as a token source, for
    /// [`Gate::with_sources`](tollgate::Gate::with_sources).
    ///
    /// # Examples
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
    /// [`ConfigError::Name`] when the name of the cookie is invalid, which the other methods already rule out.
    pub fn token_source(&self) -> Result<TokenSource, ConfigError> {
        TokenSource::cookie(self.access.name.clone())
    }

    /// Returns the verifier of anti-CSRF tokens, for
    /// [`Gate::with_csrf_verifier`](tollgate::Gate::with_csrf_verifier). The gate then requires these tokens.
    ///
    /// # Examples
    /// ```
    /// use tollgate::Gate;
    /// use tollgate_sessions::{CookieSettings, Sessions};
    ///
    /// # fn with_tokens(gate: Gate, sessions: &Sessions) -> Gate {
    /// gate.with_csrf_verifier(CookieSettings::default().csrf_verifier(sessions))
    /// # }
    /// ```
    #[must_use]
    pub fn csrf_verifier(&self, sessions: &Sessions) -> SessionCsrfVerifier {
        sessions.csrf_verifier(self.csrf.name.clone())
    }

    /// Returns the name of the cookie with the access token.
    #[must_use]
    pub fn access_name(&self) -> &str {
        &self.access.name
    }

    /// Returns the name of the cookie with the refresh token.
    #[must_use]
    pub fn refresh_name(&self) -> &str {
        &self.refresh.name
    }

    pub(super) fn is_for_development(&self) -> bool {
        self.profile == Profile::Development
    }

    /// Returns the `Set-Cookie` header of the access token. Without `max_age`, in seconds, the cookie ends with
    /// the browser.
    pub(super) fn set_access(&self, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.access, token, max_age)
    }

    /// Returns the `Set-Cookie` header of the refresh token. Without `max_age`, in seconds, the cookie ends
    /// with the browser.
    pub(super) fn set_refresh(&self, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.refresh, token, max_age)
    }

    /// Returns the `Set-Cookie` header of the anti-CSRF token. `name` is the name that the gate reads. Without
    /// `max_age`, in seconds, the cookie ends with the browser.
    pub(super) fn set_csrf(&self, name: &str, token: &str, max_age: Option<u64>) -> Result<String, Problem> {
        self.set(&self.csrf.clone().named(name), token, max_age)
    }

    /// Returns the `Set-Cookie` header that clears the anti-CSRF token.
    pub(super) fn clear_csrf(&self, name: &str) -> String {
        self.write(&self.csrf.clone().named(name), "", Some(0))
    }

    /// Returns the `Set-Cookie` headers that clear the access token and the refresh token.
    pub(super) fn clear(&self) -> [String; 2] {
        [&self.access, &self.refresh].map(|cookie| self.write(cookie, "", Some(0)))
    }

    /// Writes a cookie, and fails if it is too long: browsers silently drop such a cookie, and the login has no
    /// effect.
    fn set(&self, cookie: &Cookie, value: &str, max_age: Option<u64>) -> Result<String, Problem> {
        let text = self.write(cookie, value, max_age);
        if text.len() > MAX_BYTES {
            let (name, bytes) = (&cookie.name, text.len());
            tracing::error!(%name, bytes, "cookie is too long for browsers; grant fewer scopes and roles");
            return Err(Problem::ServerError);
        }
        Ok(text)
    }

    /// Writes a `Set-Cookie` header. A deletion needs the same attributes, as browsers check the prefix (RFC
    /// 6265bis §5.7).
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
        Err(ConfigError::Name { what: "cookie with the prefix __Host-", name })
    }
}

/// Browsers accept 4,096 bytes for name and value (RFC 6265bis §5.6). Some proxies accept less.
const MAX_BYTES: usize = 3800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_have_the_attributes_of_their_prefix() {
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
    fn presets_set_same_site_and_secure() {
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
        let narrow = CookieSettings::default().insecure_refresh_path("/auth").unwrap();
        assert_eq!(
            narrow.set_refresh("x", Some(1)).unwrap(),
            "__Secure-rt=x; Path=/auth; Max-Age=1; Secure; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn cookie_settings_reject_invalid_names_and_paths() {
        let cookies = CookieSettings::default;
        for name in ["", "at", "__host-at", "__Host-a;b", "__Host-a b", "__Host-a\r\nb", "__Host-\u{e4}"] {
            assert!(cookies().with_access_name(name).is_err(), "{name:?}");
            assert!(cookies().with_refresh_name(name).is_err(), "{name:?}");
        }
        assert!(cookies().with_access_name("__Host-Http-rt").is_err(), "the names must differ");
        assert_eq!(cookies().with_access_name("__Host-a").unwrap().access_name(), "__Host-a");
        for path in ["", "auth", "/a;b", "/a b", "/\r\n"] {
            assert!(cookies().insecure_refresh_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn cookie_is_rejected_when_too_long_for_browsers() {
        let cookies = CookieSettings::default();
        assert!(cookies.set_access(&"a".repeat(3700), Some(1)).is_ok());
        assert_eq!(cookies.set_access(&"a".repeat(3800), Some(1)), Err(Problem::ServerError));
    }
}
