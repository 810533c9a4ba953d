"""Confusions and rates by word: the lists of sclite and the numbers of jiwer."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections import Counter

import jiwer
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrlab import groups, tables
from asrlab.errors import InvalidInput
from asrlab.scoring.confusions import confusions, word_rates

KINDS = {"equal": "hit", "substitute": "sub", "delete": "del", "insert": "ins"}
WORDS = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)


def table(rows, **columns):
    """Make a table of edits of (utt_id, kind, ref, hyp)."""
    frame = pd.DataFrame(rows, columns=["utt_id", "kind", "ref", "hyp"]).assign(unit="word", ties="jiwer")
    return tables.check(frame.assign(**columns), "edits", required=("utt_id",))


def aligned_by_jiwer(pairs):
    """Align pairs of texts with jiwer, hits included, one utterance each."""
    rows = []
    for number, (ref, hyp) in enumerate(pairs):
        out = jiwer.process_words(ref, hyp)
        said, heard = ref.split(), hyp.split()
        for step in out.alignments[0]:
            left = said[step.ref_start_idx : step.ref_end_idx] or [None] * (step.hyp_end_idx - step.hyp_start_idx)
            right = heard[step.hyp_start_idx : step.hyp_end_idx] or [None] * len(left)
            rows += [(f"u{number}", KINDS[step.type], a, b) for a, b in zip(left, right, strict=True)]
    return rows


EDITS = table(
    [
        ("u1", "sub", "two", "to"),
        ("u1", "sub", "two", "to"),
        ("u2", "sub", "two", "too"),
        ("u2", "sub", "kim", "him"),
        ("u2", "hit", "two", "two"),
        ("u1", "del", "a", None),
        ("u3", "del", "a", None),
        ("u3", "del", "the", None),
        ("u3", "ins", None, "uh"),
        ("u3", "ins", None, "to"),
        ("u3", "hit", "kim", "kim"),
    ]
)


def listed(found):
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in found.itertuples(index=False)]


# --- confusions


def test_most_frequent_first_then_by_text():
    found = confusions(EDITS)
    assert list(found.columns) == ["condition", *tables.SCHEMAS["confusions"]]
    assert listed(found[["kind", "ref", "hyp", "count", "n_utts"]]) == [
        ("sub", "two", "to", 2, 1),
        ("sub", "kim", "him", 1, 1),
        ("sub", "two", "too", 1, 1),
        ("del", "a", None, 2, 2),
        ("del", "the", None, 1, 1),
        ("ins", None, "to", 1, 1),
        ("ins", None, "uh", 1, 1),
    ]
    assert found["condition"].tolist() == ["unnamed"] * 7


def test_texts_of_equal_count_come_in_the_order_of_their_code_points():
    edits = table(
        [("u", "sub", ref, hyp) for ref, hyp in [("é", "a"), ("Z", "a"), ("中", "a"), ("a", "b"), ("a", "B")]]
    )
    found = confusions(edits)
    assert listed(found[["ref", "hyp"]]) == [("Z", "a"), ("a", "B"), ("a", "b"), ("é", "a"), ("中", "a")]


def test_kinds_and_number_are_chosen():
    assert confusions(EDITS, kinds="del")["ref"].tolist() == ["a", "the"]
    assert confusions(EDITS, kinds=["ins", "sub"], n=1)["hyp"].tolist() == ["to", "to"]
    assert confusions(EDITS, n=2)["kind"].tolist() == ["sub", "sub", "del", "del", "ins", "ins"]
    assert len(confusions(EDITS, n=None)) == 7


def test_lists_of_a_person_and_a_setting():
    edits = pd.concat([EDITS.assign(context="b"), EDITS.head(1).assign(context="a")], ignore_index=True)
    assert confusions(edits, n=1, kinds="sub")[["context", "count"]].to_numpy().tolist() == [["b", 2], ["a", 1]]
    assert listed(confusions(edits, [], n=1, kinds="sub")[["ref", "hyp", "count"]]) == [("two", "to", 3)]
    who = pd.DataFrame({"utt_id": ["u1", "u2", "u3"], "speaker": ["kim", "lee", "lee"], "tags": [["x", "y"], [], None]})
    by_speaker = confusions(edits, "speaker", n=1, dataset=who)
    assert listed(by_speaker[["speaker", "kind", "count"]]) == [
        *(("kim", "sub", 3), ("kim", "del", 1)),
        *(("lee", "sub", 1), ("lee", "del", 1), ("lee", "ins", 1)),
    ]
    by_tag = confusions(edits, "tag", n=1, kinds="sub", dataset=who)
    assert listed(by_tag[["tag", "count"]]) == [("x", 3), ("y", 3), (None, 1)]


@pytest.mark.parametrize("column", groups.APART)
@pytest.mark.parametrize("count", [confusions, word_rates])
def test_what_is_counted_otherwise_is_never_pooled(count, column):
    plain = EDITS.assign(form="spoken", normalizer="en-1")
    other = plain.assign(**{column: pd.NA if column == "ties" else "other"})
    both = count(pd.concat([plain, other], ignore_index=True), [], n=None)
    alone = count(plain, [], n=None)
    pd.testing.assert_frame_equal(both.head(len(alone)), alone)
    assert len(both) == 2 * len(alone)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8), st.randoms())
def test_counts_are_those_of_jiwer_in_any_order(pairs, rng):
    out = jiwer.process_words([ref for ref, _ in pairs], [hyp for _, hyp in pairs])
    expected = jiwer.collect_error_counts(out)  # substitutions, insertions, deletions: each a run of words
    rows = aligned_by_jiwer(pairs)
    rng.shuffle(rows)
    found = confusions(table(rows), n=None)
    for kind, counts in zip(("sub", "ins", "del"), expected, strict=True):
        words = Counter()
        for run, times in counts.items():
            for pair in zip(*(side.split() for side in run), strict=True) if kind == "sub" else run.split():
                words[pair] += times
        mine = found[found["kind"] == kind]
        said = {"sub": list(zip(mine["ref"], mine["hyp"], strict=True)), "ins": mine["hyp"], "del": mine["ref"]}
        assert dict(zip(said[kind], mine["count"], strict=True)) == words
    ordered = table(sorted(rows, key=str))
    pd.testing.assert_frame_equal(found, confusions(ordered, n=None))


# --- by word


def test_what_becomes_of_each_word():
    found = word_rates(EDITS)
    assert list(found.columns) == ["condition", *tables.SCHEMAS["word_rates"]]
    columns = ["word", "said", "hits", "subs", "dels", "ins", "heard_for", "n_utts"]
    assert listed(found[columns]) == [
        ("two", 4, 1, 3, 0, 0, 0, 2),
        ("a", 2, 0, 0, 2, 0, 0, 2),
        ("kim", 2, 1, 1, 0, 0, 0, 2),
        ("the", 1, 0, 0, 1, 0, 0, 1),
        ("him", 0, 0, 0, 0, 0, 1, 0),
        ("to", 0, 0, 0, 0, 1, 2, 0),
        ("too", 0, 0, 0, 0, 0, 1, 0),
        ("uh", 0, 0, 0, 0, 1, 0, 0),
    ]
    assert found["rate"].fillna(-1).tolist() == [0.75, 1, 0.5, 1, -1, -1, -1, -1]
    assert word_rates(EDITS, n=2)["word"].tolist() == ["two", "a"]


def test_groups_have_their_own_words():
    edits = pd.concat([EDITS.assign(context="b"), EDITS.tail(2).assign(context="a")], ignore_index=True)
    assert listed(word_rates(edits, n=1)[["context", "word", "said"]]) == [("b", "two", 4), ("a", "kim", 1)]
    assert word_rates(edits, [])["said"].sum() == 10


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_words_add_up_to_the_texts_and_to_jiwer(pairs):
    edits = table(aligned_by_jiwer(pairs))
    if len(edits) and not (edits["kind"] == "hit").any():
        with pytest.raises(InvalidInput, match="no hit among these edits"):
            word_rates(edits)
        return
    found = word_rates(edits).set_index("word")
    said = Counter(word for ref, _ in pairs for word in ref.split())
    heard = Counter(word for _, hyp in pairs for word in hyp.split())
    assert found["said"][found["said"] > 0].to_dict() == said
    answered = found["hits"] + found["ins"] + found["heard_for"]
    assert answered[answered > 0].to_dict() == heard
    assert (found["hits"] + found["subs"] + found["dels"] == found["said"]).all()
    holding = Counter(word for ref, _ in pairs for word in set(ref.split()))
    assert found["n_utts"][found["n_utts"] > 0].to_dict() == holding
    out = jiwer.process_words([ref for ref, _ in pairs], [hyp for _, hyp in pairs])
    totals = found[["hits", "subs", "dels", "ins"]].sum().tolist()
    assert totals == [out.hits, out.substitutions, out.deletions, out.insertions]


def without_hits(edits):
    return edits[edits["kind"] != "hit"]


@pytest.mark.parametrize("column", ["system", "pair", "condition", "form", "normalizer", "unit", "ties"])
@pytest.mark.parametrize("by", [None, [], "utt_id"])
def test_hits_must_be_there_in_each_setting_whatever_it_is_grouped_by(column, by):
    with_, bare = EDITS.assign(**{column: "A"}), without_hits(EDITS).assign(**{column: "B"})
    others = bare.assign(**{column: "C"})
    with pytest.raises(InvalidInput, match=rf"no hit among the edits of {column} B, so .*edits\(\.\.\., hits=True\)"):
        word_rates(pd.concat([with_, bare]), by)
    with pytest.raises(InvalidInput, match=f"the edits of {column} B and of 1 more, so"):
        word_rates(pd.concat([with_, bare, others]), by)
    with pytest.raises(InvalidInput, match=f"the edits of {column} (<NA>|unnamed), so"):
        word_rates(pd.concat([with_, bare.assign(**{column: pd.array([pd.NA] * len(bare), dtype="string")})]), by)
    both = word_rates(pd.concat([with_, EDITS.assign(**{column: "B"})]), by)
    assert both["said"].sum() == 2 * word_rates(EDITS, [])["said"].sum()
    with pytest.raises(InvalidInput, match="no hit among these edits, so"):
        word_rates(bare, by)


def test_an_utterance_in_which_nothing_was_right_is_none_without_hits():
    found = word_rates(EDITS, "utt_id")
    said = found[(found["utt_id"] == "u1") & (found["said"] > 0)]
    assert listed(said[["word", "said", "rate"]]) == [("two", 2, 1), ("a", 1, 1)]


def test_axes_of_edits_may_have_the_names_of_columns_made_of_scores():
    edits = pd.concat([EDITS.assign(pair="en-fr", errors="x"), EDITS.assign(pair="en-de", errors="x")])
    assert word_rates(edits, n=1)["pair"].tolist() == ["en-fr", "en-de"]
    assert confusions(edits, n=1)["errors"].unique().tolist() == ["x"]


# --- sclite


def lists_of_sclite(report):
    """Read the lists of a detailed report: title -> {entry: how often}."""
    found = {}
    for title, body in re.findall(r"^([A-Z ]+?) +Total +\(\d+\)\n(.*?)^ +-------", report, re.MULTILINE | re.DOTALL):
        found[title] = {
            entry: int(times) for times, entry in re.findall(r"^ *\d+: +(\d+) +-> +(.*)$", body, re.MULTILINE)
        }
    return found


def test_lists_are_those_of_sclite_on_its_own_alignments(tmp_path):
    sclite = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")
    if sclite is None:
        pytest.skip("NIST sclite is not installed (Debian: sctk)")
    rng = random.Random(7)
    vocabulary = [f"w{k}" for k in range(25)]
    refs = [rng.choices(vocabulary, k=12) for _ in range(80)]
    hyps = [[w if rng.random() > 0.3 else rng.choice(vocabulary) for w in ref if rng.random() > 0.1] for ref in refs]
    hyps = [[*hyp, *(rng.choices(vocabulary) if rng.random() < 0.3 else [])] for hyp in hyps]
    for name, texts in (("ref", refs), ("hyp", hyps)):
        lines = [f"{' '.join(words)} (spk-{number:04d})\n" for number, words in enumerate(texts)]
        (tmp_path / f"{name}.trn").write_text("".join(lines), "utf-8")
    command = [sclite, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o", "dtl", "sgml"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    rows = []
    for utt_id, path in re.findall(
        r'<PATH id="\((.*?)\)".*?>\n(.*?)\n</PATH>', (tmp_path / "hyp.trn.sgml").read_text()
    ):
        for letter, ref, hyp in re.findall(r'([CSDI]),(?:"(.*?)")?,(?:"(.*?)")?(?::|$)', path):
            kind = {"C": "hit", "S": "sub", "D": "del", "I": "ins"}[letter]
            rows.append((utt_id, kind, ref or None, hyp or None))
    edits = table(rows, ties="sclite")
    assert (edits["kind"] != "ins").sum() == 80 * 12
    theirs = lists_of_sclite((tmp_path / "hyp.trn.dtl").read_text())
    found = confusions(edits, n=None)
    sub, gone, new = (found[found["kind"] == kind] for kind in ("sub", "del", "ins"))
    assert min(map(len, (sub, gone, new))) > 5
    pairs = zip(sub["ref"] + " ==> " + sub["hyp"], sub["count"], strict=True)
    assert theirs["CONFUSION PAIRS"] == dict(pairs)
    assert theirs["DELETIONS"] == dict(zip(gone["ref"], gone["count"], strict=True))
    assert theirs["INSERTIONS"] == dict(zip(new["hyp"], new["count"], strict=True))
    by_word = word_rates(edits).set_index("word")
    assert theirs["SUBSTITUTIONS"] == by_word["subs"][by_word["subs"] > 0].to_dict()
    assert theirs["FALSELY RECOGNIZED"] == by_word["heard_for"][by_word["heard_for"] > 0].to_dict()
    assert theirs["DELETIONS"] == by_word["dels"][by_word["dels"] > 0].to_dict()
    assert theirs["INSERTIONS"] == by_word["ins"][by_word["ins"] > 0].to_dict()


# --- said where it is wrong


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: confusions(EDITS, kinds="hit"), "some of sub, del, ins, not 'hit'"),
        (lambda: confusions(EDITS, kinds=[]), "not none"),
        (lambda: confusions(EDITS, n=0), "n must be 1 or more"),
        (lambda: word_rates(EDITS, n=-1), "n must be 1 or more"),
        (lambda: confusions(EDITS.assign(kind="S")), "one of sub, del, ins, hit, not 'S'"),
        (lambda: confusions(EDITS.assign(kind="sub")), "3 edits lack ref|2 edits lack ref, such as a sub in u3"),
        (lambda: confusions(EDITS.assign(kind="ins")), "3 edits lack hyp, such as a ins in u1"),
        (lambda: confusions(EDITS, "speaker"), "no column 'speaker'.*With dataset="),
        (lambda: confusions(EDITS, "block"), "no column 'block'"),
        (lambda: confusions(EDITS.assign(count=1)), "confusions has a column 'count' of its own"),
        (lambda: word_rates(EDITS.assign(word="x")), "word_rates has a column 'word' of its own"),
        (lambda: word_rates(EDITS[EDITS["kind"] != "hit"]), r"edits\(..., hits=True\)"),
        (lambda: confusions(EDITS.drop(columns="hyp")), "needs the column hyp"),
    ],
)
def test_what_is_wrong_is_said(call, says):
    with pytest.raises(InvalidInput, match=says):
        call()


@pytest.mark.parametrize("count", [confusions, word_rates])
@pytest.mark.parametrize("by", [None, [], ["context"]])
def test_nothing_gives_an_empty_table(count, by):
    found = count(EDITS.assign(context="a").head(0), by)
    assert found.empty
    assert list(found.columns)[-len(tables.SCHEMAS[count.__name__]) :] == list(tables.SCHEMAS[count.__name__])


def test_dtypes_are_those_of_the_tables_and_the_frame_is_left_alone():
    before = EDITS.copy()
    for count in (confusions, word_rates):
        found = count(EDITS, [])
        assert {n: str(d) for n, d in found.dtypes.items()} == {
            name: dtype for name, (dtype, _) in tables.SCHEMAS[count.__name__].items()
        }
    pd.testing.assert_frame_equal(EDITS, before)


def test_only_right_words_have_no_confusions():
    right = EDITS[EDITS["kind"] == "hit"]
    assert confusions(right).empty
    assert word_rates(right)["rate"].tolist() == [0, 0]
