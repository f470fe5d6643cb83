//! Rules about some of our accounts: in each other one, and where the account is not known, they
//! are unmet.

use guard::detect::judge_trust;
use guard::model::RoleRef;
use guard::rules::{Level, OrganizationAccount, RulesFile};

use crate::now;

const ACCOUNTS: [(&str, &str, &str); 3] = [
    ("111122223333", "prod-eu", "Workloads/Production"),
    ("222233334444", "sandbox", "Workloads/Sandbox"),
    ("333344445555", "Prod-US", "Elsewhere"),
];

fn accounts() -> Vec<OrganizationAccount> {
    let account = |(id, name, path): (&str, &str, &str)| OrganizationAccount {
        id: id.to_owned(),
        name: name.to_owned(),
        path: path.to_owned(),
    };
    ACCOUNTS.map(account).to_vec()
}

/// In which accounts a document is compliant by these rules; `-` stands for one that is not known.
fn compliant(yaml: &str, document: &str) -> String {
    let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
    let rules = crate::loaded_with(&file, &accounts());
    let compliant = ACCOUNTS.iter().map(|(id, ..)| *id).chain([""]);
    let compliant = compliant.filter(|account| {
        let role = RoleRef::named(*account, "Partner");
        // A provider is one of the role's own account.
        let own = if account.is_empty() {
            ACCOUNTS[0].0
        } else {
            account
        };
        let judgement = judge_trust(&rules, &role, &document.replace("OWN", own), now());
        judgement.findings.is_empty()
    });
    let shown = compliant.map(|account| account.get(..4).unwrap_or("-"));
    shown.collect::<Vec<_>>().join(" ")
}

const CASES: [(&str, &str); 8] = [
    ("[]", "1111 2222 3333 -"),
    ("[\"111122223333\"]", "1111"),
    ("[prod-*]", "1111 3333"),
    ("[\"Workloads/*\"]", "1111 2222"),
    ("[Workloads/Production, \"333344445555\"]", "1111 3333"),
    ("[nowhere]", ""),
    ("[\"*\"]", "1111 2222 3333"),
    // No pattern of names is one of ids, and a path is named whole.
    ("[\"1111*\", Production]", ""),
];

#[test]
fn a_vendor_is_admitted_in_the_accounts_of_its_rule() {
    let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "464622532012"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}}}"#;
    for (ours, expected) in CASES {
        let yaml = format!(
            "version: 1\nvendors:\n- name: V\n  accounts: [\"464622532012\"]\n  roles: [Partner]\n  \
             external_id: {{values: [5b0c9f3de1a84c7b9d26f0a4c8e7135a]}}\n  accounts_of_ours: {ours}\n"
        );
        assert_eq!(compliant(&yaml, document), expected, "{ours}");
    }
}

#[test]
fn a_provider_is_admitted_in_the_accounts_of_its_rule() {
    let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::OWN:oidc-provider/idp.example.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"idp.example.com:aud": "a", "idp.example.com:sub": "s"}}}}"#;
    for (ours, expected) in CASES {
        let yaml = format!(
            "version: 1\nidentity_providers:\n- provider: idp.example.com\n  audiences: [a]\n  \
             subjects: [s]\n  accounts_of_ours: {ours}\n"
        );
        // Without the role's account no provider is known to be its own.
        let expected = expected.trim_end_matches(" -");
        assert_eq!(compliant(&yaml, document), expected, "{ours}");
    }
}

#[test]
fn an_exemption_accepts_in_the_accounts_that_it_names() {
    let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}}"#;
    for (ours, expected) in CASES {
        let yaml = format!(
            "version: 1\nexemptions:\n- {{role: Partner, account: \"444455556666\", \
             check: unknown-third-party, reason: x, expires: 2027-01-31, accounts_of_ours: {ours}}}\n"
        );
        assert_eq!(compliant(&yaml, document), expected, "{ours}");
    }
}

#[test]
fn an_entry_that_fits_no_account_is_said() {
    let found = |yaml: &str, accounts: &[OrganizationAccount]| -> Vec<String> {
        let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
        let problems = file.problems_among(accounts, None).into_iter();
        let about = problems.filter(|problem| {
            let mut path = problem.path.iter();
            path.any(|segment| *segment == "accounts_of_ours".into())
        });
        about
            .map(|problem| format!("{:?} {}", problem.level, problem.message))
            .collect()
    };
    let yaml = "version: 1\nvendors:\n- {name: V, users: [u], accounts_of_ours: [prod-*, dev-*, \
                \"999900001111\"]}\n";
    assert_eq!(
        found(yaml, &accounts()),
        ["Warning `dev-*` fits no account's id, name or path in the accounts file"]
    );
    let without = found(yaml, &[]);
    assert_eq!(without.len(), 2, "{without:?}");
    assert!(without[0].contains("no accounts file says which it fits"));
    let yaml = "version: 1\nexemptions:\n- {user: u, check: policy-on-user, reason: x, expires: \
                2027-01-31, accounts_of_ours: [\"111122223333\"]}\n";
    let file: RulesFile = serde_saphyr::from_str(yaml).unwrap();
    let mut problems = file.problems(None).into_iter();
    assert!(problems.any(|problem| problem.level == Level::Error));
}
