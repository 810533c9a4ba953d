"""What stands around a number in English."""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import CARDINAL_WORD, END, split

_LAST_WORD: Final = re.compile(r"([\w']+)[^\w]*$")
_NUMBER_AFTER: Final = re.compile(rf"(?:\s+|-|,\s*)(?:[0-9]|(?:{CARDINAL_WORD}){END})")
#: Words after which a number is a name, said digit by digit or in groups: "room two oh five", "flight nine thirty".
LABELS: Final = frozenset(
    split(
        "room flight extension pin code number route highway interstate apartment suite unit box bus gate boeing "
        "airbus dial call phone area zip line password id account channel freeway bungalow badge serial locker train"
    )
)
#: More words after which digits are said one by one.
CODE_AFTER: Final = frozenset(
    split("social ssn text passcode otp port combination reference error digits pincode postcode iban token sms")
)
#: Words after which a number and a letter are one name: "apartment four b".
LETTERED: Final = frozenset(
    split(
        "number apartment apt flat suite unit room seat gate block row platform terminal route exit bus section size "
        "hall pier"
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
NOT_ONE_AFTER: Final = frozenset(
    split(
        "no any some every each this that which the a another other such single whole same first second third last "
        "next new old young big bigger biggest small smaller smallest little large good better best bad worse worst "
        "right wrong nice great special different real loved chosen dear former latter tall short long easy hard tough "
        "cheap cheaper expensive older younger longer shorter faster easier red blue green black white yellow pink "
        "orange brown purple grey gray"
    )
)
#: Words before which "1" and "one" are left as they are written; many make "one" mean "people".
NOT_ONE_BEFORE: Final = frozenset(
    split(
        "of another who whom whose that which is was s thing or should would could can cannot may might must will "
        "shall ought never always often sometimes also hardly rarely seldom wonders thinks hopes knows feels expects "
        "assumes supposes imagines sees says tends finds forgets considers hears learns wants wishes needs tries "
        "does doesn has hasn cares dares shouldn wouldn couldn mustn"
    )
)

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
