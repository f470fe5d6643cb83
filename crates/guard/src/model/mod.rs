//! Plain data that every room uses. It uses nothing above it.

mod cause;
mod digest;
mod holder;
mod role;
mod time;

pub use cause::{Cause, Resource};
pub use digest::{document_digest, same_but_for_the_dead, sha256_hex};
pub(crate) use digest::{is_unique_id, names_unique_id};
pub use holder::{HeldPolicy, HolderKind, LivePermissions};
pub use role::{LiveRole, RoleRef};
pub(crate) use time::seconds_between;
