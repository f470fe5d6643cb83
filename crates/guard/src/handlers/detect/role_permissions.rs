//! The detecting function for permissions. It reports a change only where a third party can assume
//! the role, or holds the keys of the user; or where a user that may have keys by its name got one
//! just then.

mod look;
mod report;

use self::look::{Guilty, Look};
use crate::GuardConfig;
use crate::account::Access;
use crate::alert::build::{grantees, holds_keys};
use crate::check::{Check, Finding};
use crate::cloudtrail::{Document, Holder, PermissionsActivity, PolicyChange, Record};
use crate::detect::{KeySeen, Verdict, allowed_by_name, finding, guard_tampered};
use crate::handlers::detect::users::{key_reported, user_changed};
use crate::handlers::{HandleError, Handled};
use crate::model::{
    HeldPolicy, HolderKind, LivePermissions, LiveRole, RoleRef, document_digest, seconds_between,
};
use crate::order::{HolderOrder, Order, Task};
use crate::permissions::{
    Changed, Judged, Undo, denies_nothing, judge_permissions, judge_user_permissions,
    missing_policy,
};
use crate::ports::{Clock, IamError, ListOf, Orders, ReadPermissions, Roles, World};
use crate::remediate::exposure::third_parties;
use crate::remediate::judged::judge;
use crate::remediate::session_denial::{SESSION_DENIAL, is_session_denial};
use crate::rules::{PermissionViolation, UserVendor};
use crate::state::incident::Schema;
use crate::state::swept_permissions::{PermissionsEvent, finding_mark};

/// So many roles and users that hold one policy are looked at; IAM's own quotas are higher.
const MOST_HOLDERS: usize = 500;
/// For so long a role that IAM does not show may be one that it does not show yet.
const SEEN_BY_SECONDS: i64 = 120;

/// Handles an event of `role-permissions`: a change of what a role, a user or all that hold a
/// policy may do.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn role_permissions<W: World<Roles: ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
) -> Result<Handled, HandleError> {
    let change = match record.permissions_activity(&guard.watched()) {
        PermissionsActivity::Changed(change) => change,
        PermissionsActivity::Failed => return Ok(Handled::FailedCall),
        PermissionsActivity::Irrelevant => return Ok(Handled::Irrelevant),
        PermissionsActivity::Unreadable(why) => {
            return report::unreadable(world, guard, record, why).await;
        }
    };
    let look = Look {
        world,
        guard,
        record,
        change: &change,
        now: world.clock().now(),
    };
    if look.ends_sessions() {
        return Ok(Handled::OwnWrite);
    }
    let reported = match &change.holder {
        Holder::Role(role) => vec![look.at_role(role).await?],
        Holder::User(user) if !look.concerns(user) => return Ok(Handled::Irrelevant),
        Holder::User(user) => vec![look.at_user(user).await?],
        Holder::Group(_) if !guard.rules.concerns_users() => return Ok(Handled::Irrelevant),
        Holder::Group(group) => look.at_all(ListOf::UsersIn(group)).await?,
        Holder::HoldersOf(arn) => look.at_all(ListOf::HoldersOf(arn)).await?,
    };
    if reported.iter().any(|seen| matches!(seen, Seen::Own)) {
        return Ok(Handled::OwnWrite);
    }
    let guilty: Vec<Guilty> = reported
        .into_iter()
        .filter_map(|seen| match seen {
            Seen::Guilty(guilty) => Some(*guilty),
            Seen::Nothing | Seen::Own => None,
        })
        .collect();
    let keys: Vec<(String, KeySeen)> = guilty
        .iter()
        .filter_map(|one| Some((one.name.clone(), one.key.clone()?)))
        .collect();
    let handled = look.report(guilty).await?;
    for (user, key) in keys {
        key_reported(world, guard, &user, key).await;
    }
    Ok(handled)
}

/// What a look at one role or user comes to.
enum Seen {
    /// Nothing to say.
    Nothing,
    /// The guard did it.
    Own,
    /// It may do too much now.
    Guilty(Box<Guilty>),
}

