//! Which texts are possible, and what a view sees of them.

use super::*;

impl Universe {
    /// Whether the text, of which so many characters were read up to here, goes on to an end.
    fn walks(self, mut place: Place, mut length: usize, rest: &str) -> bool {
        for c in rest.chars() {
            match self.step(place, c) {
                Some(next) => place = next,
                None => return false,
            }
            length += 1;
        }
        length <= self.longest() && self.accepts(place)
    }
}

/// By the API references' patterns: `admits` and the steps of the walk alike.
#[test]
fn which_texts_are_possible() {
    let long = |begin: &str, length: usize| format!("{begin}{}", "x".repeat(length));
    let role = "arn:aws:iam::464622532012:role/";
    let cases: [(Universe, Vec<String>, Vec<String>); 12] = [
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
            Universe::Moment(*b"2026-11-21T00:00:05Z", *b"2027-03-01T12:30:00Z"),
            vec![
                "2026-11-21T00:00:05Z".into(),
                "2026-11-21T00:00:10Z".into(),
                "2026-12-31T23:59:59Z".into(),
                "2027-02-28T20:00:00Z".into(),
                "2027-03-01T12:30:00Z".into(),
            ],
            vec![
                "2026-11-21T00:00:04Z".into(),
                "2027-03-01T12:30:01Z".into(),
                "2026-13-01T00:00:00Z".into(),
                "2027-02-00T00:00:00Z".into(),
                "2026-12-01T24:00:00Z".into(),
                "2026-12-01T00:60:00Z".into(),
                "2026-12-01 00:00:00Z".into(),
                "2026-12-01T00:00:00".into(),
                "1795219205".into(),
            ],
        ),
        (
            Universe::RoleArn("aws"),
            vec![
                long(role, 1),
                long(role, 64),
                format!("{role}a/b/c"),
                // The longest path and the longest name.
                format!("{}/{}", long(role, 511), long("", 64)),
            ],
            vec![
                role.into(),
                format!("{role}a/"),
                format!("{role}a*"),
                format!("{role}a b/c"),
                format!("{role}é/c"),
                format!("{}/{}", long(role, 640), long("", 64)),
            ],
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
            vec![
                "arn:aws:sts::464622532012:federated-user/bob".into(),
                long("arn:aws:sts::464622532012:federated-user/", 32),
            ],
            vec![
                long("arn:aws:sts::464622532012:federated-user/", 64),
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
            Universe::UserId,
            vec![
                "AIDAEXAMPLEUSERID0001".into(),
                format!("AIDA{}", "A".repeat(124)),
            ],
            vec![
                "AROAEXAMPLEUSERID0001".into(),
                "AIDA".into(),
                "AIDAlower".into(),
                format!("AIDA{}", "A".repeat(125)),
            ],
        ),
        (
            Universe::RoleSessionId,
            vec![
                "AROAEXAMPLEROLEID0001:jo".into(),
                format!("AROA{}:{}", "A".repeat(124), "j".repeat(64)),
            ],
            vec![
                "AROAEXAMPLEROLEID0001".into(),
                "AROAEXAMPLEROLEID0001:".into(),
                "AROAEXAMPLEROLEID0001:j".into(),
                "AROA:job".into(),
                format!("AROA{}:{}", "A".repeat(124), "j".repeat(65)),
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
fn what_is_seen_at_a_glance_is_what_the_steps_say() {
    let universes = [
        Universe::Any,
        Universe::Plain,
        Universe::Account,
        Universe::ExternalId,
        Universe::Name(2, 64),
        Universe::Name(1, 3),
        Universe::Moment(*b"2026-11-21T00:00:05Z", *b"2027-03-01T12:30:00Z"),
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

/// The forms once more, by splitting.
fn by_splitting(universe: Universe, text: &str) -> bool {
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let lower = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !text.is_empty() && text.bytes().all(fits)
    };
    let upper = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        !text.is_empty() && text.bytes().all(fits)
    };
    let name = |text: &str| !text.is_empty() && text.chars().all(is_name);
    let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let of_iam = |service: &str, kind: &str| {
        let rest = text.strip_prefix("arn:aws:")?.strip_prefix(service)?;
        let (account, resource) = rest.strip_prefix("::")?.split_once(':')?;
        resource.strip_prefix(kind).filter(|_| digits(account))
    };
    match universe {
        Universe::UserArn(_) | Universe::RoleArn(_) => {
            let kind = if universe == Universe::UserArn("aws") {
                "user/"
            } else {
                "role/"
            };
            of_iam("iam", kind).is_some_and(|path| {
                let last = path.rsplit('/').next().unwrap_or_default();
                visible(path) && name(last)
            })
        }
        Universe::FederatedUserArn(_) => of_iam("sts", "federated-user/").is_some_and(name),
        Universe::UserId => text.strip_prefix("AIDA").is_some_and(upper),
        Universe::RoleSessionId => text
            .strip_prefix("AROA")
            .and_then(|rest| rest.split_once(':'))
            .is_some_and(|(id, session)| upper(id) && session.len() >= 2 && name(session)),
        Universe::OrganizationPath => {
            let mut parts = text.split('/');
            let id = |part: Option<&str>, begin| {
                part.and_then(|part| part.strip_prefix(begin))
                    .is_some_and(lower)
            };
            let unit = |part: &str| {
                part.strip_prefix("ou-")
                    .and_then(|rest| rest.split_once('-'))
                    .is_some_and(|(root, own)| lower(root) && lower(own))
            };
            let begins = id(parts.next(), "o-") && id(parts.next(), "r-");
            begins && parts.next_back() == Some("") && parts.all(unit)
        }
        Universe::ResourceArn(_) | Universe::AccountlessArn(_) => {
            let mut parts = text.splitn(6, ':');
            let begins = parts.next() == Some("arn") && parts.next() == Some("aws");
            let dashed = |text: &str| text.split('-').all(|part| part.is_empty() || lower(part));
            let service = parts.next().is_some_and(|it| !it.is_empty() && dashed(it));
            let region = parts.next().is_some_and(dashed);
            let account = parts.next().is_some_and(|it| match universe {
                Universe::ResourceArn(_) => digits(it),
                _ => it.is_empty(),
            });
            begins && service && region && account && parts.next().is_some_and(|it| !it.is_empty())
        }
        _ => universe.admits(text),
    }
}

/// Possible texts of each form that has parts.
const FORMS: [(Universe, &[&str]); 8] = [
    (
        Universe::UserArn("aws"),
        &[
            "arn:aws:iam::464622532012:user/al",
            "arn:aws:iam::464622532012:user/p!/q/al",
        ],
    ),
    (
        Universe::RoleArn("aws"),
        &[
            "arn:aws:iam::464622532012:role/Re",
            "arn:aws:iam::464622532012:role/p~:/Re",
        ],
    ),
    (
        Universe::FederatedUserArn("aws"),
        &["arn:aws:sts::464622532012:federated-user/bob"],
    ),
    (Universe::UserId, &["AIDA2E3F"]),
    (Universe::RoleSessionId, &["AROA2E3F:job", "AROA2E3F:jo"]),
    (
        Universe::OrganizationPath,
        &[
            "o-v9/r-c4/",
            "o-v9/r-c4/ou-c4-a1/",
            "o-v9/r-c4/ou-c4-a1/ou-c4-b2/",
        ],
    ),
    (
        Universe::ResourceArn("aws"),
        &[
            "arn:aws:events:us-1:464622532012:r/a",
            "arn:aws:iam::464622532012:x",
        ],
    ),
    (
        Universe::AccountlessArn("aws"),
        &["arn:aws:s3:::bu/a", "arn:aws:s3:us-1::b"],
    ),
];
const LETTERS: &[char] = &[
    'a', 'o', 'u', 'r', 'A', 'X', '0', '9', '-', '_', '/', ':', '!', '~', ' ', '*', 'é',
];

/// Every possible text with one character changed, left out or put in.
#[test]
fn one_character_more_or_less_or_other() {
    for (universe, texts) in FORMS {
        for text in texts {
            assert!(by_splitting(universe, text), "{universe:?} {text}");
            let letters: Vec<char> = text.chars().collect();
            for place in 0..=letters.len() {
                let (before, after) = letters.split_at(place);
                let rest = after.get(1..).unwrap_or_default();
                let mut changed: Vec<String> = vec![before.iter().collect()];
                changed.push(before.iter().chain(rest).collect());
                for letter in LETTERS {
                    changed.push(before.iter().chain([letter]).chain(rest).collect());
                    changed.push(before.iter().chain([letter]).chain(after).collect());
                }
                for text in changed {
                    let expected = by_splitting(universe, &text);
                    let walks = universe.walks(universe.start(), 0, &text);
                    assert_eq!(walks, expected, "{universe:?} {text}");
                    assert_eq!(universe.admits(&text), expected, "{universe:?} {text}");
                }
            }
        }
    }
}

/// Wherever a text can go on, a class of characters (or the only one) goes on like it, so that the
/// walk leaves nothing possible out.
#[test]
fn one_character_of_each_class_stands_for_all() {
    let open: [(Universe, &[&str]); 4] = [
        (Universe::Any, &["ab"]),
        (Universe::Account, &["464622532012"]),
        (Universe::Name(2, 64), &["abc"]),
        (Universe::ExternalId, &["a:b/c"]),
    ];
    for (universe, texts) in FORMS.into_iter().chain(open) {
        for text in texts {
            let mut place = universe.start();
            for c in text.chars() {
                let going: Vec<(char, Place)> = (' '..='~')
                    .filter_map(|c| Some((c, universe.step(place, c)?)))
                    .collect();
                match universe.forced(place) {
                    Some(only) => {
                        let all: Vec<char> = going.iter().map(|(c, _)| *c).collect();
                        assert_eq!(all, [only], "{universe:?} {place:?}");
                    }
                    None => {
                        for (c, next) in going {
                            let alike = universe.classes(place).iter().any(|class| {
                                class.iter().all(|c| universe.step(place, *c) == Some(next))
                            });
                            assert!(alike, "{universe:?} {place:?} {c}");
                        }
                    }
                }
                place = universe.step(place, c).unwrap_or(place);
            }
        }
    }
}

/// After twelve digits an account's number is at its end.
#[test]
fn an_account_goes_no_further() {
    let end = Place {
        part: 0,
        offset: 12,
    };
    assert!(Universe::Account.accepts(end));
    assert_eq!(Universe::Account.step(end, '0'), None);
}

/// What a view sees step by step is what it sees of the whole.
#[test]
fn a_view_sees_step_by_step_what_it_sees_of_the_whole() {
    for (universe, texts) in FORMS {
        let views: &[View] = match universe {
            Universe::UserArn(_) | Universe::RoleArn(_) => {
                &[View::Whole, View::Account, View::Name]
            }
            Universe::FederatedUserArn(_) => {
                &[View::Whole, View::Account, View::Name, View::AccountAndName]
            }
            Universe::RoleSessionId => &[View::Whole, View::Tail],
            Universe::OrganizationPath => &[View::Whole, View::Head],
            Universe::ResourceArn(_) => &[View::Whole, View::Account],
            _ => &[View::Whole],
        };
        for text in texts {
            for view in views {
                let mut place = universe.start();
                let mut seen = String::new();
                for c in text.chars() {
                    match universe.sight(*view, place, c) {
                        Projection::Hidden => {}
                        Projection::Seen => seen.push(c),
                        Projection::As(other) => seen.push(other),
                        Projection::Forget => seen.clear(),
                    }
                    place = universe.step(place, c).unwrap_or(place);
                }
                assert_eq!(seen, view.of(text), "{universe:?} {view:?} {text}");
            }
        }
    }
}
