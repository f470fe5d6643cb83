//! The guard's watch over itself: whether it still sees, and is what was deployed. Decided here, of
//! what is known and at which moment; [`crate::handlers::watch`] acts.

mod compare;
mod deployed;
mod found;
mod heartbeat;
mod held;
mod regions;
mod report;

pub use compare::{
    Is, Line, alarm_lines, blinding, enabled_line, function_lines, missing_lines, rule_lines,
    subscriber_lines, trail_lines,
};
pub use deployed::{Expected, expected};
pub use found::{AlarmState, FunctionState, RuleState, Stack, Subscription, TrailState};
pub use heartbeat::{Beat, HEARTBEATS, Path, answer_of, is_due, is_tick, silent};
pub use held::{Held, held_lines};
pub use regions::{RegionState, forwards, region_lines};
pub(crate) use report::to_report;
