"""The classical tests of a difference, and the intervals of a share.

The t tests take an estimate with its standard error by block, so they hold for any estimate that has one. McNemar's
test is exact, and so is Wilcoxon's, with ties too, up to 200 blocks that differ. McNemar's test and the intervals of
shares are for pairs and trials that do not depend on one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import betainc, betainccinv, betaincinv, ndtr, ndtri, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

#: Up to so many blocks that differ, Wilcoxon's p is exact.
EXACT_BLOCKS: Final = 200
#: Numbers that are equal but for rounding.
_ROUNDING: Final = 1e-12


class Significance(NamedTuple):
    """Test statistics and their p, one entry a group. NaN is what cannot be known."""

    statistic: Floats
    p: Floats


class Limits(NamedTuple):
    """Confidence limits of shares, one entry a group. NaN is what cannot be known."""

    low: Floats
    high: Floats


def t_test(estimate: ArrayLike, standard_error: ArrayLike, n_blocks: ArrayLike) -> Significance:
    """Test whether a difference is zero: Student's t, two-sided.

    t = estimate / SE with G - 1 degrees of freedom. Where SE is that of the mean of G paired differences, this is the
    paired t test.

    Parameters
    ----------
    estimate : array_like of float, shape (n_groups,)
        Differences.
    standard_error : array_like of float, shape (n_groups,)
        Their standard errors by block.
    n_blocks : array_like of int, shape (n_groups,)
        Number of blocks G.

    Returns
    -------
    Significance
        NaN without an estimate, with fewer than two blocks, and where the standard error is NaN or zero (at most
        1e-12): no spread is seen then, which does not mean that there is none.

    Examples
    --------
    >>> t, p = t_test([0.02], [0.008], [10])
    >>> round(t.item(), 3), round(p.item(), 3)
    (2.5, 0.034)
    """
    error, free = _spread(standard_error, n_blocks)
    t = np.asarray(estimate, dtype=np.float64) / error
    return Significance(t, 2 * stdtr(free, -np.abs(t)))


def equivalence(estimate: ArrayLike, standard_error: ArrayLike, n_blocks: ArrayLike, margin: float) -> Significance:
    """Test whether a difference lies within a margin, by two one-sided t tests (Schuirmann 1987).

    The null hypothesis is that it lies at the margin or beyond, on either side. A small p says that the two are
    equivalent within the margin: p <= alpha exactly where the interval of level 1 - 2 alpha lies within it.

    Parameters
    ----------
    estimate, standard_error, n_blocks
        As in :func:`t_test`.
    margin : float
        In the unit of the estimate, above 0.

    Returns
    -------
    Significance
        ``p`` is the larger of both sides', and ``statistic`` the t of that side: (estimate - margin) / SE, or
        (estimate + margin) / SE where the estimate is below zero. NaN as in :func:`t_test`.

    Raises
    ------
    ValueError
        If the margin is not a number above 0.

    Examples
    --------
    >>> t, p = equivalence([0.001], [0.001], [20], margin=0.005)
    >>> round(t.item(), 3), round(p.item(), 4)
    (-4.0, 0.0004)
    """
    _check_margin(margin)
    error, free = _spread(standard_error, n_blocks)
    delta = np.asarray(estimate, dtype=np.float64)
    t = (np.abs(delta) - margin) / error
    return Significance(np.where(delta < 0, -t, t), stdtr(free, t))


def non_inferiority(estimate: ArrayLike, standard_error: ArrayLike, n_blocks: ArrayLike, margin: float) -> Significance:
    """Test whether an error rate is not worse by a margin, by a one-sided t test.

    The null hypothesis is estimate >= margin, as lower rates are better. A small p says that the setting is worse by
    less than the margin, or no worse, or better: p <= alpha exactly where the upper end of the interval of level
    1 - 2 alpha lies below it.

    Parameters
    ----------
    estimate, standard_error, n_blocks
        As in :func:`t_test`; the estimate is the setting's error rate less the baseline's.
    margin : float
        In the unit of the estimate, above 0.

    Returns
    -------
    Significance
        ``statistic`` is (estimate - margin) / SE. NaN as in :func:`t_test`.

    Raises
    ------
    ValueError
        If the margin is not a number above 0.

    Examples
    --------
    >>> t, p = non_inferiority([0.003], [0.001], [20], margin=0.005)
    >>> round(t.item(), 3), round(p.item(), 3)
    (-2.0, 0.03)
    """
    _check_margin(margin)
    error, free = _spread(standard_error, n_blocks)
    t = (np.asarray(estimate, dtype=np.float64) - margin) / error
    return Significance(t, stdtr(free, t))


def mcnemar(better: ArrayLike, worse: ArrayLike) -> Significance:
    """Test whether as many pairs changed for the better as for the worse: McNemar's test, exact and two-sided.

    Pairs that are right or wrong under both settings say nothing of the difference. Of the others, each is as likely
    better as worse if there is none: p is the binomial chance of a split at least as uneven (the sign test of the
    pairs; no continuity correction or chi-squared). It takes pairs to be independent of one another.

    Parameters
    ----------
    better, worse : array_like of int, shape (n_groups,)
        Pairs right under the setting alone, and under the baseline alone.

    Returns
    -------
    Significance
        ``statistic`` is the smaller of both numbers. Where no pair differs, p is 1.

    Raises
    ------
    ValueError
        If a number is below 0.

    Examples
    --------
    >>> least, p = mcnemar([88], [93])
    >>> round(p.item(), 2)
    0.77
    """
    b, c = np.asarray(better, dtype=np.float64), np.asarray(worse, dtype=np.float64)
    if (b < 0).any() or (c < 0).any():
        raise ValueError("Numbers of pairs cannot be below 0; count those that are better and those that are worse.")
    least, most = np.minimum(b, c), np.maximum(b, c)
    # The binomial chance of `least` or fewer, as a beta function, which has no parameter of 0.
    return Significance(least, np.minimum(1.0, 2 * betainc(np.maximum(most, 1), least + 1, 0.5)))


def wilcoxon(differences: Floats, *, group: Codes, n_groups: int) -> Significance:
    """Test whether differences by block lie evenly about zero: Wilcoxon's signed-rank test, two-sided.

    Blocks without a difference are left out, as Wilcoxon did, and equal differences share their mean rank. If the
    setting makes no difference, each rank is as likely positive as negative: p is the share of all 2^n choices of
    signs with a sum of ranks at least as uneven. Up to 200 blocks that differ the sums are counted through, ties and
    all; a table of the distribution without ties would be wrong there. With more, p is from the normal distribution of
    the same mean and variance (which is the correction for ties), without a continuity correction; small ones err to
    the safe side: with 201 blocks by 2 % at p = 0.01 and by 7 % at 0.001, with more by less.

    Parameters
    ----------
    differences : ndarray of float, shape (B,)
        Difference of the two rates of each block, as shares. Two that are within 1e-12 of one another are equal, and
        one so near zero is zero: 0.3 - 0.2 and 0.2 - 0.1 differ in floating point only. NaN is left out.
    group : ndarray of int, shape (B,)
        Which group each block is of, from 0.
    n_groups : int
        Number of groups; some may have no block.

    Returns
    -------
    Significance
        ``statistic`` is the smaller of the sums of positive and of negative ranks. NaN where there is no block; p is 1
        where no block differs. The smallest p with n blocks that differ is 2 / 2^n.

    Examples
    --------
    >>> rates, baseline = np.array([0.1, 0.2, 0.1, 0.3, 0.1, 0.2]), np.array([0.2, 0.3, 0.3, 0.6, 0.3, 0.2])
    >>> least, p = wilcoxon(rates - baseline, group=np.zeros(6, np.int64), n_groups=1)
    >>> least.item(), p.item()
    (0.0, 0.0625)
    """
    known = ~np.isnan(differences)
    differences, group = differences[known], group[known]
    ends = np.cumsum(np.bincount(group, minlength=n_groups))
    blocks = np.split(differences[np.argsort(group)], ends[:-1])
    found = Significance(np.full(n_groups, np.nan), np.full(n_groups, np.nan))
    for number, of_group in enumerate(blocks):
        if len(of_group):
            found.statistic[number], found.p[number] = _signed_ranks(of_group)
    return found


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Limits:
    """Give the score interval of a share (Wilson 1927), without a continuity correction.

    It covers the true share about as often as the level says, on average over shares; :func:`exact` at least as often.

    Parameters
    ----------
    successes, trials : array_like of int, shape (n_groups,)
        Number of successes, and of independent trials.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    Limits
        Shares. NaN without trials.

    Raises
    ------
    ValueError
        If there are more successes than trials, or fewer than none, or the level is not between 0 and 1.

    Examples
    --------
    >>> low, high = wilson([9], [10])
    >>> round(low.item(), 3), round(high.item(), 3)
    (0.596, 0.982)
    """
    k, n = _trials(successes, trials, level)
    z = ndtri((1 + level) / 2)
    middle = (k + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
    # At the ends the formula gives 0 and 1 but for rounding.
    return Limits(np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half))


def exact(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> Limits:
    """Give the exact interval of a share (Clopper & Pearson 1934).

    Its ends are the shares under which so few successes, or so many, have the chance (1 - level) / 2. It covers the
    true share at least as often as the level says, and often more.

    Parameters
    ----------
    successes, trials, level
        As in :func:`wilson`.

    Returns
    -------
    Limits
        Shares; ``low`` is 0 without a success, and ``high`` is 1 without a failure. NaN without trials.

    Raises
    ------
    ValueError
        As in :func:`wilson`.

    Examples
    --------
    >>> low, high = exact([0], [10])
    >>> low.item(), round(high.item(), 3)
    (0.0, 0.308)
    """
    k, n = _trials(successes, trials, level)
    tail = (1 - level) / 2
    # Beta quantiles have no parameter of 0: the other branch is taken there.
    low = np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), n - k + 1, tail))
    high = np.where(k == n, 1.0, betainccinv(k + 1, np.maximum(n - k, 1), tail))
    return Limits(low, high)


def _spread(standard_error: ArrayLike, n_blocks: ArrayLike) -> tuple[Floats, Floats]:
    """Give standard errors, NaN where they say nothing, and degrees of freedom."""
    error, g = np.asarray(standard_error, dtype=np.float64), np.asarray(n_blocks, dtype=np.float64)
    return np.where((g >= 2) & (error > _ROUNDING), error, np.nan), np.maximum(g - 1, 1)


def _check_margin(margin: float) -> None:
    if not 0 < margin < np.inf:
        raise ValueError(f"A margin is a difference above 0, such as 0.005 for half a point; this is {margin}.")


def _trials(successes: ArrayLike, trials: ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Give successes and trials, both NaN where there is no trial."""
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1, such as 0.95; this is {level}.")
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if (k < 0).any() or (k > n).any():
        raise ValueError("Successes must be from 0 to the number of trials; some are not. Count both over again.")
    return np.where(n == 0, np.nan, k), np.where(n == 0, np.nan, n)


def _signed_ranks(differences: Floats) -> tuple[float, float]:
    differences = differences[np.abs(differences) > _ROUNDING]
    if not len(differences):
        return 0.0, 1.0
    order = np.argsort(np.abs(differences))
    tied = np.cumsum(np.diff(np.abs(differences[order]), prepend=0) > _ROUNDING) - 1
    sizes = np.bincount(tied)
    # Twice the mean ranks: whole numbers.
    ranks = (2 * np.cumsum(sizes) - sizes + 1)[tied]
    positive = ranks[differences[order] > 0].sum()
    least = int(min(positive, ranks.sum() - positive))
    if len(ranks) > EXACT_BLOCKS:
        return least / 2, float(2 * ndtr((least - ranks.sum() / 2) / np.sqrt((ranks**2).sum() / 4)))
    # In how many ways some of the ranks sum to 0, 1, ..., least.
    ways = np.zeros(least + 1)
    ways[0] = 1
    for rank in ranks.tolist():
        ways[rank:] += ways[:-rank]
    return least / 2, min(1.0, float(np.ldexp(ways.sum(), 1 - len(ranks))))
