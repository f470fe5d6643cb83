"""From moto to the functions: EventBridge's targets, SNS's Lambda and e-mail subscribers, and the poller of SQS.

Lambda itself is not here: the functions' binaries run under the Runtime API that `crates/local` serves, and are
invoked by HTTP. What is here is what AWS does around them: permission of the caller, retries of an asynchronous
invocation and the queue for what failed, one batch at a time per message group, redrive.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from moto.awslambda.models import LambdaFunction
from moto.events.models import Rule, events_backends
from moto.sns.models import Subscription, Topic, sns_backends
from moto.sqs.models import Queue, SQSBackend, sqs_backends

import authorize

_lambda_url = ""
_permissions: dict[str, list[tuple[str, str]]] = {}
_failures: dict[str, tuple[int, str | None]] = {}
_roles: dict[str, str] = {}
_mapped: dict[str, tuple[str, str, str]] = {}  # queue ARN: account, region, queue name
_mails: list[dict] = []
_lost: list[dict] = []

_state = threading.Condition()
_busy: Counter[str] = Counter()  # account: invocations that are not done
_processing: set[str] = set()
_pool = ThreadPoolExecutor(max_workers=16)


def permit(function: str, principal: str, source_arn: str) -> None:
    _permissions.setdefault(function, []).append((principal, source_arn))


def on_failure(function: str, retries: int, queue_arn: str | None) -> None:
    """Without a queue what failed is dropped, as the template says."""
    _failures[function] = (retries, queue_arn)


def function_role(function: str, role: str) -> None:
    _roles[function] = role


def mails(account: str) -> list[dict]:
    """E-mails sent so far, oldest first: {"account", "to", "subject", "text", "at"}."""
    with _state:
        return [m for m in _mails if m["account"] == account]


def lost(account: str) -> list[dict]:
    """What was delivered nowhere, for want of a permission: each one is a hole in the template."""
    with _state:
        return [entry for entry in _lost if entry["account"] == account]


def _lose(account: str, what: str, payload) -> None:
    with _state:
        _lost.append({"account": account, "what": what, "payload": payload})


def _permitted(function: str, principal: str, source_arn: str) -> bool:
    return any(p == principal and authorize.glob(s, source_arn) for p, s in _permissions.get(function, []))


def _to_queue(queue_arn: str, body: dict) -> None:
    _, _, _, region, account, name = queue_arn.split(":")
    sqs_backends[account][region].send_message(queue_name=name, message_body=json.dumps(body))


# ------------------------------------------------------------------ invocations


def invoke(function: str, payload) -> tuple[bool, object]:
    """One synchronous invocation: whether it succeeded, and its answer or error."""
    name = urllib.parse.quote(function, safe="")
    request = urllib.request.Request(
        f"{_lambda_url}/2015-03-31/functions/{name}/invocations",
        data=json.dumps(payload).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            body = json.loads(answer.read() or b"null")
            return answer.headers.get("X-Amz-Function-Error") is None, body
    except urllib.error.HTTPError as error:
        return False, {"errorType": f"http {error.code}", "errorMessage": error.read().decode("utf-8", "replace")}
    except OSError as error:
        return False, {"errorType": "unreachable", "errorMessage": str(error)}


def invoke_async(function: str, payload) -> None:
    """As `InvocationType=Event`: tried again on failure, and at last put where failures wait."""
    with _state:
        _busy[_account_of(function)] += 1
    _pool.submit(_try_until_done, function, payload)


def _account_of(function: str) -> str:
    return function.split(":")[4]


def _try_until_done(function: str, payload) -> None:
    account = _account_of(function)
    try:
        retries, queue_arn = _failures.get(function, (2, ""))
        for attempt in range(retries + 1):
            # AWS waits a minute, then two.
            time.sleep((0, 0.5, 2)[min(attempt, 2)])
            done, answer = invoke(function, payload)
            if done:
                return
        if queue_arn is None:
            return
        if not queue_arn or not authorize.role_may(_roles[function], "sqs:SendMessage", queue_arn):
            _lose(account, f"failed invocation of {function}", payload)
            return
        _to_queue(
            queue_arn,
            {
                "version": "1.0",
                "requestContext": {
                    "functionArn": function,
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": retries + 1,
                },
                "requestPayload": payload,
                "responsePayload": answer,
            },
        )
    finally:
        with _state:
            _busy[account] -= 1
            _state.notify_all()


def _invoked(self: LambdaFunction, body, request_headers, response_headers) -> bytes:
    """Lambda's own API, to the binaries that run here."""
    payload = json.loads(body) if body else {}
    if request_headers.get("x-amz-invocation-type") == "Event":
        invoke_async(self.function_arn, payload)
        return b""
    done, answer = invoke(self.function_arn, payload)
    if not done:
        response_headers["x-amz-function-error"] = "Unhandled"
    return json.dumps(answer).encode()


# ------------------------------------------------------------------ EventBridge


