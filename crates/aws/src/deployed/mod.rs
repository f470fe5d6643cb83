//! The deployed stack: what it consists of, what its own template says of it, and what is there. Asked
//! by a person from outside, and by the function that watches the guard from inside.

mod health;
mod held;
mod regions;
mod stack;
mod survey;

use crate::failure::Failure;

pub use health::{oldest_message, queue_length};
pub use stack::{StackError, describe_stack, function_state, rule_state, subscriptions};
pub use survey::{DeployedStack, Survey, TOPICS, survey};

/// A call to AWS failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CallError(Failure);

impl From<Failure> for CallError {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl CallError {
    /// The service's error code, as `AccessDenied`; empty where no service answered.
    pub fn code(&self) -> &str {
        &self.0.code
    }
}
