//! The analyzer against brute force: every request of a small world is put to the evaluator, and
//! what follows from those that get in must be the analyzer's answer, field by field and grant by
//! grant.
//!
//! `TRUSTWARDEN_WORLDS` sets how many documents are generated (400 in `make test`, else a
//! quarter; `make prove` takes 100,000), `TRUSTWARDEN_SEED` which, and `TRUSTWARDEN_FIRST` the number of the first: one that a
//! disagreement names is had again by its number and `TRUSTWARDEN_WORLDS=1`.

use std::collections::{BTreeMap, BTreeSet};

use crate::cases;
use crate::generate::callers::Caller;
use crate::generate::covers::covers;
use crate::generate::oracle::{self, Expected};
use crate::generate::world::{Trial, carried, trials};
use crate::generate::{GeneratedDocument, NOW, OWN, OWN_ORGANIZATION, Random, document};
use trustwarden_policy::document::Comparison;
use trustwarden_policy::{Analysis, AnalysisContext, Grant, TrustPolicy, Who, analyze};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

fn answer(policy: &TrustPolicy<'_>, made: &GeneratedDocument, witnesses: bool) -> Analysis {
    let context = AnalysisContext {
        own_account: Some(OWN),
        own_organization: Some(OWN_ORGANIZATION),
        now: NOW.parse().unwrap(),
        origin: made.origin(),
        witnesses,
        providers: &[],
    };
    analyze(policy, &context)
}

/// What a run saw.
#[derive(Debug, Default)]
struct Seen {
    /// The number of the document that is looked at.
    number: u64,
    documents: usize,
    public: usize,
    deny_decides: usize,
    undecided: usize,
    elsewhere: usize,
    trials: usize,
    allowed: usize,
    operators: BTreeMap<String, usize>,
    disagreements: Vec<String>,
    kinds: BTreeMap<String, usize>,
    grants: usize,
    inexact: usize,
}

impl Seen {
    fn add(&mut self, other: Seen) {
        self.documents += other.documents;
        self.public += other.public;
        self.deny_decides += other.deny_decides;
        self.undecided += other.undecided;
        self.elsewhere += other.elsewhere;
        self.trials += other.trials;
        self.allowed += other.allowed;
        self.grants += other.grants;
        self.inexact += other.inexact;
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
            self.disagreements.push(format!(
                "document {}: {kind}: {detail}\n  {text}",
                self.number
            ));
        }
    }
}

