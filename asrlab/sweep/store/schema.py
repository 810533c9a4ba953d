"""The ledger's tables, and how one of an earlier format becomes one of today's.

What recurs is kept once and pointed to by number: recordings, engines, parameters, utterances, conditions, trials.
What is large and seldom read (answers as received, times of sentences) lies in tables of its own.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Final

from asrlab.errors import StoreError
from asrlab.sweep.identity import Identity
from asrlab.sweep.store.answers import StoredAnswer, sha256_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

SCHEMA: Final = 2
ATTEMPT_FACTS: Final = (
    "attempt", "state", "begun", "submitted", "ended", "code", "message", "request_id", "reserved_s", "usd_per_s",
)  # fmt: skip
"""What of an attempt goes into a replay: neither task ids nor links, which are the account's."""

_TABLES: Final = """
create table meta (key text primary key, value text not null) strict;
create table run (
    run integer primary key, started real not null, ended real, outcome text, facts text not null) strict;
create table recording (id integer primary key, name text not null unique) strict;
create table engine (id integer primary key, name text not null unique) strict;
create table parameters (id integer primary key, name text not null unique) strict;
create table model (id integer primary key, name text not null unique) strict;
create table utterance (id integer primary key, name text not null unique) strict;
create table condition (id integer primary key, name text not null unique, labels text not null) strict;
create table trial (
    id integer primary key, trial text not null unique, recording integer not null references recording,
    engine integer not null references engine, parameters integer not null references parameters,
    repeat integer not null, recipe integer not null) strict;
create table asking (
    position integer primary key, utterance integer not null references utterance,
    condition integer not null references condition, repeat integer not null,
    trial integer not null references trial, unique (utterance, condition, repeat)) strict;
create table attempt (
    trial integer not null references trial, attempt integer not null, run integer references run,
    state text not null check (state in ('begun', 'submitted', 'answered', 'failed', 'unknown')),
    begun real not null, submitted real, ended real, task_id text, request_id text, code text, message text,
    link text, reserved_s integer not null default 0, usd_per_s real not null default 0,
    primary key (trial, attempt)) strict, without rowid;
create table answer (
    trial integer primary key references trial, model integer not null references model, audio_s real, queued_s real,
    elapsed_s real, context_tokens integer, unsupported text not null, request_id text, raw_sha256 text,
    sha256 text not null) strict;
create table heard (
    trial integer not null references answer, place integer not null, channel integer not null, text text not null,
    language text, primary key (trial, place)) strict, without rowid;
create table sentences (
    trial integer not null, place integer not null, json_zlib blob not null, primary key (trial, place),
    foreign key (trial, place) references heard) strict, without rowid;
create table raw (trial integer primary key references answer, json_zlib blob not null) strict;
"""


def create_tables(db: sqlite3.Connection) -> None:
    """Make the tables, within the caller's transaction if there is one."""
    for statement in filter(str.strip, _TABLES.split(";")):
        db.execute(statement)
    db.execute(f"pragma user_version = {SCHEMA}")


def version_of(db: sqlite3.Connection) -> int:
    """Tell the format of a ledger; 0 is an empty file, or a database that is none of ours."""
    (version,) = db.execute("pragma user_version").fetchone()
    return int(version)


def numbered(db: sqlite3.Connection, table: str, names: Iterable[str]) -> dict[str, int]:
    """Give each name its number in a table, a new one where it has none."""
    numbers: dict[str, int] = dict(db.execute(f"select name, id from {table}"))  # noqa: S608 - a table of ours
    new = [(name,) for name in dict.fromkeys(names) if name not in numbers]
    if new:
        db.executemany(f"insert into {table} (name) values (?)", new)  # noqa: S608
        numbers = dict(db.execute(f"select name, id from {table}"))  # noqa: S608
    return numbers


def insert_trials(db: sqlite3.Connection, identities: Iterable[tuple[str, Identity]]) -> dict[str, int]:
    """Insert the trials that are not there yet; returns the numbers of all trials."""
    rows: dict[str, int] = dict(db.execute("select trial, id from trial"))
    new = [(trial, identity) for trial, identity in identities if trial not in rows]
    if new:
        recordings = numbered(db, "recording", [i.audio for _, i in new])
        engines = numbered(db, "engine", {i.engine for _, i in new})
        parameters = numbered(db, "parameters", {i.parameters for _, i in new})
        first = max(rows.values(), default=0) + 1
        made = [
            (row, trial, recordings[i.audio], engines[i.engine], parameters[i.parameters], i.repeat, i.recipe)
            for row, (trial, i) in enumerate(new, first)
        ]
        db.executemany("insert into trial values (?, ?, ?, ?, ?, ?, ?)", made)
        rows.update((trial, row) for row, trial, *_ in made)
    return rows


