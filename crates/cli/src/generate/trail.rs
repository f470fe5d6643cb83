//! The calls that a role really made, from CloudTrail.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use memchr::memmem::Finder;
use serde_json::Value;

use crate::least::{Need, acts_on};
use crate::least::{Needed, needed};
use crate::replay::Wanted;

/// An action with more resources than these is allowed on all of them.
const MOST_RESOURCES: usize = 10;

/// The role that is asked about: by its name, or by its ARN.
#[derive(Debug)]
pub(super) struct Asked {
    name: String,
    account: Option<String>,
    /// Finds the records that may be of the role.
    finder: Finder<'static>,
    escape: Finder<'static>,
}

impl Asked {
    pub(super) fn new(role: &str) -> Self {
        let account = role.split(':').nth(4).filter(|_| role.starts_with("arn:"));
        let name = role.rsplit('/').next().unwrap_or(role).to_owned();
        Self {
            finder: Finder::new(name.as_bytes()).into_owned(),
            escape: Finder::new(b"\\u").into_owned(),
            account: account.map(str::to_owned),
            name,
        }
    }

    /// May the record be of the role? A name that is written with escapes cannot be found as it is.
    pub(super) fn may_be(&self, record: &[u8]) -> bool {
        self.finder.find(record).is_some() || self.escape.find(record).is_some()
    }

    fn is(&self, identity: &Value) -> bool {
        let name = match text(identity, "/sessionContext/sessionIssuer/userName") {
            Some(name) => Some(name),
            // Some records have no issuer: the session's ARN names the role.
            None => text(identity, "/arn")
                .and_then(|arn| arn.split_once(":assumed-role/"))
                .and_then(|(_, session)| session.split('/').next()),
        };
        let account = text(identity, "/accountId");
        text(identity, "/type") == Some("AssumedRole")
            && name == Some(self.name.as_str())
            && (self.account.is_none() || self.account.as_deref() == account)
    }
}

/// Calls of one name.
#[derive(Debug, Default)]
struct Calls {
    allowed: bool,
    denied: bool,
    /// On what; some record may not say.
    resources: BTreeSet<String>,
    on_unknown: bool,
}

/// The calls of a role.
#[derive(Debug, Default)]
pub(super) struct Did {
    calls: BTreeMap<(String, String), Calls>,
    pub(super) accounts: BTreeSet<String>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    data_events: bool,
}

