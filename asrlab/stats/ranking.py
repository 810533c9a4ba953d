"""Rankings: which setting is the best, how sure that is, and which others may be.

All settings are held against one another on the same questions, and the same blocks are drawn for all of them. Which
may be the best is a matter of a test, not of draws: see :func:`asrlab.stats.sign_flips.worst`.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from asrlab import groups, tables
from asrlab.executors import check_executor
from asrlab.stats.arguments import common
from asrlab.stats.blocks import FEWEST_BLOCKS, Blocks, blocks, sums
from asrlab.stats.contrasts import contrasts
from asrlab.stats.intervals import DEAR, batch_of, draws, ratio_intervals
from asrlab.stats.panels import panels
from asrlab.stats.random_streams import stretched
from asrlab.stats.sign_flips import EXACT_BLOCKS, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.stats.blocks import Floats

#: Rates that are equal but for rounding.
_ROUNDING: Final = 1 + 1e-12
#: Numbers held at a time.
_CELLS: Final = 2**21


def rank(
    scores: pd.DataFrame,
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    executor: Where = None,
) -> pd.DataFrame:
    """Rank settings by their error rate, with how likely each is the best, and which are not told from the best.

    Parameters
    ----------
    scores : DataFrame
        A ``scores`` table, from :func:`asrlab.score`; further columns are axes.
    by : str or sequence of str, optional
        Columns that make a setting, besides unit, form, normalizer and ties, which are never held against one another.
        By default all axes (``condition`` where there are none). Within each ``spoken_language``, if that is one.
    level : float
        Confidence level of the intervals of ``rate``, and of ``among_best``.
    resamples, seed : int
        Of the bootstrap of ``p_best``, and of random swaps, where there are more than 14 blocks.
    executor : Executor, distributed.Client or None
        Where it is worked on, if it is much work: see :func:`asrlab.score`. The table is the same wherever.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``ranking`` table: a row a setting, in the order of the levels. ``rate``
        and its interval are as :func:`asrlab.summarize` gives them, of the questions (utterance, channel, repeat, other
        axes) that every setting has a marked answer to; what was left out is in ``n_left_out``. A setting without any
        answer is in the table and holds nothing against the others.

        ``p_best`` is how often a setting has the lowest rate when blocks (speakers, else recordings, else utterances)
        are drawn with replacement, the same for all settings; those with the same lowest rate share it. ``among_best``
        are the settings that are not told from the best: of those that have the lowest true rate any one is among them
        with the confidence ``level``, as in multiple comparisons with the best (Hsu 1984). ``p`` is of a setting's
        greatest t against all others, held against swaps within blocks, and allows for all of them; one that is not
        among the best lost to ``rival``.

    Raises
    ------
    InvalidInput
        If columns are missing, answers stand twice, or the settings have no question in common.

    Notes
    -----
    ``p_best`` is no p, and no chance of being the best in truth: of settings that are equally good one may well come to
    60 %, and with few blocks it is as rough as any bootstrap. What may be left out is said by ``among_best``: how near
    that comes to its level, and where it does not (a best setting that suits all speakers alike, against many that some
    speakers have much trouble with), is in ``benchmarks/choosing.md``.

    Examples
    --------
    >>> scores = pd.DataFrame({"utt_id": list("abcdef") * 2, "block": list("abcdef") * 2, "block_kind": "utterance",
    ...                        "unit": "word", "model": ["large"] * 6 + ["small"] * 6,
    ...                        "subs": [1, 0, 1, 0, 0, 1, 2, 1, 2, 2, 1, 2], "dels": 0, "ins": 0, "ref_len": 10})
    >>> rank(scores)[["model", "rank", "p_best", "among_best", "p", "rival"]].values.tolist()
    [['large', 1, 1.0, True, 1.0, <NA>], ['small', 2, 0.0, False, 0.015625, 'large']]
    """
    common(level, resamples, seed)
    check_executor(executor)
    of_panels = panels(scores, by, "ranking")
    n, found, there = of_panels.n, of_panels.labels, of_panels.there
    complete = of_panels.complete()
    marked, group = of_panels.frame[there], of_panels.group[there]
    left_out = np.bincount(group[~complete], minlength=n)
    marked, group = marked[complete], group[complete]
    parts = blocks(marked, group, found["block_kind"])
    errors, lengths = (sums(parts.number, marked[name], len(parts.group)) for name in ("errors", "ref_len"))
    shares = found["unit"].isin(tables.SHARES).to_numpy(np.bool)
    interval = ratio_intervals(errors, lengths, group=parts.group, n_groups=n, level=level, shares=shares)
    place, p_best, p = (np.full(n, np.nan) for _ in range(3))
    among, rival, test = (np.full(n, pd.NA, dtype=object) for _ in range(3))
    names = _named(found[[key for key in of_panels.keys if key not in of_panels.apart]])
    drawn: dict[str, Any] = {"resamples": resamples, "seed": seed, "executor": executor}
    for mine in of_panels.members(group):
        # The blocks of a setting follow one another, in the same order for all.
        of = np.stack([np.flatnonzero(parts.group == k) for k in mine])
        place[mine] = pd.Series(interval.estimate[mine]).rank(method="min")
        p_best[mine] = _best(errors[of], lengths[of], **drawn)
        among[mine] = True
        if len(mine) < 2 or of.shape[1] < FEWEST_BLOCKS or np.isnan(interval.estimate[mine]).any():
            continue
        pairs = np.array(list(combinations(range(len(mine)), 2)))
        of_pairs = contrasts(
            np.eye(len(mine))[pairs[:, 0]] - np.eye(len(mine))[pairs[:, 1]],
            errors[of],
            lengths[of],
            _one_group(parts, mine[0]),
            level,
        )
        contributions, of_all = (part.reshape(len(pairs), -1) for part in (of_pairs.contributions, of_pairs.shares))
        tested = worst(contributions, of_all, pairs=pairs, n_settings=len(mine), **drawn)
        p[mine], lost = tested.p, tested.p <= 1 - level
        among[mine] = ~lost
        rival[mine[lost]] = names[mine[tested.rival[lost]]]
        exact = "exact" if of.shape[1] <= EXACT_BLOCKS else "Monte Carlo"
        test[mine] = f"greatest t by sign-flips by {parts.kind[mine[0]]}, {exact}"
    columns: dict[str, Any] = {
        "rate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": level,
        "method": [f"ratio t by {kind}" for kind in parts.kind],
        "rank": place,
        "p_best": p_best,
        "among_best": pd.array(among, dtype="boolean"),
        "p": p,
        "rival": rival,
        "test": test,
        "resamples": resamples,
        "seed": seed,
        "block_kind": parts.kind,
        "n_utts": groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n),
        "n_blocks": parts.counted(),
        "n_answers": np.bincount(group, minlength=n),
        "n_left_out": left_out,
        **{str(name): values for name, values in groups.fates(of_panels.frame, of_panels.group).items()},
        "ref_len": sums(group, marked["ref_len"], n),
        "note": _notes(parts, interval.estimate),
    }
    return groups.labelled(found, of_panels.keys, columns, "ranking")


def _named(labels: pd.DataFrame) -> NDArray[np.object_]:
    """Name settings by their labels."""
    if labels.shape[1] == 1:
        return labels.iloc[:, 0].astype("string").to_numpy(object)
    return np.array(
        [", ".join(f"{name}={label}" for name, label in row.items()) for row in labels.to_dict("records")], dtype=object
    )


def _one_group(parts: Blocks, setting: int) -> Blocks:
    """Give the blocks of a setting as those of one group."""
    mine = parts.group == setting
    number = np.arange(int(mine.sum()))
    return Blocks(number, np.zeros_like(number), number, parts.kind[[setting]], parts.caution[[setting]])


def _best(errors: Floats, lengths: Floats, *, resamples: int, seed: int, executor: Where) -> Floats:
    """Give the share of resamples of the blocks in which each setting has the lowest rate; shape (settings,)."""
    settings, n_blocks = errors.shape
    if n_blocks < 2:
        return np.full(settings, np.nan)
    work = partial(_times_best, errors=errors, lengths=lengths, seed=seed)
    each = n_blocks * (settings + DEAR)
    counted: Floats = sum(
        stretched(work, resamples, batch=batch_of(n_blocks), each=each, executor=executor), np.zeros(settings)
    )
    return counted / np.where(counted.any(), counted.sum(), np.nan)


def _times_best(which: range, *, errors: Floats, lengths: Floats, seed: int) -> Floats:
    """Count in how many of the resamples with these numbers each setting has the lowest rate, or its part of it."""
    counted = np.zeros(len(errors))
    for times in draws(errors.shape[1], which, seed):
        for part in np.array_split(times, -(-times.shape[1] * len(errors) // _CELLS), axis=1):
            units = lengths @ part
            rates = errors @ part / np.where(units == 0, np.nan, units)
            # A draw without reference units has no best.
            known = ~np.isnan(rates).any(axis=0)
            lowest = rates[:, known] <= rates[:, known].min(axis=0) * _ROUNDING
            counted += (lowest / lowest.sum(axis=0)).sum(axis=1)
    return counted


def _notes(parts: Blocks, rate: Floats) -> list[object]:
    """Say of each setting what to keep in mind."""
    notes: list[object] = []
    for k, number in enumerate(parts.counted().tolist()):
        said = [
            "no answers" if not number else "no reference units: no rate" if np.isnan(rate[k]) else "",
            f"too few {parts.kind[k]}s ({number}) for a test" if 0 < number < FEWEST_BLOCKS else "",
            parts.caution[k],
        ]
        notes.append("; ".join(filter(None, said)) or None)
    return notes
