//! Trust policies beside the rules that they are judged by: `testdata/judged/by_rule.yaml`. What is
//! right by one rule is wrong by the next, so each group of cases has rules of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeMap;

use guard::detect::judge_trust;
use guard::model::RoleRef;
use guard::rules::{Rules, RulesFile, compile};
use serde_json::{Value, json};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    about: String,
    /// Below `version: 1`.
    rules: String,
    cases: Vec<Case>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    role: Option<String>,
    path: Option<String>,
    /// One Allow statement: by its parts.
    principal: Value,
    action: Option<Value>,
    condition: Option<Value>,
    /// `CODE SEVERITY`, worst first.
    #[serde(default)]
    findings: Vec<String>,
    /// Part of the first finding's message, and of its fix.
    says: Option<String>,
    fix: Option<String>,
    /// What no proof may say, by condition key.
    #[serde(default)]
    witness_not: BTreeMap<String, String>,
    /// Who makes the request that proves the first finding.
    proved_by: Option<String>,
}

impl Case {
    fn document(&self) -> String {
        let action = self.action.clone().unwrap_or_else(|| {
            let provider = self.principal["Federated"].as_str();
            json!(match provider {
                Some(arn) if arn.contains(":saml-provider/") => "sts:AssumeRoleWithSAML",
                Some(_) => "sts:AssumeRoleWithWebIdentity",
                None => "sts:AssumeRole",
            })
        });
        let mut statement =
            json!({ "Effect": "Allow", "Principal": self.principal, "Action": action });
        if let Some(condition) = &self.condition {
            statement["Condition"] = condition.clone();
        }
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    }
}

fn groups() -> Vec<Group> {
    serde_saphyr::from_str(include_str!("../../testdata/judged/by_rule.yaml")).unwrap()
}

#[test]
fn a5_a_saml_provider_named_like_an_issuer_is_not_that_issuer() {
    hold("a5_a_saml_provider_named_like_an_issuer_is_not_that_issuer");
}

#[test]
fn the_principals_of_a_vendor_belong_to_one_account_each() {
    hold("the_principals_of_a_vendor_belong_to_one_account_each");
}

#[test]
fn a_role_of_the_same_name_in_another_account_is_another() {
    hold("a_role_of_the_same_name_in_another_account_is_another");
}

#[test]
fn patterns_of_principals_and_external_ids_admit_what_fits_them() {
    hold("patterns_of_principals_and_external_ids_admit_what_fits_them");
}

#[test]
fn a_rule_names_a_tenant_by_any_claim_that_ties_a_token_to_one() {
    hold("a_rule_names_a_tenant_by_any_claim_that_ties_a_token_to_one");
}

#[test]
fn the_owner_of_repositories_however_their_subjects_are_spelled() {
    hold("the_owner_of_repositories_however_their_subjects_are_spelled");
}

#[test]
fn subjects_that_several_rules_name_between_them() {
    hold("subjects_that_several_rules_name_between_them");
}

#[test]
fn a3_services_that_lend_the_role_to_machines_outside_aws_are_identity_providers() {
    hold("a3_services_that_lend_the_role_to_machines_outside_aws_are_identity_providers");
}

#[test]
fn a_service_on_behalf_of_somebody_else_is_never_informational() {
    hold("a_service_on_behalf_of_somebody_else_is_never_informational");
}

#[test]
fn the_proof_of_a_finding_breaks_the_rule() {
    hold("the_proof_of_a_finding_breaks_the_rule");
}

#[test]
fn guests_of_one_identity_pool_can_be_allowed_by_a_rule_that_says_so() {
    hold("guests_of_one_identity_pool_can_be_allowed_by_a_rule_that_says_so");
}

#[test]
fn what_mends_an_open_provider_speaks_its_language() {
    hold("what_mends_an_open_provider_speaks_its_language");
}

#[test]
fn every_group_is_a_test() {
    let tests = include_str!("detect_rules.rs");
    for group in groups() {
        let name = group.about.replace(' ', "_");
        assert!(tests.contains(&format!("hold(\"{name}\")")), "{name}");
    }
}

fn hold(test: &str) {
    let about = test.replace('_', " ");
    let groups = groups();
    let group = groups.iter().find(|group| group.about == about).unwrap();
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let file: RulesFile = serde_saphyr::from_str(&format!("version: 1\n{}", group.rules))
        .unwrap_or_else(|error| panic!("{}: {error}", group.about));
    let compiled = compile(&file, &[])
        .unwrap_or_else(|error| panic!("{}: {error}: {:?}", group.about, file.problems(None)));
    let rules = Rules::load(compiled.bytes).unwrap();
    let mut wrong = Vec::new();
    for case in &group.cases {
        let role = RoleRef {
            account: "111122223333".to_owned(),
            name: case.role.clone().or_else(|| Some("AnyRole".to_owned())),
            path: case.path.clone(),
        };
        let judgement = judge_trust(&rules, &role, &case.document(), now);
        let found = judgement
            .findings
            .iter()
            .map(|found| format!("{} {}", found.code, found.severity));
        let found: Vec<String> = found.collect();
        let first = judgement.findings.first();
        let within = |wanted: &Option<String>, text: Option<&str>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| text.is_some_and(|text| text.contains(wanted)))
        };
        assert!(
            judgement.findings.iter().all(|found| found.fix.is_some()),
            "{}: {:#?}",
            case.name,
            judgement.findings
        );
        let proofs = || {
            judgement
                .findings
                .iter()
                .filter_map(|one| one.witness.as_ref())
        };
        for proof in proofs() {
            let document = case.document();
            let policy = policy::TrustPolicy::parse(&document).unwrap();
            let context = policy::EvaluationContext {
                account: Some(&role.account),
                organization: rules.organization(),
                now,
                origin: policy::Origin::Sent,
            };
            let decided = policy::evaluate(&policy, proof, &context).unwrap();
            assert!(decided.allowed, "{}: {proof:?}", case.name);
        }
        let admitted = case.witness_not.iter().any(|(key, value)| {
            proofs().any(|proof| {
                proof
                    .context
                    .get(key)
                    .is_none_or(|said| said.contains(value))
            })
        });
        let says = within(&case.says, first.map(|found| found.message.as_str()));
        let fix = within(&case.fix, first.and_then(|found| found.fix.as_deref()));
        let by = proofs().next().map(|proof| proof.principal.value.as_str());
        let proved = case.proved_by.is_none() || case.proved_by.as_deref() == by;
        if found != case.findings || !says || !fix || admitted || !proved {
            wrong.push(format!(
                "{}:\n{case:#?}\n{:#?}",
                case.name, judgement.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
