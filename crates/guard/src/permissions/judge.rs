//! The checks of what a role may do.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;
use permissions::{
    ActionSet, Ceiling, Class, Effective, Escalation, Exposure, Held, Policies, Scope,
    administrator, classes, data_read, effective, escalations, expand, exposed, exposing, of_class,
    telling,
};

use super::words::{by_service, listed, under_conditions};
use crate::account::{Access, Party, RuleOfParty};
use crate::check::{Check, Finding, Severity};
use crate::detect::finding;
use crate::lru::Recent;
use crate::rules::{Rules, UserVendor};

/// What a role may do, and what is wrong with that.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// The classes of which it holds something, worst first.
    pub classes: Vec<Held>,
    /// All of it.
    pub effective: Effective,
}

/// Whose permissions are judged, in the words of a finding.
#[derive(Clone, Copy)]
enum Whose {
    Role,
    User,
}

impl Whose {
    fn noun(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// A vendor that can enter, or that holds a user's keys, and the ceiling that its rule sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bound {
    vendor: String,
    account: Option<String>,
    allow: Vec<String>,
}

/// Works out and judges what a role may do that these third parties can enter: see
/// [`judge_permissions`].
pub fn review(
    rules: &Rules,
    accesses: &[&Access],
    policies: &Policies<'_>,
    now: Timestamp,
) -> Review {
    let effective = effective(policies);
    Review {
        findings: judge_permissions(rules, accesses, &effective, now),
        classes: classes(&effective),
        effective,
    }
}

/// Judges what a role may do that these third parties can enter, as
/// [`crate::account::accesses`] says; worst first. No finding where nobody can. `now` decides which
/// exemptions hold. Whoever a registered identity provider lets in is of our own side, as a
/// deployment of our own repository is, and is not judged.
///
/// Nothing here is proved compliant: the permissions are an upper bound, and what could not be read is
/// a finding of its own, `unreadable-permissions`.
pub fn judge_permissions(
    rules: &Rules,
    accesses: &[&Access],
    effective: &Effective,
    now: Timestamp,
) -> Vec<Finding> {
    let judged = |bounds: &[Bound]| Arc::from(judge_bounded(rules, effective, bounds));
    concerning(rules, accesses, now, judged)
}

/// Judges one role after the other, as [`judge_permissions`] does, and remembers what it found:
/// many roles of an account may do the same.
#[derive(Debug)]
pub struct PermissionJudging<'r> {
    rules: &'r Rules,
    now: Timestamp,
    known: Recent<(u128, Vec<Bound>), Arc<[Finding]>>,
}

/// So many judgements are remembered, twice at most.
const MOST: usize = 256;

impl<'r> PermissionJudging<'r> {
    /// By these rules; `now` decides which exemptions hold.
    pub fn new(rules: &'r Rules, now: Timestamp) -> Self {
        Self {
            rules,
            now,
            known: Recent::new(MOST),
        }
    }

    /// As [`judge_permissions`]. `likeness` is that of the role's policies, as
    /// [`permissions::Likeness`] tells it, always by the same one.
    pub fn judge(
        &mut self,
        accesses: &[&Access],
        effective: &Effective,
        likeness: u128,
    ) -> Vec<Finding> {
        let (rules, known) = (self.rules, &mut self.known);
        concerning(rules, accesses, self.now, |bounds| {
            let key = (likeness, bounds.to_vec());
            known.get(&key).unwrap_or_else(|| {
                let judged: Arc<[Finding]> = Arc::from(judge_bounded(rules, effective, bounds));
                known.insert(key, Arc::clone(&judged));
                judged
            })
        })
    }
}

/// What is wrong with it, whoever can enter, but for the ceilings of their rules.
fn judge_bounded(rules: &Rules, effective: &Effective, bounds: &[Bound]) -> Vec<Finding> {
    let mut findings = Vec::new();
    of_holder(rules, Whose::Role, effective, bounds, &mut findings);
    beyond(rules, Whose::Role, effective, bounds, &mut findings);
    findings
}

