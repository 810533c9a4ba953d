"""Label swaps: whether answers under two levels differ more often than repeats of one do.

If a parameter does nothing, the two labels might as well be swapped between the answers to one utterance in one pass of
repeats, in which they were asked close together (Fisher's randomisation test). That holds also where a service changes
from one pass to the next, such as by a new model, which swapping over passes would take for noise.
"""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from scipy.special import stdtrit

from asrlab.stats.random_streams import generator_after, stretched
from asrlab.stats.sign_flips import EXACT_BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from asrlab.executors import Where

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Contrast: TypeAlias = dict[tuple[int, int], Floats]

#: Random swaps where they are too many to go through.
RESAMPLES: Final = 9999
_ROUNDING: Final = 1e-9
#: Numbers held at a time.
_CELLS: Final = 2**22


def repeat_contrast(
    arm: Codes,
    base: Codes,
    question: Codes,
    passes: Codes,
    utterance: Codes,
    *,
    apart: Callable[[Codes, Codes], NDArray[Any]],
) -> tuple[Contrast, Floats]:
    """Compare answers of different passes, between levels and within.

    Parameters
    ----------
    arm, base : ndarray of int64, shape (pairs,)
        Places of the answers under the level and under the baseline, to the same question in the same pass.
    question, passes, utterance : ndarray of int64, shape (pairs,)
        What was asked, but for the pass; the pass of repeats; and the utterance: all from 0.
    apart : callable
        From places of answers to how far each two are apart: whether they differ, or by how much.

    Returns
    -------
    contrast : dict of (pass, pass) to ndarray, shape (utterances,)
        How much farther answers are apart between levels than within one. Swapping the labels in one of the two passes
        changes its sign.
    pairs : ndarray, shape (utterances,)
        Pairs of repeats.
    """
    n = int(utterance.max(initial=-1)) + 1
    n_asked, n_passes = int(question.max(initial=-1)) + 1, int(passes.max(initial=-1)) + 1
    sides = np.full((2, n_passes, n_asked), -1)
    sides[0, passes, question], sides[1, passes, question] = arm, base
    of = np.zeros(n_asked, np.int64)
    of[question] = utterance
    contrast, pairs = {}, np.zeros(n)
    for one, other in combinations(range(n_passes), 2):
        there = (sides[0, one] >= 0) & (sides[0, other] >= 0)
        (arm_1, base_1), (arm_2, base_2) = sides[:, one, there], sides[:, other, there]
        between = apart(arm_1, base_2).astype(np.float64) + apart(base_1, arm_2)
        within = apart(arm_1, arm_2).astype(np.float64) + apart(base_1, base_2)
        contrast[one, other] = np.bincount(of[there], weights=between - within, minlength=n).astype(np.float64)
        pairs += 2 * np.bincount(of[there], minlength=n)
    return contrast, pairs


def swap_test(contrast: Contrast, seed: int, executor: Where = None) -> float:
    """Give p: how often swapped labels would make levels differ as much more than repeats do. NaN without repeats."""
    if not contrast:
        return np.nan
    informative = np.any([np.abs(values) > _ROUNDING for values in contrast.values()], axis=0)
    if not informative.any():
        return 1.0
    pairs = {key: values[informative] for key, values in contrast.items()}
    n, passes = int(informative.sum()), max(other for _, other in pairs) + 1
    free = n * (passes - 1)  # swapping all passes of an utterance changes nothing
    if free <= EXACT_BLOCKS:
        return _count_as_great(range(2**free), pairs=pairs, passes=passes, seed=None) / 2.0**free
    count = partial(_count_as_great, pairs=pairs, passes=passes, seed=seed)
    batch = max(1, _CELLS // (n * passes))
    as_great: int = sum(stretched(count, RESAMPLES, batch=batch, each=free * len(pairs), executor=executor))
    return (1 + as_great) / (1 + RESAMPLES)


def _count_as_great(which: range, *, pairs: Contrast, passes: int, seed: int | None) -> int:
    """Count the swaps, of those with these numbers, after which levels differ as much more than repeats as was seen.

    Without a seed, the bits of the number say what is swapped.
    """
    seen = sum(float(values.sum()) for values in pairs.values())
    n = len(next(iter(pairs.values())))
    free = n * (passes - 1)
    rng = None if seed is None else generator_after(seed, which.start * free)
    as_great = 0
    at_once = max(1, _CELLS // (n * passes))
    for start in range(which.start, which.stop, at_once):
        many = min(at_once, which.stop - start)
        signs = np.ones((many, n, passes), np.int8)
        if rng is None:
            bits = (np.arange(start, start + many)[:, None] >> np.arange(free)) & 1
        else:
            bits = rng.integers(0, 2, (many, free))
        signs[:, :, 1:] = 1 - 2 * bits.reshape(many, n, passes - 1)
        drawn = sum((signs[:, :, i] * signs[:, :, j]) @ values for (i, j), values in pairs.items())
        as_great += int((np.asarray(drawn) >= seen - _ROUNDING).sum())
    return as_great


def upper_end(contrast: Contrast, pairs: Floats, level: float) -> float:
    """Give the upper end of the interval of what levels differ by beyond repeats: a t interval by utterance."""
    asked = pairs > 0
    if asked.sum() < 2:
        return np.nan
    beyond = np.sum(list(contrast.values()), axis=0)[asked] / pairs[asked]
    half = stdtrit(len(beyond) - 1, (1 + level) / 2) * beyond.std(ddof=1) / np.sqrt(len(beyond))
    return float(beyond.mean() + half)
