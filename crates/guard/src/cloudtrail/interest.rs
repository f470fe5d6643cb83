//! Which calls are worth reading at all, by source and name alone.

/// The calls that can open a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    CreateRole,
    UpdateAssumeRolePolicy,
    DeleteRole,
    CreateUser,
    CreateAccessKey,
    UpdateAccessKey,
    CreateLoginProfile,
    UpdateLoginProfile,
    ConsoleLogin,
}

impl Interest {
    /// The first question about any record, answered by two short comparisons.
    pub(super) fn of(source: &str, name: &str) -> Option<Self> {
        match source {
            "iam.amazonaws.com" => match name {
                "CreateRole" => Some(Self::CreateRole),
                "UpdateAssumeRolePolicy" => Some(Self::UpdateAssumeRolePolicy),
                "DeleteRole" => Some(Self::DeleteRole),
                "CreateUser" => Some(Self::CreateUser),
                "CreateAccessKey" => Some(Self::CreateAccessKey),
                "UpdateAccessKey" => Some(Self::UpdateAccessKey),
                "CreateLoginProfile" => Some(Self::CreateLoginProfile),
                "UpdateLoginProfile" => Some(Self::UpdateLoginProfile),
                _ => None,
            },
            "signin.amazonaws.com" if name == "ConsoleLogin" => Some(Self::ConsoleLogin),
            _ => None,
        }
    }

    pub(super) fn changes_trust(self) -> bool {
        matches!(
            self,
            Self::CreateRole | Self::UpdateAssumeRolePolicy | Self::DeleteRole
        )
    }
}

/// Whether a record with this `eventSource`, `eventName` and `userIdentity.type`, all of them texts,
/// is irrelevant to every function whatever else it says: for bulk reading, which then needs no
/// more of it. `false` decides nothing.
pub fn is_ordinary(source: &str, name: &str, caller: &str) -> bool {
    !source.is_empty()
        && !name.is_empty()
        && !caller.is_empty()
        && Interest::of(source, name).is_none()
        && !is_root_type(caller)
}

/// Whether a call changes what somebody may do.
pub(super) fn changes_permissions(source: &str, name: &str) -> bool {
    source == "iam.amazonaws.com"
        && matches!(
            name,
            "AttachRolePolicy"
                | "DetachRolePolicy"
                | "PutRolePolicy"
                | "DeleteRolePolicy"
                | "PutRolePermissionsBoundary"
                | "DeleteRolePermissionsBoundary"
                | "CreatePolicyVersion"
                | "SetDefaultPolicyVersion"
                | "AttachUserPolicy"
                | "DetachUserPolicy"
                | "PutUserPolicy"
                | "DeleteUserPolicy"
                | "PutUserPermissionsBoundary"
                | "DeleteUserPermissionsBoundary"
                | "AddUserToGroup"
                | "RemoveUserFromGroup"
                | "AttachGroupPolicy"
                | "DetachGroupPolicy"
                | "PutGroupPolicy"
                | "DeleteGroupPolicy"
        )
}

/// `userIdentity.type` of the root user.
pub(super) fn is_root_type(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("Root")
}
