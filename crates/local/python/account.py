"""An AWS account on this machine: moto, with the SAM translator, IAM's decisions and the ways to Lambda.

    python account.py LAMBDA_URL

Prints one line of JSON, {"endpoint", "control"}, and serves until its standard input closes. `endpoint` speaks AWS's
protocols; `control` takes JSON by POST:

    /call       {account, service, operation, parameters}     any boto3 call, as an operator no policy stops
    /call       {…, role}                                     the same, as a role of the account
    /call       {…, region}                                   the same, in another region
    /regions    {account, regions}                            the regions that are enabled beside the home region
    /deploy     {account, stack, template, parameters}        the stack: outputs, functions, resolved resources
    /resources  {account, stack}                              a deployed stack's resources, resolved
    /rules      {template, region, parameters}                whether a template's Rules admit a region
    /session    {account, role, name}                         credentials of a role
    /quiet      {account, seconds}                            waits until nothing is under way
    /hasten     {account}                                     ends all waiting for a visibility time-out
    /crash      {account, role, action, function}             kills the function after the role's next such call
    /age        {account, seconds}                            makes the account's roles and access keys so much older
    /bury       {account, principal}                          deletes a principal that trust policies name: its unique id
    /matches    {account, event}                              the functions that the rules hand an event to
    /trust      {account, role}                               a role's trust policy, byte for byte
    /peek       {account, queue}                              what is in a queue, nothing received
    /seen       {account}                                     {mails, refusals, lost}

moto is pinned: this reaches into names of its that are private.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import sys
import threading
import traceback
import warnings
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

for _name in list(os.environ):
    if _name.startswith("AWS_") or _name.startswith("MOTO_"):
        del os.environ[_name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# The code that runs is the binary on this disk, not an upload.
os.environ["VALIDATE_LAMBDA_S3"] = "false"

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError, ParamValidationError  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

import alarms  # noqa: E402, F401  (the class is found by being there)
import authorize  # noqa: E402
import cbor  # noqa: E402
import changes  # noqa: E402
import deliver  # noqa: E402
import deploy  # noqa: E402
import managed  # noqa: E402
import principals  # noqa: E402
import regions  # noqa: E402
import trail  # noqa: E402
import urls  # noqa: E402

_clients: dict[tuple, object] = {}
_clients_lock = threading.Lock()
_endpoint = ""


def client(account: str, service: str, role: str | None = None, region: str = deploy.REGION):
    with _clients_lock:
        key = (account, service, role, region)
        if key not in _clients:
            _clients[key] = _new_client(*key)
        return _clients[key]


def _new_client(account: str, service: str, role: str | None, region: str):
    credentials = {"aws_access_key_id": authorize.OPERATOR_KEY, "aws_secret_access_key": authorize.OPERATOR_SECRET}
    if role is not None:
        made = session(account, role, "as-role")
        credentials = {
            "aws_access_key_id": made["access_key_id"],
            "aws_secret_access_key": made["secret_access_key"],
            "aws_session_token": made["session_token"],
        }
    config = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=60)
    new = boto3.session.Session().client(
        service, region_name=region, endpoint_url=_endpoint, config=config, **credentials
    )
    if role is None:
        new.meta.events.register(
            "before-call", lambda params, **_: params["headers"].__setitem__("x-moto-account-id", account)
        )
    return new


def session(account: str, role: str, name: str) -> dict:
    from moto.sts.models import sts_backends

    made = sts_backends[account]["aws"].assume_role(
        region_name=deploy.REGION,
        role_session_name=name,
        role_arn=role,
        policy="",
        duration=3600,
        external_id="",
    )
    return {
        "access_key_id": made.access_key_id,
        "secret_access_key": made.secret_access_key,
        "session_token": made.session_token,
    }


def call(
    account: str, service: str, operation: str, parameters: dict, role: str | None = None, region: str = deploy.REGION
) -> dict:
    try:
        answer = getattr(client(account, service, role, region), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return {"ok": answer}
    except ClientError as error:
        return {"error": {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}}
    except ParamValidationError as error:
        return {"error": {"code": "ParamValidation", "message": str(error)}}


def deploy_stack(account: str, stack: str, template: str, parameters: dict) -> dict:
    made = call(
        account,
        "cloudformation",
        "create_stack",
        {
            "StackName": stack,
            "TemplateBody": deploy.read_template(template),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        },
    )
    return made if "error" in made else {"ok": deploy.finish(account, stack)}


def resources(account: str, stack: str) -> dict:
    from moto.cloudformation.models import cloudformation_backends

    return {"ok": deploy.resources_of(cloudformation_backends[account][deploy.REGION].get_stack(stack))}


def trust(account: str, role: str) -> dict:
    from moto.iam.models import iam_backends

    return {"ok": iam_backends[account]["aws"].get_role(role).assume_role_policy_document}


def rules(template: str, region: str, parameters: dict) -> dict:
    try:
        deploy.assert_rules(deploy.parsed(deploy.read_template(template)), parameters, region)
    except deploy.ValidationError as error:
        return {"error": {"code": "ValidationError", "message": error.message}}
    return {}


def age(account: str, seconds: int) -> dict:
    from moto.awslambda.models import lambda_backends
    from moto.cloudformation.models import cloudformation_backends
    from moto.iam.models import iam_backends

    backend, by = iam_backends[account]["aws"], timedelta(seconds=seconds)
    for stack in cloudformation_backends[account][deploy.REGION].stacks.values():
        stack.creation_time -= by
    # As the stack that made them: else they were changed since.
    for function in lambda_backends[account][deploy.REGION].list_functions():
        changed = datetime.strptime(function.last_modified, "%Y-%m-%dT%H:%M:%S.%f000Z") - by
        function.last_modified = changed.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
    for role in backend.roles.values():
        role.create_date -= by
    for user in backend.users.values():
        for key in user.access_keys:
            key.create_date -= by
    return {}


def seen(account: str) -> dict:
    return {
        "mails": deliver.mails(account),
        "refusals": authorize.refusals(account),
        "lost": deliver.lost(account),
    }


def crash_after(account: str, role: str, action: str, function: str) -> dict:
    authorize.crash_after(account, role, action, lambda: deliver.kill(function))
    return {}


ROUTES = {
    "/call": call,
    "/deploy": deploy_stack,
    "/session": session,
    "/quiet": lambda account, seconds: deliver.wait_until_quiet(account, seconds),
    "/hasten": lambda account: {"hastened": deliver.hasten(account)},
    "/regions": regions.enable,
    "/resources": resources,
    "/rules": rules,
    "/crash": crash_after,
    "/age": age,
    "/bury": lambda account, principal: {"ok": principals.bury(account, principal)},
    "/matches": lambda account, event: {"ok": deliver.targets_of(account, deploy.REGION, event)},
    "/trail": trail.stop,
    "/trust": trust,
    "/peek": lambda account, queue: {"ok": deliver.peek(account, deploy.REGION, queue.rsplit("/", 1)[-1])},
    "/seen": seen,
}


def _plain(value):
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return value.read().decode("utf-8", "replace")
    return str(value)


class Control(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            answer, status = ROUTES[self.path](**json.loads(body or b"{}")), 200
        except Exception:  # the caller is a test: it gets the whole story
            answer, status = {"error": {"code": "control", "message": traceback.format_exc()}}, 500
        text = json.dumps(answer, default=_plain).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_) -> None:
        pass


def main() -> None:
    global _endpoint
    warnings.filterwarnings("ignore")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("moto").setLevel(logging.ERROR)
    authorize.install()
    cbor.install()
    changes.install()
    deploy.install()
    managed.install()
    principals.install()
    regions.install()
    urls.install()
    deliver.install(sys.argv[1])
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    _endpoint = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
    control = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print(json.dumps({"endpoint": _endpoint, "control": f"http://127.0.0.1:{control.server_address[1]}"}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
