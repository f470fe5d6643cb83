//! One role of the list: what is new about it.

use jiff::Timestamp;

use crate::alert::build::{Story, alert, announced, grantees, show_difference};
use crate::alert::{Alert, one_line, third_parties};
use crate::check::Finding;
use crate::detect::{Judgement, Verdict, own_role_opened};
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::handlers::sweep::{GRACE_SECONDS, Run};
use crate::model::{Cause, LiveRole, Resource, RoleRef, document_digest, seconds_between};
use crate::order::{LiftOrder, RoleChange, RoleOrder, Task};
use crate::permissions::held_mark;
use crate::ports::{ListRoles, ListedRole, StateError, World};
use crate::remediate::judged::judge;
use crate::remediate::own_writes::{Recurred, judged_since, recurred};
use crate::remediate::session_denial::expired;
use crate::remediate::task::{STALE_SECONDS, untouchable};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::{ChangedRole, ExistingViolations, Mode};
use crate::state::history::{RoleHistory, WriteProgress};
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::sweep_state::{ReportedDocument, SweptRole, findings_digest};

/// An exposure that is still open is worth a second try after most of an hour, then after twice
/// that.
const SECOND_TRY_SECONDS: i64 = 50 * 60;
const LAST_DOUBLING: u32 = 5;

