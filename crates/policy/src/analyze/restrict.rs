//! What a way demands of one key, as the answer says it.

use std::borrow::Cow;

use super::literal::Literal;
use super::network;
use super::solver::{Present, Ready, Solver};
use super::way::{Class, Way};
use crate::answer::{ExternalIdNeed, Restriction, Values};
use crate::keys::{Group, Presence, Role};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;
use crate::sets::value::Domain;

/// Patterns and networks that are listed one by one; more are summed up in words.
const MOST_NETWORKS: usize = 64;

/// Whether the values that are shown for a key are the very values that the demands on it leave: one
/// list of patterns says all, of several the one that says most is shown.
pub(crate) fn says_all(way: &Way<'_>, like: &Literal<'_>, found: Option<&Restriction>) -> bool {
    let mut demands = way
        .demands
        .iter()
        .filter(|literal| literal.same_key(like) && *literal.test != Test::Present);
    // What a variable stands for differs from caller to caller.
    if demands.clone().any(|literal| literal.test.has_variables()) {
        return false;
    }
    match found.map(|found| &found.values) {
        Some(Values::Like(_)) => {
            let first = demands.next();
            demands.all(|other| first.is_some_and(|first| first.test == other.test))
        }
        // What looks at the case of a text may take one spelling of it and leave another.
        Some(Values::OneOfIgnoringCase(_)) => demands.all(|literal| literal.test.ignores_case()),
        _ => true,
    }
}

/// What a way demands of the key of `like`; `None` where it demands nothing.
pub(crate) fn restriction(
    way: &Way<'_>,
    like: &Literal<'_>,
    solver: &mut Solver<'_>,
) -> Option<Restriction> {
    let presence = solver.presence(way, like);
    if presence == Presence::Never {
        return None;
    }
    if like.row.role == Role::MfaPresent && way.class == Class::Aws {
        let (may_be_absent, list) = solver.mfa_flag(way);
        let values = match list.len() {
            0 => Values::None,
            1 => Values::OneOf(list),
            _ => Values::Any,
        };
        return (!may_be_absent || values != Values::Any).then(|| Restriction {
            key: spelled(like),
            may_be_absent,
            values,
        });
    }
    let ready = solver.ready(way, |literal| literal.same_key(like));
    let may_be_absent = presence != Presence::Always && ready.iter().all(|one| one.literal.absent);
    let possible = match like.row.role {
        Role::MfaAge => solver.mfa_with(way) != Present::Nothing,
        _ => solver.key_of(way, like, &ready, &[]).present != Present::Nothing,
    };
    let values = if possible {
        values(way, like, &ready, solver)
    } else {
        Values::None
    };
    if may_be_absent && values == Values::Any {
        return None;
    }
    if !may_be_absent && presence == Presence::Always && values == Values::Any {
        return None;
    }
    Some(Restriction {
        key: spelled(like),
        may_be_absent,
        values,
    })
}

/// The same for a key whose possible values are solved elsewhere, where `possible` says whether there
/// are any.
pub(crate) fn restriction_on_text(
    way: &Way<'_>,
    like: &Literal<'_>,
    possible: bool,
    solver: &mut Solver<'_>,
) -> Option<Restriction> {
    let presence = solver.presence(way, like);
    if presence == Presence::Never {
        return None;
    }
    let ready = solver.ready(way, |literal| literal.same_key(like));
    let may_be_absent = presence != Presence::Always && ready.iter().all(|one| one.literal.absent);
    let values = if possible {
        values(way, like, &ready, solver)
    } else {
        Values::None
    };
    (!may_be_absent || values != Values::Any).then(|| Restriction {
        key: spelled(like),
        may_be_absent,
        values,
    })
}

/// A key as AWS documents it.
fn spelled(like: &Literal<'_>) -> String {
    let name = like.row.name;
    if name.is_empty() {
        return like.key.clone().into_owned();
    }
    // Of a family of keys the row has the beginning.
    let mut spelled = name.to_owned();
    spelled.push_str(like.key.get(name.len()..).unwrap_or_default());
    spelled
}

