//! How one value of a condition compares with one value of a request.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::document::Comparison;
use crate::glob;

/// What a literal `*` or `?` becomes in a pattern, and in the text it is held against, so that the
/// value of a variable is never a wildcard. From a private use area: no value of AWS holds them.
const LITERAL_STAR: char = '\u{f8f0}';
const LITERAL_QUESTION: char = '\u{f8f1}';

/// A condition's value with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted<'v> {
    /// The value; a literal `*` or `?` in a pattern is marked if `marked`.
    pub(super) value: Cow<'v, str>,
    pub(super) marked: bool,
}

impl Wanted<'_> {
    /// The text that a pattern is held against, marked as the pattern is.
    pub(super) fn mark<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.marked {
            Cow::Owned(mark(text))
        } else {
            Cow::Borrowed(text)
        }
    }
}

pub(super) fn mark(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '*' => LITERAL_STAR,
            '?' => LITERAL_QUESTION,
            other => other,
        })
        .collect()
}

/// The comparison that a negated one denies, and whether it is one.
pub(super) fn positive(comparison: Comparison) -> (Comparison, bool) {
    use Comparison as C;
    match comparison {
        C::StringNotEquals => (C::StringEquals, true),
        C::StringNotEqualsIgnoreCase => (C::StringEqualsIgnoreCase, true),
        C::StringNotLike => (C::StringLike, true),
        C::NumericNotEquals => (C::NumericEquals, true),
        C::DateNotEquals => (C::DateEquals, true),
        C::NotIpAddress => (C::IpAddress, true),
        C::ArnNotEquals | C::ArnNotLike => (C::ArnLike, true),
        // The two are one: both read wildcards.
        C::ArnEquals => (C::ArnLike, false),
        other => (other, false),
    }
}

/// Whether a request's value matches; the comparison is one that [`positive`] returns.
pub(super) fn matches(comparison: Comparison, wanted: &Wanted<'_>, found: &str) -> bool {
    use Comparison as C;
    let value = wanted.value.as_ref();
    match comparison {
        C::StringEquals | C::BinaryEquals => value == found,
        C::StringEqualsIgnoreCase => value
            .chars()
            .flat_map(char::to_lowercase)
            .eq(found.chars().flat_map(char::to_lowercase)),
        C::StringLike => glob::matches(value, &wanted.mark(found)),
        C::ArnLike => glob::matches_arn(value, &wanted.mark(found)),
        C::Bool => match (boolean(value), boolean(found)) {
            (Some(value), Some(found)) => value == found,
            _ => false,
        },
        C::NumericEquals
        | C::NumericLessThan
        | C::NumericLessThanEquals
        | C::NumericGreaterThan
        | C::NumericGreaterThanEquals => ordered(comparison, number(found), number(value)),
        C::DateEquals
        | C::DateLessThan
        | C::DateLessThanEquals
        | C::DateGreaterThan
        | C::DateGreaterThanEquals => ordered(comparison, moment(found), moment(value)),
        C::IpAddress => in_network(value, found),
        // Negated ones and Null are decided before.
        _ => false,
    }
}

fn ordered<T: PartialOrd>(comparison: Comparison, found: Option<T>, wanted: Option<T>) -> bool {
    use Comparison as C;
    let (Some(found), Some(wanted)) = (found, wanted) else {
        return false;
    };
    match comparison {
        C::NumericEquals | C::DateEquals => found == wanted,
        C::NumericLessThan | C::DateLessThan => found < wanted,
        C::NumericLessThanEquals | C::DateLessThanEquals => found <= wanted,
        C::NumericGreaterThan | C::DateGreaterThan => found > wanted,
        C::NumericGreaterThanEquals | C::DateGreaterThanEquals => found >= wanted,
        _ => false,
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal number. Rust would read `inf` and `nan` as well.
fn number(text: &str) -> Option<f64> {
    let decimal = text
        .bytes()
        .all(|c| c.is_ascii_digit() || b"+-.eE".contains(&c));
    decimal.then(|| text.parse().ok()).flatten()
}

/// A moment: one of the forms of W3C's date and time note, or seconds since 1970. A year alone is
/// a year.
pub(super) fn moment(text: &str) -> Option<jiff::Timestamp> {
    let digits = text.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    if digits
        && text.len() != 4
        && let Ok(seconds) = text.parse::<i64>()
    {
        return jiff::Timestamp::from_second(seconds).ok();
    }
    // Most texts that are no moment do not begin like one.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        return None;
    }
    if let Some((day, time)) = text.split_once(['T', 't']) {
        // The note allows minutes without seconds, RFC 3339 does not.
        let zone = time.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = time.split_at_checked(zone)?;
        return if clock.matches(':').count() == 1 {
            format!("{day}T{clock}:00{zone}").parse().ok()
        } else {
            text.parse().ok()
        };
    }
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    format!("{day}T00:00:00Z").parse().ok()
}

/// Whether an address lies in a network, given as CIDR or as one address.
fn in_network(network: &str, address: &str) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base, Some(length)),
        None => (network, None),
    };
    let (Ok(base), Ok(address)) = (base.parse::<IpAddr>(), address.parse::<IpAddr>()) else {
        return false;
    };
    let prefix = |most: u32| match length {
        None => Some(most),
        Some(digits) if digits.bytes().all(|c| c.is_ascii_digit()) => {
            digits.parse().ok().filter(|length| *length <= most)
        }
        Some(_) => None,
    };
    match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => prefix(32).is_some_and(|length| {
            let differ = base.to_bits() ^ address.to_bits();
            differ.checked_shr(32 - length).unwrap_or(0) == 0
        }),
        (IpAddr::V6(base), IpAddr::V6(address)) => prefix(128).is_some_and(|length| {
            let differ = base.to_bits() ^ address.to_bits();
            differ.checked_shr(128 - length).unwrap_or(0) == 0
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_many_forms() {
        let second = |text: &str| moment(text).map(|moment| moment.as_second());
        for (text, expected) in [
            ("2024-01-01T00:00:00Z", Some(1_704_067_200)),
            ("2024-01-01T00:00Z", Some(1_704_067_200)),
            ("2024-01-01T02:00:00+02:00", Some(1_704_067_200)),
            ("2024-01-01t00:00:00.000z", Some(1_704_067_200)),
            ("2024-01-01", Some(1_704_067_200)),
            ("2024-01", Some(1_704_067_200)),
            ("2024", Some(1_704_067_200)),
            ("1704067200", Some(1_704_067_200)),
            ("-1", Some(-1)),
            ("0", Some(0)),
            ("2024-13-01", None),
            ("2024-01-01T00:00:00", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(second(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(number("3600"), Some(3600.0));
        assert_eq!(number("-1.5e1"), Some(-15.0));
        for text in ["", "inf", "nan", "0x10", "1,000", "one"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn networks_hold_addresses() {
        for (network, address, inside) in [
            ("203.0.113.0/24", "203.0.113.7", true),
            ("203.0.113.9/24", "203.0.113.7", true),
            ("203.0.113.0/24", "203.0.114.7", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("203.0.113.0/33", "203.0.113.0", false),
            ("203.0.113.0/", "203.0.113.0", false),
            ("203.0.113.0/+8", "203.0.113.0", false),
            ("here", "203.0.113.0", false),
            ("203.0.113.0/24", "here", false),
        ] {
            assert_eq!(in_network(network, address), inside, "{network} {address}");
        }
    }
}
