//! What the command line asks of a live account, against a server that answers as AWS does.
#![cfg(feature = "live")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use crate::support::{Response, Server, account_at};
use guard::remediate::QUARANTINE;
use serde_json::json;
use trustwarden_aws::Table;
use trustwarden_aws::live::{
    ListAccountsError, StackError, describe_stack, function_state, kept_documents, list_accounts,
    list_roles, residue, rule_state, subscriptions,
};

#[tokio::test]
async fn the_organizations_accounts_page_by_page() {
    let server = Server::answering(|request, _| {
        let answer = match (request.target(), request.json()["NextToken"].as_str()) {
            ("DescribeOrganization", _) => json!({ "Organization": {
                "Id": "o-abc123example", "MasterAccountId": "999988887777" } }),
            (_, None) => json!({ "NextToken": "2", "Accounts": [
                { "Id": "222233334444", "Name": "shared", "Status": "ACTIVE" } ] }),
            _ => json!({ "Accounts": [
                { "Id": "000011112222", "Name": "old", "Status": "SUSPENDED" } ] }),
        };
        Response::new(200, answer.to_string())
    })
    .await;
    let found = list_accounts(&account_at(&server.url())).await.unwrap();
    assert_eq!(found.id, "o-abc123example");
    assert_eq!(found.management_account, "999988887777");
    let accounts: Vec<(&str, &str)> = found
        .accounts
        .iter()
        .map(|account| (account.id.as_str(), account.name.as_str()))
        .collect();
    assert_eq!(
        accounts,
        [("000011112222", "old"), ("222233334444", "shared")]
    );
}

