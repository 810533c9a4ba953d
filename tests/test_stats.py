"""Kernels: formulas against scipy, statsmodels and by brute force, and the false positives they keep down."""

from __future__ import annotations

import ast
import math
import warnings
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import difference_interval, difference_intervals, left_out, on_logits, step_down
from scipy import stats

from asrlab.stats import intervals, random_streams
from asrlab.stats import sign_flips as kernels
from asrlab.stats.intervals import (
    bootstrap_intervals,
    ratio_interval,
    ratio_intervals,
)
from asrlab.stats.sign_flips import max_t, sign_flip, sign_flips

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.api import WLS

BLOCKS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 50), st.integers(0, 30), st.integers(1, 50)), min_size=2, max_size=8
)


# --- intervals


def test_equal_lengths_give_the_t_interval_of_the_rates_on_the_log_scale():
    rates = np.array([0.1, 0.25, 0.05, 0.3, 0.2])
    rate, low, high, error = ratio_interval(rates * 100, [100] * 5, level=0.9)
    assert (rate, error) == pytest.approx((rates.mean(), stats.sem(rates)))
    expected = np.exp(stats.t.interval(0.9, 4, math.log(rates.mean()), stats.sem(rates) / rates.mean()))
    assert (low, high) == pytest.approx(tuple(expected))


def test_unequal_lengths_by_hand():
    # R = 6/60; without the first block 5/40, without the second 1/20; SE² = 1/2 · 2 · 0.0375²
    rate, low, high, error = ratio_interval([1, 5], [20, 40])
    assert (rate, error) == pytest.approx((0.1, 0.0375))
    factor = math.exp(stats.t.ppf(0.975, 1) * 0.375)
    assert (low, high) == pytest.approx((0.1 / factor, 0.1 * factor))


def test_equal_lengths_give_the_t_interval_of_a_share_on_the_logit_scale():
    shares = np.array([0.9, 0.75, 0.95, 0.7, 0.8])
    share, low, high, error = ratio_interval(shares * 20, [20] * 5, level=0.9, share=True)
    assert (share, error) == pytest.approx((shares.mean(), stats.sem(shares)))
    odds = share / (1 - share)
    # The slope of the logit at p is 1 / (p (1 - p)).
    ends = np.exp(stats.t.interval(0.9, 4, math.log(odds), error / (share * (1 - share))))
    assert (low, high) == pytest.approx(tuple(ends / (1 + ends)))


@given(
    blocks=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(any), min_size=2, max_size=9),
    level=st.sampled_from([0.5, 0.95]),
)
def test_the_interval_of_a_share_is_that_of_its_opposite_turned_round(blocks, level):
    """Right or wrong: which of the two is counted changes nothing, and no end goes beyond 0 or 1."""
    wrong, right = np.array(blocks).T
    of_wrong, of_right = (ratio_interval(some, wrong + right, level, share=True) for some in (wrong, right))
    turned = (1 - of_right.estimate, 1 - of_right.high, 1 - of_right.low, of_right.standard_error)
    assert of_wrong == pytest.approx(turned, nan_ok=True)
    assert of_wrong.standard_error == pytest.approx(
        ratio_interval(wrong, wrong + right, level).standard_error, nan_ok=True
    )
    if not math.isnan(of_wrong.low):
        assert 0 < of_wrong.low < of_wrong.estimate < of_wrong.high < 1
        assert of_wrong[1:3] == pytest.approx(on_logits(wrong, wrong + right, level))


def test_shares_and_rates_beside_each_other_have_each_their_own_scale():
    e, n = np.array([1.0, 4, 2, 1, 4, 2, 1, 4, 2]), np.array([5.0, 6, 8] * 3)
    shares = np.array([True, False, True])
    found = ratio_intervals(e, n, group=np.repeat([0, 1, 2], 3), n_groups=3, shares=shares)
    for k, share in enumerate(shares):
        expected = ratio_interval([1, 4, 2], [5, 6, 8], share=bool(share))
        assert [values[k] for values in found] == pytest.approx(list(expected))
    assert found.high[0] < 1 < found.high[1]


