//! How a trust document is to be read: from where, and from which moment on.

use jiff::Timestamp;
use policy::Origin;

/// How a trust document is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// As somebody sent it, or as IAM shows it: a unique id is somebody, or nobody.
    pub origin: Origin,
    /// From which moment on: what is open at any moment from then on is open.
    pub from: Timestamp,
}

impl Reading {
    /// What IAM shows now.
    pub fn shown(now: Timestamp) -> Self {
        let origin = Origin::Shown;
        Self { origin, from: now }
    }

    /// What is sent to IAM, or was at that moment.
    pub fn sent(from: Timestamp) -> Self {
        let origin = Origin::Sent;
        Self { origin, from }
    }
}
