"""Kernels: formulas against scipy and by hand, and the false positives they promise to keep down."""

from __future__ import annotations

import ast
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asrlab.stats import intervals
from asrlab.stats import tests as kernels
from asrlab.stats.intervals import difference_interval, ratio_interval
from asrlab.stats.tests import holm, sign_flip

BLOCKS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 50), st.integers(0, 30), st.integers(1, 50)), min_size=2, max_size=8
)


def test_equal_lengths_give_the_t_interval_of_the_rates():
    rates = np.array([0.1, 0.25, 0.05, 0.3, 0.2])
    rate, low, high, error = ratio_interval(rates * 100, [100] * 5, level=0.9)
    expected = stats.t.interval(0.9, 4, rates.mean(), stats.sem(rates))
    assert (rate, error) == pytest.approx((rates.mean(), stats.sem(rates)))
    assert (low, high) == pytest.approx(expected)


def test_unequal_lengths_by_hand():
    # R = 6/60; residuals 1-2, 5-4; SE² = 2/1 · (1 + 1) / 3600
    rate, low, high, error = ratio_interval([1, 5], [20, 40])
    assert rate == pytest.approx(0.1)
    assert error == pytest.approx(math.sqrt(4 / 3600))
    assert high == pytest.approx(0.1 + stats.t.ppf(0.975, 1) * error)
    assert low == 0


def test_standard_error_is_that_of_the_jackknife_and_bootstrap_of_many_blocks():
    rng = np.random.default_rng(1)
    lengths = rng.integers(50, 150, 200)
    errors = rng.binomial(lengths, rng.beta(2, 8, 200))
    error = ratio_interval(errors, lengths).standard_error
    left_out = (errors.sum() - errors) / (lengths.sum() - lengths)
    jackknife = math.sqrt(199 / 200 * ((left_out - left_out.mean()) ** 2).sum())
    weights = rng.multinomial(200, np.full(200, 1 / 200), 4000)
    assert error == pytest.approx(jackknife, rel=0.01)
    assert error == pytest.approx(((weights @ errors) / (weights @ lengths)).std(), rel=0.05)


def test_difference_with_equal_lengths_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 20, (2, 9))
    delta, low, high, _ = difference_interval(a, [50] * 9, b, [50] * 9)
    paired = stats.ttest_rel(a / 50, b / 50).confidence_interval(0.95)
    assert (delta, low, high) == pytest.approx(((a - b).mean() / 50, paired.low, paired.high))


def test_difference_with_unequal_lengths_follows_the_jackknife():
    rng = np.random.default_rng(3)
    n, n0 = rng.integers(50, 150, (2, 300))
    e, e0 = rng.binomial(n, 0.2), rng.binomial(n0, 0.15)
    error = difference_interval(e, n, e0, n0).standard_error
    left_out = (e.sum() - e) / (n.sum() - n) - (e0.sum() - e0) / (n0.sum() - n0)
    assert error == pytest.approx(math.sqrt(299 / 300 * ((left_out - left_out.mean()) ** 2).sum()), rel=0.01)


@given(BLOCKS)
def test_swapping_the_settings_changes_the_sign_and_nothing_else(blocks):
    e, n, e0, n0 = zip(*blocks, strict=True)
    there, back = difference_interval(e, n, e0, n0), difference_interval(e0, n0, e, n)
    assert there.estimate == pytest.approx(-back.estimate)
    assert math.isnan(there.low) == math.isnan(back.low)
    if not math.isnan(there.low):
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    forth, again = sign_flip(e, n, e0, n0), sign_flip(e0, n0, e, n)
    assert forth.statistic == pytest.approx(-again.statistic)
    assert forth.p == again.p


@pytest.mark.parametrize(
    ("interval", "known"),
    [
        (ratio_interval([], []), False),
        (ratio_interval([3, 2], [0, 0]), False),
        (ratio_interval([3], [10]), True),
        (ratio_interval([0, 0, 0], [10, 20, 30]), True),
        (ratio_interval([1, 2, 3], [10, 20, 30]), True),
        (difference_interval([], [], [], []), False),
        (difference_interval([1, 2], [10, 10], [1, 2], [0, 0]), False),
        (difference_interval([1], [10], [2], [10]), True),
        (difference_interval([1, 2], [10, 10], [1, 2], [10, 10]), True),
    ],
)
def test_no_interval_is_invented(interval, known):
    assert math.isnan(interval.estimate) != known
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert math.isnan(interval.standard_error)


def test_blocks_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="one entry a block"):
        ratio_interval([1, 2], [3])
    with pytest.raises(ValueError, match="one entry a block"):
        sign_flip([1, 2], [3, 3], [1], [3])
    with pytest.raises(ValueError, match=r"such as 0\.95; this is 95"):
        ratio_interval([1, 2], [3, 3], level=95)


