//! `resource-share`: what crosses the account's border without a role.

use serde_json::{Value, json};
use trustwarden_tests::{RULES, deployed};

use crate::{alerts_of, assert_untroubled, codes};

const FUNCTION: &str = "resource-share";

fn snapshot(change: &str, who: Value) -> Value {
    json!({
        "attributeType": "CREATE_VOLUME_PERMISSION",
        "snapshotId": "snap-0123456789abcdef0",
        "createVolumePermission": { change: { "items": [who] } },
    })
}

#[test]
fn a_public_snapshot_is_reported_and_one_that_is_taken_back_is_not() {
    let stack = deployed(&[], RULES);
    let call = "ModifySnapshotAttribute";
    let public = alerts_of(
        &stack,
        FUNCTION,
        ("ec2", call),
        &snapshot("add", json!({ "group": "all" })),
    );
    assert_eq!(codes(&public[0]), ["resource-shared"]);
    assert_eq!(public[0]["findings"][0]["severity"], json!("CRITICAL"));
    let arn = public[0]["resource"]["arn"].as_str().unwrap();
    assert!(arn.ends_with(":snapshot/snap-0123456789abcdef0"), "{arn}");
    let outside = json!({ "userId": "999900001111" });
    let shared = alerts_of(
        &stack,
        FUNCTION,
        ("ec2", call),
        &snapshot("add", outside.clone()),
    );
    assert_eq!(shared[0]["findings"][0]["severity"], json!("HIGH"));
    assert_eq!(
        shared[0]["findings"][0]["third_party"],
        json!("999900001111")
    );
    let nobody = [
        snapshot("remove", outside),
        snapshot("add", json!({ "userId": stack.account })),
    ];
    for harmless in nobody {
        assert!(
            alerts_of(&stack, FUNCTION, ("ec2", call), &harmless).is_empty(),
            "{harmless}"
        );
    }
    assert_untroubled(&stack);
}
