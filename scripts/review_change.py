"""Judges what a change touches: for the GitHub Action (action.yml) and for other CI systems.

Takes its settings from the environment: BASE (the commit before the change; without it, all files that
git knows), FILES and PLANS (patterns and names, one a line), RULES, ACCOUNT, LOGS, FAIL_ON, SARIF. Prints
annotations, writes SARIF, and ends with the worst status of what it ran.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def lines(name: str) -> list[str]:
    return [line.strip() for line in os.environ.get(name, "").splitlines() if line.strip()]


def touched(base: str) -> list[str]:
    """Files that the change adds or alters."""
    unknown = not base or set(base) == {"0"}
    listed = git("ls-files", "-z") if unknown else git("diff", "--name-only", "--diff-filter=d", "-z", base, "HEAD")
    return [name for name in listed.split("\0") if name]


def matches(name: str, pattern: str) -> bool:
    # `**/` stands for no folder, too.
    return fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(name, pattern.removeprefix("**/"))


def run(binary: str, *arguments: str) -> int:
    # `./` before a name: none of them is an option.
    return subprocess.run([binary, *arguments], check=False).returncode


def here(name: str) -> str:
    return name if name.startswith(("/", "./")) else f"./{name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="trustwarden")
    binary = parser.parse_args().binary
    base, rules = os.environ.get("BASE", ""), os.environ.get("RULES") or "rules/access.yaml"
    changed = touched(base)
    files = [name for name in changed if any(matches(name, pattern) for pattern in lines("FILES"))]
    files += lines("PLANS")
    statuses = [0]
    if files:
        sarif = os.environ.get("SARIF") or "trustwarden.sarif"
        account = os.environ.get("ACCOUNT", "")
        options = ["--rules", here(rules), "--fail-on", os.environ.get("FAIL_ON") or "high"]
        options += ["--account", account] if account else []
        options += ["--format", "sarif", "--output", sarif, "--format", "github"]
        statuses.append(run(binary, "check", *options, *map(here, files)))
    else:
        print("no file of this change is one to check")
    if rules in changed:
        statuses.append(run(binary, "rules", "check", here(rules)))
        statuses.append(compared(binary, base, rules))
    return max(statuses)


def compared(binary: str, base: str, rules: str) -> int:
    """What the changed rules judge differently from the old ones, by logs; a difference is no failure."""
    logs = lines("LOGS")
    if not logs or not base or set(base) == {"0"}:
        return 0
    try:
        old = git("show", f"{base}:{rules}")
    except subprocess.CalledProcessError:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        before = os.path.join(folder, "access.yaml")
        with open(before, "w", encoding="utf-8") as file:
            file.write(old)
        return run(binary, "replay", "--rules", here(rules), "--against", before, *map(here, logs))


if __name__ == "__main__":
    sys.exit(main())
