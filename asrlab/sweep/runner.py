"""Running: work through jobs, many at a time, and commit every step before the next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Final, Literal

from asrlab.engines.base import Question, Steps
from asrlab.errors import InvalidInput, OutcomeUnknown, ServiceError, StoreError, TaskFailed
from asrlab.sweep.store import Intent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asrlab.engines.base import Answer, Engine
    from asrlab.sweep.budget import Budget
    from asrlab.sweep.lost import LostSubmits
    from asrlab.sweep.plan import Job
    from asrlab.sweep.progress import Progress
    from asrlab.sweep.store import Store

#: What refuses the account or key, and so every further trial (service documentation, error messages). A plain
#: AccessDenied is none: storage hosts and expired links answer it too.
_FATAL_CODES: Final = frozenset({
    "InvalidApiKey", "Arrearage", "AccessDenied.Unpurchased", "Model.AccessDenied", "Workspace.AccessDenied",
    "AllocationQuota.FreeTierOnly", "CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue",
    "ModelNotFound", "WorkSpaceNotFound",
})  # fmt: skip
_REFUSALS: Final = 10  # alike, and one after the other, mean that the rest would be refused too
_SENDING: Final = 16  # questions that are uploaded or submitted at once; an HTTP client is at its best with few
_GRACE_S: Final = 20.0  # for the answers to submits under way, when a run is left

_log = logging.getLogger("asrlab.sweep")


class Runner:
    """Asks an engine what a plan comes to; an engine's error ends one trial and never the run.

    Parameters
    ----------
    engine : Engine
        Entered.
    store : Store
        Where each step is committed; this process drives it.
    progress : Progress
        Is kept up to date.
    report : callable
        Is called with it after each trial; it raises nothing.
    lost : LostSubmits
        Looks for submits that were lost.
    budget : Budget
        What may be spent. Nothing is sent that could pass it.
    usd_per_s : float
        Price of a second of audio.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        progress: Progress,
        report: Callable[[Progress], None],
        *,
        lost: LostSubmits,
        budget: Budget,
        usd_per_s: float = 0.0,
    ) -> None:
        self._engine = engine
        self.store = store
        self._progress = progress
        self._report = report
        self.budget = budget
        self.usd_per_s = usd_per_s
        # At most one submit of the same audio is unresolved at a time, so that a lost one can be told from the others.
        self._submitting: dict[str, asyncio.Lock] = {}
        self._unresolved: set[str] = set()
        self._lost = lost
        self._refusals: Counter[str] = Counter()
        self._at_work: dict[asyncio.Task[None], _Watch] = {}
        self._sending = asyncio.Semaphore(_SENDING)
        self._stopping = asyncio.Event()
        self._leaving = False
        self.fatal: ServiceError | None = None
        """What refused the account or key, if anything did."""
        self.over_budget = False
        """Whether something was not sent for want of budget."""

    async def run(self, jobs: Sequence[Job], *, concurrency: int) -> None:
        """Work through jobs.

        Parameters
        ----------
        jobs : sequence of Job
            In the order in which to begin them.
        concurrency : int
            How many trials are under way at once.

        Raises
        ------
        StoreError
            If something cannot be stored; what is under way is left, and can be collected later.
        """
        room = asyncio.Semaphore(concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    if not await self._admitted(room):
                        break
                    watch = _Watch(self, job)
                    task = group.create_task(self._work(watch, room))
                    self._at_work[task] = watch
                    task.add_done_callback(self._at_work.pop)
        except ExceptionGroup as errors:  # the first says why; the others are its echo
            raise errors.exceptions[0] from None

    def stop(self, because: str, *, leave: bool = False) -> None:
        """Begin no further trial; those that were submitted are waited for, or left to be collected by a later run.

        Submits that are on their way are waited for in any case, for a while: what became of them could not be known.
        """
        self._begin_no_more(because)
        self._leaving = self._leaving or leave
        mine = asyncio.current_task()
        for task, watch in list(self._at_work.items()):
            if task is not mine and (watch.stage == "waiting" or (self._leaving and watch.stage == "taken")):
                task.cancel()
        if self._leaving:
            asyncio.get_running_loop().call_later(_GRACE_S, self._give_up)

    def _begin_no_more(self, because: str) -> None:
        self._stopping.set()
        self._progress.phase = "stopping"
        self._progress.because = because
        self._tell()

    async def _admitted(self, room: asyncio.Semaphore) -> bool:
        """Wait for room for another trial; False if the run is to stop."""
        if self._stopping.is_set():
            return False
        if not room.locked():
            await room.acquire()
            return True
        waits = {asyncio.ensure_future(room.acquire()), asyncio.ensure_future(self._stopping.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        return not self._stopping.is_set()

    async def _work(self, watch: _Watch, room: asyncio.Semaphore) -> None:
        try:
            self._progress.begun()
            try:
                state, code = await self._one(watch)
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
                state, code = ("submitted", None) if watch.stage == "taken" else ("not run", None)
            if state == "not run":
                watch.release_budget()
                self._progress.begun(-1)
            seconds = watch.billed_s
            self._progress.note(state, code, seconds=seconds, usd=seconds * self.usd_per_s)
            self._tell()
        finally:
            room.release()

    async def _one(self, watch: _Watch) -> tuple[str, str | None]:
        """Ask one trial; returns how it ended and the code of what went wrong."""
        if watch.job.task_id is not None:
            return await self._ask(watch)
        # What is free is asked again where it was lost, so there is nothing to tell apart; and an engine on this
        # machine is the quicker, the more conditions of a recording it has before it.
        lock = asyncio.Lock() if self._engine.free else self._submitting.setdefault(watch.job.digest, asyncio.Lock())
        async with watch.holding(lock), watch.holding(self._sending):
            # Only now: while this one waited, the one before it may have been refused or lost.
            if self._stopping.is_set():
                return "not run", None
            if watch.job.digest in self._unresolved:
                return "not run", "another submit of this audio is unresolved"
            if not watch.reserve_budget():
                self.over_budget = True
                self._begin_no_more(f"the budget leaves nothing for more: {self.budget}")
                return "not run", None
            return await self._ask(watch)

    async def _ask(self, watch: _Watch) -> tuple[str, str | None]:
        job = watch.job
        try:
            question = Question(job.audio, job.parameters, job.task_id, job.repeat)
            answer = await self._engine.transcribe(question, watch)
        except StoreError:
            raise
        except OutcomeUnknown as error:
            watch.let_go_of(self._sending)  # to look for it takes a while; its audio is held on to
            task_id = await self._lost.find(job, error)
            if task_id is None:
                return await self._ended(watch, error)
            await watch.submitted(task_id)
            watch.job = replace(job, task_id=task_id)
            return await self._ask(watch)
        except Exception as error:
            return await self._ended(watch, error)
        watch.settle(answer)
        self._refusals.clear()
        await self.store.answered(watch.attempt, job.trial, answer)
        return "answered", None

    async def _ended(self, watch: _Watch, error: Exception) -> tuple[str, str | None]:
        request_id = None
        taken = watch.stage == "taken"
        match error:
            case TaskFailed(code="UNKNOWN") if not self._engine.free:
                state, code = "unknown", error.code  # forgotten by the service, and perhaps paid for
            case TaskFailed() | ServiceError(code="StandIn"):
                state, code = "failed", error.code
            case ServiceError(code="BadResponse") if taken:
                state, code = "failed", error.code  # it will not become readable
            case OutcomeUnknown():
                state, code = "unknown", error.code
            case ServiceError() if taken:
                state, code = "submitted", error.code  # the task goes on; its answer is collected by the next run
            case ServiceError():
                state, code = "failed", error.code
            case InvalidInput() | Warning() if not taken:  # a warning that the user has made an error
                state, code = "failed", "InvalidInput"
            case _:  # a fault of the engine or of ours
                _log.error("Trial %s ended with %s", watch.job.trial, type(error).__name__, exc_info=error)
                sent = watch.stage == "sent"
                state, code = ("submitted" if taken else "unknown" if sent else "failed"), type(error).__name__
        if isinstance(error, ServiceError):
            request_id = error.request_id
            self._refused(error, hopeless=state == "failed" and not isinstance(error, TaskFailed))
        if state == "unknown" and not self._engine.free:
            self._unresolved.add(watch.job.digest)
        if state == "failed" and not taken:
            watch.release_budget()
        attempt = watch.attempt
        await self.store.ended(attempt, watch.job.trial, state, code=code, message=str(error), request_id=request_id)
        return state, code

    def _refused(self, error: ServiceError, *, hopeless: bool) -> None:
        """Stop the run if all that follows would be refused as well."""
        if hopeless:
            self._refusals[error.code] += 1
        if self.fatal is None and (
            error.http_status == 401 or error.code in _FATAL_CODES or self._refusals[error.code] >= _REFUSALS
        ):
            self.fatal = error
            self.stop(f"every further trial would be refused too: {error}")

    def was_taken(self, task_id: str) -> None:
        """Note that a question has become a task; if the run is being left, that is all for now."""
        self._lost.claim(task_id)
        self._refusals.clear()
        if self._leaving:
            raise asyncio.CancelledError

    def _give_up(self) -> None:
        for task in list(self._at_work):
            task.cancel()

    def _tell(self) -> None:
        self._progress.throttled = self._engine.throttled
        self._report(self._progress)


class _Watch(Steps):
    """One trial on its way: writes down what the engine tells of it, and what it costs."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self._run = runner
        self.job = job
        self.stage: Literal["waiting", "sent", "taken"] = "waiting" if job.task_id is None else "taken"
        """Nothing was sent; perhaps a submit was; it is a task of the service."""
        self.billed_s = 0
        self._begun = time.time()
        self._attempt = None if job.task_id is None else job.attempts
        self._held: list[asyncio.Lock | asyncio.Semaphore] = []

    @property
    def attempt(self) -> int | Intent:
        """The attempt on the disk, or what is to be written of one that was not begun there."""
        return self._intent(None) if self._attempt is None else self._attempt

    async def sending(self, link: str) -> None:
        # First of all: from here on it must not be stopped, or nobody would know whether it was sent.
        self.stage = "sent"
        if self._attempt is None:
            self._begun = time.time()
            self._attempt = await self._run.store.begin(self._intent(link))

    async def submitted(self, task_id: str) -> None:
        if self._attempt is None:
            raise RuntimeError("An engine must tell that it sends a question before it tells that it was taken.")
        await self._run.store.submitted(self.job.trial, self._attempt, task_id)
        self.stage = "taken"
        self._run.was_taken(task_id)
        self._let_go()

    def reserve_budget(self) -> bool:
        """Set aside what this may cost; False if the budget does not have it."""
        if not self._run.budget.reserve(self.job.reserved_s, self._run.usd_per_s):
            return False
        self.billed_s = self.job.reserved_s
        return True

    def release_budget(self) -> None:
        """Note that nothing is billed after all."""
        self._run.budget.spend(-self.billed_s, self._run.usd_per_s)
        self.billed_s = 0

    def settle(self, answer: Answer) -> None:
        """Note what was billed beyond what was set aside."""
        more = max(0, ceil(answer.audio_s or 0.0) - self.job.reserved_s)
        self._run.budget.spend(more, self._run.usd_per_s)
        self.billed_s += more

    def holding(self, what: asyncio.Lock | asyncio.Semaphore) -> _Holding:
        """Hold something until the question has been submitted, or at the latest until it is left."""
        return _Holding(what, self._held, self._let_go)

    def let_go_of(self, what: asyncio.Lock | asyncio.Semaphore) -> None:
        """Hold something no longer."""
        if what in self._held:
            self._held.remove(what)
            what.release()

    def _intent(self, link: str | None) -> Intent:
        return Intent(self.job.trial, self._begun, self.job.reserved_s, self._run.usd_per_s, link)

    def _let_go(self) -> None:
        while self._held:
            self._held.pop().release()


class _Holding:
    def __init__(
        self,
        what: asyncio.Lock | asyncio.Semaphore,
        held: list[asyncio.Lock | asyncio.Semaphore],
        let_go: Callable[[], None],
    ) -> None:
        self._what = what
        self._held = held
        self._let_go = let_go

    async def __aenter__(self) -> None:
        await self._what.acquire()
        self._held.append(self._what)

    async def __aexit__(self, *_: object) -> None:
        self._let_go()
