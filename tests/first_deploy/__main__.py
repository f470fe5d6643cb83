#!/usr/bin/env python3
"""The first deploy and those after it, by SAM's own code into the account on this machine.

    .venv/bin/python tests/first_deploy [TEST …]

`make deploy` runs in a terminal whose questions are answered here; what it changes in the account is looked at then.
Nothing is compiled: a stand-in for cargo writes a file that says for which processor it was built. SAM's guide, upload
and change sets are real, CloudFormation is that of crates/local/python.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from account import NUMBER, Account  # noqa: E402
from terminal import answered, guided  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ["Makefile", "crates/local", "template.yaml", "samconfig.toml", "requirements.txt", "rules", "scripts"]
SIGNING = "arn:aws:lambda:us-east-1:111122223333:code-signing-config:csc-0123456789abcdef0"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:hook-AbCdEf"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
OWN_LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:my-rules:3"
ANYONE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
# The longest that CloudFormation takes.
LONGEST = "guard-" + "x" * 122

account: Account
project: Path


def setUpModule() -> None:
    """A copy of what a deploy needs: neither a build nor answers of the developer's own are overwritten."""
    global account, project
    folder = tempfile.mkdtemp()
    unittest.addModuleCleanup(shutil.rmtree, folder)
    project = Path(folder, "trustwarden")
    project.mkdir()
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, project / name)
    (project / ".venv").symlink_to(ROOT / ".venv")
    tools = Path(folder, "tools")
    tools.mkdir()
    for name, script in (("cargo", "cargo.py"), ("rustc", "cargo.py")):
        text = (Path(__file__).parent / script).read_text()
        (tools / name).write_text(text.replace("/usr/bin/env python3", sys.executable, 1))
        (tools / name).chmod(0o755)
    os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"
    account = Account(ROOT)
    unittest.addModuleCleanup(account.close)
    os.environ.update(account.environment())
    answered(["make", "build"], project)


def deployed(name: str, answers: dict[str, str] | None = None) -> str:
    """The guide over what was built, with Enter wherever no answer is given; returns what it printed."""
    said = guided(project, {"Stack Name": name, **(answers or {})})
    if account.status(name) != "CREATE_COMPLETE":
        raise AssertionError(said[-3000:])
    return said


