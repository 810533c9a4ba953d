"""Boundaries: published constants, the joint distribution as scipy has it, and random walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from asrlab.stats.boundaries import crossed, next_level

#: Heights of constant boundaries of K looks, two-sided 5 % (Pocock 1977; Jennison & Turnbull 2000, table 2.1).
POCOCK = {2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 6: 2.453, 7: 2.485, 8: 2.512, 9: 2.535, 10: 2.555}
#: Those of O'Brien & Fleming (1979), at the last look; the k-th is this times √(K / k) (the same, table 2.3).
OBRIEN_FLEMING = {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 6: 2.053, 7: 2.063, 8: 2.072, 9: 2.080, 10: 2.087}


def levels(shares, spent):
    """The levels of looks that spend so much by each."""
    found = []
    for k in range(len(shares)):
        found.append(next_level(shares[: k + 1], found, spent[k]))
    return found


def two_sided(height, k, shape):
    """The probability of crossing a boundary of a shape on either side, but for crossing both, which is below 1e-5."""
    looks = np.arange(1, k + 1)
    return 2 * crossed(looks, norm.sf(height * (k / looks) ** shape))[-1]


@pytest.mark.parametrize(("published", "shape"), [(POCOCK, 0.0), (OBRIEN_FLEMING, 0.5)])
def test_boundaries_of_a_shape_are_those_that_were_published(published, shape):
    found = {k: brentq(lambda height, k=k: two_sided(height, k, shape) - 0.05, 1.9, 3.0, xtol=1e-6) for k in published}
    assert found == pytest.approx(published, abs=0.00051)


def test_spending_as_lan_and_demets_gives_their_boundary():
    """Of the O'Brien-Fleming type at five looks, one-sided 2.5 %: 4.8769, 3.3569, 2.6803, 2.2898, 2.0310."""
    shares = np.arange(1, 6) / 5
    spent = 2 * norm.sf(norm.isf(0.0125) / np.sqrt(shares))
    heights = norm.isf(levels(shares, spent))
    # The second is 3.35701: their grid was coarser, and adaptive integration of the first two looks says so too.
    assert heights == pytest.approx([4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=0.00012)

    def first_at_the_second(height):
        return quad(lambda x: norm.pdf(x) * norm.sf(height * 2**0.5 - x), -9, heights[0], epsabs=1e-13)[0]

    assert first_at_the_second(heights[1]) == pytest.approx(spent[1] - spent[0], rel=1e-5)


def test_one_look_is_an_ordinary_test_and_a_first_crossing_is_no_second_one():
    assert next_level([3.0], [], 0.01) == pytest.approx(0.01)
    assert crossed([1, 4], [0.02, 0.0]).tolist() == pytest.approx([0.02, 0.02])
    assert crossed([1, 4], [0.0, 0.02]).tolist() == pytest.approx([0.0, 0.02])
    assert next_level([1, 4], [0.02], 0.02) == next_level([1, 4], [0.02], 0.01) == 0.0
    # Looks of which the second has nearly all data that there will be are nearly independent of the first.
    assert crossed([1e-6, 1], [0.02, 0.03])[-1] == pytest.approx(0.02 + 0.98 * 0.03, rel=1e-4)


@pytest.mark.parametrize("shares", [[0.1, 0.4, 0.5, 1.0], [1, 2, 3, 3.1], [5, 50, 51, 52]])
def test_the_probability_is_that_of_the_joint_distribution(shares):
    given_levels = [0.004, 0.001, 0.01, 0.02]
    t = np.array(shares, dtype=float)
    alike = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    found = crossed(shares, given_levels)
    options = {"maxpts": 200_000, "abseps": 1e-7, "releps": 1e-7, "rng": np.random.default_rng(1)}
    for k in (2, 3, 4):
        below = multivariate_normal.cdf(norm.isf(given_levels[:k]), cov=alike[:k, :k], **options)
        assert found[k - 1] == pytest.approx(1 - below, abs=2e-5)  # of scipy, which draws


def test_random_walks_cross_as_often_as_is_said():
    shares = np.array([0.05, 0.1, 0.15, 0.3, 0.32, 0.6, 1.0])
    found = levels(shares, 0.05 * np.cbrt(shares))
    steps = np.sqrt(np.diff(shares, prepend=0.0))
    walks = np.cumsum(np.random.default_rng(3).standard_normal((400_000, len(shares))) * steps, axis=1)
    seen = np.maximum.accumulate(walks > norm.isf(found) * np.sqrt(shares), axis=1).mean(axis=0)
    # Standard error of the last: 0.00034.
    assert seen == pytest.approx(0.05 * np.cbrt(shares), abs=0.0012)


@given(
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6, unique=True).map(sorted),
    st.sampled_from([0.05, 0.05 / 11, 1e-5]),
    st.sampled_from([0.25, 1.0, 3.0]),
)
def test_what_is_spent_is_what_was_to_be_spent_and_the_unit_of_the_data_does_not_matter(shares, error, power):
    spent = error * np.array(shares) ** power
    found = levels(shares, spent)
    assert crossed(shares, found) == pytest.approx(spent, rel=1e-4, abs=1e-10)
    assert levels([1000 * share for share in shares], spent) == pytest.approx(found, rel=1e-4, abs=1e-10)
    assert all(0 <= level <= total * 1.0001 for level, total in zip(found, spent, strict=True))


def test_looks_that_are_closer_than_can_be_told_are_taken_as_further_apart():
    apart = next_level([1, 1.0025], [0.001], 0.002)
    close = next_level([1, 1 + 1e-9], [0.001], 0.002)
    assert close == pytest.approx(apart)
    # Whoever is beyond the second of two that are as good as one was beyond the first, if that was the nearer.
    assert close == pytest.approx(0.002, rel=1e-4)
    assert crossed([1, 1 + 1e-9], [0.001, close])[-1] == pytest.approx(0.002)


@pytest.mark.parametrize("shares", [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [-1.0], [float("nan")]])
def test_looks_come_one_after_another(shares):
    with pytest.raises(ValueError, match="one after another, each with more data"):
        crossed(shares, [0.01] * len(shares))
