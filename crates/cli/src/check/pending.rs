//! What only the deployment tells of a policy: taken out before it is judged, so that what stands beside
//! it is, and said.

use guard::{Check, Finding, Severity};

use guard::template::{Kind, Node};
use guard::template::{MARKS, is_pending};

/// Stands where a text is not known and something must.
const PLACEHOLDER: &str = "known-at-deployment";

/// With `other` for what is not known.
fn filled(text: &str, other: &str) -> String {
    let [open, close] = MARKS;
    let mut parts = text.split(open);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(other);
        out.push_str(part.split_once(close).map_or("", |(_, rest)| rest));
    }
    out
}

/// A name, for people.
pub(super) fn shown(text: &str) -> String {
    filled(text, PLACEHOLDER)
}

/// The names of what is not known, each once, in order.
pub(super) fn names(node: &Node) -> Vec<String> {
    let mut found = Vec::new();
    gather(node, &mut found);
    found
}

fn gather(node: &Node, found: &mut Vec<String>) {
    match &node.kind {
        Kind::Literal(_) => {}
        Kind::Text(text) => {
            let [open, close] = MARKS;
            for part in text.split(open).skip(1) {
                let name = part.split(close).next().unwrap_or_default().to_owned();
                if !found.contains(&name) {
                    found.push(name);
                }
            }
        }
        Kind::List(elements) => elements.iter().for_each(|each| gather(each, found)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| gather(value, found)),
    }
}

/// What is not known of a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Open {
    /// Whose principal of a known account may be.
    principal: bool,
    /// The value of the external id.
    external_id: bool,
    /// The organization that it is limited to.
    organization: bool,
    /// The value of another key.
    limit: bool,
}

/// What only the deployment tells of a trust policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pending {
    names: Vec<String>,
    /// Of each statement that is left, where it stood, and what is not known of it.
    statements: Vec<(usize, Open)>,
    /// The role's name is not known.
    pub(crate) name: bool,
    /// It is of a Terraform plan, to which no parameters are given here.
    pub(crate) planned: bool,
}

impl Pending {
    /// All of it.
    pub(crate) fn whole(name: &str) -> Self {
        let names = vec![name.to_owned()];
        Self {
            names,
            ..Self::default()
        }
    }

    /// Is everything known?
    pub(crate) fn is_none(&self) -> bool {
        self.names.is_empty()
    }

    /// Adds what is not known of something beside.
    pub(crate) fn add(&mut self, name: String) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// Where in what is left a statement stands, by where it stood.
    pub(crate) fn place(&self, statement: usize) -> Option<usize> {
        if self.statements.is_empty() {
            return Some(statement);
        }
        self.statements
            .iter()
            .position(|(stood, _)| *stood == statement)
    }

    /// Of findings, those that hold whatever is put in, with the statements where they stood.
    pub(crate) fn certain(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let at = |finding: &Finding| self.statements.get(finding.statement?).copied();
        let kept = findings.into_iter().filter_map(|mut finding| {
            let (index, open) = match at(&finding) {
                Some((index, open)) => (Some(index), open),
                None => (finding.statement, Open::default()),
            };
            finding.statement = index;
            (!self.hangs_on(&finding, open)).then_some(finding)
        });
        kept.collect()
    }

    fn hangs_on(&self, finding: &Finding, open: Open) -> bool {
        use Check::{
            BroadPrincipal, ConfusedDeputyService, MachineIdentityService, MissingExternalId,
            RoleNotRegistered, SharedExternalId, UnknownThirdParty, WeakExternalId,
            WrongExternalId,
        };
        let code = finding.code;
        let named = finding.third_party.is_some();
        // An account that is named stays a third party, whatever else is asked of it.
        let of_named = code == UnknownThirdParty && named && !open.organization;
        (self.name && code == RoleNotRegistered)
            || (open.external_id
                && matches!(
                    code,
                    MissingExternalId | WrongExternalId | WeakExternalId | SharedExternalId
                ))
            || (open.principal && (code == BroadPrincipal || finding.vendor.is_some()))
            || open.organization
            || (open.limit && !of_named)
            || (open.limit && matches!(code, ConfusedDeputyService | MachineIdentityService))
    }

