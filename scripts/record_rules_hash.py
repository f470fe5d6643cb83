#!/usr/bin/env python3
"""Writes the hash of the compiled rules into the template that `sam build` made, where the stack's output finds it.

    record_rules_hash.py BUILD_DIRECTORY

Standard library only.
"""

import json
import re
import sys
from pathlib import Path

LINE = re.compile(r"(?m)^(  CompiledRules:\n    Hash:\n      Value: ).*$")


def main() -> None:
    build = Path(sys.argv[1])
    rules = build / "RulesLayer" / "trustwarden" / "rules.json"
    with rules.open(encoding="utf-8") as file:
        # The first line of compiled rules is their label: {"schema":…,"hash":…,… with the rest to follow.
        label = json.loads(file.readline().rstrip().rstrip(",") + "}")
    template = build / "template.yaml"
    text, count = LINE.subn(rf"\g<1>{label['hash']}", template.read_text(encoding="utf-8"))
    if count != 1:
        sys.exit(f"{template} has no CompiledRules.Hash.Value to write the rules' hash into")
    template.write_text(text, encoding="utf-8")
    print(f"rules {label['hash']}")


if __name__ == "__main__":
    main()
