"""Files: where those of a table lie, and what each says of itself."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from asrlab.errors import InvalidInput, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa
    import pyarrow.parquet as pq

#: Rows of a group in a file, which is the least that is read, and of a chunk unless it is said.
ROWS: Final = 131_072
#: Where a file says what it is, among its metadata.
KEY: Final = b"asrlab"
#: Names of the files of a folder that a table is written to.
PART: Final = re.compile(r"part-\d{5,}\.parquet")
URL: Final = re.compile(r"[a-z][a-z0-9+.-]*(?:::[a-z0-9+.-]+)*://", re.I)
_NAMED: Final = re.compile(r"\.(?:parquet|pq)\Z", re.I)
_PATTERN: Final = re.compile(r"[*?\[]")


class Part(NamedTuple):
    """Which part of a table a file is: one of how many, all with the mark of one writing."""

    number: int
    of: int
    writing: str


class Said(NamedTuple):
    """What a file says of itself: its table in which version, its part, and of categoricals the levels and order."""

    table: str | None = None
    version: int = 1
    part: Part | None = None
    levels: Mapping[str, tuple[list[Any], bool]] = MappingProxyType({})


def is_stored(given: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether something names a table that is stored: a path, a URL, or a text that ends as the name of a Parquet file.

    With white space in it, a text does so only if that file is there.

    Examples
    --------
    >>> is_stored("runs/heard.parquet"), is_stored("s3://bucket/heard"), is_stored("the cat sat")
    (True, True, False)
    """
    if isinstance(given, str):
        if re.search(r"\s", given):  # most likely a text
            return _NAMED.search(given) is not None and os.path.exists(given)  # noqa: PTH110 - nor has it to be a path
        return bool(URL.match(given) or _NAMED.search(given))
    return isinstance(given, os.PathLike) or hasattr(type(given), "fs")  # a path of universal-pathlib


def shown(name: str) -> str:
    """Name a path or URL in a message: without user, password, query and fragment."""
    if not URL.match(name):
        return name
    return re.sub(r"//[^/@]*@|[?#].*", lambda found: "//" if found[0].startswith("//") else "", name)


