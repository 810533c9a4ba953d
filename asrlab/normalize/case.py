"""Case: lower case, as a language has it. German ß is no ss: Maße (measures) are not Masse (mass)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# İ in lower case is i with a dot above that says nothing more; other tools leave it as two code points.
_DOTTED_I: Final = re.compile("i\u0307+")
_TURKISH: Final = str.maketrans("İI", "iı")


def lower_case(text: str) -> str:
    """Write a text in lower case."""
    return text.lower() if text.isascii() else _lowered(text)


def turkish_lower_case(text: str) -> str:
    """Write a text in lower case: the capital of ı is I, that of i is İ."""
    return _lowered(text.translate(_TURKISH))


def _lowered(text: str) -> str:
    # Composed again: there is a small ẖ of one code point, and no such capital.
    return unicodedata.normalize("NFC", _DOTTED_I.sub("i", text.lower()))