def _iso(moment) -> str:
    if isinstance(moment, (int, float)):
        return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(moment)


def _drops_read_only(rule: Rule, event: dict) -> bool:
    """A rule in state ENABLED does not see read-only management events."""
    detail = event.get("detail")
    return rule.state == "ENABLED" and isinstance(detail, dict) and detail.get("readOnly") is True


def _takes(rule: Rule, event: dict) -> bool:
    """Whether the rule hands the event on. moto takes one without a pattern, a schedule, to match everything."""
    return (
        rule.state != "DISABLED"
        and bool(rule.event_pattern.get_pattern())
        and rule.event_pattern.matches_event(event)
        and not _drops_read_only(rule, event)
    )


def _send_to_targets(original):
    def send_to_targets(self: Rule, original_event, transform_input=True):
        ours = [t for t in self.targets if ":lambda:" in t["Arn"] or ":sqs:" in t["Arn"]]
        others = [t for t in self.targets if t not in ours]
        if ours and _takes(self, original_event):
            event = {k: v for k, v in original_event.items() if k != "ingestion-time"}
            event["time"] = _iso(event.get("time"))
            for target in ours:
                _to_target(self, target, event)
        if others:
            kept, self.targets = self.targets, others
            try:
                original(self, original_event, transform_input)
            finally:
                self.targets = kept

    return send_to_targets


def targets_of(account: str, region: str, event: dict) -> list[str]:
    """The functions that the account's rules would hand this event to; nothing is sent."""
    rules = events_backends[account][region].describe_event_bus("default").rules.values()
    return [
        target["Arn"]
        for rule in rules
        if _takes(rule, event)
        for target in rule.targets
    ]


def _to_target(rule: Rule, target: dict, event: dict) -> None:
    if ":sqs:" in target["Arn"]:
        if authorize.service_may("events.amazonaws.com", "sqs:SendMessage", target["Arn"]):
            _to_queue(target["Arn"], event)
            return
    elif _permitted(target["Arn"], "events.amazonaws.com", rule.arn):
        invoke_async(target["Arn"], event)
        return
    dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
    if dead_letters and authorize.service_may("events.amazonaws.com", "sqs:SendMessage", dead_letters):
        _to_queue(dead_letters, event)
    else:
        _lose(rule.account_id, f"event of rule {rule.name}", event)


# ------------------------------------------------------------------ SNS


def _publish(original):
    def publish(self: Subscription, message, message_id, subject=None, message_structure=None, **rest):
        if self.protocol not in ("lambda", "email"):
            original(self, message, message_id, subject=subject, message_structure=message_structure, **rest)
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        if self.protocol == "email":
            with _state:
                _mails.append(
                    {"account": self.account_id, "to": self.endpoint, "subject": subject, "text": message, "at": time.time()}
                )
            return
        if not _permitted(self.endpoint, "sns.amazonaws.com", self.topic.arn):
            _lose(self.account_id, f"alert for {self.endpoint}", message)
            return
        invoke_async(
            self.endpoint,
            {
                "Records": [
                    {
                        "EventVersion": "1.0",
                        "EventSubscriptionArn": self.arn,
                        "EventSource": "aws:sns",
                        "Sns": {
                            "SignatureVersion": "1",
                            "Timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                            "Signature": "none on this machine",
                            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/none.pem",
                            "MessageId": message_id,
                            "Message": message,
                            "MessageAttributes": {
                                name: {"Type": a["Type"], "Value": a["Value"]}
                                for name, a in (rest.get("message_attributes") or {}).items()
                            },
                            "Type": "Notification",
                            "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/unsubscribe",
                            "TopicArn": self.topic.arn,
                            "Subject": subject,
                        },
                    }
                ]
            },
        )

    return publish


# ------------------------------------------------------------------ SQS


def _add_message(original):
    def add_message(self: Queue, message):
        # moto would run the function in a container of its own.
        mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
        try:
            with _state:
                original(self, message)
                _state.notify_all()
        finally:
            self.lambda_event_source_mappings = mappings

    return add_message


def _alone(original):
    """moto's queues are lists and sets without a lock: of two changes at once one would be lost."""

    def change(self, *given, **named):
        with _state:
            return original(self, *given, **named)

    return change


def poll(account: str, mapping: dict, function: str) -> None:
    """An event source mapping: two pollers, which the queue's message groups keep out of each other's way."""
    queue_arn = mapping["EventSourceArn"]
    _, _, _, region, _, name = queue_arn.split(":")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        if not authorize.role_may(_roles[function], action, queue_arn):
            _lose(account, f"polling of {queue_arn}: {action} is not allowed", None)
            return
    _mapped[queue_arn] = (account, region, name)
    for _ in range(2):
        threading.Thread(target=_poll, args=(account, region, name, mapping, function), daemon=True).start()