    /// The finding that says it.
    pub(crate) fn finding(&self) -> Option<Finding> {
        const NAMED: usize = 4;
        if self.is_none() {
            return None;
        }
        let mut named: Vec<String> = self.names.iter().take(NAMED).cloned().collect();
        let more = self.names.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("and {more} more"));
        }
        Some(Finding {
            code: Check::KnownAtDeployment,
            severity: Severity::Informational,
            message: format!(
                "known only at deployment, and not judged: {}",
                named.join(", ")
            ),
            statement: None,
            third_party: None,
            vendor: None,
            witness: None,
            ways: Vec::new(),
            fix: Some(
                match self.planned {
                    true => "the deployed guard judges it when it is applied",
                    false => {
                        "give parameters with --parameter NAME=VALUE; the deployed guard judges \
                         the rest"
                    }
                }
                .to_owned(),
            ),
        })
    }
}

/// A trust policy without what is not known; `None` where nothing is left.
pub(super) fn settled(document: &Node) -> (Option<Node>, Pending) {
    let mut pending = Pending {
        names: names(document),
        ..Pending::default()
    };
    if pending.is_none() {
        return (Some(document.clone()), pending);
    }
    let Kind::Map(entries) = &document.kind else {
        return (None, pending);
    };
    let mut left = Vec::new();
    for (key, value) in entries {
        if key != "Statement" {
            if names(value).is_empty() {
                left.push((key.clone(), value.clone()));
            }
            continue;
        }
        let statements = value.elements().iter().enumerate();
        let known: Vec<Node> = statements
            .filter_map(|(index, statement)| {
                let (statement, open) = of_statement(statement)?;
                pending.statements.push((index, open));
                Some(statement)
            })
            .collect();
        if known.is_empty() {
            return (None, pending);
        }
        let kind = Kind::List(known);
        left.push((
            key.clone(),
            Node {
                kind,
                line: value.line,
            },
        ));
    }
    let kind = Kind::Map(left);
    (
        Some(Node {
            kind,
            line: document.line,
        }),
        pending,
    )
}

/// A statement without what is not known; `None` where that decides what it says.
fn of_statement(statement: &Node) -> Option<(Node, Open)> {
    let mut open = Open::default();
    let Kind::Map(entries) = &statement.kind else {
        return names(statement)
            .is_empty()
            .then(|| (statement.clone(), open));
    };
    let mut left = Vec::new();
    for (key, value) in entries {
        let value = match key.as_str() {
            _ if names(value).is_empty() => value.clone(),
            "Sid" => continue,
            "Principal" => principals(value, &mut open)?,
            "Condition" => conditions(value, &mut open)?,
            _ => return None,
        };
        left.push((key.clone(), value));
    }
    let kind = Kind::Map(left);
    let line = statement.line;
    Some((Node { kind, line }, open))
}

fn principals(principals: &Node, open: &mut Open) -> Option<Node> {
    let kept = principals.entries().iter().filter_map(|(kind, values)| {
        let known = values
            .elements()
            .iter()
            .filter_map(|value| match value.as_text() {
                Some(text) if is_pending(text) => {
                    // The account stands in front of what is not known.
                    let known = text.split(MARKS).next().unwrap_or_default();
                    let account = known.split(':').nth(4).unwrap_or_default();
                    let tells = kind == "AWS" && guard::rules::is_account_id(account);
                    open.principal |= tells;
                    tells.then(|| Node::text(filled(text, PLACEHOLDER), value.line))
                }
                _ => Some(value.clone()),
            });
        let known: Vec<Node> = known.collect();
        let line = values.line;
        let kind_of = Kind::List(known);
        (!matches!(&kind_of, Kind::List(known) if known.is_empty())).then(|| {
            (
                kind.clone(),
                Node {
                    kind: kind_of,
                    line,
                },
            )
        })
    });
    let kept: Vec<_> = kept.collect();
    let line = principals.line;
    let empty = kept.is_empty();
    let kind = Kind::Map(kept);
    (!empty).then_some(Node { kind, line })
}

