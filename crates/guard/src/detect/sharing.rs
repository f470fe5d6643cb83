//! Judging what crosses the account's border without a role: who gets access by a call, and is named by no rule.

use std::collections::BTreeSet;

use jiff::Timestamp;
use policy::{Grant, Origin, Who};

use super::access::finding;
use super::cover::{in_own_organization, is_limited_to_a_network};
use super::network::is_within_networks;
use super::vendor::is_of;
use crate::check::{Check, Finding, Severity};
use crate::cloudtrail::{Lets, ShareChange};
use crate::known_accounts::known_account;
use crate::rules::{CompiledVendor, Rules, arn_parts, is_account_id};

/// So many of those who get access have a finding of their own; the rest are counted.
const MOST_TOLD: usize = 20;

/// Judges that a resource of `account` was shared.
pub fn judge_share(
    rules: &Rules,
    account: &str,
    change: &ShareChange,
    now: Timestamp,
) -> Vec<Finding> {
    let judging = Sharing {
        rules,
        account,
        change,
        now,
    };
    let mut findings = judging.findings();
    findings.sort_by(|a, b| {
        let key = |one: &Finding| (std::cmp::Reverse(one.severity), one.third_party.clone());
        key(a).cmp(&key(b))
    });
    let mut seen = BTreeSet::new();
    findings.retain(|found| seen.insert(found.message.clone()));
    let more = findings.len().saturating_sub(MOST_TOLD);
    findings.truncate(MOST_TOLD);
    if more > 0
        && let Some(last) = findings.last_mut()
    {
        last.message = format!("{}; and {more} more than these have it", last.message);
    }
    findings
}

struct Sharing<'a> {
    rules: &'a Rules,
    account: &'a str,
    change: &'a ShareChange,
    now: Timestamp,
}

/// What is said of somebody who gets access and is named by no rule.
struct Unnamed {
    who: String,
    third_party: Option<String>,
    vendor: Option<String>,
    why: String,
    everyone: bool,
}

impl Unnamed {
    fn new(who: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            who: who.into(),
            third_party: None,
            vendor: None,
            why: why.into(),
            everyone: false,
        }
    }
}

const NO_RULE: &str = "and no rule names it";

