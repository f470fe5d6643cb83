//! Remembering what a role or user may do, while it is lawful.

use crate::GuardConfig;
use crate::handlers::HandleError;
use crate::handlers::exposure::look_at;
use crate::order::{Disposition, HolderOrder, Order};
use crate::permissions::{Lawful, PermissionsHistory};
use crate::ports::{Clock, ReadPermissions, World};
use crate::remediate::task::TRIES;

/// Remembers what a role or user holds, if it is lawful: what a later change replaces is put back
/// from it.
pub(super) async fn remember_permissions<W: World<Roles: ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    holder: &HolderOrder,
    attempts: u32,
) -> Result<Disposition, HandleError> {
    let now = world.clock().now();
    match look_at(world, guard, holder.kind, &holder.name, now).await {
        Ok(Some(looked)) => {
            if looked.live.id == holder.id && looked.remediable(guard, &looked.live).is_empty() {
                let state = world.state();
                let known = state
                    .permissions_history(&guard.account, &holder.id)
                    .await?;
                let history = known.unwrap_or_else(|| {
                    PermissionsHistory::new(&guard.account, holder.kind, &looked.live)
                });
                let history = PermissionsHistory {
                    lawful: Some(Lawful::of(&looked.live, now)),
                    ..history
                };
                state.save_permissions_history(&history).await?;
            }
        }
        Ok(None) => {}
        // A later change is then undone without it: people are told what is not known.
        Err(_) if attempts < TRIES => return Ok(Disposition::after_attempt(attempts)),
        Err(_) => {}
    }
    let state = world.state();
    state.finish_order(&order.account, &order.id(), now).await?;
    Ok(Disposition::Done)
}
