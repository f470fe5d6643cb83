//! What operators ask and decide: who may, what is refused, and that an approval is honored by every
//! function while it lasts, and by none afterwards.

use serde_json::{Value, json};
use trustwarden_guard::Severity;
use trustwarden_guard::alert::slack;
use trustwarden_guard::handlers::incidents;
use trustwarden_guard::incidents::{Caller, Refused, Request, answered, asked};
use trustwarden_guard::model::document_digest;
use trustwarden_guard::ports::World as _;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::state::approval::Approval;
use trustwarden_guard::state::incident::Schema;

use super::scene::{
    ACCOUNT, ALICE, DETECTED, ROLE, Scene, bad, better, document, ended, good, outcome, stages,
    statement,
};
use super::sweeping::watched_with;
use super::troubled::run;

const DAY: i64 = 86_400;

fn approvers(rules: &mut Value) {
    rules["operators"] = json!({ "approvers": [
        "arn:aws:iam::111122223333:role/security/Approvers",
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Security_0123456789abcdef",
        "arn:aws:iam::111122223333:user/alice",
    ]});
}

fn session(role: &str, name: &str) -> Caller {
    caller(&format!(
        "arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"
    ))
}

fn caller(arn: &str) -> Caller {
    Caller {
        arn: arn.to_owned(),
        account_id: ACCOUNT.to_owned(),
        access_key: None,
    }
}

fn bob() -> Caller {
    session("Approvers", "bob")
}

impl Scene {
    fn asks(&self, caller: &Caller, request: &Request) -> Result<Value, Refused> {
        let answer = run(incidents(&self.world, &self.guard, caller, request));
        answer.expect("nothing stops it").unwrap()
    }

    fn approves(&self, caller: &Caller, incident: &str, document: &str) -> Result<Value, Refused> {
        self.asks(caller, &approval(incident, document, None))
    }
}

fn approval(incident: &str, document: &str, expires: Option<&str>) -> Request {
    Request::Approve {
        incident: incident.to_owned(),
        digest: document_digest(document),
        reason: "SEC-77, until the vendor has moved".to_owned(),
        expires: expires.map(str::to_owned),
    }
}

fn undo(incident: &str) -> Request {
    Request::Undo {
        incident: incident.to_owned(),
        reason: "SEC-78".to_owned(),
    }
}

/// A scene in which Alice gave an unknown account access, and the guard restored what was there.
fn remediated() -> (Scene, String) {
    let mut scene = watched_with(approvers);
    let alerts = scene.plays(&bad());
    ended(&alerts, OutcomeKind::Reverted);
    let incident = alerts[0].incident.clone();
    (scene, incident)
}

