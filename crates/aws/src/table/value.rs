//! JSON values as DynamoDB attributes and back. Native attributes rather than one string of JSON:
//! a document keeps its length (no backslash before each of its quotes), and a person can read an
//! item in the console.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

pub(super) fn to_attribute(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(value) => AttributeValue::Bool(value),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(list) => AttributeValue::L(list.into_iter().map(to_attribute).collect()),
        Value::Object(map) => AttributeValue::M(
            map.into_iter()
                .map(|(name, value)| (name, to_attribute(value)))
                .collect(),
        ),
    }
}

/// `None` for what [`to_attribute`] never writes (sets, binary, numbers beyond JSON's).
pub(super) fn from_attribute(attribute: &AttributeValue) -> Option<Value> {
    Some(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(value) => Value::Bool(*value),
        AttributeValue::N(number) => Value::Number(number.parse().ok()?),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(list) => {
            Value::Array(list.iter().map(from_attribute).collect::<Option<_>>()?)
        }
        AttributeValue::M(map) => Value::Object(object(map)?),
        _ => return None,
    })
}

fn object(map: &HashMap<String, AttributeValue>) -> Option<Map<String, Value>> {
    map.iter()
        .map(|(name, value)| Some((name.clone(), from_attribute(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_and_back() {
        let values = [
            json!(null),
            json!(true),
            json!(0),
            json!(-9_007_199_254_740_993_i64),
            json!(u64::MAX),
            json!(""),
            json!("{\"Version\": \"2012-10-17\",\n\t\"Statement\": []}"),
            json!([]),
            json!({"a": [{"b": null}, "c", 1], "": {}}),
        ];
        for value in values {
            assert_eq!(from_attribute(&to_attribute(value.clone())), Some(value));
        }
    }

    #[test]
    fn what_we_never_write_is_not_guessed_at() {
        let foreign = [
            AttributeValue::Ss(vec!["a".to_owned()]),
            AttributeValue::N("1e400x".to_owned()),
            AttributeValue::L(vec![AttributeValue::B(b"x".to_vec().into())]),
        ];
        for attribute in foreign {
            assert_eq!(from_attribute(&attribute), None);
        }
    }
}
