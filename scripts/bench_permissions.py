#!/usr/bin/env python3
"""What the review of permissions and the resource control policies find, and what they get wrong, on
work that others published.

    bench_permissions.py --binary target/debug/trustwarden [--simulator FOLDER] [--verbose]

Its data are facts of public lists, without their text, in scripts/permissions:
  ways.tsv       ways to more permissions: the list, its own name of the way, the actions
  sources.tsv    the lists, where they are and when they were read
  vendors.json   what third parties ask for in public, and which findings on that are right, and why
  rules.yaml     rules, and in requests.tsv concrete requests with what these rules say of each
AWS's own policies come with moto (requirements.txt), the other engine is the npm package
@cloud-copilot/iam-simulate, in the folder --simulator. Exit status 1 if a figure is below the wanted
one, or could not be measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent / "permissions"
NOW = "2026-11-21T00:00:00Z"
OWN = "111122223333"
VENDOR = "444455556666"
EXTERNAL_ID = "7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4"
RULES = f"""version: 1
organization: {{ id: o-abc123example, management_account: "999988887777" }}
vendors:
  - name: Acme
    accounts: ["{VENDOR}"]
    roles: ["*"]
    external_id: {{ required: true, values: ["{EXTERNAL_ID}"], owner: vendor }}
