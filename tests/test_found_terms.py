"""Found terms: what became of each listed term, held against alignments that are all gone through."""

from __future__ import annotations

import random
import time
import warnings
from functools import cache
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from asrlab.errors import InvalidInput
from asrlab.scoring import paths, score
from asrlab.scoring.terms import bias_scores, found, scores
from asrlab.scoring.terms.looking import NEAR_ENOUGH
from asrlab.scoring.terms.places import runs, term_list

KINDS = ["hit", "near miss", "missed", "false", "distractor"]
COUNTS = ["hits", "subs", "dels", "ins", "ref_len", "hyp_len"]


def seen(ref, hyp, terms, **options):
    """Kind, term, and the words on either side of each occurrence."""
    table = found([hyp], [ref], terms=terms, **options)
    return [tuple(None if pd.isna(x) else x for x in row) for row in table[["kind", "term", "ref", "hyp"]].to_numpy()]


def kinds(ref, hyp, terms, **options):
    return [row[:2] for row in seen(ref, hyp, terms, **options)]


def counted(table, unit):
    return table.loc[table["unit"] == unit, COUNTS].to_numpy(dtype=object).tolist()


def test_worked_example():
    ref, hyp = "call doctor nguyen about the invoice", "call doctor win about invoice nguyen"
    assert seen(ref, hyp, ["nguyen", "invoice"]) == [
        ("missed", "nguyen", "nguyen", "win"),
        ("hit", "invoice", "invoice", "invoice"),
        ("false", "nguyen", None, "nguyen"),
    ]
    table = scores([hyp], [ref], terms=["nguyen", "invoice"])
    # Aligned, precision = recall = F1 = .5; as bags, all would be 1.
    assert counted(table, "term") == [[1, 0, 1, 0, 2, 1]]
    assert counted(table, "heard term") == [[1, 1, 0, 0, 2, 2]]
    assert counted(table, "false term") == [[6, 0, 0, 1, 6, 7]]
    assert counted(table, "distractor") == [[6, 0, 0, 0, 6, 6]]
    data = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ["a"]}),
        references=pd.DataFrame({"utt_id": ["a"], "text": [ref]}),
        terms=pd.DataFrame({"utt_id": "a", "term": ["nguyen", "invoice"], "role": "present"}),
    )
    bag = score(pd.DataFrame({"utt_id": ["a"], "text": [hyp]}), data, unit="term")
    assert bag["hits"].tolist() == [2]


