//! What is remembered of permissions.

use guard::permissions::PermissionsHistory;
use guard::world::{PermissionsState, StateError};

use super::item::{Item, Key, number, text};
use super::{Table, condition_failed, unavailable};

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
        let version = history.version + 1;
        let saved = PermissionsHistory {
            version,
            ..history.clone()
        };
        let item = Item::new(&Key::permissions(&history.account, &history.id))
            .with("version", number(version))
            .with("name", text(&history.name))
            .holding(&what, &saved)?;
        let call = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.0));
        let call = match history.version {
            0 => call.condition_expression("attribute_not_exists(pk)"),
            read => call
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(read)),
        };
        match call.send().await {
            Ok(_) => Ok(version),
            Err(error) if condition_failed(&error) => Err(StateError::Conflict { what }),
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }
}
