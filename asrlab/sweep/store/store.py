"""Stores: what is to be asked, what was asked, and what was answered.

A run is a folder with one SQLite ledger, or lies on object storage (:mod:`asrlab.sweep.store.remote`). What costs money
is written down before it is done: an attempt is committed before its request is sent, and the task id before the task
is first polled. So whenever the process dies, the ledger tells what was answered, what can be collected, and what
nobody knows.

Answers are kept by trial (the hash of everything that can change them), and askings point to trials: two conditions
that come to the same question for an utterance share one answer. Nothing that was sent is ever deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from asrlab.data.places import is_here
from asrlab.errors import StoreError
from asrlab.sweep.store import ledger, log, reads, writes
from asrlab.sweep.store.committer import Committer, Write, commit
from asrlab.sweep.store.driver import Driver
from asrlab.sweep.store.lease import Lease
from asrlab.sweep.store.ledger import Ledger
from asrlab.sweep.store.objects import Objects, located
from asrlab.sweep.store.remote import RUN, RemoteRun
from asrlab.sweep.store.transcripts import transcripts, words
from asrlab.sweep.store.verify import faults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from asrlab.engines.base import Answer
    from asrlab.sweep.identity import Identity
    from asrlab.sweep.store.shapes import Asking, Charge, Intent, Spent, Standing, Unknown


T = TypeVar("T")
_LOOK_S: Final = 0.5


class Store:
    """The ledger of one run.

    Writes of single steps are coroutines, durable when they return; those that come together are committed together.
    Reads may be done by any thread at any time, by other processes too.

    Parameters
    ----------
    source : path or None
        Folder of the run, or its URL on object storage; None for one that is only held in memory, such as a replay.
    create : bool
        It is to be written: make it if it is not there.

    Raises
    ------
    StoreError
        If there is no run, it cannot be opened, or with ``create`` it cannot be written. All methods raise it where the
        ledger cannot be read or written.
    """

    def __init__(self, source: str | Path | None, *, create: bool = False) -> None:
        self._in_memory = source is None
        where = Path("memory") if source is None else located(source)
        self._remote = None if is_here(where) else RemoteRun(where, create=create)
        self.folder = where if self._remote is None else self._remote.folder
        """Where the ledger lies; of a run on object storage, the working copy."""
        self._named = where if self._remote is None else self._remote.named
        with ledger.told(self._named, "opened"):
            self._ledger = (
                Ledger.in_memory() if source is None else Ledger.open(self.folder, create=create and not self._remote)
            )
        self._closed = False
        try:
            if create:
                self._check_writable()
        except StoreError:
            self._ledger.close()
            raise
        told = partial(ledger.fault, self._named, "written")
        if self._remote is None:
            self._committer = Committer(self._ledger.connect, told)
            self._driver: Driver | Lease = Driver(self.folder)
        else:
            self._committer = Committer(self._connect_watched, told, self._remote.append)
            self._driver = Lease(self._remote)
        self._run: int | None = None
        self._turn = threading.RLock()

    @property
    def read_only(self) -> str | None:
        """Why nothing can be written; None if it can."""
        return self._ledger.read_only

    def close(self) -> None:
        """Finish what is being written, let others drive, and close the ledger."""
        self._closed = True
        self._committer.close()
        self._driver.leave()
        self._ledger.close()

    def __enter__(self) -> Self:
        """Give the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the ledger."""
        self.close()

    # Who asks

    def drive(self, waiting: Callable[[float], object] | None = None) -> bool:
        """Become the one process that asks; False if another is. Given back by :meth:`close`.

        Parameters
        ----------
        waiting : callable, optional
            Wait for as long as who drives elsewhere may be dead (:meth:`lapses_in`), and call this meanwhile, twice a
            second, with the seconds for which that may still go on. Who is heard of is not waited for.
        """
        if self._in_memory:
            return True
        while True:
            self._check_writable()
            with ledger.told(self._named, "locked"):
                if self._driver.take():
                    return True
            if waiting is None or (left := self.lapses_in()) is None:
                return False
            waiting(left)
            time.sleep(_LOOK_S)

    def lapses_in(self) -> float | None:
        """In how many seconds who drives is taken for dead, by :meth:`drive`, if nothing is heard of it until then.

        None if it is known to live: it was heard of since it was first seen from here, or is a process of this machine.
        """
        return self._driver.lapses_in() if isinstance(self._driver, Lease) else None

    def driver(self) -> str:
        """Say who asks now, for a message."""
        return str(self._driver)

    # What is to be asked

    def plan(self, askings: Sequence[Asking], identities: Mapping[str, Identity], meta: Mapping[str, Any]) -> None:
        """Write down what is to be asked, before anything is.

        Parameters
        ----------
        askings : sequence of Asking
            In order; an asking of the same utterance, condition and repeat that is there already is replaced.
        identities : mapping
            Trial -> what it is the hash of.
        meta : mapping
            Facts about the sweep, each a JSON value.
        """
        with ledger.no_collection():
            self._write(writes.plan(askings, identities, meta))

    def meta(self) -> dict[str, Any]:
        """Facts about the sweep, as its last plan wrote them."""
        return self._read(reads.meta)

    def askings(self) -> list[Asking]:
        """All askings, in the order in which they were first planned."""
        return self._read(reads.askings)

    def identity(self, trial: str) -> Identity | None:
        """Say what a trial is the hash of; None for one that was never planned."""
        return self._read(partial(reads.identity, trial=trial))

    def identities(self) -> dict[str, Identity]:
        """Trial -> what it is the hash of."""
        return self._read(reads.identities)

    # Runs

    def begin_run(self, facts: Mapping[str, Any]) -> int:
        """Write down that a run begins, and facts about it, each a JSON value; returns its number.

        Attempts that are begun from now on are said to be of this run.
        """
        self._run = self._write(writes.run(time.time(), facts))
        return self._run

    def end_run(self, run: int, outcome: str, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write down that a run ended, and how, and what more is known about it now."""
        self._write(writes.run_end(run, time.time(), outcome, facts))
        self._run = None

    def runs(self) -> list[dict[str, Any]]:
        """All runs in order: ``run``, ``started`` and ``ended`` in Unix seconds, ``outcome``, ``facts``.

        ``ended`` and ``outcome`` are None for one that is at work, or was killed.
        """
        return self._read(reads.runs)

    # What is asked

    async def begin(self, intent: Intent) -> int:
        """Commit that a trial is about to be asked; returns the number of the attempt, from 1.

        Who is cancelled while waiting here has sent nothing, and the intent is withdrawn.

        Raises
        ------
        StoreError
            Also if the trial was never planned, or has its answer.
        """
        write = self._put(writes.begin(intent, self._run))
        try:
            return await _done(write)
        except asyncio.CancelledError:
            with contextlib.suppress(StoreError):
                self._put(writes.withdraw(intent.trial, write))
            raise

    async def withdraw(self, trial: str, attempt: int) -> None:
        """Take back an intent that was surely not accepted."""
        await _done(self._put(writes.withdraw(trial, attempt)))

    async def submitted(self, trial: str, attempt: int, task_id: str, moment: float | None = None) -> None:
        """Commit that a service has taken the question, now or at a moment in Unix seconds."""
        await _done(self._put(writes.submitted(trial, attempt, time.time() if moment is None else moment, task_id)))

    async def answered(self, attempt: int | Intent, trial: str, answer: Answer) -> None:
        """Commit an answer; an intent that was not committed before is with it."""
        await _done(self._put(writes.answered(attempt, trial, time.time(), answer, self._run)))

    async def ended(
        self,
        attempt: int | Intent,
        trial: str,
        state: str,
        *,
        code: str,
        message: str,
        request_id: str | None = None,
    ) -> None:
        """Commit that an attempt ended without an answer.

        Parameters
        ----------
        attempt : int or Intent
            Its number, or an intent that was not committed before and is with this.
        trial : str
            Of which.
        state : {"failed", "unknown", "submitted"}
            ``unknown`` if nobody knows whether it was taken, ``submitted`` if its task goes on.
        code, message : str
            What went wrong.
        request_id : str, optional
            The service's.
        """
        facts = {"code": code, "message": message, "request_id": request_id}
        await _done(self._put(writes.ended(attempt, trial, time.time(), state, self._run, **facts)))

    # What there is

    def standings(self) -> dict[str, Standing]:
        """Say how every trial stands that was ever begun.

        An attempt that was begun and never got further has an unknown outcome as soon as nobody is driving the run: its
        request may have been sent.
        """
        return self._read(reads.standings)

    def unknown(self) -> list[Unknown]:
        """List attempts of which nobody knows whether they were taken, oldest first, superseded ones too."""
        return self._read(reads.unknown)

    def task_ids(self) -> set[str]:
        """Ids of all tasks that were ever submitted for this store."""
        return self._read(reads.task_ids)

    def spent(self, engine: str) -> Spent:
        """Add up every attempt of an engine that may have been billed, whatever its model and region.

        Those that were refused before they were taken are not; of an answered one the larger of what was reserved and
        what the engine says it heard counts, in whole seconds.

        Parameters
        ----------
        engine : str
            Its name.
        """
        return self._read(partial(reads.spent, engine=engine))

    def charges(self) -> list[Charge]:
        """List every attempt that may have been billed, by the rule of :meth:`spent`."""
        return self._read(reads.charges)

    def answered_span(self, engine: str) -> tuple[float, float] | None:
        """When the first and the last of an engine's answers were asked for, in Unix seconds; None if it has none.

        Parameters
        ----------
        engine : str
            Its identity in canonical form.
        """
        return self._read(partial(reads.answered_span, engine=engine))

    def pace(self) -> float | None:
        """How many answers a second came in while it was at work: pauses of over a minute are left out.

        Taken from the latest 10,000; None if there are fewer than 10, or they say nothing.
        """
        return self._read(reads.pace)

    def transcripts(self, askings: Iterable[Asking] | None = None) -> pd.DataFrame:
        """Tell the answer to each asking, one row a channel; askings without an answer have rows without a text.

        Parameters
        ----------
        askings : iterable of Asking, optional
            Those that are told of, in order; all, as they were planned, if not given.

        Returns
        -------
        DataFrame
            A ``transcripts`` table, axes as further columns.
        """
        with self._reading() as db:
            # In the order of the grid, which a JSON object may not keep.
            return transcripts(db, askings, [axis for axis, _ in reads.meta(db).get("axes", [])])

    def words(self, askings: Iterable[Asking] | None = None) -> pd.DataFrame:
        """Tell the words with times in the answer to each asking; answers without word times have none.

        Parameters
        ----------
        askings : iterable of Asking, optional
            Those that are told of, in order; all, as they were planned, if not given.

        Returns
        -------
        DataFrame
            A ``words`` table.
        """
        return self._read(partial(words, askings=askings))

    def raw(self, trial: str) -> Any:  # noqa: ANN401 - any JSON value
        """Give the answer to a trial as it was received.

        Raises
        ------
        StoreError
            Also if it is not there.
        """
        document = self._read(partial(reads.raw, trial=trial))
        if document is None:
            raise StoreError(f"Trial {trial} has no answer as received in {self._named}.")
        return json.loads(document)

    def verify(self) -> list[str]:
        """Derive every id and hash anew, and see that nothing contradicts itself; returns what is wrong."""
        found = self._read(partial(faults, replay=self._in_memory))
        return found if self._remote is None else [*found, *self._remote.faults()]

    # As text, to commit beside a notebook

    def records(self, askings: Iterable[Asking]) -> list[dict[str, Any]]:
        """Give everything known about each asking as JSON values, without raw answers, task ids and links."""
        records = []
        with self._reading() as db:
            for asking in askings:
                record = reads.record(db, asking)
                if record is None:
                    raise StoreError(
                        f"{asking.utt_id} under {asking.condition} was not asked as it would be now: its audio or "
                        "parameters have changed since. Run the sweep first."
                    )
                records.append(record)
        return records

    def restore(
        self, records: Iterable[Mapping[str, Any]], meta: Mapping[str, Any], runs: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        """Take in what :meth:`records`, :meth:`meta` and :meth:`runs` gave."""
        self._write(writes.restore(records, meta, runs))

    def image(self) -> bytes:
        """Give all that a store in memory holds, for :meth:`of`."""
        return self._ledger.reader.serialize()

    @classmethod
    def of(cls, image: bytes) -> Self:
        """Make a store in memory of all that another held."""
        store = cls(None)
        store._ledger.reader.deserialize(image)
        return store

    # How it is done

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        with self._reading() as db:
            return query(db)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Read in one transaction: all of one moment."""
        db = self._ledger.reader
        with self._turn, ledger.told(self._named, "read"), ledger.no_collection():
            if db.in_transaction:  # within another read
                yield db
                return
            db.execute("begin")
            try:
                yield db
            finally:
                if db.in_transaction:
                    db.execute("rollback")

    def _check_writable(self) -> None:
        if self._closed:
            raise StoreError(f"The store of {self._named} was closed. Open it again.")
        if self.read_only is not None:
            raise StoreError(
                f"The run in {self._named} can be read and not written: {self.read_only}. If a process is at work on "
                "it, wait for that; else copy the folder to where it can be written, and go on there."
            )

    def _connect_watched(self) -> sqlite3.Connection:
        """Connect to write to a working copy: what is changed is noted, and what is lost of it is read anew."""
        db = self._ledger.connect()
        db.execute("pragma synchronous = normal")
        log.watch(db)
        return db

    def _check_driving(self) -> None:
        self._check_writable()
        # Whoever wrote here while another drives would throw that one out.
        if self._remote is not None and not self.drive():
            raise StoreError(f"The run at {self._remote.url} is being asked by {self.driver()}. Wait for that.")

    def _put(self, work: Callable[[sqlite3.Connection], T]) -> Write[T]:
        self._check_driving()
        if not self._in_memory:
            return self._committer.put(work)
        write = Write(work)
        self._write_in_memory(write)
        return write

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._check_driving()
        if not self._in_memory:
            return self._committer.write(work)
        write = Write(work)
        self._write_in_memory(write)
        return _result(write)

    def _write_in_memory(self, write: Write[T]) -> None:
        with self._turn:
            commit(self._ledger.reader, [write], partial(ledger.fault, self._named, "written"))


def is_run(source: str | Path) -> bool:
    """Whether there is a run at a path or URL."""
    where = located(source)
    return (where / ledger.LEDGER).is_file() if is_here(where) else Objects(where).read(RUN) is not None


async def _done(write: Write[T]) -> T:
    if write.waiter is None:
        return _result(write)
    return await cast("asyncio.Future[T]", write.waiter)


def _result(write: Write[T]) -> T:
    if write.error is not None:
        raise write.error
    return write.result  # type: ignore[return-value]