def insert_answer(db: sqlite3.Connection, row: int, answer: StoredAnswer, raw: bytes | None) -> None:
    """Insert an answer for the trial in that row; ``raw`` is compressed here."""
    model, *facts = answer.summary
    (trial,) = db.execute("select trial from trial where id = ?", (row,)).fetchone()
    db.execute("insert or ignore into model (name) values (?)", (model,))
    db.execute(
        "insert into answer (trial, model, audio_s, queued_s, elapsed_s, context_tokens, unsupported, request_id,"
        " raw_sha256, sha256) values (?, (select id from model where name = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
        (row, model, *facts, answer.sha256(trial)),
    )
    for place, (channel, text, language, sentences) in enumerate(answer.heard):
        db.execute("insert into heard values (?, ?, ?, ?, ?)", (row, place, channel, text, language))
        if sentences != "[]":
            db.execute("insert into sentences values (?, ?, ?)", (row, place, zlib.compress(sentences.encode())))
    if raw is not None:
        db.execute("insert into raw values (?, ?)", (row, zlib.compress(raw)))


def read_answers(db: sqlite3.Connection, row: int | None = None) -> Iterator[tuple[int, StoredAnswer]]:
    """Read all answers, or that of one trial if it has one, each with the number of its trial."""
    found = db.execute(
        "select trial, m.name, audio_s, queued_s, elapsed_s, context_tokens, unsupported, request_id, raw_sha256"
        " from answer join model m on m.id = model where trial between ? and ? order by trial",
        (0, sys.maxsize) if row is None else (row, row),
    )
    for number, *facts, raw_sha256 in found:
        heard = db.execute(
            "select channel, text, language, json_zlib from heard left join sentences using (trial, place)"
            " where trial = ? order by place",
            (number,),
        )
        told = tuple(
            (channel, text, language, "[]" if packed is None else zlib.decompress(packed).decode())
            for channel, text, language, packed in heard
        )
        yield number, StoredAnswer(*(*facts, raw_sha256, told))


# Format 1


def migrate(db: sqlite3.Connection) -> None:
    """Make a ledger of today's format of an earlier one, in one transaction: the whole of it or nothing.

    Parameters
    ----------
    db : Connection
        Without foreign keys enforced; they are checked at the end.

    Raises
    ------
    StoreError
        If the ledger contradicts itself.
    """
    db.execute("begin immediate")
    try:
        if version_of(db) == 1:  # none was quicker
            _from_1(db)
        db.execute("commit")
    except BaseException as error:
        if db.in_transaction:
            db.execute("rollback")
        if isinstance(error, ValueError | LookupError | TypeError | AttributeError):  # of what was not written by us
            raise StoreError(
                f"The ledger is damaged ({type(error).__name__}: {error}). Take it from a copy."
            ) from error
        raise


def _from_1(db: sqlite3.Connection) -> None:
    old = ("trial", "asking", "attempt", "answer", "heard", "meta")
    for table in old:
        db.execute(f"alter table {table} rename to old_{table}")
    create_tables(db)
    db.execute("insert into meta select key, value from old_meta")
    insert_trials(
        db, ((trial, Identity.parse(text)) for trial, text in db.execute("select trial, identity from old_trial"))
    )
    db.execute("insert into utterance (name) select utt_id from old_asking group by utt_id order by min(position)")
    db.execute(
        "insert into condition (name, labels) select condition, labels from"
        " (select condition, labels, max(position) last from old_asking group by condition order by last)"
    )
    db.execute(
        "insert into asking select o.position, u.id, c.id, o.repeat, t.id from old_asking o"
        " join utterance u on u.name = o.utt_id join condition c on c.name = o.condition"
        " join trial t on t.trial = o.trial order by o.position"
    )
    db.execute(
        "insert into attempt (trial, attempt, state, begun, submitted, ended, task_id, code, message, request_id)"
        " select t.id, o.attempt, o.state, o.begun, o.submitted, o.ended, o.task_id, o.code, o.message, o.request_id"
        " from old_attempt o join trial t on t.trial = o.trial order by t.id, o.attempt"
    )
    for row, trial, packed, *facts in db.execute(
        "select t.id, o.trial, raw, model, audio_s, queued_s, elapsed_s, context_tokens, unsupported, request_id"
        " from old_answer o join trial t on t.trial = o.trial order by t.id"
    ):
        heard = db.execute(
            "select channel, text, language, sentences from old_heard where trial = ? order by place", (trial,)
        )
        raw = None if packed is None else zlib.decompress(packed)
        raw_sha256 = None if raw is None else sha256_of(raw)
        insert_answer(db, row, StoredAnswer(*(*facts, raw_sha256, tuple(heard))), raw)
    for table in reversed(old):
        db.execute(f"drop table old_{table}")
    if broken := db.execute("pragma foreign_key_check").fetchall():
        raise StoreError(f"The ledger is damaged: {len(broken)} rows point to nothing. Take it from a copy.")
