"""How much a service varies when it is asked again, and what scores carry for that: fingerprints, whole sentences."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import sweeping
from hypothesis import given, settings
from hypothesis import strategies as st
from marked import on_logits
from scipy import stats

from asrlab.data.audio import digest
from asrlab.engines.scripted import ScriptedEngine
from asrlab.errors import InvalidInput
from asrlab.normalize import Normalizer, normalizer_for
from asrlab.scoring.edits import edits
from asrlab.scoring.marking import score
from asrlab.scoring.rates import rates
from asrlab.stats.agreement import agreement, repeat_variance, same_share
from asrlab.sweep.grid import grid
from asrlab.sweep.sweep import Sweep
from asrlab.tables import SCHEMAS


def codes(*numbers):
    return tuple(np.array(column, dtype=np.int64) for column in numbers)


# --- kernels

ANSWERS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-1, 2), st.integers(0, 9)), min_size=0, max_size=25
)


@settings(max_examples=150, deadline=None)
@given(ANSWERS)
def test_pairs_and_variances_are_those_counted_one_by_one(answers):
    group, question, heard = codes(*([row[k] for row in answers] for k in range(3)))
    errors = np.array([row[3] for row in answers], dtype=np.float64)
    same, pairs = same_share(group, question, heard, 5)
    variance = repeat_variance(group, question, errors, 5)
    for g in range(5):
        of_group = [row for row in answers if row[0] == g]
        two = [(a, b) for a, b in combinations(of_group, 2) if a[1] == b[1] and min(a[2], b[2]) >= 0]
        assert pairs[g] == len(two)
        assert same[g] == sum(a[2] == b[2] for a, b in two)
        asked = [[row[3] for row in of_group if row[1] == q] for q in range(4)]
        again = [of for of in asked if len(of) > 1]
        if not again:
            assert math.isnan(variance[g])
            continue
        spread = sum(len(of) * np.var(of, ddof=1) for of in again)
        assert variance[g] == pytest.approx(spread * len(of_group) / sum(map(len, again)), abs=1e-12)


def test_pairs_are_counted_by_whatever_the_group_is():
    question, heard = codes([0, 0, 1, 1, 1, 2], [4, 4, 5, 6, 5, 4])
    (block,) = codes([0, 0, 1, 1, 1, 2])
    same, pairs = same_share(block, question, heard, 4)
    assert (same.tolist(), pairs.tolist()) == ([1, 1, 0, 0], [1, 3, 0, 0])
    assert (same.dtype, pairs.dtype) == (np.int64, np.int64)


@pytest.mark.parametrize("kernel", [same_share, repeat_variance])
def test_a_kernel_takes_arrays_of_one_length(kernel):
    with pytest.raises(ValueError, match=r"shapes \[\(2,\), \(2,\), \(3,\)\]"):
        kernel(np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(3, np.int64), 1)


def test_the_variance_of_a_sum_is_what_it_is_over_many_askings():
    rng = np.random.default_rng(3)
    questions, repeats = 60, 4
    own = rng.gamma(2.0, 1.0, questions)  # each question has its rate; that spread is no noise
    once = rng.poisson(np.repeat(own, repeats), (400, questions * repeats)).astype(np.float64)
    group, question = np.zeros(questions * repeats, np.int64), np.repeat(np.arange(questions), repeats)
    found = [repeat_variance(group, question, errors, 1)[0] for errors in once]
    truth = own.sum() * repeats  # of a Poisson number the variance is the mean
    assert np.mean(found) == pytest.approx(truth, rel=0.02)
    assert once.sum(axis=1).var(ddof=1) == pytest.approx(truth, rel=0.25)


# --- the table


def asked(errors, heard=None, *, ref_len=10, speakers=None, **columns):
    """Scores of utterances that were asked several times; None is an asking that failed."""
    rows = []
    for number, of in enumerate(errors):
        block = f"speaker:s{number % speakers}" if speakers else f"utterance:u{number:03}"
        texts = heard[number] if heard else [str(e) for e in of]
        for repeat, (subs, text) in enumerate(zip(of, texts, strict=True)):
            counts = {"subs": subs, "dels": 0, "ins": 0, "ref_len": ref_len} if subs is not None else {}
            rows.append({"utt_id": f"u{number:03}", "repeat": repeat, "block": block, "heard": text, **counts})
    empty = dict.fromkeys(("subs", "dels", "ins", "ref_len"))
    frame = pd.DataFrame([{**empty, **row} for row in rows])
    return frame.assign(block_kind="speaker" if speakers else "utterance", unit="word", ties="jiwer", **columns)


def one(scores, **options):
    (row,) = agreement(scores, by=[], **options).to_dict("records")
    return row


def test_a_table_by_hand():
    scores = asked([[1, 2, 3], [0, 0, 0], [4, 4, 2]], [list("aab"), list("ccc"), list("ddc")])
    row = one(scores)
    assert (row["n_pairs"], row["n_questions"], row["n_repeats"], row["n_blocks"]) == (9, 3, 3, 3)
    assert row["same"] == pytest.approx(5 / 9)
    assert row["rate"] == pytest.approx(16 / 90)
    assert (row["rate_low"], row["rate_high"]) == pytest.approx((5 / 30, 6 / 30))
    assert row["repeat_noise"] == pytest.approx(math.sqrt(1 + 0 + 4 / 3) / 30)
    assert (row["low"], row["high"]) == pytest.approx(on_logits([1, 3, 1], [3, 3, 3]))
    assert 0 < row["low"] < row["high"] < 1
    assert (row["level"], row["block_kind"]) == (0.95, "utterance")
    assert pd.isna(row["note"])  # nothing to say is <NA>, as everywhere, and not ""
    assert row["method"].startswith("ratio t by utterance")


def test_the_interval_is_by_speaker_and_of_what_differs():
    rng = np.random.default_rng(1)
    texts = [["a", "a" if rng.random() < 0.8 else "b"] for _ in range(60)]
    row = one(asked([[1, 1]] * 60, texts, speakers=12), level=0.9)
    wrong = np.array([first != second for first, second in texts])
    by_speaker = [wrong[np.arange(60) % 12 == s].sum() for s in range(12)]
    right = [5 - number for number in by_speaker]
    assert (row["low"], row["high"]) == pytest.approx(on_logits(right, [5] * 12, level=0.9))
    assert row["same"] == pytest.approx(1 - wrong.mean())
    assert (row["method"], row["n_blocks"], row["block_kind"]) == ("ratio t by speaker", 12, "speaker")


@pytest.mark.parametrize(("second", "place"), [("a", "low"), ("b", "high")])
def test_where_all_pairs_are_alike_the_interval_is_exact(second, place):
    row = one(asked([[0, 0]] * 40, [["a", second]] * 40, speakers=8))
    assert row["same"] == (1.0 if second == "a" else 0.0)
    known = stats.binomtest(40 if second == "a" else 0, 40).proportion_ci(method="exact")
    assert (row["low"], row["high"]) == pytest.approx((known.low, known.high))
    assert 0 < row[place] < 1
    assert row["method"].startswith("exact by utterance; utterances taken as independent")


def test_one_utterance_under_several_settings_is_one_in_the_exact_interval():
    parts = [asked([[0, 0]] * 10).assign(context=name) for name in ("none", "terms")]
    row = one(pd.concat(parts))
    assert row["n_questions"] == 20
    assert row["low"] == pytest.approx(stats.binomtest(10, 10).proportion_ci().low)


def test_settings_are_never_compared_with_each_other():
    parts = [asked([[k, k]] * 3, [[name, name]] * 3).assign(context=name) for k, name in enumerate(("none", "terms"))]
    scores = pd.concat(parts)
    assert agreement(scores)["context"].tolist() == ["none", "terms"]
    for table in (
        agreement(scores),
        agreement(scores, by=[]),
        agreement(scores.rename(columns={"context": "condition"}), by=[]),
    ):
        assert (table["same"] == 1).all()
        assert (table["repeat_noise"] == 0).all()
    row = one(scores)
    assert (row["rate"], row["rate_low"], row["rate_high"]) == pytest.approx((0.05, 0.05, 0.05))
    assert row["n_pairs"] == 6


def test_channels_are_questions_of_their_own():
    parts = [asked([[k, k]], [[str(k)] * 2]).assign(channel=k) for k in (0, 1)]
    row = one(pd.concat(parts))
    assert (row["same"], row["n_questions"], row["n_pairs"]) == (1.0, 2, 2)


def test_one_asking_only_is_said():
    row = one(asked([[1], [2]], speakers=2))
    assert row["note"] == "one asking only: the service's own variation is not known; ask again with repeats=3"
    assert row["rate"] == pytest.approx(0.15)
    lacking = ["same", "low", "high", "repeat_noise", "rate_low", "rate_high", "method"]
    assert all(pd.isna(row[name]) for name in lacking)
    assert (row["n_repeats"], row["n_questions"], row["n_pairs"], row["n_blocks"]) == (1, 0, 0, 0)
    assert row["block_kind"] == "speaker"


def test_repeats_of_nothing_twice_are_said():
    scores = asked([[1, 2], [3, 4]]).assign(run=lambda rows: rows["repeat"])  # an axis tells all answers apart
    row = one(scores)
    assert row["note"] == "no question has two answers, of the same utterance, channel, condition and axes"
    assert pd.isna(row["rate_low"])


def test_unequal_numbers_of_repeats():
    row = one(asked([[1, 2, 3], [0, 4], [5]], [list("aab"), list("cc"), list("d")]))
    assert (row["n_pairs"], row["n_questions"], row["n_repeats"]) == (4, 2, 3)
    assert row["same"] == pytest.approx(2 / 4)
    assert row["rate"] == pytest.approx(15 / 60)
    assert (row["rate_low"], row["rate_high"]) == pytest.approx((0.1, 0.3))  # of the first utterance alone
    # Two of three questions show what they vary by; the third is taken to vary as much.
    assert row["repeat_noise"] == pytest.approx(math.sqrt((1 + 8) * 3 / 2) / 30)
    # 1 of 3 pairs and 1 of 1: two utterances, which are not alike, and bound nothing.
    assert row["note"] == (
        "no interval: utterances too few or too much alike; "
        "2 questions without all repeats left out of rate_low and rate_high"
    )


def test_repeats_that_failed_are_left_out():
    whole = asked([[1, 3], [2, 2], [0, 1]])
    failed = pd.concat([whole, asked([[None, None, None, None]], [[None] * 4]).assign(utt_id="u900")])
    pd.testing.assert_frame_equal(agreement(whole), agreement(failed))
    lost = one(asked([[1, None], [2, 2], [0, 1]]))
    assert (lost["n_pairs"], lost["n_questions"]) == (2, 2)
    assert lost["rate"] == pytest.approx(6 / 50)
    assert "1 question without all repeats" in lost["note"]
    never_three = one(asked([[1, 2, None], [None, 3, 5]]))
    assert never_three["n_repeats"] == 2
    assert pd.isna(never_three["rate_low"])
    assert never_three["note"] == "2 questions without all repeats left out of rate_low and rate_high"


def test_nothing_but_failures():
    row = one(asked([[None, None]], [[None, None]]))
    assert row["note"] == "no answers"
    assert all(pd.isna(row[name]) for name in ("rate", "same", "repeat_noise", "method"))
    assert (row["n_repeats"], row["n_blocks"], row["block_kind"]) == (0, 0, "utterance")


def test_all_deleted_answers_are_errors_and_no_texts():
    scores = score(
        pd.DataFrame({"utt_id": ["a", "a", "b", "b"], "repeat": [0, 1, 0, 1], "text": ["x y", None, "z", "z"]}),
        pd.DataFrame({"utt_id": ["a", "b"], "text": ["x y", "z"]}),
        missing="all-deleted",
    )
    assert scores["heard"].isna().tolist() == [False, True, False, False]
    alone = scores.tail(1).assign(utt_id="c", block="c", state="failed", heard=None, hits=0, dels=1, hyp_len=0)
    assert one(pd.concat([scores, alone]))["note"].startswith("1 answer without a text to compare; 1 question without")
    row = one(scores)
    assert (row["n_pairs"], row["n_questions"], row["n_blocks"], row["same"]) == (1, 2, 1, 1.0)
    assert (row["rate_low"], row["rate_high"]) == pytest.approx((0, 2 / 3))
    assert row["repeat_noise"] == pytest.approx(math.sqrt(2) / 3)
    assert row["note"] == "1 answer without a text to compare"


def test_scores_without_texts():
    scores = asked([[1, 2], [0, 0]])
    row = one(scores.drop(columns="heard"))
    assert row["note"] == "no text to compare"
    assert all(pd.isna(row[name]) for name in ("same", "low", "method"))
    assert row["n_pairs"] == row["n_blocks"] == 0
    rest = ["rate", "rate_low", "rate_high", "repeat_noise", "n_questions", "n_repeats"]
    assert [row[name] for name in rest] == [one(scores)[name] for name in rest]


def test_no_errors_and_no_reference_units():
    row = one(asked([[0, 0]] * 8))
    assert (row["rate"], row["rate_low"], row["rate_high"], row["repeat_noise"]) == (0, 0, 0, 0)
    row = one(asked([[0, 0]] * 8, ref_len=0))
    assert all(pd.isna(row[name]) for name in ("rate", "rate_low", "repeat_noise"))
    assert row["same"] == 1


def test_no_spread_between_blocks_is_said():
    row = one(asked([[1, 1], [1, 1]], [list("ab"), list("ab")]).assign(utt_id=list("aabb"), block="x"))
    assert row["method"].startswith("exact")  # nothing agrees
    half = [list("aab")] * 4
    row = one(asked([[1, 1, 1]] * 4, half))
    assert row["same"] == pytest.approx(1 / 3)
    assert pd.isna(row["low"])
    assert pd.isna(row["high"])
    assert row["note"] == "no interval: utterances too few or too much alike"
    row = one(asked([[1, 2, 3]], [list("aab")]))
    assert (row["n_blocks"], row["note"]) == (1, "no interval: one utterance")
    assert row["same"] == pytest.approx(1 / 3)


def test_few_speakers_give_way_to_utterances():
    row = one(asked([[1, 1]] * 20, [["a", "ab"[k % 4 == 0]] for k in range(20)], speakers=3))
    assert (row["block_kind"], row["n_blocks"]) == ("utterance", 20)
    assert row["method"] == "ratio t by utterance; too few speakers (3): true of these voices only"


def test_references_of_different_lengths_are_no_noise():
    # The same service, twice as many errors in a reference twice as long.
    scores = asked([[1, 2], [3, 6]]).assign(ref_len=[10, 20, 30, 60])
    row = one(scores)
    assert row["repeat_noise"] == pytest.approx(0, abs=1e-12)
    assert row["rate"] == pytest.approx(0.1)


def test_an_empty_table():
    table = agreement(asked([[1, 2]]).head(0))
    assert table.empty
    assert table.columns.tolist() == ["condition", *SCHEMAS["agreement"]]


def test_by_facts_of_the_utterances():
    utterances = pd.DataFrame({"utt_id": ["u000", "u001"], "tags": [["x", "y"], ["y"]], "speaker": ["p", "q"]})
    scores = asked([[1, 2], [0, 0]])
    tags = agreement(scores, by="tag", dataset=utterances).set_index("tag")
    assert tags["same"].to_dict() == {"x": 0, "y": 0.5}
    assert tags["n_pairs"].to_dict() == {"x": 1, "y": 2}
    assert agreement(scores, by="speaker", dataset=utterances)["same"].tolist() == [0, 1]


def test_misuse_is_said():
    scores = asked([[1, 2], [0, 0]])
    with pytest.raises(InvalidInput, match="Cannot group by repeat"):
        agreement(scores, by="repeat")
    with pytest.raises(InvalidInput, match=r"2 rows \(u000, u001\) stand twice: .*repeat\. Number the repeats"):
        agreement(scores.drop(columns="repeat"))
    with pytest.raises(InvalidInput, match="no column 'context'"):
        agreement(scores, by="context")
    with pytest.raises(InvalidInput, match="needs the column ref_len"):
        agreement(scores.drop(columns="ref_len"))
    with pytest.raises(InvalidInput, match=r"2 rows \(u000\) are answers to one question in different blocks"):
        agreement(scores.assign(block=["p", "q", "r", "r"]))
    with pytest.raises(InvalidInput, match="different blocks"):
        agreement(scores.assign(block_kind=["speaker", "recording", "speaker", "speaker"]))
    for level in (95, "0.95", None):
        with pytest.raises(InvalidInput, match=r"level must lie between .* \(a confidence level, such as 0\.95\)"):
            agreement(scores, level=level)
    with pytest.raises(InvalidInput, match=r"scores\.csv is not there"):
        agreement("scores.csv")
    with pytest.raises(InvalidInput, match="by must be the name of a column or a list of names, not 5"):
        agreement(scores, by=5)


def test_answers_in_different_rows_make_no_pair():
    table = agreement(asked([[1, 2]]).assign(spoken_language=["en", "de"]), by="spoken_language")
    assert table["n_questions"].tolist() == table["n_pairs"].tolist() == [0, 0]
    assert table["note"].str.startswith("one asking only").all()


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(4)
    errors = rng.integers(0, 5, (30, 3)).tolist()
    scores = asked(errors, speakers=10, condition="c")
    table = agreement(scores)
    for _ in range(3):
        pd.testing.assert_frame_equal(agreement(scores.sample(frac=1, random_state=rng)), table, rtol=1e-12)


# --- a service of known noise


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Scores of 24 recordings asked 25 times of a service that mishears each word anew, 1 in 20."""
    folder = tmp_path_factory.mktemp("noisy")
    dataset = sweeping.recordings(folder / "set", 24)
    engine = ScriptedEngine(substitutions=0.05, noise=True, seed=11)
    sweep = Sweep(dataset, engine, grid(), store=folder / "run", repeats=25)
    sweep.run(progress=False)
    digests = [digest(str(folder / "set" / name)) for name in dataset.utterances["audio"]]
    texts = [engine.true_text(name) for name in digests]
    said = pd.DataFrame({"utt_id": dataset.utterances["utt_id"], "text": texts, "language": "en"})
    return score(sweep.transcripts, said), said


