"""Groups: which rows of scores or edits may be pooled, and in what order groups come.

What is counted in another unit, against another form, after another normalizer or under another rule of ties is never
pooled: these four always tell groups apart, besides whatever a person groups by.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd

from asrlab import tables
from asrlab.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

#: Columns that are never pooled over.
APART: Final = ("unit", "form", "normalizer", "ties")
#: Columns of scores that counts are kept in; hits and hyp_len follow from them.
COUNTS: Final = ("subs", "dels", "ins", "ref_len")
#: Columns of scores that hold text: where they come as codes, the order of these means nothing.
TEXTS: Final = frozenset(name for name, (dtype, _) in tables.SCHEMAS["scores"].items() if dtype == "string")
#: Declared columns that are no axes and may be grouped by all the same.
_ALSO_BY: Final = ("condition", "spoken_language", "repeat", "channel", "block", "utt_id")
#: Columns that a table has where it was told which answers are flagged.
OF_FLAGS: Final = ("n_flagged", "rate_without")
#: Columns that are made of scores, to add up and to pair.
WORKING: Final = ("errors", "pair")
_FAILED: Final = ("failed", "unknown")
_NOT_RUN: Final = ("submitted", "not run", "spared")
STATES: Final = ("answered", *_FAILED, *_NOT_RUN, "missing")
_EDGES: Final = (0, 2, 5, 10, 20, 30, 60)
#: Up to so many numbers, those that occur are marked in a list rather than hashed.
_FEW: Final = 2**22


class HasUtterances(Protocol):
    """What grouping needs of a dataset."""

    @property
    def utterances(self) -> pd.DataFrame:
        """One row a recording, as in :data:`asrlab.tables.SCHEMAS`."""


#: A dataset, or its table of utterances alone.
Facts: TypeAlias = HasUtterances | pd.DataFrame


def decoded(frame: pd.DataFrame) -> pd.DataFrame:
    """Give texts that are coded as texts again."""
    coded = [name for name in frame.columns if name in TEXTS and isinstance(frame[name].dtype, pd.CategoricalDtype)]
    return frame.astype(dict.fromkeys(coded, "string"))


def heads(frame: pd.DataFrame, group: Codes, columns: Sequence[str]) -> pd.DataFrame:
    """Give some columns of the first row of each group, with texts as such."""
    return decoded(frame[list(columns)].iloc[firsts(group)])


def axes(frame: pd.DataFrame, table: str = "scores") -> list[str]:
    """Name the axes: the columns that the table does not declare, and that were not added in marking and counting."""
    added = {"marked_form", *(WORKING if table == "scores" else ())}
    return [name for name in frame.columns if name not in {*tables.SCHEMAS[table], *added}]


def by_columns(
    frame: pd.DataFrame,
    by: str | Sequence[str] | None,
    made: str,
    *,
    default: Sequence[str] | None = None,
    dataset: Facts | None = None,
    table: str = "scores",
) -> tuple[pd.DataFrame, list[str]]:
    """Find the columns to group by, besides :data:`APART`, and put facts of the utterances beside the rows.

    Parameters
    ----------
    frame : DataFrame
        Scores, or edits.
    by : str, sequence of str, or None
        Axes; of the declared columns condition, spoken_language, repeat, channel, block and utt_id; with a dataset
        every column of its utterances, ``duration`` (buckets of ``duration_s``) and ``tag`` (each label of ``tags``).
        An axis goes before a fact of the same name.
    made : str
        The table that is made of the groups: its columns are taken.
    default : sequence of str, optional
        The columns where ``by`` is None; by default all axes, or ``condition`` where there are none.
    dataset : Dataset or DataFrame, optional
        Knows the utterances.
    table : {"scores", "edits"}
        What the frame is.

    Returns
    -------
    tuple of DataFrame and list of str
        The frame with the facts asked for, and the columns. By ``tag`` a row stands once for each tag of its utterance,
        and once with ``<NA>`` where that has none.

    Raises
    ------
    InvalidInput
        If there is no such column, its name is taken, or the dataset does not know an utterance.
    """
    usual = (axes(frame, table) or ["condition"]) if default is None else default
    wanted = usual if by is None else [by] if isinstance(by, str) else by
    if not pd.api.types.is_list_like(wanted) or not all(isinstance(name, str) for name in wanted):
        raise InvalidInput(f"by must be the name of a column or a list of names, not {by!r}.")
    keys = [name for name in dict.fromkeys(wanted) if name not in {*APART, "block_kind"}]
    own = [*axes(frame, table), *(name for name in _ALSO_BY if name in tables.SCHEMAS[table])]
    utterances = None if dataset is None else _utterances(dataset)
    offered = [] if utterances is None else [n for n in (*utterances, "duration", "tag") if n not in {"tags", *own}]
    if unknown := [name for name in keys if name not in {*own, *offered}]:
        hint = " With dataset=, there are the columns of its utterances too, duration and tag."
        raise InvalidInput(
            f"There is no column {unknown[0]!r} to group by; there are {', '.join(dict.fromkeys([*own, *offered]))}."
            f"{hint if utterances is None else ''}"
        )
    facts = [name for name in keys if name not in own]
    for name in keys:
        if name in tables.SCHEMAS[made] or (
            name in facts and name in {*tables.SCHEMAS[table], "marked_form", *WORKING}
        ):
            raise InvalidInput(
                f"The table of {made if name in tables.SCHEMAS[made] else table} has a column {name!r} of its own. "
                f"Rename that column of the {'utterances' if name in facts else table}."
            )
    return (frame if utterances is None or not facts else _with_facts(frame, utterances, facts)), keys


def flagged(frame: pd.DataFrame, flags: pd.DataFrame) -> NDArray[np.bool]:
    """Tell which answers have a flag.

    Parameters
    ----------
    frame : DataFrame
        From :func:`asrlab.coded.check_scores`.
    flags : DataFrame
        A ``flags`` table. Flags are of the answer with the same utt_id, condition, repeat and channel, and the same
        axes, as far as they have those columns; where channels were joined, of the answer of all channels.

    Returns
    -------
    ndarray of bool, shape (len(frame),)
        Whether an answer that has counts is flagged.

    Raises
    ------
    InvalidInput
        If it is no such table, or none of the flags is of any of these answers.
    """
    tables.check_frame(flags)
    found = tables.check(flags.reset_index(drop=True), "flags", required=("utt_id",))
    found = found.fillna({"condition": "unnamed", "repeat": 0})
    keys = ["utt_id", "condition", "repeat"]
    keys = [name for name in keys if name in flags.columns]
    keys += [name for name in axes(frame) if name in found.columns]
    if bool(frame["channel"].notna().all()) and bool(found["channel"].notna().all()):
        keys.append("channel")
    both = pd.concat([frame[keys].astype("string"), found[keys].astype("string")], ignore_index=True)
    code = numbered(both, keys)
    there = np.isin(code[: len(frame)], code[len(frame) :])
    if len(found) and len(frame) and not there.any():
        shown, answer = (", ".join(f"{key} {table[key].iloc[0]}" for key in keys) for table in (found, frame))
        raise InvalidInput(
            f"None of the {len(found)} flags is of an answer that was scored: they are matched by {', '.join(keys)}, "
            f"and the first flag has {shown}, the first answer {answer}. Give the flags of the same transcripts."
        )
    return there & frame["errors"].notna().to_numpy(np.bool)


def levels(column: pd.Series) -> list[Any]:
    """List the labels in their order: of the categories, else of appearance."""
    present = column.dropna().unique()
    if isinstance(column.dtype, pd.CategoricalDtype) and column.name not in TEXTS:
        return [label for label in column.cat.categories if label in set(present)]
    return list(present)


def shortened(labels: Iterable[str]) -> tuple[dict[str, str], str]:
    """Leave out of the names of settings what all of them have in common.

    Parameters
    ----------
    labels : iterable of str
        Such as "language=right, context=terms": parts of the form "name=value", with a comma between them. Other labels
        stay as they are.

    Returns
    -------
    tuple of dict of str to str, and str
        Each label with its short form, and what was left out. Different labels stay different, and none becomes empty.

    Examples
    --------
    >>> short, common = shortened(["context=none, itn=off, language=en", "context=terms, itn=off, language=zh"])
    >>> list(short.values()), common
    (['context=none, language=en', 'context=terms, language=zh'], 'itn=off')
    """
    # What follows a comma and has no "=" belongs to the value before it.
    parts = {label: re.split(r", (?=[^,=]+=)", label) for label in labels}
    in_all = set.intersection(*map(set, parts.values())) if parts else set()
    common = [part for part in next(iter(parts.values()), []) if part in in_all and "=" in part]
    short = {label: ", ".join(part for part in own if part not in common) for label, own in parts.items()}
    if "" in short.values() or len(set(short.values())) < len(short):
        return {label: label for label in parts}, ""
    return short, ", ".join(common)


def numbered(frame: pd.DataFrame, columns: Iterable[str]) -> Codes:
    """Give each row the number of its group, from 0, in the order of the levels of the columns; ``<NA>`` comes last."""
    made = np.zeros(len(frame), dtype=np.int64)
    for name in columns:
        column = frame[name]
        levelled = isinstance(column.dtype, pd.CategoricalDtype) and name not in TEXTS
        code = column.cat.codes if levelled else in_appearance(column)
        made = combined([made, last_where_missing(np.asarray(code, dtype=np.int64))])
    return made


def in_order(names: pd.Series) -> Codes:
    """Give names numbers in their own order, from 0; -1 is what is missing."""
    if not isinstance(names.dtype, pd.CategoricalDtype):
        return pd.factorize(names, sort=True)[0].astype(np.int64)
    missing = len(names.cat.categories)
    rank = np.append(pd.factorize(names.cat.categories, sort=True)[0], missing).astype(np.int64)
    code = names.cat.codes.to_numpy()
    return np.where(code < 0, -1, _closed_up(rank[code]))


def in_appearance(column: pd.Series) -> Codes:
    """Give labels numbers in the order in which they appear, from 0; -1 is what is missing."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return pd.factorize(column)[0].astype(np.int64)
    code = column.cat.codes.to_numpy()
    seen = pd.unique(code)
    place = np.full(len(column.cat.categories) + 1, -1, np.int64)
    place[seen[seen >= 0]] = np.arange((seen >= 0).sum())
    return place[code]


