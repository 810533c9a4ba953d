"""What stands around a number in English, and phrases in which a number is none."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import CARDINAL_WORD, END, split

_LAST_WORD: Final = re.compile(r"([\w']+)[^\w]*$")
_NUMBER_AFTER: Final = re.compile(rf"(?:\s+|-|,\s*)(?:[0-9]|(?:{CARDINAL_WORD}){END})")
#: Idioms and names in which a number word is no number, or one that is not written in digits; a space stands for a
#: hyphen too. They stay as they are, so "cloud nine" and "cloud 9" stay two things.
_IDIOMS: Final = (
    "cloud nine",
    "catch twenty two",
    "seventh heaven",
    "(?:the )?whole nine yards",
    "nine times out of ten",
    "high fives?",
    "sixth sense",
    "eleventh hour",
    "forty winks",
    "six feet under",
    "square one",
    "(?:ground|patient|sub|net|absolute) zero",
    "zero(?:ed)? in",
    "zero hour",
    "(?:four|three) letter words?",
    "fifth (?:columns?|wheel)",
    "eight ball",
    "eighty sixed",
    "five o'?clock shadow",
    "nine to five",
    "ten to one",
    "(?:ten|two) a penny",
    "hole in one",
    "one in (?:a|ten) (?:million|thousand)",
    "thanks a million",
    "a million (?:miles|to one|and one|dollar question|dollar smile)",
    "like a million(?: bucks| dollars)?",
    "(?:my|your|his|her|their|our) two cents",
    "two cents worth",
    "two birds",
    "two and two together",
    "two peas",
    "six of one",
    "nineteen to the dozen",
    "two left feet",
    "two (?:faced|timing|timer|timed|bit)",
    "two by two",
    "one by one",
    "one two punch",
    "twenty twenty (?:vision|hindsight)",
    "hindsight is twenty twenty",
    "seven (?:seas|deadly sins|year itch)",
    "nine lives",
    "deep six(?:ed)?",
    "five and dime",
    "big five o",
    "(?:of|in) two minds",
    "one (?:to|on|for) one",
    "double o seven",
    "three sheets",
    "four corners",
    "for six(?= [.!?])",
    "two shakes",
    "third degree",
    "one horse",
    "two edged",
    "double digits",
    "two wrongs",
    "seven eleven",
    "two can play",
)
_IDIOM: Final = re.compile(
    rf"\b(?:{'|'.join(_IDIOMS).replace(' ', '[ -]+')}){END}"
    rf"(?![ -]+(?:(?:fifteen|twenty|thirty|forty|fifty|hundred|thousand|million|o'?clock|percent|[ap]\.? ?m){END}))"
)
#: Words after which a number is a name, said digit by digit or in groups: "room two oh five", "flight nine thirty".
LABELS: Final = frozenset(
    split(
        "room flight extension pin code number route highway interstate apartment suite unit box bus gate boeing "
        "airbus dial call phone area zip line password id account channel freeway bungalow badge serial locker train"
    )
)
#: Words after which "one" is a number that is mostly written "1".
ONE_AFTER: Final = frozenset(
    LABELS - {"call", "phone", "line", "train", "bus", "code", "id", "account", "area", "box"}
    | set(
        split(
            "page chapter section part level phase version grade class type category tier act scene verse volume track "
            "episode season lesson figure table appendix article question option exercise problem step stage round "
            "week day platform terminal runway lane bullet item minus negative size rule layer amendment exit"
        )
    )
)
#: Words before "1" that make it another word than "one": "No 1" is no "no one".
NOT_ONE_AFTER: Final = frozenset(split("no any some every each this that which the a another"))
#: Words before which "1" and "one" are left as they are written.
NOT_ONE_BEFORE: Final = frozenset(split("of another who that which is was s thing or"))

#: Words after which "no. 5" is "number 5" and no answer.
BEFORE_NO: Final = frozenset(
    split("the at in of with for to symphony sonata concerto chanel room bus platform house ranked seed seeded world")
)
#: Words after which "point five" is 0.5.
BEFORE_POINT: Final = frozenset(split("by about is was only just than minus negative plus times equals under over"))

#: A street after a number: "two twenty one Baker Street".
_STREET: Final = re.compile(
    r"\s+(?:[a-z]+\s+){0,2}?(?:[a-z]+|[0-9]+(?:st|nd|rd|th))\s+(?:street|avenue|road|boulevard|drive|lane|st|ave|rd|blvd)\b"
)


def idioms(low: str) -> list[tuple[int, int]]:
    """Find where in a text in lower case number words stand that are to be left alone."""
    return [found.span() for found in _IDIOM.finditer(low)]


def word_before(low: str, at: int) -> str:
    """Give the word before a place, marks between them not looked at; ``""`` at the beginning."""
    found = _LAST_WORD.search(low[max(0, at - 24) : at])
    return found[1] if found else ""


def before_street(low: str, end: int) -> bool:
    """Tell whether a street comes next: its number is said in groups."""
    return bool(_STREET.match(low, end))


def follows_number(low: str, end: int) -> bool:
    """Tell whether a number comes next."""
    return bool(_NUMBER_AFTER.match(low, end))


def bare(low: str, at: int, end: int) -> bool:
    """Tell whether a stretch is all that the text says."""
    return not any(map(str.isalnum, low[:at])) and not any(map(str.isalnum, low[end:]))
