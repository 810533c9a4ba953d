"""Engines over workers: one that computes is loaded once by each worker, and recordings are handed out among them.

All questions about a recording that wait at one time go to one worker together, so that what its conditions share is
worked out once. Where a worker sees the very file, only its path travels, else the recording does. An engine's identity
is the same wherever it computes; who asks writes down what comes back.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import traceback
from collections import Counter, OrderedDict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from math import ceil, inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self, cast

from asrlab.engines.base import UNWATCHED, Answer, Capabilities, Engine, Question
from asrlab.errors import AsrlabError, InvalidInput, ServiceError
from asrlab.executors import asked, check_executor, pickled, places

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from concurrent.futures import Executor

    import distributed

    from asrlab.engines.base import Parameters, Steps

_AHEAD: Final = 2  # recordings at each worker: one that it works on, and one that waits there
_QUEUED: Final = 32  # questions that wait here for each worker: those about a recording are found among them
_LOOKED_AT: Final = 64  # recordings among which one is looked for that a worker has heard before
_REMEMBERED: Final = 4096  # recordings
_MOST_BYTES: Final = 100 << 20  # of a recording that travels
_LOOK_S: Final = 1.0  # between looks which workers there are
_TRIES: Final = 3


class Workers:
    """Those who compute for the engines of a run.

    Parameters
    ----------
    executor : Executor or distributed.Client
        Where they are: each worker of a cluster, or process of a pool, holds its own models; the threads of a pool
        share those of this process.

    Raises
    ------
    InvalidInput
        If it is no executor; on entering, if its workers have another version of asrlab.
    """

    def __init__(self, executor: Executor | distributed.Client) -> None:
        check_executor(executor)
        self._executor = executor
        self._waiting: OrderedDict[tuple[Spread, str], list[_Waiting]] = OrderedDict()
        self._at_work = Counter[str]()
        self._met: set[tuple[str, str]] = set()  # workers, and what they have been given before
        self._blind: set[str] = set()  # workers that do not see the files of this machine
        self._heard: OrderedDict[str, str] = OrderedDict()  # recordings, and the worker that has heard each
        self._files: OrderedDict[tuple[str, int, int], str] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handing_out = False
        self._there: list[str] = []
        self._looked = -inf

    async def __aenter__(self) -> Self:
        """See that there are workers; a pool starts its processes now, before there is anything to inherit."""
        await self._do(_Batch(), "")
        await self._places()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave what is still worked on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spread(self, engine: Engine) -> Engine:
        """Give an engine whose questions are answered by the workers; one that does not compute as it is."""
        return Spread(engine, self) if engine.computes else engine

    @property
    def room(self) -> int:
        """How many questions are worth having under way at once."""
        return _QUEUED * max(2, len(self._there))

    async def meet(self, engine: Spread) -> Capabilities:
        """Have a worker load an engine; gives what it obeys there."""
        place, *_ = await self._places()
        return cast("Capabilities", await self._do(self._batch(engine), place))

    async def ask(self, engine: Spread, question: Question) -> Answer:
        """Have a question answered by a worker."""
        waiting = _Waiting(question, asyncio.get_running_loop().create_future())
        self._waiting.setdefault((engine, question.audio), []).append(waiting)
        self._soon()
        return await waiting.answer

    def _soon(self) -> None:
        # After all who are about to ask have asked.
        if not self._handing_out:
            self._handing_out = True
            task = asyncio.create_task(self._hand_out())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _hand_out(self) -> None:
        try:
            while self._waiting:
                there = await self._places()
                free = min(there, key=lambda place: self._at_work[place])
                if self._at_work[free] >= _AHEAD:
                    return  # whoever comes back goes on
                if batch := self._next(free, len(there)):
                    self._at_work[free] += 1
                    task = asyncio.create_task(self._work(*batch, free))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        except Exception as error:  # of the executor: nothing would be handed out any more
            gone = error if isinstance(error, ServiceError) else _unfit(f"The workers cannot be reached: {error}")
            for one in [one for waiting in self._waiting.values() for one in waiting]:
                one.tell(gone)
            self._waiting.clear()
        finally:
            self._handing_out = False

    async def _places(self) -> list[str]:
        """Workers there are now; waits until there are any."""
        while monotonic() - self._looked > _LOOK_S or not self._there:
            if self._looked > -inf and not self._there:
                await asyncio.sleep(_LOOK_S)
            self._looked, self._there = monotonic(), await asyncio.to_thread(places, self._executor)
        return self._there

    def _next(self, place: str, n_places: int) -> tuple[Spread, str, list[_Waiting]] | None:
        """Take questions about one recording: the first that this worker has heard before, or nobody has."""
        first = next(iter(self._waiting))
        fits = (key for key in islice(self._waiting, _LOOKED_AT) if self._heard.get(key[1], place) == place)
        key = next(fits, first)
        waiting = [one for one in self._waiting.pop(key) if not one.answer.done()]
        # Towards the end a recording's questions are shared out, so that no worker is left with many.
        most = ceil((sum(map(len, self._waiting.values())) + len(waiting)) / n_places)
        if waiting[most:]:
            self._waiting[key] = waiting[most:]
            self._waiting.move_to_end(key, last=False)
        if not waiting:
            return None
        self._heard[key[1]] = place
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        return *key, waiting[:most]

    async def _work(self, engine: Spread, audio: str, questions: list[_Waiting], place: str) -> None:
        try:
            file = await asyncio.to_thread(self._file, audio)
            batch = replace(self._batch(engine), file=file, questions=tuple(one.question for one in questions))
            found = await self._do(batch, place)
            for one, answer in zip(questions, cast("list[Answer | Exception]", found), strict=True):
                one.tell(answer)
        except Exception as error:
            for one in questions:
                one.tell(error)
        finally:
            self._at_work[place] -= 1
            self._soon()

    async def _do(self, batch: _Batch, place: str) -> object:
        """Send a batch without what the worker has or sees, and with what it says that it lacks."""
        lacks = _Lacks(engine=(place, batch.engine) not in self._met, recording=place in self._blind)
        try:
            for _ in range(_TRIES):
                result = await asked(_work_on, batch.sent(lacks), self._executor, place)
                if not isinstance(result, _Lacks):
                    self._met.add((place, batch.engine))
                    return result
                if result.recording:
                    self._blind.add(place)
                lacks = _Lacks(engine=lacks.engine or result.engine, recording=lacks.recording or result.recording)
        except (ServiceError, InvalidInput):
            raise
        except AsrlabError as error:
            raise ServiceError(str(error), code="Workers") from error
        raise AssertionError("unreachable")

    def _batch(self, engine: Spread) -> _Batch:
        return _Batch(engine.key, len(self._there), engine.pickled)

    def _file(self, audio: str) -> _File | None:
        """Tell what a file is, so that another is never taken for it; None of what is no file."""
        try:
            facts = os.stat(audio)  # noqa: PTH116 - it may be a link
        except (OSError, ValueError):
            return None
        key = audio, facts.st_size, facts.st_mtime_ns
        if key not in self._files:
            with open(audio, "rb") as file:  # noqa: PTH123 - as above
                self._files[key] = hashlib.file_digest(file, "sha256").hexdigest()
            if len(self._files) > _REMEMBERED:
                self._files.popitem(last=False)
        return _File(audio, facts.st_size, self._files[key])


class Spread(Engine):
    """An engine whose questions are answered by workers; made by :meth:`Workers.spread`."""

    def __init__(self, engine: Engine, workers: Workers) -> None:
        self._engine = engine
        self._workers = workers
        self._capabilities: Capabilities | None = None
        self.name = engine.name  # type: ignore[misc]  # of each of these its own
        self.free = engine.free
        self.concurrency = workers.room

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the engine."""
        return self._engine.identity

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # known once entered
        """What the engine obeys, as a worker has it; known once entered."""
        if self._capabilities is None:
            raise RuntimeError("What an engine obeys is known once a worker has loaded it.")
        return self._capabilities

    def __repr__(self) -> str:
        return repr(self._engine)

    async def __aenter__(self) -> Self:
        """Have a worker load the engine."""
        self._capabilities = await self._workers.meet(self)
        return self

    def check(self, parameters: Parameters) -> None:
        """Refuse what the engine refuses."""
        self._engine.check(parameters)

    async def transcribe(self, question: Question, steps: Steps = UNWATCHED) -> Answer:
        """Have a worker answer; see :class:`asrlab.engines.base.Engine`.

        Raises
        ------
        ServiceError
            Also if the workers are gone, or cannot load the engine (code ``Workers``): all questions would meet that.
        """
        return await self._workers.ask(self, question)

    @cached_property
    def pickled(self) -> bytes:
        """The engine as it is sent, with the identity that it must have where it arrives."""
        return pickled((self._engine, dict(self._engine.identity)), repr(self._engine))

    @cached_property
    def key(self) -> str:
        """What workers know it by."""
        return hashlib.sha256(self.pickled).hexdigest()


