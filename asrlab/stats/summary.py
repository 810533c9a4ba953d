"""Summaries: the pooled rate of each setting with its interval.

Rates are pooled from counts. What is counted in another unit, against another form, after another normalizer or under
another rule of ties is never pooled: these four are always among the columns that make a row (:mod:`asrlab.groups`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.executors import check_executor
from asrlab.stats import classical
from asrlab.stats.arguments import common, one_of
from asrlab.stats.blocks import blocks, checked, sums
from asrlab.stats.intervals import bootstrap_intervals, ratio_intervals
from asrlab.text import MEASURES, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.coded import Scores
    from asrlab.executors import Where
    from asrlab.stats.blocks import Blocks, Floats

#: What to keep in mind of intervals that know nothing of speakers.
#: Units that are answers.
_JUDGED: Final = dict.fromkeys(("leak", "script", "translation"), "answer")
_EACH: Final = "every {} taken as independent: too sure where one speaker has many"
#: What to keep in mind where settings or repeats are pooled.
_AGAIN: Final = "the same recordings counted several times as if they were others"
_METHODS: Final = ("ratio t", "bootstrap", "wilson", "exact")
#: Flags that count what they are called.
_COUNTABLE: Final = ("leak", "loop", "translation")
#: With fewer blocks a percentile bootstrap is too sure: 7 % instead of 5 % with 24 speakers, 12 % with 10 (measured).
_BOOTSTRAP_BLOCKS: Final = 50


def summarize(
    scores: Scores,
    by: str | Sequence[str] | None = None,
    *,
    method: str = "ratio t",
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    force: bool = False,
    dataset: groups.Facts | None = None,
    flags: pd.DataFrame | None = None,
    executor: Where = None,
) -> pd.DataFrame:
    """Pool the counts of each setting to a rate with its interval.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, from :func:`asrlab.score`, or path or URL of one as Parquet; further columns are axes.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties, which always do. By default all axes: one row
        for each setting (``condition`` where there are no axes). ``[]`` pools over all of them. Besides the axes there
        are condition, spoken_language, repeat, channel, block and utt_id, and with ``dataset`` the facts of its
        utterances, ``duration`` and ``tag``: see :func:`asrlab.rates`.
    method : {"ratio t", "bootstrap", "wilson", "exact"}
        ``"ratio t"``, by block (:func:`asrlab.stats.intervals.ratio_interval`); how near it comes to its
        level with ten blocks and more is in ``benchmarks/simulations.md``.
        ``"bootstrap"``: percentiles of the rates of resampled blocks (Bisani & Ney 2004), of 50 blocks and more.
        ``"wilson"`` and ``"exact"`` (Clopper & Pearson), for shares (units ``"term"`` and ``"sentence"``): they take
        each term or sentence as independent, and so are too sure where one speaker has many.
    level : float
        Confidence level of the intervals.
    resamples, seed : int
        Of the bootstrap.
    force : bool
        Bootstrap fewer than 50 blocks all the same.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.
    flags : DataFrame, optional
        The ``flags`` of the same answers, from :func:`asrlab.flags`, or some of them. Flagged answers stay in ``rate``
        and its interval; two columns more say how many they are (``n_flagged``), and what it is without them
        (``rate_without``).
    executor : Executor, distributed.Client or None
        Where blocks are drawn, if that is much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``summary`` table. ``rate`` is errors / reference units (of terms: the
        miss rate, 1 - recall), ``<NA>`` without reference units. With fewer than six speakers or recordings the
        utterances are the blocks and ``method`` says so. Rows come in the order of the levels: of the categories, else
        of appearance. ``lost`` says whether trials without an answer were dropped or count as all-deleted.

    Raises
    ------
    InvalidInput
        If columns are missing, there is no such column to group by, or a method does not suit the scores.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": ["a", "b"], "block": ["a", "b"], "block_kind": "utterance", "unit": "word",
    ...                        "subs": 1, "dels": 0, "ins": [0, 1], "ref_len": [10, 1]})
    >>> summarize(scores)[["condition", "rate", "n_blocks"]].round(3).to_dict("records")
    [{'condition': 'unnamed', 'rate': 0.273, 'n_blocks': 2}]
    """
    one_of("method", method, _METHODS)
    common(level, resamples, seed)
    check_executor(executor)
    frame = checked(scores)
    groups.refuse_copies(frame)
    frame, keys = groups.by_columns(frame, by, "summary", dataset=dataset)
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = groups.heads(frame, group, labels)
    n = len(found)
    fates = groups.fates(frame, group)
    there = frame["errors"].notna().to_numpy(np.bool)
    flagged = None if flags is None else groups.flagged(frame, flags)[there]
    marked, group = frame.loc[there, ["utt_id", "channel", "block", "errors", *groups.COUNTS]], group[there]
    del frame  # that of ten million answers is large
    apart = _apart(flagged, marked, group, n)
    parts = blocks(marked, group, found["block_kind"])
    errors, lengths = (sums(parts.number, marked[name]) for name in ("errors", "ref_len"))
    shares = found["unit"].isin(tables.SHARES).to_numpy(np.bool)
    if method == "ratio t":
        interval = ratio_intervals(errors, lengths, group=parts.group, n_groups=n, level=level, shares=shares)
        rate, low, high = interval.estimate, interval.low, interval.high
    elif method == "bootstrap":
        _check_bootstrap(parts, force=force)
        rate, low, high = bootstrap_intervals(
            errors,
            lengths,
            group=parts.group,
            n_groups=n,
            level=level,
            resamples=resamples,
            seed=seed,
            executor=executor,
        )
    else:
        wrong, all_units = (sums(group, marked[name], n) for name in ("errors", "ref_len"))
        rate, low, high = _share(wrong, all_units, shares, found["unit"], method=method, level=level)
    judged = np.array([_JUDGED.get(unit, unit) for unit in found["unit"]], dtype=object)
    independent = np.where(shares & (method in {"wilson", "exact"}), judged, parts.kind)
    different = groups.counted_once(group, groups.numbered(marked, ["utt_id", "channel"]), n)
    again = np.bincount(group, minlength=n) > different
    said = [
        [
            f"{method} by {independent[k]}",
            parts.caution[k],
            _EACH.format(judged[k]) if method in {"wilson", "exact"} else "",
            _AGAIN if again[k] and method in {"wilson", "exact"} else "",
            _why_no_interval(rate[k], int(n_blocks)) if np.isnan(low[k]) else "",
        ]
        for k, n_blocks in enumerate(parts.counted())
    ]
    columns = {
        "rate": rate,
        "low": low,
        "high": high,
        "level": level,
        "method": ["; ".join(filter(None, words)) for words in said],
        "resamples": resamples if method == "bootstrap" else pd.NA,
        "seed": seed if method == "bootstrap" else pd.NA,
        "block_kind": parts.kind,
        "n_utts": groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n),
        "n_blocks": parts.counted(),
        **{str(name): fates[name] for name in fates},
        **{name: sums(group, marked[name], n) for name in groups.COUNTS},
        **apart,
    }
    return groups.labelled(found, keys, columns, "summary")


def _apart(flagged: NDArray[np.bool] | None, marked: pd.DataFrame, group: NDArray[np.int64], n: int) -> dict[str, Any]:
    """Count the flagged answers of each group, and pool the others."""
    if flagged is None:
        return {}
    errors, lengths = (sums(group[~flagged], marked.loc[~flagged, name], n) for name in ("errors", "ref_len"))
    return {
        "n_flagged": np.bincount(group[flagged], minlength=n),
        "rate_without": errors / np.where(lengths == 0, np.nan, lengths),
    }


def with_and_without(summary: pd.DataFrame, flags: pd.DataFrame) -> list[str]:
    """Say of each row of a summary what its rate is with and without the flagged answers.

    Parameters
    ----------
    summary : DataFrame
        From :func:`summarize`, with the flags.
    flags : DataFrame
        Those flags, which tell what to call them.

    Returns
    -------
    list of str
        One text a row.

    Raises
    ------
    InvalidInput
        If the summary was made without flags, or either is no such table.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": ["a", "b"], "block": ["a", "b"], "block_kind": "utterance", "unit": "word",
    ...                        "subs": 1, "dels": 0, "ins": [0, 60], "ref_len": [10, 10]})
    >>> flags = pd.DataFrame({"utt_id": ["b"], "flag": ["loop"]})
    >>> with_and_without(summarize(scores, flags=flags), flags)
    ['unnamed: WER pooled 310.0 %, without 1 loop 10.0 %']
    """
    tables.check_frame(summary)
    if not set(groups.OF_FLAGS) <= set(summary.columns):
        raise InvalidInput("This summary was made without flags. Give them: summarize(scores, flags=flags).")
    frame = tables.check(summary, "summary", required=("rate", "unit"))
    found = tables.check(flags, "flags", required=("flag",))
    kinds = found["flag"].dropna().unique().tolist()
    name = kinds[0] if len(kinds) == 1 and kinds[0] in _COUNTABLE else "flagged answer"
    by = [column for column in frame.columns if column not in {*tables.SCHEMAS["summary"], *groups.OF_FLAGS}]
    said = []
    for row in frame.to_dict("records"):
        labels = [str(row[by[0]])] if by == ["condition"] else [f"{column} {row[column]}" for column in by]
        where = f"{', '.join(labels)}: " if labels else ""
        measure = MEASURES.get(row["unit"], (f"rate of {row['unit']}s",))[0]
        many = f"{row['n_flagged']} {name}{'s' * (row['n_flagged'] != 1)}"
        rates = ["none" if pd.isna(rate) else f"{100 * rate:.1f} %" for rate in (row["rate"], row["rate_without"])]
        without = f", without {many} {rates[1]}" if row["n_flagged"] else f", {many}"
        said.append(visible(f"{where}{measure} pooled {rates[0]}{without}"))
    return said


def _why_no_interval(rate: float, n_blocks: int) -> str:
    if np.isnan(rate):
        return ""
    if n_blocks < 2:
        return "no interval: one block"
    if rate == 0:
        return "no interval: no errors"
    return "no interval: blocks too few or too much alike"


def _check_bootstrap(parts: Blocks, *, force: bool) -> None:
    number = parts.counted()
    few = (number > 0) & (number < _BOOTSTRAP_BLOCKS)
    if few.any() and not force:
        least = int(np.argmin(np.where(number > 0, number, number.max(initial=0) + 1)))
        raise InvalidInput(
            f"A bootstrap by block of {number[least]} {parts.kind[least]}s gives intervals that are too narrow (under "
            f'{_BOOTSTRAP_BLOCKS}; measured: 7-12 % errors instead of 5). Use method="ratio t", which is right for few '
            "blocks, or say force=True if it must be a bootstrap."
        )


def _share(
    wrong: Floats, total: Floats, shares: NDArray[np.bool], units: pd.Series, *, method: str, level: float
) -> tuple[Floats, Floats, Floats]:
    if not shares.all():
        raise InvalidInput(
            f'method="{method}" is for shares (units {" and ".join(tables.SHARES)}), in which each unit is right or '
            f"wrong; these scores count in {units[~shares].iloc[0]}s, of which insertions make more. Use "
            'method="ratio t", or mark with unit="sentence".'
        )
    found = (classical.wilson if method == "wilson" else classical.exact)(wrong, total, level)
    return wrong / np.where(total == 0, np.nan, total), found.low, found.high
