#!/usr/bin/env python3
"""A third judge of role trust policies: z3 against `trustwarden analyze`, on COUNT documents.

    python3 tests/third_judge --binary target/debug/trustwarden --count 200 [--seed 1] [--jobs 2]

Half of the documents at most are those of crates/policy/testdata/trust, the rest is drawn. A
disagreement prints the document, both answers, z3's request and what `trustwarden simulate` says of
it. Exit status 1 if there is one, if z3 gave up on more than five questions of a thousand, or if the
documents show nothing. With the environment's SLOWEST=1 the dearest questions are listed.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from multiprocessing import Pool
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import corpus  # noqa: E402
from ask import Judge, Unknown  # noqa: E402
from compare import questions  # noqa: E402
from draw import drawn  # noqa: E402
from fragment import LeftOut, moment, read  # noqa: E402
from request import Setting  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
# Of a thousand questions z3 may give up on so many, at most.
UNKNOWN = 5
# z3's measure of work, for a question about one kind of caller.
LIMIT = 20_000_000


def documents(arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], collections.Counter]:
    """COUNT documents of the fragment, and why others were left out."""
    chance = random.Random(arguments.seed)
    cases = list(corpus.cases())
    chance.shuffle(cases)
    found, left_out = [], collections.Counter()
    for case in cases:
        if len(found) >= arguments.count // 2:
            break
        reason = left_out_by(case)
        if reason is None:
            found.append(case)
        else:
            left_out[reason] += 1
    for case in drawn(arguments.seed):
        if len(found) >= arguments.count:
            break
        case = {"account": corpus.OWN, "organization": corpus.ORGANIZATION, "now": corpus.NOW, **case}
        reason = left_out_by(case)
        if reason is None:
            found.append(case)
        else:
            left_out["drawn: " + reason] += 1
    return found, left_out


def setting(case: dict[str, Any]) -> Setting:
    return Setting(case["account"], case.get("organization"), moment(case["now"]))


def left_out_by(case: dict[str, Any]) -> str | None:
    """Whether the whole document can be asked about; that needs no solver."""
    if not case.get("account"):
        return "no own account"
    try:
        document = read(case["policy"])
        judge = Judge(document, setting(case), 0)
        judge.try_out()
    except LeftOut as reason:
        return str(reason)
    return None


def analyzed(binary: str, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as lines:
        for case in cases:
            lines.write(json.dumps(case) + "\n")
        lines.flush()
        command = [binary, "analyze", "--no-witness", "--jsonl", lines.name]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers = [json.loads(line) for line in printed.splitlines()]
    assert [a["id"] for a in answers] == [c["id"] for c in cases], "an answer is missing"
    return answers


def judged(task: tuple[dict[str, Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """What became of each question about one document."""
    case, answer = task
    judge = Judge(read(case["policy"]), setting(case), LIMIT)
    found = []
    for question in questions(judge, answer):
        began = time.process_time()
        try:
            verdict, request = question.compared()
        except Unknown:
            verdict, request = "unknown", None
        found.append({
            "question": question.name,
            "kind": question.kind,
            "analyzer": question.answer,
            "verdict": verdict,
            "request": request,
            "seconds": time.process_time() - began,
        })
    return found


def simulated(binary: str, case: dict[str, Any], request: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        policy, asked = Path(folder, "policy.json"), Path(folder, "request.json")
        policy.write_text(case["policy"] if isinstance(case["policy"], str) else json.dumps(case["policy"]))
        asked.write_text(json.dumps(request))
        command = [binary, "simulate", "--format", "json", "--account", case["account"], "--now", case["now"]]
        if case.get("organization"):
            command += ["--organization", case["organization"]]
        ran = subprocess.run([*command, str(policy), str(asked)], capture_output=True, text=True)
    return (ran.stdout or ran.stderr).strip()


def report(binary: str, case: dict[str, Any], outcome: dict[str, Any]) -> None:
    print(f"\ndisagreement: {case['id']}: {outcome['question']}")
    print(f"  document  {json.dumps(case['policy'])}")
    z3_says = "closed" if outcome["verdict"] == "z3 closed" else "open"
    print(f"  analyzer  {'open' if outcome['analyzer'] else 'closed'}")
    print(f"  z3        {z3_says}")
    if outcome["request"]:
        print(f"  request   {json.dumps(outcome['request'])}")
        print(f"  simulate  {simulated(binary, case, outcome['request'])}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=str(ROOT / "target/debug/trustwarden"))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()

    began = time.monotonic()
    cases, left_out = documents(arguments)
    answers = analyzed(arguments.binary, cases)
    counts: collections.Counter = collections.Counter()
    slowest: list[tuple[float, str]] = []
    with Pool(arguments.jobs) as pool:
        for case, outcomes in zip(cases, pool.imap(judged, zip(cases, answers), chunksize=4)):
            for outcome in outcomes:
                counts[outcome["verdict"]] += 1
                counts[outcome["kind"], outcome["verdict"]] += 1
                slowest.append((outcome["seconds"], f"{case['id']}: {outcome['question']}"))
                if outcome["verdict"].startswith("z3"):
                    report(arguments.binary, case, outcome)
    summary(counts, left_out, len(cases), time.monotonic() - began)
    if os.environ.get("SLOWEST"):
        print(*sorted(slowest)[-8:], sep="\n")
    asked = sum(n for key, n in counts.items() if isinstance(key, str))
    disagreements = counts["z3 open"] + counts["z3 closed"]
    if counts["unknown"] * 1000 > UNKNOWN * asked:
        print(f"z3 gave up on more than {UNKNOWN} questions of a thousand", file=sys.stderr)
        return 1
    kinds = {key[0] for key in counts if isinstance(key, tuple)} if len(cases) >= 100 else set()
    for kind in sorted(kinds):
        if not (counts[kind, "open"] and counts[kind, "closed"]):
            print(f"of {kind} both answers must occur: these documents show nothing", file=sys.stderr)
            return 1
    return 1 if disagreements or not asked else 0


def summary(counts: collections.Counter, left_out: collections.Counter, documents: int, seconds: float) -> None:
    kinds = sorted({key[0] for key in counts if isinstance(key, tuple)})
    verdicts = ["open", "closed", "as anyone", "not said", "undecided", "unknown", "z3 open", "z3 closed"]
    print(f"\n{documents} documents, {seconds:.0f} s; questions by what both say:")
    print(f"  {'':18}" + "".join(f"{verdict:>11}" for verdict in verdicts))
    for kind in kinds:
        print(f"  {kind:18}" + "".join(f"{counts[kind, verdict]:11}" for verdict in verdicts))
    print(f"left out of the corpus: {sum(left_out.values())}")
    for reason, number in left_out.most_common():
        print(f"  {number:5} {reason}")


if __name__ == "__main__":
    sys.exit(main())
