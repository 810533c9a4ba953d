"""Runs on object storage: a log of what was committed, and on each machine a working copy to read and write.

A commit is an object of the log before it is a commit of the working copy, and before anyone who waits for it goes on;
so what costs money is on the storage before it is done, and a working copy may be lost. The object of a number can be
created once: who drives and finds the next number taken is no longer the driver, and has sent nothing on it.

::

    run.json             which run this is
    log/000000/...       what each commit has changed; never deleted, for a driver that was thought dead must find its
                         number taken
    snapshots/...        copies of the whole as it was after an object of the log, to read instead of all before it
    driver.json          who drives: a courtesy to those who wait, and no lock
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import filelock

from asrlab.errors import StoreError
from asrlab.folders import cache_folder
from asrlab.sweep.store import log
from asrlab.sweep.store.disks import unfit
from asrlab.sweep.store.ledger import LEDGER, connected
from asrlab.sweep.store.log import End
from asrlab.sweep.store.objects import Objects
from asrlab.sweep.store.schema import create_tables

_FORMAT: Final = 1
RUN: Final = "run.json"
_DRIVER: Final = "driver.json"
_SNAPSHOTS: Final = "snapshots"
_KEPT: Final = 2  # snapshots: one may be being read when the next is written
_ABOUT: Final = (
    "A run of asrlab: questions to a speech-to-text engine, every attempt, every answer. Read it with "
    "asrlab.open_sweep(URL of this folder). Deleting any of it means asking, and paying, again."
)
_BATCH: Final = 256  # objects that are read, and then applied, together
_WAIT_S: Final = 600.0  # for another process that makes the same working copy

_log = logging.getLogger("asrlab.sweep")


class RemoteRun:
    """A run on object storage, as this process may use it.

    Parameters
    ----------
    where : Path
        By :func:`asrlab.sweep.store.objects.located`.
    create : bool
        Make it if it is not there.

    Attributes
    ----------
    url : str
        Where it lies.
    folder : Path
        Of the working copy, which is as new as the log was when the run was opened.
    driver : str
        Id of this process, should it drive.
    broken : StoreError or None
        Why nothing more can be written.

    Raises
    ------
    StoreError
        If there is no run, the storage is unfit or does not answer, an object is missing or is not what was written, or
        there is no place for a working copy.
    """

    def __init__(self, where: Path, *, create: bool) -> None:
        self.objects = Objects(where)
        self.url = self.objects.url
        self.driver: Final = secrets.token_hex(8)
        self._about = self._read_or_begin(create=create)
        self.id = _id_in(self._about, f"{self.url}/{RUN}")
        key = hashlib.sha256(f"{self.url}\n{self.id}".encode()).hexdigest()[:32]
        self.folder = cache_folder("runs") / key
        if (bad := unfit(self.folder)) is not None:
            raise StoreError(
                f"The working copy of {self.url} would be made in {self.folder}; {bad}, where it is not safe. Set "
                "ASRLAB_CACHE to a folder on a disk of this machine."
            )
        self.broken: StoreError | None = None
        self._end = self.catch_up()
        self._compacted = 0

    # Reading

    def catch_up(self) -> End:
        """Bring the working copy up to date; returns where it ends.

        Raises
        ------
        StoreError
            If an object is missing or is not what was written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.folder / "copy.lock", timeout=_WAIT_S):
                if not (self.folder / LEDGER).exists():
                    self._make_copy(self.folder / LEDGER)
                with contextlib.closing(connected(self.folder / LEDGER)) as db:
                    self._apply_new(db)
                    return log.end_of(db)
        except (sqlite3.Error, OSError, TypeError) as error:
            raise StoreError(
                f"The working copy of {self.url} in {self.folder} cannot be used: {error}. Check that the disk has "
                "room; if it is damaged, delete that folder, and it is made anew."
            ) from error

    def faults(self) -> list[str]:
        """Read the whole log anew, and say where it and the working copy differ."""
        found = []
        with tempfile.TemporaryDirectory(prefix="asrlab-") as at:
            anew = Path(at) / LEDGER
            try:
                self._make_copy(anew, snapshots=False)
                with (
                    contextlib.closing(connected(anew)) as db,
                    contextlib.closing(connected(self.folder / LEDGER)) as mine,
                ):
                    self._apply_new(db)
                    if log.end_of(db) != log.end_of(mine):
                        found.append(f"{self.url} has changed while it was checked. Check it when nobody drives it.")
                    elif _content(db) != _content(mine):
                        found.append(
                            f"The log at {self.url} does not come to what the working copy in {self.folder} holds. "
                            "Delete that folder: it is made anew."
                        )
            except StoreError as error:
                found.append(str(error))
            for name in self.objects.names(_SNAPSHOTS):
                try:
                    self._take_snapshot(name, Path(at) / name)
                except StoreError as error:
                    found.append(str(error))
        return found

    def _make_copy(self, path: Path, *, snapshots: bool = True) -> None:
        """Begin a working copy, from the latest snapshot if there is one."""
        made = path.with_name(f"{LEDGER}.made")
        made.unlink(missing_ok=True)
        names = self.objects.names(_SNAPSHOTS) if snapshots else []
        while names and not self._take_snapshot(names[-1], made):  # an older one may just have been removed
            names = self.objects.names(_SNAPSHOTS)
        if not names:
            with contextlib.closing(connected(made)) as db:
                create_tables(db)
                log.begin(db, End(0, log.sha256_of(self._about)))
        with contextlib.closing(connected(made)) as db:
            db.execute("pragma journal_mode = wal")
        made.replace(path)

    def _take_snapshot(self, name: str, file: Path) -> bool:
        url = f"{self.url}/{_SNAPSHOTS}/{name}"
        if not self.objects.fetch(f"{_SNAPSHOTS}/{name}", file):
            return False
        wrong = f"{url} was cut off or changed. Delete it: the run is then read from its log."
        sha256 = _sha256_of(file)
        if sha256 not in name:
            raise StoreError(wrong)
        with contextlib.closing(connected(file)) as db:
            end = log.end_of(db)
        if name != _snapshot(end, sha256):
            raise StoreError(wrong)
        if self._sha256(end.number) != end.sha256:
            raise StoreError(
                f"{url} is not of the log that lies beside it. Delete it: the run is then read from its log."
            )
        return True

    def _sha256(self, number: int) -> str | None:
        content = self._about if number == 0 else self.objects.read(log.name_of(number))
        return None if content is None else log.sha256_of(content)

    def _apply_new(self, db: sqlite3.Connection) -> None:
        end, last = log.end_of(db), self._last()
        if last < end.number:
            raise StoreError(
                f"{self.url} ends with object {last} of its log, and {end.number} were read here before: the rest was "
                "deleted, or it lies in another place now. Take them from a copy or an earlier version of the bucket; "
                f"if they are to be given up, delete {self.folder}."
            )
        for first in range(end.number + 1, last + 1, _BATCH):
            names = [log.name_of(number) for number in range(first, min(first + _BATCH, last + 1))]
            contents = self.objects.read_all(names)
            db.execute("begin immediate")
            try:
                end = log.end_of(db)
                for number, (name, content) in enumerate(zip(names, contents, strict=True), first):
                    if number <= end.number:  # applied meanwhile, by who drives on this machine
                        continue
                    end = log.follow(db, f"{self.url}/{name}", content, self.id, end)
                log.move_end(db, end)
                db.execute("commit")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    db.execute("rollback")
                raise

    def _last(self) -> int:
        """List the log, and tell the number of its last object; 0 if there is none."""
        told_of = self.lease().get("number")  # first: who drives goes on
        groups = [name for name in self.objects.names("log") if name.isdecimal()]
        listed = self.objects.names(f"log/{groups[-1]}") if groups else []
        last = max((number for name in listed if (number := log.number_of(name)) is not None), default=0)
        if isinstance(told_of, int) and last < told_of:
            raise StoreError(
                f"{self.url} ends with object {last} of its log, and {told_of} were written: the rest was deleted. "
                "Take them from a copy or an earlier version of the bucket; if they are to be given up, delete "
                f"{self.url}/{_DRIVER}."
            )
        return last

    # Who drives

    def lease(self) -> dict[str, Any]:
        """Read what the driver last said of itself; empty if nobody ever drove, or it cannot be read."""
        try:
            said = json.loads(self.objects.read(_DRIVER) or b"{}")
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}

    def say(self, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Say that this process drives, and how far it is."""
        said = {"driver": self.driver, "number": self._end.number, **facts}
        self.objects.replace(_DRIVER, json.dumps(said).encode())

    def claim(self) -> bool:
        """Become the one that writes, whoever it was before; False if another was quicker.

        Raises
        ------
        StoreError
            Also if the storage does not keep to what it is asked for.
        """
        if not self.objects.creates_once(RUN, self._about):
            raise StoreError(
                f"A run cannot be kept at {self.url}: the storage creates an object although it is there "
                "(If-None-Match: * has no effect), and two processes could ask, and pay, twice. Use a storage that "
                "holds to conditional writes, or a folder of this machine."
            )
        end = self.catch_up()
        if self._sha256(end.number) != end.sha256:
            raise StoreError(
                f"{self.url}/{log.name_of(end.number)} is not what was read there before. Take it from a copy or an "
                f"earlier version of the bucket; or delete {self.folder}, and it is taken as it is now."
            )
        content = log.pack(self.id, end, self.driver, {})
        if not self.objects.create(log.name_of(end.number + 1), content):
            return False
        self._end = self.catch_up()
        self.broken = None if self._end.number == end.number + 1 else self._superseded()
        snapshots = self.objects.names(_SNAPSHOTS)
        self._compacted = int(snapshots[-1].partition("-")[0]) if snapshots else 0
        return self.broken is None

    def is_superseded(self) -> bool:
        """Whether another has written where this process would write next."""
        content = self.objects.read(log.name_of(self._end.number + 1))
        if content is not None and log.driver_of(content) != self.driver:
            self.broken = self._superseded()
        return self.broken is not None

    # Writing

    def append(self, db: sqlite3.Connection) -> None:
        """Put what a connection has changed on the storage, as the last thing before it commits.

        Raises
        ------
        StoreError
            If it is not there, or nobody knows; the commit must not be made, and no other will be.
        """
        if self.broken is not None:
            raise self.broken
        end = log.end_of(db)
        if end.number < self._end.number:  # that is on the storage, and the commit of it failed
            self.broken = StoreError(
                f"The working copy of {self.url} in {self.folder} could not be written; what was stored is at the URL. "
                "Check that the disk has room, then run again."
            )
            raise self.broken
        if changed := log.changes(db):
            content = log.pack(self.id, end, self.driver, changed)
            try:
                created = self.objects.create(log.name_of(end.number + 1), content)
            except StoreError as error:
                self.broken = error
                raise
            if not created:
                self.broken = self._superseded()
                raise self.broken
            self._end = End(end.number + 1, log.sha256_of(content))
            log.move_end(db, self._end)

    def compact(self, every: int) -> None:
        """Write a snapshot if the log has grown by so many objects since the last; it only spares reading them."""
        if self._end.number - self._compacted < every:
            return
        try:
            with tempfile.TemporaryDirectory(prefix="asrlab-") as at:
                file = Path(at) / LEDGER
                with contextlib.closing(connected(self.folder / LEDGER)) as db:
                    db.execute("vacuum into ?", (str(file),))
                with contextlib.closing(connected(file)) as db:
                    end = log.end_of(db)
                self.objects.send(file, f"{_SNAPSHOTS}/{_snapshot(end, _sha256_of(file))}")
            self._compacted = end.number
            for old in self.objects.names(_SNAPSHOTS)[:-_KEPT]:
                self.objects.remove(f"{_SNAPSHOTS}/{old}")
        except (StoreError, sqlite3.Error, OSError) as error:
            _log.warning("No snapshot was made of %s: %s", self.url, error)

    @property
    def named(self) -> str:
        """It and the working copy, for a message."""
        return f"{self.url} (of which a working copy lies in {self.folder}, and may be deleted)"

    def _superseded(self) -> StoreError:
        return StoreError(
            f"Another process has taken over the run at {self.url}. Nothing more is sent from here, and what was "
            "stored is safe; the other goes on from there."
        )

    def _read_or_begin(self, *, create: bool) -> bytes:
        about = self.objects.read(RUN)
        if about is None and create:
            made = datetime.now(UTC).isoformat(timespec="seconds")
            run = {"asrlab_run": _FORMAT, "id": secrets.token_hex(16), "made": made, "about": _ABOUT}
            self.objects.create(RUN, json.dumps(run, indent=1).encode())
            about = self.objects.read(RUN)  # perhaps of another, which was quicker
        if about is None:
            raise StoreError(f"There is no run at {self.url}: it has no {RUN}. Check the URL.")
        return about


def _id_in(about: bytes, url: str) -> str:
    try:
        said = json.loads(about)
        version, run = said["asrlab_run"], str(said["id"])
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{url} is not the {RUN} of a run of asrlab, or was cut off. Check the URL.") from error
    if version != _FORMAT:
        raise StoreError(f"{url} is of format {version}; this asrlab reads {_FORMAT}. Use the version that wrote it.")
    return run


def _snapshot(end: End, sha256: str) -> str:
    return f"{end.number:09}-{sha256}.sqlite"


def _sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _content(db: sqlite3.Connection) -> dict[str, str]:
    """Hash each table of a ledger, row by row in the order of its key."""
    hashes = {}
    for table, keys in log.keys(db):
        content = hashlib.sha256()
        for row in db.execute(f"select * from {table} order by {', '.join(keys)}"):  # noqa: S608 - a table of ours
            content.update(repr(row).encode())
        hashes[table] = content.hexdigest()
    return hashes
