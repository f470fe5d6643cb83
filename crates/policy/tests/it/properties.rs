//! What must hold for any document: the two halves of the crate prove each other on requests that
//! are drawn from the document itself, and simple changes move the answer the one way they may.
//!
//! `TRUSTWARDEN_CASES` sets how many documents each property sees (300 in `make test`).

use std::cell::Cell;

use crate::cases;
use crate::generate::callers::Caller;
use crate::generate::covers::covers;
use crate::generate::oracle::context;
use crate::generate::world::{Trial, trials};
use crate::generate::{GeneratedDocument, NOW, OWN, OWN_ORGANIZATION, Random, document};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use trustwarden_policy::document::{Remainder, Removal};
use trustwarden_policy::{
    Analysis, AnalysisContext, Origin, TrustPolicy, analyze, analyze_without_guesses, evaluate,
    glob,
};

fn runner() -> TestRunner {
    // The same documents in every run: a failure is one that anyone can have again.
    let config = Config {
        cases: cases(300),
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    )
}

/// Documents of the small world, by their seed.
fn documents() -> impl Strategy<Value = GeneratedDocument> {
    any::<u64>().prop_map(|seed| document(&mut Random(seed)))
}

fn answer(policy: &TrustPolicy<'_>, witnesses: bool) -> Analysis {
    let context = AnalysisContext {
        own_account: Some(OWN),
        own_organization: Some(OWN_ORGANIZATION),
        now: NOW.parse().unwrap(),
        origin: Origin::Sent,
        witnesses,
        providers: &[],
    };
    analyze(policy, &context)
}

fn gets_in(policy: &TrustPolicy<'_>, trial: &Trial) -> bool {
    evaluate(policy, &trial.request, &context(Origin::Sent)).is_ok_and(|decision| decision.allowed)
}

/// Requests near the door: half of them such as get in, where there are any.
fn samples(policy: &TrustPolicy<'_>, made: &GeneratedDocument, seed: u64) -> Vec<(Trial, bool)> {
    let Some(world) = trials(made) else {
        return Vec::new();
    };
    let mut random = Random(seed);
    let (inside, outside): (Vec<Trial>, Vec<Trial>) =
        world.into_iter().partition(|trial| gets_in(policy, trial));
    let mut picked = Vec::new();
    for (list, allowed) in [(inside, true), (outside, false)] {
        for _ in 0..if list.is_empty() { 0 } else { 20 } {
            picked.push((random.pick(&list).clone(), allowed));
        }
    }
    picked
}

#[test]
fn every_witness_gets_in_by_its_statement() {
    runner()
        .run(&documents(), |made| {
            let text = made.text();
            let policy = TrustPolicy::parse(&text).unwrap();
            for grant in answer(&policy, true).grants {
                let Some(witness) = &grant.witness else {
                    prop_assert!(!grant.decided, "{text}: {grant:?}");
                    continue;
                };
                // Its own statement lets it in, not another one only.
                let mut alone = policy.clone();
                alone
                    .statements
                    .sort_by_key(|statement| statement.index != grant.statement);
                let decision = evaluate(&alone, witness, &context(Origin::Sent));
                prop_assert!(
                    decision.as_ref().is_ok_and(|decision| {
                        decision.allowed && decision.statement == Some(grant.statement)
                    }),
                    "{text}: {grant:?}: {decision:?}"
                );
            }
            Ok(())
        })
        .unwrap();
}

/// What is guessed before the walk decides nothing: all fields are those of the walk alone, which may
/// take a hundred times as long. Few documents are beyond the usual budget.
#[test]
fn guesses_change_nothing_but_the_texts_of_witnesses() {
    let context = AnalysisContext {
        own_account: Some(OWN),
        own_organization: Some(OWN_ORGANIZATION),
        now: NOW.parse().unwrap(),
        origin: Origin::Sent,
        witnesses: true,
        providers: &[],
    };
    let (seen, beyond) = (Cell::new(0), Cell::new(0));
    runner()
        .run(&documents(), |made| {
            let text = made.text();
            let policy = TrustPolicy::parse(&text).unwrap();
            let mut guessed = analyze(&policy, &context);
            let mut walked = analyze_without_guesses(&policy, &context);
            seen.set(seen.get() + 1);
            let decides = |found: &Analysis| found.grants.iter().filter(|one| one.decided).count();
            if decides(&guessed) < decides(&walked) {
                beyond.set(beyond.get() + 1);
                return Ok(());
            }
            for (one, other) in guessed.grants.iter_mut().zip(&mut walked.grants) {
                prop_assert_eq!(
                    one.witness.take().is_some(),
                    other.witness.take().is_some(),
                    "{}",
                    text
                );
            }
            prop_assert_eq!(guessed, walked, "{}", text);
            Ok(())
        })
        .unwrap();
    assert!(
        beyond.get() * 200 <= seen.get() + 200,
        "{beyond:?} of {seen:?}"
    );
}

