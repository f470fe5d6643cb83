//! From a document's text to the answer, over documents as accounts have them and over the corpus.
//!
//! `cargo bench -p trustwarden-policy --bench analyze`: the figures are per document of the mix; the
//! goals are 200,000 documents a second without witnesses and 20,000 with (one core). What the same
//! machine takes to read the same texts as JSON alone is measured beside them, so that a figure can
//! be told from the machine. Allocations are counted by `allocations`, since counting takes time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking and documents itself"
)]

mod documents;

use divan::{Bencher, black_box};
use documents::{answer, corpus, each, usual};
use trustwarden_policy::TrustPolicy;

fn main() {
    divan::main();
}

/// The yardstick: the same texts as JSON that nobody asks anything.
#[divan::bench]
fn json_usual(bencher: Bencher<'_, '_>) {
    each(bencher, &usual(), |text| {
        black_box(serde_json::from_str::<serde_json::Value>(text).unwrap());
    });
}

#[divan::bench]
fn parse_usual(bencher: Bencher<'_, '_>) {
    each(bencher, &usual(), |text| {
        black_box(TrustPolicy::parse(text).unwrap());
    });
}

#[divan::bench]
fn usual_without_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &usual(), false);
}

#[divan::bench]
fn usual_with_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &usual(), true);
}

#[divan::bench]
fn corpus_without_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &corpus(), false);
}

#[divan::bench]
fn corpus_with_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &corpus(), true);
}
