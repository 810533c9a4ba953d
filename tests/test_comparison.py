"""Comparisons: paired, from pooled counts, each test against one not of our making, and no stronger than the data."""

from __future__ import annotations

import math
import re
import warnings
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import by_block, errors, fail, left_out, make, numbers, step_down
from scipy import stats

from asrlab import edits, score, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.rates import rates
from asrlab.stats.comparison import compare
from asrlab.stats.corrections import adjust, holm
from asrlab.stats.effects import effects
from asrlab.stats.sign_flips import sign_flip
from asrlab.stats.summary import summarize

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats.weightstats import ttost_paired


def test_a_comparison_is_that_of_the_kernels():
    scores = make()
    found = compare(scores, "context", "none")
    assert list(found.columns) == ["itn", *tables.SCHEMAS["comparison"]]
    assert found["itn"].tolist() == ["off", "on"]
    for row in found.itertuples():
        part = scores[scores["itn"] == row.itn].assign(errors=errors)
        arms = [*by_block(part, "context", "terms"), *by_block(part, "context", "none")]
        test = sign_flip((arms[0] - arms[2]) / arms[1].sum())
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
    together = ["p_adjusted", "n_comparisons", "detectable"]
    for place, (itn, label) in enumerate(rows):
        part = scores[(scores["itn"] == itn) & scores["context"].isin(["none", label])]
        if whole["n_pairs"][place]:
            alone = compare(part, "context", "none", seed=5).drop(columns=together)
            assert alone.equals(whole.loc[[place]].drop(columns=together).reset_index(drop=True))
    p = whole["p"].to_numpy(float, na_value=math.nan)
    assert whole["p_adjusted"].to_numpy(float, na_value=math.nan) == pytest.approx(holm(p), nan_ok=True)
    assert whole["n_comparisons"].unique().tolist() == [6]


def test_levels_that_a_table_would_show_alike_are_refused():
    scores = make(itns=("off",), contexts=("none", "one", "two"))
    mixed = scores.assign(context=scores["context"].astype(object).replace({"one": 1, "two": "1"}))
    with pytest.raises(InvalidInput, match="context has the levels 1 and '1', which a table would show alike"):
        compare(mixed, "context", "none")
    with pytest.raises(InvalidInput, match="which a table would show alike"):
        effects(mixed, ["context"])


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
    all_apart = scores.assign(block_kind=scores["block_kind"].mask(scores["context"] == "none", "recording"))
    says = r"24 are another level, of the same questions, but their blocks are of .* kinds \(recording, speaker\)"
    with pytest.raises(InvalidInput, match=says):
        compare(all_apart, "context", "none")


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
    assert row["note"] == "no pair differs in errors: no interval"


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
        (
            lambda s: compare(s[s["context"] == "none"], "context", "none"),
            "context has one level, none: there is nothing",
        ),
        (lambda s: compare(fail(s, slice(None)), "context", "none"), "0 answers are context none and 0 are"),
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
@settings(max_examples=10, deadline=None)
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


@settings(max_examples=15, deadline=None)
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
    assert (said in row["note"].split("; ")) == (missing == "all-deleted")
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


# --- each test against one not of our making


def distinct():
    """Scores of which no two differences of blocks are equal, or zero: 1, -2, 3, ... errors in 100 words."""
    scores = make(speakers=9, utterances=1, itns=("off",)).assign(subs=40, dels=0, ins=0, ref_len=100)
    place = scores["block"].str.removeprefix("speaker:s").astype(int) + 1
    return scores.assign(subs=40 + np.where(scores["context"] == "terms", place * np.where(place % 2, 1, -1), 0))


def paired_rates(scores, itn="off"):
    """Rates of the blocks under both contexts, in the order of the blocks."""
    part = scores[scores["itn"] == itn]
    (e, n), (e0, n0) = (by_block(part, "context", c) for c in ("terms", "none"))
    return e / n, e0 / n0


def exact_ranks(differences):
    """Give p of the signed ranks by going through all signs: what is zero left out, ties with their mean rank."""
    differences = differences[np.abs(differences) > 1e-12]
    ranks = stats.rankdata(np.abs(differences).round(12))
    seen = abs(float((np.sign(differences) * ranks).sum()))
    sums = [abs(sum(s * r for s, r in zip(signs, ranks, strict=True))) for signs in product((1, -1), repeat=len(ranks))]
    return sum(value >= seen - 1e-9 for value in sums) / len(sums)


