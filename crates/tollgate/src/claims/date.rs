//! `NumericDate` (RFC 7519 §2): seconds since the epoch as a JSON number, whole or not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

use crate::time::UnixTime;

/// A `NumericDate`, as the two whole seconds around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumericDate {
    /// The whole second at or before the date. The token has expired from this second on.
    pub(crate) floor: UnixTime,
    /// The whole second at or after the date. The token is valid from this second on.
    pub(crate) ceil: UnixTime,
}

impl NumericDate {
    pub(crate) const fn from_secs(secs: i64) -> Self {
        let time = UnixTime::from_secs(secs);
        Self { floor: time, ceil: time }
    }

    /// Parses a JSON number. Times past the year 292 billion saturate.
    pub(crate) fn parse(number: &str) -> Option<Self> {
        if let Ok(secs) = number.parse() {
            return Some(Self::from_secs(secs));
        }
        let secs: f64 = number.parse().ok().filter(|secs: &f64| secs.is_finite())?;
        Some(Self { floor: saturate(secs.floor()), ceil: saturate(secs.ceil()) })
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The hint matters. If another crate in the build enables `arbitrary_precision` of serde_json,
        // `deserialize_any` would present numbers as maps.
        deserializer.deserialize_f64(DateVisitor)
    }
}

/// Reads a `NumericDate` (RFC 7519 §2) as the whole second at or before it.
impl<'de> Deserialize<'de> for UnixTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NumericDate::deserialize(deserializer).map(|date| date.floor)
    }
}

impl Serialize for UnixTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_secs())
    }
}

struct DateVisitor;

impl Visitor<'_> for DateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E>(self, secs: i64) -> Result<NumericDate, E> {
        Ok(NumericDate::from_secs(secs))
    }

    /// Times past the year 292 billion saturate.
    fn visit_u64<E: serde::de::Error>(self, secs: u64) -> Result<NumericDate, E> {
        self.visit_i64(i64::try_from(secs).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: serde::de::Error>(self, secs: f64) -> Result<NumericDate, E> {
        if !secs.is_finite() {
            return Err(E::custom("not a finite number"));
        }
        Ok(NumericDate { floor: saturate(secs.floor()), ceil: saturate(secs.ceil()) })
    }
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "saturation is wanted")]
fn saturate(whole_secs: f64) -> UnixTime {
    UnixTime::from_secs(whole_secs as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(json: &str) -> Option<(i64, i64)> {
        let date: NumericDate = serde_json::from_str(json).ok()?;
        Some((date.floor.as_secs(), date.ceil.as_secs()))
    }

    #[test]
    fn every_json_number_is_a_date() {
        assert_eq!(date("1700000000"), Some((1_700_000_000, 1_700_000_000)));
        assert_eq!(date("1700000000.5"), Some((1_700_000_000, 1_700_000_001)));
        assert_eq!(date("1.7e9"), Some((1_700_000_000, 1_700_000_000)));
        assert_eq!(date("-1"), Some((-1, -1)));
        assert_eq!(date("-1.5"), Some((-2, -1)));
        assert_eq!(date("0"), Some((0, 0)));
        assert_eq!(date("18446744073709551615"), Some((i64::MAX, i64::MAX)));
        assert_eq!(date("-9223372036854775808"), Some((i64::MIN, i64::MIN)));
        assert_eq!(date("1e308"), Some((i64::MAX, i64::MAX)));
        assert_eq!(date("-1e308"), Some((i64::MIN, i64::MIN)));
    }

    #[test]
    fn other_values_are_rejected() {
        for json in ["\"1700000000\"", "null", "true", "[]", "{}", "[1]", "1e400", "NaN", "Infinity", ""] {
            assert_eq!(date(json), None, "{json}");
        }
    }
}
