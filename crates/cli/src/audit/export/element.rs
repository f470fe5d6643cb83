//! The fields of a role, a user or a policy that are read.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use guard::account::LastUsed;
use guard::cloudtrail::percent_decoded;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Visitor};
use serde_json::value::RawValue;

use super::attached::{Attached, Attachments, arns};
use super::scan::Field;
use super::{Element, List, unquoted};

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
    /// A field is there twice.
    #[error("{what} has {field} twice")]
    Twice {
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
    /// A field is no text.
    #[error("{field} of {what} is not UTF-8 text")]
    NotText {
        /// What it is, as far as that is known.
        what: String,
        /// The field's name.
        field: &'static str,
    },
}

/// A role, not yet read any closer than to tell its fields apart.
#[derive(Debug)]
pub(crate) struct Role<'a> {
    /// `RoleName`.
    pub(crate) name: Cow<'a, str>,
    /// `Arn`.
    pub(crate) arn: Cow<'a, str>,
    /// The trust policy as JSON text.
    pub(crate) document: Cow<'a, str>,
    path: Option<&'a [u8]>,
    created: Option<&'a [u8]>,
    last_used: Option<&'a [u8]>,
    inline: Option<&'a [u8]>,
    attached: Option<&'a [u8]>,
    boundary: Option<&'a [u8]>,
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

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// `UserName`.
    pub(crate) name: String,
    /// From `Arn`; 12 digits, or empty.
    pub(crate) account: String,
    /// Names of inline and attached policies.
    pub(crate) policies: Vec<String>,
    /// The same, as they are worked out; what its groups hold comes besides.
    pub(crate) held: Held,
    /// The names of its groups.
    pub(crate) groups: Vec<String>,
}

/// A group of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// `GroupName`.
    pub(crate) name: String,
    /// From `Arn`; 12 digits, or empty.
    pub(crate) account: String,
    /// What its users may do.
    pub(crate) held: Held,
}

/// A managed policy, in its default version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// `Arn`.
    pub(crate) arn: String,
    /// JSON text.
    pub(crate) document: String,
}

/// The element of a list.
pub(super) fn of<'a>(list: List, text: &'a [u8], fields: &[Field]) -> Element<'a> {
    let read = match list {
        List::Roles => role(text, fields).map(Element::Role),
        List::Users => user(text).map(Element::User),
        List::Groups => group(text).map(Element::Group),
        List::Policies => policy(text).map(Element::Policy),
    };
    read.unwrap_or_else(Element::Unreadable)
}

/// The fields of a role that are read.
const ROLE: [&str; 9] = [
    "RoleName",
    "Arn",
    "AssumeRolePolicyDocument",
    "Path",
    "CreateDate",
    "RoleLastUsed",
    "RolePolicyList",
    "AttachedManagedPolicies",
    "PermissionsBoundary",
];

fn role<'a>(text: &'a [u8], fields: &[Field]) -> Result<Role<'a>, ElementError> {
    let mut slots: [Option<&'a [u8]>; ROLE.len()] = [None; ROLE.len()];
    for field in fields {
        let slot = match text.get(field.key.clone()).unwrap_or_default() {
            b"RoleName" => 0,
            b"Arn" => 1,
            b"AssumeRolePolicyDocument" => 2,
            b"Path" => 3,
            b"CreateDate" => 4,
            b"RoleLastUsed" => 5,
            b"RolePolicyList" => 6,
            b"AttachedManagedPolicies" => 7,
            b"PermissionsBoundary" => 8,
            _ => continue,
        };
        let value = text.get(field.value.clone());
        if let (Some(place), Some(name)) = (slots.get_mut(slot), ROLE.get(slot)) {
            if place.is_some() {
                let what = "a role".to_owned();
                return Err(ElementError::Twice { what, field: name });
            }
            *place = value.filter(|value| *value != b"null");
        }
    }
    let [
        name,
        arn,
        document,
        path,
        created,
        last_used,
        inline,
        attached,
        boundary,
    ] = slots;
    let missing = |what: &str, field| ElementError::Missing {
        what: what.to_owned(),
        field,
    };
    let name = name.ok_or_else(|| missing("a role", "RoleName"))?;
    let name = string("a role", "RoleName", name)?;
    let what = || format!("role {name}");
    let arn = string(&name, "Arn", arn.ok_or_else(|| missing(&what(), "Arn"))?)?;
    let field = "AssumeRolePolicyDocument";
    let document = document.ok_or_else(|| missing(&what(), field))?;
    let document = document_text(&what, field, document)?;
    Ok(Role {
        name,
        arn,
        document,
        path,
        created,
        last_used,
        inline,
        attached,
        boundary,
    })
}