@pytest.mark.parametrize("seed", range(3))
def test_sign_flip_is_the_permutation_test_of_scipy(seed):
    scores = make(speakers=9, itns=("off",), seed=seed).assign(ref_len=20)
    expected = stats.permutation_test(
        paired_rates(scores),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    row = compare(scores, "context", "none").iloc[0]
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (row["test"], row["smallest_p"]) == ("sign-flip by speaker, exact", 2 / 2**9)


def test_sign_flip_of_unequal_lengths_goes_through_all_signs():
    """The best form: the two sides of a pair have references of different length."""
    scores = make(speakers=7, itns=("off",), form="best", seed=4)
    scores.loc[(scores["context"] == "terms") & (scores.index % 3 > 0), "ref_len"] += 4
    (e, n), (e0, n0) = (by_block(scores, "context", c) for c in ("terms", "none"))
    rate, rate0 = (Fraction(int(some.sum()), int(units.sum())) for some, units in ((e, n), (e0, n0)))
    d = []
    for g in range(7):
        of = [Fraction(int(n[g]), int(n.sum())), Fraction(int(n0[g]), int(n0.sum()))]
        own = Fraction(int(e[g]), int(n.sum())) - rate * of[0] - Fraction(int(e0[g]), int(n0.sum())) + rate0 * of[1]
        d.append(own + (rate - rate0) * sum(of) / 2)
    flipped = [abs(sum(s * x for s, x in zip(signs, d, strict=True))) for signs in product((1, -1), repeat=7)]
    row = compare(scores, "context", "none").iloc[0]
    assert sum(d) == rate - rate0
    assert row["statistic"] == pytest.approx(float(rate - rate0))
    assert row["p"] == sum(value >= abs(rate - rate0) for value in flipped) / 2**7
    delta, error = left_out((e, n), (e0, n0))
    half = stats.t.ppf(0.975, 6) * error
    assert (row["delta"], row["low"], row["high"]) == pytest.approx((delta, delta - half, delta + half))


@pytest.mark.parametrize("seed", range(3))
def test_t_is_the_paired_t_test_of_scipy(seed):
    scores = make(speakers=9, itns=("off",), seed=seed).assign(ref_len=20)
    row = compare(scores, "context", "none", test="t").iloc[0]
    expected = stats.ttest_rel(*paired_rates(scores))
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert row["test"] == "t by speaker"
    assert pd.isna(row["smallest_p"])


def test_t_of_unequal_lengths_belongs_to_the_interval():
    scores = make(speakers=7, itns=("off",))
    (e, n), (e0, n0) = (by_block(scores, "context", c) for c in ("terms", "none"))
    delta, error = left_out((e, n), (e0, n0))
    row = compare(scores, "context", "none", test="t").iloc[0]
    assert row["statistic"] == pytest.approx(delta / error)
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(delta / error), 6))
    at_its_edge = compare(scores, "context", "none", test="t", level=1 - row["p"]).iloc[0]
    assert min(abs(at_its_edge["low"]), abs(at_its_edge["high"])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_wilcoxon_goes_through_all_ranks_of_the_rates_of_speakers(seed):
    scores = make(speakers=9, itns=("off",), seed=seed)
    rate, base = paired_rates(scores)
    row = compare(scores, "context", "none", test="wilcoxon").iloc[0]
    assert row["p"] == pytest.approx(exact_ranks(rate - base))
    assert row["statistic"] == stats.wilcoxon(np.round(rate - base, 12), method="asymptotic").statistic
    differ = int((np.abs(rate - base) > 0).sum())
    assert (row["test"], row["smallest_p"]) == ("Wilcoxon signed-rank by speaker", 2 / 2**differ)
    assert row["note"] == "each speaker counts alike, however much was said"
    expected = stats.wilcoxon(np.subtract(*paired_rates(distinct())), method="exact")
    row = compare(distinct(), "context", "none", test="wilcoxon").iloc[0]
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize("alike", [0, 2, 8, 9])
def test_the_least_p_of_wilcoxon_is_of_the_speakers_that_differ(alike):
    """All that differ go one way, each by another number of errors: no p is smaller."""
    scores = make(speakers=9, utterances=1, itns=("off",)).assign(subs=40, dels=0, ins=0, ref_len=100)
    place = scores["block"].str.removeprefix("speaker:s").astype(int)
    more = np.where((scores["context"] == "terms") & (place >= alike), place + 1, 0)
    row = compare(scores.assign(subs=40 + more), "context", "none", test="wilcoxon").iloc[0]
    assert row["p"] == row["smallest_p"] == min(1, 2 / 2 ** (9 - alike))
    assert row["n_blocks"] == 9


def test_wilcoxon_leaves_out_speakers_without_units():
    scores = make(speakers=9, itns=("off",))
    silent = scores["block"] == "speaker:s3"
    scores.loc[silent, ["subs", "dels", "ref_len"]] = 0
    scores.loc[silent, "ins"] = [1, 0] * 3
    row = compare(scores, "context", "none", test="wilcoxon").iloc[0]
    rate, base = paired_rates(scores[~silent])
    assert row["p"] == pytest.approx(exact_ranks(rate - base))
    assert row["n_blocks"] == 9
    assert row["smallest_p"] == 2 / 2 ** int((rate != base).sum())


@pytest.mark.parametrize("seed", range(4))
def test_mcnemar_is_the_binomial_test_of_scipy(seed):
    scores = make(itns=("off",), seed=seed)
    scores.loc[scores["subs"] < 2, ["subs", "dels", "ins"]] = 0
    wide = (scores.assign(wrong=errors(scores) > 0)).pivot_table(index="utt_id", columns="context", values="wrong")
    better, worse = int((wide["terms"] < wide["none"]).sum()), int((wide["terms"] > wide["none"]).sum())
    row = compare(scores, "context", "none", test="mcnemar").iloc[0]
    assert row["p"] == pytest.approx(stats.binomtest(better, better + worse).pvalue)
    assert row["statistic"] == min(better, worse)
    assert row["smallest_p"] == pytest.approx(2 * 0.5 ** (better + worse))
    assert row["test"] == "exact McNemar by utterance"
    assert row["note"] == "asks whether as many sentences have an error; utterances taken as independent"


@pytest.mark.parametrize("margin", [0.005, 0.05, 0.15])
def test_equivalence_is_that_of_statsmodels_and_non_inferiority_that_of_scipy(margin):
    scores = make(speakers=9, itns=("off",), seed=5).assign(ref_len=20)
    arm, base = paired_rates(scores)
    row = compare(scores, "context", "none", test="equivalence", margin=margin).iloc[0]
    assert row["p"] == pytest.approx(ttost_paired(arm, base, -margin, margin)[0])
    assert (row["test"], row["margin"]) == ("equivalence, two one-sided t by speaker", margin)
    assert pd.isna(row["smallest_p"])
    row = compare(scores, "context", "none", test="non-inferiority", margin=margin).iloc[0]
    expected = stats.ttest_rel(arm - margin, base, alternative="less")
    assert (row["statistic"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (row["test"], row["margin"]) == ("non-inferiority, one-sided t by speaker", margin)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), margin=st.floats(0.01, 0.15))
def test_equivalent_is_what_has_its_interval_within_the_margin(seed, margin):
    scores = make(seed=seed, itns=("off",))
    alike = compare(scores, "context", "none", test="equivalence", margin=margin, level=0.9).iloc[0]
    assert (alike["p"] < 0.05) == (-margin < alike["low"] and alike["high"] < margin)
    no_worse = compare(scores, "context", "none", test="non-inferiority", margin=margin, level=0.9).iloc[0]
    assert (no_worse["p"] < 0.05) == (no_worse["high"] < margin)


def segments_by_hand(reference, edits):
    """Cut a pair of answers into segments, place by place; give each one's errors less those of the baseline."""
    found, right, own = [], 0, None
    for place in range(reference + 1):
        here = [edit for edit in edits if edit[0] == place]
        inserted, others = [e for e in here if e[1] == "ins"], [e for e in here if e[1] != "ins"]
        for some in (inserted, others):
            if some:
                if own is None or right >= 2:
                    found.append(0)
                own, right = True, 0
                found[-1] += sum(1 if arm else -1 for _, _, arm in some)
        if not others:
            right += 1
    return found


WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def heard(seed, speakers=4, utterances=5, hints=("off", "on", "more")):
    """Make up what was said and what was heard of it."""
    rng = np.random.default_rng(seed)
    said = pd.DataFrame(
        [
            {"utt_id": f"{s}-{u}", "speaker": f"s{s}", "text": " ".join(rng.choice(WORDS, 12))}
            for s in range(speakers)
            for u in range(utterances)
        ]
    )
    rows = []
    for hint in hints:
        for row in said.itertuples():
            words = []
            for word in row.text.split():
                chance = rng.random()
                words += (
                    ["hm", word]
                    if chance < 0.06
                    else []
                    if chance < 0.12
                    else [rng.choice(WORDS)]
                    if chance < 0.2
                    else [word]
                )
            rows.append({"utt_id": row.utt_id, "hint": hint, "condition": f"hint={hint}", "text": " ".join(words)})
    return pd.DataFrame(rows), said


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", ["jiwer", "sclite"])
def test_mapsswe_of_the_edits_by_hand(seed, ties):
    transcripts, said = heard(seed)
    transcripts.loc[3, "text"] = None
    options = {"language": "en", "ties": ties, "missing": "all-deleted"}
    scores, made = score(transcripts, said, **options), edits(transcripts, said, **options)
    found = compare(scores, "hint", "off", test="mapsswe", edits=made)
    assert found["level"].tolist() == ["on", "more"]
    for row in found.itertuples():
        differences = []
        for utt_id in said["utt_id"]:
            own = made[(made["utt_id"] == utt_id) & made["hint"].isin(["off", row.level])]
            differences += segments_by_hand(12, [(e.ref_pos, e.kind, e.hint == row.level) for e in own.itertuples()])
        z = np.mean(differences) / (np.std(differences, ddof=1) / math.sqrt(len(differences)))
        assert row.statistic == pytest.approx(z)
        assert row.p == pytest.approx(2 * stats.norm.sf(abs(z)))
        assert row.test == "MAPSSWE by segment"
        assert pd.isna(row.smallest_p)
        assert "segments taken as independent: too sure where speakers react differently" in row.note
    # The order of edits, and right units among them, change nothing; repeats and missing columns neither.
    with_hits = edits(transcripts, said, hits=True, **options).sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(compare(scores, "hint", "off", test="mapsswe", edits=with_hits), found)
    bare = made[["utt_id", "condition", "kind", "ref_pos"]]
    pd.testing.assert_frame_equal(compare(scores, "hint", "off", test="mapsswe", edits=bare), found)
    pairs = compare(scores, "hint", test="mapsswe", edits=made)
    assert pairs["p"].tolist()[:2] == found["p"].tolist()


@pytest.mark.parametrize("column", ["repeat", "channel"])
def test_mapsswe_keeps_repeats_and_channels_apart(column):
    transcripts, said = heard(5, hints=("off", "on", "off again", "on again"))
    transcripts[column] = transcripts["hint"].str.endswith("again").astype(int)
    transcripts["hint"] = transcripts["hint"].str.removesuffix(" again")
    transcripts["condition"] = transcripts["hint"]
    if column == "channel":
        said = pd.concat([said.assign(channel=0), said.assign(channel=1)])
    scores, made = score(transcripts, said, language="en"), edits(transcripts, said, language="en")
    apart = compare(scores, "hint", "off", by=column, test="mapsswe", edits=made)
    assert apart[column].tolist() == [0, 1]
    for place in (0, 1):
        of_scores, of_edits = (table[table[column] == place] for table in (scores, made))
        alone = compare(of_scores, "hint", "off", test="mapsswe", edits=of_edits)
        assert alone["statistic"][0] == apart["statistic"][place]
    if column == "repeat":
        with pytest.raises(InvalidInput, match="20 are of an utterance that is there already"):
            compare(scores, "hint", "off", by=[], test="mapsswe", edits=made)
        return
    pooled = compare(scores, "hint", "off", by=[], test="mapsswe", edits=made)
    assert pooled["n_pairs"].tolist() == [40]
    assert pooled["statistic"][0] not in apart["statistic"].tolist()
    assert compare(scores, "hint", "off", by=[], test="mcnemar")["n_pairs"].tolist() == [40]


def test_mcnemar_and_mapsswe_take_an_utterance_once():
    """Repeats and pooled settings are no new utterances, and would make p as small as one likes."""
    scores = make()
    once = compare(scores, "context", "none", test="mcnemar")
    again = pd.concat([scores, scores[scores["utt_id"] != "s0-0"].assign(repeat=1)], ignore_index=True)
    says = re.escape(
        'test="mcnemar" takes every pair as independent, and 46 are of an utterance that is there already '
        "(s0-1, s0-2, s1-0, s1-1, s1-2)"
    )
    with pytest.raises(InvalidInput, match=says):
        compare(again, "context", "none", test="mcnemar")
    with pytest.raises(InvalidInput, match=r"24 are of an utterance .* name the axes in by=, or use a test by block"):
        compare(scores, "context", "none", test="mcnemar", by=[])
    # What the message says to do, and tests by block, which are of sums.
    kept = again[again["repeat"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(compare(kept, "context", "none", test="mcnemar"), once)
    by_repeat = compare(again, "context", "none", test="mcnemar", by=["itn", "repeat"])
    assert by_repeat["n_pairs"].tolist() == [24, 23] * 2
    for test in ("sign-flip", "t", "wilcoxon"):
        assert compare(again, "context", "none", test=test)["n_pairs"].tolist() == [47, 47]
    # Answers of one level only make no pair, and a pair in several rows counts once in each.
    lonely = scores[scores["context"] == "none"].assign(repeat=1)
    found = compare(pd.concat([scores, lonely], ignore_index=True), "context", "none", test="mcnemar")
    assert found["p"].tolist() == once["p"].tolist()
    assert len(compare(make(contexts=("a", "b", "c")), "context", test="mcnemar")) == 6


def test_edits_of_other_scores_are_refused():
    transcripts, said = heard(7, hints=("off", "on"))
    scores, made = score(transcripts, said, language="en"), edits(transcripts, said, language="en")
    worse = edits(transcripts.assign(text=transcripts["text"] + " hm"), said, language="en")
    by_char = edits(transcripts, said, language="en", unit="char")
    twice = pd.concat([made, made])
    for other, says in (
        (worse, "errors of '0-0' differ"),
        (by_char, "errors of .* differ. Make both from the same transcripts"),
        (twice, "errors of .* differ"),
        (made.head(3), "errors of .* differ"),
        (made.assign(utt_id="x"), "errors of .* differ"),
        (made.drop(columns="hint").assign(condition="x"), "errors of .* differ"),
        (made.drop(columns="ref_pos"), "edits= has no column 'ref_pos'"),
        (scores, "edits= has no column 'kind'"),
        ("edits.csv", "A table must be a pandas DataFrame, not str"),
    ):
        with pytest.raises(InvalidInput, match=says):
            compare(scores, "hint", "off", test="mapsswe", edits=other)


def test_edits_that_may_be_of_several_answers_are_refused():
    transcripts, said = heard(7, hints=("off", "on"))
    scores, made = score(transcripts, said, language="en"), edits(transcripts, said, language="en")
    with pytest.raises(InvalidInput, match="may be of several answers, which agree in utt_id, condition, repeat, chan"):
        compare(scores.assign(condition="x"), "hint", "off", test="mapsswe", edits=made.drop(columns="hint"))
    facts = pd.DataFrame({"utt_id": said["utt_id"], "topic": "x"}).assign(tags=[["x", "y"]] * len(said))
    with pytest.raises(InvalidInput, match="cannot be grouped by tag"):
        compare(scores, "hint", "off", test="mapsswe", edits=made, by="tag", dataset=facts)
    by_topic = compare(scores, "hint", "off", test="mapsswe", edits=made, by="topic", dataset=facts)
    assert by_topic["p"].tolist() == compare(scores, "hint", "off", test="mapsswe", edits=made)["p"].tolist()


def test_edits_of_settings_left_out_are_of_no_concern():
    transcripts, said = heard(8)
    scores, made = score(transcripts, said, language="en"), edits(transcripts, said, language="en")
    two = scores["hint"] != "more"
    found = compare(scores[two], "hint", "off", test="mapsswe", edits=made)
    expected = compare(scores[two], "hint", "off", test="mapsswe", edits=made[made["hint"] != "more"])
    pd.testing.assert_frame_equal(found, expected)


def test_segments_need_one_wording_of_the_reference():
    said = pd.DataFrame(
        [
            {"utt_id": u, "form": form, "text": text}
            for u in "abcdef"
            for form, text in (("spoken", "twenty one apples"), ("written", "21 apples"))
        ]
    )
    transcripts = pd.DataFrame(
        [
            {"utt_id": u, "hint": hint, "condition": hint, "text": text}
            for u in "abcdef"
            for hint, text in (("off", "twenty one apple"), ("on", "21 apple"))
        ]
    )
    scores, made = (make_(transcripts, said, form="best", language="en", normalizer="none") for make_ in (score, edits))
    with pytest.raises(InvalidInput, match="marked against different references"):
        compare(scores, "hint", "off", test="mapsswe", edits=made)


# --- what tests need, and what does not hang on them


def test_the_estimate_and_its_interval_do_not_hang_on_the_test():
    scores = make()
    usual = compare(scores, "context", "none")
    depends = ["test", "statistic", "p", "p_adjusted", "smallest_p", "detectable", "margin", "note"]
    for options in (
        {"test": "t"},
        {"test": "wilcoxon"},
        {"test": "mcnemar"},
        {"test": "equivalence", "margin": 0.1},
        {"test": "non-inferiority", "margin": 0.1},
    ):
        found = compare(scores, "context", "none", **options)
        pd.testing.assert_frame_equal(found.drop(columns=depends), usual.drop(columns=depends))
        assert found["margin"].isna().all() == ("margin" not in options)
        assert found["p_adjusted"].tolist() == pytest.approx(holm(found["p"]).tolist())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test": "anova"}, "test must be one of sign-flip, t, wilcoxon, .*, not 'anova'"),
        ({"correction": "sidak"}, "correction must be one of holm, max-t, benjamini-hochberg, none, not 'sidak'"),
        ({"test": "t", "correction": "max-t"}, 'made of sign-flips; with test="t" use correction="holm"'),
        ({"test": "equivalence"}, "needs margin=, the difference that would not matter, as a share"),
        ({"test": "non-inferiority"}, "needs margin="),
        ({"margin": 0.01}, "margin= is for .*; this test is 'sign-flip'"),
        ({"test": "equivalence", "margin": 1}, "margin=1 is 100 points, as much as the whole error rate"),
        ({"test": "equivalence", "margin": 2}, r"margin must lie .* 1 \(a share, such as 0.005 .*\); this is 2"),
        ({"test": "equivalence", "margin": 0}, "margin must lie between .*; this is 0"),
        ({"test": "equivalence", "margin": -0.01}, "margin must lie between .*; this is -0.01"),
        ({"test": "equivalence", "margin": math.nan}, "margin must lie between .*; this is nan"),
        ({"test": "equivalence", "margin": "0.01"}, "margin must lie between .*; this is '0.01'"),
        ({"test": None}, "test must be one of .*, not None"),
        ({"correction": None}, "correction must be one of .*, not None"),
        ({"test": "equivalence", "margin": 0.5}, r"margin=0.5 is 50 points, as much as .* It is a share: half a point"),
        ({"test": "non-inferiority", "margin": 0.9}, "margin=0.9 is 90 points"),
        ({"test": "mapsswe"}, r"edits=lab\.edits\(\.\.\.\), with the options of score"),
        ({"edits": pd.DataFrame()}, "edits= are for test=\"mapsswe\"; this test is 'sign-flip'"),
    ],
)
def test_tests_say_what_they_need(options, says):
    with pytest.raises(InvalidInput, match=says):
        compare(make(), "context", "none", **options)


@pytest.mark.parametrize(
    "table",
    [summarize, effects, lambda scores, **options: compare(scores, "context", "none", **options)],
    ids=["summarize", "effects", "compare"],
)
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"level": 95}, r"level must lie between .* \(a confidence level, such as 0\.95\); this is 95"),
        ({"level": 0}, "level must lie between .*; this is 0"),
        ({"level": 1.0}, "level must lie between .*; this is 1.0"),
        ({"level": True}, "level must lie between .*; this is True"),
        ({"level": "0.95"}, "level must lie between .*; this is '0.95'"),
        ({"level": math.nan}, "level must lie between .*; this is nan"),
        ({"resamples": 0}, "resamples must be a whole number from 1; this is 0"),
        ({"resamples": 99.5}, "resamples must be a whole number from 1; this is 99.5"),
        ({"seed": -1}, "seed must be a whole number from 0; this is -1"),
        ({"seed": 2**63}, "seed must be a whole number from 0; this is 9223372036854775808"),
        ({"seed": None}, "seed must be a whole number from 0; this is None"),
        ({"by": 5}, "by must be the name of a column or a list of names, not 5"),
        ({"by": ["itn", 5]}, "by must be the name of a column or a list of names"),
    ],
    ids=str,
)
def test_figures_out_of_range_are_refused(table, options, says):
    with pytest.raises(InvalidInput, match=says):
        table(make(speakers=6, utterances=1), **options)


