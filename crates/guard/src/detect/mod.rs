//! The judgement: what happened, compared with the access rules.
//!
//! A trust document is approved only if every way in is covered by a rule. What the analysis
//! sums up for people never decides.

mod access;
mod cover;
mod many;
mod network;
mod provider;
mod trust;
mod vendor;

pub(crate) use access::{finding, judge_key_holder};
pub use access::{judge_console_password, judge_key, judge_root};
pub use cover::{Coverage, OnBehalfOf};
pub use many::{Judging, TrustDocument};
pub(crate) use provider::is_about;
pub use trust::{
    Judgement, RoleRef, Verdict, judge_trust, judge_trust_without_witnesses, unreadable_event,
};
