"""Texts with alternatives, as NIST's sclite has them: ``so { um / uh / @ } yes``, where ``@`` is no word."""

from __future__ import annotations

import itertools
import re
from math import prod
from typing import Final

from asrlab.errors import InvalidInput

#: Wordings that the alternatives of one text may make.
_MOST: Final = 256
_DEEPEST: Final = 50  # alternatives in alternatives
_NO_WORD: Final = "@"


def wordings(text: str) -> tuple[str, ...]:
    """Give every wording that a text with alternatives allows, each once, what stands first being first.

    Raises
    ------
    InvalidInput
        If braces are not closed, or there are too many wordings.
    """
    if "{" not in text and "}" not in text:
        return (" ".join(word for word in text.split() if word != _NO_WORD),)
    stack: list[list[list[list[str]]]] = [[[]]]  # open braces > alternatives > parts in a row > what each may be
    plain: list[str] = []

    def close_part() -> None:
        if plain:
            stack[-1][-1].append([" ".join(plain)])
            plain.clear()

    for sign in re.findall(r"[{}]|[^\s{}]+", text):
        inside = len(stack) > 1
        if sign == "{":
            close_part()
            stack.append([[]])
            if len(stack) > _DEEPEST:
                raise InvalidInput(f"braces stand {_DEEPEST} deep. Write fewer alternatives.")
        elif sign == "}":
            close_part()
            if not inside:
                raise InvalidInput("a '}' closes no '{'. Alternatives are { one / other }.")
            made = [wording for parts in stack.pop() for wording in _rows(parts)]
            stack[-1][-1].append(list(dict.fromkeys(made)))
        elif inside:
            first, *more = sign.split("/")
            plain += _words(first)
            for word in more:
                close_part()
                stack[-1].append([])
                plain += _words(word)
        else:
            plain += _words(sign)
    close_part()
    if len(stack) > 1:
        raise InvalidInput("a '{' is not closed. Alternatives are { one / other }.")
    return tuple(dict.fromkeys(_rows(stack[0][0])))


def _words(sign: str) -> list[str]:
    return [] if sign in ("", _NO_WORD) else [sign]


def _rows(parts: list[list[str]]) -> list[str]:
    """Make every row of parts, one of each."""
    if (many := prod(map(len, parts))) > _MOST:
        raise InvalidInput(
            f"its alternatives make {many} wordings, more than {_MOST}. Let a normalizer "
            "make alike what may be written either way, or cut the text in two."
        )
    return [" ".join(filter(None, row)) for row in itertools.product(*parts)]


def spelled(texts: list[str]) -> str:
    """Write wordings as one text, which :func:`wordings` reads again; white space between words becomes one space.

    Raises
    ------
    InvalidInput
        If there are signs in them that mean something else.
    """
    plain = [" ".join(text.split()) for text in texts]
    line = f"{{ {' / '.join(text or _NO_WORD for text in plain)} }}" if len(plain) > 1 else plain[0]
    try:
        again = wordings(line)
    except InvalidInput:
        again = ()
    if list(again) != list(dict.fromkeys(plain)):
        raise InvalidInput(
            "its text has signs that mean something else in sclite's files ({ } @, or / between "
            f"alternatives): {plain[0][:60]!r}. Take them out, or write jsonl."
        )
    return line