@pytest.mark.parametrize("table", [summarize, effects, lambda scores: compare(scores, "context", "none"), adjust])
def test_what_is_no_table_is_refused(table):
    for other, name in ((5, "int"), (None, "NoneType"), ([make()], "list")):
        with pytest.raises(InvalidInput, match=f"A table must be a pandas DataFrame, not {name}"):
            table(other)
    with pytest.raises(InvalidInput, match=r"scores\.csv is not there|must be a pandas DataFrame, not str"):
        table("scores.csv")
    scores = make()
    twice = pd.concat([scores, scores[["subs"]]], axis=1)
    with pytest.raises(InvalidInput, match="This table has two columns named 'subs'"):
        table(twice)


def test_axes_are_named_one_by_one():
    for along in (["context"], None, 3):
        with pytest.raises(InvalidInput, match=r"There is no axis .* to compare along; there are context, itn"):
            compare(make(), along, "none")


# --- all pairs


def test_all_pairs_are_those_against_each_baseline():
    scores = fail(make(contexts=("a", "b", "c", "d")), [3, 30, 31])
    pairs = compare(scores, "context", correction="none")
    assert pairs[["itn", "baseline", "level"]].to_numpy().tolist() == [
        [itn, base, label] for itn in ("off", "on") for base, label in combinations("abcd", 2)
    ]
    assert pairs["n_comparisons"].tolist() == [12] * 12
    made = ["n_comparisons", "correction"]
    for base in "abcd":
        against = compare(scores, "context", base, correction="none")
        for row in against.itertuples():
            same = pairs[(pairs["itn"] == row.itn) & (pairs["level"] == row.level) & (pairs["baseline"] == base)]
            back = pairs[(pairs["itn"] == row.itn) & (pairs["level"] == base) & (pairs["baseline"] == row.level)]
            assert len(same) + len(back) == 1
            own = against.loc[[row.Index]].reset_index(drop=True)
            if len(same):
                pd.testing.assert_frame_equal(same.drop(columns=made).reset_index(drop=True), own.drop(columns=made))
            else:
                back = back.iloc[0]
                assert (back["delta"], back["low"], back["high"]) == pytest.approx((-row.delta, -row.high, -row.low))
                assert (back["p"], back["n_pairs"], back["n_unpaired"]) == (row.p, row.n_pairs, row.n_unpaired)
                assert (back["better"], back["worse"]) == (row.worse, row.better)


