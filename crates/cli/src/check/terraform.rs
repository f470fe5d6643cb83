//! The roles of a plan or a state, as `terraform show -json` (or `tofu show -json`) prints it.
//!
//! Source: Terraform documentation, "JSON output format" (read 2026-11-30).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::document::{NoDocumentsError, PolicyText, RoleDocument, line_of};
use super::pending::Pending;

/// A plan has `resource_changes` and `planned_values`, a state `values`.
#[derive(Deserialize)]
pub(super) struct Shown<'a> {
    #[serde(borrow, default)]
    resource_changes: Option<Vec<Changed<'a>>>,
    #[serde(borrow, default)]
    deferred_changes: Vec<Deferred<'a>>,
    #[serde(borrow, default)]
    planned_values: Option<Values<'a>>,
    #[serde(borrow, default)]
    values: Option<Values<'a>>,
    #[serde(default)]
    configuration: Option<Configuration>,
    #[serde(default)]
    errored: bool,
}

#[derive(Deserialize)]
struct Changed<'a> {
    address: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    mode: String,
    #[serde(borrow)]
    change: Change<'a>,
}

/// A change that waits until something else is known.
#[derive(Deserialize)]
struct Deferred<'a> {
    #[serde(borrow)]
    resource_change: Changed<'a>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(borrow, default)]
    after: Option<&'a RawValue>,
    #[serde(default)]
    after_unknown: Value,
}

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(borrow, default)]
    root_module: Module<'a>,
}

#[derive(Default, Deserialize)]
struct Module<'a> {
    #[serde(borrow, default)]
    resources: Vec<Planned<'a>>,
    #[serde(borrow, default)]
    child_modules: Vec<Module<'a>>,
}

#[derive(Deserialize)]
struct Planned<'a> {
    address: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    mode: String,
    #[serde(borrow)]
    values: &'a RawValue,
}

#[derive(Default, Deserialize)]
struct Configuration {
    #[serde(default)]
    root_module: ConfiguredModule,
}

#[derive(Default, Deserialize)]
struct ConfiguredModule {
    #[serde(default)]
    resources: Vec<Configured>,
    #[serde(default)]
    module_calls: BTreeMap<String, Call>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    module: ConfiguredModule,
}

#[derive(Deserialize)]
struct Configured {
    #[serde(default)]
    address: String,
    #[serde(default)]
    expressions: Value,
}

/// A resource after the plan.
struct Resource {
    address: String,
    kind: String,
    after: Value,
    unknown: Value,
    line: usize,
}

impl Resource {
    fn text(&self, name: &str) -> Option<&str> {
        self.after
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    fn is_unknown(&self, name: &str) -> bool {
        self.unknown
            .get(name)
            .is_some_and(|it| *it != Value::Bool(false))
    }
}

/// All roles of a plan or state, and the providers that it sets up.
pub(super) fn roles(shown: Shown<'_>, file: &str) -> Result<Vec<RoleDocument>, NoDocumentsError> {
    if shown.errored {
        return Err(NoDocumentsError::Errored);
    }
    let mut configured = BTreeMap::new();
    if let Some(configuration) = shown.configuration {
        references(configuration.root_module, "", &mut configured, 0);
    }
    let resources = match (shown.resource_changes, shown.planned_values, shown.values) {
        (Some(mut changes), ..) => {
            let deferred = shown.deferred_changes.into_iter();
            changes.extend(deferred.map(|deferred| deferred.resource_change));
            changed(changes, file)?
        }
        (None, Some(values), _) | (None, None, Some(values)) => {
            let mut found = Vec::new();
            planned(values.root_module, file, &mut found, 0)?;
            found
        }
        (None, None, None) => return Err(NoDocumentsError::Unknown),
    };
    let attached = Attached {
        resources: &resources,
        configured: &configured,
    };
    let roles = resources
        .iter()
        .filter_map(|resource| match resource.kind.as_str() {
            "aws_iam_role" | "awscc_iam_role" => Some(role(resource, &attached)),
            "aws_iam_openid_connect_provider" => Some(provider(resource, "url", "oidc-provider")),
            "aws_iam_saml_provider" => Some(provider(resource, "name", "saml-provider")),
            kind => unread(kind).map(|what| RoleDocument {
                address: Some(resource.address.clone()),
                first_line: Some(resource.line),
                pending: Pending::whole(&format!("the roles of {}: {what}", resource.address)),
                ..RoleDocument::sent(None)
            }),
        });
    let roles = roles.map(|mut role| {
        role.pending.planned = true;
        role
    });
    Ok(roles.collect())
}

fn is_ours(kind: &str, mode: &str) -> bool {
    let ours = kind.starts_with("aws_iam_") || kind == "awscc_iam_role";
    (ours || unread(kind).is_some()) && mode != "data"
}

/// What may make roles in a language of its own, and why it tells none of them.
fn unread(kind: &str) -> Option<&'static str> {
    match kind {
        "aws_cloudformation_stack"
        | "aws_cloudformation_stack_set"
        | "aws_serverlessapplicationrepository_cloudformation_stack"
        | "awscc_cloudformation_stack"
        | "awscc_cloudformation_stack_set" => Some("its template is not read"),
        "aws_cloudcontrolapi_resource" => Some("this kind is not read"),
        _ => None,
    }
}

