//! Which records are plain, and what is left to the parser.

use guard::cloudtrail::{Record, moment};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// As CloudTrail writes it.
const USUAL: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/r/s","accountId":"111122223333","sessionContext":{"attributes":{"mfaAuthenticated":"false"}}},"eventTime":"2026-03-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","awsRegion":"us-east-1","sourceIPAddress":"10.0.0.1","userAgent":"[a/1.0 \"b\" \\ é]","requestParameters":{"policy":"{\"Version\":\"2012-10-17\"}","empty":{},"none":[],"list":[1,-2.5,"x",{"eventName":"CreateRole"}]},"responseElements":null,"eventID":"3f1c","readOnly":false,"recipientAccountId":"111122223333"}"#;

/// Asserts that the parser finds the same in the same text; `false`: it cannot read it.
fn parsed((found, length): &(Plain<'_>, usize), text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(&text[..*length]) else {
        return false;
    };
    let Ok(record) = Record::from_text(text) else {
        return false;
    };
    let kind = record.identity.kind.unwrap_or_default();
    assert_eq!(
        (
            &*record.event_id,
            &*record.event_name,
            &*record.event_source
        ),
        (found.id, found.name, found.source),
        "{text}"
    );
    assert_eq!(kind, found.caller.kind, "{text}");
    assert_eq!(record.event_time, moment(found.time), "{text}");
    assert_eq!(record.region.unwrap_or_default(), found.region, "{text}");
    assert_eq!(record.delivered_for, None, "{text}");
    true
}

#[test]
fn a_plain_record_is_known_wherever_it_ends() {
    for more in ["", "]}", ",{\"", "}", "]]]]", "\"\\\u{1}é"] {
        for behind in 0..70 {
            let text = format!("{USUAL}{more}{}", "x".repeat(behind));
            let found = plain(text.as_bytes()).unwrap();
            let usual = Plain {
                id: "3f1c",
                name: "PutBucketPolicy",
                source: "s3.amazonaws.com",
                caller: Caller {
                    nameless: (),
                    kind: "AssumedRole",
                },
                time: "2026-03-01T00:00:00Z",
                region: "us-east-1",
                detail: (),
            };
            assert_eq!(found, (usual, USUAL.len()));
            assert!(parsed(&found, text.as_bytes()));
        }
    }
    // One that is cut is none, wherever it is cut.
    for end in 0..USUAL.len() {
        assert_eq!(plain(&USUAL.as_bytes()[..end]), None, "{end}");
    }
}

/// Replaces a part of the usual record.
fn with(part: &str, by: &str) -> String {
    assert!(USUAL.contains(part), "{part}");
    USUAL.replace(part, by)
}