def test_two_levels_are_one_pair_the_later_against_the_earlier():
    scores = make(contexts=("b", "a"))
    pd.testing.assert_frame_equal(compare(scores, "context"), compare(scores, "context", "b"))
    ordered = scores.astype({"context": pd.CategoricalDtype(["a", "b"])})
    assert compare(ordered, "context")["baseline"].tolist() == ["a", "a"]
    with pytest.raises(InvalidInput, match="context has one level, a: there is nothing to compare"):
        compare(make(contexts=("a",)), "context")
    with pytest.raises(InvalidInput, match="context has one level, or none"):
        compare(make().head(0), "context")


# --- correction by the greatest |t|


@pytest.mark.parametrize("seed", range(2))
def test_max_t_of_a_comparison_is_step_down_by_hand(seed):
    scores = make(speakers=8, contexts=("none", "terms", "wrong"), seed=seed)
    found = compare(scores, "context", "none", correction="max-t")
    rows = []
    for row in found.itertuples():
        part = scores[scores["itn"] == row.itn]
        (e, n), (e0, _) = (by_block(part, "context", c) for c in (row.level, "none"))
        rows.append({g: ((e[g] - e0[g]) / n.sum(), n[g] / n.sum()) for g in range(8)})
    expected, _ = step_down(rows, range(8))
    assert found["p_adjusted"].tolist() == pytest.approx(np.maximum(expected, numbers(found["p"])).tolist())
    assert found["correction"].tolist() == ["max-t"] * 4
    assert found["n_comparisons"].tolist() == [4] * 4
    plain = compare(scores, "context", "none")
    assert found["p"].tolist() == plain["p"].tolist()


