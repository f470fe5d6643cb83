//! What of all that is wrong is to be reported now: once, and once more each day that it stays wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::seconds_between;

/// How long something is wrong before it is reported once more, in seconds.
const AGAIN: i64 = 24 * 60 * 60;

/// What is reported now of what is wrong, and what will have been reported then. What is waited for may
/// be wrong still: it is neither reported nor forgotten.
pub(crate) fn to_report(
    reported: &BTreeMap<String, Timestamp>,
    wrong: &[String],
    waiting: &[String],
    now: Timestamp,
) -> (Vec<String>, BTreeMap<String, Timestamp>) {
    let mut kept: BTreeMap<String, Timestamp> = reported.clone();
    kept.retain(|known, _| wrong.contains(known) || waiting.contains(known));
    let is_news = |what: &&String| {
        let before = kept.get(*what).filter(|before| **before <= now);
        before.is_none_or(|before| seconds_between(*before, now) >= AGAIN)
    };
    let news: Vec<String> = wrong.iter().filter(is_news).cloned().collect();
    kept.extend(news.iter().map(|what| (what.clone(), now)));
    (news, kept)
}
