//! [`SessionId`]: a UUID of version 7 (RFC 9562 §5.7).

use std::fmt;
use std::str::FromStr;

use super::time::UnixMillis;
use crate::support::{EntropyError, fill_random};

/// The name of a session: when it began, and 74 random bits. Not a secret; it is the `sid` claim of access tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// A new id that says it was made at `now`.
    ///
    /// # Errors
    /// [`EntropyError`] when the operating system gives no random bytes.
    pub fn generate(now: UnixMillis) -> Result<Self, EntropyError> {
        let mut random = [0; 16];
        fill_random(&mut random)?;
        let mut bits = u128::from_be_bytes(random);
        bits = (bits & VARIABLE) | VERSION_AND_VARIANT;
        let timestamp = u128::from(now.as_millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        Ok(Self((bits | (timestamp << 80)).to_be_bytes()))
    }

    /// The smallest id of that instant: smaller than every id made then or later, larger than all before.
    #[must_use]
    pub fn floor(at: UnixMillis) -> Self {
        let timestamp = u128::from(at.as_millis().max(0).unsigned_abs() & 0xffff_ffff_ffff);
        Self((timestamp << 80).to_be_bytes())
    }

    /// From the 16 bytes that [`as_bytes`](Self::as_bytes) gives.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// When it was made, by the clock of who made it.
    #[must_use]
    pub fn created_at(&self) -> UnixMillis {
        let millis = u128::from_be_bytes(self.0) >> 80;
        UnixMillis::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// Everything but the timestamp, the version and the variant.
const VARIABLE: u128 = 0x0000_0000_0000_0fff_3fff_ffff_ffff_ffff;
const VERSION_AND_VARIANT: u128 = 0x0000_0000_0000_7000_8000_0000_0000_0000;

/// As UUIDs are written: `0190163d-8694-739b-aea5-966c26f8ad91`.
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

/// Text that is no session id: 36 characters, lower-case hexadecimal digits and hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session id: 36 characters of lower-case hexadecimal digits and hyphens are expected")]
#[non_exhaustive]
pub struct ParseSessionIdError;

/// Exactly what [`Display`](fmt::Display) writes, so that an id has one spelling.
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
    fn ids_say_when_they_were_made_and_sort_by_it() {
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
    fn an_id_has_one_spelling() {
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
