//! Orders to the queue, alerts to the topic, the webhook's secret: what goes over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use std::error::Error;
use std::time::Duration;

use crate::support::{Response, Server, account_at};
use guard::order::{Order, Task};
use guard::ports::Orders;
use guard::state::digest_window::{FoldClass, FoldWindow};
use guard::state::incident::{Schema, Stage};
use guard::{Check, Severity};
use trustwarden_aws::{Queue, ReadSecretError, read_webhook_url};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:slack-AbCdEf";
const WEBHOOK: &str = "https://hooks.slack.com/services/T/B/verysecret";

fn order() -> Order {
    let class = FoldClass {
        check: Check::RootSignInFailed,
        severity: Severity::Medium,
        stage: Stage::Detected,
        needs_person: false,
    };
    let now = "2026-11-21T10:00:00Z".parse().unwrap();
    Order {
        schema: Schema,
        account: "111122223333".to_owned(),
        task: Task::Digest(FoldWindow::at("111122223333", class, now)),
        rules: "0".repeat(64),
        issued_at: now,
    }
}

#[tokio::test]
async fn an_order_goes_to_its_group_under_its_id() {
    let server = Server::answering(|_, _| Response::new(200, r#"{"MessageId":"1"}"#)).await;
    let url = format!("{}/111122223333/orders.fifo", server.url());
    Queue::new(&account_at(&server.url()), &url)
        .send_order(&order())
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.target(), "SendMessage");
    let sent = request.json();
    assert_eq!(sent["QueueUrl"], url.as_str());
    assert_eq!(sent["MessageGroupId"], order().group());
    assert_eq!(sent["MessageDeduplicationId"], order().id());
    let body: Order = serde_json::from_str(sent["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!(body, order());
}

#[tokio::test]
async fn a_queue_that_is_gone_is_said_in_one_line() {
    let server = Server::answering(|_, _| {
        Response::json_error(
            400,
            "QueueDoesNotExist",
            "The specified queue does not exist.",
        )
    })
    .await;
    let queue = Queue::new(&account_at(&server.url()), "http://x/orders.fifo");
    let error = queue.send_order(&order()).await.unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        "sqs:SendMessage: QueueDoesNotExist: The specified queue does not exist."
    );
    let error = queue
        .delay("receipt", Duration::from_secs(30))
        .await
        .unwrap_err();
    assert!(
        error
            .source()
            .unwrap()
            .to_string()
            .starts_with("sqs:ChangeMessageVisibility: ")
    );
}

#[tokio::test]
async fn a_message_is_put_off() {
    let server = Server::answering(|_, _| Response::new(200, "{}")).await;
    let queue = Queue::new(&account_at(&server.url()), "http://x/orders.fifo");
    queue
        .delay("receipt", Duration::from_secs(30))
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.target(), "ChangeMessageVisibility");
    assert_eq!(request.json()["ReceiptHandle"], "receipt");
    assert_eq!(request.json()["VisibilityTimeout"], 30);
}

#[tokio::test]
async fn the_secret_is_read_and_never_shown() {
    let server = Server::answering(|_, _| {
        let answer = serde_json::json!({"ARN": SECRET, "Name": "slack", "SecretString": WEBHOOK});
        Response::new(200, answer.to_string())
    })
    .await;
    let url = read_webhook_url(&account_at(&server.url()), SECRET)
        .await
        .unwrap();
    assert!(!format!("{url:?}").contains("secret"));
    assert_eq!(server.requests()[0].json()["SecretId"], SECRET);

    let server = Server::answering(|_, _| {
        Response::new(200, r#"{"SecretString":"{\"webhook\":\"verysecret\"}"}"#)
    })
    .await;
    let error = read_webhook_url(&account_at(&server.url()), SECRET)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ReadSecretError::Unusable { .. }),
        "{error:?}"
    );
    assert!(!format!("{error:?} {error}").contains("verysecret"));

    let server =
        Server::answering(|_, _| Response::json_error(400, "AccessDeniedException", "no")).await;
    let error = read_webhook_url(&account_at(&server.url()), SECRET)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ReadSecretError::Unavailable { .. }),
        "{error:?}"
    );
}
