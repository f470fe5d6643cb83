//! The function for operators: what they ask is answered from the table; what they decide is
//! announced, then recorded. It writes nothing to IAM.

use serde_json::{Value, json};

use crate::GuardConfig;
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::incidents::{Asked, Caller, Refused, Request, announcement, approve, summaries, undo};
use crate::model::document_digest;
use crate::ports::{Clock, World};
use crate::state::approval::{Act, Approval};
use crate::state::operators::WholeIncident;

/// How many incidents one answer lists.
const LISTED: usize = 500;
/// For how many days back one may ask.
const DAYS: u8 = 31;

/// Answers a request. What it says is for the operator; a request that fails has to be made again.
///
/// # Errors
/// [`HandleError`]: state or the topic does not answer.
pub async fn incidents<W: World>(
    world: &W,
    guard: &GuardConfig,
    caller: &Caller,
    request: &Request,
) -> Result<Result<Value, Refused>, HandleError> {
    if caller.account_id != guard.account && !caller.may_approve(guard.rules.operators()) {
        let why = format!(
            "account {} does not belong to this stack",
            caller.account_id
        );
        return Ok(Err(Refused::Forbidden(why)));
    }
    match request {
        Request::List { days } => list(world, guard, *days).await.map(Ok),
        Request::Show { incident } => {
            let kept = whole(world, guard, incident).await?;
            Ok(show(incident, &kept))
        }
        Request::Approve {
            incident,
            digest,
            reason,
            expires,
        } => {
            let decided = decided(world, guard, caller, incident, reason, |asked, _| {
                let (approval, act) = approve(asked, digest, expires.as_deref())?;
                Ok((act, Some(approval)))
            });
            decided.await
        }
        Request::Undo { incident, reason } => {
            let decided = decided(world, guard, caller, incident, reason, |asked, approval| {
                Ok((undo(asked, approval)?, None))
            });
            decided.await
        }
    }
}

async fn list<W: World>(world: &W, guard: &GuardConfig, days: u8) -> Result<Value, HandleError> {
    let now = world.clock().now();
    let days = days.clamp(1, DAYS);
    let state = world.state();
    let lines = state.incidents_of_days(&guard.account, now, days).await?;
    let mut found = summaries(lines);
    let left = found.len().saturating_sub(LISTED);
    found.truncate(LISTED);
    Ok(json!({ "account": guard.account, "days": days, "incidents": found, "left": left }))
}

async fn whole<W: World>(
    world: &W,
    guard: &GuardConfig,
    incident: &str,
) -> Result<WholeIncident, HandleError> {
    let state = world.state();
    Ok(state.whole_incident(&guard.account, incident).await?)
}

fn show(incident: &str, kept: &WholeIncident) -> Result<Value, Refused> {
    if kept.detected.is_none() && kept.outcome.is_none() {
        return Err(Refused::Unknown(format!("there is no incident {incident}")));
    }
    let document = kept.document();
    Ok(json!({
        "incident": incident,
        "detected": kept.detected.as_ref().map(|kept| &kept.alert),
        "outcome": kept.outcome.as_ref().map(|kept| &kept.alert),
        "document": document,
        "digest": document.map(document_digest),
        "overwritten": kept.overwritten,
        "acts": kept.acts,
    }))
}

/// What the caller decided is announced, then recorded: nothing is approved in silence. Asked again
/// after a crash in between, it is announced once more.
async fn decided<W: World>(
    world: &W,
    guard: &GuardConfig,
    caller: &Caller,
    incident: &str,
    reason: &str,
    decide: impl Fn(Asked<'_>, Option<&Approval>) -> Result<(Act, Option<Approval>), Refused>,
) -> Result<Result<Value, Refused>, HandleError> {
    let (state, now) = (world.state(), world.clock().now());
    let kept = whole(world, guard, incident).await?;
    let role = kept.role().unwrap_or_default();
    let history = state.role_history(&guard.account, &role).await?;
    let digest = kept.document().map(document_digest).unwrap_or_default();
    let approved = state.approval(&guard.account, &role, &digest).await?;
    let asked = Asked {
        guard,
        caller,
        incident,
        reason,
        kept: &kept,
        history: history.as_ref(),
        now,
    };
    let (act, approval) = match decide(asked, approved.as_ref()) {
        Ok(decided) => decided,
        Err(refused) => return Ok(Err(refused)),
    };
    publish_once(world, guard, &announcement(guard, &act, &role, now)).await?;
    if let Some(approval) = &approval {
        state.save_approval(approval).await?;
    }
    state.save_act(&act).await?;
    Ok(Ok(json!({
        "act": act,
        "approval": approval,
        "overwritten": kept.overwritten,
        "outcome": kept.outcome.as_ref().map(|kept| &kept.alert),
    })))
}
