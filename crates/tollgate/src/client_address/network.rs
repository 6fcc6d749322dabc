//! [`Network`]: a range of addresses with a common prefix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::ConfigError;

/// A range of addresses with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    V4 { base: u32, mask: u32 },
    V6 { base: u128, mask: u128 },
}

impl Network {
    /// Parses an address with an optional prefix length. A network of IPv4-mapped addresses becomes one of IPv4.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid = |problem| ConfigError::Network { text: text.into(), problem };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_cause| invalid("it must be an IP address, with or without a prefix length"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(bits), |length| prefix_length(length, bits));
        let length = length.ok_or_else(|| invalid("the prefix length must be a number of bits"))?;
        let network = match address {
            IpAddr::V4(address) => Self::v4(address, length),
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), length.checked_sub(96)) {
                (Some(mapped), Some(length)) => Self::v4(mapped, length),
                _ => Self::v6(address, length),
            },
        };
        let network = network
            .ok_or_else(|| invalid("a network of all addresses would let each client choose its own"))?;
        if network.has_host_bits() {
            return Err(invalid("bits after the prefix must be zero"));
        }
        Ok(network)
    }

    /// Returns `None` for the prefix length 0.
    fn v4(base: Ipv4Addr, length: u32) -> Option<Self> {
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?)?;
        Some(Self::V4 { base: base.to_bits(), mask })
    }

    fn v6(base: Ipv6Addr, length: u32) -> Option<Self> {
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?)?;
        Some(Self::V6 { base: base.to_bits(), mask })
    }

    fn has_host_bits(self) -> bool {
        match self {
            Self::V4 { base, mask } => base & mask != base,
            Self::V6 { base, mask } => base & mask != base,
        }
    }

    /// Returns whether the network contains `address`, which is canonical: no IPv4-mapped address.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { base, mask }, IpAddr::V4(address)) => address.to_bits() & mask == base,
            (Self::V6 { base, mask }, IpAddr::V6(address)) => address.to_bits() & mask == base,
            _ => false,
        }
    }
}

fn prefix_length(text: &str, bits: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|length| digits && *length <= bits)
}
