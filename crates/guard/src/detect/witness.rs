//! The proof of a finding: a request that is allowed and that the rule does not admit.

use policy::glob::matches;
use policy::{Grant, Request, Values};

use super::coverage::Unmet;
use super::network::contains;
use super::vendor::is_of;
use crate::rules::{arn_parts, is_pattern};

/// The request that proves a grant, with another value where a rule admits the one it has. Whether
/// the document lets such a request in is asked of `is_allowed`; if it lets none in, the request
/// stays what it was.
pub(super) fn breaking_the_rule(
    request: &Request,
    grant: &Grant,
    unmet: &Unmet,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Request {
    if unmet.key == "aws:PrincipalArn" {
        return by_another_principal(request, grant, unmet, is_allowed);
    }
    let admitted = |value: &String| {
        let mut named = unmet.admitted.iter();
        named.any(|named| matches(named, value) || contains(named, value))
    };
    let said = |(key, _): &(&String, &Vec<String>)| key.eq_ignore_ascii_case(&unmet.key);
    let said = request.context.iter().find(said);
    // What the request does not say, it may leave out.
    let Some((key, values)) = said.filter(|(_, values)| values.iter().any(admitted)) else {
        return request.clone();
    };
    let others = grant.restriction(&unmet.key);
    let mut candidates = others.map_or_else(Vec::new, |found| instances(&found.values));
    candidates.retain(|value| !admitted(value));
    let with = |value: Option<String>| {
        let mut other = request.clone();
        let values = values.iter().filter(|value| !admitted(value)).cloned();
        let values: Vec<String> = values.chain(value).collect();
        if values.is_empty() {
            other.context.remove(key);
        } else {
            other.context.insert(key.clone(), values);
        }
        other
    };
    candidates
        .into_iter()
        .map(|value| with(Some(value)))
        .chain([with(None)])
        .find(|other| is_allowed(other))
        .unwrap_or_else(|| request.clone())
}

/// The request as this service makes it, if that is allowed.
pub(super) fn by_service(
    request: Request,
    service: &str,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Request {
    let mut other = request.clone();
    other.principal.value = service.to_owned();
    if is_allowed(&other) { other } else { request }
}

/// The request by another role or user of the account, where a rule names the one that makes it.
fn by_another_principal(
    request: &Request,
    grant: &Grant,
    unmet: &Unmet,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Request {
    const KEY: &str = "aws:PrincipalArn";
    let admitted = |arn: &str| unmet.admitted.iter().any(|named| is_of(arn, named));
    let Some((_, account, _)) = arn_parts(&request.principal.value) else {
        return request.clone();
    };
    let partition = request.principal.value.split(':').nth(1).unwrap_or("aws");
    if !admitted(&request.principal.value) {
        return request.clone();
    }
    let any = ["role/somebody-else", "user/somebody-else"]
        .map(|who| format!("arn:{partition}:iam::{account}:{who}"));
    let limited = grant.restriction(KEY);
    let limited = limited.map_or_else(Vec::new, |found| instances(&found.values));
    let by = |arn: String| {
        let mut other = request.clone();
        other.context.remove(KEY);
        other.principal.value = match arn.split_once(":role/") {
            Some((_, role)) => {
                let role = role.rsplit('/').next().unwrap_or(role).to_owned();
                other.context.insert(KEY.to_owned(), vec![arn]);
                format!("arn:{partition}:sts::{account}:assumed-role/{role}/any-session")
            }
            None => arn,
        };
        other
    };
    any.into_iter()
        .chain(limited)
        .filter(|arn| !admitted(arn))
        .map(by)
        .find(|other| is_allowed(other))
        .unwrap_or_else(|| request.clone())
}

/// Some values of a set.
fn instances(values: &Values) -> Vec<String> {
    match values {
        Values::OneOf(list) | Values::OneOfIgnoringCase(list) => list.clone(),
        Values::Like(patterns) => {
            let filled = |pattern: &String| {
                let pattern = of_another_account(pattern);
                ["", "x", "somebody-else", "x/x:x"].map(|text| {
                    let text = pattern.replace('*', text);
                    text.replace('?', "x")
                })
            };
            patterns.iter().flat_map(filled).collect()
        }
        Values::Networks(cidrs) => {
            let address = |cidr: &String| cidr.split('/').next().unwrap_or_default().to_owned();
            cidrs.iter().map(address).collect()
        }
        _ => ["somebody-else", "00000000"].map(str::to_owned).to_vec(),
    }
}

/// An ARN whose account is left open, in an account that nobody names.
fn of_another_account(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match *parts {
        ["arn", partition, service, region, account, resource] if is_pattern(account) => {
            format!("arn:{partition}:{service}:{region}:999999999999:{resource}")
        }
        _ => arn.to_owned(),
    }
}
