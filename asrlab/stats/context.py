"""Context: what a list of terms gains and what it costs, from setting to setting and as lists grow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.arguments import between
from asrlab.stats.blocks import blocks, checked, sums
from asrlab.stats.comparison import compare
from asrlab.stats.contrasts import contrasts, signs_flipped
from asrlab.stats.corrections import check_correction
from asrlab.stats.precision_recall import precision_recall
from asrlab.stats.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Units that texts are cut into, as against measures of terms.
_CUT: Final = ("word", "char", "codepoint", "mixed")
#: Column of the tables -> unit of the scores, where "{}" is what texts are cut into; and what its rate is times.
_RATES: Final = {
    "error": ("{}", 1.0),
    "listed": ("listed {}", 1.0),
    "unlisted": ("unlisted {}", 1.0),
    "false_terms": ("false term", 1000.0),
    "distractors": ("distractor", 1000.0),
    "leak": ("leak", 1.0),
}
#: Columns that come from precision and recall.
_SHARES: Final = ("recall", "precision", "f1")
_COUNTED: Final = ("said", "heard", "hits", "false")
_FATES: Final = ("n_utts", "n_blocks", "n_failed", "n_not_run", "n_missing", "lost", "ref_len")
#: Blocks that a trend needs.
_FEWEST: Final = 2
#: Working column: what the texts of an answer are cut into.
_IN: Final = "cut into"
_WHOLE_NUMBER: Final = re.compile(r"\d+")


def context_ladder(
    scores: pd.DataFrame,
    along: str = "context",
    baseline: object = None,
    *,
    by: str | Sequence[str] | None = None,
    correction: str = "holm",
    level: float = 0.95,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Show for each level of an axis what came through of the listed terms, and at what price.

    Parameters
    ----------
    scores : DataFrame
        From :func:`asrlab.terms.scores`.
    along : str
        The axis, such as "context" with the levels none, domain, related, oracle.
    baseline : str, optional
        Level that differences are from. By default "none" where there is one, else the first.
    by : str or sequence of str, optional
        Columns that make ladders of their own, as in :func:`asrlab.compare`: by default all other axes, ``[]`` pools
        over them. What texts are cut into, form and normalizer always do.
    correction : {"holm", "max-t", "benjamini-hochberg", "none"}
        How ``p`` allows for all rows of the table, as in :func:`asrlab.compare`.
    level : float
        Confidence level of the intervals.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.

    Returns
    -------
    DataFrame
        The by-columns and the axis, then the columns of a ``context_ladder`` table: one row a level, in the order of
        the levels. Rates and their intervals are those of :func:`asrlab.summarize` and
        :func:`asrlab.precision_recall`; differences from the baseline, on the same utterances, those of
        :func:`asrlab.compare` with its tests by block, ``p`` corrected for all rows of the table, recall and error rate
        each a family of its own. ``<NA>`` is what the scores have no rows of, the difference of the baseline from
        itself, and one for which no answers are left that were not lost.

    Raises
    ------
    InvalidInput
        If there is no such axis, level or correction, columns are missing, or answers cannot be paired.

    Notes
    -----
    With few blocks no difference can pass, however large: n blocks have 2^n swaps, so that no p is below 2 / 2^n, and
    Holm multiplies the smallest by the number of differences. With 8 speakers p is 0.0078 at best, and of 7 differences
    or more none comes below 0.05. Ask more speakers; or fewer questions: filter the scores to the levels and languages
    that matter, pool over axes (``by=[]``), or take ``correction="max-t"``, which loses least where rows are alike.
    """
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    check_correction(correction)
    frame, keys = _prepared(scores, along, by, "context_ladder", dataset)
    columns = [*keys, along, _IN]
    table = _wide(frame, columns, (*_RATES,), level)
    labels = groups.levels(frame[along])
    base = _baseline([str(label) for label in labels], baseline, along)
    table["baseline"] = pd.array([base] * len(table), dtype="string")
    if len(labels) > 1:
        for name, unit, sign in (("recall", "term", -1), ("error", "{}", 1)):
            some = frame[frame["unit"] == unit] if unit == "term" else frame[frame["unit"].isin(_CUT)]
            if some["errors"].notna().any():
                table = _with_differences(
                    table, some, columns, along, base, name=name, sign=sign, level=level, correction=correction
                )
    return _checked(table, [*keys, along], "context_ladder")


