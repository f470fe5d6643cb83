//! What is wrong with an exemption.

use super::wide::fits_too_much;
use super::{Level, Problems, at};
use crate::check::{Check, ExemptionOf};
use crate::rules::file::Exemption;
use crate::rules::names::fits_everybody;

impl Exemption {
    pub(super) fn problems(&self, index: usize, problems: &mut Problems) {
        let here = || at!["exemptions", index];
        let at = |key: &str| at!["exemptions", index, key];
        for (what, pattern) in [("role", &self.role), ("user", &self.user)] {
            let Some(pattern) = pattern else { continue };
            problems.name_pattern(at(what), what, pattern);
            if fits_everybody(pattern) {
                let message = format!("every {what} is exempted");
                let hint = format!("name the {what}s it is about");
                problems.warn(at(what), message, &hint);
            } else if let Some(other) = fits_too_much(pattern, &[]) {
                let message = format!("any {what} named like `{pattern}` is exempted, as {other}");
                let hint = format!("name the {what}s it is about");
                problems.warn(at(what), message, &hint);
            }
        }
        let of_resource = self.resource.is_some();
        match &self.account {
            Some(everyone) if everyone == "*" && of_resource => {}
            Some(account) => problems.account(at("account"), account),
            None => {}
        }
        if let Some(pattern) = &self.resource {
            self.resource_pattern(pattern, index, problems);
        }
        problems.check_code(at("check"), &self.check);
        if let Ok(check) = self.check.parse::<Check>() {
            match check.exemption() {
                Some(of) => self.names_what_it_should(of, index, problems),
                None => {
                    let hint = "change the rule that the finding is about";
                    let message = format!("an exemption from `{check}` has no effect");
                    problems.warn(at("check"), message, hint);
                }
            }
        }
        if self.reason.trim().is_empty() {
            let hint = "say why this is accepted, for whoever reads it next year";
            problems.warn(here(), "the exemption has no reason", hint);
        }
        if self.expires.is_none() {
            let hint = "give it an `expires`";
            problems.warn(here(), "the exemption never ends", hint);
        }
        problems.expires(at("expires"), self.expires.as_deref());
    }

    /// An ARN whose first three parts are no pattern: of another service nothing is accepted by the
    /// way.
    fn resource_pattern(&self, pattern: &str, index: usize, problems: &mut Problems) {
        let path = at!["exemptions", index, "resource"];
        let mut parts = pattern.splitn(6, ':');
        let fixed = parts
            .by_ref()
            .take(3)
            .all(|part| !part.is_empty() && !part.contains(['*', '?']));
        let named = parts.nth(2);
        if !fixed || !pattern.starts_with("arn:") || named.is_none() {
            let message = format!("`{pattern}` is no resource's ARN");
            let hint = "write it as in the alert, as \"arn:aws:s3:::public-site\"".to_owned();
            problems.add(Level::Error, path, message, Some(hint));
        } else if named.is_some_and(|name| name.chars().all(|char| "*?/:".contains(char))) {
            let hint = "name the resources it is about";
            problems.warn(path, "every resource of the service is exempted", hint);
        }
    }

    /// The judge looks at these keys, and at no others.
    fn names_what_it_should(&self, of: ExemptionOf, index: usize, problems: &mut Problems) {
        let (resource, role, account, user) = match of {
            ExemptionOf::RoleAndAccount => (false, true, true, false),
            ExemptionOf::Role => (false, true, false, false),
            ExemptionOf::User => (false, false, false, true),
            ExemptionOf::ResourceAndAccount => (true, false, true, false),
        };
        for (key, named, asked) in [
            ("resource", &self.resource, resource),
            ("role", &self.role, role),
            ("account", &self.account, account),
            ("user", &self.user, user),
        ] {
            let (path, message) = match (named, asked) {
                (None, true) => (
                    at!["exemptions", index],
                    format!("an exemption from `{}` names the {key}", self.check),
                ),
                (Some(_), false) => (
                    at!["exemptions", index, key],
                    format!("an exemption from `{}` names no {key}", self.check),
                ),
                _ => continue,
            };
            let hint = match of {
                ExemptionOf::RoleAndAccount => "name the role, and the account that it may trust",
                ExemptionOf::Role => "name the role alone",
                ExemptionOf::User => "name the user alone",
                ExemptionOf::ResourceAndAccount => {
                    "name the resource by its ARN, and the account that may have it, or \"*\" for everyone"
                }
            };
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
        }
        if of != ExemptionOf::RoleAndAccount && !self.accounts_of_ours.is_empty() {
            let path = at!["exemptions", index, "accounts_of_ours"];
            let message = format!(
                "an exemption from `{}` is about each of your accounts",
                self.check
            );
            let hint = Some("leave `accounts_of_ours` out".to_owned());
            problems.add(Level::Error, path, message, hint);
        }
    }
}
