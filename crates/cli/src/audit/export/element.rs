//! The fields of a role, a user, a group or a policy that are read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use guard::account::LastUsed;
use guard::cloudtrail::percent_decoded;
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use crate::audit::interned::Interned;

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElementError {
    /// A field that it must have is missing.
    #[error("{what} has no {field}")]
    Missing {
        /// What it is, as far as that is known.
        what: String,
        /// The field's name.
        field: &'static str,
    },
    /// A field is not what it should be.
    #[error("{field} of {what} cannot be read")]
    Field {
        /// What it is, as far as that is known.
        what: String,
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A role, not yet read any closer than to tell its fields apart.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Role<'a> {
    /// `RoleName`.
    #[serde(borrow, default, rename = "RoleName")]
    pub(crate) name: Cow<'a, str>,
    /// `Arn`.
    #[serde(borrow, default)]
    pub(crate) arn: Cow<'a, str>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
    path: Option<&'a RawValue>,
    create_date: Option<&'a RawValue>,
    role_last_used: Option<&'a RawValue>,
    role_policy_list: Option<&'a RawValue>,
    attached_managed_policies: Option<&'a RawValue>,
    permissions_boundary: Option<&'a RawValue>,
}

/// What a role may do, as the export says it: to be looked up in `Policies`. It is kept until the
/// policies are known, which come last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    /// Name and text of each inline policy.
    pub(crate) inline: Box<[(Box<str>, Box<str>)]>,
    /// ARNs of attached policies.
    pub(crate) attached: Arc<[Box<str>]>,
    /// ARN of the permissions boundary.
    pub(crate) boundary: Option<Box<str>>,
}

/// A user, or a group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// `UserName` or `GroupName`.
    pub(crate) name: String,
    /// From `Arn`; 12 digits, or empty.
    pub(crate) account: String,
    /// Its own policies; what a user's groups hold comes besides.
    pub(crate) held: Held,
    /// The names of a user's groups.
    pub(crate) groups: Vec<String>,
}

impl Holder {
    /// Names of inline and attached policies.
    pub(crate) fn policies(&self) -> Vec<String> {
        let inline = self.held.inline.iter().map(|(name, _)| &**name);
        let attached = self.held.attached.iter();
        let attached = attached.map(|arn| arn.rsplit('/').next().unwrap_or(arn));
        inline.chain(attached).map(str::to_owned).collect()
    }
}

/// A managed policy, in its default version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// `Arn`.
    pub(crate) arn: String,
    /// JSON text.
    pub(crate) document: String,
}

/// An element of the list of its kind.
pub(super) fn role(text: &[u8]) -> Result<Role<'_>, ElementError> {
    let role: Role<'_> = shape("a role", "RoleDetailList", text)?;
    let missing = |what, field| Err(ElementError::Missing { what, field });
    if role.name.is_empty() {
        return missing("a role".to_owned(), "RoleName");
    }
    if role.arn.is_empty() {
        return missing(role.what(), "Arn");
    }
    if role.assume_role_policy_document.is_none() {
        return missing(role.what(), "AssumeRolePolicyDocument");
    }
    Ok(role)
}

impl Role<'_> {
    /// 12 digits, from the ARN; empty where that is none.
    pub(crate) fn account(&self) -> &str {
        account_of(&self.arn)
    }

    fn what(&self) -> String {
        format!("role {}", self.name)
    }

    /// The trust policy as JSON text.
    pub(crate) fn document(&self) -> Result<Cow<'_, str>, ElementError> {
        let field = "AssumeRolePolicyDocument";
        let document = self.assume_role_policy_document;
        let text = document.map(|document| document_text(document, || self.what(), field));
        text.unwrap_or_else(|| {
            let what = self.what();
            Err(ElementError::Missing { what, field })
        })
    }

    /// `Path`; else as the ARN says it.
    pub(crate) fn path(&self) -> Result<Option<String>, ElementError> {
        if let Some(path) = self.parsed("Path", self.path)? {
            return Ok(Some(path));
        }
        let (_, rest) = self.arn.split_once(":role").unwrap_or_default();
        Ok(rest.rsplit_once('/').map(|(path, _)| format!("{path}/")))
    }

    /// `CreateDate`.
    pub(crate) fn created(&self) -> Result<Option<Timestamp>, ElementError> {
        let created: Option<Moment> = self.parsed("CreateDate", self.create_date)?;
        Ok(created.map(|moment| moment.0))
    }

    /// `RoleLastUsed`, which is an empty object for a role that was never used.
    pub(crate) fn last_used(&self) -> Result<LastUsed, ElementError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Used {
            last_used_date: Option<Moment>,
            region: Option<String>,
        }
        let used: Option<Used> = self.parsed("RoleLastUsed", self.role_last_used)?;
        Ok(used.map_or(LastUsed::Unknown, |used| {
            used.last_used_date
                .map_or(LastUsed::Never, |Moment(when)| LastUsed::At {
                    when,
                    region: used.region,
                })
        }))
    }

    /// Its policies. Most roles share the list of those that are attached with others.
    pub(crate) fn held(&self, lists: &mut Interned<[Box<str>]>) -> Result<Held, ElementError> {
        let field = "RolePolicyList";
        let inline = self.parsed(field, self.role_policy_list)?;
        let attached = self.parsed("AttachedManagedPolicies", self.attached_managed_policies)?;
        let boundary = self.parsed("PermissionsBoundary", self.permissions_boundary)?;
        let mut held = held(|| self.what(), field, inline, attached, boundary)?;
        held.attached = lists.of(held.attached);
        Ok(held)
    }

    fn parsed<'f, T: Deserialize<'f>>(
        &self,
        field: &'static str,
        value: Option<&'f RawValue>,
    ) -> Result<Option<T>, ElementError> {
        let parsed = value.map(|value| serde_json::from_str(value.get()));
        parsed.transpose().map_err(|source| ElementError::Field {
            what: self.what(),
            field,
            source,
        })
    }
}

