//! Reporting a change of permissions, and ordering that it be undone.

use crate::GuardConfig;
use crate::alert::Alert;
use crate::alert::build::cause;
use crate::check::{Check, Finding, Severity};
use crate::cloudtrail::{Document, Holder, PolicyChange, Record};
use crate::detect::finding;
use crate::handlers::detect::alert::{alerted, event_alert};
use crate::handlers::detect::role_permissions::look::{Guilty, Look};
use crate::handlers::{HandleError, Handled};
use crate::model::{HolderKind, Resource, document_digest, seconds_between};
use crate::order::{Order, PermissionsOrder, Task};
use crate::permissions::Undoable;
use crate::ports::{Clock, Orders, ReadPermissions, World};
use crate::remediate::exposure::remediable;
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::{Mode, PermissionViolation};
use crate::state::incident::incident_id;

/// So many roles and users get an alert each; more of them share one.
const ALERTED_ALONE: usize = 5;
/// So many findings stand in an alert about many.
const MOST_FINDINGS: usize = 20;
/// So many findings go with an order: SQS takes 256 KB.
const FINDINGS_SENT: usize = 50;

impl<W: World<Roles: ReadPermissions>> Look<'_, W> {
    /// One alert for each of a few; of many, one for all.
    pub(super) async fn report(&self, mut reported: Vec<Guilty>) -> Result<Handled, HandleError> {
        let worst = |guilty: &Guilty| guilty.findings.first().map(|found| found.severity);
        reported.sort_by_key(|guilty| std::cmp::Reverse(worst(guilty)));
        if reported.len() > ALERTED_ALONE {
            let mut alert = self.alert_of_many(&reported);
            let orders: Vec<Order> = reported.iter().filter_map(|one| self.order(one)).collect();
            if !orders.is_empty() {
                alert.outcome = Some(self.ordered());
            }
            let handled = alerted(self.world, self.guard, alert, None).await;
            for order in orders {
                self.world.orders().send_order(&order).await?;
            }
            return handled;
        }
        let mut handled = Ok(Handled::Approved);
        for guilty in reported {
            let order = self.order(&guilty);
            let mut alert = self.alert(guilty);
            if order.is_some() {
                alert.outcome = Some(self.ordered());
            }
            let one = alerted(self.world, self.guard, alert, order).await;
            // The others must not wait for one that fails; the event comes again for it.
            handled = match (handled, one) {
                (Err(error), _) | (Ok(_), Err(error)) => Err(error),
                (Ok(Handled::Approved), Ok(reported)) | (Ok(reported), Ok(_)) => Ok(reported),
            };
        }
        handled
    }

    /// The order to undo the change, where the rules ask for it and it can be undone.
    fn order(&self, guilty: &Guilty) -> Option<Order> {
        let asked = self.guard.rules.permissions().on_violation == PermissionViolation::Detach;
        if !asked || guilty.tampered || !guilty.findings.iter().any(remediable) {
            return None;
        }
        let kind = match guilty.kind {
            "role" => HolderKind::Role,
            "user" => HolderKind::User,
            _ => return None,
        };
        let of_group = matches!(self.change.holder, Holder::Group(_));
        let change = match &self.change.change {
            _ if of_group => return None,
            PolicyChange::Attached { arn } => Undoable::Attached { arn: arn.clone() },
            PolicyChange::Put { name, document } => Undoable::Put {
                name: name.clone(),
                digest: match document {
                    Document::Present(document) => Some(document_digest(document)),
                    Document::Omitted | Document::Missing => None,
                },
            },
            PolicyChange::DefaultVersion { arn, version, .. } => Undoable::DefaultVersion {
                arn: arn.clone(),
                version: version.clone(),
            },
            PolicyChange::BoundaryPut { arn } => Undoable::BoundaryPut { arn: arn.clone() },
            PolicyChange::BoundaryDeleted => Undoable::BoundaryDeleted,
            // What these took away, the guard does not give.
            PolicyChange::Detached { .. }
            | PolicyChange::Deleted { .. }
            | PolicyChange::Joined { .. }
            | PolicyChange::Left { .. } => return None,
        };
        let (arn, id) = (guilty.arn.clone()?, guilty.id.clone()?);
        let cause = cause(self.record, self.now);
        let incident = incident_id(
            &self.guard.account,
            &format!("{}{}", cause.event_id, function(guilty.kind, &guilty.name)),
        );
        let findings = guilty.findings.iter().take(FINDINGS_SENT).cloned();
        let worst = guilty.findings.iter().map(|found| found.severity).max();
        let task = Task::Detach(PermissionsOrder {
            kind,
            name: guilty.name.clone(),
            arn,
            id,
            change,
            cause,
            incident,
            findings: findings.collect(),
            severity: worst.unwrap_or(Severity::High),
        });
        Some(Order::new(self.guard, task, self.now))
    }

    fn ordered(&self) -> Outcome {
        let text = match self.guard.ceiling() {
            Mode::Enforce => "an order to undo it was sent; a second message gives the outcome",
            Mode::Alert => {
                "mode alert: nothing is written; a second message says what enforce would have \
                 done"
            }
        };
        Outcome::open(OutcomeKind::Ordered, text)
    }

    fn alert(&self, guilty: Guilty) -> Alert {
        let Guilty {
            kind,
            name,
            findings,
            ..
        } = &guilty;
        let what = findings.first().map_or("", |worst| worst.code.title());
        let title = format!(
            "the permissions of {kind} {name} were changed: {}",
            in_words_of(kind, what)
        );
        let subject = Resource::new(kind, name).known_as(guilty.arn.clone(), guilty.id.clone());
        let function = function(kind, name);
        let mut alert = event_alert(
            self.guard,
            self.record,
            subject,
            title,
            findings,
            &function,
            self.now,
        );
        alert.changes.push(change_in_words(&self.change.change));
        if guilty.perhaps_older {
            alert.notes.push(PERHAPS_OLDER.to_owned());
        }
        alert.grantees = guilty.grantees;
        self.open_since(&mut alert);
        alert
    }

    fn alert_of_many(&self, reported: &[Guilty]) -> Alert {
        let of = |guilty: &Guilty, found: &Finding| Finding {
            message: format!("{} {}: {}", guilty.kind, guilty.name, found.message),
            ..found.clone()
        };
        let findings: Vec<Finding> = reported
            .iter()
            .filter_map(|guilty| guilty.findings.first().map(|found| of(guilty, found)))
            .take(MOST_FINDINGS)
            .collect();
        let about = self.policy_unreadable(String::new());
        let name = about.name.rsplit('/').next().unwrap_or_default();
        let what = findings.first().map_or("", |worst| worst.code.title());
        let title = format!(
            "{} {name} was changed, and {} roles and users are concerned: {what}",
            about.kind,
            reported.len(),
        );
        let arn = (about.kind == "policy").then(|| about.name.clone());
        let subject = Resource::new(about.kind, name).known_as(arn, None);
        let mut alert = event_alert(
            self.guard,
            self.record,
            subject,
            title,
            &findings,
            "/permissions",
            self.now,
        );
        alert.changes.push(change_in_words(&self.change.change));
        if reported.len() > findings.len() {
            let all: Vec<String> = reported
                .iter()
                .skip(findings.len())
                .map(|guilty| format!("{}/{}", guilty.kind, guilty.name))
                .collect();
            alert.notes.push(format!(
                "and {} more: {}",
                reported.len() - findings.len(),
                all.join(", ")
            ));
        }
        if reported.iter().any(|guilty| guilty.perhaps_older) {
            alert.notes.push(PERHAPS_OLDER.to_owned());
        }
        self.open_since(&mut alert);
        alert
    }

    fn open_since(&self, alert: &mut Alert) {
        let since = self.record.event_time;
        alert.open_seconds = since.map(|since| seconds_between(since, self.now));
    }
}

