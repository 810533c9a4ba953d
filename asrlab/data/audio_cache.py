"""Audio files in the cache, each under the name of what it is made of, and made when it is first asked for."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from asrlab.errors import StoreError
from asrlab.folders import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_locks: dict[str, Lock] = {}
_checked: dict[Path, str] = {}


def kept(name: str, make: Callable[[], bytes]) -> Path:
    """Give a file of the folder ``derived`` of the cache.

    Parameters
    ----------
    name : str
        What it is called there: a hash of all that it is made of.
    make : callable
        Gives its content, a FLAC. Is called if the file is not there, or was changed. Several threads may ask at once,
        one of which makes it; several processes may too, and then make the same.

    Returns
    -------
    Path
        That must not be changed.

    Raises
    ------
    StoreError
        If the cache cannot be written to.
    """
    file = _file(name)
    if not _is_whole(file):
        with _alone(name):
            if not _is_whole(file):  # nobody else has made it by now
                _keep(file, make())
    return file


def is_kept(name: str) -> bool:
    """Whether a file is there already, as it was made."""
    return _is_whole(_file(name))


def _file(name: str) -> Path:
    return cache_folder("derived") / name[:2] / f"{name}.flac"


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with _locks.setdefault(name, Lock()):
        try:
            yield
        finally:
            _locks.pop(name, None)


def _is_whole(file: Path) -> bool:
    """Whether a file is there and is what it was when it was made; looked at again when it changes."""
    try:
        facts = file.stat()
        state = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"
        if _checked.get(file) == state:
            return True
        whole = _sum(file) == _guard(file).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    if whole:
        _checked[file] = state
    return whole


def _keep(file: Path, content: bytes) -> None:
    """Write a file under another name, then move it, so that a name never holds half of one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            half = Path(folder) / file.name
            half.write_bytes(content)
            _guard(half).write_text(hashlib.sha256(content).hexdigest(), encoding="ascii")
            _guard(half).replace(_guard(file))
            half.replace(file)
    except OSError as error:
        raise StoreError(
            f"What is made of recordings cannot be kept in {file.parent} ({error}). Make room there, or name another "
            "folder with the variable ASRLAB_CACHE."
        ) from error


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _guard(file: Path) -> Path:
    return file.with_suffix(".sha256")
