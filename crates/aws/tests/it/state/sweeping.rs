//! What the sweep remembers.

use guard::ports::{StateError, Store};
use guard::state::Ledger;
use guard::state::incident::Schema;
use guard::state::sweep_state::{ReportedDocument, SweepProgress, SweepTally, SweptRole};
use guard::{Check, Severity};
use jiff::SignedDuration;

use super::{ACCOUNT, now};

pub(crate) async fn sweeps(state: &Ledger<'_, impl Store>) {
    assert_eq!(state.sweep_progress(ACCOUNT).await.unwrap(), None);
    let mut progress = SweepProgress {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        deployed: "rules/enforce/1".to_owned(),
        first: true,
        first_at: Some(now()),
        untold: true,
        asked: false,
        started_at: now(),
        marker: Some("AAA=".to_owned()),
        seen: vec!["AROA1".to_owned()],
        finished_at: None,
        due_at: now(),
        held_until: Some(now()),
        tally: SweepTally::default(),
        last: None,
        version: 0,
    };
    progress.version = state.save_sweep_progress(&progress).await.unwrap();
    assert_eq!(progress.version, 1);
    let read = state.sweep_progress(ACCOUNT).await.unwrap();
    assert_eq!(read.as_ref(), Some(&progress));
    for stale in [0, 2] {
        let other = SweepProgress {
            version: stale,
            ..progress.clone()
        };
        let error = state.save_sweep_progress(&other).await.unwrap_err();
        assert!(matches!(error, StateError::Conflict { .. }), "{error:?}");
    }
    assert_eq!(state.save_sweep_progress(&progress).await.unwrap(), 2);

    let swept = SweptRole {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role_id: "AROA1".to_owned(),
        name: "Datadog".to_owned(),
        digest: "d1".to_owned(),
        findings: String::new(),
        check: Some(Check::PublicTrust),
        severity: Some(Severity::Critical),
        line: "role Datadog: \"open\"".to_owned(),
        since: now(),
        new: true,
        reported_at: None,
        held: vec!["0123456789abcdef".to_owned()],
        third_party: Some("999988887777".to_owned()),
        existing: false,
        ordered_at: None,
        tries: 0,
        gone_at: None,
    };
    let gone = SweptRole {
        role_id: "AROA2".to_owned(),
        gone_at: Some(now()),
        ..swept.clone()
    };
    for role in [&gone, &swept, &swept] {
        state.save_swept_role(role).await.unwrap();
    }
    let mut known = state.swept_roles(ACCOUNT).await.unwrap();
    known.sort_by(|one, other| one.role_id.cmp(&other.role_id));
    assert_eq!(known, [swept, gone]);
    assert_eq!(state.swept_roles("999988887777").await.unwrap(), []);

    let reported = ReportedDocument {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role: "Datadog".to_owned(),
        digest: "d1".to_owned(),
        findings: "f1".to_owned(),
        event_time: now(),
        actor: Some("IAM user alice".to_owned()),
        reported_at: now(),
        incident: "TW-1".to_owned(),
    };
    state.save_reported_document(&reported).await.unwrap();
    let again = ReportedDocument {
        incident: "TW-2".to_owned(),
        ..reported
    };
    state.save_reported_document(&again).await.unwrap();
    let read = state
        .reported_document(ACCOUNT, "datadog", "d1")
        .await
        .unwrap();
    assert_eq!(
        read,
        Some(again),
        "the last telling, whatever the name's case"
    );
    let other = state
        .reported_document(ACCOUNT, "Datadog", "d2")
        .await
        .unwrap();
    assert_eq!(other, None);

    assert_eq!(state.sweep_requested(ACCOUNT).await.unwrap(), None);
    for at in [now(), now() + SignedDuration::from_secs(1)] {
        state.request_sweep(ACCOUNT, at).await.unwrap();
        assert_eq!(state.sweep_requested(ACCOUNT).await.unwrap(), Some(at));
    }
}