const PERHAPS_OLDER: &str = "the event does not show the earlier permissions, so some of this may \
     predate the change";

/// Tells the incidents of one event apart: it may concern many.
fn function(kind: &str, name: &str) -> String {
    format!("/permissions/{kind}/{name}")
}

/// A check's title, which speaks of roles.
fn in_words_of(kind: &str, title: &str) -> String {
    if kind == "user" {
        let title = title.replace(
            "a role that third parties can assume",
            "a user that a vendor holds",
        );
        title.replace("a role", "a user")
    } else {
        title.to_owned()
    }
}

fn change_in_words(change: &PolicyChange) -> String {
    match change {
        PolicyChange::Attached { arn } => format!("policy {arn} was attached"),
        PolicyChange::Detached { arn } => {
            format!("policy {arn} was detached, and what it denied is denied no longer")
        }
        PolicyChange::Put { name, .. } => format!("inline policy {name} was written"),
        PolicyChange::Deleted { name } => format!("inline policy {name} was deleted"),
        PolicyChange::DefaultVersion { arn, version, .. } => match version {
            Some(version) => format!("version {version} of policy {arn} is in force"),
            None => format!("another version of policy {arn} is in force"),
        },
        PolicyChange::BoundaryPut { arn } => format!("{arn} is the permissions boundary now"),
        PolicyChange::BoundaryDeleted => "the permissions boundary was taken away".to_owned(),
        PolicyChange::Joined { group } => format!("the user came into group {group}"),
        PolicyChange::Left { group } => format!("the user left group {group}"),
    }
}

/// Reports an event that cannot be read.
pub(super) async fn unreadable<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    why: &str,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let findings = [finding(
        &guard.rules,
        Check::UnreadablePermissions,
        why.to_owned(),
    )];
    let title = format!("{} changed permissions: {why}", record.event_name);
    let subject = Resource::new("event", "unknown");
    let alert = event_alert(
        guard,
        record,
        subject,
        title,
        &findings,
        "/permissions",
        now,
    );
    alerted(world, guard, alert, None).await
}
