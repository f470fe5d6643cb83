//! The fields of a role, a user, a group or a policy that are read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use guard::account::LastUsed;
use guard::cloudtrail::{moment, percent_decoded};
use jiff::{SignedDuration, Timestamp};
use permissions::{Policies, Policy};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::List;
use crate::audit::interned::Interned;

/// An object that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElementError {
    /// A field that it must have is missing.
    #[error("{what} has no {field}")]
    Missing {
        /// The object, as far as it is known.
        what: String,
        /// The field's name.
        field: &'static str,
    },
    /// A field cannot be read.
    #[error("{field} of {what} cannot be read")]
    Field {
        /// The object, as far as it is known.
        what: String,
        /// The field's name.
        field: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
}

/// A role, a user or a group, read no closer than to tell its fields apart.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Holder<'a> {
    #[serde(skip)]
    list: List,
    /// `RoleName`, `UserName` or `GroupName`.
    #[serde(borrow, default)]
    #[serde(rename = "RoleName", alias = "UserName", alias = "GroupName")]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) arn: Cow<'a, str>,
    #[serde(borrow)]
    assume_role_policy_document: Option<&'a RawValue>,
    path: Option<&'a RawValue>,
    create_date: Option<&'a RawValue>,
    role_last_used: Option<&'a RawValue>,
    #[serde(alias = "UserPolicyList", alias = "GroupPolicyList")]
    role_policy_list: Option<&'a RawValue>,
    attached_managed_policies: Option<&'a RawValue>,
    permissions_boundary: Option<&'a RawValue>,
    group_list: Option<&'a RawValue>,
    tags: Option<&'a RawValue>,
    max_session_duration: Option<&'a RawValue>,
}

impl<'a> Holder<'a> {
    /// An element of a list of such.
    pub(super) fn read(list: List, text: &'a [u8]) -> Result<Self, ElementError> {
        let [word, key, name, _] = list.words();
        let kind = || format!("a {word}");
        let holder = Self {
            list,
            ..parsed(kind, key, text)?
        };
        let missing = |what, field| Err(ElementError::Missing { what, field });
        if holder.name.is_empty() {
            return missing(kind(), name);
        }
        if list == List::Roles && holder.arn.is_empty() {
            return missing(holder.what(), "Arn");
        }
        if list == List::Roles && holder.assume_role_policy_document.is_none() {
            return missing(holder.what(), "AssumeRolePolicyDocument");
        }
        Ok(holder)
    }

    /// One role, as `get-role` prints it.
    pub(crate) fn read_role(text: &'a [u8]) -> Result<Self, ElementError> {
        parsed(|| "a role".to_owned(), "Role", text)
    }

