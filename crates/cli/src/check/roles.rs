//! The trust documents in a file: a bare one, those of the roles that the AWS CLI printed, those of a
//! CloudFormation template, or those of a Terraform plan.

use policy::Origin;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::cloudformation;
use super::document::{NoDocumentsError, RoleDocument, line_of};
use super::terraform;
use super::yaml::yaml;
use crate::audit::export::{self, Element, ExportError, Holder};
use crate::decoded::other_output;
use crate::streams::chain;
use guard::template::Node;
use guard::template::Scope;

/// The keys that tell what a file is. Many may follow one another: pages.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(rename = "Statement")]
    statement: Option<IgnoredAny>,
    #[serde(borrow, rename = "Role")]
    role: Option<&'a RawValue>,
    #[serde(rename = "Roles", alias = "RoleDetailList", alias = "UserDetailList")]
    #[serde(alias = "Policies", alias = "GroupDetailList")]
    export: Option<Vec<IgnoredAny>>,
    #[serde(rename = "Resources")]
    resources: Option<IgnoredAny>,
    format_version: Option<IgnoredAny>,
    #[serde(rename = "TemplateBody")]
    template_body: Option<IgnoredAny>,
    lineage: Option<IgnoredAny>,
}

/// All trust documents of a file, in its order; those of a template as it is deployed in `scope`.
pub(crate) fn documents(text: &str, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => of_json(text, scope),
        _ => of_yaml(text, scope),
    }
}

fn of_json(text: &str, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let json = || serde_json::from_str::<IgnoredAny>(text).map_err(NoDocumentsError::NotJson);
    let first = serde_json::Deserializer::from_str(text)
        .into_iter::<Shape<'_>>()
        .next();
    let shape = match first {
        Some(Ok(shape)) => shape,
        // A list of pages.
        _ if text.trim_start().starts_with('[') => {
            return of_export(text).or_else(|error| match error {
                // It is judged as what it is: no policy.
                NoDocumentsError::Export(ExportError::Unknown) => Ok(vec![bare(text)]),
                error => Err(error),
            });
        }
        // A policy with a repeated key is no `Shape`, and still a policy to be judged.
        Some(Err(error)) if error.is_data() && !text.contains("\"RoleDetailList\"") => {
            json()?;
            return Ok(vec![bare(text)]);
        }
        Some(Err(error)) if error.is_data() => return of_export(text),
        Some(Err(error)) => return Err(NoDocumentsError::NotJson(error)),
        None => return Err(NoDocumentsError::Unknown),
    };
    if shape.statement.is_some() {
        // Whatever stands beside its statements, it is a policy, and IAM will say so, too.
        json()?;
        return Ok(vec![bare(text)]);
    }
    if let Some(role) = shape.role {
        json()?;
        let role = Holder::read_role(role.get().as_bytes());
        let role = role.map_err(|error| NoDocumentsError::Element(chain(&error)))?;
        return Ok(vec![shown(&role, text)?]);
    }
    if shape.export.is_some() {
        return of_export(text);
    }
    if shape.format_version.is_some() {
        let shown = serde_json::from_str(text).map_err(NoDocumentsError::NotJson)?;
        return terraform::roles(shown, text);
    }
    // What `terraform plan -json` prints while it works, and a state.
    if shape.lineage.is_some() || text.contains("\"terraform.ui\"") {
        return Err(NoDocumentsError::Terraform);
    }
    json()?;
    if shape.template_body.is_some() {
        return of_template_body(&Node::json(text)?, scope);
    }
    if shape.resources.is_some() {
        return cloudformation::roles(&Node::json(text)?, scope);
    }
    Err(NoDocumentsError::Unknown)
}

/// What `aws cloudformation get-template` prints: a template as JSON, or the text of one.
fn of_template_body(all: &Node, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let body = all.get("TemplateBody").ok_or(NoDocumentsError::Unknown)?;
    let Some(text) = body.as_text() else {
        return cloudformation::roles(body, scope);
    };
    let mut found = documents(text, scope)?;
    // The lines of a text within a text are no lines of the file.
    for role in &mut found {
        role.first_line = Some(body.line);
        role.exact = false;
    }
    Ok(found)
}

