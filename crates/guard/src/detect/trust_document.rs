//! A trust document, read once and judged for one role or many.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use policy::{Analysis, Who};

use super::coverage::Coverage;
use super::reading::Reading;
use super::trust::{analysis, judge_analysis, unreadable};
use super::verdict::{Judgement, Verdict};
use crate::check::{Check, Finding, Remedy};
use crate::model::RoleRef;
use crate::rules::{Rules, arn_parts, is_pattern};

/// Judges the trust document of a role as IAM shows it. `now` decides what has expired.
pub fn judge_trust(rules: &Rules, role: &RoleRef, document: &str, now: Timestamp) -> Judgement {
    judge_trust_read(rules, role, document, Reading::shown(now), now)
}

/// Judges the trust document of a role. `now` decides what has expired.
pub fn judge_trust_read(
    rules: &Rules,
    role: &RoleRef,
    document: &str,
    reading: Reading,
    now: Timestamp,
) -> Judgement {
    TrustDocument::read(rules, &role.account, document, reading).judge(rules, role, document, now)
}

/// As [`judge_trust_read`], without witnesses in the findings: for who asks whether, and not who
/// gets in.
pub fn judge_trust_without_witnesses(
    rules: &Rules,
    role: &RoleRef,
    document: &str,
    reading: Reading,
    now: Timestamp,
) -> Judgement {
    TrustDocument::read(rules, &role.account, document, reading).judge_quickly(rules, role, now)
}

/// A trust document of an account, read.
#[derive(Debug)]
pub struct TrustDocument {
    reading: Reading,
    /// Who can assume the role, without witnesses; or why it cannot be read.
    read: Result<Arc<Analysis>, String>,
    /// The same with witnesses, once a role needed them.
    proved: OnceLock<Arc<Analysis>>,
    /// The findings, where they are the same for every role.
    of_any_role: Option<Arc<[Finding]>>,
}

impl TrustDocument {
    /// The document of a role of this account.
    pub(super) fn read(rules: &Rules, account: &str, text: &str, reading: Reading) -> Self {
        Self {
            reading,
            read: analysis(rules, account, text, reading, false).map(Arc::new),
            proved: OnceLock::new(),
            of_any_role: None,
        }
    }

    /// As IAM shows it, with the findings where they are the same for every role of the account.
    pub(super) fn read_for_many(rules: &Rules, account: &str, text: &str, now: Timestamp) -> Self {
        let mut document = Self::read(rules, account, text, Reading::shown(now));
        if let Ok(analysis) = &document.read
            && !lets_third_parties_in(rules, account, analysis)
        {
            let role = RoleRef {
                account: account.to_owned(),
                name: None,
                path: None,
            };
            let judgement = judge_analysis(
                rules,
                &role,
                Arc::clone(analysis),
                document.reading,
                now,
                &|_| false,
            );
            document.of_any_role =
                is_of_any_role(&judgement).then(|| Arc::from(judgement.findings));
        }
        document
    }

    /// What was found, if the rules approve it in every role of the account, whatever its name, and
    /// it lets nobody outside in.
    pub fn of_any_role(&self) -> Option<&[Finding]> {
        self.of_any_role.as_deref()
    }

    /// The roles and users of its own account that it names, as `role/Name` or `user/Name`, without
    /// their paths, patterns among them, one a line. Not the account as a whole:
    /// to whom that delegates, the policies of its users and roles say.
    pub fn own_principals(&self, account: &str) -> Box<str> {
        own_principals(self.read.as_deref().ok(), account)
    }

    /// Judges it, as that of this role.
    pub(super) fn judge(
        &self,
        rules: &Rules,
        role: &RoleRef,
        text: &str,
        now: Timestamp,
    ) -> Judgement {
        let quick = self.judge_quickly(rules, role, now);
        let read = match &self.read {
            Ok(read) if quick.verdict != Verdict::Approved => Arc::clone(read),
            _ => return quick,
        };
        // A witness costs ten times the answer, and only a violation needs one.
        let proved = self.proved.get_or_init(|| {
            analysis(rules, &role.account, text, self.reading, true).map_or(read, Arc::new)
        });
        let policy = policy::TrustPolicy::parse(text);
        let context = policy::EvaluationContext {
            account: Some(role.account.as_str()).filter(|account| !account.is_empty()),
            organization: rules.organization(),
            now: self.reading.from,
            origin: self.reading.origin,
        };
        let is_allowed = |request: &policy::Request| {
            let policy = policy.as_ref().ok();
            let decided = policy.map(|policy| policy::evaluate(policy, request, &context));
            decided.is_some_and(|decided| decided.is_ok_and(|decided| decided.allowed))
        };
        judge_analysis(
            rules,
            role,
            Arc::clone(proved),
            self.reading,
            now,
            &is_allowed,
        )
    }

    /// The same without witnesses.
    pub(super) fn judge_quickly(&self, rules: &Rules, role: &RoleRef, now: Timestamp) -> Judgement {
        match &self.read {
            Ok(read) => {
                judge_analysis(rules, role, Arc::clone(read), self.reading, now, &|_| false)
            }
            Err(why) => unreadable(rules, why.clone()),
        }
    }
}

impl Judgement {
    /// The same, of a document that was judged.
    pub(crate) fn own_principals(&self, account: &str) -> Box<str> {
        own_principals(self.analysis.as_deref(), account)
    }
}

fn own_principals(read: Option<&Analysis>, account: &str) -> Box<str> {
    let grants = read.map_or(&[][..], |read| &read.grants);
    let named = grants.iter().filter_map(|grant| match &grant.principal {
        Who::Principal { account: of, arn } if of == account => own_principal(arn),
        _ => None,
    });
    let named: BTreeSet<String> = named.collect();
    let lines: Vec<&str> = named.iter().map(String::as_str).collect();
    lines.join("\n").into_boxed_str()
}

fn own_principal(arn: &str) -> Option<String> {
    let (_, _, resource) = arn_parts(arn)?;
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, "*"));
    let (kind, name) = match kind {
        "assumed-role" => ("role", rest.split('/').next()?),
        "role" | "user" => (kind, rest.rsplit('/').next()?),
        pattern if is_pattern(pattern) => ("*", rest.rsplit('/').next()?),
        _ => return None,
    };
    Some(format!("{kind}/{name}"))
}

/// A third party can assume the role, which only a rule can allow, and rules go by the role's name: there is no
/// need to judge the document as that of any role.
fn lets_third_parties_in(rules: &Rules, account: &str, analysis: &Analysis) -> bool {
    let ours = |other: &String| other == account || rules.account(other).ours.is_some();
    analysis.public
        || analysis.any_service
        || !analysis.federated.is_empty()
        || !analysis.external_accounts.iter().all(ours)
}

/// Nothing in it depends on the role's name or path: each way in is covered by what is true of the
/// account.
fn is_of_any_role(judgement: &Judgement) -> bool {
    let by_account = |by: &Option<Coverage>| {
        matches!(
            by,
            Some(
                Coverage::OwnAccount
                    | Coverage::OurAccount { .. }
                    | Coverage::OwnOrganization
                    | Coverage::Service { .. }
            )
        )
    };
    judgement.verdict == Verdict::Approved
        && judgement.coverage.iter().all(by_account)
        // Those weigh more in a protected role, or depend on a rule for the role.
        && judgement.findings.iter().all(|found| {
            found.code.remedy() != Remedy::TrustPolicy
                && found.code != Check::MachineIdentityService
        })
}
