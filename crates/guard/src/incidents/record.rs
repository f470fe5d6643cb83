//! What is kept of an alert that is out: enough to say a year later what happened, who did it, what
//! stood before and after, and what was done; never more than an item of the table holds.

use jiff::Timestamp;

use crate::alert::Alert;
use crate::state::incident::{AlertKey, Incident, Schema};

/// How many entries of each of its lists are kept.
const KEPT: usize = 60;
/// How long the alert may be as JSON: an item holds 400 KB, and two documents stand beside it.
const ALERT_BYTES: usize = 200 * 1024;
/// IAM takes no longer document than this.
const DOCUMENT_BYTES: usize = 64 * 1024;

/// What is kept of an alert under its key.
pub(crate) fn record(alert: &Alert, key: AlertKey, at: Timestamp) -> Incident {
    let document = alert.document.clone();
    Incident {
        schema: Schema,
        key,
        subject: alert.subject.clone(),
        severity: alert.severity,
        title: alert.title.clone(),
        published_at: at,
        open: alert.is_open(),
        document: document.filter(|document| document.len() <= DOCUMENT_BYTES),
        alert: shortened(alert),
    }
}

/// The alert as JSON, with its lists cut, and without those that are too long even so.
fn shortened(alert: &Alert) -> serde_json::Value {
    let mut kept = alert.clone();
    kept.links.clear();
    kept.digest = None;
    kept.findings.truncate(KEPT);
    kept.grantees.truncate(KEPT);
    kept.changes.truncate(KEPT);
    kept.diff.truncate(4 * KEPT);
    kept.notes.truncate(KEPT);
    let too_long =
        |kept: &Alert| serde_json::to_vec(kept).is_ok_and(|json| json.len() > ALERT_BYTES);
    if too_long(&kept) {
        kept.notes.clear();
        kept.diff.clear();
        kept.changes.clear();
    }
    if too_long(&kept) {
        kept.grantees.clear();
        for finding in &mut kept.findings {
            finding.witness = None;
        }
    }
    if too_long(&kept) {
        kept.findings.clear();
    }
    serde_json::to_value(kept).unwrap_or_default()
}