    /// A role's trust policy as it stands in the input.
    pub(crate) fn raw_document(&self) -> Option<&'a str> {
        self.assume_role_policy_document.map(RawValue::get)
    }

    /// 12 digits, from the ARN; empty where it has none.
    pub(crate) fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    fn what(&self) -> String {
        let [word, ..] = self.list.words();
        format!("{word} {}", self.name)
    }

    /// A role's trust policy as JSON text.
    pub(crate) fn document(&self) -> Result<Cow<'_, str>, ElementError> {
        let field = "AssumeRolePolicyDocument";
        let document = self.assume_role_policy_document;
        let document = document.ok_or_else(|| ElementError::Missing {
            what: self.what(),
            field,
        })?;
        document_text(document, || self.what(), field)
    }

    /// `Path`; else as the ARN says it.
    pub(crate) fn path(&self) -> Result<Option<String>, ElementError> {
        if let Some(path) = self.field("Path", self.path)? {
            return Ok(Some(path));
        }
        let (_, rest) = self.arn.split_once(":role").unwrap_or_default();
        Ok(rest.rsplit_once('/').map(|(path, _)| format!("{path}/")))
    }

    /// `CreateDate`.
    pub(crate) fn created(&self) -> Result<Option<Timestamp>, ElementError> {
        let created: Option<Moment> = self.field("CreateDate", self.create_date)?;
        Ok(created.map(|moment| moment.0))
    }

    /// `RoleLastUsed`, which is an empty object for a role that was never used.
    pub(crate) fn last_used(&self) -> Result<LastUsed, ElementError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Used {
            last_used_date: Option<Moment>,
            region: Option<Box<str>>,
        }
        let used: Option<Used> = self.field("RoleLastUsed", self.role_last_used)?;
        Ok(used.map_or(LastUsed::Unknown, |used| {
            used.last_used_date
                .map_or(LastUsed::Never, |Moment(when)| LastUsed::At {
                    when,
                    region: used.region,
                })
        }))
    }

    /// Does it say which policies it has? `list-roles` does not; the details of a user without
    /// inline policies may leave out the list of those.
    pub(crate) fn tells_policies(&self) -> bool {
        self.attached_managed_policies.is_some()
            && (self.role_policy_list.is_some() || self.list != List::Roles)
    }

    /// A role's tags; `None`: the input does not tell.
    pub(crate) fn tags(&self) -> Result<Option<Vec<(String, String)>>, ElementError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Tag {
            key: String,
            value: String,
        }
        let tags: Option<Vec<Tag>> = self.field("Tags", self.tags)?;
        Ok(tags.map(|tags| tags.into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }

    /// How long a session of a role may last, in seconds, which the account's details do not tell.
    pub(crate) fn session_seconds(&self) -> Result<Option<u32>, ElementError> {
        self.field("MaxSessionDuration", self.max_session_duration)
    }

    /// The names of a user's groups.
    pub(crate) fn groups(&self) -> Result<Vec<String>, ElementError> {
        let groups = self.field("GroupList", self.group_list)?;
        Ok(groups.unwrap_or_default())
    }

    /// Its own policies. Most roles share the list of those that are attached with others.
    pub(crate) fn held(&self, lists: &mut Interned<[Box<str>]>) -> Result<Held, ElementError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Inline<'a> {
            policy_name: Box<str>,
            #[serde(borrow)]
            policy_document: &'a RawValue,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Attached {
            #[serde(alias = "PermissionsBoundaryArn")]
            policy_arn: Box<str>,
        }
        let [.., field] = self.list.words();
        let inline: Option<Vec<Inline<'_>>> = self.field(field, self.role_policy_list)?;
        let attached = self.field("AttachedManagedPolicies", self.attached_managed_policies)?;
        let attached: Vec<Attached> = attached.unwrap_or_default();
        let boundary: Option<Attached> =
            self.field("PermissionsBoundary", self.permissions_boundary)?;
        let inline = inline.into_iter().flatten().map(|policy| {
            let text = document_text(policy.policy_document, || self.what(), field)?;
            Ok((policy.policy_name, text.into()))
        });
        let attached: Arc<[_]> = attached.into_iter().map(|one| one.policy_arn).collect();
        Ok(Held {
            holder: self
                .arn
                .split_inclusive('/')
                .next()
                .unwrap_or_default()
                .into(),
            told: self.tells_policies(),
            inline: inline.collect::<Result<_, _>>()?,
            attached: lists.of(attached),
            boundary: boundary.map(|boundary| boundary.policy_arn),
        })
    }

    fn field<'f, T: Deserialize<'f>>(
        &self,
        field: &'static str,
        value: Option<&'f RawValue>,
    ) -> Result<Option<T>, ElementError> {
        let read = |value: &'f RawValue| parsed(|| self.what(), field, value.get().as_bytes());
        value.map(read).transpose()
    }
}

/// The policies of a role, a user or a group: what is attached is to be looked up in `Policies`,
/// which come last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    /// The beginning of the holder's ARN, as `arn:aws:iam::111122223333:role/`: its account and what it
    /// is.
    pub(crate) holder: Box<str>,
    /// The export says which they are.
    pub(crate) told: bool,
    /// Name and text of each inline policy.
    pub(crate) inline: Box<[(Box<str>, Box<str>)]>,
    /// ARNs of attached policies.
    pub(crate) attached: Arc<[Box<str>]>,
    /// ARN of the permissions boundary.
    pub(crate) boundary: Option<Box<str>>,
}

