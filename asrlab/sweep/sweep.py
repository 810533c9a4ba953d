"""Sweeps: the object a notebook holds, to plan, run and read."""

from __future__ import annotations

import asyncio
import json
import platform
import threading
import warnings
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from anyio.to_thread import run_sync

from asrlab.engines.base import Capabilities
from asrlab.errors import BudgetSpent, InvalidInput, MissingTrials, StoreError
from asrlab.folders import is_set
from asrlab.sweep.asked import by_engine, engines_of
from asrlab.sweep.budget import Budget
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.sweep.interrupts import blocking
from asrlab.sweep.lost import LostSubmits
from asrlab.sweep.opened import Answers, Heard
from asrlab.sweep.plan import Plan, Under, check_retry, make_plan, resolve, resolve_conditions
from asrlab.sweep.progress import Progress, guarded, reporter
from asrlab.sweep.provenance import collect
from asrlab.sweep.runner import Runner
from asrlab.sweep.store import Asking, Store, is_run
from asrlab.sweep.warn import SweepWarning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.sweep.grid import Conditions
    from asrlab.sweep.plan import Job, Retry

_LOOK_S: Final = 0.5  # between looks whether another process has finished
_TICK_S: Final = 1.0  # between reports of progress while nothing happens
_USING: Final = threading.Lock()
_USED: Final = set[int]()  # ids of engines


