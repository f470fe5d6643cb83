//! `vendor review`: everything about one third party on one page, for the yearly review.

use std::collections::BTreeSet;
use std::io;

use guard::account::{LastUsed, RuleOfParty};
use guard::rules::{Vendor, expiry};
use jiff::Timestamp;
use policy::glob::matches_ignoring_case;

use super::named::named;
use super::page::{Part, markdown, text};
use crate::args::{AuditArgs, AuditFormat, PageFormat, RulesArg, SelectArgs, VendorReviewArgs};
use crate::audit::{Entry, Report, collect_by, credential_report};
use crate::findings::Found;
use crate::input::Input;
use crate::rules::load::{Read, read};
use crate::{Status, Streams};

/// Runs `vendor review`.
///
/// # Errors
///
/// Standard output does not take the page.
pub(super) fn review(
    arguments: &VendorReviewArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(rules) = read(&arguments.rules.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let reviewed: Vec<&Vendor> = match &arguments.name {
        None => rules.file.vendors.iter().collect(),
        Some(name) => match streams.ok(named(&rules.file, name)) {
            Some(vendor) => vec![vendor],
            None => return Ok(Status::Unreadable),
        },
    };
    if reviewed.is_empty() {
        streams.remark("the rules name no vendor: there is nothing to review");
    }
    let audit = AuditArgs {
        credential_report: arguments.credential_report.clone(),
        last_accessed: arguments.last_accessed.clone(),
        ..audit_of(
            arguments.rules.clone(),
            arguments.authorization_details.clone(),
            now,
        )
    };
    let Some(judging) = rules.rules(streams) else {
        return Ok(Status::Unreadable);
    };
    let report = collect_by(&judging, &audit, now, streams);
    let mut parts = Vec::new();
    for vendor in reviewed {
        let entries = entries_of(vendor, &report);
        parts.extend(about(vendor, now));
        parts.extend(roles(vendor, &entries));
        parts.extend(keys(vendor, arguments));
        parts.extend(findings(vendor, &entries, &report));
    }
    match arguments.format {
        PageFormat::Text => text(&parts, &mut *streams.out)?,
        PageFormat::Markdown => markdown(&parts, &mut *streams.out)?,
    }
    let whole = report.unreadable_files.is_empty() && report.audited.counts.unreadable == 0;
    Ok(if whole {
        Status::Done
    } else {
        Status::Unreadable
    })
}

/// An audit of these exports, with nothing left out.
pub(super) fn audit_of(rules: RulesArg, exports: Vec<Input>, now: Timestamp) -> AuditArgs {
    AuditArgs {
        rules,
        authorization_details: exports,
        credential_report: Vec::new(),
        last_accessed: Vec::new(),
        #[cfg(feature = "live")]
        live: false,
        #[cfg(feature = "live")]
        profile: None,
        now: Some(now),
        format: vec![AuditFormat::Human],
        output: Vec::new(),
        region: None,
        select: SelectArgs::default(),
        fail_on: guard::Severity::High,
    }
}

/// The roles that a vendor can assume by these exports; `None`, and the reason printed, where they
/// cannot all be read.
pub(super) fn roles_of(
    vendor: &Vendor,
    rules: &Read,
    audit: &AuditArgs,
    now: Timestamp,
    streams: &mut Streams<'_>,
) -> Option<Vec<String>> {
    let report = collect_by(&rules.rules(streams)?, audit, now, streams);
    if !report.unreadable_files.is_empty() || report.audited.counts.unreadable > 0 {
        streams.error("not every role could be read");
        return None;
    }
    let entries = entries_of(vendor, &report);
    let roles = entries.iter().map(|entry| {
        let role = &entry.access.role.role;
        let name = role.name.clone().unwrap_or_default();
        format!("role {name} in {}", role.account)
    });
    Some(roles.collect())
}

fn entries_of<'r>(vendor: &Vendor, report: &'r Report) -> Vec<&'r Entry> {
    let entries = report.audited.entries.iter();
    entries.filter(|entry| is_of(vendor, entry)).collect()
}

