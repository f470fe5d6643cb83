//! A CloudFormation template as it is deployed: its functions worked out, as far as that is known
//! before. What is not, stands in texts as a mark with a name (see [`super::marked`]).
//!
//! Source: CloudFormation Template Reference, "Intrinsic function reference" and "Pseudo parameters
//! reference" (read 2026-11-30).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::mark::{is_pending, marked};
use super::node::{Kind, Node};

/// References to references, and functions within functions.
const MOST_DEPTH: usize = 60;

/// Where templates are deployed to, and with which parameters.
#[derive(Debug, Default)]
pub struct Scope(BTreeMap<String, String>);

impl Scope {
    /// An account that is not known stays unknown; a parameter that is given stands above its default.
    pub fn of(account: Option<&str>, region: &str, parameters: &[(String, String)]) -> Self {
        let (partition, suffix) = match region.split('-').next() {
            Some("cn") => ("aws-cn", "amazonaws.com.cn"),
            Some("us") if region.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com"),
            _ => ("aws", "amazonaws.com"),
        };
        let mut scope = Self::default();
        let mut set = |name: &str, value: &str| scope.0.insert(name.to_owned(), value.to_owned());
        set("AWS::Region", region);
        set("AWS::Partition", partition);
        set("AWS::URLSuffix", suffix);
        if let Some(account) = account {
            set("AWS::AccountId", account);
        }
        for (name, value) in parameters {
            set(name, value);
        }
        scope
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// A template, some of whose conditions are taken to be true or false.
pub struct Template<'t> {
    root: &'t Node,
    scope: &'t Scope,
    /// By what they compare: comparisons that only the deployment decides, and what they are taken for.
    taken: BTreeMap<String, bool>,
    /// All such comparisons that were met, and what they are where nothing is taken for granted.
    open: RefCell<BTreeMap<String, bool>>,
    /// Parameters that are not given have their default.
    defaults: Cell<bool>,
}

impl<'t> Template<'t> {
    /// Of a document, where it is deployed to, and what open comparisons are taken for.
    pub fn new(root: &'t Node, scope: &'t Scope, taken: BTreeMap<String, bool>) -> Self {
        Self {
            root,
            scope,
            taken,
            open: RefCell::default(),
            defaults: Cell::new(true),
        }
    }

    /// The comparisons that only the deployment decides, of those that were met; with what they are
    /// by the parameters' defaults, or `true` where these say nothing.
    pub fn open(&self) -> BTreeMap<String, bool> {
        self.open.borrow().clone()
    }

    /// The resources that are deployed, by logical id, in the template's order.
    pub fn resources(&self) -> impl Iterator<Item = (&'t str, &'t Node)> {
        let resources = self.root.get("Resources").map_or(&[][..], Node::entries);
        let deployed = resources.iter().filter(|(_, resource)| {
            let condition = resource.get("Condition").and_then(Node::as_text);
            condition.is_none_or(|name| self.condition_of(name, 0))
        });
        deployed.map(|(id, resource)| (id.as_str(), resource))
    }

    /// A value, worked out; `None` is `AWS::NoValue`.
    pub fn value(&self, node: &Node) -> Option<Node> {
        self.within(node, 0)
    }

    /// A property of a resource, worked out.
    pub fn property(&self, resource: &Node, name: &str) -> Option<Node> {
        self.value(resource.get("Properties")?.get(name)?)
    }