def by_hand(e, n, e0, n0):
    """Enumerate the swaps with fractions of whole numbers, compared without rounding."""

    def gap(swaps):
        sides = [[0, 0], [0, 0]]
        for swap, *block in zip(swaps, e, n, e0, n0, strict=True):
            for side, (errors, length) in enumerate((block[:2], block[2:])):
                sides[side ^ swap][0] += errors
                sides[side ^ swap][1] += length
        (x, m), (y, k) = sides
        return abs(x * k - y * m), m * k

    value, scale = gap([0] * len(e))
    swapped = [gap(swaps) for swaps in product((0, 1), repeat=len(e))]
    return sum(v * scale >= value * s for v, s in swapped) / 2 ** len(e)


@given(BLOCKS)
def test_all_swaps_by_hand(blocks):
    e, n, e0, n0 = zip(*blocks, strict=True)
    found = sign_flip(e, n, e0, n0)
    assert found.exact
    assert found.p == by_hand(e, n, e0, n0)
    assert found.statistic == pytest.approx(sum(e) / sum(n) - sum(e0) / sum(n0))


@pytest.mark.parametrize("seed", range(3))
def test_equal_lengths_give_the_permutation_test_of_scipy(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 12, 10), rng.integers(0, 15, 10)
    expected = stats.permutation_test(
        (a, b),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert sign_flip(a, [40] * 10, b, [40] * 10).p == pytest.approx(expected.pvalue)


def test_random_swaps_come_near_to_all_swaps(monkeypatch):
    rng = np.random.default_rng(5)
    a, b, n = rng.integers(0, 12, 13), rng.integers(4, 16, 13), rng.integers(30, 60, 13)
    exact = sign_flip(a, n, b, n)
    monkeypatch.setattr(kernels, "EXACT_BLOCKS", 5)
    drawn = sign_flip(a, n, b, n, resamples=20_000, seed=7)
    assert not drawn.exact
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p / 20_000))
    assert drawn == sign_flip(a, n, b, n, resamples=20_000, seed=7)
    assert drawn.p != sign_flip(a, n, b, n, resamples=20_000, seed=8).p


def test_random_swaps_never_give_zero():
    e = np.zeros(40)
    assert sign_flip(e, e + 50, e + 10, e + 50, resamples=999).p == 1 / 1000


def test_equal_settings_have_p_one_and_the_least_p_is_two_of_all_swaps():
    assert sign_flip([1, 2, 3], [9] * 3, [1, 2, 3], [9] * 3).p == 1
    assert sign_flip([0] * 6, [9] * 6, [1, 2, 3, 4, 5, 6], [9] * 6).p == 2 / 2**6
    assert math.isnan(sign_flip([], [], [], []).p)
    assert math.isnan(sign_flip([1], [0], [1], [0]).p)


def test_ties_survive_rounding():
    # Differences of tenths: 0.1 + 0.2 is not 0.3, and all eight swaps of the second kind tie with what was seen.
    e, n = np.array([0.1, 0.2, 0.3]), np.ones(3)
    assert sign_flip(e, n, np.zeros(3), n).p == 2 / 8
    assert sign_flip(np.array([0.3, 0.0, 0.0]), n, np.array([0.0, 0.1, 0.2]), n).p == 1


def test_false_positives_stay_at_the_level_where_speakers_react_differently():
    # 10 speakers of 30 utterances, no effect, and a speaker x setting interaction of sd 0.15 as in real systems.
    rng = np.random.default_rng(11)
    wrong = np.zeros(3)
    for _ in range(400):
        lengths = rng.integers(10, 25, (10, 30))
        share = rng.uniform(0.05, 0.15, (10, 1))
        errors = [rng.binomial(lengths, share * np.exp(rng.normal(0, 0.15, (10, 1)))) for _ in range(2)]
        n = lengths.sum(axis=1)
        a, b = (e.sum(axis=1) for e in errors)
        interval = difference_interval(a, n, b, n)
        by_utterance = difference_interval(errors[0].ravel(), lengths.ravel(), errors[1].ravel(), lengths.ravel())
        wrong += [
            sign_flip(a, n, b, n).p <= 0.05,
            interval.low * interval.high > 0,
            by_utterance.low * by_utterance.high > 0,
        ]
    by_flip, by_interval, naive = wrong / 400
    assert 0.02 <= by_flip <= 0.08
    assert 0.02 <= by_interval <= 0.08
    assert naive > 0.10  # what blocks are for


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.9, 0.9], [0.02], []])
def test_holm_by_its_definition(p):
    found = holm(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for place, i in enumerate(order):
        steps = [min(1.0, (len(p) - k) * p[order[k]]) for k in range(place + 1)]
        assert found[i] == pytest.approx(max(steps))


def test_holm_does_not_count_what_was_not_tested():
    assert holm([0.01, math.nan, 0.04])[[0, 2]].tolist() == [0.02, 0.04]
    assert math.isnan(holm([0.01, math.nan, 0.04])[1])


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p):
    found, given_p = holm(p), np.array(p)
    assert (found >= given_p).all()
    assert (found <= np.minimum(1, len(p) * given_p)).all()
    order = np.argsort(given_p, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@pytest.mark.parametrize("module", [intervals, kernels])
def test_kernels_need_numpy_and_scipy_only(module):
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= {
        "__future__",
        "collections",
        "math",
        "numpy",
        "scipy",
        "typing",
    }
