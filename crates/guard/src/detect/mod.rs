//! The judgement: what happened, compared with the access rules.
//!
//! A trust document is approved only if every way in is covered by a rule. What the analysis
//! sums up for people never decides.

mod access;
mod cover;
mod coverage;
mod credential;
mod ending;
mod first_key;
mod fix;
mod many;
mod network;
mod own_role;
mod provider;
mod provider_change;
mod reading;
mod service;
mod sharing;
mod tampering;
mod trust;
mod trust_document;
mod vendor;
mod verdict;
mod witness;

pub(crate) use access::{finding, judge_key_holder, not_exempted};
pub use access::{judge_console_password, judge_key, judge_root};
pub use coverage::{Coverage, OnBehalfOf};
pub use credential::{judge_credential, judge_session_length};
pub use ending::{EndsSoon, judge_endings};
pub use first_key::{KeySeen, UserChange, judge_change_of_user, judge_first_key};
pub(crate) use first_key::{allowed_by_name, not_known_whether_new};
pub use many::Judging;
pub(crate) use own_role::{guard_tampered, own_role_opened};
pub(crate) use provider::is_about;
pub use provider::judge_provider;
pub use provider_change::{Known, judge_provider_change, metadata_after, opens};
pub use reading::Reading;
pub use sharing::judge_share;
pub use tampering::{
    DEPLOY_SECONDS, OwnStack, Tampering, TamperingCall, tampering, tampering_calls,
};
pub use trust::unreadable_event;
pub use trust_document::{
    TrustDocument, judge_trust, judge_trust_read, judge_trust_without_witnesses,
};
pub use verdict::{Judgement, Verdict};
