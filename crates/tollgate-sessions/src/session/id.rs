//! [`SessionId`]: a UUID of version 7 (RFC 9562 §5.7).

use std::fmt;
use std::str::FromStr;

use super::time::UnixMillis;
use crate::support::{EntropyError, fill_random};

/// The ID of a session: a UUID of version 7, made of the time of the login and 74 random bits. It is no secret;
/// access tokens carry it as the `sid` claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Generates an ID whose timestamp is `now`.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gave no random bytes.
    pub fn generate(now: UnixMillis) -> Result<Self, EntropyError> {
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let mut bits = u128::from_be_bytes(random);
        bits = (bits & VARIABLE) | VERSION_AND_VARIANT;
        let timestamp = u128::from(now.as_millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        Ok(Self((bits | (timestamp << 80)).to_be_bytes()))
    }

    /// Returns the smallest ID with the timestamp `at`. It is smaller than every ID generated at that time or
    /// later, and larger than every ID generated before.
    #[must_use]
    pub fn floor(at: UnixMillis) -> Self {
        let timestamp = u128::from(at.as_millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        Self((timestamp << 80).to_be_bytes())
    }

    /// Makes an ID from the 16 bytes that [`as_bytes`](Self::as_bytes) returned.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes of the ID.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns when the ID was generated, by the clock of the process that generated it.
    #[must_use]
    pub fn created_at(&self) -> UnixMillis {
        let millis = u128::from_be_bytes(self.0) >> 80;
        UnixMillis::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// All bits but the timestamp, the version and the variant.
const VARIABLE: u128 = 0x0000_0000_0000_0fff_3fff_ffff_ffff_ffff;
const VERSION_AND_VARIANT: u128 = 0x0000_0000_0000_7000_8000_0000_0000_0000;

/// Writes the ID as a UUID: `0190163d-8694-739b-aea5-966c26f8ad91`.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a session ID: 36 characters of lower-case hexadecimal digits and hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session ID: expected 36 characters of lower-case hexadecimal digits and hyphens")]
#[non_exhaustive]
pub struct ParseSessionIdError;

/// Parses exactly what [`Display`](fmt::Display) writes, so that every ID has a single spelling.
impl FromStr for SessionId {
    type Err = ParseSessionIdError;

    fn from_str(text: &str) -> Result<Self, ParseSessionIdError> {
        let digits: String = text.chars().filter(|character| *character != '-').collect();
        let bits = u128::from_str_radix(&digits, 16).map_err(|_cause| ParseSessionIdError)?;
        let id = Self(bits.to_be_bytes());
        if id.to_string() == text { Ok(id) } else { Err(ParseSessionIdError) }
    }
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "ASCII")]
mod tests {
    use super::*;

    #[test]
    fn session_id_carries_its_timestamp_and_sorts_by_it() {
        let now = UnixMillis::from_millis(1_700_000_000_123);
        let id = SessionId::generate(now).unwrap();
        assert_eq!(id.created_at(), now);
        assert_eq!(id.as_bytes()[6] >> 4, 7);
        assert_eq!(id.as_bytes()[8] >> 6, 0b10);
        assert!(SessionId::floor(now) < id);
        assert!(id < SessionId::floor(UnixMillis::from_millis(1_700_000_000_124)));
        assert_ne!(id, SessionId::generate(now).unwrap());
    }

    #[test]
    fn session_id_rejects_other_spellings() {
        let text = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(text.parse::<SessionId>().unwrap().to_string(), text);
        let upper = text.to_uppercase();
        for wrong in
            ["", "-", &text[1..], &upper, &text.replace('-', ""), "+190163d-8694-739b-aea5-966c26f8ad91"]
        {
            assert_eq!(wrong.parse::<SessionId>(), Err(ParseSessionIdError), "{wrong}");
        }
    }
}
