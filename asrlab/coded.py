"""Scores as codes: read or taken as they are, checked, and kept in a few bytes a row for all that counts them.

Texts are categoricals whose order means nothing: which answers belong together is found by their codes. What is made of
scores is the same whether they came as a frame or were read from Parquet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from asrlab import groups, parquet, tables
from asrlab.errors import InvalidInput
from asrlab.groups import complain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pyarrow as pa
    from numpy.typing import NDArray

#: A table of scores, or path or URL of one that is stored as Parquet.
Scores: TypeAlias = "pd.DataFrame | str | PathLike[str]"

_COUNTS: Final = (*groups.COUNTS, "hits", "hyp_len")
#: Texts that answers are told apart by, and that are taken as codes always.
_CODED: Final = ("utt_id", "condition", "state", "spoken_language", *groups.APART, "block", "block_kind")
#: What is read of stored scores, besides their axes.
_READ: Final = (*_CODED, "repeat", "channel", *_COUNTS)
#: Rows that are looked at together.
_ROWS: Final = 2**20


def check_scores(scores: pd.DataFrame, required: Sequence[str] = ()) -> pd.DataFrame:
    """Check a table of scores, fill in what one condition and one asking need not say, and add up errors.

    Parameters
    ----------
    scores : DataFrame
        With ``utt_id``, ``unit``, ``subs``, ``dels``, ``ins`` and ``ref_len`` at least.
    required : sequence of str
        Further columns that must be there.

    Returns
    -------
    DataFrame
        A ``scores`` table numbered anew, with ``errors``. Where there is no state, rows with counts are answered, those
        without have failed. A row that has counts and was not answered is an all-deleted one.

    Raises
    ------
    InvalidInput
        If columns are missing or have the name of one that is made, a state is unknown, an answered row has no counts,
        or counts do not add up.
    """
    return groups.decoded(coded(scores, required))


def coded(scores: Scores, required: Sequence[str] = (), *, also: Sequence[str] = ()) -> pd.DataFrame:
    """Check scores as :func:`asrlab.coded.check_scores` does, and give texts as categoricals.

    Parameters
    ----------
    scores : DataFrame, str or path
        The table; or path or URL of Parquet, of which no more is read than is needed.
    required : sequence of str
        Further columns that must be there.
    also : sequence of str
        Further columns to read of what is stored, where they are there.
    """
    table: Any = _read(scores, also) if isinstance(scores, str) or parquet.is_stored(scores) else scores
    tables.check_frame(table)
    frame = _coded(table.reset_index(drop=True), ("utt_id", "unit", *groups.COUNTS, *required))
    if taken := [name for name in groups.WORKING if name in frame.columns]:
        raise InvalidInput(f"A column {taken[0]!r} is made of the scores, and these have one already. Rename it there.")
    there = [frame[name].notna().to_numpy(np.bool) for name in groups.COUNTS]
    marked, some = np.logical_and.reduce(there), np.logical_or.reduce(there)
    frame["state"] = _filled(_filled(frame["state"], "answered", marked), "failed")
    answered = (frame["state"] == "answered").to_numpy(np.bool)
    again = "Mark them again with score()."
    known = frame["state"].isin(groups.STATES)
    complain(~known, frame, f"have another state than {', '.join(groups.STATES)}. Correct it.")
    complain(answered & ~marked, frame, f"are answered without counts. {again}")
    complain(some & ~marked, frame, f"have some counts and lack others. {again}")
    frame["hits"] = frame["hits"].fillna(frame["ref_len"] - frame["subs"] - frame["dels"])
    frame["hyp_len"] = frame["hyp_len"].fillna(frame["hits"] + frame["subs"] + frame["ins"])
    lost = frame.loc[marked & ~answered, ["utt_id", *groups.COUNTS]]
    all_deleted = (lost["dels"] == lost["ref_len"]) & (lost["subs"] + lost["ins"] == 0)
    complain(~all_deleted, lost, f"were not answered and have counts, which may only say that all was deleted. {again}")
    odd = marked & ~_add_up(frame)
    complain(odd, frame, f"have counts that do not add up to ref_len or hyp_len. {again}")
    frame["condition"] = _filled(frame["condition"], "unnamed")
    frame["repeat"] = frame["repeat"].fillna(0)
    frame["errors"] = frame["subs"] + frame["dels"] + frame["ins"]
    return frame


def _read(url: Any, also: Sequence[str]) -> pd.DataFrame:  # noqa: ANN401 - a path or URL
    """Read what is needed of stored scores, into arrays of their full length, so that nothing is held twice."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import

    stored = parquet.Stored(url, "scores")
    names = [name for name in stored.columns if name in {*_READ, *also} or name not in tables.SCHEMAS["scores"]]
    texts = [name for name in names if name in groups.TEXTS and stored.is_text(name)]
    columns = {name: _Codes(named=name in _CODED) if name in texts else _Values() for name in names}
    for some in stored.arrow(names, coded=texts):
        for name in texts:
            columns[name].add(some.column(name), stored.rows)
        frame = stored.layout.frame(some.drop_columns(texts))
        for name in frame.columns:
            columns[name].add(frame[name], stored.rows)
    frame = pd.DataFrame({name: columns.pop(name).whole() for name in names}, copy=False)
    pa.default_memory_pool().release_unused()  # of texts that are many, more than the frame
    return frame


