//! Sets of actions: one bit an action.

use std::fmt;
use std::ops::{BitAndAssign, BitOrAssign, Range, SubAssign};
use std::sync::LazyLock;

use crate::action::{Action, Level, Service};
use crate::table;

const WORDS: usize = table::ACTIONS.div_ceil(64);
const PARTS: usize = WORDS.div_ceil(64);

/// A set of actions that the table knows.
///
/// What a role may do is mostly a handful of the services' actions, and one audit works out some
/// hundred thousand of such sets. So only the words with a bit in them are kept, and two sets meet
/// at the cost of what they share.
#[derive(Clone, PartialEq, Eq)]
pub struct ActionSet {
    /// A bit for each word of the table's actions: there is something in it.
    used: [u64; PARTS],
    /// Those words, in order; none is zero.
    words: Vec<u64>,
}

/// The places of the bits of a word, the lowest first.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

/// The numbers of the words that are kept.
fn places(used: [u64; PARTS]) -> impl Iterator<Item = usize> {
    let parts = used.into_iter().enumerate();
    parts.flat_map(|(part, used)| bits(used).map(move |bit| part * 64 + bit))
}

/// How many bits stand below this one.
fn rank(word: u64, bit: usize) -> usize {
    (word & ((1 << bit) - 1)).count_ones() as usize
}

impl ActionSet {
    /// None.
    pub fn new() -> ActionSet {
        ActionSet {
            used: [0; PARTS],
            words: Vec::new(),
        }
    }

    /// All that the table knows.
    pub fn all() -> ActionSet {
        let mut all = ActionSet::new();
        all.insert_range(0..table::ACTIONS);
        all
    }

