//! The rules as people write them, in `rules/access.yaml`.
//!
//! Every section and key but `version` may be left out and then has the safest value. Unknown
//! keys are errors: a typo must never read as "no restriction".

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::entry::{NetworkEntry, RoleEntry};
use super::shared_provider::SharedProvider;
use crate::check::Severity;

/// The access rules of one account or organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// The version of this format: 1.
    pub version: u32,
    /// The organization whose accounts are ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<Organization>,
    /// Accounts that are ours and outside the organization: 12 digits, in quotes.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub trusted_accounts: Vec<String>,
    /// What the guard does about a violation. A vendor or check may lower it to `alert`; the
    /// stack's own mode is a ceiling above it.
    #[serde(default)]
    pub mode: Mode,
    /// The third parties that may have access.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub vendors: Vec<Vendor>,
    /// The identity providers whose users or workloads may assume roles.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub identity_providers: Vec<IdentityProvider>,
    /// Issuers that serve many tenants, besides those that are known here.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub shared_providers: Vec<SharedProvider>,
    /// Networks that may stand for an account: CIDRs, `vpc-…`, `vpce-…`, or `{network, accepted}`.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub networks: Vec<NetworkEntry>,
    /// Who may have long-term access keys.
    #[serde(default, deserialize_with = "or_empty")]
    pub access_keys: AccessKeys,
    /// What is done when a third party's role or user is given too much.
    #[serde(default, deserialize_with = "or_empty")]
    pub permissions: PermissionSettings,
    /// How bad it is when the root user is used.
    #[serde(default, deserialize_with = "or_empty")]
    pub root: RootSettings,
    /// What is done about a role that violates the rules, in mode `enforce`.
    #[serde(default, deserialize_with = "or_empty")]
    pub remediation: Remediation,
    /// Who may do what with incidents, by the function for it.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Operators::is_nobody"
    )]
    pub operators: Operators,
    /// Settings of single checks, by their code.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub checks: BTreeMap<String, CheckSetting>,
    /// Violations that are known and accepted, for a while.
    #[serde(
        default,
        deserialize_with = "or_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub exemptions: Vec<Exemption>,
}

/// A section with nothing below it, because all of it is commented out, is as good as none.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The organization whose accounts are ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Organization {
    /// `o-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The management account: 12 digits, in quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_account: Option<String>,
    /// A JSON file beside this one, with the organization's accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts_file: Option<String>,
}

/// One account of the organization: an entry of the accounts file, which is a list of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrganizationAccount {
    /// 12 digits.
    pub id: String,
    /// Its name, for people.
    #[serde(default)]
    pub name: String,
    /// Its organizational units from the root on, as `Workloads/Production`; empty where not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// What the guard does about a violation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It says what is wrong and what it would have done.
    #[default]
    Alert,
    /// It remediates as well.
    Enforce,
}

/// A registered third party.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// Its name, which no other vendor here has.
    pub name: String,
    /// The accounts it comes from: 12 digits, in quotes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Which of our roles may trust it: a name or pattern, or `{name, external_id}`. None: no
    /// role may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
    /// ARNs of the principals it comes as, where that is narrower than its whole accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<String>,
    /// What it must say as external id.
    #[serde(default)]
    pub external_id: ExternalIdRule,
    /// The most that its roles may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Which of our accounts this is about: ids, or patterns of the names and paths in the accounts
    /// file. None: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts_of_ours: Vec<String>,
    /// IAM users that still hold access keys for it, by name or pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Who answers for it on our side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The last day of its access (`2027-03-31`, until the end of that day in UTC), or a
    /// moment (`2027-03-31T12:00:00Z`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `alert`: violations by this vendor are never remediated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// What a vendor must say as external id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExternalIdRule {
    /// A trust policy without an external id is a violation.
    #[serde(default = "yes")]
    pub required: bool,
    /// The values it may have. None: any fixed value, which admits other customers' roles at
    /// that vendor, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Who makes it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ExternalIdOwner>,
}

impl Default for ExternalIdRule {
    fn default() -> Self {
        Self {
            required: true,
            values: Vec::new(),
            owner: None,
        }
    }
}

fn yes() -> bool {
    true
}

/// Who makes up an external id. AWS's own texts disagree, so the rules say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExternalIdOwner {
    /// The third party.
    Vendor,
    /// We do.
    Us,
}

/// The most that a vendor's roles may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// Action patterns, as `ec2:Describe*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
}

/// An identity provider whose users or workloads may assume roles.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
    /// What kind, where that gives more than the provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ProviderKind>,
    /// An OIDC issuer without `https://`, or the name or ARN of a SAML provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// With `kind: eks`: the clusters' OIDC ids. Never a pattern: anyone can have a cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// The audiences a token may be for. None: any that IAM's own provider admits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// The subjects that may assume roles: patterns. None: every subject of the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// With GitHub: the owner of the repositories, however their subjects are spelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// With GitHub: the owner's id, which stands beside the name in immutable subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// With `kind: roles-anywhere`: the ARNs of the trust anchors whose certificates count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust_anchors: Vec<String>,
    /// With `kind: account-access`: the accounts whose application may let users in, besides ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// What other claims of a token must be: patterns, by claim, with the issuer and a colon before
    /// it or without. None: anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
    /// Which of our roles may trust it: names or patterns. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Which of our accounts this is about: ids, or patterns of the names and paths in the accounts
    /// file. None: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts_of_ours: Vec<String>,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A kind of identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// OpenID Connect.
    Oidc,
    /// An EKS cluster's service accounts.
    Eks,
    /// SAML.
    Saml,
    /// Machines with certificates of a trust anchor, by IAM Roles Anywhere.
    RolesAnywhere,
    /// Devices, by the credential provider of AWS IoT Core.
    Iot,
    /// Machines outside AWS, by hybrid activations of AWS Systems Manager.
    SsmHybrid,
    /// Users of IAM Identity Center, by an application of account access manager.
    AccountAccess,
}

