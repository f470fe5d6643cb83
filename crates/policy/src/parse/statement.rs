//! The shape of a document: which keys may stand where, and what is made of the others.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::problem::{Path, Problems, shorten};
use super::reader::{Fault, Kind, Reader, Text};
use crate::document::{Effect, Span, Statement, TrustPolicy, Version};

pub(super) const TOP_KEYS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_KEYS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Condition",
    "Resource",
    "NotResource",
];

const NO_NOT_PRINCIPAL: &str = "a trust policy may not hold \"NotPrincipal\"; name principals under \
    \"Principal\", or use a condition on aws:PrincipalArn";

/// Whether a key was noted by [`Parser::once`].
pub(super) fn stands(key: &str, known: &[&str], seen: u16) -> bool {
    known
        .iter()
        .position(|known| *known == key)
        .is_some_and(|place| seen & (1 << place) != 0)
}

/// One document being read.
pub(super) struct Parser<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) problems: Problems,
    pub(super) sids: Seen<'a>,
}

/// Keys seen so far. One costs nothing, few are kept in a list, as almost always; many in a map,
/// so that a document made to be slow is not.
#[derive(Default)]
pub(super) struct Seen<'a> {
    first: Option<Cow<'a, str>>,
    few: Vec<Cow<'a, str>>,
    many: Option<HashMap<Cow<'a, str>, usize>>,
}

impl<'a> Seen<'a> {
    /// How many different keys stood before this one did the first time; `None` if it is new.
    pub(super) fn insert(&mut self, key: Cow<'a, str>) -> Option<usize> {
        let Some(first) = &self.first else {
            self.first = Some(key);
            return None;
        };
        if *first == key {
            return Some(0);
        }
        if let Some(many) = &mut self.many {
            let place = many.len() + 1;
            return match many.entry(key) {
                Entry::Occupied(found) => Some(*found.get()),
                Entry::Vacant(free) => {
                    free.insert(place);
                    None
                }
            };
        }
        if let Some(found) = self.few.iter().position(|seen| *seen == key) {
            return Some(found + 1);
        }
        self.few.push(key);
        if self.few.len() > 16 {
            let places = self
                .few
                .drain(..)
                .enumerate()
                .map(|(at, key)| (key, at + 1));
            self.many = Some(places.collect());
        }
        None
    }
}

