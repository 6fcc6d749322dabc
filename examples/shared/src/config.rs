//! The configuration document that `TOLLGATE_CONFIG` names, and the variables that override it.

use std::fs;
use std::path::Path;

use tollgate_config::{Config, ConfigWatcher, Document, DocumentError, Override};
use tollgate_sessions::CookieSettings;

use crate::environment::{self as env, SettingsError, invalid};

pub(crate) const CONFIG: &str = "TOLLGATE_CONFIG";

/// Reads the document and builds its gate, or returns `None` if `TOLLGATE_CONFIG` is not set. `origin` is the origin
/// under which clients reach the application.
pub(crate) async fn from_env(origin: &str) -> Result<Option<ConfigWatcher>, SettingsError> {
    if !env::is_set(CONFIG) {
        let variable =
            std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).find(|name| is_member(name));
        return match variable {
            Some(name) => Err(SettingsError::NeedsConfig { name }),
            None => Ok(None),
        };
    }
    let file = env::text(CONFIG, "")?;
    let (overrides, origin) = (overrides()?, origin.to_owned());
    let read = move || read(file.as_ref(), &overrides, &origin);
    let watcher = ConfigWatcher::start(read).await.map_err(SettingsError::Config)?;
    if watcher.current().sessions().is_some() {
        return Err(invalid(
            CONFIG,
            "has the table `[sessions]`, but with a document this application issues no tokens; remove the table",
        ));
    }
    reload_on_hangup(watcher.clone());
    Ok(Some(watcher))
}

/// Returns whether the variable names a member of the document.
fn is_member(name: &str) -> bool {
    name.strip_prefix("TOLLGATE_").is_some_and(|path| path.contains("__"))
}

fn read(file: &Path, overrides: &[Setting], origin: &str) -> Result<Config, DocumentError> {
    let variable = "TOLLGATE_PUBLIC_ORIGIN";
    let mut document = Document::from_file(file)?.with_environment("TOLLGATE")?;
    for Setting { member, variable, value } in overrides {
        document = document.with_override(Override { member, variable, value })?;
    }
    for (member, value) in [
        ("gate.public_origins", format!("[{}]", quoted(origin))),
        ("gate.resource.identifier", origin.to_owned()),
    ] {
        document = document.with_default(Override { member, variable, value: &value })?;
    }
    document.config()
}

/// A member of the document that one of the application's own variables sets.
struct Setting {
    member: &'static str,
    variable: &'static str,
    value: String,
}

/// Returns what the application's own variables set. Those of the issuer and its keys set the first entry of `issuers`.
fn overrides() -> Result<Vec<Setting>, SettingsError> {
    let mut settings = Vec::new();
    let mut set = |member, variable, value: String| settings.push(Setting { member, variable, value });
    for (member, variable) in [
        ("issuers.0.issuer", "TOLLGATE_ISSUER"),
        ("issuers.0.audience", "TOLLGATE_AUDIENCE"),
        ("gate.resource.identifier", "TOLLGATE_PUBLIC_ORIGIN"),
    ] {
        if env::is_set(variable) {
            set(member, variable, env::text(variable, "")?);
        }
    }
    if let Some((variable, keys)) = keys()? {
        let is_remote = matches!(variable, "TOLLGATE_JWKS_URL" | "TOLLGATE_DISCOVER");
        set("issuers.0.keys", variable, keys);
        if is_remote {
            set("issuers.0.network.insecure_loopback", variable, "true".to_owned());
        }
    }
    const LIFETIME: &str = "TOLLGATE_JWKS_LIFETIME";
    if env::is_set(LIFETIME) {
        let lifetime = format!("{}s", env::seconds(LIFETIME, 0)?.as_secs());
        set("issuers.0.refresh.lifetime", LIFETIME, lifetime.clone());
        set("issuers.0.refresh.shortest_lifetime", LIFETIME, lifetime.clone());
        set("issuers.0.refresh.longest_lifetime", LIFETIME, lifetime);
    }
    const ORIGIN: &str = "TOLLGATE_PUBLIC_ORIGIN";
    if env::is_set(ORIGIN) {
        set("gate.public_origins", ORIGIN, format!("[{}]", quoted(&env::text(ORIGIN, "")?)));
    }
    const SOURCES: &str = "TOLLGATE_TOKEN_SOURCES";
    if env::is_set(SOURCES) {
        set("gate.sources", SOURCES, sources(&env::text(SOURCES, "")?));
    }
    if let Some(cache) = cache()? {
        set("gate.cache", CACHE, cache);
    }
    Ok(settings)
}

