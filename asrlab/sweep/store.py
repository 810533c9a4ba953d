"""Runs on disk: the only module that knows how they lie there.

A run is a folder with one SQLite ledger. What costs money is written down before it is done: an attempt is committed
before its request is sent, and the task id before the task is first polled. So whenever the process dies, the ledger
tells what was answered, what can be collected, and what nobody knows.

Answers are kept by trial (the hash of everything that can change them), and askings point to trials: two conditions
that come to the same question for an utterance share one answer. Nothing is ever deleted.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, overload

import filelock
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from asrlab.engines.base import Answer, Transcript

SCHEMA: Final = 1
_LEDGER: Final = "ledger.sqlite"
_README: Final = """\
This folder is a run of asrlab: the answers of a speech-to-text service to a dataset under several settings.

    ledger.sqlite   every question, every attempt to ask it, every answer (also as received, compressed)

Read it with:  import asrlab; asrlab.open_sweep("PATH OF THIS FOLDER").transcripts
It may be moved as a whole. Deleting it means asking, and paying, again.
"""

_TABLES: Final = """
create table meta (key text primary key, value text not null) strict;
create table trial (trial text primary key, identity text not null) strict;
create table asking (
    utt_id text not null, condition text not null, repeat integer not null, trial text not null references trial,
    labels text not null, position integer not null, primary key (utt_id, condition, repeat)) strict;
create table attempt (
    trial text not null references trial, attempt integer not null, state text not null, begun real not null,
    submitted real, ended real, task_id text, code text, message text, request_id text,
    primary key (trial, attempt)) strict;
create table answer (
    trial text primary key references trial, model text not null, audio_s real, queued_s real, elapsed_s real,
    context_tokens integer, unsupported text not null, request_id text, raw blob) strict;
create table heard (
    trial text not null references trial, place integer not null, channel integer not null, text text not null,
    language text, sentences text not null, primary key (trial, place)) strict;
"""


@dataclass(frozen=True)
class Asking:
    """One cell of a sweep's plan: an utterance under a condition, and the trial that answers it."""

    utt_id: str
    condition: str
    repeat: int
    trial: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """How a trial stands: its state, and what its last attempt left behind.

    Parameters
    ----------
    state : str
        ``answered``, ``failed``, ``unknown``, ``submitted`` or ``not run``.
    attempts : int
        Submits so far.
    task_id : str, optional
        A task whose answer can still be collected.
    """

    state: str = "not run"
    attempts: int = 0
    task_id: str | None = None