/// An inline policy.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inline<'a> {
    policy_name: Box<str>,
    #[serde(borrow)]
    policy_document: &'a RawValue,
}

/// An attached policy.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    policy_arn: Box<str>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary {
    permissions_boundary_arn: Box<str>,
}

/// What somebody holds, of whom the list `field` has the inline policies.
fn held(
    what: impl Fn() -> String,
    field: &'static str,
    inline: Option<Vec<Inline<'_>>>,
    attached: Option<Vec<Attached>>,
    boundary: Option<Boundary>,
) -> Result<Held, ElementError> {
    let inline = inline.into_iter().flatten().map(|policy| {
        let text = document_text(policy.policy_document, &what, field)?;
        Ok((policy.policy_name, text.into()))
    });
    let attached = attached.into_iter().flatten();
    Ok(Held {
        inline: inline.collect::<Result<_, _>>()?,
        attached: attached.map(|policy| policy.policy_arn).collect(),
        boundary: boundary.map(|boundary| boundary.permissions_boundary_arn),
    })
}

/// An element of the list of its kind.
pub(super) fn user(text: &[u8]) -> Result<Holder, ElementError> {
    let fields = ["UserName", "UserDetailList", "UserPolicyList"];
    holder("user", fields, text)
}

/// An element of the list of its kind.
pub(super) fn group(text: &[u8]) -> Result<Holder, ElementError> {
    let fields = ["GroupName", "GroupDetailList", "GroupPolicyList"];
    holder("group", fields, text)
}

fn holder(
    kind: &str,
    [name, list, inline]: [&'static str; 3],
    text: &[u8],
) -> Result<Holder, ElementError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Shape<'a> {
        #[serde(default, alias = "GroupName")]
        user_name: String,
        #[serde(default)]
        arn: String,
        #[serde(borrow, alias = "GroupPolicyList")]
        user_policy_list: Option<Vec<Inline<'a>>>,
        attached_managed_policies: Option<Vec<Attached>>,
        permissions_boundary: Option<Boundary>,
        group_list: Option<Vec<String>>,
    }
    let what = format!("a {kind}");
    let read: Shape<'_> = shape(&what, list, text)?;
    if read.user_name.is_empty() {
        return Err(ElementError::Missing { what, field: name });
    }
    let held = held(
        || format!("{kind} {}", read.user_name),
        inline,
        read.user_policy_list,
        read.attached_managed_policies,
        read.permissions_boundary,
    )?;
    Ok(Holder {
        account: account_of(&read.arn).to_owned(),
        groups: read.group_list.unwrap_or_default(),
        name: read.user_name,
        held,
    })
}

/// An element of the list of its kind.
pub(super) fn policy(text: &[u8]) -> Result<Policy, ElementError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version<'a> {
        #[serde(borrow)]
        document: Option<&'a RawValue>,
        version_id: Option<String>,
        #[serde(default)]
        is_default_version: bool,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Shape<'a> {
        arn: String,
        default_version_id: Option<String>,
        #[serde(borrow, default)]
        policy_version_list: Vec<Version<'a>>,
    }
    let policy: Shape<'_> = shape("a policy", "Policies", text)?;
    let what = || format!("policy {}", policy.arn);
    let id = policy.default_version_id.as_ref();
    let mut versions = policy.policy_version_list.iter();
    let version = versions.find(|version| {
        version.is_default_version || (id.is_some() && version.version_id.as_ref() == id)
    });
    let Some(document) = version.and_then(|version| version.document) else {
        let (what, field) = (what(), "default version");
        return Err(ElementError::Missing { what, field });
    };
    let document = document_text(document, what, "Document")?.into_owned();
    let arn = policy.arn;
    Ok(Policy { arn, document })
}

/// A moment as the AWS CLI writes it (`2026-01-31T10:00:00+00:00`), or seconds since 1970 as
/// others do.
struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MomentVisitor)
    }
}

struct MomentVisitor;

impl Visitor<'_> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment, as 2026-01-31T10:00:00+00:00 or in seconds since 1970")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map(Moment).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Moment, E> {
        let moment = Timestamp::from_second(seconds.try_into().unwrap_or(i64::MAX));
        moment.map(Moment).map_err(E::custom)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second")]
    #[expect(clippy::cast_sign_loss, reason = "IAM is younger than 1970")]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Moment, E> {
        self.visit_u64(seconds as u64)
    }
}

/// An element of the list `field`.
fn shape<'a, T: Deserialize<'a>>(
    what: &str,
    field: &'static str,
    text: &'a [u8],
) -> Result<T, ElementError> {
    serde_json::from_slice(text).map_err(|source| ElementError::Field {
        what: what.to_owned(),
        field,
        source,
    })
}

/// A policy document: an object as it stands, or a text that may be percent-encoded.
fn document_text<'a>(
    document: &'a RawValue,
    what: impl Fn() -> String,
    field: &'static str,
) -> Result<Cow<'a, str>, ElementError> {
    if !document.get().starts_with('"') {
        return Ok(Cow::Borrowed(document.get()));
    }
    let text: String = shape(&what(), field, document.get().as_bytes())?;
    Ok(Cow::Owned(if text.trim_start().starts_with('{') {
        text
    } else {
        percent_decoded(&text)
    }))
}

/// The account of an ARN; empty where it has none.
fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
