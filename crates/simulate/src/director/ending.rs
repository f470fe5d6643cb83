//! How an invocation ends, or is ended, and what becomes of what it was given.

use guard::handlers::Swept;
use guard::order::Disposition;

use super::{Director, Ended, Job};
use crate::account::Moment;
use crate::scene::{Happening, Inside, Invocation};

impl Director {
    pub(super) fn ended(&mut self, invocation: Invocation, ended: Ended) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut inside = self.scene.inside();
        let steps = inside.steps.remove(&invocation).unwrap_or_default();
        let settled = matches!(
            ended,
            Ended::Detecting(Ok(_))
                | Ended::Remediating(Ok(Disposition::Done))
                | Ended::Sweeping(Ok(_))
        );
        if settled {
            inside.shown.extend(steps.shown);
        }
        match (running.job, ended) {
            (Job::Event { index, .. }, Ended::Detecting(Ok(_))) => {
                if let Some(event) = inside.trail.get_mut(index) {
                    event.handled = true;
                }
            }
            (Job::Event { index, tries }, Ended::Detecting(Err(error))) => {
                inside.tell(|| format!("role-trust fails: {error}"));
                try_again(&mut inside, index, tries);
            }
            (Job::Order { group, id, .. }, Ended::Remediating(result)) => {
                let now = inside.now;
                match result {
                    Ok(Disposition::Done) => {
                        inside.tell(|| format!("order {id} is done"));
                        inside.queue.delete(&group, &id);
                    }
                    Ok(Disposition::LookAgain { after }) => {
                        let at = now + i64::try_from(after.as_millis()).unwrap_or(0);
                        inside.tell(|| format!("order {id} is looked at again in {after:?}"));
                        inside.queue.show_again(&group, &id, at);
                        inside.plan(at, Happening::Poll);
                    }
                    Err(error) => {
                        let pause = pause(inside.queue.receives(&group, &id).unwrap_or(1));
                        inside.tell(|| format!("order {id} fails, and waits {pause} ms: {error}"));
                        inside.queue.show_again(&group, &id, now + pause);
                        inside.plan(now + pause, Happening::Poll);
                    }
                }
                inside.plan(now, Happening::Poll);
            }
            (Job::Sweep, Ended::Sweeping(Ok(Swept::NotDue))) => {}
            (Job::Sweep, Ended::Sweeping(Ok(swept))) => {
                inside.tell(|| format!("the sweep: {swept:?}"));
            }
            (Job::Sweep, Ended::Sweeping(Err(error))) => {
                inside.tell(|| format!("the sweep fails: {error}"));
            }
            _ => {}
        }
    }

    /// The invocation does nothing more; what it was given comes again.
    pub(super) fn stop(&mut self, invocation: Invocation, timed_out: bool) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut inside = self.scene.inside();
        let steps = inside.steps.remove(&invocation).unwrap_or_default();
        let why = if timed_out {
            "its time is up"
        } else {
            "it crashes"
        };
        inside.tell(|| {
            format!(
                "invocation {invocation} is stopped, {why}, after {:?}",
                steps.done
            )
        });
        inside.stopped = true;
        match running.job {
            Job::Event { index, tries } => {
                if let Some(event) = inside.trail.get_mut(index) {
                    event.stops += 1;
                }
                try_again(&mut inside, index, tries);
            }
            // A remediator that sees its end coming puts the order off; one that crashes cannot,
            // and the order's visibility time-out, after which a look is planned, brings it back.
            Job::Order { group, id, .. } => {
                let now = inside.now;
                let at = now + pause(inside.queue.receives(&group, &id).unwrap_or(1));
                if timed_out {
                    inside.queue.show_again(&group, &id, at);
                    inside.plan(at, Happening::Poll);
                }
                inside.plan(now, Happening::Poll);
            }
            // It is called again anyway.
            Job::Sweep => {}
        }
    }
}

/// How long the remediator puts off an order that failed: from 15 seconds to five minutes.
fn pause(receives: u32) -> Moment {
    let seconds = 15 << receives.saturating_sub(1).min(5);
    (seconds * 1000).min(300_000)
}

/// Lambda tries an event twice more, after one minute and after two.
fn try_again(inside: &mut Inside, index: usize, tries: u32) {
    if tries >= 2 {
        inside.tell(|| format!("event number {index} goes to the dead letters"));
        if let Some(event) = inside.trail.get_mut(index) {
            event.given_up = true;
        }
        return;
    }
    let at = inside.now + 60_000 * i64::from(tries + 1);
    inside.plan(at, Happening::Deliver(index, tries + 1));
}
