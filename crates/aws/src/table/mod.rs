//! What the guard remembers, in one DynamoDB table. Every read is a consistent one.

mod item;
mod permissions;
mod sweeping;
mod value;

use std::collections::HashMap;
use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, TransactWriteItem};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::ports::{Lease, OrderProgress, State, StateError};
use guard::state::digest_window::{Counted, FoldMember, FoldWindow};
#[cfg(feature = "live")]
use guard::state::history::{KeptDocument, Restoration, RoleHistory, WriteKind};
use guard::state::incident::{AlertKey, Incident, SCHEMA};
use jiff::Timestamp;

use self::item::{
    FOLDS_KEPT, INCIDENTS_KEPT, Item, Key, MEMBER, PROGRESS_KEPT, expiry, moment, number, text,
};
use crate::cloud::Cloud;
use crate::failure::Failure;
use crate::network::Patience;

/// The table.
#[derive(Debug)]
pub struct Table {
    cloud: Cloud,
    name: String,
    client: OnceLock<Client>,
}

impl Table {
    /// The table of this name; nothing is asked before the first call.
    pub fn new(cloud: &Cloud, name: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            name: name.to_owned(),
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(Patience::STATE.retries())
                .timeout_config(Patience::STATE.timeouts());
            Client::from_conf(configuration.build())
        })
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        let call = self.client().get_item().table_name(&self.name);
        let call = call.set_key(Some(key.attributes())).consistent_read(true);
        match call.send().await {
            Ok(answer) => Ok(answer.item.map(Item)),
            Err(error) => Err(unavailable("dynamodb:GetItem", &error)),
        }
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
            .expression_attribute_values(":sk", text(sk))
            .consistent_read(true);
        let mut pages = call.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable("dynamodb:Scan", &error))?;
            for item in page.items.unwrap_or_default() {
                found.push(Item(item).held(&format!("a {sk} in the table"))?);
            }
        }
        Ok(found)
    }

    /// Records what a person puts in place of a quarantine, and why.
    ///
    /// # Errors
    /// `Unavailable`.
    #[cfg(feature = "live")]
    pub async fn record_restoration(&self, done: &Restoration) -> Result<(), StateError> {
        let item = Item::new(&Key::restored(&done.account, &done.role_id, done.at));
        self.put(item.holding(&format!("the restoration of {}", done.role), done)?)
            .await
    }

    /// Puts an item, whatever was there.
    async fn put(&self, item: Item) -> Result<(), StateError> {
        let call = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.0));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    /// Puts an item unless one is there; says whether it did.
    async fn put_new(&self, item: Item) -> Result<bool, StateError> {
        let call = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.0));
        match call
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) => Ok(false),
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    /// Puts an item whose version follows `read` (0: none was there), unless somebody else did so
    /// first. Gives its version.
    async fn put_next(&self, item: Item, read: u64, what: String) -> Result<u64, StateError> {
        let version = read + 1;
        let call = self
            .client()
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item.with("version", number(version)).0));
        let call = match read {
            0 => call.condition_expression("attribute_not_exists(pk)"),
            read => call
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(read)),
        };
        match call.send().await {
            Ok(_) => Ok(version),
            Err(error) if condition_failed(&error) => Err(StateError::Conflict { what }),
            Err(error) => Err(unavailable("dynamodb:PutItem", &error)),
        }
    }

    /// Sets attributes of an item (and its `schema`, which is one of DynamoDB's reserved words) and
    /// gives the item as it is afterwards; `None` where the condition did not hold.
    async fn update(
        &self,
        key: &Key,
        set: &str,
        condition: Option<&str>,
        values: Values,
    ) -> Result<Option<Item>, StateError> {
        let call = self.client().update_item().table_name(&self.name);
        let call = call
            .set_key(Some(key.attributes()))
            .update_expression(format!("SET #schema = :schema, {set}"))
            .expression_attribute_names("#schema", "schema")
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_values(Some(values.with(":schema", number(SCHEMA)).0))
            .return_values(ReturnValue::AllNew);
        match call.send().await {
            Ok(answer) => Ok(Some(Item(answer.attributes.unwrap_or_default()))),
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(unavailable("dynamodb:UpdateItem", &error)),
        }
    }
}

/// The values of an expression's placeholders.
#[derive(Debug, Clone, Default)]
struct Values(HashMap<String, AttributeValue>);

