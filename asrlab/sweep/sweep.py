"""Sweeps: the object a notebook holds, to plan, run and read."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anyio.from_thread import start_blocking_portal

from asrlab import tables
from asrlab.errors import InvalidInput, MissingTrials, StoreError
from asrlab.folders import is_set
from asrlab.sweep.plan import Plan, check_retry, identity, make_plan, trial_of
from asrlab.sweep.progress import Progress, reporter
from asrlab.sweep.replay import read_replay, write_replay
from asrlab.sweep.runner import run_jobs
from asrlab.sweep.store import Store, is_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import pandas as pd

    from asrlab.data.dataset import Dataset
    from asrlab.engines.base import Engine
    from asrlab.sweep.grid import Conditions
    from asrlab.sweep.plan import Retry
    from asrlab.sweep.store import Asking

_CONCURRENCY: Final = 8

T = TypeVar("T")


class Answers:
    """A sweep that was asked, to be read; made by :func:`open_sweep`.

    Parameters
    ----------
    source : path
        Folder of a run, or a replay (``.jsonl``).
    dataset : Dataset, optional
        What was asked about: needed to listen, not to read.
    """

    def __init__(self, source: str | Path, dataset: Dataset | None = None) -> None:
        self.source = Path(source)
        self.dataset = dataset

    @property
    def transcripts(self) -> pd.DataFrame:
        """The ``transcripts`` table: one row an asking and channel, axes as further columns.

        Ordered by repeat, then utterance and condition as they were planned. Failed, unknown and not yet answered
        askings have a row too, with their ``state``, and no text.
        """
        with self._stored() as store:
            return store.transcripts(self._askings(store))

    @property
    def failures(self) -> pd.DataFrame:
        """The rows of :attr:`transcripts` that have no answer though they were asked, with code and message."""
        frame = self.transcripts
        return frame[frame["state"].isin(["failed", "unknown", "submitted"])].reset_index(drop=True)

    @property
    def conditions(self) -> pd.DataFrame:
        """The ``conditions`` table: name, and the label on each axis."""
        frame = self.transcripts
        axes = [name for name in frame.columns if name not in tables.SCHEMAS["transcripts"]]
        return frame[["condition", *axes]].drop_duplicates("condition").reset_index(drop=True)

    @property
    def about(self) -> dict[str, str]:
        """What was asked of what, by what: facts for a report."""
        with self._stored() as store:
            meta = store.meta()
        axes = {axis: ", ".join(labels) for axis, labels in meta.pop("axes", [])}
        return {name: _plain(value) for name, value in {**meta, **axes}.items()}

    def save_replay(self, path: str | Path) -> Path:
        """Write the sweep as one text file, to commit beside a notebook.

        Parameters
        ----------
        path : path
            A ``.jsonl`` file; replaced if it is there. :func:`open_sweep` reads it.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        with self._stored() as store:
            return write_replay(path, store, self._askings(store), store.meta())

    def __repr__(self) -> str:
        if not self.source.is_file() and not is_run(self.source):
            return f"<{type(self).__name__} {self.source.name}: nothing asked>"
        states = self.transcripts.drop_duplicates(["utt_id", "condition", "repeat"])["state"].value_counts()
        counts = ", ".join(f"{n} {state}" for state, n in states.items()) or "nothing asked"
        return f"<{type(self).__name__} {self.source.name}: {counts}>"

    def _stored(self) -> Store:
        return read_replay(self.source) if self.source.suffix == ".jsonl" else Store(self.source)

    def _askings(self, store: Store) -> Sequence[Asking]:
        return store.askings()


