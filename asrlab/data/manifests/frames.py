"""A DataFrame: a row a recording, checked column by column, so that a million rows take seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.data.manifests.base import Format, Manifest, Options, Row, to_table
from asrlab.data.manifests.columns import check_given, check_needed, made_ids, renamed
from asrlab.data.manifests.references import FORMS, SAID, take_references
from asrlab.data.manifests.writing import check_single_table, references_of
from asrlab.data.rows import rows_of
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asrlab.data.dataset import Dataset

_IDS: Final = ("utt_id", "speaker", "recording")
#: Columns of numbers -> least value, and whether it must be whole.
_NUMBERS: Final = {
    "duration_s": (np.nextafter(0, 1), False), "begin_s": (0, False), "end_s": (np.nextafter(0, 1), False),
    "channels": (1, True), "channel": (0, True), "alternative": (0, True),
}  # fmt: skip
_MOST: Final = 2**31  # of whole numbers


@dataclass(frozen=True)
class Place:
    """Where rows come from, for messages.

    Parameters
    ----------
    source : object
        The file, or what else it is.
    lines : sequence of int, optional
        Line of each row; rows are counted from 1 if not given.
    """

    source: object
    lines: Sequence[int] | None = None

    def of(self, row: int) -> str:
        """Name the place of a row, counted from 0."""
        return f"{self.source}, {self.word} {self.number(row)}"

    def number(self, row: int) -> int:
        """Give the number of a row, counted from 0, as it is shown."""
        return row + 1 if self.lines is None else self.lines[row]

    @property
    def word(self) -> str:
        """What is counted."""
        return "row" if self.lines is None else "line"


class Frame(Format):
    """A DataFrame with a row a recording.

    Columns are named as in a CSV table, and ``text`` is what was said; ``""`` is silence. What is said on several
    channels may stand in ``channel_texts``, a list of texts; several references in ``references``, a list of dicts with
    ``text`` and ``channel``, ``form`` or ``alternative``. A column ``form`` beside ``text`` tells what form that is
    (spoken, written, verbatim or unstated); with other values it is a column as any. An index with a name is a column.
    NaN, None and ``<NA>`` are missing.
    """

    name = "frame"
    title = "DataFrame"
    written = False

    def recognises(self, source: Any) -> bool:  # noqa: ANN401 - see Format
        """Whether it is one of pandas."""
        return isinstance(source, pd.DataFrame)

    def read(self, source: Any, options: Options) -> Manifest:  # noqa: ANN401 - see Format
        """Take the frame; it is not changed."""
        if not isinstance(source, pd.DataFrame):
            raise InvalidInput(f"A frame must be a pandas DataFrame, not {type(source).__name__}.")
        named = [name for name in source.index.names if name is not None and name not in source.columns]
        frame = source.reset_index(level=named) if named else source
        tables.check_frame(frame)
        utterances, references, remarks = tables_of(frame, Place("The frame"), options)
        return Manifest(
            "frame", utterances, references, audio_root=options.audio_root, said="a DataFrame", remarks=remarks
        )


FORMATS: Final = (Frame(),)


def frame_of(dataset: Dataset, what: str) -> pd.DataFrame:
    """Put a dataset in one frame, with a row an utterance, that :class:`Frame` reads.

    Parameters
    ----------
    dataset : Dataset
    what : str
        For messages: what cannot hold more than that.

    Returns
    -------
    DataFrame
        The utterances, and a column ``text``, or ``references`` where there is more than a text of each.

    Raises
    ------
    InvalidInput
        If there are terms, segments, or a column that would be read as something else.
    """
    check_single_table(dataset, what)
    said = references_of(dataset)
    if not any(isinstance(one, list) for one in said):
        return dataset.utterances.assign(text=pd.Series(said, dtype="string"))
    listed = [[{"text": one}] if isinstance(one, str) else one for one in said]
    names = dict.fromkeys(name for one in listed for each in one or () for name in each)
    # All fields in all of them, so that they are alike.
    usual = {**dict.fromkeys(names), "channel": 0, "form": "unstated", "alternative": 0}
    full = [None if one is None else [usual | each for each in one] for one in listed]
    # A column text stands there, so that no other is taken for it.
    return dataset.utterances.assign(
        text=_nothing(dataset.utterances.index, "string"), references=pd.Series(full, dtype="object")
    )


def tables_of(
    frame: pd.DataFrame, place: Place, options: Options
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Make the tables of a frame, as :func:`asrlab.data.manifests.base.collect` does of rows.

    Parameters
    ----------
    frame : DataFrame
        A row a recording; its index does not matter.
    place : Place
        Where it comes from.
    options : Options

    Returns
    -------
    utterances, references : DataFrame
    remarks : tuple of str

    Raises
    ------
    InvalidInput
        If a row cannot be used; the message names it.
    """
    frame = frame.reset_index(drop=True)
    frame.columns = [str(name) for name in frame.columns]
    tables.check_frame(frame)
    names = renamed(frame.columns, options.columns)
    check_given(options, names, place.source)
    check_needed(names, place.source)
    if not len(frame):
        raise InvalidInput(f"{place.source} holds no utterances. A dataset needs at least one.")
    columns = {ours: frame[name] for name, ours in names.items()}
    remarks: tuple[str, ...] = ()
    if "utt_id" not in columns:
        audio = texts(columns["audio"], "audio", place)
        begins = _numbers(columns["begin_s"], "begin_s", place).to_list() if "begin_s" in columns else ()
        ids, remark = made_ids(
            audio.astype(object).where(audio.notna(), None).to_list(),
            options.audio_root,
            [None if begin is pd.NA else begin for begin in begins],
        )
        columns["utt_id"], remarks = pd.Series(ids, dtype="object"), (remark,)
    said: dict[str, pd.Series] = {name: columns.pop(name) for name in SAID if name in columns}
    if "form" in columns and "text" in said:
        of_text = columns["form"].isin(FORMS) & said["text"].notna()
        for name in said.keys() - {"text"}:
            of_text &= said[name].isna()
        if of_text.any():
            said["form"] = columns["form"].where(of_text)
            columns["form"] = columns["form"].mask(of_text)
            if columns["form"].isna().all():
                del columns["form"]
    schema = tables.SCHEMAS["utterances"]
    utterances = {name: _nothing(frame.index, dtype) for name, (dtype, _) in schema.items()}
    for name, column in columns.items():
        if name in _NUMBERS:
            utterances[name] = _numbers(column, name, place)
        elif schema.get(name, ("",))[0] == "string":
            utterances[name] = texts(column, name, place)
        else:
            utterances[name] = _kept(column, name, place)
    _check_ids(utterances["utt_id"], place)
    if options.language is not None:
        utterances["language"] = utterances["language"].fillna(options.language)
    return pd.DataFrame(utterances), _references(said, utterances["utt_id"], place), remarks


