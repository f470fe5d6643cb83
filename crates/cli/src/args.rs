//! The command line.

mod guardrail;
#[cfg(feature = "live")]
mod incidents;
mod policy;
mod rules;
mod select;
mod vendor;

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use guard::{Check, Severity};
use jiff::Timestamp;

use crate::input::Input;
use crate::origin::DocumentOrigin;

pub use self::guardrail::{GuardedServiceName, RulesGuardrailArgs};
#[cfg(feature = "live")]
pub use self::incidents::{
    ApproveArgs, IncidentsArgs, IncidentsCommand, IncidentsListArgs, IncidentsShowArgs, UndoArgs,
};
pub use self::policy::{PolicyCommand, PolicyGenerateArgs};
#[cfg(feature = "live")]
pub use self::rules::RulesAccountsArgs;
pub use self::rules::{
    RulesCheckArgs, RulesCommand, RulesCompileArgs, RulesDiffArgs, RulesInitArgs, RulesPublishArgs,
};
pub use self::select::SelectArgs;
pub use self::vendor::{
    PageFormat, VendorCommand, VendorDriftArgs, VendorFileArgs, VendorListArgs, VendorNewArgs,
    VendorRemoveArgs, VendorRenewArgs, VendorReviewArgs,
};

/// Who outside can assume roles in your AWS account, and do your access rules allow it?
#[derive(Debug, Parser)]
#[command(
    name = "trustwarden",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done; 1 findings at or above --fail-on; 2 usage, or input that \
                  could not be read.\nData goes to standard output, everything else to standard \
                  error; `-` is standard input; no network unless a command says so."
)]
pub struct CommandLine {
    /// Colors on a terminal
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Who can assume a role by its trust policy
    Analyze(AnalyzeArgs),
    /// Would one concrete request be allowed?
    Simulate(SimulateArgs),
    /// Findings for trust policies, as before a deploy
    Check(CheckArgs),
    /// A whole account: who outside can assume which role, and what violates the rules
    Audit(AuditArgs),
    /// What the deployed guard would have said and done about CloudTrail logs
    Replay(ReplayArgs),
    /// Validate, compile or create the rules file
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Third parties: register, list, renew, review, compare or remove them
    #[command(subcommand)]
    Vendor(VendorCommand),
    /// What a third party must be able to do, as an IAM policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// A check: what it means, why it matters, what to do
    Explain(ExplainArgs),
    /// Send a marked alert through every channel of the deployed guard (live)
    #[cfg(feature = "live")]
    TestAlert(LiveArgs),
    /// Check the deployed stack and its alert subscriptions (live)
    #[cfg(feature = "live")]
    Status(LiveArgs),
    /// What an uninstall would leave behind: quarantines and session denies (live)
    #[cfg(feature = "live")]
    UninstallCheck(LiveArgs),
    /// Give a quarantined role its trust policy back, or list what can be restored (live)
    #[cfg(feature = "live")]
    Restore(RestoreArgs),
    /// What happened, who did it, what was done (live)
    #[cfg(feature = "live")]
    Incidents(IncidentsArgs),
    /// Let what an incident is about stand: by a rule, or for a while (live)
    #[cfg(feature = "live")]
    Approve(ApproveArgs),
    /// Take back what the guard did in an incident (live)
    #[cfg(feature = "live")]
    Undo(UndoArgs),
    /// Generate shell completions
    Completions(CompletionsArgs),
    /// The manual page
    Man,
}

/// People or machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// Sentences
    Human,
    /// One JSON object
    Json,
}

/// `analyze`
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// The account that owns the role, 12 digits; without it every account is external
    #[arg(long, value_name = "ID", value_parser = account_id)]
    pub account: Option<String>,
    /// Its organization, `o-…`
    #[arg(long, value_name = "ID", value_parser = organization_id)]
    pub organization: Option<String>,
    /// The moment from which on the document is judged, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// Whether the document was sent to IAM or is shown by it
    #[arg(long = "as", value_name = "ORIGIN", default_value = "sent")]
    pub origin: DocumentOrigin,
    /// How to print the answer; default: human for one file, JSON Lines with `file` for several
    #[arg(long)]
    pub format: Option<AnswerFormat>,
    /// Do not look for a request that proves each grant
    #[arg(long)]
    pub no_witness: bool,
    /// One `{"id","account","organization"?,"now"?,"policy"}` a line in, one answer a line out
    #[arg(long, conflicts_with = "format")]
    pub jsonl: bool,
    /// Trust policies; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_parser = input())]
    pub files: Vec<Input>,
}

