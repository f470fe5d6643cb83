//! The account as it truly is, and as IAM lets it be seen: every write is kept with its moment
//! and its writer, reads may be stale, deleted principals read back as unique ids and are refused
//! on write, new ones are refused for a while.

use serde_json::Value;

use crate::documents::{UNKNOWN_ID, UNKNOWN_ROLE};
pub use crate::moment::Moment;

/// Who wrote a trust policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writer {
    /// Exposes roles.
    Attacker,
    /// Makes compliant changes.
    Administrator,
    /// Applies its own idea again and again.
    Terraform,
    /// Approves what was undone, and restores it.
    Operator,
    /// Exposes roles as the remediator, whose credentials were stolen.
    Thief,
    /// The remediator.
    Guard,
}

/// One trust policy of a role and since when it stood.
#[derive(Debug, Clone)]
pub struct Version {
    /// When IAM took it.
    pub at: Moment,
    /// As it was sent.
    pub sent: String,
    /// As IAM keeps it: without white space, living principals by their ARNs.
    pub kept: String,
    /// Who sent it.
    pub by: Writer,
    /// Of its CloudTrail event.
    pub event_id: String,
}

/// One incarnation of a role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// `AROA…`.
    pub id: String,
    /// When it was created.
    pub created: Moment,
    /// When it was deleted.
    pub deleted: Option<Moment>,
    /// Its trust policies, oldest first; never empty.
    pub versions: Vec<Version>,
    /// Sessions issued before this moment are denied.
    pub sessions_denied_before: Option<jiff::Timestamp>,
    /// When the guard asked for that, each time.
    pub denials: Vec<Moment>,
}

impl Role {
    /// What stood at a moment; the first one for an earlier moment.
    pub fn at(&self, moment: Moment) -> Option<&Version> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.at <= moment)
            .or_else(|| self.versions.first())
    }

    /// What stands now.
    pub fn live(&self) -> Option<&Version> {
        self.versions.last()
    }
}

/// A principal of another account that comes and goes.
#[derive(Debug, Clone)]
pub struct ThirdParty {
    /// Its ARN.
    pub arn: String,
    /// What it reads back as once it is gone.
    pub unique_id: String,
    /// IAM refuses it until here: it is too new.
    pub refused_until: Moment,
    /// When it was deleted.
    pub deleted: Option<Moment>,
}

/// The account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// All roles that ever were.
    pub roles: Vec<Role>,
    /// Principals of others that matter.
    pub third_parties: Vec<ThirdParty>,
}

/// Why IAM did not take a trust policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such role.
    NoSuchRole,
    /// An SCP forbids it.
    Forbidden,
    /// A principal is gone, or too new.
    Principal(String),
    /// None: the connection was lost on the way there.
    Unsaid,
}

impl Account {
    /// The role of a name, if it is there at a moment.
    pub fn role_at(&self, name: &str, moment: Moment) -> Option<&Role> {
        self.roles.iter().rev().find(|role| {
            role.name.eq_ignore_ascii_case(name)
                && role.created <= moment
                && role.deleted.is_none_or(|deleted| deleted > moment)
        })
    }

    /// The role of a name, to be changed.
    pub fn role_mut(&mut self, name: &str) -> Option<&mut Role> {
        self.roles
            .iter_mut()
            .rev()
            .find(|role| role.name.eq_ignore_ascii_case(name) && role.deleted.is_none())
    }

    /// The principal of a document that IAM refuses, if any.
    pub fn refused_principal(&self, document: &str, now: Moment) -> Option<String> {
        self.third_parties.iter().find_map(|third_party| {
            if document.contains(&third_party.unique_id) {
                return Some(third_party.unique_id.clone());
            }
            let unusable = now < third_party.refused_until || third_party.deleted.is_some();
            (unusable && document.contains(&third_party.arn)).then(|| third_party.arn.clone())
        })
    }

    /// Takes a trust policy.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn write(&mut self, name: &str, version: Version) -> Result<(), Refusal> {
        if let Some(principal) = self.refused_principal(&version.sent, version.at) {
            return Err(Refusal::Principal(principal));
        }
        let role = self.role_mut(name).ok_or(Refusal::NoSuchRole)?;
        role.versions.push(version);
        Ok(())
    }

    /// A kept document as GetRole shows it: principals that are gone appear by their unique id.
    pub fn shown(&self, version: &Version, moment: Moment) -> String {
        let mut text = version.kept.clone();
        for third_party in &self.third_parties {
            if third_party
                .deleted
                .is_some_and(|deleted| deleted <= moment && version.at <= deleted)
            {
                text = text.replace(&third_party.arn, &third_party.unique_id);
            }
        }
        text
    }
}

/// A document as IAM keeps it: the id of a living principal becomes its ARN.
pub fn as_kept(sent: &str) -> String {
    let read = sent.replace(UNKNOWN_ID, UNKNOWN_ROLE);
    serde_json::from_str::<Value>(&read).map_or(read, |json| json.to_string())
}
