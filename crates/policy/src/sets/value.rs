//! Is there one value that passes some tests and fails others?

use std::borrow::Cow;

use super::language::{Demand, find};
use super::pattern::Pattern;
use super::test::{Test, number};
use super::universe::{Universe, View};
use super::{Found, Fuel, moment, network};

/// Guesses tried before the walk that decides.
const MOST_GUESSES: usize = 24;

/// What one test asks of a value: to pass, or to fail.
pub(crate) type Ask<'t, 'd> = (&'t Test<'d>, bool);

/// What values a key can have at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// Text of these forms.
    Text(Universe),
    /// `true` or `false`.
    Truth,
    /// A whole number, zero or more.
    Count,
    /// A moment.
    Moment,
    /// An address.
    Address,
}

impl Domain {
    fn admits(self, value: &str) -> bool {
        match self {
            Self::Text(universe) => universe.admits(value),
            Self::Truth => matches!(value, "true" | "false"),
            Self::Count => number(value).is_some_and(|value| value >= 0.0 && value.fract() == 0.0),
            Self::Moment => moment::parse(value).is_some(),
            Self::Address => network::address(value).is_some(),
        }
    }
}

fn passes_all(asks: &[Ask<'_, '_>], value: &str) -> bool {
    asks.iter().all(|(test, pass)| test.passes(value) == *pass)
}

/// Whether a value is possible and passes and fails as asked.
fn serves(domain: Domain, asks: &[Ask<'_, '_>], value: &str) -> bool {
    domain.admits(value) && passes_all(asks, value)
}

/// Texts that fit the patterns asked for, guessed; most often one of them is an answer.
fn guesses<'g>(asks: &'g [Ask<'_, '_>]) -> impl Iterator<Item = Cow<'g, str>> {
    asks.iter()
        .filter_map(|(test, pass)| match test {
            Test::Text(patterns) if *pass => Some(patterns),
            _ => None,
        })
        .flatten()
        .flat_map(|pattern| (0..3).map_while(|nth| guess(pattern, nth)))
}

/// One of up to three texts that fit a pattern.
fn guess<'g>(pattern: &'g Pattern<'_>, nth: u8) -> Option<Cow<'g, str>> {
    Some(match (nth, pattern.tokens.is_some(), pattern.fold) {
        (0, true, _) => pattern.shown_with("", "x"),
        (1, true, _) => pattern.shown_with("x", "x"),
        (_, true, _) => pattern.shown_with("1", "1"),
        // Another spelling, where this one is to be avoided.
        (0, false, true) => pattern.source.to_ascii_uppercase().into(),
        (1, false, true) => pattern.source.to_ascii_lowercase().into(),
        (2, false, true) | (0, false, false) => Cow::Borrowed(&pattern.source),
        _ => return None,
    })
}

/// A usual value of the domain.
fn usual(domain: Domain) -> &'static [&'static str] {
    match domain {
        Domain::Text(Universe::ExternalId) => &["any-value", "another-value"],
        Domain::Text(Universe::Account) => &["999999999999", "999999999998"],
        Domain::Text(Universe::Name(..)) => &["session", "another-session"],
        Domain::Text(Universe::OrganizationPath) => &[
            "o-outsider00/r-0000/",
            "o-outsider01/r-0000/ou-0000-00000000/",
        ],
        Domain::Text(Universe::Region) => &["us-east-1", "eu-west-1"],
        Domain::Text(_) => &["any-value", "another-value"],
        Domain::Truth => &["true", "false"],
        Domain::Count => &["60", "0"],
        Domain::Moment => &["2026-01-01T00:00:00Z"],
        Domain::Address => &["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888"],
    }
}

/// What it costs to hold one short value against all tests.
fn weight(asks: &[Ask<'_, '_>]) -> u64 {
    let of = |test: &Test<'_>| match test {
        Test::Text(patterns) => patterns
            .iter()
            .map(|one| 16 + one.source.len() as u64)
            .sum(),
        Test::Number(_, list) => 16 * list.len() as u64,
        Test::Moment(_, list) => 64 * list.len() as u64,
        Test::Networks(list) => 8 * list.len() as u64,
        Test::Present | Test::Truth { .. } => 4,
    };
    asks.iter().map(|(test, _)| of(test)).sum::<u64>() + 16
}

/// A value of the domain that passes and fails as asked.
pub(crate) fn solve(domain: Domain, asks: &[Ask<'_, '_>], fuel: &mut Fuel) -> Found {
    // A finite domain is tried out.
    if domain == Domain::Truth {
        return match ["true", "false"]
            .into_iter()
            .find(|value| passes_all(asks, value))
        {
            Some(value) => Found::Value(value.to_owned()),
            None => Found::Nothing,
        };
    }
    // A finite list among the tests, likewise.
    let text = |(test, _): &Ask<'_, '_>| matches!(test, Test::Text(_) | Test::Present);
    let walk_alone =
        !fuel.may_guess() && matches!(domain, Domain::Text(_)) && asks.iter().all(text);
    let fixed = asks
        .iter()
        .filter(|(_, pass)| *pass && !walk_alone)
        .find_map(|(test, _)| test.fixed());
    if let Some(patterns) = fixed {
        let listed = patterns.iter().map(|pattern| &*pattern.source);
        return first(domain, asks, listed.map(Cow::Borrowed), fuel);
    }
    if asks.is_empty()
        || asks
            .iter()
            .all(|(test, pass)| *pass && **test == Test::Present)
    {
        return match usual(domain).first() {
            Some(value) => Found::Value((*value).to_owned()),
            None => Found::Unknown,
        };
    }
    if asks.iter().all(text) {
        return solve_text(domain, asks, fuel);
    }
    solve_ordered(domain, asks, fuel)
}

