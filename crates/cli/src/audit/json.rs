//! The audit as JSON: `docs/audit.schema.json` describes it.

use std::collections::BTreeMap;
use std::io;

use guard::account::{LastUsed, Party, ProofKind, RuleOfParty, Way};
use guard::{Check, Severity};
use jiff::Timestamp;
use permissions::Scope;
use serde::{Serialize, Serializer};

use super::{Entry, Report};
use crate::Streams;
use crate::findings::{Found, JsonFinding, by_severity};

#[derive(Serialize)]
struct Json<'a> {
    findings: Each<'a, Found, JsonFinding<'a>>,
    access: Each<'a, Entry, JsonAccess<'a>>,
    summary: Summary<'a>,
}

/// A list of what is made of each when it is written: a large account costs no second copy.
struct Each<'a, T, J>(&'a [T], fn(&'a T) -> J);

impl<T, J: Serialize> Serialize for Each<'_, T, J> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

#[derive(Serialize)]
struct JsonAccess<'a> {
    third_party: &'a Party,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    account: &'a str,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    /// Classes of what every way in demands; none: nothing.
    must_prove: Vec<ProofKind>,
    ways: &'a [Way],
    can: Vec<JsonClass<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreadable_policies: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    last_used: &'a LastUsed,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a RuleOfParty>,
    allowed: bool,
    findings: Vec<Check>,
}

/// A class of actions of which a role may do something.
#[derive(Serialize)]
struct JsonClass<'a> {
    class: &'static str,
    actions: usize,
    example: &'a str,
    scope: &'static str,
    conditional: bool,
}

impl<'a> From<&'a permissions::Held> for JsonClass<'a> {
    fn from(held: &'a permissions::Held) -> Self {
        Self {
            class: held.class.code(),
            actions: held.count,
            example: &held.example,
            scope: match held.scope {
                Scope::Named => "named",
                Scope::Service => "service",
                Scope::Everything => "everything",
            },
            conditional: held.conditional,
        }
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    now: Timestamp,
    rules: &'a str,
    accounts: Vec<&'a str>,
    files: usize,
    roles: usize,
    approved: usize,
    unreadable_policies: usize,
    entered_from_outside: usize,
    users: usize,
    third_parties: usize,
    third_parties_without_rule: usize,
    findings: BTreeMap<Severity, usize>,
    unreadable_files: &'a [String],
}

fn access(entry: &Entry) -> JsonAccess<'_> {
    let access = &entry.access;
    let role = &access.role;
    let mut findings: Vec<Check> = access.findings.iter().map(|(_, code)| *code).collect();
    findings.dedup();
    JsonAccess {
        third_party: &access.party,
        name: access.name.as_deref(),
        account: &role.role.account,
        role: role.role.name.as_deref().unwrap_or_default(),
        arn: role.arn.as_deref(),
        must_prove: access.must_prove(),
        ways: &access.ways,
        can: entry
            .permitted
            .classes
            .iter()
            .map(JsonClass::from)
            .collect(),
        unreadable_policies: &entry.permitted.unreadable,
        created: role.created,
        last_used: &role.last_used,
        rule: access.rule.as_deref(),
        allowed: access.allowed,
        findings,
    }
}

/// Writes it, on one line.
pub(super) fn write(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let audited = &report.audited;
    let parties = audited.parties();
    let json = Json {
        findings: Each(&audited.found, JsonFinding::from),
        access: Each(&audited.entries, access),
        summary: Summary {
            now: report.now,
            rules: &report.rules_hash,
            accounts: audited.accounts.iter().map(String::as_str).collect(),
            files: report.files,
            roles: audited.counts.roles,
            approved: audited.counts.approved,
            unreadable_policies: audited.counts.unreadable,
            entered_from_outside: audited.entered_from_outside(),
            users: audited.counts.users,
            third_parties: parties.len(),
            third_parties_without_rule: parties.values().filter(|ruled| !**ruled).count(),
            findings: by_severity(&audited.found),
            unreadable_files: &report.unreadable_files,
        },
    };
    serde_json::to_writer(&mut *streams.out, &json)?;
    writeln!(streams.out)
}
