//! An identity policy: what a role or user may do, as its author wrote it.
//!
//! Managed and inline policies and permissions boundaries are of this language. It differs from
//! that of trust policies in that a statement names resources and no principals. What it means, and
//! for whom, is not said here.
//!
//! As for trust policies, a document that breaks IAM's rules still parses, and
//! [`IdentityPolicy::errors`] tells why IAM would refuse it. A statement whose effect is unknown or
//! missing, or which has a key that no statement has, has the effect `None`.

use std::borrow::Cow;

use super::{Condition, Effect, Span, Version};
use crate::answer::Problem;

/// An identity policy, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityPolicy<'a> {
    /// The policy language's version.
    pub version: Version,
    /// `Id`, if given.
    pub id: Option<Cow<'a, str>>,
    /// In the order of the document. A single statement may stand without a list.
    pub statements: Vec<IdentityStatement<'a>>,
    /// Why IAM would refuse the document, in the order of the document.
    pub errors: Vec<Problem>,
    /// What IAM accepts although it can hardly be meant.
    pub warnings: Vec<Problem>,
}

/// One statement. All its parts must match for its effect to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityStatement<'a> {
    /// Its place in [`IdentityPolicy::statements`].
    pub index: usize,
    /// `Sid`, if given.
    pub sid: Option<Cow<'a, str>>,
    /// `None`: the statement has no meaning.
    pub effect: Option<Effect>,
    /// `Action`: patterns in which `*` and `?` are wildcards and case does not count.
    pub action: Option<Vec<Cow<'a, str>>>,
    /// `NotAction`: every action but these.
    pub not_action: Option<Vec<Cow<'a, str>>>,
    /// `Resource`: patterns of ARNs, in which `*` and `?` are wildcards; `*` is everything.
    pub resource: Option<Vec<Cow<'a, str>>>,
    /// `NotResource`: everything but these.
    pub not_resource: Option<Vec<Cow<'a, str>>>,
    /// Every one must hold.
    pub conditions: Vec<Condition<'a>>,
    /// Where the statement stands.
    pub span: Span,
}
