//! What an event costs: one that is nothing to the guard, and one that is judged, from its text to
//! the verdict, against few rules and many.
//!
//! `cargo bench -p trustwarden-guard`. The goals: 5 µs for an irrelevant event; loading rules with
//! 10,000 vendors and judging by them at most 1.15 × of what it costs with 10, the start of the
//! process included (`make bench-init` says what that is).
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking and documents itself"
)]

use divan::{Bencher, black_box};
use trustwarden_guard::cloudtrail::{Activity, Document, Record, Watched};
use trustwarden_guard::detect::judge_trust;
use trustwarden_guard::model::RoleRef;
use trustwarden_guard::rules::{Rules, RulesFile, compile};

fn main() {
    divan::main();
}

const CHANGE: &str =
    include_str!("../../../events/role-trust/update-trust-missing-external-id.json");

/// The rules of a company with so many vendors: each with an account, a role and an external id.
fn rules(vendors: usize) -> Vec<u8> {
    let vendors: Vec<_> = (0..vendors)
        .map(|n| {
            let account = if n == 0 {
                "464622532012".to_owned()
            } else {
                format!("{:012}", 300_000_000_000_u64 + n as u64)
            };
            serde_json::json!({
                "name": format!("Vendor {n}"),
                "accounts": [account],
                "roles": [format!("Vendor{n}Role*")],
                "external_id": {
                    "required": true,
                    "values": [format!("0f8fad5b-d9cb-469f-a165-{n:012x}")],
                },
                "owner": "platform@example.com",
            })
        })
        .collect();
    let file: RulesFile =
        serde_json::from_value(serde_json::json!({ "version": 1, "vendors": vendors })).unwrap();
    compile(&file, &[]).unwrap().bytes
}

fn watched() -> Watched {
    Watched::only("111122223333".to_owned())
}

#[divan::bench]
fn irrelevant_event(bencher: Bencher<'_, '_>) {
    let event = CHANGE.replace("UpdateAssumeRolePolicy", "UpdateRoleDescription");
    bencher.bench_local(|| {
        let record = Record::from_text(black_box(&event)).unwrap();
        assert!(matches!(
            record.activity(&watched()),
            Activity::Irrelevant(_)
        ));
    });
}

#[divan::bench(args = [10, 10_000])]
fn load(bencher: Bencher<'_, '_>, vendors: usize) {
    let bytes = rules(vendors);
    bencher
        .with_inputs(|| bytes.clone())
        .bench_local_values(|bytes| Rules::load(black_box(bytes)).unwrap());
}

#[divan::bench(args = [10, 10_000])]
fn judged_event(bencher: Bencher<'_, '_>, vendors: usize) {
    let rules = Rules::load(rules(vendors)).unwrap();
    bencher.bench_local(|| {
        let record = Record::from_text(black_box(CHANGE)).unwrap();
        let Activity::TrustChange(change) = record.activity(&watched()) else {
            unreachable!("the event is a change")
        };
        let Document::Present(document) = &change.document else {
            unreachable!("the event carries its document")
        };
        let role = RoleRef::named("111122223333", change.role);
        black_box(judge_trust(
            &rules,
            &role,
            document,
            jiff::Timestamp::UNIX_EPOCH,
        ))
    });
}
