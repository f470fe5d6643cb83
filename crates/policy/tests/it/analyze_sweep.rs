//! Every operator on every kind of key, in five shapes that make a document large: each is decided, or
//! left open, in time.
//!
//! A full run tries one in 131, `make bench-policy` all (`TRUSTWARDEN_SWEEP=1`) with the release
//! build's limit. `TRUSTWARDEN_TIMES=1` prints the slowest.

use std::time::Duration;

use crate::{cpu_time, some};
use trustwarden_policy::{AnalysisContext, Origin, TrustPolicy, analyze};

const BYTES: usize = 8_192;
/// What a document of that length may take on an idle machine, with as much again for one that is not.
const LIMIT: Duration = Duration::from_millis(100);

const OPERATORS: [&str; 20] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateGreaterThan",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "Null",
];

const QUALIFIERS: [&str; 3] = ["", "ForAnyValue:", "ForAllValues:"];

const KEYS: [&str; 24] = [
    "sts:ExternalId",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:userid",
    "aws:username",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceIp",
    "aws:SourceVpce",
    "aws:SourceVpcArn",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:RequestTag/a",
    "aws:TagKeys",
    "sts:SourceIdentity",
    "aws:SourceArn",
    "aws:SourceAccount",
    "token.actions.githubusercontent.com:sub",
    "aws:PrincipalType",
    "acme:many",
    "aws:PrincipalTag/t",
    "sts:RoleSessionName",
];

/// Makes a value for each number.
type Value = fn(usize) -> String;

const VALUES: [(&str, Value); 9] = [
    ("words", |n| format!("a{n}")),
    ("patterns", |n| format!("*{n}?{}*", n % 7)),
    ("ARNs", |n| format!("arn:aws:iam::{}:role/r{n}", account(n))),
    ("patterns of ARNs", |n| format!("arn:*:iam::*{n}*:*{n}*")),
    ("numbers", |n| (n * 3).to_string()),
    ("accounts", account),
    ("dates", |n| {
        let (year, month, day) = (26 + n % 50, 1 + n / 50 % 12, 1 + n / 600 % 28);
        format!("20{year}-{month:02}-{day:02}T00:00:{:02}Z", n / 16_800 % 60)
    }),
    ("networks", |n| {
        format!("{}.{}.{}.0/25", n % 223 + 1, n / 223 % 256, n % 256)
    }),
    ("variables", |n| format!("x${{aws:PrincipalTag/a{n}}}*")),
];

fn account(n: usize) -> String {
    (100_000_000_000 + n).to_string()
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// One Allow with a list.
    Listed,
    /// The same, and one pattern to avoid.
    ListedAndOneAvoided,
    /// A few patterns are allowed, a list is denied.
    ListDenied,
    /// A Deny for each value.
    Denies,
    /// A Deny for each value, which a second condition leaves another way out of.
    DeniesWithTwoConditions,
}

const SHAPES: [Shape; 5] = [
    Shape::Listed,
    Shape::ListedAndOneAvoided,
    Shape::ListDenied,
    Shape::Denies,
    Shape::DeniesWithTwoConditions,
];

/// A JSON list of as many values as fit into so many bytes.
fn list(room: usize, value: Value) -> String {
    let mut length = 2;
    let values = (0..)
        .map(|n| format!("\"{}\"", value(n)))
        .take_while(|text| {
            length += text.len() + 1;
            length <= room
        });
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

fn deny(condition: &str) -> String {
    format!(r#"{{"Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{{{condition}}}}}"#)
}

fn document(operator: &str, key: &str, value: Value, shape: Shape) -> String {
    let (principal, action) = match key {
        "aws:SourceArn" | "aws:SourceAccount" => {
            (r#"{"Service":"events.amazonaws.com"}"#, "sts:AssumeRole")
        }
        _ if key.starts_with("token.") => (
            r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}"#,
            "sts:AssumeRoleWithWebIdentity",
        ),
        _ => (r#"{"AWS":"*"}"#, "sts:AssumeRole"),
    };
    let allow = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":["{action}","sts:TagSession","sts:SetSourceIdentity"],"Condition":{{{condition}}}}}"#
        )
    };
    let room = BYTES - 500;
    let listed = || format!(r#""{operator}":{{"{key}":{}}}"#, list(room, value));
    let one = |n| format!(r#""{operator}":{{"{key}":"{}"}}"#, value(n));
    let each = |condition: &dyn Fn(usize) -> String| {
        let mut text = allow("");
        for next in (0..).map(|n| deny(&condition(n))) {
            if text.len() + next.len() > room {
                break;
            }
            text = text + "," + &next;
        }
        text
    };
    let statements = match shape {
        Shape::Listed => allow(&listed()),
        Shape::ListedAndOneAvoided => {
            allow(&(listed() + &format!(r#","StringNotLike":{{"{key}":["*z*"]}}"#)))
        }
        Shape::ListDenied => {
            let few = format!(r#""StringLike":{{"{key}":["a*","arn:*","1*"]}}"#);
            allow(&few) + "," + &deny(&listed())
        }
        Shape::Denies => each(&one),
        Shape::DeniesWithTwoConditions => {
            each(&|n| one(n) + &format!(r#","StringLike":{{"sts:ExternalId":"*b{n}"}}"#))
        }
    };
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// How long the answer takes; `None` for a document that is none.
fn time(text: &str) -> Option<Duration> {
    let policy = TrustPolicy::parse(text).ok()?;
    let context = AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin: Origin::Sent,
        witnesses: true,
        providers: &[],
    };
    let start = cpu_time();
    std::hint::black_box(analyze(&policy, &context));
    Some(cpu_time() - start)
}

#[test]
fn no_operator_on_no_key_makes_a_document_slow() {
    let step = if std::env::var_os("TRUSTWARDEN_SWEEP").is_some() {
        1
    } else {
        131
    };
    let limit = LIMIT * if cfg!(debug_assertions) { 20 } else { 1 };
    let combinations = QUALIFIERS.into_iter().flat_map(|qualifier| {
        OPERATORS.into_iter().flat_map(move |operator| {
            KEYS.into_iter().flat_map(move |key| {
                VALUES.into_iter().flat_map(move |values| {
                    SHAPES.map(|shape| (format!("{qualifier}{operator}"), key, values, shape))
                })
            })
        })
    });
    let mut tried = 0;
    let mut times = Vec::new();
    let combinations = some(combinations.step_by(step).collect());
    for (operator, key, (kind, value), shape) in combinations {
        let text = document(&operator, key, value, shape);
        tried += 1;
        // What another program takes the machine for is not the document's: the best of three.
        let mut tries = (0..3).map_while(|_| time(&text));
        let Some(mut best) = tries.next() else {
            continue;
        };
        while best > limit / 2
            && let Some(again) = tries.next()
        {
            best = best.min(again);
        }
        times.push((best, format!("{operator} {key} {kind} {shape:?}")));
    }
    times.sort_unstable();
    times.reverse();
    // `Null` takes truth values alone, and no qualifier.
    assert!(times.len() * 10 > tried * 9, "{} of {tried}", times.len());
    if std::env::var_os("TRUSTWARDEN_TIMES").is_some() {
        println!("{} documents of {BYTES} bytes; the slowest:", times.len());
        for (took, name) in times.iter().take(10) {
            println!("{took:9.1?} {name}");
        }
    }
    let slow: Vec<_> = times.iter().take_while(|(took, _)| *took > limit).collect();
    assert!(slow.is_empty(), "{slow:#?}");
}