    /// All of one level.
    pub fn of_level(level: Level) -> &'static ActionSet {
        static SETS: LazyLock<[ActionSet; 5]> = LazyLock::new(|| {
            Level::ALL.map(|level| {
                Action::all()
                    .filter(|action| action.level() == level)
                    .collect()
            })
        });
        let [list, read, write, tagging, permissions] = &*SETS;
        match level {
            Level::List => list,
            Level::Read => read,
            Level::Write => write,
            Level::Tagging => tagging,
            Level::PermissionsManagement => permissions,
        }
    }

    /// All of one service.
    pub fn of_service(service: Service) -> ActionSet {
        let mut set = ActionSet::new();
        set.insert_range(table::service_actions(service.number()));
        set
    }

    /// Adds one.
    pub fn insert(&mut self, action: Action) {
        self.insert_bits(action.number() / 64, 1 << (action.number() % 64));
    }

    pub(crate) fn insert_range(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            // As many as the word still holds.
            let bit = at % 64;
            let many = (64 - bit).min(range.end - at);
            self.insert_bits(at / 64, (u64::MAX >> (64 - many)) << bit);
            at += many;
        }
    }

    fn insert_bits(&mut self, word: usize, more: u64) {
        let (part, bit) = (word / 64, word % 64);
        let before = self.before(part);
        let Some(used) = self.used.get_mut(part) else {
            return;
        };
        let place = before + rank(*used, bit);
        if *used & (1 << bit) == 0 {
            *used |= 1 << bit;
            self.words.insert(place, more);
        } else if let Some(word) = self.words.get_mut(place) {
            *word |= more;
        }
    }

    /// How many words are kept of the parts before this one.
    fn before(&self, part: usize) -> usize {
        let parts = self.used.iter().take(part);
        parts.map(|used| used.count_ones() as usize).sum()
    }

    /// The word of this number, which is zero where none is kept.
    fn word(&self, number: usize) -> u64 {
        let (part, bit) = (number / 64, number % 64);
        match self.used.get(part) {
            Some(used) if used & (1 << bit) != 0 => {
                let place = self.before(part) + rank(*used, bit);
                self.words.get(place).copied().unwrap_or_default()
            }
            _ => 0,
        }
    }

    /// Whether it is in.
    pub fn contains(&self, action: Action) -> bool {
        let (word, bit) = (action.number() / 64, action.number() % 64);
        self.word(word) & (1 << bit) != 0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words that both have.
    fn common(&self, other: &ActionSet) -> impl Iterator<Item = (u64, u64)> {
        let (mut mine_before, mut theirs_before) = (0, 0);
        let parts = self.used.iter().zip(&other.used);
        parts.flat_map(move |(&mine, &theirs)| {
            let starts = (mine_before, theirs_before);
            mine_before += mine.count_ones() as usize;
            theirs_before += theirs.count_ones() as usize;
            bits(mine & theirs).map(move |bit| {
                let word = |set: &ActionSet, place| set.words.get(place).copied();
                (
                    word(self, starts.0 + rank(mine, bit)).unwrap_or_default(),
                    word(other, starts.1 + rank(theirs, bit)).unwrap_or_default(),
                )
            })
        })
    }

    /// Whether the other has all of these.
    pub fn is_subset(&self, other: &ActionSet) -> bool {
        let mut parts = self.used.iter().zip(&other.used);
        parts.all(|(mine, theirs)| mine & !theirs == 0)
            && self.common(other).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// Whether they share any.
    pub fn meets(&self, other: &ActionSet) -> bool {
        self.common(other).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Takes out of each word what `keep`, given it and the other's, does not keep.
    fn narrow(&mut self, other: &ActionSet, keep: impl Fn(u64, u64) -> u64) {
        let mut places = places(self.used);
        let mut used = self.used;
        self.words.retain_mut(|word| {
            let place = places.next().unwrap_or_default();
            *word = keep(*word, other.word(place));
            if *word == 0
                && let Some(part) = used.get_mut(place / 64)
            {
                *part &= !(1 << (place % 64));
            }
            *word != 0
        });
        self.used = used;
    }

    /// In the table's order: by service, then by name.
    pub fn iter(&self) -> impl Iterator<Item = Action> {
        places(self.used)
            .zip(&self.words)
            .flat_map(|(at, word)| bits(*word).map(move |bit| Action::numbered(at * 64 + bit)))
    }
}

impl Default for ActionSet {
    fn default() -> ActionSet {
        ActionSet::new()
    }
}

impl BitOrAssign<&ActionSet> for ActionSet {
    fn bitor_assign(&mut self, other: &ActionSet) {
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        let mut mine = self.words.iter();
        let mut theirs = other.words.iter();
        let mut words = Vec::with_capacity(self.words.len() + other.words.len());
        for (of_mine, of_theirs) in self.used.iter_mut().zip(&other.used) {
            let both = *of_mine | of_theirs;
            for bit in bits(both) {
                let next = |used: u64, words: &mut std::slice::Iter<'_, u64>| {
                    let next = (used & (1 << bit) != 0).then(|| words.next());
                    next.flatten().copied().unwrap_or_default()
                };
                words.push(next(*of_mine, &mut mine) | next(*of_theirs, &mut theirs));
            }
            *of_mine = both;
        }
        self.words = words;
    }
}

impl BitAndAssign<&ActionSet> for ActionSet {
    fn bitand_assign(&mut self, other: &ActionSet) {
        self.narrow(other, |mine, theirs| mine & theirs);
    }
}

impl SubAssign<&ActionSet> for ActionSet {
    fn sub_assign(&mut self, other: &ActionSet) {
        self.narrow(other, |mine, theirs| mine & !theirs);
    }
}

impl Extend<Action> for ActionSet {
    fn extend<I: IntoIterator<Item = Action>>(&mut self, actions: I) {
        for action in actions {
            self.insert(action);
        }
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> ActionSet {
        let mut set = ActionSet::new();
        set.extend(actions);
        set
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for action in self.iter().take(20) {
            list.entry(&format_args!("{action}"));
        }
        if self.len() > 20 {
            list.entry(&format_args!("{} in all", self.len()));
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Draws that are the same every time: actions crowded into a few services, or all over.
    fn drawn(seed: &mut u64) -> BTreeSet<usize> {
        let mut next = |below: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (*seed >> 33) as usize % below
        };
        let count = [0, 1, 3, 40, 400][next(5)];
        let start = next(table::ACTIONS);
        let width = [10, 200, 5_000, table::ACTIONS][next(4)].min(table::ACTIONS - start);
        (0..count).map(|_| start + next(width)).collect()
    }

    fn set(numbers: &BTreeSet<usize>) -> ActionSet {
        numbers
            .iter()
            .map(|number| Action::numbered(*number))
            .collect()
    }

    fn numbers(set: &ActionSet) -> BTreeSet<usize> {
        assert!(set.words.iter().all(|word| *word != 0), "{set:?}");
        assert_eq!(set.words.len(), set.before(PARTS));
        let found: Vec<usize> = set.iter().map(Action::number).collect();
        assert!(found.is_sorted(), "{set:?}");
        found.into_iter().collect()
    }

    #[test]
    fn they_are_the_sets_they_stand_for() {
        let mut seed = 5;
        for _ in 0..300 {
            let (a, b) = (drawn(&mut seed), drawn(&mut seed));
            let (one, other) = (set(&a), set(&b));
            assert_eq!((numbers(&one), numbers(&other)), (a.clone(), b.clone()));
            let by = |change: fn(&mut ActionSet, &ActionSet)| {
                let mut changed = one.clone();
                change(&mut changed, &other);
                let found = numbers(&changed);
                // Equal however it came about.
                assert_eq!(changed, set(&found));
                found
            };
            assert_eq!(by(|one, other| *one |= other), &a | &b);
            assert_eq!(by(|one, other| *one &= other), &a & &b);
            assert_eq!(by(|one, other| *one -= other), &a - &b);
            assert_eq!(one.is_subset(&other), a.is_subset(&b));
            assert_eq!(one.meets(&other), !a.is_disjoint(&b));
            assert_eq!((one.len(), one.is_empty()), (a.len(), a.is_empty()));
            assert_eq!(one == other, a == b);
            for number in a.iter().chain(&b) {
                assert_eq!(one.contains(Action::numbered(*number)), a.contains(number));
            }
            let mut backwards = ActionSet::new();
            a.iter()
                .rev()
                .for_each(|number| backwards.insert(Action::numbered(*number)));
            assert_eq!(backwards, one);
            let (from, to) = (a.first(), a.last());
            if let (Some(from), Some(to)) = (from, to) {
                let mut range = other.clone();
                range.insert_range(*from..*to);
                assert_eq!(numbers(&range), &b | &(*from..*to).collect());
            }
        }
        let all = ActionSet::all();
        assert_eq!(numbers(&all), (0..table::ACTIONS).collect());
    }
}
