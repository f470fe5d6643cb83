//! Which texts a context key can hold at all, as small deterministic automata.
//!
//! The forms of ARNs and ids are those of the IAM user guide ("IAM identifiers") and of the API
//! references' patterns; where AWS gives no strict form, any text is possible, so that nothing
//! possible is left out.

use std::borrow::Cow;

use super::moment;
use crate::arn::{self, Arn, is_account};
use crate::glob::has_wildcard;

/// The partitions of AWS, likeliest first.
pub(crate) const PARTITIONS: Partitions = &["aws", "aws-us-gov", "aws-cn"];

/// Some of them.
pub(crate) type Partitions = &'static [&'static str];

/// One of them; all of them where there is no such one.
pub(crate) fn only(partition: &str) -> Partitions {
    let found = PARTITIONS.iter().position(|known| *known == partition);
    let one = found.and_then(|place| PARTITIONS.get(place..=place));
    one.unwrap_or(PARTITIONS)
}

/// Which texts are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Universe {
    /// Any text, the empty one too.
    Any,
    /// Any text without `*` and `?`, which no name, branch or path of a repository holds.
    Plain,
    /// Characters of IAM names, at least and at most so many.
    Name(usize, usize),
    /// `sts:ExternalId`: 2 to 1,224 of `[A-Za-z0-9_+=,.@:/-]` (AssumeRole, API reference).
    ExternalId,
    /// A region's name: lower-case letters, digits and hyphens (AWS General Reference, "AWS service
    /// endpoints").
    Region,
    /// 12 digits.
    Account,
    /// The ARN of an IAM user.
    UserArn(&'static str),
    /// The ARN of an IAM role.
    RoleArn(&'static str),
    /// The ARN of a federated user session.
    FederatedUserArn(&'static str),
    /// `AIDA…`.
    UserId,
    /// `AROA…:session`.
    RoleSessionId,
    /// `o-…/r-…/ou-…/`.
    OrganizationPath,
    /// The ARN of any resource, with an account.
    ResourceArn(&'static str),
    /// The ARN of any resource, without an account, as S3 buckets have.
    AccountlessArn(&'static str),
    /// A moment in whole seconds, from one to another.
    Moment(moment::Text, moment::Text),
}

/// Where in a text a walk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Which part.
    pub(crate) part: u8,
    /// How far within.
    pub(crate) offset: u16,
}

/// What a pattern looks at: the whole text, or a part of it that another key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All.
    Whole,
    /// An ARN's account.
    Account,
    /// What follows the last slash.
    Name,
    /// `account:name`, the user id of a federated user.
    AccountAndName,
    /// What precedes the first slash: the id in an organization's path.
    Head,
    /// What follows the colon: the session in a role session's user id.
    Tail,
}

/// An ARN's account.
pub(crate) fn account_of(arn: &str) -> &str {
    arn::part(arn, 4).unwrap_or_default()
}

/// What follows the last slash.
pub(crate) fn name_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

impl View {
    /// What it sees of a text.
    pub(crate) fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Whole => text.into(),
            Self::Account => account_of(text).into(),
            Self::Name => name_of(text).into(),
            Self::AccountAndName => format!("{}:{}", account_of(text), name_of(text)).into(),
            Self::Head => text.split('/').next().unwrap_or_default().into(),
            Self::Tail => arn::cut(text).map_or("", |(_, tail)| tail).into(),
        }
    }
}

/// How a step looks to a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Projection {
    /// Not at all.
    Hidden,
    /// As the character itself.
    Seen,
    /// As another character.
    As(char),
    /// What was seen before is forgotten.
    Forget,
}

/// Characters of IAM names.
pub(crate) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | '-')
}

/// Printable ASCII without the space: what IAM paths are made of.
fn is_path(c: char) -> bool {
    ('\u{21}'..='\u{7e}').contains(&c)
}

