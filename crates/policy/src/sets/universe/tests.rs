//! Which texts are possible, and what a view sees of them.

use super::*;

/// By the API references' patterns: `admits` and the steps of the walk alike.
#[test]
fn which_texts_are_possible() {
    let long = |begin: &str, length: usize| format!("{begin}{}", "x".repeat(length));
    let role = "arn:aws:iam::464622532012:role/";
    let cases: [(Universe, Vec<String>, Vec<String>); 10] = [
        (
            Universe::Account,
            vec!["464622532012".into()],
            vec![
                "46462253201".into(),
                "4646225320121".into(),
                "46462253201x".into(),
            ],
        ),
        (
            Universe::ExternalId,
            vec!["ab".into(), "Az09_+=,.@:/-".into(), long("", 1_224)],
            vec!["a".into(), "a b".into(), "a*".into(), long("", 1_225)],
        ),
        (
            Universe::Name(2, 64),
            vec!["ab".into(), "A+=,.@_-9".into(), long("", 64)],
            vec!["a".into(), "a/b".into(), "a:b".into(), long("", 65)],
        ),
        (
            Universe::RootArn("aws"),
            vec!["arn:aws:iam::464622532012:root".into()],
            vec![
                "arn:aws-cn:iam::464622532012:root".into(),
                "arn:aws:iam::4646:root".into(),
            ],
        ),
        (
            Universe::RoleArn("aws"),
            vec![long(role, 1), long(role, 64), format!("{role}a/b/c")],
            vec![role.into(), format!("{role}a/"), format!("{role}a*")],
        ),
        (
            Universe::UserArn("aws-cn"),
            vec!["arn:aws-cn:iam::464622532012:user/p/a".into()],
            vec![
                "arn:aws:iam::464622532012:user/a".into(),
                "arn:aws-cn:sts::464622532012:user/a".into(),
            ],
        ),
        (
            Universe::FederatedUserArn("aws"),
            vec!["arn:aws:sts::464622532012:federated-user/bob".into()],
            vec![
                "arn:aws:iam::464622532012:federated-user/bob".into(),
                "arn:aws:sts::464622532012:federated-user/".into(),
            ],
        ),
        (
            Universe::OrganizationPath,
            vec![
                "o-own1234567/r-ab12/".into(),
                "o-own1234567/r-ab12/ou-ab12-aaaaaaaa/".into(),
            ],
            vec![
                "o-own1234567".into(),
                "o-own1234567/r-ab12".into(),
                "p-own1234567/r-ab12/".into(),
            ],
        ),
        (
            Universe::ResourceArn("aws"),
            vec!["arn:aws:events:us-east-1:464622532012:rule/a".into()],
            vec![
                "arn:aws:s3:::bucket".into(),
                "arn:aws-cn:events:us-east-1:464622532012:rule/a".into(),
            ],
        ),
        (
            Universe::AccountlessArn("aws"),
            vec!["arn:aws:s3:::bucket".into()],
            vec![
                "arn:aws:events:us-east-1:464622532012:rule/a".into(),
                "arn:".into(),
            ],
        ),
    ];
    for (universe, possible, impossible) in cases {
        for (texts, expected) in [(possible, true), (impossible, false)] {
            for text in texts {
                assert_eq!(universe.admits(&text), expected, "{universe:?} {text}");
                let walks = universe.walks(universe.start(), 0, &text);
                assert_eq!(walks, expected, "{universe:?} {text}");
            }
        }
    }
}

#[test]
fn what_a_view_sees() {
    let arn = "arn:aws:iam::464622532012:role/team/Reader";
    for (view, text, expected) in [
        (View::Whole, arn, arn),
        (View::Account, arn, "464622532012"),
        (View::Account, "bucket", ""),
        (View::Name, arn, "Reader"),
        (View::Name, "alice", "alice"),
        (View::AccountAndName, arn, "464622532012:Reader"),
        (View::Head, "o-own1234567/r-ab12/", "o-own1234567"),
        (View::Head, "o-own1234567", "o-own1234567"),
        (View::Tail, "AROAEXAMPLEID0000000A:job:1", "job:1"),
        (View::Tail, "AROAEXAMPLEID0000000A", ""),
    ] {
        assert_eq!(view.of(text), expected, "{view:?} {text}");
    }
}

#[test]
fn what_is_told_at_a_glance_is_what_the_steps_say() {
    let universes = [
        Universe::Any,
        Universe::Plain,
        Universe::Account,
        Universe::ExternalId,
        Universe::Name(2, 64),
        Universe::Name(1, 3),
        Universe::RootArn("aws"),
        Universe::UserArn("aws-cn"),
        Universe::RoleArn("aws"),
        Universe::FederatedUserArn("aws"),
        Universe::UserId,
        Universe::RoleSessionId,
        Universe::OrganizationPath,
        Universe::ResourceArn("aws"),
        Universe::AccountlessArn("aws"),
    ];
    let mut texts: Vec<String> = [
        "",
        "a",
        "ab",
        "abcd",
        "a*",
        "a?c",
        "é",
        "éé",
        "a:b/c",
        "464622532012",
        "46462253201",
        "4646225320121",
        "46462253201x",
        "arn:",
        "arn:aws:iam::464622532012:root",
        "arn:aws:iam::464622532012:rooty",
        "arn:aws:iam::464622532012:role/",
        "arn:aws:iam::464622532012:role/a",
        "arn:aws:iam::464622532012:role/p/a",
        "arn:aws:iam::464622532012:role/p/",
        "arn:aws:iam::46462253201:role/a",
        "arn:aws:iam:::role/a",
        "arn:aws-cn:iam::464622532012:user/a",
        "arn:aws-cn:iam::464622532012:user/a*",
        "arn:aws:sts::464622532012:federated-user/bob",
        "arn:aws:sts::464622532012:federated-user/p/bob",
        "arn:aws:events:us-east-1:464622532012:rule/a",
        "arn:aws:s3:::bucket",
        "AIDAEXAMPLEID0000000A",
        "AROAEXAMPLEID0000000A:job",
        "AROAEXAMPLEID0000000A:j",
        "o-own1234567/r-ab12/",
        "o-own1234567/r-ab12/ou-1111-aaaaaaaa/",
        "o-own1234567",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    for length in [3, 64, 65, 80, 81, 640, 641, 1_224, 1_225] {
        texts.push("x".repeat(length));
        for begin in [
            "arn:aws:iam::464622532012:role/",
            "arn:aws:sts::464622532012:federated-user/",
        ] {
            if length > begin.len() {
                texts.push(format!("{begin}{}", "x".repeat(length - begin.len())));
            }
        }
    }
    for universe in universes {
        for text in &texts {
            assert_eq!(
                universe.admits(text),
                universe.walks(universe.start(), 0, text),
                "{universe:?} {text}"
            );
        }
    }
}
