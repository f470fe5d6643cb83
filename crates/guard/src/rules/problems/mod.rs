//! What is wrong with rules that could be read: names that name nothing, values that contradict
//! each other, and doors left wider than the author will have meant.

mod provider;
mod shared_provider;
mod vendor;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::file::{Mode, RulesFile};
use super::names::{arn_parts, expiry, is_account_id, is_name_pattern, is_pattern, nearest};
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

/// Collects problems.
struct Problems {
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

    fn warn(&mut self, path: Vec<PathSegment>, message: impl Into<String>, hint: &str) {
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
            self.lowers(at!["vendors", index, "mode"], vendor.mode, &mut problems);
        }
        self.between_vendors(&mut problems);
        for (index, provider) in self.identity_providers.iter().enumerate() {
            provider.problems(index, &mut problems);
            self.tenant_of_shared(index, provider, &mut problems);
        }
        for index in 0..self.shared_providers.len() {
            self.shared_provider_problems(index, &mut problems);
        }
        for (index, network) in self.networks.iter().enumerate() {
            network_problems(index, network, &mut problems);
        }
        for (index, user) in self.access_keys.allow_users.iter().enumerate() {
            problems.name_pattern(at!["access_keys", "allow_users", index], "user", user);
        }
        for (index, arn) in self.remediation.protected_roles.iter().enumerate() {
            let path = at!["remediation", "protected_roles", index];
            protected_role_problems(path, arn, &mut problems);
        }
        if self.remediation.max_writes_per_role_per_hour == 0 {
            let path = at!["remediation", "max_writes_per_role_per_hour"];
            let hint = "to write nothing, use `mode: alert`";
            let message = "with 0 writes an hour nothing can be remediated".to_owned();
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        }
        for (code, setting) in &self.checks {
            problems.check_code(at!["checks", code.as_str()], code);
            self.lowers(
                at!["checks", code.as_str(), "mode"],
                setting.mode,
                &mut problems,
            );
        }
        for (index, exemption) in self.exemptions.iter().enumerate() {
            let at = |key: &str| at!["exemptions", index, key];
            problems.name_pattern(at("role"), "role", &exemption.role);
            problems.account(at("account"), &exemption.account);
            problems.check_code(at("check"), &exemption.check);
            if let Ok(check) = exemption.check.parse::<Check>()
                && !can_be_exempted(check)
            {
                let hint = "change the rule that the finding is about";
                let message = format!("an exemption from `{check}` has no effect");
                problems.warn(at("check"), message, hint);
            }
            if exemption.reason.trim().is_empty() {
                let hint = "say why this is accepted, for whoever reads it next year";
                problems.warn(
                    at!["exemptions", index],
                    "the exemption has no reason",
                    hint,
                );
            }
            if exemption.expires.is_none() {
                let hint = "give it an `expires`";
                problems.warn(at!["exemptions", index], "the exemption never ends", hint);
            }
            problems.expires(at("expires"), exemption.expires.as_deref());
        }
        problems.found
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

    fn between_vendors(&self, problems: &mut Problems) {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, vendor) in self.vendors.iter().enumerate() {
            let first = *names.entry(vendor.name.to_lowercase()).or_insert(index);
            if first != index {
                let message = format!("another vendor is named `{}`", vendor.name);
                problems.error(at!["vendors", index, "name"], message);
            }
            for account in &vendor.accounts {
                if self.trusted_accounts.contains(account) {
                    let message = format!("`{account}` is one of the trusted accounts");
                    let hint = "no vendor's rule limits a trusted account";
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

/// Exemptions are for what one outside account may do to a role.
fn can_be_exempted(check: Check) -> bool {
    matches!(
        check,
        Check::UnknownThirdParty
            | Check::RoleNotRegistered
            | Check::MissingExternalId
            | Check::WrongExternalId
            | Check::ExpiredAccess
            | Check::BroadPrincipal
            | Check::WeakExternalId
            | Check::SharedExternalId
    )
}

fn network_problems(index: usize, network: &str, problems: &mut Problems) {
    let path = at!["networks", index];
    let is_id = |prefix: &str| {
        network.strip_prefix(prefix).is_some_and(|id| {
            matches!(id.len(), 8 | 17) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    if is_id("vpc-") || is_id("vpce-") {
        return;
    }
    let (address, length) = network
        .split_once('/')
        .map_or((network, None), |(address, length)| {
            (address, Some(length.parse::<u8>().ok()))
        });
    let (broadest, narrowest, fits) = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => (8, 32, true),
        Ok(std::net::IpAddr::V6(_)) => (32, 128, true),
        Err(_) => (0, 0, false),
    };
    let length = length
        .unwrap_or(Some(narrowest))
        .filter(|length| *length <= narrowest);
    match (fits, length) {
        (true, Some(length)) if length < broadest => {
            let message = format!("`{network}` is too much of the internet to stand for anyone");
            let hint = format!("name networks of /{broadest} or narrower");
            problems.add(Level::Error, path, message, Some(hint));
        }
        (true, Some(_)) => {}
        _ => {
            let message = format!("`{network}` is not a network");
            let hint = "write a CIDR as 192.0.2.0/24, or the id of a VPC or of an endpoint";
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        }
    }
}

fn protected_role_problems(path: Vec<PathSegment>, arn: &str, problems: &mut Problems) {
    let exact = arn_parts(arn).is_some_and(|(service, account, resource)| {
        service == "iam" && is_account_id(account) && resource.starts_with("role/")
    });
    if !exact {
        let hint = "write arn:aws:iam::111122223333:role/Name, with its path";
        let message = format!("`{arn}` is not a role's ARN");
        problems.add(Level::Error, path, message, Some(hint.to_owned()));
    } else if is_pattern(arn) {
        let message = "a protected role is never a pattern: an attacker could name a role into it";
        problems.error(path, message);
    }
}
