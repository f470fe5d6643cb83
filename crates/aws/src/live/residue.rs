//! What the guard did to roles and what is still in place: an uninstall would leave it behind.

use std::cmp::Reverse;

use guard::history::{KeptDocument, RoleHistory, WriteKind};
use guard::world::StateError;
use jiff::Timestamp;

use crate::Table;

/// All of it, as the table tells. Whether it still holds, the live role says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Residue {
    /// Roles that admitted nobody after the guard's last write to them, newest first.
    pub quarantines: Vec<Quarantine>,
    /// Roles whose older sessions are denied, newest first.
    pub session_denials: Vec<SessionDenial>,
}

/// A role that was quarantined.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantine {
    /// 12 digits.
    pub account: String,
    /// Its name.
    pub role: String,
    /// Why.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// The document that the quarantine took the place of.
    pub document: String,
}

/// A role whose older sessions are denied by an inline policy.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionDenial {
    /// 12 digits.
    pub account: String,
    /// Its name.
    pub role: String,
    /// When.
    pub at: Timestamp,
}

/// Every document that the guard overwrote, newest first. Reads the whole table, once: for a person
/// who asks, not for a function.
///
/// # Errors
/// [`StateError`].
pub async fn kept_documents(table: &Table) -> Result<Vec<KeptDocument>, StateError> {
    let mut kept: Vec<KeptDocument> = table.all("document").await?;
    kept.sort_by_key(|kept| Reverse(kept.at));
    Ok(kept)
}

/// Reads the whole table, once: for a person who asks, not for a function.
///
/// # Errors
/// [`StateError`].
pub async fn residue(table: &Table) -> Result<Residue, StateError> {
    let mut residue = Residue::default();
    let kept: Vec<KeptDocument> = table.all("document").await?;
    for kept in kept
        .into_iter()
        .filter(|kept| kept.kind == WriteKind::Quarantine)
    {
        residue.quarantines.push(Quarantine {
            account: kept.account,
            role: kept.role,
            incident: kept.incident,
            at: kept.at,
            document: kept.document,
        });
    }
    let histories: Vec<RoleHistory> = table.all("history").await?;
    for history in histories
        .into_iter()
        .filter(|history| history.closed.is_none())
    {
        if let Some(at) = history.sessions_denied_at {
            let (account, role) = (history.account, history.name);
            residue
                .session_denials
                .push(SessionDenial { account, role, at });
        }
    }
    residue
        .quarantines
        .sort_by_key(|quarantine| Reverse(quarantine.at));
    residue
        .session_denials
        .sort_by_key(|denial| Reverse(denial.at));
    Ok(residue)
}
