//! A document and a request, divided by a zero byte: no panic, and the order of statements never
//! matters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::{EvaluationContext, Request, TrustPolicy, evaluate};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let Some((document, request)) = text.split_once('\0') else {
        return;
    };
    let (Ok(mut document), Ok(request)) = (
        TrustPolicy::parse(document),
        serde_json::from_str::<Request>(request),
    ) else {
        return;
    };
    let context = EvaluationContext {
        account: Some("111122223333"),
        organization: Some("o-own1234567"),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let forwards = evaluate(&document, &request, &context).map(|decision| decision.allowed);
    document.statements.reverse();
    let backwards = evaluate(&document, &request, &context).map(|decision| decision.allowed);
    assert_eq!(forwards, backwards);
});
