//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}`.
//!
//! Source: IAM user guide, "IAM policy elements: Variables and tags". They are text in version
//! 2008-10-17, and stand in values of string and ARN operators only.

use std::borrow::Cow;

use super::compare::{Wanted, mark};
use super::keys::Keys;
use crate::document::{Comparison, Version};

/// Replaces the variables of a value. `None` where one has neither a value nor a default: such a
/// value matches nothing.
pub(super) fn resolve<'v>(
    value: &'v str,
    comparison: Comparison,
    keys: &Keys,
    version: Version,
) -> Option<Wanted<'v>> {
    let plain = Wanted {
        value: Cow::Borrowed(value),
        marked: false,
    };
    let pattern = match comparison {
        Comparison::StringLike | Comparison::ArnLike => true,
        Comparison::StringEquals | Comparison::StringEqualsIgnoreCase => false,
        _ => return Some(plain),
    };
    if version != Version::V2012 || !value.contains("${") {
        return Some(plain);
    }
    let literal = |text: &str| if pattern { mark(text) } else { text.to_owned() };
    let mut resolved = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        resolved.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            // Never closed: text.
            resolved.push_str("${");
            rest = after;
            continue;
        };
        resolved.push_str(&literal(&variable(name, keys)?));
        rest = behind;
    }
    resolved.push_str(rest);
    Some(Wanted {
        value: Cow::Owned(resolved),
        marked: pattern,
    })
}

/// What stands for `${name}` or `${name, 'default'}`.
fn variable(name: &str, keys: &Keys) -> Option<String> {
    if let "*" | "?" | "$" = name {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (name, None),
    };
    match keys.get(key.trim()) {
        // A key with several values is none that a variable could stand for.
        Some([value]) => Some(value.clone()),
        Some(_) => None,
        None => default
            .and_then(|quoted| quoted.strip_prefix('\'')?.strip_suffix('\''))
            .map(str::to_owned),
    }
}
