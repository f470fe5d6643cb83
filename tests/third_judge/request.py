"""Which requests there can be: the caller and the keys that AWS sets for it, as an SMT formula.

Every fact has its source in README.md. Where AWS does not say whether a key is set, two worlds are
asked: in the strict one it is as far as AWS's examples imply, in the liberal one both may be.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Callable

import z3

from fragment import Document, LeftOut
from values import ANY, BELOW, DIGITS, FALSE, PRINTABLE, TRUE, Address, Arn, Key, Piece, Text
from values import absent, among, chain, many, text_of

NAME = "[A-Za-z0-9_+=,.@-]"
PARTITIONS = ("aws", "aws-us-gov", "aws-cn")
GITHUB = "token.actions.githubusercontent.com"
GITHUB_CLAIMS = (
    "aud sub actor actor_id repository repository_id repository_owner_id enterprise_id environment "
    "job_workflow_ref ref workflow"
).split()
# The claims by which a provider's keys are known; any other provider of OpenID Connect has `aud`,
# `sub` and `amr`.
CLAIMS = {
    GITHUB: GITHUB_CLAIMS,
    "accounts.google.com": ["aud", "oaud", "sub"],
    "cognito-identity.amazonaws.com": ["aud", "sub", "amr"],
    "graph.facebook.com": ["app_id", "id"],
    "www.amazon.com": ["app_id", "user_id"],
}
SAML_CLAIMS = ["aud", "iss", "sub", "sub_type", "namequalifier", "doc"]


class Request:
    """One unknown request of one kind of caller. Variables are made, and bound, when asked for."""

    action = "sts:AssumeRole"

    def __init__(self, document: Document, setting: "Setting", liberal: bool):
        self.document, self.setting, self.liberal = document, setting, liberal
        self.bounds: list[z3.BoolRef] = []
        self.keys: dict[str, Key] = {}

    # Variables

    def string(self, name: str, universe: z3.ReRef | None = None) -> z3.SeqRef:
        variable = z3.String(name)
        self.bounds.append(z3.InRe(variable, ANY if universe is None else universe))
        return variable

    def text(self, name: str, when: str, universe: z3.ReRef | None = None, kind: str = "text") -> Key:
        """A key of one text. `when`: always, maybe, never, or these with `?` where AWS does not say."""
        present = self.presence(name, when)
        if z3.is_false(present):
            return absent(kind)
        length = 12 if universe is DIGITS else None
        return Key(kind, present, [(present, text_of(Piece(self.string(name, universe), length)))])

    def presence(self, name: str, when: str) -> z3.BoolRef:
        if when.endswith("?"):
            when = "maybe" if self.liberal else when[:-1]
        if when == "maybe":
            return z3.Bool(f"has {name}")
        return TRUE if when == "always" else FALSE

    def boolean(self, name: str, when: str, value: bool | None = None) -> Key:
        present = self.presence(name, when)
        return Key("bool", present, [(present, z3.Bool(name) if value is None else z3.BoolVal(value))])

    # Keys

    def key(self, name: str) -> Key:
        if name not in self.keys:
            self.keys[name] = self.made(name)
        return self.keys[name]

    def made(self, name: str) -> Key:
        own = self.own_key(name)
        if own is not None:
            return own
        prefix, _, rest = name.partition("/")
        if rest and prefix == "aws:requesttag":
            return self.request_tag(name)
        if rest and prefix == "aws:principaltag":
            return self.text(name, "maybe" if self.signed == "always" else self.signed)
        made = self.KEYS.get(name)
        if made is None:
            issuer = name.rpartition(":")[0]
            if issuer == "saml" or issuer.split("/")[0].count("."):
                return absent()  # a claim of another provider
            raise LeftOut(f"the key {prefix}")
        return made(self)

    # Of a signed request of an AWS principal; of others AWS does not say that they are never there.
    signed = "never?"

    def own_key(self, name: str) -> Key | None:
        raise NotImplementedError

    @cached_property
    def moment(self) -> z3.ArithRef:
        moment = z3.Int("moment")
        self.bounds.append(moment >= self.setting.now)
        return moment

    def clock(self) -> Key:
        return Key("time", TRUE, [(TRUE, self.moment)])

    def issued(self) -> Key:
        present = self.presence("aws:TokenIssueTime", self.signed)
        issued = z3.Int("aws:tokenissuetime")
        self.bounds.append(issued <= self.moment)
        return Key("time", present, [(present, issued)])

    @cached_property
    def by_endpoint(self) -> z3.BoolRef:
        return z3.Bool("by endpoint")

    @cached_property
    def address(self) -> Address:
        return Address(z3.Bool("is IPv4"), z3.BitVec("IPv4", 32), z3.BitVec("IPv6", 128))

    def source_ip(self) -> Key:
        present = z3.Bool("has aws:SourceIp") if self.liberal else z3.Not(self.by_endpoint)
        return Key("address", present, [(present, self.address)])

    def endpoint_key(self, name: str, prefix: str) -> Key:
        present = z3.Bool(f"has {name}") if self.liberal else self.by_endpoint
        if self.liberal:
            return Key("text", present, [(present, text_of(self.string(name)))])
        return Key("text", present, [(present, text_of(prefix, self.string(name, many("[0-9a-f]", 8, 17))))])

    def endpoint_ip(self) -> Key:
        present = z3.Bool("has aws:vpcsourceip") if self.liberal else self.by_endpoint
        address = Address(z3.Bool("vpc is IPv4"), z3.BitVec("vpc IPv4", 32), z3.BitVec("vpc IPv6", 128))
        return Key("address", present, [(present, address)])

    def organization_id(self, name: str) -> Text:
        """As long as those that the document names, or of ten characters, as AWS gives them."""
        lengths = sorted({len(one) - 2 for one in self.document.organizations()} or {10})
        known = [many("[a-z0-9]", length, length) for length in lengths]
        if len(known) == 1:
            return text_of("o-", Piece(self.string(name, known[0]), lengths[0]))
        return text_of("o-", self.string(name, z3.Union(*known)))

    # Tags: a request that carries them is authorized for sts:TagSession as well.

    @cached_property
    def tag_names(self) -> list[str]:
        return sorted(k.partition("/")[2] for k in self.document.keys() if k.startswith("aws:requesttag/"))

    def request_tag(self, name: str) -> Key:
        present = z3.Bool(f"has {name}")
        return Key("text", present, [(present, text_of(self.string(name)))])

    def names_of_tags(self, name: str) -> Key:
        """aws:TagKeys: the names of the tags of the request, which aws:RequestTag/NAME shows one by one."""
        slots = [(z3.Bool(f"has {name} {at}"), self.string(f"{name} {at}")) for at in range(len(self.tag_names) + 2)]
        if name == "aws:tagkeys":
            for tag in self.tag_names:
                is_named = z3.Or(*(z3.And(used, spelled == tag) for used, spelled in slots))
                self.bounds.append(is_named == self.key(f"aws:requesttag/{tag}").present)
        elif "aws:tagkeys" in self.document.keys():
            tags = self.key("aws:tagkeys").slots
            for used, spelled in slots:
                named = z3.Or(*(z3.And(has, spelled == tag.whole) for has, tag in tags))
                self.bounds.append(z3.Implies(used, named))
        texts = [(used, text_of(spelled)) for used, spelled in slots]
        return Key("text", z3.Or(*(used for used, _ in slots)), texts, several=True)

    def carries_tags(self) -> z3.BoolRef:
        tags = [k for k in self.document.keys() if k.startswith("aws:requesttag/")]
        tags += [k for k in ("aws:tagkeys", "sts:transitivetagkeys") if k in self.document.keys()]
        return z3.Or(*(self.key(k).present for k in sorted(tags))) if tags else FALSE

    def carries_identity(self) -> z3.BoolRef:
        named = "sts:sourceidentity" in self.document.keys()
        return self.key("sts:sourceidentity").present if named else FALSE

    # What is the same for every caller, or never there

    KEYS: dict[str, Callable[["Request"], Key]] = {
        "aws:currenttime": lambda r: r.clock(),
        "aws:epochtime": lambda r: r.clock(),
        "aws:tokenissuetime": lambda r: r.issued(),
        "aws:sourceip": lambda r: r.source_ip(),
        "aws:sourcevpc": lambda r: r.endpoint_key("aws:sourcevpc", "vpc-"),
        "aws:sourcevpce": lambda r: r.endpoint_key("aws:sourcevpce", "vpce-"),
        "aws:vpcsourceip": lambda r: r.endpoint_ip(),
        "aws:securetransport": lambda r: r.boolean("aws:securetransport", "always"),
        "aws:useragent": lambda r: r.text("aws:useragent", "maybe"),
        "aws:referer": lambda r: r.text("aws:referer", "maybe"),
        "aws:requestedregion": lambda r: r.text("aws:requestedregion", "always", many("[a-z0-9-]", 1)),
        "aws:tagkeys": lambda r: r.names_of_tags("aws:tagkeys"),
        "sts:transitivetagkeys": lambda r: r.names_of_tags("sts:transitivetagkeys"),
        "sts:sourceidentity": lambda r: r.text("sts:sourceidentity", "maybe", many(NAME, 2, 64)),
        "sts:rolesessionname": lambda r: r.text("sts:rolesessionname", "always", many(NAME, 2, 64)),
        "sts:externalid": lambda r: absent(),
        "sts:durationseconds": lambda r: absent("number"),
        "aws:resourceaccount": lambda r: r.fixed("aws:resourceaccount", r.setting.account, "account"),
        "aws:resourceorgid": lambda r: r.fixed("aws:resourceorgid", r.setting.organization, "text"),
        # Of whom calls: an AWS principal or a service has these.
        "aws:principalarn": lambda r: r.any_arn("aws:principalarn"),
        "aws:principalaccount": lambda r: r.text("aws:principalaccount", r.signed, kind="account"),
        "aws:principalorgid": lambda r: r.text("aws:principalorgid", r.signed),
        "aws:principalorgpaths": lambda r: absent(several=True),
        "aws:principaltype": lambda r: r.text("aws:principaltype", "never?"),
        "aws:userid": lambda r: r.text("aws:userid", r.signed),
        "aws:username": lambda r: absent(),
        "aws:multifactorauthpresent": lambda r: r.boolean("aws:multifactorauthpresent", "never?"),
        "aws:multifactorauthage": lambda r: absent("number"),
        "aws:principalisawsservice": lambda r: r.boolean("aws:principalisawsservice", "never?", False),
        "aws:principalservicename": lambda r: absent(),
        "aws:sourceaccount": lambda r: absent("account"),
        "aws:sourcearn": lambda r: absent("arn"),
        "aws:sourceorgid": lambda r: absent(),
        "aws:sourceorgpaths": lambda r: absent(several=True),
    }

    def any_arn(self, name: str) -> Key:
        present = self.presence(name, self.signed)
        if z3.is_false(present):
            return absent("arn")
        account = text_of(Piece(self.string("any account", DIGITS), 12))
        rest = text_of(self.string("any rest", many("[!-~]", 1)))
        return Key("arn", present, [(present, Arn(text_of("arn:aws:iam::"), account, rest))])

    def fixed(self, name: str, value: str | None, kind: str) -> Key:
        if value is None:
            return self.text(name, "maybe", kind=kind)
        return Key(kind, TRUE, [(TRUE, text_of(value))])

    def named_by(self, kind: str, value: str, allow: bool) -> z3.BoolRef:
        raise NotImplementedError


@dataclass(frozen=True)
class Setting:
    """The role's own account and organization, and the moment from which on is asked."""

    account: str
    organization: str | None
    now: int


