//! Texts to try before the walk through the automata: most often one of them is an answer.
//!
//! Nothing is decided here. Whoever takes a text asks whether it is possible at all and meets every
//! demand, so that a worse guess costs time and changes no answer.

use std::borrow::Cow;
use std::iter::{once, once_with};

use super::caller::Kind;
use crate::arn;
use crate::glob::{filled, has_wildcard};
use crate::sets::language::Demand;
use crate::sets::pattern::Pattern;
use crate::sets::universe::View;

/// Patterns of one list from which something is guessed.
const MOST: usize = 8;

/// The patterns that a text is to fit, by what they look at.
fn wanted<'g>(demands: &'g [Demand<'g, 'g>], view: View) -> impl Iterator<Item = &'g Pattern<'g>> {
    demands
        .iter()
        .filter(move |demand| demand.fits && demand.view == view)
        .flat_map(|demand| demand.patterns.iter().take(MOST))
}

/// A text that fits most patterns that look so.
fn plain<'g>(pattern: &'g Pattern<'_>) -> Cow<'g, str> {
    pattern.shown_with("x", "x")
}

/// The same with the account part filled in, where that has a wildcard, and the partition, where
/// that is one.
fn with_account<'g>(pattern: &'g Pattern<'_>, account: &str) -> Cow<'g, str> {
    let shown = pattern.shown();
    let open = |place, is_open: fn(&str) -> bool| arn::part(&shown, place).is_some_and(is_open);
    if !open(1, |part| part == "*") && !open(4, has_wildcard) {
        return plain(pattern);
    }
    let mut parts: Vec<&str> = shown.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4)
        && has_wildcard(part)
    {
        *part = account;
    }
    if let Some(part @ &mut "*") = parts.get_mut(1) {
        *part = "aws";
    }
    Cow::Owned(filled(&parts.join(":"), "x", "x").into_owned())
}

/// ARNs of callers of one kind in some accounts.
pub(crate) fn arns<'g>(
    kind: Kind,
    partition: &'g str,
    demands: &'g [Demand<'g, 'g>],
    accounts: &'g [&'g str],
) -> impl Iterator<Item = Cow<'g, str>> {
    let whole = wanted(demands, View::Whole).flat_map(move |pattern| {
        let of_accounts = accounts
            .iter()
            .map(move |account| with_account(pattern, account));
        // A pattern that is open in front may as well be a name.
        let of_name = accounts
            .first()
            .filter(|_| kind == Kind::RoleSession)
            .and_then(move |account| {
                let text = pattern.shown();
                (text.starts_with('*') && !text.contains(':')).then(|| {
                    let name = filled(&text, "", "x");
                    format!("arn:{partition}:iam::{account}:role/{name}").into()
                })
            });
        let as_it_stands = once_with(move || plain(pattern));
        of_accounts.chain(of_name).chain(as_it_stands)
    });
    let by_name = wanted(demands, View::Name).flat_map(move |pattern| {
        let name = plain(pattern);
        accounts
            .iter()
            .map(move |account| format!("arn:{partition}:iam::{account}:user/{name}").into())
    });
    let usual = accounts
        .iter()
        .map(move |account| kind.usual_arn(partition, account).into());
    whole.chain(by_name).chain(usual)
}

/// User ids of a role's sessions, or of users.
pub(crate) fn user_ids<'g>(
    kind: Kind,
    demands: &'g [Demand<'g, 'g>],
) -> impl Iterator<Item = Cow<'g, str>> {
    let usual = match kind {
        Kind::User => "AIDAEXAMPLEUSERID0001",
        _ => "AROAEXAMPLEROLEID0001:any-session",
    };
    let named = |pattern: &'g Pattern<'g>| pattern.shown_with("any-session", "x");
    let whole = wanted(demands, View::Whole).map(named);
    let sessions = wanted(demands, View::Tail)
        .map(move |pattern| format!("AROAEXAMPLEROLEID0001:{}", named(pattern)).into());
    once(usual.into()).chain(whole).chain(sessions)
}

/// Paths of organizations.
pub(crate) fn organization_paths<'g>(
    demands: &'g [Demand<'g, 'g>],
) -> impl Iterator<Item = Cow<'g, str>> {
    let named = |pattern: &'g Pattern<'g>| pattern.in_small_letters(pattern.shown_with("", "?"));
    let ids = wanted(demands, View::Head).map(move |pattern| named(pattern) + "/r-0000/");
    let paths = wanted(demands, View::Whole).map(move |pattern| {
        let text = named(pattern);
        if text.ends_with('/') && text.matches('/').count() == 1 {
            text + "r-0000/"
        } else {
            text
        }
    });
    ids.chain(paths).chain(once("o-outsider00/r-0000/".into()))
}

/// ARNs of resources on whose behalf a service calls.
pub(crate) fn resources<'g>(demands: &'g [Demand<'g, 'g>]) -> impl Iterator<Item = Cow<'g, str>> {
    let account = wanted(demands, View::Account)
        .find_map(Pattern::fixed)
        .unwrap_or("999999999999");
    wanted(demands, View::Whole)
        .map(move |pattern| with_account(pattern, account))
        .chain(once_with(move || {
            format!("arn:aws:events:us-east-1:{account}:rule/any").into()
        }))
}
