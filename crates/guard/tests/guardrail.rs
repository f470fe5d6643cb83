//! The resource control policies against the checks: decided by the evaluator of one request, what
//! the checks call a violation is denied, and nothing that they approve.
//!
//! Each document of the corpora is analysed, each way in has a request that proves it, and each
//! such request is held against the policies. Beyond that, requests are drawn at random, and each
//! is judged by a document that admits that request and no other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use policy::{
    Analysis, AnalysisContext, EvaluationContext, Request, RequestPrincipal, TrustPolicy, analyse,
    evaluate,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_guard as guard;

use guard::detect::{Coverage, Judgement, RoleRef, judge_trust};
use guard::guardrail::{Guardrail, GuardrailError, MOST_CHARACTERS, resource_control_policies};
use guard::rules::{OrganizationAccount, Rules, RulesFile, compile};
use guard::{Check, Remedy};

const OWN: &str = "111122223333";
const ORGANIZATION: &str = "o-abc123example";
const MEMBER: &str = "555566667777";
const MANAGEMENT: &str = "999988887777";
const NOW: &str = "2026-11-21T00:00:00Z";

const JUDGED: &str = include_str!("../testdata/judged/rules.yaml");

/// The rules of the corpus, and the same without what opens them for everyone: networks, exemptions.
fn worlds() -> [World; 2] {
    let strict: Vec<&str> = JUDGED
        .lines()
        .take_while(|line| !line.starts_with("exemptions:"))
        .filter(|line| !line.starts_with("networks:"))
        .collect();
    [World::judged(), World::of(&strict.join("\n"))]
}

struct World {
    file: RulesFile,
    rules: Rules,
    guardrail: Guardrail,
}

impl World {
    fn of(yaml: &str) -> Self {
        let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
        let members = [OrganizationAccount {
            id: MEMBER.to_owned(),
            name: String::new(),
        }];
        let rules = Rules::load(compile(&file, &members).unwrap().bytes).unwrap();
        let regions = ["us-east-1".to_owned(), "eu-west-1".to_owned()];
        let now = NOW.parse().unwrap();
        let guardrail = resource_control_policies(&file, &members, &regions, now).unwrap();
        Self {
            file,
            rules,
            guardrail,
        }
    }

    fn judged() -> Self {
        Self::of(JUDGED)
    }

    /// Whether one of the policies denies a request, once it carries what AWS adds to it.
    fn denies(&self, request: &Request) -> bool {
        let request = as_aws_sends_it(request, &self.file);
        self.guardrail.documents.iter().any(|document| {
            let policy = TrustPolicy::parse(document).unwrap();
            let context = EvaluationContext {
                account: Some(OWN),
                organization: Some(ORGANIZATION),
                now: NOW.parse().unwrap(),
            };
            let decision = evaluate(&policy, &request, &context).unwrap();
            assert!(
                !decision.allowed,
                "a policy that only denies allows nothing"
            );
            // Without a statement nothing was said against it: there is none that allows.
            decision.statement.is_some()
        })
    }
}

