//! Texts to try before the walk through the automata: most often one of them is an answer.
//!
//! Nothing is decided here. Whoever takes a text asks whether it is possible at all and meets every
//! demand, so that a worse guess costs time and changes no answer.

use std::iter::once;

use super::identity::Kind;
use crate::sets::language::Demand;
use crate::sets::pattern::Pattern;
use crate::sets::universe::View;

/// Patterns of one list from which something is guessed.
const MOST: usize = 8;

/// The patterns that a text is to fit, by what they look at.
fn wanted<'g>(
    demands: &'g [Demand<'g, 'g>],
    view: View,
) -> impl Iterator<Item = &'g Pattern<'g>> + 'g {
    demands
        .iter()
        .filter(move |demand| demand.fits && demand.view == view)
        .flat_map(|demand| demand.patterns.iter().take(MOST))
}

/// A text that fits most patterns that look so.
fn plain(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

/// The pattern with its account part filled in, where that has a wildcard, and its partition, where
/// that is one.
fn with_account(pattern: &str, account: &str) -> String {
    let mut parts: Vec<&str> = pattern.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4)
        && part.contains(['*', '?'])
    {
        *part = account;
    }
    if let Some(part @ &mut "*") = parts.get_mut(1) {
        *part = "aws";
    }
    parts.join(":")
}

/// ARNs of callers of one kind in some accounts.
pub(crate) fn arns<'g>(
    kind: Kind,
    partition: &'g str,
    demands: &'g [Demand<'g, 'g>],
    accounts: &'g [&'g str],
) -> impl Iterator<Item = String> + 'g {
    let whole = wanted(demands, View::Whole).flat_map(move |pattern| {
        let of_accounts = accounts
            .iter()
            .map(move |account| plain(&with_account(&pattern.shown(), account)));
        // A pattern that is open in front may as well be a name.
        let of_name = accounts
            .first()
            .filter(|_| kind == Kind::RoleSession)
            .and_then(move |account| {
                let text = pattern.shown();
                (text.starts_with('*') && !text.contains(':')).then(|| {
                    let name = text.replace('*', "").replace('?', "x");
                    format!("arn:{partition}:iam::{account}:role/{name}")
                })
            });
        let as_it_stands = once(pattern).map(|pattern| plain(&pattern.shown()));
        of_accounts.chain(of_name).chain(as_it_stands)
    });
    let by_name = wanted(demands, View::Name).flat_map(move |pattern| {
        let name = plain(&pattern.shown());
        accounts
            .iter()
            .map(move |account| format!("arn:{partition}:iam::{account}:user/{name}"))
    });
    let usual = accounts
        .iter()
        .map(move |account| kind.usual_arn(partition, account));
    whole.chain(by_name).chain(usual)
}

/// User ids of a role's sessions, or of users.
pub(crate) fn user_ids<'g>(
    kind: Kind,
    demands: &'g [Demand<'g, 'g>],
) -> impl Iterator<Item = String> + 'g {
    let usual = match kind {
        Kind::User => "AIDAEXAMPLEUSERID0001",
        _ => "AROAEXAMPLEROLEID0001:any-session",
    };
    let named = |pattern: &Pattern<'_>| {
        pattern
            .shown()
            .replace('*', "any-session")
            .replace('?', "x")
    };
    let whole = wanted(demands, View::Whole).map(named);
    let sessions = wanted(demands, View::Tail)
        .map(move |pattern| format!("AROAEXAMPLEROLEID0001:{}", named(pattern)));
    once(usual.to_owned()).chain(whole).chain(sessions)
}

/// Paths of organizations.
pub(crate) fn organization_paths<'g>(
    demands: &'g [Demand<'g, 'g>],
) -> impl Iterator<Item = String> + 'g {
    let named = |pattern: &Pattern<'_>| pattern.in_small_letters(pattern.shown().replace('*', ""));
    let ids = wanted(demands, View::Head).map(move |pattern| named(pattern) + "/r-0000/");
    let paths = wanted(demands, View::Whole).map(move |pattern| {
        let text = named(pattern);
        if text.ends_with('/') && text.matches('/').count() == 1 {
            text + "r-0000/"
        } else {
            text
        }
    });
    ids.chain(paths)
        .chain(once("o-outsider00/r-0000/".to_owned()))
}

/// ARNs of resources on whose behalf a service calls.
pub(crate) fn resources<'g>(demands: &'g [Demand<'g, 'g>]) -> impl Iterator<Item = String> + 'g {
    let account = wanted(demands, View::Account)
        .find_map(Pattern::fixed)
        .unwrap_or("999999999999");
    wanted(demands, View::Whole)
        .map(move |pattern| plain(&with_account(&pattern.shown(), account)))
        .chain(once(format!("arn:aws:events:us-east-1:{account}:rule/any")))
}
