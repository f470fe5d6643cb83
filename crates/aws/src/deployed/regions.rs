//! The account's regions, and the rules by which each hands its events to the home region.

use std::collections::BTreeMap;

use aws_sdk_account::types::RegionOptStatus;
use aws_sdk_eventbridge::types::Rule;
use guard::template::FORWARDERS;
use guard::watch::{RegionState, RuleState};
use tokio::task::JoinSet;

use super::CallError;
use super::stack::targets;
use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// Partitions in which no region is enabled or disabled, and whose account service does not list them.
const FIXED: [(&str, &[&str]); 2] = [
    ("us-gov-", &["us-gov-east-1", "us-gov-west-1"]),
    ("cn-", &["cn-north-1", "cn-northwest-1"]),
];

/// The regions that are enabled in the account (ListRegions), and what each but the home region has of
/// `template-region.yaml` (ListRules, ListTargetsByRule). All are asked at the same time.
///
/// # Errors
/// [`CallError`]: the regions are not known. What one of them does not say is its own.
pub(super) async fn regions(cloud: &SdkContext, home: &str) -> Result<Vec<RegionState>, CallError> {
    let mut asked = JoinSet::new();
    for name in enabled(cloud, home).await? {
        if name != home {
            let there = cloud.in_region(&name);
            asked.spawn(async move {
                let rules = forwarders(&there).await;
                let rules = rules.map_err(|error| error.to_string());
                RegionState { name, rules }
            });
        }
    }
    let mut found = asked.join_all().await;
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

async fn enabled(cloud: &SdkContext, home: &str) -> Result<Vec<String>, CallError> {
    if let Some((_, fixed)) = FIXED.iter().find(|(begin, _)| home.starts_with(begin)) {
        return Ok(fixed.iter().map(|&name| name.to_owned()).collect());
    }
    let client = aws_sdk_account::Client::new(cloud.sdk());
    let pages = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault);
    let mut pages = pages.into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::of("account:ListRegions", &error))?;
        let regions = page.regions.unwrap_or_default();
        names.extend(regions.into_iter().filter_map(|region| region.region_name));
    }
    Ok(names)
}

async fn forwarders(cloud: &SdkContext) -> Result<BTreeMap<String, RuleState>, CallError> {
    let builder = aws_sdk_eventbridge::config::Builder::from(cloud.sdk());
    let builder = builder.retry_config(RetryPolicy::MESSAGE.retries());
    let builder = builder.timeout_config(RetryPolicy::MESSAGE.timeouts());
    let client = aws_sdk_eventbridge::Client::from_conf(builder.build());
    let listed = client.list_rules().name_prefix(FORWARDERS).send().await;
    let listed = listed.map_err(|error| Failure::of("events:ListRules", &error))?;
    let mut found = BTreeMap::new();
    for rule in listed.rules.unwrap_or_default() {
        let Rule {
            name: Some(name),
            state,
            event_pattern,
            schedule_expression,
            ..
        } = rule
        else {
            continue;
        };
        let there = RuleState {
            state: state.map_or_else(String::new, |state| state.as_str().to_owned()),
            pattern: event_pattern,
            schedule: schedule_expression,
            targets: targets(&client, &name).await?,
        };
        found.insert(name, there);
    }
    Ok(found)
}
