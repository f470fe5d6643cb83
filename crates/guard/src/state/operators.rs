//! What people decided about incidents, and the whole of an incident.

use jiff::Timestamp;

use super::approval::{Act, Approval};
use super::history::KeptDocument;
use super::incident::{AlertKey, Incident, Stage};
use super::keys::{self, INCIDENTS_KEPT};
use super::ledger::{Ledger, expiry, item};
use crate::ports::{StateError, Store};

/// All that is kept of an incident.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WholeIncident {
    /// What was seen.
    pub detected: Option<Incident>,
    /// What was done.
    pub outcome: Option<Incident>,
    /// What the guard overwrote.
    pub overwritten: Option<KeptDocument>,
    /// What people did about it, oldest first.
    pub acts: Vec<Act>,
}

impl<S: Store> Ledger<'_, S> {
    /// All that is kept of an incident.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn whole_incident(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<WholeIncident, StateError> {
        let key = |stage| AlertKey {
            account: account.to_owned(),
            incident: incident.to_owned(),
            stage,
        };
        let acts = self
            .0
            .query(&keys::kept(account, incident).pk, keys::ACT, None)
            .await?;
        Ok(WholeIncident {
            detected: self.published_if_out(&key(Stage::Detected)).await?,
            outcome: self.published_if_out(&key(Stage::Outcome)).await?,
            overwritten: self.kept_document(account, incident).await?,
            acts: acts
                .iter()
                .filter_map(|item| item.held("an act").ok())
                .collect(),
        })
    }

    /// An alert whose lease is held holds nothing yet.
    async fn published_if_out(&self, key: &AlertKey) -> Result<Option<Incident>, StateError> {
        let item = self.0.get(&keys::alert(key)).await?;
        let out = item.filter(|item| item.flag("done"));
        let what = format!("the alert {}", key.incident);
        out.map(|item| item.held(&what)).transpose()
    }

    /// The approval of a document of the role of this name, whoever has the name now; `None` also
    /// where it cannot be read: then nothing is approved.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn approval(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<Approval>, StateError> {
        let item = self.0.get(&keys::approval(account, role, digest)).await?;
        Ok(item.and_then(|item| item.held("an approval").ok()))
    }

    /// Keeps an approval, in place of an older one of the same document.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_approval(&self, approval: &Approval) -> Result<(), StateError> {
        let Approval {
            account,
            role,
            digest,
            expires,
            ..
        } = approval;
        let item = item()
            .with("expires_at", expiry(*expires, 0))
            .holding("an approval", approval)?;
        self.put(keys::approval(account, role, digest), item).await
    }

    /// Keeps what a person did about an incident.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_act(&self, act: &Act) -> Result<(), StateError> {
        let item = item()
            .with("expires_at", expiry(act.at, INCIDENTS_KEPT))
            .holding("an act", act)?;
        self.put(keys::act(act), item).await
    }

    /// The lists of so many days, the newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn incidents_of_days(
        &self,
        account: &str,
        now: Timestamp,
        days: u8,
    ) -> Result<Vec<super::incident::IncidentLine>, StateError> {
        let mut lines = Vec::new();
        for back in 0..i64::from(days) {
            let day = now.checked_sub(jiff::SignedDuration::from_hours(24 * back));
            let Ok(day) = day else { break };
            let mut of_day = self.incidents_of_day(account, day).await?;
            of_day.reverse();
            lines.append(&mut of_day);
        }
        Ok(lines)
    }
}
