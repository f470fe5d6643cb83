"""Released functions are deployed as they were built: what is pinned is what was listed and uploaded.

Run by the virtual environment's Python: `.venv/bin/python tests/released`.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
import boto3

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import pin_functions  # noqa: E402
import release  # noqa: E402

# The AWS CLI, as far as it is called: S3 refuses bytes that do not have the hash that is said.
AWS = f"""#!{sys.executable}
import base64, hashlib, json, os, sys
words = sys.argv[1:]
assert words[:2] == ["s3api", "put-object"], words
body = open(words[words.index("--body") + 1], "rb").read()
digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
assert words[words.index("--checksum-sha256") + 1] == digest
version = {{}} if os.environ.get("UNVERSIONED") else {{"VersionId": "v" + hashlib.sha256(body).hexdigest()[:8]}}
print(json.dumps({{"ChecksumSHA256": digest, **version}}))
"""


class Released(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        template = yaml_parse((ROOT / "template.yaml").read_text())
        self.functions = [n for n, r in template["Resources"].items() if r["Type"] == "AWS::Serverless::Function"]
        for name in self.functions:
            (self.folder / "build" / name).mkdir(parents=True)
            (self.folder / "build" / name / "bootstrap").write_text(f"code of {name}")
        release.functions(str(self.folder / "build"), "x86_64", str(self.folder))
        self.archive = self.folder / f"trustwarden-{release.version()}-functions-x86_64.tar.gz"
        (self.folder / "aws").write_text(AWS)
        (self.folder / "aws").chmod(0o755)

    def pin(self, **environment: str) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join([str(self.folder), os.environ["PATH"]])
        return subprocess.run(
            [sys.executable, ROOT / "scripts/pin_functions.py", self.archive, "bucket", self.folder / "pinned.yaml"],
            env={**os.environ, "PATH": paths, **environment}, capture_output=True, text=True,
        )

    def test_each_function_is_the_version_that_was_uploaded(self) -> None:
        ran = self.pin()
        self.assertEqual(ran.returncode, 0, ran.stderr)
        template = yaml_parse((self.folder / "pinned.yaml").read_text())
        hashes = template["Metadata"]["ReleasedFunctions"]
        for name in self.functions:
            code = template["Resources"][name]["Properties"]["CodeUri"]
            self.assertEqual(code["Version"], "v" + hashes[name]["SHA256"][:8])
            self.assertEqual(code["Key"], f"trustwarden/{release.version()}/x86_64/{name}.zip")
        self.assertEqual(template["Globals"]["Function"]["Architectures"], ["x86_64"])
        # What CloudFormation gets differs from the built stack in code and layer alone.
        def translated(text: dict, parameters: dict) -> dict:
            session = boto3.session.Session(region_name="us-east-1")
            given = {k: v.get("Default", "") for k, v in text["Parameters"].items()} | parameters
            return Translator({}, Parser(), boto_session=session).translate(text, given)["Resources"]

        own = yaml_parse((ROOT / "template.yaml").read_text())
        own["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
        own["Resources"]["RulesLayer"]["Properties"]["ContentUri"] = "s3://bucket/key"
        layer = {"RulesLayerArn": "arn:aws:lambda:us-east-1:111122223333:layer:rules:1"}
        built, pinned = translated(own, layer), translated(template, layer)
        self.assertEqual({n for n in built if not n.startswith("RulesLayer")}, set(pinned))
        for name, resource in pinned.items():
            for one in (resource, built[name]):
                # How it is built, which CloudFormation passes over.
                one.pop("Metadata", None)
                if resource["Type"] == "AWS::Lambda::Function":
                    for built_in in ("Code", "Layers", "Architectures"):
                        one["Properties"].pop(built_in)
            self.assertEqual(json.dumps(resource, sort_keys=True), json.dumps(built[name], sort_keys=True), name)

    def test_other_bytes_and_a_bucket_without_versions_are_refused(self) -> None:
        self.assertIn("keeps no versions", self.pin(UNVERSIONED="1").stderr)
        with tarfile.open(self.archive) as packed:
            files = {one.name: packed.extractfile(one).read() for one in packed}
        for name, code in (("RoleTrust.zip", b"other code"), ("Added.zip", b"more code")):
            with self.subTest(name), tarfile.open(self.archive, "w:gz") as packed:
                for file, content in {**files, name: code}.items():
                    info = tarfile.TarInfo(file)
                    info.size = len(content)
                    packed.addfile(info, io.BytesIO(content))
            ran = self.pin()
            self.assertIn(f"not as SHA256SUMS says: {name}", ran.stderr)
            self.assertFalse((self.folder / "pinned.yaml").exists())

    def test_the_same_build_makes_the_same_archive(self) -> None:
        before = self.archive.read_bytes()
        release.functions(str(self.folder / "build"), "x86_64", str(self.folder))
        self.assertEqual(self.archive.read_bytes(), before)
        self.assertEqual(set(pin_functions.unpacked(self.archive)), {f"{name}.zip" for name in self.functions})


if __name__ == "__main__":
    unittest.main()
