//! The proof before a write.

use policy::TrustPolicy;

use crate::model::LiveRole;
use crate::remediate::judged::AsRole;
use crate::remediate::plan::{Judging, QUARANTINE};
use crate::remediate::step::Write;
use crate::remediate::task::RoleTask;
use crate::state::history::WriteKind;

/// Whatever the plan came from, this is what would stand in IAM: it must comply, and a repair must
/// grant nothing that the live document does not.
pub(crate) fn proved(task: RoleTask<'_>, live: &LiveRole, wanted: &Write) -> bool {
    let judging = AsRole::live(task, live, wanted.tolerating);
    let compliant = || judging.complies(&wanted.document);
    match wanted.kind {
        WriteKind::Quarantine => wanted.document == QUARANTINE,
        WriteKind::Revert | WriteKind::PutBack => compliant(),
        WriteKind::Repair => compliant() && narrower(task, &wanted.document, &live.document),
    }
}

/// The one grants nothing that the other does not.
fn narrower(task: RoleTask<'_>, narrow: &str, wide: &str) -> bool {
    let context = task.guard.comparing(task.now);
    match (TrustPolicy::parse(narrow), TrustPolicy::parse(wide)) {
        (Ok(narrow), Ok(wide)) => policy::is_subset(&narrow, &wide, &context).is_ok(),
        _ => false,
    }
}
