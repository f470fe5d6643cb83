//! Every operator, with and without qualifier and IfExists, the key present, absent and with several
//! values.

use super::{alice, allowed, everyone_if};

/// One comparison: a value of the policy, request values that match it, and such that do not.
struct Row {
    operator: &'static str,
    negated: bool,
    wanted: &'static str,
    matching: &'static [&'static str],
    other: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        operator: "StringEquals",
        negated: false,
        wanted: "Ab*",
        matching: &["Ab*"],
        other: &["ab*", "Abc", ""],
    },
    Row {
        operator: "StringNotEquals",
        negated: true,
        wanted: "Ab*",
        matching: &["Ab*"],
        other: &["ab*", "Abc", ""],
    },
    Row {
        operator: "StringEqualsIgnoreCase",
        negated: false,
        wanted: "Ab*",
        matching: &["aB*"],
        other: &["Abc"],
    },
    Row {
        operator: "StringNotEqualsIgnoreCase",
        negated: true,
        wanted: "Ab*",
        matching: &["aB*"],
        other: &["Abc"],
    },
    Row {
        operator: "StringLike",
        negated: false,
        wanted: "A?-*",
        matching: &["Ab-", "Ab-x-y"],
        other: &["ab-x", "A-x"],
    },
    Row {
        operator: "StringNotLike",
        negated: true,
        wanted: "A?-*",
        matching: &["Ab-", "Ab-x-y"],
        other: &["ab-x", "A-x"],
    },
    Row {
        operator: "NumericEquals",
        negated: false,
        wanted: "10",
        matching: &["10", "10.0", "1e1"],
        other: &["9", "ten"],
    },
    Row {
        operator: "NumericNotEquals",
        negated: true,
        wanted: "10",
        matching: &["10", "10.0"],
        other: &["9", "ten"],
    },
    Row {
        operator: "NumericLessThan",
        negated: false,
        wanted: "10",
        matching: &["9.5", "-1"],
        other: &["10", "11", "ten"],
    },
    Row {
        operator: "NumericLessThanEquals",
        negated: false,
        wanted: "10",
        matching: &["9.5", "10"],
        other: &["10.1", "ten"],
    },
    Row {
        operator: "NumericGreaterThan",
        negated: false,
        wanted: "10",
        matching: &["10.1"],
        other: &["10", "9", "ten"],
    },
    Row {
        operator: "NumericGreaterThanEquals",
        negated: false,
        wanted: "10",
        matching: &["10", "11"],
        other: &["9.9", "ten"],
    },
    Row {
        operator: "DateEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["1704067200", "2024-01-01"],
        other: &["2024-01-02", "soon"],
    },
    Row {
        operator: "DateNotEquals",
        negated: true,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["1704067200"],
        other: &["2024-01-02", "soon"],
    },
    Row {
        operator: "DateLessThan",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2023-12-31T23:59:59Z"],
        other: &["2024-01-01", "soon"],
    },
    Row {
        operator: "DateLessThanEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01"],
        other: &["2024-01-01T00:00:01Z"],
    },
    Row {
        operator: "DateGreaterThan",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01T00:00:01Z"],
        other: &["2024-01-01", "soon"],
    },
    Row {
        operator: "DateGreaterThanEquals",
        negated: false,
        wanted: "2024-01-01T00:00:00Z",
        matching: &["2024-01-01"],
        other: &["2023-12-31", "soon"],
    },
    Row {
        operator: "Bool",
        negated: false,
        wanted: "true",
        matching: &["true", "TRUE"],
        other: &["false", "1", ""],
    },
    Row {
        operator: "BinaryEquals",
        negated: false,
        wanted: "QmluYXJ5",
        matching: &["QmluYXJ5"],
        other: &["qmluYXJ5"],
    },
    Row {
        operator: "IpAddress",
        negated: false,
        wanted: "203.0.113.0/24",
        matching: &["203.0.113.9"],
        other: &["203.0.114.9", "::1", "here"],
    },
    Row {
        operator: "IpAddress",
        negated: false,
        wanted: "2001:db8::/32",
        matching: &["2001:db8::9"],
        other: &["2001:db9::9", "203.0.113.9"],
    },
    Row {
        operator: "NotIpAddress",
        negated: true,
        wanted: "203.0.113.0/24",
        matching: &["203.0.113.9"],
        other: &["203.0.114.9", "here"],
    },
    Row {
        operator: "ArnEquals",
        negated: false,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3:::c-1", "b-1"],
    },
    Row {
        operator: "ArnLike",
        negated: false,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3::1:b-1"],
    },
    Row {
        operator: "ArnNotEquals",
        negated: true,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3:::c-1", "b-1"],
    },
    Row {
        operator: "ArnNotLike",
        negated: true,
        wanted: "arn:aws:s3:::b-*",
        matching: &["arn:aws:s3:::b-1"],
        other: &["arn:aws:s3::1:b-1"],
    },
];

/// The key that the rows test: one of a service that this crate knows nothing of, so that any
/// value may stand there.
fn holds(operator: &str, wanted: &str, values: &[&str]) -> bool {
    let condition = format!("{{\"{operator}\": {{\"acme:Key\": {wanted}}}}}");
    let with: &[(&str, &[&str])] = &[("acme:key", values)];
    let with = if values.is_empty() { &[] } else { with };
    allowed(&everyone_if(&condition), &alice(with))
}

