//! What is not asked costs nothing: an event that turns out to be irrelevant, denied or a
//! external account's makes no service client and touches no network.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

use std::fs;
use std::path::Path;

use crate::support::{Response, Server, configuration_at};
use guard::GuardConfig;
use guard::cloudtrail::Record;
use guard::handlers::{
    HandleError, Handled, access_key, identity_provider, resource_share, role_permissions,
    role_trust, root_activity,
};
use guard::ports::Assembled;
use guard::rules::{Mode, Rules, RulesFile, compile};
use serde_json::{Value, json};
use trustwarden_aws::{Iam, IamLister, Network, Queue, SdkContext, SystemClock, Table, Topic};

const ACCOUNT: &str = "111122223333";

type World = Assembled<Iam, Table, Queue, Topic, SystemClock>;

fn guard() -> GuardConfig {
    let file: RulesFile = serde_json::from_value(json!({ "version": 1 })).unwrap();
    GuardConfig {
        account: ACCOUNT.to_owned(),
        stack: "trustwarden".to_owned(),
        mode: Mode::Enforce,
        rules: Rules::load(compile(&file, &[]).unwrap().bytes).unwrap(),
        own_roles: Vec::new(),
        remediator_role: format!("arn:aws:iam::{ACCOUNT}:role/trustwarden/remediator"),
        revoke_sessions: false,
        detach_policies: false,
    }
}

/// Whoever calls this account gets no further than a closed port.
fn world(url: &str) -> (World, Network) {
    world_of(url, Iam::new)
}

fn world_of<R>(
    url: &str,
    roles: impl FnOnce(&SdkContext) -> R,
) -> (Assembled<R, Table, Queue, Topic, SystemClock>, Network) {
    let cloud = SdkContext::configured(Network::new(), configuration_at(url));
    let network = cloud.network().clone();
    let world = Assembled {
        roles: roles(&cloud),
        store: Table::new(&cloud, "state"),
        orders: Queue::new(&cloud, &format!("{url}/{ACCOUNT}/orders.fifo")),
        alerts: Topic::new(&cloud, &format!("arn:aws:sns:us-east-1:{ACCOUNT}:alerts")),
        clock: SystemClock,
    };
    (world, network)
}

fn event(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../events")
        .join(path);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// An event that every function passes over: read as each of them would.
async fn passed_over(event: &Value) -> Vec<Handled> {
    let (world, network) = world("http://127.0.0.1:9");
    let (listing, listed) = world_of("http://127.0.0.1:9", IamLister::new);
    let (guard, record) = (guard(), Record::from_text(&event.to_string()).unwrap());
    let handled = vec![
        role_trust(&world, &guard, &record).await.unwrap(),
        access_key(&world, &guard, &record).await.unwrap(),
        root_activity(&world, &guard, &record).await.unwrap(),
        role_permissions(&world, &guard, &record).await.unwrap(),
        identity_provider(&listing, &guard, &record).await.unwrap(),
        resource_share(&world, &guard, &record).await.unwrap(),
    ];
    assert!(network.is_untouched() && listed.is_untouched(), "{event}");
    handled
}

#[tokio::test]
async fn events_that_change_nothing_touch_nothing() {
    let denied = event("role-trust/update-trust-denied.json");
    assert!(passed_over(&denied).await.contains(&Handled::FailedCall));

    let mut other = event("role-trust/update-trust-stranger.json");
    other["detail"]["eventName"] = json!("TagRole");
    assert_eq!(
        passed_over(&other).await,
        [const { Handled::Irrelevant }; 6]
    );

    let mut elsewhere = event("role-trust/update-trust-stranger.json");
    elsewhere["account"] = json!("444455556666");
    elsewhere["detail"]["recipientAccountId"] = json!("444455556666");
    assert_eq!(
        passed_over(&elsewhere).await,
        [const { Handled::Irrelevant }; 6]
    );
}

#[tokio::test]
async fn a_table_that_is_gone_does_not_silence_the_alert() {
    let server = Server::answering(|request, _| match request.target() {
        "" => Response::new(
            200,
            "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult>\
             </PublishResponse>",
        ),
        "SendMessage" => Response::new(200, r#"{"MessageId":"1"}"#),
        _ => Response::json_error(400, "ResourceNotFoundException", "no such table"),
    })
    .await;
    let (world, _) = world(&server.url());
    let record = Record::from_value(&event("role-trust/update-trust-stranger.json"));
    let handled = role_trust(&world, &guard(), &record).await.unwrap();
    assert!(matches!(handled, Handled::Alerted { .. }), "{handled:?}");
    let requests = server.requests();
    let published: Vec<String> = requests
        .iter()
        .filter_map(|request| request.parameter("Message"))
        .collect();
    let [message] = published.as_slice() else {
        panic!("{} alerts", published.len())
    };
    let message: Value = serde_json::from_str(message).unwrap();
    let alert: Value = serde_json::from_str(message["default"].as_str().unwrap()).unwrap();
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(alert["schema"], 1);
    assert!(!message["email"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_topic_that_is_gone_brings_the_event_back() {
    let server = Server::answering(|request, _| match request.target() {
        "" => Response::query_error(404, "NotFound", "Topic does not exist"),
        "SendMessage" => Response::new(200, r#"{"MessageId":"1"}"#),
        _ => Response::json_error(400, "ResourceNotFoundException", "no such table"),
    })
    .await;
    let (world, _) = world(&server.url());
    let record = Record::from_value(&event("role-trust/update-trust-stranger.json"));
    let error = role_trust(&world, &guard(), &record).await.unwrap_err();
    assert!(matches!(error, HandleError::Publish(_)), "{error:?}");
}
