//! Orders about access keys.

use crate::alert::outcome::key_alert;
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::Ended;
use crate::handlers::remediator::write::{Target, Written, write};
use crate::order::KeyOrder;
use crate::ports::{IamError, Keys, StateError, World, WriteRoles};
use crate::remediate::key::{left_active, missing, not_deactivated, too_old};
use crate::remediate::task::Assignment;
use crate::remediate::{Ending, OutcomeKind};
use crate::state::history::WriteProgress;

/// An access key. To deactivate it twice is no harm, so nothing is remembered of it.
struct ActiveKey<'a>(&'a KeyOrder);

impl<W: World<Roles: WriteRoles + Keys>> Target<W> for ActiveKey<'_> {
    async fn record(&mut self, _: &W, _: WriteProgress) -> Result<(), StateError> {
        Ok(())
    }

    async fn apply(&self, world: &W) -> Result<(), IamError> {
        let KeyOrder { user, key_id, .. } = self.0;
        world.roles().deactivate_key(user, key_id).await
    }
}

/// Deactivates the key, if today's rules still ask for it and it is as new as its event says.
pub(super) async fn deactivate<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_, KeyOrder>,
) -> Result<Ended, HandleError> {
    let ending = match left_active(task) {
        Some(ending) => Some(ending),
        None => deactivate_if_new(world, task).await?,
    };
    Ok(match ending {
        Some(ending) => Ended::Reported(Box::new(key_alert(task, &ending))),
        None => Ended::Again(task.pause()),
    })
}

/// `None`: the order comes again.
async fn deactivate_if_new<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_, KeyOrder>,
) -> Result<Option<Ending>, HandleError> {
    let KeyOrder { user, key_id, .. } = task.about;
    let created = match world.roles().key_created(user, key_id).await {
        Ok(Some(created)) => created,
        Ok(None) => return Ok(missing(task.attempts)),
        Err(error) => return Ok(not_deactivated(&error, task.attempts)),
    };
    let swept = world.state().sweep_progress(&task.guard.account).await?;
    let first = swept.and_then(|swept| swept.first_at.or(Some(swept.last?.started_at)));
    if let Some(ending) = too_old(task, created, first) {
        return Ok(Some(ending));
    }
    Ok(match write(world, &mut ActiveKey(task.about)).await? {
        Written::Refused(error) => not_deactivated(&error, task.attempts),
        Written::Stands | Written::Unseen | Written::Changed => {
            let text = format!(
                "access key {key_id} of user {user} is inactive; sessions issued from it stay \
                 valid for up to 36 hours"
            );
            Some(Ending::of(OutcomeKind::Deactivated, text, false))
        }
    })
}
