//! The detecting function for resources that are shared without a role. It reports; what is shared is
//! judged by the record alone.

use crate::GuardConfig;
use crate::cloudtrail::{Activity, Record};
use crate::detect::judge_share;
use crate::handlers::detect::alert::{alerted, event_alert, unreadable_record};
use crate::handlers::{HandleError, Handled};
use crate::model::Resource;
use crate::ports::{Clock, World};

/// Handles an event of `resource-share`.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn resource_share<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
) -> Result<Handled, HandleError> {
    let change = match record.activity(&guard.watched()) {
        Activity::Shared(change) => change,
        Activity::Failed(_) => return Ok(Handled::FailedCall),
        Activity::Unreadable(unreadable) => {
            return unreadable_record(world, guard, record, &unreadable, "").await;
        }
        _ => return Ok(Handled::Irrelevant),
    };
    let now = world.clock().now();
    let findings = judge_share(&guard.rules, &guard.account, &change, now);
    let Some(worst) = findings.first() else {
        return Ok(Handled::Approved);
    };
    let title = format!("{}: {}", worst.code.title(), change.resource);
    let mut subject = Resource::new(change.share.kind, &change.resource);
    subject.arn = Some(change.resource.clone()).filter(|name| name.starts_with("arn:"));
    let alert = event_alert(guard, record, subject, title, &findings, "", now);
    alerted(world, guard, alert, None).await
}