/// Stands for all policies of a holder that comes without any list of them.
const UNTOLD: &str = "list (the input has none)";

impl Held {
    /// Names of inline and attached policies.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let inline = self.inline.iter().map(|(name, _)| &**name);
        inline.chain(self.attached.iter().map(|arn| name_of(arn)))
    }

    /// Its policies with their texts, by managed policies: ARN to the text of the default version.
    pub(crate) fn policies<'h>(&'h self, managed: &'h HashMap<String, String>) -> Policies<'h> {
        let by_arn = |arn: &'h str| Policy {
            name: name_of(arn),
            arn: Some(arn),
            document: managed.get(arn).map(String::as_str),
        };
        let inline = self.inline.iter().map(|(name, text)| Policy {
            name,
            arn: None,
            document: Some(text),
        });
        let attached = self.attached.iter().map(|arn| by_arn(arn));
        let untold = (!self.told).then_some(Policy {
            name: UNTOLD,
            arn: None,
            document: None,
        });
        Policies {
            policies: inline.chain(attached).chain(untold).collect(),
            boundary: self.boundary.as_deref().map(by_arn),
            holder: Some(&self.holder),
        }
    }
}

/// The last part of a policy's ARN.
fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// A managed policy, in its default version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) arn: String,
    /// JSON text.
    pub(crate) document: String,
}

impl Managed {
    /// An element of `Policies`.
    pub(super) fn read(text: &[u8]) -> Result<Self, ElementError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Version<'a> {
            #[serde(borrow)]
            document: Option<&'a RawValue>,
            version_id: Option<String>,
            #[serde(default)]
            is_default_version: bool,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Fields<'a> {
            arn: String,
            default_version_id: Option<String>,
            #[serde(borrow, default)]
            policy_version_list: Vec<Version<'a>>,
        }
        let policy: Fields<'_> = parsed(|| "a policy".to_owned(), "Policies", text)?;
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
        Ok(Self { arn, document })
    }
}

/// A moment as the AWS CLI writes it (`2026-01-31T10:00:00+00:00`), or seconds since 1970 as
/// others do.
#[derive(Deserialize)]
#[serde(try_from = "TextOrSeconds")]
struct Moment(Timestamp);

#[derive(Deserialize)]
#[serde(untagged)]
#[serde(expecting = "neither a moment, as 2026-01-31T10:00:00+00:00, nor seconds since 1970")]
enum TextOrSeconds {
    Text(String),
    Seconds(f64),
}

/// A text that is no moment.
#[derive(Debug, thiserror::Error)]
#[error("neither a moment, as 2026-01-31T10:00:00+00:00, nor seconds since 1970")]
struct NoMomentError;

impl TryFrom<TextOrSeconds> for Moment {
    type Error = NoMomentError;

    fn try_from(written: TextOrSeconds) -> Result<Self, NoMomentError> {
        let read = match written {
            TextOrSeconds::Text(text) => moment(&text),
            TextOrSeconds::Seconds(seconds) => SignedDuration::try_from_secs_f64(seconds.trunc())
                .and_then(Timestamp::from_duration)
                .ok(),
        };
        read.map(Self).ok_or(NoMomentError)
    }
}

fn parsed<'a, T: Deserialize<'a>>(
    what: impl Fn() -> String,
    field: &'static str,
    text: &'a [u8],
) -> Result<T, ElementError> {
    serde_json::from_slice(text).map_err(|source| ElementError::Field {
        what: what(),
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
    let text: String = parsed(what, field, document.get().as_bytes())?;
    Ok(Cow::Owned(if text.trim_start().starts_with('{') {
        text
    } else {
        percent_decoded(&text)
    }))
}