/// The request with what AWS fills in and a proof need not name: the organization of a member, the
/// account behind a unique id, the path of a role, the provider of an assertion, and what every
/// token carries.
fn as_aws_sends_it(request: &Request, file: &RulesFile) -> Request {
    let mut request = request.clone();
    for vendor in &file.vendors {
        for principal in &vendor.principals {
            if says(&request, "aws:userid").is_some_and(|id| id.starts_with(principal.as_str())) {
                let text = serde_json::to_string(&request).unwrap();
                let text = text.replace("999999999999", &vendor.accounts[0]);
                request = serde_json::from_str(&text).unwrap();
            }
            let role = principal.rsplit('/').next().unwrap();
            let session = format!("::{}:assumed-role/{role}/", vendor.accounts[0]);
            if principal.contains(":role/") && request.principal.value.contains(&session) {
                request
                    .context
                    .insert("aws:PrincipalArn".to_owned(), vec![principal.clone()]);
            }
        }
    }
    let RequestPrincipal { kind, value } = request.principal.clone();
    let mut add = |key: &str, value: &str| {
        if says(&request, key).is_none() {
            let value = vec![value.to_owned()];
            request.context.insert(key.to_owned(), value);
        }
    };
    match kind.as_str() {
        "AWS" => {
            let account = value.split(':').nth(4).unwrap_or(&value);
            if [MEMBER, MANAGEMENT].contains(&account) {
                add("aws:PrincipalOrgID", ORGANIZATION);
            }
        }
        "Federated" => {
            if let Some((before, name)) = value.split_once(":saml-provider/") {
                let account = before.rsplit(':').next().unwrap();
                add("saml:doc", &format!("{account}/{name}"));
                add("saml:aud", "https://signin.aws.amazon.com/saml");
            } else {
                let host = value.rsplit(":oidc-provider/").next().unwrap();
                add(&format!("{host}:sub"), "somebody");
                add(&format!("{host}:aud"), "something");
            }
        }
        _ => {}
    }
    request
}

fn says<'r>(request: &'r Request, key: &str) -> Option<&'r str> {
    let found = request
        .context
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(key));
    found.and_then(|(_, values)| values.first().map(String::as_str))
}

impl World {
    /// Whether there is a role of ours at which the rules approve this request: judged is a document
    /// that admits it and no other. These policies cannot tell roles apart, so this is what they
    /// must spare, and all that they may.
    fn approves_somewhere(&self, request: &Request) -> bool {
        let request = as_aws_sends_it(request, &self.file);
        let mut equal = serde_json::Map::new();
        let mut address = serde_json::Map::new();
        for (key, values) in &request.context {
            match key.to_ascii_lowercase().as_str() {
                "aws:sourceip" => drop(address.insert(key.clone(), json!(values))),
                "aws:userid" | "saml:doc" | "aws:multifactorauthpresent" => {}
                _ => drop(equal.insert(key.clone(), json!(values))),
            }
        }
        let unique = says(&request, "aws:userid").and_then(|id| id.split(':').next());
        let unique = unique.filter(|id| {
            let mut principals = self
                .file
                .vendors
                .iter()
                .flat_map(|vendor| &vendor.principals);
            principals.any(|own| own == id)
        });
        let value = request.principal.value.as_str();
        // No rule here names a federated user; a name of one letter is none that IAM admits.
        let account = value
            .contains(":federated-user/")
            .then(|| value.split(':').nth(4));
        let principal = unique.or(account.flatten()).unwrap_or(value);
        let document = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { request.principal.kind.as_str(): principal },
            "Action": [request.action, "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": { "StringEquals": equal, "IpAddress": address },
        }]});
        let path = "/aws-reserved/sso.amazonaws.com/";
        let patterns = self.file.vendors.iter().flat_map(|vendor| {
            let names = vendor.roles.iter().map(|role| role.name.as_str());
            names.collect::<Vec<_>>()
        });
        let of_providers = self
            .file
            .identity_providers
            .iter()
            .flat_map(|rule| &rule.roles);
        let exempted = self.file.exemptions.iter().map(|one| one.role.as_str());
        let names = patterns
            .chain(of_providers.map(String::as_str))
            .chain(exempted)
            .map(|pattern| pattern.replace('*', ""));
        let mut roles: Vec<RoleRef> = names.map(|name| RoleRef::named(OWN, name)).collect();
        roles.push(RoleRef {
            path: Some(path.to_owned()),
            ..RoleRef::named(OWN, "AWSReservedSSO_x")
        });
        let now = NOW.parse().unwrap();
        let text = document.to_string();
        roles.iter().any(|role| {
            let judgement = judge_trust(&self.rules, role, &text, now);
            assert_eq!(
                judgement.violations().next().is_none(),
                judgement.coverage.iter().all(Option::is_some)
            );
            !judgement.coverage.is_empty() && judgement.coverage.iter().all(Option::is_some)
        })
    }
}