def test_max_t_does_not_count_what_was_not_tested():
    scores = make(speakers=8, contexts=("none", "terms", "wrong"))
    lost = fail(scores, (scores["context"] == "wrong") & (scores["itn"] == "on"))
    found = compare(lost, "context", "none", correction="max-t")
    assert found["n_comparisons"].tolist() == [3] * 4
    assert found["p_adjusted"].isna().tolist() == [False, False, False, True]
    alike = compare(make().assign(subs=1, dels=0, ins=0), "context", "none", correction="max-t")
    assert alike["p_adjusted"].tolist() == [1, 1]
    few = compare(make(speakers=5, utterances=1), "context", "none", correction="max-t")
    assert few["p_adjusted"].isna().all()


# --- what was left out, and what can degenerate


def test_settings_asked_of_other_utterances_are_compared_on_those_of_both():
    scores = make(itns=("off",), contexts=("none", "terms", "wrong"))
    gone = (
        ((scores["context"] == "terms") & scores["utt_id"].isin(["s0-0", "s0-1", "s4-2"]))
        | ((scores["context"] == "none") & scores["utt_id"].isin(["s0-0", "s1-1"]))
        | ((scores["context"] == "wrong") & (scores["block"] == "speaker:s7"))
    )
    found = compare(scores[~gone], "context", "none")
    for row in found.itertuples():
        there = [set(scores.loc[~gone & (scores["context"] == c), "utt_id"]) for c in (row.level, "none")]
        both = there[0] & there[1]
        assert row.n_pairs == len(both)
        assert row.n_unpaired == len(there[0] - both) + len(there[1] - both)
        whole = scores[scores["utt_id"].isin(both) & scores["context"].isin([row.level, "none"])]
        alone = compare(whole, "context", "none").iloc[0]
        for name in ("rate", "baseline_rate", "delta", "low", "high", "p", "n_blocks", "better"):
            assert getattr(row, name) == alone[name]
    assert found["level"].tolist() == ["wrong", "terms"]  # in their order of appearance
    assert found["n_unpaired"].tolist() == [5, 3]
    assert found["n_blocks"].tolist() == [7, 8]