# -- AWS principals ---------------------------------------------------------------------------------


class AwsRequest(Request):
    """A role's session or an IAM user of one account, or of one that `account` leaves open.

    The root user cannot call AssumeRole. A federated user's session cannot either (AWS documents
    GetCallerIdentity alone), yet IAM accepts it as a principal: the liberal world has it."""

    signed = "always"
    TYPES = {"role": "AssumedRole", "user": "User", "federated-user": "FederatedUser"}

    def __init__(self, document: Document, setting: Setting, liberal: bool, caller: str, account: str | None):
        super().__init__(document, setting, liberal)
        self.caller = caller
        self.account = text_of(account or Piece(self.string("account", DIGITS), 12))
        if account is None:
            others = sorted({*document.accounts(), setting.account})
            self.bounds.append(z3.Not(among(self.account, others)))

    @cached_property
    def name(self) -> z3.SeqRef:
        return self.string("name", many(NAME, 2 if self.caller == "federated-user" else 1, 64))

    @cached_property
    def path(self) -> z3.SeqRef:
        return self.string("path", z3.Loop(chain(many("[!-~]", 1), "/"), 0, 1))

    @cached_property
    def path_and_name(self) -> Text:
        """One unknown text where nothing asks for the name alone: that is much less work."""
        if "aws:username" in self.document.keys() or self.document.names_sessions():
            return text_of(self.path, self.name)
        path = z3.Option(chain(many("[!-~]", 1), "/"))
        return text_of(self.string("path and name", chain(path, many(NAME, 1, 64))))

    @cached_property
    def session(self) -> z3.SeqRef:
        return self.string("session", many(NAME, 2, 64))

    @cached_property
    def unique_id(self) -> Text:
        """Of 21 characters, as all that AWS shows; the API reference says from 16 to 128."""
        head = {"role": "AROA", "user": "AIDA"}[self.caller]
        if self.liberal:
            return text_of(head, self.string("unique id", many("[A-Z0-9]", 12, 124)))
        return text_of(head, Piece(self.string("unique id", many("[A-Z0-9]", 17, 17)), 17))

    @cached_property
    def arn(self) -> Arn:
        if self.caller == "federated-user":
            return Arn(self.head("sts"), self.account, text_of("federated-user/", self.name))
        return Arn(self.head("iam"), self.account, text_of(f"{self.caller}/", self.path_and_name))

    def head(self, service: str) -> Text:
        """Callers are of the role's partition: `aws`, unless no principal's ARN tells it."""
        if not self.liberal or self.document.tells_partition():
            return text_of(f"arn:aws:{service}::")
        known = [z3.Re(f"arn:{partition}:{service}::") for partition in PARTITIONS]
        return text_of(self.string("partition", z3.Union(*known)))

    def is_named(self, value: str) -> z3.BoolRef:
        """The caller's ARN is this one."""
        parts = value.split(":", 5)
        return z3.And(among(self.account, [parts[4]]), among(self.arn.rest, [parts[5]]))

    def own_key(self, name: str) -> Key | None:
        made = self.OWN.get(name)
        if name in ("aws:multifactorauthpresent", "aws:multifactorauthage"):
            return self.second_factor(name)
        if name == "aws:tokenissuetime":
            # A role's session always has one; the analyzer does not use that, and so errs to the open side.
            present = TRUE if self.caller == "role" and not self.liberal else z3.Bool("temporary credentials")
            return Key("time", present, [(present, self.issued().slots[0][1])])
        return None if made is None else made(self)

    def second_factor(self, name: str) -> Key:
        """Absent for long-term keys, which users alone have; false without MFA; an age with it."""
        temporary = z3.Bool("temporary credentials") if self.caller == "user" else TRUE
        with_mfa = z3.Bool("with MFA")
        if name == "aws:multifactorauthpresent":
            return Key("bool", temporary, [(temporary, with_mfa)])
        age = z3.Int("aws:multifactorauthage")
        self.bounds.append(age >= 0)
        present = z3.And(temporary, with_mfa)
        return Key("number", present, [(present, age)])

    def just(self, kind: str, value: Text | Arn) -> Key:
        return Key(kind, TRUE, [(TRUE, value)])

    def user_id(self) -> Key:
        if self.caller == "role":
            return self.just("text", text_of(self.unique_id, ":", self.session))
        if self.caller == "federated-user":
            return self.just("text", text_of(self.account, ":", self.name))
        return self.just("text", self.unique_id)

    @cached_property
    def in_organization(self) -> z3.BoolRef:
        return z3.Bool("in an organization")

    @cached_property
    def organization(self) -> Text:
        return self.organization_id("organization")

    @cached_property
    def organization_path(self) -> Text:
        return text_of(self.organization, self.string("organizational units", BELOW))

    OWN: dict[str, Callable[["AwsRequest"], Key]] = {
        "aws:principalarn": lambda r: r.just("arn", r.arn),
        "aws:principalaccount": lambda r: r.just("account", r.account),
        "aws:principalorgid": lambda r: Key("text", r.in_organization, [(r.in_organization, r.organization)]),
        "aws:principalorgpaths": lambda r: Key(
            "text", r.in_organization, [(r.in_organization, r.organization_path)], several=True
        ),
        "aws:principaltype": lambda r: r.just("text", text_of(r.TYPES[r.caller])),
        "aws:userid": lambda r: r.user_id(),
        "aws:username": lambda r: r.just("text", text_of(r.name)) if r.caller == "user" else absent(),
        "aws:principalisawsservice": lambda r: r.boolean("", "always", False),
        "sts:externalid": lambda r: r.text("sts:externalid", "maybe", many("[A-Za-z0-9_+=,.@:/-]", 2)),
    }

    def named_by(self, kind: str, value: str, allow: bool) -> z3.BoolRef:
        if kind != "AWS":
            return FALSE
        if value == "*":
            return TRUE
        if value.isdigit() and len(value) == 12:
            return among(self.account, [value])
        if re.fullmatch("(AROA|AIDA)[A-Z0-9]{17}", value):
            # Somebody's, whose account the document does not tell.
            fits = {"role": "AROA", "user": "AIDA"}.get(self.caller) == value[:4]
            return among(self.unique_id, [value]) if fits else FALSE
        parts = value.split(":", 5)
        if len(parts) != 6 or parts[:2] != ["arn", "aws"] or not (parts[4].isdigit() and len(parts[4]) == 12):
            raise LeftOut("a principal of another partition or shape")
        here, (what, _, rest) = among(self.account, [parts[4]]), parts[5].partition("/")
        if parts[2] == "iam" and parts[5] == "root":
            return here
        if parts[2] == "iam" and what in ("role", "user"):
            return self.is_named(value) if what == self.caller else FALSE
        if parts[2] == "sts" and what == "federated-user":
            return self.is_named(value) if what == self.caller else FALSE
        if parts[2] == "sts" and what == "assumed-role" and rest.count("/") == 1:
            name, _, session = rest.partition("/")
            return z3.And(here, self.name == name, self.session == session) if self.caller == "role" else FALSE
        raise LeftOut("a principal of another partition or shape")


