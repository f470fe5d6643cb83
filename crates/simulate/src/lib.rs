// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]
#![doc = include_str!("../README.md")]

pub mod account;
pub mod cast;
pub mod counts;
pub mod dice;
pub mod director;
pub mod documents;
pub mod hand;
pub mod judges;
pub mod mutations;
pub mod queue;
pub mod rulebook;
pub mod scene;
pub mod trail;

use counts::{Counts, Happened};
use guard::remediate::OutcomeKind;

/// Runs one history and says what was wrong with it.
pub fn history(seed: u64, oracle: &documents::Oracle, counts: &mut Counts) -> Vec<String> {
    let ran = director::run(seed, false);
    let wrongs = judges::wrongs(&ran, oracle);
    let duplicates = judges::duplicates(&ran);
    let mut inside = ran.scene.inside();
    let spent = inside.published.iter().any(|(alert, _)| {
        alert
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.kind == OutcomeKind::BudgetSpent)
    });
    if spent {
        inside.happened.insert(Happened::BudgetSpent);
    }
    if inside
        .published
        .iter()
        .any(|(alert, _)| alert.digest.is_some())
    {
        inside.happened.insert(Happened::Digest);
    }
    counts.seeds += 1;
    counts.violations += u64::from(!wrongs.is_empty());
    if let Some((alerts, again)) = duplicates {
        counts.alerts += alerts;
        counts.duplicates += again;
    }
    for happened in &inside.happened {
        *counts.happened.entry(*happened).or_default() += 1;
    }
    for pair in &inside.crashed_between {
        *counts.crashes.entry(*pair).or_default() += 1;
    }
    wrongs
}

/// The whole history of a seed in words, and what was wrong with it.
pub fn story(seed: u64, oracle: &documents::Oracle) -> (Vec<String>, Vec<String>) {
    let ran = director::run(seed, true);
    let wrongs = judges::wrongs(&ran, oracle);
    let story = ran.scene.inside().story.take().unwrap_or_default();
    (story, wrongs)
}
