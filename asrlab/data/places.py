"""Places: where files lie, on this machine or behind any URL that fsspec knows, read alike."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asrlab.data.remote import shown
from asrlab.errors import InvalidInput, MissingExtra
from asrlab.folders import cache_folder, is_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A URL that a service fetches by itself.
LINK: Final = r"(?i)(?:https?|oss)://"
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)(?:::[^:/]+)*://", re.I)  # "s3://", "zip://a.wav::https://..."
#: No path below a folder: absolute, or through its parent, or of another kind altogether (a URL, a drive, backslashes).
LEADS_OUT: Final = r"^\.?$|^/|(?:^|/)\.\.(?:/|$)|\\|\x00|^[A-Za-z][A-Za-z0-9+.-]*:(?:/|:)"
_BLOCK: Final = 1 << 20
#: What file systems say of a file that changes with its content.
_STATE: Final = (
    "size",
    "mtime",
    "created",
    "LastModified",
    "last_modified",
    "Last-Modified",
    "updated",
    "ETag",
    "etag",
)
_NEAR: Final = frozenset({"memory", "file", "local", "zip", "tar"})  # no network
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}")
_ASK_AGAIN_S: Final = 5.0
_MOST_ASKED: Final = 100_000
_asked: Final[dict[str, tuple[float, Mapping[str, Any]]]] = {}
_BYTES: Final = 2 << 30  # of a recording, the service's own limit


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
        return named if is_place(named) else Path(named)  # type: ignore[return-value]
    scheme = _SCHEME.match(named)
    if scheme is None:
        return Path(named)
    if importlib.util.find_spec("upath") is None:
        raise MissingExtra(f"Reading {scheme[1]}:// links", "remote")
    from upath import UPath  # noqa: PLC0415 - an extra, and slow to import

    try:
        found: Any = UPath(named)
    except ImportError as error:  # of what fsspec needs for that kind of URL
        raise MissingExtra(f"Reading {scheme[1]}:// ({error})", "remote") from error
    except ValueError as error:
        raise InvalidInput(f"{scheme[1]}:// is no kind of link that can be read here ({error}).") from None
    except Exception as error:  # some reach for the host already; its words may hold a key
        raise InvalidInput(f"{shown(named)} cannot be reached ({type(error).__name__}).") from None
    return found  # type: ignore[no-any-return]  # it reads like a Path


def is_place(named: object) -> bool:
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


def local_copy(path: Path, max_bytes: int = _BYTES) -> Path:
    """Give a file of this machine with the content of another: itself if it is one, else a copy that is kept.

    Parameters
    ----------
    path : Path
        By :func:`place`.
    max_bytes : int
        Size of the largest file that is taken.

    Returns
    -------
    Path
        A file that must not be changed. It is fetched again when what its host says of it (size, time, ETag) changes.

    Raises
    ------
    InvalidInput
        If it is missing, cannot be read, or is too large.
    """
    if is_here(path):
        return path
    facts = _told(path)
    if (facts.get("size") or 0) > max_bytes:
        raise InvalidInput(f"{shown(str(path))} is larger than {max_bytes:,} bytes. Split it.")
    state = sorted((name, str(facts[name])) for name in _STATE if facts.get(name) is not None)
    key = hashlib.sha256(f"{path}\n{state}".encode()).hexdigest()
    suffix = PurePosixPath(urlsplit(str(path)).path).suffix
    file = cache_folder("fetched") / key[:2] / f"{key}{suffix if _SUFFIX.fullmatch(suffix) else ''}"
    if not file.is_file():
        _fetch(path, file, max_bytes)
    return file


def _told(path: Path) -> Mapping[str, Any]:
    """Ask a host what it says of a file, not more often than every few seconds."""
    at, known = _asked.get(str(path), (0.0, {}))
    if time.monotonic() - at < _ASK_AGAIN_S and known:
        return known
    filesystem: Any = path.fs  # type: ignore[attr-defined]
    protocols = {filesystem.protocol} if isinstance(filesystem.protocol, str) else set(filesystem.protocol)
    if is_set("ASRLAB_OFFLINE") and not protocols & _NEAR:
        raise InvalidInput(f"{shown(str(path))} is not asked for, since ASRLAB_OFFLINE is set.")
    try:
        facts: Mapping[str, Any] = filesystem.info(path.path)  # type: ignore[attr-defined]
    except Exception as error:  # each file system raises its own
        raise InvalidInput(f"There is no file {shown(str(path))} that can be read ({type(error).__name__}).") from None
    if len(_asked) > _MOST_ASKED:
        _asked.clear()
    _asked[str(path)] = time.monotonic(), facts
    return facts


def _fetch(path: Path, file: Path, max_bytes: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(dir=file.parent)
    size = 0
    try:
        with os.fdopen(handle, "wb") as target, path.open("rb") as source:
            while size <= max_bytes and (block := source.read(_BLOCK)):
                size += target.write(block)
        if size <= max_bytes:
            Path(half).replace(file)  # so a name never holds half a file
    except Exception as error:  # each file system raises its own, and its words may hold a key
        raise InvalidInput(f"{shown(str(path))} could not be read to its end ({type(error).__name__}).") from None
    finally:
        Path(half).unlink(missing_ok=True)
    if size > max_bytes:
        raise InvalidInput(f"{shown(str(path))} is larger than {max_bytes:,} bytes. Split it.")
