//! The analyser against brute force: every request of a small world is put to the evaluator, and
//! what follows from those that get in must be the analyser's answer, field by field and grant by
//! grant.
//!
//! `TRUSTWARDEN_WORLDS` sets how many documents are generated (default 400; `make prove` takes
//! 100,000); `TRUSTWARDEN_SEED` where they begin.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test ends by panicking, and a run tells what it saw"
)]

mod generate;

use std::collections::BTreeMap;

use generate::oracle::{self, Expected, covers};
use generate::world::{Trial, trials};
use generate::{GeneratedDocument, NOW, OWN, OWN_ORGANIZATION, Random, document};
use trustwarden_policy::document::Comparison;
use trustwarden_policy::{Analysis, AnalysisContext, TrustPolicy, Who, analyse};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

fn answer(policy: &TrustPolicy<'_>, witnesses: bool) -> Analysis {
    let context = AnalysisContext {
        own_account: Some(OWN),
        own_organization: Some(OWN_ORGANIZATION),
        now: NOW.parse().unwrap(),
        witnesses,
        providers: &[],
    };
    analyse(policy, &context)
}

/// What a run saw.
#[derive(Debug, Default)]
struct Seen {
    documents: usize,
    public: usize,
    deny_decides: usize,
    undecided: usize,
    trials: usize,
    allowed: usize,
    operators: BTreeMap<String, usize>,
    disagreements: Vec<String>,
    kinds: BTreeMap<String, usize>,
    wider_than_the_truth: usize,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        self.documents += other.documents;
        self.public += other.public;
        self.deny_decides += other.deny_decides;
        self.undecided += other.undecided;
        self.trials += other.trials;
        self.allowed += other.allowed;
        self.wider_than_the_truth += other.wider_than_the_truth;
        self.disagreements.extend(other.disagreements);
        for (counts, others) in [
            (&mut self.operators, other.operators),
            (&mut self.kinds, other.kinds),
        ] {
            for (name, count) in others {
                *counts.entry(name).or_default() += count;
            }
        }
    }

    fn disagree(&mut self, kind: &str, text: &str, detail: String) {
        let count = self.kinds.entry(kind.to_owned()).or_default();
        *count += 1;
        if *count <= 5 {
            self.disagreements
                .push(format!("{kind}: {detail}\n  {text}"));
        }
    }
}

#[test]
fn the_analyser_says_what_brute_force_finds() {
    let count = number("TRUSTWARDEN_WORLDS", 400);
    let first = number("TRUSTWARDEN_SEED", 20_261_121);
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let share = |thread: u64| {
            let mut seen = Seen::default();
            for index in (thread..count).step_by(usize::try_from(threads).unwrap()) {
                // Each document from its own seed: the run is the same on any number of cores.
                let mut random = Random((first << 32) + index);
                loop {
                    let made = document(&mut random);
                    if let Some(world) = trials(&made) {
                        examine(&made, &world, &mut seen);
                        break;
                    }
                }
            }
            seen
        };
        let running: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || share(thread)))
            .collect();
        for one in running {
            seen.add(one.join().unwrap());
        }
    });
    report(&seen);
    assert!(
        seen.disagreements.is_empty(),
        "{:?}\n{}",
        seen.kinds,
        seen.disagreements.join("\n")
    );
    assert!(
        seen.undecided * 1000 <= seen.documents,
        "{} undecided",
        seen.undecided
    );
    assert_that_the_proof_proves_something(&seen);
}

fn examine(made: &GeneratedDocument, world: &[Trial], seen: &mut Seen) {
    let text = made.text();
    let policy = TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let outcome = oracle::outcome(&policy, world);
    let expected = oracle::expected(made, world, &outcome);
    let found = answer(&policy, true);
    seen.documents += 1;
    seen.public += usize::from(expected.public);
    seen.trials += world.len();
    seen.allowed += outcome.all().len();
    seen.undecided += usize::from(found.grants.iter().any(|grant| !grant.decided));
    fields(&expected, &found, &text, seen);
    grants(&found, world, &outcome, &text, seen);
    what_decides(
        made,
        &outcome.all().into_iter().collect::<Vec<_>>(),
        world,
        seen,
    );
}

fn fields(expected: &Expected, found: &Analysis, text: &str, seen: &mut Seen) {
    let mut same = |name: &str, expected: String, found: String| {
        if expected != found {
            seen.disagree(
                name,
                text,
                format!("expected {expected}, the analyser says {found}"),
            );
        }
    };
    let show = |list: &[String]| format!("{list:?}");
    same(
        "public",
        expected.public.to_string(),
        found.public.to_string(),
    );
    same("services", show(&expected.services), show(&found.services));
    same(
        "federated",
        show(&expected.federated),
        show(&found.federated),
    );
    same(
        "federated_open",
        show(&expected.federated_open),
        show(&found.federated_open),
    );
    same(
        "mfa_required",
        expected.mfa_required.to_string(),
        found.mfa_required.to_string(),
    );
    for (name, expected, found) in [
        (
            "external_accounts",
            &expected.external_accounts,
            &found.external_accounts,
        ),
        (
            "organizations",
            &expected.organizations,
            &found.organizations,
        ),
        (
            "service_source_accounts",
            &expected.service_source_accounts,
            &found.service_source_accounts,
        ),
        (
            "unguarded_accounts",
            &expected.unguarded_accounts,
            &found.unguarded_accounts,
        ),
    ] {
        if let Some(expected) = expected {
            same(name, show(expected), show(found));
        }
    }
    for (name, expected, found) in [
        (
            "any_account_from_network",
            expected.any_account_from_network,
            found.any_account_from_network,
        ),
        (
            "unknown_account",
            expected.unknown_account,
            found.unknown_account,
        ),
        ("guarded", expected.guarded, found.guarded),
    ] {
        if let Some(expected) = expected {
            same(name, expected.to_string(), found.to_string());
        }
    }
    if !expected.external_id.is_empty() && !expected.external_id.contains(&found.external_id) {
        same(
            "external_id",
            format!("{:?}", expected.external_id),
            format!("{:?}", found.external_id),
        );
    }
}

