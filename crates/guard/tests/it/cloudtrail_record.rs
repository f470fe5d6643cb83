//! Any JSON at all is read, and every record has an id, an account and a place in the order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use trustwarden_guard::cloudtrail::{Activity, Irrelevance, Record, Watched};

use crate::records::{activity, iam, watched, with};

#[test]
fn an_irrelevant_record_is_read_without_its_parameters() {
    let record = json!({
        "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "requestParameters": {"a": 1}, "responseElements": {"b": 2}
    });
    let read = Record::from_text(&record.to_string()).unwrap();
    assert_eq!(
        (&read.request, &read.response),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        read.activity(&Watched::Any),
        Activity::Irrelevant(Irrelevance::OtherCall)
    );
    // Where the parameters stand before the name, they are kept until it is known.
    let text = r#"{"requestParameters":{"roleName":"R"},"eventName":"DeleteRole",
                   "eventSource":"iam.amazonaws.com"}"#;
    let read = Record::from_text(text).unwrap();
    assert!(matches!(
        read.activity(&Watched::Any),
        Activity::RoleDeleted(_)
    ));
}

#[test]
fn records_stand_in_order_of_time_then_creation_then_id() {
    let record = |name: &str, time: &str, id: &str| {
        Record::from_value(&with(
            iam(name),
            &[("eventTime", json!(time)), ("eventID", json!(id))],
        ))
    };
    let mut records = [
        record("DeleteRole", "2026-11-20T09:00:01Z", "a"),
        record("UpdateAssumeRolePolicy", "2026-11-20T09:00:00Z", "b"),
        record("CreateRole", "2026-11-20T09:00:00Z", "z"),
        record("UpdateAssumeRolePolicy", "2026-11-20T09:00:00Z", "a"),
    ];
    records.sort_by(|a, b| a.order_key().cmp(&b.order_key()));
    let order: Vec<(&str, &str)> = records
        .iter()
        .map(|r| (r.event_name.as_str(), r.event_id.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            ("CreateRole", "z"),
            ("UpdateAssumeRolePolicy", "a"),
            ("UpdateAssumeRolePolicy", "b"),
            ("DeleteRole", "a")
        ]
    );
}

#[test]
fn a_record_without_an_id_still_has_one() {
    let with_id = Record::from_value(&iam("CreateRole"));
    assert_eq!(with_id.id(), "6f9d1a30-5a5e-4a47-8d57-1f0f3c0a7b11");
    let without = |name: &str| {
        Record::from_value(&with(iam(name), &[("eventID", Value::Null)]))
            .id()
            .into_owned()
    };
    assert!(without("CreateRole").starts_with("sha256-"));
    assert_eq!(without("CreateRole"), without("CreateRole"));
    assert_ne!(without("CreateRole"), without("DeleteRole"));
}

#[test]
fn what_is_no_record_is_unreadable() {
    for value in [
        Value::Null,
        json!([]),
        json!("x"),
        json!(1.5),
        json!(true),
        json!({}),
        json!({"eventName": "CreateRole"}),
        json!({"eventSource": "iam.amazonaws.com"}),
        json!({"detail": null}),
        json!({"detail": "x"}),
        json!({"detail": []}),
        json!({"eventName": ["CreateRole"], "eventSource": "iam.amazonaws.com"}),
    ] {
        assert!(
            matches!(activity(&value), Activity::Unreadable(_)),
            "{value}"
        );
        let text = Record::from_text(&value.to_string()).unwrap();
        assert_eq!(text, Record::from_value(&value), "{value}");
    }
    assert!(Record::from_text("{").is_err());
    assert!(Record::from_text("").is_err());
}

#[test]
fn an_account_written_as_a_number_keeps_its_zeros() {
    let record = with(
        iam("CreateAccessKey"),
        &[("recipientAccountId", json!(11_122_223_333_u64))],
    );
    assert_eq!(Record::from_value(&record).account(), "011122223333");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(json!("Root")),
        Just(json!("arn:aws:iam::111122223333:root")),
        Just(json!("%7B%zz%C3%28%")),
        Just(json!({"omitted": true})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "roleName",
        "policyDocument",
        "assumeRolePolicyDocument",
        "userName",
        "status",
        "role",
        "arn",
        "path",
        "accessKey",
        "ConsoleLogin",
        "MFAUsed",
        "type",
        "sessionContext",
        "sessionIssuer",
        "attributes",
        "mfaAuthenticated",
        "invokedBy",
        "omitted",
        "detail",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    // The same records every time.
    #![proptest_config(ProptestConfig {
        cases: crate::cases(1_000),
        rng_seed: RngSeed::Fixed(0x7261_6e64),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every field may be missing, null or of another type.
    #[test]
    fn no_record_is_too_strange(
        name in prop::sample::select(vec![
            "CreateRole", "UpdateAssumeRolePolicy", "DeleteRole", "CreateAccessKey",
            "UpdateAccessKey", "CreateLoginProfile", "UpdateLoginProfile", "ConsoleLogin", "Other",
        ]),
        fields in prop::collection::btree_map(
            prop::sample::select(vec![
                "eventID", "eventTime", "eventType", "awsRegion", "recipientAccountId",
                "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "userIdentity",
                "requestParameters", "responseElements", "additionalEventData", "account",
            ]),
            any_json(),
            0..12,
        ),
    ) {
        let source =
            if name == "ConsoleLogin" { "signin.amazonaws.com" } else { "iam.amazonaws.com" };
        let mut record = json!({"eventName": name, "eventSource": source});
        for (field, value) in fields {
            record[field] = value;
        }
        let by_value = Record::from_value(&record);
        let by_text = Record::from_text(&record.to_string()).unwrap();
        prop_assert_eq!(by_value.activity(&Watched::Any), by_text.activity(&Watched::Any));
        prop_assert!(!by_value.id().is_empty());
        let _ = (by_value.actor(), by_value.order_key(), by_value.root_activity(&watched()));
        // A trust change is never called irrelevant in its own account.
        if ["CreateRole", "UpdateAssumeRolePolicy", "DeleteRole"].contains(&name) {
            prop_assert!(!matches!(
                by_text.activity(&Watched::Any),
                Activity::Irrelevant(_) | Activity::RootCall
            ));
        }
    }

    #[test]
    fn any_json_at_all_is_read(value in any_json()) {
        let _ = Record::from_value(&value).activity(&watched());
        let event = json!({"account": value, "detail": value});
        let _ = Record::from_text(&event.to_string()).unwrap().activity(&watched());
    }
}