const NAMES: &[char] = &[
    'x', 'y', 'z', 'a', 'b', 'q', 'k', 'j', 'w', 'v', 'u', '0', '1', '7', '_', 'Q', 'Z', 'X', 'J',
    '=', '@', '+', ',', '.', '-',
];
const LOWERS: &[char] = &[
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'x', 'y', 'z', '0', '1', '2', '3', '4',
    '5', '6', '7', '8', '9',
];
const UPPERS: &[char] = &[
    'X', 'Y', 'Z', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'Q', 'J', 'K', '0', '1', '2', '3', '4',
    '5', '6', '7', '8', '9',
];
const DIGITS: &[char] = &['9', '8', '7', '6', '5', '4', '3', '2', '1', '0'];
const EACH_DIGIT: &[&[char]] = &[
    &['0'],
    &['1'],
    &['2'],
    &['3'],
    &['4'],
    &['5'],
    &['6'],
    &['7'],
    &['8'],
    &['9'],
];
const ODDS: &[char] = &[
    '!', '#', '%', '&', '(', ')', ';', '<', '>', '[', ']', '^', '{', '|', '}', '~',
];
const SLASH: &[char] = &['/'];
const COLON: &[char] = &[':'];
const DASH: &[char] = &['-'];

impl Universe {
    fn arn(self) -> Option<(&'static str, &'static str, &'static str)> {
        Some(match self {
            Self::UserArn(partition) => (partition, ":iam::", ":user/"),
            Self::RoleArn(partition) => (partition, ":iam::", ":role/"),
            Self::FederatedUserArn(partition) => (partition, ":sts::", ":federated-user/"),
            _ => return None,
        })
    }

    /// Where every text begins.
    pub(crate) fn start(self) -> Place {
        // A moment is at both of its bounds as long as nothing else is known.
        let part = if matches!(self, Self::Moment(..)) {
            3
        } else {
            0
        };
        Place { part, offset: 0 }
    }

    /// Lengths beyond which no text is possible, in characters.
    pub(crate) fn longest(self) -> usize {
        match self {
            Self::Name(_, most) => most,
            Self::ExternalId => 1_224,
            // A path of 512 and a name of 64 around an ARN's fixed parts.
            Self::UserArn(_) | Self::RoleArn(_) => 640,
            Self::FederatedUserArn(_) => 80,
            Self::RoleSessionId => 128 + 1 + 64,
            Self::UserId => 128,
            _ => usize::MAX,
        }
    }

    /// Text that is the same in all texts, in pieces, if this part of them is such.
    fn fixed(self, part: u8) -> Option<[&'static str; 3]> {
        Some(match (self, part) {
            (Self::UserId, 0) => ["AIDA", "", ""],
            (Self::RoleSessionId, 0) => ["AROA", "", ""],
            (Self::OrganizationPath, 0) => ["o-", "", ""],
            (Self::OrganizationPath, 2) => ["r-", "", ""],
            // Between two parts, where a path may end.
            (Self::OrganizationPath, 4) => ["o", "", ""],
            (Self::OrganizationPath, 5) => ["u-", "", ""],
            (Self::ResourceArn(partition) | Self::AccountlessArn(partition), 0) => {
                ["arn:", partition, ":"]
            }
            (_, 0 | 2) => match (self.arn()?, part) {
                ((partition, service, _), 0) => ["arn:", partition, service],
                ((_, _, kind), _) => [kind, "", ""],
            },
            _ => return None,
        })
    }

