"""Who may do what, on every request, by the policies that the template gave.

moto has an enforcement of its own, but it names the resource of IAM and SQS requests alone: a statement that allows
one topic or one table would refuse everything there. This one knows the resource of every call that the guard makes,
matches actions without regard to case, and reads the policies of queues and tables.

Conditions: those about the caller (`aws:PrincipalArn`, `aws:PrincipalIsAWSService`, `aws:SecureTransport`) are
evaluated. A statement with any other condition counts if it allows and is passed over if it denies, so a test that a
call is refused never rests on a condition that was not evaluated.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from contextlib import nullcontext

from moto.cloudformation.models import cloudformation_backends
from moto.core.responses import BaseResponse
from moto.dynamodb.responses import DynamoHandler  # noqa: F401  (its _dispatch is the one patched)
from moto.iam.models import iam_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sts.models import sts_backends

import trail

# Whoever drives the stack from outside: deploys, plays the attacker, looks at the end. Not subject to policies.
OPERATOR_KEY = "AKIAOPERATOR00000000"
OPERATOR_SECRET = "operator"

_resource_policies: dict[str, list[dict]] = {}
_traps: list[dict] = []
_refusals: list[dict] = []
_lock = threading.Lock()
# moto writes an item in steps and compares without a lock: one request at a time sees and leaves whole items.
_whole = {"dynamodb": threading.Lock()}


def set_resource_policy(arn: str, document: dict) -> None:
    _resource_policies[arn] = document["Statement"]


def refusals(account: str) -> list[dict]:
    """What was refused so far, oldest first: {"account", "principal", "action", "resource"}."""
    with _lock:
        return [r for r in _refusals if r["account"] == account]


def crash_after(account: str, role: str, action: str, crash) -> None:
    """Lets the next such call of this role take effect, and calls `crash` before the role hears of it."""
    with _lock:
        _traps.append({"account": account, "role": role, "action": action, "crash": crash})


def _sprung(account: str, principal: str, action: str):
    with _lock:
        for trap in _traps:
            if (trap["account"], trap["role"], trap["action"]) == (account, principal, action):
                _traps.remove(trap)
                return trap["crash"]
    return None


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def glob(pattern: str, text: str, ignore_case: bool = False) -> bool:
    regex = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(regex, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _concerns(statement: dict, action: str, resource: str) -> bool:
    if "Action" in statement:
        hit = any(glob(p, action, ignore_case=True) for p in as_list(statement["Action"]))
    else:
        hit = not any(glob(p, action, ignore_case=True) for p in as_list(statement["NotAction"]))
    if not hit:
        return False
    if "Resource" in statement:
        return any(glob(p, resource) for p in as_list(statement["Resource"]))
    if "NotResource" in statement:
        return not any(glob(p, resource) for p in as_list(statement["NotResource"]))
    return True


def _conditions_hold(statement: dict, principal_arn: str, is_service: bool) -> bool | None:
    """True, False, or None where a condition is of a kind that is not evaluated here."""
    context = {
        "aws:principalarn": None if is_service else principal_arn,
        "aws:principalisawsservice": "true" if is_service else "false",
        "aws:securetransport": "true",
    }
    for operator, entries in (statement.get("Condition") or {}).items():
        for key, values in entries.items():
            if key.lower() not in context:
                return None
            actual = context[key.lower()]
            values = [str(v).lower() if operator == "Bool" else str(v) for v in as_list(values)]
            if operator in ("ArnEquals", "ArnLike", "StringEquals", "StringLike", "Bool"):
                holds = actual is not None and any(glob(v, actual) for v in values)
            elif operator in ("ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike"):
                holds = actual is None or not any(glob(v, actual) for v in values)
            else:
                return None
            if not holds:
                return False
    return True


def decide(statements: list[dict], action: str, resource: str, principal_arn: str, is_service: bool = False) -> str:
    """allow, deny or silent."""
    answer = "silent"
    for statement in statements:
        if not _concerns(statement, action, resource):
            continue
        holds = _conditions_hold(statement, principal_arn, is_service)
        if statement["Effect"] == "Deny" and holds is True:
            return "deny"
        if statement["Effect"] == "Allow" and holds is not False:
            answer = "allow"
    return answer


def _statements(documents) -> list[dict]:
    found = []
    for document in documents:
        document = json.loads(document) if isinstance(document, str) else document
        found.extend(s for s in as_list(document["Statement"]) if s)
    return found


def _managed(holder) -> list:
    policies = holder.managed_policies.values()
    return [version.document for policy in policies for version in policy.versions if version.is_default]


def role_statements(account: str, role_name: str) -> list[dict]:
    role = iam_backends[account]["aws"].get_role(role_name)
    documents = list(role.policies.values())
    documents += _managed(role)
    return _statements(documents)


def _user_statements(account: str, user_name: str) -> list[dict]:
    user = iam_backends[account]["aws"].get_user(user_name)
    documents = list(user.policies.values())
    documents += _managed(user)
    return _statements(documents)


def role_may(role_arn: str, action: str, resource: str) -> bool:
    """Whether a role may do this, by its own policies and, where the resource has one, by that."""
    account = role_arn.split(":")[4]
    own = decide(role_statements(account, role_arn.rsplit("/", 1)[1]), action, resource, role_arn)
    theirs = decide(_resource_policies.get(resource, []), action, resource, role_arn)
    return own == "allow" and theirs != "deny"


def role_may_or_is_refused(role_arn: str, action: str, resource: str) -> bool:
    """The same, of a call; a refusal is kept."""
    allowed = role_may(role_arn, action, resource)
    if not allowed:
        refusal = {"account": role_arn.split(":")[4], "principal": role_arn, "action": action, "resource": resource}
        with _lock:
            _refusals.append(refusal)
    return allowed


def role_of(authorization: str) -> str | None:
    """The role whose session signed a request."""
    for backends in list(sts_backends.values()):
        for session in backends["aws"].assumed_roles:
            if f"Credential={session.access_key_id}/" in authorization:
                return session.role_arn
    return None


def service_may(service: str, action: str, resource: str) -> bool:
    """Whether an AWS service may do this to a queue: by the queue's policy alone."""
    statements = [
        s
        for s in _resource_policies.get(resource, [])
        if s.get("Principal") == "*" or s.get("Principal", {}).get("Service") == service
    ]
    return decide(statements, action, resource, service, is_service=True) == "allow"


