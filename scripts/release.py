#!/usr/bin/env python3
"""Makes what a release consists of. Standard library only; the same input makes the same bytes.

    release.py archive   BINARY TARGET FOLDER     the command line with README, license and examples
    release.py wheel     BINARY TARGET FOLDER     the same binary for pip, pipx and uvx
    release.py functions BUILD ARCH FOLDER        the functions that `make build` made, a zip each, in one archive
    release.py sbom      FOLDER                   all crates in it, as CycloneDX 1.5
    release.py formula   FOLDER                   for Homebrew, of the archives there
    release.py sums      FOLDER                   SHA256SUMS of all that is there
"""

import base64
import gzip
import hashlib
import io
import json
import re
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/trustwarden/trustwarden"
# What is released, and by which of pip's names each runs; `None`: found in the binary.
TARGETS: dict[str, str | None] = {
    "x86_64-unknown-linux-gnu": None,
    "x86_64-unknown-linux-musl": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
    "aarch64-unknown-linux-musl": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "aarch64-apple-darwin": "macosx_11_0_arm64",
    "x86_64-pc-windows-msvc": "win_amd64",
}
# Of an archive, beside the binary.
BESIDE = ["README.md", "CHANGELOG.md", "LICENSE", "examples"]
EPOCH = (1980, 1, 1, 0, 0, 0)


def version() -> str:
    found = re.search(r'^version = "([^"]+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M)
    assert found, "Cargo.toml has no version"
    return found[1]


def packed(entries: list[tuple[str, bytes, int]], as_zip: bool) -> bytes:
    """An archive of files by name, content and mode."""
    out = io.BytesIO()
    if as_zip:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content, mode in entries:
                info = zipfile.ZipInfo(name, EPOCH)
                info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
                info.external_attr = (stat.S_IFREG | mode) << 16
                archive.writestr(info, content)
        return out.getvalue()
    with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for name, content, mode in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def write(folder: str, name: str, content: bytes) -> None:
    path = Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(path)


def program(target: str) -> str:
    return "trustwarden.exe" if "windows" in target else "trustwarden"


def archive(binary: str, target: str, folder: str) -> None:
    inside = f"trustwarden-{version()}-{target}"
    entries = [(f"{inside}/{program(target)}", Path(binary).read_bytes(), 0o755)]
    for name in BESIDE:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            mode = 0o755 if file.suffix == ".sh" else 0o644
            entries.append((f"{inside}/{file.relative_to(ROOT).as_posix()}", file.read_bytes(), mode))
    as_zip = "windows" in target
    write(folder, f"{inside}{'.zip' if as_zip else '.tar.gz'}", packed(entries, as_zip))


def platform_of(target: str, binary: bytes) -> str:
    known = TARGETS[target]
    if known:
        return known
    # The newest version of a symbol of glibc is the oldest glibc that it runs with.
    needed = max((int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", binary))
    return f"manylinux_{needed[0]}_{needed[1]}_{target.split('-')[0]}"


def wheel(binary: str, target: str, folder: str) -> None:
    content = Path(binary).read_bytes()
    tag = f"py3-none-{platform_of(target, content)}"
    name = f"trustwarden-{version()}"
    about = f"""Metadata-Version: 2.4
Name: trustwarden
Version: {version()}
Summary: Who outside can assume roles in your AWS account, and do your access rules allow it?
License-Expression: Apache-2.0
License-File: LICENSE
Project-URL: Repository, {REPOSITORY}
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{(ROOT / "README.md").read_text(encoding="utf-8")}"""
    tags = "".join(f"Tag: py3-none-{one}\n" for one in tag.removeprefix("py3-none-").split("."))
    entries = [
        (f"{name}.data/scripts/{program(target)}", content, 0o755),
        (f"{name}.dist-info/licenses/LICENSE", (ROOT / "LICENSE").read_bytes(), 0o644),
        (f"{name}.dist-info/METADATA", about.encode(), 0o644),
        (f"{name}.dist-info/WHEEL", f"Wheel-Version: 1.0\nGenerator: release.py\nRoot-Is-Purelib: false\n{tags}".encode(), 0o644),
    ]
    record = ""
    for file, text, _ in entries:
        digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text)}\n"
    entries.append((f"{name}.dist-info/RECORD", f"{record}{name}.dist-info/RECORD,,\n".encode(), 0o644))
    write(folder, f"{name}-{tag}.whl", packed(entries, True))


def functions(build: str, arch: str, folder: str) -> None:
    zips = []
    for bootstrap in sorted(Path(build).glob("*/bootstrap")):
        code = packed([("bootstrap", bootstrap.read_bytes(), 0o755)], True)
        zips.append((f"{bootstrap.parent.name}.zip", code, 0o644))
    assert zips, f"{build} has no functions: make build ARCH={arch}"
    sums = "".join(f"{hashlib.sha256(code).hexdigest()}  {name}\n" for name, code, _ in zips)
    zips.append(("SHA256SUMS", sums.encode(), 0o644))
    write(folder, f"trustwarden-{version()}-functions-{arch}.tar.gz", packed(zips, False))


def sbom(folder: str) -> None:
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    shipped, open_ = set(), [one["id"] for one in metadata["packages"] if one["name"] == "trustwarden" or "/functions/" in one["manifest_path"]]
    while open_:
        name = open_.pop()
        if name in shipped:
            continue
        shipped.add(name)
        # What only tests and benchmarks need is not shipped.
        open_ += [one["pkg"] for one in nodes[name]["deps"] if any(kind["kind"] != "dev" for kind in one["dep_kinds"])]
    locked = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]+)"', (ROOT / "Cargo.lock").read_text())
    sums = {(name, number): sum_ for name, number, sum_ in locked}
    components = []
    for package in sorted((packages[one] for one in shipped), key=lambda one: (one["name"], one["version"])):
        component = {
            "type": "library", "name": package["name"], "version": package["version"],
            "purl": f"pkg:cargo/{package['name']}@{package['version']}",
        }
        if package["license"]:
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if (package["name"], package["version"]) in sums:
            component["hashes"] = [{"alg": "SHA-256", "content": sums[package["name"], package["version"]]}]
        components.append(component)
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "name": "trustwarden", "version": version()}},
        "components": components,
    }
    write(folder, "trustwarden.cdx.json", (json.dumps(document, indent=1) + "\n").encode())


