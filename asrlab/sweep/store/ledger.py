"""The file of a run: how it is made, opened to write or only to read, and what its faults are called."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import shutil
import sqlite3
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from asrlab.errors import AsrlabError, StoreError
from asrlab.sweep.store.disks import unfit
from asrlab.sweep.store.driver import is_driven
from asrlab.sweep.store.schema import SCHEMA, create_tables, migrate, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER: Final = "ledger.sqlite"
_README: Final = """\
This folder is a run of asrlab: the answers of a speech-to-text engine to a dataset under several settings.

    ledger.sqlite        every question, every attempt to ask it, every answer (also as received, compressed)
    ledger.sqlite-wal,   there while a process is at work, or was ended in the middle; they belong to the ledger:
    ledger.sqlite-shm    copy and move them with it, and never delete them
    driver.lock, .json   which process is asking

Read it with:   import asrlab; asrlab.open_sweep("PATH OF THIS FOLDER").transcripts
Any other SQLite reader opens it too. It may be moved as a whole while no process is at work.
It belongs on a disk of this machine, not on a network disk or in a folder that is synchronised.
Deleting it means asking, and paying, again.
"""
_REMEDY: Final = (
    "Use a folder on a disk of this machine, and copy it when the run is done; or save_replay(), which writes one file "
    "that may lie anywhere."
)
#: What is in it is not what is written into it.
_UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, zlib.error)
_CACHE_KIB: Final = 64 * 1024


class Ledger:
    """The SQLite file of one run, as this process may use it.

    Attributes
    ----------
    reader : Connection
        To read; threads take turns at it.
    read_only : str or None
        Why nothing can be written; None if it can.
    """

    def __init__(self, folder: Path, reader: sqlite3.Connection, *, read_only: str | None = None) -> None:
        self.folder = folder
        self.reader = reader
        self.read_only = read_only
        self._closing = contextlib.ExitStack()

    @classmethod
    def in_memory(cls) -> Self:
        """Make one that ends with the process."""
        db = connected(":memory:")
        create_tables(db)
        return cls(Path("memory"), db)

    @classmethod
    def open(cls, folder: Path, *, create: bool) -> Self:
        """Open the ledger of a run.

        Parameters
        ----------
        folder : path
            Of the run.
        create : bool
            Make it if it is not there.

        Raises
        ------
        StoreError
            If there is none, it cannot be opened, or it is to be made where it is not safe.
        """
        path = folder / LEDGER
        bad = unfit(folder)
        if create and bad is not None:
            raise StoreError(f"A run cannot be kept in {folder}: {bad}, where its ledger is not safe. {_REMEDY}")
        if create and not path.exists():
            _create(folder)
        if not path.is_file():
            raise StoreError(f"There is no run in {folder}: it has no {LEDGER}. Check the path.")
        _check_length(path)
        if bad is not None:
            return cls._open_unfit(folder, bad)
        if not (os.access(path, os.W_OK) and os.access(folder, os.W_OK)):
            return cls._open_read_only(folder, "the file or its folder may not be written")
        try:
            return cls._open_writable(folder)
        except sqlite3.OperationalError as error:
            if create:
                raise
            return cls._open_read_only(folder, str(error))  # a full disk is no reason not to read

    def connect(self) -> sqlite3.Connection:
        """Make a connection that writes, and waits for the disk at each commit."""
        db = connected(f"{_uri(self.folder / LEDGER)}?mode=rw")
        db.execute("pragma foreign_keys = on")
        db.execute("pragma synchronous = full")  # a task id that is lost is money lost
        return db

    def close(self) -> None:
        """Let go of it; the last process to do so folds the log into the ledger."""
        self.reader.close()
        self._closing.close()

    @classmethod
    def _open_writable(cls, folder: Path) -> Self:
        db = connected(f"{_uri(folder / LEDGER)}?mode=rw")
        try:
            if _check_version(db, folder) < SCHEMA:
                if is_driven(folder):
                    return cls._copied(folder, db, "a process with an earlier version of asrlab is at work on it")
                migrate(db)
            db.execute("pragma journal_mode = wal")
        except BaseException:
            db.close()
            raise
        return cls(folder, db)

    @classmethod
    def _open_unfit(cls, folder: Path, bad: str) -> Self:
        log = folder / f"{LEDGER}-wal"
        if _size(log) or is_driven(folder):
            raise StoreError(
                f"The run in {folder} cannot be read there: {bad}, and a process is at work on it or was ended in the "
                "middle. When none is, copy the folder to a disk of this machine and open the copy."
            )
        return cls._frozen(folder, connected(f"{_uri(folder / LEDGER)}?mode=ro&immutable=1"), bad)

    @classmethod
    def _open_read_only(cls, folder: Path, because: str) -> Self:
        path = folder / LEDGER
        log, index = (path.with_name(f"{LEDGER}-{part}") for part in ("wal", "shm"))
        if log.exists() or index.exists():  # perhaps of a process that may write, and is at work
            with contextlib.suppress(sqlite3.OperationalError):
                return cls._frozen(folder, connected(f"{_uri(path)}?mode=ro"), because)
        if not _size(log):
            return cls._frozen(folder, connected(f"{_uri(path)}?mode=ro&immutable=1"), because)
        # What is only in the log cannot be read where no index of it can be made.
        with contextlib.ExitStack() as stack:
            copy = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asrlab-", ignore_cleanup_errors=True)))
            for file in (path, log):
                shutil.copy(file, copy / file.name)
                (copy / file.name).chmod(0o600)
            ledger = cls._frozen(folder, connected(f"{_uri(copy / LEDGER)}?mode=rw"), because)
            ledger._closing = stack.pop_all()
        return ledger

    @classmethod
    def _frozen(cls, folder: Path, db: sqlite3.Connection, because: str) -> Self:
        try:
            if _check_version(db, folder) < SCHEMA:
                return cls._copied(folder, db, because)
        except BaseException:
            db.close()
            raise
        return cls(folder, db, read_only=because)

    @classmethod
    def _copied(cls, folder: Path, db: sqlite3.Connection, because: str) -> Self:
        """Bring a ledger of an earlier format that cannot be changed up to date in memory."""
        copy = connected(":memory:")
        try:
            db.backup(copy)
            migrate(copy)
        except BaseException:
            copy.close()
            raise
        finally:
            db.close()
        return cls(folder, copy, read_only=because)


@contextlib.contextmanager
def no_collection() -> Iterator[None]:
    """Put off looking for reference cycles: the rows of a ledger have none, and looking takes half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def told(folder: Path | str, what: str) -> Iterator[None]:
    """Make errors of SQLite, of the disk, and of what cannot be what was written, into ours."""
    try:
        yield
    except Exception as error:
        ours = fault(folder, what, error)
        if ours is error:
            raise
        raise ours from error


