"""References that may be written in several ways: in their text, and by tables of variants; the nearest is marked."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asrlab as lab
from asrlab import wordings
from asrlab.data.dataset import Dataset
from asrlab.errors import InvalidInput
from asrlab.scoring import Normalizer, alternatives
from asrlab.scoring.counts import count_pairs
from asrlab.scoring.lattice import Lattice, recut
from asrlab.scoring.sheet import Recipe
from asrlab.scoring.tokens import tokens
from asrlab.scoring.variants import variants_in
from asrlab.views import html

LOWER = Normalizer("lower", (str.lower,))
COUNTS = ["hits", "subs", "dels", "ins"]


def marked(heard, said, **how):
    return lab.score(heard, said, **{"normalizer": "none", "unit": "word"} | how)


def row(heard, said, *columns, **how):
    return marked([heard], [said], **how)[list(columns)].iloc[0].tolist()


# Reading.


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("so {um|uh|} yes", ["so um yes", "so uh yes", "so yes"]),
        ("colo{u|}r", ["colour", "color"]),
        ("我{想|要}喝", ["我想喝", "我要喝"]),
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("{ a | b c }d", ["a d", "b c d"]),
        ("{|uh}", ["", "uh"]),
        ("{a|a}", ["a"]),
        ("{a|b}{c|}", ["ac", "a", "bc", "b"]),
        ("{laughs} {a|b}", ["{laughs} a", "{laughs} b"]),
        ("x | y {a|b}", ["x | y a", "x | y b"]),
        (r"{\{a\|b\}|c} \|", ["{a|b} |", "c |"]),
        (r"\frac{a}{b} {c|}", [r"\frac{a}{b} c", r"\frac{a}{b}"]),
    ],
)
def test_a_text_with_alternatives_has_these_wordings(text, every):
    assert wordings.every(wordings.parts(text)) == every
    assert wordings.first_wording(text) == every[0]


@pytest.mark.parametrize("text", ["", "plain", "{laughs}", "a { b", "a } b", "a | b", "{x} | {y}", "}{", "{{x}}"])
def test_braces_without_alternatives_are_plain_text(text):
    assert "".join(way for (way,) in wordings.parts(text)) == text
    assert marked([text], [text])["wording"].isna().all()


@pytest.mark.parametrize("text", ["{|}", "function() { a || b }", r"\frac{|x|}{2}", "{a||b}", "{||a}"])
def test_braces_that_hold_nothing_are_refused_with_the_way_to_keep_them(text):
    with pytest.raises(InvalidInput, match=r"braces and bars of the text are \\\{ \\\| \\\}"):
        marked([text], [text])
    kept = wordings.literal(text)
    scores = marked([text], [kept])
    assert scores[COUNTS[1:]].to_numpy().sum() == 0
    assert scores["wording"].isna().all()
    assert lab.align(kept, text, normalizer="none", unit="word").hits == len(text.split())
    assert wordings.first_wording(kept) == text


@given(st.text(st.sampled_from("ab {}|\\"), max_size=12))
def test_any_text_can_be_kept_as_it_is(text):
    assert "".join(way for (way,) in wordings.parts(wordings.literal(text))) == text


def test_what_is_plain_is_shown_plain():
    said = pd.DataFrame({"utt_id": ["a"], "text": [r"{x|y} \{a\|b\}"]})
    ds = Dataset("d", said[["utt_id"]], said)
    heard = said.assign(text="y {a|b} z")
    scores = marked(heard, ds)
    assert scores[["wording", "ins"]].to_numpy().tolist() == [["y {a|b}", 1]]
    assert html.errors(scores, heard, ds).text.splitlines()[-1].strip() == "y {a|b} [+z]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("so {um|uh yes", r"a '\{' is not closed"),
        ("so um|uh} yes", r"a '\}' closes no '\{'"),
        ("{a|{b|c}}", "stand in braces that stand in others"),
        ("{a {b|c} d}", "stand in braces that stand in others"),
        ("{a {b} c|d}", "stand in braces that stand in others"),
        ("{a {b|c}", "stand in braces that stand in others"),
    ],
)
def test_broken_alternatives_name_whose_they_are(text, said):
    table = pd.DataFrame({"utt_id": ["fine", "bad"], "text": ["a", text]})
    with pytest.raises(InvalidInput, match=rf"reference of bad is not to be read \(.*\): .*{said}.*\{{one\|other\}}"):
        marked(table, table)
    with pytest.raises(InvalidInput, match=said):
        lab.align(text, "a")
    assert wordings.first_wording(text) == text
    ds = Dataset("d", pd.DataFrame({"utt_id": ["fine", "bad"]}), table)
    found = ds.check(audio=False).errors
    assert found[["check", "utt_id"]].to_numpy().tolist() == [["broken alternatives", "bad"]]


def test_alternatives_do_not_come_about_by_joining_channels():
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["x {a", "b|c} y"]})
    heard = said.assign(text="x")
    with pytest.raises(InvalidInput, match="reference of a is not to be read"):
        marked(heard, said, channels="joined")
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1, 2], "text": ["{x", "a | b", "y}"]})
    ds = Dataset("d", said[["utt_id"]].drop_duplicates(), said)
    scores = marked(said, ds, channels="joined")
    assert scores[["hits", "ref_len"]].to_numpy().tolist() == [[5, 5]]
    assert scores["wording"].isna().all()
    assert html.errors(scores, said, ds, utt_id="a").text.splitlines()[-1].strip() == "{x a | b y}"


def test_bars_of_sclite_are_plain():
    made = wordings.from_nist(r"a | b { c | d / e\ / @ / f }")
    assert wordings.every(wordings.parts(made)) == ["a | b c | d", "a | b e\\", "a | b f", "a | b"]


TEXTS = st.text(st.sampled_from("ab {}|\\"), max_size=8)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_joined_texts_have_the_alternatives_of_each(texts):
    try:
        apart = [wordings.parts(text) for text in texts]
    except InvalidInput:
        return
    each = [part for n, stretches in enumerate(apart) for part in [(" ",)] * (n > 0) + stretches]
    assert wordings.every(wordings.parts(wordings.joined(texts))) == wordings.every(each)


@given(st.text(st.sampled_from("ab {}|\\"), max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        made = wordings.every(wordings.parts(text))
    except InvalidInput:
        assert {"|"} & set(text)
        assert set("{}") & set(text)
        return
    assert len(set(made)) == len(made) >= 1


@given(st.text(st.sampled_from("ab {}/@|\\"), max_size=14))
def test_any_text_of_sclite_is_written_as_it_is_read(text):
    try:
        made = wordings.from_nist(text)
    except InvalidInput:
        return
    line = wordings.to_nist([made])
    assert wordings.every(wordings.parts(wordings.from_nist(line))) == wordings.every(wordings.parts(made))


# Marking.


def test_the_nearest_wording_wins_and_is_recorded():
    assert row("so uh yes", "so {um|uh|} yes", "hits", "dels", "ref_len", "wording") == [3, 0, 3, "so uh yes"]
    assert row("so yes", "so {um|uh|} yes", "hits", "ref_len", "wording") == [2, 2, "so yes"]
    # Of equals the longest, then the first.
    assert row("so er yes", "so {|um|uh} yes", "subs", "ins", "ref_len", "wording") == [1, 0, 3, "so um yes"]
    assert row("color", "colo{u|}r", "hits", "wording") == [1, "color"]
    assert row("我要喝", "我{想|要}喝", "hits", "wording", unit="char") == [3, "我要喝"]
    assert row("", "{a b|a}", "dels", "wording") == [1, "a"]


def test_what_has_no_alternatives_has_no_wording():
    scores = marked(["a b", "a b"], ["a b", "a {b|c}"])
    assert scores["wording"].isna().tolist() == [True, False]
    assert scores["wording"].dtype == "string"
    found = lab.edits(["a x", "a x"], ["a b", "a {b|c}"], normalizer="none", language="en")
    assert found["wording"].fillna("none").tolist() == ["none", "a b"]
    assert marked([None], ["a {b|c}"], missing="drop")["wording"].isna().all()


def test_numbered_alternatives_and_forms_compete_with_their_own():
    said = pd.DataFrame({
        "utt_id": "a", "form": ["spoken", "spoken", "written"], "alternative": [0, 1, 0],
        "text": ["it is {two|three}", "it's {two|four}", "it is 4"],
    })  # fmt: skip
    for text, expected in (
        ("it is three", ["spoken", 0, "it is three"]),
        ("it's four", ["spoken", 1, "it's four"]),
        ("it is 4", ["written", 0, None]),
    ):
        heard = pd.DataFrame({"utt_id": ["a"], "text": [text]})
        scores = marked(heard, said, form="best")[["marked_form", "alternative", "wording"]]
        assert scores.astype(object).where(scores.notna(), None).iloc[0].tolist() == expected


def test_terms_and_sentences_of_alternatives():
    ds = Dataset(
        "d", pd.DataFrame({"utt_id": ["a", "b"]}),
        pd.DataFrame({"utt_id": ["a", "b"], "text": ["{so|} kim met {him|her}", "{um|uh} hi"]}),
        pd.DataFrame({"utt_id": ["a"], "term": ["kim"], "role": ["present"]}),
    )  # fmt: skip
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["kin met her", "uh hi"]})
    assert marked(heard, ds, unit="term")[["utt_id", "dels", "ref_len"]].to_numpy().tolist() == [["a", 1, 1]]
    assert marked(heard, ds, unit="sentence")["subs"].tolist() == [1, 0]
    some = Dataset("d", ds.utterances, ds.references, ds.terms.assign(term="her"))
    with pytest.raises(InvalidInput, match="'her' in a"):  # as with numbered alternatives: not in each
        marked(heard, some, unit="term")


def test_terms_are_counted_in_the_nearest_of_many_wordings():
    said = pd.DataFrame({"utt_id": ["a"], "text": ["{um|uh|} kim " * 4 + "{met|saw} kim"]})
    ds = Dataset("d", said[["utt_id"]], said, pd.DataFrame({"utt_id": ["a"], "term": ["kim"], "role": ["present"]}))
    texts = ["kim " * 4 + "saw kim", "um kim kim kim kim met kim", "uh kin"]
    heard = pd.DataFrame({"utt_id": "a", "repeat": [0, 1, 2], "text": texts})
    scores = marked(heard, ds, unit="term")
    assert scores[["hits", "dels"]].to_numpy().tolist() == [[5, 0], [5, 0], [0, 5]]
    assert scores["wording"].nunique() == 3


def test_joined_channels_keep_their_alternatives():
    said = pd.DataFrame({"utt_id": "a", "channel": [0, 1], "text": ["{hi|hello} you", "colo{u|}r"]})
    heard = said.assign(text=["hello you", "color"])
    scores = marked(heard, said, channels="joined")
    assert scores[["hits", "wording"]].to_numpy().tolist() == [[3, "hello you color"]]


def test_segments_joined_to_a_recording_keep_their_alternatives(tmp_path):
    (tmp_path / "a.stm").write_text(
        "call 1 ann 0.00 0.50 { color / colour } of it\ncall 1 ann 0.50 1.00 { um / @ } yes\n"
    )
    ds = lab.load_dataset(tmp_path / "a.stm")
    assert ds.references["text"].tolist() == ["{color|colour} of it {um|} yes"]
    assert ds.segmented().references["text"].tolist() == ["{color|colour} of it", "{um|} yes"]
    heard = pd.DataFrame({"utt_id": ["call"], "text": ["colour of it yes"]})
    assert marked(heard, ds)[COUNTS].to_numpy().tolist() == [[4, 0, 0, 0]]
    times = {"start_s": [0.0, 0.1, 0.2, 0.6], "end_s": [0.1, 0.2, 0.3, 0.7]}
    words = pd.DataFrame({"utt_id": "call", **times, "text": heard["text"][0].split()})
    cut = lab.by_segment(heard, words, ds.segments)
    assert marked(cut, ds.segmented())["wording"].tolist() == ["colour of it", "yes"]


@pytest.mark.parametrize("groups", [1, 20])
def test_a_trial_without_an_answer_lacks_all_of_the_longest_wording(groups):
    scores = marked([None, ""], ["a" + " {b|c d|}" * groups] * 2, missing="all-deleted")
    longest = "a" + " c d" * groups
    assert scores[["dels", "wording"]].to_numpy().tolist() == [[1 + 2 * groups, longest], [1, "a"]]


# Many wordings: as if all had been tried.

WAYS = st.lists(st.sampled_from(["", "a", "b", "c", "a b", "b a", "c c c"]), min_size=1, max_size=4, unique=True)


def by_force(stretches, heard, recipe):
    """Fewest errors, and longest reference, of all wordings; and the first that has them."""
    texts = wordings.every(stretches)
    normal = [recipe.normalizer(text) for text in (*texts, heard)]
    refs = np.arange(len(texts))
    counts = count_pairs(normal, refs, np.full_like(refs, len(texts)), recipe.unit)
    errors, length = counts[:, 1:].sum(axis=1), counts[:, :3].sum(axis=1)
    best = np.lexsort((-length, errors))[0]
    return errors[best], length[best], texts[best]


@settings(max_examples=150, deadline=None)
@given(st.lists(WAYS, min_size=1, max_size=5), st.lists(st.sampled_from("abcd"), max_size=12))
def test_words_are_those_of_the_best_of_all_wordings(groups, heard):
    stretches = [part for ways in groups for part in (tuple(ways), (" x ",))]
    recipe = Recipe("word", lab.normalizer("en"))
    text = Lattice(stretches, recipe).nearest(" ".join(heard))
    errors, length, first = by_force(stretches, " ".join(heard), recipe)
    assert by_force([(text,)], " ".join(heard), recipe)[:2] == (errors, length)
    assert tokens(text, "word") == tokens(first, "word")


SIGNS = ["", "我", "想喝", "茶", "ab", "b", "กิ", "ี", "น้ำ", " "]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(SIGNS), min_size=1, max_size=3, unique=True), min_size=1, max_size=5),
    st.lists(st.sampled_from(SIGNS), max_size=8),
    st.sampled_from(["word", "char", "codepoint", "mixed"]),
    st.sampled_from(["none", "basic", "zh+script=keep"]),
)
def test_units_of_any_script_are_those_of_the_best_of_all_wordings(groups, heard, unit, chain):
    stretches = [tuple(ways) for ways in groups]
    if unit == "word" and chain.startswith("zh"):
        chain = "none"  # takes spaces out across the borders of stretches, where only words show it
    recipe = Recipe(unit, lab.normalizer(chain))
    text = Lattice(stretches, recipe).nearest("".join(heard))
    errors, length, _ = by_force(stretches, "".join(heard), recipe)
    assert by_force([(text,)], "".join(heard), recipe)[:2] == (errors, length)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b c", "c"]), WAYS.filter(lambda ways: len(ways) > 1)), max_size=4),
    st.lists(st.sampled_from("abcd"), max_size=10),
    st.sampled_from([1, 32]),
)
def test_scores_do_not_depend_on_how_many_are_tried(groups, heard, most):
    said = " ".join(f"{plain} {{{'|'.join(sorted(ways, reverse=True))}}}" for plain, ways in groups)
    heard = " ".join(heard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alternatives, "MOST_TRIED", 10**6)
        tried = marked([heard], [said])
        aligned = lab.align(said, heard, normalizer="none", unit="word")
        patch.setattr(alternatives, "MOST_TRIED", most)
        pd.testing.assert_frame_equal(marked([heard], [said]), tried)
        assert lab.align(said, heard, normalizer="none", unit="word") == aligned
    assert [aligned.hits, aligned.subs, aligned.dels, aligned.ins] == tried[COUNTS].iloc[0].tolist()
    assert len(lab.edits([heard], [said], normalizer="none", unit="word")) == tried[COUNTS[1:]].to_numpy().sum()


LONG = "{um|} it cost one hundred and {fifty|sixty} dollars {uh|} {you know|} {so|} {well|} {okay|}"


@pytest.mark.parametrize(
    "heard", ["it cost one hundred and sixty dollars", "It cost $160.", "um it cost 150 dollars okay"]
)
def test_a_right_answer_is_right_where_number_forms_work_across_alternatives(heard):
    how = {"language": "en", "normalizer": "auto+numbers"}
    scores = lab.score([heard], [LONG], **how)
    assert scores[COUNTS[1:]].to_numpy().sum() == 0
    assert lab.align(LONG, heard, **how).hits == scores["ref_len"][0]


@pytest.mark.parametrize("times", [40, pytest.param(120, marks=pytest.mark.acceptance)])
def test_among_number_words_the_best_of_many_wordings_is_hardly_ever_missed(times):
    """Of stretches taken by themselves alone, a third is missed."""
    words = [
        "one",
        "two",
        "fifty",
        "sixty",
        "hundred",
        "and",
        "point",
        "dollars",
        "percent",
        "half",
        "past",
        "3",
        "$",
        "20",
        "it",
        "cost",
        "of",
        "first",
        "May",
    ]
    rng = np.random.default_rng(3)
    recipe = Recipe("word", lab.normalizer("en", numbers=True))

    def phrase(*lengths):
        return " ".join(rng.choice(words, rng.choice(lengths)).tolist())

    missed = []
    for n in range(times):
        stretches = []
        for _ in range(rng.integers(3, 6)):
            ways = dict.fromkeys([phrase(1, 1, 2), phrase(0, 1, 1, 2)])
            stretches += [(phrase(1, 2, 3),), (" ",), tuple(ways), (" ",)]
        heard = str(rng.choice(wordings.every(stretches)))
        if n % 3 == 0:
            heard = " ".join(word for word in heard.split() if rng.random() > 0.1)
        found = Lattice(stretches, recipe).nearest(recipe.normalizer(heard) if n % 2 else heard)
        if by_force([(found,)], heard, recipe)[:2] != by_force(stretches, heard, recipe)[:2]:
            missed.append((stretches, heard))
    assert len(missed) <= times // 40, missed


def test_a_thousand_million_wordings_are_marked_together_with_others():
    said = pd.DataFrame({
        "utt_id": ["a", "b", "c", "c"], "alternative": [0, 0, 0, 1],
        "text": ["{um|} x " * 30, "plain {text|}", "{y|z} {y|z} {y|z} {y|z} {y|z} {y|z}", "x x"],
    })  # fmt: skip
    heard = pd.DataFrame({
        "utt_id": ["a", "b", "c"] * 3, "repeat": np.repeat([0, 1, 2], 3),
        "text": ["um x " * 30, "plain", "y z y z y z", "x " * 30, "plain text", "x x", "x um x", "", "z z z y y y"],
    })  # fmt: skip
    scores = marked(heard, said)
    errors = scores[COUNTS[1:]].sum(axis=1).tolist()
    assert errors == [0, 0, 0, 0, 0, 0, 28, 1, 0]
    assert scores["ref_len"].tolist() == [60, 1, 6, 30, 2, 2, 31, 1, 6]
    assert scores["alternative"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0]
    shown = scores["wording"].tolist()
    assert shown[2] == "y z y z y z"
    assert pd.isna(shown[5])
    assert shown[6].count("um") == 1


def test_a_long_reference_takes_no_time(monkeypatch):
    rng = np.random.default_rng(1)
    words = [f"w{n}" for n in rng.integers(0, 500, 2000)]
    said = [f"{{{word}|{word} x|}}" if n % 10 == 0 else word for n, word in enumerate(words)]
    heard = " ".join(word for n, word in enumerate(words) if n % 20)
    began = time.perf_counter()
    errors, length = row(heard, " ".join(said), "subs", "ref_len")
    assert time.perf_counter() - began < 5  # 0.2 s; each of 3^200 cannot be tried
    assert (errors, length) == (0, 1900)


def test_what_touches_is_one_stretch():
    assert recut([("the colo",), ("u", ""), ("r is",)], "word") == [("the ",), ("colour", "color"), (" is",)]
    assert recut([("a",), ("很", ""), ("b",)], "char") == [("a很b", "ab")]
    assert recut([("น",), ("ิ", "ี"), ("น",)], "char") == [("นิ", "นี"), ("น",)]
    assert recut([("我",), ("想", "要"), ("喝",)], "word") == [("我想喝", "我要喝")]
    text = "x" + "{a|b}" * 11
    with pytest.raises(InvalidInput, match=r"reference of 0 is not to be read: alternatives that touch .* one word"):
        marked(["x"], [text])


# Variants.

TABLE = [
    ["gonna", "going to"],
    ["ok", "okay", "o. k."],
    ["going to town", "off"],
    ["he's", "he is"],
    ["he's", "he has"],
    ["um", ""],
    ["拉麵", "拉面"],
]


@pytest.mark.parametrize(
    ("text", "every"),
    [
        ("I'm Gonna go", ["I'm Gonna go", "I'm Going to go"]),
        ("going  to, going, to", ["going to, going, to", "gonna, going, to"]),
        ("going to towns", ["going to towns", "gonna towns"]),
        ("going to town", ["going to town", "off", "gonna town"]),
        ("he’s ok.", ["he’s ok.", "he’s okay.", "he’s o. k..", "he has ok.", "he has okay.", "he has o. k..",
                      "he is ok.", "he is okay.", "he is o. k.."]),
        ("he is", ["he is", "he's"]),  # which is not "he has"
        ("um, yes", ["um, yes", "yes"]),
        ("吃拉面吧", ["吃拉面吧", "吃拉麵吧"]),
        ("我ok了", ["我ok了", "我okay了", "我o. k.了"]),
        ("book okra o-k ok'd bok's", ["book okra o-k ok'd bok's"]),
        ("{I'm gonna|we will} go", ["I'm gonna go", "I'm going to go", "we will go"]),
        ("gon{na|} {na|}", ["gonna na", "gonna", "going to na", "going to", "gon na", "gon"]),
    ],
)  # fmt: skip
def test_variants_widen_whole_words_of_references(text, every):
    made = alternatives._stretches("a", text, variants_in(TABLE))
    assert wordings.every(made) == every


def test_variants_are_right_in_references_and_never_merge_transcripts():
    how = {"variants": TABLE, "normalizer": "en"}
    assert row("we are going to", "We're... we are gonna!", "dels", "subs", "wording", **how) == [
        1, 0, "We're... we are going to!",
    ]  # fmt: skip
    assert row("he has", "he is", "subs", **how) == [1]
    assert row("he has", "he's", "subs", "wording", **how) == [0, "he has"]
    assert row("okay", "plain", "subs", **how) == [1]
    assert row("gonna", "{going to|}", "subs", "dels", **how) == [0, 0]
    assert lab.align("gonna go", "going to go", variants=TABLE).subs == 0
    assert len(lab.edits(["going to go"], ["gonna go"], variants=TABLE)) == 0


def test_a_longer_variant_does_not_hide_a_shorter_one():
    table = [["ok", "okay"], ["ok then", "alright then"], ["then now", "right away"]]
    for heard in ("okay then", "alright then", "ok then", "okay right away", "alright then now", "okay then now"):
        said = "ok then now" if heard.endswith(("now", "away")) else "ok then"
        assert row(heard, said, *COUNTS[1:], variants=table) == [0, 0, 0], heard
    assert row("okay", "ok then", "dels", variants=table) == [1]


def test_variants_that_overlap_without_end_are_taken_from_the_left():
    table = [["no no", "nope"], ["no", "nah"]]
    assert row("nah nope", "no no no", *COUNTS[1:], variants=table) == [0, 0, 0]
    assert row("nope " * 20, "no " * 40, *COUNTS[1:], variants=table) == [0, 0, 0]


@pytest.mark.parametrize(
    ("table", "text", "every"),
    [
        ([["UM", "UH"]], "um go", ["um go", "uh go"]),
        ([["UM", "UH"]], "Um GO", ["Um GO", "Uh GO"]),
        ([["UM", "UH"]], "UM go", ["UM go", "UH go"]),
        ([["um", "uh"]], "UM YES", ["UM YES", "UH YES"]),
        ([["gonna", "going to"]], "Gonna go", ["Gonna go", "Going to go"]),
        ([["Gonna", "Going to"]], "gonna go", ["gonna go", "going to go"]),
        ([["US", "United States"]], "the US", ["the US", "the United States"]),
        ([["US", "United States"], ["um", "uh"]], "tell us", ["tell us"]),
        ([["US", "UNITED STATES"]], "tell us", ["tell us", "tell united states"]),
        ([["um", ""]], "um, yes", ["um, yes", "yes"]),
        ([["um", ""]], "Yes, um, no um.", ["Yes, um, no um.", "Yes, um, no.", "Yes, no um.", "Yes, no."]),
        ([["um", ""]], "Yes, um.", ["Yes, um.", "Yes,"]),
        ([["um", ""]], "yes (um) no", ["yes (um) no", "yes no"]),
        ([["um", ""]], 'he: "um, no"', ['he: "um, no"', 'he: "no"']),
        ([["um", ""], ["uh", ""]], "I know uh um.", ["I know uh um.", "I know uh.", "I know um.", "I know."]),
        ([["嗯", ""]], "我，嗯，好", ["我，嗯，好", "我，好"]),
        ([["嗯", ""]], "我嗯，好", ["我嗯，好", "我，好"]),
    ],
)  # fmt: skip
def test_variants_stand_as_a_writer_would_have_them(table, text, every):
    assert wordings.every(alternatives._stretches("a", text, variants_in(table))) == every


def test_variants_stand_in_every_table_and_keep_what_they_make_apart():
    table = [["um", "uh"], ["gonna", "going to"]]
    said = pd.DataFrame({"utt_id": [f"u{n}" for n in range(8)], "form": "spoken", "text": "um a b"})
    ds = Dataset("d", said[["utt_id"]], said)
    on, off = (said[["utt_id"]].assign(text=text, hint=hint) for hint, text in (("on", "uh a b"), ("off", "uh a c")))
    widened = marked(on, ds, variants=table)
    form = widened["form"].unique().tolist()
    assert re.fullmatch(r"spoken\+variants:[0-9a-f]{8}", form[0])
    assert lab.edits(off, ds, normalizer="none", unit="word", variants=table)["form"].unique().tolist() == form
    assert marked(on, ds, variants=pd.DataFrame(table[::-1]))["form"].unique().tolist() == form
    assert marked(on, ds, variants=[*table, ["a", "b"]])["form"].unique().tolist() != form
    assert marked(on, ds, form="best", variants=table)["form"].str.startswith("best+variants:").all()
    both = pd.concat([widened, marked(off, ds)])
    with pytest.raises(InvalidInput, match="never agree in column 'form'"):
        lab.compare(both, "hint", "off")
    assert len(lab.summarize(both, by=[])) == 2
    both = lab.score(pd.concat([on, off]), ds, normalizer="none", unit="word", variants=table)
    text = " ".join(lab.sentences(lab.compare(both, "hint", "off")))
    assert f"spoken reference with variants {form[0][-8:]}" in text
    shown = html.errors(marked(off, ds, variants=[["x", "y"]]), off, ds).text
    assert "[um→uh] a [b→c]" in shown
    assert "spoken reference with variants" in shown


def test_terms_are_found_in_every_way_that_variants_write_them():
    said = pd.DataFrame({"utt_id": ["a"], "text": ["the colour film, the colour"]})
    listed = pd.DataFrame({"utt_id": "a", "term": ["colour", "colour film"], "role": "present"})
    ds = Dataset("d", said[["utt_id"]], said, listed)
    how = {"unit": "term", "language": "en", "normalizer": "en", "variants": [["colour", "color"], ["film", "movie"]]}
    for text, found in (("the color film the colour", [3, 0]), ("a colour movie", [2, 1]), ("a movie", [0, 3])):
        assert marked(said.assign(text=text), ds, **how)[["hits", "dels"]].to_numpy().tolist() == [found]
    with pytest.raises(InvalidInput, match=r"'colour' in a;.*variants= may make some, in which a part of the term"):
        marked(said, ds, **how | {"variants": [["the colour", "it"]]})


def test_many_wordings_are_marked_alike_by_other_processes():
    said = [f"{{um|uh|}} w{n} {{um|uh|}} x {{um|uh|}} y {{um|uh|}} z" for n in range(300)]
    heard = [f"um w{n} x uh {'z' * (n % 2)}" for n in range(300)]
    with ProcessPoolExecutor(2) as pool:
        pd.testing.assert_frame_equal(
            lab.score(heard, said, language="en", executor=pool), lab.score(heard, said, language="en")
        )


def test_the_unit_goes_by_the_reference_as_it_is_given():
    assert marked(["ok"], ["ok"], unit="auto", variants=[["ok", "好"]])["unit"].tolist() == ["word"]


def test_variants_come_from_frames_and_files(tmp_path):
    texts = [["gonna", "going to", None], ["ok", "okay", "o.k."]]
    csv, tsv = tmp_path / "v.csv", tmp_path / "v.tsv"
    csv.write_text("gonna,going to,\n\nok,okay,o.k.\n", encoding="utf-8")
    tsv.write_text("\ufeffgonna\tgoing to\nok\tokay\to.k.\n", encoding="utf-8")
    for given_ in (pd.DataFrame(texts), csv, str(tsv)):
        assert row("going to o.k.", "gonna ok", "hits", "wording", variants=given_) == [3, "going to o.k."]
        assert row("yes", "gonna yes", "dels", variants=given_) == [1]  # an empty cell is no way to write it
    csv.write_text("gonna,going to\na => b,c\n", encoding="utf-8")
    assert row("c", "a => b", *COUNTS[1:], variants=csv) == [0, 0, 0]
    rules = tmp_path / "rules.txt"
    rules.write_text(";; a comment\n* case_sensitive = 'F'\n[gonna] => [going to]\n", encoding="utf-8")
    assert row("going to", "gonna", *COUNTS[1:], variants=rules) == [0, 0, 0]


GLM = """\
;; what stands for what
* name "test.glm"
* copy_no_hit = 'T'
* case_sensitive = 'F'

