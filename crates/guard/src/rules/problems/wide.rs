//! Patterns that fit more names than their author will have meant.

use policy::glob::matches_ignoring_case;

use super::{PathSegment, Problems};
use crate::rules::names::{fits_everybody, is_pattern};

/// Roles and users that run an account.
const ADMINISTRATORS: &[&str] = &[
    "Admin",
    "Administrator",
    "AWSControlTowerExecution",
    "BreakGlass",
    "BreakGlassAdmin",
    "OrganizationAccountAccessRole",
    "PowerUser",
    "Security",
    "admin-role",
];

/// Roles that a pipeline or an auditor may well have been given, and a vendor not.
pub(super) const OF_OWN_TASKS: &[&str] = &["Deploy", "Production", "ReadOnly", "Terraform"];

/// An administrator's name that a pattern fits, or one of these others: it was not made for them.
pub(super) fn fits_too_much(pattern: &str, others: &[&'static str]) -> Option<&'static str> {
    let fixed = pattern.chars().filter(|char| !"*?".contains(*char)).count();
    let mut others = ADMINISTRATORS.iter().chain(others).copied();
    let fitting = others.find(|name| matches_ignoring_case(pattern, name));
    match fitting {
        _ if !is_pattern(pattern) => None,
        None if fixed < 3 => Some("many others"),
        fitting => fitting,
    }
}

impl Problems {
    /// A pattern of the roles that may trust a vendor or a provider.
    pub(super) fn roles_of(
        &mut self,
        path: Vec<PathSegment>,
        what: &str,
        pattern: &str,
        others: &[&'static str],
    ) {
        let hint = "name those that were made for it";
        if fits_everybody(pattern) {
            self.warn(path, format!("every role may trust this {what}"), hint);
        } else if let Some(other) = fits_too_much(pattern, others) {
            let message =
                format!("`{pattern}` lets this {what} into any role so named, as {other}");
            self.warn(path, message, hint);
        }
    }
}
