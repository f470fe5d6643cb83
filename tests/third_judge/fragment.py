"""The fragment: role trust policies as the third judge reads them, or why it leaves one out."""

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Iterator

# Base operators, by family. A negated one is true where the other is false, or the key is missing.
FAMILIES = {
    "StringEquals": "string",
    "StringEqualsIgnoreCase": "string",
    "StringLike": "string",
    "ArnEquals": "arn",
    "ArnLike": "arn",
    "NumericEquals": "numeric",
    "NumericLessThan": "numeric",
    "NumericLessThanEquals": "numeric",
    "NumericGreaterThan": "numeric",
    "NumericGreaterThanEquals": "numeric",
    "DateEquals": "date",
    "DateLessThan": "date",
    "DateLessThanEquals": "date",
    "DateGreaterThan": "date",
    "DateGreaterThanEquals": "date",
    "Bool": "bool",
    "IpAddress": "network",
    "Null": "null",
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
OPERATORS = {name.lower(): name for name in [*FAMILIES, *NEGATED]}
QUANTIFIERS = {"forallvalues": "all", "foranyvalue": "any"}
ACCOUNT = r"(?<![0-9A-Za-z])[0-9]{12}(?![0-9A-Za-z])"
ORGANIZATION = r"(?<![a-z0-9-])o-[a-z0-9]{10,32}(?![a-z0-9])"
LONGEST = 1000
# With more networks than that, whether together they are the internet is not looked at.
NETWORKS = 64
VARIABLE = re.compile(r"\$\{([^}]*)\}")


class LeftOut(Exception):
    """The document is outside the fragment; the text says by what."""


@dataclass(frozen=True)
class Condition:
    """One operator on one key. `operator` is never a negated one: `negated` says that."""

    operator: str
    negated: bool
    quantifier: str | None
    if_exists: bool
    key: str
    values: tuple[str, ...]

    @property
    def family(self) -> str:
        return FAMILIES[self.operator]


@dataclass(frozen=True)
class Statement:
    allow: bool
    principals: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]
    all_but_actions: bool
    conditions: tuple[Condition, ...]

    def covers(self, action: str) -> bool:
        named = any(matches(pattern.lower(), action.lower()) for pattern in self.actions)
        return named != self.all_but_actions


