"""Characters: one code for each, whatever the keyboard or the encoding made of it. What is read stays the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_QUOTES: Final = str.maketrans(dict.fromkeys("‘’‚‛ʼ′´`＇", "'") | dict.fromkeys("“”„‟«»", '"') | {"ŉ": "'n"})
_FRACTION_OF_MIXED: Final = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅟↉])")


def straight_quotes(text: str) -> str:
    """Write curly, low and angled quotes straight."""
    return text.translate(_QUOTES)


def compatibility_forms(text: str) -> str:
    """Bring text to NFKC, but keep Thai and Lao SARA AM one character, and 3½ apart from 31/2."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", _FRACTION_OF_MIXED.sub(" ", text))
    return text.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")


def single_spaces(text: str) -> str:
    """Leave one space between words and none at the ends."""
    return " ".join(text.split())
