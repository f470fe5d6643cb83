//! What a smoke test makes, and how that is removed again: by name, so that a later run can do it.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::account::AccountError;
use crate::caller::Caller;
use crate::story::{Cast, field};

/// The stack's name.
pub(crate) const STACK: &str = "trustwarden-smoke";

/// What the smoke test makes in IAM.
pub(crate) const CAST: Cast = Cast {
    role: "DatadogIntegration-trustwarden-smoke",
    new_role: "trustwarden-smoke-debug",
    user: "trustwarden-smoke-reporting",
    administrator: "you",
    intruder: "you",
    // AWS's own, for the logs of load balancers in us-east-1: it exists, and no rule covers it.
    external: "127311923021",
};

/// How the queue is named that hears what the topics carry. Each run has one of its own: SQS takes
/// no name again that was deleted a minute ago.
pub(crate) const QUEUE: &str = "trustwarden-smoke-alerts-";

pub(crate) fn bucket_of(account: &str) -> String {
    format!("trustwarden-smoke-{account}")
}

/// For how long a stack or a table may be on its way.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What AWS answers about something that is not there.
const GONE: [&str; 6] = [
    "NoSuchEntity",
    "NoSuchBucket",
    "ResourceNotFoundException",
    "TableNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    // CloudFormation, about a stack.
    "ValidationError",
];

