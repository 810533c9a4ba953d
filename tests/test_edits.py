"""Edits: a row an error, the same errors as the counts, with the words they are about and when they were heard."""

from __future__ import annotations

import jiwer
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_marking import dataset, heard, said, two_channels

import asrlab as lab
from asrlab import tables
from asrlab.errors import InvalidInput
from asrlab.scoring.tokens import tokens

TEXT = st.lists(st.sampled_from(["a", "b", "kitten", "mitten"]), max_size=8).map(" ".join)


def plainly(edits, *columns):
    return edits[list(columns)].astype(object).where(edits[list(columns)].notna(), None).to_numpy().tolist()


def test_an_error_is_a_row_of_the_table():
    found = lab.edits(heard(a="the cat sit on mat today", b="x"), said(a="The cat sat on the mat.", b="x"))
    assert list(found.columns) == list(tables.SCHEMAS["edits"])
    assert found.dtypes.astype(str).to_dict() == {n: d for n, (d, _) in tables.SCHEMAS["edits"].items()}
    assert plainly(found, "utt_id", "kind", "ref", "hyp", "ref_pos", "hyp_pos") == [
        ["a", "sub", "sat", "sit", 2, 2],
        ["a", "sub", "the", "mat", 4, 4],
        ["a", "sub", "mat", "today", 5, 5],
    ]
    assert found[["unit", "normalizer", "ties", "condition"]].iloc[0].tolist() == [
        "word",
        "basic-2",
        "jiwer",
        "unnamed",
    ]


def test_hits_are_rows_on_request():
    found = lab.edits("b d e", "a b c e", hits=True)
    assert plainly(found, "kind", "ref", "hyp") == [
        ["del", "a", None],
        ["hit", "b", "b"],
        ["sub", "c", "d"],
        ["hit", "e", "e"],
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5), st.sampled_from(["jiwer", "sclite"]))
def test_rows_are_the_counts_and_spell_both_texts(pairs, ties):
    refs, hyps = [ref for ref, _ in pairs], [hyp for _, hyp in pairs]
    scores = lab.score(hyps, refs, ties=ties)
    found = lab.edits(hyps, refs, ties=ties, hits=True)
    for number, (ref, hyp) in enumerate(pairs):
        rows, row = found[found["utt_id"] == str(number)], scores.iloc[number]
        for kind, column in (("hit", "hits"), ("sub", "subs"), ("del", "dels"), ("ins", "ins")):
            assert (rows["kind"] == kind).sum() == row[column]
        assert rows["ref"].dropna().tolist() == tokens(ref, "word")
        assert rows["hyp"].dropna().tolist() == tokens(hyp, "word")
        align = lab.align(ref, hyp, unit="word", ties=ties)
        pd.testing.assert_frame_equal(
            align.table(), rows[["kind", "ref", "hyp", "ref_pos", "hyp_pos"]].reset_index(drop=True)
        )
    errors = lab.edits(hyps, refs, ties=ties)
    pd.testing.assert_frame_equal(errors, found[found["kind"] != "hit"].reset_index(drop=True))


def test_confusions_have_the_totals_of_jiwer():
    refs = ["the cat sat on the mat", "a long way home", "x"]
    hyps = ["the cat sit on mat today", "a wrong away home now", ""]
    theirs = jiwer.collect_error_counts(jiwer.process_words(refs, hyps))
    found = lab.edits(hyps, refs)["kind"].value_counts().to_dict()
    out = jiwer.process_words(refs, hyps)
    assert found == {"sub": out.substitutions, "ins": out.insertions, "del": out.deletions}
    assert len(theirs[0]) > 0


def test_axes_repeats_and_order_stay():
    frame = pd.DataFrame(
        {"utt_id": ["a", "a", "b"], "condition": ["1", "2", "1"], "repeat": [0, 0, 0], "itn": ["off", "on", "off"]}
    ).assign(text=["x z", "q", "y"])
    found = lab.edits(frame, said(a="x y", b="y"), missing="drop")
    assert plainly(found, "condition", "itn", "kind", "ref", "hyp") == [
        ["1", "off", "sub", "y", "z"],
        ["2", "on", "sub", "x", "q"],
        ["2", "on", "del", "y", None],
    ]


def test_the_wording_that_was_marked_is_the_one_that_is_aligned():
    data = dataset([{"utt_id": "a", "alternative": n, "text": t} for n, t in enumerate(["grey cat", "gray cat"])])
    assert plainly(lab.edits(heard(a="gray bat"), data), "ref", "hyp") == [["cat", "bat"]]