/// `simulate`
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// The account that owns the role, 12 digits; without it every account is external
    #[arg(long, value_name = "ID", value_parser = account_id)]
    pub account: Option<String>,
    /// Its organization, `o-…`
    #[arg(long, value_name = "ID", value_parser = organization_id)]
    pub organization: Option<String>,
    /// The moment of the request where it does not say `aws:CurrentTime`; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// How to print the decision
    #[arg(long, default_value = "human")]
    pub format: AnswerFormat,
    /// The trust policy; `-` is standard input
    #[arg(value_parser = input())]
    pub policy: Input,
    /// `{"principal":{"type","value"},"action","context"}`; `-` is standard input
    #[arg(value_parser = input())]
    pub request: Input,
}

/// People, programs or code scanning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FindingFormat {
    /// A list, the worst first
    Human,
    /// `{"findings":[…],"summary":{…}}`
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
    /// JUnit's XML
    Junit,
    /// A row a finding
    Csv,
}

/// The rules by which something is judged.
#[derive(Debug, Clone, Args)]
pub struct RulesArg {
    /// The rules file (YAML), or the compiled rules (JSON)
    #[arg(
        id = "rules",
        long = "rules",
        value_name = "FILE",
        env = "TRUSTWARDEN_RULES",
        default_value = "rules/access.yaml"
    )]
    #[arg(value_parser = input())]
    pub file: Input,
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// The account that owns the roles, where the input does not say it
    #[arg(long, value_name = "ID", value_parser = account_id)]
    pub account: Option<String>,
    /// The region that CloudFormation templates are deployed to
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// A parameter of CloudFormation templates (may be given several times); default: its own
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub parameter: Vec<(String, String)>,
    /// The role's name, where the input does not say it
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// The moment from which on the documents are judged, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// Whether the documents were sent to IAM or are shown by it; default: policies and templates
    /// were sent, what the AWS CLI prints is shown
    #[arg(long = "as", value_name = "ORIGIN")]
    pub origin: Option<DocumentOrigin>,
    /// How to print the findings; several: each with its --output
    #[arg(long)]
    pub format: Vec<FindingFormat>,
    /// Where to write (may be given several times, as --format); default: standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Which findings
    #[command(flatten)]
    pub select: SelectArgs,
    /// Exit with 1 if there is a finding of this severity or worse
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "high",
        ignore_case = true
    )]
    pub fail_on: Severity,
    /// Trust policies, what `aws iam get-role`, `list-roles` and `get-account-authorization-details`
    /// print, CloudFormation and SAM templates in JSON or YAML, what `terraform show -json` prints,
    /// or a folder of templates, as `cdk.out`; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_parser = input())]
    pub files: Vec<Input>,
}

/// People, programs, code scanning or a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// Findings, the worst first; a table of external access; a summary
    Human,
    /// `{"findings":[…],"access":[…],"summary":{…}}`
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// A row a finding
    Csv,
    /// A row a third party and a role that it can assume
    AccessCsv,
    /// AWS Security Finding Format, for Security Hub
    Asff,
    /// OCSF 1.3.0, a Compliance Finding a line
    Ocsf,
    /// One file for a browser, which needs no network
    Html,
}

/// `audit`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// What `aws iam get-account-authorization-details` prints: all pages in one file, one page a
    /// file, or a folder of them; several accounts, too; `-` is standard input
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = input())]
    #[cfg_attr(feature = "live", arg(required_unless_present = "live"))]
    #[cfg_attr(not(feature = "live"), arg(required = true))]
    pub authorization_details: Vec<Input>,
    /// What `aws iam get-credential-report` prints, or the CSV in it
    #[arg(long, value_name = "FILE", num_args = 1.., value_parser = input())]
    pub credential_report: Vec<Input>,
    /// What `aws iam get-service-last-accessed-details` prints about a role that third parties can assume, in
    /// a file `ROLE.json`; or a folder of such files
    #[arg(long, value_name = "PATH", num_args = 1.., value_parser = input())]
    pub last_accessed: Vec<Input>,
    /// Read the account that the AWS credentials in the environment name, and its credential report
    #[cfg(feature = "live")]
    #[arg(long, conflicts_with_all = ["authorization_details", "credential_report"])]
    pub live: bool,
    /// The AWS profile to read with
    #[cfg(feature = "live")]
    // What conflicts with --live makes that no longer required.
    #[arg(long, value_name = "NAME", requires = "live")]
    #[arg(conflicts_with_all = ["authorization_details", "credential_report"])]
    pub profile: Option<String>,
    /// The moment to judge age and expiry at, RFC 3339 or a date; default: the clock
    #[arg(long, value_name = "T", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// How to print; several: each with its --output
    #[arg(long)]
    pub format: Vec<AuditFormat>,
    /// Where to write (may be given several times, as --format); default: standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// The region of Security Hub, for the formats asff and ocsf; default: us-east-1
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Which findings
    #[command(flatten)]
    pub select: SelectArgs,
    /// Exit with 1 if there is a finding of this severity or worse
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "high",
        ignore_case = true
    )]
    pub fail_on: Severity,
}

