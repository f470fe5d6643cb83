//! Repair: the smallest removal after which a document complies.

use policy::TrustPolicy;
use policy::document::Effect;

use super::edit::{Removal, without};
use crate::model::is_unique_id;

/// A repaired document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What is left: compliant, and byte for byte the old document but for what was taken out.
    pub document: String,
    /// Principals taken out, as written, each with the index of its statement.
    pub removed: Vec<(usize, String)>,
    /// Indices of statements taken out whole.
    pub removed_statements: Vec<usize>,
}

/// Takes out every principal that makes the document violating, and nothing compliant. `compliant`
/// is the judgement that decides: readable, and without a finding that is to be remediated.
///
/// Each principal of each Allow statement is judged by itself, beside all Deny statements: what is
/// violating alone goes. `None` when nothing compliant would be left, or when what is left is not
/// compliant: then only quarantine helps.
pub fn repair(document: &str, compliant: impl Fn(&str) -> bool) -> Option<Repaired> {
    let policy = TrustPolicy::parse(document).ok()?;
    let allows = |index: usize| {
        policy
            .statements
            .iter()
            .any(|known| known.index == index && known.effect == Some(Effect::Allow))
    };
    let all_allows: Vec<usize> = policy
        .statements
        .iter()
        .map(|known| known.index)
        .filter(|index| allows(*index))
        .collect();
    let mut removal = Removal::default();
    for statement in &policy.statements {
        if statement.effect.is_none() {
            // IAM would refuse it back, and what it was meant to say nobody knows.
            removal.statements.insert(statement.index);
            continue;
        }
        let Some(principals) = &statement.principal else {
            if statement.effect == Some(Effect::Allow) {
                removal.statements.insert(statement.index);
            }
            continue;
        };
        for (place, principal) in principals.iter().enumerate() {
            if is_unique_id(&principal.value) {
                // IAM refuses what it shows for a deleted principal; it stands for nobody.
                removal.principals.insert((statement.index, place));
                continue;
            }
            if statement.effect != Some(Effect::Allow) {
                continue;
            }
            let mut others = Removal::default();
            others
                .statements
                .extend(all_allows.iter().filter(|index| **index != statement.index));
            let siblings = (0..principals.len()).filter(|other| *other != place);
            others
                .principals
                .extend(siblings.map(|other| (statement.index, other)));
            let alone = without(document, &policy, &others)?;
            if !compliant(&alone) {
                removal.principals.insert((statement.index, place));
            }
        }
    }
    finish(document, &policy, removal, &all_allows, &compliant)
}

/// The document without a principal that IAM refused, wherever it stands, and how it was written
/// there. `None` when nothing compliant is left without it, or when it does not stand there.
pub fn without_principal(
    document: &str,
    refused: &str,
    compliant: impl Fn(&str) -> bool,
) -> Option<(String, String)> {
    let policy = TrustPolicy::parse(document).ok()?;
    let mut removal = Removal::default();
    let mut written = None;
    for statement in &policy.statements {
        for (place, principal) in statement.principal.iter().flatten().enumerate() {
            if principal.value.len() > 1 && names(refused, &principal.value) {
                removal.principals.insert((statement.index, place));
                written.get_or_insert_with(|| principal.value.clone().into_owned());
            }
        }
    }
    let written = written?;
    let allows: Vec<usize> = policy
        .statements
        .iter()
        .filter(|known| known.effect == Some(Effect::Allow))
        .map(|known| known.index)
        .collect();
    let left = finish(document, &policy, removal, &allows, &compliant)?;
    Some((left.document, written))
}

/// IAM quotes the principal within its message; it must stand there whole.
fn names(message: &str, principal: &str) -> bool {
    message == principal || message.contains(&format!("\"{principal}\""))
}

fn finish(
    document: &str,
    policy: &TrustPolicy<'_>,
    removal: Removal,
    allows: &[usize],
    compliant: &impl Fn(&str) -> bool,
) -> Option<Repaired> {
    if removal.is_empty() {
        return None;
    }
    let mut removed = Vec::new();
    let mut removed_statements: Vec<usize> = removal.statements.iter().copied().collect();
    let mut grants_left = false;
    for statement in &policy.statements {
        let places = statement.principal.as_ref().map_or(0, Vec::len);
        let gone: Vec<usize> = removal
            .principals
            .iter()
            .filter(|(index, _)| *index == statement.index)
            .map(|(_, place)| *place)
            .collect();
        let whole =
            removal.statements.contains(&statement.index) || (places > 0 && gone.len() == places);
        if whole && !removed_statements.contains(&statement.index) {
            removed_statements.push(statement.index);
        }
        grants_left |= !whole && allows.contains(&statement.index);
        for place in gone {
            if let Some(principal) = statement.principal.as_ref().and_then(|all| all.get(place)) {
                removed.push((statement.index, principal.value.clone().into_owned()));
            }
        }
    }
    if !grants_left {
        return None;
    }
    removed_statements.sort_unstable();
    let left = without(document, policy, &removal)?;
    compliant(&left).then_some(Repaired {
        document: left,
        removed,
        removed_statements,
    })
}
