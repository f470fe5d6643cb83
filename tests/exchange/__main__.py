"""What `audit` writes for Security Hub and for data lakes is what their published schemas say.

    python tests/exchange --binary target/debug/trustwarden

ASFF by the model of Security Hub's API that botocore carries, OCSF by the schema of its version that
`ocsf-json-schema` carries. Run by the virtual environment's Python.
"""

import argparse
import copy
import json
import subprocess
import unittest
from pathlib import Path

import jsonschema
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

ROOT = Path(__file__).resolve().parents[2]


def audited(form: str) -> str:
    data = ROOT / "crates/cli/testdata"
    words = ["--rules", "audit/access.yaml", "--authorization-details", "audit/account.json"]
    words += ["--credential-report", "audit/credentials.csv", "--now", "2026-11-21", "--format", form]
    ran = subprocess.run([BINARY, "audit", *words], cwd=data, capture_output=True, text=True)
    assert ran.returncode == 1, ran.stderr
    return ran.stdout


class Exchange(unittest.TestCase):
    def test_security_hub_takes_every_finding(self) -> None:
        model = ServiceModel(Loader().load_service_model("securityhub", "service-2"))
        shape = model.operation_model("BatchImportFindings").input_shape

        def wrong(findings: list) -> str:
            return ParamValidator().validate({"Findings": findings}, shape).generate_report()

        findings = json.loads(audited("asff"))
        self.assertGreater(len(findings), 20)
        # It takes a hundred at once.
        for start in range(0, len(findings), 100):
            self.assertEqual(wrong(findings[start : start + 100]), "")
        other = copy.deepcopy(findings[0])
        other["Severity"]["Lable"] = "HIGH"
        del other["ProductArn"]
        self.assertIn("Lable", wrong([other]))
        self.assertIn("ProductArn", wrong([other]))

    def test_a_data_lake_takes_every_finding(self) -> None:
        lines = [json.loads(line) for line in audited("ocsf").splitlines()]
        self.assertGreater(len(lines), 20)
        version = lines[0]["metadata"]["version"]
        schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
        name = schema.lookup_class_name_from_uid(lines[0]["class_uid"])
        self.assertEqual(name, "compliance_finding")
        validator = jsonschema.Draft202012Validator(schema.get_class_schema(name, ["cloud"]))
        for line in lines:
            self.assertEqual([one.message for one in validator.iter_errors(line)], [])
        for change in ({"severity_id": 17}, {"invented": 1}, {"finding_info": {}}):
            self.assertTrue(list(validator.iter_errors({**lines[0], **change})), change)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binary", type=Path, default=ROOT / "target/debug/trustwarden")
    options, rest = arguments.parse_known_args()
    BINARY = options.binary.resolve()
    unittest.main(argv=["exchange", *rest])