impl Role<'_> {
    /// 12 digits, from the ARN; empty where that is none.
    pub(crate) fn account(&self) -> &str {
        account_of(&self.arn)
    }

    fn what(&self) -> String {
        format!("role {}", self.name)
    }

    /// `Path`; else as the ARN says it.
    pub(crate) fn path(&self) -> Result<Option<String>, ElementError> {
        if let Some(path) = self.path {
            return Ok(Some(string(&self.name, "Path", path)?.into_owned()));
        }
        let (_, rest) = self.arn.split_once(":role").unwrap_or_default();
        Ok(rest.rsplit_once('/').map(|(path, _)| format!("{path}/")))
    }

    /// `CreateDate`.
    pub(crate) fn created(&self) -> Result<Option<Timestamp>, ElementError> {
        let created: Option<Moment> = self.parsed("CreateDate", self.created)?;
        Ok(created.map(|moment| moment.0))
    }

    /// `RoleLastUsed`, which is an empty object for a role that was never used.
    pub(crate) fn last_used(&self) -> Result<LastUsed, ElementError> {
        #[derive(Deserialize)]
        struct Used {
            #[serde(rename = "LastUsedDate")]
            when: Option<Moment>,
            #[serde(rename = "Region")]
            region: Option<String>,
        }
        Ok(match self.parsed("RoleLastUsed", self.last_used)? {
            None => LastUsed::Unknown,
            Some(Used { when: None, .. }) => LastUsed::Never,
            Some(Used {
                when: Some(when),
                region,
            }) => LastUsed::At {
                when: when.0,
                region,
            },
        })
    }

    /// Its policies.
    pub(crate) fn held(&self, attachments: &mut Attachments) -> Result<Held, ElementError> {
        let inline: Vec<Inline<'_>> = match self.inline {
            None => Vec::new(),
            Some(text) => serde_json::from_slice(text).map_err(|source| ElementError::Field {
                what: self.what(),
                field: "RolePolicyList",
                source,
            })?,
        };
        let attached = match self.attached {
            None => attachments.none(),
            Some(text) => attachments.of(text, || {
                let attached = self.parsed("AttachedManagedPolicies", self.attached)?;
                Ok(attached.unwrap_or_default())
            })?,
        };
        let boundary: Option<Boundary> = self.parsed("PermissionsBoundary", self.boundary)?;
        let what = || self.what();
        held(&what, "RolePolicyList", inline, attached, boundary)
    }

    fn parsed<T: DeserializeOwned>(
        &self,
        field: &'static str,
        text: Option<&[u8]>,
    ) -> Result<Option<T>, ElementError> {
        let Some(text) = text else {
            return Ok(None);
        };
        serde_json::from_slice(text)
            .map(Some)
            .map_err(|source| ElementError::Field {
                what: self.what(),
                field,
                source,
            })
    }
}

/// An inline policy.
#[derive(Deserialize)]
struct Inline<'a> {
    #[serde(rename = "PolicyName")]
    name: Box<str>,
    #[serde(rename = "PolicyDocument", borrow)]
    document: &'a RawValue,
}

#[derive(Deserialize)]
struct Boundary {
    #[serde(rename = "PermissionsBoundaryArn")]
    arn: Box<str>,
}

fn held(
    what: &dyn Fn() -> String,
    field: &'static str,
    inline: Vec<Inline<'_>>,
    attached: Arc<[Box<str>]>,
    boundary: Option<Boundary>,
) -> Result<Held, ElementError> {
    let inline = inline.into_iter().map(|policy| {
        let document = policy.document.get().as_bytes();
        let text = document_text(&what, field, document)?;
        Ok((policy.name, text.into()))
    });
    Ok(Held {
        inline: inline.collect::<Result<_, ElementError>>()?,
        attached,
        boundary: boundary.map(|boundary| boundary.arn),
    })
}

fn user(text: &[u8]) -> Result<User, ElementError> {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(rename = "UserName")]
        name: String,
        #[serde(rename = "Arn", default)]
        arn: String,
        #[serde(rename = "UserPolicyList", borrow)]
        inline: Option<Vec<Inline<'a>>>,
        #[serde(rename = "AttachedManagedPolicies")]
        attached: Option<Vec<Attached>>,
        #[serde(rename = "PermissionsBoundary")]
        boundary: Option<Boundary>,
        #[serde(rename = "GroupList")]
        groups: Option<Vec<String>>,
    }
    let shape: Shape<'_> = borrowed("a user", "UserDetailList", text)?;
    let name = shape.name;
    let inline = shape.inline.unwrap_or_default();
    let what = || format!("user {name}");
    let held = held(
        &what,
        "UserPolicyList",
        inline,
        arns(shape.attached),
        shape.boundary,
    )?;
    let inline = held.inline.iter().map(|(name, _)| &**name);
    let attached = held.attached.iter();
    let attached = attached.map(|arn| arn.rsplit('/').next().unwrap_or(arn));
    Ok(User {
        account: account_of(&shape.arn).to_owned(),
        policies: inline.chain(attached).map(str::to_owned).collect(),
        groups: shape.groups.unwrap_or_default(),
        name,
        held,
    })
}

