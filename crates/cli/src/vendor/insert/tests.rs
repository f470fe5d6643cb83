use guard::rules::{ExternalIdOwner, ExternalIdRule, Permissions, RoleEntry};
use proptest::prelude::*;

use super::*;
use crate::rules::yaml::parse;

fn vendor(name: &str) -> Vendor {
    Vendor {
        name: name.to_owned(),
        accounts: vec!["012345678901".to_owned()],
        roles: vec![RoleEntry {
            name: "New".to_owned(),
            external_id: None,
        }],
        principals: Vec::new(),
        external_id: ExternalIdRule {
            required: true,
            values: vec!["5f3c9f0e-8a55-4d2b-9c63-7a1d6c7f1b21".to_owned()],
            owner: Some(ExternalIdOwner::Us),
        },
        permissions: Some(Permissions {
            allow: vec!["ec2:Describe*".to_owned()],
        }),
        users: Vec::new(),
        owner: Some("platform@example.com".to_owned()),
        ticket: Some("SEC-1".to_owned()),
        expires: Some("2027-03-31".to_owned()),
        mode: None,
        accepted: None,
        accounts_of_ours: Vec::new(),
    }
}

const ENTRY: [&str; 8] = [
    "- name: New One",
    "  accounts: [\"012345678901\"]",
    "  roles: [\"New\"]",
    "  external_id: { required: true, values: [\"5f3c9f0e-8a55-4d2b-9c63-7a1d6c7f1b21\"], owner: us }",
    "  permissions: { allow: [\"ec2:Describe*\"] }",
    "  owner: platform@example.com",
    "  ticket: SEC-1",
    "  expires: 2027-03-31",
];

/// `@N` stands for the entry with N blanks before each line.
#[test]
fn an_entry_goes_where_a_person_would_write_it() {
    let cases = [
        // behind the last entry, and not behind the comments of what follows
        (
            "version: 1\nvendors:\n  - name: A\n    accounts: []\n    # on A\n\n# next\nmode: alert\n",
            "version: 1\nvendors:\n  - name: A\n    accounts: []\n    # on A\n\n@2\n# next\nmode: alert\n",
        ),
        // as far from the last as that is from the one before
        (
            "version: 1\nvendors:\n  - name: A\n  - name: B\nmode: alert\n",
            "version: 1\nvendors:\n  - name: A\n  - name: B\n@2mode: alert\n",
        ),
        (
            "version: 1\nvendors:\n  - name: A\n\n  - name: B\n\nmode: alert\n",
            "version: 1\nvendors:\n  - name: A\n\n  - name: B\n\n@2\nmode: alert\n",
        ),
        // dashes under the key
        (
            "version: 1\nvendors:\n- name: A\n  roles:\n  - \"B\"\nmode: alert\n",
            "version: 1\nvendors:\n- name: A\n  roles:\n  - \"B\"\n\n@0mode: alert\n",
        ),
        // a dash on a line of its own
        (
            "version: 1\nvendors:\n  -\n    accounts: []\n    name: A\nmode: alert\n",
            "version: 1\nvendors:\n  -\n    accounts: []\n    name: A\n\n@2mode: alert\n",
        ),
        (
            "version: 1\nvendors:\n  - # the first\n    name: A",
            "version: 1\nvendors:\n  - # the first\n    name: A\n\n@2",
        ),
        // a folded text, and brackets over several lines
        (
            "version: 1\nvendors:\n  - name: >\n      A\n      # B\n    accounts: [\n      \"111122223333\",\n    ]\nmode: alert\n",
            "version: 1\nvendors:\n  - name: >\n      A\n      # B\n    accounts: [\n      \"111122223333\",\n    ]\n\n@2mode: alert\n",
        ),
        // an empty section, none, and one in a comment
        (
            "version: 1\nvendors:   # none yet\nmode: alert\n",
            "version: 1\nvendors:   # none yet\n@2mode: alert\n",
        ),
        (
            "version: 1\nmode: alert",
            "version: 1\nmode: alert\n\nvendors:\n@2",
        ),
        (
            "version: 1\n# Third parties.\n#vendors:\n#  - name: A\n# text\n#    roles: []\n\nmode: alert\n",
            "version: 1\n# Third parties.\n#vendors:\n#  - name: A\n# text\n#    roles: []\nvendors:\n@2\nmode: alert\n",
        ),
    ];
    for (before, after) in cases {
        for newline in ["\n", "\r\n"] {
            let mut after = after.to_owned();
            for indent in [0, 2] {
                let pad = " ".repeat(indent);
                let entry: String = ENTRY.iter().map(|line| format!("{pad}{line}\n")).collect();
                after = after.replace(&format!("@{indent}"), &entry);
            }
            let before = before.replace('\n', newline);
            let file = parse(&before).unwrap();
            let (_, found) = insert(&before, &file, Entry::Vendor(&vendor("New One"))).unwrap();
            assert_eq!(found, after.replace('\n', newline), "{before}");
        }
    }
}

