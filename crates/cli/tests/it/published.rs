//! Rules apart from the build: the layer's zip, and what changed rules would change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::here;

fn folder(name: &str) -> PathBuf {
    let folder = format!("published-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// An unzip that knows nothing of ours: names and modes, each file checked against its CRC.
const LISTED: &str = "
import sys, zipfile
layer = zipfile.ZipFile(sys.argv[1])
assert layer.testzip() is None
for one in layer.infolist(): print(one.filename, oct(one.external_attr >> 16))
sys.stdout.flush()
sys.stdout.buffer.write(layer.read('trustwarden/rules.json'))
";

#[test]
fn the_layer_holds_the_compiled_rules_and_nothing_else() {
    let folder = folder("layer");
    let rules = here().join("testdata/audit/access.yaml");
    let rules = rules.to_str().unwrap();
    for name in ["one.zip", "two.zip"] {
        let ran = run(&folder, &["rules", "publish", "--output", name, rules]);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.success(), "{said}");
        assert!(
            said.contains(": rules 0ec795c52c14")
                && said.contains(", one file: trustwarden/rules.json, SHA-256 "),
            "{said}"
        );
    }
    let one = fs::read(folder.join("one.zip")).unwrap();
    assert_eq!(
        one,
        fs::read(folder.join("two.zip")).unwrap(),
        "the same rules, the same bytes"
    );
    let ran = Command::new("python3")
        .args(["-c", LISTED, "one.zip"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let compiled = run(&folder, &["rules", "compile", rules]).stdout;
    let expected = [b"trustwarden/rules.json 0o100644\n", &*compiled].concat();
    assert_eq!(String::from_utf8(ran.stdout), String::from_utf8(expected));
    // Rules that do not validate are no layer.
    fs::write(folder.join("wrong.yaml"), "version: 1\nvendors: 3\n").unwrap();
    let ran = run(
        &folder,
        &["rules", "publish", "--output", "none.zip", "wrong.yaml"],
    );
    assert_eq!(ran.status.code(), Some(2));
    assert!(!folder.join("none.zip").exists());
    fs::remove_dir_all(&folder).unwrap();
}

const OLD: &str = "\
version: 1
trusted_accounts: [\"222233334444\", \"333344445555\"]
vendors:
  - { name: Datadog, accounts: [\"464622532012\"], roles: [\"Datadog*\"], expires: 2027-03-31 }
  - { name: Gone, accounts: [\"555566667777\"], roles: [\"Gone*\"] }
";

const NEW: &str = "\
version: 1
trusted_accounts: [\"333344445555\"]
vendors:
  - { name: New, accounts: [\"666677778888\"], roles: [\"ExampleMetrics\"] }
  - { name: Datadog, accounts: [\"464622532012\"], roles: [\"Datadog*\"], expires: 2028-03-31 }
";

#[test]
fn a_difference_is_said_with_its_place_and_played_on_a_sample() {
    let folder = folder("diff");
    fs::write(folder.join("old.yaml"), OLD).unwrap();
    fs::write(folder.join("new.yaml"), NEW).unwrap();
    let diff = |more: &[&str]| {
        let ran = run(
            &folder,
            &[&["rules", "diff", "--against", "old.yaml"], more].concat(),
        );
        (
            ran.status.code().unwrap(),
            String::from_utf8(ran.stdout).unwrap(),
        )
    };
    let (status, said) = diff(&["new.yaml"]);
    let marks: Vec<&str> = said
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        marks,
        [
            "- trusted_accounts[\"222233334444\"]",
            "~ vendors[Datadog].expires",
            "- vendors[Gone]",
            "+ vendors[New]",
        ],
        "{said}"
    );
    assert!(
        said.contains("~ vendors[Datadog].expires: \"2027-03-31\" → \"2028-03-31\"\n"),
        "{said}"
    );
    assert_eq!(status, 0);
    assert_eq!(diff(&["--fail-on-change", "new.yaml"]).0, 1);
    assert_eq!(
        diff(&["--fail-on-change", "old.yaml"]),
        (0, "both say the same\n".to_owned())
    );
    let sample = here().join("../../examples/trail.json");
    let (status, said) = diff(&["--sample", sample.to_str().unwrap(), "new.yaml"]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains("role/ExampleMetrics"),
        "what it changes in the sample: {said}"
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_replay_is_written_to_a_file_whole_or_not_at_all() {
    let folder = folder("replay");
    let example = |name: &str| {
        here()
            .join("../../examples")
            .join(name)
            .display()
            .to_string()
    };
    let (rules, trail) = (example("access.yaml"), example("trail.json"));
    let replay = |more: &[&str]| {
        let begin = ["replay", "--rules", &rules, "--format", "jsonl"];
        run(&folder, &[&begin[..], more, &[&trail]].concat())
    };
    let printed = replay(&[]).stdout;
    let written = replay(&["--output", "replay.jsonl"]);
    assert!(
        written.status.success() && written.stdout.is_empty(),
        "{written:?}"
    );
    assert_eq!(fs::read(folder.join("replay.jsonl")).unwrap(), printed);
    let nowhere = replay(&["-o", "no/such/folder.jsonl"]);
    assert_eq!(nowhere.status.code(), Some(2));
    fs::remove_dir_all(&folder).unwrap();
}