fn changed(changes: Vec<Changed<'_>>, file: &str) -> Result<Vec<Resource>, NoDocumentsError> {
    let after = changes.into_iter().filter_map(
        |Changed {
             address,
             kind,
             mode,
             change,
         }| {
            // What is deleted, or forgotten, is not there any more.
            let stays =
                !matches!(change.actions.as_slice(), [one] if one == "delete" || one == "forget");
            let after = change.after?;
            (stays && is_ours(&kind, &mode)).then(|| {
                Ok(Resource {
                    address,
                    kind,
                    line: line_of(after.get(), file),
                    after: serde_json::from_str(after.get()).map_err(NoDocumentsError::NotJson)?,
                    unknown: change.after_unknown,
                })
            })
        },
    );
    after.collect()
}

/// Modules within modules, deeper than anybody builds.
const MOST_DEPTH: usize = 64;

fn planned(
    module: Module<'_>,
    file: &str,
    found: &mut Vec<Resource>,
    depth: usize,
) -> Result<(), NoDocumentsError> {
    for Planned {
        address,
        kind,
        mode,
        values,
    } in module.resources
    {
        if is_ours(&kind, &mode) {
            found.push(Resource {
                address,
                kind,
                line: line_of(values.get(), file),
                after: serde_json::from_str(values.get()).map_err(NoDocumentsError::NotJson)?,
                unknown: Value::Null,
            });
        }
    }
    let deeper = module
        .child_modules
        .into_iter()
        .filter(|_| depth < MOST_DEPTH);
    for child in deeper {
        planned(child, file, found, depth + 1)?;
    }
    Ok(())
}

/// Which resources an argument of a resource refers to, by the resource's address without indices.
fn references(
    module: ConfiguredModule,
    prefix: &str,
    found: &mut BTreeMap<String, Value>,
    depth: usize,
) {
    for resource in module.resources {
        found.insert(
            format!("{prefix}{}", resource.address),
            resource.expressions,
        );
    }
    for (name, call) in module.module_calls {
        if depth < MOST_DEPTH {
            references(
                call.module,
                &format!("{prefix}module.{name}."),
                found,
                depth + 1,
            );
        }
    }
}

/// `module.a["x"].aws_iam_role.r[0]` without its indices.
fn plain(address: &str) -> String {
    let mut depth = 0_u32;
    let kept = address.chars().filter(|character| {
        depth += u32::from(*character == '[');
        let keep = depth == 0;
        depth -= u32::from(*character == ']' && depth > 0);
        keep
    });
    kept.collect()
}

struct Attached<'a> {
    resources: &'a [Resource],
    configured: &'a BTreeMap<String, Value>,
}

