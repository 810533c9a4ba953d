"""English numbers: quantities read from words or digits, exactly, as strings of digits.

All functions here take a text in lower case and a place in it where a word or number begins.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple


def split(words: str) -> list[str]:
    """Give a list of words."""
    return words.split()


DIGITS: Final = {word: n for n, word in enumerate(split("zero one two three four five six seven eight nine"))} | {
    "oh": 0,
    "o": 0,
    "nought": 0,
    "naught": 0,
}
_TEENS: Final = {
    word: n
    for n, word in enumerate(
        split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        10,
    )
}
TENS: Final = {
    word: 10 * n for n, word in enumerate(split("twenty thirty forty fifty sixty seventy eighty ninety"), 2)
} | {"fourty": 40}
SMALL: Final = DIGITS | _TEENS
_UNIT_ORDINALS: Final = {
    word: n for n, word in enumerate(split("first second third fourth fifth sixth seventh eighth ninth"), 1)
}
_ORDINALS: Final = (
    _UNIT_ORDINALS
    | {"twelfth": 12}
    | {f"{word}th": n for word, n in _TEENS.items() if n != 12}
    | {f"{word[:-1]}ieth": n for word, n in TENS.items()}
)
#: Powers of ten.
_SCALES: Final = {
    "thousand": 3,
    "lakh": 5,
    "million": 6,
    "crore": 7,
    "billion": 9,
    "trillion": 12,
    "quadrillion": 15,
    "quintillion": 18,
}
_SCALE_ORDINALS: Final = {f"{word}th": power for word, power in _SCALES.items()}
_SCALES_ALONE: Final = frozenset({"hundred", "hundredth", *_SCALES, *_SCALE_ORDINALS})
#: Powers of ten of ordinals.
ORDINAL_POWERS: Final = {"hundredth": 2, **_SCALE_ORDINALS}
DECADES: Final = {f"{word[:-1]}ies": n for word, n in TENS.items()}
MONTHS: Final = tuple(split("january february march april may june july august september october november december"))

_ORDINAL_WORDS: Final = (*_ORDINALS, "hundredth", *_SCALE_ORDINALS)
#: A word of a number, and those that only join some: "and", "point", "double".
NUMBER_WORD: Final = "|".join(
    sorted((*SMALL, *TENS, "hundred", *_SCALES, *_ORDINAL_WORDS), key=lambda word: (-len(word), word))
)
CARDINAL_WORD: Final = "|".join((*SMALL, *TENS))
#: What may not follow a word, so that it is all of it: "ten's" and "tens" are others.
END: Final = r"(?![\w]|'\w)"
_GAP: Final = r"(?:\s+|-)"
_SCALE: Final = "|".join(("hundred", *_SCALES))
_MEMBER: Final = rf"(?:{NUMBER_WORD}|and|point|double|triple|an?(?=[\s-]+(?:{_SCALE}){END})){END}"
# A comma may stand after "thousand" where hundreds follow: "two thousand, five hundred".
_COMMA: Final = (
    rf"(?:{'|'.join(f'(?<={word})' for word in _SCALES)}),\s+(?=(?:[a-z]+{_GAP}){{1,4}}?(?:{_SCALE})(?:th)?{END})"
)
# No number has more words; without an end, a long list of numbers would be read again from each of them.
_RUN: Final = re.compile(rf"{_MEMBER}(?:(?:{_GAP}|{_COMMA}){_MEMBER}){{0,60}}")
_WORD: Final = re.compile("[a-z]+")

_DIGITS_WRITTEN: Final = re.compile(
    r"(?>([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?![0-9])|[0-9]+)?(\.[0-9]+)?)"
    r"(?![.,:/⁄][0-9])"
)
_SCALE_AFTER: Final = re.compile(rf"(?:(?:\s+|-)(?:{_SCALE}){END})+")
_MIXED: Final = re.compile(r"(?:\s+|-)([1-9][0-9]?)[/⁄∕]([1-9][0-9]?)(?![\w/⁄∕,.]*[0-9/])")
_DENOMINATORS: Final = {
    "half": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    **{word: n for word, n in _ORDINALS.items() if 5 <= n <= 20},
    "hundredth": 100,
    "thousandth": 1000,
}
_NAMED: Final = "halves|" + "|".join(_DENOMINATORS)
_AND_FRACTION: Final = re.compile(
    rf"{_GAP}and{_GAP}(an?|one|two|three|four|five|six|seven|eight|nine|ten)[\s-]+({_NAMED})(s?){END}"
)
_FRACTION: Final = re.compile(rf"{_GAP}({_NAMED})(s?){END}")


class Quantity(NamedTuple):
    """A number that was read: its digits (``"2.50"``, ``"2/3"``), where it ends, and how it was given."""

    digits: str
    end: int
    spoken: bool
    ordinal: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is a whole number."""
        return self.digits.isdigit()


