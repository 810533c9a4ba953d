"""What failed in passing, and when to try again."""

from __future__ import annotations

import logging
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from asrlab.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LONGEST_PAUSE_S: Final = 300
"""No pause that the service asks for is longer."""
_BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # limits recover within about a minute: the sum
_LOCAL_BACKOFF_S: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
_JITTER: Final = 0.2

_log = logging.getLogger("asrlab.dashscope")

T = TypeVar("T")


class Busy(ServiceError):
    """The service could not take the request now: too many requests (``refused``), or a fault of its own."""

    refused = False
    retry_after_s: float | None = None


class NoAnswer(ServiceError):
    """No readable answer came; ``sent`` says whether the request may have arrived."""

    sent = True


async def persist(
    attempt: Callable[[], Awaitable[T]], *, local: bool, again: Callable[[Busy | NoAnswer], bool] = lambda _: True
) -> T:
    """Make a request until it succeeds, fails for good, or has failed in passing too often.

    Parameters
    ----------
    attempt : async callable
        Makes the request once.
    local : bool
        Whether the service is on this machine, and recovers quickly.
    again : callable
        Whether a passing failure allows another attempt; by default each does, which only suits requests that may be
        sent twice.
    """
    for pause in backoff(local=local):
        try:
            return await attempt()
        except (Busy, NoAnswer) as error:
            asked = after(error)
            if not again(error) or asked > LONGEST_PAUSE_S:
                raise
            _log.info("%s; trying again", error)
        await anyio.sleep(max(pause, asked))
    return await attempt()


def backoff(*, local: bool) -> list[float]:
    """Seconds to wait before each further attempt at a request that failed in passing."""
    return [jittered(pause) for pause in (_LOCAL_BACKOFF_S if local else _BACKOFF_S)]


def jittered(pause_s: float) -> float:
    """Vary a pause by a fifth, so that clients which began together do not go on together."""
    return pause_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing


def after(error: Busy | NoAnswer) -> float:
    """Seconds the service asked to be left alone for; 0 where it did not say."""
    return (error.retry_after_s or 0.0) if isinstance(error, Busy) else 0.0


def seconds_in(header: str | None, by: datetime | None = None) -> float | None:
    """Read a Retry-After header: seconds, or a date by the service's clock."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return float(header)
    moment = date_in(header)
    return None if moment is None else max(0.0, (moment - (by or datetime.now(UTC))).total_seconds())


def date_in(header: str | None) -> datetime | None:
    """Read a date of HTTP; None where there is none."""
    try:
        moment = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