#: What it shows, reference, transcript, terms, and what becomes of them.
BY_HAND = [
    ("said twice, heard once", "kim and kim left", "kim left", ["Kim"], [("missed", "Kim"), ("hit", "Kim")]),
    ("heard twice", "kim left", "kim kim left", ["Kim"], [("hit", "Kim"), ("false", "Kim")]),
    (
        "heard elsewhere",
        "kim met ann in the end of may",
        "she met ann in the end of kim",
        ["Kim"],
        [("missed", "Kim"), ("false", "Kim")],
    ),
    ("never said", "we met her", "we met kim", ["Kim", "Ann"], [("distractor", "Kim")]),
    ("a word twice before it", "in new york now", "in new new york now", ["New York"], [("hit", "New York")]),
    ("a word twice after it", "in new york now", "in new york york now", ["New York"], [("hit", "New York")]),
    ("a word inserted", "in new york now", "in new uh york now", ["New York"], [("near miss", "New York")]),
    ("a word deleted", "in new york now", "in york now", ["New York"], [("near miss", "New York")]),
    ("deleted", "in new york now", "in now", ["New York"], [("missed", "New York")]),
    ("joined", "in new york now", "in newyork now", ["New York"], [("near miss", "New York")]),
    ("split", "the kestrel flew", "the kes trel flew", ["kestrel"], [("near miss", "kestrel")]),
    ("twice", "new york new york", "new york", ["New York"], [("missed", "New York"), ("hit", "New York")]),
    ("possessive", "call nguyen's office", "call nguyen's office", ["Nguyen"], [("hit", "Nguyen")]),
    ("without it", "call nguyen's office", "call nguyen office", ["Nguyen"], [("hit", "Nguyen")]),
    ("with it", "call nguyen office", "call Nguyen’s office", ["Nguyen"], [("hit", "Nguyen")]),
    (
        "both listed",
        "call nguyen's office",
        "call nguyen office",
        ["Nguyen", "Nguyen's"],
        [("near miss", "Nguyen's"), ("distractor", "Nguyen")],
    ),
    ("longest", "in new york now", "in new york now", ["York", "New York"], [("hit", "New York")]),
    ("a part of it", "in new york now", "in york now", ["York", "New York"], [("near miss", "New York")]),
    (
        "more than it",
        "in york now",
        "in new york now",
        ["York", "New York"],
        [("near miss", "York"), ("distractor", "New York")],
    ),
    ("one place aside", "ask doctor kim now", "ask kim win now", ["Kim"], [("hit", "Kim")]),
    ("four aside", "a b c d kim", "kim v w x y", ["Kim"], [("missed", "Kim"), ("false", "Kim")]),
    ("longest of two", "a new york", "a new york", ["New", "New York"], [("hit", "New York")]),
    ("whole words", "annual", "ann you all", ["Ann"], [("distractor", "Ann")]),
    ("nothing said", "", "kim", ["Kim"], [("distractor", "Kim")]),
    ("nothing heard", "kim", "", ["Kim"], [("missed", "Kim")]),
    ("nothing at all", "", "", ["Kim"], []),
    ("spellings that are one", "Kim!", "kim?", ["KIM", "Kim", "!!!"], [("hit", "KIM")]),
]
#: Language, reference, transcript, terms, and what becomes of them.
IN_ANY_SCRIPT = [
    ("zh", "他去臺灣找卡斯特里", "他去台湾找卡斯特利", ["台湾", "卡斯特里"], ["hit", "near miss"]),
    ("zh", "他去找王芳", "王芳他去找", ["王芳"], ["missed", "false"]),
    ("zh", "我们用Ceph专家版", "我们用 ceph 专家版", ["Ceph 专家版"], ["hit"]),
    ("zh", "今天开会", "今天开会张伟", ["张伟"], ["distractor"]),
    ("ja", "明日東京で会いましょう", "明日京都で会いましょう", ["東京", "京都"], ["missed", "distractor"]),
    ("th", "ผมไปเชียงใหม่กับสมชาย", "ผมไปเชียงใหม่กับสมชัย", ["เชียงใหม่", "สมชาย"], ["hit", "near miss"]),
    ("ru", "позовите Петрова сюда", "позовите петров сюда", ["Петрова"], ["near miss"]),
    ("ar", "زرت الرباط أمس", "زرت الرباط امس", ["الرباط"], ["hit"]),
    ("de", "Frau Müller-Lüdenscheidt kam", "frau müller lüdenscheid kam", ["Müller-Lüdenscheidt"], ["near miss"]),
    ("hi", "मैं दिल्ली गया", "मैं दिल्ली गया", ["दिल्ली"], ["hit"]),
]


def all_at_once(cases, languages):
    """What is found in each case, each an utterance with terms of its own, in one call."""
    ids = [f"u{n}" for n in range(len(cases))]
    refs, hyps, lists = ([case[k] for case in cases] for k in (1, 2, 3))
    terms = [(utt_id, term) for utt_id, listed in zip(ids, lists, strict=True) for term in listed]
    table = found(
        pd.DataFrame({"utt_id": ids, "text": hyps}),
        pd.DataFrame({"utt_id": ids, "text": refs, "language": languages}),
        terms=pd.DataFrame(terms, columns=["utt_id", "term"]),
    )
    pairs = [(utt_id, (kind, term)) for utt_id, kind, term in table[["utt_id", "kind", "term"]].to_numpy().tolist()]
    return [[pair for of, pair in pairs if of == utt_id] for utt_id in ids]


def test_cases_by_hand():
    made = all_at_once(BY_HAND, "en")
    assert {case[0]: some for case, some in zip(BY_HAND, made, strict=True)} == {case[0]: case[4] for case in BY_HAND}