fn about(vendor: &Vendor, now: Timestamp) -> Vec<Part> {
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    let mut expires = or(&vendor.expires, "never");
    let end = vendor.expires.as_deref().and_then(expiry);
    if end.is_some_and(|end| end <= now) {
        expires.push_str(": this is over");
    }
    let ids = vendor.external_ids().len();
    let id = match (vendor.external_id.required, ids) {
        (_, 1) => "one is named".to_owned(),
        (_, 2..) => format!("{ids} are named"),
        (true, _) => "required, and any value is accepted".to_owned(),
        (false, _) => "not required".to_owned(),
    };
    let owner = match vendor.external_id.owner {
        Some(guard::rules::ExternalIdOwner::Vendor) => ", made by the vendor",
        Some(guard::rules::ExternalIdOwner::Us) => ", made by us",
        None => "",
    };
    let ceiling = vendor.permissions.as_ref().map_or_else(
        || "none".to_owned(),
        |permissions| permissions.allow.join(", "),
    );
    let mut fields = vec![
        ("accounts", vendor.accounts.join(", ")),
        ("owner", or(&vendor.owner, "nobody is named")),
        ("ticket", or(&vendor.ticket, "none")),
        ("expires", expires),
        ("external id", format!("{id}{owner}")),
        ("ceiling", ceiling),
    ];
    if !vendor.principals.is_empty() {
        fields.insert(1, ("principals", vendor.principals.join(", ")));
    }
    vec![
        Part::Title(format!(
            "{}, reviewed {}",
            vendor.name,
            now.strftime("%Y-%m-%d")
        )),
        Part::Heading("By the rules".to_owned()),
        Part::Fields(fields),
    ]
}

fn is_of(vendor: &Vendor, entry: &Entry) -> bool {
    let by_rule = matches!(entry.access.rule.as_deref(),
        Some(RuleOfParty::Vendor { name, .. }) if *name == vendor.name);
    let account = match &entry.access.party {
        guard::account::Party::Account { account } => Some(account),
        _ => None,
    };
    by_rule || account.is_some_and(|account| vendor.accounts.contains(account))
}

fn roles(vendor: &Vendor, entries: &[&Entry]) -> Vec<Part> {
    let mut parts = Vec::new();
    for entry in entries {
        let access = &entry.access;
        let role = &access.role;
        let name = role.role.name.clone().unwrap_or_default();
        let proofs: Vec<&str> = access
            .must_prove()
            .into_iter()
            .map(|kind| kind.words())
            .collect();
        let used = match &role.last_used {
            LastUsed::Unknown => "not known".to_owned(),
            LastUsed::Never => "never, in the 400 days that IAM looks back".to_owned(),
            LastUsed::At { when, .. } => when.strftime("%Y-%m-%d").to_string(),
        };
        let classes: Vec<String> = entry
            .permitted
            .telling()
            .map(|held| {
                format!(
                    "{} ({}, as {})",
                    held.class.words(),
                    held.count,
                    held.example
                )
            })
            .collect();
        let mut can = classes.join("; ");
        if !entry.permitted.unreadable.is_empty() {
            let unreadable = entry.permitted.unreadable.join(", ");
            let begin = if can.is_empty() { "" } else { "; " };
            can.push_str(&format!(
                "{begin}not known, by these policies: {unreadable}"
            ));
        }
        let ways: Vec<&str> = access
            .ways
            .iter()
            .map(|way| way.principal.as_str())
            .collect();
        parts.push(Part::Heading(format!(
            "Role {name} in {}",
            role.role.account
        )));
        parts.push(Part::Fields(vec![
            ("assumes", ways.join(", ")),
            ("must prove", or_none(&proofs.join(", "), "nothing")),
            (
                "by the rules",
                if access.allowed {
                    "allowed"
                } else {
                    "not allowed"
                }
                .to_owned(),
            ),
            ("can do", or_none(&can, "nothing")),
            ("last used", used),
        ]));
    }
    let absent = absent(vendor, entries);
    if entries.is_empty() || !absent.is_empty() {
        parts.push(Part::Heading("Roles it cannot assume".to_owned()));
        let nothing = vec!["it can assume no role of these accounts".to_owned()];
        parts.push(Part::List(if absent.is_empty() { nothing } else { absent }));
    }
    parts
}

