"""B-WER and U-WER: worked by hand, and beside the definition written out plainly."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.scoring.terms.biasing import bias_scores
from asrlab.scoring.terms.tracing import DEL, INS, SUB, steps

COUNTS = ["hits", "subs", "dels", "ins", "ref_len"]


def texts(*rows):
    return pd.DataFrame(rows, columns=["utt_id", "text"])


def listed(*rows):
    return pd.DataFrame(rows, columns=["utt_id", "term", "role"])


def counts(scores):
    assert (scores["hits"] + scores["subs"] + scores["dels"] == scores["ref_len"]).all()
    assert (scores["hits"] + scores["subs"] + scores["ins"] == scores["hyp_len"]).all()
    return {unit: tuple(map(int, row)) for unit, *row in scores[["unit", *COUNTS]].itertuples(index=False)}


def of(ref, hyp, *terms, **options):
    return counts(bias_scores(texts(("a", hyp)), texts(("a", ref)), terms=listed(*terms), **options))


def test_each_error_is_of_the_reference_word_and_an_insertion_of_the_inserted_word():
    terms = [("a", "orrin", "present"), ("a", "tallis", "present"), ("a", "quill", "distractor")]
    found = of("orrin gave tallis a red lamp", "orin gave a red quill orrin lamp", *terms)
    # orrin/orin is a listed substitution, tallis a listed deletion; of the two inserted words one is listed.
    assert found == {
        "listed word": (0, 1, 1, 1, 2),
        "unlisted word": (4, 0, 0, 1, 4),
        "distractor": (6, 0, 0, 1, 6),
    }


def test_terms_of_another_utterance_are_not_listed():
    said = texts(("a", "orrin waved"), ("b", "orrin slept"))
    heard = texts(("a", "orin waved"), ("b", "orin slept"))
    found = bias_scores(heard, said, terms=listed(("a", "orrin", "present")))
    assert found[["utt_id", "unit", *COUNTS]].to_numpy().tolist() == [
        ["a", "listed word", 0, 1, 0, 0, 1],
        ["a", "unlisted word", 1, 0, 0, 0, 1],
        ["b", "unlisted word", 1, 1, 0, 0, 2],
    ]


def test_the_reference_decides_where_there_is_no_role_or_no_utterance():
    terms = [("a", "orrin", None), ("a", "quill", None), (None, "lamp", "present"), (None, "zest", "present")]
    found = of("orrin lit a lamp", "orrin lit a quill zest lamp", *terms)
    # zest is said to be present somewhere: here it is neither listed nor a distractor.
    assert found == {"listed word": (2, 0, 0, 0, 2), "unlisted word": (2, 0, 0, 2, 2), "distractor": (4, 0, 0, 1, 4)}


def test_distractors_are_counted_once_however_often_and_not_where_the_reference_has_them():
    terms = [("a", "quill", "distractor"), ("a", "amber", "distractor"), ("a", "lamp", "distractor")]
    assert of("the lamp fell", "quill lamp quill", *terms)["distractor"] == (3, 0, 0, 1, 3)


def test_all_words_of_a_longer_term_are_listed():
    terms = [("a", "port arden light", "present"), ("a", "arden", "present")]
    found = of("to port arden light by arden", "to port light by arden port arden light", *terms)
    # What is inserted at the end spells the term as a whole, and so is listed.
    assert found == {"listed word": (3, 0, 1, 3, 4), "unlisted word": (2, 0, 0, 0, 2)}
    assert of("to port arden light", "to port arden light port", terms[0])["unlisted word"] == (1, 0, 0, 1, 1)


def test_chinese_terms_are_runs_of_characters():
    found = of("请联系陈溪经理", "请联系程溪经理陈溪", ("a", "陈溪", "present"), language="zh")
    assert found == {"listed char": (1, 1, 0, 2, 2), "unlisted char": (5, 0, 0, 0, 5)}


def test_both_together_are_all_words():
    said = texts(("a", "orrin gave tallis a red lamp"), ("b", "and then she left"), ("c", ""))
    heard = texts(("a", "orin gave a red quill orrin lamp"), ("b", "then shall she live"), ("c", "hum"))
    found = bias_scores(heard, said, terms=listed(("a", "orrin", "present")))
    whole = lab.score(heard, said, ties="sclite")
    assert found.groupby("utt_id")[COUNTS].sum().to_numpy().tolist() == whole[COUNTS].to_numpy().tolist()


def test_terms_are_normalised_as_texts_are():
    found = of(
        "Orrin's lamp, Mr Tallis!", "orrin's lamp mr talis", ("a", "ORRIN'S", "present"), ("a", "Tallis", "present")
    )
    assert found["listed word"] == (1, 1, 0, 0, 2)


def test_answers_that_are_not_there_are_not_empty_ones():
    said = texts(("a", "orrin waved"), ("b", "orrin slept"))
    heard = texts(("a", None), ("b", "orrin slept"))
    terms = listed((None, "orrin", "present"), (None, "quill", "distractor"))
    with pytest.raises(InvalidInput, match="not there to mark"):
        bias_scores(heard, said, terms=terms)
    dropped = bias_scores(heard, said, terms=terms, missing="drop").set_index(["utt_id", "unit"])
    assert dropped.loc["a", "ref_len"].isna().all()
    assert set(dropped.loc["a"].index) == {"listed word", "unlisted word", "distractor"}
    deleted = bias_scores(heard, said, terms=terms, missing="all-deleted").set_index(["utt_id", "unit"])
    assert deleted.loc[("a", "listed word"), COUNTS].tolist() == [0, 0, 1, 0, 1]
    assert deleted.loc[("a", "distractor"), COUNTS].isna().all()


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (listed(("a", "quill", "present")), "'quill' in a"),
        (listed(("a", "quill", "rare")), "'rare'"),
        (listed(), "no terms"),
        (listed(("a", None, "present")), "no terms"),
        (pd.DataFrame({"term": ["quill"]}), "utt_id"),
    ],
)
def test_tables_that_cannot_be_meant_are_refused(terms, said):
    with pytest.raises(InvalidInput, match=said):
        bias_scores(texts(("a", "orrin waved")), texts(("a", "orrin waved")), terms=terms)


def test_scores_go_through_summaries_and_comparisons():
    said = texts(*((f"u{n}", f"orrin met tallis {n} times") for n in range(8)))
    heard = pd.concat(
        [
            texts(*((f"u{n}", f"orrin met {name} {n} times") for n in range(8))).assign(condition=name, context=name)
            for name in ("talis", "tallis")
        ]
    )
    found = bias_scores(heard, said, terms=listed((None, "tallis", "present")))
    rates = lab.summarize(found, by=["context", "unit"]).set_index(["context", "unit"])["rate"]
    assert rates.to_dict() == {
        ("talis", "listed word"): 1.0,
        ("talis", "unlisted word"): 0.0,
        ("tallis", "listed word"): 0.0,
        ("tallis", "unlisted word"): 0.0,
    }


def plain(ref, hyp, sub, gap):
    """The published scorer's rule, cell by cell: a pair unless an insertion, or then a deletion, is cheaper."""
    cost, came = {(0, 0): 0}, {}
    for i in range(len(ref) + 1):
        for j in range(len(hyp) + 1):
            ways = []
            if i and j:
                ways.append((cost[i - 1, j - 1] + (ref[i - 1] != hyp[j - 1]) * sub, 0, (i - 1, j - 1)))
            if j:
                ways.append((cost[i, j - 1] + gap, 1, (i, j - 1)))
            if i:
                ways.append((cost[i - 1, j] + gap, 2, (i - 1, j)))
            if ways:
                cost[i, j], way, before = min(ways)
                came[i, j] = way, before
    found, at = [], (len(ref), len(hyp))
    while at != (0, 0):
        way, before = came[at]
        if way or ref[before[0]] != hyp[before[1]]:
            found.append(((SUB, INS, DEL)[way], *before))
        at = before
    return found[::-1]


