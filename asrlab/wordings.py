r"""Texts with alternatives: ``so {um|uh|} yes`` is one text that may be written in three ways.

In braces, ``|`` stands between the ways, and nothing, first or last, for what may be left out. Braces may touch letters
(``colo{u|}r``); without ``|`` they are plain text. Alternatives do not stand in alternatives. A backslash makes a sign
plain text: ``\{a\|b\}`` (:func:`literal`). NIST's sclite writes the same as ``so { um / uh / @ } yes``, between words
only, and may put one in another.

A *stretch* is a piece of a text with the *ways* to write it; one way of each makes a *wording*, which is plain text.
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
_HOW: Final = r"Alternatives are {one|other}, {one|} where it may be left out; braces and bars of the text are \{ \| \}"
_HOW_NIST: Final = "Alternatives are { one / other }, { one / @ } where it may be left out"
_SIGN: Final = re.compile(r"[{|}]")
_WIDENED: Final = re.compile(r"\+variants:([0-9a-f]{8})$")
_ESCAPED: Final = re.compile(r"\\([{|}])")
_PIECES: Final = re.compile(r"\\[{|}]|[{|}]|(?:[^{|}\\]|\\(?![{|}]))+")
_PIECES_NIST: Final = re.compile(r"[{/}]|[^{/}]+")


def parts(text: str) -> list[Part]:
    r"""Cut a text at its alternatives.

    Returns
    -------
    list of tuple of str
        Its stretches in order: the ways to write each; a single one of plain text.

    Raises
    ------
    InvalidInput
        If braces with alternatives are not closed, or stand in others, or hold nothing, or nothing between two bars.

    Examples
    --------
    >>> parts("so {um|uh|} yes")
    [('so ',), ('um', 'uh', ''), (' yes',)]
    >>> parts(r"\{a\|b\}")
    [('{a|b}',)]
    """
    return _cut(text) if may_have_alternatives(text) else [(_ESCAPED.sub(r"\1", text),)]


def may_have_alternatives(text: str) -> bool:
    """Tell, with one look, of most texts that they have none."""
    return "|" in text and ("{" in text or "}" in text)


def literal(text: str) -> str:
    r"""Write a plain text so that no sign in it is taken for alternatives.

    Examples
    --------
    >>> print(literal('{"a": "b|c"}'))
    \{"a": "b\|c"\}
    """
    return _SIGN.sub(r"\\\g<0>", text)


def joined(texts: Sequence[str]) -> str:
    r"""Join texts to one that has the alternatives of each, and no others; what is broken stays so.

    Examples
    --------
    >>> print(joined(["so {um|uh}", "yes"]))
    so {um|uh} yes
    >>> print(joined(["{x", "a | b", "y}"]))
    \{x a \| b y\}
    """
    text = " ".join(texts)
    if not may_have_alternatives(text):
        return text
    try:
        each = [part for n, one in enumerate(texts) for part in ([(" ",)] if n else []) + parts(one)]
        if _told(parts(text)) == _told(each):
            return text
    except InvalidInput:
        pass
    return " ".join(map(_rewritten, texts))


def _rewritten(text: str) -> str:
    try:
        stretches = parts(text)
    except InvalidInput:
        return text
    return "".join(f"{{{'|'.join(map(literal, ways))}}}" if len(ways) > 1 else literal(ways[0]) for ways in stretches)


def count(stretches: Iterable[Part]) -> int:
    """Count the wordings that stretches make."""
    return prod(map(len, stretches))


def wording(ways: Iterable[str]) -> str:
    """Write the wording that one way of each stretch makes; white space between words becomes one space."""
    return " ".join("".join(ways).split())


def every(stretches: Sequence[Part]) -> list[str]:
    """Give every wording once, those with what stands first being first."""
    return list(dict.fromkeys(map(wording, product(*stretches))))


def first_wording(text: str) -> str:
    """Give the first wording of a text; the text as it is where it has broken alternatives."""
    try:
        stretches = parts(text)
    except InvalidInput:
        return text
    ways = [ways[0] for ways in stretches]
    return "".join(ways) if count(stretches) == 1 else wording(ways)


def widened(form: str | None, fingerprint: str) -> str | None:
    """Name the form of references that a table of variants widens: ``spoken+variants:3f2a91c0``."""
    return form and f"{form}+variants:{fingerprint}"


def form_as_given(form: str) -> str:
    """Name the form of references before a table of variants widened them."""
    return _WIDENED.sub("", form)


def reference_of(form: str) -> str:
    """Say in words what reference is meant by the name of a form.

    Examples
    --------
    >>> reference_of("spoken"), reference_of("spoken+variants:3f2a91c0")
    ('spoken reference', 'spoken reference with variants 3f2a91c0')
    """
    found = _WIDENED.search(form)
    own = form_as_given(form)
    named = "reference" if found and own == "unstated" else f"{own} reference"
    return f"{named} with variants {found[1]}" if found else named


def from_nist(text: str) -> str:
    """Write a text of NIST's sclite as one with alternatives as here; alternatives in others are written out.

    Raises
    ------
    InvalidInput
        If braces are not closed, or alternatives in others make too many ways.

    Examples
    --------
    >>> from_nist("so { um / uh / @ } yes")
    'so {um|uh|} yes'
    """
    made = []
    for ways in _cut(text, nist=True):
        # A backslash must not come to stand before a sign of ours, nor nothing between two bars.
        inner = [way + " " * way.endswith("\\") for way in map(literal, (ways[0], *sorted(ways[1:], key="".__eq__)))]
        plain = _words(ways[0])
        made.append(f"{{{'|'.join(inner)}}}" if len(ways) > 1 else literal(plain) if "\\" in plain else plain)
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
        f"{{ {' / '.join(wording(way) or _NO_WORD for way in ways)} }}" if len(ways) > 1 else wording(ways)
        for ways in stretches
    ).strip()
    try:
        again = parts(from_nist(line))
    except InvalidInput:
        again = []
    if _told(again) != _told(stretches) or (inside and any("/" in ways[0] for ways in stretches if len(ways) == 1)):
        raise InvalidInput(
            "its text has signs that mean something else in sclite's files ({ } @, or / between alternatives), or "
            f"alternatives that touch letters: {wording(text)[:60]!r}. Take them out, write {{colour|color}} for "
            "colo{u|}r, or write jsonl."
        )
    return line


def _told(stretches: Sequence[Part]) -> tuple[str, list[list[str]]]:
    """Tell what must be the same when a text is read again: the first wording, which shows what touches, and ways."""
    groups = [[wording(way) for way in ways] for ways in stretches if len(ways) > 1]
    return wording(ways[0] for ways in stretches), groups


def _cut(text: str, *, nist: bool = False) -> list[Part]:
    """Cut a text at its braces, by the one rule or the other."""
    bar, pieces, how = ("/", _PIECES_NIST, _HOW_NIST) if nist else ("|", _PIECES, _HOW)
    open_: list[list[list[Part]]] = [[[]]]  # open braces > ways > stretches in a row
    loose = False  # whether a | stands outside, which a } would close
    for sign in pieces.findall(text):
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
    found = open_[0][0]
    return found if nist else [tuple(_ESCAPED.sub(r"\1", way) for way in ways) for ways in found]


def _group(ways: list[list[Part]], *, inside: bool) -> list[Part]:
    if len(ways) == 1:
        return [("{",), *ways[0], ("}",)]
    if inside or any(part == ("{",) for way in ways for part in way):
        raise InvalidInput(f"alternatives stand in braces that stand in others. {_HOW}; write all ways out in one.")
    found = tuple("".join(part for (part,) in way) for way in ways)
    empty = [n for n, way in enumerate(found) if not way.strip()]
    if len(empty) > 1 or not {*empty} <= {0, len(found) - 1}:
        whole = f"{{{'|'.join(found)}}}"
        raise InvalidInput(f"the alternatives {whole!r} say twice, or in the middle, that nothing is said. {_HOW}.")
    return [found]


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
