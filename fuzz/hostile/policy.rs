//! Documents and requests from outside, as bytes, through the parser, the evaluator and the
//! analyzer: the fuzz targets and a test of `crates/policy`, which replays the corpus, run the same
//! code.
//!
//! Each of them panics where a promise is broken that holds for any input.

use policy::document::{Remainder, Removal, from_api_text};
use policy::{
    AnalysisContext, EvaluationContext, Origin, Request, TrustPolicy, analyze as answer,
    analyze_without_guesses, evaluate as decide,
};

const ACCOUNT: &str = "111122223333";
const ORGANIZATION: &str = "o-own1234567";

/// Any text: what parses prints back as the same document, and whatever is cut out of it, the rest
/// parses.
pub fn parse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = from_api_text(&text);
    let Ok(document) = TrustPolicy::parse(&text) else {
        return;
    };
    let printed = document.to_string();
    let again = TrustPolicy::parse(&printed).expect("a printed document parses");
    assert_eq!(again.to_string(), printed);
    for statement in document.statements.iter().take(4) {
        let principals = statement.principal.as_ref().map_or(0, Vec::len).min(4);
        let removals = (0..principals)
            .map(|principal| Removal::Principal {
                statement: statement.index,
                principal,
            })
            .chain([Removal::Statement(statement.index)]);
        for removal in removals {
            if let Ok(Remainder::Document(left)) = document.without(&text, &[removal]) {
                TrustPolicy::parse(&left).expect("what is left parses");
            }
        }
    }
}

/// A document and a request, divided by a zero byte: the order of statements never matters.
pub fn evaluate(bytes: &[u8]) {
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
        account: Some(ACCOUNT),
        organization: Some(ORGANIZATION),
        now: jiff::Timestamp::UNIX_EPOCH,
        origin: Origin::Sent,
    };
    let forwards = decide(&document, &request, &context).map(|decision| decision.allowed);
    document.statements.reverse();
    let backwards = decide(&document, &request, &context).map(|decision| decision.allowed);
    assert_eq!(forwards, backwards);
}

/// Any document: every witness gets in, and nothing that is guessed changes the answer.
pub fn analyze(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = TrustPolicy::parse(&text) else {
        return;
    };
    let now = jiff::Timestamp::UNIX_EPOCH;
    let context = AnalysisContext {
        own_account: Some(ACCOUNT),
        own_organization: Some(ORGANIZATION),
        now,
        origin: Origin::Sent,
        witnesses: true,
        providers: &[],
    };
    let context_of_request = EvaluationContext {
        account: Some(ACCOUNT),
        organization: Some(ORGANIZATION),
        now,
        origin: Origin::Sent,
    };
    let mut guessed = answer(&document, &context);
    for grant in &mut guessed.grants {
        if let Some(witness) = grant.witness.take() {
            let decision = decide(&document, &witness, &context_of_request);
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
    let walked = analyze_without_guesses(&document, &context);
    if walked.grants.iter().all(|grant| grant.decided) {
        assert_eq!(guessed, walked, "{text}");
    }
}