@dataclass(frozen=True)
class Document:
    statements: tuple[Statement, ...]
    variables: bool

    def conditions(self) -> Iterator[Condition]:
        for statement in self.statements:
            yield from statement.conditions

    def texts(self) -> Iterator[str]:
        for statement in self.statements:
            yield from (value for _, value in statement.principals)
            for condition in statement.conditions:
                yield from condition.values

    def named(self, pattern: str) -> list[str]:
        """What the document names, by the shape of the text."""
        found = {hit for text in self.texts() for hit in re.findall(pattern, text)}
        return sorted(found)

    def accounts(self) -> list[str]:
        return self.named(ACCOUNT)

    def without_everyone(self) -> "Document":
        """Without what lets in principals of accounts that are not named."""
        kept = []
        for one in self.statements:
            named = tuple((k, v) for k, v in one.principals if v != "*" and not re.match("AROA|AIDA", v))
            kept.append(replace(one, principals=named) if one.allow else one)
        return replace(self, statements=tuple(kept))

    def organizations(self) -> list[str]:
        found = {hit for text in self.texts() for hit in re.findall(ORGANIZATION, text.lower())}
        return sorted(found)

    def unique_ids(self) -> list[str]:
        """Whole ones, of 21 characters, and those that lack one: a handful, which nobody can choose."""
        return self.named(r"(?<![A-Z0-9])(?:AROA|AIDA)[A-Z0-9]{16,17}(?![A-Z0-9])")

    def principals(self, kind: str) -> list[str]:
        named = {v for s in self.statements if s.allow for k, v in s.principals if k == kind}
        return sorted(named)

    def services(self) -> list[str]:
        """Named as principals, or by a condition."""
        named = {v for s in self.statements for k, v in s.principals if k == "Service"}
        by_name = (c.values for c in self.conditions() if c.key == "aws:principalservicename")
        return sorted(named.union(*by_name))

    def keys(self) -> set[str]:
        keys = {condition.key for condition in self.conditions()}
        for text in self.texts():
            keys.update(name.split(",")[0].strip().lower() for name in VARIABLE.findall(text))
        return keys

    def names_sessions(self) -> bool:
        return any(":assumed-role/" in v for s in self.statements for _, v in s.principals)

    def tells_partition(self) -> bool:
        return any(v.startswith("arn:") for s in self.statements for _, v in s.principals)

    def networks(self) -> list[IPv4Network | IPv6Network]:
        values = [v for c in self.conditions() if c.family == "network" for v in c.values]
        return [network(value) for value in values]


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern`, with `*` and `?`, is met by the text."""
    parts = re.split(r"([*?])", pattern)
    spelled = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(spelled, text, re.DOTALL) is not None


def network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise LeftOut("an address that cannot be read") from error


def moment(text: str) -> int:
    """Seconds since 1970 of a date, or of a number of seconds."""
    if re.fullmatch(r"-?[0-9]{1,12}", text) and not re.fullmatch(r"[0-9]{4}", text):
        return int(text)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{5,8}(Z|[+-][0-9]{2}:[0-9]{2}))?", text):
        raise LeftOut("a date that is not to the second")
    try:
        parsed = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise LeftOut("a date that is not to the second") from error
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=timezone.utc)
    return int(parsed.timestamp())


def read(policy: Any) -> Document:
    """Reads one trust policy, strictly: what IAM refuses or AWS does not define is left out."""
    if isinstance(policy, str):
        policy = parsed(policy)
    if not isinstance(policy, dict) or not {"Version", "Id", "Statement"} >= policy.keys():
        raise LeftOut("not a policy's shape")
    version = policy.get("Version", "2008-10-17")
    if version not in ("2008-10-17", "2012-10-17"):
        raise LeftOut("an unknown version")
    statements = as_list(policy.get("Statement"))
    return Document(tuple(statement(s) for s in statements), version == "2012-10-17")


def parsed(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise LeftOut("a key written twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except ValueError as error:
        raise LeftOut("not JSON") from error


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statement(written: Any) -> Statement:
    known = {"Sid", "Effect", "Principal", "Action", "NotAction", "Condition"}
    if not isinstance(written, dict) or not known >= written.keys():
        raise LeftOut("NotPrincipal, Resource, or no element of a trust policy")
    if written.get("Effect") not in ("Allow", "Deny"):
        raise LeftOut("an unknown effect")
    if ("Action" in written) == ("NotAction" in written):
        raise LeftOut("not one of Action and NotAction")
    actions = as_list(written.get("Action", written.get("NotAction")))
    conditions = written.get("Condition", {})
    if not all(isinstance(action, str) for action in actions) or not isinstance(conditions, dict):
        raise LeftOut("not a policy's shape")
    found = []
    for operator, keys in conditions.items():
        if not isinstance(keys, dict):
            raise LeftOut("not a policy's shape")
        found += [condition(operator, key, values) for key, values in keys.items()]
    return Statement(
        written["Effect"] == "Allow",
        tuple(principals(written.get("Principal"))),
        tuple(actions),
        "NotAction" in written,
        tuple(found),
    )


def principals(written: Any) -> Iterator[tuple[str, str]]:
    if written == "*":
        yield "AWS", "*"
        return
    if not isinstance(written, dict):
        raise LeftOut("not a policy's shape")
    for kind, values in written.items():
        if kind not in ("AWS", "Service", "Federated"):
            raise LeftOut("another type of principal")
        for value in as_list(values):
            if not isinstance(value, str) or (re.search(r"[*?$\\]", value) and (kind, value) != ("AWS", "*")):
                raise LeftOut("a principal that IAM refuses")
            yield kind, value


def condition(operator: str, key: str, values: Any) -> Condition:
    quantifier, _, base = operator.rpartition(":")
    if quantifier and quantifier.lower() not in QUANTIFIERS:
        raise LeftOut("an unknown operator")
    if_exists = base.lower().endswith("ifexists")
    name = OPERATORS.get(base[: -len("IfExists")].lower() if if_exists else base.lower())
    if name is None:
        raise LeftOut("an unknown operator, or Binary")
    positive = NEGATED.get(name, name)
    if positive == "IpAddress" and len(as_list(values)) > NETWORKS:
        raise LeftOut(f"more than {NETWORKS} networks")
    if positive == "Null" and (quantifier or if_exists):
        raise LeftOut("Null with a qualifier")
    for value in as_list(values):
        # Ids of other lengths are nobody's, or the head of many.
        head = str(value).split(":")[0]
        if key.lower() == "aws:userid" and re.fullmatch("(AROA|AIDA)[A-Z0-9]*", head) and len(head) != 21:
            raise LeftOut("a unique id that has not 21 characters")
        if key.lower() in ("aws:sourcevpc", "aws:sourcevpce") and re.fullmatch("vpce?-[^*?]{0,7}", str(value)):
            raise LeftOut("the id of a network that has less than 8 digits")
    return Condition(
        positive,
        name in NEGATED,
        QUANTIFIERS.get(quantifier.lower()),
        if_exists,
        key.lower(),
        tuple(text(value) for value in as_list(values)),
    )


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise LeftOut("a value that is no text")
    if not value.isascii() or "\\" in value or len(value) > LONGEST:
        raise LeftOut("text beyond plain ASCII, or very long")
    return value
