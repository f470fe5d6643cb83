//! What the sweep remembers.

use guard::ports::{StateError, SweepState};
use guard::state::sweep_state::{SweepProgress, SweptRole, ToldDocument};
use jiff::Timestamp;

use super::item::{GONE_KEPT, Item, Key, SWEPT, TOLD_KEPT, expiry, moment, text};
use super::{Table, Values, unavailable, unreadable};

impl SweepState for Table {
    async fn sweep_progress(&self, account: &str) -> Result<Option<SweepProgress>, StateError> {
        let item = self.get(&Key::sweep(account)).await?;
        item.map(|item| item.held("the sweep's progress"))
            .transpose()
    }

    async fn save_sweep_progress(&self, progress: &SweepProgress) -> Result<u64, StateError> {
        let what = "the sweep's progress";
        let saved = SweepProgress {
            version: progress.version + 1,
            ..progress.clone()
        };
        let item = Item::new(&Key::sweep(&progress.account)).holding(what, &saved)?;
        self.put_next(item, progress.version, what.to_owned()).await
    }

    async fn swept_roles(&self, account: &str) -> Result<Vec<SweptRole>, StateError> {
        let call = self
            .client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :sweep AND begins_with(sk, :role)")
            .expression_attribute_values(":sweep", text(Key::sweep(account).pk))
            .expression_attribute_values(":role", text(SWEPT))
            .consistent_read(true);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable("dynamodb:Query", &error))?;
            for item in page.items.unwrap_or_default() {
                // A role whose item cannot be read is looked at as one that nobody knows.
                found.extend(Item(item).held("a swept role").ok());
            }
        }
        Ok(found)
    }

    async fn save_swept_role(&self, role: &SweptRole) -> Result<(), StateError> {
        let item = Item::new(&Key::swept(&role.account, &role.role_id));
        let item = match role.gone_at {
            Some(at) => item.with("expires_at", expiry(at, GONE_KEPT)),
            None => item,
        };
        self.put(item.holding(&format!("role {} as it was swept", role.name), role)?)
            .await
    }

    async fn save_told_document(&self, told: &ToldDocument) -> Result<(), StateError> {
        let item = Item::new(&Key::told(&told.account, &told.role, &told.digest))
            .with("expires_at", expiry(told.told_at, TOLD_KEPT));
        self.put(item.holding(&format!("the report on role {}", told.role), told)?)
            .await
    }

    async fn told_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<ToldDocument>, StateError> {
        let item = self.get(&Key::told(account, role, digest)).await?;
        item.map(|item| item.held(&format!("the report on role {role}")))
            .transpose()
    }

    async fn request_sweep(&self, account: &str, at: Timestamp) -> Result<(), StateError> {
        let values = Values::default().with(":at", moment(at));
        self.update(
            &Key::sweep_request(account),
            "requested_at = :at",
            None,
            values,
        )
        .await
        .map(drop)
    }

    async fn sweep_requested(&self, account: &str) -> Result<Option<Timestamp>, StateError> {
        let item = self.get(&Key::sweep_request(account)).await?;
        item.map(|item| {
            item.moment("requested_at")
                .ok_or_else(|| unreadable("the request for a sweep", "no time in it"))
        })
        .transpose()
    }
}