def bias_curve(
    scores: pd.DataFrame,
    along: str,
    sizes: Mapping[Any, int] | None = None,
    *,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Show what listed terms gain and cost as lists grow.

    Parameters
    ----------
    scores : DataFrame
        From :func:`asrlab.terms.scores`.
    along : str
        The axis whose levels are sizes of the list.
    sizes : mapping of label to int, optional
        Terms in the list of each level, by label or its text. By default the one whole number in the label ("100",
        "n=100"); "none" has 0.
    by, level, dataset
        As in :func:`context_ladder`.
    resamples, seed : int
        Of the tests of the trends, where there are more than 14 blocks.

    Returns
    -------
    DataFrame
        The by-columns and the axis, then the columns of a ``bias_curve`` table: one row a size, the smallest first.
        ``listed`` is B-WER, ``unlisted`` U-WER, ``distractors`` are for 1,000 units of the reference. A ``trend`` is
        the slope of the least squares line through the pooled rates over log10(1 + size), that is the change with a
        list ten times as long, of the utterances that were answered at every size, ``trend_n`` of them; with its
        interval and the p of a sign-flip test by block, not corrected; ``<NA>`` where these are of fewer than two
        blocks. It is the same on all rows of a curve. A rate that rises and falls again may have none.

    Raises
    ------
    InvalidInput
        If there is no such axis, a label has no size, columns are missing, or answers stand twice.
    """
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    frame, keys = _prepared(scores, along, by, "bias_curve", dataset)
    labels = groups.levels(frame[along])
    size = _sizes(labels, sizes, along)
    columns = [*keys, along, _IN]
    measures = ("error", "listed", "unlisted", "distractors")
    table = _wide(frame, columns, measures, level)
    table["size"] = pd.array([size[label] for label in table[along]], dtype="Int64")
    order = [*keys, _IN, "form", "normalizer"]
    curve = groups.numbered(table, order)
    table = table.iloc[np.lexsort((table["size"].to_numpy(np.int64), curve))].reset_index(drop=True)
    curve = groups.numbered(table, order)
    x = np.log10(1 + np.array([size[label] for label in labels], np.float64))
    if len(labels) > 1 and np.ptp(x) > 0:
        for name, unit, sign, times in (
            *((name, _RATES[name][0], 1.0, _RATES[name][1]) for name in measures),
            ("recall", "term", -1.0, 1.0),
        ):
            for number in range(int(curve.max(initial=-1)) + 1):
                rows = table.index[curve == number]
                first = table.loc[rows[0]]
                some = frame[frame["unit"] == unit.format(first[_IN])]
                some = some[_same(some, first, order)]
                found = _trend(some, along, labels, x, level=level, resamples=resamples, seed=seed)
                low, high = sorted([sign * found[1], sign * found[2]])
                values = (sign * times * found[0], times * low, times * high, *found[3:])
                for column, value in zip(("", "_low", "_high", "_p", "_n"), values, strict=True):
                    table.loc[rows, f"{name}_trend{column}"] = value
    return _checked(table, [*keys, along], "bias_curve")


def _prepared(
    scores: pd.DataFrame, along: str, by: str | Sequence[str] | None, made: str, dataset: groups.Facts | None
) -> tuple[pd.DataFrame, list[str]]:
    """Check the scores, find the columns that tell tables apart, and note what each text is cut into."""
    frame = checked(scores)
    groups.refuse_copies(frame)
    axes = groups.axes(frame)
    if not isinstance(along, str) or along not in {*axes, "condition"}:
        raise InvalidInput(f"There is no axis {along!r}; there are {', '.join([*axes, 'condition'])}.")
    if _IN in axes:
        raise InvalidInput(f"The table makes a column {_IN!r} itself: rename that axis in the scores.")
    if along in tables.SCHEMAS[made]:
        raise InvalidInput(
            f"The table makes a column {along!r} itself: rename that axis in the scores, to list_{along}."
        )
    groups.refuse_nameless(frame, along)
    if "term" not in set(frame["unit"]):
        have = ", ".join(sorted(set(frame["unit"].dropna()))) or "none"
        raise InvalidInput(f'There are no rows of the unit "term" but of {have}. Make scores with lab.terms.scores().')
    others = [axis for axis in axes if axis != along and not (along == "condition" and _decided(frame, axis))]
    frame, keys = groups.by_columns(frame, by, made, default=others, dataset=dataset)
    if along in keys:
        raise InvalidInput(f"Cannot make ladders by {along}: it is what they go along.")
    cut = frame.loc[frame["unit"].isin(_CUT), ["utt_id", "unit"]].drop_duplicates()
    groups.complain(
        cut["utt_id"].duplicated(), cut, "are counted in two units. Keep the scores of one way to cut texts."
    )
    ties = frame.loc[frame["unit"].isin(_CUT)].groupby(["form", "normalizer"], dropna=False)["ties"].nunique()
    if (ties > 1).any():
        raise InvalidInput("These are scores by two rules of ties. Keep one: scores[scores['ties'] == ...].")
    unit = groups.decoded(cut).set_index("utt_id")["unit"]
    frame[_IN] = frame["utt_id"].map(unit).astype("string").fillna("unit")
    return frame, keys


def _decided(frame: pd.DataFrame, axis: str) -> bool:
    return bool((frame.groupby("condition")[axis].nunique(dropna=False) <= 1).all())


def _baseline(labels: list[str], baseline: object, along: str) -> str:
    if baseline is None:
        return "none" if "none" in labels else labels[0]
    if str(baseline) not in labels:
        raise InvalidInput(f"{along} has no level {baseline!r}; it has {', '.join(labels)}.")
    return str(baseline)


def _sizes(labels: list[Any], sizes: Mapping[Any, int] | None, along: str) -> dict[Any, int]:
    if sizes is not None:
        by_text = {str(label): size for label, size in sizes.items()} | dict(sizes)
        known = {label: by_text.get(label, by_text.get(str(label))) for label in labels}
        if lacking := [str(label) for label, size in known.items() if size is None]:
            named = ", ".join(map(str, labels))
            raise InvalidInput(f"sizes= has no size for {along} {lacking[0]!r}. Give one for each: {named}.")
        if odd := [n for n in sizes.values() if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0]:
            raise InvalidInput(f"A size is a whole number from 0, and one of sizes= is {odd[0]!r}.")
        return {label: int(size) for label, size in known.items() if size is not None}
    found = {}
    for label in labels:
        numbers = _WHOLE_NUMBER.findall(str(label))
        if len(numbers) != 1 and str(label) != "none":
            raise InvalidInput(
                f"The level {str(label)!r} of {along} does not say how long its list is. Say it: "
                f"sizes={{{str(label)!r}: 100, "
                "...}."
            )
        found[label] = int(numbers[0]) if numbers else 0
    return found


def _wide(frame: pd.DataFrame, columns: list[str], measures: Iterable[str], level: float) -> pd.DataFrame:
    """Put the rates of all measures side by side, a row for each of the columns, form and normalizer."""
    given = frame.drop(columns="errors")
    pooled = summarize(given, by=columns, level=level)
    index = [*columns, "form", "normalizer"]
    shares = precision_recall(given, by=columns, level=level)
    wide = shares[[*index, *(f"{name}{end}" for name in _SHARES for end in ("", "_low", "_high")), *_COUNTED]]
    words = pooled["unit"] == pooled[_IN]
    wide = wide.merge(pooled.loc[words, [*index, "method", *_FATES]], on=index, how="outer", sort=False)
    for name in measures:
        unit, times = _RATES[name]
        there = pooled["unit"] == [unit.format(cut) for cut in pooled[_IN]]
        some = pooled.loc[there, index].assign(
            **{
                f"{name}{end}": times * pooled.loc[there, of]
                for end, of in (("", "rate"), ("_low", "low"), ("_high", "high"))
            }
        )
        wide = wide.merge(some, on=index, how="left", sort=False)
    # Merging loses the order of the levels, which the summary has.
    order = pooled[index].drop_duplicates().reset_index(drop=True)
    wide = order.merge(wide, on=index, how="inner", sort=False)
    for name in columns:
        wide[name] = wide[name].astype("string" if name in groups.TEXTS else frame[name].dtype)
    return wide.assign(level=level)


def _with_differences(
    table: pd.DataFrame,
    scores: pd.DataFrame,
    columns: list[str],
    along: str,
    baseline: str,
    *,
    name: str,
    sign: int,
    level: float,
    correction: str,
) -> pd.DataFrame:
    """Put the differences from the baseline beside the rates; ``sign`` -1 turns those of misses around."""
    if _paired(scores, along, baseline) and not _paired(scores[scores["errors"].notna()], along, baseline):
        return table  # it is for lost answers alone that nothing can be paired
    keys = [column for column in columns if column != along]
    found = compare(scores.drop(columns="errors"), along, baseline, by=keys, correction=correction, level=level)
    ends = found[["low", "high"]] if sign > 0 else -found[["high", "low"]].set_axis(["low", "high"], axis=1)
    index = [*keys, along, "form", "normalizer"]
    place = {str(label): n for n, label in enumerate(table[along])}
    found[along] = table[along].array.take(np.array([place[label] for label in found["level"]], np.intp))
    beside = found[index].assign(
        **{
            f"{name}_delta": sign * found["delta"] + 0.0,  # no negative zero
            f"{name}_delta_low": ends["low"],
            f"{name}_delta_high": ends["high"],
            f"{name}_p": found["p_adjusted"],
        }
    )
    return table.merge(beside, on=index, how="left", sort=False)


def _paired(scores: pd.DataFrame, along: str, baseline: str) -> bool:
    """Whether anything was asked at the baseline and at another level."""
    question = groups.numbered(scores, _asked(scores, along))
    base = (scores[along].astype("string") == baseline).to_numpy(np.bool)
    return bool(np.isin(question[base], question[~base]).any())


def _asked(scores: pd.DataFrame, along: str) -> list[str]:
    """Name the columns that tell questions apart, which are asked at each level."""
    axes = [name for name in groups.axes(scores) if name not in {along, _IN}]
    others = [name for name in axes if not (along == "condition" and _decided(scores, name))]
    return ["utt_id", "channel", "repeat", *others]


def _same(frame: pd.DataFrame, row: pd.Series, columns: list[str]) -> pd.Series:
    same = pd.Series([True] * len(frame), frame.index)
    for name in columns:
        same &= frame[name].isna() if pd.isna(row[name]) else (frame[name] == row[name]).fillna(False)
    return same.astype(bool)


def _trend(
    scores: pd.DataFrame,
    along: str,
    labels: list[Any],
    x: np.ndarray[Any, np.dtype[np.float64]],
    *,
    level: float,
    resamples: int,
    seed: int,
) -> tuple[float, float, float, float, int]:
    """Give the slope of pooled rates over x, its interval, p, and of how many utterances; NaN where it is not known."""
    marked = scores[scores["errors"].notna()]
    question = groups.numbered(marked, _asked(scores, along))
    # Those that were answered at every size: else the slope may be of the utterances.
    everywhere = (np.bincount(question, minlength=1) == len(labels))[question]
    marked = marked[everywhere]
    many = int(marked["utt_id"].nunique())
    nothing = (np.nan, np.nan, np.nan, np.nan, many)
    if marked.empty:
        return nothing
    place = pd.Index(labels).get_indexer(pd.Index(marked[along].astype(object)))
    parts = blocks(marked, np.zeros(len(marked), np.int64), marked["block_kind"].iloc[:1])
    n = int(parts.number.max()) + 1
    errors, lengths = (
        np.stack([sums(parts.number[place == k], marked[name][place == k], n) for k in range(len(labels))])
        for name in ("errors", "ref_len")
    )
    if n < _FEWEST or (lengths.sum(axis=1) == 0).any():
        return nothing
    centred = x - x.mean()
    found = contrasts((centred / (centred**2).sum())[None, :], errors, lengths, parts, level)
    tested = signs_flipped(found, parts.kind, resamples=resamples, seed=seed)
    slope, low, high, p = (float(side[0]) for side in (*found.interval[:3], tested.p))
    return slope, low, high, p, many


def _checked(table: pd.DataFrame, keys: list[str], made: str) -> pd.DataFrame:
    named = tables.check(table.drop(columns=keys).assign(unit=table[_IN]).drop(columns=_IN), made, required=("unit",))
    return pd.concat([table[keys], named[list(tables.SCHEMAS[made])]], axis=1)
