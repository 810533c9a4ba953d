"""Rankings: rates as summarize has them, all draws and all swaps gone through by brute force, and what is left out."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
from benchmarked import benchmark
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import fail, grid, make
from scipy.stats import binom

import asrlab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats import ranking
from asrlab.stats.sign_flips import worst

worlds, choosing = benchmark("worlds"), benchmark("choosing")
rank = partial(asrlab.rank, resamples=499)
MODELS = ("large", "small", "tiny")


def scores_of(worse=(0, 0, 2), speakers=7, utterances=3, seed=1, **columns):
    scores = grid({"model": MODELS}, speakers, utterances, seed)
    scores["ins"] += scores["model"].map(dict(zip(MODELS, worse, strict=True))).astype("Int64")
    return scores.assign(hyp_len=pd.NA, **columns)


def sums_of(scores):
    """Errors and reference units by block of each model."""
    whole = scores.assign(errors=scores["subs"] + scores["dels"] + scores["ins"])
    by = whole.groupby(["model", "block"])[["errors", "ref_len"]].sum()
    return {model: list(map(tuple, by.loc[model].to_numpy(int).tolist())) for model in MODELS}


# --- how likely each is the best


def every_draw(blocks, which, seed):
    """All ways to draw blocks with replacement, each as often as it comes."""
    drawn = [np.bincount(of, minlength=blocks) for of in product(range(blocks), repeat=blocks)]
    yield np.array(drawn, dtype=float).T


@pytest.mark.parametrize(("worse", "seed"), [((0, 0, 0), 1), ((0, 0, 0), 2), ((0, 0, 1), 3)])
def test_the_share_of_draws_is_that_of_all_draws(monkeypatch, worse, seed):
    monkeypatch.setattr(ranking, "draws", every_draw)
    scores = scores_of(worse, speakers=5, utterances=1, seed=seed)
    found = rank(scores)
    sums, share, n = sums_of(scores), Counter(), 0
    for drawn in product(range(5), repeat=5):
        rates = {
            model: Fraction(sum(of[g][0] for g in drawn), sum(of[g][1] for g in drawn)) for model, of in sums.items()
        }
        best = [model for model in MODELS if rates[model] == min(rates.values())]
        share.update(dict.fromkeys(best, Fraction(1, len(best))))
        n += 1
    assert found["p_best"].tolist() == pytest.approx([float(share[model] / n) for model in MODELS])
    assert found["p_best"].sum() == pytest.approx(1)
    assert (found["p_best"] < 0.99).all()


def test_draws_are_the_same_for_all_settings_and_equal_ones_share(monkeypatch):
    scores = scores_of()
    twins = pd.concat([scores, scores[scores["model"] == "large"].assign(model="twin", condition="model=twin")])
    found = rank(twins).set_index("model")
    alone = rank(scores).set_index("model")
    assert found.loc["large", "p_best"] == found.loc["twin", "p_best"]
    # Half of what large had alone, and two thirds of a whole where it shared it with small: a half.
    assert alone.loc["large", "p_best"] / 2 <= found.loc["large", "p_best"] <= alone.loc["large", "p_best"] * 2 / 3
    assert found.loc["small", "p_best"] <= alone.loc["small", "p_best"]
    assert found["rank"].to_dict()["large"] == found["rank"].to_dict()["twin"]
    assert sorted(found["rank"]) in ([1, 1, 3, 4], [1, 2, 2, 4], [1, 2, 3, 3])


# --- which are not told from the best


def all_swaps(sums):
    """Greatest t of each setting against the others, in plain Python: the share of swaps that make it as large."""
    n_blocks = len(next(iter(sums.values())))
    total = {model: sum(units for _, units in of) for model, of in sums.items()}
    rate = {model: sum(errors for errors, _ in of) / total[model] for model, of in sums.items()}

    def t(one, other, signs):
        shares = [(sums[one][g][1] / total[one] + sums[other][g][1] / total[other]) / 2 for g in range(n_blocks)]
        d = [
            signs[g]
            * (
                sum(
                    way * (sums[of][g][0] - rate[of] * sums[of][g][1]) / total[of]
                    for of, way in ((one, 1), (other, -1))
                )
                + (rate[one] - rate[other]) * shares[g]
            )
            for g in range(n_blocks)
        ]
        mean = sum(d)
        spread = sum((value - mean * share) ** 2 for value, share in zip(d, shares, strict=True))
        return mean / math.sqrt(n_blocks / (n_blocks - 1) * spread)

    def greatest(one, signs):
        return max((t(one, other, signs), other) for other in sums if other != one)

    plain = (1,) * n_blocks
    found = {}
    for one in sums:
        seen, rival = greatest(one, plain)
        as_large = [greatest(one, signs)[0] >= seen - 1e-9 * abs(seen) for signs in product((1, -1), repeat=n_blocks)]
        found[one] = sum(as_large) / len(as_large), rival
    return found


@pytest.mark.parametrize(("worse", "seed"), [((0, 0, 2), 1), ((0, 1, 3), 5), ((1, 1, 0), 3)])
def test_p_is_the_share_of_all_swaps_in_which_any_rival_is_as_far_ahead(worse, seed):
    scores = scores_of(worse, seed=seed)
    found = rank(scores).set_index("model")
    for model, (p, rival) in all_swaps(sums_of(scores)).items():
        assert found.loc[model, "p"] == pytest.approx(p)
        assert found.loc[model, "among_best"] == (p > 0.05)
        assert (found.loc[model, "rival"] == rival) if p <= 0.05 else pd.isna(found.loc[model, "rival"])
    assert found["among_best"].nunique() == 2
    assert found["test"].unique().tolist() == ["greatest t by sign-flips by speaker, exact"]
    wide = rank(scores, level=1 - found["p"].min() * 0.99)
    assert wide["among_best"].all()


@pytest.mark.parametrize(("blocks", "ahead"), [(10, 7), (13, 9), (14, 12)])
def test_swaps_that_come_to_the_same_are_counted_whatever_the_rounding(blocks, ahead):
    """Where all blocks differ by as much, t is a matter of how many differ in which direction: the sign test."""
    d = np.where(np.arange(blocks) * 3 % blocks < ahead, 0.1, -0.1)
    for scale in (1.0, 1 / 3, 1e-7 / 7):
        found = worst(scale * d[None], np.full((1, blocks), 1 / blocks), pairs=np.array([[0, 1]]), n_settings=2)
        assert found.p == pytest.approx([binom.sf(ahead - 1, blocks, 0.5), binom.cdf(ahead, blocks, 0.5)])


def test_random_swaps_of_many_blocks_come_near_to_all():
    rng = np.random.default_rng(1)
    d, shares = rng.standard_normal((3, 14)), np.full((3, 14), 1 / 14)
    d[2] = d[1] - d[0]
    d += 0.3
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    exact = worst(d, shares, pairs=pairs, n_settings=3)
    # With a block more that adds nothing signs are drawn.
    drawn = worst(
        *(np.pad(some, ((0, 0), (0, 1))) for some in (d, shares)), pairs=pairs, n_settings=3, resamples=20_000
    )
    assert drawn.statistic == pytest.approx(exact.statistic * math.sqrt(14 / 15 * 14 / 13), rel=0.05)
    assert drawn.p == pytest.approx(exact.p, abs=0.015)  # standard error 0.0035
    assert drawn.rival.tolist() == exact.rival.tolist()
    again = worst(d, shares, pairs=pairs[:, ::-1], n_settings=3)
    other = worst(-d, shares, pairs=pairs, n_settings=3)
    assert again.p.tolist() == other.p.tolist()


@settings(max_examples=5)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_whatever_the_errors_a_lowest_rate_is_among_the_best_and_order_does_not_matter(errors, random):
    rows = [
        {"utt_id": f"u{g}", "block": f"u{g}", "model": f"m{k}", "ins": wrong}
        for k, of in enumerate(errors)
        for g, wrong in enumerate(of)
    ]
    scores = pd.DataFrame(rows).assign(block_kind="utterance", unit="word", subs=0, dels=0, ref_len=10)
    found = rank(scores)
    lowest = found["rate"] == found["rate"].min()
    assert found.loc[lowest, "among_best"].all()
    assert (found.loc[lowest, "rank"] == 1).all()
    assert found["p_best"].sum() == pytest.approx(1)
    assert (found["among_best"] | found["rival"].notna()).all()
    assert (found["p"].isna() | ((found["p"] > 0.05) == found["among_best"])).all()
    order = list(range(len(scores)))
    random.shuffle(order)
    again = rank(scores.iloc[order]).set_index("model").loc[found["model"]].reset_index()
    same = ["model", "rate", "rank", "p_best", "among_best", "p"]
    pd.testing.assert_frame_equal(found[same], again[same])


# --- the table


def test_rates_are_those_of_summarize_and_the_rows_in_its_order():
    scores = scores_of()
    scores["model"] = pd.Categorical(scores["model"], categories=["tiny", "small", "large"])
    found, plain = rank(scores), asrlab.summarize(scores)
    assert list(found.columns) == ["model", *tables.SCHEMAS["ranking"]]
    for name in ("model", "rate", "low", "high", "level", "n_utts", "n_blocks", "n_failed", "ref_len", "unit", "form"):
        assert found[name].tolist() == plain[name].tolist(), name
    assert found["rank"].tolist() == plain["rate"].rank(method="min").tolist()
    assert tables.kind(found) is None


def test_only_what_all_settings_have_answered_counts():
    scores = scores_of()
    gone = scores["utt_id"].isin(["s0-1", "s3-2"])
    found = rank(fail(scores, (scores["model"] == "small") & gone))
    rest = rank(scores[~gone])
    same = ["rate", "low", "high", "rank", "p_best", "among_best", "p", "rival", "n_utts"]
    pd.testing.assert_frame_equal(found[same], rest[same])
    assert found["n_left_out"].tolist() == [2, 0, 2]
    assert found["n_failed"].tolist() == [0, 2, 0]


def test_a_setting_without_answers_holds_nothing_against_the_others():
    scores = scores_of()
    found = rank(fail(scores, scores["model"] == "tiny"))
    rest = rank(scores[scores["model"] != "tiny"])
    same = ["rate", "rank", "p_best", "among_best", "p"]
    pd.testing.assert_frame_equal(found.loc[:1, same], rest[same])
    assert found.loc[2, [*same, "rival", "test"]].isna().all()
    assert found.loc[2, "note"] == "no answers"


def test_one_setting_is_the_best_of_one():
    found = rank(scores_of()[lambda scores: scores["model"] == "small"])
    assert found[["rank", "p_best", "among_best"]].to_numpy().tolist() == [[1, 1.0, True]]
    assert found[["p", "rival", "test"]].isna().all(axis=None)


def test_equal_settings_are_all_among_the_best():
    scores = scores_of((0, 0, 0), subs=1, dels=0, ins=0, hits=pd.NA)
    found = rank(scores)
    assert found["among_best"].all()
    assert found["p_best"].tolist() == pytest.approx([1 / 3] * 3)
    assert found["rank"].tolist() == [1, 1, 1]
    assert found["p"].tolist() == [1.0] * 3


def test_few_blocks_are_said_and_decide_nothing():
    scores = scores_of((0, 0, 5), speakers=2)
    found = rank(scores)
    assert found["block_kind"].unique().tolist() == ["utterance"]
    assert found["note"].str.contains(r"too few speakers \(2\)").all()
    assert not found.loc[2, "among_best"]
    found = rank(scores_of((0, 0, 5), speakers=5, utterances=1))
    assert found["among_best"].all()
    assert found["p"].isna().all()
    assert found["note"].str.startswith("too few utterances (5) for a test; too few speakers (5)").all()
    found = rank(scores_of(speakers=1, utterances=1))
    assert found["p_best"].isna().all()


def test_without_reference_units_there_is_nothing_to_rank_by():
    scores = scores_of().assign(subs=0, dels=0, ref_len=0, hits=0)
    found = rank(scores)
    assert found[["rate", "rank", "p_best", "p"]].isna().all(axis=None)
    assert found["note"].str.startswith("no reference units: no rate").all()


def test_languages_and_units_are_never_held_against_one_another():
    scores = scores_of(speakers=14)
    number = scores["utt_id"].str.extract(r"s(\d+)-", expand=False).astype(int)
    tongues = scores.assign(spoken_language=np.where(number < 7, "en", "zh"))
    found = rank(tongues, ["model", "spoken_language"])
    for language in ("en", "zh"):
        own = tongues[tongues["spoken_language"] == language]
        mine = found[found["spoken_language"] == language].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine.drop(columns="spoken_language"), rank(own))
    both = pd.concat([scores, scores.assign(unit="char", form="written")])
    halves = [part.reset_index(drop=True) for _, part in rank(both).groupby("unit", sort=False)]
    same = ["model", "rank", "p_best", "among_best", "p", "rival"]
    pd.testing.assert_frame_equal(halves[0][same], halves[1][same])
    assert halves[0]["p_best"].sum() == pytest.approx(1)


def test_a_rival_is_named_by_all_that_makes_a_setting():
    scores = make(speakers=8)
    scores["ins"] += 5 * (scores["condition"] == "context=terms, itn=on").astype("Int64")
    scores["hyp_len"] = pd.NA
    found = rank(scores, ["context", "itn"])
    [lost] = found[~found["among_best"]].to_dict("records")
    assert (lost["context"], lost["itn"]) == ("terms", "on")
    assert lost["rival"] in {f"context={c}, itn={i}" for c, i in (("none", "off"), ("none", "on"), ("terms", "off"))}
    # Pooled over the other axis, on the same utterances.
    assert rank(scores, "context")["n_answers"].tolist() == [48, 48]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"level": 95}, "level"), ({"resamples": 0}, "resamples"), ({"by": "nothing"}, "no column 'nothing'")],
)
def test_what_cannot_be_done_is_refused(options, said):
    with pytest.raises(InvalidInput, match=said):
        asrlab.rank(scores_of(), **options)


def test_settings_without_a_question_in_common_are_refused():
    scores = scores_of()
    number = scores["utt_id"].str[-1].astype(int)
    with pytest.raises(InvalidInput, match="no question"):
        rank(fail(scores, number != scores["model"].map({name: k for k, name in enumerate(MODELS)})))


# --- many rankings


def test_the_best_is_among_the_best_as_often_as_is_said():
    world = worlds.World(rate=0.05, utterances=15)
    found = choosing.rankings(world, [0.05] * 6 + [0.07] * 6, 20, 250, np.random.default_rng(8))
    # Standard errors: 1.3 points of 95 %; six settings have the lowest rate, and six are told from it mostly.
    assert found[:, 0].mean() >= 0.94
    assert found[:, :6].mean() >= 0.95
    assert found[:, 6:].mean() <= 0.35
