//! [`RefreshToken`]: the 54 bytes of a refresh token, and their text form.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::session::{SecretHash, SessionId};
use crate::support::first_bytes;
use crate::support::{EntropyError, fill_random};

/// A refresh token, which a client exchanges for its successor to refresh its session.
///
/// The text is `rt1_`, followed by the base64url of: key ID (1 byte), flags (1), session (16), generation (4,
/// big-endian), secret (16), tag (16). The tag is the first half of an HMAC-SHA-256 over all bytes before it,
/// so that a forged token is rejected without a call to the store. The secret stays the same for the life of a
/// session; the store has its hash.
///
/// Parsing a token checks its form only. [`RefreshKeys::verify`](crate::RefreshKeys::verify) checks the tag.
/// Only [`expose`](Self::expose) shows the token; its `Debug` output does not.
#[derive(Clone, ZeroizeOnDrop)]
pub struct RefreshToken {
    bytes: [u8; TOKEN_BYTES],
}

const PREFIX: &str = "rt1_";
const TOKEN_BYTES: usize = 54;
pub(super) const TAG_BYTES: usize = 16;
const SECRET_BYTES: usize = 16;

/// The parts of a token, in the order of its layout.
struct Parts {
    key_id: u8,
    flags: u8,
    session: [u8; 16],
    generation: u32,
    secret: [u8; SECRET_BYTES],
}

impl RefreshToken {
    /// The length of every refresh token, in characters.
    pub const CHARS: usize = 76;

    /// Makes the first token of a session, without its tag.
    pub(super) fn begin(
        key_id: u8,
        flags: RefreshTokenFlags,
        session: SessionId,
    ) -> Result<Self, EntropyError> {
        let mut secret = [0; SECRET_BYTES];
        fill_random(&mut secret)?;
        let parts = Parts { key_id, flags: flags.0, session: *session.as_bytes(), generation: 0, secret };
        secret.zeroize();
        Ok(Self::assemble(&parts))
    }

    /// Makes the token of `generation` in the same session, without its tag.
    pub(super) fn successor(&self, key_id: u8, generation: u32) -> Self {
        Self::assemble(&Parts { key_id, generation, ..self.parts() })
    }

    fn assemble(parts: &Parts) -> Self {
        let mut bytes = [0; TOKEN_BYTES];
        let body = [parts.key_id, parts.flags]
            .into_iter()
            .chain(parts.session)
            .chain(parts.generation.to_be_bytes())
            .chain(parts.secret);
        for (slot, byte) in bytes.iter_mut().zip(body) {
            *slot = byte;
        }
        Self { bytes }
    }

    /// Splits the token. This cannot fail, as any 54 bytes have parts.
    fn parts(&self) -> Parts {
        let [key_id, flags, rest @ ..] = self.bytes;
        let (session, rest) = split::<16, 36>(rest);
        let (generation, rest) = split::<4, 32>(rest);
        let (secret, _tag) = split::<SECRET_BYTES, TAG_BYTES>(rest);
        Parts { key_id, flags, session, generation: u32::from_be_bytes(generation), secret }
    }

