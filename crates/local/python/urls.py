"""Function URLs: moto knows neither the resource nor the address. A URL here is a port of this machine with the function's
name as path; it does what Lambda does with AuthType AWS_IAM. The signature of each request is worked out again from the
secret of the access key that it names, the key's policies have to allow lambda:InvokeFunctionUrl and
lambda:InvokeFunction, and the function learns who that key's principal is. What a request says of itself in any
header or body changes none of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.core.common_models import CloudFormationModel
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

import authorize
import deliver

OPERATOR_ACCOUNT = "123456789012"
_functions: dict[str, str] = {}
_server: ThreadingHTTPServer | None = None


class FunctionUrl(CloudFormationModel):
    # moto sorts what it knows by the module it is from.
    __module__ = "moto.awslambda.models"

    def __init__(self, function: str, auth: str):
        self.function, self.auth = function, auth
        _functions[function.rsplit(":", 1)[-1]] = function

    @property
    def physical_resource_id(self) -> str:
        return self.function

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::Lambda::Url"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in ("FunctionUrl", "FunctionArn")

    def get_cfn_attribute(self, attribute_name: str) -> str:
        if attribute_name == "FunctionArn":
            return self.function
        return f"http://127.0.0.1:{_server.server_address[1]}/{self.function.rsplit(':', 1)[-1]}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        properties = cloudformation_json["Properties"]
        target = properties["TargetFunctionArn"]
        if not target.startswith("arn:"):
            target = f"arn:aws:lambda:{region_name}:{account_id}:function:{target}"
        return cls(target, properties["AuthType"])

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        _functions.pop(resource_name.rsplit(":", 1)[-1], None)


def _of_key(key: str):
    """The secret, token, principal, session's ARN, account and statements of an access key."""
    if key == authorize.OPERATOR_KEY:
        arn = f"arn:aws:iam::{OPERATOR_ACCOUNT}:user/operator"
        everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
        return authorize.OPERATOR_SECRET, None, arn, arn, OPERATOR_ACCOUNT, everything
    for account, backends in list(sts_backends.items()):
        for made in backends["aws"].assumed_roles:
            if made.access_key_id == key:
                name = made.role_arn.rsplit("/", 1)[1]
                session = f"arn:aws:sts::{account}:assumed-role/{name}/{made.session_name}"
                statements = authorize.role_statements(account, name)
                return made.secret_access_key, made.session_token, made.role_arn, session, account, statements
    for account, backends in list(iam_backends.items()):
        for user in backends["aws"].users.values():
            for known in user.access_keys:
                if known.access_key_id == key and known.status == "Active":
                    statements = authorize._user_statements(account, user.name)
                    return known.secret_access_key, None, user.arn, user.arn, account, statements
    return None


def _signature(request: AWSRequest, secret: str, key: str, token: str | None, region: str, names: list[str]) -> str:
    signer = SigV4Auth(Credentials(key, secret, token), "lambda", region)
    kept = {name: value for name, value in request.headers.items() if name.lower() in names}
    signed = AWSRequest(method=request.method, url=request.url, data=request.data, headers=kept)
    signed.context["timestamp"] = request.headers["x-amz-date"]
    signed.context["payload_signing_enabled"] = True
    # botocore signs every header that is there: here those that the caller signed.
    text = signer.string_to_sign(signed, signer.canonical_request(signed))
    return signer.signature(text, signed)


class Url(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, answer = self._answered(body)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

    def _answered(self, body: bytes):
        function = _functions.get(self.path.strip("/").split("?")[0])
        if function is None:
            return 404, {"Message": None}
        forbidden = 403, {"Message": "Forbidden"}
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/lambda/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)",
            self.headers.get("Authorization", ""),
        )
        known = _of_key(found.group(1)) if found else None
        if known is None:
            return forbidden
        secret, token, principal, arn, account, statements = known
        key, day, region, names, signature = found.groups()
        date = self.headers.get("x-amz-date", "")
        try:
            age = abs(time.time() - time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) + time.timezone)
        except ValueError:
            return forbidden
        if not date.startswith(day) or age > 300 or (token and self.headers.get("x-amz-security-token") != token):
            return forbidden
        payload = self.headers.get("x-amz-content-sha256")
        if payload not in (None, hashlib.sha256(body).hexdigest()):
            return forbidden
        url = f"http://{self.headers['Host']}{self.path}"
        request = AWSRequest(method=self.command, url=url, data=body, headers=dict(self.headers.items()))
        if _signature(request, secret, key, token, region, names.split(";")) != signature:
            return forbidden
        for action in ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction"):
            if account != function.split(":")[4] or authorize.decide(statements, action, function, principal) != "allow":
                return forbidden
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/",
            "rawQueryString": "",
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "accountId": account,
                "apiId": "local",
                "authentication": None,
                "authorizer": {
                    "iam": {
                        "accessKey": key,
                        "accountId": account,
                        "callerId": key,
                        "cognitoIdentity": None,
                        "principalOrgId": None,
                        "userArn": arn,
                        "userId": key,
                    }
                },
                "http": {"method": self.command, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            },
            "body": body.decode("utf-8", "replace"),
            "isBase64Encoded": False,
        }
        done, answer = deliver.invoke(function, event)
        if not done:
            return 502, {"Message": "Internal Server Error"}
        return answer["statusCode"], answer["body"]

    def log_message(self, *_) -> None:
        pass


def install() -> None:
    global _server
    _server = ThreadingHTTPServer(("127.0.0.1", 0), Url)
    threading.Thread(target=_server.serve_forever, daemon=True).start()