#[test]
fn what_is_only_written_otherwise_is_plain() {
    let depth = 70;
    for text in [
        with(r#""eventName":"Put"#, r#""eventName": "Put"#),
        with(r#""eventName":"Put"#, r#""\u0065ventName":"Put"#),
        with(r#""readOnly":false"#, r#""readOnly":1e9"#),
        with(r#""readOnly":false"#, r#""readOnly":"\ud83d\ude00""#),
        with(
            "null",
            &format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        ),
    ] {
        let found = plain(text.as_bytes()).unwrap();
        assert_eq!(found.1, text.len(), "{text}");
        assert!(parsed(&found, text.as_bytes()), "{text}");
    }
}

#[test]
fn what_is_passed_over_need_not_be_readable() {
    let mut no_text = USUAL.as_bytes().to_vec();
    no_text[20] = 0xff;
    for text in [
        with(r#""userAgent":"[a"#, r#""userAgent":"\ud83d[a"#).into_bytes(),
        with(
            r#""sourceIPAddress":"10.0.0.1""#,
            r#""sourceIPAddress":1e999"#,
        )
        .into_bytes(),
        with(
            r#""userAgent":"[a"#,
            r#""errorCode":["\ud83d"],"userAgent":"\ud83d[a"#,
        )
        .into_bytes(),
        no_text,
    ] {
        let found = plain(&text).unwrap();
        assert_eq!(found.1, text.len());
        assert!(!parsed(&found, &text));
    }
}

#[test]
fn whatever_is_unusual_goes_the_long_way() {
    for text in [
        // JSON, and perhaps ordinary
        with(
            r#""eventName":"Put"#,
            r#""\u0065ventName":"CreateRole","eventName":"Put"#,
        ),
        with(r#""readOnly":false"#, r#""eventName":"CreateRole""#),
        with(r#""readOnly":false"#, r#""eventSource":null"#),
        with(r#""readOnly":false"#, r#""userIdentity":{"type":"Root"}"#),
        with(r#""principalId":"AROA:s""#, r#""type":"Root""#),
        with(r#""readOnly":false"#, r#""detail":{}"#),
        with(r#""readOnly":false"#, r#""detail":null"#),
        r#"["i","n","s","t","r",{"type":"x"}]"#.to_owned(),
        r#"[]"#.to_owned(),
        r#"{"eventID":"i","eventName":"n","eventSource":"s","eventTime":"t","awsRegion":"r","userIdentity":["x"]}"#.to_owned(),
        with(r#""readOnly":false"#, r#""Records":[]"#),
        with("PutBucketPolicy", "Put\\nBucketPolicy"),
        with(r#""PutBucketPolicy""#, "7"),
        with(r#""type":"AssumedRole","#, ""),
        with(r#""type":"AssumedRole""#, r#""type":null"#),
        with(r#""eventID":"3f1c","#, ""),
        with(r#","awsRegion":"us-east-1""#, ""),
        // no JSON
        with(r#""readOnly":false"#, r#""readOnly":falsey"#),
        with(r#""readOnly":false"#, r#""readOnly":fals"#),
        with(r#""readOnly":false"#, r#""readOnly":01"#),
        with(r#""readOnly":false"#, r#""readOnly":1."#),
        with(r#""readOnly":false"#, r#""readOnly":-"#),
        with(r#""readOnly":false"#, r#""readOnly":+1"#),
        with(r#""readOnly":false"#, r#""readOnly":"#),
        with(r#""readOnly":false"#, r#""readOnly""#),
        with(r#""readOnly":false"#, r#""readOnly":"a":"b""#),
        with(r#""readOnly":false"#, r#""readOnly":"a""b""#),
        with(r#""readOnly":false"#, r#""readOnly":{"a"}"#),
        with(r#""readOnly":false"#, r#""readOnly":{"a":}"#),
        with(r#""readOnly":false"#, r#""readOnly":{"a":1,}"#),
        with(r#""readOnly":false"#, r#""readOnly":{,}"#),
        with(r#""readOnly":false"#, r#""readOnly":{[]}"#),
        with(r#""readOnly":false"#, r#""readOnly":{"a":1,[]}"#),
        with(r#""readOnly":false"#, r#""readOnly":{"a":1]"#),
        with(r#""readOnly":false"#, r#""readOnly":["a":1]"#),
        with(r#""readOnly":false"#, r#""readOnly":[1,]"#),
        with(r#""readOnly":false"#, r#""readOnly":[,1]"#),
        with(r#""readOnly":false"#, r#""readOnly":[1,,1]"#),
        with(r#""readOnly":false"#, r#""readOnly":[][]"#),
        with(r#""readOnly":false"#, r#""readOnly":[]1"#),
        with(r#""readOnly":false"#, r#""readOnly":"\x""#),
        with(r#""readOnly":false"#, r#""readOnly":"\u00g0""#),
        with(r#""readOnly":false"#, "\"readOnly\":\"\u{1f}\""),
        with(r#""readOnly":false"#, "\"readOnly\":\\\"\""),
        with(r#""readOnly":false,"#, "").replace("\"3f1c\",", "\"3f1c\",,"),
    ] {
        assert_eq!(plain(text.as_bytes()), None, "{text}");
    }
    let mut no_text = USUAL.as_bytes().to_vec();
    let name = USUAL.find("PutBucket").unwrap();
    no_text[name] = 0xff;
    assert_eq!(plain(&no_text), None);
}

/// Values, and what may be taken for one.
fn value() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "null",
        "true",
        "false",
        "0",
        "-1",
        "12.5",
        "1e5",
        "01",
        "\"\"",
        "\"x\"",
        "\"Root\"",
        "\"CreateRole\"",
        "\"iam.amazonaws.com\"",
        r#""\"eventName\":\"CreateRole\"""#,
        r#""\\""#,
        r#""\u00e9\n""#,
        r#""\u0052oot""#,
        r#""\ud800""#,
        "\"é}{\"",
        "\"\u{7f}\"",
        "{}",
        "[]",
        "tru",
        "\"\t\"",
        "111122223333",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 24, 5, |inner| {
            let key = select(vec![
                "a",
                "eventName",
                "eventSource",
                "type",
                "detail",
                "arn",
                "userIdentity",
                "a\\\"b",
            ]);
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|values| format!("[{}]", values.join(","))),
                proptest::collection::vec((key, inner), 0..5).prop_map(|members| {
                    let members = members
                        .iter()
                        .map(|(key, value)| format!("\"{key}\":{value}"));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
}

fn member() -> impl Strategy<Value = String> {
    let key = select(vec![
        "eventName",
        "eventSource",
        "eventTime",
        "eventID",
        "userIdentity",
        "awsRegion",
        "detail",
        "Records",
        "requestParameters",
        "responseElements",
        "recipientAccountId",
        "errorCode",
        "account",
        "\\u0065ventName",
        "eventNames",
        "",
        "additionalEventData",
    ]);
    (key, value()).prop_map(|(key, value)| format!("\"{key}\":{value}"))
}

/// Mostly records: the usual one with members added, put elsewhere, or taken away, and then, here
/// and there, a byte changed.
pub(in crate::replay) fn record() -> impl Strategy<Value = Vec<u8>> {
    let usual = [
        r#""eventName":"GetObject""#,
        r#""eventSource":"s3.amazonaws.com""#,
        r#""eventTime":"2026-03-01T00:00:00Z""#,
        r#""eventID":"00000000-0000-4000-8000-000000000001""#,
        r#""awsRegion":"us-east-1""#,
        r#""userIdentity":{"type":"IAMUser","userName":"alice"}"#,
    ];
    let odd = proptest::collection::vec(member(), 0..4);
    let names = select(vec![
        "GetObject",
        "CreateRole",
        "ConsoleLogin",
        "DeleteRole",
    ]);
    let bytes = select(b"{}[],:\"\\ \n\x01\xc3u0eA".to_vec());
    let edits = proptest::collection::vec((any::<prop::sample::Index>(), bytes, 0..3_u8), 0..3);
    (odd, 0..8_usize, names, any::<bool>(), edits, any::<bool>()).prop_flat_map(
        move |(odd, left_out, name, iam, edits, edited)| {
            let mut members: Vec<String> = usual.iter().map(|&member| member.to_owned()).collect();
            if left_out < members.len() {
                members.remove(left_out);
            }
            members.extend(odd);
            Just(members).prop_shuffle().prop_map(move |members| {
                let mut text = format!("{{{}}}", members.join(",")).replace("GetObject", name);
                if iam {
                    text = text.replace("s3.amazonaws.com", "iam.amazonaws.com");
                }
                let mut text = text.into_bytes();
                for (index, byte, kind) in edits.iter().filter(|_| edited) {
                    let at = index.index(text.len());
                    match kind {
                        0 => text[at] = *byte,
                        1 => text.insert(at, *byte),
                        _ => drop(text.remove(at)),
                    }
                }
                text
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The parser reads the same of plain text.
    #[test]
    fn the_parser_finds_the_same(text in record()) {
        if let Some(found) = plain(&text) {
            parsed(&found, &text);
        }
    }
}
