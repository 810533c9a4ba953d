"""Texts misheard at known rates. What is drawn is drawn by names: the same names draw the same, on any machine."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# fmt: off
_WORDS: Final = (
    "amber", "anchor", "basket", "bridge", "candle", "carpet", "castle", "cedar", "copper", "desert", "engine",
    "falcon", "feather", "forest", "garden", "harbor", "hollow", "island", "jacket", "kettle", "ladder", "lantern",
    "marble", "meadow", "mirror", "needle", "orchard", "pepper", "pillow", "quarry", "ribbon", "river", "saddle",
    "shadow", "silver", "summer", "tunnel", "valley", "velvet", "window", "winter", "yellow",
)
# fmt: on
_CHARACTERS: Final = "山水火木金土日月星云风雨雪花草树鸟鱼马牛羊门车船书画笔刀米茶酒衣灯桥田路石海江河"
_SHORTEST, _LONGEST = 6, 12  # words of a text that is made up

# A Chinese character or kana is a word, with the punctuation around it; so is what else stands between spaces.
_CHARACTER: Final = r"\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SPACE_AND_WORD: Final = re.compile(rf"(\s*)([^\w\s]*[{_CHARACTER}][^\w\s]*|[^\s{_CHARACTER}]+)")
_UNSPACED: Final = re.compile(f"[{_CHARACTER}]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_BARE: Final = re.compile(r"\w(?:.*\w)?")

Words = list[tuple[str, str]]
"""The words of a text, each after the space that stands before it."""


def hashed(*parts: object) -> str:
    """Hash JSON values: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def draws(*names: object) -> tuple[float, float, float, float]:
    """Draw four numbers from 0 to below 1 that follow from the names given."""
    drawn = bytes.fromhex(hashed(*names))
    # 53 bits are what a float holds: of 64, the greatest would be rounded to 1.
    first, second, third, fourth = ((int.from_bytes(drawn[at : at + 8]) >> 11) / 2**53 for at in range(0, 32, 8))
    return first, second, third, fourth


def split(text: str) -> Words:
    """Split a text into words; joined by :func:`join`, they are the text again without spaces at its ends."""
    return [("" if number == 0 else space, word) for number, (space, word) in enumerate(_SPACE_AND_WORD.findall(text))]


def join(words: Words) -> str:
    """Join words to a text."""
    return "".join(space + word for space, word in words)


def made_up(name: str) -> str:
    """Make up a text of 6 to 12 English words."""
    length = _SHORTEST + int(draws(name)[0] * (_LONGEST - _SHORTEST + 1))
    return " ".join(_pick(_WORDS, draws(name, number)[0]) for number in range(length))


def misheard(text: str, rates: Mapping[str, float], drawn_by: str) -> Words:
    """Mishear a text.

    Parameters
    ----------
    text : str
        What was said.
    rates : mapping of str to float
        Errors per word: ``substitutions`` and ``deletions``, at most 1 together, and ``insertions``.
    drawn_by : str
        Names what is drawn.

    Returns
    -------
    list of (space, word)
        What was heard.
    """
    heard: Words = []
    for number, (space, word) in enumerate(split(text)):
        if not _BARE.search(word):  # a dash, say
            heard.append((space, word))
            continue
        others: Sequence[str] = _CHARACTERS if _UNSPACED.search(word) else _WORDS
        edit, other, more, which = draws(drawn_by, number)
        if edit >= rates["deletions"]:
            replaced = edit < rates["deletions"] + rates["substitutions"]
            heard.append((space, _replaced(word, others, other) if replaced else word))
        if more < rates["insertions"]:
            heard.append(("" if others is _CHARACTERS else " ", _pick(others, which)))
    return [(_space_between(heard[n - 1][1] if n else None, *heard[n]), word) for n, (_, word) in enumerate(heard)]


def language_of(text: str) -> str:
    """Tell Japanese by its kana and Chinese by its characters; all else passes for English."""
    if _KANA.search(text):
        return "ja"
    return "zh" if _UNSPACED.search(text) else "en"


def _replaced(word: str, others: Sequence[str], drawn: float) -> str:
    """Replace a word by another, and keep the punctuation around it."""
    bare = _BARE.search(word)
    assert bare is not None  # noqa: S101 - asked before
    different = [other for other in others if other != bare[0].casefold()]
    return word[: bare.start()] + _pick(different, drawn) + word[bare.end() :]


def _space_between(before: str | None, space: str, word: str) -> str:
    if before is None:
        return ""
    # What stood between two words may have been left out; they remain two.
    return space or ("" if _UNSPACED.search(before) or _UNSPACED.search(word) else " ")


def _pick(choices: Sequence[str], drawn: float) -> str:
    return choices[int(drawn * len(choices))]
