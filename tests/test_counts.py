"""Counts and paths of many pairs: those of jiwer and NIST's sclite, whatever the script, the order and the parting."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import product

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
from asrlab.scoring import Normalizer, batches, codes, paths, sclite
from asrlab.scoring.codes import code_points, encode
from asrlab.scoring.counts import counts
from asrlab.scoring.likeness import likeness
from asrlab.scoring.paths import DEL, HIT, INS, SUB, errors, with_hits
from asrlab.scoring.sheet import Recipe
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
    (tmp_path / "report").write_text(report, "utf-8")
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


def steps_of(path):
    return list(zip(path.kind.tolist(), path.ref_pos.tolist(), path.hyp_pos.tolist(), strict=True))


@pytest.mark.parametrize(("words", "paired"), [(109, True), (110, False)])
def test_very_long_stretches_are_left_as_they_were(words, paired):
    """Ten words that sound like the last ten of the reference: 10 x 100 possible pairs are looked at, 10 x 101 not."""
    ref = [f"word{n}".replace(str(n), "q" * (n + 1)) for n in range(words - 10)] + [
        f"{sign * 9}" for sign in "abcdefghij"
    ]
    hyp = [f"{sign * 8}" for sign in "abcdefghij"]
    made = encode([" ".join(ref), " ".join(hyp)], "word")
    path = errors(made, np.array([0]), np.array([1]))
    subs = [(ref_at, hyp_at) for kind, ref_at, hyp_at in steps_of(path) if kind == SUB]
    assert (subs == [(words - 10 + n, n) for n in range(10)]) == paired
    if not paired:
        kinds = {"replace": SUB, "delete": DEL}
        theirs = Levenshtein.editops(*made.texts).as_list()
        assert steps_of(path) == [(kinds[tag], ref_at, hyp_at) for tag, ref_at, hyp_at in theirs]


@pytest.mark.parametrize("most", [1, 40, 500])
def test_stretches_are_paired_some_at_a_time(monkeypatch, most):
    pairs = corpus(300, rate=0.6, words=12, seed=8)
    made = encode([text for pair in pairs for text in pair], "word")
    refs, hyps = np.arange(0, 600, 2), np.arange(1, 600, 2)
    at_once = errors(made, refs, hyps)
    sizes = []

    def noted(said, heard):
        sizes.append(len(said))
        return likeness(said, heard)

    monkeypatch.setattr(paths, "_SLICE", most)
    monkeypatch.setattr(paths, "likeness", noted)
    for one, other in zip(errors(made, refs, hyps), at_once, strict=True):
        assert (one == other).all()
    assert len(sizes) >= 3
    assert max(sizes) <= most + 36  # one stretch more; of 12 words they have up to 6 x 6 candidates


def sclite_hits(tmp_path, pairs):
    """Let NIST's sclite align each pair: places of the words that are right."""
    sclite_counts(tmp_path, pairs)
    found = []
    for block in re.findall(r"REF: (.*)\nHYP: (.*)\nEval:", (tmp_path / "report").read_text("utf-8")):
        ref, hyp = (line.split() for line in block)
        at = to = 0
        hits = []
        for said, heard in zip(ref, hyp, strict=True):
            if said == heard:
                hits.append((at, to))
            at, to = at + (said.strip("*") != ""), to + (heard.strip("*") != "")
        found.append(hits)
    return found


@pytest.mark.parametrize("cells", [1, 3000, 2_000_000])
def test_what_is_right_is_as_in_sclite(tmp_path, monkeypatch, cells):
    monkeypatch.setattr(sclite, "_CELLS", cells)
    pairs = [(ref, hyp) for ref, hyp in corpus(600, rate=0.5, seed=21, words=10, vocabulary=8) if ref and hyp]
    theirs = sclite_hits(tmp_path, pairs)
    made = encode([text for pair in pairs for text in pair], "word").texts
    path = errors(
        encode([text for pair in pairs for text in pair], "word"), *np.arange(2 * len(pairs)).reshape(-1, 2).T, "sclite"
    )
    ours = []
    for number, (ref, hyp) in enumerate(zip(made[::2], made[1::2], strict=True)):
        kind, at, to = (column[path.pair == number].tolist() for column in path[1:])
        steps = [
            ({SUB: "replace", DEL: "delete", INS: "insert"}[k], a, b) for k, a, b in zip(kind, at, to, strict=True)
        ]
        ours.append(errors_left_out(ref, hyp, steps))
    # Traced with deletions before insertions they agree in 96 of a hundred; with either before pairs, in 86.
    assert ours == theirs


