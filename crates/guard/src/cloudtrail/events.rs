//! Every CloudTrail event that the guard handles, and what it leaves out with a reason: one row each.
//!
//! A row says where the record names the subject of the event, and where the credential, the policy
//! or the document stands. The rules' patterns in `template.yaml` are held to it, `replay` reads by
//! it, and `docs/coverage.md` is made of it.

use super::meaning::{Credential, Done, HolderKind, Means, PolicyMove, ProviderMove, ProviderType};
use super::row::{Places, Row, row};
use super::shares::SHARES;

impl Row {
    /// The row of an event that is handled.
    pub(super) fn of(source: &str, name: &str) -> Option<&'static Self> {
        Self::listed(source, name).filter(|row| !matches!(row.means, Means::LeftOut(_)))
    }

    /// The row of an event, left out or not.
    pub(super) fn listed(source: &str, name: &str) -> Option<&'static Self> {
        let tables = EVENTS.iter().chain(SHARES);
        let mut rows = tables
            .filter(|(known, _)| *known == source)
            .flat_map(|(_, rows)| *rows);
        rows.find(|row| row.name == name)
    }
}

/// All rows with their `eventSource`.
pub fn events() -> impl Iterator<Item = (&'static str, &'static Row)> {
    EVENTS
        .iter()
        .chain(SHARES)
        .flat_map(|(source, rows)| rows.iter().map(move |row| (*source, row)))
}

/// Whether a record with this `eventSource`, `eventName` and `userIdentity.type`, all of them texts,
/// is irrelevant to every function that a log alone can stand for, whatever else it says: for bulk
/// reading, which then needs no more of it. `false` decides nothing.
pub fn is_ordinary(source: &str, name: &str, caller: &str) -> bool {
    !source.is_empty()
        && !name.is_empty()
        && !caller.is_empty()
        && Row::of(source, name).is_none_or(|row| matches!(row.means, Means::Permissions(..)))
        && !is_root_type(caller)
}

/// `userIdentity.type` of the root user.
pub(super) fn is_root_type(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("Root")
}

const fn left_out(name: &'static str, why: &'static str) -> Row {
    row(name, Means::LeftOut(why), &[], &[], &[])
}