@given(st.text("abcd", max_size=9), st.text("abcde", max_size=9), st.sampled_from([(4, 3), (1, 1)]))
@settings(max_examples=200, deadline=None)
def test_steps_are_those_of_the_rule(ref, hyp, costs):
    sub, gap = costs
    assert steps(ref, hyp, sub=sub, gap=gap) == plain(ref, hyp, sub, gap)


@given(
    st.lists(
        st.tuples(st.text("abcd", max_size=12), st.text("abcde", max_size=12), st.sets(st.sampled_from("abcde"))),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=15, deadline=None)
def test_counts_are_those_of_the_rule(rows):
    said = texts(*((f"u{n}", " ".join(ref)) for n, (ref, _, _) in enumerate(rows)))
    heard = texts(*((f"u{n}", " ".join(hyp)) for n, (_, hyp, _) in enumerate(rows)))
    terms = [(f"u{n}", term, "present") for n, (ref, _, wanted) in enumerate(rows) for term in sorted({*ref} & wanted)]
    found = bias_scores(heard, said, terms=listed(*terms, (None, "q", "present")), normalizer="none", unit="word")
    for n, (ref, hyp, wanted) in enumerate(rows):
        expected = {True: [0, 0, 0, 0], False: [0, 0, 0, 0]}
        wanted &= {*ref}
        for unit in ref:
            expected[unit in wanted][0] += 1
        for kind, i, j in plain(ref, hyp, 4, 3):
            where = (hyp[j] if kind == INS else ref[i]) in wanted
            expected[where][kind] += 1
            expected[where][0] -= kind != INS
        mine = found[found["utt_id"] == f"u{n}"].set_index("unit")[["hits", "subs", "dels", "ins"]]
        assert mine.loc["unlisted word"].tolist() == expected[False]
        assert ("listed word" in mine.index) == bool(wanted)
        if wanted:
            assert mine.loc["listed word"].tolist() == expected[True]


def test_cost_alone_decides_also_against_fewer_errors():
    """By sclite's costs, a hit with two words deleted and two inserted is worth three substitutions."""
    ref, hyp = "abababaabbba", "adaaheegaae"
    assert len(plain(ref, hyp, 4, 3)) == 10
    found = of(" ".join(ref), " ".join(hyp), (None, "q", "present"), normalizer="none", unit="word")
    assert sum(found["unlisted word"][1:4]) == 10
