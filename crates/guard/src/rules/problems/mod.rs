//! What is wrong with rules that could be read: names that name nothing, values that contradict
//! each other, and doors left wider than the author will have meant.

mod exemption;
mod provider;
mod settings;
mod shared_provider;
mod vendor;
mod wide;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::file::{Mode, OrganizationAccount, RulesFile};
use super::names::{expiry, is_account_id, is_name_pattern, nearest};
use crate::check::Check;

/// Something wrong with the rules, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The way to it from the top of the file.
    pub path: Vec<PathSegment>,
    /// Whether the rules can be used all the same.
    pub level: Level,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What was meant, or what to do.
    pub suggestion: Option<String>,
}

/// One step into the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathSegment {
    /// Into an object.
    Key(String),
    /// Into a list, 0-based.
    Index(usize),
}

/// Whether rules with a problem can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// They can, and do less than they seem to, or admit more.
    Warning,
    /// They cannot.
    Error,
}

impl From<&str> for PathSegment {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for PathSegment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// `at!["vendors", 3, "name"]`.
macro_rules! at {
    ($($segment:expr),* $(,)?) => {
        vec![$($crate::rules::problems::PathSegment::from($segment)),*]
    };
}

use at;

/// In seconds.
const FIVE_YEARS: i64 = 5 * 366 * 86_400;

/// Collects problems.
pub(super) struct Problems {
    found: Vec<RuleProblem>,
    now: Option<Timestamp>,
}

impl Problems {
    fn add(&mut self, level: Level, path: Vec<PathSegment>, message: String, hint: Option<String>) {
        self.found.push(RuleProblem {
            path,
            level,
            message,
            suggestion: hint,
        });
    }

    fn error(&mut self, path: Vec<PathSegment>, message: impl Into<String>) {
        self.add(Level::Error, path, message.into(), None);
    }

    pub(super) fn warn(&mut self, path: Vec<PathSegment>, message: impl Into<String>, hint: &str) {
        self.add(Level::Warning, path, message.into(), Some(hint.to_owned()));
    }

    /// An error was found at this place or below it.
    fn has_error_in(&self, place: &[PathSegment]) -> bool {
        let mut found = self.found.iter();
        found.any(|problem| problem.level == Level::Error && problem.path.starts_with(place))
    }

    fn account(&mut self, path: Vec<PathSegment>, account: &str) {
        if is_account_id(account) {
            return;
        }
        let digits: String = account.chars().filter(char::is_ascii_digit).collect();
        let hint = if is_account_id(&digits) {
            Some(format!("write \"{digits}\""))
        } else if (9..12).contains(&account.len()) && digits.len() == account.len() {
            Some(format!(
                "with its leading zeros it would be \"{account:0>12}\""
            ))
        } else {
            None
        };
        let message = format!("`{account}` is not an account id: an account id has 12 digits");
        self.add(Level::Error, path, message, hint);
    }

    fn name_pattern(&mut self, path: Vec<PathSegment>, what: &str, pattern: &str) {
        if is_name_pattern(pattern) {
            return;
        }
        let hint = pattern
            .rsplit_once('/')
            .map(|(_, name)| format!("{what}s are named here without their path: \"{name}\""));
        let message = format!("`{pattern}` can be no {what}'s name, nor a pattern of such names");
        self.add(Level::Error, path, message, hint);
    }

    fn expires(&mut self, path: Vec<PathSegment>, text: Option<&str>) {
        let Some(text) = text else { return };
        match (expiry(text), self.now) {
            (None, _) => {
                let message = format!("`{text}` is not a date");
                let hint = "write a day as 2027-03-31, or a moment as 2027-03-31T12:00:00Z";
                self.add(Level::Error, path, message, Some(hint.to_owned()));
            }
            (Some(end), Some(now)) if end <= now => {
                let message = format!("this has expired ({text})");
                self.warn(path, message, "remove it, or renew it");
            }
            (Some(end), Some(now)) if end.as_second() - now.as_second() > FIVE_YEARS => {
                let message = format!("this expires in more than five years ({text})");
                self.warn(
                    path,
                    message,
                    "look at the year, or renew it when the time comes",
                );
            }
            _ => {}
        }
    }

    fn check_code(&mut self, path: Vec<PathSegment>, code: &str) {
        if code.parse::<Check>().is_err() {
            let known = nearest(code, Check::ALL.iter().map(|check| check.code()));
            let hint = known.map(|known| format!("did you mean `{known}`?"));
            self.add(Level::Error, path, format!("`{code}` is not a check"), hint);
        }
    }
}

impl RulesFile {
    /// What is wrong with these rules, in the order of the file. Whether something has expired is
    /// only asked where `now` is given.
    pub fn problems(&self, now: Option<Timestamp>) -> Vec<RuleProblem> {
        self.problems_among(&[], now)
    }

