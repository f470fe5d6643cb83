//! Orders about access keys.

use crate::alert::Alert;
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::{About, Ended, outcome_alert};
use crate::handlers::remediator::write::{Target, Written, write};
use crate::model::Resource;
use crate::order::KeyOrder;
use crate::ports::{IamError, Keys, StateError, World, WriteRoles};
use crate::remediate::key::{left_active, not_deactivated};
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

/// Deactivates the key, if today's rules still ask for it.
pub(super) async fn deactivate<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_, KeyOrder>,
) -> Result<Ended, HandleError> {
    let ending = match left_active(task) {
        Some(ending) => ending,
        None => match write(world, &mut ActiveKey(task.about)).await? {
            Written::Refused(error) => match not_deactivated(&error, task.attempts) {
                Some(ending) => ending,
                None => return Ok(Ended::Again(task.pause())),
            },
            Written::Stands | Written::Unseen | Written::Changed => {
                let text = format!(
                    "access key {} of user {} is inactive; sessions issued from it stay valid for \
                     up to 36 hours",
                    task.about.key_id, task.about.user
                );
                Ending::of(OutcomeKind::Deactivated, text, false)
            }
        },
    };
    Ok(Ended::Reported(Box::new(key_alert(task, &ending))))
}

/// The outcome of an order about a key.
pub(super) fn key_alert(task: Assignment<'_, KeyOrder>, ending: &Ending) -> Alert {
    let KeyOrder {
        user,
        key_id,
        cause,
        incident,
        findings,
        ..
    } = task.about;
    let resource = Resource {
        kind: "access-key".to_owned(),
        name: user.clone(),
        arn: None,
        id: Some(key_id.clone()),
    };
    let about = About {
        incident,
        resource,
        cause: Some(cause),
        findings,
        judgement: None,
    };
    outcome_alert(task, about, ending)
}
