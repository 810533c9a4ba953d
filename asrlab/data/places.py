"""Places: where files lie, on this machine or behind any URL that fsspec knows, read alike."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard, TypeVar
from urllib.parse import urlsplit

from asrlab.data.links import shown
from asrlab.errors import AsrlabError, InvalidInput, MissingExtra
from asrlab.folders import cache_folder, is_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

P = TypeVar("P")
T = TypeVar("T")

#: A URL that a service fetches by itself.
LINK: Final = r"(?i)(?:https?|oss)://"
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)(?:::[^:/]+)*://", re.I)  # "s3://", "zip://a.wav::https://..."
#: No path below a folder: absolute, or through its parent, or of another kind altogether (a URL, a drive, backslashes).
LEADS_OUT: Final = r"^\.?$|^/|(?:^|/)\.\.(?:/|$)|\\|\x00|^[A-Za-z][A-Za-z0-9+.-]*:(?:/|:)"
#: What file systems say of a file that changes with its content, but for its size and its ETag.
_TIMES: Final = ("mtime", "created", "LastModified", "last_modified", "Last-Modified", "updated")
_NEAR: Final = frozenset({"memory", "file", "local", "zip", "tar"})  # no network
_BUCKETS: Final = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "oss"})
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}")
_ASK_AGAIN_S: Final = 5.0
_EACH_S: Final = 0.05  # it may take to go through one of many that were asked for together
_LONGEST_S: Final = 600.0
_AT_ONCE: Final = 32  # questions to a host, which takes its time for each
_MOST_ASKED: Final = 100_000
#: What hosts said of files, by file system and path, and until when that is taken to be so.
_asked: Final[dict[tuple[Any, str], tuple[float, Told]]] = {}
_BYTES: Final = 2 << 30  # of a recording, the service's own limit


class OutOfReach(InvalidInput):
    """A file cannot be read from here; whether there is anything wrong with it is not known."""


class Told(NamedTuple):
    """What a host says of a file.

    Parameters
    ----------
    size : int or None
        In bytes; None if it is not told.
    state : str
        Another one when the content changes.
    """

    size: int | None
    state: str


def place(named: str | os.PathLike[str]) -> Path:
    """Name a file or folder: a path of this machine, or something behind a URL that reads like one.

    Parameters
    ----------
    named : path or str
        A path, or a URL that fsspec knows, such as ``"s3://bucket/corpus"``.

    Returns
    -------
    Path
        A ``pathlib.Path``; of a URL, a path of universal-pathlib, which has the same methods.

    Raises
    ------
    MissingExtra
        If a URL is given, and what reads it is not installed.
    InvalidInput
        If it is neither.
    """
    if not isinstance(named, str):
        return named if is_place(named) else Path(named)
    scheme = _SCHEME.match(named)
    if scheme is None:
        return Path(named)
    if importlib.util.find_spec("upath") is None:
        raise MissingExtra.of_links("Reading", scheme[1])
    from upath import UPath  # noqa: PLC0415 - an extra, and slow to import

    try:
        found: Any = UPath(named)
    except ImportError as error:  # of what fsspec needs for that kind of URL
        raise MissingExtra.of_links("Reading", scheme[1], error) from error
    except ValueError as error:
        raise InvalidInput(f"{scheme[1]}:// is no kind of link that can be read here ({error}).") from None
    except Exception as error:  # some reach for the host already; its words may hold a key
        raise InvalidInput(f"{shown(named)} cannot be reached ({type(error).__name__}).") from None
    return found  # type: ignore[no-any-return]  # it reads like a Path


def is_place(named: object) -> TypeGuard[Path]:
    """Whether something is a path, of this machine or behind a URL."""
    return isinstance(named, Path) or hasattr(type(named), "fs")  # of the type: to ask the path itself may connect


def is_here(path: Path) -> bool:
    """Whether a path is one of this machine."""
    return isinstance(path, Path)


def is_link(audio: str) -> bool:
    """Whether audio is named by a URL that a service fetches by itself."""
    return re.match(LINK, audio) is not None


def is_remote(audio: str) -> bool:
    """Whether audio is named by a URL, of whatever kind."""
    return _SCHEME.match(audio) is not None


def ways_to(folder: Path | None) -> list[str]:
    """Name a folder in the ways that absolute paths below it may begin with."""
    if folder is None:
        return []
    return [str(folder.absolute()), str(folder.resolve())] if is_here(folder) else [str(folder)]


def without_secrets(message: str, urls: Iterable[str]) -> str:
    """Take user names, passwords and queries of links out of a message."""
    for url in urls:
        message = message.replace(url, shown(url))
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        for secret in filter(None, (f"?{parts.query}" if parts.query else "", parts.netloc.rpartition("@")[0])):
            message = message.replace(secret, "")
    return message


def inside(root: Path, name: str) -> Path:
    """Find a file below a folder.

    Parameters
    ----------
    root : Path
        The folder.
    name : str
        Path relative to it, with POSIX separators; or an absolute path that leads below it.

    Raises
    ------
    InvalidInput
        If the path leads out of the folder, be it through ``..`` or a link.
    """
    here = is_here(root)
    absolute = here and name.startswith("/")
    try:
        below = not re.search(LEADS_OUT, name.lstrip("/") if absolute else name)
        full = root / PurePosixPath(name) if here else root.joinpath(*PurePosixPath(name.lstrip("/")).parts)
        below = below and (not here or full.resolve().is_relative_to(root.resolve()))
    except (OSError, RuntimeError, ValueError):  # links in a circle; no text that can name a file
        below = False
    if not below:
        folder = root if here else shown(str(root))
        raise InvalidInput(
            f"{name!r} does not lie below {folder}. Paths are relative to the dataset's folder, with forward slashes; "
            "if the audio lies elsewhere, name its folder: load_dataset(..., audio_root=...)."
        )
    return full


def local_copy(path: Path, max_bytes: int = _BYTES, told: Told | None = None) -> Path:
    """Give a file of this machine with the content of another: itself if it is one, else a copy that is kept.

    Parameters
    ----------
    path : Path
        By :func:`place`.
    max_bytes : int
        Size of the largest file that is taken.
    told : Told, optional
        What its host said of it, where that was asked already: the copy is of what it was then.

    Returns
    -------
    Path
        A file that must not be changed. It is fetched again when what its host says of it (size, ETag, times) changes.

    Raises
    ------
    InvalidInput
        If it is missing, cannot be read, is too large, or changes meanwhile.
    """
    if is_here(path):
        return path
    size, state = told or ask(path)
    if (size or 0) > max_bytes:
        raise InvalidInput(f"{shown(str(path))} is larger than {max_bytes:,} bytes. Split it.")
    key = hashlib.sha256(f"{path}\n{state}".encode()).hexdigest()
    suffix = PurePosixPath(urlsplit(str(path)).path).suffix
    file = cache_folder("fetched") / key[:2] / f"{key}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
    if not file.is_file():
        _fetch(path, file, max_bytes, state)
    return file


def ask(path: Path) -> Told:
    """Ask a host what it says of a file, not more often than every few seconds.

    Raises
    ------
    InvalidInput
        If there is no such file that can be read.
    OutOfReach
        If the host cannot be reached, or ``ASRLAB_OFFLINE`` is set.
    """
    until, told = _asked.get(_key(path), (0.0, None))
    if told is not None and time.monotonic() < until:
        return told
    return _remembered(path, _told(path), _ASK_AGAIN_S)


def ask_all(paths: Sequence[Path]) -> None:
    """Ask hosts what they say of files, many at once, so that :func:`ask` knows it while they are gone through.

    Of what cannot be had nothing is known then, and it is asked for again.

    Raises
    ------
    OutOfReach
        As :func:`ask` does.
    """

    def look(path: Path) -> None:
        with each_alone():
            _remembered(path, _told(path), min(_ASK_AGAIN_S + _EACH_S * len(paths), _LONGEST_S))

    if far := [path for path in paths if not is_here(path)]:
        list(at_once(look, far))


@contextmanager
def each_alone() -> Iterator[None]:
    """Pass over what is wrong with one file, but not what would be wrong with all."""
    try:
        yield
    except OutOfReach:
        raise
    except (AsrlabError, OSError, ValueError):
        pass


def at_once(work: Callable[[P], T], items: Iterable[P]) -> Iterator[T]:
    """Do the same with many files at once, where it is the disk or a host that takes its time; results keep order."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="asrlab-files")
    try:
        yield from pool.map(work, items)
    finally:  # also at Ctrl-C: nothing more is begun then
        pool.shutdown(wait=False, cancel_futures=True)


