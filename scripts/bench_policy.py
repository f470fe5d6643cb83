#!/usr/bin/env python3
"""What `trustwarden analyze --jsonl` costs a trust document, beside cloud-custodian's checker.

    bench_policy.py --binary target/release/trustwarden [--documents 5000]
    bench_policy.py generate FILE [--documents N]    writes the questions, and no more

The documents are made up, the same for the same number and seed: services, own principals, vendors
with and without an external id, identity providers, conditions on who calls and from where, a Deny
now and then. Then one statement with 1 to 128 principals. All figures are CPU microseconds a document
on one core, from JSON text to JSON text, the least of several runs. cloud-custodian's CrossAccount
policy checker (scripts/bench-policy-requirements.txt) reads the same texts where it is installed; it
says which statements let in outsiders, and no more. Exit status 1 if a budget is exceeded.
"""

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

from bench import say

OWN = "111122223333"
ORGANIZATION = "o-own1234567"
NOW = "2026-11-21T00:00:00Z"
VENDORS = ["464622532012", "754728514883", "454464851268", "017663287629"]
GITHUB = "token.actions.githubusercontent.com"
# At most, by DESIGN.
MICROSECONDS = 25
# A principal among many costs at most so much more than one among few.
GROWTH = 1.25
COUNTS = [1, 2, 4, 8, 16, 32, 64, 128]


class Draw:
    """Draws documents."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.strangers = [f"{self.dice.randrange(10**11, 10**12)}" for _ in range(300)]

    def one(self, *weighted: tuple[int, Any]) -> Any:
        weights, choices = zip(*weighted)
        return self.dice.choices(choices, weights)[0]

    def chance(self, percent: int) -> bool:
        return self.dice.randrange(100) < percent

    def account(self) -> str:
        return self.one((25, OWN), (30, self.dice.choice(VENDORS)), (45, self.dice.choice(self.strangers)))

    def caller(self) -> str:
        account, number = self.account(), self.dice.randrange(100)
        return self.one(
            (40, f"arn:aws:iam::{account}:root"),
            (10, account),
            (20, f"arn:aws:iam::{account}:role/team/app-{number}"),
            (12, f"arn:aws:iam::{account}:user/person-{number}"),
            (10, f"arn:aws:sts::{account}:assumed-role/app-{number}/session-{number % 7}"),
            (5, f"AROA{number:017d}"),
            (3, f"arn:aws-us-gov:iam::{account}:root"),
        )

    def external_id(self) -> dict[str, Any]:
        secret = f"{self.dice.getrandbits(128):032x}"
        value = self.one((70, secret), (8, [secret, f"{self.dice.getrandbits(64):016x}"]), (8, "datadog"), (7, "12345"), (7, "prod-*"))
        operator = self.one((65, "StringEquals"), (20, "StringLike"), (8, "StringEqualsIfExists"), (7, "StringEqualsIgnoreCase"))
        return {operator: {self.one((80, "sts:ExternalId"), (20, "sts:externalid")): value}}

    def who(self) -> dict[str, Any]:
        """Conditions on an AWS principal, of which most statements have none or one."""
        drawn: list[dict[str, Any]] = [self.external_id()] if self.chance(40) else []
        for percent, condition in (
            (10, {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}),
            (4, {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": [f"{ORGANIZATION}/r-ab12/ou-ab12-11111111/*"]}}),
            (7, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{self.account()}:role/app-*"}}),
            (5, {"StringEquals": {"aws:PrincipalAccount": [self.account(), self.account()]}}),
            (3, {"StringNotEquals": {"aws:PrincipalAccount": self.account()}}),
            (7, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
            (5, {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.7/32"]}}),
            (3, {"Null": {"sts:ExternalId": "false"}}),
            (3, {"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}),
        ):
            if self.chance(percent):
                drawn.append(condition)
        merged: dict[str, Any] = {}
        for condition in drawn:
            for operator, keys in condition.items():
                merged.setdefault(operator, {}).update(keys)
        return merged

    def statement(self) -> dict[str, Any]:
        kind = self.one((55, "callers"), (8, "everyone"), (20, "service"), (8, "saml"), (9, "web"))
        condition: dict[str, Any] = {}
        action: Any = "sts:AssumeRole"
        if kind == "service":
            names = [f"{name}.amazonaws.com" for name in self.dice.sample(["ec2", "lambda", "ecs-tasks", "events", "codebuild"], self.one((70, 1), (30, 2)))]
            principal: dict[str, Any] = {"Service": names[0] if len(names) == 1 else names}
            if self.chance(15):
                condition = {"StringEquals": {"aws:SourceAccount": OWN}, "ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{OWN}:rule/*"}}
        elif kind == "saml":
            principal, action = {"Federated": f"arn:aws:iam::{OWN}:saml-provider/Okta"}, "sts:AssumeRoleWithSAML"
            condition = {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}
        elif kind == "web":
            principal, action = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"}, "sts:AssumeRoleWithWebIdentity"
            condition = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
            subject = self.one((60, "repo:acme/app:ref:refs/heads/main"), (20, "repo:acme/*"), (10, "repo:*"), (10, None))
            if subject:
                condition["StringLike"] = {f"{GITHUB}:sub": subject}
        else:
            callers = [self.caller() for _ in range(self.one((50, 1), (20, 2), (15, 3), (15, 8)))]
            principal = {"AWS": "*" if kind == "everyone" else callers[0] if len(callers) == 1 else callers}
            action = self.one((50, action), (20, [action, "sts:TagSession"]), (10, [action, "sts:SetSourceIdentity"]), (10, "sts:*"), (10, "*"))
            condition = self.who()
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
        return statement | ({"Condition": condition} if condition else {})

    def document(self) -> dict[str, Any]:
        statements = [self.statement() for _ in range(self.one((50, 1), (25, 2), (15, 3), (10, 5)))]
        if self.chance(8):
            condition = self.one(
                (40, {"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}}),
                (40, {"Null": {"sts:ExternalId": "true"}}),
                (20, {"BoolIfExists": {"aws:SecureTransport": "false"}}),
            )
            statements.append({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition})
        return {"Version": "2012-10-17", "Statement": statements}


def crowd(number: int, principals: int) -> dict[str, Any]:
    """One statement with so many principals."""
    forms = ["arn:aws:iam::{}:root", "arn:aws:iam::{}:role/app", "arn:aws:iam::{}:user/person", "{}", "arn:aws:sts::{}:assumed-role/app/session"]
    callers = [forms[(number + place) % len(forms)].format(200_000_000_000 + 1_000 * number + place) for place in range(principals)]
    condition = {"StringEquals": {"sts:ExternalId": f"{number:032x}"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": callers}, "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition}
    return {"Version": "2012-10-17", "Statement": [statement]}


def texts(documents: list[dict[str, Any]]) -> list[str]:
    return [json.dumps(document, separators=(",", ":")) for document in documents]


def write(documents: list[str], file: Path) -> None:
    with open(file, "w", encoding="utf-8") as out:
        for number, text in enumerate(documents):
            out.write(f'{{"id":{number},"account":"{OWN}","organization":"{ORGANIZATION}","now":"{NOW}","policy":{text}}}\n')


def cpu_of(binary: Path, file: Path, *options: str) -> float:
    """CPU seconds of one run."""
    command = [str(binary), "analyze", "--jsonl", *options, str(file)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def custodian() -> Callable[[str], Any] | None:
    """cloud-custodian's checker, where it is installed."""
    try:
        from c7n.filters.iamaccess import PolicyChecker
    except ImportError:
        return None
    # It warns of each condition that it does not know, which takes it another half of its time.
    logging.disable(logging.CRITICAL)
    checker = PolicyChecker({"allowed_accounts": {OWN}, "allowed_orgid": {ORGANIZATION}})
    return checker.check


