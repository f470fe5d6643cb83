//! The trust documents in a file: a bare one, those of the roles that the AWS CLI printed, or those
//! of a CloudFormation template in JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use guard::cloudtrail::percent_decoded;
use policy::Origin;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::template::Scope;

/// A trust document, and the role it belongs to as far as the file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleDocument {
    /// Plain JSON text.
    pub(crate) text: String,
    /// The role's name.
    pub(crate) name: Option<String>,
    /// The role's ARN.
    pub(crate) arn: Option<String>,
    /// The path, as `/service-role/`.
    pub(crate) path: Option<String>,
    /// The role's account, from its ARN.
    pub(crate) account: Option<String>,
    /// The line of the file on which `text` begins, where it stands there as it is.
    pub(crate) first_line: Option<usize>,
    /// As IAM shows it, or as somebody sends it.
    pub(crate) origin: Origin,
}

/// A file without trust documents.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoDocumentsError {
    /// Not JSON.
    #[error("it is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// An unrecognized JSON object.
    #[error(
        "it is neither a trust policy (an object with `Statement`) nor what `aws iam get-role`, \
         `list-roles` or `get-account-authorization-details` print, nor a CloudFormation template \
         (an object with `Resources`)"
    )]
    Unknown,
    /// A role without its document.
    #[error("role {index} in it has no AssumeRolePolicyDocument")]
    NoDocument {
        /// From 0.
        index: usize,
    },
    /// A role's document is not JSON.
    #[error("the document of role {index} in it is neither an object nor a text")]
    NotText {
        /// From 0.
        index: usize,
    },
}

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, rename = "Statement")]
    statement: Option<&'a RawValue>,
    #[serde(borrow, rename = "Role")]
    role: Option<Role<'a>>,
    #[serde(borrow, rename = "Roles")]
    roles: Option<Vec<Role<'a>>>,
    #[serde(borrow, rename = "RoleDetailList")]
    details: Option<Vec<Role<'a>>>,
    #[serde(borrow, rename = "Resources")]
    resources: Option<BTreeMap<Cow<'a, str>, Resource<'a>>>,
    #[serde(borrow, rename = "Parameters", default)]
    parameters: BTreeMap<Cow<'a, str>, Parameter>,
}

/// A parameter of a CloudFormation template.
#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Default", default)]
    default: Value,
}

/// A resource of a CloudFormation template.
#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "Properties")]
    properties: Option<&'a RawValue>,
}

/// A role in a CloudFormation template.
#[derive(Deserialize)]
struct TemplateRole<'a> {
    #[serde(borrow, rename = "RoleName")]
    name: Option<&'a RawValue>,
    #[serde(borrow, rename = "Path")]
    path: Option<&'a RawValue>,
    #[serde(borrow, rename = "AssumeRolePolicyDocument")]
    document: Option<&'a RawValue>,
}

impl<'a> TemplateRole<'a> {
    fn role(self, scope: &Scope) -> Role<'a> {
        // A name that is known at deployment alone is no name.
        let text = |value: Option<&RawValue>| {
            serde_json::from_str::<String>(&scope.resolved(value?.get())).ok()
        };
        Role {
            name: text(self.name).map(Cow::Owned),
            arn: None,
            path: text(self.path).map(Cow::Owned),
            document: self.document,
        }
    }
}

#[derive(Deserialize)]
struct Role<'a> {
    #[serde(borrow, rename = "RoleName")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "Arn")]
    arn: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "Path")]
    path: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "AssumeRolePolicyDocument")]
    document: Option<&'a RawValue>,
}

/// All trust documents of a file, in its order; those of a template as it is deployed in `scope`.
pub(crate) fn documents(text: &str, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let shape: Shape<'_> = match serde_json::from_str(text) {
        Ok(shape) => shape,
        // A policy with a repeated key is no `Shape`, and still a policy to be judged.
        Err(error) if error.is_data() => {
            let json = serde_json::from_str::<serde::de::IgnoredAny>(text);
            json.map_err(NoDocumentsError::NotJson)?;
            return Ok(vec![bare(text)]);
        }
        Err(error) => return Err(NoDocumentsError::NotJson(error)),
    };
    let defaults = shape.parameters.iter();
    let scope = &scope.with_defaults(defaults.map(|(name, one)| (name.as_ref(), &one.default)));
    let origin = match &shape {
        Shape {
            resources: Some(_),
            role: None,
            roles: None,
            details: None,
            ..
        } => Origin::Sent,
        _ => Origin::Shown,
    };
    let roles = match shape {
        // Whatever stands beside its statements, it is a policy, and IAM will say so, too.
        Shape {
            statement: Some(_), ..
        } => return Ok(vec![bare(text)]),
        Shape {
            role: Some(role), ..
        } => vec![role],
        Shape {
            details: Some(roles),
            ..
        }
        | Shape {
            roles: Some(roles), ..
        } => roles,
        Shape {
            resources: Some(resources),
            ..
        } => of_template(&resources, scope)?,
        _ => return Err(NoDocumentsError::Unknown),
    };
    roles
        .into_iter()
        .enumerate()
        .map(|(index, role)| {
            let mut found = of_role(index, role, text, origin)?;
            if origin == Origin::Sent {
                found.text = scope.resolved(&found.text).into_owned();
            }
            Ok(found)
        })
        .collect()
}

fn of_template<'a>(
    resources: &BTreeMap<Cow<'a, str>, Resource<'a>>,
    scope: &Scope,
) -> Result<Vec<Role<'a>>, NoDocumentsError> {
    let roles = resources
        .values()
        .filter(|resource| resource.kind.as_deref() == Some("AWS::IAM::Role"));
    roles
        .enumerate()
        .map(|(index, role)| {
            let properties = role
                .properties
                .ok_or(NoDocumentsError::NoDocument { index })?;
            let role: TemplateRole<'a> =
                serde_json::from_str(properties.get()).map_err(NoDocumentsError::NotJson)?;
            Ok(role.role(scope))
        })
        .collect()
}