def exists(path: Path) -> bool:
    """Whether there is a file or folder, also behind a URL.

    Raises
    ------
    InvalidInput
        If its host does not say.
    """
    return path.exists() if is_here(path) else _asked_of(path, "exists")


def present(paths: Iterable[Path]) -> set[Path]:
    """Tell which of some files are there; where they lie behind URLs, each of their folders is listed once.

    Raises
    ------
    InvalidInput
        If a host does not say.
    """
    here: list[Path] = []
    far: dict[Path, list[Path]] = {}
    for path in paths:
        if is_here(path):
            here.append(path)
        else:
            far.setdefault(path.parent, []).append(path)
    found = {path for path in here if path.exists()}
    for folder, names in far.items():
        listed = set(_asked_of(folder, "ls", detail=False)) if exists(folder) else set()
        found |= {path for path in names if _key(path)[1] in listed}
    return found


def put(file: Path, target: Path) -> None:
    """Copy a file of this machine to a URL.

    Raises
    ------
    InvalidInput
        If it cannot be written there.
    """
    filesystem, name = _key(target)
    try:
        if not _protocols(filesystem) & _BUCKETS:  # which have no folders, and are not made here
            filesystem.makedirs(filesystem._parent(name), exist_ok=True)
        filesystem.put_file(str(file), name)
    except Exception as error:  # as above
        raise refused(error, target, "cannot be written") from None


