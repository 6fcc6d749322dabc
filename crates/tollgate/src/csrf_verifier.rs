//! [`CsrfVerifier`]: what only pages of this host can repeat.

use std::borrow::Cow;
use std::fmt;

use crate::claims::ClaimPath;
use crate::error::CrossSiteError;
use crate::request::RequestView;
use crate::source::find_cookie;
use crate::verified::Verified;

/// Tokens against cross-site request forgery, as a second check beside [`CrossSite`](crate::CrossSite): a cookie that scripts of
/// this host can read, whose value they repeat in the field `X-CSRF-Token`. Another site can make a browser send the
/// cookie, but cannot read it.
///
/// `tollgate-sessions` makes them (`CookieSettings::csrf_tokens`), bound to a session by an HMAC (OWASP's signed double-submit
/// cookie): one that somebody has planted, or one of another session, is no good.
pub trait CsrfVerifier: fmt::Debug + Send + Sync + 'static {
    /// The name of the cookie. It should start with `__Host-`, so that no sibling domain can set it.
    fn cookie_name(&self) -> &str;

    /// Whether `token` was made for `session`, the `sid` of an access token. To be told in constant time.
    fn is_genuine(&self, token: &[u8], session: &str) -> bool;
}

/// Checks the token of a request with a cookie of `session`, which is asked for only where it matters.
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
    // The comparison is with what whoever presents a genuine token knows already, so how long it takes tells nothing.
    let same = tokens.is_genuine(repeated, &session)
        && find_cookie(request, tokens.cookie_name()) == Ok(Some(repeated));
    if same { Ok(()) } else { Err(CrossSiteError::CsrfTokenMismatch) }
}

/// The session of an access token, if it says which.
pub(crate) fn session_of(verified: &Verified) -> Option<Cow<'_, str>> {
    let sid: String = serde_json::from_str(verified.claim(&ClaimPath::name("sid"))?).ok()?;
    Some(sid.into())
}

/// Methods that change nothing (RFC 9110 §9.2.1); and WebSocket handshakes, with GET or CONNECT (RFC 8441 §5): a page cannot
/// give them a field, nor send CONNECT in any other way. Where they come from is checked all the same.
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
            Decision::Refused(rejection) => match rejection.error() {
                crate::AuthError::CrossSite(error) => Err(*error),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// A request by a page of this host, with an access token that says `claims` and these cookies beside it.
    fn from_page(method: &str, claims: &str, cookies: &str) -> FakeRequest {
        FakeRequest::new(method, "/")
            .header("sec-fetch-site", b"same-origin")
            .header("cookie", format!("at={}{cookies}", token(claims)).as_bytes())
    }

    const SID: &str = r#""sid":"one""#;

    #[test]
    fn cookie_and_field_have_to_be_of_the_session() {
        let table: [(&str, &str, &[&[u8]], Result<(), CrossSiteError>); 12] = [
            (SID, "; csrf=ONE", &[b"ONE"], Ok(())),
            (SID, "; csrf=ONE", &[], Err(CrossSiteError::NoCsrfToken)),
            (SID, "; csrf=ONE", &[b"ONE", b"ONE"], Err(CrossSiteError::NoCsrfToken)),
            (SID, "; csrf=ONE", &[b""], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=ONE", &[b"one"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            (SID, "; csrf=ONE; csrf=ONE", &[b"ONE"], Err(CrossSiteError::CsrfTokenMismatch)),
            // A pair that fits, but belongs to another session: planted.
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
                // The second time the token is in the cache.
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
    fn what_changes_nothing_needs_none() {
        for method in ["GET", "HEAD", "OPTIONS", "CONNECT"] {
            assert_eq!(verdict(&gate(), &from_page(method, SID, "")), Ok(()), "{method}");
        }
        assert_eq!(verdict(&gate(), &from_page("GET", SID, "").header("upgrade", b"websocket")), Ok(()));
    }

    #[test]
    fn what_a_browser_does_not_add_needs_none() {
        let bearer = format!("Bearer {}", token(SID));
        let explicit = FakeRequest::new("POST", "/").header("authorization", bearer.as_bytes());
        assert_eq!(verdict(&gate(), &explicit), Ok(()));
        let query = FakeRequest::new("POST", &format!("/?t={}", token(SID)));
        assert_eq!(verdict(&gate(), &query.header("sec-fetch-site", b"same-origin")), Ok(()));
    }

    /// It comes on top of the other check, and replaces nothing of it.
    #[test]
    fn a_token_does_not_make_up_for_another_site() {
        let request = FakeRequest::new("POST", "/")
            .header("sec-fetch-site", b"cross-site")
            .header("cookie", format!("at={}; csrf=ONE", token(SID)).as_bytes())
            .header(FIELD, b"ONE");
        assert_eq!(verdict(&gate(), &request), Err(CrossSiteError::FetchSite));
    }
}
