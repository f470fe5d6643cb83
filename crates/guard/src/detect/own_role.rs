//! The guard's own roles: each is for Lambda alone.

use policy::{Grant, Who};

use super::access::finding;
use super::verdict::Judgement;
use crate::check::{Check, Finding};
use crate::model::RoleRef;
use crate::rules::Rules;

const LAMBDA: &str = "lambda.amazonaws.com";

/// What is wrong with one of the guard's own roles: its trust policy lets somebody else assume it,
/// whoever that is, or cannot be read.
pub(crate) fn own_role_opened(
    rules: &Rules,
    own_roles: &[String],
    role: &RoleRef,
    judgement: &Judgement,
) -> Option<Finding> {
    if !own_roles.iter().any(|own| role.is(own)) {
        return None;
    }
    let for_lambda = |grant: &Grant| match &grant.principal {
        Who::Service { service } => service == LAMBDA,
        _ => false,
    };
    let closed = judgement
        .analysis
        .as_ref()
        .is_some_and(|analysis| analysis.grants.iter().all(for_lambda));
    let name = role.name.as_deref().unwrap_or_default();
    let message = format!("role {name} is one of the guard's own, which only Lambda is to assume");
    (!closed).then(|| Finding {
        fix: Some("deploy the stack again, and find out who changed the role".to_owned()),
        ..finding(rules, Check::GuardTampered, message)
    })
}

/// The guard's own role did something that no order planned: `did`, up to "the guard".
pub(crate) fn guard_tampered(rules: &Rules, did: &str) -> Finding {
    let message = format!("the guard's own role {did} the guard never planned");
    Finding {
        fix: Some("find out who uses the remediator's role, and end its sessions".to_owned()),
        ..finding(rules, Check::GuardTampered, message)
    }
}
