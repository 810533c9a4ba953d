"""Effects in a full grid: contrasts of pooled rates by hand, by least squares of statsmodels, and as compared."""

from __future__ import annotations

import math
import re
import warnings
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import errors, fail, grid, make, numbers, step_down
from scipy import stats

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.comparison import compare
from asrlab.stats.corrections import benjamini_hochberg, holm
from asrlab.stats.effects import effects

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.formula.api import wls

LEVELS = {"context": ("none", "terms", "wrong"), "itn": ("off", "on"), "hint": ("en", "auto")}
NAMES = ["effect", "axis", "level", "baseline", "moderator", "moderator_level", "moderator_baseline"]


def cell_rates(scores, axes):
    """Pooled rate of each cell, by its labels."""
    sums = scores.assign(errors=errors).groupby(list(axes), observed=True)[["errors", "ref_len"]].sum()
    rates = sums["errors"] / sums["ref_len"]
    return {key if isinstance(key, tuple) else (key,): float(rate) for key, rate in rates.items()}


def by_hand(rates, axes, differences, held=None):
    """Mean over the cells of a difference along some axes, of which each is (level, baseline): one after another."""
    axes, held = list(axes), held or {}
    if differences:
        (axis, (level, base)), *rest = differences.items()
        up, down = (by_hand(rates, axes, dict(rest), {**held, axis: label}) for label in (level, base))
        return up - down
    own = [rate for key, rate in rates.items() if all(key[axes.index(axis)] == label for axis, label in held.items())]
    return sum(own) / len(own)


def wanted(row):
    """What a row is the difference along, from its labels."""
    axes = [row.axis] + ([] if pd.isna(row.moderator) else row.moderator.split(" × "))
    levels = [row.level] + ([] if pd.isna(row.moderator) else row.moderator_level.split(" × "))
    bases = [row.baseline] + ([] if pd.isna(row.moderator) else row.moderator_baseline.split(" × "))
    return {axis: (level, base) for axis, level, base in zip(axes, levels, bases, strict=True)}


def jackknifed(scores, axes, estimate, level=0.95):
    """Leave out each block of the scores in turn, and estimate anew from all that is left."""
    blocks = sorted(scores["block"].unique())
    without = np.array([estimate(cell_rates(scores[scores["block"] != block], axes)) for block in blocks])
    g = len(blocks)
    half = stats.t.ppf((1 + level) / 2, g - 1) * math.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum())
    value = estimate(cell_rates(scores, axes))
    return value, value - half, value + half


def parts_of(scores, axes, differences):
    """What each block adds to a contrast, where all cells have the same references; and its share."""
    marked = scores.assign(errors=errors)
    total = marked["ref_len"].sum() / np.prod([scores[axis].nunique() for axis in axes])
    found = {}
    for block, own in marked.groupby("block"):
        sums = own.groupby(list(axes))["errors"].sum() / total
        rates = {key if isinstance(key, tuple) else (key,): value for key, value in sums.items()}
        found[block] = (by_hand(rates, axes, differences), own["ref_len"].sum() / marked["ref_len"].sum())
    return found


def flipped(parts):
    """Give p by going through all signs of what blocks contribute."""
    d = [own for own, _ in parts.values()]
    sums = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in product((1, -1), repeat=len(d))]
    return sum(value >= abs(sum(d)) - 1e-12 for value in sums) / len(sums)


# --- estimates