/// People or machines, one line an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// A list, in order of time, and a summary
    Human,
    /// One JSON object an alert, and a summary
    Jsonl,
}

/// Says, or says and does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Alert only
    Alert,
    /// Put trust policies right
    Enforce,
}

/// `replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// Print only what differs from these older rules
    #[arg(long, value_name = "OLD_RULES", value_parser = input())]
    pub against: Option<Input>,
    /// What the stack's mode would have been; plans are printed whatever it is
    #[arg(long, default_value = "alert")]
    pub mode: ModeArg,
    /// Leave out what happened before this moment, RFC 3339 or a date
    #[arg(long, value_name = "T", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Leave out what happened at or after this moment, RFC 3339 or a date
    #[arg(long, value_name = "T", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// Only what happened in this region (may be given several times)
    #[arg(long, value_name = "R")]
    pub region: Vec<String>,
    /// Files read at the same time; default: one a core
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Exit with 1 if there is an alert of this severity or worse
    #[arg(long, value_name = "SEVERITY", ignore_case = true)]
    pub fail_on: Option<Severity>,
    /// Exit with 1 if the rules and those of --against differ in any alert
    #[arg(long, requires = "against")]
    pub fail_on_change: bool,
    /// How to print
    #[arg(long, default_value = "human")]
    pub format: ReplayFormat,
    /// Where to write; default: standard output. Written whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// `.json`, `.json.gz`, `.jsonl` files of CloudTrail records, and folders of them; `-` is
    /// standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A check's code, as `missing-external-id`; none: the list of all
    pub code: Option<String>,
}

/// The deployed guard.
#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub struct LiveArgs {
    /// The stack's name
    #[arg(long, value_name = "NAME", default_value = "trustwarden")]
    pub stack: String,
    /// The AWS profile to use
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region the stack is in
    #[arg(long, value_name = "R")]
    pub region: Option<String>,
}

/// `restore`
#[cfg(feature = "live")]
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The stack, and how to reach it
    #[command(flatten)]
    pub live: LiveArgs,
    /// By which rules
    #[command(flatten)]
    pub rules: RulesArg,
    /// The incident whose kept document to restore; default: the newest one
    #[arg(long, value_name = "TW-…", conflicts_with = "baseline")]
    pub incident: Option<String>,
    /// The approved document to restore instead: 1 is the newest, as listed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub baseline: Option<u16>,
    /// Restore a document that violates the rules; CloudTrail records the reason
    #[arg(long, requires = "reason")]
    pub force: bool,
    /// Why it is right all the same
    #[arg(long, value_name = "TEXT", requires = "force")]
    pub reason: Option<String>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The role's name
    #[arg(value_name = "ROLE")]
    pub role: Option<String>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    pub shell: clap_complete::Shell,
}

fn input() -> impl TypedValueParser<Value = Input> {
    PathBufValueParser::new().map(Input::new)
}

#[derive(Debug, thiserror::Error)]
enum ArgumentError {
    #[error("an account id has 12 digits")]
    Account,
    #[error("an organization id is `o-` and lowercase letters or digits")]
    Organization,
    #[error("a parameter is given as NAME=VALUE")]
    Parameter,
    #[error("neither RFC 3339 (2026-11-21T00:00:00Z) nor a date (2026-11-21)")]
    Moment,
}

fn parameter(text: &str) -> Result<(String, String), ArgumentError> {
    let (name, value) = text.split_once('=').ok_or(ArgumentError::Parameter)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn account_id(text: &str) -> Result<String, ArgumentError> {
    guard::rules::is_account_id(text)
        .then(|| text.to_owned())
        .ok_or(ArgumentError::Account)
}

fn organization_id(text: &str) -> Result<String, ArgumentError> {
    let right = text.strip_prefix("o-").is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    right
        .then(|| text.to_owned())
        .ok_or(ArgumentError::Organization)
}

/// A date stands for its first moment in UTC, which is how CloudTrail's folders count days.
fn moment(text: &str) -> Result<Timestamp, ArgumentError> {
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| ArgumentError::Moment)?;
    let zoned = date
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|_| ArgumentError::Moment)?;
    Ok(zoned.timestamp())
}

/// All codes, for suggestions.
pub fn codes() -> impl Iterator<Item = &'static str> {
    Check::ALL.iter().map(|check| check.code())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_date_is_its_first_moment() {
        assert_eq!(
            moment("2026-11-21").unwrap().to_string(),
            "2026-11-21T00:00:00Z"
        );
        assert_eq!(
            moment("2026-11-21T01:02:03Z").unwrap().to_string(),
            "2026-11-21T01:02:03Z"
        );
        assert!(moment("yesterday").is_err());
    }
}