def test_any_script():
    made = all_at_once(IN_ANY_SCRIPT, [case[0] for case in IN_ANY_SCRIPT])
    assert [[kind for kind, _ in some] for some in made] == [case[4] for case in IN_ANY_SCRIPT]


def test_mixed_speech():
    assert kinds("我想喝latte今天", "我想喝辣椒今天", ["latte", "辣椒"], unit="mixed") == [
        ("missed", "latte"),
        ("distractor", "辣椒"),
    ]


def test_places_and_what_stands_there():
    table = found(["we saw castrel in yorkshire"], ["we saw the kestrel in new york"], terms=["Kestrel", "New York"])
    shown = table[["ref_begin", "ref_end", "hyp_begin", "hyp_end", "ref", "hyp"]].to_numpy().tolist()
    assert shown == [[3, 4, 2, 3, "kestrel", "castrel"], [5, 7, 4, 5, "new york", "yorkshire"]]
    assert table["kind"].tolist() == ["near miss", "missed"]
    assert table["likeness"].iloc[0] >= NEAR_ENOUGH > table["likeness"].iloc[1]
    assert table["role"].tolist() == ["present", "present"]


def test_variants_are_the_term():
    options = {"variants": [["Dr", "Doctor"]]}
    assert kinds("ask doctor kim now", "ask dr kim now", ["Doctor Kim"], **options) == [("hit", "Doctor Kim")]
    assert kinds("ask her now", "ask dr kim now", ["Doctor Kim"], **options) == [("distractor", "Doctor Kim")]


# --- an oracle: all alignments of least cost


def alignments(ref, hyp):
    """All alignments of least cost, each as the set of borders (i, j) that it goes through."""

    @cache
    def cost(i, j):
        if i == 0 or j == 0:
            return 3 * (i + j)
        return min(cost(i - 1, j) + 3, cost(i, j - 1) + 3, cost(i - 1, j - 1) + 4 * (ref[i - 1] != hyp[j - 1]))

    errors = {}

    def ways(i, j):
        if (i, j) == (0, 0):
            yield frozenset({(0, 0)}), 0
            return
        steps = [(i - 1, j, 3), (i, j - 1, 3)]
        if i and j:
            steps.append((i - 1, j - 1, 4 * (ref[i - 1] != hyp[j - 1])))
        for k, m, more in steps:
            if k >= 0 and m >= 0 and cost(k, m) + more == cost(i, j):
                for way, wrong in ways(k, m):
                    yield way | {(i, j)}, wrong + (more > 0)

    for way, wrong in ways(len(ref), len(hyp)):
        errors.setdefault(wrong, []).append(way)
    return errors[min(errors)]  # of equal costs those with the fewest errors, as sclite's


def by_brute_force(ref, hyp, terms):
    """The most runs that an alignment sets against each other: hits, and runs heard where they were said."""
    listed = term_list({term: term for term in terms})
    said, heard = runs(ref, listed), runs(hyp, listed)
    best = (-1, 0, 0)
    for way in alignments(ref, hyp):
        hits = sum(
            any({(a, c), (b, d)} <= way for (c, d), other in heard.counted if other == name)
            for (a, b), name in said.counted
        )
        right = sum(any({(a, c), (b, d)} <= way for a, b in said.of.get(name, ())) for (c, d), name in heard.counted)
        best = max(best, (hits + right, hits, right))
    return best[0], len(said.counted), len(heard.counted)


def found_in(pairs, terms):
    """Hits and other kinds in each of many pairs of texts, of one character a unit."""
    refs, hyps = zip(*pairs, strict=True)
    table = found(list(hyps), list(refs), terms=list(terms), unit="char", normalizer="none")
    many = table.groupby(["utt_id", "kind"]).size().unstack(fill_value=0)
    return many.reindex(columns=KINDS, fill_value=0).reindex(map(str, range(len(pairs))), fill_value=0)


def drawn(signs, longest, n, seed):
    rng = random.Random(seed)
    text = lambda: "".join(rng.choices(signs, k=rng.randint(0, longest)))  # noqa: E731
    return [(text(), text()) for _ in range(n)]


