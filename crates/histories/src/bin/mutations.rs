//! `mutations [--seeds N] [--only NAME]`: puts each fault of `testdata/faults.tsv` into the guard
//! and demands that it is caught. Failpoints are armed here, and the histories run until one has a
//! violation, or, for what answers an attack, until it is known in how many. Mutants are built and tested by cargo-mutants: by the table of steps first, then by
//! as many histories. Fails if a fault survives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use guard::faults::arm;
use serde_json::Value;
use trustwarden_histories::faults::{By, Fault, table};
use trustwarden_histories::play::{Range, play};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Arguments {
    seeds: u64,
    only: Option<String>,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments {
        seeds: 10_000,
        only: None,
    };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--seeds" => found.seeds = given.next()?.parse().ok()?,
            "--only" => found.only = Some(given.next()?),
            _ => return None,
        }
    }
    Some(found)
}

fn main() -> ExitCode {
    let said = match arguments() {
        None => Err("mutations [--seeds N] [--only NAME]".to_owned()),
        Some(given) => run(&given, &mut io::stdout().lock()),
    };
    let (code, words) = match said {
        Ok(0) => return ExitCode::SUCCESS,
        Ok(survived) => (1, format!("{survived} faults survived")),
        Err(error) => (2, error),
    };
    // Nobody may be listening.
    let _ = writeln!(io::stderr(), "mutations: {words}");
    ExitCode::from(code)
}

/// How many survived.
fn run(given: &Arguments, out: &mut impl Write) -> Result<usize, String> {
    let all = table()?;
    let only = given.only.as_deref();
    let chosen: Vec<Fault> = all
        .into_iter()
        .filter(|fault| only.is_none_or(|name| name == fault.name))
        .collect();
    if chosen.is_empty() {
        return Err("there is no fault of that name".to_owned());
    }
    // A history that fails anyway would seem to catch everything.
    if let Some(wrong) = wrong("", given.seeds) {
        return Err(format!("the guard as it is fails: {wrong}"));
    }
    let mut survived = 0;
    let mut say = |fault: &Fault, caught: Result<String, String>| {
        let how = caught.unwrap_or_else(|why| {
            survived += 1;
            format!("SURVIVED: {why}; it breaks {}", fault.breaks)
        });
        let how: String = how.chars().take(140).collect();
        writeln!(out, "{:<42} {how}", fault.name)
            .and_then(|()| out.flush())
            .map_err(|error| error.to_string())
    };
    for fault in &chosen {
        match fault.by {
            By::Failpoint(name) => say(fault, by_histories(name, given.seeds))?,
            By::Hazard(name) => say(fault, by_many_histories(name, given.seeds))?,
            By::Mutant(_) => {}
        }
    }
    let mutants: Vec<_> = chosen
        .iter()
        .filter_map(|fault| match fault.by {
            By::Mutant(change) => Some((fault, format!("{}: {change}", fault.file))),
            By::Failpoint(_) | By::Hazard(_) => None,
        })
        .collect();
    if !mutants.is_empty() {
        let wanted = mutants.iter().map(|(_, mutant)| mutant.as_str());
        let tested = test_mutants(wanted.collect(), given.seeds)?;
        for (fault, mutant) in &mutants {
            say(fault, by_tests(&tested, mutant))?;
        }
    }
    let count = chosen.len();
    writeln!(out, "{} of {count} faults caught", count - survived)
        .map_err(|error| error.to_string())?;
    Ok(survived)
}

/// What is wrong with the histories of a guard that has this fault.
fn wrong(fault: &'static str, seeds: u64) -> Option<String> {
    let range = Range {
        from: 0,
        seeds,
        threads: 2,
        most: 1,
    };
    let played = play(range, || arm(fault), |_, _| {});
    match played.failed.first() {
        Some((seed, violations)) => Some(format!("seed {seed}: {}", violations.join("; "))),
        None => played.counts.too_many_duplicates(),
    }
}

