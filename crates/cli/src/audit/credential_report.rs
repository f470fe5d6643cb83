//! The credential report: CSV, or the JSON in which the AWS CLI wraps it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guard::account::{CredentialReportError, Credentials, read_credential_report};
use serde::Deserialize;

use crate::decoded::other_output;

/// A credential report, or a row of one, that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// JSON without the report in it.
    #[error(
        "it is JSON, and not what `aws iam get-credential-report` prints: it has no Content in \
         base64"
    )]
    NoContent,
    /// The AWS CLI's, in another format.
    #[error("it is {what}: write it again with `--output json`")]
    OtherOutput {
        /// Which format.
        what: &'static str,
    },
    /// It is CSV, or should be.
    #[error(transparent)]
    Csv(#[from] CredentialReportError),
}

/// Gives each row of a report to `take`, with its line; a row that cannot be read does not stop the
/// others.
pub(crate) fn read(
    text: &str,
    take: &mut dyn FnMut(Result<(Credentials, u64), CredentialReportError>),
) -> Result<(), ReportError> {
    let unwrapped;
    let text = if text.trim_start().starts_with('{') {
        unwrapped = content(text)?;
        &unwrapped
    } else {
        text
    };
    read_credential_report(text, take).map_err(|error| match error {
        CredentialReportError::NoUser => match other_output(text.as_bytes()) {
            Some(what) => ReportError::OtherOutput { what },
            None => error.into(),
        },
        error => error.into(),
    })
}

fn content(text: &str) -> Result<String, ReportError> {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(rename = "Content")]
        content: String,
    }
    let wrapped: Wrapped = serde_json::from_str(text).map_err(|_| ReportError::NoContent)?;
    let bytes = STANDARD
        .decode(wrapped.content.trim())
        .map_err(|_| ReportError::NoContent)?;
    String::from_utf8(bytes).map_err(|_| ReportError::NoContent)
}
