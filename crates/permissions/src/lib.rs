// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]
#![doc = include_str!("../README.md")]

mod action;
mod amount;
mod ceiling;
mod class;
mod data_reads;
mod denial;
mod effective;
mod escalation;
mod expand;
mod exposure;
mod holder;
mod kinds;
mod likeness;
mod limits;
mod needs;
mod resource;
mod set;
mod table;
mod together;
mod ways;
mod well_known;

pub use action::{Action, ActsOn, ArnTemplate, Level, ResourceType, Service, Source, source};
pub use amount::{Effective, PartialDeny, PassedTo, Permit, Reason, Unreadable};
pub use ceiling::{Beyond, Ceiling};
pub use class::{Administrator, Class, Held, administrator, classes, of_class, telling};
pub use data_reads::{data_read, data_reads};
pub use effective::{Policies, Policy, effective};
pub use escalation::{Escalation, escalations};
pub use expand::{expand, expand_into};
pub use exposure::{Exposure, exposed, exposing};
pub use likeness::Likeness;
pub use needs::needs;
pub use resource::Scope;
pub use set::ActionSet;
pub use ways::{Way, ways};
