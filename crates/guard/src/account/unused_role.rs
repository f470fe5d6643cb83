//! Roles that third parties may enter and that nobody uses.

use jiff::Timestamp;

use super::AccountFinding;
use super::access::{Access, LastUsed};
use super::credentials::{DAYS_UNUSED, days_between};
use crate::check::{Check, Finding};
use crate::detect::finding;
use crate::rules::Rules;

/// `unused-role` for a role, given those who can enter it from outside. A role younger than
/// [`DAYS_UNUSED`] days may still be waiting for its first use.
pub fn judge_use(rules: &Rules, accesses: &[Access], now: Timestamp) -> Option<AccountFinding> {
    let role = &accesses.first()?.role;
    let name = role.role.name.as_deref().unwrap_or_default();
    if rules.exempts_role(name, Check::UnusedRole, now) {
        return None;
    }
    let age = role.created.map(|created| days_between(created, now));
    let message = match &role.last_used {
        LastUsed::Unknown => return None,
        LastUsed::At { when, .. } => {
            let idle = days_between(*when, now);
            if idle < DAYS_UNUSED {
                return None;
            }
            format!("a third party can assume it, and nobody has for {idle} days")
        }
        LastUsed::Never => match age {
            Some(age) if age < DAYS_UNUSED => return None,
            Some(age) => format!(
                "a third party can assume it, and nobody has in {}",
                if age > 400 {
                    "the 400 days that IAM looks back".to_owned()
                } else {
                    format!("the {age} days since it was created")
                }
            ),
            None => "a third party can assume it, and IAM shows no use".to_owned(),
        },
    };
    let vendor = accesses
        .iter()
        .find_map(|access| match access.rule.as_deref() {
            Some(super::RuleOfParty::Vendor { name, .. }) => Some(name.clone()),
            _ => None,
        });
    let fix = "ask its owner; if nobody needs it, remove the third party from the trust policy or \
         delete the role";
    Some(AccountFinding {
        account: Some(role.role.account.clone()).filter(|account| !account.is_empty()),
        subject: role.subject(),
        finding: Finding {
            vendor,
            fix: Some(fix.to_owned()),
            ..finding(rules, Check::UnusedRole, message)
        },
    })
}
