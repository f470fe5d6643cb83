//! The least that lets someone do what they must: an IAM policy from a list of actions and of what
//! they are done to.

mod mapping;
mod profile;
mod scope;

use serde::Serialize;

pub(crate) use mapping::{Needed, needed};
pub(crate) use profile::{ProfileError, read_profile};
pub(crate) use scope::{acts_on, least_privilege};

/// Actions, and what they are done to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// Actions, or patterns of such: `ec2:Describe*`.
    pub(crate) actions: Vec<String>,
    /// ARNs; none: anything.
    pub(crate) resources: Vec<String>,
}

/// An action or a resource that cannot be asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NeedError {
    /// Not `service:Name`.
    #[error("`{0}` is not an action, such as ec2:DescribeInstances or ec2:Describe*")]
    NoAction(String),
    /// Everything, or everything of a service.
    #[error("`{0}` is more than anyone needs: name what must be done, as ec2:Describe*")]
    Everything(String),
    /// An action that none of the resources is for.
    #[error(
        "`{action}` acts on {acts_on}, and none of the resources is one: name one, or leave the \
         resources of {service} out"
    )]
    NoneFits {
        /// The action.
        action: String,
        /// The form of its ARNs.
        acts_on: String,
        /// Its prefix.
        service: String,
    },
    /// Not an ARN.
    #[error("`{0}` is not the ARN of a resource, such as arn:aws:s3:::bucket/*")]
    NoResource(String),
}

/// Is this an action that one may ask for?
pub(crate) fn check_action(action: &str) -> Result<(), NeedError> {
    let no_action = || NeedError::NoAction(action.to_owned());
    if action == "*" {
        return Err(NeedError::Everything(action.to_owned()));
    }
    let (service, name) = action.split_once(':').ok_or_else(no_action)?;
    let word = |text: &str, others: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
    };
    if service.contains(['*', '?']) || name.chars().all(|letter| "*?".contains(letter)) {
        return Err(if name.is_empty() {
            no_action()
        } else {
            NeedError::Everything(action.to_owned())
        });
    }
    if word(service, "-") && word(name, "*?") {
        Ok(())
    } else {
        Err(no_action())
    }
}

/// Is this a resource that one may ask for?
pub(crate) fn check_resource(resource: &str) -> Result<(), NeedError> {
    let mut parts = resource.splitn(6, ':');
    let known = parts.next() == Some("arn")
        && parts
            .next()
            .is_some_and(|partition| partition.starts_with("aws"))
        && parts.next().is_some_and(|service| !service.is_empty())
        && parts.nth(2).is_some_and(|resource| !resource.is_empty());
    // In a template, `{{` begins a reference that CloudFormation fills in.
    let plain = resource
        .chars()
        .all(|letter| !letter.is_control() && !letter.is_whitespace())
        && !resource.contains("{{");
    if known && plain {
        Ok(())
    } else {
        Err(NeedError::NoResource(resource.to_owned()))
    }
}

/// An IAM policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

impl Document {
    /// Does it allow nothing?
    pub(crate) fn is_empty(&self) -> bool {
        self.statement.is_empty()
    }
}

/// A policy, and what its reader should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Least {
    pub(crate) document: Document,
    /// Sentences: lower case, no full stop.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    action: Vec<String>,
    resource: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_asked_for() {
        for action in [
            "ec2:Describe*",
            "s3:GetObject",
            "execute-api:Invoke",
            "a4b:G?t",
        ] {
            assert_eq!(check_action(action), Ok(()), "{action}");
        }
        for action in ["*", "*:*", "iam:*", "s3:**", "e*:Describe", "ec2:?*"] {
            assert_eq!(
                check_action(action),
                Err(NeedError::Everything(action.to_owned())),
                "{action}"
            );
        }
        for action in [
            "",
            "ec2",
            "ec2:",
            ":Get",
            "ec2:Get Object",
            "ec2:Get\n",
            "a:b:c",
        ] {
            assert_eq!(
                check_action(action),
                Err(NeedError::NoAction(action.to_owned())),
                "{action}"
            );
        }
        for resource in [
            "arn:aws:s3:::b/*",
            "arn:aws-us-gov:iam::111122223333:role/${aws:username}",
        ] {
            assert_eq!(check_resource(resource), Ok(()), "{resource}");
        }
        for resource in [
            "*",
            "b",
            "arn:aws:s3:::",
            "arn:aws:s3:::b c",
            "arn:aws:s3:::{{resolve:ssm:x}}",
            "arn:other:s3:::b",
        ] {
            assert!(check_resource(resource).is_err(), "{resource}");
        }
    }
}