#[test]
fn no_sampled_request_outside_the_answer_gets_in() {
    let mut seen = (0_usize, 0_usize);
    let count = std::cell::RefCell::new(&mut seen);
    runner()
        .run(&(documents(), any::<u64>()), |(made, seed)| {
            let text = made.text();
            let policy = TrustPolicy::parse(&text).unwrap();
            let found = answer(&policy, false);
            for (trial, allowed) in samples(&policy, &made, seed) {
                let mut count = count.borrow_mut();
                count.0 += usize::from(allowed);
                count.1 += 1;
                // Where everyone gets in, that any service does is told by `any_service` alone.
                let everyone = found.public || found.any_account_from_network;
                let by_everyone =
                    everyone && found.any_service && matches!(trial.caller, Caller::Service(_));
                let covered = by_everyone
                    || found
                        .grants
                        .iter()
                        .any(|grant| covers(grant, &trial.request, &trial.keys) != Some(false));
                prop_assert!(
                    covered || !allowed,
                    "{text}: {:?} gets in, and no grant says so: {:#?}",
                    trial.request,
                    found.grants
                );
            }
            Ok(())
        })
        .unwrap();
    let (allowed, all) = seen;
    println!("{allowed} of {all} sampled requests get in");
    assert!(
        (30..=70).contains(&(allowed * 100 / all.max(1))),
        "{allowed} of {all}"
    );
}

/// Who gets in by the first answer and not by the second, by the fields that name someone.
fn more(first: &Analysis, second: &Analysis) -> Vec<String> {
    let mut more = Vec::new();
    // Whoever is public, comes from a network or is of an organization may be named besides; what
    // counts is who is new.
    if first.public && !second.public {
        more.push("public".to_owned());
    }
    if first.any_account_from_network && !(second.public || second.any_account_from_network) {
        more.push("any account from a network".to_owned());
    }
    // Whose a unique id is may be known of fewer callers.
    if !(second.public || second.any_account_from_network || second.unknown_account) {
        let new = |first: &[String], second: &[String]| -> Vec<String> {
            let new = first.iter().filter(|one| !second.contains(one));
            new.cloned().collect()
        };
        // A named account may be one of an organization's.
        if second.organizations.is_empty() {
            let accounts = new(&first.external_accounts, &second.external_accounts);
            more.extend(accounts.iter().map(|one| format!("external account {one}")));
        }
        let organizations = new(&first.organizations, &second.organizations);
        more.extend(
            organizations
                .iter()
                .map(|one| format!("organization {one}")),
        );
        if first.unknown_account {
            more.push("unknown account".to_owned());
        }
    }
    for (name, first, second) in [
        ("service", &first.services, &second.services),
        ("provider", &first.federated, &second.federated),
        (
            "open provider",
            &first.federated_open,
            &second.federated_open,
        ),
    ] {
        // Of everyone's providers those are told by name of which a condition speaks.
        let everyones = |one: &&String| second.iter().any(|known| glob::matches(known, one));
        let new = first.iter().filter(|one| !everyones(one));
        more.extend(new.map(|one| format!("{name} {one}")));
    }
    if first.any_service && !second.any_service {
        more.push("any service".to_owned());
    }
    more
}

