//! `simulate`: would one concrete request be allowed?

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, io};

use guard::rules::Level;
use jiff::Timestamp;
use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::args::{AnswerFormat, SimulateArgs};
use crate::diagnostic::{Diagnostic, Span, no_policy};
use crate::streams::Style;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Runs `simulate`.
///
/// # Errors
///
/// Standard output does not take the decision.
pub fn simulate(arguments: &SimulateArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    if arguments.policy.is_stdin() && arguments.request.is_stdin() {
        streams.error("policy and request cannot both be standard input");
        return Ok(Status::Unreadable);
    }
    let mut read = |input: &crate::input::Input| streams.ok(input.read());
    let (Some(document), Some(question)) = (read(&arguments.policy), read(&arguments.request))
    else {
        return Ok(Status::Unreadable);
    };
    let policy = match TrustPolicy::parse(&document) {
        Ok(policy) => policy,
        Err(error) => {
            let name = arguments.policy.name();
            streams.raw_error(|colors| no_policy(&error).render(&name, &document, colors));
            return Ok(Status::Unreadable);
        }
    };
    let request = match serde_json::from_str::<Question>(&question) {
        Ok(question) => question.into_request(),
        Err(error) => {
            let name = arguments.request.name();
            streams.raw_error(|colors| not_a_request(&error).render(&name, &question, colors));
            return Ok(Status::Unreadable);
        }
    };
    if arguments.account.is_none() {
        streams.warning("without --account every account counts as external, your own too");
    }
    let context = EvaluationContext {
        account: arguments.account.as_deref(),
        organization: arguments.organization.as_deref(),
        now: arguments.now.unwrap_or_else(Timestamp::now),
        origin: policy::Origin::Sent,
    };
    let decision = match policy::evaluate(&policy, &request, &context) {
        Ok(decision) => decision,
        Err(error) => {
            let name = arguments.request.name();
            streams.error(format_args!(
                "{}: {}",
                escaped(name),
                escaped(error.to_string())
            ));
            return Ok(Status::Unreadable);
        }
    };
    let word = if decision.allowed {
        "allowed"
    } else {
        "denied"
    };
    match arguments.format {
        AnswerFormat::Human => {
            let style = if decision.allowed {
                Style::Warn
            } else {
                Style::Good
            };
            let word = streams.colors.style(style, word);
            writeln!(streams.out, "{word}: {}", escaped(&decision.why))?;
        }
        AnswerFormat::Json => {
            let answer = Answer {
                decision: word,
                statement: decision.statement,
                why: &decision.why,
            };
            serde_json::to_writer(&mut *streams.out, &answer)?;
            writeln!(streams.out)?;
        }
    }
    Ok(Status::Done)
}

#[derive(Serialize)]
struct Answer<'a> {
    decision: &'a str,
    statement: Option<usize>,
    why: &'a str,
}

/// A request as people write it: a value that is alone needs no list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a request")]
struct Question {
    principal: RequestPrincipal,
    action: String,
    #[serde(default)]
    context: Context,
}

/// The keys of a request, each once: of two values one would be lost.
#[derive(Default)]
struct Context(BTreeMap<String, OneOrMany>);

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Context;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the context keys with their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Context, A::Error> {
                let mut context = Context::default();
                let mut known = BTreeSet::new();
                while let Some((key, value)) = map.next_entry::<String, OneOrMany>()? {
                    // Keys ignore case.
                    if !known.insert(key.to_ascii_lowercase()) {
                        return Err(A::Error::custom(format_args!("{key} is given twice")));
                    }
                    context.0.insert(key, value);
                }
                Ok(context)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a context key's value is a text or a list of texts"
)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// IAM compares numbers and booleans as the text they are written as.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Bool(bool),
    Number(serde_json::Number),
}

impl From<Scalar> for String {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(text) => text,
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(number) => number.to_string(),
        }
    }
}

impl Question {
    fn into_request(self) -> Request {
        let context = self.context.0.into_iter().map(|(key, value)| {
            let values = match value {
                OneOrMany::One(value) => vec![value.into()],
                OneOrMany::Many(values) => values.into_iter().map(String::from).collect(),
            };
            (key, values)
        });
        Request {
            principal: self.principal,
            action: self.action,
            context: context.collect(),
        }
    }
}

fn not_a_request(error: &serde_json::Error) -> Diagnostic {
    let text = error.to_string();
    let span = Span {
        line: error.line(),
        column: error.column().max(1),
        length: 1,
    };
    // serde_json ends its messages with the place, which is shown here by a caret.
    let message = match text.split_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    };
    Diagnostic {
        level: Level::Error,
        message: format!("this is not a request: {message}"),
        span: Some(span),
        help: Some(
            "a request is {\"principal\":{\"type\":\"AWS\",\"value\":\"arn:…\"},\
             \"action\":\"sts:AssumeRole\",\"context\":{\"sts:ExternalId\":[\"…\"]}}"
                .to_owned(),
        ),
    }
}
