"""Effects: pooled rates of each setting, differences from a baseline, and what may be said of them.

Rates are pooled from counts. What is counted in another unit, against another form, after another normalizer or under
another rule of ties is never pooled: these four are always among the columns that make a row (:mod:`asrlab.groups`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.intervals import difference_interval, ratio_interval
from asrlab.stats.tests import holm, sign_flip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Fewer blocks than this cannot reach p < 0.05 by swapping: the least is 2 / 2^G.
_FEWEST_BLOCKS: Final = 6
_MEASURES: Final = {
    "word": "WER",
    "char": "CER",
    "codepoint": "CER (code points)",
    "mixed": "mixed error rate",
    "term": "term miss rate",
}


def summarize(
    scores: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Pool the counts of each setting to a rate with its interval.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table, from :func:`asrlab.score`; further columns are axes.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties, which always do. By default all axes: one row
        for each setting (``condition`` where there are no axes). ``[]`` pools over all of them. Besides the axes there
        are condition, spoken_language, repeat, channel, block and utt_id, and with ``dataset`` the facts of its
        utterances, ``duration`` and ``tag``: see :func:`asrlab.rates`.
    level : float
        Confidence level of the intervals.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``summary`` table. ``rate`` is errors / reference units (of terms: the
        miss rate, 1 - recall), ``<NA>`` without reference units. Intervals are ratio t intervals by block
        (:func:`asrlab.stats.intervals.ratio_interval`); with fewer than six speakers or recordings the utterances are
        the blocks and ``method`` says so. Rows come in the order of the levels: of the categories, else of appearance.
        ``lost`` says whether trials without an answer were dropped or count as all-deleted.

    Raises
    ------
    InvalidInput
        If columns are missing, or there is no such column to group by.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": ["a", "b"], "block": ["a", "b"], "block_kind": "utterance", "unit": "word",
    ...                        "subs": 1, "dels": 0, "ins": [0, 1], "ref_len": [10, 1]})
    >>> summarize(scores)[["condition", "rate", "n_blocks"]].round(3).to_dict("records")
    [{'condition': 'unnamed', 'rate': 0.273, 'n_blocks': 2}]
    """
    frame = groups.check_scores(scores, ("block", "block_kind"))
    frame, keys = groups.by_columns(frame, by, "summary", dataset=dataset)
    group = groups.numbered(frame, [*keys, *groups.APART, "block_kind"])
    fates = groups.fates(frame, group)
    rows: list[dict[str, Any]] = []
    for places, fate in zip(groups.places(group), fates.to_dict("records"), strict=True):
        part = frame.iloc[places]
        marked = part[part["errors"].notna()]
        first = part.iloc[0]
        sums = {name: int(marked[name].sum()) for name in groups.COUNTS}
        block, kind, few = _blocks(marked, str(first["block_kind"]))
        errors, lengths = _sums(block, marked["errors"]), _sums(block, marked["ref_len"])
        interval = ratio_interval(errors, lengths, level)
        rows.append(
            {
                **{name: first[name] for name in (*keys, *groups.APART)},
                "rate": interval.estimate,
                "low": interval.low,
                "high": min(interval.high, 1.0) if first["unit"] == "term" else interval.high,
                "level": level,
                "method": f"ratio t by {kind}" + (f"; {few}" if few else ""),
                "block_kind": kind,
                "n_utts": marked["utt_id"].nunique(),
                "n_blocks": len(lengths),
                **{str(name): value for name, value in fate.items()},
                **sums,
            }
        )
    return _table(rows, frame, keys, "summary")


