//! CloudTrail and EventBridge: every write makes a record; it is delivered late, twice, in
//! another order or not at all.

use serde_json::{Value, json};

use crate::account::{Moment, Writer};
use crate::counts::Coverage;
use crate::documents::OWN;
use crate::state::{CloudTrailEvent, Scheduled, State, clock};

/// The remediator's role.
pub const REMEDIATOR_ROLE: &str = "arn:aws:iam::111122223333:role/trustwarden/remediator";

impl State {
    /// The id of the next event.
    pub fn new_event_id(&mut self) -> String {
        self.next_event += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.next_event, self.now)
    }
}

/// An UpdateAssumeRolePolicy was made.
pub fn record_write(
    state: &mut State,
    role: &str,
    document: &str,
    by: Writer,
    event_id: String,
    issuer: Option<&str>,
) {
    // A padded request is cut by CloudTrail; the guard's own are never that long.
    let omitted = state.faults.omitted;
    let omits = by != Writer::Guard && !state.quiesced && state.rng.per_mille(omitted);
    let request = if omits {
        state.coverage.insert(Coverage::DocumentOmitted);
        json!({ "roleName": role })
    } else {
        json!({ "roleName": role, "policyDocument": document })
    };
    record(
        state,
        "UpdateAssumeRolePolicy",
        role,
        request,
        Value::Null,
        by,
        event_id,
        issuer,
    );
}

/// A CreateRole was made.
pub fn record_creation(
    state: &mut State,
    role: &str,
    role_id: &str,
    document: &str,
    by: Writer,
    event_id: String,
) {
    let request = json!({ "roleName": role, "assumeRolePolicyDocument": document, "path": "/" });
    let response = json!({ "role": {
        "roleName": role,
        "roleId": role_id,
        "path": "/",
        "arn": format!("arn:aws:iam::{OWN}:role/{role}"),
    }});
    record(
        state,
        "CreateRole",
        role,
        request,
        response,
        by,
        event_id,
        None,
    );
}

/// A DeleteRole was made.
pub fn record_deletion(state: &mut State, role: &str, by: Writer, event_id: String) {
    record(
        state,
        "DeleteRole",
        role,
        json!({ "roleName": role }),
        Value::Null,
        by,
        event_id,
        None,
    );
}

#[expect(
    clippy::too_many_arguments,
    reason = "a record has that many parts, and three callers"
)]
fn record(
    state: &mut State,
    name: &str,
    role: &str,
    request: Value,
    response: Value,
    by: Writer,
    event_id: String,
    issuer: Option<&str>,
) {
    let omitted = name == "UpdateAssumeRolePolicy" && request.get("policyDocument").is_none();
    let session = format!("{by:?}").to_lowercase();
    let issuer = issuer.map_or_else(
        || format!("arn:aws:iam::{OWN}:role/{session}"),
        str::to_owned,
    );
    let issuer_name = issuer.rsplit('/').next().unwrap_or_default().to_owned();
    let time = clock(state.now).round(
        jiff::TimestampRound::new()
            .smallest(jiff::Unit::Second)
            .mode(jiff::RoundMode::Floor),
    );
    let time = time.unwrap_or_else(|_| clock(state.now)).to_string();
    let record = json!({
        "version": "0",
        "account": OWN,
        "region": "us-east-1",
        "source": "aws.iam",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventVersion": "1.11",
            "eventID": event_id,
            "eventTime": time,
            "eventName": name,
            "eventSource": "iam.amazonaws.com",
            "eventType": "AwsApiCall",
            "awsRegion": "us-east-1",
            "recipientAccountId": OWN,
            "sourceIPAddress": "198.51.100.7",
            "userAgent": "aws-cli/2.31.0",
            "userIdentity": {
                "type": "AssumedRole",
                "accountId": OWN,
                "arn": format!("arn:aws:sts::{OWN}:assumed-role/{issuer_name}/{session}"),
                "sessionContext": { "sessionIssuer": {
                    "type": "Role", "arn": issuer, "accountId": OWN, "userName": issuer_name,
                }},
            },
            "requestParameters": request,
            "responseElements": response,
        },
    })
    .to_string();
    let index = state.events.len();
    let at = state.now;
    let without = if omitted {
        ", without the document"
    } else {
        ""
    };
    state.log(|| format!("{by:?}: {name} {role} (event {event_id}{without})"));
    state.events.push(CloudTrailEvent {
        id: event_id,
        record,
        at,
        delivered: None,
        handled: false,
        omitted,
        stops: 0,
        given_up: false,
    });
    deliver(state, index);
}

/// When the event arrives, and how often.
fn deliver(state: &mut State, index: usize) {
    let faults = state.faults;
    if !state.quiesced && state.rng.per_mille(faults.lost) {
        state.coverage.insert(Coverage::LostEvent);
        state.log(|| format!("event number {index} is lost"));
        return;
    }
    let arrival = |state: &mut State| -> Moment {
        let late = state.rng.per_mille(faults.late);
        let delay = if late {
            state.rng.between(60_000, 900_000)
        } else {
            state.rng.mostly_short(500, 40_000)
        };
        state.now + delay
    };
    let at = arrival(state);
    state.schedule(at, Scheduled::Deliver(index, 0));
    if !state.quiesced && state.rng.per_mille(faults.duplicates) {
        let again = arrival(state);
        state.coverage.insert(Coverage::Duplicate);
        state.schedule(again, Scheduled::Deliver(index, 0));
    }
}
