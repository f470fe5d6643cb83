//! The commands that talk to AWS, against a server on this machine that answers as AWS does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

/// Starts a server for as long as the test runs; gives its URL.
fn aws(answer: fn(&str) -> (u16, String)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream, answer));
        }
    });
    url
}

/// Answers requests on one connection by what they ask: the target header and the body.
fn serve(mut stream: TcpStream, answer: fn(&str) -> (u16, String)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if lower.starts_with("x-amz-target:") {
                asked.push_str(&line);
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        asked.push_str(&String::from_utf8_lossy(&body));
        let (status, text) = answer(&asked);
        let kind = if text.starts_with('<') {
            "text/xml"
        } else {
            "application/x-amz-json-1.1"
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        if stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(text.as_bytes()))
            .is_err()
        {
            return;
        }
    }
}

fn run(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran: Output = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args(arguments)
        .env_clear()
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

fn organization(asked: &str) -> (u16, String) {
    let body = if asked.contains("DescribeOrganization") {
        r#"{"Organization":{"Id":"o-own1234567","MasterAccountId":"999988887777"}}"#
    } else if asked.contains("ListAccounts") && asked.contains("NextToken") {
        r#"{"Accounts":[{"Id":"000055556666","Name":"sand\"box"}]}"#
    } else if asked.contains("ListAccounts") {
        r#"{"Accounts":[{"Id":"111122223333","Name":"prod"}],"NextToken":"more"}"#
    } else if asked.contains("Action=ListRoles") {
        return (200, ROLES.to_owned());
    } else {
        return (400, r#"{"__type":"UnknownOperationException"}"#.to_owned());
    };
    (200, body.to_owned())
}

const ROLES: &str = r#"<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolesResult><IsTruncated>false</IsTruncated><Roles><member><Path>/</Path><RoleName>Monitoring</RoleName><RoleId>AROAEXAMPLE0000000001</RoleId><Arn>arn:aws:iam::111122223333:role/Monitoring</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22arn%3Aaws%3Aiam%3A%3A464622532012%3Aroot%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D</AssumeRolePolicyDocument></member></Roles></ListRolesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListRolesResponse>"#;

#[test]
fn the_accounts_file_is_what_the_rules_read() {
    let (status, out, err) = run(&aws(organization), &["rules", "accounts", "--live"]);
    assert_eq!(status, Some(0), "{err}");
    let accounts: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(accounts[0]["id"], "000055556666");
    assert_eq!(accounts[0]["name"], "sand\"box");
    assert_eq!(accounts[1]["id"], "111122223333");
    assert!(
        err.contains("id: o-own1234567, management_account: \"999988887777\""),
        "{err}"
    );
}

#[test]
fn a_draft_of_the_rules_proposes_and_approves_nothing() {
    let (status, out, err) = run(&aws(organization), &["rules", "init", "--live"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(
        out.contains("\n#  - name: \"Datadog\"\n#    accounts: [\"464622532012\"]\n"),
        "{out}"
    );
    assert!(
        out.contains("# it can assume the role without an external id"),
        "{out}"
    );
    assert!(
        out.lines()
            .skip_while(|line| !line.contains("admit today"))
            .all(|line| { line.is_empty() || line.starts_with('#') })
    );
}

fn refusing(_: &str) -> (u16, String) {
    let text = r#"{"__type":"AccessDeniedException","Message":"not for you"}"#;
    (400, text.to_owned())
}

#[test]
fn a_refusal_is_reported_as_a_sentence() {
    let (status, out, err) = run(&aws(refusing), &["rules", "accounts", "--live"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    let said = "error: this account may not list the organization's accounts: use the management \
                account, or a delegated administrator";
    assert!(err.starts_with(said), "{err}");
    assert!(err.contains("not for you"), "{err}");
}

fn no_stack(asked: &str) -> (u16, String) {
    assert!(asked.contains("Action=DescribeStacks"), "{asked}");
    let text = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
                <Message>Stack with id guard does not exist</Message></Error>\
                <RequestId>r</RequestId></ErrorResponse>";
    (400, text.to_owned())
}

#[test]
fn without_a_stack_there_is_nothing_to_ask() {
    let url = aws(no_stack);
    for command in ["status", "test-alert", "uninstall-check"] {
        let (status, out, err) = run(&url, &[command, "--stack", "guard"]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{command}: {err}");
        let said = "error: there is no stack guard in us-east-1; name yours with --stack and \
                    --region\n";
        assert_eq!(err, said, "{command}");
    }
}

/// Two pages, the first of them without anything in it.
fn account(asked: &str) -> (u16, String) {
    let answer = |action: &str, result: &str| {
        let text = format!(
            "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>\
             {result}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
             </{action}Response>"
        );
        (200, text)
    };
    if asked.contains("Action=GenerateCredentialReport") {
        return answer("GenerateCredentialReport", "<State>COMPLETE</State>");
    }
    if asked.contains("Action=GetCredentialReport") {
        // user,arn,password_enabled,mfa_active and a row for jane, in base64.
        return answer(
            "GetCredentialReport",
            "<Content>dXNlcixhcm4scGFzc3dvcmRfZW5hYmxlZCxtZmFfYWN0aXZlCmphbmUsYXJuOmF3czppYW06OjExMTEyMjIyMzMzMzp1c2VyL2phbmUsdHJ1ZSxmYWxzZQo=</Content>\
             <ReportFormat>text/csv</ReportFormat>",
        );
    }
    assert!(
        asked.contains("Action=GetAccountAuthorizationDetails"),
        "{asked}"
    );
    if !asked.contains("Marker=next") {
        return answer(
            "GetAccountAuthorizationDetails",
            "<IsTruncated>true</IsTruncated><Marker>next</Marker>",
        );
    }
    let document = ROLES.split("<AssumeRolePolicyDocument>").nth(1).unwrap();
    let document = document.split('<').next().unwrap();
    let details = format!(
        "<IsTruncated>false</IsTruncated>\
         <RoleDetailList><member><Path>/</Path><RoleName>Monitoring</RoleName>\
         <RoleId>AROAEXAMPLE0000000001</RoleId><Arn>arn:aws:iam::111122223333:role/Monitoring</Arn>\
         <CreateDate>2024-01-01T00:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument>\
         <RolePolicyList><member><PolicyName>own</PolicyName><PolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%7D</PolicyDocument></member></RolePolicyList>\
         <AttachedManagedPolicies><member><PolicyName>AdministratorAccess</PolicyName><PolicyArn>arn:aws:iam::aws:policy/AdministratorAccess</PolicyArn></member></AttachedManagedPolicies>\
         <PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>arn:aws:iam::111122223333:policy/edge</PermissionsBoundaryArn></PermissionsBoundary>\
         <RoleLastUsed><LastUsedDate>2026-01-02T03:04:05Z</LastUsedDate><Region>eu-west-1</Region></RoleLastUsed></member></RoleDetailList>\
         <UserDetailList><member><UserName>bob</UserName><Arn>arn:aws:iam::111122223333:user/bob</Arn>\
         <UserPolicyList><member><PolicyName>p</PolicyName><PolicyDocument>%7B%7D</PolicyDocument></member></UserPolicyList></member></UserDetailList>\
         <Policies><member><Arn>arn:aws:iam::111122223333:policy/edge</Arn><DefaultVersionId>v2</DefaultVersionId>\
         <PolicyVersionList><member><Document>%7B%7D</Document><VersionId>v1</VersionId><IsDefaultVersion>false</IsDefaultVersion></member>\
         <member><Document>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%5B%22s3%3AGetObject%22%2C%22s3%3AListBucket%22%5D%2C%22Resource%22%3A%22%2A%22%7D%7D</Document><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion></member></PolicyVersionList></member></Policies>"
    );
    answer("GetAccountAuthorizationDetails", &details)
}

fn audit(url: &str) -> (Option<i32>, String, String) {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/audit/access.yaml");
    let more = ["--now", "2026-11-21", "--format", "json"];
    run(
        url,
        &[&["audit", "--live", "--rules", rules], &more[..]].concat(),
    )
}

#[test]
fn a_live_account_is_audited_as_its_export_would_be() {
    let (status, out, err) = audit(&aws(account));
    assert_eq!((status, err.as_str()), (Some(1), ""));
    let answer: Value = serde_json::from_str(&out).unwrap();
    let found: Vec<String> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| format!("{} {}", found["subject"], found["code"]).replace('"', ""))
        .filter(|found| !found.starts_with("rule/"))
        .collect();
    assert_eq!(
        found,
        [
            "role/Monitoring missing-external-id",
            "role/Monitoring role-not-registered",
            "user/jane user-without-mfa",
            "role/Monitoring data-access",
            "role/Monitoring unused-role",
            "user/bob policy-on-user",
        ]
    );
    let access = &answer["access"][0];
    assert_eq!(access["name"], "Datadog");
    assert_eq!(access["last_used"]["when"], "2026-01-02T03:04:05Z");
    // AdministratorAccess within the boundary is what the boundary allows.
    let classes = access["can"].as_array().unwrap();
    let classes: Vec<&str> = classes
        .iter()
        .map(|held| held["class"].as_str().unwrap())
        .collect();
    assert_eq!(classes, ["data-read", "metadata-read"]);
    assert_eq!(answer["summary"]["unreadable_files"], serde_json::json!([]));
}

#[test]
fn an_account_that_may_not_be_read_is_no_account_without_findings() {
    fn denied(_: &str) -> (u16, String) {
        let text = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
                    <Message>not for you</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        (403, text.to_owned())
    }
    let (status, out, err) = audit(&aws(denied));
    assert_eq!(status, Some(2));
    for call in ["GetAccountAuthorizationDetails", "GenerateCredentialReport"] {
        assert!(
            err.contains(&format!("iam:{call}: AccessDenied: not for you")),
            "{err}"
        );
    }
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        answer["summary"]["unreadable_files"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
