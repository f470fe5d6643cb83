#!/usr/bin/env python3
"""Holds the documents to the code: what they name exists, and what exists is named. Standard
library only; exit status 1 if anything is wrong. That the pages' examples are judged as they say is
tested in crates/guard, that the documents' commands run in tests.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "checks"
SECTIONS = [
    "What it means",
    "Why it matters",
    "What the guard does",
    "If it was planned",
    "If it was not",
    "Example that fails",
    "Example that passes",
    "Limits",
    "Sources",
]


def text(*path: str) -> str:
    return ROOT.joinpath(*path).read_text(encoding="utf-8")


def checks() -> list[tuple[str, str]]:
    rows = re.findall(r'^\s+\w+ "([a-z-]+)" (\w+) \w+ "[^"]+";', text("crates", "guard", "src", "check.rs"), re.M)
    return [(code, severity.upper()) for code, severity in rows]


def pages_are_whole() -> Iterator[str]:
    known = dict(checks())
    for page in sorted(PAGES.glob("*.md")):
        if page.stem not in known:
            yield f"{page.name}: no such check"
    for code, severity in known.items():
        page = PAGES / f"{code}.md"
        if not page.exists():
            yield f"docs/checks/{code}.md is missing"
            continue
        content = page.read_text(encoding="utf-8")
        if not content.startswith(f"# {code}\n"):
            yield f"{page.name}: does not begin with its code"
        if f"- Severity: {severity}" not in content:
            yield f"{page.name}: severity is not {severity}"
        if re.findall(r"^## (.*)$", content, re.M) != SECTIONS:
            yield f"{page.name}: sections are not {SECTIONS}"
        # A line of an example cannot be broken; prose and commands can.
        for line in re.sub(r"```(?:json|csv) \w+\n.*?\n```", "", content, flags=re.S).splitlines():
            if len(line) > 100:
                yield f"{page.name}: too wide for a terminal: {line[:40]}…"


def examples(code: str, kind: str) -> list[tuple[str, str]]:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```(\w+) {kind}\n(.*?)\n```$", page, re.M | re.S)


def examples_are_documents() -> Iterator[str]:
    for code, _ in checks():
        for kind in ("fails", "passes"):
            found = examples(code, kind)
            if not found:
                yield f"{code}: no example that {kind}"
            for language, example in found:
                try:
                    if language == "json":
                        json.loads(example)
                except ValueError as error:
                    yield f"{code}: the example that {kind} is no JSON: {error}"


def pages_name_what_exists() -> Iterator[str]:
    table = text("docs", "checks.md")
    for code, severity in checks():
        if not re.search(rf"^\| \[`{code}`\]\(checks/{code}\.md\) \| {severity} \|", table, re.M):
            yield f"docs/checks.md: the table has no row `{code}` with {severity}"
    deploy = text("docs", "deploy.md")
    template = text("template.yaml")
    parameters = template.split("\nParameters:\n")[1].split("\nRules:\n")[0]
    for name in re.findall(r"^  (\w+):$", parameters, re.M):
        if f"| `{name}` |" not in deploy:
            yield f"docs/deploy.md: the parameter {name} is not explained"
    printed = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "cost.py")], capture_output=True, text=True, check=True
    ).stdout.strip()
    if printed not in text("docs", "costs.md"):
        yield "docs/costs.md: the costs are not those that scripts/cost.py prints"
    granted = "\n".join(re.findall(r"^\s+Action: .*$", roles_of(template), re.M))
    actions = set(re.findall(r"\b[a-z0-9]+:\w+", granted)) - {"sts:AssumeRole"}
    table = deploy.split("## What it may do in your account")[1].split("\n## ")[0]
    named = set(re.findall(r"\w+:\w+|`\w+`", table))
    for action in sorted(actions):
        service, name = action.split(":")
        if action not in named and f"`{name}`" not in named:
            yield f"docs/deploy.md: the permission {service}:{name} is not explained"


def roles_of(template: str) -> str:
    """The parts of the template that give permissions."""
    blocks = re.split(r"\n(?=  \w+:\n    Type: AWS::)", template)
    return "\n".join(block for block in blocks if re.search(r"Type: AWS::IAM::(Role|Policy)\b", block))


def resources_of(template: str) -> set[str]:
    """The logical ids of the stack's resources, those among them that SAM makes for a function's event."""
    found = set()
    for block in re.split(r"\n(?=  \w+:\n    Type: )", template)[1:]:
        name = block.strip().split(":")[0]
        events = re.search(r"^      Events:\n((?:        .*\n)+)", block, re.M)
        found |= {name, *(name + event for event in re.findall(r"^        (\w+):$", events[1] if events else "", re.M))}
    return found


def alarms_have_runbooks() -> Iterator[str]:
    operations = text("docs", "operations.md")
    alarms = re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm", text("template.yaml"), re.M)
    for alarm in alarms:
        if f"`{alarm}`" in operations or any(
            f"`…{end}`" in operations and alarm.endswith(end) for end in ("Throttles", "RuleFailed")
        ):
            continue
        yield f"docs/operations.md: the alarm {alarm} has no row"


def outcomes_are_explained() -> Iterator[str]:
    source = text("crates", "guard", "src", "remediate", "outcome.rs")
    kinds = re.findall(r"^    (\w+),$", source.split("pub enum OutcomeKind {")[1].split("\n}")[0], re.M)
    alerts = text("docs", "alerts.md")
    for kind in kinds:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
        if f"`{name}`" not in alerts:
            yield f"docs/alerts.md: the outcome {name} is not explained"


REPOSITORY = "https://github.com/trustwarden/trustwarden/blob/main/"


def prose(content: str) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", content, flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mdBook make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?) *$", prose(page.read_text(encoding="utf-8")), re.M):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        base = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        name, count = base, 0
        while name in found:
            count += 1
            name = f"{base}-{count}"
        found.add(name)
    return found


def links_lead_somewhere() -> Iterator[str]:
    book = ROOT / "docs"
    for document in [*ROOT.glob("*.md"), *book.rglob("*.md")]:
        content = document.read_text(encoding="utf-8")
        name = document.relative_to(ROOT)
        unfenced = prose(content)
        links = re.findall(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)", unfenced)
        links += re.findall(r"^\[[^]]+\]: *<?([^\s>]+)", unfenced, re.M)
        for link in links:
            path, _, anchor = link.partition("#")
            inside = path.startswith(REPOSITORY)
            if not inside and re.match(r"[a-z][a-z+.-]*:", path):
                continue
            if inside:
                target = ROOT / path.removeprefix(REPOSITORY)
            else:
                target = (document.parent / path if path else document).resolve()
            if not target.exists():
                yield f"{name}: leads to {path}, which does not exist"
                continue
            if not inside and document.is_relative_to(book) and not target.is_relative_to(book):
                yield f"{name}: {link} leaves the book: link to {REPOSITORY}"
            if anchor and (target.suffix != ".md" or anchor not in anchors(target)):
                yield f"{name}: leads to {link}, and there is no such heading"
        for target in re.findall(r"--logical-resource-id\s+\"?(\w+)", content):
            if target not in resources_of(text("template.yaml")):
                yield f"{document.relative_to(ROOT)}: template.yaml has no resource {target}"


def summary_lists_every_page() -> Iterator[str]:
    docs = ROOT / "docs"
    listed = re.findall(r"\]\(([^)]+)\)", text("docs", "SUMMARY.md"))
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"SUMMARY.md"}
    for page in sorted(pages - set(listed)):
        yield f"docs/SUMMARY.md: {page} is not listed"
    for page in sorted({page for page in listed if listed.count(page) > 1}):
        yield f"docs/SUMMARY.md: {page} is listed twice"


def names_of_tests(content: str) -> list[str]:
    return re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", content)


def tests_that_are_named_exist() -> Iterator[str]:
    folders = [ROOT / "tests", *ROOT.glob("crates/*/tests"), *ROOT.glob("crates/*/src")]
    tests = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.rs"))
    # Between the attribute that makes it a test and its name there may be others, and nothing else.
    run = set(re.findall(r"#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(", tests))
    run |= set(re.findall(r"^    def (test_\w+)\(self", text("tests", "first_deploy", "__main__.py"), re.M))
    for name in names_of_tests(text("SECURITY.md")):
        if name not in run:
            yield f"SECURITY.md: there is no test {name}"


# Attacks that were tried and are closed: their tests begin with the number.
ATTACKS = ["a1", "a2", "a3", "a5", "a6", "a7", "b1", "b4", "b5", "b6", "b7", "b8", "b9"]


def attacks_have_a_test_and_a_row() -> Iterator[str]:
    named = names_of_tests(text("SECURITY.md"))
    for attack in ATTACKS:
        if not any(name.startswith(f"{attack}_") for name in named):
            yield f"SECURITY.md: no row names a test of attack {attack}"


def tampering_rows() -> list[str]:
    """SECURITY.md's rows of the calls that change the guard, from the table that the function judges by."""
    test = "each_call_on_what_the_stack_owns_is_reported"
    rows = []
    for line in text("crates", "guard", "src", "detect", "tampering.tsv").splitlines():
        if not line.startswith("#"):
            service, event, counts, effect, _ = line.split("\t")
            # IAM's name of the service, not CloudTrail's.
            service = {"monitoring": "cloudwatch"}.get(service, service)
            on = {"own": "what is the stack's", "any": "whatever it names"}[counts]
            rows.append(f"| `{service}:{event}` | {on} | {effect} | `{test}` |")
    return rows


