//! Which findings are shown: some checks only, from some severity on, or what is new.

use std::collections::HashMap;

use serde::Deserialize;

use super::fingerprint::{NAME, fingerprint, of};
use super::found::Found;
use crate::args::SelectArgs;
use crate::input::ReadError;

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselineError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is something else.
    #[error("the baseline {name} is not what `check` or `audit` print as JSON or SARIF")]
    Other {
        /// As the person wrote it.
        name: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Baseline {
    Findings { findings: Vec<Known> },
    Sarif { runs: Vec<Run> },
}

#[derive(Deserialize)]
struct Known {
    code: String,
    #[serde(default)]
    account: Option<String>,
    subject: String,
    #[serde(default)]
    address: Option<String>,
    message: String,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    results: Vec<SarifResult>,
}

#[derive(Deserialize)]
struct SarifResult {
    #[serde(rename = "partialFingerprints", default)]
    fingerprints: HashMap<String, String>,
}

/// How often each finding was there before, by its fingerprint.
pub(crate) type Before = HashMap<String, usize>;

impl SelectArgs {
    /// Reads the baseline, where one is named.
    pub(crate) fn before(&self) -> Result<Before, BaselineError> {
        let mut before = Before::new();
        let Some(input) = &self.baseline else {
            return Ok(before);
        };
        let text = input.read()?;
        let read = serde_json::from_str(&text).map_err(|source| BaselineError::Other {
            name: input.name(),
            source,
        })?;
        let marks: Vec<String> = match read {
            Baseline::Findings { findings } => findings
                .iter()
                .map(|known| {
                    let subject = known.address.as_deref().unwrap_or(&known.subject);
                    let account = known.account.as_deref().unwrap_or_default();
                    of(&known.code, account, subject, &known.message)
                })
                .collect(),
            Baseline::Sarif { runs } => runs
                .into_iter()
                .flat_map(|run| run.results)
                .filter_map(|mut result| result.fingerprints.remove(NAME))
                .collect(),
        };
        for mark in marks {
            // One that is alike has a number behind it.
            let mark = mark.split(':').next().unwrap_or_default().to_owned();
            *before.entry(mark).or_default() += 1;
        }
        Ok(before)
    }

    /// Keeps those that are asked for, and of them those that were not there before.
    pub(crate) fn keep(&self, found: &mut Vec<Found>, mut before: Before) {
        found.retain(|found| {
            let code = found.finding.code;
            let asked = self.only.is_empty() || self.only.contains(&code);
            let severe = self
                .min_severity
                .is_none_or(|least| found.finding.severity >= least);
            asked && severe && !self.skip.contains(&code)
        });
        if before.is_empty() {
            return;
        }
        found.retain(|found| match before.get_mut(&fingerprint(found)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
    }
}
