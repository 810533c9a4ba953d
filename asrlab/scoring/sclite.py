"""Sclite: paths by NIST's costs, as sclite traces them: many pairs at once, in step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from asrlab.scoring.codes import code_points
from asrlab.scoring.counts import nist_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Places = NDArray[np.int64]
    Flags = NDArray[np.bool]

#: Cells of the cost matrices that are kept at a time, where no pair has more: some 10 MB.
_CELLS: Final = 2_000_000


class Wrong(NamedTuple):
    """Steps that are no hits, in the order of the pairs and from first unit to last.

    ``replaced`` and ``inserted`` tell their kind; what is neither is deleted.
    """

    pair: Places
    replaced: Flags
    inserted: Flags
    ref_pos: Places
    hyp_pos: Places


def trace(refs: Sequence[str], hyps: Sequence[str]) -> Wrong:
    """Align by NIST's costs, traced from the end as sclite does: first a pair, then an insertion, then a deletion.

    Where a word is said twice and heard once, that decides which of the two is missing.

    Parameters
    ----------
    refs, hyps : sequence of str
        Coded texts of each pair, one character a unit. Time and memory go by the product of their lengths.

    Returns
    -------
    Wrong
        With the counts of ``asrlab.scoring.counts.counts(refs, hyps, "sclite")``.
    """
    n, m = (np.fromiter(map(len, texts), np.int64, len(texts)) for texts in (refs, hyps))
    found = [
        _together([refs[k] for k in part.tolist()], [hyps[k] for k in part.tolist()], n[part], m[part], part)
        for part in _parts(n, m)
    ]
    pair, replaced, inserted, ref_pos, hyp_pos = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((ref_pos + hyp_pos, pair))
    return Wrong(pair[order], replaced[order], inserted[order], ref_pos[order], hyp_pos[order])


def _parts(n: Places, m: Places) -> list[Places]:
    """Part pairs so that those of about the same size are together, and not too many."""
    order = np.lexsort((m, n))
    ends, height, width = [0], 0, 0
    for last, (rows, columns) in enumerate(zip((n[order] + 1).tolist(), (m[order] + 1).tolist(), strict=True)):
        height, width = max(height, rows), max(width, columns)
        if last > ends[-1] and (last - ends[-1] + 1) * height * width > _CELLS:
            ends.append(last)
            height, width = rows, columns
    return [order[first:last] for first, last in pairwise([*ends, len(order)])]


def _together(refs: list[str], hyps: list[str], n: Places, m: Places, numbers: Places) -> Wrong:
    many, height, width = len(refs), int(n.max(initial=0)), int(m.max(initial=0))
    _, sub, gap = nist_costs(height + width)
    dtype = np.int32 if gap * (height + width + 2) < 2**31 else np.int64
    said, heard = (np.zeros((many, size), np.uint32) for size in (height, width))
    for side, texts, lengths in ((said, refs, n), (heard, hyps, m)):
        side[np.arange(side.shape[1]) < lengths[:, None]] = code_points(texts)
    ramp = (gap * np.arange(width + 1)).astype(dtype)
    cost = np.empty((height + 1, many, width + 1), dtype)
    cost[0] = ramp
    for row, unit in enumerate(said.T, 1):
        above, here = cost[row - 1], cost[row]
        here[:, 0] = above[:, 0] + gap
        paired = above[:, :-1] + np.where(heard == unit[:, None], 0, sub).astype(dtype)
        np.minimum(paired, above[:, 1:] + gap, out=here[:, 1:])
        # What comes from the left is a running minimum, once each column's own insertions are taken out.
        here -= ramp
        np.minimum.accumulate(here, axis=1, out=here)
        here += ramp
    nowhere, never = np.zeros(0, np.int64), np.zeros(0, np.bool)
    steps = [Wrong(nowhere, never, never, nowhere, nowhere)]
    at, to, which = n.copy(), m.copy(), np.arange(many)
    while len(which := which[at[which] + to[which] > 0]):
        i, j = at[which], to[which]
        now, inside = cost[i, which, j], (i > 0) & (j > 0)
        same = inside.copy()
        same[inside] = said[which[inside], i[inside] - 1] == heard[which[inside], j[inside] - 1]
        # Before the first row and column the last is looked at, which `inside` and `j > 0` leave out.
        pair = inside & (now == cost[i - 1, which, j - 1] + np.where(same, 0, sub))
        inserted = ~pair & (j > 0) & (now == cost[i, which, j - 1] + gap)
        at[which] -= ~inserted
        to[which] -= pair | inserted
        wrong = ~(pair & same)
        one = which[wrong]
        steps.append(Wrong(numbers[one], pair[wrong], inserted[wrong], at[one], to[one]))
    return Wrong(*(np.concatenate(column) for column in zip(*steps, strict=True)))
