//! [`Unverified`]: a parsed token. Nothing in it is trusted yet.

use std::borrow::Cow;

use super::Verifier;
use crate::claims::Payload;
use crate::error::TokenError;
use crate::header::Header;
use crate::known_headers::KnownHeaders;
use crate::token::CompactToken;

/// A token that was parsed but not verified.
pub(crate) struct Unverified<'a> {
    pub(super) token: CompactToken<'a>,
    pub(super) header: Cow<'a, Header>,
    pub(super) header_is_known: bool,
    pub(super) payload: &'a mut Payload,
}

impl<'a> Unverified<'a> {
    /// Parses `token`: size, three parts, strict base64url, strict JSON (RFC 7519 §7.2 steps 1 to 5, 10).
    /// Decodes the payload into `payload`, unless none of the `verifiers` accepts the header.
    pub(crate) fn parse(
        token: &'a [u8],
        max_bytes: usize,
        known: &'a KnownHeaders,
        verifiers: &[Verifier],
        payload: &'a mut Payload,
    ) -> Result<Self, TokenError> {
        let parts = CompactToken::of_bytes(token, max_bytes)?;
        Self::read(parts, known, verifiers, payload)
            .map_err(|error| parts.check_parts(token).err().unwrap_or(error))
    }

    #[inline]
    fn read(
        token: CompactToken<'a>,
        known: &'a KnownHeaders,
        verifiers: &[Verifier],
        payload: &'a mut Payload,
    ) -> Result<Self, TokenError> {
        let known_header = known.get(token.header_text());
        let header_is_known = known_header.is_some();
        let header = match known_header {
            Some(header) => header,
            None => Cow::Owned(token.header()?),
        };
        if !header_is_known {
            check_header(&header, verifiers)?;
        }
        payload.read(&token)?;
        Ok(Self { token, header, header_is_known, payload })
    }

    /// Returns the signature part, which is not decoded yet.
    pub(crate) fn signature_text(&self) -> &'a [u8] {
        self.token.signature_text()
    }

    /// Returns `iss`, only to choose the verifier.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.payload.issuer()
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
