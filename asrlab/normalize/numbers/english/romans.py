"""Roman numerals in English, where they are surely such: of kings and popes, world wars, chapters, Super Bowls."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import split, suffix

_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50}
_ROMAN: Final = r"(?=[ivxl])(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})(?![\w]|'(?!s\b)|\.\w)"
_RULERS: Final = "|".join(
    split(
        "henry edward george william james charles richard elizabeth louis philip philippe napoleon paul benedict pius "
        "leo gregory clement urban innocent ramses ramesses nicholas peter catherine frederick wilhelm alexander mary "
        "henri felipe alfonso carlos ferdinand otto leopold albert baldwin harald haakon olav gustav gustaf adolf "
        "christian margrethe ivan constantine justinian theodosius ptolemy cleopatra darius xerxes artaxerxes mehmed "
        "murad selim rama hassan mohammed abdullah stephen sixtus julius john victoria beatrix robert david malcolm"
    )
)
_TITLE: Final = "(?:king|queen|pope|emperor|empress|tsar|czar|tsarina|kaiser|prince|sultan|pharaoh)"
# "John", "Paul" and the like are kings and popes only with a title.
_RULER: Final = re.compile(rf"(?<!\w)((?:{_TITLE}\s+)(?:\w+\s+)?|)({_RULERS})\s+({_ROMAN})", re.IGNORECASE)
_EVERYDAY: Final = frozenset(split("john paul david robert peter mary stephen albert christian victoria ivan"))
_LABEL: Final = (
    r"world\s+war|super\s+bowl|wrestlemania|chapter|part|volume|vol\.?|act|scene|section|article|title|episode|phase|stage|"
    r"type|class|book|appendix|schedule|grade|category|level|rocky|final\s+fantasy|mark|table|figure"
)
_LABELLED: Final = re.compile(rf"(?<!\w)({_LABEL})\s+({_ROMAN})", re.IGNORECASE)
#: What follows "Part I" where that is no "I".
_ENDS: Final = re.compile(
    r"\s*(?:$|[.,;:!?)\]]|(?:of|and|in|to|the|at|by|as|on|for|veterans?|memorial|ended|began|era)(?!\w))"
)
#: Labels that an X or L may follow which is a letter.
_UNKNOWN: Final = frozenset(
    {"part", "type", "class", "level", "grade", "figure", "table", "mark", "stage", "phase", "act"}
)
_MAYBE: Final = re.compile(r"(?<!\w)[ivxl]+(?!\w)", re.IGNORECASE)


def romans_in_digits(text: str) -> str:
    """Write "Henry VIII" as "Henry the 8th" and "World War II" as "World War 2".

    A numeral of one letter is read only in capitals, and "I" only where it is no pronoun.
    """
    if not _MAYBE.search(text):
        return text
    return _LABELLED.sub(_number, _RULER.sub(_ordinal, text))


def _value(roman: str) -> int:
    values = [_VALUES[letter] for letter in roman.lower()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _ordinal(found: re.Match[str]) -> str:
    title, name, roman = found.groups()
    if len(roman) == 1:
        sure = (
            title and name[0].isupper() and roman.isupper() and (roman != "I" or _ENDS.match(found.string, found.end()))
        )
    else:
        sure = title or name.lower() not in _EVERYDAY or (roman.isupper() and not name.isupper())
    value = _value(roman)
    said = {1: "first", 2: "second", 3: "third"}.get(value, f"{value}{suffix(str(value))}")
    return f"{title}{name} the {said}" if sure else found[0]


def _number(found: re.Match[str]) -> str:
    label, roman = found.groups()
    name = re.sub(r"\s+", " ", label.lower())
    if name == "world war" and roman == "i":
        before = found.string[: found.start()].rstrip().lower()
        sure = not before.endswith(("first", "second", "1st", "2nd", "the", "a", "third"))
    elif len(roman) == 1:
        sure = label[0].isupper() and roman.isupper() and not (roman in "XL" and name in _UNKNOWN)
        sure = sure and (roman != "I" or name == "world war" or bool(_ENDS.match(found.string, found.end())))
    else:
        sure = True
    return f"{label} {_value(roman)}" if sure else found[0]
