//! Multi-factor authentication: a request with long-term keys says nothing of it, a session's says
//! `false`, or `true` with an age.
//!
//! Source: IAM user guide, "AWS global condition context keys", `aws:MultiFactorAuthPresent`.

use super::caller::{self, Account, Kind};
use super::identity::Solved;
use super::solver::{OwnDomain, Present, Solver};
use super::way::Way;
use crate::keys::{Group, Presence, Role};
use crate::sets::value::Domain;

/// What requests may say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct States {
    /// Nothing.
    unsaid: bool,
    /// `false`.
    said_false: bool,
    /// `true`, with these ages.
    with: Present,
}

/// How a caller without multi-factor authentication assumes the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    /// Nothing is asked.
    Unasked,
    /// By saying `false`.
    SaidFalse,
    /// By long-term keys, whose requests say nothing.
    LongTermKeys,
}

impl Solver<'_> {
    fn mfa_states(&mut self, way: &Way<'_>) -> States {
        let flag = self.ready(way, |literal| literal.row.role == Role::MfaPresent);
        let age = self.ready(way, |literal| literal.row.role == Role::MfaAge);
        let says = |value: &str| {
            flag.iter()
                .all(|one| one.test.passes(value) == one.literal.passes)
        };
        let ageless = age.iter().all(|one| one.literal.absent);
        let with = if says("true") {
            self.state(
                &age,
                Presence::Always,
                OwnDomain::Of(Domain::Count),
                false,
                &[],
            )
            .present
        } else {
            Present::Nothing
        };
        States {
            unsaid: ageless && flag.iter().all(|one| one.literal.absent),
            said_false: ageless && says("false"),
            with,
        }
    }

    fn asks_for_mfa(way: &Way<'_>) -> bool {
        way.demands
            .iter()
            .any(|literal| literal.row.role.group() == Group::Mfa)
    }

    /// Whether any request can meet the demands; `None`: too costly to tell.
    pub(crate) fn mfa_possible(&mut self, way: &Way<'_>) -> Option<bool> {
        let states = self.mfa_states(way);
        if states.said_false || matches!(states.with, Present::Values(_)) {
            return Some(true);
        }
        let unknown = states.with == Present::Unknown;
        if states.unsaid {
            match self.identity_of(way, &caller::LONG_TERM, Account::Any, &[]) {
                Solved::Nobody if unknown => None,
                Solved::Nobody => Some(false),
                Solved::Caller(_) => Some(true),
                Solved::Unknown => None,
            }
        } else if unknown {
            None
        } else {
            Some(false)
        }
    }

    /// The kinds of callers that the demands leave.
    pub(crate) fn kinds(&mut self, way: &Way<'_>) -> &'static [Kind] {
        if !Self::asks_for_mfa(way) {
            return &caller::KINDS;
        }
        let states = self.mfa_states(way);
        if states.unsaid && !states.said_false && states.with == Present::Nothing {
            &caller::LONG_TERM
        } else {
            &caller::KINDS
        }
    }

    /// How a caller assumes the role without it, if one does.
    pub(crate) fn mfa_without(&mut self, way: &Way<'_>) -> Option<Without> {
        if !Self::asks_for_mfa(way) {
            return Some(Without::Unasked);
        }
        let states = self.mfa_states(way);
        if states.said_false {
            return Some(Without::SaidFalse);
        }
        let long_term = states.unsaid
            && self.identity_of(way, &caller::LONG_TERM, Account::Any, &[]) != Solved::Nobody;
        long_term.then_some(Without::LongTermKeys)
    }

    /// The ages with which a caller assumes the role with it.
    pub(crate) fn mfa_with(&mut self, way: &Way<'_>) -> Present {
        self.mfa_states(way).with
    }

    /// What the flag may be: absent, and the values that it may have.
    pub(crate) fn mfa_flag(&mut self, way: &Way<'_>) -> (bool, Vec<String>) {
        let states = self.mfa_states(way);
        let absent = states.unsaid
            && self.identity_of(way, &caller::LONG_TERM, Account::Any, &[]) != Solved::Nobody;
        let mut values = Vec::new();
        if states.said_false {
            values.push("false".to_owned());
        }
        if states.with != Present::Nothing {
            values.push("true".to_owned());
        }
        (absent, values)
    }
}