def test_standard_error_is_that_of_the_jackknife_and_bootstrap_of_many_blocks():
    rng = np.random.default_rng(1)
    lengths = rng.integers(50, 150, 200)
    errors = rng.binomial(lengths, rng.beta(2, 8, 200))
    error = ratio_interval(errors, lengths).standard_error
    without = (errors.sum() - errors) / (lengths.sum() - lengths)
    weights = rng.multinomial(200, np.full(200, 1 / 200), 4000)
    assert error == pytest.approx(math.sqrt(199 / 200 * ((without - without.mean()) ** 2).sum()), rel=1e-9)
    assert error == pytest.approx(((weights @ errors) / (weights @ lengths)).std(), rel=0.05)


def test_difference_with_equal_lengths_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 20, (2, 9))
    delta, low, high, _ = difference_interval(a, [50] * 9, b, [50] * 9)
    paired = stats.ttest_rel(a / 50, b / 50).confidence_interval(0.95)
    assert (delta, low, high) == pytest.approx(((a - b).mean() / 50, paired.low, paired.high))


def test_difference_with_unequal_lengths_is_the_jackknife():
    rng = np.random.default_rng(3)
    n, n0 = rng.integers(5, 150, (2, 12))
    e, e0 = rng.binomial(n, 0.2), rng.binomial(n0, 0.15)
    delta, error = left_out((e, n), (e0, n0))
    half = stats.t.ppf(0.995, 11) * error
    found = difference_interval(e, n, e0, n0, level=0.99)
    assert found == pytest.approx((delta, delta - half, delta + half, error))


@pytest.mark.parametrize("seed", range(3))
def test_blocks_of_equal_size_give_cluster_robust_least_squares(seed):
    """Utterances of different lengths in blocks of the same: weighted least squares of their rates, by cluster."""
    rng = np.random.default_rng(seed)
    parts = np.array([rng.permutation([4, 7, 9, 20]) for _ in range(7)])
    block = np.repeat(np.arange(7), 4)
    arm, base = rng.binomial(parts, rng.uniform(0.1, 0.3, (2, 7, 1)))
    n = parts.ravel().astype(float)
    options = {"cov_type": "cluster", "use_t": True}

    one = WLS(arm.ravel() / n, np.ones((28, 1)), weights=n).fit(cov_kwds={"groups": block}, **options)
    sums = [counts.sum(axis=1) for counts in (arm, base, parts)]
    found = ratio_interval(sums[0], sums[2])
    assert (found.estimate, found.standard_error) == pytest.approx((one.params[0], one.bse[0]))

    design = np.column_stack([np.ones(56), np.repeat([1.0, 0.0], 28)])
    rates, weights = np.concatenate([arm.ravel() / n, base.ravel() / n]), np.concatenate([n, n])
    # Without their small-sample factor, which counts utterances too: G / (G - 1) instead.
    kinds = {"groups": np.concatenate([block, block]), "use_correction": False}
    two = WLS(rates, design, weights=weights).fit(cov_kwds=kinds, **options)
    found = difference_interval(sums[0], sums[2], sums[1], sums[2])
    error = two.bse[1] * math.sqrt(7 / 6)
    half = stats.t.ppf(0.975, 6) * error
    delta = two.params[1]
    assert found == pytest.approx((delta, delta - half, delta + half, error))