class Store:
    """The ledger of one run.

    Parameters
    ----------
    folder : path or None
        Folder of the run; None for one that is only held in memory, such as a replay.
    create : bool
        Make it if it is not there.

    Raises
    ------
    StoreError
        If there is no run, or it cannot be opened.
    """

    def __init__(self, folder: str | Path | None, *, create: bool = False) -> None:
        self.folder = Path("memory" if folder is None else folder)
        ledger = self.folder / _LEDGER
        if folder is not None and not create and not is_run(self.folder):
            raise StoreError(f"There is no run in {self.folder}: it has no {_LEDGER}. Check the path.")
        with self._told("opened"):
            if folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                ":memory:" if folder is None else ledger, timeout=60, isolation_level=None, check_same_thread=False
            )
            self._db.execute("pragma foreign_keys = on")
            self._db.execute("pragma journal_mode = wal")
            # A task id that is lost is money lost, so each commit waits for the disk.
            self._db.execute("pragma synchronous = full")
            self._prepare(on_disk=folder is not None)

    def _prepare(self, *, on_disk: bool) -> None:
        (version,) = self._db.execute("pragma user_version").fetchone()
        if version == 0:
            with self._transaction():
                if self._db.execute("pragma user_version").fetchone() == (0,):  # none was quicker
                    for statement in _TABLES.split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"pragma user_version = {SCHEMA}")
            readme = self.folder / "README.txt"
            if on_disk and not readme.exists():
                readme.write_text(_README, encoding="utf-8", newline="\n")
        elif version != SCHEMA:
            raise StoreError(
                f"{self.folder} was written in store format {version}; this asrlab reads format {SCHEMA}. Use the "
                "version of asrlab that wrote it."
            )

    def close(self) -> None:
        """Close the ledger; the journal is folded into it."""
        self._db.close()

    def __enter__(self) -> Self:
        """Give the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the ledger."""
        self.close()

    @contextlib.contextmanager
    def driving(self) -> Iterator[None]:
        """Be the only process that asks for this run.

        Raises
        ------
        StoreError
            If another process is asking for it.
        """
        lock = filelock.FileLock(self.folder / "driver.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise StoreError(
                f"Another process is running the sweep in {self.folder}. Wait for it, or stop it; reading "
                "open_sweep(...).transcripts is possible meanwhile."
            ) from None
        except OSError as error:
            raise self._fault("locked", error) from error
        try:
            yield
        finally:
            lock.release()

    # What is to be asked

    def plan(self, askings: Sequence[Asking], identities: Mapping[str, str], meta: Mapping[str, Any]) -> None:
        """Write down what is to be asked, before anything is.

        Parameters
        ----------
        askings : sequence of Asking
            In order; an asking of the same utterance, condition and repeat that is there already is replaced.
        identities : mapping
            Trial -> its canonical identity, which the trial is the hash of.
        meta : mapping
            Facts about the sweep, each a JSON value.
        """
        with self._told("written"), self._transaction():
            self._db.executemany("insert or ignore into trial values (?, ?)", identities.items())
            (last,) = self._db.execute("select coalesce(max(position), -1) from asking").fetchone()
            self._db.executemany(
                "insert into asking values (?, ?, ?, ?, ?, ?) on conflict (utt_id, condition, repeat) do update set"
                " trial = excluded.trial, labels = excluded.labels",
                (
                    (a.utt_id, a.condition, a.repeat, a.trial, _json(a.labels), position)
                    for position, a in enumerate(askings, last + 1)
                ),
            )
            self._db.executemany(
                "insert or replace into meta values (?, ?)", ((key, _json(value)) for key, value in meta.items())
            )

    def meta(self) -> dict[str, Any]:
        """Facts about the sweep, as its last plan wrote them."""
        return {key: json.loads(value) for key, value in self._db.execute("select key, value from meta order by key")}

    def identities(self) -> dict[str, str]:
        """Trial -> its canonical identity."""
        return dict(self._db.execute("select trial, identity from trial"))

    def askings(self) -> list[Asking]:
        """All askings, in the order in which they were first planned."""
        rows = self._db.execute("select utt_id, condition, repeat, trial, labels from asking order by position")
        return [Asking(utt_id, name, repeat, trial, json.loads(labels)) for utt_id, name, repeat, trial, labels in rows]

    # What was asked

    def begin(self, trial: str) -> int:
        """Commit that a trial is about to be asked; returns the number of the attempt, from 1."""
        with self._told("written"), self._transaction():
            (attempt,) = self._db.execute(
                "select coalesce(max(attempt), 0) + 1 from attempt where trial = ?", (trial,)
            ).fetchone()
            self._db.execute(
                "insert into attempt (trial, attempt, state, begun) values (?, ?, 'begun', ?)",
                (trial, attempt, time.time()),
            )
        return int(attempt)

    def submitted(self, trial: str, attempt: int, task_id: str) -> None:
        """Commit that a service has taken the question."""
        self._update(trial, attempt, "submitted", "submitted", task_id=task_id)

    def answered(self, trial: str, attempt: int, answer: Answer) -> None:
        """Commit an answer."""
        summary = (
            trial,
            _storable(answer.model),
            answer.audio_s,
            answer.queued_s,
            answer.elapsed_s,
            answer.context_tokens,
            _storable(",".join(answer.unsupported)),
            _storable(answer.request_id),
            # As received: a number that JSON does not have is no reason to lose an answer that was paid for.
            zlib.compress(_storable(json.dumps(answer.raw, ensure_ascii=False)).encode()),
        )
        heard = [
            (trial, place, t.channel, _storable(t.text), _storable(t.language), _json(_sentences(t)))
            for place, t in enumerate(answer.transcripts)
        ]
        with self._told("written"), self._transaction():
            self._db.execute("insert into answer values (?, ?, ?, ?, ?, ?, ?, ?, ?)", summary)
            self._db.executemany("insert into heard values (?, ?, ?, ?, ?, ?)", heard)
            self._end(trial, attempt, "answered", request_id=answer.request_id)

    def ended(
        self, trial: str, attempt: int, state: str, *, code: str, message: str, request_id: str | None = None
    ) -> None:
        """Commit that an attempt ended without an answer: ``failed``, or ``unknown`` where nobody knows."""
        with self._told("written"), self._transaction():
            self._end(trial, attempt, state, code=code, message=message, request_id=request_id)

    def _update(self, trial: str, attempt: int, state: str, moment: str, **facts: str | None) -> None:
        with self._told("written"):
            names = "".join(f", {name} = ?" for name in facts)
            self._db.execute(
                f"update attempt set state = ?, {moment} = ?{names} where trial = ? and attempt = ?",  # noqa: S608
                (state, time.time(), *map(_storable, facts.values()), trial, attempt),
            )

    def _end(self, trial: str, attempt: int, state: str, **facts: str | None) -> None:
        self._update(trial, attempt, state, "ended", **facts)

    # What there is

    def standings(self) -> dict[str, Standing]:
        """Say how every trial stands that was ever begun.

        An attempt that was begun and never got further has an unknown outcome as soon as nobody is driving the run: its
        request may have been sent.
        """
        rows = self._db.execute(
            "select trial, state, attempt, task_id from attempt a where attempt ="
            " (select max(attempt) from attempt b where b.trial = a.trial)"
        )
        return {
            trial: Standing(
                "unknown" if state == "begun" else state, attempts, task_id if state == "submitted" else None
            )
            for trial, state, attempts, task_id in rows
        }

    def unresolved(self) -> set[str]:
        """Digests of the recordings of which a submit's outcome is unknown."""
        identities = self.identities()
        unknown = (trial for trial, standing in self.standings().items() if standing.state == "unknown")
        return {json.loads(identities[trial])["audio"] for trial in unknown}

    def task_ids(self) -> set[str]:
        """Ids of all tasks that were ever submitted for this store."""
        return {task_id for (task_id,) in self._db.execute("select task_id from attempt where task_id is not null")}

    def transcripts(self, askings: Iterable[Asking]) -> pd.DataFrame:
        """Tell the answer to each asking, one row a channel; askings without an answer have one row without a text.

        Returns
        -------
        DataFrame
            A ``transcripts`` table, axes as further columns.
        """
        answers = {row[0]: row[1:] for row in self._db.execute(_ANSWERS)}
        attempts = {row[0]: row[1:] for row in self._db.execute(_LAST_ATTEMPTS)}
        heard: dict[str, list[tuple[int, str, str | None]]] = {}
        for trial, channel, text, language in self._db.execute(
            "select trial, channel, text, language from heard order by trial, place"
        ):
            heard.setdefault(trial, []).append((channel, text, language))
        identities = {trial: json.loads(identity) for trial, identity in self.identities().items()}
        rows: list[dict[str, Any]] = []
        for asking in askings:
            state, attempt, submitted, code, message, request_id = attempts.get(asking.trial, _NOT_RUN)
            identity = identities.get(asking.trial, {"engine": {}, "parameters": {"channel_id": [0]}})
            row = {
                "trial": asking.trial,
                "utt_id": asking.utt_id,
                "condition": asking.condition,
                "repeat": asking.repeat,
                "state": "unknown" if state == "begun" else state,
                "submitted_at": None if submitted is None else _iso(submitted),
                "attempts": attempt,
                "error_code": code,
                "error": message,
                "engine": identity["engine"].get("engine"),
                "model": identity["engine"].get("model"),
                "region": identity["engine"].get("region"),
                "request_id": request_id,
                **asking.labels,
            }
            if asking.trial in answers:
                names = ("model", "audio_s", "queued_s", "elapsed_s", "context_tokens", "unsupported")
                row |= dict(zip(names, answers[asking.trial], strict=True))
                row["unsupported"] = row["unsupported"] or None
                for channel, text, language in heard.get(asking.trial, []):
                    rows.append({**row, "channel": channel, "text": text, "detected_language": language})
            else:
                rows += [{**row, "channel": channel} for channel in identity["parameters"]["channel_id"]]
        schema = tables.SCHEMAS["transcripts"]
        # In the order of the grid, which a JSON object may not keep.
        planned = [axis for axis, _ in self.meta().get("axes", [])]
        axes = dict.fromkeys([*planned, *(name for row in rows for name in row if name not in schema)])
        frame = pd.DataFrame(
            {
                name: pd.Series([row.get(name) for row in rows], dtype=pd.api.types.pandas_dtype(dtype))
                for name, dtype in [*((n, d) for n, (d, _) in schema.items()), *((axis, "string") for axis in axes)]
            }
        )
        return tables.check(frame, "transcripts")

    # As text, to commit beside a notebook

    def records(self, askings: Iterable[Asking]) -> Iterator[dict[str, Any]]:
        """Give everything known about each asking as JSON values, without the raw answers."""
        identities = self.identities()
        for asking in askings:
            if asking.trial not in identities:
                raise StoreError(
                    f"{asking.utt_id} under {asking.condition} was not asked as it would be now: its audio or "
                    "parameters have changed since. Run the sweep first."
                )
            record: dict[str, Any] = {
                "utt_id": asking.utt_id,
                "condition": asking.condition,
                "repeat": asking.repeat,
                "labels": dict(asking.labels),
                "trial": asking.trial,
                "identity": json.loads(identities[asking.trial]),
            }
            for table, columns in _RECORDED.items():
                rows = self._db.execute(
                    f"select {', '.join(columns)} from {table} where trial = ? order by {columns[0]}",  # noqa: S608
                    (asking.trial,),
                )
                record[table] = [dict(zip(columns, row, strict=True)) for row in rows]
            for heard in record["heard"]:
                heard["sentences"] = json.loads(heard["sentences"])
            yield record

    def restore(self, records: Iterable[Mapping[str, Any]], meta: Mapping[str, Any]) -> None:
        """Take in what :meth:`records` gave."""
        records = list(records)
        askings = [Asking(r["utt_id"], r["condition"], r["repeat"], r["trial"], r["labels"]) for r in records]
        self.plan(askings, {r["trial"]: _json(r["identity"]) for r in records}, meta)
        with self._told("written"), self._transaction():
            for record in {r["trial"]: r for r in records}.values():
                for table, columns in _RECORDED.items():
                    # Column names are ours and never the file's: it may come from anyone.
                    marks = ", ".join("?" * (1 + len(columns)))
                    self._db.executemany(
                        f"insert into {table} (trial, {', '.join(columns)}) values ({marks})",  # noqa: S608
                        ((record["trial"], *(_column(row[name]) for name in columns)) for row in record[table]),
                    )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._fault(what, error) from error

    def _fault(self, what: str, error: Exception) -> StoreError:
        return StoreError(
            f"The run in {self.folder} could not be {what}: {error}. What was stored before is safe. Check that the "
            "disk has room and that the folder may be written, then run again."
        )


