#!/usr/bin/env python3
"""Measures `trustwarden replay` against `gzip -dc | wc -c`, jq and DuckDB, on made-up logs.

    bench_replay.py --binary target/release/trustwarden --generator target/release/examples/trail

First logs of long records (cloudtrail_logs.py), then a bucket of short ones. Both are the same for the
same seed. What was planted in the bucket is what replay must alert about and count, and what jq and
DuckDB find must be just that, too. jq and DuckDB come as Python packages
(scripts/bench-requirements.txt); without them only gzip is compared with. All figures are CPU seconds
of the process and its children. gzip and replay take turns, and the ratio is the median of each
turn's, since what else the machine does slows both down. Exit status 1 if a budget is exceeded or the
hits differ.
"""

import argparse
import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cloudtrail_logs
from bench import measured, say

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "crates/cli/testdata/rules/access.yaml"
# At most: CPU against gzip, memory with two threads, CPU of a small file.
RATIO = 0.55
MEGABYTES = 64
MICROSECONDS = 25
NAMES = [
    "CreateRole", "UpdateAssumeRolePolicy", "DeleteRole", "CreateAccessKey", "UpdateAccessKey",
    "CreateLoginProfile", "UpdateLoginProfile", "ConsoleLogin",
]  # fmt: skip
# What a function would look at twice: the same question in both languages.
JQ = (
    '.Records[] | select((.eventName | IN($names[])) or .userIdentity.type == "Root") | .eventID'
)
SQL = """
    with records as (
        select unnest(Records) as record from read_json($files, columns = {Records: 'JSON[]'}, maximum_object_size = 33554432)
    )
    select distinct (record->>'$.eventID') from records
    where (record->>'$.eventName') in (select unnest($names)) or (record->>'$.userIdentity.type') = 'Root'
"""


def in_turns(command: list[str], other: list[str], out: Path, tries: int) -> tuple[float, float, float, float]:
    """The median ratio of a command's CPU to the other's, run by turns; the least CPU seconds of each;
    the first one's megabytes. What the first one writes stays in `out`."""
    ratios, ones, others, memory = [], [], [], 0.0
    for _ in range(tries):
        pair = [measured(one, path) for one, path in ((other, out.with_suffix(".other")), (command, out))]
        if any(run[2] != 0 for run in pair):
            sys.exit(f"{other[0]} and {command[0]} ended with status {pair[0][2]} and {pair[1][2]}")
        ratios.append(pair[1][0] / pair[0][0])
        others.append(pair[0][0])
        ones.append(pair[1][0])
        memory = max(memory, pair[1][1])
    return statistics.median(ratios), min(ones), min(others), memory


def least(command: list[str], out: Path, tries: int) -> tuple[float, float]:
    """The least CPU seconds and the most megabytes of several runs, all of which must succeed."""
    runs = [measured(command, out) for _ in range(tries)]
    if any(run[2] != 0 for run in runs):
        sys.exit(f"{command[0]} ended with status {runs[0][2]}")
    return min(run[0] for run in runs), max(run[1] for run in runs)


def by_jq(folder: Path) -> None:
    """Prints the ids that jq finds."""
    import jq  # type: ignore[import-not-found]

    program = jq.compile(JQ, args={"names": NAMES})
    found = set()
    for path in sorted(folder.rglob("*.json.gz")):
        text = subprocess.run(["gzip", "-dc", str(path)], stdout=subprocess.PIPE, check=True).stdout
        found.update(program.input_text(text.decode()).all())
    print("\n".join(sorted(found)))


def by_duckdb(folder: Path) -> None:
    """Prints the ids that DuckDB finds."""
    import duckdb  # type: ignore[import-not-found]

    files = [str(path) for path in sorted(folder.rglob("*.json.gz"))]
    with duckdb.connect(config={"threads": 2}) as connection:
        found = connection.execute(SQL, {"files": files, "names": NAMES}).fetchall()
    print("\n".join(sorted(row[0] for row in found)))


