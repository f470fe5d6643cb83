//! From a document's text to the answer, over the corpus and over documents made to be slow.
//!
//! `cargo bench -p trustwarden-policy`: the figures are per document of the mix; the goals are
//! 200,000 documents a second without witnesses and 20,000 with (one core).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking and documents itself"
)]

use std::fs;
use std::path::Path;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher, black_box};
use trustwarden_policy::{AnalysisContext, TrustPolicy, analyse};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Documents as they are in accounts: services and own principals first, then vendors with and
/// without an external id, identity providers, and now and then a Deny.
fn usual() -> Vec<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/usual.jsonl"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Every document of the corpus: mostly hard cases.
fn corpus() -> Vec<String> {
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

fn context(witnesses: bool) -> AnalysisContext<'static> {
    AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        witnesses,
        providers: &[],
    }
}

fn run(bencher: Bencher<'_, '_>, documents: &[String], witnesses: bool) {
    let context = context(witnesses);
    bencher
        .counter(ItemsCount::new(documents.len()))
        .bench_local(|| {
            for text in documents {
                let policy = TrustPolicy::parse(black_box(text)).unwrap();
                black_box(analyse(&policy, &context));
            }
        });
}

#[divan::bench]
fn parse_usual(bencher: Bencher<'_, '_>) {
    let documents = usual();
    bencher
        .counter(ItemsCount::new(documents.len()))
        .bench_local(|| {
            for text in &documents {
                black_box(TrustPolicy::parse(black_box(text)).unwrap());
            }
        });
}

#[divan::bench]
fn usual_without_witnesses(bencher: Bencher<'_, '_>) {
    run(bencher, &usual(), false);
}

#[divan::bench]
fn usual_with_witnesses(bencher: Bencher<'_, '_>) {
    run(bencher, &usual(), true);
}

#[divan::bench]
fn corpus_without_witnesses(bencher: Bencher<'_, '_>) {
    run(bencher, &corpus(), false);
}

#[divan::bench]
fn corpus_with_witnesses(bencher: Bencher<'_, '_>) {
    run(bencher, &corpus(), true);
}
