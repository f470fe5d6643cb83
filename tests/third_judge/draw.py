"""Trust policies drawn at random, of the fragment, so that their conditions overlap.

A document is about a few keys, which several statements ask for by several operators, with values
that are near to each other: an id and a pattern that it fits, two windows that touch, a network and
one inside of it.
"""

import random
from typing import Any, Iterator

OWN, VENDOR, OTHER = "111122223333", "464622532012", "222233334444"
READER, WRITER = f"arn:aws:iam::{VENDOR}:role/Reader", f"arn:aws:iam::{VENDOR}:role/team/Writer"
ALICE = f"arn:aws:iam::{OTHER}:user/alice"
ROLE_ID, USER_ID = "AROAREADER00000000001", "AIDAALICE000000000001"
GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
PROVIDERS = [
    f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}",
    f"arn:aws:iam::{OWN}:oidc-provider/{EKS}",
    f"arn:aws:iam::{OWN}:saml-provider/Corp",
    f"arn:aws:iam::{OTHER}:saml-provider/Theirs",
    "accounts.google.com",
    "cognito-identity.amazonaws.com",
]
SERVICES = ["events.amazonaws.com", "ec2.amazonaws.com", "states.amazonaws.com"]
PRINCIPALS = [VENDOR, OTHER, f"arn:aws:iam::{VENDOR}:root", READER, WRITER, ALICE]
PRINCIPALS += [f"arn:aws:sts::{VENDOR}:assumed-role/Reader/job", ROLE_ID, USER_ID, OWN]
MOMENTS = [
    "2026-11-01T00:00:00Z",
    "2026-11-20T23:59:59Z",
    "2026-11-21T00:00:00Z",
    "2026-11-21T00:00:01Z",
    "2026-12-01",
    "2026-12-01T00:00:01Z",
    "2027-06-30T12:00:00+02:00",
]
SECONDS = ["1795219199", "1795219200", "1795219201", "1796083200", "1830000000"]
ACTIONS = {
    "AWS": ["sts:AssumeRole", "sts:*", "sts:Assume*", ["sts:AssumeRole", "sts:TagSession"], "sts:assumerol?"],
    "Service": ["sts:AssumeRole", ["sts:AssumeRole", "sts:TagSession"], "sts:*"],
    "Federated": [
        "sts:AssumeRoleWithWebIdentity",
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWith*",
        ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
    ],
}

