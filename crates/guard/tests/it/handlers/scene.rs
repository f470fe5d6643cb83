//! One account, its rules, its people, and a queue that brings orders again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trustwarden_guard::GuardConfig;
use trustwarden_guard::alert::Alert;
use trustwarden_guard::cloudtrail::Record;
use trustwarden_guard::handlers::{
    HandleError, Handled, access_key, carry_out, identity_provider, role_permissions, role_trust,
    root_activity,
};
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::order::{Ack, Order, Task};
use trustwarden_guard::ports::Clock;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::rules::{Mode, Rules, RulesFile};
use trustwarden_guard::state::history::RoleHistory;
use trustwarden_guard::state::incident::Stage;

use super::troubled::{Troubled, run};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const VENDOR: &str = "444455556666";
pub(crate) const STRANGER: &str = "999988887777";
pub(crate) const EXTERNAL_ID: &str = "7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4";
pub(crate) const ROLE: &str = "ObserverProd";
pub(crate) const REMEDIATOR: &str = "arn:aws:iam::111122223333:role/trustwarden/remediator";

/// What an actor of an event is.
pub(crate) const ALICE: &str = "alice";
pub(crate) const GUARD: &str = "the guard";

pub(crate) struct Scene {
    pub(crate) world: Troubled,
    pub(crate) guard: GuardConfig,
    pub(crate) poisoned: Vec<Order>,
    /// Orders whose time is more than five minutes away.
    waiting: Vec<Order>,
    events: usize,
}

pub(crate) fn rules(change: impl FnOnce(&mut Value)) -> Rules {
    let mut file = json!({
        "version": 1,
        "mode": "enforce",
        "vendors": [
            {
                "name": "Example Observer", "accounts": [VENDOR], "roles": ["Observer*"],
                "external_id": { "required": true, "values": [EXTERNAL_ID] }
            },
            {
                "name": "Example Auditor", "accounts": ["777766665555"], "roles": ["Observer*"],
                "external_id": { "required": true, "values": [EXTERNAL_ID.replace('7', "8")] }
            }
        ],
        "access_keys": { "on_violation": "deactivate", "allow_users": ["ci-*"] },
    });
    change(&mut file);
    let file: RulesFile = serde_json::from_value(file).unwrap();
    crate::loaded(&file)
}

pub(crate) fn guard(rules: Rules) -> GuardConfig {
    GuardConfig {
        account: ACCOUNT.to_owned(),
        stack: "trustwarden".to_owned(),
        mode: Mode::Enforce,
        rules,
        own_roles: vec![REMEDIATOR.to_owned()],
        remediator_role: REMEDIATOR.to_owned(),
        revoke_sessions: true,
        detach_policies: true,
    }
}

pub(crate) fn statement(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": {principal}}}, "Action": "sts:AssumeRole"{condition}}}"#
    )
}

pub(crate) fn document(statements: &[String]) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
        statements.join(", ")
    )
}

