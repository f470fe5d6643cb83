//! Denying a role's older sessions, and taking the denial away once there are none left.

use jiff::Timestamp;

use crate::alert::outcome::denial_stays;
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::Ended;
use crate::handlers::remediator::write::{Target, Written, write};
use crate::model::LiveRole;
use crate::order::LiftOrder;
use crate::ports::{Clock, IamError, IamErrorKind, Keys, StateError, World, WriteRoles};
use crate::remediate::session_denial::lift_is_due;
use crate::remediate::task::{Assignment, TRIES};
use crate::state::history::{RoleHistory, WriteProgress};

/// The denial of a role's older sessions, and the history that remembers it. To put or to lift it
/// twice is no harm, so no intent is recorded.
struct Denial<'a> {
    role: &'a str,
    history: Option<&'a mut RoleHistory>,
    /// Sessions issued before this are denied; none: the denial goes.
    before: Option<Timestamp>,
}

impl<W: World<Roles: WriteRoles + Keys>> Target<W> for Denial<'_> {
    async fn record(&mut self, world: &W, progress: WriteProgress) -> Result<(), StateError> {
        let Some(history) = self.history.as_deref_mut() else {
            return Ok(());
        };
        if progress == WriteProgress::Written && history.sessions_denied_at != self.before {
            history.sessions_denied_at = self.before;
            history.version = world.state().save_role_history(history).await?;
        }
        Ok(())
    }

    async fn apply(&self, world: &W) -> Result<(), IamError> {
        let roles = world.roles();
        match self.before {
            Some(before) => roles.deny_sessions_before(self.role, before).await,
            None => match roles.lift_session_denial(self.role).await {
                // With the role the denial is gone.
                Err(error) if error.kind == IamErrorKind::NoSuchEntity => Ok(()),
                lifted => lifted,
            },
        }
    }
}

/// Denies the sessions issued until now, and says so.
pub(super) async fn deny_sessions<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    history: &mut RoleHistory,
    live: &LiveRole,
) -> Result<String, HandleError> {
    let before = world.clock().now();
    let mut denial = Denial {
        role: &live.name,
        history: Some(history),
        before: Some(before),
    };
    Ok(match write(world, &mut denial).await? {
        Written::Refused(error) => format!("sessions already issued stay valid: {error}"),
        Written::Stands | Written::Unseen | Written::Changed => {
            format!("sessions issued before {before} are denied")
        }
    })
}

/// Lifts the denial, unless it was renewed since.
pub(super) async fn lift_session_denial<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_, LiftOrder>,
) -> Result<Ended, HandleError> {
    let (guard, role) = (task.guard, &task.about.role);
    let mut history = world.state().role_history(&guard.account, role).await?;
    if !lift_is_due(task, history.as_ref()) {
        return Ok(Ended::Silently);
    }
    let mut denial = Denial {
        role,
        history: history.as_mut(),
        before: None,
    };
    match write(world, &mut denial).await? {
        Written::Refused(error)
            if error.kind != IamErrorKind::AccessDenied && task.attempts < TRIES =>
        {
            Ok(Ended::Again(task.pause()))
        }
        Written::Refused(_) => Ok(Ended::Reported(Box::new(denial_stays(task)))),
        Written::Stands | Written::Unseen | Written::Changed => Ok(Ended::Silently),
    }
}
