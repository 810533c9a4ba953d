"""How fast to ask: limits, turns that keep to them, and how many submits may be under way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

import anyio

from asrlab.dashscope import wire
from asrlab.dashscope.turns import next_turn
from asrlab.errors import InvalidInput
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asrlab.dashscope.turns import TurnFile

PACE_MARGIN: Final = 0.9
"""How much of a limit is used: requests that were sent evenly do not arrive so."""
_SUBMITS_AT_FIRST: Final = 4
_SUBMITS_AT_ONCE: Final = 10  # leaves a client room for queries; and httpx is at its best with few requests
_CUT_S: Final = 1.0
_CHANGES: Final = 1000

LIMITS: Final = ("queries_per_s", "submits_per_minute", "uploads_per_s")
"""Names of what is limited."""


@dataclass(frozen=True, repr=False)
class Limits(Shown):
    """How much an account may ask; ``inf`` where there is no limit.

    Parameters
    ----------
    queries_per_s : float
        Task queries, lists and cancels together. The service grants 20 a second, and up to 100 on request (service
        documentation, task management).
    submits_per_minute : float
        Submits. What the service grants for this model is not documented; 600 is the figure of its sibling
        qwen-audio-3.0 (service documentation, rate limiting).
    uploads_per_s : float
        Temporary uploads; 100, not to be raised (service documentation, temporary uploads).
    part : (int, int)
        Which of those that share the account this is, from 1, and how many they are, on this machine or on others. Each
        takes an equal part of what the account may ask, also while others ask nothing.

    Raises
    ------
    InvalidInput
        If a limit is not above 0, or there is no such part.
    """

    queries_per_s: float = wire.QUERIES_PER_S
    submits_per_minute: float = 600
    uploads_per_s: float = wire.UPLOADS_PER_S
    part: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        for name in LIMITS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise InvalidInput(f"{name} must be a number above 0, or inf for no limit, not {value!r}.")
        number, of = self.part
        if not 1 <= number <= of:
            raise InvalidInput(f"part must be a number from 1 and how many parts there are, not {self.part!r}.")


UNLIMITED: Final = Limits(inf, inf, inf)


class Pace:
    """Let callers through one by one, so many a second.

    Turns are spaced evenly, because limits are also enforced within the second (service documentation, rate limiting).
    Who waits in one event loop is let through in order. Safe to share among threads and event loops.

    Parameters
    ----------
    per_second : float
        How many; ``inf`` lets everybody through at once.
    kind : str
        What is asked for, in the file.
    shared : TurnFile, optional
        Turns of other processes.
    part : (int, int)
        As in :class:`Limits`: of the turns of ``per_second`` it takes its part only, so that parts on other machines
        have theirs.
    """

    def __init__(
        self, per_second: float, kind: str = "", shared: TurnFile | None = None, part: tuple[int, int] = (1, 1)
    ) -> None:
        self.per_second = per_second
        self._kind = kind
        self._shared = shared
        self._part = part
        self._free = 0.0
        self._lock = threading.Lock()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, anyio.Lock] = WeakKeyDictionary()

    async def turn(self) -> None:
        """Wait for one's turn."""
        if self.per_second == inf:
            return
        with self._lock:
            queue = self._queues.setdefault(asyncio.get_running_loop(), anyio.Lock())
        async with queue:
            while (pause := self._take()) > 0:  # noqa: ASYNC110 - it is time that is waited for
                await anyio.sleep(pause)

    def _take(self) -> float:
        interval = 1 / (PACE_MARGIN * self.per_second)
        with self._lock:
            now = monotonic()
            if now < self._free:
                return self._free - now
            pause = self._shared.take(self._kind, interval, self._part) if self._shared is not None else 0.0
            if not pause:
                self._free = next_turn(self._free, now, interval * self._part[1])
            return pause


class Change(NamedTuple):
    """A change of how many submits may be under way: when (Unix time), to how many, and why."""

    at: float
    limit: int
    why: Literal["passed", "throttled"]


class Concurrency:
    """How many submits may be under way at once: more while they pass, half when the service says "too many".

    Grows by one a round of requests and is halved at most once a second, as TCP does (additive increase,
    multiplicative decrease). Safe to share among threads and event loops.

    Parameters
    ----------
    limit : int
        To begin with.
    most : int
        Never more than so many.
    """

    def __init__(self, limit: int = _SUBMITS_AT_FIRST, most: int = _SUBMITS_AT_ONCE) -> None:
        self._limit = float(limit)
        self._most = most
        self._cut = -inf
        self._inside: set[asyncio.Future[None]] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lock = threading.RLock()
        self.history: deque[Change] = deque(maxlen=_CHANGES)
        """What changed, oldest first."""

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return int(self._limit)

    def passed(self) -> None:
        """Note that a request was taken."""
        self._change(min(self._limit + 1 / self._limit, self._most), "passed")

    def throttled(self) -> None:
        """Note that the service said "too many requests"."""
        with self._lock:
            if monotonic() - self._cut >= _CUT_S:  # those under way at the time all say the same
                self._cut = monotonic()
                self._change(max(self._limit / 2, 1.0), "throttled")

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Wait for room, and keep it while entered."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append(mine)
            self._admit()
        try:
            await mine
            yield
        finally:
            with self._lock:
                self._inside.discard(mine)
                if mine in self._waiting:
                    self._waiting.remove(mine)
                self._admit()

    def _admit(self) -> None:
        self._inside -= {gone for gone in self._inside if gone.get_loop().is_closed()}  # abandoned, and never to leave
        while self._waiting and len(self._inside) < self.limit:
            waiter = self._waiting.popleft()
            self._inside.add(waiter)
            try:
                waiter.get_loop().call_soon_threadsafe(_let_in, waiter)
            except RuntimeError:  # its event loop is gone, and it with it
                self._inside.discard(waiter)

    def _change(self, limit: float, why: Literal["passed", "throttled"]) -> None:
        with self._lock:
            before, self._limit = self.limit, limit
            if self.limit != before:
                self.history.append(Change(time.time(), self.limit, why))
                self._admit()


def _let_in(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
