//! Any document: no panic, and every witness gets in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{AnalysisContext, EvaluationContext, TrustPolicy, analyse, evaluate};

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
    for grant in analyse(&document, &context).grants {
        if let Some(witness) = grant.witness {
            let decision = evaluate(&document, &witness, &context_of_request);
            assert!(
                decision.is_ok_and(|decision| decision.allowed),
                "{text}: {witness:?}"
            );
        }
    }
});