impl Did {
    /// Takes up a record, if it is the role's.
    pub(super) fn record(
        &mut self,
        asked: &Asked,
        wanted: &Wanted,
        bytes: &[u8],
    ) -> Result<(), String> {
        if !asked.may_be(bytes) {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        // An event of EventBridge holds the record.
        let record = match value.get("detail") {
            Some(detail) if detail.is_object() => detail,
            _ => &value,
        };
        if !record.get("userIdentity").is_some_and(|who| asked.is(who)) {
            return Ok(());
        }
        let word = |key: &str| record.get(key).and_then(Value::as_str);
        let (Some(source), Some(event)) = (word("eventSource"), word("eventName")) else {
            return Err("a record of the role has no event name or no event source".to_owned());
        };
        let time = word("eventTime").and_then(|time| time.parse::<Timestamp>().ok());
        if !wanted.covers(time, word("awsRegion")) {
            return Ok(());
        }
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        let account = text(record, "/userIdentity/accountId");
        self.accounts.extend(account.map(str::to_owned));
        self.data_events |= record.get("managementEvent") == Some(&Value::Bool(false))
            || word("eventCategory") == Some("Data");
        let calls = self
            .calls
            .entry((source.to_owned(), event.to_owned()))
            .or_default();
        if is_denial(word("errorCode").unwrap_or_default()) {
            calls.denied = true;
            return Ok(());
        }
        calls.allowed = true;
        let resources = record.get("resources").and_then(Value::as_array);
        let arns: Vec<&str> = resources
            .into_iter()
            .flatten()
            .filter_map(|resource| text(resource, "/ARN"))
            .collect();
        calls.on_unknown |= arns.is_empty();
        // More are not named one by one, so that more need not be kept.
        for arn in arns {
            if calls.resources.len() <= MOST_RESOURCES * 4 {
                calls.resources.insert(whole_bucket(arn));
            }
        }
        Ok(())
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (name, calls) in other.calls {
            let own = self.calls.entry(name).or_default();
            own.allowed |= calls.allowed;
            own.denied |= calls.denied;
            own.on_unknown |= calls.on_unknown;
            own.resources.extend(calls.resources);
        }
        self.accounts.extend(other.accounts);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.data_events |= other.data_events;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The permissions that it needed for them, and remarks for the reader.
    pub(super) fn needs(&self) -> (Vec<Need>, Vec<String>) {
        let mut found: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
        let mut unknown = Vec::new();
        let mut denied = Vec::new();
        for ((source, event), calls) in &self.calls {
            if !calls.allowed {
                denied.push(format!("{event} ({source})"));
                continue;
            }
            match needed(source, event) {
                Needed::Nothing => {}
                Needed::Unknown => unknown.push(format!("{event} ({source})")),
                Needed::Actions(actions) => {
                    for action in actions {
                        let (resources, on_unknown) = found.entry(action).or_default();
                        resources.extend(calls.resources.iter().cloned());
                        *on_unknown |= calls.on_unknown;
                    }
                }
            }
        }
        let needs = found.into_iter().map(|(name, (resources, on_unknown))| {
            let action = permissions::Action::find(&name);
            let fitting: Vec<String> = resources
                .into_iter()
                .filter(|arn| action.is_some_and(|action| acts_on(action, arn)))
                .collect();
            let named = !on_unknown && fitting.len() <= MOST_RESOURCES;
            Need {
                actions: vec![name],
                resources: if named { fitting } else { Vec::new() },
            }
        });
        let needs = needs.collect();
        (needs, self.notes(&unknown, &denied))
    }

    fn notes(&self, unknown: &[String], denied: &[String]) -> Vec<String> {
        let mut notes = Vec::new();
        if !unknown.is_empty() {
            notes.push(format!(
                "not in the policy, because which action IAM asks for is not known: {}",
                unknown.join(", ")
            ));
        }
        if !denied.is_empty() {
            notes.push(format!(
                "not in the policy, because it was only ever denied: {}",
                denied.join(", ")
            ));
        }
        if !self.data_events {
            notes.push(
                "these logs hold no data event of the role: what it did to S3 objects, DynamoDB \
                 items, queues, topics, or by invoking functions, is not in the policy unless the \
                 trail records it"
                    .to_owned(),
            );
        }
        notes.push(
            "CloudTrail has no event of its own for iam:PassRole, nor for what a service does with \
             the role's rights (kms:Decrypt behind an encrypted bucket, say): add what is missing"
                .to_owned(),
        );
        if self.accounts.len() > 1 {
            let accounts: Vec<&str> = self.accounts.iter().map(String::as_str).collect();
            notes.push(format!(
                "roles of this name in several accounts are taken for one ({}): give the ARN for \
                 one alone",
                accounts.join(", ")
            ));
        }
        notes
    }
}

fn text<'v>(value: &'v Value, path: &str) -> Option<&'v str> {
    value.pointer(path).and_then(Value::as_str)
}

/// Authorization said no, in one of the ways in which services say that.
fn is_denial(code: &str) -> bool {
    ["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden"]
        .iter()
        .any(|word| code.contains(word))
        || code == "AuthorizationError"
}