def _closed_up(code: Codes) -> Codes:
    """Give what occurs the numbers from 0, in order."""
    most = int(code.max(initial=-1)) + 1
    if most > max(_FEW, 4 * len(code)) or code.min(initial=0) < 0:
        return pd.factorize(code, sort=True)[0].astype(np.int64)
    there = np.zeros(most, np.bool)
    there[code] = True
    number = np.cumsum(there, dtype=np.int32)
    number -= 1
    return number[code].astype(np.int64)


def last_where_missing(code: Codes) -> Codes:
    """Turn the -1 of what is missing into the highest number."""
    return np.where(code < 0, code.max(initial=-1) + 1, code)


def combined(codes: Sequence[Codes]) -> Codes:
    """Give each different combination of codes a number from 0, in their order, the first code being the major one."""
    made, closed_up = codes[0], False
    for code in codes[1:]:
        if code.any() or not closed_up:
            made, closed_up = _closed_up(made * (code.max(initial=0) + 1) + code), True
    return made


def firsts(group: Codes) -> NDArray[np.intp]:
    """Find the first row of each group."""
    return np.unique(group, return_index=True)[1]


def counted_once(group: Codes, things: Codes, n: int) -> Codes:
    """Count the different things in each of n groups."""
    return np.bincount(group[firsts(combined([group, things]))], minlength=n).astype(np.int64)


