//! The Slack channel: its address comes from the secret, once; blocks that Slack refuses do not
//! cost the alert; a webhook that was replaced is found again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Response, Server, account_at};
use serde_json::json;
use trustwarden_aws::{Channel, ChannelError, PostError};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:slack-AbCdEf";

fn message() -> serde_json::Value {
    json!({ "text": "anyone can get in", "blocks": [{ "type": "divider" }] })
}

/// Secrets Manager, which tells the address of a channel, by how often it was asked.
async fn secrets(addresses: Vec<String>) -> Server {
    let asked = AtomicUsize::new(0);
    Server::answering(move |_, _| {
        let at = asked
            .fetch_add(1, Ordering::Relaxed)
            .min(addresses.len() - 1);
        Response::new(200, json!({ "SecretString": addresses[at] }).to_string())
    })
    .await
}

#[tokio::test]
async fn the_secret_is_read_once() {
    let slack = Server::answering(|_, _| Response::new(200, "ok")).await;
    let secrets = secrets(vec![format!("{}/x", slack.url())]).await;
    let channel = Channel::new(&account_at(&secrets.url()), SECRET);
    assert!(secrets.requests().is_empty());
    for _ in 0..3 {
        channel.post(&message()).await.unwrap();
    }
    assert_eq!(secrets.requests().len(), 1);
    let bodies: Vec<String> = slack
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies, [0, 1, 2].map(|_| message().to_string()));
}

#[tokio::test]
async fn refused_blocks_cost_the_layout_and_not_the_alert() {
    let slack = Server::answering(|request, _| match request.json().get("blocks") {
        Some(_) => Response::new(400, "invalid_blocks"),
        None => Response::new(200, "ok"),
    })
    .await;
    let secrets = secrets(vec![format!("{}/x", slack.url())]).await;
    Channel::new(&account_at(&secrets.url()), SECRET)
        .post(&message())
        .await
        .unwrap();
    let last = slack.requests().pop().unwrap().json();
    assert_eq!(last, json!({ "text": "anyone can get in" }));
}

#[tokio::test]
async fn a_replaced_webhook_is_looked_up_again() {
    let slack = Server::answering(|request, number| match (request.path.as_str(), number) {
        ("/old", 0) | ("/new", _) => Response::new(200, "ok"),
        _ => Response::new(404, "no_service"),
    })
    .await;
    let addresses = ["old", "new"].map(|name| format!("{}/{name}", slack.url()));
    let secrets = secrets(addresses.to_vec()).await;
    let channel = Channel::new(&account_at(&secrets.url()), SECRET);
    channel.post(&message()).await.unwrap();
    channel.post(&message()).await.unwrap();
    assert_eq!(secrets.requests().len(), 2);
    let paths: Vec<String> = slack
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, ["/old", "/old", "/new"]);
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_said_without_its_address() {
    let slack = Server::answering(|_, _| Response::new(404, "no_service")).await;
    let secrets = secrets(vec![format!("{}/verysecret", slack.url())]).await;
    let channel = Channel::new(&account_at(&secrets.url()), SECRET);
    for _ in 0..2 {
        let error = channel.post(&message()).await.unwrap_err();
        let ChannelError::Post(PostError::Refused { status: 404, .. }) = &error else {
            panic!("{error:?}")
        };
        let shown = format!("{error} {error:?} {channel:?}");
        assert!(!shown.contains("verysecret"), "{shown}");
    }
}
