"""The frontier: rates as summarize has them, prices and times worked by hand, membership by brute force."""

from __future__ import annotations

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked import fail, grid, numbers

import asrlab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.stats.frontier import _optimal, _quantiles
from asrlab.stats.intervals import draws
from asrlab.stats.summary import summarize

frontier = partial(asrlab.frontier, resamples=49)
SETTINGS = ("large", "small", "tiny")


def scores_of(levels=SETTINGS, speakers=8, utterances=3, seed=1, **columns):
    return grid({"model": levels}, speakers, utterances, seed, **columns)


def costs_of(scores, seed=5, **columns):
    """One row an asking, with a price a setting and times drawn."""
    rng = np.random.default_rng(seed)
    asked = scores.drop_duplicates(["utt_id", "condition", "repeat"]).reset_index(drop=True)
    number = pd.factorize(asked["condition"])[0]
    made = asked[["utt_id", "condition", "repeat", "model"]].assign(
        state="answered",
        n_channels=1,
        audio_s=rng.integers(3, 30, len(asked)).astype(float),
        shared_by=1,
        elapsed_s=rng.exponential(3, len(asked)).round(2),
    )
    made["usd"] = made["audio_s"] * np.array([4e-5, 3e-5, 3e-5])[number % 3]
    return made.assign(**columns)


def dominated(one, others):
    """Say it as it is defined, in plain Python."""
    return any(
        all(theirs <= ours for ours, theirs in zip(one, other, strict=True))
        and any(theirs < ours for ours, theirs in zip(one, other, strict=True))
        for other in others
    )


def optimal(values):
    return [not dominated(one, [other for k, other in enumerate(values) if k != n]) for n, one in enumerate(values)]


def by_hand(scores, costs):
    """Give a function that gives rate, price and median time of each setting where just these blocks were drawn."""
    whole = scores.merge(costs, on=["utt_id", "condition", "repeat"], suffixes=("", "_c"))
    whole["errors"] = whole["subs"] + whole["dels"] + whole["ins"]
    names = ["errors", "ref_len", "usd", "audio_s", "elapsed_s"]
    parts = {key: part[names].to_numpy(float) for key, part in whole.groupby(["model", "block"])}

    def of(drawn):
        found = []
        for model in SETTINGS:
            rows = np.concatenate([parts[model, block] for block in drawn])
            errors, length, usd, audio_s, _ = rows.sum(axis=0)
            found.append((errors / length, round(usd / (audio_s / 3600), 9), float(np.median(rows[:, 4]))))
        return found

    return of


@pytest.fixture(scope="module")
def pair():
    scores = scores_of()
    return scores, costs_of(scores)


def test_rates_are_those_of_summarize_and_prices_and_times_are_by_hand(pair):
    scores, costs = pair
    found = frontier(scores, costs)
    plain = summarize(scores)
    assert list(found.columns) == ["model", *tables.SCHEMAS["frontier"]]
    for name in ("rate", "low", "high", "level", "n_utts", "n_blocks", "ref_len"):
        assert found[name].tolist() == plain[name].tolist(), name
    expected = by_hand(scores, costs)(sorted(set(scores["block"])))
    for k, (rate, price, middle) in enumerate(expected):
        assert found.loc[k, "rate"] == pytest.approx(rate)
        assert found.loc[k, "usd_per_hour"] == pytest.approx(price)
        assert found.loc[k, "seconds_median"] == pytest.approx(middle)
    mine = costs[costs["model"] == "small"]
    assert found.loc[1, "seconds_p90"] == pytest.approx(np.quantile(mine["elapsed_s"], 0.9))
    assert found.loc[1, "real_time_factor"] == pytest.approx(mine["elapsed_s"].sum() / mine["audio_s"].sum())
    assert found["optimal"].tolist() == optimal(expected)
    assert (found["n_timed"] == 24).all()
    assert found["criteria"].unique().tolist() == ["rate,usd_per_hour,seconds_median"]


def test_membership_is_that_of_whole_blocks_drawn_for_all_settings_at_once(pair):
    scores, costs = pair
    found = frontier(scores, costs, resamples=60, seed=4)
    blocks = sorted(set(scores["block"]))
    times = np.concatenate(list(draws(len(blocks), range(60), 4)), axis=1).astype(int)
    of = by_hand(scores, costs)
    on = np.array([optimal(of(np.repeat(blocks, row))) for row in times.T])
    assert numbers(found["membership"]) == pytest.approx(on.mean(axis=0))
    assert 0 < on.mean() < 1
    again = frontier(scores.sample(frac=1, random_state=3), costs.sample(frac=1, random_state=5), resamples=60, seed=4)
    merged = found.merge(again, on="model", suffixes=("", "_again"))
    assert merged["membership"].tolist() == merged["membership_again"].tolist()


