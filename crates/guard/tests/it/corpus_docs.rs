//! Every page in `docs/checks/` shows what fails its check and what passes it: so it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use guard::Check;
use guard::account::{Access, AuditedRole, LastUsed, accesses};
use guard::cloudtrail::{Activity, Document, Record, Watched};
use guard::detect::{
    KeySeen, Known, UserChange, judge_console_password, judge_credential, judge_endings,
    judge_first_key, judge_key, judge_provider_change, judge_root, judge_session_length,
    judge_share, judge_trust, unreadable_event,
};
use guard::model::RoleRef;
use guard::permissions::{LastAccessed, judge_unused, review};
use guard::rules::{Rules, compile};
use guard::state::incident::Schema;
use permissions::{Policies, Policy, effective};
use serde_json::Value;

const OWN: &str = "111122223333";

/// Checks of what no single event or document shows; `audit` and `check` in crates/cli judge the
/// examples of those that they find.
const OF_THE_ACCOUNT: [Check; 13] = [
    Check::PasswordUnused,
    Check::KnownAtDeployment,
    Check::ReachableThroughRole,
    Check::AccessKeyTooOld,
    Check::AccessKeyUnused,
    Check::TwoActiveKeys,
    Check::UserWithoutMfa,
    Check::RootMfaMissing,
    Check::PolicyOnUser,
    Check::UnusedRole,
    Check::UnusedRule,
    Check::GuardTampered,
    Check::GuardBlind,
];

/// Checks of what a role may do.
const OF_PERMISSIONS: [Check; 9] = [
    Check::AdminAccess,
    Check::IamAccess,
    Check::PrivilegeEscalation,
    Check::OverCeiling,
    Check::WriteWildcard,
    Check::DataAccess,
    Check::ResourceExposure,
    Check::PermissionUnused,
    Check::UnreadablePermissions,
];

/// The findings about the permissions of the roles of an export; or of the role that the page on
/// unused permissions speaks of.
fn of_permissions(rules: &Rules, example: &str) -> BTreeSet<Check> {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let value: Value = serde_json::from_str(example).unwrap();
    if value.get("JobStatus").is_some() {
        let text = r#"{"Statement":{"Effect":"Allow","Resource":"*","Action":
            ["ec2:Describe*","sqs:ListQueues","s3:ListAllMyBuckets"]}}"#;
        let inline = Policy {
            name: "Access",
            arn: None,
            document: Some(text),
        };
        let role = effective(&Policies {
            policies: vec![inline],
            ..Policies::default()
        });
        let accessed = LastAccessed::parse(example).unwrap();
        let found = judge_unused(rules, &role, &accessed);
        return found.into_iter().map(|found| found.code).collect();
    }
    let mut codes = BTreeSet::new();
    for role in value["RoleDetailList"].as_array().unwrap() {
        let reference = RoleRef::from_arn(role["Arn"].as_str().unwrap()).unwrap();
        let document = role["AssumeRolePolicyDocument"].to_string();
        let judgement = judge_trust(rules, &reference, &document, now);
        let audited = AuditedRole {
            role: reference,
            arn: None,
            created: None,
            last_used: LastUsed::Unknown,
        };
        let third_parties = accesses(rules, &Arc::new(audited), &judgement);
        assert!(!third_parties.is_empty(), "an outsider enters: {example}");
        let third_parties: Vec<&Access> = third_parties.iter().collect();
        let inline: Vec<(&str, String)> = role["RolePolicyList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| {
                let name = policy["PolicyName"].as_str().unwrap();
                (name, policy["PolicyDocument"].to_string())
            })
            .collect();
        let inline = inline.iter().map(|(name, document)| Policy {
            name,
            arn: None,
            document: Some(document),
        });
        let attached = role["AttachedManagedPolicies"].as_array().unwrap().iter();
        let attached = attached.map(|policy| Policy {
            name: policy["PolicyName"].as_str().unwrap(),
            arn: policy["PolicyArn"].as_str(),
            document: None,
        });
        let policies = Policies {
            policies: inline.chain(attached).collect(),
            boundary: None,
            holder: role["Arn"].as_str(),
        };
        let found = review(rules, &third_parties, &policies, now).findings;
        codes.extend(
            judgement
                .findings
                .iter()
                .chain(&found)
                .map(|found| found.code),
        );
    }
    codes
}

fn rules() -> Rules {
    let yaml = include_str!("../../../../docs/checks/rules.yaml");
    Rules::load(
        compile(&serde_saphyr::from_str(yaml).unwrap(), &[])
            .unwrap()
            .bytes,
    )
    .unwrap()
}