"""
# Of all ways, so many may be found without their name.
MAY_BE_UNNAMED = 3
RIGHT_PERCENT = 95
MOST_VENDORS = 300
READ_ONLY = ["SecurityAudit", "ViewOnlyAccess", "ReadOnlyAccess"]
SEVERE = {"HIGH", "CRITICAL"}
# What `--services` guards, and one of each.
RESOURCES = {
    "s3": "arn:aws:s3:::acme/x",
    "kms": f"arn:aws:kms:eu-west-1:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "sqs": f"arn:aws:sqs:eu-west-1:{OWN}:queue",
    "secretsmanager": f"arn:aws:secretsmanager:eu-west-1:{OWN}:secret:x-123456",
    "ecr": f"arn:aws:ecr:eu-west-1:{OWN}:repository/x",
}

Finding = dict[str, Any]


def rows(name: str) -> list[list[str]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def trust() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
            }
        ],
    }


def allow(actions: list[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }


def audit(binary: str, policies: dict[str, list[dict[str, Any]]]) -> dict[str, list[Finding]]:
    """The findings about permissions of roles that hold these policies, by the roles' names."""
    roles = [
        {
            "Path": "/",
            "RoleName": name,
            "RoleId": f"AROA{number:012}",
            "Arn": f"arn:aws:iam::{OWN}:role/{name}",
            "CreateDate": "2026-01-02T03:04:05+00:00",
            "AssumeRolePolicyDocument": trust(),
            "InstanceProfileList": [],
            "RolePolicyList": [
                {"PolicyName": f"p{index}", "PolicyDocument": policy}
                for index, policy in enumerate(documents)
            ],
            "AttachedManagedPolicies": [],
            "Tags": [],
            "RoleLastUsed": {"LastUsedDate": "2026-11-20T00:00:00+00:00", "Region": "eu-west-1"},
        }
        for number, (name, documents) in enumerate(policies.items())
    ]
    account = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": roles, "Policies": []}
    with tempfile.TemporaryDirectory() as folder:
        rules, details = Path(folder, "access.yaml"), Path(folder, "account.json")
        rules.write_text(RULES, encoding="utf-8")
        details.write_text(json.dumps(account), encoding="utf-8")
        command = [binary, "audit", "--rules", str(rules), "--authorization-details", str(details)]
        done = subprocess.run([*command, "--now", NOW, "--format", "json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"trustwarden audit: {done.stderr}")
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in json.loads(done.stdout)["findings"]:
        found[str(finding["subject"]).rsplit("/", 1)[-1]].append(finding)
    return found


class Table:
    """The figures, each with what is wanted; what falls short."""

    def __init__(self) -> None:
        self.short = 0

    def row(self, what: str, found: int | None, of: int, wanted: int, note: str = "") -> None:
        enough = found is not None and found >= wanted
        self.short += not enough
        figure = "not measured" if found is None else f"{found} of {of}"
        print(f"{what:<62} {figure:>14}   wanted {wanted:>4}{'' if enough else '   BELOW'}{note}")


def is_known(actions: list[str], closed: list[str]) -> bool:
    """Whether anybody can hold it: what needs a service that AWS closed is told apart."""
    return not any(action.split(":")[0] in closed for action in actions)


def ways(binary: str, table: Table, verbose: bool) -> None:
    """A role for each way of the lists that holds its actions and no more."""
    listed = [(row[0], row[1], row[2].split(" ")) for row in rows("ways.tsv")]
    listed = [way for way in listed if is_known(way[2], ["codestar"])]
    found = audit(binary, {f"W{index}": [allow(way[2])] for index, way in enumerate(listed)})
    of: dict[str, list[tuple[frozenset[str], bool, bool]]] = defaultdict(list)
    for index, (name, way, actions) in enumerate(listed):
        findings = found[f"W{index}"]
        high = any(finding["severity"] in SEVERE for finding in findings)
        named = any(finding["code"] == "privilege-escalation" and finding.get("ways") for finding in findings)
        of[name].append((frozenset(actions), high, named))
        if verbose and not named:
            print(f"  not named: {name} {way}: {' '.join(actions)}")
    for name, _, read, what in rows("sources.tsv"):
        high, named = sum(way[1] for way in of[name]), sum(way[2] for way in of[name])
        print(f"  {name:<20} HIGH {high:>3} of {len(of[name]):<3} named {named:>3}   read {read}: {what}")
    all_ways = {actions: (high, named) for some in of.values() for actions, high, named in some}
    count = len(all_ways)
    table.row("distinct public ways found at HIGH", sum(way[0] for way in all_ways.values()), count, count)
    named = sum(way[1] for way in all_ways.values())
    table.row("distinct public ways named as what they are", named, count, count - MAY_BE_UNNAMED)


def managed() -> dict[str, Any] | None:
    """AWS's own policies by name, from moto."""
    try:
        from moto.iam.aws_managed_policies import aws_managed_policies_data
    except ImportError:
        return None
    return {name: policy["Document"] for name, policy in json.loads(aws_managed_policies_data).items()}


def others(binary: str, table: Table, verbose: bool) -> None:
    """What third parties and AWS publish, against what is right about it."""
    aws = managed()
    data = json.loads((DATA / "vendors.json").read_text(encoding="utf-8"))
    right_of: dict[str, dict[str, str]] = dict(data["aws"])
    if aws is None:
        table.row("findings on vendors' published policies that are right", None, 0, 0)
        table.row("AWS's read-only policies without a false finding", None, 0, len(READ_ONLY))
        return
    reading = [name for name in aws if "ReadOnly" in name]
    policies = {name: [aws[name]] for name in [*READ_ONLY, *reading]}
    for vendor in data["vendors"]:
        name = str(vendor["vendor"]).replace(" ", "-")
        documents = [aws[policy] for policy in vendor["aws"]]
        if vendor["statements"]:
            documents.append({"Version": "2012-10-17", "Statement": vendor["statements"]})
        policies[name] = documents
        right_of[name] = {**vendor["right"]}
        for policy in vendor["aws"]:
            right_of[name] |= data["aws"][policy]
    found = audit(binary, policies)
    right = wrong = missed = 0
    clean = {name: True for name in READ_ONLY}
    quiet = sum(all(f["severity"] not in SEVERE for f in found[name]) for name in reading)
    for name in [name for name in policies if name in READ_ONLY or name not in reading]:
        codes = {finding["code"] for finding in found[name]}
        false = codes - right_of[name].keys()
        if name in clean:
            clean[name] = not false
        else:
            right, wrong = right + len(codes) - len(false), wrong + len(false)
            missed += len(right_of[name].keys() - codes)
        for code in sorted(false):
            print(f"  false: {name}: {code}: {[f['message'] for f in found[name] if f['code'] == code][0]}")
        for code in sorted(right_of[name].keys() - codes):
            print(f"  missed: {name}: {code}: {right_of[name][code]}")
        if verbose:
            print(f"  {name}: {', '.join(sorted(codes)) or 'nothing'}")
    reread = sum(vendor["read"] is not None for vendor in data["vendors"])
    count = right + wrong
    note = f"   {len(data['vendors'])} vendors, {reread} read in public copies; {missed} missed"
    wanted = -(-count * RIGHT_PERCENT // 100)
    table.row("findings on vendors' published policies that are right", right, count, wanted, note)
    table.row("AWS's read-only policies without a false finding", sum(clean.values()), len(clean), len(clean))
    table.row("all of AWS's policies named ReadOnly without a HIGH one", quiet, len(reading), len(reading))


def printed(binary: str, rules: Path, folder: Path, *more: str) -> tuple[int, list[Any]]:
    """The exit status of `rules guardrail --rcp`, and the documents it writes."""
    folder.mkdir()
    command = [binary, "rules", "guardrail", "--rcp", "--now", NOW, "--output", str(folder), *more, str(rules)]
    done = subprocess.run(command, capture_output=True, text=True)
    written = sorted(folder.glob("*.json"))
    return done.returncode, [json.loads(path.read_text(encoding="utf-8")) for path in written]


def guardrail(binary: str, simulator: str | None, table: Table, verbose: bool) -> None:
    """The printed resource control policies, judged by another engine; and many vendors."""
    asked = rows("requests.tsv")
    with tempfile.TemporaryDirectory() as scratch:
        services = ["--services", ",".join(RESOURCES)]
        _, documents = printed(binary, DATA / "rules.yaml", Path(scratch, "few"), *services)
        role = f"arn:aws:iam::{OWN}:role/Some"
        requests = [
            {
                "action": action,
                "context": json.loads(context),
                "resource": RESOURCES.get(action.split(":")[0], role),
            }
            for _, action, context, _ in asked
        ]
        right = None
        if simulator is not None and Path(simulator, "node_modules").is_dir():
            done = subprocess.run(
                ["node", str(DATA / "judge.cjs"), simulator],
                input=json.dumps({"documents": documents, "requests": requests}),
                capture_output=True,
                text=True,
            )
            if done.returncode == 0:
                verdicts = json.loads(done.stdout)
                agree = [row[0] == ("denied" if denied else "open") for row, denied in zip(asked, verdicts)]
                right = sum(agree)
                for row, is_right in zip(asked, agree):
                    if not is_right:
                        print(f"  wrong: should be {row[0]}: {row[3]}: {row[1]} {row[2]}")
            elif verbose:
                print(done.stderr)
        table.row("requests that the printed RCPs judge right, by iam-simulate", right, len(asked), len(asked))
        fit = 0
        for count in (30, 100, MOST_VENDORS):
            rules = Path(scratch, f"rules{count}.yaml")
            rules.write_text(many_vendors(count), encoding="utf-8")
            status, documents = printed(binary, rules, Path(scratch, f"many{count}"))
            # What fits may be attached at one target; what does not, is refused.
            if status == 0 and 0 < len(documents) <= 4:
                fit = count
            if verbose:
                print(f"  {count} vendors: exit {status}, {len(documents)} documents")
        table.row("vendors that fit the documents of one target", fit, MOST_VENDORS, MOST_VENDORS)


def many_vendors(count: int) -> str:
    """Rules with so many vendors, each with an account and an external id of its own, and one end."""
    vendor = (
        '  - {{ name: V{0}, accounts: ["{1:012}"], roles: [R{0}], external_id: '
        '{{ required: true, values: ["{0:08}-8a55-4d2b-9c63-7a1d6c7f1b21"] }}, expires: 2027-03-31 }}'
    )
    vendors = [vendor.format(index, 333_300_000_000 + index) for index in range(count)]
    return "\n".join(["version: 1", "organization: { id: o-abc123example }", "vendors:", *vendors, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--simulator", help="the folder in which iam-simulate is installed")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    table = Table()
    ways(options.binary, table, options.verbose)
    others(options.binary, table, options.verbose)
    guardrail(options.binary, options.simulator, table, options.verbose)
    sys.exit(1 if table.short else 0)


if __name__ == "__main__":
    main()
