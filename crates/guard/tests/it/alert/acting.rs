//! What a person on call acts by: how things stand, who answers for a vendor, commands to copy.

use trustwarden_guard::alert::Alert;
use trustwarden_guard::alert::slack::message;
use trustwarden_guard::cloudtrail::{Actor, ActorKind};
use trustwarden_guard::model::Resource;
use trustwarden_guard::remediate::{Outcome, OutcomeKind};
use trustwarden_guard::state::incident::Stage;

use super::{digest, outcome};

#[test]
fn a_subject_and_an_attribute_say_first_whether_somebody_is_exposed() {
    type Change = fn(&mut Alert);
    fn is_open(kind: OutcomeKind) -> Outcome {
        Outcome {
            kind,
            open: true,
            ..outcome().outcome.unwrap()
        }
    }
    let cases: [(&str, &str, Change); 9] = [
        ("CLOSED", "closed", |_| {}),
        ("STILL EXPOSED", "exposed", |alert| {
            alert.outcome.as_mut().unwrap().open = true;
        }),
        ("ACT", "exposed", |alert| {
            alert.outcome.as_mut().unwrap().kind = OutcomeKind::Failed;
        }),
        ("REMEDIATING", "remediating", |alert| {
            alert.stage = Stage::Detected;
            alert.outcome = Some(is_open(OutcomeKind::Ordered));
        }),
        ("EXPOSED", "exposed", |alert| {
            alert.stage = Stage::Detected;
            alert.mode = "alert".to_owned();
            alert.outcome = Some(is_open(OutcomeKind::Ordered));
        }),
        ("EXPOSED", "exposed", |alert| {
            alert.stage = Stage::Detected;
            alert.outcome = Some(is_open(OutcomeKind::LeftAlone));
        }),
        ("REPORTED", "reported", |alert| {
            alert.stage = Stage::Detected;
            alert.outcome = None;
        }),
        ("STILL EXPOSED", "exposed", |alert| *alert = digest(3)),
        ("TEST", "exposed", |alert| {
            alert.stage = Stage::Test;
            alert.outcome = None;
        }),
    ];
    for (words, attribute, change) in cases {
        let mut alert = outcome();
        change(&mut alert);
        let bundle = alert.bundle();
        let begins = format!("{words} 111122223333 {}", alert.subject);
        assert!(bundle.subject.starts_with(&begins), "{}", bundle.subject);
        let access = bundle.attributes.iter().find(|(name, _)| *name == "access");
        assert_eq!(access.unwrap().1, attribute, "{words}");
    }
}

#[test]
fn a_vendor_has_an_owner_and_a_ticket() {
    let mut alert = outcome();
    let grantee = &mut alert.grantees[0];
    grantee.vendor = Some("observer".to_owned());
    grantee.owner = Some("observability@example.com".to_owned());
    grantee.ticket = Some("SEC-114".to_owned());
    let words = "(registered vendor observer, owner observability@example.com, ticket SEC-114)";
    assert!(alert.text().contains(words), "{}", alert.text());
    let in_slack = message(&alert).to_string();
    assert!(in_slack.contains(words), "{in_slack}");
}

#[test]
fn commands_carry_the_alerts_own_names() {
    let text = outcome().text();
    let uses = "aws cloudtrail lookup-events --region us-east-1 --start-time ";
    assert!(text.contains(uses), "{text}");
    let role = "AttributeValue=arn:aws:iam::111122223333:role/ObserverProd";
    assert!(text.contains(role), "{text}");

    let mut quarantined = outcome();
    quarantined.outcome.as_mut().unwrap().kind = OutcomeKind::Quarantined;
    let text = quarantined.text();
    let restore = "trustwarden restore ObserverProd --rules rules/access.yaml --stack trustwarden";
    assert!(text.contains(restore), "{text}");

    let mut key = outcome();
    key.resource = Some(Resource {
        kind: "access-key".to_owned(),
        name: "ci-legacy".to_owned(),
        arn: None,
        id: Some("AKIAEXAMPLE".to_owned()),
    });
    let of_key = "aws iam update-access-key --user-name ci-legacy --access-key-id AKIAEXAMPLE";
    for (kind, status) in [
        (OutcomeKind::Deactivated, "Active"),
        (OutcomeKind::WouldDeactivate, "Inactive"),
    ] {
        key.outcome.as_mut().unwrap().kind = kind;
        let text = key.text();
        assert!(
            text.contains(&format!("{of_key} --status {status}\n")),
            "{text}"
        );
    }
    // What is gone needs no command.
    key.outcome.as_mut().unwrap().kind = OutcomeKind::Gone;
    assert!(!key.text().contains(of_key));
}