def generate(generator: Path, folder: Path, files: int, sizes: tuple[int, int], seed: int) -> dict[str, Any]:
    """Makes a bucket; what was planted in it."""
    command = [str(generator), "--seed", str(seed), "--files", str(files)]
    command += ["--least", str(sizes[0]), "--most", str(sizes[1]), str(folder)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    planted: dict[str, Any] = json.loads((folder / "planted.json").read_text(encoding="utf-8"))
    return planted


def agrees(out: Path, planted: dict[str, Any]) -> bool:
    """Does replay say what was planted?"""
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    summary = lines.pop()
    alerts = sorted(line["event_id"] for line in lines)
    counts = ["records", "irrelevant", "approved", "failed_calls", "duplicates"]
    differing = [count for count in counts if summary[count] != planted[count]]
    if differing or alerts != planted["alerts"]:
        print(f"replay does not say what was planted: {summary}, alerts {alerts}", file=sys.stderr)
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["jq", "duckdb"])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--small-files", type=int, default=20_000)
    parser.add_argument("--tries", type=int, default=7)
    options = parser.parse_args()
    if options.what == "jq":
        by_jq(options.folder)
        return 0
    if options.what == "duckdb":
        by_duckdb(options.folder)
        return 0

    right = True
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "out"
        replay = [str(options.binary), "replay", "--rules", str(RULES), "--jobs", "2", "--format", "jsonl"]

        def against_gzip(bucket: Path, title: str) -> tuple[float, float, float]:
            """The ratio to gzip, CPU seconds and megabytes."""
            size = sum(path.stat().st_size for path in bucket.rglob("*.gz"))
            inflate = f"find {bucket} -name '*.gz' -print0 | xargs -0 gzip -dc | wc -c"
            ratio, cpu, gzip, memory = in_turns([*replay, str(bucket)], ["sh", "-c", inflate], out, options.tries)
            inflated = int(out.with_suffix(".other").read_text(encoding="utf-8"))
            print(f"{title}, {size / 1e6:.0f} MB packed, {inflated / 1e6:.0f} MB of JSON")
            say(f"  gzip -dc | wc -c {gzip:7.2f} s CPU")
            say(f"  replay           {cpu:7.2f} s CPU, {ratio:.3f} of gzip's (median), {memory:.1f} MB at most")
            return ratio, cpu, memory

        # Not in this process: a child's peak is never said to be less than its parent's.
        made = json.loads(subprocess.check_output([sys.executable, cloudtrail_logs.__file__, str(folder / "long"), str(options.megabytes)]))
        long = against_gzip(folder / "long", f"{made['records']:,} long records in {made['files']} files")
        shutil.rmtree(folder / "long")

        planted = generate(options.generator, folder / "large", options.files, (1000, 3000), 1)
        bucket = folder / "large/AWSLogs"
        short = against_gzip(bucket, f"{planted['records']:,} short records in {options.files} files")
        right &= agrees(out, planted)
        (ratio, memory), cpu = (max(long[at], short[at]) for at in (0, 2)), short[1]
        found_by = {"jq": "jq", "duckdb": "DuckDB"}
        for module, title in found_by.items():
            if importlib.util.find_spec(module) is None:
                print(f"  {title:<16} is not installed")
                continue
            other, held = least([sys.executable, __file__, module, str(bucket)], out, 1)
            found = out.read_text(encoding="utf-8").split()
            # Approved and failed calls, and those of interest only at first sight, have no id in
            # the plan: their number tells.
            same = set(planted["alerts"]) <= set(found) and len(found) == planted["of_interest"]
            right &= same
            say(f"  {title:<16} {other:7.2f} s CPU, {other / cpu:.0f} times replay's, {held:.0f} MB; {len(found)} hits {'equal' if same else 'DIFFER'}")

        # Four times the data: the memory must be the same.
        shutil.rmtree(folder / "large")
        planted = generate(options.generator, folder / "larger", options.files * 4, (1000, 3000), 2)
        _, more = least([*replay, str(folder / "larger/AWSLogs")], out, 1)
        right &= agrees(out, planted)
        say(f"  four times the records: {more:.1f} MB at most")
        shutil.rmtree(folder / "larger")

        planted = generate(options.generator, folder / "small", options.small_files, (1, 3), 3)
        small, _ = least([*replay, str(folder / "small/AWSLogs")], out, options.tries)
        right &= agrees(out, planted)
        each = small / options.small_files * 1e6
        say(f"{options.small_files:,} files of 1 to 3 records: {each:.1f} µs CPU a file")
    say(f"budget: ratio {ratio:.3f} of at most {RATIO}, {max(memory, more):.1f} MB of at most {MEGABYTES}, {each:.1f} µs of at most {MICROSECONDS}")
    kept = ratio <= RATIO and max(memory, more) <= MEGABYTES and each <= MICROSECONDS
    return 0 if right and kept else 1


if __name__ == "__main__":
    sys.exit(main())