pub(crate) fn vendor() -> String {
    vendor_as(&format!(r#""arn:aws:iam::{VENDOR}:root""#))
}

fn vendor_as(principal: &str) -> String {
    let condition =
        format!(r#", "Condition": {{"StringEquals": {{"sts:ExternalId": "{EXTERNAL_ID}"}}}}"#);
    statement(principal, &condition)
}

pub(crate) fn external_account() -> String {
    statement(&format!(r#""arn:aws:iam::{STRANGER}:root""#), "")
}

/// Compliant.
pub(crate) fn good() -> String {
    document(&[vendor()])
}

/// Compliant, too, and another one.
pub(crate) fn better() -> String {
    let condition = format!(
        r#", "Condition": {{"StringEquals": {{"sts:ExternalId": "{}"}}}}"#,
        EXTERNAL_ID.replace('7', "8")
    );
    document(&[
        vendor(),
        statement(r#""arn:aws:iam::777766665555:root""#, &condition),
    ])
}

/// Compliant: only the own account.
pub(crate) fn own() -> String {
    document(&[statement(&format!(r#""arn:aws:iam::{ACCOUNT}:root""#), "")])
}

/// The vendor, and an external account.
pub(crate) fn bad() -> String {
    document(&[vendor(), external_account()])
}

/// HIGH, not CRITICAL: the vendor without an external id.
pub(crate) fn careless() -> String {
    document(&[statement(&format!(r#""arn:aws:iam::{VENDOR}:root""#), "")])
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::by(|_| {})
    }

    /// With other rules.
    pub(crate) fn by(change: impl FnOnce(&mut Value)) -> Self {
        Self::with(guard(rules(change)))
    }

    pub(crate) fn with(guard: GuardConfig) -> Self {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        Self {
            world: Troubled::at(now),
            guard,
            poisoned: Vec::new(),
            waiting: Vec::new(),
            events: 0,
        }
    }

    /// A scene in which the role complies, and known to be.
    pub(crate) fn settled() -> Self {
        Self::settled_by(|_| {})
    }

    pub(crate) fn settled_by(change: impl FnOnce(&mut Value)) -> Self {
        Self::settled_with(guard(rules(change)))
    }

    /// The same, and the rules say so of remediation.
    pub(crate) fn remediating(remediation: Value) -> Self {
        Self::settled_by(|rules| rules["remediation"] = remediation)
    }

    pub(crate) fn settled_with(guard: GuardConfig) -> Self {
        let mut scene = Self::with(guard);
        scene.put(ROLE, "AROAOBSERVERPROD0001", &good());
        let event = scene.event("CreateRole", ROLE, Some(&good()), ALICE);
        scene.deliver(&event);
        scene.drain();
        assert_eq!(scene.alerts(), [], "a lawful role is no news");
        scene.pass(600);
        scene
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.world.now()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let now = self.now() + SignedDuration::from_secs(seconds);
        self.world.inside.set_now(now);
    }

    /// Somebody writes the trust policy just before a call, after so many others of its name.
    pub(crate) fn meanwhile(&self, call: &'static str, after: usize, document: String) {
        self.world.before(call, after, |inside| {
            let live = inside.role(ROLE).unwrap();
            inside.put_role(LiveRole { document, ..live });
        });
    }

    pub(crate) fn put(&self, name: &str, role_id: &str, document: &str) {
        self.world.inside.put_role(LiveRole {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            path: "/".to_owned(),
            role_id: role_id.to_owned(),
            document: document.to_owned(),
            created: Some(self.now()),
        });
    }

    /// Somebody writes the trust policy, and CloudTrail says so.
    pub(crate) fn write(&mut self, document: &str, actor: &str) -> Value {
        let live = self.role().unwrap();
        self.world.inside.put_role(LiveRole {
            document: document.to_owned(),
            ..live
        });
        self.event("UpdateAssumeRolePolicy", ROLE, Some(document), actor)
    }

    /// Alice writes the trust policy, and all that follows; the alerts of it.
    pub(crate) fn plays(&mut self, document: &str) -> Vec<Alert> {
        let event = self.write(document, ALICE);
        self.play(&event)
    }

    /// Alice writes the trust policy; the order that follows.
    pub(crate) fn ordered(&mut self, document: &str) -> Order {
        let event = self.write(document, ALICE);
        self.handle(&event).unwrap().unwrap();
        self.take_order()
    }

    pub(crate) fn take_order(&self) -> Order {
        self.next_order().unwrap()
    }

    pub(crate) fn next_order(&self) -> Option<Order> {
        self.world.inside.take_order()
    }

    pub(crate) fn role(&self) -> Option<LiveRole> {
        self.world.inside.role(ROLE)
    }

    pub(crate) fn event(
        &mut self,
        name: &str,
        role: &str,
        document: Option<&str>,
        actor: &str,
    ) -> Value {
        let sent = match name {
            "CreateRole" => "assumeRolePolicyDocument",
            _ => "policyDocument",
        };
        let mut request = json!({ "roleName": role });
        if let Some(document) = document {
            request[sent] = json!(document);
        }
        self.raw_event("iam.amazonaws.com", name, request, identity(actor))
    }

    pub(crate) fn raw_event(
        &mut self,
        source: &str,
        name: &str,
        request: Value,
        identity: Value,
    ) -> Value {
        self.events += 1;
        json!({
            "detail-type": "AWS API Call via CloudTrail",
            "account": ACCOUNT,
            "detail": {
                "eventID": format!("00000000-0000-4000-8000-{:012}", self.events),
                "eventTime": Timestamp::from_second(self.now().as_second()).unwrap().to_string(),
                "eventName": name,
                "eventSource": source,
                "awsRegion": "us-east-1",
                "sourceIPAddress": "203.0.113.9",
                "userAgent": "aws-cli/2.17.0",
                "recipientAccountId": ACCOUNT,
                "userIdentity": identity,
                "requestParameters": request,
                "responseElements": null,
            }
        })
    }

    pub(crate) fn handle(&self, event: &Value) -> Option<Result<Handled, HandleError>> {
        let record = Record::from_value(event);
        let source = record.event_source.as_str();
        match record.event_name.as_str() {
            "CreateRole" | "UpdateAssumeRolePolicy" | "DeleteRole" => {
                run(role_trust(&self.world, &self.guard, &record))
            }
            name if name.contains("Provider")
                || [
                    "rolesanywhere.amazonaws.com",
                    "iot.amazonaws.com",
                    "ssm.amazonaws.com",
                    "account-access.amazonaws.com",
                ]
                .contains(&source) =>
            {
                run(identity_provider(&self.world, &self.guard, &record))
            }
            name if source == "iam.amazonaws.com"
                && (name.ends_with("Policy")
                    || name.ends_with("Boundary")
                    || name.ends_with("PolicyVersion")
                    || name.ends_with("Group")) =>
            {
                run(role_permissions(&self.world, &self.guard, &record))
            }
            _ if source == "iam.amazonaws.com" => {
                run(access_key(&self.world, &self.guard, &record))
            }
            _ => run(root_activity(&self.world, &self.guard, &record)),
        }
    }

    /// EventBridge and Lambda: an event whose handler fails or dies comes twice more.
    pub(crate) fn deliver(&self, event: &Value) -> Option<Handled> {
        for wait in [0, 60, 120] {
            self.pass(wait);
            if let Some(Ok(handled)) = self.handle(event) {
                return Some(handled);
            }
        }
        None
    }

    /// The queue: brings each order again until it is done, or 25 times. What waits for a time that
    /// is far away goes on waiting.
    pub(crate) fn drain(&mut self) {
        let mut waited = std::mem::take(&mut self.waiting);
        while let Some(order) = self.world.inside.take_order().or_else(|| waited.pop()) {
            // As the queue carries it.
            let order: Order =
                serde_json::from_str(&serde_json::to_string(&order).unwrap()).unwrap();
            if let Task::Later(later) = &order.task
                && later.at > self.now() + SignedDuration::from_mins(5)
            {
                self.waiting.push(order);
            } else if !self.carry(&order) {
                self.poisoned.push(order);
            }
        }
    }

    pub(crate) fn carry(&self, order: &Order) -> bool {
        for _ in 0..25 {
            match run(carry_out(&self.world, &self.guard, order)) {
                Some(Ok(Ack::Done)) => return true,
                Some(Ok(Ack::LookAgain { after })) => {
                    self.pass(i64::try_from(after.as_secs()).unwrap());
                }
                // The visibility time-out.
                Some(Err(_)) | None => self.pass(360),
            }
        }
        false
    }

    /// The order wants to be looked at again after so many seconds: another one waits for that.
    pub(crate) fn comes_again(&self, order: &Order) -> Option<i64> {
        assert_eq!(self.once(order).unwrap(), Ack::Done);
        match self.world.inside.take_order()?.task {
            Task::Later(later) => {
                assert_eq!((later.order.as_ref(), later.due), (order, false));
                Some(later.at.duration_since(self.now()).as_secs())
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn once(&self, order: &Order) -> Result<Ack, HandleError> {
        run(carry_out(&self.world, &self.guard, order)).expect("nothing stops it")
    }

    /// Delivers an event and all that follows; the alerts of it.
    pub(crate) fn play(&mut self, event: &Value) -> Vec<Alert> {
        assert!(self.deliver(event).is_some(), "the event is handled");
        self.drain();
        self.alerts()
    }

    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.world.inside.take_alerts()
    }

    pub(crate) fn live(&self) -> String {
        self.role().unwrap().document
    }

    pub(crate) fn history(&self) -> RoleHistory {
        let role_id = self.role().unwrap().role_id;
        self.world.inside.history(ACCOUNT, &role_id).unwrap()
    }

    pub(crate) fn written(&self) -> Vec<String> {
        self.world.written()
    }
}

pub(crate) fn identity(actor: &str) -> Value {
    if actor == GUARD {
        return json!({
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/remediator/trustwarden-remediator",
            "accountId": ACCOUNT,
            "sessionContext": {
                "sessionIssuer": { "type": "Role", "arn": REMEDIATOR, "userName": "remediator" },
                "attributes": { "mfaAuthenticated": "false" }
            }
        });
    }
    json!({
        "type": "IAMUser",
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{actor}"),
        "accountId": ACCOUNT,
        "userName": actor,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "sessionContext": { "attributes": { "mfaAuthenticated": "false" } }
    })
}

/// The stages and outcomes of alerts, in order.
pub(crate) fn stages(alerts: &[Alert]) -> Vec<(Stage, Option<OutcomeKind>)> {
    alerts
        .iter()
        .map(|alert| {
            let outcome = alert.outcome.as_ref().map(|outcome| outcome.kind);
            (
                alert.stage,
                outcome.filter(|kind| *kind != OutcomeKind::Ordered),
            )
        })
        .collect()
}

pub(crate) const DETECTED: (Stage, Option<OutcomeKind>) = (Stage::Detected, None);

pub(crate) fn outcome(kind: OutcomeKind) -> (Stage, Option<OutcomeKind>) {
    (Stage::Outcome, Some(kind))
}

/// An exposure was reported, and what came of it.
#[track_caller]
pub(crate) fn ended(alerts: &[Alert], kind: OutcomeKind) {
    assert_eq!(stages(alerts), [DETECTED, outcome(kind)]);
}
