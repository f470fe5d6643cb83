//! Parts cut out of a document, and a document printed.

use trustwarden_policy::TrustPolicy;
use trustwarden_policy::document::{Remainder, Removal, RemovalError};

const TEXT: &str = r#"{
	"Version" : "2012-10-17",  "Statement":
  [ {"Sid":"A","Effect":"Allow","Principal":{"AWS":["111122223333" , "222233334444","333344445555"],"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},
    {"Sid":"B","Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:TagSession"}
   ,{"Sid":"C","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"} ]
}
"#;

fn principal(statement: usize, principal: usize) -> Removal {
    Removal::Principal {
        statement,
        principal,
    }
}

fn without(removals: &[Removal]) -> String {
    let policy = TrustPolicy::parse(TEXT).unwrap();
    match policy.without(TEXT, removals).unwrap() {
        Remainder::Document(text) => {
            TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            text
        }
        Remainder::Nothing => panic!("something is left"),
    }
}

#[test]
fn statements_go_with_one_comma() {
    let b = "    {\"Sid\":\"B\",\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:TagSession\"}\n   ,";
    assert_eq!(
        without(&[Removal::Statement(1)]),
        TEXT.replace(b.trim_start(), "")
    );
    let c = "\n   ,{\"Sid\":\"C\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"444455556666\"},\"Action\":\"sts:AssumeRole\"}";
    assert_eq!(without(&[Removal::Statement(2)]), TEXT.replace(c, ""));
    let left = without(&[Removal::Statement(0), Removal::Statement(2)]);
    assert!(left.ends_with("[ {\"Sid\":\"B\",\"Effect\":\"Deny\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:TagSession\"} ]\n}\n"), "{left}");
    assert_eq!(
        without(&[
            Removal::Statement(0),
            Removal::Statement(0),
            principal(0, 1),
            Removal::Statement(2)
        ]),
        left
    );
}

#[test]
fn principals_go_from_lists_then_keys_then_statements() {
    let cases: &[(&[Removal], &str, &str)] = &[
        (&[principal(0, 0)], "\"111122223333\" , ", ""),
        (&[principal(0, 1)], "\"222233334444\",", ""),
        (&[principal(0, 2)], ",\"333344445555\"", ""),
        (
            &[principal(0, 0), principal(0, 2)],
            "\"111122223333\" , \"222233334444\",\"333344445555\"",
            "\"222233334444\"",
        ),
        (
            &[principal(0, 0), principal(0, 1), principal(0, 2)],
            "\"AWS\":[\"111122223333\" , \"222233334444\",\"333344445555\"],",
            "",
        ),
        (&[principal(0, 3)], ",\"Service\":\"ec2.amazonaws.com\"", ""),
    ];
    for (removals, cut, left) in cases {
        assert!(TEXT.contains(cut));
        assert_eq!(without(removals), TEXT.replace(cut, left), "{removals:?}");
    }
    assert_eq!(
        without(&[principal(2, 0)]),
        without(&[Removal::Statement(2)])
    );
    assert_eq!(
        without(&[
            principal(0, 0),
            principal(0, 1),
            principal(0, 2),
            principal(0, 3)
        ]),
        without(&[Removal::Statement(0)])
    );
}

#[test]
fn nothing_left_is_said() {
    let policy = TrustPolicy::parse(TEXT).unwrap();
    let all = [
        Removal::Statement(0),
        Removal::Statement(1),
        principal(2, 0),
    ];
    assert_eq!(policy.without(TEXT, &all), Ok(Remainder::Nothing));
    let single = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
    let policy = TrustPolicy::parse(single).unwrap();
    assert_eq!(
        policy.without(single, &[principal(0, 0)]),
        Ok(Remainder::Nothing)
    );
    assert_eq!(
        policy.without(single, &[]),
        Ok(Remainder::Document(single.to_owned()))
    );
    // A document that never had a statement has none to take out.
    let empty = TrustPolicy::parse("{}").unwrap();
    assert_eq!(empty.without("{}", &[]), Ok(Remainder::Nothing));
}

#[test]
fn a_single_statement_loses_a_principal() {
    let text = "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"111122223333\",\"*\"]},\"Action\":\"sts:AssumeRole\"}}";
    let policy = TrustPolicy::parse(text).unwrap();
    let left = policy.without(text, &[principal(0, 1)]).unwrap();
    assert_eq!(left, Remainder::Document(text.replace(",\"*\"", "")));
}

#[test]
fn wrong_removals_and_texts_are_errors() {
    let policy = TrustPolicy::parse(TEXT).unwrap();
    for removal in [
        Removal::Statement(3),
        principal(3, 0),
        principal(0, 4),
        principal(1, 1),
    ] {
        assert_eq!(
            policy.without(TEXT, &[removal]),
            Err(RemovalError::NoSuchPart(removal))
        );
    }
    for other in ["", "{}", &TEXT.replace("2012", "  2012"), "nonsense"] {
        assert_eq!(
            policy.without(other, &[principal(0, 1)]),
            Err(RemovalError::OtherText),
            "{other}"
        );
    }
}

#[test]
fn what_a_repeated_key_hides_stays_hidden() {
    let text = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*","AWS":"111122223333","Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    let policy = TrustPolicy::parse(text).unwrap();
    assert_eq!(
        policy.without(text, &[principal(0, 0)]),
        Err(RemovalError::RepeatedKey)
    );
    let harmless = policy.without(text, &[principal(0, 1)]).unwrap();
    assert_eq!(
        harmless,
        Remainder::Document(text.replace(",\"Service\":\"ec2.amazonaws.com\"", ""))
    );
}

#[test]
fn a_printed_document_reads_back() {
    for text in [
        TEXT,
        "{}",
        r#"{"Version": "x", "Id": "a\"\\\u0001é", "Statement": ["x", {"Foo": 1, "Sid": "S"}]}"#,
        r#"{"Statement": {"Effect": "Allow", "NotPrincipal": "*", "NotAction": ["sts:*", "*"]}}"#,
        r#"{"Statement": {"Principal": {}, "Action": [], "Condition": null}}"#,
        r#"{"Statement": {"Principal": "x", "NotPrincipal": {"aws": ["*"], "Service": []}, "Action": [1]}}"#,
        r#"{"Statement": {"Effect": "Deny", "Condition": {"StringEquals": {"a:b": [], "a:c": null, "a:d": [1, true]}, "Foo": {"a:b": "x", "a:c": "y"}, "Bool": [], "Null": {}}}}"#,
    ] {
        let policy = TrustPolicy::parse(text).unwrap();
        let printed = policy.to_string();
        let again =
            TrustPolicy::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(again.to_string(), printed);
        assert_eq!(again.version, policy.version);
        assert_eq!(again.id, policy.id);
        assert_eq!(again.statements.len(), policy.statements.len());
        for (again, before) in again.statements.iter().zip(&policy.statements) {
            assert_eq!(again.effect, before.effect, "{printed}");
            assert_eq!(again.action, before.action, "{printed}");
            assert_eq!(again.not_action, before.not_action, "{printed}");
            let conditions = |statement: &trustwarden_policy::document::Statement<'_>| {
                statement
                    .conditions
                    .iter()
                    .map(|found| (found.operator, found.key.to_string()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(conditions(again), conditions(before), "{printed}");
        }
    }
}
