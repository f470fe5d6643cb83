//! `analyze --jsonl`: one question a line in, one answer a line out.

use std::borrow::Cow;
use std::io::{self, Write};

use guard::cloudtrail::percent_decoded;
use jiff::Timestamp;
use policy::{AnalysisContext, TrustPolicy};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::pipeline::{self, Broken, Line, MOST_LINE_BYTES};
use crate::input::Input;
use crate::{Status, Streams};

/// Answers every line of every input, in order.
pub(super) fn run(
    inputs: &[Input],
    context: &AnalysisContext<'_>,
    workers: usize,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let mut status = Status::Done;
    for input in inputs {
        let reader = match input.open() {
            Ok(reader) => reader,
            Err(error) => {
                streams.failure(&error);
                status = Status::Unreadable;
                continue;
            }
        };
        let answer = |number, line: Line<'_>, out: &mut Vec<u8>| answer(number, line, context, out);
        let ended = {
            let (out, mut progress) = streams.out_and_progress(input.size());
            pipeline::run(
                reader,
                out,
                &mut |done| progress.at(done, ""),
                workers,
                &answer,
            )
        };
        match ended {
            Ok(ended) if ended.good => {}
            Ok(_) => status = Status::Unreadable,
            Err(Broken::Write(error)) => return Err(error),
            Err(Broken::Read(error)) => {
                streams.failure(&input.read_error(error));
                status = Status::Unreadable;
            }
        }
    }
    Ok(status)
}

/// A question. Each part is parsed by itself, so that a bad one can be reported with the id.
#[derive(Deserialize)]
struct Question<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    organization: Option<&'a RawValue>,
    #[serde(borrow)]
    now: Option<&'a RawValue>,
    #[serde(borrow)]
    policy: Option<&'a RawValue>,
}

