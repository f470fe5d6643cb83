//! `histories [--seeds N] [--from SEED] [--threads N] [--any-rarity] [--first]`, or
//! `histories --story SEED`.
//!
//! `--any-rarity`: what too few histories hold does not fail the run. `--first`: the run ends with
//! the first violation, and its history is not printed.

use std::io::{self, Write};
use std::process::ExitCode;

use trustwarden_histories::play::{Played, Range, play};
use trustwarden_histories::{oracle, story};

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
    let range = Range {
        from: given.from,
        seeds: given.seeds,
        threads: given.threads,
        most: if given.first { 1 } else { 40 },
    };
    let Played { counts, failed } = play(
        range,
        || {},
        |seed, violations| {
            // At once, for who waits for a million; nobody may be listening.
            let _ = writeln!(io::stderr(), "seed {seed}: {}", violations.join("; "));
        },
    );
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
    let duplicates = counts.too_many_duplicates();
    if let Some(wrong) = &duplicates {
        writeln!(out, "{wrong}")?;
    }
    writeln!(out, "{}", counts.json())?;
    let good =
        failed.is_empty() && rare.is_empty() && duplicates.is_none() && counts.seeds == given.seeds;
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
