"""The queue of tasks: their states, times and counters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from asrlab.errors import TaskFailed
from asrlab.server.documents import (
    CANCELED,
    FAILED,
    LOST,
    NO_SUCCESS,
    PENDING,
    RUNNING,
    SCHEDULE_TIME,
    SUCCEEDED,
    Document,
    new_request_id,
    refusal,
)
from asrlab.server.models import ASYNC, Family

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from asrlab.errors import ServiceError

Found = TypeVar("Found")

KEPT_S: Final = 24 * 3600.0
"""Seconds a finished task and its result can be asked for (service documentation, task management)."""

_ENDED: Final = (SUCCEEDED, FAILED, CANCELED)
_MESSAGE_CHARS: Final = 1000  # a message may quote what was sent, and that may be long
_NOTHING: Final[Document] = {"input": {}, "parameters": {}}

_log = logging.getLogger("asrlab.server")


@dataclass(frozen=True)
class Part:
    """What became of one file of a task.

    Parameters
    ----------
    file_url : str
        The file's link, as results give it.
    result : bytes, optional
        The result as JSON, if there is one.
    usage : mapping of str to int
        What is to be paid for.
    code, message : str, optional
        What it failed with.
    """

    file_url: str
    result: bytes | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    code: str | None = None
    message: str | None = None

    @classmethod
    def failed(cls, file_url: str, code: str, message: str) -> Part:
        """Make one that failed."""
        return cls(file_url, code=code, message=message[:_MESSAGE_CHARS])


@dataclass(eq=False, slots=True)
class Task:
    """One submitted transcription.

    Parameters
    ----------
    model : str
        Model named in the request.
    request : dict
        The ``input`` and ``parameters`` of the request, as received, the latter None where there were none; they are
        forgotten when the task ends.
    resolve_oss : bool
        Whether the submit asked for ``oss://`` links to be resolved.
    submitted : float
        Seconds since the epoch.
    fault : str, optional
        What is to go wrong with it: one of the three of ``documents``, or an error code to fail with.
    identity : str
        What it is known by where ids, which differ from run to run, must not count.
    files : int
        How many files it is about.
    """

    model: str
    request: Document
    resolve_oss: bool
    submitted: float
    fault: str | None = None
    identity: str = ""
    files: int = 1
    task_id: str = field(default_factory=new_request_id)
    request_id: str = field(default_factory=new_request_id)
    state: str = PENDING
    started: float | None = None
    ended: float | None = None
    code: str | None = None
    message: str | None = None
    parts: tuple[Part, ...] = ()

    @property
    def family(self) -> Family:
        """The family of its model."""
        return ASYNC[self.model]


class Transcriber(Protocol):
    """Does the work of a task."""

    async def __call__(self, task: Task) -> tuple[Part, ...]:
        """Give what became of its files; raise TaskFailed with a documented code where the whole of it fails."""


class Tasks:
    """All tasks of a service, oldest first, and the workers that run them.

    The workers are shared with requests that are waited for, which do not queue as tasks.

    Parameters
    ----------
    transcribe : callable
        Does the work of a task.
    workers : int
        How many tasks run at once.
    queue_s, run_s : float
        Seconds that a task stays PENDING, and RUNNING, at the least.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        transcribe: Transcriber,
        *,
        workers: int = 1,
        queue_s: float = 0.0,
        run_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transcribe = transcribe
        self._workers = workers
        self._places = asyncio.Semaphore(workers)
        self._queue_s = queue_s
        self._run_s = run_s
        self._clock = clock
        self._tasks: dict[str, Task] = {}
        self._queue: asyncio.Queue[tuple[float, Task]] = asyncio.Queue()  # with the moment from which it may run
        self._ended: deque[Task] = deque()  # in the order in which they ended
        self._states: Counter[str] = Counter()
        self._running: list[asyncio.Task[None]] = []
        self._waited_for: set[asyncio.Task[Any]] = set()
        self._untold: set[str] = set()  # tasks that were ended by the service's own end
        self._all_told = asyncio.Event()
        self.accepting = True
        """Whether tasks, and requests that are waited for, are taken."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run tasks while entered; those still under way on leaving end as FAILED."""
        self._running = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            yield
        finally:
            self.stop()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def drain(self, patience_s: float) -> None:
        """End all tasks under way as FAILED, and wait until each of them has been told, at most so many seconds."""
        self.stop()
        if self._untold:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._all_told.wait()

    def told(self, task: Task) -> None:
        """Note that somebody has been given a task's state."""
        if task.task_id in self._untold:
            self._untold.remove(task.task_id)
            if not self._untold:
                self._all_told.set()

    def submit(
        self,
        model: str,
        request: Document,
        *,
        resolve_oss: bool,
        fault: str | None = None,
        identity: str = "",
        files: int = 1,
    ) -> Task:
        """Queue a task."""
        self._forget_old()
        task = Task(model, request, resolve_oss, self._clock(), fault, identity, files)
        if fault != LOST:
            self._tasks[task.task_id] = task
            self._states[PENDING] += 1
            self._queue.put_nowait((time.monotonic() + self._queue_s, task))
        return task

    def find(self, task_id: str) -> Task | None:
        """Look a task up; None where it does not exist, or no longer."""
        self._forget_old()
        return self._tasks.get(task_id)

    def cancel(self, task_id: str) -> bool:
        """Cancel a task that has not started; False where there is none such."""
        task = self.find(task_id)
        if task is None or task.state != PENDING:
            return False
        self._enter(task, CANCELED)
        return True

    def listed(self, start: float | None, end: float | None, *, model: str | None, state: str | None) -> list[Task]:
        """Tasks submitted in a window of at most 24 h, newest first.

        Parameters
        ----------
        start, end : float, optional
            Seconds since the epoch. Where one is missing it is 24 h from the other; where both are, until now.
        model, state : str, optional
            Only tasks of this model, and in this state.
        """
        self._forget_old()
        if end is None:
            end = self._clock() if start is None else start + KEPT_S
        if start is None:
            start = end - KEPT_S
        return [
            task
            for task in reversed(self._tasks.values())
            if (state is None or task.state == state)
            and start <= task.submitted <= end
            and (model is None or task.model == model)
        ]

    async def in_turn(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Do the work of a request that is waited for, once a worker is free.

        Raises
        ------
        ServiceError
            If the service is ending, or ends before the work is done.
        """
        if not self.accepting:
            work.close()
            raise ending()
        job = asyncio.create_task(self._at_a_place(work))
        self._waited_for.add(job)
        try:
            return await job
        except asyncio.CancelledError:
            if self.accepting:
                raise
            raise ending() from None
        finally:
            self._waited_for.discard(job)
            work.close()  # where it was not begun

    def states(self) -> dict[str, int]:
        """How many tasks there are in each state."""
        return dict(+self._states)

    @property
    def busy(self) -> bool:
        """Whether any task is queued or under way, or any request is waited for."""
        return self._states[PENDING] > 0 or self._states[RUNNING] > 0 or bool(self._waited_for)

    def stop(self) -> None:
        """Take no more, and end as FAILED whichever tasks have not ended; whoever waits is told."""
        self.accepting = False
        for job in (*self._running, *self._waited_for):
            job.cancel()
        stopped = _failure("SERVER_ERROR", "The service was stopped before the task had finished.")
        for task in self._tasks.values():
            if task.ended is None:
                self._enter(task, **stopped)
                self._untold.add(task.task_id)

    async def _at_a_place(self, work: Coroutine[Any, Any, Found]) -> Found:
        async with self._places:
            return await work

    async def _work(self) -> None:
        while self.accepting:  # asked too, because a recogniser may take no notice of being cancelled
            due, task = await self._queue.get()
            # All wait equally long: the head of the queue is due first, and to wait for it delays no other.
            await asyncio.sleep(due - time.monotonic())
            async with self._places:
                if task.state == PENDING:
                    await self._run(task)

    async def _run(self, task: Task) -> None:
        task.started = self._clock()
        self._enter(task, RUNNING)
        least = time.monotonic() + self._run_s
        try:
            outcome = await self._outcome(task)
        except TaskFailed as error:
            outcome = _failure(error.code, error.message)
        except Exception as error:  # whatever a recogniser does, it ends its task and not the service
            _log.error("Task %s failed inside the service: %s", task.task_id, type(error).__name__)
            outcome = _failure("SERVER_ERROR", f"The recogniser failed with {type(error).__name__}: {error}")
        await asyncio.sleep(least - time.monotonic())
        if task.ended is None:  # it may have been ended meanwhile, by the service's own end
            self._enter(task, **outcome)

    async def _outcome(self, task: Task) -> dict[str, Any]:
        if task.fault not in (None, SCHEDULE_TIME, NO_SUCCESS):
            return _failure(task.fault, task.fault)
        parts = await self._transcribe(task)
        if task.fault == NO_SUCCESS or any(part.result is not None for part in parts):
            return {"state": SUCCEEDED, "parts": parts}
        # How a task looks none of whose sub-tasks has succeeded is not documented.
        return _failure(str(parts[0].code), str(parts[0].message)) | {"parts": parts}

    def _enter(self, task: Task, state: str, **facts: object) -> None:
        self._states[task.state] -= 1
        self._states[state] += 1
        task.state = state
        for name, value in facts.items():
            setattr(task, name, value)
        if state in _ENDED:
            task.ended = self._clock()
            task.request = _NOTHING
            self._ended.append(task)

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_S
        while self._ended and (self._ended[0].ended or 0) < oldest:
            task = self._ended.popleft()
            self._states[task.state] -= 1
            del self._tasks[task.task_id]


def _failure(code: str, message: str) -> dict[str, Any]:
    return {"state": FAILED, "code": code, "message": message[:_MESSAGE_CHARS]}


def ending() -> ServiceError:
    """Make the refusal of whatever is asked of a service that is ending."""
    return refusal(503, "ModelUnavailable", "The service is ending and takes no more requests.")
