//! What is planned when.

use trustwarden_guard::remediate::{PlanKind, QUARANTINE, Reason, Situation, fall_back, plan};
use trustwarden_guard::rules::{ChangedRole, NewRole, Remediation};
use trustwarden_guard::state::history::RoleHistory;

use super::*;

/// DESIGN, safety lines 4 and 6, as one table: what is planned when.
#[test]
fn the_plan_follows_the_rules_the_history_and_the_budget() {
    let good = document(&[allow(r#"{"AWS":"111111111111"}"#)]);
    let mixed = document(&[allow(r#"{"AWS":["111111111111","999988887777"]}"#)]);
    let hopeless = document(&[allow(r#"{"AWS":"999988887777"}"#)]);
    let expired = document(&[allow(r#"{"AWS":"*"}"#)]);
    let mut known = history();
    known.remember(baseline(&good, Some(0), 0));
    known.remember(baseline(&expired, Some(5), 5));
    let empty = history();
    let remediation = |changed, new| Remediation {
        changed_role: changed,
        new_role: new,
        ..Remediation::default()
    };
    use ChangedRole as C;
    use NewRole as N;
    use PlanKind::{Quarantine, Repair, Revert};
    let usual = remediation(C::Revert, N::Repair);
    // (live, critical, created, history, remediation, writes used) → plan, document
    #[expect(clippy::type_complexity, reason = "the columns of a table")]
    let cases: [(
        &str,
        bool,
        bool,
        &RoleHistory,
        &Remediation,
        usize,
        Result<(PlanKind, &str), Reason>,
    ); 16] = [
        // The newest baseline violates today's rules: the one before it is restored.
        (&mixed, true, false, &known, &usual, 0, Ok((Revert, &good))),
        (&mixed, true, true, &known, &usual, 0, Ok((Revert, &good))),
        (&mixed, true, false, &empty, &usual, 0, Ok((Repair, ""))),
        (&mixed, true, true, &empty, &usual, 0, Ok((Repair, ""))),
        (
            &hopeless,
            true,
            false,
            &empty,
            &usual,
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &hopeless,
            true,
            true,
            &empty,
            &usual,
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Repair, N::Off),
            0,
            Ok((Repair, "")),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Quarantine, N::Off),
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            true,
            &empty,
            &remediation(C::Off, N::Quarantine),
            0,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &remediation(C::Off, N::Repair),
            0,
            Err(Reason::Off),
        ),
        (
            &mixed,
            true,
            true,
            &empty,
            &remediation(C::Revert, N::Off),
            0,
            Err(Reason::Off),
        ),
        (&mixed, true, false, &known, &usual, 1, Ok((Revert, &good))),
        // The last write of three closes, and only what is CRITICAL.
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            2,
            Ok((Quarantine, QUARANTINE)),
        ),
        (
            &mixed,
            false,
            false,
            &known,
            &usual,
            2,
            Err(Reason::BudgetSpent { used: 2, most: 3 }),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            3,
            Err(Reason::BudgetSpent { used: 3, most: 3 }),
        ),
        (
            &mixed,
            true,
            false,
            &known,
            &usual,
            9,
            Err(Reason::BudgetSpent { used: 9, most: 3 }),
        ),
    ];
    for (number, (live, critical, created, history, remediation, writes_used, expected)) in
        cases.into_iter().enumerate()
    {
        let situation = Situation {
            live,
            critical,
            tolerating: false,
            created,
            changed: true,
            history,
            remediation,
            writes_used,
        };
        let planned = plan(&situation, &ByName);
        match (planned, expected) {
            (Ok(plan), Ok((kind, document))) => {
                assert_eq!(plan.kind, kind, "case {number}");
                assert!(
                    document.is_empty() || plan.document == document,
                    "case {number}"
                );
                assert!(
                    compliant(&plan.document),
                    "case {number}: what is planned is lawful"
                );
            }
            (planned, expected) => {
                assert_eq!(planned.err(), expected.err(), "case {number}");
            }
        }
    }
    let situation = Situation {
        live: &mixed,
        critical: true,
        tolerating: true,
        created: false,
        changed: true,
        history: &known,
        remediation: &usual,
        writes_used: 0,
    };
    assert_eq!(
        plan(&situation, &ByName).unwrap().kind,
        Repair,
        "what the rules leave to people stays"
    );
    let situation = Situation {
        tolerating: false,
        ..situation
    };
    let next = fall_back(Revert, "too long", &situation, &ByName).unwrap();
    assert_eq!(
        (next.kind, next.fallback.as_deref()),
        (Repair, Some("too long"))
    );
    assert_eq!(
        fall_back(Repair, "too long", &situation, &ByName)
            .unwrap()
            .kind,
        Quarantine
    );
    assert_eq!(fall_back(Quarantine, "too long", &situation, &ByName), None);
}
