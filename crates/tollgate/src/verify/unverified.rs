//! [`Unverified`]: a token that has been read. Nothing in it is believed yet.

use std::borrow::Cow;

use super::Verifier;
use crate::claims::Payload;
use crate::error::TokenError;
use crate::header::Header;
use crate::known_headers::KnownHeaders;
use crate::token::CompactToken;

/// A token that has been read and not yet been checked.
pub(crate) struct Unverified<'a> {
    pub(super) token: CompactToken<'a>,
    pub(super) header: Cow<'a, Header>,
    pub(super) header_is_known: bool,
    pub(super) payload: &'a mut Payload,
}

impl<'a> Unverified<'a> {
    /// Reads `token`: size, three parts, strict base64url, strict JSON (RFC 7519 §7.2 steps 1 to 5, 10). When its header
    /// is one that none of the `verifiers` takes, the payload is not looked at; else it is put into `payload`.
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

    /// The one part that has not been decoded yet.
    pub(crate) fn signature_text(&self) -> &'a [u8] {
        self.token.signature_text()
    }

    /// `iss`, to choose the verifier by and for nothing else.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.payload.issuer()
    }
}

/// Whether one of the verifiers may take a token with this header.
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