def _parameters(response: BaseResponse) -> dict:
    body = response.body
    if isinstance(body, (bytes, bytearray)):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str) and body.lstrip().startswith("{"):
        return json.loads(body)
    return {key: values[0] for key, values in response.querystring.items()}


def _wants(response: BaseResponse, service: str, action: str) -> list[tuple[str, str]]:
    """The (action, resource) pairs that a request needs."""
    account, region = response.current_account, response.region
    parameters = _parameters(response)

    def table(name: str) -> str:
        return f"arn:aws:dynamodb:{region}:{account}:table/{name}"

    if service == "dynamodb":
        if action == "TransactWriteItems":
            kinds = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
            return [
                (f"dynamodb:{kinds[kind]}", table(item["TableName"]))
                for entry in parameters["TransactItems"]
                for kind, item in entry.items()
            ]
        if action == "TransactGetItems":
            return [("dynamodb:GetItem", table(e["Get"]["TableName"])) for e in parameters["TransactItems"]]
        if action in ("BatchGetItem", "BatchWriteItem"):
            return [(f"dynamodb:{action}", table(name)) for name in parameters["RequestItems"]]
        named = table(parameters["TableName"]) if "TableName" in parameters else parameters.get("ResourceArn", "*")
        return [(f"dynamodb:{action}", named)]
    if service == "sns":
        return [(f"sns:{action}", parameters.get("TopicArn") or parameters.get("TargetArn") or "*")]
    if service == "sqs":
        name = parameters.get("QueueUrl", "").rsplit("/", 1)[-1]
        kind = action.removesuffix("Batch")
        return [(f"sqs:{kind}", f"arn:aws:sqs:{region}:{account}:{name}" if name else "*")]
    if service == "cloudformation" and "StackName" in parameters:
        name = parameters["StackName"]
        stacks = cloudformation_backends[account][region].stacks.values()
        known = next((stack.stack_id for stack in stacks if name in (stack.name, stack.stack_id)), None)
        return [(f"cloudformation:{action}", known or f"arn:aws:cloudformation:{region}:{account}:stack/{name}/*")]
    if service == "lambda":
        # The function is in the path: /2017-10-31/functions/NAME/concurrency.
        named = re.search(r"/(function|event-source-mapping)s/([^/?]+)", urllib.parse.unquote(response.uri))
        end = f"{named.group(1)}:{named.group(2).rsplit(':', 1)[-1]}" if named else None
        return [(f"lambda:{action}", f"arn:aws:lambda:{region}:{account}:{end}" if end else "*")]
    if service == "account":
        return [(f"account:{action}", f"arn:aws:account::{account}:account")]
    if service == "events" and action in ("DescribeRule", "ListTargetsByRule"):
        rule = parameters.get("Rule") or parameters["Name"]
        return [(f"events:{action}", f"arn:aws:events:{region}:{account}:rule/{rule}")]
    if service == "kms" and action in ("DescribeKey", "GetKeyPolicy"):
        key = parameters["KeyId"].rsplit("/", 1)[-1]
        return [(f"kms:{action}", f"arn:aws:kms:{region}:{account}:key/{key}")]
    if service == "secretsmanager":
        secret = secretsmanager_backends[account][region].secrets.get(parameters.get("SecretId", ""))
        return [(f"secretsmanager:{action}", secret.arn if secret else parameters.get("SecretId", "*"))]
    if service == "iam":
        backend = iam_backends[account]["aws"]
        if "RoleName" in parameters:
            role = next((r for r in backend.roles.values() if r.name == parameters["RoleName"]), None)
            return [(f"iam:{action}", role.arn if role else f"arn:aws:iam::{account}:role/{parameters['RoleName']}")]
        if "UserName" in parameters:
            user = backend.users.get(parameters["UserName"])
            return [(f"iam:{action}", user.arn if user else f"arn:aws:iam::{account}:user/{parameters['UserName']}")]
        if "GroupName" in parameters:
            return [(f"iam:{action}", f"arn:aws:iam::{account}:group/{parameters['GroupName']}")]
        if "SAMLProviderArn" in parameters:
            return [(f"iam:{action}", parameters["SAMLProviderArn"])]
        if "OpenIDConnectProviderArn" in parameters:
            return [(f"iam:{action}", parameters["OpenIDConnectProviderArn"])]
        if "PolicyArn" in parameters:
            return [(f"iam:{action}", parameters["PolicyArn"])]
    return [(f"{service}:{action}", "*")]


