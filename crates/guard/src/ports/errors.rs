//! What can go wrong, in the words of the domain: one error per port.

use std::error::Error;

/// Why something underneath failed; for the log.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why a call of IAM failed. What is read and does not exist is no error.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub struct IamError {
    /// What was to be done, up to its object: `read`, `write the trust policy of`.
    pub operation: &'static str,
    /// To what: `role X`.
    pub subject: String,
    /// What follows from it.
    pub kind: IamErrorKind,
    /// What IAM said.
    #[source]
    pub source: Source,
}

/// What follows from a failed call of IAM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IamErrorKind {
    /// An SCP, a boundary or a missing permission: no retry will help.
    AccessDenied,
    /// Too many calls: worth trying again.
    Throttled,
    /// What is to be written to, or taken away, is not there.
    NoSuchEntity,
    /// A quota has no room for it.
    LimitExceeded,
    /// IAM does not accept a principal of the document, deleted or not there yet: as it names it
    /// (`Invalid principal in policy: "AWS":"…"`).
    RefusedPrincipal(String),
    /// IAM finds what was sent malformed in a way not listed here: no retry will help.
    Malformed,
    /// IAM no longer knows the marker: the list has to be read from its beginning.
    InvalidMarker,
    /// A write was denied within minutes of the function's start: a deploy may have given the
    /// permission, and IAM not know of it everywhere.
    DeniedAtStart,
    /// Anything else: worth trying again; whether a write happened is unknown.
    Other,
}

impl IamError {
    /// Of one call.
    pub fn new(
        operation: &'static str,
        subject: impl Into<String>,
        kind: IamErrorKind,
        source: impl Into<Source>,
    ) -> Self {
        Self {
            operation,
            subject: subject.into(),
            kind,
            source: source.into(),
        }
    }

    fn words(&self) -> String {
        let Self {
            operation, subject, ..
        } = self;
        match &self.kind {
            IamErrorKind::AccessDenied | IamErrorKind::DeniedAtStart => {
                format!("may not {operation} {subject}")
            }
            IamErrorKind::Throttled => "IAM asks to slow down".to_owned(),
            IamErrorKind::NoSuchEntity => format!("there is no {subject}, or not as it was"),
            IamErrorKind::LimitExceeded => format!("IAM's quotas have no room for it in {subject}"),
            IamErrorKind::RefusedPrincipal(named) => format!("IAM refuses the principal {named}"),
            IamErrorKind::Malformed => "IAM refuses the document".to_owned(),
            IamErrorKind::InvalidMarker => format!("IAM no longer knows where {subject} stopped"),
            IamErrorKind::Other => format!("could not {operation} {subject}"),
        }
    }
}

/// Why state did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The table is gone, throttled, denied or out of reach.
    #[error("state is unavailable")]
    Unavailable {
        /// What happened.
        #[source]
        source: Source,
    },
    /// Someone else saved in between.
    #[error("{what} was changed in between")]
    Conflict {
        /// Which item.
        what: String,
    },
    /// An item is there and cannot be read: damaged, or of a schema this build does not know.
    /// It is not overwritten.
    #[error("{what} cannot be read")]
    Unreadable {
        /// Which item.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
}

/// An order was not accepted by the queue.
#[derive(Debug, thiserror::Error)]
#[error("the order {order} could not be sent")]
pub struct SendOrderError {
    /// Its id.
    pub order: String,
    /// What happened.
    #[source]
    pub source: Source,
}

/// An alert was not accepted by the topic.
#[derive(Debug, thiserror::Error)]
#[error("the alert {incident} could not be published")]
pub struct PublishError {
    /// Its incident.
    pub incident: String,
    /// What happened.
    #[source]
    pub source: Source,
}

/// An error and its causes, `: ` between them.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
