//! The compiled rules, as the functions load them.
//!
//! The file is one JSON document, laid out so that most of it need not be parsed:
//!
//! ```text
//! {"schema":1,"hash":"…","sum":"…","length":N,
//! "head":{…},
//! "table":{
//! "account/464622532012":{…},
//! "user/datadog":{…}
//! }}
//! ```
//!
//! The head holds what is few. The table holds one line for each account and user, sorted by its
//! key in bytes: it is searched where it lies, and only the line that is hit is parsed. `length`
//! and `sum` cover everything after the first line and are checked when it is loaded, so a
//! damaged file is refused; `hash` is the SHA-256 of the same bytes and names these rules in
//! alerts and orders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use policy::glob::{matches, matches_ignoring_case};
use policy::providers::Provider;
use serde::{Deserialize, Serialize};

use super::entry::RoleEntry;
use super::file::{
    AccessKeys, CheckSetting, ExternalIdRule, IdentityProvider, Mode, Operators,
    PermissionSettings, Permissions, Remediation, RootSettings,
};
use super::names::arn_parts;
use super::ours::about;
use super::sum::quick_sum;
use super::users::{UserEntry, UserPattern};
use crate::check::{Check, ExemptionOf, Finding, Severity};
use crate::model::RoleRef;

/// The version of the compiled form that is written.
pub(super) const SCHEMA: u32 = 1;

/// The access rules, ready to be asked.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) hash: String,
    pub(super) head: Head,
    pub(super) bytes: Vec<u8>,
    pub(super) table: std::ops::Range<usize>,
    accounts: Opened,
    unique_ids: Opened,
    exempting: Exempting,
}

/// Which exemptions have accepted something, by their order.
#[derive(Debug, Default)]
struct Exempting(Vec<AtomicBool>);

impl Exempting {
    fn none(exemptions: usize) -> Self {
        Self((0..exemptions).map(|_| AtomicBool::new(false)).collect())
    }
}

impl Clone for Exempting {
    fn clone(&self) -> Self {
        Self::none(self.0.len())
    }
}

/// So many lines of the table are remembered.
const MOST_OPENED: usize = 4096;

/// What the table says of the accounts or ids that were asked for: an audit asks for the same few
/// thousands of times, and a line takes as long to parse as a document to judge.
#[derive(Debug, Default)]
struct Opened(Mutex<HashMap<Box<str>, Arc<AccountEntry>>>);

impl Opened {
    fn get(&self, name: &str, read: impl FnOnce() -> AccountEntry) -> Arc<AccountEntry> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = opened.get(name) {
            return Arc::clone(entry);
        }
        if opened.len() >= MOST_OPENED {
            opened.clear();
        }
        let entry = Arc::new(read());
        opened.insert(name.into(), Arc::clone(&entry));
        entry
    }
}

impl Clone for Opened {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Compiled rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not what `trustwarden rules compile` writes, or cut off.
    #[error("the compiled rules are damaged: {0}")]
    Damaged(&'static str),
    /// A part of them is not the JSON it should be.
    #[error("the compiled rules are damaged: {part} cannot be read")]
    Unreadable {
        /// Which part.
        part: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// Written by another version of the product.
    #[error(
        "the compiled rules have schema {found}, and this version reads schema {SCHEMA}: compile them again"
    )]
    Schema {
        /// The schema they have.
        found: u32,
    },
}

/// What the rules say about one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountEntry {
    /// It is ours, by this name (which may be empty).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// The vendors that come from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendors: Vec<CompiledVendor>,
}

/// A registered third party, ready to be compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompiledVendor {
    /// Its name.
    pub name: String,
    /// Which of our roles may trust it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
    /// Which of our accounts it may have access to; none: each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts_of_ours: Option<Vec<String>>,
    /// ARNs of the principals it comes as; none: its whole account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<String>,
    /// What it must say as external id.
    pub external_id: ExternalIdRule,
    /// Those of its external ids that another vendor has, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_external_ids: Vec<String>,
    /// The most that its roles may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Who answers for it on our side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// From this moment on it may not enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Its own mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}

impl CompiledVendor {
    /// The rule is about this account of ours.
    pub(crate) fn is_about(&self, account: &str) -> bool {
        about(self.accounts_of_ours.as_deref(), account)
    }

