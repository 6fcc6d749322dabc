//! Examples from the RFCs, password hashes of another implementation, and key sets as providers publish them.

mod passwords;
mod providers;
mod rfc;

use std::path::Path;

use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}
