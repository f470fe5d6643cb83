//! Alerts: what people read and machines take. Two messages an incident, *detected* and
//! *outcome*; a digest where there were many.

mod bundle;
mod document;

pub use bundle::Bundle;
pub use document::{ALERT_SCHEMA_ID, Alert, Cause, Digest, DigestLine, Grantee, Link, Resource};
