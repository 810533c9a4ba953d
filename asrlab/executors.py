"""Executors: where parts of a work are worked on, be it here, in a pool of processes, or on a cluster.

All that is spread over several processors or machines goes through :func:`mapped`. A part holds all it needs, what
comes of it depends on nothing else, and results come in the order of the parts: so the same table comes out wherever,
and by however many, the parts are worked on. Workers return results; only the caller writes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
from collections import deque
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from asrlab.errors import AsrlabError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import distributed

    #: Where to work: here (None), an executor of concurrent.futures, or a client of a Dask cluster.
    Where: TypeAlias = Executor | distributed.Client | None

P = TypeVar("P")
T = TypeVar("T")

_log = logging.getLogger("asrlab")

#: Parts that wait at each worker for one that is worked on; more would only hold memory.
_WAITING: Final = 2


def check_executor(executor: object) -> None:
    """Raise if work cannot be given to that.

    Raises
    ------
    InvalidInput
        If it is neither an executor of concurrent.futures, nor a synchronous Dask client that is open, nor None.
    """
    if executor is None or isinstance(executor, Executor):
        return
    if not _is_dask(executor):
        raise InvalidInput(
            "executor= takes an executor of concurrent.futures, such as ProcessPoolExecutor(4), a Dask client, such as "
            f'distributed.Client("tcp://scheduler:8786"), or None; not {executor!r}.'
        )
    if executor.asynchronous:  # type: ignore[attr-defined]
        raise InvalidInput("executor= takes a Dask client without asynchronous=True: its results are waited for here.")
    if executor.status in {"closing", "closed"}:  # type: ignore[attr-defined]
        raise InvalidInput("executor= takes a Dask client that is open, and this one is closed. Make another.")


def slots(executor: Where) -> int:
    """Count the parts that can be worked on at one time.

    Parameters
    ----------
    executor : Executor, distributed.Client or None
        Checked before.
    """
    if executor is None:
        return 1
    if isinstance(executor, Executor):
        return int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)  # none of them says it in public
    return max(1, sum(executor.nthreads().values()))  # type: ignore[no-untyped-call]


def mapped(work: Callable[[P], T], parts: Iterable[P], executor: Where = None) -> Iterator[T]:
    """Do the same work on every part, and give what comes of it in the order of the parts.

    Parts are taken from their iterable as they are needed, no more than a few for each worker at a time: neither they
    nor the results need to fit into memory together.

    Parameters
    ----------
    work : callable
        A function of a module that can be imported, or a partial of one.
    parts : iterable
        Each can be pickled, and is of some tens of megabytes at most.
    executor : Executor, distributed.Client or None
        Where; here if None.

    Yields
    ------
    object
        What ``work`` gives for each part.

    Raises
    ------
    InvalidInput
        If work or parts cannot be sent to where they are worked on.
    AsrlabError
        If the workers died of it, or are of another version of asrlab. What the work itself raises is raised here.
    """
    if executor is None:
        yield from map(work, parts)
        return
    apart = not isinstance(executor, ThreadPoolExecutor)
    waiting: deque[Any] = deque()
    going = iter(parts)
    most = (1 + _WAITING) * slots(executor)
    if _is_dask(executor) and not places(executor):
        _log.warning("The Dask cluster has no workers: work waits until some come. Start workers, or interrupt this.")
    task = _Task(work, version("asrlab"))
    try:
        while True:
            for part in islice(going, most - len(waiting)):
                if apart and not waiting:
                    pickled((work, part), "This")  # says before anything is done that it cannot be sent
                waiting.append(_given(executor, task, part))
            if not waiting:
                return
            yield _result(waiting.popleft(), work)
    finally:
        for future in waiting:
            future.cancel()


def places(executor: Where) -> list[str]:
    """Name where work can be put: the workers of a Dask cluster by their addresses, those of a pool by numbers.

    Threads of this process are one place. There are none on a cluster whose workers have not come yet.

    Parameters
    ----------
    executor : Executor, distributed.Client or None
        Checked before.
    """
    if _is_dask(executor):
        return list(executor.nthreads())  # type: ignore[union-attr]
    return [str(number) for number in range(1 if isinstance(executor, ThreadPoolExecutor) else slots(executor))]


async def asked(work: Callable[[P], T], part: P, executor: Executor | distributed.Client, place: str = "") -> T:
    """Do work on one part, for who awaits it; who stops waiting may leave it to be done in vain.

    Parameters
    ----------
    work, part : callable, object
        As for :func:`mapped`.
    executor : Executor or distributed.Client
        Where.
    place : str
        The worker of a Dask cluster that is to do it, unless it is lost or overtaken; a pool chooses for itself.

    Raises
    ------
    InvalidInput, AsrlabError
        As :func:`mapped` does.
    """
    if not isinstance(executor, ThreadPoolExecutor):
        pickled((work, part), "This")
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # of a loop that was closed meanwhile
            loop.call_soon_threadsafe(done.set)

    future = _given(executor, _Task(work, version("asrlab")), part, place)
    try:
        future.add_done_callback(tell)
        await done.wait()
    except asyncio.CancelledError:
        if isinstance(executor, Executor):
            future.cancel()  # a cluster forgets by itself what nobody waits for
        raise
    return await asyncio.to_thread(_result, future, work)


class _Task(Generic[P, T]):
    """Work as it is done by a worker, which must be of the version of who asked: else numbers of two are mixed."""

    def __init__(self, work: Callable[[P], T], asked_by: str) -> None:
        self.work = work
        self._asked_by = asked_by

    def __call__(self, part: P) -> T:
        here = version("asrlab")
        if here != self._asked_by:
            raise InvalidInput(
                f"A worker has asrlab {here}, and {self._asked_by} asked it to work. Install one version everywhere."
            )
        return self.work(part)


def _is_dask(executor: object) -> bool:
    distributed = sys.modules.get("distributed")  # who has a client has imported it
    return distributed is not None and isinstance(executor, distributed.Client)


def _given(executor: Any, task: _Task[P, T], part: P, place: str = "") -> Future[T]:  # noqa: ANN401 - see Where
    how: dict[str, Any] = {}
    if _is_dask(executor):
        # The part travels with its task: one that was put on a worker beforehand would be lost with that worker.
        how = {"pure": False, **({"workers": [place], "allow_other_workers": True} if place else {})}
    try:
        return executor.submit(task, part, **how)  # type: ignore[no-any-return]
    except BrokenExecutor as error:
        raise _died(error, task.work) from error
    except RuntimeError as error:
        raise AsrlabError(
            f"executor= takes no more work ({error}), of {_named(task.work)}: it was shut down. Make another, and use "
            "it inside its with block."
        ) from error


def pickled(this: object, name: str) -> bytes:
    """Pickle what is sent to another process; ``name`` is what a message calls it.

    Raises
    ------
    InvalidInput
        If it cannot be pickled.
    """
    try:
        return pickle.dumps(this)
    except Exception as error:  # an object may say in its own way that it cannot
        raise InvalidInput(
            f"{name} cannot be sent to another process ({type(error).__name__}: {error}). Use functions of a module "
            "that can be imported (no lambda), or leave executor= out."
        ) from error


def _result(future: Future[T], work: object) -> T:
    try:
        return future.result()
    except BrokenExecutor as error:
        raise _died(error, work) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] != "distributed":
            raise
        raise AsrlabError(
            f"The cluster did not do its work ({type(error).__name__}), of {_named(work)}: workers died of it several "
            "times, most likely for want of memory, or the scheduler is gone. Look at their logs, and go on with a "
            "cluster that is whole."
        ) from error


def _died(error: BrokenExecutor, work: object) -> AsrlabError:
    return AsrlabError(
        f"The processes ended before their work was done ({error}): of {_named(work)}. Either memory ran out, or they "
        "cannot find what they were to do: a process that starts anew does not know functions that are defined in a "
        "notebook or at a prompt. A broken executor is of no more use: make another."
    )


def _named(work: object) -> str:
    return getattr(getattr(work, "func", work), "__qualname__", type(work).__name__)
