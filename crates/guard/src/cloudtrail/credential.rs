//! Credentials of users besides access keys and passwords, and how long sessions of a role may last.

use serde_json::Value;

use super::fields::text;
use super::meaning::{Credential, Done};
use super::record::Record;
use super::row::{Places, Row};

/// A credential was opened, or an MFA device taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialChange {
    /// What it is.
    pub credential: Credential,
    /// What happened to it.
    pub done: Done,
    /// Whose it is; `None` for the root user, or where the record does not tell.
    pub user: Option<String>,
    /// It is the root user's.
    pub root: bool,
    /// Its id, or the serial number of a device.
    pub id: Option<String>,
    /// The AWS service it is for, as `bedrock.amazonaws.com`.
    pub service: Option<String>,
    /// It ends so many days after it was created; `None`: it never does, or the record does not tell.
    pub days: Option<u64>,
}

/// A role's sessions may last so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLength {
    /// The role's name.
    pub role: String,
    /// What `MaxSessionDuration` was set to, in seconds.
    pub session_seconds: Option<u64>,
    /// What `MaxSigninSessionDuration` was set to, in seconds: so long a sign-in is refreshed.
    pub sign_in_seconds: Option<u64>,
}

impl Record {
    /// `None`: it was switched off.
    pub(super) fn credential_change(
        &self,
        row: &Row,
        credential: Credential,
        done: Done,
    ) -> Option<CredentialChange> {
        // Anything but a stated "inactive" may have opened it.
        let closed = text(&self.request, &["status"])
            .is_some_and(|status| status.eq_ignore_ascii_case("Inactive"));
        let id = self.first(row.what).map(str::to_owned);
        let (user, root) = match (row.subject, &id) {
            // It names the device alone.
            ([], serial) => {
                let of_root = |serial: &String| serial.ends_with(":mfa/root-account-mfa-device");
                (None, serial.as_ref().is_some_and(of_root))
            }
            _ => self.subject(row),
        };
        (done != Done::Updated || !closed).then(|| CredentialChange {
            credential,
            done,
            user,
            root,
            id,
            service: self.first(row.content).map(str::to_owned),
            days: self.number(&["requestParameters.credentialAgeDays"]),
        })
    }

    /// `None`: the record does not say which role it is about.
    pub(super) fn session_length(&self, row: &Row) -> Option<SessionLength> {
        Some(SessionLength {
            role: self.first(row.subject)?.to_owned(),
            session_seconds: self.number(row.what),
            sign_in_seconds: self.number(row.content),
        })
    }

    fn number(&self, places: Places) -> Option<u64> {
        places.iter().find_map(|place| match self.at(place)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }
}