/// A part of a question that cannot be used.
#[derive(Debug, thiserror::Error)]
enum BadPartError {
    #[error("`account` is not a text of 12 digits")]
    Account,
    #[error("`organization` is not a text")]
    Organization,
    #[error("`now` is not a moment as RFC 3339 writes it")]
    Now,
    #[error("there is no `policy`")]
    NoPolicy,
    #[error("`policy` is neither an object nor text")]
    NotPolicy,
    #[error("`policy` is not a policy document: {0}")]
    Policy(#[from] policy::ParseError),
}

/// Appends the answer to one line; `false` if it is an error.
fn answer(number: u64, line: Line<'_>, context: &AnalysisContext<'_>, out: &mut Vec<u8>) -> bool {
    let parsed = match line {
        Line::Whole(bytes) => {
            serde_json::from_slice::<Question<'_>>(bytes).map_err(|error| not_a_question(&error))
        }
        Line::TooLong => Err(format!("the line is longer than {MOST_LINE_BYTES} bytes")),
    };
    match parsed {
        Ok(question) => {
            let id = question.id.map_or("null", RawValue::get);
            let begin = out.len();
            out.extend_from_slice(b"{\"id\":");
            out.extend_from_slice(id.as_bytes());
            let good = match append_answer(&question, context, out) {
                Ok(()) => true,
                Err(error) => {
                    out.truncate(begin + b"{\"id\":".len() + id.len());
                    out.extend_from_slice(b",\"error\":");
                    append_text(&error.to_string(), out);
                    out.push(b'}');
                    false
                }
            };
            out.push(b'\n');
            good
        }
        Err(error) => {
            // Writing to memory does not fail.
            let _ = write!(out, "{{\"id\":null,\"line\":{number},\"error\":");
            append_text(&error, out);
            out.extend_from_slice(b"}\n");
            false
        }
    }
}

fn not_a_question(error: &serde_json::Error) -> String {
    // serde_json counts lines from the beginning of what it was given.
    let text = error.to_string();
    let what = text
        .split_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    format!("this is not a question: {what} (column {})", error.column())
}

fn append_text(text: &str, out: &mut Vec<u8>) {
    // A text is always JSON.
    let _ = serde_json::to_writer(out, text);
}

/// Appends `,` and the fields of the answer, up to the closing brace.
fn append_answer(
    question: &Question<'_>,
    context: &AnalysisContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), BadPartError> {
    let text = |part: &RawValue| serde_json::from_str::<String>(part.get()).ok();
    let mut context = *context;
    let account;
    if let Some(given) = question.account {
        account = text(given).filter(|account| guard::rules::is_account_id(account));
        context.own_account = Some(account.as_deref().ok_or(BadPartError::Account)?);
    }
    let organization;
    if let Some(given) = question.organization {
        organization = text(given).ok_or(BadPartError::Organization)?;
        context.own_organization = Some(&organization);
    }
    if let Some(now) = question.now {
        let now = serde_json::from_str::<Timestamp>(now.get());
        context.now = now.map_err(|_| BadPartError::Now)?;
    }
    let document = question.policy.ok_or(BadPartError::NoPolicy)?.get();
    let document = match document.as_bytes().first() {
        Some(b'{') => Cow::Borrowed(document),
        Some(b'"') => {
            let text = serde_json::from_str::<String>(document);
            Cow::Owned(percent_decoded(&text.map_err(|_| BadPartError::NotPolicy)?))
        }
        _ => return Err(BadPartError::NotPolicy),
    };
    let policy = TrustPolicy::parse(&document)?;
    let analysis = policy::analyze(&policy, &context);
    let brace = out.len();
    // The types of an answer always serialize, and memory takes it.
    let _ = serde_json::to_writer(&mut *out, &analysis);
    if let Some(brace) = out.get_mut(brace) {
        *brace = b',';
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ask(line: &str) -> (Value, bool) {
        let context = AnalysisContext {
            own_account: None,
            own_organization: None,
            now: "2026-11-21T00:00:00Z".parse().unwrap(),
            origin: policy::Origin::Sent,
            witnesses: true,
            providers: &[],
        };
        let mut out = Vec::new();
        let good = answer(7, Line::Whole(line.as_bytes()), &context, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.ends_with('\n') && text.matches('\n').count() == 1,
            "{text}"
        );
        (serde_json::from_str(&text).unwrap(), good)
    }

    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}]}"#;

    #[test]
    fn the_policy_may_be_an_object_or_text() {
        let quoted = serde_json::to_string(POLICY).unwrap();
        let encoded =
            serde_json::to_string(&POLICY.replace('"', "%22").replace('{', "%7B")).unwrap();
        for policy in [POLICY, &quoted, &encoded] {
            let line = format!(r#"{{"id":[1],"account":"111122223333","policy":{policy},"x":0}}"#);
            let (answer, good) = ask(&line);
            assert!(good);
            assert_eq!(answer["id"], json!([1]));
            assert_eq!(answer["external_accounts"], json!(["444455556666"]));
        }
        let own = format!(r#"{{"account":"444455556666","policy":{POLICY}}}"#);
        let (answer, _) = ask(&own);
        assert_eq!(
            (&answer["id"], &answer["external_accounts"]),
            (&Value::Null, &json!([]))
        );
    }

    #[test]
    fn a_line_that_asks_nothing_is_reported() {
        for line in [
            "",
            "nonsense",
            "[1]",
            "7",
            "{\"id\":1",
            "{\"id\":1}{\"id\":2}",
            "{\"id\":1,\"id\":2}",
        ] {
            let (answer, good) = ask(line);
            assert!(!good, "{line}");
            assert_eq!(
                (&answer["id"], &answer["line"]),
                (&Value::Null, &json!(7)),
                "{line}"
            );
            assert!(answer["error"].is_string());
        }
    }

    #[test]
    fn a_question_without_a_usable_part_keeps_its_id() {
        let cases = [
            (r#"{"id":"a"}"#.to_owned(), "there is no `policy`"),
            (
                r#"{"id":"a","policy":null}"#.to_owned(),
                "there is no `policy`",
            ),
            (
                r#"{"id":"a","policy":7}"#.to_owned(),
                "neither an object nor",
            ),
            (
                r#"{"id":"a","policy":[{}]}"#.to_owned(),
                "neither an object nor",
            ),
            (
                r#"{"id":"a","policy":"{"}"#.to_owned(),
                "not a policy document",
            ),
            (
                r#"{"id":"a","policy":"\ud800"}"#.to_owned(),
                "neither an object nor",
            ),
            (
                format!(r#"{{"id":"a","account":1,"policy":{POLICY}}}"#),
                "12 digits",
            ),
            (
                format!(r#"{{"id":"a","account":"1","policy":{POLICY}}}"#),
                "12 digits",
            ),
            (
                format!(r#"{{"id":"a","now":"soon","policy":{POLICY}}}"#),
                "RFC 3339",
            ),
            (
                format!(r#"{{"id":"a","organization":{{}},"policy":{POLICY}}}"#),
                "`organization`",
            ),
        ];
        for (line, expected) in cases {
            let (answer, good) = ask(&line);
            assert!(!good, "{line}");
            assert_eq!(answer["id"], json!("a"), "{line}");
            assert!(
                answer["error"].as_str().unwrap().contains(expected),
                "{line}: {answer}"
            );
            assert_eq!(answer.as_object().unwrap().len(), 2);
        }
    }
}