def inside(name: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether a path or URL is another one, lies in it, or is among what that is a pattern of."""

    def plain(given: str | os.PathLike[str]) -> str:
        text = (os.fspath(given) if isinstance(given, os.PathLike) else str(given)).removeprefix("file://")
        return text.rstrip("/") if URL.match(text) else str(resolved(text))

    one, whole = plain(name), plain(other)
    return one == whole or one.startswith(f"{whole}/") or fnmatchcase(one, whole)


def resolved(name: str) -> Path:
    """Give the path that a name stands for, behind all links."""
    try:
        return Path(name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a zero byte, half of a character, links in a circle
        raise InvalidInput(f"{name!r} cannot be a path: {error}. Name another.") from error


class Head(NamedTuple):
    """What is known of a file before its rows are read: columns, what it says of itself, and what it is known by."""

    schema: pa.Schema
    said: Said
    footer: pq.FileMetaData
    stamp: tuple[int, ...]


class File(NamedTuple):
    """A file of a table: how a message names it, whether it was named itself, and where it is opened."""

    shown: str
    alone: bool
    source: str | Callable[[], Any]

    def head(self) -> Head:
        """Read all but the rows."""
        with self._opened() as parquet:
            schema, footer, stamp = parquet.schema_arrow, parquet.metadata, self._stamp()
        try:
            return Head(schema, _said((schema.metadata or {}).get(KEY, b"{}")), footer, stamp)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InvalidInput(f"{self.shown} says of itself what no asrlab writes. Write it anew.") from error

    def batches(
        self, seen: Head, columns: Sequence[str] | None, *, coded: Sequence[str], rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Read some rows at a time, of the file whose head was seen and no other."""
        left = seen.footer.num_rows
        with self._opened(coded, seen) as parquet:
            for batch in parquet.iter_batches(batch_size=rows, columns=columns):
                left -= batch.num_rows
                yield batch
        if left:
            raise self._replaced()

    def _stamp(self) -> tuple[int, ...]:
        """Tell a file of this machine from one that takes its place; behind a URL that is left to its footer."""
        if not isinstance(self.source, str):
            return ()
        found = Path(self.source).stat()
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _replaced(self) -> InvalidInput:
        return InvalidInput(
            f"{self.shown} was replaced or changed while its table was read. Read that again when it is written."
        )

    @contextmanager
    def _opened(self, coded: Sequence[str] = (), seen: Head | None = None) -> Iterator[pq.ParquetFile]:
        import pyarrow as pa  # noqa: PLC0415 - slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            source = self.source if isinstance(self.source, str) else self.source()
            with pq.ParquetFile(source, read_dictionary=list(coded), page_checksum_verification=True) as parquet:
                if seen and (self._stamp() != seen.stamp or not parquet.metadata.equals(seen.footer)):
                    raise self._replaced()
                yield parquet
        except InvalidInput:
            raise
        except FileNotFoundError:
            gone = InvalidInput(f"{self.shown} is not there. See that the path is right.")
            raise (self._replaced() if seen else gone) from None
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise InvalidInput(
                f"{self.shown} cannot be read as Parquet ({type(error).__name__}). Either it is something else, or it "
                "was cut short or changed; write it anew."
            ) from error


def _said(data: bytes) -> Said:
    """Parse what a file says of itself; any of several errors, if that is of another shape than is written."""
    says: dict[str, Any] = json.loads(data)
    table, part = says.get("table"), says.get("part")
    version = 1 if table is None else says["version"]
    levels = {name: (list(one["values"]), bool(one["ordered"])) for name, one in says.get("levels", {}).items()}
    plain = all(isinstance(value, str | int | float) for values, _ in levels.values() for value in values)
    if not plain or not isinstance(table, str | None) or type(version) is not int or version < 1:
        raise ValueError(data)
    if part is not None:
        part = Part(*part)
        if tuple(map(type, part)) != (int, int, str):
            raise ValueError(data)
    return Said(table, version, part, levels)


def files(name: str) -> list[File]:
    """Find the files of a table, in the order of their names."""
    if URL.match(name):
        try:
            fs, path = remote(name, "Reading")
            if _PATTERN.search(path):
                found = sorted(fs.glob(path))
            else:
                found = sorted(fs.glob(f"{path.rstrip('/')}/*.parquet")) if fs.isdir(path) else [path]
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{shown(name)} cannot be reached ({type(error).__name__}).") from error
        alone = found == [path]
        base = shown(name).partition("://")[0]
        files = [File(f"{base}://{one}", alone, partial(fs.open, one, "rb")) for one in found]
    else:
        here = Path(name)
        if os.path.isdir(name):  # noqa: PTH112 - what can be no path is none, and not an error
            found = sorted(map(str, here.glob("*.parquet")))
        else:
            found = sorted(map(str, _glob(here))) if _PATTERN.search(name) and not os.path.exists(name) else [name]  # noqa: PTH110
        files = [File(one, found == [name], one) for one in found]
    if not files:
        raise InvalidInput(f"{shown(name)} holds no Parquet files. See that the path is right.")
    return files


def _glob(pattern: Path) -> Iterator[Path]:
    parent = pattern.parent
    return Path(parent.anchor or ".").glob(str(pattern.relative_to(parent.anchor)))


def remote(name: str, doing: str) -> tuple[Any, str]:
    """Give the file system of a URL, and the path there."""
    scheme = name.partition("://")[0]
    if importlib.util.find_spec("fsspec") is None:
        raise MissingExtra.of_links(doing, scheme)
    from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra

    try:
        fs, path = url_to_fs(name)
    except ImportError as error:  # of what fsspec needs for that kind of URL
        raise MissingExtra.of_links(doing, scheme, error) from error
    return fs, path
