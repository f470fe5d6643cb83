#!/usr/bin/env python3
"""Deploys released functions without a compiler: uploads their zips, and pins them in the template.

    pin_functions.py ARCHIVE BUCKET OUTPUT     ARCHIVE as trustwarden-0.1.0-functions-arm64.tar.gz

`make verify-release` comes first: it checks who built the archive. Here each zip is held against the archive's
SHA256SUMS, uploaded with that SHA-256 (S3 refuses other bytes) to BUCKET, which must keep versions, and OUTPUT is
template.yaml with each function's bucket, key and version in place of its build. Rules come as RulesLayerArn
(`trustwarden rules publish`). Run by the virtual environment's Python; calls the AWS CLI with your credentials.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parent.parent


def aws(*words: str) -> dict:
    ran = subprocess.run(["aws", *words, "--output", "json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout or "{}")


def unpacked(archive: Path) -> dict[str, bytes]:
    """The zips of an archive, each as its own list of hashes says."""
    with tarfile.open(archive) as packed:
        files = {one.name: packed.extractfile(one).read() for one in packed if one.isfile()}
    listed = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    wrong = [name for name in files.keys() | listed.keys() if listed.get(name) != hashlib.sha256(files.get(name, b"")).hexdigest()]
    if wrong:
        sys.exit(f"not as SHA256SUMS says: {', '.join(sorted(wrong))}")
    return files


def uploaded(bucket: str, prefix: str, name: str, code: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        answer = aws("s3api", "put-object", "--bucket", bucket, "--key", f"{prefix}/{name}", "--body", file.name, "--checksum-sha256", digest)
    if answer.get("ChecksumSHA256") != digest or answer.get("VersionId", "null") == "null":
        sys.exit(f"{bucket} keeps no versions, or took other bytes of {name}: nothing is pinned")
    return {"Bucket": bucket, "Key": f"{prefix}/{name}", "Version": answer["VersionId"]}


def pinned(template: dict, architecture: str, places: dict[str, dict[str, str]], sums: dict[str, str]) -> dict:
    del template["Globals"]["Function"]["CodeUri"], template["Resources"]["RulesLayer"]
    template["Globals"]["Function"]["Architectures"] = [architecture]
    del template["Parameters"]["Architecture"]
    for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        group["Parameters"] = [name for name in group["Parameters"] if name != "Architecture"]
    rules = template["Parameters"]["RulesLayerArn"]
    del rules["Default"]
    rules["AllowedPattern"] = rules["AllowedPattern"].removeprefix("^$|")
    # No rules are built, so a layer is always named.
    template["Globals"]["Function"]["Layers"] = [template["Globals"]["Function"]["Layers"][0]["Fn::If"][1]]
    template["Outputs"]["RulesLayer"]["Value"] = {"Ref": "RulesLayerArn"}
    template["Outputs"]["RulesHash"]["Value"] = template["Outputs"]["RulesHash"]["Value"]["Fn::If"][1]
    for name in ("RulesApart", "RulesBuilt"):
        del template["Conditions"][name]
    del template["Mappings"]["CompiledRules"]
    if not template["Mappings"]:
        del template["Mappings"]
    template["Metadata"]["ReleasedFunctions"] = {name: {"SHA256": sum_} for name, sum_ in sums.items()}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            del resource["Metadata"]
            resource["Properties"]["CodeUri"] = places[name]
    return template


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    archive, bucket, output = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    named = re.fullmatch(r"trustwarden-(.+)-functions-(arm64|x86_64)\.tar\.gz", archive.name)
    if not named:
        sys.exit(f"{archive.name} is no archive of released functions")
    zips = unpacked(archive)
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    functions = {n for n, r in template["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
    if functions != {name.removesuffix(".zip") for name in zips}:
        sys.exit(f"the template has {sorted(functions)}, the archive {sorted(zips)}: check out the release's tag")
    places, sums = {}, {}
    for name, code in sorted(zips.items()):
        places[name.removesuffix(".zip")] = uploaded(bucket, f"trustwarden/{named[1]}/{named[2]}", name, code)
        sums[name.removesuffix(".zip")] = hashlib.sha256(code).hexdigest()
    output.write_text(yaml_dump(pinned(template, named[2], places, sums)), encoding="utf-8")
    print(f"{output}: deploy it with sam deploy --guided --template-file {output}")


if __name__ == "__main__":
    main()