@dataclass
class _Waiting:
    """A question, and who awaits its answer."""

    question: Question
    answer: asyncio.Future[Answer]

    def tell(self, answer: Answer | Exception) -> None:
        if self.answer.done():  # nobody waits any more
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


# What travels


@dataclass(frozen=True)
class _File:
    """A recording: its path where it is asked about, what it must be, and, where it travels, its content."""

    path: str
    size: int
    sha256: str
    content: bytes | None = field(default=None, repr=False)

    def with_content(self) -> _File:
        if self.size > _MOST_BYTES:
            raise InvalidInput(
                f"{self.path} has {self.size >> 20:,} MB, which is too much to send to workers. Put it where they see "
                "it under the same path, such as on a disk that they share; or cut it: segmented()."
            )
        return replace(self, content=Path(self.path).read_bytes())


@dataclass(frozen=True)
class _Lacks:
    """What a worker needs to be sent."""

    engine: bool
    recording: bool


@dataclass(frozen=True)
class _Batch:
    """Questions about a recording; without any, an engine is only loaded."""

    engine: str = ""
    workers: int = 1
    pickled: bytes | None = field(default=None, repr=False)
    file: _File | None = None
    questions: tuple[Question, ...] = ()

    def sent(self, lacks: _Lacks) -> _Batch:
        file = self.file.with_content() if self.file is not None and lacks.recording else self.file
        return replace(self, file=file, pickled=self.pickled if lacks.engine else None)


