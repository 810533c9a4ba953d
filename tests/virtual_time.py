"""An event loop whose clock jumps to the next timer instead of waiting for it, for scenarios that take minutes."""

from __future__ import annotations

import asyncio
import selectors

START = 1000.0


class _Jumping(selectors.DefaultSelector):
    """A selector that never waits for time: where nothing is ready, the clock is moved on, for all loops to come."""

    now = START

    def select(self, timeout=None):
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            _Jumping.now += timeout
        return ready


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        super().__init__(_Jumping())

    def time(self):
        return _Jumping.now


def run(coroutine):
    """As asyncio.run, in virtual time."""
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(coroutine)


def now():
    """Give the virtual time."""
    return _Jumping.now


def reset():
    """Begin at START again."""
    _Jumping.now = START
