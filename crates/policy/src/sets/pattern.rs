//! One value of a text condition: fixed text, or a pattern of `*` and `?`, perhaps with policy
//! variables that are filled in later.

use std::borrow::Cow;

use crate::arn;
use crate::glob::{filled, has_wildcard, is_wildcard};

/// One value of a text condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern<'d> {
    /// As the document writes it.
    pub(crate) source: Cow<'d, str>,
    /// Case does not count.
    pub(crate) fold: bool,
    /// `None`: `source` is the fixed text.
    pub(crate) tokens: Option<Vec<Token>>,
    /// What [`Token::Variable`] counts into.
    pub(crate) variables: Vec<Variable>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any one character but a colon.
    OneInSegment,
    /// Any text.
    Many,
    /// Any text without a colon.
    ManyInSegment,
    /// One digit.
    Digit,
    /// The value of a policy variable.
    Variable(usize),
}

/// `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// In lower case.
    pub(crate) key: String,
    /// What stands where the key is missing.
    pub(crate) default: Option<String>,
}

/// How a value of a condition is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `*` and `?` are wildcards.
    pub(crate) wildcards: bool,
    /// Case does not count.
    pub(crate) fold: bool,
    /// An ARN: a wildcard in one of the first five parts stays within it.
    pub(crate) arn: bool,
    /// `${…}` is a policy variable.
    pub(crate) variables: bool,
}

/// Case-folded: ASCII letters, as IAM's keys and actions are.
pub(crate) fn folded(c: char) -> char {
    c.to_ascii_lowercase()
}

impl Token {
    /// Any number of characters.
    pub(crate) fn is_many(&self) -> bool {
        matches!(self, Self::Many | Self::ManyInSegment | Self::Variable(_))
    }
}

impl Variable {
    /// What stands between the braces.
    fn read(name: &str) -> Self {
        let (key, default) = match name.split_once(',') {
            Some((key, default)) => {
                let default = default.trim();
                let bare = default
                    .strip_prefix('\'')
                    .and_then(|text| text.strip_suffix('\''));
                (key.trim(), Some(bare.unwrap_or(default).to_owned()))
            }
            None => (name, None),
        };
        Self {
            key: key.to_ascii_lowercase(),
            default,
        }
    }
}

impl<'d> Pattern<'d> {
    /// Fixed text.
    pub(crate) fn exact(text: impl Into<Cow<'d, str>>) -> Self {
        Self {
            source: text.into(),
            fold: false,
            tokens: None,
            variables: Vec::new(),
        }
    }

    /// Text with `*` and `?`.
    pub(crate) fn wild(text: impl Into<Cow<'d, str>>) -> Self {
        let reading = Reading {
            wildcards: true,
            fold: false,
            arn: false,
            variables: false,
        };
        Self::read(text.into(), reading).unwrap_or_else(|| Self::exact(""))
    }