class Word(NamedTuple):
    """A word of a run and where it ends."""

    word: str
    end: int


@lru_cache(maxsize=256)
def run(low: str, at: int) -> tuple[Word, ...]:
    """Give the words of a spoken number, or of several in a row, that begin at a place."""
    found = _RUN.match(low, at)
    if found is None:
        return ()
    return tuple(Word(word[0], word.end()) for word in _WORD.finditer(low, at, found.end()))


def readable(low: str, at: int) -> bool:
    """Tell whether a number begins at a place."""
    return low[at : at + 1].isdigit() or bool(run(low, at))


@lru_cache(maxsize=256)
def quantity(low: str, at: int) -> Quantity | None:  # noqa: PLR0911  # one return a kind of number
    """Read a number, in words or digits, that begins at a place; without its sign."""
    if at < len(low) and low[at] in ".0123456789":
        return _written(low, at)
    words = run(low, at)
    read = cardinal(words, 0)
    if read is None or (words[0].word in {"oh", "o"} and not (len(words) > 2 and words[1].word == "point")):
        return None
    value, used, ordinal = read
    joined = next((n for n in range(used) if words[n].word == "and"), 0)
    if joined and low.endswith("between ", 0, at) and not (_word(words, used) == "and" and cardinal(words, used + 1)):
        value, used, ordinal = cardinal(words[:joined], 0) or read  # between one hundred | and five
    digits, end = str(value), words[used - 1].end
    if ordinal:
        return Quantity(digits, end, spoken=True, ordinal=True)
    if (decimals := _decimals(words, used)) is not None:
        return _scaled(low, Quantity(f"{digits}.{decimals[0]}", words[decimals[1] - 1].end, spoken=True))
    if (power := _SCALES.get(words[used - 1].word, 0)) and (half := _AND_FRACTION.match(low, end)):
        scaled = _with_fraction(low, Quantity(str(value // 10**power), end, spoken=True))
        if "." in scaled.digits and scaled.end == half.end():
            return Quantity(times_power(scaled.digits, power), scaled.end, spoken=True)  # a million and a half
    if fraction := _FRACTION.match(low, end):
        return _fraction(value, fraction) or Quantity(digits, end, spoken=True)
    return _with_fraction(low, Quantity(digits, end, spoken=True))


def cardinal(words: tuple[Word, ...], at: int) -> tuple[int, int, bool] | None:
    """Read a whole number from words: its value, the number of the word after it, and whether it is an ordinal.

    As much is taken as makes one number: of "two hundred three hundred" the first two words.
    """
    if _word(words, at) in _SCALES_ALONE:
        return _without_one(words, at)
    total, least, used = 0, 10**30, at
    start = at
    while (part := _below_thousand(words, start)) is not None:
        value, after, ordinal = part
        name = _word(words, after)
        power = _SCALES.get(name, _SCALE_ORDINALS.get(name, 0)) if value and not ordinal else 0
        if power:
            ordinal = name in _SCALE_ORDINALS
            after += 1
        if 10**power >= least if power else value >= least or (not value and start > at):
            break
        total += value * 10**power
        used = after
        while power and not ordinal and (more := _SCALES.get(_word(words, used), 0)):  # a thousand million
            total, power, used = total * 10**more, power + more, used + 1
        least = 10**power
        if not power or ordinal:
            return total, used, ordinal
        start = used + (_word(words, used) == "and")
    return (total, used, False) if used > at else None


def _without_one(words: tuple[Word, ...], at: int) -> tuple[int, int, bool] | None:
    """Read "hundredth" and "hundred and first", which leave out "one"; of cardinals only "a hundred" is a number."""
    read = cardinal((Word("one", 0), *words[at:]), 0)
    return (read[0], at + read[1] - 1, True) if read and read[2] else None


def suffix(digits: str) -> str:
    """Give the ending of an ordinal: ``"21"`` has ``"st"``."""
    if digits[-2:-1] == "1":
        return "th"
    return {"1": "st", "2": "nd", "3": "rd"}.get(digits[-1], "th")


def times_power(digits: str, power: int) -> str:
    """Multiply a decimal in digits by a power of ten, exactly."""
    whole, _, decimals = digits.partition(".")
    moved = decimals[:power].ljust(power, "0")
    rest = decimals[power:]
    return ((whole + moved).lstrip("0") or "0") + (f".{rest}" if rest else "")


def _word(words: tuple[Word, ...], at: int) -> str:
    return words[at].word if at < len(words) else ""


def _below_hundred(words: tuple[Word, ...], at: int) -> tuple[int, int, bool] | None:
    word = _word(words, at)
    if word in TENS:
        after = _word(words, at + 1)
        if DIGITS.get(after, 0) >= 1:
            return TENS[word] + DIGITS[after], at + 2, False
        if after in _UNIT_ORDINALS:
            return TENS[word] + _UNIT_ORDINALS[after], at + 2, True
        return TENS[word], at + 1, False
    if word in SMALL:
        return SMALL[word], at + 1, False
    if word in _ORDINALS:
        return _ORDINALS[word], at + 1, True
    return None


def _below_thousand(words: tuple[Word, ...], at: int) -> tuple[int, int, bool] | None:
    """Read up to nine hundred and ninety nine, or up to "ninety nine hundred" and so on."""
    if _word(words, at) in {"a", "an"}:
        return (1, at + 1, False) if _word(words, at + 1) != "hundred" else _hundreds(words, 1, at + 1)
    read = _below_hundred(words, at)
    if read is None or read[2] or not read[0] or _word(words, read[1]) not in {"hundred", "hundredth"}:
        return read
    return _hundreds(words, read[0], read[1])


def _hundreds(words: tuple[Word, ...], value: int, at: int) -> tuple[int, int, bool]:
    if words[at].word == "hundredth":
        return 100 * value, at + 1, True
    rest = _below_hundred(words, at + 1 + (_word(words, at + 1) == "and"))
    if rest is None or not rest[0] or _word(words, rest[1]) in {"hundred", "hundredth"}:
        return 100 * value, at + 1, False
    return 100 * value + rest[0], rest[1], rest[2]


def _decimals(words: tuple[Word, ...], at: int) -> tuple[str, int] | None:
    if _word(words, at) != "point":
        return None
    start = at = at + 1
    digits = ""
    while _word(words, at) in DIGITS:
        digits += str(DIGITS[words[at].word])
        at += 1
    if at == start and (read := _below_hundred(words, at)) and not read[2] and read[0] >= 10:
        digits, at = str(read[0]), read[1]
    return (digits, at) if digits else None


def _scaled(low: str, read: Quantity) -> Quantity:
    scale = _SCALE_AFTER.match(low, read.end)
    if scale is None:
        return read
    power = sum(_SCALES.get(word, 2) for word in _WORD.findall(scale[0]))
    return Quantity(times_power(read.digits, power), scale.end(), read.spoken)


def _written(low: str, at: int) -> Quantity | None:
    found = _DIGITS_WRITTEN.match(low, at)
    if found is None or not found[0]:
        return None
    whole, decimals = found[1] or "0", found[2] or ""
    return _with_fraction(low, Quantity(whole.replace(",", "") + decimals, found.end(), spoken=False))


def _with_fraction(low: str, read: Quantity) -> Quantity:
    """Add "and a half" or " 1/2" where it follows, then "million"."""
    if read.plain and len(read.digits) <= 15:
        if (mixed := _MIXED.match(low, read.end)) and not read.spoken:
            above, below, end = int(mixed[1]), int(mixed[2]), mixed.end()
            if below in {2, 3, 4, 5, 6, 8, 10, 16, 32} and above < below:
                return _scaled(low, Quantity(_mixed(read.digits, above, below), end, spoken=False))
        elif spoken := _AND_FRACTION.match(low, read.end):
            below = _DENOMINATORS.get(spoken[2], 2)
            above = 1 if spoken[1] in {"a", "an"} else SMALL[spoken[1]]
            if above < below and (above == 1 or bool(_SCALE_AFTER.match(low, spoken.end()))) == (not spoken[3]):
                return _scaled(low, Quantity(_mixed(read.digits, above, below), spoken.end(), read.spoken))
    return _scaled(low, read)


def _mixed(whole: str, above: int, below: int) -> str:
    """Write 2 1/2 as 2.5: of halves and quarters both are usual, of others only the fraction."""
    if (4 * above) % below == 0:
        return whole + {1: ".25", 2: ".5", 3: ".75"}[4 * above // below]
    return f"{whole} {above}/{below}"


def _fraction(above: int, found: re.Match[str]) -> Quantity | None:
    name = "half" if found[1] == "halves" else found[1]
    below, plural = _DENOMINATORS[name], bool(found[2]) or found[1] == "halves"
    if plural == (above == 1) or not 1 <= above < (10 if below == 2 else below):
        return None
    if (name == "half" and above % 2 == 0) or (name == "quarter" and above == 2):
        return None
    return Quantity(f"{above}/{below}", found.end(), spoken=True)
