"""Samples and splits: not more than was asked for, nobody in two parts, and the same whatever the order of the rows."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab.data.dataset import Dataset
from asrlab.data.loading import load_dataset
from asrlab.data.sampling import sample, split
from asrlab.errors import InvalidInput
from asrlab.sweep.budget import billed_s

DICTATION = Path(__file__).parents[1] / "datasets" / "dictation"


def tabled(rows, name="calls"):
    """A set of (speaker, language, seconds), with an id each."""
    frame = pd.DataFrame(rows, columns=["speaker", "language", "duration_s"])
    ids = [f"{row.speaker}-{row.language}-{n}" for n, row in enumerate(frame.itertuples())]
    frame = frame.assign(utt_id=ids, channels=1, audio=[f"{utt_id}.wav" for utt_id in ids])
    return Dataset(name, frame, pd.DataFrame({"utt_id": ids, "text": "hello"}))


def shuffled(ds, seed):
    return Dataset(ds.name, ds.utterances.sample(frac=1, random_state=seed), ds.references)


def ids_of(ds):
    return ds.utterances["utt_id"].tolist()


PEOPLE = tabled([(f"s{n % 12}", "en" if n % 12 < 8 else "zh", 2.0 + n % 7) for n in range(120)])  # 80 en, 40 zh

rows = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["en", "zh"]), st.floats(0.2, 30)), min_size=1, max_size=40
)


# -- samples ----------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(rows, st.data())
def test_a_sample_has_as_many_as_asked_for_and_does_not_depend_on_the_order_of_rows(rows, data):
    ds = tabled(rows)
    n, seed = data.draw(st.integers(1, len(ds))), data.draw(st.integers(0, 5))
    by = data.draw(st.sampled_from([None, "language", ["language", "speaker"]]))
    equal = by is not None and data.draw(st.booleans())
    taken = sample(ds, n, by=by, equal=equal, seed=seed)
    assert len(taken) == n
    assert ids_of(taken) == [utt_id for utt_id in ids_of(ds) if utt_id in set(ids_of(taken))]
    assert set(ids_of(sample(shuffled(ds, 1), n, by=by, equal=equal, seed=seed))) == set(ids_of(taken))


@settings(max_examples=25, deadline=None)
@given(rows, st.floats(0.1, 12), st.sampled_from([None, "language"]), st.booleans())
def test_minutes_are_never_passed_and_filled_up_to_what_does_not_fit(rows, minutes, by, equal):
    ds = tabled(rows)
    lengths = ds.utterances.set_index("utt_id")["duration_s"].astype(float)
    options = {"minutes": minutes, "by": by, "equal": equal and by is not None}
    if lengths.min() > 60 * minutes:
        with pytest.raises(InvalidInput, match="the least that could be taken"):
            sample(ds, **options)
        return
    taken = ids_of(sample(ds, **options))
    total = lengths[taken].sum()
    assert total <= 60 * minutes * (1 + 1e-8)
    left = lengths.drop(taken)
    assert left.empty or (total + left > 60 * minutes).any()
    assert set(ids_of(sample(shuffled(ds, 2), **options))) == set(taken)


@settings(max_examples=25, deadline=None)
@given(rows, st.floats(0.001, 0.5), st.integers(1, 20), st.integers(1, 2))
def test_a_price_is_never_passed(rows, usd, askings, channels):
    ds = tabled(rows)
    ds = Dataset("calls", ds.utterances.assign(channels=channels))
    price = 0.000035
    try:
        taken = sample(ds, usd=usd, usd_per_s=price, askings=askings)
    except InvalidInput:
        costs = [billed_s(length, channels) for length in ds.utterances["duration_s"]]
        assert min(costs) * price * askings > usd
        return
    cost = sum(billed_s(length, channels) for length in taken.utterances["duration_s"]) * price * askings
    assert cost <= usd * (1 + 1e-8)
    left = ds.utterances[~ds.utterances["utt_id"].isin(taken.utterances["utt_id"])]
    more = [billed_s(length, channels) * price * askings for length in left["duration_s"]]
    assert not more or any(cost + one > usd for one in more)


def test_short_recordings_and_early_letters_are_not_favoured():
    rng = np.random.default_rng(4)
    n = 300
    table = pd.DataFrame(
        {
            "utt_id": [f"u{k}" for k in range(n)],
            "language": np.resize(["de", "en", "zh"], n),
            "duration_s": rng.choice([2.0, 5.0, 90.0], n),
        }
    )
    ds = Dataset("lengths", table)
    mean = table["duration_s"].mean()
    taken = [sample(ds, minutes=20, seed=seed).utterances["duration_s"].mean() for seed in range(100)]
    assert np.mean(taken) == pytest.approx(mean, rel=0.08)
    firsts = Counter(
        language
        for seed in range(75)
        for language, count in sample(ds, 4, by="language", seed=seed).utterances["language"].value_counts().items()
        if count == 2
    )
    assert set(firsts) == {"de", "en", "zh"}
    assert min(firsts.values()) > 12


def test_many_strata_are_no_matter():
    table = pd.DataFrame({"utt_id": [f"u{k}" for k in range(20_000)], "speaker": [f"s{k}" for k in range(20_000)]})
    assert len(sample(Dataset("many", table), 100, by="speaker")) == 100


@pytest.mark.parametrize(
    "wrong", [{"n": "x"}, {"n": math.nan}, {"n": math.inf}, {"minutes": "3"}, {"share": "all"}, {"n": True}]
)
def test_amounts_that_are_none_are_refused(wrong):
    with pytest.raises(InvalidInput, match="must be"):
        sample(PEOPLE, **wrong)


def test_strata_get_what_their_size_comes_to():
    assert Counter(sample(PEOPLE, 30, by="language").utterances["language"]) == {"en": 20, "zh": 10}
    assert Counter(sample(PEOPLE, 31, by="language").utterances["language"]) == {"en": 21, "zh": 10}
    assert Counter(sample(PEOPLE, 30, by="language", equal=True).utterances["language"]) == {"en": 15, "zh": 15}
    assert Counter(sample(PEOPLE, 100, by="language", equal=True).utterances["language"]) == {"en": 60, "zh": 40}
    by_speaker = Counter(sample(PEOPLE, 30, by="speaker", equal=True).utterances["speaker"])
    assert sorted(by_speaker.values()) == [2] * 6 + [3] * 6
    lengths = sample(PEOPLE, minutes=4, by="language").utterances.groupby("language")["duration_s"].sum()
    assert lengths["en"] / lengths["zh"] == pytest.approx(2, rel=0.15)
    lengths = sample(PEOPLE, minutes=4, by="language", equal=True).utterances.groupby("language")["duration_s"].sum()
    assert lengths["en"] / lengths["zh"] == pytest.approx(1, rel=0.15)
    lengths = sample(PEOPLE, minutes=9, by="language", equal=True).utterances.groupby("language")["duration_s"].sum()
    assert lengths["zh"] == PEOPLE.utterances.query("language == 'zh'")["duration_s"].sum()


def test_missing_values_are_a_stratum():
    utterances = PEOPLE.utterances.assign(topic=pd.array(["news"] * 60 + [None] * 60, dtype="string"))
    taken = sample(Dataset("calls", utterances), 10, by="topic")
    assert Counter(taken.utterances["topic"].fillna("missing")) == {"news": 5, "missing": 5}


def test_a_smaller_sample_lies_in_a_larger_one():
    sizes = [set(ids_of(sample(PEOPLE, n))) for n in (1, 10, 50, 120)]
    assert all(small < large for small, large in combinations(sizes, 2))
    assert set(ids_of(sample(PEOPLE, share=0.25))) == set(ids_of(sample(PEOPLE, 30)))


def test_seeds_give_different_samples_and_chance_is_even():
    counts = Counter(utt_id for seed in range(100) for utt_id in ids_of(sample(PEOPLE, 12, seed=seed)))
    assert len(counts) == 120
    # Binomial with 100 draws at 0.1: 10, with a standard deviation of 3.
    assert all(0 < n <= 25 for n in counts.values())


def test_speakers_come_whole():
    taken = sample(PEOPLE, speakers=3)
    assert taken.utterances["speaker"].nunique() == 3
    assert len(taken) == 30
    of_each = sample(PEOPLE, speakers=4, by="language", equal=True).utterances
    assert of_each.groupby("language")["speaker"].nunique().to_dict() == {"en": 2, "zh": 2}
    nameless = Dataset("calls", PEOPLE.utterances.assign(speaker=[pd.NA, *PEOPLE.utterances["speaker"][1:]]))
    with pytest.raises(InvalidInput, match="1 utterances of calls name no speaker"):
        sample(nameless, speakers=3)


def test_another_utterance_changes_little():
    more = Dataset("calls", pd.concat([PEOPLE.utterances, tabled([("new", "en", 3.0)]).utterances], ignore_index=True))
    for seed in range(8):
        before, after = set(ids_of(sample(PEOPLE, 40, seed=seed))), set(ids_of(sample(more, 40, seed=seed)))
        assert len(before - after) <= 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "by one of n, share, minutes, usd, speakers, not by none"),
        ({"n": 3, "minutes": 2}, "not by n and minutes"),
        ({"n": 121}, "has 120 utterances, and 121"),
        ({"speakers": 13}, "has 12 speakers, and 13"),
        ({"n": 0}, "n must be above 0"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n": True}, "n must be a whole number"),
        ({"minutes": -1}, "minutes must be above 0"),
        ({"minutes": math.nan}, "minutes must be above 0"),
        ({"usd": 1}, "belong together"),
        ({"n": 1, "usd_per_s": 1}, "belong together"),
        ({"usd": 1, "usd_per_s": 0.1, "askings": 0}, "askings must be above 0"),
        ({"n": 1, "by": "topic"}, "no column 'topic' in calls. There are utt_id, "),
        ({"n": 1, "by": "tags"}, "holds lists"),
        ({"n": 1, "equal": True}, "needs by="),
        ({"minutes": 0.01}, "suffices for 0.6 seconds, and the least that could be taken has 2.0"),
    ],
)
def test_what_cannot_be_taken_is_said(options, said):
    ds = Dataset("calls", PEOPLE.utterances.assign(tags=[["x"]] * 120))
    with pytest.raises(InvalidInput, match=said):
        sample(ds, **options)


def test_lengths_must_be_known():
    for lengths in ([pd.NA, *[3.0] * 119], [0.0, *[3.0] * 119], [math.inf, *[3.0] * 119]):
        ds = Dataset("calls", PEOPLE.utterances.assign(duration_s=lengths))
        with pytest.raises(InvalidInput, match=r"lengths of 1 recordings of calls are not known.*ds\.measure\(\)"):
            sample(ds, minutes=1)
        assert len(sample(ds, 5)) == 5
    ds = Dataset("calls", PEOPLE.utterances.assign(channels=pd.NA))
    with pytest.raises(InvalidInput, match="channels of 120 recordings"):
        sample(ds, usd=1, usd_per_s=0.001)


# -- splits -----------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(rows, st.sampled_from([(0.5, 0.5), (0.8, 0.1, 0.1), (0.3, 0.7)]), st.integers(0, 3), st.booleans())
def test_splits_share_no_speaker_and_lose_nobody(rows, shares, seed, by_minutes):
    ds = tabled(rows)
    named = {f"part{n}": share for n, share in enumerate(shares)}
    options = {"seed": seed, "of": "minutes" if by_minutes else "utterances"}
    if ds.utterances["speaker"].nunique() < len(shares):
        with pytest.raises(InvalidInput, match="groups by speaker for"):
            split(ds, named, **options)
        return
    parts = split(ds, named, **options)
    assert list(parts) == list(named)
    assert sorted(utt_id for part in parts.values() for utt_id in ids_of(part)) == sorted(ids_of(ds))
    assert all(len(part) for part in parts.values())
    for one, other in combinations(parts.values(), 2):
        assert not set(one.utterances["speaker"]) & set(other.utterances["speaker"])
    again = split(shuffled(ds, 3), named, **options)
    assert {name: set(ids_of(part)) for name, part in again.items()} == {k: set(ids_of(p)) for k, p in parts.items()}


def test_shares_are_met_as_nearly_as_groups_allow():
    # All speakers have ten utterances: half a speaker is the most that a cut can be off.
    for seed in range(10):
        parts = split(PEOPLE, {"tune": 0.25, "test": 0.75}, seed=seed)
        assert {name: len(part) for name, part in parts.items()} == {"tune": 30, "test": 90}
        parts = split(PEOPLE, {"a": 0.6, "b": 0.3, "c": 0.1}, seed=seed)
        assert [len(part) for part in parts.values()] == [70, 40, 10]
    assert {part.name for part in parts.values()} == {"calls-a", "calls-b", "calls-c"}
    by_minutes = split(PEOPLE, {"tune": 0.25, "test": 0.75}, of="minutes")["tune"].utterances["duration_s"].sum()
    assert by_minutes / PEOPLE.utterances["duration_s"].sum() == pytest.approx(0.25, abs=1 / 24)


def test_strata_are_split_alike():
    for seed in range(8):
        parts = split(PEOPLE, {"tune": 0.25, "test": 0.75}, stratify="language", seed=seed)
        speakers = {name: part.utterances.groupby("language")["speaker"].nunique() for name, part in parts.items()}
        assert speakers["tune"].to_dict() == {"en": 2, "zh": 1}
        assert speakers["test"].to_dict() == {"en": 6, "zh": 3}
    # What rounds off in one stratum is made up for in the next: 6 strata of 2 speakers, a tenth of them.
    ds = tabled([(f"s{n}", f"l{n % 6}", 3.0) for n in range(12)])
    assert len(split(ds, {"tune": 0.25, "test": 0.75}, stratify="language")["tune"]) == 3


def test_a_stratum_is_what_most_of_a_group_is():
    ds = tabled(
        [
            ("x", "en", 1.0),
            ("x", "en", 1.0),
            ("x", "zh", 1.0),
            *[(f"s{n}", "zh", 1.0) for n in range(3)],
            ("y", "en", 1.0),
        ]
    )
    for seed in range(5):
        parts = split(ds, {"a": 0.5, "b": 0.5}, stratify="language", seed=seed)
        assert {name: {*part.utterances["speaker"]} & {"x", "y"} for name, part in parts.items()} in (
            {"a": {"x"}, "b": {"y"}}, {"a": {"y"}, "b": {"x"}},
        )  # fmt: skip


def test_several_columns_are_never_shared():
    frame = PEOPLE.utterances.assign(recording=[f"r{n // 20}" for n in range(120)])
    ds = Dataset("calls", frame.iloc[::7])
    parts = split(ds, {"a": 0.5, "b": 0.5}, by=["recording", "utt_id"])
    assert not set(parts["a"].utterances["recording"]) & set(parts["b"].utterances["recording"])
    chained = Dataset("calls", frame)  # each recording has every speaker: all is one group
    with pytest.raises(InvalidInput, match="has 1 groups by speaker and recording for 2 parts"):
        split(chained, {"a": 0.5, "b": 0.5}, by=["speaker", "recording"])


@pytest.mark.parametrize("column", ["audio", "digest"])
def test_one_recording_is_never_in_two_parts(column):
    same = [f"file-sha256:{n % 30:064x}" for n in range(60)]
    frame = tabled([(f"s{n}", "en", 3.0) for n in range(60)]).utterances.assign(**{column: same})
    parts = split(Dataset("calls", frame), {"a": 0.5, "b": 0.5})
    assert not set(parts["a"].utterances[column]) & set(parts["b"].utterances[column])
    apart = frame.assign(begin_s=[float(n) for n in range(60)], end_s=[n + 1.0 for n in range(60)])
    parts = split(Dataset("calls", apart), {"a": 0.5, "b": 0.5})
    assert set(parts["a"].utterances[column]) & set(parts["b"].utterances[column])


def test_who_is_not_named_stands_alone():
    speakers = [*(pd.NA for _ in range(40)), *(f"s{n % 4}" for n in range(40))]
    ds = Dataset("calls", tabled([("x", "en", 3.0)] * 80).utterances.assign(speaker=speakers))
    parts = split(ds, {"a": 0.5, "b": 0.5})
    assert all(part.utterances["speaker"].isna().any() for part in parts.values())
    nameless = Dataset("calls", ds.utterances.assign(speaker=pd.NA))
    with pytest.raises(InvalidInput, match="column speaker of calls is empty"):
        split(nameless, {"a": 0.5, "b": 0.5})
    assert len(split(nameless, {"a": 0.5, "b": 0.5}, by="utt_id")["a"]) == 40


def test_another_utterance_moves_few_speakers():
    moved = 0
    for seed in range(8):
        more = Dataset(
            "calls", pd.concat([PEOPLE.utterances, tabled([("new", "en", 3.0)]).utterances], ignore_index=True)
        )
        before, after = (split(ds, {"a": 0.5, "b": 0.5}, seed=seed)["a"].utterances["speaker"] for ds in (PEOPLE, more))
        moved += len(set(before) ^ set(after) - {"new"})
    assert moved <= 12  # of 96


@pytest.mark.parametrize(
    ("shares", "options", "said"),
    [
        ({"a": 1.0}, {}, "two or more"),
        ({"a": 0.5, "b": 0.6}, {}, "must come to 1"),
        ({"a": 1.5, "b": -0.5}, {}, "each between 0 and 1"),
        ({f"p{n}": 1 / 13 for n in range(13)}, {}, "has 12 groups by speaker for 13 parts"),
        ({"a": 0.5, "b": 0.5}, {"by": "topic"}, "no column 'topic'"),
        ({"a": 0.5, "b": 0.5}, {"of": "seconds"}, "of must be"),
        ({"a": 0.01, "b": 0.99}, {"stratify": "language"}, "Nothing falls to a"),
    ],
)
def test_what_cannot_be_split_is_said(shares, options, said):
    with pytest.raises(InvalidInput, match=said):
        split(PEOPLE, shares, **options)


def test_the_shipped_set():
    ds = load_dataset(DICTATION)
    parts = ds.split({"tune": 0.25, "test": 0.75}, stratify="language")
    assert {name: len(part) for name, part in parts.items()} == {"tune": 16, "test": 48}
    assert repr(ds.sample(minutes=2, by=["language", "topic"])).endswith("en zh, 1.9 min>")
    assert len(ds.sample(8, by="topic", equal=True).references) == 16
