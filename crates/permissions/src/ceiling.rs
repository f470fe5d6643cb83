//! What a role may do beyond a ceiling.

use crate::amount::{Effective, Permit};
use crate::effective::unknown_within;
use crate::expand::expand_into;
use crate::set::ActionSet;

/// A ceiling: the most that a role may do, as patterns of actions.
#[derive(Debug, Clone)]
pub struct Ceiling<'p> {
    patterns: Vec<&'p str>,
    actions: ActionSet,
}

/// What lies beyond a ceiling.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beyond {
    /// What the table knows of it.
    pub actions: ActionSet,
    /// Patterns of actions that the table does not know.
    pub unknown: Vec<String>,
}

impl<'p> Ceiling<'p> {
    /// From patterns as `ec2:Describe*`. None: nothing is allowed.
    pub fn new(patterns: impl IntoIterator<Item = &'p str>) -> Ceiling<'p> {
        let patterns: Vec<&str> = patterns.into_iter().collect();
        let mut actions = ActionSet::new();
        for pattern in &patterns {
            expand_into(pattern, &mut actions);
        }
        Ceiling { patterns, actions }
    }

    /// The actions below it.
    pub fn actions(&self) -> &ActionSet {
        &self.actions
    }

    /// What a role may do beyond it. `None`: nothing.
    pub fn beyond(&self, effective: &Effective) -> Option<Beyond> {
        let mut actions = effective.actions();
        actions -= &self.actions;
        let mut unknown: Vec<String> = effective
            .permits
            .iter()
            .flat_map(|permit: &Permit| &permit.unknown)
            .filter(|unknown| !unknown_within(unknown, &self.patterns))
            .cloned()
            .collect();
        unknown.sort();
        unknown.dedup();
        (!actions.is_empty() || !unknown.is_empty()).then_some(Beyond { actions, unknown })
    }
}
