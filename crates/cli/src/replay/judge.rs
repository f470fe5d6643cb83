//! Judging what was read, in order, with the functions' own judges and a history in memory.
//!
//! The log is history: what the guard would have written never alters it. So each plan is the one
//! that `enforce` would have made had it been switched on just then.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use guard::cloudtrail::{
    Activity, Document, KeyChange, Metadata, ProviderChange, ProviderMove, TrustChange,
};
use guard::detect::{
    Judgement, KeySeen, Known as Told, Reading, UserChange, Verdict, judge_console_password,
    judge_credential, judge_first_key, judge_key, judge_provider_change, judge_root,
    judge_session_length, judge_share, judge_trust_read, metadata_after, opens, unreadable_event,
};
use guard::model::{LiveRole, RoleRef, document_digest};
use guard::remediate::{AsRole, Plan, PlanKind, QUARANTINE, Situation, plan};
use guard::rules::{KeyViolation, Rules};
use guard::state::history::{Baseline, RoleHistory};
use guard::state::incident::Schema;
use guard::{Check, Finding, Remedy, Severity};
use jiff::Timestamp;

use super::read::Hit;

/// The judgment of one record that matters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Judged {
    /// Nothing to say.
    Approved,
    /// Nothing to say, and nothing to judge: a user was created, which an access key may follow.
    Irrelevant,
    /// Something to say.
    Alert(Box<Alert>),
    /// The call failed and changed nothing.
    FailedCall,
    /// The same event again.
    Duplicate,
}

/// The alert and the plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alert {
    /// `role/NAME`, `user/NAME`, `root`, or the resource's ARN.
    pub(crate) subject: String,
    /// Worst first.
    pub(crate) findings: Vec<Finding>,
    /// The action of mode `enforce`.
    pub(crate) action: PlanKind,
    /// The document it would write.
    pub(crate) document: Option<String>,
    /// About the plan, in words.
    pub(crate) remark: Option<String>,
}

impl Alert {
    /// The worst finding's.
    pub(crate) fn severity(&self) -> Severity {
        let severities = self.findings.iter().map(|finding| finding.severity);
        severities.max().unwrap_or(Severity::Informational)
    }
}

/// A role as the log shows it.
#[derive(Debug)]
struct Known {
    history: RoleHistory,
    path: Option<String>,
    created: Option<Timestamp>,
    /// As it was written last.
    document: Option<String>,
}

/// Judges all hits, which are in order.
pub(crate) fn judge(rules: &Rules, hits: &[Hit]) -> Vec<Judged> {
    // A record without a time is judged as of the last one that has it.
    let latest = hits
        .iter()
        .filter_map(|hit| hit.record.event_time)
        .max()
        .unwrap_or_default();
    let originals = hits
        .iter()
        .filter(|hit| hit.record.original_event.is_none());
    let mut seen = HashSet::new();
    let originals: HashSet<_> = originals.map(|hit| hit.record.id()).collect();
    let mut judge = Judge {
        rules,
        roles: BTreeMap::new(),
        users: BTreeMap::new(),
        providers: BTreeMap::new(),
    };
    let judged = hits.iter().map(|hit| {
        // An addendum tells what another record has told already, unless that one is not there.
        let told = hit.record.original_event.as_deref();
        let again = told.is_some_and(|id| originals.contains(id));
        if again || !seen.insert(told.map_or_else(|| hit.record.id(), Cow::Borrowed)) {
            return Judged::Duplicate;
        }
        if hit.failed {
            return Judged::FailedCall;
        }
        judge.record(hit, hit.record.event_time.unwrap_or(latest))
    });
    judged.collect()
}

struct Judge<'a> {
    rules: &'a Rules,
    /// By account and lower-case name.
    roles: BTreeMap<(String, String), Known>,
    /// Likewise: when the user was created, and its last key.
    users: BTreeMap<(String, String), (Option<UserChange>, Option<KeySeen>)>,
    /// By account and name: what an identity provider is known by.
    providers: BTreeMap<(String, String), Metadata>,
}

