//! Takes principals and statements out of a trust document, and leaves every other byte alone.
//!
//! It only ever takes away, so what is left of an Allow statement grants no more than before;
//! that the whole still complies is for the caller to prove.

use std::collections::BTreeSet;
use std::ops::Range;

use policy::TrustPolicy;
use policy::document::Span;

/// What is to be taken out: whole statements by their index, single principals by statement and
/// by their place in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Removal {
    /// Indices of statements.
    pub(crate) statements: BTreeSet<usize>,
    /// (statement, place among its `Principal` values).
    pub(crate) principals: BTreeSet<(usize, usize)>,
}

impl Removal {
    pub(crate) fn is_empty(&self) -> bool {
        self.statements.is_empty() && self.principals.is_empty()
    }
}

/// The document without what is to be taken out. A principal list that loses its last value
/// loses its key, a `Principal` that loses its last key takes its statement along. `None` when no
/// statement would be left, or the text is not built as it should be.
pub(crate) fn without(text: &str, policy: &TrustPolicy<'_>, removal: &Removal) -> Option<String> {
    let whole = node_at(text, 0)?;
    let Inside::Object(members) = &whole.inside else {
        return None;
    };
    let statements = &members
        .iter()
        .find(|member| member.key == "Statement")?
        .value;
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let gone = |node: &Node| cut_statement(text, policy, removal, node);
    match &statements.inside {
        Inside::List(list) => {
            let mut kept = 0;
            let mut parts = Vec::new();
            for node in list {
                match gone(node)? {
                    Cut::Whole => parts.push((node.span.clone(), true)),
                    Cut::Parts(inner) => {
                        cuts.extend(inner);
                        parts.push((node.span.clone(), false));
                        kept += 1;
                    }
                }
            }
            if kept == 0 {
                return None;
            }
            cuts.extend(cut_from_list(&parts));
        }
        _ => match gone(statements)? {
            Cut::Whole => return None,
            Cut::Parts(inner) => cuts.extend(inner),
        },
    }
    apply(text, cuts)
}

enum Cut {
    Whole,
    Parts(Vec<Range<usize>>),
}

fn cut_statement(
    text: &str,
    policy: &TrustPolicy<'_>,
    removal: &Removal,
    node: &Node,
) -> Option<Cut> {
    let statement = policy
        .statements
        .iter()
        .find(|known| range(known.span).start == node.span.start)?;
    if removal.statements.contains(&statement.index) {
        return Some(Cut::Whole);
    }
    let doomed: Vec<Range<usize>> = removal
        .principals
        .iter()
        .filter(|(index, _)| *index == statement.index)
        .filter_map(|(_, place)| statement.principal.as_ref()?.get(*place))
        .map(|principal| range(principal.span))
        .collect();
    if doomed.is_empty() {
        return Some(Cut::Parts(Vec::new()));
    }
    let is_doomed = |node: &Node| doomed.iter().any(|span| span.start == node.span.start);
    let Inside::Object(members) = &node.inside else {
        return None;
    };
    let principal = &members
        .iter()
        .find(|member| member.key == "Principal")?
        .value;
    let Inside::Object(kinds) = &principal.inside else {
        // `"Principal": "*"`: the value is all there is.
        return Some(if is_doomed(principal) {
            Cut::Whole
        } else {
            Cut::Parts(Vec::new())
        });
    };
    let mut cuts = Vec::new();
    let mut keys = Vec::new();
    for member in kinds {
        let whole = match &member.value.inside {
            Inside::List(values) => {
                let parts: Vec<_> = values
                    .iter()
                    .map(|value| (value.span.clone(), is_doomed(value)))
                    .collect();
                let whole = parts.iter().all(|(_, gone)| *gone);
                if !whole {
                    cuts.extend(cut_from_list(&parts));
                }
                whole
            }
            _ => is_doomed(&member.value),
        };
        keys.push((member.key_at..member.value.span.end, whole));
    }
    if keys.iter().all(|(_, gone)| *gone) {
        return Some(Cut::Whole);
    }
    cuts.extend(cut_from_list(&keys));
    debug_assert!(cuts.iter().all(|cut| text.get(cut.clone()).is_some()));
    Some(Cut::Parts(cuts))
}