def test_a_service_of_known_noise(noisy):
    scores, said = noisy
    (row,) = agreement(scores, level=0.999).to_dict("records")
    words = said["text"].str.split().map(len).to_numpy()
    assert scores["ref_len"].sum() == 25 * words.sum()
    assert (row["n_questions"], row["n_repeats"], row["n_pairs"]) == (24, 25, 24 * 300)
    # Substitutions alone, each word by itself: the errors of one asking are binomial.
    truth = math.sqrt(0.05 * 0.95 / words.sum())
    assert row["repeat_noise"] == pytest.approx(truth, rel=0.10)  # 576 degrees of freedom: 3 % is one standard error
    askings = rates(scores, by="repeat")["rate"].to_numpy(float)
    assert len(askings) == 25
    assert askings.std(ddof=1) == pytest.approx(row["repeat_noise"], rel=0.45)  # 24 degrees of freedom: 14 %
    assert (row["rate_low"], row["rate_high"]) == pytest.approx((askings.min(), askings.max()))
    # Two texts are the same where each word is right in both, or replaced by the same one of about 41.
    expected = np.mean((0.95**2 + 0.05**2 / 41) ** words)
    assert row["same"] == pytest.approx(expected, abs=0.06)
    assert row["low"] < expected < row["high"]


def test_a_service_without_noise(tmp_path):
    dataset = sweeping.recordings(tmp_path / "set", 6)
    sweep = Sweep(dataset, ScriptedEngine(substitutions=0.3), grid(), store=tmp_path / "run", repeats=3)
    sweep.run(progress=False)
    (row,) = agreement(score(sweep.transcripts, dataset)).to_dict("records")
    assert (row["same"], row["repeat_noise"], row["n_pairs"]) == (1.0, 0.0, 18)
    assert row["rate"] == row["rate_low"] == row["rate_high"] > 0


