//! [`SessionCsrfVerifier`]: anti-CSRF tokens that are bound to a session.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tollgate::CsrfVerifier;

use super::refresh_keys::RefreshKeys;
use crate::session::SessionId;
use crate::support::first_bytes;
use crate::support::{EntropyError, fill_random};

/// Verifies the anti-CSRF tokens of sessions, for
/// [`Gate::with_csrf_verifier`](tollgate::Gate::with_csrf_verifier).
///
/// [`CookieSettings::csrf_verifier`](crate::CookieSettings::csrf_verifier) returns one. When the gate of
/// [`SessionEndpoints`](crate::SessionEndpoints) requires anti-CSRF tokens, the endpoints issue them.
///
/// A token is the base64url of the first half of an HMAC-SHA-256 over `csrf/1`, the session and 16 random
/// bytes, followed by these random bytes. It is valid for its session only, and as long as the session. Its key
/// is derived from the key of the refresh tokens.
#[derive(Clone, Debug)]
pub struct SessionCsrfVerifier {
    keys: RefreshKeys,
    cookie: Box<str>,
}

impl SessionCsrfVerifier {
    pub(crate) fn new(keys: RefreshKeys, cookie: Box<str>) -> Self {
        Self { keys, cookie }
    }
}

impl CsrfVerifier for SessionCsrfVerifier {
    fn cookie_name(&self) -> &str {
        &self.cookie
    }

    fn is_genuine(&self, token: &[u8], session: &str) -> bool {
        let (Some(token), Ok(session)) = (Parts::read(token), session.parse()) else { return false };
        self.keys.all().any(|key| token.is_made_with(&key.csrf, session))
    }
}

impl RefreshKeys {
    /// Makes a new anti-CSRF token of `session`.
    pub(crate) fn csrf_token(&self, session: SessionId) -> Result<String, EntropyError> {
        let mut nonce = [0; HALF];
        fill_random(&mut nonce)?;
        let tag = tag(&self.newest.csrf, session, &nonce);
        Ok(URL_SAFE_NO_PAD.encode([tag, nonce].concat()))
    }

    /// Returns whether `token` belongs to `session` and was made with the newest key.
    pub(crate) fn is_csrf_token(&self, token: &[u8], session: SessionId) -> bool {
        Parts::read(token).is_some_and(|token| token.is_made_with(&self.newest.csrf, session))
    }
}

/// The decoded parts of a token.
struct Parts {
    tag: [u8; HALF],
    nonce: [u8; HALF],
}

impl Parts {
    fn read(token: &[u8]) -> Option<Self> {
        let mut bytes = [0; 2 * HALF];
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let (tag, nonce) = bytes.get(..length)?.split_first_chunk()?;
        Some(Self { tag: *tag, nonce: nonce.try_into().ok()? })
    }

    fn is_made_with(&self, key: &hmac::Key, session: SessionId) -> bool {
        verify_slices_are_equal(&tag(key, session, &self.nonce), &self.tag).is_ok()
    }
}

/// Returns the tag. All parts that it authenticates have fixed lengths, so that their boundaries are
/// unambiguous.
fn tag(key: &hmac::Key, session: SessionId, nonce: &[u8; HALF]) -> [u8; HALF] {
    let mut context = hmac::Context::with_key(key);
    context.update(b"csrf/1");
    context.update(session.as_bytes());
    context.update(nonce);
    first_bytes(context.sign())
}

const HALF: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::UnixMillis;
    use crate::sessions::tokens::RefreshKey;

    const SECRET: &[u8] = b"pL2v-8sJqX0dRw7TzK5mYb3HnF9cGu1eQ4aS6iVxN_o";
    const OTHER: &[u8] = b"Wd8kR1-tVb5yLq3NzX7mPf0JhC2sGa9eUi4oTxE6_Kw";

    fn tokens(keys: &RefreshKeys) -> SessionCsrfVerifier {
        SessionCsrfVerifier::new(keys.clone(), "__Host-csrf".into())
    }

    fn session() -> SessionId {
        SessionId::generate(UnixMillis::from_millis(1_700_000_000_000)).unwrap()
    }

    fn keys(id: u8, secret: &[u8]) -> RefreshKeys {
        RefreshKeys::new(RefreshKey::new(id, secret).unwrap())
    }

    #[test]
    fn csrf_token_is_valid_only_for_its_session() {
        let keys = keys(1, SECRET);
        let (mine, other) = (session(), session());
        let token = keys.csrf_token(mine).unwrap();
        assert_eq!(token.len(), 43);
        assert_ne!(token, keys.csrf_token(mine).unwrap());
        let genuine = |session: &str| tokens(&keys).is_genuine(token.as_bytes(), session);
        assert!(genuine(&mine.to_string()) && keys.is_csrf_token(token.as_bytes(), mine));
        assert!(!genuine(&other.to_string()) && !keys.is_csrf_token(token.as_bytes(), other));
        for session in ["", "x", &mine.to_string().to_uppercase()] {
            assert!(!genuine(session), "{session}");
        }
    }

    #[test]
    fn csrf_token_is_rejected_when_any_bit_changes() {
        let keys = keys(1, SECRET);
        let session = session();
        let token = keys.csrf_token(session).unwrap();
        let genuine = |text: &[u8]| tokens(&keys).is_genuine(text, &session.to_string());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!genuine(URL_SAFE_NO_PAD.encode(changed).as_bytes()), "bit {bit}");
        }
        // A token has a single spelling: the spare bits of base64url must be zero.
        let last = token.as_bytes().last().copied().unwrap();
        let spare = (0..=127)
            .filter(|byte| *byte != last)
            .find(|byte| genuine(&[&token.as_bytes()[..42], &[*byte]].concat()));
        assert_eq!(spare, None);
        let longer = format!("{token}A");
        for text in [&b""[..], b"A", &token.as_bytes()[..42], longer.as_bytes(), b"\xff", &[b'A'; 100_000]] {
            assert!(!genuine(text));
        }
    }

    #[test]
    fn csrf_token_of_a_replaced_key_is_valid_until_the_key_is_removed() {
        let session = session();
        let token = keys(1, SECRET).csrf_token(session).unwrap();
        let genuine = |keys: &RefreshKeys| tokens(keys).is_genuine(token.as_bytes(), &session.to_string());
        let new = keys(2, OTHER);
        let both = new.clone().with_older(RefreshKey::new(1, SECRET).unwrap()).unwrap();
        assert!(genuine(&both) && !genuine(&new));
        assert!(!both.is_csrf_token(token.as_bytes(), session), "made with an older key");
    }
}