# At the worker


def _work_on(batch: _Batch) -> list[Answer | Exception] | Capabilities | _Lacks | None:
    _let_who_asked_be_interrupted()
    if not batch.engine:
        return None
    with _models.using(batch) as model, _at_hand(batch.file) as path:
        if model is None or (batch.file is not None and path is None):
            return _Lacks(engine=model is None, recording=batch.file is not None and path is None)
        if not batch.questions:
            return model.engine.capabilities
        questions = [question if path is None else replace(question, audio=path) for question in batch.questions]
        answers: list[Answer | Exception] = model.run(_answer_all(model.engine, questions, batch.questions[0].audio))
        return answers


def _let_who_asked_be_interrupted() -> None:
    """Take no notice of Ctrl-C in a process of a pool: a terminal sends it to all, and the run ends by itself."""
    if multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _answer_all(engine: Engine, questions: list[Question], named: str) -> list[Answer | Exception]:
    async def one(question: Question) -> Answer | Exception:
        try:
            return await engine.transcribe(question)
        except Exception as error:
            return _sendable(error, question.audio, named)

    return await asyncio.gather(*map(one, questions))


def _sendable(error: Exception, path: str, named: str) -> Exception:
    """Give an error as it can travel, naming the recording as who asked does."""
    if path != named:
        error.args = tuple(part.replace(path, named) if isinstance(part, str) else part for part in error.args)
        if isinstance(error, ServiceError):
            error.message = error.message.replace(path, named)
    if not isinstance(error, AsrlabError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


@contextmanager
def _at_hand(file: _File | None) -> Iterator[str | None]:
    """Give the path of a recording: the same file as where it is asked about, or one of what has travelled."""
    if file is None or _is_here(file):
        yield None if file is None else file.path
    elif file.content is None:
        yield None
    else:
        with tempfile.TemporaryDirectory(prefix="asrlab-") as folder:
            path = Path(folder) / f"recording{Path(file.path).suffix}"
            path.write_bytes(file.content)
            yield str(path)


def _is_here(file: _File) -> bool:
    try:
        if Path(file.path).stat().st_size != file.size:
            return False
        with Path(file.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except (OSError, ValueError):
        return False


class _Model:
    """An engine that is held loaded, with an event loop of its own."""

    def __init__(self, engine: Engine) -> None:
        self.users = 0
        self._loop = asyncio.new_event_loop()
        # It keeps no process from ending: whoever asks is gone by then.
        self._thread = threading.Thread(target=self._loop.run_forever, name="asrlab engine", daemon=True)
        self._thread.start()
        try:
            self.engine: Engine = self.run(engine.__aenter__())
        except BaseException:
            self._end()
            raise

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        with suppress(Exception):
            self.run(self.engine.__aexit__(None, None, None))
        self._end()

    def _end(self) -> None:
        with suppress(Exception):
            self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Models:
    """The engines that this process holds: as many as its share of the memory has room for."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._held: OrderedDict[str, _Model] = OrderedDict()

    @contextmanager
    def using(self, batch: _Batch) -> Iterator[_Model | None]:
        """Give an engine, loaded if need be; None if it would have to be sent for that."""
        with self._turn:
            if batch.engine not in self._held and batch.pickled is not None:
                self._load(batch.engine, batch.pickled, batch.workers)
            model = self._held.get(batch.engine)
            if model is not None:
                self._held.move_to_end(batch.engine)
                model.users += 1
        try:
            yield model
        finally:
            if model is not None:
                with self._turn:
                    model.users -= 1
                    self._turn.notify_all()

    def close(self) -> None:
        """Let go of all of them."""
        with self._turn:
            while self._held:
                self._held.popitem()[1].close()

    def _load(self, key: str, pickled: bytes, workers: int) -> None:
        try:
            engine, identity = pickle.loads(pickled)  # noqa: S301 - executors run what they are sent
        except (AttributeError, ImportError) as error:
            raise _unfit(f"An engine cannot be had by a worker: {error}. Install its module there.") from None
        if dict(engine.identity) != identity:
            raise _unfit(
                f"{engine!r} is another at a worker: {dict(engine.identity)} there, {identity} here. Install the same "
                "versions everywhere."
            )
        threads, room_mb = _share(workers)
        if engine.memory_mb > room_mb:
            raise _unfit(f"{engine!r} takes {engine.memory_mb} MB, and a worker has {room_mb}. Have fewer workers.")
        while key not in self._held and self._taken_mb + engine.memory_mb > room_mb:
            idle = next((other for other, model in self._held.items() if not model.users), None)
            if idle is None:
                self._turn.wait()
            else:
                self._held.pop(idle).close()
        if key not in self._held:
            try:
                self._held[key] = _Model(engine.on_worker(threads))
            except Exception as error:
                raise _unfit(f"{engine!r} cannot be loaded by a worker: {error}") from None

    @property
    def _taken_mb(self) -> int:
        return sum(model.engine.memory_mb for model in self._held.values())


def _unfit(message: str) -> ServiceError:
    return ServiceError(message, code="Workers")


def _share(workers: int) -> tuple[int, int]:
    """Threads and megabytes of memory that are this worker's: as its cluster has it, else its part of the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else sys.maxsize
    distributed = sys.modules.get("distributed")
    with suppress(AttributeError, ValueError):  # no worker of a cluster
        worker = distributed.get_worker()  # type: ignore[union-attr]
        return worker.state.nthreads, (worker.memory_manager.memory_limit or memory) >> 20
    return max(1, cores // workers), memory // workers >> 20


_models = _Models()
atexit.register(_models.close)


def _forget() -> None:
    # A process that is forked has not the threads of these models, and perhaps a lock that one of them had taken.
    _models._held, _models._turn = OrderedDict(), threading.Condition()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
