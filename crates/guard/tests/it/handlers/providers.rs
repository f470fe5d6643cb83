//! Identity providers: what changed, what was there before, and which roles it opens.

use jiff::SignedDuration;
use serde_json::{Value, json};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::cloudtrail::{Metadata, ProviderType};
use trustwarden_guard::handlers::{Handled, sweep_providers};
use trustwarden_guard::ports::{IamErrorKind, LiveProvider};
use trustwarden_guard::{Check, Severity};

use super::scene::{ALICE, Scene, identity};
use super::sweeping::{HOUR, watched_with};
use super::troubled::run;

const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/Directory";

fn trusting(provider: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": { "Federated": provider },
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": { "StringEquals": { "SAML:aud": "https://signin.aws.amazon.com/saml" } },
        }],
    })
    .to_string()
}

fn metadata(certificate: &str) -> String {
    format!(
        "<EntityDescriptor entityID=\"https://idp.example\"><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></EntityDescriptor>"
    )
}

fn updated(scene: &mut Scene, certificate: &str) -> Value {
    let request =
        json!({ "sAMLProviderArn": PROVIDER, "sAMLMetadataDocument": metadata(certificate) });
    let by = identity(ALICE);
    scene.raw_event("iam.amazonaws.com", "UpdateSAMLProvider", request, by)
}

/// SHA-256 of `first` and of `second`, which the certificates below say in base64.
const FIRST: &str = "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
const SECOND: &str = "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";

#[test]
fn a_swapped_certificate_is_critical_and_names_both_and_the_roles() {
    let mut scene = Scene::new();
    for role in ["Staff", "Admins"] {
        scene.put(role, role, &trusting(PROVIDER));
    }
    scene.put(
        "Other",
        "Other",
        &trusting(&PROVIDER.replace("Directory", "Others")),
    );
    let first = updated(&mut scene, "Zmlyc3Q=");
    let alerts = scene.play(&first);
    let found = &alerts[0].findings[0];
    assert_eq!(
        (found.code, found.severity),
        (Check::IdentityProviderChanged, Severity::Critical)
    );
    assert_eq!(
        found.message,
        format!(
            "the SAML provider {PROVIDER} was changed; what was there before is not known: no \
             change of it was seen yet; issuer https://idp.example; certificate fingerprints \
             {FIRST}; it opens the roles Admins, Staff"
        )
    );
    assert_eq!(alerts.len(), 1, "nothing is undone");
    scene.pass(60);
    let second = updated(&mut scene, "c2Vjb25k");
    let alerts = scene.play(&second);
    assert_eq!(
        alerts[0].findings[0].message,
        format!(
            "the SAML provider {PROVIDER} was changed; certificate fingerprints {SECOND}, before \
             {FIRST}; it opens the roles Admins, Staff"
        )
    );
    // The same event again finds what was there before it, and the same metadata are no change.
    assert_eq!(scene.play(&second), []);
    scene.pass(60);
    let same = updated(&mut scene, "c2Vjb25k");
    assert_eq!(scene.handle(&same).unwrap().unwrap(), Handled::Approved);
    // An older event that comes late is compared with what was before it.
    assert_eq!(scene.play(&first), []);
}

#[test]
fn a_provider_that_nobody_names_is_high_and_one_that_goes_is_less() {
    let mut scene = Scene::new();
    let event = updated(&mut scene, "Zmlyc3Q=");
    let alerts = scene.play(&event);
    assert_eq!(alerts[0].findings[0].severity, Severity::High);
    assert!(
        alerts[0].findings[0]
            .message
            .ends_with("no role is seen that trusts it")
    );
    let by = identity(ALICE);
    let request = json!({ "sAMLProviderArn": PROVIDER });
    let gone = scene.raw_event("iam.amazonaws.com", "DeleteSAMLProvider", request, by);
    assert_eq!(scene.play(&gone)[0].findings[0].severity, Severity::Medium);
}

#[test]
fn what_cannot_be_read_keeps_no_alert_back() {
    let mut scene = Scene::new();
    scene.put("Staff", "Staff", &trusting(PROVIDER));
    scene
        .world
        .refuse("list roles", [IamErrorKind::AccessDenied]);
    let event = updated(&mut scene, "Zmlyc3Q=");
    let alerts = scene.play(&event);
    let found = &alerts[0].findings[0];
    assert_eq!(found.severity, Severity::Critical);
    assert!(
        found.message.contains("which roles it opens is not known"),
        "{}",
        found.message
    );
    scene.pass(60);
    scene.world.fail("read providers", 1);
    let event = updated(&mut scene, "c2Vjb25k");
    let alerts = scene.play(&event);
    let found = &alerts[0].findings[0];
    assert!(
        found.message.contains("what was there before is not known"),
        "{}",
        found.message
    );
    assert!(found.message.contains("it opens the role Staff"));
}

