//! What the guard remembers: a role's history, incidents, windows of digests, how far a sweep is.

pub mod approval;
mod chain_links;
pub mod digest_window;
pub mod history;
pub mod incident;
pub(crate) mod keys;
mod ledger;
pub mod operators;
pub mod providers;
pub mod sweep_state;
mod sweeps;
pub mod swept_permissions;
pub mod swept_users;
mod user_keys;
pub mod watch_state;
mod watches;

pub use chain_links::{ChainReport, KnownLink};
pub use ledger::{Lease, Ledger, OrderProgress};
