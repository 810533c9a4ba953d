"""Published: a rate as somebody published it, with its digits; and how rates and differences are said."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np

from asrlab.errors import InvalidInput

#: Per cent written out: no power of ten, of which it could not be said how many digits were published.
_PER_CENT: Final = re.compile(r"\s*([0-9]{1,7}(?:\.([0-9]{0,20}))?|\.([0-9]{1,20}))\s*%\s*")
#: Half of what a number is held to, a hundredth of a point: a number does not tell its digits (0.30 is 0.3).
_HALF: Final = Fraction(1, 20_000)
_MOST: Final = 10**6


class Published(NamedTuple):
    """A rate that somebody published, half a unit of its last digit, and how it is said."""

    rate: Fraction
    half: Fraction
    said: str


def published(said: object) -> Published:
    """Read a published rate: a text in per cent, with the digits that were published, or a number that is a share.

    Only a text says how many digits there were. A number is taken to be exact to 0.01 points.

    Raises
    ------
    InvalidInput
        If it is neither. A number above 1 is not taken for per cent: 0.9 would not be.

    Examples
    --------
    >>> published("2.4 %"), published(0.024).said
    (Published(rate=Fraction(3, 125), half=Fraction(1, 2000), said='2.4 %'), '2.40 %')
    """
    if isinstance(said, str) and (text := _PER_CENT.fullmatch(said)) and (per_cent := Fraction(text[1])) <= _MOST:
        digits = len(text[2] or text[3] or "")
        return Published(per_cent / 100, Fraction(1, 200 * 10**digits), f"{text[1]} %")
    if isinstance(said, float | int | np.floating | np.integer) and not isinstance(said, bool) and 0 <= said <= 1:
        share = Fraction(repr(float(said)))  # as it is written, not the binary number next to it
        return Published(share, _HALF, percent(share))
    raise InvalidInput(
        f"A published rate is a text in per cent, such as '2.41 %', or a share from 0 to 1, such as 0.0241; not "
        f"{said!r}."
    )


def percent(rate: Fraction) -> str:
    """Say a share in per cent."""
    return f"{100 * float(rate):.2f} %"


def points(difference: Fraction) -> str:
    """Say a difference of shares in points, with as many digits as it takes not to show a 0 that is none."""
    value = 100 * float(difference)
    return "0 points" if difference == 0 else f"{value:+.2f} points" if abs(value) >= 0.005 else f"{value:+.1g} points"
