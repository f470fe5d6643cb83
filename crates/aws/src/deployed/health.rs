//! What else the deployed stack stands on: its template, event sources, alarms, key, queues, and the
//! trails that its events come from.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudtrail::types::{
    AdvancedEventSelector, AdvancedFieldSelector, ReadWriteType, Trail,
};
use aws_sdk_cloudwatch::types::{Dimension, MetricDataQuery, Statistic};
use guard::watch::{AlarmState, TrailState};
use serde_json::{Value, json};

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// A stack's template as CloudFormation carried it out, in JSON (GetTemplate).
///
/// # Errors
/// [`CallError`].
pub(super) async fn processed_template(
    cloud: &SdkContext,
    name: &str,
) -> Result<String, CallError> {
    let client = aws_sdk_cloudformation::Client::new(cloud.sdk());
    let stage = aws_sdk_cloudformation::types::TemplateStage::Processed;
    let answer = client.get_template().stack_name(name).template_stage(stage);
    let answer = answer.send().await;
    let answer = answer.map_err(|error| Failure::of("cloudformation:GetTemplate", &error))?;
    Ok(answer.template_body.unwrap_or_default())
}

/// Whether an event source hands messages on, as `Enabled` (GetEventSourceMapping).
///
/// # Errors
/// [`CallError`].
pub(super) async fn event_source_state(cloud: &SdkContext, id: &str) -> Result<String, CallError> {
    let client = aws_sdk_lambda::Client::new(cloud.sdk());
    let answer = client.get_event_source_mapping().uuid(id).send().await;
    let answer = answer.map_err(|error| Failure::of("lambda:GetEventSourceMapping", &error))?;
    Ok(answer.state.unwrap_or_default())
}

/// The state of a customer key, as `Enabled` (DescribeKey).
///
/// # Errors
/// [`CallError`].
pub(super) async fn key_state(cloud: &SdkContext, id: &str) -> Result<String, CallError> {
    let client = aws_sdk_kms::Client::new(cloud.sdk());
    let answer = client.describe_key().key_id(id).send().await;
    let answer = answer.map_err(|error| Failure::of("kms:DescribeKey", &error))?;
    let state = answer.key_metadata.and_then(|key| key.key_state);
    Ok(state.map_or_else(String::new, |state| state.as_str().to_owned()))
}

/// Those alarms of these names that exist (DescribeAlarms); a hundred at most.
///
/// # Errors
/// [`CallError`].
pub(super) async fn alarms(
    cloud: &SdkContext,
    names: Vec<String>,
) -> Result<Vec<AlarmState>, CallError> {
    let client = aws_sdk_cloudwatch::Client::new(cloud.sdk());
    let answer = client.describe_alarms().set_alarm_names(Some(names));
    let answer = answer.max_records(100).send().await;
    let answer = answer.map_err(|error| Failure::of("cloudwatch:DescribeAlarms", &error))?;
    let alarms = answer.metric_alarms.unwrap_or_default().into_iter();
    Ok(alarms
        .map(|alarm| AlarmState {
            state: alarm
                .state_value
                .map_or_else(String::new, |state| state.as_str().to_owned()),
            properties: json!({
                "ActionsEnabled": alarm.actions_enabled,
                "AlarmActions": alarm.alarm_actions,
                "InsufficientDataActions": alarm.insufficient_data_actions,
                "ComparisonOperator": alarm.comparison_operator.map(|one| one.as_str().to_owned()),
                "Dimensions": alarm.dimensions.iter().flatten().map(dimension).collect::<Vec<_>>(),
                "EvaluationPeriods": alarm.evaluation_periods,
                "Metrics": alarm.metrics.iter().flatten().map(formula).collect::<Vec<_>>(),
                "MetricName": alarm.metric_name,
                "Namespace": alarm.namespace,
                "Period": alarm.period,
                "Statistic": alarm.statistic.map(|one| one.as_str().to_owned()),
                "Threshold": alarm.threshold,
                "TreatMissingData": alarm.treat_missing_data,
            }),
            name: alarm.alarm_name.unwrap_or_default(),
        })
        .collect())
}

fn dimension(dimension: &Dimension) -> Value {
    json!({ "Name": dimension.name, "Value": dimension.value })
}

/// A metric, or a formula over others, as a template says it: what is there by default is left out.
fn formula(query: &MetricDataQuery) -> Value {
    let metric = query.metric_stat.as_ref().map(|stat| {
        let metric = stat.metric.as_ref();
        let dimensions = metric.and_then(|metric| metric.dimensions.as_ref());
        let dimensions: Vec<Value> = dimensions.into_iter().flatten().map(dimension).collect();
        let mut said = json!({
            "Namespace": metric.and_then(|metric| metric.namespace.as_ref()),
            "MetricName": metric.and_then(|metric| metric.metric_name.as_ref()),
        });
        if let (false, Some(fields)) = (dimensions.is_empty(), said.as_object_mut()) {
            fields.insert("Dimensions".to_owned(), Value::from(dimensions));
        }
        json!({ "Metric": said, "Period": stat.period, "Stat": stat.stat })
    });
    json!({
        "Id": query.id,
        "Label": query.label,
        "Expression": query.expression,
        "MetricStat": metric,
        "ReturnData": query.return_data.filter(|returned| !returned),
    })
}

