#!/usr/bin/env python3
"""Measures `trustwarden audit` against Python's json.load with a loop, on made-up accounts.

    bench_audit.py --binary target/release/trustwarden [--roles 100000] [--linear 1000000]
    bench_audit.py generate FOLDER --roles N    writes account.json and access.yaml, and no more
    bench_audit.py loop FOLDER                  the loop: prints what it found
    bench_audit.py count FILE                   a shorter loop: counts the principals without an id

First an account in which a third of the roles have a trust document of their own
(authorization_details.py): the budgets are for it. Then one whose roles are of few kinds; what the loop
finds there must be found by the audit, and nothing else of these checks. Both are the same for the same
number of roles and seed. Standard library only; exit status 1 if a budget is exceeded or the findings
differ.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import authorization_details
from bench import measured, say

OWN = "111122223333"
NOW = "2026-11-21T00:00:00Z"
UNUSED_SINCE = "2026-08-23T00:00:00"  # 90 days before
VENDORS = 200
RULES = Path(__file__).resolve().parent.parent / "crates/cli/testdata/rules/access.yaml"
# At most: CPU against Python, and memory.
RATIO = 0.58
MEGABYTES = 96
# What the loop looks for.
CODES = {
    "public-trust",
    "unknown-third-party",
    "missing-external-id",
    "role-not-registered",
    "shared-external-id",
    "unused-role",
}
SERVICES = [
    "lambda", "ec2", "ecs-tasks", "states", "events", "firehose", "codebuild", "glue", "batch",
    "sagemaker", "config", "apigateway", "scheduler", "rds", "eks", "codepipeline", "cloudtrail",
]  # fmt: skip
GITHUB = "token.actions.githubusercontent.com"


def vendor_account(number: int) -> str:
    return f"{300_000_000_000 + number * 7_919_017:012d}"


def vendor_id(number: int) -> str:
    return f"{number:04x}9c3e-1a7b-4d52-8f60-{(number * 2_654_435_761) % 2**48:012x}"


def document(principal: dict[str, Any], action: str = "sts:AssumeRole", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def templates() -> dict[str, list[str]]:
    """A role of each kind as text, with marks where roles differ."""
    with_id = {"StringEquals": {"sts:ExternalId": "@ID@"}}
    outside = {"AWS": "arn:aws:iam::@ACCOUNT@:root"}
    github = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"}
    claims = {
        "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:acme/@NAME@:ref:refs/heads/main"}
    }
    kinds = {
        "service": [
            document({"Service": f"{service}.amazonaws.com"}, condition=condition)
            for service in SERVICES
            for condition in (None, {"StringEquals": {"aws:SourceAccount": OWN}})
        ],
        "own": [
            document({"AWS": f"arn:aws:iam::{OWN}:root"}),
            document({"AWS": f"arn:aws:iam::{OWN}:role/@NAME@-caller"}),
            document({"AWS": "*"}, condition={"StringEquals": {"aws:PrincipalOrgID": "o-own1234567"}}),
            document({"AWS": "arn:aws:iam::999988887777:root"}, condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        ],
        "github": [document(github, "sts:AssumeRoleWithWebIdentity", claims)],
        "outside": [document(outside, condition=with_id)],
        "outside-open": [document(outside)],
        "public": [document({"AWS": "*"})],
    }
    attached = [{"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"} for name in ("AmazonS3ReadOnlyAccess", "CloudWatchLogsFullAccess")]
    inline = {
        "PolicyName": "@NAME@-inline",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                    "Resource": f"arn:aws:dynamodb:eu-west-1:{OWN}:table/@NAME@",
                }
            ],
        },
    }
    texts: dict[str, list[str]] = {}
    for kind, documents in kinds.items():
        texts[kind] = []
        for index, trust in enumerate(documents):
            role = {
                "Path": "/",
                "RoleName": "@NAME@",
                "RoleId": "AROA@NUMBER@",
                "Arn": f"arn:aws:iam::{OWN}:role/@NAME@",
                "CreateDate": "2024-03-05T09:12:44+00:00",
                "AssumeRolePolicyDocument": trust,
                "InstanceProfileList": [],
                "RolePolicyList": [inline] if index % 2 == 0 else [],
                "AttachedManagedPolicies": attached[: 1 + index % 2],
                "Tags": [{"Key": "team", "Value": "team-@TEAM@"}, {"Key": "cost-center", "Value": "cc-@TEAM@"}],
                "RoleLastUsed": {"LastUsedDate": "@USED@", "Region": "eu-west-1"},
            }
            text = json.dumps(role, indent=4)
            texts[kind].append("\n".join("        " + line for line in text.splitlines()))
    return texts


def generate(folder: Path, roles: int, seed: int = 5) -> None:
    draw = random.Random(seed)
    texts = templates()
    policies = [
        {
            "PolicyName": name,
            "Arn": f"arn:aws:iam::aws:policy/{name}",
            "DefaultVersionId": "v1",
            "PolicyVersionList": [{"Document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}, "VersionId": "v1", "IsDefaultVersion": True}],
        }
        for name, actions in (("AmazonS3ReadOnlyAccess", ["s3:Get*", "s3:List*"]), ("CloudWatchLogsFullAccess", ["logs:*"]))
    ]
    with open(folder / "account.json", "w", encoding="utf-8", buffering=1 << 20) as out:
        out.write('{\n    "UserDetailList": [],\n    "GroupDetailList": [],\n    "RoleDetailList": [\n')
        for number in range(roles):
            dice = draw.random()
            vendor = draw.randrange(VENDORS)
            account, identity = vendor_account(vendor), vendor_id(vendor)
            name = f"app-{number:07d}"
            if dice < 0.62:
                kind = "service"
            elif dice < 0.82:
                kind = "own"
            elif dice < 0.90:
                kind, name = "github", f"deploy-{number:07d}"
            elif dice < 0.985:
                kind, name = "outside", f"vendor{vendor:03d}-{number:07d}"
            elif dice < 0.990:
                # A vendor in a role that its rule does not name.
                kind = "outside"
            elif dice < 0.994:
                kind, name = "outside-open", f"vendor{vendor:03d}-{number:07d}"
            elif dice < 0.999:
                kind, account = "outside", f"{900_000_000_000 + number:012d}"
                # Every third stranger has a vendor's id.
                identity = vendor_id(vendor) if number % 3 == 0 else f"{draw.getrandbits(128):032x}"
            else:
                kind = "public"
            used = "2026-05-01T10:00:00+00:00" if draw.random() < 0.02 else "2026-11-19T10:12:31+00:00"
            text = draw.choice(texts[kind])
            for mark, value in (
                ("@NAME@", name),
                ("@NUMBER@", f"{number:017d}"),
                ("@TEAM@", str(number % 300)),
                ("@USED@", used),
                ("@ACCOUNT@", account),
                ("@ID@", identity),
            ):
                text = text.replace(mark, value)
            out.write(text if number == 0 else ",\n" + text)
        out.write('\n    ],\n    "Policies": ' + json.dumps(policies, indent=4) + "\n}\n")
    with open(folder / "access.yaml", "w", encoding="utf-8") as out:
        out.write('version: 1\norganization: { id: o-own1234567, management_account: "999988887777" }\nvendors:\n')
        for vendor in range(VENDORS):
            out.write(
                f'  - name: "Vendor {vendor}"\n    accounts: ["{vendor_account(vendor)}"]\n    roles: ["vendor{vendor:03d}-*"]\n'
                f'    external_id: {{ required: true, values: ["{vendor_id(vendor)}"], owner: vendor }}\n    owner: platform@example.com\n'
            )
        out.write(
            f'identity_providers:\n  - provider: {GITHUB}\n    audiences: [sts.amazonaws.com]\n    subjects: ["repo:acme/*:ref:refs/heads/main"]\n    roles: ["deploy-*"]\n'
        )


def loop(folder: Path) -> list[list[str]]:
    """What a script of a few lines finds: as much of the audit as fits into a loop."""
    vendors = {vendor_account(number): number for number in range(VENDORS)}
    found: set[tuple[str, str]] = set()
    holders: dict[str, list[tuple[str, str]]] = {}
    with open(folder / "account.json", encoding="utf-8") as file:
        account = json.load(file)
    for role in account["RoleDetailList"]:
        name = role["RoleName"]
        subject = f"role/{name}"
        outsiders = False
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            principals = statement["Principal"].get("AWS", [])
            equals = statement.get("Condition", {}).get("StringEquals", {})
            outsiders |= "Federated" in statement["Principal"]
            for principal in [principals] if isinstance(principals, str) else principals:
                if principal == "*":
                    if "aws:PrincipalOrgID" not in equals:
                        found.add(("public-trust", subject))
                        outsiders = True
                    continue
                outside = principal.split(":")[4]
                if outside in (OWN, "999988887777"):
                    continue
                outsiders = True
                identity = equals.get("sts:ExternalId")
                if outside not in vendors:
                    found.add(("unknown-third-party", subject))
                else:
                    if not name.startswith(f"vendor{vendors[outside]:03d}-"):
                        found.add(("role-not-registered", subject))
                    if identity is None:
                        found.add(("missing-external-id", subject))
                if identity is not None:
                    holders.setdefault(identity, []).append((outside, name))
        used = role.get("RoleLastUsed", {}).get("LastUsedDate", "")
        if outsiders and used[:19] <= UNUSED_SINCE:
            found.add(("unused-role", subject))
    for roles in holders.values():
        if len({outside for outside, _ in roles}) > 1:
            found.update(("shared-external-id", f"role/{name}") for _, name in roles)
        else:
            # One vendor, one id, by one rule; a role that the rule does not name is one too many.
            number = vendors.get(roles[0][0])
            if len(roles) > 1 and number is not None:
                prefix = f"vendor{number:03d}-"
                found.update(("shared-external-id", f"role/{name}") for _, name in roles if not name.startswith(prefix))
    return sorted([code, subject] for code, subject in found)


def count(file: Path) -> int:
    """How many principals of other accounts need no external id: the least that a script would ask."""
    risky = 0
    for role in json.loads(file.read_text(encoding="utf-8"))["RoleDetailList"]:
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            principal = statement["Principal"]
            named = principal if isinstance(principal, str) else principal.get("AWS", [])
            demands = statement.get("Condition", {}).get("StringEquals", {})
            for one in [named] if isinstance(named, str) else named:
                risky += authorization_details.OWN not in one and "sts:ExternalId" not in demands
    return risky


def varied(binary: Path, roles: int, tries: int, folder: Path) -> tuple[float, float]:
    """The audit's ratio to Python and its megabytes, on an account of many trust documents."""
    file = folder / "varied.json"
    # Not in this process: a child's peak is never said to be less than its parent's.
    subprocess.run([sys.executable, authorization_details.__file__, str(file), str(roles)], check=True)
    command = [str(binary), "audit", "--rules", str(RULES), "--now", NOW, "--format", "json", "--authorization-details", str(file)]
    loops = [sys.executable, __file__, "count", str(file)]
    runs = [(measured(command, folder / "audit.out"), measured(loops, folder / "loop.out")) for _ in range(tries)]
    if any(run[2] != 1 or other[2] != 0 for run, other in runs):
        sys.exit(f"the audit and the loop ended with status {runs[0][0][2]} and {runs[0][1][2]}")
    cpu, python = (min(pair[at][0] for pair in runs) for at in (0, 1))
    ratio = statistics.median(run[0] / other[0] for run, other in runs)
    memory = max(run[1] for run, _ in runs)
    say(
        f"{roles:>9,} roles, many documents, {file.stat().st_size / 1e6:,.0f} MB: audit {cpu:.2f} s CPU ({cpu / roles * 1e6:.2f} µs a role), "
        f"{memory:.1f} MB; Python {python:.2f} s; median ratio {ratio:.3f}"
    )
    return ratio, memory


