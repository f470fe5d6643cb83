//! What is asked and decided about incidents.

use clap::{Args, Subcommand};

use super::{AnswerFormat, LiveArgs, RulesArg};

/// `incidents`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct IncidentsArgs {
    /// Which; all of the last days if not said
    #[command(subcommand)]
    pub command: Option<IncidentsCommand>,
    /// Which of them are listed
    #[command(flatten)]
    pub list: IncidentsListArgs,
}

/// `incidents …`
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// The incidents of the last days, the newest first
    List(IncidentsListArgs),
    /// What happened, who did it, before and after, the proof, and what was done
    Show(IncidentsShowArgs),
}

/// `incidents list`
#[derive(Debug, Args)]
pub struct IncidentsListArgs {
    /// The stack, and how to reach it
    #[command(flatten)]
    pub live: LiveArgs,
    /// How far back, in days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=31))]
    pub days: u8,
    /// Only what is still exposed
    #[arg(long)]
    pub open: bool,
    /// People or machines
    #[arg(long, value_name = "F", default_value = "human")]
    pub format: AnswerFormat,
}

/// `incidents show`
#[derive(Debug, Args)]
pub struct IncidentsShowArgs {
    /// The stack, and how to reach it
    #[command(flatten)]
    pub live: LiveArgs,
    /// People or machines
    #[arg(long, value_name = "F", default_value = "human")]
    pub format: AnswerFormat,
    /// The incident
    #[arg(value_name = "TW-…")]
    pub incident: String,
}

/// `approve`
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The stack, and how to reach it
    #[command(flatten)]
    pub live: LiveArgs,
    /// The rules that --write-rule changes
    #[command(flatten)]
    pub rules: RulesArg,
    /// Show the change to the rules that allows this from the next deploy on; with --yes, write it
    #[arg(long, conflicts_with_all = ["reason", "expires"])]
    pub write_rule: bool,
    /// Why it may stand until the rules allow it
    #[arg(long, value_name = "TEXT", required_unless_present = "write_rule")]
    pub reason: Option<String>,
    /// Until when: a day, as 2027-03-31, within 30 days [default: 7 days from now]
    #[arg(long, value_name = "DAY")]
    pub expires: Option<String>,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
    /// The incident
    #[arg(value_name = "TW-…")]
    pub incident: String,
}

/// `undo`
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The stack, and how to reach it
    #[command(flatten)]
    pub live: LiveArgs,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
    /// The incident whose remediation is taken back
    #[arg(value_name = "TW-…")]
    pub incident: String,
}
