"""AWS's API, with the credentials and the endpoint of whoever starts this.

    python caller.py

Takes a line of JSON a call, {service, operation, parameters}, spelled as boto3 does, and answers each with a line:
{"ok"} or {"error": {code, message}}. Ends when its standard input closes.
"""

from __future__ import annotations

import base64
import functools
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError


@functools.cache
def client(service: str):
    return boto3.client(service, config=Config(retries={"mode": "standard", "max_attempts": 8}))


def call(service: str, operation: str, parameters: dict) -> dict:
    try:
        answer = getattr(client(service), operation)(**parameters)
        answer.pop("ResponseMetadata", None)
        return {"ok": answer}
    except ClientError as error:
        return {"error": {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}}
    except BotoCoreError as error:
        return {"error": {"code": type(error).__name__, "message": str(error)}}


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


for line in sys.stdin:
    print(json.dumps(call(**json.loads(line)), default=plain), flush=True)