@pytest.mark.parametrize(("terms", "overlap"), [(["a", "bc"], 0), (["ab"], 0), (["a", "b"], 0), (["a", "ab", "bc"], 1)])
def test_what_is_found_is_the_most_that_an_alignment_of_least_cost_has(terms, overlap):
    pairs = [("abab", "ab"), ("xab", "abx"), *drawn("abcx", 6, 300, seed=len("".join(terms)))]
    made = found_in(pairs, terms)
    short = 0
    for (ref, hyp), (hits, near, missed, false, distractors) in zip(pairs, made.to_numpy().tolist(), strict=True):
        best, said, heard = by_brute_force(ref, hyp, terms)
        assert hits + near + missed == said, (ref, hyp)
        right = heard - false - distractors
        assert best - overlap <= hits + right <= best, (ref, hyp)
        short += best - hits - right
        if not overlap:
            assert right == hits, (ref, hyp)  # no term is a part of another
    assert short <= overlap * len(pairs) // 50


def test_a_place_in_the_transcript_counts_once():
    table = scores(["i like new york"], ["i like york"], terms=["York", "New York"])
    assert counted(table, "term") == [[0, 0, 1, 0, 1, 0]]
    assert counted(table, "heard term") == [[0, 1, 0, 0, 1, 1]]
    heard = scores(["ab" * 3, "abab"], ["b" * 4, "abb"], terms=["b", "ab"], unit="char", normalizer="none")
    assert heard.loc[heard["unit"] == "heard term", "ref_len"].tolist() == [3, 2]


def test_what_is_heard_as_it_was_said_is_right():
    pairs = [(ref, ref) for ref, _ in drawn("abx", 8, 200, seed=1)]
    assert not found_in(pairs, ["a", "ab"])[["near miss", "missed", "false", "distractor"]].any(axis=None)


def test_longest_first_by_brute_force():
    names = {"a": "A", "ab": "B", "bca": "C", "cab": "D"}
    listed = term_list(names)
    for text in map("".join, product("abc", repeat=6)):
        left, expected = list(text), []
        for way in sorted(names, key=len, reverse=True):
            of_length = [one for one in names if len(one) == len(way)]
            for at in range(len(text)):
                for one in of_length:
                    if "".join(left[at : at + len(one)]) == one:
                        left[at : at + len(one)] = "." * len(one)
                        expected.append(((at, at + len(one)), names[one]))
        assert runs(text, listed).counted == sorted(expected)


# --- lists, settings and tables


def asked(**contexts):
    rows = [(utt, setting, text) for utt, of in contexts.items() for setting, text in of.items()]
    return pd.DataFrame(rows, columns=["utt_id", "condition", "context"]).astype("string")


def test_the_list_is_that_of_all_contexts_under_every_setting():
    parameters = asked(a={"none": None, "list": "Kim, Ann"}, b={"none": None, "list": "Bob"})
    answers = pd.DataFrame({"utt_id": list("aabb"), "condition": ["none", "list"] * 2})
    answers["text"] = ["tim met her", "kim met ann", "bob came", "bob kim came"]
    references = pd.DataFrame({"utt_id": list("ab"), "text": ["kim met her", "bob came"]})
    table = scores(answers, references, parameters=parameters)
    terms = table[table["unit"] == "term"]
    assert terms[["utt_id", "condition", "hits", "dels"]].to_numpy().tolist() == [
        ["a", "none", 0, 1],
        ["a", "list", 1, 0],
        ["b", "none", 1, 0],
        ["b", "list", 1, 0],
    ]
    assert counted(table, "distractor")[1] == [3, 0, 0, 1, 3, 4]
    # Kim is on the list of another recording only.
    assert counted(table, "distractor")[3] == [2, 0, 0, 0, 2, 2]
    # With some of the answers the yardstick is the same.
    alone = scores(answers[answers["condition"] == "none"], references, parameters=parameters)
    assert counted(alone, "term") == [[0, 0, 1, 0, 1, 0], [1, 0, 0, 0, 1, 1]]


