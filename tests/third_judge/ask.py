"""The questions that are asked of a document, and what z3 answers."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Callable, Iterator

import z3

from formula import MANY, allows, exactly, fits
from fragment import Document
from request import AwsRequest, FederatedRequest, Request, ServiceRequest, Setting
from values import Arn, among

CALLERS = ["role", "user"]
LIBERAL_CALLERS = ["role", "user", "federated-user"]
# No broader than these a network may stand for its owner.
NARROW = {4: 8, 6: 32}


class Unknown(Exception):
    """z3 gave up."""


@dataclass(frozen=True)
class Found:
    """Whether some request is allowed, and one that is."""

    open: bool
    request: dict[str, Any] | None = None


Wish = Callable[[Any], list[z3.BoolRef]]


class Judge:
    def __init__(self, document: Document, setting: Setting, limit: int):
        self.document, self.setting, self.limit = document, setting, limit

    def try_out(self) -> None:
        """Writes down every formula once, so that what is outside the fragment shows."""
        requests: list[Request] = [ServiceRequest(self.document, self.setting, True, None)]
        requests += self.aws(None, True)
        requests += [FederatedRequest(self.document, self.setting, True, p) for p in self.document.principals("Federated")]
        for request in requests:
            allows(self.document, request)

    # -- requests

    def is_open(self, requests: Iterator[Request], wish: Wish = lambda request: []) -> Found:
        unknown = False
        for request in requests:
            formula = allows(self.document, request)
            if z3.is_false(z3.simplify(formula)):
                continue
            wished = wish(request)
            solver = z3.SimpleSolver()
            # A limit of work and not of time: the same on every machine.
            solver.set("rlimit", self.limit)
            # What was wished may have made variables.
            solver.add(formula, *wished, *request.bounds)
            answer = solver.check()
            if answer == z3.sat:
                return Found(True, shown(request, solver.model()))
            unknown |= answer == z3.unknown
        if unknown:
            raise Unknown
        return Found(False)

    def aws(self, account: str | None, liberal: bool) -> Iterator[Request]:
        for caller in LIBERAL_CALLERS if liberal else CALLERS:
            yield AwsRequest(self.document, self.setting, liberal, caller, account)

    # -- questions

    def account(self, account: str, liberal: bool, wish: Wish = lambda request: []) -> Found:
        return self.is_open(self.aws(account, liberal), wish)

    def unnamed_account(self, liberal: bool, wish: Wish = lambda request: []) -> Found:
        return self.is_open(self.aws(None, liberal), wish)

    def service(self, service: str | None, liberal: bool, wish: Wish = lambda request: []) -> Found:
        return self.is_open(iter([ServiceRequest(self.document, self.setting, liberal, service)]), wish)

    def provider(self, provider: str, liberal: bool, wish: Wish = lambda request: []) -> Found:
        return self.is_open(iter([FederatedRequest(self.document, self.setting, liberal, provider)]), wish)

    def public(self, liberal: bool) -> Found:
        """An account that is not named, of an organization that is not, by an id that is not, from a
        network that is not."""
        blocks = self.blocks() if "aws:sourceip" in self.document.keys() else [[None]]
        for block in blocks:
            found = [self.unnamed_account(liberal, lambda r: self.unrestricted(r, part)) for part in block]
            if all(one.open for one in found):
                return found[0]
        return Found(False)

    def unrestricted(self, request: AwsRequest, part: tuple[Any, Any] | None) -> list[z3.BoolRef]:
        keys, wished = self.document.keys(), []
        named = {*self.document.organizations(), self.setting.organization} - {None}
        if keys & {"aws:principalorgid", "aws:principalorgpaths"}:
            wished.append(z3.Not(among(request.organization, sorted(named))))
        if request.caller != "federated-user":
            for one in self.document.unique_ids():
                wished.append(z3.Not(fits(request.unique_id, [*exactly(one), MANY])))
        for key, pattern in (("aws:sourcevpc", r"vpc-[0-9a-f]+"), ("aws:sourcevpce", r"vpce-[0-9a-f]+")):
            if key in keys:
                network = request.key(key)
                wished.append(z3.Not(among(network.slots[0][1], self.document.named(pattern))))
        if "aws:sourceip" in keys:
            here = request.key("aws:sourceip").present
            wished.append(z3.Not(here) if part is None else z3.And(here, self.inside(request, part)))
        return wished

    def inside(self, request: Request, part: tuple[Any, Any]) -> z3.BoolRef:
        low, high = part
        address = request.address
        if isinstance(low, IPv4Address):
            return z3.And(address.is_v4, z3.ULE(int(low), address.v4), z3.ULE(address.v4, int(high)))
        return z3.And(z3.Not(address.is_v4), z3.ULE(int(low), address.v6), z3.ULE(address.v6, int(high)))

    def blocks(self) -> Iterator[list[Any]]:
        """What would be too broad a network to stand for its owner, each cut where the document cuts
        it: without an address, and every /7 (IPv4) or /31 (IPv6) that may be whole."""
        yield [None]
        networks = self.document.networks()
        for version, kind in ((4, IPv4Address), (6, IPv6Address)):
            width = {4: 32, 6: 128}[version]
            size = 1 << (width - NARROW[version] + 1)
            cuts = {0, 1 << width}
            for one in networks:
                if one.version == version:
                    cuts |= {int(one.network_address), int(one.broadcast_address) + 1}
            edges = sorted(cuts)
            seen = set()
            for start in sorted({(edge // size + step) * size for edge in edges for step in (-1, 0, 1)}):
                if not 0 <= start < 1 << width:
                    continue
                inner = [start, *(e for e in edges if start < e < start + size), start + size]
                if all(any(one.prefixlen >= NARROW[version] and kind(a) in one for one in networks) for a in inner[:-1]):
                    continue  # Neighbors that the document lists, each narrow enough.
                # Blocks that the document cuts alike are alike.
                alike = tuple(one for one in networks if any(kind(a) in one for a in inner[:-1]))
                if alike in seen:
                    continue
                seen.add(alike)
                yield [(kind(a), kind(b - 1)) for a, b in zip(inner, inner[1:])]


def shown(request: Request, model: z3.ModelRef) -> dict[str, Any]:
    """A model as the request that `trustwarden simulate` takes."""

    def text(value: z3.ExprRef) -> str:
        return model.eval(value, model_completion=True).as_string()

    def true(value: z3.BoolRef) -> bool:
        return z3.is_true(model.eval(value, model_completion=True))

    context: dict[str, list[str]] = {}
    for name, key in sorted(request.keys.items()):
        found = []
        for used, value in key.slots:
            if not true(used):
                continue
            if key.kind == "bool":
                found.append("true" if true(value) else "false")
            elif key.kind == "address":
                at = value.v4 if true(value.is_v4) else value.v6
                number = model.eval(at, model_completion=True).as_long()
                found.append(str(IPv4Address(number) if at is value.v4 else IPv6Address(number)))
            elif key.kind in ("time", "number"):
                found.append(str(model.eval(value, model_completion=True).as_long()))
            else:
                found.append(text((value.whole if isinstance(value, Arn) else value).whole))
        if found:
            context[name] = found
    if "path_and_name" in vars(request):
        context["aws:principalarn"] = [text(request.arn.whole.whole)]
    return {"principal": caller(request, text), "action": request.action, "context": context}


def caller(request: Request, text: Callable[[z3.ExprRef], str]) -> dict[str, str]:
    if isinstance(request, ServiceRequest):
        return {"type": "Service", "value": text(request.service.whole)}
    if isinstance(request, FederatedRequest):
        return {"type": "Federated", "value": request.provider}
    assert isinstance(request, AwsRequest)

    def of(part: str, otherwise: str) -> str:
        """What the formula never asked for may be anything."""
        return text(getattr(request, part)) if part in vars(request) else otherwise

    account, name = text(request.account.whole), of("name", "any-name")
    whole = text(request.path_and_name.whole) if "path_and_name" in vars(request) else name
    if request.caller == "role":
        name = whole.rpartition("/")[2]
        return {"type": "AWS", "value": f"arn:aws:sts::{account}:assumed-role/{name}/{of('session', 'any-session')}"}
    if request.caller == "user":
        return {"type": "AWS", "value": f"arn:aws:iam::{account}:user/{whole}"}
    return {"type": "AWS", "value": f"arn:aws:sts::{account}:federated-user/{name}"}