um  => %hesitation / [ ] __ [ ] ;; a sound
[uh] => [%hesitation] / [ ] __ [ ]
[HE'S] => [{ HE IS / HE HAS }] / [ ] __ [ ]
and/or => and or / [ ] __ [ ]
[read] => [red] / [have ] __ [ ]
[you know] => [] / [ ] __ [ ]
color => colour
"""


@pytest.mark.parametrize(
    ("heard", "said", "errors"),
    [
        ("uh", "um", 0),
        ("%hesitation", "uh", 0),
        ("he has", "he's", 0),
        ("he's", "he has", 0),
        ("he is", "he has", 1),
        ("and or", "and/or", 0),
        ("have red", "have read", 0),
        ("i red", "i read", 1),
        ("so", "so you know", 0),
        ("so you know", "so", 2),
        ("colour", "Color", 0),
        ("colours", "colors", 1),
    ],
)
def test_rules_of_nist_make_alike_what_they_write_alike(tmp_path, heard, said, errors):
    (tmp_path / "t.glm").write_text(GLM)
    assert marked([heard], [said], normalizer=LOWER, variants=tmp_path / "t.glm")[COUNTS[1:]].to_numpy().sum() == errors


def test_rules_are_those_of_sctk(tmp_path):
    """What its filter makes of both sides is equal where we count no error."""
    rfilter = shutil.which("rfilter1") or shutil.which("rfilter1", path="/usr/lib/sctk/bin")
    if rfilter is None:
        pytest.skip("NIST's rfilter1 is not installed (Debian: sctk)")
    (tmp_path / "t.glm").write_text(GLM.replace("color => colour", "color => colour / [ ] __ [ ]"))
    texts = ["um", "uh", "%hesitation", "he's", "he is", "he has", "and/or", "and or", "have read", "have red",
             "i read", "i red", "color", "colour", "colors"]  # fmt: skip
    lines = "".join(f" {text} \n" for text in texts)
    done = subprocess.run([rfilter, tmp_path / "t.glm"], input=lines, capture_output=True, text=True, check=True)
    forms = [set(wordings.every(wordings.parts(wordings.from_nist(line.lower())))) for line in done.stdout.splitlines()]
    assert len(forms) == len(texts)
    pairs = list(itertools.product(range(len(texts)), repeat=2))
    said, heard = ([texts[pair[side]] for pair in pairs] for side in (0, 1))
    ours = marked(heard, said, normalizer=LOWER, variants=tmp_path / "t.glm")
    alike = ours[COUNTS[1:]].sum(axis=1).eq(0).tolist()
    assert alike == [bool(forms[a] & forms[b]) for a, b in pairs]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (["gonna", "going to"], r"Row 0 of the variants must be a list of texts, .* not 'gonna'"),
        ([["a", "b"], ["a", 3]], r"Row 1 of the variants must be a list of texts"),
        ([["ok", "OK"]], "Row 0 of the variants has one way to write it: 'ok', 'OK'"),
        (pd.DataFrame({"a": ["x"], "b": [None]}), "Row 0 of the variants has one way"),
        ([["a", "b"], 3], r"Row 1 of the variants must be a list of texts, .* not 3"),
        ("nowhere.csv", r"variants nowhere\.csv cannot be read"),
        ("gonna", r"A text is the path of a table\. Without one, give a list with a row for each thing"),
        ({"gonna": "going to"}, r"Variants must be a list with a row for each thing.*not a dict: list\(map\(list,"),
        (3, "Variants must be a list with a row for each thing.*, not a int"),
        ([["{um|uh}", ""]], r"alternatives in braces, '\{um\|uh\}'\. Give each way in a cell of its own"),
    ],
)
def test_variants_that_are_none_are_refused(given_, said):
    with pytest.raises(InvalidInput, match=said):
        marked(["a"], ["a"], variants=given_)


@pytest.mark.parametrize(
    ("rule", "said"),
    [("uh um", "line 2: this must be a rule, A => B, and is 'uh um'"), ("[] => [x]", "line 2: nothing stands before"),
     ("a => { b / c / [ ] __ [ ]", r"line 2: a '\{' is not closed")],
)  # fmt: skip
def test_a_broken_rule_is_named(tmp_path, rule, said):
    (tmp_path / "t.glm").write_text(f"a => b\n{rule}\n")
    with pytest.raises(InvalidInput, match=rf"t\.glm, {said}"):
        marked(["a"], ["a"], variants=tmp_path / "t.glm")


# Elsewhere.


def test_what_was_marked_is_what_is_shown():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["so {um|uh|} yes indeed", "colo{u|}r"]})
    ds = Dataset("d", said[["utt_id"]], said)
    heard = pd.DataFrame({"utt_id": ["a", "b"], "text": ["so uh yes", "colour x"]})
    scores = lab.score(heard, ds, language="en")
    shown = html.errors(scores, heard, ds).text
    assert "so uh yes [−indeed]" in shown
    assert "colour [+x]" in shown
    assert "made otherwise" not in shown
    assert not set("{}|") & set(shown)
    widened = lab.score(heard, ds, language="en", variants=[["colour x", "color"]])
    assert "colour x" in html.errors(widened, heard, ds, utt_id="b").text.splitlines()[-1]


def test_a_check_takes_alternatives_for_no_marks_of_a_transcriber():
    said = pd.DataFrame({"utt_id": ["a", "b"], "text": ["so {um|uh|} yes", "{laughs} yes"]})
    found = Dataset("d", said[["utt_id"]], said).check(audio=False).table
    assert found.loc[found["check"] == "markup", "utt_id"].tolist() == ["b"]
    assert "broken alternatives" not in set(found["check"])


def test_a_check_lists_texts_with_alternatives_for_those_who_meant_none():
    texts = ['{"a": "b|c"}', "so {um|uh} yes", "plain", r"\{a\|b\}", "{x} | {y}"]
    said = pd.DataFrame({"utt_id": list("abcde"), "text": texts})
    found = Dataset("d", said[["utt_id"]], said).check(audio=False).table.set_index("check").loc["alternatives"]
    assert (found["severity"], found["value"]) == ("note", 2)
    assert found["what"] == '2 of 5 texts, such as {"a": "b|c"}, so {um|uh} yes'


def test_bare_sets_and_writers_keep_braces(tmp_path):
    said = pd.DataFrame({"utt_id": ["a"], "text": ["so {um|uh|} yes colo{u|}r"]})
    ds = Dataset("d", pd.DataFrame({"utt_id": ["a"], "audio": ["a.wav"]}), said)
    assert ds.bare().references["text"].tolist() == said["text"].tolist()
    for name in ("m.jsonl", "m.csv"):
        ds.write(tmp_path / name)
        assert lab.load_dataset(tmp_path / name).references["text"].tolist() == said["text"].tolist()
    texts = pd.DataFrame({"utt_id": "a", "alternative": [0, 1], "text": ["b {c|d}", "e"]})
    several = replace(ds, references=texts)
    several.write(tmp_path / "n.trn")
    assert (tmp_path / "n.trn").read_text() == "{ b { c / d } / e } (a)\n"
    assert lab.load_dataset(tmp_path / "n.trn").references["text"].tolist() == ["{b c|b d|e}"]
    with pytest.raises(InvalidInput, match="signs that mean something else"):
        replace(ds, references=texts.assign(text=["b/c", "d"])).write(tmp_path / "m.trn")
    with pytest.raises(
        InvalidInput, match=r"alternatives that touch letters.*write \{colour\|color\} for colo\{u\|\}r"
    ):
        ds.write(tmp_path / "m.trn")


def test_segments_of_different_wordings_are_not_compared():
    said = pd.DataFrame({"utt_id": [f"u{n}" for n in range(8)], "text": "a {b|c} d"})
    heard = pd.concat([said.assign(text=text, hint=hint) for hint, text in (("on", "a b d"), ("off", "a c x"))])
    scores = marked(heard, said, language="en")
    found = lab.edits(heard, said, language="en", normalizer="none", unit="word")
    with pytest.raises(InvalidInput, match="marked against different references"):
        lab.compare(scores, "hint", "off", test="mapsswe", edits=found)


# NIST.


def sclite(tmp_path, *options):
    tool = shutil.which("sclite") or shutil.which("sclite", path="/usr/lib/sctk/bin")
    if tool is None:
        pytest.skip("NIST sclite is not installed (Debian: sctk)")
    command = [tool, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o", "pra", "stdout", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = re.findall(r"^id: \(s-(\d+)\).*?^Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout, re.M | re.S)
    assert found, done.stdout + done.stderr
    return {int(n): tuple(map(int, counts)) for n, *counts in found}


def test_alternatives_of_a_trn_file_are_marked_as_by_sclite(tmp_path):
    rng = np.random.default_rng(7)
    lines, heard = [], []
    for n in range(300):
        said, answer = [], []
        for word in rng.choice(list("abcdefgh"), rng.integers(3, 12)).tolist():
            ways = [word, *rng.choice(["a b", "c", "@", "d e f", "x"], rng.integers(0, 3), replace=False).tolist()]
            said.append(f"{{ {' / '.join(ways)} }}" if len(ways) > 1 else word)
            answer += [] if (way := str(rng.choice(ways))) == "@" else way.split()
        answer = [str(rng.choice(list("abcx"))) if rng.random() < 0.15 else w for w in answer if rng.random() > 0.05]
        lines.append(f"{' '.join(said)} (s-{n:04})\n")
        heard.append(" ".join(answer))
    (tmp_path / "ref.trn").write_text("".join(lines))
    (tmp_path / "hyp.trn").write_text("".join(f"{text} (s-{n:04})\n" for n, text in enumerate(heard)))
    theirs = sclite(tmp_path)
    ds = lab.load_dataset(tmp_path / "ref.trn")
    answers = pd.DataFrame({"utt_id": ds.utterances["utt_id"], "text": heard})
    ours = marked(answers, ds, ties="sclite")
    errors = ours[COUNTS[1:]].sum(axis=1).tolist()
    assert len(theirs) == len(ours) == 300
    assert errors == [sum(theirs[n][1:]) for n in range(300)]
    ds.write(tmp_path / "ref.trn")
    assert sclite(tmp_path) == theirs
