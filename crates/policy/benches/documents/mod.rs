//! What the benchmarks read.

use std::fs;
use std::path::Path;

use trustwarden_policy::AnalysisContext;

/// Documents as they are in accounts: services and own principals first, then vendors with and
/// without an external id, identity providers, and now and then a Deny.
pub(crate) fn usual() -> Vec<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/usual.jsonl"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Every document of the corpus: mostly hard cases.
pub(crate) fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/trust");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            text.lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .map(|case| match &case["policy"] {
                    serde_json::Value::String(text) => text.clone(),
                    policy => policy.to_string(),
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

pub(crate) fn context(witnesses: bool) -> AnalysisContext<'static> {
    AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        witnesses,
        providers: &[],
    }
}
