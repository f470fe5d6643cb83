//! Roles of equal likeness may do the same, and roles that differ in names alone are alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use trustwarden_permissions::{Effective, Likeness, Policies, Policy, effective};

const MANAGED: [(&str, &str); 3] = [
    (
        "arn:aws:iam::aws:policy/Read",
        r#"{"Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#,
    ),
    (
        "arn:aws:iam::111122223333:policy/NotThis",
        r#"{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::one/*"}}"#,
    ),
    ("arn:aws:iam::111122223333:policy/Broken", "{"),
];

const HOLDER: &str = "arn:aws:iam::111122223333:role/x";

/// A role, its documents as text.
#[derive(Debug, Clone)]
struct Role {
    inline: Vec<String>,
    managed: Vec<usize>,
    boundary: bool,
}

impl Role {
    fn with<R>(&self, use_it: impl FnOnce(&Policies<'_>) -> R) -> R {
        let inline = self.inline.iter().map(|text| Policy {
            name: "inline",
            arn: None,
            document: Some(text),
        });
        let managed = |at: usize| {
            let (arn, text) = MANAGED[at];
            Policy {
                name: arn.rsplit('/').next().unwrap(),
                arn: Some(arn),
                document: Some(text),
            }
        };
        use_it(&Policies {
            policies: inline
                .chain(self.managed.iter().map(|at| managed(*at)))
                .collect(),
            boundary: self.boundary.then(|| managed(0)),
            holder: Some(HOLDER),
        })
    }

    fn effective(&self) -> Effective {
        let mut found = self.with(effective);
        for permit in &mut found.permits {
            permit.policy.clear();
            permit.resources.clear();
        }
        found
    }
}

fn statement() -> impl Strategy<Value = Value> {
    let actions = prop::sample::subsequence(
        vec![
            "s3:Get*",
            "s3:PutObject",
            "dynamodb:*",
            "*",
            "nosuch:X",
            "iam:PassRole",
        ],
        1..3,
    );
    let resources = prop::sample::subsequence(
        vec![
            "*",
            "arn:aws:s3:::one/*",
            "arn:aws:s3:::two/*",
            "arn:aws:s3:::*",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/one",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/two",
            "x",
        ],
        1..3,
    );
    (
        prop::sample::select(vec!["Allow", "Allow", "Allow", "Deny", "Perhaps"]),
        any::<bool>(),
        actions,
        resources,
        prop::option::of(prop::sample::select(vec!["true", "false"])),
    )
        .prop_map(|(effect, not, actions, resources, condition)| {
            let key = if not { "NotAction" } else { "Action" };
            let mut statement = json!({"Effect": effect, key: actions, "Resource": resources});
            if let Some(value) = condition {
                statement["Condition"] = json!({"Bool": {"aws:SecureTransport": value}});
            }
            statement
        })
}

fn role() -> impl Strategy<Value = Role> {
    let document = prop_oneof![
        8 => prop::collection::vec(statement(), 1..3)
            .prop_map(|statements| json!({ "Statement": statements }).to_string()),
        1 => Just("{\"Statement\":[".to_owned()),
    ];
    (
        prop::collection::vec(document, 0..3),
        prop::sample::subsequence(vec![0, 0, 1, 2], 0..3),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(inline, managed, boundary)| Role {
            inline,
            managed,
            boundary,
        })
}

/// A policy that bounds a role and one that the role holds are two things, whatever else it holds.
#[test]
fn a_boundary_is_no_policy() {
    let role = |managed: &[usize], boundary| Role {
        inline: vec!["{\"Statement\":[".to_owned()],
        managed: managed.to_vec(),
        boundary,
    };
    let mut likeness = Likeness::default();
    let [holds, bounded] = [role(&[0], false), role(&[], true)]
        .map(|role| role.with(|policies| likeness.of(policies)));
    assert_ne!(holds, bounded);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Of many roles, and the same with other names: those that are alike may do the same.
    #[test]
    fn the_alike_may_do_the_same(roles in prop::collection::vec(role(), 12..24)) {
        let mut likeness = Likeness::default();
        let mut known: HashMap<u128, Effective> = HashMap::new();
        for role in roles {
            let renamed = Role {
                inline: role.inline.iter().map(|text| text.replace("one", "two")).collect(),
                ..role.clone()
            };
            // What is denied, bounded or refused is told by its text.
            let verbatim = role.boundary
                || role.managed.iter().any(|at| *at != 0)
                || role.inline.iter().any(|text| !text.ends_with('}') || text.contains("Deny") || text.contains("Perhaps") || text.contains(r#""x""#));
            let sums = [&role, &renamed].map(|role| role.with(|policies| likeness.of(policies)));
            if !verbatim {
                prop_assert_eq!(sums[0], sums[1], "{:?}", role);
            }
            for (role, sum) in [&role, &renamed].into_iter().zip(sums) {
                let found = role.effective();
                let known = known.entry(sum).or_insert_with(|| found.clone());
                prop_assert_eq!(&*known, &found, "{:?}", role);
            }
        }
    }
}

/// What tells two roles apart must tell their sums apart, too.
#[test]
fn whatever_counts_is_counted() {
    let text = |effect: &str, key: &str, action: &str, resource: &str, more: &str| {
        format!(
            r#"{{"Statement":[{{"Effect":"{effect}","{key}":"{action}","Resource":"{resource}"{more}}}]}}"#
        )
    };
    let named = "arn:aws:s3:::one/a";
    let condition = r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
    let inline = |texts: &[String]| Role {
        inline: texts.to_vec(),
        managed: Vec::new(),
        boundary: false,
    };
    let first = text("Allow", "Action", "s3:*", named, "");
    let roles = [
        inline(&[]),
        inline(std::slice::from_ref(&first)),
        inline(&[first.clone(), first.clone()]),
        inline(&[text("Deny", "Action", "s3:*", named, "")]),
        inline(&[text("Deny", "Action", "s3:*", "arn:aws:s3:::two/a", "")]),
        inline(&[text("Allow", "NotAction", "s3:*", named, "")]),
        inline(&[text("Allow", "Action", "s3:Get*", named, "")]),
        inline(&[text("Allow", "Action", "s3:*", "*", "")]),
        inline(&[text("Allow", "Action", "s3:*", "arn:aws:s3:::*", "")]),
        inline(&[text("Allow", "Action", "s3:*", "arn:aws:sqs:::one", "")]),
        inline(&[text("Allow", "Action", "s3:*", named, condition)]),
        inline(&[text(
            "Allow",
            "Action",
            "ssm:*",
            "arn:aws:ssm:*:*:document/a",
            "",
        )]),
        inline(&[text(
            "Allow",
            "Action",
            "ssm:*",
            "arn:aws:ssm:*:*:managed-instance/a",
            "",
        )]),
        inline(&["{".to_owned()]),
        inline(&["{ ".to_owned()]),
        Role {
            managed: vec![0],
            ..inline(&[])
        },
        Role {
            managed: vec![1],
            ..inline(&[])
        },
        Role {
            boundary: true,
            ..inline(std::slice::from_ref(&first))
        },
    ];
    let mut likeness = Likeness::default();
    let mut sums: Vec<u128> = roles
        .iter()
        .map(|role| role.with(|policies| likeness.of(policies)))
        .collect();
    sums.sort_unstable();
    sums.dedup();
    assert_eq!(sums.len(), roles.len());
}

/// A condition on who the holder is makes roles unlike that hold the same; any other leaves them alike.
#[test]
fn a_condition_that_names_its_holder_counts() {
    let text = |condition: &str| {
        format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{condition}}}]}}"#
        )
    };
    let named = text(r#"{"ArnLike":{"aws:principalarn":"arn:aws:iam::*:role/one"}}"#);
    let other = text(r#"{"Bool":{"aws:SecureTransport":"true"}}"#);
    let far = |last: &str| {
        text(&format!(
            r#"{{"StringEquals":{{"aws:PrincipalAccount":["444455556666","444455556667","444455556668","{last}"]}}}}"#
        ))
    };
    let mut likeness = Likeness::default();
    let mut sum = |role: &str, arn: Option<&str>, document: &str, as_boundary: bool| {
        let holder = format!("arn:aws:iam::111122223333:role/{role}");
        let policy = Policy {
            name: "p",
            arn,
            document: Some(document),
        };
        likeness.of(&Policies {
            policies: vec![policy],
            boundary: as_boundary.then_some(policy),
            holder: Some(&holder),
        })
    };
    let managed = Some("arn:aws:iam::111122223333:policy/named");
    let plain = Some("arn:aws:iam::111122223333:policy/plain");
    for (arn, document, as_boundary, alike) in [
        (None, &named, false, false),
        (managed, &named, false, false),
        (plain, &other, false, true),
        (None, &other, false, true),
        (None, &named, true, false),
        (None, &other, true, true),
    ] {
        let one = sum("one", arn, document, as_boundary);
        assert_eq!(
            one == sum("two", arn, document, as_boundary),
            alike,
            "{document}"
        );
        assert_eq!(one, sum("one", arn, document, as_boundary));
    }
    let ours = sum("one", None, &far("111122223333"), false);
    assert_ne!(
        ours,
        sum("one", None, &far("444455556669"), false),
        "the fourth value counts"
    );
}
