//! What the policies of a role amount to: the answer of [`crate::effective`].

use policy::ParseError;

use crate::action::Action;
use crate::resource::Scope;
use crate::set::ActionSet;

/// What a role or user may do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effective {
    /// By statement, none of them empty.
    pub permits: Vec<Permit>,
    /// Policies that could not be read. If there are any, more may be allowed than is said here.
    pub unreadable: Vec<Unreadable>,
    /// Denies that were not subtracted, since they hold for some requests only.
    pub partial_denies: Vec<PartialDeny>,
}

/// What one Allow statement still allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    /// Its policy's name.
    pub policy: String,
    /// Its place in the policy.
    pub statement: usize,
    /// What the table knows of it.
    pub actions: ActionSet,
    /// Patterns, as written, of actions that the table does not know.
    pub unknown: Vec<String>,
    /// The patterns of `Action` as written; empty where the statement says `NotAction`.
    pub patterns: Vec<String>,
    /// The statement says `NotAction`: all but some.
    pub all_but: bool,
    /// On how much, at most.
    pub scope: Scope,
    /// On what, as written.
    pub resources: Vec<String>,
    /// The conditions under which, all of which must hold.
    pub caveats: Vec<String>,
    /// Those of them on `iam:PassedToService`, all of which must hold.
    pub passed_to: Vec<PassedTo>,
    /// They let grants on keys go to AWS's services alone.
    pub for_services: bool,
    /// One of them may be such that the holder cannot meet it.
    pub is_unsure: bool,
    /// Actions that a Deny may take away, whose conditions not every request meets.
    pub doubtful: ActionSet,
}

/// To which services a role may be passed, by one condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassedTo {
    /// Services, patterns perhaps.
    pub services: Vec<String>,
    /// To all but these.
    pub all_but: bool,
}

impl PassedTo {
    /// Whether it lets a role be passed to this service.
    pub(crate) fn admits(&self, service: &str) -> bool {
        let abroad = format!("{service}.cn");
        let named = self.services.iter().any(|pattern| {
            let pattern = pattern.to_ascii_lowercase();
            let abroad = !self.all_but && policy::glob::matches(&pattern, &abroad);
            abroad || policy::glob::matches(&pattern, service)
        });
        named != self.all_but
    }

    /// Whether all of them let a role be passed to some service. Patterns are taken to.
    pub(crate) fn admit_any(limits: &[Self]) -> bool {
        let is_list = |limit: &&Self| {
            let mut services = limit.services.iter();
            !limit.all_but && services.all(|service| !service.contains(['*', '?', '$']))
        };
        limits.iter().find(is_list).is_none_or(|list| {
            let to = |service: &String| limits.iter().all(|limit| limit.admits(service));
            list.services.iter().any(to)
        })
    }
}

/// A policy that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name.
    pub policy: String,
    /// Why.
    pub reason: Reason,
    /// It is the boundary, which could only take away: what is said is allowed at most.
    pub at_most: bool,
}

/// Why a policy could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A managed policy whose document is not at hand.
    #[error("its document is not at hand")]
    Missing,
    /// It is no policy.
    #[error("{0}")]
    Parse(#[source] ParseError),
    /// IAM would refuse it, so that what it means is not known.
    #[error("line {line}, column {column}: {message}")]
    Refused {
        /// 1-based.
        line: u32,
        /// 1-based, in characters.
        column: u32,
        /// The first fault.
        message: String,
    },
    /// It was made to be slow.
    #[error("it has more wildcards than are worked out")]
    TooMuch,
}

/// A Deny that holds for some requests only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialDeny {
    /// Its policy's name.
    pub policy: String,
    /// Its place in the policy.
    pub statement: usize,
    /// Its conditions; empty where it is its resources that make it partial.
    pub caveats: Vec<String>,
}

impl Effective {
    /// What is allowed on anything at all.
    pub fn actions(&self) -> ActionSet {
        self.on(Scope::Named)
    }

    /// What is allowed on so much or more.
    pub fn on(&self, at_least: Scope) -> ActionSet {
        let mut all = ActionSet::new();
        for permit in self
            .permits
            .iter()
            .filter(|permit| permit.scope >= at_least)
        {
            all |= &permit.actions;
        }
        all
    }

    /// The permit that gives most of an action: on the most, without conditions.
    pub fn permit_of(&self, action: Action) -> Option<&Permit> {
        self.permits
            .iter()
            .filter(|permit| permit.actions.contains(action))
            .max_by_key(|permit| (permit.scope, permit.caveats.is_empty()))
    }

    /// What is surely allowed: without permits whose conditions may not be met, and without what a
    /// Deny may take away under conditions.
    #[must_use]
    pub fn certain(&self) -> Self {
        let permits = self.permits.iter().filter(|permit| !permit.is_unsure);
        let permits = permits.cloned().map(|mut permit| {
            permit.actions -= &permit.doubtful;
            permit
        });
        Self {
            permits: permits
                .filter(|permit| !permit.actions.is_empty() || !permit.unknown.is_empty())
                .collect(),
            unreadable: self.unreadable.clone(),
            partial_denies: Vec::new(),
        }
    }

    /// Whether nothing is allowed, for all that is known.
    pub fn is_empty(&self) -> bool {
        self.permits.is_empty() && self.unreadable.is_empty()
    }
}
