"""Texts, addresses and keys of a request, as z3 knows them."""

from dataclasses import dataclass, field
from typing import Iterable

import z3

# -- regular expressions ----------------------------------------------------------------------------


def letters(spelled: str) -> z3.ReRef:
    """One character of a class such as `[a-z0-9_]`."""
    inner, parts, at = spelled.strip("[]"), [], 0
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            parts.append(z3.Range(inner[at], inner[at + 2]))
            at += 3
        else:
            parts.append(z3.Re(inner[at]))
            at += 1
    return z3.Union(*parts) if len(parts) > 1 else parts[0]


def many(spelled: str, least: int, most: int = 0) -> z3.ReRef:
    """From `least` to `most` of a class; without `most`, any number."""
    one = letters(spelled)
    if most:
        return z3.Loop(one, least, most)
    return chain(*[one] * least, z3.Star(one))


def chain(*parts: str | z3.ReRef) -> z3.ReRef:
    spelled = [z3.Re(part) if isinstance(part, str) else part for part in parts]
    return z3.Concat(*spelled) if len(spelled) > 1 else spelled[0]


TRUE, FALSE = z3.BoolVal(True), z3.BoolVal(False)
# A text that no key holds: with it z3 keeps a membership that it would make an equality, and
# an equality denied takes it a hundred times as long.
NOBODYS = z3.Re("\x01")
DIGITS = many("[0-9]", 12, 12)
PRINTABLE = "[ -~]"
ANY = many(PRINTABLE, 0)
UNIT = chain("ou-", many("[0-9a-z]", 1), "-", many("[a-z0-9]", 1), "/")
# What follows the organization's id in a path: the root, then units.
BELOW = chain("/r-", many("[0-9a-z]", 1), "/", z3.Star(UNIT))


# -- what a key holds -------------------------------------------------------------------------------


@dataclass
class Address:
    """An IPv4 address as 32 bits or an IPv6 address as 128."""

    is_v4: z3.BoolRef
    v4: z3.BitVecRef
    v6: z3.BitVecRef


@dataclass(frozen=True)
class Piece:
    """A part of a text that is not known, and how long it is if that is fixed."""

    value: z3.SeqRef
    length: int | None = None


@dataclass(frozen=True)
class Text:
    """A text by its pieces, known ones and unknown ones: most patterns can be held to one piece each."""

    pieces: tuple[str | Piece, ...]

    @property
    def whole(self) -> z3.SeqRef:
        spelled = [z3.StringVal(p) if isinstance(p, str) else p.value for p in self.pieces]
        return z3.Concat(*spelled) if len(spelled) > 1 else spelled[0]


def among(text: Text, values: Iterable[str]) -> z3.BoolRef:
    """The text is one of these."""
    return z3.InRe(text.whole, z3.Union(NOBODYS, *(z3.Re(value) for value in values)))


def text_of(*pieces: "str | Piece | Text | z3.SeqRef") -> Text:
    found: list[str | Piece] = []
    for piece in pieces:
        if isinstance(piece, Text):
            found += piece.pieces
        else:
            found.append(piece if isinstance(piece, (str, Piece)) else Piece(piece))
    return Text(tuple(piece for piece in found if piece != ""))


@dataclass(frozen=True)
class Arn:
    """An ARN by its parts: those before the account's, each without a colon, and those after."""

    head: Text
    account: Text
    rest: Text

    @property
    def whole(self) -> Text:
        return text_of(self.head, self.account, ":", self.rest)


@dataclass
class Key:
    """`kind` is text, account, arn, bool, time, number or address; a key of one value has one slot.

    The key is set if `present` holds, and then has the values of the slots whose flag holds."""

    kind: str
    present: z3.BoolRef
    slots: list[tuple[z3.BoolRef, object]] = field(default_factory=list)
    several: bool = False


def absent(kind: str = "text", several: bool = False) -> Key:
    return Key(kind, FALSE, [], several)
