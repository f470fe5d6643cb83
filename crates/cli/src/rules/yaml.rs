//! The rules file as YAML: what it says, and where it says it.
//!
//! The file is read twice: into [`RulesFile`], and into a tree of places, because what is wrong
//! with the meaning of a file is found long after the text is gone.

use std::fmt;

use guard::rules::{Level, RulesFile};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Location, MessageFormatter, Options, Spanned, UserMessageFormatter};

use crate::diagnostic::{Diagnostic, Span};
use crate::suggest::nearest;

/// Reads a rules file, or says where it cannot be read.
pub(crate) fn parse(text: &str) -> Result<RulesFile, Diagnostic> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| explained(&error, text))
}

/// An account id may stand without quotes: it is text, and keeps its leading zero. `on` and `yes`
/// are words here, as they are in names.
fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // Ten thousand vendors are more than the reader's own limit admits.
        budget: serde_saphyr::budget! { max_nodes: 10_000_000, max_events: 40_000_000 },
    }
}

fn explained(error: &Error, text: &str) -> Diagnostic {
    let span = error.location().and_then(|location| span(location, text));
    let (message, help) = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("unknown key `{field}`"),
            Some(meant(field, expected, "the keys here are")),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("`{variant}` is not one of the values allowed here"),
            Some(meant(variant, expected, "they are")),
        ),
        Error::SerdeMissingField {
            field: "version", ..
        } => (
            "the file does not say its version".to_owned(),
            Some("begin it with `version: 1`".to_owned()),
        ),
        Error::SerdeMissingField { field, .. } => (format!("`{field}` is missing here"), None),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            (format!("`{key}` stands here for the second time"), None)
        }
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => (
            format!("{expected} was expected here, and not {unexpected}"),
            None,
        ),
        Error::NullIntoString { .. } => (
            "a text was expected here, and there is nothing".to_owned(),
            Some("write `\"\"` if an empty text is meant".to_owned()),
        ),
        Error::MultipleDocuments { .. } => (
            "a second document begins here; a rules file is one".to_owned(),
            None,
        ),
        Error::Eof { .. } => (
            "the file is empty".to_owned(),
            Some("`trustwarden rules init` prints a first one".to_owned()),
        ),
        Error::InvalidScalar { ty, .. } => {
            let wanted = if *ty == "bool" {
                "true or false"
            } else {
                "a whole number"
            };
            (format!("{wanted} was expected here"), None)
        }
        other => {
            let message = UserMessageFormatter.format_message(other).into_owned();
            shape(&message, span, text).unwrap_or((message, None))
        }
    };
    let message = message.lines().next().unwrap_or_default().to_owned();
    Diagnostic {
        level: Level::Error,
        message,
        span,
        help,
    }
}

/// What was meant, where the file has another shape than it should.
fn shape(message: &str, span: Option<Span>, text: &str) -> Option<(String, Option<String>)> {
    let said = |message: &str, help: String| Some((message.to_owned(), Some(help)));
    if message.contains("quoted scalar") {
        return said(
            "a quote is not closed",
            "close it on the line on which it begins".to_owned(),
        );
    }
    let place = span?;
    let line = text.lines().nth(place.line - 1)?;
    let rest: String = line.chars().skip(place.column - 1).collect();
    let value = rest.trim().trim_end_matches([']', '}', ',']).trim();
    let quoted = if value.starts_with(['"', '\'']) {
        value.to_owned()
    } else {
        format!("\"{value}\"")
    };
    let key = line
        .trim_start()
        .trim_start_matches("- ")
        .split(':')
        .next()
        .unwrap_or_default();
    let entry = |of: &str| format!("begin it with a key, as `- {of}: {value}`");
    if message.contains("expected sequence start") {
        return if value.contains(": ") || value.ends_with(':') {
            said(
                "a list was expected here",
                "begin each entry with `- `".to_owned(),
            )
        } else {
            said(
                "a list was expected here",
                format!("write `{key}: [{quoted}]`"),
            )
        };
    }
    if message.contains("expected mapping start") {
        let inner = match key {
            "external_id" => Some(format!("values: [{quoted}]")),
            "permissions" => Some(format!("allow: {}", rest.trim())),
            "access_keys" => Some("max_age_days: 90".to_owned()),
            "organization" => Some(format!("id: {value}")),
            _ => None,
        };
        let help = match inner {
            Some(inner) => format!("write `{key}: {{ {inner} }}`"),
            None if line.trim_start().starts_with("- ") => entry("name"),
            None => "write `key: value` lines, such as `version: 1`".to_owned(),
        };
        return said("keys with values were expected here", help);
    }
    let signs = ["anchor or alias", "unexpected character", "unknown value"];
    if signs.iter().any(|sign| message.contains(sign)) {
        // The parser points at the sign, or at what follows it.
        let from = line
            .rfind(['*', '&', '@', '`', '%', '!'])
            .unwrap_or_default();
        let word = line.get(from..).unwrap_or_default();
        let word = word.split([',', ']', '}', ' ']).next().unwrap_or_default();
        let sign = word.chars().next().unwrap_or('*');
        let help = format!("quote it: `\"{word}\"`");
        return said(&format!("`{sign}` has a meaning of its own in YAML"), help);
    }
    if message.contains("tabs disallowed") {
        return said(
            "a tab indents this line, which YAML does not allow",
            "use blanks".to_owned(),
        );
    }
    if message.contains("mapping values are not allowed")
        || message.contains("while parsing a block")
    {
        let help = "indent it as the keys beside it, or quote a text that has `: ` in it";
        return said("a key stands where none can", help.to_owned());
    }
    None
}