#[test]
fn a_deny_or_a_condition_more_lets_nobody_in() {
    runner()
        .run(
            &(documents(), documents(), any::<u64>()),
            |(made, other, seed)| {
                let before = made.text();
                let wide = answer(&TrustPolicy::parse(&before).unwrap(), false);
                let mut random = Random(seed);
                let mut denied = made.clone();
                for statement in other.statements.iter().filter(|statement| !statement.allow) {
                    denied.statements.push(statement.clone());
                }
                let mut restricted = made.clone();
                let allows: Vec<usize> = (0..made.statements.len())
                    .filter(|index| made.statements[*index].allow)
                    .collect();
                let place = *random.pick(&allows);
                let conditions: Vec<_> = other
                    .statements
                    .iter()
                    .flat_map(|statement| &statement.conditions)
                    .filter(|condition| {
                        restricted.statements[place]
                            .conditions
                            .iter()
                            .all(|known| known.operator != condition.operator)
                    })
                    .cloned()
                    .collect();
                restricted.statements[place]
                    .conditions
                    .extend(conditions.into_iter().take(1));
                for narrower in [denied, restricted] {
                    let text = narrower.text();
                    let narrow = answer(&TrustPolicy::parse(&text).unwrap(), false);
                    let more = more(&narrow, &wide);
                    prop_assert!(more.is_empty(), "{more:?} by\n{text}\nand not by\n{before}");
                }
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn the_order_of_statements_does_not_matter() {
    runner()
        .run(&(documents(), any::<u64>()), |(made, seed)| {
            let mut shuffled = made.clone();
            let mut random = Random(seed);
            for place in (1..shuffled.statements.len()).rev() {
                shuffled.statements.swap(place, random.below(place + 1));
            }
            let (before, after) = (made.text(), shuffled.text());
            let policy = TrustPolicy::parse(&before).unwrap();
            let reordered = TrustPolicy::parse(&after).unwrap();
            let fields = |mut found: Analysis| {
                found.grants.clear();
                found.errors.clear();
                found.warnings.clear();
                // Whose a unique id may be is told by what else is asked of its holder, and that
                // may be said of fewer ways in one order.
                if found.unknown_account {
                    found.external_accounts.clear();
                    found.unguarded_accounts.clear();
                    found.guarded = false;
                }
                found
            };
            prop_assert_eq!(
                fields(answer(&policy, false)),
                fields(answer(&reordered, false))
            );
            for (trial, allowed) in samples(&policy, &made, seed).into_iter().take(8) {
                prop_assert_eq!(gets_in(&reordered, &trial), allowed);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn parse_and_print_are_inverse() {
    runner()
        .run(&(documents(), any::<u64>()), |(made, seed)| {
            let text = made.text();
            let policy = TrustPolicy::parse(&text).unwrap();
            let printed = policy.to_string();
            let again = TrustPolicy::parse(&printed).unwrap();
            prop_assert_eq!(again.to_string(), printed.clone());
            prop_assert_eq!(answer(&policy, false), {
                let mut again = answer(&again, false);
                // Where a problem stands is a matter of the text.
                again.errors = answer(&policy, false).errors;
                again.warnings = answer(&policy, false).warnings;
                again
            });
            for (trial, allowed) in samples(&policy, &made, seed).into_iter().take(8) {
                prop_assert_eq!(gets_in(&again, &trial), allowed);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn what_is_cut_out_is_gone_and_nothing_else() {
    runner()
        .run(&(documents(), any::<u64>()), |(made, seed)| {
            let text = made.text();
            let policy = TrustPolicy::parse(&text).unwrap();
            let mut random = Random(seed);
            let statement = random.below(policy.statements.len());
            let principals = policy.statements[statement]
                .principal
                .as_ref()
                .map_or(0, Vec::len);
            let removal = if principals > 0 && random.percent(50) {
                Removal::Principal {
                    statement,
                    principal: random.below(principals),
                }
            } else {
                Removal::Statement(statement)
            };
            let whole = removal == Removal::Statement(statement) || principals == 1;
            match policy.without(&text, &[removal]).unwrap() {
                Remainder::Nothing => prop_assert!(whole && policy.statements.len() == 1),
                Remainder::Document(left) => {
                    let after = TrustPolicy::parse(&left).unwrap();
                    let expected = policy.statements.len() - usize::from(whole);
                    prop_assert_eq!(after.statements.len(), expected, "{}", left);
                    // Every statement that was left alone is there, byte for byte.
                    for other in policy
                        .statements
                        .iter()
                        .filter(|one| one.index != statement)
                    {
                        prop_assert!(left.contains(&text[other.span.start..other.span.end]));
                    }
                    // And a statement that allows, gone, lets nobody in who was not in before.
                    if made.statements[statement].allow {
                        let more = more(&answer(&after, false), &answer(&policy, false));
                        prop_assert!(more.is_empty(), "{more:?}: {text} → {left}");
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

proptest! {
    #![proptest_config(Config { cases: cases(2_000), failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC*") {
        let _ = TrustPolicy::parse(&text);
        let _ = trustwarden_policy::document::from_api_text(&text);
    }

    #[test]
    fn text_like_a_document_is_read_without_panic(
        text in "(\\{|\\}|\\[|\\]|,|:|\"|\\\\|\"Statement\"|\"Effect\"|\"Allow\"|\"Principal\"|\"AWS\"|\"\\*\"|\"Condition\"|\"Null\"|null|true|1|-|é| |\\n){0,60}"
    ) {
        let _ = TrustPolicy::parse(&text);
    }
}
