"""Runs: one call of a sweep's run, from the plan to what it ended with."""

from __future__ import annotations

import asyncio
import logging
import platform
import warnings
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from anyio.to_thread import run_sync

from asrlab.engines.spread import Workers
from asrlab.errors import BudgetSpent, InvalidInput, StoreError
from asrlab.sweep.asked import by_engine, in_use
from asrlab.sweep.lost import LostSubmits
from asrlab.sweep.parts import MERGED, Division, check_still_out, check_there, warning_of
from asrlab.sweep.progress import Progress
from asrlab.sweep.provenance import collect
from asrlab.sweep.racing import RACE, Racing, beginning, goes_on
from asrlab.sweep.runner import Runner
from asrlab.sweep.store import Store
from asrlab.sweep.warn import SweepWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from asrlab.executors import Where
    from asrlab.sweep.budget import Budget
    from asrlab.sweep.plan import Job, Plan, Retry
    from asrlab.sweep.racing import RaceRule
    from asrlab.sweep.sweep import Sweep

_LOOK_S: Final = 0.5  # between looks whether another process has finished
_TICK_S: Final = 1.0  # between reports of progress while nothing happens

_log = logging.getLogger("asrlab.sweep")


class Run:
    """One call of :meth:`Sweep.run`."""

    def __init__(
        self,
        sweep: Sweep,
        budget: Budget,
        report: Callable[[Progress], None],
        *,
        concurrency: int | None,
        allow_unknown_length: bool,
        race: RaceRule | None,
        executor: Where,
    ) -> None:
        self._sweep = sweep
        self._budget = budget
        self._report = report
        self._concurrency = concurrency
        self._allow_unknown_length = allow_unknown_length
        self._race = race
        self._executor = executor
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
        async with AsyncExitStack() as stack:
            # Before the store is opened: processes that are forked inherit what is open, its locks included.
            workers = None if self._executor is None else await stack.enter_async_context(Workers(self._executor))
            if sweep._part is not None:
                check_there(sweep._part, sweep.source)
            store = stack.enter_context(Store(sweep.source, create=True))
            await self._turn(store)
            used = {engine: await stack.enter_async_context(in_use(engine, workers)) for engine in sweep._engines}
            engines, asked = list(used.values()), [used[engine] for engine in sweep._asked]
            planned = partial(sweep._planned, store, asked, retry, price_usd_per_s, self._executor)
            plan = await planned()
            self._check(plan)
            if self._race is not None:
                self._check_race(self._race, plan, store)
            self._check_division(store)
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
            racing = None if self._race is None else await self._racing(self._race, plan, store)
            number = store.begin_run(
                collect(
                    sweep.dataset,
                    engines,
                    sweep.grid,
                    seed=sweep._seed,
                    repeats=sweep._repeats,
                    prices=plan.prices,
                )
                | ({} if sweep._part is None else {"part": sweep._part.facts})
                | ({} if self._race is None else {RACE: dict(self._race.rules)})
            )
            ticking = asyncio.create_task(self._tick())
            try:
                lost = LostSubmits(engines, store, () if sweep._part is None else sweep._part.claimed)
                if plan.lost and await self._found(lost, plan.lost):
                    plan = await planned()
                    self._progress.total = len(plan.jobs)
                    racing = None if self._race is None else await self._racing(self._race, plan, store)
                self._runner = runner = Runner(
                    engines,
                    store,
                    self._progress,
                    self._report,
                    lost=lost,
                    budget=self._budget,
                )
                if racing is None:
                    await runner.run(plan.jobs, concurrency=self._concurrency)
                else:
                    await self._run_race(racing, runner, len(plan.jobs))
            except BaseException as error:
                with suppress(StoreError):  # it has been said
                    self._end(store, number, "interrupted" if self._interrupted else f"failed: {type(error).__name__}")
                raise
            finally:
                ticking.cancel()
            self._end(store, number, self._outcome(runner))
            if runner.fatal is not None:
                raise runner.fatal
            if runner.over_budget:
                wanted = len(plan.to_send) - (0 if racing is None else len(racing.spared()))
                raise BudgetSpent(
                    f"The budget left {wanted - runner.sent} of {wanted} trials unsent: "
                    f"{self._budget} are spent, by all runs of this store. What came is stored; raise the budget "
                    "and run again for the rest."
                )

    async def _racing(self, race: RaceRule, plan: Plan, store: Store) -> Racing:
        names = [condition.name for condition in self._sweep.grid]
        return await run_sync(Racing, race, plan, store, names, abandon_on_cancel=True)

    async def _run_race(self, racing: Racing, runner: Runner, n_jobs: int) -> None:
        """Ask from look to look, and no more of what was dropped."""
        await runner.run(racing.submitted(), concurrency=self._concurrency)
        for asked, jobs in racing.stretches():
            if runner.stopping:
                return
            self._progress.total = n_jobs - len(racing.spared())
            await runner.run(jobs, concurrency=self._concurrency)
            if not runner.stopping and (lost := await run_sync(racing.look, asked)):
                _log.info("After %d blocks these settings are dropped: %s", asked, "; ".join(lost))

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

    def _check_division(self, store: Store) -> None:
        """Refuse to go on with a part whose questions are another's by now."""
        meta, part = store.meta(), self._sweep._part
        if part is not None and MERGED in meta:
            raise InvalidInput(
                f"This is {part}, which was merged at {meta[MERGED]}: what it had left is no longer its own to ask. "
                "Run the whole sweep, or divide that again."
            )
        if part is not None:
            check_still_out(part, self._sweep.source)
        division = Division.read(meta)
        if division is not None and division.out:
            warnings.warn(warning_of(division), SweepWarning, stacklevel=2)
            for number in division.out:
                self._budget.leave(*division.budget(number, self._budget.usd, self._budget.minutes))

    def _check_race(self, race: RaceRule, plan: Plan, store: Store) -> None:
        """Refuse a race of which no run sees all the answers, and one that began otherwise."""
        goes_on(store.meta(), beginning(race, plan.order, plan.askings))
        division = Division.read(store.meta())
        if self._sweep._part is not None or (division is not None and division.out):
            raise InvalidInput(
                "A race looks at all settings together, and this sweep is divided into parts that do not see one "
                "another's answers. Run the whole sweep with race=, or its parts without."
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
