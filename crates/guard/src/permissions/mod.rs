//! What third parties may do once they are in: the role's permissions, compared with the rules.
//!
//! `crates/permissions` says what a role may do. Here it is judged, and only for roles that somebody
//! outside can enter: what the own side may do is not this product's concern.

mod change;
mod judge;
mod last_accessed;
mod undo;
mod words;

pub use change::{Changed, Judged, denies_nothing, missing_policy};
pub use judge::{
    PermissionJudging, Review, is_third_party, judge_permissions, judge_user_permissions, review,
};
pub use last_accessed::{LastAccessed, LastAccessedError, judge_unused};
pub use undo::{Compliant, OwnUndo, PermissionsHistory, Undo, Undoable, held_mark, narrows};
