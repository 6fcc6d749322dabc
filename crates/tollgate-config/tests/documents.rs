//! Good documents, and what they do.
#![expect(clippy::expect_used, clippy::panic, reason = "in helpers of tests")]

mod support;

use std::collections::BTreeSet;

use http::Request;
use support::{build, error_of, sentence};
use tollgate::adapter::Decision;
use tollgate::{Algorithm, Gate};
use tollgate_config::{Config, Document, Override, Place};
use tollgate_sessions::SigningKey;
use tollgate_testing::{Forge, keys};
use tollgate_tower::HttpRequest;

const ANNOTATED: &str = include_str!("../docs/tollgate.toml");

/// Returns an entry for an issuer whose secret nothing else has.
fn entry(name: &str, options: &str) -> String {
    format!(
        "[[issuers]]\nissuer = \"https://{name}.example\"\naudience = \"api://demo\"\n\
         keys = {{ insecure_secret = \"{}\", encoding = \"utf8\", algorithm = \"HS256\" }}\n{options}\n",
        secret(name)
    )
}

fn secret(name: &str) -> String {
    let bytes: Vec<String> = keys::SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}{}", bytes.concat())
}

fn forge(name: &str) -> Forge {
    let key = SigningKey::hmac(Algorithm::Hs256, secret(name)).expect("a strong secret");
    Forge::new(format!("https://{name}.example"), "api://demo").with_key(key)
}

fn gate(document: &str) -> Gate {
    build(document, &[]).unwrap_or_else(|error| panic!("{}", sentence(&error))).gate().clone()
}

/// Returns the status of a request, 200 if it is admitted.
fn status_of(gate: &Gate, name: &str, value: &str) -> u16 {
    let request = Request::builder().header(name, value).body(()).expect("a request");
    match gate.admit(&HttpRequest::from(&request), gate.now()) {
        Decision::Admitted(_) => 200,
        Decision::Rejected(rejection) => rejection.status(),
        _ => 0,
    }
}

fn status(gate: &Gate, token: &str) -> u16 {
    status_of(gate, "authorization", &format!("Bearer {token}"))
}

#[test]
fn annotated_document_is_good_and_complete() {
    let built = build(ANNOTATED, &[]).unwrap_or_else(|error| panic!("{}", sentence(&error)));
    assert_eq!(built.remote_key_sets().count(), 2);
    let policies: Vec<&str> = built.policies().map(|(name, _)| name).collect();
    assert_eq!(policies, ["active_staff", "batch", "operators", "orders", "payments", "staff"]);

    // Every member that exists is in the document. The error of an unknown member lists them.
    let document_of = |table: &str| format!("{table}xxxxxxxxxxxxxxxx = 1\n");
    for table in [
        "[gate]\n",
        "[gate.resource]\n",
        "[[issuers]]\n",
        "[[issuers]]\n[issuers.refresh]\n",
        "[[issuers]]\n[issuers.network]\n",
    ] {
        let error = error_of(&document_of(table));
        let names = error.split("the members here are ").nth(1);
        let names = names.or_else(|| error.split("the general members ").nth(1)).expect("a list of members");
        let names: BTreeSet<&str> = names.split(", ").map(|name| name.trim_matches('`')).collect();
        assert!(names.len() > 3, "{error}");
        for name in names {
            assert!(ANNOTATED.contains(name), "{name} is missing");
        }
    }
}

