"""What a document says of a request, as an SMT formula: conditions, statements, the whole."""

import re
from ipaddress import IPv4Network

import z3

from fragment import VARIABLE, Condition, Document, LeftOut, Statement, matches, moment, network
from request import Request
from values import FALSE, NOBODYS, TRUE, Address, Arn, Key, Text, chain

COMPARED = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
# A number of seconds or an account id beyond which the fragment does not go.
LARGEST = 10**12
TEXTS = z3.ReSort(z3.StringSort())


def allows(document: Document, request: Request) -> z3.BoolRef:
    """The request is allowed: its own action, and those that its tags and source identity ask for."""
    demands = [allows_action(document, request, request.action)]
    for action, carried in (
        ("sts:TagSession", request.carries_tags()),
        ("sts:SetSourceIdentity", request.carries_identity()),
    ):
        if not z3.is_false(carried):
            demands.append(z3.Implies(carried, allows_action(document, request, action)))
    return z3.And(*demands, *request.bounds)


def allows_action(document: Document, request: Request, action: str) -> z3.BoolRef:
    about = [(s.allow, applies(s, request)) for s in document.statements if s.covers(action)]
    allowed = z3.Or(*(says for allow, says in about if allow), FALSE)
    denied = z3.Or(*(says for allow, says in about if not allow), FALSE)
    return z3.simplify(z3.And(allowed, z3.Not(denied)))


def applies(statement: Statement, request: Request) -> z3.BoolRef:
    named = [request.named_by(kind, value, statement.allow) for kind, value in statement.principals]
    who = z3.simplify(z3.Or(*named, FALSE))
    if z3.is_false(who):
        return FALSE
    return z3.And(who, *(holds(c, request.key(c.key), request) for c in statement.conditions))


def holds(condition: Condition, key: Key, request: Request) -> z3.BoolRef:
    """One condition: all values of the key, one of them, or its only one."""
    if condition.family == "null":
        if not {*condition.values} <= {"true", "false"}:
            raise LeftOut("Null with another value than true and false")
        return z3.Or(*(z3.Not(key.present) if v == "true" else key.present for v in condition.values))
    if key.several and condition.quantifier is None:
        raise LeftOut("a key of several values without ForAllValues or ForAnyValue")
    if not key.slots:
        return z3.BoolVal(true_if_absent(condition))
    tests = [(used, passes(condition, key.kind, value, request)) for used, value in key.slots]
    if condition.quantifier == "all":
        return z3.And(*(z3.Implies(used, test) for used, test in tests))
    some = z3.Or(*(z3.And(used, test) for used, test in tests))
    return z3.Or(z3.Not(key.present), some) if true_if_absent(condition) else some


def true_if_absent(condition: Condition) -> bool:
    if condition.quantifier == "all" or condition.if_exists:
        return True
    return condition.negated and condition.quantifier is None


def passes(condition: Condition, kind: str, value: object, request: Request) -> z3.BoolRef:
    """The value meets one of the condition's; for a negated operator none of them."""
    met = z3.Or(*(meets(condition, kind, value, text, request) for text in condition.values), FALSE)
    return z3.Not(met) if condition.negated else met


def meets(condition: Condition, kind: str, value: object, text: str, request: Request) -> z3.BoolRef:
    family = condition.family
    if "${" in text and request.document.variables:
        return meets_variable(condition, kind, value, text, request)
    if kind == "bool" and family in ("string", "bool"):
        spelled = {True: meets_text(condition.operator, "true", text), False: meets_text(condition.operator, "false", text)}
        return z3.Or(z3.And(value, spelled[True]), z3.And(z3.Not(value), spelled[False]))
    if kind in ("text", "account", "arn") and family == "string":
        return fits(value.whole if isinstance(value, Arn) else value, TOKENS[condition.operator](text))
    if kind == "arn" and family == "arn":
        return arn_meets(value, text)
    if kind == "account" and family == "numeric":
        return z3.InRe(value.whole, accounts(condition.operator.removeprefix("Numeric"), number(text)))
    if kind in ("time", "number") and family == "numeric":
        return COMPARED[condition.operator.removeprefix("Numeric")](value, number(text))
    if kind == "time" and family == "date":
        return COMPARED[condition.operator.removeprefix("Date")](value, moment(text))
    if kind == "address" and family == "network":
        return within(value, text)
    raise LeftOut(f"{family} on a key of {kind}")


def meets_text(operator: str, value: str, text: str) -> bool:
    """The same for a text that is known: the two of a Boolean key."""
    if operator == "StringLike":
        return matches(text, value)
    if operator == "StringEqualsIgnoreCase":
        return text.lower() == value
    if operator == "Bool" and text not in ("true", "false"):
        raise LeftOut("Bool with another value than true and false")
    return text == value


# A pattern's tokens: MANY, ONE, or the characters that may stand there.
MANY, ONE = "*", "?"
Token = str | frozenset[str]


def exactly(text: str) -> list[Token]:
    return [frozenset(letter) for letter in text]


def in_any_case(text: str) -> list[Token]:
    return [frozenset({letter.lower(), letter.upper()}) for letter in text]


def tokens(text: str) -> list[Token]:
    return [letter if letter in (MANY, ONE) else frozenset(letter) for letter in text]


TOKENS = {"StringEquals": exactly, "StringEqualsIgnoreCase": in_any_case, "StringLike": tokens}


