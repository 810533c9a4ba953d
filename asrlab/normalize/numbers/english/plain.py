"""English numbers with what belongs to them: a unit, a currency, a second number after a hyphen, "by" or "to"."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.codes import hundreds_short, year_said
from asrlab.normalize.numbers.english.context import NOT_ONE_AFTER, NOT_ONE_BEFORE, ONE_AFTER, word_before
from asrlab.normalize.numbers.english.money import money
from asrlab.normalize.numbers.english.times import time
from asrlab.normalize.numbers.english.units import count_of_things, measure, percent
from asrlab.normalize.numbers.english.words import CARDINAL_WORD, END, Quantity, quantity, run, split

_FRACTION: Final = re.compile(r"([0-9]{1,3})[/⁄∕]([0-9]{1,3})(?![\w/⁄∕]|[.,:-][0-9])")
_BY: Final = re.compile(r"\s?[x×]\s?(?=\.?[0-9])|\s+by\s+(?=[0-9a-z.])")
_NOT_BY: Final = frozenset(
    split(
        "multiply multiplied divide divided raise raised increase increased reduce reduced cut decrease decreased beat"
    )
)
_HYPHEN: Final = re.compile(r"\s?[-–]\s?(?=[0-9])")
_HYPHEN_TO_SHARE: Final = re.compile(r"\s?[-–]\s?(?=[0-9]+(?:\.[0-9]+)?\s?%)")
_RANGE_AFTER: Final = frozenset(
    split("serves pages ages aged chapters verses lines years rows levels grades questions items")
)
_COUNTED: Final = re.compile(
    r"\s+(?:days|weeks|months|years|decades|times|people|persons|students|players|guests|pages|points|items|servings|stars)\b"
)
_HALF: Final = re.compile(r"half\s+an?(?=\s+[a-z])")
_TO: Final = re.compile(r"\s+(to)\s+(?=[0-9a-z])")
_AND: Final = re.compile(r"\s+(and)\s+(?=[0-9a-z])")
_PART: Final = re.compile(r"\s+(?:point|dot)\s+(?=[a-z])")
_A_NUMBER: Final = rf"(?:[0-9]+|(?<!\w)(?:{CARDINAL_WORD}){END})"
_JOINT: Final = r"(?:\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or|to)\s+)"
#: "one" among other numbers: "one or two", "one two three".
_LISTED: Final = re.compile(rf"{_JOINT}{_A_NUMBER}|(?:[\s-]+{_A_NUMBER}){{2}}")
_ONE_IN: Final = re.compile(rf"[\s-]+(?:in|out[\s-]+of)[\s-]+{_A_NUMBER}")
_LISTED_AFTER: Final = re.compile(rf"(?:{_A_NUMBER})(?:{_JOINT}|[\s-]+)$")
_NEXT_WORD: Final = re.compile(r"[\s'-]*([a-z]*)")
_DIGITS_NEXT: Final = re.compile(r"\W*[0-9]")
_LETTER: Final = re.compile(r"\s+([kgdx])(?!\w|'\w|\.\w)")
_ERA: Final = re.compile(r"\s+(?:b\.?\s?c(?:\.?\s?e)?|a\.?\s?d|c\.?\s?e)(?!\w|'\w)(?:(?<=\.[a-z])\.)?")
_ADJECTIVE: Final = re.compile(
    r"(?<!per )(?<!an )(?<!/)(?:dollar|pound|(?:kilo|centi|milli)?met(?:er|re)|mile|foot|inch|yard|gallon|lit(?:er|re)|"
    r"watt|volt|hour|minute|second|kilogram|gram|ounce|calorie|degree)$"
)
_NOT_A: Final = re.compile(r"\b(?:half|quarters?|thirds?|many|such|few|what)(?:\s+of)?[\s-]+$")


def number(text: str, low: str, at: int) -> tuple[str, int] | None:  # noqa: PLR0911  # one return a kind of number
    """Read a number, and what belongs to it."""
    if low[at] == "a" and _NOT_A.search(low[max(0, at - 16) : at]):
        words = run(low, at)
        return (text[at : words[1].end], words[1].end) if len(words) > 1 else None  # half a million
    if half := _HALF.match(low, at):
        half_of = Quantity("1/2", half.end(), spoken=True)
        return percent(low, half_of) or measure(text, low, at, half_of)  # half a mile
    fraction = _FRACTION.match(low, at)
    read = Quantity(f"{fraction[1]}/{fraction[2]}", fraction.end(), spoken=False) if fraction else quantity(low, at)
    if read is None or read.ordinal:
        return None
    if read.spoken and (count := count_of_things(low, at, read)):
        return count
    if (short := hundreds_short(low, at)) and (said := united(text, low, at, Quantity(*short, spoken=True))):
        return said
    if both := _range(text, low, at, read) or _amounts(low, at, read) or _dimensions(text, low, at, read):
        return both
    if measured := united(text, low, at, read):
        # "a hundred dollar bill": the article is the bill's
        article = "a " if low.startswith("a ", at) and _ADJECTIVE.search(low[at : measured[1]]) else ""
        return article + measured[0], measured[1]
    if said := year_said(low, at):
        return said
    read = _with_parts(low, read)
    if _goes_on(low, read.end):
        return None
    if read.spoken and (letter := _LETTER.match(low, read.end)):
        return f"{read.digits}{letter[1]}", letter.end()  # 4K, 5G, 3D
    if era := _ERA.match(low, read.end):
        return f"{read.digits} {re.sub('[^a-z]', '', era[0])}", era.end()
    if low[at : read.end] in {"one", "1"}:
        return _one(low, at, read)
    return None if low[at : read.end] in {"nought", "naught"} else (read.digits, read.end)


def united(text: str, low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read what follows a number: percent, a currency, a unit of measure."""
    if share := percent(low, read):
        hyphen = _HYPHEN_TO_SHARE.match(low, share[1])
        return (f"{share[0]} to ", hyphen.end()) if hyphen else share
    return money(low, at, read) or measure(text, low, at, read)


