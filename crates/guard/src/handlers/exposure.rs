//! Reading a role or user as it is now.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::model::HolderKind;
use crate::ports::{IamError, ReadPermissions, Roles, World};
use crate::remediate::Exposure;

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
#[error("it could not be read: {0}")]
pub(super) struct NotRead(#[from] IamError);

/// Reads a role or user; `None` where there is none.
pub(super) async fn read_exposure<W: World<Roles: ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    kind: HolderKind,
    name: &str,
    now: Timestamp,
) -> Result<Option<Exposure>, NotRead> {
    let roles = world.roles();
    match kind {
        HolderKind::User => {
            let live = roles.user_permissions(name).await?;
            Ok(live.map(|live| Exposure::of_user(guard, live, now)))
        }
        HolderKind::Role => {
            let Some(role) = roles.read_role(name).await? else {
                return Ok(None);
            };
            let live = roles.role_permissions(name).await?;
            Ok(live.map(|live| Exposure::of_role(guard, role, live, now)))
        }
    }
}
