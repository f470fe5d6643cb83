//! The shape of orders, and of the windows that alerts are counted in.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_guard::order::{Order, Task};
use trustwarden_guard::state::digest_window::{FoldClass, FoldWindow};
use trustwarden_guard::state::incident::{Schema, Stage};
use trustwarden_guard::{Check, Severity};

use super::at;

fn order() -> Value {
    json!({
        "schema": 1,
        "account": "111122223333",
        "task": {
            "kind": "remediate",
            "role": "MyRole",
            "cause": {
                "event_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
                "event_name": "UpdateAssumeRolePolicy",
                "event_time": "2026-11-21T10:00:00Z",
                "region": "us-east-1",
                "actor": { "kind": "IAMUser", "tool": "cli" }
            },
            "change": "changed",
            "document": "{}",
            "incident": "TW-ABCDEFGHJKMN"
        },
        "rules": "e2",
        "issued_at": "2026-11-21T10:00:01Z"
    })
}

#[test]
fn orders_are_json_with_a_schema_and_name_their_group() {
    let read: Order = serde_json::from_value(order()).unwrap();
    assert_eq!(read.id(), "0f8fad5b-d9cb-469f-a165-70867728950e-remediate");
    assert_eq!(
        read.group(),
        "111122223333/role/myrole",
        "role names ignore case"
    );
    let again: Order = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read);
    for schema in [json!(0), json!(2), Value::Null] {
        let mut value = order();
        value["schema"] = schema;
        assert!(serde_json::from_value::<Order>(value).is_err());
    }
    let class = FoldClass {
        check: Check::RootSignInFailed,
        severity: Severity::Medium,
        stage: Stage::Detected,
        needs_person: false,
    };
    let window = FoldWindow::at("111122223333", class, at(0));
    let digest = Order {
        task: Task::Digest(window.clone()),
        ..read
    };
    assert_eq!(
        digest.group(),
        "111122223333/digest/root-sign-in-failed/MEDIUM/detected"
    );
    let again: Order = serde_json::from_str(&serde_json::to_string(&digest).unwrap()).unwrap();
    assert_eq!(again, digest);
    let person = FoldWindow {
        class: FoldClass {
            needs_person: true,
            ..class
        },
        ..window.clone()
    };
    let person = Order {
        task: Task::Digest(person),
        ..digest.clone()
    };
    assert_ne!(
        (person.group(), person.id()),
        (digest.group(), digest.id()),
        "what needs a person waits behind no other digest"
    );
    assert_eq!(digest.schema, Schema);
}

#[test]
fn windows_are_the_same_for_everyone() {
    let class = |check| FoldClass {
        check,
        severity: Severity::High,
        stage: Stage::Detected,
        needs_person: false,
    };
    let usual = class(Check::MissingExternalId);
    let window = |second| FoldWindow::at("1", usual, Timestamp::from_second(second).unwrap());
    assert_eq!(window(600), window(899));
    assert_ne!(window(899), window(900));
    assert_eq!((window(899).start, window(899).end()), (600, 900));
    assert_eq!(window(-1).start, -300);
    assert_eq!(
        (usual.alone(), class(Check::RootSignInFailed).alone()),
        (10, 1)
    );
    let sign_ins = FoldWindow::at("1", class(Check::RootSignInFailed), at(0));
    assert_eq!(sign_ins.end() - sign_ins.start, 15 * 60);
}

proptest! {
    #[test]
    fn any_order_that_can_be_read_has_ids_that_the_queue_takes(role in ".{0,300}", event in ".{0,300}") {
        let mut value = order();
        value["task"]["role"] = json!(role);
        value["task"]["cause"]["event_id"] = json!(event);
        let order: Order = serde_json::from_value(value).unwrap();
        for id in [order.id(), order.group()] {
            prop_assert!((1..=128).contains(&id.len()));
            prop_assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
