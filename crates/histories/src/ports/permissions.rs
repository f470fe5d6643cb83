//! Policies and boundaries: no history changes any, so there is nothing to see and nothing to undo.

use guard::model::{HeldPolicy, HolderKind, LivePermissions};
use guard::permissions::Undo;
use guard::ports::{
    HoldersPage, IamError, IamErrorKind, ListOf, ReadPermissions, WritePermissions,
};

use super::Ports;

impl ReadPermissions for Ports {
    async fn role_permissions(&self, _: &str) -> Result<Option<LivePermissions>, IamError> {
        Ok(None)
    }

    async fn user_permissions(&self, _: &str) -> Result<Option<LivePermissions>, IamError> {
        Ok(None)
    }

    async fn managed_policy(
        &self,
        _: &str,
        _: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        Ok(None)
    }

    async fn holders(&self, _: ListOf<'_>, _: Option<&str>) -> Result<HoldersPage, IamError> {
        Ok(HoldersPage::default())
    }
}

impl WritePermissions for Ports {
    async fn undo(&self, _: HolderKind, name: &str, _: &Undo) -> Result<(), IamError> {
        Err(IamError::new(
            "change the policies of",
            name,
            IamErrorKind::NoSuchEntity,
            "NoSuchEntity",
        ))
    }
}
