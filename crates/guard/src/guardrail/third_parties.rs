//! Who is outside, and which of them may assume roles: `sts:AssumeRole`; and what else of ours they may use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::json;

use super::statement::{Condition, Denial, holds, listed, values};
use super::vendors::{
    Group, Ids, Principals, exempted, external_ids, groups, last_day, principals,
};
use super::wanted::{GuardedService, Precision};
use crate::check::Check;
use crate::rules::{NetworkEntry, RulesFile, expiry, is_pattern};

const ASSUME_ROLE: &str = "sts:AssumeRole";
/// So many accounts stand in a statement that can be split.
const ACCOUNTS_TOGETHER: usize = 250;

/// Whose rules these are, and at which moment they are read.
pub(super) struct Scene<'f> {
    pub(super) file: &'f RulesFile,
    pub(super) ours: BTreeSet<&'f str>,
    pub(super) organization: &'f str,
    pub(super) now: Timestamp,
}

impl<'f> Scene<'f> {
    /// Not of the organization, and from none of its networks; an account may belong to it and be a
    /// vendor's all the same.
    fn outside(&self) -> Vec<Condition> {
        let ours = "aws:PrincipalOrgID".to_owned();
        let mut conditions = vec![("StringNotEqualsIfExists", ours, json!(self.organization))];
        conditions.extend(not_from(&self.file.networks));
        conditions
    }

    /// Requests of these accounts alone.
    fn of(&self, accounts: &[&str]) -> Vec<Condition> {
        let these = values(accounts.iter().copied());
        let mut conditions = vec![("StringEquals", "aws:PrincipalAccount".to_owned(), these)];
        conditions.extend(self.outside());
        conditions
    }

