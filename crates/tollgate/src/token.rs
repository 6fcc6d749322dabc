//! [`CompactToken`]: a token split into its parts. Nothing in it is trusted yet.

use std::borrow::Cow;

use crate::backend::{MAX_SIGNATURE_BYTES, Prepared};
use crate::base64url;
use crate::error::{TokenError, TokenPart};
use crate::header::Header;
use crate::json::{self, JsonError};

/// The default limit of a token's length: 8 KiB, the limit that common servers have for one header field.
pub const DEFAULT_MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A JWS in compact serialization (RFC 7515 §7.1), split but not verified.
#[derive(Clone, Copy)]
pub struct CompactToken<'a> {
    signing_input: &'a [u8],
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> CompactToken<'a> {
    /// Splits `token` into header, payload and signature.
    ///
    /// # Errors
    /// - [`TokenError::TooLong`] above `max_bytes` bytes.
    /// - [`TokenError::Encrypted`] for five parts, a JWE (RFC 7516 §7.1).
    /// - [`TokenError::JsonSerialization`] for a JWS or JWE in JSON serialization, which is not a JWT (RFC 7519
    ///   §1).
    /// - [`TokenError::PartCount`] for any other number of parts.
    /// - [`TokenError::Unsigned`] when the signature part is empty.
    pub fn parse(token: &'a str, max_bytes: usize) -> Result<Self, TokenError> {
        let parts = Self::of_bytes(token.as_bytes(), max_bytes)?;
        parts.check_parts(token.as_bytes()).map(|()| parts)
    }

    /// Splits bytes that may not be UTF-8 and may have more parts. Decoding the payload detects both. When
    /// decoding fails, [`check_parts`](Self::check_parts) finds the reason.
    pub(crate) fn of_bytes(token: &'a [u8], max_bytes: usize) -> Result<Self, TokenError> {
        if token.len() > max_bytes {
            return Err(TokenError::TooLong { bytes: token.len(), max: max_bytes });
        }
        if token.first() == Some(&b'{') {
            return Err(TokenError::JsonSerialization);
        }
        let (Some(first), Some(last)) = (memchr::memchr(b'.', token), memchr::memrchr(b'.', token)) else {
            return Err(other_parts(token));
        };
        if first == last {
            return Err(other_parts(token));
        }
        let (signing_input, signature) = split_around(token, last);
        let (header, payload) = split_around(signing_input, first);
        let parts = Self { signing_input, header, payload, signature };
        if signature.is_empty() {
            return Err(parts.check_parts(token).err().unwrap_or(TokenError::Unsigned));
        }
        Ok(parts)
    }

    /// Checks that `token` has no more parts than these. This is only needed when decoding has failed, because
    /// a dot is not a symbol of base64url.
    #[cold]
    pub(crate) fn check_parts(&self, token: &[u8]) -> Result<(), TokenError> {
        if memchr::memchr(b'.', self.payload).is_some() { Err(other_parts(token)) } else { Ok(()) }
    }

    /// Returns the encoded header.
    pub(crate) fn header_text(&self) -> &'a [u8] {
        self.header
    }

    /// Returns the encoded signature, which may be malformed.
    pub(crate) fn signature_text(&self) -> &'a [u8] {
        self.signature
    }

    /// Parses the header. Most are short enough to need no allocation.
    pub(crate) fn header(&self) -> Result<Header, TokenError> {
        let mut buffer = [0; 192];
        if self.header.len() > 256 {
            let mut json = String::new();
            decode_text(self.header, TokenPart::Header, &mut json)?;
            return Header::parse(&json);
        }
        let bytes = base64url::decode_into(self.header, &mut buffer)
            .map_err(|base64url::NotBase64Url| TokenError::Encoding { part: TokenPart::Header })?;
        Header::parse(std::str::from_utf8(bytes).map_err(|_cause| not_utf8(TokenPart::Header))?)
    }

    /// Returns the member `name` of the header, if it is a string. For members that [`Header`] does not keep.
    pub(crate) fn header_member(&self, name: &str) -> Result<Option<String>, TokenError> {
        let mut json = String::new();
        decode_text(self.header, TokenPart::Header, &mut json)?;
        let mut found = None;
        json::read_object(&json, |member, value| {
            if member != name {
                return Ok(false);
            }
            found = value.text()?.map(Cow::into_owned);
            Ok(found.is_some())
        })
        .map_err(|error: JsonError| TokenError::json(TokenPart::Header, error))?;
        Ok(found)
    }

    /// Returns the same token with its parts unpadded, if one of them is padded (RFC 4648 §3.2). The signature covers
    /// the parts as received.
    pub(crate) fn unpadded(self) -> Option<Self> {
        let [header, payload, signature] = [self.header, self.payload, self.signature].map(without_padding);
        let is_padded = [header, payload, signature] != [self.header, self.payload, self.signature];
        is_padded.then_some(Self { header, payload, signature, ..self })
    }

    /// Returns the first part that is padded.
    pub(crate) fn padded_part(&self) -> TokenPart {
        let is_padded = |part: &[u8]| part.last() == Some(&b'=');
        match (is_padded(self.header), is_padded(self.payload)) {
            (true, _) => TokenPart::Header,
            (false, true) => TokenPart::Payload,
            (false, false) => TokenPart::Signature,
        }
    }

    /// Decodes the payload into `json`.
    pub(crate) fn decode_payload(&self, json: &mut String) -> Result<(), TokenError> {
        decode_text(self.payload, TokenPart::Payload, json)
    }

    /// Verifies the signature over the first two parts as received, with the dot between them (RFC 7515 §5.1).
    pub(crate) fn verify(&self, key: &Prepared) -> Result<(), TokenError> {
        // All signatures but those of RSA are short, and clearing a large buffer takes time.
        if self.signature.len() <= 128 {
            self.verify_within::<96>(key)
        } else {
            self.verify_within::<MAX_SIGNATURE_BYTES>(key)
        }
    }

    fn verify_within<const BYTES: usize>(&self, key: &Prepared) -> Result<(), TokenError> {
        let mut buffer = [0; BYTES];
        let signature = base64url::decode_into(self.signature, &mut buffer)
            .map_err(|base64url::NotBase64Url| TokenError::Encoding { part: TokenPart::Signature })?;
        if key.verify(self.signing_input, signature) { Ok(()) } else { Err(TokenError::SignatureMismatch) }
    }

    pub(crate) fn len(&self) -> usize {
        self.signing_input.len().saturating_add(1).saturating_add(self.signature.len())
    }
}

