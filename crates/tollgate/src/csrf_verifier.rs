//! [`CsrfVerifier`]: verifies anti-CSRF tokens, which only pages of this host can repeat.

use std::borrow::Cow;
use std::fmt;

use crate::claims::ClaimPath;
use crate::error::CrossSiteError;
use crate::request::RequestView;
use crate::source::find_cookie;
use crate::verified::Verified;

/// Verifies tokens against cross-site request forgery, as a second check beside
/// [`CrossSite`](crate::CrossSite). The token is in a cookie that scripts of this host can read, and they
/// repeat its value in the header `X-CSRF-Token`. Another site can make a browser send the cookie, but cannot
/// read it.
///
/// `tollgate-sessions` issues these tokens (`CookieSettings::csrf_tokens`). An HMAC binds each to a session
/// (OWASP's signed double-submit cookie), so an attacker cannot plant a cookie with a token of another session.
pub trait CsrfVerifier: fmt::Debug + Send + Sync + 'static {
    /// Returns the name of the cookie that holds the anti-CSRF token. It should start with `__Host-`, so that
    /// no sibling domain can set it.
    fn cookie_name(&self) -> &str;

    /// Returns whether `token` was made for `session`, the `sid` of an access token. The comparison must take
    /// constant time.
    fn is_genuine(&self, token: &[u8], session: &str) -> bool;
}

/// Checks the anti-CSRF token of a request with a cookie of `session`. `session` is only called when the
/// request needs the check.
pub(crate) fn check<'s, R: RequestView>(
    tokens: &dyn CsrfVerifier,
    request: &R,
    session: impl FnOnce() -> Option<Cow<'s, str>>,
) -> Result<(), CrossSiteError> {
    if is_exempt(request.method()) {
        return Ok(());
    }
    let session = session().ok_or(CrossSiteError::CsrfTokenMismatch)?;
    let mut fields = request.header_values(FIELD);
    let (Some(repeated), None) = (fields.next(), fields.next()) else {
        return Err(CrossSiteError::NoCsrfToken);
    };
    // This comparison need not take constant time: a client that presents a genuine token knows its value
    // already.
    let same = tokens.is_genuine(repeated, &session)
        && find_cookie(request, tokens.cookie_name()) == Ok(Some(repeated));
    if same { Ok(()) } else { Err(CrossSiteError::CsrfTokenMismatch) }
}

/// Returns the session of an access token, if the token names one.
pub(crate) fn session_of(verified: &Verified) -> Option<Cow<'_, str>> {
    let sid: String = serde_json::from_str(verified.claim(&ClaimPath::name("sid"))?).ok()?;
    Some(sid.into())
}

/// Returns whether requests with this method need no token: safe methods (RFC 9110 §9.2.1) and WebSocket
/// handshakes, with GET or CONNECT (RFC 8441 §5). A page cannot set header fields of a handshake, nor send
/// CONNECT in any other way. The origin of handshakes is still checked.
fn is_exempt(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "CONNECT")
}

const FIELD: &str = "x-csrf-token";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Decision, Gate};
    use crate::request::testing::FakeRequest;
    use crate::source::TokenSource;
    use crate::testing::{NOW, token, verifier};

    /// The token of a session is its name in capitals.
    #[derive(Debug)]
    struct Capitals;

    impl CsrfVerifier for Capitals {
        fn cookie_name(&self) -> &str {
            "csrf"
        }

        fn is_genuine(&self, token: &[u8], session: &str) -> bool {
            token == session.to_ascii_uppercase().as_bytes()
        }
    }

    fn gate() -> Gate {
        Gate::new(verifier())
            .with_sources([
                TokenSource::bearer(),
                TokenSource::cookie("at").unwrap(),
                TokenSource::insecure_query("t").unwrap(),
            ])
            .unwrap()
            .with_csrf_verifier(Capitals)
    }

    fn verdict(gate: &Gate, request: &FakeRequest) -> Result<(), CrossSiteError> {
        match gate.admit(request, NOW) {
            Decision::Admitted(_) => Ok(()),
            Decision::Rejected(rejection) => match rejection.error() {
                crate::AuthError::CrossSite(error) => Err(*error),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// Returns a request by a page of this host, with an access token with `claims`, and `cookies` beside it.
    fn from_page(method: &str, claims: &str, cookies: &str) -> FakeRequest {
        FakeRequest::new(method, "/")
            .header("sec-fetch-site", b"same-origin")
            .header("cookie", format!("at={}{cookies}", token(claims)).as_bytes())
    }

    const SID: &str = r#""sid":"one""#;

    #[test]
    fn cookie_and_header_must_belong_to_the_session() {
        let table: [(&str, &str, &[&[u8]], Result<(), CrossSiteError>); 12] = [
            (SID, "; csrf=ONE", &[b"ONE"], Ok(())),
            (SID, "; csrf=ONE", &[], Err(CrossSiteError::NoCsrfToken)),
            (SID, "; csrf=ONE", &[b"ONE", b"ONE"], Err(CrossSiteError::NoCsrfToken)),
            (SID, "; csrf=ONE", &[b""], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=ONE", &[b"one"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=ONE; csrf=ONE", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            // Cookie and header match, but belong to another session: planted.
            (SID, "; csrf=TWO", &[b"TWO"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=TWO", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            ("", "; csrf=ONE", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            (r#""sid":1"#, "; csrf=1", &[b"1"], Err(CrossSiteError::CsrfTokenMismatch)),
        ];
        for (claims, cookies, fields, expected) in table {
            for method in ["POST", "PUT", "PATCH", "DELETE", "FOO", "post", "TRACE"] {
                let request = fields
                    .iter()
                    .fold(from_page(method, claims, cookies), |request, value| request.header(FIELD, value));
                // The second request finds the token in the cache.
                for _ in 0..2 {
                    assert_eq!(
                        verdict(&gate(), &request),
                        expected,
                        "{method} {claims} {cookies} {fields:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn safe_methods_and_handshakes_need_no_token() {
        for method in ["GET", "HEAD", "OPTIONS", "CONNECT"] {
            assert_eq!(verdict(&gate(), &from_page(method, SID, "")), Ok(()), "{method}");
        }
        assert_eq!(verdict(&gate(), &from_page("GET", SID, "").header("upgrade", b"websocket")), Ok(()));
    }

    #[test]
    fn explicit_credentials_need_no_token() {
        let bearer = format!("Bearer {}", token(SID));
        let explicit = FakeRequest::new("POST", "/").header("authorization", bearer.as_bytes());
        assert_eq!(verdict(&gate(), &explicit), Ok(()));
        let query = FakeRequest::new("POST", &format!("/?t={}", token(SID)));
        assert_eq!(verdict(&gate(), &query.header("sec-fetch-site", b"same-origin")), Ok(()));
    }

    /// The token is checked in addition to the origin, not instead of it.
    #[test]
    fn token_does_not_replace_the_origin_check() {
        let request = FakeRequest::new("POST", "/")
            .header("sec-fetch-site", b"cross-site")
            .header("cookie", format!("at={}; csrf=ONE", token(SID)).as_bytes())
            .header(FIELD, b"ONE");
        assert_eq!(verdict(&gate(), &request), Err(CrossSiteError::FetchSite));
    }
}
