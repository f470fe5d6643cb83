//! Every shape of log, whole and a byte at a time.

use std::io::{self, Read};

use super::*;

/// Gives a byte at a time, the way no disk does and a pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let one = space.get_mut(..1).unwrap_or_default();
        self.0.read(one)
    }
}

fn pieces(mut values: Values<'_>, lines: bool) -> (Vec<String>, Option<String>) {
    let manner = Manner {
        lines,
        prefilter: true,
    };
    let mut found = Vec::new();
    let ended = super::read(&mut values, manner, &mut |piece| {
        found.push(match piece {
            Piece::Ordinary(record) => format!("ordinary {}", record.id),
            Piece::Record(text) => String::from_utf8_lossy(text).into_owned(),
            Piece::BadLine => "BAD".to_owned(),
        });
    });
    (found, ended.err().map(|error| error.to_string()))
}

/// Whether each line stands alone, a text, its pieces, and what is wrong with the rest of it.
type Case = (
    bool,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);

#[rustfmt::skip]
const CASES: &[Case] = &[
    (false, r#"{"Records":[{"a":1},{"b":[2]}]}"#, &[r#"{"a":1}"#, r#"{"b":[2]}"#], None),
    (false, "{\n \"Records\" : [\n  {\"a\": 1}\n ]\n}\n", &[r#"{"a": 1}"#], None),
    (false, r#"{"Records":[]}"#, &[], None),
    (false, r#"{"Records":[{"a":1}],"more":{"x":["}"]}} {"b":2}"#, &[r#"{"a":1}"#, r#"{"b":2}"#], None),
    (false, r#"{"first":1,"Records":[{"a":1}]}"#, &[r#"{"a":1}"#], None),
    (false, r#"{"eventName":"x","Records":[{"a":1}]}"#, &[r#"{"eventName":"x","Records":[{"a":1}]}"#], None),
    (false, r#"{"note":"\"Records\"","a":1}"#, &[r#"{"note":"\"Records\"","a":1}"#], None),
    (false, r#"{"Records":{"a":1}}"#, &[r#"{"Records":{"a":1}}"#], None),
    (false, r#"[{"a":1} , {"b":"]}"}]"#, &[r#"{"a":1}"#, r#"{"b":"]}"}"#], None),
    (false, "[]", &[], None),
    (false, "[1, \"x\", null ,[2],-1]", &["1", "\"x\"", "null", "[2]", "-1"], None),
    (false, r#"{"a":"q\"}{"}"#, &[r#"{"a":"q\"}{"}"#], None),
    (false, r#"{"a":"\\"}{"b":1}"#, &[r#"{"a":"\\"}"#, r#"{"b":1}"#], None),
    (false, "{\n\"a\":1\n}\n{\n\"b\":2}", &["{\n\"a\":1\n}", "{\n\"b\":2}"], None),
    (false, " {\"Records\":[{\"a\":1}]}", &[r#"{"a":1}"#], None),
    // records as text
    (false, r#"{"Events":[{"EventId":"x","CloudTrailEvent":"{\"a\":\"\\u0031\"}"}],"NextToken":"n"}"#, &[r#"{"a":"\u0031"}"#], None),
    (false, r#"["{\"a\":1}","x"]"#, &[r#"{"a":1}"#, "\"x\""], None),
    (false, r#"{ "events": [{"message":"{\"a\":1}"},{"message":"x"}]}"#, &[r#"{"a":1}"#, r#"{"message":"x"}"#], None),
    (false, r#"{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"a\":1}"}]}"#, &[r#"{"a":1}"#], None),
    (false, r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#, &[], None),
    (false, r#"{"a":1,"Records":[{"Records":[{}]}]}"#, &[r#"{"Records":[{}]}"#], None),
    (false, r#"{"eventName":"x","message":"{}"}"#, &[r#"{"eventName":"x","message":"{}"}"#], None),
    (false, "2026-03-10T10:00:00.000Z {\"a\":1}", &[r#"{"a":1}"#], None),
    (false, "2026-03-10T10:00:00.000Z {\"a\":1}\n2026-03-10T10:00:01.000Z {\"b\n2026-03-10T10:00:01.000Z {\"c\":3}\n", &[r#"{"a":1}"#, "BAD", r#"{"c":3}"#], None),
    // lines
    (false, "{\"a\":1}\n{\"b\":2}\n", &[r#"{"a":1}"#, r#"{"b":2}"#], None),
    (false, "{\"a\":1}\nnonsense\n\n{\"b\":2}", &[r#"{"a":1}"#, "BAD", r#"{"b":2}"#], None),
    (false, "{\"a\":1}\n{\"cut\":\n{\"b\":2}\n", &[r#"{"a":1}"#, "BAD", r#"{"b":2}"#], None),
    (true, "nonsense\r\n{\"b\":2}\r\n", &["BAD", r#"{"b":2}"#], None),
    (true, "{\"Records\":[{\"a\":1},{\"b\":2}]}\n[{\"c\":3}]\n", &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#], None),
    (true, "", &[], None),
    // what is no JSON between brackets that match is one record
    (false, r#"[{"a":fals},{"\x":[1}},nul,"\x",{"b":2}]"#, &[r#"{"a":fals}"#, r#"{"\x":[1}}"#, "nul", r#""\x""#, r#"{"b":2}"#], None),
    // what is wrong
    (false, "", &[], Some("it is empty")),
    (false, " \n ", &[], Some("it is empty")),
    (false, "nonsense", &[], Some("it is not JSON: `n` at byte 0")),
    (false, "\u{1}", &[], Some("it is not JSON: byte 0x01 at byte 0")),
    (false, r#"{"Records":[{"a":1},{"b":"#, &[r#"{"a":1}"#], Some("it ends in the middle of a record (byte 25)")),
    (false, r#"{"Records":[{"a":1}"#, &[r#"{"a":1}"#], Some("it ends in the middle of a record (byte 19)")),
    (false, r#"{"Records":[{"a":1}]"#, &[r#"{"a":1}"#], Some("it ends in the middle of a record (byte 20)")),
    (false, r#"{"a":"never closed"#, &[], Some("it ends in the middle of a record (byte 18)")),
    (false, r#"[{"a":1}{"b":2}]"#, &[r#"{"a":1}"#], Some("it is not JSON: `{` at byte 8")),
    (false, r#"[{"a":1},,{"b":2}]"#, &[r#"{"a":1}"#], Some("it is not JSON: `,` at byte 9")),
    (false, r#"[{"a":1},]"#, &[r#"{"a":1}"#], Some("it is not JSON: `]` at byte 9")),
];

#[test]
fn every_shape_of_log_gives_its_records() {
    for (lines, text, expected, error) in CASES {
        let (found, ended) = pieces(Values::whole(text.as_bytes()), *lines);
        assert_eq!(found, *expected, "{text}");
        assert_eq!(ended.as_deref(), *error, "{text}");
        let drip = Values::stream(Drip(text.as_bytes()), MOST_RECORD_BYTES);
        assert_eq!(
            pieces(drip, *lines),
            (found, ended),
            "a byte at a time: {text}"
        );
    }
}

#[test]
fn a_record_longer_than_what_is_read_at_a_time_is_one_record() {
    let long = "x".repeat(1 << 20);
    let text = format!(r#"{{"Records":[{{"a":"{long}"}},{{"b":1}}]}}"#);
    let (found, error) = pieces(Values::stream(text.as_bytes(), MOST_RECORD_BYTES), false);
    assert_eq!((found.len(), error), (2, None));
    assert_eq!(found[0].len(), long.len() + 8);
}

#[test]
fn a_record_without_end_is_given_up() {
    let endless = io::Read::chain(&b"[{},\""[..], io::repeat(b'x'));
    let (found, error) = pieces(Values::stream(endless, 1 << 20), false);
    assert_eq!(found, ["{}"]);
    let why = "one object is larger than 1048576 bytes (from byte 4)";
    assert_eq!(error.as_deref(), Some(why));
}

#[test]
fn what_was_read_before_the_disk_failed_counts() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let text = io::Read::chain(&br#"[{"a":1},{"b":2},{"c""#[..], Broken);
    let (found, error) = pieces(Values::stream(text, MOST_RECORD_BYTES), false);
    assert_eq!(found, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(error.as_deref(), Some("the disk is gone"));
}
