//! The detecting functions: an event comes in, is judged, and becomes an alert and an order.

mod access;
mod alert;
mod chains;
mod guard_tamper;
mod identity_provider;
mod resource_share;
mod role_permissions;
mod role_trust;
mod users;

pub use access::{access_key, root_activity};
pub use guard_tamper::guard_tamper;
pub use identity_provider::identity_provider;
pub(super) use identity_provider::opened;
pub use resource_share::resource_share;
pub use role_permissions::role_permissions;
pub use role_trust::role_trust;