    /// The rule names the root of an account, and so the whole of it, among its principals.
    pub(crate) fn names_root_of(&self, account: &str) -> bool {
        self.principals.iter().any(|named| {
            arn_parts(named).is_some_and(|(_, of, resource)| of == account && resource == "root")
        })
    }
}

/// An exemption, ready to be compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompiledExemption {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accounts_of_ours: Option<Vec<String>>,
    pub(crate) check: Check,
    pub(crate) reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<Timestamp>,
}

/// The part of the rules that is small however many vendors there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) mode: Mode,
    pub(super) organization: Option<String>,
    pub(super) identity_providers: Vec<IdentityProvider>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shared_providers: Vec<Provider>,
    pub(super) networks: Vec<String>,
    pub(super) access_keys: AccessKeys,
    #[serde(default, skip_serializing_if = "PermissionSettings::is_default")]
    pub(super) permissions: PermissionSettings,
    pub(super) root: RootSettings,
    pub(super) remediation: Remediation,
    #[serde(default, skip_serializing_if = "Operators::is_nobody")]
    pub(super) operators: Operators,
    pub(super) checks: BTreeMap<Check, CheckSetting>,
    pub(super) exemptions: Vec<CompiledExemption>,
    pub(super) user_patterns: Vec<UserPattern>,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Label {
    pub(super) schema: u32,
    pub(super) hash: String,
    pub(super) sum: String,
    pub(super) length: usize,
}

pub(super) const HEAD: &[u8] = b"\"head\":";
pub(super) const TABLE: &[u8] = b"\"table\":{\n";
pub(super) const END: &[u8] = b"}}\n";

impl Rules {
    /// Takes up compiled rules.
    ///
    /// # Errors
    /// If they are not what [`super::compile`] wrote, byte for byte.
    pub fn load(bytes: Vec<u8>) -> Result<Self, RulesError> {
        let newline = |from: &[u8]| from.iter().position(|&byte| byte == b'\n');
        let (label, body) = newline(&bytes)
            .and_then(|end| bytes.split_at_checked(end + 1))
            .ok_or(RulesError::Damaged("there is no first line"))?;
        let mut first = label.strip_suffix(b",\n").unwrap_or(label).to_vec();
        first.push(b'}');
        let label: Label =
            serde_json::from_slice(&first).map_err(|source| RulesError::Unreadable {
                part: "the first line",
                source,
            })?;
        if label.schema != SCHEMA {
            return Err(RulesError::Schema {
                found: label.schema,
            });
        }
        if label.length != body.len() {
            return Err(RulesError::Damaged("they are not as long as they say"));
        }
        if label.sum != format!("{:016x}", quick_sum(body)) {
            return Err(RulesError::Damaged("their sum is wrong"));
        }
        let misplaced = || RulesError::Damaged("a part is missing or in the wrong place");
        let (head, rest) = body
            .strip_prefix(HEAD)
            .and_then(|rest| rest.split_at_checked(newline(rest)? + 1))
            .ok_or_else(misplaced)?;
        let head: Head = serde_json::from_slice(head.strip_suffix(b",\n").unwrap_or(head))
            .map_err(|source| RulesError::Unreadable {
                part: "the head",
                source,
            })?;
        let table = rest
            .strip_prefix(TABLE)
            .and_then(|rest| rest.strip_suffix(END));
        let length = table.ok_or_else(misplaced)?.len();
        let start = bytes.len() - END.len() - length;
        let exemptions = head.exemptions.len();
        Ok(Self {
            hash: label.hash,
            head,
            table: start..start + length,
            bytes,
            accounts: Opened::default(),
            unique_ids: Opened::default(),
            exempting: Exempting::none(exemptions),
        })
    }

    /// SHA-256 of the rules' content, as 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the rules want done about violations; the stack's own mode is a ceiling above it.
    pub fn mode(&self) -> Mode {
        self.head.mode
    }

    /// How roles are remediated.
    pub fn remediation(&self) -> &Remediation {
        &self.head.remediation
    }

    /// Who may do what with incidents.
    pub fn operators(&self) -> &Operators {
        &self.head.operators
    }

    /// Who may have access keys.
    pub fn access_keys(&self) -> &AccessKeys {
        &self.head.access_keys
    }

    /// What is done when a third party's role or user is given too much.
    pub fn permissions(&self) -> &PermissionSettings {
        &self.head.permissions
    }

