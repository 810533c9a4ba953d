"""Confidence intervals of pooled error rates, by block.

An error rate is a ratio of sums, and the utterances of one speaker are not independent. So sums are taken by block
(speaker, else recording), and the spread of the blocks about the pooled rate gives the standard error: the linearised
variance of a ratio (Cochran, Sampling Techniques, 1977, sections 6.3 and 11; the same as the cluster-robust sandwich).
With few blocks the t distribution with G - 1 degrees of freedom keeps the level where a percentile bootstrap does not.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Residuals that are equal but for rounding.
_ROUNDING = 1e-12


class Interval(NamedTuple):
    """An estimate and what is known of it; shares, not per cent. NaN is what cannot be known."""

    estimate: float
    low: float
    high: float
    standard_error: float


def ratio_interval(errors: ArrayLike, lengths: ArrayLike, level: float = 0.95) -> Interval:
    """Give the interval of a pooled rate, R = sum(errors) / sum(lengths).

    SE² = G/(G-1) · Σ(E_g - R N_g)² / N², and R ± t(G-1) · SE.

    Parameters
    ----------
    errors : array_like, shape (G,)
        Errors of each block.
    lengths : array_like, shape (G,)
        Reference units of each block.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        ``low`` is not below 0. ``estimate`` is NaN without reference units; the rest is NaN also with fewer than two
        blocks, and where all blocks have the same rate: no spread is seen then, which does not mean that there is none.

    Examples
    --------
    >>> rate, low, high, _ = ratio_interval([1, 4, 2], [20, 30, 25])
    >>> round(rate, 3), round(low, 3), round(high, 3)
    (0.093, 0.0, 0.2)
    """
    e, n = _blocks(errors, lengths)
    total = n.sum()
    if not total:
        return Interval(math.nan, math.nan, math.nan, math.nan)
    rate = float(e.sum() / total)
    interval = _about(rate, (e - rate * n) / total, level)
    return interval._replace(low=max(0.0, interval.low) if not math.isnan(interval.low) else math.nan)


def difference_interval(
    errors: ArrayLike,
    lengths: ArrayLike,
    baseline_errors: ArrayLike,
    baseline_lengths: ArrayLike,
    level: float = 0.95,
) -> Interval:
    """Give the interval of the difference of two pooled rates over the same blocks.

    With u_g = (E_g - R N_g)/N - (E'_g - R' N'_g)/N', SE² = G/(G-1) · Σ u_g², and (R - R') ± t(G-1) · SE. Where both
    have the same lengths this is the interval of Σ(E_g - E'_g) / N.

    Parameters
    ----------
    errors, baseline_errors : array_like, shape (G,)
        Errors of each block under either setting.
    lengths, baseline_lengths : array_like, shape (G,)
        Reference units of each block; they differ where another form of the reference was marked against.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Interval
        NaN as in :func:`ratio_interval`.
    """
    e, n = _blocks(errors, lengths)
    e0, n0 = _blocks(baseline_errors, baseline_lengths)
    total, total0 = n.sum(), n0.sum()
    if not total or not total0:
        return Interval(math.nan, math.nan, math.nan, math.nan)
    rate, rate0 = e.sum() / total, e0.sum() / total0
    return _about(float(rate - rate0), (e - rate * n) / total - (e0 - rate0 * n0) / total0, level)


def _blocks(errors: ArrayLike, lengths: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    e, n = np.asarray(errors, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if e.ndim != 1 or e.shape != n.shape:
        raise ValueError(
            f"Errors and lengths must be two lists of one length, one entry a block: {e.shape}, {n.shape}."
        )
    return e, n


def _about(estimate: float, residuals: NDArray[np.float64], level: float) -> Interval:
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1, such as 0.95; this is {level}.")
    g = len(residuals)
    if g < 2:
        return Interval(estimate, math.nan, math.nan, math.nan)
    error = math.sqrt(g / (g - 1) * float(residuals @ residuals))
    if error <= _ROUNDING:
        return Interval(estimate, math.nan, math.nan, math.nan)
    half = float(stdtrit(g - 1, (1 + level) / 2)) * error
    return Interval(estimate, estimate - half, estimate + half, error)