    /// A statement for these accounts, or several where they are many.
    fn shared(
        &self,
        name: &str,
        accounts: &[&'f str],
        asked: &[Condition],
        callers: &dyn Fn(&[&str]) -> String,
    ) -> Vec<Denial> {
        let chunks = accounts.chunks(ACCOUNTS_TOGETHER).enumerate();
        let denial = |(index, accounts): (usize, &[&'f str])| {
            let mut conditions = self.of(accounts);
            conditions.extend(asked.iter().cloned());
            let part = if index == 0 {
                String::new()
            } else {
                format!("Part{}", index + 1)
            };
            Denial {
                sid: format!("{name}{part}"),
                actions: vec![ASSUME_ROLE],
                conditions,
                lists: "the vendors' accounts",
                callers: callers(accounts),
            }
        };
        chunks.map(denial).collect()
    }
}

pub(super) fn statements(
    scene: &Scene<'_>,
    precision: Precision,
    services: &[GuardedService],
    denials: &mut Vec<Denial>,
    notes: &mut Vec<String>,
) {
    let file = scene.file;
    let exempted = exempted(file, scene.now);
    let groups = groups(file, &scene.ours, &exempted, scene.now);
    let exempted = exempted
        .into_iter()
        .filter(|(_, checks)| checks.contains(&Check::UnknownThirdParty));
    let spared: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| group.accounts.iter().copied())
        .chain(exempted.map(|(account, _)| account))
        .chain(file.trusted_accounts.iter().map(String::as_str))
        .collect();
    denials.push(third_parties(scene, &spared));
    external_id_denials(scene, &groups, precision, denials);
    for (index, group) in groups.iter().enumerate() {
        denials.extend(principal_denial(scene, index, group, notes));
    }
    let mut ending = exemptions_that_end(scene, &groups);
    ending.extend(ends(scene, &groups, precision));
    if !services.is_empty() {
        denials.extend(of_services(scene, services, &spared));
        denials.extend(ending.iter().map(|denial| denial.at(services)));
    }
    denials.append(&mut ending);
    say_what_is_left(file, precision, services, notes);
}

fn say_what_is_left(
    file: &RulesFile,
    precision: Precision,
    services: &[GuardedService],
    notes: &mut Vec<String>,
) {
    let mut note = |is_so: bool, text: &str| notes.extend(is_so.then(|| text.to_owned()));
    note(
        precision == Precision::Coarse,
        "the external ids and days of all vendors do not fit: that a vendor's account has some \
         external id is asked, which one is left to the guard (wrong-external-id), and a vendor's \
         end counts from the end of its month (expired-access)",
    );
    note(
        file.vendors.iter().any(|vendor| !vendor.roles.is_empty()),
        "they do not limit which role a vendor may assume (role-not-registered), nor which of \
         its external ids belongs to which role: IAM compares a role's ARN with case and with \
         its path, and the rules name roles without",
    );
    note(
        !file.networks.is_empty(),
        "requests from the rules' networks are exempt, whoever sends them: a trust policy may \
         allow them",
    );
    note(
        !services.is_empty(),
        "what is public or shared with accounts that the rules do not name stops: objects that anybody \
         may read, and logs that load balancers of older regions write from an account of AWS; name that \
         account under trusted_accounts, or spare the resource by --exclude-tag",
    );
}

/// Whom no rule names, from outside the organization.
fn third_parties(scene: &Scene<'_>, spared: &BTreeSet<&str>) -> Denial {
    let but = match spared.len() {
        0 => String::new(),
        1 => ", but 1 that the rules name".to_owned(),
        many => format!(", but {many} that the rules name"),
    };
    Denial {
        sid: "Outsiders".to_owned(),
        actions: vec![ASSUME_ROLE],
        conditions: outsiders(scene, spared),
        lists: "the accounts that may assume roles",
        callers: format!("accounts outside {}{but}", scene.organization),
    }
}

/// AWS's services act by roles of this account, not from one of theirs.
fn outsiders(scene: &Scene<'_>, spared: &BTreeSet<&str>) -> Vec<Condition> {
    let mut conditions = scene.outside();
    if !spared.is_empty() {
        conditions.push((
            "StringNotEqualsIfExists",
            "aws:PrincipalAccount".to_owned(),
            values(spared.iter().copied()),
        ));
    }
    conditions.push((
        "BoolIfExists",
        "aws:PrincipalIsAWSService".to_owned(),
        json!("false"),
    ));
    conditions
}

/// The actions of these services, and their names.
fn of(services: &[GuardedService]) -> (Vec<&'static str>, String) {
    let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
    let actions = services.iter().map(|service| service.actions());
    (actions.collect(), names.join(", "))
}

impl Denial {
    /// The same at what other services keep.
    fn at(&self, services: &[GuardedService]) -> Self {
        let (actions, names) = of(services);
        Self {
            sid: format!("Resources{}", self.sid),
            actions,
            conditions: self.conditions.clone(),
            lists: self.lists,
            callers: format!("{}, at {names}", self.callers),
        }
    }
}

/// The same for what other services keep; and AWS's services, where they act for an account outside.
fn of_services(
    scene: &Scene<'_>,
    services: &[GuardedService],
    spared: &BTreeSet<&str>,
) -> [Denial; 2] {
    let (actions, names) = of(services);
    let mut deputies = vec![
        (
            "StringNotEqualsIfExists",
            "aws:SourceOrgID".to_owned(),
            json!(scene.organization),
        ),
        ("Null", "aws:SourceAccount".to_owned(), json!("false")),
        (
            "Bool",
            "aws:PrincipalIsAWSService".to_owned(),
            json!("true"),
        ),
    ];
    if !spared.is_empty() {
        let spared = values(spared.iter().copied());
        let key = "aws:SourceAccount".to_owned();
        deputies.push(("StringNotEqualsIfExists", key, spared));
    }
    let lists = "the accounts that may use resources";
    [
        Denial {
            sid: "Resources".to_owned(),
            actions: actions.clone(),
            conditions: outsiders(scene, spared),
            lists,
            callers: format!("the same accounts at {names}, and whoever is not signed in"),
        },
        Denial {
            sid: "ConfusedDeputies".to_owned(),
            actions,
            conditions: deputies,
            lists,
            callers: format!(
                "AWS's services at {names}, where they act for an account outside {} that the rules do \
                 not name",
                scene.organization
            ),
        },
    ]
}

/// Accounts that nothing but exemptions spares, from the end of the last of these on.
fn exemptions_that_end(scene: &Scene<'_>, groups: &[Group<'_>]) -> Vec<Denial> {
    let named = |account: &str| {
        scene.ours.contains(account) || groups.iter().any(|group| group.accounts.contains(&account))
    };
    let mut ends: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    let exemptions = scene.file.exemptions.iter();
    for exemption in exemptions.filter(|exemption| holds(exemption, scene.now)) {
        let unknown = exemption.check.parse() == Ok(Check::UnknownThirdParty);
        let account = exemption
            .account
            .as_deref()
            .filter(|account| unknown && !named(account));
        let Some(account) = account else { continue };
        let end = exemption.expires.as_deref().and_then(expiry);
        ends.entry(account)
            // One without an end holds for ever.
            .and_modify(|last| *last = last.zip(end).map(|(last, end)| last.max(end)))
            .or_insert(end);
    }
    let mut by_end: BTreeMap<Timestamp, Vec<&str>> = BTreeMap::new();
    for (account, end) in ends {
        if let Some(end) = end {
            by_end.entry(end).or_default().push(account);
        }
    }
    let ending = by_end.into_iter().enumerate();
    ending
        .flat_map(|(index, (end, accounts))| {
            let end = whole_second(end);
            scene.shared(
                &format!("ExemptUntil{}", index + 1),
                &accounts,
                &[from(&end)],
                &|accounts| format!("exempted accounts from {end} on: {}", listed(accounts)),
            )
        })
        .collect()
}

