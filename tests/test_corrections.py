"""Corrections for many comparisons: against statsmodels and by their definitions, and what they leave to be seen."""

from __future__ import annotations

import math
import warnings
from itertools import product
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked import fail, grid, make, numbers
from scipy import optimize, stats

from asrlab.errors import InvalidInput
from asrlab.stats.comparison import compare
from asrlab.stats.corrections import CORRECTIONS, adjust, benjamini_hochberg, holm
from asrlab.stats.effects import effects
from asrlab.stats.sign_flips import sign_flips

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import TTestPower

P = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), min_size=1, max_size=12)


# --- of lists of p


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.9, 0.9], [0.02], []])
def test_holm_by_its_definition(p):
    found = holm(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for place, i in enumerate(order):
        steps = [min(1.0, (len(p) - k) * p[order[k]]) for k in range(place + 1)]
        assert found[i] == pytest.approx(max(steps))


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.9, 0.9], [0.02], []])
def test_benjamini_hochberg_by_its_definition(p):
    found = benjamini_hochberg(p)
    order = sorted(range(len(p)), key=lambda i: p[i])
    for place, i in enumerate(order):
        steps = [min(1.0, len(p) / (k + 1) * p[order[k]]) for k in range(place, len(p))]
        assert found[i] == pytest.approx(min(steps))


