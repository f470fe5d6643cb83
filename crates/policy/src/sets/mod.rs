//! Sets of values, exactly: what text, numbers, moments and addresses satisfy a list of tests.
//!
//! A condition of a policy is a [`Test`] on the values of one key, asserted or denied. Whether any
//! value at all satisfies several such tests is decided, never guessed: finite lists are tried one
//! by one, ordered values (numbers, moments, addresses) at and around each constant of the tests,
//! and text by a walk through the product of the patterns' automata ([`language`]). Each decision
//! brings a value along that proves it.

pub(crate) mod language;
mod machine;
pub(crate) mod moment;
pub(crate) mod network;
pub(crate) mod pattern;
pub(crate) mod test;
pub(crate) mod universe;
pub(crate) mod value;

/// Whether a set has a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It has none.
    Nothing,
    /// It has this one.
    Value(String),
    /// Too costly to tell; treat as a member.
    Unknown,
}

/// What an analysis may still spend. Documents are written by attackers, so every walk through a
/// product of automata pays from one budget; when it is empty the answer is [`Found::Unknown`].
#[derive(Debug)]
pub(crate) struct Fuel {
    left: u64,
    guesses: bool,
}

impl Fuel {
    /// A budget of so many steps; one step is at most some 15 nanoseconds of work.
    pub(crate) fn new(steps: u64) -> Self {
        Self {
            left: steps,
            guesses: true,
        }
    }

    /// One for the full procedure alone: nothing is guessed before it.
    pub(crate) fn without_guesses(steps: u64) -> Self {
        Self {
            left: steps,
            guesses: false,
        }
    }

    /// Whether what most often is an answer may be tried before the procedure that decides.
    pub(crate) fn may_guess(&self) -> bool {
        self.guesses
    }

    /// Nothing is left.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Pays for what saves work later, if that takes no more than an eighth of what is left.
    pub(crate) fn invest(&mut self, steps: u64) -> bool {
        steps <= self.left / 8 && self.spend(steps)
    }

    /// Makes it so many steps where less is left.
    pub(crate) fn top_up(&mut self, steps: u64) {
        self.left = self.left.max(steps);
    }

    /// Pays, or says that nothing is left.
    pub(crate) fn spend(&mut self, steps: u64) -> bool {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                false
            }
        }
    }
}
