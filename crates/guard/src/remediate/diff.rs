//! What changed between two trust documents, statement by statement.

use policy::TrustPolicy;
use serde::{Deserialize, Serialize};

use crate::model::document_digest;

/// One statement of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Whether it came or went.
    pub sign: DiffSign,
    /// The statement as it was written, without white space between its parts.
    pub text: String,
}

/// Whether a statement came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiffSign {
    /// Only the new document has it.
    #[serde(rename = "+")]
    Added,
    /// Only the old document had it.
    #[serde(rename = "-")]
    Removed,
}

/// The statements that went, then those that came. Statements that IAM stores alike are equal;
/// a document that cannot be read is shown whole.
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    if document_digest(old) == document_digest(new) {
        return Vec::new();
    }
    let (old, new) = (pieces(old), pieces(new));
    let only_in = |one: &[Piece], other: &[Piece], sign: DiffSign| -> Vec<DiffLine> {
        // As many as the other has of the same are not told: a statement may stand twice.
        let mut left: Vec<&str> = other.iter().map(|piece| piece.digest.as_str()).collect();
        let mut lines = Vec::new();
        for piece in one {
            if let Some(at) = left.iter().position(|digest| *digest == piece.digest) {
                left.swap_remove(at);
            } else {
                lines.push(DiffLine {
                    sign,
                    text: piece.text.clone(),
                });
            }
        }
        lines
    };
    let mut lines = only_in(&old, &new, DiffSign::Removed);
    lines.extend(only_in(&new, &old, DiffSign::Added));
    lines
}

struct Piece {
    digest: String,
    text: String,
}

fn pieces(document: &str) -> Vec<Piece> {
    let piece = |text: &str| Piece {
        digest: document_digest(text),
        text: compact(text),
    };
    match TrustPolicy::parse(document) {
        Ok(policy) if !policy.statements.is_empty() => {
            let mut pieces: Vec<Piece> = policy
                .statements
                .iter()
                .filter_map(|statement| document.get(statement.span.start..statement.span.end))
                .map(piece)
                .collect();
            // Which language the statements are written in changes what they mean.
            pieces.push(piece(&format!("Version: {:?}", policy.version)));
            pieces
        }
        _ => vec![piece(document)],
    }
}

/// JSON text without the white space outside strings.
fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        if quoted {
            quoted = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character.is_ascii_whitespace() {
            continue;
        } else {
            quoted = character == '"';
        }
        compact.push(character);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_inside_strings_stays() {
        assert_eq!(
            compact("{ \"a b\\\" c\" :\n [ 1 ] }"),
            "{\"a b\\\" c\":[1]}"
        );
    }
}
