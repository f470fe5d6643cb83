//! Alerts: what people read and machines take. Two messages an incident, *detected* and
//! *outcome*; a digest where there were many.

mod advice;
pub(crate) mod build;
mod bundle;
mod commands;
pub(crate) mod digest;
mod document;
mod links;
pub(crate) mod outcome;
pub mod pages;
mod shown;
pub mod slack;
mod standing;
mod text;

pub(crate) use advice::advice;
pub use bundle::{Bundle, MESSAGE_BYTES};
pub(crate) use document::third_parties;
pub use document::{ALERT_SCHEMA_ID, Alert, Digest, DigestGroup, DigestLine, Grantee, Link};
pub(crate) use shown::{duration, one_line};
pub use standing::Standing;
pub(crate) use text::actor_words;
