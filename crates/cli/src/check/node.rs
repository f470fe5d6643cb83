//! A document, JSON or YAML, as a tree in which every part knows its line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::value::RawValue;

use super::mark::unmarked;

/// Deeper than any template, and shallower than a stack.
const MOST_DEPTH: usize = 100;

/// CloudFormation takes a megabyte; more nodes than that come only of references to references.
const MOST_NODES: usize = 1_000_000;

/// A value, and the line it begins on, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `null`, `true`, `7`, as JSON writes it.
    Literal(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; keys may stand there twice.
    Map(Vec<(String, Node)>),
}

/// A document that is neither JSON nor YAML.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// It is not YAML.
    #[error("it is not YAML: {0}")]
    Yaml(String),
    /// It is made to be slow.
    #[error("it is nested too deeply, or refers to itself too often")]
    TooLarge,
}

impl Node {
    pub(super) fn text(text: impl Into<String>, line: usize) -> Self {
        let kind = Kind::Text(text.into());
        Self { kind, line }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, or a number as it was written.
    pub(super) fn as_word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Literal(literal) if literal != "null" => Some(literal),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; of anything else, itself.
    pub(super) fn elements(&self) -> &[Self] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let found = self.entries().iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    /// Reads JSON. Each level looks over what is below it once more: so documents have a size.
    pub(super) fn json(text: &str) -> Result<Self, NodeError> {
        let whole: &RawValue = serde_json::from_str(text).map_err(NodeError::Json)?;
        let mut lines = Lines {
            text,
            at: 0,
            line: 1,
        };
        Self::of_raw(whole, &mut lines, 0)
    }

    fn of_raw(raw: &RawValue, lines: &mut Lines<'_>, depth: usize) -> Result<Self, NodeError> {
        if depth > MOST_DEPTH {
            return Err(NodeError::TooLarge);
        }
        let text = raw.get();
        let line = lines.of(text);
        let kind = match text.as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(text).map_err(NodeError::Json)?;
                let read = |(key, value): (Cow<'_, str>, &RawValue)| {
                    Ok((key.into_owned(), Self::of_raw(value, lines, depth + 1)?))
                };
                Kind::Map(entries.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> =
                    serde_json::from_str(text).map_err(NodeError::Json)?;
                let mut read = |value| Self::of_raw(value, lines, depth + 1);
                Kind::List(
                    elements
                        .into_iter()
                        .map(&mut read)
                        .collect::<Result<_, _>>()?,
                )
            }
            Some(b'"') => {
                let text: String = serde_json::from_str(text).map_err(NodeError::Json)?;
                Kind::Text(unmarked(&text).into_owned())
            }
            _ => Kind::Literal(text.to_owned()),
        };
        Ok(Self { kind, line })
    }

    /// Reads YAML, in which `!Sub` is short for `Fn::Sub`, and what stands without quotes is text.
    pub(super) fn yaml(text: &str) -> Result<Self, NodeError> {
        let mut reader = Yaml {
            events: Parser::new_from_str(text),
            anchors: BTreeMap::new(),
            nodes: 0,
        };
        let mut root = None;
        while let Some(event) = reader.events.next() {
            let (event, span) = event.map_err(|error| NodeError::Yaml(error.to_string()))?;
            let line = span.start.line();
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_none() => {}
                Event::DocumentStart(..) => {
                    return Err(NodeError::Yaml(format!(
                        "a second document begins in line {line}"
                    )));
                }
                event => root = Some(reader.node(event, line, 0)?),
            }
        }
        root.ok_or_else(|| NodeError::Yaml("it is empty".to_owned()))
    }

    /// As JSON, in which every part stands on the line that it has in the file, counted from the
    /// first one's.
    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        let mut line = self.line;
        self.write(&mut out, &mut line);
        out
    }

    fn write(&self, out: &mut String, line: &mut usize) {
        while *line < self.line {
            out.push('\n');
            *line += 1;
        }
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match &self.kind {
            Kind::Literal(literal) => out.push_str(literal),
            Kind::Text(text) => out.push_str(&quoted(text)),
            Kind::List(elements) => {
                let mut before = '[';
                for element in elements {
                    out.push(before);
                    element.write(out, line);
                    before = ',';
                }
                out.push_str(if elements.is_empty() { "[]" } else { "]" });
            }
            Kind::Map(entries) => {
                let mut before = '{';
                for (key, value) in entries {
                    out.push(before);
                    while *line < value.line {
                        out.push('\n');
                        *line += 1;
                    }
                    out.push_str(&quoted(key));
                    out.push(':');
                    value.write(out, line);
                    before = ',';
                }
                out.push_str(if entries.is_empty() { "{}" } else { "}" });
            }
        }
    }
}

/// Counts the lines of a text, forward.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of a part of the text, which is behind the last one.
    fn of(&mut self, part: &str) -> usize {
        let at = part
            .as_ptr()
            .addr()
            .saturating_sub(self.text.as_ptr().addr());
        let between = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count();
        self.at = self.at.max(at);
        self.line
    }
}

/// An object's entries, in order.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Entries<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> serde::de::Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    entries.push((Cow::Owned(key), value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

