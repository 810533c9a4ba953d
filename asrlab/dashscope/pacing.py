"""How often to ask: limits per account, when to look at a task again, and how long to be patient."""

from __future__ import annotations

import hashlib
import random
import threading
from dataclasses import dataclass, field
from itertools import chain, repeat
from time import monotonic
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from asrlab.dashscope import wire
from asrlab.dashscope.links import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBMITS_PER_MINUTE: Final = 600
"""Not documented for qwen3-asr-flash-filetrans; this is the figure of its sibling qwen-audio-3.0 (service
documentation, rate limiting)."""

_JITTER: Final = 0.2
_POLLS_S: Final = (2.0, 3.0, 4.0, 5.0)  # after the first; the last repeats
_LOCAL_POLLS_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # limits recover within about a minute: the sum
_LOCAL_BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
_PATIENCE_S: Final = 15 * 60
_PATIENCE_PER_AUDIO_S: Final = 0.2
_LONGEST_S: Final = 24 * 3600


class Pace:
    """Let callers through one by one, so many a second.

    Turns are spaced evenly, because limits are also enforced within the second (service documentation, rate limiting).
    Safe to share among threads and event loops.

    Parameters
    ----------
    per_second : float
        How many; ``inf`` lets everybody through at once.
    """

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._next = 0.0
        self._lock = threading.Lock()

    async def turn(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            now = monotonic()
            mine = max(now, self._next)
            self._next = mine + 1 / self.per_second
        if mine > now:
            await anyio.sleep(mine - now)


@dataclass
class Account:
    """What all clients of one account in this process share.

    Parameters
    ----------
    queries, uploads, submits : Pace
        Limits of the service on task queries, upload policies and submits.
    uploaded : dict
        (SHA-256 of the bytes, model) to the oss URL and the Unix time until which it may be used.
    """

    queries: Pace = field(default_factory=lambda: Pace(wire.QUERIES_PER_S))
    uploads: Pace = field(default_factory=lambda: Pace(wire.UPLOADS_PER_S))
    submits: Pace = field(default_factory=lambda: Pace(SUBMITS_PER_MINUTE / 60))
    uploaded: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)


_accounts: dict[tuple[str, str], Account] = {}
_accounts_lock = threading.Lock()


def account(base_url: str, key: str) -> Account:
    """Find the account behind a host and a key.

    A service on this machine has no limits, and forgets its uploads when it ends: every client of it is on its own.
    """
    if is_loopback(base_url):
        return Account(Pace(float("inf")), Pace(float("inf")), Pace(float("inf")))
    who = (urlsplit(base_url).netloc, hashlib.sha256(key.encode()).hexdigest())
    with _accounts_lock:
        return _accounts.setdefault(who, Account())


def polls(first_s: float | None, *, local: bool) -> Iterator[float]:
    """Seconds to wait before each look at a task: 1, 2, growing to 5, each +-20 %; far less on this machine."""
    later = _LOCAL_POLLS_S if local else _POLLS_S
    first = (_LOCAL_POLLS_S[0] if local else 1.0) if first_s is None else first_s
    return (_jittered(pause) for pause in chain([first], later, repeat(later[-1])))


def backoff(*, local: bool) -> list[float]:
    """Seconds to wait before each further attempt at a request that failed in passing."""
    return [_jittered(pause) for pause in (_LOCAL_BACKOFF_S if local else _BACKOFF_S)]


def patience(audio_s: float | None) -> float:
    """Seconds to wait for a task in all: 15 min and a fifth of the audio, at most 24 h.

    A recording of unknown length may be the longest the service takes.
    """
    longest = wire.AUDIO_S if audio_s is None else audio_s
    return min(_PATIENCE_S + _PATIENCE_PER_AUDIO_S * longest, _LONGEST_S)


def _jittered(pause: float) -> float:
    return pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
