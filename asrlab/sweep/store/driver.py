"""The driver of a run: the one process that asks."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import filelock

if TYPE_CHECKING:
    from pathlib import Path

_LOCK: Final = "driver.lock"
_WHO: Final = "driver.json"
_TRIED_S: Final = 1.0  # longer than others hold it who only look


class Driver:
    """A place at the wheel of a run, that one process can take.

    Parameters
    ----------
    folder : path
        Of the run.
    """

    def __init__(self, folder: Path) -> None:
        # The lock's file cannot say who holds it: it is emptied by whoever tries it.
        self._who = folder / _WHO
        # Taken by the thread of an event loop, and perhaps let go of by another.
        self._lock = filelock.FileLock(folder / _LOCK, timeout=0, thread_local=False)

    def take(self) -> bool:
        """Become the driver; False if another is.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        if self._lock.is_locked:
            return True
        try:
            self._lock.acquire()
        except filelock.Timeout:
            return False
        who = {"process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        with contextlib.suppress(OSError):  # it is only for a message, and the disk may be full
            self._who.write_text(json.dumps(who), encoding="utf-8")
        return True

    def leave(self) -> None:
        """Let go, if it was taken."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                self._who.unlink(missing_ok=True)
            self._lock.release()

    def __str__(self) -> str:
        """Say who drives, for a message."""
        try:
            who = json.loads(self._who.read_text(encoding="utf-8"))
            return f"process {int(who['process'])}, since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def is_driven(folder: Path) -> bool:
    """Whether a process drives a run; where the lock cannot be tried, none is taken to."""
    if not (folder / _LOCK).exists():
        return False
    lock = filelock.FileLock(folder / _LOCK, timeout=_TRIED_S, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False
