//! What the stack's resources hold: their policies, and settings by which they could be silenced.

use guard::watch::{Expected, Held, Stack};
use serde_json::{Value, json};

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// What a resource of a kind that is compared holds; `None` for other kinds.
///
/// # Errors
/// [`CallError`].
pub(super) async fn held(
    cloud: &SdkContext,
    stack: &Stack,
    resource: &Expected,
    id: &str,
) -> Result<Option<Held>, CallError> {
    Ok(Some(match resource.kind.as_str() {
        "AWS::DynamoDB::Table" => of_table(cloud, stack, id).await?,
        "AWS::KMS::Key" => of_key(cloud, id).await?,
        "AWS::Lambda::EventSourceMapping" => of_event_source(cloud, id).await?,
        "AWS::Lambda::Function" => of_function(cloud, id).await?,
        "AWS::SNS::Topic" => of_topic(cloud, id).await?,
        "AWS::SQS::Queue" => of_queue(cloud, id).await?,
        _ => return Ok(None),
    }))
}

/// A policy, or nothing where there is no policy, which is an error to the service.
fn there(
    answer: Result<Option<String>, Failure>,
    none: &'static str,
) -> Result<Option<String>, CallError> {
    match answer {
        Err(failure) if failure.code == none => Ok(None),
        answer => Ok(answer?),
    }
}

/// GetResourcePolicy.
async fn of_table(cloud: &SdkContext, stack: &Stack, name: &str) -> Result<Held, CallError> {
    let client = aws_sdk_dynamodb::Client::new(cloud.sdk());
    let partition = stack.id.split(':').nth(1).unwrap_or_default();
    let (region, account) = stack.place();
    let arn = format!("arn:{partition}:dynamodb:{region}:{account}:table/{name}");
    let answer = client.get_resource_policy().resource_arn(arn).send().await;
    let answer = answer.map(|answer| answer.policy);
    let answer = answer.map_err(|error| Failure::of("dynamodb:GetResourcePolicy", &error));
    Ok(Held {
        policy: there(answer, "PolicyNotFoundException")?,
        settings: Value::Null,
    })
}

/// GetKeyPolicy.
async fn of_key(cloud: &SdkContext, id: &str) -> Result<Held, CallError> {
    let client = aws_sdk_kms::Client::new(cloud.sdk());
    let answer = client.get_key_policy().key_id(id).policy_name("default");
    let answer = answer.send().await;
    let answer = answer.map_err(|error| Failure::of("kms:GetKeyPolicy", &error))?;
    Ok(Held {
        policy: answer.policy,
        settings: Value::Null,
    })
}

/// GetEventSourceMapping: what it takes, and what it lets pass.
async fn of_event_source(cloud: &SdkContext, id: &str) -> Result<Held, CallError> {
    let client = aws_sdk_lambda::Client::new(cloud.sdk());
    let answer = client.get_event_source_mapping().uuid(id).send().await;
    let answer = answer.map_err(|error| Failure::of("lambda:GetEventSourceMapping", &error))?;
    let function = answer.function_arn.unwrap_or_default();
    let filters = answer.filter_criteria.and_then(|criteria| criteria.filters);
    let filters: Vec<Value> = filters
        .into_iter()
        .flatten()
        .map(|filter| json!({ "Pattern": filter.pattern }))
        .collect();
    Ok(Held {
        policy: None,
        settings: json!({
            "EventSourceArn": answer.event_source_arn,
            "FilterCriteria": match filters.is_empty() {
                true => Value::Null,
                false => json!({ "Filters": filters }),
            },
            "FunctionName": function.rsplit(':').next(),
        }),
    })
}

/// GetPolicy.
async fn of_function(cloud: &SdkContext, name: &str) -> Result<Held, CallError> {
    let client = aws_sdk_lambda::Client::new(cloud.sdk());
    let answer = client.get_policy().function_name(name).send().await;
    let answer = answer.map(|answer| answer.policy);
    let answer = answer.map_err(|error| Failure::of("lambda:GetPolicy", &error));
    Ok(Held {
        policy: there(answer, "ResourceNotFoundException")?,
        settings: Value::Null,
    })
}

/// GetTopicAttributes.
async fn of_topic(cloud: &SdkContext, arn: &str) -> Result<Held, CallError> {
    let client = aws_sdk_sns::Client::new(cloud.sdk());
    let answer = client.get_topic_attributes().topic_arn(arn).send().await;
    let answer = answer.map_err(|error| Failure::of("sns:GetTopicAttributes", &error))?;
    let mut attributes = answer.attributes.unwrap_or_default();
    Ok(Held {
        policy: attributes.remove("Policy"),
        settings: json!({ "KmsMasterKeyId": attributes.get("KmsMasterKeyId") }),
    })
}

/// GetQueueAttributes: what is so by default is left out.
async fn of_queue(cloud: &SdkContext, url: &str) -> Result<Held, CallError> {
    use aws_sdk_sqs::types::QueueAttributeName as Name;
    let client = aws_sdk_sqs::Client::new(cloud.sdk());
    let answer = client.get_queue_attributes().queue_url(url);
    let answer = answer.attribute_names(Name::All).send().await;
    let answer = answer.map_err(|error| Failure::of("sqs:GetQueueAttributes", &error))?;
    let mut attributes = answer.attributes.unwrap_or_default();
    let mut of = |name: Name, default: &str| {
        let value = attributes.remove(&name);
        value.filter(|value| value != default)
    };
    let letters = of(Name::RedrivePolicy, "");
    let letters = letters.and_then(|text| serde_json::from_str(&text).ok());
    // Who lowers what a queue takes keeps events out of it.
    let largest = of(Name::MaximumMessageSize, "");
    let largest = largest.filter(|size| size.parse::<u32>().is_ok_and(|size| size < 262_144));
    Ok(Held {
        settings: json!({
            "DelaySeconds": of(Name::DelaySeconds, "0"),
            "KmsMasterKeyId": of(Name::KmsMasterKeyId, ""),
            "MaximumMessageSize": largest,
            "MessageRetentionPeriod": of(Name::MessageRetentionPeriod, "345600"),
            "RedrivePolicy": letters.unwrap_or(Value::Null),
            "VisibilityTimeout": of(Name::VisibilityTimeout, "30"),
        }),
        policy: of(Name::Policy, ""),
    })
}