/// Every request that gets in is covered by a grant of its statement, every request that a grant
/// covers gets in by that statement, and every grant has its proof.
fn grants(
    found: &Analysis,
    world: &[Trial],
    outcome: &oracle::Outcome,
    text: &str,
    seen: &mut Seen,
) {
    for grant in &found.grants {
        if grant.decided && grant.witness.is_none() {
            seen.disagree("no witness", text, format!("{grant:?}"));
        }
        if grant.decided && !outcome.by_statement.contains_key(&grant.statement) {
            seen.disagree("statement", text, format!("{grant:?}"));
        }
    }
    for (statement, places) in &outcome.by_statement {
        let of_statement: Vec<_> = found
            .grants
            .iter()
            .filter(|grant| grant.statement == *statement)
            .collect();
        for (place, trial) in world.iter().enumerate() {
            let gets_in = places.binary_search(&place).is_ok();
            let covering: Vec<_> = of_statement
                .iter()
                .map(|grant| (covers(grant, trial), *grant))
                .collect();
            if gets_in && covering.iter().all(|(covers, _)| *covers == Some(false)) {
                seen.disagree(
                    "not covered",
                    text,
                    format!(
                        "{:?} gets in by statement {statement}: {of_statement:?}",
                        trial.request
                    ),
                );
                break;
            }
            let wrongly = covering
                .iter()
                .find(|(covers, grant)| *covers == Some(true) && grant.decided);
            if let (false, Some((_, grant))) = (gets_in, wrongly)
                && !matches!(grant.principal, Who::Principal { .. })
                && !needs_a_rider(trial)
            {
                // The restrictions that hold need not be all: what a Deny takes away in the middle of a
                // set is said in the statement, not in the grant.
                seen.wider_than_the_truth += 1;
                break;
            }
        }
    }
}

/// A grant lists the actions that it allows; a request that also needs another is another matter.
fn needs_a_rider(trial: &Trial) -> bool {
    trial.keys.keys().any(|key| {
        key.starts_with("aws:requesttag/") || key == "aws:tagkeys" || key == "sts:sourceidentity"
    })
}

/// Whether the Denies change the answer, and which conditions do.
fn what_decides(made: &GeneratedDocument, before: &[usize], world: &[Trial], seen: &mut Seen) {
    let context = oracle::context();
    let gets_in = |changed: &GeneratedDocument| {
        let text = changed.text();
        let policy = TrustPolicy::parse(&text).unwrap();
        world
            .iter()
            .enumerate()
            .filter(|(_, trial)| {
                trustwarden_policy::evaluate(&policy, &trial.request, &context)
                    .is_ok_and(|decision| decision.allowed)
            })
            .map(|(place, _)| place)
            .collect::<Vec<_>>()
    };
    let mut without = made.clone();
    without.statements.retain(|statement| statement.allow);
    if without.statements.len() < made.statements.len() && gets_in(&without) != before {
        seen.deny_decides += 1;
    }
    let places: Vec<(usize, usize)> = made
        .statements
        .iter()
        .enumerate()
        .flat_map(|(at, statement)| (0..statement.conditions.len()).map(move |place| (at, place)))
        .collect();
    for (at, place) in places {
        let mut without = made.clone();
        let condition = without.statements[at].conditions.remove(place);
        let decides = gets_in(&without) != before;
        *seen.operators.entry(condition.operator).or_default() += usize::from(decides);
    }
}

fn report(seen: &Seen) {
    let share = |part: usize, whole: usize| part * 1000 / whole.max(1);
    println!("{} documents, {} requests", seen.documents, seen.trials);
    println!(
        "public                 {:4} of 1000",
        share(seen.public, seen.documents)
    );
    println!(
        "a Deny changes it      {:4} of 1000",
        share(seen.deny_decides, seen.documents)
    );
    println!(
        "undecided              {:4} of 1000",
        share(seen.undecided, seen.documents)
    );
    println!(
        "requests that get in   {:4} of 1000",
        share(seen.allowed, seen.trials)
    );
    println!(
        "wider grants           {:4} of 1000",
        share(seen.wider_than_the_truth, seen.documents)
    );
    println!("documents in which the operator decides:");
    for (operator, count) in &seen.operators {
        println!("  {operator:<45} {count}");
    }
}

/// A generator that makes only easy documents proves nothing.
fn assert_that_the_proof_proves_something(seen: &Seen) {
    assert!(
        seen.public * 100 >= seen.documents * 15,
        "public: {}",
        seen.public
    );
    assert!(
        seen.deny_decides * 100 >= seen.documents * 25,
        "Deny: {}",
        seen.deny_decides
    );
    // 200 of 100,000 documents, and in proportion; a short run cannot tell.
    let least = if seen.documents < 20_000 {
        0
    } else {
        200 * seen.documents / 100_000
    };
    for comparison in Comparison::ALL {
        for form in [
            comparison.name().to_owned(),
            format!("{}IfExists", comparison.name()),
            format!("ForAnyValue:{}", comparison.name()),
            format!("ForAllValues:{}", comparison.name()),
        ] {
            if *comparison == Comparison::Null && form != "Null" {
                continue;
            }
            let decided = seen.operators.get(&form).copied().unwrap_or_default();
            assert!(
                decided >= least,
                "{form} decides only {decided} of {} documents",
                seen.documents
            );
        }
    }
}
