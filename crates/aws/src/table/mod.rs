//! The table in DynamoDB. Every read is a consistent one.

mod expression;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put as PutItem, ReturnValue, TransactWriteItem};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::ports::{Condition, Item, Key, Put, StateError, Store, Update};

use self::expression::Expressions;
use self::value::{from_attribute, to_attribute};
use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// The table.
#[derive(Debug)]
pub struct Table {
    cloud: SdkContext,
    name: String,
    client: OnceLock<Client>,
}

impl Table {
    /// The table of this name; nothing is asked before the first call.
    pub fn new(cloud: &SdkContext, name: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            name: name.to_owned(),
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(RetryPolicy::STATE.retries())
                .timeout_config(RetryPolicy::STATE.timeouts());
            Client::from_conf(configuration.build())
        })
    }

    /// What every item with this sort key holds: reads the whole table, which is for a person who
    /// asks and never for a function.
    #[cfg(feature = "live")]
    pub(crate) async fn all<T: serde::de::DeserializeOwned>(
        &self,
        sk: &str,
    ) -> Result<Vec<T>, StateError> {
        let call = self
            .client()
            .scan()
            .table_name(&self.name)
            .filter_expression("sk = :sk");
        let call = call
            .expression_attribute_values(":sk", AttributeValue::S(sk.to_owned()))
            .consistent_read(true);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable("dynamodb:Scan", &error))?;
            for item in page.items.unwrap_or_default() {
                found.push(item_of(&item).held(&format!("a {sk} in the table"))?);
            }
        }
        Ok(found)
    }
}

type Attributes = HashMap<String, AttributeValue>;

fn attributes(key: &Key) -> Attributes {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

/// An item with its key, as it is written.
fn written(key: &Key, item: Item) -> Attributes {
    let mut all = attributes(key);
    all.extend(
        item.0
            .into_iter()
            .map(|(name, value)| (name, to_attribute(value))),
    );
    all
}

/// An item as it was read; an attribute that nobody here writes is left out.
fn item_of(attributes: &Attributes) -> Item {
    let known = attributes
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "pk" | "sk"))
        .filter_map(|(name, value)| Some((name.clone(), from_attribute(value)?)));
    Item(known.collect::<BTreeMap<_, _>>())
}

fn condition_failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let code = error.as_service_error().and_then(|error| error.code());
    code == Some("ConditionalCheckFailedException")
}

fn unavailable<E, R>(call: &'static str, error: &SdkError<E, R>) -> StateError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    StateError::Unavailable {
        source: Failure::of(call, error).source(),
    }
}

/// Another writer saved first, or is at it in this moment: this one has to read again.
fn overtaken<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().any(|reason| {
                matches!(
                    reason.code(),
                    Some("ConditionalCheckFailed" | "TransactionConflict")
                )
            })
        }
        _ => false,
    }
}

impl Store for Table {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        let call = self.client().get_item().table_name(&self.name);
        let call = call.set_key(Some(attributes(key))).consistent_read(true);
        match call.send().await {
            Ok(answer) => Ok(answer.item.as_ref().map(item_of)),
            Err(error) => Err(unavailable("dynamodb:GetItem", &error)),
        }
    }

    async fn put_if(&self, put: Put) -> Result<bool, StateError> {
        let mut expressions = Expressions::default();
        let condition = expressions.condition(&put.condition);
        let call = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(written(&put.key, put.item)))
            .set_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values());
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    async fn update_if(
        &self,
        key: &Key,
        update: Update,
        condition: Condition,
    ) -> Result<Option<Item>, StateError> {
        let mut expressions = Expressions::default();
        let update = expressions.update(update);
        let condition = expressions.condition(&condition);
        let call = self
            .client()
            .update_item()
            .table_name(&self.name)
            .set_key(Some(attributes(key)))
            .update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values(ReturnValue::AllNew);
        match call.send().await {
            Ok(answer) => Ok(Some(
                answer
                    .attributes
                    .as_ref()
                    .map_or_else(Item::default, item_of),
            )),
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(unavailable("dynamodb:UpdateItem", &error)),
        }
    }

    async fn query(
        &self,
        pk: &str,
        sk_begins_with: &str,
        first: Option<u16>,
    ) -> Result<Vec<Item>, StateError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let call = self
            .client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :sk)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":sk", text(sk_begins_with))
            .set_limit(first.map(i32::from))
            .consistent_read(true);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable("dynamodb:Query", &error))?;
            found.extend(page.items.unwrap_or_default().iter().map(item_of));
            if first.is_some() {
                break;
            }
        }
        Ok(found)
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<bool, StateError> {
        let mut call = self.client().transact_write_items();
        for put in puts {
            let mut expressions = Expressions::default();
            let condition = expressions.condition(&put.condition);
            let put = PutItem::builder()
                .table_name(&self.name)
                .set_item(Some(written(&put.key, put.item)))
                .set_condition_expression(condition)
                .set_expression_attribute_names(expressions.names())
                .set_expression_attribute_values(expressions.values())
                .build()
                .map_err(|error| StateError::Unavailable {
                    source: error.into(),
                })?;
            call = call.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if overtaken(&error) => Ok(false),
            Err(error) => Err(unavailable("dynamodb:TransactWriteItems", &error)),
        }
    }
}