#[test]
fn the_analyzer_says_what_brute_force_finds() {
    let count = number("TRUSTWARDEN_WORLDS", cases(400).into());
    let seed = number("TRUSTWARDEN_SEED", 20_261_121);
    let first = number("TRUSTWARDEN_FIRST", 0);
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let share = |thread: u64| {
            let mut seen = Seen::default();
            for index in (first + thread..first + count).step_by(usize::try_from(threads).unwrap())
            {
                // Each document from its own seed: the run is the same on any number of cores.
                let mut random = Random((seed << 32) + index);
                seen.number = index;
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
    // A few documents tell nothing of all.
    if seen.documents >= 300 {
        assert!(
            seen.undecided * 1000 <= seen.documents,
            "{} undecided",
            seen.undecided
        );
        assert!(
            seen.elsewhere * 100 <= seen.documents,
            "{} of another partition",
            seen.elsewhere
        );
        assert_that_the_proof_proves_something(&seen);
    }
}

fn examine(made: &GeneratedDocument, world: &[Trial], seen: &mut Seen) {
    let text = made.text();
    let policy = TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let outcome = oracle::outcome(&policy, made, world);
    let expected = oracle::expected(&policy, made, world, &outcome);
    let found = answer(&policy, made, true);
    seen.documents += 1;
    seen.public += usize::from(expected.public);
    seen.trials += world.len();
    seen.allowed += outcome.all().len();
    let undecided = |grant: &Grant| !grant.decided && !is_perhaps_denied(grant, made);
    seen.undecided += usize::from(found.grants.iter().any(undecided));
    let before = (seen.disagreements.len(), seen.kinds.clone());
    fields(&expected, &found, &text, made, seen);
    grants(&found, world, &outcome, &text, seen);
    // The world has one partition of AWS; where an account is named by its number alone, the answer
    // counts its principals in the others too.
    if seen.kinds != before.1 && found.grants.iter().any(of_another_partition) {
        seen.elsewhere += 1;
        seen.disagreements.truncate(before.0);
        seen.kinds = before.1;
    }
    what_decides(made, &outcome.all(), world, seen);
}

fn fields(
    expected: &Expected,
    found: &Analysis,
    text: &str,
    made: &GeneratedDocument,
    seen: &mut Seen,
) {
    let mut same = |name: &str, expected: String, found: String| {
        if expected != found {
            seen.disagree(
                name,
                text,
                format!("expected {expected}, the analyzer says {found}"),
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
    same("orphaned", show(&expected.orphaned), show(&found.orphaned));
    same(
        "foreign_provider",
        expected.foreign_provider.to_string(),
        found.foreign_provider.to_string(),
    );
    same(
        "any_service",
        expected.any_service.to_string(),
        found.any_service.to_string(),
    );
    // What is asked of the clock as text may end earlier than is said.
    if !made.reads_the_clock_as_text() {
        // A way that is closed from a turn on is open until just before it, and which of the two is
        // told depends on whether another way turns there.
        let close = |(one, other): (jiff::Timestamp, jiff::Timestamp)| {
            one.duration_since(other).abs() <= jiff::SignedDuration::from_secs(1)
        };
        let both = expected.expires.zip(found.expires);
        if !both.is_some_and(close) {
            same(
                "expires",
                format!("{:?}", expected.expires),
                format!("{:?}", found.expires),
            );
        }
    }
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
        ("guessable", expected.guessable, found.guessable),
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

/// Every request that gets in is covered by a grant of its statement, every request that an exact
/// grant covers gets in by that statement, every grant is gone by somebody, and has its proof.
fn grants(
    found: &Analysis,
    world: &[Trial],
    outcome: &oracle::Outcome,
    text: &str,
    seen: &mut Seen,
) {
    seen.grants += found.grants.len();
    for grant in found.grants.iter().filter(|grant| grant.decided) {
        seen.inexact += usize::from(!grant.exact);
        match &grant.witness {
            None => seen.disagree("no witness", text, format!("{grant:?}")),
            Some(witness) => {
                if covers(grant, witness, &carried(witness)) == Some(false) {
                    seen.disagree("a witness of another grant", text, format!("{grant:?}"));
                }
            }
        }
        let places = outcome.by_statement.get(&grant.statement);
        let gone = places.into_iter().flatten().any(|place| {
            let Trial { request, keys, .. } = &world[*place];
            covers(grant, request, keys) != Some(false) && grant.actions.contains(&request.action)
        });
        if !gone && !is_of_a_larger_world(grant) {
            seen.disagree("nobody goes it", text, format!("{grant:?}"));
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
            // Where everyone gets in, that any service does is told by `any_service` alone.
            let everyone = found.public || found.any_account_from_network;
            if everyone && matches!(trial.caller, Caller::Service(_)) {
                continue;
            }
            let covering: Vec<_> = of_statement
                .iter()
                .map(|grant| (covers(grant, &trial.request, &trial.keys), *grant))
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
                .find(|(covers, grant)| *covers == Some(true) && grant.exact);
            if let (false, Some((_, grant))) = (gets_in, wrongly)
                && !needs_a_rider(trial)
            {
                seen.disagree(
                    "wider than the truth",
                    text,
                    format!(
                        "{:?} does not get in by statement {statement}: {grant:?}",
                        trial.request
                    ),
                );
                break;
            }
        }
    }
}

/// A Deny on everyone may reach a federated caller.
fn is_perhaps_denied(grant: &Grant, made: &GeneratedDocument) -> bool {
    let mut denies = made.statements.iter().filter(|one| !one.allow);
    matches!(grant.principal, Who::Federated { .. }) && denies.any(|one| one.aws.contains(&"*"))
}

fn of_another_partition(grant: &Grant) -> bool {
    grant
        .witness
        .as_ref()
        .is_some_and(|witness| witness.principal.value.starts_with("arn:aws-"))
}

/// Nobody of the small world has this role's name and this unique id at once, and somebody may.
fn is_of_a_larger_world(grant: &Grant) -> bool {
    grant.restriction("aws:userid").is_some() || matches!(grant.principal, Who::UniqueId { .. })
}

/// A grant lists the actions that it allows; a request that also needs another is another matter.
fn needs_a_rider(trial: &Trial) -> bool {
    trial.keys.keys().any(|key| {
        key.starts_with("aws:requesttag/") || key == "aws:tagkeys" || key == "sts:sourceidentity"
    })
}

/// Whether the Denies change the answer, and which conditions do. What is taken out of a Deny keeps
/// out more, what is taken out of an Allow, or a Deny as a whole, lets in more: only the others need
/// to be tried.
fn what_decides(
    made: &GeneratedDocument,
    before: &BTreeSet<usize>,
    world: &[Trial],
    seen: &mut Seen,
) {
    let context = oracle::context(made.origin());
    let differs = |changed: &GeneratedDocument, lets_in_more: bool| {
        let text = changed.text();
        let policy = TrustPolicy::parse(&text).unwrap();
        let mut others = world
            .iter()
            .enumerate()
            .filter(|(place, _)| before.contains(place) != lets_in_more);
        others.any(|(_, trial)| oracle::gets_in(&policy, trial, &context) == lets_in_more)
    };
    let mut without = made.clone();
    without.statements.retain(|statement| statement.allow);
    if without.statements.len() < made.statements.len() && differs(&without, true) {
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
        let decides = differs(&without, without.statements[at].allow);
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
        "inexact grants         {:4} of 1000",
        share(seen.inexact, seen.grants)
    );
    println!("differ elsewhere       {:4} documents", seen.elsewhere);
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
        let forms = ["", "ForAnyValue:", "ForAllValues:"]
            .into_iter()
            .flat_map(|qualifier| ["", "IfExists"].map(|suffix| (qualifier, suffix)));
        for (qualifier, suffix) in forms {
            if *comparison == Comparison::Null && (qualifier, suffix) != ("", "") {
                continue;
            }
            let form = format!("{qualifier}{}{suffix}", comparison.name());
            let decided = seen.operators.get(&form).copied().unwrap_or_default();
            assert!(
                decided >= least,
                "{form} decides only {decided} of {} documents",
                seen.documents
            );
        }
    }
}