def test_trials_without_an_answer_have_rows_only_on_request():
    frame, data = heard(a="x", b=None), said(a="x", b="one two")
    with pytest.raises(InvalidInput, match="1 of 2 answers are not there"):
        lab.edits(frame, data)
    assert lab.edits(frame, data, missing="drop").empty
    assert plainly(lab.edits(frame, data, missing="all-deleted"), "kind", "ref", "ref_pos") == [
        ["del", "one", 0],
        ["del", "two", 1],
    ]


def test_terms_have_no_alignment():
    with pytest.raises(InvalidInput, match='unit="term" has no alignment'):
        lab.edits("a", "a", unit="term")


def test_units_are_characters_where_the_language_has_no_spaces():
    found = lab.edits(["我想喝辣椒"], ["我想喝latte"], language="zh", unit="mixed")
    assert found["kind"].value_counts().to_dict() == {"sub": 1, "ins": 1}
    thai = lab.edits(["น้ำเย็น"], ["น้ำแข็ง"], language="th")
    assert "น้ำ" not in thai["ref"].tolist()
    assert set(thai["ref"].dropna()) <= set(tokens("แข็ง", "char"))


@pytest.mark.parametrize("form", [None, "spoken", "best"])
def test_what_was_marked_against_is_named_as_in_scores(form):
    texts = [("spoken", 0, "twenty five"), ("spoken", 1, "five and twenty"), ("written", 0, "25")]
    said_as = [{"utt_id": u, "form": f, "alternative": n, "text": t} for u in "abc" for f, n, t in texts]
    data = dataset([row for row in said_as if form or row["form"] == "spoken"])
    frame = heard(a="twenty four", b="25 x", c="fine and twenty").assign(context=["p", "q", "r"])
    named = ["form", "alternative", *(["marked_form"] if form == "best" else [])]
    scores, found = lab.score(frame, data, form=form), lab.edits(frame, data, form=form, hits=True)
    pd.testing.assert_frame_equal(
        found[["utt_id", *named]].drop_duplicates(ignore_index=True), scores[["utt_id", *named]]
    )
    assert list(found.columns) == [*tables.SCHEMAS["edits"], "context", *named[2:]]
    assert scores["alternative"].tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["kind", "ref", "hyp", "ref_pos", "hyp_pos", "start_s", "end_s"])
def test_an_axis_must_not_have_the_name_of_a_column(name):
    frame = heard(a="x").assign(**{name: 7})
    with pytest.raises(InvalidInput, match=f"makes a column '{name}' itself.*Rename it there"):
        lab.edits(frame, said(a="y"))


@pytest.mark.parametrize("ties", ["jiwer", "sclite"])
def test_stretches_of_errors_end_with_their_pair(ties):
    refs, hyps = ["dog", "k at small", "small dog"], ["cat", "k mall", "mall"]
    together = lab.edits(hyps, refs, language="en", ties=ties)
    alone = [
        row
        for ref, hyp in zip(refs, hyps, strict=True)
        for row in plainly(lab.edits(hyp, ref, language="en", ties=ties), "kind", "ref", "hyp", "ref_pos", "hyp_pos")
    ]
    assert plainly(together, "kind", "ref", "hyp", "ref_pos", "hyp_pos") == alone
    assert plainly(together[together["utt_id"] == "1"], "kind", "ref", "hyp") == [
        ["del", "at", None],
        ["sub", "small", "mall"],
    ]


# When.


def times(*words, **columns):
    return pd.DataFrame([{"text": w, "start_s": s, "end_s": e} for w, s, e in words]).assign(**columns)


def test_errors_have_the_times_of_the_words():
    words = times(
        ("The", 0.0, 0.2), ("cat", 0.2, 0.6), ("sit,", 0.7, 1.0), ("really", 1.1, 1.4), ("on", 1.5, 1.6), utt_id="a"
    )
    found = lab.edits(heard(a="The cat sit, really on"), said(a="the cat sat on it"), words=words)
    assert plainly(found, "kind", "hyp", "start_s", "end_s") == [
        ["sub", "sit", 0.7, 1.0],
        ["ins", "really", 1.1, 1.4],
        ["del", None, 1.6, None],
    ]
    inside = lab.edits(
        heard(a="The cat on"), said(a="the cat sat on"), words=words[words["text"].isin(["The", "cat", "on"])]
    )
    assert plainly(inside, "kind", "ref", "start_s", "end_s") == [["del", "sat", 0.6, 1.5]]