WITH_MARGIN = ("equivalence", "non-inferiority")
ALL_TESTS = [
    {"test": "sign-flip"},
    {"test": "sign-flip", "correction": "max-t"},
    {"test": "t", "correction": "benjamini-hochberg"},
    {"test": "wilcoxon"},
    {"test": "mcnemar"},
    {"test": "equivalence", "margin": 0.01},
    {"test": "non-inferiority", "margin": 0.01},
]


def degenerate():
    one = make(speakers=1, itns=("off",))
    yield "one speaker", one, {"note": r"too few speakers \(1\): true of these voices only.*", "n_blocks": 3}
    yield "one utterance", one.head(2), {"note": ".*one block: no interval", "low": None, "n_blocks": 1}
    right = make(itns=("off",)).assign(subs=0, dels=0, ins=0)
    yield "no errors", right, {"note": ".*no pair differs in errors: no interval", "rate": 0, "delta": 0, "low": None}
    worse = right.assign(subs=(right["context"] == "terms").astype(int), ref_len=10)
    yield "all alike", worse, {"note": ".*all blocks differ alike: no interval", "delta": 0.1, "low": None}
    base = right.assign(subs=(right["context"] == "none").astype(int), ref_len=10)
    yield "all better", base, {"delta": -0.1, "low": None, "rate": 0}
    empty = right.assign(ref_len=0, ins=1)
    yield "no units", empty, {"note": ".*no reference units: no rate", "rate": None, "p": None, "low": None}
    half = make(itns=("off",))
    half.loc[half["context"] == "terms", ["ref_len", "subs", "dels"]] = 0
    yield "no units of one", half, {"note": ".*no reference units: no rate", "rate": None, "delta": None, "p": None}
    lost = make(itns=("off",), contexts=("none", "lost", "terms"))
    yield "all failed", fail(lost, lost["context"] == "lost"), {"note": "no answers to pair", "n_pairs": 0, "p": None}
    uneven = make(speakers=2, utterances=1, itns=("off",)).assign(ref_len=[1, 1, 2000, 2000])
    yield "uneven", uneven.assign(subs=[1, 0, 0, 0], dels=0, ins=0), {"n_blocks": 2}


