//! Whether the networks a grant is limited to are among those the rules name.

use std::net::IpAddr;

use policy::{Grant, Values};

use super::coverage::restriction;

/// One of the network conditions of a grant admits only networks of the rules.
pub(super) fn is_within_networks(grant: &Grant, networks: &[String]) -> bool {
    let is_named = |id: &String| networks.iter().any(|named| named.eq_ignore_ascii_case(id));
    let by_id = ["aws:SourceVpc", "aws:SourceVpce"].iter().any(|key| {
        match restriction(grant, key).map(|found| &found.values) {
            Some(Values::OneOf(ids) | Values::OneOfIgnoringCase(ids)) => {
                !ids.is_empty() && ids.iter().all(is_named)
            }
            _ => false,
        }
    });
    let by_address = match restriction(grant, "aws:SourceIp").map(|found| &found.values) {
        Some(Values::Networks(cidrs) | Values::OneOf(cidrs)) => {
            let within = |cidr: &String| networks.iter().any(|named| contains(named, cidr));
            !cidrs.is_empty() && cidrs.iter().all(within)
        }
        _ => false,
    };
    by_id || by_address
}

/// Whether a network holds all of another.
pub(super) fn contains(outer: &str, inner: &str) -> bool {
    let (Some((outer, outer_length)), Some((inner, inner_length))) = (cidr(outer), cidr(inner))
    else {
        return false;
    };
    let shared = |outer: u128, inner: u128, bits: u32| {
        let free = bits.saturating_sub(outer_length);
        outer.checked_shr(free) == inner.checked_shr(free)
    };
    outer_length <= inner_length
        && match (outer, inner) {
            (IpAddr::V4(outer), IpAddr::V4(inner)) => shared(
                u128::from(u32::from(outer)),
                u128::from(u32::from(inner)),
                32,
            ),
            (IpAddr::V6(outer), IpAddr::V6(inner)) => {
                shared(u128::from(outer), u128::from(inner), 128)
            }
            _ => false,
        }
}

fn cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(all);
    (length <= all).then_some((address, length))
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_network_holds_what_lies_in_it() {
        for (outer, inner, holds) in [
            ("192.0.2.0/24", "192.0.2.128/25", true),
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.7/32", true),
            ("192.0.2.0/24", "192.0.2.0/23", false),
            ("192.0.2.0/24", "198.51.100.0/24", false),
            ("2001:db8::/32", "2001:db8:1::/48", true),
            ("2001:db8::/32", "2001:db9::/48", false),
            ("192.0.2.0/24", "2001:db8::/48", false),
            ("vpc-0123456789abcdef0", "192.0.2.0/24", false),
            ("192.0.2.0/24", "everywhere", false),
        ] {
            assert_eq!(contains(outer, inner), holds, "{inner} in {outer}");
        }
    }
}
