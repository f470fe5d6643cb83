//! What the benchmarks read, and what they do with it.

use std::fs;
use std::path::Path;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use trustwarden_policy::{AnalysisContext, Origin, TrustPolicy, analyze};

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
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            serde_saphyr::from_str::<Vec<serde_json::Value>>(&text).unwrap()
        })
        .map(|case| case["policy"].to_string())
        .collect()
}

fn context(witnesses: bool) -> AnalysisContext<'static> {
    AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin: Origin::Sent,
        witnesses,
        providers: &[],
    }
}

/// Does some work with each document.
pub(crate) fn each(bencher: Bencher<'_, '_>, documents: &[String], mut work: impl FnMut(&str)) {
    bencher
        .counter(ItemsCount::new(documents.len()))
        .bench_local(|| {
            for text in documents {
                work(black_box(text));
            }
        });
}

/// From text to answer.
pub(crate) fn answer(bencher: Bencher<'_, '_>, documents: &[String], witnesses: bool) {
    let context = context(witnesses);
    each(bencher, documents, |text| {
        let policy = TrustPolicy::parse(text).unwrap();
        black_box(analyze(&policy, &context));
    });
}