def refused(error: Exception, path: Path | str, what: str) -> InvalidInput:
    """Make an error of one that a file system raised, without its words, which may hold a key.

    Parameters
    ----------
    error : Exception
        Each file system raises its own.
    path : Path or str
        What it is of.
    what : str
        What was to be done, the rest of a sentence: ``"cannot be written"``.
    """
    name = type(error).__name__
    kind, why = InvalidInput, name
    if isinstance(error, FileNotFoundError):
        why = "it is not there"
    elif isinstance(error, PermissionError) or "Credential" in name:
        why = f"access is refused; check the key, and what it may do ({name})"
    elif isinstance(error, ConnectionError | TimeoutError) or "Connect" in name or "Timeout" in name:
        kind, why = OutOfReach, f"its host cannot be reached; check the network and the address ({name})"
    return kind(f"{shown(str(path))} {what}: {why}.")


def _key(path: Any) -> tuple[Any, str]:  # noqa: ANN401 - of universal-pathlib
    try:
        return path.fs, path.path
    except Exception as error:  # some reach for the host already
        raise refused(error, path, "cannot be had") from None


def _asked_of(path: Path, what: str, **options: Any) -> Any:  # noqa: ANN401 - whatever a file system gives
    """Have a file system say something of a path, as it is now."""
    filesystem, name = _key(path)
    try:
        filesystem.invalidate_cache(name)
        filesystem.invalidate_cache(filesystem._parent(name))
        return getattr(filesystem, what)(name, **options)
    except Exception as error:  # each file system raises its own, and its words may hold a key
        raise refused(error, path, "cannot be had") from None


def _protocols(filesystem: Any) -> set[str]:  # noqa: ANN401 - of fsspec
    return {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)


def _remembered(path: Path, told: Told, for_s: float) -> Told:
    if len(_asked) > _MOST_ASKED:
        _asked.clear()
    _asked[_key(path)] = time.monotonic() + for_s, told
    return told


def _told(path: Path) -> Told:
    filesystem, name = _key(path)
    if is_set("ASRLAB_OFFLINE") and not _protocols(filesystem) & _NEAR:
        raise OutOfReach(f"{shown(str(path))} is not asked for, since ASRLAB_OFFLINE is set.")
    try:
        filesystem.invalidate_cache(filesystem._parent(name))  # of listings, which hold what was
        facts: Mapping[str, Any] = filesystem.info(name)
    except Exception as error:  # each file system raises its own
        raise refused(error, path, "is no file that can be read") from None
    size = facts.get("size")
    etag = str(facts.get("ETag") or facts.get("etag") or "")
    # One that is not weak (W/"...") says all; times are told with more digits in one place than in another.
    alone = etag and not etag.startswith("W/")
    times = [] if alone else [f"{name}={facts[name]}" for name in _TIMES if facts.get(name) is not None]
    return Told(size, " ".join([str(size), etag, *times]))


def _fetch(path: Path, file: Path, max_bytes: int, state: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(dir=file.parent, suffix=".part")
    os.close(handle)
    filesystem, name = _key(path)
    from fsspec.callbacks import Callback  # noqa: PLC0415 - of an extra, which is there if there is such a path

    def check(size: int) -> None:
        if size > max_bytes:
            raise InvalidInput(f"{shown(str(path))} is larger than {max_bytes:,} bytes. Split it.")

    try:
        filesystem.get_file(name, half, callback=Callback(hooks={"size": lambda _, size: check(size)}))
        check(Path(half).stat().st_size)
        _check_same(path, state)
        Path(half).replace(file)  # so a name never holds half a file
    except InvalidInput:
        raise
    except Exception as error:  # each file system raises its own, and its words may hold a key
        raise refused(error, path, "could not be read to its end") from None
    finally:
        Path(half).unlink(missing_ok=True)


def _check_same(path: Path, state: str) -> None:
    """Refuse what changed since a host told its state."""
    if _told(path).state != state:
        raise InvalidInput(f"{shown(str(path))} changed while it was read. Try again when it is finished.")
