//! Many histories, on several threads.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::counts::Counts;
use crate::{history, oracle};

/// Which histories are run.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// On how many threads.
    pub threads: usize,
    /// After so many histories with violations no further one begins.
    pub most: u64,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Played {
    /// What they held.
    pub counts: Counts,
    /// The histories with violations, by seed, and what was wrong.
    pub failed: Vec<(u64, Vec<String>)>,
}

/// Runs them. `begin` is called on each thread before its first history, `found` for each history
/// with violations, at once.
pub fn play(
    range: Range,
    begin: impl Fn() + Sync,
    found: impl Fn(u64, &[String]) + Sync,
) -> Played {
    let next = AtomicU64::new(range.from);
    let end = range.from.saturating_add(range.seeds);
    let violating = AtomicU64::new(0);
    let work = || {
        begin();
        let oracle = oracle();
        let mut played = Played::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || violating.load(Ordering::Relaxed) >= range.most {
                return played;
            }
            let violations = history(seed, &oracle, &mut played.counts);
            if !violations.is_empty() {
                violating.fetch_add(1, Ordering::Relaxed);
                found(seed, &violations);
                played.failed.push((seed, violations));
            }
        }
    };
    let mut all = Played::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..range.threads.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        for played in workers.into_iter().filter_map(|worker| worker.join().ok()) {
            all.counts.add(&played.counts);
            all.failed.extend(played.failed);
        }
    });
    all.failed.sort();
    all
}
