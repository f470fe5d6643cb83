"""CloudTrail's events of the heartbeat's calls, on the account's bus. Whoever makes another call here puts its record
there by hand; these the guard makes by itself, and waits for what comes back."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timezone

from moto.events.models import events_backends

# The guard's own list is crates/guard/src/watch/heartbeat.rs. Lambda's names go on with the date of its API.
HEARTBEATS = {
    ("iam", "DeleteRole"): "DeleteRole",
    ("iam", "DeleteRolePolicy"): "DeleteRolePolicy",
    ("iam", "DeleteSAMLProvider"): "DeleteSAMLProvider",
    ("iam", "UpdateAccessKey"): "UpdateAccessKey",
    ("cloudformation", "UpdateTerminationProtection"): "UpdateTerminationProtection",
    ("lambda", "AddPermission"): "AddPermission20150331v2",
}

_stopped: set[str] = set()


def stop(account: str, stopped: bool) -> dict:
    """The account's trail stops, or logs again: without one that logs, nothing reaches the bus."""
    (_stopped.add if stopped else _stopped.discard)(account)
    return {}


def is_heartbeat(service: str, action: str, resource: str) -> bool:
    return (service, action) in HEARTBEATS and "trustwarden-heartbeat-" in resource


def failed(account: str, region: str, role_arn: str, service: str, action: str):
    """AWS's answer, with the id by which CloudTrail knows the call, whose event is on the bus."""
    request_id = str(uuid.uuid4())
    role = role_arn.rsplit("/", 1)[1]
    detail = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROAEXAMPLE1111111111:{role}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{role}",
            "accountId": account,
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": role_arn, "accountId": account, "userName": role},
                "attributes": {"mfaAuthenticated": "false"},
            },
        },
        "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": HEARTBEATS[service, action],
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.44",
        "userAgent": "aws-sdk-rust/1.3.14 os/linux lang/rust/1.90.0",
        "requestParameters": None,
        "responseElements": None,
        "requestID": request_id,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "errorCode": "NoSuchEntityException",
        "errorMessage": "There is nothing of that name.",
    }
    if account not in _stopped:
        event = {
            "Source": f"aws.{service}",
            "DetailType": "AWS API Call via CloudTrail",
            "Detail": json.dumps(detail),
        }
        events_backends[account][region].put_events([event])
    headers = {"status": 404, "x-amzn-requestid": request_id}
    if service == "lambda":
        headers |= {"x-amzn-errortype": "ResourceNotFoundException", "Content-Type": "application/json"}
        return 404, headers, json.dumps({"Message": detail["errorMessage"]})
    headers["Content-Type"] = "text/xml"
    error = f"<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>{detail['errorMessage']}</Message></Error>"
    return 404, headers, f"<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>"
