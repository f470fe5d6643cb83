//! The tests of the crate, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test ends by panicking"
)]

// By the name that the rest of the workspace knows the crate by.
extern crate trustwarden_guard as guard;

use guard::rules::{OrganizationAccount, Rules, RulesFile, compile};

mod account;
mod accounts_of_ours;
mod alert;
mod chains;
mod cloudtrail;
mod cloudtrail_actor;
mod cloudtrail_events;
mod cloudtrail_permissions;
mod cloudtrail_record;
mod corpus_docs;
mod coverage;
mod detect_access;
mod detect_corpus;
mod detect_everyone;
mod detect_rules;
mod detect_sound;
mod digest_pages;
mod exemptions;
mod fuzzed;
mod guardrail;
mod handlers;
mod hostile;
mod permissions;
mod records;
mod remediate;
mod rules;
mod shares;
mod slack;

/// When most tests play.
fn now() -> jiff::Timestamp {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

/// The rules of a file, as the functions load them.
fn loaded(file: &RulesFile) -> Rules {
    loaded_with(file, &[])
}

/// The same, with the accounts of the organization.
fn loaded_with(file: &RulesFile, accounts: &[OrganizationAccount]) -> Rules {
    Rules::load(compile(file, accounts).unwrap().bytes).unwrap()
}

/// How many cases a property sees that sees so many in a full run. `TRUSTWARDEN_CASES` is what one
/// of 300 sees: 75 if it is not set, 300 in `make test`.
fn cases(full: u32) -> u32 {
    let of_300 = std::env::var("TRUSTWARDEN_CASES").map_or(75, |text| text.parse().unwrap());
    u32::try_from(u64::from(full) * of_300 / 300).unwrap()
}
