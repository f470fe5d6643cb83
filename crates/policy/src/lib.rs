//! Who can get in by an AWS role trust policy.

mod answer;
pub mod document;
pub mod glob;
mod parse;

pub use answer::{
    Analysis, ExternalIdNeed, Grant, Problem, Request, RequestPrincipal, Restriction, Values, Who,
};
pub use document::TrustPolicy;
pub use parse::{MAX_BYTES, MAX_DEPTH, ParseError};
