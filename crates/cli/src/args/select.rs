//! Which findings are asked for.

use guard::{Check, Severity};

use crate::input::Input;

/// What the command line asks for.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SelectArgs {
    /// Show only findings of this check (may be given several times, or as a list with commas)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub only: Vec<Check>,
    /// Leave out findings of this check (likewise)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub skip: Vec<Check>,
    /// Leave out findings that are less severe
    #[arg(long, value_name = "SEVERITY", ignore_case = true)]
    pub min_severity: Option<Severity>,
    /// Leave out what an earlier run found: its output as JSON or SARIF
    #[arg(long, value_name = "FILE", value_parser = super::input())]
    pub baseline: Option<Input>,
}
