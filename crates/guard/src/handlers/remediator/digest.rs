//! Publishing the digest of a window, once the window is over.
//!
//! The order for it is sent by the first alert that is folded and then waits in the queue, so it
//! needs no further event: the remediator puts it off until the window has ended. A message that
//! has waited for a while is replaced by a fresh one, so that an old message in the queue always
//! means an order that is stuck.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::{Alert, Digest, DigestLine};
use crate::check::Finding;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert};
use crate::handlers::publish::tell;
use crate::model::seconds_between;
use crate::order::{DIGEST_ORDER_SECONDS, Disposition, Order};
use crate::ports::{Clock, Orders, World};
use crate::state::digest_window::{FoldMember, FoldWindow};
use crate::state::incident::{Stage, incident_id};

/// Whoever counted an alert just before the window's end has stopped running by then.
const GRACE_SECONDS: i64 = 60;

/// Publishes the digest if it is due, or says when to look again.
pub(super) async fn publish_digest<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    window: &FoldWindow,
) -> Result<Disposition, HandleError> {
    let now = world.clock().now();
    let wait = window
        .end()
        .saturating_add(GRACE_SECONDS)
        .saturating_sub(now.as_second());
    if let Ok(wait @ 1..) = u64::try_from(wait) {
        let age = u64::try_from(seconds_between(order.issued_at, now)).unwrap_or(0);
        if let Some(rest @ 1..) = DIGEST_ORDER_SECONDS.checked_sub(age) {
            return Ok(Disposition::in_seconds(wait.min(rest)));
        }
        let fresh = Order {
            issued_at: now,
            ..order.clone()
        };
        world.orders().send_order(&fresh).await?;
        return Ok(Disposition::Done);
    }
    let Ok(members) = world.state().folded(window).await else {
        return Ok(Disposition::in_seconds(60));
    };
    let alone = window.class.alone();
    let folded: Vec<_> = members
        .iter()
        .filter(|(position, _)| *position > alone)
        .skip(usize::from(skip!("digest-all")))
        .collect();
    if folded.is_empty() {
        return Ok(Disposition::Done);
    }
    let alert = digest_alert(guard, window, &members, &folded, now);
    match tell(world, guard, &alert).await {
        Ok(_) => Ok(Disposition::Done),
        Err(HandleError::InProgress { .. }) => Ok(Disposition::in_seconds(60)),
        Err(error) => Err(error),
    }
}

fn digest_alert(
    guard: &GuardConfig,
    window: &FoldWindow,
    members: &[(u32, FoldMember)],
    folded: &[&(u32, FoldMember)],
    now: Timestamp,
) -> Alert {
    let count = members.len() as u64;
    let mut subjects: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, member) in members {
        *subjects.entry(member.subject.as_str()).or_default() += 1;
    }
    let mut subjects: Vec<(String, u64)> = subjects
        .into_iter()
        .map(|(subject, count)| (subject.to_owned(), count))
        .collect();
    subjects.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let moment = |second: i64| Timestamp::from_second(second).unwrap_or(now);
    let class = window.class;
    let finding = Finding {
        code: class.check,
        severity: class.severity,
        message: format!(
            "{count} times within {} minutes: {}",
            class.window_seconds() / 60,
            class.check.title()
        ),
        statement: None,
        third_party: None,
        vendor: None,
        witness: None,
        fix: None,
    };
    let story = Story {
        stage: Stage::Digest,
        incident: &incident_id(&window.account, &window.id()),
        title: format!(
            "{count} alerts within {} minutes: {}",
            class.window_seconds() / 60,
            class.check.title()
        ),
        cause: None,
        resource: None,
        findings: std::slice::from_ref(&finding),
        now,
    };
    let mut alert = alert(guard, story);
    alert.subject = format!("{} × {}", count, class.check);
    alert.digest = Some(Digest {
        class: class.name(),
        about: None,
        from: moment(window.start),
        to: moment(window.end()),
        count,
        folded: folded.len() as u64,
        subjects,
        lines: folded
            .iter()
            .map(|(_, member)| DigestLine {
                incident: member.incident.clone(),
                at: member.at,
                subject: member.subject.clone(),
                line: member.line.clone(),
            })
            .collect(),
    });
    alert
}
