//! Which networks a way admits, and whether they are few enough to stand for someone.

use super::solver::{Solver, required};
use super::way::Way;
use crate::arn;
use crate::keys::Role;
use crate::sets::network::Network;
use crate::sets::test::Test;

/// Addresses from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) six: bool,
    pub(crate) first: u128,
    pub(crate) last: u128,
}

/// The networks of one family as separate ranges, in order.
fn merged<'n>(networks: impl Iterator<Item = &'n Network>, six: bool) -> Vec<Range> {
    let mut ranges: Vec<Range> = networks
        .filter(|network| network.six == six)
        .map(|network| Range {
            six,
            first: network.first,
            last: network.last,
        })
        .collect();
    ranges.sort_unstable_by_key(|range| range.first);
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(before) if range.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

/// The one of some separate ranges, in order, that holds an address.
fn around(ranges: &[Range], address: u128) -> Option<&Range> {
    let after = ranges.partition_point(|range| range.first <= address);
    let range = ranges.get(after.checked_sub(1)?)?;
    (address <= range.last).then_some(range)
}

/// The addresses that the demands on `aws:SourceIp` leave, in order; `None` where some demand is
/// none on networks.
pub(crate) fn admitted(way: &Way<'_>) -> Option<Vec<Range>> {
    let mut demands: Vec<(&[Network], bool)> = Vec::new();
    for literal in way.of_role(Role::SourceIp) {
        match &*literal.test {
            Test::Networks(networks) => demands.push((networks, literal.passes)),
            Test::Present => {}
            _ => return None,
        }
    }
    let mut ranges: Vec<Range> = Vec::new();
    for six in [false, true] {
        let top = if six { u128::MAX } else { u128::from(u32::MAX) };
        let merged: Vec<(Vec<Range>, bool)> = demands
            .iter()
            .map(|(list, passes)| (merged(list.iter(), six), *passes))
            .collect();
        let mut starts = vec![0];
        for range in merged.iter().flat_map(|(list, _)| list) {
            starts.push(range.first);
            if range.last < top {
                starts.push(range.last + 1);
            }
        }
        starts.sort_unstable();
        starts.dedup();
        for (index, first) in starts.iter().enumerate() {
            let last = starts.get(index + 1).map_or(top, |next| next - 1);
            let inside = merged
                .iter()
                .all(|(list, passes)| around(list, *first).is_some() == *passes);
            if !inside {
                continue;
            }
            // Some list ends or begins where a range does, so that no two touch.
            ranges.push(Range {
                six,
                first: *first,
                last,
            });
        }
    }
    Some(ranges)
}

/// The fewest networks that make up a range.
pub(crate) fn networks_of(range: Range, most: usize) -> Option<Vec<Network>> {
    let width: u32 = if range.six { 128 } else { 32 };
    let mut networks = Vec::new();
    let mut first = range.first;
    loop {
        // As large as it is aligned and fits.
        let (bits, last) = (0..=first.trailing_zeros().min(width))
            .rev()
            .find_map(|bits| {
                let free = 1_u128.checked_shl(bits).map_or(u128::MAX, |size| size - 1);
                let last = first.checked_add(free).filter(|last| *last <= range.last)?;
                Some((bits, last))
            })?;
        networks.push(Network {
            six: range.six,
            first,
            last,
            prefix: u8::try_from(width - bits).ok()?,
        });
        if networks.len() > most {
            return None;
        }
        if last == range.last {
            return Some(networks);
        }
        first = last + 1;
    }
}

fn narrow(network: &Network) -> bool {
    network.prefix >= if network.six { 32 } else { 8 }
}

/// The admitted addresses, if they are positively named, no network broader than /8 (IPv4) or /32
/// (IPv6), and together no more than half of all.
fn few(way: &Way<'_>) -> bool {
    let Some(ranges) = admitted(way) else {
        return false;
    };
    if ranges.is_empty() {
        return false;
    }
    let listed = || {
        way.of_role(Role::SourceIp)
            .filter_map(|literal| match &*literal.test {
                Test::Networks(networks) => Some(networks),
                _ => None,
            })
            .flatten()
            .filter(|network| narrow(network))
    };
    let listed = [merged(listed(), false), merged(listed(), true)];
    let mut total_four: u128 = 0;
    let mut total_six: u128 = 0;
    for range in &ranges {
        let [four, six] = &listed;
        let listed = if range.six {
            total_six = total_six.saturating_add(range.last - range.first);
            six
        } else {
            total_four += range.last - range.first + 1;
            four
        };
        let covered = around(listed, range.first).is_some_and(|one| one.last >= range.last);
        let small = || networks_of(*range, 256).is_some_and(|list| list.iter().all(narrow));
        if !covered && !small() {
            return false;
        }
    }
    total_four <= 1 << 31 && total_six <= 1 << 124
}

/// Every request comes through a network that the demands name positively and that is not broad.
pub(crate) fn limits(way: &Way<'_>, solver: &Solver<'_>) -> bool {
    let mut address = way.of_role(Role::SourceIp).peekable();
    if address.peek().is_some() && !address.all(|literal| literal.absent) && few(way) {
        return true;
    }
    // An endpoint's owner may be named by a variable: the role's own account.
    let named = solver.ready(way, |literal| {
        literal.row.role == Role::Network && literal.passes
    });
    named.iter().any(|one| {
        let Test::Text(patterns) = &*one.test else {
            return false;
        };
        // Patterns: a VPC's ARN with its account, an endpoint's path with its organization.
        let fixed = |shown: &str| match one.literal.row.name {
            // No part of a VPC's ARN holds a colon, so that the parts stand where they stand.
            "aws:SourceVpcArn" => {
                arn::part(shown, 4).is_some_and(arn::is_account) && arn::part(shown, 5).is_some()
            }
            "aws:VpceOrgPaths" => {
                let open = shown.find(['*', '?']).unwrap_or(shown.len());
                let prefix = shown.get(..open).unwrap_or_default();
                prefix.starts_with("o-") && prefix.contains('/')
            }
            _ => false,
        };
        required(way, one.literal, solver)
            && !patterns.is_empty()
            && (patterns.iter().all(|pattern| pattern.tokens.is_none())
                || patterns.iter().all(|pattern| fixed(&pattern.shown())))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::sets::network::{address, address_of};

    fn list(texts: &[&str]) -> Vec<Network> {
        texts
            .iter()
            .map(|text| Network::parse(text).unwrap())
            .collect()
    }

    fn shown(ranges: &[Range]) -> Vec<String> {
        let show = |range: &Range| {
            let end = |number| address_of(range.six, number);
            format!("{}-{}", end(range.first), end(range.last))
        };
        ranges.iter().map(show).collect()
    }

    #[test]
    fn networks_that_touch_are_one_range() {
        let networks = list(&[
            "10.0.1.0/24",
            "10.0.0.0/24",
            "10.0.0.128/25",
            "10.0.3.0/24",
            "2001:db8::/32",
            "255.255.255.255",
        ]);
        let four = merged(networks.iter(), false);
        assert_eq!(
            shown(&four),
            [
                "10.0.0.0-10.0.1.255",
                "10.0.3.0-10.0.3.255",
                "255.255.255.255-255.255.255.255"
            ]
        );
        assert_eq!(
            shown(&merged(networks.iter(), true)),
            ["2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]
        );
        for (text, inside) in [
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("10.0.3.0", true),
            ("10.0.4.0", false),
            ("255.255.255.255", true),
        ] {
            let (_, number) = address(text).unwrap();
            assert_eq!(around(&four, number).is_some(), inside, "{text}");
        }
    }

    #[test]
    fn a_range_is_the_fewest_networks() {
        for (first, last, expected) in [
            ("0.0.0.0", "255.255.255.255", vec!["0.0.0.0/0"]),
            ("0.0.0.0", "127.255.255.255", vec!["0.0.0.0/1"]),
            ("10.0.0.0", "10.0.0.255", vec!["10.0.0.0/24"]),
            ("10.0.0.1", "10.0.0.1", vec!["10.0.0.1/32"]),
            (
                "10.0.0.1",
                "10.0.0.8",
                vec!["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/32"],
            ),
            (
                "255.255.255.254",
                "255.255.255.255",
                vec!["255.255.255.254/31"],
            ),
            (
                "::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                vec!["::/0"],
            ),
            (
                "2001:db8::1",
                "2001:db8::2",
                vec!["2001:db8::1/128", "2001:db8::2/128"],
            ),
        ] {
            let ((six, first), (_, last)) = (address(first).unwrap(), address(last).unwrap());
            let range = Range { six, first, last };
            let texts = |most| {
                networks_of(range, most)
                    .map(|list| list.iter().map(Network::text).collect::<Vec<_>>())
            };
            let whole: Vec<String> = expected.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(texts(expected.len()), Some(whole), "{range:?}");
            assert_eq!(texts(expected.len() - 1), None, "{range:?}");
        }
    }
}
