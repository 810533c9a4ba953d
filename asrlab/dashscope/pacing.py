"""How fast to ask: the limits of an account, kept by all who share it on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections import deque
from dataclasses import dataclass, field, fields
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import anyio

from asrlab.dashscope import wire
from asrlab.dashscope.turns import TurnFile
from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder

if TYPE_CHECKING:
    from types import TracebackType

_MARGIN: Final = 0.9  # of a limit is used: requests that were sent evenly do not arrive so
REQUESTS_AT_ONCE: Final = 10
"""Requests to the API that a client has under way: a task in flight is not a request in flight, and httpx is at its
best with few."""
_SUBMITS_AT_FIRST: Final = 4
_CUT_S: Final = 1.0
_CHANGES: Final = 1000


@dataclass(frozen=True)
class Limits:
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

    Raises
    ------
    InvalidInput
        If one of them is not above 0.
    """

    queries_per_s: float = wire.QUERIES_PER_S
    submits_per_minute: float = 600
    uploads_per_s: float = wire.UPLOADS_PER_S

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise InvalidInput(f"{limit.name} must be a number above 0, or inf for no limit, not {value!r}.")


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
    """

    def __init__(self, per_second: float, kind: str = "", shared: TurnFile | None = None) -> None:
        self.per_second = per_second
        self._kind = kind
        self._shared = shared
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
        interval = 1 / (_MARGIN * self.per_second)
        with self._lock:
            now = monotonic()
            if now < self._free:
                return self._free - now
            pause = self._shared.take(self._kind, interval) if self._shared is not None else 0.0
            if not pause:
                self._free = now + interval
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

    def __init__(self, limit: int = _SUBMITS_AT_FIRST, most: int = REQUESTS_AT_ONCE) -> None:
        self._limit = float(limit)
        self._most = most
        self._busy = 0
        self._cut = -inf
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

    async def __aenter__(self) -> Self:
        """Wait for room."""
        waiter = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append(waiter)
            self._admit()
        try:
            await waiter
        except BaseException:
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
                elif not waiter.cancelled():  # room was made for one who no longer wants it
                    self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make room for the next."""
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1
            self._admit()

    def _admit(self) -> None:
        while self._waiting and self._busy < self.limit:
            waiter = self._waiting.popleft()
            self._busy += 1
            try:
                waiter.get_loop().call_soon_threadsafe(self._let_in, waiter)
            except RuntimeError:  # its event loop is gone, and it with it
                self._busy -= 1

    def _let_in(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():
            self._leave()
        else:
            waiter.set_result(None)

    def _change(self, limit: float, why: Literal["passed", "throttled"]) -> None:
        with self._lock:
            before, self._limit = self.limit, limit
            if self.limit != before:
                self.history.append(Change(time.time(), self.limit, why))
                self._admit()


@dataclass
class Account:
    """What all clients of one account share.

    Parameters
    ----------
    queries, uploads, submits : Pace
        Paces of task queries, upload policies and submits.
    concurrency : Concurrency
        How many submits may be under way at once.
    uploaded : dict
        (SHA-256 of the bytes, model) to the oss URL and the Unix time until which it may be used.
    """

    queries: Pace
    uploads: Pace
    submits: Pace
    concurrency: Concurrency = field(default_factory=Concurrency)
    uploaded: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def obey(self, limits: Limits) -> None:
        """Keep to these limits from now on."""
        self.queries.per_second = limits.queries_per_s
        self.uploads.per_second = limits.uploads_per_s
        self.submits.per_second = limits.submits_per_minute / 60


_accounts: dict[str, Account] = {}
_accounts_lock = threading.Lock()


def account(base_url: str, key: str, limits: Limits | None = None) -> Account:
    """Find the account behind a host and a key, and set its limits if they are given.

    The service counts all keys of an account together; which keys belong together is not known here.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise InvalidInput(f"limits must be a dashscope.Limits, such as Limits(queries_per_s=100), not {limits!r}.")
    if limits == UNLIMITED:
        return _account(limits, None)
    who = hashlib.sha256(f"{urlsplit(base_url).netloc}\n{key}".encode()).hexdigest()[:32]
    with _accounts_lock:
        found = _accounts.get(who)
        if found is None:
            shared = TurnFile(cache_folder("pacing") / f"{who}.json")
            found = _accounts[who] = _account(limits or Limits(), shared)
        elif limits is not None:
            found.obey(limits)
    return found


def _account(limits: Limits, shared: TurnFile | None) -> Account:
    return Account(
        queries=Pace(limits.queries_per_s, "queries", shared),
        uploads=Pace(limits.uploads_per_s, "uploads", shared),
        submits=Pace(limits.submits_per_minute / 60, "submits", shared),
    )
