//! Code that the fuzz targets share: a gate, and a request that it must reject.

use tollgate::adapter::{Decision, RequestView};
use tollgate::{Algorithm, Audience, Gate, Issuer, TokenSource, UnixTime, Verifier, VerifyingKey};

const SECRET: &str = "pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

/// A request with one header field, repeated for each line of the fuzzer's input.
pub struct Request<'a> {
    pub name: &'static str,
    pub value: &'a [u8],
}

impl RequestView for Request<'_> {
    fn method(&self) -> &str {
        "GET"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn header_values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let is_it = name == self.name;
        self.value.split(|byte| *byte == b'\n').filter(move |_| is_it)
    }
}

/// Returns a gate that reads tokens from `source`.
#[must_use]
pub fn gate(source: TokenSource) -> Gate {
    let key = VerifyingKey::hmac(Algorithm::Hs256, SECRET).expect("a strong secret");
    Gate::new(Verifier::new(
        key,
        Issuer::new("https://issuer.example").expect("an issuer"),
        Audience::new("api://demo").expect("an audience"),
    ))
    .with_sources([source])
    .expect("a source")
}

/// Asserts that the gate rejects the request with a 4xx. The fuzzer does not know the secret, so the gate must
/// neither admit a request nor wait for keys.
pub fn refuse(gate: &Gate, request: &Request<'_>) {
    match gate.admit(request, NOW) {
        Decision::Rejected(rejection) => assert!((400..500).contains(&rejection.status())),
        other => panic!("{other:?}"),
    }
}
