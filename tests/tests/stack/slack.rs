//! `slack` against a server on this machine that checks what Slack checks.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use local::Stack;
use local::cloudtrail::{self, Actor};
use local::http::{Response, Server};
use serde_json::{Value, json};
use trustwarden_tests::{OPEN, Operator, RULES, compiled, fresh_account, machine};

/// What one request brought.
#[derive(Debug, Clone)]
struct Post {
    path: String,
    at: Instant,
    message: Value,
    complaint: Option<String>,
}

type Posts = Arc<Mutex<Vec<Post>>>;

fn length(value: &Value) -> usize {
    value.as_str().unwrap_or_default().chars().count()
}

/// Slack's limits on a message; the first that is broken.
fn complaint(message: &Value) -> Option<String> {
    let broken = |what: &str| Some(what.to_owned());
    if length(&message["text"]) == 0 {
        return broken("no fallback text");
    }
    let Some(blocks) = message["blocks"].as_array() else {
        return broken("no blocks");
    };
    if blocks.is_empty() || blocks.len() > 50 {
        return broken("1 to 50 blocks");
    }
    if message.to_string().chars().count() > 40_000 {
        return broken("too long in all");
    }
    for block in blocks {
        let text = &block["text"];
        match block["type"].as_str().unwrap_or_default() {
            "header" => {
                if text["type"] != "plain_text" || !(1..=150).contains(&length(&text["text"])) {
                    return broken("header: 1 to 150 characters of plain text");
                }
            }
            "section" => {
                if !text.is_null() && !(1..=3000).contains(&length(&text["text"])) {
                    return broken("section: 1 to 3,000 characters");
                }
                let fields = block["fields"].as_array().cloned().unwrap_or_default();
                if text.is_null() && fields.is_empty() {
                    return broken("section: text or fields");
                }
                if fields.len() > 10 || fields.iter().any(|field| length(&field["text"]) > 2000) {
                    return broken("section: at most 10 fields of 2,000 characters");
                }
            }
            "context" => {
                let elements = block["elements"].as_array().cloned().unwrap_or_default();
                if !(1..=10).contains(&elements.len()) {
                    return broken("context: 1 to 10 elements");
                }
            }
            "actions" => {
                let elements = block["elements"].as_array().cloned().unwrap_or_default();
                if !(1..=25).contains(&elements.len()) {
                    return broken("actions: 1 to 25 elements");
                }
                for button in elements {
                    if length(&button["text"]["text"]) > 75 || length(&button["url"]) > 3000 {
                        return broken("button: 75 characters, url 3,000");
                    }
                }
            }
            "divider" => {}
            other => return Some(format!("block type {other}")),
        }
    }
    None
}

/// A channel: `answers` are given in turn, then 200.
fn channel(answers: Vec<Response>) -> (Server, Posts) {
    let posts = Posts::default();
    let seen = Arc::clone(&posts);
    let answers = Mutex::new(answers.into_iter());
    let server = Server::start(move |request| {
        let message = serde_json::from_slice(&request.body).unwrap_or_default();
        let complaint = complaint(&message);
        let refused = complaint.is_some();
        seen.lock().unwrap().push(Post {
            path: request.path,
            at: Instant::now(),
            message,
            complaint,
        });
        if refused {
            return Response::new(400, "invalid_blocks");
        }
        let next = answers.lock().unwrap().next();
        next.unwrap_or_else(|| Response::new(200, "ok"))
    });
    (server.unwrap(), posts)
}

/// A stack whose secret holds the channel's address.
fn with_slack(server: &Server) -> Stack<'static> {
    let machine = machine();
    let account = fresh_account();
    let url = format!(
        "http://{}/services/T000/B000/secret-part",
        server.authority()
    );
    let secret = json!({ "Name": "hook", "SecretString": url });
    let made = machine
        .account
        .call(&account, "secretsmanager", "create_secret", &secret);
    let made = made.unwrap();
    let arn = made["ARN"].as_str().unwrap();
    let rules = compiled(&account, RULES);
    let parameters = [("Mode", "enforce"), ("SlackSecretArn", arn)];
    machine
        .deploy(&account, "guard", &parameters, &rules)
        .unwrap()
}

fn posts(posts: &Posts) -> Vec<Post> {
    let posts = posts.lock().unwrap().clone();
    for post in &posts {
        assert_eq!(post.complaint, None, "{:#}", post.message);
        assert_eq!(post.path, "/services/T000/B000/secret-part");
    }
    posts
}

#[test]
fn the_channel_gets_the_whole_story() {
    let (server, seen) = channel(Vec::new());
    let stack = with_slack(&server);
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    stack.settles();
    let posts = posts(&seen);
    assert_eq!(posts.len(), 2, "detected and outcome");
    let incident = stack.alerts().unwrap()[0]["incident"]
        .as_str()
        .unwrap()
        .to_owned();
    for post in &posts {
        let text = post.message.to_string();
        assert!(text.contains(&incident) && text.contains("debug"), "{text}");
    }
    let seen = stack.seen().unwrap();
    assert!(
        seen.refusals.is_empty() && seen.lost.is_empty(),
        "{seen:#?}"
    );
}

#[test]
fn when_slack_asks_to_wait_it_is_waited_for() {
    let busy = Response::new(429, "").header("Retry-After", "1");
    let failing = Response::new(503, "");
    let (server, seen) = channel(vec![busy, failing]);
    let stack = with_slack(&server);
    let sign_in = cloudtrail::root_sign_in(&stack.account, true, false);
    stack.put_record(&sign_in).unwrap();
    stack.settles();
    let posts = posts(&seen);
    assert_eq!(posts.len(), 3);
    assert!(
        posts[1].at - posts[0].at >= Duration::from_millis(990),
        "one second, as asked"
    );
    assert_eq!(posts[0].message, posts[2].message);
    assert_eq!(
        stack.invocations("slack").unwrap(),
        1,
        "within one invocation"
    );
}

#[test]
fn markup_in_names_stays_text() {
    let (server, seen) = channel(Vec::new());
    let stack = with_slack(&server);
    let mut record = cloudtrail::root_sign_in(&stack.account, true, false);
    record["userAgent"] = json!("<!channel> *see* <https://example.com|here> & `more`\u{202e}");
    record["sourceIPAddress"] = json!("<@U012345>");
    stack.put_record(&record).unwrap();
    stack.settles();
    let text = posts(&seen)[0].message.to_string();
    for live in [
        "<!channel>",
        "<@U012345>",
        "<https://example.com",
        "\u{202e}",
    ] {
        assert!(!text.contains(live), "{live}: {text}");
    }
}

#[test]
fn the_address_is_said_nowhere() {
    let (server, seen) = channel(vec![Response::new(404, "no_service")]);
    let stack = with_slack(&server);
    let sign_in = cloudtrail::root_sign_in(&stack.account, true, true);
    stack.put_record(&sign_in).unwrap();
    stack.settles();
    assert!(!posts(&seen).is_empty());
    let log = stack.log("slack").unwrap();
    assert!(log.contains("404"), "{log}");
    assert!(
        !log.contains("secret-part") && !log.contains("T000"),
        "{log}"
    );
}
