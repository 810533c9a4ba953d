"""Pieces: words, and characters of scripts without spaces, with the units of a transcript that they lie in.

A transcript may be cut into characters, which tears its Latin words apart, or into words, which leaves Chinese whole.
What repeats or echoes is looked for in pieces, which are the same however a text is cut and whatever stands between.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from asrlab.normalize.scripts import HAN, UNSEGMENTED
from asrlab.scoring.tokens import characters_apart

if TYPE_CHECKING:
    from asrlab.scoring.flags.heard import Heard

_HAN: Final = re.compile(f"[{HAN}]")
_UNSEGMENTED: Final = re.compile(f"[{UNSEGMENTED}]")
#: A Chinese word in running text has about two characters, one of kana, Thai, Lao, Khmer or Burmese three or more.
_HAN_WEIGHT: Final = 0.5
_SIGN_WEIGHT: Final = 0.3
#: Categories of characters that are of no word: marks of punctuation, symbols, white space, controls.
_BETWEEN: Final = frozenset("PSZC")


class Piece(NamedTuple):
    """A word or character: its letters, case folded; the units it lies in, the end left out; its worth in words."""

    letters: str
    begin: int
    end: int
    weight: float


class _Cleaned(dict[int, int]):
    """Turns what is of no word into a space; each character is looked up once."""

    def __missing__(self, code: int) -> int:
        self[code] = 0x20 if unicodedata.category(chr(code))[0] in _BETWEEN else code
        return self[code]


_CLEANED: Final = _Cleaned()


def pieces(heard: Heard) -> list[Piece]:
    """Cut the transcript of an answer into pieces.

    Examples
    --------
    >>> from asrlab.normalize import normalizer
    >>> from asrlab.scoring.flags.heard import Heard
    >>> from asrlab.scoring.sheet import Recipe
    >>> from asrlab.scoring.tokens import tokens
    >>> text = "我想喝Latte"
    >>> one = Heard(0, text, tuple(tokens(text, "char")), Recipe("char", normalizer("none")), *[None] * 7, (), None)
    >>> [(piece.letters, piece.begin, piece.end) for piece in pieces(one)]
    [('我', 0, 1), ('想', 1, 2), ('喝', 2, 3), ('latte', 3, 8)]
    """
    ends = list(accumulate(map(len, heard.units)))
    found = []
    # Words between spaces need not be normalised again to be told apart.
    text = " ".join(heard.units) if heard.recipe.unit == "word" else heard.recipe.normalizer(heard.text)
    for letters, start in _cut(text):
        first, last = bisect_right(ends, start), bisect_right(ends, start + len(letters) - 1)
        found.append(Piece(letters.casefold(), first, last + 1, weight(letters)))
    return found


def letters_of(text: str) -> list[str]:
    """Cut a normalised text into the letters of its pieces."""
    return [letters.casefold() for letters, _ in _cut(text)]


def _cut(text: str) -> list[tuple[str, int]]:
    """Give the pieces of a text, each with its place when white space is left out."""
    found: list[tuple[str, int]] = []
    done = 0
    for token in characters_apart(text).split():
        cleaned = token.translate(_CLEANED)
        at = 0
        for part in cleaned.split():
            at = cleaned.index(part, at)
            found.append((part, done + at))
            at += len(part)
        done += len(token)
    return found


@lru_cache(maxsize=100_000)
def weight(letters: str) -> float:
    """Say how many words a piece is worth."""
    if not _UNSEGMENTED.match(letters):
        return 1.0
    return _HAN_WEIGHT if _HAN.match(letters) else _SIGN_WEIGHT


def spaced(letters: str) -> bool:
    """Tell whether letters are of a script that puts spaces between words."""
    return not _UNSEGMENTED.match(letters)
