//! The example applications, started as processes. All of them must give the same answers.

mod config;
mod grpc;
mod presets;
mod sessions;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::Algorithm;
use tollgate_testing::{Forge, keys};
use tollgate_tests::app::{App, PACKAGES, run_to_failure, scratch};
use tollgate_tests::client::{Response, send};
use tollgate_tests::issuer::{Issuer, json};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "api://demo";
const ORIGIN: &str = "https://api.example";
/// The header line that calls with a JSON body need.
const JSON: &str = "Content-Type: application/json";

fn call(app: &App, method: &str, path: &str, lines: &[&str], body: &str) -> Response {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", app.address);
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    send(app.address, request.as_bytes())
}

fn get(app: &App, path: &str, token: &str) -> Response {
    call(app, "GET", path, &[&format!("Authorization: Bearer {token}")], "")
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
}

/// Runs the first command of the README and the `curl` command that the application prints.
#[test]
fn application_issues_tokens_and_keeps_its_keys() {
    for package in PACKAGES {
        let data = scratch(&format!("{package}-own"));
        let app = App::start(package, &data, &[]);
        let login = call(&app, "POST", "/auth/login", &[JSON], &app.demo_login());
        let token = sessions::member(&login, "access_token");
        let me = get(&app, "/me", &token);
        assert_eq!(me.status, 200, "{}", me.body);

        let claims: serde_json::Value = serde_json::from_str(&me.body).expect("JSON");
        assert_eq!(claims["sub"], "demo");
        assert_eq!(claims["iss"], format!("http://{}", app.address));
        assert_eq!(claims["aud"], serde_json::json!(["tollgate-demo"]));
        assert_eq!(claims["scopes"], serde_json::json!(["read:items", "write:items"]));
        assert_eq!(claims["roles"], serde_json::json!(["admin"]));

        let without = call(&app, "GET", "/me", &[], "");
        assert_eq!(without.status, 401);
        let metadata = format!("http://{}/.well-known/oauth-protected-resource", app.address);
        let challenge = format!(r#"Bearer realm="api", resource_metadata="{metadata}""#);
        assert_eq!(header(&without, "www-authenticate"), Some(&*challenge));

        let document = call(&app, "GET", "/.well-known/oauth-protected-resource", &[], "");
        let document: serde_json::Value = serde_json::from_str(&document.body).expect("JSON");
        assert_eq!(document["resource"], format!("http://{}", app.address));

        // Other services can verify its tokens with the published keys, which survive a restart.
        let published = call(&app, "GET", "/.well-known/jwks.json", &[], "");
        assert_eq!(header(&published, "content-type"), Some("application/jwk-set+json"));

        tollgate::KeySet::from_jwk_set(&published.body).expect("a key set");
        let address = app.address;
        drop(app);
        let app = App::start_at(address, package, &data, &[]);
        assert_eq!(call(&app, "GET", "/.well-known/jwks.json", &[], "").body, published.body);
        assert_eq!(get(&app, "/me", &token).status, 200);
        assert!(app.banner.contains("was printed at the first start"), "{}", app.banner);
        std::fs::remove_dir_all(data).expect("removed");
    }
}

#[cfg(unix)]
#[test]
fn application_rejects_secret_files_readable_by_others() {
    use std::fs::{Permissions, metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    let package = PACKAGES[0];
    let data = scratch("private-key");
    drop(App::start(package, &data, &[]));
    let mode = |path: &Path| metadata(path).expect("a file").permissions().mode() & 0o777;
    for (directory, name) in [("signing-keys", "signing keys"), ("refresh-keys", "keys of refresh tokens")] {
        let files = std::fs::read_dir(data.join(directory)).expect("a directory");
        let files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(mode(&files[0]), 0o600);
        set_permissions(&files[0], Permissions::from_mode(0o644)).expect("permissions");
        let error = run_to_failure(package, &data, &[]);
        assert!(error.contains(name) && error.contains("can be read by others"), "{error}");
        set_permissions(&files[0], Permissions::from_mode(0o600)).expect("permissions");
    }
    assert_eq!([mode(&data.join("sessions.db")), mode(&data.join("users.db"))], [0o600; 2]);
    std::fs::remove_dir_all(data).expect("removed");
}

/// `TOLLGATE_SECRET` may use the standard or the URL-safe alphabet of base64.
#[test]
fn application_accepts_secrets_in_both_base64_alphabets() {
    let forge = Forge::new(ISSUER, AUDIENCE);
    let standard = base64::engine::general_purpose::STANDARD.encode(keys::SECRET);
    assert!(standard.contains('+') && standard.contains('/'), "the secret distinguishes the alphabets");

    let data = scratch("alphabets");
    for secret in [URL_SAFE_NO_PAD.encode(keys::SECRET), standard] {
        let environment =
            [("TOLLGATE_SECRET", &*secret), ("TOLLGATE_ISSUER", ISSUER), ("TOLLGATE_AUDIENCE", AUDIENCE)];
        let app = App::start(PACKAGES[0], &data, &environment);
        assert_eq!(get(&app, "/me", &forge.token().sign()).status, 200);
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// If the data directory is unusable or the address is taken, the message names the setting to change.
#[test]
fn start_failure_names_the_setting_to_change() {
    let data = scratch("in-the-way");
    let file = data.join("file");
    std::fs::write(&file, "").expect("written");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();

    for package in PACKAGES {
        let error = run_to_failure(package, &file, &[]);
        assert!(error.contains("TOLLGATE_DATA: the signing keys in"), "{error}");
        assert!(!error.contains("No such file"), "{error}");
        let error = run_to_failure(package, &data, &[("TOLLGATE_ADDR", &address)]);
        assert!(error.contains(&format!("TOLLGATE_ADDR: cannot listen on {address}")), "{error}");
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// A client that never finishes its request does not prevent a shutdown.
#[cfg(unix)]
#[test]
fn interrupt_stops_an_application_with_an_idle_client() {
    use std::io::Write as _;

    let data = scratch("interrupt");
    for package in PACKAGES {
        for signal in ["INT", "TERM"] {
            let app = App::start(package, &data, &[]);
            let mut idle = std::net::TcpStream::connect(app.address).expect("connect");
            idle.write_all(b"GET / HTTP/1.1\r\nHost:").expect("half a request");
            assert!(app.ends_after(signal), "{package} on SIG{signal}");
        }
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// The issuer, the origin and the resource identifier contain the address that the application listens on, unless a
/// variable sets them.
#[test]
fn defaults_follow_the_address() {
    for package in PACKAGES {
        let data = scratch(&format!("{package}-any-port"));
        for (environment, issuer, origin) in [
            (&[][..], None, None),
            (&[("TOLLGATE_ISSUER", ISSUER)], Some(ISSUER), None),
            (&[("TOLLGATE_PUBLIC_ORIGIN", ORIGIN)], Some(ORIGIN), Some(ORIGIN)),
        ] {
            let app = App::start_on_any_port(package, &data, environment);
            assert_ne!(app.address.port(), 0);
            let bound = format!("http://{}", app.address);
            assert!(app.banner.contains(&format!("curl {bound}/auth/login")), "{}", app.banner);
            let document = call(&app, "GET", "/.well-known/oauth-protected-resource", &[], "");
            let document: serde_json::Value = serde_json::from_str(&document.body).expect("JSON");
            let issuer = issuer.unwrap_or(&bound);
            assert_eq!(document["authorization_servers"], serde_json::json!([issuer]));
            assert_eq!(document["resource"], origin.unwrap_or(&bound));
        }
        std::fs::remove_dir_all(data).expect("removed");
    }
}

/// Behind a proxy, login attempts count by the address that the proxy names.
#[test]
fn application_throttles_clients_behind_a_proxy_one_by_one() {
    for (package, trusted) in PACKAGES.into_iter().zip(["127.0.0.0/8,::1", "hops:1", "127.0.0.1"]) {
        let data = scratch(&format!("{package}-proxy"));
        let environment =
            [("TOLLGATE_TRUSTED_PROXIES", trusted), ("TOLLGATE_FORWARDED_HEADER", "x-forwarded-for")];
        let app = App::start(package, &data, &environment);
        let refresh = |client: &str| {
            let field = format!("X-Forwarded-For: 198.51.100.1, {client}");
            call(&app, "POST", "/auth/refresh", &[JSON, &field], r#"{"refresh_token":"rt1_x"}"#).status
        };
        // An address has 20 attempts, and one more every 3 s.
        assert!((0..200).any(|_| refresh("192.0.2.1") == 429), "the client is throttled");
        assert_eq!(refresh("192.0.2.2"), 401, "another client is not");
        std::fs::remove_dir_all(data).expect("removed");
    }
}

/// Runs one script against every application and compares the transcripts.
#[test]
fn applications_answer_one_script_alike() {
    let secret = URL_SAFE_NO_PAD.encode(keys::SECRET);
    let environment = [
        ("TOLLGATE_SECRET", &*secret),
        ("TOLLGATE_ISSUER", ISSUER),
        ("TOLLGATE_AUDIENCE", AUDIENCE),
        ("TOLLGATE_PUBLIC_ORIGIN", "https://api.example"),
        ("TOLLGATE_TOKEN_SOURCES", "bearer,cookie,header:x-token,query:access_token"),
    ];
    let forge = Forge::new(ISSUER, AUDIENCE);
    let tokens = Tokens {
        reader: forge.token().scope("read:items").roles(&["user"]).sign(),
        admin: forge.token().scope("read:items write:items").roles(&["admin"]).sign(),
        expired: forge.token().claim("exp", 1).sign(),
    };
    let mut first: Option<Vec<(String, Response)>> = None;

    for (package, cache) in PACKAGES.into_iter().zip(["default", "off", "10"]) {
        let data = scratch(&format!("{package}-script"));
        let environment = [&environment[..], &[("TOLLGATE_CACHE", cache)]].concat();
        let app = App::start(package, &data, &environment);
        let transcript = script(&app, &tokens);
        match &first {
            None => first = Some(transcript),
            Some(first) => assert_eq!(*first, transcript, "{package}"),
        }
        std::fs::remove_dir_all(data).expect("removed");
    }
}

struct Tokens {
    reader: String,
    admin: String,
    expired: String,
}

/// Calls every route with every kind of credential and checks the status of each response.
fn script(app: &App, tokens: &Tokens) -> Vec<(String, Response)> {
    let Tokens { reader, admin, expired } = tokens;
    let bearer = |token: &str| format!("Authorization: Bearer {token}");
    let (reader_line, admin_line, expired_line) = (bearer(reader), bearer(admin), bearer(expired));
    let cookie = format!("Cookie: __Host-Http-at={admin}");
    let x_token = format!("X-Token: {reader}");
    let in_query = format!("/me?access_token={reader}");
    let json = r#"{"name":"map"}"#;
    let large = format!(r#"{{"name":"map","padding":"{}"}}"#, "x".repeat(70_000));
    let steps: Vec<(&str, &str, Vec<&str>, &str, u16)> = vec![
        ("GET", "/", vec![], "", 200),
        ("GET", "/demo.js", vec![], "", 200),
        ("GET", "/demo.css", vec![], "", 200),
        ("GET", "/session.js", vec![], "", 200),
        ("GET", "/icon.svg", vec![], "", 200),
        ("POST", "/demo.js", vec![], "", 405),
        ("GET", "/public", vec![], "", 200),
        ("GET", "/public", vec![&expired_line], "", 200),
        ("GET", "/healthz", vec![], "", 200),
        ("GET", "/readyz", vec![], "", 200),
        ("GET", "/metrics", vec![], "", 200),
        ("GET", "/.well-known/jwks.json", vec![], "", 200),
        ("GET", "/.well-known/oauth-protected-resource", vec![], "", 200),
        ("GET", "/nowhere", vec![], "", 404),
        ("POST", "/public", vec![], "", 405),
        ("PUT", "/items", vec![], "", 405),
        ("POST", "/items", vec![], &large, 401),
        ("POST", "/items", vec![&admin_line], &large, 413),
        ("GET", "/me", vec![], "", 401),
        ("GET", "/me", vec![&reader_line], "", 200),
        ("HEAD", "/me", vec![&reader_line], "", 200),
        ("GET", "/me", vec![&expired_line], "", 401),
        ("GET", "/me", vec![&reader_line, &reader_line], "", 400),
        ("GET", "/me", vec![&x_token], "", 200),
        ("GET", "/me", vec![&x_token, &reader_line], "", 400),
        ("GET", &in_query, vec![], "", 200),
        ("GET", "/me", vec![&cookie], "", 200),
        ("GET", "/whoami", vec![], "", 200),
        ("GET", "/whoami", vec![&reader_line], "", 200),
        ("GET", "/whoami", vec![&expired_line], "", 401),
        ("GET", "/items", vec![], "", 401),
        ("GET", "/items", vec![&reader_line], "", 200),
        ("POST", "/items", vec![&reader_line], json, 403),
        ("POST", "/items", vec![&admin_line], json, 201),
        ("POST", "/items", vec![&admin_line], "{}", 400),
        ("GET", "/items", vec![&reader_line], "", 200),
        ("POST", "/items", vec![&cookie], json, 403),
        ("POST", "/items", vec![&cookie, "Origin: https://api.example"], json, 201),
        ("POST", "/items", vec![&cookie, "Origin: https://evil.example"], json, 403),
        ("POST", "/items", vec![&cookie, "Sec-Fetch-Site: same-origin"], json, 201),
        ("GET", "/admin", vec![&reader_line], "", 403),
        ("GET", "/admin", vec![&admin_line], "", 200),
    ];
    let mut transcript = Vec::new();

    for (method, path, lines, body, status) in steps {
        let response = call(app, method, path, &lines, body);
        let step = format!("{method} {path} {lines:?} {} bytes", body.len());
        assert_eq!(response.status, status, "{step}: {}", response.body);
        let mut response = comparable(response);
        if ["/readyz", "/metrics"].contains(&path) {
            // Ages and counts differ between runs.
            response.body.retain(|symbol| !symbol.is_ascii_digit());
        }
        transcript.push((step, response));
    }

    // A target without a path (RFC 9112 §3.2.3). Routers differ in whether they match the method or the path first.
    let connect = call(app, "CONNECT", "api.example:443", &[], "");
    assert!(matches!(connect.status, 404 | 405), "{connect:?}");
    transcript
}

/// Removes header fields that differ between runs or frameworks.
fn comparable(response: Response) -> Response {
    let left_out = ["date", "connection", "content-length", "transfer-encoding", "allow"];
    let mut headers = response.headers;
    headers.retain(|(name, _)| !left_out.contains(&name.as_str()));
    headers.sort();
    Response { headers, ..response }
}

/// The application verifies tokens of another issuer with keys from a file.
#[test]
fn application_reads_a_key_set_from_a_file() {
    let data = scratch("jwks-file");
    let file = data.join("jwks.json");
    let key = keys::signing(Algorithm::Es256);

    std::fs::write(&file, format!(r#"{{"keys":[{},{{"kty":"AKP"}}]}}"#, key.public_jwk().expect("public")))
        .expect("written");
    let environment = [
        ("TOLLGATE_JWKS_FILE", file.to_str().expect("UTF-8")),
        ("TOLLGATE_ISSUER", ISSUER),
        ("TOLLGATE_AUDIENCE", AUDIENCE),
    ];

    for package in PACKAGES {
        let app = App::start(package, &data, &environment);
        let forge = Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es256);
        assert_eq!(get(&app, "/me", &forge.token().sign()).status, 200);

        let wrong = Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es384).token().sign();
        assert_eq!(get(&app, "/me", &wrong).status, 401);
        let ready = call(&app, "GET", "/readyz", &[], "");
        assert_eq!(ready.body, r#"{"keys":{"skipped":1,"usable":1},"status":"ready"}"#);
        assert!(!app.banner.contains("curl"), "{}", app.banner);

        // An application that does not issue tokens has no login.
        assert_eq!(call(&app, "POST", "/auth/login", &[JSON], "{}").status, 404);
        assert_eq!(call(&app, "GET", "/.well-known/jwks.json", &[], "").status, 404);

        let pointless = [&environment[..], &[("TOLLGATE_STORE", "memory:")]].concat();
        let error = run_to_failure(package, &data, &pointless);
        assert!(
            error.contains("TOLLGATE_STORE: only applies if the application issues its own tokens"),
            "{error}"
        );
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// The application fetches another issuer's keys. Until it has some, calls and the readiness probe get 503.
#[test]
fn application_becomes_ready_when_its_key_set_arrives() {
    let data = scratch("jwks-url");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let token = Forge::new(ISSUER, AUDIENCE).with_algorithm(Algorithm::Es256).token().sign();

    for package in PACKAGES {
        let issuer = runtime.block_on(Issuer::start(None));
        let url = format!("http://{}/jwks?v=1", issuer.address());
        let environment =
            [("TOLLGATE_JWKS_URL", &*url), ("TOLLGATE_ISSUER", ISSUER), ("TOLLGATE_AUDIENCE", AUDIENCE)];
        let app = App::start(package, &data, &environment);
        let refused = get(&app, "/me", &token);

        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(header(&refused, "retry-after").is_some() && header(&refused, "www-authenticate").is_none());
        let ready = call(&app, "GET", "/readyz", &[], "");
        let keys: serde_json::Value = serde_json::from_str(&ready.body).expect("JSON");
        assert_eq!((ready.status, keys["status"].as_str()), (503, Some("unavailable")));
        assert_eq!(keys["keys"]["last_failure"]["outcome"], "status");
        assert!(keys["keys"]["failures"].as_u64() > Some(0) && keys["keys"]["age_secs"].is_null());
        assert_eq!(keys["keys"]["location"], url.replace("?v=1", ""), "no query");

        issuer.answer(json(&keys::jwk_set(&[Algorithm::Es256])));
        let is_ready = |_| {
            std::thread::sleep(std::time::Duration::from_millis(100));
            call(&app, "GET", "/readyz", &[], "").status == 200
        };
        assert!((0..600).any(is_ready), "ready within a minute");
        assert_eq!(get(&app, "/me", &token).status, 200);

        let metrics = call(&app, "GET", "/metrics", &[], "").body;
        assert!(
            metrics.contains("state=\"fresh\"} 1") && metrics.contains("tollgate_jwks_age_seconds{"),
            "{metrics}"
        );
    }
    std::fs::remove_dir_all(data).expect("removed");
}

/// The application does not start with an invalid setting, and the message names it.
#[test]
fn bad_setting_prevents_the_start_and_is_named() {
    let data = scratch("bad-settings");
    let weak = URL_SAFE_NO_PAD.encode("secret");
    let table = [
        ("TOLLGATE_SECRET", &*weak, "at least 32 are required"),
        ("TOLLGATE_SECRET", "!!", "is not base64"),
        ("TOLLGATE_SECRET_FILE", "/nowhere", "TOLLGATE_SECRET_FILE: /nowhere cannot be read"),
        (
            "TOLLGATE_SECRET_FILE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            "other users can read the file",
        ),
        ("TOLLGATE_JWKS_FILE", "/nowhere", "TOLLGATE_JWKS_FILE: /nowhere cannot be read"),
        ("TOLLGATE_ISSUER", "", "TOLLGATE_ISSUER: is empty"),
        ("TOLLGATE_AUDIENCE", "", "TOLLGATE_AUDIENCE: is empty"),
        ("TOLLGATE_TOKEN_SOURCES", "bearer,nose", "TOLLGATE_TOKEN_SOURCES"),
        ("TOLLGATE_PUBLIC_ORIGIN", "http://api.example", "TOLLGATE_PUBLIC_ORIGIN"),
        ("TOLLGATE_PUBLIC_ORIGIN", "https://api.example/path", "TOLLGATE_PUBLIC_ORIGIN"),
        ("TOLLGATE_ADDR", "0.0.0.0:3000", "TOLLGATE_PUBLIC_ORIGIN"),
        ("TOLLGATE_ADDR", "localhost", "TOLLGATE_ADDR: is not an IP address with a port"),
        ("TOLLGATE_ADDR", "127.0.0.1:99999", "TOLLGATE_ADDR: is not an IP address with a port"),
        (
            "TOLLGATE_TRUSTED_PROXIES",
            "hops:1",
            "TOLLGATE_FORWARDED_HEADER: is required with TOLLGATE_TRUSTED",
        ),
        ("TOLLGATE_FORWARDED_HEADER", "forwarded", "has no effect without TOLLGATE_TRUSTED_PROXIES"),
        ("TOLLGATE_TOKEN_SOURCES", "header:Authorization", "TOLLGATE_TOKEN_SOURCES"),
        ("TOLLGATE_JWK_FILE", "typo", "TOLLGATE_JWK_FILE is not a setting"),
        ("TOLLGATE_ACCESS_TTL", "soon", "TOLLGATE_ACCESS_TTL"),
        ("TOLLGATE_ACCESS_TTL", "0", "TOLLGATE_ACCESS_TTL: a lifetime of 0 s"),
        ("TOLLGATE_CACHE", "some", "TOLLGATE_CACHE"),
        ("TOLLGATE_STORE", "mysql://u:hunter2@h/d", "TOLLGATE_STORE cannot be used"),
        ("TOLLGATE_STORE", "", "TOLLGATE_STORE: is empty"),
        ("TOLLGATE_REFRESH_WINDOW", "61", "TOLLGATE_REFRESH_WINDOW: is more than a minute"),
        ("TOLLGATE_REFRESH_WINDOW", "soon", "TOLLGATE_REFRESH_WINDOW: is not a number of seconds"),
        ("TOLLGATE_DEMO_EMAIL", " ", "TOLLGATE_DEMO_EMAIL: cannot be used"),
        ("TOLLGATE_DEMO_PASSWORD", "", "TOLLGATE_DEMO_PASSWORD: is empty"),
        ("TOLLGATE_JWKS_URL", "http://issuer.example/jwks", "TOLLGATE_JWKS_URL cannot be used"),
        ("TOLLGATE_JWKS_URL", "jwks.json", "not an absolute URL"),
        ("TOLLGATE_DISCOVER", "yes", "TOLLGATE_DISCOVER: must be 1 or unset"),
        ("TOLLGATE_DISCOVER", "1", "TOLLGATE_DISCOVER: needs TOLLGATE_ISSUER"),
        ("TOLLGATE_JWKS_LIFETIME", "60", "TOLLGATE_JWKS_LIFETIME: only applies to keys from"),
    ];

    for package in PACKAGES {
        for (name, value, message) in table {
            let error = run_to_failure(package, &data, &[(name, value)]);
            assert!(error.contains(message), "{name}={value}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }

        for other in ["TOLLGATE_JWKS_FILE", "TOLLGATE_JWKS_URL", "TOLLGATE_DISCOVER"] {
            let error = run_to_failure(package, &data, &[("TOLLGATE_SECRET", "x"), (other, "y")]);
            assert!(error.contains("only one of"), "{error}");
        }

        for (value, header, message) in [
            ("10.0.0.1/8", "forwarded", "TOLLGATE_TRUSTED_PROXIES: \"10.0.0.1/8\" is not a network"),
            ("", "forwarded", "TOLLGATE_TRUSTED_PROXIES: is empty"),
            ("10.0.0.0/8,", "forwarded", "TOLLGATE_TRUSTED_PROXIES: \"\" is not a network"),
            ("hops:0", "forwarded", "TOLLGATE_TRUSTED_PROXIES: 0 is not a number of proxies"),
            ("hops:", "forwarded", "TOLLGATE_TRUSTED_PROXIES: must have a number"),
            ("hops:1", "x-real-ip", "TOLLGATE_FORWARDED_HEADER: is neither"),
        ] {
            let both = [("TOLLGATE_TRUSTED_PROXIES", value), ("TOLLGATE_FORWARDED_HEADER", header)];
            let error = run_to_failure(package, &data, &both);
            assert!(error.contains(message), "{value} {header}: {error}");
        }

        let zero = [("TOLLGATE_JWKS_URL", "https://issuer.example/"), ("TOLLGATE_JWKS_LIFETIME", "0")];
        assert!(run_to_failure(package, &data, &zero).contains("TOLLGATE_JWKS_LIFETIME: is not a number"));
    }
    std::fs::remove_dir_all(data).expect("removed");
}
