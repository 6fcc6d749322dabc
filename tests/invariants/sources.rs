//! Rules for the text of source files: purity of the core, construction of `Verified`, thin adapters.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the Rust files below `directory` with their text.
fn rust_files(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            files.push((path, text));
        }
    }
    files
}

fn core() -> Vec<(PathBuf, String)> {
    let files = rust_files(&root().join("crates/tollgate/src"));
    assert!(files.len() > 30, "the core was found");
    files
}

#[test]
fn the_core_reads_no_clock_and_does_no_io() {
    for (path, text) in core() {
        for banned in ["Instant::now", "std::fs", "std::net::Tcp", "std::env", "async fn", "tokio", "http::"]
        {
            assert!(!text.contains(banned), "{banned} in {}", path.display());
        }
        if !path.ends_with("time.rs") {
            assert!(!text.contains("SystemTime"), "a clock is read in {}", path.display());
        }
    }
}

/// The code that decides when to fetch keys uses no clock, no task and no network.
#[test]
fn the_state_of_a_key_set_is_pure() {
    let root = root().join("crates/tollgate-jwks/src");
    for file in [
        "cache.rs",
        "cache_control.rs",
        "directory/settings.rs",
        "discovery.rs",
        "document.rs",
        "lookups/bucket.rs",
        "lookups/limits.rs",
        "lookups/state.rs",
        "moment.rs",
        "negative_cache.rs",
        "pem_key_set/settings.rs",
        "pem_key_set/snapshot.rs",
        "settings.rs",
        "wanted_key.rs",
    ] {
        let text = fs::read_to_string(root.join(file)).expect("a file");
        for banned in ["Instant", "SystemTime", "async", "tokio", "Mutex"] {
            assert!(!text.contains(banned), "{banned} in {file}");
        }
    }
}

/// `Verified` is a proof of verification, so only one function may construct it.
#[test]
fn verified_is_constructed_in_one_place() {
    let calls: usize = core().iter().map(|(_, text)| text.matches("Verified::assert(").count()).sum();
    assert_eq!(calls, 1);
}

/// Adapters pass on the core's decision and do not evaluate tokens themselves.
#[test]
fn adapters_do_not_match_on_token_errors() {
    for adapter in ["tollgate-tower", "tollgate-axum", "tollgate-actix", "tollgate-warp"] {
        for (path, text) in rust_files(&root().join("crates").join(adapter).join("src")) {
            assert!(!text.contains("TokenError"), "{}", path.display());
        }
    }
}