    /// One character further, if a text can go on so.
    pub(crate) fn step(self, place: Place, c: char) -> Option<Place> {
        let Place { part, offset } = place;
        let to = |part: u8, offset: u16| Some(Place { part, offset });
        if let Some(pieces) = self.fixed(part) {
            let (next, more) = fixed_step(&pieces, offset, c)?;
            return if more {
                to(part, next)
            } else {
                to(part + 1, 0)
            };
        }
        let is_word = is_lower(c) || c == '-';
        match (self, part) {
            (Self::Any, _) => Some(place),
            (Self::Plain, _) if c != '*' && c != '?' => Some(place),
            (Self::Name(least, _), _) if is_name(c) => {
                let least = u16::try_from(least).unwrap_or(u16::MAX);
                to(0, least.min(offset + 1))
            }
            (Self::ExternalId, _) if is_name(c) || c == ':' || c == '/' => to(0, 2.min(offset + 1)),
            (Self::Moment(first, last), _) => {
                to(moment::step(&first, &last, part, offset, c)?, offset + 1)
            }
            (Self::Region, _) if is_word => to(0, 1),
            (Self::Account, _) if c.is_ascii_digit() && offset < 12 => to(0, offset + 1),
            (Self::UserId | Self::RoleSessionId, 1)
                if c.is_ascii_uppercase() || c.is_ascii_digit() =>
            {
                to(1, 1)
            }
            (Self::RoleSessionId, 1) if c == ':' && offset == 1 => to(2, 0),
            (Self::RoleSessionId, 2) if is_name(c) => to(2, 2.min(offset + 1)),
            (Self::OrganizationPath, 1 | 3 | 6 | 7) if is_lower(c) => to(part, 1),
            (Self::OrganizationPath, 1 | 3) if c == '/' && offset == 1 => to(part + 1, 0),
            (Self::OrganizationPath, 6) if c == '-' && offset == 1 => to(7, 0),
            (Self::OrganizationPath, 7) if c == '/' && offset == 1 => to(4, 0),
            // The service, then the region, which may be empty.
            (Self::ResourceArn(_) | Self::AccountlessArn(_), 1) if is_word => to(1, 1),
            (Self::ResourceArn(_) | Self::AccountlessArn(_), 1) if c == ':' && offset == 1 => {
                to(2, 0)
            }
            (Self::ResourceArn(_) | Self::AccountlessArn(_), 2) if is_word => to(2, 0),
            (Self::ResourceArn(_), 2) if c == ':' => to(3, 0),
            (Self::AccountlessArn(_), 2) if c == ':' => to(4, 0),
            (Self::ResourceArn(_), 3) => digit_of_account(place, c),
            (Self::ResourceArn(_) | Self::AccountlessArn(_), 4) if c == ':' => to(5, 0),
            (Self::ResourceArn(_) | Self::AccountlessArn(_), 5) => to(5, 1),
            (Self::FederatedUserArn(_), 3) if is_name(c) => to(3, 1),
            (Self::UserArn(_) | Self::RoleArn(_), 3) => path_step(offset, c),
            _ if part == 1 && self.arn().is_some() => digit_of_account(place, c),
            _ => None,
        }
    }

    /// Whether a text may end here.
    pub(crate) fn accepts(self, place: Place) -> bool {
        let Place { part, offset } = place;
        match self {
            Self::Any | Self::Plain => true,
            Self::Name(least, _) => usize::from(offset) >= least,
            Self::ExternalId => offset >= 2,
            Self::Region => offset == 1,
            Self::Account => offset == 12,
            Self::Moment(..) => offset == 20,
            Self::UserArn(_) | Self::RoleArn(_) | Self::FederatedUserArn(_) => {
                part == 3 && offset == 1
            }
            Self::UserId => part == 1 && offset == 1,
            Self::RoleSessionId => part == 2 && offset >= 2,
            Self::OrganizationPath => part == 4,
            Self::ResourceArn(_) | Self::AccountlessArn(_) => part == 5 && offset == 1,
        }
    }