impl Attached<'_> {
    /// Does this argument of a resource refer to another one?
    fn refers(&self, from: &Resource, argument: &str, to: &Resource) -> bool {
        let (from, to) = (plain(&from.address), plain(&to.address));
        let module = |address: &str| {
            let end = address
                .rfind(".aws_")
                .or_else(|| address.starts_with("aws_").then_some(0));
            address
                .get(..end.map_or(0, |end| if end == 0 { 0 } else { end + 1 }))
                .unwrap_or_default()
                .to_owned()
        };
        let (from_module, to_module) = (module(&from), module(&to));
        let local = to.strip_prefix(&to_module).unwrap_or(&to);
        let listed = self
            .configured
            .get(&from)
            .and_then(|all| all.get(argument)?.get("references"));
        let listed = listed.and_then(Value::as_array).into_iter().flatten();
        from_module == to_module
            && listed.filter_map(Value::as_str).any(|one| {
                let one = plain(one);
                one == local
                    || one
                        .strip_prefix(local)
                        .is_some_and(|rest| rest.starts_with('.'))
            })
    }

    fn of_role(&self, role: &Resource) -> Vec<PolicyText> {
        let name = role.text("name");
        let meant = |other: &Resource, argument: &str| {
            let given = other.after.get(argument);
            let named = |value: &Value| name.is_some() && value.as_str() == name;
            match given {
                Some(Value::Array(all)) if all.iter().any(named) => true,
                Some(value) if named(value) => true,
                Some(Value::String(_)) => false,
                _ => self.refers(other, argument, role),
            }
        };
        let mut found = Vec::new();
        for other in self.resources {
            match other.kind.as_str() {
                "aws_iam_role_policy" if meant(other, "role") => {
                    found.push(PolicyText {
                        name: other.address.clone(),
                        arn: None,
                        document: other.text("policy").map(str::to_owned),
                    });
                }
                "aws_iam_role_policy_attachment" if meant(other, "role") => {
                    found.push(self.managed(other));
                }
                "aws_iam_policy_attachment" if meant(other, "roles") => {
                    found.push(self.managed(other));
                }
                "aws_iam_role_policy_attachments_exclusive" if meant(other, "role_name") => {
                    let all = other.after.get("policy_arns").and_then(Value::as_array);
                    let all = all.into_iter().flatten().filter_map(Value::as_str);
                    found.extend(all.map(PolicyText::managed));
                }
                _ => {}
            }
        }
        found
    }

    /// The policy that an attachment names.
    fn managed(&self, attachment: &Resource) -> PolicyText {
        let arn = attachment.text("policy_arn");
        let own = self
            .resources
            .iter()
            .filter(|other| other.kind == "aws_iam_policy");
        let own = own
            .into_iter()
            .find(|other| match (arn, other.text("arn")) {
                (Some(arn), Some(of)) => arn == of,
                (Some(_), None) => false,
                (None, _) => self.refers(attachment, "policy_arn", other),
            });
        match (own, arn) {
            (Some(own), _) => PolicyText {
                name: own.address.clone(),
                arn: None,
                document: own.text("policy").map(str::to_owned),
            },
            (None, Some(arn)) => PolicyText::managed(arn),
            (None, None) => PolicyText {
                name: attachment.address.clone(),
                arn: None,
                document: None,
            },
        }
    }
}

fn role(resource: &Resource, attached: &Attached<'_>) -> RoleDocument {
    // The Cloud Control provider has CloudFormation's names.
    let [own_name, trust, inline, inline_name, inline_document] = match resource.kind.as_str() {
        "awscc_iam_role" => [
            "role_name",
            "assume_role_policy_document",
            "policies",
            "policy_name",
            "policy_document",
        ],
        _ => [
            "name",
            "assume_role_policy",
            "inline_policy",
            "name",
            "policy",
        ],
    };
    let document = resource.text(trust);
    let mut pending = Pending::default();
    if document.is_none() {
        pending.add(format!("{}.{trust}", resource.address));
    }
    if resource.text(own_name).is_none() {
        pending.name = true;
    }
    let mut policies = attached.of_role(resource);
    let inlined = resource.after.get(inline).and_then(Value::as_array);
    for policy in inlined.into_iter().flatten() {
        let text = |name: &str| policy.get(name)?.as_str().map(str::to_owned);
        if let Some(document) = text(inline_document) {
            let name = text(inline_name).unwrap_or_else(|| inline.to_owned());
            policies.push(PolicyText {
                name,
                arn: None,
                document: Some(document),
            });
        }
    }
    let managed = resource
        .after
        .get("managed_policy_arns")
        .and_then(Value::as_array);
    let managed = managed.into_iter().flatten().filter_map(Value::as_str);
    policies.extend(managed.map(PolicyText::managed));
    if resource.is_unknown(inline) {
        pending.add(format!("{}.{inline}", resource.address));
    }
    RoleDocument {
        name: resource.text(own_name).map(str::to_owned),
        path: resource.text("path").map(str::to_owned),
        arn: resource.text("arn").map(str::to_owned),
        address: Some(resource.address.clone()),
        first_line: Some(resource.line),
        pending,
        policies,
        boundary: resource
            .text("permissions_boundary")
            .map(PolicyText::managed),
        ..RoleDocument::sent(document.map(str::to_owned))
    }
}

fn provider(resource: &Resource, argument: &str, kind: &str) -> RoleDocument {
    let mut role = RoleDocument {
        address: Some(resource.address.clone()),
        first_line: Some(resource.line),
        ..RoleDocument::sent(None)
    };
    match resource.text(argument) {
        Some(name) => {
            let name = name
                .strip_prefix("https://")
                .unwrap_or(name)
                .trim_end_matches('/');
            role.provider = Some(format!("arn:aws:iam::000000000000:{kind}/{name}"));
        }
        None => role.pending.add(format!("{}.{argument}", resource.address)),
    }
    role
}
