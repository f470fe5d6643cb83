//! What roles, users and groups may do, against a server that answers as IAM does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken test ends at its first surprise"
)]

use crate::support::{Request, Response, Server, account_at};
use guard::model::HeldPolicy;
use guard::ports::{IamErrorKind, ReadPermissions};
use trustwarden_aws::Iam;

const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const HIDDEN: &str = "arn:aws:iam::111122223333:policy/Hidden";

fn answer(action: &str, result: &str) -> Response {
    Response::new(
        200,
        format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
             <{action}Result>{result}</{action}Result></{action}Response>"
        ),
    )
}

fn whole(list: &str, members: &str) -> String {
    format!("<IsTruncated>false</IsTruncated><{list}>{members}</{list}>")
}

fn attached(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap();
    format!("<member><PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn></member>")
}

fn document(holder: &str, name: &str) -> String {
    format!(
        "{holder}<PolicyName>{name}</PolicyName><PolicyDocument>%7B%22of%22%3A%22{name}%22%7D</PolicyDocument>"
    )
}

fn holder(kind: &str, id: &str) -> String {
    let lower = kind.to_lowercase();
    format!(
        "<{kind}><Path>/</Path><{kind}Name>ci</{kind}Name><{kind}Id>{id}</{kind}Id>\
         <Arn>arn:aws:iam::111122223333:{lower}/ci</Arn>\
         <CreateDate>2026-11-21T10:00:00Z</CreateDate></{kind}>"
    )
}

/// A role and a user `ci`, and the user's group `builders`, with policies of each kind. The list of
/// attached policies has two pages, one policy is gone by now, and one may not be read.
fn iam(request: &Request) -> Response {
    let action = request.parameter("Action").unwrap();
    let asked = |name: &str| request.parameter(name).unwrap_or_default();
    let result = match action.as_str() {
        "GetUser" => holder("User", "AIDAEXAMPLE"),
        "GetRole" => holder("Role", "AROAEXAMPLE"),
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => {
            match request.parameter("Marker") {
                None => format!(
                    "<IsTruncated>true</IsTruncated><Marker>m1</Marker>\
                     <AttachedPolicies>{}</AttachedPolicies>",
                    attached(READ)
                ),
                Some(_) => whole("AttachedPolicies", &attached(HIDDEN)),
            }
        }
        "ListAttachedGroupPolicies" => whole("AttachedPolicies", &attached(READ)),
        "ListUserPolicies" | "ListRolePolicies" => whole(
            "PolicyNames",
            "<member>own</member><member>gone</member><member>secret</member>",
        ),
        "ListGroupPolicies" => whole("PolicyNames", "<member>theirs</member>"),
        "ListGroupsForUser" => whole(
            "Groups",
            "<member><Path>/</Path><GroupName>builders</GroupName><GroupId>AGPAEXAMPLE</GroupId>\
             <Arn>arn:aws:iam::111122223333:group/builders</Arn>\
             <CreateDate>2026-11-21T10:00:00Z</CreateDate></member>",
        ),
        "GetUserPolicy" | "GetRolePolicy" | "GetGroupPolicy" => {
            match asked("PolicyName").as_str() {
                "gone" => return Response::query_error(404, "NoSuchEntity", "it was deleted"),
                "secret" => return Response::query_error(403, "AccessDenied", "not this one"),
                name => {
                    let of = match action.as_str() {
                        "GetUserPolicy" => "<UserName>ci</UserName>",
                        "GetRolePolicy" => "<RoleName>ci</RoleName>",
                        _ => "<GroupName>builders</GroupName>",
                    };
                    document(of, name)
                }
            }
        }
        "GetPolicy" if asked("PolicyArn") == HIDDEN => {
            return Response::query_error(403, "AccessDenied", "not this one");
        }
        "GetPolicy" => "<Policy><DefaultVersionId>v7</DefaultVersionId></Policy>".to_owned(),
        "GetPolicyVersion" => {
            "<PolicyVersion><Document>%7B%7D</Document></PolicyVersion>".to_owned()
        }
        other => panic!("{other}"),
    };
    answer(&action, &result)
}

/// Each policy as `NAME GROUP DOCUMENT`, with `-` for what it has not.
fn shown(policies: &[HeldPolicy]) -> Vec<String> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    policies
        .iter()
        .map(|held| {
            let name = held.arn.as_deref().unwrap_or(&held.name);
            format!(
                "{name} {} {}",
                or_none(&held.group),
                or_none(&held.document)
            )
        })
        .collect()
}

#[tokio::test]
async fn all_policies_are_read_and_one_without_a_document_stays() {
    let server = Server::answering(|request, _| iam(request)).await;
    let reader = Iam::new(&account_at(&server.url()));
    let own = [
        format!("{READ} - {{}}"),
        format!("{HIDDEN} - -"),
        r#"own - {"of":"own"}"#.to_owned(),
        "secret - -".to_owned(),
    ];
    let role = reader.role_permissions("ci").await.unwrap().unwrap();
    assert_eq!(shown(&role.policies), own);
    assert_eq!((role.id.as_str(), role.groups.len()), ("AROAEXAMPLE", 0));
    let user = reader.user_permissions("ci").await.unwrap().unwrap();
    let of_group = [
        format!("{READ} builders {{}}"),
        r#"theirs builders {"of":"theirs"}"#.to_owned(),
    ];
    assert_eq!(shown(&user.policies), [&own[..], &of_group[..]].concat());
    assert_eq!(user.groups, ["builders"]);
}

#[tokio::test]
async fn who_is_gone_has_none_and_a_list_that_cannot_be_read_is_an_error() {
    for (code, status) in [("NoSuchEntity", 404), ("AccessDenied", 403)] {
        for failing in ["GetUser", "ListUserPolicies", "ListGroupsForUser"] {
            let server = Server::answering(move |request, _| {
                match request.parameter("Action").as_deref() == Some(failing) {
                    true => Response::query_error(status, code, "no"),
                    false => iam(request),
                }
            })
            .await;
            let reader = Iam::new(&account_at(&server.url()));
            match reader.user_permissions("ci").await {
                Ok(None) => assert_eq!(code, "NoSuchEntity", "{failing}"),
                Err(error) => {
                    assert_eq!(error.kind, IamErrorKind::AccessDenied, "{failing}");
                    assert_eq!(code, "AccessDenied", "{failing}");
                }
                Ok(Some(_)) => panic!("{failing} {code}"),
            }
        }
    }
}
