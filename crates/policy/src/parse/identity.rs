//! The shape of an identity policy: which keys may stand where, and what is made of the others.

use std::borrow::Cow;

use super::problem::{Path, Problems, shorten};
use super::reader::{Fault, Kind, Text};
use super::statement::{Parser, TOP_KEYS, stands};
use crate::document::{IdentityPolicy, IdentityStatement, Span, Version};

const STATEMENT_KEYS: [&str; 7] = [
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl<'a> Parser<'a> {
    /// The document's object, which was announced.
    pub(super) fn identity_document(&mut self) -> Result<IdentityPolicy<'a>, Fault> {
        let root = Path::Root;
        let start = self.reader.at();
        let mut policy = IdentityPolicy {
            version: Version::V2008,
            id: None,
            statements: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        let mut seen = 0;
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = root.key(&key.value);
            let place = TOP_KEYS.iter().position(|known| *known == key.value);
            self.once(&mut seen, place, &key, &path);
            match key.value.as_ref() {
                "Version" => policy.version = self.version(&path)?,
                "Id" => policy.id = self.text(&path, "Id")?.map(|id| id.value),
                "Statement" => {
                    policy.statements = self.statements(&path, Self::identity_statement)?;
                }
                _ => self.unknown(&key, &path, "a policy", &TOP_KEYS)?,
            }
        }
        if !stands("Statement", &TOP_KEYS, seen) {
            self.problems
                .error(start, &root, "a policy needs a \"Statement\"");
        }
        Ok(policy)
    }

    fn identity_statement(
        &mut self,
        path: &Path<'_>,
        index: usize,
    ) -> Result<IdentityStatement<'a>, Fault> {
        let kind = self.reader.peek()?;
        let start = self.reader.at();
        let mut statement = IdentityStatement {
            index,
            sid: None,
            effect: None,
            action: None,
            not_action: None,
            resource: None,
            not_resource: None,
            conditions: Vec::new(),
            span: Span { start, end: start },
        };
        if kind != Kind::Object {
            statement.span = self.wrong(path, "a statement", "an object", kind)?;
            return Ok(statement);
        }
        let mut seen = 0;
        let mut unknown_key = false;
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = path.key(&key.value);
            let place = STATEMENT_KEYS.iter().position(|known| *known == key.value);
            self.once(&mut seen, place, &key, &path);
            match key.value.as_ref() {
                "Sid" => statement.sid = self.sid(&path)?,
                "Effect" => statement.effect = self.effect(&path)?,
                "Action" => statement.action = Some(self.patterns(&path, ACTION)?),
                "NotAction" => statement.not_action = Some(self.patterns(&path, ACTION)?),
                "Resource" => statement.resource = Some(self.patterns(&path, RESOURCE)?),
                "NotResource" => statement.not_resource = Some(self.patterns(&path, RESOURCE)?),
                "Condition" => statement.conditions = self.conditions(&path)?,
                other @ ("Principal" | "NotPrincipal") => {
                    unknown_key = true;
                    let message = format!(
                        "an identity policy may not hold \"{other}\": whoever it is attached \
                         to is meant"
                    );
                    self.problems.error(key.span.start, &path, message);
                    self.reader.skip()?;
                }
                _ => {
                    unknown_key = true;
                    self.unknown(&key, &path, "a statement", &STATEMENT_KEYS)?;
                }
            }
        }
        statement.span.end = self.reader.at();
        if !stands("Effect", &STATEMENT_KEYS, seen) {
            self.missing(start, path, "an \"Effect\": \"Allow\" or \"Deny\"");
        }
        if unknown_key {
            // What the author wanted to say there is not known: nothing may be concluded from the
            // rest, least of all that there is no condition.
            statement.effect = None;
        }
        let actions = (statement.action.is_some(), statement.not_action.is_some());
        self.either(
            start,
            path,
            ["an \"Action\"", "\"Action\" and \"NotAction\""],
            actions,
        );
        let resources = (
            statement.resource.is_some(),
            statement.not_resource.is_some(),
        );
        self.either(
            start,
            path,
            ["a \"Resource\"", "\"Resource\" and \"NotResource\""],
            resources,
        );
        Ok(statement)
    }

    /// A string or a list of strings, of which there must be one.
    fn patterns(
        &mut self,
        path: &Path<'_>,
        (what, noun, check): PatternOf,
    ) -> Result<Vec<Cow<'a, str>>, Fault> {
        self.reader.peek()?;
        let start = self.reader.at();
        let mut patterns = Vec::new();
        self.each_text(
            path,
            what,
            |problems: &mut Problems, path, text: Text<'a>| {
                if let Some(wrong) = check(&text.value) {
                    let quoted = shorten(&text.value);
                    problems.error(text.span.start, path, format!("\"{quoted}\" {wrong}"));
                }
                patterns.push(text.value);
            },
        )?;
        if patterns.is_empty() {
            self.problems
                .error(start, path, format!("at least one {noun} must be named"));
        }
        Ok(patterns)
    }
}

/// What a pattern is called, with its article and without, and what is wrong with one.
type PatternOf = (&'static str, &'static str, fn(&str) -> Option<&'static str>);

const ACTION: PatternOf = ("an action", "action", |text| {
    if text == "*" {
        return None;
    }
    match text.split_once(':') {
        None => Some(
            "is not an action: an action begins with its service, as in \"ec2:DescribeInstances\"",
        ),
        Some((service, name)) if service.is_empty() || name.is_empty() => {
            Some("is not an action: it needs a service, a colon and a name")
        }
        Some((_, name)) if name.contains(':') => {
            Some("is not an action: it has one colon too many")
        }
        Some(_) => None,
    }
});

const RESOURCE: PatternOf = ("a resource", "resource", |text| {
    // A variable or wildcard may stand for the beginning.
    let begins = ["arn:", "*", "?", "${"]
        .iter()
        .any(|start| text.starts_with(start));
    (!begins)
        .then_some("is not a resource: it must be \"*\" or an ARN, as in \"arn:aws:s3:::bucket/*\"")
});
