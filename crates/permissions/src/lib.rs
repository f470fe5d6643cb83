#![doc = include_str!("../README.md")]

mod action;
mod expand;
mod set;
mod table;

pub use action::{Action, ActsOn, ArnTemplate, Level, ResourceType, Service, Source, source};
pub use expand::{expand, expand_into};
pub use set::ActionSet;