# -- services ---------------------------------------------------------------------------------------


class ServiceRequest(Request):
    """An AWS service that calls AssumeRole by its own name, or one that the document does not name."""

    def __init__(self, document: Document, setting: Setting, liberal: bool, service: str | None):
        super().__init__(document, setting, liberal)
        self.known = service
        universe = chain(many("[a-z0-9.-]", 1), ".amazonaws.com")
        self.service = text_of(service or self.string("service", universe))
        if service is None:
            self.bounds.append(z3.Not(among(self.service, document.services())))

    def source_arn(self) -> Key:
        """Of any service and region; the account is none for a bucket, say."""
        present = z3.Bool("has aws:sourcearn")
        # Of the role's partition, as callers are.
        other = self.liberal and not self.document.tells_partition()
        partition = z3.Union(*map(z3.Re, PARTITIONS)) if other else z3.Re("aws")
        head = chain("arn:", partition, ":", many("[a-z0-9-]", 1), ":", many("[a-z0-9-]", 0), ":")
        arn = Arn(
            text_of(self.string("source arn's head", head)),
            text_of(self.string("source arn's account", z3.Loop(DIGITS, 0, 1))),
            text_of(self.string("source arn's rest", many("[!-~]", 1))),
        )
        if "aws:sourceaccount" in self.document.keys():
            account = self.key("aws:sourceaccount")
            agrees = z3.Or(arn.account.whole == "", arn.account.whole == account.slots[0][1].whole)
            self.bounds.append(z3.Implies(z3.And(present, account.present), agrees))
        return Key("arn", present, [(present, arn)])

    @cached_property
    def organization(self) -> Text:
        return self.organization_id("aws:sourceorgid")

    def own_key(self, name: str) -> Key | None:
        in_organization = z3.Bool("source in an organization")
        if name == "aws:sourceaccount":
            return self.text(name, "maybe", DIGITS, kind="account")
        if name == "aws:sourcearn":
            return self.source_arn()
        if name == "aws:sourceorgid":
            return Key("text", in_organization, [(in_organization, self.organization)])
        if name == "aws:sourceorgpaths":
            path = text_of(self.organization, self.string("source's units", BELOW))
            return Key("text", in_organization, [(in_organization, path)], several=True)
        if name == "aws:principalisawsservice":
            return self.boolean("", "always", True)
        if name == "aws:principalservicename":
            return Key("text", TRUE, [(TRUE, self.service)])
        if name == "sts:externalid":
            return self.text(name, "maybe", many("[A-Za-z0-9_+=,.@:/-]", 2))
        if name == "sts:rolesessionname":
            return self.text(name, "maybe", many(NAME, 2, 64))
        return None

    def named_by(self, kind: str, value: str, allow: bool) -> z3.BoolRef:
        if value == "*" and kind == "AWS":
            return TRUE
        return among(self.service, [value]) if kind == "Service" else FALSE


