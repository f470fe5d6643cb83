//! The walk against trying every short word, and what is seen at a glance against the walk.

use super::*;
use crate::glob::tests::words;

/// Every pair of short patterns, one to fit and one to avoid, against every short word: a text
/// that is found meets both, and where none is found no word does.
#[test]
fn equals_trying_every_short_word() {
    let patterns = words(&['a', 'b', '*', '?'], 3);
    let texts = words(&['a', 'b', 'c'], 4);
    for fits in &patterns {
        let fits = [Pattern::wild(fits.as_str())];
        for avoids in &patterns {
            let avoids = [Pattern::wild(avoids.as_str())];
            let demands = [
                Demand {
                    patterns: &fits,
                    fits: true,
                    view: View::Whole,
                },
                Demand {
                    patterns: &avoids,
                    fits: false,
                    view: View::Whole,
                },
            ];
            let meets = |text: &str| fits[0].matches(text) && !avoids[0].matches(text);
            match find(Universe::Any, &demands, &mut Fuel::new(u64::MAX)) {
                Found::Value(text) => assert!(meets(&text), "{text} {fits:?} {avoids:?}"),
                Found::Nothing => {
                    let missed = texts.iter().find(|text| meets(text));
                    assert_eq!(missed, None, "{fits:?} {avoids:?}");
                }
                Found::Unknown => panic!("{fits:?} {avoids:?}"),
            }
        }
    }
}

#[test]
fn a_part_of_the_text_is_seen_as_its_own_key_shows_it() {
    let account = [Pattern::exact("464622532012")];
    let other = [Pattern::exact("222233334444")];
    let name = [Pattern::wild("al*e")];
    let arn = [Pattern::wild("arn:aws:iam::*:user/team/*")];
    let user = Universe::UserArn("aws");
    let all = [
        Demand {
            patterns: &account,
            fits: true,
            view: View::Account,
        },
        Demand {
            patterns: &other,
            fits: false,
            view: View::Account,
        },
        Demand {
            patterns: &name,
            fits: true,
            view: View::Name,
        },
        Demand {
            patterns: &arn,
            fits: true,
            view: View::Whole,
        },
    ];
    let found = find(user, &all, &mut Fuel::new(u64::MAX));
    assert_eq!(
        found,
        Found::Value("arn:aws:iam::464622532012:user/team/ale".to_owned())
    );
    let both = [
        Demand {
            patterns: &account,
            fits: true,
            view: View::Account,
        },
        Demand {
            patterns: &other,
            fits: true,
            view: View::Account,
        },
    ];
    assert_eq!(find(user, &both, &mut Fuel::new(u64::MAX)), Found::Nothing);
}

#[test]
fn an_empty_purse_decides_nothing() {
    let pattern = [Pattern::wild("*a*")];
    let demands = [Demand {
        patterns: &pattern,
        fits: true,
        view: View::Whole,
    }];
    assert_eq!(
        find(Universe::Any, &demands, &mut Fuel::new(3)),
        Found::Unknown
    );
}

fn of<'t>(view: View, fits: bool, patterns: &'t [Pattern<'t>]) -> Demand<'t, 't> {
    Demand {
        patterns,
        fits,
        view,
    }
}