/// Returns the variable that names keys, and the table `keys` that does the same.
fn keys() -> Result<Option<(&'static str, String)>, SettingsError> {
    let mut given = crate::keys::PLACES.into_iter().filter(|name| env::is_set(name));
    let Some(variable) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        let names = crate::keys::PLACES.join(", ");
        return Err(invalid(variable, format!("only one of {names} may be set")));
    }
    let value = env::text(variable, "")?;
    // The path of a variable starts in the working directory, that of a document in its folder.
    let path =
        || std::path::absolute(&value).map_or_else(|_error| value.clone(), |path| path.display().to_string());
    let secret = |member: &str, value: &str, text: &str| {
        let encoding = if text.contains(['-', '_']) { "base64url" } else { "base64" };
        format!("{{ {member} = {}, encoding = \"{encoding}\", algorithm = \"HS256\" }}", quoted(value))
    };
    let table = match variable {
        "TOLLGATE_JWKS_FILE" => format!("{{ jwk_set_file = {} }}", quoted(&path())),
        "TOLLGATE_JWKS_URL" => format!("{{ jwk_set_url = {} }}", quoted(&value)),
        "TOLLGATE_SECRET" => secret("secret_env", variable, &value),
        "TOLLGATE_SECRET_FILE" => {
            secret("secret_file", &path(), &fs::read_to_string(&value).unwrap_or_default())
        }
        _ if value == "1" => "{ discover = true }".to_owned(),
        _ => return Err(invalid(variable, "must be 1 or unset")),
    };
    Ok(Some((variable, table)))
}

/// Returns the list `sources` that does the same as `TOLLGATE_TOKEN_SOURCES`.
fn sources(text: &str) -> String {
    let cookie = CookieSettings::default();
    let sources = text.split(',').map(|source| match source.trim().split_once(':') {
        None if source.trim() == "cookie" => format!("{{ cookie = {} }}", quoted(cookie.access_name())),
        Some(("header", name)) => format!("{{ header = {} }}", quoted(name)),
        Some(("query", name)) => format!("{{ insecure_query = {} }}", quoted(name)),
        _ => quoted(source.trim()),
    });
    format!("[{}]", sources.collect::<Vec<_>>().join(", "))
}

const CACHE: &str = "TOLLGATE_CACHE";

/// Returns the member `cache` that does the same as `TOLLGATE_CACHE`.
fn cache() -> Result<Option<String>, SettingsError> {
    Ok(match env::text(CACHE, "default")?.as_str() {
        "default" => None,
        "off" => Some("false".to_owned()),
        tokens => {
            let tokens: u32 =
                tokens.parse().map_err(|_cause| invalid(CACHE, "is neither `off` nor a number of tokens"))?;
            Some(format!("{{ tokens = {tokens}, bytes = \"{}KiB\" }}", u64::from(tokens).saturating_mul(8)))
        }
    })
}

/// Returns the text as a string of TOML, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Reads the document again for each SIGHUP. The log has the outcome.
#[cfg(unix)]
fn reload_on_hangup(watcher: ConfigWatcher) {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::hangup()) {
        Ok(mut hangups) => drop(tokio::spawn(async move {
            while hangups.recv().await.is_some() {
                // A wrong document leaves the gate as it is.
                let _logged = watcher.reload().await;
            }
        })),
        Err(error) => tracing::error!(%error, "cannot receive SIGHUP; the document is not reloaded"),
    }
}

#[cfg(not(unix))]
fn reload_on_hangup(_watcher: ConfigWatcher) {}
