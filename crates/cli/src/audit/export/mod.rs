//! The output of `aws iam get-account-authorization-details`, object by object.
//!
//! All pages in one document, one page a file, pages one after the other, or a list of pages; keys
//! in any order. Memory is that of the largest role, not of the account.

mod element;

use std::io::Read;

pub(crate) use element::{ElementError, Held, Holder, Managed};

use crate::values::{DamageError, Values};

/// Longest single object that is held in memory. A role with all its policies has some hundred
/// kilobytes at most.
const MOST_BYTES: usize = 64 << 20;

/// An export whose rest cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// It ends within a value.
    #[error("it ends in the middle (byte {at}): perhaps it was not written to its end")]
    Truncated {
        /// How many bytes there are.
        at: u64,
    },
    /// It cannot be read for another reason.
    #[error(transparent)]
    Damaged(DamageError),
    /// JSON, and something else.
    #[error(
        "it is not what `aws iam get-account-authorization-details` prints: it has neither \
         RoleDetailList nor UserDetailList nor Policies"
    )]
    Unknown,
}

impl From<DamageError> for ExportError {
    fn from(damage: DamageError) -> Self {
        match damage {
            DamageError::Truncated { at } => Self::Truncated { at },
            damage => Self::Damaged(damage),
        }
    }
}

/// One object of an export.
#[derive(Debug)]
pub(crate) enum Element<'a> {
    /// Of `RoleDetailList` (or of `Roles`, as `list-roles` prints them).
    Role(Holder<'a>),
    /// Of `UserDetailList`.
    User(Holder<'a>),
    /// Of `GroupDetailList`.
    Group(Holder<'a>),
    /// Of `Policies`.
    Policy(Managed),
    /// A malformed object of any list; the next one may be readable.
    Unreadable(ElementError),
    /// The end of a page.
    PageEnd(PageEnd),
}

/// The lists that a page had, and whether it says that another one follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PageEnd {
    /// `IsTruncated`, or a token to go on with, where nothing says that it is the last.
    pub(crate) goes_on: bool,
    /// It is of `list-roles`, which says nothing of users.
    pub(crate) listed: bool,
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In bytes, from 0.
    pub(crate) offset: u64,
    /// From 1, where lines are counted.
    pub(crate) line: Option<u64>,
}

/// The lists of which objects are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum List {
    #[default]
    Roles,
    Users,
    Groups,
    Policies,
}

impl List {
    /// By its key, with the quotes.
    fn of(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"\"RoleDetailList\"" | b"\"Roles\"" => Self::Roles,
            b"\"UserDetailList\"" => Self::Users,
            b"\"Policies\"" => Self::Policies,
            b"\"GroupDetailList\"" => Self::Groups,
            _ => return None,
        })
    }

    /// One of its objects, and the keys of the list, of an object's name and of its inline policies.
    fn words(self) -> [&'static str; 4] {
        match self {
            Self::Roles => ["role", "RoleDetailList", "RoleName", "RolePolicyList"],
            Self::Users => ["user", "UserDetailList", "UserName", "UserPolicyList"],
            Self::Groups => ["group", "GroupDetailList", "GroupName", "GroupPolicyList"],
            Self::Policies => ["policy", "Policies", "PolicyName", ""],
        }
    }
}

