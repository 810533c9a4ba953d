"""Requests: what each answer was asked with, from a table of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What names an asking, where its trial does not.
_ASKING = ("utt_id", "condition", "repeat")


def sent(rows: pd.DataFrame, parameters: pd.DataFrame, name: str) -> pd.Series:
    """Look up the value of a request parameter for each answer.

    Parameters
    ----------
    rows : DataFrame
        Answers: transcripts, scores or edits.
    parameters : DataFrame
        Such as ``sweep.parameters``: the parameter, and what names the asking: ``trial``, where all rows and parameters
        have one; else those of ``utt_id``, ``condition`` and ``repeat`` that both tables have.
    name : str
        Name of the parameter, a column of ``parameters``.

    Returns
    -------
    Series
        The values with the index of ``rows``; ``<NA>`` where the parameter was not sent.

    Raises
    ------
    InvalidInput
        If there is no such column, nothing names the askings, or an answer has no parameters or different ones.

    Examples
    --------
    >>> rows = pd.DataFrame({"utt_id": ["a", "b"], "condition": "terms"})
    >>> given = pd.DataFrame({"utt_id": ["b", "a"], "context": ["Kestrel", pd.NA]})
    >>> sent(rows, given, "context").tolist()
    [<NA>, 'Kestrel']
    """
    tables.check_frame(parameters)
    tables.check_frame(rows)
    if name not in parameters.columns:
        raise InvalidInput(
            f"The parameters have no column {name!r}; they have {', '.join(map(str, parameters.columns)) or 'none'}. "
            "sweep.parameters has all of them."
        )
    declared = [column for column in parameters.columns if column in tables.SCHEMAS["parameters"]]
    given = tables.check(_whole(parameters.reset_index(drop=True)), "parameters", required=tuple(declared))
    rows = _whole(rows)
    keys = _keys(rows, given, declared)
    known = given[list(dict.fromkeys([*keys, name]))].drop_duplicates()
    if (twice := known.duplicated(keys)).any():
        raise InvalidInput(
            f"The parameters give {name} more than once, and not the same, for {_named(known[twice], keys)}. "
            "An asking has one; add what tells the askings apart: condition, repeat or trial."
        )
    wanted = rows[keys].astype({key: known[key].dtype for key in keys})
    place = pd.MultiIndex.from_frame(known[keys]).get_indexer(pd.MultiIndex.from_frame(wanted))
    if (lost := place < 0).any():
        raise InvalidInput(
            f"{int(lost.sum())} answers have no row in the parameters, such as {_named(wanted[lost], keys)}. "
            "Give the parameters of the sweep that they are of."
        )
    return pd.Series(known[name].array.take(place), rows.index, name=name)


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Make whole numbers of floats that are, as pandas reads numbers from a file in which some are missing."""
    floats = [name for name in ("trial", *_ASKING) if name in table and pd.api.types.is_float_dtype(table[name])]
    return table.assign(**{name: table[name].astype("Int64") for name in floats if _are_whole(table[name])})


def _are_whole(numbers: pd.Series) -> bool:
    return bool((numbers.dropna() % 1 == 0).all())


def _keys(rows: pd.DataFrame, given: pd.DataFrame, declared: Sequence[str]) -> list[str]:
    def filled(column: str) -> bool:
        return all(column in table.columns and bool(table[column].notna().all()) for table in (rows, given))

    if filled("trial"):
        return ["trial"]
    keys = [column for column in _ASKING if column in declared and filled(column)]
    if "utt_id" not in keys:
        raise InvalidInput(
            "Parameters and answers need a trial, or an utt_id, in every row, to be put beside one another. Name the "
            "recordings in both."
        )
    return keys


def _named(rows: pd.DataFrame, keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {rows[key].iloc[0]}" for key in keys)
