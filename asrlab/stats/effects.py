"""Effects: pooled rates of each setting, differences from a baseline, and what may be said of them.

Rates are pooled from counts. What is counted in another unit, against another form, after another normalizer or under
another rule of ties is never pooled: these four are always among the columns that make a row (:mod:`asrlab.groups`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.stats.intervals import difference_intervals, ratio_intervals
from asrlab.stats.tests import holm, sign_flip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Words = NDArray[np.object_]

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
    frame, keys = groups.by_columns(_checked(scores), by, "summary", dataset=dataset)
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = frame.loc[groups.firsts(group), labels]
    n = len(found)
    fates = groups.fates(frame, group)
    there = frame["errors"].notna().to_numpy(np.bool)
    marked, group = frame[there], group[there]
    blocks = _blocks(marked, group, found["block_kind"])
    errors, lengths = (_sums(blocks.number, marked[name]) for name in ("errors", "ref_len"))
    interval = ratio_intervals(errors, lengths, group=blocks.group, n_groups=n, level=level)
    shares = (found["unit"] == "term").to_numpy(np.bool)
    columns = {
        "rate": interval.estimate,
        "low": interval.low,
        "high": np.where(shares, np.minimum(interval.high, 1.0), interval.high),
        "level": level,
        "method": [
            f"ratio t by {kind}" + (f"; {few}" if few else "")
            for kind, few in zip(blocks.kind, blocks.few, strict=True)
        ],
        "block_kind": blocks.kind,
        "n_utts": groups.counted_once(group, _numbers(marked["utt_id"]), n),
        "n_blocks": np.bincount(blocks.group, minlength=n),
        **{str(name): fates[name] for name in fates},
        **{name: _sums(group, marked[name], n) for name in groups.COUNTS},
    }
    return groups.labelled(found, keys, columns, "summary")


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
        If there is no such axis, level or column, answers have no level (``<NA>``) or stand twice, or nothing can be
        paired.
    """
    frame = _checked(scores)
    axes = groups.axes(frame)
    if along not in {*axes, "condition"}:
        raise InvalidInput(
            f"There is no axis {along!r} to compare along; there are {', '.join([*axes, 'condition'])}. Axes are the "
            "columns of the scores besides the declared ones."
        )
    if nameless := int((frame[along].isna() & frame["errors"].notna()).sum()):
        raise InvalidInput(
            f"{nameless} answers have no level of {along}: it is <NA> there, and a comparison says by name what it "
            f'compares. Name it first: scores["{along}"] = scores["{along}"].astype("string").fillna("none"). Or leave '
            "those answers out."
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
    frame["pair"] = groups.numbered(frame, pairing)
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = frame.loc[groups.firsts(group), labels]
    place = groups.numbered(frame, [along])
    there = frame["errors"].notna().to_numpy(np.bool)
    marked, group, place = frame[there], group[there], place[there]
    if (twice := marked.duplicated(["pair", along])).any():
        raise InvalidInput(
            f"{int(twice.sum())} answers stand twice: they agree in {along}, {', '.join(pairing)} "
            f"({', '.join(marked.loc[twice, 'utt_id'].unique()[:5])}). Number the repeats, or drop the copies."
        )
    # A row of the table is a cell: a group and a level.
    baseline_place = levels.index(matching[0])
    cell = group * len(levels) + place
    arm, base = _partners(marked["pair"].to_numpy(np.int64), group, place == baseline_place)
    if not len(arm):
        raise InvalidInput(_why_no_pairs(marked, along, matching[0], pairing))
    answers = np.bincount(cell, minlength=len(found) * len(levels)).reshape(len(found), len(levels))
    either = answers + answers[:, [baseline_place]]
    either[:, baseline_place] = 0
    of, at = np.nonzero(either)
    row = np.cumsum(either.ravel() > 0) - 1
    cell = row[cell[arm]]
    columns = {
        "axis": along,
        "level": [str(levels[k]) for k in at],
        "baseline": str(matching[0]),
        "confidence": level,
        "n_unpaired": either[of, at] - 2 * np.bincount(cell, minlength=len(of)),
        **_differences(marked.iloc[arm], marked.iloc[base], cell, found["block_kind"].iloc[of], level=level, seed=seed),
    }
    columns["p_adjusted"] = holm(columns["p"])
    columns["n_comparisons"] = int((~np.isnan(columns["p"])).sum())
    return groups.labelled(found.iloc[of], keys, columns, "comparison")


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


def _checked(scores: pd.DataFrame) -> pd.DataFrame:
    """Check scores, of which each that has counts must be in a block."""
    frame = groups.check_scores(scores, ("block", "block_kind"))
    lacking = frame[["block", "block_kind"]].isna().any(axis=1) & frame["errors"].notna()
    groups.complain(lacking, frame, "have counts and no block or block_kind. Mark them again with score().")
    return frame


class _Blocks(NamedTuple):
    """What is taken as independent in each group of answers."""

    number: Codes  #: of each answer, its block; the blocks of a group follow one another
    group: Codes  #: of each block, its group
    kind: Words  #: of each group, what its blocks are
    few: Words  #: of each group, what to say where speakers or recordings were too few; else empty


def _blocks(marked: pd.DataFrame, group: Codes, kinds: pd.Series) -> _Blocks:
    """Count answers off into blocks: where speakers or recordings are too few for a test, into utterances."""
    kind = kinds.to_numpy(object, na_value="utterance")
    block = _numbers(marked["block"])
    different = groups.counted_once(group, block, len(kind))
    too_few = (kind != "utterance") & (different < _FEWEST_BLOCKS)
    few = [
        f"too few {name}s ({number}): true of these {'voices' if name == 'speaker' else name + 's'} only" if bad else ""
        for name, number, bad in zip(kind, different, too_few, strict=True)
    ]
    # In order of their names, so that the random swaps fall on the same blocks whatever the order of the rows.
    number = groups.combined([group, np.where(too_few[group], _numbers(marked["utt_id"]), block)])
    kind = np.where(too_few, "utterance", kind)
    return _Blocks(number, group[groups.firsts(number)], kind, np.array(few, dtype=object))


def _numbers(names: pd.Series) -> Codes:
    return pd.factorize(names, sort=True)[0].astype(np.int64)


def _sums(group: Codes, counts: pd.Series, n: int = 0) -> Floats:
    # Exact: whole numbers below 2^53 are added without rounding.
    return np.bincount(group, weights=counts.to_numpy(np.float64), minlength=n).astype(np.float64)


def _partners(pair: Codes, group: Codes, base: NDArray[np.bool]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the places of the answers that have a partner of the baseline in their group, and of those partners."""
    of_pair = np.full(pair.max(initial=-1) + 1, -1, dtype=np.intp)
    of_pair[pair[base]] = np.flatnonzero(base)
    partner = of_pair[pair]
    paired = ~base & (partner >= 0) & (group == group[partner])
    return np.flatnonzero(paired), partner[paired]


def _differences(
    arm: pd.DataFrame, base: pd.DataFrame, cell: Codes, kinds: pd.Series, *, level: float, seed: int
) -> dict[str, Any]:
    """Compare answers with their partners, row by row, in each cell; kinds has one entry a cell."""
    if (arm["block"].to_numpy() != base["block"].to_numpy()).any():
        raise InvalidInput(
            "The two answers of a pair are in different blocks. Mark all transcripts in one call of score()."
        )
    n = len(kinds)
    blocks = _blocks(arm, cell, kinds)
    sums = [_sums(blocks.number, side[name]) for side in (arm, base) for name in ("errors", "ref_len")]
    estimate, low, high, _ = difference_intervals(*sums, group=blocks.group, n_groups=n, level=level)
    sides = [_sums(cell, side[name], n) for side in (arm, base) for name in ("errors", "ref_len")]
    way = np.sign(arm["errors"].to_numpy(np.int64) - base["errors"].to_numpy(np.int64))
    better, tied, worse = (np.bincount(cell[way == sign], minlength=n) for sign in (-1, 0, 1))
    pairs, n_blocks = np.bincount(cell, minlength=n), np.bincount(blocks.group, minlength=n)
    silent = [(side["state"] != "answered").to_numpy(np.int64) for side in (arm, base)]
    lost = np.bincount(cell, weights=silent[0] + silent[1], minlength=n).astype(np.int64)
    ends = np.cumsum(n_blocks)
    statistic, p, names, notes = np.full(n, np.nan), np.full(n, np.nan), [], []
    for k, end in enumerate(ends):
        known = n_blocks[k] >= _FEWEST_BLOCKS and not math.isnan(estimate[k])
        if known:
            test = sign_flip(*(side[end - n_blocks[k] : end] for side in sums), seed=seed)
            statistic[k], p[k] = test.statistic, test.p
        names.append(f"sign-flip by {blocks.kind[k]}, {'exact' if test.exact else 'Monte Carlo'}" if known else pd.NA)
        said = [blocks.few[k]] if blocks.few[k] and pairs[k] else []
        if lost[k]:
            said.append(f"{lost[k]} of the answers never came and count as all-deleted")
        if not pairs[k]:
            said.append("no answers to pair")
        elif math.isnan(estimate[k]):
            said.append("no reference units: no rate")
        elif not known:
            said.append(f"too few utterances ({n_blocks[k]}) for a test")
        if not math.isnan(estimate[k]) and math.isnan(low[k]):
            alike = "no pair differs" if tied[k] == pairs[k] else "all blocks differ alike"
            said.append(f"{'one block' if n_blocks[k] < 2 else alike}: no interval")
        notes.append("; ".join(said) or pd.NA)
    return {
        "rate": _share(sides[0], sides[1]),
        "baseline_rate": _share(sides[2], sides[3]),
        "delta": estimate,
        "low": low,
        "high": high,
        "test": names,
        "statistic": statistic,
        "p": p,
        "block_kind": blocks.kind,
        "n_blocks": n_blocks,
        "n_pairs": pairs,
        "better": better,
        "worse": worse,
        "tied": tied,
        "note": notes,
    }


def _share(part: Floats, whole: Floats) -> Floats:
    return part / np.where(whole == 0, np.nan, whole)


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
