"""Principals that are gone. IAM keeps their unique id where they stood in trust policies, and refuses both their name
and that id in a policy that is written from then on. moto knows neither.
"""

from __future__ import annotations

import hashlib
import json

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend, Role, iam_backends

_gone: dict[str, dict[str, str]] = {}


def bury(account: str, principal: str) -> str:
    """Deletes a principal of whatever account, as this account's IAM sees it; its unique id."""
    kind = "AROA" if ":role/" in principal else "AIDA"
    unique_id = kind + hashlib.sha256(principal.encode()).hexdigest()[:17].upper()
    _gone.setdefault(account, {})[principal] = unique_id
    for role in iam_backends[account]["aws"].roles.values():
        document = role.assume_role_policy_document
        role.assume_role_policy_document = document.replace(json.dumps(principal), json.dumps(unique_id))
    return unique_id


def _refuse(account: str, document: str) -> None:
    for principal, unique_id in _gone.get(account, {}).items():
        for name in (principal, unique_id):
            if json.dumps(name) in document:
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{name}"')


def _checked(original):
    def update_assume_role_policy(self: IAMBackend, role_name: str, policy_document: str) -> None:
        _refuse(self.account_id, policy_document)
        original(self, role_name, policy_document)

    return update_assume_role_policy


def _as_text(original):
    """CloudFormation hands a role's inline policies over as objects; IAM lists them as text."""

    def put_policy(self: Role, policy_name: str, policy_json: str | dict) -> None:
        text = policy_json if isinstance(policy_json, str) else json.dumps(policy_json)
        original(self, policy_name, text)

    return put_policy


def install() -> None:
    Role.put_policy = _as_text(Role.put_policy)
    IAMBackend.update_assume_role_policy = _checked(IAMBackend.update_assume_role_policy)
