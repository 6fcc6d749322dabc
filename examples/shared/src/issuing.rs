//! [`Issuing`]: what an application that issues its own tokens has beyond its gate.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{Audience, Clock as _, Gate, Issuer, SystemClock};
use tollgate_sessions::{
    AccountSettings, Accounts, CookieSettings, KeyRing, LoginThrottle, MemoryUsers, PasswordSettings,
    Passwords, RefreshKeys, Registration, RevokedSessions, RotationPolicy, SessionEndpoints, SessionSettings,
    Sessions, SqliteUsers, TokenIssuer, UserStore, open_store,
};

use crate::demo_account::DemoAccount;
use crate::environment::{self as env, SettingsError, invalid};
use crate::keys::Signer;
use crate::upkeep;

/// Accounts, their sessions, and the endpoints of both.
#[derive(Debug)]
pub(crate) struct Issuing {
    pub(crate) endpoints: SessionEndpoints,
    pub(crate) sessions: Sessions,
    pub(crate) accounts: Accounts,
    pub(crate) revoked: RevokedSessions,
    pub(crate) demo: DemoAccount,
}

/// Settings that mean nothing where tokens come from elsewhere.
const NAMES: [&str; 5] = [STORE, WINDOW, CSRF_TOKENS, "TOLLGATE_DEMO_EMAIL", "TOLLGATE_DEMO_PASSWORD"];
const STORE: &str = "TOLLGATE_STORE";
const WINDOW: &str = "TOLLGATE_REFRESH_WINDOW";
const CSRF_TOKENS: &str = "TOLLGATE_CSRF_TOKENS";

impl Issuing {
    /// Opens the stores, has the demo account made, and follows the ends of sessions. Answers `gate` as well, which from
    /// then on refuses tokens of ended sessions.
    pub(crate) async fn start(
        tokens: TokenIssuer,
        ring: Option<Arc<KeyRing>>,
        gate: Gate,
        issuer: Issuer,
        data: &Path,
    ) -> Result<(Self, Gate), SettingsError> {
        let keys = refresh_keys(&data.join("refresh-keys"))?;
        let url = env::text(STORE, &format!("sqlite:{}", data.join("sessions.db").display()))?;
        let store = open_store(&url).map_err(SettingsError::Store)?;
        let sessions = Sessions::new(store, keys.clone(), tokens.lifetime())
            .with_settings(SessionSettings::default().with_rotation(rotation()?));
        let passwords = Passwords::new(PasswordSettings::default())?;
        let users = users(&url, &data.join("users.db"))?;
        let accounts = Accounts::new(users, passwords, LoginThrottle::new(&keys))
            .with_settings(AccountSettings::default().with_scopes(["read:items"]).with_roles(["user"]));
        let demo = DemoAccount::ensure(&accounts).await?;
        let revoked = RevokedSessions::new(issuer);
        upkeep::start(&sessions, &revoked, ring).await;
        let gate = with_csrf_tokens(gate.with_revocations(revoked.clone()), &sessions)?;
        let endpoints = SessionEndpoints::new(sessions.clone(), tokens, accounts.clone(), gate.clone())
            .with_registration(Registration::Discreet)
            .with_client_id("tollgate-demo");
        Ok((Self { endpoints, sessions, accounts, revoked, demo }, gate))
    }
}

/// What signs, as whom, for whom.
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

/// Where tokens come from elsewhere, there is nothing to log in to.
pub(crate) fn refuse_settings() -> Result<(), SettingsError> {
    let set = NAMES.into_iter().find(|name| env::is_set(name));
    set.map_or(Ok(()), |name| {
        Err(invalid(name, "is for an application that issues its own tokens; name no keys, or a secret"))
    })
}

/// Made at the first start, and kept for the next: without them every session would end with the process.
fn refresh_keys(path: &Path) -> Result<RefreshKeys, SettingsError> {
    RefreshKeys::open(path, SystemClock::new().now())
        .map_err(|source| SettingsError::RefreshKeys { path: path.display().to_string(), source })
}

fn rotation() -> Result<RotationPolicy, SettingsError> {
    let policy = RotationPolicy::default();
    let window = env::seconds(WINDOW, policy.window.as_secs())?;
    if window > RotationPolicy::MAX_WINDOW {
        return Err(invalid(WINDOW, "is more than a minute"));
    }
    Ok(policy.with_window(window))
}

/// Beside what browsers say of a request, which is enough for those of today.
fn with_csrf_tokens(gate: Gate, sessions: &Sessions) -> Result<Gate, SettingsError> {
    match env::text(CSRF_TOKENS, "off")?.as_str() {
        "off" => Ok(gate),
        "required" => Ok(gate.with_csrf_verifier(CookieSettings::default().csrf_tokens(sessions))),
        _ => Err(invalid(CSRF_TOKENS, "is neither `required` nor `off`")),
    }
}

/// Accounts of sessions that end with the process do so too; all others are in a file, wherever their sessions are.
fn users(store: &str, path: &Path) -> Result<Arc<dyn UserStore>, SettingsError> {
    if store == "memory:" {
        return Ok(Arc::new(MemoryUsers::new()));
    }
    let users = SqliteUsers::open(path);
    Ok(Arc::new(users.map_err(|source| SettingsError::Users { path: path.display().to_string(), source })?))
}

/// How old the last news of ended sessions may be. The gate refuses to judge by older ones.
pub(crate) const NEWS_WITHIN: Duration = Duration::from_secs(30);