    /// Returns the bytes that the tag authenticates.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.split_last_chunk::<TAG_BYTES>().map_or(&[], |(body, _)| body)
    }

    pub(super) fn tag(&self) -> &[u8] {
        self.bytes.last_chunk::<TAG_BYTES>().map_or(&[], |tag| tag)
    }

    pub(super) fn set_tag(&mut self, tag: [u8; TAG_BYTES]) {
        if let Some(slot) = self.bytes.last_chunk_mut::<TAG_BYTES>() {
            *slot = tag;
        }
    }

    /// Returns the ID of the key that made the tag.
    #[must_use]
    pub fn key_id(&self) -> u8 {
        self.parts().key_id
    }

    /// Returns the flags: the transport of the token, and the kind of its session.
    #[must_use]
    pub fn flags(&self) -> RefreshTokenFlags {
        RefreshTokenFlags(self.parts().flags)
    }

    /// Returns the ID of the session that the token refreshes.
    #[must_use]
    pub fn session(&self) -> SessionId {
        SessionId::from_bytes(self.parts().session)
    }

    /// Returns the generation: how often the session had rotated when the token was made.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.parts().generation
    }

    /// Returns the hash that the store keeps: SHA-256 of `tollgate/rs/1`, a zero byte and the secret.
    #[must_use]
    pub fn secret_hash(&self) -> SecretHash {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"tollgate/rs/1\0");
        context.update(&self.parts().secret);
        SecretHash::from_bytes(first_bytes(context.finish()))
    }

    /// Returns the token as text, to be sent to its client. An attacker who has this text has the session.
    #[must_use]
    pub fn expose(&self) -> String {
        let mut text = String::with_capacity(Self::CHARS);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(self.bytes, &mut text);
        text
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// Splits an array into its first `N` bytes and the `M` bytes after them.
fn split<const N: usize, const M: usize>(bytes: impl AsRef<[u8]>) -> ([u8; N], [u8; M]) {
    let (mut first, mut rest) = ([0; N], [0; M]);
    for (slot, byte) in first.iter_mut().chain(rest.iter_mut()).zip(bytes.as_ref()) {
        *slot = *byte;
    }
    (first, rest)
}

/// The text is not a refresh token. The error shows nothing of the text, which may be a user's token with a
/// typing error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token of this release")]
#[non_exhaustive]
pub struct ParseRefreshTokenError;

/// Accepts a single spelling of each token: 54 bytes fill 72 characters without a spare bit.
impl FromStr for RefreshToken {
    type Err = ParseRefreshTokenError;

    fn from_str(text: &str) -> Result<Self, ParseRefreshTokenError> {
        if text.len() != Self::CHARS {
            return Err(ParseRefreshTokenError);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(ParseRefreshTokenError)?;
        let mut bytes = [0; TOKEN_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes) {
            Ok(TOKEN_BYTES) => {}
            _ => return Err(ParseRefreshTokenError),
        }
        let token = Self { bytes };
        if RefreshTokenFlags::KNOWN & token.flags().0 == token.flags().0 {
            Ok(token)
        } else {
            Err(ParseRefreshTokenError)
        }
    }
}

/// Compares in constant time.
impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.bytes, &other.bytes).is_ok()
    }
}

impl Eq for RefreshToken {}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session", &self.session())
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

/// The authenticated flags of a refresh token: its transport, and the kind of its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RefreshTokenFlags(u8);

impl RefreshTokenFlags {
    const COOKIE_BOUND: u8 = 1;
    const TRANSIENT: u8 = 2;
    const KNOWN: u8 = Self::COOKIE_BOUND | Self::TRANSIENT;

    /// Binds the token to a cookie. It is rejected in a body, so that a script cannot steal and use it.
    #[must_use]
    pub const fn cookie_bound(self) -> Self {
        Self(self.0 | Self::COOKIE_BOUND)
    }

    /// Makes the session transient: it has the shorter lifetimes.
    #[must_use]
    pub const fn transient(self) -> Self {
        Self(self.0 | Self::TRANSIENT)
    }

    /// Returns whether the token is bound to a cookie.
    #[must_use]
    pub const fn is_cookie_bound(self) -> bool {
        self.0 & Self::COOKIE_BOUND != 0
    }

    /// Returns whether the session is transient.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.0 & Self::TRANSIENT != 0
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::session::UnixMillis;

    fn token() -> RefreshToken {
        let session = SessionId::generate(UnixMillis::from_millis(1_700_000_000_000)).unwrap();
        let mut token = RefreshToken::begin(7, RefreshTokenFlags::default().cookie_bound(), session).unwrap();
        token.set_tag([9; TAG_BYTES]);
        token
    }

