"""Rates: what scores come to, pooled and otherwise, by any columns.

The pooled rate, the mean of the rates and their median are different numbers: each has its name here, and none stands
for another. All are computed from whole numbers, so the order of the rows does not matter to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from asrlab import groups, tables
from asrlab.coded import coded

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from asrlab.coded import Scores

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_SUMS = ("hits", "subs", "dels", "ins", "ref_len", "hyp_len")


def rates(
    scores: Scores,
    by: str | Sequence[str] | None = None,
    *,
    dataset: groups.Facts | None = None,
    flags: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give the error rates of each group of scores: pooled, clipped, mean, median, by sentence, MER and WIL.

    For the rate with its confidence interval see :func:`asrlab.summarize`.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, from :func:`asrlab.score`, or path or URL of one as Parquet; further columns are axes.
        Needed are utt_id, unit, subs, dels, ins and ref_len.
    by : str or sequence of str, optional
        Columns that make a row, besides unit, form, normalizer and ties, which always do. By default all axes: one row
        for each setting (``condition`` where there are no axes). ``[]`` pools over all of them. Besides the axes there
        are condition, spoken_language, repeat, channel, block and utt_id, and with ``dataset`` every column of its
        utterances (an axis of the same name goes before), ``duration`` (buckets of their length, from 0, 2, 5, 10, 20,
        30 and 60 s on) and ``tag``. By tag an utterance counts under each of its tags, so that such groups overlap;
        under ``<NA>`` where it has none.
    dataset : Dataset or DataFrame, optional
        Knows the utterances: for ``by``.
    flags : DataFrame, optional
        The ``flags`` of the same answers, from :func:`asrlab.flags`, or some of them. Flagged answers stay in all
        rates; ``n_flagged`` counts them, and ``rate_without`` is the pooled rate without them.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``rates`` table; rows in the order of the levels: of the categories, else
        of appearance. With H hits, S subs, D dels, I ins, N = H + S + D and M = H + S + I, summed over the answers:

        - ``rate`` = (S + D + I) / N, and ``clipped`` the same with the errors of each answer counted up to its N only,
          so that one loop of a recogniser does not outweigh the rest. ``<NA>`` where N is 0;
        - ``mean`` and ``median``: of the rates of the answers. An answer to an empty reference has no rate and is left
          out of both; its insertions count in the pooled rate;
        - ``ser``: the share of answers with any error. With an empty reference an answer is right if it is empty;
        - ``mer`` = (S + D + I) / (H + S + D + I), ``wip`` = H/N · H/M and ``wil`` = 1 - wip (Morris, Maier & Green
          2004). Where N or M is 0 they are as in jiwer 4: with nothing heard wip is 0, with nothing said it is 0, with
          neither it is 1 and mer 0. They depend on ``ties``, which the other rates hardly do.

        All are ``<NA>`` where there is no answer. Of unit ``term``, ``rate`` is the miss rate, ``mean`` and ``median``
        are of the miss rates of the answers, and ``ser`` is the share of answers that miss any term; of unit
        ``sentence``, ``rate``, ``mean`` and ``ser`` are all the sentence error rate. Clipped, mer, wil and wip would
        only repeat the rate under a false name, and are ``<NA>`` for both.

        Trials without an answer are not in the rates where ``lost`` is dropped. Where it is all-deleted, they are in
        all of them, n_marked and n_utts too; "dropped and all-deleted" says that the scores were made both ways.

    Raises
    ------
    InvalidInput
        If columns are missing, counts do not add up, or there is no such column to group by.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"utt_id": ["a", "b"], "unit": "word", "subs": [1, 0], "dels": 0, "ins": [0, 2],
    ...                        "ref_len": [10, 1]})
    >>> rates(scores)[["condition", "rate", "clipped", "mean", "median", "ser"]].round(3).to_dict("records")
    [{'condition': 'unnamed', 'rate': 0.273, 'clipped': 0.182, 'mean': 1.05, 'median': 1.05, 'ser': 1.0}]
    """
    frame, keys = groups.by_columns(coded(scores), by, "rates", dataset=dataset)
    labels = [*keys, *groups.APART]
    group = groups.numbered(frame, labels)
    marked = frame["errors"].notna().to_numpy(np.bool)
    found = groups.heads(frame, group, labels)
    apart = _apart(frame, flags, group, len(found))
    fates = groups.fates(frame, group)
    frame = frame.loc[marked, ["utt_id", "errors", *_SUMS]]
    columns = _rates(frame, group[marked], len(found), found["unit"].isin(tables.SHARES).to_numpy(np.bool))
    lost = {str(name): fates[name] for name in fates}
    return groups.labelled(found, keys, {**columns, **apart, **lost}, "rates")


