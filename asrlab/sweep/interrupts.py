"""Interrupts: Ctrl-C, a notebook's stop button, and SIGTERM, as requests to stop rather than as exceptions anywhere.

A KeyboardInterrupt may fall between any two instructions; what costs money must not be torn there. So while a run is
under way signals are only counted, and the run is told.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

T = TypeVar("T")

_LOOK_S: Final = 0.1


def blocking(work: Callable[[], Awaitable[T]], interrupted: Callable[[bool], bool] = lambda _: False) -> T:
    """Run a coroutine function on a thread with an event loop of its own: a notebook's loop is running already.

    Parameters
    ----------
    work : async callable
        What to do.
    interrupted : callable
        Is called in the event loop for each interrupt, with whether it is to end at once; says whether the work comes
        to an end by itself. If not, it is cancelled.

    Raises
    ------
    KeyboardInterrupt
        If there was an interrupt, when the work has ended.
    SystemExit
        If there was a SIGTERM, when the work has ended.
    """
    with start_blocking_portal() as portal:
        if threading.current_thread() is not threading.main_thread():  # no other gets signals
            return portal.call(work)
        with _counted() as seen:
            started: Future[asyncio.Future[T]] = Future()
            done = portal.start_task_soon(_watched, work, started)
            told = 0
            while not wait([done], timeout=_LOOK_S).done:
                if len(seen) > told:
                    told = len(seen)
                    if not portal.call(interrupted, told > 1 or signal.SIGTERM in seen):
                        portal.call(started.result().cancel)
        result = done.result()
        ended_well = result.cancelled() or result.exception() is None
        if signal.SIGTERM in seen:  # it is what ends the process, whatever became of the work
            raise SystemExit(128 + signal.SIGTERM)
        if result.cancelled() or (seen and ended_well):
            raise KeyboardInterrupt
        return result.result()


async def _watched(work: Callable[[], Awaitable[T]], started: Future[asyncio.Future[T]]) -> asyncio.Future[T]:
    """Do the work as a task of its own, which can be cancelled by itself; gives it when it has ended."""
    task = asyncio.ensure_future(work())
    started.set_result(task)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task


@contextmanager
def _counted() -> Iterator[list[signal.Signals]]:
    """Collect interrupts instead of raising them.

    Whoever handles SIGINT in Python (a notebook, ``asyncio.run``, or nobody in particular) wants the run to be stopped.
    One that is ignored stays so, and so does a SIGTERM that somebody else handles.
    """
    seen: list[signal.Signals] = []

    def count(number: int, _: FrameType | None) -> None:
        seen.append(signal.Signals(number))

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    taken = {
        number: handler
        for number, handler in before.items()
        if (callable(handler) if number == signal.SIGINT else handler is signal.SIG_DFL)
    }
    for number in taken:
        signal.signal(number, count)
    try:
        yield seen
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)
