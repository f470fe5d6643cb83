#!/usr/bin/env python3
"""Makes CloudTrail logs as S3 holds them: compressed files of some megabytes each.

    cloudtrail_logs.py FOLDER MEGABYTES [--file-megabytes 4] [--seed 7]

One record in seventy is a call that a function looks at. Callers, hosts and resources come from pools,
so that the files compress as real ones do (some 6.5 times). The logs are the same for the same size and
seed. Standard library only; prints how much was written.
"""

import argparse
import json
import random
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

REGIONS = ["us-east-1", "eu-west-1", "us-west-2", "ap-northeast-1", "eu-central-1"]
TEAMS = ["web", "api", "worker", "etl", "ci", "deploy", "karpenter", "eks-node", "lambda", "snyk", "datadog"]
ROLES = [f"app-{team}-{number}" for team in TEAMS for number in range(12)]
AGENTS = [
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.58.2",
    "Boto3/1.34.144 md/Botocore#1.34.144 ua/2.0 os/linux#5.10.219-208.866.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.34.144",
    "aws-sdk-java/2.25.60 Linux/5.10.216 OpenJDK_64-Bit_Server_VM/17.0.11+9-LTS Java/17.0.11 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/standard",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.2 (+https://www.terraform.io) terraform-provider-aws/5.59.0 aws-sdk-go-v2/1.30.3 ua/2.1 os/linux lang/go#1.22.5",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "autoscaling.amazonaws.com",
    "AWS Internal",
    "ec2.amazonaws.com",
    "lambda.amazonaws.com",
]
RESOURCES = {"kms": "AWS::KMS::Key", "sts": "AWS::IAM::Role", "s3": "AWS::S3::Bucket", "ecr": "AWS::ECR::Repository"}
BEGIN = datetime(2026, 3, 1, tzinfo=timezone.utc)

# Service, name, is it only reading, request and response.
Call = tuple[str, str, bool, Any, Any]


class Trail:
    """Draws records."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.seconds = 0
        self.accounts = [self.digits() for _ in range(20)]
        self.vendors = [self.digits() for _ in range(40)]
        self.hosts = [".".join(str(self.dice.randrange(1, 255)) for _ in range(4)) for _ in range(300)]
        self.callers: dict[str, list[dict[str, Any]]] = {account: [] for account in self.accounts}
        self.pools: dict[int, list[str]] = {}
        self.account = self.accounts[0]
        self.usual: list[tuple[int, Callable[[], Call]]] = [
            (24, self.assume), (14, self.decrypt), (6, self.data_key), (18, self.describe), (8, self.log_stream),
            (4, self.run_instances), (8, self.bucket), (4, self.image), (4, self.table), (8, self.read_role),
        ]  # fmt: skip
        self.rare: list[tuple[int, Callable[[], Call]]] = [
            (4, self.create_role), (4, self.update_trust), (4, self.create_key), (3, self.sign_in),
        ]  # fmt: skip

    def digits(self) -> str:
        return f"{self.dice.randrange(10**11, 10**12)}"

    def hex(self, count: int) -> str:
        return f"{self.dice.getrandbits(4 * count):0{count}x}"

    def often(self, choices: list[Any]) -> Any:
        """The first of them most."""
        return choices[int(len(choices) * self.dice.random() ** 2)]

    def pooled(self, count: int) -> str:
        """One of few hexadecimal texts of a length."""
        if count not in self.pools:
            self.pools[count] = [self.hex(count) for _ in range(40)]
        return str(self.often(self.pools[count]))

    def uuid(self) -> str:
        return "-".join(self.hex(count) for count in (8, 4, 4, 4, 12))

    def unique_id(self, prefix: str, count: int = 17) -> str:
        return prefix + "".join(self.dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=count))

    def base64(self, count: int) -> str:
        return "".join(self.dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=count))

    def time(self, before: int = 0) -> str:
        return (BEGIN + timedelta(seconds=self.seconds - before)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def role(self) -> str:
        return self.dice.choice(ROLES)

    def trust(self, weights: list[float]) -> str:
        """A trust document as text: with an external id, without, a service's, anyone's, GitHub's."""
        kind = self.dice.choices(range(5), weights)[0]
        github = "token.actions.githubusercontent.com"
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{self.dice.choice(self.vendors)}:root"}, "Action": "sts:AssumeRole"}
        if kind == 0:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": self.uuid()}}
        elif kind == 2:
            statement["Principal"] = {"Service": "ec2.amazonaws.com"}
        elif kind == 3:
            statement["Principal"] = {"AWS": "*"}
        elif kind == 4:
            statement["Principal"] = {"Federated": f"arn:aws:iam::{self.account}:oidc-provider/{github}"}
            statement["Action"] = "sts:AssumeRoleWithWebIdentity"
            statement["Condition"] = {"StringEquals": {f"{github}:aud": "sts.amazonaws.com"}, "StringLike": {f"{github}:sub": f"repo:acme/{self.hex(6)}:*"}}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def caller(self) -> dict[str, Any]:
        """Mostly one who called before."""
        known = self.callers[self.account]
        if len(known) >= 60 and self.dice.random() < 0.97:
            found: dict[str, Any] = self.often(known)
            return found
        caller = self.new_caller()
        if len(known) < 60:
            known.append(caller)
        else:
            known[self.dice.randrange(60)] = caller
        return caller

    def new_caller(self) -> dict[str, Any]:
        account, chance = self.account, self.dice.random()
        if chance < 0.72:
            role, issuer = self.role(), self.unique_id("AROA")
            session = self.dice.choice([f"i-0{self.hex(16)}", f"botocore-session-{self.dice.randrange(10**9, 2 * 10**9)}", "karpenter", self.uuid(), "GitHubActions", "alice@example.com"])
            return {
                "type": "AssumedRole",
                "principalId": f"{issuer}:{session}",
                "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
                "accountId": account,
                "accessKeyId": self.unique_id("ASIA", 16),
                "sessionContext": {
                    "sessionIssuer": {"type": "Role", "principalId": issuer, "arn": f"arn:aws:iam::{account}:role/{role}", "accountId": account, "userName": role},
                    "attributes": {"creationDate": self.time(1800), "mfaAuthenticated": "false"},
                },
            }
        if chance < 0.9:
            service = self.dice.choice(["ec2", "lambda", "autoscaling", "eks", "config", "ecs-tasks"])
            return {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
        user = f"user-{self.dice.randrange(80)}"
        return {"type": "IAMUser", "principalId": self.unique_id("AIDA"), "arn": f"arn:aws:iam::{account}:user/{user}", "accountId": account, "accessKeyId": self.unique_id("AKIA", 16), "userName": user}

    def assume(self) -> Call:
        role, session = self.role(), f"sess-{self.hex(12)}"
        request = {"roleArn": f"arn:aws:iam::{self.account}:role/{role}", "roleSessionName": session, "durationSeconds": 3600}
        if self.dice.random() < 0.3:
            request["externalId"] = self.uuid()
        token = self.base64(self.dice.choice([340, 420, 560])) if self.dice.random() < 0.35 else "HIDDEN_DUE_TO_SECURITY_REASONS"
        response = {
            "credentials": {"accessKeyId": self.unique_id("ASIA", 16), "sessionToken": token, "expiration": f"Mar 1, 2026, 1:{self.dice.randrange(60):02d}:00 PM"},
            "assumedRoleUser": {"assumedRoleId": f"{self.unique_id('AROA')}:{session}", "arn": f"arn:aws:sts::{self.account}:assumed-role/{role}/{session}"},
        }
        return "sts", "AssumeRole", True, request, response

    def decrypt(self) -> Call:
        context = {"aws:s3:arn": f"arn:aws:s3:::bucket-{self.pooled(6)}/{self.uuid()}"}
        return "kms", "Decrypt", True, {"encryptionContext": context, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, None

    def data_key(self) -> Call:
        context = {"aws:lambda:FunctionArn": f"arn:aws:lambda:us-east-1:{self.account}:function:{self.role()}"}
        key = f"arn:aws:kms:us-east-1:{self.account}:key/{self.pooled(32)}"
        return "kms", "GenerateDataKey", True, {"keySpec": "AES_256", "encryptionContext": context, "keyId": key}, None

    def describe(self) -> Call:
        name = self.dice.choice(["DescribeInstances", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeTags", "DescribeSubnets"])
        values = [{"value": f"i-0{self.pooled(16)}"} for _ in range(self.dice.randrange(1, 5))]
        filters = {"items": [{"name": f"tag:{self.pooled(6)}", "valueSet": {"items": values}}]}
        return "ec2", name, True, {"maxResults": self.dice.choice([100, 500, 1000]), "filterSet": filters}, None

    def log_stream(self) -> Call:
        request = {"logGroupName": f"/aws/lambda/{self.role()}", "logStreamName": f"2026/03/01/[$LATEST]{self.pooled(32)}"}
        return "logs", self.dice.choice(["CreateLogStream", "DescribeLogStreams"]), False, request, None

    def run_instances(self) -> Call:
        tags = [{"key": f"k8s.io/cluster/{self.pooled(6)}", "value": "owned"}, {"key": "Name", "value": self.role()}]
        image, subnet = f"ami-0{self.pooled(16)}", f"subnet-0{self.pooled(16)}"
        request = {
            "instancesSet": {"items": [{"imageId": image, "minCount": 1, "maxCount": 1}]},
            "instanceType": "m6g.large",
            "blockDeviceMapping": {"items": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 50, "deleteOnTermination": True, "volumeType": "gp3"}}]},
            "subnetId": subnet,
            "clientToken": self.uuid(),
            "tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": tags} for _ in range(2)]},
        }
        group = {"groupId": f"sg-0{self.pooled(16)}", "groupName": f"node-{self.pooled(4)}"}
        network = {"networkInterfaceId": f"eni-0{self.hex(16)}", "subnetId": subnet, "vpcId": f"vpc-0{self.pooled(16)}", "groupSet": {"items": [group]}}
        instance = {
            "instanceId": f"i-0{self.hex(16)}",
            "imageId": image,
            "instanceState": {"code": 0, "name": "pending"},
            "privateDnsName": "ip-10-0-1-2.ec2.internal",
            "privateIpAddress": self.often(self.hosts),
            "networkInterfaceSet": {"items": [network]},
            "tagSet": {"items": tags},
        }
        response = {"requestId": self.uuid(), "reservationId": f"r-0{self.hex(16)}", "ownerId": self.account, "instancesSet": {"items": [instance]}}
        return "ec2", "RunInstances", False, request, response

    def bucket(self) -> Call:
        name = f"bucket-{self.pooled(6)}"
        call = self.dice.choice(["GetBucketAcl", "GetBucketPolicy", "ListBuckets", "GetBucketEncryption"])
        return "s3", call, True, {"bucketName": name, "Host": f"{name}.s3.us-east-1.amazonaws.com", "acl": ""}, None

    def image(self) -> Call:
        request = {
            "registryId": self.account,
            "repositoryName": f"team/{self.role()}",
            "imageIds": [{"imageDigest": f"sha256:{self.pooled(64)}"}],
            "acceptedMediaTypes": ["application/vnd.oci.image.manifest.v1+json"],
        }
        return "ecr", "BatchGetImage", True, request, None

    def table(self) -> Call:
        return "dynamodb", "DescribeTable", True, {"tableName": f"tbl-{self.pooled(6)}"}, None

    def read_role(self) -> Call:
        name = self.dice.choice(["GetRole", "ListAttachedRolePolicies", "GetInstanceProfile", "ListRoles", "GetPolicyVersion"])
        return "iam", name, True, {"roleName": self.role()}, None

    def create_role(self) -> Call:
        name, document = f"vendor-{self.hex(6)}", self.trust([4, 2, 6, 0.3, 2])
        request = {"roleName": name, "description": "Third party integration role", "assumeRolePolicyDocument": document, "maxSessionDuration": 3600, "tags": [{"key": "team", "value": "sec"}]}
        arn = f"arn:aws:iam::{self.account}:role/{name}"
        role = {"assumeRolePolicyDocument": quote(document), "arn": arn, "roleId": self.unique_id("AROA"), "createDate": "Mar 1, 2026, 9:12:00 AM", "roleName": name, "path": "/"}
        return "iam", "CreateRole", False, request, {"role": role}

    def update_trust(self) -> Call:
        return "iam", "UpdateAssumeRolePolicy", False, {"roleName": self.role(), "policyDocument": self.trust([4, 3, 4, 0.4, 2])}, None

    def create_key(self) -> Call:
        user = f"user-{self.dice.randrange(80)}"
        key = {"userName": user, "accessKeyId": self.unique_id("AKIA", 16), "status": "Active", "createDate": "Mar 1, 2026, 9:12:00 AM"}
        return "iam", "CreateAccessKey", False, {"userName": user}, {"accessKey": key}

    def sign_in(self) -> Call:
        return "signin", "ConsoleLogin", False, None, {"ConsoleLogin": self.dice.choice(["Success", "Success", "Failure"])}

    def record(self) -> dict[str, Any]:
        """The next record, its keys in CloudTrail's order."""
        self.seconds += self.dice.choice([0, 0, 0, 1])
        weights, calls = zip(*(self.rare if self.dice.random() < 0.015 else self.usual))
        service, name, reads, request, response = self.dice.choices(calls, weights)[0]()
        caller, account = self.caller(), self.account
        if name == "ConsoleLogin" and self.dice.random() < 0.5:
            caller = {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account, "accessKeyId": ""}
        record = {
            "eventVersion": "1.09",
            "userIdentity": caller,
            "eventTime": self.time(),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1" if service in ("iam", "signin") else self.dice.choice(REGIONS),
            "sourceIPAddress": caller.get("invokedBy") or self.often(self.hosts),
            "userAgent": self.dice.choice(AGENTS),
        }
        failed = self.dice.random() < 0.03
        if failed:
            record["errorCode"] = "AccessDenied"
            record["errorMessage"] = f"User: {caller.get('arn', service)} is not authorized to perform: {service}:{name} because no identity-based policy allows the action"
        record |= {"requestParameters": request, "responseElements": None if failed else response}
        if service == "s3":
            record["additionalEventData"] = {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesTransferredIn": 0, "AuthenticationMethod": "AuthHeader", "x-amz-id-2": self.base64(76), "bytesTransferredOut": self.dice.randrange(9999)}
        record |= {"requestID": self.uuid(), "eventID": self.uuid(), "readOnly": reads}
        if service in RESOURCES:
            record["resources"] = [{"accountId": account, "type": RESOURCES[service], "ARN": f"arn:aws:{service}:us-east-1:{account}:key/{self.pooled(32)}"}]
        return record | {
            "eventType": "AwsConsoleSignIn" if name == "ConsoleLogin" else "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
            "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": f"{service}.us-east-1.amazonaws.com"},
        }


