"""The managed policies of AWS that the account knows. moto has all of them, a second's work for each new account, and
switched off has none; these few are what the demo and the tests attach."""

from __future__ import annotations

import functools
import json

from moto.iam import models

_NAMES = ("AdministratorAccess", "ReadOnlyAccess", "SecurityAudit")


@functools.cache
def _known() -> dict[str, dict]:
    everything = json.loads(models.aws_managed_policies_data)
    return {name: everything[name] for name in _NAMES}


def _init_aws_policies(self: models.IAMBackend) -> list[models.ManagedPolicy]:
    return [
        models.AWSManagedPolicy.from_data(name, self.account_id, self.region_name, policy)
        for name, policy in _known().items()
    ]


def install() -> None:
    models.IAMBackend._init_aws_policies = _init_aws_policies
