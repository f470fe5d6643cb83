//! What a failed call said, in one line for the log, and what kind of failure it was.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::ports::{IamError, IamErrorKind, Source, chain};

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

    /// As the guard knows failures of IAM.
    pub(crate) fn of_iam(self, operation: &'static str, subject: impl Into<String>) -> IamError {
        let said = |text| self.message.contains(text);
        let kind = match (self.code.as_str(), self.kind()) {
            (_, Kind::Denied) => IamErrorKind::AccessDenied,
            (_, Kind::Throttled) => IamErrorKind::Throttled,
            ("NoSuchEntity", _) => IamErrorKind::NoSuchEntity,
            ("LimitExceeded", _) => IamErrorKind::LimitExceeded,
            // The API's own bound of 131,072 characters comes before the quota.
            ("ValidationError" | "InvalidInput", _) if said("length less than") => {
                IamErrorKind::LimitExceeded
            }
            ("ValidationError" | "InvalidInput", _) if said("arker") => IamErrorKind::InvalidMarker,
            ("MalformedPolicyDocument", _) => match refused_principal(&self.message) {
                Some(principal) => IamErrorKind::RefusedPrincipal(principal.to_owned()),
                None => IamErrorKind::Malformed,
            },
            ("ValidationError" | "InvalidInput", _) => IamErrorKind::Malformed,
            _ => IamErrorKind::Other,
        };
        IamError::new(operation, subject, kind, self.source())
    }

    pub(crate) fn source(self) -> Source {
        Box::new(self)
    }
}

/// The principal in `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/gone"`.
fn refused_principal(message: &str) -> Option<&str> {
    let (_, named) = message.split_once("Invalid principal in policy: ")?;
    let (_, value) = named.split_once(':')?;
    let principal = value.trim().strip_prefix('"')?.split('"').next()?;
    (!principal.is_empty()).then_some(principal)
}
