"""Alignment: the counts of jiwer, totals of NIST sclite, and lines that stay in line."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import unicodedata

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrlab.errors import InvalidInput
from asrlab.scoring import Normalizer, align
from asrlab.scoring.align import count

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


def totals(pairs, cut):
    return tuple(map(sum, zip(*(count(cut(ref), cut(hyp)) for ref, hyp in pairs), strict=True)))


@pytest.mark.parametrize("rate", [0.05, 0.33, 0.9])
def test_words_count_as_in_jiwer(rate):
    pairs = corpus(300, rate=rate, vocabulary=30)
    for ref, hyp in pairs:
        out = jiwer.process_words(ref, hyp)
        assert count(ref.split(), hyp.split()) == (out.hits, out.substitutions, out.deletions, out.insertions)


def test_characters_count_as_in_jiwer():
    pairs = [(ref.replace(" ", ""), hyp.replace(" ", "")) for ref, hyp in corpus(300, rate=0.3, vocabulary=20)]
    for ref, hyp in pairs:
        out = jiwer.process_characters(ref, hyp)
        assert count(ref, hyp) == (out.hits, out.substitutions, out.deletions, out.insertions)


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_long_texts_have_the_same_total_as_in_jiwer(rate):
    ((ref, hyp),) = corpus(1, rate=rate, words=3000, seed=5)
    hits, subs, dels, ins = count(ref.split(), hyp.split())
    out = jiwer.process_words(ref, hyp)
    assert len(ref.split()) > 1000
    assert subs + dels + ins == out.substitutions + out.deletions + out.insertions
    assert (hits, subs, dels, ins) == (out.hits, out.substitutions, out.deletions, out.insertions)


def test_totals_agree_with_sclite(tmp_path):
    sclite = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")
    if sclite is None:
        pytest.skip("NIST sclite is not installed (Debian: sctk)")
    pairs = corpus(400, rate=0.12, seed=3)
    for name, texts in (("ref", [r for r, _ in pairs]), ("hyp", [h for _, h in pairs])):
        lines = [f"{text} (spk-{number:04d})\n" for number, text in enumerate(texts)]
        (tmp_path / f"{name}.trn").write_text("".join(lines), "utf-8")
    command = [sclite, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o", "rsum", "stdout"]
    report = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    words, correct, subs, dels, ins, errors = (int(n) for n in re.findall(r"\d+", report.split("| Sum")[1])[1:7])
    hits, *ours = totals(pairs, str.split)
    assert words == sum(len(ref.split()) for ref, _ in pairs) == hits + ours[0] + ours[1]
    assert errors == sum(ours)
    # The split is a matter of ties, in which sclite prefers hits.
    assert correct >= hits
    assert max(abs(a - b) for a, b in zip(ours, (subs, dels, ins), strict=True)) <= 0.02 * errors


@given(WORDS, WORDS)
def test_counts_add_up_and_align_agrees(ref, hyp):
    made = align(ref, hyp, unit="word", normalizer="none")
    assert (made.hits, made.subs, made.dels, made.ins) == count(ref.split(), hyp.split())
    assert made.hits + made.subs + made.dels == made.ref_len == len(ref.split())
    assert made.hits + made.subs + made.ins == made.hyp_len == len(hyp.split())
    assert [e.ref for e in made.edits if e.ref is not None] == ref.split()
    assert [e.hyp for e in made.edits if e.hyp is not None] == hyp.split()
    assert all((e.ref == e.hyp) == (e.kind == "hit") for e in made.edits)


@given(WORDS, WORDS)
def test_the_other_way_round_the_total_is_the_same(ref, hyp):
    assert sum(count(ref.split(), hyp.split())[1:]) == sum(count(hyp.split(), ref.split())[1:])


def test_worked_example_of_the_two_rules():
    # jiwer: three substitutions; sclite: one of each. WER is .5 under both.
    made = align("the cat sat on the mat", "the cat sit on mat today", language="en")
    assert (made.hits, made.subs, made.dels, made.ins) == (3, 3, 0, 0)


def cells(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_lines_stay_in_line_with_wide_characters():
    made = align("我想喝latte吗", "我想喝辣椒", language="zh")
    ref, marks, hyp = str(made).splitlines()
    assert ref.startswith("ref: 我想喝")
    assert hyp.startswith("hyp: 我想喝辣椒")
    assert marks.split() == ["S", "S", "DDD", "D"] or set("".join(marks.split())) == {"S", "D"}
    assert cells(ref) - 2 == cells(marks) - 1  # the last mark stands under the first cell of the last wide character
    words = align("我 hello 世界", "我们 hello", unit="word", normalizer="none")
    ref, marks, hyp = str(words).splitlines()
    assert cells(ref[: ref.index("hello")]) == cells(hyp[: hyp.index("hello")])
    assert marks.index("D") == cells(ref[: ref.index("世")])


def test_combining_marks_and_controls_do_not_move_the_columns():
    ref, marks, hyp = str(align("น้ำ ab", "น้ำ \x1b[2J\u202ecd", unit="word", normalizer="none")).splitlines()
    assert marks.index("S") == cells(ref[: ref.index("ab")])
    assert "\x1b" not in hyp
    assert "\u202e" not in hyp


def test_repr_is_three_short_lines_and_str_is_whole():
    long = align("a " * 500, "b " * 500)
    assert len(repr(long).splitlines()) == len(str(long).splitlines()) == 3
    assert max(map(len, repr(long).splitlines())) <= 101
    assert repr(long).splitlines()[0].endswith("…")
    assert str(long).count("a") == 500
    assert repr(align("", "")) == "ref:\n\nhyp:"


def test_table_has_a_row_an_edit():
    table = align("the cat", "a the cat sat", language="en").table()
    assert table["kind"].tolist() == ["ins", "hit", "hit", "ins"]
    assert table["ref"].isna().tolist() == [True, False, False, True]
    assert table["hyp"].tolist() == ["a", "the", "cat", "sat"]
    assert align("", "").table().columns.tolist() == ["kind", "ref", "hyp"]


def test_unit_and_normalizer_follow_the_language():
    assert align("臺灣的天氣很熱", "台湾的天气很热", language="zh").hits == 7
    kept = align("臺灣的天氣很熱", "台湾的天气很热", language="zh", normalizer="zh-1+script=keep")
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
