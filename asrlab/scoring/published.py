"""Published: a rate as somebody published it, with its digits; and how rates and differences are said."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from asrlab.errors import InvalidInput


class Published(NamedTuple):
    """A rate that somebody published, and half a unit of its last digit."""

    rate: Fraction
    half: Fraction
    said: str


def published(said: object) -> Published:
    """Read a published rate: a text in per cent, or a number that is a share.

    Raises
    ------
    InvalidInput
        If it is neither. A number above 1 is not taken for per cent: 0.9 would not be.
    """
    text, unit, most = "", 1, 1
    if isinstance(said, str) and said.strip().endswith("%"):
        text, unit, most = said.strip().removesuffix("%").strip(), 100, 10**6
    elif isinstance(said, float | int | np.floating) and not isinstance(said, bool):
        text = repr(float(said))
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= most:
        raise InvalidInput(
            f"A published rate is a text in per cent, such as '2.41 %', or a share from 0 to 1, such as 0.0241; not "
            f"{said!r}."
        )
    whole = Fraction(number) / unit
    half = Fraction(10) ** int(number.as_tuple().exponent) / unit / 2
    return Published(whole, half, percent(whole) if unit == 1 else f"{text} %")


def percent(rate: Fraction) -> str:
    """Say a share in per cent."""
    return f"{100 * float(rate):.2f} %"


def points(difference: Fraction) -> str:
    """Say a difference of shares in points, with as many digits as it takes not to show a 0 that is none."""
    value = 100 * float(difference)
    return "0 points" if difference == 0 else f"{value:+.2f} points" if abs(value) >= 0.005 else f"{value:+.1g} points"
