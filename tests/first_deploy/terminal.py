"""A command in a terminal, its questions answered."""

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from samcli.cli.main import cli
from samcli.commands.deploy import command as _deploy, deploy_context, guided_context  # noqa: F401
from samcli.commands.package import package_context  # noqa: F401

# A guide that asks in a circle is found out by this.
MOST_QUESTIONS = 40
PATIENCE = 90
STYLE = re.compile(rb"\x1b\[[0-9;]*m")


def _sam(command: list[str]) -> NoReturn:
    """As SAM's script does, in this process, which has imported it already: that takes longer than a deploy."""
    code = 1
    try:
        sys.argv = command
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)
        cli(prog_name="sam")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def answered(
    command: list[str], folder: Path, answers: dict[str, str] | None = None, succeeds: bool | None = True
) -> str:
    """Runs a command to its end; each question gets the answer whose key it holds, or Enter. Returns what was said."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        if command[0] == "sam":
            _sam(command)
        os.execvp(command[0], command)
    said, seen, questions, end = b"", 0, 0, time.monotonic() + PATIENCE
    try:
        while True:
            ready, _, _ = select.select([terminal], [], [], 0.05)
            if ready:
                try:
                    more = os.read(terminal, 1 << 16)
                except OSError:  # the terminal's other side is closed
                    break
                if not more:
                    break
                said += more
                continue
            line = STYLE.sub(b"", said[seen:].rsplit(b"\n", 1)[-1]).decode("utf-8", "replace")
            if line.endswith(": "):
                questions, seen = questions + 1, len(said)
                answer = next((text for key, text in (answers or {}).items() if key in line), "")
                os.write(terminal, answer.encode() + b"\n")
            if questions > MOST_QUESTIONS or time.monotonic() > end:
                os.kill(process, signal.SIGKILL)
                raise AssertionError(f"{command} comes to no end: {said.decode()[-3000:]}")
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    text = STYLE.sub(b"", said).decode("utf-8", "replace")
    if succeeds is not None and (status == 0) != succeeds:
        raise AssertionError(f"{command} ended with {status}: {text[-3000:]}")
    return text


def guided(folder: Path, answers: dict[str, str], succeeds: bool = True) -> str:
    """`sam deploy --guided` over what is built, its answers kept for no other run."""
    command = ["sam", "deploy", "--guided", "--no-progressbar"]
    return answered(command, folder, {"Save arguments": "n", **answers}, succeeds)