class Sweep(Answers):
    """A dataset, asked about under conditions, with every answer kept.

    Questions are asked in a randomised block design: repeats are separate passes, in each the utterances come in random
    order, and all conditions of an utterance together in random order, so that drift of a service over the hours does
    not pose as an effect of a setting.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    engine : Engine or mapping of str to Engine
        What is asked; see :func:`asrlab.engine`. Several, by labels, are an axis ``engine`` of the grid; those that it
        does not name levels of are asked under every condition.
    conditions : Conditions
        Settings; see :func:`asrlab.grid`. Where it has levels of ``model`` or ``region``, such engines are asked.
    store : path
        Folder of the run, on a disk of this machine. One that holds answers already is continued: what is stored is not
        asked again.
    repeats : int
        How often each question is asked; the answers of a service may differ, and repeats measure by how much.
    seed : int
        Of the random order in which questions are asked.

    Examples
    --------
    >>> sweep = Sweep(dataset, engine("local"), grid(enable_itn=[False, True]), store="runs/itn")  # doctest: +SKIP
    >>> sweep.plan()  # doctest: +SKIP
    <Plan: 128 askings = 128 trials (128 new); to send 12.4 audio minutes>
    >>> sweep.run()  # doctest: +SKIP
    """

    dataset: Dataset

    def __init__(
        self,
        dataset: Dataset,
        engine: Engine | Mapping[str, Engine],
        conditions: Conditions,
        *,
        store: str | Path,
        repeats: int = 1,
        seed: int = 0,
    ) -> None:
        _check_whole("repeats", repeats, 1)
        _check_whole("seed", seed, 0)
        super().__init__(store, dataset)
        self.engine = engine
        self.grid, self._asked = engines_of(engine, conditions)
        self._repeats = repeats
        self._seed = seed

    def plan(self, *, retry: Retry = None, price_usd_per_s: float | None = None) -> Plan:
        """Say what a run would send, what that costs and how long it takes, before anything is sent.

        Parameters
        ----------
        retry, price_usd_per_s
            As for :meth:`run`.

        Returns
        -------
        Plan
            What is stored, new, retried or changed; audio minutes, price and expected time; warnings.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used.
        """
        check_retry(retry)
        return blocking(partial(self._plan, retry, price_usd_per_s))

    def run(
        self,
        *,
        retry: Retry = None,
        budget_usd: float | None = None,
        budget_minutes: float | None = None,
        allow_unknown_length: bool = False,
        price_usd_per_s: float | None = None,
        on_interrupt: Literal["wait", "leave"] = "wait",
        concurrency: int | None = None,
        progress: bool | Callable[[Progress], None] = True,
    ) -> None:
        """Send what the store lacks, and keep what comes back.

        May be interrupted anywhere, and run again: answers that are stored are not asked for again, tasks that were
        submitted are collected. An interrupt (the stop button, Ctrl-C, SIGTERM) stops submitting; a second one, and
        SIGTERM, leaves what is in flight to be collected by the next run. The service keeps answers for 24 h: what is
        not collected by then becomes ``unknown``, and is asked, and paid for, again only with ``retry="unknown"``.

        If another process is running this sweep, this one waits, and then sends what is still lacking.

        With ``ASRLAB_OFFLINE=1`` nothing is sent; see :meth:`replay`.

        Parameters
        ----------
        retry : {None, "failed", "unknown"}
            Which trials that ended without an answer are sent again. On an engine that costs nothing, unknown outcomes
            always are.
        budget_usd, budget_minutes : float, optional
            Most that all runs of these engines in this store may spend together: US dollars, and minutes of audio as
            they are billed (each begun second of each channel). What earlier runs may have been billed counts, whatever
            the model and region. A question is sent only if what it costs fits; the first that does not ends the run.
        allow_unknown_length : bool
            Send recordings whose length is not known, such as links without ``duration_s``, in spite of a budget,
            as long as anything of it is left. What they cost is known, and counted, only afterwards.
        price_usd_per_s : float, optional
            Price of a second of audio, in place of the one that asrlab knows.
        on_interrupt : {"wait", "leave"}
            What a first interrupt does with questions in flight.
        concurrency : int, optional
            How many trials are under way at once with each engine; as many as suit it if not given.
        progress : bool or callable
            Show progress; or call this with it.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used, or a budget cannot be kept; nothing was sent.
        BudgetSpent
            If the budget did not suffice for everything. What was sent is stored.
        ServiceError
            If the account or key is refused, or everything is.
        StoreError
            If an answer cannot be stored.
        MissingTrials
            If nothing may be sent and the store lacks answers.

        Warns
        -----
        SweepWarning
            For each warning of the plan, before anything is sent.
        """
        if concurrency is not None:
            _check_whole("concurrency", concurrency, 1)
        if on_interrupt not in ("wait", "leave"):
            raise InvalidInput(f'on_interrupt must be "wait" or "leave", not {on_interrupt!r}.')
        check_retry(retry)
        budget = Budget(budget_usd, budget_minutes)
        if is_set("ASRLAB_OFFLINE"):
            self.replay()
            return
        if self.source.suffix == ".jsonl":
            raise StoreError(f"{self.source} is a replay, which is only read. Name a folder as store to ask anew.")
        run = _Run(
            self,
            budget,
            guarded(progress if callable(progress) else reporter() if progress else lambda _: None),
            concurrency=concurrency,
            allow_unknown_length=allow_unknown_length,
        )
        blocking(
            partial(run.main, retry, price_usd_per_s),
            lambda at_once: run.interrupt(leave=at_once or on_interrupt == "leave"),
        )

    def replay(self) -> None:
        """Make sure that the store or replay has everything this sweep asks, and send nothing.

        Failed and unknown trials are there: they were asked, and their rows say so.

        Raises
        ------
        MissingTrials
            If trials are missing; the message counts them.
        """
        wanted = [
            (str(utt_id), condition.name, repeat)
            for repeat in range(self._repeats)
            for utt_id in self.dataset.utterances["utt_id"]
            for condition in self.grid
        ]
        frame = self.transcripts
        asked = frame[frame["state"].isin(["answered", "failed", "unknown"])]
        there = set(zip(asked["utt_id"], asked["condition"], asked["repeat"], strict=True))
        if missing := [cell for cell in wanted if cell not in there]:
            named = "; ".join(f"{utt_id} under {condition}" for utt_id, condition, _ in missing[:3])
            raise MissingTrials(
                f"Nothing is sent in a replay, and {self.source} lacks {len(missing)} of {len(wanted)} answers: "
                f"{named}{' ...' if len(missing) > 3 else ''}. Ask for them with run(), without ASRLAB_OFFLINE."
            )

    @property
    def _engines(self) -> list[Engine]:
        """Engines that are asked, each once."""
        return list(dict.fromkeys(self._asked))

    def heard(self, condition: str) -> Heard:
        """Give the recordings as they are asked about under a condition, to listen to.

        Parameters
        ----------
        condition : str
            Its name, as in :attr:`conditions`.

        Returns
        -------
        Heard
            Has the tables of the dataset, and ``audio_path(utt_id)``.

        Raises
        ------
        InvalidInput
            If there is no such condition.
        """
        found = next((one for one in self.grid if one.name == condition), None)
        if found is None:
            raise InvalidInput(
                f"There is no condition {condition!r}. There are {', '.join(c.name for c in self.grid)}."
            )
        return Heard(self.dataset, found)

    def _told(self) -> Iterable[tuple[str, object]]:
        # What is stored is not held against the recordings here, which may have to be read through for that.
        yield "stored", self._standing()
        yield "dataset", repr(self.dataset)
        yield "engines" if len(self._engines) > 1 else "engine", ", ".join(map(repr, self._engines))
        yield "conditions", repr(self.grid)
        yield "repeats", self._repeats

    def _chosen(self, store: Store) -> Sequence[Asking]:
        return self._askings(store)

    def _askings(self, store: Store) -> Sequence[Asking]:
        """Those of the stored askings that are this sweep's, in its order.

        An asking whose audio, parameters or engine have changed since points to the trial it would be now, so that the
        answer to another question, or another's answer, is never taken for its own.
        """
        stored = {(a.utt_id, a.condition, a.repeat): a for a in store.askings()}
        identities = store.identities()
        under = Under(self.dataset)
        asked_of = cache(_asked_of)
        askings = []
        utterances = [
            (utt_id, {recipe: _digest(under[recipe], utt_id) for recipe in {recipe for _, recipe in asked}}, asked)
            for utt_id, asked in resolve_conditions(self.dataset, self.grid)
        ]
        for repeat in range(self._repeats):
            for utt_id, digests, asked in utterances:
                for condition, engine, (parameters, recipe) in zip(self.grid, self._asked, asked, strict=True):
                    asking = stored.get((utt_id, condition.name, repeat))
                    if asking is not None:
                        was = identities[asking.trial]
                        audio, identity = digests[recipe] or was.audio, asked_of(engine, was.engine)
                        now = Identity(audio, identity, canonical_parameters(parameters), repeat).trial
                        askings.append(Asking(utt_id, condition.name, repeat, now, condition.labels))
        return askings

    async def _plan(self, retry: Retry, price_usd_per_s: float | None) -> Plan:
        async with AsyncExitStack() as stack:
            for engine in self._engines:
                if not _is_known(engine):
                    await stack.enter_async_context(_in_use(engine))
            asked = self.source.suffix == ".jsonl" or is_run(self.source)
            with self._stored() if asked else Store(None) as store:
                return await self._planned(store, retry, price_usd_per_s)

    async def _planned(self, store: Store, retry: Retry, price_usd_per_s: float | None) -> Plan:
        # On a thread: recordings are read through, and meanwhile an interrupt must be heard.
        utterances = await run_sync(resolve, self.dataset, self.grid, abandon_on_cancel=True)
        return make_plan(
            self.dataset,
            utterances,
            self.grid,
            self._asked,
            store,
            repeats=self._repeats,
            retry=retry,
            seed=self._seed,
            price_usd_per_s=price_usd_per_s,
        )

    def _facts(self, store: Store) -> dict[str, Any]:
        # The run may have been planned last for other conditions, and for another engine.
        meta = store.meta()
        was = canonical_engine(meta.pop("engine", {}))
        known = {engine: json.loads(_asked_of(engine, was)) for engine in self._engines}
        return meta | {
            "engine" if len(known) == 1 else "engines": by_engine(known),
            "dataset": self.dataset.name,
            "utterances": len(self.dataset),
            "audio_min": round(float(self.dataset.utterances["duration_s"].sum()) / 60, 2),
            "axes": [[axis, labels] for axis, labels in self.grid.axes.items()],
            "repeats": self._repeats,
            "seed": self._seed,
        }


