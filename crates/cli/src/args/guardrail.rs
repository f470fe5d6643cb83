//! The arguments of `rules guardrail`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use guard::guardrail::GuardedService;
use jiff::Timestamp;

use super::{input, moment};
use crate::input::Input;

/// `rules guardrail`
#[derive(Debug, Args)]
pub struct RulesGuardrailArgs {
    /// Resource control policies that refuse sts:AssumeRole* to callers that the rules do not name
    #[arg(long, required = true)]
    pub rcp: bool,
    /// A region of the EKS clusters that the rules name (may be given several times)
    #[arg(long, value_name = "R")]
    pub eks_region: Vec<String>,
    /// Refuse sign-ins by web identity and SAML although the rules name no identity provider
    #[arg(long)]
    pub federation: bool,
    /// Leave resources alone that have this tag (may be given several times)
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub exclude_tag: Vec<(String, String)>,
    /// Leave this role alone, as one for an emergency; `*` stands for any account (may be given
    /// several times)
    #[arg(long, value_name = "ARN", value_parser = role)]
    pub exclude_role: Vec<String>,
    /// Keep accounts outside from these services as well, and services of AWS that act for them
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    pub services: Vec<GuardedServiceName>,
    /// List who would have been refused, by CloudTrail logs, and print no policy without --output;
    /// exit status 1 if there is anybody (may be given several times)
    #[arg(long, value_name = "PATH")]
    pub against_trail: Vec<PathBuf>,
    /// List who has access by the trust policies of these accounts and would lose it, by what `aws iam
    /// get-account-authorization-details` prints, or a folder of such; else as --against-trail
    #[arg(long, value_name = "PATH", value_parser = input())]
    pub against_export: Vec<Input>,
    /// The folder to write trustwarden-rcp-1.json … to; default: standard output, one a line
    #[arg(long, short, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// The moment to judge expiry at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// The rules file; `-` is standard input
    #[arg(default_value = "rules/access.yaml", value_parser = input())]
    pub file: Input,
}

/// A service that the policies may guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GuardedServiceName {
    /// Buckets and objects
    S3,
    /// Keys
    Kms,
    /// Queues
    Sqs,
    /// Secrets
    #[value(name = "secretsmanager")]
    SecretsManager,
    /// Repositories of images
    Ecr,
}

impl From<GuardedServiceName> for GuardedService {
    fn from(name: GuardedServiceName) -> Self {
        match name {
            GuardedServiceName::S3 => Self::S3,
            GuardedServiceName::Kms => Self::Kms,
            GuardedServiceName::Sqs => Self::Sqs,
            GuardedServiceName::SecretsManager => Self::SecretsManager,
            GuardedServiceName::Ecr => Self::Ecr,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum ExclusionError {
    #[error("a tag is given as KEY=VALUE, neither with a wildcard")]
    Tag,
    #[error("a role is given by its ARN, as arn:aws:iam::*:role/BreakGlass")]
    Role,
}

/// A wildcard would be text to the operator that compares it.
fn tag(text: &str) -> Result<(String, String), ExclusionError> {
    let (key, value) = text.split_once('=').ok_or(ExclusionError::Tag)?;
    let plain = !key.is_empty() && !text.contains(['*', '?', '$']);
    plain
        .then(|| (key.to_owned(), value.to_owned()))
        .ok_or(ExclusionError::Tag)
}

/// Not every role: that would leave nothing to guard.
fn role(text: &str) -> Result<String, ExclusionError> {
    let name = text
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":role/"))
        .map(|(_, name)| name.trim_matches(['*', '?', '/']));
    name.filter(|name| !name.is_empty() && !text.contains('$'))
        .map(|_| text.to_owned())
        .ok_or(ExclusionError::Role)
}