# -- federated callers ------------------------------------------------------------------------------


class FederatedRequest(Request):
    """A caller with a token or an assertion of one provider."""

    def __init__(self, document: Document, setting: Setting, liberal: bool, provider: str):
        super().__init__(document, setting, liberal)
        self.provider = provider
        self.saml = ":saml-provider/" in provider
        self.action = "sts:AssumeRoleWithSAML" if self.saml else "sts:AssumeRoleWithWebIdentity"
        if provider.startswith("arn:") == (provider in CLAIMS) or (
            provider.startswith("arn:") and not self.saml and ":oidc-provider/" not in provider
        ):
            raise LeftOut("a provider of another shape")
        self.issuer = "saml" if self.saml else provider.partition(":oidc-provider/")[2] or provider

    def own_key(self, name: str) -> Key | None:
        if not name.startswith(self.issuer.lower() + ":"):
            return None
        claim = name[len(self.issuer) + 1 :]
        known = SAML_CLAIMS if self.saml else CLAIMS.get(self.issuer, ["aud", "sub", "amr"])
        if claim == "amr" and claim in known:
            slots = [(z3.Bool(f"has {name} {at}"), self.claim(f"{name} {at}")) for at in range(2)]
            return Key("text", z3.Or(*(used for used, _ in slots)), slots, several=True)
        if claim not in known and self.saml:
            raise LeftOut("a SAML attribute beyond the first")
        when = "never" if self.issuer == GITHUB else "never?"
        if claim in known:
            when = "always?" if claim in ("aud", "sub", "iss", "sub_type", "id", "app_id", "user_id") else "maybe"
        present = self.presence(name, when)
        return Key("text", present, [] if z3.is_false(present) else [(present, self.claim(name))])

    def claim(self, name: str) -> Text:
        """Text; a subject that holds the wildcards of patterns is of the liberal world alone."""
        return text_of(self.string(name, many(PRINTABLE if self.liberal else "[ -)+->@-~]", 1)))

    def named_by(self, kind: str, value: str, allow: bool) -> z3.BoolRef:
        if kind == "AWS":
            # AWS does not say that a Deny on everyone reaches these callers: it may not.
            return z3.BoolVal(value == "*" and allow)
        return z3.BoolVal(kind == "Federated" and value in (self.provider, "*"))
