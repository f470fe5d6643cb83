//! The roles of a CloudFormation template, those that SAM makes for functions among them, in every
//! way that its conditions can go.

use std::collections::BTreeMap;

use super::document::{NoDocumentsError, PolicyText, RoleDocument};
use super::pending::{Pending, names, permitting, settled};
use guard::template::is_pending;
use guard::template::{Kind, Node};
use guard::template::{Scope, Template};

/// So many comparisons that only the deployment decides are taken both ways together, and each
/// further one alone.
const MOST_OPEN: usize = 6;

/// Of more comparisons than these no further ones are looked for.
const MOST_MET: usize = 200;

/// What they are expanded to is at most so many resources.
const MOST_LOOPED: usize = 2_000;

/// All roles of a template, and the providers that it sets up.
pub(super) fn roles(root: &Node, scope: &Scope) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let root = &looped(root, scope);
    let mut open: BTreeMap<String, bool> = BTreeMap::new();
    let mut found: Vec<RoleDocument> = Vec::new();
    loop {
        let before = open.len();
        let mut met = BTreeMap::new();
        for taken in ways(&open) {
            let template = Template::new(root, scope, taken);
            for role in deployed(&template, root)? {
                if !found.contains(&role) {
                    found.push(role);
                }
            }
            met.extend(template.open());
        }
        open.extend(met);
        if open.len() == before || before >= MOST_MET {
            break;
        }
    }
    if let Some(name) = macros(root) {
        found.push(RoleDocument {
            pending: Pending::whole(&name),
            ..RoleDocument::sent(None)
        });
    }
    Ok(found)
}

/// All ways that the first of these comparisons can go, and each of the others the other way once.
fn ways(open: &BTreeMap<String, bool>) -> Vec<BTreeMap<String, bool>> {
    let together = open.len().min(MOST_OPEN);
    let all = (0..1_usize << together).map(|bits| {
        let flipped = open.iter().enumerate();
        let flipped = flipped.take(together);
        flipped
            .map(|(index, (name, usually))| (name.clone(), usually ^ (bits >> index & 1 == 1)))
            .collect()
    });
    let alone = open.iter().skip(together);
    let alone = alone.map(|(name, usually)| BTreeMap::from([(name.clone(), !usually)]));
    all.chain(alone).collect()
}

/// What is not written in the template, but made of it at deployment.
fn macros(root: &Node) -> Option<String> {
    const KNOWN: [&str; 3] = [
        "AWS::Serverless-2016-10-31",
        "AWS::LanguageExtensions",
        "AWS::SecretsManager-2020-07-23",
    ];
    let named = root.get("Transform").map_or(&[][..], Node::elements).iter();
    let named = named.filter_map(|one| one.as_text().or_else(|| one.get("Name")?.as_text()));
    let other = named.into_iter().find(|name| !KNOWN.contains(name));
    let name = other.map(|name| format!("what transform {name} makes"));
    name.or_else(|| transforms(root).then(|| MADE.to_owned()))
}

const MADE: &str = "what Fn::Transform makes";

/// Is a part of this made by a macro?
fn transforms(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .any(|(key, value)| key == "Fn::Transform" || transforms(value)),
        Kind::List(elements) => elements.iter().any(transforms),
        Kind::Text(_) | Kind::Literal(_) => false,
    }
}

/// A template of its own, which is not in this one, in words.
fn nested(id: &str, kind: &str, resource: &Node) -> Option<String> {
    let what = match kind {
        "AWS::CloudFormation::Stack" => "nested stack",
        "AWS::CloudFormation::StackSet" => "stack set",
        "AWS::Serverless::Application" => "application",
        kind if kind.ends_with("::MODULE") => "module",
        _ => return None,
    };
    let place = resource.get("Properties").and_then(|all| {
        let mut names = ["TemplateURL", "Location"].into_iter();
        names.find_map(|name| all.get(name)?.as_text())
    });
    let place = place.map_or(String::new(), |place| format!(" ({place})"));
    Some(format!(
        "the roles of {what} {id}{place}: its template is not read"
    ))
}

fn deployed(template: &Template<'_>, root: &Node) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    let mut roles = Vec::new();
    for (id, resource) in template.resources() {
        let kind = resource.get("Type").and_then(Node::as_text);
        let apart = |what: &str| RoleDocument {
            address: Some(id.to_owned()),
            first_line: Some(resource.line),
            pending: Pending::whole(what),
            ..RoleDocument::sent(None)
        };
        let found = match kind {
            Some("AWS::IAM::Role")
                if template
                    .property(resource, "AssumeRolePolicyDocument")
                    .is_none()
                    && transforms(resource) =>
            {
                Some(apart(MADE))
            }
            Some("AWS::IAM::Role") => Some(role(template, id, resource)?),
            Some("AWS::Serverless::Function") => function(template, root, id, resource),
            Some("AWS::IAM::OIDCProvider" | "AWS::IAM::SAMLProvider") => {
                provider(template, id, resource)
            }
            // Its values are not known.
            _ if id.starts_with("Fn::ForEach") => Some(apart(id)),
            kind => nested(id, kind.unwrap_or_default(), resource).map(|what| apart(&what)),
        };
        roles.extend(found);
    }
    Ok(roles)
}

