//! What a failed call said, in one line for the log, and what kind of failure it was.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::ports::Source;

/// A failed call. The SDK's own error prints as "service error" and holds whole requests; this
/// keeps the words.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {said}")]
pub(crate) struct Failure {
    call: &'static str,
    /// The service's error code; empty where no service answered.
    pub(crate) code: String,
    /// The service's message; empty where no service answered.
    pub(crate) message: String,
    said: String,
}

/// What follows from a failure, whatever the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A permission is missing, or a policy (SCP, boundary) denies the call.
    Denied,
    /// Too many calls.
    Throttled,
    /// The code says the rest.
    Other,
}

impl Failure {
    pub(crate) fn of<E, R>(call: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let (code, message) = match error.as_service_error() {
            Some(service) => (
                service.code().unwrap_or("no error code").to_owned(),
                service.message().unwrap_or_default().to_owned(),
            ),
            None => (String::new(), String::new()),
        };
        let said = match (code.is_empty(), message.is_empty()) {
            (true, _) => chain(error),
            (false, true) => code.clone(),
            (false, false) => format!("{code}: {message}"),
        };
        Self {
            call,
            code,
            message,
            said,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.code.as_str() {
            // UnmodifiableEntity is how IAM protects what a service owns.
            "AccessDenied"
            | "AccessDeniedException"
            | "AuthorizationError"
            | "UnauthorizedOperation"
            | "UnmodifiableEntity" => Kind::Denied,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "ProvisionedThroughputExceededException"
            | "TooManyRequestsException"
            | "SlowDown" => Kind::Throttled,
            _ => Kind::Other,
        }
    }

    pub(crate) fn source(self) -> Source {
        Box::new(self)
    }
}

/// The error and its causes, outermost first.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
