//! Rules that nothing in the account needs: vendors, identity providers, exemptions.

use std::collections::BTreeSet;

use jiff::Timestamp;

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

/// `unused-rule` for vendors that no role admits and none of whose users exists, for identity
/// providers that open no role, and for exemptions that accepted nothing, in the accounts that were
/// seen. `rules` must be those by which everything else was judged, since they were loaded.
pub fn judge_rules(rules: &Rules, seen: &SeenByRules, now: Timestamp) -> Vec<AccountFinding> {
    let mut findings = Vec::new();
    let accounts: Vec<&str> = seen.accounts.iter().map(String::as_str).collect();
    let whose = match accounts.as_slice() {
        [] => return findings,
        [one] => format!("account {one}"),
        several => format!("the {} accounts of this audit", several.len()),
    };
    let fix = "remove it from the rules, unless another account needs it";
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
    for name in rules.vendor_names(&seen.accounts) {
        if !seen.vendors.contains(&name) {
            let message =
                format!("no role trusts {name}, and none of its users exists, in {whose}");
            unused(format!("rule/{name}"), Some(name), message);
        }
    }
    let mut named = BTreeSet::new();
    for rule in rules.identity_providers() {
        let ours = &rule.accounts_of_ours;
        if !ours.is_empty() && !ours.iter().any(|one| seen.accounts.contains(one)) {
            continue;
        }
        let used = seen.providers.iter().any(|seen| is_about(rule, seen));
        let name = match &rule.provider {
            Some(provider) => provider.clone(),
            None if rule.clusters.is_empty() => continue,
            None => rule.clusters.join(", "),
        };
        if !used && named.insert(name.clone()) {
            let message = format!("no role trusts {name}, in {whose}");
            unused(format!("rule/{name}"), None, message);
        }
    }
    for exemption in rules.unused_exemptions() {
        let check = exemption.check;
        let ours = exemption.accounts_of_ours.as_ref();
        if ours.is_some_and(|ours| !ours.iter().any(|one| seen.accounts.contains(one))) {
            continue;
        }
        let named = [
            ("user", &exemption.user),
            ("account", &exemption.account),
            ("role", &exemption.role),
        ];
        let named = named
            .into_iter()
            .filter_map(|(what, name)| Some((what, name.as_deref()?)));
        let words: Vec<String> = named
            .clone()
            .map(|(what, name)| format!("{what} {name}"))
            .collect();
        let what = format!("the exemption of {} from {check}", words.join(" on "));
        let message = match exemption.expires {
            Some(end) if end <= now => format!("{what} has expired"),
            _ => format!("{what} accepts nothing in {whose}"),
        };
        let names: Vec<&str> = named.map(|(_, name)| name).collect();
        unused(format!("rule/{check} {}", names.join(" ")), None, message);
    }
    findings
}