const ROLE: Places = &[
    "requestParameters.roleName",
    "responseElements.role.roleName",
    "responseElements.role.arn",
];
const ROLE_NAMED: Places = &["requestParameters.roleName"];
const USER_NAMED: Places = &["requestParameters.userName"];
const GROUP_NAMED: Places = &["requestParameters.groupName"];
const NEW_USER: Places = &[
    "requestParameters.userName",
    "responseElements.user.userName",
];
const KEY_USER: Places = &[
    "requestParameters.userName",
    "responseElements.accessKey.userName",
];
const PASSWORD_USER: Places = &[
    "requestParameters.userName",
    "responseElements.loginProfile.userName",
];
const KEY: Places = &[
    "responseElements.accessKey.accessKeyId",
    "requestParameters.accessKeyId",
];
const SERVICE_USER: Places = &[
    "requestParameters.userName",
    "responseElements.serviceSpecificCredential.userName",
];
const SERVICE_CREDENTIAL: Places = &[
    "responseElements.serviceSpecificCredential.serviceSpecificCredentialId",
    "requestParameters.serviceSpecificCredentialId",
];
const SERVICE: Places = &[
    "responseElements.serviceSpecificCredential.serviceName",
    "requestParameters.serviceName",
];
const CERTIFICATE_USER: Places = &[
    "requestParameters.userName",
    "responseElements.certificate.userName",
];
const CERTIFICATE: Places = &[
    "responseElements.certificate.certificateId",
    "requestParameters.certificateId",
];
const SSH_USER: Places = &[
    "requestParameters.userName",
    "responseElements.sSHPublicKey.userName",
];
const SSH_KEY: Places = &[
    "responseElements.sSHPublicKey.sSHPublicKeyId",
    "requestParameters.sSHPublicKeyId",
];
const DEVICE: Places = &["requestParameters.serialNumber"];
const SESSION_LENGTH: Places = &["requestParameters.maxSessionDuration"];
const SIGN_IN_LENGTH: Places = &["requestParameters.maxSigninSessionDuration"];
const SAML: Places = &[
    "responseElements.sAMLProviderArn",
    "requestParameters.sAMLProviderArn",
    "requestParameters.name",
];
const OIDC: Places = &[
    "responseElements.openIDConnectProviderArn",
    "requestParameters.openIDConnectProviderArn",
    "requestParameters.url",
];
const SAML_METADATA: Places = &["requestParameters.sAMLMetadataDocument"];
const OIDC_METADATA: Places = &[
    "requestParameters.url",
    "requestParameters.clientIDList",
    "requestParameters.thumbprintList",
];
const OIDC_THUMBPRINTS: Places = &["requestParameters.thumbprintList"];
const OIDC_AUDIENCE: Places = &["requestParameters.clientID"];
const OIDC_INSTANCE: Places = &["requestParameters.identityCenterInstanceArn"];
const ANCHOR: Places = &[
    "responseElements.trustAnchor.trustAnchorArn",
    "requestParameters.trustAnchorId",
    "requestParameters.name",
];
const ANCHOR_SOURCE: Places = &[
    "requestParameters.source.sourceData.x509CertificateData",
    "requestParameters.source.sourceData.acmPcaArn",
];
const PROFILE: Places = &[
    "responseElements.profile.profileArn",
    "requestParameters.profileId",
    "requestParameters.name",
];
const PROFILE_ROLES: Places = &[
    "requestParameters.roleArns",
    "responseElements.profile.roleArns",
];
const REVOCATIONS: Places = &[
    "responseElements.crl.crlArn",
    "requestParameters.crlId",
    "requestParameters.name",
];
const REVOCATION_DATA: Places = &["requestParameters.crlData"];
const ALIAS: Places = &[
    "responseElements.roleAliasArn",
    "requestParameters.roleAlias",
];
const ALIAS_ROLE: Places = &["requestParameters.roleArn"];
const ACTIVATION: Places = &[
    "responseElements.activationId",
    "requestParameters.activationId",
    "requestParameters.iamRole",
];
const ACTIVATION_ROLE: Places = &["requestParameters.iamRole"];
const APPLICATION: Places = &[
    "responseElements.applicationArn",
    "requestParameters.applicationArn",
    "requestParameters.identitySource.identityCenter.instanceArn",
];
const APPLICATION_SOURCE: Places = &["requestParameters.identitySource.identityCenter.instanceArn"];
const ENTITLEMENT: Places = &[
    "responseElements.entitlementId",
    "requestParameters.entitlementId",
    "requestParameters.applicationArn",
];
const ENTITLED_ROLE: Places = &["requestParameters.entitlement.principalRole.roleArn"];
const ENTITLED: Places = &["requestParameters.entitlement.principalRole.principal"];
const POLICY: Places = &["requestParameters.policyArn"];
const POLICY_NAME: Places = &["requestParameters.policyName"];
const BOUNDARY: Places = &["requestParameters.permissionsBoundary"];
const VERSION: Places = &[
    "requestParameters.versionId",
    "responseElements.policyVersion.versionId",
];
const DOCUMENT: Places = &["requestParameters.policyDocument"];
const NEW_TRUST: Places = &[
    "requestParameters.assumeRolePolicyDocument",
    "responseElements.role.assumeRolePolicyDocument",
];
const NEXT_TRUST: Places = &[
    "requestParameters.policyDocument",
    "responseElements.role.assumeRolePolicyDocument",
];
const TEMPLATE_TRUST: Places = &["responseElements.role.assumeRolePolicyDocument"];

const TAKES_AWAY: &str = "It takes access away";
const NOBODY_HOLDS: &str = "Nobody holds it yet: who is given it is reported";
const TAG: &str = "A tag gives nobody access; what a policy makes of it is judged with the policy";
const SESSION: &str = "It uses access and changes none: sessions are not watched yet";
const USE: &str = "It uses permissions and changes none: role-permissions reports who gets them";
const NO_ACCESS: &str = "It lets nobody into the account";
const CODE: &str = "It changes what code does with the role that it has: who may is reported as \
                    privilege-escalation; on what is the stack's, guard-tamper reports it";