CASES = list(degenerate())


@pytest.mark.parametrize("options", ALL_TESTS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize(("scores", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_degenerates_has_a_row_that_says_so(scores, expected, options):
    row = compare(scores, "context", "none", **options).iloc[0]
    for name, value in expected.items():
        if name == "note":
            said = "" if pd.isna(row["note"]) else row["note"]
            assert re.fullmatch(value, said) or options["test"] in ("wilcoxon", "mcnemar")
            assert said
        elif value is None:
            assert pd.isna(row[name])
        else:
            assert row[name] == pytest.approx(value)
    assert pd.isna(row["p"]) == pd.isna(row["test"]) == pd.isna(row["p_adjusted"])
    least = 0 if pd.isna(row["smallest_p"]) else row["smallest_p"]
    assert pd.isna(row["p"]) or least - 1e-12 <= row["p"] <= 1 + 1e-12
    assert pd.isna(row["smallest_p"]) == (pd.isna(row["p"]) or options["test"] in ("t", *WITH_MARGIN))
    for name in ("statistic", "p", "p_adjusted", "detectable", "delta", "low"):
        assert pd.isna(row[name]) or math.isfinite(row[name])


@pytest.mark.parametrize("options", ALL_TESTS[:5], ids=lambda options: "-".join(map(str, options.values())))
def test_more_than_a_thousand_blocks(options):
    scores = make(speakers=1100, utterances=1, itns=("off",), block_kind="utterance")
    row = compare(scores.assign(block=scores["utt_id"]), "context", "none", resamples=99, **options).iloc[0]
    assert row["n_blocks"] == 1100
    least = 0 if options["test"] in ("t", *WITH_MARGIN) else row["smallest_p"]
    assert 0 <= least <= row["p"] <= row["p_adjusted"] <= 1


def one_large(size, others, level="terms"):
    """Scores of which one pair differs by so many errors, and others by one, either way."""
    scores = make(utterances=6, itns=("off",)).assign(subs=20, dels=0, ins=0, ref_len=50)
    place = scores.groupby("context").cumcount()
    of_level = scores["context"] == level
    more = np.where(place == 7, size, np.where((place > 7) & (place <= 7 + others), 1, 0)) * of_level
    less = ((place > 7) & (place <= 7 + others) & (place % 2 == 0) & of_level) * 2
    return scores.assign(subs=scores["subs"] + more - less)


@pytest.mark.parametrize("level", ["terms", "none"])
@pytest.mark.parametrize(
    ("size", "others", "share"),
    [(10, 30, "25 %"), (10, 31, None), (12, 9, "57 %"), (10, 0, "100 %"), (9, 0, None), (9, 3, None)],
)
def test_one_answer_that_makes_much_of_all_that_differs_is_named(size, others, share, level):
    row = compare(one_large(size, others, level), "context", "none").iloc[0]
    assert row["better"] + row["worse"] == 1 + others
    said = f"one answer makes {share} of all that differs: look at it, it may be a loop" if share else None
    assert (None if pd.isna(row["note"]) else row["note"]) == said


def test_an_answer_that_may_be_a_loop_is_named_in_its_own_row():
    scores = pd.concat([one_large(12, 9), one_large(5, 9).assign(itn="on")], ignore_index=True)
    for options in ({}, {"test": "t"}):
        assert compare(scores, "context", "none", **options)["note"].isna().tolist() == [False, True]
    note = compare(scores, "context", "none", test="wilcoxon")["note"][0]
    assert note.startswith("each speaker counts alike, however much was said; one answer makes 57 %")


# --- what the service does when merely asked again


def asked_again(seed):
    """Scores with three repeats, of which some failed and some have no text, and fingerprints of few texts."""
    rng = np.random.default_rng(seed)
    parts = [make(speakers=6, utterances=2, contexts=("none", "terms", "wrong"), itns=("off",), seed=seed)]
    parts += [parts[0].assign(repeat=k, subs=rng.integers(0, 4, len(parts[0]))) for k in (1, 2)]
    scores = pd.concat(parts, ignore_index=True).drop(columns=["hits", "hyp_len"], errors="ignore")
    scores["heard"] = pd.array(rng.choice(["x", "y", "z"], len(scores), p=[0.6, 0.2, 0.2]), dtype="string")
    scores.loc[rng.random(len(scores)) < 0.1, "heard"] = pd.NA
    return fail(scores, rng.random(len(scores)) < 0.2)


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_changes_by_going_through_the_repeats(seed):
    scores = asked_again(seed)
    found = compare(scores, "context", "none")
    marked = scores[scores["subs"].notna()].assign(errors=errors)
    for row in found.itertuples():
        sides = [
            {(a.utt_id, a.repeat): a for a in marked[marked["context"] == c].itertuples()} for c in (row.level, "none")
        ]
        both = sorted(set(sides[0]) & set(sides[1]))
        texts = [[side[key].heard for side in sides] for key in both]
        texts = [pair for pair in texts if not all(pd.isna(text) for text in pair)]
        differ = sum(pd.isna(a) or pd.isna(b) or a != b for a, b in texts)  # also an answer to one alone
        assert row.changed == pytest.approx(differ / len(texts))
        floor, variance = [], 0.0
        for side in sides:
            units = sum(side[key].ref_len for key in both)
            spread, several, answers = 0.0, 0, 0
            for utt_id in {key[0] for key in both}:
                own = [side[key] for key in both if key[0] == utt_id]
                floor += [
                    a.heard != b.heard for a, b in combinations(own, 2) if not (pd.isna(a.heard) or pd.isna(b.heard))
                ]
                answers += len(own)
                if len(own) > 1:
                    spread += len(own) * np.var([a.errors for a in own], ddof=1)
                    several += len(own)
            variance += spread * answers / several / units**2
        assert row.changed_floor == pytest.approx(sum(floor) / len(floor))
        assert row.repeat_noise == pytest.approx(math.sqrt(variance))


def test_without_repeats_nothing_is_known_of_noise():
    scores = make(itns=("off",))
    assert compare(scores, "context", "none")[["repeat_noise", "changed", "changed_floor"]].isna().all(axis=None)
    scores["heard"] = pd.array(["x", "x", "x", "y"] * 12, dtype="string")
    row = compare(scores, "context", "none").iloc[0]
    assert row["changed"] == 0.5
    assert pd.isna(row["repeat_noise"])
    assert pd.isna(row["changed_floor"])
    apart = pd.concat([scores, scores.assign(repeat=1)])
    by_repeat = compare(apart, "context", "none", by="repeat")
    assert by_repeat[["repeat_noise", "changed_floor"]].isna().all(axis=None)
    steady = compare(apart, "context", "none").iloc[0]
    assert (steady["repeat_noise"], steady["changed_floor"]) == (0, 0)


# --- what must not matter


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), times=st.integers(2, 4), test=st.sampled_from(["sign-flip", "t", "wilcoxon"]))
def test_scaling_errors_and_lengths_together_changes_nothing(seed, times, test):
    scores = make(seed=seed, speakers=7)
    longer = scores.assign(**{name: scores[name] * times for name in ("subs", "dels", "ins", "ref_len")})
    longer = longer.drop(columns=["hits", "hyp_len"], errors="ignore")
    one, other = (compare(some, "context", "none", test=test) for some in (scores, longer))
    for name in ("delta", "low", "high", "p", "p_adjusted"):
        assert numbers(other[name]) == pytest.approx(numbers(one[name]), nan_ok=True, abs=1e-12)
    assert other["n_units"].tolist() == [times * units for units in one["n_units"]]
    # With more words a difference brings less luck for its size.
    known = one["detectable"].notna()
    assert (other["detectable"].notna() == known).all()
    assert (other["detectable"] < one["detectable"])[known].all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), names=st.lists(st.text("abcxyz", min_size=1), min_size=16, max_size=16, unique=True))
def test_new_names_of_speakers_in_the_same_order_change_nothing(seed, names):
    scores = make(seed=seed, speakers=16)
    old = sorted(scores["block"].unique())
    renamed = scores.assign(block=scores["block"].map(dict(zip(old, sorted(names), strict=True))))
    options = {"resamples": 199, "correction": "max-t"}
    pd.testing.assert_frame_equal(
        compare(renamed, "context", "none", **options), compare(scores, "context", "none", **options)
    )