fn values(
    way: &Way<'_>,
    like: &Literal<'_>,
    ready: &[Ready<'_, '_>],
    solver: &mut Solver<'_>,
) -> Values {
    let networks = match like.row.role {
        Role::SourceIp => networks(way),
        _ => None,
    };
    if let Some(networks) = networks {
        return networks;
    }
    if like.row.role == Role::Now {
        let range = words(ready);
        return if range.is_empty() {
            Values::Any
        } else {
            Values::Range(range)
        };
    }
    if like.row.domain == Domain::Truth {
        return truths(ready);
    }
    // A principal has one path, though the key could hold more.
    let several = like.row.many
        && !is_of_organization(like)
        && ready
            .iter()
            .any(|one| !one.literal.each && *one.test != Test::Present);
    // What differs from caller to caller is said as it stands.
    let open_variable = ready
        .iter()
        .any(|one| one.literal.passes && one.literal.test.has_variables() && one.is_widened());
    if several || open_variable {
        return Values::Other(words(ready));
    }
    if let Some(values) = asserted(way, like, ready, solver) {
        return values;
    }
    if excludes_any(way, like, ready, solver) {
        Values::Except(words(ready))
    } else {
        Values::Any
    }
}

/// Whether a value passes and fails each demand as it asks.
fn meets(ready: &[Ready<'_, '_>], value: &str) -> bool {
    ready
        .iter()
        .all(|one| one.test.passes(value) == one.literal.passes)
}

fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = values.collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn truths(ready: &[Ready<'_, '_>]) -> Values {
    let both = ["false", "true"].into_iter();
    let list = sorted(both.filter(|v| meets(ready, v)).map(str::to_owned));
    if list.len() == 2 {
        Values::Any
    } else {
        Values::OneOf(list)
    }
}

/// The values that the demands list; `None` where they list none.
fn asserted(
    way: &Way<'_>,
    like: &Literal<'_>,
    ready: &[Ready<'_, '_>],
    solver: &mut Solver<'_>,
) -> Option<Values> {
    // Of several lists of patterns the one that says most is shown.
    let fixed = |list: &[String]| {
        let fixed = list.iter().map(|text| text.trim_end_matches('*').len());
        fixed.min().unwrap_or(0)
    };
    let mut likes: Option<Vec<String>> = None;
    let mut ordered = false;
    for one in ready.iter().filter(|one| one.literal.passes) {
        match &*one.test {
            Test::Text(patterns) => {
                match listed(&left_of(patterns, one, way, solver), like, ready) {
                    Values::Like(list) => {
                        let every = list.iter().any(|pattern| pattern == "*");
                        let known = likes.as_deref();
                        if !every && known.is_none_or(|known| fixed(&list) > fixed(known)) {
                            likes = Some(list);
                        }
                    }
                    values => return Some(values),
                }
            }
            Test::Present => {}
            _ => ordered = true,
        }
    }
    match likes {
        Some(likes) => Some(Values::Like(likes)),
        None => ordered.then(|| Values::Range(words(ready))),
    }
}

/// One list of patterns, as it is shown.
fn listed(patterns: &[Pattern<'_>], like: &Literal<'_>, ready: &[Ready<'_, '_>]) -> Values {
    if patterns.iter().all(|pattern| pattern.fixed().is_some()) {
        let texts = patterns.iter().map(|pattern| &*pattern.source);
        let left = texts.filter(|value| meets(ready, value) && like.admits(value));
        return Values::OneOf(sorted(left.map(str::to_owned)));
    }
    if patterns.iter().all(|pattern| pattern.tokens.is_none()) {
        // An organization's id has small letters.
        let texts = patterns
            .iter()
            .map(|pattern| pattern.source.to_ascii_lowercase())
            .filter(|text| !is_of_organization(like) || meets(ready, text));
        return Values::OneOfIgnoringCase(sorted(texts));
    }
    let texts = patterns.iter().map(|pattern| pattern.shown().into_owned());
    Values::Like(sorted(texts))
}

/// Whether the demands exclude any possible value.
fn excludes_any(
    way: &Way<'_>,
    like: &Literal<'_>,
    ready: &[Ready<'_, '_>],
    solver: &mut Solver<'_>,
) -> bool {
    let bare = Way {
        demands: Vec::new(),
        ..way.clone()
    };
    let mut excludes =
        is_of_organization(like) && ready.iter().any(|one| matches!(*one.test, Test::Text(_)));
    for one in ready.iter().filter(|one| *one.test != Test::Present) {
        let opposite = [(&*one.test, !one.literal.passes)];
        let excluded = solver.key(&bare, like, &opposite).present;
        // With nothing left to spend it is not known that anything is, so the key says nothing.
        excludes |= excluded != Present::Nothing && !solver.exhausted();
    }
    excludes
}

/// The patterns of a list that some value still fits, where fixed texts are among them: the other
/// demands may have left those alone, or none of them.
fn left_of<'t, 'p>(
    patterns: &'t [Pattern<'p>],
    list: &Ready<'_, '_>,
    way: &Way<'_>,
    solver: &mut Solver<'_>,
) -> Cow<'t, [Pattern<'p>]> {
    // What is fixed is held against the rest as it stands; organizations are solved elsewhere.
    let texts = patterns.iter().any(|pattern| pattern.tokens.is_none());
    let fixed = patterns.iter().all(|pattern| pattern.fixed().is_some());
    if !texts || fixed || is_of_organization(list.literal) {
        return Cow::Borrowed(patterns);
    }
    // What fits one pattern of the list has passed the list.
    let mut others = way.clone();
    others.demands.retain(|one| !one.same(list.literal));
    let mut left = patterns.to_vec();
    left.retain(|pattern| {
        let only = Test::Text(vec![pattern.clone()]);
        let found = solver.key(&others, list.literal, &[(&only, true)]);
        found.present != Present::Nothing
    });
    Cow::Owned(left)
}

