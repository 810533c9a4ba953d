"""What is written to a ledger: each a function that makes the work of one piece of a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asrlab.errors import InvalidInput, StoreError
from asrlab.marks import storable_link
from asrlab.sweep.identity import Identity
from asrlab.sweep.store.answers import StoredAnswer, json_text, raw_document, storable
from asrlab.sweep.store.schema import ATTEMPT_FACTS, insert_answer, insert_trials, numbered
from asrlab.sweep.store.shapes import Asking, Intent

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from asrlab.engines.base import Answer
    from asrlab.sweep.store.committer import Write

    Work = Callable[[sqlite3.Connection], None]
    Numbering = Callable[[sqlite3.Connection], int]


def plan(askings: Sequence[Asking], identities: Mapping[str, Identity], meta: Mapping[str, Any]) -> Work:
    """Write down what is to be asked."""
    facts = [(key, json_text(value, finite=True)) for key, value in meta.items()]
    labels = {a.condition: a.labels for a in askings}
    conditions = [(name, json_text(dict(of_one))) for name, of_one in labels.items()]

    def work(db: sqlite3.Connection) -> None:
        rows = insert_trials(db, identities.items())
        utterances = numbered(db, "utterance", (a.utt_id for a in askings))
        db.executemany(
            "insert into condition (name, labels) values (?, ?) on conflict (name) do update set"
            " labels = excluded.labels where labels <> excluded.labels",
            conditions,
        )
        named = dict(db.execute("select name, id from condition"))
        (last,) = db.execute("select coalesce(max(position), -1) from asking").fetchone()
        db.executemany(
            "insert into asking values (?, ?, ?, ?, ?) on conflict (utterance, condition, repeat) do update set"
            " trial = excluded.trial where trial <> excluded.trial",
            (
                (position, utterances[a.utt_id], named[a.condition], a.repeat, rows[a.trial])
                for position, a in enumerate(askings, last + 1)
            ),
        )
        db.executemany("insert or replace into meta values (?, ?)", facts)

    return work


def run(started: float, facts: Mapping[str, Any]) -> Numbering:
    """Write down that a run begins."""
    told = json_text(dict(facts))

    def work(db: sqlite3.Connection) -> int:
        (number,) = db.execute(
            "insert into run (started, facts) values (?, ?) returning run", (started, told)
        ).fetchone()
        return int(number)

    return work


def run_end(number: int, moment: float, outcome: str, facts: Mapping[str, Any]) -> Work:
    """Write down that a run ended."""
    return _one(
        "update run set ended = ?, outcome = ?, facts = json_patch(facts, ?) where run = ?",
        moment, storable(outcome), json_text(facts), number,
        otherwise=f"There is no run number {number}.",
    )  # fmt: skip


def begin(intent: Intent, run: int | None) -> Numbering:
    """Write down that a trial is about to be asked, and number the attempt."""
    # Neither a signature nor a password is stored.
    link = intent.link and storable(storable_link(intent.link))
    values = (run, intent.begun, link, intent.reserved_s, intent.usd_per_s, intent.trial)

    def work(db: sqlite3.Connection) -> int:
        row = db.execute(
            "insert into attempt (trial, attempt, run, state, begun, link, reserved_s, usd_per_s)"
            " select t.id, coalesce((select max(attempt) from attempt a where a.trial = t.id), 0) + 1,"
            " ?, 'begun', ?, ?, ?, ? from trial t"
            " where t.trial = ? and not exists (select 1 from answer a where a.trial = t.id) returning attempt",
            values,
        ).fetchone()
        if row is None:
            raise StoreError(
                f"Trial {intent.trial} is not to be asked: it was never planned, or has its answer already."
            )
        return int(row[0])

    return work


def withdraw(trial: str, attempt: int | Write[int]) -> Work:
    """Take back an intent of which nothing was accepted, once it is written."""

    def work(db: sqlite3.Connection) -> None:
        number = attempt if isinstance(attempt, int) else attempt.result if attempt.error is None else None
        db.execute(
            "delete from attempt where trial = (select id from trial where trial = ?) and attempt = ?"
            " and state = 'begun'",
            (trial, number),
        )

    return work


def submitted(trial: str, attempt: int, moment: float, task_id: str) -> Work:
    """Write down that a service has taken the question."""
    told = {"task_id": storable(task_id), "code": None, "message": None}  # it may have been taken for lost
    return _attempt(trial, attempt, state="submitted", submitted=moment, **told)


def answered(attempt: int | Intent, trial: str, moment: float, answer: Answer, run: int | None) -> Work:
    """Write down an answer."""

    def work(db: sqlite3.Connection) -> None:
        number = _number(db, attempt, run)
        told = {"request_id": storable(answer.request_id), "code": None, "message": None}  # what went wrong has passed
        _attempt(trial, number, state="answered", ended=moment, **told)(db)
        (row,) = db.execute("select id from trial where trial = ?", (trial,)).fetchone()
        document = raw_document(answer)
        insert_answer(db, row, StoredAnswer.of(answer, document), document)

    return work


def ended(attempt: int | Intent, trial: str, moment: float, state: str, run: int | None, **facts: str | None) -> Work:
    """Write down that an attempt ended without an answer."""
    if state not in {"failed", "unknown", "submitted"}:
        raise InvalidInput(f'An attempt without an answer ends as "failed", "unknown" or "submitted", not {state!r}.')
    told = {name: storable(fact) for name, fact in facts.items()}

    def work(db: sqlite3.Connection) -> None:
        _attempt(trial, _number(db, attempt, run), state=state, ended=moment, **told)(db)

    return work


def restore(records: Iterable[Mapping[str, Any]], meta: Mapping[str, Any], runs: Iterable[Mapping[str, Any]]) -> Work:
    """Write down what a replay holds."""
    records, runs = list(records), list(runs)
    askings = [Asking(r["utt_id"], r["condition"], r["repeat"], r["trial"], r["labels"]) for r in records]
    identities = {r["trial"]: Identity.parse(json_text(r["identity"])) for r in records}

    def work(db: sqlite3.Connection) -> None:
        plan(askings, identities, meta)(db)
        db.executemany(
            "insert into run (run, started, ended, outcome, facts) values (?, ?, ?, ?, ?)",
            [(r["run"], r["started"], r["ended"], r["outcome"], json_text(r["facts"])) for r in runs],
        )
        rows = dict(db.execute("select trial, id from trial"))
        kept: dict[str, Mapping[str, Any]] = {}
        for record in records:  # conditions that come to one question share its answer
            other = kept.setdefault(record["trial"], record)
            if (other["attempts"], other["answer"]) != (record["attempts"], record["answer"]):
                raise InvalidInput(f"{record['utt_id']} has two answers to one question, trial {record['trial']}")
        # Column names are ours and never the file's: it may come from anyone.
        marks = ", ".join("?" * (1 + len(ATTEMPT_FACTS)))
        insert = f"insert into attempt (trial, {', '.join(ATTEMPT_FACTS)}) values ({marks})"  # noqa: S608
        for record in kept.values():
            row = rows[record["trial"]]
            db.executemany(insert, [(row, *(facts[name] for name in ATTEMPT_FACTS)) for facts in record["attempts"]])
            if record["answer"] is not None:
                insert_answer(db, row, StoredAnswer.from_record(record["answer"]), None)

    return work


def _number(db: sqlite3.Connection, attempt: int | Intent, run: int | None) -> int:
    return begin(attempt, run)(db) if isinstance(attempt, Intent) else attempt


def _attempt(trial: str, attempt: int, **facts: str | float | None) -> Work:
    names = ", ".join(f"{name} = ?" for name in facts)
    return _one(
        f"update attempt set {names} where trial = (select id from trial where trial = ?) and attempt = ?"  # noqa: S608
        " and state <> 'answered'",
        *facts.values(), trial, attempt,
        otherwise=f"Attempt {attempt} at trial {trial} was never begun, or is answered already.",
    )  # fmt: skip


def _one(statement: str, *values: object, otherwise: str) -> Work:
    """Make work that must change one row."""

    def work(db: sqlite3.Connection) -> None:
        if db.execute(statement, values).rowcount != 1:
            raise StoreError(otherwise)

    return work