def test_noise_is_the_spread_of_many_askings():
    rng = np.random.default_rng(8)
    own, units = rng.beta(2, 18, 50), rng.integers(5, 20, 50)
    found = []
    for _ in range(60):
        counts = rng.binomial(units[:, None], own[:, None], (50, 3))
        scores = asked(counts.tolist()).assign(ref_len=np.repeat(units, 3))
        found.append(one(scores)["repeat_noise"])
    askings = rng.binomial(units, own, (4000, 50)).sum(axis=1) / units.sum()
    assert math.sqrt(np.mean(np.square(found))) == pytest.approx(askings.std(ddof=1), rel=0.05)


# --- fingerprints

# What a table can hold: no halves of characters.
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0aA ."), max_size=4), max_size=12)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(["word", "char", "sentence"]))
def test_fingerprints_are_equal_where_texts_are(texts, unit):
    texts = ["", "a", "a\0", "A", "a ", *texts]
    heard = score(texts, ["a"] * len(texts), unit=unit)["heard"]
    assert heard.notna().all()
    for (one_text, one_print), (other_text, other_print) in combinations(zip(texts, heard, strict=True), 2):
        assert (one_text == other_text) == (one_print == other_print)


def test_fingerprints_are_the_same_everywhere():
    known = ["e4a6a0577479b2b4", "c27f159d7afac6cb"]
    code = "import asrlab as lab; print(*lab.score(['', 'Grüße, 世界'], ['a', 'b'])['heard'])"
    for seed in ("0", "7"):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert run.stdout.split() == known