class _Codes:
    """A column of text: codes of each part, and what they stand for there.

    Of a column that is not ``named``, all that is wanted is which texts are the same.
    """

    def __init__(self, *, named: bool) -> None:
        self._named = named
        self._codes: list[NDArray[np.integer[Any]]] = []
        self._texts: list[pa.Array] = []

    def add(self, column: pa.ChunkedArray, rows: int) -> None:
        for chunk in column.chunks:
            code = np.asarray(chunk.indices.fill_null(-1))
            self._codes.append(code.astype(_least(len(chunk.dictionary))))
            self._texts.append(chunk.dictionary)

    def whole(self) -> pd.Categorical:
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        texts = pa.concat_arrays([pa.array([], pa.string()), *self._texts]).dictionary_encode()
        names = _names(texts.dictionary) if self._named else pd.RangeIndex(len(texts.dictionary))
        place, start = np.asarray(texts.indices), 0
        code: NDArray[np.integer[Any]] = np.empty(sum(map(len, self._codes)), _least(len(names)))
        at = 0
        for some, dictionary in zip(self._codes, self._texts, strict=True):
            of = np.append(place[start : start + len(dictionary)], -1)  # the last is that of what is missing
            code[at : at + len(some)] = of[some]
            start, at = start + len(dictionary), at + len(some)
        return pd.Categorical.from_codes(code, names)


def _names(texts: pa.Array) -> pd.Index:
    names: pd.Index = pd.Index(pd.array(texts, dtype="string[pyarrow]"))
    return names


def _least(most: int) -> type[np.integer[Any]]:
    """Give the smallest dtype for codes up to so many."""
    return next(dtype for dtype in (np.int8, np.int16, np.int32) if most <= np.iinfo(dtype).max)


class _Values:
    """A column of anything else."""

    def __init__(self) -> None:
        self._done = 0
        self._numbers: NDArray[np.int64] | None = None
        self._parts: list[pd.Series] = []

    def add(self, column: pd.Series, rows: int) -> None:
        if column.dtype != "Int64":
            self._parts.append(column)
            return
        if self._numbers is None:
            self._numbers, self._missing = np.empty(rows, np.int64), np.empty(rows, np.bool)
        here = slice(self._done, self._done + len(column))
        self._numbers[here], self._missing[here] = column.to_numpy(np.int64, na_value=0), column.isna()
        self._done += len(column)

    def whole(self) -> Any:  # noqa: ANN401 - a Series or an array
        if self._numbers is not None:
            return pd.arrays.IntegerArray(self._numbers, self._missing)
        return self._parts[0] if len(self._parts) == 1 else pd.concat(self._parts, ignore_index=True)


def _coded(frame: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """Check the columns of scores, and give as codes the texts that are, and those that answers are told apart by."""
    tables.check(frame.iloc[:0], "scores", required=tuple(needed))
    columns: dict[str, Any] = {}
    for name in tables.SCHEMAS["scores"]:
        if name not in frame.columns:
            columns[name] = _nothing(len(frame), is_text=name in groups.TEXTS)
        elif name in groups.TEXTS and isinstance(frame[name].dtype, pd.CategoricalDtype):
            as_it_is = name not in _CODED or frame[name].cat.categories.dtype == "string"
            columns[name] = frame[name] if as_it_is else _as_codes(tables.cast(frame[name], "scores"))
        else:
            column = tables.cast(frame[name], "scores")
            columns[name] = _as_codes(column) if name in _CODED else column
    others = {str(name): frame[name] for name in frame.columns if name not in columns}
    return pd.DataFrame({**columns, **others}, index=frame.index, copy=False)


def _as_codes(column: pd.Series) -> pd.Categorical:
    code, names = pd.factorize(column)
    return pd.Categorical.from_codes(code, pd.Index(names))


def _nothing(rows: int, *, is_text: bool) -> Any:  # noqa: ANN401 - a Categorical or an array
    if is_text:
        return pd.Categorical.from_codes(np.full(rows, -1, np.int8), pd.Index([], dtype="string"))
    return pd.arrays.IntegerArray(np.zeros(rows, np.int64), np.ones(rows, np.bool))


def _filled(column: pd.Series, name: str, where: NDArray[np.bool] | None = None) -> pd.Series:
    """Write a name where a column of codes has none."""
    lacking = column.isna().to_numpy(np.bool)
    lacking = lacking if where is None else lacking & where
    if not lacking.any():
        return column
    names = column.cat.categories
    names = names if name in names else names.append(pd.Index([name], dtype="string"))
    code = np.where(lacking, names.get_indexer(pd.Index([name]))[0], column.cat.codes)
    return pd.Series(pd.Categorical.from_codes(code, names), column.index, name=column.name)


def _add_up(frame: pd.DataFrame) -> NDArray[np.bool]:
    """Tell where counts, which are there, are none below 0 and add up to the units of reference and answer."""
    good = np.ones(len(frame), np.bool)
    for part in range(0, len(frame), _ROWS):
        subs, dels, ins, ref_len, hits, hyp_len = (
            frame[name].iloc[part : part + _ROWS].to_numpy(np.int64, na_value=0) for name in _COUNTS
        )
        least = np.minimum.reduce([subs, dels, ins, ref_len, hits])
        good[part : part + _ROWS] = (hits + subs + dels == ref_len) & (hits + subs + ins == hyp_len) & (least >= 0)
    return good
