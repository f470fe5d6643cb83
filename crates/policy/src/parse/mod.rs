//! From text to a [`TrustPolicy`], by IAM's own rules of validity.

mod condition;
mod identity;
mod principal;
mod problem;
mod reader;
mod saving;
mod statement;

use self::problem::Problems;
use self::reader::Lines;
pub use self::reader::MAX_DEPTH;
pub(crate) use self::reader::{Fault, Kind, Reader};
use self::statement::Parser;
use crate::document::{IdentityPolicy, TrustPolicy};

/// Longest text that is read, in characters, white space counted: IAM's own API takes no longer one
/// (IAM API reference, `PolicyDocument` of `UpdateAssumeRolePolicy` and `PutRolePolicy`).
pub const MAX_CHARACTERS: usize = 131_072;

/// Text that is no policy document at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not JSON, or nested too deep.
    #[error("line {line}, column {column}: {message}")]
    Json {
        /// 1-based.
        line: u32,
        /// 1-based, in characters.
        column: u32,
        /// What is wrong, and what was meant.
        message: String,
    },
    /// JSON, but no object.
    #[error("line {line}, column {column}: a policy document is a JSON object, this is {found}")]
    NotAnObject {
        /// 1-based.
        line: u32,
        /// 1-based, in characters.
        column: u32,
        /// What it is, as "a list".
        found: &'static str,
    },
    /// Longer than [`MAX_CHARACTERS`].
    #[error(
        "the document has {characters} characters, more than the {MAX_CHARACTERS} that IAM takes"
    )]
    TooLong {
        /// Its length.
        characters: usize,
    },
}

/// Any text as a document: `read` takes its object, which was announced.
fn whole<'a, T>(
    text: &'a str,
    read: impl FnOnce(&mut Parser<'a>) -> Result<T, Fault>,
) -> Result<(T, Problems), ParseError> {
    // A character has a byte or more, so most texts need not be counted.
    if text.len() > MAX_CHARACTERS {
        let characters = text.chars().count();
        if characters > MAX_CHARACTERS {
            return Err(ParseError::TooLong { characters });
        }
    }
    let mut parser = Parser::new(Reader::new(text));
    let json = |Fault { at, message }: Fault| {
        let (line, column) = Lines::new(text).locate(at);
        ParseError::Json {
            line,
            column,
            message: message.into_owned(),
        }
    };
    let kind = parser.reader.peek().map_err(json)?;
    if kind != Kind::Object {
        let at = parser.reader.at();
        // Not JSON at all says more than not an object.
        parser
            .reader
            .skip()
            .and_then(|_| parser.reader.end())
            .map_err(json)?;
        let (line, column) = Lines::new(text).locate(at);
        return Err(ParseError::NotAnObject {
            line,
            column,
            found: kind.name(),
        });
    }
    let document = read(&mut parser).map_err(json)?;
    parser.reader.end().map_err(json)?;
    Ok((document, parser.problems))
}

impl<'a> TrustPolicy<'a> {
    /// Reads a document from its plain JSON text; [`crate::document::from_api_text`] undoes the
    /// percent-encoding of IAM's answers.
    ///
    /// # Errors
    /// For text that is not JSON, not an object, too long or nested too deep. A document that is
    /// readable and breaks IAM's rules is no error here: see [`TrustPolicy::errors`].
    pub fn parse(text: &'a str) -> Result<TrustPolicy<'a>, ParseError> {
        let (mut policy, mut problems) = whole(text, Parser::document)?;
        saving::warn_of_length(text, &mut problems);
        let (errors, warnings) = problems.locate(text);
        policy.errors = errors;
        policy.warnings = warnings;
        Ok(policy)
    }
}

impl<'a> IdentityPolicy<'a> {
    /// Reads a document from its plain JSON text; [`crate::document::from_api_text`] undoes the
    /// percent-encoding of IAM's answers.
    ///
    /// # Errors
    /// For text that is not JSON, not an object, too long or nested too deep. A document that is
    /// readable and breaks IAM's rules is no error here: see [`IdentityPolicy::errors`].
    pub fn parse(text: &'a str) -> Result<IdentityPolicy<'a>, ParseError> {
        let (mut policy, problems) = whole(text, Parser::identity_document)?;
        let (errors, warnings) = problems.locate(text);
        policy.errors = errors;
        policy.warnings = warnings;
        Ok(policy)
    }
}
