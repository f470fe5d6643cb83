//! `policy …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{input, moment};
use crate::input::Input;

/// `policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print the least-privilege policy for a list of actions, or for what a role really did
    Generate(Box<PolicyGenerateArgs>),
}

/// `policy generate`
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").multiple(true).required(true)
    .args(["action", "profile", "from_cloudtrail"]))]
pub struct PolicyGenerateArgs {
    /// An action that is needed, as ec2:Describe* (may be given several times)
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub action: Vec<String>,
    /// The ARN of what it is done to, where that can be limited (may be given several times)
    #[arg(long, value_name = "ARN")]
    pub resource: Vec<String>,
    /// A file with `actions` and `resources`, or an IAM policy; `-` is standard input
    #[arg(long, value_name = "FILE", value_parser = input())]
    pub profile: Option<Input>,
    /// CloudTrail logs, as `replay` reads them: what the role did (may be given several times)
    #[arg(long, value_name = "PATH", requires = "role")]
    pub from_cloudtrail: Vec<PathBuf>,
    /// The role, by its name or ARN
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// Leave out what happened before this moment, RFC 3339 or a date
    #[arg(long, value_name = "T", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Leave out what happened at or after this moment, RFC 3339 or a date
    #[arg(long, value_name = "T", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// Files read at the same time; default: one a core
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Print, instead of the policy, how it differs from what is held: a policy, or --role in what
    /// `aws iam get-account-authorization-details` prints
    #[arg(long, value_name = "FILE", value_parser = input())]
    pub compare: Option<Input>,
}
