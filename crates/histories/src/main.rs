//! `histories [--seeds N] [--from SEED] [--threads N] [--any-rarity] [--first]`, or
//! `histories --story SEED`.
//!
//! `--any-rarity`: what too few histories hold does not fail the run. `--first`: the run ends with
//! the first violation, and its history is not printed.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use trustwarden_histories::counts::Counts;
use trustwarden_histories::documents::{OWN, Oracle};
use trustwarden_histories::{history, story};

/// A third of a history's time went into the usual allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    match run(&mut out) {
        Ok(code) => code,
        // Nobody reads any more.
        Err(_) => ExitCode::SUCCESS,
    }
}

struct Arguments {
    seeds: u64,
    from: u64,
    threads: usize,
    story: Option<u64>,
    rarity: bool,
    first: bool,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments {
        seeds: 1000,
        from: 0,
        threads: 2,
        story: None,
        rarity: true,
        first: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => found.seeds = given.next()?.parse().ok()?,
            "--from" => found.from = given.next()?.parse().ok()?,
            "--threads" => found.threads = given.next()?.parse().ok()?,
            "--story" => found.story = Some(given.next()?.parse().ok()?),
            "--any-rarity" => found.rarity = false,
            "--first" => found.first = true,
            _ => return None,
        }
    }
    Some(found)
}

fn run(out: &mut impl Write) -> io::Result<ExitCode> {
    let Some(given) = arguments() else {
        writeln!(
            out,
            "histories [--seeds N] [--from SEED] [--threads N] [--any-rarity] [--first] | --story \
             SEED"
        )?;
        return Ok(ExitCode::from(2));
    };
    if let Some(seed) = given.story {
        let (story, violations) = story(seed, &oracle());
        for line in story.iter().chain(&violations) {
            writeln!(out, "{line}")?;
        }
        return Ok(if violations.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        });
    }
    let (counts, failed) = play(&given);
    for (seed, violations) in &failed {
        writeln!(out, "seed {seed}: {}", violations.join("; "))?;
    }
    if let Some((seed, _)) = failed.first().filter(|_| !given.first) {
        let (story, _) = story(*seed, &oracle());
        writeln!(
            out,
            "the history of seed {seed} (again: histories --story {seed}):"
        )?;
        for line in story {
            writeln!(out, "{line}")?;
        }
    }
    let rare = if given.rarity {
        counts.too_rare()
    } else {
        Vec::new()
    };
    if !rare.is_empty() {
        writeln!(out, "too rare to prove anything: {}", rare.join(", "))?;
    }
    let many = counts.duplicates * 1000 > counts.alerts;
    if many {
        writeln!(
            out,
            "one alert in {} was a duplicate, without any crash",
            counts.alerts / counts.duplicates.max(1)
        )?;
    }
    writeln!(out, "{}", counts.json())?;
    let good = failed.is_empty() && rare.is_empty() && !many && counts.seeds == given.seeds;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// Plays the histories, and gives the counts and what was wrong, by seed.
fn play(given: &Arguments) -> (Counts, Vec<(u64, Vec<String>)>) {
    let next = AtomicU64::new(given.from);
    let end = given.from.saturating_add(given.seeds);
    let most = if given.first { 1 } else { 40 };
    let wrong = AtomicU64::new(0);
    let mut counts = Counts::default();
    let mut failed: Vec<(u64, Vec<String>)> = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..given.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let oracle = oracle();
                    let mut counts = Counts::default();
                    let mut failed = Vec::new();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= end || wrong.load(Ordering::Relaxed) >= most {
                            return (counts, failed);
                        }
                        let violations = history(seed, &oracle, &mut counts);
                        if !violations.is_empty() {
                            wrong.fetch_add(1, Ordering::Relaxed);
                            // At once, for who waits for a million; nobody may be listening.
                            let _ =
                                writeln!(io::stderr(), "seed {seed}: {}", violations.join("; "));
                            failed.push((seed, violations));
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            if let Ok((more, violations)) = worker.join() {
                counts.add(&more);
                failed.extend(violations);
            }
        }
    });
    failed.sort();
    (counts, failed)
}

fn oracle() -> Oracle {
    Oracle::new(OWN, trustwarden_histories::state::BEGINNING)
}