impl Judge<'_> {
    fn record(&mut self, hit: &Hit, at: Timestamp) -> Judged {
        let mut alert = self.activity(hit, at);
        let by_root = match &hit.by_root {
            Some(activity) => judge_root(self.rules, &hit.record, activity),
            None => Vec::new(),
        };
        if !by_root.is_empty() {
            let alert = alert.get_or_insert_with(|| alert_about("root".to_owned(), Vec::new()));
            alert.findings.extend(by_root);
            alert
                .findings
                .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        }
        match (alert, &hit.activity) {
            (Some(alert), _) => Judged::Alert(Box::new(alert)),
            (None, Activity::UserCreated(_)) => Judged::Irrelevant,
            (None, _) => Judged::Approved,
        }
    }

    /// `None`: nothing to say.
    fn activity(&mut self, hit: &Hit, at: Timestamp) -> Option<Alert> {
        let record = &hit.record;
        let alert = match &hit.activity {
            Activity::TrustChange(change) => return self.trust_change(hit, change, at),
            Activity::RoleDeleted(deleted) => {
                let key = key(record.account(), &deleted.role);
                // Times have whole seconds: what was created in this one took the place of what was
                // deleted.
                if self
                    .roles
                    .get(&key)
                    .is_none_or(|role| role.created != Some(at))
                {
                    self.roles.remove(&key);
                }
                return None;
            }
            Activity::UserCreated(created) => {
                let (account, user) = (record.account(), &created.user);
                let known = self.users.entry(key(account, user)).or_default();
                known.0 = Some(UserChange {
                    schema: Schema,
                    at,
                    created: true,
                });
                return None;
            }
            Activity::AccessKeyCreated(change) => {
                self.key_change(record.account(), change, false, at)
            }
            Activity::AccessKeyActivated(change) => {
                self.key_change(record.account(), change, true, at)
            }
            Activity::ConsolePasswordSet(password) => {
                let subject = user(password.root, password.user.as_deref());
                alert_about(subject, judge_console_password(self.rules, password, at))
            }
            Activity::CredentialChanged(change) => {
                let subject = user(change.root, change.user.as_deref());
                alert_about(subject, judge_credential(self.rules, change, at))
            }
            Activity::ProviderChanged(change) => self.provider_change(record.account(), change, at),
            Activity::Shared(change) => {
                let findings = judge_share(self.rules, record.account(), change, at);
                alert_about(change.resource.clone(), findings)
            }
            Activity::SessionLengthSet(set) => {
                let subject = format!("role/{}", set.role);
                alert_about(subject, judge_session_length(self.rules, set, at))
            }
            Activity::RootSignIn(_) | Activity::RootCall => alert_about(
                "root".to_owned(),
                judge_root(self.rules, record, &hit.activity),
            ),
            Activity::Unreadable(unreadable) => {
                let why = unreadable.why;
                let finding = unreadable_event(self.rules, why, unreadable.role_hidden);
                let subject = if unreadable.role_hidden {
                    "role/unknown".to_owned()
                } else {
                    let caller = record.identity.arn.clone();
                    caller.unwrap_or_else(|| record.event_name.clone())
                };
                alert_about(subject, vec![finding])
            }
            Activity::Failed(_) | Activity::Irrelevant(_) => return None,
        };
        Some(alert).filter(|alert| !alert.findings.is_empty())
    }

    fn key_change(
        &mut self,
        account: &str,
        change: &KeyChange,
        activated: bool,
        at: Timestamp,
    ) -> Alert {
        let mut findings = judge_key(self.rules, change, activated, at);
        if let (true, false, Some(user)) = (findings.is_empty(), change.root, &change.user) {
            let seen = KeySeen {
                schema: Schema,
                key_id: change.key_id.clone(),
                at,
                reported: false,
            };
            let (created, before) = self.users.entry(key(account, user)).or_default();
            let (created, last) = (created.as_ref(), before.as_ref());
            findings = judge_first_key(self.rules, user, &seen, created, last, at);
            *before = Some(seen);
        }
        let mut alert = alert_about(user(change.root, change.user.as_deref()), findings);
        let deactivates = self.rules.access_keys().on_violation == KeyViolation::Deactivate
            && alert.findings.iter().any(|finding| {
                finding.code.remedy() == Remedy::AccessKey && !self.rules.lowers(finding)
            });
        if deactivates && change.key_id.is_some() {
            alert.action = PlanKind::Deactivate;
        }
        alert
    }

    /// The roles are those that the log shows.
    fn provider_change(&mut self, account: &str, change: &ProviderChange, at: Timestamp) -> Alert {
        let key = (account.to_owned(), change.name.clone());
        let before = match self.providers.get(&key) {
            Some(metadata) => Told::Is(metadata.clone()),
            None => Told::Not("the log shows no change of it before".to_owned()),
        };
        let mut roles = Vec::new();
        for ((of, _), known) in &self.roles {
            let name = &known.history.name;
            let role = RoleRef {
                account: of.clone(),
                name: Some(name.clone()),
                path: known.path.clone(),
            };
            let document = known.document.as_deref().filter(|_| of == account);
            if document.is_some_and(|document| opens(self.rules, &role, document, change, at)) {
                roles.push(name.clone());
            }
        }
        let findings = judge_provider_change(self.rules, change, &before, &Told::Is(roles));
        if change.done != ProviderMove::Tagged && !change.cut {
            let before = match &before {
                Told::Is(metadata) => Some(metadata),
                Told::Not(_) => None,
            };
            self.providers.insert(key, metadata_after(before, change));
        }
        alert_about(format!("identity-provider/{}", change.name), findings)
    }

    fn trust_change(&mut self, hit: &Hit, change: &TrustChange, at: Timestamp) -> Option<Alert> {
        let account = hit.record.account();
        let key = key(account, &change.role);
        if change.created {
            self.roles.remove(&key);
        }
        let known = self.roles.entry(key).or_insert_with(|| Known {
            history: empty_history(account, change),
            path: change.path.clone(),
            created: change.created.then_some(at),
            document: None,
        });
        known.document = match &change.document {
            Document::Present(document) => Some(document.clone()),
            Document::Omitted | Document::Missing => None,
        };
        let subject = format!("role/{}", change.role);
        let Document::Present(document) = &change.document else {
            let why = "the log does not hold the trust policy; the deployed guard reads the role";
            return Some(alert_about(
                subject,
                vec![unreadable_event(self.rules, why, false)],
            ));
        };
        let role = RoleRef {
            account: account.to_owned(),
            name: Some(change.role.clone()),
            path: known.path.clone(),
        };
        let judgement = judge_trust_read(self.rules, &role, document, Reading::sent(at), at);
        let digest = document_digest(document);
        // A quarantine is the guard's own write, and nothing to go back to.
        let quarantine = digest == document_digest(QUARANTINE);
        if judgement.verdict == Verdict::Approved && !quarantine {
            known.history.remember(Baseline {
                document: document.clone(),
                digest,
                actor: hit.record.identity.arn.clone(),
                written_at: Some(at),
                seen_at: at,
                stale_by: 0,
                seen_live: true,
                live_again_at: None,
            });
        }
        if judgement.findings.is_empty() {
            return None;
        }
        let rules = self.rules;
        if known.path.is_none() && identity_center_would_have(rules, &role, document, at) {
            let why = "whether the role is IAM Identity Center's hangs on its path, and no record \
                       tells it: the deployed guard reads the role";
            return Some(Alert {
                remark: Some(why.to_owned()),
                ..alert_about(subject, judgement.findings)
            });
        }
        let (planned, remark) = planned(
            rules,
            &role,
            document,
            &judgement,
            change,
            &known.history,
            at,
        );
        Some(Alert {
            subject,
            findings: judgement.findings,
            action: planned.as_ref().map_or(PlanKind::None, |plan| plan.kind),
            document: planned.map(|plan| plan.document),
            remark,
        })
    }
}

