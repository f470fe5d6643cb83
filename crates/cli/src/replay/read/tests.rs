//! The long way and the short one read the same, whatever they are given.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::replay::ordinary;
use crate::replay::split::MOST_RECORD_BYTES;

/// Files of records, with what may go wrong around them.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let records = proptest::collection::vec(ordinary::tests::record(), 0..6);
    let frames = select(vec![
        ("{\"Records\":[", ",", "]}"),
        ("{\"Records\":[", ",", "]}\n"),
        ("{\"Records\":[", ",", "]"),
        ("{\"Records\":[", ",", "],\"more\":[{}]}"),
        ("{\"first\":[],\"Records\":[", ",", "]}"),
        ("{ \"Records\": [\r\n", ",\r\n ", "\r\n] }\r\n"),
        ("[", " , ", "]"),
        ("{\"Events\":[", ",", "],\"NextToken\":\"x\"}"),
        ("{\"logEvents\":[", ",", "]}"),
        (
            "2026-03-10T10:00:00.000Z ",
            "\n2026-03-10T10:00:01.000Z ",
            "\n",
        ),
        ("", "\n", "\n"),
        ("", "\r\n", ""),
        ("", "", ""),
        ("\u{feff}{\"Records\":[", ",", "]}"),
        ("", "\nnonsense\n", ""),
        ("[", "", "]"),
    ]);
    (records, frames).prop_map(|(records, (before, between, after))| {
        let records = records.join(between.as_bytes());
        [before.as_bytes(), &records, after.as_bytes()].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_ways_read_the_same(text in file(), lines in any::<bool>()) {
        same_both_ways(&text, lines);
    }

    #[test]
    fn files_behind_one_another_are_read_the_same(
        files in proptest::collection::vec(file(), 1..4),
        between in select(vec!["\n", "\r\n", "", " ", " \t\n\n", "\u{c}\n", "\n{\n", "x\n"]),
        lines in any::<bool>(),
    ) {
        same_both_ways(&files.join(between.as_bytes()), lines);
    }
}

/// The texts that matter, those kept back and those shown although they do not, and how it ended.
fn by_text(text: &[u8], word: &str, sieved: bool) -> (Vec<Vec<u8>>, [usize; 2], String) {
    let matters = |text: &[u8]| memchr::memmem::find(text, word.as_bytes()).is_some();
    let manner = Manner {
        lines: false,
        sieve: sieved.then_some(Sieve::Text(&matters)),
    };
    let (mut found, mut back, mut shown) = (Vec::new(), 0, 0);
    let ended = split(&mut Values::whole(text), manner, &mut |piece| match piece {
        Piece::Record(text) if matters(text) => found.push(text.to_vec()),
        Piece::Record(_) => shown += 1,
        Piece::Ordinary(_) => back += 1,
        Piece::BadLine => found.push(b"a bad line".to_vec()),
    });
    (found, [back, shown], format!("{ended:?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_holds_the_word_is_shown_whatever_is_kept_back(
        text in file(),
        word in select(vec!["Root", "s3", "\"e", "nowhere"]),
    ) {
        let (found, [back, shown], ended) = by_text(&text, word, true);
        let (all, [none, others], end) = by_text(&text, word, false);
        prop_assert_eq!((found, back + shown, ended), (all, others, end));
        prop_assert_eq!(none, 0);
    }
}

#[test]
fn ordinary_records_without_the_word_are_kept_back() {
    let record = |role: &str| {
        format!(
            r#"{{"userIdentity":{{"type":"AssumedRole","arn":"{role}"}},"eventTime":"2026-03-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateRole","awsRegion":"us-east-1","eventID":"1"}}"#
        )
    };
    let text = format!("{{\"Records\":[{},{}]}}", record("Reader"), record("Other"));
    let (found, counts, _) = by_text(text.as_bytes(), "Reader", true);
    assert_eq!(
        (found, counts),
        (vec![record("Reader").into_bytes()], [1, 0])
    );
}

#[test]
fn a_log_of_ordinary_records_is_read_across_the_edges_of_its_chunks() {
    let record = |number: u64| {
        let padding = "x".repeat((number * 37 % 1500) as usize);
        format!(
            r#"{{"userIdentity":{{"type":"IAMUser"}},"eventTime":"2026-03-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","userAgent":"{padding}","eventID":"{number}"}}"#
        )
    };
    let records: Vec<String> = (0..1000).map(record).collect();
    let text = format!("{{\"Records\":[{}]}}", records.join(","));
    assert!(text.len() > 5 * 128 * 1024);
    same_both_ways(text.as_bytes(), false);
    let read = read_bytes(Values::whole(text.as_bytes()), false, true);
    assert_eq!((read.records, read.irrelevant), (1000, 1000));
    let lines = records.join("\n");
    same_both_ways(lines.as_bytes(), true);
    // Again, as lines, behind one another. Of what does not matter, duplicates are not told.
    let both = format!("{text}\n{lines}");
    let stream = Values::stream(both.as_bytes(), MOST_RECORD_BYTES);
    let read = read_bytes(stream, false, true);
    assert_eq!((read.records, read.irrelevant), (2000, 2000));
}

/// Inputs that the fuzzer has kept, as its target reads them.
#[test]
fn logs_of_the_fuzzers_corpus_are_read_the_same_both_ways() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/replay");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        if let Some((first, rest)) = bytes.split_first() {
            same_both_ways(rest, first & 1 == 1);
            read += 1;
        }
    }
    assert!(read >= 8, "{read}");
}
