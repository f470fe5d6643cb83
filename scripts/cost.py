#!/usr/bin/env python3
"""What the stack costs a month, from template.yaml and stated assumptions. Standard library only.

Prices are list prices in us-east-1, in US dollars, without any free tier. They change: the AWS
pricing pages named beside them are what counts.
"""

import re
from pathlib import Path

# What one account does in a month: a busy one, with pipelines that create and delete roles.
ROLE_CHANGES = 2_000
POLICY_CHANGES = 2_000
KEY_AND_ROOT_EVENTS = 100
INCIDENTS = 40
RECIPIENTS = 2  # e-mail addresses subscribed to the alerts
ACCOUNTS = (1, 1_000)  # one stack each

# Dollars.
KEY = 1.00  # a customer key, a month (KMS)
ROTATIONS = 2  # a year apart; each adds as much to a key's month as the key itself, later ones nothing (KMS)
ALARM = 0.10  # a standard-resolution alarm, a month (CloudWatch)
DASHBOARD = 3.00  # a month (CloudWatch); the first three of an account are free
METRIC = 0.30  # a custom metric, a month (CloudWatch)
# Dollars a million.
INVOCATIONS = 0.20 + 0.05  # Lambda: requests, and this workload's compute
LOGS = 0.17 * 4  # CloudWatch Logs: about four lines a run
PUBLISHES = 0.50  # SNS
EMAILS = 20.00  # SNS
WRITES = 0.63  # DynamoDB, on demand
READS = 0.125  # DynamoDB, on demand
FIFO = 0.50  # SQS FIFO requests
STANDARD = 0.40  # SQS standard requests

# How the product uses them.
MEASURED = 3  # metrics by lines of the log: AlertDelay, HeartbeatDelay, AlertsBySweep
WRITES_A_CHANGE = 10  # order begun and done, history and its pointer in one transaction
WRITES_AN_ALERT = 8  # lease, count, slot of a second, digest line, done, reported
REQUESTS_AN_ORDER = 3  # send, receive, delete
SWEEP_CALLS = 60 * 24 * 30  # one a minute, most of which find that nothing is due
SWEEP_RUNS = 24 * 30
HEARTBEAT_CALLS = 12 * 24 * 30  # a look every five minutes
HEARTBEAT_RUNS = 4 * 24 * 30 * 8  # every quarter of an hour, by eight rules
COMPARISONS = 4 * 24 * 30  # of the stack with its template, some 90 calls each
COMPARISON = 20.83 + 3.00 + 10.00  # five seconds of Lambda; a request to KMS, one to CloudWatch
READS_A_SWEEP_CALL = 2
READS_A_SWEEP_RUN = 130  # what is known of some hundreds of roles, their policies, and users
WRITES_A_SWEEP_RUN = 2
POLLERS = 5  # Lambda's pollers of an idle queue, each asking every 20 seconds
POLLS = POLLERS * 3 * 60 * 24 * 30


def resources(template: str) -> dict[str, int]:
    """How many resources of each type the template makes without Slack and in mode alert."""
    found: dict[str, int] = {}
    for block in re.split(r"\n(?=  \w+:\n    Type: AWS::)", template):
        kind = re.search(r"\n    Type: (AWS::\S+)", block)
        if kind and not re.search(r"\n    Condition: HasSlack\b", block):
            found[kind.group(1)] = found.get(kind.group(1), 0) + 1
    return found


def alarm_metrics(template: str) -> int:
    """How many metrics the alarms watch: each costs as much as an alarm of one."""
    watched = 0
    for block in re.split(r"\n(?=  \w+:\n    Type: AWS::)", template):
        if "Type: AWS::CloudWatch::Alarm" in block and not re.search(r"\n    Condition: HasSlack\b", block):
            lines = [line for line in block.splitlines() if "!If [HasSlack," not in line]
            watched += max(1, sum("MetricStat:" in line for line in lines))
    return watched


def main() -> None:
    template = Path(__file__).resolve().parent.parent / "template.yaml"
    text = template.read_text(encoding="utf-8")
    stack = resources(text)
    alarms, watched = stack["AWS::CloudWatch::Alarm"], alarm_metrics(text)
    metrics = MEASURED + len(set(re.findall(r"\bMetricNamespace: .*\bMetricName: (\w+)", text)))
    keys = stack["AWS::KMS::Key"]
    dashboards = stack["AWS::CloudWatch::Dashboard"]

    runs = ROLE_CHANGES * 2 + POLICY_CHANGES + KEY_AND_ROOT_EVENTS + INCIDENTS
    alerts = INCIDENTS * 2
    million = 1_000_000
    rows = [
        (f"{alarms} alarms, of {watched} metrics", watched * ALARM),
        (f"{dashboards} dashboard", dashboards * DASHBOARD),
        (f"{keys} customer key", keys * KEY),
        ("its yearly rotations, in the third year and later", text.count("EnableKeyRotation: true") * ROTATIONS * KEY),
        (f"{metrics} metrics, from the logs", metrics * METRIC),
        ("polling the two idle queues", POLLS * (FIFO + STANDARD) / million),
        (f"Lambda, {runs:,} runs, and their logs", runs * (INVOCATIONS + LOGS) / million),
        (
            f"the sweep: {SWEEP_CALLS:,} calls, {SWEEP_RUNS} full runs",
            (
                SWEEP_CALLS * (INVOCATIONS + READS_A_SWEEP_CALL * READS)
                + SWEEP_RUNS * (READS_A_SWEEP_RUN * READS + WRITES_A_SWEEP_RUN * WRITES + LOGS)
            )
            / million,
        ),
        (
            f"the heartbeat: {HEARTBEAT_CALLS:,} looks, {HEARTBEAT_RUNS:,} runs",
            (
                HEARTBEAT_CALLS * (INVOCATIONS + LOGS + 2 * READS + WRITES)
                + HEARTBEAT_RUNS * (INVOCATIONS + LOGS + WRITES)
                + COMPARISONS * COMPARISON
            )
            / million,
        ),
        (
            "DynamoDB writes",
            (ROLE_CHANGES * WRITES_A_CHANGE + alerts * WRITES_AN_ALERT) * WRITES / million,
        ),
        ("orders", (ROLE_CHANGES + INCIDENTS) * REQUESTS_AN_ORDER * FIFO / million),
        (
            f"{alerts} alerts to {RECIPIENTS} addresses",
            alerts * (PUBLISHES + RECIPIENTS * EMAILS) / million,
        ),
        ("EventBridge, events of AWS in the same account", 0.0),
    ]
    head = "".join(f" {count:,} account{'s' if count > 1 else ''} |" for count in ACCOUNTS)
    print("| US dollars a month |" + head)
    print("|---|" + "---:|" * len(ACCOUNTS))
    total = sum(cost for _, cost in rows)
    for name, cost in [*rows, ("**together**", total)]:
        cells = "".join(f" {cost * count:,.2f} |" for count in ACCOUNTS)
        print(f"| {name} |{cells}")


if __name__ == "__main__":
    main()
