//! What is remembered of permissions.

use guard::permissions::PermissionsHistory;
use guard::ports::{PermissionsState, StateError};

use super::Table;
use super::item::{Item, Key, text};

impl PermissionsState for Table {
    async fn permissions_history(
        &self,
        account: &str,
        id: &str,
    ) -> Result<Option<PermissionsHistory>, StateError> {
        let item = self.get(&Key::permissions(account, id)).await?;
        item.map(|item| item.held(&format!("the permissions of {id}")))
            .transpose()
    }

    async fn save_permissions_history(
        &self,
        history: &PermissionsHistory,
    ) -> Result<u64, StateError> {
        let what = format!("the permissions of {}", history.name);
        let saved = PermissionsHistory {
            version: history.version + 1,
            ..history.clone()
        };
        let item = Item::new(&Key::permissions(&history.account, &history.id))
            .with("name", text(&history.name))
            .holding(&what, &saved)?;
        self.put_next(item, history.version, what).await
    }
}
