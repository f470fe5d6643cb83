//! The only crate that names `aws-sdk-*`: it implements the guard's traits.
// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

mod channel;
mod clock;
mod cloud;
#[cfg(feature = "deployed")]
pub mod deployed;
mod failure;
#[cfg(feature = "own-stack")]
mod heartbeats;
mod iam;
#[cfg(feature = "lambda")]
pub mod lambda;
mod listing;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "lambda")]
mod metric;
mod network;
#[cfg(feature = "own-stack")]
mod own_stack;
mod permissions;
mod queue;
mod secret;
mod settings;
#[cfg(feature = "lambda")]
mod story;
mod table;
mod topic;
mod undoing;
mod webhook;

pub use channel::{Channel, ChannelError};
pub use clock::SystemClock;
pub use cloud::SdkContext;
#[cfg(feature = "own-stack")]
pub use heartbeats::HeartbeatCalls;
pub use iam::{Iam, IamWriter, SESSION_DENIAL};
pub use listing::IamLister;
pub use network::Network;
#[cfg(feature = "own-stack")]
pub use own_stack::{ListOwnStackError, OwnStackReader};
pub use queue::{DelayError, Queue};
pub use secret::{ReadSecretError, read_webhook_url};
pub use settings::{LoadRulesError, Settings, SettingsError, SlackSettings};
pub use table::Table;
pub use topic::Topic;
pub use webhook::{NoWebhookUrl, PostError, WebhookUrl, post};
