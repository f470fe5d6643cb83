//! What is remembered of permissions.

use guard::model::HolderKind;
use guard::permissions::{Compliant, OwnUndo, PermissionsHistory, Undo};
use guard::ports::{StateError, Store};
use guard::state::Ledger;
use guard::state::history::WriteProgress;
use guard::state::incident::Schema;

use super::{ACCOUNT, now};

pub(crate) async fn permissions(state: &Ledger<'_, impl Store>) {
    let id = "AROADATADOG";
    assert_eq!(state.permissions_history(ACCOUNT, id).await.unwrap(), None);
    let compliant = Compliant {
        inline: [("extras".to_owned(), "{}".to_owned())].into(),
        boundary: Some("arn:aws:iam::111122223333:policy/edge".to_owned()),
        at: now(),
        ..Compliant::default()
    };
    let mut history = PermissionsHistory {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        id: id.to_owned(),
        kind: HolderKind::Role,
        name: "Datadog".to_owned(),
        compliant: Some(compliant),
        writes: vec![OwnUndo {
            order: "o1".to_owned(),
            incident: "TW-1".to_owned(),
            undo: Undo::DeleteInline {
                name: "all".to_owned(),
            },
            removed: Some("{\"Statement\":[]}".to_owned()),
            at: now(),
            progress: WriteProgress::Refused,
        }],
        version: 0,
    };
    history.version = state.save_permissions_history(&history).await.unwrap();
    assert_eq!(history.version, 1);
    let read = state.permissions_history(ACCOUNT, id).await.unwrap();
    assert_eq!(read.as_ref(), Some(&history));
    // Neither as one that was never there, nor over one that nobody has read.
    for stale in [0, 2] {
        let other = PermissionsHistory {
            version: stale,
            ..history.clone()
        };
        let error = state.save_permissions_history(&other).await.unwrap_err();
        assert!(matches!(error, StateError::Conflict { .. }), "{error:?}");
    }
    assert_eq!(state.save_permissions_history(&history).await.unwrap(), 2);
    let elsewhere = state.permissions_history("999988887777", id).await;
    assert_eq!(elsewhere.unwrap(), None);
}