struct Document {
    name: String,
    role: RoleRef,
    text: String,
}

/// The judged documents, and those of the analyser's corpus.
fn corpus() -> Vec<Document> {
    let mut corpus = Vec::new();
    for yaml in [
        include_str!("../testdata/judged/ordinary.yaml"),
        include_str!("../testdata/judged/violations.yaml"),
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
        for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let text = match &case["policy"] {
                Value::String(text) => text.clone(),
                policy => policy.to_string(),
            };
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
            witnesses: true,
            providers: &[],
        };
        analyse(&TrustPolicy::parse(&document.text).unwrap(), &context)
    };
    let covered = analysis.grants.into_iter().zip(&judgement.coverage);
    covered
        .filter_map(|(grant, covered)| Some((grant.witness?, covered.clone()?)))
        .collect()
}

/// One thing that a caller may be, and say.
fn requests() -> impl Strategy<Value = Request> {
    let accounts = vec![
        OWN,
        MEMBER,
        MANAGEMENT,
        "222233334444",
        "464622532012",
        "333344445555",
        "444455556666",
        "777788889999",
        "888899990000",
        "123412341234",
        "565656565656",
        "787878787878",
        "989898989898",
        "121212121212",
    ];
    let ids = vec![
        "5b0c9f3de1a84c7b9d26f0a4c8e7135a",
        "c1f7a6de-0b52-4d6e-9a3c-7e58b1d20f94",
        "08d4b7c2-6a1f-4e93-b5d8-2f7c90e1a346",
        "2f1d7c55-8f0e-4b7b-9f53-0a1b2c3d4e5f",
        "5e8f1a90-7c3d-4d2b-b6a1-f0e9d8c7b6a5",
        "aa6f5e04-1c2d-4b3a-8f9e-7d6c5b4a3f2e",
        "bb7e4d13-0d3c-4a2b-9e8f-6c5d4b3a2f1e",
        "another-id-of-nobody",
    ];
    let address = proptest::option::weighted(
        0.3,
        proptest::sample::select(vec!["192.0.2.7", "198.51.100.7"]),
    );
    let aws = (
        proptest::sample::select(accounts),
        proptest::sample::select(vec!["role/path/backup-runner", "role/other", "user/one"]),
        proptest::option::of(proptest::sample::select(ids)),
        address,
    )
        .prop_map(|(account, name, id, address)| {
            let mut context = BTreeMap::new();
            let mut say = |key: &str, value: Option<&str>| {
                let value =
                    value.map(|value| context.insert(key.to_owned(), vec![value.to_owned()]));
                drop(value);
            };
            say("sts:ExternalId", id);
            say("aws:SourceIp", address);
            let arn = format!("arn:aws:iam::{account}:{name}");
            let value = match name.strip_prefix("role/") {
                Some(path) => {
                    say("aws:PrincipalArn", Some(&arn));
                    let role = path.rsplit('/').next().unwrap();
                    format!("arn:aws:sts::{account}:assumed-role/{role}/session")
                }
                None => arn,
            };
            request("AWS", value, "sts:AssumeRole", context)
        });
    let service = proptest::sample::select(vec!["ec2.amazonaws.com", "lambda.amazonaws.com"])
        .prop_map(|name| {
            request(
                "Service",
                name.to_owned(),
                "sts:AssumeRole",
                BTreeMap::new(),
            )
        });
    let issuers = vec![
        "token.actions.githubusercontent.com",
        "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
        "oidc.eks.eu-west-1.amazonaws.com/id/SOMEBODYELSES0000000000000000000",
        "oidc.example.com",
        "oidc.example.org",
        "ci.example.net",
    ];
    let subjects = vec![
        "repo:acme/web:ref:refs/heads/main",
        "repo:acme/web:pull_request",
        "repo:evil/x:ref:refs/heads/main",
        "system:serviceaccount:a:b",
        "org:acme:project",
        "someone",
    ];
    let audiences = vec!["sts.amazonaws.com", "https://elsewhere.example.com"];
    let token = (
        proptest::sample::select(issuers),
        proptest::sample::select(subjects),
        proptest::sample::select(audiences),
    )
        .prop_map(|(host, subject, audience)| {
            let context = BTreeMap::from([
                (format!("{host}:sub"), vec![subject.to_owned()]),
                (format!("{host}:aud"), vec![audience.to_owned()]),
            ]);
            let provider = format!("arn:aws:iam::{OWN}:oidc-provider/{host}");
            request(
                "Federated",
                provider,
                "sts:AssumeRoleWithWebIdentity",
                context,
            )
        });
    let directories = vec![
        "CompanyDirectory",
        "AWSSSO_0123456789abcdef_DO_NOT_DELETE",
        "Other",
    ];
    let audiences = vec![
        "https://signin.aws.amazon.com/saml",
        "https://elsewhere.example.com",
    ];
    let assertion = (
        proptest::sample::select(directories),
        proptest::sample::select(audiences),
    )
        .prop_map(|(name, audience)| {
            let context = BTreeMap::from([("saml:aud".to_owned(), vec![audience.to_owned()])]);
            let provider = format!("arn:aws:iam::{OWN}:saml-provider/{name}");
            request("Federated", provider, "sts:AssumeRoleWithSAML", context)
        });
    prop_oneof![4 => aws, 1 => service, 2 => token, 1 => assertion]
}