/// Of what `judged` has against these ceilings, what concerns those who can enter, worst first.
fn concerning(
    rules: &Rules,
    accesses: &[&Access],
    now: Timestamp,
    judged: impl FnOnce(&[Bound]) -> Arc<[Finding]>,
) -> Vec<Finding> {
    let accesses: Vec<&Access> = accesses
        .iter()
        .copied()
        .filter(|access| is_third_party(access))
        .collect();
    if accesses.is_empty() {
        return Vec::new();
    }
    let judged = judged(&bounds(rules, &accesses));
    let compliant = |found: &&Finding| !exempted(rules, &accesses, found, now);
    let mut findings: Vec<Finding> = judged.iter().filter(compliant).cloned().collect();
    // One party alone can enter: the finding is about it.
    if let [only] = accesses.as_slice() {
        for found in findings.iter_mut().filter(|found| found.vendor.is_none()) {
            found.third_party = account_of(only);
            found.vendor = vendor_of(only).map(str::to_owned);
        }
    }
    worst_first(&mut findings);
    findings
}

/// Judges what a user may do whose keys these vendors hold, as `vendors[].users` of the rules says
/// ([`Rules::user_vendors`]); worst first. No finding where no vendor does.
///
/// As with a role, an upper bound is judged, and what could not be read is a finding.
pub fn judge_user_permissions(
    rules: &Rules,
    vendors: &[UserVendor],
    effective: &Effective,
) -> Vec<Finding> {
    let Some(first) = vendors.first() else {
        return Vec::new();
    };
    let bounds: Vec<Bound> = vendors
        .iter()
        .filter_map(|vendor| {
            Some(Bound {
                vendor: vendor.name.clone(),
                account: None,
                allow: vendor.permissions.clone()?.allow,
            })
        })
        .collect();
    let mut findings = Vec::new();
    of_holder(rules, Whose::User, effective, &bounds, &mut findings);
    beyond(rules, Whose::User, effective, &bounds, &mut findings);
    for found in findings.iter_mut().filter(|found| found.vendor.is_none()) {
        found.vendor = Some(first.name.clone());
    }
    worst_first(&mut findings);
    findings
}

fn worst_first(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |found: &Finding| (Reverse(found.severity), found.code);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
    });
}

/// Whether somebody outside comes in by this access. Whoever a registered identity provider lets in
/// is of our own side.
pub fn is_third_party(access: &Access) -> bool {
    !(access.allowed && matches!(access.party, Party::IdentityProvider { .. }))
}

fn account_of(access: &Access) -> Option<String> {
    match &access.party {
        Party::Account { account } => Some(account.clone()),
        _ => None,
    }
}

fn vendor_of(access: &Access) -> Option<&str> {
    match access.rule.as_deref() {
        Some(RuleOfParty::Vendor { name, .. }) => Some(name),
        _ => None,
    }
}

/// The ceilings of the vendors that can enter; of a vendor with several accounts, one.
fn bounds(rules: &Rules, accesses: &[&Access]) -> Vec<Bound> {
    let mut bounds: Vec<Bound> = Vec::new();
    for access in accesses {
        let Some(name) = vendor_of(access) else {
            continue;
        };
        let entry = match &access.party {
            Party::Account { account } => rules.account(account),
            Party::UniqueId { id } => rules.unique_id(id),
            _ => continue,
        };
        let mut vendors = entry.vendors.iter();
        let ceiling = vendors
            .find(|vendor| vendor.name == name)
            .and_then(|vendor| vendor.permissions.as_ref());
        if let Some(ceiling) = ceiling
            && bounds.iter().all(|bound| bound.vendor != name)
        {
            bounds.push(Bound {
                vendor: name.to_owned(),
                account: account_of(access),
                allow: ceiling.allow.clone(),
            });
        }
    }
    bounds
}

/// An exemption accepts a finding if every third party that can enter is exempted from it.
fn exempted(rules: &Rules, accesses: &[&Access], found: &Finding, now: Timestamp) -> bool {
    accesses
        .iter()
        .filter(|access| found.vendor.is_none() || found.vendor.as_deref() == vendor_of(access))
        .all(|access| {
            let role = &access.role.role;
            account_of(access)
                .is_some_and(|account| rules.exemption(role, &account, found.code, now).is_some())
        })
}

/// What all ceilings allow; nothing where some vendor, or somebody without a rule, has none.
fn allowed_by_rules(bounds: &[Bound]) -> ActionSet {
    let mut all: Option<ActionSet> = None;
    for bound in bounds {
        let ceiling = Ceiling::new(bound.allow.iter().map(String::as_str));
        match &mut all {
            Some(all) => *all &= ceiling.actions(),
            None => all = Some(ceiling.actions().clone()),
        }
    }
    all.unwrap_or_default()
}