impl Sharing<'_> {
    fn findings(&self) -> Vec<Finding> {
        let change = self.change;
        let what = format!("the {} {}", change.share.kind, change.resource);
        let said = |text: String, most: Severity| {
            let found = finding(self.rules, Check::ResourceShared, text);
            vec![Finding {
                severity: found.severity.min(most),
                ..found
            }]
        };
        match change.share.lets {
            Lets::Everyone if !change.cut => {
                let anyone = everyone("anyone", "without signing a request");
                self.found(&what, anyone).into_iter().collect()
            }
            Lets::Others if !change.cut => said(
                format!("{what} can be shared with others from now on: what kept them out is away"),
                Severity::Medium,
            ),
            Lets::More if !change.cut => said(
                format!("those who share {what} can do something else with it now"),
                Severity::Medium,
            ),
            Lets::In if !change.cut => {
                let outside = change.with.iter().any(|from| {
                    let who = named(from);
                    self.unnamed_of(&who, None).is_some()
                });
                let from = change.with.join(" and ");
                match outside || change.with.is_empty() {
                    true => said(
                        format!("{what} of account {from} came into the account, {NO_RULE}"),
                        Severity::Medium,
                    ),
                    false => Vec::new(),
                }
            }
            _ => {
                let found = self.all_unnamed().into_iter();
                found.filter_map(|one| self.found(&what, one)).collect()
            }
        }
    }

    /// `None`: an exemption accepts it.
    fn found(&self, what: &str, one: Unnamed) -> Option<Finding> {
        let who = match one.everyone {
            true => Some("*"),
            false => one.third_party.as_deref(),
        };
        let (resource, check) = (&self.change.resource, Check::ResourceShared);
        let accepts = |who| {
            let (own, shared) = (self.account, (resource.as_str(), who));
            self.rules.exempts_resource(own, shared, check, self.now)
        };
        if who.is_some_and(accepts) {
            return None;
        }
        let message = format!("{what} is shared with {}, {}", one.who, one.why);
        let found = finding(self.rules, Check::ResourceShared, message);
        Some(Finding {
            severity: match one.everyone {
                true => found.severity.raised(),
                false => found.severity,
            },
            third_party: one.third_party,
            vendor: one.vendor,
            ..found
        })
    }

    /// Those who get access and are named by no rule.
    fn all_unnamed(&self) -> Vec<Unnamed> {
        let change = self.change;
        if change.cut {
            let why = "since CloudTrail cut the request away for its size";
            return vec![Unnamed::new("somebody the record does not name", why)];
        }
        if change.with.is_empty() && change.policies.is_empty() {
            return vec![Unnamed::new(
                "somebody the record does not name",
                "since the record does not say it",
            )];
        }
        // EventBridge and Lambda say the organization beside `*`, of which it is a condition.
        let organization = change.with.iter().any(|text| text.starts_with("o-"));
        let with = change
            .with
            .iter()
            .filter(|text| !(organization && *text == "*"));
        let mut found: Vec<Unnamed> = with
            .flat_map(|text| names(text))
            .filter_map(|text| self.unnamed_of(&named(text), None))
            .collect();
        for text in &change.policies {
            self.of_policy(text, &mut found);
        }
        found
    }

    fn of_policy(&self, text: &str, found: &mut Vec<Unnamed>) {
        let whole = match serde_json::from_str::<serde_json::Value>(text) {
            // A single statement.
            Ok(serde_json::Value::Object(fields)) if fields.contains_key("Effect") => {
                format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{text}]}}")
            }
            _ => text.to_owned(),
        };
        let context = policy::AnalysisContext {
            own_account: Some(self.account).filter(|account| !account.is_empty()),
            own_organization: self.rules.organization(),
            now: self.now,
            origin: Origin::Sent,
            witnesses: false,
            providers: self.rules.shared_providers(),
        };
        let read = match policy::analyze_resource_policy(&whole, &context) {
            Ok(read) => read,
            Err(error) => {
                let why = format!("since its policy cannot be read: {error}");
                return found.push(Unnamed::new("somebody who is not known", why));
            }
        };
        let grants = read.grants.iter();
        found.extend(grants.filter_map(|grant| self.unnamed_of(&grant.principal, Some(grant))));
        // Where everyone with an account has access, that has been judged.
        let judged = |statement: &usize| {
            let mut grants = read.grants.iter();
            grants.any(|grant| grant.statement == *statement && grant.principal == Who::Anyone)
        };
        if !read.anonymous.iter().all(judged) {
            found.push(everyone("anyone", "without signing a request"));
        }
        let undecided = read.undecided.into_iter();
        found.extend(
            undecided.map(|(_, what)| Unnamed::new(what, "whose account the policy does not tell")),
        );
    }

    fn is_named_network(&self, grant: &Grant) -> bool {
        is_within_networks(grant, self.rules.networks())
    }

    /// `None`: ours, or a third party that a rule names.
    fn unnamed_of(&self, who: &Who, grant: Option<&Grant>) -> Option<Unnamed> {
        if grant.is_some_and(|grant| in_own_organization(self.rules, grant)) {
            return None;
        }
        let unnamed = match who {
            Who::Account { account } | Who::Principal { account, .. } => {
                return self.other_account(who, account, grant);
            }
            Who::Organization { id, .. } if self.rules.organization() == Some(id) => return None,
            Who::Organization { id, .. } => Unnamed::new(
                format!("every account of organization {id}"),
                "which is not ours",
            ),
            Who::UniqueId { id } => {
                let named = self
                    .rules
                    .unique_id(id)
                    .vendors
                    .iter()
                    .any(|one| self.holds(one));
                if named {
                    return None;
                }
                Unnamed::new(id, "whose account is not known")
            }
            Who::Service { service } => return self.service(service, grant),
            Who::AnyService => return self.service("every AWS service", grant),
            Who::Federated { account, .. } if account.as_deref() == Some(self.account) => {
                return None;
            }
            Who::Federated { provider, .. } => {
                Unnamed::new(format!("the users of {provider}"), NO_RULE)
            }
            Who::Anyone => match grant.filter(|grant| is_limited_to_a_network(grant)) {
                Some(grant) if self.is_named_network(grant) => return None,
                Some(_) => Unnamed::new("any AWS account", "from a network that no rule names"),
                None => everyone("everyone", "as anybody has an AWS account"),
            },
        };
        Some(unnamed)
    }

    fn other_account(&self, who: &Who, account: &str, grant: Option<&Grant>) -> Option<Unnamed> {
        let entry = self.rules.account(account);
        if account == self.account || entry.ours.is_some() {
            return None;
        }
        if grant.is_some_and(|grant| self.is_named_network(grant)) {
            return None;
        }
        let subject = match who {
            Who::Principal { arn, .. } => arn.clone(),
            _ => format!("account {account}"),
        };
        let vendor = entry.vendors.iter().find(|vendor| self.holds(vendor));
        let why = match (vendor, entry.vendors.first()) {
            (Some(vendor), _) if covers(vendor, account, who) => return None,
            (Some(vendor), _) => {
                format!("and the rule of {} names other principals", vendor.name)
            }
            (None, Some(other)) if !other.is_about(self.account) => {
                format!(
                    "and the rule of {} is about other accounts of ours",
                    other.name
                )
            }
            (None, Some(expired)) => format!("and the access of {} has expired", expired.name),
            (None, None) => match known_account(account) {
                Some(known) => format!("which is known as {}, {NO_RULE}", known.name),
                None => format!("{NO_RULE}: perhaps a new account of yours"),
            },
        };
        Some(Unnamed {
            third_party: Some(account.to_owned()),
            vendor: entry.vendors.first().map(|vendor| vendor.name.clone()),
            ..Unnamed::new(subject, why)
        })
    }

    /// A service of AWS counts where it acts for an account that is not ours.
    fn service(&self, service: &str, grant: Option<&Grant>) -> Option<Unnamed> {
        let accounts = grant.map_or(&[][..], |grant| &grant.on_behalf_of);
        let foreign = accounts.iter().find(|account| {
            let whose = Who::Account {
                account: (*account).clone(),
            };
            is_account_id(account) && self.other_account(&whose, account, None).is_some()
        })?;
        Some(Unnamed {
            third_party: Some(foreign.clone()),
            ..Unnamed::new(format!("{service} on behalf of account {foreign}"), NO_RULE)
        })
    }

    fn holds(&self, vendor: &CompiledVendor) -> bool {
        vendor.is_about(self.account) && vendor.expires.is_none_or(|end| self.now < end)
    }
}