    /// How bad it is when the root user is used.
    pub fn root(&self) -> &RootSettings {
        &self.head.root
    }

    /// The own organization's id.
    pub fn organization(&self) -> Option<&str> {
        self.head.organization.as_deref()
    }

    /// The identity providers that may open roles.
    pub fn identity_providers(&self) -> &[IdentityProvider] {
        &self.head.identity_providers
    }

    /// What the rules know of issuers that serve many tenants, for the analyzer.
    pub fn shared_providers(&self) -> &[Provider] {
        &self.head.shared_providers
    }

    /// The networks that may stand for an account.
    pub fn networks(&self) -> &[String] {
        &self.head.networks
    }

    /// How bad a check's findings are under these rules.
    pub fn severity(&self, check: Check) -> Severity {
        let root = &self.head.root;
        let set = self
            .head
            .checks
            .get(&check)
            .and_then(|setting| setting.severity);
        set.unwrap_or(match check {
            Check::RootSignIn => root.sign_in,
            Check::RootActivity => root.api_call,
            Check::RootSignInFailed => root.failed_sign_in,
            check => check.default_severity(),
        })
    }

    /// A check's own mode, where the rules set one.
    pub fn check_mode(&self, check: Check) -> Option<Mode> {
        self.head
            .checks
            .get(&check)
            .and_then(|setting| setting.mode)
    }

    /// The reason why a violation by an outside account is accepted now, if it is.
    pub fn exemption(
        &self,
        role: &RoleRef,
        account: &str,
        check: Check,
        now: Timestamp,
    ) -> Option<&str> {
        let name = role.name.as_deref().unwrap_or_default();
        self.exempted(check, ExemptionOf::RoleAndAccount, now, |exemption| {
            exemption.account.as_deref() == Some(account)
                && fits(&exemption.role, name)
                && about(exemption.accounts_of_ours.as_deref(), &role.account)
        })
    }

    /// A finding about a role is accepted now, whoever can assume it.
    pub fn exempts_role(&self, role: &str, check: Check, now: Timestamp) -> bool {
        let of_role = |exemption: &CompiledExemption| fits(&exemption.role, role);
        self.exempted(check, ExemptionOf::Role, now, of_role)
            .is_some()
    }

    /// That a resource of `own` is shared with an account, or with everyone (`*`), is accepted now.
    pub fn exempts_resource(
        &self,
        own: &str,
        (arn, account): (&str, &str),
        check: Check,
        now: Timestamp,
    ) -> bool {
        let of_resource = |exemption: &CompiledExemption| {
            exemption.account.as_deref() == Some(account)
                && about(exemption.accounts_of_ours.as_deref(), own)
                && exemption
                    .resource
                    .as_deref()
                    .is_some_and(|pattern| matches(pattern, arn))
        };
        self.exempted(check, ExemptionOf::ResourceAndAccount, now, of_resource)
            .is_some()
    }

    /// A finding about a user is accepted now.
    pub fn exempts_user(&self, user: &str, check: Check, now: Timestamp) -> bool {
        let of_user = |exemption: &CompiledExemption| fits(&exemption.user, user);
        self.exempted(check, ExemptionOf::User, now, of_user)
            .is_some()
    }

    fn exempted(
        &self,
        check: Check,
        of: ExemptionOf,
        now: Timestamp,
        covers: impl Fn(&CompiledExemption) -> bool,
    ) -> Option<&str> {
        if check.exemption() != Some(of) {
            return None;
        }
        let mut exemptions = self.head.exemptions.iter().enumerate();
        let (index, exemption) = exemptions.find(|(_, exemption)| {
            exemption.check == check
                && exemption.expires.is_none_or(|end| now < end)
                && covers(exemption)
        })?;
        if let Some(used) = self.exempting.0.get(index) {
            used.store(true, Ordering::Relaxed);
        }
        Some(&exemption.reason)
    }

    /// The exemptions that have accepted nothing since these rules were loaded. What a resource is
    /// shared with, only events tell.
    pub(crate) fn unused_exemptions(&self) -> impl Iterator<Item = &CompiledExemption> {
        let exemptions = self.head.exemptions.iter().zip(&self.exempting.0);
        exemptions
            .filter(|(one, used)| !used.load(Ordering::Relaxed) && one.resource.is_none())
            .map(|(exemption, _)| exemption)
    }

