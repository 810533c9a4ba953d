"""Rules that rewrite numbers in digits: patterns with what takes their place, applied in order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Replacement: TypeAlias = "str | Callable[[re.Match[str]], str]"

HAN: Final = "\u4e00-\u9fff"
#: A number in digits. Its length is bounded, so that it can always be read; no number in speech is longer.
NUM: Final = r"\d{1,20}(?:\.\d{1,20})?"
#: No number goes on here, nor a code such as A4.
START: Final = r"(?<![\dA-Za-z.,/:-])"
END: Final = r"(?!\d|[.,:/]\d)"
MINUS: Final = "[-\u2212]"
TO: Final = "[到至~-]"


def rules(*pairs: tuple[str, Replacement]) -> tuple[tuple[re.Pattern[str], Replacement], ...]:
    """Compile rules. Digits are ASCII: those of other scripts are no part of a number that is rewritten."""
    return tuple((re.compile(pattern, re.IGNORECASE | re.ASCII), replacement) for pattern, replacement in pairs)


def applied(text: str, given: Iterable[tuple[re.Pattern[str], Replacement]]) -> str:
    """Apply rules in order."""
    for pattern, replacement in given:
        text = pattern.sub(replacement, text)
    return text
