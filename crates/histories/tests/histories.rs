//! A few hundred histories on every run; `make histories SEEDS=…` runs as many as one wants.

use trustwarden_histories::counts::Counts;
use trustwarden_histories::documents::{OWN, Oracle};
use trustwarden_histories::{history, scheduler, story};

fn oracle() -> Oracle {
    Oracle::new(OWN, trustwarden_histories::state::BEGINNING)
}

#[test]
fn the_guard_keeps_its_promises() {
    let oracle = oracle();
    let mut counts = Counts::default();
    for seed in 0..200 {
        let violations = history(seed, &oracle, &mut counts);
        assert!(
            violations.is_empty(),
            "seed {seed}: {}\n{}",
            violations.join("\n"),
            story(seed, &oracle).0.join("\n")
        );
    }
    // Histories in which nothing goes wrong would prove nothing.
    assert_eq!(counts.too_rare(), Vec::<&str>::new(), "{}", counts.json());
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

/// `make mutations` runs them; here each has to find the code that it changes.
#[test]
fn every_mutation_still_applies() {
    use std::collections::BTreeSet;
    use trustwarden_histories::mutations::{ALL, mutated};

    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../guard/src");
    for mutation in ALL {
        for file in mutation
            .edits
            .iter()
            .map(|edit| edit.0)
            .collect::<BTreeSet<_>>()
        {
            let text = std::fs::read_to_string(sources.join(file)).unwrap();
            let changed = mutated(mutation, file, &text).unwrap();
            assert_ne!(changed, text, "{} changes nothing", mutation.name);
        }
    }
    let names: BTreeSet<_> = ALL.iter().map(|mutation| mutation.name).collect();
    assert_eq!(names.len(), ALL.len());
}