    /// As [`Self::problems`], with the organization's accounts.
    pub fn problems_among(
        &self,
        accounts: &[OrganizationAccount],
        now: Option<Timestamp>,
    ) -> Vec<RuleProblem> {
        let mut problems = Problems {
            found: Vec::new(),
            now,
        };
        if self.version != 1 {
            let message = format!("version {} of the rules is not known here", self.version);
            problems.add(
                Level::Error,
                at!["version"],
                message,
                Some("write 1".to_owned()),
            );
        }
        self.own_accounts(&mut problems);
        for (index, vendor) in self.vendors.iter().enumerate() {
            vendor.problems(index, &mut problems);
            let ours = &vendor.accounts_of_ours;
            problems.accounts_of_ours(&["vendors".into(), index.into()], ours, accounts);
            self.lowers(at!["vendors", index, "mode"], vendor.mode, &mut problems);
        }
        self.between_vendors(accounts, &mut problems);
        for (index, provider) in self.identity_providers.iter().enumerate() {
            provider.problems(index, &mut problems);
            let ours = &provider.accounts_of_ours;
            problems.accounts_of_ours(&["identity_providers".into(), index.into()], ours, accounts);
            self.tenant_of_shared(index, provider, &mut problems);
        }
        for index in 0..self.shared_providers.len() {
            self.shared_provider_problems(index, &mut problems);
        }
        self.setting_problems(accounts, &mut problems);
        for (index, exemption) in self.exemptions.iter().enumerate() {
            exemption.problems(index, &mut problems);
            let ours = &exemption.accounts_of_ours;
            problems.accounts_of_ours(&["exemptions".into(), index.into()], ours, accounts);
        }
        self.leave_out_what_is_accepted(&mut problems);
        problems.found
    }

    /// Warnings are silenced by an `accepted` of the entry or section they are about.
    fn leave_out_what_is_accepted(&self, problems: &mut Problems) {
        for (path, reason) in self.accepted() {
            if reason.trim().is_empty() {
                let mut path = path.clone();
                path.push("accepted".into());
                problems.error(path, "an empty reason accepts nothing");
                continue;
            }
            problems.found.retain(|problem| {
                problem.level == Level::Error || !problem.path.starts_with(&path)
            });
        }
    }

    /// Each `accepted`, and the place of what it is about.
    fn accepted(&self) -> Vec<(Vec<PathSegment>, &str)> {
        let vendors = self.vendors.iter().map(|one| &one.accepted).enumerate();
        let providers = self.identity_providers.iter().map(|one| &one.accepted);
        let networks = self.networks.iter().map(|one| &one.accepted).enumerate();
        let exemptions = self.exemptions.iter().map(|one| &one.accepted).enumerate();
        let entries = vendors
            .map(|(index, one)| (at!["vendors", index], one))
            .chain((providers.enumerate()).map(|(i, one)| (at!["identity_providers", i], one)))
            .chain(networks.map(|(index, one)| (at!["networks", index], one)))
            .chain(exemptions.map(|(index, one)| (at!["exemptions", index], one)));
        let checks = self.checks.iter();
        let checks = checks.map(|(code, one)| (at!["checks", code.as_str()], &one.accepted));
        entries
            .chain(checks)
            .chain([
                (at!["access_keys"], &self.access_keys.accepted),
                (at!["remediation"], &self.remediation.accepted),
            ])
            .filter_map(|(path, accepted)| Some((path, accepted.as_deref()?)))
            .collect()
    }

    /// The account is one of those that these rules call ours.
    fn is_ours(&self, account: &str, accounts: &[OrganizationAccount]) -> bool {
        let organization = self.organization.as_ref();
        self.trusted_accounts.iter().any(|own| own == account)
            || accounts.iter().any(|own| own.id == account)
            || organization.and_then(|own| own.management_account.as_deref()) == Some(account)
    }

    /// A mode of its own only lowers the file's.
    fn lowers(&self, path: Vec<PathSegment>, mode: Option<Mode>, problems: &mut Problems) {
        if self.mode == Mode::Alert && mode == Some(Mode::Enforce) {
            let hint = "to enforce this alone, set `mode: enforce` above and `alert` elsewhere";
            problems.warn(
                path,
                "this cannot raise the mode of the rules, which is alert",
                hint,
            );
        }
    }

    fn own_accounts(&self, problems: &mut Problems) {
        if let Some(own) = &self.organization {
            if let Some(id) = &own.id {
                let known = id.strip_prefix("o-").is_some_and(|rest| {
                    (10..=32).contains(&rest.len())
                        && rest
                            .bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                });
                if !known {
                    let message =
                        format!("`{id}` is not an organization id, such as o-abc123example");
                    problems.error(at!["organization", "id"], message);
                }
            }
            if let Some(account) = &own.management_account {
                problems.account(at!["organization", "management_account"], account);
            }
        }
        for (index, account) in self.trusted_accounts.iter().enumerate() {
            let path = at!["trusted_accounts", index];
            problems.account(path.clone(), account);
            if self
                .trusted_accounts
                .iter()
                .take(index)
                .any(|earlier| earlier == account)
            {
                problems.warn(
                    path,
                    format!("`{account}` stands here twice"),
                    "take one out",
                );
            }
        }
    }

    fn between_vendors(&self, accounts: &[OrganizationAccount], problems: &mut Problems) {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, vendor) in self.vendors.iter().enumerate() {
            let first = *names.entry(vendor.name.to_lowercase()).or_insert(index);
            if first != index {
                let message = format!("another vendor is named `{}`", vendor.name);
                problems.error(at!["vendors", index, "name"], message);
            }
            for account in &vendor.accounts {
                if self.is_ours(account, accounts) {
                    let message = format!("`{account}` is one of the own accounts");
                    let hint = "no vendor's rule limits an own account";
                    problems.warn(at!["vendors", index, "accounts"], message, hint);
                }
            }
            for id in vendor.external_ids() {
                let first = *ids.entry(id).or_insert(index);
                if let Some(other) = self.vendors.get(first).filter(|_| first != index) {
                    let message = format!("vendor `{}` has the same external id", other.name);
                    let hint = "each could assume the other's roles: use two ids";
                    problems.warn(at!["vendors", index, "external_id"], message, hint);
                }
            }
        }
    }
}