/// How many messages a queue holds, those being read included (GetQueueAttributes).
///
/// # Errors
/// [`CallError`].
pub async fn queue_length(cloud: &SdkContext, url: &str) -> Result<u64, CallError> {
    use aws_sdk_sqs::types::QueueAttributeName as Name;
    let client = aws_sdk_sqs::Client::new(cloud.sdk());
    let counts = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let names = Some(counts.to_vec());
    let answer = client.get_queue_attributes().queue_url(url);
    let answer = answer.set_attribute_names(names).send().await;
    let answer = answer.map_err(|error| Failure::of("sqs:GetQueueAttributes", &error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let counts = counts.iter().filter_map(|name| attributes.get(name));
    Ok(counts.filter_map(|count| count.parse::<u64>().ok()).sum())
}

/// The age in seconds of the oldest message of a queue within the last quarter of an hour
/// (GetMetricStatistics); `None` where CloudWatch knows of none.
///
/// # Errors
/// [`CallError`].
pub async fn oldest_message(cloud: &SdkContext, queue: &str) -> Result<Option<f64>, CallError> {
    let client = aws_sdk_cloudwatch::Client::new(cloud.sdk());
    let now = SystemTime::now();
    let answer = client
        .get_metric_statistics()
        .namespace("AWS/SQS")
        .metric_name("ApproximateAgeOfOldestMessage")
        .dimensions(Dimension::builder().name("QueueName").value(queue).build())
        .start_time((now - Duration::from_secs(900)).into())
        .end_time(now.into())
        .period(300)
        .statistics(Statistic::Maximum)
        .send()
        .await;
    let answer = answer.map_err(|error| Failure::of("cloudwatch:GetMetricStatistics", &error))?;
    let points = answer.datapoints.unwrap_or_default();
    let newest = points
        .iter()
        .max_by_key(|point| point.timestamp.map(|at| at.secs()));
    Ok(newest.and_then(|point| point.maximum))
}

/// The account's trails, those of its organization and of other regions among them (DescribeTrails,
/// GetTrailStatus, GetEventSelectors).
///
/// # Errors
/// [`CallError`].
pub(super) async fn trails(cloud: &SdkContext) -> Result<Vec<TrailState>, CallError> {
    let client = aws_sdk_cloudtrail::Client::new(cloud.sdk());
    let answer = client.describe_trails().include_shadow_trails(true);
    let answer = answer.send().await;
    let answer = answer.map_err(|error| Failure::of("cloudtrail:DescribeTrails", &error))?;
    let mut trails = Vec::new();
    for trail in answer.trail_list.unwrap_or_default() {
        trails.push(TrailState {
            lacks: lacks(&client, &trail).await?,
            name: trail.name.unwrap_or_default(),
        });
    }
    Ok(trails)
}

async fn lacks(
    client: &aws_sdk_cloudtrail::Client,
    trail: &Trail,
) -> Result<Vec<String>, CallError> {
    let mut lacks = Vec::new();
    if trail.is_multi_region_trail != Some(true) {
        lacks.push("covers one region".to_owned());
    }
    if trail.include_global_service_events != Some(true) {
        lacks.push("leaves out the events of global services, as IAM".to_owned());
    }
    let arn = trail.trail_arn.clone().unwrap_or_default();
    let of_organization = trail.is_organization_trail == Some(true);
    match client.get_trail_status().name(&arn).send().await {
        Ok(status) if status.is_logging == Some(true) => {}
        Ok(_) => lacks.push("does not log".to_owned()),
        // An organization's trail says so to its own account alone.
        Err(_) if of_organization => {}
        Err(error) => return Err(Failure::of("cloudtrail:GetTrailStatus", &error).into()),
    }
    match client.get_event_selectors().trail_name(&arn).send().await {
        Ok(selectors) => {
            let basic = selectors.event_selectors.unwrap_or_default();
            let logs = basic.iter().any(|selector| {
                // CloudTrail's default is to include them, and both kinds.
                selector.include_management_events != Some(false)
                    && selector.read_write_type != Some(ReadWriteType::ReadOnly)
            });
            let advanced = selectors.advanced_event_selectors.unwrap_or_default();
            let selects = advanced.iter().any(selects_management_writes);
            if !logs && !selects {
                lacks.push("leaves out management events that write, or some of them".to_owned());
            }
        }
        Err(_) if of_organization => {}
        Err(error) => return Err(Failure::of("cloudtrail:GetEventSelectors", &error).into()),
    }
    Ok(lacks)
}

/// Whether a selector leaves out no management event that writes.
fn selects_management_writes(selector: &AdvancedEventSelector) -> bool {
    let fields = &selector.field_selectors;
    let is = |field: &AdvancedFieldSelector, name: &str, value: &str| {
        let mut values = field.equals.iter().flatten();
        field.field == name && values.any(|one| one == value)
    };
    let management = |field| is(field, "eventCategory", "Management");
    fields.iter().any(management)
        && fields
            .iter()
            .all(|field| management(field) || is(field, "readOnly", "false"))
}
