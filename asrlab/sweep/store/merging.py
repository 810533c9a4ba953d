"""Taking in what another ledger holds: attempts, charges and answers of trials that both know.

An attempt is told by its trial and by when it was begun, so to take in a ledger again changes nothing, and to be killed
in the middle is no matter. Of one that both hold, what is known last counts. What is answered stays as it is: a second
answer to a trial is not taken, and the attempt that brought it is kept as one that may have been billed. A task that
can be collected is, whatever became of attempts since.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asrlab.sweep.store.answers import StoredAnswer, json_text
from asrlab.sweep.store.schema import insert_answer, read_answers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from asrlab.sweep.store.store import Store

_AT_ONCE: Final = 1000  # trials in one transaction
_FACTS: Final = (
    "run", "state", "begun", "submitted", "ended", "task_id", "request_id", "code", "message", "link", "reserved_s",
    "usd_per_s",
)  # fmt: skip
TWICE: Final = "AnsweredTwice"
"""Code of an attempt whose answer was not taken, since another store had one."""


class Taken(NamedTuple):
    """What a ledger has taken in of another: attempts and answers that are new here, and trials answered in both."""

    attempts: int = 0
    answers: int = 0
    twice: tuple[str, ...] = ()

    def and_also(self, more: Taken) -> Taken:
        """Add up."""
        return Taken(self.attempts + more.attempts, self.answers + more.answers, self.twice + more.twice)


@dataclass(frozen=True)
class _Attempt:
    run: int | None
    state: str
    begun: float
    submitted: float | None
    ended: float | None
    task_id: str | None
    request_id: str | None
    code: str | None
    message: str | None
    link: str | None
    reserved_s: int
    usd_per_s: float

    @property
    def known(self) -> int:
        """How far it is known to have come; of two records of it the further is the later."""
        if self.state == "unknown":
            return 1 if self.task_id is None else 3  # the service has forgotten its task
        return {"begun": 0, "submitted": 2, "failed": 4, "answered": 5}[self.state]


class _Trial(NamedTuple):
    row: int
    trial: str
    attempts: list[_Attempt]
    answer: StoredAnswer | None
    raw: bytes | None


def asked(store: Store) -> set[str]:
    """Trials of which there is any attempt."""
    query = "select t.trial from trial t where exists (select 1 from attempt a where a.trial = t.id)"
    return store._read(lambda db: {trial for (trial,) in db.execute(query)})


def take_in(store: Store, other: Store) -> Taken:
    """Take in the attempts and answers of another store; all its trials that were asked are planned here.

    Parameters
    ----------
    store : Store
        Is written; this process drives it.
    other : Store
        Is read; nobody drives it.

    Raises
    ------
    StoreError
        If one cannot be read or the other written; what was taken in before is kept, and can be taken in again.
    """
    runs = store._write(_taking_runs(other.runs()))
    taken = Taken()
    last = 0
    while trials := other._read(partial(_trials_after, row=last)):
        taken = taken.and_also(store._write(_taking(trials, runs)))
        last = trials[-1].row
    return taken


def _taking_runs(runs: Sequence[Mapping[str, Any]]) -> Callable[[sqlite3.Connection], dict[int, int]]:
    """Write down the runs of another ledger; gives their numbers here."""

    def work(db: sqlite3.Connection) -> dict[int, int]:
        numbers = {}
        for run in runs:
            facts = json_text(run["facts"])
            # By the part that it is of as well: two machines may begin at the same moment.
            found = db.execute(
                "select run from run where started = ? and json_extract(facts, '$.part.number') is"
                " json_extract(?, '$.part.number')",
                (run["started"], facts),
            ).fetchone()
            if found is None:
                found = db.execute(
                    "insert into run (started, facts) values (?, ?) returning run", (run["started"], facts)
                ).fetchone()
            db.execute(
                "update run set ended = ?, outcome = ?, facts = ? where run = ?",
                (run["ended"], run["outcome"], facts, found[0]),
            )
            numbers[run["run"]] = found[0]
        return numbers

    return work


def _taking(trials: Sequence[_Trial], runs: Mapping[int, int]) -> Callable[[sqlite3.Connection], Taken]:
    def work(db: sqlite3.Connection) -> Taken:
        attempts, answers, twice = 0, 0, []
        for theirs in trials:
            (row,) = db.execute("select id from trial where trial = ?", (theirs.trial,)).fetchone()
            mine = _attempts(db, row)
            theirs_here = [replace(one, run=None if one.run is None else runs.get(one.run)) for one in theirs.attempts]
            joined, second = _joined(mine, theirs_here, theirs.answer)
            if second:
                twice.append(theirs.trial)
            if joined != mine:
                db.execute("delete from attempt where trial = ?", (row,))
                marks = ", ".join("?" * (2 + len(_FACTS)))
                db.executemany(
                    f"insert into attempt (trial, attempt, {', '.join(_FACTS)}) values ({marks})",  # noqa: S608
                    [(row, number, *_values(one)) for number, one in enumerate(joined, 1)],
                )
                attempts += len(joined) - len(mine)
            is_new = db.execute("select 1 from answer where trial = ?", (row,)).fetchone() is None
            if theirs.answer is not None and is_new:
                insert_answer(db, row, theirs.answer, theirs.raw)
                answers += 1
        return Taken(attempts, answers, tuple(twice))

    return work


def _joined(
    mine: Sequence[_Attempt], theirs: Iterable[_Attempt], answer: StoredAnswer | None
) -> tuple[list[_Attempt], bool]:
    """Put together the attempts at one trial, answered or else submitted last; also whether both have an answer."""
    kept = {one.begun: one for one in mine}
    held = next((one.begun for one in mine if one.state == "answered"), None)
    second = False
    for one in theirs:
        attempt, here = one, kept.get(one.begun)
        if one.state == "answered" and held is None:
            held = one.begun
        elif one.state == "answered" and one.begun != held:
            second = True
            attempt = _second(one, answer)
        if here is None:
            kept[one.begun] = attempt
        elif attempt.known > here.known:
            kept[one.begun] = replace(attempt, run=here.run)
    # The last one says how the trial stands: an answer, or else a task that can be collected, and is paid for.
    return sorted(kept.values(), key=lambda one: (one.begun == held, one.state == "submitted", one.begun)), second


def _second(attempt: _Attempt, answer: StoredAnswer | None) -> _Attempt:
    """Make of an attempt one whose answer is not taken, with what it may have been billed."""
    heard = 0.0 if answer is None else answer.audio_s or 0.0
    return replace(
        attempt,
        state="failed",
        code=TWICE,
        message="It was asked from two stores, and answered in both. The answer that was stored first is kept.",
        reserved_s=max(attempt.reserved_s, math.ceil(heard) if math.isfinite(heard) else 0),
    )


def _trials_after(db: sqlite3.Connection, row: int) -> list[_Trial]:
    found = db.execute(
        "select distinct a.trial, t.trial from attempt a join trial t on t.id = a.trial where a.trial > ?"
        " order by a.trial limit ?",
        (row, _AT_ONCE),
    ).fetchall()
    return [_Trial(number, trial, _attempts(db, number), *_answer(db, number)) for number, trial in found]


def _attempts(db: sqlite3.Connection, row: int) -> list[_Attempt]:
    rows = db.execute(f"select {', '.join(_FACTS)} from attempt where trial = ? order by attempt", (row,))  # noqa: S608
    return [_Attempt(*values) for values in rows]


def _answer(db: sqlite3.Connection, row: int) -> tuple[StoredAnswer | None, bytes | None]:
    answer = next((answer for _, answer in read_answers(db, row)), None)
    packed = db.execute("select json_zlib from raw where trial = ?", (row,)).fetchone()
    return answer, None if packed is None else zlib.decompress(packed[0])


def _values(attempt: _Attempt) -> Iterator[Any]:
    return (getattr(attempt, fact) for fact in _FACTS)
