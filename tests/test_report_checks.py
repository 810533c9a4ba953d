"""What a report refuses: scores of other answers, and results of other scores."""

from __future__ import annotations

import pandas as pd
import pytest
import reported

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.views.report.checks import IN_PART, LIKE, PLANNED, RECOUNTED, UNTOLD, check_scores, origin


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return reported.dataset(tmp_path_factory.mktemp("set"), sound=False)


@pytest.fixture(scope="module")
def frame():
    return reported.transcripts()


@pytest.fixture(scope="module")
def scores(known, frame):
    return reported.marked(frame, known)


def changed(scores, row, **counts):
    """Give scores in which one answer has other counts."""
    other = scores.copy()
    for name, count in counts.items():
        other.loc[row, name] = count
    return other


# -- scores of these answers -------------------------------------------------------------------------------------------


def test_scores_of_these_answers_are_taken(scores, frame, known):
    assert len(check_scores(scores, frame)) == 32
    some = frame[frame["utt_id"] != "u3"]
    assert set(reported.marked(some, known)["state"]) >= {"answered", "missing"}  # u3 was never asked
    check_scores(reported.marked(some, known), some)
    check_scores(scores[scores["context"] == "terms"], frame)
    check_scores(pd.concat([scores, reported.marked(frame, known, unit="char")]), frame)
    check_scores(scores.drop(columns="heard"), frame)


def test_one_word_of_one_transcript_makes_scores_stale(scores, frame):
    other = frame.copy()
    other.loc[5, "text"] = other.loc[5, "text"].replace("met", "mat")
    with pytest.raises(InvalidInput, match=r"1 rows of scores .* 'u1' under 'context=none, enable_itn=on'"):
        check_scores(scores, other)


def test_a_transcript_that_another_answer_has_is_another_too(scores, frame):
    other = frame.copy()
    other.loc[[0, 2], "text"] = frame.loc[[2, 0], "text"].to_numpy()
    with pytest.raises(InvalidInput, match="2 rows of scores"):
        check_scores(scores, other)


def test_what_was_marked_before_a_retry_is_stale(scores, frame):
    now = frame.copy()
    lost = now["state"] == "failed"
    now.loc[lost, ["state", "text"]] = ["answered", "we met"]
    with pytest.raises(InvalidInput, match=r"2 rows .* 'u7' under .*: it was failed .* it is answered now"):
        check_scores(scores, now)
    then = frame.copy()
    then.loc[then["utt_id"] == "u0", ["state", "text"]] = ["failed", pd.NA]
    with pytest.raises(InvalidInput, match=r"4 rows .* it was answered .* it is failed now"):
        check_scores(scores, then)
    # One that was missing when it was marked is there now.
    with pytest.raises(InvalidInput, match=r"it was missing .* it is answered now"):
        check_scores(scores.assign(state=scores["state"].mask(scores["utt_id"] == "u1", "missing")), frame)


def test_labels_are_those_of_the_transcripts(scores, frame):
    swapped = scores.assign(context=scores["context"].map({"none": "terms", "terms": "none"}))
    with pytest.raises(InvalidInput, match=r"32 rows .* under its labels it is missing now"):
        check_scores(swapped, frame)


def test_rows_that_stand_twice_are_refused(scores, frame, known):
    with pytest.raises(InvalidInput, match="32 rows of scores stand twice"):
        check_scores(pd.concat([scores, scores]), frame)
    check_scores(lab.ladder(frame, known, missing="drop"), frame)


def test_what_failed_as_a_whole_stands_for_all_channels(known):
    frame = reported.transcripts()
    both = pd.concat([frame.assign(channel=c)[frame["state"] == "answered"] for c in (0, 1)])
    whole = pd.concat([both, frame[frame["state"] == "failed"].assign(channel=pd.NA)], ignore_index=True)
    said = pd.concat([known.references.assign(channel=c) for c in (0, 1)])
    scores = lab.score(whole, said, missing="all-deleted", language="en")
    assert (scores["state"] == "failed").sum() == 4
    check_scores(scores, whole)
    check_scores(lab.score(whole, said, missing="drop", language="en"), whole)
    check_scores(lab.score(whole, said, missing="drop", language="en", channels="joined"), whole)


def test_scores_of_utterances_that_were_not_asked_about_are_refused(scores, frame):
    with pytest.raises(InvalidInput, match=r"4 rows of scores .* such as 'u3'"):
        check_scores(scores, frame[frame["utt_id"] != "u3"])


def test_channels_that_were_joined_are_of_these_answers_too(known):
    frame = pd.concat([reported.transcripts(), reported.transcripts().assign(channel=1)])
    both = known.references.assign(channel=1)
    joined = lab.score(frame, pd.concat([known.references, both]), channels="joined", missing="drop", language="en")
    check_scores(joined, frame)
    other = frame.reset_index(drop=True)
    other.loc[40, "text"] = "something else"
    with pytest.raises(InvalidInput, match="1 rows of scores"):
        check_scores(joined, other)


