"""Budgets: what a sweep may spend, reserved before it is spent."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from typing import Final

from asrlab.errors import InvalidInput

_ROUNDING: Final = 1e-9  # dollars, or seconds: sums of prices are not exact, nor are minutes made of seconds


def billed_s(duration_s: float, channels: int, requests: int = 1) -> int:
    """Seconds that are billed for a recording: each begun second of each channel, of each request it is divided into.

    How the service rounds is not documented; a begun second counts in full here, so that no budget is passed.
    """
    return (ceil(duration_s) + requests - 1) * channels


@dataclass
class Budget:
    """What may be spent, and what has been or may have been.

    Parameters
    ----------
    usd, minutes : float, optional
        Most to spend in US dollars, and in minutes of audio as they are billed; None for no limit.
    spent_usd, spent_s : float
        Spent so far, in dollars and in seconds of audio.
    left_usd, left_minutes : float
        Of the limits, what is left to others.

    Raises
    ------
    InvalidInput
        If a limit is no number, or below 0.
    """

    usd: float | None = None
    minutes: float | None = None
    spent_usd: float = 0.0
    spent_s: float = 0.0
    left_usd: float = 0.0
    left_minutes: float = 0.0

    def __post_init__(self) -> None:
        for name in ("usd", "minutes"):
            limit = getattr(self, name)
            number = isinstance(limit, int | float) and not isinstance(limit, bool) and isfinite(limit) and limit >= 0
            if limit is not None and not number:
                raise InvalidInput(f"budget_{name} must be a number from 0, or None for no limit, not {limit!r}.")

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self.usd is not None or self.minutes is not None

    def reserve(self, seconds: float, usd_per_s: float) -> bool:
        """Set aside what a request may cost; False, and nothing set aside, if it would not fit.

        A request of unknown length, 0 seconds, fits as long as anything is left.
        """
        usd = seconds * usd_per_s
        if not seconds and self.limited and self._left() <= _ROUNDING:
            return False
        if self.usd is not None and self.spent_usd + usd > self.usd - self.left_usd + _ROUNDING:
            return False
        if self.minutes is not None and self.spent_s + seconds > 60 * (self.minutes - self.left_minutes) + _ROUNDING:
            return False
        self.spend(seconds, usd_per_s)
        return True

    def spend(self, seconds: float, usd_per_s: float) -> None:
        """Note what was billed beyond what was set aside; below 0 for what was not billed after all."""
        self.spent_s += seconds
        self.spent_usd += seconds * usd_per_s

    def leave(self, usd: float | None, minutes: float | None) -> None:
        """Leave some of the limits to others, who may spend it meanwhile."""
        self.left_usd += usd or 0.0
        self.left_minutes += minutes or 0.0

    def __str__(self) -> str:
        limits = []
        if self.usd is not None:
            left = f" (less ${self.left_usd:.4f} for parts that are out)" if self.left_usd else ""
            limits.append(f"${self.spent_usd:.4f} of ${self.usd:.4f}{left}")
        if self.minutes is not None:
            left = f" (less {self.left_minutes:.1f} for parts that are out)" if self.left_minutes else ""
            limits.append(f"{self.spent_s / 60:.1f} of {self.minutes:.1f}{left} billed minutes")
        return " and ".join(limits) or "no limit"

    def _left(self) -> float:
        usd = [] if self.usd is None else [self.usd - self.left_usd - self.spent_usd]
        in_s = [] if self.minutes is None else [60 * (self.minutes - self.left_minutes) - self.spent_s]
        return min([*usd, *in_s])