    /// Pins the layout, byte for byte.
    #[test]
    fn refresh_token_has_a_fixed_layout() {
        let session: SessionId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let parts = Parts {
            key_id: 1,
            flags: 3,
            session: *session.as_bytes(),
            generation: 0x0102_0304,
            secret: [0xab; 16],
        };
        let mut token = RefreshToken::assemble(&parts);
        token.set_tag([0xcd; TAG_BYTES]);
        let text = token.expose();
        assert_eq!(text, "rt1_AQMBkBY9hpRzm66llmwm-K2RAQIDBKurq6urq6urq6urq6urq6vNzc3Nzc3Nzc3Nzc3Nzc3N");
        assert_eq!(text.len(), RefreshToken::CHARS);
        assert_eq!((token.key_id(), token.generation(), token.session()), (1, 0x0102_0304, session));
        assert!(token.flags().is_cookie_bound() && token.flags().is_transient());
        assert_eq!(token.body().len(), 38);
        assert_eq!(token.tag(), [0xcd; TAG_BYTES]);
        let hash = token.secret_hash();
        let expected = digest::digest(&digest::SHA256, &[&b"tollgate/rs/1\0"[..], &[0xab; 16]].concat());
        assert_eq!(hash.as_bytes(), expected.as_ref());
    }

    #[test]
    fn refresh_token_round_trips_through_its_text() {
        let token = token();
        let read: RefreshToken = token.expose().parse().unwrap();
        assert!(read == token);
        assert!(read != token.successor(7, 1));
    }

    #[test]
    fn successor_changes_only_key_and_generation() {
        let token = token();
        let next = token.successor(8, 5);
        assert_eq!((next.key_id(), next.generation()), (8, 5));
        assert_eq!((next.session(), next.flags()), (token.session(), token.flags()));
        assert_eq!(next.secret_hash(), token.secret_hash());
        assert_eq!(next.tag(), [0; TAG_BYTES]);
    }

    #[test]
    fn refresh_token_rejects_malformed_text() {
        let text = token().expose();
        let unknown_flag = {
            let mut token = token();
            token.bytes[1] = 4;
            token.expose()
        };
        for wrong in [
            "",
            "rt1_",
            &text[..75],
            &format!("{text}A"),
            &text.replace("rt1_", "rt2_"),
            &text.replace("rt1_", "RT1_"),
            &format!("{}=", &text[..75]),
            &format!("{}+", &text[..75]),
            &format!("{} ", &text[..75]),
            &format!("rt1_{}", "\u{e9}".repeat(36)),
            &unknown_flag,
        ] {
            assert!(wrong.parse::<RefreshToken>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn refresh_token_hides_its_secret_in_debug_output() {
        let token = token();
        let shown = format!("{token:?} {token:#?} {:?}", token.secret_hash());
        let secret = format!("{:?}", token.parts().secret);
        assert!(!shown.contains(secret.trim_matches(['[', ']'])) && !shown.contains("rt1_"), "{shown}");
    }

    proptest! {
        #[test]
        fn refresh_token_parses_or_rejects_any_text(text in "\\PC*") {
            if let Ok(token) = text.parse::<RefreshToken>() {
                prop_assert_eq!(token.expose(), text);
            }
        }

        /// The text has the right length, and nearly always the right form.
        #[test]
        fn refresh_token_parses_or_rejects_similar_text(text in "rt1_[A-Za-z0-9_-]{72}", position in 0..76_usize, symbol in any::<char>()) {
            let other: String = text.chars().enumerate().map(|(at, kept)| if at == position { symbol } else { kept }).collect();
            for text in [text, other] {
                if let Ok(token) = text.parse::<RefreshToken>() {
                    prop_assert_eq!(token.expose(), text);
                }
            }
        }

        #[test]
        fn refresh_token_has_a_single_spelling_for_any_bytes(mut bytes in proptest::array::uniform32(any::<u8>())) {
            bytes[1] &= RefreshTokenFlags::KNOWN;
            let mut all = [0x5a; TOKEN_BYTES];
            all[..32].copy_from_slice(&bytes);
            let token = RefreshToken { bytes: all };
            prop_assert!(token.expose().parse::<RefreshToken>().unwrap() == token);
        }
    }
}
