//! Whether one condition holds for the keys of one request.
//!
//! Sources: IAM user guide, "IAM JSON policy elements: Condition operators" (missing keys, negated
//! operators, `IfExists`, `Null`) and "Set operators for multivalued context keys".

use super::compare;
use super::keys::Keys;
use super::variable;
use crate::document::{Comparison, Condition, Qualifier, Version};

/// A condition with no meaning is false.
pub(super) fn holds(condition: &Condition<'_>, keys: &Keys, version: Version) -> bool {
    let Some(operator) = condition.operator else {
        return false;
    };
    let found = keys.get(&condition.key);
    if operator.comparison == Comparison::Null {
        return condition.values.iter().any(|value| {
            let wants_absent = value.eq_ignore_ascii_case("true");
            let wants_present = value.eq_ignore_ascii_case("false");
            (wants_absent && found.is_none()) || (wants_present && found.is_some())
        });
    }
    let (comparison, negated) = compare::positive(operator.comparison);
    let Some(found) = found else {
        return match operator.qualifier {
            _ if operator.if_exists => true,
            Some(Qualifier::ForAllValues) => true,
            Some(Qualifier::ForAnyValue) => false,
            None => negated,
        };
    };
    let matches = |value: &String| {
        condition.values.iter().any(|wanted| {
            let wanted = variable::resolve(wanted, comparison, keys, version);
            wanted.is_some_and(|wanted| compare::matches(comparison, &wanted, value))
        })
    };
    match (operator.qualifier, negated) {
        (Some(Qualifier::ForAllValues), false) => found.iter().all(matches),
        (Some(Qualifier::ForAllValues), true) => !found.iter().any(matches),
        (Some(Qualifier::ForAnyValue), true) => !found.iter().all(matches),
        (Some(Qualifier::ForAnyValue), false) | (None, false) => found.iter().any(matches),
        (None, true) => !found.iter().any(matches),
    }
}
