//! What the stack owns, as CloudFormation lists it.

use std::sync::OnceLock;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::Builder;
use aws_sdk_cloudformation::types::Stack;
use guard::detect::{DEPLOY_SECONDS, OwnStack};
use jiff::Timestamp;

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// The stack could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the resources of the stack could not be listed")]
pub struct ListOwnStackError(#[source] Failure);

/// Reads the stack.
#[derive(Debug)]
pub struct OwnStackReader {
    cloud: SdkContext,
    name: String,
    client: OnceLock<Client>,
}

impl OwnStackReader {
    /// The stack of this name; nothing is asked before the first call.
    pub fn new(cloud: &SdkContext, name: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            name: name.to_owned(),
            client: OnceLock::new(),
        }
    }

    /// What the stack owns, and whether a deploy of it is under way (DescribeStacks,
    /// ListStackResources).
    ///
    /// # Errors
    /// [`ListOwnStackError`]: [`OwnStack::unlisted`] takes its place.
    pub async fn read(&self, now: Timestamp) -> Result<OwnStack, ListOwnStackError> {
        self.ask(now).await.map_err(ListOwnStackError)
    }

    async fn ask(&self, now: Timestamp) -> Result<OwnStack, Failure> {
        let client = self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(RetryPolicy::MESSAGE.retries())
                .timeout_config(RetryPolicy::MESSAGE.timeouts());
            Client::from_conf(configuration.build())
        });
        let mut ids = Vec::new();
        let pages = client.list_stack_resources().stack_name(&self.name);
        let mut pages = pages.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|error| Failure::of("cloudformation:ListStackResources", &error))?;
            let resources = page.stack_resource_summaries.unwrap_or_default();
            ids.extend(
                resources
                    .into_iter()
                    .filter_map(|one| one.physical_resource_id),
            );
        }
        let described = client.describe_stacks().stack_name(&self.name).send().await;
        let described =
            described.map_err(|error| Failure::of("cloudformation:DescribeStacks", &error))?;
        let stack = described.stacks.unwrap_or_default().into_iter().next();
        ids.extend(stack.iter().flat_map(secrets));
        let deploying = stack.is_some_and(|stack| is_deploying(&stack, now));
        Ok(OwnStack::new(&self.name, ids, deploying))
    }
}

/// The secrets among the stack's parameters: not its own, but what it speaks with.
fn secrets(stack: &Stack) -> impl Iterator<Item = String> {
    let values = stack
        .parameters()
        .iter()
        .filter_map(|parameter| parameter.parameter_value());
    values
        .filter(|value| value.contains(":secretsmanager:"))
        .map(str::to_owned)
}

/// A deploy is under way, or began so recently that its calls may still arrive.
fn is_deploying(stack: &Stack, now: Timestamp) -> bool {
    let status = stack
        .stack_status
        .as_ref()
        .map_or("", |status| status.as_str());
    let began = stack.last_updated_time.or(stack.creation_time);
    let ago = began.map_or(i64::MAX, |at| now.as_second().saturating_sub(at.secs()));
    status.ends_with("_IN_PROGRESS") || ago < DEPLOY_SECONDS
}
