//! `vendor …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::{AnswerFormat, RulesArg, account_id, input, moment};
use crate::input::Input;

/// `vendor …`
#[derive(Debug, Subcommand)]
pub enum VendorCommand {
    /// The third parties of the rules, and how long each still has access
    List(VendorListArgs),
    /// Register a third party in the rules file, and print its role as a CloudFormation template
    New(Box<VendorNewArgs>),
    /// Give a third party's access a later end in the rules file
    Renew(VendorRenewArgs),
    /// Take a third party out of the rules file
    Remove(VendorRemoveArgs),
    /// Everything about a third party, or each of them, on a page for the yearly review
    Review(VendorReviewArgs),
    /// How a third party's roles differ from the template that `vendor new` makes of its rule
    Drift(VendorDriftArgs),
}

/// `vendor new`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "What is missing is asked for on a terminal. The template goes to standard \
                        output unless --template names a file."
)]
pub struct VendorNewArgs {
    /// The third party's name, which no other vendor has
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// An account it comes from, 12 digits (may be given several times)
    #[arg(long, value_name = "ID", value_parser = account_id, value_delimiter = ',')]
    pub account: Vec<String>,
    /// The ARN of a role or user it comes as, which is narrower than its whole account (may be
    /// given several times)
    #[arg(long, value_name = "ARN")]
    pub principal: Vec<String>,
    /// The name of the role to be made for it (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub role: Vec<String>,
    /// An action it must be able to do, as ec2:Describe* (may be given several times)
    #[arg(long, value_name = "ACTION", value_delimiter = ',')]
    pub action: Vec<String>,
    /// A file with what it must do: `actions` and `resources`, or an IAM policy
    #[arg(long, value_name = "FILE", value_parser = input())]
    pub profile: Option<Input>,
    /// The ARN of what it may do that to (may be given several times); default: everything
    #[arg(long, value_name = "ARN")]
    pub resource: Vec<String>,
    /// Who answers for it on your side
    #[arg(long, value_name = "WHO")]
    pub owner: Option<String>,
    /// Where it was approved
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// The last day of its access (2027-03-31), or a moment
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// How long one session may last: 1h to 12h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = session_seconds)]
    pub session_duration: u32,
    /// The external id that the vendor made, one for each --role; default: a random one
    #[arg(long, value_name = "ID")]
    pub external_id: Vec<String>,
    /// The rules file that gets the entry
    #[arg(long, value_name = "FILE", default_value = "rules/access.yaml")]
    pub rules: PathBuf,
    /// Where the CloudFormation template goes; a file that is there is not overwritten
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Overwrite the template's file
    #[arg(long, requires = "template")]
    pub force: bool,
    /// Write no file: print the entry and the template
    #[arg(long)]
    pub dry_run: bool,
    /// The moment to judge dates at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
}

/// `vendor list`
#[derive(Debug, Args)]
pub struct VendorListArgs {
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// The moment to judge dates at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// How to print
    #[arg(long, default_value = "human")]
    pub format: AnswerFormat,
}

/// The rules file that is edited
#[derive(Debug, Clone, Args)]
pub struct VendorFileArgs {
    /// The rules file
    #[arg(
        long,
        value_name = "FILE",
        env = "TRUSTWARDEN_RULES",
        default_value = "rules/access.yaml"
    )]
    pub rules: PathBuf,
    /// Write no file: print the lines that would change
    #[arg(long)]
    pub dry_run: bool,
}

/// `vendor renew`
#[derive(Debug, Args)]
pub struct VendorRenewArgs {
    /// The third party's name, as the rules have it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The last day of its access (2027-03-31), or a moment
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Where that was approved
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// Where
    #[command(flatten)]
    pub file: VendorFileArgs,
    /// The moment to judge dates at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
}

