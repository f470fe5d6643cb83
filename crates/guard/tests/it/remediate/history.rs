//! What a history keeps, in which order, and for how long.

use trustwarden_guard::model::document_digest;
use trustwarden_guard::state::history::{
    BASELINE_BYTES_KEPT, BASELINES_KEPT, Baseline, OwnWrite, WRITES_KEPT, WRITTEN_KEPT,
    WriteProgress,
};

use super::{allow, at, baseline, document, history, own_write};

#[test]
fn a_history_keeps_the_newest_by_time_within_its_limits() {
    let mut kept = history();
    for second in [30, 10, 20, 10] {
        kept.remember(baseline(&format!("{{\"at\":{second}}}"), Some(second), 100));
    }
    let order: Vec<&str> = kept
        .approved
        .iter()
        .map(|kept| kept.document.as_str())
        .collect();
    assert_eq!(order, [r#"{"at":10}"#, r#"{"at":20}"#, r#"{"at":30}"#]);
    // Known content moves to its newest time and keeps the bytes as they were sent last.
    kept.remember(baseline("{ \"at\": 10 }", Some(40), 100));
    assert_eq!(kept.newest().unwrap().document, "{ \"at\": 10 }");
    assert_eq!(kept.approved.len(), 3);
    // Seen again without an event: nothing is forgotten about it.
    kept.remember(baseline(r#"{"at":10}"#, None, 200));
    assert_eq!(kept.newest().unwrap().written_at, Some(at(40)));
    assert_eq!(kept.newest().unwrap().seen_at, at(200));
    for second in 50..70 {
        kept.remember(baseline(&format!("{{\"at\":{second}}}"), Some(second), 300));
    }
    assert_eq!(kept.approved.len(), BASELINES_KEPT);
    assert_eq!(kept.newest().unwrap().document, r#"{"at":69}"#);
    // Padded documents: the newest is always kept, whatever its size.
    let huge = format!("{{\"a\":\"{}\"}}", "x".repeat(BASELINE_BYTES_KEPT));
    kept.remember(baseline(&huge, Some(500), 500));
    assert_eq!(kept.approved.len(), 1);
    for second in 0..200 {
        kept.record_write(own_write(second, WriteProgress::Written), "{}");
    }
    assert_eq!(kept.writes.len(), WRITES_KEPT);
    // Refusals, however many, do not push writes out of the hour's count.
    let mut kept = history();
    kept.record_write(own_write(0, WriteProgress::Written), "{}");
    for second in 0..300 {
        kept.record_write(own_write(second, WriteProgress::Refused), "{}");
    }
    assert_eq!(kept.writes_within_the_hour(at(300)), 1);
}

/// Otherwise what the guard put back, seen again, would pass for newer than an approved document
/// that its write ran over.
#[test]
fn what_no_event_tells_of_stays_where_it_was_seen_first() {
    let mut kept = history();
    kept.remember(baseline(r#"{"seen":1}"#, None, 100));
    kept.remember(baseline(r#"{"seen":1}"#, Some(50), 300));
    kept.remember(baseline(r#"{"newer":1}"#, Some(200), 310));
    assert_eq!(kept.newest().unwrap().document, r#"{"newer":1}"#);
    // Written again after that, it is the newest, and is known by its event.
    kept.remember(baseline(r#"{"seen":1}"#, Some(250), 320));
    assert_eq!(kept.newest().unwrap().written_at, Some(at(250)));
}

/// Whoever writes the table chooses the number.
#[test]
fn no_age_in_an_item_ends_the_function() {
    for stale_by in [i64::MIN, -1, 60, i64::MAX] {
        let planted = Baseline {
            stale_by,
            ..baseline("a", None, 100)
        };
        let mut history = history();
        history.remember(baseline("b", Some(90), 95));
        history.remember(planted);
        assert_eq!(history.approved.len(), 2);
    }
}

#[test]
fn among_documents_of_one_second_the_one_seen_live_counts_as_newer() {
    let mut kept = history();
    kept.remember(baseline(r#"{"live":1}"#, Some(10), 11));
    kept.remember(Baseline {
        stale_by: 0,
        seen_live: false,
        live_again_at: None,
        ..baseline(r#"{"told":1}"#, Some(10), 12)
    });
    assert_eq!(kept.newest().unwrap().document, r#"{"live":1}"#);
}

/// A repaired document is no baseline, so its own bytes are what it is known by.
#[test]
fn an_own_write_is_known_when_its_principals_have_died() {
    let of = |principal: &str| {
        document(&[allow(&format!(
            r#"{{"AWS":["{principal}","111111111111"]}}"#
        ))])
    };
    let written = of("arn:aws:iam::222222222222:role/Reader");
    let mut kept = history();
    let write = OwnWrite {
        digest: document_digest(&written),
        ..own_write(0, WriteProgress::Written)
    };
    kept.record_write(write.clone(), &written);
    assert_eq!(kept.own_write_of(&of("AROAEXAMPLEID0000001")), Some(&write));
    assert_eq!(
        kept.own_write_of(&of("arn:aws:iam::222222222222:role/Other")),
        None
    );
    for write in &mut kept.writes {
        write.progress = WriteProgress::Refused;
    }
    assert_eq!(kept.own_write_of(&of("AROAEXAMPLEID0000001")), None);
}

/// Tries to put something else in its place that came to nothing, again and again, do not make the
/// guard forget what stands.
#[test]
fn an_own_write_is_known_after_later_ones_that_did_not_get_there() {
    let of = |principal: &str| document(&[allow(&format!(r#"{{"AWS":"{principal}"}}"#))]);
    let (stands, tried, less) = (
        of("arn:aws:iam::222222222222:role/Reader"),
        of("arn:aws:iam::333333333333:root"),
        of("arn:aws:iam::444444444444:root"),
    );
    let write = |second, document: &str, progress| OwnWrite {
        digest: document_digest(document),
        ..own_write(second, progress)
    };
    let mut kept = history();
    let first = write(0, &stands, WriteProgress::Written);
    kept.record_write(first.clone(), &stands);
    for second in 1..20 {
        kept.record_write(write(second, &tried, WriteProgress::Refused), &tried);
        kept.record_write(write(second, &less, WriteProgress::Intended), &less);
    }
    let shown = of("AROAEXAMPLEID0000001");
    assert_eq!(kept.own_write_of(&shown), Some(&first));
    // And no more of them than are worth the room.
    for second in 20..24 {
        let other = of(&format!("arn:aws:iam::{:012}:root", second));
        kept.record_write(write(second, &other, WriteProgress::Written), &other);
    }
    assert_eq!(kept.written.len(), WRITTEN_KEPT);
    assert_eq!(kept.own_write_of(&shown), None);
}

/// A quarantine of what a repair left undoes what the repair undid, too; one of a later attack does
/// not.
#[test]
fn a_write_over_an_own_write_undoes_what_that_one_undid() {
    let write = |second, undoes, replaced: &str, digest: &str| OwnWrite {
        undoes: at(undoes),
        replaced: replaced.to_owned(),
        digest: digest.to_owned(),
        ..own_write(second, WriteProgress::Written)
    };
    let repair = write(20, 10, "attack", "repaired");
    let refused = OwnWrite {
        progress: WriteProgress::Refused,
        ..write(30, 5, "repaired", "refused")
    };
    let quarantine = write(40, 35, "repaired", "closed");
    let later = write(60, 50, "another attack", "closed again");
    let mut kept = history();
    for own in [&repair, &refused, &quarantine, &later] {
        kept.record_write(own.clone(), "{}");
    }
    assert_eq!(kept.first_undone(&repair), at(10));
    assert_eq!(kept.first_undone(&quarantine), at(10));
    assert_eq!(kept.first_undone(&later), at(50));
    let over_nothing = write(70, 65, "refused", "closed once more");
    kept.record_write(over_nothing.clone(), "{}");
    assert_eq!(kept.first_undone(&over_nothing), at(65));
}

#[test]
fn the_hour_counts_intents_and_writes_but_no_refusals() {
    let mut kept = history();
    kept.record_write(own_write(0, WriteProgress::Written), "{}");
    kept.record_write(own_write(3_000, WriteProgress::Intended), "{}");
    kept.record_write(own_write(3_100, WriteProgress::Refused), "{}");
    assert_eq!(kept.writes_within_the_hour(at(3_200)), 2);
    assert_eq!(kept.writes_within_the_hour(at(3_600)), 1);
    assert!(kept.wrote("d"));
    kept.writes
        .retain(|write| write.progress == WriteProgress::Refused);
    assert!(!kept.wrote("d"), "what IAM refused was not written");
}
