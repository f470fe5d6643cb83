//! `vendor drift`: how a third party's roles differ from the template that `vendor new` makes.

mod compare;
mod seen;

use std::collections::BTreeMap;
use std::io;

use guard::rules::{RoleEntry, Vendor};
use jiff::Timestamp;
use policy::glob::matches_ignoring_case;
use serde_json::{Value, json};

use self::compare::{Compared, Difference, PartOfRole, Wanted, compare};
use self::seen::{Account, Seen};
use super::access::Access;
use super::named::named;
use super::template::{TemplateError, template};
use crate::args::{AnswerFormat, VendorDriftArgs};
use crate::rules::load::read;
use crate::streams::counted;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// A template that roles cannot be compared with.
#[derive(Debug, thiserror::Error)]
enum DriftError {
    #[error("the rule of the vendor makes no template")]
    Rule(#[source] TemplateError),
    #[error("{} is no template that `vendor new` wrote", escaped(.0))]
    Template(String),
}

/// A role, and how it compares; by account and name.
type Roles = BTreeMap<(String, String), Compared>;

/// Runs `vendor drift`.
///
/// # Errors
///
/// Standard output does not take the differences.
pub(super) fn drift(arguments: &VendorDriftArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(rules) = read(&arguments.rules.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let Some(vendor) = streams.ok(named(&rules.file, &arguments.name)) else {
        return Ok(Status::Unreadable);
    };
    let written = match &arguments.template {
        None => None,
        Some(input) => {
            let text = streams.ok(input.read());
            let Some(roles) = text.and_then(|text| streams.ok(written(&text, &input.name())))
            else {
                return Ok(Status::Unreadable);
            };
            Some(roles)
        }
    };
    let wanted = |name: &str| entry_of(vendor, name).is_some();
    let account = Account::read(arguments, &wanted, streams);
    let mut roles = Roles::new();
    for seen in account.roles.values() {
        let wanted = wanted_of(vendor, seen, written.as_ref(), arguments);
        let Some(wanted) = streams.ok(wanted) else {
            return Ok(Status::Unreadable);
        };
        let compared = match wanted {
            Some(wanted) => compare(seen, &wanted, &account.policies, now),
            None => only("the template has no such role"),
        };
        roles.insert((seen.account.clone(), seen.name.clone()), compared);
    }
    for name in absent(vendor, written.as_ref(), &account) {
        roles.insert((String::new(), name), only("there is no such role"));
    }
    match arguments.format {
        AnswerFormat::Human => human(vendor, &roles, streams)?,
        AnswerFormat::Json => json_to(vendor, &roles, streams)?,
    }
    let differ = roles.values().any(|role| !role.differences.is_empty());
    let unread = roles.values().any(|role| role.unreadable);
    Ok(match (account.damaged || unread, differ) {
        (true, _) => Status::Unreadable,
        (false, true) => Status::Findings,
        (false, false) => Status::Done,
    })
}

fn only(what: &str) -> Compared {
    let difference = Difference {
        part: PartOfRole::Role,
        what: what.to_owned(),
    };
    Compared {
        differences: vec![difference],
        ..Compared::default()
    }
}

fn entry_of<'v>(vendor: &'v Vendor, role: &str) -> Option<&'v RoleEntry> {
    let mut entries = vendor.roles.iter();
    entries.find(|entry| matches_ignoring_case(&entry.name, role))
}

/// The roles of a template that was written before, by name in lower case.
fn written(text: &str, name: &str) -> Result<BTreeMap<String, Wanted>, DriftError> {
    let no_template = || DriftError::Template(name.to_owned());
    let template: Value = serde_json::from_str(text).map_err(|_| no_template())?;
    let resources = template.get("Resources").and_then(Value::as_object);
    let mut roles = BTreeMap::new();
    for properties in resources
        .into_iter()
        .flat_map(|resources| resources.values())
        .filter(|resource| resource.get("Type") == Some(&json!("AWS::IAM::Role")))
        .filter_map(|resource| resource.get("Properties"))
    {
        let name = properties.get("RoleName").and_then(Value::as_str);
        roles.insert(
            name.ok_or_else(no_template)?.to_lowercase(),
            Wanted::of(properties),
        );
    }
    if roles.is_empty() {
        return Err(no_template());
    }
    Ok(roles)
}

