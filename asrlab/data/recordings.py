"""What a recording is, found out once: its fingerprint, length and channels, kept on disk until the file changes."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from asrlab.data import audio
from asrlab.errors import InvalidInput
from asrlab.folders import cache_folder
from asrlab.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

_NAME: Final = "facts-2.sqlite"  # another form of the table gets another name
_WAIT_S: Final = 5.0  # for a process that writes
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS facts(
    folder BLOB NOT NULL, name BLOB NOT NULL, state TEXT NOT NULL,
    digest TEXT NOT NULL, duration_s REAL, channels INTEGER, sample_rate INTEGER, guard TEXT NOT NULL,
    PRIMARY KEY (folder, name)
) WITHOUT ROWID
"""
#: What is wrong with the disk or with another process, and not with the file.
_NOT_THE_FILE: Final = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM,
})  # fmt: skip
_STRONG: Final = ("pcm-sha256:", "file-sha256:", "derived-sha256:")


@dataclass(frozen=True, slots=True, repr=False)
class Recording(Shown):
    """What is known of a recording.

    Parameters
    ----------
    digest : str
        What makes it this recording: ``"pcm-sha256:..."`` or ``"file-sha256:..."`` by its content (see
        :func:`asrlab.data.audio.digest`); ``"url-sha256:..."`` by its link and, where known, the host's ETag.
    duration_s : float, optional
        Length in seconds; None if not known.
    channels : int, optional
        How many there are; None if not known.
    sample_rate : int, optional
        In Hz; None if not known.
    """

    digest: str
    duration_s: float | None = None
    channels: int | None = None
    sample_rate: int | None = None

    @property
    def weak(self) -> bool:
        """Whether the content may change and the digest stay: it was never read."""
        return not self.digest.startswith(_STRONG)


class Look(NamedTuple):
    """A file as it was when it was looked at.

    Parameters
    ----------
    folder, name : str
        Where it lies; facts are kept by them.
    state : str
        Another one when the content changes.
    settled : bool
        Whether a change that came right after would show in the state.
    """

    folder: str
    name: str
    state: str
    settled: bool = True


class Recordings:
    """Facts that were found out before, in memory and in a file that processes share.

    Nothing depends on the file: where it cannot be used, or is broken, facts are found out again.

    Parameters
    ----------
    folder : Path
        Where the file lies or will lie.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _NAME
        self._held: dict[tuple[str, str], tuple[str, Recording]] = {}
        self._loaded: set[str] = set()
        self._reads = self._writes = True

    def measured(self, path: str | Path) -> Recording:
        """Measure an audio file, unless that was done since it last changed.

        Raises
        ------
        InvalidInput
            If the file is missing, is not audio that can be read, or changes while it is read.
        """
        before = look(path)
        if (known := self.known(before)) is not None:
            return known
        recording = measure(path)
        if look(path).state != before.state:
            raise InvalidInput(f"{path} changed while it was read. Try again when it is finished.")
        self.keep([(before, recording)])
        return recording

    def known(self, file: Look) -> Recording | None:
        """Give what was found out about a file, if it has not changed since."""
        held = self.found(file.folder, file.name)
        return held[1] if held is not None and held[0] == file.state else None

    def found(self, folder: str, name: str) -> tuple[str, Recording] | None:
        """Give what was kept under a name, and the state that it was in then."""
        if folder not in self._loaded:  # all of it at once: one look at the disk, not one a recording
            if self._reads:
                rows = self._on_disk(lambda db: _select(db, folder))
                self._reads = rows is not None
                self._held |= {(folder, found): facts for found, facts in (rows or {}).items()}
            self._loaded.add(folder)
        return self._held.get((folder, name))

    def keep(self, found: Sequence[tuple[Look, Recording]]) -> None:
        """Keep what was found out about recordings, in place of what was known before."""
        rows = []
        for (folder, name, state, settled), one in found:
            if settled:
                self._held[folder, name] = (state, one)
                values = (os.fsencode(folder), os.fsencode(name), state,
                          one.digest, one.duration_s, one.channels, one.sample_rate)  # fmt: skip
                rows.append((*values, _guard(values)))
        if self._writes and rows:
            insert = "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            done = self._on_disk(lambda db: db.executemany(insert, rows).rowcount)
            self._writes = done is not None

    def _on_disk(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the file; None if that cannot be done here."""
        for _ in range(2):
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                with closing(sqlite3.connect(self._file, timeout=_WAIT_S)) as db, db:
                    db.execute("PRAGMA synchronous = OFF")  # what a power cut spoils is found by its guard
                    db.execute(_TABLE)
                    return work(db)
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _NOT_THE_FILE:
                    return None
                self._throw_away()
            except OSError:
                return None
        return None

    def _throw_away(self) -> None:
        for name in (f"{_NAME}-journal", _NAME):  # a journal that stays would be played into the next file
            with suppress(OSError):
                self._file.with_name(name).unlink()


def look(path: str | Path) -> Look:
    """Look at a file of this machine.

    Raises
    ------
    InvalidInput
        If there is none.
    """
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - ten times as quick as Path's
    now, facts = time.time_ns(), _stat(path)
    return Look(folder, name, _state(facts), _settled(facts, now))


def measure(path: str | Path) -> Recording:
    """Read an audio file of this machine to find out what it is.

    Raises
    ------
    InvalidInput
        If it is missing, or is not audio that can be read.
    """
    info = audio.probe(path)
    return Recording(audio.digest(path), info.duration_s, info.channels, info.sample_rate)


def recordings() -> Recordings:
    """Give the facts that this user's processes share."""
    return _recordings_in(cache_folder("recordings"))


@cache
def _recordings_in(folder: Path) -> Recordings:
    return Recordings(folder)


def _select(db: sqlite3.Connection, folder: str) -> dict[str, tuple[str, Recording]]:
    rows = db.execute("SELECT * FROM facts WHERE folder = ?", (os.fsencode(folder),))
    return {
        os.fsdecode(values[1]): (values[2], Recording(*values[3:]))
        for *values, guard in rows
        if _guard(values) == guard
    }


def _guard(values: Iterable[object]) -> str:
    return hashlib.sha256(repr(tuple(values)).encode()).hexdigest()[:16]


def _stat(path: str | Path) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - as above
    except (OSError, ValueError) as error:
        raise InvalidInput(f"There is no audio file {path}. Check the path in the manifest.") from error


def _state(facts: os.stat_result) -> str:
    # Text, since an inode may be greater than what SQLite takes for a number.
    return f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"


def _settled(facts: os.stat_result, now: int) -> bool:
    """Whether a file that changed after ``now`` would have other times: clocks of file systems tick slowly."""
    changed = facts.st_mtime_ns if os.name == "nt" else facts.st_ctime_ns
    tick = 2 * 10**9 if changed % 10**9 == 0 else 10**8  # FAT: 2 s; Linux: 10 ms at most
    return now - changed > tick
