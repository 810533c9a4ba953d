"""Work on recordings, spread: each is read by a worker, which may be on another machine, and the caller keeps results.

A file travels by its name and by what the caller saw of it, so that a worker which finds another one says so.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from os import cpu_count
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from asrlab.data.links import shown
from asrlab.data.places import OutOfReach, ask, ask_all, each_alone, is_here, local_copy
from asrlab.data.recordings import Look, Recording, look, measure, recordings
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor, mapped, slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from asrlab.data.places import Told
    from asrlab.executors import Where

    Progress: TypeAlias = bool | Callable[[int, int], object]

K = TypeVar("K")
P = TypeVar("P")
T = TypeVar("T")

ASKED: Final = 1_000  # files that their hosts are asked about at a time
_MOST: Final = 16  # files of a part: a task of a cluster costs as much as reading one short file
_PARTS: Final = 8  # for each worker, where there are fewer files: the last ones do not wait for one
_SAME_S: Final = 2.0  # by which times of a file may differ between file systems
_EVERY_S: Final = (0.2, 10.0)  # in a terminal; in a log, where each line stays


class Seen(NamedTuple):
    """A file, and what the caller saw of it.

    Parameters
    ----------
    path : Path
        By :func:`asrlab.data.places.place`.
    size : int, optional
        Of a file of this machine, in bytes; None where there is none.
    changed_s : float, optional
        When that was changed last.
    told : Told, optional
        What the host says of one behind a URL.
    """

    path: Path
    size: int | None = None
    changed_s: float | None = None
    told: Told | None = None

    def file(self) -> Path:
        """Give it where a worker is, which fetches what lies behind a URL.

        Raises
        ------
        OutOfReach
            If the worker has none there, or another one; nothing is wrong with the recording then.
        InvalidInput
            If there was none, or it cannot be fetched.
        """
        if self.told is not None:
            return local_copy(self.path, told=self.told)
        if self.size is None:
            raise InvalidInput(f"There is no audio file {self.path}. Check the path in the manifest.")
        try:
            facts = self.path.stat()
        except OSError:
            found = "is not there"
        else:
            if facts.st_size == self.size and abs(facts.st_mtime - (self.changed_s or 0)) < _SAME_S:
                return self.path
            found = "is another file"
        raise OutOfReach(
            f"{self.path} {found} where it was to be read, on {platform.node()}. Workers read recordings themselves: "
            "put them on a disk that all machines have at the same path, or behind a URL such as s3://bucket/corpus; "
            "or leave executor= out. If the file is being written, wait until it is finished."
        )


def seen(path: Path) -> Seen:
    """Look at a file that a worker is to read.

    Raises
    ------
    InvalidInput
        If it lies behind a URL, and its host says nothing of it.
    """
    if not is_here(path):
        return Seen(path, told=ask(path))
    try:
        facts = path.stat()
    except (OSError, ValueError):
        return Seen(path)
    return Seen(path, facts.st_size, facts.st_mtime)


def facts_of(path: Path) -> Recording:
    """Find out what a recording is, unless that was done since it last changed.

    Parameters
    ----------
    path : Path
        By :func:`asrlab.data.places.place`. What lies behind a URL is fetched only where that was not found out before,
        be it by a worker.

    Raises
    ------
    InvalidInput
        If it is missing, is not audio that can be read, or changes while it is read.
    """
    if is_here(path):
        return recordings().measured(path)
    told = ask(path)
    file = _look(path, told)
    if (known := recordings().known(file)) is not None:
        return known
    recording = measure(local_copy(path, told=told))
    recordings().keep([(file, recording)])
    return recording


def learn(files: Sequence[Path], executor: Where, progress: Progress = False) -> None:
    """Find out what recordings are, many at once, so that :func:`facts_of` knows it.

    Of what cannot be read nothing is known then: that is said when it is asked for.

    Raises
    ------
    OutOfReach
        If workers do not have the files.
    """
    report = reporter(progress, "read")
    with workers(executor) as pool:
        parts = parts_of(_unknown(files), part_size(len(files), pool))
        for part, found in paired(_measured, ((part, [one.seen for one in part]) for part in parts), pool):
            recordings().keep([
                (one.file, recording)
                for one, recording in zip(part, found, strict=True)
                if recording is not None and _is_still(one)
            ])  # fmt: skip
            report(part[-1].number, len(files))


class _Unknown(NamedTuple):
    """A file of which nothing is known yet."""

    number: int
    seen: Seen
    file: Look


def _unknown(files: Sequence[Path]) -> Iterator[_Unknown]:
    number = 0
    for some in parts_of(files, ASKED):
        ask_all(some)
        for path in some:
            number += 1
            with each_alone():
                one = seen(path)
                file = _look(path, one.told)
                if recordings().known(file) is None:
                    yield _Unknown(number, one, file)


def _is_still(one: _Unknown) -> bool:
    try:
        return _look(one.seen.path).state == one.file.state
    except InvalidInput:
        return False


def _look(path: Path, told: Told | None = None) -> Look:
    if is_here(path):
        return look(path)
    # By a hash, since a URL may hold a password, and what names the file may stand behind a ? in it.
    name = hashlib.sha256(str(path).encode()).hexdigest()
    return Look(shown(str(path.parent)), name, (told or ask(path)).state)


def _measured(part: Sequence[Seen]) -> list[Recording | None]:
    found: list[Recording | None] = [None] * len(part)
    for number, one in enumerate(part):
        with each_alone():
            found[number] = measure(one.file())
    return found


@contextmanager
def workers(executor: Where) -> Iterator[Where]:
    """Give an executor; where there is none, threads of this process, as many as there are processors.

    Threads do: reading, hashing and arithmetic let go of the interpreter.
    """
    check_executor(executor)
    if executor is not None:
        yield executor
        return
    pool = ThreadPoolExecutor(cpu_count() or 1, thread_name_prefix="asrlab")
    try:
        yield pool
    finally:  # also at Ctrl-C: nothing more is begun then
        pool.shutdown(wait=False, cancel_futures=True)


def part_size(count: int, executor: Where) -> int:
    """Choose how many files a worker is given at a time; nothing but the time it takes depends on it."""
    return max(1, min(_MOST, count // (_PARTS * slots(executor))))


def parts_of(items: Iterable[P], size: int) -> Iterator[list[P]]:
    """Put what comes in parts, as they are needed."""
    coming = iter(items)
    while part := list(islice(coming, size)):
        yield part


def paired(work: Callable[[P], T], parts: Iterable[tuple[K, P]], executor: Where) -> Iterator[tuple[K, T]]:
    """Do the same work on every part, as :func:`mapped` does; each is given with something that stays here."""
    stayed: deque[K] = deque()

    def sent() -> Iterator[P]:
        for staying, part in parts:
            stayed.append(staying)
            yield part

    for result in mapped(work, sent(), executor):
        yield stayed.popleft(), result


def reporter(progress: Progress, doing: str) -> Callable[[int, int], object]:
    """Show how far a work is on the standard error output, or tell it to a function.

    Parameters
    ----------
    progress : bool or callable
        Whether it is shown; or what is called with the number of files that are done and of all files.
    doing : str
        What is done to them: ``"checked"``.
    """
    if callable(progress):
        return progress
    if not progress:
        return lambda done, total: None
    in_terminal = sys.stderr.isatty()
    begun = last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        ends = done == total and last > begun  # a line that was begun is brought to its end
        if time.monotonic() - last < _EVERY_S[not in_terminal] and not ends:
            return
        last = time.monotonic()
        text = f"{doing} {done:,} of {total:,} files"
        end = "" if in_terminal and done < total else "\n"
        print(f"\r{text}" if in_terminal else text, end=end, file=sys.stderr, flush=True)  # noqa: T201 - is for it

    return report
