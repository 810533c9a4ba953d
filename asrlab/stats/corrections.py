"""Corrections for making many comparisons, and what they leave to be seen."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.arguments import one_of
from asrlab.stats.sign_flips import sign_flips

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

#: By name: what adjusts p. ``max-t`` needs the blocks: :func:`asrlab.stats.sign_flips.max_t`.
CORRECTIONS: Final = ("holm", "max-t", "benjamini-hochberg", "none")
#: Power that ``detectable`` is for.
POWER: Final = 0.8
#: From so many blocks a sign-flip test has the power of the t test, to 3 points where contributions are near normal.
_AS_GOOD_AS_T: Final = 12
_SIMULATIONS: Final = 2000
#: What a difference brings with it, as measured on published transcripts (see :func:`asrlab.power`): variance of its
#: errors over their mean, and its standard deviation over speakers as a share of itself.
_OVERDISPERSION: Final = 1.9
_SPREAD: Final = 0.4
#: For levels that are equal but for rounding.
_ROUNDING: Final = 1 + 1e-9


def holm(p: ArrayLike) -> Floats:
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
    given, order = _in_order(p)
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(given.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Correct p so that of what is found, no more than the level is false on average (Benjamini & Hochberg 1995).

    For exploring: it is no protection against a single false winner.

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
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    given, order = _in_order(p)
    steps = given[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = np.full(given.shape, np.nan)
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return adjusted


def adjust(table: pd.DataFrame, correction: str = "holm") -> pd.DataFrame:
    """Correct the p of a table of differences for all its rows, anew.

    For a table that was put together from several, or of which some rows were dropped before anybody looked at them:
    what has to be corrected for is all that was looked at.

    Parameters
    ----------
    table : DataFrame
        From :func:`asrlab.compare` or :func:`asrlab.effects`, or several of them put together with ``pandas.concat``.
    correction : {"holm", "benjamini-hochberg", "none"}
        As in :func:`asrlab.compare`. ``"max-t"`` needs the answers themselves, and is chosen there.

    Returns
    -------
    DataFrame
        The same with ``p_adjusted``, ``correction``, ``n_comparisons`` and ``detectable`` made anew.

    Raises
    ------
    InvalidInput
        If there is no such correction, or the table has no such columns.

    Examples
    --------
    >>> both = pd.concat([lab.compare(scores, "context", "none"), lab.compare(scores, "itn", "off")])  # doctest: +SKIP
    >>> lab.adjust(both)  # doctest: +SKIP
    """
    check_correction(correction)
    tables.check_frame(table)
    if correction == "max-t":
        raise InvalidInput('correction="max-t" needs the answers: give it to compare() or effects(), with all in one.')
    needed = ("p", "low", "high", "confidence", "n_blocks", "n_units", "smallest_p", "test", "unit")
    if lacking := [name for name in needed if name not in table.columns]:
        raise InvalidInput(
            f"This table has no column {lacking[0]!r}: adjust() takes what compare() and effects() give, one or several"
            " of them put together with pandas.concat."
        )
    p = table["p"].to_numpy(np.float64, na_value=np.nan)
    return corrected(table, _BY_NAME[correction](p), correction)


def corrected(table: pd.DataFrame, p_adjusted: Floats, correction: str) -> pd.DataFrame:
    """Write adjusted p into a table of differences, and what can be seen with that correction.

    Parameters
    ----------
    table : DataFrame
        With the columns of a difference but for those made here.
    p_adjusted : ndarray of float, shape (len(table),)
        NaN where there is no p.
    correction : str
        One of :data:`CORRECTIONS`.
    """
    n = int((~np.isnan(p_adjusted)).sum())
    found = table.assign(p_adjusted=p_adjusted, correction=correction, n_comparisons=n)
    return found.assign(detectable=_detectable(found)).astype(
        dict.fromkeys(("p_adjusted", "detectable"), "Float64") | {"correction": "string", "n_comparisons": "Int64"}
    )


def check_correction(correction: str) -> None:
    """Refuse a correction that there is not."""
    one_of("correction", correction, CORRECTIONS)


def _detectable(table: pd.DataFrame) -> Floats:
    """Give the least true difference that would be found with 80 % power; NaN where none would, or it is not known.

    The difference δ at which δ = k · SE(δ), with k = t(1 - α/2m; G-1) + t(0.8; G-1), for m comparisons the first step
    of Holm. What is seen where nothing differs is steadier than what would be seen of a difference, which brings errors
    of its own, that come in company and to some speakers more than to others: SE(δ)² = SE² + φ δ / N + (κ δ)² / G. For
    the tests of the difference by block only: others ask something else.
    """
    low, high, confidence, smallest, p, blocks, units = (
        table[name].to_numpy(np.float64, na_value=np.nan)
        for name in ("low", "high", "confidence", "smallest_p", "p", "n_blocks", "n_units")
    )
    free = np.maximum(blocks - 1, 1)
    error = (high - low) / 2 / stdtrit(free, (1 + confidence) / 2)
    correction = table["correction"].to_numpy(object)
    alpha = (1 - confidence) / np.where(correction == "none", 1, np.maximum(table["n_comparisons"].to_numpy(int), 1))
    least = np.where(correction == "max-t", smallest * alpha / (1 - confidence), smallest)
    test = table["test"].astype("string").fillna("")
    known = test.str.match(r"(sign-flip|t) by ").to_numpy(bool) & ~np.isnan(p) & ~(least > alpha * _ROUNDING)
    times = stdtrit(free, 1 - alpha / 2) + stdtrit(free, POWER)
    swapped = (
        known & test.str.startswith("sign-flip").to_numpy(bool) & (correction != "max-t") & (blocks < _AS_GOOD_AS_T)
    )
    for k in np.flatnonzero(swapped):
        times[k] = _standard_errors(int(blocks[k]), float(alpha[k]), float(confidence[k]))
    linear = times**2 * _OVERDISPERSION / np.where(units == 0, np.nan, units)
    # Where swaps were simulated, the spread over speakers was too.
    square = 1 - np.where(swapped, 0.0, times**2 * _SPREAD**2 / np.maximum(blocks, 1))
    least_seen = (linear + np.sqrt(linear**2 + 4 * np.maximum(square, 0) * (times * error) ** 2)) / (2 * square)
    # The effect of a setting on a share goes no further than from all to nothing; an interaction is of two, or four.
    moderator = table["moderator"] if "moderator" in table else pd.Series(pd.NA, table.index)
    moderators = moderator.astype("string").str.count(" × ").add(1).fillna(0)
    furthest = np.where(table["unit"].isin(tables.SHARES), np.exp2(moderators.to_numpy(np.float64)), np.inf)
    return np.where(known & (square > 0) & (least_seen <= furthest), least_seen, np.nan)


@cache
def _standard_errors(blocks: int, alpha: float, confidence: float) -> float:
    """Find how many standard errors a sign-flip test of few blocks needs for 80 % power: its p comes in steps.

    Simulated with normal contributions, always the same ones, and a difference that is larger with some speakers than
    with others; a finding has p and interval on its side.
    """
    drawn, taste = np.random.default_rng(0).standard_normal((2, _SIMULATIONS, blocks))
    number, block = np.divmod(np.arange(drawn.size), blocks)
    low, high = 0.0, 100.0
    while high - low > 0.01:
        middle = (low + high) / 2
        seen = drawn + middle / math.sqrt(blocks) * (1 + _SPREAD * taste)
        p = sign_flips(seen.ravel(), group=number, block=block, n_groups=_SIMULATIONS).p
        t = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * math.sqrt(blocks)
        found = (p <= alpha * _ROUNDING) & (t > stdtrit(blocks - 1, (1 + confidence) / 2))
        low, high = (low, middle) if found.mean() >= POWER else (middle, high)
    return high


def _in_order(p: ArrayLike) -> tuple[Floats, NDArray[np.intp]]:
    """Give the p, and the places of those that there are, from the least to the greatest."""
    given = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(given))
    return given, tested[np.argsort(given[tested], kind="stable")]


def _none(p: Floats) -> Floats:
    return p


_BY_NAME: Final = {"holm": holm, "benjamini-hochberg": benjamini_hochberg, "none": _none}