def formula(folder: str) -> None:
    def part(target: str) -> str:
        file = Path(folder, f"trustwarden-{version()}-{target}.tar.gz")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return f'url "{REPOSITORY}/releases/download/v{version()}/{file.name}"\n      sha256 "{digest}"'

    def on(system: str, parts: list[tuple[str, str]]) -> str:
        there = [(cpu, target) for cpu, target in parts if Path(folder, f"trustwarden-{version()}-{target}.tar.gz").exists()]
        inner = "".join(f"    on_{cpu} do\n      {part(target)}\n    end\n" for cpu, target in there)
        return f"  on_{system} do\n{inner}  end\n" if inner else ""

    systems = on("macos", [("arm", "aarch64-apple-darwin")]) + on(
        "linux", [("arm", "aarch64-unknown-linux-musl"), ("intel", "x86_64-unknown-linux-musl")]
    )
    text = f'''class Trustwarden < Formula
  desc "Who outside can assume roles in your AWS account, and do your rules allow it?"
  homepage "{REPOSITORY}"
  version "{version()}"
  license "Apache-2.0"

{systems}
  def install
    bin.install "trustwarden"
    pkgshare.install "examples"
    generate_completions_from_executable(bin/"trustwarden", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/trustwarden --version")
  end
end
'''
    write(folder, "trustwarden.rb", text.encode())


def sums(folder: str) -> None:
    lines = []
    for file in sorted(Path(folder).iterdir()):
        if file.name != "SHA256SUMS":
            lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    write(folder, "SHA256SUMS", "".join(lines).encode())


def main() -> None:
    commands = {one.__name__: one for one in (archive, wheel, functions, sbom, formula, sums)}
    name, *arguments = sys.argv[1:] or [""]
    if name not in commands:
        sys.exit(__doc__)
    commands[name](*arguments)


if __name__ == "__main__":
    main()