fn meant(word: &str, expected: &[&str], these: &str) -> String {
    match nearest(word, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{these} `{}`", expected.join("`, `")),
    }
}

fn span(location: Location, text: &str) -> Option<Span> {
    let line = usize::try_from(location.line())
        .ok()
        .filter(|line| *line > 0)?;
    let column = usize::try_from(location.column()).ok()?.max(1);
    // A node of several lines is shown by its first, without the comment behind it.
    let first = text.lines().nth(line - 1).unwrap_or_default();
    let within = first.chars().count().saturating_sub(column - 1);
    let length = usize::try_from(location.span().len())
        .unwrap_or(0)
        .clamp(1, within.max(1));
    Some(Span {
        line,
        column,
        length,
    })
}

/// One step from a node to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An element of a list, from 0.
    Index(usize),
}

/// Where everything stands.
#[derive(Debug)]
pub(crate) struct Places {
    root: Spanned<Node>,
}

impl Places {
    /// Reads the places of a file that has been parsed.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_saphyr::from_str_with_options(text, options())
            .ok()
            .map(|root| Self { root })
    }

    /// Where the part at the end of `path` stands; for one that is not there, the innermost part
    /// around it that is. `key` points at the last key instead of its value.
    pub(crate) fn find<'p>(
        &self,
        path: impl IntoIterator<Item = Step<'p>>,
        key: bool,
        text: &str,
    ) -> Option<Span> {
        let mut node = &self.root;
        let mut found = node.referenced;
        for step in path {
            let next = match (&node.value, step) {
                (Node::Mapping(entries), Step::Key(wanted)) => entries
                    .iter()
                    .find(|(name, _)| name.value == wanted)
                    .map(|(name, value)| (name.referenced, value)),
                (Node::Sequence(elements), Step::Index(index)) => elements
                    .get(index)
                    .map(|element| (element.referenced, element)),
                _ => None,
            };
            let Some((named, value)) = next else { break };
            // A section is named by its key: its value begins on the next line.
            let section = matches!(value.value, Node::Mapping(_) | Node::Sequence(_));
            found = if key || section {
                named
            } else {
                value.referenced
            };
            node = value;
        }
        span(found, text)
    }
}

