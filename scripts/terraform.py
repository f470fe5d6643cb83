#!/usr/bin/env python3
"""Writes terraform/variables.tf and terraform/outputs.tf from template.yaml: a variable a parameter, an output an output.

Run by the virtual environment's Python, after each change of either.
"""

import re
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
MADE = "# Made by scripts/terraform.py from template.yaml.\n"
# What the module says itself: by the zips, and by the layer that it makes.
OWN = {"Architecture", "RulesLayerArn"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def quoted(text: object) -> str:
    """As HCL writes a text, on one line."""
    plain = " ".join(str(text).split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{") + '"'


def literal(value: object, number: bool) -> str:
    return str(value) if number else quoted(value)


def variable(name: str, parameter: dict) -> str:
    number, own = parameter["Type"] == "Number", f"var.{snake(name)}"
    block = [
        f'variable "{snake(name)}" {{',
        f"  type        = {'number' if number else 'string'}",
        f"  default     = {literal(parameter['Default'], number)}",
        f"  description = {quoted(parameter['Description'])}",
    ]
    tests = []
    if "AllowedValues" in parameter:
        values = ", ".join(literal(value, number) for value in parameter["AllowedValues"])
        tests.append((f"contains([{values}], {own})", f"One of {', '.join(map(str, parameter['AllowedValues']))}."))
    if "AllowedPattern" in parameter:
        pattern = parameter["AllowedPattern"]
        tests.append((f"can(regex({quoted(pattern)}, {own}))", f"It must match {pattern}."))
    for condition, otherwise in tests:
        block += ["", "  validation {", f"    condition     = {condition}", f"    error_message = {quoted(otherwise)}", "  }"]
    return "\n".join([*block, "}\n"])


def variables(template: dict) -> str:
    named = {name: parameter for name, parameter in template["Parameters"].items() if name not in OWN}
    width = max(map(len, named))
    parameters = "\n".join(f"    {name:<{width}} = var.{snake(name)}" for name in named)
    given = f"locals {{\n  parameters = {{\n{parameters}\n  }}\n}}\n"
    return "\n".join([MADE, *(variable(*one) for one in named.items()), given])


def outputs(template: dict) -> str:
    blocks = [
        f'output "{snake(name)}" {{\n  description = {quoted(output["Description"])}\n'
        # An output whose condition does not hold is not there.
        f'  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "{name}", null)\n}}\n'
        for name, output in template["Outputs"].items()
    ]
    return "\n".join([MADE, *blocks])


def main() -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for name, text in (("variables.tf", variables(template)), ("outputs.tf", outputs(template))):
        (ROOT / "terraform" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