@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, np.nan])] * 3), min_size=1, max_size=5))
def test_what_is_not_known_is_decided_only_where_it_cannot_matter(values):
    """Whatever the unknown values are: always on the frontier is 1, never is 0, and all else is not known."""
    unknown = [(n, k) for n, row in enumerate(values) for k, value in enumerate(row) if np.isnan(value)][:3]
    filled = [[0.5 if np.isnan(value) and (n, k) not in unknown else value for k, value in enumerate(row)]
              for n, row in enumerate(values)]  # fmt: skip
    given_values = [[np.nan if (n, k) in unknown else value for k, value in enumerate(row)]
                    for n, row in enumerate(filled)]  # fmt: skip
    worlds = []
    for guesses in product([-1.0, 0.0, 0.5, 1.0, 1.5, 9.0], repeat=len(unknown)):
        world = [list(row) for row in filled]
        for (n, k), guess in zip(unknown, guesses, strict=True):
            world[n][k] = guess
        worlds.append(optimal(world))
    found = _optimal(np.array(given_values, dtype=float).T)
    for n, verdicts in enumerate(zip(*worlds, strict=True)):
        if found[n] == 1:
            assert all(verdicts)
        elif found[n] == 0:
            assert not any(verdicts)
        else:
            assert len(set(verdicts)) == 2


@given(
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0, 7.5]), st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
)
def test_quantiles_are_those_of_numpy_of_the_values_written_out(pairs, times, q):
    pairs.sort(key=lambda pair: pair[0])
    values, block = np.array([v for v, _ in pairs]), np.array([b for _, b in pairs])
    [found] = _quantiles(values, block, np.array(times, dtype=float)[:, None], q)
    written_out = np.repeat(values, np.array(times)[block])
    if len(written_out):
        assert found == pytest.approx(np.quantile(written_out, q))
    else:
        assert np.isnan(found)


def test_prices_that_differ_by_rounding_are_equal():
    assert _optimal(np.array([[0.126, 0.126 * (1 + 1e-12)], [0.1, 0.1]])).tolist() == [1, 1]
    assert _optimal(np.array([[0.126, 0.127], [0.1, 0.1]])).tolist() == [1, 0]


def test_only_what_all_settings_have_answered_counts():
    scores = scores_of()
    lost = fail(scores, (scores["model"] == "small") & (scores["utt_id"].isin(["s0-1", "s3-2"])))
    costs = costs_of(scores)
    found = frontier(lost, costs)
    rest = scores[~scores["utt_id"].isin(["s0-1", "s3-2"])]
    pd.testing.assert_series_equal(found["rate"], frontier(rest, costs)["rate"])
    pd.testing.assert_series_equal(found["seconds_median"], frontier(rest, costs)["seconds_median"])
    assert found["n_utts"].tolist() == [22] * 3
    assert found["n_left_out"].tolist() == [2, 0, 2]
    assert found["n_failed"].tolist() == [0, 2, 0]
    assert found["lost"].tolist() == [pd.NA, "dropped", pd.NA]


def test_a_setting_without_answers_holds_nothing_against_the_others():
    scores = scores_of()
    found = frontier(fail(scores, scores["model"] == "tiny"), costs_of(scores))
    without = frontier(scores[scores["model"] != "tiny"], costs_of(scores))
    assert found.loc[:1, "optimal"].tolist() == without["optimal"].tolist()
    assert found.loc[:1, "membership"].tolist() == without["membership"].tolist()
    assert found.loc[2, ["rate", "optimal", "membership", "usd_per_hour", "criteria"]].isna().all()
    assert found.loc[2, "note"] == "no answers"
    assert found.loc[2, "n_failed"] == 24


def test_what_two_settings_share_costs_each_of_them_all_of_it(pair):
    scores, costs = pair
    shared = costs.assign(usd=costs["usd"] / 2, shared_by=2)
    expected = frontier(scores, costs)["usd_per_hour"].tolist()
    assert frontier(scores, shared)["usd_per_hour"].tolist() == pytest.approx(expected)