def _apart(frame: pd.DataFrame, flags: pd.DataFrame | None, group: Ints, n: int) -> dict[str, Any]:
    if flags is None:
        return {}
    flagged = groups.flagged(frame, flags)
    others = ~flagged & frame["errors"].notna().to_numpy(np.bool)
    errors, lengths = (
        _sums(frame.loc[others, name].to_numpy(np.int64), group[others], n) for name in ("errors", "ref_len")
    )
    return {"n_flagged": np.bincount(group[flagged], minlength=n), "rate_without": _share(errors, lengths)}


def _rates(marked: pd.DataFrame, group: Ints, n: int, whole: NDArray[np.bool]) -> dict[str, Any]:
    counts = {name: marked[name].to_numpy(np.int64) for name in (*_SUMS, "errors")}
    sums = {name: _sums(count, group, n) for name, count in counts.items()}
    errors, ref_len, wrong, right = counts["errors"], counts["ref_len"], sums["errors"], sums["hits"]
    answers = np.bincount(group, minlength=n)
    mean, median = _of_the_answers(errors, ref_len, group, n)
    said, heard = sums["ref_len"] > 0, sums["hyp_len"] > 0
    mer = np.where(said | heard, _share(wrong, right + wrong), 0.0)
    wip = np.where(said & heard, _share(right, sums["ref_len"]) * _share(right, sums["hyp_len"]), ~(said | heard))
    unfit = whole | (answers == 0)
    return {
        "rate": _share(wrong, sums["ref_len"]),
        "clipped": np.where(whole, np.nan, _share(_sums(np.minimum(errors, ref_len), group, n), sums["ref_len"])),
        "mean": mean,
        "median": median,
        "ser": _share(np.bincount(group[errors > 0], minlength=n), answers),
        "mer": np.where(unfit, np.nan, mer),
        "wil": np.where(unfit, np.nan, 1 - wip),
        "wip": np.where(unfit, np.nan, wip),
        "n_utts": groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n),
        "n_marked": answers,
        **{name: sums[name] for name in _SUMS},
    }


def _of_the_answers(errors: Ints, ref_len: Ints, group: Ints, n: int) -> tuple[Floats, Floats]:
    """Give mean and median of the rates of the answers in each group."""
    spoken = ref_len > 0
    rate, group = errors[spoken] / ref_len[spoken], group[spoken]
    # Fractions are added up in the order of their size, whatever that of the rows.
    order = np.lexsort((rate, group))
    rate, group = rate[order], group[order]
    number = np.bincount(group, minlength=n)
    mean = _share(np.bincount(group, weights=rate, minlength=n), number)
    middle = np.full((2, n), np.nan)
    some, start = number > 0, np.cumsum(number) - number
    middle[:, some] = [rate[(start + (number - 1) // 2)[some]], rate[(start + number // 2)[some]]]
    return mean, middle.mean(axis=0)


def _sums(count: Ints, group: Ints, n: int) -> Ints:
    # Exact: whole numbers below 2^53 are added without rounding.
    return np.bincount(group, weights=count, minlength=n).astype(np.int64)


def _share(part: Floats | Ints, whole: Ints) -> Floats:
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole != 0)
    return share
