//! Conditions and updates in DynamoDB's words. Each name and value stands behind a placeholder:
//! some of ours (`schema`) are among DynamoDB's reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use guard::ports::{Condition, Test, Update};
use serde_json::Value;

use super::value::to_attribute;

/// The placeholders of one call.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Expressions {
    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: impl Into<Value>) -> String {
        let placeholder = format!(":v{}", self.values.len());
        let value = to_attribute(value.into());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// What stands for which name; `None` for nothing, which DynamoDB does not take as an empty map.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        Some(self.names.clone()).filter(|names| !names.is_empty())
    }

    /// What stands for which value.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        Some(self.values.clone()).filter(|values| !values.is_empty())
    }

    /// The condition; `None` for one that always holds.
    pub(super) fn condition(&mut self, condition: &Condition) -> Option<String> {
        match condition {
            Condition::Always => None,
            Condition::Absent => Some("attribute_not_exists(pk)".to_owned()),
            Condition::All(tests) => Some(self.tests(tests)),
            Condition::AbsentOr(tests) => Some(format!(
                "attribute_not_exists(pk) OR ({})",
                self.tests(tests)
            )),
        }
    }

    fn tests(&mut self, tests: &[Test]) -> String {
        let tests = tests.iter().map(|test| match test {
            Test::Lacks(name) => format!("attribute_not_exists({})", self.name(name)),
            Test::Is(name, value) => {
                format!("{} = {}", self.name(name), self.value(value.clone()))
            }
            Test::AtMost(name, most) => format!("{} <= {}", self.name(name), self.value(*most)),
        });
        tests.collect::<Vec<_>>().join(" AND ")
    }

    /// The update.
    pub(super) fn update(&mut self, update: Update) -> String {
        let mut set = Vec::new();
        for (name, value) in update.set {
            set.push(format!("{} = {}", self.name(name), self.value(value)));
        }
        for (name, value) in update.set_if_absent {
            let (name, value) = (self.name(name), self.value(value));
            set.push(format!("{name} = if_not_exists({name}, {value})"));
        }
        let mut add = Vec::new();
        for (name, number) in update.add {
            add.push(format!("{} {}", self.name(name), self.value(number)));
        }
        let clause = |word: &str, parts: &[String]| match parts {
            [] => String::new(),
            parts => format!("{word} {} ", parts.join(", ")),
        };
        format!("{}{}", clause("SET", &set), clause("ADD", &add))
            .trim_end()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_and_updates_stand_behind_placeholders() {
        let mut expressions = Expressions::default();
        let free = Condition::AbsentOr(vec![
            Test::Is("done", json!(false)),
            Test::AtMost("lease_until", 7),
        ]);
        assert_eq!(
            expressions.condition(&free).unwrap(),
            "attribute_not_exists(pk) OR (#done = :v0 AND #lease_until <= :v1)"
        );
        let update = Update {
            set: vec![("schema", json!(1))],
            set_if_absent: vec![("first_at", json!(5))],
            add: vec![("attempts", 1)],
        };
        assert_eq!(
            expressions.update(update),
            "SET #schema = :v2, #first_at = if_not_exists(#first_at, :v3) ADD #attempts :v4"
        );
        assert_eq!(expressions.names().unwrap().len(), 5);
        assert_eq!(expressions.values().unwrap().len(), 5);
        assert_eq!(Expressions::default().condition(&Condition::Always), None);
        assert_eq!(Expressions::default().values(), None);
    }
}
