//! [`Fault`]: the ways in which an issuer can fail, and the expected outcome of each.

use std::sync::Arc;
use std::time::Duration;

use tollgate_jwks::FetchOutcome;
use tollgate_testing::keys;
use tollgate_tests::certificates::{Authority, Validity};
use tollgate_tests::issuer::{Answer, Issuer, json, response};

use crate::{KNOWN, NEW};

/// A failure of the issuer and the expected outcome.
pub(crate) struct Fault {
    /// What the issuer does, as in "the issuer hangs".
    pub(crate) name: &'static str,
    pub(crate) trouble: Trouble,
    /// The outcome of the single refresh.
    pub(crate) outcome: FetchOutcome,
    /// The number of requests that reach the issuer: two if the fault is worth a retry.
    pub(crate) requests: u64,
    /// The number of connections that the issuer accepts.
    pub(crate) connections: u64,
    /// The status for a token with the new key.
    pub(crate) new_key: u16,
    /// The status for a token with a forged key ID.
    pub(crate) forged_key: u16,
}

/// The mechanics of a fault.
pub(crate) enum Trouble {
    /// Refuses all connections.
    Refuses,
    /// Gives this answer.
    Answers(Answer),
    /// Floods the client, which must not read most of it.
    Floods(Answer),
    /// Presents a certificate for this name.
    Presents(&'static str, Validity),
    /// Presents a certificate of an authority that the client does not trust.
    UnknownAuthority,
    /// Redirects to plain HTTP, which the client must not follow.
    RedirectsToPlainHttp(Arc<tokio::sync::OnceCell<Issuer>>),
}

impl Fault {
    /// Returns the name of the test: `issuer_` and what the issuer does.
    pub(crate) fn test_name(&self) -> String {
        format!("issuer_{}", self.name.replace(", ", "_").replace(' ', "_"))
    }

    pub(crate) async fn begin(&self, issuer: &mut Issuer, authority: &Authority) {
        match &self.trouble {
            Trouble::Refuses => issuer.refuse().await,
            Trouble::Answers(answer) | Trouble::Floods(answer) => issuer.answer(answer.clone()),
            Trouble::Presents(name, validity) => issuer.present(authority.server(name, *validity)),
            Trouble::UnknownAuthority => {
                issuer.present(Authority::default().server("127.0.0.1", Validity::Now));
            }
            Trouble::RedirectsToPlainHttp(decoy) => {
                let decoy = decoy.get_or_init(|| Issuer::start(None)).await;
                decoy.answer(json(&keys::jwk_set(&[KNOWN, NEW])));
                let location = format!("Location: http://{}/jwks", decoy.address());
                issuer.answer(Answer::Bytes(response("302 Found", &[&location], "")));
            }
        }
    }

    /// Checks what is specific to this fault.
    pub(crate) fn check(&self, issuer: &Issuer) {
        match &self.trouble {
            Trouble::Floods(_) => {
                // Of the hundred megabytes, the issuer sent little more than fits in the socket buffers.
                assert!(issuer.flooded() < 20_000_000, "{} bytes were sent", issuer.flooded());
            }
            Trouble::RedirectsToPlainHttp(decoy) => {
                assert_eq!(decoy.get().expect("a decoy").connections(), 0, "the redirect was followed");
            }
            _ => {}
        }
    }