impl<'a> Parser<'a> {
    pub(super) fn new(reader: Reader<'a>) -> Parser<'a> {
        Parser {
            reader,
            problems: Problems::default(),
            sids: Seen::default(),
        }
    }

    /// The document's object, which [`Reader::peek`] announced.
    pub(super) fn document(&mut self) -> Result<TrustPolicy<'a>, Fault> {
        let root = Path::Root;
        let start = self.reader.at();
        let mut policy = TrustPolicy {
            version: Version::V2008,
            id: None,
            statements: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
        };
        let mut seen = 0;
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = root.key(&key.value);
            let place = TOP_KEYS.iter().position(|known| *known == key.value);
            self.once(&mut seen, place, &key, &path);
            match key.value.as_ref() {
                "Version" => policy.version = self.version(&path)?,
                "Id" => policy.id = self.text(&path, "Id")?.map(|id| id.value),
                "Statement" => policy.statements = self.statements(&path, Self::statement)?,
                _ => self.unknown(&key, &path, "a policy", &TOP_KEYS)?,
            }
        }
        if !stands("Statement", &TOP_KEYS, seen) {
            self.problems
                .error(start, &root, "a policy needs a \"Statement\"");
        }
        Ok(policy)
    }

    /// Notes that a known key stands here, by its place among the known ones. Of several equal
    /// keys the last counts, as in every common JSON reader; that there are several is an error.
    pub(super) fn once(
        &mut self,
        seen: &mut u16,
        place: Option<usize>,
        key: &Text<'a>,
        path: &Path<'_>,
    ) {
        let Some(place) = place else { return };
        if *seen & (1 << place) != 0 {
            self.twice(key, path);
        }
        *seen |= 1 << place;
    }

    pub(super) fn twice(&mut self, key: &Text<'a>, path: &Path<'_>) {
        let name = shorten(&key.value);
        self.problems.error(
            key.span.start,
            path,
            format!("\"{name}\" stands here twice, and only the last one counts"),
        );
    }

    pub(super) fn version(&mut self, path: &Path<'_>) -> Result<Version, Fault> {
        let Some(text) = self.text(path, "Version")? else {
            return Ok(Version::Unknown);
        };
        Ok(match text.value.as_ref() {
            "2012-10-17" => Version::V2012,
            "2008-10-17" => Version::V2008,
            other => {
                self.problems.error(
                    text.span.start,
                    path,
                    format!(
                        "there is no version \"{}\" of the policy language; did you mean \
                         \"2012-10-17\"?",
                        shorten(other)
                    ),
                );
                Version::Unknown
            }
        })
    }

    /// A string; anything else is an error.
    pub(super) fn text(&mut self, path: &Path<'_>, what: &str) -> Result<Option<Text<'a>>, Fault> {
        let kind = self.reader.peek()?;
        if kind == Kind::Text {
            return self.reader.string().map(Some);
        }
        self.wrong(path, what, "a string", kind)?;
        Ok(None)
    }

    /// Reports and skips a value of a wrong kind.
    pub(super) fn wrong(
        &mut self,
        path: &Path<'_>,
        what: &str,
        wanted: &str,
        kind: Kind,
    ) -> Result<Span, Fault> {
        let found = kind.name();
        self.problems.error(
            self.reader.at(),
            path,
            format!("{what} must be {wanted}, this is {found}"),
        );
        self.reader.skip()
    }

    /// One statement, or a list of them.
    pub(super) fn statements<T>(
        &mut self,
        path: &Path<'_>,
        read: fn(&mut Self, &Path<'_>, usize) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let kind = self.reader.peek()?;
        let start = self.reader.at();
        let mut statements = Vec::new();
        self.sids = Seen::default();
        match kind {
            Kind::Object => statements.push(read(self, path, 0)?),
            Kind::List => {
                self.reader.open_list()?;
                let mut first = true;
                while self.reader.element(&mut first)? {
                    let index = statements.len();
                    statements.push(read(self, &path.index(index), index)?);
                }
            }
            _ => {
                self.wrong(path, "Statement", "an object or a list of objects", kind)?;
                return Ok(statements);
            }
        }
        if statements.is_empty() {
            self.problems
                .error(start, path, "a policy needs at least one statement");
        }
        Ok(statements)
    }

    fn statement(&mut self, path: &Path<'_>, index: usize) -> Result<Statement<'a>, Fault> {
        let kind = self.reader.peek()?;
        let start = self.reader.at();
        let mut statement = Statement {
            index,
            sid: None,
            effect: None,
            principal: None,
            not_principal: None,
            action: None,
            not_action: None,
            conditions: Vec::new(),
            span: Span { start, end: start },
        };
        if kind != Kind::Object {
            statement.span = self.wrong(path, "a statement", "an object", kind)?;
            return Ok(statement);
        }
        let mut seen = 0;
        let mut unknown_key = false;
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = path.key(&key.value);
            let place = STATEMENT_KEYS.iter().position(|known| *known == key.value);
            self.once(&mut seen, place, &key, &path);
            match key.value.as_ref() {
                "Sid" => statement.sid = self.sid(&path)?,
                "Effect" => statement.effect = self.effect(&path)?,
                "Principal" => statement.principal = Some(self.principals(&path)?),
                "NotPrincipal" => {
                    self.problems.error(key.span.start, &path, NO_NOT_PRINCIPAL);
                    statement.not_principal = Some(self.principals(&path)?);
                }
                "Action" => statement.action = Some(self.actions(&path)?),
                "NotAction" => statement.not_action = Some(self.actions(&path)?),
                "Condition" => statement.conditions = self.conditions(&path)?,
                other @ ("Resource" | "NotResource") => {
                    let message = format!(
                        "a trust policy may not hold \"{other}\": the role itself is meant"
                    );
                    self.problems.error(key.span.start, &path, message);
                    self.reader.skip()?;
                }
                _ => {
                    unknown_key = true;
                    self.unknown(&key, &path, "a statement", &STATEMENT_KEYS)?;
                }
            }
        }
        statement.span.end = self.reader.at();
        if !stands("Effect", &STATEMENT_KEYS, seen) {
            self.missing(start, path, "an \"Effect\": \"Allow\" or \"Deny\"");
        }
        if unknown_key {
            // What the author wanted to say there is not known: nothing may be concluded from the
            // rest, least of all that there is no condition.
            statement.effect = None;
        }
        if !stands("Principal", &STATEMENT_KEYS, seen) && statement.not_principal.is_none() {
            self.missing(start, path, "a \"Principal\"");
        }
        let actions = (statement.action.is_some(), statement.not_action.is_some());
        self.either(
            start,
            path,
            ["an \"Action\"", "\"Action\" and \"NotAction\""],
            actions,
        );
        super::saving::warn_of_shared_providers(&statement, path, &mut self.problems);
        Ok(statement)
    }

    /// Reports and skips a key that has no meaning here.
    pub(super) fn unknown(
        &mut self,
        key: &Text<'_>,
        path: &Path<'_>,
        what: &str,
        known: &[&str],
    ) -> Result<(), Fault> {
        let meant = self.problems.meant(&key.value, known.iter().copied());
        let message = format!("{what} has no \"{}\"{meant}", shorten(&key.value));
        self.problems.error(key.span.start, path, message);
        self.reader.skip()?;
        Ok(())
    }

    /// Of a key and its `Not` form exactly one must stand.
    pub(super) fn either(
        &mut self,
        at: usize,
        path: &Path<'_>,
        [one, both]: [&str; 2],
        stands: (bool, bool),
    ) {
        match stands {
            (false, false) => self.missing(at, path, one),
            (true, true) => {
                let message = format!("{both} exclude each other; keep one of them");
                self.problems.error(at, path, message);
            }
            _ => {}
        }
    }

    /// Letters and digits only, and none twice.
    pub(super) fn sid(&mut self, path: &Path<'_>) -> Result<Option<Cow<'a, str>>, Fault> {
        let Some(Text { value: sid, span }) = self.text(path, "Sid")? else {
            return Ok(None);
        };
        if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.problems.error(
                span.start,
                path,
                format!(
                    "a Sid has letters and digits only, not \"{}\"",
                    shorten(&sid)
                ),
            );
        }
        if !sid.is_empty() && self.sids.insert(sid.clone()).is_some() {
            self.problems.error(
                span.start,
                path,
                format!(
                    "the Sid \"{}\" stands on an earlier statement too",
                    shorten(&sid)
                ),
            );
        }
        Ok(Some(sid))
    }

    pub(super) fn missing(&mut self, at: usize, path: &Path<'_>, what: &str) {
        self.problems
            .error(at, path, format!("a statement needs {what}"));
    }

    pub(super) fn effect(&mut self, path: &Path<'_>) -> Result<Option<Effect>, Fault> {
        let Some(text) = self.text(path, "Effect")? else {
            return Ok(None);
        };
        Ok(match text.value.as_ref() {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            other => {
                let meant = self.problems.meant(other, ["Allow", "Deny"]);
                self.problems.error(
                    text.span.start,
                    path,
                    format!(
                        "the effect is \"Allow\" or \"Deny\", not \"{}\"{meant}",
                        shorten(other)
                    ),
                );
                None
            }
        })
    }

    /// A string, or a list of strings.
    pub(super) fn each_text(
        &mut self,
        path: &Path<'_>,
        what: &str,
        mut take: impl FnMut(&mut Problems, &Path<'_>, Text<'a>),
    ) -> Result<(), Fault> {
        match self.reader.peek()? {
            Kind::Text => {
                let text = self.reader.string()?;
                take(&mut self.problems, path, text);
            }
            Kind::List => {
                self.reader.open_list()?;
                let mut first = true;
                let mut index = 0;
                while self.reader.element(&mut first)? {
                    let path = path.index(index);
                    if let Some(text) = self.text(&path, what)? {
                        take(&mut self.problems, &path, text);
                    }
                    index += 1;
                }
            }
            kind => {
                self.wrong(path, what, "a string or a list of strings", kind)?;
            }
        }
        Ok(())
    }

    fn actions(&mut self, path: &Path<'_>) -> Result<Vec<Cow<'a, str>>, Fault> {
        self.reader.peek()?;
        let start = self.reader.at();
        let mut actions = Vec::new();
        self.each_text(path, "an action", |problems, path, text| {
            check_action(&text, path, problems);
            actions.push(text.value);
        })?;
        if actions.is_empty() {
            self.problems
                .error(start, path, "at least one action must be named");
        }
        Ok(actions)
    }
}

/// STS's operations and the permissions that ride on them. Source: service authorization
/// reference, "Actions defined by AWS Security Token Service".
const STS_ACTIONS: [&str; 13] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetFederationToken",
    "GetServiceBearerToken",
    "GetSessionToken",
    "SetContext",
    "SetSourceIdentity",
    "TagSession",
];

fn check_action(text: &Text<'_>, path: &Path<'_>, problems: &mut Problems) {
    let usual = text
        .value
        .strip_prefix("sts:")
        .is_some_and(|name| STS_ACTIONS.contains(&name));
    if usual {
        return;
    }
    let at = text.span.start;
    let Some((service, name)) = text.value.split_once(':') else {
        let message = if text.value == "*" {
            "a trust policy may name STS actions only; did you mean \"sts:AssumeRole\"?".to_owned()
        } else {
            let fits = STS_ACTIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&text.value));
            let meant = if fits {
                format!("; did you mean \"sts:{}\"?", text.value)
            } else {
                String::new()
            };
            format!("an action begins with its service{meant}")
        };
        problems.error(at, path, message);
        return;
    };
    if !service.eq_ignore_ascii_case("sts") {
        problems.error(
            at,
            path,
            format!(
                "a trust policy may name STS actions only, not \"{}\"",
                shorten(&text.value)
            ),
        );
    } else if !STS_ACTIONS
        .iter()
        .any(|known| crate::glob::matches_ignoring_case(name, known))
    {
        let meant = problems.meant(name, STS_ACTIONS);
        problems.warning(
            at,
            path,
            format!("STS has no action \"{}\"{meant}", shorten(name)),
        );
    }
}
