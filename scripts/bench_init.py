#!/usr/bin/env python3
"""What a function's start costs, in instructions, against a bare `lambda_runtime` hello.

Each binary runs under valgrind's callgrind with a Runtime API on loopback that has no work: its
start is over when it asks for some, and then it is ended. Instructions do not depend on how busy
the machine is; the ratio does not depend on the machine at all, so it is what the budget names.

    scripts/bench_init.py --binaries target/release --rules target/bench/rules.json [--most 1.5]
"""

import argparse
import http.server
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from bench import say

FUNCTIONS = ["role-trust", "access-key", "root-activity", "role-permissions", "identity-provider", "resource-share", "remediator", "sweep", "guard-tamper", "incidents", "slack"]
HELLO = "examples/hello"
# Under valgrind everything takes some fifty times as long.
PATIENCE = 120


class RuntimeApi(http.server.ThreadingHTTPServer):
    """Has no work for anyone, and notes that it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = threading.Event()
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/runtime/invocation/next"):
            self.server.asked.set()
            # As Lambda does: the answer comes with the next event.
            self.server.over.wait(PATIENCE)

    def log_message(self, *_):
        pass


def environment(port, rules):
    """As the template sets it, and what Lambda adds."""
    account, region = "111122223333", "us-east-1"
    role = f"arn:aws:iam::{account}:role/trustwarden/"
    return {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "none",
        "TRUSTWARDEN_ACCOUNT": account,
        "TRUSTWARDEN_MODE": "enforce",
        "TRUSTWARDEN_RULES": rules,
        "TRUSTWARDEN_STACK": "bench",
        "TRUSTWARDEN_TABLE": "bench",
        "TRUSTWARDEN_TOPIC_ARN": f"arn:aws:sns:{region}:{account}:alerts",
        "TRUSTWARDEN_OPERATIONS_TOPIC_ARN": f"arn:aws:sns:{region}:{account}:operations",
        "TRUSTWARDEN_ORDERS_URL": f"https://sqs.{region}.amazonaws.com/{account}/orders.fifo",
        "TRUSTWARDEN_OWN_ROLES": ",".join(role + name for name in FUNCTIONS),
        "TRUSTWARDEN_REMEDIATOR_ROLE": role + "remediator",
        "TRUSTWARDEN_REVOKE_SESSIONS": "false",
        "TRUSTWARDEN_SLACK_SECRET_ARN": f"arn:aws:secretsmanager:{region}:{account}:secret:slack-1",
    }


def instructions(binary, rules):
    """From the first instruction to the request for work."""
    api = RuntimeApi()
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", binary]
        with open(f"{folder}/log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, env=environment(api.server_port, rules), stdout=log, stderr=log
            )
            try:
                while not api.asked.wait(0.2):
                    if process.poll() is not None:
                        log.seek(0)
                        sys.exit(f"{binary} ended before it asked for work:\n{log.read()}")
                process.terminate()
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
                api.over.set()
                api.shutdown()
                api.server_close()
            log.seek(0)
            said = log.read()
    collected = re.search(r"Collected\s*:\s*(\d+)", said)
    if not collected:
        sys.exit(f"callgrind counted nothing for {binary}:\n{said}")
    return int(collected.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", required=True, type=pathlib.Path)
    parser.add_argument("--rules", required=True, type=pathlib.Path, help="compiled rules")
    parser.add_argument("--most", type=float, default=1.5, help="the ratio that fails")
    options = parser.parse_args()
    rules = str(options.rules.resolve())
    hello = instructions(options.binaries / HELLO, rules)
    print(f"{'':<16}{'instructions':>14}{'ratio':>8}")
    say(f"{'bare hello':<16}{hello:>14,}{1:>8.2f}")
    worst = 0.0
    for name in FUNCTIONS:
        count = instructions(options.binaries / name, rules)
        worst = max(worst, count / hello)
        say(f"{name:<16}{count:>14,}{count / hello:>8.2f}")
    if worst > options.most:
        sys.exit(f"a start costs {worst:.2f} times a bare hello; at most {options.most} is allowed")


if __name__ == "__main__":
    main()