impl std::fmt::Debug for CompactToken<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompactToken").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

/// Returns the error for a token that does not have three parts.
#[cold]
fn other_parts(token: &[u8]) -> TokenError {
    match token.split(|byte| *byte == b'.').count() {
        5 => TokenError::Encrypted,
        parts => TokenError::PartCount { parts },
    }
}

/// Returns `part` without its padding, if it is padded to a multiple of four symbols.
fn without_padding(part: &[u8]) -> &[u8] {
    let symbols = part.strip_suffix(b"==").or_else(|| part.strip_suffix(b"=")).unwrap_or(part);
    if part.len().is_multiple_of(4) { symbols } else { part }
}

/// Returns the text before and after the byte at `at`.
fn split_around(text: &[u8], at: usize) -> (&[u8], &[u8]) {
    let after = text.get(at.saturating_add(1)..);
    (text.get(..at).unwrap_or_default(), after.unwrap_or_default())
}

/// Decodes into the caller's buffer, because returning the text would move it more than once.
fn decode_text(text: &[u8], part: TokenPart, decoded: &mut String) -> Result<(), TokenError> {
    let bytes = base64url::decode(text).map_err(|base64url::NotBase64Url| TokenError::Encoding { part })?;
    *decoded = String::from_utf8(bytes).map_err(|_cause| not_utf8(part))?;
    Ok(())
}

fn not_utf8(part: TokenPart) -> TokenError {
    TokenError::json(part, JsonError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(token: &str) -> Result<CompactToken<'_>, TokenError> {
        CompactToken::parse(token, DEFAULT_MAX_TOKEN_BYTES)
    }

    #[test]
    fn token_must_have_three_parts() {
        let token = parse("aa.bb.cc").unwrap();
        assert_eq!(token.signing_input, b"aa.bb");
        assert_eq!(token.len(), 8);
        assert_eq!(parse("").unwrap_err(), TokenError::PartCount { parts: 1 });
        assert_eq!(parse("aa").unwrap_err(), TokenError::PartCount { parts: 1 });
        assert_eq!(parse("aa.bb").unwrap_err(), TokenError::PartCount { parts: 2 });
        assert_eq!(parse("a.b.c.d").unwrap_err(), TokenError::PartCount { parts: 4 });
        assert_eq!(parse("a.b.c.d.e.f").unwrap_err(), TokenError::PartCount { parts: 6 });
    }

    #[test]
    fn other_serializations_have_their_own_errors() {
        assert_eq!(parse("a.b.c.d.e").unwrap_err(), TokenError::Encrypted);
        assert_eq!(parse("a....e").unwrap_err(), TokenError::Encrypted);
        assert_eq!(parse(r#"{"payload":"a.b.c"}"#).unwrap_err(), TokenError::JsonSerialization);
        assert_eq!(parse("a.b.").unwrap_err(), TokenError::Unsigned);
    }

    #[test]
    fn size_is_checked_first() {
        let long = ".".repeat(1_000_000);
        assert_eq!(parse(&long).unwrap_err(), TokenError::TooLong { bytes: 1_000_000, max: 8192 });
        assert!(parse(&format!("a.b.{}", "c".repeat(8188))).is_ok());
        assert!(parse(&format!("a.b.{}", "c".repeat(8189))).is_err());
    }

    #[test]
    fn only_exact_padding_is_removed() {
        let parts = |token: &'static str| {
            let token = CompactToken::of_bytes(token.as_bytes(), 100).unwrap().unpadded()?;
            Some(
                [token.header, token.payload, token.signature].map(|part| std::str::from_utf8(part).unwrap()),
            )
        };
        assert_eq!(parts("aa==.bbb=.cccc"), Some(["aa", "bbb", "cccc"]));
        assert_eq!(parts("aaaa.bbbb.cc=="), Some(["aaaa", "bbbb", "cc"]));
        for strict in ["aa.bbb.cccc", "aa=.bb=.cc=", "a=a=.b==b.cccc", "a===.b===.c==="] {
            let left = parts(strict);
            assert!(left.is_none_or(|left| left.iter().any(|part| part.contains('='))), "{strict} {left:?}");
        }
        let padded = CompactToken::of_bytes(b"aa==.bbb=.cccc", 100).unwrap();
        assert_eq!(padded.unpadded().unwrap().signing_input, b"aa==.bbb=");
    }

    #[test]
    fn header_members_are_read_from_the_text() {
        let header = base64url::encode(br#"{"alg":"ES256","signer":"arn:a","n":1}"#);
        let text = format!("{header}.e30.AA");
        let token = parse(&text).unwrap();
        assert_eq!(token.header_member("signer"), Ok(Some("arn:a".to_owned())));
        assert_eq!(token.header_member("n"), Ok(None));
        assert_eq!(token.header_member("x"), Ok(None));
    }

    #[test]
    fn debug_shows_no_token_text() {
        assert_eq!(format!("{:?}", parse("aa.bb.cc").unwrap()), "CompactToken { bytes: 8, .. }");
    }
}
