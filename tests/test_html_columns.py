"""Stacks as tables: what they say, that the twin says the same, and that nothing foreign becomes markup."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from markup_reader import HOSTILE, Reader, squeezed

from asrlab import tables
from asrlab.scoring.marking import score
from asrlab.views import html
from asrlab.views.html.stacked import under
from asrlab.views.stack import Cell, Line, Stack

LEGEND = "→ heard instead of what is above, − not heard, + heard beyond what was said"


def dataset(language="en", **said):
    ids = list(said)
    return SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": ids, "language": language}),
        references=pd.DataFrame({"utt_id": ids, "text": list(said.values())}),
        terms=tables.empty("terms"),
    )


def heard(**texts):
    """Make transcripts of utterance a, a condition each; None has failed."""
    rows = [
        {"utt_id": "a", "condition": name, "text": text, "state": "failed" if text is None else "answered"}
        for name, text in texts.items()
    ]
    return pd.DataFrame(rows)


def shown(said, answers, **options):
    return html.stacked(score(answers, said, missing="drop"), answers, said, "a", **options)


SAID = dataset(a="we met at a small hall at nine")
HEARD = heard(
    none="we meet at the mall at nine",
    terms="We met at a small hall, at nine!",
    lost=None,
    still="",
    much="so we met at",
)


def test_a_stack_reads_column_by_column():
    assert repr(shown(SAID, HEARD)).splitlines() == [
        "a — unstated reference, en-2 — 8 words",
        "reference  errors  +    we  met    at  a     small   hall   at   nine",
        "none       4            we  →meet  at  →the  →mall   −hall  at   nine",
        "terms      0            we  met    at  a     small   hall   at   nine",
        "lost       –       Failed; not counted",
        "still      8       Answered, and nothing was heard: the transcript is empty; 8 errors in 8 words "
        "(0 substituted, 8 deleted, 0 inserted)",
        "much       6       +so  we  met    at  −a    −small  −hall  −at  −nine",
        LEGEND,
    ]


def test_the_table_says_what_its_twin_says_and_is_one_to_a_screen_reader():
    piece = shown(SAID, HEARD)
    reader = Reader(piece.markup)
    text = squeezed(reader.text)
    for line in repr(piece).splitlines():
        assert squeezed(line) in text
    assert reader.seen.count("th") == 11 + 5
    assert piece.markup.count('scope="col"') == 11
    assert piece.markup.count('scope="row"') == 5
    assert piece.markup.count("<caption") == 1
    assert reader.seen.count("td") == 5 + 3 * 9 + 2
    # Without styles, signs and the elements for what is gone and what is new are left.
    assert (reader.seen.count("mark"), reader.seen.count("del"), reader.seen.count("ins")) == (3, 6, 4)
    assert "4 errors in 8 words (3 substituted, 1 deleted, 0 inserted)" in reader.text


def test_answers_that_came_to_the_same_are_folded_where_asked():
    answers = heard(a="one two", b="One, two.", c="one", d="one", e=None, f=None, g="two two")
    lines = repr(shown(dataset(a="one two"), answers, fold=True)).splitlines()
    assert lines[1:6] == [
        "reference         errors  one   two",
        "2 the same: a; b  0       one   two",
        "2 the same: c; d  1       one   −two",
        "2 the same: e; f  –       Failed; not counted",
        "g                 1       →two  two",
    ]
    assert len(repr(shown(dataset(a="one two"), answers)).splitlines()) == 10


def test_long_names_are_told_apart_in_text():
    name = "language=right, enable_itn=False, context="
    answers = heard(**{f"{name}none": "one two", f"{name}terms": "one too"})
    lines = repr(shown(dataset(a="one two"), answers)).splitlines()
    assert lines[1:] == [
        f"(1) {name}none",
        f"(2) {name}terms",
        "reference  errors  one  two",
        "(1)        0       one  two",
        "(2)        1       one  →too",
        LEGEND,
    ]


def test_long_utterances_go_into_several_tables():
    said = " ".join(f"word{n}" for n in range(30))
    piece = shown(dataset(a=said), heard(x=said.replace("word3 ", "third "), y=None), width=60, context=None)
    captions = [line for line in repr(piece).splitlines() if line.startswith("a —")]
    assert captions[0] == "a — unstated reference, en-2 — words 1 to 8 of 30"
    assert captions[-1].endswith("of 30")
    assert Reader(piece.markup).seen.count("table") == len(captions) == 5
    assert piece.markup.count("Failed") == 2  # in the first table, and as written
    assert all(len(line) <= 60 + len("reference  errors  ") for line in repr(piece).splitlines() if line[0] in "rxy")
    # Every word stands once in the row of the reference, in order.
    heads = [line.split() for line in repr(piece).splitlines() if line.startswith("reference")]
    assert " ".join(word for row in heads for word in row if word.startswith("word")) == said


def test_what_all_have_right_for_long_is_left_out_and_counted():
    said = " ".join(f"w{n}" for n in range(40))
    answers = heard(x=said.replace("w20 ", "v "), y=said)
    lines = repr(shown(dataset(a=said), answers, context=2, width=100)).splitlines()
    heads = ["w0", "w1", "… 16 right …", "w18", "w19", "w20", "w21", "w22", "… 15 right …", "w38", "w39"]
    assert lines[1].split("  ")[2:] == heads
    assert lines[2].split()[2:] == ["w0", "w1", "w18", "w19", "→v", "w21", "w22", "w38", "w39"]
    loop = heard(x="yes " + "no " * 500)
    looped = repr(shown(dataset(a="yes"), loop))
    assert "… 484 inserted …" in looped
    assert looped.count("+no") == 16


def test_errors_that_are_left_out_are_counted_in_the_row_of_each_answer():
    """What is wrong in one way for long: of what kind, and how much, differs from row to row."""
    said = " ".join(f"w{n}" for n in range(40))
    answers = heard(x=said.replace("w", "x"), y=said.replace("w", "y"), z=said, lost=None, gone="w0")
    piece = shown(dataset(a=said), answers, context=2, width=200)
    lines = repr(piece).splitlines()
    assert ["alike" in line for line in lines] == [False] * len(lines)
    assert "… 35 …" in lines[1]
    for line, left in zip(
        lines[2:], ("35 substituted", "35 substituted", "35 right", None, "35 deleted"), strict=False
    ):
        assert (f"… {left} …" in line) == (left is not None)
    assert squeezed("… 35 deleted …") in squeezed(Reader(piece.markup).text)
    signs = heard(x="听" * 30, y="睡" * 30)
    lines = repr(
        shown(dataset("zh", a="今天天气很好我们一起去公园散步然后回家吃饭看电影休息了吧"[:30]), signs, context=4)
    ).splitlines()
    assert [line.count("substituted …") for line in lines[1:4]] == [0, 1, 1]
    assert shown(dataset(a=said), answers, context=None).text.count("→x") == 40


def test_characters_stand_together_without_gaps():
    answers = heard(x="今天田七很", y="今天天气很好", z="今天的天气")
    assert repr(shown(dataset("zh", a="今天天气很好"), answers)).splitlines() == [
        "a — unstated reference, zh-2 — 6 characters",
        "reference  errors  今天  天气很好",
        "x          3       今天  →田七很−好",
        "y          0       今天  天气很好",
        "z          3       今天  +的天气−很好",
        LEGEND,
    ]


def test_a_language_from_right_to_left_is_laid_out_so():
    piece = shown(dataset("he", a="שלום עולם"), heard(x="שלום"))
    assert '<table dir="rtl"' in piece.markup
    assert "dir=" not in shown(SAID, HEARD).markup.split("<caption")[0]
    assert "\u202e" not in piece.markup


def test_nothing_said_and_nothing_heard():
    piece = shown(dataset(a=""), heard(x="", y="well"))
    assert repr(piece).splitlines()[1:4] == [
        "reference  errors  +",
        "x          0       Answered, and nothing was heard: the transcript is empty; 0 errors in 0 words "
        "(0 substituted, 0 deleted, 0 inserted)",
        "y          1       +well",
    ]
    assert repr(shown(dataset(a="one"), heard(x=None))).splitlines()[2].endswith("Failed; not counted")
    assert "its reference is not here" in repr(html.stacked(score(HEARD, SAID, missing="drop"), HEARD, None, "a"))


def test_what_is_to_be_minded_is_said():
    scores = score(HEARD, SAID, missing="drop").assign(subs=7)
    piece = html.stacked(scores, HEARD, SAID, "a", conditions=["none"])
    assert "none: this alignment has 4: the scores were made otherwise" in repr(piece)
    assert "the scores were made otherwise" in Reader(piece.markup).text


def test_errors_in_another_unit_say_so():
    said = dataset(a="ask siobhan now")
    said.terms = tables.check(pd.DataFrame({"utt_id": ["a"], "term": ["Siobhan"], "role": ["present"]}), "terms")
    answers = heard(x="ask Shivon then")
    terms = score(answers, said, unit="term", missing="drop")
    assert repr(html.stacked(terms, answers, said, "a")).splitlines()[1].split("  ")[1] == "term errors"


@pytest.mark.parametrize("text", [text for text in HOSTILE if text and "\ud800" not in text])
def test_stacks_are_safe_everywhere(text):
    said = SimpleNamespace(
        utterances=pd.DataFrame({"utt_id": [text], "language": "en"}),
        references=pd.DataFrame({"utt_id": [text], "text": [f"{text} said"]}),
        terms=tables.empty("terms"),
    )
    answers = pd.DataFrame(
        [
            {"condition": text, "text": f"{text} heard", "state": "answered"},
            {"condition": f"{text}2", "text": f"not {text}", "state": "answered"},
            {"condition": "lost", "text": None, "state": "failed", "error": text},
        ]
    ).assign(utt_id=text)
    piece = html.stacked(score(answers, said, missing="drop", normalizer="none"), answers, said, text)
    reader = Reader(piece.markup)
    harmless = html.stacked(
        *(frame.replace({text: "u"}) for frame in (score(answers, said, missing="drop", normalizer="none"), answers)),
        None,
        "u",
    )
    assert reader.seen.count("caption") == reader.seen.count("table")
    assert Reader(harmless.markup)
    assert "Failed" in reader.text
    piece.markup.encode()
    for sign in "\u202e\x00\r":
        assert sign not in piece.markup + repr(piece)


def test_a_text_of_ten_thousand_characters_stays_readable():
    long = "x" * 10_000
    piece = shown(dataset(a=f"one {long} two"), heard(x=f"one {long}y two", y="one two"))
    assert "(10,001 characters)" in repr(piece)
    assert max(map(len, repr(piece).splitlines())) < 400
    assert len(piece.markup) < 45_000  # what was written stands there once for each text
    many = " ".join(f"w{n}" for n in range(2000))
    loop = shown(dataset(a="w0"), heard(x=many))
    assert "… 1983 inserted …" in repr(loop)
    stuck = heard(x="we met " + "at " * 3000)
    assert "… 2914 inserted …" in repr(html.errors(score(stuck, SAID, missing="drop"), stuck, SAID))


def test_stacks_that_are_there_already_can_be_shown():
    line = Line("c", 1, 2, "answered", "1 error", 1, (Cell("sub", "a", "b"),), "b", aligned=True)
    piece = under([Stack("u", ("a",), "word", None, (line,))])
    assert repr(piece).splitlines()[:3] == [
        "u — 1 word",
        "reference                 errors  a",
        "c · repeat 1 · channel 2  1       →b",
    ]
    assert repr(under([])) == ""


def test_only_what_is_worth_it_is_left_out_and_its_place_is_counted():
    said = [f"w{n}" for n in range(40)]
    few, more, many = (" ".join(said[:n]) for n in (8, 9, 40))
    assert "…" not in repr(shown(dataset(a=few), heard(x=few), context=2))
    assert "… 5 right …" in repr(shown(dataset(a=more), heard(x=more), context=2))
    captions = [
        line for line in repr(shown(dataset(a=many), heard(x=many), context=2, width=22)).splitlines() if "—" in line
    ]
    assert [line.split("words ")[1] for line in captions] == ["1 to 38 of 40", "39 to 40 of 40"]
