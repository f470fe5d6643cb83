//! One look at what a change of permissions gave to whom.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::Grantee;
use crate::check::Finding;
use crate::cloudtrail::{PermissionsChange, Record};
use crate::detect::KeySeen;

/// An event, and who looks at what came of it.
pub(super) struct Look<'a, W> {
    pub(super) world: &'a W,
    pub(super) guard: &'a GuardConfig,
    pub(super) record: &'a Record,
    pub(super) change: &'a PermissionsChange,
    pub(super) now: Timestamp,
}

/// A role or user that may do too much now.
pub(super) struct Guilty {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) arn: Option<String>,
    pub(super) id: Option<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) perhaps_older: bool,
    pub(super) grantees: Vec<Grantee>,
    /// The remediator's role did it, and the guard planned no such thing.
    pub(super) tampered: bool,
    /// The access key that it is about, if it is.
    pub(super) key: Option<KeySeen>,
}

impl Guilty {
    /// One that is known by its name alone.
    pub(super) fn named(kind: &'static str, name: &str, findings: Vec<Finding>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            arn: None,
            id: None,
            findings,
            perhaps_older: false,
            grantees: Vec::new(),
            tampered: false,
            key: None,
        }
    }
}
