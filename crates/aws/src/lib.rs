//! The only crate that names `aws-sdk-*`: it implements the guard's traits.

mod network;
mod webhook;

pub use network::Network;
pub use webhook::{NoWebhookUrl, PostError, WebhookUrl, post};
