//! One concrete request against one document, by AWS's rules.
//!
//! This half of the crate is the proof of the other: the analyzer's witnesses must be allowed
//! here, and no request outside its answer may be. It therefore shares with the analyzer only the
//! parser, the document's types and the glob matcher; how conditions compare, which keys a caller
//! carries and whom a principal names is written here a second time.
//!
//! How a request is decided:
//!
//! 1. The caller and what they send become the request's keys ([`RequestError`] where they
//!    contradict each other). A key that such a caller never carries is not seen, whatever the
//!    request says: `aws:SourceAccount` is set only on calls by services, a claim only on the
//!    web-identity call of its provider, and only if AWS knows the claim.
//! 2. A call that STS itself refuses is denied: the wrong operation for the caller, an external id
//!    that is too short.
//! 3. A Deny that matches decides. Else the first Allow that matches does.
//! 4. Session tags need `sts:TagSession`, a source identity needs `sts:SetSourceIdentity`, decided
//!    in the same way.

mod caller;
mod compare;
mod condition;
mod keys;
mod request;
mod variable;

use self::caller::Caller;
use self::keys::Keys;
pub use self::request::{EvaluationContext, RequestError};
use crate::answer::Request;
use crate::document::{Effect, Origin, Principal, PrincipalKind, Statement, TrustPolicy, Version};
use crate::glob;

/// The document's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The caller gets a session.
    pub allowed: bool,
    /// Index of the statement that decided; `None` where none matched, or STS refuses the call.
    pub statement: Option<usize>,
    /// In words: lower case, no full stop.
    pub why: String,
}

/// Whether this document lets this caller in, and which statement decided.
///
/// # Errors
/// For a request that contradicts itself.
pub fn evaluate(
    policy: &TrustPolicy<'_>,
    request: &Request,
    context: &EvaluationContext<'_>,
) -> Result<Decision, RequestError> {
    let (caller, keys) = keys::of_request(request, context)?;
    let denied = |why: String| Decision {
        allowed: false,
        statement: None,
        why,
    };
    if policy.version == Version::Unknown {
        return Ok(denied(
            "the policy language has no such version: nobody has access".to_owned(),
        ));
    }
    let action = match caller.operation(&request.action) {
        Ok(action) => action,
        Err(why) => return Ok(denied(why)),
    };
    if let Some(why) = keys::refused_by_sts(&caller, &keys) {
        return Ok(denied(why));
    }
    let asked = Asked {
        policy,
        caller: &caller,
        keys: &keys,
        origin: context.origin,
    };
    if let Some(why) = asked.lacks_claim() {
        return Ok(denied(why));
    }
    let entry = asked.decide(action);
    if !entry.allowed {
        return Ok(entry);
    }
    for (needed, carries) in [
        ("sts:TagSession", keys.carries_tags()),
        ("sts:SetSourceIdentity", keys.carries_source_identity()),
    ] {
        if carries {
            let rider = asked.decide(needed);
            if !rider.allowed {
                return Ok(Decision {
                    why: format!("the call also needs {needed}: {}", rider.why),
                    ..rider
                });
            }
        }
    }
    Ok(entry)
}

/// One request, ready to be held against statements.
struct Asked<'r> {
    policy: &'r TrustPolicy<'r>,
    caller: &'r Caller,
    keys: &'r Keys,
    origin: Origin,
}

