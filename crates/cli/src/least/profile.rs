//! The actions that a third party needs, from a file: a list, or the policy its documentation
//! publishes.

use serde::Deserialize;

use super::{Need, NeedError, check_action, check_resource};

/// A profile that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProfileError {
    /// Neither of the two forms.
    #[error("it is not a profile (`actions`, and `resources` if any) nor an IAM policy: {0}")]
    Shape(String),
    /// Something other than what is allowed.
    #[error(
        "statement {statement} of the policy has `{key}`: only statements that allow actions on \
         resources can be taken over"
    )]
    Statement {
        /// From 0.
        statement: usize,
        /// The key that it has.
        key: &'static str,
    },
    /// An action or a resource.
    #[error(transparent)]
    Need(#[from] NeedError),
    /// Nothing in it.
    #[error("it names no action")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    actions: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    #[serde(default, rename = "Version")]
    _version: Option<String>,
    #[serde(default, rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default, rename = "Sid")]
    _sid: Option<String>,
    effect: String,
    action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_action: Option<serde::de::IgnoredAny>,
    not_resource: Option<serde::de::IgnoredAny>,
    condition: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

/// The needs that a profile names.
pub(crate) fn read_profile(text: &str) -> Result<Vec<Need>, ProfileError> {
    let shape = |error: serde_saphyr::Error| {
        let message = error.to_string();
        ProfileError::Shape(message.lines().next().unwrap_or_default().to_owned())
    };
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(shape)?;
    let needs = if value.get("Statement").is_some() {
        let policy: Policy = serde_json::from_value(value)
            .map_err(|error| ProfileError::Shape(error.to_string()))?;
        policy
            .statement
            .into_vec()
            .into_iter()
            .enumerate()
            .map(|(index, statement)| of_statement(index, statement))
            .collect::<Result<Vec<Need>, _>>()?
    } else {
        let profile: Profile = serde_json::from_value(value)
            .map_err(|error| ProfileError::Shape(error.to_string()))?;
        vec![Need {
            actions: profile.actions,
            resources: profile.resources,
        }]
    };
    for need in &needs {
        need.actions
            .iter()
            .try_for_each(|action| check_action(action))?;
        need.resources
            .iter()
            .try_for_each(|resource| check_resource(resource))?;
    }
    if needs.iter().all(|need| need.actions.is_empty()) {
        return Err(ProfileError::Empty);
    }
    Ok(needs)
}

fn of_statement(index: usize, statement: Statement) -> Result<Need, ProfileError> {
    let has = |key| ProfileError::Statement {
        statement: index,
        key,
    };
    if statement.effect != "Allow" {
        return Err(has("Effect: Deny"));
    }
    let others = [
        (statement.not_action.is_some(), "NotAction"),
        (statement.not_resource.is_some(), "NotResource"),
        (statement.condition.is_some(), "Condition"),
    ];
    if let Some((_, key)) = others.into_iter().find(|(there, _)| *there) {
        return Err(has(key));
    }
    let actions = statement.action.map_or_else(Vec::new, OneOrMany::into_vec);
    let mut resources = statement
        .resource
        .map_or_else(Vec::new, OneOrMany::into_vec);
    if resources.iter().any(|resource| resource == "*") {
        resources.clear();
    }
    Ok(Need { actions, resources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let list = "# what it does\nactions: [\"ec2:Describe*\", s3:GetObject]\nresources: [\"arn:aws:s3:::b/*\"]\n";
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Sid":"A","Effect":"Allow","Action":["ec2:Describe*","s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}]}"#;
        let one = r#"{"Statement":{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}}"#;
        let need = Need {
            actions: vec!["ec2:Describe*".to_owned(), "s3:GetObject".to_owned()],
            resources: vec!["arn:aws:s3:::b/*".to_owned()],
        };
        assert_eq!(read_profile(list).unwrap(), std::slice::from_ref(&need));
        assert_eq!(read_profile(policy).unwrap(), [need]);
        assert_eq!(
            read_profile(one).unwrap(),
            [Need {
                actions: vec!["ec2:Describe*".to_owned()],
                resources: Vec::new(),
            }]
        );
    }

    #[test]
    fn what_cannot_be_taken_over_is_said() {
        for (text, expected) in [
            ("", "it is not a profile"),
            ("actions: {}", "it is not a profile"),
            ("actions: []", "it names no action"),
            ("acions: [s3:GetObject]", "it is not a profile"),
            ("actions: [\"*\"]", "`*` is more than anyone needs"),
            (
                "{actions: [s3:GetObject], resources: [x]}",
                "`x` is not the ARN",
            ),
            (
                r#"{"Statement":{"Effect":"Deny","Action":"ec2:Run*","Resource":"*"}}"#,
                "statement 0 of the policy has `Effect: Deny`",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}"#,
                "statement 0 of the policy has `NotAction`",
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#,
                "`iam:*` is more than anyone needs",
            ),
        ] {
            let error = read_profile(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
