//! Durations, sizes and secrets as a document writes them.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de;
use zeroize::Zeroizing;

use super::union::{Union, deserialize_union};

/// A duration such as `30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Union<'de> for Span {
    const FORMS: &'static str = "a number and a unit in quotes, such as \"30s\" (ms, s, min, h, d)";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        let wrong = || E::custom(format!("is not a duration; write {}", Self::FORMS));
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let millis = number.checked_mul(millis).filter(|millis| *millis <= LONGEST_MS);
        let millis = millis.ok_or_else(|| E::custom("is longer than ten years; write a shorter duration"))?;
        Ok(Self(Duration::from_millis(millis)))
    }
}
deserialize_union!(Span);

/// Ten years. Sums of longer times could overflow.
const LONGEST_MS: u64 = 3_650 * 86_400_000;

/// A number of bytes such as `64MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl<'de> Union<'de> for Size {
    const FORMS: &'static str = "a number and a unit in quotes, such as \"64MiB\" (B, KiB, MiB, GiB)";

    fn from_text<E: de::Error>(text: &str) -> Result<Self, E> {
        let wrong = || E::custom(format!("is not a size; write {}", Self::FORMS));
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let bytes: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let bytes = number.checked_mul(bytes);
        bytes.map(Self).ok_or_else(|| E::custom("has more than 64 bits; write a smaller size"))
    }
}
deserialize_union!(Size);

/// Splits a text into its number and its unit. Between them may be one space.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|symbol: char| !symbol.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit.strip_prefix(' ').unwrap_or(unit)))
}

/// A secret in the document itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Fault;

    #[test]
    fn durations_and_sizes_need_a_unit() {
        for (text, millis) in
            [("0s", 0), ("1500ms", 1500), ("30s", 30_000), ("5 min", 300_000), ("36h", 129_600_000)]
        {
            let span = Span::from_text::<Fault>(text).unwrap();
            assert_eq!(span.0, Duration::from_millis(millis), "{text}");
        }
        for (text, bytes) in [("0B", 0), ("10 KiB", 10_240), ("64MiB", 67_108_864), ("1GiB", 1_073_741_824)] {
            assert_eq!(Size::from_text::<Fault>(text).unwrap().0, bytes, "{text}");
        }
        for wrong in [
            "",
            "30",
            "s",
            "-1s",
            "+1s",
            "1.5s",
            "30 s ",
            " 30s",
            "30  s",
            "30S",
            "30 seconds",
            "1m",
            "1h30min",
            "4000d",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            Span::from_text::<Fault>(wrong).unwrap_err();
        }
        for wrong in ["", "64", "64MB", "64mib", "64M", "-1B", "18446744073709551615KiB"] {
            Size::from_text::<Fault>(wrong).unwrap_err();
        }
    }

    #[test]
    fn secret_is_not_printed() {
        let secret = Secret(Zeroizing::new("hidden".to_owned()));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret.expose(), "hidden");
    }
}
