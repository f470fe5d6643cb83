//! What the rules allow ends soon: its owners hear in time, and what will be done then.

use jiff::Timestamp;

use super::access::finding;
use crate::check::{Check, Finding, Remedy};
use crate::model::seconds_between;
use crate::rules::{Ending, Mode, Rules};

const DAY: i64 = 24 * 60 * 60;

/// So many days before the end they hear of it.
const DAYS: [i64; 3] = [1, 7, 30];

/// Something that ends soon: what it is called, and what is to be said. The key is another at each of
/// the days, and if the end is moved.
#[derive(Debug, Clone, PartialEq)]
pub struct EndsSoon {
    /// For an incident of its own.
    pub key: String,
    /// As `vendor Example Backup`.
    pub what: String,
    /// `expires-soon`.
    pub finding: Finding,
}

/// What ends within thirty, seven or one day. `acts`: the guard remediates what violates the rules.
pub fn judge_endings(rules: &Rules, acts: bool, now: Timestamp) -> Vec<EndsSoon> {
    let soon = rules.endings().into_iter().filter_map(|(end, ending)| {
        let left = seconds_between(now, end);
        let days = DAYS.into_iter().find(|days| left <= days * DAY)?;
        (left > 0).then(|| ends_soon(rules, &ending, end, days, acts))
    });
    soon.collect()
}

fn ends_soon(rules: &Rules, ending: &Ending, end: Timestamp, days: i64, acts: bool) -> EndsSoon {
    let (what, check, acts, more) = match ending {
        Ending::Vendor { name, owner, mode } => (
            format!("vendor {name}"),
            Check::ExpiredAccess,
            acts && *mode != Some(Mode::Alert),
            match owner {
                Some(owner) => format!("its owner is {owner}"),
                None => "the rules name no owner".to_owned(),
            },
        ),
        Ending::Exemption { of, check, reason } => (
            format!("the exemption of {of} from {check}"),
            *check,
            acts && check.remedy() != Remedy::None,
            format!("its reason is: {reason}"),
        ),
    };
    let acts = acts && rules.check_mode(check) != Some(Mode::Alert);
    let then = if acts {
        "reported and remediated"
    } else {
        "reported"
    };
    let left = match days {
        1 => "within a day".to_owned(),
        days => format!("within {days} days"),
    };
    let message =
        format!("{what} ends at {end}, {left}; what it covers is {check} then, {then}; {more}");
    let mut found = finding(rules, Check::ExpiresSoon, message);
    if days == 1 {
        found.severity = found.severity.raised();
    }
    if let Ending::Vendor { name, .. } = ending {
        found.vendor = Some(name.clone());
    }
    EndsSoon {
        key: format!("ends-{what}-{end}-{days}"),
        what,
        finding: found,
    }
}
