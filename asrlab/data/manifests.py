"""Reading manifests: one reader a format, all to the same rows of plain values, nothing inferred from text.

A manifest is untrusted text. Ids stay text ("001" is not 1), words such as "null" and "NA" stay words, and a path may
not lead out of the folder it is relative to.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Row = dict[str, Any]

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
    if "\0" in name or "\\" in name or path.is_absolute() or not full.resolve().is_relative_to(root.resolve()):
        raise InvalidInput(
            f"{name!r} does not lie below {root}. Paths are relative to the dataset's folder, with forward slashes; if "
            "the audio lies elsewhere, name its folder: load_dataset(..., audio_root=...)."
        )
    return full


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
