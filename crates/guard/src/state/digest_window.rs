//! Folding: more than a few alerts of one class within minutes become a digest.
//!
//! A class is a check at a severity, so nothing CRITICAL is ever counted with anything milder.
//! Windows are fixed stretches of time (aligned to the epoch), so that every sender names the
//! same window without asking anyone.

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
}

impl FoldClass {
    /// As in keys: `root-sign-in-failed/MEDIUM/detected`.
    pub fn name(self) -> String {
        format!("{}/{}/{}", self.check, self.severity, self.stage)
    }

    /// How long its windows are, in seconds.
    pub fn window_seconds(self) -> i64 {
        match self.check {
            Check::RootSignInFailed => 15 * 60,
            _ => 5 * 60,
        }
    }

    /// How many of a window go out one by one; the rest go out together when it is over.
    pub fn alone(self) -> u32 {
        match self.check {
            Check::RootSignInFailed => 1,
            _ => 10,
        }
    }
}

impl fmt::Display for FoldClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
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

    /// Names it: `root-sign-in-failed/MEDIUM/detected/1763766000`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.class.name(), self.start)
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
}

/// Where an alert stands in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// 1 for the first of the window. The same alert counted again keeps its position.
    pub position: u32,
    /// Somebody has already made sure that the digest will be published.
    pub digest_ordered: bool,
}
