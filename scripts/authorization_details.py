#!/usr/bin/env python3
"""Makes what `aws iam get-account-authorization-details` prints of a made-up account.

    authorization_details.py FILE ROLES [--seed 7]

A third of the roles have a trust document of their own, a tenth a policy, and a quarter as many managed
policies as there are roles. The file is the same for the same number and seed. Standard library only.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

OWN = "123456789012"
CREATED = "2024-01-02T03:04:05+00:00"
GITHUB = "token.actions.githubusercontent.com"
ACTIONS = [
    "s3:GetObject", "s3:PutObject", "s3:ListBucket", "dynamodb:Query", "dynamodb:GetItem", "dynamodb:PutItem",
    "sqs:SendMessage", "sqs:ReceiveMessage", "kms:Decrypt", "kms:GenerateDataKey", "logs:PutLogEvents",
    "logs:CreateLogStream", "ec2:DescribeInstances", "secretsmanager:GetSecretValue", "sns:Publish", "iam:PassRole",
    "lambda:InvokeFunction", "ecr:GetAuthorizationToken",
]  # fmt: skip
OF_AWS = [
    "AmazonS3ReadOnlyAccess", "service-role/AWSLambdaBasicExecutionRole", "AmazonEC2ContainerRegistryReadOnly",
    "CloudWatchAgentServerPolicy",
]  # fmt: skip
# Who may assume a role, of a thousand.
KINDS = {"ec2": 280, "lambda": 280, "vendor": 120, "without id": 40, "anyone": 3, "oidc": 80, "saml": 40, "own": 140, "several": 20}


def allow(principal: Any, action: str = "sts:AssumeRole", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return statement | ({"Condition": condition} if condition else {})


class Account:
    """Draws one account."""

    def __init__(self, roles: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.roles = roles
        self.vendors = [self.digits() for _ in range(60)]
        self.shared_ids = [self.uuid() for _ in range(max(4, roles // 50))]
        own = [self.managed(f"arn:aws:iam::{OWN}:policy/team-{number}") for number in range(max(10, roles // 4))]
        of_aws = [self.managed(f"arn:aws:iam::aws:policy/{name}") for name in OF_AWS]
        self.policies = (own, of_aws)

    def digits(self) -> str:
        return f"{self.dice.randrange(10**11, 10**12)}"

    def hex(self, count: int) -> str:
        return f"{self.dice.getrandbits(4 * count):0{count}x}"

    def uuid(self) -> str:
        return "-".join(self.hex(count) for count in (8, 4, 4, 4, 12))

    def unique_id(self, prefix: str) -> str:
        return prefix + "".join(self.dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=17))

    def document(self) -> dict[str, Any]:
        """What a policy allows."""
        statements = []
        for number in range(self.dice.randrange(1, 4)):
            table = f"arn:aws:dynamodb:us-east-1:{OWN}:table/t-{self.hex(4)}"
            resource = self.dice.choice(["*", f"arn:aws:s3:::bucket-{self.hex(6)}/*", [table]])
            actions = self.dice.sample(ACTIONS, self.dice.randrange(2, 7))
            statements.append({"Sid": f"S{number}", "Effect": "Allow", "Action": actions, "Resource": resource})
        return {"Version": "2012-10-17", "Statement": statements}

    def managed(self, arn: str) -> dict[str, Any]:
        version = {"Document": self.document(), "VersionId": "v1", "IsDefaultVersion": True, "CreateDate": CREATED}
        return {
            "PolicyName": arn.rsplit("/", 1)[1],
            "PolicyId": self.unique_id("ANPA"),
            "Arn": arn,
            "Path": "/",
            "DefaultVersionId": "v1",
            "AttachmentCount": 3,
            "PermissionsBoundaryUsageCount": 0,
            "IsAttachable": True,
            "CreateDate": CREATED,
            "UpdateDate": CREATED,
            "PolicyVersionList": [version],
        }

    def statements(self) -> list[dict[str, Any]]:
        """Who may assume a role."""
        kind = self.dice.choices(list(KINDS), list(KINDS.values()))[0]
        vendor = self.dice.choice(self.vendors)
        if kind == "vendor":
            shared = self.dice.random() < 0.05
            identity = self.dice.choice(self.shared_ids) if shared else self.uuid()
            return [allow({"AWS": f"arn:aws:iam::{vendor}:root"}, condition={"StringEquals": {"sts:ExternalId": identity}})]
        if kind == "without id":
            return [allow({"AWS": vendor})]
        if kind == "anyone":
            return [allow("*")]
        if kind == "oidc":
            claims = {
                "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{GITHUB}:sub": f"repo:acme/{self.hex(6)}:*"},
            }
            return [allow({"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"}, "sts:AssumeRoleWithWebIdentity", claims)]
        if kind == "saml":
            audience = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
            return [allow({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"}, "sts:AssumeRoleWithSAML", audience)]
        if kind == "own":
            callers = [f"arn:aws:iam::{OWN}:role/app-{self.dice.randrange(999)}" for _ in range(self.dice.randrange(1, 4))]
            return [allow({"AWS": callers})]
        if kind == "several":
            three = [f"arn:aws:iam::{account}:root" for account in self.dice.sample(self.vendors, 3)]
            demands = {"StringEquals": {"sts:ExternalId": [self.uuid(), self.uuid()]}, "Bool": {"aws:SecureTransport": "true"}}
            return [allow({"Service": "ec2.amazonaws.com"}), allow({"AWS": three}, condition=demands)]
        return [allow({"Service": f"{kind}.amazonaws.com"})]

    def attached(self) -> list[dict[str, Any]]:
        held = [self.dice.choice(self.dice.choice(self.policies)) for _ in range(self.dice.randrange(4))]
        return [{"PolicyName": policy["PolicyName"], "PolicyArn": policy["Arn"]} for policy in held]

    def role(self, number: int) -> dict[str, Any]:
        name = f"role-{number:06d}-{self.dice.choice(['web', 'api', 'etl', 'ci', 'vendor', 'eks'])}"
        inline = [{"PolicyName": "inline", "PolicyDocument": self.document()}]
        return {
            "Path": "/",
            "RoleName": name,
            "RoleId": self.unique_id("AROA"),
            "Arn": f"arn:aws:iam::{OWN}:role/{name}",
            "CreateDate": f"2023-05-0{1 + number % 9}T03:04:05+00:00",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": self.statements()},
            "InstanceProfileList": [],
            "RolePolicyList": inline if self.dice.random() < 0.4 else [],
            "AttachedManagedPolicies": self.attached(),
            "Tags": [{"Key": "team", "Value": self.hex(4)}],
            "RoleLastUsed": {"LastUsedDate": "2026-02-01T00:00:00+00:00", "Region": "us-east-1"},
        }

    def user(self, number: int) -> dict[str, Any]:
        return {
            "UserName": f"user-{number}",
            "Path": "/",
            "UserId": self.unique_id("AIDA"),
            "Arn": f"arn:aws:iam::{OWN}:user/user-{number}",
            "CreateDate": "2022-05-01T03:04:05+00:00",
            "GroupList": [],
            "AttachedManagedPolicies": [],
            "Tags": [],
        }


def generate(file: Path, roles: int, seed: int = 7) -> None:
    """Writes the account to a file, role by role."""
    account = Account(roles, seed)
    with open(file, "w", encoding="utf-8", buffering=1 << 20) as out:
        users = json.dumps([account.user(number) for number in range(50)])
        out.write(f'{{"UserDetailList":{users},"GroupDetailList":[],"RoleDetailList":[')
        for number in range(roles):
            out.write(("," if number else "") + json.dumps(account.role(number)))
        own, of_aws = account.policies
        out.write(f'],"Policies":{json.dumps(own + of_aws)}}}')


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("roles", type=int)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    generate(options.file, options.roles, options.seed)


if __name__ == "__main__":
    main()
