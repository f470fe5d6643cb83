//! What a role has that its template does not say, and the other way round.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use permissions::{ActionSet, Effective, Policies, Policy, Scope, effective, telling};
use policy::{AnalysisContext, Origin, TrustPolicy};
use serde::Serialize;
use serde_json::Value;

use super::seen::Seen;

/// A template's role.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) trust: String,
    /// Name and text; `None`: there is nothing to compare with.
    pub(super) policies: Option<Vec<(String, String)>>,
    /// The template's text of it.
    pub(super) boundary: Option<String>,
    pub(super) session_seconds: u32,
    pub(super) tags: BTreeMap<String, String>,
}

impl Wanted {
    /// From a role's properties in a template; IAM's own default is an hour.
    pub(super) fn of(properties: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |name: &str| properties.get(name).and_then(Value::as_array);
        let policies = list("Policies").into_iter().flatten().map(|policy| {
            let name = policy.get("PolicyName").and_then(text);
            let document = policy.get("PolicyDocument").unwrap_or(&Value::Null);
            (name.unwrap_or_default(), document.to_string())
        });
        let tags = list("Tags").into_iter().flatten().filter_map(|tag| {
            let part = |name| tag.get(name).and_then(text);
            Some((part("Key")?, part("Value")?))
        });
        let session = properties.get("MaxSessionDuration").and_then(Value::as_u64);
        let boundary = properties.get("PermissionsBoundary");
        Self {
            trust: properties
                .get("AssumeRolePolicyDocument")
                .unwrap_or(&Value::Null)
                .to_string(),
            policies: Some(policies.collect()),
            boundary: boundary.map(|value| text(value).unwrap_or_else(|| value.to_string())),
            session_seconds: session
                .and_then(|it| u32::try_from(it).ok())
                .unwrap_or(3_600),
            tags: tags.collect(),
        }
    }
}

/// The part of a role that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PartOfRole {
    Role,
    Trust,
    Permissions,
    Boundary,
    SessionDuration,
    Tags,
}

impl PartOfRole {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Trust => "trust",
            Self::Permissions => "permissions",
            Self::Boundary => "boundary",
            Self::SessionDuration => "session duration",
            Self::Tags => "tags",
        }
    }
}

/// One difference: a sentence without a full stop, about the role.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Difference {
    pub(super) part: PartOfRole,
    pub(super) what: String,
}

/// How a role compares.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    /// What the input does not tell, and why.
    pub(super) not_known: Vec<Difference>,
    /// Some of that is there and cannot be read.
    pub(super) unreadable: bool,
}

impl Compared {
    fn differs(&mut self, part: PartOfRole, what: impl Into<String>) {
        let what = what.into();
        self.differences.push(Difference { part, what });
    }

    fn not_known(&mut self, part: PartOfRole, what: impl Into<String>) {
        let what = what.into();
        self.not_known.push(Difference { part, what });
    }
}

/// Compares a role with its template. `managed`: managed policies by ARN.
pub(super) fn compare(
    seen: &Seen,
    wanted: &Wanted,
    managed: &HashMap<String, String>,
    now: Timestamp,
) -> Compared {
    let mut compared = Compared::default();
    trust(seen, wanted, now, &mut compared);
    permissions(seen, wanted, managed, &mut compared);
    boundary(seen, wanted, &mut compared);
    match seen.session_seconds {
        Some(seconds) if seconds == wanted.session_seconds => {}
        Some(seconds) => compared.differs(
            PartOfRole::SessionDuration,
            format!(
                "a session may last {seconds} s, and by the template {} s",
                wanted.session_seconds
            ),
        ),
        None => compared.not_known(
            PartOfRole::SessionDuration,
            "the account's details leave it out: name the output of `aws iam list-roles` as well",
        ),
    }
    tags(seen, wanted, &mut compared);
    compared
}

fn trust(seen: &Seen, wanted: &Wanted, now: Timestamp, compared: &mut Compared) {
    let (Ok(template), Ok(role)) = (
        TrustPolicy::parse(&wanted.trust),
        TrustPolicy::parse(&seen.trust),
    ) else {
        compared.unreadable = true;
        return compared.not_known(PartOfRole::Trust, "the trust policy cannot be read");
    };
    let context = AnalysisContext {
        own_account: Some(&seen.account)
            .filter(|account| !account.is_empty())
            .map(String::as_str),
        own_organization: None,
        now,
        origin: Origin::Shown,
        witnesses: false,
        providers: &[],
    };
    for what in policy::difference(&template, &role, &context) {
        compared.differs(PartOfRole::Trust, what);
    }
}