/// The same as an answer.
fn if_there(answer: Result<Value, AccountError>) -> Result<Option<Value>, AccountError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().is_some_and(|code| GONE.contains(&code)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The physical id of a resource of the stack, if that has one.
pub(crate) fn resource_of(caller: &Caller, name: &str) -> Result<Option<String>, AccountError> {
    let request = json!({ "StackName": STACK, "LogicalResourceId": name });
    let found = if_there(caller.call("cloudformation", "describe_stack_resource", &request))?;
    let id = found.map(|found| field(&found, "/StackResourceDetail/PhysicalResourceId").to_owned());
    Ok(id.filter(|id| !id.is_empty()))
}

/// Something outside the stack that an earlier run left.
pub(crate) fn left(caller: &Caller, account: &str) -> Result<Option<String>, AccountError> {
    let bucket = bucket_of(account);
    let asked = [
        (
            ("iam", "get_role"),
            json!({ "RoleName": CAST.role }),
            CAST.role,
        ),
        (
            ("iam", "get_role"),
            json!({ "RoleName": CAST.new_role }),
            CAST.new_role,
        ),
        (
            ("iam", "get_user"),
            json!({ "UserName": CAST.user }),
            CAST.user,
        ),
        (
            ("s3", "list_objects_v2"),
            json!({ "Bucket": bucket }),
            &bucket,
        ),
    ];
    for ((service, operation), request, name) in asked {
        if if_there(caller.call(service, operation, &request))?.is_some() {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(queues(caller)?.first().map(Value::to_string))
}

type Part<'a> = &'a dyn Fn() -> Result<(), AccountError>;

/// Removes all of it, what gives access first. One that fails does not keep the others; true if
/// none did.
pub(crate) fn remove(
    caller: &Caller,
    account: &str,
    pause: Duration,
    out: &mut impl Write,
) -> bool {
    // Whoever reads may be gone by now.
    drop(writeln!(out, "\nRemoving"));
    let parts: [(&str, Part<'_>); 7] = [
        (CAST.role, &|| role(caller, CAST.role)),
        (CAST.new_role, &|| role(caller, CAST.new_role)),
        (CAST.user, &|| user(caller)),
        (STACK, &|| stack(caller, pause)),
        ("the queue", &|| delete_queues(caller)),
        ("the rules layer", &|| layer(caller)),
        ("the bucket", &|| bucket(caller, &bucket_of(account))),
    ];
    let mut all = true;
    for (name, part) in parts {
        match part() {
            Ok(()) => drop(writeln!(out, "   {name}: gone")),
            Err(error) => {
                all = false;
                drop(writeln!(out, "   {name}: STILL THERE: {error}"));
            }
        }
    }
    let last = if all {
        "Nothing is left but the alerts' key in its waiting period, which costs nothing."
    } else {
        "Remove the rest: make smoke REMOVE=yes"
    };
    drop(writeln!(out, "{last}"));
    all
}

fn each<'v>(answer: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    answer
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn role(caller: &Caller, name: &str) -> Result<(), AccountError> {
    let role = json!({ "RoleName": name });
    let Some(policies) = if_there(caller.call("iam", "list_role_policies", &role))? else {
        return Ok(());
    };
    for policy in each(&policies, "PolicyNames") {
        let request = json!({ "RoleName": name, "PolicyName": policy });
        if_there(caller.call("iam", "delete_role_policy", &request))?;
    }
    if_there(caller.call("iam", "delete_role", &role)).map(drop)
}

fn user(caller: &Caller) -> Result<(), AccountError> {
    let user = json!({ "UserName": CAST.user });
    let Some(keys) = if_there(caller.call("iam", "list_access_keys", &user))? else {
        return Ok(());
    };
    for key in each(&keys, "AccessKeyMetadata") {
        let request = json!({ "UserName": CAST.user, "AccessKeyId": field(key, "/AccessKeyId") });
        if_there(caller.call("iam", "delete_access_key", &request))?;
    }
    if_there(caller.call("iam", "delete_user", &user)).map(drop)
}

/// The table goes first: the stack would keep it, and then nobody knows its name any more.
fn stack(caller: &Caller, pause: Duration) -> Result<(), AccountError> {
    if settled(caller, pause)?.is_none() {
        return Ok(());
    }
    if let Some(table) = resource_of(caller, "Table")? {
        let open = json!({ "TableName": table, "DeletionProtectionEnabled": false });
        patiently(caller, pause, "update_table", &open)?;
        patiently(
            caller,
            pause,
            "delete_table",
            &json!({ "TableName": table }),
        )?;
    }
    caller.call(
        "cloudformation",
        "delete_stack",
        &json!({ "StackName": STACK }),
    )?;
    match settled(caller, pause)? {
        None => Ok(()),
        Some(stack) => Err(AccountError::Refused {
            operation: "delete_stack".to_owned(),
            code: field(&stack, "/StackStatus").to_owned(),
            message: field(&stack, "/StackStatusReason").to_owned(),
        }),
    }
}

/// The stack once CloudFormation is not at it any more; none where there is none.
fn settled(caller: &Caller, pause: Duration) -> Result<Option<Value>, AccountError> {
    let began = Instant::now();
    let name = json!({ "StackName": STACK });
    loop {
        let found = if_there(caller.call("cloudformation", "describe_stacks", &name))?;
        let Some(stack) = found.as_ref().and_then(|found| found.pointer("/Stacks/0")) else {
            return Ok(None);
        };
        let status = field(stack, "/StackStatus");
        // A change set that nobody executed lies there for good.
        let moves = status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS";
        if !moves || began.elapsed() > PATIENCE {
            return Ok(Some(stack.clone()));
        }
        std::thread::sleep(pause);
    }
}

/// DynamoDB refuses while a table is in flux.
fn patiently(
    caller: &Caller,
    pause: Duration,
    operation: &str,
    request: &Value,
) -> Result<(), AccountError> {
    let began = Instant::now();
    loop {
        match if_there(caller.call("dynamodb", operation, request)) {
            Err(error)
                if error.code() == Some("ResourceInUseException") && began.elapsed() < PATIENCE =>
            {
                std::thread::sleep(pause);
            }
            answer => return answer.map(drop),
        }
    }
}

fn queues(caller: &Caller) -> Result<Vec<Value>, AccountError> {
    let found = caller.call("sqs", "list_queues", &json!({ "QueueNamePrefix": QUEUE }))?;
    Ok(each(&found, "QueueUrls").cloned().collect())
}

fn delete_queues(caller: &Caller) -> Result<(), AccountError> {
    for queue in queues(caller)? {
        if_there(caller.call("sqs", "delete_queue", &json!({ "QueueUrl": queue })))?;
    }
    Ok(())
}

/// All its versions, which the stack keeps.
fn layer(caller: &Caller) -> Result<(), AccountError> {
    let mut names = Vec::new();
    let mut request = json!({});
    loop {
        let page = caller.call("lambda", "list_layers", &request)?;
        let listed = each(&page, "Layers").map(|layer| field(layer, "/LayerName").to_owned());
        names.extend(listed.filter(|name| name.starts_with(STACK)));
        match page.get("NextMarker") {
            Some(next) => request = json!({ "Marker": next }),
            None => break,
        }
    }
    for name in names {
        let versions = caller.call(
            "lambda",
            "list_layer_versions",
            &json!({ "LayerName": name }),
        );
        for version in each(&versions?, "LayerVersions") {
            let request = json!({ "LayerName": name, "VersionNumber": version.get("Version") });
            if_there(caller.call("lambda", "delete_layer_version", &request))?;
        }
    }
    Ok(())
}

fn bucket(caller: &Caller, name: &str) -> Result<(), AccountError> {
    let bucket = json!({ "Bucket": name });
    while let Some(page) = if_there(caller.call("s3", "list_objects_v2", &bucket))? {
        let keys: Vec<Value> = each(&page, "Contents")
            .map(|object| json!({ "Key": field(object, "/Key") }))
            .collect();
        if keys.is_empty() {
            return if_there(caller.call("s3", "delete_bucket", &bucket)).map(drop);
        }
        let request = json!({ "Bucket": name, "Delete": { "Objects": keys } });
        caller.call("s3", "delete_objects", &request)?;
    }
    Ok(())
}
