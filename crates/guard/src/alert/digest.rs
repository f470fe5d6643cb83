//! The digest of a window: when it is due, and what it says.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::build::{Story, alert};
use crate::alert::document::{Alert, Digest, DigestLine};
use crate::alert::pages::{arranged, groups};
use crate::check::Finding;
use crate::state::digest_window::{FoldMember, FoldWindow, Folded};
use crate::state::incident::{Stage, incident_id};

/// Whoever counted an alert just before the window's end has stopped running by then.
const GRACE_SECONDS: i64 = 60;

/// For how many seconds the digest has to wait: until its window is over.
pub(crate) fn seconds_until(window: &FoldWindow, now: Timestamp) -> u64 {
    let due = window.end().saturating_add(GRACE_SECONDS);
    u64::try_from(due.saturating_sub(now.as_second())).unwrap_or(0)
}

/// The digest, if there is one: the alerts themselves say that, whatever sent the order.
pub(crate) fn digest_alert(
    guard: &GuardConfig,
    window: &FoldWindow,
    folded: Folded,
    now: Timestamp,
) -> Option<Alert> {
    let Folded {
        alone,
        together,
        unreadable,
    } = folded;
    if together.is_empty() && unreadable == 0 {
        return None;
    }
    let class = window.class;
    let reported = together.len() as u64 + unreadable;
    let count = alone.len() as u64 + reported;
    let lines: Vec<DigestLine> = together
        .into_iter()
        .skip(usize::from(skip!("digest-all")))
        .map(line)
        .collect();
    let everything: Vec<DigestLine> = alone.into_iter().map(line).chain(lines.clone()).collect();
    let open = everything.iter().filter(|line| line.open).count() as u64;
    let what = format!(
        "{} minutes: {}",
        class.window_seconds() / 60,
        class.check.title()
    );
    let message = format!("{count} times within {what}");
    let finding = Finding::new(class.check, class.severity, message);
    let exposed = match open {
        0 => String::new(),
        open => format!(", {open} STILL EXPOSED,"),
    };
    let story = Story {
        stage: Stage::Digest,
        incident: &incident_id(&window.account, &window.id()),
        title: format!("{count} alerts{exposed} within {what}"),
        cause: None,
        resource: None,
        findings: std::slice::from_ref(&finding),
        now,
    };
    let mut alert = alert(guard, story);
    alert.subject = format!("{count} {}", class.check);
    let moment = |second: i64| Timestamp::from_second(second).unwrap_or(now);
    alert.digest = Some(Digest {
        class: class.name(),
        from: moment(window.start),
        to: moment(window.end()),
        count,
        folded: reported,
        open,
        kept: Some(window.partition()),
        groups: groups(&arranged(everything)),
        lines: arranged(lines),
        ..Digest::default()
    });
    if unreadable > 0 {
        let note = format!(
            "{unreadable} of the alerts that the table keeps for this digest cannot be read: \
             somebody else may have written there"
        );
        alert.notes.push(note);
    }
    Some(alert)
}

fn line(member: FoldMember) -> DigestLine {
    DigestLine {
        incident: member.incident,
        at: member.at,
        subject: member.subject,
        line: member.line,
        third_party: member.third_party,
        actor: member.actor,
        open: member.open,
        also: Vec::new(),
    }
}