def test_terms_of_the_dataset_and_of_contexts_are_one_list():
    data = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ["a"], "speaker": ["s"]}),
        references=pd.DataFrame({"utt_id": ["a"], "text": ["Kim met Ann"]}),
        terms=pd.DataFrame(
            {"utt_id": ["a", None, None], "term": ["Kim", "Ann", "Bob"], "role": ["present", "present", "distractor"]}
        ),
    )
    answers = pd.DataFrame({"utt_id": ["a"], "condition": ["c"], "text": ["kim met bob zoe"]})
    with pytest.warns(UserWarning, match="No reference has any of the terms that the contexts name; 'Zoe'"):
        table = found(answers, data, parameters=asked(a={"c": "Zoe"}))
    assert table[["kind", "term", "role"]].to_numpy().tolist() == [
        ["hit", "Kim", "present"],
        ["missed", "Ann", "present"],
        ["distractor", "Bob", "distractor"],
        ["distractor", "Zoe", "distractor"],
    ]
    own = found(answers, data, terms=["met"])
    assert own["term"].tolist() == ["met"]


@pytest.mark.parametrize("term", ["Kestral", "!!!", "est"])
def test_own_terms_that_are_not_in_the_reference_are_named(term):
    table = pd.DataFrame({"utt_id": ["a"], "term": [term], "role": ["present"]})
    references = pd.DataFrame({"utt_id": ["a"], "text": ["the kestrel"]})
    answers = pd.DataFrame({"utt_id": ["a"], "text": ["the kestrel"]})
    with pytest.raises(InvalidInput, match=f"1 term is listed as present.*{term!r} in a"):
        found(answers, references, terms=table)
    assert found(answers, references, terms=table.assign(role=pd.NA)).empty


def test_failed_trials_are_not_empty_answers():
    answers = pd.DataFrame({"utt_id": list("ab"), "text": ["kim came", None], "state": ["answered", "failed"]})
    references = pd.DataFrame({"utt_id": list("ab"), "text": ["kim came", "kim left"]})
    with pytest.raises(InvalidInput, match="1 of 2 answers are not there"):
        scores(answers, references, terms=["Kim"])
    dropped = scores(answers, references, terms=["Kim"], missing="drop")
    assert dropped[dropped["utt_id"] == "b"][COUNTS].isna().all(axis=None)
    assert dropped["unit"].nunique() >= 5
    deleted = scores(answers, references, terms=["Kim"], missing="all-deleted")
    assert counted(deleted, "term")[1] == [0, 0, 1, 0, 1, 0]
    assert deleted.loc[(deleted["utt_id"] == "b") & (deleted["unit"] == "distractor"), "ins"].isna().all()
    assert found(answers, references, terms=["Kim"], missing="drop")["utt_id"].tolist() == ["a"]


def test_utterances_without_terms_have_words_only():
    table = pd.DataFrame({"utt_id": ["a"], "term": ["Kim"]})
    references = pd.DataFrame({"utt_id": list("ab"), "text": ["kim came", "kim left"]})
    answers = pd.DataFrame({"utt_id": list("ab"), "text": ["kim came", "kim left"]})
    made = scores(answers, references, terms=table)
    assert made.groupby("unit")["utt_id"].agg(list).to_dict()["term"] == ["a"]
    assert made.loc[made["unit"] == "word", "utt_id"].tolist() == ["a", "b"]


def test_words_are_those_of_score():
    answers, references = ["kim came home", "a b"], ["kim came", "a c"]
    words = scores(answers, references, terms=["Kim"])
    words = words[words["unit"] == "word"].reset_index(drop=True)
    pd.testing.assert_frame_equal(words, score(answers, references))