fn of_yaml(text: &str, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    // A plan file of Terraform is a ZIP archive.
    if text.starts_with("PK\u{3}\u{4}") {
        return Err(NoDocumentsError::Terraform);
    }
    let first = text.lines().map(str::trim_start);
    let first = first.filter(|line| !line.is_empty() && !line.starts_with(['#', '/']));
    let first = first.into_iter().next().unwrap_or_default();
    let blocks = [
        "resource \"",
        "data \"",
        "module \"",
        "terraform {",
        "provider \"",
        "variable \"",
        "locals {",
    ];
    if blocks.iter().any(|block| first.starts_with(block)) {
        return Err(NoDocumentsError::Terraform);
    }
    let root = match yaml(text) {
        Ok(root) => root,
        Err(error) => {
            return Err(match other_output(text.as_bytes()) {
                Some(what) if what != "YAML" => NoDocumentsError::OtherOutput(what),
                _ => error.into(),
            });
        }
    };
    if root.get("Resources").is_some() {
        return cloudformation::roles(&root, scope);
    }
    if root.get("Statement").is_some() {
        return Ok(vec![RoleDocument {
            first_line: Some(root.line),
            exact: true,
            ..RoleDocument::sent(Some(root.to_json()))
        }]);
    }
    let lists = ["Role", "Roles", "RoleDetailList", "UserDetailList"];
    if lists.iter().any(|list| root.get(list).is_some()) {
        return Err(NoDocumentsError::OtherOutput("YAML"));
    }
    Err(
        match other_output(text.as_bytes()).filter(|what| *what != "YAML") {
            Some(what) => NoDocumentsError::OtherOutput(what),
            // What is one word of YAML was meant to be something else.
            None if root.entries().is_empty() => serde_json::from_str::<IgnoredAny>(text)
                .map_or_else(NoDocumentsError::NotJson, |_| NoDocumentsError::Unknown),
            None => NoDocumentsError::Unknown,
        },
    )
}

/// What the AWS CLI and the SDKs print, all of whose pages are there.
fn of_export(text: &str) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let mut found = Vec::new();
    let mut wrong = None;
    let mut finished = false;
    export::read_text(text, &mut |element| match element {
        Element::Role(role) => match shown(&role, text) {
            Ok(role) => found.push(role),
            Err(error) => wrong = Some(error),
        },
        Element::Unreadable(error) => wrong = Some(NoDocumentsError::Element(chain(&error))),
        Element::PageEnd(page) => finished |= !page.goes_on,
        Element::User(_) | Element::Group(_) | Element::Policy(_) => {}
    })?;
    match wrong {
        Some(error) => Err(error),
        None if !finished => Err(NoDocumentsError::Unfinished),
        None => Ok(found),
    }
}

fn bare(text: &str) -> RoleDocument {
    RoleDocument {
        first_line: Some(1),
        exact: true,
        ..RoleDocument::sent(Some(text.to_owned()))
    }
}

