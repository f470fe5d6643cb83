//! What the guard wrote into IAM and what still stands there: an uninstall would leave it behind.
//! IAM says what stands; the table, which a redeploy begins anew, says what was there before.

use std::cmp::Reverse;

use guard::model::{LiveRole, document_digest};
use guard::ports::{IamError, ListRoles, StateError};
use guard::remediate::QUARANTINE;
use guard::state::history::KeptDocument;
use jiff::Timestamp;

use crate::Table;
use crate::cloud::SdkContext;
use crate::iam::SESSION_DENIAL;
use crate::listing::IamLister;

/// What of the guard's stands in IAM, by the roles' names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Residue {
    /// Roles with the guard's closed document.
    pub quarantined: Vec<LiveRole>,
    /// Roles whose older sessions are denied.
    pub session_denials: Vec<SessionDenial>,
}

/// A role whose older sessions are denied by an inline policy of the guard's name.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionDenial {
    /// Its name.
    pub role: String,
    /// Those issued before this moment; none where somebody changed the policy.
    pub before: Option<Timestamp>,
}

/// Whether the role holds the document that the guard closes roles with.
pub fn quarantined(role: &LiveRole) -> bool {
    document_digest(&role.document) == document_digest(QUARANTINE)
}

/// Lists the account's roles, all of them.
///
/// # Errors
/// [`IamError`].
pub async fn residue(cloud: &SdkContext) -> Result<Residue, IamError> {
    let lister = IamLister::new(cloud);
    let mut found = Residue::default();
    let mut marker = None;
    loop {
        let page = lister.list_roles(marker.as_deref()).await?;
        for listed in page.roles {
            // A managed policy of that name is somebody else's.
            let mut inline = listed.policies.iter().filter(|held| held.arn.is_none());
            if inline.any(|policy| policy.name == SESSION_DENIAL) {
                found.session_denials.push(SessionDenial {
                    role: listed.role.name.clone(),
                    before: listed.sessions_denied_before,
                });
            }
            if quarantined(&listed.role) {
                found.quarantined.push(listed.role);
            }
        }
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    found
        .quarantined
        .sort_by(|one, other| one.name.cmp(&other.name));
    found
        .session_denials
        .sort_by(|one, other| one.role.cmp(&other.role));
    Ok(found)
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
