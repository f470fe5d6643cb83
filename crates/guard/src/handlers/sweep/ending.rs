//! What the rules allow and what ends soon: announced once at each of the days.

use crate::alert::build::{Story, alert};
use crate::check::Check;
use crate::detect::judge_endings;
use crate::handlers::HandleError;
use crate::handlers::publish::{Delivery, publish_once};
use crate::handlers::sweep::Run;
use crate::model::Resource;
use crate::ports::{ListRoles, World};
use crate::remediate::task::STALE_SECONDS;
use crate::rules::Mode;
use crate::state::incident::{Stage, incident_id};

impl<W: World<Roles: ListRoles>> Run<'_, W> {
    pub(super) async fn announce_endings(&mut self) -> Result<(), HandleError> {
        let (guard, now) = (self.guard, self.now());
        let acts = guard.ceiling() == Mode::Enforce;
        for soon in judge_endings(&guard.rules, acts, now) {
            let story = Story {
                stage: Stage::Detected,
                incident: &incident_id(&guard.account, &soon.key),
                title: format!("{}: {}", Check::ExpiresSoon.title(), soon.what),
                cause: None,
                resource: Some(Resource::new("rule", &soon.what)),
                findings: &[soon.finding],
                now,
            };
            match publish_once(self.world, guard, &alert(guard, story)).await {
                // It was said before.
                Ok(Delivery::Before) => {}
                Ok(_) => self.progress.tally.alerts += 1,
                Err(HandleError::InProgress { .. }) => self.look_again_in(2 * STALE_SECONDS),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