fn role(
    template: &Template<'_>,
    id: &str,
    resource: &Node,
) -> Result<RoleDocument, NoDocumentsError> {
    let document = template.property(resource, "AssumeRolePolicyDocument");
    let document = document.ok_or_else(|| NoDocumentsError::NoDocument {
        role: id.to_owned(),
    })?;
    let mut role = of_document(id, resource, &document);
    let text = |name| template.property(resource, name);
    if let Some(name) = text("RoleName") {
        role.name = name
            .as_text()
            .filter(|name| !is_pending(name))
            .map(str::to_owned);
        role.pending.name = role.name.is_none();
        names(&name)
            .into_iter()
            .for_each(|name| role.pending.add(name));
    }
    let path = text("Path");
    let path = path
        .as_ref()
        .and_then(Node::as_text)
        .filter(|path| !is_pending(path));
    role.path = path.map(str::to_owned);
    role.policies = policies(template, id, resource);
    let boundary = text("PermissionsBoundary");
    let boundary = boundary.as_ref().and_then(Node::as_text);
    role.boundary = boundary.map(|arn| managed(template, resource, "PermissionsBoundary", arn));
    Ok(role)
}

/// A function's own role; none where it is given one, or where Lambda alone may assume it.
fn function(
    template: &Template<'_>,
    root: &Node,
    id: &str,
    resource: &Node,
) -> Option<RoleDocument> {
    if template.property(resource, "Role").is_some() {
        return None;
    }
    let globals = root
        .get("Globals")
        .and_then(|globals| globals.get("Function"));
    let document = template
        .property(resource, "AssumeRolePolicyDocument")
        .or_else(|| template.value(globals?.get("AssumeRolePolicyDocument")?))?;
    let mut role = of_document(id, resource, &document);
    role.policies = policies(template, id, resource);
    Some(role)
}

fn provider(template: &Template<'_>, id: &str, resource: &Node) -> Option<RoleDocument> {
    let reference = Node {
        kind: Kind::Map(vec![("Ref".to_owned(), Node::text(id, resource.line))]),
        line: resource.line,
    };
    let arn = template.value(&reference)?;
    let mut role = RoleDocument {
        address: Some(id.to_owned()),
        first_line: Some(resource.line),
        ..RoleDocument::sent(None)
    };
    match arn.as_text() {
        Some(arn) if !is_pending(arn) => role.provider = Some(arn.to_owned()),
        _ => names(&arn)
            .into_iter()
            .for_each(|name| role.pending.add(name)),
    }
    Some(role)
}

fn of_document(id: &str, resource: &Node, document: &Node) -> RoleDocument {
    // A document may be text, the JSON of one.
    let parsed = document
        .as_text()
        .and_then(|text| Node::json(text.trim()).ok());
    let exact = parsed.is_none();
    let (known, pending) = settled(parsed.as_ref().unwrap_or(document));
    let first_line = if exact { document.line } else { resource.line };
    let text = match (known, document.as_text()) {
        (Some(known), _) if matches!(known.kind, Kind::Map(_)) => Some(known.to_json()),
        // It is judged as what it is: no policy.
        (Some(_), Some(text)) => Some(text.to_owned()),
        (Some(known), None) => Some(known.to_json()),
        (None, _) => None,
    };
    RoleDocument {
        address: Some(id.to_owned()),
        first_line: Some(first_line),
        exact,
        pending,
        ..RoleDocument::sent(text)
    }
}

/// The policies of a role that the template holds: its own, and those that name it.
fn policies(template: &Template<'_>, id: &str, resource: &Node) -> Vec<PolicyText> {
    let mut found = Vec::new();
    let own = template.property(resource, "Policies");
    for (index, policy) in own
        .as_ref()
        .map_or(&[][..], Node::elements)
        .iter()
        .enumerate()
    {
        let document = policy
            .get("PolicyDocument")
            .or(policy.get("Statement").map(|_| policy));
        let name = policy.get("PolicyName").and_then(Node::as_word);
        let name = name.map_or_else(|| format!("policy {index}"), str::to_owned);
        match (document, policy.as_text()) {
            (Some(document), _) => found.push(inline(name, document)),
            // SAM takes the names and ARNs of managed policies here.
            (None, Some(arn)) if !is_pending(arn) => found.push(PolicyText::managed(arn)),
            (None, Some(_)) => {}
            (None, None) => found.push(PolicyText {
                name,
                arn: None,
                document: None,
            }),
        }
    }
    let attached = template.property(resource, "ManagedPolicyArns");
    let raw = resource
        .get("Properties")
        .and_then(|all| all.get("ManagedPolicyArns"));
    let raw = raw.map_or(&[][..], Node::elements);
    for arn in attached.as_ref().map_or(&[][..], Node::elements) {
        match arn.as_text() {
            Some(arn) if !is_pending(arn) => found.push(PolicyText::managed(arn)),
            _ => {}
        }
    }
    found.extend(
        raw.iter()
            .filter_map(|one| of_template(template, referred(one)?)),
    );
    for (_, other) in template.resources() {
        let kind = other.get("Type").and_then(Node::as_text);
        let of_roles = match kind {
            Some("AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy") => "Roles",
            Some("AWS::IAM::RolePolicy") => "RoleName",
            _ => continue,
        };
        let roles = other.get("Properties").and_then(|all| all.get(of_roles));
        let roles = roles.map_or(&[][..], Node::elements);
        let own_name = template.property(resource, "RoleName");
        let named = own_name.as_ref().and_then(Node::as_text);
        let meant = roles
            .iter()
            .any(|role| referred(role) == Some(id) || (named.is_some() && role.as_text() == named));
        if meant && let Some(document) = template.property(other, "PolicyDocument") {
            found.push(inline("policy".to_owned(), &document));
        }
    }
    found
}