    fn within(&self, node: &Node, depth: usize) -> Option<Node> {
        let line = node.line;
        if depth > MOST_DEPTH {
            return Some(Node::text(marked("functions within functions"), line));
        }
        let kind = match &node.kind {
            Kind::Text(text) => Kind::Text(without_dynamic_references(text)),
            Kind::List(elements) => {
                let elements = elements.iter();
                Kind::List(
                    elements
                        .filter_map(|each| self.within(each, depth + 1))
                        .collect(),
                )
            }
            Kind::Map(entries) => {
                if let [(name, argument)] = entries.as_slice()
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.function(name, argument, depth + 1);
                }
                let entries = entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), self.within(value, depth + 1)?)));
                Kind::Map(entries.collect())
            }
            literal @ Kind::Literal(_) => literal.clone(),
        };
        Some(Node { kind, line })
    }

    fn function(&self, name: &str, argument: &Node, depth: usize) -> Option<Node> {
        let line = argument.line;
        let unknown = || Some(Node::text(marked(&words(name, argument)), line));
        let text = |text: String| Some(Node::text(text, line));
        if name == "Fn::If" {
            let [condition, then, otherwise] = argument.elements() else {
                return unknown();
            };
            let holds = match condition.as_text() {
                Some(name) => self.condition_of(name, depth),
                None => self.condition(condition, depth),
            };
            return self.within(if holds { then } else { otherwise }, depth);
        }
        if name == "Ref" {
            return match argument.as_text()? {
                "AWS::NoValue" => None,
                name => Some(self.reference(name, line, depth)),
            };
        }
        let argument = self.within(argument, depth)?;
        let found = match (name, argument.elements()) {
            ("Fn::Sub", [template]) => {
                Some(self.substituted(template.as_text()?, &[], line, depth))
            }
            ("Fn::Sub", [template, own]) => {
                Some(self.substituted(template.as_text()?, own.entries(), line, depth))
            }
            ("Fn::Join", [between, parts]) => {
                let words: Option<Vec<&str>> = parts.elements().iter().map(Node::as_word).collect();
                words
                    .zip(between.as_text())
                    .map(|(words, between)| words.join(between))
            }
            ("Fn::Split", [at, whole]) => match (at.as_text(), whole.as_text()) {
                (Some(at), Some(whole)) if !at.is_empty() && !is_pending(whole) => {
                    let parts = whole.split(at).map(|part| Node::text(part, line));
                    let kind = Kind::List(parts.collect());
                    return Some(Node { kind, line });
                }
                _ => None,
            },
            ("Fn::Select", [index, list]) => {
                let index: Option<usize> = index.as_word().and_then(|index| index.parse().ok());
                match (&list.kind, index) {
                    (Kind::List(elements), Some(index)) => return elements.get(index).cloned(),
                    _ => None,
                }
            }
            ("Fn::FindInMap", [map, first, second, more @ ..]) => {
                let default = || more.first()?.get("DefaultValue").cloned();
                let found = self.mapped([map, first, second]);
                let found = found.and_then(|found| self.within(found, depth));
                return found.or_else(default).or_else(unknown);
            }
            ("Fn::GetAtt", [both]) => {
                let (id, attribute) = both.as_text()?.split_once('.')?;
                self.attribute(id, attribute, depth)
            }
            ("Fn::GetAtt", [id, attribute]) => {
                self.attribute(id.as_text()?, attribute.as_text()?, depth)
            }
            ("Fn::ToJsonString", _) => {
                let json = argument.to_json();
                serde_json::from_str::<serde_json::Value>(&json)
                    .ok()
                    .map(|json| json.to_string())
            }
            ("Fn::Length", _) => match &argument.kind {
                Kind::List(elements) => Some(elements.len().to_string()),
                _ => None,
            },
            _ => None,
        };
        match found {
            Some(found) => text(found),
            None => unknown(),
        }
    }

    /// A parameter, a pseudo parameter or a resource.
    fn reference(&self, name: &str, line: usize, depth: usize) -> Node {
        let parameter = self.root.get("Parameters").and_then(|all| all.get(name));
        let kind = parameter
            .and_then(|it| it.get("Type"))
            .and_then(Node::as_text);
        let kind = kind.unwrap_or_default();
        // Its value is the name of a parameter in another place.
        let elsewhere = kind.starts_with("AWS::SSM::Parameter::Value");
        let default = parameter
            .and_then(|it| it.get("Default"))
            .and_then(Node::as_word)
            .filter(|_| self.defaults.get());
        let known = self.scope.get(name).or(default).filter(|_| !elsewhere);
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        match known {
            Some(list) if is_list => {
                let parts = list.split(',').map(|part| Node::text(part.trim(), line));
                let kind = Kind::List(parts.collect());
                Node { kind, line }
            }
            Some(known) => Node::text(without_dynamic_references(known), line),
            None => {
                let resource = self.attribute(name, "Ref", depth);
                Node::text(
                    resource.unwrap_or_else(|| marked(&format!("Ref {name}"))),
                    line,
                )
            }
        }
    }

    /// What a resource of the template is known by: that it is one of the own account decides, and
    /// not its name.
    fn attribute(&self, id: &str, attribute: &str, depth: usize) -> Option<String> {
        if let Some(known) = self.scope.get(&format!("{id}.{attribute}")) {
            return Some(known.to_owned());
        }
        let resources = self.root.get("Resources")?;
        let scoped = |name| self.scope.get(name);
        let arn = |rest: &str| {
            let account = scoped("AWS::AccountId")?;
            Some(format!(
                "arn:{}:iam::{account}:{rest}",
                scoped("AWS::Partition")?
            ))
        };
        let named = |resource: &Node, property: &str| {
            let name = self.property_within(resource, property, depth);
            let name = name.as_ref().and_then(Node::as_text).map(str::to_owned);
            name.filter(|name| !is_pending(name))
        };
        let Some(resource) = resources.get(id) else {
            // SAM names a function's own role so.
            let function = resources.get(id.strip_suffix("Role")?)?;
            let kind = function.get("Type").and_then(Node::as_text)?;
            let own = kind.starts_with("AWS::Serverless::") && attribute == "Arn";
            return own.then(|| arn(&format!("role/{id}"))).flatten();
        };
        match (resource.get("Type").and_then(Node::as_text)?, attribute) {
            ("AWS::IAM::Role", "Ref") => named(resource, "RoleName"),
            ("AWS::IAM::Role", "Arn") => {
                let name = named(resource, "RoleName").unwrap_or_else(|| id.to_owned());
                let path = named(resource, "Path").unwrap_or_else(|| "/".to_owned());
                arn(&format!("role{path}{name}"))
            }
            ("AWS::IAM::User", "Arn") => {
                let name = named(resource, "UserName").unwrap_or_else(|| id.to_owned());
                arn(&format!("user/{name}"))
            }
            ("AWS::IAM::OIDCProvider", "Ref" | "Arn") => {
                let url = named(resource, "Url")?;
                let url = url.strip_prefix("https://").unwrap_or(&url);
                arn(&format!("oidc-provider/{}", url.trim_end_matches('/')))
            }
            ("AWS::IAM::SAMLProvider", "Ref" | "Arn") => {
                let name = named(resource, "Name").unwrap_or_else(|| id.to_owned());
                arn(&format!("saml-provider/{name}"))
            }
            _ => None,
        }
    }

    fn property_within(&self, resource: &Node, name: &str, depth: usize) -> Option<Node> {
        self.within(resource.get("Properties")?.get(name)?, depth + 1)
    }

    fn mapped(&self, path: [&Node; 3]) -> Option<&'t Node> {
        let mut found = self.root.get("Mappings")?;
        for step in path {
            found = found.get(step.as_word()?)?;
        }
        Some(found)
    }

    /// `${Name}` is replaced, `${!Name}` is literal and loses the mark: policy variables are written so.
    fn substituted(&self, text: &str, own: &[(String, Node)], line: usize, depth: usize) -> String {
        let mut parts = text.split("${");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let Some((name, rest)) = part.split_once('}') else {
                out.push_str("${");
                out.push_str(part);
                continue;
            };
            let own = own.iter().find(|(key, _)| key == name.trim());
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else if let Some((_, value)) = own {
                out.push_str(value.as_word().unwrap_or(&marked(name)));
            } else if let Some((id, attribute)) = name.trim().split_once('.') {
                let found = self.attribute(id, attribute, depth);
                out.push_str(&found.unwrap_or_else(|| marked(&format!("GetAtt {}", name.trim()))));
            } else {
                let found = self.reference(name.trim(), line, depth);
                out.push_str(
                    found
                        .as_word()
                        .unwrap_or(&marked(&format!("Ref {}", name.trim()))),
                );
            }
            out.push_str(rest);
        }
        out
    }

    /// Does the condition of this name hold?
    fn condition_of(&self, name: &str, depth: usize) -> bool {
        let condition = self.root.get("Conditions").and_then(|all| all.get(name));
        match condition {
            Some(condition) => self.condition(condition, depth + 1),
            None => self.decided(format!("condition {name}"), true),
        }
    }

    fn condition(&self, node: &Node, depth: usize) -> bool {
        let [(name, argument)] = node.entries() else {
            return self.decided(node.to_json(), true);
        };
        if depth > MOST_DEPTH {
            return self.decided(node.to_json(), true);
        }
        let holds = |each: &Node| self.condition(each, depth + 1);
        match name.as_str() {
            "Condition" => self.condition_of(argument.as_text().unwrap_or_default(), depth + 1),
            // Each is looked at: what only the deployment decides is to be met.
            "Fn::And" => argument
                .elements()
                .iter()
                .map(holds)
                .fold(true, |all, one| all & one),
            "Fn::Or" => argument
                .elements()
                .iter()
                .map(holds)
                .fold(false, |any, one| any | one),
            "Fn::Not" => !argument.elements().iter().any(holds),
            "Fn::Equals" => {
                let by_default = self.equal(argument, depth);
                // Whoever deploys may give another value than the default.
                let before = self.defaults.replace(false);
                let firm = self.equal(argument, depth);
                self.defaults.set(before);
                firm.unwrap_or_else(|| self.decided(node.to_json(), by_default.unwrap_or(true)))
            }
            _ => self.decided(node.to_json(), true),
        }
    }

    /// Whether both sides of a comparison are the same text, where that is known.
    fn equal(&self, sides: &Node, depth: usize) -> Option<bool> {
        let sides = self.within(sides, depth + 1)?;
        let [left, right] = sides.elements() else {
            return None;
        };
        let (left, right) = left.as_word().zip(right.as_word())?;
        (!is_pending(left) && !is_pending(right)).then(|| left == right)
    }

    /// What a comparison is taken for that only the deployment decides.
    fn decided(&self, comparison: String, usually: bool) -> bool {
        let taken = self.taken.get(&comparison).copied();
        self.open.borrow_mut().insert(comparison, usually);
        taken.unwrap_or(usually)
    }
}

/// `Ref VendorPrincipal`, `GetAtt Bucket.Arn`, `ImportValue`.
fn words(name: &str, argument: &Node) -> String {
    let name = name.trim_start_matches("Fn::");
    let parts: Vec<&str> = argument
        .elements()
        .iter()
        .filter_map(Node::as_text)
        .collect();
    match name {
        "GetAtt" => format!("{name} {}", parts.join(".")),
        _ => match argument.as_text() {
            Some(text) if text.len() < 80 => format!("{name} {text}"),
            _ => name.to_owned(),
        },
    }
}

/// `{{resolve:ssm:/vendor/id}}` is put in at deployment.
fn without_dynamic_references(text: &str) -> String {
    let mut parts = text.split("{{resolve:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("}}") {
            Some((name, rest)) => {
                out.push_str(&marked(&format!("resolve:{name}")));
                out.push_str(rest);
            }
            None => {
                out.push_str("{{resolve:");
                out.push_str(part);
            }
        }
    }
    out
}
