"""Classical tests and intervals of shares: against scipy, statsmodels, sc_stats, and by going through all cases."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asrlab.stats.classical import EXACT_BLOCKS, equivalence, exact, mcnemar, non_inferiority, t_test, wilcoxon, wilson

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
    from statsmodels.stats.proportion import proportion_confint
    from statsmodels.stats.weightstats import ttost_paired

MARGIN = 0.03


def paired(seed, blocks):
    """Rates of blocks under two settings, and their mean difference with its standard error."""
    rng = np.random.default_rng(seed)
    base = rng.beta(2, 8, blocks)
    arm = base + rng.normal(0.01 * (seed % 5 - 2), 0.05, blocks)
    return arm, base, (arm - base).mean(), stats.sem(arm - base)


# Student's t.


def test_t_is_the_paired_t_test():
    cases = [paired(seed, blocks) for seed in range(6) for blocks in (2, 3, 10, 300)]
    found = t_test([c[2] for c in cases], [c[3] for c in cases], [len(c[0]) for c in cases])
    expected = [stats.ttest_rel(arm, base) for arm, base, _, _ in cases]
    assert found.statistic == pytest.approx([e.statistic for e in expected])
    assert found.p == pytest.approx([e.pvalue for e in expected])


def test_small_p_of_t_keep_their_digits():
    found = t_test([30.0, -30.0], [1.0, 1.0], [25, 25])
    assert found.p == pytest.approx([2 * stats.t.sf(30, 24)] * 2, rel=1e-9)
    assert found.p[0] > 0


def test_equivalence_is_two_one_sided_tests():
    cases = [paired(seed, blocks) for seed in range(10) for blocks in (3, 10, 60)]
    found = equivalence([c[2] for c in cases], [c[3] for c in cases], [len(c[0]) for c in cases], MARGIN)
    assert {bool(case[2] < 0) for case in cases} == {False, True}
    for number, (arm, base, estimate, _) in enumerate(cases):
        p, (t_low, p_low, _), (t_high, p_high, _) = ttost_paired(arm, base, -MARGIN, MARGIN)
        assert found.p[number] == pytest.approx(p)
        assert p == max(p_low, p_high)
        assert found.statistic[number] == pytest.approx(t_low if estimate < 0 else t_high)


def test_non_inferiority_is_a_one_sided_test_at_the_margin():
    cases = [paired(seed, blocks) for seed in range(6) for blocks in (3, 10, 60)]
    found = non_inferiority([c[2] for c in cases], [c[3] for c in cases], [len(c[0]) for c in cases], MARGIN)
    expected = [stats.ttest_1samp(arm - base, MARGIN, alternative="less") for arm, base, _, _ in cases]
    assert found.statistic == pytest.approx([e.statistic for e in expected])
    assert found.p == pytest.approx([e.pvalue for e in expected])


def test_a_lower_error_rate_is_never_inferior_and_not_equivalent_far_below():
    better, worse = non_inferiority([-0.1, 0.1], [0.01, 0.01], [20, 20], MARGIN).p
    assert better < 1e-6
    assert worse > 1 - 1e-4
    assert (equivalence([-0.1, 0.1], [0.01, 0.01], [20, 20], MARGIN).p > 0.99).all()


@given(st.floats(-0.08, 0.08), st.floats(0.001, 0.05), st.integers(2, 40), st.sampled_from([0.01, 0.05, 0.1]))
def test_tests_and_intervals_say_the_same(estimate, error, blocks, alpha):
    given_ = ([estimate], [error], [blocks])
    half = stats.t.ppf(1 - alpha, blocks - 1) * error
    near_edge = min(abs(abs(estimate) + half - MARGIN), abs(estimate + half - MARGIN)) < 1e-9
    if not near_edge:
        inside = estimate - half > -MARGIN and estimate + half < MARGIN
        assert (equivalence(*given_, MARGIN).p[0] < alpha) == inside
        assert (non_inferiority(*given_, MARGIN).p[0] < alpha) == (estimate + half < MARGIN)
    two_sided = stats.t.ppf(1 - alpha / 2, blocks - 1) * error
    if abs(abs(estimate) - two_sided) > 1e-9:
        assert (t_test(*given_).p[0] < alpha) == (abs(estimate) > two_sided)


@given(st.integers(-100, 100).map(lambda n: n / 997), st.floats(0.001, 0.05), st.integers(2, 40), st.floats(0.1, 100))
def test_t_of_settings_the_other_way_round_and_in_another_unit(estimate, error, blocks, unit):
    for test, margins in ((t_test, [()] * 2), (equivalence, [(MARGIN,), (MARGIN * unit,)])):
        forth = test([estimate], [error], [blocks], *margins[0])
        back = test([-estimate], [error], [blocks], *margins[0])
        scaled = test([estimate * unit], [error * unit], [blocks], *margins[1])
        assert back.p == pytest.approx(forth.p)
        assert scaled.p == pytest.approx(forth.p, rel=1e-6)
        assert scaled.statistic == pytest.approx(forth.statistic)
        if estimate:
            assert back.statistic == pytest.approx(-forth.statistic)
    # Not inferior either way is equivalent.
    sides = [non_inferiority([sign * estimate], [error], [blocks], MARGIN).p[0] for sign in (1, -1)]
    assert equivalence([estimate], [error], [blocks], MARGIN).p[0] == pytest.approx(max(sides))


@pytest.mark.parametrize("test", [t_test, equivalence, non_inferiority])
def test_where_no_spread_is_seen_there_is_no_answer(test):
    margin = () if test is t_test else (MARGIN,)
    estimate = [0.1, 0.1, 0.0, math.nan, 0.1, 0.1, 0.1, 0.1]
    error = [0.01, 0.0, 0.0, 0.01, math.nan, 0.01, 0.01, 1e-17]
    blocks = [2, 9, 9, 9, 9, 1, 0, 9]
    found = test(estimate, error, blocks, *margin)
    known = [True] + [False] * 7
    assert (~np.isnan(found.p)).tolist() == (~np.isnan(found.statistic)).tolist() == known
    alone = test(estimate[:1], error[:1], blocks[:1], *margin)
    assert (alone.statistic[0], alone.p[0]) == (found.statistic[0], found.p[0])
    assert test([], [], [], *margin).p.shape == (0,)


@pytest.mark.parametrize("test", [equivalence, non_inferiority])
@pytest.mark.parametrize("margin", [0, -0.01, math.nan, math.inf])
def test_a_margin_is_above_zero(test, margin):
    with pytest.raises(ValueError, match="margin"):
        test([0.0], [0.01], [9], margin)


# McNemar.


def test_mcnemar_is_the_exact_binomial_test():
    better, worse = (side.ravel() for side in np.mgrid[0:31, 0:31])
    found = mcnemar(better, worse)
    pairs = list(zip(better.tolist(), worse.tolist(), strict=True))
    assert found.statistic.tolist() == [min(pair) for pair in pairs]
    assert found.p == pytest.approx([stats.binomtest(b, b + c).pvalue if b + c else 1.0 for b, c in pairs])
    for number in range(0, len(pairs), 7):
        b, c = pairs[number]
        theirs = statsmodels_mcnemar([[50, b], [c, 9]], exact=True)
        assert (found.statistic[number], found.p[number]) == pytest.approx((theirs.statistic, theirs.pvalue))


def test_mcnemar_with_many_pairs():
    for b, c in ((88, 93), (0, 60), (1000, 1200), (49_000, 50_000)):
        assert mcnemar([b], [c]).p[0] == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-6)
    assert round(float(mcnemar(88, 93).p), 2) == 0.77


@pytest.mark.parametrize("pairs", [1, 2, 5, 8])
def test_mcnemar_by_tossing_every_coin(pairs):
    tosses = [sum(toss) for toss in product((0, 1), repeat=pairs)]
    for better in range(pairs + 1):
        as_uneven = np.mean([abs(heads - pairs / 2) >= abs(better - pairs / 2) for heads in tosses])
        assert mcnemar([better], [pairs - better]).p[0] == as_uneven


def test_mcnemar_without_pairs_that_differ_and_with_too_few():
    found = mcnemar([0, math.nan], [0, 3])
    assert found.p[0] == 1
    assert math.isnan(found.p[1])
    with pytest.raises(ValueError, match="below 0"):
        mcnemar([3], [-1])


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_the_other_way_round_is_the_same(better, worse):
    there, back = mcnemar([better], [worse]), mcnemar([worse], [better])
    assert (there.statistic, there.p) == (back.statistic, back.p)
    assert 0 <= there.p[0] <= 1
    if better + 1 < worse:
        assert mcnemar([better + 1], [worse - 1]).p[0] > there.p[0]


# Wilcoxon.


def signed_ranks(differences):
    """Test one group."""
    d = np.asarray(differences, dtype=np.float64)
    found = wilcoxon(d, group=np.zeros(len(d), np.int64), n_groups=1)
    return found.statistic[0], found.p[0]


def share_of_signs(differences):
    """Go through every choice of signs of whole numbers: in what share are the sums of ranks at least as uneven?"""
    ranks = stats.rankdata([abs(d) for d in differences if d])
    seen = sum(math.copysign(rank, d) for rank, d in zip(ranks, filter(None, differences), strict=True))
    sums = [np.dot(signs, ranks) for signs in product((-1, 1), repeat=len(ranks))]
    return np.mean([abs(total) >= abs(seen) for total in sums])


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_wilcoxon_with_ties_and_zeros_by_going_through_all_signs(differences):
    assert signed_ranks(np.array(differences) / 50)[1] == share_of_signs(differences)


@pytest.mark.parametrize("blocks", [1, 2, 5, 6, 13, 14, 24, 50, 120, EXACT_BLOCKS])
def test_wilcoxon_without_ties_is_exact_as_in_scipy(blocks):
    for shift in (-0.5, 0.0, 0.3, 2.0):
        d = np.random.default_rng(blocks).normal(shift, 1, blocks)
        theirs = stats.wilcoxon(d, method="exact")
        assert signed_ranks(d) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_wilcoxon_with_ties_is_scipys_permutation_test(seed):
    d = np.random.default_rng(seed).integers(-3, 8, 12) / 64
    theirs = stats.wilcoxon(d, zero_method="wilcox", method=stats.PermutationMethod(n_resamples=np.inf))
    assert signed_ranks(d) == pytest.approx((theirs.statistic, theirs.pvalue))


@pytest.mark.parametrize("blocks", [EXACT_BLOCKS + 1, 1000])
@pytest.mark.parametrize("tied", [False, True])
def test_wilcoxon_of_many_blocks_is_scipys_with_the_correction_for_ties(blocks, tied):
    d = np.random.default_rng(blocks).normal(0.2, 1, blocks)
    d = np.append(np.round(d[d != 0]) if tied else d, np.zeros(5))
    d = np.append(d, np.full(max(0, EXACT_BLOCKS + 1 - np.count_nonzero(d)), 1.0))
    theirs = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
    assert signed_ranks(d) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)


@pytest.mark.parametrize("low", [12, 14, 16])
def test_wilcoxon_of_many_blocks_is_close_to_exact(low):
    # Signs alternate but for a share that makes p small; one block more than is counted through.
    d = np.arange(1.0, EXACT_BLOCKS + 2) * np.where(np.arange(EXACT_BLOCKS + 1) % 20 < low, 1, -1)
    theirs = stats.wilcoxon(d, method="exact").pvalue
    found = signed_ranks(d)[1]
    assert theirs <= found if theirs < 0.05 else found == pytest.approx(theirs, rel=0.01)
    if theirs > 1e-4:
        assert found == pytest.approx(theirs, rel=0.12)


def test_differences_that_are_equal_but_for_rounding_are_ties_and_zeros():
    rates, baseline = np.array([0.3, 0.2, 1.3, 1 / 3, 0.1 + 0.2]), np.array([0.2, 0.1, 1.2, 2 / 6, 0.3])
    d = rates - baseline
    assert len({*d[:3].tolist()}) == 3
    assert d[4] != 0
    # Three equal differences on one side: one of the two most uneven among eight choices.
    assert signed_ranks(d) == (0, 0.25)
    assert signed_ranks(np.append(d, -0.1)) == signed_ranks([1, 1, 1, 0, 0, -1]) == (2.5, share_of_signs([1, 1, 1, -1]))
    # A binary fraction has no decimals to round to: both of these lie half way between two of twelve.
    half_way = np.array([1.0, np.nextafter(1, 0), np.nextafter(1, 2), -1.0]) / 8192
    assert signed_ranks(half_way) == (2.5, share_of_signs([1, 1, 1, -1]))
    # A real difference of one error in a hundred thousand words is one.
    assert signed_ranks([1e-5, 2e-5, -3e-5]) == (3, share_of_signs([1, 2, -3]))


def test_smallest_p_of_wilcoxon():
    for blocks in range(1, 12):
        assert signed_ranks(np.arange(1, blocks + 1)) == (0, 2 / 2**blocks)


def test_wilcoxon_without_an_answer():
    d = np.array([math.nan, 0.0, 0.0, 0.1, 0.2, math.nan, 0.3])
    found = wilcoxon(d, group=np.array([0, 1, 1, 2, 2, 2, 2]), n_groups=4)
    assert np.isnan(found.p).tolist() == np.isnan(found.statistic).tolist() == [True, False, False, True]
    assert found.p[1:3].tolist() == [1, 0.25]
    assert wilcoxon(d[:0], group=np.zeros(0, np.int64), n_groups=0).p.shape == (0,)
    assert np.isnan(wilcoxon(d[:0], group=np.zeros(0, np.int64), n_groups=2).p).all()


DIFFERENCES = st.lists(st.integers(-30, 30), min_size=1, max_size=40).map(lambda d: np.array(d) / 97)


@given(DIFFERENCES, st.floats(0.01, 100), st.randoms(use_true_random=False))
def test_wilcoxon_knows_no_side_no_unit_and_no_order(d, unit, random):
    shuffled = d.tolist()
    random.shuffle(shuffled)
    assert signed_ranks(d) == signed_ranks(-d) == signed_ranks(d * unit) == signed_ranks(shuffled)


@given(st.lists(DIFFERENCES, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_groups_of_wilcoxon_do_not_know_of_each_other(groups, random):
    entries = [(d, number) for number, group in enumerate(groups) for d in group.tolist()]
    random.shuffle(entries)
    d, group = (np.array(side) for side in zip(*entries, strict=True))
    found = wilcoxon(d, group=group, n_groups=len(groups))
    together = list(zip(found.statistic.tolist(), found.p.tolist(), strict=True))
    assert together == [signed_ranks(of_group) for of_group in groups]


# NIST's sc_stats.


@pytest.fixture
def sc_stats(tmp_path):
    """Compare two systems: each a list of which utterances it has wrong, of so many in all."""
    tools = [shutil.which(name) or shutil.which(name, path="/usr/lib/sctk/bin") for name in ("sclite", "sc_stats")]
    if None in tools:
        pytest.skip("NIST sclite and sc_stats are not installed (Debian: sctk)")

    def write(name, texts, speakers):
        lines = [
            f"{text} (s{speaker:02d}-{number:06d})\n"
            for number, (text, speaker) in enumerate(zip(texts, speakers, strict=True))
        ]
        (tmp_path / f"{name}.trn").write_text("".join(lines), "utf-8")

    def compare(test, wrong, speakers):
        aligned = []
        write("ref", ["one two three"] * len(speakers), speakers)
        for name, of_system in wrong.items():
            write(name, ["one two four" if n in of_system else "one two three" for n in range(len(speakers))], speakers)
            options = f"-r ref.trn trn -h {name}.trn trn {name} -i spu_id -o sgml -O . -n {name}"
            subprocess.run([tools[0], *options.split()], cwd=tmp_path, check=True, capture_output=True)
            aligned.append((tmp_path / f"{name}.sgml").read_bytes())
        command = [tools[1], *f"-p -t {test} -v -n out -O .".split()]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, input=b"".join(aligned))
        return (tmp_path / f"out.stats.{test}").read_text("utf-8", "replace")

    return compare


def nist_mcnemar(sc_stats, better, worse):
    """Give p as sc_stats prints it, and whether it finds a difference."""
    utterances = better + worse + 20
    wrong = {"arm": set(range(worse)), "base": set(range(worse, worse + better))}
    report = " ".join(sc_stats("mcn", wrong, [n % 8 for n in range(utterances)]).split())
    table = re.search(r"base corr incorr arm corr (\d+) (\d+) incorr (\d+) (\d+)", report)
    assert [int(n) for n in table.groups()] == [20, better, worse, 0]
    decision = re.search(
        r"MIN\(uue\)=(\d+) unique utterance errors, the probability of it occurring is ([\d.]+),"
        r" therefore the null hypothesis is (REJECTED|ACCEPTED)",
        report,
    )
    assert int(decision[1]) == min(better, worse)
    return float(decision[2]), decision[3] == "REJECTED"


@pytest.mark.parametrize(("better", "worse"), [(12, 3), (8, 12), (17, 3), (1, 6)])
def test_mcnemar_is_that_of_sc_stats_up_to_twenty_pairs(sc_stats, better, worse):
    p, rejected = nist_mcnemar(sc_stats, better, worse)
    ours = mcnemar([better], [worse]).p[0]
    assert p == pytest.approx(ours, abs=0.0005001)
    assert rejected == (ours < 0.05)


@pytest.mark.parametrize(("better", "worse"), [(93, 88), (12, 9), (20, 30)])
def test_mcnemar_of_sc_stats_is_wrong_of_more_than_twenty_pairs(sc_stats, better, worse):
    theirs, rejected = nist_mcnemar(sc_stats, better, worse)
    ours, true = mcnemar([better], [worse]).p[0], stats.binomtest(better, better + worse).pvalue
    assert ours == pytest.approx(true)
    assert true > 0.2
    assert rejected
    assert theirs < 0.01
    if (better, worse) == (93, 88):
        assert theirs < 0.001
        assert round(ours, 2) == 0.77


def test_wilcoxon_of_sc_stats_deals_zeros_out_and_ignores_ties(sc_stats):
    # Five speakers with one error of four words more each, three with as many under both settings.
    speakers = np.repeat(np.arange(8), 4)
    wrong = {"arm": set(), "base": {4 * speaker for speaker in range(5)}}
    report = " ".join(sc_stats("wilc", wrong, speakers.tolist()).split())
    positive, of_positive, negative, of_negative = re.search(
        r"Sum of (\d+) positive ranks = ([\d.]+) Sum of (\d+) negative ranks = ([\d.]+)", report
    ).groups()
    z = float(re.search(r"The Z statistic = (-?[\d.]+), therefore the Hypothesis is REJECTED", report)[1])
    # Two of the three zeros went to the one side and one to the other, with the ranks of differences.
    assert (int(positive), int(negative), float(of_positive), float(of_negative)) == (7, 1, 34, 2)
    assert z == pytest.approx((2 - 18) / math.sqrt(8 * 9 * 17 / 24), abs=0.005)
    # What it rejects at 5 % is the least that five differences can give: p = 2 / 32.
    assert signed_ranks([1 / 12] * 5 + [0] * 3) == (0, 0.0625)


# Intervals of shares.


@pytest.mark.parametrize(("ours", "method"), [(wilson, "wilson"), (exact, "beta")])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_intervals_of_shares_are_those_of_statsmodels_and_scipy(ours, method, level):
    cases = [(k, n) for n in (1, 2, 7, 30) for k in range(n + 1)] + [(3, 10_000), (9_990, 10_000), (4_000, 120_000)]
    k, n = np.array(cases).T
    low, high = ours(k, n, level)
    their_low, their_high = proportion_confint(k, n, alpha=1 - level, method=method)
    assert low == pytest.approx(np.where(k == 0, 0, their_low), rel=1e-9)
    assert high == pytest.approx(np.where(k == n, 1, their_high), rel=1e-9)
    for number, (successes, trials) in enumerate(cases[::3]):
        name = "exact" if ours is exact else "wilson"
        theirs = stats.binomtest(successes, trials).proportion_ci(level, name)
        assert (low[3 * number], high[3 * number]) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("trials", [1, 5, 40])
def test_ends_of_exact_intervals_have_half_of_what_is_left(trials):
    k = np.arange(trials + 1)
    low, high = exact(k, np.full(trials + 1, trials), 0.9)
    assert stats.binom.sf(k[1:] - 1, trials, low[1:]) == pytest.approx(0.05)
    assert stats.binom.cdf(k[:-1], trials, high[:-1]) == pytest.approx(0.05)
    assert (low[0], high[-1]) == (0, 1)


def coverage(interval, trials, level):
    """Give the least coverage over all true shares, and the mean over them."""
    k = np.arange(trials + 1)
    low, high = interval(k, np.full(trials + 1, trials), level)

    def covered(share):
        inside = (low <= share[:, None]) & (share[:, None] <= high)
        return (stats.binom.pmf(k, trials, share[:, None]) * inside).sum(axis=1)

    # Between two ends of intervals a run of successes is covered, whose chance has one maximum: the least is at an end.
    ends = np.concatenate([low, high])
    beside = np.concatenate([ends - 1e-11, ends + 1e-11])
    beside = beside[(beside > 0) & (beside < 1)]
    return covered(beside).min(), covered((np.arange(2000) + 0.5) / 2000).mean()


@pytest.mark.parametrize("trials", [1, 2, 5, 10, 37, 100, 400])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_exact_intervals_cover_every_share_at_least_as_often_as_they_say(trials, level):
    least, mean = coverage(exact, trials, level)
    assert least >= level - 1e-6
    assert mean > level + (0 if trials > 50 else 0.01 * (1 - level))


@pytest.mark.parametrize("trials", [10, 37, 100, 400])
def test_wilson_intervals_cover_on_average_as_often_as_they_say(trials):
    least, mean = coverage(wilson, trials, 0.95)
    assert mean == pytest.approx(0.95, abs=0.006)
    # Its known weakness: just below the lower end for one success, 0.1765 / n, only none is covered: exp(-0.1765).
    assert 0.83 <= least < 0.84
    assert wilson([1], [10**6]).low[0] * 10**6 == pytest.approx(0.1765, abs=1e-4)


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_of_shares_mirror_nest_and_hold_what_was_seen(successes, failures, level):
    trials = successes + failures
    for interval in (wilson, exact):
        (low,), (high,) = interval([successes], [trials], level)
        (mirrored_low,), (mirrored_high,) = interval([failures], [trials], level)
        if not trials:
            assert np.isnan([low, high, mirrored_low, mirrored_high]).all()
            continue
        assert (low, high) == pytest.approx((1 - mirrored_high, 1 - mirrored_low), abs=1e-12)
        assert 0 <= low <= successes / trials <= high <= 1
        assert low < high
        (wide_low,), (wide_high,) = interval([successes], [trials], 0.999)
        assert wide_low <= low
        assert high <= wide_high


@pytest.mark.parametrize("interval", [wilson, exact])
def test_shares_without_trials_and_of_what_cannot_be(interval):
    low, high = interval([0, 0, 4, math.nan], [0, 4, 4, 4])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False, False, True]
    assert (low[1], high[2]) == (0, 1)
    for level in np.arange(0.5, 1, 0.01):
        assert interval([0], [10], level).low[0] == 1 - interval([10], [10], level).high[0] == 0
    alone = interval([4], [4])
    assert (alone.low[0], alone.high[0]) == (low[2], high[2])
    for successes, trials in (([5], [4]), ([-1], [4]), ([1], [0])):
        with pytest.raises(ValueError, match="Successes"):
            interval(successes, trials)
    for level in (0, 1, 95, math.nan):
        with pytest.raises(ValueError, match="level"):
            interval([1], [2], level)