def test_forms_channels_and_axes_are_kept():
    references = pd.DataFrame(
        [("a", 0, "spoken", "kim and ann"), ("a", 0, "written", "Kim & Ann"), ("a", 1, "spoken", "bob")],
        columns=["utt_id", "channel", "form", "text"],
    )
    answers = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["kim ann", "bob"], "itn": "on"})
    table = found(answers, references, terms=["Kim", "Bob"], form="best")
    assert table[["channel", "term", "itn", "marked_form"]].to_numpy().tolist() == [
        [0, "Kim", "on", "written"],
        [1, "Bob", "on", "spoken"],
    ]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "There are no terms to look for. The dataset lists none"),
        ({"terms": "Kim"}, "takes a list of terms or a table, not the text 'Kim'"),
        ({"terms": ["Kim", None]}, "takes texts, and one is None"),
        ({"terms": pd.DataFrame({"term": ["Kim"], "role": ["Present"]})}, "'Kim' has 'Present'"),
        ({"terms": pd.DataFrame({"word": ["Kim"]})}, "needs the column term"),
        ({"terms": ["Kim"], "unit": "term"}, "no way to cut a text"),
        ({"parameters": pd.DataFrame({"utt_id": ["0"], "context": ["Kim"]})}, "give the transcripts as a table"),
        ({"terms": ["Kim"], "ties": "mine"}, "ties must be one of"),
    ],
)
def test_what_cannot_be_done_is_said(options, match):
    with pytest.raises(InvalidInput, match=match):
        found(["kim"], ["kim"], **options)


def test_an_axis_with_the_name_of_a_column_is_refused():
    answers = pd.DataFrame({"utt_id": ["a"], "text": ["kim"], "role": ["x"]})
    with pytest.raises(InvalidInput, match="makes a column 'role' itself"):
        found(answers, pd.DataFrame({"utt_id": ["a"], "text": ["kim"]}), terms=["Kim"])


def test_no_answers_make_an_empty_table():
    none = pd.DataFrame({"utt_id": [], "text": []}).astype("string")
    references = pd.DataFrame({"utt_id": ["a"], "text": ["kim"]})
    assert found(none, references, terms=["Kim"], missing="drop").empty
    table = scores(none, references, terms=["Kim"], missing="drop")
    assert table["state"].unique().tolist() == ["missing"]


def test_a_loop_of_a_term_does_not_take_for_ever():
    said = "kim " * 3 + "and so on"
    table = found(["kim " * 400], [said], terms=["Kim"])
    assert table["kind"].value_counts().to_dict() == {"false": 397, "hit": 3}


def test_many_loops_do_not_either():
    heard = [f"{'kim x ' * 800}{n}" for n in range(10)]
    began = time.process_time()
    table = found(heard, ["kim a kim b kim c and so on"] * 10, terms=["Kim"])
    assert time.process_time() - began < 3
    assert table["kind"].value_counts().to_dict() == {"false": 7970, "hit": 30}


def test_of_equal_costs_the_fewest_errors_go_before_terms():
    # One alignment of cost 24 sets "c" against "c": with eight errors, and there is one of six.
    ref, hyp = "cbyycx", "zdcaaa"
    assert found_in([(ref, hyp)], ["c"]).to_numpy().tolist() == [[0, 0, 2, 1, 0]]
    assert by_brute_force(ref, hyp, ["c"])[0] == 0


def test_texts_that_are_too_long_are_said(monkeypatch):
    monkeypatch.setattr(paths, "_MOST_CELLS", 20)
    with pytest.raises(InvalidInput, match=r"whatever ties= is.* 4 units of the reference and 5 of the transcript"):
        found(["ask kim win now z"], ["ask doctor kim now"], terms=["Kim"])


def test_one_call_of_many_is_that_of_each():
    texts = [("kim met ann", "kim met an"), ("ann left kim", "left ann kim"), ("kim", "kim kim")]
    together = found([h for _, h in texts], [r for r, _ in texts], terms=["Kim", "Ann"])
    alone = [found([h], [r], terms=["Kim", "Ann"]) for r, h in texts]
    shown = ["kind", "term", "ref", "hyp", "ref_begin", "hyp_begin", "likeness"]
    pd.testing.assert_frame_equal(together[shown], pd.concat(alone, ignore_index=True)[shown])


