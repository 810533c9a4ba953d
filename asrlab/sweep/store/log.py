"""Log: a run as numbered objects, each with the rows that one commit has changed.

Each object names the SHA-256 of the one before, so that one which is missing, cut off or swapped is noticed. The rows
are found by triggers on the connection that writes, and read when the commit is about to be made.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import sqlite3
import time
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asrlab.errors import StoreError
from asrlab.sweep.store.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMAT: Final = 1
_GROUP: Final = 1000  # objects that one listing names
_LEVEL: Final = 6

Changes = dict[str, dict[str, list[list[Any]]]]
"""Table -> ``rows`` as they are now, and ``gone``: keys of those that are no more."""


class End(NamedTuple):
    """Where a copy of the log ends: the number of the last object, and its SHA-256."""

    number: int
    sha256: str


def name_of(number: int) -> str:
    """Name the object of a number."""
    return f"log/{group_of(number)}/{number:09}.json.gz"


def group_of(number: int) -> str:
    """Name the folder of an object."""
    return f"{number // _GROUP:06}"


def number_of(name: str) -> int | None:
    """Tell the number of an object by the last part of its name; None if it is not of the log."""
    digits = name.removesuffix(".json.gz")
    return int(digits) if digits.isdecimal() and len(digits) == 9 and digits != name else None


def sha256_of(content: bytes) -> str:
    """Hash an object: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


# What has changed


def watch(db: sqlite3.Connection) -> None:
    """Note from now on which rows this connection changes."""
    for table, key in keys(db):
        # A row may be noted twice. To leave that out here is no use: how a trigger takes a conflict is decided by the
        # statement that set it off (sqlite.org/lang_createtrigger.html).
        db.execute(f"create temp table changed_{table} ({', '.join(key)})")
        for event, sides in (("insert", ("new",)), ("update", ("old", "new")), ("delete", ("old",))):
            noted = "".join(
                f"insert into changed_{table} values ({', '.join(f'{side}.{part}' for part in key)}); "  # noqa: S608
                for side in sides
            )
            db.execute(f"create temp trigger {event}_{table} after {event} on main.{table} begin {noted}end")


def changes(db: sqlite3.Connection) -> Changes:
    """Give the rows that were changed since this was last asked, in the caller's transaction."""
    found: Changes = {}
    for table, key in keys(db):
        noted = f"(select distinct * from changed_{table}) c"  # noqa: S608
        same = " and ".join(f"t.{part} = c.{part}" for part in key)
        rows = db.execute(f"select t.* from {noted} join main.{table} t on {same}").fetchall()  # noqa: S608
        gone = db.execute(
            f"select c.* from {noted} where not exists (select 1 from main.{table} t where {same})"  # noqa: S608
        ).fetchall()
        if rows or gone:
            found[table] = {"rows": [[*map(_out, row)] for row in rows], "gone": [[*map(_out, row)] for row in gone]}
            db.execute(f"delete from changed_{table}")  # noqa: S608
    return found


def _apply(db: sqlite3.Connection, changed: Changes) -> None:
    known = dict(keys(db))
    for table, key in known.items():
        gone = changed.get(table, {}).get("gone", ())
        where = " and ".join(f"{part} = ?" for part in key)
        db.executemany(f"delete from {table} where {where}", [list(map(_in, row)) for row in gone])  # noqa: S608
    for table in known:
        if rows := changed.get(table, {}).get("rows"):
            marks = ", ".join("?" * len(rows[0]))
            db.executemany(
                f"insert or replace into {table} values ({marks})",  # noqa: S608
                [list(map(_in, row)) for row in rows],
            )


def keys(db: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Tables of a ledger, and the names of the columns that make up their keys."""
    tables = db.execute(
        "select name from main.sqlite_master where type = 'table' and name <> 'log' and name not like 'sqlite%'"
    ).fetchall()
    for (table,) in tables:
        columns = db.execute("select name from pragma_table_info(?) where pk > 0 order by pk", (table,))
        yield table, [name for (name,) in columns]


def _out(value: Any) -> Any:  # noqa: ANN401 - a value of SQLite, and of JSON
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _in(value: Any) -> Any:  # noqa: ANN401
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value


# Objects


def pack(run: str, before: End, driver: str, changed: Changes) -> bytes:
    """Write the object that follows another.

    Parameters
    ----------
    run : str
        Id of the run.
    before : End
        Where the log ends so far.
    driver : str
        Id of who writes it.
    changed : dict
        By :func:`changes`.
    """
    entry = {
        "format": _FORMAT,
        "schema": SCHEMA,
        "run": run,
        "number": before.number + 1,
        "before": before.sha256,
        "driver": driver,
        "at": time.time(),
        "changed": changed,
    }
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), _LEVEL, mtime=0)


def follow(db: sqlite3.Connection, url: str, content: bytes | None, run: str, before: End) -> End:
    """Change rows by an object, and tell where the copy ends then.

    It is done in the caller's transaction, on a connection that does not enforce foreign keys.

    Parameters
    ----------
    db : Connection
        To a copy of the log up to the object before.
    url : str
        Of the object, for a message.
    content : bytes or None
        The object; None if it is not there.
    run : str
        Id of the run.
    before : End
        Where the copy ends.

    Raises
    ------
    StoreError
        If it is missing, is not what was written there, or was written by a later asrlab.
    """
    if content is None:
        raise StoreError(f"{url} is missing, and there are later ones. {_RESTORE}")
    try:
        entry = json.loads(gzip.decompress(content))
        written = entry["format"], entry["schema"]
        told = entry["run"], entry["number"], entry["before"]
        if written == (_FORMAT, SCHEMA) and told == (run, before.number + 1, before.sha256):
            _apply(db, entry["changed"])
            return End(before.number + 1, sha256_of(content))
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError, sqlite3.Error) as error:
        raise StoreError(f"{url} was cut off or changed ({type(error).__name__}). {_RESTORE}") from error
    if written != (_FORMAT, SCHEMA):
        raise StoreError(
            f"{url} was written in log format {written[0]}, store format {written[1]}; this asrlab reads {_FORMAT} and "
            f"{SCHEMA}. Use the version of asrlab that wrote it."
        )
    raise StoreError(f"{url} does not follow the object before it: one of the two is not what was written. {_RESTORE}")


def driver_of(content: bytes) -> str | None:
    """Tell who wrote an object; None if it cannot be read."""
    try:
        return str(json.loads(gzip.decompress(content))["driver"])
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError):
        return None


_RESTORE: Final = "Take it from a copy or an earlier version of the bucket; nothing is asked until then."


# Where a copy ends


def begin(db: sqlite3.Connection, end: End) -> None:
    """Write into a new copy where it ends."""
    db.execute("create table log (number integer not null, sha256 text not null) strict")
    db.execute("insert into log values (?, ?)", end)


def end_of(db: sqlite3.Connection) -> End:
    """Tell where a copy ends."""
    return End(*db.execute("select number, sha256 from log").fetchone())


def move_end(db: sqlite3.Connection, end: End) -> None:
    """Note where a copy ends now, in the caller's transaction."""
    db.execute("update log set number = ?, sha256 = ?", end)