COUNT = st.integers(0, 12)
GROUPS = st.lists(st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), max_size=5), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(blocks_of=GROUPS, level=st.sampled_from([0.5, 0.95]), rng=st.randoms(use_true_random=False))
def test_intervals_of_many_groups_are_those_of_each_alone_and_of_leaving_out_blocks(blocks_of, level, rng):
    flat = [(k, *block) for k, blocks in enumerate(blocks_of) for block in blocks]
    rng.shuffle(flat)
    group = np.array([block[0] for block in flat], dtype=np.int64)
    e, n, e0, n0 = np.array([block[1:] for block in flat], dtype=float).reshape(-1, 4).T
    options = {"group": group, "n_groups": len(blocks_of), "level": level}
    ratios = ratio_intervals(e, n, **options)
    differences = difference_intervals(e, n, e0, n0, **options)
    for k in range(len(blocks_of)):
        a, b, a0, b0 = (values[group == k] for values in (e, n, e0, n0))
        one, other = ratio_interval(a, b, level), difference_interval(a, b, a0, b0, level)
        np.testing.assert_array_equal([values[k] for values in ratios], one)
        np.testing.assert_array_equal([values[k] for values in differences], other)
        for found, sides in ((one, [(a, b)]), (other, [(a, b), (a0, b0)])):
            if not all(lengths.sum() for _, lengths in sides):
                assert np.isnan(found).all()
                continue
            rates = [math.fsum(some) / math.fsum(lengths) for some, lengths in sides]
            assert found.estimate == pytest.approx(rates[0] - sum(rates[1:]), abs=1e-15)
            # A block with all the units cannot be left out.
            error = 0.0
            if len(a) > 1 and all((lengths < lengths.sum()).all() for _, lengths in sides):
                error = left_out(*sides)[1]
            if error < 1e-12:
                assert np.isnan(found[1:]).all()
                continue
            assert found.standard_error == pytest.approx(error, rel=1e-9)
            half = stats.t.ppf((1 + level) / 2, len(a) - 1) * error
            if len(sides) == 2:
                assert found[1:3] == pytest.approx((found.estimate - half, found.estimate + half), rel=1e-9, abs=1e-12)
            else:
                factor = math.exp(half / rates[0]) if half / rates[0] <= 5 else math.nan
                assert found[1:3] == pytest.approx((rates[0] / factor, rates[0] * factor), rel=1e-9, nan_ok=True)


@given(BLOCKS)
def test_swapping_the_settings_changes_the_sign_and_nothing_else(blocks):
    e, n, e0, n0 = zip(*blocks, strict=True)
    there, back = difference_interval(e, n, e0, n0), difference_interval(e0, n0, e, n)
    assert there.estimate == pytest.approx(-back.estimate)
    assert math.isnan(there.low) == math.isnan(back.low)
    if not math.isnan(there.low):
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    difference = np.subtract(e, e0)
    forth, again = sign_flip(difference), sign_flip(-difference)
    assert forth.statistic == -again.statistic
    assert forth.p == again.p


@given(BLOCKS, st.integers(2, 9), st.integers(2, 9))
def test_rates_scale_with_errors_and_against_lengths(blocks, more, longer):
    e, n, e0, n0 = np.array(blocks, dtype=float).T
    one, other = ratio_interval(e, n), ratio_interval(more * e, longer * n)
    assert np.array(other) == pytest.approx(np.array(one) * more / longer, nan_ok=True)
    one, other = difference_interval(e, n, e0, n0), difference_interval(more * e, longer * n, more * e0, longer * n0)
    assert np.array(other) == pytest.approx(np.array(one) * more / longer, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize(
    ("interval", "known"),
    [
        (ratio_interval([], []), False),
        (ratio_interval([3, 2], [0, 0]), False),
        (ratio_interval([3], [10]), True),
        (ratio_interval([3, 1], [10, 0]), True),
        (ratio_interval([0, 0, 0], [10, 20, 30]), True),
        (ratio_interval([1, 2, 3], [10, 20, 30]), True),
        (difference_interval([], [], [], []), False),
        (difference_interval([1, 2], [10, 10], [1, 2], [0, 0]), False),
        (difference_interval([1], [10], [2], [10]), True),
        (difference_interval([1, 2], [10, 10], [1, 2], [10, 10]), True),
        (difference_interval([3, 4, 5], [10, 10, 10], [1, 2, 3], [10, 10, 10]), True),
        (difference_interval([3, 1], [10, 5], [2, 1], [10, 0]), True),
    ],
)
def test_no_interval_is_invented(interval, known):
    assert math.isnan(interval.estimate) != known
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert math.isnan(interval.standard_error)


def test_two_blocks_of_very_different_size_bound_nothing():
    found = ratio_interval([5, 0], [1, 2000])
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.standard_error > 0
    known = ratio_interval([5, 4], [100, 120])
    assert known.low < 9 / 220 < known.high


def test_blocks_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="one entry a block"):
        ratio_interval([1, 2], [3])
    with pytest.raises(ValueError, match="one entry a block"):
        sign_flip([[1, 2]])
    with pytest.raises(ValueError, match=r"such as 0\.95; this is 95"):
        ratio_interval([1, 2], [3, 3], level=95)
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        sign_flip([1, 2], resamples=0)
    one = {"group": np.zeros(2, np.int64), "n_groups": 1, "resamples": 0}
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        bootstrap_intervals(np.ones(2), np.ones(2), **one)
    with pytest.raises(ValueError, match="resamples must be at least 1"):
        max_t(np.ones(2), np.ones(2), block=np.arange(2), **one)