#[test]
fn brackets_are_filled_as_they_stand() {
    let entry = flow(&vendor("New One"));
    for (before, after) in [
        ("version: 1\nvendors: []\n", "version: 1\nvendors: [@]\n"),
        (
            "version: 1\nvendors: [{name: A}] # one\nmode: alert\n",
            "version: 1\nvendors: [{name: A}, @] # one\nmode: alert\n",
        ),
        (
            "version: 1\nvendors: [\n  {name: A},\n]\n",
            "version: 1\nvendors: [\n  {name: A}, @\n]\n",
        ),
        ("{\"version\": 1}\n", "{\"version\": 1, \"vendors\": [@]}\n"),
        (
            "{\"version\":1,\"vendors\":[{\"name\":\"A\",\"accounts\":[]}],\"networks\":[]}",
            "{\"version\":1,\"vendors\":[{\"name\":\"A\",\"accounts\":[]}, @],\"networks\":[]}",
        ),
    ] {
        let file = parse(before).unwrap();
        let found = insert(before, &file, Entry::Vendor(&vendor("New One")))
            .unwrap()
            .1;
        assert_eq!(found, after.replace('@', &entry), "{before}");
    }
}

#[test]
fn the_line_is_that_of_the_entry() {
    let text = "version: 1\nvendors:\n  - name: A\n";
    let file = parse(text).unwrap();
    let (insertion, new) = insert(text, &file, Entry::Vendor(&vendor("New One"))).unwrap();
    let line = new.lines().position(|line| line.contains("New One"));
    assert_eq!(Some(insertion.line(text) - 1), line);
    assert!(insertion.text.contains("  - name: New One"));
}

#[test]
fn a_file_with_two_ways_to_end_is_left_to_a_person() {
    // An alias as the list: no place gives the list one entry more.
    let text = "version: 1\nnetworks: &none []\nvendors: *none\n";
    let file = parse(text).unwrap();
    assert_eq!(insert(text, &file, Entry::Vendor(&vendor("New One"))), None);
}

#[test]
fn the_first_file_and_the_example_take_an_entry() {
    for text in [
        include_str!("../../rules/first.yaml"),
        include_str!("../../../../../rules/access.yaml"),
    ] {
        let file = parse(text).unwrap();
        let (insertion, new) = insert(text, &file, Entry::Vendor(&vendor("New One"))).unwrap();
        assert!(new.contains("  - name: New One\n    accounts:"), "{new}");
        assert!(new.len() < text.len() + insertion.text.len() + 4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_that_stood_there_is_lost(
        name in any::<String>(),
        owner in any::<String>(),
        indent in 0_usize..4,
        blank in any::<bool>(),
        comment in "[ a-z:{}\\[\\]\"'-]{0,12}",
        tail in prop_oneof![Just(""), Just("mode: alert\n"), Just("# end"), Just("networks: []\n\n")],
        many in 0_usize..3,
    ) {
        let pad = " ".repeat(indent);
        let mut text = format!("version: 1\n# {comment}\nvendors:\n");
        for index in 0..many {
            text.push_str(&format!("{pad}- name: V{index} # {comment}\n{pad}  owner: \"{comment}#\"\n", comment = comment.replace('"', "")));
            if blank { text.push('\n'); }
        }
        text.push_str(&format!("{pad}# {comment}\n{tail}"));
        let file = parse(&text).unwrap();
        let new = Vendor { owner: Some(owner), ..vendor(&name) };
        let (insertion, written) = insert(&text, &file, Entry::Vendor(&new)).unwrap();
        let read = parse(&written).unwrap();
        prop_assert_eq!(read.vendors.last(), Some(&new));
        prop_assert_eq!(written.replacen(&insertion.text, "", 1).len(), text.len());
        let lines: Vec<&str> = written.lines().collect();
        prop_assert!(text.lines().all(|line| lines.contains(&line)));
    }
}
