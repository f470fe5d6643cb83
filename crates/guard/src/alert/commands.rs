//! Commands to copy, with this alert's names in them: what a person on call would otherwise have to
//! put together at night. They run with that person's own credentials.

use jiff::{SignedDuration, Timestamp};

use super::Alert;
use crate::cloudtrail::{Actor, ActorKind};
use crate::remediate::OutcomeKind;
use crate::state::incident::Stage;

/// A command, and what it is for.
pub(crate) struct Command {
    pub(crate) purpose: &'static str,
    pub(crate) line: String,
}

/// The commands for an alert. A name that a shell could take for anything but a name makes none.
pub(crate) fn commands(alert: &Alert) -> Vec<Command> {
    let all = [
        uses(alert),
        key(alert),
        restored(alert),
        unshared(alert),
        contained(alert),
    ];
    all.into_iter().flatten().collect()
}

/// Who assumed the role since the change. CloudTrail lists a session minutes after it began.
fn uses(alert: &Alert) -> Option<Command> {
    let (cause, resource) = (alert.cause.as_ref()?, alert.resource.as_ref()?);
    if resource.kind != "role" || alert.stage == Stage::Digest {
        return None;
    }
    let (role, region) = (word(resource.arn.as_deref()?)?, word(&cause.region)?);
    // Here a comma ends a value: `a,AttributeKey=Username` is a role's name that IAM takes.
    if role.contains([',', '=']) {
        return None;
    }
    let until = alert.at.checked_add(SignedDuration::from_mins(15)).ok()?;
    Some(Command {
        purpose: "Who assumed the role (ask in each region in use, and again after 15 minutes)",
        line: format!(
            "aws cloudtrail lookup-events --region {region} --start-time {} --end-time {until} \
             --lookup-attributes AttributeKey=ResourceName,AttributeValue={role}",
            cause.event_time
        ),
    })
}

/// The access key that the alert is about: inactive, or active again if the guard deactivated it.
fn key(alert: &Alert) -> Option<Command> {
    let resource = alert.resource.as_ref()?;
    if resource.kind != "access-key" {
        return None;
    }
    let (user, id) = (word(&resource.name)?, word(resource.id.as_deref()?)?);
    let (purpose, status) = match alert.outcome.as_ref()?.kind {
        OutcomeKind::Deactivated => ("If it was planned, once the rules allow it", "Active"),
        OutcomeKind::Gone | OutcomeKind::Superseded => return None,
        _ => ("Deactivate the key", "Inactive"),
    };
    Some(Command {
        purpose,
        line: format!(
            "aws iam update-access-key --user-name {user} --access-key-id {id} --status {status}"
        ),
    })
}

/// The trust policy that a quarantine replaced.
fn restored(alert: &Alert) -> Option<Command> {
    let quarantined = alert.outcome.as_ref()?.kind == OutcomeKind::Quarantined;
    let (cause, resource) = (alert.cause.as_ref()?, alert.resource.as_ref()?);
    if !quarantined || resource.kind != "role" {
        return None;
    }
    let (role, stack, region) = (
        word(&resource.name)?,
        word(&alert.stack)?,
        word(&cause.region)?,
    );
    Some(Command {
        purpose: "Restore the former trust policy, once the rules allow it",
        line: format!(
            "trustwarden restore {role} --rules rules/access.yaml --stack {stack} --region {region}"
        ),
    })
}

/// What is shared by a list alone is taken back from all on it: the rules' own vendors are shared with
/// again by whoever keeps the list.
fn unshared(alert: &Alert) -> Option<Command> {
    let resource = alert.resource.as_ref()?;
    let (what, attribute) = match resource.kind.as_str() {
        "snapshot" => ("snapshot", "createVolumePermission"),
        "image" => ("image", "launchPermission"),
        _ => return None,
    };
    let mut parts = word(resource.arn.as_deref()?)?.splitn(6, ':').skip(3);
    let (region, _, id) = (word(parts.next()?)?, parts.next()?, parts.next()?);
    let id = id.strip_prefix(what)?.strip_prefix('/').and_then(word)?;
    Some(Command {
        purpose: "Take it back from all others, registered vendors too",
        line: format!(
            "aws ec2 reset-{what}-attribute --region {region} --{what}-id {id} --attribute {attribute}"
        ),
    })
}

/// What the actor acted with: a key is deactivated, a role's sessions are ended.
fn contained(alert: &Alert) -> Option<Command> {
    let actor = &alert.cause.as_ref()?.actor;
    if actor.account.as_ref() != Some(&alert.account) {
        return None;
    }
    let name = word(actor.name.as_deref()?)?;
    match actor.kind {
        ActorKind::IamUser => {
            let key = word(actor.access_key_id.as_deref()?)?;
            key.starts_with("AKIA").then(|| Command {
                purpose: "If it was not planned: deactivate the actor's key",
                line: format!(
                    "aws iam update-access-key --user-name {name} --access-key-id {key} --status \
                     Inactive"
                ),
            })
        }
        ActorKind::AssumedRole if may_be_written(actor, name) => Some(Command {
            purpose: "If it was not planned: end all sessions of the actor's role until now",
            line: format!(
                "aws iam put-role-policy --role-name {name} --policy-name AWSRevokeOlderSessions \
                 --policy-document '{}'",
                older_sessions(alert.at)
            ),
        }),
        _ => None,
    }
}

/// IAM refuses to change the roles of AWS's own: those of IAM Identity Center and of services.
fn may_be_written(actor: &Actor, name: &str) -> bool {
    let of_service = actor
        .issuer
        .as_deref()
        .is_some_and(|arn| arn.contains(":role/aws-service-role/"));
    !of_service && !name.starts_with("AWSReservedSSO_")
}

fn older_sessions(at: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": at.to_string() } },
        }],
    })
}

/// What every shell takes as one word that is no option: names and ARNs of IAM, with the usual paths.
fn word(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_:/-".contains(&byte);
    let fits = !text.is_empty() && !text.starts_with(['-', '=']) && text.bytes().all(plain);
    fits.then_some(text)
}
