//! Roles and access keys, against a server that answers as IAM does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use std::error::Error;

use crate::support::{Response, Server, account_at};
use guard::ports::{IamErrorKind, Keys, Roles, WriteRoles};
use jiff::Timestamp;
use trustwarden_aws::{Iam, IamWriter, SESSION_DENIAL};

const ROLE: &str = "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
    <Path>/vendors/</Path><Arn>arn:aws:iam::111122223333:role/vendors/Datadog</Arn>\
    <RoleName>Datadog</RoleName><RoleId>AROAEXAMPLE</RoleId>\
    <CreateDate>2026-11-21T10:00:00Z</CreateDate>\
    <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Id%22%3A%22a%2Bb+c%C3%A9%22%7D</AssumeRolePolicyDocument>\
    </Role></GetRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetRoleResponse>";

/// The error and everything under it, as the log shows it.
fn reported(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

async fn failing(status: u16, code: &'static str, message: &'static str) -> (Server, IamWriter) {
    let server = Server::answering(move |_, _| Response::query_error(status, code, message)).await;
    let iam = IamWriter::new(&account_at(&server.url()));
    (server, iam)
}

#[tokio::test]
async fn a_role_is_read_and_its_document_decoded() {
    let server = Server::answering(|_, _| Response::new(200, ROLE)).await;
    let role = Iam::new(&account_at(&server.url()))
        .read_role("Datadog")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(role.name, "Datadog");
    assert_eq!(role.arn, "arn:aws:iam::111122223333:role/vendors/Datadog");
    assert_eq!(role.path, "/vendors/");
    assert_eq!(role.role_id, "AROAEXAMPLE");
    // RFC 3986: a plus sign stands for itself.
    assert_eq!(role.document, r#"{"Version":"2012-10-17","Id":"a+b+cé"}"#);
    assert_eq!(role.created, Some("2026-11-21T10:00:00Z".parse().unwrap()));
    let requests = server.requests();
    assert_eq!(requests[0].parameter("Action").as_deref(), Some("GetRole"));
    assert_eq!(
        requests[0].parameter("RoleName").as_deref(),
        Some("Datadog")
    );
}

#[tokio::test]
async fn a_role_that_is_not_there_is_no_error() {
    let (server, iam) = failing(404, "NoSuchEntity", "The role with name x cannot be found.").await;
    assert_eq!(iam.read_role("x").await.unwrap(), None);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn reading_fails_in_the_guards_words() {
    let (server, iam) = failing(403, "AccessDenied", "User: arn:… is not authorized").await;
    let error = iam.read_role("x").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::AccessDenied, "{error:?}");
    assert_eq!(
        reported(&error),
        "may not read role x: iam:GetRole: AccessDenied: User: arn:… is not authorized"
    );
    assert_eq!(server.requests().len(), 1, "a denied call is not repeated");

    let (server, iam) = failing(400, "Throttling", "Rate exceeded").await;
    let error = iam.read_role("x").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::Throttled, "{error:?}");
    assert!(server.requests().len() > 2, "a throttled call is");
}

#[tokio::test]
async fn throttling_that_ends_is_waited_for() {
    let server = Server::answering(|_, number| match number {
        0 | 1 => Response::query_error(400, "Throttling", "Rate exceeded"),
        _ => Response::new(200, ROLE),
    })
    .await;
    let role = Iam::new(&account_at(&server.url()))
        .read_role("Datadog")
        .await
        .unwrap();
    assert!(role.is_some());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_trust_policy_is_written_as_it_is() {
    let server = Server::answering(|_, _| {
        Response::new(
            200,
            "<UpdateAssumeRolePolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </UpdateAssumeRolePolicyResponse>",
        )
    })
    .await;
    let document = "{\n  \"Version\": \"2012-10-17\", \"Id\": \"é + %2B & = ü\"\n}";
    let iam = IamWriter::new(&account_at(&server.url()));
    iam.write_trust_policy("Datadog", document).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.parameter("Action").as_deref(),
        Some("UpdateAssumeRolePolicy")
    );
    assert_eq!(
        request.parameter("PolicyDocument").as_deref(),
        Some(document)
    );
}

#[tokio::test]
async fn refused_writes_say_what_follows() {
    let malformed = "MalformedPolicyDocument";
    let principal = |named: &str| IamErrorKind::RefusedPrincipal(named.to_owned());
    let cases: [(u16, &str, &str, IamErrorKind); 12] = [
        (
            400,
            malformed,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/gone\"",
            principal("arn:aws:iam::111122223333:user/gone"),
        ),
        (
            400,
            malformed,
            "Invalid principal in policy: \"AWS\":\"AROAEXAMPLE\"",
            principal("AROAEXAMPLE"),
        ),
        (
            400,
            malformed,
            "Invalid principal in policy: \"SERVICE\":\"nosuch.amazonaws.com\"",
            principal("nosuch.amazonaws.com"),
        ),
        (
            400,
            malformed,
            "Invalid principal in policy",
            IamErrorKind::Malformed,
        ),
        (
            400,
            malformed,
            "This policy contains invalid Json",
            IamErrorKind::Malformed,
        ),
        (
            409,
            "LimitExceeded",
            "Cannot exceed quota for ACLSizePerRole: 2048",
            IamErrorKind::LimitExceeded,
        ),
        (
            400,
            "ValidationError",
            "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must have length less than or equal to 131072",
            IamErrorKind::LimitExceeded,
        ),
        (
            400,
            "ValidationError",
            "1 validation error detected: Value at 'policyDocument' failed to satisfy constraint: Member must satisfy regular expression pattern",
            IamErrorKind::Malformed,
        ),
        (
            403,
            "AccessDenied",
            "with an explicit deny in a service control policy",
            IamErrorKind::AccessDenied,
        ),
        (
            400,
            "UnmodifiableEntity",
            "Cannot perform the operation on the protected role",
            IamErrorKind::AccessDenied,
        ),
        (
            404,
            "NoSuchEntity",
            "The role with name x cannot be found.",
            IamErrorKind::NoSuchEntity,
        ),
        (400, "SomethingNew", "?", IamErrorKind::Other),
    ];
    for (status, code, message, is) in cases {
        let (_server, iam) = failing(status, code, message).await;
        let error = iam.write_trust_policy("x", "{}").await.unwrap_err();
        assert_eq!(error.kind, is, "{code}: {message}: {error:?}");
        assert!(reported(&error).contains(code), "{}", reported(&error));
    }
}

#[tokio::test]
async fn a_write_without_an_answer_may_have_happened() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let iam = IamWriter::new(&account_at(&url));
    let error = iam.write_trust_policy("x", "{}").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::Other, "{error:?}");
    assert!(
        reported(&error).contains("iam:UpdateAssumeRolePolicy: dispatch failure"),
        "{}",
        reported(&error)
    );
}

