//! Who can get in by an AWS role trust policy.

mod analyse;
mod answer;
pub mod document;
mod evaluate;
pub mod external_id;
pub mod glob;
mod keys;
mod parse;
pub mod providers;
mod sets;

pub use analyse::{AnalysisContext, analyse};
pub use answer::{
    Analysis, ExternalIdNeed, Grant, Problem, Request, RequestPrincipal, Restriction, Values, Who,
};
pub use document::TrustPolicy;
pub use evaluate::{Decision, EvaluationContext, RequestError, evaluate};
pub use parse::{MAX_BYTES, MAX_DEPTH, ParseError};
