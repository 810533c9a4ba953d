"""Small seeded versions of the simulation study: tests, intervals, corrections and plans keep what they promise.

The truth is known here, and no other program is asked. Bounds are wide enough for the luck of so many experiments,
whose standard error is said, and narrow enough that a wrong denominator or blocks that are none fall out of them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarked import benchmark
from scipy.stats import binomtest

import asrlab as lab
from asrlab.stats.population import variance_components

worlds, simulations = benchmark("worlds"), benchmark("simulations")
LIBRISPEECH, draw = worlds.LIBRISPEECH, worlds.draw
#: Differences by speaker are as good as normal, and all speakers say as much.
GENTLE = replace(LIBRISPEECH, rate=0.1, spread=0.1, utterances_spread=0.0, length_spread=0.05, interaction=0.1)
SEED = 2


def rng(*of):
    return np.random.default_rng([SEED, *of])


def share(table, what, case=""):
    found = table[table["what"].str.contains(what, regex=False) & table["case"].str.contains(case, regex=False)]
    return found["share"].to_numpy()


# --- the worlds are what they say


def test_the_truth_is_exact_and_speakers_and_utterances_spread_as_the_world_says():
    world = replace(LIBRISPEECH, spread=0.3)
    drawn = draw(world, [0.03, 0.03], 1, 4000, rng(1), by_utterance=True)
    errors, lengths = drawn.sums()
    rates = errors / lengths
    # Standard error of a pooled rate: 0.3 * 0.03 / sqrt(4000), and some more for unequal lengths.
    assert errors.sum(axis=1) / lengths.sum() == pytest.approx([0.03, 0.03], abs=4 * 1.1 * 0.009 / 4000**0.5)
    assert errors[0] / lengths.sum() * len(lengths) == pytest.approx(errors[0] / lengths.mean())
    parts = variance_components(drawn.own[0] - drawn.own[1], drawn.lengths, drawn.block)
    assert parts.between**0.5 == pytest.approx(world.interaction * world.rate, rel=0.05)
    assert parts.within == pytest.approx(2 * (1 - world.shared) * world.overdispersion * world.rate, rel=0.03)
    alone = variance_components(drawn.errors[0], drawn.lengths, drawn.block)
    taste = (1 + world.spread**2) * 0.5 * (world.interaction * world.rate) ** 2 / (1 + world.spread**2)
    assert alone.between == pytest.approx((world.spread * world.rate) ** 2 + taste, rel=0.1)
    assert alone.within == pytest.approx(world.overdispersion * world.rate, rel=0.03)
    size = np.bincount(drawn.block)
    assert (size.mean(), size.std()) == pytest.approx((65, 20), rel=0.05)  # standard error 1.3 %
    assert (drawn.lengths.mean(), drawn.lengths.std()) == pytest.approx((20, 13.7), rel=0.02)
    shared = np.cov(rates)[0, 1] / np.cov(rates)[0, 0]
    assert 0.8 < shared < 1


def test_sums_by_speaker_are_drawn_as_sums_of_utterances():
    short, long = (
        draw(LIBRISPEECH, [0.03, 0.024], 1, 3000, rng(2), by_utterance=each).sums() for each in (False, True)
    )
    for found, other in zip((*short[0], short[1]), (*long[0], long[1]), strict=True):
        assert found.mean() == pytest.approx(other.mean(), rel=0.06)  # standard error 1.3 %
        assert found.std() == pytest.approx(other.std(), rel=0.12)


@pytest.mark.parametrize("rates", [[0.03, 0.036], [0.03, 0.024], [0.018, 0.03]])
def test_tastes_stay_as_they_are_and_a_difference_is_in_proportion_to_a_speakers_own_rate(rates):
    drawn = draw(LIBRISPEECH, rates, 1, 6000, rng(3), by_utterance=True)
    errors, lengths = drawn.sums()
    assert errors.sum(axis=1) / lengths.sum() == pytest.approx(rates, rel=0.025)  # standard error 0.6 %
    parts = variance_components(drawn.own[1] - drawn.own[0], drawn.lengths, drawn.block)
    delta = rates[1] - rates[0]
    assert parts.between**0.5 == pytest.approx(np.hypot(0.15 * 0.03, 0.4 * delta), rel=0.06)
    own = 2 * 0.25 * min(rates) + abs(delta)
    assert parts.within == pytest.approx(1.9 * own, rel=0.06)
    # The common errors tell how bad a speaker is, and nothing of tastes; standard error 5 %.
    shared = np.bincount(drawn.block, drawn.shared) / lengths
    together = np.cov(shared, (errors[1] - errors[0]) / lengths)[0, 1]
    assert together == pytest.approx(0.75 * min(rates) * delta * 0.4**2, rel=0.25)


# --- tables are what the vectorised kernels say


@pytest.mark.parametrize("speakers", [9, 20])
def test_compare_and_summarize_and_effects_give_the_same_for_a_table_of_experiments(speakers):
    world, rates = replace(LIBRISPEECH, utterances=6), [0.03, 0.027, 0.024, 0.03, 0.03, 0.03]
    drawn = draw(world, rates, 5, speakers, rng(4, speakers), by_utterance=True)
    axes = {"a": ["x"] * 3 + ["y"] * 3, "b": ["p", "q", "r"] * 2}
    table = worlds.scores(drawn, **axes)
    effects = lab.effects(table, by="simulation", resamples=199).set_index("simulation")
    weights = {
        (None, "y", None): ([-1, 1], [1 / 3] * 3),
        (None, "q", None): ([0.5, 0.5], [-1, 1, 0]),
        (None, "r", None): ([0.5, 0.5], [-1, 0, 1]),
        ("b", "y", "q"): ([-1, 1], [-1, 1, 0]),
        ("b", "y", "r"): ([-1, 1], [-1, 0, 1]),
    }
    found = drawn.contrasts(np.stack([simulations.weights(*along) for along in weights.values()]))
    order = effects[["moderator", "level", "moderator_level"]].astype(object)
    assert order.where(order.notna(), None).iloc[:5].apply(tuple, axis=1).tolist() == list(weights)
    assert len(effects) == 25
    for name, values in (("delta", "estimate"), ("low", "low"), ("high", "high")):
        assert effects[name].to_numpy(float) == pytest.approx(getattr(found.interval, values))
    two = table[(table["b"] == "p")]
    compared = lab.compare(two, "a", "x", by="simulation", correction="none", resamples=199)
    kernel = drawn.contrasts(np.array([[-1.0, 0, 0, 1, 0, 0]]))
    flips = simulations.sign_flips(
        kernel.contributions, group=kernel.row, block=kernel.block, n_groups=5, resamples=199
    )
    assert compared["p"].to_numpy(float) == pytest.approx(flips.p)
    assert compared["low"].to_numpy(float) == pytest.approx(kernel.interval.low)
    summary = lab.summarize(table, by=["simulation", "a", "b"])
    assert summary["rate"].to_numpy(float).reshape(5, 6) == pytest.approx(kernel.rates.T)
    assert (summary["n_blocks"] == speakers).all()


# --- tests


@pytest.mark.parametrize("speakers", [10, 24])
def test_the_default_test_finds_nothing_more_often_than_it_says(speakers):
    drawn = draw(LIBRISPEECH, [0.03, 0.03], 5000, speakers, rng(5, speakers))
    found = {what: hit.mean() for what, hit in simulations.by_speaker(drawn).items()}
    # Standard error 0.3 points.
    assert 0.035 <= found["sign-flip by speaker (default)"] <= 0.065
    assert 0.035 <= found["ratio t by speaker"] <= 0.065
    assert 0.035 <= found["Wilcoxon signed-rank by speaker"] <= 0.065
    assert found["percentile bootstrap by speaker"] >= {10: 0.08, 24: 0.055}[speakers]


def test_tests_by_utterance_find_what_is_not_there_where_settings_suit_some_speakers():
    found = {}
    for interaction in (0.15, 0.0):
        world = replace(LIBRISPEECH, interaction=interaction, utterances=260)
        drawn = draw(world, [0.03, 0.03], 300, 10, rng(6), by_utterance=True)
        hits = simulations.by_utterance(drawn, rng(7)) | simulations.by_speaker(drawn)
        hits["sign-flip by utterance"] = simulations.flipped_by_utterance(drawn)
        found[interaction] = {what: hit.mean() for what, hit in hits.items()}
    # Standard errors: 2.8 points at 35 %, 1.3 at 5 %.
    for what in ("matched pairs z by utterance", "MAPSSWE by segment", "sign-flip by utterance"):
        assert 0.25 <= found[0.15][what] <= 0.5
        assert found[0.0][what] <= 0.1
    assert found[0.15]["sign-flip by speaker (default)"] <= 0.085


def test_compare_finds_nothing_more_often_than_it_says():
    table = worlds.scores(draw(LIBRISPEECH, [0.03, 0.03], 1000, 12, rng(8)), setting=["a", "b"])
    for test in ("sign-flip", "t"):
        found = lab.compare(table, "setting", "a", by="simulation", test=test, correction="none")
        assert 0.03 <= (found["p"] <= 0.05).mean() <= 0.075  # standard error 0.7 points


# --- intervals


def test_intervals_have_the_truth_in_them_as_often_as_they_say():
    table = simulations.study_intervals(4000, SEED, blocks=(10, 50))
    realistic = table[table["case"].str.contains("LibriSpeech")]
    of_ours = realistic[~realistic["what"].str.contains("given up|bootstrap")]
    assert len(of_ours) == 24
    # Standard error 0.35 points, and 0.8 of those on tables. Large differences are skewed.
    skewed = of_ours["what"].str.contains("fifth|large")
    bound = np.where(of_ours["n"] < 4000, 0.025, np.where(skewed, 0.03, 0.018))
    assert (abs(of_ours["share"] - 0.95) <= bound).all(), of_ours.to_string()
    # The same experiments: what was given up has the truth less often with few blocks of unequal size.
    for what in ("rate", "no difference", "interaction of 2 x 3"):
        ours, plain = (share(table, f"{what}: {how}", "harsher world; 10")[0] for how in ("ratio t", "plain, given up"))
        assert ours > plain
    assert share(table, "bootstrap", "LibriSpeech; 10")[0] < 0.93
    assert 0.925 <= share(table, "bootstrap", "LibriSpeech; 50")[0] <= 0.97


def test_with_six_even_blocks_no_denominator_is_off_by_one():
    rates = np.array([0.1, 0.1, 0.11, 0.12])
    drawn = draw(GENTLE, rates.tolist(), 20_000, 6, rng(9))
    coefficients = np.stack([simulations.DIFFERENCE[0] @ np.eye(2, 4), [-0.5, -0.5, 0.5, 0.5], [1, -1, -1, 1]])
    interval = drawn.contrasts(coefficients).interval
    truth = np.tile(coefficients @ rates, 20_000)
    inside = simulations.within(interval.low, interval.high, truth).reshape(-1, 3).mean(axis=0)
    # Standard error 0.15 points; without G / (G - 1) it is 1.6 points less, with a normal quantile 5 points less.
    assert inside == pytest.approx([0.95] * 3, abs=0.007)


def test_intervals_of_shares_near_one_have_the_truth_in_them():
    table = simulations.figures(simulations.of_shares(2000, SEED))
    assert len(table) == 12
    # Standard error 0.5 points; on the log scale it is 6 points less.
    assert (abs(table["share"] - 0.95) <= 0.023).all(), table.to_string()


# --- families


def at_most_five(hits, n):
    """The lower end of a 99 % binomial interval is at most 5 %."""
    return binomtest(int(hits.sum()), n).proportion_ci(0.99).low <= 0.05


def test_no_winner_among_twelve_settings_that_do_not_differ():
    n = 1000
    drawn = draw(LIBRISPEECH, [0.03] * 12, n, 24, rng(10))
    found = simulations.family(drawn.contrasts(simulations.BASELINE), n)
    any_found = {name: (p <= 0.05).any(axis=1) for name, p in found.items()}
    assert any_found["uncorrected"].mean() >= 0.2
    for name in ("Holm", "max-T"):
        assert at_most_five(any_found[name], n)
        assert any_found[name].mean() >= 0.015  # it is no test that never finds anything; standard error 0.7 points
    assert any_found["max-T"].mean() >= any_found["Holm"].mean() - 0.005


def test_no_winner_among_all_pairs_and_no_effect_in_a_grid_without_any():
    n = 400
    drawn = draw(LIBRISPEECH, [0.03] * 12, n, 24, rng(11))
    effects, several = simulations.grid_effects()
    assert several.tolist() == [False] * 4 + [True] * 5
    for coefficients in (simulations.PAIRS, effects):
        found = simulations.family(drawn.contrasts(coefficients), n)
        assert (found["uncorrected"] <= 0.05).any(axis=1).mean() >= 0.2
        for name in ("Holm", "max-T"):
            assert at_most_five((found[name] <= 0.05).any(axis=1), n)


def test_compare_and_effects_correct_a_family_as_the_kernels_do():
    drawn = draw(LIBRISPEECH, [0.03] * 11 + [0.036], 1, 12, rng(12))
    table = worlds.scores(drawn, setting=[f"{k:02}" for k in range(12)]).drop(columns="simulation")
    kernels = simulations.family(drawn.contrasts(simulations.BASELINE), 1)
    compared = lab.compare(table, "setting", "00", correction="max-t")
    assert compared["p_adjusted"].to_numpy(float) == pytest.approx(np.maximum(kernels["max-T"][0], compared["p"]))
    assert (lab.compare(table, "setting", "00")["p_adjusted"] >= compared["p"]).all()


# --- power


def test_a_plan_for_80_per_cent_finds_the_difference_in_80_of_100_experiments():
    for world, delta, comparisons in list(simulations.PLANS.values())[1:]:
        assert world.utterances_spread > 0.3
        plan = simulations.planned(world, delta, comparisons)
        speakers = int(plan["speakers"].iloc[0])
        hit = simulations.times_found(world, delta, comparisons, speakers=speakers, n=2000, rng=rng(13, comparisons))
        # Standard errors: 0.9 points of the plan, and of what is found.
        assert 0.75 <= hit.mean() <= 0.87, (world, speakers)
        fewer = simulations.times_found(
            world, delta, comparisons, speakers=speakers // 2, n=1000, rng=rng(14, comparisons)
        )
        assert fewer.mean() <= 0.65


@pytest.mark.parametrize("name", ["24 speakers, 1 comparison", "24 speakers, 11 comparisons"])
def test_what_compare_calls_detectable_where_nothing_differs_is_found_in_80_of_100_sweeps(name):
    world, speakers, arms = simulations.SIZES[name]
    read = [
        simulations.detectable(draw(world, [world.rate] * (arms + 1), 1, speakers, rng(15, arms, k))) for k in range(25)
    ]
    hit = simulations.times_seen(world, np.mean(read), arms, speakers=speakers, n=2000, rng=rng(16, arms))
    # Standard errors: 0.9 points, and some 2.5 by the sweeps that it is read off.
    assert 0.74 <= hit.mean() <= 0.90
    half = simulations.times_seen(world, np.mean(read) / 2, arms, speakers=speakers, n=1000, rng=rng(17, arms))
    assert half.mean() <= 0.5


# --- margins


@pytest.mark.parametrize("speakers", [10, 24])
def test_a_setting_worse_by_the_margin_is_seldom_called_as_good_where_the_interval_is_asked_too(speakers):
    table = simulations.study_margins(5000, SEED)
    table = table[table["case"] == f"as LibriSpeech; {speakers} speakers"]
    # Standard error 0.3 points.
    assert len(table) == 18
    assert (share(table, "p and interval") <= 0.06).all()
    # It is no test that never finds anything, and p alone finds too much where differences are large.
    both, alone = (share(table, f"non-inferiority, {what}") for what in ("p and interval", "p alone"))
    assert ((both >= 0.015) & (both < alone)).all()
    assert ((alone >= 0.045) & (alone <= 0.1)).all()


# --- limits


def test_settings_of_the_same_rate_that_cannot_be_swapped_are_told_apart():
    drawn = simulations.with_loops(LIBRISPEECH, 2000, 10, rng(18))
    errors, lengths = drawn.sums()
    same = errors.sum(axis=1) / lengths.sum()
    # Standard error of the loops: 150 * 32 of the words of 20,000 speakers, 1.5 % of the rate.
    assert same == pytest.approx([0.03 + 0.05 * 150 / 1300] * 2, rel=0.04)
    found = {what: hit.mean() for what, hit in simulations.by_speaker(drawn).items()}
    assert found["sign-flip by speaker (default)"] >= 0.2


# --- the study itself


def test_claims_are_held_against_the_figures():
    tables = {
        "tests": simulations.figures([("as; 10 speakers", "sign-flip by speaker (default)", 4000, 0.066, 0.004)]),
        "families": simulations.figures([("all 66 pairs", "any found, Holm", 4000, 0.05, 0.0034)]),
    }
    met = {one.claim: one.met for one in simulations.claims(tables)}
    assert list(met.values()) == [False, True, True]
    text = simulations.report(tables, 90.0)
    assert "6.6 ± 0.4" in text
    assert "**missed**" in text
    assert "4,000" in text


def test_claims_of_plans_sizes_and_margins_miss_what_is_out_of_bounds():
    def held(name, case, what, share, n=4000):
        return [one.met for one in simulations.claims({name: simulations.figures([(case, what, n, share, 0.01)])})]

    plans = simulations.figures(
        [
            ("a", "9 speakers by assumptions: planned 0.81, found", 4000, 0.77, 0.01),
            ("a", "8 to 9 speakers by 60 pilots: planned 0.8, found, on average (sd 9 among pilots)", 4000, 0.86, 0.01),
        ]
    )
    assert [(one.met, one.found) for one in simulations.claims({"power": plans})] == [
        (True, "-4.0 to -4.0 points"),
        (False, "+6.0 to +6.0 points"),
    ]
    assert held("detectable", "24 speakers", "0.40 points", 0.74) == [False]
    assert held("margins", "as LibriSpeech; 10 speakers", "equivalence, p and interval, 10 % worse", 0.061) == [False]
    assert held("families", "all 66 pairs", "any found, compare() with holm", 0.075, n=1000) == [False]


def test_the_committed_results_are_of_this_program():
    text = simulations.RESULTS.read_text(encoding="utf-8")
    assert f"Seed {simulations.SEED}" in text
    for title in simulations.TITLES.values():
        assert f"## {title}" in text
    names = pd.Series(list(simulations.PLANS))
    assert names.map(lambda name: name in text).all()