@pytest.mark.parametrize("length", [None, 12])
@pytest.mark.parametrize("axes", [("context", "itn"), ("itn", "hint", "context"), ("context",)])
def test_every_effect_by_hand(axes, length):
    scores = grid({axis: LEVELS[axis] for axis in axes}, speakers=7, length=length)
    found = effects(scores, order=3, level=0.9)
    assert list(found.columns) == list(tables.SCHEMAS["effects"])
    assert found.loc[:, "n_comparisons"].tolist() == [len(found)] * len(found)
    for row in found.itertuples():
        differences = wanted(row)
        expected = jackknifed(scores, axes, lambda rates, of=differences: by_hand(rates, axes, of), 0.9)
        assert (row.delta, row.low, row.high) == pytest.approx(expected)
        parts = parts_of(scores, axes, differences)
        assert row.statistic == pytest.approx(sum(d for d, _ in parts.values()))
        assert row.p == pytest.approx(flipped(parts))
        assert (row.test, row.smallest_p, row.confidence) == ("sign-flip by speaker, exact", 2 / 2**7, 0.9)
        assert (row.block_kind, row.n_blocks, row.n_utts, row.n_answers, row.n_left_out) == ("speaker", 7, 21, 21, 0)
        assert row.n_cells == len(scores) / 21
        assert pd.isna(row.note)
        if len(differences) != 2:
            assert all(pd.isna(getattr(row, f"{name}{end}")) for name in ("there", "elsewhere") for end in ("", "_low"))
            continue
        assert row.effect == "interaction"
        for name, label in (("there", row.moderator_level), ("elsewhere", row.moderator_baseline)):
            held, of = {row.moderator: label}, {row.axis: (row.level, row.baseline)}
            expected = jackknifed(scores, axes, lambda rates, of=of, at=held: by_hand(rates, axes, of, at), 0.9)
            assert [getattr(row, f"{name}{end}") for end in ("", "_low", "_high")] == pytest.approx(expected)
        assert row.there - row.elsewhere == pytest.approx(row.delta)


def test_rows_are_all_main_effects_then_all_interactions_of_two_then_of_three():
    found = effects(grid(LEVELS, speakers=6), order=3)
    assert found[NAMES].fillna("").agg(" ".join, axis=1).str.strip().tolist() == [
        "main context terms none",
        "main context wrong none",
        "main itn on off",
        "main hint auto en",
        "interaction context terms none itn on off",
        "interaction context wrong none itn on off",
        "interaction context terms none hint auto en",
        "interaction context wrong none hint auto en",
        "interaction itn on off hint auto en",
        "interaction context terms none itn × hint on × auto off × en",
        "interaction context wrong none itn × hint on × auto off × en",
    ]
    assert len(effects(grid(LEVELS, speakers=6), order=9)) == 11
    assert effects(grid(LEVELS, speakers=6), order=1)["effect"].unique().tolist() == ["main"]
    assert len(effects(grid(LEVELS, speakers=6))) == 9


def test_baselines_and_the_order_of_axes_may_be_chosen():
    scores = grid(LEVELS, speakers=7)
    found = effects(scores, ["itn", "context", "hint"], baselines={"context": "wrong", "itn": "on"})
    main = found[found["effect"] == "main"]
    assert main[["axis", "level", "baseline"]].to_numpy().tolist() == [
        ["itn", "off", "on"],
        ["context", "none", "wrong"],
        ["context", "terms", "wrong"],
        ["hint", "auto", "en"],
    ]
    rates = cell_rates(scores, LEVELS)
    for row in found.itertuples():
        assert row.delta == pytest.approx(by_hand(rates, LEVELS, wanted(row)))
    assert found.loc[4, NAMES].tolist() == ["interaction", "itn", "off", "on", "context", "none", "wrong"]
    # An interaction is the same whichever axis is told first.
    other = effects(scores, baselines={"context": "wrong", "itn": "on"})
    assert other.loc[4, ["delta", "low", "high", "p"]].tolist() == pytest.approx(
        found.loc[4, ["delta", "low", "high", "p"]].tolist()
    )


def test_categories_are_told_in_their_order():
    scores = make(contexts=("b", "c", "a")).astype({"context": pd.CategoricalDtype(["unused", "a", "b", "c"])})
    found = effects(scores, order=1)
    assert found[["level", "baseline"]].to_numpy().tolist() == [["b", "a"], ["c", "a"], ["on", "off"]]
    assert found["delta"][0] == pytest.approx(
        by_hand(cell_rates(scores, ["context", "itn"]), ["context", "itn"], {"context": ("b", "a")})
    )


