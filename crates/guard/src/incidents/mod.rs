//! Incidents after their alerts: what is kept of them, and what operators do about them.

mod caller;
mod decide;
mod record;
mod request;
mod summary;

pub use caller::Caller;
pub use decide::{Asked, announcement, approve, undo};
pub(crate) use record::record;
pub use request::{Refused, Request, answered, asked};
pub use summary::{Summary, summaries};