def timed(check: Callable[[str], Any], documents: list[str]) -> float:
    began = time.process_time()
    for text in documents:
        check(text)
    return time.process_time() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["generate"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--tries", type=int, default=7)
    options = parser.parse_args()
    draw = Draw(options.seed)
    mixed = texts([draw.document() for _ in range(options.documents)])
    if options.what == "generate":
        write(mixed, options.file)
        return 0
    crowds = {count: texts([crowd(number, count) for number in range(5_120 // count)]) for count in COUNTS}
    check = custodian()
    print(f"{options.documents:,} documents, {sum(map(len, mixed)) / 1e6:.1f} MB; CPU a document, the least of {options.tries} runs")
    best: dict[str, float] = {}

    def note(name: str, seconds: float) -> None:
        best[name] = min(seconds, best.get(name, seconds))

    with tempfile.TemporaryDirectory() as folder:
        files = {str(count): Path(folder) / f"{count}.jsonl" for count in COUNTS} | {"mixed": Path(folder) / "mixed.jsonl", "none": Path(folder) / "none.jsonl"}
        for name, file in files.items():
            write(mixed if name == "mixed" else crowds[int(name)] if name != "none" else [], file)
        # By turns: what else the machine does slows all down.
        for _ in range(options.tries):
            for name, file in files.items():
                note(name, cpu_of(options.binary, file, "--no-witness"))
            note("witnesses", cpu_of(options.binary, files["mixed"]))
            if check:
                note("custodian", timed(check, mixed))
                for count in COUNTS:
                    note(f"custodian {count}", timed(check, crowds[count]))
    # The program's start is no document's.
    start = best["none"]
    each = {name: 1e6 * (best[name] - start) / options.documents for name in ("mixed", "witnesses")}
    line = f"analyze {each['mixed']:.1f} µs, with witnesses {each['witnesses']:.1f} µs"
    if check:
        line += f"; cloud-custodian's checker {1e6 * best['custodian'] / options.documents:.1f} µs"
    else:
        line += "; cloud-custodian is not installed (scripts/bench-policy-requirements.txt)"
    say(line)
    costs = []
    for count in COUNTS:
        costs.append(1e6 * (best[str(count)] - start) / len(crowds[count]) / count)
        line = f"{count:>4} principals: {costs[-1] * count:7.1f} µs, {costs[-1]:5.2f} a principal"
        if check:
            line += f"; cloud-custodian {1e6 * best[f'custodian {count}'] / len(crowds[count]):6.1f} µs"
        say(line)
    # Any longer statement against all shorter ones: noise in one of them is no growth.
    growth = max(later / min(costs[:place]) for place, later in enumerate(costs) if place)
    say(f"budget: {each['mixed']:.1f} of at most {MICROSECONDS} µs; a principal costs {growth:.2f} of at most {GROWTH} times one of fewer")
    return 0 if each["mixed"] <= MICROSECONDS and growth <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