def test_labels_are_told_as_they_are():
    scores = make(contexts=("<b>&amp;</b>", "a × b"), itns=("off", "on"))
    found = effects(scores)
    assert found[["level", "baseline"]].to_numpy().tolist() == [
        ["a × b", "<b>&amp;</b>"], ["on", "off"], ["a × b", "<b>&amp;</b>"]
    ]  # fmt: skip
    numbered = make().assign(snr=lambda t: t["itn"].map({"off": 5, "on": 10})).drop(columns="itn")
    found = effects(numbered, baselines={"snr": 10})
    assert found[["level", "baseline"]].to_numpy().tolist()[1] == ["5", "10"]
    truths = make().assign(itn=lambda t: t["itn"] == "on")
    assert effects(truths)["level"].tolist() == ["terms", "True", "terms"]


# --- least squares


@pytest.mark.parametrize("seed", range(2))
def test_effects_are_those_of_a_saturated_linear_model(seed):
    """Weighted least squares of the answers' rates, clustered by speaker, with sums to zero for the other axes."""
    scores = grid(LEVELS, speakers=9, seed=seed)
    units = scores.groupby("utt_id")["ref_len"].first()  # as much for each speaker, in utterances of different length
    by_place = {place: 5 + 4 * place for place in range(3)}
    scores = scores.assign(ref_len=scores["utt_id"].str[-1].astype(int).map(by_place)).drop(
        columns=["hits", "hyp_len"], errors="ignore"
    )
    assert len(units) == 27
    frame = pd.DataFrame(
        {
            **{axis: scores[axis].astype(str) for axis in LEVELS},
            "rate": (errors(scores) / scores["ref_len"]).astype(float),
            "units": scores["ref_len"].astype(float),
            "speaker": pd.factorize(scores["block"])[0],
        }
    )

    def fitted(**reference):
        """Treatment coding of the axes of an effect; the others are coded to sum to zero, so that it is their mean."""
        terms = [
            f"C({axis}, Treatment('{reference[axis]}'))" if axis in reference else f"C({axis}, Sum)" for axis in LEVELS
        ]
        model = wls("rate ~ " + " * ".join(terms), frame, weights=frame["units"])
        return model.fit(cov_type="cluster", cov_kwds={"groups": frame["speaker"], "use_correction": False})

    found = effects(scores, order=3)
    fits = {
        axes: fitted(**{axis: LEVELS[axis][0] for axis in axes}) for n in (1, 2, 3) for axes in combinations(LEVELS, n)
    }
    for row in found.itertuples():
        of = wanted(row)
        fit = fits[tuple(sorted(of, key=list(LEVELS).index))]
        name = ":".join(f"C({a}, Treatment('{LEVELS[a][0]}'))[T.{of[a][0]}]" for a in LEVELS if a in of)
        error = fit.bse[name] * math.sqrt(9 / 8)
        half = stats.t.ppf(0.975, 8) * error
        assert row.delta == pytest.approx(fit.params[name])
        assert (row.low, row.high) == pytest.approx((row.delta - half, row.delta + half))


def test_with_unequal_speakers_the_error_is_near_to_that_of_least_squares():
    scores = grid({"context": ("none", "terms"), "itn": ("off", "on")}, speakers=40, utterances=2)
    frame = pd.DataFrame(
        {
            "context": scores["context"].astype(str),
            "itn": scores["itn"].astype(str),
            "rate": (errors(scores) / scores["ref_len"]).astype(float),
            "speaker": pd.factorize(scores["block"])[0],
        }
    )
    model = wls("rate ~ C(context) * C(itn)", frame, weights=scores["ref_len"].astype(float))
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": frame["speaker"]})
    row = effects(scores).iloc[2]
    assert row["delta"] == pytest.approx(fit.params.iloc[3])
    error = (row["high"] - row["low"]) / 2 / stats.t.ppf(0.975, 39)
    assert error == pytest.approx(fit.bse.iloc[3], rel=0.1)


# --- as compare() has it


SHARED = [
    *("delta", "low", "high", "confidence", "test", "statistic", "p", "p_adjusted", "correction", "n_comparisons"),
    *("smallest_p", "detectable", "unit", "form", "normalizer", "ties", "block_kind", "n_blocks", "note"),
]