/// What the template says of a role; `None`: it has no such role.
fn wanted_of(
    vendor: &Vendor,
    seen: &Seen,
    written: Option<&BTreeMap<String, Wanted>>,
    arguments: &VendorDriftArgs,
) -> Result<Option<Wanted>, DriftError> {
    let mut wanted = match (written, entry_of(vendor, &seen.name)) {
        (Some(roles), _) => roles.get(&seen.name.to_lowercase()).cloned(),
        (None, None) => None,
        (None, Some(entry)) => {
            let access = Access::registered(vendor, entry, &seen.name);
            let (text, _) = template(&access).map_err(DriftError::Rule)?;
            let mut roles = self::written(&text, "the template")?.into_values();
            let policies = vendor.permissions.as_ref().map(|_| ());
            roles.next().map(|role| Wanted {
                policies: policies.and(role.policies),
                ..role
            })
        }
    };
    if let (Some(wanted), Some(seconds)) = (&mut wanted, arguments.session_duration) {
        wanted.session_seconds = seconds;
    }
    Ok(wanted)
}

/// Roles by name that the rule or the template has and the account has not.
fn absent(
    vendor: &Vendor,
    written: Option<&BTreeMap<String, Wanted>>,
    account: &Account,
) -> Vec<String> {
    // What was not read to its end may have it.
    if account.damaged {
        return Vec::new();
    }
    let there = |name: &str| {
        let mut names = account.roles.values().map(|role| &role.name);
        names.any(|own| matches_ignoring_case(name, own))
    };
    let by_rule = vendor.roles.iter().map(|entry| entry.name.clone());
    let by_template = written.into_iter().flat_map(|roles| roles.keys().cloned());
    let mut absent: Vec<String> = by_rule
        .chain(by_template)
        .filter(|name| !there(name))
        .collect();
    absent.sort();
    absent.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    absent
}

fn human(vendor: &Vendor, roles: &Roles, streams: &mut Streams<'_>) -> io::Result<()> {
    for ((account, name), role) in roles {
        let differences = counted(role.differences.len(), "difference", "differences");
        let place = if account.is_empty() { "" } else { " in " };
        writeln!(
            streams.out,
            "role/{}{place}{}: {}",
            escaped(name),
            escaped(account),
            if role.differences.is_empty() {
                "as the template says"
            } else {
                &differences
            }
        )?;
        for difference in &role.differences {
            let part = difference.part.words();
            writeln!(streams.out, "  {part}: {}", escaped(&difference.what))?;
        }
        for unknown in &role.not_known {
            let part = unknown.part.words();
            writeln!(
                streams.out,
                "  {part}: not known: {}",
                escaped(&unknown.what)
            )?;
        }
    }
    let drifted = roles
        .values()
        .filter(|role| !role.differences.is_empty())
        .count();
    let all = counted(roles.len(), "role", "roles");
    writeln!(
        streams.out,
        "{}: {all}, {drifted} other than the template says",
        escaped(&vendor.name)
    )
}

fn json_to(vendor: &Vendor, roles: &Roles, streams: &mut Streams<'_>) -> io::Result<()> {
    let shown = roles.iter().map(|((account, name), role)| {
        json!({
            "role": name,
            "account": Some(account).filter(|account| !account.is_empty()),
            "differences": role.differences,
            "not_known": role.not_known,
        })
    });
    let drifted = roles
        .values()
        .filter(|role| !role.differences.is_empty())
        .count();
    let answer = json!({
        "vendor": vendor.name,
        "roles": shown.collect::<Vec<_>>(),
        "summary": { "roles": roles.len(), "drifted": drifted },
    });
    serde_json::to_writer_pretty(&mut *streams.out, &answer)?;
    writeln!(streams.out)
}
