//! Ordered values against trying every one of a range.

use super::super::network::Network;
use super::super::pattern::Pattern;
use super::super::test::Relation;
use super::*;

const RELATIONS: [Relation; 5] = [
    Relation::Equal,
    Relation::Less,
    Relation::LessOrEqual,
    Relation::Greater,
    Relation::GreaterOrEqual,
];

/// All pairs of tests, each to pass or to fail: a value is found where one of the list serves, and one
/// that is found serves.
fn agrees(domain: Domain, tests: &[Test<'_>], values: &[String]) {
    for first in tests {
        for second in tests {
            for (one, other) in [(true, true), (true, false), (false, true), (false, false)] {
                let asks = [(first, one), (second, other)];
                let serves = values.iter().find(|value| passes_all(&asks, value));
                match solve(domain, &asks, &mut Fuel::new(u64::MAX)) {
                    Found::Value(value) => {
                        assert!(domain.admits(&value), "{value} {asks:?}");
                        assert!(passes_all(&asks, &value), "{value} {asks:?}");
                    }
                    Found::Nothing => assert_eq!(serves, None, "{domain:?} {asks:?}"),
                    found @ Found::Unknown => {
                        assert_ne!(found, Found::Unknown, "{domain:?} {asks:?}")
                    }
                }
            }
        }
    }
}

#[test]
fn counts_and_accounts_are_tried_out_at_their_turns() {
    let mut tests = Vec::new();
    for relation in RELATIONS {
        for list in [
            vec![],
            vec![0.0],
            vec![1.0],
            vec![1.5],
            vec![3.5],
            vec![4.0],
            vec![2.0, 3.0],
            vec![4.0, 1.0],
            vec![-1.0],
        ] {
            tests.push(Test::Number(relation, list));
        }
    }
    let counts: Vec<String> = (0..70).map(|count| count.to_string()).collect();
    agrees(Domain::Count, &tests, &counts);
    let accounts: Vec<String> = (0..10).map(|account| format!("{account:012}")).collect();
    agrees(Domain::Text(Universe::Account), &tests, &accounts);
    let halves: Vec<String> = (0..20)
        .map(|half| (f64::from(half) / 2.0).to_string())
        .collect();
    agrees(Domain::Text(Universe::Any), &tests, &halves);
}

#[test]
fn moments_are_tried_out_at_their_turns() {
    let at = |half: i64| {
        jiff::Timestamp::from_millisecond(1_795_219_200_000 + 500 * half).unwrap_or_default()
    };
    let mut tests = Vec::new();
    for relation in RELATIONS {
        for list in [
            vec![],
            vec![at(2)],
            vec![at(3)],
            vec![at(6)],
            vec![at(4), at(8)],
        ] {
            tests.push(Test::Moment(relation, list));
        }
    }
    let moments: Vec<String> = (0..12).map(|half| at(half).to_string()).collect();
    agrees(Domain::Moment, &tests, &moments);
    let accounts: Vec<String> = (1_795_219_198_u64..1_795_219_206)
        .map(|seconds| format!("{seconds:012}"))
        .collect();
    agrees(Domain::Text(Universe::Account), &tests, &accounts);
}

#[test]
fn addresses_are_tried_out_at_their_turns() {
    let tests: Vec<Test<'_>> = [
        vec![],
        vec!["10.0.0.0/30"],
        vec!["10.0.0.2/31"],
        vec!["10.0.0.1", "10.0.0.3"],
        vec!["10.0.0.4/30", "10.0.0.0/31"],
        vec!["0.0.0.0/1"],
        vec!["128.0.0.0/1"],
        vec!["0.0.0.0/0"],
        vec!["0.0.0.0"],
        vec!["255.255.255.255"],
        vec!["::/0"],
        vec!["::/1"],
        vec!["8000::/1"],
        vec!["2001:db8::/127"],
    ]
    .iter()
    .map(|list| {
        Test::Networks(
            list.iter()
                .filter_map(|text| Network::parse(text))
                .collect(),
        )
    })
    .collect();
    let mut addresses: Vec<String> = (0..10).map(|last| format!("10.0.0.{last}")).collect();
    for other in [
        "0.0.0.0",
        "0.0.0.1",
        "9.255.255.255",
        "127.255.255.255",
        "128.0.0.0",
        "255.255.255.254",
        "255.255.255.255",
        "::",
        "2001:db8::",
        "2001:db8::2",
        "7fff::",
        "8000::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ] {
        addresses.push(other.to_owned());
    }
    agrees(Domain::Address, &tests, &addresses);
}

/// Text asked of what is no text: what the walk finds counts if the domain has it, else nothing is
/// known.
#[test]
fn a_text_that_is_found_must_be_of_the_domain() {
    let folded = |text: &'static str| {
        let reading = super::super::pattern::Reading {
            wildcards: false,
            fold: true,
            arn: false,
            variables: false,
        };
        Pattern::read(text.into(), reading).unwrap_or_else(|| Pattern::exact(text))
    };
    let solved = |domain, fits: Pattern<'static>, avoids: &[&'static str]| {
        let fits = Test::Text(vec![fits]);
        let avoids = Test::Text(avoids.iter().map(|text| Pattern::exact(*text)).collect());
        let asks = [(&Test::Present, true), (&fits, true), (&avoids, false)];
        solve(domain, &asks, &mut Fuel::new(u64::MAX))
    };
    let spelled = solved(
        Domain::Address,
        folded("2001:db8::1"),
        &["2001:db8::1", "2001:DB8::1"],
    );
    assert!(
        matches!(&spelled, Found::Value(text) if Domain::Address.admits(text)),
        "{spelled:?}"
    );
    let tail = Pattern::wild("203.0.113.1?");
    assert_eq!(
        solved(Domain::Address, tail.clone(), &["203.0.113.11"]),
        Found::Unknown
    );
    let any = Domain::Text(Universe::Any);
    let text = solved(any, tail, &["203.0.113.11", "203.0.113.1x", "203.0.113.1y"]);
    assert!(matches!(text, Found::Value(_)), "{text:?}");
}