fn conditions(conditions: &Node, open: &mut Open) -> Option<Node> {
    if !matches!(conditions.kind, Kind::Map(_)) {
        return None;
    }
    let mut kept = Vec::new();
    for (operator, keys) in conditions.entries() {
        if !matches!(keys.kind, Kind::Map(_)) {
            return None;
        }
        let mut of_operator = Vec::new();
        for (key, values) in keys.entries() {
            let values = if names(values).is_empty() {
                values.clone()
            } else {
                let lower = key.to_ascii_lowercase();
                let organization = lower.starts_with("aws:principalorg");
                open.external_id |= lower == "sts:externalid";
                open.organization |= organization;
                let free = operator.contains("String") && is_the_callers_choice(&lower);
                open.limit |= !organization && lower != "sts:externalid" && !free;
                with_placeholders(values, placeholder(operator))
            };
            of_operator.push((key.clone(), values));
        }
        let line = keys.line;
        kept.push((
            operator.clone(),
            Node {
                kind: Kind::Map(of_operator),
                line,
            },
        ));
    }
    let line = conditions.line;
    Some(Node {
        kind: Kind::Map(kept),
        line,
    })
}

/// Whatever value is asked for, whoever calls can say it: it keeps nobody out.
fn is_the_callers_choice(key: &str) -> bool {
    [
        "aws:principaltag/",
        "aws:requesttag/",
        "aws:tagkeys",
        "aws:useragent",
    ]
    .iter()
    .any(|begins| key.starts_with(begins))
}

/// A value that the operator takes.
fn placeholder(operator: &str) -> &'static str {
    let operator = operator.rsplit(':').next().unwrap_or_default();
    [
        ("Ip", "192.0.2.1/32"),
        ("NotIp", "192.0.2.1/32"),
        ("Date", "2099-01-01T00:00:00Z"),
        ("Numeric", "1"),
        ("Bool", "true"),
        ("Null", "false"),
        ("Binary", "a25vd24="),
        ("Arn", "arn:aws:iam::000000000000:role/known-at-deployment"),
    ]
    .into_iter()
    .find(|(begins, _)| operator.starts_with(begins))
    .map_or(PLACEHOLDER, |(_, value)| value)
}

fn with_placeholders(values: &Node, whole: &str) -> Node {
    let fill = |value: &Node| match value.as_text() {
        Some(text) if is_pending(text) => {
            let bare = filled(text, "").is_empty() || whole != PLACEHOLDER;
            let text = if bare {
                whole.to_owned()
            } else {
                filled(text, PLACEHOLDER)
            };
            Node::text(text, value.line)
        }
        _ => value.clone(),
    };
    let kind = Kind::List(values.elements().iter().map(fill).collect());
    Node {
        kind,
        line: values.line,
    }
}

/// A permission policy in which what is not known is one resource, or one value; `None` where more
/// of it is not known.
pub(super) fn permitting(document: &Node) -> Option<Node> {
    if names(document).is_empty() {
        return Some(document.clone());
    }
    let kind = match &document.kind {
        Kind::Map(entries) => {
            let settle = |(key, value): &(String, Node)| match key.as_str() {
                "Resource" | "NotResource" => {
                    let line = value.line;
                    let one = |value: &Node| match value.as_text() {
                        Some(text) if is_pending(text) && !text.starts_with("arn:") => {
                            Node::text("arn:aws:s3:::known-at-deployment", value.line)
                        }
                        Some(text) => Node::text(filled(text, PLACEHOLDER), value.line),
                        None => value.clone(),
                    };
                    let kind = Kind::List(value.elements().iter().map(one).collect());
                    Some((key.clone(), Node { kind, line }))
                }
                "Condition" => {
                    let condition = conditions(value, &mut Open::default())?;
                    Some((key.clone(), condition))
                }
                "Statement" => {
                    let line = value.line;
                    let known = value.elements().iter().filter_map(permitting).collect();
                    let kind = Kind::List(known);
                    Some((key.clone(), Node { kind, line }))
                }
                _ if names(value).is_empty() => Some((key.clone(), value.clone())),
                _ => None,
            };
            Kind::Map(entries.iter().map(settle).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Node {
        kind,
        line: document.line,
    })
}
