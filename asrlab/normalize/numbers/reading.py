"""Numbers in words, read by text2num. What is a number, and where it ends, is decided by who asks."""

from __future__ import annotations

import re
from functools import lru_cache

from asrlab.errors import MissingExtra


@lru_cache(maxsize=10_000)
def read(words: str, language: str) -> str | None:
    """Read a number by text2num; an ordinal as text2num writes it."""
    try:
        from text_to_num import alpha2digit, text2num  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Bringing numbers to one form", "numbers") from error
    try:
        return str(text2num(words, language))
    except ValueError:
        written = str(alpha2digit(words, language, threshold=0))
        # Two numbers side by side ("1 2") are none, and a decimal is not read here.
        return written if re.fullmatch(r"\d+[^\W\d]{1,4}|\d+[.º]?[ªºᵉʳ]{0,2}", written) else None