const ELSEWHERE: &str = "It is in the trail of the organization's management account";

#[rustfmt::skip]
const EVENTS: &[(&str, &[Row])] = {
    use Credential::{Mfa, ServiceSpecific, SigningCertificate, SshKey};
    use Done::{Created, Deactivated, Reset, Updated};
    use HolderKind::{Group, Holders, Role, User};
    use Means::{
        CredentialChanged, KeyCreated, KeyUpdated, PasswordSet, Permissions, ProviderChanged, RecoveryRequested, RoleDeleted, SessionLengthSet, SignIn,
        TrustChanged, UserCreated,
    };
    use PolicyMove::{Attached, BoundaryDeleted, BoundaryPut, Deleted, Detached, Joined, Left, Put, VersionCreated, VersionSet};
    use ProviderMove::{
        AudienceAdded, AudienceRemoved, Created as New, Deleted as Gone, Disabled, Enabled, Tagged, Updated as Changed,
    };
    use ProviderType::{Activation, Application, Entitlement, Oidc, Profile, RevocationList, RoleAlias, Saml, TrustAnchor};
    &[
        ("iam.amazonaws.com", &[
            row("CreateRole", TrustChanged { created: true }, ROLE, &[], NEW_TRUST),
            row("UpdateAssumeRolePolicy", TrustChanged { created: false }, ROLE, &[], NEXT_TRUST),
            // From a template of AWS's; the answer has the whole role.
            row("AcquireRole", TrustChanged { created: true }, ROLE, &[], TEMPLATE_TRUST),
            row("DeleteRole", RoleDeleted, ROLE, &[], &[]),
            row("CreateUser", UserCreated, NEW_USER, &[], &[]),
            row("CreateAccessKey", KeyCreated, KEY_USER, KEY, &[]),
            row("UpdateAccessKey", KeyUpdated, KEY_USER, KEY, &[]),
            row("CreateLoginProfile", PasswordSet { created: true }, PASSWORD_USER, &[], &[]),
            row("UpdateLoginProfile", PasswordSet { created: false }, PASSWORD_USER, &[], &[]),
            row("CreateServiceSpecificCredential", CredentialChanged(ServiceSpecific, Created), SERVICE_USER, SERVICE_CREDENTIAL, SERVICE),
            row("ResetServiceSpecificCredential", CredentialChanged(ServiceSpecific, Reset), SERVICE_USER, SERVICE_CREDENTIAL, SERVICE),
            row("UpdateServiceSpecificCredential", CredentialChanged(ServiceSpecific, Updated), SERVICE_USER, SERVICE_CREDENTIAL, SERVICE),
            row("UploadSigningCertificate", CredentialChanged(SigningCertificate, Created), CERTIFICATE_USER, CERTIFICATE, &[]),
            row("UpdateSigningCertificate", CredentialChanged(SigningCertificate, Updated), CERTIFICATE_USER, CERTIFICATE, &[]),
            row("UploadSSHPublicKey", CredentialChanged(SshKey, Created), SSH_USER, SSH_KEY, &[]),
            row("UpdateSSHPublicKey", CredentialChanged(SshKey, Updated), SSH_USER, SSH_KEY, &[]),
            row("DeactivateMFADevice", CredentialChanged(Mfa, Deactivated), USER_NAMED, DEVICE, &[]),
            // It names the device alone.
            row("DeleteVirtualMFADevice", CredentialChanged(Mfa, Done::Deleted), &[], DEVICE, &[]),
            row("UpdateRole", SessionLengthSet, ROLE_NAMED, SESSION_LENGTH, SIGN_IN_LENGTH),
            row("AttachRolePolicy", Permissions(Role, Attached), ROLE_NAMED, POLICY, &[]),
            row("DetachRolePolicy", Permissions(Role, Detached), ROLE_NAMED, POLICY, &[]),
            row("PutRolePolicy", Permissions(Role, Put), ROLE_NAMED, POLICY_NAME, DOCUMENT),
            row("DeleteRolePolicy", Permissions(Role, Deleted), ROLE_NAMED, POLICY_NAME, &[]),
            row("PutRolePermissionsBoundary", Permissions(Role, BoundaryPut), ROLE_NAMED, BOUNDARY, &[]),
            row("DeleteRolePermissionsBoundary", Permissions(Role, BoundaryDeleted), ROLE_NAMED, &[], &[]),
            row("CreatePolicyVersion", Permissions(Holders, VersionCreated), POLICY, VERSION, DOCUMENT),
            row("SetDefaultPolicyVersion", Permissions(Holders, VersionSet), POLICY, VERSION, DOCUMENT),
            row("AttachUserPolicy", Permissions(User, Attached), USER_NAMED, POLICY, &[]),
            row("DetachUserPolicy", Permissions(User, Detached), USER_NAMED, POLICY, &[]),
            row("PutUserPolicy", Permissions(User, Put), USER_NAMED, POLICY_NAME, DOCUMENT),
            row("DeleteUserPolicy", Permissions(User, Deleted), USER_NAMED, POLICY_NAME, &[]),
            row("PutUserPermissionsBoundary", Permissions(User, BoundaryPut), USER_NAMED, BOUNDARY, &[]),
            row("DeleteUserPermissionsBoundary", Permissions(User, BoundaryDeleted), USER_NAMED, &[], &[]),
            row("AddUserToGroup", Permissions(User, Joined), USER_NAMED, GROUP_NAMED, &[]),
            row("RemoveUserFromGroup", Permissions(User, Left), USER_NAMED, GROUP_NAMED, &[]),
            row("AttachGroupPolicy", Permissions(Group, Attached), GROUP_NAMED, POLICY, &[]),
            row("DetachGroupPolicy", Permissions(Group, Detached), GROUP_NAMED, POLICY, &[]),
            row("PutGroupPolicy", Permissions(Group, Put), GROUP_NAMED, POLICY_NAME, DOCUMENT),
            row("DeleteGroupPolicy", Permissions(Group, Deleted), GROUP_NAMED, POLICY_NAME, &[]),
            row("CreateSAMLProvider", ProviderChanged(Saml, New), SAML, &[], SAML_METADATA),
            row("UpdateSAMLProvider", ProviderChanged(Saml, Changed), SAML, &[], SAML_METADATA),
            row("DeleteSAMLProvider", ProviderChanged(Saml, Gone), SAML, &[], &[]),
            row("TagSAMLProvider", ProviderChanged(Saml, Tagged), SAML, &[], &[]),
            row("UntagSAMLProvider", ProviderChanged(Saml, Tagged), SAML, &[], &[]),
            row("CreateOpenIDConnectProvider", ProviderChanged(Oidc, New), OIDC, &[], OIDC_METADATA),
            row("UpdateOpenIDConnectProvider", ProviderChanged(Oidc, Changed), OIDC, &[], OIDC_INSTANCE),
            row("UpdateOpenIDConnectProviderThumbprint", ProviderChanged(Oidc, Changed), OIDC, &[], OIDC_THUMBPRINTS),
            row("AddClientIDToOpenIDConnectProvider", ProviderChanged(Oidc, AudienceAdded), OIDC, &[], OIDC_AUDIENCE),
            row("RemoveClientIDFromOpenIDConnectProvider", ProviderChanged(Oidc, AudienceRemoved), OIDC, &[], OIDC_AUDIENCE),
            row("DeleteOpenIDConnectProvider", ProviderChanged(Oidc, Gone), OIDC, &[], &[]),
            row("TagOpenIDConnectProvider", ProviderChanged(Oidc, Tagged), OIDC, &[], &[]),
            row("UntagOpenIDConnectProvider", ProviderChanged(Oidc, Tagged), OIDC, &[], &[]),
            left_out("AddRoleToInstanceProfile", "The role trusts EC2 already; who may hand it to an instance is reported as privilege-escalation"),
            left_out("ChangePassword", "Users replace a password of their own"),
            left_out("CreateGroup", NOBODY_HOLDS),
            left_out("CreatePolicy", NOBODY_HOLDS),
            left_out("CreateServiceLinkedRole", "AWS writes the trust policy, for a service of its own alone"),
            left_out("DeleteAccessKey", TAKES_AWAY),
            left_out("DeleteLoginProfile", TAKES_AWAY),
            left_out("DeleteSSHPublicKey", TAKES_AWAY),
            left_out("DeleteServiceSpecificCredential", TAKES_AWAY),
            left_out("DeleteSigningCertificate", TAKES_AWAY),
            left_out("DeletePolicy", "IAM deletes only a policy that nobody holds"),
            left_out("DeletePolicyVersion", "IAM deletes only a version that is not in force"),
            left_out("DeleteUser", TAKES_AWAY),
            left_out("EnableMFADevice", "Users register their own devices; a password or key that somebody else gives them is reported"),
            left_out("PassRole", "It is a permission and no call: the call that takes the role is one of another service"),
            left_out("TagRole", TAG),
            left_out("TagUser", TAG),
            left_out("UntagRole", TAG),
            left_out("UntagUser", TAG),
            left_out("UpdateRoleDescription", "A description gives nobody access"),
            left_out("UpdateUser", "The sweep judges users and their keys by the names they have, within hours"),
            left_out("UploadServerCertificate", "A server's certificate gives nobody access to the account"),
            left_out("AcceptDelegationRequest", "Not watched yet; whatever the partner does then names the partner's account"),
            left_out("SendDelegationToken", "Not watched yet; whatever the partner does then names the partner's account"),
            left_out("EnableOutboundWebIdentityFederation", "It lets this account's roles prove who they are elsewhere, and nobody in"),
        ]),
        ("signin.amazonaws.com", &[
            row("ConsoleLogin", SignIn, &["userIdentity.type"], &["responseElements.ConsoleLogin", "additionalEventData.MFAUsed"], &[]),
            row("PasswordRecoveryRequested", RecoveryRequested, &["userIdentity.type"], &[], &[]),
            left_out("CheckMfa", "The question for a code comes before each sign-in, and says nothing that it does not"),
        ]),
        ("rolesanywhere.amazonaws.com", &[
            row("CreateTrustAnchor", ProviderChanged(TrustAnchor, New), ANCHOR, &[], ANCHOR_SOURCE),
            row("UpdateTrustAnchor", ProviderChanged(TrustAnchor, Changed), ANCHOR, &[], ANCHOR_SOURCE),
            row("EnableTrustAnchor", ProviderChanged(TrustAnchor, Enabled), ANCHOR, &[], &[]),
            row("DisableTrustAnchor", ProviderChanged(TrustAnchor, Disabled), ANCHOR, &[], &[]),
            row("DeleteTrustAnchor", ProviderChanged(TrustAnchor, Gone), ANCHOR, &[], &[]),
            row("CreateProfile", ProviderChanged(Profile, New), PROFILE, PROFILE_ROLES, &[]),
            row("UpdateProfile", ProviderChanged(Profile, Changed), PROFILE, PROFILE_ROLES, &[]),
            row("EnableProfile", ProviderChanged(Profile, Enabled), PROFILE, PROFILE_ROLES, &[]),
            row("DisableProfile", ProviderChanged(Profile, Disabled), PROFILE, PROFILE_ROLES, &[]),
            row("DeleteProfile", ProviderChanged(Profile, Gone), PROFILE, PROFILE_ROLES, &[]),
            row("ImportCrl", ProviderChanged(RevocationList, New), REVOCATIONS, &[], REVOCATION_DATA),
            row("UpdateCrl", ProviderChanged(RevocationList, Changed), REVOCATIONS, &[], REVOCATION_DATA),
            row("EnableCrl", ProviderChanged(RevocationList, Enabled), REVOCATIONS, &[], &[]),
            row("DisableCrl", ProviderChanged(RevocationList, Disabled), REVOCATIONS, &[], &[]),
            row("DeleteCrl", ProviderChanged(RevocationList, Gone), REVOCATIONS, &[], &[]),
        ]),
        ("iot.amazonaws.com", &[
            row("CreateRoleAlias", ProviderChanged(RoleAlias, New), ALIAS, ALIAS_ROLE, &[]),
            row("UpdateRoleAlias", ProviderChanged(RoleAlias, Changed), ALIAS, ALIAS_ROLE, &[]),
            row("DeleteRoleAlias", ProviderChanged(RoleAlias, Gone), ALIAS, &[], &[]),
        ]),
        ("account-access.amazonaws.com", &[
            row("CreateApplication", ProviderChanged(Application, New), APPLICATION, &[], APPLICATION_SOURCE),
            row("DeleteApplication", ProviderChanged(Application, Gone), APPLICATION, &[], &[]),
            row("CreateEntitlement", ProviderChanged(Entitlement, New), ENTITLEMENT, ENTITLED_ROLE, ENTITLED),
            row("DeleteEntitlement", ProviderChanged(Entitlement, Gone), ENTITLEMENT, &[], &[]),
        ]),
        ("sts.amazonaws.com", &[
            left_out("AssumeRole", SESSION),
            left_out("AssumeRoleWithSAML", SESSION),
            left_out("AssumeRoleWithWebIdentity", SESSION),
            left_out("AssumeRoot", SESSION),
            left_out("GetFederationToken", "Its session holds no more than the user whose key asked for it"),
            left_out("GetSessionToken", "Its session holds no more than the user whose key asked for it"),
        ]),
        ("sso.amazonaws.com", &[
            left_out("AttachManagedPolicyToPermissionSet", ELSEWHERE),
            left_out("CreateAccountAssignment", ELSEWHERE),
        ]),
        ("organizations.amazonaws.com", &[
            left_out("LeaveOrganization", "It takes guardrails away and lets nobody in; the rules name the organization, and its accounts are strangers' then"),
        ]),
        ("ec2.amazonaws.com", &[
            left_out("AssociateIamInstanceProfile", "The role trusts EC2 already; who may hand it to an instance is reported as privilege-escalation"),
            left_out("AuthorizeSecurityGroupIngress", NO_ACCESS),
            left_out("DeleteFlowLogs", NO_ACCESS),
            left_out("EnableSerialConsoleAccess", NO_ACCESS),
            left_out("GetPasswordData", USE),
            left_out("ModifyInstanceAttribute", USE),
            left_out("RunInstances", USE),
            left_out("SendSerialConsoleSSHPublicKey", USE),
            left_out("StartInstances", USE),
            left_out("StopInstances", USE),
        ]),
        ("ec2-instance-connect.amazonaws.com", &[
            left_out("SendSSHPublicKey", USE),
            left_out("SendSerialConsoleSSHPublicKey", USE),
        ]),
        ("ssm.amazonaws.com", &[
            row("CreateActivation", ProviderChanged(Activation, New), ACTIVATION, ACTIVATION_ROLE, &[]),
            row("DeleteActivation", ProviderChanged(Activation, Gone), ACTIVATION, &[], &[]),
            left_out("SendCommand", USE),
            left_out("StartSession", USE),
            left_out("TerminateSession", TAKES_AWAY),
        ]),
        ("lambda.amazonaws.com", &[
            left_out("UpdateFunctionCode20150331v2", CODE),
            left_out("UpdateFunctionConfiguration20150331v2", CODE),
        ]),
        ("bedrock.amazonaws.com", &[
            left_out("CreateFoundationModelAgreement", USE),
            left_out("InvokeModel", USE),
            left_out("PutFoundationModelEntitlement", USE),
            left_out("PutUseCaseForModelAccess", USE),
        ]),
        ("route53resolver.amazonaws.com", &[left_out("DeleteResolverQueryLogConfig", NO_ACCESS)]),
        ("secretsmanager.amazonaws.com", &[
            left_out("GetSecretValue", USE),
        ]),
    ]
};
