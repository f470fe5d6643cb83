//! A role's permissions, in plain classes.

use std::collections::HashMap;
use std::sync::Arc;

use guard::lru::Recent;
use permissions::{Class, Effective, Held as HeldClass, Likeness, classes, effective};

use super::export::Held;
use super::interned::Interned;

/// A role's permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Permitted {
    /// The classes with an action that it may do, worst first.
    pub(crate) classes: Vec<HeldClass>,
    /// Names of policies that could not be read.
    pub(crate) unreadable: Vec<String>,
    /// One of them is no boundary: it may do more than is said.
    pub(crate) more: bool,
    /// One of them is the boundary: it may do less than is said.
    pub(crate) at_most: bool,
}

impl Permitted {
    /// The classes that say something beside the others: an administrator's need no list.
    pub(crate) fn telling(&self) -> impl Iterator<Item = &HeldClass> {
        let administrator = self
            .classes
            .first()
            .is_some_and(|first| first.class == Class::Administrator);
        let count = if administrator { 1 } else { usize::MAX };
        self.classes.iter().take(count)
    }
}

/// So many roles' permissions are remembered, twice at most; each has some kilobytes.
const MOST: usize = 256;

/// Works out what roles can do, by the managed policies of an export. Roles whose policies amount
/// to the same are worked out once, and of the others most can do the same in classes.
pub(crate) struct Permitting<'a> {
    policies: &'a HashMap<String, String>,
    likeness: Likeness,
    known: Recent<u128, Amount>,
    permitted: Interned<Permitted>,
}

/// A role's permissions.
#[derive(Debug, Clone)]
pub(crate) struct Amount {
    /// In classes.
    pub(crate) permitted: Arc<Permitted>,
    /// In full; policies and resources may have the names of another role that can do the same.
    pub(crate) effective: Arc<Effective>,
    /// The same for roles that can do the same.
    pub(crate) likeness: u128,
}

impl<'a> Permitting<'a> {
    /// By managed policies: ARN to the text of the default version.
    pub(crate) fn new(policies: &'a HashMap<String, String>) -> Self {
        Self {
            policies,
            likeness: Likeness::default(),
            known: Recent::new(MOST),
            permitted: Interned::default(),
        }
    }

    /// The permissions of the holder of these policies.
    pub(crate) fn of(&mut self, held: &Held) -> Amount {
        let policies = held.policies(self.policies);
        let likeness = self.likeness.of(&policies);
        if let Some(known) = self.known.get(&likeness) {
            return known;
        }
        let effective = effective(&policies);
        let permitted = self.permitted.of(Permitted {
            classes: classes(&effective),
            unreadable: effective
                .unreadable
                .iter()
                .map(|unreadable| unreadable.policy.clone())
                .collect(),
            more: effective.unreadable.iter().any(|policy| !policy.at_most),
            at_most: effective.unreadable.iter().any(|policy| policy.at_most),
        });
        let amount = Amount {
            permitted,
            effective: Arc::new(effective),
            likeness,
        };
        self.known.insert(likeness, amount.clone());
        amount
    }
}
