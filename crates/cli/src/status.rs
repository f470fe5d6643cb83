//! How a command ends. The numbers are API: pipelines branch on them.

use std::process::ExitCode;

/// Exit statuses, mildest first: of several, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Done, and nothing at or above the threshold that was asked for.
    Done,
    /// Done, and there is something at or above it.
    Findings,
    /// Some input could not be read or parsed, or the command line makes no sense.
    Unreadable,
}

impl Status {
    /// 0, 1 or 2.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Unreadable => 2,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
