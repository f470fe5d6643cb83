//! Who can get in by an AWS role trust policy.

mod answer;

pub use answer::{
    Analysis, ExternalIdNeed, Grant, Problem, Request, RequestPrincipal, Restriction, Values, Who,
};
