"""What a format is: it recognises a manifest, reads it to our tables, and may write them.

A manifest is untrusted text. Ids stay text ("001" is not 1), words such as "null" and "NA" stay words, nothing is
inferred from text, and a path may not lead out of the folder it is relative to.
"""

from __future__ import annotations

import hashlib
import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pandas as pd

from asrlab import tables
from asrlab.data.manifests.references import check_text, take_references
from asrlab.data.places import is_here, is_place
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from asrlab.data.dataset import Dataset

Row = dict[str, Any]

_SECONDS: Final = "a number of seconds"
_WORD: Final = 2**63  # integers below it fit into 64 bits
_EXACT: Final = 2**53  # up to it, each is a number of floating point too
_PLAIN: Final = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,79}")


@dataclass(frozen=True)
class Options:
    """What a user says of a manifest that it does not say itself.

    Parameters
    ----------
    audio_root : Path, optional
        Folder that audio paths are relative to.
    language : str, optional
        Language of the recordings that the manifest states none of.
    columns : mapping
        Name of a column there -> name of ours.
    """

    audio_root: Path | None = None
    language: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What a reader found.

    Parameters
    ----------
    name : str
        Name for the dataset.
    utterances, references, terms, segments : DataFrame
        Tables as in :data:`asrlab.tables.SCHEMAS`.
    folder : Path, optional
        Folder of the manifest, where notes and a card may lie.
    audio_root : Path, optional
        Folder that ``audio`` is relative to.
    said : str
        What it was read from, for the user: ``"text (120 lines), wav.scp, utt2spk"``.
    remarks : tuple of str
        What was left out or taken otherwise than it stands there, a sentence each.
    """

    name: str
    utterances: pd.DataFrame
    references: pd.DataFrame = field(default_factory=lambda: tables.empty("references"))
    terms: pd.DataFrame = field(default_factory=lambda: tables.empty("terms"))
    segments: pd.DataFrame = field(default_factory=lambda: tables.empty("segments"))
    folder: Path | None = None
    audio_root: Path | None = None
    said: str = ""
    remarks: tuple[str, ...] = ()


class Format(ABC):
    """A way to write down a dataset. A new one is a class like this, and a line in ``FORMATS``."""

    name: ClassVar[str]
    """What it is called: ``load_dataset(..., format=name)``."""
    title: ClassVar[str]
    """What it is, in a few words."""
    general: ClassVar[bool] = False
    """Whether it is only thought of where nothing more particular recognises the source."""
    is_file: ClassVar[bool] = True
    """Whether it is one file, and not a folder of several."""
    written: ClassVar[bool] = True
    """Whether it is written, and not only read."""

    @abstractmethod
    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - a path, or an object that holds a dataset
        """Whether this is what a source is written in, by its names and first lines; it raises nothing."""

    @abstractmethod
    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - as above
        """Read a dataset.

        Raises
        ------
        InvalidInput
            If the source is not what it should be; the message names file, line and remedy.
        """

    def place_of(self, utterance: Mapping[str, Any], suffix: str) -> str:
        """Where the audio of an utterance lies below the folder, when it is written with its audio.

        Parameters
        ----------
        utterance : mapping
            Its row, missing values being None.
        suffix : str
            Ending of the file, such as ``".flac"``.
        """
        return f"audio/{file_name(utterance['utt_id'])}{suffix}"

    def write(self, dataset: Dataset, path: Path) -> None:
        """Write a dataset, so that :meth:`read` gives the same tables.

        Raises
        ------
        InvalidInput
            If it cannot hold what is in the dataset; nothing was written then.
        """
        raise NotImplementedError(self.name)


def file_name(utt_id: str) -> str:
    """Make a file name of an id, which may hold anything: the same, where it is fit to be one.

    Others get a hash, so that no two ids get one name, on file systems that ignore case neither.
    """
    if _PLAIN.fullmatch(utt_id):
        return utt_id
    plain = re.sub(r"[^a-z0-9_-]+", "-", utt_id.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(utt_id.encode()).hexdigest()[:12]}".lstrip("-")


def is_file_name(name: str) -> bool:
    """Whether a name can be that of a file, before its ending, on any system."""
    return bool(name.strip(". ")) and not set(name) & set('/\\\0:*?"<>|\n\r\t')


def is_file(source: object, *suffixes: str) -> bool:
    """Whether a source is a file, with one of some endings if any are given; one that cannot be looked at is none."""
    if not is_place(source):
        return False
    name: str = source.name.lower()
    if not is_here(source):
        name = name.partition("?")[0]  # a link may be signed
    try:
        return source.is_file() and (not suffixes or name.endswith(suffixes))
    except Exception:  # each file system raises its own
        return False


def is_folder(source: object, *needed: str) -> bool:
    """Whether a source is a folder that has some files; one that cannot be looked at is none."""
    if not is_place(source):
        return False
    try:
        return source.is_dir() and all((source / name).is_file() for name in needed)
    except Exception:  # as above
        return False


def collect(
    rows: Iterable[tuple[int, Row]],
    file: object,
    options: Options,
    *,
    line: str = "line",
    called: Mapping[str, str] = MappingProxyType({}),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables of a manifest's rows, and say by its line what is wrong with one.

    Parameters
    ----------
    rows : iterable of (int, dict)
        Number of the line and what it says, by our names (see :data:`asrlab.tables.SCHEMAS`, ``utterances``). None
        and a name that is not there are missing. What was said stands in ``text`` (one text, ``""`` for silence), in
        ``channel_texts`` (a list, one a channel, None where not known), or in ``references`` (a list of dicts with
        ``text`` and, where they are not the usual, ``channel``, ``form`` and ``alternative``). Other names are kept as
        columns.
    file : path
        Where they come from, for messages.
    options : Options
        Its ``language`` fills in where none is stated.
    line : str
        What is counted: a row of a table without lines is a ``"row"``.
    called : mapping
        Name of ours -> what the file calls it, for messages.

    Returns
    -------
    utterances, references : DataFrame
        In the order of the rows.

    Raises
    ------
    InvalidInput
        If a row cannot be used: no utt_id, the utt_id of another, a value of the wrong kind.
    """
    utterances: list[Row] = []
    references: list[Row] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        try:
            utterance = _utterance(row, options.language)
            references += take_references(utterance)
        except InvalidInput as error:
            name, _, rest = str(error).partition(" ")  # what is wrong with a column begins with its name
            raise InvalidInput(f"{file}, {line} {number}: {called.get(name, name)} {rest}") from None
        utt_id = utterance["utt_id"]
        if utt_id in seen:
            raise InvalidInput(
                f"{file}, {line} {number}: the utt_id {utt_id!r} is that of {line} {seen[utt_id]} too. Give each "
                "utterance an id of its own."
            )
        seen[utt_id] = number
        utterances.append(utterance)
    if not utterances:
        raise InvalidInput(f"{file} holds no utterances. A dataset needs at least one.")
    return to_table(utterances, "utterances"), to_table(references, "references")


