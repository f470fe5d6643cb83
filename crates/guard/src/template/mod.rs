//! A CloudFormation template as it is deployed: what `check` judges of a file, and what a deployed stack
//! is held against.

mod evaluate;
mod mark;
mod node;

use std::collections::BTreeMap;

use serde_json::Value;

pub use evaluate::{Scope, Template};
pub use mark::{MARKS, is_pending, marked, unmarked};
pub use node::{Kind, MOST_DEPTH, Node, NodeError};

/// How the rules of `template-region.yaml` are named in each region: a word and the id of their stack
/// follow.
pub const FORWARDERS: &str = "trustwarden-forward-";

/// The resources of a template in JSON whose stack is deployed, so that the scope knows every name:
/// logical id, type, properties.
///
/// # Errors
/// It is not JSON.
pub fn deployed_resources(
    template: &str,
    scope: &Scope,
) -> Result<Vec<(String, String, Value)>, NodeError> {
    let root = Node::json(template)?;
    let template = Template::new(&root, scope, BTreeMap::new());
    let of = |resource: &Node| {
        let properties = template.value(resource.get("Properties")?)?;
        serde_json::from_str(&properties.to_json()).ok()
    };
    let resources = template.resources().map(|(id, resource)| {
        let kind = resource.get("Type").and_then(Node::as_text);
        let kind = kind.unwrap_or_default().to_owned();
        (id.to_owned(), kind, of(resource).unwrap_or_default())
    });
    Ok(resources.collect())
}

/// Whether a text holds something that was not known.
pub fn is_unknown(value: &Value) -> bool {
    value.as_str().is_some_and(is_pending)
}