def compare(binary: Path, roles: int, tries: int, folder: Path, with_python: bool) -> tuple[float, float, float, bool]:
    """Per role, the audit's CPU in microseconds; its ratio to the loop's; its memory; all right."""
    generate(folder, roles)
    size = (folder / "account.json").stat().st_size
    command = [str(binary), "audit", "--rules", str(folder / "access.yaml"), "--now", NOW, "--format", "json"]
    command += ["--authorization-details", str(folder / "account.json")]
    loops = [sys.executable, __file__, "loop", str(folder)]
    runs, others = [], []
    for _ in range(tries):
        # By turns: what else the machine does slows both down.
        if with_python:
            others.append(measured(loops, folder / "loop.out"))
        runs.append(measured(command, folder / "audit.out"))
    cpu, memory = min(run[0] for run in runs), max(run[1] for run in runs)
    if any(run[2] != 1 for run in runs):
        print(f"the audit ended with status {runs[0][2]}", file=sys.stderr)
        return 0, 0, 0, False
    line = f"{roles:>9,} roles, few documents, {size / 1e6:,.0f} MB: audit {cpu:6.2f} s CPU ({cpu / roles * 1e6:4.2f} µs a role)"
    # A child's peak is never said to be less than that of this process, which begot it.
    if memory > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:
        line += f", {memory:5.1f} MB at most"
    ratio, right = 0.0, True
    if with_python:
        python, held = min(run[0] for run in others), max(run[1] for run in others)
        ratio = statistics.median(run[0] / other[0] for run, other in zip(runs, others))
        with open(folder / "audit.out", encoding="utf-8") as file:
            audited = sorted({(found["code"], found["subject"]) for found in json.load(file)["findings"] if found["code"] in CODES})
        with open(folder / "loop.out", encoding="utf-8") as file:
            looped = [tuple(found) for found in json.load(file)]
        right = audited == looped
        line += f"; Python {python:6.2f} s, {held:,.0f} MB; median ratio {ratio:.3f}; {len(looped):,} findings {'equal' if right else 'DIFFER'}"
        if not right:
            for what, one, other in (("only the loop", looped, audited), ("only the audit", audited, looped)):
                print(f"{what}: {sorted(set(one) - set(other))[:5]}", file=sys.stderr)
    say(line)
    return cpu / roles * 1e6, ratio, memory, right


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["generate", "loop", "count"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--roles", type=int, default=100_000)
    parser.add_argument("--linear", type=int, default=1_000_000)
    parser.add_argument("--tries", type=int, default=5)
    options = parser.parse_args()
    if options.what == "generate":
        generate(options.folder, options.roles)
        return 0
    if options.what == "loop":
        json.dump(loop(options.folder), sys.stdout)
        return 0
    if options.what == "count":
        print(count(options.folder))
        return 0
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        ratio, memory = varied(options.binary, options.roles, options.tries, Path(folder))
        _, _, _, right = compare(options.binary, options.roles, options.tries, Path(folder), True)
        if options.linear and right:
            # Between two runs of the other size: what else the machine does changes by the minute.
            sizes = (options.roles, options.linear, options.roles)
            costs = [compare(options.binary, roles, 2, Path(folder), False) for roles in sizes]
            right = all(cost[3] for cost in costs)
            each, more = (costs[0][0] + costs[2][0]) / 2, costs[1][0]
            say(f"a role costs {more / each:.2f} times as much among {options.linear:,} as among {options.roles:,}")
            right = right and more < 1.3 * each
    say(f"budget: ratio {ratio:.3f} of at most {RATIO}, {memory:.1f} MB of at most {MEGABYTES}")
    return 0 if right and ratio <= RATIO and memory <= MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