def fault(folder: Path | str, what: str, error: Exception) -> Exception:
    """Name the fault of a ledger that ``could not be {what}``; an error of another kind is given back as it is."""
    if isinstance(error, AsrlabError):
        return error
    if isinstance(error, sqlite3.OperationalError | OSError) and "UTF-8" not in str(error):
        advice = (
            "What was stored before is safe. Check that the disk has room and that the folder may be written, then run "
            "again."
        )
    elif isinstance(error, sqlite3.IntegrityError | OverflowError):
        advice = "It does not fit into the ledger; what was stored before is safe."
    elif isinstance(error, sqlite3.Error) or (what == "read" and isinstance(error, _UNREADABLE)):
        advice = "The ledger is damaged or was cut off. Take it from a copy, or read a replay of the run."
    else:
        return error
    ours = StoreError(f"The run in {folder} could not be {what}: {error}. {advice}")
    ours.__cause__ = error
    return ours


def connected(name: str | Path) -> sqlite3.Connection:
    """Connect to a file, or what else SQLite names by a URI."""
    db = sqlite3.connect(name, timeout=60, isolation_level=None, check_same_thread=False, uri=True)
    try:
        db.execute(f"pragma cache_size = -{_CACHE_KIB}")
    except BaseException:
        db.close()
        raise
    return db


def _uri(path: Path) -> str:
    return path.resolve().as_uri()


def _size(log: Path) -> int:
    """Bytes of a log, which whoever writes may remove at any moment."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def _check_length(path: Path) -> None:
    """Refuse a file that lacks its end: SQLite takes what is missing of the last page for zeros.

    The sizes stand in the header (sqlite.org/fileformat2.html#the_database_header). While there is a log, the end may
    be in it.
    """
    log = path.with_name(f"{LEDGER}-wal")
    if _size(log):
        return
    with path.open("rb") as file:
        header = file.read(32)
    page, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if header.startswith(b"SQLite format 3") and path.stat().st_size < page * pages:
        raise StoreError(
            f"{path} was cut off: it has {path.stat().st_size} of {page * pages} bytes. Take it from a copy, or read a "
            "replay of the run."
        )


def _check_version(db: sqlite3.Connection, folder: Path) -> int:
    version = version_of(db)
    if version == 0:
        raise StoreError(
            f"{folder / LEDGER} is empty or is no ledger of asrlab: it was cut off, or copied without its log. Take it "
            "from a copy; if it never held anything, delete it."
        )
    if version > SCHEMA:
        raise StoreError(
            f"{folder} was written in store format {version}; this asrlab reads format {SCHEMA}. Use the version of "
            "asrlab that wrote it."
        )
    return version


def _create(folder: Path) -> None:
    """Put a ledger into a folder, whole or not at all, unless another process is quicker."""
    folder.mkdir(parents=True, exist_ok=True)
    readme = folder / "README.txt"
    if not readme.exists():
        readme.write_text(_README, encoding="utf-8", newline="\n")
    db = connected(":memory:")
    create_tables(db)
    content = bytearray(db.serialize())
    db.close()
    # Written as one with a write-ahead log (sqlite.org/fileformat2.html#file_format_version_numbers): to make it so
    # later takes a lock for which SQLite does not wait.
    content[18] = content[19] = 2
    made = folder / f"{LEDGER}.{secrets.token_hex(8)}"
    try:
        with made.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            (folder / LEDGER).hardlink_to(made)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            made.replace(folder / LEDGER)
    finally:
        made.unlink(missing_ok=True)
