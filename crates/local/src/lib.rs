//! The deployed stack on one machine, for the demo and the end-to-end tests; never shipped.
//!
//! [`Machine`] runs two things: [`lambda`], which serves the Lambda Runtime API to the functions'
//! real binaries, and [`account`], a process of moto and what it lacks (SAM's translation, IAM's
//! decisions, delivery to Lambda). [`Stack`] is `template.yaml` deployed into it: queues, topics,
//! rules, roles and environment are the template's own, so that a test that passes here says
//! something about it. What moto cannot be, and so is seen nowhere here, is in ARCHITECTURE.md.
// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

pub mod account;
mod caller;
pub mod cloudtrail;
pub mod demo;
pub mod http;
pub mod lambda;
mod removal;
pub mod smoke;
mod stack;
mod story;

pub use stack::{
    DeployError, Machine, MadeFunction, MadeResource, Stack, StackError, envelope_of, event_of,
};
pub use story::{StoryError, chain};
