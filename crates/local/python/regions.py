"""The regions of an account: moto knows all of AWS's, and not which of them somebody enabled."""

from __future__ import annotations

import json

from moto.account import urls
from moto.account.responses import AccountResponse

import deploy

_enabled: dict[str, list[str]] = {}


def enable(account: str, regions: list[str]) -> dict:
    """These are enabled, beside the one in which the guard is deployed."""
    _enabled[account] = regions
    return {}


def _list_regions(self) -> str:
    names = [deploy.REGION, *_enabled.get(self.current_account, [])]
    return json.dumps({"Regions": [{"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for name in names]})


def install() -> None:
    AccountResponse.list_regions = _list_regions
    urls.url_paths["{0}/listRegions$"] = AccountResponse.dispatch