#[test]
fn lending_services_open_the_roles_that_they_name_and_that_trust_them() {
    let trusts = |service: &str, condition: &Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": { "Service": service },
                "Action": "sts:AssumeRole", "Condition": condition,
            }],
        })
        .to_string()
    };
    let anchor = "arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/a1";
    let mut scene = Scene::new();
    let any = json!({});
    let pinned = json!({ "ArnEquals": { "aws:SourceArn": anchor } });
    let other = json!({ "ArnEquals": { "aws:SourceArn": format!("{anchor}-other") } });
    scene.put("Any", "Any", &trusts("rolesanywhere.amazonaws.com", &any));
    scene.put(
        "Pinned",
        "Pinned",
        &trusts("rolesanywhere.amazonaws.com", &pinned),
    );
    scene.put(
        "Else",
        "Else",
        &trusts("rolesanywhere.amazonaws.com", &other),
    );
    scene.put(
        "Device",
        "Device",
        &trusts("credentials.iot.amazonaws.com", &any),
    );
    scene.put("Hybrid", "Hybrid", &trusts("ssm.amazonaws.com", &any));
    let rolesanywhere = "rolesanywhere.amazonaws.com";
    for (source, name, request, end) in [
        (
            rolesanywhere,
            "UpdateTrustAnchor",
            json!({ "trustAnchorId": "a1" }),
            "it opens the roles Any, Pinned",
        ),
        (
            rolesanywhere,
            "CreateProfile",
            json!({ "name": "p", "roleArns": ["arn:aws:iam::111122223333:role/Pinned", "x/Device"] }),
            "it opens the role Pinned",
        ),
        (
            "iot.amazonaws.com",
            "UpdateRoleAlias",
            json!({ "roleAlias": "a", "roleArn": "arn:aws:iam::111122223333:role/Device" }),
            "it opens the role Device",
        ),
        (
            "ssm.amazonaws.com",
            "CreateActivation",
            json!({ "iamRole": "Hybrid" }),
            "it opens the role Hybrid",
        ),
        (
            "account-access.amazonaws.com",
            "CreateEntitlement",
            json!({
                "applicationArn": "arn:app",
                "entitlement": { "principalRole": { "principal": "u", "roleArn": "x/Hybrid" } },
            }),
            "no role is seen that trusts it",
        ),
    ] {
        let event = scene.raw_event(source, name, request, identity(ALICE));
        let alerts = scene.play(&event);
        let found = &alerts[0].findings[0];
        assert!(found.message.ends_with(end), "{name}: {}", found.message);
    }
}

/// The provider as IAM shows it.
fn live(scene: &Scene, document: &str, created: i64) -> LiveProvider {
    LiveProvider {
        provider: ProviderType::Saml,
        arn: PROVIDER.to_owned(),
        created: Some(scene.now() + SignedDuration::from_secs(created)),
        metadata: Metadata::of_saml(document.to_owned()),
    }
}

fn look(scene: &Scene) -> Vec<Alert> {
    let swept = run(sweep_providers(&scene.world.inside, &scene.guard));
    let swept = swept.unwrap().unwrap();
    let alerts = scene.alerts();
    assert_eq!(swept.reported, alerts.len());
    alerts
}

#[test]
fn a_certificate_that_was_swapped_without_an_event_is_found_and_reported_once() {
    let mut scene = watched_with(|_| {});
    scene.put("Staff", "Staff", &trusting(PROVIDER));
    let put = |scene: &Scene, certificate: &str| {
        let provider = live(scene, &metadata(certificate), -86_400);
        scene.world.inside.put_provider(provider);
    };
    put(&scene, "Zmlyc3Q=");
    for _ in 0..2 {
        assert_eq!(look(&scene), [], "it was there when the guard began");
        scene.pass(HOUR);
    }
    put(&scene, "c2Vjb25k");
    assert_eq!(look(&scene), [], "its event may yet come");
    scene.pass(HOUR);
    let alerts = look(&scene);
    let found = &alerts[0].findings[0];
    assert_eq!(
        (found.code, found.severity),
        (Check::IdentityProviderChanged, Severity::Critical)
    );
    for words in [SECOND, FIRST, "Staff"] {
        assert!(found.message.contains(words), "{words}: {}", found.message);
    }
    assert!(alerts[0].title.contains("no event reported it"));
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene), [], "once");
    }
    // One whose event comes is the event's.
    put(&scene, "Zmlyc3Q=");
    assert_eq!(look(&scene), []);
    scene.pass(60);
    let event = updated(&mut scene, "Zmlyc3Q=");
    assert_eq!(scene.play(&event).len(), 1);
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene), []);
    }
}

#[test]
fn a_new_provider_without_an_event_is_found_and_iams_own_thumbprints_are_no_change() {
    let mut scene = watched_with(|_| {});
    assert_eq!(look(&scene), []);
    scene.pass(HOUR);
    scene
        .world
        .inside
        .put_provider(live(&scene, &metadata("Zmlyc3Q="), 0));
    assert_eq!(look(&scene), []);
    scene.pass(HOUR);
    let alerts = look(&scene);
    assert!(alerts[0].findings[0].message.contains("was created"));
    // An issuer that was created without thumbprints, and reported: IAM finds them by itself.
    let (arn, url) = (
        "arn:aws:iam::111122223333:oidc-provider/ci.example",
        "https://ci.example",
    );
    let mut event = scene.raw_event(
        "iam.amazonaws.com",
        "CreateOpenIDConnectProvider",
        json!({ "url": url, "clientIDList": ["sts.amazonaws.com"] }),
        identity(ALICE),
    );
    event["detail"]["responseElements"] = json!({ "openIDConnectProviderArn": arn });
    assert_eq!(scene.play(&event).len(), 1);
    let mut oidc = LiveProvider {
        provider: ProviderType::Oidc,
        arn: arn.to_owned(),
        created: Some(scene.now()),
        metadata: Metadata {
            issuer: Some("ci.example".to_owned()),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            certificates: vec!["ab".repeat(20)],
            document: None,
        },
    };
    scene.world.inside.put_provider(oidc.clone());
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene), []);
    }
    // One thumbprint or audience more is.
    oidc.metadata.audiences.push("theirs".to_owned());
    scene.world.inside.put_provider(oidc.clone());
    assert_eq!(look(&scene), []);
    scene.pass(HOUR);
    assert!(look(&scene)[0].findings[0].message.contains("theirs"));
    oidc.metadata.certificates.push("cd".repeat(20));
    scene.world.inside.put_provider(oidc);
    assert_eq!(look(&scene), []);
    scene.pass(HOUR);
    assert_eq!(look(&scene).len(), 1);
}