/// What to cut so that the marked elements go with exactly one comma each. One element stays at
/// least.
fn cut_from_list(parts: &[(Range<usize>, bool)]) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut kept_before: Option<usize> = None;
    for (at, (span, gone)) in parts.iter().enumerate() {
        if !gone {
            kept_before = Some(span.end);
        } else if let Some(end) = kept_before {
            // From the end of what stays, its comma included, to the end of this one.
            cuts.push(end..span.end);
            kept_before = Some(span.end);
        } else if let Some((next, _)) = parts.get(at + 1) {
            cuts.push(span.start..next.start);
        }
    }
    cuts
}

fn apply(text: &str, mut cuts: Vec<Range<usize>>) -> Option<String> {
    cuts.sort_by_key(|cut| (cut.start, cut.end));
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for cut in cuts {
        if cut.start > at {
            left.push_str(text.get(at..cut.start)?);
        }
        at = at.max(cut.end);
    }
    left.push_str(text.get(at..)?);
    Some(left)
}

fn range(span: Span) -> Range<usize> {
    span.start..span.end
}

/// JSON with the place of every value. The text has been parsed before, so this only finds its
/// way; it is bounded by the parser's own depth.
struct Node {
    span: Range<usize>,
    inside: Inside,
}

enum Inside {
    Object(Vec<Member>),
    List(Vec<Node>),
    Scalar,
}

struct Member {
    key: String,
    key_at: usize,
    value: Node,
}

fn node_at(text: &str, depth: usize) -> Option<Node> {
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let (node, _) = node(text, start, depth)?;
    Some(node)
}

fn node(text: &str, from: usize, depth: usize) -> Option<(Node, usize)> {
    if depth > policy::MAX_DEPTH {
        return None;
    }
    let start = skip_white(text, from);
    match byte(text, start)? {
        b'{' => {
            let mut members = Vec::new();
            let mut at = skip_white(text, start + 1);
            while byte(text, at)? != b'}' {
                let key_at = at;
                let end = string_end(text, at)?;
                let key = serde_json::from_str(text.get(at..end)?).ok()?;
                at = skip_white(text, end);
                (byte(text, at)? == b':').then_some(())?;
                let (value, end) = node(text, at + 1, depth + 1)?;
                members.push(Member { key, key_at, value });
                at = after_comma(text, end)?;
            }
            Some((
                Node {
                    span: start..at + 1,
                    inside: Inside::Object(members),
                },
                at + 1,
            ))
        }
        b'[' => {
            let mut list = Vec::new();
            let mut at = skip_white(text, start + 1);
            while byte(text, at)? != b']' {
                let (value, end) = node(text, at, depth + 1)?;
                list.push(value);
                at = after_comma(text, end)?;
            }
            Some((
                Node {
                    span: start..at + 1,
                    inside: Inside::List(list),
                },
                at + 1,
            ))
        }
        b'"' => {
            let end = string_end(text, start)?;
            Some((
                Node {
                    span: start..end,
                    inside: Inside::Scalar,
                },
                end,
            ))
        }
        _ => {
            let rest = text.get(start..)?;
            let length = rest
                .bytes()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())
                .unwrap_or(rest.len());
            (length > 0).then_some(())?;
            Some((
                Node {
                    span: start..start + length,
                    inside: Inside::Scalar,
                },
                start + length,
            ))
        }
    }
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn skip_white(text: &str, mut at: usize) -> usize {
    while byte(text, at).is_some_and(|byte| byte.is_ascii_whitespace()) {
        at += 1;
    }
    at
}

/// Past a comma, if there is one, to the next element or the closing bracket.
fn after_comma(text: &str, at: usize) -> Option<usize> {
    let at = skip_white(text, at);
    Some(if byte(text, at)? == b',' {
        skip_white(text, at + 1)
    } else {
        at
    })
}

/// One past the closing quote of the string that begins at `at`.
fn string_end(text: &str, at: usize) -> Option<usize> {
    (byte(text, at)? == b'"').then_some(())?;
    let mut escaped = false;
    for (offset, byte) in text.as_bytes().get(at + 1..)?.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1 + offset + 1),
            _ => {}
        }
    }
    None
}