def _poll(account: str, region: str, name: str, mapping: dict, function: str) -> None:
    try:
        _hand_on(account, region, name, mapping, function)
    except Exception as error:
        _lose(account, f"all that is in {name} from now on: its poller ended by {error!r}", None)
        raise


def _hand_on(account: str, region: str, name: str, mapping: dict, function: str) -> None:
    backend = sqs_backends[account][region]
    size = int(mapping.get("BatchSize", 10))
    partial = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
    while True:
        with _state:
            queue = backend.queues.get(name)
            if queue is None:
                return
            batch = backend.receive_message(name, size, 0, int(queue.visibility_timeout))
            if not batch:
                _state.wait(0.25)
                continue
            _processing.update(m.id for m in batch)
        try:
            done, answer = invoke(function, {"Records": [_record(m, mapping, region) for m in batch]})
            failed = _failed(batch, done, answer, partial)
            for message in batch:
                if message.id not in failed:
                    backend.delete_message(name, message.receipt_handle)
        finally:
            with _state:
                _processing.difference_update(m.id for m in batch)
                _state.notify_all()


def _failed(batch, done: bool, answer, partial: bool) -> set[str]:
    everything = {m.id for m in batch}
    if not done:
        return everything
    if not partial or not isinstance(answer, dict):
        return set()
    named = {entry.get("itemIdentifier") for entry in answer.get("batchItemFailures") or []}
    # As Lambda does: an identifier that is empty or unknown fails the whole batch.
    return named if named <= everything else everything


def _record(message, mapping: dict, region: str) -> dict:
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": "AROAEXAMPLE:function",
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    for name, value in (
        ("MessageGroupId", message.group_id),
        ("MessageDeduplicationId", message.deduplication_id),
        ("SequenceNumber", message.sequence_number),
    ):
        if value:
            attributes[name] = value
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping["EventSourceArn"],
        "awsRegion": region,
    }


def peek(account: str, region: str, name: str) -> list[str]:
    """The bodies of all messages in a queue, oldest first; none is received by it."""
    with _state:
        return [message.body for message in sqs_backends[account][region].queues[name]._messages]


def _far(message) -> bool:
    """An order that waits until the hour's budget is free, and is issued then: no test waits for it."""
    try:
        task = json.loads(message.body)["task"]
        return task["kind"] == "later" and not task["due"] and task["order"]["issued_at"] == task["at"]
    except (ValueError, KeyError, TypeError):
        return False


def hasten(account: str) -> int:
    """Makes messages that wait out a visibility time-out visible now; says how many there were."""
    hastened = 0
    with _state:
        for owner, region, name in list(_mapped.values()):
            queue = sqs_backends[owner][region].queues.get(name) if owner == account else None
            for message in list(queue._messages) if queue else []:
                if message.id not in _processing and not message.visible and not _far(message):
                    message.change_visibility(0)
                    queue.pending_messages.discard(message)
                    hastened += 1
        _state.notify_all()
    return hastened


def kill(function: str) -> None:
    """Ends the function's processes where they stand."""
    name = urllib.parse.quote(function, safe="")
    urllib.request.urlopen(urllib.request.Request(f"{_lambda_url}/kill/{name}", data=b""), timeout=30).read()


def wait_until_quiet(account: str, seconds: float) -> dict:
    """Waits until no invocation runs in the account and no message is visible in a polled queue of it."""
    deadline = time.monotonic() + seconds
    with _state:
        while True:
            waiting, visible, held = 0, 0, set()
            for owner, region, name in list(_mapped.values()):
                queue = sqs_backends[owner][region].queues.get(name) if owner == account else None
                for message in list(queue._messages) if queue else []:
                    working = message.id in _processing
                    far = not working and _far(message)
                    waiting += not far
                    # Behind one that waits, a message of its group comes to nobody.
                    visible += working or (message.visible and message.group_id not in held)
                    if message.group_id and not working and not message.visible:
                        held.add(message.group_id)
            quiet = _busy[account] == 0 and visible == 0
            left = deadline - time.monotonic()
            if quiet or left <= 0:
                return {"quiet": quiet, "waiting": waiting}
            _state.wait(min(left, 0.1))


def _confirmed(topic: Topic) -> int:
    """moto never counts; here who subscribes is confirmed at once."""
    backend = sns_backends[topic.account_id][topic.arn.split(":")[3]]
    return sum(subscription.topic.arn == topic.arn for subscription in backend.subscriptions.values())


def install(lambda_url: str) -> None:
    global _lambda_url
    _lambda_url = lambda_url
    LambdaFunction.invoke = _invoked
    Rule.send_to_targets = _send_to_targets(Rule.send_to_targets)
    Subscription.publish = _publish(Subscription.publish)
    Topic.subscriptions_confimed = property(_confirmed, lambda *_: None)
    Queue.add_message = _add_message(Queue.add_message)
    Queue.delete_message = _alone(Queue.delete_message)
    SQSBackend.change_message_visibility = _alone(SQSBackend.change_message_visibility)


