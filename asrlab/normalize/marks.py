"""Marks: punctuation and symbols, which become white space unless they belong to a word or a number."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from asrlab.normalize.scripts import UNSEGMENTED

_CURRENCY = r"$¢-¥฿\u20a0-\u20cf"


class _Classes(dict[int, int | str]):
    """A translation table that looks a character's class up once: punctuation, symbols and controls to white space."""

    def __missing__(self, code: int) -> int | str:
        category = unicodedata.category(chr(code))
        self[code] = "" if category == "Cf" else " " if category[0] in "PSZ" or category in {"Cc", "Cs"} else code
        return self[code]


# Marks that may belong to a word or a number pass here; the steps after it look at what stands beside them.
_TO_SPACE: Final = _Classes(
    {ord(sign): sign for sign in "'.,:/-%‰+#"}
    | {ord(sign): "/" for sign in "⁄∕"}
    | {code: code for code in (0x24, *range(0xA2, 0xA6), 0x0E3F, *range(0x20A0, 0x20D0))}
)
_LOOSE_APOSTROPHE: Final = re.compile(r"(?<!\w)'|'(?!\w)")
#: Marks that belong to no number, as a pattern. One class of marks comes first and what stands beside each kind is
#: looked at after: a search can then skip to marks. A minus follows white space, or a letter of a script that has none
#: between words (气温-5度) unless that is a counter (3月-5月).
LOOSE_MARK: Final = (
    rf"[-.,:/%‰{_CURRENCY}](?:(?<=[.,:/])(?:(?<!\d.)|(?!\d))|(?<=-)(?:(?<=\S-)(?<![^\d][{UNSEGMENTED}]-)"
    rf"|(?![{_CURRENCY}]?\d))"
    rf"|(?<=[%‰])(?<!\d.)|(?<=[{_CURRENCY}])(?<!\d.)(?!\d))"
)
_LOOSE_MARK: Final = re.compile(LOOSE_MARK)
# C++ is not C, an A+ no A, and 18+ is more than 18.
_LOOSE_PLUS: Final = re.compile(r"(?<![\w+#])[+#]++|[+#]++(?![-.,:/%‰'\s]|\Z)")
_SIGN: Final = re.compile(rf"[%‰{_CURRENCY}]")
_SPACED_SIGN: Final = re.compile(rf"(?<=\d)\s+(?=[%‰{_CURRENCY}](?!\s*\d))")
_SPACED_SIGN_BEFORE: Final = re.compile(rf"([{_CURRENCY}])(?<!\d.)(?<!\d\s.)\s+(?=\d)")
# In threes, and as in India (12,34,567).
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=(?:\d{2},)*\d{3}(?!\d))")


def punctuation_out(text: str) -> str:
    """Turn punctuation, symbols and controls into white space; leave what may belong to a word or number."""
    return text.translate(_TO_SPACE)


def signs_stay(text: str) -> str:
    """Join ``150 €`` and ``R$ 150``, and leave + and # where they end a word or number: C++, A+, 18+."""
    if _SIGN.search(text):
        text = _SPACED_SIGN_BEFORE.sub(r"\1", _SPACED_SIGN.sub("", text))
    return _LOOSE_PLUS.sub(" ", text) if "+" in text or "#" in text else text


def numbers_keep_their_marks(text: str) -> str:
    """Turn the marks that are left into white space where they do not belong to a number."""
    return _LOOSE_MARK.sub(" ", text)


def words_keep_apostrophes(text: str) -> str:
    """Turn apostrophes into white space unless they stand inside a word."""
    return _LOOSE_APOSTROPHE.sub(" ", text) if "'" in text else text


def thousands_commas_out(text: str) -> str:
    """Take the commas out of 1,000,000."""
    return _THOUSANDS.sub("", text) if "," in text else text


def commas_out(text: str) -> str:
    """Turn the commas that are left into white space."""
    return text.replace(",", " ")
