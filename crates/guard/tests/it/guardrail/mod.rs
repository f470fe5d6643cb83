//! The resource control policies against the checks: decided by the evaluator of one request, what
//! the checks call a violation is denied, and nothing that they approve.
//!
//! Each document of the corpora is analyzed, each way in has a request that proves it, and each
//! such request is held against the policies. Beyond that, requests are drawn at random, and each
//! is judged by a document that admits that request and no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

mod requests;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use policy::{Analysis, AnalysisContext, Request, TrustPolicy, analyze};
use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_guard::detect::{Coverage, Judgement, judge_trust};
use trustwarden_guard::guardrail::{
    GuardedService, Guardrail, GuardrailError, MOST_CHARACTERS, MOST_DOCUMENTS, Wanted,
    resource_control_policies,
};
use trustwarden_guard::model::RoleRef;
use trustwarden_guard::rules::RulesFile;
use trustwarden_guard::{Check, Remedy};

use self::requests::requests;
use self::world::{MEMBER as MEMBER_OF_OURS, NOW, ORGANIZATION, OWN, World, worlds};

struct Document {
    name: String,
    role: RoleRef,
    text: String,
}

/// The judged documents, and those of the analyzer's corpus.
fn corpus() -> Vec<Document> {
    let mut corpus = Vec::new();
    for yaml in [
        include_str!("../../../testdata/judged/ordinary.yaml"),
        include_str!("../../../testdata/judged/violations.yaml"),
    ] {
        for case in serde_saphyr::from_str::<Vec<Value>>(yaml).unwrap() {
            let text = match &case["document"] {
                Value::Null => case["text"].as_str().unwrap().to_owned(),
                document => document.to_string(),
            };
            let word = |key: &str| case[key].as_str().map(str::to_owned);
            corpus.push(Document {
                name: word("name").unwrap(),
                role: RoleRef {
                    account: OWN.to_owned(),
                    name: word("role"),
                    path: word("path"),
                },
                text,
            });
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/testdata/trust");
    for file in fs::read_dir(folder).unwrap() {
        let cases = fs::read_to_string(file.unwrap().path()).unwrap();
        for case in serde_saphyr::from_str::<Vec<Value>>(&cases).unwrap() {
            let text = case["policy"].to_string();
            // The corpus has an organization of its own; here it is ours.
            corpus.push(Document {
                name: case["id"].as_str().unwrap().to_owned(),
                role: RoleRef::named(OWN, "DatadogIntegration"),
                text: text.replace("o-own1234567", ORGANIZATION),
            });
        }
    }
    corpus
}

/// What no such policy can see, besides the role that is entered: a provider of another account by
/// the name of one of ours. IAM admits a SAML provider of the role's own account alone.
fn is_left_to_the_guard(request: &Request) -> bool {
    // Services act in the account, and are spared.
    if request.principal.kind == "Service" {
        return true;
    }
    let foreign = |account: &str| account != OWN;
    let provider = &request.principal.value;
    request.principal.kind == "Federated" && provider.split(':').nth(4).is_some_and(foreign)
}

#[test]
fn violations_are_denied_and_what_the_checks_approve_is_not() {
    let mut denied: BTreeMap<Check, usize> = BTreeMap::new();
    let mut approved = 0;
    let mut wrong = Vec::new();
    for world in worlds() {
        for document in corpus() {
            let now = NOW.parse().unwrap();
            let judgement = judge_trust(&world.rules, &document.role, &document.text, now);
            for finding in judgement.violations() {
                let Some(request) = &finding.witness else {
                    continue;
                };
                if world.denies(request) {
                    *denied.entry(finding.code).or_default() += 1;
                } else if !world.approves_somewhere(request) && !is_left_to_the_guard(request) {
                    let (name, code) = (&document.name, finding.code);
                    wrong.push(format!("not denied: {name}: {code}\n  {request:?}"));
                }
            }
            for (request, covered) in proofs(&document, &judgement) {
                approved += 1;
                if world.denies(&request) {
                    let name = &document.name;
                    wrong.push(format!("denied: {name}: {covered:?}\n  {request:?}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(approved > 300, "{approved}");
    // Every check of a trust policy, but the one that is about the role alone.
    for check in Check::ALL {
        let expected = check.remedy() == Remedy::TrustPolicy && *check != Check::RoleNotRegistered;
        assert!(
            !expected || denied.contains_key(check),
            "{check}: {denied:?}"
        );
    }
}

/// A request for each way in that the rules cover.
fn proofs(document: &Document, judgement: &Judgement) -> Vec<(Request, Coverage)> {
    let Some(found) = &judgement.analysis else {
        return Vec::new();
    };
    let proved = found.grants.iter().any(|grant| grant.witness.is_some());
    let analysis = if proved {
        Analysis::clone(found)
    } else {
        let context = AnalysisContext {
            own_account: Some(OWN),
            own_organization: Some(ORGANIZATION),
            now: NOW.parse().unwrap(),
            origin: policy::Origin::Shown,
            witnesses: true,
            providers: &[],
        };
        analyze(&TrustPolicy::parse(&document.text).unwrap(), &context)
    };
    let covered = analysis.grants.into_iter().zip(&judgement.coverage);
    covered
        .filter_map(|(grant, covered)| Some((grant.witness?, covered.clone()?)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: crate::cases(150),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_request_is_denied_just_where_no_role_may_admit_it(request in requests(), strict in any::<bool>()) {
        static WORLDS: std::sync::OnceLock<[World; 2]> = std::sync::OnceLock::new();
        let world = &WORLDS.get_or_init(worlds)[usize::from(strict)];
        prop_assert_eq!(world.denies(&request), !world.approves_somewhere(&request));
    }
}

fn made(yaml: &str) -> Result<Guardrail, GuardrailError> {
    made_as(yaml, &Wanted::default())
}

fn made_as(yaml: &str, wanted: &Wanted) -> Result<Guardrail, GuardrailError> {
    let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
    resource_control_policies(&file, &[], wanted, NOW.parse().unwrap())
}

/// Rules with so many vendors, each with an external id of its own, and the end of each.
fn vendors(count: u64, end: impl Fn(u64) -> String) -> String {
    let vendor = |index: u64| {
        format!(
            "  - {{ name: V{index}, accounts: [\"{:012}\"], roles: [R{index}], external_id: \
             {{ values: [\"{index:08}-8a55-4d2b-9c63-7a1d6c7f1b21\"] }}, expires: {} }}\n",
            333_300_000_000_u64 + index,
            end(index)
        )
    };
    let vendors: String = (0..count).map(vendor).collect();
    format!("{BEGIN}vendors:\n{vendors}")
}

const BEGIN: &str = "version: 1\norganization: { id: o-abc123example }\n";

#[test]
fn the_documents_are_what_organizations_takes() {
    for (count, is_exact) in [(1, true), (40, true), (300, false)] {
        let guardrail = made(&vendors(count, |_| "2027-03-31".to_owned())).unwrap();
        is_what_organizations_takes(&guardrail);
        let all = guardrail.documents.concat();
        assert_eq!(all.contains("8a55"), is_exact, "{count}");
        let notes = guardrail.notes.join("\n");
        assert_eq!(notes.contains("wrong-external-id"), !is_exact, "{notes}");
        assert_eq!(
            all.matches("2027-04-01T00:00:00Z").count(),
            usize::try_from(count.div_ceil(250)).unwrap(),
            "one end, one statement"
        );
    }
    // Each on a day of its own: what counts is the end of the month, and never a day before.
    let each = made(&vendors(300, |index| {
        format!("2027-{:02}-{:02}", index % 12 + 1, index % 28 + 1)
    }));
    let each = each.unwrap();
    is_what_organizations_takes(&each);
    let all = each.documents.concat();
    assert_eq!(all.matches("DateGreaterThanEquals").count(), 12);
    assert!(all.contains("2028-01-01T00:00:00Z") && !all.contains("-15T"));
}

/// Where less is asked, nothing that the rules approve is denied, and what is asked is still asked.
#[test]
fn many_vendors_are_asked_less_and_never_more() {
    let file: RulesFile = serde_saphyr::from_str(BEGIN).unwrap();
    let world = World {
        rules: crate::loaded_with(&file, &[]),
        file,
        guardrail: made(&vendors(300, |index| {
            format!("2027-03-{:02}", index % 28 + 1)
        }))
        .unwrap(),
    };
    let asks = |index: u64, id: Option<&str>, at: &str| {
        let mut context = BTreeMap::from([("aws:CurrentTime".to_owned(), vec![at.to_owned()])]);
        context.extend(id.map(|id| ("sts:ExternalId".to_owned(), vec![id.to_owned()])));
        world.denies(&Request {
            principal: policy::RequestPrincipal {
                kind: "AWS".to_owned(),
                value: format!("arn:aws:iam::{:012}:role/x", 333_300_000_000_u64 + index),
            },
            action: "sts:AssumeRole".to_owned(),
            context,
        })
    };
    let early = "2027-03-01T00:00:00Z";
    for index in [0, 1, 249, 250, 299] {
        let id = format!("{index:08}-8a55-4d2b-9c63-7a1d6c7f1b21");
        let last = format!("2027-03-{:02}T23:59:59Z", index % 28 + 1);
        assert!(!asks(index, Some(&id), early), "{index}");
        assert!(!asks(index, Some(&id), &last), "{index}");
        assert!(asks(index, Some(&id), "2027-04-01T00:00:00Z"), "{index}");
        assert!(asks(index, None, early), "{index}");
    }
    assert!(asks(300, Some("any-id"), early), "nobody knows it");
}

fn is_what_organizations_takes(guardrail: &Guardrail) {
    assert!((1..=MOST_DOCUMENTS).contains(&guardrail.documents.len()));
    let mut sids = std::collections::BTreeSet::new();
    for document in &guardrail.documents {
        assert!(document.chars().count() <= MOST_CHARACTERS);
        let policy: Value = serde_json::from_str(document).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Deny");
            assert_eq!(statement["Principal"], "*");
            assert_eq!(statement["Resource"], "*");
            let action = statement["Action"].as_str().unwrap();
            assert!(action.starts_with("sts:AssumeRole"), "{action}");
            let sid = statement["Sid"].as_str().unwrap().to_owned();
            assert!(
                sid.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{sid}"
            );
            assert!(sids.insert(sid), "a Sid twice");
        }
    }
    let told: std::collections::BTreeSet<String> =
        guardrail.stops.iter().map(|(sid, _)| sid.clone()).collect();
    assert_eq!(sids, told, "each says whom it stops");
    // Filled: no two neighbours would have fitted into one.
    for pair in guardrail.documents.windows(2) {
        assert!(pair[0].len() + pair[1].len() > MOST_CHARACTERS);
    }
}

#[test]
fn what_cannot_be_said_is_refused_with_the_reason() {
    assert_eq!(made("version: 1\n"), Err(GuardrailError::NoOrganization));
    let cluster = format!("{BEGIN}identity_providers:\n  - {{ kind: eks, clusters: [ABC] }}\n");
    assert_eq!(made(&cluster), Err(GuardrailError::NoRegions));
    let accounts: Vec<String> = (0..400)
        .map(|index| format!("\"{:012}\"", 333_300_000_000_u64 + index))
        .collect();
    let narrow = vendors(100, |_| "2027-03-31".to_owned()).replace(
        "roles:",
        "principals: [\"arn:aws:iam::333344445555:role/a-path/of-some-length/a-role-of-some-name\"], roles:",
    );
    let error = made(&narrow).unwrap_err();
    assert!(
        matches!(error, GuardrailError::TooMany(count) if count > MOST_DOCUMENTS),
        "{error}"
    );
    assert!(error.is_too_much() && !GuardrailError::NoRegions.is_too_much());
    let many = format!("{BEGIN}trusted_accounts: [{}]\n", accounts.join(", "));
    let error = made(&many).unwrap_err();
    assert!(error.is_too_much());
    assert!(matches!(&error, GuardrailError::TooLong { characters, .. } if *characters > 6_000));
    assert!(
        error
            .to_string()
            .starts_with("the accounts that may assume roles take 6"),
        "{error}"
    );
}

#[test]
fn without_vendors_and_providers_the_organization_stays_among_itself() {
    let guardrail = made(BEGIN).unwrap();
    let policy: Value = serde_json::from_str(&guardrail.documents[0]).unwrap();
    let denials = policy["Statement"].as_array().unwrap();
    // Federation is left alone where nobody wrote down who signs in.
    assert_eq!(denials.len(), 1);
    let notes = guardrail.notes.join("\n");
    assert!(notes.contains("identity_providers"), "{notes}");
    assert_eq!(
        denials[0]["Condition"],
        json!({
            "StringNotEqualsIfExists": { "aws:PrincipalOrgID": "o-abc123example" },
            "BoolIfExists": { "aws:PrincipalIsAWSService": "false" },
        })
    );
    // With one provider nobody else's tokens, and no assertions but those of Identity Center.
    let one = format!("{BEGIN}identity_providers:\n  - {{ provider: oidc.example.com }}\n");
    let document = made(&one).unwrap().documents.concat();
    assert!(
        document.contains(r#""StringNotLike":{"saml:doc":"*/AWSSSO_*"}"#)
            && document.contains(r#""Null":{"saml:doc":"false"}"#),
        "{document}"
    );
    // Or where it is asked for.
    let wanted = Wanted {
        federation: true,
        ..Wanted::default()
    };
    let asked = made_as(BEGIN, &wanted).unwrap();
    let sids: Vec<&str> = asked.stops.iter().map(|(sid, _)| sid.as_str()).collect();
    assert_eq!(sids, ["Outsiders", "Issuers", "Directories"]);
    assert!(!asked.notes.join("").contains("identity_providers"));
}

#[test]
fn what_is_excluded_is_left_alone_by_every_statement() {
    let wanted = Wanted {
        federation: true,
        exclude_tags: vec![("break-glass".to_owned(), "yes".to_owned())],
        exclude_roles: vec!["arn:aws:iam::*:role/BreakGlass".to_owned()],
        services: vec![GuardedService::S3, GuardedService::SecretsManager],
        ..Wanted::default()
    };
    let rules = vendors(2, |_| "2027-03-31".to_owned());
    let guardrail = made_as(&rules, &wanted).unwrap();
    let mut seen = 0;
    for document in &guardrail.documents {
        let policy: Value = serde_json::from_str(document).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            seen += 1;
            let tag =
                &statement["Condition"]["StringNotEqualsIfExists"]["aws:ResourceTag/break-glass"];
            assert_eq!(tag, "yes", "{statement}");
            let of_roles = statement["Action"]
                .as_str()
                .is_some_and(|action| action.starts_with("sts:"));
            let role = of_roles.then_some("arn:aws:iam::*:role/BreakGlass");
            assert_eq!(statement["NotResource"].as_str(), role, "{statement}");
            assert_eq!(statement["Resource"].as_str(), (!of_roles).then_some("*"));
        }
    }
    assert_eq!(seen, guardrail.stops.len());
}

/// What other services keep, and services that act for somebody outside.
#[test]
fn the_same_vendors_may_use_what_other_services_keep() {
    let wanted = Wanted {
        services: vec![
            GuardedService::S3,
            GuardedService::Kms,
            GuardedService::Sqs,
            GuardedService::SecretsManager,
            GuardedService::Ecr,
        ],
        ..Wanted::default()
    };
    let guardrail = made_as(&vendors(2, |_| "2027-03-31".to_owned()), &wanted).unwrap();
    let all: Value = serde_json::from_str(&guardrail.documents[0]).unwrap();
    let of = |sid: &str| {
        let mut statements = all["Statement"].as_array().unwrap().iter();
        statements.find(|one| one["Sid"] == sid).unwrap().clone()
    };
    let actions = json!(["s3:*", "kms:*", "sqs:*", "secretsmanager:*", "ecr:*"]);
    assert_eq!(of("Resources")["Action"], actions);
    assert_eq!(of("Resources")["Condition"], of("Outsiders")["Condition"]);
    assert_eq!(of("ResourcesUntil1")["Action"], actions);
    assert_eq!(
        of("ResourcesUntil1")["Condition"],
        of("Until1")["Condition"]
    );
    let deputies = of("ConfusedDeputies");
    assert_eq!(deputies["Action"], actions);
    assert_eq!(
        deputies["Condition"],
        json!({
            "StringNotEqualsIfExists": {
                "aws:SourceOrgID": "o-abc123example",
                "aws:SourceAccount": ["333300000000", "333300000001"],
            },
            "Null": { "aws:SourceAccount": "false" },
            "Bool": { "aws:PrincipalIsAWSService": "true" },
        })
    );
    // A request for each: decided by the evaluator, which knows the actions of trust policies alone.
    let file: RulesFile = serde_saphyr::from_str(BEGIN).unwrap();
    let mut statements = [of("Resources"), of("ConfusedDeputies")];
    for statement in &mut statements {
        statement["Action"] = json!("sts:AssumeRole");
    }
    let of_services = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let world = World {
        rules: crate::loaded_with(&file, &[]),
        file,
        guardrail: Guardrail {
            documents: vec![of_services],
            ..guardrail
        },
    };
    let asks = |value: &str, kind: &str, context: Value| Request {
        principal: policy::RequestPrincipal {
            kind: kind.to_owned(),
            value: value.to_owned(),
        },
        action: "sts:AssumeRole".to_owned(),
        context: serde_json::from_value(context).unwrap(),
    };
    let user = |account: &str| format!("arn:aws:iam::{account}:role/x");
    let nobody = asks(&user("989898989898"), "AWS", json!({}));
    assert!(world.denies(&nobody));
    for account in ["333300000000", MEMBER_OF_OURS] {
        assert!(
            !world.denies(&asks(&user(account), "AWS", json!({}))),
            "{account}"
        );
    }
    let service = |context: Value| asks("cloudtrail.amazonaws.com", "Service", context);
    let acts_for = |account: &str| json!({"aws:SourceAccount": [account]});
    assert!(world.denies(&service(acts_for("989898989898"))));
    assert!(!world.denies(&service(acts_for("333300000001"))));
    assert!(!world.denies(&service(
        json!({"aws:SourceAccount": ["989898989898"], "aws:SourceOrgID": ["o-abc123example"]})
    )));
    assert!(
        !world.denies(&service(json!({}))),
        "it does not say for whom"
    );
}

#[test]
fn an_exemption_ends_and_an_address_within_a_vpc_spares_nobody() {
    let exempted = |lines: &str| {
        made(&format!("{BEGIN}exemptions:\n{lines}"))
            .unwrap()
            .documents
            .concat()
    };
    let until = |day: &str| {
        format!(
            "  - {{ role: R, account: \"666655554444\", check: unknown-third-party, reason: x, expires: {day} }}\n"
        )
    };
    let one = exempted(&until("2027-12-31"));
    assert!(
        one.contains(r#""DateGreaterThanEquals":{"aws:CurrentTime":"2028-01-01T00:00:00Z"}"#),
        "{one}"
    );
    let two = exempted(&(until("2027-12-31") + &until("2028-06-30")));
    assert!(
        two.contains("2028-07-01T00:00:00Z") && !two.contains("2028-01-01"),
        "{two}"
    );
    let vendor = format!(
        "{BEGIN}vendors:\n  - {{ name: A, accounts: [\"666655554444\"], roles: [R] }}\nexemptions:\n{}",
        until("2027-12-31")
    );
    let vendor = made(&vendor).unwrap().documents.concat();
    assert!(
        !vendor.contains("ExemptUntil"),
        "a vendor's account stays the vendor's: {vendor}"
    );
    let network = made(&format!(
        "{BEGIN}networks: [\"10.0.0.0/8\", vpc-0a1b2c3d]\n"
    ))
    .unwrap()
    .documents
    .concat();
    assert!(
        network.contains("aws:SourceVpc") && !network.contains("VpcSourceIp"),
        "{network}"
    );
}

#[test]
fn a_subject_never_becomes_a_variable() {
    let yaml = format!(
        "{BEGIN}identity_providers:\n  - {{ provider: oidc.example.com, subjects: [\"${{aws:x}}*\"] }}\n"
    );
    assert!(made(&yaml).unwrap().documents[0].contains("${$}{aws:x}*"));
}

#[test]
fn rules_with_too_many_ways_to_fail_are_said_to_be_simplified() {
    let rules = |count: usize| {
        let rules: String = (0..count)
            .map(|index| {
                format!(
                    "  - {{ provider: token.actions.githubusercontent.com, audiences: \
                     [sts.amazonaws.com], subjects: [\"repo:acme/r{index}:*\"] }}\n"
                )
            })
            .collect();
        made(&format!("{BEGIN}identity_providers:\n{rules}")).unwrap()
    };
    let simplified = |guardrail: &Guardrail| {
        let mut notes = guardrail.notes.iter();
        notes.any(|note| {
            note.contains("token.actions.githubusercontent.com") && note.contains("more than 32")
        })
    };
    assert!(!simplified(&rules(5)), "32 ways");
    assert!(simplified(&rules(6)), "64 ways");
}
