//! Incidents after their alerts: what is kept of them, and what operators do about them.

mod record;

pub(crate) use record::record;
