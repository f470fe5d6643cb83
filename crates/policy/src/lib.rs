#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

mod analyze;
mod answer;
mod arn;
mod compare;
mod cover;
pub mod document;
mod evaluate;
mod explain;
pub mod external_id;
pub mod glob;
mod keys;
mod parse;
pub mod patterns;
pub mod providers;
mod resource;
pub mod services;
mod sets;

pub use analyze::{AnalysisContext, analyze, analyze_without_guesses};
pub use answer::{
    Analysis, ExternalIdNeed, Grant, Problem, Request, RequestPrincipal, Restriction, Values, Who,
};
pub use compare::{
    Allowance, Allowed, AllowedValues, AllowedWho, SharedExternalId, Wider, difference, is_subset,
    is_within_allowance, shared_external_ids,
};
pub use cover::covers_all;
pub use document::{IdentityPolicy, Origin, TrustPolicy};
pub use evaluate::{Decision, EvaluationContext, RequestError, evaluate};
pub use explain::describe;
pub use parse::{MAX_CHARACTERS, MAX_DEPTH, ParseError};
pub use resource::{ResourceAnalysis, analyze_resource_policy};
