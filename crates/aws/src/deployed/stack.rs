//! The deployed stack: what it consists of, whether it works, who hears it.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Subscription as TopicSubscription;
use guard::watch::{FunctionState, RuleState, Stack, Subscription};
use serde_json::{Value, json};

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// Why the stack is not known.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No stack of that name in that account and region.
    #[error("there is no stack {name} in {region}; name yours with --stack and --region")]
    Missing {
        /// Its name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// The call failed.
    #[error("the stack {name} could not be read")]
    Call {
        /// Its name.
        name: String,
        /// What happened.
        #[source]
        source: CallError,
    },
}

/// Reads a stack: its outputs, parameters and resources (DescribeStacks, ListStackResources).
///
/// # Errors
/// [`StackError`].
pub async fn describe_stack(cloud: &SdkContext, name: &str) -> Result<Stack, StackError> {
    let client = aws_sdk_cloudformation::Client::new(cloud.sdk());
    let region = || {
        cloud
            .sdk()
            .region()
            .map_or("no region", |region| region.as_ref())
            .to_owned()
    };
    let missing = || StackError::Missing {
        name: name.to_owned(),
        region: region(),
    };
    let failed = |failure: Failure| {
        // CloudFormation has no error code of its own for it.
        if failure.code == "ValidationError" && failure.message.contains("does not exist") {
            return missing();
        }
        StackError::Call {
            name: name.to_owned(),
            source: failure.into(),
        }
    };
    let answer = client.describe_stacks().stack_name(name).send().await;
    let answer =
        answer.map_err(|error| failed(Failure::of("cloudformation:DescribeStacks", &error)))?;
    let stack = answer
        .stacks
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(missing)?;
    let pairs = |key: Option<String>, value: Option<String>| key.zip(value);
    let (mut resources, mut deployed) = (BTreeMap::new(), BTreeMap::new());
    let mut pages = client
        .list_stack_resources()
        .stack_name(name)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| failed(Failure::of("cloudformation:ListStackResources", &error)))?;
        for resource in page.stack_resource_summaries.unwrap_or_default() {
            let at = resource.last_updated_timestamp.map(|at| at.secs());
            deployed.extend(resource.logical_resource_id.clone().zip(at));
            resources.extend(pairs(
                resource.logical_resource_id,
                resource.physical_resource_id,
            ));
        }
    }
    Ok(Stack {
        id: stack.stack_id.unwrap_or_default(),
        status: stack
            .stack_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        parameters: stack
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter_map(|parameter| pairs(parameter.parameter_key, parameter.parameter_value))
            .collect(),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|output| pairs(output.output_key, output.output_value))
            .collect(),
        resources,
        deployed,
    })
}

/// Who is subscribed to a topic (ListSubscriptionsByTopic, GetSubscriptionAttributes).
///
/// # Errors
/// [`CallError`].
pub async fn subscriptions(
    cloud: &SdkContext,
    topic: &str,
) -> Result<Vec<Subscription>, CallError> {
    let client = aws_sdk_sns::Client::new(cloud.sdk());
    let mut found = Vec::new();
    let mut pages = client
        .list_subscriptions_by_topic()
        .topic_arn(topic)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::of("sns:ListSubscriptionsByTopic", &error))?;
        for one in page.subscriptions.unwrap_or_default() {
            let mut one = subscription(one);
            if let (true, arn) = (one.0.confirmed, &one.1) {
                let attributes = client.get_subscription_attributes();
                let attributes = attributes.subscription_arn(arn).send().await;
                let attributes = attributes
                    .map_err(|error| Failure::of("sns:GetSubscriptionAttributes", &error))?;
                let mut attributes = attributes.attributes.unwrap_or_default();
                one.0.filter = attributes.remove("FilterPolicy");
            }
            found.push(one.0);
        }
    }
    found.sort_by(|one, other| {
        (&one.protocol, &one.endpoint).cmp(&(&other.protocol, &other.endpoint))
    });
    Ok(found)
}