@pytest.mark.parametrize(("ours", "theirs"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
@given(p=P, missing=st.sets(st.integers(0, 14)))
def test_corrections_are_those_of_statsmodels(ours, theirs, p, missing):
    with patch("gc.collect"):  # which it calls each time
        expected = multipletests(p, method=theirs)[1]
    given_p, places = [], []
    for k in range(len(p) + len(missing)):  # what was not tested stands between
        if k not in missing and len(places) < len(p):
            places.append(len(given_p))
            given_p.append(p[len(places) - 1])
        else:
            given_p.append(math.nan)
    for value in p[len(places) :]:
        places.append(len(given_p))
        given_p.append(value)
    found = ours(given_p)
    assert found[places] == pytest.approx(expected)
    assert np.isnan(np.delete(found, places)).all()


@given(P)
def test_holm_lies_between_p_and_bonferroni_and_keeps_the_order(p):
    found, given_p = holm(p), np.array(p)
    assert (found >= given_p).all()
    assert (found <= np.minimum(1, len(p) * given_p)).all()
    assert (found >= benjamini_hochberg(p) - 1e-12).all()
    order = np.argsort(given_p, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
def test_nothing_tested_is_nothing_to_correct(correct):
    assert correct([]).tolist() == []
    assert np.isnan(correct([math.nan, math.nan])).all()


# --- of tables


def several():
    """Two comparisons of other axes, of which one row has no test, and effects, as tables."""
    scores = grid({"context": ("none", "terms", "wrong"), "itn": ("off", "on")}, speakers=9, seed=4)
    lost = fail(scores, (scores["context"] == "wrong") & (scores["itn"] == "on"))
    return [compare(lost, "context", "none"), compare(lost, "itn", "off", test="t"), effects(scores)]


@pytest.mark.parametrize("correction", ["holm", "benjamini-hochberg", "none"])
def test_tables_put_together_are_corrected_for_all_of_their_rows(correction):
    tables = several()
    both = pd.concat(tables, ignore_index=True)
    before = both.copy()
    found = adjust(both, correction)
    pd.testing.assert_frame_equal(both, before)
    p = numbers(both["p"])
    tested = ~np.isnan(p)
    assert 0 < tested.sum() < len(both)
    expected = p[tested]
    if correction != "none":
        expected = multipletests(expected, method={"holm": "holm"}.get(correction, "fdr_bh"))[1]
    assert numbers(found["p_adjusted"])[tested] == pytest.approx(expected)
    assert found.loc[~tested, "p_adjusted"].isna().all()
    assert found["n_comparisons"].tolist() == [tested.sum()] * len(both)
    assert found["correction"].tolist() == [correction] * len(both)
    made = ["p_adjusted", "correction", "n_comparisons", "detectable"]
    pd.testing.assert_frame_equal(found.drop(columns=made), both.drop(columns=made))
    assert found.dtypes[made].astype(str).tolist() == ["Float64", "string", "Int64", "Float64"]
    pd.testing.assert_frame_equal(adjust(found, correction), found)


@pytest.mark.parametrize("correction", ["holm", "benjamini-hochberg", "none"])
def test_adjust_gives_what_the_tables_have_and_corrects_fewer_rows_for_less(correction):
    scores = grid({"context": ("none", "terms", "wrong"), "itn": ("off", "on")}, speakers=9, seed=4)
    tables = (compare(scores, "context", correction=correction), effects(scores, correction=correction))
    for table in tables:
        pd.testing.assert_frame_equal(adjust(table, correction), table)
        pd.testing.assert_frame_equal(adjust(adjust(table, "holm"), correction), table)
        part = adjust(table.iloc[[2, 0]], correction)
        assert part.index.tolist() == [2, 0]
        assert part["n_comparisons"].tolist() == [2, 2]
        p = numbers(table["p"])[[2, 0]]
        expected = p if correction == "none" else (holm if correction == "holm" else benjamini_hochberg)(p)
        assert part["p_adjusted"].tolist() == pytest.approx(expected.tolist())


def test_adjust_takes_empty_tables_and_refuses_what_is_none():
    table = compare(make(), "context", "none")
    assert adjust(table.head(0)).empty
    with pytest.raises(InvalidInput, match=r"correction must be one of holm, .*, not 'bonferroni'"):
        adjust(table, "bonferroni")
    with pytest.raises(InvalidInput, match=r"needs the answers: give it to compare\(\) or effects\(\)"):
        adjust(table, "max-t")
    for name in ("p", "low", "smallest_p", "test", "n_blocks", "n_units"):
        with pytest.raises(InvalidInput, match=rf"no column '{name}': adjust\(\) takes what compare\(\) and effects"):
            adjust(table.drop(columns=name))


def test_a_table_corrected_by_max_t_may_be_corrected_otherwise():
    scores = make(contexts=("none", "terms", "wrong"))
    table = compare(scores, "context", "none", correction="max-t")
    pd.testing.assert_frame_equal(adjust(table), compare(scores, "context", "none"))


# --- what could have been seen


def by_its_formula(table, m):
    """Search for the δ that is t(1 - α/2m) + t(0.8) times the standard error that there would be with it."""
    free = numbers(table["n_blocks"] - 1)
    times = stats.t.ppf(1 - (1 - numbers(table["confidence"])) / 2 / m, free) + stats.t.ppf(0.8, free)
    found = []
    for k, row in enumerate(table.to_dict("records")):
        if not times[k] * 0.4 / math.sqrt(row["n_blocks"]) < 1:
            found.append(math.nan)  # it grows faster than the difference does
            continue
        found.append(optimize.brentq(lambda delta, k=k: delta - times[k] * errors_at(table, delta)[k], 0, 100))
    return np.array(found)


def errors_at(table, delta):
    """The standard error where a difference is there: its errors come in company, and more of some speakers."""
    own, blocks, units = (numbers(column) for column in (errors_of(table), table["n_blocks"], table["n_units"]))
    return np.sqrt(own**2 + 1.9 * np.asarray(delta) / units + (0.4 * np.asarray(delta)) ** 2 / blocks)


def errors_of(table):
    """The standard error that the interval is made of."""
    return (table["high"] - table["low"]) / 2 / stats.t.ppf((1 + table["confidence"]) / 2, table["n_blocks"] - 1)


def power_of_swaps(shift, blocks, alpha, confidence, simulations=3000):
    """How often p of all swaps of normal differences, and their t interval, find a shift of so many standard errors."""
    d = np.random.default_rng(99).standard_normal((simulations, blocks)) + shift / math.sqrt(blocks)
    signs = np.array(list(product((1, -1), repeat=blocks)))
    p = (np.abs(d @ signs.T) >= np.abs(d.sum(axis=1))[:, None] - 1e-9).mean(axis=1)
    return (
        (p <= alpha + 1e-9) & (stats.ttest_1samp(d, 0, axis=1).pvalue <= 1 - confidence) & (d.sum(axis=1) > 0)
    ).mean()


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("test", ["sign-flip", "t"])
def test_detectable_by_its_formula(correction, level, test):
    if (correction, test) == ("max-t", "t"):
        return
    scores = make(contexts=("none", "terms", "wrong"), speakers=12)
    found = compare(scores, "context", "none", test=test, correction=correction, level=level)
    m = 1 if correction == "none" else 4
    assert numbers(found["detectable"]) == pytest.approx(by_its_formula(found, m))
    if test == "sign-flip":
        found = effects(scores, correction=correction, level=level)
        m = 1 if correction == "none" else 5
        assert numbers(found["detectable"]) == pytest.approx(by_its_formula(found, m))


def test_detectable_does_not_hang_on_the_level_of_the_interval_but_through_alpha():
    scores = make(speakers=12)
    narrow, wide = (compare(scores, "context", "none", level=level, correction="none") for level in (0.5, 0.95))
    assert numbers(errors_of(narrow)) == pytest.approx(numbers(errors_of(wide)))
    for found, edge in ((narrow, 0.75), (wide, 0.975)):
        times = stats.t.ppf(edge, 11) + stats.t.ppf(0.8, 11)
        assert numbers(found["detectable"]) == pytest.approx(times * errors_at(found, numbers(found["detectable"])))


def test_units_are_those_on_one_side_of_the_difference():
    scores = make(contexts=("none", "terms", "wrong"), speakers=7)
    scores.loc[scores["context"] == "terms", "ref_len"] += 5  # as forms of the reference differ
    n = scores.groupby(["context", "itn"])["ref_len"].sum()
    found = compare(scores, "context", "none")
    assert found["n_units"].tolist() == [n[row.level, row.itn] for row in found.itertuples()]
    assert compare(scores, "context", "none", by=[])["n_units"].tolist() == [n["terms"].sum(), n["wrong"].sum()]
    # An effect is a mean over cells: what its positive side varies by is that of so many units in one cell.
    table = effects(scores).set_index(["effect", "level", "moderator_level"])["n_units"]
    cells = {
        ("main", "terms", pd.NA): [(0.5, n["terms", "off"]), (0.5, n["terms", "on"])],
        ("main", "wrong", pd.NA): [(0.5, n["wrong", "off"]), (0.5, n["wrong", "on"])],
        ("main", "on", pd.NA): [(1 / 3, n[context, "on"]) for context in ("none", "terms", "wrong")],
        ("interaction", "terms", "on"): [(1, n["terms", "on"]), (1, n["none", "off"])],
        ("interaction", "wrong", "on"): [(1, n["wrong", "on"]), (1, n["none", "off"])],
    }
    assert table.tolist() == [round(1 / sum(k**2 / units for k, units in own)) for own in cells.values()]
    assert [(effect, level) for effect, level, _ in table.index] == [(effect, level) for effect, level, _ in cells]


def test_of_speakers_too_few_for_their_own_spread_no_difference_is_large_enough():
    # Six speakers: t(0.995) + t(0.8) is 4.95 and t(0.9995) + t(0.8) is 7.79, and times 0.4 / sqrt(6) this is above 1.
    scores = make(speakers=6, itns=("off",))
    seen, unseen = (compare(scores, "context", "none", test="t", level=level) for level in (0.99, 0.999))
    assert numbers(seen["detectable"]) == pytest.approx(by_its_formula(seen, 1))
    assert unseen["p"].notna().all()
    assert unseen["detectable"].isna().all()


def same_twice(speakers, own, worlds, rng):
    """Scores of two settings that share errors and have as many of their own, Poisson numbers, drawn in many worlds."""
    utterances, length = 10, 20
    n, parts = speakers * utterances, []
    for world, setting in product(range(worlds), ("one", "other")):
        wrong = 2 + np.bincount(rng.integers(0, n, rng.poisson(own)), minlength=n)
        parts.append(pd.DataFrame({"utt_id": [f"u{k:04}" for k in range(n)], "subs": wrong, "setting": setting}))
        parts[-1] = parts[-1].assign(world=world, block=[f"speaker:s{k // utterances:02}" for k in range(n)])
    scores = pd.concat(parts, ignore_index=True).assign(block_kind="speaker", unit="word", dels=0, ins=0)
    return scores.assign(ref_len=length), n * length


@pytest.mark.parametrize("speakers", [12, 24])
@pytest.mark.parametrize("own", [4, 16, 64])
def test_power_is_there_where_the_difference_brings_errors_that_were_not_seen(speakers, own):
    """What is read off settings alike holds of settings that are not: they have errors in company, by speaker."""
    rng = np.random.default_rng(5)
    scores, units = same_twice(speakers, own, 20, rng)
    found = compare(scores, "setting", "one", correction="none", resamples=99)
    edge = stats.t.ppf(0.975, speakers - 1)
    alone = (edge + stats.t.ppf(0.8, speakers - 1)) * errors_of(found).mean()
    powers = []
    for delta in (found["detectable"].mean(), alone):
        mean = delta * units / speakers * rng.gamma(1 / 0.4**2, 0.4**2, (2000, speakers))
        more = rng.poisson(rng.gamma(mean / 0.9, 0.9))  # of variance 1.9 times the mean
        d = (more + rng.poisson(own / speakers, mean.shape) - rng.poisson(own / speakers, mean.shape)).astype(float)
        number, block = np.divmod(np.arange(d.size), speakers)
        p = sign_flips(d.ravel(), group=number, block=block, n_groups=len(d), resamples=499).p
        t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / math.sqrt(speakers) + 1e-12)
        powers.append(((p <= 0.05) & (t > edge)).mean())
    assert 0.73 <= powers[0] <= 0.9
    assert powers[1] < 0.62  # what the spread of settings alike would promise


def test_nothing_is_detectable_where_no_p_could_be_small_enough():
    # Six speakers give 2/64 = 0.031 at the least: enough for one comparison, not for the first of two.
    scores = make(speakers=6, contexts=("none", "terms", "wrong"), itns=("off",))
    one, two = compare(scores[scores["context"] != "wrong"], "context", "none"), compare(scores, "context", "none")
    assert one["smallest_p"].tolist() == [1 / 32]
    assert one["detectable"].notna().all()
    assert two["detectable"].isna().all()
    assert compare(scores, "context", "none", correction="none")["detectable"].notna().all()
    # Greatest |t| of both rows: its least p is that of one.
    by_max = compare(scores, "context", "none", correction="max-t")
    assert numbers(by_max["detectable"]) == pytest.approx(by_its_formula(by_max, 2))
    assert compare(scores, "context", "none", correction="max-t", level=0.97)["detectable"].isna().all()
    assert compare(scores, "context", "none", correction="max-t", level=31 / 32)["detectable"].notna().all()
    # t has no least p.
    assert compare(scores, "context", "none", test="t")["detectable"].notna().all()
    # Random swaps have one of theirs: 1 / (R + 1).
    many = make(speakers=20, itns=("off",))
    assert compare(many, "context", "none", resamples=18)["smallest_p"].tolist() == [1 / 19]
    assert compare(many, "context", "none", resamples=18)["detectable"].isna().all()
    assert compare(many, "context", "none", resamples=19)["detectable"].notna().all()


@pytest.mark.parametrize("options", [
    {"test": "wilcoxon"}, {"test": "mcnemar"}, {"test": "equivalence", "margin": 0.1},
    {"test": "non-inferiority", "margin": 0.1},
])  # fmt: skip
def test_tests_that_ask_something_else_say_nothing_of_what_is_detectable(options):
    found = compare(make(), "context", "none", **options)
    assert found["p"].notna().all()
    assert found["detectable"].isna().all()


def test_what_was_not_tested_has_nothing_detectable():
    few = compare(make(speakers=5, utterances=1), "context", "none")
    assert few["low"].notna().all()
    assert few["detectable"].isna().all()
    same = compare(make().assign(subs=1, dels=0, ins=0), "context", "none")
    assert same["p"].tolist() == [1, 1]
    assert same["detectable"].isna().all()


@pytest.mark.parametrize("speakers", [12, 24])
@pytest.mark.parametrize("correction", ["holm", "none"])
def test_power_is_eighty_per_cent_at_what_is_detectable(speakers, correction):
    """By the noncentral t distribution, of which the formula is a near one, with the spread that there would be."""
    scores = make(speakers=speakers, contexts=("none", "terms", "wrong"))
    found = compare(scores, "context", "none", correction=correction)
    sd = errors_at(found, numbers(found["detectable"])) * math.sqrt(speakers)
    alpha = 0.05 / (4 if correction == "holm" else 1)
    power = TTestPower().power(numbers(found["detectable"] / sd), speakers, alpha)
    assert power == pytest.approx(np.full(4, 0.8), abs=0.03)


@pytest.mark.parametrize(
    ("speakers", "correction", "level"),
    [(6, "none", 0.95), (7, "none", 0.95), (9, "holm", 0.95), (11, "holm", 0.95), (8, "benjamini-hochberg", 0.9)],
)
def test_power_of_swaps_of_few_blocks_is_eighty_per_cent_at_what_is_detectable(speakers, correction, level):
    """Their p comes in steps, which the formula knows nothing of: by going through all swaps of simulated speakers."""
    scores = make(speakers=speakers, contexts=("none", "terms", "wrong"))
    found = compare(scores, "context", "none", correction=correction, level=level)
    alpha = (1 - level) / (1 if correction == "none" else 4)
    shift = numbers(found["detectable"]) / errors_at(found, numbers(found["detectable"]))
    assert shift == pytest.approx(np.full(4, shift[0]))
    assert power_of_swaps(shift[0], speakers, alpha, level) == pytest.approx(0.8, abs=0.03)
    # A t test is not in steps, and the greatest |t| hangs on all rows.
    for options in ({"test": "t", "correction": correction}, {"correction": "max-t"}):
        table = compare(scores, "context", "none", level=level, **options)
        m = 1 if options["correction"] == "none" else 4
        assert numbers(table["detectable"]) == pytest.approx(by_its_formula(table, m), nan_ok=True)


# --- what was drawn at random


@pytest.mark.parametrize("table", [lambda s, **o: compare(s, "context", "none", **o), effects])
def test_tables_say_what_was_drawn_at_random(table):
    drawn = table(make(speakers=15), resamples=99, seed=7)
    assert drawn[["resamples", "seed"]].drop_duplicates().to_numpy().tolist() == [[99, 7]]
    through = table(make(speakers=14), resamples=99, seed=7)
    assert through[["resamples", "seed"]].isna().all(axis=None)
    assert table(make(speakers=14), resamples=99, correction="max-t")["resamples"].isna().all()
    assert table(make(speakers=15), resamples=99, correction="max-t")["resamples"].notna().all()


@pytest.mark.parametrize(("speakers", "drawn"), [(7, False), (8, True)])
def test_the_greatest_t_of_rows_with_other_speakers_is_drawn_though_each_row_is_not(speakers, drawn):
    parts = [make(speakers=speakers, itns=("off",)), make(speakers=7, itns=("on",))]
    parts[1]["block"] += "x"
    scores = pd.concat(parts, ignore_index=True)
    found = compare(scores, "context", "none", correction="max-t", resamples=99, seed=7)
    assert found["test"].tolist() == ["sign-flip by speaker, exact"] * 2
    assert found[["resamples", "seed"]].fillna(-1).to_numpy().tolist() == [[99, 7] if drawn else [-1, -1]] * 2
    assert compare(scores, "context", "none", resamples=99)["resamples"].isna().all()
    assert compare(make(speakers=15), "context", "none", test="t")["resamples"].isna().all()


def test_a_share_moves_no_further_than_from_all_to_nothing():
    """Once for a difference, twice for an interaction of two axes, four times for one of three."""
    scores = grid({"context": ("none", "terms"), "itn": ("off", "on"), "hint": ("none", "right")}, 8, 3, unit="term")
    scores = scores.assign(subs=0, ins=0, dels=scores["utt_id"].str[-1].astype(int) % 2, ref_len=1)
    found = effects(scores.assign(dels=np.random.default_rng(1).integers(0, 2, len(scores))), order=3)
    reach = found["moderator"].str.count(" × ").add(1).fillna(0)
    wider = found.assign(low=-0.02, high=0.02, n_units=10**6, unit="term", smallest_p=pd.NA, p=0.5, n_blocks=24)
    narrow = adjust(wider, "none")["detectable"].dropna()
    assert len(narrow) == len(found)
    for half, known in ((0.3, 0), (0.8, 1), (1.9, 2), (9.0, 3)):
        table = adjust(wider.assign(low=-half, high=half), "none")
        assert table["detectable"].notna().tolist() == (reach >= known).tolist()
    named = compare(scores.assign(moderator=7), "context", "none")
    assert adjust(named)["delta"].equals(named["delta"])