/// What is settled without a walk, and what is not.
#[test]
fn hopeless_at_a_glance() {
    let role = Universe::RoleArn("aws");
    let bob = Universe::FederatedUserArn("aws");
    let path = Universe::OrganizationPath;
    for (universe, view, pattern, hopeless_at_once) in [
        // The account is settled by twelve digits, or a star.
        (role, View::Account, "464622532012", false),
        (role, View::Account, "46462253201", true),
        (role, View::Account, "4646225320121", true),
        (role, View::Account, "abcdefghijkl", true),
        (role, View::Account, "4646*", false),
        (role, View::Account, "*", false),
        (role, View::Account, "a*", true),
        (role, View::Account, "46462253201?", false),
        (role, View::Account, "4646225320?", true),
        (role, View::Account, "222233334444", true),
        // A federated user's id is the account, a colon and their name.
        (bob, View::AccountAndName, "464622532012:b", false),
        (bob, View::AccountAndName, "464622532012:", true),
        (bob, View::AccountAndName, "464622532012:bob", false),
        (bob, View::AccountAndName, "464622532012/bob", true),
        (bob, View::AccountAndName, "4646x2532012:bob", true),
        (bob, View::AccountAndName, "4646*", false),
        (bob, View::AccountAndName, "*:bob", false),
        (bob, View::AccountAndName, "464622532012*", false),
        (bob, View::AccountAndName, "464622532012:*", false),
        (bob, View::AccountAndName, "464622532012x*", true),
        // An organization's id begins so.
        (path, View::Head, "o-vendor99999", false),
        (path, View::Head, "o-*", false),
        (path, View::Head, "*", false),
        (path, View::Head, "x-*", true),
        (path, View::Head, "ox*", true),
        (path, View::Head, "o-other00000", true),
        // The form of an ARN, its account, and what is to be avoided.
        (
            role,
            View::Whole,
            "arn:aws:iam::464622532012:role/Reader",
            false,
        ),
        (role, View::Whole, "arn:aws:iam::464622532012:role/", true),
        (role, View::Whole, "arn:aws:iam::464622532012:user/*", true),
        (role, View::Whole, "arn:aws:iam::464622532012:role/*", false),
        (role, View::Whole, "arn:aws:iam::222233334444:role/*", true),
        (role, View::Whole, "arn:aws:iam::222233334444:*", true),
        (role, View::Whole, "arn:aws:iam::4646*", false),
        (
            role,
            View::Whole,
            "arn:aws:iam::464622532012:role/team/*",
            true,
        ),
        (
            role,
            View::Whole,
            "arn:aws:iam::464622532012:role/tea*",
            false,
        ),
        (
            role,
            View::Whole,
            "arn:aws:iam::464622532012:role/team/x",
            true,
        ),
        (path, View::Whole, "o-vendor99999/r-ab12/*", false),
        (path, View::Whole, "o-other00000/r-ab12/*", true),
        (path, View::Whole, "o-vendor99999", true),
        // A name may be any.
        (role, View::Name, "Reader", false),
    ] {
        let account = [Pattern::exact("464622532012")];
        let organization = [Pattern::exact("o-vendor99999")];
        let team = [Pattern::wild("arn:aws:iam::464622532012:role/team/*")];
        let named = [Pattern::wild("b*")];
        let limits = match universe {
            Universe::OrganizationPath => vec![of(View::Head, true, &organization)],
            Universe::FederatedUserArn(_) => vec![of(View::Name, true, &named)],
            _ => vec![
                of(View::Account, true, &account),
                of(View::Whole, false, &team),
            ],
        };
        let pattern = [Pattern::wild(pattern)];
        let mut demands = limits;
        demands.push(of(view, true, &pattern));
        let [pattern] = &pattern;
        let found = hopeless(universe, &demands, view, pattern);
        assert_eq!(found, hopeless_at_once, "{universe:?} {view:?} {pattern:?}");
        if found {
            let walked = walk(universe, &demands, &mut Fuel::new(u64::MAX));
            assert_eq!(walked, Found::Nothing, "{universe:?} {view:?} {pattern:?}");
        }
    }
}

