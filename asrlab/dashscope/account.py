"""What all clients of an account share: its limits, its uploads, and which tasks are known to be whose."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from math import inf
from typing import Final
from urllib.parse import urlsplit

from asrlab.dashscope.pacing import LIMITS, Concurrency, Limits, Pace
from asrlab.dashscope.turns import TurnFile
from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder

_REMEMBERED: Final = 100_000  # tasks; two hours of submits at the limit


@dataclass
class Account:
    """What all clients of one account share within this process.

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
    _accepted: dict[str, None] = field(default_factory=dict, repr=False)

    def obey(self, limits: Limits) -> None:
        """Keep to these limits from now on."""
        self.queries.per_second = limits.queries_per_s
        self.uploads.per_second = limits.uploads_per_s
        self.submits.per_second = limits.submits_per_minute / 60

    def accepted(self, task_id: str) -> None:
        """Remember a task as the one that a submit became, so that it is not taken for another."""
        self._accepted[task_id] = None
        if len(self._accepted) > _REMEMBERED:
            del self._accepted[next(iter(self._accepted))]

    def has_accepted(self, task_id: str) -> bool:
        """Whether a task is the one that a submit of this process became."""
        return task_id in self._accepted


_accounts: dict[tuple[str, tuple[int, int]], Account] = {}
_lock = threading.Lock()


def account(base_url: str, key: str, limits: Limits | None = None) -> Account:
    """Find the account behind a host and a key, and set its limits if they are given.

    The service counts all keys of an account together; which keys belong together is not known here. Without any limits
    there is nothing to share with other clients, and the account is the caller's own.
    """
    if limits is not None and not isinstance(limits, Limits):
        raise InvalidInput(f"limits must be a dashscope.Limits, such as Limits(queries_per_s=100), not {limits!r}.")
    if limits is not None and all(getattr(limits, name) == inf for name in LIMITS):
        return _account(limits, None)
    part = (1, 1) if limits is None else limits.part
    who = hashlib.sha256(f"{urlsplit(base_url).netloc}\n{key}".encode()).hexdigest()[:32]
    with _lock:
        found = _accounts.get((who, part))
        if found is None:
            shared = TurnFile(cache_folder("pacing") / f"{who}.json")
            found = _accounts[who, part] = _account(limits or Limits(), shared)
        elif limits is not None:
            found.obey(limits)
    return found


def _account(limits: Limits, shared: TurnFile | None) -> Account:
    return Account(
        queries=Pace(limits.queries_per_s, "queries", shared, limits.part),
        uploads=Pace(limits.uploads_per_s, "uploads", shared, limits.part),
        submits=Pace(limits.submits_per_minute / 60, "submits", shared, limits.part),
    )
