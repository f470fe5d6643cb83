//! Conditions, as people read them, and those that decide what an action is good for.

use policy::document::Condition;

use crate::action::{Action, Service};
use crate::amount::PassedTo;
use crate::set::ActionSet;

/// A condition in one line, as `StringEquals aws:RequestedRegion "eu-west-1"`.
pub(crate) fn caveat(condition: &Condition<'_>) -> String {
    let mut text = format!("{} {}", condition.operator_text, condition.key);
    for (at, value) in condition.values.iter().enumerate() {
        if at == 3 {
            text.push_str(" or others");
            break;
        }
        text.push_str(if at == 0 { " " } else { " or " });
        text.push_str(&format!("{value:?}"));
    }
    text
}

/// The services to which a statement lets a role be passed, by each of its conditions that says so.
pub(crate) fn passed_to(conditions: &[Condition<'_>]) -> Vec<PassedTo> {
    conditions.iter().filter_map(of_services).collect()
}

/// What a Deny leaves of passing roles: where `iam:PassedToService` is all that it asks, the
/// services that it does not mean.
pub(crate) fn left_to_pass(conditions: &[Condition<'_>]) -> Option<PassedTo> {
    let [only] = conditions else {
        return None;
    };
    // With `ForAllValues` and the like it holds for requests of more kinds.
    let plain = !only.operator_text.contains(':');
    let meant = of_services(only).filter(|_| plain)?;
    Some(PassedTo {
        all_but: !meant.all_but,
        ..meant
    })
}

fn of_services(condition: &Condition<'_>) -> Option<PassedTo> {
    let operator = condition.operator_text.to_ascii_lowercase();
    let operator = operator.rsplit(':').next().unwrap_or_default();
    let begins = |with: &[&str]| with.iter().any(|start| operator.starts_with(start));
    if !condition.key.eq_ignore_ascii_case("iam:PassedToService") {
        return None;
    }
    // A role is never passed without the key.
    if operator == "null" {
        return Some(PassedTo {
            services: Vec::new(),
            all_but: !asks_absence(condition),
        });
    }
    let all_but = begins(&["stringnotequals", "stringnotlike"]);
    let decides = all_but || begins(&["stringequals", "stringlike"]);
    decides.then(|| PassedTo {
        services: condition.values.iter().map(ToString::to_string).collect(),
        all_but,
    })
}

/// `Null` is met without the key.
pub(crate) fn asks_absence(condition: &Condition<'_>) -> bool {
    let mut values = condition.values.iter();
    values.any(|value| value.eq_ignore_ascii_case("true"))
}

/// Takes out what a statement does not mean, since it asks for a key that these actions never carry.
/// Of IAM's own keys, which the table has of every action; tags are another matter. With `IfExists`,
/// `ForAllValues` and a negation an absent key meets the condition.
pub(crate) fn keep_asked(actions: &mut ActionSet, conditions: &[Condition<'_>]) {
    for condition in conditions {
        let operator = condition.operator_text.to_ascii_lowercase();
        let is_met_without = operator.contains("not")
            || operator.ends_with("ifexists")
            || operator.starts_with("forallvalues:")
            || (operator == "null" && asks_absence(condition));
        let key = condition.key.to_ascii_lowercase();
        if is_met_without || !key.starts_with("iam:") || key.contains('/') {
            continue;
        }
        let carries = |action: &Action| {
            let mut keys = action.condition_keys();
            keys.any(|known| known.eq_ignore_ascii_case(&key))
        };
        let of_iam = Service::find("iam").into_iter().flat_map(Service::actions);
        let carrying: ActionSet = of_iam.filter(carries).collect();
        if !carrying.is_empty() {
            *actions &= &carrying;
        }
    }
}

/// Whether a grant on a key goes to one of AWS's services alone: the call must come from a service,
/// or be for a resource of one. Source: AWS KMS developer guide, "AWS KMS condition keys",
/// kms:ViaService and kms:GrantIsForAWSResource; read 2026-11-30.
pub(crate) fn for_services(conditions: &[Condition<'_>]) -> bool {
    conditions.iter().any(|condition| {
        let operator = condition.operator_text.to_ascii_lowercase();
        let is = |key: &str| condition.key.eq_ignore_ascii_case(key);
        let named = ["stringequals", "stringequalsignorecase", "stringlike"];
        let mut values = condition.values.iter();
        (is("kms:ViaService") && named.contains(&operator.as_str()))
            || (is("kms:GrantIsForAWSResource")
                && operator == "bool"
                && values.all(|value| value.eq_ignore_ascii_case("true")))
    })
}

/// Whether it is known that a holder can meet a condition: it is met by every request, at some moment,
/// or by what the caller asks for. What depends on who the caller is beyond that, on where they come
/// from or on tags is not.
pub(crate) fn is_decided(condition: &Condition<'_>) -> bool {
    of_services(condition).is_some() || is_chosen(condition)
}

/// Whether a caller chooses by the request whether a condition holds: the region, the moment,
/// encryption. A Deny under such a condition can be avoided.
pub(crate) fn is_chosen(condition: &Condition<'_>) -> bool {
    [
        "aws:CurrentTime",
        "aws:RequestedRegion",
        "aws:SecureTransport",
    ]
    .iter()
    .any(|key| condition.key.eq_ignore_ascii_case(key))
}
