"""Leases: the one process that asks for a run on object storage, and how another takes its place.

What keeps two from asking is the log, in which a number can be taken once. The lease only tells others how things
stand: its holder renews it, and one that is seen unchanged for a while, by a clock of one's own, is that of a process
that died. On this machine a lock tells at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import StoreError
from asrlab.sweep.store.driver import Driver

if TYPE_CHECKING:
    from asrlab.sweep.store.remote import RemoteRun

BEAT_S: Final = 15.0
LAPSE_S: Final = 90.0  # some missed beats
_LOOK_S: Final = 2.0
_LAST_BEAT_S: Final = 60.0  # it may take, at the end: more than a storage is given to answer
#: Objects of the log after which a snapshot is worth its while: at the end of a run, and in the middle of one.
_AT_END: Final = 100
_MEANWHILE: Final = 5000


class Lease:
    """A place at the wheel of a run on object storage, that one process can take; like :class:`Driver`.

    Parameters
    ----------
    run : RemoteRun
        Which.
    """

    def __init__(self, run: RemoteRun) -> None:
        self._run = run
        self._here = Driver(run.folder)
        self._seen: tuple[dict[str, Any], float] = {}, 0.0
        self._heard = False
        self._looked = float("-inf")
        self._beating: threading.Thread | None = None
        self._stopping = threading.Event()
        self._facts: dict[str, Any] = {}

    @property
    def held(self) -> bool:
        """Whether this process drives."""
        return self._beating is not None

    def take(self) -> bool:
        """Become the driver; False if another is.

        Raises
        ------
        StoreError
            If the storage refuses, does not answer or is unfit.
        OSError
            If the folder of the working copy cannot be written.
        """
        if self.held:
            return True
        if time.monotonic() - self._looked < _LOOK_S:
            return False
        if not self._here.take():
            self._forget()
            return False
        try:
            taken = not self._is_elsewhere() and self._run.claim()
            if taken:
                self._say()
        except BaseException:
            self._here.leave()
            raise
        if not taken:
            self._here.leave()
            return False
        self._forget()
        self._stopping = threading.Event()
        self._beating = threading.Thread(target=self._beat, args=(self._stopping,), name="asrlab lease", daemon=True)
        self._beating.start()
        return True

    def leave(self) -> None:
        """Let go, if it was taken."""
        if self._beating is None:
            return
        self._stopping.set()
        # One that waits for a storage that hangs ends by itself, and says nothing more.
        self._beating.join(0 if self._run.broken is not None else _LAST_BEAT_S)
        hangs, self._beating = self._beating.is_alive(), None
        if self._run.broken is None and not hangs:
            self._run.compact(_AT_END)
            with contextlib.suppress(StoreError):  # it lapses
                self._say(left=True)
        self._here.leave()

    def lapses_in(self) -> float | None:
        """In how many seconds who drives is taken for dead, if nothing is heard of it.

        None if it was heard of since it was first seen here, or is a process of this machine: it lives.
        """
        seen, since = self._seen
        return None if self._heard or not seen else max(LAPSE_S - (time.monotonic() - since), 0.0)

    def __str__(self) -> str:
        """Say who drives, for a message."""
        with contextlib.suppress(StoreError):
            said = self._run.lease()
            if said.get("copy") == self._copy():
                return str(self._here)
            if isinstance(since := said.get("since"), str):
                return f"a process on another machine, since {since[:32]}"
        return "another process"

    def _is_elsewhere(self) -> bool:
        """Whether a process that has another working copy drives, as far as is known."""
        said = self._run.lease()
        if not said or said.get("left") or said.get("copy") == self._copy():
            return False
        seen, since = self._seen
        self._looked = time.monotonic()
        if said != seen:
            self._heard = bool(seen)
            self._seen = said, self._looked
            return True
        return self._looked - since < LAPSE_S

    def _forget(self) -> None:
        """Forget who was seen elsewhere, since it does not drive any more."""
        self._seen, self._heard = ({}, 0.0), False

    def _copy(self) -> str:
        """Id of the working copy here: who holds its lock knows that no other process drives from it."""
        file = self._run.folder / "copy.id"
        if not file.exists():
            with contextlib.suppress(FileExistsError), file.open("x", encoding="utf-8") as opened:
                opened.write(secrets.token_hex(8))
        return file.read_text(encoding="utf-8")

    def _say(self, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if not self._facts:
            self._facts = {"copy": self._copy(), "process": os.getpid(), "since": now}
        self._run.say(**self._facts, at=now, **facts)

    def _beat(self, stopping: threading.Event) -> None:
        while not stopping.wait(BEAT_S):
            with contextlib.suppress(StoreError):
                if self._run.lease().get("driver") != self._run.driver and self._run.is_superseded():
                    return
                if self._run.broken is None:
                    self._say()
                    self._run.compact(_MEANWHILE)
