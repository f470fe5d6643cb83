//! A few hundred histories on every run; `make histories SEEDS=…` runs as many as one wants.

use trustwarden_simulate::counts::Counts;
use trustwarden_simulate::documents::{OWN, Oracle};
use trustwarden_simulate::{director, history, story};

fn oracle() -> Oracle {
    Oracle::new(OWN, trustwarden_simulate::scene::BEGINNING)
}

#[test]
fn the_guard_keeps_its_promises() {
    let oracle = oracle();
    let mut counts = Counts::default();
    for seed in 0..200 {
        let wrongs = history(seed, &oracle, &mut counts);
        assert!(
            wrongs.is_empty(),
            "seed {seed}: {}\n{}",
            wrongs.join("\n"),
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
fn a_door_left_open_is_seen() {
    // The judges themselves are judged: a role that was opened behind the guard's back.
    let ran = (7..)
        .map(|seed| director::run(seed, false))
        .find(|ran| ran.setting.enforce && !ran.scene.inside().weather.forbidden)
        .unwrap();
    {
        let mut inside = ran.scene.inside();
        let now = inside.now;
        let role = inside.account.roles.first_mut().unwrap();
        let mut version = role.versions.last().unwrap().clone();
        version.at = now;
        version.by = trustwarden_simulate::account::Writer::Guard;
        version.sent = trustwarden_simulate::documents::document(
            &[trustwarden_simulate::documents::Part::Everyone],
            1,
        );
        version.kept = trustwarden_simulate::account::as_kept(&version.sent);
        role.deleted = None;
        role.versions.push(version);
    }
    let wrongs = trustwarden_simulate::judges::wrongs(&ran, &oracle());
    assert!(
        wrongs.iter().any(|wrong| wrong.contains("open at the end")),
        "{wrongs:?}"
    );
}

/// `make mutations` runs them; here each has to find the code that it changes.
#[test]
fn every_mutation_still_applies() {
    use std::collections::BTreeSet;
    use trustwarden_simulate::mutations::{ALL, mutated};

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
