//! Rules, the policies made from them, and what either says of a request.

use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy, evaluate};
use serde_json::json;
use trustwarden_guard::detect::judge_trust;
use trustwarden_guard::guardrail::{Guardrail, Wanted, resource_control_policies};
use trustwarden_guard::model::RoleRef;
use trustwarden_guard::rules::{OrganizationAccount, Rules, RulesFile};

pub(crate) const OWN: &str = "111122223333";
pub(crate) const ORGANIZATION: &str = "o-abc123example";
pub(crate) const MEMBER: &str = "555566667777";
pub(crate) const MANAGEMENT: &str = "999988887777";
pub(crate) const NOW: &str = "2026-11-21T00:00:00Z";

const JUDGED: &str = include_str!("../../../testdata/judged/rules.yaml");

/// The rules of the corpus, and the same without what opens them for everyone: networks, exemptions.
pub(crate) fn worlds() -> [World; 2] {
    let strict: Vec<&str> = JUDGED
        .lines()
        .take_while(|line| !line.starts_with("exemptions:"))
        .filter(|line| !line.starts_with("networks:"))
        .collect();
    [World::judged(), World::of(&strict.join("\n"))]
}

pub(crate) struct World {
    pub(crate) file: RulesFile,
    pub(crate) rules: Rules,
    pub(crate) guardrail: Guardrail,
}

impl World {
    pub(crate) fn of(yaml: &str) -> Self {
        let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
        let members = [OrganizationAccount {
            id: MEMBER.to_owned(),
            name: String::new(),
            path: String::new(),
        }];
        let rules = crate::loaded_with(&file, &members);
        let wanted = Wanted {
            eks_regions: vec!["us-east-1".to_owned(), "eu-west-1".to_owned()],
            ..Wanted::default()
        };
        let now = NOW.parse().unwrap();
        let guardrail = resource_control_policies(&file, &members, &wanted, now).unwrap();
        Self {
            file,
            rules,
            guardrail,
        }
    }

    pub(crate) fn judged() -> Self {
        Self::of(JUDGED)
    }

    /// Whether one of the policies denies a request, once it carries what AWS adds to it.
    pub(crate) fn denies(&self, request: &Request) -> bool {
        let request = as_aws_sends_it(request, &self.file);
        self.guardrail.documents.iter().any(|document| {
            let policy = TrustPolicy::parse(document).unwrap();
            let context = EvaluationContext {
                account: Some(OWN),
                organization: Some(ORGANIZATION),
                now: NOW.parse().unwrap(),
                origin: policy::Origin::Shown,
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
    pub(crate) fn approves_somewhere(&self, request: &Request) -> bool {
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
        let exempted = self
            .file
            .exemptions
            .iter()
            .filter_map(|one| one.role.as_deref());
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