fn bare(text: &str) -> RoleDocument {
    RoleDocument {
        text: text.to_owned(),
        name: None,
        arn: None,
        path: None,
        account: None,
        first_line: Some(1),
        origin: Origin::Sent,
    }
}

fn of_role(
    index: usize,
    role: Role<'_>,
    file: &str,
    origin: Origin,
) -> Result<RoleDocument, NoDocumentsError> {
    let document = role
        .document
        .ok_or(NoDocumentsError::NoDocument { index })?
        .get();
    let (text, first_line) = if document.starts_with('{') {
        (document.to_owned(), Some(line_of(document, file)))
    } else {
        let text: String =
            serde_json::from_str(document).map_err(|_| NoDocumentsError::NotText { index })?;
        let plain = text.trim_start().starts_with('{');
        (if plain { text } else { percent_decoded(&text) }, None)
    };
    let account = role.arn.as_deref().and_then(|arn| arn.split(':').nth(4));
    Ok(RoleDocument {
        text,
        account: account
            .filter(|account| !account.is_empty())
            .map(str::to_owned),
        name: role.name.map(Cow::into_owned),
        arn: role.arn.map(Cow::into_owned),
        path: role.path.map(Cow::into_owned),
        first_line,
        origin,
    })
}

/// On which line of `file` its part `part` begins.
fn line_of(part: &str, file: &str) -> usize {
    let offset = part.as_ptr().addr().saturating_sub(file.as_ptr().addr());
    let before = file.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

    #[test]
    fn every_shape_gives_its_documents() {
        let bare = documents(POLICY, &Scope::default()).unwrap();
        assert_eq!(bare.len(), 1);
        assert_eq!((bare[0].text.as_str(), &bare[0].name), (POLICY, &None));

        let role = format!(
            "{{\"RoleName\":\"A\\u0062c\",\"Path\":\"/x/\",\"Arn\":\"arn:aws:iam::012345678901:role/x/Abc\",\n\
             \"AssumeRolePolicyDocument\":{POLICY},\"Other\":1}}"
        );
        for file in [
            format!("{{\"Role\":{role}}}"),
            format!("{{\"Roles\":[{role}]}}"),
            format!("{{\"RoleDetailList\":[{role}],\"UserDetailList\":[],\"IsTruncated\":false}}"),
        ] {
            let found = documents(&file, &Scope::default()).unwrap();
            assert_eq!(
                found,
                [RoleDocument {
                    text: POLICY.to_owned(),
                    name: Some("Abc".to_owned()),
                    arn: Some("arn:aws:iam::012345678901:role/x/Abc".to_owned()),
                    path: Some("/x/".to_owned()),
                    account: Some("012345678901".to_owned()),
                    first_line: Some(2),
                    origin: Origin::Shown,
                }]
            );
        }
    }

    #[test]
    fn a_document_may_be_text_and_percent_encoded() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        let plain = POLICY.replace('"', "\\\"");
        for document in [encoded, &plain] {
            let file =
                format!(r#"{{"Role":{{"RoleName":"R","AssumeRolePolicyDocument":"{document}"}}}}"#);
            assert_eq!(documents(&file, &Scope::default()).unwrap()[0].text, POLICY);
        }
    }

    #[test]
    fn a_template_gives_its_roles() {
        let template = format!(
            r#"{{"Resources":{{
            "B":{{"Type":"AWS::IAM::Role","Properties":{{"RoleName":{{"Ref":"Name"}},
                "AssumeRolePolicyDocument":{POLICY}}}}},
            "A":{{"Type":"AWS::IAM::Role","Properties":{{"RoleName":"Reader","Path":"/x/",
                "AssumeRolePolicyDocument":{POLICY}}}}},
            "Q":{{"Type":"AWS::SQS::Queue"}}}},
            "Parameters":{{"Name":{{"Type":"String"}}}}}}"#
        );
        let found = documents(&template, &Scope::default()).unwrap();
        let names: Vec<_> = found.iter().map(|role| role.name.as_deref()).collect();
        assert_eq!(names, [Some("Reader"), None]);
        assert!(found.iter().all(|role| role.text == POLICY));
        assert_eq!(found[0].path.as_deref(), Some("/x/"));
        assert_eq!(found[0].first_line, Some(5));
        let none = r#"{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{}}}}"#;
        let error = documents(none, &Scope::default()).unwrap_err().to_string();
        assert_eq!(error, "role 0 in it has no AssumeRolePolicyDocument");
    }

    #[test]
    fn a_repeated_key_is_left_to_whoever_judges() {
        let text = r#"{"Statement":[],"Statement":[{}]}"#;
        assert_eq!(documents(text, &Scope::default()).unwrap()[0].text, text);
    }

    #[test]
    fn what_holds_no_document_is_said() {
        let cases = [
            ("", "it is not JSON"),
            ("{\"Statement\":[}", "it is not JSON"),
            ("{}", "it is neither a trust policy"),
            ("{\"Users\":[]}", "it is neither a trust policy"),
            (
                r#"{"Role":{"RoleName":"R"}}"#,
                "role 0 in it has no AssumeRolePolicyDocument",
            ),
            (
                r#"{"Roles":[{"AssumeRolePolicyDocument":7}]}"#,
                "the document of role 0 in it is neither",
            ),
        ];
        for (text, expected) in cases {
            let error = documents(text, &Scope::default()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
