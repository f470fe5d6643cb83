//! Is there a text that fits some patterns and avoids others?
//!
//! Each pattern is a small automaton whose states are the positions in it that a text read so far
//! may have reached. A walk, breadth first, through the product of all of them with the automaton
//! of the possible texts decides the question exactly and finds a shortest text. Characters that no
//! pattern asks for at a state behave alike there, so one stands for all of its class.

use std::collections::HashMap;

use super::machine::{Machine, ones, set};
use super::pattern::{Pattern, Token, folded};
use super::universe::{Place, Projection, Universe, View};
use super::{Found, Fuel};

/// What one list of patterns asks of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'t, 'd> {
    /// A text fits the list if it fits one of these.
    pub(crate) patterns: &'t [Pattern<'d>],
    /// `true`: it must fit; `false`: it must not.
    pub(crate) fits: bool,
    /// What of the text the patterns look at.
    pub(crate) view: View,
}

/// Whether a text meets all demands.
pub(crate) fn meets(demands: &[Demand<'_, '_>], text: &str) -> bool {
    // What was asked last, as of an account, is what most texts fail.
    demands.iter().rev().all(|demand| {
        let seen = demand.view.of(text);
        demand.patterns.iter().any(|pattern| pattern.matches(&seen)) == demand.fits
    })
}

/// A state that was reached, and how.
struct Reached {
    place: Place,
    bits: Box<[u64]>,
    from: usize,
    by: char,
    length: usize,
}

/// What it costs to hold one short text against all patterns.
pub(crate) fn weight(demands: &[Demand<'_, '_>]) -> u64 {
    let patterns = demands.iter().flat_map(|demand| demand.patterns);
    patterns
        .map(|pattern| 16 + pattern.source.len() as u64)
        .sum::<u64>()
        + 16
}

/// Whether the demands on `view` let it be seen as `seen`.
fn view_allows(demands: &[Demand<'_, '_>], view: View, seen: &str) -> bool {
    demands
        .iter()
        .filter(|demand| demand.view == view)
        .all(|demand| demand.patterns.iter().any(|one| one.matches(seen)) == demand.fits)
}

/// Whether some pattern shows at a glance that it fits no text of the universe that meets the other
/// demands: by its fixed beginning, which settles an account or an organization's id, or because it
/// is fixed altogether.
fn hopeless(
    universe: Universe,
    demands: &[Demand<'_, '_>],
    view: View,
    pattern: &Pattern<'_>,
) -> bool {
    if pattern.has_variables() {
        return false;
    }
    if view != View::Whole {
        return hopeless_part(demands, view, pattern);
    }
    if pattern.fold {
        return false;
    }
    let whole = pattern.tokens.is_none();
    if whole && !view_allows(demands, View::Whole, &pattern.source) {
        return true;
    }
    let prefix = pattern.literal_prefix();
    // All that begins so is to be avoided.
    let avoided = demands
        .iter()
        .filter(|demand| !demand.fits && demand.view == View::Whole)
        .any(|demand| {
            demand
                .patterns
                .iter()
                .any(|one| !one.fold && one.open_end_after(&prefix))
        });
    if avoided {
        return true;
    }
    let mut place = universe.start();
    let mut begun: [(View, Option<usize>); 2] = [(View::Account, None), (View::Head, None)];
    for (index, c) in prefix.char_indices() {
        for (part, from) in &mut begun {
            match (universe.sight(*part, place, c), *from) {
                (Projection::Seen, None) => *from = Some(index),
                // The part has ended: it is settled, once.
                (Projection::Hidden, Some(start)) if start < index => {
                    let seen = prefix.get(start..index).unwrap_or_default();
                    if !view_allows(demands, *part, seen) {
                        return true;
                    }
                    *from = Some(usize::MAX);
                }
                _ => {}
            }
        }
        match universe.step(place, c) {
            Some(next) => place = next,
            None => return true,
        }
    }
    whole && !universe.accepts(place)
}