/// Who may have long-term access keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AccessKeys {
    /// IAM users, by name or pattern.
    pub allow_users: Vec<String>,
    /// An older key is a finding.
    pub max_age_days: u32,
    /// What is done about a key of a user who may have none, in mode `enforce`.
    pub on_violation: KeyViolation,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl Default for AccessKeys {
    fn default() -> Self {
        Self {
            allow_users: Vec::new(),
            max_age_days: 90,
            on_violation: KeyViolation::Alert,
            accepted: None,
        }
    }
}

/// What is done about a key of a user who may have none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyViolation {
    /// It is said.
    #[default]
    Alert,
    /// It is made inactive as well.
    Deactivate,
}

/// What is done when a role that third parties can assume, or a user whose keys they hold, is given
/// too much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PermissionSettings {
    /// What is done about it, in mode `enforce`.
    pub on_violation: PermissionViolation,
}

impl PermissionSettings {
    /// Nothing is set.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is done when a third party's role or user is given too much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PermissionViolation {
    /// It is said.
    #[default]
    Alert,
    /// The attachment, the inline policy, the version or the boundary is undone as well.
    Detach,
}

/// Who may do what with incidents, besides the IAM permission to ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Operators {
    /// Who may approve a document for a while, or take a remediation back: exact ARNs of IAM roles
    /// and users. None: nobody.
    pub approvers: Vec<String>,
}

impl Operators {
    /// Nobody may.
    pub(super) fn is_nobody(&self) -> bool {
        self.approvers.is_empty()
    }
}

/// How bad it is when the root user is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RootSettings {
    /// A sign-in that succeeded.
    pub sign_in: Severity,
    /// A sign-in that failed.
    pub failed_sign_in: Severity,
    /// A call of an API.
    pub api_call: Severity,
}

impl Default for RootSettings {
    fn default() -> Self {
        Self {
            sign_in: Severity::Critical,
            failed_sign_in: Severity::Medium,
            api_call: Severity::Critical,
        }
    }
}

/// What is done about a role that violates the rules, in mode `enforce`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Remediation {
    /// About a role that was compliant before.
    pub changed_role: ChangedRole,
    /// About a role that never was.
    pub new_role: NewRole,
    /// About what violated the rules already when the guard looked for the first time.
    pub existing_violations: ExistingViolations,
    /// Roles that are never written: exact ARNs. AWS's reserved paths always are among them.
    pub protected_roles: Vec<String>,
    /// Whether sessions that were issued during the exposure are ended.
    pub revoke_sessions: RevokeSessions,
    /// How often one role is written at most, in an hour.
    pub max_writes_per_role_per_hour: u32,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl Default for Remediation {
    fn default() -> Self {
        Self {
            changed_role: ChangedRole::Revert,
            new_role: NewRole::Repair,
            existing_violations: ExistingViolations::Leave,
            protected_roles: Vec::new(),
            revoke_sessions: RevokeSessions::Never,
            max_writes_per_role_per_hour: 3,
            accepted: None,
        }
    }
}

/// What is done about a role that was compliant before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChangedRole {
    /// Nothing.
    Off,
    /// Its newest approved trust policy is restored.
    #[default]
    Revert,
    /// What violates the rules is taken out, the rest stays.
    Repair,
    /// Nobody can assume it.
    Quarantine,
}

/// What is done about what violated the rules already when the guard looked for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExistingViolations {
    /// It is reported in one digest, and left to manual action until somebody changes the role.
    #[default]
    Leave,
    /// It is remediated like any other, as `changed_role` says.
    Remediate,
}

/// What is done about a role that never was compliant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NewRole {
    /// Nothing.
    Off,
    /// What violates the rules is taken out, the rest stays; quarantine where nothing is left.
    #[default]
    Repair,
    /// Nobody can assume it.
    Quarantine,
}

/// Whether sessions that were issued during the exposure are ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevokeSessions {
    /// They live on, at most 12 hours.
    #[default]
    Never,
    /// Only on roles that are new.
    OnNewRole,
    /// On every role but those that services use.
    Always,
}

/// Settings of one check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CheckSetting {
    /// How bad its findings are, instead of the check's own severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// `alert`: its findings are never remediated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

/// A violation that is known and accepted, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// The role that may violate the rules: a name or pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The resource that may be shared: its ARN, or a pattern of ARNs. For `resource-shared`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The outside account it may trust; no other is covered. 12 digits, in quotes. Of a resource
    /// also `*`: everyone may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The user that may violate them: a name or pattern. For checks of keys and passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Which of our accounts this is about: ids, or patterns of the names and paths in the accounts
    /// file. None: each of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts_of_ours: Vec<String>,
    /// The check's code, as `missing-external-id`.
    pub check: String,
    /// Why it is accepted.
    #[serde(default)]
    pub reason: String,
    /// The last day of it, or a moment, as a vendor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Why it is as wide as it is: silences what `rules check` warns of here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}