def test_money_that_failures_cost_counts():
    """By hand: flaky fails 10 of 20, each billed: 20 * $0.009 for 10 * 36 s = $1.80 an hour; reliable is $1.00."""
    scores = scores_of(["flaky", "reliable"], speakers=20, utterances=1, length=10, block_kind="utterance")
    scores = scores.assign(subs=1, dels=0, ins=0, hits=9, hyp_len=10, block=scores["utt_id"])
    failed = (scores["model"] == "flaky") & scores["utt_id"].str.contains("[13579]-")
    costs = costs_of(scores, audio_s=36.0, elapsed_s=5.0)
    costs["usd"] = np.where(costs["model"] == "flaky", 0.009, 0.01)
    costs.loc[failed.to_numpy(), ["state", "audio_s"]] = ["failed", np.nan]
    found = frontier(fail(scores, failed), costs)
    assert found["usd_per_hour"].tolist() == pytest.approx([1.8, 1.0])
    assert found["optimal"].tolist() == [False, True]
    assert found["membership"].tolist() == [0, 1]
    assert found["n_timed"].tolist() == [10, 10]
    # As failed as a whole, without a channel; and counted as all deleted.
    whole = fail(scores, failed)
    whole.loc[failed, "channel"] = pd.NA
    assert frontier(whole, costs)["usd_per_hour"].tolist() == pytest.approx([1.8, 1.0])
    gone = scores.copy()
    gone.loc[failed, ["state", "subs", "dels", "hits", "hyp_len"]] = ["failed", 0, 10, 0, 0]
    assert frontier(gone, costs)["usd_per_hour"].tolist() == pytest.approx([1.8, 1.0])
    # What was not asked of one is in the price of none; and without the rows of failures nobody knows of them.
    assert frontier(fail(scores, failed, "not run"), costs)["usd_per_hour"].tolist() == pytest.approx([0.9, 1.0])
    assert frontier(scores[~failed], costs)["usd_per_hour"].tolist() == pytest.approx([0.9, 1.0])


def test_an_hour_is_an_hour_of_the_recording_whatever_its_channels():
    one = scores_of()
    both = pd.concat([one, one.assign(channel=1)])
    costs = costs_of(one)
    double = costs.assign(n_channels=2, audio_s=2 * costs["audio_s"], usd=2 * costs["usd"])
    single, stereo = frontier(one, costs), frontier(both, double)
    assert stereo["usd_per_hour"].tolist() == pytest.approx((2 * single["usd_per_hour"]).tolist())
    assert stereo["real_time_factor"].tolist() == pytest.approx(single["real_time_factor"].tolist())
    assert stereo["n_timed"].tolist() == single["n_timed"].tolist()
    assert stereo["n_answers"].tolist() == [48] * 3


def test_what_failed_and_was_billed_makes_an_hour_dearer_and_takes_no_time():
    scores = scores_of()
    lost = (scores["model"] == "small") & (scores["utt_id"] == "s0-0")
    all_deleted = scores.copy()
    all_deleted.loc[lost, ["subs", "ins"]] = 0
    all_deleted.loc[lost, "dels"] = all_deleted.loc[lost, "ref_len"]
    all_deleted.loc[lost, "state"] = "failed"
    costs = costs_of(scores)
    row = (costs["model"] == "small") & (costs["utt_id"] == "s0-0")
    audio = float(costs.loc[row, "audio_s"].iloc[0])
    costs.loc[row, ["state", "audio_s", "elapsed_s"]] = ["failed", np.nan, 99.0]
    found = frontier(all_deleted, costs).loc[1]
    mine = costs[costs["model"] == "small"]
    assert found["usd_per_hour"] == pytest.approx(3600 * mine["usd"].sum() / mine["audio_s"].sum())
    assert found["usd_per_hour"] > 3600 * 3e-5 * (1 + audio / mine["audio_s"].sum()) * (1 - 1e-9)
    assert (found["n_timed"], found["n_answers"]) == (23, 24)


@pytest.mark.parametrize("lacking", ["usd", "elapsed_s"])
def test_a_criterion_that_is_known_of_no_setting_is_left_out_and_said(pair, lacking):
    scores, costs = pair
    found = frontier(scores, costs.assign(**{lacking: np.nan}))
    name = {"usd": "usd_per_hour", "elapsed_s": "seconds_median"}[lacking]
    assert found[name].isna().all()
    assert name not in found["criteria"].iloc[0].split(",")
    assert found["note"].str.contains("not known").all()
    assert found["optimal"].notna().all()
    assert found["membership"].notna().all()


def test_a_price_that_is_not_known_of_one_setting_leaves_open_what_it_could_decide():
    scores = scores_of(speakers=8, subs=0, dels=0, ins=0)
    scores["subs"] = scores["model"].map({"large": 1, "small": 2, "tiny": 3}).astype("Int64")
    costs = costs_of(scores, elapsed_s=1.0)
    costs.loc[costs["model"] == "small", "usd"] = np.nan
    found = frontier(scores, costs)
    # Nobody is as good as large. What small costs may make it worse than large, and tiny worse than small.
    assert found["optimal"].tolist() == [True, pd.NA, pd.NA]
    assert found["membership"].isna().tolist() == [False, True, True]
    assert found["note"].tolist() == [pd.NA, "price not known", pd.NA]


def test_nothing_paid_is_a_price_of_zero_also_of_unknown_lengths(pair):
    scores, costs = pair
    found = frontier(scores, costs.assign(usd=0.0, audio_s=np.nan))
    assert found["usd_per_hour"].tolist() == [0.0] * 3
    assert found["real_time_factor"].isna().all()
    assert frontier(scores, costs.assign(audio_s=np.nan))["usd_per_hour"].isna().all()