def resampled(errors, lengths, level, resamples, seed):
    """Draw blocks one after another, in plain loops."""
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(resamples):
        times = rng.multinomial(len(errors), [1 / len(errors)] * len(errors)).tolist()
        drawn = [g for g, often in enumerate(times) for _ in range(often)]
        rates.append(sum(errors[g] for g in drawn) / sum(lengths[g] for g in drawn))
    return np.percentile(rates, [50 * (1 - level), 50 * (1 + level)])


def many_groups(rng, sizes):
    group = np.repeat(np.arange(len(sizes)), sizes)
    lengths = rng.integers(20, 200, len(group)).astype(float)
    return rng.binomial(lengths.astype(int), 0.2).astype(float), lengths, group


@pytest.mark.parametrize("cells", [2**21, 1500])
def test_bootstrap_is_that_of_a_plain_loop(monkeypatch, cells):
    monkeypatch.setattr(intervals, "_CELLS", cells)
    errors, lengths, group = many_groups(np.random.default_rng(4), [50, 7, 0, 60, 1, 50])
    options = {"group": group, "n_groups": 7, "level": 0.9, "resamples": 300, "seed": 5}
    rate, low, high = bootstrap_intervals(errors, lengths, **options)
    for k in range(7):
        e, n = errors[group == k], lengths[group == k]
        if not len(e):
            assert np.isnan([rate[k], low[k], high[k]]).all()
        elif len(e) == 1:
            assert rate[k] == e[0] / n[0]
            assert np.isnan([low[k], high[k]]).all()
        else:
            assert rate[k] == pytest.approx(e.sum() / n.sum())
            assert (low[k], high[k]) == pytest.approx(tuple(resampled(e, n, 0.9, 300, 5)))
    again = bootstrap_intervals(errors, lengths, **options | {"seed": 6})
    assert again[1][0] != low[0]


def test_bootstrap_is_near_to_that_of_scipy():
    errors, lengths, group = many_groups(np.random.default_rng(6), [80])
    _, low, high = bootstrap_intervals(errors, lengths, group=group, n_groups=1)
    theirs = stats.bootstrap(
        (errors, lengths),
        lambda e, n, axis: e.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        method="percentile",
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert (low[0], high[0]) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_bootstrap_of_blocks_without_units_knows_no_upper_end():
    # In one of four resamples the errors have no units at all.
    found = bootstrap_intervals(
        np.array([1.0, 2.0, 5.0]), np.array([10.0, 10.0, 0.0]), group=np.zeros(3, np.int64), n_groups=1, level=0.99
    )
    assert found[0][0] == 0.4
    assert not math.isfinite(found[2][0])


# --- sign flips


def by_hand(contributions):
    """Enumerate the signs with whole numbers or fractions, compared without rounding."""
    seen = abs(sum(contributions))
    swapped = [
        sum(s * d for s, d in zip(signs, contributions, strict=True))
        for signs in product((1, -1), repeat=len(contributions))
    ]
    return sum(abs(value) >= seen for value in swapped) / len(swapped)


@given(BLOCKS)
def test_all_swaps_by_hand(blocks):
    """Of settings with different lengths: contributions as fractions, which floats only come near to."""
    e, n, e0, n0 = zip(*blocks, strict=True)
    delta = Fraction(sum(e), sum(n)) - Fraction(sum(e0), sum(n0))
    d = []
    for g in range(len(e)):
        own = [
            (some[g] - Fraction(sum(some), sum(units)) * units[g]) / sum(units) for some, units in ((e, n), (e0, n0))
        ]
        d.append(own[0] - own[1] + delta * (Fraction(n[g], sum(n)) + Fraction(n0[g], sum(n0))) / 2)
    found = sign_flip([float(value) for value in d])
    assert found.exact
    assert sum(d) == delta
    assert found.statistic == pytest.approx(float(delta), abs=1e-14)
    assert found.p == by_hand(d)


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
    assert sign_flip(a - b).p == pytest.approx(expected.pvalue)
    assert sign_flip((a - b) / 400).p == pytest.approx(expected.pvalue)


def test_random_swaps_come_near_to_all_swaps(monkeypatch):
    rng = np.random.default_rng(5)
    d = rng.normal(0.5, 1, 13)
    exact = sign_flip(d)
    monkeypatch.setattr(kernels, "EXACT_BLOCKS", 5)
    drawn = sign_flip(d, resamples=20_000, seed=7)
    assert not drawn.exact
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p / 20_000))
    assert drawn == sign_flip(d, resamples=20_000, seed=7)
    assert drawn.p != sign_flip(d, resamples=20_000, seed=8).p