def generate(folder: Path, megabytes: float, file_megabytes: float = 4, seed: int = 7) -> dict[str, int]:
    """Writes files of records until there is so much JSON; how much there is."""
    trail = Trail(seed)
    encode = json.JSONEncoder(separators=(",", ":")).encode
    folder.mkdir(parents=True, exist_ok=True)
    made = {"files": 0, "records": 0, "bytes": 0, "stored": 0}
    while made["bytes"] < megabytes * 1e6:
        trail.account = trail.accounts[made["files"] % len(trail.accounts)]
        records, size = [], 0
        while size < min(file_megabytes * 1e6, megabytes * 1e6 - made["bytes"]):
            records.append(encode(trail.record()))
            size += len(records[-1]) + 1
        text = f'{{"Records":[{",".join(records)}]}}'.encode()
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        packed = packer.compress(text) + packer.flush()
        moment = trail.time().replace("-", "").replace(":", "")[:13]
        (folder / f"{trail.account}_CloudTrail_us-east-1_{moment}Z_{trail.unique_id('', 16)}.json.gz").write_bytes(packed)
        for key, more in (("files", 1), ("records", len(records)), ("bytes", len(text)), ("stored", len(packed))):
            made[key] += more
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("megabytes", type=float)
    parser.add_argument("--file-megabytes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print(json.dumps(generate(options.folder, options.megabytes, options.file_megabytes, options.seed)))


if __name__ == "__main__":
    main()
