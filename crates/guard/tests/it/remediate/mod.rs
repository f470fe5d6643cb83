//! The plan and its parts: repair by the smallest removal, the difference, what a history keeps,
//! and the shape of orders. Pure, so in tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on has failed"
)]

mod documents;
mod history;
mod orders;
mod others;
mod plan;
mod repair;
mod steps;

use std::collections::BTreeSet;

use jiff::Timestamp;
use policy::TrustPolicy;
use policy::document::Effect;
use trustwarden_guard::model::{LiveRole, document_digest};
use trustwarden_guard::remediate::Judging;
use trustwarden_guard::state::history::{
    Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress,
};

const STRANGER: &str = "999988887777";

/// Compliant: no Allow statement names the external account, or everyone.
fn compliant(document: &str) -> bool {
    TrustPolicy::parse(document).is_ok_and(|policy| {
        policy.errors.is_empty()
            && policy.statements.iter().all(|statement| {
                statement.effect == Some(Effect::Deny)
                    || statement.principal.iter().flatten().all(|principal| {
                        !principal.value.contains(STRANGER) && principal.value != "*"
                    })
            })
    })
}

fn allow(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

fn document(statements: &[String]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

fn escaped(list: &str) -> String {
    let condition = r#""Condition":{"StringEquals":{"sts:ExternalId":"\"]},{\\"}}"#;
    format!(
        r#"{{"Effect":"Allow","Pr\u0069ncipal":{{"A\u0057S":[{list}]}},"Action":"sts:AssumeRole",{condition}}}"#
    )
}

fn history() -> RoleHistory {
    RoleHistory::new(
        "111122223333",
        &LiveRole {
            name: "R".to_owned(),
            arn: "arn:aws:iam::111122223333:role/R".to_owned(),
            path: "/".to_owned(),
            role_id: "AROA1".to_owned(),
            document: String::new(),
            created: None,
        },
    )
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_763_000_000 + second).unwrap()
}

fn baseline(document: &str, written: Option<i64>, seen: i64) -> Baseline {
    Baseline {
        document: document.to_owned(),
        digest: document_digest(document),
        actor: None,
        written_at: written.map(at),
        seen_at: at(seen),
        stale_by: 0,
        seen_live: true,
        live_again_at: None,
    }
}

fn own_write(second: i64, progress: WriteProgress) -> OwnWrite {
    OwnWrite {
        order: "o".to_owned(),
        role_id: None,
        incident: None,
        kind: WriteKind::Revert,
        digest: "d".to_owned(),
        replaced: "r".to_owned(),
        at: at(second),
        done_at: None,
        undoes: at(second),
        progress,
        details: String::new(),
        dropped: Vec::new(),
        fallback: None,
    }
}

/// Judges by [`compliant`], and names no third party.
struct ByName;

impl Judging for ByName {
    fn complies(&self, document: &str) -> bool {
        compliant(document)
    }

    fn third_parties(&self, _: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }
}
