//! The detecting function for identity providers: whoever writes one is every one of its users. It
//! reports, with what was there before; a person puts it back.

use crate::GuardConfig;
use crate::cloudtrail::{Activity, Metadata, ProviderChange, ProviderMove, Record};
use crate::detect::{Known, judge_provider_change, metadata_after, opens};
use crate::handlers::detect::alert::{alerted, event_alert, unreadable_record};
use crate::handlers::{HandleError, Handled};
use crate::model::{Resource, RoleRef};
use crate::ports::{Clock, IamError, ListRoles, World, chain};
use crate::state::incident::Schema;
use crate::state::providers::ProviderSeen;

/// Handles an event of `identity-provider`.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn identity_provider<W: World<Roles: ListRoles>>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
) -> Result<Handled, HandleError> {
    let change = match record.activity(&guard.watched()) {
        Activity::ProviderChanged(change) => change,
        Activity::Failed(_) => return Ok(Handled::FailedCall),
        Activity::Unreadable(unreadable) => {
            return unreadable_record(world, guard, record, &unreadable, "").await;
        }
        _ => return Ok(Handled::Irrelevant),
    };
    let now = world.clock().now();
    let (at, event) = (record.event_time.unwrap_or(now), record.id());
    let (state, account) = (world.state(), &guard.account);
    // An alert does not wait for the table.
    let known = state
        .provider_before(account, &change.name, at, &event)
        .await;
    let before = match known {
        Ok(Some(seen)) => Known::Is(seen.metadata),
        Ok(None) => Known::Not("no change of it was seen yet".to_owned()),
        Err(error) => Known::Not(chain(&error)),
    };
    let roles = match opened(world, guard, &change).await {
        Ok(roles) => Known::Is(roles),
        Err(error) => Known::Not(chain(&error)),
    };
    let findings = judge_provider_change(&guard.rules, &change, &before, &roles);
    let handled = match findings.first() {
        None => Handled::Approved,
        Some(worst) => {
            let title = format!("{}: {}", worst.code.title(), change.name);
            let subject = Resource::new("identity-provider", &change.name);
            let alert = event_alert(guard, record, subject, title, &findings, "", now);
            alerted(world, guard, alert, None).await?
        }
    };
    if change.done != ProviderMove::Tagged && !change.cut {
        let known: Option<&Metadata> = match &before {
            Known::Is(metadata) => Some(metadata),
            Known::Not(_) => None,
        };
        let seen = ProviderSeen {
            schema: Schema,
            at,
            event: event.into_owned(),
            metadata: metadata_after(known, &change),
        };
        state.record_provider(account, &change.name, &seen).await?;
    }
    Ok(handled)
}

/// The roles that the provider opens, by name, in order.
pub(in crate::handlers) async fn opened<W: World<Roles: ListRoles>>(
    world: &W,
    guard: &GuardConfig,
    change: &ProviderChange,
) -> Result<Vec<String>, IamError> {
    let now = world.clock().now();
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let page = world.roles().list_roles(marker.as_deref()).await?;
        for listed in page.roles {
            let live = listed.role;
            let role = RoleRef {
                account: guard.account.clone(),
                name: Some(live.name.clone()),
                path: Some(live.path),
            };
            if opens(&guard.rules, &role, &live.document, change, now) {
                found.push(live.name);
            }
        }
        marker = page.next;
        if marker.is_none() {
            found.sort();
            return Ok(found);
        }
    }
}