def _caller(response: BaseResponse) -> tuple[str, list[dict]] | None:
    """The caller's principal ARN and identity statements; None if the key is nobody's."""
    account, key = response.current_account, response.get_access_key()
    for session in sts_backends[account]["aws"].assumed_roles:
        if session.access_key_id == key:
            role_arn = session.role_arn
            return role_arn, role_statements(account, role_arn.rsplit("/", 1)[1])
    for user in iam_backends[account]["aws"].users.values():
        if any(k.access_key_id == key and k.status == "Active" for k in user.access_keys):
            return user.arn, _user_statements(account, user.name)
    return None


def _refuse(response: BaseResponse, code: str, message: str):
    content_type = str(response.headers.get("Content-Type", ""))
    if "json" in content_type:
        name = code if code.endswith("Exception") else f"{code}Exception"
        headers = {"status": 400, "x-amzn-errortype": name, "Content-Type": content_type}
        return 400, headers, json.dumps({"__type": name, "message": message})
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
    )
    return 403, {"status": 403, "Content-Type": "text/xml"}, body


def _enforced(original):
    def dispatch(self: BaseResponse, request, full_url, headers=None):
        if self.service_name == "moto_api" or f"Credential={OPERATOR_KEY}/" in str(request.headers.get("Authorization")):
            with _whole.get(self.service_name, nullcontext()):
                return original(self, request, full_url, headers)
        self.setup_class(request, full_url, headers)
        action = self._get_action()
        # moto's own name for it.
        service = {"awslambda": "lambda"}.get(self.service_name, self.service_name)
        caller = _caller(self)
        if caller is None:
            return _refuse(self, "InvalidClientTokenId", "the security token included in the request is invalid")
        principal, statements = caller
        if (service, action) != ("sts", "GetCallerIdentity"):
            for wanted, resource in _wants(self, service, action):
                own = decide(statements, wanted, resource, principal)
                theirs = decide(_resource_policies.get(resource, []), wanted, resource, principal)
                if own != "allow" or theirs == "deny":
                    with _lock:
                        _refusals.append(
                            {"account": self.current_account, "principal": principal, "action": wanted, "resource": resource}
                        )
                    message = f"User: {principal} is not authorized to perform: {wanted} on resource: {resource}"
                    return _refuse(self, "AccessDenied", message)
                if trail.is_heartbeat(service, action, resource):
                    return trail.failed(self.current_account, self.region, principal, service, action)
        with _whole.get(service, nullcontext()):
            answer = original(self, request, full_url, headers)
        crash = _sprung(self.current_account, principal, f"{service}:{action}")
        if crash:
            crash()
        return answer

    return dispatch


def install() -> None:
    BaseResponse._dispatch = _enforced(BaseResponse._dispatch)