/// It, and its ARN.
fn subscription(subscription: TopicSubscription) -> (Subscription, String) {
    // Else it says `PendingConfirmation`, or `Deleted`.
    let arn = subscription.subscription_arn.unwrap_or_default();
    let found = Subscription {
        protocol: subscription.protocol.unwrap_or_default(),
        endpoint: subscription.endpoint.unwrap_or_default(),
        confirmed: arn.starts_with("arn:"),
        filter: None,
    };
    (found, arn)
}

/// How a function is (GetFunctionConfiguration, GetFunctionConcurrency).
///
/// # Errors
/// [`CallError`].
pub async fn function_state(cloud: &SdkContext, name: &str) -> Result<FunctionState, CallError> {
    let client = aws_sdk_lambda::Client::new(cloud.sdk());
    let answer = client
        .get_function_configuration()
        .function_name(name)
        .send()
        .await;
    let answer = answer.map_err(|error| Failure::of("lambda:GetFunctionConfiguration", &error))?;
    let reserved = client.get_function_concurrency().function_name(name);
    let reserved = reserved.send().await;
    let reserved =
        reserved.map_err(|error| Failure::of("lambda:GetFunctionConcurrency", &error))?;
    let environment = answer
        .environment
        .and_then(|environment| environment.variables);
    Ok(FunctionState {
        state: answer
            .state
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        last_update: answer
            .last_update_status
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
        last_modified: answer.last_modified.unwrap_or_default(),
        code: answer.code_sha256.unwrap_or_default(),
        environment: environment.unwrap_or_default().into_iter().collect(),
        layers: answer
            .layers
            .unwrap_or_default()
            .into_iter()
            .filter_map(|layer| layer.arn)
            .collect(),
        concurrency: reserved.reserved_concurrent_executions,
    })
}

/// How a rule of the default bus is (DescribeRule, ListTargetsByRule).
///
/// # Errors
/// [`CallError`].
pub async fn rule_state(cloud: &SdkContext, name: &str) -> Result<RuleState, CallError> {
    let client = aws_sdk_eventbridge::Client::new(cloud.sdk());
    let answer = client.describe_rule().name(name).send().await;
    let answer = answer.map_err(|error| Failure::of("events:DescribeRule", &error))?;
    Ok(RuleState {
        state: answer
            .state
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        pattern: answer.event_pattern,
        schedule: answer.schedule_expression,
        targets: targets(&client, name).await?,
    })
}

/// Where a rule sends what it matches, as a template says it (ListTargetsByRule).
///
/// # Errors
/// [`CallError`].
pub(super) async fn targets(
    client: &aws_sdk_eventbridge::Client,
    rule: &str,
) -> Result<Vec<Value>, CallError> {
    let answer = client.list_targets_by_rule().rule(rule).send().await;
    let answer = answer.map_err(|error| Failure::of("events:ListTargetsByRule", &error))?;
    Ok(answer.targets.iter().flatten().map(target).collect())
}

fn target(target: &aws_sdk_eventbridge::types::Target) -> Value {
    let mut said = json!({ "Id": target.id, "Arn": target.arn });
    let mut say = |name: &str, value: Option<Value>| {
        if let (Some(value), Some(fields)) = (value, said.as_object_mut()) {
            fields.insert(name.to_owned(), value);
        }
    };
    say("RoleArn", target.role_arn.clone().map(Value::from));
    let letters = target.dead_letter_config.as_ref();
    say(
        "DeadLetterConfig",
        letters.map(|letters| json!({ "Arn": letters.arn })),
    );
    // What changes the event on its way.
    say("Input", target.input.clone().map(Value::from));
    say("InputPath", target.input_path.clone().map(Value::from));
    let transformed = target.input_transformer.as_ref();
    say(
        "InputTransformer",
        transformed.map(|way| {
            json!({ "InputPathsMap": way.input_paths_map, "InputTemplate": way.input_template })
        }),
    );
    let again = target.retry_policy.as_ref();
    say(
        "RetryPolicy",
        again.map(|again| {
            json!({
                "MaximumRetryAttempts": again.maximum_retry_attempts,
                "MaximumEventAgeInSeconds": again.maximum_event_age_in_seconds,
            })
        }),
    );
    said
}