impl Values {
    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
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

fn unreadable(what: &str, why: &'static str) -> StateError {
    StateError::Unreadable {
        what: what.to_owned(),
        source: why.into(),
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

impl State for Table {
    async fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> Result<Option<RoleHistory>, StateError> {
        let Some(pointer) = self.get(&Key::pointer(account, role)).await? else {
            return Ok(None);
        };
        let Some(role_id) = pointer.text("role_id") else {
            return Ok(None);
        };
        let what = format!("the history of {role}");
        match self.get(&Key::history(account, role_id)).await? {
            Some(item) => item.held(&what).map(Some),
            // Both are written in one transaction and never deleted.
            None => Err(unreadable(
                &what,
                "the name points to a history that is not there",
            )),
        }
    }

    async fn save_role_history(&self, history: &RoleHistory) -> Result<u64, StateError> {
        let what = format!("the history of {}", history.name);
        let version = history.version + 1;
        let saved = RoleHistory {
            version,
            ..history.clone()
        };
        let item = Item::new(&Key::history(&history.account, &history.role_id))
            .with("version", number(version))
            .with("role", text(&history.name))
            .with("arn", text(&history.arn))
            .holding(&what, &saved)?;
        let put = Put::builder().table_name(&self.name).set_item(Some(item.0));
        let put = match history.version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            read => put
                .condition_expression("version = :read")
                .expression_attribute_values(":read", number(read)),
        };
        let pointer = Item::new(&Key::pointer(&history.account, &history.name))
            .with("role_id", text(&history.role_id));
        let pointer = Put::builder()
            .table_name(&self.name)
            .set_item(Some(pointer.0));
        let mut call = self.client().transact_write_items();
        for put in [put, pointer] {
            let put = put.build().map_err(|error| StateError::Unavailable {
                source: error.into(),
            });
            call = call.transact_items(TransactWriteItem::builder().put(put?).build());
        }
        let Err(error) = call.send().await else {
            return Ok(version);
        };
        if overtaken(&error) {
            return Err(StateError::Conflict { what });
        }
        Err(unavailable("dynamodb:TransactWriteItems", &error))
    }

    async fn keep_document(&self, kept: &KeptDocument) -> Result<(), StateError> {
        let what = format!("the document kept for {}", kept.incident);
        let item = Item::new(&Key::kept(&kept.account, &kept.incident))
            .with("role", text(&kept.role))
            .with("written", to_text(kept.kind));
        // Whether it was there before makes no difference: the first one stays.
        self.put_new(item.holding(&what, kept)?).await.map(drop)
    }

    async fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> Result<Option<KeptDocument>, StateError> {
        let item = self.get(&Key::kept(account, incident)).await?;
        item.map(|item| item.held(&format!("the document kept for {incident}")))
            .transpose()
    }

    async fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<OrderProgress, StateError> {
        let key = Key::order(account, order);
        let values = Values::default()
            .with(":one", number(1))
            .with(":now", moment(now))
            .with(":expiry", expiry(now, PROGRESS_KEPT));
        let update = "first_at = if_not_exists(first_at, :now), expires_at = :expiry \
                      ADD attempts :one";
        let item = match self
            .update(&key, update, Some("attribute_not_exists(done)"), values)
            .await?
        {
            Some(item) => Some(item),
            None => self.get(&key).await?,
        };
        let what = || format!("the progress of order {order}");
        let item = item.ok_or_else(|| unreadable(&what(), "it is gone"))?;
        Ok(OrderProgress {
            // A finish without a beginning leaves none: it was done in no attempt of ours.
            attempts: item.number("attempts").unwrap_or(0),
            first_at: item
                .moment("first_at")
                .ok_or_else(|| unreadable(&what(), "no time"))?,
            done: item.flag("done"),
        })
    }

    async fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> Result<(), StateError> {
        let values = Values::default()
            .with(":done", AttributeValue::Bool(true))
            .with(":now", moment(now))
            .with(":expiry", expiry(now, PROGRESS_KEPT));
        let update = "done = :done, first_at = if_not_exists(first_at, :now), \
                      expires_at = :expiry";
        self.update(&Key::order(account, order), update, None, values)
            .await
            .map(drop)
    }

    async fn acquire_alert(
        &self,
        alert: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StateError> {
        let key = Key::alert(alert);
        let values = Values::default()
            .with(":until", moment(until))
            .with(":now", moment(now))
            .with(":done", AttributeValue::Bool(false))
            .with(":expiry", expiry(now, INCIDENTS_KEPT));
        let update = "lease_until = :until, done = :done, expires_at = :expiry";
        let free = "attribute_not_exists(pk) OR (done = :done AND lease_until <= :now)";
        if self
            .update(&key, update, Some(free), values)
            .await?
            .is_some()
        {
            return Ok(Lease::Acquired);
        }
        let item = self.get(&key).await?.unwrap_or_default();
        if item.flag("done") {
            return Ok(Lease::Done);
        }
        match item.moment("lease_until") {
            // Our own: the table took it, its answer was lost, and the call was repeated.
            Some(held) if held == until => Ok(Lease::Acquired),
            Some(held) => Ok(Lease::InProgress { until: held }),
            None => Err(unreadable(
                &format!("the alert {}", alert.incident),
                "no lease in it",
            )),
        }
    }

    async fn release_alert(&self, alert: &AlertKey) -> Result<(), StateError> {
        let values = Values::default()
            .with(":done", AttributeValue::Bool(false))
            .with(":past", moment(Timestamp::UNIX_EPOCH));
        let update = "lease_until = :past";
        self.update(&Key::alert(alert), update, Some("done = :done"), values)
            .await
            .map(drop)
    }

    async fn finish_alert(&self, incident: &Incident) -> Result<(), StateError> {
        let item = Item::new(&Key::alert(&incident.key))
            .with("done", AttributeValue::Bool(true))
            .with("expires_at", expiry(incident.published_at, INCIDENTS_KEPT))
            .holding(&format!("the alert {}", incident.key.incident), incident)?;
        self.put(item).await
    }

    async fn count_alert(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> Result<Counted, StateError> {
        let what = format!("the alert {} in {}", member.incident, window.id());
        let member_key = Key::member(window, &member.incident);
        let count_key = Key::count(window);
        let known = |item: &Item| {
            item.number("position")
                .ok_or_else(|| unreadable(&what, "no position in it"))
        };
        if let Some(item) = self.get(&member_key).await? {
            let count = self.get(&count_key).await?.unwrap_or_default();
            let digest_ordered = count.flag("digest_ordered");
            return Ok(Counted {
                position: known(&item)?,
                digest_ordered,
            });
        }
        // The number is drawn first. A crash before the member is put leaves a gap, which costs
        // nothing; the other way round two alerts could share a number.
        let ends = Timestamp::from_second(window.end()).unwrap_or(member.at);
        let values = Values::default()
            .with(":one", number(1))
            .with(":expiry", expiry(ends, FOLDS_KEPT));
        let update = "expires_at = :expiry ADD drawn :one";
        let count = self
            .update(&count_key, update, None, values)
            .await?
            .unwrap_or_default();
        let position: u32 = count
            .number("drawn")
            .ok_or_else(|| unreadable(&what, "no count in its window"))?;
        let digest_ordered = count.flag("digest_ordered");
        let item = Item::new(&member_key)
            .with("position", number(position))
            .with("expires_at", expiry(ends, FOLDS_KEPT))
            .holding(&what, member)?;
        if self.put_new(item).await? {
            return Ok(Counted {
                position,
                digest_ordered,
            });
        }
        // A duplicate of the event was counted at the same moment: its number stands.
        let item = self
            .get(&member_key)
            .await?
            .ok_or_else(|| unreadable(&what, "it is gone"))?;
        Ok(Counted {
            position: known(&item)?,
            digest_ordered,
        })
    }

    async fn digest_ordered(&self, window: &FoldWindow) -> Result<(), StateError> {
        let ends = Timestamp::from_second(window.end()).unwrap_or_default();
        let values = Values::default()
            .with(":ordered", AttributeValue::Bool(true))
            .with(":expiry", expiry(ends, FOLDS_KEPT));
        let update = "digest_ordered = :ordered, expires_at = :expiry";
        self.update(&Key::count(window), update, None, values)
            .await
            .map(drop)
    }

    async fn folded(&self, window: &FoldWindow) -> Result<Vec<(u32, FoldMember)>, StateError> {
        let what = format!("an alert in {}", window.id());
        let mut found = Vec::new();
        let call = self
            .client()
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :window AND begins_with(sk, :member)")
            .expression_attribute_values(":window", text(Key::count(window).pk))
            .expression_attribute_values(":member", text(MEMBER))
            .consistent_read(true);
        let mut pages = call.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| unavailable("dynamodb:Query", &error))?;
            for item in page.items.unwrap_or_default() {
                let item = Item(item);
                let position = item
                    .number("position")
                    .ok_or_else(|| unreadable(&what, "no position"))?;
                found.push((position, item.held(&what)?));
            }
        }
        found.sort_by_key(|(position, _)| *position);
        Ok(found)
    }
}

fn to_text(kind: WriteKind) -> AttributeValue {
    value::to_attribute(serde_json::to_value(kind).unwrap_or_default())
}