class Guide(unittest.TestCase):
    def test_enter_throughout_ends_in_a_stack_for_the_processor_that_was_built_for(self) -> None:
        tracked = (project / "samconfig.toml").read_text()
        for arch in ("arm64", "x86_64"):
            said = answered(["make", "deploy", f"ARCH={arch}"], project)
            self.assertIn("Successfully created/updated stack - trustwarden", said)
            self.assertNotIn("sign your code", said)
            functions = account.functions("trustwarden")
            # All but Slack's, for which nobody gave a secret.
            built = [folder for folder in (ROOT / "functions").iterdir() if folder.name != "slack"]
            self.assertEqual(len(functions), len(built))
            for name, function in functions.items():
                self.assertEqual(function["Architectures"], [arch], name)
                self.assertEqual(function["Environment"]["Variables"]["TRUSTWARDEN_MODE"], "alert", name)
                self.assertTrue(account.code(function).startswith(arch.encode()), name)
            self.assertEqual(account.output("trustwarden", "RulesHash"), "0123456789ab")
        # The answers hold addresses: they are kept beside the file that git tracks.
        self.assertEqual((project / "samconfig.toml").read_text(), tracked)
        self.assertIn("AlertEmail", (project / "samconfig.local.toml").read_text())

    def test_each_parameter_changed_by_itself_deploys_and_has_its_effect(self) -> None:
        account.iam.create_policy(PolicyName="boundary", PolicyDocument=ANYONE)
        self.addCleanup(account.iam.delete_policy, PolicyArn=BOUNDARY)

        def environment(name: str, value: str):
            return lambda made: {value} == {f["Environment"]["Variables"][name] for f in functions(made)}

        def functions(made: dict) -> list[dict]:
            return [r["properties"] for r in made.values() if r["type"] == "AWS::Lambda::Function"]

        def endpoint(subscription: str, address: str):
            return lambda made: made[subscription]["properties"]["Endpoint"] == address

        def each(kind: str, name: str, value):
            return lambda made: {value} == {r["properties"].get(name) for r in made.values() if r["type"] == kind}

        effects = {
            "Mode": ("enforce", lambda made: "RemediatorWrites" in made),
            "RevokeSessions": ("true", environment("TRUSTWARDEN_REVOKE_SESSIONS", "true")),
            "DetachPolicies": ("true", environment("TRUSTWARDEN_DETACH_POLICIES", "true")),
            "AlertEmail": ("a@example.com", endpoint("AlertEmailSubscription", "a@example.com")),
            "OperationsEmail": ("o@example.com", endpoint("OperationsEmailSubscription", "o@example.com")),
            "SlackSecretArn": (SECRET, lambda made: "Slack" in made),
            "PermissionsBoundaryArn": (BOUNDARY, each("AWS::IAM::Role", "PermissionsBoundary", BOUNDARY)),
            "ReservedConcurrency": ("7", each("AWS::Lambda::Function", "ReservedConcurrentExecutions", "7")),
            # Whichever account and region it names: the layer of this one.
            "RulesLayerArn": (
                "arn:aws:lambda:eu-west-1:999988887777:layer:my-rules:3",
                lambda made: "RulesLayer" not in " ".join(made)
                and all(f["Layers"] == [OWN_LAYER] for f in functions(made)),
            ),
            "LogRetentionDays": ("30", each("AWS::Logs::LogGroup", "RetentionInDays", 30)),
        }
        asked = account.parameters_of(project / ".aws-sam" / "build" / "template.yaml")
        self.assertEqual(set(effects), asked)
        for name, (value, holds) in effects.items():
            with self.subTest(name):
                deployed(f"guard-{name}", {f"Parameter {name}": value})
                self.assertTrue(holds(account.resources(f"guard-{name}")))

    def test_a_code_signing_configuration_is_a_matter_of_the_build(self) -> None:
        answered(["make", "build", f"CODE_SIGNING={SIGNING}"], project)
        self.addCleanup(answered, ["make", "build"], project)
        said = deployed("guard-signed", {"sign your code": "n"})
        self.assertIn("sign your code", said)
        for name, function in account.functions("guard-signed").items():
            self.assertEqual(function["CodeSigningConfigArn"], SIGNING, name)

    def test_the_longest_name_of_a_stack_deploys(self) -> None:
        deployed(LONGEST)
        deployed(LONGEST[:-1] + "y")
        for stack in (LONGEST, LONGEST[:-1] + "y"):
            self.assertEqual(account.status(stack), "CREATE_COMPLETE")


class Later(unittest.TestCase):
    """What comes after a first deploy."""

    def change(self, *arguments: str) -> str:
        return answered(["sam", "deploy", "--no-progressbar", *arguments], project)

    def test_from_alert_to_enforce_and_back_by_one_word(self) -> None:
        deployed("guard-turned")
        role = account.resources("guard-turned")["RemediatorRole"]["id"]

        def policies() -> list[str]:
            return sorted(account.iam.list_role_policies(RoleName=role)["PolicyNames"])

        self.assertEqual(policies(), ["observe"])
        here = ("--stack-name", "guard-turned", "--parameter-overrides")
        self.change(*here, "Mode=enforce", "RevokeSessions=true", "DetachPolicies=true")
        self.assertEqual(account.status("guard-turned"), "UPDATE_COMPLETE")
        self.assertEqual(policies(), ["observe", "write"])
        # As docs/runbooks/stop-writes.md has it: the other parameters keep their values.
        self.change(*here, "Mode=alert")
        self.assertEqual(account.status("guard-turned"), "UPDATE_COMPLETE")
        self.assertEqual(policies(), ["observe"])
        for function in account.functions("guard-turned").values():
            variables = function["Environment"]["Variables"]
            self.assertEqual(variables["TRUSTWARDEN_MODE"], "alert")
            self.assertEqual(variables["TRUSTWARDEN_REVOKE_SESSIONS"], "true")

    def test_deleted_and_deployed_again_at_once(self) -> None:
        deployed("guard-again")
        first = account.output("guard-again", "Table")
        account.cloudformation.delete_stack(StackName="guard-again")
        deployed("guard-again")
        second = account.output("guard-again", "Table")
        self.assertNotEqual(first, second)
        # The history outlives its stack.
        self.assertIn(first, account.tables())

    def test_a_first_deploy_that_fails_leaves_nothing_that_stops_the_second(self) -> None:
        name, bounded = "guard-failed", {"Parameter PermissionsBoundaryArn": BOUNDARY}
        before = account.everything()
        said = guided(project, {"Stack Name": name, **bounded}, succeeds=False)
        self.assertIn("does not exist or is not attachable", " ".join(said.split()))
        self.assertIsNone(account.status(name))
        left = account.everything() - before
        # As docs/deploy.md says: what no stack may delete.
        self.assertEqual({kind for kind, _ in left} - {"table", "layer"}, set(), left)
        account.iam.create_policy(PolicyName="boundary", PolicyDocument=ANYONE)
        self.addCleanup(account.iam.delete_policy, PolicyArn=BOUNDARY)
        deployed(name, bounded)


