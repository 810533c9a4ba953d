"""Tests of differences by block: swapping settings within blocks.

If a setting makes no difference, then within a block its answers and the baseline's are exchangeable, and what the
block contributes to the difference might as well have the other sign (Fisher's randomisation test; Noreen 1989). All
signs are gone through where blocks are few, else random ones, the same for all rows.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from asrlab.errors import InvalidInput
from asrlab.stats.random_streams import generator_after, stretched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from asrlab.executors import Where

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

#: Up to so many blocks all swaps are gone through: 2**14 of them.
EXACT_BLOCKS: Final = 14
#: Numbers held at a time.
_CELLS: Final = 2**21
_TIE: Final = 1e-12


class SignFlip(NamedTuple):
    """Result of a sign-flip test: the statistic, its two-sided p, and whether all swaps were tried."""

    statistic: float
    p: float
    exact: bool


class SignFlips(NamedTuple):
    """The same of several groups, each with its own blocks: one entry a group."""

    statistic: Floats
    p: Floats
    exact: NDArray[np.bool]


def sign_flip(contributions: ArrayLike, *, resamples: int = 9999, seed: int = 0, executor: Where = None) -> SignFlip:
    """Test whether a difference is 0, by changing the sign of what blocks contribute to it.

    T = Σ d_g; p is the share of sign changes, T* = Σ ±d_g, for which ``|T*| >= |T|``.

    Parameters
    ----------
    contributions : array_like, shape (G,)
        What each block contributes, such as its errors under a setting minus those under the baseline.
    resamples : int
        Random sign changes R where there are more than 14 blocks; p = (1 + count) / (R + 1) then (Phipson & Smyth
        2010). With up to 14 blocks all 2^G are gone through.
    seed : int
        Of the random sign changes.
    executor : Executor, distributed.Client or None
        Where random sign changes are made, if they are many.

    Returns
    -------
    SignFlip
        NaN without blocks, or where a contribution is NaN. The smallest p with G blocks is 2 / 2^G.

    Examples
    --------
    >>> sign_flip([-2, -2, -2, -2, -2, -3]).p
    0.03125
    """
    d = np.asarray(contributions, dtype=np.float64)
    if d.ndim != 1:
        raise ValueError(f"Contributions must be a list, one entry a block: {d.shape}.")
    number = np.arange(len(d))
    one = np.zeros_like(number)
    found = sign_flips(d, group=one, block=number, n_groups=1, resamples=resamples, seed=seed, executor=executor)
    return SignFlip(float(found.statistic[0]), float(found.p[0]), bool(found.exact[0]))


def sign_flips(
    contributions: Floats,
    *,
    group: Codes,
    block: Codes,
    n_groups: int,
    resamples: int = 9999,
    seed: int = 0,
    executor: Where = None,
) -> SignFlips:
    """Test many groups at once, each as in :func:`sign_flip`.

    Parameters
    ----------
    contributions : ndarray of float, shape (B,)
        Of the blocks of all groups.
    group : ndarray of int, shape (B,)
        Which group each is of, from 0; in order.
    block : ndarray of int, shape (B,)
        Which block it is, from 0: a block that is in several groups has the same random signs in all.
    n_groups : int
        Number of groups; some may have no block.
    resamples, seed, executor
        As in :func:`sign_flip`.

    Returns
    -------
    SignFlips
        Arrays of shape (n_groups,).
    """
    _check(resamples)
    size = np.bincount(group, minlength=n_groups)
    statistic = np.bincount(group, weights=contributions, minlength=n_groups).astype(np.float64)
    # Rounding must not turn a swap that ties with what was seen into a smaller one.
    scale = np.bincount(group, weights=np.abs(contributions), minlength=n_groups)
    least = np.abs(statistic) - _TIE * scale
    p = np.full(n_groups, np.nan)
    exact = (size > 0) & (size <= EXACT_BLOCKS)
    first = np.cumsum(size) - size
    for g in np.unique(size[exact]).tolist():
        these = np.flatnonzero(size == g)
        signs = _all_signs(g)
        for part in np.array_split(these, -(-len(these) * signs.shape[1] // _CELLS)):
            swapped = contributions[first[part][:, None] + np.arange(g)] @ signs
            p[part] = (np.abs(swapped) >= least[part][:, None]).mean(axis=1)
    random = np.flatnonzero(size > EXACT_BLOCKS)
    if len(random):
        # Only blocks that are drawn for, so that signs do not hang on which other groups are there.
        drawn = size[group] > EXACT_BLOCKS
        column = np.unique(block[drawn], return_inverse=True)[1]
        matrix = _matrix(contributions[drawn], group[drawn], column, n_groups)[random]
        count = partial(_count_as_large, matrix=matrix, least=least[random], seed=seed)
        batch = _batch(max(matrix.shape))
        as_large = sum(stretched(count, resamples, batch=batch, each=matrix.nnz + len(column), executor=executor))
        p[random] = (1 + as_large) / (resamples + 1)
    statistic[size == 0] = np.nan
    p[np.isnan(statistic)] = np.nan
    return SignFlips(statistic, p, exact)


def max_t(
    contributions: Floats,
    shares: Floats,
    *,
    group: Codes,
    block: Codes,
    n_groups: int,
    resamples: int = 9999,
    seed: int = 0,
    executor: Where = None,
) -> Floats:
    """Correct for the number of tests by the distribution of the greatest ``|t|`` of all groups.

    Signs are changed for all groups together, block by block, so that the correction knows how alike the groups are:
    settings that err on the same utterances cost less than settings that have nothing to do with each other. Step-down
    (Westfall & Young 1993, algorithm 4.1): the family-wise error stays below the level, and less power is lost than
    with Holm.

    Parameters
    ----------
    contributions, group, block, n_groups, resamples, seed, executor
        As in :func:`sign_flips`.
    shares : ndarray of float, shape (B,)
        Share of the block in the reference units of its group: t = T / SE with SE² = G/(G-1) · Σ(d_g - T w_g)².

    Returns
    -------
    ndarray of float, shape (n_groups,)
        Adjusted p; NaN for groups without blocks or with NaN among their contributions, which do not count as tests.
    """
    _check(resamples)
    known = np.bincount(group, minlength=n_groups) > 1
    known[group[np.isnan(contributions) | np.isnan(shares)]] = False
    rows = np.flatnonzero(known)
    adjusted = np.full(n_groups, np.nan)
    if not len(rows):
        return adjusted
    of_rows = known[group]
    kept, block = np.unique(block[of_rows], return_inverse=True)
    group = (np.cumsum(known) - 1)[group[of_rows]]
    family = _Family.of(contributions[of_rows], shares[of_rows], group, block, len(rows))
    seen = np.abs(family.studentised(np.ones((len(kept), 1)))[:, 0])
    order = np.argsort(seen, kind="stable")  # from the least to the greatest, each against the greatest of those before
    least = seen[order][:, None] * (1 - _TIE)
    if len(kept) <= EXACT_BLOCKS:
        all_signs = _in_parts(_all_signs(len(kept)), max(family.flipped.shape))
        p = sum(family.count_as_large(signs, order, least) for signs in all_signs) / sum(s.shape[1] for s in all_signs)
    else:
        count = partial(_count_greatest_as_large, family=family, order=order, least=least, seed=seed)
        batch, each = _batch(max(family.flipped.shape)), 2 * family.flipped.nnz + len(kept)
        p = (1 + sum(stretched(count, resamples, batch=batch, each=each, executor=executor))) / (resamples + 1)
    adjusted[rows[order]] = np.maximum.accumulate(p[::-1])[::-1]
    return adjusted


class Worst(NamedTuple):
    """Of each setting, the rival that there is most evidence for: one entry a setting."""

    statistic: Floats  #: greatest t of the setting less a rival; positive is worse
    rival: Codes
    p: Floats  #: one-sided, for being no worse than any


def worst(
    contributions: Floats,
    shares: Floats,
    *,
    pairs: Codes,
    n_settings: int,
    resamples: int = 9999,
    seed: int = 0,
    executor: Where = None,
) -> Worst:
    """Test of each setting whether it is as good as the best (multiple comparisons with the best: Hsu 1984).

    A setting that is the best is no worse than any other. Against that speaks the greatest t of its differences from
    all others, which is held against what it is when signs are changed, block by block and for all settings alike: so
    the test knows how alike the rivals are.

    Parameters
    ----------
    contributions : ndarray of float, shape (P, G)
        What each of G blocks contributes to the difference of each pair of settings.
    shares : ndarray of float, shape (P, G)
        Share of the block in the reference units: see :func:`max_t`.
    pairs : ndarray of int, shape (P, 2)
        Number of the setting, and of that which it is compared with. Each two settings are there once.
    n_settings : int
        Number of settings, at least two.
    resamples, seed, executor
        As in :func:`sign_flip`.

    Returns
    -------
    Worst
        Arrays of shape (n_settings,).
    """
    _check(resamples)
    rows, blocks = contributions.shape
    group, block = np.repeat(np.arange(rows), blocks), np.tile(np.arange(blocks), rows)
    family = _Family.of(contributions.ravel(), shares.ravel(), group, block, rows)
    t = family.studentised(np.ones((blocks, 1)))
    seen = np.full((n_settings, n_settings), -np.inf)
    seen[pairs[:, 0], pairs[:, 1]], seen[pairs[:, 1], pairs[:, 0]] = t[:, 0], -t[:, 0]
    greatest = seen.max(axis=1)
    least = (greatest - _TIE * np.abs(greatest))[:, None]
    sides = [[np.flatnonzero(pairs[:, side] == k) for side in (0, 1)] for k in range(n_settings)]
    if blocks <= EXACT_BLOCKS:
        half = _in_parts(_all_signs(blocks), max(family.flipped.shape))
        count = [_greatest(family.studentised(way * signs), sides) >= least for signs in half for way in (1, -1)]
        p = np.concatenate(count, axis=1).mean(axis=1)
    else:
        work = partial(_count_worst, family=family, sides=sides, least=least, seed=seed)
        batch, each = _batch(max(family.flipped.shape)), 2 * family.flipped.nnz + blocks
        p = (1 + sum(stretched(work, resamples, batch=batch, each=each, executor=executor))) / (resamples + 1)
    return Worst(greatest, seen.argmax(axis=1), p)


def _greatest(t: Floats, sides: Sequence[Sequence[NDArray[np.intp]]]) -> Floats:
    """Give the greatest t of each setting, of those of all pairs."""
    return np.stack(
        [
            np.maximum(t[ahead].max(axis=0, initial=-np.inf), (-t[behind]).max(axis=0, initial=-np.inf))
            for ahead, behind in sides
        ]
    )


def _count_worst(
    which: range, *, family: _Family, sides: Sequence[Sequence[NDArray[np.intp]]], least: Floats, seed: int
) -> Codes:
    found = np.zeros(len(sides), dtype=np.int64)
    for signs in _random_signs(family.flipped.shape[1], which, seed, at_once=max(family.flipped.shape)):
        found += (_greatest(family.studentised(signs), sides) >= least).sum(axis=1)
    return found


class _Family(NamedTuple):
    """Tests that are corrected together: a row a test, a column a block."""

    flipped: csr_array
    centre: csr_array
    squares: Floats
    spread: Floats
    size: Codes

    @classmethod
    def of(cls, contributions: Floats, shares: Floats, group: Codes, block: Codes, n_groups: int) -> _Family:
        """Put tests together of which all blocks are known."""
        flipped, centre = (
            _matrix(values, group, block, n_groups) for values in (contributions, contributions * shares)
        )
        squares, spread = (np.bincount(group, some**2, n_groups).astype(np.float64) for some in (contributions, shares))
        return cls(flipped, centre, squares[:, None], spread[:, None], np.bincount(group, minlength=n_groups)[:, None])

    def studentised(self, signs: Floats) -> Floats:
        """Give t of each test where blocks have these signs."""
        total = self.flipped @ signs
        rest = self.squares - 2 * total * (self.centre @ signs) + total**2 * self.spread
        error = np.sqrt(np.maximum(self.size / (self.size - 1) * rest, 0.0))
        # No spread left about a total that is there: nothing could be more extreme.
        certain: Floats = np.where(np.abs(total) > _TIE * np.sqrt(self.squares), np.copysign(np.inf, total), 0.0)
        np.divide(total, error, out=certain, where=error > _TIE * np.sqrt(self.squares))
        return certain

    def count_as_large(self, signs: Floats, order: NDArray[np.intp], least: Floats) -> Codes:
        greatest = np.maximum.accumulate(np.abs(self.studentised(signs))[order], axis=0)
        return np.asarray((greatest >= least).sum(axis=1), dtype=np.int64)


def _count_as_large(which: range, *, matrix: csr_array, least: Floats, seed: int) -> Codes:
    """Count the sign changes, of those with these numbers, that make each row as large as what was seen."""
    found = np.zeros(len(least), dtype=np.int64)
    for signs in _random_signs(matrix.shape[1], which, seed, at_once=max(matrix.shape)):
        found += (np.abs(matrix @ signs) >= least[:, None]).sum(axis=1)
    return found


def _count_greatest_as_large(
    which: range, *, family: _Family, order: NDArray[np.intp], least: Floats, seed: int
) -> Codes:
    found = np.zeros(len(least), dtype=np.int64)
    for signs in _random_signs(family.flipped.shape[1], which, seed, at_once=max(family.flipped.shape)):
        found += family.count_as_large(signs, order, least)
    return found


def _check(resamples: int) -> None:
    if resamples < 1:
        raise InvalidInput(f"resamples must be at least 1, better 9999; this is {resamples}.")


def _matrix(values: Floats, group: Codes, block: Codes, n_groups: int) -> csr_array:
    return csr_array((values, (group, block)), shape=(n_groups, int(block.max(initial=-1)) + 1))


def _all_signs(blocks: int) -> Floats:
    """Give all sign changes of so many blocks, a column each; all the other way round is the same, and left out."""
    bits = (np.arange(2 ** (blocks - 1)) >> np.arange(blocks)[:, None]) & 1
    return (1 - 2 * bits).astype(np.float64)


def _in_parts(signs: Floats, at_once: int) -> list[Floats]:
    return np.array_split(signs, -(-signs.shape[1] * at_once // _CELLS), axis=1)


def _batch(at_once: int) -> int:
    # The generator cuts words of 32 bits into four: of fours, batches of any size draw the same.
    return max(4, _CELLS // max(at_once, 1) // 4 * 4)


def _random_signs(blocks: int, which: range, seed: int, *, at_once: int) -> Iterator[Floats]:
    """Give the random sign changes with these numbers, a column each; the first number is a multiple of four."""
    rng, batch = generator_after(seed, which.start * blocks // 4), _batch(at_once)
    for done in range(which.start, which.stop, batch):
        bits = rng.integers(0, 2, (min(batch, which.stop - done), blocks), dtype=np.int8)
        yield np.ascontiguousarray(1.0 - 2.0 * bits.T)
