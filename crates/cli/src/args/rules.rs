//! The arguments of `rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

#[cfg(feature = "live")]
use super::LiveArgs;
use super::guardrail::RulesGuardrailArgs;
use super::{ModeArg, input, moment};
use crate::input::Input;

/// `rules …`
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Is the rules file right, and what in it is doubtful?
    Check(RulesCheckArgs),
    /// Print what the functions load: rules and accounts as one JSON document
    Compile(RulesCompileArgs),
    /// Publish the rules as a version of the layer that the functions load (live), or write its zip
    Publish(RulesPublishArgs),
    /// What these rules say otherwise than others, and judge otherwise in a sample of logs
    Diff(RulesDiffArgs),
    /// Print the JSON schema of the rules file, for completion in an editor
    Schema,
    /// Print prevention from the same rules: resource control policies for AWS Organizations
    Guardrail(RulesGuardrailArgs),
    /// Print a commented first rules file
    Init(RulesInitArgs),
    /// Print the organization's accounts, as accounts_file holds them (live)
    #[cfg(feature = "live")]
    Accounts(RulesAccountsArgs),
}

/// `rules check`
#[derive(Debug, Args)]
pub struct RulesCheckArgs {
    /// The moment to judge expiry at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// The rules file; `-` is standard input
    #[arg(default_value = "rules/access.yaml", value_parser = input())]
    pub file: Input,
}

/// `rules compile`
#[derive(Debug, Args)]
pub struct RulesCompileArgs {
    /// Where to write; default: standard output. Written whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The rules file; `-` is standard input
    #[arg(default_value = "rules/access.yaml", value_parser = input())]
    pub file: Input,
}

/// `rules publish`
#[derive(Debug, Args)]
#[command(after_help = "Prints the version's ARN, for the parameter RulesLayerArn of the stack.")]
pub struct RulesPublishArgs {
    /// Write the layer's zip, as for a signature, and publish nothing
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The stack whose layer it is
    #[cfg(feature = "live")]
    #[command(flatten)]
    pub live: LiveArgs,
    /// The rules file; `-` is standard input
    #[arg(default_value = "rules/access.yaml", value_parser = input())]
    pub file: Input,
}

/// `rules diff`
#[derive(Debug, Args)]
pub struct RulesDiffArgs {
    /// The rules file before
    #[arg(long, value_name = "OLD_RULES", value_parser = input())]
    pub against: Input,
    /// CloudTrail logs that both are to judge, as `replay` reads them (may be given several times)
    #[arg(long, value_name = "PATH")]
    pub sample: Vec<PathBuf>,
    /// What the stack's mode would have been
    #[arg(long, default_value = "alert")]
    pub mode: ModeArg,
    /// Exit with 1 if anything differs
    #[arg(long)]
    pub fail_on_change: bool,
    /// The rules file
    #[arg(default_value = "rules/access.yaml", value_parser = input())]
    pub file: Input,
}

/// `rules init`
#[derive(Debug, Args)]
pub struct RulesInitArgs {
    /// Propose vendors, accounts and providers from the roles of the account that the AWS
    /// credentials in the environment name. A proposal is no approval: read it before you keep it
    #[cfg(feature = "live")]
    #[arg(long)]
    pub live: bool,
    /// The AWS profile to read with
    #[cfg(feature = "live")]
    #[arg(long, value_name = "NAME", requires = "live")]
    pub profile: Option<String>,
}

/// `rules accounts`
#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub struct RulesAccountsArgs {
    /// Read them from AWS Organizations
    #[arg(long, required = true)]
    pub live: bool,
    /// The AWS profile to read with
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}
