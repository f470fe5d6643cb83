//! The records that CloudTrail would write for the calls of the demo and the tests. moto writes
//! none. Shapes as in published records: trust documents are plain text in the request and
//! percent-encoded in the answer, UpdateAssumeRolePolicy has no answer, a failed call often has no
//! request, a failed sign-in has no error code.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

/// Event ids count up; two processes on one machine start apart.
static EVENTS: AtomicU64 = AtomicU64::new(0);

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person of the platform team, signed in through Identity Center with MFA.
    Administrator,
    /// Someone with a stolen access key of a CI user.
    Intruder,
    /// The root user in the console.
    Root,
}

impl Actor {
    fn identity(self, account: &str) -> Value {
        let created = Timestamp::now().to_string();
        match self {
            Self::Administrator => json!({
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEADMIN00001:grace",
                "arn": format!("arn:aws:sts::{account}:assumed-role/AWSReservedSSO_Platform_0123456789abcdef/grace"),
                "accountId": account,
                "accessKeyId": "ASIAEXAMPLEADMIN00001",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLEADMIN00001",
                        "arn": format!("arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Platform_0123456789abcdef"),
                        "accountId": account,
                        "userName": "AWSReservedSSO_Platform_0123456789abcdef",
                    },
                    "attributes": { "creationDate": created, "mfaAuthenticated": "true" },
                },
            }),
            Self::Intruder => json!({
                "type": "IAMUser",
                "principalId": "AIDAEXAMPLECIUSER0001",
                "arn": format!("arn:aws:iam::{account}:user/ci-legacy"),
                "accountId": account,
                "accessKeyId": "AKIAEXAMPLESTOLEN0001",
                "userName": "ci-legacy",
            }),
            Self::Root => json!({
                "type": "Root",
                "principalId": account,
                "arn": format!("arn:aws:iam::{account}:root"),
                "accountId": account,
                "accessKeyId": "",
            }),
        }
    }

    fn address(self) -> &'static str {
        match self {
            Self::Administrator => "203.0.113.17",
            Self::Intruder | Self::Root => "198.51.100.23",
        }
    }

    fn agent(self) -> &'static str {
        match self {
            Self::Administrator => "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/macos#25.0.0",
            Self::Intruder => "Boto3/1.40.1 md/Botocore#1.40.1 os/linux",
            Self::Root => "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        }
    }
}

/// A record of any successful call.
pub fn record(
    account: &str,
    actor: Actor,
    service: &str,
    event: &str,
    request: &Value,
    answer: &Value,
) -> Value {
    let number = EVENTS.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    let now = Timestamp::now();
    let second = now.as_second();
    let time = Timestamp::new(second, 0).unwrap_or(now).to_string();
    json!({
        "eventVersion": "1.11",
        "userIdentity": actor.identity(account),
        "eventTime": time,
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": event,
        "awsRegion": "us-east-1",
        "sourceIPAddress": actor.address(),
        "userAgent": actor.agent(),
        "requestParameters": request,
        "responseElements": answer,
        "requestID": format!("{process:08x}-0000-4000-9000-{number:012x}"),
        "eventID": format!("{process:08x}-{:04x}-4000-8000-{number:012x}", second & 0xffff),
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": format!("{service}.amazonaws.com"),
        },
    })
}

/// `CreateRole`; `role` is IAM's answer, with `Arn`, `RoleId` and `Path`.
pub fn create_role(account: &str, actor: Actor, name: &str, document: &str, role: &Value) -> Value {
    let field = |name: &str| role.get(name).cloned().unwrap_or_default();
    let request = json!({ "roleName": name, "assumeRolePolicyDocument": document });
    let answer = json!({ "role": {
        "path": field("Path"),
        "arn": field("Arn"),
        "roleId": field("RoleId"),
        "roleName": name,
        "createDate": Timestamp::now().to_string(),
        "assumeRolePolicyDocument": percent_encoded(document),
    }});
    record(account, actor, "iam", "CreateRole", &request, &answer)
}

/// `UpdateAssumeRolePolicy`.
pub fn update_trust(account: &str, actor: Actor, name: &str, document: &str) -> Value {
    let request = json!({ "roleName": name, "policyDocument": document });
    record(
        account,
        actor,
        "iam",
        "UpdateAssumeRolePolicy",
        &request,
        &Value::Null,
    )
}

/// `DeleteRole`.
pub fn delete_role(account: &str, actor: Actor, name: &str) -> Value {
    let request = json!({ "roleName": name });
    record(account, actor, "iam", "DeleteRole", &request, &Value::Null)
}

/// `CreateAccessKey` for a user.
pub fn create_access_key(account: &str, actor: Actor, user: &str, key: &str) -> Value {
    let request = json!({ "userName": user });
    let answer = json!({ "accessKey": {
        "userName": user,
        "accessKeyId": key,
        "status": "Active",
        "createDate": Timestamp::now().to_string(),
    }});
    record(account, actor, "iam", "CreateAccessKey", &request, &answer)
}

/// The same call, refused: no request, no answer, an error.
pub fn denied(mut record: Value) -> Value {
    if let Some(fields) = record.as_object_mut() {
        fields.insert("errorCode".to_owned(), json!("AccessDenied"));
        let message = "User is not authorized to perform this action";
        fields.insert("errorMessage".to_owned(), json!(message));
        fields.insert("requestParameters".to_owned(), Value::Null);
        fields.insert("responseElements".to_owned(), Value::Null);
    }
    record
}

/// The root user at the sign-in page.
pub fn root_sign_in(account: &str, success: bool, mfa: bool) -> Value {
    let outcome = if success { "Success" } else { "Failure" };
    let answer = json!({ "ConsoleLogin": outcome });
    let mut record = record(
        account,
        Actor::Root,
        "signin",
        "ConsoleLogin",
        &Value::Null,
        &answer,
    );
    if let Some(fields) = record.as_object_mut() {
        fields.insert("eventType".to_owned(), json!("AwsConsoleSignIn"));
        fields.insert(
            "additionalEventData".to_owned(),
            json!({
                "LoginTo": "https://console.aws.amazon.com/console/home",
                "MobileVersion": "No",
                "MFAUsed": if mfa { "Yes" } else { "No" },
            }),
        );
        if !success {
            fields.insert("errorMessage".to_owned(), json!("Failed authentication"));
        }
    }
    record
}

/// As IAM sends documents back: everything but the unreserved characters encoded.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