class Smoke(unittest.TestCase):
    """`make smoke` without events: what it deploys, and that nothing of it stays. Its story is a test of tests/stack."""

    def setUp(self) -> None:
        # A guard of another test, where it would do nothing.
        for stack in account.cloudformation.describe_stacks()["Stacks"]:
            account.cloudformation.delete_stack(StackName=stack["StackName"])
        account.trail()
        self.before = account.everything()

    @classmethod
    def tearDownClass(cls) -> None:
        # It builds with rules of its own.
        answered(["make", "build"], project)

    def begun(self, seconds: int) -> subprocess.Popen[str]:
        binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug", "trustwarden-local")
        process = subprocess.Popen(
            [binary, "smoke", str(seconds)],
            cwd=project,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdin and process.stdout
        self.addCleanup(process.stdout.close)
        process.stdin.write(NUMBER + "\n")
        process.stdin.close()
        return process

    def until(self, process: subprocess.Popen[str], words: str) -> str:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError(said)

    def gone(self, process: subprocess.Popen[str], status: int) -> str:
        assert process.stdout
        said = process.stdout.read()
        self.assertEqual(process.wait(), status, said)
        self.assertIn("Nothing is left but", said)
        self.assertIsNone(account.status("trustwarden-smoke"))
        self.assertEqual(account.everything(), self.before)
        return said

    def test_to_its_end(self) -> None:
        process = self.begun(0)
        self.until(process, "Deployed in")
        self.assertEqual(account.status("trustwarden-smoke"), "CREATE_COMPLETE")
        for function in account.functions("trustwarden-smoke").values():
            self.assertEqual(function["Environment"]["Variables"]["TRUSTWARDEN_MODE"], "enforce")
        self.assertIn("not seen: alert: unknown-third-party", self.gone(process, 1))

    def test_ctrl_c_while_it_deploys_and_while_it_waits(self) -> None:
        for words in ("Building codeuri", "Initiating deployment", "iam:CreateRole"):
            with self.subTest(words):
                process = self.begun(60)
                self.until(process, words)
                os.killpg(process.pid, signal.SIGINT)
                self.assertIn("Not played to its end: interrupted", self.gone(process, 2))

    def test_a_deploy_that_fails(self) -> None:
        template = project / "template.yaml"
        before = template.read_text()
        self.addCleanup(template.write_text, before)
        boundary = re.compile(r'(PermissionsBoundaryArn:\n    Type: String\n    Default: )""')
        template.write_text(boundary.sub(rf"\g<1>{BOUNDARY}", before))
        said = self.gone(self.begun(0), 2)
        self.assertIn("does not exist or is not attachable", " ".join(said.split()))
        self.assertIn("Not played to its end: sam deploy", said)


if __name__ == "__main__":
    unittest.main()