/// Gives every role, user and policy of `reader` to `take`, in order, and the end of every page.
pub(crate) fn read(
    reader: impl Read,
    count_lines: bool,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<(), ExportError> {
    let mut values = Values::stream(reader, MOST_BYTES);
    if count_lines {
        values.count_lines();
    }
    read_values(&mut values, take)
}

/// The same, of a text in memory, in which the elements' parts lie.
pub(crate) fn read_text(text: &str, take: &mut dyn FnMut(Element<'_>)) -> Result<(), ExportError> {
    read_values(&mut Values::whole(text.as_bytes()), &mut |element, _| {
        take(element)
    })
}

fn read_values(
    values: &mut Values<'_>,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<(), ExportError> {
    let (mut any, mut known) = (false, false);
    // What stands beside an export and is none was not read: that must not pass in silence.
    let mut foreign = false;
    // Roles one after the other, as `jq -c '.RoleDetailList[]'` prints them, are a list like any other.
    let mut alone = false;
    while let Some(byte) = values.peek()? {
        any = true;
        match byte {
            b'[' => {
                let mut bare = false;
                values.list(|values| {
                    // `--query Roles` and PowerShell's Get-IAMRoleList leave the list alone.
                    if values.expect()? == b'{' && is_role(values.beginning(OPENING_BYTES)) {
                        bare = true;
                        one(List::Roles, values, take)?;
                    } else {
                        let page = page(values, take)?;
                        known |= page;
                        foreign |= !page;
                    }
                    Ok::<_, ExportError>(())
                })?;
                known |= bare;
                if bare {
                    let listed = true;
                    let end = PageEnd {
                        goes_on: false,
                        listed,
                    };
                    take(Element::PageEnd(end), place(values));
                }
            }
            b'{' if is_role(values.beginning(OPENING_BYTES)) => {
                alone = true;
                one(List::Roles, values, take)?;
            }
            _ => {
                let page = page(values, take)?;
                known |= page;
                foreign |= !page;
            }
        }
    }
    if alone {
        known = true;
        let (goes_on, listed) = (false, true);
        take(Element::PageEnd(PageEnd { goes_on, listed }), place(values));
    }
    match (any, known && !foreign) {
        (false, _) => Err(DamageError::Empty.into()),
        (true, false) => Err(ExportError::Unknown),
        (true, true) => Ok(()),
    }
}

/// One page; `false` if it has none of the lists.
fn page(
    values: &mut Values<'_>,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<bool, DamageError> {
    let (mut known, mut listed) = (false, false);
    let (mut truncated, mut token) = (None, false);
    values.object(|key, values| {
        let list = List::of(key);
        known |= list.is_some();
        listed |= key == b"\"Roles\"" || key == b"\"Role\"";
        // What `get-role` prints.
        if key == b"\"Role\"" && values.expect()? == b'{' {
            known = true;
            return one(List::Roles, values, take);
        }
        if values.expect()? != b'[' {
            let length = values.value()?;
            let text = values.text(length).trim_ascii();
            let text = text.strip_prefix(b"\"").unwrap_or(text);
            match key {
                b"\"IsTruncated\"" => {
                    truncated = Some(text.to_ascii_lowercase().starts_with(b"true"))
                }
                b"\"Marker\"" | b"\"NextToken\"" => token |= !matches!(text, b"null" | b"\""),
                _ => {}
            }
            values.take(length);
            return Ok(());
        }
        values.list(|values| {
            let Some(list) = list else {
                return values.skip();
            };
            if values.expect()? != b'{' {
                return Err(values.unexpected());
            }
            one(list, values, take)
        })
    })?;
    if known {
        let end = PageEnd {
            goes_on: truncated.unwrap_or(token),
            listed,
        };
        take(Element::PageEnd(end), place(values));
    }
    Ok(known)
}

/// The next object, as one of a list.
fn one(
    list: List,
    values: &mut Values<'_>,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<(), DamageError> {
    let length = values.value()?;
    take(element(list, values.text(length)), place(values));
    values.take(length);
    Ok(())
}

/// As much of an object as shows its first key.
const OPENING_BYTES: usize = 256;

/// Does an object begin as a role does, and not as a page?
fn is_role(text: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [
        b"\"Path\"",
        b"\"RoleName\"",
        b"\"RoleId\"",
        b"\"Arn\"",
        b"\"CreateDate\"",
        b"\"AssumeRolePolicyDocument\"",
        b"\"Description\"",
        b"\"MaxSessionDuration\"",
    ];
    let inside = text
        .strip_prefix(b"{")
        .unwrap_or_default()
        .trim_ascii_start();
    KEYS.iter().any(|key| inside.starts_with(key))
}

fn place(values: &Values<'_>) -> Place {
    Place {
        offset: values.offset(),
        line: values.line(),
    }
}

/// The element of a list.
fn element(list: List, text: &[u8]) -> Element<'_> {
    let read = match list {
        List::Roles => Holder::read(list, text).map(Element::Role),
        List::Users => Holder::read(list, text).map(Element::User),
        List::Groups => Holder::read(list, text).map(Element::Group),
        List::Policies => Managed::read(text).map(Element::Policy),
    };
    read.unwrap_or_else(Element::Unreadable)
}

#[cfg(test)]
mod tests;
