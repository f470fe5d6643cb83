//! What `aws iam get-account-authorization-details` prints, object by object.
//!
//! All pages in one document, one page a file, pages one after the other, or a list of pages; keys
//! in any order. Memory is that of the largest role, not of the account.

mod attached;
mod element;
mod fields;
mod scan;
mod window;

use std::io::{self, Read};

pub(crate) use attached::Attachments;
pub(crate) use element::{ElementError, Group, Held, Policy, Role, User};

use scan::Field;
use window::Window;

/// Why the rest of an export cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The bytes below fail.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It ends within a value.
    #[error("it ends in the middle (byte {at}): perhaps it was not written to its end")]
    Truncated {
        /// How many bytes there are.
        at: u64,
    },
    /// It is no JSON.
    #[error("it is not JSON: {found} at byte {at}")]
    NotJson {
        /// What stands there.
        found: String,
        /// Where, from 0.
        at: u64,
    },
    /// One object is too large to be held.
    #[error("one object in it is too large (from byte {at})")]
    TooLarge {
        /// Where it begins, from 0.
        at: u64,
    },
    /// JSON, and something else.
    #[error(
        "it is not what `aws iam get-account-authorization-details` prints: it has neither \
         RoleDetailList nor UserDetailList nor Policies"
    )]
    Unknown,
    /// Nothing.
    #[error("it is empty")]
    Empty,
}

/// One object of an export.
#[derive(Debug)]
pub(crate) enum Element<'a> {
    /// Of `RoleDetailList` (or of `Roles`, as `list-roles` prints them).
    Role(Role<'a>),
    /// Of `UserDetailList`.
    User(User),
    /// Of `GroupDetailList`.
    Group(Group),
    /// Of `Policies`.
    Policy(Policy),
    /// It cannot be read, whichever it is. The next one is another matter.
    Unreadable(ElementError),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Roles,
    Users,
    Groups,
    Policies,
}

impl List {
    fn of(key: &[u8]) -> Option<Self> {
        Some(match key {
            b"RoleDetailList" | b"Roles" => Self::Roles,
            b"UserDetailList" => Self::Users,
            b"Policies" => Self::Policies,
            b"GroupDetailList" => Self::Groups,
            _ => return None,
        })
    }
}

/// Gives every role, user and policy of `reader` to `take`, in order.
pub(crate) fn read<R: Read>(
    reader: R,
    count_lines: bool,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<(), ExportError> {
    let mut window = Window::new(reader, count_lines);
    let mut fields = Vec::new();
    let mut known = false;
    if window.peek()? == Some(0xef) {
        // PowerShell begins a file with a byte order mark.
        for _ in 0..3 {
            window.take();
        }
    }
    let mut any = false;
    while let Some(byte) = window.peek()? {
        any = true;
        match byte {
            b'{' => known |= page(&mut window, &mut fields, take)?,
            b'[' => {
                window.take();
                if window.expect_more()? == b']' {
                    window.take();
                    continue;
                }
                loop {
                    if window.expect_more()? != b'{' {
                        return Err(window.unexpected());
                    }
                    known |= page(&mut window, &mut fields, take)?;
                    match window.expect_more()? {
                        b',' => window.take(),
                        b']' => break window.take(),
                        _ => return Err(window.unexpected()),
                    }
                }
            }
            _ => return Err(window.unexpected()),
        }
    }
    match (any, known) {
        (false, _) => Err(ExportError::Empty),
        (true, false) => Err(ExportError::Unknown),
        (true, true) => Ok(()),
    }
}

/// One page, whose bracket comes next; `false` if it has none of the lists.
fn page<R: Read>(
    window: &mut Window<R>,
    fields: &mut Vec<Field>,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<bool, ExportError> {
    let mut known = false;
    window.take();
    if window.expect_more()? == b'}' {
        window.take();
        return Ok(false);
    }
    loop {
        if window.expect_more()? != b'"' {
            return Err(window.unexpected());
        }
        let length = window.value()?;
        let list = List::of(unquoted(window.text(length)));
        window.done(length);
        if window.expect_more()? != b':' {
            return Err(window.unexpected());
        }
        window.take();
        match (list, window.expect_more()?) {
            (Some(list), b'[') => {
                known = true;
                elements(window, list, fields, take)?;
            }
            (list, _) => {
                known |= list.is_some();
                window.skip_value()?;
            }
        }
        match window.expect_more()? {
            b',' => window.take(),
            b'}' => {
                window.take();
                return Ok(known);
            }
            _ => return Err(window.unexpected()),
        }
    }
}

/// The elements of a list, whose bracket comes next.
fn elements<R: Read>(
    window: &mut Window<R>,
    list: List,
    fields: &mut Vec<Field>,
    take: &mut dyn FnMut(Element<'_>, Place),
) -> Result<(), ExportError> {
    window.take();
    if window.expect_more()? == b']' {
        window.take();
        return Ok(());
    }
    loop {
        if window.expect_more()? != b'{' {
            return Err(window.unexpected());
        }
        let length = window.object(fields)?;
        let place = Place {
            offset: window.offset(),
            line: window.line(),
        };
        take(element::of(list, window.text(length), fields), place);
        window.done(length);
        match window.expect_more()? {
            b',' => window.take(),
            b']' => {
                window.take();
                return Ok(());
            }
            _ => return Err(window.unexpected()),
        }
    }
}

/// A string's bytes between its quotes.
fn unquoted(text: &[u8]) -> &[u8] {
    let inner = text.strip_prefix(b"\"");
    inner
        .and_then(|text| text.strip_suffix(b"\""))
        .unwrap_or(text)
}
