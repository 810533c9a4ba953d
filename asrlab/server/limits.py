"""Limits per account, counted in sliding windows."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    _Windows = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Limits:
    """How often an account may ask; ``inf`` for as often as it likes.

    The defaults are those of the service documentation (task management, temporary upload, rate limiting).

    Parameters
    ----------
    queries_per_s : float
        Task queries a second; lists and cancels have the same number each to themselves.
    uploads_per_s : float
        Upload policies a second, for each model apart.
    submits_per_minute : float
        Submits a minute. A sixtieth of it, rounded up, holds for each second. The two synchronous routes have the same
        number each to themselves; how they count together is not documented.

    Raises
    ------
    InvalidInput
        If one is no number from 1.
    """

    queries_per_s: float = 20
    uploads_per_s: float = 100
    submits_per_minute: float = 600

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
                raise InvalidInput(f"{field.name} must be a number from 1, or inf for no limit, not {value!r}.")


DOCUMENTED: Final = Limits()
UNLIMITED: Final = Limits(math.inf, math.inf, math.inf)


class Throttle:
    """Counts the requests of each account, and says which are too many.

    Parameters
    ----------
    limits : Limits
        What is allowed.
    clock : callable
        Seconds that only move forward.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.refused: Counter[str] = Counter()
        """Requests that were too many, by route."""
        self._clock = clock
        queries = _windows((1.0, limits.queries_per_s))
        submits = _windows((1.0, limits.submits_per_minute / 60), (60.0, limits.submits_per_minute))
        self._windows: dict[str, _Windows] = {
            "query": queries,
            "list": queries,
            "cancel": queries,
            "policy": _windows((1.0, limits.uploads_per_s)),
            "submit": submits,
            "generate": submits,
            "chat": submits,
        }
        # Least recently used first: the times of each account's requests, as far back as its longest window goes.
        self._admitted: dict[tuple[str, ...], deque[float]] = {}

    def admit(self, route: str, *account: str) -> bool:
        """Tell whether a request may pass, and count it.

        Parameters
        ----------
        route : str
            What is asked for: submit, query, list, cancel, policy, generate or chat.
        *account : str
            Who asks; for upload policies also for which model.
        """
        windows = self._windows[route]
        if not windows:
            return True
        now = self._clock()
        self._forget_idle(now)
        times = self._admitted.pop((route, *account), deque())
        self._admitted[route, *account] = times
        _drop(times, now - max(span for span, _ in windows))
        if any(len(times) >= most and times[-most] > now - span for span, most in windows):
            self.refused[route] += 1
            return False
        times.append(now)
        return True

    def _forget_idle(self, now: float) -> None:
        while self._admitted:
            account, times = next(iter(self._admitted.items()))
            _drop(times, now - max(span for span, _ in self._windows[account[0]]))
            if times:
                return
            del self._admitted[account]


def _windows(*limits: tuple[float, float]) -> _Windows:
    """Make windows of (seconds, most requests in them), without those that allow any number."""
    return tuple((span, math.ceil(most)) for span, most in limits if math.isfinite(most))


def _drop(times: deque[float], until: float) -> None:
    while times and times[0] <= until:
        times.popleft()
