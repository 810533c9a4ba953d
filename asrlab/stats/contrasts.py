"""Contrasts: differences of pooled rates, and of such differences, with what each block contributes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from asrlab.stats.blocks import FEWEST_BLOCKS
from asrlab.stats.corrections import adjust, corrected
from asrlab.stats.intervals import Intervals, influence, t_intervals
from asrlab.stats.sign_flips import EXACT_BLOCKS, max_t, sign_flips

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrlab.executors import Where
    from asrlab.stats.blocks import Blocks, Codes, Floats, Words


_ROUNDING: Final = 1e-14
_DRAWN: Final = "Monte Carlo"


class Contrasts(NamedTuple):
    """Contrasts of the cells of several groups: a row for each group and contrast, the contrasts of a group together.

    Parameters
    ----------
    rates : ndarray of float, shape (cells, groups)
        Pooled rate of each cell.
    interval : Intervals
        Of each row.
    units : ndarray of float, shape (rows,)
        Reference units on the positive side of each contrast: 1 / Σ k_c² / N_c, of two cells those of the first.
    row, block : ndarray of int64, shape (n,)
        What the parts below are of, in the order of the rows; a block has the same number in all rows.
    contributions : ndarray of float, shape (n,)
        What the block adds to the contrast: Σ_c k_c (E_cg - R_c N_cg) / N_c, and its share of the contrast itself. They
        sum to the contrast, and are as likely to have either sign where that is 0. With equal lengths and two cells
        this is (E_g - E'_g) / N.
    shares : ndarray of float, shape (n,)
        Share of the block in the reference units, the mean of those of the cells.
    """

    rates: Floats
    interval: Intervals
    units: Floats
    row: Codes
    block: Codes
    contributions: Floats
    shares: Floats


class Tested(NamedTuple):
    """What a test found: one entry a row, NaN and ``<NA>`` where there was none."""

    names: Words
    statistic: Floats
    p: Floats
    smallest: Floats  #: least p that so many blocks can give
    tried: NDArray[np.bool]

    @classmethod
    def where(cls, tried: NDArray[np.bool], names: Words, statistic: Floats, p: Floats, smallest: Floats) -> Tested:
        """Leave out what may not be said, or is not known."""
        tried = tried & ~np.isnan(p)
        statistic, p, smallest = (np.where(tried, values, np.nan) for values in (statistic, p, smallest))
        names = names.copy()
        names[~tried] = pd.NA
        return cls(names, statistic, p, smallest, tried)

    def columns(self) -> dict[str, Any]:
        """Give the columns of a table; :func:`with_correction` fills in those that hang on all rows."""
        later = dict.fromkeys(("p_adjusted", "correction", "n_comparisons", "resamples", "seed", "detectable"), pd.NA)
        return {"test": self.names, "statistic": self.statistic, "p": self.p, "smallest_p": self.smallest, **later}


def contrasts(coefficients: Floats, errors: Floats, lengths: Floats, parts: Blocks, level: float) -> Contrasts:
    """Estimate contrasts of the pooled rates of cells, with their intervals by block.

    Parameters
    ----------
    coefficients : ndarray of float, shape (contrasts, cells)
        Each contrast's weights of the cells, which sum to 0.
    errors, lengths : ndarray of float, shape (cells, B)
        Errors and reference units of each block in each cell.
    parts : Blocks
        What the B blocks are.
    level : float
        Confidence level of the intervals.
    """
    n_contrasts, n_cells = coefficients.shape
    n_groups = len(parts.kind)
    cell_group = (np.arange(n_cells)[:, None] * n_groups + parts.group).ravel()
    found = influence(errors.ravel(), lengths.ravel(), group=cell_group, n_groups=n_cells * n_groups)
    rates = found.rate.reshape(n_cells, n_groups)
    residual, without, share = (part.reshape(errors.shape) for part in (found.residual, found.without, found.share))
    estimate = coefficients @ rates
    shares = share.mean(axis=0)
    contributions = coefficients @ residual + estimate[:, parts.group] * shares
    # What is equal but for rounding adds nothing: the least real contribution is an error in a thousand million units.
    contributions[np.abs(contributions) < _ROUNDING] = 0.0
    estimate[np.abs(estimate) < _ROUNDING] = 0.0
    row = parts.group * n_contrasts + np.arange(n_contrasts)[:, None]
    order = np.argsort(row.ravel(), kind="stable")
    row = row.ravel()[order]
    moved = (coefficients @ without).ravel()[order]
    return Contrasts(
        rates,
        t_intervals(estimate.T.ravel(), moved, group=row, level=level),
        _units(coefficients, lengths, parts.group, n_groups),
        row,
        np.tile(parts.name, n_contrasts)[order],
        contributions.ravel()[order],
        np.tile(shares, n_contrasts)[order],
    )


def _units(coefficients: Floats, lengths: Floats, group: Codes, n_groups: int) -> Floats:
    of_cell = np.stack([np.bincount(group, weights=some, minlength=n_groups) for some in lengths])
    weights = np.nan_to_num(np.maximum(coefficients, 0.0)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(1 / (weights @ (1 / of_cell)), posinf=0.0).T.ravel()


def signs_flipped(found: Contrasts, kinds: Words, *, resamples: int, seed: int, executor: Where = None) -> Tested:
    """Test each row by sign-flips, unless its blocks are too few.

    Parameters
    ----------
    found : Contrasts
        What is tested.
    kinds : ndarray of str, shape (rows,)
        What the blocks of each row are.
    resamples, seed, executor
        As in :func:`asrlab.stats.sign_flips.sign_flips`.
    """
    flips = sign_flips(
        found.contributions,
        group=found.row,
        block=found.block,
        n_groups=len(kinds),
        resamples=resamples,
        seed=seed,
        executor=executor,
    )
    n_blocks = np.bincount(found.row, minlength=len(kinds))
    names = np.array(
        [
            f"sign-flip by {kind}, {'exact' if exact else _DRAWN}"
            for kind, exact in zip(kinds, flips.exact, strict=True)
        ],
        dtype=object,
    )
    smallest = np.maximum(np.exp2(1.0 - n_blocks), np.where(flips.exact, 0.0, 1 / (resamples + 1)))
    return Tested.where(n_blocks >= FEWEST_BLOCKS, names, flips.statistic, flips.p, smallest)


def with_correction(
    table: pd.DataFrame,
    correction: str,
    found: Contrasts,
    tested: Tested,
    *,
    resamples: int,
    seed: int,
    executor: Where = None,
) -> pd.DataFrame:
    """Correct the p of all rows of a table for their number, and say what was drawn at random."""
    drawn = table["test"].str.endswith(_DRAWN).fillna(False)
    if correction == "max-t":
        drawn |= len(np.unique(found.block[tested.tried[found.row]])) > EXACT_BLOCKS
    table = table.assign(resamples=table["resamples"].mask(drawn, resamples), seed=table["seed"].mask(drawn, seed))
    if correction != "max-t":
        return adjust(table, correction)
    p = max_t(
        np.where(tested.tried[found.row], found.contributions, np.nan),
        found.shares,
        group=found.row,
        block=found.block,
        n_groups=len(table),
        resamples=resamples,
        seed=seed,
        executor=executor,
    )
    # The two are drawn apart, and studentising may order rows in another way: an adjusted p is never the smaller.
    return corrected(table, np.maximum(p, tested.p), correction)
