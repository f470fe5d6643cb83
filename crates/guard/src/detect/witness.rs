//! The proof of a finding: a request that is allowed and that the rule does not admit.

use policy::glob::matches;
use policy::{Grant, Request, Values};

use super::coverage::Unmet;

/// The request that proves a grant, with another value where a rule admits the one it has. Whether
/// the document lets such a request in is asked of `is_allowed`; if it lets none in, the request
/// stays what it was.
pub(super) fn breaking_the_rule(
    request: &Request,
    grant: &Grant,
    unmet: &Unmet,
    is_allowed: &dyn Fn(&Request) -> bool,
) -> Request {
    let admitted = |value: &String| unmet.admitted.iter().any(|named| matches(named, value));
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

/// Some values of a set.
fn instances(values: &Values) -> Vec<String> {
    match values {
        Values::OneOf(list) | Values::OneOfIgnoringCase(list) => list.clone(),
        Values::Like(patterns) => {
            let filled = |pattern: &String| {
                ["", "x", "somebody-else", "x/x:x"].map(|text| {
                    let text = pattern.replace('*', text);
                    text.replace('?', "x")
                })
            };
            patterns.iter().flat_map(filled).collect()
        }
        _ => ["somebody-else", "00000000"].map(str::to_owned).to_vec(),
    }
}