/// Nothing is called hopeless at a glance that the walk finds.
#[test]
fn a_glance_decides_as_the_walk_does() {
    let patterns = [
        "464622532012",
        "46462253201",
        "4646*",
        "*2012",
        "222233334444",
        "222233334444:bob",
        "464622532012:b*",
        "4646*:bob",
        "o-vendor99999",
        "O-VENDOR99999",
        "o-*",
        "*9",
        "o-vendor99999/*",
        "O-VENDOR99999/R-AB12/",
        "o-vendor99999/r-ab12/ou-1-2/",
        "arn:aws:iam::464622532012:role/team/*",
        "ARN:AWS:IAM::464622532012:ROLE/TEAM/*",
        "arn:aws:iam::464622532012:role/team/x",
        "arn:aws:iam::222233334444:*",
        "arn:aws:iam::*:role/team/*",
        "arn:aws:iam::46*",
        "arn:aws:sts::464622532012:federated-user/bob",
        "*/x",
        "x",
        "b*",
        "*",
    ];
    let universes = [
        (Universe::RoleArn("aws"), vec![View::Whole, View::Account]),
        (
            Universe::FederatedUserArn("aws"),
            vec![View::Whole, View::Account, View::AccountAndName, View::Name],
        ),
        (Universe::OrganizationPath, vec![View::Whole, View::Head]),
    ];
    let read = |text: &'static str, fold: bool| {
        let reading = super::super::pattern::Reading {
            wildcards: true,
            fold,
            arn: false,
            variables: false,
        };
        Pattern::read(text.into(), reading).unwrap_or_else(|| Pattern::exact(text))
    };
    for (universe, views) in universes {
        for (first, second) in patterns
            .iter()
            .flat_map(|one| patterns.iter().map(move |other| (*one, *other)))
        {
            for (view, other_view) in views
                .iter()
                .flat_map(|one| views.iter().map(move |other| (*one, *other)))
            {
                for (fold, fits) in [(false, true), (true, true), (false, false), (true, false)] {
                    let first = [read(first, fold)];
                    let second = [read(second, false)];
                    let demands = [of(view, true, &first), of(other_view, fits, &second)];
                    let [pattern] = &first;
                    if hopeless(universe, &demands, view, pattern) {
                        let walked = walk(universe, &demands, &mut Fuel::new(u64::MAX));
                        assert_eq!(walked, Found::Nothing, "{universe:?} {demands:?}");
                    }
                }
            }
        }
    }
}

/// Patterns longer than one word of bits.
#[test]
fn long_patterns_are_walked_like_short_ones() {
    for before in 58..70 {
        let text = format!("{}bc", "a".repeat(before));
        for (pattern, fits) in [
            (format!("{}*c", "a".repeat(before)), true),
            (format!("{}*b", "a".repeat(before)), false),
            (format!("{}?c", "a".repeat(before)), true),
            (format!("{}??c", "a".repeat(before)), false),
            (format!("*{}b*c*", "a".repeat(before)), true),
        ] {
            let wanted = [Pattern::wild(pattern.clone())];
            let only = [Pattern::exact(text.clone())];
            let both = [of(View::Whole, true, &wanted), of(View::Whole, true, &only)];
            let found = walk(Universe::Any, &both, &mut Fuel::new(u64::MAX));
            let expected = if fits {
                Found::Value(text.clone())
            } else {
                Found::Nothing
            };
            assert_eq!(found, expected, "{pattern}");
        }
    }
}

/// Variables that stayed: any text, twice in a row too, and twelve digits.
#[test]
fn what_variables_leave_is_walked() {
    let reading = super::super::pattern::Reading {
        wildcards: true,
        fold: false,
        arn: false,
        variables: true,
    };
    for (pattern, text, fits) in [
        ("${a:k}${a:k}b", "b", true),
        ("${a:k}${a:k}b", "aab", true),
        ("${a:k}${a:k}b", "ba", false),
        ("x${aws:PrincipalAccount}y", "x464622532012y", true),
        ("x${aws:PrincipalAccount}y", "x46462253201y", false),
        ("x${aws:PrincipalAccount}y", "x46462253201ay", false),
    ] {
        let Some(read) = Pattern::read(pattern.into(), reading) else {
            continue;
        };
        let wanted = [read.filled(&|_| None)];
        let only = [Pattern::exact(text)];
        let both = [of(View::Whole, true, &wanted), of(View::Whole, true, &only)];
        let found = walk(Universe::Any, &both, &mut Fuel::new(u64::MAX));
        assert_eq!(
            found == Found::Value(text.to_owned()),
            fits,
            "{pattern} {text}"
        );
    }
}
