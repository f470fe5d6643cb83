//! The deployed stack: what it consists of, whether it works, who hears it.

use std::collections::BTreeMap;

use aws_sdk_sns::types::Subscription as TopicSubscription;

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// A stack as CloudFormation knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// As `CREATE_COMPLETE`.
    pub status: String,
    /// Its parameters by name, as `Mode`.
    pub parameters: BTreeMap<String, String>,
    /// Its outputs by name.
    pub outputs: BTreeMap<String, String>,
    /// Its resources: physical ids by logical id.
    pub resources: BTreeMap<String, String>,
}

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

/// Who receives what a topic publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// As `email`, `lambda`, `https`.
    pub protocol: String,
    /// As `security@example.com`.
    pub endpoint: String,
    /// Somebody at the endpoint has agreed; until then nothing is delivered.
    pub confirmed: bool,
}

/// A function as Lambda has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionState {
    /// As `Active`.
    pub state: String,
    /// As `Successful`.
    pub last_update: String,
    /// When its code or configuration was changed last.
    pub last_modified: String,
    /// What the function is told through its environment.
    pub environment: BTreeMap<String, String>,
}

/// An EventBridge rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    /// As `ENABLED`, `DISABLED`, `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
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
    let mut resources = BTreeMap::new();
    let mut pages = client
        .list_stack_resources()
        .stack_name(name)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| failed(Failure::of("cloudformation:ListStackResources", &error)))?;
        for resource in page.stack_resource_summaries.unwrap_or_default() {
            resources.extend(pairs(
                resource.logical_resource_id,
                resource.physical_resource_id,
            ));
        }
    }
    Ok(Stack {
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
    })
}

/// Who is subscribed to a topic (ListSubscriptionsByTopic).
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
        found.extend(
            page.subscriptions
                .unwrap_or_default()
                .into_iter()
                .map(subscription),
        );
    }
    found.sort_by(|one, other| {
        (&one.protocol, &one.endpoint).cmp(&(&other.protocol, &other.endpoint))
    });
    Ok(found)
}

fn subscription(subscription: TopicSubscription) -> Subscription {
    Subscription {
        protocol: subscription.protocol.unwrap_or_default(),
        endpoint: subscription.endpoint.unwrap_or_default(),
        // Else it says `PendingConfirmation`, or `Deleted`.
        confirmed: subscription
            .subscription_arn
            .is_some_and(|arn| arn.starts_with("arn:")),
    }
}

/// How a function is (GetFunctionConfiguration).
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
        environment: environment.unwrap_or_default().into_iter().collect(),
    })
}

/// How a rule of the default bus is (DescribeRule).
///
/// # Errors
/// [`CallError`].
pub async fn rule_state(cloud: &SdkContext, name: &str) -> Result<RuleState, CallError> {
    let client = aws_sdk_eventbridge::Client::new(cloud.sdk());
    let answer = client.describe_rule().name(name).send().await;
    let answer = answer.map_err(|error| Failure::of("events:DescribeRule", &error))?;
    let state = answer
        .state
        .map(|state| state.as_str().to_owned())
        .unwrap_or_default();
    Ok(RuleState { state })
}
