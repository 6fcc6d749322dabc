//! Interoperability. Three independent JOSE implementations verify our tokens, sign tokens that we verify, and
//! export key sets that we load. Three fetch our key set and verify access tokens during a key rotation. An HTTP
//! library parses our challenges.

mod challenges;
mod peer;
mod remote;
mod signing;
mod verifying;

use libtest_mimic::{Arguments, Failed, Trial};
use tollgate_tests::services;

use peer::Peer;

const IMPLEMENTATIONS: [(&str, &str); 3] =
    [("jose", "jose_peer.mjs"), ("PyJWT", "pyjwt_peer.py"), ("jwcrypto", "jwcrypto_peer.py")];
/// Implementations that fetch key sets.
const FETCHERS: [(&str, &str); 3] = [
    ("jose", "jose_peer.mjs"),
    ("PyJWT", "pyjwt_peer.py"),
    ("express-oauth2-jwt-bearer", "express_peer.mjs"),
];
const PARSERS: [(&str, &str); 1] = [("Werkzeug", "werkzeug_peer.py")];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (name, script) in IMPLEMENTATIONS {
        match Peer::start(script) {
            Some(peer) => {
                trials.extend(verifying::trials(name, &peer));
                trials.extend(signing::trials(name, &peer));
            }
            None => trials.push(missing(name)),
        }
    }

    for (name, script) in FETCHERS {
        match Peer::start(script) {
            Some(peer) => trials.extend(remote::trials(name, &peer)),
            None => trials.push(missing(name)),
        }
    }

    for (name, script) in PARSERS {
        match Peer::start(script) {
            Some(peer) => trials.extend(challenges::trials(name, &peer)),
            None => trials.push(missing(name)),
        }
    }

    trials.push(Trial::test("jsonwebtoken::signs_and_verifies_like_us", || {
        signing::jsonwebtoken_signs_and_verifies_like_us();
        Ok(())
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Returns one test that stands for all tests of a missing program. It is ignored, or fails if the program is required.
fn missing(name: &str) -> Trial {
    let message = format!("{name} is not installed; see tests/interop/README.md");
    Trial::test(format!("{name}::is_installed"), move || Err(Failed::from(message)))
        .with_ignored_flag(!services::required())
}

/// Makes a test of a body that panics on failure.
fn trial(name: String, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}