/// Would the rules approve this of a role under the path of IAM Identity Center?
fn identity_center_would_have(
    rules: &Rules,
    role: &RoleRef,
    document: &str,
    at: Timestamp,
) -> bool {
    let there = RoleRef {
        path: Some("/aws-reserved/sso.amazonaws.com/".to_owned()),
        ..role.clone()
    };
    let judgement = judge_trust_read(rules, &there, document, Reading::sent(at), at);
    judgement.verdict == Verdict::Approved
}

/// The plan of mode enforce for a violation, and a remark.
fn planned(
    rules: &Rules,
    role: &RoleRef,
    document: &str,
    judgement: &Judgement,
    change: &TrustChange,
    history: &RoleHistory,
    at: Timestamp,
) -> (Option<Plan>, Option<String>) {
    let left_alone = |finding: &Finding| rules.lowers(finding);
    let acts = judgement.verdict == Verdict::Violation
        && judgement.violations().any(|finding| !left_alone(finding));
    let tolerating = judgement.violations().any(left_alone);
    let nothing = |why: &str| (None, Some(why.to_owned()));
    if rules.protects(role) {
        return nothing("the role is protected: never written");
    }
    if role.is_reserved() {
        return nothing("the role is kept by AWS: never written");
    }
    if judgement.verdict != Verdict::Violation {
        return (None, None);
    }
    let situation = Situation {
        live: document,
        critical: judgement
            .violations()
            .any(|finding| finding.severity == Severity::Critical && !left_alone(finding)),
        tolerating,
        created: change.created,
        changed: true,
        history,
        remediation: rules.remediation(),
        writes_used: 0,
    };
    let judging = AsRole {
        rules,
        role: role.clone(),
        tolerating,
        now: at,
    };
    match acts.then(|| plan(&situation, &judging)) {
        Some(Ok(plan)) => {
            let remark = match &plan.fallback {
                Some(why) => format!("{} ({why})", plan.details),
                None => plan.details.clone(),
            };
            (Some(plan), Some(remark))
        }
        Some(Err(_)) | None => nothing("the rules require manual action"),
    }
}