fn everyone(who: &str, why: &str) -> Unnamed {
    Unnamed {
        everyone: true,
        ..Unnamed::new(who, why)
    }
}

/// A rule that names principals does not cover the rest of their account.
fn covers(vendor: &CompiledVendor, account: &str, who: &Who) -> bool {
    let names = || vendor.principals.iter();
    match who {
        _ if vendor.principals.is_empty() => true,
        Who::Principal { arn, .. } => names().any(|named| is_of(arn, named)),
        _ => vendor.names_root_of(account),
    }
}

/// The names in a text: headers have several in one, as `id="…", uri="…"`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter_map(|name| {
        let name = name.trim();
        let kinds = ["uri=", "id=", "emailAddress="];
        let bare = kinds.iter().find_map(|kind| name.strip_prefix(kind));
        let name = bare.unwrap_or(name).trim_matches('"');
        // Canned ACLs that let nobody in but the owner and AWS's own log delivery.
        let owners = [
            "",
            "private",
            "bucket-owner-read",
            "bucket-owner-full-control",
            "log-delivery-write",
            "aws-exec-read",
            "http://acs.amazonaws.com/groups/s3/LogDelivery",
        ];
        (!owners.contains(&name)).then_some(name)
    })
}

/// Who is meant by a name in a list.
fn named(name: &str) -> Who {
    const EVERYONE: [&str; 7] = [
        "*",
        "all",
        "public-read",
        "public-read-write",
        "authenticated-read",
        "http://acs.amazonaws.com/groups/global/AllUsers",
        "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    ];
    if EVERYONE
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
    {
        return Who::Anyone;
    }
    if is_account_id(name) {
        return Who::Account {
            account: name.to_owned(),
        };
    }
    if name.starts_with("o-") {
        return Who::Organization {
            id: name.to_owned(),
            path: None,
        };
    }
    // arn:aws:organizations::ACCOUNT:organization/ORGANIZATION, …:ou/ORGANIZATION/UNIT
    let of_organization = name
        .split_once(":organizations::")
        .and_then(|(_, rest)| rest.split_once(':'))
        .and_then(|(_, rest)| rest.split('/').nth(1));
    if let Some(id) = of_organization {
        return Who::Organization {
            id: id.to_owned(),
            path: None,
        };
    }
    match arn_parts(name) {
        Some((_, account, resource)) if is_account_id(account) => match resource {
            "root" => Who::Account {
                account: account.to_owned(),
            },
            _ => Who::Principal {
                account: account.to_owned(),
                arn: name.to_owned(),
            },
        },
        _ if name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn") => {
            Who::Service {
                service: name.to_owned(),
            }
        }
        _ => Who::UniqueId {
            id: name.to_owned(),
        },
    }
}
