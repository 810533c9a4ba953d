"""Terms: which of the words that matter came through."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrlab.errors import InvalidInput
from asrlab.scoring import score
from asrlab.scoring.term_recall import count_terms

COUNTS = ["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]


def dataset(references, terms, **utterances):
    references = pd.DataFrame(references)
    ids = references["utt_id"].drop_duplicates().tolist()
    table = pd.DataFrame({"utt_id": ids, **utterances})
    return SimpleNamespace(utterances=table, references=references, terms=pd.DataFrame(terms))


def heard(**texts):
    return pd.DataFrame({"utt_id": list(texts), "text": list(texts.values())})


def counts(scores):
    return scores[COUNTS].to_numpy(dtype=object).tolist()


def present(**terms):
    return [{"utt_id": utt_id, "term": term, "role": "present"} for utt_id, listed in terms.items() for term in listed]


def test_worked_example():
    data = dataset(
        [{"utt_id": "a", "text": "Call Doctor Nguyen about the invoice."}],
        present(a=["Nguyen", "Invoice"]),
        language=["en"],
    )
    frame = pd.DataFrame({"utt_id": "a", "condition": ["1", "2"]})
    frame["text"] = ["call doctor win about invoice, Nguyen", "call doctor win"]
    scores = score(frame, data, unit="term")
    assert counts(scores) == [[2, 0, 0, 0, 2, 2], [0, 0, 2, 0, 2, 0]]
    assert scores["unit"].tolist() == ["term", "term"]
    assert scores["normalizer"].tolist() == ["en-2", "en-2"]


def test_terms_of_several_words_must_stand_together_and_end_with_a_word():
    data = dataset([{"utt_id": "a", "text": "in New York with Ann"}], present(a=["new york", "Ann"]))
    frame = pd.DataFrame({"utt_id": "a", "condition": list("1234")})
    frame["text"] = ["new york ann", "york new ann", "new yorkers annual", "new, York; and Ann"]
    assert score(frame, data, unit="term")["hits"].tolist() == [2, 1, 0, 2]


def test_chinese_terms_are_found_without_spaces_in_either_script():
    data = dataset([{"utt_id": "a", "text": "他去臺灣找 Ceph 专家"}], present(a=["台湾", "Ceph 专家"]), language=["zh"])
    frame = pd.DataFrame({"utt_id": "a", "condition": ["1", "2"], "text": ["他去台 湾找ceph专家", "他去太湾"]})
    assert score(frame, data, unit="term")["hits"].tolist() == [2, 0]


def test_hits_are_capped_at_what_was_said():
    # One character is one unit here.
    assert count_terms([("k",)], "kak", "kkkkk") == (2, 0, 0, 0)
    assert count_terms([("k",)], "kak", "k") == (1, 0, 1, 0)
    assert count_terms([("aa",)], "aaaaa", "aaa") == (1, 0, 1, 0)
    assert count_terms([("",)], "a", "a") == (0, 0, 0, 0)


@given(st.text("abc"), st.text("abc"))
def test_single_words_are_a_meeting_of_bags(ref, hyp):
    hits, subs, dels, ins = count_terms([("a",), ("b",)], ref, hyp)
    bags = [Counter(w for w in side if w in "ab") for side in (ref, hyp)]
    assert hits == (bags[0] & bags[1]).total()
    assert hits + dels == bags[0].total()
    assert subs == ins == 0


def test_utterances_without_terms_are_left_out_and_failures_stay():
    data = dataset([{"utt_id": u, "text": "the Kestrel"} for u in "abc"], present(a=["Kestrel"], b=["Kestrel"]))
    scores = score(heard(a="kestrel", b=None, c="kestrel"), data, unit="term", missing="drop")
    assert scores["utt_id"].tolist() == ["a", "b"]
    assert scores["state"].tolist() == ["answered", "failed"]
    assert scores.loc[1, COUNTS].isna().all()


def test_terms_count_though_every_answer_failed():
    data = dataset([{"utt_id": u, "text": "the Kestrel"} for u in "ab"], present(a=["Kestrel"]))
    assert score(heard(a=None, b=None), data, unit="term", missing="drop")["utt_id"].tolist() == ["a"]


def test_terms_of_the_whole_set_count_where_they_were_said_and_distractors_never():
    terms = [
        {"utt_id": None, "term": "Kestrel", "role": "present"},
        {"utt_id": None, "term": "the", "role": "distractor"},
        {"utt_id": "a", "term": "the", "role": "distractor"},
    ]
    data = dataset([{"utt_id": "a", "text": "the kestrel"}, {"utt_id": "b", "text": "the crow"}], terms)
    scores = score(heard(a="the castle", b="the crow"), data, unit="term")
    assert counts(scores) == [[0, 0, 1, 0, 1, 0]]


def test_two_spellings_that_are_one_count_once():
    data = dataset([{"utt_id": "a", "text": "the kestrel"}], present(a=["Kestrel", "KESTREL", "Kestrel"]))
    assert score(heard(a="kestrel"), data, unit="term")["ref_len"].tolist() == [1]


def test_a_term_on_one_channel_is_marked_there():
    rows = [{"utt_id": "a", "channel": 0, "text": "hello"}, {"utt_id": "a", "channel": 1, "text": "a kestrel"}]
    frame = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["kestrel", "kestrel"]})
    scores = score(frame, dataset(rows, present(a=["Kestrel"])), unit="term")
    assert scores[["channel", "hits"]].to_numpy().tolist() == [[1, 1]]


def test_best_of_two_forms_is_the_one_with_fewest_misses():
    rows = [
        {"utt_id": "a", "form": f, "text": t} for f, t in (("spoken", "kim and kim"), ("written", "Kim & K., Kim, Kim"))
    ]
    scores = score(heard(a="kim"), dataset(rows, present(a=["Kim"])), unit="term", form="best")
    assert scores["marked_form"].tolist() == ["spoken"]
    assert counts(scores) == [[1, 0, 1, 0, 2, 1]]


@pytest.mark.parametrize("term", ["Kestral", "the owl", "!!!", "est"])
def test_terms_that_are_not_in_the_reference_are_named(term):
    data = dataset([{"utt_id": "a", "text": "the kestrel"}], present(a=["Kestrel", term]))
    with pytest.raises(InvalidInput, match=f"1 term is listed as present.*{term!r} in a"):
        score(heard(a="kestrel"), data, unit="term")


def test_a_term_counts_only_where_every_wording_has_it():
    rows = [{"utt_id": "a", "alternative": n, "text": t} for n, t in enumerate(["Kim met Ann", "Kim met her"])]
    data = dataset(rows, [{"utt_id": None, "term": t, "role": "present"} for t in ("kim", "ann")])
    assert score(heard(a="kim met ann"), data, unit="term")["ref_len"].tolist() == [1]


@pytest.mark.parametrize("unit", ["term", "word"])
def test_what_is_no_executor_is_refused(unit):
    with pytest.raises(InvalidInput, match=r"executor= takes an executor of concurrent\.futures.* not 4"):
        score(heard(a="x"), dataset([{"utt_id": "a", "text": "x"}], present(a=["x"])), unit=unit, executor=4)


def test_an_utterance_without_terms_is_not_missed():
    data = dataset([{"utt_id": u, "text": t} for u, t in (("a", "kestrel"), ("b", "sparrow"))], present(a=["kestrel"]))
    assert score(heard(a="kestrel"), data, unit="term")["utt_id"].tolist() == ["a"]
    with pytest.raises(InvalidInput, match="1 of 1 answers are not there to mark: 1 missing"):
        score(heard(b="sparrow"), data, unit="term")