_RECORDED: Final = {
    "attempt": ("attempt", "state", "begun", "submitted", "ended", "code", "message", "request_id"),
    "answer": ("model", "audio_s", "queued_s", "elapsed_s", "context_tokens", "unsupported", "request_id"),
    "heard": ("place", "channel", "text", "language", "sentences"),
}
_NOT_RUN: Final = ("not run", 0, None, None, None, None)
_ANSWERS: Final = "select trial, model, audio_s, queued_s, elapsed_s, context_tokens, unsupported from answer"
_LAST_ATTEMPTS: Final = (
    "select trial, state, attempt, coalesce(submitted, begun), code, message, request_id from attempt a"
    " where attempt = (select max(attempt) from attempt b where b.trial = a.trial)"
)


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run."""
    return (folder / _LEDGER).is_file()


def _sentences(transcript: Transcript) -> list[dict[str, Any]]:
    return [
        {
            "begin_ms": s.begin_ms,
            "end_ms": s.end_ms,
            "text": s.text,
            "language": s.language,
            "words": [[w.begin_ms, w.end_ms, w.text, w.punctuation] for w in s.words],
        }
        for s in transcript.sentences
    ]


def _column(value: Any) -> Any:  # noqa: ANN401 - any JSON value, to what a column takes
    return _json(value) if isinstance(value, list) else value


@overload
def _storable(text: str) -> str: ...
@overload
def _storable(text: None) -> None: ...
@overload
def _storable(text: str | None) -> str | None: ...
def _storable(text: str | None) -> str | None:
    """Replace halves of surrogate pairs, which JSON can hold and UTF-8 cannot."""
    if text is None:
        return None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    try:
        return _storable(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"What is to be stored is not a JSON value: {error}.") from error