def test_a_fingerprint_is_of_what_was_given():
    heard = pd.DataFrame({"utt_id": ["a"] * 3, "repeat": [0, 1, 2], "text": ["The cat.", "the cat", "The cat."]})
    said = pd.DataFrame({"utt_id": ["a"], "text": ["the cat"], "language": ["en"]})
    scores = score(heard, said)
    assert scores["subs"].sum() == 0
    assert scores["heard"].dtype == "string"
    assert scores["heard"].nunique() == 2
    assert scores["heard"][0] == scores["heard"][2]
    assert scores["heard"].str.fullmatch("[0-9a-f]{16}").all()
    row = one(scores)
    assert (row["same"], row["rate"], row["repeat_noise"]) == (pytest.approx(1 / 3), 0, 0)


@pytest.mark.parametrize("missing", ["drop", "all-deleted"])
@pytest.mark.parametrize("unit", ["auto", "sentence"])
def test_where_there_is_no_text_there_is_no_fingerprint(missing, unit):
    scores = score(["x", None, ""], ["x", "y", "z"], missing=missing, unit=unit)
    assert scores["heard"].isna().tolist() == [False, True, False]


def test_fingerprints_of_channels_and_of_joined_ones():
    heard = pd.DataFrame(
        {"utt_id": ["a"] * 4, "repeat": [0, 0, 1, 1], "channel": [0, 1, 1, 0], "text": ["x", "y z", "y z", "x"]}
    )
    said = pd.DataFrame({"utt_id": ["a", "a"], "channel": [0, 1], "text": ["x", "y z"]})
    apart = score(heard, said)
    assert apart["heard"].tolist() == [apart["heard"][0], apart["heard"][1], apart["heard"][1], apart["heard"][0]]
    joined = score(heard, said, channels="joined")
    assert joined["heard"].nunique() == 1
    assert joined["heard"][0] == score(["x y z"], ["x y z"])["heard"][0]