class _Run:
    """One call of :meth:`Sweep.run`."""

    def __init__(
        self,
        sweep: Sweep,
        budget: Budget,
        report: Callable[[Progress], None],
        *,
        concurrency: int | None,
        allow_unknown_length: bool,
    ) -> None:
        self._sweep = sweep
        self._budget = budget
        self._report = report
        self._concurrency = concurrency
        self._allow_unknown_length = allow_unknown_length
        self._progress = Progress(0)
        self._runner: Runner | None = None
        self._interrupted = False

    def interrupt(self, *, leave: bool) -> bool:
        """Stop soon; False if nothing was begun that must end by itself."""
        leave = leave or self._interrupted
        self._interrupted = True
        if self._runner is not None:
            left = "what is in flight is left, and collected by the next run"
            waits = "what is in flight is waited for; interrupt again to leave it to the next run"
            self._runner.stop(f"interrupted; {left if leave else waits}", leave=leave)
        else:
            self._progress.because = "interrupted"
            self._progress.finished = True
            self._report(self._progress)
        return self._runner is not None

    async def main(self, retry: Retry, price_usd_per_s: float | None) -> None:
        """Do all of it."""
        sweep = self._sweep
        with Store(sweep.source, create=True) as store:
            await self._turn(store)
            async with AsyncExitStack() as stack:
                engines = [await stack.enter_async_context(_in_use(engine)) for engine in sweep._engines]
                plan = await sweep._planned(store, retry, price_usd_per_s)
                self._check(plan)
                for warning in plan.warnings:
                    warnings.warn(warning, SweepWarning, stacklevel=2)
                spent = [store.spent(name) for name in {engine.name for engine in engines}]
                self._budget.spent_usd = sum(one.usd for one in spent)
                self._budget.spent_s = sum(one.seconds for one in spent)
                self._progress = Progress(len(plan.jobs), plan.counts.get("stored", 0), None if plan.free else 0.0)
                made = {
                    "asrlab": version("asrlab"),
                    "python": platform.python_version(),
                }
                store.plan(plan.askings, plan.identities, sweep._facts(store) | made)
                number = store.begin_run(
                    collect(
                        sweep.dataset,
                        engines,
                        sweep.grid,
                        seed=sweep._seed,
                        repeats=sweep._repeats,
                        prices=plan.prices,
                    )
                )
                ticking = asyncio.create_task(self._tick())
                try:
                    lost = LostSubmits(engines, store)
                    if plan.lost and await self._found(lost, plan.lost):
                        plan = await sweep._planned(store, retry, price_usd_per_s)
                        self._progress.total = len(plan.jobs)
                    self._runner = runner = Runner(
                        engines,
                        store,
                        self._progress,
                        self._report,
                        lost=lost,
                        budget=self._budget,
                    )
                    await runner.run(plan.jobs, concurrency=self._concurrency)
                except BaseException as error:
                    with suppress(StoreError):  # it has been said
                        self._end(
                            store, number, "interrupted" if self._interrupted else f"failed: {type(error).__name__}"
                        )
                    raise
                finally:
                    ticking.cancel()
                self._end(store, number, self._outcome(runner))
                if runner.fatal is not None:
                    raise runner.fatal
                if runner.over_budget:
                    raise BudgetSpent(
                        f"The budget left {len(plan.to_send) - runner.sent} of {len(plan.to_send)} trials unsent: "
                        f"{self._budget} are spent, by all runs of this store. What came is stored; raise the budget "
                        "and run again for the rest."
                    )

    async def _turn(self, store: Store) -> None:
        """Wait until no other process asks for this run."""
        while not store.drive():
            self._progress.phase = "waiting"
            self._progress.because = f"another process is running this sweep ({store.driver()})"
            self._report(self._progress)
            await asyncio.sleep(_LOOK_S)

    async def _found(self, lost: LostSubmits, jobs: Sequence[Job]) -> int:
        """Look for lost submits of earlier runs."""
        self._progress.phase = "waiting"
        self._progress.because = f"looking for {len(jobs)} submits that an earlier run has lost"
        found = await lost.find_earlier(jobs)
        self._progress.phase, self._progress.because = "running", None
        return found

    def _check(self, plan: Plan) -> None:
        """Refuse a budget that could not be kept."""
        if self._budget.usd is not None and plan.usd is None:
            unknown = " and ".join(repr(engine) for engine, price in plan.prices.items() if price is None)
            raise InvalidInput(
                f"budget_usd cannot be kept: the price of {unknown} is not known. Give price_usd_per_s, or "
                "budget_minutes."
            )
        if self._budget.limited and plan.unknown_lengths and not self._allow_unknown_length:
            raise InvalidInput(
                f"A budget cannot be kept for {plan.unknown_lengths} trials of recordings whose length is not known. "
                "Give duration_s in the manifest, or allow_unknown_length=True."
            )

    def _end(self, store: Store, number: int, outcome: str) -> None:
        self._progress.because = None if outcome == "finished" else outcome
        self._progress.finished = True
        self._report(self._progress)
        servers = {engine: engine.server for engine in self._sweep._engines}
        store.end_run(number, outcome, server=by_engine(servers))

    async def _tick(self) -> None:
        """Report now and then also while nothing ends, so that it is seen to be alive."""
        while True:
            self._report(self._progress)
            await asyncio.sleep(_TICK_S)

    def _outcome(self, runner: Runner) -> str:
        if runner.fatal is not None:
            return f"refused: {runner.fatal}"
        if runner.over_budget:
            return f"the budget is spent ({self._budget})"
        if self._interrupted:
            return "interrupted"
        held = self._progress.ended["not run"]
        why = "since another submit of the same audio has an unknown outcome"
        return f"{held} trials are held back, {why}" if held else "finished"


