//! Incidents in a list: each once, as its last message says it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::Severity;
use crate::state::incident::{IncidentLine, Stage};

/// One incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub incident: String,
    /// When its first message went out.
    pub at: Timestamp,
    /// The worst of its messages'.
    pub severity: Severity,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// What its last message says.
    pub title: String,
    /// An outcome has been reported.
    pub ended: bool,
    /// It is still exposed, as far as its last message knows.
    pub open: bool,
}

/// The incidents of lines about their messages, the newest first.
pub fn summaries(lines: Vec<IncidentLine>) -> Vec<Summary> {
    let mut incidents: BTreeMap<String, Summary> = BTreeMap::new();
    for line in lines {
        let ended = line.stage == Stage::Outcome;
        let summary = Summary {
            incident: line.incident.clone(),
            at: line.at,
            severity: line.severity,
            subject: line.subject,
            title: line.title,
            ended,
            open: line.open,
        };
        let Some(known) = incidents.get_mut(&line.incident) else {
            incidents.insert(line.incident, summary);
            continue;
        };
        let (first, worst) = (known.at.min(line.at), known.severity.max(line.severity));
        if ended && !known.ended {
            *known = summary;
        }
        (known.at, known.severity) = (first, worst);
    }
    let mut newest: Vec<Summary> = incidents.into_values().collect();
    newest.sort_by(|one, other| (other.at, &other.incident).cmp(&(one.at, &one.incident)));
    newest
}
