//! Judging a role's trust document.

use std::sync::Arc;

use jiff::Timestamp;
use policy::external_id::quality;
use policy::{Analysis, Grant, Origin, Request, Values, Who};

use super::access::finding;
use super::cover::cover;
use super::coverage::{Coverage, OnBehalfOf, Uncovered, account_of};
use super::reading::Reading;
use super::service::{for_others, kind_of};
use super::verdict::{Judgement, Verdict};
use super::witness::{breaking_the_rule, by_service};
use crate::check::{Check, Finding, Remedy, Severity};
use crate::model::RoleRef;
use crate::rules::{Rules, is_account_id};

/// Who can assume a role of this account by its trust document; or why it cannot be read.
pub(super) fn analysis(
    rules: &Rules,
    account: &str,
    document: &str,
    reading: Reading,
    witnesses: bool,
) -> Result<Analysis, String> {
    let policy = policy::TrustPolicy::parse(document)
        .map_err(|error| format!("the trust policy cannot be read: {error}"))?;
    let context = policy::AnalysisContext {
        own_account: Some(account).filter(|account| !account.is_empty()),
        own_organization: rules.organization(),
        now: reading.from,
        origin: reading.origin,
        witnesses,
        providers: rules.shared_providers(),
    };
    let analysis = policy::analyze(&policy, &context);
    #[cfg(feature = "faults")]
    let analysis = crate::faults::open_now(analysis, reading);
    Ok(analysis)
}

pub(super) fn unreadable(rules: &Rules, message: String) -> Judgement {
    Judgement {
        verdict: Verdict::Unreadable,
        findings: vec![finding(rules, Check::UnreadablePolicy, message)],
        analysis: None,
        coverage: Vec::new(),
    }
}

/// The finding for an event, or a role, whose trust document could not be got at.
pub fn unreadable_event(rules: &Rules, why: &str, role_hidden: bool) -> Finding {
    let mut found = finding(rules, Check::UnreadablePolicy, why.to_owned());
    if role_hidden {
        found.severity = Severity::Critical;
        found.message = format!("a role's trust policy was changed, and {why}");
        found.fix = Some("check every role that was changed at that time".to_owned());
    }
    found
}