def test_leaks_are_told_of_each_answer():
    context = "Kestrel, Ostrava, Van Houten, cleanroom"
    parameters = asked(a={"none": None, "list": context}, b={"none": None, "list": context})
    answers = pd.DataFrame({"utt_id": list("aabb"), "condition": ["none", "list"] * 2})
    answers["text"] = ["we meet at nine", "Kestrel, Ostrava, Van Houten. We meet at nine", "see you then", None]
    references = pd.DataFrame({"utt_id": list("ab"), "text": ["we meet at nine", "see you then"]})
    with pytest.warns(UserWarning, match="No reference has any"):
        table = scores(answers, references, parameters=parameters, missing="drop")
    leak = table[table["unit"] == "leak"]
    assert leak[["utt_id", "condition", "hits", "subs"]].astype(object).fillna("-").to_numpy().tolist() == [
        ["a", "none", 1, 0],
        ["a", "list", 0, 1],
        ["b", "none", 1, 0],
        ["b", "list", "-", "-"],
    ]
    distractors = table.loc[table["unit"] == "distractor", "ins"].astype(object).fillna("-").tolist()
    assert distractors == [0, 3, 0, "-"]


def test_listed_words_are_those_that_were_said():
    table = scores(
        ["call doctor win about invoice nguyen"],
        ["call doctor nguyen about the invoice"],
        terms=["nguyen", "invoice", "kestrel"],
    )
    assert counted(table, "listed word") == [[1, 1, 0, 1, 2, 3]]
    assert counted(table, "unlisted word") == [[3, 0, 1, 0, 4, 3]]
    assert "listed word" not in scores(["a b"], ["a b"], terms=["kestrel"])["unit"].tolist()


def test_a_possessive_is_a_listed_word_as_it_is_a_term():
    table = scores(["we saw nguyens car"], ["we saw nguyen's car"], terms=["Nguyen"], language="en")
    assert counted(table, "term") == [[0, 0, 1, 0, 1, 0]]
    assert counted(table, "listed word") == [[0, 1, 0, 0, 1, 1]]
    assert counted(table, "unlisted word") == [[3, 0, 0, 0, 3, 3]]
    inserted = scores(["nguyen's nguyen saw"], ["nguyen saw"], terms=["Nguyen"], language="en")
    assert counted(inserted, "listed word") == [[1, 0, 0, 1, 1, 2]]
    # The published scorer takes a term as it is spelled.
    terms = pd.DataFrame({"utt_id": ["0"], "term": ["Nguyen"], "role": [pd.NA]})
    published = bias_scores(["we saw nguyens car"], ["we saw nguyen's car"], terms=terms, language="en")
    assert counted(published, "unlisted word") == [[3, 1, 0, 0, 4, 4]]


def test_a_distractor_counts_once_an_answer_and_each_time_as_a_false_term():
    table = scores(["kim and kim and ann"], ["him and him and ann"], terms=["Kim", "Ann"])
    assert counted(table, "distractor") == [[5, 0, 0, 1, 5, 6]]
    assert counted(table, "false term") == [[5, 0, 0, 2, 5, 7]]
    assert counted(table, "heard term") == [[1, 2, 0, 0, 3, 3]]


def test_contexts_of_which_nothing_is_said_are_told():
    answers = pd.DataFrame({"utt_id": ["a"], "condition": ["c"], "text": ["kim came"]})
    references = pd.DataFrame({"utt_id": ["a"], "text": ["kim came"]})
    for make in (scores, found):
        with pytest.warns(UserWarning, match="'Kim Lee Bob' was read as 'Kim Lee Bob'.*terms=") as caught:
            make(answers, references, parameters=asked(a={"c": "Kim Lee Bob"}))
        assert [Path(one.filename).name for one in caught] == ["test_found_terms.py"]
    with pytest.warns(UserWarning, match="was read as no terms"):
        scores(answers, references, parameters=asked(a={"c": "[]"}), terms=["came"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores(answers, references, parameters=asked(a={"c": "KIM, Lee"}), terms=["kim"])
        scores(answers, references, parameters=asked(a={"c": "1. Kim\n2. Lee"}))


def test_parameters_that_name_trials_only():
    answers = pd.DataFrame({"trial": ["t1"], "utt_id": ["a"], "text": ["kim came"]})
    parameters = pd.DataFrame({"trial": ["t1"], "context": ["Kim, Ann"]})
    references = pd.DataFrame({"utt_id": ["a"], "text": ["ann came"]})
    assert found(answers, references, parameters=parameters)["term"].tolist() == ["Ann", "Kim"]
    with pytest.raises(InvalidInput, match="1 answers have no row in the parameters"):
        found(answers, references, parameters=parameters.assign(trial="t2"))
