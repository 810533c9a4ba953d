"""Counts and paths of many pairs: those of jiwer and NIST's sclite, whatever the script, the order and the parting."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import jiwer
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from test_align import corpus
from wcwidth import iter_graphemes

import asrlab as lab
from asrlab.errors import InvalidInput
from asrlab.scoring import Normalizer, batches
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.counts import counts
from asrlab.scoring.paths import DEL, HIT, INS, SUB, errors, with_hits
from asrlab.scoring.tokens import UNITS, tokens

WORDS = st.lists(st.sampled_from("abcd"), max_size=12).map("".join)
SPACES = [chr(code) for code in range(0x110000) if chr(code).isspace()]
THAI = [base + mark for base in "กขคงจชดตนบปพมยรลวสห" for mark in ("", "ิ", "่", "้ำ", "ือ")]
HAN = [chr(code) for code in range(0x4E00, 0x4E80)]
ARABIC = ["سلام", "كتاب", "مدرسة", "بَيْت", "قلم", "شمس", "قمر", "نهر", "جبل", "بحر"]


def as_jiwer_counts(pairs, unit):
    """Give jiwer's own counts of each pair, of tokens that are cut already."""
    as_is = jiwer.Compose([])
    rows = []
    for ref, hyp in pairs:
        out = jiwer.process_words([tokens(ref, unit)], [tokens(hyp, unit)], as_is, as_is)
        rows.append((out.hits, out.substitutions, out.deletions, out.insertions))
    return rows


def our_counts(pairs, unit, ties="jiwer"):
    codes = encode([text for pair in pairs for text in pair], unit).texts
    return [tuple(row) for row in counts(codes[::2], codes[1::2], ties).tolist()]


def written(pairs, names, *, glue):
    """Write the words of a corpus in another script."""
    spelled = {f"w{n}": name for n, name in enumerate(names)}
    return [tuple(glue.join(spelled[word] for word in text.split()) for text in pair) for pair in pairs]