#[test]
fn issuers_have_their_own_keys_and_settings() {
    let strict = entry("strict", "");
    let loose = entry("loose", "tolerate = [\"numeric-subject\", \"id-tokens\"]\nmax_token = \"16KiB\"");
    for document in [format!("{strict}{loose}"), format!("{loose}{strict}")] {
        let gate = gate(&document);
        assert_eq!(status(&gate, &forge("strict").token().sign()), 200);
        assert_eq!(status(&gate, &forge("loose").token().claim("sub", 17).sign()), 200);
        assert_eq!(status(&gate, &forge("loose").token().claim("nonce", "x").sign()), 200);
        // What one entry gives up stays in force for the other.
        assert_eq!(status(&gate, &forge("strict").token().claim("sub", 17).sign()), 401);
        assert_eq!(status(&gate, &forge("strict").token().claim("nonce", "x").sign()), 401);
        let padding = "x".repeat(9_000);
        assert_eq!(status(&gate, &forge("loose").token().claim("x", &*padding).sign()), 200);
        assert_eq!(status(&gate, &forge("strict").token().claim("x", &*padding).sign()), 401);
        // The keys of one entry do not verify tokens of the other.
        let key = SigningKey::hmac(Algorithm::Hs256, secret("loose")).expect("a strong secret");
        let forged = Forge::new("https://strict.example", "api://demo").with_key(key);
        assert_eq!(status(&gate, &forged.token().sign()), 401);
    }
}

