//! Every shape of log, whole and a byte at a time.

use super::*;

const SIEVE: Option<Sieve<'_>> = Some(Sieve::Guard { placed: false });

/// Gives a byte at a time, the way no disk does and a pipe may.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let (Some((byte, rest)), Some(slot)) = (self.0.split_first(), space.first_mut()) else {
            return Ok(0);
        };
        *slot = *byte;
        self.0 = rest;
        Ok(1)
    }
}

fn whole(text: &str) -> Window<'_, io::Empty> {
    Window::whole(text.as_bytes(), SIEVE)
}

fn pieces<R: Read>(mut window: Window<'_, R>, lines: bool) -> (Vec<String>, Option<String>) {
    let mut found = Vec::new();
    let ended = split_window(&mut window, lines, &mut |piece| {
        found.push(match piece {
            Piece::Ordinary(record) => format!("ordinary {}", record.id),
            Piece::Record(text) => String::from_utf8_lossy(text).into_owned(),
            Piece::BadLine => "BAD".to_owned(),
        });
    });
    (found, ended.err().map(|error| error.to_string()))
}

#[test]
fn every_shape_of_log_gives_its_records() {
    let cases: [(&str, bool, &[&str], Option<&str>); 30] = [
        (
            r#"{"Records":[{"a":1},{"b":[2]}]}"#,
            false,
            &[r#"{"a":1}"#, r#"{"b":[2]}"#],
            None,
        ),
        (
            "{\n \"Records\" : [\n  {\"a\": 1}\n ]\n}\n",
            false,
            &[r#"{"a": 1}"#],
            None,
        ),
        (r#"{"Records":[]}"#, false, &[], None),
        (
            r#"{"Records":[{"a":1}],"more":{"x":["}"]}} {"b":2}"#,
            false,
            &[r#"{"a":1}"#, r#"{"b":2}"#],
            None,
        ),
        (
            r#"{"first":1,"Records":[{"a":1}]}"#,
            false,
            &[r#"{"a":1}"#],
            None,
        ),
        (
            r#"{"note":"\"Records\"","a":1}"#,
            false,
            &[r#"{"note":"\"Records\"","a":1}"#],
            None,
        ),
        (
            r#"{"Records":{"a":1}}"#,
            false,
            &[r#"{"Records":{"a":1}}"#],
            None,
        ),
        (
            r#"[{"a":1} , {"b":"]}"}]"#,
            false,
            &[r#"{"a":1}"#, r#"{"b":"]}"}"#],
            None,
        ),
        ("[]", false, &[], None),
        (
            "[1, \"x\", null ,[2]]",
            false,
            &["1", "\"x\"", "null", "[2]"],
            None,
        ),
        (r#"{"a":"q\"}{"}"#, false, &[r#"{"a":"q\"}{"}"#], None),
        (
            r#"{"a":"\\"}{"b":1}"#,
            false,
            &[r#"{"a":"\\"}"#, r#"{"b":1}"#],
            None,
        ),
        (
            "{\n\"a\":1\n}\n{\n\"b\":2}",
            false,
            &["{\n\"a\":1\n}", "{\n\"b\":2}"],
            None,
        ),
        // lines
        (
            "{\"a\":1}\n{\"b\":2}\n",
            false,
            &[r#"{"a":1}"#, r#"{"b":2}"#],
            None,
        ),
        (
            "{\"a\":1}\nnonsense\n\n{\"b\":2}",
            false,
            &[r#"{"a":1}"#, "BAD", r#"{"b":2}"#],
            None,
        ),
        (
            "{\"a\":1}\n{\"cut\":\n{\"b\":2}\n",
            false,
            &[r#"{"a":1}"#, "BAD", r#"{"b":2}"#],
            None,
        ),
        (
            "nonsense\r\n{\"b\":2}\r\n",
            true,
            &["BAD", r#"{"b":2}"#],
            None,
        ),
        (
            "{\"Records\":[{\"a\":1},{\"b\":2}]}\n[{\"c\":3}]\n",
            true,
            &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#],
            None,
        ),
        ("", true, &[], None),
        // what is wrong
        ("", false, &[], Some("it is empty")),
        (" \n ", false, &[], Some("it is empty")),
        (
            "nonsense",
            false,
            &[],
            Some("it is not JSON: `n` at byte 0"),
        ),
        (
            "\u{1}",
            false,
            &[],
            Some("it is not JSON: byte 0x01 at byte 0"),
        ),
        (
            r#"{"Records":[{"a":1},{"b":"#,
            false,
            &[r#"{"a":1}"#],
            Some("it ends in the middle of a record (byte 25)"),
        ),
        (
            r#"{"Records":[{"a":1}"#,
            false,
            &[r#"{"a":1}"#],
            Some("it ends in the middle of a record (byte 19)"),
        ),
        (
            r#"{"Records":[{"a":1}]"#,
            false,
            &[r#"{"a":1}"#],
            Some("it ends in the middle of a record (byte 20)"),
        ),
        (
            r#"{"a":"never closed"#,
            false,
            &[],
            Some("it ends in the middle of a record (byte 18)"),
        ),
        (
            r#"[{"a":1}{"b":2}]"#,
            false,
            &[r#"{"a":1}"#],
            Some("it is not JSON: `{` at byte 8"),
        ),
        (
            r#"[{"a":1},,{"b":2}]"#,
            false,
            &[r#"{"a":1}"#],
            Some("it is not JSON: `,` at byte 9"),
        ),
        (
            r#"[{"a":1},]"#,
            false,
            &[r#"{"a":1}"#],
            Some("it is not JSON: `]` at byte 9"),
        ),
    ];
    for (text, lines, expected, error) in cases {
        let at_once = pieces(whole(text), lines);
        assert_eq!(
            (
                at_once.0.iter().map(String::as_str).collect::<Vec<_>>(),
                at_once.1.as_deref()
            ),
            (expected.to_vec(), error),
            "{text}"
        );
        assert_eq!(
            pieces(
                Window::new(Drip(text.as_bytes()), MOST_VALUE_BYTES, SIEVE),
                lines
            ),
            at_once,
            "a byte at a time: {text}"
        );
    }
}

#[test]
fn a_record_longer_than_a_chunk_is_one_record() {
    let long = "x".repeat(5 * CHUNK_BYTES);
    let text = format!(r#"{{"Records":[{{"a":"{long}"}},{{"b":1}}]}}"#);
    let (found, error) = pieces(Window::new(text.as_bytes(), MOST_VALUE_BYTES, SIEVE), false);
    assert_eq!(error, None);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].len(), long.len() + 8);
}

#[test]
fn a_record_without_end_is_given_up() {
    let endless = io::Read::chain(&b"[{},\""[..], io::repeat(b'x'));
    let mut found = 0;
    let mut window = Window::new(endless, 1 << 20, SIEVE);
    let ended = split_window(&mut window, false, &mut |_| found += 1);
    assert_eq!(found, 1);
    let words = ended.unwrap_err().to_string();
    assert_eq!(
        words,
        "one record is larger than 1048576 bytes (from byte 4)"
    );
}