# -- results of these scores -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [["context"], ["context", "enable_itn"], [], ["condition"], ["spoken_language"]])
def test_a_summary_is_recounted(scores, by):
    assert origin(lab.summarize(scores, by=by), scores) == RECOUNTED


def test_a_summary_of_a_part_is_said_to_be_one(scores):
    part = lab.summarize(scores[scores["enable_itn"] == "on"], by="context")
    assert origin(part, scores) == IN_PART


def test_a_summary_with_other_counts_is_refused(scores):
    rates = lab.summarize(scores, by="context")
    for row in (0, 3):
        for more in ({"subs": 5}, {"ins": 3}):
            with pytest.raises(InvalidInput, match=r"errors in .* units of context"):
                origin(rates, changed(scores, row, **more))
    # Those of answers that these scores do not have.
    with pytest.raises(InvalidInput, match="come to"):
        origin(rates, scores[scores["utt_id"] != "u5"])


def test_a_group_of_which_nothing_was_marked_is_no_other(known):
    frame = reported.transcripts()
    frame.loc[frame["context"] == "terms", ["state", "text"]] = ["failed", pd.NA]
    scores = reported.marked(frame, known)
    assert origin(lab.summarize(scores, by="context"), scores) == RECOUNTED
    three = reported.transcripts({**reported.HEARD, ("long", "off"): "x {n}"})
    three.loc[three["context"] == "long", ["state", "text"]] = ["failed", pd.NA]
    scores = reported.marked(three, known)
    effect = lab.compare(scores, along="context", baseline="none")
    assert effect.set_index("level")["n_pairs"].to_dict() == {"terms": 7, "long": 0}
    assert origin(effect, scores) == IN_PART


def test_rates_and_differences_must_come_of_the_counts(scores):
    rates = lab.summarize(scores, by="context")
    with pytest.raises(InvalidInput, match=r"has a rate of 48.*come to 24"):
        origin(rates.assign(rate=2 * rates["rate"]), scores)
    for of in (scores, scores[scores["utt_id"] != "u7"]):
        effect = lab.compare(of, along="context", baseline="none")
        with pytest.raises(InvalidInput, match="has a difference of -50"):
            origin(effect.assign(delta=-0.5, p=0.001), of)


def test_what_counts_as_deleted_is_recounted_too(known, frame):
    scores = lab.score(frame, known, missing="all-deleted")
    assert origin(lab.summarize(scores, by="context"), scores) == RECOUNTED


def test_a_comparison_is_recounted_where_all_answers_are_pairs(scores):
    whole = scores[scores["utt_id"] != "u7"]
    effect = lab.compare(whole, along="context", baseline="none", by=["enable_itn"])
    assert origin(effect, whole) == RECOUNTED
    assert origin(effect, scores) == IN_PART
    with pytest.raises(InvalidInput, match=r"rate of .*enable_itn off.*come to"):
        origin(effect, changed(whole, 0, subs=4))
    with pytest.raises(InvalidInput, match=r"pairs .* more than"):
        origin(effect, whole[whole["utt_id"] != "u5"])


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ({"unit": "char"}, "unit char"),
        ({"normalizer": "none"}, "normalizer none"),
        ({"ties": "sclite"}, "ties sclite"),
    ],
)
def test_results_that_were_marked_otherwise_are_refused(known, frame, scores, how, what):
    other = reported.marked(frame, known, **how)
    results = [
        lab.summarize(other, by="context"),
        lab.compare(other, along="context", baseline="none"),
        lab.effects(other[other["utt_id"] != "u7"], ["context", "enable_itn"]),
        lab.agreement(pd.concat([other, other.assign(repeat=1)])),
    ]
    for result in results:
        with pytest.raises(InvalidInput, match=f"A result is marked by .*{what}"):
            origin(result, scores)
        origin(result, pd.concat([scores, other], ignore_index=True))


def test_results_about_other_labels_are_refused(scores):
    rates = lab.summarize(scores, by="context").replace({"context": {"terms": "prose"}})
    with pytest.raises(InvalidInput, match="context 'prose'"):
        origin(rates, scores)
    effect = lab.compare(scores, along="context", baseline="none")
    with pytest.raises(InvalidInput, match="context 'prose'"):
        origin(effect.assign(level="prose"), scores)
    with pytest.raises(InvalidInput, match="context 'nothing'"):
        origin(effect.assign(baseline="nothing"), scores)


def test_what_cannot_be_told_is_not_claimed(scores):
    rates = lab.summarize(scores, by="context")
    assert origin(rates.rename(columns={"context": "setting"}), scores) == LIKE
    assert origin(rates[["context", "rate", "low", "high", "unit"]], scores) == LIKE
    assert origin(rates.drop(columns="unit"), scores) == UNTOLD
    assert origin(pd.DataFrame({"n": [1]}), scores) == UNTOLD
    assert origin(tables.empty("comparison"), scores) == UNTOLD
    planned = lab.power(-0.1, rate=0.2, speakers=8, utterances=3, simulations=100)
    assert origin(planned, scores) == PLANNED
