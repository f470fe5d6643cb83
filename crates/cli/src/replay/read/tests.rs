//! The long way and the short one read the same, whatever they are given.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::replay::prefilter;
use crate::replay::records::MOST_RECORD_BYTES;

/// Files of records, with what may go wrong around them.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let records = proptest::collection::vec(prefilter::tests::record(), 0..6);
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
        (" {\"Records\":[", ",", "]}"),
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
    // Again, as lines, behind one another. Of what does not matter, duplicates are not counted.
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
