//! Whether an access key is deactivated. Pure.

use crate::check::Remedy;
use crate::cloudtrail::KeyChange;
use crate::detect::judge_key;
use crate::order::KeyOrder;
use crate::ports::{IamError, IamErrorKind};
use crate::remediate::outcome::OutcomeKind;
use crate::remediate::refusal::given_up;
use crate::remediate::step::Ending;
use crate::remediate::task::Assignment;
use crate::rules::{KeyViolation, Mode};

/// How often a key that is not there may be one that cannot be seen yet.
const LOOKS: u32 = 3;

/// `None`: the key is deactivated, if today's rules still ask for it; else why nothing is done.
pub fn left_active(task: Assignment<'_, KeyOrder>) -> Option<Ending> {
    let Assignment {
        guard,
        about: key,
        now,
        ..
    } = task;
    let change = KeyChange {
        user: Some(key.user.clone()),
        root: false,
        key_id: Some(key.key_id.clone()),
    };
    let mut violations = judge_key(&guard.rules, &change, false, now);
    violations.retain(|finding| finding.code.remedy() == Remedy::AccessKey);
    if violations.is_empty() {
        let text = "nothing: the rules allow this user a key now";
        return Some(Ending::of(OutcomeKind::Superseded, text, false));
    }
    if guard.rules.access_keys().on_violation != KeyViolation::Deactivate {
        let text =
            "nothing: the rules require manual action for access keys (access_keys.on_violation)";
        return Some(Ending::of(OutcomeKind::LeftAlone, text, true));
    }
    let enforced = violations
        .iter()
        .any(|finding| guard.mode.min(guard.rules.mode_for(finding)) == Mode::Enforce);
    if !enforced {
        let text = format!(
            "nothing, in mode alert: {} would have been deactivated",
            key.key_id
        );
        return Some(Ending::of(OutcomeKind::WouldDeactivate, text, true));
    }
    None
}

/// What follows when IAM does not deactivate it; `None`: the order comes again.
pub(crate) fn not_deactivated(error: &IamError, attempts: u32) -> Option<Ending> {
    if error.kind == IamErrorKind::NoSuchEntity && attempts >= LOOKS {
        // A new key may not be there to see before.
        let text = "nothing: the key or its user is gone";
        return Some(Ending::of(OutcomeKind::Gone, text, false));
    }
    given_up(error, attempts)
}
