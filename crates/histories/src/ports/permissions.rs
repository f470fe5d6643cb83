//! Policies and boundaries: no history changes any, so there is nothing to see and nothing to undo.

use guard::model::{HeldPolicy, HolderKind, LivePermissions};
use guard::permissions::Undo;
use guard::ports::{
    HoldersPage, ListOf, ReadPermissions, ReadPermissionsError, UndoError, WritePermissions,
};

use super::FaultyPorts;

impl ReadPermissions for FaultyPorts {
    async fn role_permissions(
        &self,
        _: &str,
    ) -> Result<Option<LivePermissions>, ReadPermissionsError> {
        Ok(None)
    }

    async fn user_permissions(
        &self,
        _: &str,
    ) -> Result<Option<LivePermissions>, ReadPermissionsError> {
        Ok(None)
    }

    async fn managed_policy(
        &self,
        _: &str,
        _: Option<&str>,
    ) -> Result<Option<HeldPolicy>, ReadPermissionsError> {
        Ok(None)
    }

    async fn holders(
        &self,
        _: ListOf<'_>,
        _: Option<&str>,
    ) -> Result<HoldersPage, ReadPermissionsError> {
        Ok(HoldersPage::default())
    }
}

impl WritePermissions for FaultyPorts {
    async fn undo(&self, _: HolderKind, name: &str, _: &Undo) -> Result<(), UndoError> {
        Err(UndoError::NotThere {
            name: name.to_owned(),
            source: "NoSuchEntity".into(),
        })
    }
}
