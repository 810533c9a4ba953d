"""Output: tables and documents on the standard output, or as files that are whole or not there."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from asrlab.errors import InvalidInput
from asrlab.shown import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

    from asrlab.shown import Shown

STREAM: Final = "-"


def document(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write a JSON document on the standard output, in one line."""
    click.echo(to_json(value))


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Give a value as JSON; what is missing or no finite number is null. In ASCII where the output is not UTF-8."""
    ascii_only = not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return json.dumps(_json(value), ensure_ascii=ascii_only, allow_nan=False)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of a table as objects of a document."""
    columns = {str(name): table[name].astype(object).where(table[name].notna(), None) for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def facts(thing: Shown | Iterable[tuple[str, object]]) -> str:
    """Say what an object shows of itself, a line a fact."""
    told = thing._told() if hasattr(thing, "_told") else thing
    lines = [(name, words(value)) for name, value in told]
    wide = max((len(name) for name, _ in lines), default=0)
    return "\n".join(wrapped(f"{name:{wide}}  {value}", wide + 2) for name, value in lines)


def table(frame: pd.DataFrame, *, max_rows: int | None = 100) -> str:
    """Lay a table out for a terminal: one that is too wide has further columns below the first ones."""
    from asrlab import html  # noqa: PLC0415 - slow to import

    text = str(html.table(frame, max_rows=max_rows))
    wide = _width()
    rows = text.split("\n")
    shown = len(frame) if max_rows is None else min(len(frame), max_rows)
    rows, rest = rows[: shown + 1], rows[shown + 1 :]
    return "\n".join([*_folded(rows, wide), *(wrapped(line, 0) for line in rest)])


def wrapped(text: str, indent: int) -> str:
    """Bring lines to the width of the terminal; what comes below the first of its pieces is indented."""
    wide = _width()
    if wide is None:
        return text
    # A line keeps the blanks that it begins with, and columns their distance.
    return "\n".join(
        textwrap.fill(line, wide, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
        for line in text.split("\n")
    )


def named(path: str | Path) -> str:
    """Name a path or URL without what is secret in it."""
    if "://" not in str(path):
        return str(path)
    from asrlab.data.links import shown  # noqa: PLC0415 - seldom needed, and slow to import

    return shown(str(path))


def lasting(path: str | Path) -> None:
    """Refuse a URL in the memory of this process, which ends with the command.

    Raises
    ------
    InvalidInput
        If it is one.
    """
    if re.match(r"(?:\w+::)*memory:", str(path)):
        raise InvalidInput(f"{named(path)} is in the memory of this command, and gone when it ends. Name a folder.")


def may_write(path: str | Path, *, force: bool, urls: bool = False) -> None:
    """Refuse to write where something is, unless it is to be replaced, or to a URL that would be taken for a path.

    Raises
    ------
    InvalidInput
        If there is something, and ``force`` is not given; or it is a URL, and those are not written.
    """
    lasting(path)
    if "://" in str(path):
        if not urls:
            raise InvalidInput(f"{named(path)} is a URL. Write it to this machine, and copy it.")
    elif path != STREAM and not force and Path(path).exists():
        raise InvalidInput(f"{path} is there already. Name another place, or replace it with --force.")


def keep(output: str | Path, *inputs: str | Path | None, dataset: str | Path | None = None) -> None:
    """Refuse to write over what is read, around it or into it, even where what is there is to be replaced.

    Parameters
    ----------
    output : path
        Where something is to be written.
    *inputs : path, optional
        What is read; None and ``-`` are nothing.
    dataset : path, optional
        A dataset that is read. Into its folder may be written what is not there yet.

    Raises
    ------
    InvalidInput
        If it would be written there.
    """
    from asrlab.parquet import inside  # noqa: PLC0415 - slow to import

    is_new = "://" not in str(output) and not Path(output).exists()
    for given in (*inputs, dataset):
        if given is None or STREAM in {str(given), str(output)}:
            continue
        if inside(given, output) or (inside(output, given) and not (given is dataset and is_new)):
            raise InvalidInput(
                f"{named(output)} is, holds or lies in {named(given)}, which is read here and never written over. Name "
                "another place."
            )


def write(path: str | Path, make: Callable[[Path], object]) -> None:
    """Write a file under another name, and give it its own when it is whole.

    Parameters
    ----------
    path : path
        The file; its folder is made if need be.
    make : callable
        Writes to the path that it is given.

    Raises
    ------
    InvalidInput
        If it cannot be written.
    """
    target = Path(path)
    half = target.with_name(f".{os.getpid()}.{target.name}")  # the ending stays, which says what is written
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            make(half)
            half.replace(target)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written ({error.strerror}). Name another place.") from error


def _json(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    if isinstance(value, dict):
        return {str(name): _json(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json(inner) for inner in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _json(value.item()) if hasattr(value, "item") else str(value)


def _width() -> int | None:
    """Columns of the terminal, or as the variable COLUMNS says; None for a file or pipe, where a line is a line."""
    said = os.environ.get("COLUMNS", "")
    if not (said.isdigit() and int(said)) and not sys.stdout.isatty():
        return None
    return max(shutil.get_terminal_size().columns, 40)


def _folded(rows: list[str], wide: int | None) -> list[str]:
    """Put the columns of a table that do not fit beside the others below them, the first one again beside them."""
    cells = [_cells(row) for row in rows]
    most = max(map(len, cells))
    if wide is None or most <= wide:
        return rows
    cells = [[*row, *[" "] * (most - len(row))] for row in cells]
    gaps = [all(row[k] == row[k + 1] == " " for row in cells) for k in range(most - 1)]
    ends = [k for k in range(most - 1) if gaps[k] and not gaps[k - 1]] + [most]
    first = ends[0] + 2 if 3 * ends[0] < wide else 0
    folded: list[str] = []
    begin = 0
    for k, end in enumerate(ends):
        head = first if begin else 0
        if k + 1 == len(ends) or head + ends[k + 1] - begin > wide:
            folded += ["".join(row[:head] + row[begin:end]).rstrip() for row in cells] + [""]
            begin = end + 2
    return folded


def _cells(row: str) -> list[str]:
    """Give what stands in each column of a terminal: Han characters take two, combining marks none of their own."""
    cells: list[str] = []
    for sign in row:
        if unicodedata.category(sign) in {"Mn", "Me"} and cells:
            cells[-1] += sign
        else:
            cells += [sign, ""] if unicodedata.east_asian_width(sign) in "WF" else [sign]
    return cells
