//! `make demo`, as it is told to a person.

use serde_json::Value;
use trustwarden_tests::{binaries, machine};

#[test]
fn the_demo_runs_to_its_end() {
    let transcript = machine().folder.join("demo.json");
    let mut reported = Vec::new();
    let ok = local::demo::demo(&binaries(), &transcript, &mut reported).unwrap();
    let reported = String::from_utf8(reported).unwrap();
    assert!(ok, "{reported}");
    let transcript: Value = serde_json::from_slice(&std::fs::read(transcript).unwrap()).unwrap();
    assert_eq!(transcript["ok"], true);
    let steps = transcript["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6);
    for step in steps {
        for field in ["name", "call", "alerts", "iam_after", "seconds"] {
            assert!(step.get(field).is_some(), "{field}: {step}");
        }
    }
    // The steps, the e-mails, the end.
    for line in [
        "1. The platform team gives Datadog access",
        "\n   │ Subject: REMEDIATING ",
        "AccessDenied",
        "What IAM holds at the end",
        "All of it was seen",
    ] {
        assert!(reported.contains(line), "{line}: {reported}");
    }
}
