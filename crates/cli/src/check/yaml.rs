//! YAML as a tree in which every part knows its line.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};
use guard::template::{Kind, MOST_DEPTH, Node, NodeError, unmarked};

/// CloudFormation takes a megabyte; more nodes than that come only of references to references.
const MOST_NODES: usize = 1_000_000;

/// Reads YAML, in which `!Sub` is short for `Fn::Sub`, and what stands without quotes is text.
pub(super) fn yaml(text: &str) -> Result<Node, NodeError> {
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
    fn yaml_is_json_with_its_lines_and_without_tags() {
        let text = "Version: 2012-10-17\nStatement:\n  - Effect: Allow # why\n    Principal: { AWS: !Sub \"${A}\" }\n    n: 0123\n    none:\n    at: !GetAtt R.Arn\n    if: !If [C, !Ref A, yes]\n";
        let node = yaml(text).unwrap();
        let expected = "{\"Version\":\"2012-10-17\",\n\n\"Statement\":[{\"Effect\":\"Allow\",\n\"Principal\":{\"AWS\":{\"Fn::Sub\":\"${A}\"}},\n\"n\":\"0123\",\n\"none\":null,\n\"at\":{\"Fn::GetAtt\":\"R.Arn\"},\n\"if\":{\"Fn::If\":[\"C\",{\"Ref\":\"A\"},\"yes\"]}}]}";
        assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn anchors_are_followed_and_bombs_are_not() {
        let node = yaml("a: &x [1, 2]\nb: *x\nc: {<<: {d: e}, f: g}\n").unwrap();
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
        assert!(yaml(&bomb).is_err());
        for text in ["", "a: [", "a: 1\n---\nb: 2\n", "? [a]\n: b\n", "a: *b\n"] {
            assert!(yaml(text).is_err(), "{text}");
        }
    }
}