class Sweep(Answers):
    """A dataset, asked about under conditions, with every answer kept.

    Parameters
    ----------
    dataset : Dataset
        What is asked about.
    engine : Engine
        What is asked; see :func:`asrlab.engine`.
    conditions : Conditions
        Settings; see :func:`asrlab.grid`.
    store : path
        Folder of the run. One that holds answers already is continued: what is stored is not asked again.
    repeats : int
        How often each question is asked; the answers of a service may differ.
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
        engine: Engine,
        conditions: Conditions,
        *,
        store: str | Path,
        repeats: int = 1,
        seed: int = 0,
    ) -> None:
        if repeats < 1:
            raise InvalidInput(f"repeats must be at least 1, not {repeats}.")
        super().__init__(store, dataset)
        self.engine = engine
        self.grid = conditions
        self._repeats = repeats
        self._seed = seed

    def plan(self, *, retry: Retry = None) -> Plan:
        """Say what a run would send, before anything is sent.

        Parameters
        ----------
        retry : {None, "failed", "unknown"}
            As for :meth:`run`.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used.
        """
        check_retry(retry)
        return _blocking(partial(self._plan, retry))

    def run(
        self,
        *,
        retry: Retry = None,
        concurrency: int = _CONCURRENCY,
        progress: bool | Callable[[Progress], None] = True,
    ) -> None:
        """Send what the store lacks, and keep what comes back.

        May be interrupted anywhere, and run again: answers that are stored are not asked for again, tasks that were
        submitted are collected. With ``ASRLAB_OFFLINE=1`` nothing is sent.

        Parameters
        ----------
        retry : {None, "failed", "unknown"}
            Which trials that ended without an answer are sent again. On an engine that costs nothing, unknown outcomes
            always are.
        concurrency : int
            How many trials are under way at once.
        progress : bool or callable
            Show progress; or call this with it.

        Raises
        ------
        InvalidInput
            If a recording or parameter cannot be used; nothing was sent.
        ServiceError
            If the account or key is refused.
        StoreError
            If an answer cannot be stored, or another process is running this sweep.
        MissingTrials
            If nothing may be sent and the store lacks answers.
        """
        if concurrency < 1:
            raise InvalidInput(f"concurrency must be at least 1, not {concurrency}.")
        check_retry(retry)
        if is_set("ASRLAB_OFFLINE"):
            self._complain_if_incomplete()
            return
        if self.source.suffix == ".jsonl":
            raise StoreError(f"{self.source} is a replay, which is only read. Name a folder as store to ask anew.")
        report = progress if callable(progress) else reporter() if progress else lambda _: None
        _blocking(partial(self._run, retry, concurrency, report))

    def _askings(self, store: Store) -> Sequence[Asking]:
        """Those of the stored askings that are this sweep's, in its order.

        An asking whose audio or parameters have changed since points to the trial it would be now, so that the answer
        to another question is never taken for its own.
        """
        stored = {(a.utt_id, a.condition, a.repeat): a for a in store.askings()}
        identities = store.identities()
        askings = []
        for repeat in range(self._repeats):
            for _, utterance in self.dataset.utterances.iterrows():
                for condition in self.grid:
                    asking = stored.get((str(utterance["utt_id"]), condition.name, repeat))
                    if asking is not None:
                        engine = json.loads(identities[asking.trial])["engine"]
                        digest = self.dataset.digest(asking.utt_id)
                        now = trial_of(identity(digest, engine, condition.parameters(utterance), repeat))
                        askings.append(replace(asking, trial=now))
        return askings

    async def _plan(self, retry: Retry) -> Plan:
        async with self.engine:
            if self.source.suffix == ".jsonl" or is_run(self.source):
                with self._stored() as store:
                    return self._planned(store, retry)
            with Store(None) as nothing:
                return self._planned(nothing, retry)

    def _planned(self, store: Store, retry: Retry) -> Plan:
        return make_plan(
            self.dataset,
            self.grid,
            self.engine.identity,
            store,
            free=self.engine.free,
            repeats=self._repeats,
            retry=retry,
            seed=self._seed,
        )

    async def _run(self, retry: Retry, concurrency: int, report: Callable[[Progress], None]) -> None:
        with Store(self.source, create=True) as store, store.driving():
            async with self.engine:
                plan = self._planned(store, retry)
                store.plan(plan.askings, plan.identities, self._meta())
                stored = plan.table.loc[plan.table["why"] == "stored", "trial"].nunique()
                progress = Progress(len(plan.jobs), stored=stored)
                await run_jobs(plan.jobs, self.engine, store, progress, report, concurrency=concurrency)

    def _complain_if_incomplete(self) -> None:
        utt_ids = self.dataset.utterances["utt_id"]
        wanted = [(u, c.name, repeat) for repeat in range(self._repeats) for u in utt_ids for c in self.grid]
        frame = self.transcripts
        answered = frame[frame["state"] == "answered"]
        there = set(zip(answered["utt_id"], answered["condition"], answered["repeat"], strict=True))
        if missing := [cell for cell in wanted if cell not in there]:
            named = "; ".join(f"{utt_id} under {condition}" for utt_id, condition, _ in missing[:3])
            raise MissingTrials(
                f"ASRLAB_OFFLINE is set, so nothing is sent, and {self.source} lacks {len(missing)} of {len(wanted)} "
                f"answers: {named}{' ...' if len(missing) > 3 else ''}. Unset it to ask for them."
            )

    def _meta(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset.name,
            "utterances": len(self.dataset),
            "audio_min": round(float(self.dataset.utterances["duration_s"].sum()) / 60, 2),
            "engine": dict(self.engine.identity),
            "axes": [[axis, labels] for axis, labels in self.grid.axes.items()],
            "repeats": self._repeats,
            "seed": self._seed,
            "asrlab": version("asrlab"),
            "python": platform.python_version(),
        }


def open_sweep(source: str | Path, dataset: Dataset | None = None) -> Answers:
    """Open a sweep that was asked, to read it.

    Parameters
    ----------
    source : path
        Folder of a run, or a replay (``.jsonl``).
    dataset : Dataset, optional
        What was asked about, to listen to it in :func:`asrlab.explore`.

    Raises
    ------
    StoreError
        If there is no run.

    Examples
    --------
    >>> open_sweep("notebooks/replays/dictation.jsonl").transcripts  # doctest: +SKIP
    """
    answers = Answers(source, dataset)
    if not answers.source.exists():
        raise StoreError(f"There is no run at {answers.source}. Check the path.")
    return answers


def _blocking(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function on a thread with an event loop of its own: a notebook's loop is running already."""
    with start_blocking_portal() as portal:
        return portal.call(work)


def _plain(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