def test_fourteen_blocks_are_gone_through_and_fifteen_are_not():
    assert sign_flip([1.0] * 14) == (14, 2 / 2**14, True)
    statistic, p, exact = sign_flip([1.0] * 15)
    assert (statistic, exact) == (15, False)
    assert p == pytest.approx(1e-4, abs=3e-4)
    assert round(p * 10_000) == pytest.approx(p * 10_000)


def test_random_swaps_never_give_zero():
    assert sign_flip([-10.0] * 40, resamples=999).p == 1 / 1000


def test_equal_settings_have_p_one_and_the_least_p_is_two_of_all_swaps():
    assert sign_flip([0, 0, 0]).p == 1
    assert sign_flip([0] * 20).p == 1
    assert sign_flip([1, 2, 3, 4, 5, 6]).p == 2 / 2**6
    assert sign_flip([3.0]).p == 1
    for nothing in ([], [1, math.nan, 2], [math.nan] * 20):
        assert math.isnan(sign_flip(nothing).p)
        assert math.isnan(sign_flip(nothing).statistic)


def test_ties_survive_rounding():
    # Differences of tenths: 0.1 + 0.2 is not 0.3, and all eight swaps of the second kind tie with what was seen.
    assert sign_flip([0.1, 0.2, 0.3]).p == 2 / 8
    assert sign_flip([0.3, -0.1, -0.2]).p == 1
    assert sign_flip(np.array([0.3, -0.1, -0.2]) * 1e-9).p == 1
    assert sign_flip(np.array([0.3, -0.1, -0.2]) * 1e9 / 7).p == 1
    assert sign_flip(np.array([0.1, 0.2, 0.3]) * 1e-13).p == 2 / 8  # small is not tied


def groups_of(rng, sizes, universe):
    """Contributions and shares of groups of so many blocks each, out of some that they share."""
    block = np.concatenate([np.sort(rng.choice(universe, size, replace=False)) for size in sizes]).astype(np.int64)
    group = np.repeat(np.arange(len(sizes)), sizes)
    shares = rng.uniform(0.5, 1.5, len(block))
    shares /= np.bincount(group, weights=shares)[group]
    return rng.normal(0.3, 1, len(block)), shares, group, block


def test_many_groups_at_once_are_each_alone():
    rng = np.random.default_rng(8)
    d, _, group, block = groups_of(rng, [6, 0, 9, 1, 6, 14], 30)
    found = sign_flips(d, group=group, block=block, n_groups=7)
    for k in range(7):
        alone = sign_flip(d[group == k])
        assert [values[k] for values in found] == pytest.approx(list(alone), nan_ok=True)
        assert found.p[k] == by_hand(d[group == k].tolist()) if (group == k).any() else math.isnan(found.p[k])


