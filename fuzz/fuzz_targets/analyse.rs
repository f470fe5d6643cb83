//! Any document: no panic, every witness gets in, and nothing that is guessed changes the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{
    AnalysisContext, EvaluationContext, TrustPolicy, analyse, analyse_without_guesses, evaluate,
};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = TrustPolicy::parse(&text) else {
        return;
    };
    let (account, organization, now) =
        ("111122223333", "o-own1234567", jiff::Timestamp::UNIX_EPOCH);
    let context = AnalysisContext {
        own_account: Some(account),
        own_organization: Some(organization),
        now,
        witnesses: true,
        providers: &[],
    };
    let context_of_request = EvaluationContext {
        account: Some(account),
        organization: Some(organization),
        now,
    };
    let mut guessed = analyse(&document, &context);
    for grant in &mut guessed.grants {
        if let Some(witness) = grant.witness.take() {
            let decision = evaluate(&document, &witness, &context_of_request);
            assert!(
                decision.is_ok_and(|decision| decision.allowed),
                "{text}: {witness:?}"
            );
        }
    }
    // The walk alone costs more, so that it may leave open what a guess decides, and a long document
    // would take it seconds.
    if text.len() > 4_096 || guessed.grants.iter().any(|grant| !grant.decided) {
        return;
    }
    let context = AnalysisContext {
        witnesses: false,
        ..context
    };
    let walked = analyse_without_guesses(&document, &context);
    if walked.grants.iter().all(|grant| grant.decided) {
        assert_eq!(guessed, walked, "{text}");
    }
});
