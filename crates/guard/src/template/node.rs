//! A document as a tree in which every part knows its line. JSON is read here, YAML by the command line.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::mark::unmarked;

/// Deeper than any template, and shallower than a stack.
pub const MOST_DEPTH: usize = 100;

/// A value, and the line it begins on, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// From 1.
    pub line: usize,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `true`, `7`, as JSON writes it.
    Literal(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// In the order of the file; keys may stand there twice.
    Map(Vec<(String, Node)>),
}

/// A document that is neither JSON nor YAML.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
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
    /// A text.
    pub fn text(text: impl Into<String>, line: usize) -> Self {
        let kind = Kind::Text(text.into());
        Self { kind, line }
    }

    /// What it says, if it is a text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, or a number as it was written.
    pub fn as_word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Literal(literal) if literal != "null" => Some(literal),
            _ => None,
        }
    }

    /// The entries of a map; of anything else, none.
    pub fn entries(&self) -> &[(String, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; of anything else, itself.
    pub fn elements(&self) -> &[Self] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let found = self.entries().iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }

    /// Reads JSON. Each level looks over what is below it once more: so documents have a size.
    ///
    /// # Errors
    /// It is not JSON, or nested too deeply.
    pub fn json(text: &str) -> Result<Self, NodeError> {
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

    /// As JSON, in which every part stands on the line that it has in the file, counted from the
    /// first one's.
    pub fn to_json(&self) -> String {
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
}
