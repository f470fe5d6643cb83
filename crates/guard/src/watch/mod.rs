//! The guard's watch over itself: whether it still sees, and is what was deployed. Decided here, of
//! what is known and at which moment; [`crate::handlers::watch`] acts.

mod heartbeat;
mod report;

pub use heartbeat::{Beat, HEARTBEATS, Path, answer_of, is_due, is_tick, silent};
pub(crate) use report::to_report;