#[tokio::test]
async fn older_sessions_are_denied_by_our_own_inline_policy() {
    let server = Server::answering(|_, _| {
        Response::new(
            200,
            "<PutRolePolicyResponse><ResponseMetadata/></PutRolePolicyResponse>",
        )
    })
    .await;
    let iam = IamWriter::new(&account_at(&server.url()));
    let before: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    iam.deny_sessions_before("Datadog", before).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.parameter("Action").as_deref(),
        Some("PutRolePolicy")
    );
    assert_eq!(
        request.parameter("PolicyName").as_deref(),
        Some(SESSION_DENIAL)
    );
    let document: serde_json::Value =
        serde_json::from_str(&request.parameter("PolicyDocument").unwrap()).unwrap();
    let statement = &document["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Action"], "*");
    assert_eq!(statement["Resource"], "*");
    assert_eq!(
        statement["Condition"]["DateLessThan"]["aws:TokenIssueTime"],
        "2026-11-21T10:00:00Z"
    );
}

#[tokio::test]
async fn a_denial_that_cannot_be_put_or_lifted() {
    let (_server, iam) = failing(
        409,
        "LimitExceeded",
        "Maximum policy size of 10240 bytes exceeded",
    )
    .await;
    let error = iam
        .deny_sessions_before("x", Timestamp::UNIX_EPOCH)
        .await
        .unwrap_err();
    assert_eq!(error.kind, IamErrorKind::LimitExceeded, "{error:?}");

    let missing = "The role policy with name TrustwardenDenyOlderSessions cannot be found.";
    let (_server, iam) = failing(404, "NoSuchEntity", missing).await;
    iam.lift_session_denial("x").await.unwrap();

    let missing = "The role with name x cannot be found.";
    let (_server, iam) = failing(404, "NoSuchEntity", missing).await;
    let error = iam.lift_session_denial("x").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::NoSuchEntity, "{error:?}");

    let (_server, iam) = failing(403, "AccessDenied", "no").await;
    let error = iam.lift_session_denial("x").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::AccessDenied, "{error:?}");
}

#[tokio::test]
async fn keys_are_deactivated() {
    let server = Server::answering(|_, _| {
        Response::new(
            200,
            "<UpdateAccessKeyResponse><ResponseMetadata/></UpdateAccessKeyResponse>",
        )
    })
    .await;
    let iam = IamWriter::new(&account_at(&server.url()));
    iam.deactivate_key("bob", "AKIAEXAMPLE").await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.parameter("Action").as_deref(),
        Some("UpdateAccessKey")
    );
    assert_eq!(request.parameter("UserName").as_deref(), Some("bob"));
    assert_eq!(
        request.parameter("AccessKeyId").as_deref(),
        Some("AKIAEXAMPLE")
    );
    assert_eq!(request.parameter("Status").as_deref(), Some("Inactive"));

    let (_server, iam) = failing(404, "NoSuchEntity", "The Access Key cannot be found").await;
    let error = iam.deactivate_key("bob", "AKIAEXAMPLE").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::NoSuchEntity, "{error:?}");
    let (_server, iam) = failing(403, "AccessDenied", "no").await;
    let error = iam.deactivate_key("bob", "AKIAEXAMPLE").await.unwrap_err();
    assert_eq!(error.kind, IamErrorKind::DeniedAtStart, "{error:?}");
}

#[tokio::test]
async fn every_partition_has_its_iam() {
    use aws_sdk_iam::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
    let partitions = [
        ("us-east-1", "https://iam.amazonaws.com"),
        ("eu-central-1", "https://iam.amazonaws.com"),
        ("us-gov-west-1", "https://iam.us-gov.amazonaws.com"),
        ("cn-north-1", "https://iam.cn-north-1.amazonaws.com.cn"),
    ];
    for (region, url) in partitions {
        let place = Params::builder().region(region.to_owned()).build().unwrap();
        let endpoint = DefaultResolver::new()
            .resolve_endpoint(&place)
            .await
            .unwrap();
        assert_eq!(endpoint.url(), url);
    }
}
