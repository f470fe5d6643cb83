// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]
#![doc = include_str!("../README.md")]

pub mod account;
pub mod actors;
pub mod counts;
pub mod documents;
pub mod events;
pub mod faults;
pub mod invariants;
pub mod moment;
pub mod oracle;
pub mod play;
pub mod ports;
pub mod queue;
pub mod rng;
pub mod rules;
pub mod scheduler;
pub mod setup;
pub mod state;

use counts::{Counts, Coverage};
use guard::remediate::OutcomeKind;

/// Judges the documents of the histories.
pub fn oracle() -> oracle::Oracle {
    oracle::Oracle::new()
}

/// Runs one history and says what was wrong with it.
pub fn history(seed: u64, oracle: &oracle::Oracle, counts: &mut Counts) -> Vec<String> {
    let ran = scheduler::run(seed, false);
    let violations = invariants::violations(&ran, oracle);
    let duplicates = invariants::duplicates(&ran);
    let mut state = ran.shared.lock();
    let spent = state.published.iter().any(|(alert, _)| {
        alert
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.kind == OutcomeKind::BudgetSpent)
    });
    if spent {
        state.coverage.insert(Coverage::BudgetSpent);
    }
    if state
        .published
        .iter()
        .any(|(alert, _)| alert.digest.is_some())
    {
        state.coverage.insert(Coverage::Digest);
    }
    counts.seeds += 1;
    counts.violations += u64::from(!violations.is_empty());
    if let Some((alerts, again)) = duplicates {
        counts.alerts += alerts;
        counts.duplicates += again;
        if again > 0 {
            counts.duplicates_in.insert(seed);
        }
    }
    for coverage in &state.coverage {
        *counts.coverage.entry(*coverage).or_default() += 1;
    }
    for pair in &state.crashed_between {
        *counts.crashes.entry(*pair).or_default() += 1;
    }
    violations
}

/// The whole history of a seed in words, and what was wrong with it.
pub fn story(seed: u64, oracle: &oracle::Oracle) -> (Vec<String>, Vec<String>) {
    let ran = scheduler::run(seed, true);
    let violations = invariants::violations(&ran, oracle);
    let story = ran.shared.lock().story.take().unwrap_or_default();
    (story, violations)
}
