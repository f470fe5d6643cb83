//! The list of all roles, against a server that answers as IAM does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use crate::support::{Response, Server, account_at};
use guard::ports::{IamErrorKind, ListRoles, ReadCredentials, UserKey};
use trustwarden_aws::{IamLister, SESSION_DENIAL};

fn page(roles: &str, marker: Option<&str>) -> String {
    let more = match marker {
        Some(marker) => format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    format!(
        "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <GetAccountAuthorizationDetailsResult>{more}<RoleDetailList>{roles}</RoleDetailList>\
         </GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    )
}

fn role(name: &str, inline: &str) -> String {
    format!(
        "<member><Path>/vendors/</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
         <Arn>arn:aws:iam::111122223333:role/vendors/{name}</Arn>\
         <CreateDate>2026-11-21T10:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%7D</AssumeRolePolicyDocument>\
         <RolePolicyList>{inline}</RolePolicyList></member>"
    )
}

fn inline(name: &str, document: &str) -> String {
    let document: String = document
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect();
    format!(
        "<member><PolicyName>{name}</PolicyName>\
         <PolicyDocument>{document}</PolicyDocument></member>"
    )
}

const DENIAL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-21T10:00:00.5Z"}}}]}"#;

#[tokio::test]
async fn pages_follow_the_marker_and_an_empty_one_is_not_the_last() {
    let server = Server::answering(|request, _| {
        let body = match request.parameter("Marker").as_deref() {
            None => page(&role("One", ""), Some("m1")),
            Some("m1") => page("", Some("m2")),
            Some("m2") => page(&role("Two", ""), None),
            Some(other) => panic!("{other}"),
        };
        Response::new(200, body)
    })
    .await;
    let lister = IamLister::new(&account_at(&server.url()));
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let page = lister.list_roles(marker.as_deref()).await.unwrap();
        for listed in page.roles {
            assert_eq!(listed.role.document, r#"{"Version":"2012-10-17"}"#);
            assert_eq!(listed.role.path, "/vendors/");
            assert!(listed.role.created.is_some());
            names.push(listed.role.name);
        }
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["One", "Two"]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[0].body.contains("Filter.member.1=Role"),
        "{}",
        requests[0].body
    );
}

#[tokio::test]
async fn the_guards_own_denial_is_known_by_its_name_and_its_moment() {
    let roles = [
        role(
            "Denied",
            &(inline("other", "{}") + &inline(SESSION_DENIAL, DENIAL)),
        ),
        role("Foreign", &inline("AWSRevokeOlderSessions", DENIAL)),
        role(
            "Odd",
            &inline(SESSION_DENIAL, r#"{"Statement":"none of ours"}"#),
        ),
    ]
    .concat();
    let server = Server::answering(move |_, _| Response::new(200, page(&roles, None))).await;
    let lister = IamLister::new(&account_at(&server.url()));
    let listed = lister.list_roles(None).await.unwrap().roles;
    let denied: Vec<_> = listed
        .iter()
        .map(|listed| listed.sessions_denied_before)
        .collect();
    let at = "2026-11-21T10:00:00.5Z".parse().unwrap();
    assert_eq!(denied, [Some(at), None, None]);
}

#[tokio::test]
async fn what_a_role_holds_comes_along() {
    let attached = "<AttachedManagedPolicies><member><PolicyName>Read</PolicyName>\
        <PolicyArn>arn:aws:iam::aws:policy/Read</PolicyArn></member></AttachedManagedPolicies>";
    let roles = role("Holder", &inline("own", r#"{"Statement":[]}"#))
        .replace("</RolePolicyList>", &format!("</RolePolicyList>{attached}"));
    let server = Server::answering(move |_, _| Response::new(200, page(&roles, None))).await;
    let lister = IamLister::new(&account_at(&server.url()));
    let listed = lister.list_roles(None).await.unwrap().roles;
    let held: Vec<_> = listed[0]
        .policies
        .iter()
        .map(|held| {
            (
                held.arn.as_deref(),
                held.name.as_str(),
                held.document.as_deref(),
            )
        })
        .collect();
    let read = "arn:aws:iam::aws:policy/Read";
    assert_eq!(
        held,
        [
            (None, "own", Some(r#"{"Statement":[]}"#)),
            (Some(read), "Read", None)
        ]
    );
}

#[tokio::test]
async fn what_is_missing_is_not_left_out() {
    let bare = "<member><RoleName>Bare</RoleName></member>";
    let server = Server::answering(move |_, _| Response::new(200, page(bare, None))).await;
    let lister = IamLister::new(&account_at(&server.url()));
    let listed = lister.list_roles(None).await.unwrap().roles;
    assert_eq!(listed[0].role.name, "Bare");
    assert_eq!(listed[0].role.document, "", "which nobody can judge");
}

#[tokio::test]
async fn refusals_are_distinguished() {
    let cases: [(u16, &str, &str, IamErrorKind); 4] = [
        (403, "AccessDenied", "no", IamErrorKind::AccessDenied),
        (400, "Throttling", "Rate exceeded", IamErrorKind::Throttled),
        (
            400,
            "ValidationError",
            "Invalid Marker: m1",
            IamErrorKind::InvalidMarker,
        ),
        (
            400,
            "InvalidInput",
            "something else",
            IamErrorKind::Malformed,
        ),
    ];
    for (status, code, message, kind) in cases {
        let server =
            Server::answering(move |_, _| Response::query_error(status, code, message)).await;
        let lister = IamLister::new(&account_at(&server.url()));
        let error = lister.list_roles(Some("m1")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_take_longer_than_any_other_answer() {
    let server = Server::answering(move |_, _| {
        std::thread::sleep(std::time::Duration::from_secs(6));
        Response::new(200, page(&role("Slow", ""), None))
    })
    .await;
    let lister = IamLister::new(&account_at(&server.url()));
    let listed = lister.list_roles(None).await.unwrap().roles;
    assert_eq!(listed[0].role.name, "Slow");
    assert_eq!(server.requests().len(), 1, "one try was enough");
}

#[tokio::test]
async fn users_page_by_page_and_their_keys() {
    let server = Server::answering(|request, _| {
        let user = |name: &str| {
            format!(
                "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId>\
                 <Arn>arn:aws:iam::111122223333:user/{name}</Arn>\
                 <CreateDate>2026-11-21T10:00:00Z</CreateDate></member>"
            )
        };
        let users = |list: String, more: &str| {
            format!(
                "<ListUsersResponse><ListUsersResult><Users>{list}</Users>{more}\
                 </ListUsersResult></ListUsersResponse>"
            )
        };
        let action = request.parameter("Action").unwrap();
        let body = match (action.as_str(), request.parameter("Marker").as_deref()) {
            ("ListUsers", None) => users(
                user("one"),
                "<IsTruncated>true</IsTruncated><Marker>m1</Marker>",
            ),
            ("ListUsers", Some("m1")) => users(user("two"), "<IsTruncated>false</IsTruncated>"),
            _ if request.parameter("UserName").as_deref() == Some("gone") => {
                return Response::query_error(404, "NoSuchEntity", "The user with name gone");
            }
            _ => "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member>\
                 <UserName>one</UserName><AccessKeyId>AKIAEXAMPLE</AccessKeyId>\
                 <Status>Active</Status><CreateDate>2026-11-21T10:00:00Z</CreateDate></member>\
                 <member><Status>Inactive</Status><CreateDate>2026-11-20T10:00:00Z</CreateDate>\
                 </member></AccessKeyMetadata><IsTruncated>false</IsTruncated>\
                 </ListAccessKeysResult></ListAccessKeysResponse>"
                .to_owned(),
        };
        Response::new(200, body)
    })
    .await;
    let lister = IamLister::new(&account_at(&server.url()));
    let first = lister.list_users(None).await.unwrap();
    assert_eq!(
        (first.users, first.next.as_deref()),
        (vec!["one".to_owned()], Some("m1"))
    );
    let last = lister.list_users(Some("m1")).await.unwrap();
    assert_eq!((last.users, last.next), (vec!["two".to_owned()], None));
    let key = |created: &str, active| UserKey {
        created: created.parse().unwrap(),
        active,
    };
    assert_eq!(
        lister.access_keys("one").await.unwrap(),
        [
            key("2026-11-21T10:00:00Z", true),
            key("2026-11-20T10:00:00Z", false)
        ]
    );
    assert_eq!(lister.access_keys("gone").await.unwrap(), []);
}