/// A role as IAM shows it.
fn shown(role: &Holder<'_>, file: &str) -> Result<RoleDocument, NoDocumentsError> {
    let element = |error| NoDocumentsError::Element(chain(&error));
    let raw = role.raw_document();
    let exact = raw.is_some_and(|raw| raw.starts_with('{'));
    let account = Some(role.account()).filter(|account| !account.is_empty());
    Ok(RoleDocument {
        name: Some(role.name.to_string()),
        arn: Some(role.arn.to_string()).filter(|arn| !arn.is_empty()),
        path: role.path().map_err(element)?,
        account: account.map(str::to_owned),
        first_line: raw.filter(|_| exact).map(|raw| line_of(raw, file)),
        exact,
        origin: Origin::Shown,
        ..RoleDocument::sent(Some(role.document().map_err(element)?.into_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

    fn role(name: &str) -> String {
        format!(
            "{{\"RoleName\":\"{name}\",\"Path\":\"/x/\",\"Arn\":\"arn:aws:iam::012345678901:role/x/Abc\",\n\
             \"AssumeRolePolicyDocument\":{POLICY},\"Other\":1}}"
        )
    }

    #[test]
    fn every_shape_gives_its_documents() {
        let bare = documents(POLICY, &Scope::default()).unwrap();
        assert_eq!(bare.len(), 1);
        assert_eq!(
            (bare[0].text.as_deref(), &bare[0].name),
            (Some(POLICY), &None)
        );

        let role = role("A\\u0062c");
        for (file, many) in [
            (format!("{{\"Role\":{role}}}"), 1),
            (format!("{{\"Roles\":[{role}]}}"), 1),
            (
                format!(
                    "{{\"RoleDetailList\":[{role}],\"UserDetailList\":[],\"IsTruncated\":false}}"
                ),
                1,
            ),
            (
                format!("[{{\"Roles\":[{role}],\"Marker\":\"m\"}},{{\"Roles\":[{role}]}}]"),
                2,
            ),
            (
                format!("{{\"Roles\":[{role}],\"Marker\":\"m\"}}\n{{\"Roles\":[]}}"),
                1,
            ),
        ] {
            let found = documents(&file, &Scope::default()).unwrap();
            assert_eq!(found.len(), many, "{file}");
            let expected = RoleDocument {
                name: Some("Abc".to_owned()),
                arn: Some("arn:aws:iam::012345678901:role/x/Abc".to_owned()),
                path: Some("/x/".to_owned()),
                account: Some("012345678901".to_owned()),
                first_line: Some(2),
                exact: true,
                origin: Origin::Shown,
                ..RoleDocument::sent(Some(POLICY.to_owned()))
            };
            assert_eq!(found[0], expected, "{file}");
        }
    }

    #[test]
    fn a_document_may_be_text_and_percent_encoded() {
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        let plain = POLICY.replace('"', "\\\"");
        for document in [encoded, &plain] {
            let file =
                format!(r#"{{"Role":{{"RoleName":"R","AssumeRolePolicyDocument":"{document}"}}}}"#);
            let found = documents(&file, &Scope::default()).unwrap();
            assert_eq!(found[0].text.as_deref(), Some(POLICY));
        }
    }

    #[test]
    fn a_repeated_key_is_left_to_whoever_judges() {
        let text = r#"{"Statement":[],"Statement":[{}]}"#;
        let found = documents(text, &Scope::default()).unwrap();
        assert_eq!(found[0].text.as_deref(), Some(text));
    }

    #[test]
    fn what_holds_no_document_is_said() {
        let cases = [
            ("", "it is not YAML: it is empty"),
            ("{\"Statement\":[}", "it is not JSON"),
            ("{\"Statement\":[]} x", "it is not JSON"),
            ("{}", "it is neither a trust policy"),
            ("{\"Users\":[]}", "it is neither a trust policy"),
            ("nonsense", "it is not JSON"),
            ("a: b", "it is neither a trust policy"),
            (
                "# x\nresource \"aws_iam_role\" \"a\" {}",
                "it is Terraform's own",
            ),
            ("PK\u{3}\u{4}x", "it is Terraform's own"),
            ("Roles:\n- RoleName: R\n", "it is YAML, not JSON"),
            ("--------\n| a |\n", "it is a table, not JSON"),
            (
                "{\"Roles\":[],\"IsTruncated\":true}",
                "it says that more pages follow",
            ),
            (
                "{\"format_version\":\"1.2\",\"errored\":true}",
                "Terraform failed",
            ),
            (
                "{\"format_version\":\"1.2\"}",
                "it is neither a trust policy",
            ),
            (
                r#"{"Role":{"RoleName":"R"}}"#,
                "role R has no AssumeRolePolicyDocument",
            ),
            (
                r#"{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{}}}}"#,
                "role A in it has no AssumeRolePolicyDocument",
            ),
        ];
        for (text, expected) in cases {
            let error = documents(text, &Scope::default()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