@pytest.mark.parametrize("speakers", [7, 16, 4])
@pytest.mark.parametrize("correction", ["holm", "max-t"])
def test_one_axis_is_a_comparison(speakers, correction):
    scores = make(contexts=("none", "terms", "wrong"), speakers=speakers)
    options = {"correction": correction, "seed": 3, "resamples": 499}
    for axes in (["context"], "context"):
        found = effects(scores, axes, **options)
        # Answers are paired within the axis left out, and pooled over it.
        expected = compare(scores, "context", "none", by=[], **options)
        pd.testing.assert_frame_equal(found[SHARED], expected[SHARED])
        assert found["n_answers"].tolist() == expected["n_pairs"].tolist() == [speakers * 6] * 2
        assert found["n_utts"].tolist() == [speakers * 3] * 2
    found = effects(scores, by="itn", **options)
    expected = compare(scores, "context", "none", **options)
    pd.testing.assert_frame_equal(found[["itn", *SHARED]], expected[["itn", *SHARED]])


def test_effects_there_and_elsewhere_are_those_of_compare_on_the_same_answers():
    scores = make(contexts=("none", "terms", "wrong"))
    lost = scores["utt_id"].isin(["s0-0", "s5-2"])
    broken = fail(scores, [0, *scores.index[(scores["utt_id"] == "s5-2") & (scores["context"] == "wrong")]])
    found = effects(broken)
    expected = compare(scores[~lost], "context", "none").set_index(["itn", "level"])
    interactions = found[found["effect"] == "interaction"]
    assert len(interactions) == 2
    for row in interactions.itertuples():
        for name, itn in (("there", "on"), ("elsewhere", "off")):
            own = expected.loc[itn, row.level]
            assert [getattr(row, f"{name}{end}") for end in ("", "_low", "_high")] == pytest.approx(
                [own["delta"], own["low"], own["high"]]
            )
    main = found[found["effect"] == "main"].set_index(["axis", "level"])["delta"]
    assert main["context", "terms"] == pytest.approx(expected.xs("terms", level="level")["delta"].mean())


# --- which answers count


def test_answers_count_that_are_there_in_every_cell():
    scores = make(contexts=("none", "terms", "wrong"))
    broken = fail(scores, [0, 1, 7])  # two of the first utterance, one of the second
    assert scores.loc[[0, 1, 7], "utt_id"].tolist() == ["s0-0", "s0-0", "s0-1"]
    never = broken[~((broken["utt_id"] == "s3-1") & (broken["itn"] == "on"))]
    found = effects(never)
    assert never.loc[never["subs"].notna(), "context"].iloc[0] == "terms"  # and none is the baseline all the same
    kept = effects(scores[~scores["utt_id"].isin(["s0-0", "s0-1", "s3-1"])])
    assert found["n_left_out"].unique().tolist() == [4 + 5 + 3]
    assert found["n_utts"].unique().tolist() == found["n_answers"].unique().tolist() == [21]
    pd.testing.assert_frame_equal(found.drop(columns="n_left_out"), kept.drop(columns="n_left_out"))


def test_repeats_and_channels_count_apart():
    scores = make()
    both = pd.concat([scores, scores.assign(repeat=1), scores.assign(channel=1)], ignore_index=True)
    found = effects(fail(both, [len(scores)]))
    assert found["n_utts"].unique().tolist() == [24]
    assert found["n_answers"].unique().tolist() == [71]
    assert found["n_left_out"].unique().tolist() == [3]
    by_repeat = effects(both, by="repeat")
    assert by_repeat[["repeat", "n_answers"]].drop_duplicates().to_numpy().tolist() == [[0, 48], [1, 24]]


def test_axes_left_out_are_paired_within():
    scores = grid(LEVELS, speakers=6)
    lost = fail(scores, [0])
    found = effects(lost, ["context", "itn"])
    assert found["n_cells"].unique().tolist() == [6]
    assert found["n_answers"].unique().tolist() == [2 * 18 - 1]
    assert found["n_left_out"].unique().tolist() == [5]
    kept = scores[~((scores["utt_id"] == "s0-0") & (scores["hint"] == "en"))]
    rates = cell_rates(kept, ["context", "itn"])
    for row in found.itertuples():
        assert row.delta == pytest.approx(by_hand(rates, ["context", "itn"], wanted(row)))