/// Vendors' accounts without an external id that the rules name; where any will do, all share one.
fn external_id_denials(
    scene: &Scene<'_>,
    groups: &[Group<'_>],
    precision: Precision,
    denials: &mut Vec<Denial>,
) {
    let mut any: Vec<&str> = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let may_lack = group.exempted.contains(&Check::MissingExternalId);
        let may_err = group.exempted.contains(&Check::WrongExternalId);
        match external_ids(&group.vendors) {
            Ids::OneOf(ids) if !may_err && precision == Precision::Exact => {
                // An id that is missing is unequal, too.
                let unequal = match ids.iter().any(|id| is_pattern(id)) {
                    true => "StringNotLike",
                    false => "StringNotEquals",
                };
                let count = ids.len();
                let mut conditions = scene.of(&group.accounts);
                conditions.push((unequal, "sts:ExternalId".to_owned(), values(ids)));
                if may_lack {
                    conditions.push(("Null", "sts:ExternalId".to_owned(), json!("false")));
                }
                let ids = match count {
                    1 => "the external id".to_owned(),
                    many => format!("one of the {many} external ids"),
                };
                denials.push(Denial {
                    sid: format!("ExternalId{}", index + 1),
                    actions: vec![ASSUME_ROLE],
                    conditions,
                    lists: "the external ids of one vendor",
                    callers: format!("{} without {ids} of its rule", group.names()),
                });
            }
            Ids::OneOf(_) | Ids::Any if !may_lack => any.extend(&group.accounts),
            _ => {}
        }
    }
    if !any.is_empty() {
        let missing = ("Null", "sts:ExternalId".to_owned(), json!("true"));
        denials.extend(scene.shared("ExternalIds", &any, &[missing], &|accounts| {
            format!(
                "vendors' accounts without any external id: {}",
                listed(accounts)
            )
        }));
    }
}

