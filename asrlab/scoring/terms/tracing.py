"""Tracing: one pair of texts aligned by given costs, as published scorers of terms do it, a pair of units first.

Theirs is the split of equal totals into substitutions, deletions and insertions that jiwer and sclite do not share.
"""

from __future__ import annotations

import numpy as np

from asrlab.scoring.codes import code_points

#: Columns of counts: hits, subs, dels, ins.
HIT, SUB, DEL, INS = 0, 1, 2, 3


def steps(ref: str, hyp: str, *, sub: int, gap: int) -> list[tuple[int, int, int]]:
    """Align a pair at the least cost; of alignments that cost the same, from the end back, pairs come first.

    Parameters
    ----------
    ref, hyp : str
        Coded texts, one character a unit. Time and memory go by the product of their lengths.
    sub, gap : int
        Costs of a substitution, and of a deletion or insertion; a hit costs nothing.

    Returns
    -------
    list of tuple of int
        Of each error, from first to last: SUB, DEL or INS; its place in the reference, and in the transcript. At each
        place, from the last back, a pair is preferred to an insertion, and that to a deletion.

    Examples
    --------
    >>> steps("abc", "xbcd", sub=1, gap=1)
    [(1, 0, 0), (3, 3, 3)]
    """
    if ref == hyp:
        return []
    dtype = np.int32 if max(sub, gap) * (len(ref) + len(hyp)) < 2**30 else np.int64
    heard = code_points([hyp])
    ramp = gap * np.arange(len(hyp) + 1, dtype=dtype)
    cost = np.empty((len(ref) + 1, len(hyp) + 1), dtype)
    cost[0] = ramp
    for i, unit in enumerate(code_points([ref]), 1):
        here = cost[i]
        here[0] = gap * i
        np.minimum(
            cost[i - 1, :-1] + np.where(heard == unit, 0, sub).astype(dtype), cost[i - 1, 1:] + gap, out=here[1:]
        )
        # What comes from the left is a running minimum, once each column's own insertions are taken out.
        here -= ramp
        np.minimum.accumulate(here, out=here)
        here += ramp
    found = []
    i, j = len(ref), len(hyp)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (0 if ref[i - 1] == hyp[j - 1] else sub):
            i, j = i - 1, j - 1
            if ref[i] != hyp[j]:
                found.append((SUB, i, j))
        elif j and cost[i, j] == cost[i, j - 1] + gap:
            j -= 1
            found.append((INS, i, j))
        else:
            i -= 1
            found.append((DEL, i, j))
    return found[::-1]
