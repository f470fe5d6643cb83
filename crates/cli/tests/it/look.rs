//! The first look, `make try`: what it shows is what README says it shows.

use std::process::Command;

use crate::here;

#[test]
fn the_first_look_shows_an_audit_a_replay_and_a_check() {
    let look = here().join("../../examples/look.sh");
    let ran = Command::new(&look)
        .arg(env!("CARGO_BIN_EXE_trustwarden"))
        .env_remove("TRUSTWARDEN_RULES")
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}\n{:?}", ran.stderr);
    for line in [
        "Audit of account 111122223333, 2026-11-21\n  6 roles: 3 approved, 5 with external access\n",
        "13 findings (2 CRITICAL, 4 HIGH, 7 MEDIUM)",
        "5 records in 1 file: 0 irrelevant, 2 approved, 3 alerts, 0 failed calls, 0 duplicates, 0 unreadable\n",
        "plan: revert; the newest approved trust policy",
        "CRITICAL public-trust  role/partner-export (ExportRole) in 111122223333  template.yaml:",
        "2 trust policies, 1 approved: 5 findings (1 CRITICAL, 4 MEDIUM)\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // A program that cannot be run is no look.
    let none = Command::new(&look).arg("no-such-program").output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}
