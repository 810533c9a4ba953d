"""Boundaries: how sure one must be at each look, where data are looked at many times before all are there.

Who tests at 5 % at each of twenty looks finds something in a quarter of all experiments in which there is nothing. A
spending function says how much of the error may have been used up when a share of the data is in (Lan & DeMets 1983),
and the level of a look is what brings the probability of having crossed any boundary by then to just that. Looks need
not be planned: what has to be known is which were taken before.

Statistics of the looks are taken as a normal random walk: Z_k = S_k / √t_k, where S has independent increments of
variance t_k - t_(k-1). Probabilities are found by numerical integration, look by look (Armitage, McPherson & Rowe
1969), on the grid of Jennison & Turnbull (2000, chapter 19). Where looks are more alike than that, as where speakers
come back at each of them, boundaries are crossed less often than is said here (Slepian 1962).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Sixths of the points of the grid, where looks are not close together; and how many of its steps the spread of a step
#: of the walk has at least, where they are.
_FINE: Final = 24
_STEPS: Final = 4
#: Looks that are closer than this, relatively, are taken as so far apart: which is careful, as they are more alike.
_CLOSE: Final = 1 / 400
#: Levels below this are none, as is what is left of an error that is used up but for rounding.
_NONE: Final = 1e-12


def crossed(shares: Sequence[float], levels: Sequence[float]) -> Floats:
    """Give the probability of having crossed a one-sided boundary by each look, where nothing differs.

    Parameters
    ----------
    shares : sequence of float, shape (K,)
        How much of the data is in at each look, increasing, in any unit.
    levels : sequence of float, shape (K,)
        Nominal level of each look: the one-sided p that is enough there. At 0 nothing is crossed.

    Returns
    -------
    ndarray of float, shape (K,)

    Examples
    --------
    Five looks at 5 % each, two-sided, come to 14.2 % (Armitage, McPherson & Rowe 1969):

    >>> round(float(2 * crossed([1, 2, 3, 4, 5], [0.025] * 5)[-1]), 3)
    0.142
    """
    walk, found = _Walk(shares), []
    for share, level in zip(walk.shares, levels, strict=True):
        height = _height(level)
        found.append(walk.beyond(share, height))
        walk.go_on(share, height)
    return np.cumsum(found)


def next_level(shares: Sequence[float], levels: Sequence[float], total: float) -> float:
    """Give the nominal level of the newest look, at which the probability of having crossed any comes to ``total``.

    Parameters
    ----------
    shares : sequence of float, shape (K,)
        How much of the data is in at each look, the newest included, increasing, in any unit.
    levels : sequence of float, shape (K - 1,)
        Nominal levels of the looks before.
    total : float
        Probability of having crossed a boundary by the newest look, where nothing differs.

    Returns
    -------
    float
        The one-sided p that is enough at the newest look; 0 where ``total`` is used up already.

    Examples
    --------
    >>> [round(next_level([1, 2][: k + 1], [0.025] * k, 0.05), 4) for k in (0, 1)]
    [0.05, 0.0354]
    """
    walk, left = _Walk(shares), total
    for share, level in zip(walk.shares[:-1], levels, strict=True):
        height = _height(level)
        left -= walk.beyond(share, height)
        walk.go_on(share, height)
    if left <= _NONE:
        return 0.0
    # What is crossed first at this look is part of what is beyond its boundary, and no more than all of it.
    lowest, highest = ndtri(_NONE), -ndtri(_NONE)
    return float(ndtr(-brentq(lambda height: walk.beyond(walk.shares[-1], height) - left, lowest, highest, xtol=1e-10)))


def _height(level: float) -> float:
    return float(-ndtri(level)) if level > _NONE else np.inf


class _Walk:
    """A random walk that has crossed no boundary so far: where it may be, and how likely."""

    def __init__(self, shares: Sequence[float]) -> None:
        if not all(later > earlier for earlier, later in pairwise([0.0, *shares])):
            raise ValueError(f"Looks must come one after another, each with more data: {list(shares)}.")
        self.shares: list[float] = []
        for share in shares:
            self.shares.append(max(share, self.shares[-1] * (1 + _CLOSE) if self.shares else share))
        least = min((1 - earlier / later for earlier, later in pairwise(self.shares)), default=1.0)
        # Half an interval in the middle of the grid is 0.75 / fine.
        self._grid = _grid(max(_FINE, int(np.ceil(0.75 * _STEPS / np.sqrt(least)))))
        self._at, self._mass, self._share = np.zeros(1), np.ones(1), 0.0

    def beyond(self, share: float, height: float) -> float:
        """Give the probability that it is beyond a boundary at a look, for the first time."""
        z = (height * np.sqrt(share) - self._at) / np.sqrt(share - self._share)
        return float(self._mass @ ndtr(-z))

    def go_on(self, share: float, height: float) -> None:
        """Let it go on to a look, and leave out what is beyond the boundary there."""
        z, weights = _simpson(self._grid, height)
        spread = np.sqrt(share - self._share)
        at = z * np.sqrt(share)
        density = np.exp(-0.5 * ((at[:, None] - self._at) / spread) ** 2) @ self._mass / (spread * np.sqrt(2 * np.pi))
        self._at, self._mass, self._share = at, density * weights * np.sqrt(share), share


def _grid(fine: int) -> Floats:
    """Give points that are close together where a normal variable is likely to be (Jennison & Turnbull 2000, 19.2)."""
    tail = 3 + 4 * np.log(fine / np.arange(1, fine))
    return np.concatenate([-tail, np.linspace(-3, 3, 4 * fine + 1), tail[::-1]])


def _simpson(grid: Floats, height: float) -> tuple[Floats, Floats]:
    """Give the points up to a boundary, with those in the middle between them, and their weights in an integral."""
    ends = np.append(grid[grid < height], height) if np.isfinite(height) else grid
    width = np.diff(ends)
    points, weights = np.empty(2 * len(ends) - 1), np.zeros(2 * len(ends) - 1)
    points[::2], points[1::2] = ends, ends[:-1] + width / 2
    weights[:-1:2] += width / 6
    weights[2::2] += width / 6
    weights[1::2] = width * 4 / 6
    return points, weights
