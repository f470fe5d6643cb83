//! Roles as IAM shows them to an invocation, and its writes to them.

use guard::model::LiveRole;
use guard::ports::memory::MemoryStore;
use guard::ports::{IamError, IamErrorKind, Roles, WriteRoles};
use jiff::Timestamp;

use super::{LONG_STALENESS, Ports};
use crate::account::{Moment, Refusal, Version, Writer, as_kept};
use crate::counts::Coverage;
use crate::documents::OWN;
use crate::events::{REMEDIATOR_ROLE, record_write};
use crate::state::{GuardWrite, Invocation, Read, State};

/// Of a thousand writes in histories with errors, so many do not get to IAM, and nobody can know.
const UNSAID: u32 = 150;
/// For so long after that, where reads may be stale for long, they come from a part of IAM that is
/// cut off from the rest.
const CUT_OFF: Moment = 60_000;

impl Roles for Ports {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        let invocation = self.invocation;
        let state = &mut *self.shared.lock();
        let now = state.now;
        let showed = state.showed();
        let back = now - showed;
        let role = state.account.role_at(name, showed);
        let hides = state
            .account
            .role_at(name, now)
            .and_then(|role| role.live())
            .map(|live| live.at)
            != role
                .as_ref()
                .and_then(|role| role.at(showed))
                .map(|shown| shown.at);
        if hides {
            state.coverage.insert(Coverage::StaleRead);
            let order = state.steps.get(&invocation);
            let order = order.and_then(|steps| steps.order.clone());
            state.misled.extend(order);
            state.log(|| format!("invocation {invocation} reads {name} as it was {back} ms ago"));
        }
        if let Some(steps) = state.steps.get_mut(&invocation) {
            steps.read = Some(Read { showed });
        }
        Ok(state.role_as_of(invocation, name, showed))
    }
}

impl WriteRoles for Ports {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        let invocation = self.invocation;
        let state = &mut *self.shared.lock();
        let done = if state.faults.forbidden {
            state.forbid(invocation);
            Err(Refusal::Forbidden)
        } else if state.faults.errors > 0 && !state.quiesced && state.rng.per_mille(UNSAID) {
            state.failed_writes += 1;
            if state.faults.staleness == LONG_STALENESS {
                state.cut_off_until = state.now + CUT_OFF;
            }
            state.log(|| format!("invocation {invocation}: the write does not get there"));
            Err(Refusal::Unsaid)
        } else {
            guard_writes(state, &self.shared.store, invocation, role, document)
        };
        done.map_err(|refused| {
            let (kind, said) = match refused {
                Refusal::NoSuchRole => (IamErrorKind::NoSuchEntity, "NoSuchEntity"),
                Refusal::Forbidden => {
                    let said = "explicit deny in a service control policy";
                    (IamErrorKind::AccessDenied, said)
                }
                Refusal::Unsaid => (IamErrorKind::Other, "the connection was lost"),
                Refusal::Principal(principal) => {
                    let kind = IamErrorKind::RefusedPrincipal(principal);
                    (kind, "MalformedPolicyDocument")
                }
            };
            refusal("write the trust policy of", role, kind, said)
        })
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        let state = &mut *self.shared.lock();
        let now = state.now;
        let found = state.account.role_mut(role).ok_or_else(|| no_role(role))?;
        found.sessions_denied_before = Some(before);
        found.denials.push(now);
        state.coverage.insert(Coverage::SessionsDenied);
        state.log(|| format!("sessions of {role} before {before} are denied"));
        Ok(())
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        let state = &mut *self.shared.lock();
        let found = state.account.role_mut(role).ok_or_else(|| no_role(role))?;
        found.sessions_denied_before = None;
        Ok(())
    }
}

fn no_role(role: &str) -> IamError {
    let kind = IamErrorKind::NoSuchEntity;
    refusal("change the inline policies of", role, kind, "NoSuchEntity")
}

fn refusal(
    operation: &'static str,
    role: &str,
    kind: IamErrorKind,
    said: &'static str,
) -> IamError {
    IamError::new(operation, format!("role {role}"), kind, said)
}

fn guard_writes(
    state: &mut State,
    store: &MemoryStore,
    invocation: Invocation,
    role: &str,
    document: &str,
) -> Result<(), Refusal> {
    let now = state.now;
    let read = state.steps.get(&invocation).and_then(|steps| steps.read);
    let before = state.account.role_at(role, now).and_then(|role| {
        let live = role.live()?;
        Some((role.id.clone(), live.sent.clone(), live.at, live.by))
    });
    let event_id = state.new_event_id();
    let version = Version {
        at: now,
        sent: document.to_owned(),
        kept: as_kept(document),
        by: Writer::Guard,
        event_id: event_id.clone(),
    };
    if let Err(refusal) = state.account.write(role, version) {
        state.failed_writes += 1;
        if matches!(refusal, Refusal::Principal(_)) {
            state.coverage.insert(Coverage::RefusedPrincipal);
        }
        state.log(|| format!("IAM refuses the guard's write of {role}: {refusal:?}"));
        return Err(refusal);
    }
    if let Some((role_id, replaced, replaced_at, replaced_by)) = before {
        // A read of this order, now or at an earlier try, hid something.
        let order = state.steps.get(&invocation);
        let order = order.and_then(|steps| steps.order.as_ref());
        if order.is_some_and(|order| state.misled.contains(order)) {
            state.coverage.insert(Coverage::StaleReadBeforeWrite);
        }
        let steps = state.steps.get(&invocation);
        let rules = steps.and_then(|steps| steps.rules);
        let rules = rules.unwrap_or(state.remediator_rules_now());
        let hasty = steps.is_some_and(|steps| now < steps.waits_until);
        let known = store.history(OWN, &role_id).into_iter();
        state.writes.push(GuardWrite {
            hasty,
            known: known.flat_map(|history| history.approved).collect(),
            at: now,
            role_id,
            document: document.to_owned(),
            replaced,
            replaced_at,
            replaced_by,
            read,
            rules,
        });
    }
    state.log(|| format!("the guard writes {role}: {document}"));
    record_write(
        state,
        role,
        document,
        Writer::Guard,
        event_id,
        Some(REMEDIATOR_ROLE),
    );
    Ok(())
}
