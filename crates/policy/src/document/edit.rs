//! Taking parts out of a document and leaving every other byte as it is.
//!
//! A repair must not rewrite what it does not judge: reviewers compare texts, and infrastructure
//! code that wrote the document would see a change where there is none. So the parts are cut out
//! of the text, each with one comma, and nothing is printed anew.

use std::collections::HashSet;

use super::{Span, TrustPolicy};
use crate::parse::{Fault, Kind, Reader};

/// A part to take out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// A whole statement, by its index.
    Statement(usize),
    /// One value of a statement's `Principal`. When the last one goes, the statement goes.
    Principal {
        /// The statement's index.
        statement: usize,
        /// Index into [`super::Statement::principal`].
        principal: usize,
    },
}

/// What is left of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remainder {
    /// The new text.
    Document(String),
    /// No statement is left, and IAM accepts no document without one.
    Nothing,
}

/// A removal that names no part of the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// There is no such statement or principal.
    #[error("the document has no part {0:?} to take out")]
    NoSuchPart(Removal),
    /// A key stands twice around the part, and what the last one hid would come to light.
    #[error("a key is repeated around the part to take out: the rest would change its meaning")]
    RepeatedKey,
    /// The text is not the one that was parsed.
    #[error("the text is not the one that the document was read from")]
    OtherText,
}

impl TrustPolicy<'_> {
    /// The document without some of its parts, every byte that is not theirs as it was. `text` is
    /// what the document was parsed from.
    ///
    /// # Errors
    /// For a removal that names no part, for another text, and where a repeated key would change
    /// what the rest means.
    pub fn without(&self, text: &str, removals: &[Removal]) -> Result<Remainder, RemovalError> {
        let cuts = self.spans_to_cut(removals)?;
        let is_cut = |span: &Span| cuts.binary_search(span).is_ok();
        if self
            .statements
            .iter()
            .all(|statement| is_cut(&statement.span))
        {
            return Ok(Remainder::Nothing);
        }
        let mut reader = Reader::new(text);
        let mut ranges = Vec::new();
        let mut found = 0;
        collect(&mut reader, &cuts, &mut ranges, &mut found)
            .map_err(|_| RemovalError::OtherText)?;
        if found != cuts.len() {
            return Err(RemovalError::OtherText);
        }
        ranges.sort_unstable();
        let mut left = String::with_capacity(text.len());
        let mut at = 0;
        for Span { start, end } in ranges {
            left.push_str(text.get(at..start).ok_or(RemovalError::OtherText)?);
            at = end;
        }
        left.push_str(text.get(at..).ok_or(RemovalError::OtherText)?);
        // Where a key is repeated, cutting the last one would bring back the one before it.
        let meant = self.less(&cuts).to_string();
        match TrustPolicy::parse(&left) {
            Ok(again) if again.to_string() == meant => Ok(Remainder::Document(left)),
            _ => Err(RemovalError::RepeatedKey),
        }
    }

    /// This document without what stands at these places.
    fn less(&self, cuts: &[Span]) -> TrustPolicy<'_> {
        let mut left = self.clone();
        let stays = |span: &Span| cuts.binary_search(span).is_err();
        left.statements.retain(|statement| stays(&statement.span));
        for statement in &mut left.statements {
            if let Some(principals) = &mut statement.principal {
                principals.retain(|principal| stays(&principal.span));
            }
        }
        left
    }

    /// The values to cut, in rising order, none inside another.
    fn spans_to_cut(&self, removals: &[Removal]) -> Result<Vec<Span>, RemovalError> {
        let mut spans = Vec::new();
        // A document may hold tens of thousands of statements.
        let removals: HashSet<Removal> = removals.iter().copied().collect();
        for removal in &removals {
            let missing = || RemovalError::NoSuchPart(*removal);
            match *removal {
                Removal::Statement(index) => {
                    self.statements.get(index).ok_or_else(missing)?;
                }
                Removal::Principal {
                    statement,
                    principal,
                } => {
                    self.statements
                        .get(statement)
                        .and_then(|statement| statement.principal.as_ref())
                        .and_then(|principals| principals.get(principal))
                        .ok_or_else(missing)?;
                }
            }
        }
        for (index, statement) in self.statements.iter().enumerate() {
            let principals = statement.principal.as_deref().unwrap_or_default();
            let gone = |principal: &usize| {
                removals.contains(&Removal::Principal {
                    statement: index,
                    principal: *principal,
                })
            };
            let count = (0..principals.len()).filter(gone).count();
            let whole = removals.contains(&Removal::Statement(index))
                || (count > 0 && count == principals.len());
            if whole {
                spans.push(statement.span);
            } else if count > 0 {
                let values = principals.iter().enumerate();
                spans.extend(
                    values
                        .filter(|(at, _)| gone(at))
                        .map(|(_, value)| value.span),
                );
            }
        }
        spans.sort_unstable();
        Ok(spans)
    }
}

/// Reads one value. Inside of it, finds the ranges to cut; says where it stands and whether
/// nothing of it is left.
fn collect(
    reader: &mut Reader<'_>,
    cuts: &[Span],
    ranges: &mut Vec<Span>,
    found: &mut usize,
) -> Result<(Span, bool), Fault> {
    let kind = reader.peek()?;
    let start = reader.at();
    let cut = cuts.binary_search_by_key(&start, |cut| cut.start);
    if let Some(cut) = cut.ok().and_then(|place| cuts.get(place)) {
        let span = reader.skip()?;
        *found += usize::from(span == *cut);
        return Ok((span, span == *cut));
    }
    if !matches!(kind, Kind::Object | Kind::List) {
        return Ok((reader.skip()?, false));
    }
    let mut members: Vec<(Span, bool)> = Vec::new();
    let mut inner: Vec<Span> = Vec::new();
    let mut first = true;
    if kind == Kind::Object {
        reader.open_object()?;
        while let Some(key) = reader.key(&mut first)? {
            let (value, empty) = collect(reader, cuts, &mut inner, found)?;
            members.push((
                Span {
                    start: key.span.start,
                    end: value.end,
                },
                empty,
            ));
        }
    } else {
        reader.open_list()?;
        while reader.element(&mut first)? {
            members.push(collect(reader, cuts, &mut inner, found)?);
        }
    }
    let span = Span {
        start,
        end: reader.at(),
    };
    let gone = members.iter().filter(|(_, empty)| *empty).count();
    if gone > 0 && gone == members.len() {
        return Ok((span, true));
    }
    ranges.extend(runs(&members));
    ranges.extend(inner);
    Ok((span, false))
}

/// The text of members that go, each with one comma: the one behind it, or for the last ones the
/// one before.
fn runs(members: &[(Span, bool)]) -> Vec<Span> {
    let mut ranges = Vec::new();
    let mut run: Option<usize> = None;
    let mut kept: Option<usize> = None;
    for (span, gone) in members {
        match (gone, run) {
            (true, None) => run = Some(span.start),
            (false, Some(start)) => {
                ranges.push(Span {
                    start,
                    end: span.start,
                });
                run = None;
            }
            _ => {}
        }
        if !gone {
            kept = Some(span.end);
        }
    }
    if let (Some(_), Some(kept), Some((last, _))) = (run, kept, members.last()) {
        ranges.push(Span {
            start: kept,
            end: last.end,
        });
    }
    ranges
}