/// `vendor remove`
#[derive(Debug, Args)]
#[command(after_help = "Exit status 1 where roles still trust it: nothing is written then.")]
pub struct VendorRemoveArgs {
    /// The third party's name, as the rules have it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What `aws iam get-account-authorization-details` prints, as `audit` reads it: nothing is
    /// removed while a role there trusts the third party
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = input())]
    pub authorization_details: Vec<Input>,
    /// Remove it although roles trust it
    #[arg(long, requires = "authorization_details")]
    pub force: bool,
    /// Where
    #[command(flatten)]
    pub file: VendorFileArgs,
    /// The moment to judge dates at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
}

/// A terminal, or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// Lines
    Text,
    /// Markdown
    Markdown,
}

/// `vendor review`
#[derive(Debug, Args)]
pub struct VendorReviewArgs {
    /// The third party's name, as the rules have it; default: a page for each
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// What `aws iam get-account-authorization-details` prints, as `audit` reads it
    #[arg(long, value_name = "PATH", required = true, num_args = 1.., value_parser = input())]
    pub authorization_details: Vec<Input>,
    /// What `aws iam get-credential-report` prints, or the CSV in it
    #[arg(long, value_name = "FILE", num_args = 1.., value_parser = input())]
    pub credential_report: Vec<Input>,
    /// What `aws iam get-service-last-accessed-details` prints about a role of it, as `audit` reads
    /// it: permissions that were never used are findings then
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = input())]
    pub last_accessed: Vec<Input>,
    /// The moment of the review, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// How to print
    #[arg(long, default_value = "text")]
    pub format: PageFormat,
}

/// `vendor drift`
#[derive(Debug, Args)]
#[command(after_help = "Exit status 1 where a role differs.")]
pub struct VendorDriftArgs {
    /// The third party's name, as the rules have it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// What `aws iam get-account-authorization-details` prints, as `audit` reads it; what
    /// `aws iam list-roles` prints tells how long sessions may last, if it is named as well
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = input())]
    #[cfg_attr(feature = "live", arg(required_unless_present = "live"))]
    #[cfg_attr(not(feature = "live"), arg(required = true))]
    pub authorization_details: Vec<Input>,
    /// Read the account that the AWS credentials in the environment name
    #[cfg(feature = "live")]
    #[arg(long, conflicts_with = "authorization_details")]
    pub live: bool,
    /// The AWS profile to read with
    #[cfg(feature = "live")]
    #[arg(long, value_name = "NAME", requires = "live")]
    #[arg(conflicts_with = "authorization_details")]
    pub profile: Option<String>,
    /// The template that `vendor new` wrote; default: as it would be made of the rule
    #[arg(long, value_name = "FILE", value_parser = input())]
    pub template: Option<Input>,
    /// How long one session may last: 1h to 12h; default: as the template says
    #[arg(long, value_name = "TIME", value_parser = session_seconds)]
    pub session_duration: Option<u32>,
    /// The moment to judge dates at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// How to print
    #[arg(long, default_value = "human")]
    pub format: AnswerFormat,
}

#[derive(Debug, thiserror::Error)]
#[error("write 1h to 12h, or 3600 to 43200 seconds")]
struct SessionError;

/// A role's longest session, as far as IAM admits it.
fn session_seconds(text: &str) -> Result<u32, SessionError> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 'h')) => (text.get(..at), 3_600),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 's')) => (text.get(..at), 1),
        _ => (Some(text), 1),
    };
    number
        .and_then(|number| number.parse::<u32>().ok())
        .and_then(|number| number.checked_mul(unit))
        .filter(|seconds| (3_600..=43_200).contains(seconds))
        .ok_or(SessionError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_an_hour_to_twelve() {
        for (text, expected) in [
            ("1h", Some(3_600)),
            ("12h", Some(43_200)),
            ("90m", Some(5_400)),
            ("3600", Some(3_600)),
            ("7200s", Some(7_200)),
            ("59m", None),
            ("13h", None),
            ("h", None),
            ("", None),
            ("-1h", None),
            ("99999999999h", None),
            ("4294967295h", None),
        ] {
            assert_eq!(session_seconds(text).ok(), expected, "{text}");
        }
    }
}
