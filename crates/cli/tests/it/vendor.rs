//! `vendor new` as a person runs it: whatever is asked for, either nothing is written and the
//! reason said, or the rules still validate with nothing else changed, and the template passes
//! `check` by them without a finding.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use serde_json::Value;

pub(crate) const NOW: &str = "2026-11-21T00:00:00Z";

pub(crate) const RULES: &str = "\
# Who may have access.
version: 1
trusted_accounts: [\"222233334444\"]   # ours

vendors:
  # the first
  - name: Datadog
    accounts: [\"464622532012\"]
    roles: [\"DatadogIntegration*\", Exact]
    external_id: { required: true, values: [\"5b0c9f3de1a84c7b9d26f0a4c8e7135a\"] }

# Long-term keys.
access_keys: { allow_users: [\"ci-build\"] }
";

/// A folder of this test alone, taken away at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("vendor-{name}-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("access.yaml"), RULES).unwrap();
        Self(path)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_trustwarden"))
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn new_vendor(&self, arguments: &[&str]) -> Output {
        let begin = ["vendor", "new", "--rules", "access.yaml", "--now", NOW];
        self.run(&[&begin[..], arguments].concat())
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// The result passes `check`: no finding of any severity, and every policy approved.
    fn passes_check(&self, template: &str) -> usize {
        let checked = self.run(&[
            "check",
            "--rules",
            "access.yaml",
            "--account",
            "111122223333",
            "--now",
            NOW,
            "--format",
            "json",
            template,
        ]);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), Some(0), "{said}");
        let answer: Value = serde_json::from_slice(&checked.stdout).unwrap();
        assert_eq!(answer["findings"], serde_json::json!([]), "{answer}");
        let policies = answer["summary"]["policies"].as_u64().unwrap();
        assert_eq!(answer["summary"]["approved"], policies);
        usize::try_from(policies).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What every run needs and these tests do not vary.
const USUAL: &[&str] = &[
    "--name",
    "Example Monitoring",
    "--account",
    "333344445555",
    "--role",
    "Monitoring",
    "--action",
    "ec2:Describe*",
    "--owner",
    "platform@example.com",
    "--expires",
    "2027-03-31",
];

#[test]
fn every_combination_of_flags_passes_check() {
    let names: [&[&str]; 1] = [&["--name", "Example Monitoring"]];
    let from: [&[&str]; 3] = [
        &["--account", "333344445555,444455556666"],
        &["--principal", "arn:aws:iam::333344445555:role/runner"],
        &[
            "--principal",
            "arn:aws-us-gov:iam::333344445555:user/x",
            "--account",
            "333344445555",
        ],
    ];
    let roles: [(usize, &[&str]); 4] = [
        (1, &["--role", "Monitoring"]),
        (2, &["--role", "Monitoring", "--role", "a+=,.@-_Z"]),
        (
            1,
            &["--role", "Monitoring", "--external-id", "dd_7Hq2LmX9pRt4"],
        ),
        (
            2,
            &[
                "--role",
                "Monitoring",
                "--role",
                "Other",
                "--external-id",
                "dd_7Hq2LmX9pRt4",
                "--external-id",
                "x/:\\=+@,.-q7Hq2LmX9",
            ],
        ),
    ];
    let does: [&[&str]; 3] = [
        &["--action", "ec2:Describe*,s3:GetObject"],
        &[
            "--action",
            "s3:GetObject",
            "--resource",
            "arn:aws:s3:::bucket/*",
        ],
        &["--profile", "profile.yaml"],
    ];
    let until: [&[&str]; 3] = [
        &[
            "--owner",
            "Jane <jane@example.com>",
            "--expires",
            "2027-03-31",
        ],
        &[
            "--owner",
            "x",
            "--ticket",
            "SEC-1",
            "--expires",
            "2027-03-31T12:00:00+02:00",
        ],
        &[
            "--owner",
            "x",
            "--ticket",
            "{{resolve:ssm:x}}",
            "--expires",
            "2026-11-21",
        ],
    ];
    let long: [&[&str]; 2] = [&[], &["--session-duration", "12h"]];
    let folder = Folder::new("combinations");
    let profile = "actions: [\"cloudwatch:Get*\"]\nresources: []\n";
    fs::write(folder.0.join("profile.yaml"), profile).unwrap();
    let mut ran = 0;
    for name in names {
        for from in from {
            for (count, role) in roles {
                for does in does {
                    // The rest does not depend on the roles: not every pair of them need be tried.
                    let until = until[ran % until.len()];
                    let long = long[ran % long.len()];
                    ran += 1;
                    fs::write(folder.0.join("access.yaml"), RULES).unwrap();
                    let flags = [name, from, role, does, until, long].concat();
                    let made = folder.new_vendor(&flags);
                    assert_eq!(made.status.code(), Some(0), "{flags:?}: {}", said(&made));
                    fs::write(folder.0.join("role.json"), &made.stdout).unwrap();
                    assert_eq!(folder.passes_check("role.json"), count, "{flags:?}");
                    let text = String::from_utf8(made.stdout).unwrap();
                    assert!(!text.contains("{{"), "{text}");
                    let rules = folder.text("access.yaml");
                    assert!(
                        RULES
                            .lines()
                            .all(|line| rules.lines().any(|new| new == line))
                    );
                    let valid = folder.run(&["rules", "check", "--now", NOW, "access.yaml"]);
                    assert_eq!(valid.status.code(), Some(0), "{}", said(&valid));
                    assert!(valid.stderr.is_empty(), "{}", said(&valid));
                }
            }
        }
    }
}

#[test]
fn the_template_says_what_was_asked_for() {
    let folder = Folder::new("template");
    let flags = [
        USUAL,
        &[
            "--ticket",
            "SEC-1",
            "--session-duration",
            "4h",
            "--template",
            "role.json",
            "--resource",
            "arn:aws:ec2:*:*:instance/*",
        ],
    ]
    .concat();
    let made = folder.new_vendor(&flags);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    assert!(made.stdout.is_empty());
    let template: Value = serde_json::from_str(&folder.text("role.json")).unwrap();
    let role = &template["Resources"]["Role"]["Properties"];
    assert_eq!(role["RoleName"], "Monitoring");
    assert_eq!(role["MaxSessionDuration"], 14_400);
    let tags: Vec<(&str, &str)> = role["Tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["Key"].as_str().unwrap(), tag["Value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        tags,
        [
            ("vendor", "Example Monitoring"),
            ("owner", "platform@example.com"),
            ("ticket", "SEC-1"),
            ("expires", "2027-03-31"),
        ]
    );
    let trust = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trust.as_array().unwrap().len(), 1);
    assert_eq!(
        trust[0]["Principal"],
        serde_json::json!({ "AWS": "333344445555" })
    );
    assert_eq!(trust[0]["Action"], "sts:AssumeRole");
    assert_eq!(
        trust[0]["Condition"]["DateLessThan"]["aws:CurrentTime"],
        "2027-04-01T00:00:00Z"
    );
    let id = trust[0]["Condition"]["StringEquals"]["sts:ExternalId"]
        .as_str()
        .unwrap();
    // A UUID of version 4, and of the variant of RFC 9562.
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'), "{id}");
    assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
    assert!(folder.text("access.yaml").contains(id));
    assert!(said(&made).contains(&format!("external id {id}")));
    assert_eq!(
        template["Outputs"]["RoleArn"]["Value"],
        serde_json::json!({ "Fn::GetAtt": ["Role", "Arn"] })
    );
}

#[test]
fn no_two_external_ids_are_the_same() {
    let folder = Folder::new("random");
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..5 {
        let made =
            folder.new_vendor(&[USUAL, &["--role", "B", "--role", "C", "--dry-run"]].concat());
        let text = String::from_utf8(made.stdout).unwrap();
        ids.extend(text.lines().filter_map(|line| {
            let (_, id) = line.split_once("\"sts:ExternalId\": \"")?;
            Some(id.trim_matches(['"', ',']).to_owned())
        }));
    }
    assert_eq!(ids.len(), 15);
}

#[test]
fn what_is_not_right_is_refused_and_nothing_written() {
    let folder = Folder::new("refused");
    fs::write(folder.0.join("there.json"), "{}").unwrap();
    let vary = |flag: &str, value: &'static str| -> Vec<&'static str> {
        let mut flags = USUAL.to_vec();
        match flags.iter().position(|word| *word == flag) {
            Some(at) => flags[at + 1] = value,
            None => {
                flags.extend([flag, value].map(|word| -> &'static str { word.to_owned().leak() }))
            }
        }
        flags
    };
    for (flags, expected) in [
        (
            vary("--name", "datadog"),
            "another vendor is named `datadog`",
        ),
        (vary("--name", " "), "the name is empty"),
        (
            vary("--name", "a\nb"),
            "the name `a\\nb` has characters that cannot be seen",
        ),
        (
            vary("--owner", "\u{202e}x"),
            "the owner `\\u{202e}x` has characters",
        ),
        (vary("--account", "12345"), "an account id has 12 digits"),
        (
            vary("--account", "222233334444"),
            "account 222233334444 is yours",
        ),
        (
            vary("--principal", "arn:aws:iam::333344445555:role/*"),
            "comes as this vendor",
        ),
        (vary("--principal", "runner"), "is not a principal's ARN"),
        (
            vary("--principal", "arn:aws:iam::333344445555:root"),
            "root stands for the whole account",
        ),
        (vary("--role", "Monitoring*"), "is not a role name"),
        (vary("--role", "path/Monitoring"), "is not a role name"),
        (
            vary("--role", "EXACT"),
            "role EXACT already trusts vendor `Datadog`",
        ),
        (vary("--action", "*"), "`*` is more than anyone needs"),
        (
            vary("--action", "iam:*"),
            "`iam:*` is more than anyone needs",
        ),
        (vary("--action", "Describe"), "`Describe` is not an action"),
        (vary("--resource", "*"), "`*` is not the ARN"),
        (
            vary("--resource", "arn:aws:s3:::{{resolve:ssm:x}}"),
            "is not the ARN",
        ),
        (
            vary("--expires", "2026-11-20"),
            "`2026-11-20` is not a future date",
        ),
        (vary("--expires", "never"), "`never` is not a future date"),
        (
            vary("--external-id", "12345"),
            "can be guessed: it is shorter than 8 characters",
        ),
        (
            vary("--external-id", "333344445555"),
            "can be guessed: it is an account id",
        ),
        (
            vary("--external-id", "Example-Monitoring-1"),
            "made of the vendor's or a company's name",
        ),
        (
            vary("--external-id", "5B0C9f3de1a84c7b9d26f0a4c8e7135a"),
            "already used by vendor `Datadog`",
        ),
        (
            vary("--external-id", "x y q7Hq2LmX9"),
            "cannot be an external id",
        ),
        (vary("--external-id", "q7Hq2LmX9*"), "comes as this vendor"),
        (vary("--session-duration", "13h"), "write 1h to 12h"),
        (
            vary("--template", "there.json"),
            "there.json exists; --force overwrites it",
        ),
        (
            vary("--template", "nowhere/x.json"),
            "cannot write nowhere/x.json",
        ),
        (
            vary("--profile", "there.json"),
            "there.json cannot be used: it is not a profile",
        ),
        (
            vary("--rules", "nowhere.yaml"),
            "cannot be used multiple times",
        ),
    ] {
        let made = folder.new_vendor(&flags);
        let said = said(&made);
        assert_eq!(made.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(expected), "{flags:?}: {said}");
        assert!(made.stdout.is_empty());
        assert_eq!(folder.text("access.yaml"), RULES, "{flags:?}");
        assert_eq!(folder.text("there.json"), "{}");
    }
    let two = [USUAL, &["--role", "B", "--external-id", "dd_7Hq2LmX9pRt4"]].concat();
    assert!(said(&folder.new_vendor(&two)).contains("1 external ids for 2 roles"));
    let twice = [USUAL, &["--role", "monitoring"]].concat();
    assert!(said(&folder.new_vendor(&twice)).contains("role monitoring stands here twice"));
    let none = folder.new_vendor(&["--name", "x"]);
    assert!(said(&none).contains(
        "say --account or --principal, --role, --action or --profile, --owner, --expires"
    ));
}

#[test]
fn a_file_that_does_not_validate_is_left_alone() {
    let folder = Folder::new("invalid");
    for text in [
        "version: 1\nvendros: []\n",
        "version: 1\ntrusted_accounts: [\"1\"]\n",
        "",
    ] {
        fs::write(folder.0.join("access.yaml"), text).unwrap();
        let made = folder.new_vendor(USUAL);
        assert_eq!(made.status.code(), Some(2), "{}", said(&made));
        assert!(made.stdout.is_empty());
        assert_eq!(folder.text("access.yaml"), text);
    }
}

#[test]
fn what_is_written_is_written_with_care() {
    let folder = Folder::new("care");
    // A second run finds the first.
    let force = [USUAL, &["--template", "role.json", "--force"]].concat();
    fs::write(folder.0.join("role.json"), "old").unwrap();
    assert_eq!(folder.new_vendor(&force).status.code(), Some(0));
    assert!(folder.text("role.json").starts_with('{'));
    let again = folder.new_vendor(&force);
    assert!(
        said(&again).contains("already trusts vendor `Example Monitoring`"),
        "{}",
        said(&again)
    );
    // Nothing is left beside the files.
    let names: Vec<String> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    // A dry run says everything and writes nothing.
    fs::write(folder.0.join("access.yaml"), RULES).unwrap();
    let dry = folder.new_vendor(&[USUAL, &["--template", "other.json", "--dry-run"]].concat());
    let text = String::from_utf8(dry.stdout).unwrap();
    assert!(
        text.starts_with("# access.yaml, from line 12\n  - name: Example Monitoring\n"),
        "{text}"
    );
    assert!(text.contains("\n# other.json\n{\n"), "{text}");
    assert_eq!(folder.text("access.yaml"), RULES);
    assert!(!folder.0.join("other.json").exists());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_rights_stay_as_they_are() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new("link");
    let real = folder.0.join("real.yaml");
    fs::rename(folder.0.join("access.yaml"), &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", folder.0.join("access.yaml")).unwrap();
    assert_eq!(folder.new_vendor(USUAL).status.code(), Some(0));
    let link = folder.0.join("access.yaml").symlink_metadata().unwrap();
    assert!(link.is_symlink());
    let mode = fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(folder.text("real.yaml").contains("Example Monitoring"));
}

/// Texts that someone would try: of YAML, of CloudFormation, of a terminal, and any.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "!Sub ${AWS::AccountId}",
            "{{resolve:secretsmanager:prod:SecretString}}",
            "{\"Fn::Sub\": \"x\"}",
            "x\", \"accounts\": [\"999988887777\"], \"y\": \"",
            "x\nmode: enforce",
            "x\n    accounts: [\"666677778888\"]\n  - name: y",
            "x # y",
            "*all",
            "&all",
            "- x",
            "? x",
            "|",
            ">-",
            "%YAML 1.2",
            "---",
            "...",
            "~",
            "0x10",
            "1e3",
            "'",
            "\"",
            "\\",
            "<<: *x",
            "\u{feff}x",
            "\u{2028}x",
            "\u{85}x",
            "\u{1b}[31mx",
            "Zürich 東京 & Söhne (EU)",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,20}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_name_becomes_anything_but_a_name(name in hostile(), owner in hostile(), ticket in hostile()) {
        let folder = Folder::new("hostile");
        let flags = [
            format!("--name={name}"), format!("--owner={owner}"), format!("--ticket={ticket}"),
        ];
        let mut all: Vec<&str> = flags.iter().map(String::as_str).collect();
        all.extend_from_slice(&USUAL[2..8]);
        all.extend(["--expires", "2027-03-31", "--template", "role.json"]);
        let made = folder.new_vendor(&all);
        let said = said(&made);
        prop_assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
        if made.status.code() == Some(2) {
            prop_assert_eq!(folder.text("access.yaml"), RULES);
            prop_assert!(!folder.0.join("role.json").exists());
            return Ok(());
        }
        prop_assert_eq!(made.status.code(), Some(0), "{}", said);
        prop_assert_eq!(folder.passes_check("role.json"), 1);
        let template = folder.text("role.json");
        prop_assert!(!template.contains("{{"), "{template}");
        let template: Value = serde_json::from_str(&template).unwrap();
        prop_assert_eq!(template["Resources"].as_object().unwrap().len(), 1);
        // The rules say the three texts as they were given, and nothing else new.
        let rules = folder.text("access.yaml");
        let compiled = folder.run(&["rules", "compile", "access.yaml"]);
        let compiled = String::from_utf8(compiled.stdout).unwrap();
        let line = compiled.lines().find(|line| line.contains("333344445555")).unwrap();
        let entry: Value =
            serde_json::from_str(&format!("{{{}}}", line.trim_end_matches(','))).unwrap();
        let vendors = entry["account/333344445555"]["vendors"].as_array().unwrap();
        prop_assert_eq!(vendors.len(), 1);
        prop_assert_eq!(&vendors[0]["name"], &Value::from(name));
        prop_assert_eq!(&vendors[0]["owner"], &Value::from(owner));
        prop_assert_eq!(&vendors[0]["ticket"], &Value::from(ticket));
        prop_assert_eq!(compiled.matches("\"account/").count(), 3);
        prop_assert!(RULES.lines().all(|line| rules.lines().any(|new| new == line)));
    }
}
