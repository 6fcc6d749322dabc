//! [`Issuing`]: the accounts, sessions and endpoints of an application that issues its own tokens.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{Audience, Clock as _, Gate, Issuer, SystemClock};
use tollgate_sessions::accounts::AccountSettings;
use tollgate_sessions::accounts::users::{MemoryUsers, UserStore};
use tollgate_sessions::sessions::SessionSettings;
use tollgate_sessions::store::RefreshPolicy;
use tollgate_sessions::{
    Accounts, CookieSettings, KeyRing, LoginThrottle, PasswordSettings, Passwords, RefreshKeys,
    RegistrationMode, RevokedSessions, SessionEndpoints, Sessions, SqliteUsers, TokenIssuer, open_store,
};

use crate::demo_account::DemoAccount;
use crate::environment::{self as env, SettingsError, invalid};
use crate::keys::Signer;
use crate::{proxies, upkeep};

/// Accounts, their sessions, and the endpoints of both.
#[derive(Debug)]
pub(crate) struct Issuing {
    pub(crate) endpoints: SessionEndpoints,
    pub(crate) sessions: Sessions,
    pub(crate) accounts: Accounts,
    pub(crate) revoked: RevokedSessions,
    pub(crate) demo: DemoAccount,
}

/// Settings that only apply if the application issues its own tokens.
const NAMES: [&str; 7] = [
    STORE,
    WINDOW,
    CSRF_TOKENS,
    "TOLLGATE_DEMO_EMAIL",
    "TOLLGATE_DEMO_PASSWORD",
    proxies::TRUSTED,
    proxies::HEADER,
];
const STORE: &str = "TOLLGATE_STORE";
const WINDOW: &str = "TOLLGATE_REFRESH_WINDOW";
const CSRF_TOKENS: &str = "TOLLGATE_CSRF_TOKENS";

impl Issuing {
    /// Opens the stores, creates the demo account, and starts to follow revocations. Also returns `gate`, which
    /// from then on rejects tokens of revoked sessions.
    pub(crate) async fn start(
        tokens: TokenIssuer,
        ring: Option<Arc<KeyRing>>,
        gate: Gate,
        issuer: Issuer,
        data: &Path,
    ) -> Result<(Self, Gate), SettingsError> {
        let proxies = proxies::from_env()?;
        let keys = refresh_keys(&data.join("refresh-keys"))?;
        let url = env::text(STORE, &format!("sqlite:{}", data.join("sessions.db").display()))?;
        let store = open_store(&url).map_err(SettingsError::Store)?;
        let sessions = Sessions::new(store, keys.clone(), tokens.lifetime())
            .with_settings(SessionSettings::default().with_refresh_policy(refresh_policy()?));
        let passwords = Passwords::new(PasswordSettings::default())?;
        let users = users(&url, &data.join("users.db"))?;
        let accounts = Accounts::new(users, passwords, LoginThrottle::new(&keys))
            .with_settings(AccountSettings::default().with_scopes(["read:items"]).with_roles(["user"]));
        let demo = DemoAccount::ensure(&accounts).await?;
        let revoked = RevokedSessions::new(issuer);
        upkeep::start(&sessions, &revoked, ring).await;
        let gate = with_csrf_tokens(gate.with_revocations(revoked.clone()), &sessions)?;
        let endpoints = SessionEndpoints::new(sessions.clone(), tokens, accounts.clone(), gate.clone())
            .with_registration(RegistrationMode::HideExisting)
            .with_client_id("tollgate-demo");
        let endpoints = match proxies {
            Some(proxies) => endpoints.with_trusted_proxies(proxies),
            None => endpoints,
        };
        Ok((Self { endpoints, sessions, accounts, revoked, demo }, gate))
    }
}

/// Returns the token issuer, and the key ring if the application generates its own keys.
pub(crate) fn token_issuer(
    signer: Signer,
    issuer: Issuer,
    audience: Audience,
) -> Result<(TokenIssuer, Option<Arc<KeyRing>>), SettingsError> {
    const NAME: &str = "TOLLGATE_ACCESS_TTL";
    let (tokens, ring) = match signer {
        Signer::Secret(key) => (TokenIssuer::new(key, issuer, audience), None),
        Signer::Ring(ring) => (TokenIssuer::with_key_ring(Arc::clone(&ring), issuer, audience), Some(ring)),
    };
    let tokens = tokens.with_lifetime(env::seconds(NAME, 600)?);
    Ok((tokens.map_err(|error| invalid(NAME, error.to_string()))?, ring))
}

/// Rejects settings of sessions and accounts in an application that issues no tokens.
pub(crate) fn refuse_settings() -> Result<(), SettingsError> {
    let set = NAMES.into_iter().find(|name| env::is_set(name));
    set.map_or(Ok(()), |name| {
        Err(invalid(
            name,
            "only applies if the application issues its own tokens; unset it, or unset the other issuer's keys",
        ))
    })
}

/// Opens the keys of refresh tokens, which the first start creates. They are stored because without them no
/// session would survive a restart.
fn refresh_keys(path: &Path) -> Result<RefreshKeys, SettingsError> {
    RefreshKeys::open(path, SystemClock::new().now())
        .map_err(|source| SettingsError::RefreshKeys { path: path.display().to_string(), source })
}

fn refresh_policy() -> Result<RefreshPolicy, SettingsError> {
    let policy = RefreshPolicy::default();
    let grace_period = env::seconds(WINDOW, policy.grace_period().as_secs())?;
    policy.with_grace_period(grace_period).map_err(|_cause| invalid(WINDOW, "is more than a minute"))
}

/// Requires anti-CSRF tokens if set. By default the cross-site check alone is enough for current browsers.
fn with_csrf_tokens(gate: Gate, sessions: &Sessions) -> Result<Gate, SettingsError> {
    match env::text(CSRF_TOKENS, "off")?.as_str() {
        "off" => Ok(gate),
        "required" => Ok(gate.with_csrf_verifier(CookieSettings::default().csrf_verifier(sessions))),
        _ => Err(invalid(CSRF_TOKENS, "is neither `required` nor `off`")),
    }
}

/// Opens the user store: in memory if the sessions are, otherwise in a file, whichever store has the sessions.
fn users(store: &str, path: &Path) -> Result<Arc<dyn UserStore>, SettingsError> {
    if store == "memory:" {
        return Ok(Arc::new(MemoryUsers::new()));
    }
    let users = SqliteUsers::open(path);
    Ok(Arc::new(users.map_err(|source| SettingsError::Users { path: path.display().to_string(), source })?))
}

/// The highest age of the latest update of revoked sessions. With an older one the gate responds with 503.
pub(crate) const NEWS_WITHIN: Duration = Duration::from_secs(30);