def labelled(labels: pd.DataFrame, keys: list[str], columns: dict[str, Any], made: str) -> pd.DataFrame:
    """Put the labels of groups and what was found for them together as a table.

    Parameters
    ----------
    labels : DataFrame
        A row a group, with the columns ``keys`` and :data:`APART`.
    keys : list of str
        Columns that come before the table's own.
    columns : dict of str to array
        The table's own columns, but for :data:`APART`.
    made : str
        Name of the table.
    """
    labels = labels.reset_index(drop=True)
    found = pd.DataFrame(columns, index=labels.index)
    return pd.concat([labels[keys], tables.check(pd.concat([labels[list(APART)], found], axis=1), made)], axis=1)


def fates(frame: pd.DataFrame, group: Codes) -> pd.DataFrame:
    """Count the trials of each group that were not answered, and say how they count.

    Parameters
    ----------
    frame : DataFrame
        From :func:`asrlab.coded.check_scores`.
    group : ndarray of int, shape (len(frame),)
        From :func:`numbered`.

    Returns
    -------
    DataFrame
        A row a group: ``n_failed``, ``n_not_run``, ``n_missing`` (trials: two channels of one are one), and ``lost``
        (dropped, all-deleted, "dropped and all-deleted" where scores of both kinds were put together, or ``<NA>``).
    """
    n = int(group.max(initial=-1)) + 1
    lost = (frame["state"] != "answered").to_numpy(np.bool)
    trials = frame.loc[lost, ["utt_id", "condition", "repeat", *axes(frame), "state", "errors"]]
    trials["errors"] = trials["errors"].notna()
    trials.insert(0, "group", group[lost], allow_duplicates=True)
    trials.columns = pd.RangeIndex(trials.shape[1])  # an axis may have any name
    *_, state, deleted = trials.columns
    of, by_state = trials[0].to_numpy(), {}
    once = trials[~trials.drop(columns=deleted).duplicated()]
    for name, states in (("n_failed", _FAILED), ("n_not_run", _NOT_RUN), ("n_missing", ("missing",))):
        by_state[name] = np.bincount(once.loc[once[state].isin(states), 0], minlength=n)
    how = trials[deleted].to_numpy(np.bool)
    dropped, all_deleted = (np.bincount(of[these], minlength=n) > 0 for these in (~how, how))
    words = np.array([pd.NA, "dropped", "all-deleted", "dropped and all-deleted"], dtype=object)
    return pd.DataFrame(by_state).assign(lost=pd.array(words[dropped + 2 * all_deleted], dtype="string"))


