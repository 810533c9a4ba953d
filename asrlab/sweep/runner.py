"""Running: work through jobs, a few at a time, and commit every step before the next."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from asrlab.engines.base import FindsLost, Question
from asrlab.errors import AsrlabError, InvalidInput, OutcomeUnknown, ServiceError, StoreError, TaskFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from asrlab.engines.base import Engine
    from asrlab.sweep.plan import Job
    from asrlab.sweep.progress import Progress
    from asrlab.sweep.store import Store

#: What refuses the account or key, and so every further trial (service documentation, error messages). A plain
#: AccessDenied is none: storage hosts and expired links answer it too.
_FATAL_CODES: Final = frozenset({
    "InvalidApiKey", "Arrearage", "AccessDenied.Unpurchased", "Model.AccessDenied", "Workspace.AccessDenied",
    "AllocationQuota.FreeTierOnly", "CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue",
})  # fmt: skip
_log = logging.getLogger("asrlab.sweep")


async def run_jobs(
    jobs: Sequence[Job],
    engine: Engine,
    store: Store,
    progress: Progress,
    report: Callable[[Progress], None],
    *,
    concurrency: int,
) -> None:
    """Ask an engine all of it; an engine's error ends one trial and never the run.

    Parameters
    ----------
    jobs : sequence of Job
        In the order in which to begin them.
    engine : Engine
        Entered.
    store : Store
        Where each step is committed.
    progress : Progress
        Is kept up to date.
    report : callable
        Is called with it after each trial.
    concurrency : int
        How many trials are under way at once.

    Raises
    ------
    ServiceError
        If the account or key is refused: every further trial would be too. What was not begun stays so.
    StoreError
        If something cannot be stored; what is under way is left, and can be collected later.
    """
    run = _Run(engine, store, progress, report)
    try:
        async with asyncio.TaskGroup() as group:
            waiting = iter(jobs)
            for _ in range(min(concurrency, len(jobs))):
                group.create_task(run.work(waiting))
    except ExceptionGroup as errors:  # the first says why; the others are its echo
        raise errors.exceptions[0] from None
    finally:
        progress.finished = True
        report(progress)
    if run.fatal is not None:
        raise run.fatal


class _Run:
    """What the workers of one run share."""

    def __init__(self, engine: Engine, store: Store, progress: Progress, report: Callable[[Progress], None]) -> None:
        self._engine = engine
        self._store = store
        self._progress = progress
        self._report = report
        # At most one submit of the same audio is unresolved at a time, so that a lost one can be told from the others.
        self._submitting: dict[str, asyncio.Lock] = {}
        self._unresolved: set[str] = set()
        self._task_ids = store.task_ids()
        self._unresolved_before = store.unresolved()
        self.fatal: ServiceError | None = None

    async def work(self, jobs: Iterator[Job]) -> None:
        for job in jobs:
            if self.fatal is not None:
                return
            state, code = await self._one(job)
            self._note(state, code)

    def _note(self, state: str, code: str | None) -> None:
        self._progress.ended[state] += 1
        if code is not None:
            self._progress.codes[code] += 1
        try:
            self._report(self._progress)
        except Exception:  # whoever watches must not end what is watched: submits would be lost
            _log.exception("Progress could not be reported")

    async def _one(self, job: Job) -> tuple[str, str | None]:
        """Ask one trial; returns how it ended and the code of what went wrong."""
        if job.task_id is not None:
            return await self._ask(job, job.attempts, _nothing)
        lock = self._submitting.setdefault(job.digest, asyncio.Lock())
        async with _Turn(lock) as turn:
            # Only now: while this one waited, the one before it may have been refused or lost.
            if self.fatal is not None:
                return "not run", None
            if job.digest in self._unresolved:
                return "not run", "another submit of this audio is unresolved"
            return await self._ask(job, self._store.begin(job.trial), turn.over)

    async def _ask(self, job: Job, attempt: int, resolved: Callable[[], None]) -> tuple[str, str | None]:
        taken = job.task_id is not None

        async def submitted(task_id: str) -> None:
            nonlocal taken
            self._store.submitted(job.trial, attempt, task_id)
            self._task_ids.add(task_id)
            taken = True
            resolved()

        try:
            answer = await self._engine.transcribe(Question(job.audio, job.parameters, job.task_id), submitted)
        except StoreError:
            raise
        except OutcomeUnknown as error:
            task_id = await self._find(job, error)
            if task_id is None:
                return self._ended(job, attempt, error, taken=taken)
            await submitted(task_id)
            return await self._ask(replace(job, task_id=task_id), attempt, _nothing)
        except Exception as error:
            return self._ended(job, attempt, error, taken=taken)
        self._store.answered(job.trial, attempt, answer)
        return "answered", None

    async def _find(self, job: Job, lost: OutcomeUnknown) -> str | None:
        """Look for a submit whose outcome is unknown, where asking costs money."""
        if self._engine.free or not isinstance(self._engine, FindsLost):
            return None
        if job.digest in self._unresolved_before:
            return None  # what is found might be that of an earlier run
        try:
            return await self._engine.find_lost(Question(job.audio, job.parameters), lost, self._task_ids)
        except AsrlabError as error:
            _log.info("A lost submit could not be looked for: %s", error)
            return None

    def _ended(self, job: Job, attempt: int, error: Exception, *, taken: bool) -> tuple[str, str | None]:
        request_id = None
        match error:
            case TaskFailed(code="UNKNOWN") if not self._engine.free:
                state, code = "unknown", error.code  # forgotten by the service, and perhaps paid for
            case TaskFailed() | ServiceError(code="StandIn"):
                state, code = "failed", error.code
            case OutcomeUnknown():
                state, code = "unknown", error.code
            case ServiceError() if taken:
                state, code = "submitted", error.code  # the task goes on; its answer is collected by the next run
            case ServiceError():
                state, code = "failed", error.code
            case InvalidInput() | Warning() if not taken:  # a warning that the user has made an error
                state, code = "failed", "InvalidInput"
            case _:  # a fault of the engine or of ours
                _log.error("Trial %s ended with %s", job.trial, type(error).__name__, exc_info=error)
                state, code = "submitted" if taken else "unknown", type(error).__name__
        if isinstance(error, ServiceError):
            request_id = error.request_id
            if error.http_status == 401 or error.code in _FATAL_CODES:
                self.fatal = error
        if state == "unknown" and not self._engine.free:
            self._unresolved.add(job.digest)
        self._store.ended(job.trial, attempt, state, code=code, message=str(error), request_id=request_id)
        return state, code


class _Turn:
    """A turn at a lock, over at the latest when it is left."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._mine = False

    async def __aenter__(self) -> Self:
        await self._lock.acquire()
        self._mine = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over()

    def over(self) -> None:
        if self._mine:
            self._mine = False
            self._lock.release()


def _nothing() -> None:
    pass
