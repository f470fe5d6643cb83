//! What can go wrong, in the words of the domain: one enum per operation.

use std::error::Error;

/// Why something underneath failed; for the log.
pub type Source = Box<dyn Error + Send + Sync>;

/// Why a role could not be read. A role that does not exist is no error.
#[derive(Debug, thiserror::Error)]
pub enum ReadRoleError {
    /// A permission is missing, or a policy denies it.
    #[error("may not read role {role}")]
    AccessDenied {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Too many calls: worth trying again.
    #[error("IAM asks to slow down")]
    Throttled {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else: worth trying again.
    #[error("role {role} could not be read")]
    Other {
        /// Its name.
        role: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why it could not be read what a role or user may do.
#[derive(Debug, thiserror::Error)]
pub enum ReadPermissionsError {
    /// A permission is missing, or a policy denies it.
    #[error("may not read {what}")]
    AccessDenied {
        /// As `the policies of role X`.
        what: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Too many calls: worth trying again.
    #[error("IAM asks to slow down")]
    Throttled {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else: worth trying again.
    #[error("{what} could not be read")]
    Other {
        /// As `the policies of role X`.
        what: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why a change of permissions was not undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// An SCP, a boundary or a missing permission.
    #[error("may not change the policies of {name}")]
    AccessDenied {
        /// The role or user.
        name: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// What was to be taken away is not there, or who holds it.
    #[error("what was to be undone of {name} is not there")]
    NotThere {
        /// The role or user.
        name: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else; whether the write happened is unknown.
    #[error("the policies of {name} could not be changed")]
    Other {
        /// The role or user.
        name: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why a trust policy was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteTrustPolicyError {
    /// IAM does not accept a principal of the document: deleted, or not there yet.
    #[error("IAM refuses the principal {principal}")]
    RefusedPrincipal {
        /// As IAM names it (`Invalid principal in policy: "AWS":"…"`).
        principal: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// The document exceeds the quota.
    #[error("the document is too long for IAM")]
    TooLong {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// An SCP, a boundary or a missing permission.
    #[error("may not write the trust policy of role {role}")]
    AccessDenied {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Too many calls: worth trying again.
    #[error("IAM asks to slow down")]
    Throttled {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// The role is gone.
    #[error("there is no role {role}")]
    NoSuchRole {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// IAM finds the document malformed in a way not listed here: no retry will help.
    #[error("IAM refuses the document")]
    Malformed {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else; whether the write happened is unknown.
    #[error("the trust policy of role {role} could not be written")]
    Other {
        /// Its name.
        role: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why a role's older sessions could not be denied, or the denial not be lifted.
#[derive(Debug, thiserror::Error)]
pub enum DenySessionsError {
    /// A permission is missing, or a policy denies it.
    #[error("may not change the inline policies of role {role}")]
    AccessDenied {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// The role's inline policies are full.
    #[error("role {role} has no room for another inline policy")]
    QuotaExceeded {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// The role is gone.
    #[error("there is no role {role}")]
    NoSuchRole {
        /// Its name.
        role: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else: worth trying again.
    #[error("the inline policies of role {role} could not be changed")]
    Other {
        /// Its name.
        role: String,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why an access key is still active.
#[derive(Debug, thiserror::Error)]
pub enum DeactivateKeyError {
    /// User or key are gone: nothing is left to do.
    #[error("there is no access key {key_id} of user {user}")]
    NoSuchKey {
        /// The IAM user.
        user: String,
        /// `AKIA…`.
        key_id: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// A permission is missing, or a policy denies it.
    #[error("may not deactivate the access keys of user {user}")]
    AccessDenied {
        /// The IAM user.
        user: String,
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Too many calls, or anything else: worth trying again.
    #[error("access key {key_id} of user {user} could not be deactivated")]
    Other {
        /// The IAM user.
        user: String,
        /// `AKIA…`.
        key_id: String,
        /// What happened.
        #[source]
        source: Source,
    },
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