/// The roles that the rules name and that are not there.
fn absent(vendor: &Vendor, entries: &[&Entry]) -> Vec<String> {
    vendor
        .roles
        .iter()
        .filter(|role| {
            let is = |entry: &&Entry| {
                let name = entry.access.role.role.name.as_deref();
                name.is_some_and(|name| matches_ignoring_case(&role.name, name))
            };
            !entries.iter().any(is)
        })
        .map(|role| {
            format!(
                "{}: the rules name it, and the vendor can assume no such role",
                role.name
            )
        })
        .collect()
}

fn or_none(text: &str, none: &str) -> String {
    if text.is_empty() { none } else { text }.to_owned()
}

/// The access keys of the users that the rules name for it.
fn keys(vendor: &Vendor, arguments: &VendorReviewArgs) -> Vec<Part> {
    if vendor.users.is_empty() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let day = |moment: Option<Timestamp>, none: &str| {
        moment.map_or_else(|| none.to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    for input in &arguments.credential_report {
        // What is wrong with a report was said when it was audited.
        let Ok(text) = input.read() else { continue };
        let ended = credential_report::read(&text, &mut |row| {
            let Ok((found, _)) = row else { return };
            let Some(user) = &found.user else { return };
            if vendor
                .users
                .iter()
                .any(|named| matches_ignoring_case(named, user))
            {
                lines.extend(found.keys.iter().map(|key| {
                    format!(
                        "user {user} in {}: key {}, {}, made {}, last used {}",
                        found.account,
                        key.number,
                        if key.active { "active" } else { "inactive" },
                        day(key.rotated, "at a time that is not known"),
                        day(key.last_used, "never")
                    )
                }));
            }
        });
        drop(ended);
    }
    if lines.is_empty() {
        let users = vendor.users.join(", ");
        lines.push(if arguments.credential_report.is_empty() {
            format!("users {users}: no credential report was given")
        } else {
            format!("users {users}: no access key")
        });
    }
    vec![Part::Heading("Access keys".to_owned()), Part::List(lines)]
}

fn findings(vendor: &Vendor, entries: &[&Entry], report: &Report) -> Vec<Part> {
    let roles: BTreeSet<(&str, String)> = entries
        .iter()
        .map(|entry| {
            let role = &entry.access.role;
            (role.role.account.as_str(), role.subject())
        })
        .collect();
    let is_user = |subject: &str| {
        let user = subject.strip_prefix("user/");
        let named = |user: &str| {
            vendor
                .users
                .iter()
                .any(|one| matches_ignoring_case(one, user))
        };
        user.is_some_and(named)
    };
    let about = |found: &&Found| {
        let finding = &found.finding;
        let role = (
            found.about.account.as_deref().unwrap_or_default(),
            found.about.subject.to_string(),
        );
        match (&finding.vendor, &finding.third_party) {
            (Some(name), _) => *name == vendor.name,
            (None, Some(account)) => vendor.accounts.contains(account),
            (None, None) => roles.contains(&role) || is_user(&found.about.subject),
        }
    };
    let lines: Vec<String> = report
        .audited
        .found
        .iter()
        .filter(about)
        .map(|found| {
            let finding = &found.finding;
            let (code, subject) = (finding.code.code(), &found.about.subject);
            let mut line = format!(
                "{} {code}, {subject}: {}",
                finding.severity, finding.message
            );
            if finding.ways.len() > 1 {
                line.push_str(&format!(" ({})", finding.ways.join(", ")));
            }
            line
        })
        .collect();
    let none = vec!["none".to_owned()];
    vec![
        Part::Heading("Findings".to_owned()),
        Part::List(if lines.is_empty() { none } else { lines }),
    ]
}