def test_words_that_do_not_spell_the_text_give_no_time():
    words = times(("twenty", 0.0, 0.5), ("five", 0.5, 1.0), ("euros", 1.0, 1.5), utt_id="a")
    found = lab.edits(heard(a="25 euros"), said(a="26 pounds"), words=words)
    assert plainly(found, "hyp", "start_s", "end_s") == [["25", None, None], ["euros", 1.0, 1.5]]


def test_a_word_of_several_characters_times_each():
    words = times(("你好", 0.0, 0.5), ("吗", 0.5, 0.8), utt_id="a")
    found = lab.edits(heard(a="你好吗"), dataset([{"utt_id": "a", "text": "你坏吧"}], language=["zh"]), words=words)
    assert plainly(found, "hyp", "start_s", "end_s") == [["好", 0.0, 0.5], ["吗", 0.5, 0.8]]


def test_words_are_those_of_their_answer():
    frame = pd.DataFrame({"utt_id": "a", "condition": ["1", "2"], "text": ["x", "y"]})
    words = pd.concat(
        [times(("x", 1.0, 2.0), utt_id="a", condition="1"), times(("y", 5.0, 6.0), utt_id="a", condition="2")]
    )
    found = lab.edits(frame, said(a="z"), words=words)
    assert found["start_s"].tolist() == [1.0, 5.0]
    by_trial = lab.edits(frame.assign(trial=["t1", "t2"]), said(a="z"), words=words.assign(trial=["t1", "t2"]))
    assert by_trial["start_s"].tolist() == [1.0, 5.0]


def test_words_of_each_channel_and_of_joined_ones():
    frame, data = two_channels()
    frame["text"] = ["write", "lift", "alone"]
    words = pd.concat(
        [
            times(("write", 0.5, 1.0), utt_id="a", channel=1),
            times(("lift", 2.0, 3.0), utt_id="a", channel=0),
            times(("alone", 0.0, 1.0), utt_id="b", channel=0),
        ]
    )
    each = lab.edits(frame, data, words=words)
    assert plainly(each, "channel", "hyp", "start_s") == [[1, "write", 0.5], [1, None, 1.0], [0, "lift", 2.0]]
    joined = lab.edits(frame, data, channels="joined", words=words)
    assert plainly(joined[joined["kind"] == "sub"], "hyp", "start_s") == [["lift", 2.0], ["write", 0.5]]


def test_words_without_a_name_are_refused():
    with pytest.raises(InvalidInput, match="name neither utterance nor trial"):
        lab.edits(heard(a="x"), said(a="y"), words=times(("x", 0.0, 1.0)))


def test_words_of_something_else_are_refused():
    with pytest.raises(InvalidInput, match=r"None of the 1 words .* matched by utt_id.* has b, .* answer a"):
        lab.edits(heard(a="x"), said(a="y"), words=times(("x", 0.0, 1.0), utt_id="b"))


def test_words_of_a_right_answer_are_words_of_an_answer():
    frame, data = heard(a="one two", b="three for"), said(a="one two", b="three four")
    words = times(("one", 0.0, 0.5), ("two", 1.0, 1.5), utt_id="a")
    assert plainly(lab.edits(frame, data, words=words), "hyp", "start_s") == [["for", None]]
    assert lab.edits(frame, data, words=words, hits=True)["start_s"].tolist() == [0.0, 1.0, pd.NA, pd.NA]


def test_no_words_at_all_give_no_time():
    found = lab.edits(heard(a="x"), said(a="y"), words=tables.empty("words"))
    assert plainly(found, "hyp", "start_s", "end_s") == [["x", None, None]]


def two_systems():
    frame = pd.DataFrame({"utt_id": "a", "system": ["A", "B"], "text": ["one too three", "one to three"]})
    spoken = [
        times(*((word, at + n, at + n + 0.5) for n, word in enumerate(text.split())), utt_id="a", system=system)
        for system, at, text in (("A", 0.0, "one too three"), ("B", 10.0, "one to three"))
    ]
    return frame, pd.concat(spoken)


def test_words_are_told_apart_by_axes():
    frame, words = two_systems()
    for shuffled in (words, words.iloc[::-1]):
        found = lab.edits(frame, said(a="one two three"), words=shuffled, hits=True)
        assert found["start_s"].tolist() == [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]


def test_words_that_may_be_of_several_answers_are_refused():
    frame, words = two_systems()
    without = words.drop(columns="system")
    with pytest.raises(InvalidInput, match=r"2 rows \(a\) are answers that the words do not tell.*column system too\."):
        lab.edits(frame, said(a="one two three"), words=without)
    # Where the answers that they leave open have no words, nothing is open.
    more = pd.concat([frame, pd.DataFrame({"utt_id": ["b"], "system": ["A"], "text": ["x"]})])
    found = lab.edits(
        more, said(a="one two three", b="y"), words=without[:1].assign(utt_id="b", text="x"), missing="drop"
    )
    assert found["start_s"].tolist() == [pd.NA, pd.NA, 0.0]


