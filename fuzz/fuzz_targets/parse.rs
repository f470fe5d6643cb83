//! Any bytes: no panic, and what parses prints back as the same document; whatever is cut out of
//! it, the rest parses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::TrustPolicy;
use policy::document::{Remainder, Removal, from_api_text};

fuzz_target!(|bytes: &[u8]| {
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
});
