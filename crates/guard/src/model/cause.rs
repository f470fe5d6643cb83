//! The event behind an alert or order, and what it is about.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cloudtrail::{Actor, ActorKind, Tool};

/// The event name of what no event told of.
const SWEEP: &str = "Sweep";

/// The event behind an alert or an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// CloudTrail's eventID.
    pub event_id: String,
    /// As `UpdateAssumeRolePolicy`.
    pub event_name: String,
    /// In whole seconds.
    pub event_time: Timestamp,
    /// The region that recorded it.
    pub region: String,
    /// Who did it.
    pub actor: Actor,
}

impl Cause {
    /// What the sweep found, and no event told of: nobody knows who did it, nor when; the time is
    /// that of the sweep.
    pub fn found_by_sweep(id: String, at: Timestamp) -> Self {
        Self {
            event_id: id,
            event_name: SWEEP.to_owned(),
            event_time: at,
            region: String::new(),
            actor: Actor {
                kind: ActorKind::Other(String::new()),
                arn: None,
                account: None,
                name: None,
                session_name: None,
                issuer: None,
                mfa: None,
                source_ip: None,
                user_agent: None,
                invoked_by: None,
                delegate: None,
                assumed_root: false,
                access_key_id: None,
                tool: Tool::Other,
            },
        }
    }

    /// An event told of it: who did it and when is known.
    pub fn is_event(&self) -> bool {
        self.event_name != SWEEP
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// `role`, `user`, `access-key`, `root`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its ARN, if known.
    pub arn: Option<String>,
    /// Its unique id, if known.
    pub id: Option<String>,
}

impl Resource {
    /// By its name alone.
    pub fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            arn: None,
            id: None,
        }
    }

    /// With what else is known.
    pub(crate) fn known_as(self, arn: Option<String>, id: Option<String>) -> Self {
        Self { arn, id, ..self }
    }
}