def test_by_makes_tables_of_their_own_that_are_corrected_together():
    scores = grid(LEVELS, speakers=8)
    found = effects(scores, by="hint")
    assert list(found.columns) == ["hint", *tables.SCHEMAS["effects"]]
    assert found["hint"].tolist() == ["en"] * 5 + ["auto"] * 5
    for hint in ("en", "auto"):
        alone = effects(scores[scores["hint"] == hint], ["context", "itn"], correction="none")
        own = found[found["hint"] == hint].reset_index(drop=True)
        together = ["p_adjusted", "correction", "n_comparisons", "detectable"]
        pd.testing.assert_frame_equal(own.drop(columns=["hint", *together]), alone.drop(columns=together))
    assert found["n_comparisons"].tolist() == [10] * 10
    assert found["p_adjusted"].tolist() == pytest.approx(holm(found["p"]).tolist())


def test_facts_of_the_utterances_make_tables_of_their_own():
    scores = make()
    facts = pd.DataFrame({"utt_id": scores["utt_id"].unique(), "topic": ["numbers", "terms", "terms"] * 8})
    facts["tags"] = [["x", "y"] if topic == "terms" else [] for topic in facts["topic"]]
    found = effects(scores, by="topic", dataset=facts, order=1)
    assert found[["topic", "axis", "n_answers"]].to_numpy().tolist() == [
        [topic, axis, n] for topic, n in (("numbers", 8), ("terms", 16)) for axis in ("context", "itn")
    ]
    by_tag = effects(scores, by="tag", dataset=facts, order=1)
    assert by_tag["n_answers"].tolist() == [16, 16, 16, 16, 8, 8]


@pytest.mark.parametrize("column", ["unit", "form", "normalizer", "ties", "block_kind"])
def test_what_is_counted_otherwise_has_effects_of_its_own(column):
    scores = make(ties="jiwer")
    label = "recording" if column == "block_kind" else "char" if column == "unit" else "other"
    other = make(seed=2, ties="jiwer").assign(**{column: label})
    if column == "block_kind":
        other["utt_id"] = "r-" + other["utt_id"]
    found = effects(pd.concat([scores, other], ignore_index=True))
    assert found[column].tolist() == [scores[column][0]] * 3 + [label] * 3
    alone = [*effects(scores)["delta"], *effects(other)["delta"]]
    assert found["delta"].tolist() == pytest.approx(alone)


def test_an_answer_in_a_block_of_another_kind_is_no_partner():
    scores = make()
    apart = (scores["utt_id"] == "s0-0") & (scores["context"] == "none")
    found = effects(scores.assign(block_kind=scores["block_kind"].mask(apart, "recording")))
    own = found[found["block_kind"] == "speaker"]
    expected = effects(scores[scores["utt_id"] != "s0-0"])
    assert own["delta"].tolist() == pytest.approx(expected["delta"].tolist())
    assert found["n_answers"].tolist() == [0] * 3 + [23] * 3
    assert found["n_left_out"].sum() == 3 * 4


def test_denominators_may_differ():
    scores = make(form="best")
    scores.loc[(scores["context"] == "terms") & (scores.index % 3 > 0), "ref_len"] += 4
    axes = ["context", "itn"]
    for row in effects(scores).itertuples():
        of = wanted(row)
        expected = jackknifed(scores, axes, lambda rates, of=of: by_hand(rates, axes, of))
        assert (row.delta, row.low, row.high) == pytest.approx(expected)
        assert row.statistic == pytest.approx(row.delta)
        assert 2 / 2**8 <= row.p <= 1


# --- correction


