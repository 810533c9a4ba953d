"""Scores made up for the tests of tables: a full grid of settings, with errors drawn anew for each."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from asrlab import tables
from asrlab.stats.blocks import Blocks
from asrlab.stats.contrasts import contrasts
from asrlab.stats.intervals import Interval


def grid(levels, speakers=8, utterances=3, seed=1, length=None, **columns):
    """Make scores of a grid of axes; ``length`` gives all utterances so many units, else they have 5 to 19."""
    rng = np.random.default_rng(seed)
    lengths = {(s, u): length or int(rng.integers(5, 20)) for s in range(speakers) for u in range(utterances)}
    rows = [
        {
            "utt_id": f"s{s}-{u}",
            "condition": ", ".join(f"{axis}={label}" for axis, label in zip(levels, labels, strict=True)),
            "repeat": 0,
            "channel": 0,
            "state": "answered",
            "unit": "word",
            "normalizer": "en-1",
            "form": "spoken",
            "block": f"speaker:s{s}",
            "block_kind": "speaker",
            "subs": int(rng.integers(0, 4)),
            "dels": int(rng.integers(0, 3)),
            "ins": int(rng.integers(0, 2)),
            "ref_len": lengths[s, u],
            **dict(zip(levels, labels, strict=True)),
        }
        for s, u in lengths
        for labels in product(*levels.values())
    ]
    return tables.check(pd.DataFrame(rows).assign(**columns), "scores", required=("utt_id",))


def make(speakers=8, utterances=3, contexts=("none", "terms"), itns=("off", "on"), seed=1, **columns):
    """Make scores of a grid of context and itn."""
    return grid({"context": contexts, "itn": itns}, speakers, utterances, seed, **columns)


def fail(scores, rows, state="failed"):
    """Let the answers of some rows be lost."""
    scores = scores.copy()
    scores.loc[rows, ["subs", "dels", "ins", "ref_len"]] = pd.NA
    scores.loc[rows, "state"] = state
    return scores


def errors(scores):
    """Count the errors of each row."""
    return scores["subs"] + scores["dels"] + scores["ins"]


def numbers(column):
    """Give a column of a table as plain floats, NaN where it is missing."""
    return column.to_numpy(float, na_value=np.nan)


def by_block(scores, axis, level):
    """Add up errors and reference units of each block under a level, in the order of the blocks."""
    part = scores[scores[axis] == level].assign(errors=errors)
    sums = part.groupby("block")[["errors", "ref_len"]].sum()
    return sums["errors"].to_numpy(float), sums["ref_len"].to_numpy(float)


def left_out(*sides):
    """Leave out each block in turn: the rate of one side, or the first's less the second's, with its standard error."""
    sides = [[list(map(float, counts)) for counts in side] for side in sides]

    def contrast(kept):
        rates = [sum(e[g] for g in kept) / sum(n[g] for g in kept) for e, n in sides]
        return rates[0] - sum(rates[1:])

    blocks = range(len(sides[0][0]))
    without = [contrast([g for g in blocks if g != out]) for out in blocks]
    mean = sum(without) / len(without)
    variance = (len(without) - 1) / len(without) * sum((value - mean) ** 2 for value in without)
    return contrast(blocks), variance**0.5


def on_logits(errors, lengths, level=0.95):
    """Give the ends of the interval of a share: its log odds, and t standard errors of those to either side."""
    share, error = left_out((errors, lengths))
    far = stats.t.ppf((1 + level) / 2, len(errors) - 1) * error / (share * (1 - share))
    return tuple(float(expit(logit(share) + end)) for end in (-far, far))


def step_down(rows, blocks):
    """Westfall and Young's algorithm 4.1 over all signs, in plain Python; a row has (d, w) by block."""

    def t(row, signs):
        d = {g: signs[g] * own for g, (own, _) in row.items()}
        total = sum(d.values())
        squares = sum((d[g] - total * share) ** 2 for g, (_, share) in row.items())
        return abs(total) / math.sqrt(len(row) / (len(row) - 1) * squares)

    seen = [t(row, dict.fromkeys(blocks, 1)) for row in rows]
    order = sorted(range(len(rows)), key=lambda k: -seen[k])
    all_t = [
        [t(row, dict(zip(blocks, signs, strict=True))) for row in rows]
        for signs in product((1, -1), repeat=len(blocks))
    ]
    adjusted, largest = [math.nan] * len(rows), 0.0
    for place, k in enumerate(order):
        as_large = sum(max(of[j] for j in order[place:]) >= seen[k] * (1 - 1e-9) for of in all_t)
        largest = max(largest, as_large / len(all_t))
        adjusted[k] = largest
    return adjusted, seen


def difference_intervals(e, n, e0, n0, *, group, n_groups, level=0.95):
    """Intervals of the differences of two settings, as compare() comes to them, from sums by block."""
    number = np.arange(len(group))
    nobody = np.full(n_groups, "", dtype=object)
    parts = Blocks(number, np.asarray(group, dtype=np.int64), number, nobody, nobody)
    return contrasts(np.array([[1.0, -1.0]]), np.stack([e, e0]), np.stack([n, n0]), parts, level).interval


def difference_interval(e, n, e0, n0, level=0.95):
    """The same of one difference."""
    sides = [np.asarray(side, dtype=np.float64) for side in (e, n, e0, n0)]
    found = difference_intervals(*sides, group=np.zeros(len(sides[0]), dtype=np.int64), n_groups=1, level=level)
    return Interval(*(float(values[0]) for values in found))
