"""The context ladder and the curve of list sizes, against the tables that they are put together from."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

from asrlab.errors import InvalidInput
from asrlab.scoring.terms import scores
from asrlab.stats.comparison import compare
from asrlab.stats.context import bias_curve, context_ladder
from asrlab.stats.precision_recall import precision_recall
from asrlab.stats.summary import summarize

SIZES = {"none": (0.6, 0.0), "10": (0.8, 0.01), "100": (0.9, 0.03), "1000": (0.85, 0.06)}


def planted(seed=3, n=48, **extra):
    """Answers in which longer lists bring more terms through, and more of what was not said."""
    rng = random.Random(seed)
    names = ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(200)]
    names = list(dict.fromkeys(names))
    references, terms, rows = [], [], []
    for u in range(n):
        listed = rng.sample(names, 20)
        words = [*rng.sample([f"word{k}" for k in range(300)], 10), *listed[:2]]
        rng.shuffle(words)
        references.append((f"u{u}", " ".join(words), f"s{u % 8}"))
        terms += [(f"u{u}", term, "present" if k < 2 else "distractor") for k, term in enumerate(listed)]
        for size, (right, invented) in SIZES.items():
            heard = []
            for word in words:
                if rng.random() < invented:
                    heard.append(rng.choice(listed[2:]))
                heard.append("zzz" if word in listed and rng.random() > right else word)
            rows.append((f"u{u}", size, size, " ".join(heard)))
    return scores(
        pd.DataFrame(rows, columns=["utt_id", "condition", "context", "text"]).assign(**extra),
        pd.DataFrame(references, columns=["utt_id", "text", "speaker"]),
        terms=pd.DataFrame(terms, columns=["utt_id", "term", "role"]),
        language="en",
    )


@pytest.fixture(scope="module")
def marked():
    return planted()


def test_the_ladder_is_made_of_summaries_and_comparisons(marked):
    ladder = context_ladder(marked)
    assert ladder["context"].tolist() == list(SIZES)
    pooled = summarize(marked, by="context").set_index(["unit", "context"])
    for name, unit, times in (
        ("error", "word", 1),
        ("listed", "listed word", 1),
        ("unlisted", "unlisted word", 1),
        ("false_terms", "false term", 1000),
        ("distractors", "distractor", 1000),
    ):
        for end, of in (("", "rate"), ("_low", "low"), ("_high", "high")):
            expected = times * pooled.loc[unit, of].loc[ladder["context"]]
            np.testing.assert_allclose(
                ladder[name + end].to_numpy(float, na_value=np.nan), expected.to_numpy(float, na_value=np.nan)
            )
    shares = precision_recall(marked, by="context")
    for name in ("recall", "precision", "f1", "said", "heard", "hits", "false"):
        assert ladder[name].tolist() == shares[name].tolist()
    difference = compare(marked[marked["unit"] == "term"], "context", "none")
    assert ladder["recall_delta"].isna().tolist() == [True, False, False, False]
    assert ladder["recall_delta"].tolist()[1:] == (-difference["delta"]).tolist()
    assert ladder["recall_delta_low"].tolist()[1:] == (-difference["high"]).tolist()
    assert ladder["recall_delta_high"].tolist()[1:] == (-difference["low"]).tolist()
    assert ladder["recall_p"].tolist()[1:] == difference["p_adjusted"].tolist()
    np.testing.assert_allclose(
        ladder["recall_delta"].to_numpy(float, na_value=0), ladder["recall"] - ladder["recall"].iloc[0]
    )
    words = compare(marked[marked["unit"] == "word"], "context", "none")
    assert ladder["error_delta"].tolist()[1:] == words["delta"].tolist()
    assert ladder["n_utts"].tolist() == [48] * 4
    assert ladder["baseline"].unique().tolist() == ["none"]
    assert ladder["leak"].isna().all()


def test_levels_keep_their_order_and_another_baseline_may_be_named(marked):
    table = marked.assign(context=pd.Categorical(marked["context"], ["1000", "100", "10", "none"], ordered=True))
    ladder = context_ladder(table, baseline="1000")
    assert ladder["context"].tolist() == ["1000", "100", "10", "none"]
    assert ladder["context"].dtype == table["context"].dtype
    assert ladder["recall_delta"].isna().tolist() == [True, False, False, False]
    assert context_ladder(marked, baseline="100")["recall_delta"].isna().tolist() == [False, False, True, False]


def test_other_axes_make_ladders_of_their_own_or_are_pooled(marked):
    two = pd.concat([marked.assign(itn="off"), marked.assign(itn="on", condition=marked["condition"] + " on")])
    ladder = context_ladder(two)
    assert ladder[["itn", "context"]].to_numpy().tolist() == [[itn, c] for itn in ("off", "on") for c in SIZES]
    one = context_ladder(marked)
    assert ladder["recall"].tolist() == one["recall"].tolist() * 2
    pooled = context_ladder(two, by=[])
    assert pooled["said"].tolist() == (2 * one["said"]).tolist()
    assert pooled["recall_delta"].tolist()[1:] == one["recall_delta"].tolist()[1:]


def test_words_and_characters_are_never_pooled():
    answers = pd.DataFrame(
        [(u, c, t) for u, ts in {"a": ("kim", "him"), "b": ("王芳来了", "王方来了")}.items() for c, t in enumerate(ts)],
        columns=["utt_id", "condition", "text"],
    ).assign(context=["x", "y"] * 2)
    references = pd.DataFrame({"utt_id": ["a", "b"], "text": ["kim", "王芳来了"], "language": ["en", "zh"]})
    table = scores(answers.astype({"condition": str}), references, terms=["Kim", "王芳"])
    ladder = context_ladder(table)
    assert ladder[["context", "unit", "recall"]].to_numpy().tolist() == [
        ["x", "word", 1.0],
        ["x", "char", 1.0],
        ["y", "word", 0.0],
        ["y", "char", 0.0],
    ]
    # Also where one normalizer is used for both.
    plain = scores(answers.astype({"condition": str}), references, terms=["Kim", "王芳"], normalizer="none")
    assert context_ladder(plain)["unit"].tolist() == ["word", "char"] * 2


def test_one_level_has_no_differences(marked):
    ladder = context_ladder(marked[marked["context"] == "100"])
    assert len(ladder) == 1
    assert ladder[["recall_delta", "error_delta"]].isna().all(axis=None)


def test_failed_trials_are_told():
    answers = pd.DataFrame({"utt_id": list("aabb"), "context": ["x", "y"] * 2, "condition": ["x", "y"] * 2})
    answers["text"] = ["kim", "kim", "kim", None]
    references = pd.DataFrame({"utt_id": list("ab"), "text": ["kim", "kim"]})
    ladder = context_ladder(scores(answers, references, terms=["Kim"], missing="drop"))
    assert ladder[["n_failed", "said"]].to_numpy().tolist() == [[0, 2], [1, 1]]
    assert ladder["lost"].fillna("-").tolist() == ["-", "dropped"]


def some_answers(texts, terms=("Kim",), axis="context", languages="en", **extra):
    """Marked answers to questions, each at the levels of the axis; None failed."""
    rows = [(u, level, level, text) for u, of in texts.items() for level, text in of.items()]
    references = pd.DataFrame({"utt_id": list(texts), "text": "kim came", "language": languages})
    answers = pd.DataFrame(rows, columns=["utt_id", "condition", axis, "text"]).assign(**extra)
    return scores(answers, references, terms=list(terms), missing="drop")


def test_a_level_that_failed_throughout_has_no_difference():
    table = some_answers({u: {"none": "kim came", "some": "him came", "list": None} for u in "ab"})
    ladder = context_ladder(table)
    assert ladder["recall_delta"].fillna(9).tolist() == [9, -1, 9]
    alone = context_ladder(table[table["context"] != "some"])
    assert alone["n_failed"].tolist() == [0, 2]
    assert alone[["recall_delta", "recall_p", "error_delta"]].isna().all(axis=None)
    # What was never asked of the same utterances is still no ladder.
    apart = pd.concat(
        [some_answers({"a": {"none": "kim came"}}), some_answers({"b": {"some": "kim came"}})], ignore_index=True
    )
    with pytest.raises(InvalidInput, match="Nothing can be paired"):
        context_ladder(apart)


@pytest.mark.parametrize("lost", ["none", "100"])
def test_a_trend_says_of_how_many_utterances_it_is(marked, lost):
    kept = ~marked["utt_id"].isin([f"u{n}" for n in range(1, 48)]) | (marked["context"] != lost)
    curve = bias_curve(marked[kept], "context")
    for name in ("listed", "unlisted", "recall", "distractors", "error"):
        assert curve[f"{name}_trend_n"].unique().tolist() == [1]
        assert curve[[f"{name}_trend{end}" for end in ("", "_low", "_high", "_p")]].isna().all(axis=None)
    assert bias_curve(marked, "context")["recall_trend_n"].unique().tolist() == [48]


def test_a_trend_of_no_utterance_is_of_none():
    curve = bias_curve(some_answers({u: {"0": "kim came", "10": None} for u in "ab"}), "context")
    assert curve["error_trend_n"].tolist() == [0, 0]
    assert curve["error_trend"].isna().all()


def test_along_the_condition_its_own_axes_are_no_other_questions(marked):
    curve = bias_curve(marked, "condition")
    pd.testing.assert_series_equal(curve["error_trend"], bias_curve(marked, "context")["error_trend"])


def test_p_is_corrected_as_is_asked_for(marked):
    for correction in ("none", "max-t", "benjamini-hochberg"):
        found = compare(marked[marked["unit"] == "term"], "context", "none", correction=correction)
        ladder = context_ladder(marked, correction=correction)
        assert ladder["recall_p"].tolist()[1:] == found["p_adjusted"].tolist()
    with pytest.raises(InvalidInput, match="correction must be one of"):
        context_ladder(marked[marked["context"] == "none"], correction="bonferroni")


@pytest.mark.parametrize("axis", ["named", "place", "level_", "errors_"])
def test_axes_may_have_any_name(marked, axis):
    renamed = marked.rename(columns={"context": axis})
    assert context_ladder(renamed, axis)["recall_delta"].tolist() == context_ladder(marked)["recall_delta"].tolist()
    beside = context_ladder(marked.assign(**{axis: "x"}))
    assert beside[axis].tolist() == ["x"] * 4
    assert bias_curve(marked.assign(**{axis: "x"}), "context")["recall_trend"].notna().all()


@pytest.mark.parametrize("along", ["context", "cut into"])
@pytest.mark.parametrize("make", [bias_curve, context_ladder])
def test_the_one_name_that_is_taken_is_said(marked, make, along):
    with pytest.raises(InvalidInput, match="makes a column 'cut into' itself: rename"):
        make(marked.assign(**{"cut into": marked["context"]}), along)


def test_levels_of_any_kind():
    table = some_answers({u: {"0": "kim came", "10": "kim come"} for u in "ab"})
    numbers = table.assign(context=table["context"].astype(int))
    for sizes in ({"0": 0, "10": 10}, {0: 0, 10: 10}, None):
        curve = bias_curve(numbers, "context", sizes)
        assert curve["size"].tolist() == [0, 10]
        assert curve["error_trend"].notna().all()
    assert context_ladder(numbers)["error_delta"].fillna(9).tolist() == [9, 0.5]
    with pytest.raises(InvalidInput, match=r"no size for context '10'. Give one for each: 0, 10\."):
        bias_curve(numbers, "context", {"0": 0})


def test_the_curve_has_the_rates_of_the_ladder_in_order_of_size(marked):
    shuffled = marked.sample(frac=1, random_state=1)
    curve, ladder = bias_curve(shuffled, "context"), context_ladder(marked)
    assert curve["size"].tolist() == [0, 10, 100, 1000]
    for name in ("listed", "unlisted", "recall", "distractors", "error"):
        assert curve[name].tolist() == ladder[name].tolist()
        assert curve[f"{name}_low"].isna().tolist() == ladder[f"{name}_low"].isna().tolist()


def test_a_trend_is_the_slope_of_least_squares(marked):
    curve = bias_curve(marked, "context")
    x = np.log10(1 + curve["size"].to_numpy(float))
    for name in ("listed", "unlisted", "recall", "distractors", "error"):
        slope = np.polyfit(x, curve[name].to_numpy(float), 1)[0]
        trend = curve[f"{name}_trend"]
        assert trend.tolist() == pytest.approx([slope] * 4)
        assert (curve[f"{name}_trend_low"] < trend).all()
        assert (trend < curve[f"{name}_trend_high"]).all()
    assert (curve["recall_trend_low"] > 0).all()
    assert (curve["distractors_trend_p"] < 0.05).all()


def test_the_interval_of_a_trend_is_that_of_a_difference_where_there_are_two_sizes(marked):
    two = marked[marked["context"].isin(["none", "100"])]
    curve = bias_curve(two, "context", sizes={"none": 0, "100": 9})  # one tenfold: the slope is the difference
    ladder = context_ladder(two)
    assert curve["recall_trend"].iloc[0] == pytest.approx(ladder["recall_delta"].iloc[1])
    assert curve["recall_trend_low"].iloc[0] == pytest.approx(ladder["recall_delta_low"].iloc[1])
    assert curve["recall_trend_high"].iloc[0] == pytest.approx(ladder["recall_delta_high"].iloc[1])
    assert curve["error_trend_p"].iloc[0] == pytest.approx(ladder["error_p"].iloc[1])


def test_trends_are_of_the_utterances_that_have_every_size(marked):
    lost = marked[~((marked["utt_id"] == "u1") & (marked["context"] == "10"))]
    whole = bias_curve(marked[marked["utt_id"] != "u1"], "context")
    assert bias_curve(lost, "context")["error_trend"].tolist() == whole["error_trend"].tolist()


@pytest.mark.parametrize(
    ("change", "options", "match"),
    [
        (lambda t: t, {"along": "itn"}, "There is no axis 'itn'; there are context, condition"),
        (lambda t: t[t["unit"] == "word"], {}, 'no rows of the unit "term" but of word'),
        (lambda t: t, {"baseline": "oracle"}, "context has no level 'oracle'; it has none, 10"),
        (lambda t: t.assign(context=t["context"].replace("none", None)), {}, "have no level of context"),
        (lambda t: pd.concat([t, t]), {}, "stand twice"),
        (lambda t: pd.concat([t, t[t["unit"] == "word"].assign(unit="char")]), {}, "counted in two units"),
        (lambda t: pd.concat([t, t[t["unit"] == "word"].assign(ties="sclite")]), {}, "two rules of ties"),
        (lambda t: t, {"by": "context"}, "it is what they go along"),
        (lambda t: t, {"level": 95}, "level must lie between"),
    ],
)
def test_what_is_no_ladder_is_refused(marked, change, options, match):
    with pytest.raises(InvalidInput, match=match):
        context_ladder(change(marked), **options)


@pytest.mark.parametrize(
    ("labels", "sizes", "match"),
    [
        ({"10": "ten"}, None, "The level 'ten' of context does not say how long its list is"),
        ({"10": "10 of 20"}, None, "The level '10 of 20' of context does not say"),
        ({}, {"none": 0}, "sizes= has no size for context '10'"),
        ({}, dict.fromkeys(SIZES, -1), "A size is a whole number from 0"),
    ],
)
def test_sizes_that_are_not_known_are_asked_for(marked, labels, sizes, match):
    table = marked.assign(context=marked["context"].replace(labels))
    with pytest.raises(InvalidInput, match=match):
        bias_curve(table, "context", sizes=sizes)


@pytest.mark.parametrize(("make", "name"), [(bias_curve, "size"), (context_ladder, "recall")])
def test_an_axis_that_is_named_as_a_column_is_refused(make, name):
    with pytest.raises(InvalidInput, match="rename that axis"):
        make(planted(n=8).rename(columns={"context": name}), along=name)
