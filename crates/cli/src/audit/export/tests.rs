//! Every shape of export, and what is left of a damaged one.

use super::*;

const ROLE: &str = r#"{"RoleName":"a\"}{","Arn":"arn:aws:iam::111122223333:role/x/a","Path":null,"AssumeRolePolicyDocument":{"Statement":[{"a":"]"}]},"Tags":[{"Key":"}"}]}"#;

/// The elements of a text, with their lines, and how it ends.
fn elements(text: &[u8]) -> (Vec<String>, Result<(), String>) {
    let mut found = Vec::new();
    let ended = read(text, true, &mut |element, place| {
        let what = match element {
            Element::Role(role) => format!("role {} {}", role.account(), role.document().unwrap()),
            Element::User(user) => format!("user {}", user.name),
            Element::Group(group) => format!("group {}", group.name),
            Element::Policy(policy) => format!("policy {} {}", policy.arn, policy.document),
            Element::Unreadable(error) => error.to_string(),
            Element::PageEnd(page) if page == PageEnd::default() => return,
            Element::PageEnd(page) => format!("{page:?}"),
        };
        found.push(format!("{}: {what}", place.line.unwrap()));
    });
    (found, ended.map_err(|error| error.to_string()))
}

#[test]
fn pages_come_in_any_shape() {
    let user = r#"{"UserName":"u"}"#;
    let group = r#"{"GroupName":"g"}"#;
    let policy =
        r#"{"Arn":"p","PolicyVersionList":[{"Document":"%7B%7D","IsDefaultVersion":true}]}"#;
    let one = format!(
        "{{\"UserDetailList\":[{user}],\n\"Other\":[1,{{\"Roles\":[{{}}]}}],\"More\":7,\"RoleDetailList\":[{ROLE} ,\n{ROLE}]}}"
    );
    let two = format!(
        "{{ \"Policies\" : [\n{policy}\n], \"GroupDetailList\": [{group}], \"Marker\": null, \"Roles\": [] }}"
    );
    let role = r#"role 111122223333 {"Statement":[{"a":"]"}]}"#;
    let read = [
        "1: user u".to_owned(),
        format!("2: {role}"),
        format!("3: {role}"),
        "4: policy p {}".to_owned(),
        "5: group g".to_owned(),
        "5: PageEnd { goes_on: false, listed: true }".to_owned(),
    ];
    assert_eq!(
        elements(format!("{one}{two}").as_bytes()),
        (read.to_vec(), Ok(()))
    );
    assert_eq!(
        elements(format!("[{one} , {two}]").as_bytes()),
        (read.to_vec(), Ok(()))
    );
}

#[test]
fn what_is_cut_off_is_never_taken_for_whole() {
    let text = format!("[{{\"UserDetailList\":[],\"RoleDetailList\":[{ROLE},{ROLE}]}}]");
    for end in 1..text.len() {
        let (found, ended) = elements(&text.as_bytes()[..end]);
        let why =
            format!("it ends in the middle (byte {end}): perhaps it was not written to its end");
        assert_eq!(ended, Err(why));
        assert!(found.len() <= 2);
    }
}

#[test]
fn damage_is_said_where_it_stands() {
    for (text, expected) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("nonsense", "it is not JSON: `n` at byte 0"),
        ("{a:1}", "it is not JSON: `a` at byte 1"),
        ("{\"a\" 1}", "it is not JSON: `1` at byte 5"),
        ("{\"a\":1 2}", "it is not JSON: `2` at byte 7"),
        ("{\"a\":1,}", "it is not JSON: `}` at byte 7"),
        ("{\"a\":}", "it is not JSON: `}` at byte 5"),
        ("{\"Roles\":[,]}", "it is not JSON: `,` at byte 10"),
        ("{\"Roles\":[7]}", "it is not JSON: `7` at byte 10"),
        ("[{\"Roles\":[]},]", "it is not JSON: `]` at byte 14"),
        (
            "{\"Roles\":[]}\u{1}",
            "it is not JSON: byte 0x01 at byte 12",
        ),
    ] {
        assert_eq!(
            elements(text.as_bytes()).1,
            Err(expected.to_owned()),
            "{text}"
        );
    }
    assert!(
        elements(b"{\"Statement\":[]}")
            .1
            .unwrap_err()
            .starts_with("it is not what")
    );
}

#[test]
fn one_object_that_cannot_be_read_does_not_take_the_next_with_it() {
    for (bad, why) in [
        (&b"{}"[..], "a role has no RoleName"),
        (b"{\"RoleName\":\"b\"}", "role b has no Arn"),
        (
            b"{\"RoleName\":\"b\",\"Arn\":\"a\",\"AssumeRolePolicyDocument\":null}",
            "role b has no AssumeRolePolicyDocument",
        ),
        (
            b"{\"RoleName\":\"b\",\"Arn\":\"a\",\"Arn\":\"a\"}",
            "RoleDetailList of a role cannot be read",
        ),
        (
            b"{\"RoleName\":\"b\",fals}",
            "RoleDetailList of a role cannot be read",
        ),
        (
            b"{\"RoleName\":\"b\xff\"}",
            "RoleDetailList of a role cannot be read",
        ),
        (
            b"{\"RoleName\":[\"b\"}}",
            "RoleDetailList of a role cannot be read",
        ),
    ] {
        let text = [b"{\"RoleDetailList\":[", bad, b",", ROLE.as_bytes(), b"]}"].concat();
        let (found, ended) = elements(&text);
        assert_eq!(ended, Ok(()), "{why}");
        assert_eq!(found.len(), 2, "{why}");
        assert_eq!(found[0], format!("1: {why}"));
    }
}

#[test]
fn a_page_says_whether_another_one_follows() {
    for (fields, goes_on) in [
        ("", false),
        (r#","IsTruncated":false"#, false),
        (r#","IsTruncated":true"#, true),
        (r#","IsTruncated":"True""#, true),
        (r#","IsTruncated":true,"Marker":"m""#, true),
        (r#","IsTruncated":false,"Marker":"m""#, false),
        (r#","Marker":"m","IsTruncated":false"#, false),
        (r#","Marker":"m""#, true),
        (r#","NextToken":"n""#, true),
        (r#","Marker":null,"NextToken":"""#, false),
    ] {
        let page = format!(r#"{{"UserDetailList":[],"RoleDetailList":[]{fields}}}"#);
        let (found, ended) = elements(page.as_bytes());
        assert_eq!(
            (found.len(), ended),
            (usize::from(goes_on), Ok(())),
            "{page}"
        );
    }
}

#[test]
fn what_stands_beside_an_export_is_not_passed_over() {
    let export = format!("{{\"RoleDetailList\":[{ROLE}]}}");
    for text in [
        format!("{export}\n{{\"x\":1}}"),
        format!("{{\"x\":1}}\n{export}"),
        format!("[{export}, {{\"x\":1}}]"),
    ] {
        let (found, ended) = elements(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}");
        assert!(ended.unwrap_err().contains("is not what"), "{text}");
    }
}

#[test]
fn one_role_is_read_as_get_role_prints_it() {
    let text = format!("{{\"Role\":{ROLE}}}\n{{\"Role\":{ROLE}}}");
    let (found, ended) = elements(text.as_bytes());
    assert_eq!(ended, Ok(()));
    let roles = found.iter().filter(|found| found.contains("role 1111"));
    assert_eq!(roles.count(), 2, "{found:?}");
    // Its permissions are not known.
    assert!(found.iter().any(|found| found.contains("listed: true")));
}
