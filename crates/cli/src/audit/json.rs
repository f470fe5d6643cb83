//! The audit as JSON: `docs/audit.schema.json` describes it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use guard::account::{LastUsed, Party, ProofKind, RuleOfParty, Way};
use guard::{Check, Severity};
use jiff::Timestamp;
use permissions::Scope;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::audited::Entry;
use super::permitted::Permitted;
use super::report::Report;
use crate::Streams;
use crate::findings::{JsonFinding, by_severity};
use crate::streams::Gathered;

/// A value, or the JSON that it shares with others.
enum Said<J> {
    Alone(J),
    Shared(Rc<RawValue>),
}

impl<J: Serialize> Serialize for Said<J> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Alone(value) => value.serialize(serializer),
            Self::Shared(json) => json.serialize(serializer),
        }
    }
}

/// The JSON of values that several entries share, made once; by where they lie, as long as they do.
struct Known<'a, T: ?Sized> {
    known: HashMap<*const (), Rc<RawValue>>,
    _values: PhantomData<&'a T>,
}

impl<'a, T: ?Sized> Known<'a, T> {
    fn new() -> Self {
        Self {
            known: HashMap::new(),
            _values: PhantomData,
        }
    }

    /// The JSON of `make`, which is to make the same of the same value.
    fn of<J: Serialize>(
        &mut self,
        value: &'a Arc<T>,
        make: impl FnOnce(&'a T) -> J,
    ) -> serde_json::Result<Said<J>> {
        if Arc::strong_count(value) == 1 {
            return Ok(Said::Alone(make(value)));
        }
        let key = Arc::as_ptr(value).cast::<()>();
        if let Some(known) = self.known.get(&key) {
            return Ok(Said::Shared(Rc::clone(known)));
        }
        let made: Rc<RawValue> = to_raw_value(&make(value))?.into();
        self.known.insert(key, Rc::clone(&made));
        Ok(Said::Shared(made))
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
    ways: Said<&'a [Way]>,
    can: Said<Vec<JsonClass<'a>>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unreadable_policies: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    last_used: &'a LastUsed,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Said<&'a RuleOfParty>>,
    allowed: bool,
    findings: Vec<Check>,
}

/// A class of actions, some of which a role may do.
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

/// Values that entries share: roles of one kind have the same ways in, the same permissions,
/// the same rule.
struct Common<'a> {
    ways: Known<'a, [Way]>,
    permitted: Known<'a, Permitted>,
    rules: Known<'a, RuleOfParty>,
}

impl<'a> Common<'a> {
    fn access(&mut self, entry: &'a Entry) -> serde_json::Result<JsonAccess<'a>> {
        let access = &entry.access;
        let role = &access.role;
        let mut findings: Vec<Check> = access.findings.iter().map(|(_, code)| *code).collect();
        findings.dedup();
        let classes = |permitted: &'a Permitted| -> Vec<JsonClass<'a>> {
            permitted.classes.iter().map(JsonClass::from).collect()
        };
        Ok(JsonAccess {
            third_party: &access.party,
            name: access.name.as_deref(),
            account: &role.role.account,
            role: role.role.name.as_deref().unwrap_or_default(),
            arn: role.arn.as_deref(),
            must_prove: access.must_prove(),
            ways: self.ways.of(&access.ways, |ways| ways)?,
            can: self.permitted.of(&entry.permitted, classes)?,
            unreadable_policies: &entry.permitted.unreadable,
            created: role.created,
            last_used: &role.last_used,
            rule: match &access.rule {
                Some(rule) => Some(self.rules.of(rule, |rule| rule)?),
                None => None,
            },
            allowed: access.allowed,
            findings,
        })
    }
}

/// Writes it, on one line. Findings and entries one by one: a large account costs no second copy.
pub(super) fn write(report: &Report, streams: &mut Streams<'_>) -> io::Result<()> {
    let audited = &report.audited;
    let parties = audited.parties();
    let summary = Summary {
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
    };
    let mut out = Gathered::new(streams.out);
    let mut before = "{\"findings\":[";
    for found in &audited.found {
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut out, &JsonFinding::from(found))?;
        before = ",";
    }
    if audited.found.is_empty() {
        out.write_all(before.as_bytes())?;
    }
    let mut before = "],\"access\":[";
    let mut common = Common {
        ways: Known::new(),
        permitted: Known::new(),
        rules: Known::new(),
    };
    for entry in &audited.entries {
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut out, &common.access(entry)?)?;
        before = ",";
    }
    if audited.entries.is_empty() {
        out.write_all(before.as_bytes())?;
    }
    out.write_all(b"],\"summary\":")?;
    serde_json::to_writer(&mut out, &summary)?;
    out.write_all(b"}\n")?;
    out.flush()
}
