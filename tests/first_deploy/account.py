"""The account on this machine, as an operator sees it."""

import io
import json
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOPERATOR00000000", "AWS_SECRET_ACCESS_KEY": "operator"}
REGION = "us-east-1"
NUMBER = "123456789012"


class Account:
    def __init__(self, root: Path) -> None:
        self._log = tempfile.TemporaryFile()
        # No function is invoked: nothing listens there.
        command = [sys.executable, str(root / "crates/local/python/account.py"), "http://127.0.0.1:9"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self._process.stdout
        addresses = json.loads(self._process.stdout.readline())
        # By name: SAM gives CloudFormation an address in the bucket, which moto knows by this name alone.
        self._endpoint = addresses["endpoint"].replace("127.0.0.1", "localhost")
        self._control = addresses["control"]
        self.cloudformation, self.iam = self._client("cloudformation"), self._client("iam")
        self.sqs = self._client("sqs")

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def environment(self) -> dict[str, str]:
        """For commands that deploy."""
        polling = {"SAM_CLI_POLL_DELAY": "0.05", "SAM_CLI_TELEMETRY": "0"}
        return {**KEYS, "AWS_ENDPOINT_URL": self._endpoint, "AWS_DEFAULT_REGION": REGION, **polling}

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name=REGION,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        )

    def status(self, stack: str) -> str | None:
        try:
            return self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return None

    def output(self, stack: str, name: str) -> str:
        outputs = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        return next(output["OutputValue"] for output in outputs if output["OutputKey"] == name)

    def resources(self, stack: str) -> dict[str, dict[str, Any]]:
        """By logical id: {type, id, arn, properties}, the properties resolved."""
        question = json.dumps({"account": NUMBER, "stack": stack}).encode()
        with urllib.request.urlopen(f"{self._control}/resources", question) as answer:
            return json.load(answer)["ok"]

    def functions(self, stack: str) -> dict[str, dict[str, Any]]:
        made = self.resources(stack).items()
        return {name: one["properties"] for name, one in made if one["type"] == "AWS::Lambda::Function"}

    def code(self, function: dict[str, Any]) -> bytes:
        """The binary that was uploaded for it."""
        where = function["Code"]
        archive = self._client("s3").get_object(Bucket=where["S3Bucket"], Key=where["S3Key"])["Body"].read()
        return zipfile.ZipFile(io.BytesIO(archive)).read("bootstrap")

    def trail(self) -> None:
        """One that logs what management events write, if there is none."""
        cloudtrail = self._client("cloudtrail")
        if not cloudtrail.describe_trails()["trailList"]:
            self._client("s3").create_bucket(Bucket="trail")
            cloudtrail.create_trail(Name="trail", S3BucketName="trail")

    def tables(self) -> list[str]:
        return self._client("dynamodb").list_tables()["TableNames"]

    def everything(self) -> set[tuple[str, str]]:
        """What a stack may leave behind, by kind and name."""
        roles = [role["RoleName"] for role in self.iam.list_roles()["Roles"]]
        queues = self.sqs.list_queues().get("QueueUrls", [])
        functions = [one["FunctionName"] for one in self._client("lambda").list_functions()["Functions"]]
        layers = [one["LayerName"] for one in self._client("lambda").list_layers()["Layers"]]
        topics = [one["TopicArn"] for one in self._client("sns").list_topics()["Topics"]]
        groups = [one["logGroupName"] for one in self._client("logs").describe_log_groups()["logGroups"]]
        rules = [one["Name"] for one in self._client("events").list_rules()["Rules"]]
        alarms = [one["AlarmName"] for one in self._client("cloudwatch").describe_alarms()["MetricAlarms"]]
        users = [user["UserName"] for user in self.iam.list_users()["Users"]]
        buckets = [one["Name"] for one in self._client("s3").list_buckets()["Buckets"]]
        # SAM's own bucket is no stack's of ours.
        buckets = [name for name in buckets if not name.startswith("aws-sam-cli-managed")]
        found = {
            "user": users, "bucket": buckets,
            "role": roles, "queue": queues, "function": functions, "layer": layers, "topic": topics,
            "log group": groups, "rule": rules, "alarm": alarms, "table": self.tables(),
        }  # fmt: skip
        return {(kind, name) for kind, names in found.items() for name in names}

    @staticmethod
    def parameters_of(template: Path) -> set[str]:
        return set(yaml_parse(template.read_text())["Parameters"])