def fits(text: Text, wanted: list[Token]) -> z3.BoolRef:
    """The pattern, held to the text piece by piece as long as their lengths are known."""
    found, pieces = [], list(text.pieces)
    while pieces and wanted and not all(token == MANY for token in wanted):
        piece = pieces[0]
        length = len(piece) if isinstance(piece, str) else piece.length
        if length is None or MANY in wanted[:length]:
            if not isinstance(piece, str) or wanted[0] == MANY:
                break
            piece, pieces[0:1] = piece[0], [piece[0], piece[1:]] if piece[1:] else [piece[0]]
            length = 1
        here = wanted[:length]
        if len(here) < length:
            return FALSE
        if isinstance(piece, str):
            if not all(token == ONE or letter in token for letter, token in zip(piece, here)):
                return FALSE
        else:
            found.append(spelled(piece.value, here))
        del wanted[:length], pieces[0]
    if wanted and all(token == MANY for token in wanted):
        return z3.And(*found)
    if pieces:
        found.append(spelled(Text(tuple(pieces)).whole, wanted))
    elif wanted:
        return FALSE
    return z3.And(*found)


def spelled(value: z3.SeqRef, wanted: list[Token], unlike: str = "") -> z3.BoolRef:
    """By a regular expression even where there is no choice: z3 denies these faster than equalities."""
    return z3.InRe(value, z3.Union(expression(wanted, unlike), NOBODYS))


def expression(wanted: list[Token], unlike: str = "") -> z3.ReRef:
    """A regular expression; wildcards stand for any character but `unlike`."""
    one = z3.AllChar(TEXTS)
    if unlike:
        one = z3.Intersect(one, z3.Complement(z3.Re(unlike)))
    parts, run = [], ""
    for token in [*wanted, None]:
        if token is not None and token not in (MANY, ONE) and len(token) == 1:
            run += next(iter(token))
            continue
        if run:
            parts.append(z3.Re(run))
            run = ""
        if token == MANY:
            parts.append(z3.Star(one) if unlike else z3.Full(TEXTS))
        elif token == ONE:
            parts.append(one)
        elif token is not None:
            parts.append(z3.Union(*(z3.Re(letter) for letter in sorted(token))))
    return chain(*parts) if parts else z3.Re("")


def arn_meets(value: Arn, text: str) -> z3.BoolRef:
    """Six parts, each held against its own: a wildcard of the first five passes no colon."""
    parts = text.split(":", 5)
    if len(parts) != 6:
        raise LeftOut("an ARN of less than six parts")
    first = value.head.pieces[0]
    if isinstance(first, str):
        head = z3.BoolVal(all(matches(part, here) for part, here in zip(parts[:4], first.split(":"))))
    else:
        wanted = [token for part in parts[:4] for token in (*tokens(part), frozenset(":"))]
        head = spelled(first.value, wanted, ":")
    return z3.And(head, fits(value.account, tokens(parts[4])), fits(value.rest, tokens(parts[5])))


def number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise LeftOut("a number that is not whole")
    return int(text)


def accounts(compared: str, bound: int) -> z3.ReRef:
    """The account ids that compare so with a number: twelve digits order as numbers do."""
    if not 0 <= bound < LARGEST:
        raise LeftOut("a number that is no account id")
    digits = f"{bound:012}"
    found = [z3.Re(digits)] if compared.endswith("Equals") else []
    for at, digit in enumerate(digits):
        others = {"LessThan": range(int(digit)), "GreaterThan": range(int(digit) + 1, 10)}
        for other in others.get(compared.removesuffix("Equals"), []):
            tail = [z3.Loop(z3.Range("0", "9"), 11 - at, 11 - at)] if at < 11 else []
            found.append(chain(digits[:at] + str(other), *tail))
    if not found:
        return z3.Empty(TEXTS)
    return z3.Union(*found) if len(found) > 1 else found[0]


def within(value: Address, text: str) -> z3.BoolRef:
    found = network(text)
    is_v4 = isinstance(found, IPv4Network)
    address, width = (value.v4, 32) if is_v4 else (value.v6, 128)
    inside = TRUE
    if found.prefixlen:
        low = width - found.prefixlen
        inside = z3.Extract(width - 1, low, address) == z3.BitVecVal(int(found.network_address) >> low, found.prefixlen)
    return z3.And(value.is_v4 if is_v4 else z3.Not(value.is_v4), inside)


def meets_variable(condition: Condition, kind: str, value: object, text: str, request: Request) -> z3.BoolRef:
    """Equality with a text that holds policy variables; without a value, and a default, it is no text."""
    if condition.operator != "StringEquals" or kind not in ("text", "account"):
        raise LeftOut("policy variables beyond equality of texts")
    parts, present, at = [], [], 0
    for found in VARIABLE.finditer(text):
        parts.append(z3.StringVal(text[at : found.start()]))
        name, comma, _ = found[1].partition(",")
        key = request.key(name.strip().lower()) if ":" in name else None
        if comma or key is None or key.several or key.kind not in ("text", "account"):
            raise LeftOut("policy variables with a default, escapes, or of another kind")
        if not key.slots:
            return FALSE
        present.append(key.present)
        parts.append(key.slots[0][1].whole)
        at = found.end()
    parts.append(z3.StringVal(text[at:]))
    return z3.And(*present, value.whole == z3.Concat(*parts))
