//! Records to begin with.

use serde_json::{Value, json};
use trustwarden_guard::cloudtrail::{Activity, Record, Watched};

pub(crate) const OWN: &str = "111122223333";

pub(crate) fn watched() -> Watched {
    Watched::only(OWN)
}

pub(crate) fn activity(record: &Value) -> Activity {
    Record::from_value(record).activity(&watched())
}

pub(crate) fn iam(name: &str) -> Value {
    json!({
        "eventID": "6f9d1a30-5a5e-4a47-8d57-1f0f3c0a7b11",
        "eventTime": "2026-11-20T09:00:00Z",
        "eventName": name,
        "eventSource": "iam.amazonaws.com",
        "recipientAccountId": OWN,
        "userIdentity": {
            "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": OWN, "userName": "alice"
        }
    })
}

pub(crate) fn with(mut record: Value, fields: &[(&str, Value)]) -> Value {
    for (field, value) in fields {
        record[*field] = value.clone();
    }
    record
}

pub(crate) fn root(name: &str, source: &str) -> Value {
    with(
        iam(name),
        &[
            ("eventSource", json!(source)),
            (
                "userIdentity",
                json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": OWN}),
            ),
        ],
    )
}