def test_p_is_adjusted_for_all_rows():
    scores = make(contexts=("none", "terms", "wrong"), speakers=9, seed=5)
    found = {name: effects(scores, correction=name) for name in ("holm", "benjamini-hochberg", "none", "max-t")}
    p = numbers(found["none"]["p"])
    for name, table in found.items():
        assert table["correction"].tolist() == [name] * 5
        assert table["n_comparisons"].tolist() == [5] * 5
        assert numbers(table["p"]).tolist() == p.tolist()
    assert numbers(found["holm"]["p_adjusted"]) == pytest.approx(holm(p))
    assert numbers(found["benjamini-hochberg"]["p_adjusted"]) == pytest.approx(benjamini_hochberg(p))
    assert numbers(found["none"]["p_adjusted"]).tolist() == p.tolist()
    rows = [parts_of(scores, ["context", "itn"], wanted(row)) for row in found["none"].itertuples()]
    expected, _ = step_down(rows, sorted(rows[0]))
    assert numbers(found["max-t"]["p_adjusted"]) == pytest.approx(np.maximum(expected, p))


def test_the_seed_chooses_the_swaps_where_speakers_are_many():
    scores = make(speakers=15)
    first, again, other = (effects(scores, seed=seed)["p"].tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert effects(scores)["test"].unique().tolist() == ["sign-flip by speaker, Monte Carlo"]
    assert effects(scores, resamples=99)["smallest_p"].unique().tolist() == [0.01]


def test_an_interaction_that_is_there_is_found_and_no_other():
    rng = np.random.default_rng(6)
    scores = grid(LEVELS, speakers=12, length=40).assign(subs=0, dels=0, ins=0)
    worse = (scores["context"] == "wrong") & (scores["itn"] == "on")
    scores["subs"] = rng.poisson(np.where(worse, 8, 3))
    found = effects(scores, order=3)
    adjusted = found[found["p_adjusted"] <= 0.05]
    assert adjusted[["effect", "axis", "level", "moderator"]].fillna("").to_numpy().tolist() == [
        ["main", "context", "wrong", ""],
        ["main", "itn", "on", ""],
        ["interaction", "context", "wrong", "itn"],
    ]
    row = adjusted.iloc[2]
    assert row["low"] < 5 / 40 < row["high"]
    assert row["elsewhere_low"] < 0 < row["elsewhere_high"]
    assert row["there_low"] > 0


# --- what degenerates


def test_few_speakers_use_utterances_and_say_what_that_is_worth():
    found = effects(make(speakers=5))
    assert found["block_kind"].unique().tolist() == ["utterance"]
    assert found["n_blocks"].unique().tolist() == [15]
    assert found["note"].unique().tolist() == ["too few speakers (5): true of these voices only"]
    by_utterance = make(block_kind="utterance").assign(block=lambda t: t["utt_id"])
    assert effects(by_utterance)["note"].unique().tolist() == [
        "utterances taken as independent: too sure if speakers repeat"
    ]


def test_too_few_utterances_have_no_test_and_one_no_interval():
    found = effects(make(speakers=5, utterances=1))
    assert found[["p", "p_adjusted", "test", "statistic", "smallest_p", "detectable"]].isna().all(axis=None)
    assert found["low"].notna().all()
    assert found["n_comparisons"].tolist() == [0, 0, 0]
    assert found["note"][0].endswith("too few utterances (5) for a test")
    one = effects(make(speakers=1, utterances=1))
    assert one[["low", "p", "there_low"]].isna().all(axis=None)
    assert one["delta"].notna().all()
    assert one["note"][0].endswith("too few utterances (1) for a test; one block: no interval")


@pytest.mark.parametrize("correction", ["holm", "max-t"])
def test_answers_without_errors_or_without_units(correction):
    right = effects(make().assign(subs=0, dels=0, ins=0), correction=correction)
    assert right[["delta", "p", "p_adjusted", "there"]].fillna(-1).to_numpy().tolist() == [
        *([0, 1, 1, -1], [0, 1, 1, -1], [0, 1, 1, 0])
    ]
    assert right["low"].isna().all()
    assert right["note"].unique().tolist() == ["no block differs: no interval"]
    empty = effects(make().assign(subs=0, dels=0, ins=1, ref_len=0), correction=correction)
    assert empty[["delta", "low", "p", "p_adjusted", "there"]].isna().all(axis=None)
    assert empty["note"].unique().tolist() == ["no reference units: no rate"]
    assert empty["n_comparisons"].tolist() == [0, 0, 0]


def test_a_group_without_complete_answers_has_rows_that_say_so():
    scores = grid(LEVELS, speakers=6)
    lost = fail(scores, (scores["hint"] == "auto") & (scores["context"] == "terms"))
    found = effects(lost, by="hint")
    assert found["n_answers"].tolist() == [18] * 5 + [0] * 5
    assert found["n_left_out"].tolist() == [0] * 5 + [4 * 18] * 5
    assert found["note"].tolist() == [pd.NA] * 5 + ["no utterance has an answer in every cell"] * 5
    assert found["n_comparisons"].tolist() == [5] * 10
    assert found.loc[5:, ["delta", "low", "p", "p_adjusted"]].isna().all(axis=None)


def test_levels_without_any_answer_are_left_out_and_named():
    scores = make(contexts=("none", "terms", "wrong"))
    lost = fail(scores, scores["context"] == "wrong")
    found = effects(lost)
    assert found["note"].tolist() == ["left out, without any answer: context wrong"] * 3
    kept = effects(scores[scores["context"] != "wrong"])
    pd.testing.assert_frame_equal(found.drop(columns="note"), kept.drop(columns="note"))


def test_more_than_a_thousand_blocks():
    scores = make(speakers=1100, utterances=1, block_kind="utterance")
    found = effects(scores.assign(block=scores["utt_id"]), resamples=49, correction="max-t")
    assert found["n_blocks"].tolist() == [1100] * 3
    assert (found["p_adjusted"] >= found["p"]).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: effects(s, ["ctx"]), "no axis 'ctx'; there are context, itn, hint"),
        (lambda s: effects(s, ["unit"]), "no axis 'unit'"),
        (lambda s: effects(s, []), "axes must name one or more different axes; these are none"),
        (lambda s: effects(s, 5), "axes must be a list of names of axes, not 5"),
        (lambda s: effects(s, ["itn", ["hint"]]), "axes must be a list of names of axes, not "),
        (lambda s: effects(s, baselines=["on"]), r"baselines must map axes to levels, such as .*, not \['on'\]"),
        (lambda s: effects(s, by=[["itn"]]), "by must be the name of a column or a list of names"),
        (lambda s: effects(s, ["itn", "itn"]), "different axes; these are itn, itn"),
        (lambda s: effects(s, order=0), "order must be a whole number from 1; this is 0"),
        (lambda s: effects(s, order=1.5), "order must be a whole number from 1; this is 1.5"),
        (lambda s: effects(s, order="2"), "order must be a whole number from 1; this is '2'"),
        (lambda s: effects(s, order=True), "order must be a whole number from 1; this is True"),
        (lambda s: effects(s, correction="sidak"), "correction must be one of holm"),
        (lambda s: effects(s, baselines={"ctx": "none"}), "baselines= names 'ctx', which is none of the axes context"),
        (lambda s: effects(s, baselines={"itn": "up"}), "itn has no level 'up' as baseline; it has off, on"),
        (lambda s: effects(s, ["context", "itn"], baselines={"hint": "en"}), "baselines= names 'hint'"),
        (lambda s: effects(s, by="topic"), "no column 'topic' to group by"),
        (lambda s: effects(s, ["itn"], by="itn"), "Cannot group by itn: its levels are what is compared"),
        (lambda s: effects(s, by="condition"), "Cannot group by condition"),
        (lambda s: effects(s.rename(columns={"hint": "level"}), by="level"), "column 'level' of its own"),
        (lambda s: effects(pd.concat([s, s])), "432 answers stand twice"),
        (lambda s: effects(s.drop(columns=["context", "itn", "hint"])), "axes must name .* these are none"),
        (lambda s: effects(s.head(0)), "axes must name .* these are none"),
        (lambda s: effects(s.drop(columns="block")), "needs the column block"),
        (lambda s: effects(s[s["itn"] == "on"], ["itn", "hint"]), "itn has one level with answers, on: it has no eff"),
        (lambda s: effects(fail(s, s["itn"] == "on")), "itn has one level with answers, off"),
        (lambda s: effects(fail(s, slice(None))), "context has one level with answers, or none"),
        (
            lambda s: effects(s.assign(block=s["block"].where(s["itn"] == "on", "speaker:x"))),
            "Answers to one question are in different blocks",
        ),
        (
            lambda s: effects(s.assign(itn=s["itn"].where(s["itn"] == "on"))),
            r"216 answers have no level of itn: .*fillna\(\"none\"\)",
        ),
        (lambda s: effects(s.assign(answer=range(len(s))), list(LEVELS)), "No utterance has an answer in every cell"),
    ],
)
def test_effects_say_what_is_wrong(call, says):
    with pytest.raises(InvalidInput, match=says):
        call(grid(LEVELS, speakers=12))


