"""Tests of a difference by block, and the correction for making many of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

#: Up to so many blocks all swaps are gone through: 2**14 of them.
EXACT_BLOCKS: Final = 14
_CELLS: Final = 2**21
_TIE: Final = 1e-12


class SignFlip(NamedTuple):
    """Result of a sign-flip test: the difference of pooled rates, its two-sided p, and whether all swaps were tried."""

    statistic: float
    p: float
    exact: bool


def sign_flip(
    errors: ArrayLike,
    lengths: ArrayLike,
    baseline_errors: ArrayLike,
    baseline_lengths: ArrayLike,
    *,
    resamples: int = 9999,
    seed: int = 0,
) -> SignFlip:
    """Test whether two settings have the same pooled rate, by swapping them within blocks.

    If a setting makes no difference, then within a block its answers and the baseline's are exchangeable. The statistic
    is the difference of the pooled rates; p is the share of swaps in which it is at least as large, either way
    (Fisher's randomisation test; Noreen 1989).

    Parameters
    ----------
    errors, baseline_errors : array_like, shape (G,)
        Errors of each block under either setting.
    lengths, baseline_lengths : array_like, shape (G,)
        Reference units of each block.
    resamples : int
        Random swaps R where there are more than 14 blocks; p = (1 + count) / (R + 1) then (Phipson & Smyth 2010).
        With up to 14 blocks all 2^G swaps are gone through.
    seed : int
        Of the random swaps.

    Returns
    -------
    SignFlip
        NaN where either setting has no reference units. The smallest p with G blocks is 2 / 2^G.

    Examples
    --------
    >>> sign_flip([1, 2, 0, 1, 1, 2], [9] * 6, [3, 4, 2, 3, 3, 5], [9] * 6).p
    0.03125
    """
    e, n, e0, n0 = (np.asarray(a, dtype=np.float64) for a in (errors, lengths, baseline_errors, baseline_lengths))
    if not e.shape == n.shape == e0.shape == n0.shape or e.ndim != 1:
        raise ValueError("Errors and lengths of both settings must be lists of one length, one entry a block.")
    if not n.sum() or not n0.sum():
        return SignFlip(math.nan, math.nan, exact=False)
    swap = np.column_stack([e0 - e, n0 - n])
    observed = float(e.sum() / n.sum() - e0.sum() / n0.sum())
    # Rounding must not turn a swap that ties with what was seen into a smaller one.
    least = abs(observed) - _TIE * max(1.0, e.sum() / n.sum(), e0.sum() / n0.sum())
    exact = len(e) <= EXACT_BLOCKS
    as_large = total = 0
    for swapped in _all_swaps(len(e)) if exact else _random_swaps(len(e), resamples, seed):
        de, dn = (swapped @ swap).T
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = (e.sum() + de) / (n.sum() + dn) - (e0.sum() - de) / (n0.sum() - dn)
        as_large += int((~(np.abs(statistic) < least)).sum())
        total += len(statistic)
    return SignFlip(observed, as_large / total if exact else (1 + as_large) / (total + 1), exact)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Correct p for the number of tests (Holm 1979): the chance of any false finding stays below the level.

    Parameters
    ----------
    p : array_like, shape (m,)
        NaN marks what was not tested, and is not counted.

    Returns
    -------
    ndarray, shape (m,)
        Adjusted p, in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _all_swaps(blocks: int) -> Iterator[NDArray[np.float64]]:
    yield ((np.arange(2**blocks)[:, None] >> np.arange(blocks)) & 1).astype(np.float64)


def _random_swaps(blocks: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    batch = max(1, _CELLS // blocks)
    for done in range(0, resamples, batch):
        yield rng.integers(0, 2, (min(batch, resamples - done), blocks), dtype=np.int8).astype(np.float64)