def to_table(rows: list[Row], table: str) -> pd.DataFrame:
    """Make a table of rows: all declared columns, then those that the rows have beside them.

    Parameters
    ----------
    rows : list of dict
        By names of columns.
    table : str
        Name of the table, a key of :data:`asrlab.tables.SCHEMAS`.

    Raises
    ------
    InvalidInput
        If a value is of the wrong kind; the message names the column.
    """
    schema = tables.SCHEMAS[table]
    columns = [*schema, *dict.fromkeys(column for row in rows for column in row if column not in schema)]
    return pd.DataFrame({column: _values(rows, column, schema) for column in columns})


_IDS: Final = ("utt_id", "speaker", "recording")
_TEXTS: Final = frozenset(name for name, (dtype, _) in tables.SCHEMAS["utterances"].items() if dtype == "string")
#: Columns of numbers -> least value, and what it is.
_NUMBERS: Final = {
    "duration_s": (math.ulp(0.0), _SECONDS), "begin_s": (0, _SECONDS), "end_s": (math.ulp(0.0), _SECONDS),
    "channels": (1, "a whole number from 1"), "channel": (0, "a whole number from 0"),
}  # fmt: skip
_MOST: Final = 2**31  # of channels


def _utterance(row: Row, language: str | None) -> Row:
    """Check what one row says of an utterance."""
    utterance = {"utt_id": None, **row}
    for name, value in utterance.items():
        if isinstance(value, str):
            if not value.isascii():
                check_text(name, value)
        elif value is None:
            continue
        elif name in _IDS and type(value) is int:
            utterance[name] = str(value)
        elif name in _TEXTS:
            raise InvalidInput(f"{name} must be text, not {value!r}. Write it in quotation marks.")
    if not utterance["utt_id"]:
        raise InvalidInput("there is no utt_id. Give each utterance an id, or leave the line out.")
    for name in _NUMBERS:
        if utterance.get(name) is not None:
            utterance[name] = _number(name, utterance[name])
    begin, end = utterance.get("begin_s"), utterance.get("end_s")
    if begin is not None and end is not None and end <= begin:
        raise InvalidInput(f"end_s must be after begin_s, {begin}, and is {end}. Mend it, or leave it out.")
    if language is not None and utterance.get("language") is None:
        utterance["language"] = language
    return utterance


def _number(name: str, value: Any) -> float | int:  # noqa: ANN401 - whatever stands there
    least, what = _NUMBERS[name]
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    whole = what is not _SECONDS
    if isinstance(value, bool) or not least <= number < (_MOST if whole else math.inf) or (whole and number % 1):
        raise InvalidInput(f"{name} must be {what}, not {value!r}. Mend it, or leave it out.")
    return int(number) if whole else number


def _values(rows: list[Row], column: str, schema: Mapping[str, tuple[str, str]]) -> pd.Series:
    values = [row.get(column) for row in rows]
    dtype = schema[column][0] if column in schema else _plain_dtype(values)
    try:
        if dtype in {"Int64", "Float64"} and any(isinstance(value, str) for value in values):
            values = [float(value) if isinstance(value, str) else value for value in values]
        return pd.Series(values, dtype=dtype)
    except UnicodeEncodeError as error:
        raise InvalidInput(f"Column {column} holds half a surrogate pair, which is no text. Mend it.") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput(f"Column {column} must hold numbers: {error}.") from error


def _plain_dtype(values: list[Any]) -> Any:  # noqa: ANN401 - pandas dtypes have no common type
    """Choose a dtype that keeps an unknown column's values: text is never read as numbers."""
    kinds = set(map(type, values)) - {type(None)}
    if int in kinds:
        most = _WORD if kinds == {int} else _EXACT
        if any(type(value) is int and not -most <= value < most for value in values):
            return "object"
    return {frozenset({str}): "string", frozenset({bool}): "boolean", frozenset({int}): "Int64"}.get(
        frozenset(kinds), "Float64" if kinds and kinds <= {int, float} else "object"
    )
