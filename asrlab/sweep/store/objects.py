"""Objects: files on object storage, for a run that is kept there.

What a run is made of is created once and never changed. That two writers cannot both do so is the storage's promise
(S3: a PUT with ``If-None-Match: *``, docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html), and all
that keeps two processes from asking the same question twice; so a storage without it is refused.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asrlab.data.links import shown
from asrlab.data.places import is_here, place, refused
from asrlab.data.storage import check_keyless, files_of
from asrlab.errors import InvalidInput, StoreError
from asrlab.folders import is_set

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

#: Protocols of fsspec whose ``pipe_file(mode="create")`` creates conditionally.
_CREATE: Final = frozenset({"s3", "s3a", "memory"})
_HERE: Final = ("", "file", "local")
_PATIENCE_S: Final = 60.0  # for a storage that does not answer, while something waits to be stored
_PAUSE_S: Final = 1.0
_AT_ONCE: Final = 16


def located(named: str | os.PathLike[str]) -> Path:
    """Name where a run or replay lies: a path of this machine, or a place behind a URL.

    Raises
    ------
    StoreError
        If a URL, or what else it was made with, holds what may be a credential.
    MissingExtra
        If what reads such URLs is not installed.
    """
    where = place(named)
    if is_here(where):
        return where
    if where.protocol in _HERE:  # type: ignore[attr-defined]
        return Path(where.path)  # type: ignore[attr-defined]
    try:
        check_keyless(where)
    except InvalidInput as error:
        raise StoreError(str(error)) from None
    return where


class Objects:
    """The objects below one URL.

    Parameters
    ----------
    where : Path
        By :func:`located`, on object storage.

    Raises
    ------
    StoreError
        If the kind of storage cannot create conditionally, or nothing may be asked for. All methods raise it where the
        storage refuses or does not answer.
    """

    def __init__(self, where: Path) -> None:
        protocol = where.protocol  # type: ignore[attr-defined]
        self.url = str(where).rstrip("/")
        if protocol not in _CREATE:
            raise StoreError(
                f"A run cannot be kept at {self.url}: it is not known that {protocol}:// creates a file only where "
                "there is none, which keeps two processes from asking, and paying, twice. Use s3://, or a folder of "
                "this machine."
            )
        _check_online(where)
        self._where = where
        self._root = where.path.rstrip("/")  # type: ignore[attr-defined]
        self._files: Any = files_of(where)

    def read(self, name: str) -> bytes | None:
        """Read an object; None if there is none."""
        try:
            content: bytes = self._files.cat_file(self._path(name))
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system raises its own
            raise self._fault(name, "read", error) from error
        return content

    def read_all(self, names: Iterable[str]) -> list[bytes | None]:
        """Read several objects, at once."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self.read, names))

    def create(self, name: str, content: bytes) -> bool:
        """Create an object; False if there is another of that name.

        A storage that does not answer is asked again for a while: whether it has taken what it did not confirm is seen
        from what is there then. After an error nobody knows.
        """
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._files.pipe_file(self._path(name), content, mode="create")
            except FileExistsError:
                return self.read(name) == content
            except Exception as error:
                if isinstance(error, FileNotFoundError | PermissionError) or time.monotonic() > end:
                    raise self._fault(name, "written", error) from error
                time.sleep(_PAUSE_S)
            else:
                return True

    def creates_once(self, name: str, content: bytes) -> bool:
        """Whether the storage refuses to create an object that is there; given what it has, so nothing changes."""
        try:
            self._files.pipe_file(self._path(name), content, mode="create")
        except FileExistsError:
            return True
        except Exception as error:
            raise self._fault(name, "written", error) from error
        return False

    def replace(self, name: str, content: bytes) -> None:
        """Write an object, whatever is there."""
        try:
            self._files.pipe_file(self._path(name), content)
        except Exception as error:
            raise self._fault(name, "written", error) from error

    def remove(self, name: str) -> None:
        """Remove an object that is there."""
        try:
            self._files.rm_file(self._path(name))
        except Exception as error:
            raise self._fault(name, "removed", error) from error

    def names(self, folder: str) -> list[str]:
        """Names of all objects and folders in a folder, sorted; none if it is not there."""
        try:
            found = self._files.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._fault(folder, "listed", error) from error
        return sorted(path.rstrip("/").rpartition("/")[2] for path in found)

    def fetch(self, name: str, file: Path) -> bool:
        """Copy an object to a file of this machine; False if there is none."""
        try:
            self._files.get_file(self._path(name), str(file))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._fault(name, "read", error) from error
        return True

    def send(self, file: Path, name: str) -> None:
        """Copy a file of this machine to an object."""
        try:
            self._files.put_file(str(file), self._path(name))
        except Exception as error:
            raise self._fault(name, "written", error) from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _fault(self, name: str, what: str, error: Exception) -> StoreError:
        if what != "read" and isinstance(error, FileNotFoundError):
            return StoreError(f"There is no bucket {urlsplit(self.url).netloc}, and asrlab makes none. Check the URL.")
        return fault(self._where / name, what, error)


def _check_online(where: Path) -> None:
    if is_set("ASRLAB_OFFLINE") and where.protocol != "memory":  # type: ignore[attr-defined]
        raise StoreError(
            f"{shown(str(where))} is not asked for, since ASRLAB_OFFLINE is set. Read a replay of it that lies on this "
            "machine: save_replay()."
        )


def is_file(where: Path) -> bool:
    """Whether there is a file at a path of this machine or behind any URL.

    Raises
    ------
    StoreError
        If that cannot be found out, or nothing may be asked for.
    """
    if is_here(where):
        return where.is_file()
    _check_online(where)
    try:
        told = files_of(where).info(where.path)  # type: ignore[attr-defined]  # isfile() takes any error for a no
    except FileNotFoundError:
        return False
    except Exception as error:
        raise fault(where, "read", error) from error
    return bool(told["type"] == "file")


@contextlib.contextmanager
def here(where: Path) -> Iterator[Path]:
    """Give a file of this machine with the content of one behind any URL, while entered.

    Raises
    ------
    StoreError
        If it is not there or cannot be read, or nothing may be asked for.
    """
    if is_here(where):
        yield where
        return
    _check_online(where)
    with tempfile.TemporaryDirectory(prefix="asrlab-") as folder:
        file = Path(folder) / where.name
        try:
            files_of(where).get_file(where.path, str(file))  # type: ignore[attr-defined]
        except FileNotFoundError as error:
            raise StoreError(f"There is no run at {where}. Check the URL.") from error
        except Exception as error:
            raise fault(where, "read", error) from error
        yield file


def write_file(where: Path, content: bytes) -> None:
    """Write a file behind any URL, whatever is there.

    Raises
    ------
    StoreError
        If it cannot be written, or nothing may be asked for.
    """
    _check_online(where)
    try:
        files_of(where).pipe_file(where.path, content)  # type: ignore[attr-defined]
    except Exception as error:
        raise fault(where, "written", error) from error


def fault(where: Path, what: str, error: Exception) -> StoreError:
    """Name the fault of a file that ``could not be {what}``."""
    said = refused(error, where, f"could not be {what}")
    return StoreError(f"{said} What was stored before is safe. Then try again.")
