//! `rules init --live`: a first rules file with what the account's roles admit today, as comments.
//! Being there is no approval: whoever takes a `#` away approves it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use guard::known_account;
use guard::model::LiveRole;
use jiff::Timestamp;
use policy::{AnalysisContext, TrustPolicy, Values, Who};

use super::first::FIRST;

/// An account, as far as it is known.
pub(crate) struct Account<'a> {
    /// All its roles.
    pub(crate) roles: &'a [LiveRole],
    /// Its organization, where that may be asked.
    pub(crate) organization: Option<&'a str>,
    /// The organization's management account.
    pub(crate) management_account: Option<&'a str>,
    /// The organization's accounts.
    pub(crate) members: BTreeSet<&'a str>,
}

/// An outside account that roles admit.
#[derive(Default)]
struct ThirdParty {
    roles: BTreeSet<String>,
    external_ids: BTreeSet<String>,
    without_id: bool,
}

/// An identity provider that roles admit.
#[derive(Default)]
struct Provider {
    roles: BTreeSet<String>,
    subjects: BTreeSet<String>,
    audiences: BTreeSet<String>,
    open: bool,
}

/// The principals that the roles of an account trust.
#[derive(Default)]
struct Admitted {
    third_parties: BTreeMap<String, ThirdParty>,
    providers: BTreeMap<String, Provider>,
    public: BTreeSet<String>,
    unreadable: BTreeSet<String>,
}

fn admitted(account: &Account<'_>, now: Timestamp) -> Admitted {
    let Admitted {
        mut third_parties,
        mut providers,
        mut public,
        mut unreadable,
    } = Admitted::default();
    for role in account.roles {
        let own = role.arn.split(':').nth(4);
        let Ok(policy) = TrustPolicy::parse(&role.document) else {
            unreadable.insert(role.name.clone());
            continue;
        };
        let context = AnalysisContext {
            own_account: own,
            own_organization: account.organization,
            now,
            origin: policy::Origin::Shown,
            witnesses: false,
            providers: &[],
        };
        for grant in policy::analyze(&policy, &context).grants {
            let fixed = |key: &str| match grant.restriction(key).map(|found| &found.values) {
                Some(Values::OneOf(values) | Values::Like(values)) => values.clone(),
                _ => Vec::new(),
            };
            match &grant.principal {
                Who::Anyone => {
                    public.insert(role.name.clone());
                }
                // Users of any provider, since everyone is meant.
                Who::Federated { provider, .. } if provider.ends_with('*') => {
                    public.insert(role.name.clone());
                }
                Who::Account { account: id } | Who::Principal { account: id, .. } => {
                    if own == Some(id) || account.members.contains(id.as_str()) {
                        continue;
                    }
                    let third_party = third_parties.entry(id.clone()).or_default();
                    third_party.roles.insert(role.name.clone());
                    let ids = fixed("sts:ExternalId");
                    third_party.without_id |= ids.is_empty();
                    third_party.external_ids.extend(ids);
                }
                Who::Federated { provider, open, .. } => {
                    let name = provider.split_once(":oidc-provider/").map(|(_, name)| name);
                    let name = name.unwrap_or(provider);
                    let found = providers.entry(name.to_owned()).or_default();
                    found.roles.insert(role.name.clone());
                    found.subjects.extend(fixed(&format!("{name}:sub")));
                    found.audiences.extend(fixed(&format!("{name}:aud")));
                    found.open |= open;
                }
                Who::Organization { .. }
                | Who::UniqueId { .. }
                | Who::Service { .. }
                | Who::AnyService => {}
            }
        }
    }
    Admitted {
        third_parties,
        providers,
        public,
        unreadable,
    }
}

/// The first file, with proposals at its end.
pub(crate) fn propose(account: &Account<'_>, now: Timestamp) -> String {
    let found = admitted(account, now);
    let mut text = FIRST.to_owned();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "\n# What {} roles of this account trust today. A proposal is not an approval: read each, \
         ask whose\n# it is, and only then take its `#` away.",
        account.roles.len()
    );
    if let Some(id) = account.organization {
        let _ = writeln!(text, "#organization:\n#  id: {}", quoted(id));
        if let Some(management) = account.management_account {
            let _ = writeln!(text, "#  management_account: {}", quoted(management));
        }
        let _ = writeln!(text, "#  accounts_file: accounts.json");
    }
    vendors(&found.third_parties, &mut text);
    identity_providers(&found.providers, &mut text);
    for (roles, words) in [
        (
            found.public,
            "anyone with an AWS account can assume these roles: no rule should approve that",
        ),
        (
            found.unreadable,
            "the trust policies of these roles could not be read",
        ),
    ] {
        if !roles.is_empty() {
            let _ = writeln!(text, "\n# {words}: {}", list(&roles));
        }
    }
    text
}