def _asked_of(engine: Engine, stored: str) -> str:
    """Identity of an engine; that of the stored answers where it may be, and the engine was not reached yet."""
    try:
        return canonical_engine(engine.identity)
    except RuntimeError:
        return stored if engine.may_be(json.loads(stored)) else canonical_engine({"engine": engine.name})


def _digest(dataset: Dataset, utt_id: str) -> str | None:
    """Digest of a recording; None if it is not at hand, which is no reason not to read what was said of it."""
    try:
        return dataset.digest(utt_id)
    except InvalidInput:
        return None


def _is_known(engine: Engine) -> bool:
    """Whether an engine says all that a plan needs without being entered, which may want a key or start a service."""
    try:
        return bool(engine.identity) and isinstance(vars(type(engine)).get("capabilities"), Capabilities)
    except RuntimeError:
        return False


@asynccontextmanager
async def _in_use(engine: Engine) -> AsyncIterator[Engine]:
    """Enter an engine that nobody else is using: it holds connections of one event loop.

    Raises
    ------
    InvalidInput
        If another run or plan of this process is using it.
    """
    with _USING:
        if id(engine) in _USED:
            raise InvalidInput(
                f"{engine!r} is in use by another run or plan. Wait for it, or make an engine of its own for each."
            )
        _USED.add(id(engine))
    try:
        async with engine:
            yield engine
    finally:
        with _USING:
            _USED.discard(id(engine))


def _check_whole(name: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise InvalidInput(f"{name} must be a whole number from {least}, not {number!r}.")