#[test]
fn a_shared_snapshot_or_image_is_taken_back_by_one_call() {
    let of = |kind: &str, arn: &str| {
        let mut alert = outcome();
        alert.resource = Some(Resource {
            arn: Some(arn.to_owned()),
            ..Resource::new(kind, arn)
        });
        alert.text()
    };
    let text = of("snapshot", "arn:aws:ec2:eu-west-1::snapshot/snap-0a1");
    let line = "aws ec2 reset-snapshot-attribute --region eu-west-1 --snapshot-id snap-0a1 \
                --attribute createVolumePermission\n";
    assert!(text.contains(line), "{text}");
    let text = of("image", "arn:aws:ec2:eu-west-1::image/ami-0a1");
    let line = "aws ec2 reset-image-attribute --region eu-west-1 --image-id ami-0a1 --attribute \
                launchPermission\n";
    assert!(text.contains(line), "{text}");
    for (kind, arn) in [
        ("bucket", "arn:aws:s3:::site"),
        ("snapshot", "unknown"),
        ("snapshot", "arn:aws:ec2:eu-west-1::image/ami-0a1"),
        ("snapshot", "arn:aws:ec2:eu-west-1::snapshot/--profile"),
        ("snapshot", "arn:aws:ec2:eu-west-1::snapshot/$(reboot)"),
        ("image", "arn:aws:ec2:-x::image/ami-0a1"),
    ] {
        assert!(!of(kind, arn).contains("aws ec2 reset-"), "{kind} {arn}");
    }
}

#[test]
fn the_actor_is_contained_by_what_they_acted_with() {
    let with = |change: fn(&mut Actor)| {
        let mut alert = outcome();
        let actor = &mut alert.cause.as_mut().unwrap().actor;
        actor.account = Some("111122223333".to_owned());
        change(actor);
        alert.text()
    };
    let key = "update-access-key --user-name ci --access-key-id AKIASTOLEN --status Inactive";
    let user = |actor: &mut Actor| {
        actor.kind = ActorKind::IamUser;
        actor.name = Some("ci".to_owned());
        actor.access_key_id = Some("AKIASTOLEN".to_owned());
    };
    assert!(with(user).contains(key));
    let sessions = "aws iam put-role-policy --role-name Admin --policy-name AWSRevokeOlderSessions";
    assert!(with(|_| {}).contains(sessions));
    // IAM refuses to change AWS's own roles, and another account's are not ours to change.
    let identity_center =
        |actor: &mut Actor| actor.name = Some("AWSReservedSSO_Admin_0123456789abcdef".to_owned());
    assert!(!with(identity_center).contains("put-role-policy"));
    let elsewhere = |actor: &mut Actor| actor.account = Some("999988887777".to_owned());
    assert!(!with(elsewhere).contains("put-role-policy"));
}

#[test]
fn no_command_holds_what_a_shell_would_run() {
    for name in [
        "a;reboot",
        "$(reboot)",
        "--profile=x",
        "a b",
        "'",
        "`id`",
        "",
    ] {
        let mut alert = outcome();
        let resource = alert.resource.as_mut().unwrap();
        (resource.name, resource.arn) = (name.to_owned(), Some(name.to_owned()));
        alert.outcome.as_mut().unwrap().kind = OutcomeKind::Quarantined;
        let text = alert.text();
        assert!(!text.contains("trustwarden restore"), "{text}");
        assert!(!text.contains("lookup-events"), "{text}");
    }
    // What IAM takes as a name, and the command as another of its words.
    let mut alert = outcome();
    let arn = "arn:aws:iam::111122223333:role/a,AttributeKey=Username";
    alert.resource.as_mut().unwrap().arn = Some(arn.to_owned());
    assert!(!alert.text().contains("lookup-events"), "{}", alert.text());
}
