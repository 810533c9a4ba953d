"""Tables as files: transcripts and scores that are read from a file or a pipe, and written."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import asrlab as lab
from asrlab.cli.out import STREAM, named, records, to_json, write
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from asrlab.data.dataset import Dataset

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
_PARQUET: Final = ".parquet"
_LINES: Final = ".jsonl"
_TABLES: Final = (_PARQUET, *_SEPARATORS, _LINES)
_REPLAY: Final = b'"asrlab_replay"'
_HEAD: Final = 4096
#: Half of a surrogate pair, perhaps, which JSON can spell.
_HALF: Final = re.compile(r"\\ud[89a-f]", re.I)


def place(source: str) -> Path | str:
    """Give a path, or a URL, as what is never taken for a text that was said or heard.

    Raises
    ------
    InvalidInput
        If it is a URL with a blank, which would be taken for one.
    """
    if "://" not in source:
        return Path(source)
    if re.search(r"\s", source):
        raise InvalidInput(f"{named(source)} has a blank, as no URL has. Write %20 for it, or ? where it is a bucket.")
    return source


def references(source: str) -> Path | str:
    """Give the :func:`place` of references that need not fit into memory.

    Raises
    ------
    InvalidInput
        If it is a table of another kind, which is a dataset.
    """
    if _ending(source) in {*_SEPARATORS, _LINES}:
        raise InvalidInput(f"--references reads Parquet. Give {named(source)} as --dataset.")
    return place(source)


def transcripts(source: str, dataset: Dataset | None = None) -> pd.DataFrame | Path | str:
    """Give transcripts: of a run, a replay, a table in a file, or a table from a pipe.

    Returns
    -------
    DataFrame, path or URL
        The place, if it is Parquet, which needs not fit into memory.

    Raises
    ------
    InvalidInput
        If a table cannot be read.
    StoreError
        If there is no run.
    """
    return table(source) if _is_table(source) else lab.open_sweep(source, dataset).transcripts


def table(source: str) -> pd.DataFrame | Path | str:
    """Give a table: its place if it is Parquet, else what is read of CSV, TSV or JSON lines, or of a pipe (``-``).

    A text that is missing is not an empty one: a CSV must have a column ``state`` that tells them apart.

    Raises
    ------
    InvalidInput
        If it cannot be read.
    """
    if source != STREAM and _ending(source) not in {*_SEPARATORS, _LINES}:
        return place(source)
    name = "The standard input" if source == STREAM else source
    try:
        held = sys.stdin.buffer.read() if source == STREAM else Path(source).read_bytes()
        text = held.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidInput(
            f"{name} cannot be read ({why}). Give CSV, TSV or JSON lines in UTF-8, or Parquet."
        ) from error
    if not text.strip():
        raise InvalidInput(f"{name} is empty, where a table was to be read.")
    if text.lstrip()[:1] == "{":
        return _from_lines(text, name)
    head = text.split("\n", 1)[0]
    return _from_separated(text, _SEPARATORS.get(_ending(source), "\t" if "\t" in head else ","), name)


def scores(source: str) -> pd.DataFrame | Path | str:
    """Give a table of scores, as :func:`table` does.

    Raises
    ------
    InvalidInput
        If it cannot be read, or is something that is still to be marked.
    """
    from asrlab.sweep.store import is_run  # noqa: PLC0415 - slow to import

    path = Path(source)
    if (replay := _is_replay(path)) or (path.is_dir() and is_run(path)):
        what = "replay" if replay else "run"
        raise InvalidInput(f"{source} is a {what}: mark it first: asrlab score {source} ... -o scores.parquet")
    if path.is_file() and _ending(source) not in _TABLES:
        raise InvalidInput(f"Scores are read from files that end in {', '.join(_TABLES)}; {source} does not.")
    return table(source)


def write_table(frame: pd.DataFrame, name: str, path: str) -> None:
    """Write a table as the ending of its path says, or as JSON lines on the standard output (``-``).

    Parameters
    ----------
    frame : DataFrame
        The table.
    name : str
        Its name, a key of :data:`asrlab.tables.SCHEMAS`.
    path : str
        A file with one of the endings of :func:`is_folder`; for Parquet also a URL.

    Raises
    ------
    InvalidInput
        If it cannot be written.
    """
    ending = _ending(path)
    if path == STREAM:
        click.echo(_as_lines(frame), nl=False)
    elif ending == _PARQUET:
        from asrlab import parquet  # noqa: PLC0415 - slow to import

        if "://" not in path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        parquet.write(frame, name, path)
    elif ending == _LINES:
        write(path, lambda half: half.write_text(_as_lines(frame), encoding="utf-8", newline="\n"))
    else:
        separator = _SEPARATORS[ending]
        write(path, lambda half: frame.to_csv(half, sep=separator, index=False, lineterminator="\n"))


def is_folder(path: str) -> bool:
    """Tell whether a path that is to be written is that of a folder of Parquet files: it has no ending.

    Raises
    ------
    InvalidInput
        If it has an ending, and none of those that are written.
    """
    if path == STREAM or _ending(path) in _TABLES:
        return False
    if _ending(path):
        raise InvalidInput(f"Tables are written to files that end in {', '.join(_TABLES)}; {path} does not.")
    return True


def _ending(path: str) -> str:
    return Path(path).suffix.lower()


def _is_table(source: str) -> bool:
    """Whether it is a table of transcripts, and no run or replay."""
    if source == STREAM or "*" in source or _ending(source) in {_PARQUET, *_SEPARATORS}:
        return True
    path = Path(source)
    if path.is_dir():
        return any(path.glob(f"*{_PARQUET}"))
    return _ending(source) == _LINES and path.is_file() and not _is_replay(path)


def _is_replay(path: Path) -> bool:
    if path.suffix.lower() != _LINES or not path.is_file():
        return False
    with path.open("rb") as file:
        return _REPLAY in file.read(_HEAD)


def _from_lines(text: str, name: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - slow to import

    from asrlab.data.manifests.jsonl import said_once  # noqa: PLC0415 - as above

    rows: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            row = json.loads(line, object_pairs_hook=said_once) if line.strip() else {}
            if _HALF.search(line):
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"{name}, line {number}: this holds half a surrogate pair, which is no text. Mend it."
            ) from error
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{name}, line {number}: this is no JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"{name}, line {number}: a row is an object, {{...}}, not {row!r}.")
        if row:
            rows.append(row)
    frame = pd.DataFrame(rows, dtype=object)
    texts = [column for column in frame if frame[column].dropna().map(lambda cell: isinstance(cell, str)).all()]
    return frame.astype(dict.fromkeys(texts, "string"))


def _from_separated(text: str, separator: str, name: str) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - slow to import

    from asrlab import tables  # noqa: PLC0415 - as above

    rows: list[list[str]] = []
    line = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            first, line = line, reader.line_num + 1
            if not row:
                continue
            rows.append(row)
            if len(row) != len(rows[0]):
                raise InvalidInput(
                    f"{name}, line {reader.line_num}: there are {len(row)} fields, and {len(rows[0])} in the header."
                )
            # Our own fields hold tabs or ends of lines, if any, but hardly both: this one swallowed a row.
            if separator == "\t" and any("\t" in field and ("\n" in field or "\r" in field) for field in row):
                raise InvalidInput(
                    f"{name}, line {first}: a field that begins with a quotation mark goes on to line "
                    f"{reader.line_num}, over tabs and the end of the line. Put such a field in quotation marks, and "
                    "double those in it."
                )
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {reader.line_num}: this is no table with a header ({error}).") from error
    frame = pd.DataFrame(rows[1:], columns=rows[0], dtype="string")
    tables.check_frame(frame)
    silent = frame["text"] == "" if "text" in frame else pd.Series(False, frame.index)
    if silent.any() and "state" not in frame:
        raise InvalidInput(
            f"{name} has {int(silent.sum())} rows without a text, and does not say whether nothing was heard, or "
            "nothing came back. Give it a column state, with answered or failed in it; or JSON lines or Parquet, where "
            'an empty text is "" and a missing one null.'
        )
    heard = silent & (frame["state"] == "answered") if "state" in frame else silent
    empty = frame == ""
    if "text" in frame:
        empty["text"] &= ~heard
    return frame.mask(empty)


def _as_lines(frame: pd.DataFrame) -> str:
    return "".join(f"{to_json(row)}\n" for row in records(frame))
