//! What came of an order, for the alert.

use serde::{Deserialize, Serialize};

use crate::state::history::WriteKind;

/// What is to be done, without the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Nothing.
    None,
    /// The newest approved document that still complies is restored.
    Revert,
    /// What violates is taken out, the rest stays byte for byte.
    Repair,
    /// Everyone is denied; the old document is kept.
    Quarantine,
    /// The access key is deactivated.
    Deactivate,
}

impl PlanKind {
    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Revert => "revert",
            Self::Repair => "repair",
            Self::Quarantine => "quarantine",
            Self::Deactivate => "deactivate",
        }
    }
}

impl From<WriteKind> for PlanKind {
    fn from(kind: WriteKind) -> Self {
        match kind {
            WriteKind::Revert | WriteKind::PutBack => Self::Revert,
            WriteKind::Repair => Self::Repair,
            WriteKind::Quarantine => Self::Quarantine,
        }
    }
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// Not over yet: an order was sent.
    Ordered,
    /// An older approved document is live again.
    Reverted,
    /// What violated is out.
    Repaired,
    /// The role admits nobody.
    Quarantined,
    /// The access key is inactive.
    Deactivated,
    /// The change of permissions is undone.
    Detached,
    /// An approved document that a write of the guard had run over is live again.
    PutBack,
    /// Mode alert: this is what would have been done.
    WouldRevert,
    /// The same.
    WouldRepair,
    /// The same.
    WouldQuarantine,
    /// The same.
    WouldDeactivate,
    /// The same.
    WouldDetach,
    /// Somebody changed the role since, and it complies now.
    Superseded,
    /// The role, user or key is gone.
    Gone,
    /// The role is protected, reserved by AWS or the guard's own: people act.
    NotTouched,
    /// The rules switch remediation off, or no finding asks for it: people act.
    LeftAlone,
    /// It violates the rules, and a person approved it for a while.
    Approved,
    /// The live trust policy cannot be judged, so nothing can be shown to be right: people act.
    Unjudged,
    /// IAM refused the write (an SCP, a boundary): the role is exposed.
    Refused,
    /// It could not be done: the role is exposed.
    Failed,
    /// The hourly writes are spent: the guard stops writing to this role, people act.
    BudgetSpent,
}

/// An outcome with its details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What came of it.
    pub kind: OutcomeKind,
    /// One or two sentences for a person.
    pub text: String,
    /// The door is still open: somebody has to act.
    pub open: bool,
    /// Principals that IAM refused and that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// What was written, or would be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl Outcome {
    /// Nothing was written, and somebody has to act, or an order does.
    pub(crate) fn open(kind: OutcomeKind, text: &str) -> Self {
        Self {
            kind,
            text: text.to_owned(),
            open: true,
            dropped: Vec::new(),
            document: None,
        }
    }
}