def compare(
    scores: pd.DataFrame,
    along: str,
    baseline: object,
    *,
    by: str | Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Compare each level of an axis with a baseline, on the same utterances.

    Answers are paired on utterance, repeat, channel and all other axes. Along ``"condition"``, axes that the condition
    decides do not count as other ones.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table, from :func:`asrlab.score`; further columns are axes.
    along : str
        The axis, or ``"condition"``.
    baseline : str
        Label of the level that all others are compared with.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties. By default all other axes; ``[]`` pools over
        them, paired within them all the same. With ``dataset`` also facts of its utterances: see :func:`asrlab.rates`.
    level : float
        Confidence level of the intervals.
    seed : int
        Of the random swaps of the test, where there are more than 14 blocks.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``comparison`` table; one row a group and level other than the baseline.
        ``delta`` is the difference of the pooled rates, with its paired ratio t interval
        (:func:`asrlab.stats.intervals.difference_interval`); ``p`` is of the sign-flip test by block
        (:func:`asrlab.stats.tests.sign_flip`), ``p_adjusted`` after Holm over all rows of the table. With fewer than
        six speakers or recordings the utterances are the blocks, and ``note`` says what that is worth. An answer whose
        partner failed is unpaired, unless it was marked as all-deleted: ``note`` says how many are.

    Raises
    ------
    InvalidInput
        If there is no such axis, level or column, answers stand twice, or nothing can be paired.
    """
    frame = groups.check_scores(scores, ("block", "block_kind"))
    axes = groups.axes(frame)
    if along not in {*axes, "condition"}:
        raise InvalidInput(
            f"There is no axis {along!r} to compare along; there are {', '.join([*axes, 'condition'])}. Axes are the "
            "columns of the scores besides the declared ones."
        )
    levels = groups.levels(frame[along])
    matching = [label for label in levels if str(label) == str(baseline)]
    if not matching:
        raise InvalidInput(f"{along} has no level {baseline!r}; it has {', '.join(map(str, levels)) or 'none'}.")
    others = [axis for axis in axes if axis != along and not (along == "condition" and _decided(frame, axis))]
    frame, keys = groups.by_columns(frame, by, "comparison", default=others, dataset=dataset)
    if along in keys or ("condition" in keys and along != "condition"):
        raise InvalidInput(f"Cannot group by {along if along in keys else 'condition'}: it differs within each pair.")
    pairing = list(dict.fromkeys(["utt_id", "repeat", "channel", *groups.APART, *others, *keys]))
    frame["pair"] = frame.groupby(pairing, dropna=False, observed=True, sort=False).ngroup()
    marked = frame[frame["errors"].notna()]
    if (twice := marked.duplicated(["pair", along])).any():
        raise InvalidInput(
            f"{int(twice.sum())} answers stand twice: they agree in {along}, {', '.join(pairing)} "
            f"({', '.join(marked.loc[twice, 'utt_id'].unique()[:5])}). Number the repeats, or drop the copies."
        )
    rows = []
    for places in groups.places(groups.numbered(frame, [*keys, *groups.APART, "block_kind"])):
        part = frame.iloc[places]
        base = part[(part[along] == matching[0]) & part["errors"].notna()]
        for label in levels:
            arm = part[(part[along] == label) & part["errors"].notna()]
            if label != matching[0] and len(arm) + len(base):
                facts = {name: part.iloc[0][name] for name in (*keys, *groups.APART)}
                names = {"axis": along, "level": str(label), "baseline": str(matching[0]), "confidence": level}
                rows.append({**facts, **names, **_difference(arm, base, level, seed)})
    if not any(row["n_pairs"] for row in rows):
        raise InvalidInput(_why_no_pairs(marked, along, matching[0], pairing))
    adjusted = holm([row["p"] for row in rows])
    tested = int((~np.isnan(adjusted)).sum())
    for row, p in zip(rows, adjusted.tolist(), strict=True):
        row |= {"p_adjusted": p, "n_comparisons": tested}
    return _table(rows, frame, keys, "comparison")


def sentences(comparison: pd.DataFrame) -> list[str]:
    """Say in words what a comparison shows, and no more.

    Parameters
    ----------
    comparison : DataFrame
        From :func:`compare`.

    Returns
    -------
    list of str
        One sentence a row. A difference is claimed only where the interval excludes 0 and the adjusted p agrees; what
        is not shown is not said to be absent.
    """
    table = tables.check(comparison, "comparison")
    by = [name for name in comparison.columns if name not in tables.SCHEMAS["comparison"]]
    return [_sentence(row, [f"{name} {row[name]}" for name in by]) for row in table.to_dict("records")]


def _decided(frame: pd.DataFrame, axis: str) -> bool:
    """Whether each condition has one label on an axis."""
    return bool((frame.groupby("condition")[axis].nunique(dropna=False) <= 1).all())


def _blocks(marked: pd.DataFrame, kind: str) -> tuple[NDArray[np.int64], str, str]:
    """Count rows off into blocks: where speakers or recordings are too few for a test, into utterances, and say so."""
    few = ""
    column = marked["block"]
    if kind != "utterance" and (found := column.nunique()) < _FEWEST_BLOCKS:
        few = f"too few {kind}s ({found}): true of these {'voices' if kind == 'speaker' else kind + 's'} only"
        kind, column = "utterance", marked["utt_id"]
    # Sorted, so that the random swaps fall on the same blocks whatever the order of the rows.
    return pd.factorize(column, sort=True)[0].astype(np.int64), kind, few


def _sums(block: NDArray[np.int64], counts: pd.Series) -> NDArray[np.float64]:
    return np.bincount(block, weights=counts.to_numpy(np.float64)).astype(np.float64)


def _difference(arm: pd.DataFrame, base: pd.DataFrame, level: float, seed: int) -> dict[str, Any]:
    """Compare the pairs of two sets of answers."""
    _, at, base_at = np.intersect1d(arm["pair"], base["pair"], assume_unique=True, return_indices=True)
    unpaired = len(arm) + len(base) - 2 * len(at)
    recorded = str((arm if len(arm) else base)["block_kind"].iloc[0])
    a, b = arm.iloc[at], base.iloc[base_at]
    if (a["block"].to_numpy() != b["block"].to_numpy()).any():
        raise InvalidInput(
            "The two answers of a pair are in different blocks. Mark all transcripts in one call of score()."
        )
    block, kind, few = _blocks(a, recorded)
    errors = a["errors"].to_numpy(np.int64), b["errors"].to_numpy(np.int64)
    e, n, e0, n0 = (_sums(block, counts) for counts in (a["errors"], a["ref_len"], b["errors"], b["ref_len"]))
    interval = difference_interval(e, n, e0, n0, level)
    test = sign_flip(e, n, e0, n0, seed=seed)
    notes = [few] if few and len(a) else []
    if all_deleted := int((a["state"] != "answered").sum() + (b["state"] != "answered").sum()):
        notes.append(f"{all_deleted} of the answers never came and count as all-deleted")
    blocks = len(e)
    p = test.p
    if not len(a):
        notes.append("no answers to pair")
    elif math.isnan(interval.estimate):
        notes.append("no reference units: no rate")
    elif blocks < _FEWEST_BLOCKS:
        p = math.nan
        notes.append(f"too few utterances ({blocks}) for a test")
    if not math.isnan(interval.estimate) and math.isnan(interval.low):
        alike = (
            "no pair differs: no interval" if (errors[0] == errors[1]).all() else "all blocks differ alike: no interval"
        )
        notes.append("one block: no interval" if blocks < 2 else alike)
    return {
        "rate": _rate(a),
        "baseline_rate": _rate(b),
        "delta": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "test": pd.NA if math.isnan(p) else f"sign-flip by {kind}, {'exact' if test.exact else 'Monte Carlo'}",
        "statistic": math.nan if math.isnan(p) else test.statistic,
        "p": p,
        "block_kind": kind,
        "n_blocks": blocks,
        "n_pairs": len(a),
        "n_unpaired": unpaired,
        "better": int((errors[0] < errors[1]).sum()),
        "worse": int((errors[0] > errors[1]).sum()),
        "tied": int((errors[0] == errors[1]).sum()),
        "note": "; ".join(notes) or pd.NA,
    }


def _rate(rows: pd.DataFrame) -> float:
    length = int(rows["ref_len"].sum())
    return int(rows["errors"].sum()) / length if length else math.nan


def _why_no_pairs(marked: pd.DataFrame, along: str, baseline: object, pairing: list[str]) -> str:
    base = marked[along] == baseline
    have = f"{int(base.sum())} answers are {along} {baseline!r} and {int((~base).sum())} are another level"
    if not base.any() or base.all():
        return f"Nothing can be paired: {have}. Ask for what is missing, or look at the failures."
    for name in pairing:
        keys = [other for other in pairing if other != name]
        if len(marked.loc[base, keys].merge(marked.loc[~base, keys])):
            return (
                f"Nothing can be paired: {have}, and the two sides never agree in column {name!r}. If it only describes"
                " the answers, drop it from the scores; if the settings differ in it too, compare along another axis."
            )
    return f"Nothing can be paired: {have}, but never of the same {', '.join(pairing)}."


def _table(rows: list[dict[str, Any]], frame: pd.DataFrame, keys: list[str], table: str) -> pd.DataFrame:
    if not rows:
        return pd.concat([frame[keys].head(0), tables.empty(table)], axis=1)
    raw = pd.DataFrame(rows)
    made = tables.check(raw.drop(columns=keys), table)
    return pd.concat([raw[keys].astype({name: frame[name].dtype for name in keys}), made], axis=1)


def _sentence(row: dict[Any, Any], where: list[str]) -> str:
    measure = _MEASURES.get(row["unit"], "error rate")
    where = [*where, *([] if pd.isna(row["form"]) else [f"{row['form']} reference"])]
    where += [] if pd.isna(row["ties"]) or row["ties"] == "jiwer" else [f"counted as by {row['ties']}"]
    setting = f"{row['axis']} {row['level']} against {row['baseline']}" + (f" ({', '.join(where)})" if where else "")
    note = "" if pd.isna(row["note"]) else f" {row['note'][0].upper()}{row['note'][1:]}."
    if pd.isna(row["delta"]):
        return f"{setting}: {measure} cannot be compared.{note}"
    alpha = 1 - row["confidence"]
    many = row["n_comparisons"] > 1
    if pd.isna(row["low"]) or row["low"] <= 0 <= row["high"]:
        verdict = f"no difference in {measure} shown"
    elif pd.isna(row["p_adjusted"]):
        verdict = f"difference in {measure} not tested"
    elif row["p_adjusted"] > alpha:
        lost = row["p"] <= alpha
        verdict = f"no difference in {measure} shown" + (" once all comparisons are allowed for" if lost else "")
    else:
        verdict = f"{'lower' if row['delta'] < 0 else 'higher'} {measure}"
    facts = [
        "no interval"
        if pd.isna(row["low"])
        else f"{100 * row['confidence']:g} % interval {100 * row['low']:+.1f} to {100 * row['high']:+.1f}"
    ]
    if not pd.isna(row["p_adjusted"]):
        p = "p < 0.001" if row["p_adjusted"] < 0.001 else f"p = {row['p_adjusted']:.3f}"
        facts.append(p + (f" adjusted for {row['n_comparisons']} comparisons" if many else ""))
    facts.append(f"{row['n_blocks']} {row['block_kind']}{'s' * (row['n_blocks'] != 1)}, {row['n_pairs']} pairs")
    return (
        f"{setting}: {verdict}, {100 * row['rate']:.1f} % against {100 * row['baseline_rate']:.1f} %, "
        f"{100 * row['delta']:+.1f} points ({'; '.join(facts)}).{note}"
    )