def test_names_may_be_given_in_anything_that_lists_them():
    scores = grid(LEVELS, speakers=6)
    expected = effects(scores, ["context", "itn"], by=["hint"])
    for listed in (tuple, pd.Index, np.array):
        found = effects(scores, listed(["context", "itn"]), by=listed(["hint"]))
        pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(effects(scores, iter(["context", "itn"]), by="hint"), expected)
    pd.testing.assert_frame_equal(effects(scores, by=pd.Index(["hint"])), expected)


def test_a_grid_that_is_not_full_names_the_empty_cells():
    scores = make(contexts=("none", "terms", "wrong"))
    hole = (scores["context"] == "wrong") & (scores["itn"] == "on")
    for partial in (scores[~hole], fail(scores, hole)):
        with pytest.raises(InvalidInput, match=re.escape("1 of its 6 cells have no answer (context wrong, itn on)")):
            effects(partial)
    one_at_a_time = scores[(scores["context"] == "none") | (scores["itn"] == "off")]
    with pytest.raises(InvalidInput, match=re.escape("(context terms, itn on; context wrong, itn on)")):
        effects(one_at_a_time)
    halves = scores[(scores["utt_id"] < "s4") == (scores["itn"] == "on")]
    with pytest.raises(InvalidInput, match="No utterance has an answer in every cell of the grid"):
        effects(halves)
    many = grid({"a": tuple("abcd"), "b": tuple("abcd")}, 6, 1)
    with pytest.raises(
        InvalidInput, match=re.escape("6 of its 16 cells have no answer (a a, b b; a a, b c; a a, b d)")
    ):
        effects(many[many["a"] >= many["b"]])


