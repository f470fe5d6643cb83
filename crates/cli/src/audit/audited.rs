//! What an audit comes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::HashSet;
use guard::account::Access;
use guard::detect::Verdict;
use guard::{Check, Severity};

use super::permitted::Permitted;
use crate::findings::{self, About, Found};

/// One third party and one role that it can assume: the join.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Who, which role, what must be proved, which rule, when it was last used.
    pub(crate) access: Access,
    /// The role's permissions.
    pub(crate) permitted: Arc<Permitted>,
}

/// Numbers of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Roles that were read.
    pub(crate) roles: usize,
    /// Those whose trust policy the rules approve.
    pub(crate) approved: usize,
    /// Policies that could not be read: trust policies, and what third parties' roles hold.
    pub(crate) unreadable: usize,
    /// Users that were read.
    pub(crate) users: usize,
    /// Rows of credential reports.
    pub(crate) credentials: usize,
}

impl Counts {
    pub(super) fn judged(&mut self, verdict: Verdict, roles: usize) {
        match verdict {
            Verdict::Approved => self.approved += roles,
            Verdict::Unreadable => self.unreadable += roles,
            Verdict::Violation => {}
        }
    }
}

/// The result of an audit.
#[derive(Debug, Default)]
pub(crate) struct Audited {
    /// All findings, worst first.
    pub(crate) found: Vec<Found>,
    /// External access: worst findings first, then by account, role and party.
    pub(crate) entries: Vec<Entry>,
    /// The accounts whose roles were seen, sorted.
    pub(crate) accounts: BTreeSet<String>,
    /// Numbers.
    pub(crate) counts: Counts,
}

impl Audited {
    /// All is found: findings and access are put in order, and each access gets what was found about
    /// its role.
    pub(super) fn complete(&mut self, entries: Vec<Entry>) {
        findings::sort(&mut self.found);
        self.found.dedup_by(|b, a| {
            let same = |a: &About, b: &About| (&a.subject, &a.account) == (&b.subject, &b.account);
            (&a.finding, &a.witness) == (&b.finding, &b.witness) && same(&a.about, &b.about)
        });
        self.entries = entries;
        join_findings(&mut self.entries, &self.found);
        // A role and a third party are one entry, so no two have one key.
        self.entries.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
    }

    /// `Audit of account 111122223333`, or of how many accounts.
    pub(crate) fn title(&self) -> String {
        let mut accounts = self.accounts.iter();
        match (accounts.next(), accounts.len()) {
            (None, _) => "Audit of no account".to_owned(),
            (Some(one), 0) => format!("Audit of account {one}"),
            (Some(_), more) => format!("Audit of {} accounts", more + 1),
        }
    }

    /// Each third party with access, and whether a rule names it.
    pub(crate) fn parties(&self) -> foldhash::HashMap<&guard::account::Party, bool> {
        let mut parties = foldhash::HashMap::default();
        for Entry { access, .. } in &self.entries {
            *parties.entry(&access.party).or_default() |= access.rule.is_some();
        }
        parties
    }

    /// How many roles an external party can assume.
    pub(crate) fn entered_from_outside(&self) -> usize {
        let roles = self.entries.iter().map(|entry| {
            let role = &entry.access.role.role;
            (&role.account, &role.name)
        });
        roles.collect::<HashSet<_>>().len()
    }
}

/// Which accesses to the role a finding is shown at, beside its own.
#[derive(PartialEq)]
enum Concerns {
    /// All that can assume the role.
    Role,
    /// Its third party, wherever it has access to the role.
    Party,
    /// Nobody else.
    Itself,
}

fn concerns(code: Check) -> Concerns {
    match code {
        Check::UnusedRole
        | Check::UnreadablePolicy
        | Check::AdminAccess
        | Check::IamAccess
        | Check::PrivilegeEscalation
        | Check::WriteWildcard
        | Check::DataAccess
        | Check::ResourceExposure
        | Check::PermissionUnused
        | Check::UnreadablePermissions => Concerns::Role,
        Check::SharedExternalId | Check::WeakExternalId | Check::OverCeiling => Concerns::Party,
        _ => Concerns::Itself,
    }
}

/// Gives every access what was found about its role that only the whole account shows.
fn join_findings(entries: &mut [Entry], found: &[Found]) {
    let mut by_role: foldhash::HashMap<(&str, &str), Vec<&Found>> = foldhash::HashMap::default();
    let of_role = found
        .iter()
        .filter(|found| concerns(found.finding.code) != Concerns::Itself);
    for found in of_role {
        let role = found.about.subject.strip_prefix("role/");
        if let (Some(account), Some(role)) = (&found.about.account, role) {
            by_role.entry((account, role)).or_default().push(found);
        }
    }
    for Entry { access, .. } in entries {
        let role = &access.role.role;
        let name = role.name.as_deref().unwrap_or_default();
        let of_role = by_role.get(&(role.account.as_str(), name));
        let own = match &access.party {
            guard::account::Party::Account { account } => Some(account),
            _ => None,
        };
        for found in of_role.into_iter().flatten() {
            let finding = &found.finding;
            let concerned = match concerns(finding.code) {
                Concerns::Role => true,
                Concerns::Party => finding.third_party.as_ref() == own,
                Concerns::Itself => false,
            };
            let entry = (finding.severity, finding.code);
            if concerned && !access.findings.contains(&entry) {
                access.findings.push(entry);
            }
        }
        access
            .findings
            .sort_by_key(|(severity, code)| (std::cmp::Reverse(*severity), *code));
    }
}

type Key<'a> = (
    std::cmp::Reverse<Option<Severity>>,
    bool,
    &'a str,
    Option<&'a str>,
    &'a guard::account::Party,
);

/// The worst first; of equals, those without a rule.
fn key(entry: &Entry) -> Key<'_> {
    let access = &entry.access;
    let worst = access.findings.first().map(|(severity, _)| *severity);
    (
        std::cmp::Reverse(worst),
        access.rule.is_some(),
        &access.role.role.account,
        access.role.role.name.as_deref(),
        &access.party,
    )
}
