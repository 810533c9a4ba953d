"""Power: what simulated experiments find, against theory, against other people's estimates, and against the truth."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from marked import difference_interval
from scipy import stats

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.comparison import compare
from asrlab.stats.experiments import _jackknifed, _speakers, times_found
from asrlab.stats.population import Population, assumed, from_pilot, variance_components
from asrlab.stats.power import power
from asrlab.stats.sign_flips import sign_flip, sign_flips

SD, LENGTH = 1.3, 10.0


def normal(interaction=0.0, **options):
    """Make a population of utterances whose differences are normal, but for errors that a difference adds."""
    residuals = SD * stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    residuals *= SD / residuals.std()
    # Half of all words are wrong, and so much of that is not shared that independent errors have this variance.
    unshared = SD**2 / LENGTH
    return Population(np.full(4000, LENGTH), residuals, interaction, 0.5, unshared, 1.0, **options)


def standard_error(delta, speakers, utterances, interaction=0.0):
    """Give the standard error of a difference in that population: errors that make it are Poisson."""
    return math.sqrt(((SD**2 + delta * LENGTH) / utterances / LENGTH**2 + interaction**2) / speakers)


def usual(**options):
    """Make an assumed population."""
    return assumed(
        **{"rate": 0.05, "length": 18, "shared": 0.75, "overdispersion": 1.9, "interaction": 0.1, "unit": "word"}
        | {"utterances_spread": 0.3, "seed": 0}
        | options
    ).population


def of_pilot(scores, **options):
    return from_pilot(
        scores,
        **{"along": "engine", "baseline": "old", "setting": None, "unit": None, "overdispersion": 1.9}
        | {"interaction": None}
        | options,
    )


def t_power(delta, error, speakers, level=0.05):
    """Give the power of the paired t test, on the right side."""
    return stats.nct.sf(stats.t.ppf(1 - level / 2, speakers - 1), speakers - 1, delta / error)


def errors_of(rng, lengths, *, rate=0.12, own=0.4, interaction=0.02, delta=0.0):
    """Draw errors of both settings: speakers x utterances of a made-up engine that has nothing of ours in it."""
    n, speaker = lengths, (lengths.shape[0], 1)
    hard = rng.gamma(2.0, 0.5, n.shape)
    common = rng.poisson(n * rate * (1 - own) * hard)
    tastes = delta + interaction * rng.standard_normal(speaker)
    base = common + rng.poisson(n * rate * own * hard)
    arm = common + rng.poisson(np.maximum(n * (rate * own * hard + tastes), 0))
    return arm, base


def scores_of(arm, base, lengths, **columns):
    """Put errors of speakers x utterances down as a table of scores."""
    g, u = (index.ravel() for index in np.indices(lengths.shape))
    sides = [
        pd.DataFrame(
            {
                "utt_id": [f"{a}-{b}" for a, b in zip(g, u, strict=True)],
                "block": [f"speaker:{a:03d}" for a in g],
                "block_kind": "speaker",
                "unit": "word",
                "condition": name,
                "engine": name,
                "subs": np.zeros(g.size, dtype=int),
                "dels": np.zeros(g.size, dtype=int),
                "ins": errors.ravel(),
                "ref_len": lengths.ravel(),
            }
        )
        for name, errors in (("old", base), ("new", arm))
    ]
    return pd.concat(sides, ignore_index=True).assign(**columns)


def pilot(speakers=24, utterances=15, seed=1, interaction=0.02, delta=-0.01, **columns):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(5, 30, (speakers, utterances))
    return scores_of(*errors_of(rng, lengths, interaction=interaction, delta=delta), lengths, **columns)


def plan(delta, scores=None, **options):
    return power(delta, pilot() if scores is None else scores, along="engine", baseline="old", **options)


def only(table):
    assert len(table) == 1
    return table.iloc[0]


# --- experiments


@pytest.mark.parametrize(
    ("speakers", "utterances", "delta", "interaction"),
    [(9, 20, 0.034, 0.0), (14, 5, 0.05, 0.03), (30, 5, 0.04, 0.04), (600, 3, 0.008, 0.03)],
)
def test_normal_differences_are_found_as_often_as_a_t_test_would(speakers, utterances, delta, interaction):
    error = standard_error(delta, speakers, utterances, interaction)
    expected = t_power(delta, error, speakers)
    assert 0.5 < expected < 0.95  # where a mistake would show
    times = times_found(normal(interaction), delta, speakers, utterances, simulations=4000)
    assert times / 4000 == pytest.approx(expected, abs=0.025)


def test_more_utterances_than_are_drawn_at_a_time():
    error = standard_error(0.0025, 10, 2500)
    times = times_found(normal(), 0.0025, 10, 2500, simulations=1500)
    assert 0.6 < (expected := t_power(0.0025, error, 10)) < 0.9
    assert times / 1500 == pytest.approx(expected, abs=0.04)


def test_the_smallest_p_is_not_lost_to_rounding():
    level = 1 - (1 - 2 / 64)  # of six speakers that all agree, as computed from a confidence
    assert times_found(normal(), 1.0, 6, 5, level=level, simulations=200) == 200
    assert times_found(normal(), 1.0, 6, 5, level=0.05 / 1.6 - 1e-17, simulations=200) == 200
    assert times_found(normal(), 1.0, 6, 5, level=0.031, simulations=200) == 0


@pytest.mark.parametrize(("delta", "shared"), [(0.03, 0.9), (-0.03, 0.2)])
def test_power_is_that_of_experiments_drawn_one_by_one(delta, shared):
    options = {"rate": 0.1, "length": 12, "shared": shared, "overdispersion": 2, "interaction": 0.2}
    population = usual(**options, utterances_spread=0.8)
    rng, found = np.random.default_rng(5), 0
    least = min(0.1, 0.1 + delta)
    apart = 0.2 * 0.1 / math.sqrt(1 + 0.4**2)
    for _ in range(800):
        errors, units = [], []
        for _ in range(18):
            said = 1 + rng.poisson(rng.gamma(0.8**-2, 0.8**2) * 7)  # about as uneven
            n = rng.choice(population.lengths, said).sum()
            hard = rng.gamma(0.4**-2, 0.4**2)
            alone = n * hard * np.array([least * (1 - shared) + max(delta, 0), least * (1 - shared) + max(-delta, 0)])
            arm, base = rng.negative_binomial(alone, 0.5)  # of variance 2 times their mean
            errors.append(arm - base + hard * apart * rng.standard_normal() * n)
            units.append(n)
        low, high = difference_interval(errors, units, np.zeros(18), units)[1:3]
        found += delta * sum(errors) > 0 and low * high > 0 and sign_flip(errors, resamples=999).p <= 0.05
    assert 0.3 < found / 800 < 0.95
    assert times_found(population, delta, 18, 8) / 2000 == pytest.approx(found / 800, abs=0.05)


@pytest.mark.parametrize("speakers", [10, 24, 501])
def test_no_difference_is_found_in_the_right_direction_half_as_often_as_the_level(speakers):
    times = times_found(normal(0.05), 1e-12, speakers, 4, simulations=6000)
    # Both p and the interval have to say so.
    assert 0.019 < times / 6000 < 0.029


def test_many_speakers_are_tested_alike_on_either_side_of_the_border():
    by_signs, by_normal = (times_found(usual(), 0.0072, n, 1, simulations=3000) / 3000 for n in (500, 501))
    assert 0.6 < by_signs < 0.9
    assert by_normal == pytest.approx(by_signs, abs=0.02)


# --- what a difference brings with it


def test_a_sparse_pilot_without_a_difference_does_not_hide_the_luck_of_one():
    rng = np.random.default_rng(11)
    speakers, utterances, words, extra = 24, 15, 20, 7.2
    n = speakers * utterances
    lengths, base = np.full((speakers, utterances), words), rng.poisson(0.6, n)
    arm, old = base.copy(), base.copy()
    # Two words on each side, of 7,200.
    np.add.at(arm, rng.integers(0, n, 2), 1)
    np.add.at(old, rng.integers(0, n, 2), 1)
    scores = scores_of(arm.reshape(lengths.shape), old.reshape(lengths.shape), lengths)
    drawn = rng.poisson((2 + extra) / speakers, (2000, speakers)) - rng.poisson(2 / speakers, (2000, speakers))
    group, block = (index.ravel() for index in np.indices(drawn.shape))
    flipped = sign_flips(drawn.ravel().astype(float), group=group, block=block, n_groups=2000, resamples=1999)
    found = ((flipped.p <= 0.05) & (drawn.sum(axis=1) > 0)).mean()
    assert 0.38 < found < 0.48
    row, independent = (
        only(plan(extra / (n * words), scores, speakers=24, **options)) for options in ({}, {"overdispersion": 1})
    )
    # What is usual is more careful than independent words ask for.
    assert found - 0.15 < row["power"] < found + 0.03
    assert independent["power"] == pytest.approx(found, abs=0.12)


def test_more_errors_alone_have_more_variance():
    population = usual(rate=0.05, shared=0.8, overdispersion=1.5)
    assert population.within(0) == pytest.approx(population.shown())
    assert population.within(0.03) == pytest.approx(1.5 * (2 * 0.01 + 0.03))
    # A better setting makes a fifth of its own errors alone: 0.4 points. The baseline makes them too, and 3 points.
    assert population.within(-0.03) == pytest.approx(1.5 * (2 * 0.004 + 0.03))
    assert population.within(-0.06) == pytest.approx(1.5 * 0.06)  # nobody mends more than all
    assert population.between(0.03) == pytest.approx((0.1 * 0.05) ** 2 + (0.4 * 0.03) ** 2)


@pytest.mark.parametrize("delta", [-0.002, 0.002])
def test_luck_is_skewed_to_where_errors_are_added(delta):
    sparse = usual(rate=0.01, shared=0.99, interaction=0)
    d, units = (np.concatenate(some) for some in zip(*_speakers(sparse, delta, (20, 5, 1000), [0]), strict=True))
    assert d.sum() / units.sum() == pytest.approx(delta, rel=0.1)
    assert stats.skew(d, axis=None) * np.sign(delta) > 1


@pytest.mark.parametrize("delta", [-0.06, 0.0, 0.06])
def test_what_a_pilot_shows_has_its_own_difference_in_it(delta):
    scores = pilot(speakers=80, utterances=40, interaction=0, delta=delta, seed=2)
    population = of_pilot(scores, overdispersion=1.3).population
    seen = scores.groupby("engine")["ins"].sum() / scores.groupby("engine")["ref_len"].sum()
    assert population.within(seen["new"] - seen["old"]) == pytest.approx(population.shown(), rel=0.02)
    # Errors alone are a given share of those of the better one.
    better = min(seen)
    unshared = (population.shown() / 1.3 - abs(seen["new"] - seen["old"])) / 2 / better
    assert population.unshared == pytest.approx(unshared, rel=0.02)


def test_a_smaller_difference_than_the_pilot_has_takes_off_no_more_than_is_sure():
    population = of_pilot(pilot(speakers=80, utterances=40, delta=0.06, seed=2)).population
    assert population.difference == pytest.approx(0.06, abs=0.01)
    assert population.within(0.01) == pytest.approx(population.shown() - (population.difference - 0.01))
    assert population.within(0.1) == pytest.approx(population.shown() + 1.9 * (0.1 - population.difference))


def test_a_pilot_in_which_one_setting_makes_all_errors():
    scores = pilot(speakers=30)
    scores.loc[scores["engine"] == "old", "ins"] = 0
    population = of_pilot(scores).population
    rate = scores["ins"].sum() / scores.loc[scores["engine"] == "new", "ref_len"].sum()
    assert population.within(rate) >= population.shown() * (1 - 1e-9)
    assert population.within(rate / 2) < population.shown()


# --- speakers of whom there is more


@pytest.mark.parametrize(("spread", "utterances"), [(0.3, 20), (1.0, 5), (0.3, 1), (2.0, 2)])
def test_numbers_of_utterances_are_as_many_as_asked_for_on_average(spread, utterances):
    numbers = usual(utterances_spread=spread).numbers(utterances)
    assert numbers.mean() == pytest.approx(utterances)
    assert numbers.min() >= 1
    if utterances == 20:
        assert numbers.std() / numbers.mean() == pytest.approx(spread, rel=0.02)


def test_as_many_speakers_as_the_pilot_has_say_as_much_as_its_own():
    scores = pilot(speakers=12, utterances=18)
    place = scores["utt_id"].str.split("-").str[1].astype(int)
    uneven = scores[(scores["block"] == "speaker:000") | (place < 9)]
    numbers = of_pilot(uneven).population.numbers(10)
    np.testing.assert_allclose(sorted(numbers), [9 * 10 / 9.75] * 11 + [18 * 10 / 9.75])
    # All of it is drawn, once each: the heaviest speaker is always there.
    ideal = of_pilot(uneven).population._replace(lengths=np.ones(1), residuals=np.zeros(1), overdispersion=0.0)
    units = np.concatenate([units for _, units in _speakers(ideal, 0.01, (12, 975, 50), [0])])
    assert (units.max(axis=0) > 1700).all()
    assert (units > 1700).sum() == 50
    others = np.concatenate([units for _, units in _speakers(ideal, 0.01, (24, 975, 50), [0])])
    assert (others > 1700).sum() == pytest.approx(50 * 24 / 12, rel=0.3)


def test_a_speaker_with_half_of_all_words_costs_power():
    uneven = np.array([110] + [10] * 11)
    population = normal(0.03, sizes=uneven / uneven.mean())
    rng, found, by_p = np.random.default_rng(3), 0, 0
    delta, within = 0.03, SD**2 / LENGTH + 0.03
    units = uneven * LENGTH
    for _ in range(1500):
        d = delta * units + np.sqrt(within * units) * rng.standard_normal(12) + 0.03 * units * rng.standard_normal(12)
        low, high = difference_interval(d, units, np.zeros(12), units)[1:3]
        p = sign_flip(d).p <= 0.05 and d.sum() > 0
        by_p, found = by_p + p, found + (p and low * high > 0)
    times = times_found(population, delta, 12, round(uneven.mean()), simulations=3000) / 3000
    assert times == pytest.approx(found / 1500, abs=0.035)
    assert by_p - found > 0.06 * 1500  # p alone would find more
    even = times_found(normal(0.03), delta, 12, round(uneven.mean()), simulations=3000) / 3000
    assert even > times + 0.1


@pytest.mark.parametrize("shape", [(8, 300), (40, 50)])
def test_intervals_are_those_of_compare(shape):
    rng = np.random.default_rng(1)
    units = rng.gamma(2.0, 50.0, shape)
    errors = units * (0.02 + 0.05 * rng.standard_normal(shape))
    ratio, error = _jackknifed(errors, units)
    for k in range(shape[1]):
        expected = difference_interval(errors[:, k], units[:, k], np.zeros(shape[0]), units[:, k])
        assert (ratio[k], error[k]) == pytest.approx((expected.estimate, expected.standard_error))
    same = np.full((6, 1), 3.0)
    assert math.isnan(_jackknifed(same, same)[1][0])  # no spread is not that there is none


def test_stricter_intervals_find_less():
    times = [times_found(normal(), 0.034, 9, 20, confidence=level, simulations=1000) for level in (0.5, 0.95, 0.999)]
    assert times[0] >= times[1] > times[2] + 100
    many = [times_found(normal(), 0.004, 600, 20, confidence=level, simulations=500) for level in (0.95, 0.9999)]
    assert many[0] > many[1] + 100


def test_same_seed_same_table_and_power_grows_with_all_that_helps():
    grid = {"speakers": [8, 16, 40], "utterances": [5, 40]}
    table = power([0.005, 0.01, 0.02], rate=0.08, **grid, simulations=1000)
    pd.testing.assert_frame_equal(table, power([0.005, 0.01, 0.02], rate=0.08, **grid, simulations=1000))
    assert not table.equals(power([0.005, 0.01, 0.02], rate=0.08, **grid, simulations=1000, seed=1))
    assert len(table) == 18
    for name, others in (
        ("delta", ["speakers", "utterances"]),
        ("speakers", ["delta", "utterances"]),
        ("utterances", ["delta", "speakers"]),
    ):
        steps = table.sort_values(name).groupby(others)["power"].diff().dropna()
        assert (steps >= 0).all(), name
        assert (steps > 0.02).sum() > 8, name
    assert table["enough"].tolist() == (table["power"] >= 0.8).tolist()
    assert (table["n_utts"] == table["speakers"] * table["utterances"]).all()


def test_which_of_two_settings_is_the_baseline_does_not_matter_to_an_assumed_model():
    options = {"speakers": 20, "utterances": 20, "interaction": 0}
    worse, better = (only(power(delta, rate=rate, **options)) for delta, rate in ((0.01, 0.08), (-0.01, 0.09)))
    assert better["power"] == pytest.approx(worse["power"], abs=0.03)


def test_memory_is_bounded():
    tracemalloc.start()
    times_found(normal(), 0.001, 4000, 15, simulations=300)  # 144 MB of differences if held at once
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6


# --- where it varies


def test_components_are_those_of_a_mixed_model_where_blocks_are_equal():
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    rng = np.random.default_rng(3)
    block = np.repeat(np.arange(20), 12)
    differences = rng.normal(0, 1.5, 240) + np.repeat(rng.normal(0.3, 0.8, 20), 12)
    fitted = mixed.MixedLM(differences / 5, np.ones(240), groups=block).fit(reml=True)
    found = variance_components(differences, np.full(240, 5.0), block)
    assert found.between == pytest.approx(fitted.cov_re[0, 0], rel=1e-3)
    assert found.within / 5 == pytest.approx(fitted.scale, rel=1e-3)


def test_components_are_unbiased_where_blocks_are_unequal():
    rng = np.random.default_rng(4)
    block = np.repeat(np.arange(12), rng.integers(1, 25, 12))
    lengths = rng.integers(2, 40, len(block)).astype(float)
    found = np.array(
        [
            variance_components(
                lengths * (0.03 + 0.05 * rng.standard_normal(12))[block]
                + rng.standard_normal(len(block)) * np.sqrt(0.2 * lengths),
                lengths,
                block,
            )
            for _ in range(4000)
        ]
    )
    for mean, error, truth in zip(found.mean(axis=0), found.std(axis=0) / 4000**0.5, (0.2, 0.05**2), strict=True):
        assert abs(mean - truth) < 3.5 * error
        assert error < 0.03 * truth


def test_components_not_to_be_seen_are_not_said():
    one = variance_components(np.array([1.0, 0.0, 2.0]), np.full(3, 9.0), np.zeros(3, dtype=np.int64))
    assert one.within == pytest.approx(2 / 18)  # squares 2, of 27 - 243/27 = 18 units
    assert math.isnan(one.between)
    assert all(map(math.isnan, variance_components(np.array([1.0, 0.0]), np.full(2, 9.0), np.arange(2))))
    empty = variance_components(np.array([1.0, 0.0, 2.0, 5.0]), np.array([9.0, 9.0, 9.0, 0.0]), np.array([0, 0, 0, 1]))
    assert empty.within == pytest.approx(one.within)  # a block without reference units has no rate


def test_an_assumed_population_has_the_moments_that_were_assumed():
    population = usual(rate=0.04, length=20, shared=0.7, overdispersion=1.8, interaction=0.15, unit="char", seed=2)
    lengths, residuals, interaction = population[:3]
    assert lengths.mean() == pytest.approx(20)
    assert lengths.std() == pytest.approx(0.68 * 20, rel=0.01)
    assert residuals.sum() == pytest.approx(0, abs=1e-6)
    assert (residuals**2).mean() == pytest.approx(2 * 0.3 * 1.8 * 0.04 * 20)
    assert interaction == pytest.approx(0.15 * 0.04)
    # The settings agree on an utterance where two negative binomial numbers do.
    counts = np.arange(60)[:, None]
    alike = (stats.nbinom.pmf(counts, 0.04 * 0.3 * lengths / 0.8, 1 / 1.8) ** 2).sum(axis=0)
    assert (np.abs(residuals) > 0.5).mean() == pytest.approx(1 - alike.mean(), abs=0.01)


def test_design_effect_is_that_of_speakers_drawn():
    options = {"rate": 0.1, "interaction": 0.3, "utterances_spread": 0.6}
    row = only(power(0.04, **options, speakers=10, utterances=25, simulations=100))
    lengths, residuals, interaction = usual(**options)[:3]
    residuals = residuals * math.sqrt((2 * 0.25 * 0.1 + 0.04) / (2 * 0.25 * 0.1))  # what the difference brings
    rng = np.random.default_rng(0)
    said = np.maximum(np.rint(rng.gamma(0.6**-2, 0.6**2 * 25, 40_000)), 1).astype(int)
    speaker, first = np.repeat(np.arange(40_000), said), np.cumsum(said) - said
    picked = rng.integers(0, len(lengths), len(speaker))
    own = math.hypot(interaction, 0.4 * 0.04) * rng.standard_normal(len(speaker))
    together = np.add.reduceat(residuals[picked] + own[:40_000][speaker] * lengths[picked], first).var()
    apart = np.add.reduceat(residuals[picked] + own * lengths[picked], first).var()
    assert row["design_effect"] == pytest.approx(together / apart, rel=0.05)
    assert row["design_effect"] > 2.5
    alone = only(power(0.01, rate=0.1, interaction=0.3, speakers=10, utterances=1, simulations=100))
    assert alone["design_effect"] == 1


# --- pilots


def test_a_pilot_plans_the_power_that_fresh_experiments_have():
    rng = np.random.default_rng(11)
    delta, speakers, utterances = 0.015, 30, 20
    lengths = rng.integers(5, 30, (1500, speakers, utterances))
    drawn = [errors_of(rng, some, delta=delta) for some in lengths]
    differences = np.array([(arm - base).sum(axis=1) for arm, base in drawn], dtype=float)
    group, block = (index.ravel() for index in np.indices(differences.shape))
    found = sign_flips(differences.ravel(), group=group, block=block, n_groups=1500, resamples=1999)
    achieved = ((found.p <= 0.05) & (differences.sum(axis=1) > 0)).mean()
    assert 0.6 < achieved < 0.95
    planned = [
        only(plan(delta, pilot(seed=seed, delta=delta), speakers=speakers, utterances=utterances, simulations=500))[
            "power"
        ]
        for seed in range(16)
    ]
    assert np.mean(planned) == pytest.approx(achieved, abs=0.05)


@pytest.mark.parametrize("longer", [0, 1])
def test_the_smallest_difference_of_the_pilot_itself_is_what_compare_calls_detectable(longer):
    # With about the difference that is looked for, since it brings its own luck.
    scores = pilot(speakers=30, utterances=40, seed=3, delta=0.01 + 0.007 * longer)
    scores.loc[scores["engine"] == "new", "ref_len"] += longer  # marked against another wording
    row = only(plan("smallest", scores, speakers=30))
    assert row["utterances"] == 40
    assert row["delta"] == pytest.approx(float(compare(scores, "engine", "old")["detectable"].iloc[0]), rel=0.06)


def test_repeats_add_up_to_one_utterance_and_say_nothing_of_speakers():
    scores = pilot()
    twice = pd.concat([scores.assign(repeat=n) for n in (0, 1)], ignore_index=True)
    once, both = of_pilot(scores), of_pilot(twice)
    assert both.utterances == once.utterances == 15
    np.testing.assert_allclose(both.population.lengths, 2 * once.population.lengths)
    np.testing.assert_allclose(both.population.residuals, 2 * once.population.residuals)
    assert both.population.interaction == pytest.approx(once.population.interaction)
    assert both.population.within(0.02) == pytest.approx(2 * once.population.within(0.02))


def test_residuals_of_a_pilot_have_the_variance_within_speakers_and_not_that_of_their_means():
    scores = pilot(speakers=60, utterances=6, interaction=0.06, seed=9)
    source = of_pilot(scores)
    wide = scores.pivot_table(index=["block", "utt_id"], columns="engine", values=["ins", "ref_len"], sort=True)
    differences = (wide["ins"]["new"] - wide["ins"]["old"]).to_numpy(float)
    lengths, block = wide["ref_len"]["old"].to_numpy(float), np.repeat(np.arange(60), 6)
    expected = variance_components(differences, lengths, block)
    n, residuals, interaction = source.population[:3]
    assert (residuals**2).sum() / n.sum() == pytest.approx(expected.within)
    # Some of it is in proportion to speakers' rates, by as much as the difference is more than luck.
    units = np.bincount(block, lengths)
    all_alike = differences.sum() / lengths.sum()
    luck = (expected.within * units + expected.between * units**2).sum() / units.sum() ** 2
    assert interaction**2 == pytest.approx(expected.between - 0.4**2 * max(all_alike**2 - luck, 0))
    assert source.rate == pytest.approx(wide["ins"]["old"].sum() / lengths.sum())
    assert source.note == f"setting x speaker interaction {interaction / source.rate:.2g} of the rate"
    # What a speaker's mean explains is taken away by as much as it is more than luck.
    more = expected.between / (expected.between + expected.within / units)
    own = all_alike + more * (np.bincount(block, differences) / units - all_alike)
    left = differences - own[block] * lengths
    assert np.corrcoef(residuals, left)[0, 1] > 0.9999


def test_failed_answers_and_those_without_a_partner_tell_nothing():
    scores = pilot()
    some = scores.copy()
    some.loc[[3, 400], ["subs", "dels", "ins", "ref_len"]] = pd.NA
    left = scores[~scores["utt_id"].isin(scores.loc[[3, 400], "utt_id"])]
    pd.testing.assert_frame_equal(plan(0.02, some, speakers=12), plan(0.02, left, speakers=12))


def test_utterances_as_blocks_are_planned_as_such():
    scores = pilot()
    row = only(plan(0.02, scores.assign(block=scores["utt_id"], block_kind="utterance"), speakers=100))
    assert (row["utterances"], row["n_utts"], row["design_effect"]) == (1, 100, 1)
    assert row["test"] == "sign-flip by utterance"
    assert "if speakers repeat" in row["note"]


def test_one_speaker_and_few_speakers_say_what_they_do_not_know():
    one = pilot(speakers=1, utterances=80)
    with pytest.raises(
        InvalidInput, match=r"one speaker, which cannot show how much speakers differ\. Give interaction="
    ):
        plan(0.02, one)
    rows = [only(plan(0.01, one, speakers=20, interaction=share)) for share in (0.0, 0.3)]
    assert rows[0]["power"] > rows[1]["power"]
    assert 1 < rows[0]["design_effect"] < rows[1]["design_effect"]  # differences are in proportion to speakers' rates
    assert "setting x speaker interaction 0.3 of the rate" in rows[1]["note"]
    assert "which 4 speakers tell little about" in only(plan(0.02, pilot(speakers=4), speakers=20))["note"]
    single = only(plan(0.02, pilot(speakers=50, utterances=1), speakers=20))
    assert "one utterance of each speaker: an interaction cannot be seen" in single["note"]


def test_along_the_condition_axes_that_go_with_it_do_not_matter():
    scores = pilot()
    by_engine, by_condition = (
        power(0.02, scores, along=along, baseline="old", speakers=12) for along in ("engine", "condition")
    )
    # Along the engine, the condition goes with it.
    pd.testing.assert_frame_equal(by_engine, by_condition)


# --- looking for the smallest


def test_smallest_number_of_speakers_reaches_the_target_and_one_less_does_not():
    row = only(power(0.01, rate=0.08, utterances=40))
    before = only(power(0.01, rate=0.08, utterances=40, speakers=int(row["speakers"]) - 1))
    assert before["power"] < 0.8 <= row["power"]
    assert row["enough"]
    assert not before["enough"]
    given = only(power(0.01, rate=0.08, utterances=40, speakers=int(row["speakers"])))
    pd.testing.assert_series_equal(row, given)


def test_smallest_number_of_utterances_and_smallest_difference():
    row = only(power(0.01, rate=0.08, speakers=20, utterances="smallest"))
    fewer = only(power(0.01, rate=0.08, speakers=20, utterances=int(row["utterances"] * 0.9)))
    assert fewer["power"] < 0.8 <= row["power"] < 0.83
    row = only(power("smallest", rate=0.08, speakers=20, utterances=30))
    less = only(power(float(row["delta"]) * 0.97, rate=0.08, speakers=20, utterances=30))
    assert less["power"] < 0.8 <= row["power"] < 0.81


def test_large_plans_come_out_as_normal_theory_has_them():
    row = only(power(0.004, rate=0.05, utterances=1, interaction=0))
    one = 1.9 * (2 * 0.25 * 0.05 + 0.004) * 18 / 18**2  # variance of one utterance's difference of rates
    one += (0.4 * 0.004) ** 2 * (1 + 0.68**2)
    expected = one * ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 0.004) ** 2
    assert row["speakers"] == pytest.approx(expected, rel=0.05)


def test_more_utterances_do_not_make_up_for_speakers():
    row = only(power(0.005, rate=0.08, speakers=8, utterances="smallest", interaction=0.2))
    assert pd.isna(row["utterances"])
    assert pd.isna(row["n_utts"])
    assert row["note"].startswith("no number of utterances is enough: speakers differ too much, take more speakers")
    limit = t_power(0.005, 0.2 * 0.08 / math.sqrt(8), 8)  # what is left when all else is known
    assert row["power"] == pytest.approx(limit, abs=0.03)
    assert not row["enough"]


def test_too_few_speakers_find_nothing_whatever_else():
    table = power(0.05, rate=0.1, speakers=[5, 6], utterances=1000, interaction=0)
    assert table["power"].iloc[0] == 0
    assert table["power"].iloc[1] > 0.95
    assert (
        table["note"].iloc[0].startswith("5 speakers cannot give p below 0.062, and 0.05 is needed: 6 are the fewest")
    )
    assert "cannot" not in table["note"].iloc[1]
    nothing = only(power("smallest", rate=0.1, speakers=5))
    assert pd.isna(nothing["delta"])
    assert nothing["power"] == 0
    nine = power(0.05, rate=0.1, speakers=[8, 9], utterances=1000, interaction=0, comparisons=12)
    assert nine["power"].iloc[0] == 0
    assert nine["power"].iloc[1] > 0.95


def test_what_is_out_of_reach_is_said():
    row = only(power(0.00001, rate=0.05))
    assert pd.isna(row["speakers"])
    assert pd.isna(row["power"])
    assert not row["enough"]
    assert row["note"].startswith("not even 10,000 speakers are enough")


def test_many_comparisons_ask_for_smaller_p():
    table = [only(power(0.01, rate=0.08, speakers=24, utterances=30, comparisons=m)) for m in (1, 12)]
    assert table[0]["power"] > table[1]["power"] + 0.1
    stricter = only(power(0.01, rate=0.08, speakers=24, utterances=30, confidence=1 - 0.05 / 12))
    assert 0 <= table[1]["power"] - stricter["power"] < 0.07  # the interval is not corrected
    assert table[1]["n_comparisons"] == 12
    assert (
        "compare() needs resamples=20000 or more"
        in only(power(0.01, rate=0.08, speakers=24, comparisons=1000, simulations=100))["note"]
    )


def test_the_table_says_how_it_was_made():
    options = {"rate": 0.08, "speakers": 20, "confidence": 0.9, "simulations": 500, "seed": 3, "unit": "char"}
    table = power(0.01, target=0.7, **options)
    assert list(table.columns) == list(tables.SCHEMAS["power"])
    row = only(table)
    assert row[["target", "confidence", "n_simulations", "seed", "unit", "rate", "source", "correction"]].tolist() == [
        0.7,
        0.9,
        500,
        3,
        "char",
        0.08,
        "assumed",
        "holm",
    ]
    near = [only(power(0.01, target=row["power"] + step, **options))["enough"] for step in (-0.01, 0.0, 0.01)]
    assert near == [True, True, False]
    low, high = stats.binomtest(round(row["power"] * 500), 500).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["note"] == (
        "assumed: 18 chars an utterance, 0.75 of errors shared, overdispersion 1.9, setting x speaker interaction 0.1 "
        "of the rate, numbers of utterances with a spread of 0.3 of their mean"
    )


# --- what is refused

ASSUMED = {"rate": 0.05, "speakers": 10}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delta": 0.01}, "Give a pilot .* or the rate= of the baseline"),
        ({"delta": 0.3, **ASSUMED}, "0.3 is 30 points, .* rate is 5 %. If 0.3 points are meant, they are 0.003"),
        ({"delta": 0.0, **ASSUMED}, "must be a true difference"),
        ({"delta": math.nan, **ASSUMED}, "must be a true difference"),
        ({"delta": [], **ASSUMED}, "delta must be a share"),
        ({"delta": "some", **ASSUMED}, "delta must be a share"),
        ({"delta": 0.01, "rate": 5}, "rate must lie between .* 5 % is 0.05"),
        ({"delta": 0.01, "rate": -0.1}, "rate must lie between"),
        ({"delta": 0.01, "rate": math.nan}, "rate must lie between"),
        ({"delta": 0.01, **ASSUMED, "shared": 1}, "settings that share all errors never differ"),
        ({"delta": 0.01, **ASSUMED, "interaction": -0.1}, "interaction must lie"),
        ({"delta": 0.01, **ASSUMED, "overdispersion": 0.5}, "overdispersion must lie"),
        ({"delta": 0.01, **ASSUMED, "length": 0}, "length must lie"),
        ({"delta": 0.01, **ASSUMED, "utterances_spread": -0.1}, "utterances_spread must lie"),
        ({"delta": 0.01, **ASSUMED, "target": 80}, "target must lie"),
        ({"delta": 0.01, **ASSUMED, "target": 0.01}, "target must lie"),
        ({"delta": 0.01, **ASSUMED, "confidence": 95}, "confidence must lie"),
        ({"delta": 0.01, **ASSUMED, "comparisons": 0}, "comparisons must be a whole number"),
        ({"delta": 0.01, **ASSUMED, "simulations": 10}, "simulations must be a whole number"),
        ({"delta": 0.01, **ASSUMED, "seed": -1}, "seed must be a whole number"),
        ({"delta": 0.01, "rate": 0.05, "speakers": 0}, "speakers must be a whole number from 1"),
        ({"delta": 0.01, "rate": 0.05, "speakers": 2.5}, "speakers must be a whole number from 1"),
        ({"delta": 0.01, "rate": 0.05, "speakers": None}, "speakers must be a whole number from 1"),
        ({"delta": 0.01, **ASSUMED, "utterances": [20, 0]}, "utterances must be a whole number from 1"),
        ({"delta": 0.01, **ASSUMED, "utterances": "many"}, "utterances must be a whole number from 1"),
        ({"delta": "smallest", "rate": 0.05}, "not of delta and speakers: .* Give numbers for speakers"),
        ({"delta": 0.01, "rate": 0.05, "utterances": "smallest"}, "not of speakers and utterances"),
        ({"delta": 0.01, "rate": 0.05, "speakers": 10_000, "utterances": 1000}, "more than are simulated"),
        ({"delta": 0.01, "rate": 0.05, "utterances": 100_000}, "more than are simulated"),
    ],
)
def test_bad_numbers_are_refused(options, words):
    with pytest.raises(InvalidInput, match=words):
        power(**options)


def test_the_order_of_a_pilots_rows_does_not_matter():
    scores = pilot()
    options = {"along": "engine", "baseline": "old", "speakers": 12, "utterances": 6, "simulations": 200}
    one, other = (power(0.01, table, **options) for table in (scores, scores.sample(frac=1, random_state=3)))
    pd.testing.assert_frame_equal(one, other)


def test_assumptions_under_which_nothing_differs_are_refused():
    with pytest.raises(InvalidInput, match="hardly ever differ: too few errors to plan by"):
        power(0.003, rate=1e-6, speakers=10)


def test_bad_pilots_are_refused():
    scores = pilot()
    three = pd.concat([scores, scores[scores["engine"] == "new"].assign(engine="third", condition="third")])
    other_names = scores.assign(utt_id=scores["utt_id"] + np.where(scores["engine"] == "new", "x", ""))
    no_errors = scores.assign(ins=0)
    for table, options, words in (
        (scores, {"rate": 0.1}, "and not both"),
        (scores, {"along": None}, "Say of the pilot along="),
        (scores, {"baseline": None}, "Say of the pilot along="),
        (scores, {"along": "itn"}, "no axis 'itn'"),
        (scores, {"baseline": "older"}, "no level 'older'"),
        (three, {}, "Say with setting= which level of engine to hold against old: new, third"),
        (scores, {"setting": "third"}, "no level 'third' besides the baseline; it has new"),
        (scores[scores["engine"] == "old"], {}, "nothing to compare"),
        (other_names, {}, "Nothing can be paired"),
        (scores, {"unit": "char"}, "Nothing in the pilot is counted in unit='char'; it has word"),
        (pd.concat([scores, scores.assign(unit="char")]), {}, "2 kinds of unit .*Keep one: unit='word'"),
        (
            pd.concat([scores.assign(itn=x) for x in ("on", "off")]),
            {},
            r"kinds of itn.*scores\[scores\['itn'\] == 'on'\]",
        ),
        (no_errors, {}, "No spread in the pilot: .* do not differ"),
        (
            no_errors.assign(ref_len=10, ins=scores["engine"].eq("new") + 1),
            {},
            "No spread in the pilot: .* differ alike",
        ),
        (scores.assign(ref_len=0), {}, "no reference units"),
        (scores.drop(columns="block"), {}, "block"),
    ):
        with pytest.raises(InvalidInput, match=words):
            power(0.01, table, **{"along": "engine", "baseline": "old", **options})
    third = only(power(0.02, three, along="engine", baseline="old", setting="third", speakers=12))
    assert third["power"] == only(plan(0.02, scores, speakers=12))["power"]


def test_a_unit_of_several_is_chosen():
    scores = pilot()
    both = pd.concat([scores, scores.assign(unit="char", ref_len=scores["ref_len"] * 5)])
    pd.testing.assert_frame_equal(plan(0.02, both, speakers=12, unit="word"), plan(0.02, scores, speakers=12))
    assert only(plan(0.002, both, speakers=12, unit="char"))["unit"] == "char"
