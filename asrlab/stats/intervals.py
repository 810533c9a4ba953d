"""Confidence intervals of pooled error rates, by block.

An error rate is a ratio of sums, and the utterances of one speaker are not independent. So sums are taken by block
(speaker, else recording), and the spread of the blocks about the pooled rate gives the standard error: the linearised
variance of a ratio (Cochran, Sampling Techniques, 1977, sections 6.3 and 11; the same as the cluster-robust sandwich).
With few blocks the t distribution with G - 1 degrees of freedom keeps the level where a percentile bootstrap does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Residuals that are equal but for rounding.
_ROUNDING = 1e-12


class Interval(NamedTuple):
    """An estimate and what is known of it; shares, not per cent. NaN is what cannot be known."""

    estimate: float
    low: float
    high: float
    standard_error: float


class Intervals(NamedTuple):
    """The same of several groups, each with its own blocks: one entry a group."""

    estimate: Floats
    low: Floats
    high: Floats
    standard_error: Floats


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
    return _only(ratio_intervals(e, n, group=_one_group(e), n_groups=1, level=level))


def ratio_intervals(errors: Floats, lengths: Floats, *, group: Codes, n_groups: int, level: float = 0.95) -> Intervals:
    """Give the intervals of many groups at once, each as from :func:`ratio_interval`.

    Parameters
    ----------
    errors, lengths : ndarray of float, shape (B,)
        Errors and reference units of the blocks of all groups.
    group : ndarray of int, shape (B,)
        Which group each block is of, from 0.
    n_groups : int
        Number of groups; some may have no block.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Intervals
        Arrays of shape (n_groups,).
    """
    rate, residuals = _rate(errors, lengths, group, n_groups)
    found = _about(rate, residuals, group, level)
    return found._replace(low=np.maximum(0.0, found.low))


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
    if e.shape != e0.shape:
        raise ValueError(f"Both settings must have the same blocks: {e.shape}, {e0.shape}.")
    return _only(difference_intervals(e, n, e0, n0, group=_one_group(e), n_groups=1, level=level))


def difference_intervals(
    errors: Floats,
    lengths: Floats,
    baseline_errors: Floats,
    baseline_lengths: Floats,
    *,
    group: Codes,
    n_groups: int,
    level: float = 0.95,
) -> Intervals:
    """Give the intervals of many groups at once, each as from :func:`difference_interval`.

    Parameters
    ----------
    errors, lengths, baseline_errors, baseline_lengths : ndarray of float, shape (B,)
        Of the blocks of all groups.
    group, n_groups, level
        As in :func:`ratio_intervals`.

    Returns
    -------
    Intervals
        Arrays of shape (n_groups,).
    """
    rate, residuals = _rate(errors, lengths, group, n_groups)
    rate0, residuals0 = _rate(baseline_errors, baseline_lengths, group, n_groups)
    return _about(rate - rate0, residuals - residuals0, group, level)


def _blocks(errors: ArrayLike, lengths: ArrayLike) -> tuple[Floats, Floats]:
    e, n = np.asarray(errors, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    if e.ndim != 1 or e.shape != n.shape:
        raise ValueError(
            f"Errors and lengths must be two lists of one length, one entry a block: {e.shape}, {n.shape}."
        )
    return e, n


def _one_group(blocks: Floats) -> Codes:
    return np.zeros(len(blocks), dtype=np.int64)


def _only(found: Intervals) -> Interval:
    return Interval(*(float(values[0]) for values in found))


def _rate(errors: Floats, lengths: Floats, group: Codes, n_groups: int) -> tuple[Floats, Floats]:
    """Give the pooled rate of each group, and how far each block lies from it, as a share of all its group's units."""
    total = np.bincount(group, weights=lengths, minlength=n_groups)
    total = np.where(total == 0, np.nan, total)
    rate = np.bincount(group, weights=errors, minlength=n_groups) / total
    return rate, (errors - rate[group] * lengths) / total[group]


def _about(estimate: Floats, residuals: Floats, group: Codes, level: float) -> Intervals:
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1, such as 0.95; this is {level}.")
    g = np.bincount(group, minlength=len(estimate))
    free = np.maximum(g - 1, 1)
    error = np.sqrt(g / free * np.bincount(group, weights=residuals**2, minlength=len(estimate)))
    error[(g < 2) | (error <= _ROUNDING)] = np.nan
    half = stdtrit(free, (1 + level) / 2) * error
    return Intervals(estimate, estimate - half, estimate + half, error)