fn of_holder(
    rules: &Rules,
    whose: Whose,
    effective: &Effective,
    bounds: &[Bound],
    findings: &mut Vec<Finding>,
) {
    let noun = whose.noun();
    findings.extend(at_most(rules, noun, effective));
    let complaint = |check, message, fix: &str| Finding {
        fix: Some(fix.to_owned()),
        ..finding(rules, check, message)
    };
    for unreadable in effective.unreadable.iter().filter(|policy| !policy.at_most) {
        let message = format!(
            "policy {} cannot be read, so the permissions of the {noun} are not known: {}",
            unreadable.policy, unreadable.reason
        );
        let fix = "give its document with the input, or write it as IAM accepts it";
        findings.push(complaint(Check::UnreadablePermissions, message, fix));
    }
    if let Some(found) = administrator(effective) {
        let under = under_conditions(found.conditional);
        let message = if found.changing * 2 > found.of {
            format!(
                "the {noun} has nearly full access: {} of {} actions that change something{under}",
                found.changing, found.of
            )
        } else {
            format!("the {noun} can do anything with IAM, and so grant itself full access{under}")
        };
        let fix = "replace its policies by the actions that the third party needs";
        findings.push(complaint(Check::AdminAccess, message, fix));
        return;
    }
    let held = effective.actions();
    let mut iam = held.clone();
    iam &= of_class(Class::IamWrite);
    iam -= &passed_to_named_services(effective);
    iam -= &through_services(effective, "kms:CreateGrant");
    if let Some(action) = telling(&iam) {
        let on = on(effective, action);
        let message = format!(
            "the {noun} can change trust policies or permissions: {}{on}",
            listed(&iam)
        );
        let fix = "remove these actions: no third party needs them";
        findings.push(complaint(Check::IamAccess, message, fix));
    }
    let ways = escalations(effective);
    if let Some(message) = way_to_more(noun, &ways) {
        let fix = "remove one action of each way, or name the resources it may be used on";
        findings.push(Finding {
            ways: ways.iter().map(|found| found.way.name.to_owned()).collect(),
            ..complaint(Check::PrivilegeEscalation, message, fix)
        });
    }
    let allowed = allowed_by_rules(bounds);
    if let Some(message) = write_wildcard(whose, effective, &allowed) {
        let fix = "name the actions, one by one";
        findings.push(complaint(Check::WriteWildcard, message, fix));
    }
    let mut data = effective.on(Scope::Service);
    data &= of_class(Class::DataRead);
    data -= &allowed;
    data -= &through_services(effective, "kms:Decrypt");
    if let Some(action) = telling(&data) {
        let what = data_read(action).unwrap_or("data");
        let on = on(effective, action);
        let message = format!(
            "the {noun} may read data: {what}, by {action}{on} ({})",
            by_service(&data)
        );
        let fix = "name the resources it may read, or allow it in permissions.allow of its rule";
        findings.push(complaint(Check::DataAccess, message, fix));
    }
    for exposure in [Exposure::Shares, Exposure::Blinds] {
        let mut actions = effective.on(Scope::Service);
        actions &= exposing(exposure);
        actions -= &allowed;
        if let Some(message) = exposes(noun, exposure, &actions, effective) {
            let fix = "name the resources, or allow it in permissions.allow of its rule";
            findings.push(complaint(Check::ResourceExposure, message, fix));
        }
    }
}

/// The widest way to more permissions, and how many others there are.
fn way_to_more(noun: &str, ways: &[Escalation]) -> Option<String> {
    let first = ways.first()?;
    let more = match ways.len() {
        1 => String::new(),
        2 => ", and there is another way".to_owned(),
        many => format!(", and there are {} other ways", many - 1),
    };
    Some(format!(
        "the {noun} can gain more permissions: with {} it {}, {}{}{more}",
        first.way.with(),
        first.way.how,
        first.scope.words(),
        under_conditions(first.conditional),
    ))
}

/// What it can do with these actions, if there are any.
fn exposes(
    noun: &str,
    exposure: Exposure,
    actions: &ActionSet,
    effective: &Effective,
) -> Option<String> {
    let action = telling(actions)?;
    let (on, what, by) = (on(effective, action), exposed(action), by_service(actions));
    Some(match exposure {
        Exposure::Shares => format!(
            "the {noun} can give others access to resources: {what}, by {action}{on} ({by})"
        ),
        Exposure::Blinds => {
            format!("the {noun} can have the account watched less: {what}, by {action}{on} ({by})")
        }
    })
}

/// `iam:PassRole`, where every statement names the services to which a role may be passed: then the
/// ways say what it is good for.
fn passed_to_named_services(effective: &Effective) -> ActionSet {
    let passing = expand("iam:PassRole");
    let mut permits = effective.permits.iter();
    let free = permits.any(|permit| {
        permit.actions.meets(&passing) && permit.passed_to.iter().all(|limit| limit.all_but)
    });
    if free { ActionSet::new() } else { passing }
}

