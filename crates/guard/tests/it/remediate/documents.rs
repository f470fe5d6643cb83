//! When two documents are one, and what lies between them.

use trustwarden_guard::model::{document_digest, same_but_for_the_dead};
use trustwarden_guard::remediate::{DiffSign, diff};

use super::{allow, document};

/// What IAM stores alike is one document; what it does not is another.
#[test]
fn documents_are_compared_as_iam_stores_them() {
    let same = [
        (r#"{"a":[1]}"#, "{ \"a\" :\n1}"),
        (
            r#"{"Principal":{"AWS":"111122223333"}}"#,
            r#"{"Principal":{"AWS":["arn:aws:iam::111122223333:root"]}}"#,
        ),
        (r#"{"AWS":["b","a"]}"#, r#"{"AWS":["a","b"]}"#),
        (r#"{"x":true,"y":"2"}"#, r#"{"y":2,"x":"true"}"#),
    ];
    for (one, other) in same {
        assert_eq!(
            document_digest(one),
            document_digest(other),
            "{one} {other}"
        );
    }
    let different = [
        (r#"{"AWS":"a"}"#, r#"{"AWS":"b"}"#),
        (
            r#"{"Service":"arn:aws:iam::111122223333:root"}"#,
            r#"{"Service":"111122223333"}"#,
        ),
        (
            r#"{"Statement":[{"a":1},{"b":2}]}"#,
            r#"{"Statement":[{"b":2},{"a":1}]}"#,
        ),
        // A key given twice: each reader may read another one.
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ("{]", "{ ]"),
    ];
    for (one, other) in different {
        assert_ne!(
            document_digest(one),
            document_digest(other),
            "{one} {other}"
        );
    }
}

#[test]
fn a_document_is_known_again_when_its_principals_have_died() {
    let role = r#""arn:aws:iam::111111111111:role/gone""#;
    let user = r#""arn:aws:iam::111111111111:user/gone""#;
    let account = r#""111111111111""#;
    let (dead_role, dead_user) = (r#""AROAEXAMPLEID0000001""#, r#""AIDAEXAMPLEID0000001""#);
    let of = |principals: &[&str]| {
        document(&[allow(&format!(r#"{{"AWS":[{}]}}"#, principals.join(",")))])
    };
    let sent = of(&[role, user, account]);
    let same = |live: &str| same_but_for_the_dead(live, &sent);
    assert!(same(&of(&[dead_role, account, user])));
    assert!(same(&of(&[account, dead_user, dead_role])));
    for live in [
        sent.clone(),
        of(&[account]),
        of(&[role, user, dead_role]),
        of(&[dead_role, dead_user, account, user]),
        of(&[r#""arn:aws:iam::999988887777:role/other""#, user, account]),
        of(&[dead_role, user, account]).replace("AssumeRole", "TagSession"),
        "{]".to_owned(),
    ] {
        assert!(!same(&live), "{live}");
    }
}

#[test]
fn the_difference_is_reported_by_statement() {
    let one = allow(r#"{"AWS":"111111111111"}"#);
    let two = allow(r#"{"AWS":"222222222222"}"#);
    let reported = |old: &str, new: &str| -> Vec<(DiffSign, String)> {
        diff(old, new)
            .into_iter()
            .map(|line| (line.sign, line.text))
            .collect()
    };
    let before = document(&[one.clone(), one.clone()]);
    let after = format!(r#"{{"Version": "2012-10-17", "Statement": [{two}, {one}]}}"#);
    assert_eq!(
        reported(&before, &after),
        [
            (DiffSign::Removed, one.clone()),
            (DiffSign::Added, two.clone())
        ],
        "a statement that stood twice went once"
    );
    assert_eq!(reported(&before, &before.replace(',', ", ")), []);
    let older = before.replace("2012-10-17", "2008-10-17");
    assert_eq!(
        reported(&before, &older).len(),
        2,
        "the version changes what statements mean"
    );
    assert_eq!(
        reported("{]", "[}").len(),
        2,
        "what cannot be read is shown whole"
    );
}
