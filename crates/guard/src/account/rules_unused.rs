//! Rules that nothing in the account needs.

use std::collections::BTreeSet;

use super::AccountFinding;
use super::access::{Access, RuleOfParty};
use crate::check::{Check, Finding};
use crate::detect::{finding, is_about};
use crate::rules::Rules;

/// What of the rules an account makes use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenByRules {
    vendors: BTreeSet<String>,
    providers: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

impl SeenByRules {
    /// A role was seen, and who can enter it from outside.
    pub fn role(&mut self, account: &str, accesses: &[Access]) {
        if !self.accounts.contains(account) {
            self.accounts.insert(account.to_owned());
        }
        for access in accesses {
            let (known, name) = match access.rule.as_deref() {
                Some(RuleOfParty::Vendor { name, .. }) => (&mut self.vendors, name),
                Some(RuleOfParty::IdentityProvider { provider }) => (&mut self.providers, provider),
                _ => continue,
            };
            if !known.contains(name) {
                known.insert(name.clone());
            }
        }
    }

    /// A user exists that holds keys for vendors.
    pub fn user(&mut self, vendors: impl IntoIterator<Item = String>) {
        self.vendors.extend(vendors);
    }

    /// The accounts whose roles were seen.
    pub fn accounts(&self) -> &BTreeSet<String> {
        &self.accounts
    }
}

/// `unused-rule` for vendors that no role admits and none of whose users exists, and for identity
/// providers that open no role, in the accounts that were seen.
pub fn judge_rules(rules: &Rules, seen: &SeenByRules) -> Vec<AccountFinding> {
    let mut findings = Vec::new();
    let accounts: Vec<&str> = seen.accounts.iter().map(String::as_str).collect();
    let whose = match accounts.as_slice() {
        [] => return findings,
        [one] => format!("account {one}"),
        several => format!("the {} accounts of this audit", several.len()),
    };
    let fix = "take it out of the rules, unless another account needs it";
    let mut unused = |subject: String, vendor: Option<String>, message: String| {
        findings.push(AccountFinding {
            account: None,
            subject,
            finding: Finding {
                vendor,
                fix: Some(fix.to_owned()),
                ..finding(rules, Check::UnusedRule, message)
            },
        });
    };
    for name in rules.vendor_names() {
        if !seen.vendors.contains(&name) {
            let message =
                format!("no role admits {name}, and none of its users exists, in {whose}");
            unused(format!("rule/{name}"), Some(name), message);
        }
    }
    let mut named = BTreeSet::new();
    for rule in rules.identity_providers() {
        let used = seen.providers.iter().any(|seen| is_about(rule, seen));
        let name = match &rule.provider {
            Some(provider) => provider.clone(),
            None => rule.clusters.join(", "),
        };
        if !used && named.insert(name.clone()) {
            let message = format!("no role lets users of {name} in, in {whose}");
            unused(format!("rule/{name}"), None, message);
        }
    }
    findings
}
