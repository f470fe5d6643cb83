//! `--as`: where a document was read.

use clap::ValueEnum;
use policy::Origin;

/// Where a document was read: IAM shows the ARN of a living principal that was named by its unique id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DocumentOrigin {
    /// Sent to IAM, or to be sent: a unique id is a living principal of an unknown account
    Sent,
    /// Shown by IAM: a unique id is left from a deleted principal
    Shown,
}

impl From<DocumentOrigin> for Origin {
    fn from(origin: DocumentOrigin) -> Self {
        match origin {
            DocumentOrigin::Sent => Self::Sent,
            DocumentOrigin::Shown => Self::Shown,
        }
    }
}
