#!/usr/bin/env python3
"""Lints templates as CloudFormation gets them: `sam build` writes out what YAML merges, and so does this.

    lint_templates.py TEMPLATE …

Run by the virtual environment's Python. Every rule of cfn-lint holds, its warnings too; exit status 1 if one is broken.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wrong = 0
        for path in map(Path, sys.argv[1:]):
            written = Path(folder, path.name)
            written.write_text(yaml_dump(yaml_parse(path.read_text(encoding="utf-8"))), encoding="utf-8")
            wrong |= subprocess.run(["sam", "validate", "--lint", "--template", written]).returncode
            wrong |= subprocess.run(["cfn-lint", "--non-zero-exit-code", "warning", "--", written]).returncode
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