# --- what must not matter


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), speakers=st.sampled_from([4, 8, 16]), rng=st.randoms())
def test_the_order_of_rows_does_not_matter(seed, speakers, rng):
    scores = fail(make(speakers=speakers, seed=seed), [1, 6])
    order = list(range(len(scores)))
    rng.shuffle(order)
    options = {"baselines": {"context": "none", "itn": "off"}, "resamples": 199, "correction": "max-t"}
    first, second = (
        effects(some, ["context", "itn"], **options).sort_values(["moderator", "axis"], ignore_index=True)
        for some in (scores, scores.iloc[order])
    )
    exact = [name for name in first if first[name].dtype != "Float64"]
    pd.testing.assert_frame_equal(first[exact], second[exact])
    for name in first.columns.difference(exact):
        np.testing.assert_allclose(numbers(first[name]), numbers(second[name]), rtol=1e-9, atol=1e-12)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), speakers=st.sampled_from([4, 7]))
def test_swapping_a_baseline_turns_the_sign(seed, speakers):
    scores = fail(make(speakers=speakers, seed=seed), [0])
    there = effects(scores, baselines={"context": "none", "itn": "off"})
    back = effects(scores, baselines={"context": "terms", "itn": "off"})
    for k, sign in ((0, -1), (1, 1), (2, -1)):
        low, high = ("high", "low") if sign < 0 else ("low", "high")
        expected = [sign * back[name][k] for name in ("delta", low, high, "statistic")] + [back["p"][k]]
        assert [there[name][k] for name in ("delta", "low", "high", "statistic", "p")] == pytest.approx(
            expected, abs=1e-12
        )


def test_the_frame_given_is_left_as_it_was():
    scores = make()
    before = scores.copy()
    effects(scores, by="channel")
    pd.testing.assert_frame_equal(scores, before)