def test_random_signs_are_those_of_the_block_whatever_else_is_there():
    rng = np.random.default_rng(9)
    d = rng.normal(0.4, 1, (3, 20))
    block = np.tile(np.arange(20), 3)
    whole = sign_flips(d.ravel(), group=np.repeat(np.arange(3), 20), block=block, n_groups=3).p
    assert whole.tolist() == [sign_flip(row).p for row in d]
    # A group whose signs are not drawn changes nothing, whatever its blocks.
    more, of = np.concatenate([d.ravel(), [1.0, 1.0]]), np.repeat([0, 1, 2, 3], [20, 20, 20, 2])
    assert sign_flips(more, group=of, block=np.append(block, [3, 77]), n_groups=4).p[:3].tolist() == whole.tolist()
    # The same blocks have the same signs: all of one, and all the other way round.
    twice = np.concatenate([d[0], -d[0]])
    same = sign_flips(twice, group=np.repeat([0, 1], 20), block=block[:40], n_groups=2).p
    other = sign_flips(twice, group=np.repeat([0, 1], 20), block=np.arange(40), n_groups=2).p
    assert same[0] == same[1] == whole[0]
    assert other[0] != other[1]


@pytest.mark.parametrize("cells", [1, 170, 1000])
def test_working_in_parts_changes_nothing(monkeypatch, cells):
    rng = np.random.default_rng(10)
    parts = [groups_of(rng, sizes, universe) for sizes, universe in (([5, 8, 8, 3], 9), ([17, 30, 4, 22], 31))]

    def results():
        return [
            found
            for d, shares, group, block in parts
            for found in (
                sign_flips(d, group=group, block=block, n_groups=4, resamples=501, seed=3).p.tolist(),
                max_t(d, shares, group=group, block=block, n_groups=4, resamples=501, seed=3).tolist(),
            )
        ]

    whole = results()
    monkeypatch.setattr(kernels, "_CELLS", cells)
    assert results() == whole


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
            sign_flip(a - b).p <= 0.05,
            interval.low * interval.high > 0,
            by_utterance.low * by_utterance.high > 0,
        ]
    by_flip, by_interval, naive = wrong / 400
    assert 0.02 <= by_flip <= 0.08
    assert 0.02 <= by_interval <= 0.08
    assert naive > 0.10  # what blocks are for


def test_intervals_of_rates_cover_as_often_as_they_say():
    # 10 speakers of very different size, whose own rates are skewed.
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(1000):
        lengths = rng.integers(100, 900, 10)
        found = ratio_interval(rng.binomial(lengths, rng.beta(2, 18, 10)), lengths)
        covered += found.low <= 0.1 <= found.high
    assert 0.92 <= covered / 1000 <= 0.97


def test_intervals_of_shares_cover_as_often_as_they_say():
    rng = np.random.default_rng(13)
    total = rng.integers(20, 60, 30_000)
    right = rng.binomial(total, rng.beta(9, 1, 30_000)).astype(np.float64)
    options = {"group": np.repeat(np.arange(3000), 10), "n_groups": 3000, "shares": np.ones(3000, dtype=bool)}
    found = ratio_intervals(right, total.astype(np.float64), **options)
    assert 0.93 <= ((found.low <= 0.9) & (found.high >= 0.9)).mean() <= 0.97
    assert (found.low > 0.9).mean() < 0.05  # on the log scale it is 0.09, and the other end is above 1


# --- max-T


def rows_of(d, shares, group, block):
    return [
        {
            int(b): (float(x), float(w))
            for b, x, w in zip(block[group == k], d[group == k], shares[group == k], strict=True)
        }
        for k in range(group.max() + 1)
    ]


@pytest.mark.parametrize("sizes", [[8, 8, 8], [7, 4, 8, 6, 2], [8]])
@pytest.mark.parametrize("seed", range(3))
def test_max_t_is_step_down_by_hand(sizes, seed):
    d, shares, group, block = groups_of(np.random.default_rng(seed), sizes, 8)
    found = max_t(d, shares, group=group, block=block, n_groups=len(sizes))
    expected, seen = step_down(rows_of(d, shares, group, block), sorted(set(block.tolist())))
    assert found.tolist() == pytest.approx(expected)
    assert (np.diff(found[np.argsort(seen)]) <= 0).all()
    alone = [step_down([row], sorted(row))[0][0] for row in rows_of(d, shares, group, block)]
    assert (found >= np.array(alone) - 1e-12).all()