def every_tampering_call_has_a_row() -> Iterator[str]:
    section = text("SECURITY.md").split("\n## Calls that change the guard\n")[1].split("\n## ")[0]
    there = [line for line in section.splitlines() if line.startswith("| `")]
    for row in tampering_rows():
        if row not in there:
            yield f"SECURITY.md: tampering.tsv makes this row, which is missing: {row}"
    for row in there:
        if row not in tampering_rows():
            yield f"SECURITY.md: tampering.tsv does not make the row {row}"


def threats_name_what_stops_them() -> Iterator[str]:
    security = text("SECURITY.md")
    for title, header in (("Who may publish what", "held by"), ("What an attacker with one permission could do", "what stops it")):
        section = security.split(f"\n## {title}\n")[1].split("\n## ")[0]
        rows = [re.split(r"\s*\|\s*", row.strip().strip("|").strip()) for row in section.splitlines() if row.startswith("|")]
        column = rows[0].index(header)
        for row in rows[2:]:
            if not names_of_tests(row[column]) and not row[column].startswith("nothing"):
                yield f"SECURITY.md: {row[0]}: no test holds what stops it"


def paths_that_are_named_exist() -> Iterator[str]:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        folders = "crates|tests|docs|scripts|functions|events|fuzz"
        for path in re.findall(rf"`((?:{folders})/[\w./-]*\w)`", document.read_text(encoding="utf-8")):
            if "CODE" not in path and not (ROOT / path).exists():
                yield f"{document.relative_to(ROOT)}: there is no {path}"


def main() -> int:
    wrong = [
        *pages_are_whole(),
        *examples_are_documents(),
        *pages_name_what_exists(),
        *alarms_have_runbooks(),
        *outcomes_are_explained(),
        *links_lead_somewhere(),
        *summary_lists_every_page(),
        *tests_that_are_named_exist(),
        *attacks_have_a_test_and_a_row(),
        *every_tampering_call_has_a_row(),
        *threats_name_what_stops_them(),
        *paths_that_are_named_exist(),
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
