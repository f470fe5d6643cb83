//! The records that matter, and what is to be said about them.

use fastrand::Rng;
use serde_json::json;

use crate::calls::{self, letters, uuid};
use crate::{ACCOUNT, Scene};

/// What was made, as the summary of a replay counts it.
#[derive(Default)]
pub(crate) struct Planted {
    records: u64,
    pub(crate) irrelevant: u64,
    approved: u64,
    failed_calls: u64,
    duplicates: u64,
    of_interest: u64,
    alerts: Vec<String>,
}

/// Of the vendor that the rules know.
const LAWFUL: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::444455556666:root\"},\"Action\":\"sts:AssumeRole\",\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"6f1d4f0a-3c1e-4b43-9d7b-0f4f6f1b7a52\"}}}]}"#;
/// Of someone else.
const STRANGE: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::999900001111:root\"},\"Action\":\"sts:AssumeRole\"}]}"#;

impl Planted {
    pub(crate) fn ordinary(&mut self) {
        self.records += 1;
        self.irrelevant += 1;
    }

    /// The last record of a file, delivered again: told as a duplicate only if it matters.
    pub(crate) fn again(&mut self, matters: bool) {
        self.records += 1;
        if matters {
            self.duplicates += 1;
        } else {
            self.irrelevant += 1;
        }
    }

    pub(crate) fn record(&mut self, rng: &mut Rng, scene: &Scene) -> String {
        self.records += 1;
        self.of_interest += 1;
        let id = uuid(rng);
        let user = format!(
            r#"{{"type":"IAMUser","principalId":"AIDA{0}","arn":"arn:aws:iam::{ACCOUNT}:user/alice","accountId":"{ACCOUNT}","accessKeyId":"AKIA{0}","userName":"alice"}}"#,
            letters(rng, 16).to_uppercase()
        );
        let root = format!(
            r#"{{"type":"Root","principalId":"{ACCOUNT}","arn":"arn:aws:iam::{ACCOUNT}:root","accountId":"{ACCOUNT}","accessKeyId":""}}"#
        );
        let role = format!("Monitoring{}", rng.u32(..50));
        let (iam, signin) = ("iam.amazonaws.com", "signin.amazonaws.com");
        let (alert, record) = match rng.u32(..9) {
            0 => (true, {
                let request = format!(r#"{{"roleName":"{role}","policyDocument":"{STRANGE}"}}"#);
                calls::record(
                    scene,
                    &user,
                    (iam, "UpdateAssumeRolePolicy"),
                    "",
                    &request,
                    "null",
                    &id,
                    rng,
                )
            }),
            1 => {
                self.approved += 1;
                let request = format!(r#"{{"roleName":"{role}","policyDocument":"{LAWFUL}"}}"#);
                (
                    false,
                    calls::record(
                        scene,
                        &user,
                        (iam, "UpdateAssumeRolePolicy"),
                        "",
                        &request,
                        "null",
                        &id,
                        rng,
                    ),
                )
            }
            2 => {
                self.approved += 1;
                let request = format!(r#"{{"roleName":"{role}"}}"#);
                (
                    false,
                    calls::record(
                        scene,
                        &user,
                        (iam, "DeleteRole"),
                        "",
                        &request,
                        "null",
                        &id,
                        rng,
                    ),
                )
            }
            3 => {
                self.failed_calls += 1;
                let error = r#""errorCode":"AccessDenied","errorMessage":"User is not authorized to perform: iam:CreateAccessKey","#;
                (
                    false,
                    calls::record(
                        scene,
                        &user,
                        (iam, "CreateAccessKey"),
                        error,
                        "null",
                        "null",
                        &id,
                        rng,
                    ),
                )
            }
            4 => (true, {
                let answer = r#"{"accessKey":{"userName":"bob","accessKeyId":"AKIAIOSFODNN7EXAMPLE","status":"Active","createDate":"Mar 1, 2026 10:00:00 AM"}}"#;
                calls::record(
                    scene,
                    &user,
                    (iam, "CreateAccessKey"),
                    "",
                    r#"{"userName":"bob"}"#,
                    answer,
                    &id,
                    rng,
                )
            }),
            // Of interest at first sight only.
            5 => {
                self.irrelevant += 1;
                let request = r#"{"userName":"bob","accessKeyId":"AKIAIOSFODNN7EXAMPLE","status":"Inactive"}"#;
                (
                    false,
                    calls::record(
                        scene,
                        &user,
                        (iam, "UpdateAccessKey"),
                        "",
                        request,
                        "null",
                        &id,
                        rng,
                    ),
                )
            }
            6 => {
                self.irrelevant += 1;
                (
                    false,
                    calls::record(
                        scene,
                        &user,
                        (signin, "ConsoleLogin"),
                        "",
                        "null",
                        r#"{"ConsoleLogin":"Success"}"#,
                        &id,
                        rng,
                    ),
                )
            }
            7 => (
                true,
                calls::record(
                    scene,
                    &root,
                    (signin, "ConsoleLogin"),
                    "",
                    "null",
                    r#"{"ConsoleLogin":"Success"}"#,
                    &id,
                    rng,
                ),
            ),
            _ => (
                true,
                calls::record(
                    scene,
                    &root,
                    ("s3.amazonaws.com", "ListBuckets"),
                    "",
                    "null",
                    "null",
                    &id,
                    rng,
                ),
            ),
        };
        if alert {
            self.alerts.push(id);
        }
        record
    }

    pub(crate) fn json(&self) -> String {
        let mut alerts = self.alerts.clone();
        alerts.sort();
        json!({
            "records": self.records,
            "irrelevant": self.irrelevant,
            "approved": self.approved,
            "failed_calls": self.failed_calls,
            "duplicates": self.duplicates,
            "of_interest": self.of_interest,
            "alerts": alerts,
        })
        .to_string()
    }
}