#[tokio::test]
async fn who_may_not_list_accounts_reads_who_may() {
    let cases = [
        (
            "AWSOrganizationsNotInUseException",
            "this account belongs to no organization",
        ),
        ("AccessDeniedException", "delegated administrator"),
    ];
    for (code, words) in cases {
        let server = Server::answering(move |_, _| Response::json_error(400, code, "no")).await;
        let error = list_accounts(&account_at(&server.url())).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(
            !matches!(error, ListAccountsError::Call { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_stack_with_its_outputs_and_resources() {
    let server = Server::answering(|request, _| {
        let stack = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
            <StackName>trustwarden</StackName><CreationTime>2026-11-21T10:00:00Z</CreationTime>\
            <StackStatus>UPDATE_COMPLETE</StackStatus>\
            <Parameters><member><ParameterKey>Mode</ParameterKey>\
            <ParameterValue>enforce</ParameterValue></member></Parameters>\
            <Outputs><member><OutputKey>AlertTopic</OutputKey>\
            <OutputValue>arn:aws:sns:us-east-1:111122223333:alerts</OutputValue></member></Outputs>\
            </member></Stacks></DescribeStacksResult></DescribeStacksResponse>";
        let resource = |id: &str| format!(
            "<member><LogicalResourceId>{id}</LogicalResourceId>\
             <PhysicalResourceId>physical-{id}</PhysicalResourceId></member>");
        let resources = |list: String, next: &str| format!(
            "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>{list}\
             </StackResourceSummaries>{next}</ListStackResourcesResult></ListStackResourcesResponse>");
        let body = match request.parameter("Action").as_deref() {
            Some("DescribeStacks") => stack.to_owned(),
            _ if request.parameter("NextToken").is_none() => {
                resources(resource("Table"), "<NextToken>2</NextToken>")
            }
            _ => resources(resource("RoleTrust"), ""),
        };
        Response::new(200, body)
    })
    .await;
    let stack = describe_stack(&account_at(&server.url()), "trustwarden")
        .await
        .unwrap();
    assert_eq!(stack.status, "UPDATE_COMPLETE");
    assert_eq!(stack.parameters["Mode"], "enforce");
    assert_eq!(
        stack.outputs["AlertTopic"],
        "arn:aws:sns:us-east-1:111122223333:alerts"
    );
    assert_eq!(stack.resources["Table"], "physical-Table");
    assert_eq!(stack.resources["RoleTrust"], "physical-RoleTrust");
}

#[tokio::test]
async fn a_stack_that_is_not_there_names_the_region() {
    let server = Server::answering(|_, _| {
        Response::query_error(400, "ValidationError", "Stack with id x does not exist")
    })
    .await;
    let error = describe_stack(&account_at(&server.url()), "x")
        .await
        .unwrap_err();
    assert!(matches!(error, StackError::Missing { .. }), "{error:?}");
    assert!(error.to_string().contains("us-east-1"), "{error}");
}

#[tokio::test]
async fn unconfirmed_and_filtered_subscriptions_are_distinguished() {
    let server = Server::answering(|request, _| {
        if request.body.contains("Action=GetSubscriptionAttributes") {
            let attributes = "<entry><key>FilterPolicy</key><value>{}</value></entry>";
            return Response::new(200, format!(
                "<GetSubscriptionAttributesResponse><GetSubscriptionAttributesResult><Attributes>\
                 {attributes}</Attributes></GetSubscriptionAttributesResult>\
                 </GetSubscriptionAttributesResponse>"));
        }
        let member = |endpoint: &str, arn: &str| format!(
            "<member><TopicArn>t</TopicArn><Protocol>email</Protocol>\
             <SubscriptionArn>{arn}</SubscriptionArn><Owner>1</Owner>\
             <Endpoint>{endpoint}</Endpoint></member>");
        Response::new(200, format!(
            "<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult><Subscriptions>{}{}\
             </Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>",
            member("b@example.com", "PendingConfirmation"),
            member("a@example.com", "arn:aws:sns:us-east-1:111122223333:alerts:1")))
    })
    .await;
    let found = subscriptions(&account_at(&server.url()), "arn:aws:sns:us-east-1:1:t")
        .await
        .unwrap();
    let reported: Vec<(&str, bool, Option<&str>)> = found
        .iter()
        .map(|one| (one.endpoint.as_str(), one.confirmed, one.filter.as_deref()))
        .collect();
    assert_eq!(
        reported,
        [
            ("a@example.com", true, Some("{}")),
            ("b@example.com", false, None)
        ]
    );
}

#[tokio::test]
async fn functions_and_rules_say_how_they_are() {
    let server = Server::answering(|request, _| {
        let answer = match request.method.as_str() {
            "GET" => json!({ "State": "Active", "LastUpdateStatus": "Successful",
                "LastModified": "2026-11-21T10:00:00.000+0000",
                "Environment": { "Variables": { "TRUSTWARDEN_MODE": "alert" } } }),
            _ => json!({ "Name": "r", "State": "DISABLED" }),
        };
        Response::new(200, answer.to_string())
    })
    .await;
    let cloud = account_at(&server.url());
    let function = function_state(&cloud, "role-trust").await.unwrap();
    assert_eq!(function.state, "Active");
    assert_eq!(function.environment["TRUSTWARDEN_MODE"], "alert");
    assert!(
        server.requests()[0]
            .path
            .ends_with("/functions/role-trust/configuration")
    );
    assert_eq!(rule_state(&cloud, "r").await.unwrap().state, "DISABLED");
}

#[tokio::test]
async fn what_an_uninstall_would_leave_behind() {
    let encoded = |text: &str| text.replace('{', "%7B").replace('"', "%22");
    let server = Server::answering(move |request, number| {
        let role = |name: &str, document: &str, inline: &str, attached: &str| {
            format!(
                "<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
                 <Arn>arn:aws:iam::111122223333:role/{name}</Arn>\
                 <CreateDate>2026-11-21T10:00:00Z</CreateDate>\
                 <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
                 <RolePolicyList>{inline}</RolePolicyList>\
                 <AttachedManagedPolicies>{attached}</AttachedManagedPolicies></member>",
                encoded(document)
            )
        };
        let inline = |document: &str| {
            format!(
                "<member><PolicyName>TrustwardenDenyOlderSessions</PolicyName>\
                 <PolicyDocument>{}</PolicyDocument></member>",
                encoded(document)
            )
        };
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let denial = guard::remediate::session_denial(at);
        let managed = "<member><PolicyName>TrustwardenDenyOlderSessions</PolicyName><PolicyArn>\
            arn:aws:iam::111122223333:policy/TrustwardenDenyOlderSessions</PolicyArn></member>";
        let (roles, next) = match number {
            0 => (
                role("Open", "{}", "", managed) + &role("Denied", "{}", &inline(&denial), ""),
                "<IsTruncated>true</IsTruncated><Marker>1</Marker>",
            ),
            _ => (
                role("Closed", QUARANTINE, "", "") + &role("Changed", "{}", &inline("{}"), ""),
                "<IsTruncated>false</IsTruncated>",
            ),
        };
        assert_eq!(request.parameter("Marker").is_some(), number > 0);
        Response::new(
            200,
            format!(
                "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult>\
                 <RoleDetailList>{roles}</RoleDetailList>{next}\
                 </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
            ),
        )
    })
    .await;
    let found = residue(&account_at(&server.url())).await.unwrap();
    let closed: Vec<&str> = found
        .quarantined
        .iter()
        .map(|role| role.name.as_str())
        .collect();
    assert_eq!(closed, ["Closed"]);
    let denials: Vec<(&str, Option<String>)> = found
        .session_denials
        .iter()
        .map(|one| (one.role.as_str(), one.before.map(|at| at.to_string())))
        .collect();
    let at = Some("2026-11-21T10:00:00Z".to_owned());
    assert_eq!(denials, [("Changed", None), ("Denied", at)]);
}

#[tokio::test]
async fn the_documents_that_were_kept() {
    let server = Server::answering(|request, _| {
        let kept = |incident: &str, at: &str| {
            json!({ "data": { "M": {
            "schema": { "N": "1" }, "account": { "S": "111122223333" },
            "role_id": { "S": "AROA1" }, "role": { "S": "Datadog" },
            "incident": { "S": incident }, "document": { "S": "{}" }, "digest": { "S": "d" },
            "kind": { "S": "revert" }, "at": { "S": at } } } })
        };
        assert_eq!(
            request.json()["ExpressionAttributeValues"][":sk"]["S"],
            "document"
        );
        let items = [
            kept("TW-1", "2026-11-21T10:00:00Z"),
            kept("TW-2", "2026-11-21T11:00:00Z"),
        ];
        Response::new(200, json!({ "Items": items }).to_string())
    })
    .await;
    let table = Table::new(&account_at(&server.url()), "state");
    let found = kept_documents(&table).await.unwrap();
    let incidents: Vec<&str> = found.iter().map(|one| one.incident.as_str()).collect();
    assert_eq!(incidents, ["TW-2", "TW-1"]);
}

#[tokio::test]
async fn all_roles_even_behind_an_empty_page() {
    let server = Server::answering(|request, number| {
        let role = |name: &str| {
            format!(
                "<member><Path>/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
                 <Arn>arn:aws:iam::111122223333:role/{name}</Arn>\
                 <CreateDate>2026-11-21T10:00:00Z</CreateDate>\
                 <AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument></member>"
            )
        };
        let (roles, next) = match number {
            0 => (
                role("b"),
                "<IsTruncated>true</IsTruncated><Marker>1</Marker>",
            ),
            1 => (
                String::new(),
                "<IsTruncated>true</IsTruncated><Marker>2</Marker>",
            ),
            _ => (role("a"), "<IsTruncated>false</IsTruncated>"),
        };
        assert_eq!(request.parameter("Marker").is_some(), number > 0);
        Response::new(
            200,
            format!(
                "<ListRolesResponse><ListRolesResult><Roles>{roles}</Roles>{next}\
                 </ListRolesResult></ListRolesResponse>"
            ),
        )
    })
    .await;
    let roles = list_roles(&account_at(&server.url())).await.unwrap();
    let reported: Vec<(&str, &str)> = roles
        .iter()
        .map(|role| (role.name.as_str(), role.document.as_str()))
        .collect();
    assert_eq!(reported, [("a", "{}"), ("b", "{}")]);
}
