"""Group commit: many small writes that each wait for the disk, and wait for it together.

One thread holds the connection that writes. It takes everything that is queued, does it in one transaction and then
wakes all who wait; what comes meanwhile is the next transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
_AT_ONCE: Final = 1000


@dataclass(slots=True, eq=False)
class Write(Generic[T]):
    """A piece of work on the ledger, and what came of it."""

    work: Callable[[sqlite3.Connection], T]
    result: T | None = None
    error: Exception | None = None
    waiter: asyncio.Future[T] | Future[T] | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def tell(self) -> None:
        """Wake who waits."""
        if self.waiter is None or self.waiter.done():
            return
        if self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)  # type: ignore[arg-type]


class Committer:
    """The one that writes to a ledger.

    Parameters
    ----------
    connect : callable
        Makes the connection, in autocommit mode; called when there is something to write.
    told : callable
        Makes of an error of SQLite or of the disk one of ours, and leaves others as they are.
    seal : callable, optional
        Is called with the connection before each commit, which is not made if it raises.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        told: Callable[[Exception], Exception],
        seal: Callable[[sqlite3.Connection], None] = lambda _: None,
    ) -> None:
        self._connect = connect
        self._told = told
        self._seal = seal
        self._db: sqlite3.Connection | None = None
        self._queue: queue.SimpleQueue[Write[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def put(self, work: Callable[[sqlite3.Connection], T]) -> Write[T]:
        """Queue a write on behalf of the running event loop; await its ``waiter``.

        It is done even if nobody waits for it any more.
        """
        loop = asyncio.get_running_loop()
        write = Write(work, waiter=loop.create_future(), loop=loop)
        self._put(write)
        return write

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Write, and wait until it is on the disk."""
        waiter: Future[T] = Future()
        self._put(Write(work, waiter=waiter))
        return waiter.result()

    def close(self) -> None:
        """Do what is queued, then let go of the connection."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _put(self, write: Write[Any]) -> None:
        with self._starting:
            if self._thread is None:
                # It must not keep a process alive that forgot to close its store.
                self._thread = threading.Thread(target=self._serve, name="asrlab ledger", daemon=True)
                self._thread.start()
            self._queue.put(write)

    def _serve(self) -> None:
        going = True
        while going:
            taken = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while len(taken) < _AT_ONCE:
                    taken.append(self._queue.get_nowait())
            going = None not in taken
            writes = [write for write in taken if write is not None]
            self._commit(writes)
            _wake(writes)
        if self._db is not None:
            self._db.close()
            self._db = None

    def _commit(self, writes: Sequence[Write[Any]]) -> None:
        try:
            if self._db is None:
                self._db = self._connect()
            commit(self._db, writes, self._told, self._seal)
        except Exception as error:  # of the disk or of the connection: nothing of it is stored
            for write in writes:
                write.error = write.error or self._told(error)


def commit(
    db: sqlite3.Connection,
    writes: Sequence[Write[Any]],
    told: Callable[[Exception], Exception],
    seal: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> None:
    """Do writes in one transaction; one that fails is undone alone and keeps its error."""
    try:
        db.execute("begin immediate")
        for write in writes:
            db.execute("savepoint piece")
            try:
                write.result = write.work(db)
            except Exception as error:
                if not db.in_transaction:  # a full disk may have ended all of it
                    raise
                db.execute("rollback to piece")
                write.error = told(error)
            db.execute("release piece")
        seal(db)
        db.execute("commit")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            if db.in_transaction:
                db.execute("rollback")
        raise


def _wake(writes: Sequence[Write[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Write[Any]]] = {}
    for write in writes:
        by_loop.setdefault(write.loop, []).append(write)
    for loop, woken in by_loop.items():
        if loop is None:
            _tell(woken)
        else:
            with contextlib.suppress(RuntimeError):  # a loop that was closed has nobody left who waits
                loop.call_soon_threadsafe(_tell, woken)


def _tell(writes: Sequence[Write[Any]]) -> None:
    for write in writes:
        write.tell()
