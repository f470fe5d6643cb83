//! What third parties may do once they are in: the role's permissions, compared with the rules.
//!
//! `crates/permissions` says what a role may do. Here it is judged, and only for roles that somebody
//! outside can enter: what the own side may do is not this product's concern.

mod judge;
mod last_accessed;
mod words;

pub use judge::{Review, judge_permissions, review};
pub use last_accessed::{LastAccessed, LastAccessedError, judge_unused};