def test_fingerprints_beside_terms():
    class Said:
        utterances = pd.DataFrame({"utt_id": ["a", "b", "c"], "language": "en"})
        references = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["no names", "Kim met Ann", "Ann"]})
        terms = pd.DataFrame({"utt_id": ["b", "c"], "term": ["Kim", "Ann"], "role": "present"})

    heard = pd.DataFrame({"utt_id": ["a", "b", "c"], "text": ["no names", "Kim met an", "Ann"]})
    words, terms = score(heard, Said()), score(heard, Said(), unit="term")
    assert terms["utt_id"].tolist() == ["b", "c"]
    assert terms["heard"].tolist() == words["heard"].tolist()[1:]


def test_html_in_a_text_is_only_a_text():
    heard = pd.DataFrame({"utt_id": ["<b>"] * 2, "repeat": [0, 1], "text": ["<script>alert(1)</script>"] * 2})
    row = one(score(heard, pd.DataFrame({"utt_id": ["<b>"], "text": ["x"]})))
    assert row["same"] == 1


# --- whole sentences

WORDS = st.lists(st.sampled_from(["a", "b", "A.", "", " ", "\t"]), max_size=4).map(" ".join)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8), st.sampled_from(["jiwer", "sclite"]))
def test_the_rate_of_sentences_is_the_sentence_error_rate_of_words(pairs, ties):
    said, heard = ([pair[k] for pair in pairs] for k in (0, 1))
    whole = score(heard, said, unit="sentence", language="en", ties=ties)
    words = score(heard, said, unit="word", language="en", ties=ties)
    assert (whole["ref_len"] == 1).all()
    assert (whole["unit"] == "sentence").all()
    chain = normalizer_for("en")
    wrong = [chain(ref).split() != chain(hyp).split() for ref, hyp in pairs]
    assert whole["subs"].tolist() == wrong
    row, expected = rates(whole).iloc[0], rates(words).iloc[0]
    assert row["rate"] == row["ser"] == row["mean"] == expected["ser"]
    assert whole[["dels", "ins"]].to_numpy().sum() == 0
    assert row[["clipped", "mer", "wil", "wip"]].isna().all()


