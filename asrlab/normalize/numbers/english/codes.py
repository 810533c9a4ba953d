"""Numbers in English that are said or written in groups: telephone numbers, codes, rooms, years in two halves."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from asrlab.normalize.numbers.english.context import (
    CODE_AFTER,
    LABELS,
    LETTERED,
    bare,
    before_street,
    follows_number,
    word_before,
)
from asrlab.normalize.numbers.english.ordinals import short_street
from asrlab.normalize.numbers.english.times import BEFORE_YEAR, year
from asrlab.normalize.numbers.english.units import counted
from asrlab.normalize.numbers.english.words import CARDINAL_WORD, DIGITS, END, SMALL, TENS, cardinal, quantity, run

if TYPE_CHECKING:
    from asrlab.normalize.numbers.english.words import Word

_PHONES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\+\s?\(?[0-9]{1,3}\)?(?:[\s.-]{0,2}\(?[0-9]{1,5}\)?){2,6}(?![\w(]|[.,:-][0-9])",
        r"(?:1[\s.-]{0,2})?\([0-9]{3,4}\)[\s.-]?[0-9]{3}[\s.-]?[0-9]{3,4}(?![\w]|[.,:-][0-9])",
        r"[0-9]{1,5}(?:-[0-9]{1,6})+(?![\w/-]|[.,:][0-9])",
        r"(?:1\.)?[0-9]{3}\.[0-9]{3}\.[0-9]{4}(?![\w/-]|[.,:][0-9])",
    )
)
_ONE_BY_ONE: Final = re.compile(r"[0-9](?:-[0-9]){3,}(?![\w/-]|[.,:][0-9])")
_SPACED: Final = re.compile(r"(?:1 )?[0-9]{3,5}(?:[\s-][0-9]{2,6}){1,4}(?![\w/-]|[.,:][0-9]|\s[0-9])")
#: Groups that begin with 0 are no whole numbers: 07700 900123. Others stay apart, unless a call is spoken of.
_LOCAL: Final = re.compile(r"0[0-9]{2,4}(?: [0-9]{2,6}){1,4}")
_LOCAL_WHOLE: Final = re.compile(r"(?=(?: ?[0-9]){10,11}\Z)0[0-9]{2,4}(?: [0-9]{3,6}){1,2}")
#: So are those with a code of free calls, and those of the exchange that is kept for films.
_NATIONAL: Final = re.compile(
    r"1 8(?:00|88|77|66|55|44|33)[ -][0-9]{3}[ -][0-9]{4}|(?:1 )?[2-9][0-9]{2} 555[ -][0-9]{4}"
)
_CALL: Final = re.compile(
    r"\b(?:call|dial|phone|tel|telephone|fax|text|ring|mobile|cell|number|reach|contact|hotline|landline|whatsapp|sms)"
    r"(?:\s+(?:me|us|him|her|them|it|number|no|is|at|on|now|to))*\W*$"
)
_LABEL: Final = re.compile(rf"\b(?:{'|'.join(sorted(LABELS | CODE_AFTER))})(?:\s+(?:me|us|number|code|is|at|on))*\W*$")
_EXTENSION: Final = re.compile(r"(?:,?\s*(?:ext\b\.?|extension|x)\s*#?)(?=[0-9])")
_SPECIAL: Final = {
    "nine one one": "911",
    "four one one": "411",
    "nine nine nine": "999",
    "one one two": "112",
    "twenty four seven": "24/7",
    "nine eleven": "9/11",
    "fifty fifty": "50/50",
}
_SPECIAL_WRITTEN: Final = {"9-1-1": "911", "50-50": "50/50", "24-7": "24/7"}
_SPECIAL_AT: Final = re.compile(
    rf"(?:{'|'.join(_SPECIAL).replace(' ', '[ -]')}){END}|(?:{'|'.join(_SPECIAL_WRITTEN)})(?![\w/-]|[.,:][0-9])"
)
_SIGHT: Final = re.compile(r"twenty[ -]twenty(?:(?= (?:vision|hindsight|eyesight))|(?<=hindsight is twenty.twenty))")
_REPEATS: Final = {"double": 2, "triple": 3}
_PAUSE: Final = re.compile(r"\s*,\s+|\s+(?:dash|[-–])\s+")
_MEMBER: Final = rf"(?:{CARDINAL_WORD}|hundred|and){END}"
_NUMBERS: Final = rf"(?:[0-9]+|{_MEMBER}(?:[\s-]+{_MEMBER}){{0,6}})"
_DOTTED: Final = re.compile(rf"{_NUMBERS}(?:\s+dot\s+{_NUMBERS})+(?!\w)|{_NUMBERS}(?:\s+point\s+{_NUMBERS}){{3}}(?!\w)")
_BEFORE_LETTER: Final = ("gate", "vitamin", "room", "terminal", "pier", "zone", "hall", "bay", "aisle", "stand")
#: Words after which "three dot one" is a version.
_VERSIONED: Final = frozenset({"version", "python", "release", "v", "web", "android", "ios", "java", "node", "build"})
_OVER: Final = re.compile(r"\s+over\s+(?=[0-9a-z])")
_PRESSURE: Final = re.compile(r"\b(?:pressure|pressures|bp|systolic|hypertens\w+|vitals)\b[^.;!?]*$")
_LETTER: Final = re.compile(r"\s+([b-hj-z]|a(?=\W*$))(?![\w]|'\w|\.\w)")
#: Where a letter begins that is written together with the number after it.
LETTER_AND_NUMBER: Final = (
    rf"(?:{'|'.join(f'(?<={label} )' for label in _BEFORE_LETTER)})[b-hj-z](?=\s+(?:{CARDINAL_WORD}){END})|"
    rf"q(?=\s+(?:one|two|three|four){END})|mp(?=\s+(?:three|four){END})|g(?=\s+(?:seven|eight|twenty){END})|"
    rf"co(?=\s+two{END})|f(?=\s+one{END})"
)
_NAME: Final = re.compile(r"([a-z]+)\s+")
_DECADE_TIME: Final = re.compile(r"(?:\s+|-)(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b")


def telephone(low: str, at: int) -> tuple[str, int] | None:
    """Read a telephone number in digits, with its marks; in one run of digits."""
    if (found := _ONE_BY_ONE.match(low, at)) and not _counting([(digit, at) for digit in found[0].split("-")]):
        return found[0].replace("-", ""), found.end()
    for pattern in _PHONES:
        found = pattern.match(low, at)
        digits = re.sub(r"[^0-9]", "", found[0]) if found else ""
        if found and 7 <= len(digits) <= 19 and not _range(found[0]):
            return _with_extension(low, digits, found.end())
    found = _SPACED.match(low, at)
    digits = re.sub(r"[^0-9]", "", found[0]) if found else ""
    if found and len(digits) >= 7:
        local = _LOCAL if bare(low, at, found.end()) else _LOCAL_WHOLE
        if local.fullmatch(found[0]) or _NATIONAL.fullmatch(found[0]) or _CALL.search(low[max(0, at - 40) : at]):
            return _with_extension(low, digits, found.end())
    return None


def special(low: str, at: int) -> tuple[str, int] | None:
    """Read numbers that have a form of their own, such as 911 and 24/7."""
    found = _SPECIAL_AT.match(low, at)
    if sight := _SIGHT.match(low, at):
        return "20/20", sight.end()
    if found is None or follows_number(low, found.end()) or low.endswith(("at ", "by "), 0, at):
        return None
    return _SPECIAL_WRITTEN.get(found[0]) or _SPECIAL[found[0].replace("-", " ")], found.end()


def one_by_one(low: str, at: int) -> tuple[str, int] | None:  # noqa: PLR0911  # one return a kind of run
    """Read digits that are said one by one or in groups, where they are one number."""
    words = run(low, at)
    if len(words) < 2:
        return None
    groups = _groups(words)
    digits, end = "".join(group for group, _ in groups), groups[-1][1] if groups else at
    singles = [group for group, _ in groups if len(group) == 1]
    labelled = bool(_LABEL.search(low[max(0, at - 40) : at])) or (bool(groups) and before_street(low, end))
    read = cardinal(words, 0)
    if not groups or short_street(low, at) or (read and words[read[1] - 1].end >= end):
        return None
    repeated = any(word.word in _REPEATS for word in words[: len(groups) + 1])
    if (further := _further(low, end)) and len(digits + further[0]) >= 7 and len(singles) >= 3:
        return _with_extension(low, digits + further[0], further[1])
    grouped = len(digits) in {7, 10, 11} and all(len(group) == 1 for group, _ in groups[:3])
    if labelled or (len(digits) >= 7 and (grouped or len(singles) >= 4) and not _counting(groups)):
        return _with_extension(low, digits, end)
    if len(singles) == len(groups) >= 5 and bare(low, at, end):
        return digits, end  # one two three four five six
    if len(singles) < len(groups) - repeated * len(groups):
        return None
    first = words[0].word
    with_zero = "0" in digits[1:] and len(digits) >= 3 and first not in {"oh", "o"}
    return (digits, end) if repeated or with_zero or (len(digits) >= 4 and not _counting(groups)) else None


def dotted(low: str, at: int) -> tuple[str, int] | None:
    """Read what is said with "dot": an address such as 192.168.0.1, a version."""
    found = _DOTTED.match(low, at)
    if found is None:
        return None
    parts = [_part(part) for part in re.split(r"\s+(?:dot|point)\s+", found[0])]
    sure = len(parts) > 2 or word_before(low, at) in _VERSIONED
    return (".".join(parts), found.end()) if sure and all(parts) else None


def _part(said: str) -> str:
    """Read what stands between two dots: "192" as "one nine two", "one ninety two" or a number; or nothing."""
    if said.isdigit():
        return said
    words = run(said, 0)
    read, groups = cardinal(words, 0), _groups(words)
    if read and words[read[1] - 1].end == len(said):
        return "" if read[2] else str(read[0])
    return "".join(group for group, _ in groups) if groups and groups[-1][1] == len(said) else ""


def pressure(low: str, at: int) -> tuple[str, int] | None:
    """Read "one twenty over eighty", a blood pressure."""
    words = hundreds_short(low, at)
    read = None if words else quantity(low, at)
    upper, end = words or ((read.digits, read.end) if read and read.plain else ("", at))
    over = _OVER.match(low, end)
    lower = quantity(low, over.end()) if over else None
    if over is None or lower is None or not lower.plain or lower.ordinal or len(upper) > 3 or len(lower.digits) > 3:
        return None
    likely = 70 <= int(upper) <= 260 and 30 <= int(lower.digits) <= 160 and int(lower.digits) < int(upper)
    told = _PRESSURE.search(low[max(0, at - 40) : at]) or (words and bare(low, at, lower.end))
    return (f"{upper}/{lower.digits}", lower.end) if likely and told else None


def with_letter(low: str, at: int, read: tuple[str, int]) -> tuple[str, int]:
    """Add the letter in "apartment four b"; "a" only where nothing follows."""
    found = _LETTER.match(low, read[1])
    if found is None or not read[0].isdigit() or not low[at].isalpha() or word_before(low, at) not in LETTERED:
        return read
    return f"{read[0]}{found[1]}", found.end()


def letter_and_number(text: str, low: str, at: int) -> tuple[str, int] | None:
    """Read "gate b twelve" and "mp three", which are written together."""
    name = _NAME.match(low, at)
    start = name.end() if name else at
    read = one_by_one(low, start) or (quantity(low, start) or (None,))[:2]
    if name is None or read[0] is None or not read[0].isdigit():
        return None
    return f"{text[at : name.end(1)]}{read[0]}", read[1]


def year_said(low: str, at: int) -> tuple[str, int] | None:
    """Read a year said in two halves, unless the halves are two numbers of a list."""
    words = run(low, at)
    found = year(words, 0) if len(words) > 1 else None
    if found is None:
        return None
    digits, after = found
    end = words[after - 1].end
    if word_before(low, at) in BEFORE_YEAR or bare(low, at, end):
        return digits, end
    if digits[:2] == "10" and digits[2] < "6":
        return None
    listed = follows_number(low, end) and words[0].word not in {"nineteen", "twenty"}
    following = words[0].word != "nineteen" and int(digits[2:]) == int(digits[:2]) + 1 and digits < "2000"
    return None if listed or following or _DECADE_TIME.match(low, end) or counted(low, at, end) else (digits, end)


def hundreds_short(low: str, at: int) -> tuple[str, int] | None:
    """Read "three fifty" as 350: for where a unit follows."""
    words = run(low, at)
    if len(words) < 2 or not DIGITS.get(words[0].word, 0) >= 1:
        return None
    rest = cardinal(words[1:3], 0)
    if rest is None or rest[2] or not 10 <= rest[0] <= 99:
        return None
    end = words[rest[1]].end
    return None if counted(low, at, end) else (f"{DIGITS[words[0].word]}{rest[0]}", end)


def _range(written: str) -> bool:
    """Tell 1990-1995 and 1000-2000 from a telephone number."""
    groups = written.split("-")
    if len(groups) != 2 or "(" in written or "+" in written:
        return False
    first, second = groups
    if (len(first), len(second)) == (3, 4):
        return False
    years = all(len(group) == 4 and group[:2] in {"15", "16", "17", "18", "19", "20"} for group in groups)
    return len(first) != 4 or len(second) != 4 or years or (first[-1] == second[-1] == "0")


def _with_extension(low: str, digits: str, end: int) -> tuple[str, int]:
    found = _EXTENSION.match(low, end)
    return (f"{digits} extension ", found.end()) if found else (digits, end)


def _counting(groups: list[tuple[str, int]]) -> bool:
    """Tell "one two three four" and "two four six eight" from a number."""
    steps = {int(after[0]) - int(before[0]) for before, after in pairwise(groups)}
    return len(steps) == 1 and steps != {0}


def _groups(words: tuple[Word, ...]) -> list[tuple[str, int]]:
    """Cut words into what each says of a number: digits, "double five", "eight hundred", "twenty two"."""
    groups: list[tuple[str, int]] = []
    at = 0
    while at < len(words):
        word = words[at].word
        after = words[at + 1].word if at + 1 < len(words) else ""
        if word in _REPEATS and after in DIGITS:
            groups.append((str(DIGITS[after]) * _REPEATS[word], words[at + 1].end))
            at += 2
        elif word in DIGITS and after == "hundred" and DIGITS[word]:
            groups.append((f"{DIGITS[word]}00", words[at + 1].end))
            at += 2
        elif word in TENS and DIGITS.get(after, 0) >= 1:
            groups.append((str(TENS[word] + DIGITS[after]), words[at + 1].end))
            at += 2
        elif word in SMALL or word in TENS:
            groups.append((str(SMALL.get(word, TENS.get(word))), words[at].end))
            at += 1
        else:
            break
    return groups


def _further(low: str, end: int) -> tuple[str, int] | None:
    """Read groups of digits that go on after a comma: "five five five, one two three four"."""
    digits = ""
    while gap := _PAUSE.match(low, end):
        groups = _groups(run(low, gap.end()))
        more = "".join(group for group, _ in groups)
        if len(more) < 2 or any(len(group) > 2 for group, _ in groups):
            break
        digits, end = digits + more, groups[-1][1]
    return (digits, end) if digits else None
