"""Texts with alternatives: ``so {um|uh|} yes`` is one text that may be written in three ways.

In braces, ``|`` stands between the ways, and nothing for what may be left out. Braces may touch letters
(``colo{u|}r``); without ``|`` they are plain text. Alternatives do not stand in alternatives. NIST's sclite writes the
same as ``so { um / uh / @ } yes``, between words only, and may put one in another.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final, TypeAlias

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: A stretch of text: the one way to write it, or several.
Part: TypeAlias = tuple[str, ...]

#: Ways that alternatives in alternatives may make together.
_MOST: Final = 256
_NO_WORD: Final = "@"
_HOW: Final = "Alternatives are {one|other}, {one|} where it may be left out"
_HOW_NIST: Final = "Alternatives are { one / other }, { one / @ } where it may be left out"


def parts(text: str) -> list[Part]:
    """Cut a text at its alternatives.

    Returns
    -------
    list of tuple of str
        Its stretches in order: the ways to write each; a single one of plain text.

    Raises
    ------
    InvalidInput
        If braces with alternatives are not closed, or stand in others.

    Examples
    --------
    >>> parts("so {um|uh|} yes")
    [('so ',), ('um', 'uh', ''), (' yes',)]
    """
    return _cut(text, "|") if may_have_alternatives(text) else [(text,)]


def may_have_alternatives(text: str) -> bool:
    """Tell, with one look, of most texts that they have none."""
    return "|" in text and ("{" in text or "}" in text)


def count(stretches: Iterable[Part]) -> int:
    """Count the wordings that stretches make."""
    return prod(map(len, stretches))


def together(ways: Iterable[str]) -> str:
    """Write a text of one way of each stretch; white space between words becomes one space."""
    return " ".join("".join(ways).split())


def every(stretches: Sequence[Part]) -> list[str]:
    """Give every wording once, those with what stands first being first."""
    return list(dict.fromkeys(map(together, product(*stretches))))


def first_wording(text: str) -> str:
    """Give the first wording of a text; the text as it is where it has no alternatives, or broken ones."""
    try:
        stretches = parts(text)
    except InvalidInput:
        return text
    return text if count(stretches) == 1 else together(ways[0] for ways in stretches)


def from_nist(text: str) -> str:
    """Write a text of NIST's sclite as one with alternatives as here; alternatives in others are written out.

    Raises
    ------
    InvalidInput
        If braces are not closed, alternatives in others make too many ways, or one has a ``|``.

    Examples
    --------
    >>> from_nist("so { um / uh / @ } yes")
    'so {um|uh|} yes'
    """
    made = []
    for ways in _cut(text, "/", nist=True):
        if len(ways) > 1 and any("|" in way for way in ways):
            raise InvalidInput(f"its alternatives {ways!r} have a '|', which stands between alternatives here.")
        made.append(f"{{{'|'.join(ways)}}}" if len(ways) > 1 else _words(ways[0]))
    return " ".join(filter(None, made))


def to_nist(texts: Sequence[str]) -> str:
    """Write wordings, which may have alternatives of their own, as one text for NIST's sclite.

    Raises
    ------
    InvalidInput
        If there are signs in them that mean something else there, or alternatives that touch letters.
    """
    lines = [_to_nist(text, inside=len(texts) > 1) for text in texts]
    return lines[0] if len(lines) == 1 else f"{{ {' / '.join(line or _NO_WORD for line in lines)} }}"


def _to_nist(text: str, *, inside: bool) -> str:
    stretches = parts(text)
    line = " ".join(
        f"{{ {' / '.join(together(way) or _NO_WORD for way in ways)} }}" if len(ways) > 1 else together(ways)
        for ways in stretches
    ).strip()
    try:
        again = parts(from_nist(line))
    except InvalidInput:
        again = []
    if _told(again) != _told(stretches) or (inside and any("/" in ways[0] for ways in stretches if len(ways) == 1)):
        raise InvalidInput(
            "its text has signs that mean something else in sclite's files ({ } @, or / between alternatives), or "
            f"alternatives that touch letters: {together(text)[:60]!r}. Take them out, write {{colour|color}} for "
            "colo{u|}r, or write jsonl."
        )
    return line


def _told(stretches: Sequence[Part]) -> tuple[str, list[list[str]]]:
    """Tell what must be the same when a text is read again: the first wording, which shows what touches, and ways."""
    groups = [[together(way) for way in ways] for ways in stretches if len(ways) > 1]
    return together(ways[0] for ways in stretches), groups


def _cut(text: str, bar: str, *, nist: bool = False) -> list[Part]:
    """Cut a text at its braces, by the one rule or the other."""
    how = _HOW_NIST if nist else _HOW
    open_: list[list[list[Part]]] = [[[]]]  # open braces > ways > stretches in a row
    loose = False  # whether a | stands outside, which a } would close
    for sign in re.findall(rf"[{{}}{bar}]|[^{{}}{bar}]+", text):
        if sign == "{":
            open_.append([[]])
            loose = False
        elif sign == bar and len(open_) > 1:
            open_[-1].append([])
        elif sign == "}" and len(open_) > 1:
            ways = open_.pop()
            open_[-1][-1] += _nist_group(ways) if nist else _group(ways, inside=len(open_) > 1)
        elif sign == "}" and (nist or loose):
            raise InvalidInput(f"a '}}' closes no '{{'. {how}.")
        else:
            loose |= sign == bar
            row = open_[-1][-1]
            if row and len(row[-1]) == 1:
                row[-1] = (row[-1][0] + sign,)
            else:
                row.append((sign,))
    while len(open_) > 1:  # only braces without alternatives may stay open
        ways = open_.pop()
        if nist or len(ways) > 1:
            raise InvalidInput(f"a '{{' is not closed. {how}.")
        open_[-1][-1] += [("{",), *ways[0]]
    return open_[0][0]


def _group(ways: list[list[Part]], *, inside: bool) -> list[Part]:
    if len(ways) == 1:
        return [("{",), *ways[0], ("}",)]
    if inside or any(part == ("{",) for way in ways for part in way):
        raise InvalidInput(f"alternatives stand in braces that stand in others. {_HOW}; write all ways out in one.")
    return [tuple("".join(part for (part,) in way) for way in ways)]


def _nist_group(ways: list[list[Part]]) -> list[Part]:
    if (many := sum(map(count, ways))) > _MOST:
        raise InvalidInput(
            f"its alternatives in alternatives make {many} ways, more than {_MOST}. Let a normalizer make alike what "
            "may be written either way, or cut the text in two."
        )
    found = tuple(dict.fromkeys(_words(" ".join(row)) for way in ways for row in product(*way)))
    return [found if len(found) > 1 else (f" {found[0]} ",)]


def _words(text: str) -> str:
    return " ".join(word for word in text.split() if word != _NO_WORD)
