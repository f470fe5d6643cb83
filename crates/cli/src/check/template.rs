//! The texts that CloudFormation fills into a template at deployment, as far as they are known
//! before:
//! pseudo parameters and the defaults of the template's own, through `Ref`, `Fn::Sub` and `Fn::Join`.
//!
//! Source: CloudFormation User Guide, "Pseudo parameters reference" and "Intrinsic function
//! reference" (read 2026-11-30).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// The names that texts may refer to, and what stands for each.
#[derive(Debug, Default)]
pub(crate) struct Scope(BTreeMap<String, String>);

impl Scope {
    /// Where a template is deployed to. An account that is not known stays a reference.
    pub(crate) fn of(account: Option<&str>, region: &str) -> Self {
        let (partition, suffix) = match region.split('-').next() {
            Some("cn") => ("aws-cn", "amazonaws.com.cn"),
            Some("us") if region.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com"),
            _ => ("aws", "amazonaws.com"),
        };
        let mut scope = Self::default();
        scope.set("AWS::Region", region);
        scope.set("AWS::Partition", partition);
        scope.set("AWS::URLSuffix", suffix);
        if let Some(account) = account {
            scope.set("AWS::AccountId", account);
        }
        scope
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// With the parameters of a template, by their defaults.
    pub(crate) fn with_defaults<'a>(
        &self,
        defaults: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Self {
        let mut scope = Self(self.0.clone());
        for (name, default) in defaults {
            match default {
                Value::String(text) => scope.set(name, text),
                Value::Number(number) => scope.set(name, &number.to_string()),
                _ => {}
            }
        }
        scope
    }

    /// The JSON text with each function that is known replaced by its text; others stay as they are.
    /// Text without any is returned as it came, byte for byte.
    pub(crate) fn resolved<'a>(&self, json: &'a str) -> Cow<'a, str> {
        if !json.contains("\"Ref\"") && !json.contains("\"Fn::") {
            return Cow::Borrowed(json);
        }
        match serde_json::from_str(json) {
            Ok(value) => Cow::Owned(self.value(value).to_string()),
            Err(_) => Cow::Borrowed(json),
        }
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let fields: serde_json::Map<_, _> = fields
                    .into_iter()
                    .map(|(key, value)| (key, self.value(value)))
                    .collect();
                let mut entries = fields.iter();
                let text = match (entries.next(), entries.next()) {
                    (Some((name, argument)), None) => self.function(name, argument),
                    _ => None,
                };
                text.map_or(Value::Object(fields), Value::String)
            }
            plain => plain,
        }
    }

    /// The value of a function whose arguments are resolved.
    fn function(&self, name: &str, argument: &Value) -> Option<String> {
        match (name, argument) {
            ("Ref", Value::String(name)) => self.0.get(name).cloned(),
            ("Fn::Sub", Value::String(text)) => self.substituted(text, None),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(text), Value::Object(own)] => self.substituted(text, Some(own)),
                _ => None,
            },
            ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(between), Value::Array(items)] => {
                    let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                    Some(items?.join(between))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// `${Name}` is replaced, `${!Name}` is literal and loses the mark: policy variables are written
    /// so. `None` if some name is not known.
    fn substituted(
        &self,
        text: &str,
        own: Option<&serde_json::Map<String, Value>>,
    ) -> Option<String> {
        let mut parts = text.split("${");
        let mut out = parts.next()?.to_owned();
        for part in parts {
            let Some((name, rest)) = part.split_once('}') else {
                out.push_str("${");
                out.push_str(part);
                continue;
            };
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str("${");
                out.push_str(literal);
                out.push('}');
            } else {
                let name = name.trim();
                let own = own.and_then(|own| own.get(name)?.as_str());
                out.push_str(own.or_else(|| self.0.get(name).map(String::as_str))?);
            }
            out.push_str(rest);
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_before_deployment_is_put_in() {
        let defaults = [("Vendor", &Value::from("444455556666"))];
        let scope = Scope::of(Some("111122223333"), "eu-west-1").with_defaults(defaults);
        let cases = [
            (r#"{"Ref":"AWS::AccountId"}"#, r#""111122223333""#),
            (r#"{"Ref":"Vendor"}"#, r#""444455556666""#),
            (r#"{"Ref":"Other"}"#, r#"{"Ref":"Other"}"#),
            (
                r#"{"Fn::Sub":"arn:${AWS::Partition}:iam::${Vendor}:root"}"#,
                r#""arn:aws:iam::444455556666:root""#,
            ),
            (
                r#"{"Fn::Sub":["arn:aws:iam::${Who}:${!aws:username}",{"Who":{"Ref":"Vendor"}}]}"#,
                r#""arn:aws:iam::444455556666:${aws:username}""#,
            ),
            (
                r#"{"Fn::Join":["",["states.",{"Ref":"AWS::Region"},".",{"Ref":"AWS::URLSuffix"}]]}"#,
                r#""states.eu-west-1.amazonaws.com""#,
            ),
            (
                r#"{"Fn::Join":[":",["a",{"Ref":"Other"}]]}"#,
                r#"{"Fn::Join":[":",["a",{"Ref":"Other"}]]}"#,
            ),
            (r#"{"Fn::Sub":"${Other}"}"#, r#"{"Fn::Sub":"${Other}"}"#),
            (r#"{"a":"${AWS::Region}"}"#, r#"{"a":"${AWS::Region}"}"#),
        ];
        for (json, expected) in cases {
            assert_eq!(scope.resolved(json), expected, "{json}");
        }
    }

    #[test]
    fn the_region_says_the_partition() {
        for (region, expected) in [
            ("us-east-1", "aws amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov amazonaws.com"),
            ("cn-north-1", "aws-cn amazonaws.com.cn"),
        ] {
            let json = r#"{"Fn::Sub":"${AWS::Partition} ${AWS::URLSuffix}"}"#;
            let expected = Value::from(expected).to_string();
            assert_eq!(Scope::of(None, region).resolved(json), expected);
        }
    }

    #[test]
    fn text_without_functions_stays_byte_for_byte() {
        let json = r#"{ "Statement": [], "Statement": [ ] }"#;
        assert_eq!(Scope::of(None, "us-east-1").resolved(json), json);
    }
}
