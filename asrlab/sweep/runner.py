"""Running: work through jobs, many at a time, and commit every step before the next."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from math import ceil, isfinite
from typing import TYPE_CHECKING, Final, Literal

from asrlab.engines.base import FindsLost, Question, Steps
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

#: What refuses the account or key, and so every further trial (service documentation, error messages), or says that the
#: workers are gone. A plain AccessDenied is none: storage hosts and expired links answer it too.
_FATAL_CODES: Final = frozenset({
    "InvalidApiKey", "Arrearage", "AccessDenied.Unpurchased", "Model.AccessDenied", "Workspace.AccessDenied",
    "AllocationQuota.FreeTierOnly", "CommodityNotPurchased", "PrepaidBillOverdue", "PostpaidBillOverdue",
    "ModelNotFound", "model_not_found", "model_not_supported", "WorkSpaceNotFound", "StandIn", "Workers",
})  # fmt: skip
_ALIKE: Final = 10  # errors alike, one after the other, mean that all the rest would meet them too
_KEPT_S: Final = 24 * 3600.0  # so long a service knows its tasks (service documentation, task management)
_SENDING: Final = 16  # questions that are uploaded or submitted at once; an HTTP client is at its best with few
_GRACE_S: Final = 20.0  # for the answers to submits under way, when a run is left

_log = logging.getLogger("asrlab.sweep")


class Runner:
    """Asks an engine what a plan comes to; an engine's error ends one trial and never the run.

    Parameters
    ----------
    engines : sequence of Engine
        Those that the jobs ask; entered.
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
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        store: Store,
        progress: Progress,
        report: Callable[[Progress], None],
        *,
        lost: LostSubmits,
        budget: Budget,
    ) -> None:
        self._engines = engines
        self.store = store
        self._progress = progress
        self._report = report
        self.budget = budget
        # At most one submit of the same audio is unresolved at a time, so that a lost one can be told from the others,
        # where it can be looked for at all.
        self._submitting: dict[str, asyncio.Lock] = {}
        self._unresolved: set[str] = set()
        self._lost = lost
        # Codes of what was refused since a question was last taken, and of what could not be had since the last answer.
        self._refusals: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._at_work: dict[asyncio.Task[None], _Watch] = {}
        self._sending = asyncio.Semaphore(_SENDING)
        self._stopping = asyncio.Event()
        self._leaving = False
        self.fatal: ServiceError | None = None
        """What refused the account or key, if anything did."""
        self.over_budget = False
        """Whether something was not sent for want of budget."""
        self.sent = 0
        """How many questions were sent, as far as is known."""
        self._broken: StoreError | None = None

    async def run(self, jobs: Sequence[Job], *, concurrency: int | None = None) -> None:
        """Work through jobs.

        Parameters
        ----------
        jobs : sequence of Job
            In the order in which to begin them.
        concurrency : int, optional
            How many trials are under way at once with each engine; as many as suit it if not given.

        Raises
        ------
        StoreError
            If something cannot be stored; what is under way is left, and can be collected later.
        """
        rooms = {engine: asyncio.Semaphore(concurrency or engine.concurrency) for engine in self._engines}
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                room = rooms[job.engine]
                if not await self._admitted(room):
                    break
                watch = _Watch(self, job)
                task = group.create_task(self._work(watch, room))
                self._at_work[task] = watch
                task.add_done_callback(self._at_work.pop)
        if self._broken is not None:
            raise self._broken

    @property
    def stopping(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._stopping.is_set()

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
                try:
                    state, code = await watch.left()
                except StoreError as error:
                    state, code = self._broke(error)
            except StoreError as error:
                state, code = self._broke(error)
            if state == "not run":
                watch.release_budget()
                self._progress.begun(-1)
            elif watch.job.task_id is None:
                self.sent += 1
            self._progress.note(state, code, seconds=watch.audio_s, usd=watch.billed_s * watch.usd_per_s)
            self._tell()
        finally:
            room.release()

    def _broke(self, error: StoreError) -> tuple[str, str | None]:
        """Stop, as nothing more can be stored; those on their way may yet be, or not: they are not torn."""
        if self._broken is None:
            self._broken = error
            self.stop(str(error), leave=True)
        return "not run", type(error).__name__

    async def _one(self, watch: _Watch) -> tuple[str, str | None]:
        """Ask one trial; returns how it ended and the code of what went wrong."""
        if watch.job.task_id is not None:
            return await self._ask(watch)
        if watch.job.engine.free:  # what is lost is asked again, so nothing needs to be told apart
            return await self._ask(watch) if watch.reserve_budget() else self._spent()
        async with AsyncExitStack() as held:
            if isinstance(watch.job.engine, FindsLost):
                lock = self._submitting.setdefault(watch.job.digest, asyncio.Lock())
                await held.enter_async_context(watch.holding(lock))
            await held.enter_async_context(watch.holding(self._sending))
            # Only now: while this one waited, the one before it may have been refused or lost.
            if self._stopping.is_set():
                return "not run", None
            if watch.job.digest in self._unresolved:
                return "not run", "another submit of this audio is unresolved"
            return await self._ask(watch) if watch.reserve_budget() else self._spent()

    def _spent(self) -> tuple[str, str | None]:
        self.over_budget = True
        self._begin_no_more(f"the budget leaves nothing for more: {self.budget}")
        return "not run", None

    async def _ask(self, watch: _Watch) -> tuple[str, str | None]:
        job = watch.job
        try:
            if job.setting.link is None:
                # A task is collected all the same where its recording is gone; engines that compute need it, though.
                with suppress(*(() if job.task_id is None else (InvalidInput, OSError))):
                    make = job.setting.audio
                    watch.source = await asyncio.to_thread(make) if job.setting.made else make()
            question = Question(watch.source, job.parameters, job.task_id, job.repeat)
            answer = await job.engine.transcribe(question, watch)
            _check_channels(answer, job)
            watch.settle(answer)
            await self.store.answered(watch.attempt, job.trial, answer)
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
        self._refusals.clear()
        self._losses.clear()
        return "answered", None

    async def _ended(self, watch: _Watch, error: Exception) -> tuple[str, str | None]:
        taken = watch.stage == "taken"
        state = self._state_after(watch, error)
        code = error.code if isinstance(error, ServiceError) else type(error).__name__
        if isinstance(error, OutcomeUnknown):
            if isinstance(watch.job.engine, FindsLost) and not watch.job.engine.free:
                self._unresolved.add(watch.job.digest)
        elif isinstance(error, ServiceError) and (error.http_status == 401 or error.code in _FATAL_CODES):
            self._give_in(error)
            if not taken:  # it says nothing of this question, which is asked another time
                await watch.withdraw()
                return "not run", code
        elif isinstance(error, ServiceError):
            if error.code == "BadResponse" or (error.code == "UNKNOWN" and state == "submitted"):
                self._count(error, self._losses)
            elif state == "failed" and not taken:
                self._count(error, self._refusals)
        if state == "failed" and not taken:
            watch.release_budget()
        request_id = error.request_id if isinstance(error, ServiceError) else None
        attempt = watch.attempt
        # A path of this machine says nothing elsewhere, and a replay may be made public.
        message = str(error).replace(watch.source, watch.job.utt_id) if watch.source else str(error)
        await self.store.ended(attempt, watch.job.trial, state, code=code, message=message, request_id=request_id)
        return state, code

    def _state_after(self, watch: _Watch, error: Exception) -> str:  # noqa: PLR0911 - one case, one line
        """Tell how a trial stands after an error."""
        taken = watch.stage == "taken"
        match error:
            case TaskFailed(code="UNKNOWN") if not watch.job.engine.free:
                # Forgotten by the service, and perhaps paid for. So soon none is forgotten, though: another workspace,
                # key or host was asked, and those it was submitted with will know it.
                return "submitted" if time.time() - watch.submitted_at < _KEPT_S else "unknown"
            case TaskFailed():
                return "failed"
            case ServiceError(code="StandIn" | "BadResponse") if taken:
                return "failed"  # it will not become another's, or readable
            case OutcomeUnknown():
                return "unknown"
            case ServiceError():
                return "submitted" if taken else "failed"  # a task goes on; its answer is collected by the next run
            case InvalidInput() | Warning() if watch.stage == "waiting":  # a warning that the user has made an error
                return "failed"
            case _:  # a fault of the engine or of ours
                _log.error("Trial %s ended with %s", watch.job.trial, type(error).__name__, exc_info=error)
                return {"waiting": "failed", "sent": "unknown", "taken": "submitted"}[watch.stage]

    def _count(self, error: ServiceError, seen: Counter[str]) -> None:
        seen[error.code] += 1
        if seen[error.code] >= _ALIKE:
            self._give_in(error)

    def _give_in(self, error: ServiceError) -> None:
        """Stop the run: all that follows would meet the same error."""
        if self.fatal is None:
            self.fatal = error
            self.stop(f"every further trial would meet the same error: {error}")

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
        self._progress.throttled = sum(engine.throttled for engine in self._engines)
        self._report(self._progress)


def _check_channels(answer: Answer, job: Job) -> None:
    """Refuse an answer that is not one to the question: a channel that is missing was not silent."""
    told = tuple(transcript.channel for transcript in answer.transcripts)
    if told != job.parameters.channel_id:
        raise ServiceError(
            f"The engine answered for the channels {list(told)}, and was asked for {list(job.parameters.channel_id)}.",
            code="BadResponse",
            request_id=answer.request_id,
        )


class _Watch(Steps):
    """One trial on its way: writes down what the engine tells of it, and what it costs."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self._run = runner
        self.job = job
        self.stage: Literal["waiting", "sent", "taken"] = "waiting" if job.task_id is None else "taken"
        """Nothing was sent; perhaps a submit was; it is a task of the service."""
        self.source = job.setting.link or ""
        """Path or link of the recording, once it is at hand."""
        self.usd_per_s = job.usd_per_s or 0.0
        self.audio_s, self.billed_s = 0.0, 0
        """Seconds that were asked about in this run, and that are billed for it."""
        self.submitted_at = time.time() if job.submitted is None else job.submitted
        self._begun = time.time()
        self._attempt = None if job.task_id is None else job.attempts
        self._held: list[asyncio.Lock | asyncio.Semaphore] = []

    @property
    def attempt(self) -> int | Intent:
        """The attempt on the disk, or what is to be written of one that was not begun there."""
        return self._intent(None) if self._attempt is None else self._attempt

    async def sending(self, link: str | None) -> None:
        if self.stage == "sent" and self._run.stopping:
            # Told again, so nothing is under way: pieces were answered, and are kept for the next run.
            self.stage = "waiting"
            raise asyncio.CancelledError
        # First of all: from here on it must not be stopped, or nobody would know whether it was sent.
        self.stage = "sent"
        if self._attempt is None:
            self._begun = time.time()
            self._attempt = await self._run.store.begin(self._intent(link))

    async def refused(self) -> None:
        self.stage = "waiting"  # to be sent again
        if self._run.stopping:
            raise asyncio.CancelledError

    async def submitted(self, task_id: str) -> None:
        if self._attempt is None:  # of an engine that does not tell that it sends
            await self.sending(None)
        await self._run.store.submitted(self.job.trial, self._attempt or 0, task_id)
        self.submitted_at = time.time()
        self.stage = "taken"
        self._run.was_taken(task_id)
        self._let_go()

    async def left(self) -> tuple[str, str | None]:
        """Note that it was cancelled; gives how it stands."""
        if self.stage == "waiting":
            await self.withdraw()
            return "not run", None
        return ("submitted" if self.stage == "taken" else "unknown"), None

    async def withdraw(self) -> None:
        """Take back what was written down: it was surely not accepted."""
        if self._attempt is not None:
            await self._run.store.withdraw(self.job.trial, self._attempt)

    def reserve_budget(self) -> bool:
        """Set aside what this may cost; False if the budget does not have it."""
        if not self._run.budget.reserve(self.job.reserved_s, self.usd_per_s):
            return False
        self.audio_s, self.billed_s = self.job.audio_s, self.job.reserved_s
        return True

    def release_budget(self) -> None:
        """Note that nothing is billed after all."""
        self._run.budget.spend(-self.billed_s, self.usd_per_s)
        self.audio_s, self.billed_s = 0.0, 0

    def settle(self, answer: Answer) -> None:
        """Note what was billed beyond what was set aside."""
        heard_s = answer.audio_s or 0.0
        more = max(0, ceil(heard_s) - self.job.reserved_s) if isfinite(heard_s) else 0
        self._run.budget.spend(more, self.usd_per_s)
        self.billed_s += more
        if self.job.task_id is None and not self.job.reserved_s and isfinite(heard_s):
            self.audio_s = heard_s  # its length was not known before

    def holding(self, what: asyncio.Lock | asyncio.Semaphore) -> _Holding:
        """Hold something until the question has been submitted, or at the latest until it is left."""
        return _Holding(what, self._held, self._let_go)

    def let_go_of(self, what: asyncio.Lock | asyncio.Semaphore) -> None:
        """Hold something no longer."""
        if what in self._held:
            self._held.remove(what)
            what.release()

    def _intent(self, link: str | None) -> Intent:
        return Intent(self.job.trial, self._begun, self.job.reserved_s, self.usd_per_s, link)

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