impl<W: World<Roles: ListRoles>> Run<'_, W> {
    /// Judges a listed role, and does what follows.
    pub(super) async fn check_role(&mut self, listed: &ListedRole) -> Result<(), HandleError> {
        let role = &listed.role;
        let now = self.now();
        let mut judgement = judge(self.guard, role, &role.document, now);
        let reference = RoleRef::named(self.guard.account.clone(), role.name.clone());
        let (rules, own) = (&self.guard.rules, &self.guard.own_roles);
        let opened = own_role_opened(rules, own, &reference, &judgement);
        judgement.findings.extend(opened);
        if self.seen.insert(role.role_id.clone()) {
            let tally = &mut self.progress.tally;
            tally.roles += 1;
            match judgement.verdict {
                Verdict::Approved => {}
                Verdict::Violation => tally.violating += 1,
                Verdict::Unreadable => tally.unreadable += 1,
            }
        }
        self.lift(listed).await?;
        self.link(role, &judgement).await?;
        let seen = self.as_seen(role, &judgement, now);
        let before = self.known.get(&role.role_id).cloned();
        let mut seen = seen;
        seen.held = match &before {
            Some(before) if !before.held.is_empty() || !self.progress.first => before.held.clone(),
            _ if self.progress.first => listed.policies.iter().map(held_mark).collect(),
            _ => Vec::new(),
        };
        let before = before.map(|before| SweptRole {
            held: seen.held.clone(),
            gone_at: None,
            ..before
        });
        if judgement.findings.is_empty() {
            self.compliant(role, before, seen).await
        } else if self.approved_for_a_while(role, &judgement, &seen).await? {
            seen.since = before.map_or(seen.since, |before| before.since);
            seen.findings = APPROVED.to_owned();
            self.remember_news(seen).await
        } else {
            self.wrong(role, &judgement, before, seen).await
        }
    }

    /// The role as it is now, with nothing reported yet.
    fn as_seen(&self, role: &LiveRole, judgement: &Judgement, now: Timestamp) -> SweptRole {
        let worst = judgement
            .findings
            .iter()
            .max_by_key(|finding| finding.severity);
        SweptRole {
            schema: Schema,
            account: self.guard.account.clone(),
            role_id: role.role_id.clone(),
            name: role.name.clone(),
            digest: document_digest(&role.document),
            findings: findings_digest(&judgement.findings),
            check: worst.map(|finding| finding.code),
            severity: worst.map(|finding| finding.severity),
            line: String::new(),
            third_party: third_parties(&judgement.findings),
            since: now,
            new: self.is_new(role),
            reported_at: None,
            existing: false,
            held: Vec::new(),
            ordered_at: None,
            tries: 0,
            gone_at: None,
        }
    }

    /// Nothing is wrong with it. If its document is news, the remediator remembers it.
    async fn compliant(
        &mut self,
        role: &LiveRole,
        before: Option<SweptRole>,
        seen: SweptRole,
    ) -> Result<(), HandleError> {
        match before {
            Some(before) if same(&before, &seen) => self.remember_news(before).await,
            _ => {
                let history = self.history(role).await?;
                self.observe(role, history.as_ref(), &seen).await?;
                self.remember(seen).await
            }
        }
    }

    /// Something is wrong with it: reported, unless just this has been.
    async fn wrong(
        &mut self,
        role: &LiveRole,
        judgement: &Judgement,
        before: Option<SweptRole>,
        mut seen: SweptRole,
    ) -> Result<(), HandleError> {
        let now = self.now();
        let history = self.history(role).await?;
        let history = history.as_ref();
        let name = &role.name;
        let worst = seen.check.map_or("", crate::Check::title);
        let changed = if seen.new {
            format!("role {name} was created, and no event reported it: {worst}")
        } else {
            format!(
                "the trust policy of role {name} was changed, and no event reported it: {worst}"
            )
        };
        let again = before.as_ref().filter(|before| same(before, &seen));
        if let Some(before) = again
            && before.reported_at.is_some()
        {
            match recurred(history, &seen.digest, before.since, now) {
                Recurred::InDoubt => {
                    self.look_again_in(2 * STALE_SECONDS);
                    return Ok(());
                }
                Recurred::Yes => seen.line = changed,
                Recurred::No if before.existing => {
                    return self.existing(role, judgement, before.clone()).await;
                }
                Recurred::No if self.try_again(role, judgement, before) => {
                    seen.line = format!("role {name} still violates the access rules: {worst}");
                    seen.tries = before.tries.saturating_add(1);
                }
                Recurred::No => return self.remember_news(before.clone()).await,
            }
            return self.report(role, judgement, history, seen).await;
        }
        if let Recurred::InDoubt = recurred(history, &seen.digest, Timestamp::MIN, now) {
            self.look_again_in(2 * STALE_SECONDS);
            return Ok(());
        }
        // An event's order leaves a document alone that has not changed since it was judged, and the
        // end of an approval is news whatever an event's alert told before.
        let left = before.as_ref().is_some_and(was_approved)
            || history.is_some_and(|history| judged_since(history, None, role, now).is_some());
        if !left && let Some(reported) = self.reported_by_event(role, &seen, history).await? {
            return self.remember(reported).await;
        }
        if let Some(before) = again {
            // Seen before, and not reported yet: it waits for its event, or the sweep was stopped.
            if seconds_between(before.since, now) < GRACE_SECONDS {
                self.look_again_in(GRACE_SECONDS);
                return Ok(());
            }
            return self.report(role, judgement, history, before.clone()).await;
        }
        if self.progress.first {
            seen.existing = true;
            seen.reported_at = Some(now);
            seen.line = format!("role {name}: {worst}");
            self.progress.tally.alerts += 1;
            if judgement.verdict == Verdict::Approved {
                self.observe(role, history, &seen).await?;
            }
            return self.existing(role, judgement, seen).await;
        }
        let known = |before: &SweptRole| before.digest == seen.digest;
        let approved_before = history.is_some_and(|history| {
            let kept = &history.approved;
            kept.iter().any(|kept| kept.digest == seen.digest) || history.wrote(&seen.digest)
        });
        if before.as_ref().is_some_and(known) || approved_before {
            // The document is an old one: the rules have changed, or the time has come.
            seen.line = format!("by the access rules of now, role {name}: {worst}");
            seen.existing = before.is_some_and(|before| known(&before) && before.existing);
            return self.report(role, judgement, history, seen).await;
        }
        seen.line = changed;
        if self.progress.asked {
            // The event that hid its role may have been this one's.
            return self.report(role, judgement, history, seen).await;
        }
        self.look_again_in(GRACE_SECONDS);
        self.remember(seen).await
    }

    async fn approved_for_a_while(
        &self,
        role: &LiveRole,
        judgement: &Judgement,
        seen: &SweptRole,
    ) -> Result<bool, HandleError> {
        let state = self.world.state();
        let approval = state.approval(&self.guard.account, &role.name, &seen.digest);
        Ok(approval.await?.is_some_and(|approval| {
            let findings = &judgement.findings;
            approval.covers(&role.role_id, &seen.digest, findings, self.now())
        }))
    }

    /// It violated the rules when the guard first looked: reported in one digest, and remediated
    /// only if the rules say so explicitly.
    async fn existing(
        &mut self,
        role: &LiveRole,
        judgement: &Judgement,
        mut swept: SweptRole,
    ) -> Result<(), HandleError> {
        let wanted = self.remediates_existing() && self.may_act(role, judgement);
        if wanted && swept.ordered_at.is_none() {
            let event = event_id(&swept);
            self.send(Task::Remediate(
                self.role_order(role, judgement, &swept, event),
            ))
            .await?;
            swept.ordered_at = Some(self.now());
        }
        self.remember_news(swept).await
    }

    fn remediates_existing(&self) -> bool {
        let remediation = self.guard.rules.remediation();
        remediation.existing_violations == ExistingViolations::Remediate
    }

    /// Remembers what is not remembered like this yet.
    async fn remember_news(&mut self, swept: SweptRole) -> Result<(), HandleError> {
        if self.known.get(&swept.role_id) == Some(&swept) {
            return Ok(());
        }
        self.remember(swept).await
    }

    /// The alert, then the order, as for an event; the intent first, so that the same incident
    /// goes on after a crash.
    async fn report(
        &mut self,
        role: &LiveRole,
        judgement: &Judgement,
        history: Option<&RoleHistory>,
        mut swept: SweptRole,
    ) -> Result<(), HandleError> {
        let now = self.now();
        let left = swept.existing && !self.remediates_existing();
        self.remember_news(swept.clone()).await?;
        let event = event_id(&swept);
        let mut alert = self.alert_of(role, judgement, history, &swept, left);
        alert.notes.insert(0, self.by_whom(role, &swept).await);
        let reported = publish_once(self.world, self.guard, &alert).await;
        if judgement.verdict == Verdict::Approved {
            self.observe(role, history, &swept).await?;
        } else if !left && !skip!("order-found") {
            self.send(Task::Remediate(
                self.role_order(role, judgement, &swept, event),
            ))
            .await?;
            swept.ordered_at = Some(now);
        }
        match reported {
            Ok(_) => {}
            Err(HandleError::InProgress { .. }) => {
                self.look_again_in(2 * STALE_SECONDS);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.progress.tally.alerts += 1;
        swept.reported_at = Some(now);
        self.remember(swept).await
    }

    /// Who made the document that stands there, and when, as far as an event told.
    async fn by_whom(&self, role: &LiveRole, swept: &SweptRole) -> String {
        let (state, account) = (self.world.state(), &self.guard.account);
        let reported = state.reported_document(account, &role.name, &swept.digest);
        let reported = reported.await.ok().flatten();
        let of_this_role = |reported: &ReportedDocument| {
            let created = role.created.map_or(0, |created| created.as_second());
            created <= reported.event_time.as_second()
        };
        match reported.filter(of_this_role) {
            Some(ReportedDocument {
                actor: Some(actor),
                event_time,
                incident,
                ..
            }) => one_line(
                &format!("the change was made at {event_time} by {actor}: incident {incident}"),
                600,
            ),
            _ => "the sweep found this, so who did it and when is not known here; CloudTrail's \
                  event history may show it"
                .to_owned(),
        }
    }

    fn alert_of(
        &self,
        role: &LiveRole,
        judgement: &Judgement,
        history: Option<&RoleHistory>,
        swept: &SweptRole,
        left: bool,
    ) -> Alert {
        let guard = self.guard;
        let now = self.now();
        let resource = Resource::new("role", &role.name)
            .known_as(Some(role.arn.clone()), Some(role.role_id.clone()));
        let story = Story {
            stage: Stage::Detected,
            incident: &incident_id(&guard.account, &event_id(swept)),
            title: one_line(&swept.line, 400),
            cause: None,
            resource: Some(resource),
            findings: &judgement.findings,
            now,
        };
        let mut alert = alert(guard, story);
        alert.grantees = grantees(&guard.rules, judgement);
        if judgement.verdict != Verdict::Approved {
            alert.outcome = Some(if left {
                Outcome::open(OutcomeKind::LeftAlone, LEFT)
            } else {
                announced(guard, Some(judgement))
            });
        }
        alert.judges(&role.document);
        let newest = history.and_then(RoleHistory::newest);
        if let Some(newest) = newest.filter(|newest| newest.digest != swept.digest) {
            show_difference(guard, &mut alert, &newest.document, &role.document, now);
        }
        alert
    }

    fn role_order(
        &self,
        role: &LiveRole,
        judgement: &Judgement,
        swept: &SweptRole,
        event: String,
    ) -> RoleOrder {
        RoleOrder {
            role: role.name.clone(),
            incident: Some(incident_id(&self.guard.account, &event)),
            cause: Cause::found_by_sweep(event, swept.since),
            change: if swept.new {
                RoleChange::Created
            } else {
                RoleChange::Changed
            },
            document: None,
            findings: judgement.findings.iter().take(50).cloned().collect(),
        }
    }

    /// Created since the last run began, and not the first time that anyone looks.
    fn is_new(&self, role: &LiveRole) -> bool {
        let last = self.progress.last.as_ref();
        last.zip(role.created)
            .is_some_and(|(last, created)| created > last.started_at)
    }

    /// The remediator looks at a compliant document that is not the last one the history has.
    async fn observe(
        &mut self,
        role: &LiveRole,
        history: Option<&RoleHistory>,
        swept: &SweptRole,
    ) -> Result<(), HandleError> {
        let known = history.is_some_and(|history| {
            let last = history.writes.iter().rev();
            let mut last = last.filter(|write| write.progress == WriteProgress::Written);
            let newest = history.newest();
            newest.is_some_and(|newest| newest.digest == swept.digest)
                || last.next().is_some_and(|own| own.digest == swept.digest)
        });
        if known {
            return Ok(());
        }
        let task = Task::Observe(RoleOrder {
            role: role.name.clone(),
            cause: Cause::found_by_sweep(event_id(swept), swept.since),
            change: RoleChange::Changed,
            document: None,
            incident: None,
            findings: Vec::new(),
        });
        self.send(task).await
    }

    /// An event's alert has reported this document, and it has not been remediated since.
    async fn reported_by_event(
        &self,
        role: &LiveRole,
        seen: &SweptRole,
        history: Option<&RoleHistory>,
    ) -> Result<Option<SweptRole>, HandleError> {
        let state = self.world.state();
        let reported = state
            .reported_document(&self.guard.account, &role.name, &seen.digest)
            .await;
        let reported = match reported {
            Ok(reported) => reported,
            // Twice is better than never.
            Err(StateError::Unreadable { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let reported = reported.filter(|reported| {
            // A role of this name that was created since is another one.
            let older = role
                .created
                .is_some_and(|created| created.as_second() > reported.event_time.as_second());
            let since = recurred(history, &seen.digest, reported.event_time, self.now());
            !older && reported.findings == seen.findings && matches!(since, Recurred::No)
        });
        Ok(reported.map(|reported| SweptRole {
            since: reported.event_time,
            reported_at: Some(reported.reported_at),
            ordered_at: Some(reported.reported_at),
            ..seen.clone()
        }))
    }

    /// The history of this very role. One that cannot be read is none: the order that follows
    /// will say so.
    async fn history(&self, role: &LiveRole) -> Result<Option<RoleHistory>, HandleError> {
        let state = self.world.state();
        match state.role_history(&self.guard.account, &role.name).await {
            Ok(history) => Ok(history.filter(|history| history.role_id == role.role_id)),
            Err(StateError::Unreadable { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The remediator would write: mode, rules and the role allow it.
    fn may_act(&self, role: &LiveRole, judgement: &Judgement) -> bool {
        let guard = self.guard;
        let enforced = |finding: &Finding| guard.rules.mode_for(finding) == Mode::Enforce;
        judgement.verdict == Verdict::Violation
            && guard.mode == Mode::Enforce
            && judgement.violations().any(enforced)
            && guard.rules.remediation().changed_role != ChangedRole::Off
            && untouchable(guard, role).is_none()
    }

    /// People know, and the remediator was asked; yet the role is exposed after all this time.
    fn try_again(&self, role: &LiveRole, judgement: &Judgement, before: &SweptRole) -> bool {
        let wait = SECOND_TRY_SECONDS << before.tries.min(LAST_DOUBLING);
        self.may_act(role, judgement)
            && before
                .ordered_at
                .is_none_or(|at| seconds_between(at, self.now()) >= wait)
    }

    /// Sessions that were denied have expired: the denial has done its work.
    async fn lift(&mut self, listed: &ListedRole) -> Result<(), HandleError> {
        let enforce = self.guard.ceiling() == Mode::Enforce && self.guard.revoke_sessions;
        if let Some(denied_before) = listed.sessions_denied_before
            && enforce
            && expired(denied_before, self.now())
        {
            self.send(Task::LiftSessionDenial(LiftOrder {
                role: listed.role.name.clone(),
                denied_before,
            }))
            .await?;
        }
        Ok(())
    }
}

/// In place of the findings of a document that a person approved for a while.
const APPROVED: &str = "approved";

const LEFT: &str = "nothing: it violated the rules before the guard's first sweep, and the rules \
     require manual action for that (remediation.existing_violations)";

fn was_approved(before: &SweptRole) -> bool {
    before.findings == APPROVED
}

/// The same document with the same findings.
fn same(before: &SweptRole, seen: &SweptRole) -> bool {
    before.digest == seen.digest && before.findings == seen.findings
}

/// Stands for the event that nobody got.
pub(super) fn event_id(swept: &SweptRole) -> String {
    let digest: String = swept.digest.chars().take(16).collect();
    let second = swept.since.as_second();
    format!("sweep-{}-{digest}-{second}", swept.role_id)
}
