//! What the sweep remembers: how far it is, each role as it was seen last, what was reported.

use jiff::Timestamp;

use super::keys::{self, GONE_KEPT, SWEPT, TOLD_KEPT};
use super::ledger::{Ledger, expiry, item, unreadable};
use super::sweep_state::{ReportedDocument, SweepProgress, SweptRole};
use crate::ports::{Condition, StateError, Store, Update, moment};

impl<S: Store> Ledger<'_, S> {
    /// How far the sweep is; `None` before the first one.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn sweep_progress(&self, account: &str) -> Result<Option<SweepProgress>, StateError> {
        self.read(keys::sweep(account), "the sweep's progress")
            .await
    }

    /// Saves it, if its `version` is the one that was read (0: it must not exist), as version + 1.
    /// Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    pub async fn save_sweep_progress(&self, progress: &SweepProgress) -> Result<u64, StateError> {
        let what = "the sweep's progress";
        let saved = SweepProgress {
            version: progress.version + 1,
            ..progress.clone()
        };
        let key = keys::sweep(&progress.account);
        let item = item().holding(what, &saved)?;
        self.put_next(key, item, progress.version, what.to_owned())
            .await
    }

    /// All roles that the sweep remembers, in any order. An item that cannot be read is left out:
    /// its role is one the sweep does not know, and is checked as such.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn swept_roles(&self, account: &str) -> Result<Vec<SweptRole>, StateError> {
        let items = self.0.query(&keys::sweep(account).pk, SWEPT, None).await?;
        let roles = items
            .iter()
            .filter_map(|item| item.held("a swept role").ok());
        Ok(roles.collect())
    }

    /// A role as the sweep saw it last, by its RoleId; `None` also where that cannot be read.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn swept_role(
        &self,
        account: &str,
        role_id: &str,
    ) -> Result<Option<SweptRole>, StateError> {
        let item = self.0.get(&keys::swept(account, role_id)).await?;
        Ok(item.and_then(|item| item.held("a swept role").ok()))
    }

    /// Remembers a role as it was seen.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_swept_role(&self, role: &SweptRole) -> Result<(), StateError> {
        let item = match role.gone_at {
            Some(at) => item().with("expires_at", expiry(at, GONE_KEPT)),
            None => item(),
        };
        let key = keys::swept(&role.account, &role.role_id);
        let what = format!("role {} as it was swept", role.name);
        self.put(key, item.holding(&what, role)?).await
    }

    /// Records that a role's document has been reported; the last report stays.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_reported_document(
        &self,
        reported: &ReportedDocument,
    ) -> Result<(), StateError> {
        let key = keys::reported(&reported.account, &reported.role, &reported.digest);
        let item = item()
            .with("expires_at", expiry(reported.reported_at, TOLD_KEPT))
            .holding(&format!("the report on role {}", reported.role), reported)?;
        self.put(key, item).await
    }

    /// When and how a document of the role of this name (case ignored) was reported.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn reported_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<ReportedDocument>, StateError> {
        let what = format!("the report on role {role}");
        self.read(keys::reported(account, role, digest), &what)
            .await
    }

    /// Asks for a sweep at once: an event hides which role it changed.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn request_sweep(&self, account: &str, at: Timestamp) -> Result<(), StateError> {
        let update = Update {
            set: vec![("requested_at", moment(at).into())],
            ..Update::default()
        };
        self.update(&keys::sweep_request(account), update, Condition::Always)
            .await
            .map(drop)
    }

    /// When a sweep was last asked for.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn sweep_requested(&self, account: &str) -> Result<Option<Timestamp>, StateError> {
        let item = self.0.get(&keys::sweep_request(account)).await?;
        item.map(|item| {
            let at = item.moment("requested_at");
            at.ok_or_else(|| unreadable("the request for a sweep", "no time in it"))
        })
        .transpose()
    }
}