/// An action of KMS, where only AWS's services get what it gives: `kms:CreateGrant` then changes nobody's
/// permissions, and what `kms:Decrypt` decrypts the service's own actions read.
fn through_services(effective: &Effective, action: &str) -> ActionSet {
    let of_keys = expand(action);
    let mut permits = effective.permits.iter();
    let free = permits.any(|permit| {
        permit.actions.meets(&of_keys) && permit.scope >= Scope::Service && !permit.for_services
    });
    if free { ActionSet::new() } else { of_keys }
}

/// A boundary that is not at hand could only take away: what is said is an upper bound all the more.
fn at_most(rules: &Rules, noun: &str, effective: &Effective) -> Option<Finding> {
    let boundary = effective.unreadable.iter().find(|policy| policy.at_most)?;
    let message = format!(
        "the permissions of the {noun} are at most what is said: its boundary {} is not at hand",
        boundary.policy
    );
    Some(Finding {
        severity: Severity::Informational,
        fix: Some("give its document with the input".to_owned()),
        ..finding(rules, Check::UnreadablePermissions, message)
    })
}

/// On how much an action is allowed, and whether always.
fn on(effective: &Effective, action: permissions::Action) -> String {
    effective
        .permit_of(action)
        .map_or_else(String::new, |permit| {
            let under = under_conditions(!permit.caveats.is_empty());
            format!(" {}{under}", permit.scope.words())
        })
}

/// Wildcards in Allow statements by which something changes, and which no rule allows.
fn write_wildcard(whose: Whose, effective: &Effective, allowed: &ActionSet) -> Option<String> {
    let mut changing = ActionSet::new();
    for class in [Class::IamWrite, Class::PermissionsManagement, Class::Write] {
        changing |= of_class(class);
    }
    changing -= allowed;
    let mut patterns: Vec<String> = Vec::new();
    let mut actions = ActionSet::new();
    for permit in &effective.permits {
        let mut add = |pattern: String, mut of_pattern: ActionSet| {
            of_pattern &= &permit.actions;
            of_pattern &= &changing;
            if !of_pattern.is_empty() {
                actions |= &of_pattern;
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
        };
        if permit.all_but {
            add("NotAction".to_owned(), permit.actions.clone());
        }
        for pattern in permit
            .patterns
            .iter()
            .filter(|text| text.contains(['*', '?']))
        {
            add(pattern.clone(), expand(pattern));
        }
    }
    let example = telling(&actions)?;
    let more = patterns.len().saturating_sub(3);
    let mut shown = patterns.get(..3).unwrap_or(&patterns).join(", ");
    if more > 0 {
        shown.push_str(&format!(" and {more} more"));
    }
    Some(format!(
        "the {}'s policies allow by wildcard what changes something: {shown}, {} actions, as \
         {example}",
        whose.noun(),
        actions.len()
    ))
}

/// What the role may do beyond the ceiling of each vendor that can enter.
fn beyond(
    rules: &Rules,
    whose: Whose,
    effective: &Effective,
    bounds: &[Bound],
    findings: &mut Vec<Finding>,
) {
    let noun = whose.noun();
    for bound in bounds {
        let ceiling = Ceiling::new(bound.allow.iter().map(String::as_str));
        let Some(found) = ceiling.beyond(effective) else {
            continue;
        };
        let vendor = &bound.vendor;
        let count = found.actions.len() + found.unknown.len();
        let example = telling(&found.actions)
            .map(|action| action.to_string())
            .or_else(|| found.unknown.first().cloned())
            .unwrap_or_default();
        let plural = if count == 1 { "" } else { "s" };
        let mut message = format!(
            "the {noun} may do {count} action{plural} more than the rule of {vendor} allows, as \
             {example}"
        );
        if count > 1 && !found.actions.is_empty() {
            message.push_str(&format!(" ({})", by_service(&found.actions)));
        }
        if !found.unknown.is_empty() && !found.actions.is_empty() {
            let unknown = found.unknown.len();
            message.push_str(&format!(" and {unknown} that AWS's list does not have"));
        }
        findings.push(Finding {
            vendor: Some(vendor.clone()),
            third_party: bound.account.clone(),
            fix: Some(format!(
                "remove them, or add them to permissions.allow of {vendor}"
            )),
            ..finding(rules, Check::OverCeiling, message)
        });
    }
}
