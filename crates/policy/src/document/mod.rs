//! A role trust policy as its author wrote it: what the evaluator and the analyzer both read.
//!
//! The types say what stands in the text and which parts of it have no meaning to IAM. They say
//! nothing about who matches what: the evaluator and the analyzer each have their own answer to
//! that, so that one can prove the other.
//!
//! A document that is JSON but breaks IAM's rules still parses; [`TrustPolicy::errors`] tells why
//! IAM would refuse it. A forbidden but readable part (the bare `"*"` as principal, `Resource`,
//! `NotPrincipal`, a repeated Sid) is read for what it says. A part with no meaning matches
//! nothing:
//!
//! | part | field | matches |
//! |---|---|---|
//! | unknown `Version` | [`TrustPolicy::version`] is [`Version::Unknown`] | the whole document lets nobody in |
//! | unknown or missing `Effect`, unknown key in a statement | [`Statement::effect`] is `None` | the statement neither allows nor denies |
//! | unknown principal type, impossible value | [`Principal::meaningless`] | nobody, by `Principal` or by `NotPrincipal` |
//! | unknown operator, value of a wrong type | [`Condition::operator`] is `None` | the condition is false |
//! | no `Principal` and no `NotPrincipal`, no `Action` and no `NotAction` | both `None` | nobody, nothing |
//!
//! All text borrows from the document where it holds no escapes.

mod api_text;
mod edit;
mod identity;
mod print;

use std::borrow::Cow;

pub use self::api_text::{DecodeError, from_api_text};
pub use self::edit::{Remainder, Removal, RemovalError};
pub use self::identity::{IdentityPolicy, IdentityStatement};
use crate::answer::Problem;

/// A role trust policy, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustPolicy<'a> {
    /// The policy language's version.
    pub version: Version,
    /// `Id`, if given.
    pub id: Option<Cow<'a, str>>,
    /// In the order of the document. A single statement may stand without a list.
    pub statements: Vec<Statement<'a>>,
    /// Why IAM would refuse the document, in the order of the document.
    pub errors: Vec<Problem>,
    /// What IAM accepts, or decides by facts outside the document.
    pub warnings: Vec<Problem>,
}

/// The version of the policy language, which decides whether `${…}` is a policy variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, also where none is given: policy variables are literal text.
    V2008,
    /// `2012-10-17`.
    V2012,
    /// Any other: the document has no meaning and lets nobody in.
    Unknown,
}

/// Where a document was read.
///
/// IAM takes the unique id of a living role or user of any account for its ARN, and shows that ARN
/// from then on: an id that IAM shows is left from a principal that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// As somebody sends it to IAM: an event's request, a file, a template. A unique id is a living
    /// principal of an account that the document does not tell.
    Sent,
    /// As IAM shows it: `get-role`, `list-roles`, `get-account-authorization-details`. A unique id
    /// is nobody.
    Shown,
}

/// One statement. All its parts must match for its effect to apply; where `Principal` and
/// `NotPrincipal` (or `Action` and `NotAction`) both stand, which IAM forbids, both must.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<'a> {
    /// Its place in [`TrustPolicy::statements`].
    pub index: usize,
    /// `Sid`, if given.
    pub sid: Option<Cow<'a, str>>,
    /// `None`: the statement has no meaning and neither allows nor denies.
    pub effect: Option<Effect>,
    /// `Principal`: the statement applies to these. `None` where it is missing.
    pub principal: Option<Vec<Principal<'a>>>,
    /// `NotPrincipal`: the statement applies to everyone but these.
    pub not_principal: Option<Vec<Principal<'a>>>,
    /// `Action`: patterns in which `*` and `?` are wildcards and case does not count.
    pub action: Option<Vec<Cow<'a, str>>>,
    /// `NotAction`: every action but these.
    pub not_action: Option<Vec<Cow<'a, str>>>,
    /// Every one must hold.
    pub conditions: Vec<Condition<'a>>,
    /// Where the statement stands.
    pub span: Span,
}

/// What a statement does to the requests that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Lets in what no statement denies.
    Allow,
    /// Keeps out, whatever else allows.
    Deny,
}

/// One value of a `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal<'a> {
    /// Under which key it stands.
    pub kind: PrincipalKind,
    /// As written: an account id, an ARN, a unique id, a service's name, a provider, `*`.
    pub value: Cow<'a, str>,
    /// No principal can be meant by this (an unknown type, a wildcard inside an ARN, an account id
    /// of 11 digits): it matches nobody.
    pub meaningless: bool,
    /// Where the value stands, with its quotes.
    pub span: Span,
}

/// The key under which a principal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// The bare string `"*"` in place of an object. IAM refuses it here; it means everyone.
    Everyone,
    /// `AWS`.
    Aws,
    /// `Service`.
    Service,
    /// `Federated`.
    Federated,
    /// Any other key, `CanonicalUser` among them: matches nobody.
    Unknown,
}

/// One condition key under one operator. An operator with several keys becomes several of these.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition<'a> {
    /// `None`: an operator that IAM does not know, or values that cannot be; the condition is
    /// false.
    pub operator: Option<Operator>,
    /// The operator as written.
    pub operator_text: Cow<'a, str>,
    /// The condition key as written; case does not count.
    pub key: Cow<'a, str>,
    /// One of them must match. Numbers as written, booleans as `true` and `false`.
    pub values: Vec<Cow<'a, str>>,
    /// From the key's first quote to the last value's end.
    pub span: Span,
}

/// A condition operator with its qualifier and suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// What stands before the colon, if anything.
    pub qualifier: Option<Qualifier>,
    /// The comparison itself.
    pub comparison: Comparison,
    /// It ends in `IfExists`.
    pub if_exists: bool,
}

/// How an operator treats the values of a key in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualifier {
    /// `ForAnyValue:`
    ForAnyValue,
    /// `ForAllValues:`
    ForAllValues,
}

macro_rules! comparisons {
    ($($name:ident)*) => {
        /// A comparison, named as IAM spells it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is IAM's own operator of that name")]
        pub enum Comparison { $($name),* }

        impl Comparison {
            /// All of them, in IAM's own order.
            pub const ALL: &[Comparison] = &[$(Comparison::$name),*];

            /// IAM's spelling.
            pub fn name(self) -> &'static str {
                match self { $(Comparison::$name => stringify!($name)),* }
            }

            /// By its name, in IAM's spelling: `stringEquals` is refused with "Invalid Condition
            /// type".
            pub fn from_name(name: &str) -> Option<Comparison> {
                match name {
                    $(stringify!($name) => Some(Comparison::$name),)*
                    _ => None,
                }
            }
        }
    };
}

comparisons! {
    StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase
    StringLike StringNotLike
    NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals
    NumericGreaterThan NumericGreaterThanEquals
    DateEquals DateNotEquals DateLessThan DateLessThanEquals
    DateGreaterThan DateGreaterThanEquals
    Bool BinaryEquals IpAddress NotIpAddress
    ArnEquals ArnLike ArnNotEquals ArnNotLike
    Null
}

/// A range of bytes in the document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}
