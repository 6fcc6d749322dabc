//! [`PublicMaterial`]: the numbers of a public key from any format, checked for strength once.

use crate::algorithm::{Algorithm, Curve, Family};
use crate::error::KeyError;

/// The numbers of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { modulus: Box<[u8]>, exponent: Box<[u8]> },
    /// The curve and the uncompressed point: `04 || x || y` (SEC 1 §2.3.3).
    Ec { curve: Curve, point: Box<[u8]> },
    /// The encoded point (RFC 8032 §5.1.2).
    Ed25519([u8; 32]),
}

const MIN_MODULUS_BITS: usize = 2048;
const MAX_MODULUS_BITS: usize = 8192;

impl PublicMaterial {
    /// Creates an RSA key after checking its strength. Leading zeros are dropped.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = (strip_zeros(modulus), strip_zeros(exponent));
        let bits = bit_len(modulus);
        if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) {
            return Err(KeyError::RsaModulus { bits });
        }
        let even = |number: &[u8]| number.last().is_none_or(|byte| byte & 1 == 0);
        if even(modulus) {
            return Err(KeyError::Malformed { name: "n" });
        }
        // The backends accept exponents up to 2^33. Keys in use have 3 or 65537.
        let in_range = bit_len(exponent) <= 33 && exponent != [1];
        if even(exponent) || !in_range {
            return Err(KeyError::RsaExponent);
        }
        Ok(Self::Rsa { modulus: modulus.into(), exponent: exponent.into() })
    }

    /// Creates an EC key from an uncompressed point. The backend checks that the point is on its curve when it
    /// prepares the key.
    pub(crate) fn ec(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let expected = curve.coordinate_len().saturating_mul(2).saturating_add(1);
        match point.first() {
            Some(4) if point.len() == expected => Ok(Self::Ec { curve, point: point.into() }),
            _ => Err(KeyError::Point),
        }
    }

    /// Creates an Ed25519 key. Points of low order are rejected, because with such a key one signature fits
    /// many messages.
    pub(crate) fn ed25519(x: &[u8]) -> Result<Self, KeyError> {
        let bytes: [u8; 32] = x.try_into().map_err(|_cause| KeyError::Malformed { name: "x" })?;
        let mut unsigned = bytes;
        if let Some(last) = unsigned.last_mut() {
            *last &= 0x7f; // clears the sign of x, which does not change the order
        }
        if LOW_ORDER_Y.contains(&unsigned) {
            return Err(KeyError::Point);
        }
        Ok(Self::Ed25519(bytes))
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm.family()) {
            (Self::Rsa { .. }, Family::Rsa) | (Self::Ed25519(_), Family::Ed25519) => true,
            (Self::Ec { curve, .. }, Family::Ec(wanted)) => *curve == wanted,
            _ => false,
        }
    }

    /// Returns the algorithms besides the [default](Self::default_algorithm) that this kind of key can be used with.
    pub(crate) fn other_algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        let default = self.default_algorithm();
        Algorithm::ALL.into_iter().filter(move |algorithm| self.fits(*algorithm) && *algorithm != default)
    }

    /// Returns the algorithm of a key that does not name one. For an RSA key this is RS256, which RFC 9068 §2.1
    /// and `OpenID` Connect require every implementation to support. The other kinds have only one.
    pub(crate) fn default_algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::Ec { curve, .. } => curve.algorithm(),
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bit_len(stripped: &[u8]) -> usize {
    let Some((first, rest)) = stripped.split_first() else { return 0 };
    let top = 8_usize.saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(8));
    rest.len().saturating_mul(8).saturating_add(top)
}

/// The y coordinates of the eight points of low order, and their encodings above the field prime (p = 2^255 -
/// 19). They are little-endian, with the sign bit clear.
const LOW_ORDER_Y: [[u8; 32]; 7] = [
    // 0 (order 4)
    [0; 32],
    // 1 (order 1)
    first_byte(1),
    // The two y coordinates of order 8.
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    near_prime(0xec), // p - 1 (order 2)
    near_prime(0xed), // p, the same as 0
    near_prime(0xee), // p + 1, the same as 1
];

const fn first_byte(byte: u8) -> [u8; 32] {
    let mut y = [0; 32];
    y[0] = byte;
    y
}

const fn near_prime(byte: u8) -> [u8; 32] {
    let mut y = [0xff; 32];
    y[0] = byte;
    y[31] = 0x7f;
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_key_is_rejected_when_modulus_is_too_short_or_too_long() {
        let modulus = |bits: usize| {
            let mut n = vec![0xff; bits / 8];
            n[0] = 0x80;
            n
        };
        let e = [1, 0, 1];
        assert!(PublicMaterial::rsa(&modulus(2048), &e).is_ok());
        assert!(PublicMaterial::rsa(&modulus(8192), &e).is_ok());
        assert_eq!(PublicMaterial::rsa(&modulus(1024), &e), Err(KeyError::RsaModulus { bits: 1024 }));
        assert_eq!(PublicMaterial::rsa(&modulus(2040), &e), Err(KeyError::RsaModulus { bits: 2040 }));
        assert_eq!(PublicMaterial::rsa(&modulus(16384), &e), Err(KeyError::RsaModulus { bits: 16384 }));
        assert_eq!(PublicMaterial::rsa(&[], &e), Err(KeyError::RsaModulus { bits: 0 }));
        // Leading zeros do not add strength.
        let mut padded = vec![0; 200];
        padded.extend(modulus(1024));
        assert_eq!(PublicMaterial::rsa(&padded, &e), Err(KeyError::RsaModulus { bits: 1024 }));
    }

    #[test]
    fn rsa_exponent_must_be_odd_and_small() {
        let mut n = vec![0xff; 256];
        n[0] = 0x80;
        for bad in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[2, 0, 0, 0, 1], &[0xff; 65536]] {
            assert_eq!(PublicMaterial::rsa(&n, bad), Err(KeyError::RsaExponent), "{} bytes", bad.len());
        }
        for good in [&[3][..], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]] {
            assert!(PublicMaterial::rsa(&n, good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn ed25519_points_of_low_order_are_rejected_with_either_sign() {
        for mut y in LOW_ORDER_Y {
            assert_eq!(PublicMaterial::ed25519(&y), Err(KeyError::Point));
            y[31] |= 0x80;
            assert_eq!(PublicMaterial::ed25519(&y), Err(KeyError::Point));
        }
        for len in [0, 31, 33] {
            assert_eq!(PublicMaterial::ed25519(&vec![7; len]), Err(KeyError::Malformed { name: "x" }));
        }
    }
}