fn page_of(check: Check) -> String {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks");
    std::fs::read_to_string(pages.join(format!("{check}.md")))
        .unwrap_or_else(|error| panic!("{check}: {error}"))
}

/// The blocks of a page that begin with this fence.
fn examples<'a>(page: &'a str, fence: &str) -> Vec<&'a str> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(fence)?.strip_prefix('\n'))
        .collect()
}

fn codes(rules: &Rules, example: &str) -> BTreeSet<Check> {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let judged = |role: &RoleRef, document: &str| {
        judge_trust(rules, role, document, now)
            .findings
            .iter()
            .map(|found| found.code)
            .collect()
    };
    if example.get("vendors").is_some() {
        let rules = crate::loaded(&serde_json::from_value(example).unwrap());
        let soon = judge_endings(&rules, true, now).into_iter();
        return soon.map(|one| one.finding.code).collect();
    }
    if let Some(role) = example.get("Role") {
        let document = match &role["AssumeRolePolicyDocument"] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        return judged(
            &RoleRef::from_arn(role["Arn"].as_str().unwrap()).unwrap(),
            &document,
        );
    }
    let watched = Watched::only(OWN);
    let mut found = BTreeSet::new();
    let mut created = None;
    for record in example["Records"].as_array().expect("a role or records") {
        let record = Record::from_value(record);
        let findings = match record.activity(&watched) {
            Activity::TrustChange(change) => {
                if let Document::Present(document) = &change.document {
                    found.append(&mut judged(&RoleRef::named(OWN, &change.role), document));
                }
                Vec::new()
            }
            Activity::UserCreated(_) => {
                created = Some(UserChange {
                    schema: Schema,
                    at: record.event_time.unwrap(),
                    created: true,
                });
                Vec::new()
            }
            Activity::AccessKeyCreated(key) => {
                let mut findings = judge_key(rules, &key, false, now);
                if let (true, Some(user)) = (findings.is_empty(), &key.user) {
                    let seen = KeySeen {
                        schema: Schema,
                        key_id: key.key_id.clone(),
                        at: record.event_time.unwrap(),
                        reported: false,
                    };
                    findings = judge_first_key(rules, user, &seen, created.as_ref(), None, now);
                }
                findings
            }
            Activity::AccessKeyActivated(key) => judge_key(rules, &key, true, now),
            Activity::ConsolePasswordSet(set) => judge_console_password(rules, &set, now),
            Activity::CredentialChanged(change) => judge_credential(rules, &change, now),
            Activity::ProviderChanged(change) => {
                let unknown = Known::Not("nothing".to_owned());
                judge_provider_change(rules, &change, &unknown, &Known::Is(Vec::new()))
            }
            Activity::Shared(change) => judge_share(rules, OWN, &change, now),
            Activity::SessionLengthSet(set) => judge_session_length(rules, &set, now),
            Activity::Unreadable(what) => {
                vec![unreadable_event(rules, what.why, what.role_hidden)]
            }
            _ => Vec::new(),
        };
        let of_root = judge_root(rules, &record, &record.root_activity(&watched));
        found.extend(findings.iter().chain(&of_root).map(|found| found.code));
    }
    found
}

#[test]
fn every_page_shows_what_fails_and_what_passes() {
    let rules = rules();
    let mut wrong = Vec::new();
    for check in Check::ALL
        .iter()
        .filter(|check| !OF_THE_ACCOUNT.contains(check))
    {
        let page = page_of(*check);
        let judge = if OF_PERMISSIONS.contains(check) {
            of_permissions
        } else {
            codes
        };
        let (fails, passes) = (
            examples(&page, "json fails"),
            examples(&page, "json passes"),
        );
        if fails.is_empty() || passes.is_empty() {
            wrong.push(format!("{check}: no example"));
        }
        for example in fails {
            let found = judge(&rules, example);
            if !found.contains(check) {
                wrong.push(format!("{check}: the failing example has {found:?}"));
            }
        }
        for example in passes {
            let found = judge(&rules, example);
            if !found.is_empty() {
                wrong.push(format!("{check}: the passing example has {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_says_its_title_and_severity() {
    for check in Check::ALL {
        let page = page_of(*check);
        let mut title = check.title().to_owned();
        title.get_mut(..1).unwrap().make_ascii_uppercase();
        assert!(
            page.starts_with(&format!("# {check}\n\n{title}.\n")),
            "{check}"
        );
        assert!(page.contains(check.default_severity().name()), "{check}");
    }
}