/// Objects are many: the bucket's are named together.
fn whole_bucket(arn: &str) -> String {
    let bucket = arn
        .split_once(":s3:::")
        .and_then(|(before, rest)| Some((before, rest.split_once('/')?.0)));
    match bucket {
        Some((before, bucket)) => format!("{before}:s3:::{bucket}/*"),
        None => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(role: &str, source: &str, event: &str, more: &Value) -> Vec<u8> {
        let mut record = json!({
            "eventSource": format!("{source}.amazonaws.com"), "eventName": event,
            "eventTime": "2026-11-01T00:00:00Z", "awsRegion": "us-east-1",
            "userIdentity": { "type": "AssumedRole", "accountId": "111122223333",
                "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s"),
                "sessionContext": { "sessionIssuer": { "type": "Role", "userName": role } } },
        });
        let fields = more.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(fields);
        record.to_string().into_bytes()
    }

    fn did(role: &str, records: &[Vec<u8>]) -> Did {
        let asked = Asked::new(role);
        let mut did = Did::default();
        for text in records {
            did.record(&asked, &Wanted::default(), text).unwrap();
        }
        did
    }

    #[test]
    fn what_was_done_is_needed_where_it_was_done() {
        let object =
            json!({ "resources": [{ "ARN": "arn:aws:s3:::b/a/1" }], "managementEvent": false });
        let other =
            json!({ "resources": [{ "ARN": "arn:aws:s3:::b/a/2" }, { "ARN": "arn:aws:s3:::b" }] });
        let no = json!({ "errorCode": "AccessDenied" });
        let gone = json!({ "errorCode": "NoSuchEntityException" });
        let (needs, notes) = did(
            "R",
            &[
                record("R", "s3", "GetObject", &object),
                record("R", "s3", "GetObject", &other),
                record("R", "ec2", "DescribeInstances", &json!({})),
                record("R", "ec2", "TerminateInstances", &no),
                record("R", "iam", "GetRole", &gone),
                record("R", "ec2", "NoSuchThing", &json!({})),
                record("Rx", "ec2", "RunInstances", &json!({})),
            ],
        )
        .needs();
        let said: Vec<(&str, String)> = needs
            .iter()
            .map(|need| (need.actions[0].as_str(), need.resources.join(" ")))
            .collect();
        assert_eq!(
            said,
            [
                ("ec2:DescribeInstances", String::new()),
                ("iam:GetRole", String::new()),
                ("s3:GetObject", "arn:aws:s3:::b/*".to_owned()),
            ]
        );
        assert!(
            notes[0].contains("NoSuchThing (ec2.amazonaws.com)"),
            "{notes:?}"
        );
        assert!(notes[1].contains("TerminateInstances"), "{notes:?}");
        assert!(
            !notes.iter().any(|note| note.contains("data event")),
            "{notes:?}"
        );
    }

    #[test]
    fn a_role_is_found_by_its_name_however_it_is_written() {
        let plain = record("Reader", "ec2", "DescribeVpcs", &json!({}));
        let escaped = String::from_utf8(plain.clone())
            .unwrap()
            .replace("Reader", "Re\\u0061der");
        let wrapped = format!(
            "{{\"detail-type\":\"x\",\"detail\":{}}}",
            String::from_utf8(plain.clone()).unwrap()
        );
        for text in [plain, escaped.into_bytes(), wrapped.into_bytes()] {
            assert!(!did("Reader", std::slice::from_ref(&text)).is_empty());
            let arn = "arn:aws:iam::111122223333:role/path/Reader";
            assert!(!did(arn, std::slice::from_ref(&text)).is_empty());
            assert!(did("arn:aws:iam::999988887777:role/Reader", &[text]).is_empty());
        }
    }

    #[test]
    fn several_threads_come_to_the_same() {
        let one = record(
            "R",
            "s3",
            "GetObject",
            &json!({ "resources": [{ "ARN": "arn:aws:s3:::b/a" }] }),
        );
        let two = record("R", "s3", "GetObject", &json!({}));
        let together = did("R", &[one.clone(), two.clone()]);
        let apart = did("R", &[two]).and(did("R", &[one]));
        assert_eq!(together.needs(), apart.needs());
        assert_eq!(together.needs().0[0].resources, Vec::<String>::new());
    }
}