def test_white_space_is_no_difference_in_any_language():
    frame = pd.DataFrame({"utt_id": ["en", "zh"], "text": [" the  cat\t", "我 想 喝"]})
    said = pd.DataFrame({"utt_id": ["en", "zh"], "text": ["the cat", "我想喝"], "language": ["en", "zh"]})
    assert score(frame, said, unit="sentence", normalizer=Normalizer("none", ()))["hits"].tolist() == [1, 1]
    ids = frame["utt_id"]
    apart = score(pd.DataFrame({"utt_id": ids, "text": ["thecat", "我想"]}), said, unit="sentence")
    assert apart["subs"].tolist() == [1, 1]


@pytest.mark.parametrize(("text", "counts"), [("", [1, 0, 0, 0, 1, 1]), ("uh", [0, 1, 0, 0, 1, 1])])
def test_an_empty_reference_is_one_sentence(text, counts):
    scores = score([text], [""], unit="sentence")
    names = ["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]
    assert scores[names].to_numpy(int).tolist() == [counts]
    assert rates(scores)["rate"].tolist() == [counts[1]]


def test_sentences_without_an_answer():
    texts, said = ["x", None, None, "y"], ["x", "y", "", "z"]
    deleted = score(texts, said, missing="all-deleted", unit="sentence")
    assert deleted[["hits", "subs", "dels"]].to_numpy(int).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]]
    assert (deleted["ref_len"] == 1).all()
    assert rates(deleted)["rate"].tolist() == [0.75]
    dropped = score(texts, said, missing="drop", unit="sentence")
    assert dropped["ref_len"].isna().tolist() == [False, True, True, False]
    assert rates(dropped)["rate"].tolist() == [0.5]


