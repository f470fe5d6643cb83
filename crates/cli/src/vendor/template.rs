//! The third party's role as a CloudFormation template.
//!
//! JSON, so that no text can become anything but a text: not a key, not a tag such as `!Sub`. What
//! CloudFormation itself would still read into a text (`{{resolve:…}}`) has characters that neither
//! a tag nor a role's name may have, and is replaced or refused before it comes to here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::Access;
use crate::least::{Document, Least, NeedError, least_privilege};

/// The inline policies of one role together, without white space.
const MOST_POLICY_CHARACTERS: usize = 10_240;

/// The longest value of a role's tag, in characters.
const MOST_TAG_CHARACTERS: usize = 256;

/// A template that cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TemplateError {
    /// An action that no resource is for.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// IAM would not take it.
    #[error(
        "the policy has {characters} characters, and a role's inline policies may have \
         {MOST_POLICY_CHARACTERS}: name fewer actions, or patterns of them"
    )]
    TooLong {
        /// Without white space.
        characters: usize,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    description: String,
    resources: BTreeMap<String, Role>,
    outputs: BTreeMap<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    #[serde(rename = "Type")]
    kind: &'static str,
    properties: Properties,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    role_name: String,
    description: String,
    max_session_duration: u32,
    assume_role_policy_document: Trust,
    policies: Vec<Inline>,
    tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inline {
    policy_name: &'static str,
    policy_document: Document,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trust {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    principal: Value,
    action: &'static str,
    condition: Value,
}

/// The template, as JSON text, and what its reader should know.
pub(super) fn template(access: &Access) -> Result<(String, Vec<String>), TemplateError> {
    let Least {
        document: policy,
        notes,
    } = least_privilege(&access.needs)?;
    let characters = serde_json::to_string(&policy).map_or(usize::MAX, |text| text.chars().count());
    if characters > MOST_POLICY_CHARACTERS {
        return Err(TemplateError::TooLong { characters });
    }
    let name = visible_ascii(&access.vendor.name);
    let mut resources = BTreeMap::new();
    let mut outputs = BTreeMap::new();
    for (index, (role, external_ids)) in access.roles_with_ids().enumerate() {
        let id = match index {
            0 => "Role".to_owned(),
            _ => format!("Role{}", index + 1),
        };
        outputs.insert(
            format!("{id}Arn"),
            json!({
                "Description": "Tell it to the third party, with the external id",
                "Value": { "Fn::GetAtt": [id, "Arn"] },
            }),
        );
        let properties = Properties {
            role_name: role.to_owned(),
            description: format!("Third party: {name}"),
            max_session_duration: access.session_seconds,
            assume_role_policy_document: trust(access, external_ids),
            policies: vec![Inline {
                policy_name: "least-privilege",
                policy_document: policy.clone(),
            }],
            tags: tags(access),
        };
        resources.insert(
            id,
            Role {
                kind: "AWS::IAM::Role",
                properties,
            },
        );
    }
    let template = Template {
        version: "2010-09-09",
        description: format!("The role that the third party {name} assumes in this account"),
        resources,
        outputs,
    };
    // Texts and numbers only: this cannot fail.
    let mut text = serde_json::to_string_pretty(&template).unwrap_or_default();
    text.push('\n');
    Ok((text, notes))
}

/// The trust policy of one of its roles, as JSON text.
pub(super) fn trust_text(access: &Access, external_ids: &[String]) -> String {
    serde_json::to_string(&trust(access, external_ids)).unwrap_or_default()
}

fn trust(access: &Access, external_ids: &[String]) -> Trust {
    // An account id alone stands for its root in whichever partition this is deployed.
    let principals = if access.vendor.principals.is_empty() {
        &access.vendor.accounts
    } else {
        &access.vendor.principals
    };
    let one_or_many = |texts: &[String]| match texts {
        [one] => json!(one),
        many => json!(many),
    };
    let mut condition = serde_json::Map::new();
    if !external_ids.is_empty() {
        let ids = json!({ "sts:ExternalId": one_or_many(external_ids) });
        condition.insert("StringEquals".to_owned(), ids);
    }
    // Access ends by itself on the day that the rules name.
    if let Some(end) = access.expires_at {
        let end = json!({ "aws:CurrentTime": whole_second(end) });
        condition.insert("DateLessThan".to_owned(), end);
    }
    Trust {
        version: "2012-10-17",
        statement: [Statement {
            sid: "ThirdParty",
            effect: "Allow",
            principal: json!({ "AWS": one_or_many(principals) }),
            action: "sts:AssumeRole",
            condition: condition.into(),
        }],
    }
}

/// IAM's dates have no fractions.
fn whole_second(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second())
        .unwrap_or(moment)
        .to_string()
}

fn tags(access: &Access) -> Vec<Tag> {
    let vendor = &access.vendor;
    let texts = [
        ("vendor", Some(&vendor.name)),
        ("owner", vendor.owner.as_ref()),
        ("ticket", vendor.ticket.as_ref()),
        ("expires", vendor.expires.as_ref()),
    ];
    texts
        .into_iter()
        .filter_map(|(key, text)| {
            Some(Tag {
                key,
                value: tag_value(text?),
            })
        })
        .collect()
}

/// The text as a tag can hold it: IAM admits letters, digits, blanks and `_.:/=+-@`. The rules have
/// it as it was given.
pub(super) fn tag_value(text: &str) -> String {
    text.chars()
        .map(|letter| {
            let admitted = letter.is_alphanumeric() || " _.:/=+-@".contains(letter);
            if admitted { letter } else { '_' }
        })
        .take(MOST_TAG_CHARACTERS)
        .collect()
}

/// The name for a description, which IAM limits to Latin letters, and in which `{{` would be a
/// reference.
fn visible_ascii(text: &str) -> String {
    let plain: String = tag_value(text)
        .chars()
        .map(|letter| if letter.is_ascii() { letter } else { '_' })
        .collect();
    plain.trim().to_owned()
}