fn solve_text(domain: Domain, asks: &[Ask<'_, '_>], fuel: &mut Fuel) -> Found {
    let walk_alone = !fuel.may_guess() && matches!(domain, Domain::Text(_));
    let most = if walk_alone { 0 } else { MOST_GUESSES };
    let usual = usual(domain).iter().copied().map(Cow::Borrowed);
    match first(domain, asks, usual.chain(guesses(asks)).take(most), fuel) {
        Found::Nothing => {}
        found => return found,
    }
    let mut demands = Vec::with_capacity(asks.len());
    for (test, pass) in asks {
        match test {
            Test::Text(patterns) => {
                demands.push(Demand {
                    patterns,
                    fits: *pass,
                    view: View::Whole,
                });
            }
            Test::Present if !*pass => return Found::Nothing,
            _ => {}
        }
    }
    match domain {
        Domain::Text(universe) => find(universe, &demands, fuel),
        // Text tests on a number, a moment or an address: a text that is found must also be one.
        _ => match find(Universe::Any, &demands, fuel) {
            Found::Value(value) if domain.admits(&value) => Found::Value(value),
            Found::Value(_) => Found::Unknown,
            other => other,
        },
    }
}

/// Numbers, moments, addresses: the tests change their answer only at their constants, so the
/// constants, their neighbours and the middles between them are all there is to try. Where text
/// tests are mixed in, the same values may miss, and then the answer is unknown.
fn solve_ordered(domain: Domain, asks: &[Ask<'_, '_>], fuel: &mut Fuel) -> Found {
    // A usual value first: most often it serves.
    let usual = usual(domain).iter().copied();
    if let Found::Value(value) = first(domain, asks, usual.clone().map(Cow::Borrowed), fuel) {
        return Found::Value(value);
    }
    let weight = weight(asks);
    let points = asks.iter().flat_map(|(test, _)| test.turning_points());
    let mut candidates: Vec<String> = Vec::new();
    for text in usual.map(str::to_owned).chain(points) {
        if !fuel.spend(weight) {
            return Found::Unknown;
        }
        if serves(domain, asks, &text) {
            return Found::Value(text);
        }
        candidates.push(text);
    }
    let tried = candidates.len();
    let mut numbers: Vec<f64> = candidates.iter().filter_map(|text| number(text)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    for pair in numbers.windows(2) {
        if let [low, high] = pair {
            candidates.push(((low + high) / 2.0).to_string());
        }
    }
    let mut moments: Vec<jiff::Timestamp> = candidates
        .iter()
        .filter_map(|text| moment::parse(text))
        .collect();
    moments.sort_unstable();
    moments.dedup();
    for pair in moments.windows(2) {
        if let [low, high] = pair {
            let half = high.duration_since(*low) / 2;
            candidates.extend(low.checked_add(half).ok().map(|at| at.to_string()));
        }
    }
    if domain == Domain::Text(Universe::Account) {
        // An account is a number with all its digits, or as many seconds.
        let seconds: Vec<_> = candidates
            .iter()
            .filter_map(|text| moment::parse(text))
            .collect();
        candidates.extend(seconds.iter().map(|at| format!("{:012}", at.as_second())));
        candidates.extend(numbers.iter().map(|number| format!("{number:012}")));
    }
    // A value that is no number, moment or address at all: negated tests let it pass.
    candidates.push("any-value".to_owned());
    let mut kinds = asks
        .iter()
        .filter(|(test, _)| **test != Test::Present)
        .map(|(test, _)| std::mem::discriminant(*test));
    let mixed = kinds
        .next()
        .is_some_and(|one| kinds.any(|other| other != one));
    let guessed = mixed.then(|| guesses(asks)).into_iter().flatten();
    let left = candidates.iter().skip(tried).map(Cow::from);
    match first(domain, asks, left.chain(guessed), fuel) {
        Found::Nothing if mixed => Found::Unknown,
        found => found,
    }
}

/// The first of some values that is possible and passes and fails as asked.
fn first<'v>(
    domain: Domain,
    asks: &[Ask<'_, '_>],
    values: impl Iterator<Item = Cow<'v, str>>,
    fuel: &mut Fuel,
) -> Found {
    let weight = weight(asks);
    for value in values {
        if !fuel.spend(weight) {
            return Found::Unknown;
        }
        if serves(domain, asks, &value) {
            return Found::Value(value.into_owned());
        }
    }
    Found::Nothing
}

#[cfg(test)]
mod tests;
