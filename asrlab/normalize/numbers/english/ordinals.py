"""English ordinals and decades: ``21st``, ``1980s``; not the "second" that is a time, nor "a fifth" of something."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.context import word_before
from asrlab.normalize.numbers.english.words import DECADES, quantity, split, suffix

_ORDINAL: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(st|nd|rd|th)(?!\w)")
#: Mostly said in other senses ("first, ..."), so the word is the one form.
_LITTLE: Final = {"1st": "first", "2nd": "second", "3rd": "third"}
#: Words before which no place in a row is meant by "second".
_TIMED: Final = frozenset(split("a an one per split each every any wait just for"))
_PART_OF: Final = re.compile(r"\s+(?:of|as|counts?|counted|matters?|mattered|is|was|that|i|we|you|he|she|they)\b|\W*$")
_SECOND_LONG: Final = re.compile(
    r"(?:\s+|-)(?:delay|clip|timer|rule|video|pause|ads?|spot|countdown|window|intervals?|break|timeout|limit|silence|"
    r"bursts?|hold|gap|lead|penalty|recording|segments?|exposure|commercial|speech|sprint)\b"
)
_WORD: Final = re.compile(r"[a-z]+")
_WRITTEN_DECADE: Final = re.compile(r"'?((?:1[0-9]|20)?[0-9]0)'?s(?!\w)")
_OF_CENTURY: Final = re.compile(rf"(?:\s+|-)(?:({'|'.join(DECADES)})|(hundreds)|(tens))(?!\w)")
_CENTURIES: Final = {"twenty": 20, "nineteen": 19, "eighteen": 18, "seventeen": 17, "sixteen": 16, "fifteen": 15}
_THOUSANDS: Final = re.compile(r"two\s+thousands(?!\w)")


def ordinal(low: str, at: int) -> tuple[str, int] | None:  # noqa: PLR0911  # one return a kind of ordinal
    """Read an ordinal; "second" and "a fifth of" stay as they are."""
    if found := _ORDINAL.match(low, at):
        digits, end = found[1].replace(",", ""), found.end()
        if found[2] != suffix(digits):
            return None
    elif (read := quantity(low, at)) and read.ordinal:
        digits, end = read.digits, read.end
        if len(digits) > 1 and low.endswith("second", at, end) and _SECOND_LONG.match(low, end):
            return f"{int(digits) - 2} second", end  # a twenty second clip
    else:
        return None
    before, written = word_before(low, at), f"{digits}{suffix(digits)}"
    part = _PART_OF.match(low, end)
    if before in {"a", "an", "one", "1"} and len(digits) < 3 and part:
        return None  # a fifth of it, wait a second
    if written not in _LITTLE:
        return written, end
    if low[at].isalpha() or (written == "2nd" and before in _TIMED and part):
        return None
    return _LITTLE[written], end


def decade(low: str, at: int) -> tuple[str, int] | None:
    """Read a decade; "the eighties" are not made "the nineteen eighties"."""
    if written := _WRITTEN_DECADE.match(low, at):
        return f"{written[1]}s", written.end()
    word = _WORD.match(low, at)
    if word is None:
        return None
    if word[0] in DECADES:
        return f"{DECADES[word[0]]}s", word.end()
    if (century := _CENTURIES.get(word[0])) and (found := _OF_CENTURY.match(low, word.end())):
        return f"{century}{DECADES[found[1]] if found[1] else '00' if found[2] else '10'}s", found.end()
    if (found := _THOUSANDS.match(low, at)) and word_before(low, at) in {"the", "early", "late", "mid"}:
        return "2000s", found.end()
    return None
