//! A change of permissions: what was held before it, as far as that can be told, what is held after
//! it, and which findings it is to blame for.

use permissions::{Effective, effective};
use policy::IdentityPolicy;
use policy::document::Effect;

use crate::check::{Check, Finding};
use crate::cloudtrail::{Document, Holder, PolicyChange};
use crate::model::{HeldPolicy, LivePermissions};

/// The policies of a role or user, after a change and before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// After it: what is live, and what the event says of it where IAM does not show it yet.
    pub after: LivePermissions,
    before: Before,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    /// This, and nothing else.
    Known(LivePermissions),
    /// This, and perhaps another text of the policy in question, which may have denied something.
    AtLeast(LivePermissions),
    /// What is gone is not told by the event.
    Unknown,
}

/// The managed policy, and its version, without which a change cannot be judged, where what is live
/// does not have it.
pub fn missing_policy<'a>(
    change: &'a PolicyChange,
    live: &LivePermissions,
) -> Option<(&'a str, Option<&'a str>)> {
    let held = |arn: &str| {
        let mut all = live.policies.iter();
        all.find(|policy| policy.arn.as_deref() == Some(arn))
    };
    match change {
        PolicyChange::Attached { arn } => held(arn).is_none().then_some((arn, None)),
        PolicyChange::Detached { arn } => Some((arn, None)),
        PolicyChange::BoundaryPut { arn } => {
            let now = live
                .boundary
                .as_ref()
                .and_then(|policy| policy.arn.as_ref());
            (now != Some(arn)).then_some((arn, None))
        }
        PolicyChange::DefaultVersion {
            arn,
            version: Some(version),
            document: Document::Omitted | Document::Missing,
        } => {
            let held = held(arn).or(live.boundary.as_ref());
            let stale = held.is_none_or(|policy| policy.version.as_ref() != Some(version));
            stale.then_some((arn, Some(version)))
        }
        _ => None,
    }
}

/// Whether a policy denies nothing at all, so that nothing is allowed by its loss. What cannot be
/// read may deny anything.
pub fn denies_nothing(policy: Option<&HeldPolicy>) -> bool {
    let document = policy.and_then(|policy| policy.document.as_deref());
    document.is_some_and(|text| {
        IdentityPolicy::parse(text).is_ok_and(|document| {
            document.errors.is_empty()
                && document
                    .statements
                    .iter()
                    .all(|statement| statement.effect == Some(Effect::Allow))
        })
    })
}

/// An inline policy was put, perhaps over one of its name: what was there before is not known.
fn put(
    after: &mut LivePermissions,
    name: &str,
    document: &Document,
    group: Option<&str>,
) -> Before {
    let is = |policy: &HeldPolicy| {
        policy.arn.is_none() && policy.name == name && policy.group.as_deref() == group
    };
    let live = after.policies.iter().find(|policy| is(policy));
    let document = match document {
        Document::Present(document) => Some(document.clone()),
        Document::Omitted | Document::Missing => live.and_then(|policy| policy.document.clone()),
    };
    let before = without(after, is);
    *after = before.clone();
    after.policies.push(HeldPolicy {
        name: name.to_owned(),
        group: group.map(str::to_owned),
        document,
        ..HeldPolicy::default()
    });
    Before::AtLeast(before)
}

/// Another version of a managed policy is in force.
fn put_in_force(
    after: &mut LivePermissions,
    arn: &str,
    version: Option<&String>,
    document: &Document,
    fetched: Option<HeldPolicy>,
) -> Before {
    let document = match document {
        Document::Present(document) => Some(document.clone()),
        Document::Omitted | Document::Missing => fetched.and_then(|policy| policy.document),
    };
    let is = |policy: &HeldPolicy| policy.arn.as_deref() == Some(arn);
    let all = after.policies.iter_mut().chain(&mut after.boundary);
    for policy in all.filter(|policy| is(policy)) {
        if document.is_some() {
            policy.document.clone_from(&document);
            policy.version = version.cloned();
        }
    }
    if after.boundary.as_ref().is_some_and(is) {
        Before::Unknown
    } else {
        Before::AtLeast(without(after, is))
    }
}