def test_infinite_times_are_not_known(pair):
    scores, costs = pair
    found = frontier(scores, costs.assign(elapsed_s=np.where(costs["model"] == "tiny", np.inf, costs["elapsed_s"])))
    assert found["seconds_median"].isna().tolist() == [False, False, True]
    assert found["n_timed"].tolist() == [24, 24, 0]


def test_criteria_are_those_that_were_asked_for(pair):
    scores, costs = pair
    found = frontier(scores, costs, criteria=["usd_per_hour", "seconds_p90"])
    values = list(zip(found["usd_per_hour"].round(9), found["seconds_p90"], strict=True))
    assert found["optimal"].tolist() == optimal(values)
    assert found["criteria"].unique().tolist() == ["usd_per_hour,seconds_p90"]
    only = frontier(scores, costs, criteria="rate")
    assert only.loc[only["optimal"], "rate"].tolist() == [only["rate"].min()]


def test_languages_units_and_normalizers_are_never_held_against_one_another(pair):
    scores, costs = pair
    both = pd.concat([scores, scores.assign(unit="char", subs=scores["subs"] + 3, ref_len=scores["ref_len"] + 3)])
    both["hits"] = both["hyp_len"] = pd.NA
    found = frontier(both, costs)
    alone = frontier(scores, costs)
    word = found[found["unit"] == "word"].reset_index(drop=True)
    pd.testing.assert_frame_equal(word, alone)
    tongues = scores.assign(spoken_language=np.where(scores["utt_id"].str[1].isin(list("0123")), "en", "zh"))
    by_language = frontier(tongues, costs, ["model", "spoken_language"])
    english = tongues[tongues["spoken_language"] == "en"]
    expected = frontier(english, costs)
    mine = by_language[by_language["spoken_language"] == "en"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine.drop(columns="spoken_language"), expected)


def test_repeats_and_other_axes_are_paired():
    scores = pd.concat(
        [scores_of(seed=s).assign(repeat=s - 1, context=c) for s, c in product((1, 2), ("none", "list"))]
    )
    scores["condition"] = scores["model"] + scores["context"]
    lost = scores[~((scores["model"] == "tiny") & (scores["context"] == "list") & (scores["repeat"] == 1))]
    costs = costs_of(scores, context=scores["context"].to_numpy())
    found = frontier(lost, costs, "model")
    assert found["n_answers"].tolist() == [72] * 3
    assert found["n_left_out"].tolist() == [24, 24, 0]


def test_with_too_few_speakers_utterances_are_drawn_and_that_is_said():
    scores = scores_of(speakers=2)
    found = frontier(scores, costs_of(scores))
    assert found["block_kind"].unique().tolist() == ["utterance"]
    assert found["note"].str.startswith("too few speakers (2)").all()
    one = scores_of(speakers=1, utterances=1)
    alone = frontier(one, costs_of(one))
    assert alone["membership"].isna().all()
    assert alone["optimal"].notna().all()


def test_no_rows_make_no_rows():
    scores = scores_of()
    found = frontier(scores.head(0), costs_of(scores).head(0))
    assert found.empty
    assert list(found.columns) == ["model", *tables.SCHEMAS["frontier"]]


def test_what_cannot_be_held_against_one_another_is_refused_with_what_to_do(pair):
    scores, costs = pair
    for bad, match in (
        ((scores, costs.assign(utt_id="x" + costs["utt_id"])), "have no costs: the two are matched by utt_id"),
        ((scores, costs.drop(columns=["condition", "model"])), "whose they are cannot be told"),
        ((scores, pd.concat([costs, costs])), "whose they are cannot be told"),
        ((scores, costs.drop(columns="utt_id")), "needs the column utt_id"),
        ((scores, "costs"), "must be a pandas DataFrame"),
        ((pd.concat([scores, scores]), costs), "stand twice"),
    ):
        with pytest.raises(InvalidInput, match=match):
            frontier(*bad)
    apart = scores[(scores["model"] == "tiny") == scores["utt_id"].str.startswith("s0")]
    with pytest.raises(InvalidInput, match=r"3 settings marked by word have no question .* 3 of tiny, 21 of large"):
        frontier(apart, costs)
    for options, match in (
        ({"criteria": ["rate", "beauty"]}, "criteria must be one of rate, usd_per_hour"),
        ({"criteria": []}, "criteria must name one or more of rate"),
        ({"level": 95}, "level must lie between"),
        ({"resamples": 0}, "resamples must be a whole number"),
        ({"by": "mood"}, "no column 'mood'"),
    ):
        with pytest.raises(InvalidInput, match=match):
            frontier(scores, costs, **options)


def test_it_is_no_summary(pair):
    assert tables.kind(frontier(*pair)) is None
