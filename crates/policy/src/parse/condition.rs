//! Condition operators: how they are spelt, and which values can never match.

use std::borrow::Cow;

use super::problem::{Path, Problems, shorten};
use super::reader::{Fault, Kind, Text};
use super::statement::{Parser, Seen};
use crate::arn;
use crate::document::{Comparison, Condition, Operator, Qualifier, Span};

impl<'a> Parser<'a> {
    /// What stands under `Condition`.
    pub(super) fn conditions(&mut self, place: &Path<'_>) -> Result<Vec<Condition<'a>>, Fault> {
        let kind = self.reader.peek()?;
        let mut conditions: Vec<Condition<'a>> = Vec::new();
        if kind != Kind::Object {
            let span = self.wrong(place, "a condition", "an object of operators", kind)?;
            conditions.push(unreadable("", "", span));
            return Ok(conditions);
        }
        let mut seen = Seen::default();
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = place.key(&key.value);
            if seen.insert(key.value.clone()).is_some() {
                self.twice(&key, &path);
                conditions.retain(|condition| condition.operator_text != key.value);
            }
            let known = match operator(&key.value, &self.problems) {
                Ok(known) => Some(known),
                Err(message) => {
                    self.problems.error(key.span.start, &path, message);
                    None
                }
            };
            self.operator_keys(place, key, known, &mut conditions)?;
        }
        Ok(conditions)
    }

    /// The keys under one operator.
    fn operator_keys(
        &mut self,
        place: &Path<'_>,
        operator_key: Text<'a>,
        known: Option<Operator>,
        conditions: &mut Vec<Condition<'a>>,
    ) -> Result<(), Fault> {
        let kind = self.reader.peek()?;
        if kind != Kind::Object {
            let path = place.key(&operator_key.value);
            let span = self.wrong(&path, "an operator", "followed by an object of keys", kind)?;
            conditions.push(unreadable(operator_key.value, "", span));
            return Ok(());
        }
        let place = place.key(&operator_key.value);
        let from = conditions.len();
        let mut exact = Seen::default();
        let mut folded = Seen::default();
        self.reader.open_object()?;
        let mut first = true;
        while let Some(key) = self.reader.key(&mut first)? {
            let path = place.key(&key.value);
            let before = exact.insert(key.value.clone());
            if before.is_some() {
                self.twice(&key, &path);
            } else if folded.insert(lower_case(&key.value)).is_some() {
                self.problems.error(
                    key.span.start,
                    &path,
                    "this condition key stands here twice, in different letters",
                );
            }
            if !key.value.contains(':') {
                self.problems.error(
                    key.span.start,
                    &path,
                    "a condition key begins with its service, as in \"sts:ExternalId\"",
                );
            }
            let condition = self.condition(&place, &operator_key.value, known, key)?;
            match before.and_then(|place| conditions.get_mut(from + place)) {
                Some(earlier) => *earlier = condition,
                None => conditions.push(condition),
            }
        }
        Ok(())
    }

    /// One key and its values.
    fn condition(
        &mut self,
        place: &Path<'_>,
        operator_text: &Cow<'a, str>,
        mut known: Option<Operator>,
        key: Text<'a>,
    ) -> Result<Condition<'a>, Fault> {
        let path = place.key(&key.value);
        let mut values = Vec::new();
        if self.reader.peek()? == Kind::List {
            let start = self.reader.at();
            self.reader.open_list()?;
            let mut first = true;
            let mut index = 0;
            while self.reader.element(&mut first)? {
                let path = path.index(index);
                match self.value(&path, known, &key)? {
                    Some(value) => values.push(value),
                    None => known = None,
                }
                index += 1;
            }
            if index == 0 {
                self.problems
                    .warning(start, &path, "an empty list matches no value");
            }
        } else {
            match self.value(&path, known, &key)? {
                Some(value) => values.push(value),
                None => known = None,
            }
        }
        Ok(Condition {
            operator: known,
            operator_text: operator_text.clone(),
            key: key.value,
            values,
            span: Span {
                start: key.span.start,
                end: self.reader.at(),
            },
        })
    }

    /// One value of a condition key; `None` for one that cannot be.
    fn value(
        &mut self,
        path: &Path<'_>,
        known: Option<Operator>,
        key: &Text<'a>,
    ) -> Result<Option<Cow<'a, str>>, Fault> {
        let kind = self.reader.peek()?;
        let at = self.reader.at();
        let value = match kind {
            Kind::Text => self.reader.string()?.value,
            Kind::Number => Cow::Borrowed(self.reader.number()?),
            Kind::True | Kind::False => Cow::Borrowed(self.reader.word(kind)?),
            Kind::Object | Kind::List | Kind::Null => {
                self.wrong(
                    path,
                    "a condition's value",
                    "a string, number or boolean",
                    kind,
                )?;
                return Ok(None);
            }
        };
        if let Some(known) = known {
            check_value(known, &key.value, &value, at, path, &mut self.problems);
        }
        Ok(Some(value))
    }
}

