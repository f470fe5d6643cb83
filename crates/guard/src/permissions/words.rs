//! Sets of actions, in words that fit into a sentence.

use permissions::{ActionSet, telling};

/// So many services or actions are named.
const NAMED: usize = 6;

/// ` (only under conditions)`, or nothing.
pub(super) fn under_conditions(conditional: bool) -> &'static str {
    if conditional {
        " (only under conditions)"
    } else {
        ""
    }
}

/// How many actions of which services, most first: `ec2 30, s3 11`.
pub(super) fn by_service(actions: &ActionSet) -> String {
    let mut counts: Vec<(usize, &'static str)> = Vec::new();
    for action in actions.iter() {
        let prefix = action.service().prefix();
        match counts.last_mut() {
            Some((count, last)) if *last == prefix => *count += 1,
            _ => counts.push((1, prefix)),
        }
    }
    counts.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let more = counts.len().saturating_sub(NAMED);
    let named = counts.iter().take(NAMED);
    let mut text = named
        .map(|(count, prefix)| format!("{prefix} {count}"))
        .collect::<Vec<_>>()
        .join(", ");
    if more > 0 {
        let plural = if more == 1 { "" } else { "s" };
        text.push_str(&format!(", {more} other service{plural}"));
    }
    text
}

/// The actions by name, the best known first, and how many more.
pub(super) fn listed(actions: &ActionSet) -> String {
    let first = telling(actions);
    let rest = actions.iter().filter(|action| Some(*action) != first);
    let named: Vec<String> = first
        .into_iter()
        .chain(rest)
        .take(3)
        .map(|action| action.to_string())
        .collect();
    let more = actions.len().saturating_sub(named.len());
    let mut text = named.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