/// The same for a pattern on a part of the text, whose form is known.
fn hopeless_part(demands: &[Demand<'_, '_>], view: View, pattern: &Pattern<'_>) -> bool {
    let fixed = pattern.tokens.is_none();
    let prefix = pattern.literal_prefix();
    let digits = prefix.chars().take(12).all(|c| c.is_ascii_digit());
    match view {
        View::Account => {
            let open = pattern
                .tokens
                .as_ref()
                .is_some_and(|tokens| tokens.iter().any(Token::is_many));
            let length = match &pattern.tokens {
                Some(tokens) => tokens.len(),
                None => prefix.len(),
            };
            if !digits || (!open && length != 12) {
                return true;
            }
        }
        View::AccountAndName => {
            let colon = prefix.char_indices().nth(12).is_none_or(|(_, c)| c == ':');
            if !digits || !colon || (fixed && prefix.len() < 14) {
                return true;
            }
        }
        View::Head => {
            let mut form = prefix.chars();
            let mut begins = |want| form.next().is_none_or(|c| folded(c) == want);
            if !begins('o') || !begins('-') {
                return true;
            }
            // Ids are lower case.
            if fixed && pattern.fold {
                return !view_allows(demands, view, &pattern.source.to_ascii_lowercase());
            }
        }
        View::Whole | View::Name | View::Tail => {}
    }
    fixed && !pattern.fold && !view_allows(demands, view, &pattern.source)
}

/// A text of the universe that meets all demands.
pub(crate) fn find(universe: Universe, demands: &[Demand<'_, '_>], fuel: &mut Fuel) -> Found {
    let weight = weight(demands);
    for demand in demands.iter().filter(|demand| demand.fits) {
        if !fuel.spend(weight.saturating_mul(demand.patterns.len() as u64)) {
            return Found::Unknown;
        }
        if demand
            .patterns
            .iter()
            .all(|one| hopeless(universe, demands, demand.view, one))
        {
            return Found::Nothing;
        }
    }
    walk(universe, demands, fuel)
}

/// What one step costs: every position that is reached is looked at, and every word copied.
fn price_of_step(machines: &[Machine<'_>], bits: &[u64]) -> u64 {
    let active: u32 = bits.iter().map(|word| word.count_ones()).sum();
    20 + 4 * bits.len() as u64 + 16 * machines.len() as u64 + 2 * u64::from(active)
}

/// What it costs to keep a state.
fn price_of_state(bits: &[u64]) -> u64 {
    80 + 4 * bits.len() as u64
}

/// Each pattern as an automaton, and how many words they need together; `None` where a list that
/// must be fitted is empty.
fn machines<'t>(demands: &'t [Demand<'_, '_>]) -> Option<(Vec<Machine<'t>>, usize)> {
    let mut machines: Vec<Machine<'_>> = Vec::new();
    let mut width = 0;
    for (index, demand) in demands.iter().enumerate() {
        if demand.fits && demand.patterns.is_empty() {
            return None;
        }
        for pattern in demand.patterns {
            let tokens = pattern.all_tokens();
            let words = tokens.len() / 64 + 1;
            let mut stars = vec![0; words];
            for (index, token) in tokens.iter().enumerate() {
                if matches!(token, Token::Many | Token::ManyInSegment) {
                    set(&mut stars, index);
                }
            }
            machines.push(Machine {
                stars,
                demand: index,
                tokens,
                fold: pattern.fold,
                view: demand.view,
                fits: demand.fits,
                offset: width,
                words,
            });
            width += words;
        }
    }
    Some((machines, width))
}