def refuse_nameless(frame: pd.DataFrame, axis: str) -> None:
    """Refuse an axis along which settings cannot be told apart by name: answers without a level, levels named alike."""
    if nameless := int((frame[axis].isna() & frame["errors"].notna()).sum()):
        raise InvalidInput(
            f"{nameless} answers have no level of {axis}: it is <NA> there, and a comparison says by name what it "
            f'compares. Name it first: scores["{axis}"] = scores["{axis}"].astype("string").fillna("none"). Or leave '
            "those answers out."
        )
    by_name: dict[str, Any] = {}
    for label in levels(frame[axis]):
        if (other := by_name.setdefault(str(label), label)) is not label:
            raise InvalidInput(
                f"{axis} has the levels {other!r} and {label!r}, which a table would show alike. Give them one type or "
                f'other names: scores["{axis}"] = scores["{axis}"].astype(str) makes them one level.'
            )


def refuse_copies(frame: pd.DataFrame) -> None:
    """Refuse answers with counts that agree in everything that tells answers apart: they would count twice."""
    told_apart = ["utt_id", "channel", "repeat", "condition", *APART, *axes(frame)]
    there = frame["errors"].notna().to_numpy(np.bool)
    if _all_differ(numbered(frame, told_apart)[there]):
        return
    marked = frame.loc[there, told_apart]
    if (twice := marked.duplicated(told_apart)).any():
        raise InvalidInput(
            f"{int(twice.sum())} answers stand twice: they agree in {', '.join(told_apart)} "
            f"({', '.join(marked.loc[twice, 'utt_id'].unique()[:5])}). Number the repeats, or drop the copies."
        )