impl<W: World<Roles: ReadPermissions>> Look<'_, W> {
    /// The remediator's own inline policy that ends sessions: known by what it says as well as by
    /// its name, since the actor alone proves nothing. Its going gives back no more than was there
    /// before it.
    fn ends_sessions(&self) -> bool {
        let (name, own) = match &self.change.change {
            PolicyChange::Put { name, document } => match document {
                Document::Present(sent) => (name, is_session_denial(sent)),
                Document::Omitted | Document::Missing => (name, false),
            },
            PolicyChange::Deleted { name } => (name, true),
            _ => return false,
        };
        own && name == SESSION_DENIAL && self.by_remediator()
    }

    fn by_remediator(&self) -> bool {
        self.record.actor().issuer.as_deref() == Some(&self.guard.remediator_role)
    }

    /// Whether the guard itself did this: known by the actor, and by what it recorded before it
    /// wrote. `None`: state does not answer, and it is judged like anyone's.
    async fn own(&self, id: &str) -> Option<bool> {
        if !self.by_remediator() {
            return Some(false);
        }
        let state = self.world.state();
        let account = &self.guard.account;
        let history = state.permissions_history(account, id).await.ok()?;
        let change = &self.change.change;
        let did = |undo: &Undo| match (undo, change) {
            (Undo::Detach { arn }, PolicyChange::Detached { arn: other })
            | (Undo::PutBoundary { arn }, PolicyChange::BoundaryPut { arn: other }) => arn == other,
            (Undo::DeleteInline { name }, PolicyChange::Deleted { name: other }) => name == other,
            (
                Undo::PutInline { name, document },
                PolicyChange::Put {
                    name: other,
                    document: Document::Present(sent),
                },
            ) => name == other && document_digest(document) == document_digest(sent),
            (
                Undo::SetDefaultVersion { arn, version },
                PolicyChange::DefaultVersion {
                    arn: other,
                    version: Some(other_version),
                    ..
                },
            ) => arn == other && version == other_version,
            _ => false,
        };
        let event_time = self.record.event_time.unwrap_or(self.now);
        Some(history.is_some_and(|history| history.wrote_about(did, event_time)))
    }

    /// An order to remember what complies, where a later change may have to be undone by it.
    async fn remember(&self, kind: HolderKind, name: &str, id: &str) -> Result<(), HandleError> {
        if self.guard.rules.permissions().on_violation != PermissionViolation::Detach {
            return Ok(());
        }
        let task = Task::RememberPermissions(HolderOrder {
            kind,
            name: name.to_owned(),
            id: id.to_owned(),
            event_id: self.record.id().into_owned(),
        });
        let order = Order::new(self.guard, task, self.now);
        Ok(self.world.orders().send_order(&order).await?)
    }

    /// What is reported is not news to the sweep.
    async fn record_reported(&self, id: &str, findings: &[Finding]) {
        let event = PermissionsEvent {
            schema: Schema,
            role_id: id.to_owned(),
            at: self.now,
            reported: findings.iter().map(finding_mark).collect(),
        };
        let state = self.world.state();
        let recorded = state.record_permissions_event(&self.guard.account, &event);
        // Without it the sweep reports it again.
        drop(recorded.await);
    }

    /// Something was given, not taken away.
    fn gives(&self) -> bool {
        matches!(
            self.change.change,
            PolicyChange::Attached { .. } | PolicyChange::Put { .. }
        )
    }

    /// IAM does not show what was there a moment ago: it is gone, or not there yet.
    fn not_there(&self, what: String) -> Result<Seen, HandleError> {
        let at = self.record.event_time.unwrap_or(self.now);
        if self.gives() && seconds_between(at, self.now) < SEEN_BY_SECONDS {
            return Err(HandleError::NotSeenYet { what });
        }
        Ok(Seen::Nothing)
    }

    async fn at_role(&self, name: &str) -> Result<Seen, HandleError> {
        let guilty = |findings| Guilty::named("role", name, findings);
        let live = match self.world.roles().read_role(name).await {
            Ok(Some(live)) => live,
            Ok(None) => return self.not_there(format!("role {name}")),
            Err(error) => {
                let message = format!(
                    "the permissions of role {name} were changed, and it is not known whether a \
                     third party can assume it: {error}"
                );
                return Ok(Seen::Guilty(Box::new(guilty(vec![
                    self.unreadable(message),
                ]))));
            }
        };
        let own = self.own(&live.role_id).await;
        if own == Some(true) {
            return Ok(Seen::Own);
        }
        let tampered = own == Some(false) && self.by_remediator();
        let reference = RoleRef::from_arn(&live.arn)
            .unwrap_or_else(|| RoleRef::named(self.guard.account.clone(), live.name.clone()));
        let judgement = judge(self.guard, &live, &live.document, self.now);
        let mut more = Vec::new();
        if judgement.verdict == Verdict::Unreadable {
            more.push(
                self.unreadable(
                    "it is not known who can assume the role: its trust policy cannot be read"
                        .to_owned(),
                ),
            );
        }
        let external_access = third_parties(self.guard, &live, &judgement);
        if external_access.is_empty() && !tampered {
            return Ok(Seen::Nothing);
        }
        let external_access: Vec<&Access> = external_access.iter().collect();
        let read = self.world.roles().role_permissions(&live.name).await;
        let judged = self.judged(&live.name, read, |effective| {
            judge_permissions(&self.guard.rules, &external_access, effective, self.now)
        });
        let Some(mut judged) = judged.await? else {
            return Ok(Seen::Nothing);
        };
        if tampered {
            more.push(self.tampering());
        } else if judged.findings.is_empty() {
            if judged.compliant {
                let kind = HolderKind::Role;
                self.remember(kind, &live.name, &live.role_id).await?;
            }
            return Ok(Seen::Nothing);
        }
        self.record_reported(&live.role_id, &judged.findings).await;
        judged.findings.append(&mut more);
        if self.guard.rules.protects(&reference) {
            for found in &mut judged.findings {
                found.severity = found.severity.raised();
            }
        }
        let LiveRole {
            name, arn, role_id, ..
        } = live;
        Ok(Seen::Guilty(Box::new(Guilty {
            name,
            arn: Some(arn),
            id: Some(role_id),
            perhaps_older: judged.perhaps_older,
            grantees: grantees(&self.guard.rules, &judgement),
            tampered,
            ..guilty(judged.findings)
        })))
    }

    /// A vendor holds the user's keys, or the rules allow it keys by its name.
    fn concerns(&self, user: &str) -> bool {
        let rules = &self.guard.rules;
        !rules.user_vendors(user).is_empty() || allowed_by_name(rules, user, self.now)
    }

    async fn at_user(&self, name: &str) -> Result<Seen, HandleError> {
        let seen = self.at_user_of_vendors(name).await?;
        if matches!(seen, Seen::Own) || !allowed_by_name(&self.guard.rules, name, self.now) {
            return Ok(seen);
        }
        let (world, guard, record) = (self.world, self.guard, self.record);
        let (mut findings, key) = user_changed(world, guard, record, name, false, self.now).await?;
        Ok(match seen {
            seen if findings.is_empty() => seen,
            Seen::Guilty(mut guilty) => {
                guilty.findings.append(&mut findings);
                Seen::Guilty(Box::new(Guilty { key, ..*guilty }))
            }
            _ => Seen::Guilty(Box::new(Guilty {
                key,
                ..Guilty::named("user", name, findings)
            })),
        })
    }

    async fn at_user_of_vendors(&self, name: &str) -> Result<Seen, HandleError> {
        let vendors: Vec<UserVendor> = self.guard.rules.user_vendors(name);
        if vendors.is_empty() {
            return Ok(Seen::Nothing);
        }
        let read = self.world.roles().user_permissions(name).await;
        let id = match &read {
            Ok(Some(held)) => Some((held.arn.clone(), held.id.clone())),
            _ => None,
        };
        let own = match &id {
            Some((_, id)) => self.own(id).await,
            None => None,
        };
        if own == Some(true) {
            return Ok(Seen::Own);
        }
        let tampered = own == Some(false) && self.by_remediator();
        let judged = self.judged(name, read, |effective| {
            judge_user_permissions(&self.guard.rules, &vendors, effective)
        });
        let Some(mut judged) = judged.await? else {
            return Ok(Seen::Nothing);
        };
        let (arn, id) = id.unzip();
        if tampered {
            judged.findings.push(self.tampering());
        } else if judged.findings.is_empty() {
            if let (true, Some(id)) = (judged.compliant, &id) {
                self.remember(HolderKind::User, name, id).await?;
            }
            return Ok(Seen::Nothing);
        }
        if let Some(id) = &id {
            self.record_reported(id, &judged.findings).await;
        }
        Ok(Seen::Guilty(Box::new(Guilty {
            kind: "user",
            name: name.to_owned(),
            arn,
            id,
            findings: judged.findings,
            perhaps_older: judged.perhaps_older,
            grantees: vendors.iter().map(holds_keys).collect(),
            tampered,
            key: None,
        })))
    }

    fn tampering(&self) -> Finding {
        let called = format!("called {}, which", self.record.event_name);
        guard_tampered(&self.guard.rules, &called)
    }

    /// What the change is found guilty of, by what is live now; `None` where the role or user is
    /// gone, or the change cannot have given anything.
    async fn judged(
        &self,
        name: &str,
        read: Result<Option<LivePermissions>, IamError>,
        judge: impl Fn(&permissions::Effective) -> Vec<Finding>,
    ) -> Result<Option<Judged>, HandleError> {
        let unreadable = |error: &IamError| {
            let message =
                format!("the permissions of {name} were changed, and are not known: {error}");
            Judged {
                findings: vec![self.unreadable(message)],
                perhaps_older: false,
                compliant: false,
            }
        };
        let live = match read {
            Ok(Some(live)) => live,
            Ok(None) => return self.not_there(name.to_owned()).map(|_| None),
            Err(error) => return Ok(Some(unreadable(&error))),
        };
        if let PolicyChange::Joined { group } = &self.change.change
            && !live.groups.contains(group)
        {
            // They have left it again, or IAM does not show it yet.
            let at = self.record.event_time.unwrap_or(self.now);
            if seconds_between(at, self.now) < SEEN_BY_SECONDS {
                let what = format!("user {name} in group {group}");
                return Err(HandleError::NotSeenYet { what });
            }
        }
        let mut fetched: Option<HeldPolicy> = None;
        if let Some((arn, version)) = missing_policy(&self.change.change, &live) {
            match self.world.roles().managed_policy(arn, version).await {
                Ok(found) => fetched = found,
                // Without its document the judgement says that it could not be read.
                Err(_) => fetched = None,
            }
        }
        if matches!(self.change.change, PolicyChange::Detached { .. })
            && denies_nothing(fetched.as_ref())
        {
            return Ok(None);
        }
        let changed = Changed::new(&self.change.holder, &self.change.change, live, fetched);
        Ok(Some(changed.findings(judge)))
    }

    /// Every role and user of a list, and the users of every group on it, as far as they matter.
    async fn at_all(&self, of: ListOf<'_>) -> Result<Vec<Seen>, HandleError> {
        let mut reported = Vec::new();
        let mut looked_at = 0;
        let mut groups = Vec::new();
        let mut lists = vec![of.into_owned()];
        while let Some(list) = lists.pop() {
            let mut marker: Option<String> = None;
            loop {
                let roles = self.world.roles();
                let page = match roles.holders(list.of(), marker.as_deref()).await {
                    Ok(page) => page,
                    Err(error) => {
                        let message = format!(
                            "it is not known which roles and users the change concerns: {error}"
                        );
                        reported.push(self.seen_unreadable(message));
                        break;
                    }
                };
                let users = page.users.iter().filter(|user| self.concerns(user));
                for holder in page.roles.iter().map(Ok).chain(users.map(Err)) {
                    if looked_at >= MOST_HOLDERS {
                        let message = format!(
                            "more than {MOST_HOLDERS} roles and users are concerned; the others \
                             were not checked"
                        );
                        reported.push(self.seen_unreadable(message));
                        return Ok(reported);
                    }
                    looked_at += 1;
                    reported.push(match holder {
                        Ok(role) => self.at_role(role).await?,
                        Err(user) => self.at_user(user).await?,
                    });
                }
                if self.guard.rules.concerns_users() {
                    groups.extend(page.groups);
                }
                match page.next {
                    Some(next) if marker.as_ref() != Some(&next) => marker = Some(next),
                    _ => break,
                }
            }
            lists.extend(groups.drain(..).map(List::UsersIn));
        }
        Ok(reported)
    }

    fn unreadable(&self, message: String) -> Finding {
        Finding {
            fix: Some("read its policies yourself, and see that the guard can".to_owned()),
            ..finding(&self.guard.rules, Check::UnreadablePermissions, message)
        }
    }

    fn policy_unreadable(&self, message: String) -> Guilty {
        let (kind, name) = match &self.change.holder {
            Holder::Group(group) => ("group", group.as_str()),
            Holder::HoldersOf(arn) => ("policy", arn.as_str()),
            Holder::Role(name) => ("role", name.as_str()),
            Holder::User(name) => ("user", name.as_str()),
        };
        Guilty::named(kind, name, vec![self.unreadable(message)])
    }

    /// About the policy or group itself.
    fn seen_unreadable(&self, message: String) -> Seen {
        Seen::Guilty(Box::new(self.policy_unreadable(message)))
    }
}

/// A list that is worked off.
enum List {
    HoldersOf(String),
    UsersIn(String),
}

impl List {
    fn of(&self) -> ListOf<'_> {
        match self {
            Self::HoldersOf(arn) => ListOf::HoldersOf(arn),
            Self::UsersIn(group) => ListOf::UsersIn(group),
        }
    }
}

impl ListOf<'_> {
    fn into_owned(self) -> List {
        match self {
            Self::HoldersOf(arn) => List::HoldersOf(arn.to_owned()),
            Self::UsersIn(group) => List::UsersIn(group.to_owned()),
        }
    }
}