    /// Whether the text is possible: what is the same at a glance as step by step is told so.
    pub(crate) fn admits(self, text: &str) -> bool {
        // But for those that know no longest text, all are of ASCII alone: a character is a byte.
        if text.len() > self.longest() {
            return false;
        }
        match self {
            Self::Any => true,
            Self::Moment(first, last) => moment::parse(text)
                .and_then(moment::text)
                .is_some_and(|at| at == text.as_bytes() && (first..=last).contains(&at)),
            Self::Plain => !has_wildcard(text),
            Self::Account => is_account(text),
            Self::Name(least, _) => text.len() >= least && all(text, is_name),
            Self::ExternalId => {
                text.len() >= 2 && all(text, |c| is_name(c) || c == ':' || c == '/')
            }
            Self::Region => !text.is_empty() && all(text, |c| is_lower(c) || c == '-'),
            Self::FederatedUserArn(_) => self.resource_of(text).is_some_and(is_whole_name),
            Self::UserArn(_) | Self::RoleArn(_) => self
                .resource_of(text)
                .is_some_and(|path| all(path, is_path) && is_whole_name(name_of(path))),
            Self::UserId => text.strip_prefix("AIDA").is_some_and(is_unique_part),
            Self::RoleSessionId => {
                text.strip_prefix("AROA")
                    .and_then(arn::cut)
                    .is_some_and(|(id, session)| {
                        is_unique_part(id) && session.len() >= 2 && all(session, is_name)
                    })
            }
            Self::ResourceArn(partition) | Self::AccountlessArn(partition) => {
                let is_word = |part: &str| all(part, |c| is_lower(c) || c == '-');
                text.strip_prefix("arn:")
                    .and_then(Arn::read)
                    .is_some_and(|arn| {
                        let account = match self {
                            Self::ResourceArn(_) => is_account(arn.account),
                            _ => arn.account.is_empty(),
                        };
                        arn.partition == partition
                            && !arn.service.is_empty()
                            && is_word(arn.service)
                            && is_word(arn.region)
                            && account
                            && !arn.resource.is_empty()
                    })
            }
            Self::OrganizationPath => is_organization_path(text),
        }
    }

    /// What follows the account and the kind in an ARN of this form.
    fn resource_of(self, text: &str) -> Option<&str> {
        let (partition, service, kind) = self.arn()?;
        let rest = text.strip_prefix("arn:")?.strip_prefix(partition)?;
        let (account, rest) = rest.strip_prefix(service)?.split_at_checked(12)?;
        rest.strip_prefix(kind).filter(|_| is_account(account))
    }

    /// Characters that stand for all that no pattern names, one class a list, the nicest first.
    pub(crate) fn classes(self, place: Place) -> &'static [&'static [char]] {
        if self.arn().is_some() {
            return match (place.part, self) {
                (1, _) => &[DIGITS],
                (3, Self::FederatedUserArn(_)) => &[NAMES],
                (3, _) => &[NAMES, SLASH, COLON, ODDS],
                _ => &[],
            };
        }
        match self {
            Self::Any | Self::Plain => &[NAMES, SLASH, COLON, ODDS],
            Self::Name(..) => &[NAMES],
            Self::ExternalId => &[NAMES, SLASH, COLON],
            Self::Region => &[LOWERS, DASH],
            Self::Account => &[DIGITS],
            // Which digit it is decides what may follow.
            Self::Moment(..) => EACH_DIGIT,
            Self::UserId | Self::RoleSessionId => match place.part {
                1 => &[UPPERS, COLON],
                2 => &[NAMES],
                _ => &[],
            },
            Self::OrganizationPath => match place.part {
                1 | 3 => &[LOWERS, SLASH],
                6 => &[LOWERS, DASH],
                7 => &[LOWERS, SLASH],
                _ => &[],
            },
            Self::ResourceArn(_) | Self::AccountlessArn(_) => match place.part {
                1 | 2 => &[LOWERS, COLON],
                3 => &[DIGITS],
                4 => &[COLON],
                5 => &[NAMES, SLASH, COLON, ODDS],
                _ => &[],
            },
            _ => &[],
        }
    }

    /// The only character possible here, where there is only one.
    pub(crate) fn forced(self, place: Place) -> Option<char> {
        let mut offset = usize::from(place.offset);
        if let Self::Moment(first, _) = self {
            let byte = first.get(offset).filter(|byte| !byte.is_ascii_digit());
            return byte.copied().map(char::from);
        }
        for piece in self.fixed(place.part)? {
            if let Some(byte) = piece.as_bytes().get(offset) {
                return Some(char::from(*byte));
            }
            offset -= piece.len();
        }
        None
    }

    /// How a step from `place` by `c` looks to a view.
    pub(crate) fn sight(self, view: View, place: Place, c: char) -> Projection {
        let seen = |yes: bool| {
            if yes {
                Projection::Seen
            } else {
                Projection::Hidden
            }
        };
        match view {
            View::Whole => Projection::Seen,
            View::Account => match self {
                Self::ResourceArn(_) => seen(place.part == 3),
                _ => seen(place.part == 1),
            },
            View::Name => match (place.part, c) {
                (3, '/') => Projection::Forget,
                (3, _) => Projection::Seen,
                _ => Projection::Hidden,
            },
            View::AccountAndName => match place.part {
                1 | 3 => Projection::Seen,
                // The slash that ends `:federated-user/`.
                2 if c == '/' => Projection::As(':'),
                _ => Projection::Hidden,
            },
            View::Head => seen(place.part <= 1 && c != '/'),
            View::Tail => seen(place.part == 2),
        }
    }
}

