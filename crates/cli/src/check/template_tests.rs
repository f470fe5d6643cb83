//! What is worked out of a template, written in YAML as people write it.

use std::collections::BTreeMap;

use guard::template::{Scope, Template};

use super::pending::names;
use super::yaml::yaml;

const TEMPLATE: &str = r#"
Parameters:
  Vendor: { Type: String, Default: "444455556666" }
  Other: { Type: String }
  Both: { Type: CommaDelimitedList, Default: "a, b" }
  Kept: { Type: "AWS::SSM::Parameter::Value<String>", Default: /path }
Mappings:
  M: { prod: { account: "111100001111" } }
Conditions:
  IsVendor: !Equals [!Ref Vendor, "444455556666"]
  IsOther: !Equals [!Ref Other, x]
  IsBoth: !And [!Condition IsVendor, !Not [!Condition IsOther]]
Resources:
  Named: { Type: AWS::IAM::Role, Properties: { RoleName: Reader, Path: /x/ } }
  Nameless: { Type: AWS::IAM::Role, Properties: {} }
  Hub: { Type: AWS::IAM::OIDCProvider, Properties: { Url: "https://token.actions.githubusercontent.com" } }
  Saml: { Type: AWS::IAM::SAMLProvider, Properties: { Name: Okta } }
  F: { Type: AWS::Serverless::Function, Properties: {} }
  Gone: { Type: T, Condition: IsNever }
"#;

fn read(function: &str) -> String {
    let root = yaml(TEMPLATE).unwrap();
    let given = [("Region2".to_owned(), "eu-south-2".to_owned())];
    let scope = Scope::of(Some("111122223333"), "eu-west-1", &given);
    let template = Template::new(&root, &scope, BTreeMap::new());
    let value = template.value(&yaml(function).unwrap());
    match value {
        Some(value) if names(&value).is_empty() => value.to_json(),
        Some(value) => format!("{:?}", names(&value)),
        None => "no value".to_owned(),
    }
}

#[test]
fn what_is_known_before_deployment_is_put_in() {
    for (function, expected) in [
        ("!Ref AWS::AccountId", r#""111122223333""#),
        ("!Ref Vendor", r#""444455556666""#),
        ("!Ref Region2", r#""eu-south-2""#),
        ("!Ref Both", r#"["a","b"]"#),
        ("!Ref Other", r#"["Ref Other"]"#),
        ("!Ref Kept", r#"["Ref Kept"]"#),
        ("!Ref AWS::NoValue", "no value"),
        (
            "{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue]}",
            r#"{"b":[]}"#,
        ),
        (
            "!Sub 'arn:${AWS::Partition}:iam::${Vendor}:root'",
            r#""arn:aws:iam::444455556666:root""#,
        ),
        (
            "!Sub ['${Who}:${!aws:username}', {Who: !Ref Vendor}]",
            r#""444455556666:${aws:username}""#,
        ),
        (
            "!Sub '${Nothing.Arn} ${Other}'",
            r#"["GetAtt Nothing.Arn", "Ref Other"]"#,
        ),
        (
            "!Join ['', [states., !Ref AWS::Region, ., !Ref AWS::URLSuffix]]",
            r#""states.eu-west-1.amazonaws.com""#,
        ),
        ("!Join [':', [a, !Ref Other]]", r#"["Ref Other"]"#),
        ("!Join [',', !Ref Both]", r#""a,b""#),
        ("!Select [1, !Split ['-', a-b-c]]", r#""b""#),
        ("!Select ['0', !Ref Both]", r#""a""#),
        ("!Select [0, !Split ['-', !Ref Other]]", r#"["Select"]"#),
        ("!FindInMap [M, prod, account]", r#""111100001111""#),
        ("!FindInMap [M, !Ref Other, account]", r#"["FindInMap"]"#),
        ("!FindInMap [M, dev, account, {DefaultValue: d}]", r#""d""#),
        ("!If [IsVendor, a, b]", r#""a""#),
        ("!If [IsOther, a, b]", r#""a""#),
        ("!If [IsBoth, a, !Ref AWS::NoValue]", "no value"),
        (
            "!GetAtt Named.Arn",
            r#""arn:aws:iam::111122223333:role/x/Reader""#,
        ),
        (
            "!GetAtt [Nameless, Arn]",
            r#""arn:aws:iam::111122223333:role/Nameless""#,
        ),
        (
            "!GetAtt FRole.Arn",
            r#""arn:aws:iam::111122223333:role/FRole""#,
        ),
        ("!Ref Named", r#""Reader""#),
        ("!Ref Nameless", r#"["Ref Nameless"]"#),
        (
            "!Ref Hub",
            r#""arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com""#,
        ),
        (
            "!GetAtt Saml.Arn",
            r#""arn:aws:iam::111122223333:saml-provider/Okta""#,
        ),
        ("!ImportValue shared", r#"["ImportValue shared"]"#),
        ("'{{resolve:ssm:/id}}'", r#"["resolve:ssm:/id"]"#),
        (
            "!ToJsonString {a: [!Ref Vendor]}",
            r#""{\"a\":[\"444455556666\"]}""#,
        ),
        ("{'Fn::Length': !Ref Both}", r#""2""#),
        ("!Cidr [a, 1]", r#"["Cidr"]"#),
        ("{a: '${AWS::Region}'}", r#"{"a":"${AWS::Region}"}"#),
    ] {
        assert_eq!(read(function), expected, "{function}");
    }
}

#[test]
fn a_comparison_that_the_deployment_decides_goes_both_ways() {
    let root = yaml(TEMPLATE).unwrap();
    let scope = Scope::default();
    let template = Template::new(&root, &scope, BTreeMap::new());
    let function = yaml("!If [IsBoth, a, b]").unwrap();
    let value = template.value(&function).unwrap();
    assert_eq!(value.as_text(), Some("b"));
    // One by its parameter's default, one by nothing.
    let open = template.open();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.values().all(|usually| *usually), "{open:?}");
    let of = |name: &str, taken| {
        let comparison = open.keys().find(|open| open.contains(name)).unwrap();
        (comparison.clone(), taken)
    };
    let other = |taken: &[(String, bool)]| {
        let taken = taken.iter().cloned().collect();
        let other = Template::new(&root, &scope, taken);
        other
            .value(&function)
            .unwrap()
            .as_text()
            .unwrap()
            .to_owned()
    };
    assert_eq!(other(&[of("Other", false)]), "a");
    assert_eq!(other(&[of("Other", false), of("Vendor", false)]), "b");
    // What is given decides.
    let given = [("Vendor".to_owned(), "1".to_owned())];
    let scope = Scope::of(None, "eu-west-1", &given);
    let template = Template::new(&root, &scope, BTreeMap::new());
    template.value(&function).unwrap();
    assert_eq!(template.open().len(), 1);
}

#[test]
fn the_region_says_the_partition() {
    let root = yaml("{}").unwrap();
    for (region, expected) in [
        ("us-east-1", r#""aws amazonaws.com""#),
        ("us-gov-west-1", r#""aws-us-gov amazonaws.com""#),
        ("cn-north-1", r#""aws-cn amazonaws.com.cn""#),
    ] {
        let scope = Scope::of(None, region, &[]);
        let template = Template::new(&root, &scope, BTreeMap::new());
        let function = yaml("!Sub '${AWS::Partition} ${AWS::URLSuffix}'").unwrap();
        assert_eq!(template.value(&function).unwrap().to_json(), expected);
    }
}
