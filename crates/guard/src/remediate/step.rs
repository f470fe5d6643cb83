//! What has been seen of a role, and the step that follows from it: plain values.

use jiff::Timestamp;

use crate::check::Severity;
use crate::detect::Judgement;
use crate::model::LiveRole;
use crate::remediate::outcome::{OutcomeKind, PlanKind};
use crate::remediate::plan::Plan;
use crate::remediate::task::RoleTask;
use crate::state::approval::Approval;
use crate::state::history::{OwnWrite, RoleHistory, WriteKind};
use crate::state::sweep_state::SweptRole;

/// What has been read about a role, for one order.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The order.
    pub task: RoleTask<'a>,
    /// What IAM shows.
    pub live: Live<&'a LiveRole>,
    /// The history that the role's name points to; none where the role could not be read.
    pub known: Option<RoleHistory>,
    /// The role as the sweep saw it last.
    pub swept: Option<SweptRole>,
    /// A person's approval of the live document.
    pub approval: Option<Approval>,
}

/// What IAM shows of a role or user.
#[derive(Debug)]
pub enum Live<T> {
    /// It could not be read, and why.
    Unread(String),
    /// It is not there, or cannot be seen yet.
    Absent,
    /// It is there; the read may be stale.
    There(T),
}

/// What is done next: histories are saved first, then one action follows.
#[derive(Debug)]
pub struct Step {
    /// The history of an older role of the name, to be saved as closed before anything else.
    pub close: Option<RoleHistory>,
    /// The role's history as it stands now; none where there is no role.
    pub history: Option<RoleHistory>,
    /// Whether that history has to be saved before the action.
    pub save: bool,
    /// The judgement of the live trust policy; none where there is no role.
    pub judgement: Option<Judgement>,
    /// The action.
    pub action: Action<Write, OwnWrite>,
}

/// The one action of a step: `W` is what may be written, `O` an own write.
#[derive(Debug)]
pub enum Action<W, O> {
    /// The order comes again after so many seconds.
    Wait(u64),
    /// This is written: the intent recorded, what is live compared, the write, its record, and the
    /// look back.
    Write(W),
    /// An own write stands: sessions are ended where the rules ask for it, and it is reported.
    Conclude {
        /// The write.
        own: O,
        /// What has happened since, if anything.
        note: Option<&'static str>,
    },
    /// The order is done; with an ending, its outcome is reported first.
    Finish(Option<Ending>),
}

/// A trust policy that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// As what.
    pub kind: WriteKind,
    /// The whole document.
    pub document: String,
    /// What is said of it.
    pub details: String,
    /// Why it is not what the rules name first, if so.
    pub fallback: Option<String>,
    /// Principals that IAM no longer knows, left out of it.
    pub dropped: Vec<String>,
    /// Violations that the rules leave to manual action may stay.
    pub tolerating: bool,
    /// The live document violates the rules: if nothing can be written, the role stays exposed.
    pub exposed: bool,
}

impl Write {
    /// The document that a plan names.
    pub(crate) fn planned(plan: Plan, tolerating: bool) -> Self {
        let kind = match plan.kind {
            PlanKind::Revert => WriteKind::Revert,
            PlanKind::Repair => WriteKind::Repair,
            PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => WriteKind::Quarantine,
        };
        Self {
            kind,
            document: plan.document,
            details: plan.details,
            fallback: plan.fallback,
            dropped: Vec::new(),
            tolerating,
            exposed: true,
        }
    }
}

/// The end of an order, as it is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The outcome.
    pub kind: OutcomeKind,
    /// What was done, or why nothing was.
    pub text: String,
    /// The role is still exposed.
    pub open: bool,
    /// The report shows the live role and who can assume it.
    pub shows_live: bool,
    /// The severity, where it is neither the findings' nor the outcome's own.
    pub severity: Option<Severity>,
    /// The document that would have been written.
    pub would_write: Option<String>,
    /// When the role is to be remediated once more: the hour's budget is free again.
    pub again_at: Option<Timestamp>,
}

impl Ending {
    /// An ending that shows no role.
    pub(crate) fn of(kind: OutcomeKind, text: impl Into<String>, open: bool) -> Self {
        Self {
            kind,
            text: text.into(),
            open,
            shows_live: false,
            severity: None,
            would_write: None,
            again_at: None,
        }
    }

    /// An ending of a role whose live trust policy is shown.
    pub(crate) fn live(kind: OutcomeKind, text: impl Into<String>, open: bool) -> Self {
        Self {
            shows_live: true,
            ..Self::of(kind, text, open)
        }
    }

    /// In mode alert: what would have been done.
    pub(crate) fn would(plan: Plan) -> Self {
        let (kind, done) = match plan.kind {
            PlanKind::Revert => (OutcomeKind::WouldRevert, "restored"),
            PlanKind::Repair => (OutcomeKind::WouldRepair, "repaired it"),
            PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => {
                (OutcomeKind::WouldQuarantine, "quarantined it")
            }
        };
        let mut text = format!(
            "nothing, in mode alert; in mode enforce it would have {done}: {}",
            plan.details
        );
        if let Some(why) = &plan.fallback {
            text += &format!(" ({why})");
        }
        Self {
            would_write: Some(plan.document),
            ..Self::live(kind, text, true)
        }
    }
}