def texts(column: pd.Series, name: str, place: Place) -> pd.Series:
    """Make a column text, where it is; ids may be whole numbers.

    Raises
    ------
    InvalidInput
        If it is not; the message names the row.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if name in _IDS and kind in ("integer", "mixed-integer"):
        if column.dtype == object:
            column = column.map(lambda value: str(value) if type(value) is int else value)
        else:
            column = column.astype("Int64").astype("string")
        kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in ("string", "empty") and column.notna().any():
        wrong = column.notna() & ~column.map(lambda value: isinstance(value, str)).astype(bool)
        _refuse(wrong, place, f"{name} must be text, not {{!r}}. Make it text.", column)
    try:
        return column.astype("string") if kind == "string" else _nothing(column.index, "string")
    except UnicodeEncodeError:
        wrong = column.map(lambda value: isinstance(value, str) and _is_broken(value)).astype(bool)
        _refuse(wrong, place, f"{name} holds half a surrogate pair, which is no text. Mend it.")
        raise


def _numbers(column: pd.Series, name: str, place: Place) -> pd.Series:
    least, whole = _NUMBERS[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype == object:
        numbers = pd.Series(map(_number, column), index=column.index, dtype="Float64")
    elif column.dtype.kind in "bmM":  # of these, too, numbers could be made
        numbers = _nothing(column.index, "Float64")
    else:
        numbers = pd.to_numeric(column, errors="coerce").astype("Float64")
    wrong = column.notna() & ~(numbers.notna() & (numbers >= least) & (numbers < np.inf)).fillna(value=False)
    if whole:
        wrong |= ((numbers % 1 != 0) | (numbers >= _MOST)).fillna(value=False)
    what = f"a whole number from {least}" if whole else "a number of seconds"
    _refuse(wrong, place, f"{name} must be {what}, not {{!r}}. Mend it, or leave it out.", column)
    return numbers.astype("Int64") if whole else numbers


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever stands there
    try:
        return None if value is None or value is pd.NA or isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _kept(column: pd.Series, name: str, place: Place) -> pd.Series:
    """Give a column that is not ours one of the dtypes that rows of other formats get."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    kind = pd.api.types.infer_dtype(column, skipna=True)
    wanted = {"string": "string", "boolean": "boolean", "integer": "Int64", "floating": "Float64",
              "mixed-integer-float": "Float64", "integer-na": "Int64"}.get(kind)  # fmt: skip
    if wanted == "string":
        return texts(column, name, place)
    if wanted is not None:
        try:
            return column.astype(wanted)  # type: ignore[call-overload,no-any-return]
        except (TypeError, ValueError, OverflowError):  # numbers of more digits
            return column
    return column.where(column.notna(), None) if column.dtype == object else column