/// The same by the walk alone.
fn walk(universe: Universe, demands: &[Demand<'_, '_>], fuel: &mut Fuel) -> Found {
    let Some((machines, width)) = machines(demands) else {
        return Found::Nothing;
    };
    let mut first = Vec::with_capacity(width);
    for machine in &machines {
        first.extend(machine.start());
    }
    let first: Box<[u64]> = first.into();
    let mut seen: HashMap<(Place, Box<[u64]>), ()> = HashMap::new();
    seen.insert((universe.start(), first.clone()), ());
    let mut reached = vec![Reached {
        place: universe.start(),
        bits: first,
        from: usize::MAX,
        by: ' ',
        length: 0,
    }];
    let mut at = 0;
    let mut letters: Vec<char> = Vec::new();
    while let Some(here) = reached.get(at) {
        let (place, bits, length) = (here.place, here.bits.clone(), here.length);
        if universe.accepts(place) && all_met(&machines, demands, &bits) {
            return Found::Value(text_to(&reached, at));
        }
        letters.clear();
        if length < universe.longest() {
            alphabet(universe, place, &machines, &bits, &mut letters);
        }
        let cost = price_of_step(&machines, &bits);
        for &c in &letters {
            if !fuel.spend(cost) {
                return Found::Unknown;
            }
            let Some(next) = universe.step(place, c) else {
                continue;
            };
            let Some(after) = step_all(universe, &machines, demands.len(), place, &bits, c) else {
                continue;
            };
            let key = (next, after);
            if seen.contains_key(&key) {
                continue;
            }
            if !fuel.spend(price_of_state(&key.1)) {
                return Found::Unknown;
            }
            reached.push(Reached {
                place: next,
                bits: key.1.clone(),
                from: at,
                by: c,
                length: length + 1,
            });
            seen.insert(key, ());
        }
        at += 1;
    }
    Found::Nothing
}

fn all_met(machines: &[Machine<'_>], demands: &[Demand<'_, '_>], bits: &[u64]) -> bool {
    let mut fitted = vec![false; demands.len()];
    for machine in machines {
        if machine.accepts(machine.bits(bits)) {
            if !machine.fits {
                return false;
            }
            if let Some(slot) = fitted.get_mut(machine.demand) {
                *slot = true;
            }
        }
    }
    demands
        .iter()
        .zip(fitted)
        .all(|(demand, fitted)| !demand.fits || fitted)
}

/// The state after reading `c`, or `None` if no continuation can meet the demands.
fn step_all(
    universe: Universe,
    machines: &[Machine<'_>],
    demands: usize,
    place: Place,
    bits: &[u64],
    c: char,
) -> Option<Box<[u64]>> {
    let mut after: Vec<u64> = Vec::with_capacity(bits.len());
    let mut alive = vec![true; demands];
    for machine in machines {
        if machine.fits
            && let Some(slot) = alive.get_mut(machine.demand)
        {
            *slot = false;
        }
    }
    for machine in machines {
        let before = machine.bits(bits);
        match universe.sight(machine.view, place, c) {
            Projection::Hidden => after.extend_from_slice(before),
            Projection::Seen => after.extend(machine.step(before, c)),
            Projection::As(other) => after.extend(machine.step(before, other)),
            Projection::Forget => after.extend(machine.start()),
        }
        let now = machine.bits(&after);
        if machine.fits {
            // A name may begin again, so its pattern never is lost for good.
            if (machine.view == View::Name || now.iter().any(|word| *word != 0))
                && let Some(slot) = alive.get_mut(machine.demand)
            {
                *slot = true;
            }
        } else if machine.accepts_forever(now) {
            return None;
        }
    }
    alive.iter().all(|alive| *alive).then(|| after.into())
}

/// The characters worth trying: those that a pattern asks for here, and one of each class.
fn alphabet(
    universe: Universe,
    place: Place,
    machines: &[Machine<'_>],
    bits: &[u64],
    letters: &mut Vec<char>,
) {
    if let Some(only) = universe.forced(place) {
        letters.push(only);
        return;
    }
    let mut asked: Vec<char> = Vec::new();
    for machine in machines {
        for index in ones(machine.bits(bits)) {
            if machine.tokens.get(index) == Some(&Token::Digit) {
                asked.extend('0'..='9');
            }
            if let Some(Token::Char(c)) = machine.tokens.get(index) {
                asked.push(*c);
                if machine.fold {
                    asked.push(c.to_ascii_lowercase());
                    asked.push(c.to_ascii_uppercase());
                }
            }
        }
    }
    asked.sort_unstable();
    asked.dedup();
    for class in universe.classes(place) {
        if let Some(other) = class.iter().find(|c| !asked.contains(c)) {
            letters.push(*other);
        }
    }
    letters.extend(asked);
}

fn text_to(reached: &[Reached], end: usize) -> String {
    let mut letters = Vec::new();
    let mut at = end;
    while let Some(state) = reached.get(at) {
        if state.from == usize::MAX {
            break;
        }
        letters.push(state.by);
        at = state.from;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests;