def test_max_t_of_random_signs_comes_near_to_all_signs(monkeypatch):
    d, shares, group, block = groups_of(np.random.default_rng(13), [11] * 4, 11)
    options = {"group": group, "block": block, "n_groups": 4}
    exact = max_t(d, shares, **options)
    monkeypatch.setattr(kernels, "EXACT_BLOCKS", 5)
    drawn = max_t(d, shares, resamples=20_000, seed=1, **options)
    assert drawn == pytest.approx(exact, abs=4 * 0.5 / math.sqrt(20_000))
    assert drawn.tolist() == max_t(d, shares, resamples=20_000, seed=1, **options).tolist()
    assert drawn.tolist() != max_t(d, shares, resamples=20_000, seed=2, **options).tolist()
    huge = max_t(np.abs(d) + 10, np.full(44, 1 / 11), resamples=99, **options)
    assert huge.min() >= 1 / 100


def test_rows_that_are_alike_cost_nothing():
    rng = np.random.default_rng(14)
    d = rng.normal(0.6, 1, 10)
    options = {"group": np.repeat(np.arange(5), 10), "block": np.tile(np.arange(10), 5), "n_groups": 5}
    adjusted = max_t(np.tile(d, 5), np.full(50, 0.1), **options)
    # Of blocks of one size t grows with T, and one row is as good as five.
    assert adjusted.tolist() == [sign_flip(d).p] * 5
    scaled = max_t(np.outer([1, -2, 3, 0.5, 1e-6], d).ravel(), np.full(50, 0.1), **options)
    assert scaled.tolist() == adjusted.tolist()


def test_what_is_not_tested_does_not_count():
    rng = np.random.default_rng(15)
    d, shares, group, block = groups_of(rng, [7, 7, 1, 7], 7)
    whole = max_t(d, shares, group=group, block=block, n_groups=5)
    assert np.isnan(whole).tolist() == [False, False, True, False, True]
    lost = d.copy()
    lost[8] = math.nan
    found = max_t(lost, shares, group=group, block=block, n_groups=5)
    kept = np.isin(group, [0, 3])
    alone = max_t(d[kept], shares[kept], group=np.where(group[kept] == 3, 1, 0), block=block[kept], n_groups=2)
    assert found[[0, 3]].tolist() == alone.tolist()
    assert np.isnan(found[[1, 2, 4]]).all()
    assert np.isnan(
        max_t(np.full(2, math.nan), np.full(2, 0.5), group=np.zeros(2, np.int64), block=np.arange(2), n_groups=1)
    )


def test_max_t_of_rows_without_spread():
    options = {"group": np.repeat([0, 1], 6), "block": np.tile(np.arange(6), 2), "n_groups": 2, "resamples": 99}
    alike = max_t(np.repeat([0.1, 0.0], 6), np.full(12, 1 / 6), **options)
    assert alike.tolist() == [2 / 2**6, 1]
    whole = {"group": np.zeros(8, np.int64), "block": np.arange(8), "n_groups": 1}
    assert max_t(np.ones(8), np.full(8, 1 / 8), **whole).tolist() == [2 / 2**8]  # no spread at all, without rounding


def test_family_wise_errors_stay_at_the_level():
    rng = np.random.default_rng(16)
    group, block = np.repeat(np.arange(6), 9), np.tile(np.arange(9), 6)
    wrong = 0
    for _ in range(500):
        shares = rng.uniform(0.5, 1.5, 9)
        common = rng.normal(0, 1, 9)
        d = shares * (common + rng.normal(0, 1, (6, 9)))
        p = max_t(d.ravel(), np.tile(shares / shares.sum(), 6), group=group, block=block, n_groups=6)
        wrong += p.min() <= 0.05
    assert 0.025 <= wrong / 500 <= 0.075


@pytest.mark.parametrize("module", [random_streams, intervals, kernels])
def test_kernels_need_numpy_and_scipy_only(module):
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name if name.startswith("asrlab") else name.partition(".")[0] for name in names} <= {
        "asrlab.errors",
        "asrlab.executors",
        "asrlab.stats.random_streams",
        "__future__",
        "collections",
        "functools",
        "math",
        "numpy",
        "scipy",
        "typing",
    }