def _check_ids(ids: pd.Series, place: Place) -> None:
    missing = ids.isna() | (ids == "").fillna(value=False)
    _refuse(missing, place, "there is no utt_id. Give each utterance an id, or leave the row out.")
    twice = ids.duplicated()
    if twice.any():
        second = int(np.flatnonzero(twice)[0])
        first = int(np.flatnonzero(ids == ids[second])[0])
        raise InvalidInput(
            f"{place.of(second)}: the utt_id {ids[second]!r} is that of {place.word} {place.number(first)} too. "
            "Give each utterance an id of its own."
        )


def _references(said: dict[str, pd.Series], ids: pd.Series, place: Place) -> pd.DataFrame:
    """Take the texts out of the columns that hold them."""
    text = texts(said["text"], "text", place) if "text" in said else _nothing(ids.index, "string")
    lists = {name: said[name] for name in said.keys() - {"text", "form"} if said[name].notna().any()}
    if not lists:
        there = text.notna()
        plain = {"utt_id": ids[there], "text": text[there]}
        if "form" in said:
            plain["form"] = said["form"][there].astype("string")
        columns = {
            name: plain.get(name, _nothing(ids.index[there], dtype))
            for name, (dtype, _) in tables.SCHEMAS["references"].items()
        }
        return pd.DataFrame(columns).reset_index(drop=True)
    rows: list[Row] = []
    together = pd.DataFrame({"utt_id": ids, **said, "text": text})
    names = [str(name) for name in together]
    for number, values in enumerate(rows_of(together, *names)):
        row = {name: _listed(value) for name, value in zip(names, values, strict=True)}
        try:
            rows += take_references(row)
        except InvalidInput as error:
            raise InvalidInput(f"{place.of(number)}: {error}") from None
    return to_table(rows, "references")


def _listed(value: Any) -> Any:  # noqa: ANN401 - whatever stands there
    """Make an array a list: that is what pandas makes of lists in Parquet."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _nothing(index: pd.Index, dtype: str) -> pd.Series:
    """Make a column without a value."""
    return pd.Series(pd.NA, index=index, dtype=pd.api.types.pandas_dtype(dtype))


def _is_broken(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _refuse(wrong: pd.Series, place: Place, what: str, column: pd.Series | None = None) -> None:
    """Refuse the first row that is wrong, and say how many more there are."""
    places = np.flatnonzero(wrong.to_numpy(bool))
    if len(places):
        value: Any = None if column is None else column.iloc[places[0]]
        value = value.item() if isinstance(value, np.generic) else value
        more = f" ({len(places) - 1:,} more {place.word}s are like it.)" if len(places) > 1 else ""
        raise InvalidInput(f"{place.of(places[0])}: {what.format(value)}{more}")
