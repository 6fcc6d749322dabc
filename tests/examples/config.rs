//! The example applications with a configuration document.

use std::path::Path;

use tollgate::Algorithm;
use tollgate_config::Config;
use tollgate_testing::{Forge, keys};
use tollgate_tests::app::{App, PACKAGES, run_to_failure, scratch};
use tollgate_tests::issuer::{Issuer, json};

use crate::{call, get, header};

const FIRST: &str = "https://first.example";
const SECOND: &str = "https://second.example";

/// Returns a document with two issuers: one with keys in a file beside it, and one whose keys are at `url`. Its tokens
/// name the API in `client_id`, and have numeric subjects.
fn document(url: &str, realm: &str) -> String {
    format!(
        r#"
[gate]
realm = "{realm}"
sources = ["bearer", {{ header = "x-token" }}]
policy = "users"

[[issuers]]
issuer = "{FIRST}"
audience = "api://demo"
keys = {{ jwk_set_file = "keys.json" }}

[[issuers]]
issuer = "{SECOND}"
audience = {{ claim = "client_id", values = ["app"] }}
keys = {{ jwk_set_url = "{url}" }}
roles_at = [{{ keys_of = "groups" }}]
tolerate = ["numeric-subject"]
refresh = {{ required_at_start = true }}
network = {{ insecure_loopback = true }}

[policies]
users = {{ any = [{{ scope = "read:items" }}, {{ role = "admin" }}] }}
"#
    )
}

fn first() -> Forge {
    Forge::new(FIRST, "api://demo").with_algorithm(Algorithm::Es256)
}

fn second() -> Forge {
    Forge::new(SECOND, "api://demo").with_algorithm(Algorithm::Rs256)
}

/// Returns a token of the second issuer as it writes them: without `aud`, with the role admin.
fn token_of_second() -> String {
    let token = second().token().without("aud").claim("client_id", "app").claim("sub", 17);
    token.claim("groups", serde_json::json!({"admin": {}})).sign()
}

fn keys_url(issuer: &Issuer) -> String {
    format!("http://{}/jwks", issuer.address())
}

fn write(folder: &Path, document: &str) {
    std::fs::write(folder.join("tollgate.toml"), document).expect("written");
}

