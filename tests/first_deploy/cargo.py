#!/usr/bin/env python3
"""Stands for cargo and rustc where `sam build` and the Makefile call them: a binary is a line of text."""

import json
import os
import sys
from pathlib import Path

arguments = sys.argv[1:]
if Path(sys.argv[0]).name == "rustc":
    # Every target is installed.
    print("/")
elif arguments[0] == "metadata":
    print(json.dumps({"target_directory": str(Path.cwd() / "target"), "packages": []}))
elif arguments[:2] == ["lambda", "build"]:
    binary = arguments[arguments.index("--bin") + 1]
    made = Path(os.environ["CARGO_TARGET_DIR"], "lambda", binary, "bootstrap")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(f"{'arm64' if '--arm64' in arguments else 'x86_64'} {binary}")
elif arguments[0] == "run":
    Path(arguments[arguments.index("--output") + 1]).write_text('{"schema":1,"hash":"0123456789ab",\n"rules":[]}\n')
else:
    sys.exit(f"cargo {arguments} was not foreseen")