fn is_of_organization(literal: &Literal<'_>) -> bool {
    matches!(
        literal.row.role.group(),
        Group::Organization | Group::SourceOrganization
    )
}

fn networks(way: &Way<'_>) -> Option<Values> {
    let ranges = network::admitted(way)?;
    // The networks as they were listed, where they are all there is to it.
    let mut lists = way
        .of_role(Role::SourceIp)
        .filter_map(|literal| match &*literal.test {
            Test::Networks(networks) => Some((networks, literal.passes)),
            _ => None,
        });
    if let (Some((listed, true)), None) = (lists.next(), lists.next()) {
        let mut texts: Vec<String> = listed
            .iter()
            .map(crate::sets::network::Network::text)
            .collect();
        texts.sort_unstable();
        texts.dedup();
        return Some(Values::Networks(texts));
    }
    let mut texts = Vec::new();
    for range in ranges {
        let whole = range.first == 0
            && range.last
                == if range.six {
                    u128::MAX
                } else {
                    u128::from(u32::MAX)
                };
        if whole {
            return None;
        }
        let list = network::networks_of(range, MOST_NETWORKS)?;
        texts.extend(list.iter().map(crate::sets::network::Network::text));
    }
    texts.sort_unstable();
    (texts.len() <= MOST_NETWORKS).then_some(Values::Networks(texts))
}

/// Demands in words.
fn words(ready: &[Ready<'_, '_>]) -> String {
    let mut said: Vec<String> = ready
        .iter()
        .filter_map(|one| {
            let what = match &*one.test {
                Test::Present => return None,
                Test::Text(patterns) => patterns
                    .iter()
                    .map(|pattern| format!("\"{}\"", pattern.source))
                    .collect(),
                Test::Number(relation, constants) => constants
                    .iter()
                    .map(|constant| format!("{} {constant}", relation.words()))
                    .collect(),
                Test::Moment(relation, constants) => constants
                    .iter()
                    .map(|constant| format!("{} {constant}", relation.words_of_time()))
                    .collect(),
                Test::Truth { yes, no } => {
                    let mut list = Vec::new();
                    if *yes {
                        list.push("true".to_owned());
                    }
                    if *no {
                        list.push("false".to_owned());
                    }
                    list
                }
                Test::Networks(networks) => networks
                    .iter()
                    .map(crate::sets::network::Network::text)
                    .collect::<Vec<_>>(),
            };
            let what = what.join(" or ");
            Some(
                match (one.literal.passes, one.literal.each, one.literal.row.many) {
                    (true, true, true) => format!("each {what}"),
                    (true, false, true) => format!("at least one {what}"),
                    (false, false, true) => format!("at least one other than {what}"),
                    (true, ..) => what,
                    (false, ..) => format!("not {what}"),
                },
            )
        })
        .collect();
    said.sort_unstable();
    said.dedup();
    said.join(" and ")
}

/// What a caller who goes this way must say as external id.
pub(crate) fn external_id(found: Option<&Restriction>) -> ExternalIdNeed {
    let Some(found) = found else {
        return ExternalIdNeed::NotRequired;
    };
    match (&found.values, found.may_be_absent) {
        (Values::None, true) => ExternalIdNeed::Forbidden,
        (_, true) => ExternalIdNeed::NotRequired,
        (Values::Any, false) => ExternalIdNeed::AnyValue,
        (Values::OneOf(_) | Values::OneOfIgnoringCase(_), false) => ExternalIdNeed::Required,
        _ => ExternalIdNeed::Pattern,
    }
}
