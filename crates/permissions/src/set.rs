//! Sets of actions: one bit an action.

use std::fmt;
use std::ops::{BitAndAssign, BitOrAssign, Range, SubAssign};
use std::sync::LazyLock;

use crate::action::{Action, Level, Service};
use crate::table;

const WORDS: usize = table::ACTIONS.div_ceil(64);

/// A set of actions that the table knows: 2.8 KB, whatever is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ActionSet(Box<[u64; WORDS]>);

impl ActionSet {
    /// None.
    pub fn new() -> ActionSet {
        ActionSet(Box::new([0; WORDS]))
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
        if let Some(word) = self.0.get_mut(action.number() / 64) {
            *word |= 1 << (action.number() % 64);
        }
    }

    pub(crate) fn insert_range(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            // As many as the word still holds.
            let bit = at % 64;
            let many = (64 - bit).min(range.end - at);
            if let Some(word) = self.0.get_mut(at / 64) {
                *word |= (u64::MAX >> (64 - many)) << bit;
            }
            at += many;
        }
    }

    /// Whether it is in.
    pub fn contains(&self, action: Action) -> bool {
        self.0
            .get(action.number() / 64)
            .is_some_and(|word| word & (1 << (action.number() % 64)) != 0)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether the other has all of these.
    pub fn is_subset(&self, other: &ActionSet) -> bool {
        let mut words = self.0.iter().zip(other.0.iter());
        words.all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// Whether they share any.
    pub fn meets(&self, other: &ActionSet) -> bool {
        let mut words = self.0.iter().zip(other.0.iter());
        words.any(|(mine, theirs)| mine & theirs != 0)
    }

    /// In the table's order: by service, then by name.
    pub fn iter(&self) -> impl Iterator<Item = Action> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (bit < 64).then(|| Action::numbered(at * 64 + bit))
            })
        })
    }
}

impl Default for ActionSet {
    fn default() -> ActionSet {
        ActionSet::new()
    }
}

impl BitOrAssign<&ActionSet> for ActionSet {
    fn bitor_assign(&mut self, other: &ActionSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            *mine |= theirs;
        }
    }
}

impl BitAndAssign<&ActionSet> for ActionSet {
    fn bitand_assign(&mut self, other: &ActionSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            *mine &= theirs;
        }
    }
}

impl SubAssign<&ActionSet> for ActionSet {
    fn sub_assign(&mut self, other: &ActionSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0.iter()) {
            *mine &= !theirs;
        }
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
