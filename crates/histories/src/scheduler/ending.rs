//! How an invocation ends, or is ended, and what becomes of what it was given.

use guard::handlers::Swept;
use guard::order::Ack;

use super::{Ended, Job, Scheduler};
use crate::account::Moment;
use crate::state::{Invocation, Scheduled, State};

impl Scheduler {
    pub(super) fn ended(&mut self, invocation: Invocation, ended: Ended) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut state = self.shared.lock();
        let steps = state.steps.remove(&invocation).unwrap_or_default();
        let settled = matches!(
            ended,
            Ended::Detecting(Ok(_)) | Ended::Remediating(Ok(Ack::Done)) | Ended::Sweeping(Ok(_))
        );
        if settled {
            state.shown.extend(steps.shown);
        }
        match (running.job, ended) {
            (Job::Event { index, .. }, Ended::Detecting(Ok(_))) => {
                if let Some(event) = state.events.get_mut(index) {
                    event.handled = true;
                }
            }
            (Job::Event { index, tries }, Ended::Detecting(Err(error))) => {
                state.log(|| format!("role-trust fails: {error}"));
                try_again(&mut state, index, tries);
            }
            (Job::Order { group, id, .. }, Ended::Remediating(result)) => {
                let now = state.now;
                match result {
                    Ok(Ack::Done) => {
                        state.log(|| format!("order {id} is done"));
                        state.queue.delete(&group, &id);
                    }
                    Ok(Ack::LookAgain { after }) => {
                        let at = now + i64::try_from(after.as_millis()).unwrap_or(0);
                        state.log(|| format!("order {id} is looked at again in {after:?}"));
                        state.queue.show_again(&group, &id, at);
                        state.schedule(at, Scheduled::Poll);
                    }
                    Err(error) => {
                        let pause = pause(state.queue.receives(&group, &id).unwrap_or(1));
                        state.log(|| format!("order {id} fails, and waits {pause} ms: {error}"));
                        state.queue.show_again(&group, &id, now + pause);
                        state.schedule(now + pause, Scheduled::Poll);
                    }
                }
                state.schedule(now, Scheduled::Poll);
            }
            (Job::Sweep, Ended::Sweeping(Ok(Swept::NotDue))) => {}
            (Job::Sweep, Ended::Sweeping(Ok(swept))) => {
                state.log(|| format!("the sweep: {swept:?}"));
            }
            (Job::Sweep, Ended::Sweeping(Err(error))) => {
                state.log(|| format!("the sweep fails: {error}"));
            }
            _ => {}
        }
    }

    /// The invocation does nothing more; what it was given comes again.
    pub(super) fn stop(&mut self, invocation: Invocation, timed_out: bool) {
        let Some(running) = self.running.remove(&invocation) else {
            return;
        };
        let mut state = self.shared.lock();
        let steps = state.steps.remove(&invocation).unwrap_or_default();
        let why = if timed_out {
            "its time is up"
        } else {
            "it crashes"
        };
        state.log(|| {
            format!(
                "invocation {invocation} is stopped, {why}, after {:?}",
                steps.done
            )
        });
        state.stopped = true;
        match running.job {
            Job::Event { index, tries } => {
                if let Some(event) = state.events.get_mut(index) {
                    event.stops += 1;
                }
                try_again(&mut state, index, tries);
            }
            // A remediator that sees its end coming puts the order off; one that crashes cannot,
            // and the order's visibility time-out, after which a look is planned, brings it back.
            Job::Order { group, id, .. } => {
                let now = state.now;
                let at = now + pause(state.queue.receives(&group, &id).unwrap_or(1));
                if timed_out {
                    state.queue.show_again(&group, &id, at);
                    state.schedule(at, Scheduled::Poll);
                }
                state.schedule(now, Scheduled::Poll);
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
fn try_again(state: &mut State, index: usize, tries: u32) {
    if tries >= 2 {
        state.log(|| format!("event number {index} goes to the dead letters"));
        if let Some(event) = state.events.get_mut(index) {
            event.given_up = true;
        }
        return;
    }
    let at = state.now + 60_000 * i64::from(tries + 1);
    state.schedule(at, Scheduled::Deliver(index, tries + 1));
}
