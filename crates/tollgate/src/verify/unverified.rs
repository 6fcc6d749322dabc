//! [`Unverified`]: a parsed token. Nothing in it is trusted yet.

use std::borrow::Cow;

use super::Verifier;
use crate::claims::Payload;
use crate::error::{TokenError, TokenPart};
use crate::header::Header;
use crate::known_headers::KnownHeaders;
use crate::token::CompactToken;

/// A token that was parsed but not verified.
pub(crate) struct Unverified<'a> {
    pub(super) token: CompactToken<'a>,
    pub(super) header: Cow<'a, Header>,
    pub(super) header_is_known: bool,
    pub(super) payload: &'a mut Payload,
    /// The first part that is padded. Only some verifiers tolerate that.
    pub(super) padded: Option<TokenPart>,
}

/// How to parse a token before its verifier is known.
pub(crate) struct Reading<'a> {
    pub(crate) max_bytes: usize,
    pub(crate) headers: &'a KnownHeaders,
    pub(crate) verifiers: &'a [Verifier],
    /// Whether the token may belong to a verifier that is not in the list.
    pub(crate) is_open: bool,
    /// Whether the token may belong to a verifier that tolerates padding.
    pub(crate) may_pad: bool,
}

impl<'a> Unverified<'a> {
    /// Parses `token`: size, three parts, strict base64url, strict JSON (RFC 7519 §7.2 steps 1 to 5, 10).
    /// Decodes the payload into `payload`, unless none of the verifiers accepts the header.
    pub(crate) fn parse(
        token: &'a [u8],
        reading: &Reading<'a>,
        payload: &'a mut Payload,
    ) -> Result<Self, TokenError> {
        let parts = CompactToken::of_bytes(token, reading.max_bytes)?;
        let (parts, padded) = match reading.may_pad.then(|| parts.unpadded()).flatten() {
            Some(unpadded) => (unpadded, Some(parts.padded_part())),
            None => (parts, None),
        };
        Self::read(parts, padded, reading, payload)
            .map_err(|error| parts.check_parts(token).err().unwrap_or(error))
    }

    #[inline]
    fn read(
        token: CompactToken<'a>,
        padded: Option<TokenPart>,
        reading: &Reading<'a>,
        payload: &'a mut Payload,
    ) -> Result<Self, TokenError> {
        let known_header = reading.headers.get(token.header_text());
        let header_is_known = known_header.is_some();
        let header = match known_header {
            Some(header) => header,
            None => Cow::Owned(token.header()?),
        };
        if !header_is_known && !reading.is_open {
            check_header(&header, reading.verifiers)?;
        }
        payload.read(&token)?;
        Ok(Self { token, header, header_is_known, payload, padded })
    }

    /// Returns the signature part, which is not decoded yet.
    pub(crate) fn signature_text(&self) -> &'a [u8] {
        self.token.signature_text()
    }

    /// Returns the claims, only to choose the verifier.
    pub(crate) fn payload(&self) -> &Payload {
        self.payload
    }

    /// Returns the first part that is padded.
    pub(crate) fn padded(&self) -> Option<TokenPart> {
        self.padded
    }
}

/// Returns whether one of the verifiers can accept a token with this header.
fn check_header(header: &Header, verifiers: &[Verifier]) -> Result<(), TokenError> {
    let mut verdict = Ok(());
    for verifier in verifiers {
        verdict = verifier.check_header(header);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}