#[test]
fn every_operator_and_qualifier() {
    for Row {
        operator,
        negated,
        wanted,
        matching,
        other,
    } in ROWS
    {
        let one = format!("\"{wanted}\"");
        let several = format!("[\"no such\", \"{wanted}\"]");
        for wanted in [&one, &several] {
            for (values, matches) in [(matching, true), (other, false)] {
                for value in *values {
                    let expected = matches != *negated;
                    let case = format!("{operator} {wanted} {value}");
                    assert_eq!(holds(operator, wanted, &[value]), expected, "{case}");
                    let if_exists = format!("{operator}IfExists");
                    assert_eq!(
                        holds(&if_exists, wanted, &[value]),
                        expected,
                        "{case} IfExists"
                    );
                    for qualifier in ["ForAnyValue", "ForAllValues"] {
                        let qualified = format!("{qualifier}:{operator}");
                        assert_eq!(
                            holds(&qualified, wanted, &[value]),
                            expected,
                            "{case} {qualifier}"
                        );
                    }
                }
            }
        }
        // Several values, one of which matches: any for the positive, none for the negated.
        let (yes, no) = (matching.first().unwrap(), other.first().unwrap());
        let mixed = [*yes, *no];
        for (qualified, expected) in [
            (format!("ForAnyValue:{operator}"), true),
            (format!("ForAnyValue:{operator}IfExists"), true),
            (format!("ForAllValues:{operator}"), false),
            (format!("ForAllValues:{operator}IfExists"), false),
            ((*operator).to_owned(), !negated),
        ] {
            assert_eq!(
                holds(&qualified, &one, &mixed),
                expected,
                "{qualified} mixed"
            );
        }
        // The key is missing.
        for (qualified, expected) in [
            ((*operator).to_owned(), *negated),
            (format!("{operator}IfExists"), true),
            (format!("ForAnyValue:{operator}"), false),
            (format!("ForAnyValue:{operator}IfExists"), true),
            (format!("ForAllValues:{operator}"), true),
            (format!("ForAllValues:{operator}IfExists"), true),
        ] {
            assert_eq!(
                holds(&qualified, &one, &[]),
                expected,
                "{qualified} missing"
            );
        }
        // An empty list matches no value.
        assert_eq!(holds(operator, "[]", &[yes]), *negated, "{operator} []");
        assert_eq!(
            holds(&format!("ForAllValues:{operator}"), "[]", &[yes]),
            *negated
        );
        assert!(holds(&format!("ForAllValues:{operator}"), "[]", &[]));
    }
}

#[test]
fn a_year_alone_and_a_bad_value_in_the_policy() {
    assert!(holds("DateGreaterThan", "\"2023\"", &["2024-01-01"]));
    assert!(holds("DateLessThan", "1704067201", &["2024-01-01"]));
    assert!(!holds("NumericLessThan", "\"ten\"", &["1"]));
    assert!(holds("NumericNotEquals", "\"ten\"", &["1"]));
    assert!(!holds("IpAddress", "\"203.0.113.0/99\"", &["203.0.113.0"]));
    assert!(holds(
        "NotIpAddress",
        "\"203.0.113.0/99\"",
        &["203.0.113.0"]
    ));
    assert!(!holds("Bool", "\"yes\"", &["true"]));
}

#[test]
fn null_asks_for_presence() {
    for (wanted, present, absent) in [
        ("\"true\"", false, true),
        ("\"false\"", true, false),
        ("true", false, true),
        ("\"FALSE\"", true, false),
        ("[\"true\", \"false\"]", true, true),
        ("\"maybe\"", false, false),
        ("[]", false, false),
    ] {
        assert_eq!(holds("Null", wanted, &["x"]), present, "{wanted} present");
        assert_eq!(
            holds("Null", wanted, &[""]),
            present,
            "{wanted} present and empty"
        );
        assert_eq!(holds("Null", wanted, &[]), absent, "{wanted} absent");
    }
}

#[test]
fn conditions_are_anded_and_values_ored() {
    let both = everyone_if(
        "{\"StringEquals\": {\"a:k\": [\"1\", \"2\"], \"a:l\": \"x\"}, \"StringNotEquals\": {\"a:k\": \"2\"}}",
    );
    assert!(allowed(&both, &alice(&[("a:k", &["1"]), ("a:l", &["x"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["2"]), ("a:l", &["x"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["1"]), ("a:l", &["y"])])));
    assert!(!allowed(&both, &alice(&[("a:k", &["1"])])));
}

#[test]
fn a_condition_without_meaning_is_false() {
    for condition in [
        "{\"StringEqual\": {\"a:k\": \"1\"}}",
        "{\"NullIfExists\": {\"a:k\": \"true\"}}",
        "{\"StringEquals\": {\"a:k\": null}}",
        "null",
    ] {
        assert!(
            !allowed(&everyone_if(condition), &alice(&[("a:k", &["1"])])),
            "{condition}"
        );
    }
    // A Deny with one keeps nobody out.
    let statements = format!(
        "{}, {}",
        everyone_if("{}"),
        everyone_if("{\"StringEqual\": {\"a:k\": \"1\"}}").replace("Allow", "Deny")
    );
    assert!(allowed(&statements, &alice(&[])));
}