fn vendors(third_parties: &BTreeMap<String, ThirdParty>, text: &mut String) {
    if third_parties.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n#vendors:");
    for (id, third_party) in third_parties {
        let name = match known_account(id) {
            Some(known) => {
                let _ = writeln!(
                    text,
                    "# published as {}: {}",
                    quoted(known.name),
                    known.source
                );
                known.name.to_owned()
            }
            None => format!("account {id}"),
        };
        if third_party.without_id {
            let _ = writeln!(text, "# it can assume the role without an external id");
        }
        let _ = writeln!(text, "#  - name: {}", quoted(&name));
        let _ = writeln!(text, "#    accounts: [{}]", quoted(id));
        let _ = writeln!(text, "#    roles: {}", list(&third_party.roles));
        if !third_party.external_ids.is_empty() {
            let ids = list(&third_party.external_ids);
            let _ = writeln!(
                text,
                "#    external_id: {{ required: true, values: {ids} }}"
            );
        }
    }
}

fn identity_providers(providers: &BTreeMap<String, Provider>, text: &mut String) {
    if providers.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n#identity_providers:");
    for (name, provider) in providers {
        if provider.open {
            let _ = writeln!(
                text,
                "# users outside the intended tenant can assume the role through it"
            );
        }
        let _ = writeln!(text, "#  - provider: {}", quoted(name));
        for (key, values) in [
            ("audiences", &provider.audiences),
            ("subjects", &provider.subjects),
        ] {
            if !values.is_empty() {
                let _ = writeln!(text, "#    {key}: {}", list(values));
            }
        }
        let _ = writeln!(text, "#    roles: {}", list(&provider.roles));
    }
}

fn list(values: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A text that YAML reads back as it is, and that shows no reader anything else: names come from
/// the account.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(character));
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    fn role(name: &str, statement: &str) -> LiveRole {
        LiveRole {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::111122223333:role/{name}"),
            path: "/".to_owned(),
            role_id: "AROAEXAMPLE".to_owned(),
            document: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
            created: None,
        }
    }

    fn trusting(account: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"{condition}}}"#
        )
    }

    #[test]
    fn a_proposal_approves_nothing_until_its_marks_are_taken_away() {
        let with_id = r#","Condition":{"StringEquals":{"sts:ExternalId":"6f1d4f0a-3c1e-4b43-9d7b-0f4f6f1b7a52"}}"#;
        let github = r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/app:*"}}}"#;
        let roles = [
            role("Own", &trusting("111122223333", "")),
            role("Member", &trusting("222233334444", "")),
            role("Monitoring", &trusting("464622532012", with_id)),
            role("Hostile\n- name: x", &trusting("999900001111", "")),
            role("deploy-app", github),
            role(
                "Open",
                r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}"#,
            ),
            role("Broken", "{"),
        ];
        let account = Account {
            roles: &roles,
            organization: Some("o-own1234567"),
            management_account: Some("999988887777"),
            members: BTreeSet::from(["222233334444"]),
        };
        let text = propose(&account, "2026-11-21T00:00:00Z".parse().unwrap());

        let as_printed = parse(&text).unwrap();
        assert!(as_printed.vendors.is_empty() && as_printed.identity_providers.is_empty());
        assert!(as_printed.organization.is_none());

        // The proposals alone, with their marks taken away.
        let proposals = text.split_once("# What 7 roles").unwrap().1;
        let approved: String = proposals
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with("# ") || line.starts_with("#  "))
            .map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line)))
            .collect();
        let file = parse(&format!("version: 1\n{approved}"))
            .map_err(|bad| bad.message)
            .unwrap();
        assert_eq!(
            file.organization.unwrap().id.as_deref(),
            Some("o-own1234567")
        );
        let accounts: Vec<&str> = file
            .vendors
            .iter()
            .map(|vendor| vendor.accounts[0].as_str())
            .collect();
        assert_eq!(accounts, ["464622532012", "999900001111"]);
        assert_eq!(file.vendors[0].name, "Datadog");
        assert_eq!(file.vendors[0].external_id.values.len(), 1);
        assert_eq!(file.vendors[1].roles[0].name, "Hostile\n- name: x");
        assert_eq!(file.identity_providers.len(), 1);
        assert_eq!(file.identity_providers[0].subjects, ["repo:acme/app:*"]);
        assert!(text.contains("can assume these roles: no rule should approve that: [\"Open\"]"));
        assert!(text.contains("could not be read: [\"Broken\"]"));
    }
}