/// A YAML node, without what it says.
#[derive(Debug)]
enum Node {
    Scalar,
    Sequence(Vec<Spanned<Self>>),
    Mapping(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

macro_rules! scalars {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method<E>(self, _: $type) -> Result<Node, E> { Ok(Node::Scalar) })*
    };
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    scalars! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_str: &str,
        visit_bytes: &[u8],
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Node::Sequence(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Colors;

    fn failure(text: &str) -> String {
        parse(text)
            .unwrap_err()
            .render("access.yaml", text, Colors::PLAIN)
    }

    #[test]
    fn an_account_id_keeps_its_leading_zero_without_quotes() {
        let text = "version: 1\n\
                    trusted_accounts: [012345678901, \"098765432109\", 111122223333]\n\
                    vendors:\n- name: 0x12\n  accounts: [000000000001]\n  roles: [0123, on, yes]\n\
                    exemptions: [{role: a, account: 012345678901, check: public-trust, reason: b}]\n";
        let file = parse(text).unwrap();
        assert_eq!(
            file.trusted_accounts,
            ["012345678901", "098765432109", "111122223333"]
        );
        assert_eq!(file.vendors[0].name, "0x12");
        assert_eq!(file.vendors[0].accounts, ["000000000001"]);
        let roles: Vec<&str> = file.vendors[0]
            .roles
            .iter()
            .map(|role| role.name.as_str())
            .collect();
        assert_eq!(roles, ["0123", "on", "yes"]);
        assert_eq!(file.exemptions[0].account.as_deref(), Some("012345678901"));
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let cases = [
            (
                "version: 1\nvendros: []\n",
                "unknown key `vendros`",
                "access.yaml:2:1",
                "did you mean `vendors`?",
            ),
            (
                "version: 1\nmode: enforced\n",
                "`enforced` is not one of the values",
                "access.yaml:2:7",
                "did you mean `enforce`?",
            ),
            (
                "mode: alert\n",
                "does not say its version",
                "access.yaml:1:1",
                "begin it with `version: 1`",
            ),
            (
                "version: 1\nvendors:\n  - nmae: x\n",
                "unknown key `nmae`",
                "access.yaml:3:5",
                "did you mean `name`?",
            ),
            (
                "version: 1\nmode: alert\nmode: enforce\n",
                "`mode` stands here for the second time",
                "access.yaml:3:1",
                "",
            ),
            (
                "version: one\n",
                "a whole number was expected here",
                "access.yaml:1:10",
                "",
            ),
            (
                "version: 1\nvendors: [\n",
                "unclosed bracket '['",
                "access.yaml:2:10",
                "",
            ),
            (
                "version: 1\ntrusted_accounts:\n  -\n",
                "a text was expected here",
                "access.yaml:3:",
                "",
            ),
            (
                "version: 1\n---\nversion: 1\n",
                "a second document begins here",
                "access.yaml:3:1",
                "",
            ),
            ("", "the file is empty", "access.yaml", "rules init"),
            (
                "version: 1\nremediation: {max_writes_per_role_per_hour: -1}\n",
                "a whole number was expected here",
                "access.yaml:2:45",
                "",
            ),
        ];
        for (text, message, at, help) in cases {
            let shown = failure(text);
            assert!(
                shown.contains(message) && shown.contains(at) && shown.contains(help),
                "{text}\n{shown}"
            );
        }
    }

    #[test]
    fn every_part_has_a_place() {
        use Step::{Index, Key};
        let text = "version: 1\n\
                    vendors:\n\
                    - name: Datadog   # the first\n  \
                      accounts: [\"464622532012\", 1]\n  \
                      external_id:\n    \
                        required: true\n\
                    - name: Other\n";
        let places = Places::read(text).unwrap();
        let at = |path: &[Step<'_>], key| {
            let span = places.find(path.iter().cloned(), key, text).unwrap();
            (span.line, span.column, span.length)
        };
        assert_eq!(at(&[Key("version")], false), (1, 10, 1));
        assert_eq!(at(&[Key("version")], true), (1, 1, 7));
        assert_eq!(
            at(&[Key("vendors"), Index(0), Key("name")], false),
            (3, 9, 7)
        );
        assert_eq!(
            at(
                &[Key("vendors"), Index(0), Key("accounts"), Index(0)],
                false
            ),
            (4, 14, 14)
        );
        assert_eq!(
            at(
                &[Key("vendors"), Index(0), Key("accounts"), Index(1)],
                false
            ),
            (4, 30, 1)
        );
        assert_eq!(
            at(&[Key("vendors"), Index(0), Key("external_id")], false),
            (5, 3, 11)
        );
        assert_eq!(
            at(&[Key("vendors"), Index(1), Key("name")], false),
            (7, 9, 5)
        );
        // what is not there is pointed at by what is around it
        assert_eq!(
            at(
                &[Key("vendors"), Index(0), Key("external_id"), Key("values")],
                false
            ),
            (5, 3, 11)
        );
        assert_eq!(at(&[Key("nothing")], false).0, 1);
    }
}