SCRIPTS = {
    "English words": ("word", lambda pairs: pairs),
    "Han characters": ("char", lambda pairs: written(pairs, HAN, glue="")),
    "Thai graphemes": ("char", lambda pairs: written(pairs, THAI, glue="")),
    "Arabic words": ("word", lambda pairs: written(pairs, ARABIC, glue=" ")),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_ten_thousand_pairs_count_as_in_jiwer(script):
    unit, write = SCRIPTS[script]
    vocabulary = {"Arabic words": len(ARABIC), "Thai graphemes": len(THAI)}.get(script, 120)
    pairs = [
        pair
        for number, rate in enumerate((0.05, 0.12, 0.33, 0.9))
        for pair in write(corpus(2500, rate=rate, words=12, seed=number, vocabulary=vocabulary))
    ]
    assert our_counts(pairs, unit) == as_jiwer_counts(pairs, unit)


@pytest.mark.parametrize(("words", "rate"), [(1000, 0.05), (3000, 0.2), (1500, 0.95)])
def test_long_and_short_texts_together_count_as_in_jiwer(words, rate):
    pairs = corpus(4, rate=rate, words=words, seed=9, vocabulary=200) + corpus(20, rate=0.3, seed=2)
    assert max(len(ref.split()) for ref, _ in pairs) > 1000
    assert our_counts(pairs, "word") == as_jiwer_counts(pairs, "word")


def sclite_counts(tmp_path, pairs, *options):
    """Let NIST's sclite mark each pair: corrects, subs, dels, ins."""
    sclite = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")
    if sclite is None:
        pytest.skip("NIST sclite is not installed (Debian: sctk)")
    for name, texts in (("ref", [r for r, _ in pairs]), ("hyp", [h for _, h in pairs])):
        lines = [f"{text} (spk-{number:06d})\n" for number, text in enumerate(texts)]
        (tmp_path / f"{name}.trn").write_text("".join(lines), "utf-8")
    command = [sclite, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o", "pra", "stdout", *options]
    report = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    found = re.findall(r"id: \(spk-(\d+)\)\s+Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", report)
    assert [int(row[0]) for row in found] == list(range(len(pairs)))
    return [tuple(map(int, row[1:])) for row in found]


@pytest.mark.parametrize("rate", [0.12, 0.33])
def test_ten_thousand_pairs_count_as_in_sclite(tmp_path, rate):
    pairs = [(ref, hyp) for ref, hyp in corpus(5000, rate=rate, seed=3, words=10) if hyp]
    theirs, nist, plain = sclite_counts(tmp_path, pairs), our_counts(pairs, "word", "sclite"), our_counts(pairs, "word")
    agree = np.mean([a == b for a, b in zip(theirs, nist, strict=True)])
    assert agree >= 0.999
    total, of_nist, of_jiwer = (sum(sum(row[1:]) for row in rows) for rows in (theirs, nist, plain))
    # NIST's costs take three gaps rather than two substitutions and a hit less, never fewer errors in all.
    assert of_jiwer <= of_nist
    assert abs(total - of_nist) <= len(pairs) * 0.001
    assert total - of_jiwer <= 0.001 * of_jiwer
    assert agree > np.mean([a == b for a, b in zip(theirs, plain, strict=True)])


def test_mixed_text_counts_as_in_sclite_with_characters_but_for_ascii(tmp_path):
    rng = random.Random(4)
    names = [*HAN[:40], *(f" {word} " for word in ("latte", "wifi", "gym", "email", "demo"))]
    pairs = []
    for ref, hyp in corpus(1500, rate=0.2, seed=6, vocabulary=len(names), words=10):
        spelled = dict(zip((f"w{n}" for n in range(len(names))), rng.sample(names, len(names)), strict=True))
        pairs.append(tuple(" ".join("".join(spelled[w] for w in text.split()).split()) for text in (ref, hyp)))
    pairs = [(ref, hyp) for ref, hyp in pairs if hyp]
    theirs = sclite_counts(tmp_path, pairs, "-e", "utf-8", "-c", "NOASCII")
    ours = our_counts(pairs, "mixed", "sclite")
    assert np.mean([a == b for a, b in zip(theirs, ours, strict=True)]) >= 0.999


# What must hold of any pair.


@given(WORDS, WORDS)
def test_the_other_way_round_deletions_are_insertions(ref, hyp):
    (forth,), (back,) = counts([ref], [hyp], "sclite").tolist(), counts([hyp], [ref], "sclite").tolist()
    assert back == [forth[0], forth[1], forth[3], forth[2]]
    (forth,), (back,) = counts([ref], [hyp]).tolist(), counts([hyp], [ref]).tolist()
    assert sum(forth[1:]) == sum(back[1:])


@given(WORDS, WORDS, WORDS)
def test_errors_keep_the_triangle_inequality(one, two, three):
    ab, bc, ac = counts([one, two, one], [two, three, three])[:, 1:].sum(axis=1)
    assert ac <= ab + bc


@given(WORDS, WORDS, st.sampled_from(["jiwer", "sclite"]))
def test_counts_add_up_and_names_of_units_do_not_matter(ref, hyp, ties):
    (found,) = counts([ref], [hyp], ties).tolist()
    hits, subs, dels, ins = found
    assert min(found) >= 0
    assert hits + subs + dels == len(ref)
    assert hits + subs + ins == len(hyp)
    renamed = str.maketrans("abcd", "水\U0001f600\ud800z")
    assert counts([ref.translate(renamed)], [hyp.translate(renamed)], ties).tolist() == [found]


@given(st.lists(st.tuples(WORDS, WORDS), max_size=6), st.sampled_from(["jiwer", "sclite"]))
def test_paths_have_the_counts_and_lose_no_unit(pairs, ties):
    codes = encode([" ".join(text) for pair in pairs for text in pair], "word")
    refs, hyps = np.arange(0, 2 * len(pairs), 2), np.arange(1, 2 * len(pairs), 2)
    path = errors(codes, refs, hyps, ties)
    lengths = np.array([len(text) for text in codes.texts], np.int64)
    whole = with_hits(path, lengths[refs], lengths[hyps])
    wanted = counts([codes.texts[n] for n in refs], [codes.texts[n] for n in hyps], ties)
    for number, (ref, hyp) in enumerate(pairs):
        kind, ref_pos, hyp_pos = (column[whole.pair == number] for column in whole[1:])
        assert [(kind == one).sum() for one in (HIT, SUB, DEL, INS)] == wanted[number].tolist()
        # One step after another, from first unit to last.
        at = to = 0
        for one, ref_at, hyp_at in zip(kind, ref_pos, hyp_pos, strict=True):
            assert (ref_at, hyp_at) == (at, to)
            if one in {HIT, SUB}:
                assert (ref[at] == hyp[to]) == (one == HIT)
            at, to = at + (one != INS), to + (one != DEL)
        assert (at, to) == (len(ref), len(hyp))
        assert (path.pair == number).sum() == wanted[number, 1:].sum()


def test_units_that_sound_alike_are_paired():
    made = lab.align("we were at the small hall", "we were a mall", language="en")
    pairs = [(edit.ref, edit.hyp) for edit in made.edits if edit.kind == "sub"]
    assert ("at", "a") in pairs
    assert ("small", "mall") in pairs or ("hall", "mall") in pairs
    assert [(e.kind, e.ref, e.hyp) for e in lab.align("the knight rode", "night", language="en").edits] == [
        ("del", "the", None),
        ("sub", "knight", "night"),
        ("del", "rode", None),
    ]
    assert ("sub", "是", "事") in [(e.kind, e.ref, e.hyp) for e in lab.align("但是我", "事", language="zh").edits]


def test_too_long_for_sclite_is_said_and_still_counted():
    ((ref, hyp),) = corpus(1, rate=0.33, words=9000, seed=5, vocabulary=30)
    assert len(ref.split()) > 5000
    with pytest.raises(InvalidInput, match=r"of up to 25,000,000 cells"):
        lab.align(ref, hyp, unit="word", ties="sclite")
    (row,) = our_counts([(ref, hyp)], "word", "sclite")
    assert sum(row[:3]) == len(ref.split())


@pytest.mark.parametrize("call", [lab.score, lab.align, lab.edits])
def test_an_unknown_rule_is_said(call):
    with pytest.raises(InvalidInput, match="ties must be one of jiwer, sclite, not 'nist'"):
        call("a", "a", ties="nist")


# Codes.


@given(
    st.lists(
        st.text(st.sampled_from([*"ab漢กำ้\u0301\u200d🇩🇪👩\U000f0001\n", *SPACES[:4], " "]), max_size=8), max_size=5
    )
)
@pytest.mark.parametrize("unit", UNITS)
def test_codes_stand_for_the_same_units_as_tokens(unit, texts):
    codes = encode(texts, unit)
    for text, coded in zip(texts, codes.texts, strict=True):
        assert codes.units(code_points([coded])) == tokens(text, unit)


@pytest.mark.parametrize("space", SPACES, ids=lambda sign: f"U+{ord(sign):04X}")
def test_all_white_space_parts_words(space):
    codes = encode([f"{space}a{space}{space}b ", "a b"], "word")
    assert codes.texts[0] == codes.texts[1]


@pytest.mark.parametrize("unit", UNITS)
def test_empty_texts_have_no_units(unit):
    assert encode(["", " \n\t", "a"], unit).texts[:2] == ["", ""]
    assert encode([], unit).texts == []


def test_graphemes_are_those_of_the_annex():
    # Flags, families, tone marks, vowel signs, jamo: each is one character to a reader.
    for text in ("🇩🇪", "👩‍👩‍👧", "น้ำ", "नि", "각", "é", "か゚", "1️⃣"):
        assert tokens(text, "char") == [text] == list(iter_graphemes(text))
    codes = encode(["🇩🇪🇫🇷", "🇩🇪", "ab"], "char")
    assert list(map(len, codes.texts)) == [2, 1, 2]
    assert codes.texts[0][0] == codes.texts[1]


def test_mixed_cuts_by_script():
    assert tokens("我想喝 iced latte あの ラーメン 3杯", "mixed") == [
        *("我", "想", "喝", "iced", "latte", "あ", "の", "ラ", "ー", "メ", "ン", "3", "杯"),
    ]
    assert tokens("ดื่มcoffeeเย็น", "mixed") == ["ดื่", "ม", "coffee", "เ", "ย็", "น"]
    assert tokens("한국어 단어", "mixed") == ["한국어", "단어"]
    assert tokens("नमस्ते दुनिया", "mixed") == ["नमस्ते", "दुनिया"]


# The same table, however the work is parted.


def identical(one, other):
    pd.testing.assert_frame_equal(one, other)
    assert one.equals(other)  # the above takes floats for equal that differ in the last bit


def shout(text):
    return text.upper()


def sweep_like(rows=400, seed=5):
    rng = random.Random(seed)
    pairs = corpus(rows, rate=0.3, vocabulary=30, words=8, seed=seed)
    said = pd.DataFrame({"utt_id": [f"u{n}" for n in range(rows)], "text": [ref for ref, _ in pairs]})
    said["language"] = [rng.choice(["en", "zh"]) for _ in range(rows)]
    shifted = [[hyp for _, hyp in pairs[n:] + pairs[:n]] for n in (0, 1)]
    heard = pd.concat(
        pd.DataFrame({"utt_id": said["utt_id"], "condition": f"c{n}", "text": texts}) for n, texts in enumerate(shifted)
    )
    return heard, said


@pytest.mark.parametrize("pairs", [1, 7, 100, 10_000])
@pytest.mark.parametrize("ties", ["jiwer", "sclite"])
def test_parts_of_any_size_make_the_same_table(monkeypatch, pairs, ties):
    heard, said = sweep_like(60)
    whole, rows = lab.score(heard, said, ties=ties), lab.edits(heard, said, ties=ties, hits=True)
    monkeypatch.setattr(batches, "_PAIRS", pairs)
    identical(lab.score(heard, said, ties=ties), whole)
    identical(lab.edits(heard, said, ties=ties, hits=True), rows)


def test_processes_and_threads_make_the_same_table(monkeypatch):
    heard, said = sweep_like()
    monkeypatch.setattr(batches, "_PAIRS", 50)
    options = {"normalizer": Normalizer("shout-1", (shout,))}
    whole, rows = lab.score(heard, said, **options), lab.edits(heard, said, **options)
    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as threads:
        for executor in (processes, threads):
            identical(lab.score(heard, said, executor=executor, **options), whole)
            identical(lab.edits(heard, said, executor=executor, **options), rows)
        with pytest.raises(InvalidInput, match=r"<Normalizer quiet-1.*cannot be sent to another process"):
            lab.score(heard, said, executor=processes, normalizer=Normalizer("quiet-1", (lambda text: text,)))


def test_rapidfuzz_agrees_on_every_total():
    pairs = corpus(500, rate=0.5, vocabulary=10)
    for (ref, hyp), row in zip(pairs, our_counts(pairs, "word"), strict=True):
        assert sum(row[1:]) == Levenshtein.distance(ref.split(), hyp.split())
