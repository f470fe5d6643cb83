#!/usr/bin/env python3
"""Writes into the template that `sam build` made what only the build knows, so that no deploy can answer otherwise.

    finish_build.py BUILD_DIRECTORY ARCHITECTURE [CODE_SIGNING_CONFIG_ARN]

The hash of the compiled rules, for the stack's output; the processor of the binaries, in place of the parameter that
chose it; and a code-signing configuration, if there is one: `sam deploy --guided` asks for signing profiles wherever
the property stands, even if its condition is false.

Run by the virtual environment's Python: it reads and writes YAML as `sam build` does.
"""

import json
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse


def rules_hash(build: Path) -> str:
    with (build / "RulesLayer" / "trustwarden" / "rules.json").open(encoding="utf-8") as file:
        # The first line of compiled rules is their label: {"schema":…,"hash":…,… with the rest to follow.
        return json.loads(file.readline().rstrip().rstrip(",") + "}")["hash"]


def main() -> None:
    build, architecture, *code_signing = Path(sys.argv[1]), *sys.argv[2:]
    path = build / "template.yaml"
    template = yaml_parse(path.read_text(encoding="utf-8"))
    template["Mappings"]["CompiledRules"]["Hash"]["Value"] = rules_hash(build)
    functions = template["Globals"]["Function"]
    functions["Architectures"] = [architecture]
    del template["Parameters"]["Architecture"]
    for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        group["Parameters"] = [name for name in group["Parameters"] if name != "Architecture"]
    if code_signing:
        functions["CodeSigningConfigArn"] = code_signing[0]
    path.write_text(yaml_dump(template), encoding="utf-8")
    print(f"rules {rules_hash(build)}, {architecture}")


if __name__ == "__main__":
    main()
