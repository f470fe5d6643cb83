//! From a judgement to the alert that tells it.

use jiff::Timestamp;
use policy::{Restriction, TrustPolicy, Values, Who};

use crate::GuardConfig;
use crate::alert::document::{Alert, Grantee};
use crate::alert::links::links;
use crate::check::{Finding, Severity};
use crate::cloudtrail::Record;
use crate::detect::{Coverage, Judgement, Verdict};
use crate::known_accounts::known_account;
use crate::model::{Cause, Resource};
use crate::remediate::{Outcome, OutcomeKind, diff};
use crate::rules::{Mode, Rules, UserVendor};
use crate::state::incident::{Schema, Stage};

/// The event behind an alert. A record without a time is taken to be of now.
pub(crate) fn cause(record: &Record, now: Timestamp) -> Cause {
    Cause {
        event_id: record.id().into_owned(),
        event_name: record.event_name.clone(),
        event_time: record.event_time.unwrap_or(now),
        region: record
            .region
            .clone()
            .unwrap_or_else(|| "us-east-1".to_owned()),
        actor: record.actor(),
    }
}

/// What an alert is about.
pub(crate) struct Story<'a> {
    pub(crate) stage: Stage,
    pub(crate) incident: &'a str,
    pub(crate) title: String,
    pub(crate) cause: Option<&'a Cause>,
    pub(crate) resource: Option<Resource>,
    pub(crate) findings: &'a [Finding],
    pub(crate) now: Timestamp,
}

/// The alert of a story, without outcome and difference yet.
pub(crate) fn alert(guard: &GuardConfig, story: Story<'_>) -> Alert {
    let Story {
        stage,
        incident,
        title,
        cause,
        resource,
        findings,
        now,
    } = story;
    let mut findings = findings.to_vec();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let subject =
        resource
            .as_ref()
            .map_or_else(String::new, |resource| match resource.kind.as_str() {
                "root" => "root".to_owned(),
                "access-key" => format!("user/{}", resource.name),
                kind => format!("{kind}/{}", resource.name),
            });
    let check = findings.first().map(|worst| worst.code);
    Alert {
        schema: Schema,
        stage,
        incident: incident.to_owned(),
        severity: findings
            .first()
            .map_or(Severity::Informational, |worst| worst.severity),
        subject,
        title,
        account: guard.account.clone(),
        stack: guard.stack.clone(),
        at: now,
        mode: mode_name(guard.ceiling()).to_owned(),
        rules: guard.rules.hash().to_owned(),
        links: links(resource.as_ref(), cause, check),
        cause: cause.cloned(),
        resource,
        document_digest: None,
        document: None,
        findings,
        grantees: Vec::new(),
        outcome: None,
        open_seconds: None,
        changes: Vec::new(),
        diff: Vec::new(),
        digest: None,
        notes: Vec::new(),
    }
}

/// Shows what lies between two documents, by statement and in words.
pub(crate) fn show_difference(
    guard: &GuardConfig,
    alert: &mut Alert,
    old: &str,
    new: &str,
    now: Timestamp,
) {
    alert.diff = diff(old, new);
    if let (Ok(old), Ok(new)) = (TrustPolicy::parse(old), TrustPolicy::parse(new)) {
        let context = guard.comparing(now);
        alert.changes = policy::difference(&old, &new, &context);
    }
}

/// As the rules file writes it.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Alert => "alert",
        Mode::Enforce => "enforce",
    }
}

/// Who holds a user's keys by the rules.
pub(crate) fn holds_keys(vendor: &UserVendor) -> Grantee {
    Grantee {
        text: format!("{}, which holds the user's keys by our rules", vendor.name),
        account: None,
        vendor: Some(vendor.name.clone()),
        owner: None,
        ticket: None,
        known_as: None,
    }
}