fn key(account: &str, role: &str) -> (String, String) {
    (account.to_owned(), role.to_lowercase())
}

fn user(root: bool, name: Option<&str>) -> String {
    match (root, name) {
        (true, _) => "root".to_owned(),
        (false, Some(name)) => format!("user/{name}"),
        (false, None) => "user/?".to_owned(),
    }
}

fn alert_about(subject: String, findings: Vec<Finding>) -> Alert {
    Alert {
        subject,
        findings,
        action: PlanKind::None,
        document: None,
        remark: None,
    }
}

fn empty_history(account: &str, change: &TrustChange) -> RoleHistory {
    let arn = format!("arn:aws:iam::{account}:role/{}", change.role);
    let role = LiveRole {
        name: change.role.clone(),
        arn: change.arn.clone().unwrap_or(arn),
        path: change.path.clone().unwrap_or_else(|| "/".to_owned()),
        role_id: change.role_id.clone().unwrap_or_default(),
        document: String::new(),
        created: None,
    };
    RoleHistory::new(account, &role)
}

/// How often each thing happened, the most first.
pub(crate) fn ranked<T: Ord>(things: impl IntoIterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    let mut ranked: Vec<(T, usize)> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranked
}

/// The checks of an alert, each once.
pub(crate) fn checks(alert: &Alert) -> impl Iterator<Item = Check> {
    let mut codes: Vec<Check> = alert.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter()
}