def errors_left_out(ref, hyp, steps):
    """Give the places of what is right."""
    wrong_ref = {at for tag, at, _ in steps if tag != "insert"}
    wrong_hyp = {to for tag, _, to in steps if tag != "delete"}
    right = ([n for n in range(len(text)) if n not in wrong] for text, wrong in ((ref, wrong_ref), (hyp, wrong_hyp)))
    return list(zip(*right, strict=True))


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
        st.text(st.sampled_from([*"ab漢กำ้\u0301\u200d\u0600🇩🇪👩\U0010ffff\n", *SPACES[:4], " "]), max_size=8),
        max_size=5,
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


def test_marks_before_a_letter_are_part_of_its_cluster():
    # A number sign and a dot reph of Arabic and Malayalam scripts: what they are written before is one with them.
    for mark in ("\u0600", "\u0d4e"):
        codes = encode([f"{mark}1{mark}2", f"{mark}2", "2"], "char")
        assert list(map(len, codes.texts)) == [2, 1, 1]
        assert codes.texts[0][1] == codes.texts[1] != codes.texts[2]


def test_a_code_is_not_given_to_a_cluster_where_a_text_has_it():
    codes = encode(["e\u0301", "\U0010ffff", "\U0010fffe\U000f0000"], "char")
    assert codes.units(code_points(codes.texts)) == ["e\u0301", "\U0010ffff", "\U0010fffe", "\U000f0000"]


def test_more_words_than_can_be_told_apart_are_refused():
    with pytest.raises(InvalidInput, match=r"more than 1,114,112 different words.*Cut them into segments"):
        encode([" ".join(map(str, range(1_114_113)))], "word")


def test_more_clusters_than_can_be_told_apart_are_refused(monkeypatch):
    clusters = [chr(letter) + chr(mark) for letter, mark in product(range(97, 123), range(0x300, 0x30F))]
    monkeypatch.setattr(codes, "_CODES", 0x30F)
    assert encode(["".join(clusters)], "char").units(np.array([0x2FF])) == ["a\u0300"]
    more = [cluster + clusters[0][1] for cluster in clusters]
    with pytest.raises(InvalidInput, match=r"different characters.*Cut them into segments"):
        encode(["".join(clusters + more)], "char")


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


@pytest.mark.parametrize("characters", [1, 70, 1000])
def test_texts_of_any_length_together_make_the_same_table(monkeypatch, characters):
    heard, said = sweep_like(60)
    whole, rows = lab.score(heard, said), lab.edits(heard, said, hits=True)
    monkeypatch.setattr(batches, "_CHARACTERS", characters)
    identical(lab.score(heard, said), whole)
    identical(lab.edits(heard, said, hits=True), rows)


def parted(monkeypatch, lengths, recipe, *, pairs, characters):
    """Part a pair for each (reference, its length, length of the transcript); give the sizes of the batches."""
    monkeypatch.setattr(batches, "_PAIRS", pairs)
    monkeypatch.setattr(batches, "_CHARACTERS", characters)
    texts = [chr(97 + n) * length for n, (_, *both) in enumerate(lengths) for length in both]
    refs = np.array([2 * ref for ref, *_ in lengths])
    hyps = 2 * np.arange(len(lengths)) + 1
    recipes = [Recipe("char", Normalizer("none", ())), Recipe("word", Normalizer("none", ()))]
    made, place = batches.batches(texts, recipes, np.array(recipe), refs, hyps, ties="jiwer")
    assert sorted(place.tolist()) == list(range(len(lengths)))
    laid = [(part.texts[ref], part.texts[hyp]) for part in made for ref, hyp in zip(part.refs, part.hyps, strict=True)]
    assert [laid[n] for n in place] == [(texts[ref], texts[hyp]) for ref, hyp in zip(refs, hyps, strict=True)]
    return [len(part.refs) for part in made]