def refuse_twice(marked: pd.DataFrame, setting: list[str], pairing: list[str]) -> None:
    """Refuse answers of one setting that cannot be told apart; ``pair`` numbers what ``pairing`` tells apart."""
    if _all_differ(combined([marked["pair"].to_numpy(np.int64), numbered(marked, setting)])):
        return
    if (twice := marked.duplicated(["pair", *setting])).any():
        raise InvalidInput(
            f"{int(twice.sum())} answers stand twice: they agree in {', '.join([*setting, *pairing])} "
            f"({', '.join(marked.loc[twice, 'utt_id'].unique()[:5])}). Number the repeats, or drop the copies."
        )


def _all_differ(group: Codes) -> bool:
    return bool((np.bincount(group) <= 1).all())


def duration_buckets(seconds: pd.Series) -> pd.Series:
    """Sort durations into buckets, the lower edge included: 2 s is in "2–5 s".

    Examples
    --------
    >>> duration_buckets(pd.Series([1.5, 2.0, 75.0], dtype="Float64")).tolist()
    ['0–2 s', '2–5 s', '60 s and more']
    """
    labels = [f"{low}–{high} s" for low, high in pairwise(_EDGES)]
    labels.append(f"{_EDGES[-1]} s and more")
    known = seconds.to_numpy(np.float64, na_value=np.nan)
    return pd.Series(pd.cut(known, [*_EDGES, np.inf], right=False, labels=labels), index=seconds.index)


def _utterances(dataset: Facts) -> pd.DataFrame:
    table = getattr(dataset, "utterances", dataset)
    if not isinstance(table, pd.DataFrame):
        raise InvalidInput(f"dataset= must be a Dataset or its table of utterances, not {type(dataset).__name__}.")
    known = tables.check(table.reset_index(drop=True), "utterances", required=("utt_id",))
    complain(known["utt_id"].duplicated(), known, "stand twice among the utterances. An utt_id is of one recording.")
    return known


def _with_facts(frame: pd.DataFrame, utterances: pd.DataFrame, facts: list[str]) -> pd.DataFrame:
    code, ids = pd.factorize(frame["utt_id"], use_na_sentinel=False)
    place = pd.Index(utterances["utt_id"]).get_indexer(pd.Index(ids).astype("string"))[code]
    complain(place < 0, frame, "are of no utterance of this dataset. Give dataset= the set they were asked about.")
    frame = frame.copy()
    for name in facts:
        if name in utterances:
            frame[name] = utterances[name].iloc[place].set_axis(frame.index)
        elif name == "duration":
            frame[name] = duration_buckets(utterances["duration_s"]).iloc[place].set_axis(frame.index)
    if "tag" in facts and "tag" not in utterances:
        tags = utterances["tags"].map(_tags).reset_index(drop=True).explode().astype("string")
        many = np.bincount(tags.index, minlength=len(utterances))
        first, often = (np.cumsum(many) - many)[place], many[place]
        rows = np.repeat(np.arange(len(frame)), often)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(often) - often, often)
        frame = frame.take(rows).reset_index(drop=True)
        frame["tag"] = tags.array.take(first[rows] + nth)
    return frame


def _tags(cell: object) -> list[Any]:
    given = [cell] if isinstance(cell, str) else cell if pd.api.types.is_list_like(cell) else []
    return list(dict.fromkeys(str(tag) for tag in given if not pd.isna(tag))) or [pd.NA]  # type: ignore[attr-defined]  # list-like


def complain(bad: pd.Series | NDArray[np.bool], rows: pd.DataFrame, what: str) -> None:
    """Raise with the number and the first few of the rows that are bad."""
    wrong = pd.Series(bad).fillna(False).to_numpy(np.bool)
    if wrong.any():
        found = rows.loc[wrong, "utt_id"]
        named = ", ".join("<NA>" if pd.isna(utt_id) else str(utt_id) for utt_id in found.unique()[:5])
        more = " ..." if found.nunique() > 5 else ""
        raise InvalidInput(f"{len(found)} row{'s' * (len(found) > 1)} ({named}{more}) {what}")
