"""Sweeps: the object a notebook holds, to plan, run and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack, contextmanager
from copy import copy
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from anyio.to_thread import run_sync

from asrlab.errors import InvalidInput, MissingTrials, StoreError
from asrlab.executors import check_executor
from asrlab.folders import is_set
from asrlab.sweep.asked import asked_of, by_engine, engines_of, in_use, is_known
from asrlab.sweep.budget import Budget
from asrlab.sweep.identity import Identity, canonical_engine, canonical_parameters
from asrlab.sweep.interrupts import blocking
from asrlab.sweep.merge import Merged, drives, merge
from asrlab.sweep.opened import Answers, Heard
from asrlab.sweep.parts import DIVIDED, Division, Part, divide, place_of, whys_left
from asrlab.sweep.plan import Plan, Under, check_retry, in_random_order, make_plan, resolve, resolve_conditions
from asrlab.sweep.progress import Progress, guarded, reporter
from asrlab.sweep.racing import beginning, dropped, goes_on
from asrlab.sweep.run import Run
from asrlab.sweep.store import Asking, Store, is_run, located

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.executors import Where
    from asrlab.sweep.grid import Conditions
    from asrlab.sweep.plan import Retry
    from asrlab.sweep.racing import RaceRule


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
        self._part: Part | None = None

    def plan(self, *, retry: Retry = None, price_usd_per_s: float | None = None, executor: Where = None) -> Plan:
        """Say what a run would send, what that costs and how long it takes, before anything is sent.

        Parameters
        ----------
        retry, price_usd_per_s
            As for :meth:`run`.
        executor : Executor or distributed.Client, optional
            Where recordings that were not read before are read through; see :meth:`asrlab.Dataset.learn_facts`.

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
        check_executor(executor)
        return blocking(partial(self._plan, retry, price_usd_per_s, executor))

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
        race: RaceRule | None = None,
        executor: Where = None,
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
            While parts of the sweep are out, see :meth:`parts`, their shares of it are left to them.
        allow_unknown_length : bool
            Send recordings whose length is not known, such as links without ``duration_s``, in spite of a budget,
            as long as anything of it is left. What they cost is known, and counted, only afterwards.
        price_usd_per_s : float, optional
            Price of a second of audio, in place of the one that asrlab knows.
        on_interrupt : {"wait", "leave"}
            What a first interrupt does with questions in flight.
        concurrency : int, optional
            How many trials are under way at once with each engine; as many as suit it if not given.
        race : Race, optional
            Drops settings that are clearly worse than another, and asks no more of them: see :class:`asrlab.Race`. It
            looks between blocks of the order of trials, each time when all that was asked so far has ended, and what it
            decides is in :attr:`race` and holds in later runs, with ``race=`` again; a run without sends what was
            dropped. Plans and budgets are of all trials, so that they are the most it may cost.
        executor : Executor or distributed.Client, optional
            Workers: processes of this machine (``ProcessPoolExecutor(4)``), or a Dask cluster. Each loads a model of
            every engine that computes (``whisper``, ``sphinx``, ``scripted``) once and keeps it, with the worker's
            processors and as many as its memory has room for; the transcripts are those that come without workers.
            Recordings that were not read before are read through by them, too. A recording is opened by its path where
            a worker sees the same file, and travels where not. A worker that is lost is no matter on a cluster, and
            ends the run in a pool. A service is asked from here alone: what bounds it is what the account may ask, and
            not processors; see :meth:`parts` for several machines.
        progress : bool or callable
            Show progress; or call this with it.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used, or a budget cannot be kept; if this is a part that was merged or
            given up; if a race began otherwise, or cannot mark. Nothing was sent.
        BudgetSpent
            If the budget did not suffice for everything. What was sent is stored.
        ServiceError
            If the account or key is refused, or everything is; if workers are gone, or cannot compute.
        StoreError
            If an answer cannot be stored; if this is a part, and its store is not there.
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
        check_executor(executor)
        budget = Budget(budget_usd, budget_minutes)
        if self._part is not None:
            budget = Budget(_least(budget.usd, self._part.usd), _least(budget.minutes, self._part.minutes))
        if race is not None and (isinstance(race, type) or not callable(getattr(race, "look", None))):
            raise InvalidInput(f"race must be a lab.Race, such as Race(mark, level=0.95), not {race!r}.")
        if is_set("ASRLAB_OFFLINE"):
            self.replay(race=race)
            return
        if self.source.suffix == ".jsonl":
            raise StoreError(f"{self.source} is a replay, which is only read. Name a folder as store to ask anew.")
        run = Run(
            self,
            budget,
            guarded(progress if callable(progress) else reporter() if progress else lambda _: None),
            concurrency=concurrency,
            allow_unknown_length=allow_unknown_length,
            race=race,
            executor=executor,
        )
        blocking(
            partial(run.main, retry, price_usd_per_s),
            lambda at_once: run.interrupt(leave=at_once or on_interrupt == "leave"),
        )

    def parts(self, n: int, *, budget_usd: float | None = None, budget_minutes: float | None = None) -> list[Sweep]:
        """Divide what is still to be asked among processes or machines that share an account.

        No question is in two parts: recordings are divided by their content, so that what is one question, whatever its
        utterances are called, is asked in one part. Each part is a sweep by itself, with a store of its own below that
        of the whole (``parts/``, or there in the bucket), and may be pickled and run on another machine that sees the
        same recordings; keys are never pickled, but taken from the environment there. Parts keep together to what the
        account may ask, on one machine or on several. Run them, each as often as need be, then :meth:`merge` them.

        The stores of parts are made here, and a part that does not find its own is not run: what it has asked before is
        in it alone. So machines that share no disk need a store on object storage, ``store="s3://..."``; or the folder
        is brought to the same place there, and back when its part has ended for good, and at any time a part is run in
        one place only. A store in memory (``memory://``) cannot be divided.

        Until it is merged, what a part is to ask is asked by nobody else: a run of the whole sweep collects what it
        submitted itself, and leaves the rest. What the whole sweep has asked already is in no part; what a race has
        dropped is.

        Called again before all parts are merged, it gives the same parts.

        Parameters
        ----------
        n : int
            How many.
        budget_usd, budget_minutes : float, optional
            Most that this sweep may spend, as for :meth:`run`. What is left of it is shared out among the parts by what
            each has to send; a part's own ``run(budget_usd=...)`` can only lower its share.

        Returns
        -------
        list of Sweep
            As many as there are parts; some may have nothing to ask.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used; if this is a part, or is divided into another number of parts,
            or is kept in memory.
        StoreError
            If the store cannot be written, or another process is running this sweep.

        Examples
        --------
        >>> parts = sweep.parts(4, budget_usd=20.0)  # doctest: +SKIP
        >>> client.gather(client.map(Sweep.run, parts))  # doctest: +SKIP
        >>> sweep.merge(parts)  # doctest: +SKIP
        <Merged: 4 stores; 9,600 answers and 9,612 attempts taken in>
        """
        _check_whole("n", n, 1)
        Budget(budget_usd, budget_minutes)  # refuses what is no budget
        if self._part is not None:
            raise InvalidInput(f"This is {self._part} of a sweep. Divide the whole sweep into more parts.")
        if getattr(self.source, "protocol", "") == "memory":
            raise InvalidInput(
                f"The stores of parts lie below that of the sweep, and {self.source} is in the memory of this process: "
                "what others are answered would be lost. Name a folder or s3:// as store."
            )
        with self._driven() as store:
            plan = blocking(partial(self._written, store))
            division, parts = divide(self.dataset, self._engines, plan, store, int(n), folder=self.source)
        return [self._as_part(part, *division.budget(part.number, budget_usd, budget_minutes)) for part in parts]

    def merge(self, stores: Iterable[str | Path | Sweep], *, without: Sequence[int] = ()) -> Merged:
        """Take in what parts of this sweep, or the same sweep with another store, were answered.

        Attempts are kept as they were, and what they may have cost counts in budgets. Where two stores have an answer
        to one question, the one that was stored first is kept, and both count as billed. To merge a store again changes
        nothing. A part that was merged sends nothing more: what it had left is asked by the whole sweep, or by new
        parts.

        A part is merged if its own store is, where :meth:`parts` has made it, for that is told there. A copy says
        nothing of what its part may still ask: it is refused as long as that is out, and taken in with ``without=``.
        So is any store with questions that are for a part to ask. A copy that was made while its part was at work may
        hold questions whose outcome is unknown in the copy alone, and stays so.

        On object storage, a part whose process died on another machine can be merged once its lease has lapsed, which
        is waited for, up to two minutes.

        Parameters
        ----------
        stores : iterable of path or Sweep
            Stores, or the parts that wrote them.
        without : sequence of int
            Numbers, from 1, of parts that are lost, or will never be run, also where they cannot see this store. What
            they were to ask is asked by the whole sweep then; what a lost one was answered is asked, and paid for,
            again. Where the own store of one is there, it is merged.

        Returns
        -------
        Merged
            How much is new, and which trials were answered in two stores.

        Raises
        ------
        InvalidInput
            If a store holds questions that this sweep does not ask, of another engine or dataset, or such as a part may
            ask that is out; nothing is taken in.
        StoreError
            If a store is not there, is being run, or cannot be read or written. Merge again: it goes on from there.
        """
        if isinstance(stores, str | Path | Sweep):
            raise InvalidInput("stores= takes a list of stores or parts: merge([...]).")
        sources = [store.source if isinstance(store, Sweep) else located(store) for store in stores]
        if self._part is not None or self.source in sources:
            raise InvalidInput("Stores are merged into that of the whole sweep, and not into their own, or a part's.")
        with self._driven() as store:
            planned = partial(self._written, store)
            return merge(store, self.source, sources, without, dataset=self.dataset, plan=lambda: blocking(planned))

    def replay(self, *, race: RaceRule | None = None) -> None:
        """Make sure that the store or replay has everything this sweep asks, and send nothing.

        Failed and unknown trials are there: they were asked, and their rows say so.

        Parameters
        ----------
        race : Race, optional
            The race that it was run with: settings that were dropped need no answers to what came after.

        Raises
        ------
        InvalidInput
            If the race that is stored began otherwise.
        MissingTrials
            If trials are missing; the message counts them.
        """
        wanted = [
            (str(utt_id), condition.name, repeat)
            for repeat in range(self._repeats)
            for utt_id in self._utterances["utt_id"]
            for condition in self.grid
        ]
        if race is not None:
            utt_ids = self._utterances["utt_id"].tolist()
            blocks = in_random_order(len(utt_ids), len(self.grid), repeats=self._repeats, seed=self._seed)
            order = [(repeat, str(utt_ids[u])) for repeat, u, _ in blocks]
            with self._stored() as store:
                written = goes_on(store.meta(), beginning(race, order, self._askings(store)))
            lost = dropped([] if written is None else written["looks"])
            place = {block: number for number, block in enumerate(order)}
            wanted = [cell for cell in wanted if place[cell[2], cell[0]] < lost.get(cell[1], len(order))]
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
    def _utterances(self) -> pd.DataFrame:
        """Those that are asked about."""
        whole = self.dataset.utterances
        return whole if self._part is None else whole[whole["utt_id"].isin(self._part.utt_ids)]

    @property
    def _only(self) -> frozenset[str] | None:
        return None if self._part is None else self._part.utt_ids

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
        if self._part is not None:
            yield "part", self._part
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
        identity_of = cache(asked_of)
        askings = []
        utterances = [
            (utt_id, {recipe: _digest(under[recipe], utt_id) for recipe in {recipe for _, recipe in asked}}, asked)
            for utt_id, asked in resolve_conditions(self.dataset, self.grid, self._only)
        ]
        for repeat in range(self._repeats):
            for utt_id, digests, asked in utterances:
                for condition, engine, (parameters, recipe) in zip(self.grid, self._asked, asked, strict=True):
                    asking = stored.get((utt_id, condition.name, repeat))
                    if asking is not None:
                        was = identities[asking.trial]
                        audio, identity = digests[recipe] or was.audio, identity_of(engine, was.engine)
                        request = canonical_parameters(engine.sent(parameters))
                        now = Identity(audio, identity, request, repeat).trial
                        askings.append(Asking(utt_id, condition.name, repeat, now, condition.labels))
        return askings

    async def _plan(self, retry: Retry, price_usd_per_s: float | None, executor: Where) -> Plan:
        async with AsyncExitStack() as stack:
            for engine in self._engines:
                if not is_known(engine):
                    await stack.enter_async_context(in_use(engine))
            asked = self.source.suffix == ".jsonl" or is_run(self.source)
            with self._stored() if asked else Store(None) as store:
                return await self._planned(store, self._asked, retry, price_usd_per_s, executor)

    async def _planned(
        self, store: Store, asked: Sequence[Engine], retry: Retry, price_usd_per_s: float | None, executor: Where
    ) -> Plan:
        # On a thread: recordings are read through, and meanwhile an interrupt must be heard.
        if executor is not None:
            await run_sync(self.dataset.learn_facts, executor, abandon_on_cancel=True)
        utterances = await run_sync(resolve, self.dataset, self.grid, self._only, abandon_on_cancel=True)
        return make_plan(
            self.dataset,
            utterances,
            self.grid,
            asked,
            store,
            repeats=self._repeats,
            retry=retry,
            seed=self._seed,
            price_usd_per_s=price_usd_per_s,
            why_left=await run_sync(self._why_left, store, abandon_on_cancel=True),
        )

    def _why_left(self, store: Store) -> Callable[[str, str], str | None]:
        """Tell who else is to ask what this one has not asked."""
        if self._part is not None:
            self._part.check(self.dataset)
            return self._part.why_left
        division = Division.read(store.meta())
        whys = {} if division is None or not division.out else whys_left(self.dataset, division)
        return lambda utt_id, _: whys.get(utt_id)

    @contextmanager
    def _driven(self) -> Iterator[Store]:
        """Open the store to write it, and nobody else asks meanwhile."""
        if self.source.suffix == ".jsonl":
            raise StoreError(f"{self.source} is a replay, which is only read. Name a folder as store.")
        with Store(self.source, create=True) as store:
            if not drives(store):
                raise StoreError(f"Another process is running this sweep ({store.driver()}). Wait until it has ended.")
            yield store

    async def _written(self, store: Store) -> Plan:
        """Plan, and write down what is asked."""
        async with AsyncExitStack() as stack:
            for engine in self._engines:
                if not is_known(engine):
                    await stack.enter_async_context(in_use(engine))
            plan = await self._planned(store, self._asked, None, None, None)
            store.plan(plan.askings, plan.identities, self._facts(store))
        return plan

    def _as_part(self, part: Part, usd: float | None, minutes: float | None) -> Sweep:
        made = copy(self)
        made._part = replace(part, usd=usd, minutes=minutes)
        made.source = place_of(self.source, part.token, part.number, part.of)
        engines = {engine: engine.part(part.number, part.of) for engine in self._engines}
        made._asked = [engines[engine] for engine in self._asked]
        given = self.engine
        made.engine = (
            {label: engines.get(engine, engine) for label, engine in given.items()}
            if isinstance(given, Mapping)
            else engines.get(given, given)
        )
        return made

    def _facts(self, store: Store) -> dict[str, Any]:
        # The run may have been planned last for other conditions, and for another engine.
        meta = store.meta()
        was = canonical_engine(meta.pop("engine", {}))
        known = {engine: json.loads(asked_of(engine, was)) for engine in self._engines}
        meta.pop(DIVIDED, None)
        part = {} if self._part is None else {"part": self._part.facts}
        utterances = self._utterances
        return (
            meta
            | part
            | {
                "engine" if len(known) == 1 else "engines": by_engine(known),
                "dataset": self.dataset.name,
                "utterances": len(utterances),
                "audio_min": round(float(utterances["duration_s"].sum()) / 60, 2),
                "axes": [[axis, labels] for axis, labels in self.grid.axes.items()],
                "repeats": self._repeats,
                "seed": self._seed,
            }
        )


def _digest(dataset: Dataset, utt_id: str) -> str | None:
    """Digest of a recording; None if it is not at hand, which is no reason not to read what was said of it."""
    try:
        return dataset.digest(utt_id)
    except InvalidInput:
        return None


def _least(one: float | None, other: float | None) -> float | None:
    """Give the lower of two limits; None is no limit."""
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _check_whole(name: str, number: object, least: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise InvalidInput(f"{name} must be a whole number from {least}, not {number!r}.")
