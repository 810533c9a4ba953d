"""Watching tasks: which have ended, for all that are in flight, in few requests.

Task queries are limited to 20 a second for a whole account (service documentation, task management), so a thousand
tasks in flight cannot each be asked about every few seconds. The list of tasks shows many at a time, but not where
their results lie: a task that has ended costs one query in any case. *Discovery* is what is asked beyond that: pages of
the list, and queries that find nothing new.

With few tasks in flight each is queried by itself. With many the unfinished ones are listed, and whichever is no longer
among them is queried. How often the list is read follows from how fast tasks end and how many pages it has, so that
discovery stays a small part of the whole. While none ends, the oldest task alone is queried now and then, and the list
is read when that one has ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from math import inf
from typing import TYPE_CHECKING, Final

from asrlab.dashscope import wire
from asrlab.dashscope.listing import Listing
from asrlab.dashscope.retries import LONGEST_PAUSE_S, Busy, NoAnswer, after, backoff, jittered
from asrlab.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from asrlab.dashscope.tasks import ListedTask, Task, TaskPage

_FEW: Final = 10  # up to here each task is queried by itself
_AT_ONCE: Final = 8  # requests under way
_DISCOVERY: Final = 0.12  # pages to read for each task that has ended meanwhile
_POLLS_S: Final = (2.0, 3.0, 4.0, 5.0)  # after the first; the last repeats (service documentation: every 2-5 s)
_LOCAL_POLLS_S: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_SCAN_S: Final = 1.0  # between two readings of the list, at least
_LOCAL_SCAN_S: Final = 0.1
_RECENT_S: Final = 5.0  # between two readings of the list, at most; with many in flight longer
_LONGEST: Final = 3  # of the time that fetching all in flight takes
_PATIENT: Final = 0.1  # of the time for which none has ended, until the oldest is looked at again
_RARER: Final = 3
_LOCAL_FAULTS: Final = 6  # in a row; some two seconds
_UNLISTED: Final = 2  # queries in vain after which a task is not looked for in the list any more
_OUT_OF_ORDER: Final = 0.1
_UNUSABLE_S: Final = 300.0

_log = logging.getLogger("asrlab.dashscope")


@dataclass
class Tally:
    """What watching has cost: queries that found a task ended, queries that found nothing new, pages of the list."""

    found: int = 0
    vain: int = 0
    pages: int = 0


@dataclass(eq=False)
class _Watch:
    """A task that somebody waits for."""

    task_id: str
    pauses: Iterator[float]
    due: float  # for a query of its own
    waiters: set[asyncio.Future[Task]] = field(default_factory=set)
    state: str = "has not been looked at"
    gone: bool = False  # no longer among the unfinished ones in the list, so it has probably ended
    under_way: bool = False
    vain: int = 0  # queries of it that the list had led to


class Monitor:
    """Watches the tasks of one client, within one event loop at a time.

    Parameters
    ----------
    query : async callable
        Asks about a task, once.
    list_page : async callable
        Asks for a page of the tasks of a status, once: status, number of the page, rows on a page.
    local : callable
        Says whether the service is on this machine: it is asked more often, and given up sooner.
    """

    def __init__(
        self,
        query: Callable[[str], Awaitable[Task]],
        list_page: Callable[[str, int, int], Awaitable[TaskPage]],
        *,
        local: Callable[[], bool],
    ) -> None:
        self._query = query
        self._local = local
        self._watches: dict[str, _Watch] = {}
        self._gone: deque[_Watch] = deque()
        self._looks = 0
        self._scanning = False
        self._interval = self._scanned = self._next_scan = self._next_canary = 0.0
        self._none_since: float | None = None  # when the last of those that ended had ended, while none does
        self._faults = 0
        self._resume = 0.0
        self._wake = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self.tally = Tally()
        self._list = _Unfinished(list_page, self.tally)

    async def ended(self, task_id: str, *, first_delay_s: float | None, timeout_s: float) -> Task:
        """Wait until a task has ended.

        Raises
        ------
        ServiceError
            With code ``Timeout`` if it has not ended in time; or as its query does.
        """
        loop = asyncio.get_running_loop()
        if self._watching is None or self._watching.done() or self._watching.get_loop() is not loop:
            # Nothing is taken over from another event loop, which may have ended in the middle.
            self._wake, self._looks, self._scanning = asyncio.Event(), 0, False
            self._watches, self._gone = {}, deque()
            self._interval, self._scanned, self._resume = 0.0, loop.time(), 0.0
            self._next_scan, self._none_since = self._scanned + self._shortest, self._scanned
            self._watching = loop.create_task(self._watch_all(), name="asrlab tasks")
        watch = self._watches.get(task_id)
        if watch is None:
            pauses = _pauses(first_delay_s, local=self._local())
            watch = self._watches[task_id] = _Watch(task_id, pauses, loop.time() + next(pauses))
        waiter: asyncio.Future[Task] = loop.create_future()
        watch.waiters.add(waiter)
        self._wake.set()
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter
        except TimeoutError:
            late = ServiceError(
                f"Task {task_id} has not ended in time (it {watch.state}). It is not lost: wait({task_id!r}) again; "
                f"its result is kept for {wire.TASK_LIFE_H} h after it ends.",
                code="Timeout",
            )
        finally:
            watch.waiters.discard(waiter)
            if not watch.waiters and self._watches.get(task_id) is watch:
                del self._watches[task_id]
                self._wake.set()
        raise late

    async def aclose(self) -> None:
        """Watch no longer; whoever still waits is told so."""
        if self._watching is not None and self._watching.get_loop() is asyncio.get_running_loop():
            self._watching.cancel()
            await asyncio.wait([self._watching])

    @property
    def _shortest(self) -> float:
        return _LOCAL_SCAN_S if self._local() else _SCAN_S

    async def _watch_all(self) -> None:
        try:
            while self._watches:
                async with asyncio.TaskGroup() as group:
                    # While requests are under way too: others may come, and must not wait for these to end.
                    while self._watches or self._looks or self._scanning:
                        await self._watch_for_a_while(group)
        finally:
            self._tell_all(ServiceError("The client was closed while it waited for tasks.", code="Closed"))

    async def _watch_for_a_while(self, group: asyncio.TaskGroup) -> None:
        self._wake.clear()
        pause = self._begin_what_is_due(group)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if pause == inf else max(pause, 0.0)):
                await self._wake.wait()

    def _begin_what_is_due(self, group: asyncio.TaskGroup) -> float:
        """Begin what may be asked now; returns the seconds after which there is more."""
        now = asyncio.get_running_loop().time()
        if now < self._resume:
            return self._resume - now
        listing = len(self._watches) > _FEW and now >= self._list.unusable_until
        while self._gone and self._looks < _AT_ONCE:
            self._begin_look(group, self._gone.popleft())
        if self._looks == _AT_ONCE:
            return inf
        own = [w for w in self._watches.values() if not w.under_way and not (listing and w.vain < _UNLISTED)]
        own.sort(key=lambda watch: watch.due)
        for watch in own[: _AT_ONCE - self._looks]:
            if watch.due <= now:
                self._begin_look(group, watch)
        pause = min((watch.due - now for watch in own if not watch.under_way), default=inf)
        # Where there are queries to make, the list could only tell of more of them.
        if listing and not self._scanning and not self._gone:
            if now >= self._next_scan:
                self._scanning = True
                group.create_task(self._scan())
            else:
                pause = min(pause, self._next_scan - now, self._begin_canary(group, now))
        return inf if self._looks == _AT_ONCE else pause

    def _begin_canary(self, group: asyncio.TaskGroup, now: float) -> float:
        """Query the oldest task, if that is due; returns the seconds until it is again."""
        if self._none_since is None or self._interval <= _RECENT_S:
            return inf
        if now >= self._next_canary:
            self._next_canary = now + jittered(max(_RECENT_S, _PATIENT * (now - self._none_since)))
            self._begin_look(group, next(iter(self._watches.values())))
        return self._next_canary - now

    def _begin_look(self, group: asyncio.TaskGroup, watch: _Watch) -> None:
        if watch.waiters and not watch.under_way:
            watch.under_way = True
            self._looks += 1
            group.create_task(self._look(watch))

    async def _look(self, watch: _Watch) -> None:
        loop = asyncio.get_running_loop()
        try:
            task = await self._query(watch.task_id)
        except (Busy, NoAnswer) as error:
            watch.state = f"last answered: {error}"
            watch.due = loop.time()
            if watch.gone:
                self._gone.append(watch)
            self._stumble(error)
        except Exception as error:  # it is for who waits to hear
            self._tell(watch, error)
        else:
            self._faults = 0
            if task.ended:
                self.tally.found += 1
                self._list.right += watch.gone
                if self._none_since is not None and not watch.gone:
                    self._next_scan = loop.time()
                self._tell(watch, task)
            else:
                self.tally.vain += 1
                self._list.wrong += watch.gone
                watch.vain += watch.gone
                self._still_unfinished(watch, task.status)
        finally:
            watch.under_way = False
            self._looks -= 1
            self._wake.set()

    async def _scan(self) -> None:
        """Read the list of unfinished tasks, and see which of ours are not in it."""
        loop = asyncio.get_running_loop()
        before = list(self._watches.values())  # who comes later may be missing from a page that was read already
        pages = self.tally.pages
        try:
            unfinished = await self._list.read()
        except (Busy, NoAnswer) as error:
            for watch in before:
                watch.state = f"last answered: {error}"
            self._stumble(error)
        except ServiceError as error:
            _log.info("Tasks cannot be listed (%s); for a while each is queried by itself", error)
            self._list.unusable_until = loop.time() + _UNUSABLE_S
        else:
            self._faults = 0
            gone = 0
            for watch in before:
                if watch.under_way or not watch.waiters:
                    continue
                if (status := unfinished.get(watch.task_id)) is not None:
                    self._still_unfinished(watch, status)
                elif watch.vain < _UNLISTED:
                    watch.gone = True
                    gone += 1
                    self._gone.append(watch)
            self._plan_next_scan(loop.time(), gone, self.tally.pages - pages)
        finally:
            self._scanning = False
            self._wake.set()

    def _plan_next_scan(self, now: float, gone: int, pages: int) -> None:
        since, self._scanned = now - self._scanned, now
        begins = self._none_since is not None and gone
        if gone:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = now
        if begins:
            self._interval = _RECENT_S  # how fast they end is seen from now on
        elif gone:
            # As many tasks will end in a second as of late: read the list when they are worth its pages.
            self._interval = pages / _DISCOVERY * since / gone
        else:
            self._interval *= _RARER
        longest = max(_RECENT_S, _LONGEST * len(self._watches) / wire.QUERIES_PER_S)
        self._interval = jittered(min(max(self._interval, self._shortest), longest))
        self._next_scan = now + self._interval

    def _still_unfinished(self, watch: _Watch, status: str) -> None:
        watch.state = f"is {status}"
        watch.gone = False
        watch.due = asyncio.get_running_loop().time() + next(watch.pauses)

    def _stumble(self, error: Busy | NoAnswer) -> None:
        """Pause after a fault of the network or the service: tasks go on without us."""
        now = asyncio.get_running_loop().time()
        if now < self._resume:
            return  # one of several requests that met the same fault
        pauses = backoff(local=self._local())
        self._resume = now + max(min(after(error), LONGEST_PAUSE_S), pauses[min(self._faults, len(pauses) - 1)])
        self._faults += 1
        if self._local() and self._faults > _LOCAL_FAULTS:
            self._tell_all(error)  # a service on this machine that is gone has taken its tasks along

    def _tell_all(self, error: Exception) -> None:
        for watch in list(self._watches.values()):
            self._tell(watch, error)

    def _tell(self, watch: _Watch, outcome: Task | Exception) -> None:
        if self._watches.get(watch.task_id) is watch:
            del self._watches[watch.task_id]
        for waiter in watch.waiters:
            if waiter.done():
                continue
            if isinstance(outcome, Exception):
                waiter.set_exception(outcome)
            else:
                waiter.set_result(outcome)


class _Unfinished:
    """The account's unfinished tasks, as the list has them.

    Parameters
    ----------
    list_page : async callable
        As for :class:`Monitor`.
    tally : Tally
        Where pages are counted.
    """

    def __init__(self, list_page: Callable[[str, int, int], Awaitable[TaskPage]], tally: Tally) -> None:
        async def page(status: str, number: int, rows: int) -> TaskPage:
            tally.pages += 1
            return await list_page(status, number, rows)

        # In this order: a task goes from the first to the second.
        self._listings = [Listing(partial(page, status)) for status in (wire.PENDING, wire.RUNNING)]
        self._backwards = False
        self.unusable_until = -inf
        """When to try again, by the clock of the event loop, after the list could not be had."""
        self.right = 0
        """Queries, since it was last read, that found a task ended which was missing from it."""
        self.wrong = 0
        """Queries, since it was last read, that found a task unfinished which was missing from it."""

    async def read(self) -> dict[str, str]:
        """Read it to its end: task id to status.

        Raises
        ------
        Busy, NoAnswer, ServiceError
            As the request for a page does.
        """
        # Which end of the list tasks leave from is not documented: where many were missed, the other way is tried.
        if self.wrong > _OUT_OF_ORDER * (self.right + self.wrong):
            self._backwards = not self._backwards
        self.right = self.wrong = 0
        found: dict[str, ListedTask] = {}
        for listing in self._listings:
            found |= await listing.read(backwards=self._backwards)
        return {task_id: task.status for task_id, task in found.items() if task.status not in wire.ENDED}


def _pauses(first_s: float | None, *, local: bool) -> Iterator[float]:
    """Seconds to wait before each look at a task: 1, 2, growing to 5, each +-20 %; far less on this machine."""
    later = _LOCAL_POLLS_S if local else _POLLS_S
    first = (_LOCAL_POLLS_S[0] if local else 1.0) if first_s is None else first_s
    return (jittered(pause) for pause in chain([first], later, repeat(later[-1])))
