"""Writing: a table as one file, or as a folder of parts that is there as a whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput, StoreError
from asrlab.parquet.files import KEY, PART, ROWS, URL, Part, files, remote, resolved, shown

if TYPE_CHECKING:
    from collections.abc import Callable


def write(frame: pd.DataFrame, table: str | None, url: str | os.PathLike[str]) -> None:
    """Write a table as one file; what is there is replaced, in one step where it is a file of this machine.

    Parameters
    ----------
    frame : DataFrame
        The table.
    table : str or None
        Its name, a key of :data:`asrlab.tables.SCHEMAS`; None if it has none.
    url : str or path
        A path, or a URL such as ``s3://bucket/run.parquet``; credentials are those that fsspec finds.

    Raises
    ------
    InvalidInput
        If a column holds what Parquet cannot.
    MissingExtra
        If a URL needs a package that is not installed.
    StoreError
        If it cannot be written.
    """
    put(encoded(frame, table), url)


def encoded(frame: pd.DataFrame, table: str | None, part: Part | None = None) -> bytes:
    """Give the bytes of a file.

    Parameters
    ----------
    frame : DataFrame
        The table, or a part of it.
    table : str or None
        Its name.
    part : Part, optional
        Which part.

    Raises
    ------
    InvalidInput
        If a column holds what Parquet cannot.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    tables.check_frame(frame)
    levels = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            values = column.cat.categories.tolist()
            if not all(isinstance(value, str | int | float) for value in values):
                raise InvalidInput(
                    f"The levels of column {name!r} are neither texts nor numbers. Write them as text before the table "
                    "is stored."
                )
            levels[str(name)] = {"values": values, "ordered": bool(column.cat.ordered)}
    try:
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidInput(
            f"The table cannot be stored: {error}. A column holds values of one kind; write others as text."
        ) from error
    says: dict[str, Any] = {"table": table, "version": table and tables.version(table), "levels": levels}
    if part is not None:
        says["part"] = part
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), KEY: json.dumps(says).encode()})
    into = pa.BufferOutputStream()
    pq.write_table(arrow, into, row_group_size=ROWS, write_page_checksum=True)
    data: bytes = into.getvalue().to_pybytes()
    return data


def put(data: bytes, url: str | os.PathLike[str]) -> None:
    """Write a file: under another name first, where it is one of this machine, so that it is never half there.

    Raises
    ------
    MissingExtra
        If a URL needs a package that is not installed.
    StoreError
        If it cannot be written.
    """
    name = os.fspath(url) if isinstance(url, os.PathLike) else str(url)
    try:
        if URL.match(name):
            fs, path = remote(name, "Writing to")
            with fs.open(path, "wb") as file:
                file.write(data)
            return
        whole = Path(name)
        # Beside it, and not in the folder for temporary files: only there is it renamed in one step.
        half = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.half")
        try:
            half.write_bytes(data)
            half.replace(whole)
        finally:
            with suppress(OSError):
                half.unlink()
    except (OSError, ValueError) as error:
        raise StoreError(f"The table could not be written to {shown(name)}: {type(error).__name__}.") from error


class Folder:
    """A folder that a table is written to, part by part: the whole table is there in the end, or none.

    On this machine parts are gathered in another folder, which is renamed. Behind a URL each is written where it stays,
    and :func:`read` refuses what is not whole.

    Parameters
    ----------
    url : str or path
        Of the folder. If it holds parts of the same table, they are replaced.
    table : str
        Name of the table.

    Raises
    ------
    InvalidInput
        If something else is there.
    """

    def __init__(self, url: str | os.PathLike[str], table: str) -> None:
        named = os.fspath(url) if isinstance(url, os.PathLike) else str(url)
        #: Path or URL of the folder.
        self.name: Path | str = named.rstrip("/") if URL.match(named) else Path(named)
        if self.name == Path(self.name).parent:
            raise InvalidInput(
                f"{named!r} names no folder that a table could be written to. Name one, such as 'scores'."
            )
        #: The folder itself, where the name is that of a link.
        self._whole = None if isinstance(self.name, str) else resolved(named)
        #: The mark that all parts of this writing have.
        self.writing = secrets.token_hex(8)
        self._fs: Any
        try:
            self._fs, self._path = remote(str(self.name), "Writing to") if isinstance(self.name, str) else (None, "")
        except ValueError as error:
            raise StoreError(f"{shown(named)} cannot be reached ({type(error).__name__}).") from error
        self._half = self._whole and self._whole.with_name(f".{self._whole.name}.{self.writing}.half")
        self._parts = 0
        if odd := [name for name in self._there() if not self._is_part(name, table)]:
            raise InvalidInput(
                f"{shown(named)} holds other things than parts of {table} ({odd[0]}). Name a folder that is not there "
                "yet, or one that such a table was written to."
            )

    def __enter__(self) -> Folder:
        """Make room."""
        self._try(self._half.mkdir if self._half else self._clear, **({"parents": True} if self._half else {}))
        return self

    def add(self, data: bytes) -> None:
        """Write the next part."""
        put(data, f"{self._half or self.name}/part-{self._parts:05d}.parquet")
        self._parts += 1

    def __exit__(self, kind: object, *_: object) -> None:
        """Put the table where it belongs, or take away what there is of it."""
        if not self._half:
            if kind:
                with suppress(OSError):
                    self._clear()
            return
        try:
            if not kind:
                self._try(self._swap)
        finally:
            shutil.rmtree(self._half, ignore_errors=True)

    def _there(self) -> list[str]:
        """Name what is in the folder."""
        try:
            if self._whole:
                return sorted(one.name for one in self._whole.iterdir())
            self._fs.invalidate_cache()
            found = self._fs.ls(self._path, detail=False)
            return sorted(name for one in found if (name := one.rstrip("/").rpartition("/")[2]) and one != self._path)
        except FileNotFoundError:
            return []
        except NotADirectoryError:
            raise InvalidInput(f"{self.name} is a file, and a folder is wanted. Name another.") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{shown(str(self.name))} cannot be reached ({type(error).__name__}).") from error

    def _is_part(self, name: str, table: str) -> bool:
        """Whether a file that is there may be replaced: it says that it is a part of such a table."""
        if not PART.fullmatch(name):
            return False
        try:
            (file,) = files(f"{self.name}/{name}")
            said = file.head().said
        except InvalidInput:
            return False
        return said.table == table and said.part is not None

    def _clear(self) -> None:
        for name in self._there():
            self._fs.rm(f"{self._path}/{name}")

    def _swap(self) -> None:
        if self._half and self._whole:
            old = self._half.with_suffix(".old")
            if self._whole.exists():
                self._whole.rename(old)
            try:
                self._half.rename(self._whole)
            except BaseException:
                if old.exists():
                    old.rename(self._whole)
                raise
            shutil.rmtree(old, ignore_errors=True)

    def _try(self, do: Callable[..., object], **how: object) -> None:
        try:
            do(**how)
        except OSError as error:
            raise StoreError(f"{shown(str(self.name))} cannot be written: {type(error).__name__}.") from error
