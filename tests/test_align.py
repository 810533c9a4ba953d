"""Alignment of two texts: the counts of jiwer, and lines that stay in line."""

from __future__ import annotations

import random
import unicodedata

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from asrlab.errors import InvalidInput
from asrlab.scoring import Normalizer, align

WORDS = st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join)


def corpus(pairs, *, rate, words=18, seed=1, vocabulary=400):
    """Make pairs of texts with a given share of substitutions, deletions and insertions."""
    rng = random.Random(seed)
    names = [f"w{n}" for n in range(vocabulary)]
    made = []
    for _ in range(pairs):
        ref = rng.choices(names, k=rng.randint(1, 2 * words - 1))
        hyp = []
        for word in ref:
            draw = rng.random() / rate
            hyp += (
                [rng.choice(names)]
                if draw < 0.6
                else []
                if draw < 0.85
                else [word, rng.choice(names)]
                if draw < 1
                else [word]
            )
        made.append((" ".join(ref), " ".join(hyp)))
    return made


@given(WORDS, WORDS)
def test_counts_add_up_and_align_agrees(ref, hyp):
    made = align(ref, hyp, unit="word", normalizer="none")
    out = jiwer.process_words(ref, hyp)
    assert (made.hits, made.subs, made.dels, made.ins) == (out.hits, out.substitutions, out.deletions, out.insertions)
    assert made.hits + made.subs + made.dels == made.ref_len == len(ref.split())
    assert made.hits + made.subs + made.ins == made.hyp_len == len(hyp.split())
    assert [e.ref for e in made.edits if e.ref is not None] == ref.split()
    assert [e.hyp for e in made.edits if e.hyp is not None] == hyp.split()
    assert all((e.ref == e.hyp) == (e.kind == "hit") for e in made.edits)


def test_worked_example_of_the_two_rules():
    # jiwer: three substitutions; sclite: one of each. WER is .5 under both.
    made = align("the cat sat on the mat", "the cat sit on mat today", language="en")
    assert (made.hits, made.subs, made.dels, made.ins) == (3, 3, 0, 0)


def test_worked_example_by_the_rule_of_sclite():
    made = align("the cat sat on the mat", "the cat sit on mat today", language="en", ties="sclite")
    assert (made.hits, made.subs, made.dels, made.ins) == (4, 1, 1, 1)


def cells(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_the_view_of_latin_words_is_that_of_jiwer():
    ref, hyp = "quite a bit of longer sentence", "quite bit of an even longest sentence here"
    theirs = jiwer.visualize_alignment(jiwer.process_words(ref, hyp), show_measures=False, skip_correct=False)
    _, _, lines = theirs.partition("\n\n")
    assert str(align(ref, hyp, unit="word")).split("\n") == [line.rstrip() for line in lines.rstrip("\n").split("\n")]


def test_lines_stay_in_line_with_wide_characters():
    ref, hyp, marks = str(align("我想喝latte吗", "我想喝辣椒", language="zh")).split("\n")
    assert cells(ref) == cells(hyp) == cells(marks)  # each mark stands under the last cell of its character
    words = align("我 hello 世界", "我们 hello", unit="word", normalizer="none")
    ref, hyp, marks = str(words).split("\n")
    assert cells(ref[: ref.index("hello")]) == cells(hyp[: hyp.index("hello")])
    assert cells(ref) == cells(hyp) == cells(marks)
    assert hyp.endswith(" ****")


def test_combining_marks_emoji_and_controls_do_not_move_the_columns():
    ref, hyp, marks = str(align("น้ำ ab", "น้ำ \x1b[2J\u202ecd", unit="word", normalizer="none")).split("\n")
    assert len(marks) == wcswidth(ref) == wcswidth(hyp)
    assert "\x1b" not in hyp
    assert "\u202e" not in hyp
    lone = str(align("\u0301 x", "y", unit="word", normalizer="none"))
    assert "\u25cc\u0301" in lone


def test_a_text_of_private_characters_or_stars_is_shown_as_it_is():
    made = align("a * b", "d * c", unit="word", normalizer="none")
    ref, hyp, _ = str(made).split("\n")
    assert [edit.kind for edit in made.edits] == ["sub", "hit", "sub"]
    assert ref == "REF: a * b"
    assert hyp == "HYP: d * c"
    private = align("\U000f0000 x", "\U000f0001 x", unit="word", normalizer="none")
    assert [edit.kind for edit in private.edits] == ["sub", "hit"]


def test_repr_is_short_and_str_is_whole():
    long = align("a " * 500, "b " * 500)
    assert str(long).count("a") == 500
    assert max(map(len, str(long).split("\n"))) <= 100
    assert repr(long).count("REF:") == 3
    assert repr(long).endswith("more such lines")
    assert repr(align("", "")) == "REF:\nHYP:\n"


def test_table_has_a_row_an_edit():
    table = align("the cat", "a the cat sat", language="en").table()
    assert table["kind"].tolist() == ["ins", "hit", "hit", "ins"]
    assert table["ref"].isna().tolist() == [True, False, False, True]
    assert table["hyp"].tolist() == ["a", "the", "cat", "sat"]
    assert table["ref_pos"].tolist() == [0, 0, 1, 2]
    assert table["hyp_pos"].tolist() == [0, 1, 2, 3]
    assert align("", "").table().columns.tolist() == ["kind", "ref", "hyp", "ref_pos", "hyp_pos"]


def test_unit_and_normalizer_follow_the_language():
    assert align("臺灣的天氣很熱", "台湾的天气很热", language="zh").hits == 7
    kept = align("臺灣的天氣很熱", "台湾的天气很热", language="zh", normalizer="zh-2+script=keep")
    assert kept.subs / kept.ref_len == pytest.approx(4 / 7)
    assert align("สวัสดี", "สวัสดี").unit == "char"
    shout = Normalizer("shout-1", (str.upper,))
    assert align("a", "A", normalizer={"en": shout}, language="en").hits == 1


@pytest.mark.parametrize("missing", [None, float("nan"), 3])
def test_a_missing_text_is_said(missing):
    with pytest.raises(InvalidInput, match="hypothesis must be a text"):
        align("a", missing)


def test_an_unknown_unit_is_said():
    with pytest.raises(InvalidInput, match="unit must be"):
        align("a", "a", unit="phone")
