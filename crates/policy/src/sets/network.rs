//! Networks of addresses, IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network as `192.0.2.0/24`; an address alone is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network {
    /// IPv6.
    pub(crate) six: bool,
    /// Lowest address.
    pub(crate) first: u128,
    /// Highest address.
    pub(crate) last: u128,
    /// Bits that are fixed.
    pub(crate) prefix: u8,
}

/// An address as a number, and whether it is IPv6.
pub(crate) fn address(text: &str) -> Option<(bool, u128)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(four) => Some((false, u128::from(u32::from(four)))),
        IpAddr::V6(six) => Some((true, u128::from(six))),
    }
}

/// The address of a number.
pub(crate) fn address_of(six: bool, number: u128) -> IpAddr {
    if six {
        Ipv6Addr::from(number).into()
    } else {
        Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into()
    }
}

impl Network {
    /// Reads `address` or `address/bits`; bits beyond the prefix are ignored, as IAM does.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, bits) = match text.split_once('/') {
            Some((host, bits)) => {
                if !bits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                (host, Some(bits.parse::<u8>().ok()?))
            }
            None => (text, None),
        };
        let (six, number) = address(host)?;
        let width: u8 = if six { 128 } else { 32 };
        let prefix = bits.unwrap_or(width);
        if prefix > width {
            return None;
        }
        let free = u32::from(width - prefix);
        let mask = if free >= 128 {
            u128::MAX
        } else {
            (1_u128 << free) - 1
        };
        Some(Self {
            six,
            first: number & !mask,
            last: number | mask,
            prefix,
        })
    }

    /// Whether the address lies within.
    pub(crate) fn contains(&self, six: bool, number: u128) -> bool {
        self.six == six && self.first <= number && number <= self.last
    }

    /// As `192.0.2.0/24`.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}", address_of(self.six, self.first), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_wherever_it_is_said_to_begin() {
        for (network, within, address_given) in [
            ("203.0.113.77/24", true, "203.0.113.0"),
            ("203.0.113.77/24", true, "203.0.113.255"),
            ("203.0.113.77/24", false, "203.0.112.255"),
            ("203.0.113.77/24", false, "203.0.114.0"),
            ("0.0.0.0/0", true, "255.255.255.255"),
            ("0.0.0.0/0", false, "::"),
            ("::/0", true, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::1", false, "0.0.0.1"),
        ] {
            let found = Network::parse(network)
                .zip(address(address_given))
                .map(|(network, (six, number))| network.contains(six, number));
            assert_eq!(found, Some(within), "{network} {address_given}");
        }
    }

    #[test]
    fn networks_are_read_as_iam_does() {
        for (text, expected) in [
            ("203.0.113.77/24", Some("203.0.113.0/24")),
            ("203.0.113.7", Some("203.0.113.7/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("2001:db8::1/32", Some("2001:db8::/32")),
            ("::/0", Some("::/0")),
            ("203.0.113.0/33", None),
            ("203.0.113.0/", None),
            ("203.0.113.0/+8", None),
            ("office", None),
        ] {
            let found = Network::parse(text).map(|network| network.text());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