    pub(crate) async fn end(&self, issuer: &mut Issuer, authority: &Authority) {
        issuer.resume().await;
        issuer.present(authority.server("127.0.0.1", Validity::Now));
    }
}

pub(crate) fn all() -> Vec<Fault> {
    let set = keys::jwk_set(&[KNOWN, NEW]);
    let json_type = "Content-Type: application/json";
    let bytes = |status: &str, fields: &[&str], body: &str| Answer::Bytes(response(status, fields, body));
    let with_broken =
        set.replacen('[', r#"[{"kty":"EC","crv":"P-256","kid":"broken","x":"AA","y":"AA"},"#, 1);
    let only_unusable =
        r#"{"keys":[{"kty":"oct","kid":"a","k":"AA"},{"kty":"RSA","kid":"b","n":"AQ","e":"AQAB"}]}"#;
    let one = r#"{"kty":"AKP"}"#;
    let too_many = format!(r#"{{"keys":[{}{one}]}}"#, format!("{one},").repeat(256));
    let whole = response("200 OK", &[json_type], &set);
    let half = whole[..whole.len() - set.len() / 2].to_vec();
    let flood = format!("HTTP/1.1 200 OK\r\n{json_type}\r\nContent-Length: 100000000\r\n\r\n{{\"keys\":[");
    let chunked = format!("HTTP/1.1 200 OK\r\n{json_type}\r\nTransfer-Encoding: chunked\r\n\r\n5F5E100\r\n");
    let document = |name, answer| unavailable(name, FetchOutcome::Document, 1, Trouble::Answers(answer));
    let status =
        |name, requests, answer| unavailable(name, FetchOutcome::Status, requests, Trouble::Answers(answer));
    let timeout = |name, answer| unavailable(name, FetchOutcome::Timeout, 1, Trouble::Answers(answer));
    let broken = |name, answer| unavailable(name, FetchOutcome::Unreachable, 2, Trouble::Answers(answer));

    vec![
        Fault {
            connections: 0,
            ..unavailable("refuses connections", FetchOutcome::Unreachable, 0, Trouble::Refuses)
        },
        timeout("hangs", Answer::Hang),
        timeout("trickles the head, a byte a second", Answer::Trickle(whole)),
        timeout("trickles the body, a byte a second", Answer::Trickle(half.clone())),
        broken("resets before the answer", Answer::Reset(Vec::new())),
        broken("resets in the body", Answer::Reset(half.clone())),
        broken("closes in the body", Answer::Bytes(half)),
        broken("does not speak HTTP", Answer::Bytes(b"220 mail.example ESMTP\r\n".to_vec())),
        status("answers 500", 2, bytes("500 Internal Server Error", &[json_type], &set)),
        status("answers 404", 1, bytes("404 Not Found", &[], "")),
        status("answers 429 with Retry-After", 1, bytes("429 Too Many Requests", &["Retry-After: 5"], "")),
        status("answers 503 with Retry-After", 1, bytes("503 Service Unavailable", &["Retry-After: 5"], "")),
        status("answers 304 to no condition", 1, bytes("304 Not Modified", &[], "")),
        document("answers HTML", bytes("200 OK", &["Content-Type: text/html"], "<html>maintenance</html>")),
        document("answers HTML as JSON", bytes("200 OK", &[json_type], "<html>maintenance</html>")),
        document("answers the wrong content type", bytes("200 OK", &["Content-Type: text/plain"], &set)),
        document("compresses", bytes("200 OK", &[json_type, "Content-Encoding: gzip"], &set)),
        document("truncates the document", bytes("200 OK", &[json_type], &set[..set.len() / 2])),
        document("answers nothing", bytes("200 OK", &[json_type], "")),
        document("answers an empty set", bytes("200 OK", &[json_type], r#"{"keys":[]}"#)),
        document("answers unusable keys only", bytes("200 OK", &[json_type], only_unusable)),
        document("answers too many keys", bytes("200 OK", &[json_type], &too_many)),
        unavailable(
            "answers 100 MB",
            FetchOutcome::Document,
            1,
            Trouble::Floods(Answer::Flood(flood.into_bytes(), 100_000_000)),
        ),
        unavailable(
            "answers 100 MB in chunks",
            FetchOutcome::Document,
            1,
            Trouble::Floods(Answer::Flood(chunked.into_bytes(), 100_000_000)),
        ),
        status("redirects in a loop", 1, bytes("302 Found", &["Location: /jwks"], "")),
        status("redirects to another host", 1, bytes("301 Moved", &["Location: https://evil.example/"], "")),
        unavailable(
            "redirects to plain http",
            FetchOutcome::Status,
            1,
            Trouble::RedirectsToPlainHttp(Arc::default()),
        ),
        certificate("presents an expired certificate", Trouble::Presents("127.0.0.1", Validity::Expired)),
        certificate(
            "presents a certificate of another host",
            Trouble::Presents("issuer.example", Validity::Now),
        ),
        certificate("presents a certificate of an unknown authority", Trouble::UnknownAuthority),
        Fault {
            new_key: 200,
            forged_key: 401,
            ..unavailable(
                "has a broken key among good ones",
                FetchOutcome::New,
                1,
                Trouble::Answers(json(&with_broken)),
            )
        },
    ]
}

/// A fault without a usable answer: whether the key exists stays unknown, so the status is 503.
fn unavailable(name: &'static str, outcome: FetchOutcome, requests: u64, trouble: Trouble) -> Fault {
    Fault { name, trouble, outcome, requests, connections: requests, new_key: 503, forged_key: 503 }
}

/// A fault in the TLS handshake: the issuer accepts the connection, and the client never sends a request.
fn certificate(name: &'static str, trouble: Trouble) -> Fault {
    Fault { connections: 2, ..unavailable(name, FetchOutcome::Unreachable, 0, trouble) }
}

/// Formats a duration in milliseconds for the report.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}
