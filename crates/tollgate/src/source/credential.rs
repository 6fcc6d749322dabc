//! [`Credential`]: the value that a request presents as its token.

use super::TokenSource;
use crate::error::RequestError;
use crate::grammar::is_b64token_symbol;

/// The value that a request presents as its token, and its source.
#[derive(Clone, Copy)]
pub(crate) struct Credential<'r, 's> {
    /// The value as received. A value that is not in the cache has to be [checked](Self::check).
    pub(crate) bytes: &'r [u8],
    pub(crate) source: &'s TokenSource,
}

impl Credential<'_, '_> {
    /// Checks the grammar that all issuers' tokens have:
    /// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`RequestError::NotAToken`] when the value does not match the grammar.
    pub(crate) fn check(&self) -> Result<(), RequestError> {
        if without_padding(self.bytes).is_empty() {
            return Err(self.fault());
        }
        self.check_rest(self.bytes)
    }

    /// Checks `rest`, when all bytes before it are already known to be symbols of a token.
    pub(crate) fn check_rest(&self, rest: &[u8]) -> Result<(), RequestError> {
        if are_b64token_symbols(without_padding(rest)) { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> RequestError {
        RequestError::NotAToken { location: self.source.location() }
    }
}

fn without_padding(bytes: &[u8]) -> &[u8] {
    if bytes.last() != Some(&b'=') {
        return bytes;
    }
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    bytes.get(..bytes.len().saturating_sub(padding)).unwrap_or_default()
}

/// Checks sixteen bytes at a time. The last chunk overlaps the one before it.
fn are_b64token_symbols(bytes: &[u8]) -> bool {
    let (sixteens, rest) = bytes.as_chunks::<16>();
    let Some(last) = bytes.last_chunk() else {
        return rest.iter().all(|byte| is_b64token_symbol(*byte));
    };
    let mut others = [false; 16];
    for sixteen in sixteens.iter().chain([last]) {
        for (other, byte) in others.iter_mut().zip(sixteen) {
            *other |= !is_b64token_symbol(*byte);
        }
    }
    others == [false; 16]
}