    /// An ARN pattern; `None` if no ARN can fit.
    pub(crate) fn arn(text: &str) -> Option<Pattern<'static>> {
        let reading = Reading {
            wildcards: true,
            fold: false,
            arn: true,
            variables: false,
        };
        Pattern::read(Cow::Owned(text.to_owned()), reading)
    }

    /// Reads a value of a condition; `None` for an ARN pattern that no ARN can fit.
    pub(crate) fn read(source: Cow<'d, str>, reading: Reading) -> Option<Self> {
        // The lone star is every ARN.
        let source = if reading.arn && source == "*" {
            Cow::Borrowed("*:*:*:*:*:*")
        } else {
            source
        };
        // Without letters case says nothing.
        let fold = reading.fold && source.bytes().any(|byte| byte.is_ascii_alphabetic());
        let has_wildcard = reading.wildcards && has_wildcard(&source);
        let has_variable = reading.variables && source.contains("${");
        if !has_wildcard && !has_variable {
            if reading.arn && arn::part(&source, 5).is_none() {
                return None;
            }
            return Some(Self {
                source,
                fold,
                tokens: None,
                variables: Vec::new(),
            });
        }
        let mut tokens = Vec::with_capacity(source.len());
        let mut variables = Vec::new();
        let mut colons = 0_usize;
        let mut rest: &str = &source;
        while let Some(c) = rest.chars().next() {
            if has_variable
                && let Some(after) = rest.strip_prefix("${")
                && let Some((inside, tail)) = after.split_once('}')
            {
                match inside.trim() {
                    literal @ ("*" | "?" | "$") => {
                        tokens.extend(literal.chars().map(Token::Char));
                    }
                    name => {
                        tokens.push(Token::Variable(variables.len()));
                        variables.push(Variable::read(name));
                    }
                }
                rest = tail;
                continue;
            }
            let in_segment = reading.arn && colons < 5;
            tokens.push(match c {
                '*' if reading.wildcards && in_segment => Token::ManyInSegment,
                '*' if reading.wildcards => Token::Many,
                '?' if reading.wildcards && in_segment => Token::OneInSegment,
                '?' if reading.wildcards => Token::One,
                c => Token::Char(c),
            });
            if c == ':' {
                colons += 1;
            }
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str();
        }
        if reading.arn && colons < 5 {
            return None;
        }
        // Two stars in a row say no more than one.
        tokens.dedup_by(|next, kept| {
            next == kept && matches!(next, Token::Many | Token::ManyInSegment)
        });
        Some(Self {
            source,
            fold,
            tokens: Some(tokens),
            variables,
        })
    }

    /// The fixed text, if it is that and case counts.
    pub(crate) fn fixed(&self) -> Option<&str> {
        (self.tokens.is_none() && !self.fold).then_some(&*self.source)
    }

    /// Whether a variable waits to be filled in.
    pub(crate) fn has_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    /// Both are written alike, and whatever variables stand for, what fits the other fits this.
    pub(crate) fn is_as_wide_as(&self, other: &Self) -> bool {
        self.tokens == other.tokens
            && self.variables == other.variables
            && (self.fold || !other.fold)
            && (self.tokens.is_some() || self.source == other.source)
    }

    /// Its tokens, also for fixed text.
    pub(crate) fn all_tokens(&self) -> Cow<'_, [Token]> {
        match &self.tokens {
            Some(tokens) => Cow::Borrowed(tokens),
            None => Cow::Owned(self.source.chars().map(Token::Char).collect()),
        }
    }

    /// The text before the first wildcard or variable.
    pub(crate) fn literal_prefix(&self) -> Cow<'_, str> {
        match &self.tokens {
            None => Cow::Borrowed(&self.source),
            Some(tokens) if self.is_as_written(tokens) => {
                let end = self.source.bytes().position(is_wildcard);
                let prefix = end.and_then(|end| self.source.get(..end));
                Cow::Borrowed(prefix.unwrap_or(&self.source))
            }
            Some(tokens) => tokens
                .iter()
                .map_while(|token| match token {
                    Token::Char(c) => Some(*c),
                    _ => None,
                })
                .collect(),
        }
    }

    /// Each token is a byte of the source, in order, and each `*` and `?` of it a wildcard: no
    /// variable stands there or was filled in, and no star was dropped.
    fn is_as_written(&self, tokens: &[Token]) -> bool {
        tokens.len() == self.source.len() && !self.source.as_bytes().contains(&b'$')
    }

    /// A text of the pattern as it is written where only small letters are possible: that is what a
    /// pattern which ignores case can fit there.
    pub(crate) fn in_small_letters<'t>(&self, mut text: Cow<'t, str>) -> Cow<'t, str> {
        if self.fold {
            text.to_mut().make_ascii_lowercase();
        }
        text
    }

    /// The pattern is fixed text and then a star, and `text` begins with that fixed text.
    pub(crate) fn open_end_after(&self, text: &str) -> bool {
        let Some(tokens) = &self.tokens else {
            return false;
        };
        let Some((Token::Many, fixed)) = tokens.split_last() else {
            return false;
        };
        let mut rest = text.chars();
        fixed
            .iter()
            .all(|token| matches!(token, Token::Char(c) if rest.next() == Some(*c)))
    }

    /// As it is shown to people and compared by the guard: wildcards as `*` and `?`, a variable as
    /// `*`.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match &self.tokens {
            None => Cow::Borrowed(&self.source),
            Some(tokens) if self.is_as_written(tokens) => Cow::Borrowed(&self.source),
            Some(tokens) => tokens
                .iter()
                .map(|token| match token {
                    Token::Char(c) => *c,
                    Token::One | Token::OneInSegment | Token::Digit => '?',
                    Token::Many | Token::ManyInSegment | Token::Variable(_) => '*',
                })
                .collect(),
        }
    }

    /// As it is shown, with something in place of each `*` and each `?`.
    pub(crate) fn shown_with(&self, many: &str, one: &str) -> Cow<'_, str> {
        match self.shown() {
            Cow::Borrowed(text) => filled(text, many, one),
            Cow::Owned(text) => Cow::Owned(filled(&text, many, one).into_owned()),
        }
    }

    /// Fills in variables; `fill` gives the text, or `None` where it may be any.
    pub(crate) fn filled(&self, fill: &dyn Fn(&Variable) -> Option<String>) -> Pattern<'d> {
        let mut tokens = Vec::new();
        for token in self.all_tokens().iter() {
            match token {
                Token::Variable(index) => match self.variables.get(*index) {
                    Some(variable) => match fill(variable) {
                        Some(text) => tokens.extend(text.chars().map(Token::Char)),
                        None if variable.key == "aws:principalaccount" => {
                            tokens.extend([Token::Digit; 12]);
                        }
                        None => tokens.push(Token::Many),
                    },
                    None => tokens.push(Token::Many),
                },
                other => tokens.push(*other),
            }
        }
        let fixed: Option<String> = tokens
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect();
        match fixed {
            Some(text) => Pattern {
                source: Cow::Owned(text),
                fold: self.fold,
                tokens: None,
                variables: Vec::new(),
            },
            None => Pattern {
                source: self.source.clone(),
                fold: self.fold,
                tokens: Some(tokens),
                variables: Vec::new(),
            },
        }
    }

    /// Whether the text fits. A variable that was not filled in fits nothing.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(tokens) = &self.tokens else {
            return if self.fold {
                self.source.chars().map(folded).eq(text.chars().map(folded))
            } else {
                self.source == text
            };
        };
        // Two pointers and one place to come back to: never worse than pattern × text.
        let mut at = 0;
        let mut rest = text.chars();
        let mut retry: Option<(usize, std::str::Chars<'_>, bool)> = None;
        loop {
            let mut ahead = rest.clone();
            let stepped = match (tokens.get(at), ahead.next()) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    at += 1;
                    retry = Some((at, rest.clone(), false));
                    continue;
                }
                (Some(Token::ManyInSegment), _) => {
                    at += 1;
                    // A wildcard of an earlier part can not help once this part began.
                    retry = Some((at, rest.clone(), true));
                    continue;
                }
                (Some(Token::Char(want)), Some(c)) => {
                    *want == c || (self.fold && folded(*want) == folded(c))
                }
                (Some(Token::One), Some(_)) => true,
                (Some(Token::OneInSegment), Some(c)) => c != ':',
                (Some(Token::Digit), Some(c)) => c.is_ascii_digit(),
                _ => false,
            };
            if stepped {
                at += 1;
                rest = ahead;
                continue;
            }
            match &mut retry {
                Some((back, from, in_segment)) => match from.next() {
                    Some(':') if *in_segment => return false,
                    Some(_) => {
                        at = *back;
                        rest = from.clone();
                    }
                    None => return false,
                },
                None => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITERAL: Reading = Reading {
        wildcards: false,
        fold: false,
        arn: false,
        variables: true,
    };
    const LIKE: Reading = Reading {
        wildcards: true,
        ..LITERAL
    };
    const ARN: Reading = Reading { arn: true, ..LIKE };

    #[test]
    fn a_star_is_a_wildcard_where_the_operator_says_so() {
        use Token::{Char, Many, ManyInSegment, One, OneInSegment, Variable};
        let read = |text: &'static str, reading| {
            Pattern::read(text.into(), reading).and_then(|pattern| pattern.tokens)
        };
        assert_eq!(
            read("${a:k}*?", LITERAL),
            Some(vec![Variable(0), Char('*'), Char('?')])
        );
        assert_eq!(read("${a:k}*?", LIKE), Some(vec![Variable(0), Many, One]));
        assert_eq!(read("${*}*", LIKE), Some(vec![Char('*'), Many]));
        assert_eq!(read("a**", LIKE), Some(vec![Char('a'), Many]));
        assert_eq!(
            read("*:?:::a:*:?", ARN),
            Some(vec![
                ManyInSegment,
                Char(':'),
                OneInSegment,
                Char(':'),
                Char(':'),
                Char(':'),
                Char('a'),
                Char(':'),
                Many,
                Char(':'),
                One
            ])
        );
    }

    #[test]
    fn what_has_fewer_parts_than_an_arn_fits_none() {
        for (text, fits) in [
            ("arn:aws:logs:us-east-1:464622532012:log-group:app", true),
            ("arn:aws:iam::464622532012:root", true),
            ("arn:aws:iam::464622532012", false),
            ("arn:aws:iam::464622532012:*", true),
            ("arn:aws:iam::*", false),
            ("*", true),
        ] {
            let read = Pattern::read(text.into(), ARN);
            assert_eq!(read.is_some(), fits, "{text}");
        }
    }

    /// What is read off the source is what the tokens say.
    #[test]
    fn a_pattern_is_shown_as_its_tokens_are() {
        let texts = [
            "",
            "*",
            "?",
            "a",
            "a*b?",
            "a**",
            "é*",
            "é",
            "**é",
            "${a:k}",
            "a*${a:k}",
            "a${*}*",
            "a${?}?",
            "a:${a:k}:*:d:e:f",
            "a:*:c:d:e:f*?",
            "${",
            "*${",
            "${*}",
            "$*{",
        ];
        for text in texts {
            for (wildcards, arn, variables) in [
                (false, false, false),
                (true, false, false),
                (true, false, true),
                (false, false, true),
                (true, true, false),
                (true, true, true),
            ] {
                let reading = Reading {
                    wildcards,
                    fold: false,
                    arn,
                    variables,
                };
                let Some(read) = Pattern::read(text.into(), reading) else {
                    continue;
                };
                let value = |variable: &Variable| (variable.key == "a:k").then(|| "x*".to_owned());
                for pattern in [read.filled(&value), read.filled(&|_| None), read] {
                    let Some(tokens) = &pattern.tokens else {
                        continue;
                    };
                    let shown: String = (tokens.iter())
                        .map(|token| match token {
                            Token::Char(c) => *c,
                            token if token.is_many() => '*',
                            _ => '?',
                        })
                        .collect();
                    let fixed = (tokens.iter()).take_while(|one| matches!(one, Token::Char(_)));
                    let prefix: String = shown.chars().take(fixed.count()).collect();
                    assert_eq!(pattern.shown(), shown, "{pattern:?}");
                    assert_eq!(pattern.literal_prefix(), prefix, "{pattern:?}");
                    let spelt = shown.replace('*', "many").replace('?', "1");
                    assert_eq!(pattern.shown_with("many", "1"), spelt, "{pattern:?}");
                }
            }
        }
    }

    #[test]
    fn which_texts_fit() {
        let folded = Reading { fold: true, ..LIKE };
        for (pattern, reading, text, fits) in [
            ("A*", LIKE, "Ab", true),
            ("A*", LIKE, "ab", false),
            ("A*", LIKE, "b", false),
            ("A*b", folded, "aXB", true),
            ("A*b", folded, "aXc", false),
            ("a?c", LIKE, "abc", true),
            ("a?c", LIKE, "ac", false),
            ("*a*b", LIKE, "xaab", true),
            ("*a*b", LIKE, "xaba", false),
            ("a:*:c:d:e:f", ARN, "a:b:c:d:e:f", true),
            ("a:*:c:d:e:f", ARN, "a:b:b:c:d:e:f", false),
            ("a:*c:c:d:e:f", ARN, "a:bc:c:c:d:e:f", false),
            ("a:?:c:d:e:f", ARN, "a:::c:d:e:f", false),
            ("a:b:c:d:e:*", ARN, "a:b:c:d:e:f:g", true),
        ] {
            let found = Pattern::read(pattern.into(), reading).map(|one| one.matches(text));
            assert_eq!(found, Some(fits), "{pattern} {text}");
        }
    }

    #[test]
    fn a_variable_that_stays_is_any_text_and_an_account_twelve_digits() {
        let filled = |text: &'static str| {
            let pattern = Pattern::read(text.into(), LIKE)?;
            Some(pattern.filled(&|variable| (variable.key == "a:k").then(|| "red*".to_owned())))
        };
        for (pattern, text, fits) in [
            ("${a:k}", "red*", true),
            ("${a:k}", "reddest", false),
            ("x${aws:username}y", "xy", true),
            ("x${aws:username}y", "x12y", true),
            ("x${aws:PrincipalAccount}", "x464622532012", true),
            ("x${aws:PrincipalAccount}", "x46462253201", false),
            ("x${aws:PrincipalAccount}", "x4646225320121", false),
            ("x${aws:PrincipalAccount}", "x46462253201a", false),
        ] {
            let found = filled(pattern).map(|one| one.matches(text));
            assert_eq!(found, Some(fits), "{pattern} {text}");
        }
    }
}