#[test]
fn policies_and_grants_are_those_of_the_document() {
    let options = "scopes_at = [{ path = \"permissions\", separated_by = \",\" }]\n\
                   roles_at = [{ member_of = \"groups\", member = \"name\", renamed = { g1 = \"admin\" } }]\n\
                   implied_roles = { admin = [\"editor\"] }";
    let gate_of = |policy: &str| {
        gate(&format!(
            "{}[gate]\npolicy = {policy}\n[policies]\nstaff = {{ role = \"editor\" }}\n",
            entry("a", options)
        ))
    };
    let token = forge("a").token().claim("permissions", "read, write");
    let token = token.claim("groups", serde_json::json!([{"name": "g1"}, {"name": "g2"}]));
    let token = token
        .claim("acr", "gold")
        .claim("amr", ["pwd", "mfa"])
        .claim("auth_time", forge("a").now().as_secs());
    let token = token.claim("act", serde_json::json!({"sub": "nightly"})).sign();
    for (policy, expected) in [
        (r#"{ scope = "read" }"#, 200),
        (r#"{ scope = "delete" }"#, 403),
        (r#""staff""#, 200),
        (r#"{ role = "g2" }"#, 403),
        (r#"{ not = "staff" }"#, 403),
        (r#"{ all = ["staff", { scope = "write" }] }"#, 200),
        (r#"{ any = [{ role = "owner" }, { claim = "permissions", is = "read, write" }] }"#, 200),
        (r#"{ claim = ["permissions", "x"], is = "read" }"#, 401),
        (r#"{ acr = ["gold", "platinum"] }"#, 200),
        (r#"{ all = [{ amr = "mfa" }, { authenticated_within = "5min" }] }"#, 200),
        (r#"{ actor = "nightly" }"#, 200),
        (r#"{ actor = "other" }"#, 403),
        (r#"{ issuer = "https://a.example" }"#, 200),
        (r#"{ not = { issuer = "https://a.example" } }"#, 403),
        (r#"{ issuer = "https://a.example/" }"#, 403),
    ] {
        assert_eq!(status(&gate_of(policy), &token), expected, "{policy}");
    }
}

#[test]
fn sources_are_those_of_the_document() {
    let token = forge("a").token().sign();
    for (sources, name, value, expected) in [
        (r#"["bearer"]"#, "authorization", format!("Bearer {token}"), 200),
        (r#"[{ header = "x-token" }]"#, "authorization", format!("Bearer {token}"), 401),
        (r#"[{ header = "x-token" }]"#, "x-token", token.clone(), 200),
        (r#"[{ scheme = "JWT" }]"#, "authorization", format!("JWT {token}"), 200),
        (r#"[{ bearer_in = "x-forwarded" }]"#, "x-forwarded", format!("Bearer {token}"), 200),
        (r#"[{ cookie = "at" }]"#, "cookie", format!("at={token}"), 200),
        (r#"[{ cookie = "at", bearer_prefix = true }]"#, "cookie", format!("at=Bearer%20{token}"), 200),
        (r#"[{ cookie_in_pieces = "at" }]"#, "cookie", format!("at.0={token}"), 200),
    ] {
        let gate = gate(&format!("{}[gate]\nsources = {sources}\n", entry("a", "")));
        assert_eq!(status_of(&gate, name, &value), expected, "{sources} {name}");
    }
}

#[test]
fn variables_override_and_extend_the_document() {
    let secret = secret("b");
    let variables = [
        ("TOLLGATE_GATE__REALM", "orders [1]"),
        ("TOLLGATE_GATE__SOURCES", r#"["bearer", { header = "x-token" }]"#),
        ("TOLLGATE_GATE__SOURCES__1__HEADER", "x-other"),
        ("TOLLGATE_GATE__OPTIONAL_TOKEN", "true"),
        ("TOLLGATE_GATE__CACHE", "false"),
        ("TOLLGATE_ISSUERS__0__LEEWAY", "5s"),
        ("TOLLGATE_ISSUERS__1__ISSUER", "https://b.example"),
        ("TOLLGATE_ISSUERS__1__AUDIENCE", r#"["api://demo", "api://other"]"#),
        ("TOLLGATE_ISSUERS__1__KEYS__INSECURE_SECRET", &secret),
        ("TOLLGATE_ISSUERS__1__KEYS__ENCODING", "utf8"),
        ("TOLLGATE_ISSUERS__1__KEYS__ALGORITHM", "HS256"),
        // Not for the document: the variables of the application itself.
        ("TOLLGATE_ADDR", "127.0.0.1:3000"),
        ("TOLLGATES_GATE__X", "1"),
    ];
    let document = format!("[gate]\nrealm = \"other\"\n{}", entry("a", "leeway = \"1min\""));
    let built = build(&document, &variables).unwrap_or_else(|error| panic!("{}", sentence(&error)));
    let gate = built.gate();
    assert_eq!(status(gate, &forge("a").token().sign()), 200);
    assert_eq!(status(gate, &forge("b").token().sign()), 200);
    assert_eq!(status_of(gate, "x-other", &forge("b").token().sign()), 200);
    assert_eq!(status_of(gate, "accept", "*/*"), 200, "anonymous");
    let now = gate.now().as_secs();
    assert_eq!(status(gate, &forge("a").token().claim("exp", now - 20).sign()), 401, "the leeway is 5 s");
    let rejection = gate.reject(tollgate::AuthError::MissingToken);
    assert!(rejection.headers().any(|(_, value)| value.contains("realm=\"orders [1]\"")), "{rejection:?}");
}

/// A document can come from variables alone.
#[test]
fn variables_are_a_document_of_their_own() {
    let table =
        format!(r#"{{ insecure_secret = "{}", encoding = "utf8", algorithm = "HS256" }}"#, secret("a"));
    let variables = [
        ("APP_ISSUERS__0__ISSUER", "https://a.example"),
        ("APP_ISSUERS__0__AUDIENCE", "api://demo"),
        ("APP_ISSUERS__0__KEYS", &*table),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let config = Document::empty().with_variables("APP", variables).and_then(|document| document.config());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let built = runtime.block_on(config.expect("good variables").build()).expect("a gate");
    assert_eq!(status(built.gate(), &forge("a").token().sign()), 200);
}

/// `Config` is a serde type, for applications with settings of their own. Errors then have no place.
#[test]
fn config_is_a_part_of_other_settings() {
    #[derive(serde::Deserialize)]
    struct Settings {
        port: u16,
        auth: Config,
    }

    let settings = serde_json::json!({
        "port": 3000,
        "auth": {"issuers": [{
            "issuer": "https://a.example", "audience": "api://demo", "leeway": "10min",
            "keys": {"insecure_secret": secret("a"), "encoding": "utf8", "algorithm": "HS256"},
        }]},
    });
    let settings: Settings = serde_json::from_value(settings).expect("settings");
    assert_eq!(settings.port, 3000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let error = runtime.block_on(settings.auth.build()).expect_err("the leeway is too long");
    assert_eq!((error.member(), error.place()), ("issuers.0.leeway", None));
}

#[test]
fn errors_name_the_file() {
    let folder = std::env::temp_dir().join(format!("tollgate-config-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("tollgate.toml");
    std::fs::write(&path, "# ü\n[gate]\nrealm = \"ü\" # ü\ncolor = 1\n").expect("written");
    let error = Config::from_toml_file(&path).expect_err("an unknown member");
    assert_eq!(
        error.place(),
        Some(&Place::Document { file: Some(path.as_path().into()), line: 4, column: 1 })
    );
    assert!(error.to_string().starts_with(&format!("{}:4:1: `gate.color` ", path.display())), "{error}");
    let error = Config::from_toml_file(folder.join("none.toml")).expect_err("no file");
    assert!(error.to_string().ends_with("none.toml cannot be read"), "{error}");
    std::fs::write(&path, " ".repeat(1024 * 1024 + 1)).expect("written");
    let error = Config::from_toml_file(&path).expect_err("a large file");
    assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    std::fs::remove_dir_all(folder).expect("removed");
}

/// Files are found beside the document, and secrets must not be readable for others.
#[cfg(unix)]
#[test]
fn secret_files_are_checked() {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    let folder = std::env::temp_dir().join(format!("tollgate-config-secret-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (path, file) = (folder.join("tollgate.toml"), folder.join("secret"));
    let document = "[[issuers]]\nissuer = \"https://a.example\"\naudience = \"api://demo\"\n\
                    keys = { secret_file = \"secret\", encoding = \"utf8\", algorithm = \"HS256\" }\n";
    write(&path, document).expect("written");
    write(&file, format!("{}\n", secret("a"))).expect("written");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let build = || runtime.block_on(Config::from_toml_file(&path).expect("a good document").build());

    set_permissions(&file, Permissions::from_mode(0o644)).expect("permissions");
    let error = build().expect_err("others can read it");
    assert_eq!(error.member(), "issuers.0.keys.secret_file");
    assert!(error.to_string().contains("; run: chmod 600 "), "{error}");

    set_permissions(&file, Permissions::from_mode(0o600)).expect("permissions");
    let built = build().expect("a gate");
    assert_eq!(status(built.gate(), &forge("a").token().sign()), 200);

    write(&file, "x".repeat(64 * 1024 + 1)).expect("written");
    let error = build().expect_err("too large");
    assert!(error.to_string().contains("larger than 65536 bytes"), "{error}");
    std::fs::remove_dir_all(folder).expect("removed");
}

/// Neither `Debug` nor an error shows a secret that is in the document.
#[test]
fn secrets_are_not_printed() {
    const SENTINEL: &str = "Zq7SENTINELx9Lw2Kp4Vt8Rb6Nc3Md5Gf1Hj0";
    let document = |keys: &str| {
        format!("[[issuers]]\nissuer = \"https://a.example\"\naudience = \"api://demo\"\nkeys = {keys}\n")
    };
    let good = document(&format!(
        "{{ insecure_secret = \"{SENTINEL}\", encoding = \"utf8\", algorithm = \"HS256\" }}"
    ));
    let read = Document::from_toml(&good).expect("TOML");
    let config = read.config().expect("a good document");
    let built = build(&good, &[]).expect("a gate");
    let mut printed = format!("{read:?}{read:#?}{config:?}{config:#?}{built:?}{built:#?}");
    for wrong in [
        format!("{{ insecure_secret = [\"{SENTINEL}\"] }}"),
        format!("{{ insecure_secret = \"{SENTINEL}\", encoding = \"base32\", algorithm = \"HS256\" }}"),
        format!("{{ insecure_secret = \"{SENTINEL}\", encoding = \"utf8\", algorithm = \"RS256\" }}"),
        format!("{{ insecure_secret = \"{SENTINEL}!\", encoding = \"base64\", algorithm = \"HS256\" }}"),
        format!("{{ discover = \"{SENTINEL}\" }}"),
        format!("\"{SENTINEL}\""),
        format!("{{ insecure_secret = \"{SENTINEL}\n\" }}"),
    ] {
        let error = build(&document(&wrong), &[]).expect_err("wrong");
        printed.push_str(&format!("{error:?}{}", sentence(&error)));
    }
    assert!(!printed.contains("SENTINEL"), "{printed}");
}

/// An application with variables of its own can map them to members, and set defaults.
#[test]
fn overrides_and_defaults_name_their_variable() {
    let read = || Document::from_toml(&entry("a", "leeway = \"30s\"")).expect("TOML");
    let given = |member, value| Override { member, variable: "APP_SETTING", value };
    let error = |document: Document| document.config().expect_err("a wrong value").to_string();

    let overridden = read().with_override(given("issuers.0.leeway", "soon")).expect("a member");
    assert!(error(overridden).starts_with("APP_SETTING: `issuers.0.leeway` is not a duration; "));
    let kept = read().with_default(given("issuers.0.leeway", "soon")).expect("a member");
    kept.config().expect("the document has a value");
    let default = read().with_default(given("gate.cache.bytes", "many")).expect("a member");
    assert!(error(default).starts_with("APP_SETTING: `gate.cache.bytes` is not a size; "));
    let error = read().with_override(given("issuers.7.leeway", "1s")).expect_err("no such element");
    assert!(
        error.to_string().starts_with(
            "APP_SETTING: the variable names the entry `7` of a list; the document has the entry 0;"
        ),
        "{error}"
    );
    assert!(!format!("{:?}", given("a", "hidden")).contains("hidden"));
}

#[test]
fn variables_do_not_depend_on_their_order() {
    let secret = secret("a");
    let mut variables = [
        ("APP_ISSUERS__1__ISSUER", "https://b.example"),
        ("APP_ISSUERS__1__AUDIENCE", "api://demo"),
        ("APP_ISSUERS__1__KEYS__DISCOVER", "true"),
        ("APP_ISSUERS__0__KEYS__INSECURE_SECRET", &*secret),
        ("APP_ISSUERS__0__KEYS__ENCODING", "utf8"),
        ("APP_ISSUERS__0__KEYS__ALGORITHM", "HS256"),
        ("APP_ISSUERS__0__ISSUER", "https://a.example"),
        ("APP_ISSUERS__0__AUDIENCE", "api://demo"),
    ];
    for _order in 0..2 {
        let given = variables.map(|(name, value)| (name.into(), value.into()));
        let config = Document::empty().with_variables("APP", given).and_then(|document| document.config());
        config.unwrap_or_else(|error| panic!("{error}"));
        variables.reverse();
    }
    let twice =
        [("APP_GATE__REALM", "a"), ("APP_gate__realm", "b")].map(|(name, value)| (name.into(), value.into()));
    let error = Document::empty().with_variables("APP", twice).expect_err("one member, two variables");
    assert_eq!(
        error.to_string(),
        "APP_gate__realm: the variable sets the same member as APP_GATE__REALM; unset one"
    );
}

/// Each provider has an entry with its members, and needs all of them.
#[test]
fn keys_of_a_provider_can_be_at_another_host() {
    let keycloak = "[[issuers]]\nprovider = \"keycloak\"\nbase_url = \"http://localhost:8080\"\nrealm = \"shop\"\n\
                    client = \"orders\"\nkeys = { jwk_set_url = \"http://keycloak:8080/realms/shop/certs\" }\n";
    let network = "network = { insecure_http_to = [\"keycloak\"] }\n";
    let actions = "[[issuers]]\nprovider = \"github-actions\"\nowner = \"acme\"\naudience = \"api://demo\"\n\
                   required_values = { repository = \"acme/api\" }\n";
    build(&format!("{keycloak}{network}{actions}"), &[]).expect("a gate");
    let error = error_of(&format!("{keycloak}{actions}"));
    assert!(error.contains("`issuers.0.keys.jwk_set_url` leads to plain http at keycloak; "), "{error}");
}

#[test]
fn every_provider_has_an_entry() {
    let secret = format!(
        "keys = {{ insecure_secret = \"{}\", encoding = \"utf8\", algorithm = \"HS256\" }}",
        secret("a")
    );
    for (provider, members) in [
        ("auth0", "domain = \"a.eu.auth0.com\"\naudience = \"api://demo\""),
        (
            "aws-alb",
            "region = \"eu-central-1\"\nload_balancer = \"arn\"\nclient = \"c\"\nissuer = \"https://a.example\"",
        ),
        ("clerk", "domain = \"clerk.a.example\"\nparties = [\"https://app.example\"]"),
        ("cognito-access", "region = \"eu-central-1\"\nuser_pool = \"eu-central-1_a\"\nclients = [\"c\"]"),
        ("cognito-id", "region = \"eu-central-1\"\nuser_pool = \"eu-central-1_a\"\nclients = [\"c\"]"),
        ("entra-v1", "tenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\naudience = \"api://demo\""),
        ("entra-v2", "tenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\naudience = \"api://demo\""),
        (
            "entra-v1-tenants",
            "tenants = [\"72f988bf-86f1-41af-91ab-2d7cd011db47\"]\naudience = \"api://demo\"",
        ),
        (
            "entra-v2-tenants",
            "tenants = [\"72f988bf-86f1-41af-91ab-2d7cd011db47\"]\naudience = \"api://demo\"",
        ),
        ("firebase", "project = \"shop-1\""),
        ("github-actions", "owner = \"octo-org\"\naudience = \"api://demo\""),
        (
            "gitlab-ci",
            "instance = \"https://gitlab.example\"\nnamespace = \"a/b\"\naudience = \"api://demo\"",
        ),
        ("google", "clients = [\"1.apps.googleusercontent.com\"]"),
        ("keycloak", "base_url = \"https://keycloak.example\"\nrealm = \"shop\"\nclient = \"orders\""),
        ("kubernetes", "issuer = \"https://kubernetes.default.svc\"\naudience = \"api://demo\""),
        ("okta", "domain = \"a.okta.com\"\nserver = \"default\"\naudience = \"api://demo\""),
        ("okta-org", "domain = \"a.okta.com\"\nclients = [\"c\"]"),
        ("supabase", "url = \"https://a.supabase.co\""),
        ("zitadel", "domain = \"a.zitadel.cloud\"\nproject = \"1\""),
        ("supabase-secret", &format!("url = \"https://a.supabase.co\"\n{secret}")),
        ("spiffe", &format!("trust_domain = \"a.example\"\naudience = \"api://demo\"\n{secret}")),
        (
            "spiffe",
            &format!(
                "trust_domain = \"a.example\"\naudience = \"b\"\nissuer = \"https://a.example\"\n{secret}"
            ),
        ),
    ] {
        let document = format!("[[issuers]]\nprovider = \"{provider}\"\n{members}\n");
        build(&document, &[]).unwrap_or_else(|error| panic!("{provider}: {}", sentence(&error)));
        let (first, rest) = members.split_once('\n').unwrap_or((members, ""));
        let error = error_of(&format!("[[issuers]]\nprovider = \"{provider}\"\n{rest}\n"));
        let name = first.split(' ').next().unwrap_or_default();
        assert!(
            error.starts_with(&format!("line 1, column 1: `issuers.0` needs the member `{name}`; ")),
            "{error}"
        );
    }
}