/// Vendors' accounts as another principal than their rules name.
fn principal_denial(
    scene: &Scene<'_>,
    index: usize,
    group: &Group<'_>,
    notes: &mut Vec<String>,
) -> Option<Denial> {
    let checks = [Check::BroadPrincipal, Check::UnknownThirdParty];
    let Principals { arns, ids } = principals(&group.vendors, notes)?;
    if checks.iter().any(|check| group.exempted.contains(check)) {
        return None;
    }
    let mut conditions = scene.of(&group.accounts);
    let told: Vec<&str> = arns.iter().chain(&ids).copied().collect();
    let callers = format!("{} as anybody but {}", group.names(), listed(&told));
    if !arns.is_empty() {
        conditions.push(("ArnNotEquals", "aws:PrincipalArn".to_owned(), values(arns)));
    }
    if !ids.is_empty() {
        let ids: Vec<String> = ids.iter().map(|id| format!("{id}*")).collect();
        let ids = values(ids.iter().map(String::as_str));
        conditions.push(("StringNotLike", "aws:userid".to_owned(), ids));
    }
    Some(Denial {
        sid: format!("Principal{}", index + 1),
        actions: vec![ASSUME_ROLE],
        conditions,
        lists: "the principals of one vendor",
        callers,
    })
}

/// Vendors from the end of their access on: those with one end share a statement.
fn ends(scene: &Scene<'_>, groups: &[Group<'_>], precision: Precision) -> Vec<Denial> {
    let mut by_end: BTreeMap<Timestamp, Vec<&str>> = BTreeMap::new();
    for group in groups
        .iter()
        .filter(|group| !group.exempted.contains(&Check::ExpiredAccess))
    {
        let end = last_day(&group.vendors).map(|end| match precision {
            Precision::Exact => end,
            Precision::Coarse => end_of_month(end),
        });
        if let Some(end) = end {
            by_end.entry(end).or_default().extend(&group.accounts);
        }
    }
    let ending = by_end.into_iter().enumerate();
    ending
        .flat_map(|(index, (end, accounts))| {
            let end = whole_second(end);
            scene.shared(
                &format!("Until{}", index + 1),
                &accounts,
                &[from(&end)],
                &|accounts| format!("vendors from {end} on: {}", listed(accounts)),
            )
        })
        .collect()
}

/// The first moment after the month of which this is the last: an end is the day after.
fn end_of_month(end: Timestamp) -> Timestamp {
    let day = end.to_zoned(TimeZone::UTC).date();
    let next = match day.day() {
        1 => Ok(day),
        _ => day.first_of_month().checked_add(1.month()),
    };
    let next = next.and_then(|day| day.to_zoned(TimeZone::UTC));
    next.map_or(end, |day| day.timestamp())
}

fn whole_second(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second())
        .unwrap_or(moment)
        .to_string()
}

/// From a moment on.
fn from(moment: &str) -> Condition {
    (
        "DateGreaterThanEquals",
        "aws:CurrentTime".to_owned(),
        json!(moment),
    )
}

/// Requests from the rules' networks are spared: by the public address, the VPC or the endpoint. The
/// address within a VPC (`aws:VpcSourceIp`) says nothing, since anybody's VPC may have it.
fn not_from(networks: &[NetworkEntry]) -> Vec<Condition> {
    let of = |prefix: &'static str| {
        let found = networks.iter().map(|entry| entry.network.as_str());
        found
            .filter(move |network| network.starts_with(prefix))
            .collect::<Vec<_>>()
    };
    let addresses: Vec<&str> = networks
        .iter()
        .map(|entry| entry.network.as_str())
        .filter(|network| !network.starts_with("vpc"))
        .collect();
    let lists = [
        ("NotIpAddressIfExists", "aws:SourceIp", addresses),
        ("StringNotEqualsIfExists", "aws:SourceVpc", of("vpc-")),
        ("StringNotEqualsIfExists", "aws:SourceVpce", of("vpce-")),
    ];
    lists
        .into_iter()
        .filter(|(_, _, found)| !found.is_empty())
        .map(|(operator, key, found)| (operator, key.to_owned(), values(found)))
        .collect()
}