def _with_parts(low: str, read: Quantity) -> Quantity:
    """Read on in "two point one point three", the name of a version."""
    while read.spoken and "." in read.digits and (part := _PART.match(low, read.end)):
        more = quantity(low, part.end())
        if more is None or more.ordinal:
            break
        read = Quantity(f"{read.digits}.{more.digits}", more.end, spoken=True)
    return read


def _goes_on(low: str, end: int) -> bool:
    return low[end : end + 1].isalnum() or low[end : end + 1] == "_"


def _one(low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Decide between "one" and "1"; both come to the same wherever they mean the same."""
    before = word_before(low, at)
    if before in NOT_ONE_AFTER:
        return ("1", read.end) if before == "a" and _ONE_IN.match(low, read.end) else None
    if before in ONE_AFTER or _LISTED.match(low, read.end):
        return "1", read.end
    after = _NEXT_WORD.match(low, read.end)
    if after and after[1] in NOT_ONE_BEFORE:
        return None
    if _LISTED_AFTER.search(low[max(0, at - 30) : at]):
        return "1", read.end
    if read.spoken or before[-1:].isdigit():
        return None
    alone = low[at - 1 : at] in {*" \t\n\"'([,;", ""} and low[read.end : read.end + 1] in {*" \t\n\"')].,;:!?", ""}
    return ("one", read.end) if alone and not _DIGITS_NEXT.match(low, read.end) else None


def _dimensions(text: str, low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read 2x4 and "two by four", with the unit that follows."""
    sides, end = [read.digits], read.end
    while len(sides) < 3 and (by := _BY.match(low, end)):
        start = by.end()
        more = quantity(low, start)
        if more is None or more.ordinal or time(low, start) or percent(low, more):
            break
        sides.append(more.digits)
        end = more.end
    said = "by" in low[at:end]
    if len(sides) < 2 or any(len(side) > 5 or "/" in side for side in sides):
        return None
    if said and (word_before(low, at) in _NOT_BY or (len(sides[1]) == 4 and sides[1][:2] in {"19", "20"})):
        return None
    whole = Quantity("x".join(sides), end, read.spoken)
    return united(text, low, at, whole) or (None if _goes_on(low, end) else (whole.digits, end))


def _range(text: str, low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read 5-10 as "5 to 10" where it can be nothing else: before a unit, of years, of pages."""
    hyphen = _HYPHEN.match(low, read.end)
    second = quantity(low, hyphen.end()) if hyphen and not read.spoken else None
    if hyphen is None or second is None or not _less(read.digits, second.digits) or _HYPHEN.match(low, second.end):
        return None
    start = hyphen.end()
    if (timed := time(low, start)) and timed[0].endswith("m"):
        return f"{read.digits} to {timed[0]}", timed[1]
    if measured := united(text, low, start, second):
        return f"{read.digits} to {measured[0]}", measured[1]
    counted = _COUNTED.match(low, second.end)
    years = all(len(side) == 4 and "1500" <= side < "2100" for side in (read.digits, second.digits))
    if _goes_on(low, second.end) or not (years or counted or word_before(low, at) in _RANGE_AFTER):
        return None
    return f"{read.digits} to {second.digits}", second.end


def _amounts(low: str, at: int, read: Quantity) -> tuple[str, int] | None:
    """Read "five to ten dollars" as "$5 to $10", and so "between five and ten dollars"."""
    to = (_AND if word_before(low, at) == "between" else _TO).match(low, read.end)
    second = quantity(low, to.end()) if to else None
    amount = money(low, to.end(), second) if to and second and not second.ordinal else None
    if (
        to is None
        or second is None
        or amount is None
        or not amount[0].endswith(second.digits)
        or not _less(read.digits, second.digits)
    ):
        return None
    return f"{amount[0].removesuffix(second.digits)}{read.digits} {to[1]} {amount[0]}", amount[1]


def _less(first: str, second: str) -> bool:
    """Compare decimals in digits; fractions are never less."""
    (a, _, a_rest), (b, _, b_rest) = (side.lstrip("0").partition(".") for side in (first, second))
    return "/" not in first + second and (len(a), a, a_rest) < (len(b), b, b_rest)
