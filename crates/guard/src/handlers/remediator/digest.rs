//! Publishing the digest of a window, once the window is over.
//!
//! The order for it is sent by each alert that is folded, of which the queue keeps one, and waits in the queue, so it
//! needs no further event: the remediator puts it off until the window has ended. A message that
//! has waited for a while is replaced by a fresh one, so that an old message in the queue always
//! means an order that is stuck.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::pages::{arranged, groups};
use crate::alert::{Alert, Digest, DigestLine};
use crate::check::Finding;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert};
use crate::handlers::publish::tell_digest;
use crate::order::{Ack, Order};
use crate::ports::{Clock, Orders, World};
use crate::state::digest_window::{FoldMember, FoldWindow, Folded};
use crate::state::incident::{Stage, incident_id};

/// Whoever counted an alert just before the window's end has stopped running by then.
const GRACE_SECONDS: i64 = 60;

/// Publishes the digest if it is due, or says when to look again.
pub(super) async fn publish_digest<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    window: &FoldWindow,
) -> Result<Ack, HandleError> {
    let now = world.clock().now();
    let wait = window
        .end()
        .saturating_add(GRACE_SECONDS)
        .saturating_sub(now.as_second());
    if let Ok(wait @ 1..) = u64::try_from(wait) {
        if let Some(wait) = order.waits(wait, now) {
            return Ok(Ack::in_seconds(wait));
        }
        let fresh = Order {
            issued_at: now,
            ..order.clone()
        };
        world.orders().send_order(&fresh).await?;
        return Ok(Ack::Done);
    }
    let Ok(folded) = world.state().folded(window).await else {
        return Ok(Ack::in_seconds(60));
    };
    // The alerts themselves say whether a digest is due, whatever sent the order.
    if folded.together.is_empty() && folded.unreadable == 0 {
        return Ok(Ack::Done);
    }
    let digest = digest_alert(guard, window, folded, now);
    match tell_digest(world, guard, digest).await {
        Ok(()) => Ok(Ack::Done),
        Err(HandleError::InProgress { .. }) => Ok(Ack::in_seconds(60)),
        Err(error) => Err(error),
    }
}

fn digest_alert(guard: &GuardConfig, window: &FoldWindow, folded: Folded, now: Timestamp) -> Alert {
    let Folded {
        alone,
        together,
        unreadable,
    } = folded;
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
    let finding = Finding {
        code: class.check,
        severity: class.severity,
        message: format!("{count} times within {what}"),
        statement: None,
        third_party: None,
        vendor: None,
        witness: None,
        fix: None,
    };
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
    alert
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
