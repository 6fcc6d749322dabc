//! Checks whether an attacker could guess an HMAC secret (RFC 7518 §3.2, RFC 8725 §3.5).
//!
//! The server cannot see how a secret was made. It can see that a secret is short, repeats itself, counts up,
//! consists of words or comes from a tutorial. Each rule matches a random secret, as bytes or as hex or base64
//! text, at most about once in a million.

use crate::algorithm::Algorithm;
use crate::error::WeakSecret;

/// Words that attackers try first. Random base64 text contains one of them about once in ten million secrets.
const WORDS: [&str; 14] = [
    "secret",
    "password",
    "passw0rd",
    "changeme",
    "change-me",
    "change_me",
    "example",
    "letmein",
    "qwerty",
    "default",
    "your-256-bit",
    "placeholder",
    "insecure",
    "supersecure",
];

pub(crate) fn check(algorithm: Algorithm, secret: &[u8]) -> Result<(), WeakSecret> {
    let min = algorithm.hash_len();
    if secret.len() < min {
        return Err(WeakSecret::TooShort { bytes: secret.len(), min });
    }
    if repeats(secret) {
        return Err(WeakSecret::Repetitive);
    }
    if counts(secret) {
        return Err(WeakSecret::Sequential);
    }
    let lower: Vec<u8> = secret.to_ascii_lowercase();
    if WORDS.iter().any(|word| contains(&lower, word.as_bytes())) {
        return Err(WeakSecret::WellKnown);
    }
    // 64 random hex digits have about 15.7 different symbols of 16, and 32 random bytes about 30 different
    // values.
    if distinct(secret) < 10 || most_frequent(secret) > secret.len() / 3 {
        return Err(WeakSecret::FewDistinctBytes);
    }
    if is_words(secret) {
        return Err(WeakSecret::Words);
    }
    Ok(())
}

/// Returns whether the secret is one block of at most half its length, repeated.
fn repeats(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| secret.iter().zip(secret.iter().skip(period)).all(|(a, b)| a == b))
}

/// Returns whether three quarters of the neighboring bytes differ by one, in the same direction.
fn counts(secret: &[u8]) -> bool {
    let steps = |step: u8| {
        secret.iter().zip(secret.iter().skip(1)).filter(|(a, b)| a.wrapping_add(step) == **b).count()
    };
    let enough = secret.len().saturating_mul(3) / 4;
    steps(1) >= enough || steps(u8::MAX) >= enough
}

fn distinct(secret: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    seen.into_iter().filter(|seen| *seen).count()
}

/// Returns the number of occurrences of the most frequent byte.
fn most_frequent(secret: &[u8]) -> usize {
    secret.iter().map(|byte| secret.iter().filter(|other| *other == byte).count()).max().unwrap_or(0)
}

/// Returns whether the secret looks typed rather than encoded: letters with separators, mostly of one case,
/// with at most a few digits at the end. Hex text has digits throughout. Base64 text mixes cases evenly, and
/// almost always has digits.
fn is_words(secret: &[u8]) -> bool {
    let body = secret
        .iter()
        .rposition(|byte| !byte.is_ascii_digit() && !is_separator(*byte))
        .map_or(0, |last| last.saturating_add(1));
    let Some(body) = secret.get(..body) else { return false };
    let count = |is: fn(&u8) -> bool| body.iter().filter(|byte| is(byte)).count();
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let letters = lower.saturating_add(upper);
    let only_words = letters.saturating_add(count(|byte| is_separator(*byte))) == body.len();
    let mostly_one_case = lower.min(upper) <= letters / 4;
    secret.len().saturating_sub(body.len()) <= 8 && only_words && mostly_one_case
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'_' | b'.' | b',' | b'!' | b'?' | b'/' | b':')
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weakness(secret: impl AsRef<[u8]>) -> Option<WeakSecret> {
        check(Algorithm::Hs256, secret.as_ref()).err()
    }

    #[test]
    fn secret_must_be_as_long_as_the_hash() {
        for (algorithm, min) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
            let random: Vec<u8> =
                (0..min).map(|i: usize| (i * i * 31 + 7 * i + 13).to_le_bytes()[0]).collect();
            assert_eq!(check(algorithm, &random), Ok(()));
            let bytes = min - 1;
            assert_eq!(check(algorithm, &random[1..]), Err(WeakSecret::TooShort { bytes, min }));
            assert_eq!(check(algorithm, b""), Err(WeakSecret::TooShort { bytes: 0, min }));
        }
    }

    #[test]
    fn typed_secrets_are_rejected() {
        assert_eq!(weakness([b'a'; 32]), Some(WeakSecret::Repetitive));
        assert_eq!(weakness([0; 64]), Some(WeakSecret::Repetitive));
        assert_eq!(weakness("changeme".repeat(4)), Some(WeakSecret::Repetitive));
        assert_eq!(weakness((0..=31).collect::<Vec<u8>>()), Some(WeakSecret::Sequential));
        assert_eq!(weakness("abcdefghijklmnopqrstuvwxyz0123456789"), Some(WeakSecret::Sequential));
        assert_eq!(weakness("zyxwvutsrqponmlkjihgfedcba9876543210"), Some(WeakSecret::Sequential));
        assert_eq!(weakness("a-string-secret-at-least-256-bits-long"), Some(WeakSecret::WellKnown));
        assert_eq!(weakness("Sup3rPassword!Sup4rPassw0rd!Sup5r!!"), Some(WeakSecret::WellKnown));
        assert_eq!(weakness("correct horse battery staple and more 12"), Some(WeakSecret::Words));
        assert_eq!(weakness("the quick brown fox jumps over the lazy dog"), Some(WeakSecret::Words));
        assert_eq!(weakness("001101100101110010110010111001010011"), Some(WeakSecret::FewDistinctBytes));
        assert_eq!(weakness("changeme-changeme-changeme-\u{e9}a1Bxyz"), Some(WeakSecret::WellKnown));
        assert_eq!(weakness("Passphrase-For-The-Production-Api-1"), Some(WeakSecret::Words));
        assert_eq!(weakness("CorrectHorseBatteryStapleCorrect!"), Some(WeakSecret::Words));
        assert_eq!(weakness(format!("{}abcdefghij", "0".repeat(54))), Some(WeakSecret::FewDistinctBytes));
    }

    #[test]
    fn random_secrets_are_accepted_in_every_encoding() {
        let raw = [
            0x8f, 0x1c, 0x5e, 0xd3, 0x02, 0xb7, 0x99, 0x4a, 0x6e, 0xf0, 0x13, 0xc8, 0x7d, 0x21, 0xaa, 0x54,
            0x3b, 0xe6, 0x90, 0x0f, 0xd7, 0x68, 0x2c, 0xb1, 0x45, 0xfa, 0x86, 0x1d, 0xc3, 0x5f, 0x72, 0x09,
        ];
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(weakness(raw), None);
        assert_eq!(weakness(&hex), None);
        assert_eq!(weakness(hex.to_uppercase()), None);
        assert_eq!(weakness(crate::base64url::encode(&raw)), None);
    }
}
