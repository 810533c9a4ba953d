"""Precision and recall: how much of what was said came through, and how much of what was heard was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from asrlab import groups
from asrlab.errors import InvalidInput
from asrlab.stats.arguments import between
from asrlab.stats.blocks import blocks, checked, sums
from asrlab.stats.intervals import ratio_intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from asrlab.coded import Scores

#: What a unit of what was heard begins with, beside that of what was said: "heard term" and "term".
HEARD: Final = "heard "


def precision_recall(
    scores: Scores,
    by: str | Sequence[str] | None = None,
    *,
    level: float = 0.95,
    dataset: groups.Facts | None = None,
) -> pd.DataFrame:
    """Pool the counts of what was said and of what was heard to precision, recall and F1 with their intervals.

    Parameters
    ----------
    scores : DataFrame, str or path
        A ``scores`` table, or path or URL of one as Parquet, with rows of a unit and of what was heard of it, such as
        "term" and "heard term" (from :func:`asrlab.terms.scores`), "mark" and "heard mark". Others are left out.
    by, dataset
        As in :func:`asrlab.summarize`.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    DataFrame
        The by-columns, then the columns of a ``precision_recall`` table. ``recall`` is hits / said, ``precision``
        hits / heard, ``f1`` their harmonic mean, 2 hits / (said + heard), of the pooled counts: not means of the
        figures of each answer. One that has nothing in its denominator is ``<NA>``. Intervals are ratio t by block
        (:func:`asrlab.stats.intervals.ratio_interval`), each a share; none is known where nothing or all is right.

    Raises
    ------
    InvalidInput
        If columns are missing, there is no such pair of units, answers stand twice, have one unit of a pair and lack
        the other, or there is no such column to group by.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"utt_id": list("abab"), "block": list("abab"), "block_kind": "utterance",
    ...                        "unit": ["term"] * 2 + ["heard term"] * 2, "subs": [0, 0, 1, 0], "dels": [1, 0, 0, 0],
    ...                        "ins": 0, "ref_len": [2, 2, 2, 2]})
    >>> precision_recall(scores)[["unit", "recall", "precision", "f1", "said", "heard"]].to_dict("records")
    [{'unit': 'term', 'recall': 0.75, 'precision': 0.75, 'f1': 0.75, 'said': 4, 'heard': 4}]
    """
    between("level", level, 1e-6, 1 - 1e-6, "a confidence level, such as 0.95")
    frame = checked(scores)
    groups.refuse_copies(frame)
    frame["unit"] = frame["unit"].astype("string")
    frame, keys = groups.by_columns(_pairs(frame), by, "precision_recall", dataset=dataset)
    heard = _is_heard(frame["unit"])
    frame = frame.assign(unit=frame["unit"].mask(heard, frame["unit"].str.removeprefix(HEARD)))
    labels = [*keys, *groups.APART, "block_kind"]
    group = groups.numbered(frame, labels)
    found = groups.heads(frame, group, labels)
    n = len(found)
    fates = groups.fates(frame, group)
    there = frame["errors"].notna().to_numpy(np.bool)
    marked, group, heard = frame[there], group[there], heard[there]
    parts = blocks(marked, group, found["block_kind"])
    hits, of = (marked[name].to_numpy(np.float64) for name in ("hits", "ref_len"))
    sides = {"recall": ~heard, "precision": heard, "f1": np.ones(len(marked), np.bool)}
    shares = np.ones(n, np.bool)
    columns: dict[str, Any] = {}
    for name, side in sides.items():
        of_block = [sums(parts.number, np.where(side, counts, 0.0)) for counts in (hits, of)]
        some = ratio_intervals(*of_block, group=parts.group, n_groups=n, level=level, shares=shares)
        columns |= {name: some.estimate, f"{name}_low": some.low, f"{name}_high": some.high}
    counted = {
        "said": sums(group, np.where(heard, 0.0, of), n),
        "heard": sums(group, np.where(heard, of, 0.0), n),
        "hits": sums(group, np.where(heard, 0.0, hits), n),
        "false": sums(group, np.where(heard, of - hits, 0.0), n),
    }
    n_blocks = parts.counted()
    columns |= {
        "level": level,
        "method": [
            "; ".join(filter(None, (f"ratio t by {kind}", caution, "no interval: one block" if many < 2 else "")))
            for kind, caution, many in zip(parts.kind, parts.caution, n_blocks.tolist(), strict=True)
        ],
        "block_kind": parts.kind,
        "n_utts": groups.counted_once(group, groups.in_appearance(marked["utt_id"]), n),
        "n_blocks": n_blocks,
        **{str(name): fates[name] for name in fates},
        **counted,
    }
    return groups.labelled(found, keys, columns, "precision_recall")


def _pairs(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the units that stand for what was said and what was heard, and give both the name of the first."""
    units = set(frame["unit"].dropna())
    paired = [unit for unit in units if f"{HEARD}{unit}" in units]
    if not paired:
        have = ", ".join(sorted(units)) or "none"
        raise InvalidInput(
            f'Precision and recall are made of two units, such as "term" and "heard term"; these scores have {have}. '
            "Make them with lab.terms.scores()."
        )
    frame = frame[frame["unit"].isin([*paired, *(HEARD + unit for unit in paired)])]
    # Where nothing came, nothing was heard; what that means for what was said is in the other row.
    answered = (frame["state"] == "answered").to_numpy(np.bool)
    kept = answered | ~_is_heard(frame["unit"])
    frame, answered = frame[kept], answered[kept]
    told_apart = ["utt_id", "channel", "repeat", "condition", *groups.APART, *groups.axes(frame)]
    heard = _is_heard(frame["unit"])
    both = frame.assign(unit=frame["unit"].mask(heard, frame["unit"].str.removeprefix(HEARD)))[answered]
    answer = groups.numbered(both, told_apart)
    if (alone := np.bincount(answer, minlength=1)[answer] == 1).any():
        lone = frame[answered][alone].iloc[0]
        raise InvalidInput(
            f"{int(alone.sum())} answers have one of two units and lack the other, such as {lone['utt_id']} "
            f"({lone['unit']}). Keep both rows of an answer, and mark all in one call."
        )
    return frame.reset_index(drop=True)


def _is_heard(units: pd.Series) -> NDArray[np.bool]:
    return units.str.startswith(HEARD).to_numpy(np.bool)