/// Judges an analyzed document: the judgement without the reading.
pub(super) fn judge_analysis(
    rules: &Rules,
    role: &RoleRef,
    analysis: Arc<Analysis>,
    reading: Reading,
    now: Timestamp,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Judgement {
    let mut findings = Vec::new();
    let mut coverage = Vec::with_capacity(analysis.grants.len());
    for grant in &analysis.grants {
        match cover(rules, role, &analysis, grant, now) {
            Ok(by) => {
                let of = findings.len();
                weaknesses(rules, role, grant, &by, now, &mut findings);
                for found in findings.iter_mut().skip(of) {
                    found.witness = on_behalf_of_others(rules, role, grant, &by, is_allowed);
                }
                coverage.push(Some(by));
            }
            Err(uncovered) => {
                for one in uncovered {
                    let witness = proof(grant, &one, is_allowed);
                    let found = finding(rules, one.check, one.message);
                    findings.push(Finding {
                        statement: Some(grant.statement),
                        third_party: account_of(&grant.principal),
                        vendor: one.vendor,
                        witness,
                        fix: one.fix.or(found.fix),
                        ..found
                    });
                }
                coverage.push(None);
            }
        }
    }
    let violation = coverage.iter().any(Option::is_none);
    // What was sent names living principals by their ids.
    let dead = (analysis.orphaned.iter()).filter(|_| reading.origin == Origin::Shown);
    for id in dead {
        let message = format!("{id} is left from a principal that was deleted");
        let fix = Some("remove it from the trust policy".to_owned());
        findings.push(Finding {
            fix,
            ..finding(rules, Check::OrphanedPrincipal, message)
        });
    }
    if !analysis.valid {
        let why = analysis
            .errors
            .first()
            .map_or("", |problem| problem.message.as_str());
        let message = format!("IAM would not accept the trust policy: {why}");
        findings.push(finding(rules, Check::UnreadablePolicy, message));
    }
    if rules.protects(role) {
        let violations = findings
            .iter_mut()
            .filter(|found| found.code.remedy() == Remedy::TrustPolicy);
        for found in violations {
            found.severity = found.severity.raised();
        }
    }
    // One statement may grant the same in several ways.
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (std::cmp::Reverse(f.severity), f.code, f.statement);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
    findings
        .dedup_by(|b, a| (a.code, a.statement, &a.message) == (b.code, b.statement, &b.message));
    let verdict = if violation {
        Verdict::Violation
    } else if analysis.valid {
        Verdict::Approved
    } else {
        Verdict::Unreadable
    };
    Judgement {
        verdict,
        findings,
        analysis: Some(analysis),
        coverage,
    }
}

/// A request that is allowed and that the rules do not admit.
fn proof(
    grant: &Grant,
    uncovered: &Uncovered,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Option<Request> {
    let mut request = grant.witness.clone()?;
    if let Some(service) = uncovered.service {
        request = by_service(request, service, is_allowed);
    }
    let unmet = uncovered.unmet.iter();
    Some(unmet.fold(request, |request, unmet| {
        breaking_the_rule(&request, grant, unmet, is_allowed)
    }))
}

/// A request of a service that acts for somebody else.
fn on_behalf_of_others(
    rules: &Rules,
    role: &RoleRef,
    grant: &Grant,
    by: &Coverage,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Option<Request> {
    let Coverage::Service {
        on_behalf_of: OnBehalfOf::External(_),
        ..
    } = by
    else {
        return None;
    };
    let request = grant.witness.as_ref()?;
    Some(match for_others(rules, role, grant) {
        Some(unmet) => breaking_the_rule(request, grant, &unmet, is_allowed),
        None => request.clone(),
    })
}

/// What complies and still could be better.
fn weaknesses(
    rules: &Rules,
    role: &RoleRef,
    grant: &Grant,
    by: &Coverage,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) {
    match by {
        Coverage::Vendor { name, account } => {
            let exempted = |check| rules.exemption(role, account, check, now).is_some();
            let entry = rules.account(account);
            let Some(vendor) = entry.vendors.iter().find(|vendor| vendor.name == *name) else {
                return;
            };
            let about = |check, message, fix: &str| Finding {
                statement: Some(grant.statement),
                third_party: Some(account.clone()),
                vendor: Some(name.clone()),
                fix: Some(fix.to_owned()),
                ..finding(rules, check, message)
            };
            let id = grant.restriction("sts:ExternalId");
            let fixed = match id.map(|restriction| &restriction.values) {
                Some(Values::OneOf(values)) => values.as_slice(),
                _ => &[],
            };
            let named = !vendor.external_id.values.is_empty()
                || vendor.roles.iter().any(|entry| entry.external_id.is_some());
            let weak = if id.is_none() {
                None
            } else if fixed.is_empty() {
                Some(format!(
                    "{name} can assume the role with any of many external ids"
                ))
            } else if !named && vendor.external_id.required {
                Some(format!(
                    "the rules name no external id for {name}, so the id of any of its customers \
                     would pass"
                ))
            } else if fixed.iter().any(|id| quality(id, &[name]).is_some()) {
                Some(format!(
                    "the external id that {name} must give can be guessed"
                ))
            } else {
                None
            };
            if let Some(message) = weak.filter(|_| !exempted(Check::WeakExternalId)) {
                let fix = "use one random id, and name it in the rules";
                findings.push(about(Check::WeakExternalId, message, fix));
            }
            let shared = fixed
                .iter()
                .any(|id| vendor.shared_external_ids.contains(id));
            if shared && !exempted(Check::SharedExternalId) {
                let message = format!("the external id of {name} is also used by another vendor");
                let fix = "give each vendor an id of its own";
                findings.push(about(Check::SharedExternalId, message, fix));
            }
        }
        Coverage::Service {
            service,
            on_behalf_of,
        } => {
            let exempted =
                |account: &str, check| rules.exemption(role, account, check, now).is_some();
            let found = of_service(rules, service, on_behalf_of).filter(|found| {
                let account = found.third_party.as_deref();
                !account.is_some_and(|account| exempted(account, found.code))
            });
            // Nobody means every service there is.
            let least = match grant.principal {
                Who::AnyService => Severity::Medium,
                _ => Severity::Informational,
            };
            findings.extend(found.map(|found| Finding {
                statement: Some(grant.statement),
                severity: found.severity.max(least),
                ..found
            }));
        }
        _ => {}
    }
}

/// What could be better about an AWS service that can assume the role.
fn of_service(rules: &Rules, service: &str, on_behalf_of: &OnBehalfOf) -> Option<Finding> {
    let (check, message, fix) = match on_behalf_of {
        OnBehalfOf::Limited => return None,
        OnBehalfOf::Anyone => (
            Check::ConfusedDeputyService,
            format!("{service} can assume the role on behalf of any account"),
            "limit it by aws:SourceAccount or aws:SourceArn to your account",
        ),
        OnBehalfOf::External(outside) => {
            let what = kind_of(outside);
            (
                Check::ConfusedDeputyService,
                format!(
                    "{service} can assume the role on behalf of {what} {outside}, which is not ours"
                ),
                "name your own account in aws:SourceAccount or aws:SourceArn, unless that one is \
                 meant to use the role",
            )
        }
        OnBehalfOf::Machines => (
            Check::MachineIdentityService,
            format!(
                "{service} can give the role's credentials to machines outside AWS that are \
                 registered by a hybrid activation, and no rule names it"
            ),
            "name the role in a rule with kind: ssm-hybrid, or limit aws:SourceArn to what the \
             role is for, as arn:aws:ssm:*:ACCOUNT:automation-execution/*",
        ),
    };
    let mut found = finding(rules, check, message);
    found.fix = Some(fix.to_owned());
    if let OnBehalfOf::External(outside) = on_behalf_of {
        found.severity = found.severity.max(Severity::Medium);
        found.third_party = Some(outside.clone()).filter(|outside| is_account_id(outside));
    }
    Some(found)
}
