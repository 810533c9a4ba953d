"""Words with numerals in them that are no numbers: they stay as they are written."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from asrlab.normalize.numbers.chinese.numerals import CAPITALS, NUMERAL

_SIGNS: Final = NUMERAL + CAPITALS
#: Signs for private use that stand for numerals that are part of a word, while numbers are looked for.
_HIDDEN: Final = dict(zip(_SIGNS, map(chr, range(0x10FF00, 0x10FF00 + len(_SIGNS))), strict=True))
_HIDE: Final = str.maketrans(_HIDDEN)
_SHOW: Final = str.maketrans({hidden: sign for sign, hidden in _HIDDEN.items()})
_NUMERAL: Final = re.compile(f"[{_SIGNS}]")
_GOES_ON: Final = re.compile(rf"(?:[点點]|(?:[{_SIGNS}\d]{{3,4}}[,、 -] ?){{2}})\Z")
_TABLE: Final = Path(__file__).with_name("words.txt")


def has_hidden(text: str) -> bool:
    """Tell whether a text has such signs for private use of its own."""
    return any(sign in text for sign in _HIDDEN.values()) if max(text, default="") >= "\U0010ff00" else False


def words_hidden(text: str) -> str:
    """Hide the numerals of words that are no numbers."""
    starts, words = _words()
    spans: list[tuple[int, int]] = []
    end = 0
    for found in _NUMERAL.finditer(text):
        at = found.start()
        if at < end:
            continue
        for begin in range(max(end, at - 7), at + 1):
            if text[begin] in starts and (length := _longest(text, begin, at, starts[text[begin]], words)):
                end = begin + length
                spans.append((begin, end))
                break
    if not spans:
        return text
    parts, at = [], 0
    for begin, stop in spans:
        parts += [text[at:begin], text[begin:stop].translate(_HIDE)]
        at = stop
    return "".join(parts) + text[at:]


def words_shown(text: str) -> str:
    """Bring back what was hidden."""
    return text.translate(_SHOW)


def _longest(text: str, begin: int, numeral: int, longest: int, words: frozenset[str]) -> int:
    for length in range(min(longest, len(text) - begin), numeral - begin, -1):
        if text[begin : begin + length] in words and not _runs_on(text, begin, begin + length):
            return length
    return 0


def _runs_on(text: str, begin: int, end: int) -> bool:
    """Tell whether a word's outer numeral is part of a longer one: 一起 in 十一起, 万一 in 三万一千."""
    before, after = text[max(0, begin - 1) : begin], text[end : end + 1]
    if text[begin] in _SIGNS and before and (before in _SIGNS or before in "第0123456789"):
        return True
    if text[end - 1] in _SIGNS and after and after in _SIGNS:
        return True
    # 三点九一八; 一三九, 幺零二四, 七七八八
    return all(sign in _SIGNS for sign in text[begin:end]) and bool(_GOES_ON.search(text[max(0, begin - 12) : begin]))


@cache
def _words() -> tuple[dict[str, int], frozenset[str]]:
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    words = frozenset(word for line in lines if not line.startswith("#") for word in line.split())
    starts: dict[str, int] = {}
    for word in words:
        starts[word[0]] = max(starts.get(word[0], 0), len(word))
    return starts, words