/// Each character is one of some of ASCII, and so a byte.
fn all(text: &str, is_one: impl Fn(char) -> bool) -> bool {
    text.bytes().all(|byte| is_one(char::from(byte)))
}

fn is_whole_name(text: &str) -> bool {
    !text.is_empty() && all(text, is_name)
}

/// What follows the first four letters of a unique id.
fn is_unique_part(text: &str) -> bool {
    !text.is_empty() && all(text, |c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// An organization, a root and any number of units, each with a slash behind it.
fn is_organization_path(text: &str) -> bool {
    let is_id = |id: &str| !id.is_empty() && all(id, is_lower);
    let is_unit = |unit: &str| {
        let ids = unit.strip_prefix("ou-").and_then(|ids| ids.split_once('-'));
        ids.is_some_and(|(root, own)| is_id(root) && is_id(own))
    };
    let mut parts = text.strip_suffix('/').unwrap_or_default().split('/');
    ["o-", "r-"].into_iter().all(|kind| {
        let id = parts.next().and_then(|part| part.strip_prefix(kind));
        id.is_some_and(is_id)
    }) && parts.all(is_unit)
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// One step within an ARN's account, a part of its own.
fn digit_of_account(Place { part, offset }: Place, c: char) -> Option<Place> {
    let next = if offset == 11 {
        Place {
            part: part + 1,
            offset: 0,
        }
    } else {
        Place {
            part,
            offset: offset + 1,
        }
    };
    c.is_ascii_digit().then_some(next)
}

/// One step within a path and a name. 0: at the beginning of a name, 1: within a name, 2: within a
/// part of the path.
fn path_step(offset: u16, c: char) -> Option<Place> {
    let offset = match c {
        '/' => 0,
        c if is_name(c) && offset != 2 => 1,
        c if is_path(c) => 2,
        _ => return None,
    };
    Some(Place { part: 3, offset })
}

/// One step along fixed text given in pieces: the next offset, and whether more is to come.
fn fixed_step(pieces: &[&str], offset: u16, c: char) -> Option<(u16, bool)> {
    let mut before = usize::from(offset);
    let total: usize = pieces.iter().map(|piece| piece.len()).sum();
    for piece in pieces {
        if let Some(byte) = piece.as_bytes().get(before) {
            let fits = char::from(*byte) == c;
            return fits.then(|| (offset + 1, usize::from(offset) + 1 < total));
        }
        before -= piece.len();
    }
    None
}

#[cfg(test)]
mod tests;