    /// The role is one that is never written.
    pub fn protects(&self, role: &RoleRef) -> bool {
        self.head
            .remediation
            .protected_roles
            .iter()
            .any(|arn| role.is(arn))
    }

    /// What may be done about a finding, as far as the rules go: the mode, lowered by the
    /// check's and the vendor's own. The stack's mode is a ceiling above it.
    pub fn mode_for(&self, finding: &Finding) -> Mode {
        match self.lowers(finding) {
            true => Mode::Alert,
            false => self.mode(),
        }
    }

    /// The check's or the vendor's own mode lowers a finding to an alert, whatever the mode is.
    pub fn lowers(&self, finding: &Finding) -> bool {
        let of_vendor = finding
            .vendor
            .as_deref()
            .zip(finding.third_party.as_deref());
        let of_vendor = of_vendor.and_then(|(name, account)| {
            let entry = self.account(account);
            let mut vendors = entry.vendors.iter();
            vendors.find(|vendor| vendor.name == name)?.mode
        });
        [self.check_mode(finding.code), of_vendor].contains(&Some(Mode::Alert))
    }

    /// What the rules say about an account; nothing is said about most.
    pub fn account(&self, account: &str) -> Arc<AccountEntry> {
        self.accounts
            .get(account, || self.entry(&format!("account/{account}")))
    }

    /// The vendors that come as the principal with a unique id (`AROA…`, `AIDA…`).
    pub fn unique_id(&self, id: &str) -> Arc<AccountEntry> {
        self.unique_ids.get(id, || self.entry(&format!("id/{id}")))
    }

    fn entry(&self, key: &str) -> AccountEntry {
        let line = self.line(key);
        line.and_then(|line| serde_json::from_slice(line).ok())
            .unwrap_or_default()
    }

    /// The names of the vendors whose rules are about one of these accounts of ours, sorted. Reads
    /// the whole table, as nothing that judges an event should.
    pub fn vendor_names(&self, accounts: &BTreeSet<String>) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut elsewhere = BTreeSet::new();
        let table = self.bytes.get(self.table.clone()).unwrap_or_default();
        for line in table.split(|&byte| byte == b'\n') {
            let Some((key, value)) = key_and_value(line) else {
                continue;
            };
            if key.starts_with(b"user/") {
                let entry = serde_json::from_slice::<UserEntry>(value);
                names.extend(entry.unwrap_or_default().vendors);
            } else {
                let entry = serde_json::from_slice::<AccountEntry>(value);
                for vendor in entry.unwrap_or_default().vendors {
                    if !accounts.iter().any(|account| vendor.is_about(account)) {
                        elsewhere.insert(vendor.name.clone());
                    }
                    names.insert(vendor.name);
                }
            }
        }
        let by_pattern = self.head.user_patterns.iter();
        names.extend(by_pattern.map(|pattern| pattern.vendor.clone()));
        &names - &elsewhere
    }

    /// The value on the table's line with this key.
    pub(super) fn line(&self, key: &str) -> Option<&[u8]> {
        let table = self.bytes.get(self.table.clone())?;
        let key = key.as_bytes();
        let (mut low, mut high) = (0, table.len());
        while low < high {
            // Any place within a line will do: the line begins after the newline before it.
            let middle = low + (high - low) / 2;
            let start = table
                .get(low..middle)?
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(low, |newline| low + newline + 1);
            let length = table
                .get(start..high)?
                .iter()
                .position(|&byte| byte == b'\n');
            let end = length.map_or(high, |length| start + length);
            let (found, value) = key_and_value(table.get(start..end)?)?;
            match found.cmp(key) {
                std::cmp::Ordering::Less => low = end + 1,
                std::cmp::Ordering::Greater => high = start,
                std::cmp::Ordering::Equal => return Some(value),
            }
        }
        None
    }
}

/// A name fits the pattern of an exemption, where it has one.
fn fits(pattern: &Option<String>, name: &str) -> bool {
    pattern
        .as_deref()
        .is_some_and(|pattern| matches_ignoring_case(pattern, name))
}

/// A line of the table, in its parts.
pub(super) fn key_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_prefix(b"\"")?;
    let quote = line.iter().position(|&byte| byte == b'"')?;
    let (key, value) = line.split_at_checked(quote)?;
    let value = value.strip_prefix(b"\":")?;
    Some((key, value.strip_suffix(b",").unwrap_or(value)))
}
