//! Documents made to be slow: 131,072 characters in any shape are read, printed, cut and asked of
//! within a second, in a build without optimisation too.

use std::time::Duration;

use crate::cpu_time;

use trustwarden_policy::document::Removal;
use trustwarden_policy::{
    EvaluationContext, Origin, Request, RequestPrincipal, TrustPolicy, evaluate,
};

const LONGEST: usize = 131_072;

/// As often as fits.
fn filled(before: &str, part: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    let mut count = 0;
    loop {
        let next = part(count);
        if text.len() + next.len() + after.len() + 1 > LONGEST {
            break;
        }
        if count > 0 {
            text.push(',');
        }
        text.push_str(&next);
        count += 1;
    }
    text + after
}

fn statement(condition: &str) -> (String, String) {
    let before = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"*\"}},\
         \"Action\":\"sts:*\",\"Condition\":{condition}"
    );
    (before, "}]}".to_owned())
}

fn documents() -> Vec<(&'static str, String)> {
    let small =
        "{\"Sid\":\"S\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:*\"}";
    let (operators, end) = statement("{");
    let (keys, _) = statement("{\"StringEquals\":{");
    let (values, _) = statement("{\"StringLike\":{\"acme:k\":[");
    vec![
        (
            "statements",
            filled("{\"Statement\":[", |_| small.to_owned(), "]}"),
        ),
        (
            "empty statements",
            filled("{\"Statement\":[", |_| "{}".to_owned(), "]}"),
        ),
        (
            "no statements",
            filled("{\"Statement\":[", |_| "1".to_owned(), "]}"),
        ),
        (
            "sids",
            filled(
                "{\"Statement\":[",
                |n| small.replace("\"S\"", &format!("\"S{n}\"")),
                "]}",
            ),
        ),
        (
            "statement keys",
            filled("{\"Statement\":{", |n| format!("\"k{n}\":1"), "}}"),
        ),
        (
            "the same key",
            filled("{\"Statement\":{", |_| "\"Sid\":1".to_owned(), "}}"),
        ),
        (
            "operators",
            filled(
                &operators,
                |n| format!("\"o{n}\":{{\"a:b\":1}}"),
                &format!("}}{end}"),
            ),
        ),
        (
            "the same operator",
            filled(
                &operators,
                |_| "\"Bool\":{\"a:b\":1}".to_owned(),
                &format!("}}{end}"),
            ),
        ),
        (
            "keys",
            filled(&keys, |n| format!("\"a:{n}\":\"\""), &format!("}}}}{end}")),
        ),
        (
            "the same key of a condition",
            filled(&keys, |_| "\"a:b\":\"\"".to_owned(), &format!("}}}}{end}")),
        ),
        (
            "letters of one key",
            filled(
                &keys,
                |n| format!("\"A:{}\":\"\"", if n % 2 == 0 { "b" } else { "B" }),
                &format!("}}}}{end}"),
            ),
        ),
        (
            "values",
            filled(&values, |n| format!("\"{n}*\""), &format!("]}}}}{end}")),
        ),
        (
            "empty values",
            filled(&values, |_| "\"\"".to_owned(), &format!("]}}}}{end}")),
        ),
        (
            "values of no kind",
            filled(&values, |_| "null".to_owned(), &format!("]}}}}{end}")),
        ),
        (
            "stars",
            filled(
                &values,
                |_| format!("\"{}b\"", "*a".repeat(60)),
                &format!("]}}}}{end}"),
            ),
        ),
        (
            "one star after the other",
            filled(
                &values,
                |n| {
                    if n == 0 {
                        format!("\"{}b\"", "*a".repeat(60_000))
                    } else {
                        " ".repeat(LONGEST)
                    }
                },
                &format!("]}}}}{end}"),
            ),
        ),
        (
            "variables",
            filled(
                &values,
                |_| "\"${aws:username}${a:b}\"".to_owned(),
                &format!("]}}}}{end}"),
            ),
        ),
        (
            "open variables",
            filled(
                &values,
                |n| {
                    if n == 0 {
                        format!("\"{}\"", "${".repeat(60_000))
                    } else {
                        " ".repeat(LONGEST)
                    }
                },
                &format!("]}}}}{end}"),
            ),
        ),
        (
            "principals",
            filled(
                "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[",
                |_| "\"1\"".to_owned(),
                "]},\"Action\":\"sts:*\"}}",
            ),
        ),
        (
            "actions",
            filled(
                "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[",
                |_| "\"sts:A*\"".to_owned(),
                "]}}",
            ),
        ),
        (
            "unknown actions",
            filled(
                "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[",
                |n| format!("\"sts:AssumeRolf{n}\""),
                "]}}",
            ),
        ),
        (
            "escapes",
            format!("{{\"Id\":\"{}\"}}", "\\u00e9".repeat(21_000)),
        ),
        ("white space", format!("{{{}}}", " \n".repeat(65_000))),
    ]
}

#[test]
fn no_document_is_slow() {
    let request = Request {
        principal: RequestPrincipal {
            kind: "AWS".to_owned(),
            value: "arn:aws:iam::464622532012:user/alice".to_owned(),
        },
        action: "sts:AssumeRole".to_owned(),
        context: [("acme:k".to_owned(), vec!["a".repeat(1000)])].into(),
    };
    let context = EvaluationContext {
        account: Some("111122223333"),
        organization: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        origin: Origin::Sent,
    };
    for (what, text) in documents() {
        assert!(text.len() <= LONGEST, "{what}: {}", text.len());
        let limit = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });
        let timed = |step: &str, work: &mut dyn FnMut()| {
            let start = cpu_time();
            work();
            let took = cpu_time() - start;
            println!("{took:>12.1?} {step} {what}");
            assert!(took < limit, "{step} {what}: {took:?}");
        };
        timed("read", &mut || {
            TrustPolicy::parse(&text).unwrap();
        });
        let policy = TrustPolicy::parse(&text).unwrap();
        timed("print", &mut || {
            assert!(!policy.to_string().is_empty());
        });
        timed("ask of", &mut || {
            evaluate(&policy, &request, &context).unwrap();
        });
        let removals: Vec<Removal> = (0..policy.statements.len())
            .step_by(2)
            .map(Removal::Statement)
            .collect();
        timed("cut", &mut || {
            let _ = policy.without(&text, &removals);
        });
    }
}