fn request(
    kind: &str,
    value: String,
    action: &str,
    context: BTreeMap<String, Vec<String>>,
) -> Request {
    Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value,
        },
        action: action.to_owned(),
        context: context.into_iter().collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
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
    let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
    resource_control_policies(&file, &[], &[], NOW.parse().unwrap())
}

const BEGIN: &str = "version: 1\norganization: { id: o-abc123example }\n";

#[test]
fn the_documents_are_what_organizations_takes() {
    let vendors: String = (0..100)
        .map(|index| {
            format!(
                "  - {{ name: V{index}, accounts: [\"{:012}\"], roles: [R{index}], external_id: \
                 {{ values: [\"{index:08}-8a55-4d2b-9c63-7a1d6c7f1b21\"] }}, expires: 2027-03-31 }}\n",
                333_300_000_000_u64 + index
            )
        })
        .collect();
    let guardrail = made(&format!("{BEGIN}vendors:\n{vendors}")).unwrap();
    assert!(
        guardrail.documents.len() > 5,
        "{}",
        guardrail.documents.len()
    );
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
    let many = format!("{BEGIN}trusted_accounts: [{}]\n", accounts.join(", "));
    let error = made(&many).unwrap_err();
    assert!(matches!(&error, GuardrailError::TooLong { characters, .. } if *characters > 6_000));
    assert!(
        error
            .to_string()
            .starts_with("the accounts that may enter take 6"),
        "{error}"
    );
}

#[test]
fn without_vendors_and_providers_the_organization_stays_among_itself() {
    let guardrail = made(BEGIN).unwrap();
    let policy: Value = serde_json::from_str(&guardrail.documents[0]).unwrap();
    let denials = policy["Statement"].as_array().unwrap();
    assert_eq!(denials.len(), 3);
    assert_eq!(
        denials[0]["Condition"],
        json!({
            "StringNotEqualsIfExists": { "aws:PrincipalOrgID": "o-abc123example" },
            "BoolIfExists": { "aws:PrincipalIsAWSService": "false" },
        })
    );
    // Nobody's tokens, and no assertions but those of Identity Center.
    assert_eq!(denials[1].get("Condition"), None);
    assert_eq!(
        denials[2]["Condition"],
        json!({ "StringNotLike": { "saml:doc": "*/AWSSSO_*" } })
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