#[track_caller]
fn forbidden(answer: Result<Value, Refused>, says: &str) {
    match answer {
        Err(Refused::Forbidden(why)) => assert!(why.contains(says), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn incidents_are_listed_and_shown_with_who_what_before_and_after() {
    let (scene, incident) = remediated();
    let list = scene.asks(&bob(), &Request::List { days: 7 }).unwrap();
    let listed = list["incidents"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{list}");
    assert_eq!(listed[0]["incident"], incident.as_str());
    assert_eq!(listed[0]["subject"], format!("role/{ROLE}"));
    assert_eq!(listed[0]["severity"], "CRITICAL");
    assert_eq!(
        (&listed[0]["ended"], &listed[0]["open"]),
        (&json!(true), &json!(false))
    );

    let show = Request::Show {
        incident: incident.clone(),
    };
    let shown = scene.asks(&bob(), &show).unwrap();
    assert_eq!(shown["detected"]["cause"]["actor"]["name"], ALICE);
    assert_eq!(
        shown["detected"]["findings"][0]["code"],
        "unknown-third-party"
    );
    assert!(
        shown["detected"]["findings"][0]["witness"].is_object(),
        "the proof"
    );
    assert_eq!(shown["document"], bad());
    assert_eq!(shown["digest"], document_digest(&bad()));
    assert_eq!(shown["outcome"]["outcome"]["kind"], "reverted");
    assert_eq!(shown["outcome"]["outcome"]["document"], good());
    assert_eq!(shown["overwritten"]["document"], bad());

    scene.pass(8 * DAY);
    let list = scene.asks(&bob(), &Request::List { days: 7 }).unwrap();
    assert_eq!(list["incidents"], json!([]), "older than asked for");
    let list = scene.asks(&bob(), &Request::List { days: 10 }).unwrap();
    assert_eq!(list["incidents"].as_array().unwrap().len(), 1);
    let unknown = Request::Show {
        incident: "TW-000000000000".to_owned(),
    };
    assert!(matches!(
        scene.asks(&bob(), &unknown),
        Err(Refused::Unknown(_))
    ));
}

#[test]
fn an_approval_is_honored_while_it_lasts_and_by_no_other_document_or_role() {
    let (mut scene, incident) = remediated();
    let answer = scene.approves(&bob(), &incident, &bad()).unwrap();
    assert_eq!(answer["approval"]["by"], bob().arn);
    assert_eq!(
        answer["approval"]["expires"], "2026-11-28T10:10:00Z",
        "seven days: {answer}"
    );
    let alerts = scene.alerts();
    assert_eq!(
        stages(&alerts),
        [outcome(OutcomeKind::Approved)],
        "it is announced"
    );
    assert_eq!(alerts[0].severity, Severity::Medium);
    assert!(
        alerts[0]
            .outcome
            .as_ref()
            .unwrap()
            .text
            .contains("assumed-role/Approvers/bob")
    );
    let show = Request::Show {
        incident: incident.clone(),
    };
    let shown = scene.asks(&bob(), &show).unwrap();
    assert_eq!(shown["acts"][0]["what"], "approve");

    scene.pass(60);
    let written = scene.written().len();
    let alerts = scene.plays(&bad());
    ended(&alerts, OutcomeKind::Approved);
    assert!(
        alerts[0]
            .notes
            .iter()
            .any(|note| note.contains("approved by")),
        "{:?}",
        alerts[0].notes
    );
    assert!(!alerts[1].outcome.as_ref().unwrap().open);
    assert_eq!(scene.live(), bad());
    assert_eq!(scene.an_hour_later(), [], "the sweep honors it, too");
    assert_eq!((scene.live(), scene.written().len()), (bad(), written));

    // Another document is not approved, nor is a role that was created since.
    let other = bad().replace("999988887777", "999988887770");
    ended(&scene.plays(&other), OutcomeKind::Reverted);
    scene.write_silently(ROLE, &bad());
    let history = scene.history();
    assert!(
        !history.approved.iter().any(|kept| kept.document == bad()),
        "it is no baseline"
    );
    assert_eq!(scene.an_hour_later(), []);
    assert_eq!(scene.live(), bad());

    scene.pass(8 * DAY);
    let alerts = scene.an_hour_later();
    assert_eq!(stages(&alerts)[0], DETECTED, "its end is news");
    assert_ne!(scene.live(), bad(), "and the role is remediated");

    scene.put(ROLE, "AROAANOTHERROLE00001", &bad());
    let approval = Approval {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role: ROLE.to_owned(),
        role_id: "AROAOBSERVERPROD0001".to_owned(),
        digest: document_digest(&bad()),
        incident,
        by: bob().arn,
        reason: "for the other role".to_owned(),
        at: scene.now(),
        expires: scene.now() + jiff::SignedDuration::from_hours(24),
    };
    run(scene.world.state().save_approval(&approval))
        .unwrap()
        .unwrap();
    let event = scene.event("CreateRole", ROLE, Some(&bad()), ALICE);
    let alerts = scene.play(&event);
    assert_ne!(stages(&alerts)[1], outcome(OutcomeKind::Approved));
}

#[test]
fn an_approval_that_somebody_else_wrote_to_last_for_ever_counts_for_nothing() {
    let (mut scene, incident) = remediated();
    let approval = Approval {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role: ROLE.to_owned(),
        role_id: "AROAOBSERVERPROD0001".to_owned(),
        digest: document_digest(&bad()),
        incident,
        by: bob().arn,
        reason: "forged".to_owned(),
        at: scene.now(),
        expires: scene.now() + jiff::SignedDuration::from_hours(24 * 31),
    };
    run(scene.world.state().save_approval(&approval))
        .unwrap()
        .unwrap();
    ended(&scene.plays(&bad()), OutcomeKind::Reverted);
}

#[test]
fn who_made_the_change_does_not_approve_it_nor_does_anybody_no_rule_names() {
    let (scene, incident) = remediated();
    let alice = caller(&format!("arn:aws:iam::{ACCOUNT}:user/alice"));
    forbidden(scene.approves(&alice, &incident, &bad()), "a second person");
    forbidden(
        scene.approves(&session("Approvers", "alice"), &incident, &bad()),
        "a second person",
    );
    forbidden(
        scene.approves(&session("Developers", "bob"), &incident, &bad()),
        "operators.approvers",
    );
    let mut elsewhere = bob();
    elsewhere.account_id = "222233334444".to_owned();
    elsewhere.arn = elsewhere.arn.replace(ACCOUNT, "222233334444");
    forbidden(
        scene.approves(&elsewhere, &incident, &bad()),
        "does not belong to this stack",
    );
    forbidden(
        scene.approves(&bob(), &incident, &better()),
        "another document",
    );
    let mut same_key = bob();
    same_key.access_key = Some("AKIAIOSFODNN7EXAMPLE".to_owned());
    forbidden(
        scene.approves(&same_key, &incident, &bad()),
        "a second person",
    );
    forbidden(scene.asks(&alice, &undo(&incident)), "a second person");
    assert_eq!(
        scene.alerts(),
        [],
        "a refusal approves nothing and is announced to nobody"
    );
}

#[test]
fn two_sessions_of_a_role_are_one_person_but_for_identity_centers() {
    let mut scene = watched_with(approvers);
    let actor = |arn: &str, session: &str, issuer: &str| {
        json!({
            "type": "AssumedRole", "accountId": ACCOUNT,
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{arn}/{session}"),
            "sessionContext": { "sessionIssuer": { "type": "Role", "arn": issuer, "userName": arn } }
        })
    };
    let sso = "AWSReservedSSO_Security_0123456789abcdef";
    let sso_arn = format!("arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{sso}");
    let plain = format!("arn:aws:iam::{ACCOUNT}:role/security/Approvers");
    for (actor, other, allowed) in [
        (
            actor("Approvers", "carol", &plain),
            session("Approvers", "bob"),
            false,
        ),
        (actor(sso, "carol", &sso_arn), session(sso, "bob"), true),
        (actor(sso, "carol", &sso_arn), session(sso, "carol"), false),
        (
            actor(sso, "carol", &sso_arn),
            session("Approvers", "carol"),
            false,
        ),
    ] {
        scene.pass(4_000);
        let mut event = scene.write(&bad(), ALICE);
        event["detail"]["userIdentity"] = actor.clone();
        let alerts = scene.play(&event);
        let answer = scene.approves(&other, &alerts[0].incident, &bad());
        assert_eq!(answer.is_ok(), allowed, "{actor} {other:?} {answer:?}");
        scene.alerts();
        // What was approved stands no longer.
        scene.pass(31 * DAY);
        scene.swept();
        scene.alerts();
    }
}

#[test]
fn nobody_approves_a_role_that_is_open_to_everyone_or_for_ever() {
    let mut scene = watched_with(approvers);
    let public = document(&[statement(r#""*""#, "")]);
    let incident = scene.plays(&public)[0].incident.clone();
    forbidden(scene.approves(&bob(), &incident, &public), "public-trust");

    scene.pass(4_000);
    let incident = scene.plays(&bad())[0].incident.clone();
    scene.alerts();
    for expires in ["2026-11-20", "2027-01-31", "for ever", ""] {
        let answer = scene.asks(&bob(), &approval(&incident, &bad(), Some(expires)));
        assert!(
            matches!(answer, Err(Refused::Malformed(_))),
            "{expires}: {answer:?}"
        );
    }
    let answer = scene.asks(&bob(), &approval(&incident, &bad(), Some("2026-12-20")));
    assert_eq!(
        answer.unwrap()["approval"]["expires"],
        "2026-12-21T00:00:00Z"
    );
    let nameless = Request::Undo {
        incident,
        reason: "  ".to_owned(),
    };
    assert!(matches!(
        scene.asks(&bob(), &nameless),
        Err(Refused::Malformed(_))
    ));
}

#[test]
fn a_remediation_is_taken_back_only_where_the_rules_or_an_approval_allow_it() {
    let (scene, incident) = remediated();
    forbidden(scene.asks(&bob(), &undo(&incident)), "do not allow");
    scene.approves(&bob(), &incident, &bad()).unwrap();
    scene.alerts();
    let answer = scene.asks(&bob(), &undo(&incident)).unwrap();
    assert_eq!(answer["overwritten"]["document"], bad());
    assert_eq!(answer["act"]["what"], "undo");
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 1);
    assert!(
        alerts[0].title.contains("is taken back"),
        "{}",
        alerts[0].title
    );
    assert_eq!(scene.live(), good(), "the function writes nothing to IAM");
    scene.pass(8 * DAY);
    forbidden(scene.asks(&bob(), &undo(&incident)), "do not allow");
}

#[test]
fn what_is_announced_and_not_recorded_approves_nothing_and_is_asked_again() {
    let (scene, incident) = remediated();
    let request = approval(&incident, &bad(), None);
    for after in 0..40 {
        scene.world.stop_after(after);
        let answer = run(incidents(&scene.world, &scene.guard, &bob(), &request));
        scene.world.go_on();
        let told = !scene.alerts().is_empty();
        let digest = document_digest(&bad());
        let kept = run(scene.world.state().approval(ACCOUNT, ROLE, &digest))
            .unwrap()
            .unwrap();
        assert!(
            told || kept.is_none(),
            "approved in silence after {after} calls"
        );
        if let Some(Ok(Ok(_))) = answer {
            assert!(kept.is_some());
            return;
        }
        scene.pass(120);
    }
    panic!("it never came to its end");
}

#[test]
fn the_identity_is_aws_and_never_the_bodys() {
    let event = |authorizer: Value, body: &str| {
        json!({
            "version": "2.0",
            "requestContext": { "http": { "method": "POST" }, "authorizer": authorizer },
            "body": body, "isBase64Encoded": false,
        })
        .to_string()
    };
    let iam = json!({ "iam": { "userArn": bob().arn, "accountId": ACCOUNT, "accessKey": "ASIA1", "callerId": "x" } });
    let (by, request) = asked(&event(iam.clone(), r#"{"request":"list","days":7}"#)).unwrap();
    assert_eq!((by.arn, request), (bob().arn, Request::List { days: 7 }));
    for (authorizer, body, status) in [
        (Value::Null, r#"{"request":"list","days":7}"#, 401),
        (json!({}), r#"{"request":"list","days":7}"#, 401),
        (
            iam.clone(),
            r#"{"request":"list","days":7,"userArn":"x"}"#,
            400,
        ),
        (iam.clone(), r#"{"request":"grant"}"#, 400),
        (iam, "", 400),
    ] {
        let refused = asked(&event(authorizer, body)).unwrap_err();
        assert_eq!(refused.status(), status, "{body}: {refused}");
        let answer = answered(&Err(refused));
        assert_eq!(answer["statusCode"], status);
        assert!(answer["body"].as_str().unwrap().contains("error"));
    }
    for event in ["", "{}", "[]", r#"{"request":"list","days":7}"#] {
        assert!(asked(event).is_err());
    }
}

/// Link scanners open what stands in a message, and who took over a chat account reads it: no address
/// leads anywhere but to the console and the documentation, and nothing of Slack's acts.
#[test]
fn no_address_in_a_message_changes_anything() {
    let (mut scene, incident) = remediated();
    scene.approves(&bob(), &incident, &bad()).unwrap();
    let mut alerts = scene.alerts();
    scene.pass(60);
    alerts.extend(scene.plays(&bad()));
    alerts.extend(scene.plays(&document(&[statement(r#""*""#, "")])));
    assert!(alerts.len() > 3);
    let mut seen = 0;
    for alert in alerts {
        let message = slack::message(&alert);
        let bundle = alert.bundle();
        let texts = [
            serde_json::to_string(&alert).unwrap(),
            message.to_string(),
            format!("{bundle:?}"),
        ];
        for text in texts {
            for rest in text.split("https://").skip(1) {
                let host = rest.split(['/', '"', '\\', ' ']).next().unwrap();
                assert!(
                    host.ends_with("console.aws.amazon.com") || host == "github.com",
                    "https://{host}"
                );
                seen += 1;
            }
            assert!(!text.contains("http://") && !text.contains("lambda-url"));
        }
        acts_not(&message);
    }
    assert!(seen > 10, "{seen}");
}

/// A button is a link: it has an address, and no value that an app would be sent.
fn acts_not(value: &Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("type").is_some_and(|kind| kind == "button") {
                assert!(fields.contains_key("url") && !fields.contains_key("value"));
            }
            fields.values().for_each(acts_not);
        }
        Value::Array(values) => values.iter().for_each(acts_not),
        _ => {}
    }
}
