"""Reading manifests: one reader a format, all to the same rows of plain values, nothing inferred from text.

A manifest is untrusted text. Ids stay text ("001" is not 1), words such as "null" and "NA" stay words, and a path may
not lead out of the folder it is relative to.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = dict[str, Any]

_IDS: Final = ("utt_id", "speaker", "recording")
_URL_SCHEMES: Final = frozenset({"http", "https", "oss"})


def read_rows(path: str | Path) -> list[Row]:
    """Read a manifest.

    Parameters
    ----------
    path : path
        ``.jsonl`` (one JSON object a line), ``.csv`` or ``.tsv`` (with a header; every value is text, an empty field is
        missing); UTF-8, with or without a byte order mark.

    Returns
    -------
    list of dict
        One dict a row, in order.

    Raises
    ------
    InvalidInput
        If the file is missing, of another kind, or not what its name says; the message names the line.
    """
    file = Path(path)
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{file} is no manifest that can be read: its name must end in {', '.join(_READERS)}.")
    if not file.is_file():
        raise InvalidInput(f"There is no manifest {file}. Check the path.")
    try:
        return list(reader(file))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 ({error.reason} at byte {error.start}). Save it as UTF-8.") from error


def is_url(audio: str) -> bool:
    """Whether audio is named by a URL that a service fetches by itself."""
    return audio.partition(":")[0].lower() in _URL_SCHEMES


def inside(root: Path, name: str) -> Path:
    """Find a file below a folder.

    Parameters
    ----------
    root : Path
        The folder.
    name : str
        Path relative to it, with POSIX separators.

    Raises
    ------
    InvalidInput
        If the path is absolute or leads out of the folder, be it through ``..`` or a link.
    """
    path = PurePosixPath(name)
    full = root / path
    try:
        below = full.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle; no text that can name a file
        below = False
    if "\0" in name or "\\" in name or path.is_absolute() or not below:
        raise InvalidInput(
            f"{name!r} does not lie below {root}. Paths are relative to the dataset's folder, with forward slashes; if "
            "the audio lies elsewhere, name its folder: load_dataset(..., audio_root=...)."
        )
    return full


def to_table(rows: list[Row], table: str) -> pd.DataFrame:
    """Make a table of rows.

    Parameters
    ----------
    rows : list of dict
        As :func:`read_rows` gives them.
    table : str
        Name of the table, a key of :data:`asrlab.tables.SCHEMAS`.

    Returns
    -------
    DataFrame
        All declared columns, then those that the rows have beside them.

    Raises
    ------
    InvalidInput
        If a value is of the wrong kind; the message names it.
    """
    schema = tables.SCHEMAS[table]
    for number, row in enumerate(rows, 1):
        for column, value in row.items():
            if column in _IDS and type(value) is int:
                row[column] = str(value)
            elif schema.get(column, ("",))[0] == "string" and not (value is None or isinstance(value, str)):
                raise InvalidInput(
                    f"Row {number} of the {table}: {column} must be text, not {value!r}. Write it in quotation marks."
                )
    columns = [*schema, *dict.fromkeys(column for row in rows for column in row if column not in schema)]
    return pd.DataFrame({column: _values(rows, column, schema) for column in columns})


def _values(rows: list[Row], column: str, schema: Mapping[str, tuple[str, str]]) -> pd.Series:
    values = [row.get(column) for row in rows]
    dtype = schema[column][0] if column in schema else _plain_dtype(values)
    if dtype in {"Int64", "Float64"}:
        try:
            numbers = [None if value is None else float(value) for value in values]
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(f"Column {column} must hold numbers: {error}.") from error
        return pd.Series(numbers, dtype="Float64").astype(pd.api.types.pandas_dtype(dtype))
    try:
        return pd.Series(values, dtype=dtype)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"Column {column} holds half a surrogate pair, which is no text. Mend it.") from error


def _plain_dtype(values: list[Any]) -> Any:  # noqa: ANN401 - pandas dtypes have no common type
    """Choose a dtype that keeps an unknown column's values: text is never read as numbers."""
    kinds = {type(value) for value in values if value is not None}
    return {frozenset({str}): "string", frozenset({bool}): "boolean", frozenset({int}): "Int64"}.get(
        frozenset(kinds), "Float64" if kinds and kinds <= {int, float} else "object"
    )


def _json_lines(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InvalidInput(f"Line {number} of {file} is not JSON: {error}. Mend or remove it.") from error
            if not isinstance(row, dict):
                raise InvalidInput(f"Line {number} of {file} must be a JSON object, not {type(row).__name__}.")
            yield row


def _separated(delimiter: str) -> Callable[[Path], Iterator[Row]]:
    def read(file: Path) -> Iterator[Row]:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, delimiter=delimiter, strict=True)
            try:
                for row in rows:
                    if None in row or None in row.values():
                        raise InvalidInput(
                            f"Line {rows.line_num} of {file} has not as many fields as the header "
                            f"({len(rows.fieldnames or ())}). Mend it; quote fields that hold the separator."
                        )
                    yield {name: value or None for name, value in row.items()}
            except csv.Error as error:
                raise InvalidInput(f"Line {rows.line_num} of {file} cannot be read: {error}.") from error

    return read


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Row]]]] = {
    ".jsonl": _json_lines,
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
}
