"""Tables of text with a header: CSV and TSV."""

from __future__ import annotations

import csv
from array import array
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, is_file
from asrlab.data.manifests.columns import ALIASES, renamed
from asrlab.data.manifests.files import counted, text_lines
from asrlab.data.manifests.frames import Place, tables_of
from asrlab.data.manifests.jsonl import manifest_name
from asrlab.data.manifests.writing import TABLES, bare, names_of, new_file, refuse, with_texts
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import IO

    from asrlab.data.dataset import Dataset

_SEPARATORS: Final = {",": "comma", "\t": "tab", ";": "semicolon"}
_LONGEST: Final = 64 << 20  # characters of a field; what the library takes unasked is less than an hour of speech
_BUNCH: Final = 50_000  # rows

Record = tuple[int, list[str]]


class _Separated(Format):
    """A table of text, a row a recording, with a header that names the columns.

    Names are ours or one of the common ones (:data:`asrlab.data.manifests.columns.ALIASES`), or said by ``columns=``.
    There must be ids or audio; an id that is missing is made of the audio's name. Fields are quoted as CSV is, with
    ``"``; all of them are text, and nothing is guessed from them: ``001`` and ``NA`` stay what they are. An empty field
    is missing, quoted or not, so there are no empty texts: silence is not written.

    One text a recording is held, and one form of them all, which stands in a column ``form`` unless it is ``unstated``.
    There are no terms and no segments, and no lists such as ``tags``. Columns that are not ours come back as text.
    """

    general = True
    suffix: ClassVar[str]
    separator: ClassVar[str]

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether it is a file with the ending."""
        return is_file(source, self.suffix)

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Read the table; where its header makes sense only with another separator, with that."""
        file: Path = source
        separator, header = self._header(file, options)
        frame, lines = _frame(_records(file, separator), header, file)
        remarks = []
        if separator != self.separator:
            remarks.append(f"Fields are separated by {_SEPARATORS[separator]}s.")
        if unnamed := len(header) - frame.shape[1]:
            remarks.append(f"Left out: {counted(unnamed, 'column')} without a name.")
        options = replace(options, audio_root=options.audio_root or file.parent)
        utterances, references, more = tables_of(frame, Place(file, lines), options)
        return Manifest(
            manifest_name(file), utterances, references, folder=file.parent, audio_root=file.parent, said=file.name,
            remarks=(*remarks, *more),
        )  # fmt: skip

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write the table."""
        what = f"A table of text ({self.suffix})"
        frame = with_texts(dataset, what)
        columns = [
            name
            for name in names_of(frame)
            if name in ALIASES or name not in tables.SCHEMAS["utterances"] or bool(frame[name].notna().any())
        ]
        for name in columns:
            if not name.strip():
                raise InvalidInput(f"{what} cannot hold a column without a name. Rename it.")
            values = frame[name].astype(object)
            refuse(frame["utt_id"][values.map(_is_nothing)], what, f"an empty {name}", TABLES)
            odd = frame["utt_id"][~values.map(_is_plain).astype(bool)]
            refuse(odd, what, f"values of the column {name!r} that are no text or number", bare(dataset))
        with new_file(path) as file:
            # Told that rows end with both, the library quotes fields with either of them.
            writer = csv.writer(_WithLf(file), delimiter=self.separator, lineterminator="\r\n")
            writer.writerow(columns)
            writer.writerows(rows_of(frame, *columns))

    def _header(self, file: Path, options: Options) -> tuple[str, list[str]]:
        """Find the separator, the usual one first, and the names of the columns."""
        headers = {}
        for separator in sorted(_SEPARATORS, key=lambda one: one != self.separator):
            try:
                _, headers[separator] = next(_records(file, separator), (1, []))
            except InvalidInput:
                if separator == self.separator:
                    raise
                continue
            if _makes_sense(headers[separator], options.columns):
                return separator, headers[separator]
        if not any(headers[self.separator]):
            raise InvalidInput(f"{file} holds no utterances. It needs a header and a row an utterance.")
        return self.separator, headers[self.separator]


class _WithLf:
    """A file whose rows end with LF, of rows that end with CR LF."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


class Csv(_Separated):
    """Values separated by commas."""

    name = "csv"
    title = "table of comma-separated values (.csv)"
    suffix = ".csv"
    separator = ","


class Tsv(_Separated):
    """Values separated by tabs."""

    name = "tsv"
    title = "table of tab-separated values (.tsv)"
    suffix = ".tsv"
    separator = "\t"


FORMATS: Final = (Csv(), Tsv())


def _makes_sense(header: Sequence[str], given: Mapping[str, str]) -> bool:
    try:
        return not {"utt_id", "audio"}.isdisjoint(renamed(header, given).values())
    except InvalidInput:  # several columns could be one of ours
        return True


def _records(file: Path, separator: str) -> Iterator[Record]:
    """Give the rows of a table that are not empty, each with the line it begins on."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    reader = csv.reader((line for _, line in text_lines(file, ends=True)), delimiter=separator, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"{file}, line {line}: this row cannot be read ({error}). Fields that hold the separator, quotation marks "
            'or line breaks stand in "quotation marks", and those in them are doubled.'
        ) from None


def _frame(records: Iterator[Record], header: Sequence[str], file: Path) -> tuple[pd.DataFrame, Sequence[int]]:
    """Make a frame of rows, and give the line of each; a bunch of rows at a time, so that few are held as objects."""
    named = [place for place, name in enumerate(header) if name.strip()]
    names = [header[place] for place in named]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(f"{file} has two columns named {twice!r}. Rename one.")
    next(records, None)
    lines = array("q")
    bunches: list[pd.DataFrame] = []
    while rows := list(islice(records, _BUNCH)):
        for line, fields in rows:
            if len(fields) != len(header):
                raise InvalidInput(
                    f"{file}, line {line}: there are {len(fields)} fields, and the header has {len(header)}. Mend it; "
                    "quote fields that hold the separator."
                )
            lines.append(line)
        columns = list(zip(*(fields for _, fields in rows), strict=True))
        bunches.append(
            pd.DataFrame(
                {
                    name: pd.array([value or None for value in columns[place]], dtype="string")
                    for name, place in zip(names, named, strict=True)
                }
            )
        )
    if not bunches:
        raise InvalidInput(f"{file} holds no utterances. It needs a header and a row an utterance.")
    return pd.concat(bunches, ignore_index=True), lines


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and not value


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float) or type(value).__name__ == "NAType"
