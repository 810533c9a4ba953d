"""Summaries, comparisons and sentences: pooled from counts, paired, and no stronger than the data."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from asrlab import score, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.rates import rates
from asrlab.stats.effects import compare, sentences, summarize
from asrlab.stats.intervals import (
    difference_interval,
    difference_intervals,
    ratio_interval,
    ratio_intervals,
)
from asrlab.stats.tests import holm, sign_flip


def make(speakers=8, utterances=3, contexts=("none", "terms"), itns=("off", "on"), seed=1, **columns):
    """Make scores of a grid: context x itn, with errors drawn anew for each."""
    rng = np.random.default_rng(seed)
    lengths = {(s, u): int(rng.integers(5, 20)) for s in range(speakers) for u in range(utterances)}
    rows = [
        {
            "utt_id": f"s{s}-{u}",
            "condition": f"context={c}, itn={i}",
            "repeat": 0,
            "channel": 0,
            "state": "answered",
            "unit": "word",
            "normalizer": "en-1",
            "form": "spoken",
            "block": f"speaker:s{s}",
            "block_kind": "speaker",
            "subs": int(rng.integers(0, 4)),
            "dels": int(rng.integers(0, 3)),
            "ins": int(rng.integers(0, 2)),
            "ref_len": lengths[s, u],
            "context": c,
            "itn": i,
        }
        for s, u in lengths
        for c in contexts
        for i in itns
    ]
    return tables.check(pd.DataFrame(rows).assign(**columns), "scores", required=("utt_id",))


def fail(scores, rows, state="failed"):
    scores = scores.copy()
    scores.loc[rows, ["subs", "dels", "ins", "ref_len"]] = pd.NA
    scores.loc[rows, "state"] = state
    return scores


def errors(scores):
    return scores["subs"] + scores["dels"] + scores["ins"]


# --- summarize


def test_a_row_for_each_setting_pooled_from_counts():
    scores = make()
    summary = summarize(scores)
    assert list(summary.columns) == ["context", "itn", *tables.SCHEMAS["summary"]]
    assert summary[["context", "itn"]].to_numpy().tolist() == [[c, i] for c in ("none", "terms") for i in ("off", "on")]
    for row in summary.itertuples():
        part = scores[(scores["context"] == row.context) & (scores["itn"] == row.itn)]
        assert row.rate == pytest.approx(errors(part).sum() / part["ref_len"].sum())
        blocks = part.assign(errors=errors(part)).groupby("block")[["errors", "ref_len"]].sum()
        expected = ratio_interval(blocks["errors"], blocks["ref_len"])
        assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
        assert (row.n_utts, row.n_blocks, row.n_failed, row.n_not_run) == (24, 8, 0, 0)
        assert (row.block_kind, row.method, row.level) == ("speaker", "ratio t by speaker", 0.95)


def test_by_pools_over_what_is_not_named():
    scores = make()
    assert len(summarize(scores, by=[])) == 1
    assert summarize(scores, by="itn")["itn"].tolist() == ["off", "on"]
    assert summarize(scores, by=["block_kind", "unit"]).equals(summarize(scores, by=[]))
    assert summarize(scores, by=["itn", "unit"]).columns.tolist()[:2] == ["itn", "rate"]
    assert len(summarize(scores, by=["block"])) == 8
    assert summarize(scores.drop(columns=["context", "itn"])).columns[0] == "condition"


@pytest.mark.parametrize("column", ["unit", "form", "normalizer", "ties", "block_kind"])
def test_what_is_counted_otherwise_is_never_pooled(column):
    scores = make(contexts=("none",), itns=("off",))
    other = scores.assign(
        **{column: "recording" if column == "block_kind" else "char" if column == "unit" else "other"}
    )
    both = summarize(pd.concat([scores, other]), by=[])
    assert len(both) == 2
    assert both[column].nunique(dropna=False) == 2
    assert both["ref_len"].tolist() == [scores["ref_len"].sum()] * 2


def test_failed_and_not_run_are_counted_apart_and_kept_out_of_the_rate():
    scores = make(contexts=("none",), itns=("off",))
    broken = fail(fail(fail(fail(scores, [0]), [1], "unknown"), [2], "submitted"), [3], "not run")
    row = summarize(broken).iloc[0]
    assert (row["n_failed"], row["n_not_run"], row["n_utts"]) == (2, 2, 20)
    assert row["rate"] == pytest.approx(errors(scores[4:]).sum() / scores["ref_len"][4:].sum())


def test_a_cell_without_answers_keeps_its_row():
    row = summarize(fail(make(contexts=("none",), itns=("off",)), slice(None))).iloc[0]
    assert row[["rate", "low", "high"]].isna().all()
    assert (row["n_utts"], row["n_blocks"], row["n_failed"], row["ref_len"]) == (0, 0, 24, 0)


def test_no_reference_units_no_rate_but_insertions_are_kept():
    row = summarize(make().assign(subs=0, dels=0, ins=2, ref_len=0), by=[]).iloc[0]
    assert pd.isna(row["rate"])
    assert row["ins"] == 192


def test_insertions_on_an_empty_reference_count_in_the_pool():
    scores = make(contexts=("none",), itns=("off",)).assign(subs=0, dels=0, ins=0, ref_len=10)
    scores.loc[0, ["ins", "ref_len"]] = [3, 0]
    assert summarize(scores)["rate"][0] == pytest.approx(3 / 230)


def test_too_few_speakers_fall_back_to_utterances_and_say_so():
    row = summarize(make(speakers=5, contexts=("none",), itns=("off",))).iloc[0]
    assert (row["block_kind"], row["n_blocks"]) == ("utterance", 15)
    assert row["method"] == "ratio t by utterance; too few speakers (5): true of these voices only"
    assert summarize(make(speakers=6, contexts=("none",)))["block_kind"].tolist() == ["speaker"] * 2


def test_no_errors_at_all_gives_no_interval():
    row = summarize(make().assign(subs=0, dels=0, ins=0), by=[]).iloc[0]
    assert row["rate"] == 0
    assert pd.isna(row["low"])


def test_a_miss_rate_does_not_go_above_one():
    scores = make(contexts=("none",), itns=("off",), unit="term").assign(subs=0, ins=0, ref_len=2)
    scores["dels"] = ([2, 2, 2] * 7 + [0, 0, 0])[: len(scores)]
    assert summarize(scores)["high"][0] == 1


def test_an_error_rate_may_go_above_one():
    scores = make(contexts=("none",), itns=("off",)).assign(subs=2, dels=0, ins=0, ref_len=2)
    scores.loc[:2, "subs"] = 1
    summary = summarize(scores)
    assert summary["rate"][0] < 1 < summary["high"][0]


def test_order_of_categories_is_the_order_of_rows():
    scores = make(contexts=("b", "a"))
    assert summarize(scores, by="context")["context"].tolist() == ["b", "a"]
    categories = pd.CategoricalDtype(["a", "c", "b"])
    ordered = summarize(scores.astype({"context": categories}), by="context")
    assert ordered["context"].tolist() == ["a", "b"]
    assert ordered["context"].dtype == categories


def test_labels_that_are_missing_have_a_row():
    scores = make().assign(context=lambda t: t["context"].where(t["context"] == "none"))
    assert summarize(scores, by="context")["context"].isna().tolist() == [False, True]


@pytest.mark.parametrize("by", [None, [], ["context"]])
def test_an_empty_table_of_scores_gives_an_empty_summary(by):
    empty = summarize(make().head(0), by=by)
    assert empty.empty
    assert set(tables.SCHEMAS["summary"]) <= set(empty.columns)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: summarize(make(), by="contxt"), "no column 'contxt' to group by; there are context, itn, condition"),
        (lambda: summarize(make().rename(columns={"itn": "level"})), "column 'level' of its own"),
        (lambda: summarize(make().drop(columns="block")), "needs the column block"),
        (lambda: summarize(make().assign(state="failed")), "were not answered and have counts"),
        (lambda: summarize(fail(make(), [0]).assign(state="answered")), r"1 row \(s0-0\) are answered without counts"),
    ],
)
def test_summaries_say_what_is_wrong(call, says):
    with pytest.raises(InvalidInput, match=says):
        call()


def test_rows_that_have_counts_must_have_a_block():
    scores = make()
    with pytest.raises(InvalidInput, match=r"1 row \(s0-0\) have counts and no block"):
        summarize(scores.assign(block=scores["block"].mask(scores.index == 2)))
    with pytest.raises(InvalidInput, match=r"96 rows .* have counts and no block or block_kind"):
        compare(scores.assign(block_kind=pd.NA), "context", "none")
    lost = fail(scores, [2])
    assert summarize(lost.assign(block=lost["block"].mask(lost.index == 2)))["n_failed"].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_each_row_of_a_summary_is_that_of_its_answers_alone(level):
    """Speakers, few speakers, recordings, utterances, terms and nothing at all, beside each other."""
    parts = [
        make(speakers=6, seed=2, contexts=("enough",)),
        make(speakers=5, seed=3, contexts=("few",)),
        make(speakers=7, seed=4, contexts=("recordings",), block_kind="recording"),
        make(speakers=2, seed=5, contexts=("few recordings",), block_kind="recording"),
        make(speakers=3, seed=6, contexts=("utterances",), block_kind="utterance").assign(block=lambda t: t["utt_id"]),
        make(speakers=6, seed=7, contexts=("terms",), unit="term").assign(subs=0, ins=0, ref_len=2),
        fail(make(seed=8, contexts=("nothing",)), slice(None)),
        make(speakers=1, utterances=1, seed=9, contexts=("one",)),
    ]
    whole = summarize(pd.concat(parts, ignore_index=True), level=level)
    alone = [summarize(part, level=level) for part in parts]
    assert whole.equals(pd.concat(alone, ignore_index=True))
    of_context = whole.drop_duplicates("context").set_index("context")
    assert of_context["method"].to_dict() == {
        "enough": "ratio t by speaker",
        "few": "ratio t by utterance; too few speakers (5): true of these voices only",
        "recordings": "ratio t by recording",
        "few recordings": "ratio t by utterance; too few recordings (2): true of these recordings only",
        "utterances": "ratio t by utterance",
        "terms": "ratio t by speaker",
        "nothing": "ratio t by utterance; too few speakers (0): true of these voices only",
        "one": "ratio t by utterance; too few speakers (1): true of these voices only",
    }
    assert of_context["n_blocks"].tolist() == [6, 15, 7, 6, 9, 6, 0, 1]
    assert of_context["n_utts"].tolist() == [18, 15, 21, 6, 9, 18, 0, 1]


def formula(residuals, level):
    """Give half the interval by the formula, block by block; NaN where no spread is seen."""
    g = len(residuals)
    error = math.sqrt(g / (g - 1) * math.fsum(u * u for u in residuals)) if g > 1 else 0.0
    return stats.t.ppf((1 + level) / 2, g - 1) * error if error > 1e-12 else math.nan


COUNT = st.integers(0, 12)
GROUPS = st.lists(st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), max_size=5), min_size=1, max_size=6)


@settings(max_examples=80, deadline=None)
@given(blocks_of=GROUPS, level=st.sampled_from([0.5, 0.95]), rng=st.randoms(use_true_random=False))
def test_intervals_of_many_groups_are_those_of_each_alone_and_of_the_formula(blocks_of, level, rng):
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
        if not b.sum():
            assert np.isnan([*one, *other]).all()
            continue
        rate = math.fsum(a) / math.fsum(b)
        u = (a - rate * b) / b.sum()
        half = formula(u, level)
        expected = [rate, np.maximum(0.0, rate - half), rate + half]
        np.testing.assert_allclose(one[:3], expected, rtol=1e-13, atol=1e-15)
        if b0.sum():
            rate0 = math.fsum(a0) / math.fsum(b0)
            half = formula(u - (a0 - rate0 * b0) / b0.sum(), level)
            expected = [rate - rate0, rate - rate0 - half, rate - rate0 + half]
            np.testing.assert_allclose(other[:3], expected, rtol=1e-13, atol=1e-14)
        else:
            assert np.isnan(other).all()


# --- compare


def test_a_comparison_is_that_of_the_kernels():
    scores = make()
    found = compare(scores, "context", "none")
    assert list(found.columns) == ["itn", *tables.SCHEMAS["comparison"]]
    assert found["itn"].tolist() == ["off", "on"]
    for row in found.itertuples():
        part = scores[scores["itn"] == row.itn].assign(errors=errors)
        sums = part.pivot_table(index="block", columns="context", values=["errors", "ref_len"], aggfunc="sum")
        arms = [sums[name, c] for c in ("terms", "none") for name in ("errors", "ref_len")]
        test = sign_flip(*arms)
        assert (row.statistic, row.p) == pytest.approx(test[:2])
        assert row.test == "sign-flip by speaker, exact"
        assert row.delta == pytest.approx(row.rate - row.baseline_rate)
        assert row.rate == pytest.approx(arms[0].sum() / arms[1].sum())
        wide = part.pivot_table(index="utt_id", columns="context", values="errors", aggfunc="sum")
        signs = np.sign(wide["terms"] - wide["none"])
        assert (row.better, row.worse, row.tied) == ((signs < 0).sum(), (signs > 0).sum(), (signs == 0).sum())
        assert (row.n_pairs, row.n_unpaired, row.n_blocks, row.block_kind) == (24, 0, 8, "speaker")
        assert (row.axis, row.level, row.baseline, row.confidence) == ("context", "terms", "none", 0.95)
    assert found["p_adjusted"].tolist() == pytest.approx(holm(found["p"]).tolist())
    assert found["n_comparisons"].tolist() == [2, 2]


def test_equal_blocks_give_the_paired_t_interval():
    scores = make(itns=("off",), utterances=1).assign(ref_len=20)
    row = compare(scores, "context", "none", by=[]).iloc[0]
    a, b = (errors(scores[scores["context"] == c]).to_numpy(float) / 20 for c in ("terms", "none"))
    paired = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((paired.low, paired.high))


def test_pooling_over_other_axes_still_pairs_within_them():
    scores = make()
    row = compare(scores, "context", "none", by=[]).iloc[0]
    assert (row["n_pairs"], row["n_blocks"]) == (48, 8)
    assert row["delta"] == pytest.approx(
        errors(scores[scores["context"] == "terms"]).sum() / scores["ref_len"].sum() * 2
        - errors(scores[scores["context"] == "none"]).sum() / scores["ref_len"].sum() * 2
    )


def test_one_row_a_level_in_their_order():
    found = compare(make(contexts=("terms", "none", "wrong")), "context", "none")
    assert found[["itn", "level"]].to_numpy().tolist() == [
        *(["off", "terms"], ["off", "wrong"], ["on", "terms"], ["on", "wrong"])
    ]
    assert found["n_comparisons"].tolist() == [4] * 4


def test_each_row_of_a_comparison_is_that_of_its_answers_alone():
    parts = [
        make(contexts=("b", "none", "a"), itns=("off",), speakers=9),
        make(contexts=("b", "none", "a"), itns=("few",), speakers=4, seed=2),
        make(contexts=("b", "none", "c"), itns=("on",), speakers=16, seed=3),
    ]
    scores = fail(pd.concat(parts, ignore_index=True), [3, 4, 100])
    whole = compare(scores, "context", "none", seed=5)
    rows = whole[["itn", "level"]].to_numpy().tolist()
    assert rows == [
        *(["off", "b"], ["off", "a"], ["off", "c"]),
        *(["few", "b"], ["few", "a"], ["few", "c"]),
        *(["on", "b"], ["on", "a"], ["on", "c"]),
    ]
    assert whole["n_pairs"].tolist() == [26, 26, 0, 11, 11, 0, 48, 0, 48]
    assert whole["n_unpaired"].tolist() == [0, 1, 26, 1, 1, 11, 0, 48, 0]
    together = ["p_adjusted", "n_comparisons"]
    for place, (itn, label) in enumerate(rows):
        part = scores[(scores["itn"] == itn) & scores["context"].isin(["none", label])]
        if whole["n_pairs"][place]:
            alone = compare(part, "context", "none", seed=5).drop(columns=together)
            assert alone.equals(whole.loc[[place]].drop(columns=together).reset_index(drop=True))
    p = whole["p"].to_numpy(float, na_value=math.nan)
    assert whole["p_adjusted"].to_numpy(float, na_value=math.nan) == pytest.approx(holm(p), nan_ok=True)
    assert whole["n_comparisons"].unique().tolist() == [6]


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_answers_without_a_level_are_not_left_out_in_silence(dtype):
    scores = make(itns=("off",), contexts=("none", "en", "fr"))
    column = scores["context"].astype(object).where(scores["context"] != "none", None)
    hinted = scores.assign(context=column.astype(dtype))
    says = r'24 answers have no level of context: it is <NA> there.*scores\["context"\].*fillna\("none"\)'
    for baseline in ("en", None):
        with pytest.raises(InvalidInput, match=says):
            compare(hinted, "context", baseline)
    named = hinted.assign(context=hinted["context"].astype("string").fillna("none"))
    assert compare(named, "context", "none")["level"].tolist() == ["en", "fr"]
    # What has no counts leaves nothing out.
    dropped = fail(hinted, hinted["context"].isna())
    without = compare(hinted[hinted["context"].notna()], "context", "en")
    assert compare(dropped, "context", "en").equals(without)
    assert without["level"].tolist() == ["fr"]


def test_answers_in_blocks_of_other_kinds_are_no_pair():
    scores = make(itns=("off",))
    mixed = scores.assign(block_kind=scores["block_kind"].mask(scores["utt_id"] == "s0-0", "recording"))
    assert compare(mixed, "context", "none")["n_pairs"].tolist() == [1, 23]
    apart = (scores["utt_id"] == "s0-0") & (scores["context"] == "none")
    found = compare(scores.assign(block_kind=scores["block_kind"].mask(apart, "recording")), "context", "none")
    assert found[["n_pairs", "n_unpaired"]].to_numpy().tolist() == [[0, 1], [23, 1]]


def test_categories_are_compared_in_their_order_and_by_their_names():
    scores = make(contexts=("c", "a", "b"))
    ordered = scores.astype({"context": pd.CategoricalDtype(["unused", "a", "b", "c"])})
    plain, found = compare(scores, "context", "b"), compare(ordered, "context", "b")
    assert plain["level"].tolist() == ["c", "a"] * 2
    assert found["level"].tolist() == ["a", "c"] * 2
    assert found.equals(plain.iloc[[1, 0, 3, 2]].reset_index(drop=True))


def test_the_seed_chooses_the_swaps():
    scores = make(speakers=15)
    first, again, other = (compare(scores, "context", "none", seed=seed)["p"].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_repeats_and_channels_are_paired_one_to_one():
    scores = make(itns=("off",))
    twice = pd.concat([scores, scores.assign(repeat=1), scores.assign(channel=1)])
    row = compare(twice, "context", "none").iloc[0]
    assert (row["n_pairs"], row["n_unpaired"]) == (72, 0)
    assert compare(twice, "context", "none", by="repeat")["n_pairs"].tolist() == [48, 24]


def test_an_answer_whose_partner_failed_is_unpaired():
    scores = make(itns=("off",))
    assert scores.loc[[0, 3], "context"].tolist() == ["none", "terms"]
    whole = compare(scores.drop(index=[0, 1, 2, 3]), "context", "none").iloc[0]
    part = compare(fail(scores, [0, 3]), "context", "none").iloc[0]
    assert (part["n_pairs"], part["n_unpaired"]) == (22, 2)
    assert part["delta"] == pytest.approx(whole["delta"])
    assert compare(fail(scores, [0, 1]), "context", "none").iloc[0]["n_unpaired"] == 0


def test_trials_that_count_as_all_deleted_are_paired_and_said():
    scores = make(itns=("off",))
    lost = scores.copy()
    lost.loc[[0, 3], "state"] = ["failed", "missing"]
    lost.loc[[0, 3], ["subs", "ins"]] = 0
    lost.loc[[0, 3], "dels"] = lost.loc[[0, 3], "ref_len"]
    row = compare(lost, "context", "none").iloc[0]
    assert (row["n_pairs"], row["n_unpaired"]) == (24, 0)
    assert row["delta"] == compare(lost.assign(state="answered"), "context", "none")["delta"][0]
    assert row["note"] == "2 of the answers never came and count as all-deleted"
    assert pd.isna(compare(scores, "context", "none")["note"][0])
    assert summarize(lost)[["n_failed", "n_missing", "lost"]].to_numpy().tolist() == [
        *([1, 0, "all-deleted"], [0, 1, "all-deleted"])
    ]


def test_joined_channels_are_paired_and_are_none_of_the_channels():
    scores = make(itns=("off",))
    both = pd.concat([scores, scores.assign(channel=pd.NA)])
    assert compare(scores.assign(channel=pd.NA), "context", "none")["n_pairs"].tolist() == [24]
    assert compare(both, "context", "none", by="channel")["channel"].tolist() == [0, pd.NA]
    assert compare(both, "context", "none")["n_pairs"].tolist() == [48]


def test_comparisons_take_facts_of_the_utterances():
    scores = make(itns=("off",))
    facts = pd.DataFrame({"utt_id": scores["utt_id"].unique(), "topic": ["numbers", "terms", "terms"] * 8})
    facts["tags"] = [["x", "y"] if topic == "terms" else [] for topic in facts["topic"]]
    found = compare(scores, "context", "none", by="topic", dataset=facts)
    assert found[["topic", "n_pairs", "n_blocks"]].to_numpy().tolist() == [["numbers", 8, 8], ["terms", 16, 8]]
    terms = scores[scores["utt_id"].isin(facts["utt_id"][facts["topic"] == "terms"])]
    assert found["delta"][1] == compare(terms, "context", "none")["delta"][0]
    by_tag = compare(scores, "context", "none", by="tag", dataset=facts)
    assert by_tag[["tag", "n_pairs"]].fillna("none").to_numpy().tolist() == [["x", 16], ["y", 16], ["none", 8]]


def test_rules_of_ties_are_compared_apart():
    scores = make(itns=("off",), ties="jiwer")
    found = compare(pd.concat([scores, scores.assign(ties="sclite")]), "context", "none")
    assert found[["ties", "n_pairs"]].to_numpy().tolist() == [["jiwer", 24], ["sclite", 24]]


def test_units_and_forms_are_compared_apart():
    english = make(itns=("off",))
    chinese = make(itns=("off",), seed=2).assign(unit="char", normalizer="zh-1", utt_id=lambda t: "zh-" + t["utt_id"])
    found = compare(pd.concat([english, chinese]), "context", "none")
    assert found["unit"].tolist() == ["word", "char"]
    assert found.loc[1, "delta"] == pytest.approx(compare(chinese, "context", "none")["delta"][0])


def test_the_form_that_won_does_not_keep_answers_apart():
    scores = make(itns=("off",), form="best")
    scores["marked_form"] = np.where(scores["context"] == "none", "spoken", "written")
    assert compare(scores, "context", "none")["n_pairs"].tolist() == [24]


def test_denominators_may_differ():
    scores = make(itns=("off",))
    scores.loc[scores["context"] == "terms", "ref_len"] += 3
    row = compare(scores, "context", "none").iloc[0]
    part = scores[scores["context"] == "terms"]
    assert row["rate"] == pytest.approx(errors(part).sum() / part["ref_len"].sum())
    assert row["delta"] == pytest.approx(row["rate"] - row["baseline_rate"])


def test_along_condition_the_axes_it_decides_do_not_keep_answers_apart():
    found = compare(make(), "condition", "context=none, itn=off")
    assert found["n_pairs"].tolist() == [24] * 3
    assert list(found.columns) == list(tables.SCHEMAS["comparison"])
    by_axis = compare(make(), "context", "none").set_index("itn")["delta"]
    assert found.set_index("level")["delta"]["context=terms, itn=off"] == pytest.approx(by_axis["off"])


def test_too_few_speakers_use_utterances_and_say_what_that_is_worth():
    row = compare(make(speakers=5, itns=("off",)), "context", "none").iloc[0]
    assert (row["block_kind"], row["n_blocks"]) == ("utterance", 15)
    assert row["note"] == "too few speakers (5): true of these voices only"
    assert row["test"] == "sign-flip by utterance, Monte Carlo"
    assert 0 < row["p"] <= 1


def test_too_few_utterances_have_no_test():
    row = compare(make(speakers=5, utterances=1, itns=("off",)), "context", "none").iloc[0]
    assert row[["p", "p_adjusted", "test", "statistic"]].isna().all()
    assert row["note"].endswith("too few utterances (5) for a test")
    assert row["n_comparisons"] == 0
    assert not pd.isna(row["low"])


def test_settings_that_answer_alike_have_no_interval_and_p_one():
    same = make().assign(subs=1, dels=0, ins=0)
    row = compare(same, "context", "none", by=[]).iloc[0]
    assert (row["delta"], row["p"], row["tied"]) == (0, 1, 48)
    assert pd.isna(row["low"])
    assert row["note"] == "no pair differs: no interval"


def test_a_group_without_pairs_has_a_row_and_does_not_count_as_a_test():
    scores = make()
    found = compare(scores[(scores["itn"] == "off") | (scores["context"] == "none")], "context", "none")
    assert found["n_pairs"].tolist() == [24, 0]
    assert found["n_unpaired"].tolist() == [0, 24]
    assert found.loc[1, ["rate", "delta", "p"]].isna().all()
    assert found["note"].tolist() == [pd.NA, "no answers to pair"]
    assert found["n_comparisons"].tolist() == [1, 1]


def test_no_reference_units():
    row = compare(make().assign(subs=0, dels=0, ref_len=0), "context", "none", by=[]).iloc[0]
    assert row[["rate", "delta", "low", "p"]].isna().all()
    assert row["note"] == "no reference units: no rate"


def test_labels_may_be_given_as_values():
    scores = make().assign(itn=lambda t: (t["itn"] == "on").astype(str))
    assert compare(scores, "itn", False)["level"].tolist() == ["True", "True"]
    numbers = make().assign(snr=lambda t: t["itn"].map({"off": 5, "on": 10})).drop(columns="itn")
    assert compare(numbers, "snr", 5)["level"].tolist() == ["10", "10"]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: compare(s, "ctx", "none"), "no axis 'ctx' to compare along; there are context, itn, condition"),
        (lambda s: compare(s, "unit", "word"), "no axis 'unit'"),
        (lambda s: compare(s, "context", "nothing"), "context has no level 'nothing'; it has none, terms"),
        (lambda s: compare(s, "context", "none", by="topic"), "no column 'topic'"),
        (lambda s: compare(s, "context", "none", by="context"), "Cannot group by context"),
        (lambda s: compare(s, "context", "none", by="condition"), "Cannot group by condition"),
        (lambda s: compare(s.rename(columns={"itn": "level"}), "context", "none"), "column 'level' of its own"),
        (lambda s: compare(pd.concat([s, s]), "context", "none"), "96 answers stand twice"),
        (lambda s: compare(s[s["context"] == "none"], "context", "none"), "48 answers are context 'none' and 0 are"),
        (lambda s: compare(fail(s, slice(None)), "context", "none"), "0 answers are context 'none' and 0 are"),
        (
            lambda s: compare(s[(s["context"] == "none") == (s["itn"] == "off")], "context", "none"),
            "never agree in column 'itn'",
        ),
        (
            lambda s: compare(s.assign(heard_at=range(len(s))), "context", "none"),
            "never agree in column 'heard_at'",
        ),
        (
            lambda s: compare(s.assign(block=s["block"].where(s["context"] == "none", "speaker:x")), "context", "none"),
            "different blocks",
        ),
        (lambda s: compare(s.head(0), "context", "none"), "context has no level 'none'; it has none"),
    ],
)
def test_comparisons_say_what_is_wrong(call, says):
    with pytest.raises(InvalidInput, match=says):
        call(make())


@pytest.mark.parametrize("speakers", [4, 8, 16])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), rng=st.randoms())
def test_the_order_of_rows_does_not_matter(speakers, seed, rng):
    scores = fail(make(speakers=speakers, seed=seed), [1, 6])
    order = list(range(len(scores)))
    rng.shuffle(order)
    shuffled = scores.iloc[order]
    for table in (summarize, lambda s: compare(s, "context", "none")):
        first, second = (table(s).sort_values("itn", kind="stable") for s in (scores, shuffled))
        if "context" in first:
            first, second = (t.sort_values(["itn", "context"]) for t in (first, second))
        assert first.reset_index(drop=True).equals(second.reset_index(drop=True))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), speakers=st.integers(2, 10))
def test_swapping_the_baseline_turns_the_sign(seed, speakers):
    scores = fail(make(seed=seed, speakers=speakers), [0])
    there, back = compare(scores, "context", "none"), compare(scores, "context", "terms")
    for name, other, sign in [
        ("delta", "delta", -1),
        ("low", "high", -1),
        ("statistic", "statistic", -1),
        ("p", "p", 1),
    ]:
        np.testing.assert_allclose(
            there[name].to_numpy(float, na_value=math.nan),
            sign * back[other].to_numpy(float, na_value=math.nan),
            atol=1e-15,
        )
    assert there["better"].tolist() == back["worse"].tolist()
    assert there[["tied", "n_pairs", "n_unpaired"]].equals(back[["tied", "n_pairs", "n_unpaired"]])


def test_the_frame_given_is_left_as_it_was():
    scores = make()
    before = scores.copy()
    compare(scores, "context", "none")
    summarize(scores)
    pd.testing.assert_frame_equal(scores, before)


# --- from marking to the tables


REFERENCES = pd.DataFrame(
    {
        "utt_id": ["a", "a", "b", "b", "c", "c"],
        "channel": [0, 1] * 3,
        "text": ["one two three four", "five six", "seven", "eight nine", "ten", "ten ten"],
    }
)
TRANSCRIPTS = pd.concat([REFERENCES.assign(hint=hint) for hint in ("off", "on")], ignore_index=True)
TRANSCRIPTS["condition"] = "hint=" + TRANSCRIPTS["hint"]
TRANSCRIPTS.loc[0, "text"] = None  # a failure: the other channel of it came back
TRANSCRIPTS.loc[1, "text"] = "five fix"
TRANSCRIPTS = TRANSCRIPTS.drop(index=[10, 11])  # never asked


@pytest.mark.parametrize("ties", ["jiwer", "sclite"])
@pytest.mark.parametrize(
    ("how", "off", "on", "pairs"),
    [
        # errors, units, utterances of either; pairs, unpaired, better, worse, tied, all-deleted
        (("drop", "each"), (1, 8, 3), (0, 9, 2), (3, 3, 1, 0, 2, 0)),
        (("drop", "joined"), (0, 6, 2), (0, 9, 2), (1, 2, 0, 0, 1, 0)),
        (("all-deleted", "each"), (5, 12, 3), (3, 12, 3), (6, 0, 2, 2, 2, 3)),
        (("all-deleted", "joined"), (6, 12, 3), (3, 12, 3), (3, 0, 1, 1, 1, 2)),
    ],
)
def test_what_never_came_and_what_was_joined(ties, how, off, on, pairs):
    missing, channels = how
    scores = score(TRANSCRIPTS, REFERENCES, language="en", missing=missing, channels=channels, ties=ties)
    lost = "dropped" if missing == "drop" else missing
    for table in (summarize, rates):
        found = table(scores)
        assert found["hint"].tolist() == ["off", "on"]
        assert found["rate"].tolist() == [off[0] / off[1], on[0] / on[1]]
        assert found[["ref_len", "n_utts"]].to_numpy().tolist() == [list(off[1:]), list(on[1:])]
        assert found[["n_failed", "n_not_run", "n_missing"]].to_numpy().tolist() == [[1, 0, 0], [0, 0, 1]]
        assert found[["lost", "ties"]].to_numpy().tolist() == [[lost, ties]] * 2
        pooled = table(scores, by=[])
        assert pooled["rate"].tolist() == [(off[0] + on[0]) / (off[1] + on[1])]
        assert pooled[["n_failed", "n_missing"]].to_numpy().tolist() == [[1, 1]]
    assert summarize(scores)["n_blocks"].tolist() == [off[2], on[2]]
    by_channel = rates(scores, by="channel")
    assert by_channel["channel"].tolist() == ([0, 1] if channels == "each" else [pd.NA])
    assert by_channel["n_missing"].tolist() == [1] * len(by_channel)
    row = compare(scores, "hint", "off").iloc[0]
    assert row[["n_pairs", "n_unpaired", "better", "worse", "tied"]].tolist() == list(pairs[:5])
    said = f"{pairs[5]} of the answers never came and count as all-deleted"
    assert row["note"].startswith(said) == (missing == "all-deleted")
    assert row["ties"] == ties
    if missing == "all-deleted":
        assert (row["rate"], row["baseline_rate"]) == (on[0] / on[1], off[0] / off[1])


def test_hints_of_which_one_is_none():
    asked = TRANSCRIPTS.assign(hint=TRANSCRIPTS["hint"].where(TRANSCRIPTS["hint"] == "on", None))
    scores = score(asked, REFERENCES, language="en", missing="drop")
    assert summarize(scores, by="hint")["hint"].isna().tolist() == [False, True]
    with pytest.raises(InvalidInput, match="5 answers have no level of hint"):
        compare(scores, "hint", "on")
    with pytest.raises(InvalidInput, match="6 answers have no level of hint"):
        compare(score(asked, REFERENCES, language="en", missing="all-deleted"), "hint", "on")


def test_both_rules_of_ties_in_one_table_are_never_pooled():
    marked = [score(TRANSCRIPTS, REFERENCES, language="en", missing="drop", ties=ties) for ties in ("jiwer", "sclite")]
    both = pd.concat(marked, ignore_index=True)
    for table in (summarize, rates):
        assert table(both, by=[])[["ties", "ref_len", "n_failed"]].to_numpy().tolist() == [
            ["jiwer", 17, 1],
            ["sclite", 17, 1],
        ]
    assert compare(both, "hint", "off")[["ties", "n_pairs"]].to_numpy().tolist() == [["jiwer", 3], ["sclite", 3]]


# --- sentences


def row_of(**changes):
    usual = {
        "axis": "context",
        "level": "terms",
        "baseline": "none",
        "rate": 0.123,
        "baseline_rate": 0.15,
        "delta": -0.027,
        "low": -0.04,
        "high": -0.014,
        "confidence": 0.95,
        "p": 0.004,
        "p_adjusted": 0.012,
        "n_comparisons": 3,
        "unit": "word",
        "block_kind": "speaker",
        "n_blocks": 16,
        "n_pairs": 64,
    }
    frame = pd.DataFrame([{**usual, **changes}])
    return sentences(tables.check(frame, "comparison", required=()))[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "context terms against none: lower WER, 12.3 % against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; "
            "p = 0.012 adjusted for 3 comparisons; 16 speakers, 64 pairs).",
        ),
        (
            {"itn": "off", "unit": "char", "low": -0.06, "high": 0.01, "p_adjusted": 0.2, "n_comparisons": 1},
            "context terms against none (itn off): no difference in CER shown, 12.3 % against 15.0 %, -2.7 points "
            "(95 % interval -6.0 to +1.0; p = 0.200; 16 speakers, 64 pairs).",
        ),
        (
            {"p_adjusted": 0.08},
            "context terms against none: no difference in WER shown once all comparisons are allowed for, 12.3 % "
            "against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; p = 0.080 adjusted for 3 comparisons; 16 "
            "speakers, 64 pairs).",
        ),
        (
            {"unit": "term", "rate": 0.2, "delta": 0.05, "low": 0.01, "high": 0.09, "p_adjusted": 0.0004, "n_blocks": 1,
             "block_kind": "utterance", "note": "too few speakers (1): true of these voices only"},
            "context terms against none: higher term miss rate, 20.0 % against 15.0 %, +5.0 points (95 % interval +1.0 "
            "to +9.0; p < 0.001 adjusted for 3 comparisons; 1 utterance, 64 pairs). Too few speakers (1): true of "
            "these voices only.",
        ),
        (
            {"p": math.nan, "p_adjusted": math.nan},
            "context terms against none: difference in WER not tested, 12.3 % against 15.0 %, -2.7 points (95 % "
            "interval -4.0 to -1.4; 16 speakers, 64 pairs).",
        ),
        (
            {"low": math.nan, "high": math.nan, "p": 1.0, "p_adjusted": 1.0},
            "context terms against none: no difference in WER shown, 12.3 % against 15.0 %, -2.7 points (no interval; "
            "p = 1.000 adjusted for 3 comparisons; 16 speakers, 64 pairs).",
        ),
        (
            {"unit": "mixed", "form": "spoken", "ties": "sclite", "n_comparisons": 1},
            "context terms against none (spoken reference, counted as by sclite): lower mixed error rate, 12.3 % "
            "against 15.0 %, -2.7 points (95 % interval -4.0 to -1.4; p = 0.012; 16 speakers, 64 pairs).",
        ),
        (
            {"unit": "codepoint", "ties": "jiwer", "n_comparisons": 1},
            "context terms against none: lower CER (code points), 12.3 % against 15.0 %, -2.7 points (95 % interval "
            "-4.0 to -1.4; p = 0.012; 16 speakers, 64 pairs).",
        ),
        (
            {"delta": math.nan, "note": "no answers to pair"},
            "context terms against none: WER cannot be compared. No answers to pair.",
        ),
    ],
)  # fmt: skip
def test_sentences(changes, sentence):
    assert row_of(**changes) == sentence


def test_every_row_has_a_sentence_and_none_denies_an_effect():
    found = compare(make(contexts=("none", "terms", "wrong"), speakers=10), "context", "none")
    said = sentences(found)
    assert len(said) == len(found) == 4
    assert not any("no effect" in sentence for sentence in said)
    assert all("(itn " in sentence for sentence in said)
    assert sentences(found.head(0)) == []
