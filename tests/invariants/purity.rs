//! Dependencies of the crates. The core depends on no `http` crate, no async runtime and no HTTP client: Actix
//! uses `http` 0.2, axum and warp use 1, so a type of either in the core would exclude the other.

use std::collections::BTreeSet;
use std::process::Command;

/// The packages that a build of the core with default features may contain.
const ALLOWED: &[&str] = &[
    "arc-swap",
    "aws-lc-rs",
    "aws-lc-sys",
    "base64",
    "base64ct",
    "bitflags",
    "cc",
    "cmake",
    "const-oid",
    "crossbeam-utils",
    "der",
    "der_derive",
    "dunce",
    "equivalent",
    "find-msvc-tools",
    "flagset",
    "foldhash",
    "fs_extra",
    "hashbrown",
    "itoa",
    "jobserver",
    "libc",
    "linux-raw-sys",
    "memchr",
    "once_cell",
    "pem-rfc7468",
    "pin-project-lite",
    "pkcs1",
    "pkg-config",
    "proc-macro2",
    "quick_cache",
    "quote",
    "rustversion",
    "rustix",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "serde_path_to_error",
    "shlex",
    "spki",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tollgate",
    "tracing",
    "tracing-core",
    "unicode-ident",
    "x509-cert",
    "zeroize",
    "zeroize_derive",
    "zmij",
];

#[test]
fn the_core_depends_on_allowed_packages_only() {
    let found = normal_dependencies("tollgate");
    let allowed: BTreeSet<String> = ALLOWED.iter().map(|&name| name.to_owned()).collect();
    let unexpected: Vec<_> = found.difference(&allowed).collect();
    assert!(
        unexpected.is_empty(),
        "new dependencies of the core: {unexpected:?}; is each of them needed there?"
    );
    assert!(found.contains("serde_json"), "the tree was read");

    for banned in
        ["http", "tokio", "hyper", "reqwest", "actix-web", "axum-core", "warp", "async-trait", "futures-core"]
    {
        assert!(!found.contains(banned), "{banned} under the core");
    }
}

/// Adapters are thin: they depend on no cryptography and no client. The adapters for Tower also depend on no server.
#[test]
fn adapters_bring_no_client_and_no_cryptography() {
    for adapter in ADAPTERS {
        let found = normal_dependencies(adapter);
        for banned in NEVER_UNDER_ADAPTERS.into_iter().chain(["tollgate-sessions", "argon2"]) {
            assert!(!found.contains(banned), "{banned} under {adapter}");
        }
    }
    for adapter in ["tollgate-tower", "tollgate-axum"] {
        let found = normal_dependencies(adapter);
        for banned in ["hyper", "tokio"] {
            assert!(!found.contains(banned), "{banned} under {adapter}");
        }
    }
}

/// The feature `sessions` adds the session endpoints and the issuing side, but no store and no client, and no server to
/// the adapters for Tower.
#[test]
fn the_feature_sessions_brings_no_store_and_no_client() {
    for adapter in ADAPTERS {
        let found = dependencies(adapter, &["--features", "sessions"]);
        assert!(found.contains("tollgate-sessions") && found.contains("argon2"), "the tree was read");
        for banned in NEVER_UNDER_ADAPTERS.into_iter().chain(["rusqlite", "redis", "tokio-postgres"]) {
            assert!(!found.contains(banned), "{banned} under {adapter}");
        }
    }
    let tower = dependencies("tollgate-tower", &["--features", "sessions"]);
    assert!(!tower.contains("hyper"), "hyper under tollgate-tower");
}

/// The issuing side answers through the adapters and depends on none of their frameworks.
#[test]
fn the_issuing_side_depends_on_no_framework() {
    let found = normal_dependencies("tollgate-sessions");
    assert!(found.contains("argon2"), "the tree was read");
    for banned in
        ["http", "hyper", "axum", "axum-core", "actix-web", "warp", "tower-service", "tollgate-tower"]
    {
        assert!(!found.contains(banned), "{banned} under tollgate-sessions");
    }
}

const ADAPTERS: [&str; 4] = ["tollgate-tower", "tollgate-axum", "tollgate-actix", "tollgate-warp"];
const NEVER_UNDER_ADAPTERS: [&str; 9] = [
    "reqwest",
    "native-tls",
    "openssl-sys",
    "jsonwebtoken",
    "h2",
    "ring",
    "rustls",
    "tollgate-jwks",
    "tonic",
];

/// Remote key sets need a runtime and, by default, a client, but no framework and no second crypto library.
#[test]
fn remote_keys_bring_no_framework_and_no_second_cryptography() {
    let found = normal_dependencies("tollgate-jwks");
    for banned in
        ["axum-core", "actix-web", "warp", "tollgate-tower", "tollgate-sessions", "ring", "native-tls", "h2"]
    {
        assert!(!found.contains(banned), "{banned} under tollgate-jwks");
    }
    assert!(found.contains("rustls"), "the tree was read");
}

/// The configuration brings a parser of TOML, and otherwise what the crates that it configures have.
#[test]
fn configuration_brings_no_framework_and_no_sessions_by_default() {
    let found = normal_dependencies("tollgate-config");
    for banned in [
        "axum-core",
        "actix-web",
        "warp",
        "tollgate-tower",
        "tollgate-sessions",
        "ring",
        "native-tls",
        "indexmap",
    ] {
        assert!(!found.contains(banned), "{banned} under tollgate-config");
    }
    assert!(found.contains("toml"), "the tree was read");
    assert!(dependencies("tollgate-config", &["--features", "sessions"]).contains("tollgate-sessions"));
}

fn normal_dependencies(package: &str) -> BTreeSet<String> {
    dependencies(package, &[])
}

fn dependencies(package: &str, features: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--package",
            package,
        ])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}