# A key, the families of operators that fit it, whether it has several values, and its values: plain
# ones, and patterns.
Row = tuple[str, str, bool, list[str], list[str]]
IDS = (["alpha-1", "alpha-2", "beta-1", "ALPHA-1"], ["alpha-*", "*-1", "?????-1", "*"])
TEAMS = (["red", "blue", "Red"], ["r*", "*e*", "*"])
ORGANIZATIONS = ["o-own1234567", "o-vend123456"]
PATHS = (
    ["o-vend123456/r-ab12/ou-ab12-11111111/", "o-own1234567/r-zz11/"],
    ["o-vend123456/*", "o-vend123456/r-ab12/ou-ab12-11111111/*", "o-*/r-ab12/*"],
)
CALLERS: list[Row] = [
    ("aws:PrincipalAccount", "string numeric", False, [VENDOR, OTHER, OWN], ["4646*", "*2012", "2*"]),
    (
        "aws:PrincipalArn",
        "arn string",
        False,
        [READER, WRITER, ALICE],
        [f"arn:aws:iam::{VENDOR}:role/*", "arn:aws:iam::*:role/Reader", f"arn:aws:iam::{VENDOR}:*", "arn:aws:iam::*:user/*"],
    ),
    ("aws:userid", "string", False, [USER_ID, f"{ROLE_ID}:job"], [f"{ROLE_ID}:*", "AROA*", f"{USER_ID}*", "*:job"]),
    ("aws:username", "string", False, ["alice", "bob"], ["a*", "*"]),
    ("aws:PrincipalType", "string", False, ["AssumedRole", "User"], ["A*"]),
    ("aws:PrincipalOrgID", "string", False, ORGANIZATIONS, ["o-vend*", "o-*"]),
    ("aws:PrincipalOrgPaths", "string", True, *PATHS),
    ("aws:PrincipalTag/Team", "string", False, *TEAMS),
    ("aws:MultiFactorAuthPresent", "bool", False, ["true", "false"], []),
    ("aws:MultiFactorAuthAge", "numeric", False, ["0", "300", "3600"], []),
    ("aws:TokenIssueTime", "date", False, MOMENTS, []),
    ("aws:PrincipalIsAWSService", "bool", False, ["true", "false"], []),
]
CHOSEN: list[Row] = [
    ("sts:ExternalId", "string", False, *IDS),
    ("sts:ExternalId", "string", False, *IDS),
    ("sts:RoleSessionName", "string", False, ["job", "jane"], ["j*", "*"]),
    ("sts:SourceIdentity", "string", False, ["jane", "DevUser"], ["j*"]),
    ("aws:RequestTag/Team", "string", False, *TEAMS),
    ("aws:TagKeys", "string", True, ["Team", "Cost"], ["T*"]),
    ("aws:UserAgent", "string", False, ["curl"], ["*curl*"]),
    ("aws:SecureTransport", "bool", False, ["true", "false"], []),
    ("aws:RequestedRegion", "string", False, ["eu-west-1", "us-east-1"], ["eu-*"]),
]
AROUND: list[Row] = [
    ("aws:CurrentTime", "date", False, MOMENTS, []),
    ("aws:CurrentTime", "date", False, MOMENTS, []),
    ("aws:EpochTime", "numeric", False, SECONDS, []),
    (
        "aws:SourceIp",
        "network",
        False,
        ["203.0.113.0/24", "203.0.113.7", "198.51.100.0/25", "0.0.0.0/0", "0.0.0.0/1", "2001:db8::/32", "::/0", "96.0.0.0/4"],
        [],
    ),
    ("aws:SourceVpc", "string", False, ["vpc-0a1b2c3d", "vpc-11112222"], ["vpc-0a*", "vpc-*"]),
    ("aws:SourceVpce", "string", False, ["vpce-0a1b2c3d"], ["vpce-*"]),
]
SOURCES: list[Row] = [
    ("aws:SourceAccount", "string numeric", False, [OWN, VENDOR], ["4646*", "*"]),
    (
        "aws:SourceArn",
        "arn string",
        False,
        [f"arn:aws:events:eu-west-1:{OWN}:rule/nightly", "arn:aws:s3:::bucket"],
        [f"arn:aws:events:*:{OWN}:rule/*", "arn:aws:*:*:*:*", f"arn:aws:events:eu-west-1:{VENDOR}:*"],
    ),
    ("aws:SourceOrgID", "string", False, ORGANIZATIONS, ["o-*"]),
    ("aws:SourceOrgPaths", "string", True, *PATHS),
    ("aws:PrincipalServiceName", "string", False, SERVICES, ["e*.amazonaws.com"]),
]
CLAIMS: list[Row] = [
    (f"{GITHUB}:aud", "string", False, ["sts.amazonaws.com"], ["sts.*"]),
    (f"{GITHUB}:sub", "string", False, ["repo:acme/app:ref:refs/heads/main"], ["repo:acme/*", "repo:*", "*:ref:refs/heads/main"]),
    (f"{GITHUB}:repository", "string", False, ["acme/app"], ["acme/*"]),
    (f"{GITHUB}:enterprise", "string", False, ["acme"], ["a*"]),
    (f"{EKS}:aud", "string", False, ["sts.amazonaws.com"], []),
    (f"{EKS}:sub", "string", False, ["system:serviceaccount:web:api"], ["system:serviceaccount:web:*", "system:serviceaccount:*:*"]),
    ("saml:aud", "string", False, ["https://signin.aws.amazon.com/saml"], ["https://*"]),
    ("saml:sub_type", "string", False, ["persistent", "transient"], ["p*"]),
    ("accounts.google.com:aud", "string", False, ["123.apps.example"], ["*.apps.example"]),
    ("accounts.google.com:sub", "string", False, ["1111"], ["1*"]),
    ("cognito-identity.amazonaws.com:aud", "string", False, ["eu-west-1:0a1b"], ["eu-west-1:*"]),
    ("cognito-identity.amazonaws.com:amr", "string", True, ["authenticated", "unauthenticated"], ["auth*"]),
]
OPERATORS = {
    "string": ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
    "like": ["StringLike", "StringLike", "StringNotLike"],
    "arn": ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
    "numeric": ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals"]
    + ["NumericGreaterThan", "NumericGreaterThanEquals"],
    "date": ["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals"]
    + ["DateGreaterThan", "DateGreaterThanEquals"],
    "bool": ["Bool"],
    "network": ["IpAddress", "IpAddress", "NotIpAddress"],
}


