"""Confidence intervals of pooled error rates and of their contrasts, by block.

An error rate is a ratio of sums, and the utterances of one speaker are not independent. So sums are taken by block
(speaker, else recording), and each block is left out in turn: how far the rate moves then gives its standard error (the
delete-one jackknife of a ratio: Wolter, Introduction to Variance Estimation, 2007, chapter 4; nearly the cluster-robust
CR3 of Bell & McCaffrey 2002). With blocks of unequal size this covers better than the linearised variance does; where
all blocks have the same length the two are the same. With few blocks the t distribution with G - 1 degrees of freedom
keeps the level where a percentile bootstrap does not; and since rates are skewed, the interval of a rate is taken on
the log scale, that of a share on the logit scale (measured: ``benchmarks/simulations.py``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from asrlab.errors import InvalidInput
from asrlab.stats.random_streams import stretched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from asrlab.executors import Where

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Numbers held at a time.
_CELLS: Final = 2**21
#: Numbers of one stream of draws: what a seed means hangs on it.
_STREAM: Final = 2**21
#: Numbers that are multiplied in the time in which one is drawn.
DEAR: Final = 20
#: An interval that goes from so many e-folds below a rate to as many above it says nothing.
_SAYS_NOTHING: Final = 5.0
#: Residuals that are equal but for rounding.
_ROUNDING: Final = 1e-12


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


class Influence(NamedTuple):
    """What each block does to the pooled rate of its group.

    Parameters
    ----------
    rate : ndarray of float, shape (n_groups,)
        R = ΣE_g / ΣN_g.
    residual : ndarray of float, shape (B,)
        u_g = (E_g - R N_g) / N: the part of the distance from R that block g is answerable for. They sum to 0.
    without : ndarray of float, shape (B,)
        v_g = u_g / (1 - N_g / N): how far R falls when block g is left out.
    share : ndarray of float, shape (B,)
        N_g / N: the block's share of all reference units. They sum to 1.
    """

    rate: Floats
    residual: Floats
    without: Floats
    share: Floats


def influence(errors: Floats, lengths: Floats, *, group: Codes, n_groups: int) -> Influence:
    """Give the pooled rate of each group and what each block does to it; NaN without reference units.

    Parameters
    ----------
    errors, lengths : ndarray of float, shape (B,)
        Errors and reference units of the blocks of all groups.
    group : ndarray of int, shape (B,)
        Which group each block is of, from 0.
    n_groups : int
        Number of groups; some may have no block.
    """
    total = np.bincount(group, weights=lengths, minlength=n_groups)
    total = np.where(total == 0, np.nan, total)
    rate = np.bincount(group, weights=errors, minlength=n_groups) / total
    residual, share = (errors - rate[group] * lengths) / total[group], lengths / total[group]
    others = 1 - share
    without = np.divide(residual, others, out=np.full_like(residual, np.nan), where=others > _ROUNDING)
    return Influence(rate, residual, without, share)


def t_intervals(estimate: Floats, without: Floats, *, group: Codes, level: float = 0.95) -> Intervals:
    """Give the intervals of differences and other contrasts of pooled rates.

    SE² = (G-1)/G · Σ(v_g - v̄)², and the estimate ± t(G-1) · SE.

    Parameters
    ----------
    estimate : ndarray of float, shape (n_groups,)
        A contrast of rates.
    without : ndarray of float, shape (B,)
        The same contrast of the ``without`` of their ``Influence``.
    group : ndarray of int, shape (B,)
        Which group each block is of, from 0.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Intervals
        Arrays of shape (n_groups,). All but the estimate is NaN with fewer than two blocks, and where no spread is
        seen: which does not mean that there is none.
    """
    error, half = _spread(without, group, len(estimate), level)
    return Intervals(estimate, estimate - half, estimate + half, error)


def ratio_interval(errors: ArrayLike, lengths: ArrayLike, level: float = 0.95, *, share: bool = False) -> Interval:
    """Give the interval of a pooled rate, R = sum(errors) / sum(lengths).

    R · exp(± t(G-1) · SE / R), with the SE of :func:`asrlab.stats.intervals.t_intervals`: on the log scale, since an
    error rate has no upper end. A share has one, and its interval is taken on the logit scale:
    R / (1-R) · exp(± t(G-1) · SE / (R (1-R))).

    Parameters
    ----------
    errors : array_like, shape (G,)
        Errors of each block.
    lengths : array_like, shape (G,)
        Reference units of each block.
    level : float
        Confidence level, between 0 and 1.
    share : bool
        Whether each unit is right or wrong, so that R is at most 1.

    Returns
    -------
    Interval
        ``estimate`` is NaN without reference units; the rest is NaN also with fewer than two blocks, and where all
        blocks have the same rate: no spread is seen then, which does not mean that there is none. The ends are NaN also
        where they would go from a hundredth of the rate to a hundred times the rate, and so say nothing.

    Examples
    --------
    >>> rate, low, high, _ = ratio_interval([1, 4, 2], [20, 30, 25])
    >>> round(rate, 3), round(low, 3), round(high, 3)
    (0.093, 0.028, 0.306)
    """
    e, n = _blocks(errors, lengths)
    shares = np.array([share])
    return _only(ratio_intervals(e, n, group=_one_group(e), n_groups=1, level=level, shares=shares))


def ratio_intervals(
    errors: Floats,
    lengths: Floats,
    *,
    group: Codes,
    n_groups: int,
    level: float = 0.95,
    shares: NDArray[np.bool] | None = None,
) -> Intervals:
    """Give the intervals of many groups at once, each as from :func:`ratio_interval`.

    Parameters
    ----------
    errors, lengths, group, n_groups
        As in :func:`influence`.
    level : float
        Confidence level, between 0 and 1.
    shares : ndarray of bool, shape (n_groups,), optional
        Which groups have a share for a rate; by default none.

    Returns
    -------
    Intervals
        Arrays of shape (n_groups,).
    """
    found = influence(errors, lengths, group=group, n_groups=n_groups)
    error, half = _spread(found.without, group, n_groups, level)
    shares = np.zeros(n_groups, dtype=np.bool) if shares is None else shares
    right = np.where(shares, 1 - found.rate, 1.0)
    # Where all is right, or all wrong, there is no spread either, and error is NaN.
    folds = half / np.where(found.rate * right == 0, np.nan, found.rate * right)
    factor = np.exp(np.where(folds > _SAYS_NOTHING, np.nan, folds))
    low, high = (np.where(shares, ends / (right + ends), ends) for ends in (found.rate / factor, found.rate * factor))
    return Intervals(found.rate, low, high, error)


def bootstrap_intervals(
    errors: Floats,
    lengths: Floats,
    *,
    group: Codes,
    n_groups: int,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
    executor: Where = None,
) -> tuple[Floats, Floats, Floats]:
    """Give percentile intervals of pooled rates, from blocks drawn with replacement (Bisani & Ney 2004).

    Parameters
    ----------
    errors, lengths, group, n_groups
        As in :func:`influence`; in order of the groups.
    level : float
        Confidence level, between 0 and 1.
    resamples, seed : int
        Number of draws, and seed; groups with equally many blocks share their draws.
    executor : Executor, distributed.Client or None
        Where they are drawn, if they are many.

    Returns
    -------
    tuple of three ndarray of float, shape (n_groups,)
        Rate, and the lower and upper end. The ends are NaN with fewer than two blocks, and where no spread is seen.
    """
    if resamples < 1:
        raise InvalidInput(f"resamples must be at least 1, better 9999; this is {resamples}.")
    found = influence(errors, lengths, group=group, n_groups=n_groups)
    error, _ = _spread(found.without, group, n_groups, level)
    size = np.bincount(group, minlength=n_groups)
    first = np.cumsum(size) - size
    low, high = np.full(n_groups, np.nan), np.full(n_groups, np.nan)
    known = ~np.isnan(error)
    for g in np.unique(size[known]).tolist():
        these = np.flatnonzero(known & (size == g))
        for part in np.array_split(these, -(-len(these) * max(g, resamples) // _CELLS)):
            of = first[part][:, None] + np.arange(g)
            rates = partial(_drawn_rates, errors=errors[of], lengths=lengths[of], seed=seed)
            drawn = list(stretched(rates, resamples, batch=batch_of(g), each=g * (len(part) + DEAR), executor=executor))
            with np.errstate(invalid="ignore"):
                low[part], high[part] = np.quantile(
                    np.concatenate(drawn, axis=1), [(1 - level) / 2, (1 + level) / 2], axis=1
                )
    return found.rate, low, high


def _drawn_rates(which: range, *, errors: Floats, lengths: Floats, seed: int) -> Floats:
    """Give the pooled rates of groups of equally many blocks in the resamples with these numbers."""
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = [(errors @ times) / (lengths @ times) for times in draws(errors.shape[1], which, seed)]
    return np.concatenate(drawn, axis=1)


def batch_of(blocks: int) -> int:
    """Give the number of resamples of so many blocks that are drawn from one stream."""
    return max(1, _STREAM // blocks)


def draws(blocks: int, which: range, seed: int) -> Iterator[Floats]:
    """Draw blocks with replacement.

    Parameters
    ----------
    blocks : int
        Number of blocks, and of those drawn each time.
    which : range
        Numbers of the resamples; the first is a multiple of :func:`batch_of` the blocks.
    seed : int
        Of all resamples. Each batch of them has a stream of its own, as nobody knows how much the one before took.

    Yields
    ------
    ndarray of float, shape (blocks, some of the resamples)
        How often each block was drawn.
    """
    at_once = batch_of(blocks)
    for done in range(which.start, which.stop, at_once):
        number = done // at_once
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,) if number else ()))
        times = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=min(at_once, which.stop - done))
        yield times.T.astype(np.float64)


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


def _spread(without: Floats, group: Codes, n_groups: int, level: float) -> tuple[Floats, Floats]:
    """Give the standard error of each group, and half the width of its interval."""
    if not 0 < level < 1:
        raise InvalidInput(f"A confidence level lies between 0 and 1, such as 0.95; this is {level}.")
    g = np.bincount(group, minlength=n_groups)
    mean = np.bincount(group, weights=without, minlength=n_groups) / np.maximum(g, 1)
    squares = np.bincount(group, weights=(without - mean[group]) ** 2, minlength=n_groups)
    free = np.maximum(g - 1, 1)
    error: Floats = np.sqrt(free / np.maximum(g, 1) * squares)
    error[(g < 2) | (error <= _ROUNDING)] = np.nan
    half: Floats = stdtrit(free, (1 + level) / 2) * error
    return error, half