@pytest.mark.parametrize(
    ("lengths", "recipe", "sizes"),
    [
        # Four pairs at the most.
        ([(n, 1, 1) for n in range(9)], [0] * 9, [4, 4, 1]),
        # Ten characters, though one pair has more.
        ([(n, 2, 3) for n in range(5)], [0] * 5, [2, 2, 1]),
        ([(0, 2, 3), (1, 20, 30), (2, 2, 3), (3, 2, 3)], [0] * 4, [1, 1, 2]),
        # One recipe.
        ([(n, 1, 1) for n in range(5)], [0, 0, 0, 1, 1], [3, 2]),
        # The pairs of a reference stay together, unless they are too many or too long.
        ([(0, 1, 1), (0, 1, 1), (0, 1, 1), (3, 1, 1), (3, 1, 1)], [0] * 5, [3, 2]),
        ([(0, 1, 1)] * 6, [0] * 6, [4, 2]),
        ([(0, 2, 3)] * 5, [0] * 5, [2, 2, 1]),
    ],
)
def test_batches_are_bounded_in_pairs_and_in_characters(monkeypatch, lengths, recipe, sizes):
    assert parted(monkeypatch, lengths, recipe, pairs=4, characters=10) == sizes


def test_many_texts_of_many_words_never_have_too_many_together(monkeypatch):
    monkeypatch.setattr(codes, "_CODES", 1000)
    monkeypatch.setattr(batches, "_CHARACTERS", 2000)
    said = [" ".join(f"{n}x{word}" for word in range(20)) for n in range(100)]
    assert lab.score(said[::-1], said, unit="word", normalizer="none")["subs"].sum() == 2000
    monkeypatch.setattr(batches, "_CHARACTERS", 2_000_000)
    with pytest.raises(InvalidInput, match="different words"):
        lab.score(said[::-1], said, unit="word", normalizer="none")


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


@pytest.mark.parametrize("call", [lab.score, lab.edits])
@pytest.mark.parametrize("executor", [4, ProcessPoolExecutor, "processes"])
def test_what_is_no_executor_is_said(call, executor):
    with pytest.raises(
        InvalidInput, match=r"such as ProcessPoolExecutor\(4\), a Dask client, .*, or None; not .*(4|processes|Pool)"
    ):
        call(["x"], ["y"], executor=executor)


def fail(text):
    raise AttributeError(f"no such thing as {text}")


def vanish(text):
    os._exit(1)


def test_errors_of_a_normalizer_are_the_same_everywhere():
    broken = Normalizer("broken-1", (fail,))
    with ProcessPoolExecutor(1) as processes, ThreadPoolExecutor(1) as threads:
        for executor in (None, threads, processes):
            with pytest.raises(AttributeError, match=r"^no such thing as [xy]$"):
                lab.score(["x"], ["y"], normalizer=broken, executor=executor)


def test_processes_that_end_are_named():
    with ProcessPoolExecutor(1) as processes:
        with pytest.raises(lab.AsrlabError, match=r"ended before their work was done.*make another") as raised:
            lab.score(["x"], ["y"], normalizer=Normalizer("vanish-1", (vanish,)), executor=processes)
        assert isinstance(raised.value.__cause__, BrokenProcessPool)


def test_functions_of_a_notebook_are_unknown_to_new_processes(monkeypatch):
    def late(text):
        return text

    late.__module__, late.__qualname__ = "__main__", "late"
    monkeypatch.setattr(sys.modules["__main__"], "late", late, raising=False)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as processes:
        with pytest.raises(lab.AsrlabError, match="defined in a notebook or at a prompt") as raised:
            lab.score(["x"], ["y"], normalizer=Normalizer("late-1", (late,)), executor=processes)
        assert isinstance(raised.value.__cause__, BrokenProcessPool)


@pytest.mark.parametrize("of", [0, 1])
def test_each_of_several_normalizers_of_one_name_is_looked_at(of):
    chains = [Normalizer("mine-1", (str.lower,)), Normalizer("mine-1", (lambda text: text,))]
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["x", "y"], "language": ["en", "de"]})
    by_language = dict(zip(("en", "de"), chains if of else chains[::-1], strict=True))
    with ProcessPoolExecutor(1) as processes, pytest.raises(InvalidInput, match="cannot be sent to another process"):
        lab.score(said[["utt_id", "text"]], said, normalizer=by_language, executor=processes)


def test_rapidfuzz_agrees_on_every_total():
    pairs = corpus(500, rate=0.5, vocabulary=10)
    for (ref, hyp), row in zip(pairs, our_counts(pairs, "word"), strict=True):
        assert sum(row[1:]) == Levenshtein.distance(ref.split(), hyp.split())