def test_a_sentence_is_right_in_any_wording_and_the_nearest_is_named():
    said = pd.DataFrame(
        {
            "utt_id": ["a"] * 3,
            "form": ["spoken", "written", "written"],
            "alternative": [0, 0, 1],
            "text": ["it is five", "it is 5", "it's 5"],
        }
    )
    for text, form, wording, right in (
        ("it is 5", "written", 0, 1),
        ("it's 5", "written", 1, 1),
        ("it is a five", "spoken", 0, 0),
        ("it is a 5", "written", 0, 0),
    ):
        heard = pd.DataFrame({"utt_id": ["a"], "text": [text]})
        (row,) = score(heard, said, form="best", unit="sentence", normalizer="basic").to_dict("records")
        assert (row["marked_form"], row["alternative"], row["hits"], row["subs"]) == (form, wording, right, 1 - right)


def test_joined_channels_are_one_sentence():
    heard = pd.DataFrame({"utt_id": ["a", "a"], "channel": [0, 1], "text": ["x", "y"]})
    said = pd.DataFrame({"utt_id": ["a", "a"], "channel": [0, 1], "text": ["x", "z"]})
    assert score(heard, said, unit="sentence")["subs"].tolist() == [0, 1]
    assert score(heard, said, unit="sentence", channels="joined")["subs"].tolist() == [1]


def test_sentences_vary_too():
    heard = pd.DataFrame({"utt_id": list("aabb"), "repeat": [0, 1] * 2, "text": ["x", "y", "z", "z"]})
    row = one(score(heard, pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "z"]}), unit="sentence"))
    assert (row["unit"], row["same"], row["rate"], row["rate_low"], row["rate_high"]) == ("sentence", 0.5, 0.25, 0, 0.5)
    assert row["repeat_noise"] == pytest.approx(math.sqrt(0.5) / 2)


def test_sentences_have_no_alignment():
    with pytest.raises(InvalidInput, match='unit="sentence" has no alignment'):
        edits(["a"], ["a"], unit="sentence")
