//! What is wrong with the settings: networks, access keys, remediation, single checks.

use super::{Level, PathSegment, Problems, at};
use crate::check::{Check, Severity};
use crate::rules::file::{ChangedRole, CheckSetting, Mode, OrganizationAccount, RulesFile};
use crate::rules::names::{arn_parts, fits_everybody, is_account_id, is_pattern};

impl RulesFile {
    pub(super) fn setting_problems(
        &self,
        accounts: &[OrganizationAccount],
        problems: &mut Problems,
    ) {
        for (index, entry) in self.networks.iter().enumerate() {
            network_problems(at!["networks", index], &entry.network, problems);
        }
        for (index, user) in self.access_keys.allow_users.iter().enumerate() {
            let path = at!["access_keys", "allow_users", index];
            problems.name_pattern(path.clone(), "user", user);
            if fits_everybody(user) {
                let message = format!("`{user}` under allow_users lets everybody have access keys");
                problems.warn(path, message, "name the users one by one");
            } else if is_pattern(user) {
                let message = format!(
                    "whoever may create a user can name one like `{user}` of allow_users, and give \
                     it keys"
                );
                problems.warn(path, message, "name the users one by one");
            }
        }
        for (index, arn) in self.remediation.protected_roles.iter().enumerate() {
            let path = at!["remediation", "protected_roles", index];
            self.protected_role_problems(path, arn, accounts, problems);
        }
        for (index, arn) in self.operators.approvers.iter().enumerate() {
            approver_problems(at!["operators", "approvers", index], arn, problems);
        }
        let most = self.remediation.max_writes_per_role_per_hour;
        if most < 2 {
            let path = at!["remediation", "max_writes_per_role_per_hour"];
            let hint = match most {
                0 => "to write nothing, use `mode: alert`",
                _ => "name 2 or more: the last write of an hour only closes a role",
            };
            let message = format!(
                "with max_writes_per_role_per_hour: {most} no trust policy is ever restored"
            );
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        }
        if self.mode == Mode::Enforce && self.remediation.changed_role == ChangedRole::Off {
            let path = at!["remediation", "changed_role"];
            let message = "mode enforce, and nothing is done about a role that was changed";
            let hint = "use revert, or mode: alert";
            problems.warn(path, message, hint);
        }
        for (code, setting) in &self.checks {
            let path = at!["checks", code.as_str()];
            problems.check_code(path, code);
            let path = at!["checks", code.as_str(), "mode"];
            self.lowers(path, setting.mode, problems);
            if let Ok(check) = code.parse() {
                severity_problems(code, check, setting, problems);
            }
        }
    }

    fn protected_role_problems(
        &self,
        path: Vec<PathSegment>,
        arn: &str,
        accounts: &[OrganizationAccount],
        problems: &mut Problems,
    ) {
        let role = arn_parts(arn).filter(|(service, account, resource)| {
            *service == "iam" && is_account_id(account) && resource.starts_with("role/")
        });
        let Some((_, account, _)) = role else {
            let hint = "write arn:aws:iam::111122223333:role/Name, with its path";
            let message = format!("`{arn}` is not a role's ARN");
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
            return;
        };
        let mut vendors = self.vendors.iter();
        let of_vendor = vendors.any(|vendor| vendor.accounts.iter().any(|one| one == account));
        if is_pattern(arn) {
            let message =
                "a protected role is never a pattern: an attacker could name a role into it";
            problems.error(path, message);
        } else if !self.is_ours(account, accounts) && (of_vendor || !accounts.is_empty()) {
            let message = format!("`{account}` is none of the own accounts: this protects nothing");
            problems.warn(path, message, "correct the account of the ARN");
        }
    }
}

fn approver_problems(path: Vec<PathSegment>, arn: &str, problems: &mut Problems) {
    let person = arn_parts(arn).filter(|(service, account, resource)| {
        *service == "iam"
            && is_account_id(account)
            && (resource.starts_with("role/") || resource.starts_with("user/"))
    });
    if person.is_none() {
        let hint =
            "write arn:aws:iam::111122223333:role/Name or arn:aws:iam::111122223333:user/Name";
        let message = format!("`{arn}` is not the ARN of a role or user");
        problems.add(Level::Error, path, message, Some(hint.to_owned()));
    } else if is_pattern(arn) {
        let message = "an approver is never a pattern: an attacker could name a role into it";
        problems.error(path, message);
    }
}

/// Nobody is called for what is said so quietly.
fn severity_problems(code: &str, check: Check, setting: &CheckSetting, problems: &mut Problems) {
    if let Some(severity) = setting.severity
        && check.default_severity() == Severity::Critical
        && severity <= Severity::Low
    {
        let path = at!["checks", code, "severity"];
        let message = format!("`{check}` is {severity} here: nobody is called for it");
        let hint = "leave its severity, and exempt what you accept";
        problems.warn(path, message, hint);
    }
}

fn network_problems(path: Vec<PathSegment>, network: &str, problems: &mut Problems) {
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
        // Of IPv6, a company has a /32.
        (true, Some(length)) if length < 16 => {
            let message = format!("network `{network}` is broader than one company's");
            let hint = "name the networks that you use, each by itself";
            problems.warn(path, message, hint);
        }
        (true, Some(length)) if is_of_a_cloud(address, length) => {
            let message =
                format!("network `{network}` is a cloud provider's: anyone has machines there");
            let hint = "name your own addresses, or the id of a VPC or of an endpoint";
            problems.warn(path, message, hint);
        }
        (true, Some(_)) => {}
        _ => {
            let message = format!("`{network}` is not a network");
            let hint = "write a CIDR as 192.0.2.0/24, or the id of a VPC or of an endpoint";
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        }
    }
}

/// Addresses that are nearly all of AWS, Microsoft or Google.
const CLOUDS: &[(u8, u8, u8)] = &[
    // First octet, and the range of the second.
    (3, 0, 255),
    (13, 48, 107),
    (18, 128, 255),
    (20, 33, 128),
    (20, 180, 255),
    (34, 64, 127),
    (34, 192, 255),
    (35, 152, 247),
    (40, 74, 125),
    (44, 192, 255),
    (52, 0, 255),
    (54, 0, 255),
    (104, 196, 199),
];

/// The same of IPv6: the first group, and the range of the second.
const CLOUDS_IPV6: &[(u16, u16, u16)] = &[
    (0x2406, 0xda00, 0xdaff),
    (0x2600, 0x1900, 0x190f),
    (0x2600, 0x1f00, 0x1fff),
    (0x2603, 0x1000, 0x10ff),
    (0x2a05, 0xd000, 0xd07f),
];

/// Broader than what a customer of a cloud has for themselves there.
fn is_of_a_cloud(address: &str, length: u8) -> bool {
    match address.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            let within =
                |(of, from, to): &(u8, u8, u8)| *of == first && (from..=to).contains(&&second);
            length < 28 && CLOUDS.iter().any(within)
        }
        Ok(std::net::IpAddr::V6(address)) => {
            let [first, second, ..] = address.segments();
            let within =
                |(of, from, to): &(u16, u16, u16)| *of == first && (from..=to).contains(&&second);
            length < 56 && CLOUDS_IPV6.iter().any(within)
        }
        Err(_) => false,
    }
}
