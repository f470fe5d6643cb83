use proptest::prelude::*;

use super::*;
use crate::rules::yaml::parse;

/// The file after a key of its second vendor, B, got a value.
fn set(text: &str, key: &str, value: &str) -> Option<String> {
    let mut file = parse(text).unwrap();
    let vendor = &mut file.vendors[1];
    let field = match key {
        "ticket" => &mut vendor.ticket,
        _ => &mut vendor.expires,
    };
    let there = field.replace(value.to_owned()).is_some();
    proven(text, &file, settings(text, 1, key, value, there)).map(|(_, new)| new)
}

fn removed(text: &str, index: usize) -> Option<String> {
    let mut file = parse(text).unwrap();
    file.vendors.remove(index);
    proven(text, &file, removals(text, index)).map(|(_, new)| new)
}

#[test]
fn a_key_is_set_where_it_stands_or_at_the_end_of_its_entry() {
    for (before, after) in [
        // in its place, with the quotes that are there, and the comment behind it
        (
            "version: 1\nvendors:\n- name: A\n- name: B\n  expires: 2026-12-31 # renewed\n  owner: x\n",
            "version: 1\nvendors:\n- name: A\n- name: B\n  expires: 2027-12-31 # renewed\n  owner: x\n",
        ),
        (
            "version: 1\nvendors:\n  - {name: A}\n  - {name: B, expires: \"2026-12-31\"}\n",
            "version: 1\nvendors:\n  - {name: A}\n  - {name: B, expires: \"2027-12-31\"}\n",
        ),
        // at the end, before what follows and its comment
        (
            "version: 1\nvendors:\n  - name: A\n  - name: B # b\n    roles: [R]\n\n# modes\nmode: alert\n",
            "version: 1\nvendors:\n  - name: A\n  - name: B # b\n    roles: [R]\n    expires: 2027-12-31\n\n# modes\nmode: alert\n",
        ),
        // a last line without its end
        (
            "version: 1\nvendors:\n- name: A\n- name: B",
            "version: 1\nvendors:\n- name: A\n- name: B\n  expires: 2027-12-31\n",
        ),
        // in brackets, and as JSON
        (
            "version: 1\nvendors: [{name: A}, {name: B, roles: [\"x\"]}]\n",
            "version: 1\nvendors: [{name: A}, {name: B, \"expires\": \"2027-12-31\", roles: [\"x\"]}]\n",
        ),
        (
            "{\"version\": 1, \"vendors\": [{\"name\": \"A\"}, {\"expires\": \"2026-12-31\", \"name\": \"B\"}]}",
            "{\"version\": 1, \"vendors\": [{\"name\": \"A\"}, {\"expires\": \"2027-12-31\", \"name\": \"B\"}]}",
        ),
    ] {
        for newline in ["\n", "\r\n"] {
            let before = before.replace('\n', newline);
            let found = set(&before, "expires", "2027-12-31");
            assert_eq!(found, Some(after.replace('\n', newline)), "{before}");
        }
    }
}

#[test]
fn an_alias_is_left_to_a_person() {
    // Both entries are one: no edit of one leaves the other as it is.
    let text = "version: 1\nvendors:\n- &a { name: A }\n- *a\n";
    assert_eq!(set(text, "expires", "2027-12-31"), None);
    let shared =
        "version: 1\nvendors:\n- { name: A, expires: &e 2026-01-01 }\n- { name: B, expires: *e }\n";
    let found = set(shared, "expires", "2027-12-31");
    assert_eq!(
        found.as_deref(),
        Some(
            "version: 1\nvendors:\n- { name: A, expires: &e 2026-01-01 }\n\
             - { name: B, expires: 2027-12-31 }\n"
        )
    );
}

#[test]
fn an_entry_goes_with_its_lines_alone() {
    for (before, index, after) in [
        (
            "version: 1\nvendors:\n  # first\n  - name: A\n    owner: a\n    # within\n\n  # second\n  - name: B\n\nmode: alert\n",
            0,
            "version: 1\nvendors:\n  # first\n\n  # second\n  - name: B\n\nmode: alert\n",
        ),
        (
            "version: 1\nvendors:\n  - name: A\n\n  - name: B\n    roles:\n      - x\n\nmode: alert\n",
            1,
            "version: 1\nvendors:\n  - name: A\n\nmode: alert\n",
        ),
        (
            "version: 1\nvendors:\n- name: A\n# end\n",
            0,
            "version: 1\nvendors:\n# end\n",
        ),
        (
            "version: 1\nvendors: [{name: A}, {name: B, external_id: {required: false}}, {name: C}] # all\n",
            1,
            "version: 1\nvendors: [{name: A}, {name: C}] # all\n",
        ),
        (
            "{\"version\":1,\"vendors\":[{\"name\":\"A\"},{\"name\":\"B\"}]}",
            1,
            "{\"version\":1,\"vendors\":[{\"name\":\"A\"}]}",
        ),
        (
            "{\"version\":1,\"vendors\":[{\"name\":\"A}\"}]}",
            0,
            "{\"version\":1,\"vendors\":[]}",
        ),
    ] {
        for newline in ["\n", "\r\n"] {
            let before = before.replace('\n', newline);
            let found = removed(&before, index);
            assert_eq!(found, Some(after.replace('\n', newline)), "{before}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn all_else_stays_byte_for_byte(
        name in any::<String>(),
        ticket in any::<String>(),
        indent in 0_usize..4,
        blank in any::<bool>(),
        comment in "[ a-z:{}\\[\\]\"'-]{0,12}",
        many in 2_usize..4,
    ) {
        let pad = " ".repeat(indent);
        let gap = if blank { "\n" } else { "" };
        let mut text = format!("version: 1\n# {comment}\nvendors:\n");
        for index in 0..many {
            let name = if index == 1 { quoted(&name) } else { format!("V{index}") };
            text.push_str(&format!("{pad}- name: {name} # {comment}\n{pad}  roles: [R]\n{gap}"));
        }
        text.push_str(&format!("{pad}# {comment}\nmode: alert\n"));
        let written = set(&text, "ticket", &ticket).unwrap();
        let lines: Vec<&str> = written.lines().collect();
        prop_assert!(text.lines().all(|line| lines.contains(&line)));
        prop_assert_eq!(written.lines().count(), text.lines().count() + 1);
        let gone = removed(&text, 1).unwrap();
        prop_assert_eq!(parse(&gone).unwrap().vendors.len(), many - 1);
        let left: Vec<&str> = text.lines().collect();
        prop_assert!(gone.lines().all(|line| left.contains(&line)));
    }
}