/// Who can assume the role from outside: first the grants that no rule covers.
pub(crate) fn grantees(rules: &Rules, judgement: &Judgement) -> Vec<Grantee> {
    let grants = judgement
        .analysis
        .iter()
        .flat_map(|analysis| analysis.grants.iter());
    let mut grantees: Vec<(bool, Grantee)> = Vec::new();
    for (grant, by) in grants.zip(&judgement.coverage) {
        let account = match &grant.principal {
            Who::Account { account } | Who::Principal { account, .. } => Some(account.clone()),
            Who::Federated { account, .. } => account.clone(),
            _ => None,
        };
        let entry = account.as_deref().map(|account| rules.account(account));
        let vendors = entry.as_ref().map_or(&[][..], |entry| &entry.vendors);
        let (vendor, remark) = match by {
            None => match vendors.first() {
                Some(vendor) => (Some(&vendor.name), ", not as the vendor's rule asks"),
                None => (None, ", not covered by any rule"),
            },
            Some(Coverage::Vendor { name, .. }) => (Some(name), ""),
            Some(Coverage::OurAccount { .. }) => (None, ", one of our accounts"),
            Some(Coverage::Exempted { .. }) => (None, ", by an exemption"),
            Some(Coverage::IdentityProvider { .. }) => (None, ", a registered identity provider"),
            Some(Coverage::Network) => (None, ", by a registered network"),
            Some(
                Coverage::OwnAccount
                | Coverage::OwnOrganization
                | Coverage::Service { .. }
                | Coverage::IdentityCenter,
            ) => continue,
        };
        let rule = vendors.iter().find(|rule| Some(&rule.name) == vendor);
        let known_as = account
            .as_deref()
            .and_then(known_account)
            .map(|known| known.name.to_owned());
        let mut text = who_words(&grant.principal) + remark;
        let conditions: Vec<String> = grant.restrictions.iter().map(restriction_words).collect();
        if !conditions.is_empty() {
            text += &format!("; only where {}", conditions.join(" and "));
        }
        if !grant.decided {
            text += "; what else limits this could not be decided, so it counts as open";
        }
        let grantee = Grantee {
            text,
            vendor: vendor.cloned(),
            owner: rule.and_then(|rule| rule.owner.clone()),
            ticket: rule.and_then(|rule| rule.ticket.clone()),
            known_as,
            account,
        };
        if !grantees.iter().any(|(_, known)| *known == grantee) {
            grantees.push((by.is_some(), grantee));
        }
    }
    grantees.sort_by_key(|(covered, _)| *covered);
    grantees.into_iter().map(|(_, grantee)| grantee).collect()
}

fn who_words(who: &Who) -> String {
    match who {
        Who::Anyone => "anyone: any principal of any AWS account".to_owned(),
        Who::Organization { id, path: None } => format!("every account of organization {id}"),
        Who::Organization {
            id,
            path: Some(path),
        } => {
            format!("every account under {path} of organization {id}")
        }
        Who::Account { account } => format!("any principal of account {account}"),
        Who::Principal { account, arn } => format!("{arn} of account {account}"),
        Who::UniqueId { id } => format!("the principal with the unique id {id}"),
        Who::Service { service } => format!("the AWS service {service}"),
        Who::AnyService => "any AWS service".to_owned(),
        Who::Federated {
            provider,
            open: true,
            ..
        } => {
            format!("users of {provider}, of any tenant")
        }
        Who::Federated { provider, .. } => format!("users of {provider}"),
    }
}

fn restriction_words(restriction: &Restriction) -> String {
    let key = &restriction.key;
    let list = |values: &[String]| values.join(" or ");
    let mut words = match &restriction.values {
        Values::None => return format!("{key} is absent"),
        Values::Any => format!("{key} is given"),
        Values::OneOf(values) => format!("{key} is {}", list(values)),
        Values::OneOfIgnoringCase(values) => format!("{key} is {} in any case", list(values)),
        Values::Like(values) => format!("{key} fits {}", list(values)),
        Values::Networks(values) => format!("{key} is within {}", list(values)),
        Values::Except(text) | Values::Range(text) | Values::Other(text) => {
            format!("{key} is {text}")
        }
    };
    if restriction.may_be_absent {
        words += " or absent";
    }
    words
}

/// The outcome that an alert announces with its order.
pub(crate) fn announced(guard: &GuardConfig, judgement: Option<&Judgement>) -> Outcome {
    let violates = judgement.is_some_and(|judgement| judgement.verdict == Verdict::Violation);
    let text = match (violates, guard.ceiling()) {
        (true, Mode::Enforce) => {
            "an order to remediate it was sent; a second message gives the outcome"
        }
        (true, Mode::Alert) => {
            "mode alert: nothing is written; a second message says what enforce would have done"
        }
        (false, _) => "the role is checked again; a second message gives the outcome",
    };
    Outcome::open(OutcomeKind::Ordered, text)
}