fn group(text: &[u8]) -> Result<Group, ElementError> {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(rename = "GroupName")]
        name: String,
        #[serde(rename = "Arn", default)]
        arn: String,
        #[serde(rename = "GroupPolicyList", borrow)]
        inline: Option<Vec<Inline<'a>>>,
        #[serde(rename = "AttachedManagedPolicies")]
        attached: Option<Vec<Attached>>,
    }
    let shape: Shape<'_> = borrowed("a group", "GroupDetailList", text)?;
    let name = shape.name;
    let inline = shape.inline.unwrap_or_default();
    let what = || format!("group {name}");
    let held = held(&what, "GroupPolicyList", inline, arns(shape.attached), None)?;
    Ok(Group {
        account: account_of(&shape.arn).to_owned(),
        name,
        held,
    })
}

fn policy(text: &[u8]) -> Result<Policy, ElementError> {
    #[derive(Deserialize)]
    struct Version<'a> {
        #[serde(rename = "Document", borrow)]
        document: Option<&'a RawValue>,
        #[serde(rename = "VersionId")]
        id: Option<String>,
        #[serde(rename = "IsDefaultVersion", default)]
        default: bool,
    }
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(rename = "Arn")]
        arn: String,
        #[serde(rename = "DefaultVersionId")]
        default: Option<String>,
        #[serde(rename = "PolicyVersionList", borrow, default)]
        versions: Vec<Version<'a>>,
    }
    let shape: Shape<'_> = serde_json::from_slice(text).map_err(|source| ElementError::Field {
        what: "a policy".to_owned(),
        field: "Policies",
        source,
    })?;
    let missing = || ElementError::Missing {
        what: format!("policy {}", shape.arn),
        field: "default version",
    };
    let version = shape
        .versions
        .iter()
        .find(|version| version.default || (version.id.is_some() && version.id == shape.default));
    let document = version
        .and_then(|version| version.document)
        .ok_or_else(missing)?;
    let what = || format!("policy {}", shape.arn);
    let document = document_text(&what, "Document", document.get().as_bytes())?;
    Ok(Policy {
        document: document.into_owned(),
        arn: shape.arn,
    })
}

/// A moment as the AWS CLI writes it (`2026-01-31T10:00:00+00:00`), or seconds since 1970 as
/// others do.
struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment, as 2026-01-31T10:00:00+00:00 or in seconds since 1970")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map(Moment).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Moment, E> {
        Timestamp::from_second(seconds)
            .map(Moment)
            .map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Moment, E> {
        self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second")]
    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Moment, E> {
        self.visit_i64(seconds as i64)
    }
}

fn borrowed<'a, T: Deserialize<'a>>(
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
    what: &dyn Fn() -> String,
    field: &'static str,
    value: &'a [u8],
) -> Result<Cow<'a, str>, ElementError> {
    if !value.starts_with(b"\"") {
        return std::str::from_utf8(value)
            .map(Cow::Borrowed)
            .map_err(|_| ElementError::NotText {
                what: what(),
                field,
            });
    }
    let text = string(&what(), field, value)?;
    Ok(if text.trim_start().starts_with('{') {
        text
    } else {
        Cow::Owned(percent_decoded(&text))
    })
}

/// A JSON string.
fn string<'a>(
    what: &str,
    field: &'static str,
    value: &'a [u8],
) -> Result<Cow<'a, str>, ElementError> {
    let plain = unquoted(value);
    if plain.len() + 2 == value.len() && memchr::memchr(b'\\', plain).is_none() {
        return std::str::from_utf8(plain)
            .map(Cow::Borrowed)
            .map_err(|_| ElementError::NotText {
                what: what.to_owned(),
                field,
            });
    }
    serde_json::from_slice::<String>(value)
        .map(Cow::Owned)
        .map_err(|source| ElementError::Field {
            what: what.to_owned(),
            field,
            source,
        })
}

/// The account of an ARN; empty where it has none.
fn account_of(arn: &str) -> &str {
    let mut parts = arn.as_bytes().split(|byte| *byte == b':');
    let before: usize = parts.by_ref().take(4).map(|part| part.len() + 1).sum();
    let account = before..before + parts.next().map_or(0, <[u8]>::len);
    arn.get(account).unwrap_or_default()
}