/// Tokens of both issuers are admitted by their own rules. After a SIGHUP, the application uses the changed document,
/// and a wrong one changes nothing.
#[test]
fn application_trusts_the_issuers_of_a_document() {
    let folder = scratch("config");
    std::fs::write(folder.join("keys.json"), keys::jwk_set(&[Algorithm::Es256])).expect("written");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let issuer = runtime.block_on(Issuer::start(None));
    issuer.answer(json(&keys::jwk_set(&[Algorithm::Rs256])));
    let url = keys_url(&issuer);
    let path = folder.join("tollgate.toml");
    let config = path.to_str().expect("UTF-8");

    for package in PACKAGES {
        write(&folder, &document(&url, "orders"));
        let environment = [("TOLLGATE_CONFIG", config), ("TOLLGATE_ISSUERS__0__MAX_LIFETIME", "1h")];
        let app = App::start(package, &folder, &environment);
        let good = first().token().scope("read:items");
        for (token, status) in [
            (good.clone().sign(), 200),
            (token_of_second(), 200),
            // What one issuer may omit, the other must have.
            (second().token().without("aud").scope("read:items").sign(), 401),
            (good.clone().without("aud").claim("client_id", "app").sign(), 401),
            (good.clone().claim("sub", 17).sign(), 401),
            (first().token().claim("groups", serde_json::json!({"admin": {}})).sign(), 403),
            // The keys of one issuer do not verify tokens of the other.
            (Forge::new(FIRST, "api://demo").with_algorithm(Algorithm::Rs256).token().sign(), 401),
            (Forge::new("https://third.example", "api://demo").token().sign(), 401),
            // The variable limits the lifetime, which the document does not.
            (good.clone().claim("iat", 1_000_000_000).sign(), 401),
        ] {
            assert_eq!(get(&app, "/me", &token).status, status, "{package}: {token}");
        }
        let good = good.sign();
        assert_eq!(call(&app, "GET", "/me", &[&format!("X-Token: {good}")], "").status, 200);
        assert_eq!(get(&app, "/admin", &token_of_second()).status, 200);
        assert_eq!(get(&app, "/admin", &good).status, 403);
        assert_eq!(call(&app, "GET", "/whoami", &[], "").status, 200);
        assert_eq!(call(&app, "GET", "/readyz", &[], "").status, 200);
        assert!(call(&app, "GET", "/metrics", &[], "").body.contains("tollgate_jwks_health"));
        assert_eq!(call(&app, "POST", "/auth/login", &["Content-Type: application/json"], "{}").status, 404);
        assert!(app.banner.contains("the issuers in the document"), "{}", app.banner);
        let challenge = |app: &App| {
            let response = call(app, "GET", "/me", &[], "");
            header(&response, "www-authenticate").expect("a challenge").to_owned()
        };
        assert!(challenge(&app).starts_with(r#"Bearer realm="orders", resource_metadata="#));
        reloads(&app, &folder, &issuer, &challenge);
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

#[cfg(unix)]
fn reloads(app: &App, folder: &Path, issuer: &Issuer, challenge: &dyn Fn(&App) -> String) {
    let url = &keys_url(issuer);
    let fetched = issuer.requests();
    let is_replaced = |realm: &str| {
        (0..600).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            challenge(app).contains(realm)
        })
    };
    let only_second = document(url, "shop").replace(FIRST, "https://other.example");
    write(folder, &only_second);
    app.signal("HUP");
    assert!(is_replaced(r#"realm="shop""#), "the document is read again");
    assert_eq!(get(app, "/me", &first().token().scope("read:items").sign()).status, 401);
    assert_eq!(get(app, "/me", &token_of_second()).status, 200, "keys are taken over");
    assert_eq!(issuer.requests(), fetched, "and not fetched again");

    write(folder, "[gate]\nrelm = 1\n");
    app.signal("HUP");
    // The signal before has been handled when the next one takes effect.
    write(folder, &document(url, "again"));
    app.signal("HUP");
    assert!(is_replaced(r#"realm="again""#), "a wrong document does not end reloading");
    assert_eq!(get(app, "/me", &first().token().scope("read:items").sign()).status, 200);
}

#[cfg(not(unix))]
fn reloads(_app: &App, _folder: &Path, _issuer: &Issuer, _challenge: &dyn Fn(&App) -> String) {}

/// The application's own variables set members of the document, and wrong ones are named.
#[test]
fn variables_override_the_document() {
    let folder = scratch("config-variables");
    let file = folder.join("keys.json");
    std::fs::write(&file, keys::jwk_set(&[Algorithm::Es256])).expect("written");
    write(
        &folder,
        "[[issuers]]\nissuer = \"https://a.example\"\naudience = \"a\"\nkeys = { jwk_set_file = \"none.json\" }\n",
    );
    let path = folder.join("tollgate.toml");
    let config = ("TOLLGATE_CONFIG", path.to_str().expect("UTF-8"));
    let package = PACKAGES[0];
    let environment = [
        config,
        ("TOLLGATE_ISSUER", FIRST),
        ("TOLLGATE_AUDIENCE", "api://demo"),
        ("TOLLGATE_JWKS_FILE", file.to_str().expect("UTF-8")),
        ("TOLLGATE_TOKEN_SOURCES", "header:x-token,query:access_token"),
        ("TOLLGATE_CACHE", "100"),
        ("TOLLGATE_PUBLIC_ORIGIN", "https://api.example"),
    ];
    let app = App::start(package, &folder, &environment);
    let token = first().token().sign();
    assert_eq!(call(&app, "GET", "/me", &[&format!("X-Token: {token}")], "").status, 200);
    assert_eq!(call(&app, "GET", &format!("/me?access_token={token}"), &[], "").status, 200);
    assert_eq!(get(&app, "/me", &token).status, 401, "no longer a source");
    let metadata = call(&app, "GET", "/.well-known/oauth-protected-resource", &[], "").body;
    assert!(metadata.contains(r#""resource":"https://api.example""#), "{metadata}");
    drop(app);

    let shown = path.display().to_string();
    for (variables, message) in [
        (
            vec![config],
            format!("TOLLGATE_CONFIG cannot be used: {shown}:4:25: `issuers.0.keys.jwk_set_file` names"),
        ),
        (
            vec![config, ("TOLLGATE_GATE__RELM", "x")],
            "TOLLGATE_GATE__RELM: `gate.relm` is not a member".to_owned(),
        ),
        (vec![config, ("TOLLGATE_ISSUER", " ")], "TOLLGATE_ISSUER: the variable is empty".to_owned()),
        (
            vec![config, ("TOLLGATE_TOKEN_SOURCES", "nose")],
            "TOLLGATE_TOKEN_SOURCES: `gate.sources.0` is not".to_owned(),
        ),
        (
            vec![config, environment[3], ("TOLLGATE_STORE", "memory:")],
            "TOLLGATE_STORE: only applies if".to_owned(),
        ),
        (
            vec![config, ("TOLLGATE_SESSIONS__STORE", "memory:"), environment[3]],
            "remove the table".to_owned(),
        ),
        (vec![("TOLLGATE_GATE__REALM", "x")], "TOLLGATE_GATE__REALM is a member of the document".to_owned()),
        (vec![("TOLLGATE_CONFIG", "/nowhere")], "/nowhere cannot be read".to_owned()),
    ] {
        let error = run_to_failure(package, &folder, &variables);
        assert!(error.contains(&message), "{variables:?}: {error}");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}

/// The document of the README, with the entries that are comments in it.
#[test]
fn document_of_the_examples_is_good() {
    let text = include_str!("../../examples/tollgate.toml");
    Config::from_toml(text).unwrap_or_else(|error| panic!("{error}"));
    let (before, commented) = text.split_once("# [[issuers]]").expect("entries in comments");
    let lines = commented.lines().map(|line| match line.strip_prefix("# ") {
        Some(entry) if entry.starts_with("[[") || entry.contains(" = ") => entry,
        _ => line,
    });
    let all = format!("{before}[[issuers]]{}", lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(all.matches("\n[[issuers]]").count(), 6);
    Config::from_toml(&all).unwrap_or_else(|error| panic!("{error}"));
}