impl Asked<'_> {
    /// Deny before Allow, and the first Allow that matches.
    fn decide(&self, action: &str) -> Decision {
        let matching = |effect: Effect| {
            self.policy.statements.iter().find(|statement| {
                statement.effect == Some(effect) && self.matches(statement, effect, action)
            })
        };
        let (allowed, found) = match matching(Effect::Deny) {
            Some(denies) => (false, Some(denies)),
            None => match matching(Effect::Allow) {
                Some(allows) => (true, Some(allows)),
                None => (false, None),
            },
        };
        let Some(statement) = found else {
            let why = format!("no statement allows {action} to {}", self.caller);
            return Decision {
                allowed,
                statement: None,
                why,
            };
        };
        let name = match statement.sid.as_deref() {
            Some(sid) if !sid.is_empty() => format!("statement {} ({sid})", statement.index),
            _ => format!("statement {}", statement.index),
        };
        let verb = if allowed { "allows" } else { "denies" };
        Decision {
            allowed,
            statement: Some(statement.index),
            why: format!("{name} {verb} {action} to {}", self.caller),
        }
    }

    fn matches(&self, statement: &Statement<'_>, effect: Effect, action: &str) -> bool {
        self.names_caller(statement, effect)
            && names_action(statement, action)
            && statement
                .conditions
                .iter()
                .all(|condition| condition::holds(condition, self.keys, self.policy.version))
    }

    fn names_caller(&self, statement: &Statement<'_>, effect: Effect) -> bool {
        let listed = |principals: &[Principal<'_>]| {
            principals
                .iter()
                .any(|principal| self.is_caller(principal, effect))
        };
        match (&statement.principal, &statement.not_principal) {
            (None, None) => false,
            (principal, not_principal) => {
                let not_listed = |principals: &[Principal<'_>]| {
                    !principals
                        .iter()
                        .any(|principal| self.is_caller(principal, Effect::Allow))
                };
                principal.as_deref().is_none_or(listed)
                    && not_principal.as_deref().is_none_or(not_listed)
            }
        }
    }

    /// Whether a principal's value names the caller.
    fn is_caller(&self, principal: &Principal<'_>, effect: Effect) -> bool {
        if principal.meaningless {
            return false;
        }
        match principal.kind {
            PrincipalKind::Everyone => true,
            PrincipalKind::Aws if principal.value == "*" => self.is_anyone(effect),
            PrincipalKind::Aws if is_unique_id(&principal.value) => self.has_id(&principal.value),
            PrincipalKind::Aws => self.caller.is_named(&principal.value),
            PrincipalKind::Service => self.caller.is_service(&principal.value),
            PrincipalKind::Federated => self.caller.is_provider(&principal.value),
            PrincipalKind::Unknown => false,
        }
    }

    /// `"AWS": "*"` means AWS principals, services and federated callers. Whether a Deny on it
    /// reaches the last has no source, so it keeps out only the others; `"*"` alone keeps out all,
    /// as in AWS's samples of resource control policies.
    fn is_anyone(&self, effect: Effect) -> bool {
        effect == Effect::Allow || !matches!(self.caller, Caller::Federated { .. })
    }

    /// Whether a unique id under `Principal` is the caller's. Only a document as sent means a living
    /// principal by it.
    fn has_id(&self, id: &str) -> bool {
        let reported = || self.keys.get("aws:userid")?.first()?.split(':').next();
        self.origin == Origin::Sent && self.caller.unique_id().or_else(reported) == Some(id)
    }

    /// A token without subject or audience is no token: a document that asks for one must be told.
    fn lacks_claim(&self) -> Option<String> {
        let asks = |key: &str| {
            self.policy.statements.iter().any(|statement| {
                statement
                    .conditions
                    .iter()
                    .any(|found| found.key.eq_ignore_ascii_case(key))
            })
        };
        self.caller
            .claims_of_every_token()
            .into_iter()
            .find(|key| !self.keys.has(key) && asks(key))
            .map(|key| format!("every such token carries {key}, and the request does not say it"))
    }
}

/// The id of a role or a user, in place of its ARN.
fn is_unique_id(value: &str) -> bool {
    value.starts_with("AROA") || value.starts_with("AIDA")
}

fn names_action(statement: &Statement<'_>, action: &str) -> bool {
    let listed = |patterns: &[std::borrow::Cow<'_, str>]| {
        patterns
            .iter()
            .any(|pattern| glob::matches_ignoring_case(pattern, action))
    };
    match (&statement.action, &statement.not_action) {
        (None, None) => false,
        (action, not_action) => {
            action.as_deref().is_none_or(listed)
                && not_action
                    .as_deref()
                    .is_none_or(|patterns| !listed(patterns))
        }
    }
}
