"""Summaries: pooled from counts, with intervals by block, by bootstrap, and of shares."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import errors, fail, grid, left_out, make, numbers, on_logits
from scipy import stats

from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.comparison import compare
from asrlab.stats.intervals import ratio_interval
from asrlab.stats.summary import summarize

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from statsmodels.stats.proportion import proportion_confint


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
    if column == "block_kind":
        other["utt_id"] = "r-" + other["utt_id"]
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
    assert row["method"] == "ratio t by speaker; no interval: no errors"


def test_what_has_no_interval_says_why():
    def why(scores, **options):
        row = summarize(scores, by=[], **options).iloc[0]
        assert row[["low", "high"]].isna().all()
        return row["method"].partition("; no interval: ")[2]

    scores = make(itns=("off",))
    same = scores.assign(subs=1, dels=0, ins=0, ref_len=10)
    assert why(same) == why(same, method="bootstrap", force=True) == "blocks too few or too much alike"
    assert why(same.assign(subs=0), method="bootstrap", force=True) == "no errors"
    assert why(same[same["utt_id"] == "s0-0"]) == "one block"
    assert why(same.assign(subs=0)[same["utt_id"] == "s0-0"]) == "one block"
    uneven = grid({"context": ("none",)}, 1, 2).assign(subs=[1, 0], dels=0, ins=0, ref_len=[1, 2000])
    assert why(uneven) == "blocks too few or too much alike"
    assert why(same.assign(unit="sentence", ref_len=1)) == "blocks too few or too much alike"  # all of them wrong
    # Where there is no rate, that says it.
    assert why(same.assign(subs=0, ref_len=0, ins=1)) == why(fail(scores, slice(None))) == ""
    assert "no interval" not in summarize(scores, by=[])["method"][0]


def test_what_failed_wholly_says_nothing_of_voices():
    lost = fail(make(contexts=("none", "lost"), itns=("off",)), slice(1, None, 2))
    assert summarize(lost)[["method", "block_kind", "n_blocks"]].to_numpy().tolist() == [
        ["ratio t by speaker", "speaker", 8],
        ["ratio t by speaker", "speaker", 0],
    ]
    unknown = lost.assign(block=lost["utt_id"], block_kind="utterance")
    said = "ratio t by utterance; utterances taken as independent: too sure if speakers repeat"
    assert summarize(unknown)["method"].tolist() == [said, "ratio t by utterance"]


def test_rows_that_stand_twice_are_refused():
    scores = make(itns=("off",))
    says = r"48 answers stand twice: they agree in utt_id, channel, repeat, .* \(s0-0, s0-1, .*Number the repeats"
    for by in (None, [], "context"):
        with pytest.raises(InvalidInput, match=says):
            summarize(pd.concat([scores, scores]), by=by)
    with pytest.raises(InvalidInput, match=r"1 answers? stand"):
        summarize(pd.concat([scores, scores.head(1).assign(subs=9, hits=pd.NA, hyp_len=pd.NA, ref_len=30)]))
    for column, value in (("repeat", 1), ("channel", 1), ("condition", "x"), ("ties", "other"), ("take", "second")):
        first = scores.assign(take="first") if column == "take" else scores
        both = pd.concat([first, scores.assign(**{column: value})])
        assert summarize(both, by=[])["ref_len"].sum() == 2 * scores["ref_len"].sum()
    # Trials without counts are no answers: two channels that both failed are such.
    lost = fail(scores, [0, 1])
    assert summarize(pd.concat([lost, lost.head(2)]))["n_utts"].tolist() == [23, 23]
    facts = pd.DataFrame({"utt_id": scores["utt_id"].unique()}).assign(tags=[["x", "y"]] * 24)
    assert summarize(scores, by="tag", dataset=facts)["n_utts"].tolist() == [24, 24]


def test_counts_that_no_table_can_hold_are_refused():
    with pytest.raises(InvalidInput, match="ref_len"):
        summarize(make().assign(ref_len=10**30))


def test_a_miss_rate_does_not_go_above_one():
    scores = make(contexts=("none",), itns=("off",), unit="term").assign(subs=0, ins=0, ref_len=2)
    scores["dels"] = ([2, 2, 2] * 7 + [0, 0, 0])[: len(scores)]
    wrong, units = block_sums(scores)
    row = summarize(scores, level=0.9).iloc[0]
    assert row["rate"] == pytest.approx(42 / 48)
    assert (row["low"], row["high"]) == pytest.approx(on_logits(wrong, units, 0.9))
    assert summarize(scores.assign(unit="word"), level=0.9)["high"][0] > 1  # a rate has no upper end


@pytest.mark.parametrize("unit", ["term", "sentence"])
def test_shares_have_their_interval_on_the_logit_scale_beside_rates_that_have_not(unit):
    scores = pd.concat([shares(unit), make(contexts=("words",), itns=("off",))], ignore_index=True)
    found = summarize(scores, by="context").set_index("context")
    for context in ("8 speakers", "9 speakers"):
        expected = on_logits(*block_sums(scores[scores["context"] == context]))
        assert tuple(found.loc[context, ["low", "high"]]) == pytest.approx(expected)
    sums = block_sums(scores[scores["context"] == "words"])
    rate, error = left_out(sums)
    factor = math.exp(stats.t.ppf(0.975, 7) * error / rate)
    assert tuple(found.loc["words", ["low", "high"]]) == pytest.approx((rate / factor, rate * factor))
    # Counted right instead of wrong, it is the same interval, turned round.
    right = shares(unit).assign(dels=lambda t: t["ref_len"] - t["dels"])
    turned = summarize(right, by="context").set_index("context").loc["8 speakers"]
    assert (1 - turned["high"], 1 - turned["low"]) == pytest.approx(tuple(found.loc["8 speakers", ["low", "high"]]))


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
        "utterances": "ratio t by utterance; utterances taken as independent: too sure if speakers repeat",
        "terms": "ratio t by speaker",
        "nothing": "ratio t by speaker",
        "one": "ratio t by utterance; too few speakers (1): true of these voices only; no interval: one block",
    }
    assert of_context["n_blocks"].tolist() == [6, 15, 7, 6, 9, 6, 0, 1]
    assert of_context["n_utts"].tolist() == [18, 15, 21, 6, 9, 18, 0, 1]


# --- methods


def block_sums(part):
    sums = part.assign(errors=errors).groupby("block")[["errors", "ref_len"]].sum()
    return sums["errors"].to_numpy(float), sums["ref_len"].to_numpy(float)


def test_the_interval_leaves_out_each_speaker_in_turn():
    scores = make(speakers=7)
    summary = summarize(scores, level=0.9)
    for row in summary.itertuples():
        sums = block_sums(scores[(scores["context"] == row.context) & (scores["itn"] == row.itn)])
        rate, error = left_out(sums)
        factor = math.exp(stats.t.ppf(0.95, 6) * error / rate)
        assert (row.rate, row.low, row.high) == pytest.approx((rate, rate / factor, rate * factor))
    assert summary[["resamples", "seed"]].isna().all(axis=None)


def many(sizes=(50, 64), seed=3, **columns):
    """Make scores with a context for each number of speakers."""
    parts = [
        grid({"context": (f"{size} speakers",)}, size, 2, seed=seed + k, **columns) for k, size in enumerate(sizes)
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_bootstrap_draws_whole_speakers():
    scores = many()
    found = summarize(scores, method="bootstrap", resamples=400, seed=8, level=0.8)
    for row in found.itertuples():
        e, n = block_sums(scores[scores["context"] == row.context])
        rng, rates = np.random.default_rng(8), []
        for _ in range(400):
            times = rng.multinomial(len(e), np.full(len(e), 1 / len(e)))
            drawn = [g for g in range(len(e)) for _ in range(times[g])]
            rates.append(sum(e[g] for g in drawn) / sum(n[g] for g in drawn))
        assert row.rate == pytest.approx(e.sum() / n.sum())
        assert (row.low, row.high) == pytest.approx((np.percentile(rates, 10), np.percentile(rates, 90)))
        assert (row.method, row.resamples, row.seed, row.level) == ("bootstrap by speaker", 400, 8, 0.8)
        assert row.n_blocks == len(e)
    assert numbers(summarize(scores, method="bootstrap", seed=9)["low"])[0] != found["low"][0]
    assert found["rate"].equals(summarize(scores)["rate"])


def test_a_bootstrap_of_few_blocks_is_refused_unless_forced():
    scores = many((49, 50))
    with pytest.raises(InvalidInput, match=r'of 49 speakers .* Use method="ratio t".* or say force=True'):
        summarize(scores, method="bootstrap")
    summarize(scores[scores["context"] == "50 speakers"], method="bootstrap")
    assert summarize(scores, method="bootstrap", force=True)["low"].notna().all()
    # Of few speakers the utterances would be drawn.
    few = make(speakers=5, utterances=30, contexts=("none",), itns=("off",))
    found = summarize(few, method="bootstrap").iloc[0]
    assert found["method"] == "bootstrap by utterance; too few speakers (5): true of these voices only"
    with pytest.raises(InvalidInput, match="of 45 utterances"):
        summarize(few[few["utt_id"].str.contains("-0|-1")].head(45), method="bootstrap")
    # What has no answers is not too few.
    lost = fail(scores, scores["context"] == "49 speakers")
    assert summarize(lost, method="bootstrap")["low"].isna().tolist() == [True, False]


def test_a_bootstrap_invents_no_spread_and_no_resamples():
    same = many().assign(subs=1, dels=0, ins=0, ref_len=10)
    found = summarize(same, method="bootstrap")
    assert found["rate"].tolist() == [0.1, 0.1]
    assert found[["low", "high"]].isna().all(axis=None)
    assert summarize(same.assign(ref_len=0, subs=0), method="bootstrap")["rate"].isna().all()


def shares(unit, sizes=(8, 9), seed=5):
    """Make scores of terms, or of sentences of which each is one unit."""
    scores = many(sizes, seed=seed, unit=unit).assign(subs=0, ins=0)
    scores["ref_len"] = scores["ref_len"] % 4 if unit == "term" else 1
    scores["dels"] = np.minimum(scores["dels"] % 2 + (scores["ref_len"] > 2), scores["ref_len"])
    return scores


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize(("method", "theirs"), [("wilson", "wilson"), ("exact", "beta")])
@pytest.mark.parametrize("unit", ["term", "sentence"])
def test_shares_have_the_intervals_of_statsmodels(unit, method, theirs, level):
    scores = shares(unit)
    found = summarize(scores, method=method, level=level)
    # Speakers are known, and the interval knows nothing of them.
    said = f"{method} by {unit}; every {unit} taken as independent: too sure where one speaker has many"
    assert found["method"].tolist() == [said] * 2
    for row in found.itertuples():
        part = scores[scores["context"] == row.context]
        wrong, total = int(part["dels"].sum()), int(part["ref_len"].sum())
        assert 0 < wrong < total
        assert row.rate == pytest.approx(wrong / total)
        expected = proportion_confint(wrong, total, alpha=1 - level, method=theirs)
        assert (row.low, row.high) == pytest.approx(expected)
    assert found[["resamples", "seed"]].isna().all(axis=None)


@pytest.mark.parametrize("method", ["wilson", "exact"])
def test_shares_at_the_ends_have_an_interval_and_without_units_none(method):
    scores = shares("sentence")
    first = scores["context"] == "8 speakers"
    ends = scores.assign(dels=1 - first.astype(int), context=np.where(scores.index % 2, "b", "a"))
    right = summarize(ends.assign(dels=0), by=[], method=method).iloc[0]
    wrong = summarize(ends.assign(dels=1), by=[], method=method).iloc[0]
    assert (right["rate"], right["low"], wrong["rate"], wrong["high"]) == (0, 0, 1, 1)
    assert right["high"] == pytest.approx(1 - wrong["low"])
    assert 0 < right["high"] < 0.2
    none = summarize(shares("term").assign(ref_len=0, dels=0), method=method)
    assert none[["rate", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("method", ["wilson", "exact"])
@pytest.mark.parametrize("unit", ["word", "char", "mixed"])
def test_rates_that_are_no_shares_have_no_interval_of_one(method, unit):
    both = pd.concat([shares("term"), make(unit=unit)])
    for scores in (make(unit=unit), both):
        with pytest.raises(InvalidInput, match=rf'method="{method}" is for shares .* count in {unit}s.*"ratio t"'):
            summarize(scores, method=method, by=[])


def test_methods_say_when_speakers_are_too_few():
    found = summarize(shares("term", (4,)), method="wilson").iloc[0]
    assert found["method"] == (
        "wilson by term; too few speakers (4): true of these voices only; "
        "every term taken as independent: too sure where one speaker has many"
    )
    assert found["block_kind"] == "utterance"


def test_shares_say_when_the_same_recordings_are_in_them_several_times():
    scores = shares("sentence")
    again = pd.concat([scores, scores.assign(repeat=1)], ignore_index=True)
    each = "every sentence taken as independent: too sure where one speaker has many"
    said = f"{each}; the same recordings counted several times as if they were others"
    assert summarize(again, method="wilson")["method"].tolist() == [f"wilson by sentence; {said}"] * 2
    assert summarize(again)["method"].tolist() == ["ratio t by speaker"] * 2
    by_repeat = summarize(again, ["context", "repeat"], method="exact")
    assert by_repeat["method"].tolist() == [f"exact by sentence; {each}"] * 4
    both = pd.concat([scores, scores.assign(channel=1)], ignore_index=True)
    assert summarize(both, method="wilson")["method"].tolist() == [f"wilson by sentence; {each}"] * 2


def test_methods_that_there_are_not_are_named():
    with pytest.raises(InvalidInput, match="method must be one of ratio t, bootstrap, wilson, exact, not 'normal'"):
        summarize(make(), method="normal")
    for method in (None, ["wilson"], 3):
        with pytest.raises(InvalidInput, match="method must be one of ratio t, bootstrap, wilson, exact, not"):
            summarize(make(), method=method)


METHODS = [
    ("ratio t", lambda: make(seed=6)),
    ("bootstrap", lambda: many((50, 55))),
    ("wilson", lambda: shares("term", (6, 9))),
    ("exact", lambda: shares("sentence", (3, 9))),
]


@pytest.mark.parametrize(("method", "made"), METHODS, ids=[name for name, _ in METHODS])
def test_rows_hang_on_nothing_but_their_answers(method, made):
    scores = made()
    axes = [name for name in ("context", "itn") if name in scores]
    whole = summarize(scores, method=method, resamples=200)
    shuffled = scores.sample(frac=1, random_state=1)
    again = summarize(shuffled, method=method, resamples=200).sort_values(axes, ignore_index=True)
    pd.testing.assert_frame_equal(again, whole.sort_values(axes, ignore_index=True))
    for k in range(len(whole)):
        own = (scores[axes] == whole.loc[k, axes]).all(axis=1)
        alone = summarize(scores[own], method=method, resamples=200)
        pd.testing.assert_frame_equal(alone, whole.loc[[k]].reset_index(drop=True))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), speakers=st.integers(1, 9), names=st.permutations(list("abcdefghi")))
def test_names_of_speakers_do_not_matter(seed, speakers, names):
    scores = make(speakers=speakers, seed=seed)
    new = dict(zip(scores["block"].unique(), names, strict=False))
    renamed = summarize(scores.assign(block=scores["block"].map(new)))
    expected = summarize(scores)
    for name in expected:
        if name in ("low", "high"):
            np.testing.assert_allclose(numbers(renamed[name]), numbers(expected[name]), rtol=1e-9)
        else:
            assert renamed[name].equals(expected[name])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), times=st.integers(2, 5))
def test_twice_as_many_errors_in_twice_as_many_words_are_the_same_rate(seed, times):
    scores = make(seed=seed)
    longer = scores.assign(**{name: scores[name] * times for name in ("subs", "dels", "ins", "ref_len")})
    longer = longer.drop(columns=["hits", "hyp_len"], errors="ignore")
    one, other = summarize(scores), summarize(longer)
    for name in ("rate", "low", "high"):
        assert numbers(other[name]) == pytest.approx(numbers(one[name]))


def test_thousands_of_utterances_as_blocks():
    scores = grid({"context": ("none",)}, speakers=1100, utterances=1, block_kind="utterance")
    row = summarize(scores.assign(block=scores["utt_id"])).iloc[0]
    assert (row["n_blocks"], row["block_kind"]) == (1100, "utterance")
    assert row["low"] < row["rate"] < row["high"]


def test_two_utterances_of_very_different_length():
    scores = grid({"context": ("none",)}, 1, 2).assign(subs=[1, 0], dels=0, ins=0, ref_len=[1, 2000])
    row = summarize(scores).iloc[0]
    assert row["rate"] == pytest.approx(1 / 2001)
    assert row[["low", "high"]].isna().all()
