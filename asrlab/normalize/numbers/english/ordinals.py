"""English ordinals and decades: ``21st``, ``1980s``; not the "second" that is a time, nor "a fifth" of something."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.context import word_before
from asrlab.normalize.numbers.english.words import DECADES, ORDINAL_POWERS, quantity, split, suffix, times_power

_ORDINAL: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(st|nd|rd|th)(?!\w)")
_TENTH_MILLION: Final = re.compile(rf"([0-9]+)(?:\s+|-)({'|'.join(ORDINAL_POWERS)})(?!\w|'\w)")
#: Mostly said in other senses ("first, ..."), so the word is the one form.
_LITTLE: Final = {"1st": "first", "2nd": "second", "3rd": "third"}
#: Words after which no place in a row is meant by "second", if one of those below comes next: "a second to think".
_TIMED: Final = frozenset(split("a an one another per split each every any wait just for"))
_MOMENT: Final = re.compile(
    r"[,;]?\s+(?!(?:or|and)\s+(?:third|3rd))(?:to|ago|later|before|after|too|or|and|but|then|longer|more|at|for|now|please|if|so|"
    r"because|while|until|till|when|in|on|with|from|into|there|here|away|the|let|left|passed|passes|flat|it)\b"
)
_PART_OF: Final = re.compile(r"\s+(?:of|as|counts?|counted|matters?|mattered|is|was|that|i|we|you|he|she|they)\b|\W*$")
_SECOND_LONG: Final = re.compile(
    r"(?:\s+|-)(?:delay|clip|timer|rule|video|pause|ads?|spot|countdown|window|intervals?|break|timeout|limit|silence|"
    r"bursts?|hold|gap|lead|penalty|recording|segments?|exposure|commercial|speech|sprint)\b"
)
_SHORT_STREET: Final = re.compile(r"one[\s-]+(?=[a-z])")
_STREET: Final = re.compile(r"\s+st(?:reet)?(?!\w)")
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
    elif found := _TENTH_MILLION.match(low, at):
        digits, end = times_power(found[1], ORDINAL_POWERS[found[2]]), found.end()
    elif low.startswith("one", at) and (said := short_street(low, at)):
        digits, end = said
    elif (read := quantity(low, at)) and read.ordinal:
        digits, end = read.digits, read.end
        if len(digits) > 1 and low.endswith("second", at, end) and _SECOND_LONG.match(low, end):
            return f"{int(digits) - 2} second", end  # a twenty second clip
    else:
        return None
    before, written = word_before(low, at), f"{digits}{suffix(digits)}"
    part = _PART_OF.match(low, end)
    power = low[at:end] in ORDINAL_POWERS
    if before in {"a", "an", "one", "1"} and (power or (len(digits) < 3 and part)):
        return None  # a fifth of it, a hundredth, wait a second
    if power and low.startswith(" of ", end):
        return None  # a few hundredth of a second
    if written not in _LITTLE:
        return written, end
    if low[at].isalpha() or (written == "2nd" and before in _TIMED and (part or _MOMENT.match(low, end))):
        return None
    return _LITTLE[written], end


def short_street(low: str, at: int) -> tuple[str, int] | None:
    """Read "one twenty fifth street"."""
    found = _SHORT_STREET.match(low, at)
    read = quantity(low, found.end()) if found else None
    if read is None or not read.ordinal or len(read.digits) != 2 or not _STREET.match(low, read.end):
        return None
    return f"1{read.digits}", read.end


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
