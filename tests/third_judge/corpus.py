"""The project's own trust policies, as cases for the third judge."""

from pathlib import Path
from typing import Any, Iterator

from ruamel.yaml import YAML
from ruamel.yaml.resolver import VersionedResolver

FOLDER = Path(__file__).resolve().parents[2] / "crates/policy/testdata/trust"
OWN, ORGANIZATION, NOW = "111122223333", "o-own1234567", "2026-11-21T00:00:00Z"


class Resolver(VersionedResolver):
    """YAML 1.2, in which a date is a text."""

    def add_version_implicit_resolver(self, version: Any, tag: str, regexp: Any, first: Any) -> None:
        if not tag.endswith(":timestamp"):
            super().add_version_implicit_resolver(version, tag, regexp, first)


def cases(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    reader = YAML(typ="safe", pure=True)
    reader.Resolver = Resolver
    for path in sorted(folder.glob("*.yaml")):
        for case in reader.load(path):
            yield {
                "id": f"{path.stem} {case['id']}",
                "account": case.get("own_account", OWN),
                "organization": case.get("own_organization", ORGANIZATION),
                "now": case.get("now", NOW),
                "policy": case["policy"],
            }
