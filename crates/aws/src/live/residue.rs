//! What the guard did to roles and what is still in place: an uninstall would leave it behind.

use std::cmp::Reverse;

use guard::ports::StateError;
use guard::state::history::{KeptDocument, RoleHistory};
use jiff::Timestamp;

use crate::Table;

/// All of it, as the table tells. Whether it still holds, the live role says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Residue {
    /// Every document that the guard overwrote, newest first. Whatever it meant to write, the role
    /// may be quarantined: where a revert or a repair failed, that is what it fell back to.
    pub overwritten: Vec<KeptDocument>,
    /// Roles whose older sessions are denied, newest first.
    pub session_denials: Vec<SessionDenial>,
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
    let mut residue = Residue {
        overwritten: kept_documents(table).await?,
        ..Residue::default()
    };
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
        .session_denials
        .sort_by_key(|denial| Reverse(denial.at));
    Ok(residue)
}
