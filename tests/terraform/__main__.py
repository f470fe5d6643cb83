"""The Terraform module deploys what template.yaml says: its HCL is parsed and held to the translated template.

Run by the virtual environment's Python: `.venv/bin/python tests/terraform`. Terraform's provider is not needed.
"""

import json
import re
import sys
import unittest
from pathlib import Path

import boto3
import hcl2
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import terraform  # noqa: E402


def plain(value):
    """HCL's values without the quotes that the parser leaves, and without its own keys."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items() if not k.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return json.loads(value.replace("$${", "${"))
    return value


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.template = yaml_parse((ROOT / "template.yaml").read_text())
        cls.blocks: dict[str, dict] = {}
        for file in sorted((ROOT / "terraform").glob("*.tf")):
            for kind, blocks in plain(hcl2.loads(file.read_text())).items():
                for block in blocks:
                    cls.blocks.setdefault(kind, {}).update(
                        {f"{k}.{n}" if kind in ("resource", "data") else k: b for k, v in block.items()
                         for n, b in (v.items() if kind in ("resource", "data") else [("", v)])}
                    )

    def test_what_is_made_of_the_template_is_as_the_template_is(self) -> None:
        for name, made in (("variables.tf", terraform.variables), ("outputs.tf", terraform.outputs)):
            self.assertEqual((ROOT / "terraform" / name).read_text(), made(self.template), "run scripts/terraform.py")

    def test_every_parameter_is_a_variable_and_reaches_the_stack(self) -> None:
        passed = self.blocks["locals"]["parameters"]
        stack = self.blocks["resource"]["aws_cloudformation_stack.trustwarden"]
        self.assertIn("merge(local.parameters", stack["parameters"])
        given = set(passed) | set(re.findall(r"(\w+) *= *aws_lambda_layer_version\.rules\.arn", stack["parameters"]))
        self.assertEqual(given, set(self.template["Parameters"]) - {"Architecture"})
        for name, value in passed.items():
            parameter = self.template["Parameters"][name]
            variable = self.blocks["variable"][value.strip("${}").removeprefix("var.")]
            self.assertEqual(variable["default"], parameter["Default"], name)
            conditions = [one["condition"] for one in variable.get("validation", [])]
            for allowed in parameter.get("AllowedValues", []):
                self.assertTrue(any(str(allowed) in one for one in conditions), f"{name}: {allowed}")
            self.assertEqual("AllowedPattern" in parameter, any("regex(" in one for one in conditions), name)

    def test_the_module_makes_the_stack_the_layer_and_no_permission(self) -> None:
        resources = self.blocks["resource"]
        self.assertEqual(
            set(resources),
            {"aws_cloudformation_stack.trustwarden", "aws_lambda_layer_version.rules", "aws_s3_object.template"},
        )
        layer = self.template["Resources"]["RulesLayer"]["Properties"]
        made = resources["aws_lambda_layer_version.rules"]
        self.assertEqual(made["compatible_runtimes"], layer["CompatibleRuntimes"])
        self.assertEqual(made["description"], layer["Description"])
        self.assertEqual(made["layer_name"].replace("var.stack_name", "AWS::StackName"), layer["LayerName"]["Fn::Sub"])

    def test_the_stack_may_make_exactly_what_the_translated_template_has(self) -> None:
        self.template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
        self.template["Resources"]["RulesLayer"]["Properties"]["ContentUri"] = "s3://bucket/key"
        parameters = {name: one["Default"] for name, one in self.template["Parameters"].items()}
        parameters["RulesLayerArn"] = "arn:aws:lambda:us-east-1:111122223333:layer:trustwarden-rules:1"
        session = boto3.session.Session(region_name="us-east-1")
        translated = Translator({}, Parser(), boto_session=session).translate(self.template, parameters)
        roles = [one for one in translated["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
        named = any("RoleName" in one["Properties"] for one in roles)
        # Roles, and a transform: what a deploy must own up to, and no more.
        needed = {"CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
        stack = self.blocks["resource"]["aws_cloudformation_stack.trustwarden"]
        self.assertEqual(set(stack["capabilities"]), needed)
        self.assertGreater(len(roles), 5)
        outputs = {block["value"].split('"')[1] for block in self.blocks["output"].values()}
        self.assertEqual(outputs, set(translated["Outputs"]))
        regions = self.template["Rules"]["HomeRegion"]["Assertions"][0]["Assert"]["Fn::Contains"][0]
        guarded = stack["lifecycle"][0]["precondition"][0]["condition"]
        self.assertEqual(re.findall(r'"([a-z0-9-]+)"', guarded), regions)


if __name__ == "__main__":
    unittest.main()
