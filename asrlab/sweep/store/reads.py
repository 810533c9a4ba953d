"""What is read from a ledger, a query or two each, within one transaction of the caller's."""

from __future__ import annotations

import json
import math
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from asrlab.sweep.identity import Identity
from asrlab.sweep.store.schema import ATTEMPT_FACTS, read_answers
from asrlab.sweep.store.shapes import Asking, Charge, Spent, Standing, Unknown

if TYPE_CHECKING:
    import sqlite3

_PAUSE_S: Final = 60.0
_PACE_ANSWERS: Final = 10
_PACE_LATEST: Final = 10_000
_IDENTITIES: Final = (
    "select t.trial, r.name, e.name, p.name, t.repeat, t.recipe from trial t join recording r on r.id = t.recording"
    " join engine e on e.id = t.engine join parameters p on p.id = t.parameters"
)
#: Attempts that may have been billed: all but those that were refused before they were taken.
_BILLED: Final = (
    "from attempt b left join answer a on a.trial = b.trial join trial t on t.id = b.trial"
    " join engine e on e.id = t.engine where (b.state <> 'failed' or b.submitted is not null)"
)
_HEARD_S: Final = "iif(b.state = 'answered', a.audio_s, null)"


def meta(db: sqlite3.Connection) -> dict[str, Any]:
    """Read the facts about the sweep."""
    facts = {key: json.loads(value) for key, value in db.execute("select key, value from meta order by key")}
    for axis, levels in facts.get("axes", []):
        if not (isinstance(axis, str) and isinstance(levels, list) and all(isinstance(level, str) for level in levels)):
            raise ValueError(f"the axis {axis!r} has no list of labels")
    return facts


def askings(db: sqlite3.Connection) -> list[Asking]:
    """Read all askings, as they were first planned."""
    labels = {name: _object(text) for name, text in db.execute("select name, labels from condition")}
    return [
        Asking(utt_id, condition, repeat, trial, labels[condition])
        for utt_id, condition, repeat, trial in db.execute(
            "select u.name, c.name, a.repeat, t.trial from asking a join utterance u on u.id = a.utterance"
            " join condition c on c.id = a.condition join trial t on t.id = a.trial order by a.position"
        )
    ]


def identity(db: sqlite3.Connection, trial: str) -> Identity | None:
    """Read what a trial is the hash of."""
    row = db.execute(f"{_IDENTITIES} where t.trial = ?", (trial,)).fetchone()
    return None if row is None else Identity(*row[1:])


def identities(db: sqlite3.Connection) -> dict[str, Identity]:
    """Read what each trial is the hash of."""
    # Those of a run share few texts of engines and parameters; SQLite gives each time a new one.
    kept: dict[str, str] = {}
    return {
        trial: Identity(kept.setdefault(audio, audio), kept.setdefault(engine, engine),
                        kept.setdefault(parameters, parameters), repeat, recipe)
        for trial, audio, engine, parameters, repeat, recipe in db.execute(_IDENTITIES)
    }  # fmt: skip