fn permissions(
    seen: &Seen,
    wanted: &Wanted,
    managed: &HashMap<String, String>,
    compared: &mut Compared,
) {
    let part = PartOfRole::Permissions;
    let Some(policies) = &wanted.policies else {
        return compared.not_known(part, "the rule has no permissions.allow to compare with");
    };
    let mut held = seen.held.policies(managed);
    // What the boundary takes away is said of the boundary.
    held.boundary = None;
    let role = effective(&held);
    let template = effective(&Policies {
        policies: policies
            .iter()
            .map(|(name, text)| Policy {
                name,
                arn: None,
                document: Some(text),
            })
            .collect(),
        boundary: None,
        holder: held.holder,
    });
    for unreadable in &role.unreadable {
        let reason = format!("policy {}: {}", unreadable.policy, unreadable.reason);
        compared.unreadable = true;
        compared.not_known(part, reason);
    }
    let mut said = ActionSet::new();
    for scope in [Scope::Everything, Scope::Service, Scope::Named] {
        let mut more = role.on(scope);
        more -= &template.on(scope);
        more -= &said;
        if let Some(text) = some_of(&more) {
            compared.differs(part, format!("may also do {text} {}", scope.words()));
        }
        said |= &more;
    }
    let mut less = template.actions();
    less -= &role.actions();
    if let Some(text) = some_of(&less) {
        compared.differs(part, format!("may not do {text}, as the template says"));
    }
    for (words, of) in [
        ("action", unknown as fn(&Effective) -> BTreeSet<&str>),
        ("resource", named),
        ("condition", conditions),
    ] {
        let (here, there) = (of(&role), of(&template));
        // Where the template names no resource, a role that does is narrower.
        if words == "resource" && there.is_empty() {
            continue;
        }
        for text in here.difference(&there) {
            compared.differs(
                part,
                format!("has the {words} {text}, which the template has not"),
            );
        }
        for text in there.difference(&here) {
            compared.differs(
                part,
                format!("has not the {words} {text}, which the template has"),
            );
        }
    }
}

/// `12 actions (such as s3:GetObject)`; `None` without any.
fn some_of(actions: &ActionSet) -> Option<String> {
    let first = telling(actions).or_else(|| actions.iter().next())?;
    let name = first.to_string();
    Some(match actions.len() {
        1 => name,
        count => format!("{count} actions (such as {name})"),
    })
}

fn unknown(effective: &Effective) -> BTreeSet<&str> {
    let permits = effective.permits.iter();
    permits
        .flat_map(|permit| permit.unknown.iter().map(String::as_str))
        .collect()
}

/// Resources by name; that all are meant is said by the actions.
fn named(effective: &Effective) -> BTreeSet<&str> {
    let permits = effective.permits.iter();
    let named = permits.filter(|permit| permit.scope == Scope::Named);
    named
        .flat_map(|permit| permit.resources.iter().map(String::as_str))
        .collect()
}

fn conditions(effective: &Effective) -> BTreeSet<&str> {
    let permits = effective.permits.iter();
    permits
        .flat_map(|permit| permit.caveats.iter().map(String::as_str))
        .collect()
}

fn boundary(seen: &Seen, wanted: &Wanted, compared: &mut Compared) {
    let part = PartOfRole::Boundary;
    match (seen.held.boundary.as_deref(), wanted.boundary.as_deref()) {
        (here, there) if here == there => {}
        (Some(here), None) => compared.differs(part, format!("has {here}, and the template none")),
        (None, Some(there)) => {
            compared.differs(part, format!("has none, and the template {there}"))
        }
        (Some(here), Some(there)) => {
            compared.differs(part, format!("has {here}, and the template {there}"));
        }
        (None, None) => {}
    }
}

/// Tags that the template does not name are whoever's.
fn tags(seen: &Seen, wanted: &Wanted, compared: &mut Compared) {
    let Some(tags) = &seen.tags else {
        return compared.not_known(PartOfRole::Tags, "the input does not tell them");
    };
    for (key, value) in &wanted.tags {
        let here = tags
            .iter()
            .find(|(own, _)| own == key)
            .map(|(_, value)| value);
        match here {
            Some(here) if here == value => {}
            Some(here) => compared.differs(
                PartOfRole::Tags,
                format!("{key} is {here}, and by the template {value}"),
            ),
            None => compared.differs(PartOfRole::Tags, format!("{key} is missing: {value}")),
        }
    }
}
