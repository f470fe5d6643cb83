//! What the way from a document's text to the answer allocates, over the documents that `analyze`
//! times. The counts are exact and the same in every run, so each is taken once; they are per run
//! over all documents, whose number stands beside them.
//!
//! `cargo bench -p trustwarden-policy --bench allocations`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking and documents itself"
)]

mod documents;

use divan::{AllocProfiler, Bencher};
use documents::{answer, corpus, usual};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn usual_without_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &usual(), false);
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn usual_with_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &usual(), true);
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn corpus_without_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &corpus(), false);
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn corpus_with_witnesses(bencher: Bencher<'_, '_>) {
    answer(bencher, &corpus(), true);
}
