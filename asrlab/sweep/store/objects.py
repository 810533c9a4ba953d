"""Objects: files on object storage, for a run that is kept there.

What a run is made of is created once and never changed. That two writers cannot both do so is the storage's promise
(S3: a PUT with ``If-None-Match: *``, docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html), and all
that keeps two processes from asking the same question twice; so a storage without it is refused.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from asrlab.data.links import shown
from asrlab.data.places import is_here, place, refused
from asrlab.errors import StoreError
from asrlab.folders import is_set

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

#: Of S3: listings are not remembered, an object is read by one request, and a server that takes connections and says
#: nothing is given up after 30 s: three tries, all of botocore. Those of s3fs, five by default and 25 to read, would
#: multiply them.
_S3: Final[dict[str, Any]] = {"use_listings_cache": False, "max_concurrency": 1}
_CONFIG: Final[dict[str, Any]] = {"connect_timeout": 5, "read_timeout": 10, "retries": {"total_max_attempts": 3}}
_PUT_S: Final = 45.0  # for a PUT, which waits for "100 Continue" without those limits
#: Protocols of fsspec whose ``pipe_file(mode="create")`` creates conditionally, and what is set for each.
_CREATE: Final[dict[str, dict[str, Any]]] = {"s3": _S3, "s3a": _S3, "memory": {}}
_SECRET: Final = re.compile(r"(?i)key|secret|token|passw|user(?!_agent)|cred|auth|connection_string|^sas")
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
    url = str(where)
    if set("@?#") & set(url):
        raise StoreError(
            f"{shown(url)} is given with a user name, a query or a fragment. Name the bucket and folder alone; keys "
            "are taken from the environment (AWS_ACCESS_KEY_ID ...)."
        )
    if held := sorted(set(_secrets(where.storage_options))):  # type: ignore[attr-defined]
        raise StoreError(
            f"{shown(url)} is given with {', '.join(held)}, which would be written wherever its place is. Name the "
            "bucket and folder alone; keys are taken from the environment (AWS_ACCESS_KEY_ID ...)."
        )
    return where


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    """Name options of a file system that may hold a credential."""
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif value and (_SECRET.search(name) or (isinstance(value, str) and re.search("://[^/]*@", value))):
            yield name


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
        self._files: Any = _files_of(where)

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


def _files_of(where: Path) -> Any:  # noqa: ANN401 - fsspec has no types
    """Give the file system of a place behind a URL, which remembers no listings: they hold what was."""
    import fsspec  # noqa: PLC0415 - an extra, and slow to import

    protocol, options = where.protocol, where.storage_options  # type: ignore[attr-defined]
    if protocol not in _CREATE:
        files = where.fs  # type: ignore[attr-defined]
        files.invalidate_cache()
        return files
    made = {**options, **_CREATE[protocol]}
    if protocol != "memory":
        made["config_kwargs"] = {**_CONFIG, **options.get("config_kwargs", {})}
    files = fsspec.filesystem(protocol, **made)
    if protocol != "memory":
        from fsspec.asyn import sync_wrapper  # noqa: PLC0415 - as above

        files.retries = 1
        for name in ("pipe_file", "put_file"):
            call = sync_wrapper(getattr(files, f"_{name}"), obj=files)
            setattr(files, name, partial(call, timeout=_PUT_S))
    return files


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
        told = _files_of(where).info(where.path)  # type: ignore[attr-defined]  # isfile() takes any error for a no
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
            _files_of(where).get_file(where.path, str(file))  # type: ignore[attr-defined]
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
        _files_of(where).pipe_file(where.path, content)  # type: ignore[attr-defined]
    except Exception as error:
        raise fault(where, "written", error) from error


def fault(where: Path, what: str, error: Exception) -> StoreError:
    """Name the fault of a file that ``could not be {what}``."""
    said = refused(error, where, f"could not be {what}")
    return StoreError(f"{said} What was stored before is safe. Then try again.")
