"""The queue of tasks: their states, times and counters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from asrlab.errors import TaskFailed
from asrlab.server.documents import (
    CANCELED,
    FAILED,
    PENDING,
    RUNNING,
    SUCCEEDED,
    Document,
    new_request_id,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KEPT_S: Final = 24 * 3600.0
"""Seconds a finished task and its result can be asked for (service documentation, task management)."""

_log = logging.getLogger("asrlab.server")


@dataclass(eq=False)
class Task:
    """One submitted transcription.

    Parameters
    ----------
    model : str
        Model named in the request.
    request : dict
        The ``input`` and ``parameters`` of the request, as received.
    resolve_oss : bool
        Whether the submit asked for ``oss://`` links to be resolved.
    submitted : float
        Seconds since the epoch.
    """

    model: str
    request: Document
    resolve_oss: bool
    submitted: float
    task_id: str = field(default_factory=new_request_id)
    request_id: str = field(default_factory=new_request_id)
    state: str = PENDING
    started: float | None = None
    ended: float | None = None
    code: str | None = None
    message: str | None = None
    result: Document | None = None
    usage_s: int | None = None

    @property
    def file_url(self) -> object:
        """The value of ``input.file_url``, whatever was sent there."""
        return self.request["input"].get("file_url")


class Transcriber(Protocol):
    """Does the work of a task."""

    async def __call__(self, task: Task) -> tuple[Document, int]:
        """Give the result document and the seconds used; raise TaskFailed with a documented code where that fails."""


class Tasks:
    """All tasks of a service, oldest first, and the workers that run them.

    Parameters
    ----------
    transcribe : callable
        Does the work of a task.
    workers : int
        How many tasks run at once.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(self, transcribe: Transcriber, *, workers: int = 1, clock: Callable[[], float] = time.time) -> None:
        self._transcribe = transcribe
        self._workers = workers
        self._clock = clock
        self._tasks: dict[str, Task] = {}
        self._queue: asyncio.Queue[Task] = asyncio.Queue()
        self.submits: Counter[str] = Counter()
        """Submits by file URL, without its query."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run tasks while entered; those still under way on leaving end as FAILED."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def submit(self, model: str, request: Document, *, resolve_oss: bool) -> Task:
        """Queue a task."""
        self._forget_old()
        task = Task(model, request, resolve_oss, self._clock())
        self._tasks[task.task_id] = task
        self.submits[_without_query(task.file_url)] += 1
        self._queue.put_nowait(task)
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
        self._end(task, CANCELED)
        return True

    def submitted_between(self, start: float | None, end: float | None) -> list[Task]:
        """Tasks submitted in a window of seconds since the epoch, newest first; the last 24 h by default."""
        self._forget_old()
        end = self._clock() if end is None else end
        start = end - KEPT_S if start is None else start
        return [task for task in reversed(self._tasks.values()) if start <= task.submitted <= end]

    def states(self) -> Counter[str]:
        """How many tasks there are in each state."""
        return Counter(task.state for task in self._tasks.values())

    @property
    def busy(self) -> bool:
        """Whether any task is queued or under way."""
        return any(task.ended is None for task in self._tasks.values())

    async def _work(self) -> None:
        while True:
            task = await self._queue.get()
            if task.state == PENDING:
                await self._run(task)

    async def _run(self, task: Task) -> None:
        task.state, task.started = RUNNING, self._clock()
        try:
            task.result, task.usage_s = await self._transcribe(task)
        except TaskFailed as error:
            self._fail(task, error.code, error.message)
        except asyncio.CancelledError:
            self._fail(task, "SERVER_ERROR", "The service was stopped before the task had finished.")
            raise
        except Exception as error:  # whatever a recogniser does, it ends its task and not the service
            _log.error("Task %s failed inside the service: %s", task.task_id, type(error).__name__)
            self._fail(task, "SERVER_ERROR", f"The recogniser failed with {type(error).__name__}: {error}")
        else:
            self._end(task, SUCCEEDED)

    def _fail(self, task: Task, code: str, message: str) -> None:
        task.code, task.message = code, message
        self._end(task, FAILED)

    def _end(self, task: Task, state: str) -> None:
        task.state, task.ended = state, self._clock()

    def _forget_old(self) -> None:
        oldest = self._clock() - KEPT_S
        for task in [t for t in self._tasks.values() if t.ended is not None and t.ended < oldest]:
            del self._tasks[task.task_id]


def _without_query(file_url: object) -> str:
    """Make the name under which a file is counted: a signed link is the same file whatever its signature."""
    if not isinstance(file_url, str):
        return ""
    return file_url.partition("?")[0].partition("#")[0]