impl Changed {
    /// Puts a change and what is live together. `fetched` is what [`missing_policy`] asked for.
    pub fn new(
        holder: &Holder,
        change: &PolicyChange,
        live: LivePermissions,
        fetched: Option<HeldPolicy>,
    ) -> Self {
        let group = match holder {
            Holder::Group(group) => Some(group.as_str()),
            _ => None,
        };
        let mut after = live;
        let before = match change {
            PolicyChange::Attached { arn } => {
                let is = |policy: &HeldPolicy| {
                    policy.arn.as_ref() == Some(arn) && policy.group.as_deref() == group
                };
                if !after.policies.iter().any(is) {
                    after.policies.push(HeldPolicy {
                        group: group.map(str::to_owned),
                        ..fetched.unwrap_or_else(|| HeldPolicy::managed(arn))
                    });
                }
                Before::Known(without(&after, is))
            }
            PolicyChange::Detached { arn } => {
                after = without(&after, |policy| {
                    policy.arn.as_ref() == Some(arn) && policy.group.as_deref() == group
                });
                let mut before = after.clone();
                match fetched.filter(|policy| policy.document.is_some()) {
                    Some(policy) => {
                        before.policies.push(policy);
                        Before::Known(before)
                    }
                    None => Before::Unknown,
                }
            }
            PolicyChange::Put { name, document } => put(&mut after, name, document, group),
            PolicyChange::Deleted { name } => {
                after = without(&after, |policy| {
                    policy.arn.is_none() && policy.name == *name && policy.group.as_deref() == group
                });
                Before::Unknown
            }
            PolicyChange::DefaultVersion {
                arn,
                version,
                document,
            } => put_in_force(&mut after, arn, version.as_ref(), document, fetched),
            PolicyChange::BoundaryPut { arn } => {
                if after.boundary.as_ref().and_then(|held| held.arn.as_ref()) != Some(arn) {
                    after.boundary = Some(fetched.unwrap_or_else(|| HeldPolicy::managed(arn)));
                }
                Before::Unknown
            }
            PolicyChange::BoundaryDeleted => {
                after.boundary = None;
                Before::Unknown
            }
            PolicyChange::Joined { group } => Before::Known(without(&after, |policy| {
                policy.group.as_ref() == Some(group)
            })),
            PolicyChange::Left { group } => {
                after = without(&after, |policy| policy.group.as_ref() == Some(group));
                Before::Unknown
            }
        };
        Self { after, before }
    }

    /// What is wrong after the change and was not known to be wrong before it, judged by `judge`;
    /// one step worse where it is the change that gave everything, a way to more, or data. What
    /// could not be read is told in any case.
    pub fn findings(&self, judge: impl Fn(&Effective) -> Vec<Finding>) -> Judged {
        let of = |held: &LivePermissions| judge(&effective(&held.policies()));
        let (before, certain) = match &self.before {
            Before::Known(before) => (of(before), true),
            Before::AtLeast(before) => (of(before), false),
            Before::Unknown => (Vec::new(), true),
        };
        let found = of(&self.after);
        let mut judged = Judged {
            compliant: found.is_empty(),
            findings: Vec::new(),
            perhaps_older: false,
        };
        for mut found in found {
            let same = |old: &Finding| (old.code, &old.message) == (found.code, &found.message);
            let older = before.iter().any(same);
            if older && certain && found.code != Check::UnreadablePermissions {
                continue;
            }
            judged.perhaps_older |= older || self.before == Before::Unknown;
            if !older && escalates(found.code) {
                found.severity = found.severity.raised();
            }
            judged.findings.push(found);
        }
        judged
            .findings
            .sort_by_key(|found| std::cmp::Reverse(found.severity));
        judged
    }
}

/// What a change is found guilty of.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Some of it may have been so before the change: that is not known.
    pub perhaps_older: bool,
    /// Nothing is wrong at all.
    pub compliant: bool,
}

/// One who can do this was given the account, a way to it, or what it keeps.
fn escalates(check: Check) -> bool {
    matches!(
        check,
        Check::AdminAccess
            | Check::IamAccess
            | Check::PrivilegeEscalation
            | Check::DataAccess
            | Check::ResourceExposure
    )
}

fn without(held: &LivePermissions, is: impl Fn(&HeldPolicy) -> bool) -> LivePermissions {
    let mut rest = held.clone();
    rest.policies.retain(|policy| !is(policy));
    rest
}