def test_words_that_name_a_trial_only_are_of_it():
    frame = heard(a="x", b="y").assign(trial=["t2", "t1"])
    words = pd.concat([times(("y", 5.0, 6.0), trial="t1"), times(("x", 1.0, 2.0), trial="t2")])
    assert lab.edits(frame, said(a="z", b="z"), words=words)["start_s"].tolist() == [1.0, 5.0]
    # What is missing has no trial, and no words either.
    data = said(a="z", b="z", c="z")
    assert lab.edits(frame, data, words=words, missing="drop")["start_s"].tolist() == [1.0, 5.0]
    assert lab.edits(frame, data, words=words, missing="all-deleted")["start_s"].tolist() == [1.0, 5.0, pd.NA]
    with pytest.raises(InvalidInput, match="name a trial, as not all answers do"):
        lab.edits(frame.assign(trial=["t2", pd.NA]), said(a="z", b="z"), words=words)


def test_trials_go_before_names_of_settings():
    frame = heard(a="x").assign(trial="t1", condition="as it is called in the report")
    words = times(("x", 1.0, 2.0), trial="t1", utt_id="a", condition="as it was called in the sweep")
    assert lab.edits(frame, said(a="z"), words=words)["start_s"].tolist() == [1.0]
    with pytest.raises(InvalidInput, match="None of the 1 words is of an answer"):
        lab.edits(frame.drop(columns="trial"), said(a="z"), words=words)


def test_settings_that_share_a_trial_share_its_words():
    frame = pd.DataFrame({"utt_id": "a", "condition": ["1", "2"], "trial": "t", "text": "x x"})
    words = times(("x", 0.0, 1.0), ("x", 5.0, 6.0), utt_id="a", trial="t")
    copies = pd.concat([words.assign(condition="1"), words.assign(condition="2")])
    for given_words in (words, copies):
        assert lab.edits(frame, said(a="x"), words=given_words, hits=True)["start_s"].tolist() == [0.0, 5.0, 0.0, 5.0]
    other = frame.assign(text=["x x", "x y"])
    with pytest.raises(InvalidInput, match=r"matched by trial\. Give the words the column condition too and no trial"):
        lab.edits(other, said(a="x"), words=copies)
    of_names = lab.edits(other, said(a="x"), words=copies.drop(columns="trial"), hits=True)
    assert of_names["start_s"].tolist() == [0.0, 5.0, 0.0, pd.NA]


def test_words_without_a_channel_are_of_the_only_one():
    frame, data = two_channels()
    frame["text"] = ["write", "left", "alone"]
    words = times(("write", 0.5, 1.0), utt_id="a")
    only = frame[frame["channel"] == 1]
    found = lab.edits(only, data, words=words, missing="drop")
    assert plainly(found, "channel", "hyp", "start_s") == [[1, "write", 0.5], [1, None, 1.0]]
    with pytest.raises(InvalidInput, match=r"2 rows \(a\) are answers.*Give the words the column channel too\."):
        lab.edits(frame, data, words=words)


def test_between_channels_that_are_joined_a_deletion_has_no_time():
    data = dataset([{"utt_id": "a", "channel": c, "text": t} for c, t in enumerate(["a b c", "d e f"])])
    frame = pd.DataFrame({"utt_id": "a", "condition": "x", "channel": [0, 1], "text": ["a c?", "e f"]})
    words = pd.concat(
        [
            times(("a", 60.0, 61.0), ("c?", 62.0, 63.0), utt_id="a", channel=0, condition="x"),
            times(("e", 1.0, 2.0), ("f", 3.0, 4.0), utt_id="a", channel=1, condition="x"),
        ]
    )
    found = lab.edits(frame, data, channels="joined", words=words)
    assert plainly(found, "ref", "start_s", "end_s") == [["b", 61.0, 62.0], ["d", None, None]]
    # A word that nobody timed is of either channel: what is deleted next to it may be of the other.
    found = lab.edits(frame, data, channels="joined", words=words[words["text"] != "c?"])
    assert plainly(found, "ref", "start_s", "end_s") == [["b", None, None], ["d", None, None]]
    each = lab.edits(frame, data, words=words)
    assert plainly(each, "ref", "start_s", "end_s") == [["b", 61.0, 62.0], ["d", None, 1.0]]