/// A condition that cannot be read and is therefore false.
fn unreadable<'a>(operator: impl Into<Cow<'a, str>>, key: &'a str, span: Span) -> Condition<'a> {
    Condition {
        operator: None,
        operator_text: operator.into(),
        key: Cow::Borrowed(key),
        values: Vec::new(),
        span,
    }
}

/// ASCII letters in lower case, borrowed where they are already.
fn lower_case<'a>(text: &Cow<'a, str>) -> Cow<'a, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        text.clone()
    }
}

/// Reads an operator, or says why there is none of that name.
pub(super) fn operator(text: &str, problems: &Problems) -> Result<Operator, String> {
    let (qualifier, name) = match arn::cut(text) {
        None => (None, text),
        Some(("ForAnyValue", name)) => (Some(Qualifier::ForAnyValue), name),
        Some(("ForAllValues", name)) => (Some(Qualifier::ForAllValues), name),
        Some((qualifier, _)) => {
            let meant = problems.meant(qualifier, ["ForAnyValue", "ForAllValues"]);
            return Err(format!(
                "there is no qualifier \"{}\"{meant}",
                shorten(qualifier)
            ));
        }
    };
    if let Some(comparison) = Comparison::from_name(name) {
        return Ok(Operator {
            qualifier,
            comparison,
            if_exists: false,
        });
    }
    let bare = name.strip_suffix("IfExists");
    match bare.and_then(Comparison::from_name) {
        Some(Comparison::Null) => {
            Err("Null already asks whether the key exists: it takes no IfExists".to_owned())
        }
        Some(comparison) => Ok(Operator {
            qualifier,
            comparison,
            if_exists: true,
        }),
        None => {
            let lower = name.to_ascii_lowercase();
            let (stem, suffix) = match lower.strip_suffix("ifexists") {
                Some(_) => (
                    name.get(..name.len() - "IfExists".len()).unwrap_or(name),
                    "IfExists",
                ),
                None => (name, ""),
            };
            let meant = problems.meant(stem, Comparison::ALL.iter().map(|known| known.name()));
            let meant = match meant.strip_suffix("\"?") {
                Some(start) => format!("{start}{suffix}\"?"),
                None => meant,
            };
            Err(format!(
                "there is no condition operator \"{}\"{meant}",
                shorten(name)
            ))
        }
    }
}

/// Warns of a value that the operator can never match.
pub(super) fn check_value(
    operator: Operator,
    key: &str,
    value: &str,
    at: usize,
    path: &Path<'_>,
    problems: &mut Problems,
) {
    use Comparison as C;
    let odd = match operator.comparison {
        C::Bool | C::Null => (!value.eq_ignore_ascii_case("true")
            && !value.eq_ignore_ascii_case("false"))
        .then_some("is neither true nor false"),
        C::NumericEquals
        | C::NumericNotEquals
        | C::NumericLessThan
        | C::NumericLessThanEquals
        | C::NumericGreaterThan
        | C::NumericGreaterThanEquals => {
            let digits = value.trim_start_matches(['-', '+']);
            (!digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
                .then_some("is not a number")
        }
        C::StringEquals | C::StringEqualsIgnoreCase | C::StringLike | C::ArnEquals | C::ArnLike
            if key.eq_ignore_ascii_case("aws:PrincipalArn") && value.ends_with(":root") =>
        {
            Some(
                "is the root user alone, who cannot assume a role; the whole account is meant by \
                 aws:PrincipalAccount",
            )
        }
        C::StringEquals | C::StringEqualsIgnoreCase
            if key.eq_ignore_ascii_case("sts:ExternalId") && !(2..=1224).contains(&value.len()) =>
        {
            Some("cannot be an external id: one has 2 to 1,224 characters")
        }
        C::StringEquals
            if value.bytes().any(|c| matches!(c, b'*' | b'?')) && !value.contains("${") =>
        {
            Some("is compared letter by letter: wildcards need StringLike")
        }
        C::ArnEquals | C::ArnLike | C::ArnNotEquals | C::ArnNotLike
            if value != "*" && !value.contains("${") && arn::part(value, 5).is_none() =>
        {
            Some("is not an ARN: an ARN has six parts, divided by colons")
        }
        _ => None,
    };
    if let Some(odd) = odd {
        problems.warning(at, path, format!("\"{}\" {odd}", shorten(value)));
    }
}