def runs(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Read all runs in order."""
    names = ("run", "started", "ended", "outcome", "facts")
    rows = db.execute("select run, started, ended, outcome, facts from run order by run")
    return [{**dict(zip(names, row, strict=True)), "facts": _object(row[-1])} for row in rows]


def standings(db: sqlite3.Connection) -> dict[str, Standing]:
    """Read how every trial stands that was ever begun."""
    return {
        trial: Standing(state, attempts, task_id, submitted)
        for trial, state, attempts, task_id, submitted in db.execute(
            "select t.trial, l.state, l.attempts, l.task_id, l.submitted from"
            " (select trial, max(attempt) attempts, iif(state = 'begun', 'unknown', state) state,"
            " iif(state = 'submitted', task_id, null) task_id, submitted from attempt group by trial) l"
            " join trial t on t.id = l.trial"
        )
    }


def unknown(db: sqlite3.Connection) -> list[Unknown]:
    """Read the attempts of which nobody knows whether they were taken, oldest first."""
    return [
        Unknown(*row)
        for row in db.execute(
            "select t.trial, a.attempt, r.name, a.link, a.begun, a.ended from attempt a"
            " join trial t on t.id = a.trial join recording r on r.id = t.recording"
            " where a.state in ('begun', 'unknown') and a.task_id is null order by a.begun"
        )
    ]


def task_ids(db: sqlite3.Connection) -> set[str]:
    """Read the ids of all tasks."""
    return {task_id for (task_id,) in db.execute("select task_id from attempt where task_id is not null")}


def spent(db: sqlite3.Connection, engine: str) -> Spent:
    """Add up every attempt of an engine that may have been billed."""
    rows = db.execute(
        f"select b.reserved_s, {_HEARD_S}, b.usd_per_s, count(*) {_BILLED} and json_extract(e.name, '$.engine') = ?"
        " group by 1, 2, 3",
        (engine,),
    )
    seconds = [(count * (_billed_s(reserved, heard) or 0), price) for reserved, heard, price, count in rows]
    return Spent(math.fsum(s for s, _ in seconds), math.fsum(s * price for s, price in seconds))


def charges(db: sqlite3.Connection) -> list[Charge]:
    """Read every attempt that may have been billed."""
    rows = db.execute(f"select t.trial, e.name, b.begun, b.reserved_s, {_HEARD_S}, b.usd_per_s {_BILLED}")
    return [
        Charge(trial, engine, begun, _billed_s(reserved, heard), price)
        for trial, engine, begun, reserved, heard, price in rows
    ]


def _billed_s(reserved_s: int, heard_s: float | None) -> int | None:
    """Give the larger of what was reserved and what was heard; None of a length that was never known."""
    if heard_s is not None and math.isfinite(heard_s):
        return max(reserved_s, math.ceil(heard_s))
    return reserved_s or None


def answered_span(db: sqlite3.Connection, engine: str) -> tuple[float, float] | None:
    """Read when the first and the last answer of an engine were asked for."""
    first, last = db.execute(
        "select min(coalesce(submitted, begun)), max(coalesce(submitted, begun)) from attempt b"
        " join trial t on t.id = b.trial join engine e on e.id = t.engine where b.state = 'answered' and e.name = ?",
        (engine,),
    ).fetchone()
    return None if first is None else (first, last)


def pace(db: sqlite3.Connection) -> float | None:
    """Work out how many answers came a second, pauses left out."""
    latest = "select ended from attempt where state = 'answered' order by ended desc limit ?"
    moments = [moment for (moment,) in db.execute(latest, (_PACE_LATEST,))]
    if len(moments) < _PACE_ANSWERS:
        return None
    at_work = [gap for later, earlier in pairwise(moments) if (gap := later - earlier) <= _PAUSE_S]
    return len(at_work) / sum(at_work) if sum(at_work) > 0 else None


def raw(db: sqlite3.Connection, trial: str) -> bytes | None:
    """Read the answer to a trial as it was received."""
    row = db.execute(
        "select json_zlib from raw r join trial t on t.id = r.trial where t.trial = ?", (trial,)
    ).fetchone()
    return None if row is None else zlib.decompress(row[0])


def record(db: sqlite3.Connection, asking: Asking) -> dict[str, Any] | None:
    """Give everything known about an asking as JSON values; None if its trial was never planned."""
    known = identity(db, asking.trial)
    if known is None:
        return None
    (row,) = db.execute("select id from trial where trial = ?", (asking.trial,)).fetchone()
    attempts = db.execute(
        f"select {', '.join(ATTEMPT_FACTS)} from attempt where trial = ? order by attempt",  # noqa: S608
        (row,),
    )
    return {
        "utt_id": asking.utt_id,
        "condition": asking.condition,
        "repeat": asking.repeat,
        "labels": dict(asking.labels),
        "trial": asking.trial,
        "identity": json.loads(known.canonical),
        "attempts": [dict(zip(ATTEMPT_FACTS, attempt, strict=True)) for attempt in attempts],
        "answer": next((answer.record() for _, answer in read_answers(db, row)), None),
    }


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError(f"a JSON object was written, and there is {type(found).__name__}")
    return found
