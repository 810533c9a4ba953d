"""Turns that the processes of this machine take together: a small file a account, under a lock."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import filelock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LATE_S: Final = 0.1
_LOCKED_S: Final = 0.003  # the lock is held for far less
_GIVEN_UP_S: Final = 2.0
_STALE_S: Final = 60.0  # no turn is further ahead, unless the machine was started anew: the clock counts from there
_KEPT_S: Final = 24 * 3600.0

_log = logging.getLogger("asrlab.dashscope")


def next_turn(free: float, now: float, interval_s: float) -> float:
    """When the next turn is free, if one that was free from ``free`` is taken now.

    Who comes a little late to a turn does not put off all later ones: thousands of turns would else add up to minutes.
    At nine tenths of a limit, turns that are late by less than a ninth of a second still keep to the limit of any
    second.
    """
    return (free if now - free <= _LATE_S else now) + interval_s


class TurnFile:
    """When each kind of request of an account may next be sent, by the clock that all processes share.

    Where the file cannot be had (a read-only disk, or a process that was stopped while it held the lock), turns are
    taken without it: a request too many is answered with "too many requests", which is not lost.

    Parameters
    ----------
    path : path
        The file; its folder is made where need be, and rid of files that nobody has used for a day.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = filelock.FileLock(path.with_suffix(".lock"), timeout=0)
        self._within = threading.Lock()
        self._refused_since: float | None = None
        self._usable = True
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_old(path.parent)
        except OSError as error:
            self._give_up(error)

    def take(self, kind: str, interval_s: float, part: tuple[int, int] = (1, 1)) -> float:
        """Take a turn, after which the next of this kind is free in ``interval_s``.

        One of several parts, its number and how many there are, takes only each so many-th of these turns: the others
        are for parts on other machines. On one machine the turns of its parts stay evenly spaced.

        Returns
        -------
        float
            0 if it was taken, else the seconds after which to try again.
        """
        with self._within:
            if not self._usable:
                return 0.0
            try:
                with self._lock:
                    self._refused_since = None
                    number, of = part
                    lanes = {kind: interval_s} | ({f"{kind} {number}/{of}": of * interval_s} if of > 1 else {})
                    return self._take(lanes)
            except filelock.Timeout:
                now = time.monotonic()
                self._refused_since = self._refused_since or now
                return _LOCKED_S if now - self._refused_since < _GIVEN_UP_S else 0.0
            except OSError as error:
                self._give_up(error)
                return 0.0

    def _take(self, lanes: Mapping[str, float]) -> float:
        """Take a turn in all lanes, or in none."""
        turns: dict[str, float] = {}
        with suppress(FileNotFoundError, ValueError, RecursionError):  # a torn file is as good as none
            found = json.loads(self._path.read_text(encoding="utf-8"))
            turns = {name: at for name, at in found.items() if isinstance(at, float)} if isinstance(found, dict) else {}
        now = time.monotonic()  # counts from the start of the machine, so it is one clock for all its processes
        free = {lane: turns.get(lane, now) for lane in lanes}
        free = {
            lane: now if now + max(_STALE_S, 2 * lanes[lane]) <= moment else moment for lane, moment in free.items()
        }
        if now < (latest := max(free.values())):
            return latest - now
        turns |= {lane: next_turn(free[lane], now, interval_s) for lane, interval_s in lanes.items()}
        self._path.write_text(json.dumps(turns), encoding="utf-8")
        return 0.0

    def _give_up(self, error: OSError) -> None:
        self._usable = False
        _log.info("Pacing is not shared with other processes: %s", error.strerror)


def _remove_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_S
    for file in folder.iterdir():
        with suppress(OSError):  # another process may be removing it too
            if file.suffix == ".json" and file.stat().st_mtime < oldest:  # the locks are empty, and may be held
                file.unlink()