def drawn(seed: int) -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        yield {"id": f"drawn {seed}-{number}", "policy": Draw(random.Random(f"{seed}-{number}")).policy()}
        number += 1


class Draw:
    def __init__(self, chance: random.Random):
        self.chance = chance
        self.kind = chance.choices(["AWS", "Service", "Federated", "mixed"], [60, 15, 15, 10])[0]

    def policy(self) -> dict[str, Any]:
        rows = {
            "AWS": [CALLERS, CHOSEN, AROUND],
            "Service": [SOURCES, AROUND, CHOSEN],
            "Federated": [CLAIMS, AROUND, CHOSEN],
            "mixed": [CALLERS, CHOSEN, AROUND, SOURCES, CLAIMS],
        }[self.kind]
        self.rows = [self.chance.choice(self.chance.choice(rows)) for _ in range(self.chance.randint(1, 4))]
        count = self.chance.choices([1, 2, 3, 4, 5], [20, 35, 25, 12, 8])[0]
        statements = [self.statement(at > 0 and self.chance.random() < 0.55) for at in range(count)]
        self.chance.shuffle(statements)
        version = "2008-10-17" if self.chance.random() < 0.05 else "2012-10-17"
        return {"Version": version, "Statement": statements}

    def statement(self, deny: bool) -> dict[str, Any]:
        kind = self.chance.choice(["AWS", "Service", "Federated"]) if self.kind == "mixed" else self.kind
        written = {"Effect": "Deny" if deny else "Allow", "Principal": self.principal(kind, deny)}
        written |= self.actions(kind, deny)
        conditions: dict[str, dict[str, Any]] = {}
        for _ in range(self.chance.choices([0, 1, 2, 3], [15, 40, 30, 15])[0]):
            operator, key, values = self.condition(self.chance.choice(self.rows))
            conditions.setdefault(operator, {})[key] = values
        if conditions:
            written["Condition"] = conditions
        return written

    def principal(self, kind: str, deny: bool) -> dict[str, Any]:
        if self.chance.random() < (0.6 if deny else 0.45 if kind == "AWS" else 0.05):
            return {"AWS": "*"}
        pool = {"AWS": PRINCIPALS, "Service": SERVICES, "Federated": PROVIDERS}[kind]
        named = self.chance.sample(pool, self.chance.choices([1, 2, 3], [60, 30, 10])[0])
        principal: dict[str, Any] = {kind: named if len(named) > 1 else named[0]}
        if self.kind == "mixed" and self.chance.random() < 0.3:
            principal |= {"Service": self.chance.choice(SERVICES), "AWS": self.chance.choice(PRINCIPALS)}
        return principal

    def actions(self, kind: str, deny: bool) -> dict[str, Any]:
        if deny and self.chance.random() < 0.35:
            return {"Action": "sts:*"}
        if self.chance.random() < 0.04:
            return {"NotAction": self.chance.choice(["sts:TagSession", "sts:SetSourceIdentity"])}
        if self.chance.random() < (0.15 if deny else 0.05):
            return {"Action": self.chance.choice(["sts:TagSession", "sts:SetSourceIdentity"])}
        if self.kind == "mixed" and self.chance.random() < 0.4:
            every = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
            return {"Action": every}
        return {"Action": self.chance.choice(ACTIONS[kind])}

    def condition(self, row: Row) -> tuple[str, str, Any]:
        key, families, several, plain, patterns = row
        if self.chance.random() < 0.1:
            return "Null", key, self.chance.choice(["true", "false"])
        family = self.chance.choice(families.split())
        values = plain
        if family == "arn" or (family == "string" and patterns and self.chance.random() < 0.5):
            family, values = ("like" if family == "string" else family), plain + patterns
        operator = self.chance.choice(OPERATORS[family])
        if operator.startswith(("String", "Arn")) and key == "sts:ExternalId" and self.chance.random() < 0.06:
            if operator in ("StringEquals", "StringNotEquals"):
                values = [self.chance.choice(["${aws:PrincipalAccount}", "${aws:username}", "x-${aws:PrincipalAccount}"])]
        if self.chance.random() < 0.2:
            operator += "IfExists"
        if several or self.chance.random() < 0.12:
            operator = self.chance.choice(["ForAnyValue:", "ForAllValues:"]) + operator
        chosen = self.chance.sample(values, min(len(values), self.chance.choices([1, 2, 3], [65, 25, 10])[0]))
        return operator, key, chosen if len(chosen) > 1 else chosen[0]
