"""Whether a ledger still says what was written: ids and hashes derived anew, and states that must fit together."""

from __future__ import annotations

import sqlite3
import zlib
from typing import TYPE_CHECKING, Final

from asrlab.sweep.identity import Identity
from asrlab.sweep.store.answers import sha256_of
from asrlab.sweep.store.schema import read_answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMED: Final = 100
"""Faults of one kind that are named; the rest is counted."""

#: What must not be found, as queries of a trial and of what is said of it.
_CONTRADICTIONS: Final = (
    "select t.trial, 'has an answer, and no attempt that ended in it' from answer a join trial t on t.id = a.trial"
    " where not exists (select 1 from attempt b where b.trial = a.trial and b.state = 'answered')",
    "select t.trial, 'has an attempt that was answered, and no answer' from attempt b join trial t on t.id = b.trial"
    " where b.state = 'answered' and not exists (select 1 from answer a where a.trial = b.trial)",
    "select t.trial, 'was asked again after it was answered' from attempt b join trial t on t.id = b.trial"
    " where b.state = 'answered' and exists"
    " (select 1 from attempt c where c.trial = b.trial and c.attempt > b.attempt)",
    "select t.trial, 'lacks attempts: it has ' || count(*) || ' and the last is number ' || max(b.attempt)"
    " from attempt b join trial t on t.id = b.trial group by b.trial"
    " having count(*) <> max(b.attempt) or min(b.attempt) <> 1",
    "select t.trial, 'is submitted, at no time' from attempt b join trial t on t.id = b.trial"
    " where b.submitted is null and (b.state = 'submitted' or b.task_id is not null)",
    "select t.trial, 'has an attempt that ended as ' || b.state || ' at no time' from attempt b"
    " join trial t on t.id = b.trial where b.state in ('answered', 'failed', 'unknown') and b.ended is null",
    "select t.trial, 'is pointed to as the answer to another repeat' from asking a join trial t on t.id = a.trial"
    " where a.repeat <> t.repeat",
    "select min(t.trial), 'shares the task ' || b.task_id || ' with another trial' from attempt b"
    " join trial t on t.id = b.trial where b.task_id is not null group by b.task_id"
    " having count(distinct b.trial) > 1",
)
#: The same of what a replay does not keep.
_NOT_IN_REPLAYS: Final = (
    "select t.trial, 'was submitted and has no task id' from attempt b join trial t on t.id = b.trial"
    " where b.submitted is not null and b.task_id is null",
)


def faults(db: sqlite3.Connection, *, replay: bool) -> list[str]:
    """Find what is wrong with a ledger, a sentence each.

    Parameters
    ----------
    db : Connection
        In one transaction.
    replay : bool
        Whether it comes from a replay, which keeps neither task ids nor answers as received.
    """
    found: list[str] = []
    for check in (_structure, _trials, _answers, _contradictions, *([] if replay else [_raw, _tasks])):
        of_kind: list[str] = []
        try:
            of_kind.extend(check(db))
        except (sqlite3.Error, zlib.error, ValueError, KeyError, TypeError) as error:
            of_kind.append(f"The ledger cannot be read through: {type(error).__name__} {error}.")
        found += of_kind[:_NAMED]
        if len(of_kind) > _NAMED:
            found.append(f"{len(of_kind) - _NAMED} more like the last.")
    return found


def _structure(db: sqlite3.Connection) -> Iterator[str]:
    for (said,) in db.execute("pragma integrity_check"):
        if said != "ok":
            yield f"SQLite: {said}."
    for table, _, other, _ in db.execute("pragma foreign_key_check"):
        yield f"A row of {table} points to a row of {other} that is not there."


def _trials(db: sqlite3.Connection) -> Iterator[str]:
    for trial, *parts in db.execute(
        "select t.trial, r.name, e.name, p.name, t.repeat, t.recipe from trial t join recording r on r.id = t.recording"
        " join engine e on e.id = t.engine join parameters p on p.id = t.parameters"
    ):
        if (derived := Identity(*parts).trial) != trial:
            yield f"Trial {trial} is not the hash of its parts, which is {derived}."


def _answers(db: sqlite3.Connection) -> Iterator[str]:
    ids = dict(db.execute("select id, trial from trial"))
    hashes = dict(db.execute("select trial, sha256 from answer"))
    for row, answer in read_answers(db):
        if (found := answer.sha256(ids[row])) != hashes[row]:
            yield f"The answer to trial {ids[row]} is not what was stored: its hash is {found}."


def _raw(db: sqlite3.Connection) -> Iterator[str]:
    for trial, sha256, packed in db.execute(
        "select t.trial, a.raw_sha256, r.json_zlib from answer a join trial t on t.id = a.trial"
        " left join raw r on r.trial = a.trial"
    ):
        try:
            found = None if packed is None else sha256_of(zlib.decompress(packed))
        except zlib.error as error:
            yield f"The answer to trial {trial} as received cannot be unpacked: {error}."
            continue
        if found != sha256:
            yield f"The answer to trial {trial} as received is {'missing' if found is None else 'not what was stored'}."


def _contradictions(db: sqlite3.Connection) -> Iterator[str]:
    yield from _found(db, _CONTRADICTIONS)


def _tasks(db: sqlite3.Connection) -> Iterator[str]:
    yield from _found(db, _NOT_IN_REPLAYS)


def _found(db: sqlite3.Connection, queries: Iterable[str]) -> Iterator[str]:
    for query in queries:
        for trial, said in db.execute(query):
            yield f"Trial {trial} {said}."