/// The logical id that `{"Ref": …}` or `{"Fn::GetAtt": [… , "Arn"]}` names.
fn referred(node: &Node) -> Option<&str> {
    match node.entries() {
        [(name, id)] if name == "Ref" => id.as_text(),
        [(name, both)] if name == "Fn::GetAtt" => {
            let first = both.elements().first()?.as_text()?;
            Some(first.split('.').next().unwrap_or(first))
        }
        _ => None,
    }
}

/// A managed policy that the template holds.
fn of_template(template: &Template<'_>, id: &str) -> Option<PolicyText> {
    let (_, resource) = template.resources().find(|(other, _)| *other == id)?;
    let document = template.property(resource, "PolicyDocument")?;
    Some(inline(id.to_owned(), &document))
}

fn managed(template: &Template<'_>, resource: &Node, property: &str, arn: &str) -> PolicyText {
    let raw = resource.get("Properties").and_then(|all| all.get(property));
    let own = raw
        .and_then(referred)
        .and_then(|id| of_template(template, id));
    own.unwrap_or_else(|| PolicyText::managed(arn))
}

fn inline(name: String, document: &Node) -> PolicyText {
    PolicyText {
        name: super::pending::shown(&name),
        arn: None,
        document: permitting(document).map(|document| document.to_json()),
    }
}

/// `Fn::ForEach` written out: `[variable, values, {"Id${variable}": resource}]`.
fn looped(root: &Node, scope: &Scope) -> Node {
    let mut root = root.clone();
    let mut left = MOST_LOOPED;
    for _ in 0..4 {
        let all = root.get("Resources").cloned();
        let Some(Node {
            kind: Kind::Map(entries),
            line,
        }) = all
        else {
            return root;
        };
        if !entries.iter().any(|(id, _)| id.starts_with("Fn::ForEach")) {
            return root;
        }
        let mut written = Vec::new();
        for (id, resource) in entries {
            let values = id
                .starts_with("Fn::ForEach")
                .then(|| rounds(&root, scope, &resource));
            match values.flatten() {
                Some((variable, values, body)) if values.len() <= left => {
                    left -= values.len();
                    for value in &values {
                        let each = body.entries().iter();
                        written.extend(each.map(|(id, body)| {
                            (put_in(id, &variable, value), round(body, &variable, value))
                        }));
                    }
                }
                _ => written.push((id, resource)),
            }
        }
        if let Kind::Map(entries) = &mut root.kind {
            for (_, value) in entries.iter_mut().filter(|(key, _)| key == "Resources") {
                *value = Node {
                    kind: Kind::Map(std::mem::take(&mut written)),
                    line,
                };
            }
        }
    }
    root
}

/// The variable of a loop, its values, and what it makes of each.
fn rounds(root: &Node, scope: &Scope, argument: &Node) -> Option<(String, Vec<String>, Node)> {
    let [variable, values, body] = argument.elements() else {
        return None;
    };
    let values = Template::new(root, scope, BTreeMap::new()).value(values)?;
    let values: Option<Vec<String>> = values
        .elements()
        .iter()
        .map(|value| {
            value
                .as_word()
                .filter(|word| !is_pending(word))
                .map(str::to_owned)
        })
        .collect();
    Some((variable.as_text()?.to_owned(), values?, body.clone()))
}

fn put_in(text: &str, variable: &str, value: &str) -> String {
    let marks = [format!("${{{variable}}}"), format!("&{{{variable}}}")];
    marks
        .iter()
        .fold(text.to_owned(), |text, mark| text.replace(mark, value))
}

fn round(node: &Node, variable: &str, value: &str) -> Node {
    let line = node.line;
    let kind = match &node.kind {
        Kind::Text(text) => Kind::Text(put_in(text, variable, value)),
        Kind::List(elements) => Kind::List(
            elements
                .iter()
                .map(|each| round(each, variable, value))
                .collect(),
        ),
        Kind::Map(entries) => match entries.as_slice() {
            [(name, of)] if name == "Ref" && of.as_text() == Some(variable) => {
                Kind::Text(value.to_owned())
            }
            entries => Kind::Map(
                entries
                    .iter()
                    .map(|(key, each)| (put_in(key, variable, value), round(each, variable, value)))
                    .collect(),
            ),
        },
        literal @ Kind::Literal(_) => literal.clone(),
    };
    Node { kind, line }
}
