//! Undoing what a change gave: one call of IAM each, for the remediator alone.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::model::HolderKind;
use guard::permissions::Undo;
use guard::ports::{IamError, WritePermissions};

use crate::failure::Failure;
use crate::iam::IamWriter;

fn done<O, E, R>(
    call: &'static str,
    name: &str,
    answer: Result<O, SdkError<E, R>>,
) -> Result<(), IamError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let Err(error) = answer else {
        return Ok(());
    };
    Err(Failure::of(call, &error).of_iam("change the policies of", name))
}

impl WritePermissions for IamWriter {
    async fn undo(&self, kind: HolderKind, name: &str, undo: &Undo) -> Result<(), IamError> {
        let undone = self.undone(kind, name, undo).await;
        undone.map_err(|error| self.refused(error))
    }
}

impl IamWriter {
    async fn undone(&self, kind: HolderKind, name: &str, undo: &Undo) -> Result<(), IamError> {
        let client = self.iam().client();
        match (kind, undo) {
            (HolderKind::Role, Undo::Detach { arn }) => {
                let call = client.detach_role_policy().role_name(name).policy_arn(arn);
                done("iam:DetachRolePolicy", name, call.send().await)
            }
            (HolderKind::User, Undo::Detach { arn }) => {
                let call = client.detach_user_policy().user_name(name).policy_arn(arn);
                done("iam:DetachUserPolicy", name, call.send().await)
            }
            (HolderKind::Role, Undo::DeleteInline { name: policy }) => {
                let call = client.delete_role_policy().role_name(name);
                let call = call.policy_name(policy);
                done("iam:DeleteRolePolicy", name, call.send().await)
            }
            (HolderKind::User, Undo::DeleteInline { name: policy }) => {
                let call = client.delete_user_policy().user_name(name);
                let call = call.policy_name(policy);
                done("iam:DeleteUserPolicy", name, call.send().await)
            }
            (
                HolderKind::Role,
                Undo::PutInline {
                    name: policy,
                    document,
                },
            ) => {
                let call = client.put_role_policy().role_name(name).policy_name(policy);
                let call = call.policy_document(document);
                done("iam:PutRolePolicy", name, call.send().await)
            }
            (
                HolderKind::User,
                Undo::PutInline {
                    name: policy,
                    document,
                },
            ) => {
                let call = client.put_user_policy().user_name(name).policy_name(policy);
                let call = call.policy_document(document);
                done("iam:PutUserPolicy", name, call.send().await)
            }
            (_, Undo::SetDefaultVersion { arn, version }) => {
                let call = client.set_default_policy_version().policy_arn(arn);
                let call = call.version_id(version);
                done("iam:SetDefaultPolicyVersion", name, call.send().await)
            }
            (HolderKind::Role, Undo::PutBoundary { arn }) => {
                let call = client.put_role_permissions_boundary().role_name(name);
                let call = call.permissions_boundary(arn);
                done("iam:PutRolePermissionsBoundary", name, call.send().await)
            }
            (HolderKind::User, Undo::PutBoundary { arn }) => {
                let call = client.put_user_permissions_boundary().user_name(name);
                let call = call.permissions_boundary(arn);
                done("iam:PutUserPermissionsBoundary", name, call.send().await)
            }
        }
    }
}
