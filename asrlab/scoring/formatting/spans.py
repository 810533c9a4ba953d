"""Spans: a text as words and numbers, each number one item whatever its form, with its place in the text as written.

"£26.40" and "twenty six pounds and forty pence" are one item each, and are equal. Alignments of such items, and not of
words, tell which number answers which: as words, one unit would face six, and where each of them stands in the text
would be lost. What a number is worth is read by :mod:`asrlab.normalize.numbers`, and where it stands is found by
matching the text with what they make of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz.distance import Indel

from asrlab.normalize import normalizer
from asrlab.normalize.numbers import number_steps
from asrlab.normalize.numbers.english.words import split
from asrlab.normalize.scripts import UNSEGMENTED, traditional_to_simplified
from asrlab.scoring.formatting.classes import numbers_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.scoring.formatting.classes import Found

    #: Places of units.
    Places = Sequence[int]

#: Words and numbers in digits, characters of scripts without spaces, and marks: each one unit of a text.
UNIT: Final = re.compile(rf"[^\W_{UNSEGMENTED}]+(?:'[^\W\d_{UNSEGMENTED}]+)*|[{UNSEGMENTED}]|[^\w\s]|_")
_WORD: Final = re.compile(r"\w")
_DIGIT: Final = re.compile(r"\d")
_ABBREVIATED: Final = re.compile(r"\.[^\W\d_]\Z")
_GOES_ON: Final = re.compile(r"\.(?=[,;:)]|\s+[^\W_](?<=[^A-Z]))")
#: Marks that begin or end no number.
_EDGES: Final = frozenset(",;:!?\"'、,。；：！？…—-–. ")
_FRONT: Final = _EDGES - {"-", ".", "'"}
_ONE_BY_ONE: Final = {
    "en": frozenset(split("zero oh o one two three four five six seven eight nine double triple")),
    "zh": frozenset("零〇一二三四五六七八九幺"),
    "yue": frozenset("零〇一二三四五六七八九幺"),
    "ja": frozenset("零〇一二三四五六七八九"),
    "de": frozenset(split("null eins ein zwei zwo drei vier fünf sechs sieben acht neun")),
    "fr": frozenset(split("zéro un deux trois quatre cinq six sept huit neuf")),
    "es": frozenset(split("cero uno un dos tres cuatro cinco seis siete ocho nueve")),
    "pt": frozenset(split("zero um dois duas três quatro cinco seis meia sete oito nove")),
    "it": frozenset(split("zero uno due tre quattro cinque sei sette otto nove")),
    "ru": frozenset(split("ноль один два три четыре пять шесть семь восемь девять")),
}
_COMMA: Final = frozenset({"de", "fr", "es", "pt", "it", "ru"})
_ORDINAL_WORDS: Final = frozenset(split("first second third fourth fifth sixth seventh eighth ninth tenth"))
#: Tells a decimal whose scale was multiplied out: 2.5 million.
_DECIMAL: Final = re.compile(r"\d\.\d|\bpoint\b|[点點]", re.IGNORECASE)
_DECIMAL_COMMA: Final = re.compile(r"\d,\d|\b(?:komma|virgule|coma|vírgula|virgola|целых)\b", re.IGNORECASE)
#: What may stand between the groups of one telephone number.
_GAP: Final = re.compile(r"[\s,、，.()-]*")
#: Groups of digits, and not thousands.
_PHONE_LIKE: Final = re.compile(r"(?!\d{1,3}(?:[ .,']\d{3})+$)[+(]?\d+(?:[ ().-]{1,2}\d+)+")
#: Digits that a telephone number has (ITU-T E.164: up to 15).
_PHONE: Final = range(7, 16)
#: Digits said one by one that make a code rather than a number.
_CODE: Final = 3
#: A hyphen between letters and digits of a code: COVID-19 is COVID19.
_WITHIN_CODE: Final = re.compile(r"(?<=[^\W\d_])-(?=\d)|(?<=\d)-(?=[^\W\d_])")
#: A time that only the day of 24 hours has.
_DAY_TIME: Final = re.compile(r"(0|00|1[3-9]|2[0-3]):([0-5]\d)")


class Item(NamedTuple):
    """A word or a number of a text.

    Parameters
    ----------
    begin, end : int
        Its place in :attr:`Parsed.text`.
    key : str
        What it says: equal for all ways to write it.
    number_class : str or None
        One of :data:`asrlab.scoring.formatting.classes.NUMBER_CLASSES`; None for a word.
    """

    begin: int
    end: int
    key: str
    number_class: str | None


@dataclass(frozen=True)
class Parsed:
    """A text taken apart.

    Parameters
    ----------
    text : str
        The text, each character in one form (and Traditional Chinese folded, where so wanted).
    items : tuple of Item
        Its words and numbers, in order; marks are between them.
    """

    text: str
    items: tuple[Item, ...]

    def written(self, first: int, last: int) -> str:
        """Give the text from one item to before another, as it is written."""
        return self.text[self.items[first].begin : self.items[last - 1].end] if first < last else ""


@lru_cache(maxsize=20_000)
def parsed(text: str, preset: str, script: str = "fold") -> Parsed:
    """Take a text apart into words and numbers.

    Parameters
    ----------
    text : str
        A transcript or reference, with its case and punctuation.
    preset : str
        The language, as :func:`asrlab.normalize.presets.preset_for` names it.
    script : {"fold", "keep"}
        Whether Traditional Chinese is folded to Simplified.

    Returns
    -------
    Parsed
        Numbers of languages that no reader knows are found where they are written in digits.

    Raises
    ------
    MissingExtra
        If a library is not installed that the numbers of this language need.

    Examples
    --------
    >>> found = parsed("One of them paid twenty six pounds and forty pence.", "en")
    >>> [(found.text[i.begin : i.end], i.key) for i in found.items if i.number_class]
    [('twenty six pounds and forty pence', '£26.40')]
    """
    text = normalizer(preset, upto="characters")(text)
    if script == "fold" and preset in {"zh", "yue"}:
        text = traditional_to_simplified(text)
    steps = number_steps(preset)
    unified = steps[0](text) if steps else text
    numbers = _joined(_numbers(text, unified, preset), text, preset)
    items: list[Item] = []
    at = 0
    for number in (*numbers, Item(len(text), len(text), "", None)):
        items += (
            Item(at + unit.start(), at + unit.end(), unit[0].casefold(), None)
            for unit in UNIT.finditer(text[at : number.begin])
            if _WORD.match(unit[0])
        )
        if number.key:
            items.append(number)
        at = max(at, number.end)
    return Parsed(text, tuple(items))


class _Reading(NamedTuple):
    """A text, the same with its numbers in one form, and its language."""

    text: str
    unified: str
    preset: str

    def reads(self, begin: int, end: int) -> str:
        """Give what a stretch of the text says if it is read alone."""
        return _key(_read(self.text[begin:end], self.preset))


@lru_cache(maxsize=20_000)
def _read(text: str, preset: str) -> str:
    return number_steps(preset)[0](text)


def _numbers(text: str, unified: str, preset: str) -> list[Item]:
    """Find the numbers in a text by those that it has once they are in one form."""
    found = numbers_in(unified, preset) if _DIGIT.search(unified) else []
    if text == unified:
        reading = _Reading(text, text, preset)
        return [_item(reading, one.begin, one.end, text[one.begin : one.end], one.number_class) for one in found]
    units, made = (list(UNIT.finditer(side)) for side in (text, unified))
    same = Indel.editops([unit[0].casefold() for unit in units], [unit[0].casefold() for unit in made])
    anchor = [0, *[-1] * len(made), len(units) + 1]  # one before the first, one after the last
    for block in same.as_matching_blocks():
        anchor[block.b + 1 : block.b + block.size + 1] = range(block.a + 1, block.a + block.size + 1)
    # A mark may stay for another like it: only one beside a word that stayed is sure.
    for n, unit in enumerate(made, 1):
        if anchor[n] >= 0 and not _WORD.match(unit[0]):
            before, after = anchor[n - 1] == anchor[n] - 1, anchor[n + 1] == anchor[n] + 1
            anchor[n] = anchor[n] if before or after else -1
    items: list[Item] = []
    reading = _Reading(text, unified, preset)
    words = [0, *accumulate(bool(_WORD.match(unit[0])) for unit in units)]
    words.append(words[-1])
    for first, last, inside in _stretches(made, found, anchor, words):
        begin_unit, end_unit = _between(anchor, first, last, words)
        items += _placed(reading, units[begin_unit:end_unit], made[first:last], inside)
    return items


def _kept(anchor: Places, first: int, last: int, words: Places) -> bool:
    """Tell whether the units stayed as they were, with no word beside them left out."""
    inner = anchor[first + 1 : last + 1]
    if inner[0] < 0 or inner != list(range(inner[0], inner[0] + len(inner))):
        return False
    before, after = anchor[first], anchor[last + 1]
    lost_before = before >= 0 and words[inner[0] - 1] > words[before]
    lost_after = after >= 0 and words[after - 1] > words[inner[-1]]
    return not (lost_before or lost_after)


def _stretches(
    made: Sequence[re.Match[str]], found: Sequence[Found], anchor: Places, words: Places
) -> list[tuple[int, int, list[Found]]]:
    """Give the stretches, from anchor to anchor, of what was made, in which numbers are, each with its numbers."""
    stretches: list[tuple[int, int, list[Found]]] = []
    begins = [unit.start() for unit in made]
    rewritten = [place < 0 for place in anchor]
    for one in found:
        first, last = bisect_right(begins, one.begin) - 1, bisect_left(begins, one.end)
        if not _kept(anchor, first, last, words):
            while first > 0 and anchor[first] < 0:
                first -= 1
            while last < len(made) and anchor[last + 1] < 0:
                last += 1
        if stretches and first < stretches[-1][1]:
            earlier = stretches.pop()
            stretches.append((earlier[0], max(last, earlier[1]), [*earlier[2], one]))
        else:
            stretches.append((first, last, [one]))
        rewritten[first + 1 : last + 1] = [False] * (last - first)
    # What was rewritten and has no digits then: 3rd, which is written "third".
    edges = [n for n in range(len(made) + 1) if rewritten[n] != rewritten[n + 1]]
    stretches += ((first, last, []) for first, last in zip(edges[::2], edges[1::2], strict=True))
    return sorted(stretches, key=lambda stretch: stretch[:2])


def _between(anchor: Places, first: int, last: int, words: Places) -> tuple[int, int]:
    """Give the units of the text that a stretch was made of: all of those between the units that stayed around it."""
    if _kept(anchor, first, last, words):
        return anchor[first + 1] - 1, anchor[last]
    before = next(n for n in range(first, -1, -1) if anchor[n] >= 0)
    after = next(n for n in range(last + 1, len(anchor)) if anchor[n] >= 0)
    return anchor[before], anchor[after] - 1


def _placed(
    reading: _Reading, units: Sequence[re.Match[str]], made: Sequence[re.Match[str]], inside: Sequence[Found]
) -> list[Item]:
    """Find the place of each number of a stretch in the text."""
    while units and units[0][0] in _FRONT:
        units = units[1:]
    while units and units[-1][0] in _EDGES:
        units = units[:-1]
    if not units:
        return []
    if not inside:
        return _rewritten(reading, units, made)
    unified, (begin, end) = reading.unified, (units[0].start(), units[-1].end())
    if len(inside) == 1:
        key_end = max(inside[0].end, made[-1].end() if _WORD.match(made[-1][0]) else 0)
        return [_item(reading, begin, end, unified[inside[0].begin : key_end], inside[0].number_class)]
    items: list[Item] = []
    at = 0
    for one in inside[:-1]:
        # What of the units reads as this number, and as much as does: 五块钱, not 五块.
        key, start = _key(unified[one.begin : one.end]), units[at].start()
        ends = (n for n in range(len(units) - 1, at, -1) if reading.reads(start, units[n - 1].end()) == key)
        if (cut := next(ends, None)) is None:
            break
        items.append(_item(reading, start, units[cut - 1].end(), key, one.number_class))
        at = cut
        while at < len(units) - 1 and units[at][0] in _EDGES:
            at += 1
    rest = inside[len(items) :]
    key = unified[rest[0].begin : rest[-1].end]
    return [*items, _item(reading, units[at].start(), end, key, rest[0].number_class)]


def _rewritten(reading: _Reading, units: Sequence[re.Match[str]], made: Sequence[re.Match[str]]) -> list[Item]:
    """Make numbers of what has digits in the text and none once it is in one form: 3rd is "third" there."""
    text, (begin, end) = reading.text, (units[0].start(), units[-1].end())
    if not _DIGIT.search(text[begin:end]):
        return []
    said, wrote = ([unit for unit in side if _WORD.match(unit[0])] for side in (units, made))
    if len(said) == len(wrote):
        return [
            _item(reading, unit.start(), unit.end(), new[0], "ordinal")
            for unit, new in zip(said, wrote, strict=True)
            if _DIGIT.search(unit[0])
        ]
    whole = reading.unified[made[0].start() : made[-1].end()] if made else ""
    own = numbers_in(text[begin:end], reading.preset)
    kind = "ordinal" if whole.casefold() in _ORDINAL_WORDS or not own else own[0].number_class
    return [_item(reading, begin, end, whole, kind)]


def _key(written: str) -> str:
    return " ".join(written.casefold().replace(", ", " ").split()).rstrip(".")


def _item(reading: _Reading, begin: int, end: int, key: str, number_class: str) -> Item:
    """Make a number, its class seen together with how it is written."""
    surface, key, preset = reading.text[begin:end], _key(key), reading.preset
    if number_class == "cardinal" and (_DECIMAL_COMMA if preset in _COMMA else _DECIMAL).search(surface):
        number_class = "decimal"
    elif number_class in {"cardinal", "code"} and key.removeprefix("+").isdigit():
        one_by_one = _one_by_one(surface, preset)
        if len(key) in _PHONE and (
            one_by_one
            or number_class == "code"
            or _PHONE_LIKE.fullmatch(surface)
            or (surface.isdigit() and not surface.endswith("000"))
        ):
            number_class = "phone"
        elif one_by_one and len(key) >= _CODE:
            number_class = "code"
    if number_class == "code":
        key = _WITHIN_CODE.sub("", key)
    elif number_class == "time" and preset == "en" and (time := _DAY_TIME.fullmatch(key)):
        key = _in_halves(int(time[1]), time[2])
    # The last point of a.m. is its own where the sentence goes on.
    end += bool(_ABBREVIATED.search(surface) and _GOES_ON.match(reading.text, end))
    return Item(begin, end, key, number_class)


def _in_halves(hour: int, minute: str) -> str:
    """Write a time of the day of 24 hours as the readers write those of its halves: 22:15 is 10:15 pm."""
    return f"{hour % 12 or 12}:{minute} {'pm' if hour >= 12 else 'am'}"


def _one_by_one(surface: str, preset: str) -> bool:
    """Tell whether a number is said digit by digit."""
    words = [unit[0].casefold() for unit in UNIT.finditer(surface) if _WORD.match(unit[0]) and not unit[0].isdigit()]
    return len(words) > 1 and set(words) <= _ONE_BY_ONE.get(preset, frozenset())


def _joined(numbers: list[Item], text: str, preset: str) -> list[Item]:
    """Put the groups of a telephone number together: "five five five, zero one four two", "010, 5555, 0138"."""
    made: list[Item] = []
    for number in numbers:
        last = made[-1] if made else None
        if (
            last
            and last.key.isdigit()
            and number.key.isdigit()
            and _GAP.fullmatch(text[last.end : number.begin])
            and "phone" in (both := {last.number_class, number.number_class}) | _said(last, number, text, preset)
            and both <= {"phone", "code", "cardinal"}
            and len(last.key + number.key) <= _PHONE.stop
        ):
            key = last.key + number.key
            kind = "phone" if len(key) in _PHONE else "code"
            made[-1] = Item(last.begin, number.end, key, kind)
        else:
            made.append(number)
    return made


def _said(last: Item, number: Item, text: str, preset: str) -> set[str]:
    """Tell by both being said digit by digit that they are groups of one number."""
    groups = (_one_by_one(text[one.begin : one.end], preset) and len(one.key) >= _CODE for one in (last, number))
    return {"phone"} if all(groups) else set()