struct Yaml<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl Yaml<'_> {
    fn next(&mut self, depth: usize) -> Result<Option<Node>, NodeError> {
        let event = self.events.next();
        let event = event.ok_or_else(|| NodeError::Yaml("it ends too early".to_owned()))?;
        let (event, span) = event.map_err(|error| NodeError::Yaml(error.to_string()))?;
        match event {
            Event::SequenceEnd | Event::MappingEnd => Ok(None),
            event => self.node(event, span.start.line(), depth).map(Some),
        }
    }

    fn node(&mut self, event: Event<'_>, line: usize, depth: usize) -> Result<Node, NodeError> {
        self.nodes += 1;
        if depth > MOST_DEPTH || self.nodes > MOST_NODES {
            return Err(NodeError::TooLarge);
        }
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let null = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let literal = || Kind::Literal("null".to_owned());
                let kind = if null && tag.is_none() {
                    literal()
                } else {
                    Kind::Text(unmarked(&text).into_owned())
                };
                (kind, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mut elements = Vec::new();
                while let Some(element) = self.next(depth + 1)? {
                    elements.push(element);
                }
                (Kind::List(elements), anchor, tag)
            }
            Event::MappingStart(_, anchor, tag) => (Kind::Map(self.mapping(depth)?), anchor, tag),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or(NodeError::TooLarge)?;
                self.nodes += size(&node);
                return Ok(node);
            }
            _ => return Err(NodeError::Yaml(format!("line {line} cannot be read"))),
        };
        let node = tagged(Node { kind, line }, tag.as_deref());
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn mapping(&mut self, depth: usize) -> Result<Vec<(String, Node)>, NodeError> {
        let mut entries = Vec::new();
        while let Some(key) = self.next(depth + 1)? {
            let line = key.line;
            let value = self.next(depth + 1)?;
            let (Some(name), Some(value)) = (key.as_word(), value) else {
                return Err(NodeError::Yaml(format!("a key in line {line} is no text")));
            };
            match (name, &value.kind) {
                ("<<", Kind::Map(merged)) => entries.extend(merged.iter().cloned()),
                _ => entries.push((name.to_owned(), value)),
            }
        }
        Ok(entries)
    }
}

fn size(node: &Node) -> usize {
    match &node.kind {
        Kind::List(elements) => 1 + elements.iter().map(size).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, value)| size(value)).sum::<usize>(),
        Kind::Literal(_) | Kind::Text(_) => 1,
    }
}

/// `!Sub x` is `{"Fn::Sub": x}`, `!GetAtt A.B` is `{"Fn::GetAtt": ["A", "B"]}`.
fn tagged(node: Node, tag: Option<&Tag>) -> Node {
    let Some(tag) = tag.filter(|tag| tag.handle() == "!" && !tag.suffix().is_empty()) else {
        return node;
    };
    let line = node.line;
    let name = match tag.suffix() {
        word @ ("Ref" | "Condition") => word.to_owned(),
        word => format!("Fn::{word}"),
    };
    let kind = Kind::Map(vec![(name, node)]);
    Node { kind, line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_lines_and_its_doubled_keys() {
        let text = "{\n\"a\": [1,\n \"x\\u0022\"],\n\n\"a\": {\"b\": null}}";
        let node = Node::json(text).unwrap();
        assert_eq!(
            node.to_json(),
            "{\n\"a\":[1,\n\"x\\\"\"],\n\n\"a\":{\"b\":null}}"
        );
        let deep = "[".repeat(90) + &"]".repeat(90);
        assert!(Node::json(&deep).is_ok());
        assert!(Node::json(&("[".repeat(120) + &"]".repeat(120))).is_err());
    }

    #[test]
    fn yaml_is_json_with_its_lines_and_without_tags() {
        let text = "Version: 2012-10-17\nStatement:\n  - Effect: Allow # why\n    Principal: { AWS: !Sub \"${A}\" }\n    n: 0123\n    none:\n    at: !GetAtt R.Arn\n    if: !If [C, !Ref A, yes]\n";
        let node = Node::yaml(text).unwrap();
        let expected = "{\"Version\":\"2012-10-17\",\n\n\"Statement\":[{\"Effect\":\"Allow\",\n\"Principal\":{\"AWS\":{\"Fn::Sub\":\"${A}\"}},\n\"n\":\"0123\",\n\"none\":null,\n\"at\":{\"Fn::GetAtt\":\"R.Arn\"},\n\"if\":{\"Fn::If\":[\"C\",{\"Ref\":\"A\"},\"yes\"]}}]}";
        assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn anchors_are_followed_and_bombs_are_not() {
        let node = Node::yaml("a: &x [1, 2]\nb: *x\nc: {<<: {d: e}, f: g}\n").unwrap();
        assert_eq!(
            node.get("b").map(Node::elements).map(<[Node]>::len),
            Some(2)
        );
        assert_eq!(
            node.get("c")
                .and_then(|c| c.get("d"))
                .and_then(Node::as_text),
            Some("e")
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(Node::yaml(&bomb).is_err());
        for text in ["", "a: [", "a: 1\n---\nb: 2\n", "? [a]\n: b\n", "a: *b\n"] {
            assert!(Node::yaml(text).is_err(), "{text}");
        }
    }
}
