"""CloudWatch as the Rust SDK asks it: Smithy's RPC v2 in CBOR, of which moto knows nothing. Each request is asked again
of moto in its own words.

Source: RFC 8949; Smithy's specification, "Smithy RPC v2 CBOR protocol".
"""

from __future__ import annotations

import struct
from datetime import datetime

import boto3
from botocore import xform_name
from moto.cloudwatch import urls

import authorize


def decoded(data: bytes):
    return _item(memoryview(data), 0)[0]


def _head(data, at: int) -> tuple[int, int | None, int]:
    """Kind, argument (None for a length that comes with its end), where what follows begins."""
    first = data[at]
    kind, short = first >> 5, first & 31
    if short < 24:
        return kind, short, at + 1
    if short == 31:
        return kind, None, at + 1
    size = 1 << (short - 24)
    return kind, int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def _item(data, at: int):
    kind, argument, after = _head(data, at)
    if kind == 7:
        size = after - at - 1
        if size >= 2:
            return struct.unpack({2: ">e", 4: ">f", 8: ">d"}[size], data[at + 1 : after])[0], after
        return {20: False, 21: True}.get(argument), after
    if kind == 6:
        return _item(data, after)
    if kind < 2:
        return (argument if kind == 0 else -1 - argument), after
    if kind < 4:
        if argument is None:
            parts, after = _until_end(data, after)
            return (b"" if kind == 2 else "").join(parts), after
        raw = bytes(data[after : after + argument])
        return (raw if kind == 2 else raw.decode()), after + argument
    count = argument if kind == 4 or argument is None else 2 * argument
    if count is None:
        items, after = _until_end(data, after)
    else:
        items = []
        for _ in range(count):
            item, after = _item(data, after)
            items.append(item)
    return (items if kind == 4 else dict(zip(items[::2], items[1::2], strict=True))), after


def _until_end(data, at: int) -> tuple[list, int]:
    items = []
    while data[at] != 0xFF:
        item, at = _item(data, at)
        items.append(item)
    return items, at + 1


def _length(kind: int, count: int) -> bytes:
    return bytes([kind << 5 | 26]) + struct.pack(">I", count)


def encoded(value) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _length(0, value) if value >= 0 else _length(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return b"\xc1" + encoded(value.timestamp())
    if isinstance(value, str):
        return _length(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _length(4, len(value)) + b"".join(map(encoded, value))
    return _length(5, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())


def _answer(request, _url, _headers):
    action = request.path.rsplit("/", 1)[-1]
    operation = xform_name(action)
    role = authorize.role_of(str(request.headers.get("Authorization")))
    if role and not authorize.role_may_or_is_refused(role, f"cloudwatch:{action}", "*"):
        error = {"__type": "com.amazonaws.cloudwatch#AccessDenied", "message": f"{role} may not {action}"}
        return 403, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, encoded(error)
    client = boto3.session.Session().client(
        "cloudwatch",
        region_name="us-east-1",
        endpoint_url=request.host_url,
        aws_access_key_id=authorize.OPERATOR_KEY,
        aws_secret_access_key=authorize.OPERATOR_SECRET,
    )
    if role:
        account = role.split(":")[4]
        client.meta.events.register(
            "before-call", lambda params, **_: params["headers"].__setitem__("x-moto-account-id", account)
        )
    answer = getattr(client, operation)(**decoded(request.get_data()))
    answer.pop("ResponseMetadata")
    return 200, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, encoded(answer)


def install() -> None:
    urls.url_paths["{0}/service/GraniteServiceVersion20100801/operation/(?P<operation>[A-Za-z]+)$"] = _answer
