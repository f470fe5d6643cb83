//! A few hundred histories on every run; `make histories SEEDS=…` runs as many as one wants.
#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use trustwarden_histories::faults::{By, table};
use trustwarden_histories::play::{Range, play};
use trustwarden_histories::{oracle, scheduler, story};

/// How many of them: TRUSTWARDEN_SEEDS, where many are wanted.
fn seeds() -> u64 {
    let wanted = std::env::var("TRUSTWARDEN_SEEDS").ok();
    wanted.and_then(|seeds| seeds.parse().ok()).unwrap_or(200)
}

#[test]
fn the_guard_keeps_its_promises() {
    let range = Range {
        from: 0,
        seeds: seeds(),
        threads: 2,
        most: 1,
    };
    let played = play(range, || {}, |_, _| {});
    if let Some((seed, violations)) = played.failed.first() {
        let (violations, story) = (violations.join("\n"), story(*seed, &oracle()).0.join("\n"));
        panic!("seed {seed}: {violations}\n{story}");
    }
    // Histories in which nothing goes wrong would prove nothing.
    let counts = played.counts;
    assert_eq!(counts.too_rare(), Vec::<&str>::new(), "{}", counts.json());
    assert_eq!(counts.too_many_duplicates(), None, "{}", counts.json());
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [3, 195, 281] {
        assert_eq!(story(seed, &oracle()), story(seed, &oracle()));
    }
}

#[test]
fn an_exposed_role_is_seen() {
    // The invariants themselves are checked: a role that was exposed behind the guard's back.
    let ran = (7..)
        .map(|seed| scheduler::run(seed, false))
        .find(|ran| ran.setting.enforce && !ran.shared.lock().faults.forbidden)
        .unwrap();
    {
        let mut state = ran.shared.lock();
        let now = state.now;
        let role = state.account.roles.first_mut().unwrap();
        let mut version = role.versions.last().unwrap().clone();
        version.at = now;
        version.by = trustwarden_histories::account::Writer::Guard;
        version.sent = trustwarden_histories::documents::document(
            &[trustwarden_histories::documents::Part::Everyone],
            1,
        );
        version.kept = trustwarden_histories::account::as_kept(&version.sent);
        role.deleted = None;
        role.versions.push(version);
    }
    let violations = trustwarden_histories::invariants::violations(&ran, &oracle());
    assert!(
        violations
            .iter()
            .any(|wrong| wrong.contains("exposed at the end")),
        "{violations:?}"
    );
}

/// `make mutations` shows that each is caught; here, that the table and the code name the same.
#[test]
fn the_table_of_faults_names_what_is_there() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guard/src");
    let faults = table().unwrap();
    let mut failpoints = BTreeSet::new();
    for fault in &faults {
        match fault.by {
            By::Failpoint(name) | By::Hazard(name) => {
                assert!(failpoints.insert(name.to_owned()), "{name} twice");
                let there = sources.join(fault.file).exists();
                assert!(there, "{}: there is no {}", fault.name, fault.file);
            }
            By::Mutant(change) => {
                // `replace FUNCTION -> TYPE with VALUE`, or `CHANGE in FUNCTION`.
                let replaced = change.strip_prefix("replace ");
                let path = match replaced.and_then(|replaced| replaced.split_once(" -> ")) {
                    Some((path, _)) => path,
                    None => change.rsplit_once(" in ").unwrap().1,
                };
                let function = path.rsplit("::").next().unwrap();
                let text = std::fs::read_to_string(sources.join(fault.file)).unwrap();
                let there = text.contains(&format!("fn {function}"));
                assert!(there, "{}: {} has no {function}", fault.name, fault.file);
            }
        }
    }
    assert_eq!(failpoints, named_in(&sources));
    let names: BTreeSet<_> = faults.iter().map(|fault| fault.name).collect();
    assert_eq!(names.len(), faults.len());
}

/// The failpoints of a folder: `skip!("name")`.
fn named_in(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(named_in(&path));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let calls = text.split("skip!(\"").skip(1);
        found.extend(calls.map(|call| call.split('"').next().unwrap().to_owned()));
    }
    found.remove("name");
    found
}
