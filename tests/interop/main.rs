//! Other people's tokens and keys: three independent implementations sign and we verify, we sign and they verify, and
//! their key sets are loaded unchanged. Others fetch our key set and verify our access tokens with it, while the keys
//! change. An HTTP library parses our challenges.

mod challenges;
mod peer;
mod remote;
mod signing;
mod verifying;

use libtest_mimic::{Arguments, Failed, Trial};
use tollgate_conformance::services;

use peer::Peer;

const IMPLEMENTATIONS: [(&str, &str); 3] =
    [("jose", "jose_peer.mjs"), ("PyJWT", "pyjwt_peer.py"), ("jwcrypto", "jwcrypto_peer.py")];
/// Those that fetch key sets.
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
    trials.push(Trial::test("jsonwebtoken::both_ways", || {
        signing::jsonwebtoken_both_ways();
        Ok(())
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

/// One ignored test in place of those that need a program which is not there; a failing one where it has to be.
fn missing(name: &str) -> Trial {
    let message = format!("{name} is not installed; tests/interop/README.md says how to");
    Trial::test(format!("{name}::is_installed"), move || Err(Failed::from(message)))
        .with_ignored_flag(!services::required())
}

/// A trial whose body panics when it fails.
fn trial(name: String, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}
