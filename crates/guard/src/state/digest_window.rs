//! Folding: more than a few alerts of one class within minutes become a digest.
//!
//! A class is a check at a severity, so nothing CRITICAL is ever counted with anything milder.
//! What needs a person is a class of its own, which nothing that is closed delays.
//! Windows are fixed stretches of time (aligned to the epoch), so that every sender names the
//! same window without asking anyone.
//!
//! Which alerts go out by themselves follows from those that did, one by one, never from a number:
//! a number that somebody wrote into the table silences nothing.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Severity};
use crate::state::incident::{Schema, Stage};

/// Alerts that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FoldClass {
    /// The alert's worst check.
    pub check: Check,
    /// The alert's severity.
    pub severity: Severity,
    /// Detected or outcome: what was seen is not counted with what was done.
    pub stage: Stage,
    /// A person has to act: nothing that the guard still does will close it.
    #[serde(default)]
    pub needs_person: bool,
}

/// More turns than any class has alerts that go out by themselves.
pub const TURNS: u16 = 100;

/// How many more of a window go out by themselves because they are the first of their third party
/// and actor. Bounded, since whoever acts can invent third parties.
const FIRSTS: usize = 20;

impl FoldClass {
    /// As in alerts: `root-sign-in-failed/MEDIUM/detected`.
    pub fn name(self) -> String {
        format!("{}/{}/{}", self.check, self.severity, self.stage)
    }

    /// As in keys: the name, and `/needs-person` where a person has to act.
    pub fn key(self) -> String {
        let needs = if self.needs_person {
            "/needs-person"
        } else {
            ""
        };
        self.name() + needs
    }

    /// How long its windows are, in seconds.
    pub fn window_seconds(self) -> i64 {
        match self.check {
            _ if self.needs_person => 60,
            Check::RootSignInFailed => 15 * 60,
            _ => 5 * 60,
        }
    }

    /// How many of a window go out one by one; the rest go out together when it is over. Of
    /// what needs a person it is half of what Slack takes in a minute.
    pub fn alone(self) -> usize {
        match self.check {
            _ if self.needs_person => 30,
            Check::RootSignInFailed => 1,
            _ => 10,
        }
    }

    /// Whether an alert goes out by itself, beside those of its window that do: as one of them that
    /// comes again, while there are few, or as the first of its third party and actor.
    pub fn goes_out_alone(self, beside: &[FoldMember], member: &FoldMember) -> bool {
        let known = |known: &FoldMember| known.incident == member.incident;
        let alike = |known: &FoldMember| known.group() == member.group();
        beside.iter().any(known)
            || beside.len() < self.alone()
            || beside.len() < self.alone() + FIRSTS
                && !beside.iter().any(alike)
                && !skip!("firsts-alone")
    }
}

impl fmt::Display for FoldClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.key())
    }
}

/// One class of one account in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FoldWindow {
    /// 12 digits.
    pub account: String,
    /// What is counted.
    pub class: FoldClass,
    /// When it began, in seconds since the epoch.
    pub start: i64,
}

impl FoldWindow {
    /// The window that a moment belongs to.
    pub fn at(account: &str, class: FoldClass, now: Timestamp) -> Self {
        let length = class.window_seconds();
        let start = now.as_second().div_euclid(length) * length;
        Self {
            account: account.to_owned(),
            class,
            start,
        }
    }

    /// When it is over and its digest is due, in seconds since the epoch.
    pub fn end(&self) -> i64 {
        self.start.saturating_add(self.class.window_seconds())
    }

    /// The partition key of what is kept of it.
    pub fn partition(&self) -> String {
        format!("{}/fold/{}", self.account, self.id())
    }

    /// Names it: `root-sign-in-failed/MEDIUM/detected/1763766000`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.class.key(), self.start)
    }
}

/// One alert within a window: what the digest says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldMember {
    /// Always there.
    pub schema: Schema,
    /// Names it within the window.
    pub incident: String,
    /// When it was counted.
    pub at: Timestamp,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// One line: what, who, from where. At most 400 characters.
    pub line: String,
    /// Who has access by it, where it is about access. At most 400 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
    /// Who did it, in a few words. At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// It is still exposed, as far as the alert knew.
    #[serde(default)]
    pub open: bool,
}

impl FoldMember {
    /// What a digest puts together: the third party and the actor.
    pub fn group(&self) -> (Option<&str>, Option<&str>) {
        (self.third_party.as_deref(), self.actor.as_deref())
    }
}

/// What is kept of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    /// Those that went out by themselves.
    pub alone: Vec<FoldMember>,
    /// Those that wait for the digest.
    pub together: Vec<FoldMember>,
    /// How many more there are that cannot be read.
    pub unreadable: u64,
}