/// How the histories catch a failpoint.
fn by_histories(name: &'static str, seeds: u64) -> Result<String, String> {
    let begun = Instant::now();
    match wrong(name, seeds) {
        Some(wrong) => Ok(format!("{} s, {wrong}", begun.elapsed().as_secs())),
        None => Err(format!("{seeds} histories hold")),
    }
}

/// In how many histories a hazard changes the outcome, once what answers it is turned off: fewer than
/// one in a hundred prove too little. Not all of the seeds, for a guess suffices.
fn by_many_histories(name: &'static str, seeds: u64) -> Result<String, String> {
    let range = Range {
        from: 0,
        seeds: seeds.min(3000),
        threads: 2,
        most: u64::MAX,
    };
    let failed = play(range, || arm(name), |_, _| {}).failed;
    let (found, seeds) = (failed.len() as u64, range.seeds);
    match failed.first() {
        Some((seed, violations)) if found * 100 >= seeds => {
            let first = violations.join("; ");
            Ok(format!(
                "{found} of {seeds} histories, seed {seed}: {first}"
            ))
        }
        _ => Err(format!("only {found} of {seeds} histories notice")),
    }
}

/// What cargo-mutants says of each mutant that has one of these names: `file: change`.
fn test_mutants(wanted: BTreeSet<&str>, seeds: u64) -> Result<BTreeMap<String, String>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = root.join("target/mutations");
    std::fs::create_dir_all(&output).map_err(|error| error.to_string())?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .arg("mutants")
        .args(["--config", "crates/histories/mutants.toml"])
        .arg("--output")
        .arg(&output)
        .env("TRUSTWARDEN_SEEDS", seeds.to_string())
        .current_dir(&root);
    // Those that delete a field it tests unasked.
    for mutant in wanted {
        command.arg("--re").arg(pattern(mutant));
    }
    // It fails, too, where a mutant survives: that is read from what it leaves.
    let status = command.status().map_err(|error| error.to_string())?;
    let outcomes = output.join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(outcomes)
        .map_err(|error| format!("cargo mutants ended with {status}: {error}"))?;
    let outcomes: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let outcomes = outcomes.get("outcomes").and_then(Value::as_array);
    let tested = outcomes.into_iter().flatten().filter_map(|outcome| {
        let name = outcome.pointer("/scenario/Mutant/name")?.as_str()?;
        let summary = outcome.get("summary")?.as_str()?;
        Some((name.to_owned(), summary.to_owned()))
    });
    Ok(tested.collect())
}

/// Matches a mutant's name with its place in it: `crates/…/decide.rs:33:5: replace …`.
fn pattern(mutant: &str) -> String {
    let (file, change) = mutant.split_once(": ").unwrap_or((mutant, ""));
    format!(r"{}:\d+:\d+: {}$", escaped(file), escaped(change))
}

/// A backslash before an angle bracket would make it the edge of a word.
fn escaped(text: &str) -> String {
    let special = |character: char| character.is_ascii_punctuation() && !"<>".contains(character);
    let escaped = text.chars().flat_map(|character| {
        let escape = special(character).then_some('\\');
        escape.into_iter().chain([character])
    });
    escaped.collect()
}

/// How the tests catch all mutants of one name.
fn by_tests(tested: &BTreeMap<String, String>, mutant: &str) -> Result<String, String> {
    let Some((file, change)) = mutant.split_once(": ") else {
        return Err("it has no name".to_owned());
    };
    let found: Vec<_> = tested
        .iter()
        .filter(|(name, _)| name.contains(file) && name.ends_with(&format!(": {change}")))
        .collect();
    if found.is_empty() {
        return Err(format!("cargo-mutants knows no {mutant}"));
    }
    let caught = |summary: &str| matches!(summary, "CaughtMutant" | "Timeout");
    match found.iter().find(|(_, summary)| !caught(summary)) {
        Some((name, summary)) => Err(format!("{summary}: {name}")),
        None => Ok(format!("{} by the tests, {mutant}", found.len())),
    }
}
